"""The rows of one mart that a question looks at: of the months that it asks about, and of the columns that it needs.

Owns which months and columns those are. Does not own the marts (``pipeline.jobs.state.aggregate``) nor what is asked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.base.periods import BillingPeriod
from pipeline.jobs.state.aggregate import marts_in_parts
from pipeline.lake.derived import EXCHANGES_DAILY, USAGE_DAILY
from pipeline.tables import schemas

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import pyarrow as pa

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.selection import Span

_SCHEMAS = {USAGE_DAILY: schemas.USAGE_DAILY, EXCHANGES_DAILY: schemas.EXCHANGES_DAILY}
_ALWAYS = {"account_id", "api_key_id", "usage_date", "billing_period", "meter"}
"""Whatever is asked, something is chosen by these."""
_BILLED = "is_billed"
_DAY = timedelta(days=1)


def rows_of_months(
    workspace: Workspace, mart: str, spans: Sequence[Span], columns: Collection[str], *, is_billed: bool = False
) -> Iterator[pa.Table]:
    """Yield rows of ``usage_daily`` or ``exchanges_daily``, of the months that spans touch, some after the others.

    Of its columns those that are named, and those that everything is chosen by. With ``is_billed``, of exchanges those
    that are billed. At least one table is yielded, perhaps without rows.
    """
    names = [name for name in _SCHEMAS[mart].names if name in _ALWAYS or name in columns or name == _BILLED]
    yield _SCHEMAS[mart].empty_table().select(names)

    def is_wanted(period: str) -> bool:
        return any(span.touches(BillingPeriod.parse(period)) for span in spans)

    for _, part in marts_in_parts(workspace, {mart: names}, is_wanted):
        yield part.filter(part[_BILLED]) if is_billed else part


def touches_a_month_of(span: Span, period: BillingPeriod) -> bool:
    """Say whether a span touches a month of an account, or a calendar month that has a day of it."""
    calendar = (BillingPeriod.of(day) for day in (period.first_date, period.end_date - _DAY))
    return span.touches(period) or any(map(span.touches, calendar))


def values_of(workspace: Workspace, mart: str, name: str, *, is_billed: bool = False) -> set[str]:
    """Return all values that a column of a mart has, of whatever time; none where the mart lacks the column."""
    if name not in _SCHEMAS[mart].names:
        return set()
    found = set[str]()
    columns = [name, *([_BILLED] if is_billed else [])]
    for _, part in marts_in_parts(workspace, {mart: columns}, lambda _: True):
        found.update((part.filter(part[_BILLED]) if is_billed else part)[name].unique().to_pylist())
    return found
