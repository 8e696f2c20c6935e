"""Lists and sums of invoices are those of a whole book, whether they are read from what a night kept or made anew."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from workspaces import STANDARD, make_workspace, plain, tallybook, write_log

from pipeline.base.periods import BillingPeriod
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.invoice_jsonl import document_bytes
from pipeline.jobs.answers.grouped.selection import Span
from pipeline.jobs.answers.queried.invoice_rows import invoice_relations, lines_of_document, lines_of_invoice
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.drafted import issued, kept, now
from pipeline.jobs.state.drafted.heads import BookOfHeads
from pipeline.jobs.state.drafted.inputs import Month
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.state.held import in_force
from pipeline.lake.commits import read_log
from pipeline.lake.counted import folder_of
from pipeline.objects import layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AS_OF = ("--as-of", "2026-12-05T03:00:00Z")
AT = datetime(2026, 12, 5, 3, tzinfo=UTC)
ACCOUNTS = """
[[accounts]]
id = "acme"
name = "Acme"
keys = ["key_a"]
payment_terms_days = 10
minimum_commitment = 20.00
tax = { rate = 19, label = "VAT" }
credits = [{ id = "gift", amount = 3.00, granted_on = 2026-01-01, expires_on = 2027-01-01 }]

[[accounts]]
id = "bolt"
name = "Bolt"
keys = ["key_b"]
invoiced_to = "acme"

