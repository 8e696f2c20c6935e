"""``tallybook keys``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pipeline.collectors.fingerprint import KeyFingerprint
from pipeline.errors import ConfigurationError
from pipeline.storage.config import read_settings
from pipeline.storage.key_secret import read_key_secret

if TYPE_CHECKING:
    from pipeline.cli.context import Session


@click.group(name="keys")
def command() -> None:
    """Key ids: what stands in for raw API keys everywhere in Tallybook."""


@command.command(name="id")
@click.pass_obj
def key_id(session: Session) -> None:
    """Read raw API keys from stdin, one a line, and print the api_key_id of each, for accounts.toml.

    Raw keys come by stdin alone, so that none is left in a shell's history or a process list.
    """
    read_settings(session.workspace)  # a secret belongs to a workspace
    fingerprint = KeyFingerprint(secret=read_key_secret(session.workspace, environment=session.key_secret))
    if sys.stdin.isatty():
        click.echo("one raw key a line, then Ctrl-D:", err=True)
    keys = [line for line in (line.strip() for line in sys.stdin) if line]
    if not keys:
        message = "no key on stdin; try: tallybook keys id < file-with-the-key"
        raise ConfigurationError(message)
    for key in keys:
        click.echo(fingerprint(key))
