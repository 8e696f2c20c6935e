"""The command line: parse, call a job, print. The only reader of the clock and of the environment.

Owns the commands, their exit codes and what they print. Does not own what they do (``pipeline.jobs``). Commands are
loaded when they are called, so that ``tallybook --help`` imports neither pandas nor pyarrow. Read first: ``context``,
then ``commands.numbers.usage``.

Exit codes: 0 ok, 1 unexpected, 2 usage, configuration or a newer lake, 3 bad input or new loss (``--strict``, or where
most of a new source cannot be read, or in ``try``), 4 blocked (unpriced usage or a broken claim at issue, usage that
is not invoiced in ``forget``), 5 locked, 6 a difference was found (verify, explain, recompute, reconcile, budgets,
anomalies, upgrade and compact --dry-run), 7 a claim about the counts does not hold (nightly, invoice draft), 8 the
machine refused (a full or failing disk, no permission, too few open files), 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
import time
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.shell_completion import CompletionItem

from pipeline import __version__
from pipeline.base.environment import ENGINE_VARIABLE
from pipeline.base.raw_keys import masked
from pipeline.base.start import start_quickly
from pipeline.cli.context import EXIT_MACHINE, EXIT_UNEXPECTED, Invocation, complain, tell
from pipeline.cli.failures import failure_of, sayable, unanswered
from pipeline.cli.groups import CommandsByName
from pipeline.cli.messages.asked import (
    LOG_FORMAT_OPTION,
    LOG_FORMAT_VARIABLE,
    LogFormat,
    is_json_asked,
    log_format_asked,
)
from pipeline.cli.messages.lines import Call, Level, calling, is_json, write_object
from pipeline.cli.surroundings import machine_error_text, mend_streams
from pipeline.objects.mounted.addresses import tell_by

if TYPE_CHECKING:
    from types import TracebackType

    from pipeline.cli.failures import Failure

_COMMANDS = {
    "init": "Make a workspace: configuration, accounts, a rate card, sample logs.",
    "collect": "Read what is new in the logs into the lake.",
    "try": "Say what logs would come to, before they count.",
    "nightly": "Collect, aggregate, rate and draft invoices: the whole job.",
    "usage": "Tokens by key, model, day and more.",
    "cost": "What usage costs, exactly: by account, model, key, tag, day, hour and more.",
    "margin": "What usage is charged, what it costs us, and what is left, by the same words.",
    "budgets": "How budgets stand: spent, what their periods will come to, alerts.",
    "anomalies": "Days of keys, models and accounts that are far from their own past.",
    "report": "One page for people: spend, what moved, what is on no bill, drafts and invoices.",
    "invoice": "Draft, issue, void, list, show and render invoices; credit balances.",
    "explain": "From an invoice line to its usage events; what became of one logged response.",
    "recompute": "Rebuild an issued invoice and compare it byte for byte; bundle it for its customer.",
    "reprice": "What past usage would have cost under another rate card.",
    "reconcile": "Compare billed tokens with a provider's own usage export.",
    "export": "Cost, usage and invoices in the formats of others: FOCUS, Stripe, Lago, DuckDB.",
    "sql": "Ask a SELECT of events, marts, charges and invoices; print what is run to count.",
    "verify": "Check every identity that must hold, from logs to invoices.",
    "sign": "Sign what was issued, with a key that lies elsewhere.",
    "forget": "Forget usage events for good, and keep what issued invoices need.",
    "compact": "Write the many small files of a day in the lake as one.",
    "rates": "Check, show, compare and import rate cards.",
    "keys": "Key ids: what stands in for raw API keys.",
    "acknowledge": "Quiet a warning that is known, with a reason, until there is more of it.",
    "doctor": "Look for what could go wrong in this workspace.",
    "upgrade": "Say what this version makes of a workspace that an earlier one wrote, and do it.",
    "completion": "What bash, zsh or fish runs so that the Tab key completes.",
}
_MODULES = {
    "try": "try_logs",
    **{name: f"numbers.{name}" for name in ("usage", "cost", "margin", "budgets", "anomalies", "report", "sql")},
    **{name: f"proofs.{name}" for name in ("verify", "recompute", "sign")},
    **{name: f"upkeep.{name}" for name in ("init", "doctor", "compact", "forget", "keys", "rates", "upgrade")},
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

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an interrupt is an ``Abort`` here already where messages are JSON, for click adds a line.

        Raises ``DataFileLeft`` where a file that it read was compacted or forgotten meanwhile.
        """
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(ctx.obj, Invocation) and ".parquet" in str(error):
                from pipeline.lake.checked_files import refuse_what_left  # noqa: PLC0415  # rare
                from pipeline.objects import layout  # noqa: PLC0415

                refuse_what_left(layout.lake(ctx.obj.workspace), error)
            raise
        except KeyboardInterrupt:
            if is_json():
                raise click.exceptions.Abort from None
            raise

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
@click.option(
    LOG_FORMAT_OPTION,
    type=click.Choice([each.value for each in LogFormat]),
    envvar=LOG_FORMAT_VARIABLE,
    default=LogFormat.TEXT.value,
    show_default=True,
    expose_value=False,
    help=f"How messages are written to stderr; json: one object a line. Also {LOG_FORMAT_VARIABLE}.",
)
@click.option(
    "--engine",
    metavar="ENGINE",
    envvar=ENGINE_VARIABLE,
    help=f"What counts instead of what tallybook.toml names: duckdb, spark, or sc://host:port. Also {ENGINE_VARIABLE}.",
)
@click.version_option(__version__, prog_name="tallybook")
@click.pass_context
def _tallybook(ctx: click.Context, workspace: Path, engine: str | None) -> None:
    """Turn the logged responses of an LLM chat-completion API into invoices that anyone can recompute."""
    ctx.obj = Invocation(workspace=workspace, engine=engine)
    tell_by(os.environ)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with one of the codes above.

    The process ends here and now. All that counts is durable; taking the interpreter apart would only give threads of
    Arrow or DuckDB, which do not know that it has ended, the occasion to abort it and so to spoil the exit code of a
    night that was done.
    """
    start_quickly()
    _leave_no_core()
    sys.excepthook = show_traceback
    if not mend_streams():
        tell("tallybook: standard output is closed; write it to a file or to /dev/null, and run the command again")
        os._exit(EXIT_MACHINE)
    code = 0
    try:
        code = run(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # nobody reads on, as with ``| head``
        code = code or EXIT_UNEXPECTED
    except OSError as error:
        if machine_error_text(error) is None:
            raise
        code = EXIT_MACHINE  # of stderr itself: there is nowhere to say it
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

    Errors meant for people go to stderr in one line, bugs keep their traceback. Where an answer in JSON was asked for
    and there is none, stdout has one document that says why.
    """
    words = sys.argv[1:] if arguments is None else arguments
    call = Call(log_format=log_format_asked(words, os.environ), wants_json=is_json_asked(words))
    with calling(call):
        try:
            result: Any = _tallybook.main(args=words, prog_name="tallybook", standalone_mode=False)
        except Exception as error:
            failure = failure_of(error)
            _answer_with(failure, call)
            if failure.is_bug:
                raise
            _say(failure, error)
            code = failure.exit_code
        else:
            code = result if isinstance(result, int) else 0
            if code:
                _answer_with(unanswered(code, call.last_message), call)
        if is_json():
            seconds = round(time.monotonic() - call.started, 3)
            level = Level.ERROR if code else Level.INFO
            write_object(level=level, event="finished", exit_code=code, seconds=seconds)
    return code


