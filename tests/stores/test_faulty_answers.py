"""What the calls to an object store come to where its answers are late, lost, wrong, or of before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from faulty_store import Planned
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.base.errors import StoreRefused
from pipeline.objects import stores
from pipeline.objects.stores import ObjectStore, TagDiffers

if TYPE_CHECKING:
    from pathlib import Path

    from faulty_store import FaultyStore


@pytest.fixture
def address(server: FaultyStore, monkeypatch: pytest.MonkeyPatch) -> str:
    for variable, value in server.environment.items():
        monkeypatch.setenv(variable, value)
    server.plan()
    return f"s3://{server.new_bucket()}/lake"


@pytest.fixture
def store(address: str) -> ObjectStore:
    return ObjectStore(address)


@pytest.fixture
def impatient(address: str, server: FaultyStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """A client that waits half a second, of a store that may need more."""
    monkeypatch.setattr(stores, "_REQUEST_SECONDS", "500ms")
    server.late_seconds = 0.6
    return ObjectStore(address)


def content_of(store: ObjectStore, key: str) -> bytes:
    got = store.get(key)
    assert got is not None
    return got[0]


@pytest.mark.long
def test_of_sixteen_that_create_a_key_at_once_one_wins(store: ObjectStore) -> None:
    for number in range(3):
        key = f"log/{number}"
        with ThreadPoolExecutor(16) as pool:
            won = list(pool.map(store.put_if_absent, [key] * 16, [b"%d" % each for each in range(16)]))
        assert sum(won) == 1
        assert content_of(store, key) == b"%d" % won.index(True)


@pytest.mark.long
def test_of_eight_that_replace_an_object_at_once_one_wins(store: ObjectStore) -> None:
    tag = store.replace("manifest", b"before", tag=None)

    def replaced(content: bytes) -> bool:
        try:
            store.replace("manifest", content, tag=tag)
        except TagDiffers:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(replaced, [b"%d" % each for each in range(8)]))
    assert sum(won) == 1
    assert content_of(store, "manifest") == b"%d" % won.index(True)


ONCE = ("500 before", "503 before", "closed before", "409 before", "500 after", "closed after", "late")


@pytest.mark.long
@pytest.mark.parametrize("fault", ONCE)
def test_what_was_created_is_ours_whatever_became_of_the_answer(
    impatient: ObjectStore, server: FaultyStore, fault: str
) -> None:
    server.plan(Planned(fault=fault, at=1))
    assert impatient.put_if_absent("log/0", b"ours")
    assert len(server.injected) == 1
    assert content_of(impatient, "log/0") == b"ours"
    assert not impatient.put_if_absent("log/0", b"theirs")


@pytest.mark.long
@pytest.mark.parametrize("fault", ONCE)
def test_what_was_replaced_has_our_tag_whatever_became_of_the_answer(
    impatient: ObjectStore, server: FaultyStore, fault: str
) -> None:
    first = impatient.replace("manifest", b"1", tag=None)
    server.plan(Planned(fault=fault, at=1))
    second = impatient.replace("manifest", b"2", tag=first)
    assert len(server.injected) == 1
    assert impatient.get("manifest") == (b"2", second)
    with pytest.raises(TagDiffers):
        impatient.replace("manifest", b"3", tag=first)


@pytest.mark.long
@pytest.mark.parametrize("fault", ["500 before", "closed before", "late", "cut short"])
def test_what_is_read_is_asked_again_and_whole(impatient: ObjectStore, server: FaultyStore, fault: str) -> None:
    content = bytes(range(256)) * 100
    impatient.put_if_absent("file", content)
    server.plan(Planned(fault=fault, at=1))
    assert content_of(impatient, "file") == content
    assert len(server.injected) == 1


@pytest.mark.long
@pytest.mark.parametrize("fault", ["500 before", "closed before", "cut short"])
def test_what_is_listed_is_asked_again_and_whole(store: ObjectStore, server: FaultyStore, fault: str) -> None:
    for number in range(5):
        store.put_if_absent(f"log/{number}", b"")
    server.plan(Planned(fault=fault, at=1))
    assert [each.key for each in store.list("log")] == [f"log/{number}" for number in range(5)]
    assert len(server.injected) == 1


@pytest.mark.long
@pytest.mark.parametrize("fault", ["500 before", "500 after", "closed after", "late"])
def test_what_was_removed_is_gone_whatever_became_of_the_answer(
    impatient: ObjectStore, server: FaultyStore, fault: str
) -> None:
    impatient.put_if_absent("file", b"content")
    server.plan(Planned(fault=fault, at=1))
    impatient.remove("file")
    assert len(server.injected) == 1
    assert impatient.get("file") is None


def test_a_create_that_another_beats_before_it_is_asked_again_is_not_ours(
    store: ObjectStore, server: FaultyStore
) -> None:
    server.rival = lambda: None if ObjectStore(store.url).put_if_absent("log/0", b"theirs") else pytest.fail("late")
    server.plan(Planned(fault="rival", at=1))
    assert not store.put_if_absent("log/0", b"ours")
    assert content_of(store, "log/0") == b"theirs"


@pytest.mark.long
def test_a_store_that_refuses_for_good_is_told_in_one_line(
    store: ObjectStore, server: FaultyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "_ATTEMPTS", 1)
    server.plan(Planned(fault="500 before", at=1, is_lasting=True))
    with pytest.raises(StoreRefused, match="could not create s3") as refused:
        ObjectStore(store.url).put_if_absent("log/0", b"ours")
    assert "\n" not in str(refused.value)
    server.plan()
    assert store.get("log/0") is None


def test_a_put_that_meets_others_again_and_again_is_told_in_one_line(store: ObjectStore, server: FaultyStore) -> None:
    server.plan(Planned(fault="409 before", at=1, is_lasting=True, kinds=frozenset({"create"})))
    with pytest.raises(StoreRefused, match="could not create s3") as refused:
        store.put_if_absent("log/0", b"ours")
    assert "\n" not in str(refused.value)


def test_what_is_not_removed_is_told(store: ObjectStore, server: FaultyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_if_absent("file", b"content")
    monkeypatch.setattr(stores, "_ATTEMPTS", 0)
    server.plan(Planned(fault="500 before", at=1, is_lasting=True))
    with pytest.raises(StoreRefused, match="could not remove s3"):
        ObjectStore(store.url).remove("file")
    server.plan()
    assert store.get("file") is not None


def test_a_store_that_heeds_both_conditions_is_taken(store: ObjectStore) -> None:
    assert store.ignored_condition() is None
    assert store.ignored_condition() is None
    assert [each.key for each in store.list("")] == [stores.TRIED_KEY]


@pytest.mark.parametrize("ignored", ["If-None-Match", "If-Match"])
def test_a_store_that_ignores_a_condition_is_known(
    store: ObjectStore, server: FaultyStore, monkeypatch: pytest.MonkeyPatch, ignored: str
) -> None:
    name = f"HTTP_{ignored.upper().replace('-', '_')}"
    monkeypatch.setattr(server, "ignored_conditions", frozenset({name}))
    assert f"it ignores {ignored})" in str(store.ignored_condition())


def test_what_a_store_sends_of_another_object_than_was_asked_for_is_not_taken(
    store: ObjectStore, server: FaultyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ignored_conditions", frozenset({"HTTP_IF_MATCH"}))
    tag = store.replace("log", b"before", tag=None)
    assert store.get_range("log", 0, 3, tag=tag) == b"bef"
    store.put("log", b"behind")
    with pytest.raises(stores.TagDiffers):
        store.get_range("log", 3, 6, tag=tag)


@pytest.mark.long
def test_a_piece_of_a_derived_table_that_nothing_names_is_swept_once_nobody_can_be_about_to_name_it(
    address: str, server: FaultyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYBOOK_LAKE", address)
    night = ("nightly", "--as-of", "2026-11-02")
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="a"))
    assert tallybook(root, *night).returncode == 0
    store, piece = ObjectStore(address), f"usage_daily/2026-10.{'0a' * 8}.parquet"
    named = {each.key for each in store.list("usage_daily")}
    store.put(piece, b"put by a machine that the lock did not keep off, and that is about to name it")
    lock = store.get("_lock.json")
    assert lock is not None
    store.put("_lock.json", lock[0].replace(b'"is_clean": true', b'"is_clean": false'))
    assert tallybook(root, *night).returncode == 0
    assert store.find(piece) is not None
    assert f"{address}/{piece}" in tallybook(root, "doctor").stdout
    server.age(address.removeprefix("s3://").partition("/")[0])
    assert tallybook(root, *night).returncode == 0
    assert {each.key for each in store.list("usage_daily")} == named


@pytest.mark.long
def test_a_machine_tries_its_store_once_before_it_writes_there(
    address: str, server: FaultyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYBOOK_INVOICES", address)
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="a"))
    monkeypatch.setattr(server, "ignored_conditions", frozenset({"HTTP_IF_NONE_MATCH"}))
    refused = tallybook(root, "collect")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "overwrites what it was told to create (it ignores If-None-Match)" in refused.stderr
    assert refused.stderr.count("\n") == 1
    monkeypatch.setattr(server, "ignored_conditions", frozenset())
    assert tallybook(root, "collect").returncode == 0
    server.plan()
    assert tallybook(root, "collect").returncode == 0
    assert [each.key for each in server.requests if each.key.endswith(stores.TRIED_KEY)] == []
