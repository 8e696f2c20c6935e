"""Margins as an Arrow table, for frames: a row a group and currency, without totals.

Does not own what they are (``margin``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.base.errors import InexactAmount
from pipeline.jobs.answers.grouped.summed import QUOTIENT_DIGITS, SHARE_DIGITS
from pipeline.tables import schemas

if TYPE_CHECKING:
    from pipeline.jobs.answers.grouped.margin import MarginAnswer

_QUOTIENT = pa.decimal128(38, QUOTIENT_DIGITS)
_MEASURES: dict[str, pa.DataType] = {
    "requests": pa.int64(),
    "tokens": pa.int64(),
    "charge": schemas.AMOUNT,
    "cost": schemas.AMOUNT,
    "margin": schemas.AMOUNT,
    "margin_share": pa.decimal128(38, SHARE_DIGITS),
    "uncosted_tokens": pa.int64(),
    "uncosted_charge": schemas.AMOUNT,
    "unpriced_tokens": pa.int64(),
    "uncharged_cost": schemas.AMOUNT,
    "cost_per_request": _QUOTIENT,
    "margin_per_request": _QUOTIENT,
}


def margin_table(answer: MarginAnswer) -> pa.Table:
    """Return the rows of an answer: the columns that were asked for, ``currency``, and what ``MarginSums`` has.

    Amounts are exact decimals, shares and quotients are rounded; null is not known. Raises ``InexactAmount`` where an
    amount or a count does not fit its column.
    """
    columns = {
        name: pa.array([row.place[place] for row in answer.rows], pa.string())
        for place, name in enumerate(answer.columns)
    }
    columns["currency"] = pa.array([row.currency for row in answer.rows], pa.string())
    try:
        for name, kind in _MEASURES.items():
            columns[name] = pa.array([getattr(row.sums, name) for row in answer.rows], kind)
    except (pa.ArrowInvalid, OverflowError) as refused:
        message = f"a sum has more digits than a column holds, and none may be lost: {refused}"
        raise InexactAmount(message) from refused
    return pa.table(columns)
