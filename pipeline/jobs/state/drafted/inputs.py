"""All that a whole book is made from, as a digest that is found without counting, rating or drafting anything.

A book follows from the marts, which follow from a commit, the files of it that are in force, the configuration and the
program; from the bytes of the register; and from which months have begun. Owns that list. Does not own what is kept
under it (``kept``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.documents.invoice_csv import CSV_LAYOUT
from pipeline.jobs.state.aggregate import inputs_of
from pipeline.jobs.state.drafts import months_begun
from pipeline.jobs.state.held import month_has_begun
from pipeline.warehouse.program import digest_of, program_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.jobs.state.drafted.issued import IssuedEntry
    from pipeline.lake.log.snapshot import LakeSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month with usage, in the time zone of some account."""

    timezone: str
    """Empty of accounts that are gone."""
    period: BillingPeriod
    has_begun: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BookInputs:
    """What a book was made from."""

    digest: str
    """Of all but the clock."""
    months: tuple[Month, ...]
    """What the clock said."""

    def are_those_of(self, workspace: Workspace, snapshot: LakeSnapshot, issued: Sequence[IssuedEntry]) -> bool:
        """Say whether a book of now would be made from the same; ``snapshot`` is of what is in force."""
        return self.digest == _digest(workspace, snapshot, issued) and all(
            each.has_begun == month_has_begun(workspace, snapshot, each.timezone, each.period) for each in self.months
        )


def inputs_of_book(workspace: Workspace, built: Aggregate, issued: Sequence[IssuedEntry]) -> BookInputs:
    """Return what a book of all accounts is made from."""
    months = months_begun(workspace, built).items()
    return BookInputs(
        digest=_digest(workspace, built.snapshot, issued),
        months=tuple(
            Month(timezone=timezone, period=period, has_begun=has_begun) for (timezone, period), has_begun in months
        ),
    )


def _digest(workspace: Workspace, snapshot: LakeSnapshot, issued: Sequence[IssuedEntry]) -> str:
    return digest_of(
        [
            program_parts(),
            CSV_LAYOUT,
            workspace.rules.value,
            dict(inputs_of(workspace, snapshot)),
            [each.sha256 for each in issued],
        ]
    )
