"""FOCUS 1.2: the export against the table of its rules (``focus_rules.csv``: every column of the specification's tag
v1.2), and against the invoices.

The rules that hold between columns are the specification's too, each named by the column whose page states it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from workspaces import account, append_log, make_workspace, plain, tallybook, write_log

from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.configuration.workspace import open_workspace
from pipeline.exports.focus import FOCUS
from pipeline.invoicing import Invoice, InvoiceLine, InvoiceStatus, LineKind
from pipeline.jobs.answers.focus import invoice_rows
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.at_issue import AtIssue
from pipeline.usage import Meter


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


RULES = csv_rows((Path(__file__).parent / "focus_rules.csv").read_text(encoding="utf-8"))
IS_OF_TYPE = {
    "text": re.compile(r".*\S.*", re.DOTALL),
    "decimal": re.compile(r"-?[0-9]+(\.[0-9]+)?"),
    "instant": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"),
    "currency": re.compile(r"[A-Z]{3}"),
    "object": re.compile(r"\{.*\}"),
}
SELLER = ("--seller", "Example Models Ltd")
ACCOUNTS = account("acme", "key_a", timezone="Europe/Berlin") + account("beta", "key_b")
CARD = """
id = "standard"
currency = "USD"
[[rates]]
model = "jamba-large"
effective_to = 2026-10-10T12:00:00Z
prompt = 2.345
completion = 8.00
[[rates]]
model = "jamba-large"
effective_from = 2026-10-10T12:00:00Z
prompt = 2.50
completion = 8.00
prompt_cached = 0.50
"""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("focus") / "books", accounts=ACCOUNTS, cards={"standard": CARD})
    days = [
        plain(f"2026-10-{day:02}T{hour}:30:00Z", id=f"{day}-{hour}", prompt=4_321 + day, completion=7 * day, cached=day)
        for day in range(1, 26)
        for hour in (11, 22)
    ]
    write_log(
        root,
        "october.jsonl",
        *days,
        plain("2026-10-03T00:00:00Z", id="b", key="key_b", prompt=123_457),
        plain("2026-10-04T00:00:00Z", id="u", key="key_u"),
    )
    assert tallybook(root, "nightly", "--as-of", "2026-11-01T03:00:00Z").returncode == 0
    assert (
        tallybook(
            root, "invoice", "issue", "--period", "2026-10", "--account", "acme", "--as-of", "2026-11-01T03:00:00Z"
        ).returncode
        == 0
    )
    append_log(
        root,
        "october.jsonl",
        plain("2026-10-05T00:00:00Z", id="late", prompt=999_999),
        plain("2026-11-05T00:00:00Z", id="next", prompt=1_001),
    )
    assert tallybook(root, "nightly", "--as-of", "2026-11-06").returncode == 0
    return root


@pytest.fixture(scope="module")
def rows(books: Path) -> list[dict[str, str]]:
    done = tallybook(books, "export", "focus", *SELLER)
    assert done.returncode == 0, done.stderr
    return csv_rows(done.stdout)


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["column"])
def test_a_column_is_as_the_specification_says(rule: dict[str, str], rows: list[dict[str, str]]) -> None:
    assert rows
    for row in rows:
        assert (rule["column"] in row) == (rule["level"] != "absent")
        value = row.get(rule["column"], "")
        if value == "":
            assert rule["nulls"] != "no"
            continue
        assert IS_OF_TYPE[rule["type"]].fullmatch(value), value
        assert not rule["allowed"] or value in rule["allowed"].split("|")


def test_no_mandatory_column_is_absent_and_every_other_is_ours() -> None:
    assert len([rule for rule in RULES if rule["level"] == "mandatory"]) == 21
    known = {rule["column"]: rule for rule in RULES if rule["level"] != "absent"}
    assert {name for name in FOCUS.names if not name.startswith("x_")} == known.keys()
    assert {field.name for field in FOCUS if not field.nullable and not field.name.startswith("x_")} == {
        name for name, rule in known.items() if rule["nulls"] == "no"
    }


def test_the_rules_between_columns_hold(rows: list[dict[str, str]]) -> None:
    for row in rows:
        assert row["ChargeCategory"] == "Usage"
        if row["ChargeClass"] == "Correction":  # a difference of amounts has no price of its own
            assert (row["ListUnitPrice"], row["ContractedUnitPrice"], row["PricingQuantity"]) == ("", "", "")
            continue
        for unit_price, cost in (("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")):
            assert Decimal(row[unit_price]) * Decimal(row["PricingQuantity"]) == Decimal(row[cost])  # PricingQuantity
        assert Decimal(row["ConsumedQuantity"]) == Decimal(row["PricingQuantity"]) * 1_000_000
        assert (row["ConsumedUnit"], row["PricingUnit"]) == ("Tokens", "1000000 Tokens")
        assert (row["SkuPriceId"], row["SkuId"]) != ("", "")
        assert all(
            isinstance(value, str) and key.startswith("x_") for key, value in json.loads(row["SkuPriceDetails"]).items()
        )  # SkuPriceDetails
        assert (
            instant(row["BillingPeriodStart"])
            <= instant(row["ChargePeriodStart"])
            < instant(row["ChargePeriodEnd"])
            <= instant(row["BillingPeriodEnd"])
        )
        assert Decimal(row["BilledCost"]) == Decimal(row["ContractedCost"]) + Decimal(row["x_RoundingResidual"])
        assert row["InvoiceIssuerName"] == "Example Models Ltd"


def test_billed_cost_adds_up_to_every_line_and_invoice_to_the_cent(books: Path, rows: list[dict[str, str]]) -> None:
    lines: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        place = (row["InvoiceId"], row["x_InvoiceLine"])
        lines[place] = lines.get(place, Decimal(0)) + Decimal(row["BilledCost"])
    printed = [
        line
        for path in sorted(books.glob("invoices/2026-*/lines.csv"))
        for line in csv_rows(path.read_text(encoding="utf-8"))
    ]
    assert lines == {(line["invoice_id"], line["line"]): Decimal(line["amount"]) for line in printed}
    invoices = [
        invoice
        for path in sorted(books.glob("invoices/2026-*/invoices.csv"))
        for invoice in csv_rows(path.read_text(encoding="utf-8"))
    ]
    assert {invoice["status"] for invoice in invoices} == {"issued", "draft"}
    for invoice in invoices:
        assert sum(Decimal(row["BilledCost"]) for row in rows if row["InvoiceId"] == invoice["invoice_id"]) == Decimal(
            invoice["total"]
        )


def test_there_is_one_row_per_account_key_model_meter_rate_and_day(rows: list[dict[str, str]]) -> None:
    places = [
        tuple(
            row[name]
            for name in ("BillingAccountId", "ResourceId", "SkuId", "ListUnitPrice", "x_UsageDate", "InvoiceId")
        )
        for row in rows
    ]
    assert len(places) == len(set(places))
    assert not any(row["ResourceId"] == "key_u" for row in rows)  # unassigned usage is on no invoice


def test_days_are_the_accounts_own_written_in_utc(rows: list[dict[str, str]]) -> None:
    # In Berlin the 25th of October 2026 has 25 hours.
    day = next(row for row in rows if row["BillingAccountId"] == "acme" and row["x_UsageDate"] == "2026-10-25")
    assert (day["ChargePeriodStart"], day["ChargePeriodEnd"]) == ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")
    assert (day["BillingPeriodStart"], day["BillingPeriodEnd"]) == ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")


def test_the_rounding_of_a_line_is_on_one_of_its_rows_the_greatest(rows: list[dict[str, str]]) -> None:
    lines: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        lines.setdefault((row["InvoiceId"], row["x_InvoiceLine"]), []).append(row)
    rounded = 0
    for group in lines.values():
        with_residual = [row for row in group if Decimal(row["x_RoundingResidual"])]
        assert len(with_residual) <= 1
        assert all(
            Decimal(row["ContractedCost"]) == max(Decimal(each["ContractedCost"]) for each in group)
            for row in with_residual
        )
        rounded += len(with_residual)
    assert rounded >= 3


def test_an_issued_invoice_is_exported_as_issued_whatever_came_later(books: Path, rows: list[dict[str, str]]) -> None:
    mine = [row for row in rows if row["InvoiceId"] == "INV-000001"]
    assert {row["x_InvoiceStatus"] for row in mine} == {"issued"}
    assert all(Decimal(row["ConsumedQuantity"]) < 999_999 for row in mine)
    only = tallybook(books, "export", "focus", *SELLER, "--period", "2026-10", "--account", "acme")
    assert csv_rows(only.stdout) == mine


def test_parquet_holds_the_same_rows_in_exact_types(books: Path, rows: list[dict[str, str]], tmp_path: Path) -> None:
    path = tmp_path / "focus.parquet"
    done = tallybook(books, "export", "focus", *SELLER, "-o", "parquet", "--to", str(path))
    assert done.returncode == 0, done.stderr
    table = pq.read_table(path)
    assert pq.read_metadata(path).metadata[b"FocusVersion"] == b"1.2"
    assert str(table.schema.field("BilledCost").type) == "decimal128(38, 22)"
    assert table.num_rows == len(rows)
    for got, row in zip(table.to_pylist(), rows, strict=True):
        for name, text in row.items():
            assert got[name] == as_typed(got[name], text), name


def as_typed(like: Any, text: str) -> Any:
    if text == "":
        return None
    if isinstance(like, datetime):
        return instant(text)
    return type(like)(text)


@pytest.mark.long
def test_the_same_workspace_gives_the_same_bytes(books: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert (
            tallybook(books, "export", "focus", *SELLER, "-o", "parquet", "--to", str(tmp_path / name)).returncode == 0
        )
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_without_a_seller_and_without_a_file_for_parquet_nothing_is_exported(books: Path) -> None:
    done = tallybook(books, "export", "focus")
    assert done.returncode == 2
    assert "--seller" in done.stderr
    assert tallybook(books, "export", "focus", *SELLER, "-o", "parquet").returncode == 2


@pytest.mark.long
def test_a_line_of_another_kind_is_one_row_over_the_period(books: Path) -> None:
    line = InvoiceLine(
        number=1,
        kind=LineKind.USAGE,
        api_key_id="",
        model="",
        service_tier="",
        meter=Meter.PROMPT,
        quantity=0,
        rate_per_million=Decimal(0),
        first_usage_date=date(2026, 10, 1),
        exact_amount=Decimal("1.90"),
        amount=Decimal("1.90"),
        description="VAT 19 %",
    )
    invoice = Invoice(
        id="draft",
        status=InvoiceStatus.DRAFT,
        number=None,
        account_id="acme",
        account_name="Acme",
        period=BillingPeriod(year=2026, month=10),
        timezone="UTC",
        currency="USD",
        rounding=Rounding.HALF_UP,
        lines=(line,),
    )
    workspace = open_workspace(books)
    state = AtIssue(workspace=workspace, built=aggregate(workspace))
    for kind, category, charge_class in (
        ("tax", "Tax", None),
        ("credit", "Credit", None),
        ("correction", "Usage", "Correction"),
        ("fee", "Purchase", None),
        ("gift", "Adjustment", None),
    ):
        object.__setattr__(line, "kind", type("Kind", (), {"value": kind}))  # kinds that this version does not issue
        (row,) = invoice_rows(invoice, state, "Seller")
        assert (row["ChargeCategory"], row["ChargeClass"], row["BilledCost"]) == (
            category,
            charge_class,
            Decimal("1.90"),
        )
        assert ("PricingQuantity" in row) == (category == "Purchase")
        assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == (
            row["BillingPeriodStart"],
            row["BillingPeriodEnd"],
        )
