"""``tallybook keys``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.context import tell, warn
from pipeline.cli.examples import examples
from pipeline.cli.groups import CommandsByName
from pipeline.cli.output import say
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.key_ids import open_fingerprint
from pipeline.lake.commits import read_log

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation


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
    fingerprint, is_new = open_fingerprint(workspace.root, environment=invocation.key_secret, expected_check=expected)
    if is_new:
        warn(f"made {workspace.root / 'key-secret'}: every key id depends on it, so back it up and keep it to yourself")
    if sys.stdin.isatty():
        tell("one raw key a line, then Ctrl-D:")
    keys = [line for line in (line.strip() for line in sys.stdin) if line]
    if not keys:
        message = "no key on stdin; try: tallybook keys id < file-with-the-key"
        raise ConfigurationError(message)
    for key in keys:
        say(fingerprint(key))
