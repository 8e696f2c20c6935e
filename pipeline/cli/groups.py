"""Groups whose commands are known by name and loaded when they are called."""

from __future__ import annotations

import click


class CommandsByName(click.Group):
    """A group that says what was meant where a name is wrong, although it holds no command yet."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command. Raises ``click.exceptions.NoSuchCommand``, which names those that are called alike."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            names = self.list_commands(ctx)
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=names, ctx=ctx) from None
