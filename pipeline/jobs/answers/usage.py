"""Usage rolled up for people: by key, model, day and more, from the mart of exchanges.

Owns the words of ``--by``. Does not own what is counted (``sql/marts/exchanges_daily.sql``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import normalised, plain_amount
from pipeline.jobs.state.aggregate import EXCHANGES_DAILY, USAGE_DAILY, current_mart
from pipeline.jobs.state.suspicious import suspicious_copies_now
from pipeline.jobs.wording import UNASSIGNED
from pipeline.tables import schemas
from pipeline.tables.sums import sums_by
from pipeline.usage import events

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipeline.accounts import Accounts
    from pipeline.configuration.workspace import Workspace
    from pipeline.usage.events import Column

TAG_PREFIX = "tag:"
"""Before the name of a tag in ``--by``."""
DIMENSIONS = {
    "account": "account_id",
    "key": "api_key_id",
    "model": "model",
    **{column.word or column.name: column.name for column in events.DIMENSIONS},
    "day": "usage_date",
    "month": "billing_period",
    "status": "status",
    "fate": "fate",
    "meter": "meter",
}
"""Words of ``--by`` and the column each stands for."""
_UNBILLED = tuple(word for word, name in DIMENSIONS.items() if name not in schemas.USAGE_DAILY.names)
"""Words that tell apart exchanges, and not what is billed for them."""


def usage(
    workspace: Workspace, by: Sequence[str], *, from_date: date | None = None, to_date: date | None = None
) -> pa.Table:
    """Return billed usage grouped by ``by``, sorted, of usage dates in ``[from_date, to_date)``.

    By ``meter`` there is one ``quantity`` (tokens, every one on one meter); else events and tokens, each count followed
    by its parts. Counts that came with a later version of the lake are there where any is above zero. By ``status`` or
    ``fate`` what is not billed is listed too; by a tag of keys, keys without it have an empty one. Raises
    ``ConfigurationError`` for an unknown word.
    """
    tag_of = {word: name for word in by if (name := _tag(word, workspace.accounts)) is not None}
    columns = [word if word in tag_of else _column(word, workspace.accounts) for word in by]
    is_metered = "meter" in by
    if is_metered and not set(by).isdisjoint(_UNBILLED):
        message = f"--by meter counts billed tokens only and cannot be combined with {' or '.join(_UNBILLED)}"
        raise ConfigurationError(message)
    table = current_mart(workspace, USAGE_DAILY if is_metered else EXCHANGES_DAILY)
    if not is_metered and not {"status", "fate"} & set(by):
        table = table.filter(table["is_billed"])
    table = _chosen(table, from_date, to_date)
    for word, tag in tag_of.items():
        values = [workspace.accounts.tags.get(key_id, {}).get(tag, "") for key_id in table["api_key_id"].to_pylist()]
        table = table.append_column(word, pa.array(values, pa.string()))
    counts = ["quantity"] if is_metered else ["events", *_counts(table)]
    grouped = sums_by(table, columns, counts)
    return grouped.sort_by([(column, "ascending") for column in columns]) if columns else grouped


def listed_copies(workspace: Workspace, *, from_date: date | None = None, to_date: date | None = None) -> pa.Table:
    """Return suspicious copies of usage dates in ``[from_date, to_date)``, as ``schemas.SUSPICIOUS_COPIES``.

    But ``would_have_cost`` in place of the amount: text, with every digit.
    """
    table = _chosen(suspicious_copies_now(workspace), from_date, to_date)
    costs = [
        None if row["amount"] is None else plain_amount(normalised(row["amount"]), row["currency"])
        for row in table.select(["amount", "currency"]).to_pylist()
    ]
    return table.set_column(table.schema.get_field_index("amount"), "would_have_cost", pa.array(costs, pa.string()))


def _chosen(table: pa.Table, from_date: date | None, to_date: date | None) -> pa.Table:
    """Return the rows of some usage dates; keys of no account are said to be unassigned."""
    if from_date is not None:
        table = table.filter(pc.greater_equal(table["usage_date"], pa.scalar(from_date)))
    if to_date is not None:
        table = table.filter(pc.less(table["usage_date"], pa.scalar(to_date)))
    named = pc.if_else(pc.equal(table["account_id"], ""), UNASSIGNED, table["account_id"])
    return table.set_column(table.schema.get_field_index("account_id"), "account_id", named)


def _counts(table: pa.Table) -> list[str]:
    """Return each count and then its parts; of later ones those that are above zero anywhere."""
    shown = [
        column for column in events.COUNTS if column.since == 1 or pc.any(pc.greater(table[column.name], 0)).as_py()
    ]
    return [name for column in shown if column.part_of is None for name in _with_parts(column.name, shown)]


def _with_parts(name: str, shown: Sequence[Column]) -> list[str]:
    parts = [part for column in shown if column.part_of == name for part in _with_parts(column.name, shown)]
    return [name, *parts]


def _tag(word: str, accounts: Accounts) -> str | None:
    """Return the tag that a word of ``--by`` means.

    ``tag:team``, or ``team`` where a key has that tag and no dimension is called so.
    """
    if word.startswith(TAG_PREFIX):
        return word.removeprefix(TAG_PREFIX)
    return word if word not in DIMENSIONS and word in _tag_names(accounts) else None


def _column(word: str, accounts: Accounts) -> str:
    if word not in DIMENSIONS:
        known = ", ".join([*DIMENSIONS, *(f"{TAG_PREFIX}{name}" for name in _tag_names(accounts))])
        message = f"--by {word!r} is not known; write one or more of: {known}"
        raise ConfigurationError(message)
    return DIMENSIONS[word]


def _tag_names(accounts: Accounts) -> list[str]:
    return sorted({name for tags in accounts.tags.values() for name in tags})
