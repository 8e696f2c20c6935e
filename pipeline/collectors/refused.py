"""What a line that was refused tells all the same: by which key it was, and which usage it states.

Best effort, so that what a caller did to one part of a line does not hide who it was: nothing is billed by it. Owns
where these are looked for. Does not own why a line is refused (``decode``). Nothing here is content: a key becomes a
key id as in any other line, and usage is two counts. Work and memory are bounded by the line.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors.bodies.body import take_apart
from pipeline.collectors.exchange import read_exchange
from pipeline.collectors.formats.entries import entries_in
from pipeline.collectors.formats.found import REQUEST_LOG
from pipeline.collectors.formats.log_format import LogFormat
from pipeline.collectors.formats.request_log import api_key_id_of, in_our_names, read_envelope
from pipeline.collectors.values.fields import MODEL
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import beginning_of, values_behind
from pipeline.collectors.values.traced import is_integer, whole_number
from pipeline.configuration.log_fields import Path
from pipeline.usage import TOKENS_MAX
from pipeline.usage.events import MAPPED_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.collectors.logs.lines import Line
    from pipeline.collectors.values.strict_json import JsonObject

_OBJECTS_MAX = 16
"""So many objects that ran together on one line are looked at."""
_DEPTH_MAX = 4
_PLACES_MAX = 256
"""So deep below a document, and in so many of its objects, counts are looked for."""
_BEHIND_MAX = 2**20
"""So many characters at the end of a broken line are searched for its key."""
_DIGITS = re.compile(r"[0-9]{1,13}")
"""A count that was made a text: it is refused, and how much it is can be said where no number says it."""
_REPLACED = "\ufffd"
_ANY_INSTANT = "2000-01-01T00:00:00Z"
_PROMPT = (
    *("prompt_tokens", "input_tokens", "promptTokenCount", "total_input_tokens", "inputTokens", "prompt_eval_count"),
    *("inputTextTokenCount", "prompt_token_count", "inputTokenCount", "promptTokens"),
)
_COMPLETION = (
    *("completion_tokens", "output_tokens", "candidatesTokenCount", "total_output_tokens", "outputTokens"),
    *("eval_count", "totalOutputTextTokenCount", "generation_token_count", "outputTokenCount", "completionTokens"),
)
"""How APIs call the two counts: for usage that its family refuses."""
_ANSWERS = frozenset(("response", "response_headers", *MAPPED_FIELDS))
"""The fields without any of which a line says nothing of an answer."""


class RefusedUsage(NamedTuple):
    """What a refused line tells; ``None`` is what cannot be read, or not for certain."""

    api_key_id: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def what_is_stated(
    line: Line, document: JsonObject | None, log_format: LogFormat, fingerprint: Callable[[str], str]
) -> RefusedUsage:
    """Return what a refused line tells, ``document`` where it is one. Raises only what ``fingerprint`` raises."""
    lines = [(document, log_format)] if document is not None else _lines(line, log_format)
    found = [_stated(stated, written, fingerprint) for stated, written in lines]
    keys = {each.api_key_id for each in found}
    return RefusedUsage(
        keys.pop() if len(keys) == 1 else None,  # what ran together may be of several
        _sum(each.prompt_tokens for each in found),
        _sum(each.completion_tokens for each in found),
    )


def _stated(document: JsonObject, log_format: LogFormat, fingerprint: Callable[[str], str]) -> RefusedUsage:
    ours = in_our_names(document, log_format)
    usage = _usage_of(ours, log_format) if not _ANSWERS.isdisjoint(ours) else (None, None)
    return RefusedUsage(_key_of(document, ours, log_format, fingerprint), *usage)


def _lines(line: Line, log_format: LogFormat) -> Iterator[tuple[JsonObject, LogFormat]]:
    """Yield the lines of a request log in what is whole of a line, with the settings that each is read by."""
    for document in _objects(line, log_format):
        if not document and not log_format.is_ruled:
            continue  # a text, as most such lines are
        for entry in entries_in(document, log_format):
            if isinstance(entry.document, dict):
                yield entry.document, entry.log_format


def _objects(line: Line, log_format: LogFormat) -> list[JsonObject]:
    """Return what is whole of the objects on a line that is no JSON document, or too long to be read as one."""
    text = (line.edges if line.content is None else line.content).decode("utf-8", "replace")
    found: list[JsonObject] = []
    at = 0
    while len(found) < _OBJECTS_MAX:
        members, at, is_whole = beginning_of(text, at)
        if members:
            found.append(members)
        if not is_whole:
            break
    names = {name: _name_in(log_format, name) for name in ("api_key_id", "api_key")}
    if len(found) > 1:
        return found
    stated = found[0] if found else {}
    rest = text[at:][-_BEHIND_MAX:]
    ours = in_our_names(stated, log_format) if stated or log_format.is_ruled else {}
    if not any(ours.get(name) for name in names):
        for log_name in names.values():
            keys = set(map(str, values_behind(rest, log_name)))
            if len(keys) == 1 and MODEL.fullmatch(key := keys.pop()):  # never a text in which the name was quoted
                stated[log_name] = key
    if line.content is None:  # what was left out of the middle is ours, and what ends the line is this one's
        response = _name_in(log_format, "response")
        for value in values_behind(rest, response):
            stated.setdefault(response, value)
    return [stated]


def _name_in(log_format: LogFormat, name: str) -> str:
    """Return what a log calls a field, where that is one name."""
    rule = log_format.rules.get(name)
    return rule.text if isinstance(rule, Path) else name


def _key_of(
    stated: JsonObject, ours: JsonObject, log_format: LogFormat, fingerprint: Callable[[str], str]
) -> str | None:
    if _REPLACED in str(ours.get("api_key_id") or ours.get("api_key")):
        return None  # bytes that are no UTF-8 stood there
    try:
        return api_key_id_of(stated, log_format, fingerprint)
    except LineRefused:
        return None


def _usage_of(ours: JsonObject, log_format: LogFormat) -> tuple[int | None, int | None]:
    """Return prompt and completion tokens, as an event would have them; else as they stand in the body."""
    settings = _by_our_names(log_format.dialect, log_format.depth_max)
    try:
        envelope = read_envelope(ours | {"ts": _ANY_INSTANT, "api_key_id": "-"}, settings, str)
    except LineRefused:
        return None, None
    try:
        reading = read_exchange(envelope, settings)
    except LineRefused:
        return _counts_in(envelope.response, log_format.depth_max)
    tokens = reading.tokens
    if tokens is None or reading.content_chunks:  # what is estimated was not stated
        return None, None
    return tokens.prompt_tokens, tokens.completion_tokens


@cache
def _by_our_names(dialect: str | None, depth_max: int) -> LogFormat:
    return LogFormat(dialect=dialect, depth_max=depth_max).within(REQUEST_LOG, None)


def _counts_in(response: Any, depth_max: int) -> tuple[int | None, int | None]:
    """Return the last counts of a body that has some, wherever they stand."""
    try:
        documents = take_apart(response, depth_max=depth_max).documents
    except LineRefused:
        return None, None
    prompt = completion = None
    for document in documents:
        for place in _places(document):
            prompt = _count(place, _PROMPT, prompt)
            completion = _count(place, _COMPLETION, completion)
    return prompt, completion


def _places(document: JsonObject) -> Iterator[JsonObject]:
    """Yield the objects of a document, level by level."""
    level = [document]
    places = 0
    for _ in range(_DEPTH_MAX):
        yield from level[: _PLACES_MAX - places]
        places += len(level)
        level = [value for place in level for value in place.values() if isinstance(value, dict)]


def _count(place: JsonObject, names: tuple[str, ...], before: int | None) -> int | None:
    """Return the last count above zero of what goes by one of these names, and a zero where there is no other."""
    for name in names:
        value = place.get(name)
        if before is None and isinstance(value, str) and _DIGITS.fullmatch(value):
            value = whole_number(value)
        if is_integer(value) and 0 <= value <= TOKENS_MAX and (value or before is None):
            return value
    return before


def _sum(counts: Iterator[int | None]) -> int | None:
    stated = [count for count in counts if count is not None]
    return sum(stated) if stated else None
