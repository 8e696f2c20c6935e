"""What lies at the places of a log, whatever they are called: dates, answers, counts, and lines of another log.

An answer is what the reader reads as one, so nothing is said twice of what that is.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.formats.found import format_of, is_request_log
from pipeline.collectors.formats.instants import instant_us
from pipeline.collectors.formats.log_format import LogFormat
from pipeline.collectors.guess.places import innermost, safe_places
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import document_in
from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.collectors.values.strict_json import JsonObject

_SAID = {"ts": "2000-01-01T00:00:00Z", "api_key_id": "key"}
"""What a line has beside what is tried."""
_AS_LOGGED = LogFormat()
_AS_COUNTED = LogFormat(fields={"usage": "usage"})
_BEGINS = ("{", "[", "data:", "event:", "id:", "retry:", ":")
_OF_ANSWERS = ("response_id", "model_reported", "finish_reason")
"""What answers say beside their usage, one of these at least."""
_DATE = re.compile(r"\D*\d+[-/]|\w{3}, \d", re.ASCII)
"""How a date begins that is a text: digits alone may be anything."""
_NAMES = {
    "usage.prompt_tokens": re.compile(
        r"(?:(?:num|n|total)_?)?(?:prompt|input|request|in)_?tokens?(?:_?(?:count|used))?"
        r"|tokens?_?(?:in|input|prompt|sent)"
    ),
    "usage.completion_tokens": re.compile(
        r"(?:(?:num|n|total)_?)?(?:completion|output|response|generated|out)_?tokens?(?:_?(?:count|used))?"
        r"|tokens?_?(?:out|output|completion|generated|received)"
    ),
    "usage.cached_tokens": re.compile(
        r"(?:prompt_?|input_?)?cached?_?(?:(?:prompt|input|read)_?)*tokens?(?:_?(?:count|used))?|tokens?_?cached"
    ),
    "response.model": re.compile(r"(?:response_?|resolved_?|llm_?)?model(?:_?(?:name|id|used))?"),
}
"""How logs call counts, and the model, that have these without the answer."""
COUNTS = ("usage.prompt_tokens", "usage.completion_tokens")
CACHED = "usage.cached_tokens"
_COUNT = re.compile(r"\d{1,12}", re.ASCII)


def is_instant(value: Any) -> bool:
    """Say whether a value can be an instant."""
    try:
        instant_us(value)
    except LineRefused:
        return False
    return True


def is_body(value: Any) -> bool:
    """Say whether a value can be a body: a document, or events."""
    return isinstance(value, dict | list) or (isinstance(value, str) and value.lstrip().startswith(_BEGINS))


def dates(documents: Sequence[JsonObject]) -> list[str]:
    """Return the places at which every document has a date and time as a text."""
    return _places_of(documents, _is_date, least=len(documents))


def answers(documents: Sequence[JsonObject]) -> list[str]:
    """Return the places at which a document has an answer that states its usage, and says of itself what it is."""
    return _places_of(documents, lambda value: _is_measured(_AS_LOGGED, "response", value, _OF_ANSWERS))


def counts(documents: Sequence[JsonObject]) -> dict[str, list[str]]:
    """Return, by our names, the places of usage or of its two counts, and of the model; of what is nowhere, none."""
    found = {"usage": _places_of(documents, lambda value: _is_measured(_AS_COUNTED, "usage", value))}
    if not found["usage"]:
        found |= {name: _places_of(documents, _is_count, named=_NAMES[name]) for name in (*COUNTS, CACHED)}
    if any(found.values()):
        found["response.model"] = _places_of(documents, _is_model, named=_NAMES["response.model"])
    return found


def guess_line_in(documents: Sequence[JsonObject]) -> str | None:
    """Return where every line of one log has another; ``None`` where none or several places have one.

    JSON text is one, and an object that some format recognises.
    """
    found = _places_of(documents, _may_be_line, least=len(documents), of_all=True)
    return found[0] if len(found) == 1 else None


def _places_of(
    documents: Sequence[JsonObject],
    can_be: Callable[[Any], bool],
    *,
    named: re.Pattern[str] | None = None,
    least: int = 1,
    of_all: bool = False,
) -> list[str]:
    """Return the innermost places at which as many documents have such a value, ``of_all``: the others as well."""
    found: Counter[str] = Counter()
    for document in documents:
        for path, value in safe_places(document, ()):
            place = ".".join(path)
            is_called_so = named is None or named.fullmatch(_plain_name(path[-1]))
            if is_called_so and not (least == 1 and place in found) and can_be(value):
                found[place] += 1
    places = [place for place, count in found.items() if count >= least]
    return places if of_all else innermost(places)


def _plain_name(step: str) -> str:
    """Return a name in small letters, with ``_`` between its words."""
    return re.sub(r"[^a-z]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", step).lower()).strip("_")


def _is_measured(log_format: LogFormat, name: str, value: Any, columns: Sequence[str] = ()) -> bool:
    """Say whether a line with such a value is an event with usage, and with any of some columns."""
    if not isinstance(value, dict | list | str):
        return False
    line = Line(1, 0, 0, json.dumps({**_SAID, name: value}).encode())
    for row in decode_line(line, source="", log_format=log_format, fingerprint=str):
        if isinstance(row, EventRow) and row.status is UsageStatus.MEASURED:
            stated = dict(zip(USAGE_EVENTS.names, row.values, strict=True))
            return not columns or any(stated[column] is not None for column in columns)
    return False


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and _DATE.match(value) is not None and is_instant(value)


def _is_count(value: Any) -> bool:
    return (type(value) is int and value > 0) or (isinstance(value, str) and _COUNT.fullmatch(value) is not None)


def _is_model(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _may_be_line(value: Any) -> bool:
    if isinstance(value, str):
        return isinstance(document_in(value), dict)
    return isinstance(value, dict) and (is_request_log(value) or format_of(value) is not None)
