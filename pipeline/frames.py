"""Events, usage, charges, costs, margins, invoices, their lines and budgets: as pandas, Arrow, Polars or DuckDB.

``frames.charges(workspace, period="2026-10")`` is a pandas DataFrame. ``frames.open_books(workspace).charges(…)`` is
the same relation before anything is read, and becomes what is wanted by one call: ``.pandas()``, ``.arrow()``,
``.polars()``, ``.duckdb()``, or ``.batches()`` and ``.reader()`` for what is greater than memory. Files are read as far
as the filters ask: of other months or days none, of a row group none where its statistics say that nothing of it is
chosen.

Whoever reads while another run compacts or forgets what is read gets ``DataFileLeft``: nothing is damaged, open the
books again. (Of ``.reader()`` and ``.duckdb()``, which others read from, it is their own error of a missing file.)

Columns keep their Arrow types, so that an integer stays an integer and an amount an exact decimal; turn an amount into
a float where it is plotted, not before. As of now: what is dated later than tomorrow is held. Does not own what the
relations mean (``pipeline.jobs.answers.queried.columns``), nor where their rows come from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import reduce
from operator import and_
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import BillingPeriod, parse_date
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.grouped.margin import margin as margin_of
from pipeline.jobs.answers.grouped.margin_table import margin_table
from pipeline.jobs.answers.grouped.selection import Selection, Span
from pipeline.jobs.answers.queried.columns import VIEWS
from pipeline.jobs.answers.queried.relations import relations
from pipeline.lake.checked_files import heeding_what_left
from pipeline.objects.mounted.addresses import tell_by
from pipeline.warehouse.queries import engine_relation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    import polars as pl

    from pipeline.configuration.workspace import Workspace
    from pipeline.warehouse.queries import EngineRelation

_DATES = {
    "usage_events": "occurred_at",
    "usage_daily": "usage_date",
    "exchanges_daily": "usage_date",
    "charges": "usage_date",
    "costed_usage": "usage_date",
    "invoices": "period",
    "invoice_lines": "period",
    "budgets": "period",
}
"""The column that a span of dates chooses by."""
_READ_AHEAD = {"fragment_readahead": 1, "batch_readahead": 2}
"""Files and batches that are read before they are asked for. By default four files and sixteen batches are, which takes
three times the memory, and is no quicker: one file is read by all processors.
"""
_CHOSEN = {
    "account": "accounts",
    "key": "keys",
    "model": "models",
    "tier": "tiers",
    "meter": "meters",
    "tag": "tags",
}
"""What a margin is chosen by, as its options are called, and what a selection calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Rows that are not read yet."""

    name: str
    dataset: ds.Dataset
    columns: tuple[str, ...]
    filter: pc.Expression | None
    lake: Path
    """The lake whose files hold the rows, or what they were counted from."""

    def arrow(self) -> pa.Table:
        """Return the rows as an Arrow table."""
        with heeding_what_left(self.lake):
            return self._scanner().to_table()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows batch by batch, for what is greater than memory: what is held at once is of one file."""
        with heeding_what_left(self.lake):
            yield from self._scanner().to_batches()

    def reader(self) -> pa.RecordBatchReader:
        """Return the same batches as a stream that others read to its end, once: Arrow, DuckDB, Polars, a file."""
        return self._scanner().to_reader()

    def _scanner(self) -> ds.Scanner:
        return self.dataset.scanner(columns=list(self.columns), filter=self.filter, **_READ_AHEAD)

    def pandas(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame of Arrow types (``pip install 'tallybook[notebook]'``)."""
        import pandas as pd  # noqa: PLC0415  # the only import of pandas

        frame: pd.DataFrame = self.arrow().to_pandas(types_mapper=pd.ArrowDtype)
        return frame

    def polars(self) -> pl.DataFrame:
        """Return the rows as a Polars DataFrame; Polars must be installed."""
        import polars as pl  # noqa: PLC0415

        frame = pl.from_arrow(self.arrow())
        return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()

    def duckdb(self) -> EngineRelation:
        """Return the rows as a relation of DuckDB, on a connection of its own: ``.filter(…)``, ``.aggregate(…)``."""
        return engine_relation(self.dataset, self.columns, self.filter)


@dataclass(frozen=True, slots=True)
class Books:
    """The relations of a workspace.

    Each takes ``period`` (``"2026-10"``), or ``from_date`` and ``to_date`` (``"2026-10-01"``; the second is excluded);
    ``columns``, all where none are named; and for any of its columns a value or a list of values, such as
    ``account_id="birke"``. Dates are usage dates; of events they are UTC dates, of invoices the months that they touch;
    of budgets the periods that the last of them is in.
    Raises ``ConfigurationError`` for a column that is not there.
    """

    workspace: Workspace

    def events(self, **chosen: Any) -> Relation:
        """Return every logged exchange, with its copies (``usage_events``)."""
        return self.relation("usage_events", **chosen)

    def usage_daily(self, **chosen: Any) -> Relation:
        """Return billed tokens by account, key, model, tier, meter, rate window and usage date."""
        return self.relation("usage_daily", **chosen)

    def exchanges_daily(self, **chosen: Any) -> Relation:
        """Return what became of every logged exchange, by status and fate."""
        return self.relation("exchanges_daily", **chosen)

    def charges(self, **chosen: Any) -> Relation:
        """Return what billed usage costs: rate per million, currency and exact amount of each row."""
        return self.relation("charges", **chosen)

    def costed_usage(self, **chosen: Any) -> Relation:
        """Return what billed usage is charged and what it costs us, row by row; null is not known, never 0."""
        return self.relation("costed_usage", **chosen)

    def margin(
        self,
        by: str | Sequence[str] = ("account", "model"),
        *,
        period: str | None = None,
        from_date: str | date | None = None,
        to_date: str | date | None = None,
        **chosen: str | Sequence[str],
    ) -> Relation:
        """Return charge, cost and margin of groups, as ``tallybook margin`` has them.

        ``by`` are its words; chosen by ``account``, ``key``, ``model``, ``tier``, ``meter`` and ``tag`` (a value or a
        list of values, written as the options of these names). Raises ``ConfigurationError`` where no cost card is
        named.
        """
        for word in chosen:
            if word not in _CHOSEN:
                message = f"margin cannot be chosen by {word!r}; it can by {', '.join(_CHOSEN)}"
                raise ConfigurationError(message)
        selection = Selection(
            span=_span_of(period, from_date, to_date),
            **{_CHOSEN[word]: (each,) if isinstance(each, str) else tuple(each) for word, each in chosen.items()},
        )
        words = by.split(",") if isinstance(by, str) else by
        with heeding_what_left(self.workspace.lake):
            table = margin_table(margin_of(self.workspace, [word.strip() for word in words], selection))
        return Relation(
            name="margin",
            dataset=ds.dataset(table),
            columns=tuple(table.schema.names),
            filter=None,
            lake=self.workspace.lake,
        )

    def invoices(self, **chosen: Any) -> Relation:
        """Return issued invoices, credit notes, and the drafts as of now."""
        return self.relation("invoices", **chosen)

    def lines(self, **chosen: Any) -> Relation:
        """Return the lines of these (``invoice_lines``)."""
        return self.relation("invoice_lines", **chosen)

    def budgets(self, **chosen: Any) -> Relation:
        """Return how each budget of ``budgets.toml`` stands: what is spent, and what its period will come to."""
        return self.relation("budgets", **chosen)

    def relation(
        self,
        name: str,
        *,
        period: str | None = None,
        from_date: str | date | None = None,
        to_date: str | date | None = None,
        columns: str | Sequence[str] | None = None,
        **values: Any,
    ) -> Relation:
        """Return a relation by the name that SQL has for it (``tallybook sql --views``)."""
        if name not in VIEWS:
            message = f"there is no relation {name!r}; there are {', '.join(VIEWS)}"
            raise ConfigurationError(message)
        schema = VIEWS[name].schema
        named = _listed(columns) if columns is not None else []
        for column in (*named, *values):
            if column not in schema.names:
                message = f"{name} has no column {column!r}; it has {', '.join(schema.names)}"
                raise ConfigurationError(message)
        span = _span(name, period, from_date, to_date)
        with heeding_what_left(self.workspace.lake):
            dataset = relations(self.workspace, [name], span)[name]
        return Relation(
            name=name,
            dataset=dataset,
            columns=tuple(named or schema.names),
            filter=_filter(name, span, values, schema),
            lake=self.workspace.lake,
        )


def open_books(workspace: str | Path = "data") -> Books:
    """Open a workspace, as of now. Raises ``ConfigurationError`` where there is none."""
    tell_by(os.environ)
    return Books(open_workspace(Path(workspace), now=datetime.now(UTC)))


def events(workspace: str | Path = "data", **chosen: Any) -> pd.DataFrame:
    """Return every logged exchange, with its copies; ``chosen`` as ``Books`` says, here and below."""
    return open_books(workspace).events(**chosen).pandas()


def usage_daily(workspace: str | Path = "data", **chosen: Any) -> pd.DataFrame:
    """Return billed tokens by account, key, model, tier, meter, rate window and usage date."""
    return open_books(workspace).usage_daily(**chosen).pandas()


def exchanges_daily(workspace: str | Path = "data", **chosen: Any) -> pd.DataFrame:
    """Return what became of every logged exchange, by status and fate."""
    return open_books(workspace).exchanges_daily(**chosen).pandas()


def charges(workspace: str | Path = "data", **chosen: Any) -> pd.DataFrame:
    """Return what billed tokens cost: rate per million, currency and exact amount of each row."""
    return open_books(workspace).charges(**chosen).pandas()


def costed_usage(workspace: str | Path = "data", **chosen: Any) -> pd.DataFrame:
    """Return what billed usage is charged and what it costs us, row by row; null is not known, never 0."""
    return open_books(workspace).costed_usage(**chosen).pandas()


def margin(
    workspace: str | Path = "data", by: str | Sequence[str] = ("account", "model"), **chosen: Any
) -> pd.DataFrame:
    """Return charge, cost and margin of groups; ``chosen`` as ``Books.margin`` says."""
    return open_books(workspace).margin(by, **chosen).pandas()


def invoices(workspace: str | Path = "data", **chosen: Any) -> pd.DataFrame:
    """Return issued invoices, credit notes, and the drafts as of now."""
    return open_books(workspace).invoices(**chosen).pandas()


def lines(workspace: str | Path = "data", **chosen: Any) -> pd.DataFrame:
    """Return the lines of invoices, credit notes and drafts."""
    return open_books(workspace).lines(**chosen).pandas()


def budgets(workspace: str | Path = "data", **chosen: Any) -> pd.DataFrame:
    """Return how each budget of ``budgets.toml`` stands; none where there is no such file."""
    return open_books(workspace).budgets(**chosen).pandas()


def _span(name: str, period: str | None, from_date: str | date | None, to_date: str | date | None) -> Span:
    if name not in _DATES and (period or from_date or to_date):
        message = f"{name} has no dates to choose by; leave out period, from_date and to_date"
        raise ConfigurationError(message)
    return _span_of(period, from_date, to_date)


def _span_of(period: str | None, from_date: str | date | None, to_date: str | date | None) -> Span:
    if period is not None:
        if from_date is not None or to_date is not None:
            message = "period says all dates of a month; leave out from_date and to_date"
            raise ConfigurationError(message)
        return Span.of(BillingPeriod.parse(period))
    return Span(from_date=_date(from_date), to_date=_date(to_date))


def _date(given: str | date | None) -> date | None:
    """Return a day that was given as text, as a date, or as its midnight, as pandas and numpy hand over days."""
    if isinstance(given, datetime):
        if given.time() != time.min:
            message = f"{given} is no day; dates choose whole days, so write one, such as {given.date()}"
            raise ConfigurationError(message)
        return given.date()
    if given is None or isinstance(given, date):
        return given
    return parse_date(str(given))


def _listed(given: Any) -> list[Any]:
    """Return a value as a list of it, and what has values (a list, a column of a frame) as these."""
    is_several = isinstance(given, Iterable) and not isinstance(given, (str, bytes))
    return list(given) if is_several else [given]


def _values(name: str, column: str, given: Any, kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(_listed(given), kind)
    except pa.ArrowException as wrong:
        message = f"{name} cannot be chosen by {column}={given!r}: that column is {kind}"
        raise ConfigurationError(message) from wrong


def _filter(name: str, span: Span, values: Mapping[str, Any], schema: pa.Schema) -> pc.Expression | None:
    """Return what chooses rows, as the scanner of Arrow understands it; None where all are wanted."""
    wanted = []
    column = _DATES.get(name)
    if column in ("occurred_at", "usage_date"):
        kind = schema.field(column).type
        if span.from_date is not None:
            wanted.append(pc.field(column) >= _scalar(span.from_date, kind))
        if span.to_date is not None:
            wanted.append(pc.field(column) < _scalar(span.to_date, kind))
    for each, given in values.items():
        wanted.append(pc.field(each).isin(_values(name, each, given, schema.field(each).type)))
    return reduce(and_, wanted) if wanted else None


def _scalar(day: date, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(datetime.combine(day, time.min, UTC) if pa.types.is_timestamp(kind) else day, kind)
