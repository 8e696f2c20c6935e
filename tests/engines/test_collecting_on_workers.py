"""Logs that workers of a server read come out as this machine reads them: the same lake, to the byte."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from random_logs import make_workspace as make_random_workspace
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.jobs.night.on_workers import at_worker
from pipeline.lake import read_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AS_OF = ("--as-of", "2026-12-05T00:00:00Z")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the logs that workers were asked for, in the process of the test as the server is."""
    names: list[str] = []
    answers = at_worker.answers

    def noted(shared: str, task: str) -> Iterator[tuple[str, bytes]]:
        names.extend(log["source"] for group in json.loads(task) for log in group)
        return answers(shared, task)

    monkeypatch.setattr(at_worker, "answers", noted)
    return names


def on_workers(root: Path, remote: str) -> Path:
    """Let the server read the logs of a workspace."""
    config = root / "tallybook.toml"
    engine = f'\n[engine]\nkind = "spark"\nremote = "{remote}"\ncollect = true\n'
    config.write_text(config.read_text(encoding="utf-8") + engine, encoding="utf-8")
    return root


def lake_of(root: Path) -> dict[str, str]:
    """Return the digest of every file of the lake: entries, events and quarantined lines."""
    found = {name: each for name, each in fingerprints(root).items() if name.startswith("lake/")}
    assert found
    return found


def collected(root: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    done = tallybook(root, "collect", *arguments, *AS_OF, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def twins(tmp_path: Path, remote: str, make: Callable[[Path], Any]) -> tuple[Path, Path]:
    """Return a workspace whose logs this machine reads, and the same whose logs workers read."""
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        make(root)
    return here, on_workers(there, remote)


def test_logs_full_of_traps_give_the_same_lake(sail: str, asked: list[str], tmp_path: Path) -> None:
    here, there = twins(tmp_path, sail, lambda root: make_random_workspace(root, 21, lines=150))
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)
    assert {"logs/a.jsonl", "logs/b.jsonl.gz", "logs/c.jsonl.zst"} <= set(asked)
    asked.clear()
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)


def line(number: int, *, key: str = "key_a") -> str:
    return plain(f"2026-10-05T10:{number % 60:02}:00Z", id=f"id-{number}", key=key)


def lines(*numbers: int) -> list[str]:
    return [line(number) for number in numbers]


def test_logs_that_grow_are_renamed_compressed_and_begun_anew_give_the_same_lake(
    sail: str, asked: list[str], tmp_path: Path
) -> None:
    here, there = twins(tmp_path, sail, make_workspace)
    for root in (here, there):
        write_log(root, "app.log", *lines(*range(40)))
        write_log(root, "other.log", *lines(*range(100, 140)))
    nights = [collected(there) == collected(here)]
    for root in (here, there):
        append_log(root, "app.log", *lines(*range(40, 60)))
        (root / "logs/app.log").rename(root / "logs/app.log.1")
        write_log(root, "app.log", *lines(60))
        content = (root / "logs/other.log").read_bytes() + f"{line(140)}\n".encode()
        (root / "logs/other.log").unlink()
        (root / "logs/other.log.1.gz").write_bytes(gzip.compress(content, mtime=0))
    nights.append(collected(there) == collected(here))
    assert sorted(asked[2:]) == ["logs/app.log", "logs/app.log.1", "logs/other.log.1.gz"]
    for root in (here, there):
        write_log(root, "app.log", *lines(61, 62))
        (root / "logs/app.log.1").rename(root / "logs/app.log.2")  # unchanged: nobody is asked
    nights.append(collected(there) == collected(here))
    assert asked[5:] == ["logs/app.log"]
    assert nights == [True] * 3
    assert lake_of(there) == lake_of(here)


@pytest.mark.parametrize("first", [line(0), "{", ""], ids=["a line", "a bracket", "blank"])
def test_copies_of_a_log_in_one_run_are_one_log(first: str, sail: str, asked: list[str], tmp_path: Path) -> None:
    def make(root: Path) -> None:
        make_workspace(root)
        write_log(root, "a.log", first, *lines(1, 2))
        write_log(root, "b.log", first, *lines(1, 2, 3))
        (root / "logs/c.log.gz").write_bytes(gzip.compress((root / "logs/b.log").read_bytes(), mtime=0))
        write_log(root, "d.log", first, *lines(1, 2, 3, 4))

    here, there = twins(tmp_path, sail, make)
    assert collected(there) == collected(here)
    assert len(asked) == 4
    assert lake_of(there) == lake_of(here)
    assert len(read_log(there / "lake").sources) == 3


def test_a_source_that_is_refused_leaves_its_logs_to_the_next(sail: str, asked: list[str], tmp_path: Path) -> None:
    sources = (
        '[[sources]]\nname = "wrong"\npaths = ["logs/a*"]\nfields = { ts = "nowhere" }\n'
        '[[sources]]\nname = "right"\npaths = ["logs/b*"]\n'
    )

    def make(root: Path) -> None:
        make_workspace(root, config=sources)
        for name in ("a.log", "b.log"):
            write_log(root, name, *lines(*range(9)))

    here, there = twins(tmp_path, sail, make)
    done = [tallybook(root, "collect", *AS_OF) for root in (here, there)]
    assert [each.returncode for each in done] == [3, 3]
    assert done[0].stderr == done[1].stderr
    assert asked == ["logs/a.log", "logs/b.log"]
    assert lake_of(there) == lake_of(here)
    assert [record.name for record in read_log(there / "lake").sources] == ["right"]
