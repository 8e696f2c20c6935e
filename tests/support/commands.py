"""Every command of the command line, by its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli import _tallybook

if TYPE_CHECKING:
    from collections.abc import Iterator


def leaves(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, *path, name)
        else:
            yield (*path, name), command


COMMANDS = dict(leaves(_tallybook))
