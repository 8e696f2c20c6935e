"""What the words of a command line ask for before anything has understood them.

Where they are not understood, that is said in the form that they ask for, too. Does not own what the options mean:
``click`` reads them again, and refuses what is wrong.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LOG_FORMAT_VARIABLE = "TALLYBOOK_LOG_FORMAT"
LOG_FORMAT_OPTION = "--log-format"


class LogFormat(StrEnum):
    """How messages are written to stderr."""

    TEXT = "text"
    JSON = "json"


def log_format_asked(words: Sequence[str], environment: Mapping[str, str]) -> LogFormat:
    """Return the format that an option asks for, else the environment; text where neither says one that there is."""
    said = environment.get(LOG_FORMAT_VARIABLE, "")
    for option, value in _options(words):
        said = value if option == LOG_FORMAT_OPTION else said
    return LogFormat.JSON if said == LogFormat.JSON else LogFormat.TEXT


def is_json_asked(words: Sequence[str]) -> bool:
    """Whether a command is asked to answer in JSON: ``--json``, ``-o json``, ``--output json``."""
    return any(
        option == "--json" or (option in ("-o", "--output") and value == "json") for option, value in _options(words)
    )


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what may be options, each with what would be its value; what follows ``--`` is none."""
    for place, word in enumerate(words):
        if word == "--":
            return
        following = words[place + 1] if place + 1 < len(words) else ""
        if word.startswith("--"):
            option, sign, value = word.partition("=")
            yield option, value if sign else following
        elif word.startswith("-"):
            yield word[:2], word[2:] or following
