"""What a failure is: its kind, its exit code, and the one JSON document that says so.

Owns the kinds, which programs tell apart: an error's name in words, or one of ``OTHER_KINDS``. Does not own which
errors are the machine's (``pipeline.cli.surroundings``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pipeline.base.errors import (
    ConfigurationError,
    CreditRefused,
    DataFileLeft,
    EngineRefused,
    ExportRefused,
    ForgettingBlocked,
    FormatIsNewer,
    InvoiceNotFound,
    IssueBlocked,
    LakeIsNewer,
    NoTemporaryFolder,
    PaymentRefused,
    StoreRefused,
    TallybookError,
    VoidRefused,
    WorkspaceLocked,
)
from pipeline.base.raw_keys import masked
from pipeline.cli.context import (
    EXIT_BLOCKED,
    EXIT_CONFIGURATION,
    EXIT_INTERRUPTED,
    EXIT_LOCKED,
    EXIT_MACHINE,
    EXIT_UNEXPECTED,
)
from pipeline.cli.surroundings import is_interrupt, machine_error_text, machine_remedy, refused_path

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_CONFIGURATION = (
    *(ConfigurationError, CreditRefused, ExportRefused, FormatIsNewer, InvoiceNotFound),
    *(LakeIsNewer, PaymentRefused, VoidRefused),
)
_INTERRUPTED = "interrupted; nothing that was not acknowledged counts, run it again"
OTHER_KINDS = ("usage", "machine", "interrupted", "bug", "unanswered")
"""Of what is no error of ours: the command line was not understood, the machine refused, somebody stopped it or said
no, a bug, and an exit code without an answer.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a command could not answer."""

    kind: str
    message: str
    """One line, as a rule; it says what is wrong with which thing and what to do."""
    exit_code: int
    path: str | None = None
    """What the machine refused, where it names it."""

    @property
    def is_bug(self) -> bool:
        """Whether nobody foresaw it, so that its traceback is wanted."""
        return self.kind == "bug"

    @property
    def document(self) -> Mapping[str, Any]:
        """The JSON that stands on stdout where an answer in JSON was asked for."""
        return {"error": {"kind": self.kind, "message": self.message, "exit_code": self.exit_code, "path": self.path}}

    @property
    def fields(self) -> Mapping[str, Any]:
        """All but the message, as JSON values."""
        return {"kind": self.kind, "exit_code": self.exit_code, "path": self.path}


def failure_of(error: BaseException) -> Failure:
    """Say what an error that left a command is; whatever nobody foresaw is a bug, and its text is left out."""
    if isinstance(error, click.exceptions.Abort) or is_interrupt(error):
        return Failure(kind="interrupted", message=_INTERRUPTED, exit_code=EXIT_INTERRUPTED)
    if isinstance(error, click.ClickException):
        return Failure(kind="usage", message=sayable(error.format_message()), exit_code=EXIT_CONFIGURATION)
    if isinstance(error, TallybookError):
        # Whoever asked has said of what; that it is the machine which refuses is told all the same.
        cause = error.__context__
        remedy = None if cause is None else machine_remedy(cause)
        if cause is not None and remedy is not None:
            message, path = sayable(f"{error}; {remedy}"), refused_path(cause)
            return Failure(kind="machine", message=message, exit_code=EXIT_MACHINE, path=path)
        return Failure(kind=kind_of(type(error)), message=sayable(str(error)), exit_code=_exit_code(error))
    refused = machine_error_text(error)
    if refused is not None:
        return Failure(kind="machine", message=refused, exit_code=EXIT_MACHINE, path=refused_path(error))
    message = f"{type(error).__name__}: a bug; its traceback is on stderr, report it"
    return Failure(kind="bug", message=message, exit_code=EXIT_UNEXPECTED)


def sayable(message: str) -> str:
    """Return a message without raw keys that somebody typed or pasted; of an endless word, its beginning."""
    return _ENDLESS.sub(lambda found: f"{found[0][:100]}… ({len(found[0])} characters)", masked(message))


_ENDLESS = re.compile(r"\S{1000,}")
"""No name and no path of a workspace is so long: what a message repeats of a file may be a bomb."""


def unanswered(exit_code: int, message: str) -> Failure:
    """Return what a command came to that ended with an exit code, and maybe without an answer."""
    kind = "interrupted" if exit_code == EXIT_INTERRUPTED else "unanswered"
    return Failure(kind=kind, message=message, exit_code=exit_code)


def kind_of(error: type[TallybookError]) -> str:
    """Return the kind of an error of ours: ``WorkspaceLocked`` is ``workspace_locked``, ``LakeError`` is ``lake``."""
    kind = WorkspaceLocked if issubclass(error, DataFileLeft) else error  # to a program: run it again
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__.removesuffix("Error")).lower()


def _exit_code(error: TallybookError) -> int:
    if isinstance(error, _OF_CONFIGURATION):
        return EXIT_CONFIGURATION
    if isinstance(error, (ForgettingBlocked, IssueBlocked)):
        return EXIT_BLOCKED
    if isinstance(error, (DataFileLeft, WorkspaceLocked)):
        return EXIT_LOCKED
    if isinstance(error, (EngineRefused, NoTemporaryFolder, StoreRefused)):
        return EXIT_MACHINE
    return EXIT_UNEXPECTED
