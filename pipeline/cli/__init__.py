"""The command line: parse, call a job, print. The only reader of the clock and of the environment.

Owns the commands, their exit codes and what they print. Does not own what they do (``pipeline.jobs``). Commands are
loaded when they are called, so that ``tallybook --help`` imports neither pandas nor pyarrow. Read first: ``context``,
then ``commands.numbers.usage``.

Exit codes: 0 ok, 1 unexpected, 2 usage, configuration or a newer lake, 3 bad input or new loss (``--strict``, or where
most of a new source cannot be read, or in ``try``), 4 blocked (unpriced usage or a broken claim at issue, usage that
is not invoiced in ``forget``), 5 locked, 6
a difference was found (verify, explain, recompute, reconcile), 7 a claim about the counts does not hold (nightly,
invoice draft), 8 the machine refused (a full or failing disk, no permission, too few open files), 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.shell_completion import CompletionItem

from pipeline import __version__
from pipeline.base.errors import (
    ConfigurationError,
    CreditRefused,
    ExportRefused,
    ForgettingBlocked,
    InvoiceNotFound,
    IssueBlocked,
    LakeIsNewer,
    PaymentRefused,
    TallybookError,
    VoidRefused,
    WorkspaceLocked,
)
from pipeline.cli.context import EXIT_CONFIGURATION, EXIT_INTERRUPTED, EXIT_UNEXPECTED, Invocation, tell
from pipeline.cli.groups import CommandsByName
from pipeline.cli.lean_imports import keep_imports_lean
from pipeline.cli.surroundings import machine_error_text

if TYPE_CHECKING:
    from types import TracebackType

EXIT_BLOCKED = 4
EXIT_LOCKED = 5
EXIT_MACHINE = 8

_COMMANDS = {
    "init": "Make a workspace: configuration, accounts, a rate card, sample logs.",
    "collect": "Read what is new in the logs into the lake.",
    "try": "Say what logs would come to, before they count.",
    "nightly": "Collect, aggregate, rate and draft invoices: the whole job.",
    "usage": "Tokens by key, model, day and more.",
    "cost": "What usage costs, exactly: by account, model, key, tag, day, hour and more.",
    "invoice": "Draft, issue, void, list, show and render invoices; credit balances.",
    "explain": "From an invoice line to its usage events; what became of one logged response.",
    "recompute": "Rebuild an issued invoice and compare it byte for byte; bundle it for its customer.",
    "reprice": "What past usage would have cost under another rate card.",
    "reconcile": "Compare billed tokens with a provider's own usage export.",
    "export": "Cost, usage and invoices in the formats of others: FOCUS 1.2, Stripe, Lago.",
    "sql": "Ask a SELECT of events, marts, charges and invoices; print what is run to count.",
    "verify": "Check every identity that must hold, from logs to invoices.",
    "sign": "Sign what was issued, with a key that lies elsewhere.",
    "forget": "Forget usage events for good, and keep what issued invoices need.",
    "rates": "Check, show, compare and import rate cards.",
    "keys": "Key ids: what stands in for raw API keys.",
    "acknowledge": "Quiet a warning that is known, with a reason, until there is more of it.",
    "doctor": "Look for what could go wrong in this workspace.",
    "completion": "What bash, zsh or fish runs so that the Tab key completes.",
}
_MODULES = {
    "try": "try_logs",
    **{name: f"numbers.{name}" for name in ("usage", "cost", "sql")},
    **{name: f"proofs.{name}" for name in ("verify", "recompute", "sign")},
}
"""Commands whose module is called otherwise, or lies in a room."""


class LazyCommands(CommandsByName):
    """A group whose commands live in ``pipeline.cli.commands.<name>``, as a rule, and are imported when called.

    Only their names and one line are known before.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a new user meets them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None where there is no such name."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = _MODULES.get(cmd_name, cmd_name)
        command: click.Command = import_module(f"pipeline.cli.commands.{module}").command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the names and options that begin so, without importing any command."""
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [
            *(CompletionItem(name, help=says) for name, says in _COMMANDS.items() if name.startswith(incomplete)),
            *options,
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.option(
    "-w",
    "--workspace",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="TALLYBOOK_WORKSPACE",
    default=Path("data"),
    show_default=True,
    help="The folder with tallybook.toml; also TALLYBOOK_WORKSPACE.",
)
@click.version_option(__version__, prog_name="tallybook")
@click.pass_context
def _tallybook(ctx: click.Context, workspace: Path) -> None:
    """Turn the logged responses of an LLM chat-completion API into invoices that anyone can recompute."""
    ctx.obj = Invocation(workspace=workspace)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with one of the codes above.

    The process ends here and now. All that counts is durable; taking the interpreter apart would only give threads of
    Arrow or DuckDB, which do not know that it has ended, the occasion to abort it and so to spoil the exit code of a
    night that was done.
    """
    keep_imports_lean()
    _leave_no_core()
    sys.excepthook = show_traceback
    code = run(arguments)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # nobody reads on, as with ``| head``
        code = code or EXIT_UNEXPECTED
    os._exit(code)


def _leave_no_core() -> None:
    """Let a crash leave no image of the memory behind: logs are in it, with prompts and keys."""
    try:
        import resource  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    Errors meant for people go to stderr in one line, bugs keep their traceback.
    """
    try:
        result: Any = _tallybook.main(args=arguments, prog_name="tallybook", standalone_mode=False)
    except click.exceptions.Abort:
        tell("tallybook: interrupted; nothing that was not acknowledged counts, run it again")
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        _show(error)
        return EXIT_CONFIGURATION
    except TallybookError as error:
        tell(f"tallybook: {error}")
        return _exit_code(error)
    except Exception as error:
        refused = machine_error_text(error)
        if refused is None:
            raise
        click.echo(f"tallybook: {refused}", err=True)
        return EXIT_MACHINE
    return result if isinstance(result, int) else 0


def show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Write the traceback of a bug to stderr, with what it repeats of somebody's data made visible."""
    for line in "".join(traceback.format_exception(kind, error, trace)).rstrip("\n").split("\n"):
        tell(line)


def _show(error: click.ClickException) -> None:
    """Write a usage error as click does, with what it repeats of the command line made visible."""
    shown = io.StringIO()
    error.show(shown)
    for line in shown.getvalue().splitlines():
        tell(line)


def _exit_code(error: TallybookError) -> int:
    if isinstance(
        error,
        (ConfigurationError, CreditRefused, ExportRefused, InvoiceNotFound, LakeIsNewer, PaymentRefused, VoidRefused),
    ):
        return EXIT_CONFIGURATION
    if isinstance(error, (ForgettingBlocked, IssueBlocked)):
        return EXIT_BLOCKED
    if isinstance(error, WorkspaceLocked):
        return EXIT_LOCKED
    return EXIT_UNEXPECTED
