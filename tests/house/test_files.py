"""What lies in the repository: the names that were agreed, one language of its own, no trace of a machine."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from documented import ROOT

if TYPE_CHECKING:
    from pathlib import Path

AGREED = {
    "pyproject.toml",
    "README.md",
    "pipeline",
    "sql",
    "data",
    "tests",
    "notebooks",
    "docs",
    "benchmarks",
    "CHANGELOG.md",
    "LICENSE",
    "constraints.txt",
    "justfile",
}
WRITTEN = {"data/lake", "data/invoices"}
SUFFIXES = {
    ".py",
    ".md",
    ".toml",
    ".sql",
    ".txt",
    ".csv",
    ".ipynb",
    ".json",
    ".jsonl",
    ".yml",
    ".yaml",
    ".service",
    ".timer",
    ".cron",
    "",
}

# Spelled in pieces, so that this file does not find itself.
MACHINE = re.compile(
    "|".join(
        [
            "/wo" + r"rk/",
            "/ro" + r"ot/",
            "/ho" + r"me/\w",
            "/tm" + r"p/\w",
            "/op" + r"t/(?!tallybook)\w",
            r"[A-Z]:\\\\?Us" + "ers",
        ]
    )
)
REGISTRY = re.compile(
    "|".join(
        [
            "py" + r"pi\.org",
            "pythonho" + r"sted",
            "index-" + "url",
            "find-" + "links",
            "file:" + "//",
            "arti" + "factory",
        ]
    ),
    re.IGNORECASE,
)
WORKPLACE = re.compile(
    "|".join(
        [
            r"\bsub-?ag" + r"ents?\b",
            r"\bAI ag" + r"ents?\b",
            r"\bChat" + r"GPT\b",
            r"\bClau" + r"de\b",
            "co-author" + "ed-by",
            r"\bthis ses" + r"sion\b",
        ]
    ),
    re.IGNORECASE,
)
NAMED = re.compile(r"(?<![\w./{}-])(?:(?:tests|benchmarks|pipeline|notebooks|sql)/[\w./-]*\.(?:py|md|sql|ipynb))\b")
MADE_UP = {
    "pipeline/collectors/families/parrot.py",  # what a page shows somebody to add
    "tests/collectors/families/test_parrot.py",
    "pipeline/collectors/formats/gateways/NAME.py",
    "tests/collectors/formats/ROOM/test_NAME.py",
    "sql/marts/of_mine.sql",  # of a test's copy
}
OF_OTHER_TIMES = {"CHANGELOG.md"}
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+")


def files() -> list[Path]:
    found = [ROOT / name for name in AGREED if (ROOT / name).is_file()] + [ROOT / ".gitignore", ROOT / ".ci" / "run"]
    for name in sorted(AGREED):
        found += [path for path in sorted((ROOT / name).rglob("*")) if path.is_file() and not is_written(path)]
    return found


def is_written(path: Path) -> bool:
    inside = path.relative_to(ROOT)
    is_cache = any(part.startswith(".") or part == "__pycache__" for part in inside.parts)
    return is_cache or inside.name == "key-secret" or any(inside.is_relative_to(folder) for folder in WRITTEN)


def test_beside_the_agreed_names_there_are_only_dot_files() -> None:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--full-name"], capture_output=True, text=True, check=False
    )
    if listed.returncode or not listed.stdout:
        pytest.skip("not a git checkout: which files belong to the repository cannot be told")
    tops = {name.split("/")[0] for name in listed.stdout.splitlines()}
    assert {name for name in tops if not name.startswith(".")} <= AGREED


def test_files_that_code_and_pages_name_are_there() -> None:
    own = [path for path in files() if path.suffix in {".py", ".md", ".toml"} and path.name not in OF_OTHER_TIMES]
    named = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in own
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
        if name not in MADE_UP and not any((ROOT / folder / name).exists() for folder in ("", "tests", "data"))
    }
    assert not named, "code or a page names a file that is not there"


@pytest.mark.long
@pytest.mark.parametrize("pattern", [MACHINE, REGISTRY, WORKPLACE], ids=["machine", "registry", "workplace"])
def test_no_file_names_a_machine_a_registry_or_a_workplace(pattern: re.Pattern[str]) -> None:
    texts = [(path, path.read_text(encoding="utf-8")) for path in files() if path.suffix in SUFFIXES]
    assert len(texts) > 100
    lines = [
        (path, number, line) for path, text in texts for number, line in enumerate(without_images(text).splitlines(), 1)
    ]
    assert [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path, number, line in lines
        if pattern.search(line)
    ] == []


def test_constraints_name_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#") and not PIN.fullmatch(line)] == []


def test_every_dependency_of_the_package_and_its_tests_is_pinned() -> None:
    pinned = {
        normal(line.partition("==")[0])
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    tables = re.findall(r"^(dependencies|test|lint) = \[(.*?)\]$", project, re.MULTILINE | re.DOTALL)
    needed = {normal(name) for _, table in tables for name in re.findall(r'"([A-Za-z0-9._-]+)[>=<~!]', table)}
    assert len(tables) == 3
    assert needed <= pinned, needed - pinned


@pytest.mark.long
def test_the_sample_holds_no_raw_key_and_no_secret() -> None:
    assert not list((ROOT / "pipeline").rglob("key-secret"))
    for path in files():
        if path.suffix in {".toml", ".jsonl"} and path.is_relative_to(ROOT / "data"):
            assert '"api_key":' not in path.read_text(encoding="utf-8")


def without_images(text: str) -> str:
    return re.sub(r'"image/png": "[^"]*"', '"image/png": ""', text)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
