"""The mutants themselves: each can be made, none is missing, and what tries them tells noticed from not noticed."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.mutants import changed_python, kernel, protocol, python
from benchmarks.mutants.groups import EQUAL, GROUPS
from benchmarks.mutants.trials import ROOT, Trial, tried

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = {
    r"os\.fsync\(": "no fsync of a file",
    r"(?<!def )\bsync_folder\(": "no fsync of a folder",
    r"replace_durably\((?!\s*path: )": "written in place",
    r"os\.link\(|disk\.link_new\(": "rename for link",
    r"\bwith locked\(": "no lock",
    r"\bverified_file\((?!path: )": "no check",
    r"os\.O_EXCL": "without O_EXCL",
    r"(?<!def )\bsweep(_[a-z]+)+\(": "what is left is not swept",
}
SOURCE = '''
"""A module."""
LIMIT = 3


def within(number: int, *, names: list[str]) -> bool:
    """Say whether it is."""
    if number is None:
        message = f"{number} is none"
        raise ValueError(message)
    return number <= LIMIT and not names
'''


@pytest.fixture(scope="module")
def of_protocol() -> list[Trial]:
    return protocol.every_trial()


@pytest.mark.long
def test_every_mutant_of_the_protocol_has_a_name_of_its_own_and_can_be_made(of_protocol: list[Trial]) -> None:
    assert len({each.name for each in of_protocol}) == len(of_protocol)
    for each in of_protocol:
        assert each.changed().co_filename == str(ROOT / each.path)


@pytest.mark.long
@pytest.mark.parametrize(("pattern", "what"), STEPS.items(), ids=STEPS.values())
def test_no_step_of_the_protocol_is_without_its_mutant(of_protocol: list[Trial], pattern: str, what: str) -> None:
    folders = [ROOT / folder for folder in (*protocol.ROOMS, *protocol.CALLERS)]
    files = {path.relative_to(ROOT).as_posix(): path for folder in folders for path in folder.rglob("*.py")}
    other = {
        path.relative_to(ROOT).as_posix(): path
        for path in (ROOT / "pipeline").rglob("*.py")
        if path.relative_to(ROOT).as_posix() not in files
    }
    counted = {name: len(re.findall(pattern, path.read_text(encoding="utf-8"))) for name, path in files.items()}
    mutants: dict[str, int] = {}
    for each in of_protocol:
        if f": {what}: " in each.name:
            mutants[each.path] = mutants.get(each.path, 0) + 1
    lacking = {name: count for name, count in counted.items() if mutants.get(name, 0) < count}
    assert not lacking
    assert sum(counted.values()) > 0
    assert [name for name, path in other.items() if re.search(pattern, path.read_text(encoding="utf-8"))] == []


@pytest.mark.long
def test_every_comparison_of_digests_in_the_rooms_of_storage_has_its_mutant(of_protocol: list[Trial]) -> None:
    names = [each.name for each in of_protocol]
    for path in ("objects/verified", "objects/append_log", "lake/told", "lake/counted", "register/configurations"):
        tree = ast.parse((ROOT / "pipeline" / f"{path}.py").read_text(encoding="utf-8"))
        found = [
            ast.unparse(node)
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare) and "sha256" in ast.unparse(node) and " in " not in ast.unparse(node)
        ]
        assert found, path
        for text in found:
            assert any(name.startswith(path.replace("/", ".")) and text[:60] in name for name in names), text


def test_mutants_of_a_module_change_one_thing_each_and_nothing_that_people_read() -> None:
    found = {each.name: ast.unparse(each.tree()) for each in changed_python.mutants("m", SOURCE)}
    assert [name.removeprefix("m: ") for name in found] == [
        "at import: 4 instead: 3",
        "within: isnot instead: number is None",
        "within: left out: raise ValueError(message)",
        "within: none instead: return number <= LIMIT and (not names)",
        "within: the other of and, or: number <= LIMIT and (not names)",
        "within: without number <= LIMIT: number <= LIMIT and (not names)",
        "within: without not names: number <= LIMIT and (not names)",
        "within: lt instead: number <= LIMIT",
        "within: without not: not names",
    ]
    assert len({*found.values(), ast.unparse(ast.parse(SOURCE))}) == len(found) + 1


@pytest.mark.long
def test_what_amounts_to_nothing_is_a_mutant_that_there_is(of_protocol: list[Trial]) -> None:
    names = [each.name for each in of_protocol]
    assert [begin for begin in protocol.EQUAL if not any(name.startswith(begin) for name in names)] == []
    assert EQUAL.keys() == GROUPS.keys()
    for group, equal in EQUAL.items():
        named = [each.name for each in python.every_trial(group)]
        assert [begin for begin in equal if not any(python.is_named(name, begin) for name in named)] == []


@pytest.fixture
def modules_of_before() -> Iterator[None]:
    """Trials import everything anew; the tests that follow know the modules that they have imported."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in {"pipeline", "tests"}}
    yield
    sys.modules.update(before)


@pytest.mark.slow
@pytest.mark.usefixtures("modules_of_before")
def test_a_trial_tells_a_function_and_a_constant_that_are_noticed_from_what_no_test_calls() -> None:
    path = "pipeline/base/money.py"
    source = (ROOT / path).read_text(encoding="utf-8")

    def trial(name: str, text: str, other: str) -> Trial:
        assert source.count(text) == 1, text
        file = str(Path(ROOT / path))
        return Trial(
            name, path, lambda: compile(source.replace(text, other), file, "exec"), ("tests/rules/base/test_money.py",)
        )

    found = {
        each.name: each.noticed_by
        for each in tried(
            [
                trial("function", "return result or result.copy_abs()", "return result"),
                trial("constant", '3: "BHD IQD JOD KWD', '4: "BHD IQD JOD KWD'),
                trial("unread", "write {fraction_digits_max} decimal places", "write them"),
            ]
        )
    }
    assert found["function"] == "tests/rules/base/test_money.py::test_a_rounded_zero_has_no_sign"
    assert found["constant"] is not None
    assert found["unread"] is None


def test_every_check_of_the_kernel_that_a_mutant_takes_away_is_there() -> None:
    source = Path(kernel.__file__).parents[2] / "pipeline/collectors/kernel/source"
    texts = {path.name: path.read_text(encoding="utf-8") for path in source.iterdir()}
    assert [(file, check) for file, check, _ in kernel.MUTANTS if check not in texts[file]] == []
