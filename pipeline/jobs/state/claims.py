"""What is done about the claims of ``sql/checks/blocking``.

Listed for whoever asks, and nothing is frozen while one is broken.

Owns how a broken claim is worded, and when it refuses. Does not own the claims (the files of ``sql/`` do), nor when
they are asked (``pipeline.warehouse`` does).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.base.errors import DataFileDamaged, IssueBlocked
from pipeline.jobs.check import Check, check_that_none
from pipeline.jobs.state.aggregate import have_to_be_equal, inputs_of
from pipeline.jobs.wording import counted
from pipeline.lake.derived import CHARGES, EXCHANGES_DAILY, USAGE_DAILY, read_derived

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.warehouse.marts import Marts


def claims_of(marts: Marts) -> Iterator[Check]:
    """Say of every blocking check whether its claim holds.

    Raises ``ValueError`` where one was not asked: nobody may take silence for an answer.
    """
    if unasked := marts.unasked:
        message = f"the checks {', '.join(sorted(unasked))} were not asked of these marts"
        raise ValueError(message)
    for name, rows in marts.broken_claims.items():
        yield check_that_none(
            [row_text(row) for row in rows],
            name=name,
            fine="no row breaks it",
            found=counted(len(rows), "row breaks it", "rows break it"),
        )


def broken_claims_of(marts: Marts) -> tuple[Check, ...]:
    """Return the blocking checks whose claims do not hold."""
    return tuple(check for check in claims_of(marts) if not check.ok)


def claims_about_derived(workspace: Workspace, built: Aggregate) -> Iterator[Check]:
    """Compare what was written with what was built just now, by whichever engine each was counted.

    Tables of an older commit or configuration are not wrong, only out of date.
    """
    inputs = inputs_of(workspace, built.snapshot)
    for name, table in (
        (USAGE_DAILY, built.marts.usage_daily),
        (EXCHANGES_DAILY, built.marts.exchanges_daily),
        (CHARGES, built.rated.charges),
    ):
        label = f"{name}_is_what_the_events_say"
        try:
            written = read_derived(workspace.lake, name)
        except DataFileDamaged as damage:
            yield Check(name=label, ok=False, detail=str(damage))
            continue
        if written is None or not have_to_be_equal(written[0], inputs):
            yield Check(
                name=label,
                ok=True,
                detail="not written for this commit and configuration yet; 'tallybook nightly' writes it",
            )
            continue
        rows = pa.concat_tables([table.schema.empty_table(), *written[1].values()])
        order = [(column, "ascending") for column in table.schema.names]
        same = rows.sort_by(order).equals(table.sort_by(order))
        written_now = counted(rows.num_rows, "row written differs", "rows written differ")
        yield Check(
            name=label,
            ok=same,
            detail=counted(table.num_rows, "row") if same else f"{written_now} from {table.num_rows} built now",
        )


def row_text(row: Mapping[str, object]) -> str:
    """Show a row that a check found: columns and values, identities in hexadecimal digits."""
    return ", ".join(
        f"{column} {value.hex() if isinstance(value, bytes) else value!r}" for column, value in row.items()
    )


def refuse_broken_claims(workspace: Workspace, built: Aggregate) -> None:
    """Let nothing be frozen that is not known to be right; for ``built`` of all events, without what nights kept.

    Raises ``IssueBlocked`` where a claim about it does not hold, and where a night wrote other marts of this same
    commit and configuration: then one of the two counts is wrong, and what was drafted is not what would be issued.
    """
    if broken := broken_claims_of(built.marts):
        listed = "; ".join(f"{check.name}: {check.detail}" for check in broken)
        message = (
            f"nothing can be issued or voided while a claim about the counts does not hold: {listed}; "
            "sql/checks/blocking/ says what each claims, correct what it is about, and see 'tallybook verify'"
        )
        raise IssueBlocked(message)
    if differing := [check for check in claims_about_derived(workspace, built) if not check.ok]:
        listed = "; ".join(f"{check.name}: {check.detail}" for check in differing)
        message = (
            f"nothing can be issued or voided while what the last night wrote is not what all events say: {listed}; "
            "remove lake/counted and the folder of that mart, run 'tallybook nightly', and look at the drafts again"
        )
        raise IssueBlocked(message)
