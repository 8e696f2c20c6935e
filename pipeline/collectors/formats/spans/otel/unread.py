"""Usage by names that no reader knows: spans and log records that are nothing by any convention, and count tokens.

A home-made instrumentation, or a tool that came yesterday, counts under names of its own. Its calls are on no bill, and
nobody would hear of it. So they are refused by name, unless the source says where they count.

What only repeats what others count is left alone: names of sums (of a session, of an agent), and spans around or within
a call that is read. So are limits, rates and parts, and names of the conventions, whose spans ``calls`` has judged.

Owns which of them count, and by which names. Does not own what is said about it (``pipeline.collectors.refused``), nor
what a source may say of it (``pipeline.configuration.log_fields``).
"""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipeline.base.raw_keys import is_raw_key
from pipeline.collectors.formats.spans.otel.conventions import MODELS, NAMES, OF_MODELS
from pipeline.collectors.formats.spans.otel.otlp import integer_of
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import CONTRADICTED
from pipeline.collectors.values.traced import is_integer
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.collectors.values.strict_json import JsonObject

_WORD = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_TOKENS = re.compile("tokens?")
_OTHERWISE = re.compile("max|first", re.IGNORECASE)
_REPEATING = re.compile(r"(?:ai\.usage|gen_ai\.usage\.details|gen_ai\.aggregated_usage|llm\.token_count)\.")
"""How names begin of what tools state beside their counts: Vercel's SDK, Pydantic AI, OpenInference.

Twin of these two and of the word of tokens: ``counts_tokens`` of ``kernel/source/rows.h``, which hands a line over.
"""
_INPUT = re.compile("input|prompt|in")
_OUTPUT = re.compile("output|completion|out|generated|candidates|response")
_BOTH = re.compile("total|used")
_NO_COUNTS = re.compile(
    "limit|min|budget|quota|remaining|available|capacity|window|threshold|reserved"
    "|per|rate|price|cost|percent|ratio|before|after|saved|estimated"
)
"""Words of limits, of rates, and of what was not consumed."""
_PARTS = re.compile(
    "cached?|caching|reasoning|thinking|thoughts?|audio|image|video|tools?|system|user|context|accepted|rejected"
)
"""Words of what is within one of the two counts."""
_SUMS = re.compile(
    "session|turn|conversation|thread|cumulative|accumulated|aggregated?|daily|monthly"
    "|agent|crew|workflow|task|run|pipeline|chain|graph|job|trace"
)
"""Words of what is more than one call."""
_OF_CALLS = re.compile("llm|model|inference|generation|chat|embedding")
"""Words that say of one of these that it is a call's all the same."""
_SHOWN = re.compile(r"[A-Za-z_]{1,40}(?:\.[A-Za-z_]{1,40}){0,7}")
_SHOWN_MAX = 4
_ADVICE = "say in fields which are usage.prompt_tokens and usage.completion_tokens, or leave such spans out"
_NAMED_MODELS = (
    *(*MODELS, *OF_MODELS, "model", "model_name", "model_id", "model.name", "model.id", "llm.model", "llm.name"),
    *("llm.model.name", "llm.model_id", "ai.model", "ai.model.name", "genai.model", "openai.model"),
)
"""What home-made spans call their model."""


class CountsUnread(dict[str, Any]):
    """An entry that states usage by names that no reader knows."""

    __slots__ = ("names",)

    def __init__(self, entry: JsonObject, names: tuple[str, ...]) -> None:
        super().__init__(entry)
        self.names = names


class _Counts(Enum):
    INPUT = auto()
    OUTPUT = auto()
    BOTH = auto()


def unread_counts(attributes: JsonObject, *, is_span: bool) -> tuple[str, ...]:
    """Return the names by which attributes of what is no call count tokens; none where they do not say of what.

    That says who counts what went in and what came out, or one of these beside the model; of a log record both, and the
    model. What is all zeros consumed nothing.
    """
    kinds = {name: kind for name in attributes if (kind := _kind_of(name)) is not None}
    if not kinds:
        return ()
    counted = [name for name in kinds if _is_counted(attributes.get(name))]
    has_both = {_Counts.INPUT, _Counts.OUTPUT} <= {kinds[name] for name in counted}
    names_model = any(attributes.get(name) not in (None, "") for name in _NAMED_MODELS)
    says = (has_both or names_model) if is_span else (has_both and names_model)
    return tuple(counted) if counted and says else ()


