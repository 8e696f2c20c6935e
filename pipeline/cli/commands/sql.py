"""``tallybook sql``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.printing import print_table
from pipeline.configuration.settings import CONFIG_FILE, Settings, read_settings
from pipeline.warehouse.printed import listed, printed

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation


@click.command(name="sql")
@click.argument("name", metavar="[RELATION]", required=False)
@click.pass_obj
def command(invocation: Invocation, name: str | None) -> None:
    """Print what is run for a relation or a check; without a name, list them.

    Lists of columns are written out, and parameters are variables with the values of the workspace, or the defaults
    where there is none. A relation reads those in its line 'reads:', which must be there before it.
    """
    if name is None:
        print_table(("layer", "relation", "what it is"), listed())
        return
    is_workspace = (invocation.workspace / CONFIG_FILE).is_file()
    settings = read_settings(invocation.workspace) if is_workspace else Settings()
    click.echo(printed(name, {"timezone": settings.timezone, "unmeasured": settings.unmeasured.value}), nl=False)
