"""The rows of the relations that anyone may query, as Arrow datasets: files are read where a query asks, and as far.

Every file is checked against its digest first. Marts are taken as the last night wrote them if nothing they depend on
has changed since, else they are built. Of some days or months, only the files that may hold them are looked at.

Owns where rows come from. Does not own the columns (``columns``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.base.errors import InexactAmount
from pipeline.base.periods import BillingPeriod
from pipeline.jobs.answers.grouped.costed import costed, costed_by_month
from pipeline.jobs.answers.grouped.selection import Span
from pipeline.jobs.answers.queried.columns import BUDGETS, COSTED_USAGE, VIEWS
from pipeline.jobs.answers.queried.invoice_rows import HEADS, LINES, invoice_relations
from pipeline.jobs.answers.watched.budgets import budgets
from pipeline.jobs.state.aggregate import current_marts, inputs_of
from pipeline.jobs.state.held import in_force
from pipeline.lake.checked_files import verified_data_files, verified_quarantine
from pipeline.lake.commits import read_log
from pipeline.lake.derived import CHARGES, EXCHANGES_DAILY, USAGE_DAILY, read_manifest, verified_derived
from pipeline.objects.encoded.parquet_bytes import dataset_of
from pipeline.objects.temporary.spooled import spooled

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.watched.budgets import BudgetState
    from pipeline.objects.encoded.parquet_bytes import FileRows

_DAY = timedelta(days=1)
_ALL = Span()


def relations(workspace: Workspace, names: Collection[str], span: Span = _ALL) -> dict[str, ds.Dataset]:
    """Return the relations of some names (``columns.VIEWS``), each with all rows of ``span`` and perhaps others.

    A span is of usage dates, but of events of UTC dates; of invoices it is the months that it touches, of budgets the
    periods that its last day is in.
    """
    found: dict[str, ds.Dataset] = {}
    if "usage_events" in names:
        snapshot, _ = in_force(workspace, read_log(workspace.lake))
        files = [file for file in snapshot.data_files if span.holds(file.date)]
        found["usage_events"] = _of_files(verified_data_files(workspace.lake, files), VIEWS["usage_events"].schema)
    if "quarantine" in names:
        paths = verified_quarantine(workspace.lake, read_log(workspace.lake))
        found["quarantine"] = _of_files(paths, VIEWS["quarantine"].schema)
    found |= _marts(workspace, [name for name in (USAGE_DAILY, EXCHANGES_DAILY, CHARGES) if name in names], span)
    if "costed_usage" in names:
        parts = costed_by_month(workspace) if span == _ALL else iter([costed(workspace, span).usage])
        found["costed_usage"] = spooled(
            (part.select(COSTED_USAGE.names).cast(COSTED_USAGE) for part in parts), COSTED_USAGE
        )
    if {HEADS, LINES} & set(names):
        found |= invoice_relations(workspace, names, span)
    if "budgets" in names:
        period = None if span.to_date is None else BillingPeriod.of(span.to_date - _DAY)
        found["budgets"] = ds.dataset(
            _table([_budget_row(each) for each in budgets(workspace, period=period)], BUDGETS)
        )
    return {name: found[name] for name in names}


def _marts(workspace: Workspace, names: Sequence[str], span: Span) -> dict[str, ds.Dataset]:
    """Return marts from their files where all are as of now, else as they are built, once."""
    if not names:
        return {}
    inputs = inputs_of(workspace, in_force(workspace, read_log(workspace.lake))[0])
    manifests = [read_manifest(workspace.lake, name) for name in names]
    if any(manifest is None or manifest.inputs != inputs for manifest in manifests):
        return {name: ds.dataset(table) for name, table in current_marts(workspace, names).items()}
    found = {}
    for name in names:
        files = verified_derived(workspace.lake, name) or {}
        paths = [path for period, path in files.items() if span.touches(BillingPeriod.parse(period))]
        found[name] = _of_files(paths, VIEWS[name].schema)
    return found


def _of_files(files: Collection[FileRows], schema: pa.Schema) -> ds.Dataset:
    """Return the rows of Parquet files; a column that a file of before lacks is null."""
    return dataset_of(files, schema) if files else ds.dataset(schema.empty_table())


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except pa.ArrowInvalid as refused:
        message = f"an amount has more digits than a column holds, and none may be lost: {refused}"
        raise InexactAmount(message) from refused


def _budget_row(state: BudgetState) -> dict[str, Any]:
    forecast = state.forecast
    return {
        "budget": state.budget.name,
        "scope": str(state.budget.scope),
        "period": str(state.period),
        "days_elapsed": state.days_elapsed,
        "days": state.days,
        "currency": state.budget.currency,
        "amount": state.budget.amount,
        "spent": state.spent,
        "forecast_low": forecast.low if forecast else None,
        "forecast": forecast.mid if forecast else None,
        "forecast_high": forecast.high if forecast else None,
        "level": state.level,
        "unpriced_tokens": state.unpriced_tokens,
    }
