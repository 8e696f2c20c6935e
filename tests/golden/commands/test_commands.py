"""Runs the golden cases of commands: ``tests/golden/commands/<case>/``, folders that an accountant can read.

A case is a small workspace (``tallybook.toml``, ``accounts.toml``, ``rates/``, ``logs/``), ``WHY.md`` with the
arithmetic behind it, and ``steps.toml``: command lines in their order, and what each must print and write. It holds no
code. A step may say

* ``put``: files of the case that come into the workspace before it, by the name that they get there (a later log,
  another price)
* ``run``: the command line after ``tallybook``, run in a copy of the folder; ``exit``: its exit code, 0 where it is
  left out
* ``stdout``, ``stderr``: files with what it prints, byte for byte; where ``stderr`` is left out, it prints nothing
  there
* ``files``: what it writes, by name, and the files that this equals, byte for byte
* ``columns``: CSV that it writes (or ``stdout``), and files with some of its columns; these are equal, row by row
* ``sums``: CSV or Parquet that it writes (or ``stdout``, or a table of a file of DuckDB, ``books.duckdb:charges``), and
  files with one of its columns added up by another one
* ``lines``: text that it writes, and files with some of its lines, which stand there in this order
* ``changes_nothing``: no byte of the workspace is another one afterwards

``is_slow = true`` above the steps leaves a case of many commands to the slow suite.

A digest, which nobody computes by hand, is written ``<digest>``, and a reading of the machine's clock ``<seconds>``.
Rows of CSV end in CR LF, of expected files in LF alone. The lines of a log are of equal length, so that bytes can be
counted.
"""

from __future__ import annotations

import csv
import re
import shlex
import shutil
import tempfile
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import duckdb
import pyarrow.parquet as pq
import pytest
from workspaces import fingerprints, tallybook

from pipeline.cli import _tallybook

if TYPE_CHECKING:
    from workspaces import Done

CASES = {
    path.parent: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).parent.glob("*/steps.toml"))
}
RUN = [
    pytest.param(case, id=case.name, marks=[pytest.mark.slow] if said.get("is_slow") else [])
    for case, said in CASES.items()
]
WORDS = {"put", "run", "exit", "stdout", "stderr", "files", "columns", "sums", "lines", "changes_nothing"}
OPEN = {"<digest>": "[0-9a-f]+", "<seconds>": r"[0-9]+(?:\.[0-9]+)?"}
SPOKEN_OF = ("stdout", "stderr", "files", "columns", "sums", "lines")


@pytest.mark.long
@pytest.mark.parametrize("case", RUN)
def test_commands_do_what_an_accountant_expects(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    books = shutil.copytree(case, tmp_path / "books")
    monkeypatch.chdir(books)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # what killed runs left elsewhere is spoken of as well
    for step in CASES[case]["steps"]:
        for name, given in step.get("put", {}).items():
            shutil.copyfile(case / given, books / name)
        before = fingerprints(books)
        done = tallybook(Path(), *shlex.split(step["run"]))
        assert done.returncode == step.get("exit", 0), done.stdout + done.stderr
        compare(case, step, done, books)
        assert not step.get("changes_nothing") or fingerprints(books) == before, step["run"]


def compare(case: Path, step: dict[str, Any], done: Done, books: Path) -> None:
    if "stdout" in step:
        compare_bytes(done.stdout, expected_text(case / step["stdout"]))
    compare_bytes(done.stderr, expected_text(case / step["stderr"]) if "stderr" in step else "")
    for name, expected in step.get("files", {}).items():
        compare_bytes(text_of(books / name), expected_text(case / expected))
    for name, expected in step.get("columns", {}).items():
        rows = rows_of(text_of(case / expected))
        assert [{column: row.get(column, "") for column in rows[0]} for row in written(name, done, books)] == rows
    for name, expected in step.get("sums", {}).items():
        compare_sums(written(name, done, books), rows_of(text_of(case / expected)))
    for name, expected in step.get("lines", {}).items():
        wanted = text_of(case / expected).splitlines()
        assert [line for line in text_of(books / name).splitlines() if line in wanted] == wanted


def compare_bytes(text: str, expected: str) -> None:
    """Compare all of a text but the digests and readings of the clock that are left open in ``expected``."""
    pattern = re.escape(expected)
    for word, what in OPEN.items():
        pattern = pattern.replace(re.escape(word), what)
    assert text == (text if re.fullmatch(pattern, text) else expected)


def compare_sums(rows: list[dict[str, Any]], expected: list[dict[str, str]]) -> None:
    by, added = expected[0]
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums[row[by]] = sums.get(row[by], Decimal(0)) + Decimal(row[added])
    assert sums == {row[by]: Decimal(row[added]) for row in expected}


def written(name: str, done: Done, books: Path) -> list[dict[str, Any]]:
    if name.endswith(".parquet"):
        found: list[dict[str, Any]] = pq.read_table(books / name).to_pylist()
        return found
    file, _, table = name.partition(".duckdb:")
    if table:
        with duckdb.connect(books / f"{file}.duckdb", read_only=True) as connection:
            asked = connection.table(table)
            return [dict(zip(asked.columns, row, strict=True)) for row in asked.fetchall()]
    return rows_of(done.stdout if name == "stdout" else text_of(books / name))


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def expected_text(path: Path) -> str:
    return text_of(path).replace("\n", "\r\n") if path.suffix == ".csv" else text_of(path)


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_expected_file_is_compared_and_every_word_of_a_step_is_known(case: Path) -> None:
    steps = CASES[case]["steps"]
    assert set(CASES[case]) <= {"is_slow", "steps"}
    assert [word for step in steps for word in step if word not in WORDS] == []
    said = [step[word] for step in steps for word in SPOKEN_OF if word in step]
    compared = {name for each in said for name in (each.values() if isinstance(each, dict) else [each])}
    assert compared == {path.relative_to(case).as_posix() for path in (case / "expected").iterdir()}
    assert (case / "WHY.md").is_file()


def test_every_command_has_a_case_but_those_that_say_nothing_of_usage_or_money() -> None:
    run = [" ".join(shlex.split(step["run"])[:2]) for said in CASES.values() for step in said["steps"]]
    without = {name for name in commands(_tallybook) if not any(f"{line} ".startswith(f"{name} ") for line in run)}
    assert without == {"init", "keys id", "completion"}


def commands(group: click.Group, prefix: str = "") -> list[str]:
    context = click.Context(group)
    found = {f"{prefix}{name}": group.get_command(context, name) for name in group.list_commands(context)}
    return [
        leaf
        for name, command in found.items()
        for leaf in (commands(command, f"{name} ") if isinstance(command, click.Group) else [name])
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_lines_of_a_log_are_of_equal_length(case: Path) -> None:
    for log in case.glob("logs/*.jsonl"):
        assert len({len(line) for line in log.read_bytes().splitlines(keepends=True)}) == 1, log
