"""The harness of faults: it fails where it must, and short runs of each kind hold."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import damage
import deaths
import images
import kills
import lives
import power_cuts
import pytest
import recovery
from quick import Share, quickly
from tally import Tally

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("found", "failed"), [({"a": 1}, False), ({}, True), ({"a": 2}, True), ({"b": 1}, True)])
def test_a_fact_that_is_lost_or_doubled_fails(found: dict[str, int], *, failed: bool) -> None:
    tally = Tally("deaths", frozenset({"old"}), outcomes=Counter({"old": 1}))
    tally.compare("here", Counter(found), Counter({"a": 1}))
    assert tally.failed is failed


def test_an_outcome_that_was_never_seen_fails() -> None:
    tally = Tally("deaths", frozenset({"old", "new"}), outcomes=Counter({"old": 1}))
    assert tally.failed
    assert "  FAIL: never seen: new" in list(tally.lines())


def test_what_was_skipped_says_so_and_is_no_pass() -> None:
    tally = Tally("images", frozenset({"old"}), skipped="mount: must be superuser")
    assert list(tally.lines()) == [
        "images: SKIPPED, nothing was tried and nothing has passed: mount: must be superuser"
    ]


def test_files_of_one_class_are_named_alike() -> None:
    names = [f"invoices/2026-0{month}/INV-00000{month}/lines.csv" for month in (8, 9)]
    assert {damage.class_of(name) for name in names} == {"invoices/*/*/lines.csv"}
    assert damage.class_of(f"lake/quarantine/{'a1' * 32}.parquet") == "lake/quarantine/*.parquet"


@pytest.mark.parametrize("of", [1, 2, 3, 5])
def test_shares_leave_nothing_out_and_try_nothing_twice(of: int) -> None:
    points = list(range(11))
    shares = [Share(number, of) for number in range(of)]
    assert [each for share in shares for each in share.in_a_row(points)] == points
    assert sorted(each for share in shares for each in share.in_turn(points)) == points


def test_what_a_share_found_fails_the_kind() -> None:
    tallies = [Tally("deaths", frozenset({"old", "new"}), outcomes=Counter({each: 1})) for each in ("old", "new")]
    tallies[1].lost.append("here")
    tallies[0].add(tallies[1])
    assert tallies[0].outcomes == {"old": 1, "new": 1}
    assert tallies[0].failed
    assert "  FAIL lost: here" in list(tallies[0].lines())


def test_facts_of_other_files_are_read_anew(tmp_path: Path) -> None:
    step, root = lives.LIFE[0], lives.begin(tmp_path / "books")
    known = recovery.Undisturbed(step=step, night=lives.NIGHT, before=Counter(), after=Counter(), invoices={})
    assert not recovery.facts_of(root, known)
    assert lives.run(root, step.arguments).returncode == 0
    assert recovery.facts_of(root, known) == lives.facts(root) != Counter()
    assert len(known.facts) == 2


@pytest.mark.slow
def test_shares_of_a_kind_together_try_what_one_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = lives.Life(name="of one command", begin=lives.begin, steps=lives.LIFE[:1], night=lives.NIGHT)
    monkeypatch.setattr(lives, "LIVES", (short,))
    together = Tally("deaths", frozenset())
    with quickly(asks_anew=False):
        for number in range(3):
            together.add(deaths.tried(tmp_path, every=9, share=Share(number, 3)))
    alone = deaths.tried(tmp_path, every=9)  # and without any short cut
    assert together.injected == alone.injected
    names = ("old", "new", "between")
    assert [together.outcomes[name] for name in names] == [alone.outcomes[name] for name in names]
    assert not together.wrong
    assert not alone.wrong


@pytest.mark.slow
def test_deaths_lose_and_double_nothing(tmp_path: Path) -> None:
    tally = deaths.tried(tmp_path, every=80)
    assert not tally.failed, "\n".join(tally.lines())


@pytest.mark.slow
def test_damage_is_silent_nowhere(tmp_path: Path) -> None:
    tally = damage.tried(tmp_path, every=3)
    assert not tally.failed, "\n".join(tally.lines())


@pytest.mark.slow
def test_kills_of_the_real_command_lose_and_double_nothing(tmp_path: Path) -> None:
    tally = kills.tried(tmp_path, every=100)
    assert not tally.failed, "\n".join(tally.lines())


@pytest.mark.slow
def test_power_cuts_lose_and_double_nothing(tmp_path: Path) -> None:
    tally = power_cuts.tried(tmp_path, every=60)
    assert not tally.failed, "\n".join(tally.lines())


@pytest.mark.slow
def test_cuts_of_a_real_file_system_lose_and_double_nothing(tmp_path: Path) -> None:
    tally = images.tried(tmp_path, every=20)
    if tally.skipped:
        pytest.skip("\n".join(tally.lines()))
    assert not tally.failed, "\n".join(tally.lines())