def refused(entry: CountsUnread) -> tuple[JsonObject, LineRefused]:
    """Return an entry with the two counts that it seems to state, for who lists them, and why it is refused.

    The names are shown that say no more than a name does: letters, ``_`` and dots, and no raw key.
    """
    shown = [name for name in entry.names if _SHOWN.fullmatch(name) and not is_raw_key(name)][:_SHOWN_MAX]
    named = f" ({', '.join(shown)})" if shown else ""
    detail = f"tokens are counted by names that no reader knows{named}; {_ADVICE}"
    seems = {
        f"usage.{ours}": entry["attributes"].get(names[0])
        for ours, kind in (("prompt_tokens", _Counts.INPUT), ("completion_tokens", _Counts.OUTPUT))
        if len(names := [name for name in entry.names if _kind_of(name) is kind]) == 1
    }
    return {**entry, **seems}, LineRefused(QuarantineReason.UNREAD_USAGE, detail)


def alone(found: Iterable[tuple[JsonObject, JsonObject | None]]) -> list[tuple[JsonObject, JsonObject]]:
    """Return the records that are entries, less the unread ones around or within another one that is none of these."""
    found = list(found)
    entries = [(record, entry) for record, entry in found if entry is not None]
    if not any(isinstance(entry, CountsUnread) for _, entry in entries):
        return entries
    around = {
        _place(record, "spanId"): _place(record, "parentSpanId") for record, _ in found if "parentSpanId" in record
    }
    calls = {_place(record, "spanId") for record, entry in entries if not isinstance(entry, CountsUnread)}
    repeating = _around(calls, around) | _within(calls, around)
    return [
        (record, entry)
        for record, entry in entries
        if not isinstance(entry, CountsUnread) or _place(record, "spanId") not in repeating
    ]


_Place = tuple[str, str] | None


def _place(record: JsonObject, name: str) -> _Place:
    """Return which span of which trace a record names; ``None`` where it names none."""
    trace, span = record.get("traceId"), record.get(name)
    return (trace, span) if isinstance(trace, str) and isinstance(span, str) and span else None


def _around(calls: set[_Place], around: Mapping[_Place, _Place]) -> set[_Place]:
    """Return calls and the spans around them, as far as they are on their line; each is passed once."""
    passed: set[_Place] = set()
    for call in calls:
        place = call
        while place is not None and place not in passed:
            passed.add(place)
            place = around.get(place)
    return passed


def _within(calls: set[_Place], around: Mapping[_Place, _Place]) -> set[_Place]:
    """Return calls and the spans within them; each is passed once."""
    told: dict[_Place, bool] = {}
    for own in around:
        place, way = own, []
        while place is not None and place not in told:
            told[place] = place in calls  # none that leads back to itself is within a call
            way.append(place)
            if told[place]:
                break
            place = around.get(place)
        told |= dict.fromkeys(way, place is not None and told[place])
    return {place for place, is_within in told.items() if is_within}


def _kind_of(name: str) -> _Counts | None:
    """Return what an attribute counts by its name; ``None`` of what is no count of tokens, and of a known one.

    >>> _kind_of("acme.usage.tokensIn"), _kind_of("acme.maxTokens"), _kind_of("agent.total_tokens")
    (<_Counts.INPUT: 1>, None, None)
    """
    return _kept_kind(name) if len(name) <= _KEPT_LENGTH_MAX else _kind(name)


def _kind(name: str) -> _Counts | None:
    words = [each.lower() for each in _WORD.findall(name)]
    if name in NAMES or not _has(words, _TOKENS) or _OTHERWISE.search(name) or _REPEATING.match(name):
        return None
    if _has(words, _NO_COUNTS) or _has(words, _PARTS) or (_has(words, _SUMS) and not _has(words, _OF_CALLS)):
        return None
    kinds = ((_INPUT, _Counts.INPUT), (_OUTPUT, _Counts.OUTPUT), (_BOTH, _Counts.BOTH))
    return next((kind for of_kind, kind in kinds if _has(words, of_kind)), None)


_KEPT_LENGTH_MAX = 256
"""Whoever sends spans chooses names: thousands that are as long as a line may be would fill the memory."""
_kept_kind = lru_cache(maxsize=4096)(_kind)


def _has(words: list[str], one: re.Pattern[str]) -> bool:
    return any(map(one.fullmatch, words))


def _is_counted(value: Any) -> bool:
    """Tell a count above zero, and one that is stated twice: which is meant, whoever reads it asks."""
    if value is CONTRADICTED:
        return True
    count = integer_of(value)
    return is_integer(count) and count > 0
