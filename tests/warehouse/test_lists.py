"""Lists of columns in a file of ``sql/``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.base.errors import ConfigurationError
from pipeline.usage.events import COLUMNS, Kind, Role
from pipeline.warehouse import lists, relations
from pipeline.warehouse.lists import written_out
from pipeline.warehouse.relations import sql_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path("sql/marts/of_mine.sql")


@pytest.fixture(autouse=True)
def two_columns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lists, "LISTS", {"dimensions": ["tier", "region"], "counts": ["prompt", "completion"]})
    forget()
    yield
    forget()


def forget() -> None:
    """Let no text be remembered as other lists wrote it out."""
    for remembered in (written_out, relations._texts, relations._digest):  # noqa: SLF001
        remembered.cache_clear()


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("    @counts", ["    prompt,", "    completion"]),
        ("    @counts,", ["    prompt,", "    completion,"]),
        ("    copy.@dimensions,", ["    copy.tier,", "    copy.region,"]),
        ("    -@counts", ["    -prompt,", "    -completion"]),
        ("    @counts desc,", ["    prompt desc,", "    completion desc,"]),
        (
            "    sum(@counts)::decimal(38, 0) as @counts,",
            ["    sum(prompt)::decimal(38, 0) as prompt,", "    sum(completion)::decimal(38, 0) as completion,"],
        ),
        ("    a.@counts as @{counts}_read", ["    a.prompt as prompt_read,", "    a.completion as completion_read"]),
        ("    and a.@counts = b.@counts", ["    and a.prompt = b.prompt", "    and a.completion = b.completion"]),
        ("    or a.@counts <> 0", ["    or a.prompt <> 0", "    or a.completion <> 0"]),
        ("    @counts,  -- as stated", ["    prompt,", "    completion,"]),
        ("-- of @nobody, who is not asked", ["-- of @nobody, who is not asked"]),
        ("    tier,", ["    tier,"]),
    ],
)
def test_a_line_with_a_list_is_one_line_a_column(line: str, lines: list[str]) -> None:
    assert written_out(f"select\n{line}\nfrom events\n", FILE).split("\n") == ["select", *lines, "from events", ""]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("    @count,", "sql/marts/of_mine.sql:2: there is no list @count; did you mean @counts? the lists are @dim"),
        (
            "    sum(@{tokens}_read)",
            "sql/marts/of_mine.sql:2: there is no list @tokens; the lists are @dimensions, @co",
        ),
        ("    @", "sql/marts/of_mine.sql:2: there is no list @; the lists are @dimensions, @counts"),
        (
            "    @dimensions, @counts,",
            "sql/marts/of_mine.sql:2: @counts and @dimensions stand on one line; give each its own",
        ),
    ],
)
def test_what_is_no_list_is_refused_with_its_place(line: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        written_out(f"select\n{line}\nfrom events", FILE)


def test_the_lists_are_what_the_columns_of_an_event_declare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert {
        "dimensions": [column.name for column in COLUMNS if column.role is Role.DIMENSION],
        "counts": [column.name for column in COLUMNS if (column.role, column.kind) == (Role.USAGE, Kind.COUNT)],
    } == lists.LISTS


def test_a_program_with_another_list_is_another_program_to_what_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sql_digest()
    assert sql_digest() == before
    forget()
    monkeypatch.setitem(lists.LISTS, "counts", ["prompt", "completion", "pages"])  # type: ignore[arg-type]
    assert sql_digest() != before
