"""What machines with copies of one store may believe: each step and check of the protocol, taken away, fails here."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from faulty_store import Planned

from pipeline.base.errors import CommitConflict, ConfigurationError, DataFileDamaged, LogEntryRefused, StoreRefused
from pipeline.objects import append_log, disk, layout, stores
from pipeline.objects.mounted import mounts
from pipeline.objects.mounted.addresses import StoreUrls
from pipeline.objects.mounted.files import fetch_by_digest, publish, replace_on_store, state_on_store, whole_file
from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faulty_store import FaultyStore

    Machine = Callable[[str], Path]


@pytest.fixture
def machine(server: FaultyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Make machines of one lake by their names: each returns the folder of its copy of the log."""
    for variable, value in server.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(stores, "_ATTEMPTS", 1)
    server.plan()
    server.newest_hidden = 1
    monkeypatch.setattr(mounts, "_mounted", {})
    urls = StoreUrls(lake=f"s3://{server.new_bucket()}/lake")

    def made(name: str) -> Path:
        root = tmp_path / name
        root.mkdir()
        mounts.mount(root, urls)
        folder = layout.delta_log(layout.lake(root))
        disk.make_folders(root, folder)
        return folder

    return made


def entry(number: int, after: bytes | None, *, says: str = "") -> bytes:
    previous = None if after is None else append_log.sha256_of(after)
    fields = {"number": number, "says": says, "previousSha256": previous, "sealSha256": append_log.UNSEALED}
    return append_log.seal(json.dumps(fields).encode())


def chain_of(folder: Path) -> list[str]:
    """What a machine reads of the log."""

    def parse(content: bytes, number: int) -> tuple[str | None, str]:
        fields = json.loads(content)
        assert fields["number"] == number
        return fields["previousSha256"], fields["says"]

    return list(append_log.read_chain(folder, first_number=0, parse=parse, advice="look").entries)


def log_of(folder: Path, count: int) -> list[bytes]:
    """Write so many entries."""
    entries: list[bytes] = []
    for number in range(count):
        entries.append(entry(number, entries[-1] if entries else None, says=f"{number}"))
        append_log.append_entry(folder, number, entries[-1])
    return entries


def test_of_two_machines_that_write_one_number_the_second_is_told_and_has_the_firsts(machine: Machine) -> None:
    one, other = machine("one"), machine("other")
    append_log.append_entry(one, 0, entry(0, None, says="of one"))
    with pytest.raises(CommitConflict):
        append_log.append_entry(other, 0, entry(0, None, says="of the other"))
    assert list(other.iterdir()) == []
    assert chain_of(other) == chain_of(one) == ["of one"]


@pytest.mark.long
def test_an_entry_that_the_store_did_not_take_is_not_here_either(machine: Machine, server: FaultyStore) -> None:
    folder = machine("one")
    server.plan(Planned(fault="500 before", at=1, is_lasting=True))
    with pytest.raises(StoreRefused):
        append_log.append_entry(folder, 0, entry(0, None))
    server.plan()
    assert not append_log.entry_path(folder, 0).exists()
    assert chain_of(folder) == []


def test_an_entry_whose_acknowledgement_was_lost_is_ours(machine: Machine, server: FaultyStore) -> None:
    folder = machine("one")
    server.plan(Planned(fault="closed after", at=1))
    append_log.append_entry(folder, 0, entry(0, None, says="ours"))
    assert len(server.injected) == 1
    server.plan()
    assert chain_of(folder) == ["ours"]


@pytest.mark.parametrize(("known", "hidden"), [(0, 1), (0, 3), (1, 2), (2, 1)])
def test_a_list_of_a_moment_ago_hides_no_entry(machine: Machine, server: FaultyStore, known: int, hidden: int) -> None:
    one, other = machine("one"), machine("other")
    log_of(one, known)
    assert len(chain_of(other)) == known
    entries = [entry(0, None, says="0")]
    for number in range(1, 3):
        entries.append(entry(number, entries[-1], says=f"{number}"))
    for number in range(known, 3):
        append_log.append_entry(one, number, entries[number])
    server.newest_hidden = hidden
    server.plan(Planned(fault="stale list", at=1, is_lasting=True, kinds=frozenset({"list"})))
    assert chain_of(other) == ["0", "1", "2"]
    assert server.injected


