"""Documents of invoices that export: found by being there, with what is issued and drafted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline import documents

if TYPE_CHECKING:
    from pathlib import Path


AS_OF = ("--as-of", "2026-11-01T03:00:00Z")


BODY = (
    "    totals = [f'{invoice.id} {invoice.total}' for invoice in invoices]",
    "    return '\\n'.join([*totals, '']).encode()",
)


def books(root: Path) -> Path:
    made = make_workspace(root / "books")
    write_log(made, "l.jsonl", plain("2026-09-05T10:00:00Z", id="a"), plain("2026-10-05T10:00:00Z", id="b"))
    assert tallybook(made, "nightly", *AS_OF).returncode == 0
    assert tallybook(made, "invoice", "issue", "--period", "2026-09", *AS_OF).returncode == 0
    return made


@pytest.mark.long
def test_a_line_of_jsonl_is_the_document_of_its_invoice(tmp_path: Path) -> None:
    root = books(tmp_path)
    done = tallybook(root, "export", "jsonl")
    exported = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["invoice_id"] for each in exported] == ["INV-000001", "draft-2026-10-acme"]
    (frozen,) = (json.loads(path.read_bytes()) for path in (root / "invoices/register").glob("*.json"))
    assert exported[0].items() <= frozen.items()
    assert exported[0]["total"] == "2.00"


@pytest.mark.long
def test_an_export_is_of_a_period_or_an_account_and_into_a_file(tmp_path: Path) -> None:
    root = books(tmp_path)
    done = tallybook(root, "export", "jsonl", "--period", "2026-10", "--to", str(tmp_path / "out.jsonl"))
    assert done.stdout == f"wrote {tmp_path / 'out.jsonl'}: 1 invoice\n"
    assert json.loads((tmp_path / "out.jsonl").read_bytes())["invoice_id"] == "draft-2026-10-acme"
    assert tallybook(root, "export", "jsonl", "--account", "nobody").stdout == ""
    refused = tallybook(root, "export", "jsonl", "--to", str(tmp_path / "missing/out"))
    assert (refused.returncode, "does not exist; make it" in refused.stderr) == (2, True)


@pytest.mark.long
def test_a_document_that_exports_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "".join(f"{line}\n" for line in ('"""Totals alone."""', "", "def exported(invoices):", *BODY))
    (tmp_path / "invoice_totals.py").write_text(lines, encoding="utf-8")
    monkeypatch.setattr(documents, "__path__", [*documents.__path__, str(tmp_path)])
    assert tallybook(books(tmp_path), "export", "totals").stdout == "INV-000001 2.00\ndraft-2026-10-acme 2.00\n"
    assert "Totals alone." in tallybook(tmp_path, "export", "--help").stdout
