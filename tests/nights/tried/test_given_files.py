"""A file that somebody names at the terminal is read as a source that is told, or not at all."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline import lake
from pipeline.configuration.source_files import source_path, source_text

if TYPE_CHECKING:
    from pathlib import Path

APP = '[[sources]]\nname = "app"\npaths = ["logs/app*"]\n'
EDGE = '[[sources]]\nname = "edge"\npaths = ["logs/edge*"]\nfields = { ts = "time", api_key_id = "auth.key" }\n'
WEST = '[[sources]]\nname = "west"\npaths = ["logs/west*"]\n'
NIGHT = ("nightly", "--strict", "--as-of", "2026-03-20")


def app(number: int) -> str:
    return plain(f"2026-03-{number % 20 + 1:02}T10:00:00Z", id=f"app-{number}")


def edge(number: int) -> str:
    line = json.loads(app(number))
    return json.dumps(line | {"time": line.pop("ts"), "auth": {"key": line.pop("api_key_id")}})


def books(tmp_path: Path, *sources: str) -> Path:
    return make_workspace(tmp_path / "books", config="".join(sources))


def outside(tmp_path: Path, name: str, *lines: str) -> Path:
    path = tmp_path / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def names(root: Path) -> list[str]:
    return [record.name for record in lake.read_log(root / "lake").sources]


def test_a_file_outside_the_globs_is_read_as_the_only_source_and_that_is_told(tmp_path: Path) -> None:
    root = books(tmp_path, EDGE)
    file = outside(tmp_path, "sent.jsonl", edge(1), edge(2))
    done = tallybook(root, "collect", str(file))
    assert done.returncode == 0
    assert done.stdout == (
        f"{file}: read as source 'edge', the only one in tallybook.toml; its paths do not name it\n"
        "collected 2 new lines from 1 of 1 log\n"
    )
    assert names(root) == ["edge"]


def test_of_several_sources_the_one_that_reads_the_first_lines_is_taken(tmp_path: Path) -> None:
    root = books(tmp_path, APP, EDGE)
    done = tallybook(root, "collect", str(outside(tmp_path, "sent.jsonl", edge(1), edge(2))))
    assert "read as source 'edge', the only one that reads its first 2 lines" in done.stdout
    assert names(root) == ["edge"]


def test_a_file_that_no_source_reads_is_refused_with_what_each_refuses(tmp_path: Path) -> None:
    root = books(tmp_path, APP, EDGE)
    file = outside(tmp_path, "sent.jsonl", '{"a": 1}', '{"b": 2}')
    before = fingerprints(root)
    done = tallybook(root, "collect", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"tallybook: {file} is under the paths of no source, and none reads it: 'app' refuses 2 of its first 2 lines "
        f"({file} line 1 (ts)); 'edge' refuses 2 of its first 2 lines ({file} line 1 (ts)). Add a source for it to "
        "tallybook.toml, as 'tallybook try FILE' proposes it, or name the one that it is of with --source\n"
    )
    assert fingerprints(root) == before


def test_a_file_that_several_sources_read_is_refused_until_one_is_named(tmp_path: Path) -> None:
    root = books(tmp_path, APP, WEST)
    file = outside(tmp_path, "sent.jsonl", app(1))
    done = tallybook(root, "collect", str(file))
    assert done.returncode == 2
    assert "'app', 'west' all read its first line; name the one that it is of with --source" in done.stderr
    done = tallybook(root, "collect", "--source", "west", str(file))
    assert (done.returncode, names(root)) == (0, ["west"])
    assert "read as source 'west', as asked" in done.stdout


def test_one_file_that_is_refused_keeps_the_others_from_being_read(tmp_path: Path) -> None:
    root = books(tmp_path, APP)
    files = [outside(tmp_path, "good.jsonl", app(1)), outside(tmp_path, "bad.jsonl", "no line of a log")]
    assert tallybook(root, "collect", *map(str, files)).returncode == 2
    assert names(root) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--source", "wset", "{file}"), "there is no source 'wset' in tallybook.toml; its sources are 'app', 'edge'"),
        (("--source", "edge", "{log}"), "logs/app.jsonl is under the paths of source 'app'"),
        (("--source", "edge"), "--source says what given files are read as"),
    ],
)
def test_a_source_that_cannot_be_meant_is_refused(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    root = books(tmp_path, APP, EDGE)
    file, log = outside(tmp_path, "sent.jsonl", app(1)), write_log(root, "app.jsonl", app(2))
    done = tallybook(root, "collect", *(each.format(file=file, log=log) for each in arguments))
    assert done.returncode == 2
    assert said in done.stderr


def test_without_any_source_a_file_is_refused(tmp_path: Path) -> None:
    root = books(tmp_path, APP)
    (root / "tallybook.toml").write_text('currency = "USD"\n')
    done = tallybook(root, "collect", str(outside(tmp_path, "sent.jsonl", app(1))))
    assert done.returncode == 2
    assert "tallybook.toml names no [[sources]], so nothing says how to read it; add one" in done.stderr


@pytest.mark.long
def test_a_log_that_was_renamed_out_of_the_globs_is_its_source_s_still(tmp_path: Path) -> None:
    root = books(tmp_path, APP, WEST)
    log = write_log(root, "west.jsonl", app(1))
    assert tallybook(root, *NIGHT).returncode == 0
    append_log(root, "west.jsonl", app(2))
    done = tallybook(root, "collect", str(log.rename(root / "logs" / "old.jsonl")))
    assert "logs/old.jsonl: read as source 'west', which read its beginning before" in done.stdout
    assert names(root) == ["west", "west"]


@pytest.mark.long
def test_a_later_night_counts_it_once_and_does_not_miss_it(tmp_path: Path) -> None:
    root = books(tmp_path, APP)
    file = outside(tmp_path, "sent.jsonl", app(1))
    write_log(root, "app.jsonl", app(2))
    assert tallybook(root, "collect", str(file)).returncode == 0
    for _ in range(2):
        done = tallybook(root, *NIGHT)
        assert (done.returncode, done.stderr) == (0, "")
        assert "measured 2" in done.stdout
    assert tallybook(root, "collect", str(file)).returncode == 0
    file.rename(root / "logs" / "app-sent.jsonl")
    assert "measured 2" in tallybook(root, *NIGHT).stdout
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.long
def test_what_is_written_to_it_later_is_told_by_the_night(tmp_path: Path) -> None:
    root = books(tmp_path, APP)
    file = outside(tmp_path, "sent.jsonl", app(1))
    assert tallybook(root, "collect", str(file)).returncode == 0
    with file.open("a") as opened:
        opened.write(app(2) + "\n")
    done = tallybook(root, *NIGHT)
    assert done.returncode == 3
    assert "bytes of it are unread; widen its paths, or run 'tallybook collect' on that file" in done.stderr


def test_it_is_read_again_where_it_lies_once_its_source_is_configured_otherwise(tmp_path: Path) -> None:
    root = books(tmp_path, APP, EDGE)
    file = outside(tmp_path, "sent.jsonl", edge(1))
    assert tallybook(root, "collect", "--force", "--source", "app", str(file)).returncode == 0
    assert [record.quarantined for record in lake.read_log(root / "lake").sources] == [{"missing_field": 1}]
    done = tallybook(root, "collect", "--again")
    assert "could not be read again" not in done.stderr
    (root / "tallybook.toml").write_text(EDGE.replace("edge", "app"))
    done = tallybook(root, *NIGHT)
    assert done.returncode == 0
    assert "1 line out of the quarantine" in done.stdout


@pytest.mark.parametrize("name", [b"gat\xe9way.jsonl", rb"gat\xe9way.jsonl", b"a b.jsonl", "ä.jsonl".encode()])
def test_where_a_log_lay_is_had_back_from_its_name_in_the_lake(tmp_path: Path, name: bytes) -> None:
    for path in (tmp_path / "logs" / os.fsdecode(name), tmp_path.parent / os.fsdecode(name)):
        assert source_path(tmp_path, source_text(tmp_path, path)) == path
