"""What commands say of commits that were lost."""

from __future__ import annotations

import click

accept_lost_commits_option = click.option(
    "--accept-lost-commits",
    is_flag=True,
    help="Go on although the lake lacks commits that were there: they are lost for good, and what still lies in the "
    "logs is read again.",
)