[[accounts]]
id = "corp"
name = "Corp"
keys = ["key_c"]
billing_interval = "quarter"
"""
QUESTIONS = (
    ("invoice", "list", "--json", *AS_OF),
    ("invoice", "list", "--period", "2026-10", "--account", "bolt", *AS_OF),
    ("invoice", "list", "--overdue", *AS_OF),
    ("cost", "--bills", "--period", "2026-10", "--json"),
    ("cost", "--bills", "--period", "2026-11", "--json"),
)


@pytest.fixture(scope="module")
def lived_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """October is issued, one invoice credited in part and one paid; late usage corrects it, and November is drafted."""
    root = make_workspace(tmp_path_factory.mktemp("heads") / "books", accounts=ACCOUNTS, cards={"standard": STANDARD})
    usage = [("a", "10-03"), ("b", "10-04"), ("c", "10-05"), ("a", "11-06"), ("c", "11-07")]
    lines = [plain(f"2026-{day}T10:00:00Z", id=f"r{day}", prompt=333_333, key=f"key_{key}") for key, day in usage]
    write_log(root, "log.jsonl", *lines)
    tallybook(root, "nightly", *AS_OF)
    tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF)
    write_log(root, "late.jsonl", plain("2026-10-09T10:00:00Z", id="late", prompt=777_777, key="key_a"))
    credit = ("--line", "1", "--amount", "0.10", "--reason", "as agreed")
    tallybook(root, "invoice", "credit", "INV-000001", *credit, *AS_OF)
    tallybook(root, "invoice", "paid", "INV-000001", "--on", "2026-11-20", "--amount", "5")
    tallybook(root, "nightly", *AS_OF)
    return root


@pytest.fixture
def lived(lived_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(lived_once, tmp_path / "books")


def answers(root: Path) -> list[str]:
    return [tallybook(root, *question).stdout for question in QUESTIONS]


def is_kept(root: Path) -> bool:
    return now.kept_now(open_workspace(root, now=AT)) is not None


def without_what_was_kept(root: Path) -> list[str]:
    shutil.rmtree(layout.lake(root) / "counted")
    assert not is_kept(root)
    return answers(root)


@pytest.mark.long
def test_what_was_kept_answers_as_a_whole_book_does(lived: Path) -> None:
    workspace = open_workspace(lived, now=AT)
    book = invoice_book(workspace, aggregate(workspace))
    assert len(book.issued) > 1
    assert len(book.drafts) > 1
    assert is_kept(lived)
    assert now.heads_now(workspace) == BookOfHeads.of_book(book, workspace.accounts)
    read = answers(lived)
    assert read == without_what_was_kept(lived)
    assert "INV-000001" in read[0]


@pytest.mark.long
def test_a_head_has_the_sums_of_its_lines(lived: Path) -> None:
    workspace = open_workspace(lived, now=AT)
    for invoice, head in zip(
        invoice_book(workspace, aggregate(workspace)).of(), now.heads_now(workspace).of(), strict=True
    ):
        assert sum(each.lines for each in head.sums) == len(invoice.lines)
        assert sum(each.amount for each in head.sums) == invoice.total
        assert {each.kind for each in head.sums} == {line.kind for line in invoice.lines}
        for each in head.sums:
            assert each.exact_amount == sum(line.exact_amount for line in invoice.lines if line.kind is each.kind)


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new))

    return edit


def _issue(root: Path) -> None:
    """Issue, and put back what was kept before."""
    counted = layout.lake(root) / "counted"
    before = root / "kept before"
    shutil.copytree(counted, before)
    tallybook(root, "invoice", "issue", "--period", "2026-11", "--account", "acme", *AS_OF)
    shutil.rmtree(counted)
    before.rename(counted)


def _commit(root: Path) -> None:
    """Let a night go by, and put back what was kept before."""
    counted = layout.lake(root) / "counted"
    before = root / "kept before"
    shutil.copytree(counted, before)
    write_log(root, "more.jsonl", plain("2026-11-10T10:00:00Z", id="more", prompt=55_555, key="key_c"))
    tallybook(root, "nightly", *AS_OF)
    shutil.rmtree(counted)
    before.rename(counted)


@pytest.mark.parametrize(
    "change",
    [
        _edit("accounts.toml", "Corp", "Corp & Sons"),
        _edit("rates/standard.toml", "2.00", "4.00"),
        _edit("tallybook.toml", "[[sources]]", '[invoices]\nprefix = "X-"\n[[sources]]'),
        _issue,
        _commit,
    ],
    ids=["account", "rate", "settings", "register", "commit"],
)
def test_what_was_kept_before_a_change_is_not_believed(lived: Path, change: Callable[[Path], None]) -> None:
    assert is_kept(lived)
    change(lived)
    assert not is_kept(lived)


def test_a_month_that_began_since_or_by_an_earlier_clock_has_not_makes_a_book_anew(lived: Path) -> None:
    workspace = open_workspace(lived, now=AT)
    made_from = kept.read_kept(workspace.lake).made_from
    assert made_from is not None
    snapshot, _ = in_force(workspace, read_log(workspace.lake))
    entries = issued.read_issued(workspace.root, workspace.lake)
    assert made_from.are_those_of(workspace, snapshot, entries)
    begun, to_come = BillingPeriod.parse("2026-11"), BillingPeriod.parse("2027-01")
    for period, has_begun in ((begun, True), (begun, False), (to_come, True), (to_come, False)):
        months = (*made_from.months, Month(timezone="UTC", period=period, has_begun=has_begun))
        is_so = replace(made_from, months=months).are_those_of(workspace, snapshot, entries)
        assert is_so == (has_begun == (period == begun))


@pytest.mark.long
def test_what_was_kept_and_damaged_changes_no_answer(lived: Path) -> None:
    read = answers(lived)
    (file,) = folder_of(layout.lake(lived), kept.KIND).glob("*.counted")
    content = file.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 5)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert not is_kept(lived)
    assert answers(lived) == read
    file.write_bytes(content[:-1])
    assert not is_kept(lived)
    file.unlink()
    assert not is_kept(lived)


def relations_of(root: Path) -> list[list[dict[str, object]]]:
    found = invoice_relations(open_workspace(root, now=AT), ("invoices", "invoice_lines"), Span())
    return [found[name].to_table().to_pylist() for name in ("invoices", "invoice_lines")]


def test_rows_of_documents_are_those_of_a_whole_book(lived: Path) -> None:
    workspace = open_workspace(lived, now=AT)
    invoices = invoice_book(workspace, aggregate(workspace)).of()
    for invoice in invoices:
        assert lines_of_document(json.loads(document_bytes(invoice))) == lines_of_invoice(invoice)
    heads, lines = relations_of(lived)
    assert len(heads) == len(invoices)
    assert {line["kind"] for line in lines} >= {"usage", "commitment", "correction", "credit", "tax", "reduction"}
    shutil.rmtree(layout.lake(lived) / "counted")
    assert relations_of(lived) == [heads, lines]


def test_a_document_that_is_not_what_was_written_changes_no_row(lived: Path) -> None:
    found = relations_of(lived)
    documents = sorted((lived / "invoices").glob("2*/*/*.json"))
    documents[0].write_bytes(documents[0].read_bytes().replace(b"jamba", b"gamba"))
    assert relations_of(lived) == found
    documents[-1].unlink()
    assert relations_of(lived) == found


def test_rows_of_a_month_are_those_of_its_invoices(lived: Path) -> None:
    span = Span.of(BillingPeriod.parse("2026-10"))
    found = invoice_relations(open_workspace(lived, now=AT), ("invoices",), span)["invoices"].to_table()
    whole, _ = relations_of(lived)
    periods = {"2026-10", "2026-Q4"}
    assert found.to_pylist() == [row for row in whole if row["period"] in periods]
