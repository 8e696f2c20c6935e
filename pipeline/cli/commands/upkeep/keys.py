"""``tallybook keys``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.context import as_of_option, tell, warn
from pipeline.cli.groups import CommandsByName
from pipeline.cli.options.examples import examples
from pipeline.cli.output import say
from pipeline.configuration.keys.key_secret import OLD_SECRET_FILE
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.key_ids import open_key_ids
from pipeline.jobs.upkeep.rotate_keys import begin_rotation, finish_rotation, see_keys, unseen_keys
from pipeline.jobs.wording import counted
from pipeline.lake.commits import read_log
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.jobs.upkeep.rotate_keys import Finished


@click.group(name="keys", cls=CommandsByName)
def command() -> None:
    """Key ids: what stands in for raw API keys everywhere in Tallybook."""


@command.command(
    name="id", epilog=examples("tallybook keys id < file-with-the-key", "pass show api/acme | tallybook keys id")
)
@click.pass_obj
def key_id(invocation: Invocation) -> None:
    """Read raw API keys from stdin, one a line, and print the api_key_id of each, for accounts.toml.

    Raw keys come by stdin alone, so that none is left in a shell's history or a process list.
    """
    workspace = open_workspace(invocation.workspace, has_raw_keys=True)
    expected = read_log(workspace.lake).key_secret_check
    key_ids, is_new = open_key_ids(workspace.root, environment=invocation.key_secret, expected_check=expected)
    if is_new:
        warn(f"made {workspace.root / 'key-secret'}: every key id depends on it, so back it up and keep it to yourself")
    for key in _keys_on_stdin("keys id"):
        say(key_ids(key))


@command.command(
    name="rotate",
    epilog=examples(
        "tallybook keys rotate",
        "pass show api/all | tallybook keys rotate --seen",
        "tallybook keys rotate --finish --dry-run",
        "tallybook keys rotate --finish",
    ),
)
@click.option(
    "--old",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Holds the secret of before, where TALLYBOOK_KEY_SECRET is the new one.",
)
@click.option(
    "--seen", is_flag=True, help="Read raw keys from stdin, one a line, and remember them under both secrets."
)
@click.option("--finish", is_flag=True, help="Destroy the secret of before.")
@click.option("--force", is_flag=True, help="With --finish: although keys of accounts were not seen.")
@click.option("--dry-run", is_flag=True, help="With --finish: say which were not seen, and write nothing.")
@as_of_option
@click.pass_obj
def rotate(
    invocation: Invocation,
    *,
    old: Path | None,
    seen: bool,
    finish: bool,
    force: bool,
    dry_run: bool,
    as_of: str | None,
) -> None:
    """Take another secret for key ids, while every key keeps its id.

    Without an option the secret is replaced, and the one of before kept as key-secret.old. From then on each raw key
    that a night meets, or that --seen is given, is remembered under both, in key-aliases. Once all were met, --finish
    destroys the secret of before. A key that was never met in between has another id afterwards: its usage is in no
    account, and nights name it.
    """
    _refuse_what_does_not_fit(old=old, seen=seen, finish=finish, needs_finish=force or dry_run)
    workspace = open_workspace(invocation.workspace, has_raw_keys=True)
    now = invocation.clock(as_of, workspace.settings.zone)
    secret = invocation.key_secret
    keys = _keys_on_stdin("keys rotate --seen") if seen else []
    with locked(workspace.lake, command="tallybook keys rotate", started_at=now):
        if seen:
            for key_id_ in see_keys(workspace, keys, now=now, environment=secret):
                say(key_id_)
        elif finish:
            finished = finish_rotation(workspace, now=now, environment=secret, force=force, is_rehearsal=dry_run)
            _say_finished(finished, is_rehearsal=dry_run)
        else:
            aliases = begin_rotation(workspace, now=now, environment=secret, old_file=old)
            missing = len(unseen_keys(workspace, aliases))
            say(
                f"a rotation is open since {aliases.begun_at}: the secret of before is in "
                f"{workspace.root / OLD_SECRET_FILE}; {counted(len(aliases.seen), 'key')} seen, "
                f"{missing} of accounts.toml not yet"
            )
            say("let nights run until all are seen, or give raw keys to --seen; then: tallybook keys rotate --finish")


def _say_finished(finished: Finished, *, is_rehearsal: bool) -> None:
    for key_id_ in finished.unseen:
        say(f"not seen: {key_id_}")
    if is_rehearsal:
        say("the secret of before would be destroyed; nothing was written")
    else:
        say("the secret of before is destroyed; destroy it in backups, too, and back up key-secret and key-aliases")


def _refuse_what_does_not_fit(*, old: Path | None, seen: bool, finish: bool, needs_finish: bool) -> None:
    if (old is not None) + seen + finish > 1:
        message = "--old, --seen and --finish are three steps; give one of them"
        raise ConfigurationError(message)
    if needs_finish and not finish:
        message = "--force and --dry-run go with --finish"
        raise ConfigurationError(message)


def _keys_on_stdin(called: str) -> list[str]:
    if sys.stdin.isatty():
        tell("one raw key a line, then Ctrl-D:")
    keys = [line for line in (line.strip() for line in sys.stdin) if line]
    if not keys:
        message = f"no key on stdin; try: tallybook {called} < file-with-the-key"
        raise ConfigurationError(message)
    return keys