def show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Write the traceback of a bug to stderr, with what it repeats of somebody's data made visible, and no raw key."""
    text = masked("".join(traceback.format_exception(kind, error, trace)).rstrip("\n"))
    with calling(Call(log_format=log_format_asked(sys.argv[1:], os.environ))):
        if is_json():
            failure = failure_of(error)
            complain(failure.message, event="failed", **failure.fields, traceback=text)
        else:
            for line in text.split("\n"):
                tell(line)


def _say(failure: Failure, error: Exception) -> None:
    """Write a failure to stderr; a usage error as click does, with what it repeats of the command line made visible."""
    if isinstance(error, click.ClickException) and not is_json():
        shown = io.StringIO()
        error.show(shown)
        for line in shown.getvalue().splitlines():
            tell(sayable(line))
    else:
        complain(failure.message, event="failed", **failure.fields)


def _answer_with(failure: Failure, call: Call) -> None:
    """Write the document of a failure to stdout, where one in JSON is expected and nothing stands there yet."""
    if call.wants_json and not call.is_answered:
        from pipeline.cli.output import put  # noqa: PLC0415  # a failure may be slow, help may not
        from pipeline.cli.tables.forms import json_text  # noqa: PLC0415

        with suppress(BrokenPipeError):  # nobody reads on
            put(json_text(failure.document))
