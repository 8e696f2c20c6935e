"""How a report writes names and counts: harmless, and long ids shortened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.documents.report.amounts import percent_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.documents.report.figures import Against

_JOINERS = "\u200c\u200d"
_REPLACEMENT = "\ufffd"
_ID_MAX = 20
"""Longer ids are shortened in their middle, as tables of the command line do."""


def shown(text: str) -> str:
    """Return a text of others as it may stand on a page: one line, in which each character shows.

    What is no character to see (controls, marks that turn the direction of writing, characters without width, lone
    surrogates) is shown as U+FFFD, but for the two joiners that some scripts need. What is markup is escaped by the
    page.
    """
    return "".join(_shown(character) for character in text)


def name_of(word: str, name: str, others: Sequence[str]) -> str:
    """Return what a row of a word of ``--by`` is called: a key by its shortened id, all else by its whole name.

    What tells models or tags apart may well stand in their middle.
    """
    return short_id(name, others) if word == "key" else shown(name)


def short_id(name: str, others: Sequence[str]) -> str:
    """Shorten a long id in its middle, where nothing else among others is then the same."""
    if len(name) <= _ID_MAX:
        return shown(name)
    begins, ends = name[:10], name[-4:]
    is_alone = sum(other.startswith(begins) and other.endswith(ends) for other in others) <= 1
    return shown(f"{begins}\u2026{ends}" if is_alone else name)


def relative_text(against: Against) -> str:
    """Say how much a change is of what was before; what was not there before, or is no more, has a word."""
    if against.change and not against.before:
        return "new"
    if against.change and not against.now:
        return "gone"
    return percent_text(against.relative_change, is_change=True)


def count_text(count: int) -> str:
    """Write a count in groups of digits."""
    return f"{count:,}"


def counted_text(count: int, noun: str) -> str:
    """Write a count with its noun: ``1 token``, ``1,234 tokens``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return " " if character.isspace() else _REPLACEMENT
