"""How logs are cut into files, and in which order they are read and when, never changes an invoice."""

from __future__ import annotations

import gzip
import random
from typing import TYPE_CHECKING

import pytest
from random_logs import make_workspace
from workspaces import tallybook

from pipeline.base.zstd import zstd
from pipeline.collectors import LogFormat
from pipeline.collectors.logs.log_file import open_log
from pipeline.lake import read_log

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-12-05T00:00:00Z")


def invoices(workspace: Path) -> dict[str, bytes]:
    return {
        path.relative_to(workspace).as_posix(): path.read_bytes()
        for path in sorted((workspace / "invoices").rglob("*.csv"))
    }


def complete_lines(workspace: Path) -> list[bytes]:
    """Return every complete line of every log; the logs themselves are removed."""
    lines: list[bytes] = []
    for log in sorted((workspace / "logs").rglob("*")):
        if log.is_file():
            with open_log(log, LogFormat()) as opened:
                content = b"".join(piece.content for piece in opened.pieces())
            lines += [line + b"\n" for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:-1]]
            log.unlink()
    return lines


@pytest.mark.long
@pytest.mark.parametrize(
    ("seed", "count"), [(11, 60), *(pytest.param(seed, 400, marks=pytest.mark.slow) for seed in (11, 12, 13))]
)
def test_shuffled_and_split_logs_collected_over_several_nights_give_the_same_invoices(
    tmp_path: Path, seed: int, count: int
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for workspace in (whole, parts):
        make_workspace(workspace, seed, lines=count)
    assert tallybook(whole, "nightly", *AS_OF).returncode == 0
    expected = invoices(whole)
    assert expected

    dice = random.Random(seed)
    lines = complete_lines(parts)
    dice.shuffle(lines)
    nights = 3
    for night in range(nights):
        for piece in range(2):
            mine = b"".join(lines[night * 2 + piece :: nights * 2])
            packed = [mine, gzip.compress(mine), zstd.compress(mine)][dice.randrange(3)]
            (parts / "logs" / f"{dice.randrange(10**6):06}-{night}-{piece}.jsonl").write_bytes(packed)
        assert tallybook(parts, "nightly", *AS_OF).returncode == 0
    assert invoices(parts) == expected


@pytest.mark.slow
def test_every_line_logged_twice_gives_the_same_invoices(tmp_path: Path) -> None:
    once, twice = tmp_path / "once", tmp_path / "twice"
    for workspace in (once, twice):
        make_workspace(workspace, 14, lines=200)
    assert tallybook(once, "nightly", *AS_OF).returncode == 0
    lines = complete_lines(twice)
    (twice / "logs/all.jsonl").write_bytes(b"".join(lines))
    (twice / "logs/again.jsonl").write_bytes(b"".join(reversed(lines)))
    assert tallybook(twice, "nightly", *AS_OF).returncode == 0
    assert invoices(twice) == invoices(once)


@pytest.mark.long
@pytest.mark.parametrize("seed", [15, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (16, 17))])
def test_logs_full_of_traps_are_read_again_and_nothing_differs(tmp_path: Path, seed: int) -> None:
    make_workspace(tmp_path, seed, lines=400)
    assert tallybook(tmp_path, "nightly", *AS_OF).returncode == 0
    commits = read_log(tmp_path / "lake").version
    again = tallybook(tmp_path, "collect", "--again", *AS_OF)
    assert (again.returncode, "nothing differs" in again.stdout) == (0, True), again.stdout
    assert "could not be read again" not in again.stderr
    assert read_log(tmp_path / "lake").version == commits
