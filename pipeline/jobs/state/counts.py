"""How many lines were read and what became of them: the numbers that ``verify`` and the nightly summary print.

Owns their names. Does not own the claims about them (``pipeline.jobs.proofs.verify``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.jobs.state.held import statuses_of
from pipeline.tables.sums import total
from pipeline.usage import Meter, UsageStatus
from pipeline.usage.sources import line_counts

if TYPE_CHECKING:
    from pipeline.jobs.state.aggregate import Aggregate


def counts_of(built: Aggregate) -> dict[str, int]:
    """Count lines by outcome (from the commits) and measured events by fate (from the marts).

    ``billed + duplicates + conflicts + held == measured``; the suspicious ones are among the copies that lost. Events
    that were forgotten are in all of these by what is kept of them, and in ``events`` no more.
    """
    exchanges, kept = built.marts.exchanges_daily, built.kept.statuses
    lines = line_counts(built.snapshot.sources)
    return {
        **lines,
        **{status.value: lines[status] + kept[status] for status in UsageStatus},
        "billed": _events(exchanges, "measured", "survivor"),
        "duplicates": _events(exchanges, "measured", "duplicate"),
        "conflicts": _events(exchanges, "measured", "conflict"),
        "suspicious": total(exchanges.filter(exchanges["is_suspicious"])["events"]),
        "held": statuses_of(built.held)[UsageStatus.MEASURED],
        "estimated_listed": _events(exchanges, "estimated", "survivor"),
        "billed_tokens": token_count(built.marts.usage_daily),
        "unpriced_tokens": sum(row.usage.quantity for row in built.rated.unpriced if row.usage.meter.is_of_tokens),
        "unassigned_tokens": built.rated.unassigned_tokens,
    }


def _events(exchanges_daily: pa.Table, status: str, fate: str) -> int:
    chosen = exchanges_daily.filter(
        pc.and_(pc.equal(exchanges_daily["status"], status), pc.equal(exchanges_daily["fate"], fate))
    )
    return total(chosen["events"])


def token_count(quantities: pa.Table) -> int:
    """Sum the tokens of usage daily or of charges.

    Requests with a fee of their own stand beside their tokens and are none.
    """
    of_tokens = pa.array([meter.value for meter in Meter if meter.is_of_tokens], pa.string())
    tokens = quantities.filter(pc.is_in(quantities["meter"], of_tokens))
    return total(tokens["quantity"])
