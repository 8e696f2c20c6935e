"""Options that say how numbers are grouped: by which words, how many groups, and beside which period.

Does not own what a word stands for (``pipeline.jobs.answers.grouped.words``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

compare_option: Decorator = click.option(
    "--compare", "compared", type=click.Choice(["previous"]), help="With the period before, of equal length."
)


def by_option(default: str, words: Iterable[str]) -> Decorator:
    """Return the option of the words to group by, as one text."""
    listed = f"One or more of: {', '.join(words)}, and tag:NAME for a tag of keys, such as tag:team."
    return click.option("--by", metavar="WORDS", default=default, show_default=True, help=listed)


def top_option(which: str) -> Decorator:
    """Return the option of how many groups are listed; ``which`` says of the N that they are the greatest."""
    listed = f"The N {which}, and all others as one row."
    return click.option("--top", type=click.IntRange(min=1), metavar="N", help=listed)


def words_of(by: str) -> list[str]:
    """Return the words of ``--by account, model``."""
    return [word.strip() for word in by.split(",") if word.strip()]
