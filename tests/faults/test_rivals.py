"""The kinds of rivals and of moving logs: short runs hold, and who reads while a run is under way is told so."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import lives
import moving_logs
import pytest
import rivals
from workspaces import make_workspace, write_log

from pipeline.objects import layout
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize("command", [("verify",), ("report", "--to", "-", "--as-of", "2026-11-05")])
def test_who_reads_what_a_run_makes_is_told_and_not_alarmed(tmp_path: Path, command: tuple[str, ...]) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", lives.plain("2026-10-05T10:00:00Z", id="a"))
    assert lives.run(root, ("nightly", "--as-of", "2026-11-02")).returncode == 0
    (root / "invoices" / "2026-10" / "lines.csv").write_text("half", encoding="utf-8")
    with locked(layout.lake(root), command="tallybook nightly", started_at=NOW):
        done = lives.run(root, command)
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert "was in use by `tallybook nightly`" in done.stderr
    assert lives.run(root, ("verify",)).returncode == 6  # nobody is at work any more


def test_a_log_that_moves_is_billed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving_logs, "MOVES", 10)
    tally = moving_logs.Tally("moving_logs", frozenset())
    moving_logs.life(tally, make_workspace(tmp_path / "books"), random.Random(1), "here")
    assert tally.outcomes["billed once"]
    assert not tally.wrong, "\n".join(tally.lines())


def test_half_a_line_that_a_copy_lacks_is_told_once_the_log_is_truncated(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    live, copy = root / "logs" / "app.jsonl", root / "logs" / "app.jsonl.1"
    whole, half = moving_logs.line_of(1), moving_logs.line_of(2)[:50]
    copy.write_bytes(whole)
    live.write_bytes(whole + half)
    assert "tail_unread" not in lives.run(root, ("collect",)).stderr
    live.write_bytes(b"")  # copied before the second line was begun, truncated after
    done = lives.run(root, ("collect",))
    assert "its last 50 bytes were unread" in done.stderr
    live.write_bytes(whole + half)
    assert "tail_unread" not in lives.run(root, ("collect",)).stderr


def test_a_request_that_is_not_billed_or_twice_is_found(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    (root / "logs" / "a.jsonl").write_bytes(moving_logs.line_of(7))
    assert lives.run(root, ("nightly", "--as-of", "2026-11-02")).returncode == 0
    tally = moving_logs.Tally("moving_logs", frozenset())
    moving_logs.check_billed(tally, root, {7}, "here")
    assert not tally.wrong
    moving_logs.check_billed(tally, root, {7, 8}, "here")
    moving_logs.check_billed(tally, root, set(), "here")
    assert (len(tally.lost), len(tally.doubled)) == (1, 1)


@pytest.mark.slow
def test_logs_that_move_lose_and_double_nothing(tmp_path: Path) -> None:
    tally = moving_logs.tried(tmp_path, every=50)
    assert not tally.wrong, "\n".join(tally.lines())


@pytest.mark.slow
def test_rivals_lose_and_double_nothing(tmp_path: Path) -> None:
    tally = rivals.tried(tmp_path, every=rivals.ROUNDS)
    assert not tally.wrong, "\n".join(tally.lines())
