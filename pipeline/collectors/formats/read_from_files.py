"""Lines that a collector of OpenTelemetry read from files: each is the body of a log record in OTLP JSON.

Facts. The receiver ``filelog`` puts a line into ``body`` as text, or as a ``kvlistValue`` where it was parsed there,
and names in attributes the file (``log.file.name``, ``log.file.path``), and of a container the stream and the tag
(``log.iostream``, ``logtag``, ``time``, once ``stream``). Source: ``receiver/filelogreceiver`` and
``pkg/stanza/docs/operators/container.md`` of open-telemetry/opentelemetry-collector-contrib.

Where a record has other attributes as well, the line was taken apart, and what was put into the body may be what some
caller wrote: such a record is none of these, and refused where its body looks like a line. Does not own spans, nor
events, which are exchanges themselves (``tools.otel``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.found import is_request_log
from pipeline.collectors.formats.tools.otel.otlp import LOG_RECORDS, integer_of
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import BrokenJson, ContradictedObject, parse
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

_OF_FILES = frozenset(("log.file.name", "log.file.path", "log.iostream"))
"""One of these says that a record was read from a file."""
_BESIDE = frozenset(("logtag", "time", "stream"))
_BEGINNINGS = ("log.", "k8s.", "container.")
"""How names of attributes begin that say where a line was read, and nothing of what it says."""


def lines_from_files(document: JsonObject, *, depth_max: int) -> list[Any] | None:
    """Return the lines that log records hold, and the document without these; ``None`` where it holds none.

    A ``LineRefused`` stands for a body of which nobody knows whose it is.
    """
    held: list[Any] = []
    rest = _without_lines(document, LOG_RECORDS, held, depth_max)
    return [*held, rest] if held else None


def _without_lines(holder: Any, steps: tuple[str, ...], held: list[Any], depth_max: int) -> Any:
    """Return a holder of records without those that hold a line, which are put into ``held``."""
    inner = holder.get(steps[0]) if isinstance(holder, dict) else None
    if not isinstance(inner, list) or isinstance(holder, ContradictedObject):
        return holder
    if len(steps) > 1:
        return {**holder, steps[0]: [_without_lines(each, steps[1:], held, depth_max) for each in inner]}
    kept = []
    for record in inner:
        line = _line_in(record, depth_max)
        kept += [record] if line is None else []
        held += [] if line is None else [line]
    return {**holder, steps[0]: kept}


def _line_in(record: Any, depth_max: int) -> Any:
    """Return the line that a record holds, ``None`` where it holds none."""
    attributes, body = (record.get("attributes"), record.get("body")) if isinstance(record, dict) else (None, None)
    if not isinstance(attributes, list) or not isinstance(body, dict):
        return None
    names = [each.get("key") for each in attributes if isinstance(each, dict)]
    if not any(isinstance(name, str) and name in _OF_FILES for name in names):
        return None
    text = body.get("stringValue")
    line = _parsed(text, depth_max) if isinstance(text, str) else _plain({"kvlistValue": body.get("kvlistValue")})
    are_known = all(isinstance(name, str) and (name in _BESIDE or name.startswith(_BEGINNINGS)) for name in names)
    if are_known:
        return text if isinstance(text, str) and text.lstrip().startswith(("{", "[")) else line
    if isinstance(line, dict) and is_request_log(line):
        return LineRefused(
            QuarantineReason.INVALID_FIELD,
            "the body of a log record is a line, but there are other attributes than those of the file it is from",
        )
    return None


def _parsed(text: str, depth_max: int) -> Any:
    if not text.lstrip().startswith("{"):
        return None
    try:
        return parse(text, depth_max=depth_max)
    except BrokenJson:
        return None


def _plain(value: Any) -> Any:
    """Return the object that an ``AnyValue`` is, ``None`` of anything that it is not."""
    if not isinstance(value, dict):
        return None
    pairs, array = value.get("kvlistValue"), value.get("arrayValue")
    if isinstance(pairs, dict) and isinstance(members := pairs.get("values"), list):
        named = [each for each in members if isinstance(each, dict)]
        return ContradictedObject([(str(each.get("key")), _plain(each.get("value"))) for each in named])
    if isinstance(array, dict) and isinstance(members := array.get("values"), list):
        return [_plain(each) for each in members]
    if (number := value.get("intValue")) is not None:
        return integer_of(number)
    return next((value.get(name) for name in ("stringValue", "boolValue", "doubleValue") if name in value), None)
