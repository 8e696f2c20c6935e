"""Every exception that Tallybook raises on purpose.

::

    TallybookError
     ├── ConfigurationError        a file of the workspace, or an option, says something that cannot be meant
     │    ├── AccountsError        accounts.toml
     │    ├── BudgetsError         budgets.toml
     │    └── RateCardError        rates/<card>.toml
     ├── RateNotFound              no rate is in force for this model, meter and instant
     ├── InexactAmount             an exact result would have lost a digit, or a float came near money
     ├── IssueBlocked              nothing can be issued or voided yet (unpriced usage, a broken claim)
     ├── ForgettingBlocked         what is to be forgotten is not invoiced yet, or decides something that is open
     ├── InvoiceNotFound           no draft or issued invoice fits what was asked for
     ├── VoidRefused               an invoice cannot be voided: it is credited already, or a credit note itself
     ├── RenderingRefused          an invoice lacks what a document of that format must state
     ├── ExportRefused             an invoice cannot be said exactly in the format of another system
     ├── ExtraMissing              a library is not installed that only some users need
     ├── CreditRefused             an invoice cannot be credited in part: nothing is left, or it was taken back
     ├── PaymentRefused            a payment cannot be recorded: of a draft, a credited invoice, or nothing
     ├── EngineRefused             the server that is to count is away, or refuses
     ├── StoreRefused              an object store is away, or refuses
     ├── WorkspaceLocked           another run holds the workspace, on this machine or another one
     └── LakeError                 the lake is not what its log says it is, or says what this program cannot read
          ├── FormatIsNewer        a newer version of Tallybook wrote a file of the workspace
          │    └── LakeIsNewer     … or a commit
          ├── LogEntryRefused      a log entry is torn, missing, foreign or out of its chain
          ├── HistoryLost          the lake or the register lacks entries that other files name
          ├── SumTooGreat          tokens add up to more than a count can hold
          ├── DataFileDamaged      a data file is missing or its sha256 differs
          │    └── DataFileLeft    … since it was compacted or forgotten while it was read: no damage, read again
          └── CommitConflict       another writer took the commit number (the caller reloads and tries again)

Bases end in ``Error``; leaves state the fact. A message says what is wrong with which thing, its value, and what to do
next. A line of a log that cannot be read is no exception to a caller: it becomes a row of the quarantine, and reading
goes on.

This module does not own exit codes (``pipeline.cli`` does) nor quarantine reasons (``pipeline.usage`` does).
"""

from __future__ import annotations

from pipeline.base.raw_keys import masked


class TallybookError(Exception):
    """The base of every error that Tallybook raises on purpose; its text is meant for the person at the terminal."""


class ConfigurationError(TallybookError):
    """A file of the workspace, or an option, says something that cannot be meant.

    Keys are pasted into wrong places: whatever of its text may be a raw key is replaced by its length.
    """

    def __init__(self, message: str) -> None:
        super().__init__(masked(message))


class AccountsError(ConfigurationError):
    """``accounts.toml`` contradicts itself or names something that does not exist."""


class BudgetsError(ConfigurationError):
    """``budgets.toml`` says something that cannot be meant, or names something that does not exist."""


class RateCardError(ConfigurationError):
    """A rate card contradicts itself.

    Overlapping windows, an unknown key, a negative rate, an alias that shadows a model.
    """


class RateNotFound(TallybookError):
    """No rate is in force for this model, meter and instant."""


class InexactAmount(TallybookError):
    """An exact result would have lost a digit, or a float came near money."""


class IssueBlocked(TallybookError):
    """Nothing can be issued or voided yet; the message names the usage, or the broken claim, that stands in the way."""


class ForgettingBlocked(TallybookError):
    """What is to be forgotten is not invoiced yet, or decides something that is open; the message names it."""


class InvoiceNotFound(TallybookError):
    """No draft or issued invoice fits what was asked for."""


class VoidRefused(TallybookError):
    """An invoice cannot be voided: a credit note takes it back already, or it is a credit note itself."""


class RenderingRefused(TallybookError):
    """An invoice lacks what a document of that format must state; the message names the field and where to add it."""


class ExportRefused(TallybookError):
    """An invoice cannot be said exactly in the format of another system; the message says which amount and why."""


class ExtraMissing(TallybookError):
    """A library is not installed that only some users need; the message names the extra to install."""


class EngineRefused(TallybookError):
    """The server that is to count cannot be reached, or refuses what it was asked; nothing was counted."""


class StoreRefused(TallybookError):
    """An object store cannot be reached, or refuses what it was asked; what was not acknowledged is not relied upon."""

    def __init__(self, message: str, *, is_of_object: bool = False) -> None:
        super().__init__(message)
        self.is_of_object = is_of_object
        """The store answered at once, and refused one object: others may be handed out."""


class NoTemporaryFolder(TallybookError):
    """The machine has no folder in which a temporary file can be written; the message names those that were tried."""


class CreditRefused(TallybookError):
    """An invoice cannot be credited in part: it was taken back, or less is left of the line than was asked for."""


class PaymentRefused(TallybookError):
    """A payment cannot be recorded: of a draft, a credit note or a credited invoice, or one that is not there."""


class WorkspaceLocked(TallybookError):
    """Another run holds the workspace; the message names its holder."""


class LakeError(TallybookError):
    """The lake is not what its log says it is, or says what this program cannot read."""


class FormatIsNewer(LakeError):
    """A newer version of Tallybook wrote a file; nothing is wrong with it, and nothing of it was changed."""


class LakeIsNewer(FormatIsNewer):
    """A newer version of Tallybook wrote the lake; nothing is wrong with it, and nothing of it was changed."""


class LogEntryRefused(LakeError):
    """A log entry is torn, missing, foreign or out of its chain."""


class HistoryLost(LakeError):
    """The lake or the register lacks entries that other files name: its end was lost, or it is an older one."""


class DataFileDamaged(LakeError):
    """A data file is missing, or its sha256 is not the one that its name states."""


class DataFileLeft(DataFileDamaged):
    """A data file was compacted or forgotten since the log was read; nothing is damaged, and who reads again finds all.

    It is an error of a data file to all that make do without one.
    """


class SumTooGreat(LakeError):
    """Tokens add up to more than 2^63 - 1, and a sum that is not exact is none."""


class CommitConflict(LakeError):
    """Another writer took the commit number first; reload the log and try again."""
