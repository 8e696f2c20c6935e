"""``tallybook completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from pipeline.cli.options.examples import examples
from pipeline.cli.output import put

_VARIABLE = "_TALLYBOOK_COMPLETE"
"""By which a shell asks for what may follow; it is click's own name for a program that is called tallybook."""


@click.command(
    name="completion",
    epilog=examples(
        'eval "$(tallybook completion bash)"          in ~/.bashrc',
        'eval "$(tallybook completion zsh)"           in ~/.zshrc',
        "tallybook completion fish > ~/.config/fish/completions/tallybook.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print what a shell runs so that the Tab key completes commands, options and their values."""
    made = get_completion_class(shell)
    if made is None:
        message = f"there is no completion for {shell}"
        raise click.UsageError(message)
    put(made(context.find_root().command, {}, "tallybook", _VARIABLE).source())
