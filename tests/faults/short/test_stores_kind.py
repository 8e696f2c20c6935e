"""The kinds of stores and of machines that meet there: short runs hold, and what is left, lost or doubled is found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import faulty_store
import lives
import machines
import pytest
import store_rivals
import stores
from faulty_store import RIVAL, Planned, Request
from forking import ForkingParent, Run
from workspaces import make_workspace, plain, write_log

from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from machines import Bucket

NIGHT = ("nightly", "--as-of", "2026-11-02")


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    pytest.importorskip("moto", reason="moto is not installed")
    with machines.a_bucket(machines.PATIENT) as bucket:
        yield bucket


def books(root: Path) -> Path:
    make_workspace(root)
    write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="a"))
    assert lives.run(root, NIGHT).returncode == 0
    return root


@pytest.mark.parametrize("kind", stores.FAULTS_OF)
def test_every_fault_is_tried_at_a_kind_of_request_or_by_lot_one_in_so_many(kind: str) -> None:
    def faults(number: int, every: int) -> list[tuple[str, bool]]:
        return stores.faults_at("nightly", Request(number=number, kind=kind, key="log/0"), every)

    everything = faults(1, 1)
    assert {fault for fault, _ in everything} <= set(faulty_store.FAULTS)
    assert everything == [*((fault, False) for fault in stores.FAULTS_OF[kind]), *stores.ALWAYS]
    drawn = [each for number in range(200) for each in faults(number, 7)]
    assert set(drawn) == set(everything)
    assert len(drawn) == pytest.approx(200 * len(everything) / 7, rel=0.2)


@pytest.mark.long
def test_an_object_that_nobody_names_is_found_and_so_is_one_that_lacks(tmp_path: Path, bucket: Bucket) -> None:
    root = books(tmp_path / "books")
    assert store_rivals.unnamed(root, bucket) == store_rivals.lacking(bucket) == []
    contents = bucket.contents()
    orphan = f"lake/quarantine/{'0a' * 32}.parquet"
    manifest = contents["lake/usage_daily/_manifest.json"]
    (piece,) = [f"lake/usage_daily/{each['name']}" for each in json.loads(manifest)["files"].values()]
    bucket.refill({key: each for key, each in contents.items() if key != piece} | {orphan: b""})
    assert store_rivals.unnamed(root, bucket) == [orphan]
    assert store_rivals.lacking(bucket) == [piece]


@pytest.mark.long
def test_a_machine_with_an_empty_disk_has_every_fact(tmp_path: Path, bucket: Bucket) -> None:
    root = books(tmp_path / "books")
    empty = machines.another_machine(root, tmp_path / "another")
    assert not (empty / "lake").exists()
    assert machines.facts(empty, bucket) == machines.facts(root, bucket)
    assert machines.facts(empty, bucket)["event of line 1"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("is_conditional", [True, False])
def test_who_commits_between_is_lost_without_a_condition_and_with_one_is_not(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, *, is_conditional: bool
) -> None:
    one = books(tmp_path / "one")
    other = machines.another_machine(one, tmp_path / "other")
    write_log(one, "b.jsonl", plain("2026-10-06T10:00:00Z", id="b"))
    write_log(other, "c.jsonl", *(plain("2026-10-07T10:00:00Z", id=f"c-{number}") for number in range(2)))

    def put(self: ObjectStore, key: str, content: bytes, tag: str | None) -> str:
        del tag
        return str(self._store.put(key, content, use_multipart=False)["e_tag"])

    with ForkingParent() as parent, store_rivals.no_lock():
        run = Run(workspace=str(other), arguments=["collect"], kill_after=None)
        codes: list[int] = []

        def rival() -> None:
            if "date=" in bucket.server.injected[-1].key:  # the log is read, and the entry is about to be made
                codes.append(parent.run(run).code)

        bucket.server.rival = rival
        bucket.server.plan(Planned(fault=RIVAL, at=1, is_lasting=True, kinds=frozenset({"create", "put"})))
        with monkeypatch.context() as careless:
            if not is_conditional:
                careless.setattr(ObjectStore, "_put", put)
            assert lives.run(one, ("collect",)).returncode == 0
    assert codes
    assert set(codes) == {0}
    bucket.server.plan()
    empty = machines.another_machine(one, tmp_path / "empty")
    found = machines.facts(empty, bucket)
    assert (found["event of line 1"], found["event of line 2"]) == ((3, 1) if is_conditional else (2, 0))


@pytest.mark.slow
def test_stores_that_lie_lose_and_double_nothing(tmp_path: Path) -> None:
    tally = stores.tried(tmp_path, every=150)
    assert not tally.wrong, "\n".join(tally.lines())


@pytest.mark.slow
def test_machines_that_meet_on_a_store_lose_and_double_nothing(tmp_path: Path) -> None:
    tally = store_rivals.tried(tmp_path, every=30, meetings=store_rivals.MEETINGS[::3])
    assert not tally.wrong, "\n".join(tally.lines())
