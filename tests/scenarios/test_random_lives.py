"""Whatever was agreed, logged late, repriced, issued, voided and credited: what is owed is what it would be without."""

from __future__ import annotations

import csv
import json
import random
import re
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from random_life import ENDS, RandomLife, files_of_invoices, owed

if TYPE_CHECKING:
    from pathlib import Path

MONTH = re.compile(r"\d{4}-\d\d")
PARTS = ("consumed", "reserved", "expired", "left")


def lived(root: Path, seed: int) -> RandomLife:
    draw = random.Random(seed)
    life = RandomLife(root, draw)
    for _ in range(draw.choice([10, 16, 24])):
        if life.now < ENDS:
            life.grow_older()
    life.night()
    return life


def look_back(life: RandomLife, tmp_path: Path) -> None:
    """Hold against each other all that says what is owed."""
    files = files_of_invoices(life.root)
    assert owed(files) == owed(life.night_of(life.copy(tmp_path / "never issued", is_issued=False))), life.steps
    assert files == life.night_of(life.copy(tmp_path / "made again", is_issued=True)), life.steps
    life.run("verify")
    documents = life.documents()
    for document in documents:
        if document["status"] != "draft":
            life.run("recompute", document["invoice_id"])
    billed = defaultdict[str, Decimal](Decimal)
    for row in csv.DictReader(life.run("export", "focus", "--seller", "Seller").splitlines()):
        billed[row["InvoiceId"]] += Decimal(row["BilledCost"])
    assert {each["invoice_id"]: Decimal(each["total"]) for each in documents if each["lines"]} == dict(billed), (
        life.steps
    )
    for period in {each["period"] for each in documents if MONTH.fullmatch(each["period"])}:
        rows = json.loads(life.run("cost", "--bills", "--period", period, "--json"))["rows"]
        steps = sum(Decimal(row["amount"]) for row in rows if row["step"] != "total of bills")
        assert steps == sum(Decimal(row["amount"]) for row in rows if row["step"] == "total of bills"), (period, rows)
    for grant in json.loads(life.run("invoice", "credits", "--json")):
        parts = [Decimal(grant[name]) for name in PARTS]
        assert min(parts) >= 0, grant
        assert sum(parts) == Decimal(grant["granted"]), grant


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_what_was_owed_is_invoiced_or_drafted_whatever_happened(tmp_path: Path, seed: int) -> None:
    look_back(lived(tmp_path / "books", seed), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 200))
def test_what_was_owed_is_invoiced_or_drafted_in_many_more_lives(tmp_path: Path, seed: int) -> None:
    look_back(lived(tmp_path / "books", seed), tmp_path)
