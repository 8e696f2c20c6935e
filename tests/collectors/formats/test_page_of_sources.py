"""The page of sources: each format has its row and its section, and what it says to write is accepted."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pipeline.collectors import LogFormat
from pipeline.collectors.formats.found import by_name
from pipeline.configuration.log_fields import flattened

PAGE = (Path(__file__).parents[3] / "docs/sources.md").read_text(encoding="utf-8")
SOURCES = [
    source
    for block in re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for source in tomllib.loads(block)["sources"]
]


@pytest.mark.parametrize("name", by_name())
def test_a_format_has_a_row_that_leads_to_its_section_and_a_table_there(name: str) -> None:
    row = re.search(rf"^\| `{re.escape(name)}` \| .* \| \[([^\]]+)\]\(#([a-z-]+)\) \|$", PAGE, re.MULTILINE)
    assert row is not None
    assert f"\n## {row[1]}\n" in PAGE
    assert row[2] == row[1].lower().replace(" ", "-")
    assert name in [source.get("format") for source in SOURCES]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source["name"]))
def test_a_table_of_the_page_is_accepted(source: dict[str, object]) -> None:
    fields = source.get("fields", {})
    assert isinstance(fields, dict)
    LogFormat(format=str(source["format"]), fields=flattened(fields))
