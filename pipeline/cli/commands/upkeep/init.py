"""``tallybook init``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options.examples import examples
from pipeline.cli.output import say
from pipeline.jobs.upkeep.init import init

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation


@click.command(
    name="init", epilog=examples("tallybook init", "tallybook init /srv/books && tallybook -w /srv/books nightly")
)
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.pass_obj
def command(invocation: Invocation, folder: Path | None) -> None:
    """Make a workspace in DIR (default: the one that -w names): configuration, accounts, rate cards, sample logs.

    Never overwrites.
    """
    new = init(folder or invocation.workspace)
    for name in new.made:
        say(f"made  {new.root / name}")
    for name in new.kept:
        say(f"kept  {new.root / name}")
    say("", f"Now run:  tallybook -w {new.root} nightly")
    say(f"What a log of your own would come to:  tallybook -w {new.root} try FILE")
    say("Then put your own logs, accounts and rates in the sample's place; tallybook.toml says where each thing is.")
