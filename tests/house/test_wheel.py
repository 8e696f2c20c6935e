"""The wheel is whole: installed somewhere else, it makes a workspace and bills it, with the SQL and the sample that
came with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from documented import ROOT
from hatchling.builders.wheel import WheelBuilder

CALL = "from pipeline.cli import main; main()"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder / "dist"), versions=["standard"])
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-compile",
        "--target",
        str(folder / "site"),
        wheel,
    ]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    return folder / "site"


@pytest.mark.long
def test_a_built_wheel_makes_a_workspace_and_bills_it(installed: Path, tmp_path: Path) -> None:
    where = called(installed, tmp_path, "import pipeline; print(pipeline.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(installed)
    made = called(installed, tmp_path, CALL, "init", "books")
    assert "made  books/tallybook.toml" in made.stdout
    night = called(installed, tmp_path, CALL, "-w", "books", "nightly", "--as-of", "2026-11-01")
    assert "draft-2026-10-birke" in night.stdout
    assert (tmp_path / "books" / "invoices" / "2026-10" / "lines.csv").stat().st_size > 0


@pytest.mark.long
def test_a_built_wheel_holds_every_sql_file_every_page_and_the_sample_and_nothing_that_was_computed(
    installed: Path,
) -> None:
    assert names(installed / "pipeline" / "_sql") == names(ROOT / "sql")
    assert {"invoice.html", "invoice.css", "invoice.typ"} <= names(installed / "pipeline" / "documents" / "pages")
    sample = names(installed / "pipeline" / "_sample")
    assert {"tallybook.toml", "accounts.toml", "rates/standard.toml", "logs/2026-09.jsonl.gz"} <= sample
    assert not [name for name in sample if name.startswith(("lake/", "invoices/")) or name == "key-secret"]


def called(site: Path, folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TALLYBOOK_")}
    environment = {**kept, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
