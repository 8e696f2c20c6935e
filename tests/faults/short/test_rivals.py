"""The kinds of rivals and of moving logs: short runs hold, and who reads while a run is under way is told so."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import lives
import moving_logs
import pytest
import rivals
from workspaces import make_workspace, write_log

from pipeline import lake
from pipeline.lake import checked_files
from pipeline.objects import layout
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.lake.log.commit import AnyFile
    from pipeline.objects.encoded.parquet_bytes import FileRows

NOW = datetime(2026, 11, 5, tzinfo=UTC)


@pytest.mark.long
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


@pytest.mark.long
@pytest.mark.parametrize("place", ["checked", "opened"])
def test_who_reads_what_is_compacted_meanwhile_is_told_and_a_damaged_lake_is_still_damaged(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lives.begin(tmp_path / "books")
    for step in (lives.LIFE[0], lives.LIFE[2]):  # the second step logs more; nothing is counted yet
        lives.prepare(root, step)
        assert lives.run(root, rivals.COLLECT).returncode == 0
    verified, done = checked_files._verified, []  # noqa: SLF001

    def meanwhile(lake_dir: Path, folder: Path, files: Iterable[AnyFile]) -> list[FileRows]:
        def compacted() -> None:
            if not done:
                done.append(True)
                assert lives.run(root, rivals.COMPACT).returncode == 0

        if place == "checked":
            compacted()
        found = verified(lake_dir, folder, files)
        compacted()
        return found

    for command in (("usage", "--by", "day"), ("verify",), rivals.READERS[-1]):
        before = shutil.copytree(root, tmp_path / "before")
        done.clear()
        with monkeypatch.context() as reading:
            reading.setattr(checked_files, "_verified", meanwhile)
            told = lives.run(root, command)
        assert done
        assert told.returncode in {0, 5}
        if told.returncode:
            assert ("was in use by" in told.stderr, told.stderr.count("\n")) == (True, 1)
        assert lives.run(root, command).returncode == 0, "nothing is damaged, and who reads again is answered"
        shutil.rmtree(root)
        before.rename(root)
    (gone,) = {layout.usage_events(root / "lake") / lake.read_log(root / "lake").data_files[0].path}
    gone.unlink()
    for command in (("usage", "--by", "day"), ("verify",)):
        damaged = lives.run(root, command)
        assert damaged.returncode in {1, 6}
        assert "is missing" in damaged.stderr + damaged.stdout


@pytest.mark.long
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


@pytest.mark.long
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
