"""What people look at: an invoice's lines in sections, groups and rows, and the same lines by key.

Owns which lines share a row, in which order rows stand, and their sums. Does not own words (``words``), spelling
(``spelling``) nor looks. Imports nothing beyond the standard library and the rules of billing.

Invariants: every line but tax is on exactly one row, and once in the appendix; a row's amount is the sum of the printed
amounts of its lines, a group's that of its rows, a section's that of its groups; sections add up to the subtotal, and
so does the appendix; subtotal and tax lines add up to the total.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum
from pipeline.invoicing.lines import LineKind, total_of
from pipeline.usage.meters import METER_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing import Invoice, InvoiceLine
    from pipeline.usage import Meter

ROWS_MAX = 24
"""Rows of a first page, with their headings; where there are more, it has one row a model, and the details have all."""
DETAILS_MAX = 25
"""Lines of details that may follow on the first page; more begin a page of their own."""
BARS_MAX = 8
"""Bars of a chart; the smaller ones share the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Lines that read as one: of a model, tier and meter, or a single line that is about no tokens."""

    lines: tuple[InvoiceLine, ...]

    @property
    def first(self) -> InvoiceLine:
        """What all its lines have in common is what the first one says: kind, model, tier, meter, corrected period."""
        return self.lines[0]

    @property
    def quantity(self) -> int:
        """Tokens, or requests."""
        return sum(line.quantity for line in self.lines)

    @property
    def amount(self) -> Decimal:
        """The sum of the printed amounts."""
        return total_of(self.lines)

    @property
    def prices(self) -> tuple[tuple[Decimal, int | None], ...]:
        """The different rates per million, each with its package size, the lowest first.

        None of lines that have no rate, or no quantity to which it could apply.
        """
        found = {
            (line.rate_per_million, line.package_tokens)
            for line in self.lines
            if line.rate_per_million is not None and line.quantity
        }
        return tuple(sorted(found, key=lambda price: (price[0], price[1] or 0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows of one model, or of one corrected period; or what a section has of neither.

    On an invoice of several months, those of one month.
    """

    model: str = ""
    period: BillingPeriod | None = None
    """The corrected one."""
    month: BillingPeriod | None = None
    """Of an invoice of several months."""
    rows: tuple[Row, ...]

    @property
    def lines(self) -> tuple[InvoiceLine, ...]:
        """The lines of its rows."""
        return tuple(line for row in self.rows for line in row.lines)

    @property
    def quantity(self) -> int:
        """Tokens; requests are none, and not among them."""
        return sum(row.quantity for row in self.rows if row.first.meter is not None and row.first.meter.is_of_tokens)

    @property
    def amount(self) -> Decimal:
        """The sum of the rows."""
        return exact_sum(row.amount for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """All lines of one kind; on an invoice of several accounts, those of one of them."""

    kind: LineKind
    account_id: str = ""
    """Of a child account; empty = of the invoiced one, or of all."""
    groups: tuple[Group, ...]

    @property
    def amount(self) -> Decimal:
        """The sum of the groups."""
        return exact_sum(group.amount for group in self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLines:
    """A part of the appendix: the lines of one key (of one account), in the order of the invoice."""

    account_id: str = ""
    """Of a child account; empty = of the invoiced one, or of all."""
    api_key_id: str
    """Empty = lines that no key is behind, such as a fee."""
    tags: tuple[str, ...]
    """Each cell of tags that its lines have; of a key whose tags changed, more than one."""
    lines: tuple[InvoiceLine, ...]

    @property
    def amount(self) -> Decimal:
        """The sum of the printed amounts."""
        return total_of(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of the chart."""

    name: str
    """A model; empty = ``models`` further ones together."""
    models: int
    meters: tuple[tuple[Meter, Decimal], ...]
    """Its segments in the order of meters, each above zero."""

    @property
    def amount(self) -> Decimal:
        """The sum of its segments."""
        return exact_sum(amount for _, amount in self.meters)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """An invoice as people read it."""

    invoice: Invoice
    sections: tuple[Section, ...]
    tax_lines: tuple[InvoiceLine, ...]
    appendix: tuple[KeyLines, ...]
    """Empty where no line is of a key: then the sections say all there is."""

    @property
    def is_condensed(self) -> bool:
        """Whether rows are too many for a page: models stand for them there."""
        groups = [group for section in self.sections for group in section.groups]
        headings = len(self.sections) + sum(1 for group in groups if len(group.rows) > 1)
        headings += len(self.invoice.children)
        return headings + sum(len(group.rows) for group in groups) > ROWS_MAX

    @property
    def is_long(self) -> bool:
        """Whether the details are pages of their own."""
        return sum(len(part.lines) for part in self.appendix) > DETAILS_MAX

    @property
    def bars(self) -> tuple[Bar, ...]:
        """What usage came to, by model and meter, the greatest first; none where that is no picture of anything.

        Lines state no dates but their first, so there is nothing to say of days. A model or meter below zero (a credit
        note) has no bar, and nothing has a bar where all are of one model and meter.
        """
        usage = [section for section in self.sections if section.kind is LineKind.USAGE]
        groups = _of_all_months(group for section in usage for group in section.groups)
        bars = [_bar(group.model, [group]) for group in groups[: BARS_MAX if len(groups) == BARS_MAX else BARS_MAX - 1]]
        rest = groups[len(bars) :]
        if rest:
            bars.append(_bar("", rest))
        if any(row.amount < 0 for group in groups for row in group.rows):
            return ()
        drawn = tuple(bar for bar in bars if bar.meters)
        return drawn if sum(len(bar.meters) for bar in drawn) > 1 else ()


def invoice_view(invoice: Invoice) -> InvoiceView:
    """Group an invoice's lines; models and keys are never left out, however many there are.

    Sections of an account stand in the order of kinds, also where the lines of several months begin with another one.
    """
    by_kind: dict[tuple[str, LineKind], list[InvoiceLine]] = {}
    for line in invoice.lines:
        by_kind.setdefault((line.account_id, line.kind), []).append(line)
    tax_lines = by_kind.pop(("", LineKind.TAX), [])
    kinds = {kind: place for place, kind in enumerate(LineKind)}
    accounts = {account_id: place for place, account_id in enumerate(dict.fromkeys(account for account, _ in by_kind))}
    return InvoiceView(
        invoice=invoice,
        sections=tuple(
            Section(account_id=account_id, kind=kind, groups=_groups(lines))
            for (account_id, kind), lines in sorted(
                by_kind.items(), key=lambda section: (accounts[section[0][0]], kinds[section[0][1]])
            )
        ),
        tax_lines=tuple(tax_lines),
        appendix=_appendix([line for line in invoice.lines if line.kind is not LineKind.TAX]),
    )


def _groups(lines: Iterable[InvoiceLine]) -> tuple[Group, ...]:
    """Group lines of one kind by the period they correct, or else by month and model, the greatest model first."""
    grouped: dict[tuple[BillingPeriod | None, BillingPeriod | None, str], list[InvoiceLine]] = {}
    for line in lines:
        place = (line.original_period, line.period, "" if line.original_period else line.model)
        grouped.setdefault(place, []).append(line)
    groups = [
        Group(period=period, month=month, model=model, rows=_rows(mine, by_model=period is not None))
        for (period, month, model), mine in grouped.items()
    ]
    return tuple(
        sorted(groups, key=lambda group: (_period_order(group.period), _period_order(group.month), _by_amount(group)))
    )


def _of_all_months(groups: Iterable[Group]) -> list[Group]:
    """Put the rows of a model in all months into one group, the greatest first."""
    by_model: dict[str, list[Row]] = {}
    for group in groups:
        by_model.setdefault(group.model, []).extend(group.rows)
    return sorted((Group(model=model, rows=tuple(rows)) for model, rows in by_model.items()), key=_by_amount)


def _rows(lines: Iterable[InvoiceLine], *, by_model: bool) -> tuple[Row, ...]:
    """Put lines of tokens on a row by tier and meter (and model, within a corrected period), others on their own.

    A reduction is on its own too: it is of one line of another invoice.
    """
    grouped: dict[tuple[str, int, str, int], list[InvoiceLine]] = {}
    for line in lines:
        own = line.number if line.meter is None or line.kind is LineKind.REDUCTION else 0
        place = (line.model if by_model else "", own, line.service_tier, -1 if own else _meter_order(line))
        grouped.setdefault(place, []).append(line)
    return tuple(Row(lines=tuple(grouped[place])) for place in sorted(grouped))


def _appendix(lines: Iterable[InvoiceLine]) -> tuple[KeyLines, ...]:
    """List lines by account, and by key: the greatest first and those without a key last."""
    by_key: dict[tuple[str, str], list[InvoiceLine]] = {}
    for line in lines:
        by_key.setdefault((line.account_id, line.api_key_id), []).append(line)
    if not any(key for _, key in by_key):
        return ()
    parts = [
        KeyLines(
            account_id=account_id,
            api_key_id=key,
            tags=tuple(dict.fromkeys(line.tags for line in mine if line.tags)),
            lines=tuple(mine),
        )
        for (account_id, key), mine in by_key.items()
    ]
    accounts = list(dict.fromkeys(part.account_id for part in parts))
    return tuple(
        sorted(
            parts,
            key=lambda part: (
                accounts.index(part.account_id),
                not part.api_key_id,
                -abs(part.amount),
                part.api_key_id,
            ),
        )
    )


def _bar(model: str, groups: Iterable[Group]) -> Bar:
    listed = list(groups)
    amounts: dict[Meter, list[Decimal]] = {}
    for row in (row for group in listed for row in group.rows):
        if row.first.meter is not None:
            amounts.setdefault(row.first.meter, []).append(row.amount)
    sums: Mapping[Meter, Decimal] = {meter: exact_sum(found) for meter, found in amounts.items()}
    return Bar(
        name=model,
        models=len(listed),
        meters=tuple((meter, sums[meter]) for meter in sorted(sums, key=METER_ORDER.__getitem__) if sums[meter] > 0),
    )


def _by_amount(group: Group) -> tuple[Decimal, str]:
    return -abs(group.amount), group.model


def _period_order(period: BillingPeriod | None) -> str:
    return str(period or "")


def _meter_order(line: InvoiceLine) -> int:
    return -1 if line.meter is None else METER_ORDER[line.meter]
