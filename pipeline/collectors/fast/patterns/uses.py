"""What the plain reader does with each field of a line.

Takes its value into the row, lets it tell what the row says, or ignores it.

Owns the list of fields it looks at: of the line (``envelope``), of a body and of a chunk (``families.chat``,
``families.chat_usage``). A field that is not in it is ignored; ``tests/collectors/test_uses.py`` watches the plain
reader and compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pipeline.collectors import fields
from pipeline.collectors.families.chat_usage import (
    COMPLETION_DETAILS,
    OTHERS,
    PROMPT_DETAILS,
    VERCEL_MARK,
    WRITTEN_NAMES,
)
from pipeline.collectors.fast.grammar import COUNT
from pipeline.usage.events import LOGGED

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from pipeline.collectors.formats.log_format import LogFormat


@dataclass(frozen=True, slots=True)
class Ignored:
    """Whatever JSON it is, nobody asks."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Lines with another value have another pattern."""


@dataclass(frozen=True, slots=True)
class Deciding:
    """Its value decides what rows say, together with that of all other deciding fields."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Null, or not there: anything else is for the plain reader."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Its value goes into the row under ``name``."""

    name: str
    text: bytes | None = None
    """Expression for a string, without quotes; ``None`` where it cannot be one."""
    number: bytes | None = None
    """Expression for a number."""


@dataclass(frozen=True, slots=True)
class Elements:
    """An array, of which each element is used so."""

    use: Use


@dataclass(frozen=True, slots=True)
class Body:
    """The body of the exchange: a document, or a string with a document or a transcript."""


Use: TypeAlias = "Ignored | Fixed | Deciding | Absent | Taken | Elements | Body | Mapping[str, Use]"

IGNORED, FIXED, DECIDING, ABSENT, BODY = Ignored(), Fixed(), Deciding(), Absent(), Body()

_IDENTIFIER = fields.IDENTIFIER.pattern.encode() + b"+"
NAME = fields.MODEL.pattern.encode() + b"+"
"""A model or a key id; a label is a shorter one."""
_RAW_KEY = rb"[!#-\[\]-~][ !#-\[\]-~]{0,511}+"
_INSTANT = (
    rb"20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9}+)?+(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5]"
    rb"[0-9])"
)
_EPOCH = rb"[1-9][0-9]{8,13}+(?:\.[0-9]{1,9}+)?+"

COUNTS = (
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "total_tokens",
)
"""The names under which counts are taken."""
COLUMN_OF = {
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "cached_tokens": "prompt_cached_tokens",
    "cache_write_tokens": "prompt_cache_write_tokens",
    "reasoning_tokens": "reasoning_tokens",
}
"""The columns that they are taken into; the total is only compared."""
_COUNTS = {name: Taken(name, number=COUNT) for name in COUNTS}

_OTHER_CACHE_NAMES = ("cache_read_tokens", "cache_read_input_tokens", *WRITTEN_NAMES)

_USAGE: Mapping[str, Use] = {
    **{name: _COUNTS[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")},
    "prompt_tokens_details": {
        **dict.fromkeys(_OTHER_CACHE_NAMES, ABSENT),
        **{name: _COUNTS[name] for name in ("cached_tokens", "cache_write_tokens")},
        "audio_tokens": DECIDING,
    },
    "completion_tokens_details": {"reasoning_tokens": _COUNTS["reasoning_tokens"], "audio_tokens": DECIDING},
    "service_tier": DECIDING,
    **dict.fromkeys((*PROMPT_DETAILS[1:], *COMPLETION_DETAILS[1:]), ABSENT),
    **dict.fromkeys(("num_cached_tokens", "prompt_cache_hit_tokens", "cached_tokens", "reasoning_tokens"), ABSENT),
    **dict.fromkeys((*_OTHER_CACHE_NAMES, VERCEL_MARK, *(path[0] for path in OTHERS.values())), ABSENT),
}
"""Other names of counts (``families.chat_usage``) are for the plain reader, with the conventions that go with them."""

DOCUMENT: Mapping[str, Use] = {
    "id": Taken("response_id", text=_IDENTIFIER),
    "model": DECIDING,
    "object": DECIDING,
    "type": DECIDING,
    "service_tier": DECIDING,
    "usage": _USAGE,
    "choices": Elements({"finish_reason": DECIDING}),
    "error": ABSENT,
    "x_groq": ABSENT,
}


_LINE: Mapping[str, Use] = {
    "ts": Taken("ts", text=_INSTANT, number=_EPOCH),
    "request_id": Taken("request_id", text=_IDENTIFIER, number=COUNT),
    "api_key_id": Taken("api_key_id", text=NAME),
    "api_key": Taken("api_key", text=_RAW_KEY),
    "status": FIXED,
    "method": FIXED,
    "path": FIXED,
}


def uses_of_line(log_format: LogFormat, *, stated: Container[str]) -> Mapping[str, Use] | None:
    """Return the uses of a line's fields by the names that its log gives them.

    ``None`` where one field would lie within another.

    ``stated`` are the names at the top of the line: one with dots in it wins over a path.
    """
    names = log_format.fields

    def path_of(name: str) -> tuple[str, ...]:
        found = names.get(name, name)
        return (found,) if found in stated else tuple(found.split("."))

    request = path_of("request")
    leaves: list[tuple[tuple[str, ...], Use]] = [(request, {}), *((path_of(name), use) for name, use in _LINE.items())]
    for name in ("model", "stream", "n"):
        asked = f"request.{name}"
        leaves.append((path_of(asked) if asked in names or asked in stated else (*request, name), DECIDING))
    leaves.append((path_of("response"), BODY))
    leaves += [(path_of(str(column.log_field)), DECIDING if column.is_shared else ABSENT) for column in LOGGED]
    uses: dict[str, Use] = {}
    for (*steps, last), use in leaves:
        within = uses
        for step in steps:
            inner = within.setdefault(step, {})
            if not isinstance(inner, dict):
                return None
            within = inner
        if within.setdefault(last, use) is not use:
            return None
    return uses
