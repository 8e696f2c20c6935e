"""Stores of other kinds than the S3 server of the other tests: the protocol holds there too, or they are refused.

Each test runs where an emulator is found (``tests/support/stores/emulators``), and is skipped where it is not.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import emulators
import pytest
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.base.errors import StoreRefused
from pipeline.base.resources import sample_folder
from pipeline.objects.mounted import lease
from pipeline.objects.mounted.addresses import StoreUrls, tell
from pipeline.objects.stores import ObjectStore, TagDiffers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emulators import Emulated
    from workspaces import Done

pytestmark = pytest.mark.slow

NIGHT = ("nightly", "--as-of", "2026-11-02")


def emulated_or_skipped(name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    command = emulators.found(name)
    if command is None:
        pytest.skip(f"{name} is not found; name its folder in {emulators.FOLDERS}")
    with emulators.running(name, command, tmp_path_factory.mktemp(name)) as emulated:
        yield emulated


@pytest.fixture(scope="module", params=["azurite", "fake-gcs-server"])
def emulated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    yield from emulated_or_skipped(request.param, tmp_path_factory)


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    yield from emulated_or_skipped("s3rver", tmp_path_factory)


def address(emulated: Emulated, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in emulated.environment.items():
        monkeypatch.setenv(name, value)
    return emulated.new_bucket()


@pytest.fixture
def bucket(emulated: Emulated, monkeypatch: pytest.MonkeyPatch) -> str:
    return address(emulated, monkeypatch)


@pytest.fixture
def stores(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TALLYBOOK_LAKE", f"{bucket}/books/lake")
    monkeypatch.setenv("TALLYBOOK_INVOICES", f"{bucket}/books/invoices")
    yield bucket
    tell(StoreUrls())


def done(root: Path, *arguments: str, code: int = 0) -> Done:
    ended = tallybook(root, *arguments)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended


def test_a_store_of_another_kind_keeps_both_conditions(bucket: str) -> None:
    store = ObjectStore(f"{bucket}/lake")
    assert store.ignored_condition() is None
    assert store.ignored_condition() is None


def test_of_sixteen_that_create_a_key_there_at_once_one_wins(bucket: str) -> None:
    store = ObjectStore(f"{bucket}/lake")
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda number: store.put_if_absent("log/0.json", b"%d" % number), range(16)))
    assert sum(won) == 1
    got = store.get("log/0.json")
    assert got is not None
    assert got[0] == b"%d" % won.index(True)
    assert store.put_if_absent("log/0.json", got[0])


def test_an_object_there_is_replaced_by_whoever_knows_what_it_is(bucket: str) -> None:
    store = ObjectStore(f"{bucket}/lake")
    first = store.replace("manifest", b"1", tag=None)
    second = store.replace("manifest", b"2", tag=first)
    assert store.get("manifest") == (b"2", second)
    for tag in (first, None):
        with pytest.raises(TagDiffers):
            store.replace("manifest", b"3", tag=tag)
    with pytest.raises(TagDiffers):
        store.replace("none", b"3", tag=first)


def test_a_range_there_is_of_the_object_that_was_listed_or_found(bucket: str) -> None:
    store = ObjectStore(bucket)
    tag = store.replace("logs/a", b"0123456789", tag=None)
    (listed,) = store.list("logs")
    assert listed == store.find("logs/a")
    assert store.get_range("logs/a", 3, 7, tag=listed.tag) == store.get_range("logs/a", 3, 7, tag=tag) == b"3456"
    store.replace("logs/a", b"9876543210", tag=tag)
    with pytest.raises(TagDiffers):
        store.get_range("logs/a", 3, 7, tag=listed.tag)


def test_keys_there_are_listed_in_order_over_pages_and_only_those_behind_one(bucket: str) -> None:
    store = ObjectStore(f"{bucket}/lake")
    keys = [f"log/{name}" for name in ("0", "1", "10", "2", "A", "a b", "a&b", "é", "z/1")]
    for key in reversed(keys):
        store.put(key, b"x")
    store.put("log2", b"")
    assert [each.key for each in store.list("log")] == sorted(keys)
    for after in ("log/10", "log/3"):
        assert [each.key for each in store.list("log", after=after)] == [key for key in sorted(keys) if key > after]
    for key in keys:
        store.remove(key)
        store.remove(key)
    assert not list(store.list("log"))
    assert store.get(keys[0]) is store.find(keys[0]) is None


def test_a_bucket_that_is_not_there_is_refused_in_one_line_there_too(bucket: str) -> None:
    for refused in (
        lambda: list(ObjectStore(f"{bucket}-not/lake").list("")),
        lambda: ObjectStore(f"{bucket}-not/lake").put_if_absent("a", b""),
    ):
        with pytest.raises(StoreRefused, match="check the address") as told:
            refused()
        assert "\n" not in str(told.value)
        assert "made" not in str(told.value)


def test_a_store_that_asks_to_be_asked_more_slowly_is_asked_again(emulated: Emulated, bucket: str) -> None:
    if emulated.front is None:
        pytest.skip("only the front before Google's can be told to refuse")
    store = ObjectStore(bucket)
    emulated.front.slow_down = 2
    assert store.put_if_absent("a", b"x")
    assert emulated.front.slow_down == 0


def test_the_sample_with_logs_lake_and_invoices_there_gives_the_same_invoices_to_two_machines(
    tmp_path: Path, stores: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there, other = (shutil.copytree(sample_folder(), tmp_path / name) for name in ("here", "there", "other"))
    logs = ObjectStore(stores)
    for path in (path for path in (here / "logs").rglob("*") if path.is_file()):
        logs.put(path.relative_to(here).as_posix(), path.read_bytes())
    for root in (there, other):
        shutil.rmtree(root / "logs")
        config = root / "tallybook.toml"
        config.write_text(config.read_text(encoding="utf-8").replace('"logs/', f'"{stores}/logs/'), encoding="utf-8")
    with monkeypatch.context() as local:
        local.delenv("TALLYBOOK_LAKE")
        local.delenv("TALLYBOOK_INVOICES")
        done(here, *NIGHT)
        usage = done(here, "usage", "--json").stdout
    done(there, *NIGHT)
    expected = fingerprints(here / "invoices")
    assert len(expected) > 4
    assert {name: digest for name, digest in fingerprints(there / "invoices").items() if name in expected} == expected
    assert done(other, "usage", "--json").stdout == usage
    again = done(other, *NIGHT)
    assert {name: digest for name, digest in fingerprints(other / "invoices").items() if name in expected} == expected
    assert "collected" not in again.stderr
    for root in (there, other):
        done(root, "verify", "--logs")


def test_of_two_machines_there_each_sees_what_the_other_did_and_an_empty_one_all(tmp_path: Path, stores: str) -> None:
    one, other = make_workspace(tmp_path / "one"), make_workspace(tmp_path / "other")
    write_log(one, "a.jsonl", plain("2026-10-05T10:00:00Z", id="r1"))
    write_log(other, "b.jsonl", plain("2026-10-06T10:00:00Z", id="r2"))
    done(one, *NIGHT)
    done(other, *NIGHT)
    done(other, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    done(one, "invoice", "paid", "INV-000001", "--amount", "1.00", "--as-of", "2026-11-03")
    append_log(one, "a.jsonl", plain("2026-11-01T10:00:00Z", id="r3"))
    done(one, "nightly", "--as-of", "2026-11-04")
    lock = ObjectStore(f"{stores}/books/lake").get(lease.LOCK_KEY)
    assert lock is not None
    assert b'"run": "free"' in lock[0]
    empty = make_workspace(tmp_path / "empty")
    assert done(empty, "usage", "--json").stdout == done(one, "usage", "--json").stdout
    assert done(empty, "invoice", "list", "--json").stdout == done(other, "invoice", "list", "--json").stdout
    for root in (one, other, empty):
        done(root, "verify")
        done(root, "recompute", "INV-000001")
    assert f"{stores}/books/lake answers" in tallybook(empty, "doctor").stdout


def test_a_server_that_ignores_conditions_is_refused_in_one_line_and_no_log_there_is_read_of_two_versions(
    tmp_path: Path, careless: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = address(careless, monkeypatch)
    store = ObjectStore(bucket)
    store.put("log", b"before")
    (listed,) = store.list("")
    assert store.get_range("log", 0, 3, tag=listed.tag) == b"bef"
    store.put("log", b"behind")
    with pytest.raises(TagDiffers):
        store.get_range("log", 3, 6, tag=listed.tag)
    monkeypatch.setenv("TALLYBOOK_LAKE", f"{bucket}/lake")
    root = make_workspace(tmp_path / "one")
    write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="r1"))
    refused = done(root, *NIGHT, code=2)
    tell(StoreUrls())
    assert "is on a store that overwrites what it was told to create (it ignores If-None-Match)" in refused.stderr
    assert refused.stderr.count("\n") == 1
