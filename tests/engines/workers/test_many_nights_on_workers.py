"""Logs of many formats that grow, are renamed, compressed, copied and truncated: night for night the same lake."""

from __future__ import annotations

import gzip
import random
import shutil
from typing import TYPE_CHECKING

import pytest
from random_logs import make_workspace
from test_collecting_on_workers import lake_of, on_workers
from workspaces import tallybook

from pipeline.base.zstd import zstd
from pipeline.collectors import LogFormat
from pipeline.collectors.logs.log_file import open_log
from pipeline.lake import read_log

if TYPE_CHECKING:
    from pathlib import Path


def lines_of(root: Path) -> list[bytes]:
    """Return every complete line of every log of a random workspace, traps included; the logs are removed."""
    lines: list[bytes] = []
    for log in sorted(path for folder in ("logs", "edge", "open") for path in (root / folder).iterdir()):
        with open_log(log, LogFormat()) as opened:
            content = b"".join(piece.content for piece in opened.pieces())
        lines += [line + b"\n" for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:-1]]
        log.unlink()
    return lines


def one_day(folder: Path, dice: random.Random, lines: list[bytes], day: int) -> None:
    """Let a day pass: new lines, the last of them half written, and whatever a machine does to its logs."""
    logs = sorted(path for path in folder.iterdir() if path.suffix in (".jsonl", ".log"))
    for log in logs:
        match dice.choice(("grows", "grows", "is renamed", "is compressed", "is copied", "is begun anew", "stays")):
            case "is renamed":
                log.rename(folder / f"{log.stem}-{day}.log")
            case "is compressed":
                packed = gzip.compress(log.read_bytes(), mtime=0) if dice.random() < 0.5 else b""
                log.with_name(f"{log.name}-{day}.gz").write_bytes(packed or zstd.compress(log.read_bytes()))
                log.unlink()
            case "is copied":
                shutil.copy(log, folder / f"copy-{day}-{log.name}")
            case "is begun anew":
                log.write_bytes(b"".join(taken(lines, dice)))
            case "grows":
                with log.open("ab") as file:
                    file.writelines(taken(lines, dice))
    for number in range(2):
        (folder / f"new-{day}-{number}.jsonl").write_bytes(b"".join(taken(lines, dice)))
    half = taken(lines, dice)
    (folder / f"half-{day}.log").write_bytes(b"".join(half)[: -dice.randrange(1, 9)])


def taken(lines: list[bytes], dice: random.Random) -> list[bytes]:
    """Take lines; a tenth of them stay, and are logged once more."""
    found = [lines.pop() for _ in range(min(len(lines), dice.randrange(1, 25)))]
    lines[:0] = [line for line in found if dice.random() < 0.1]
    return found


@pytest.mark.long
@pytest.mark.parametrize(
    ("seed", "nights"), [(7, 2), *(pytest.param(seed, 6, marks=pytest.mark.slow) for seed in (7, 8, 9, 10, 12))]
)
def test_night_for_night_the_lakes_are_the_same(seed: int, nights: int, sail: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        make_workspace(root, seed, lines=300)
    dice = random.Random(seed)
    lines = lines_of(here)
    assert lines_of(there) == lines
    dice.shuffle(lines)
    on_workers(there, sail)
    for night in range(nights):
        one_day(here / "logs", dice, lines, night)
        shutil.rmtree(there / "logs")
        shutil.copytree(here / "logs", there / "logs")
        command = ("collect", "--force", "--as-of", f"2026-12-{night + 5:02}T00:00:00Z")  # most of a log may be refused
        done = [tallybook(root, *command) for root in (here, there)]
        assert done[1] == done[0]
        assert done[0].returncode == 0, done[0].stderr
        assert lake_of(there) == lake_of(here), f"night {night}"
    assert len(read_log(there / "lake").sources) > 2
    verified = [tallybook(root, "verify", "--logs").stdout for root in (here, there)]
    assert verified[0] == verified[1]
