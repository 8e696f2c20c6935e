"""What the calls to an object store promise, asked of a server that speaks S3."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from obstore.exceptions import GenericError

from pipeline.base.errors import ConfigurationError, StoreRefused
from pipeline.objects.stores import ObjectStore, TagDiffers

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_of_two_that_create_a_key_one_wins(bucket: str) -> None:
    store = ObjectStore(f"{bucket}/lake")
    assert store.put_if_absent("log/0.json", b"first")
    assert not store.put_if_absent("log/0.json", b"second")
    got = store.get("log/0.json")
    assert got is not None
    assert got[0] == b"first"


def test_creating_the_same_bytes_again_is_no_conflict(bucket: str) -> None:
    store = ObjectStore(bucket)
    assert store.put_if_absent("a", b"same")
    assert store.put_if_absent("a", b"same")


def test_an_object_is_replaced_by_whoever_knows_what_is_there(bucket: str) -> None:
    store = ObjectStore(f"{bucket}/lake")
    first = store.replace("manifest", b"1", tag=None)
    second = store.replace("manifest", b"2", tag=first)
    assert second != first
    with pytest.raises(TagDiffers):
        store.replace("manifest", b"3", tag=first)
    with pytest.raises(TagDiffers):
        store.replace("manifest", b"3", tag=None)
    assert store.get("manifest") == (b"2", second)


def test_of_none_there_is_nothing_to_replace(bucket: str) -> None:
    store = ObjectStore(bucket)
    tag = store.replace("manifest", b"1", tag=None)
    store.remove("manifest")
    with pytest.raises(TagDiffers):
        store.replace("manifest", b"2", tag=tag)
    assert store.get("manifest") is None


class Missing:
    """Answers 404 to whoever replaces what is not there, as S3 does; others say that the condition is not met."""

    def put(self, key: str, *_: object, **__: object) -> None:
        raise FileNotFoundError(key)

    get = put


def test_a_store_that_lacks_what_is_to_be_replaced_may_say_so(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ObjectStore(bucket)
    monkeypatch.setattr(store, "_store", Missing())
    with pytest.raises(TagDiffers):
        store.replace("manifest", b"2", tag='"1"')
    with pytest.raises(StoreRefused):
        store.replace("manifest", b"2", tag=None)  # that is not what was asked for: there is no such bucket


def test_an_object_is_put_whether_it_is_there_or_not_and_its_age_is_of_that_put(bucket: str) -> None:
    store = ObjectStore(bucket)
    for content in (b"1", b"2"):
        store.put("piece", content)
        got = store.get("piece")
        assert got is not None
        assert got[0] == content


class Azure:
    """Lists as Azure does: tags without quotes, and from a key on, itself included."""

    def list(self, prefix: str | None, *, offset: str | None) -> Iterator[list[dict[str, object]]]:
        del prefix, offset
        for name in ("log/0", "log/1", "log/2"):
            yield [{"path": name, "size": 1, "e_tag": "0x8D", "last_modified": datetime(2026, 11, 2, tzinfo=UTC)}]


def test_keys_that_a_store_lists_before_the_one_that_was_named_are_left_out_and_tags_are_as_in_conditions(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ObjectStore(bucket)
    monkeypatch.setattr(store, "_store", Azure())
    assert [(each.key, each.tag) for each in store.list("log", after="log/0")] == [
        ("log/1", '"0x8D"'),
        ("log/2", '"0x8D"'),
    ]


class BreaksOff(Azure):
    """Breaks off after each of so many objects, and knows behind which keys it was asked to begin."""

    def __init__(self, *listed: int) -> None:
        self.listed = [*listed]
        self.offsets: list[str | None] = []

    def list(self, prefix: str | None, *, offset: str | None) -> Iterator[list[dict[str, object]]]:
        self.offsets.append(offset)
        pages = super().list(prefix, offset=offset)
        if not self.listed:
            yield from pages
        else:
            yield from islice(pages, self.listed.pop(0))
            message = "no answer"
            raise GenericError(message)


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ((1,), ([None, "log/0"], ["log/0", "log/1", "log/2"])),
        ((2,), ([None, "log/1"], ["log/0", "log/1", "log/2"])),
        ((2,), (["log/0", "log/1"], ["log/1", "log/2"])),
        ((2, 1), ([None, "log/1", "log/1"], ["log/0", "log/1", "log/2"])),
        ((0, 3), ([None, None, "log/2"], ["log/0", "log/1", "log/2"])),
    ],
)
def test_a_list_that_breaks_off_goes_on_behind_the_last_key_and_tells_none_twice(
    listed: tuple[int, ...], asked: tuple[list[str | None], list[str]], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offsets, keys = asked
    store, lists = ObjectStore(bucket), BreaksOff(*listed)
    monkeypatch.setattr(store, "_store", lists)
    assert [each.key for each in store.list("log", after=offsets[0])] == keys
    assert lists.offsets == offsets


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        ("s3://books/lake", "AWS_ENDPOINT_URL"),
        ("gs://books/lake", "GOOGLE_BASE_URL"),
        ("az://books/lake", "AZURE_STORAGE_ENDPOINT"),
    ],
)
def test_a_server_of_ones_own_is_asked_without_tls_where_its_address_says_so(
    url: str, variable: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GOOGLE_BEARER_TOKEN", "AZURE_STORAGE_ACCOUNT_NAME"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AZURE_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv(variable, s3_endpoint)
    with pytest.raises(StoreRefused, match="404"):  # there is no such bucket: it was asked
        list(ObjectStore(url).list(""))


def test_a_range_is_of_the_object_that_was_named(bucket: str) -> None:
    store = ObjectStore(bucket)
    tag = store.replace("log", b"0123456789", tag=None)
    assert store.get_range("log", 3, 7, tag=tag) == b"3456"
    store.replace("log", b"9876543210", tag=tag)
    with pytest.raises(TagDiffers):
        store.get_range("log", 3, 7, tag=tag)


def test_keys_are_listed_in_order_and_only_those_after_one(bucket: str) -> None:
    store = ObjectStore(f"{bucket}/lake")
    for number in (2, 0, 1):
        store.put_if_absent(f"log/{number}.json", b"x" * number)
    store.put_if_absent("other/0.json", b"")
    assert [(each.key, each.size) for each in store.list("log")] == [
        ("log/0.json", 0),
        ("log/1.json", 1),
        ("log/2.json", 2),
    ]
    assert [each.key for each in store.list("log", after="log/0.json")] == ["log/1.json", "log/2.json"]


def test_what_is_not_there_is_none_and_removed_without_an_error(bucket: str) -> None:
    store = ObjectStore(bucket)
    assert store.get("nothing") is None
    assert store.find("nothing") is None
    store.remove("nothing")
    store.put_if_absent("thing", b"abc")
    found = store.find("thing")
    assert found is not None
    assert found.size == 3
    store.remove("thing")
    assert store.find("thing") is None


@pytest.mark.parametrize("url", ["s3:/bucket", "http://bucket/lake", "s3://", "s3://bucket/*.jsonl", "bucket"])
def test_what_is_no_address_of_a_store_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is no address of an object store"):
        ObjectStore(url)


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_is_not_there_is_refused_in_one_line() -> None:
    with pytest.raises(
        StoreRefused, match=r"could not list s3://no-such-bucket-of-ours/lake.*; there is no such bucket: check the"
    ) as refused:
        list(ObjectStore("s3://no-such-bucket-of-ours/lake").list(""))
    assert "\n" not in str(refused.value)
    assert "404 Not Found (NoSuchBucket); there" in str(refused.value)
