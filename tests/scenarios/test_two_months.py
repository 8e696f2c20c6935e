"""Two months of one customer.

A price change at noon, clocks put back, a log that comes late, copies of every kind, a nightly run after each.
"""

from __future__ import annotations

import csv
import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from workspaces import append_log, fingerprints, make_workspace, plain, stream, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

CARD = """
id = "standard"
currency = "EUR"
[[rates]]
model = "jamba-large"
effective_from = 2026-01-01T00:00:00Z
effective_to = 2026-10-10T12:00:00Z
prompt = 2.00
completion = 8.00
[[rates]]
model = "jamba-large"
effective_from = 2026-10-10T12:00:00Z
prompt = 1.00
completion = 8.00
"""
ACCOUNTS = '[[accounts]]\nid = "acme"\nname = "Acme"\ntimezone = "Europe/Berlin"\nkeys = ["key_a"]\n'
MILLION = 1_000_000


def lines_of(workspace: Path, period: str) -> list[tuple[str, int, str, str]]:
    with (workspace / "invoices" / period / "lines.csv").open(newline="", encoding="utf-8") as file:
        return [
            (row["meter"], int(row["quantity"]), row["rate_per_million"], row["amount"]) for row in csv.DictReader(file)
        ]


def night(workspace: Path, as_of: str) -> None:
    done = tallybook(workspace, "nightly", "--as-of", as_of)
    assert done.returncode == 0, done.stderr
    verified = tallybook(workspace, "verify", "--json")
    assert verified.returncode == 0, verified.stdout


@pytest.mark.long
def test_two_months_of_one_customer(tmp_path: Path) -> None:
    books = make_workspace(tmp_path / "books", accounts=ACCOUNTS, cards={"standard": CARD})

    # September ends in Berlin at 22:00 UTC: the first request is September's, the second one October's.
    write_log(
        books,
        "app.jsonl",
        plain("2026-09-30T21:59:59.999999Z", id="s1", prompt=MILLION),
        plain("2026-09-30T22:00:00Z", id="o1", prompt=2 * MILLION),
    )
    night(books, "2026-10-01T03:00:00Z")
    assert lines_of(books, "2026-09") == [("prompt", MILLION, "2.00", "2.00")]
    assert lines_of(books, "2026-10") == [("prompt", 2 * MILLION, "2.00", "4.00")]

    # 10 October: the price changes at noon UTC. The retry of a request is logged twice; its stream was cut the first
    # time.
    append_log(
        books,
        "app.jsonl",
        plain("2026-10-10T11:59:59.999999Z", id="o2", prompt=3 * MILLION),
        plain("2026-10-10T12:00:00Z", id="o3", prompt=5 * MILLION),
        stream("2026-10-10T12:30:00Z", id="o4", pieces=["a", "b", "c"], usage=None),
        stream("2026-10-10T12:30:00Z", id="o4", pieces=["a", "b", "c", "d"], usage=(MILLION, 500_000)),
    )
    night(books, "2026-10-11T03:00:00Z")
    october = [
        ("prompt", 5 * MILLION, "2.00", "10.00"),
        ("prompt", 6 * MILLION, "1.00", "6.00"),
        ("completion", 500_000, "8.00", "4.00"),
    ]
    assert lines_of(books, "2026-10") == october

    # The log is rotated and compressed; the collector knows it again. A copy of it in another place is all duplicates.
    content = (books / "logs/app.jsonl").read_bytes()
    (books / "logs/app.jsonl").unlink()
    (books / "logs/app.jsonl.1.gz").write_bytes(gzip.compress(content, mtime=0))
    before = fingerprints(books / "lake")
    night(books, "2026-10-12T03:00:00Z")
    assert fingerprints(books / "lake") == before
    write_log(books, "replayed.jsonl", *reversed(content.decode().splitlines()))
    night(books, "2026-10-13T03:00:00Z")
    assert lines_of(books, "2026-10") == october

    # 25 October has 25 hours in Berlin: 02:30 comes twice, and both are that day's.
    write_log(
        books,
        "app.jsonl",
        plain("2026-10-25T02:30:00+02:00", id="d1", prompt=MILLION),
        plain("2026-10-25T02:30:00+01:00", id="d2", prompt=MILLION),
        plain("2026-10-25T22:59:59Z", id="d3", prompt=MILLION),
        plain("2026-10-25T23:00:00Z", id="d4", prompt=MILLION),
    )
    night(books, "2026-10-26T03:00:00Z")
    days = json.loads(
        tallybook(books, "usage", "--by", "day", "--from", "2026-10-25", "--to", "2026-10-27", "-o", "json").stdout
    )
    assert [(day["usage_date"], day["events"]) for day in days] == [("2026-10-25", 3), ("2026-10-26", 1)]

    # November: September is issued, then October; between them the numbers have no gap.
    for period, number in (("2026-09", "INV-000001"), ("2026-10", "INV-000002")):
        issued = tallybook(books, "invoice", "issue", "--period", period, "--as-of", "2026-11-02")
        assert issued.returncode == 0, issued.stderr
        assert number in issued.stdout
    frozen = lines_of(books, "2026-10")
    assert frozen[1] == ("prompt", 10 * MILLION, "1.00", "10.00")

    # A log of October turns up in November, with new requests and with copies of old ones.
    write_log(
        books,
        "lost-and-found.jsonl",
        content.decode().splitlines()[1],
        plain("2026-10-20T10:00:00Z", id="late", prompt=MILLION),
    )
    night(books, "2026-11-03T03:00:00Z")
    assert lines_of(books, "2026-10") == frozen
    told = tallybook(books, "nightly", "--as-of", "2026-11-03T03:00:00Z")
    assert "INV-000002" in told.stderr
    assert "1.00" in told.stderr

    # November itself begins in winter time.
    append_log(
        books,
        "app.jsonl",
        plain("2026-10-31T22:59:59Z", id="o9", prompt=MILLION),
        plain("2026-10-31T23:00:00Z", id="n1", prompt=MILLION),
    )
    night(books, "2026-11-04T03:00:00Z")
    november = [("prompt", MILLION, "1.00", "1.00")]
    correction = ("prompt", 2 * MILLION, "", "2.00")  # both late requests of October, on the account's next invoice
    assert lines_of(books, "2026-11") == [*november, correction]
    assert lines_of(books, "2026-10") == frozen

    # Built again from the logs that are there, in any order, every number is the same.
    again = make_workspace(tmp_path / "again", accounts=ACCOUNTS, cards={"standard": CARD})
    for log in (books / "logs").iterdir():
        (again / "logs" / f"z-{log.name}").write_bytes(log.read_bytes())
    night(again, "2026-11-05T03:00:00Z")
    worth = {
        period: sum(Decimal(line[3]) for line in lines_of(again, period))
        for period in ("2026-09", "2026-10", "2026-11")
    }
    assert worth == {
        "2026-09": Decimal("2.00"),
        "2026-10": sum(Decimal(line[3]) for line in frozen) + 2,
        "2026-11": Decimal("1.00"),
    }
