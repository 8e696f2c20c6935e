"""Rooms: what each package says of itself, where it stands, what it may do, and which words it uses."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from documented import ROOT

from pipeline.usage.events import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = sorted(path.parent for path in (ROOT / "pipeline").rglob("__init__.py") if path.parent != ROOT / "pipeline")
FOLDERS = sorted({path.parent for name in ("pipeline", "tests", "benchmarks") for path in (ROOT / name).rglob("*.py")})
MODULES = sorted((ROOT / "pipeline").rglob("*.py"))
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
FILES_MAX = 14
"""About a dozen, and a few."""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("package", PACKAGES, ids=relative)
def test_a_package_says_what_it_owns_what_it_does_not_and_what_to_read_first(package: Path) -> None:
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    flat = " ".join(text.split())
    assert "Owns " in flat
    assert re.search(r"Does not own|Imports nothing", flat)
    first = re.search(r"Read first: ``([\w./]+)``[^`]* (?:and|then) ``([\w./]+)``|Read first: ``([\w./]+)``", flat)
    assert first, "it does not say which two files to read first"
    for name in filter(None, first.groups()):
        assert any(place.exists() for place in places_of(package, name)), f"there is no {name} to read first"


def places_of(package: Path, name: str) -> list[Path]:
    dotted = name.replace(".", "/")
    inside = [folder / f"{dotted}.py" for folder in (package, package.parent, ROOT)]
    return [ROOT / name, *inside, ROOT / dotted]


@pytest.mark.parametrize("folder", FOLDERS, ids=relative)
def test_a_folder_holds_about_a_dozen_files(folder: Path) -> None:
    files = [path.name for path in folder.glob("*.py") if path.name not in ("__init__.py", "conftest.py")]
    assert len(files) <= FILES_MAX, f"{relative(folder)} holds {len(files)} files; make rooms of it"


def test_the_page_of_architecture_names_every_room_in_the_order_of_the_contract() -> None:
    rows = re.findall(r"^\| `([\w/]+)` \|", ARCHITECTURE.partition("## The rooms")[2], re.MULTILINE)
    layers = next(contract for contract in CONTRACTS if contract.get("containers") == ["pipeline"])["layers"]
    rank = {room.strip(): place for place, layer in enumerate(layers) for room in layer.split("|")}
    assert set(rows) == set(rank), "docs/architecture.md and the layers of pyproject.toml differ"
    assert [rank[room] for room in rows] == sorted(rank[room] for room in rows)
    inner = {f"{path.relative_to(ROOT / 'pipeline')}" for path in PACKAGES} - set(rows)
    assert {name for name in inner if f"`{name}`" not in ARCHITECTURE} == set(), "rooms that no row names"


def test_where_to_change_what_names_files_that_are_there() -> None:
    table = ARCHITECTURE.partition("## Where to change what")[2]
    named = re.findall(r"`((?:pipeline|sql|tests)/[\w./]*)`", table)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_rule_of_each_column_stands_where_the_page_of_architecture_says() -> None:
    table = ARCHITECTURE.partition("## Where the rule of a column stands")[2].partition("## ")[0]
    rows = [row.split(" | ") for row in re.findall(r"^\| (.*) \|$", table, re.MULTILINE)][1:]
    named = [name for columns, *_ in rows for name in re.findall(r"`(\w+)`", columns)]
    assert sorted(named) == sorted(column.name for column in COLUMNS)
    places = [place for *_, where in rows for place in re.findall(r"`([\w/]+\.py)` \(`(\w+)`\)", where)]
    assert len({file for file, _ in places}) > 10
    for file, name in places:
        text = (ROOT / "pipeline" / "collectors" / file).read_text(encoding="utf-8")
        assert re.search(rf"^(def|class) {name}\b", text, re.MULTILINE), f"{file} has no {name}"


WRITING = {
    *("fsync", "fdatasync", "link", "symlink", "rename", "replace", "truncate", "ftruncate"),
    *("mkdir", "makedirs", "unlink", "remove", "removedirs", "rmdir"),
}
WRITING_METHODS = {
    *("write_text", "write_bytes", "mkdir", "touch", "unlink", "rmdir", "symlink_to", "hardlink_to", "rename"),
    "write_table",
}
WRITING_MODE = re.compile(r"[rwaxbt+]*[wax+][rwaxbt+]*")
COMPILED = "pipeline/collectors/kernel/compiled.py"
WRITES_ELSEWHERE = {
    **dict.fromkeys(
        [f"{COMPILED}: {name}" for name in ("fdopen", "mkdir", "mkstemp", "unlink")],
        "machine code beside the program, as Python keeps its own; it is made anew where it is lost",
    ),
    "pipeline/cli/surroundings.py: fdopen": "a standard stream that was closed, and is opened on nothing",
    "pipeline/jobs/upkeep/init.py: mkdir": "the workspace's own folder, before there is anything to lose",
}


def writes(module: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in ("os", "shutil"):
            found += [each.name for each in node.names if node.module == "shutil" or each.name in WRITING]
        elif isinstance(node, ast.Call):
            found += written_by(node)
    return [f"{relative(module)}: {name}" for name in found]


def written_by(call: ast.Call) -> list[str]:
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name in ("TemporaryDirectory", "NamedTemporaryFile", "mkstemp", "mkdtemp"):
        return [name]
    if isinstance(function, ast.Attribute):
        of = function.value.id if isinstance(function.value, ast.Name) else ""
        if of == "disk":
            return []  # by way of pipeline.objects
        is_path_replaced = bool(of) and name == "replace" and len(call.args) == 1 and not call.keywords  # a text's: two
        if of == "shutil" or (of == "os" and name in WRITING) or name in WRITING_METHODS or is_path_replaced:
            return [name]
    given = [*call.args, *(each.value for each in call.keywords)]
    if name in ("open", "fdopen"):
        modes = [part.value for part in given if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        makes = any(
            isinstance(part, ast.Attribute) and part.attr == "O_CREAT" for each in given for part in ast.walk(each)
        )
        return [name] if makes or any(WRITING_MODE.fullmatch(mode) for mode in modes) else []
    return []


@pytest.mark.long
def test_only_objects_writes_to_disk() -> None:
    elsewhere = [found for module in MODULES if "objects" not in module.parts for found in writes(module)]
    assert sorted(elsewhere) == sorted(WRITES_ELSEWHERE), "write by way of pipeline.objects"
    assert any(writes(module) for module in MODULES if "objects" in module.parts), "the search finds nothing at all"


BANISHED = {
    r"\btold by\b|\bteller\b|\btelling\b": "matched; deciding (a value); recognised (a family)",
    r"\blearnt\b": "learned",
    r"\bstretch(es)?\b": "segment (of a log), rate window, time slice, span",
    r"\bshelf\b|\bseam\b": "the drafts of an account; delimiter",
    r"\bmercy\b": "strictly",
    r"\blesson": "sample",
}
"""Private words, and those of the field that stand for them."""
KEPT = {"docs/performance.md": r"0033-lines-are-told-by-their-shape"}


@pytest.mark.parametrize("word", BANISHED)
def test_private_words_do_not_come_back(word: str) -> None:
    texts = [*MODULES, *(ROOT / "sql").rglob("*.sql"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    found = [
        f"{relative(path)}:{number}: {line.strip()[:80]}"
        for path in texts
        if re.search(word, text := path.read_text(encoding="utf-8"), re.IGNORECASE)
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(word, re.sub(KEPT.get(relative(path), r"(?!)"), "", line), re.IGNORECASE)
    ]
    assert found == [], f"write instead: {BANISHED[word]}"


def test_a_word_of_the_glossary_is_a_word_of_the_code() -> None:
    """Each stands in a name or in a text of the code, in one of its forms: it is a word that somebody uses."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in [*MODULES, *(ROOT / "sql").rglob("*.sql")]).lower()
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    words = [word.strip().strip("`") for row in rows for word in row.split(",") if row not in ("word", "---")]
    assert len(words) > 50
    unused = [
        word for word in words if not re.search(r"[\s_-]+".join(re.escape(part) for part in word.lower().split()), code)
    ]
    assert unused == [], "the glossary names words that the code does not use"
