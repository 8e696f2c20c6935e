"""Groups whose commands are known by name and loaded when they are called."""

from __future__ import annotations

import click

from pipeline.cli.messages.lines import current_call


class CommandsByName(click.Group):
    """A group that says what was meant where a name is wrong, although it holds no command yet."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command. Raises ``click.exceptions.NoSuchCommand``, which names those that are called alike."""
        try:
            found = super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            name = error.command_name
            meant = click.exceptions.NoSuchCommand(name, possibilities=self.list_commands(ctx), ctx=ctx)
            inner = [] if meant.possibilities else self._groups_with(ctx, name)
            if inner:
                message = f"{meant.message} Did you mean {' or '.join(repr(f'{group} {name}') for group in inner)}?"
                raise click.exceptions.UsageError(message, ctx) from None
            raise meant from None
        if found[0] is not None:
            current_call().command.append(found[0])
        return found

    def _groups_with(self, ctx: click.Context, name: str) -> list[str]:
        """Return the groups of this one that have a command of this name."""
        commands = {each: self.get_command(ctx, each) for each in self.list_commands(ctx)}
        return [
            each for each, group in commands.items() if isinstance(group, click.Group) and group.get_command(ctx, name)
        ]
