"""Bombs: small to send, and large, slow or endless to read: one clear line is said, and nobody pays for another.

Caps on lines, streams and ratios are claimed in ``tests/collectors``; here is what was found to pass beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-02")
DEEP = "[" * 200_000
DEEP_OBJECT = '{"a":' * 200_000
NESTED = {
    "as Docker begins": f'{{"time": "2026-10-01T00:00:00Z", "log": {DEEP}',
    "as Docker begins, closed": f'{{"time": "2026-10-01T00:00:00Z", "log": {DEEP}{"]" * 200_000}}}',
    "as the journal begins": f'{{"__CURSOR": "x", "MESSAGE": {DEEP}',
    "as Fluent Bit begins": f'{{"date": 1.0, "log": {DEEP_OBJECT}',
    "as a file of Fluent Bit": f'app: [1.0, {{"log": {DEEP}]',
    "an array": f'{{"ts": {DEEP}',
    "an object": DEEP_OBJECT,
    "a request with a word of Docker's": plain("2026-10-01T10:00:00Z", id="x")[:-1] + f', "log": {DEEP}}}',
}


@pytest.mark.parametrize("line", NESTED.values(), ids=NESTED)
def test_a_line_that_is_nested_without_end_is_quarantined_and_costs_no_other_line(line: str, tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", line, plain("2026-10-01T10:00:00Z", id="a"))
    done = tallybook(root, "nightly", *AS_OF)
    assert done.returncode == 0, done.stderr
    assert "lines 2  quarantined 1  events 1  measured 1" in done.stdout
    assert "draft-2026-10-acme\tAcme\t2026-10\t1\t2.00\tUSD" in done.stdout


@pytest.mark.parametrize("content", [DEEP, f"{DEEP}\n{DEEP}"], ids=["one line", "several"])
def test_a_log_that_begins_as_a_document_without_end_is_told_of_and_the_other_logs_are_read(
    content: str, tmp_path: Path
) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.json", content)
    write_log(root, "b.jsonl", plain("2026-10-01T10:00:00Z", id="a"))
    done = tallybook(root, "nightly", *AS_OF)
    assert done.returncode == 0, done.stderr
    assert "2.00" in done.stdout
    assert "logs/a.json" in done.stderr or "quarantined" in done.stderr


@pytest.mark.parametrize("command", [("reconcile",), ("rates", "import", "--from")])
@pytest.mark.parametrize("text", [DEEP, '{"data": ' + "9" * 5000 + "}", '{"a": ' + "9" * 5000 + "}"])
def test_a_file_of_others_that_is_no_json_of_theirs_is_refused_in_one_line(
    command: tuple[str, ...], text: str, tmp_path: Path
) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "b.jsonl", plain("2026-10-01T10:00:00Z", id="a"))
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    (tmp_path / "theirs.json").write_text(text, encoding="utf-8")
    given = f"litellm:{tmp_path}/theirs.json" if command[0] == "rates" else f"{tmp_path}/theirs.json"
    done = tallybook(root, *command, given)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "theirs.json" in done.stderr