@pytest.mark.parametrize("at", [1, 2])
def test_an_entry_that_comes_with_another_byte_is_refused_and_not_kept(
    machine: Machine, server: FaultyStore, at: int
) -> None:
    one, other = machine("one"), machine("other")
    log_of(one, 1)
    server.plan(Planned(fault="flipped", at=at, is_lasting=True, kinds=frozenset({"get"})))
    with pytest.raises(LogEntryRefused, match="its seal says"):
        chain_of(other)
    server.plan()
    assert chain_of(other) == ["0"]


def test_a_store_that_lacks_an_entry_between_others_is_refused_and_nothing_behind_it_is_kept(
    machine: Machine, server: FaultyStore
) -> None:
    log_of(machine("one"), 3)
    other = machine("other")
    mounted = mounts.mount_of(other)
    assert mounted is not None
    mounted.store.remove(mounted.key(other / layout.entry_name(1)))
    assert server.contents(mounted.store.url.split("/")[2])
    with pytest.raises(LogEntryRefused, match=r"0{19}1\.json is missing, and there are later ones up to 2; look which"):
        chain_of(other)
    assert not list(other.glob("*.json"))


def test_an_entry_that_is_gone_once_it_was_listed_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    log_of(machine("one"), 2)
    other = machine("other")
    got, last = ObjectStore.get, layout.entry_name(1)
    monkeypatch.setattr(ObjectStore, "get", lambda self, key: None if key.endswith(last) else got(self, key))
    with pytest.raises(LogEntryRefused, match=r"0{19}1\.json is missing, and there are later ones; look which"):
        chain_of(other)


def test_a_file_of_another_size_than_the_log_says_is_refused_also_once_it_was_brought(machine: Machine) -> None:
    content = bytes(range(256))
    sha256 = hashlib.sha256(content).hexdigest()
    publish(layout.quarantine(machine("one").parents[1]) / f"{sha256}.parquet", content)
    path = layout.quarantine(machine("other").parents[1]) / f"{sha256}.parquet"
    with pytest.raises(DataFileDamaged, match="has 256 bytes, and its log says 255"):
        whole_file(path, sha256=sha256, size=255, advice="look")
    assert whole_file(path, sha256=sha256, size=256, advice="look").read_bytes() == content


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("invoices", ["s3://acme/books", "s3://acme/books/"])
def test_the_lake_and_the_invoices_have_an_address_each(tmp_path: Path, invoices: str) -> None:
    with pytest.raises(ConfigurationError, match="the lake and the invoices are both at s3://acme/books"):
        mounts.mount(tmp_path, StoreUrls(lake="s3://acme/books", invoices=invoices))


def test_a_store_that_says_otherwise_than_before_is_not_gone_on_from(machine: Machine, server: FaultyStore) -> None:
    folder = machine("one")
    log_of(folder, 2)
    mounted = mounts.mount_of(folder)
    assert mounted is not None
    bucket = mounted.store.url.split("/")[2]
    before = server.contents(bucket)
    last = f"lake/usage_events/_delta_log/{layout.entry_name(1)}"
    server.refill(bucket, {key: each for key, each in before.items() if key != last})
    with pytest.raises(LogEntryRefused, match="is not there"):
        chain_of(folder)
    server.refill(bucket, before | {last: entry(1, entry(0, None, says="0"), says="another")})
    with pytest.raises(LogEntryRefused, match="is another one"):
        chain_of(folder)
    server.refill(bucket, before)
    assert chain_of(folder) == ["0", "1"]


def test_a_file_that_comes_with_other_bytes_is_refused_and_not_kept(machine: Machine, server: FaultyStore) -> None:
    content = bytes(range(256))
    name = f"{hashlib.sha256(content).hexdigest()}.parquet"
    publish(layout.quarantine(machine("one").parents[1]) / name, content)
    path = layout.quarantine(machine("other").parents[1]) / name
    server.plan(Planned(fault="flipped", at=1, is_lasting=True, kinds=frozenset({"get"})))
    with pytest.raises(DataFileDamaged, match="has the sha256"):
        fetch_by_digest(path, sha256=name.removesuffix(".parquet"))
    assert not path.exists()
    server.plan()
    assert fetch_by_digest(path, sha256=name.removesuffix(".parquet"))
    assert path.read_bytes() == content


def test_a_file_is_replaced_by_who_knows_what_it_says(machine: Machine) -> None:
    path = machine("one") / "_last_checkpoint"
    nothing = state_on_store(path)
    replace_on_store(path, b"1", nothing)
    first = state_on_store(path)
    replace_on_store(path, b"2", first)
    for before in (nothing, first):
        with pytest.raises(CommitConflict):
            replace_on_store(path, b"3", before)
    assert state_on_store(path)[0] == b"2"
