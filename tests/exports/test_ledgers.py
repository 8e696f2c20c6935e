"""Invoices as CSV in programs of others: LibreOffice and hledger read the sums that invoices state.

Each test is skipped, and says so, where its program is not installed.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

DOCUMENT = Path(__file__).parents[2] / "docs/ledger.md"
ACCOUNTS = """
[[accounts]]
id = "birke"
name = "Birke, Verlag"
timezone = "Europe/Berlin"
keys = ["key_a"]
tax = { rate = 19.0, label = "VAT", by_kind = { fee = { rate = 7.0 } } }
payment_terms_days = 30
[accounts.buyer]
city = "Köln"
country = "DE"
[[accounts.credits]]
id = "welcome"
amount = 3.00
granted_on = 2026-09-01
[[accounts]]
id = "sum"
name = "=SUM(1,2)"
keys = ["key_b"]
[[accounts]]
id = "draft"
name = "Draft"
keys = ["key_c"]
tax = { reverse_charge = true }
"""
CARD = 'id = "standard"\ncurrency = "EUR"\nmonthly_fee = 5.00\n[[rates]]\nmodel = "jamba-large"\nprompt = 2.00\n'
CARD += "completion = 8.00\n"


def issued_month(root: Path, config: str = "") -> Path:
    """Return the folder of a month with an issued invoice that was voided, another one, and drafts."""
    make_workspace(root, accounts=ACCOUNTS, config=config, cards={"standard": CARD})
    lines = [
        plain("2026-10-05T10:00:00Z", id=key, key=key, prompt=5_000_000 + 1000 * number)
        for number, key in enumerate(("key_a", "key_b", "key_c"))
    ]
    write_log(root, "l.jsonl", *lines)
    for line in (
        "nightly --as-of 2026-11-01T03:00:00Z",
        "invoice issue --period 2026-10 --account birke --as-of 2026-11-02T03:00:00Z",
        "invoice issue --period 2026-10 --account sum --as-of 2026-11-02T03:00:00Z",
        "invoice void INV-000001 --as-of 2026-11-03T03:00:00Z",
    ):
        done = tallybook(root, *line.split())
        assert done.returncode == 0, done.stderr
    return root / "invoices/2026-10"


def installed(program: str) -> str:
    found = shutil.which(program)
    return found or pytest.skip(f"{program} is not installed")


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def test_hledger_balances_every_issued_invoice_by_the_rules_of_the_page(tmp_path: Path) -> None:
    hledger = installed("hledger")
    month = issued_month(tmp_path / "books")
    (rules,) = re.findall(
        r"^```text\n(skip 1\n.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    (tmp_path / "invoices.rules").write_text(rules, encoding="utf-8")
    command = (hledger, "-f", month / "invoices.csv", "--rules-file", tmp_path / "invoices.rules")
    subprocess.run([*command, "check"], check=True, timeout=60)
    said = subprocess.run(
        [*command, "balance", "--layout", "bare", "-O", "csv", "-N", "-E"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    balances = {row["account"]: Decimal(row["balance"]) for row in csv.DictReader(io.StringIO(said.stdout))}
    counted = [row for row in rows(month / "invoices.csv") if row["status"] != "draft"]
    assert len(counted) == 3
    by_account: dict[str, Decimal] = {}
    for row in counted:
        place = f"assets:receivable:{row['account_id']}"
        by_account[place] = by_account.get(place, Decimal(0)) + Decimal(row["total"])
    subtotal = sum((Decimal(row["subtotal"]) for row in counted), Decimal(0))
    tax = sum((Decimal(row["tax"] or 0) for row in counted), Decimal(0))
    assert balances == by_account | {"revenues:usage": -subtotal, "liabilities:tax": -tax}


@pytest.mark.slow
@pytest.mark.parametrize("config", ["", "[exports]\ncsv_bom = true\n"], ids=["plain", "with a byte order mark"])
def test_libreoffice_reads_amounts_as_numbers_dates_as_dates_and_names_as_text(tmp_path: Path, config: str) -> None:
    soffice = installed("soffice")
    month = issued_month(tmp_path / "books", config)
    for name, amounts, date in (
        ("invoices.csv", ("subtotal", "total", "tax", "lines", "tax_rate"), "issue_date"),
        ("lines.csv", ("amount", "quantity", "tax_base", "tax_rate", "rate_per_million"), "due_date"),
    ):
        cells = opened_by_libreoffice(soffice, month / name, tmp_path)
        wanted = rows(month / name)
        assert len(cells) == len(wanted)
        assert list(cells[0]) == list(wanted[0])
        for got, row in zip(cells, wanted, strict=True):
            for column in amounts:
                kind, value = got[column]
                assert (kind, Decimal(value or 0)) == ("float" if row[column] else "", Decimal(row[column] or 0)), (
                    column
                )
            assert got[date] == (("date", row[date]) if row[date] else ("", ""))
            assert got["buyer_name"] == ("string", row["buyer_name"])
        for column in amounts:
            assert sum(Decimal(got[column][1] or 0) for got in cells) == sum(
                Decimal(row[column] or 0) for row in wanted
            )


def opened_by_libreoffice(soffice: str, path: Path, folder: Path) -> list[dict[str, tuple[str, str]]]:
    """Open a CSV as UTF-8 with commas in English, and return the type and value of each cell by row and column."""
    etree = pytest.importorskip("lxml.etree")
    subprocess.run(
        [
            soffice,
            f"-env:UserInstallation={folder.as_uri()}/profile",
            "--headless",
            "--infilter=CSV:44,34,76,1,,1033,false,true",
            "--convert-to",
            "fods",
            "--outdir",
            folder,
            path,
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    document = etree.parse(folder / f"{path.stem}.fods")
    names = {prefix: f"urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0" for prefix in ("table", "office", "text")}
    office, table = (f"{{{names[prefix]}}}" for prefix in ("office", "table"))
    listed = []
    for row in document.iterfind(".//table:table-row", names):
        cells: list[tuple[str, str]] = []
        for cell in row.iterfind("table:table-cell", names):
            assert cell.get(f"{table}formula") is None
            kind = cell.get(f"{office}value-type") or ""
            text = "\n".join("".join(part.itertext()) for part in cell.iterfind("text:p", names))
            value = {"float": f"{office}value", "date": f"{office}date-value"}.get(kind)
            cells += [(kind, cell.get(value) if value else text)] * int(
                cell.get(f"{table}number-columns-repeated") or 1
            )
        listed.append(cells)
    header = [text for _, text in listed[0] if text]
    return [
        dict(zip(header, cells + [("", "")] * (len(header) - len(cells)), strict=False))
        for cells in listed[1:]
        if any(text for _, text in cells)
    ]
