"""States of power loss: what may survive of names and contents that were not synced; and mutants of us are noticed."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import lives
import power_cuts
import pytest
from faulty_os import FaultyOs
from power_states import States, digest_of
from tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

    from disk_model import DiskModel

NEW = b"0123456789"


def states_of(model: DiskModel) -> set[frozenset[tuple[str, bytes | None]]]:
    states = States(model, digest_of)
    chosen = states.chosen(10_000, random.Random(1))
    return {frozenset((each.path, each.content) for each in states.entries(state)) for state in chosen}


@pytest.fixture
def fault(tmp_path: Path) -> FaultyOs:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").write_bytes(b"old")
    return FaultyOs(root)


def write(fault: FaultyOs, name: str, *, is_synced: bool) -> Path:
    import os  # noqa: PLC0415 - its numbers alone

    path = fault.root / name
    descriptor = fault.open(path, os.O_WRONLY | os.O_CREAT)
    fault.write(descriptor, NEW)
    if is_synced:
        fault.fsync(descriptor)
    fault.close(descriptor)
    return path


def test_a_name_that_is_replaced_is_the_old_file_or_the_new_one_and_never_gone(fault: FaultyOs) -> None:
    fault.rename(write(fault, "b", is_synced=True), fault.root / "a")
    assert states_of(fault.model) == {
        frozenset({("a", content), *temporary}) for content in (b"old", NEW) for temporary in ((), (("b", NEW),))
    }


def test_a_content_that_is_not_synced_may_be_lost_cut_short_of_zeros_or_garbled(fault: FaultyOs) -> None:
    write(fault, "b", is_synced=False)
    contents = {dict(state).get("b", b"no name") for state in states_of(fault.model)}
    assert {b"no name", b"", NEW[:5], NEW[:-1], bytes(10), NEW[:5] + bytes(5), NEW} < contents
    assert len(contents) == 8, "and one that is garbled"


def test_what_is_below_a_folder_that_is_lost_is_lost(fault: FaultyOs) -> None:
    fault.mkdir(fault.root / "f")
    write(fault, "f/b", is_synced=True)
    there = {("a", b"old"), ("f", None)}
    assert states_of(fault.model) == {
        frozenset({("a", b"old")}),
        frozenset(there),
        frozenset({*there, ("f/b", NEW)}),
    }


def test_a_name_may_stand_as_it_did_at_any_moment_since_its_folder_was_synced(fault: FaultyOs) -> None:
    fault.unlink(fault.root / "a")
    write(fault, "a", is_synced=True)
    fault.unlink(fault.root / "a")
    assert states_of(fault.model) == {frozenset({("a", b"old")}), frozenset({("a", NEW)}), frozenset()}


def test_of_too_many_states_the_extremes_are_among_the_chosen(fault: FaultyOs) -> None:
    for number in range(20):
        write(fault, f"n{number}", is_synced=True)
    states = States(fault.model, digest_of)
    assert states.count == 2**20
    chosen = list(states.chosen(100, random.Random(1)))
    assert len(chosen) == 100
    assert {(0,) * 20, (1,) * 20} < set(chosen)
    assert {sum(state) for state in chosen} >= {0, 1, 19, 20}


MUTANTS = {
    "none": lambda *_: False,
    "no fsync of the entry": lambda path, _: "/payments/.tmp-" in path,
    "no fsync of its folder": lambda path, _: path.endswith("/payments"),
    "no fsync of the folder above": lambda path, _: path.endswith("/invoices"),
}


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_payment_that_was_acknowledged_is_lost_by_each_mutant_and_by_none_of_us(tmp_path: Path, mutant: str) -> None:
    life = lives.LIVES[1]
    step = lives.Step(name="pay", arguments=("invoice", "paid", "INV-000001", "--as-of", "2026-05-01T12:00:00Z"))
    root = life.begin(tmp_path / "life")
    tally = Tally("power_cuts", frozenset())
    undisturbed = shutil.copytree(root, tmp_path / "undisturbed")
    power_cuts.one_step(
        tally, tmp_path, root, undisturbed, life, step, every=1, recovered_max=0, ignore_fsync=MUTANTS[mutant]
    )
    assert tally.injected["states"] > 30
    assert tally.failed is (mutant != "none"), "\n".join(tally.lines())
    assert any("acknowledged" in each for each in tally.lost) is (mutant != "none")
