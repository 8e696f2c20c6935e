"""The queries of ``docs/analysts.md`` for dashboards: each is run as its tool would, and says what the commands say."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from documented import ROOT, copy_sample
from workspaces import tallybook

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "analysts.md").read_text(encoding="utf-8")
TOOLS = ("Grafana", "Superset", "Metabase", "Evidence")


def query_of(tool: str) -> str:
    (section,) = re.findall(rf"^### {tool}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    (query,) = re.findall(r"^```sql\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(query)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dashboards") / "data"
    copy_sample(root)
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    assert tallybook(root, "export", "duckdb", "--to", str(root.parent / "books.duckdb")).returncode == 0
    return root


def answered(books: Path, sql: str, *, read_only: bool = True) -> list[dict[str, Any]]:
    with duckdb.connect(books.parent / "books.duckdb", read_only=read_only) as connection:
        asked = connection.sql(sql)
        return [dict(zip(asked.columns, row, strict=True)) for row in asked.fetchall()]


def listed(books: Path, *command: str) -> list[dict[str, str]]:
    done = tallybook(books, *command, "-o", "csv")
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def summed(rows: list[dict[str, Any]], by: tuple[str, ...], of: str) -> dict[tuple[str, ...], Decimal]:
    found: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        if str(row[of]):
            found[tuple(str(row[name]) for name in by)] += Decimal(str(row[of]))
    return dict(found)


def test_the_page_has_a_query_for_each_tool() -> None:
    assert [tool for tool in TOOLS if "SELECT" in query_of(tool)] == list(TOOLS)


@pytest.mark.long
def test_grafana_draws_what_a_day_and_model_costs(books: Path) -> None:
    """The plugin opens the file for writing, and its macro compares with instants, both ends included."""
    range_of = r"\1 >= '2026-10-01T00:00:00Z' AND \1 <= '2026-10-31T23:59:59Z'"
    sql = re.sub(r"\$__timeFilter\(([^)]*)\)", range_of, query_of("Grafana"))
    drawn = answered(books, sql, read_only=False)
    by_day = listed(books, "cost", "--by", "day,model", "--period", "2026-10")
    for row in drawn:
        row["day"] = str(row["time"])[:10]
        row["cost"] = Decimal(row["cost"]).quantize(Decimal(1).scaleb(-12))
    assert drawn
    assert summed(drawn, ("day", "metric"), "cost") == summed(by_day, ("usage_date", "model"), "cost")


def test_superset_shows_the_tokens_of_each_meter(books: Path) -> None:
    shown = answered(books, query_of("Superset"))
    counted = listed(books, "usage", "--by", "month,account,model,meter")
    by = ("billing_period", "model", "meter")
    assert summed(shown, (*by, "account"), "quantity") == summed(counted, (*by, "account_id"), "quantity")


@pytest.mark.parametrize("month", ["", "2026-10"])
def test_metabase_counts_billed_requests_with_its_variable_or_without(books: Path, month: str) -> None:
    """What stands in double brackets is left out where the variable has no value."""
    sql = re.sub(r"\[\[(.*?)\]\]", r"\1" if month else "", query_of("Metabase")).replace("{{month}}", f"'{month}'")
    shown = answered(books, sql)
    counted = listed(books, "usage", "--by", "month,account", *(("--period", month) if month else ()))
    for mine, theirs in (("requests", "events"), *((name, name) for name in ("prompt_tokens", "completion_tokens"))):
        found = summed(shown, ("billing_period", "account"), mine)
        assert found == summed(counted, ("billing_period", "account_id"), theirs)


def test_evidence_adds_up_to_every_bill(books: Path) -> None:
    bills = answered(books, query_of("Evidence"))
    assert summed(bills, ("invoice_id", "currency"), "amount") == summed(
        listed(books, "invoice", "list"), ("invoice", "currency"), "total"
    )
