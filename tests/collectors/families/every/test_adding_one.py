"""``docs/families.md`` names every family, and whoever does what it says has added one."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from readings import read, tokens, ways

from pipeline.collectors import LogFormat, families

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "families.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return [
        textwrap.dedent(block)
        for block in re.findall(rf"^ *```{language}\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    ]


@pytest.fixture
def answer() -> dict[str, Any]:
    """Return the answer that the page shows."""
    (text,) = _blocks("json")
    shown: dict[str, Any] = json.loads(text)
    return shown


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> str:
    """Add the family of the page as the page says, and return its name."""
    name = re.findall(r"Write `pipeline/collectors/families/(\w+)\.py`", PAGE)[0]
    (source,), (line,) = _blocks("python"), _blocks("text")
    module = ModuleType(f"pipeline.collectors.families.{name}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, f"{name}.py", "exec"), module.__dict__)  # noqa: S102 - the page's own code
    family = eval(line.strip().rstrip(","), {"Family": families.Family, name: module})  # noqa: S307 - likewise
    table = (family, *families.FAMILIES)
    monkeypatch.setattr(families, "FAMILIES", table)
    for each in table:
        monkeypatch.setitem(families.BY_NAME, each.name, each)
    return name


def test_a_family_is_found_by_being_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = _blocks("python")
    (tmp_path / "parrot.py").write_text(source, encoding="utf-8")
    assert list(families._found()) == []  # noqa: SLF001 - what is found is put into the table when the package is loaded
    monkeypatch.setattr(families, "__path__", [*families.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "pipeline.collectors.families.parrot", raising=False)
    (found,) = families._found()  # noqa: SLF001 - likewise
    assert (found.name, found.recognises({"kind": "parrot.answer"})) == ("parrot", True)
    monkeypatch.delitem(sys.modules, "pipeline.collectors.families.parrot")


def test_the_page_names_every_family_in_its_order_and_no_other() -> None:
    table = PAGE.partition("## What is read")[2].partition("\n\n## ")[0]
    assert re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE) == [family.name for family in families.FAMILIES]


def test_the_page_names_every_convention_that_a_dialect_may_end_in() -> None:
    folder = Path(families.__file__).parent
    sources = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    literal = re.findall(
        r'\("([a-z]+(?:-[a-z]+)*)",\)', "".join(line for line in sources.splitlines() if "onventions" in line)
    )
    ends = "apart|unknown|cached|total|begun|within"
    named = re.findall(rf'^[A-Z_]+ = "([a-z]+(?:-[a-z]+)*-(?:{ends}))"', sources, re.MULTILINE)
    assert (len(set(literal)), len(set(named))) == (6, 13)
    assert [convention for convention in (*literal, *named) if f"`{convention}`" not in PAGE] == []


def test_before_it_is_added_its_answer_is_no_completion(answer: dict[str, Any]) -> None:
    assert read(answer, path="/parrot/say").status.value == "not_metered"


def test_a_family_that_is_added_as_the_page_says_is_read(answer: dict[str, Any], added: str) -> None:
    counts = re.findall(
        (
            r"The answer above is (\d+) prompt tokens, (\d+) of them cached, and (\d+) completion tokens, (\d+) of "
            r"them reasoning"
        ),
        PAGE,
    )
    prompt, cached, completion, reasoning = map(int, counts[0])
    for path in ("/parrot/say", None, "/v1/chat/completions"):
        reading = read(answer, path=path)
        assert tokens(answer, path=path) == (prompt, completion, cached, None, reasoning)
        assert (reading.dialect, reading.response_id, reading.model_reported) == (added, "p-81", "macaw-2")


def test_what_holds_for_all_families_holds_for_one_that_was_added(answer: dict[str, Any], added: str) -> None:
    seeds = answer["seeds"]
    chunks = [answer | {"kind": "parrot.chunk", "seeds": None}, answer | {"kind": "parrot.chunk"}]
    for body in ways(*chunks).values():
        assert tokens(body)[:2] == (120, 42)
    assert tokens(answer, status=499)[:2] == (120, 42)
    assert tokens(answer | {"error": "tired"})[:2] == (120, 42)
    assert read(answer | {"seeds": dict.fromkeys(seeds, 0)}).status.value == "unknown"
    assert read(ways(*chunks[:1], chunks[0])["transcript"], path="/parrot/say").status.value == "estimated"
    assert read(answer | {"seeds": None, "error": "tired"}).status.value == "failed"
    assert LogFormat(dialect=added).dialect == "parrot"
