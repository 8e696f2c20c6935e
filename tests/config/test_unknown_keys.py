"""A key that nobody knows is refused in every table of every file that people write, by its name and the file's."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from whole_configuration import FILES, as_toml
from workspaces import make_workspace

from pipeline.base.errors import ConfigurationError
from pipeline.configuration.budgets_file import read_budgets
from pipeline.configuration.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUDGETS = """
[[budgets]]
name = "all"
amount = 100
accounts = ["acme"]
tags = { team = ["search"] }
"""
ALL_FILES = {**FILES, "budgets.toml": BUDGETS}
TABLES = {"tallybook.toml": 12, "accounts.toml": 15, "rates/standard.toml": 7, "budgets.toml": 3}
"""How many tables stand in each."""
ANY_NAME = ("keys", "sources[0].fields.status")
"""Where a name is a key of a customer, which is not shown, or a word of a log: what it is given is refused there."""
UNKNOWN = "nobody_knows"


def with_one_more_key(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield where a table is, and the value with a key more in it; where any name may stand, with no value of its."""
    if isinstance(value, dict):
        yield place or "the file itself", {**value, UNKNOWN: True}
        for key, inner in value.items():
            for where, each in with_one_more_key(inner, f"{place}.{key}".lstrip(".")):
                yield where, {**value, key: each}
    if isinstance(value, list):
        for at, inner in enumerate(value):
            for where, each in with_one_more_key(inner, f"{place}[{at}]"):
                yield where, [*value[:at], each, *value[at + 1 :]]


@pytest.mark.parametrize("name", ALL_FILES)
def test_an_unknown_key_is_refused_in_every_table_of_every_file(name: str, tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    for file, text in ALL_FILES.items():
        (root / file).write_text(text, encoding="utf-8")
    read_budgets(open_workspace(root))
    tried = 0
    for where, each in with_one_more_key(tomllib.loads(ALL_FILES[name], parse_float=Decimal)):
        (root / name).write_text(as_toml(each), encoding="utf-8")
        with pytest.raises(ConfigurationError) as refused:
            read_budgets(open_workspace(root))
        assert str(refused.value).startswith(name), where
        if where not in ANY_NAME:
            assert UNKNOWN in str(refused.value), (where, str(refused.value))
        tried += 1
    assert tried == TABLES[name]
