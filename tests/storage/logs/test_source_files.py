"""Which files the globs of a source name, where links may lead, and what a log is called."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.base.errors import ConfigurationError
from pipeline.configuration.settings import read_settings
from pipeline.configuration.source_files import find_logs, source_text

if TYPE_CHECKING:
    from pathlib import Path


def _names(root: Path, *patterns: str, link_roots: tuple[str, ...] = ()) -> list[str]:
    return [source_text(root, log.path) for log in find_logs(root, patterns, link_roots).logs]


def _refused(root: Path, *patterns: str) -> dict[str, str]:
    return {source_text(root, each.path): each.detail for each in find_logs(root, patterns).refused}


def _file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n", encoding="utf-8")
    return path


def test_globs_name_what_they_say_but_nothing_hidden(tmp_path: Path) -> None:
    for name in (
        "logs/a.jsonl",
        "logs/b.log",
        "logs/.hidden.jsonl",
        "logs/x/c.jsonl",
        "logs/x/y/d.jsonl",
        "other/e.jsonl",
    ):
        _file(tmp_path / name)
    assert _names(tmp_path, "logs/*.jsonl") == ["logs/a.jsonl"]
    assert _names(tmp_path, "logs/**/*.jsonl") == ["logs/a.jsonl", "logs/x/c.jsonl", "logs/x/y/d.jsonl"]
    assert _names(tmp_path, "*/[be].*", "logs/a.jsonl", "logs/none") == ["logs/b.log", "other/e.jsonl", "logs/a.jsonl"]
    assert _names(tmp_path, f"{tmp_path}/o*/e.jsonl") == ["other/e.jsonl"]


def test_a_link_and_its_target_and_two_links_are_one_log(tmp_path: Path) -> None:
    _file(tmp_path / "logs/z.jsonl")
    (tmp_path / "logs/a.jsonl").symlink_to("z.jsonl")
    assert _names(tmp_path, "logs/*") == ["logs/z.jsonl"]
    _file(tmp_path / "pods/0.log")
    (tmp_path / "logs/b.jsonl").symlink_to("../pods/0.log")
    (tmp_path / "logs/c.jsonl").symlink_to("b.jsonl")
    assert _names(tmp_path, "logs/*") == ["logs/z.jsonl", "logs/b.jsonl"]


def test_a_link_that_leads_out_is_refused_by_the_root_to_declare(tmp_path: Path) -> None:
    root, pods = tmp_path / "books", tmp_path / "pods"
    _file(pods / "0.log")
    (root / "logs").mkdir(parents=True)
    (root / "logs/one.log").symlink_to(pods / "0.log")
    (root / "logs/folder").symlink_to(pods)
    assert _names(root, "logs/**/*.log") == []
    refused = _refused(root, "logs/**/*.log")
    assert refused.keys() == {"logs/one.log", "logs/folder"}
    assert f'link_roots = ["{pods}"]' in refused["logs/one.log"]
    assert _names(root, "logs/**/*.log", link_roots=(str(pods),)) == [f"{pods}/0.log"]
    assert _names(root, "logs/*.log", link_roots=("../pods",)) == ["logs/one.log"]


def test_loops_and_links_that_lead_nowhere_are_named_and_hold_nothing_up(tmp_path: Path) -> None:
    _file(tmp_path / "logs/a.jsonl")
    for name in ("here", "again", "more"):
        (tmp_path / "logs" / name).symlink_to(".")
    (tmp_path / "logs/round.jsonl").symlink_to("round.jsonl")
    (tmp_path / "logs/gone.jsonl").symlink_to("nothing")
    assert _names(tmp_path, "logs/**/*.jsonl") == ["logs/a.jsonl"]
    refused = _refused(tmp_path, "logs/**/*.jsonl")
    assert "circle" in refused["logs/round.jsonl"]
    assert "No such file" in refused["logs/gone.jsonl"]


def test_a_link_that_is_come_to_by_several_ways_is_refused_once(tmp_path: Path) -> None:
    for name in ("here", "again"):
        (tmp_path / "logs" / "deep").mkdir(parents=True, exist_ok=True)
        (tmp_path / "logs" / "deep" / name).symlink_to("..")
    (tmp_path / "logs/gone.jsonl").symlink_to("nothing")
    refused = find_logs(tmp_path, ("logs/**/*.jsonl", "logs/*")).refused
    assert [source_text(tmp_path, each.path) for each in refused] == ["logs/gone.jsonl"]


@pytest.mark.parametrize(
    "name", [b"gat\xe9way", b"a\\xe9", b"a\\\xe9", b"a\\x5cxe9", b"a\\x5c", "é".encode(), b"\\x41"]
)
def test_the_bytes_of_a_name_can_be_had_back_from_what_a_log_is_called(tmp_path: Path, name: bytes) -> None:
    called = source_text(tmp_path, tmp_path / os.fsdecode(name))
    read_back = re.sub(rb"\\x(5c|[89a-f][0-9a-f])", lambda escape: bytes.fromhex(escape[1].decode()), called.encode())
    assert read_back == name


@pytest.mark.long
def test_a_log_whose_name_is_no_utf8_is_billed_and_named_with_escapes(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    (root / "logs" / os.fsdecode(b"gat\xe9way.jsonl")).write_text(
        plain("2026-10-01T10:00:00Z", id="a") + "\n" + "x", encoding="utf-8"
    )
    night = tallybook(root, "nightly")
    assert night.returncode == 0, night.stderr
    assert r"gat\xe9way.jsonl: the last 1 byte has no line end yet" in night.stderr
    assert json.loads(tallybook(root, "usage", "--by", "key", "-o", "json").stdout)[0]["prompt_tokens"] == 1_000_000
    (entry,) = (root / "lake").rglob(f"{0:020}.json")
    assert r"logs/gat\\xe9way.jsonl" in entry.read_text(encoding="utf-8")


def test_doctor_and_strict_nights_fail_for_a_link_that_is_not_followed(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a"))
    (root / "logs/link.jsonl").symlink_to(_file(tmp_path / "pods/0.log"))
    night = tallybook(root, "nightly", "--strict")
    assert night.returncode == 3
    assert "logs/link.jsonl: a link that leads out of the workspace" in night.stderr
    found = tallybook(root, "doctor")
    assert (found.returncode, f'link_roots = ["{tmp_path}/pods"]' in found.stdout) == (2, True)


@pytest.mark.parametrize("roots", ['""', '"/var/log/*"', "7"])
def test_roots_that_cannot_be_meant_are_refused(tmp_path: Path, roots: str) -> None:
    text = f'[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\nlink_roots = [{roots}]\n'
    (tmp_path / "tallybook.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="link_roots"):
        read_settings(tmp_path)
