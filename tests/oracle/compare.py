"""The oracle's bill against what was written: cent for cent, count for count, with differences that one can read.

Reads the CSV files of a workspace and the document of ``tallybook verify --json``; owns neither.
"""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from oracle import STATUSES, LineKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from oracle import OracleResult

COUNTS = ("lines", "blank", "quarantined", "events", *STATUSES, "billed", "duplicates", "conflicts", "suspicious")


def assert_same(workspace: Path, result: OracleResult, verify: Mapping[str, Any]) -> None:
    """Raise ``AssertionError`` with every difference, one a line.

    Where the invoices or the counts are not the oracle's.
    """
    differences = [
        *different_counts(result, verify),
        *different("line", result_lines(result), written_lines(workspace)),
        *different("invoice", result_invoices(result), written_invoices(workspace)),
    ]
    shown = "\n".join(differences[:40])
    assert not differences, f"{len(differences)} differences between the oracle and what was written:\n{shown}"


def different_counts(result: OracleResult, verify: Mapping[str, Any]) -> list[str]:
    """Every count of the contract, and whatever check the product itself found broken."""
    expected = {name: result.counts[name] for name in COUNTS}
    beyond = {"unpriced_tokens": sum(result.unpriced.values()), "unassigned_tokens": sum(result.unassigned.values())}
    expected |= {name: tokens for name, tokens in beyond.items() if name in verify["counts"]}
    broken = [
        f"verify says {check['name']} does not hold: {check['detail']}" for check in verify["checks"] if not check["ok"]
    ]
    if verify["ok"] != (not broken):
        broken.append(f"verify says ok: {verify['ok']} with {len(broken)} broken checks")
    return [*different("count", expected, {name: verify["counts"].get(name) for name in expected}), *broken]


def different(what: str, expected: Mapping[Any, Any], written: Mapping[Any, Any]) -> list[str]:
    """Name what is missing, what is there without reason, and what differs."""
    keys = sorted({*expected, *written}, key=str)
    return [
        (
            f"{what} {tuple(map(str, key)) if isinstance(key, tuple) else key}: "
            f"the oracle says {expected.get(key)}, written is {written.get(key)}"
        )
        for key in keys
        if expected.get(key) != written.get(key)
    ]


def result_lines(result: OracleResult) -> dict[tuple[Any, ...], tuple[int, str]]:
    return {
        (*owner, *line): (quantity, str(amount))
        for owner, lines in result.lines.items()
        for line, (quantity, amount) in lines.items()
    }


def written_lines(workspace: Path) -> dict[tuple[Any, ...], tuple[int, str]]:
    """(account, period, key, model, tier, meter, rate) → (quantity, amount as printed)."""
    lines: dict[tuple[Any, ...], tuple[int, str]] = {}
    for period, row in rows(workspace, "lines.csv"):
        assert row["kind"] == "usage", f"{period}: a line of kind {row['kind']}"
        key = LineKey(
            row["api_key_id"], row["model"], row["service_tier"], row["meter"], Decimal(row["rate_per_million"])
        )
        owner = (row["account_id"], period)
        assert (*owner, *key) not in lines, f"two lines for {owner} {key}"
        lines[(*owner, *key)] = (int(row["quantity"]), row["amount"])
    return lines


def result_invoices(result: OracleResult) -> dict[tuple[str, str], tuple[str, str, str]]:
    return {owner: (str(total), str(total), str(len(result.lines[owner]))) for owner, total in result.totals.items()}


def written_invoices(workspace: Path) -> dict[tuple[str, str], tuple[str, str, str]]:
    """(account, period) → (subtotal, total, lines) as printed.

    An invoice without lines says nothing and is left out.
    """
    invoices: dict[tuple[str, str], tuple[str, str, str]] = {}
    for period, row in rows(workspace, "invoices.csv"):
        assert row["period"] == period, f"invoice {row['invoice_id']} of {row['period']} lies in {period}"
        if row["lines"] != "0":
            invoices[row["account_id"], period] = (row["subtotal"], row["total"], row["lines"])
    return invoices


def rows(workspace: Path, name: str) -> list[tuple[str, dict[str, str]]]:
    """(the folder's period, the row with its text cells as they were meant)."""
    found = []
    for path in sorted(workspace.glob(f"invoices/[0-9]*/{name}")):
        with path.open(encoding="utf-8", newline="") as file:
            found += [
                (path.parent.name, {column: meant(cell) for column, cell in row.items()})
                for row in csv.DictReader(file, strict=True)
            ]
    return found


def meant(cell: str) -> str:
    """A cell that would have been a formula carries one apostrophe in front.

    No text of the generator starts with one.
    """
    return cell.removeprefix("'")
