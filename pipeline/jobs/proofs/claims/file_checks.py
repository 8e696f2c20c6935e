"""The claims about the files of invoices: each is what is computed now, and adds up as a spreadsheet adds it.

A run that died after it had frozen a document, or had rated, leaves files of before. Those are no damage: they hold,
byte for byte, what the run before it wrote, as ``lake/counted/drafts`` knows it, and the next night writes them anew. A
file that is neither is changed or missing. Of what a program wrote that kept no digests nobody can say so, and an
upgrade of it that died leaves some of its files: they are of before until all were written once.

Does not own the invoices (``invoice_checks``) nor how a failed claim is reported (``pipeline.jobs.proofs.verify``).
"""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING

from pipeline.base.errors import InexactAmount
from pipeline.base.money import decimal_from_plain, exact_sum
from pipeline.invoicing import InvoiceStatus
from pipeline.jobs.check import Check, check_that_none
from pipeline.jobs.state.aggregate import have_to_be_equal, inputs_of
from pipeline.jobs.state.drafted.kept import written_files
from pipeline.jobs.state.drafts import period_files
from pipeline.jobs.wording import counted
from pipeline.lake.derived import CHARGES, read_manifest
from pipeline.register.invoice_files import PERIOD_FILES, read_period_file, written_periods

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from decimal import Decimal

    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice, InvoiceBook
    from pipeline.jobs.state.aggregate import Aggregate

    File = tuple[BillingPeriod, str]

_LISTED = 3


def file_checks(workspace: Workspace, built: Aggregate, book: InvoiceBook) -> Iterator[Check]:
    """Check the files of all periods, as they lie there."""
    name = "csv_files_are_what_the_invoices_say"
    manifest, written = read_manifest(workspace.lake, CHARGES), written_files(workspace.lake)
    is_of_now = manifest is not None and have_to_be_equal(manifest.inputs, inputs_of(workspace, built.snapshot))
    before: list[File] = []
    wrong: list[File] = []
    for file, sha256 in _differing(workspace, book):
        is_of_before = _is_of_before(written, file, sha256) or (written is None and not is_of_now)
        (before if is_of_before else wrong).append(file)
    if not is_of_now:
        detail = "not written for this commit and configuration yet; 'tallybook nightly' writes them"
        yield Check(name=name, ok=True, detail=detail)
    else:
        fine = "every file of theirs is byte for byte what is computed now"
        yield check_that_none(
            [_text(file) for file in wrong],
            name=name,
            fine=_unfinished_text(book, before, written) if before else fine,
            found="changed or missing ('tallybook nightly' writes them again)",
        )
    # One of the two files of a period is new, and the other is not: they cannot add up yet.
    halves = [period for period, file in (*before, *wrong) if file in PERIOD_FILES]
    unfinished = {period for period, file in before if file in PERIOD_FILES and halves.count(period) == 1}
    left_out = "".join(f"; {period} is not written in full yet" for period in sorted(unfinished))
    yield check_that_none(
        list(_csv_differences(workspace, besides=unfinished)),
        name="csv_totals_are_the_sum_of_csv_lines",
        fine=f"as a spreadsheet adds them{left_out}",
        found="not so",
    )


def _differing(workspace: Workspace, book: InvoiceBook) -> Iterator[tuple[File, str | None]]:
    """Yield the files that are not what is computed now, each with the sha256 of what is there; None of nothing."""
    periods = {invoice.period for invoice in book.of()} | set(written_periods(workspace.root))
    for period in sorted(periods):
        for file, content in period_files(workspace, book, period).items():
            try:
                found = read_period_file(workspace.root, period, file)
            except OSError:  # another claim says why it cannot be read
                found = b""
            if found != content:
                yield (period, file), None if found is None else hashlib.sha256(found).hexdigest()


def _is_of_before(written: Mapping[File, str] | None, file: File, sha256: str | None) -> bool:
    """Say whether a file is what the last run that was finished wrote; without one, whether it is not there."""
    return sha256 is None if written is None else written.get(file) == sha256


def _unfinished_text(book: InvoiceBook, before: Collection[File], written: Mapping[File, str] | None) -> str:
    """Name what was frozen since files were written: that run was not finished. A night freezes nothing."""
    known = {file.partition("/")[0] for _, file in written or {}}
    since = [_frozen_text(invoice) for invoice in book.issued if invoice.id not in known]
    rest = f" and {len(since) - _LISTED} more" if len(since) > _LISTED else ""
    begun = (
        f"{', '.join(since[:_LISTED])}{rest} {'was' if len(since) == 1 else 'were'} begun and not finished; the same "
        "command or the next night finishes it"
        if since
        else "a night was begun and not finished; the next one finishes it"
    )
    are = counted(len(before), "file is", "files are")
    return f"{begun}: {are} still of before: {', '.join(map(_text, list(before)[:_LISTED]))}"


def _frozen_text(invoice: Invoice) -> str:
    if invoice.status is not InvoiceStatus.CREDIT_NOTE:
        return f"the issue of {invoice.id}"
    what = "the credit of a part of" if invoice.is_partial else "the void of"
    return f"{what} {invoice.credits_invoice} by {invoice.id}"


def _text(file: File) -> str:
    return f"{file[0]}/{file[1]}"


def _csv_differences(workspace: Workspace, *, besides: Collection[BillingPeriod]) -> Iterator[str]:
    for period in written_periods(workspace.root):
        if period in besides:
            continue
        try:
            totals = list(_amounts(workspace, period, "invoices.csv", "total"))
            lines = list(_amounts(workspace, period, "lines.csv", "amount"))
        except _DamagedCsv as damage:
            yield str(damage)
            continue
        sums: dict[str, list[Decimal]] = {invoice_id: [] for invoice_id, _ in totals}
        for invoice_id, amount in lines:
            sums.setdefault(invoice_id, []).append(amount)
        stated = dict(totals)
        for invoice_id, amounts in sums.items():
            try:
                adds_up = stated.get(invoice_id) == exact_sum(amounts)
            except InexactAmount:  # of more digits than any amount has
                adds_up = False
            if not adds_up:
                yield f"{period}: {invoice_id}"


class _DamagedCsv(Exception):  # states the fact, and never leaves this module
    """A file that is no CSV of ours any more; the message names file, row and what is wrong."""


def _amounts(workspace: Workspace, period: BillingPeriod, name: str, column: str) -> Iterator[tuple[str, Decimal]]:
    """Yield the invoice and an amount of each row. Raises ``_DamagedCsv`` where a row has none."""
    try:
        content = read_period_file(workspace.root, period, name) or b""  # one that is missing is named by another claim
        for number, row in enumerate(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")), start=2):
            try:
                yield row["invoice_id"], decimal_from_plain(row[column])
            except (KeyError, TypeError, InexactAmount) as wrong:
                message = f"{period}/{name} row {number} has no invoice_id or no {column} that is an amount"
                raise _DamagedCsv(message) from wrong
    except OSError as wrong:
        message = f"{period}/{name} cannot be read ({wrong.strerror})"
        raise _DamagedCsv(message) from wrong
    except (UnicodeDecodeError, csv.Error) as wrong:
        message = f"{period}/{name} is no CSV in UTF-8 ({type(wrong).__name__})"
        raise _DamagedCsv(message) from wrong
