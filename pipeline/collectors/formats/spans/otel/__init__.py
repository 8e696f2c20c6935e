"""OTLP JSON, as the OpenTelemetry collector's file exporter writes it: a line is a batch of spans or of log records.

Owns which of them are calls of a model, which are one call, and what each convention and tool calls what it says.

To add a tool that writes spans, add its declaration to ``conventions``. Where it counts otherwise than the conventions
say, or keeps the answer itself in its spans, ``usage`` says what is done about it, in a function of its own; where it
writes usage as the text of an object, ``held``.

Does not own lines of a log that a collector read from files (``formats.read_from_files``), nor what counts mean
(``pipeline.collectors.families``). Read first: ``conventions``, then ``calls``.
"""

from pipeline.collectors.formats.places import Places
from pipeline.collectors.formats.spans import mlflow
from pipeline.collectors.formats.spans.otel import held
from pipeline.collectors.formats.spans.otel.calls import entries
from pipeline.collectors.formats.spans.otel.conventions import (
    COUNTS,
    KEY,
    METADATA_OF_VERCEL,
    NAMES,
    RESPONSE_ID,
    WHOSE,
)
from pipeline.collectors.formats.spans.otel.otlp import LOG_RECORDS, RECORDS, TIMES, recognises

__all__ = ["NAME", "NAMES", "PLACES", "entries", "recognises"]

NAME = "otel"
_ROWS = tuple(".".join(steps) for steps in RECORDS)
_NAME_MAX = 64
"""Longer names the kernel has none of. They are all of tokens (Snowflake's): lines with such are read plainly."""


def _attributes_at(*names: str) -> list[str]:
    return [f'{rows}.attributes."{name}"' for rows in _ROWS for name in names if len(name) <= _NAME_MAX]


PLACES = Places(
    fields={
        "ts": [f"{rows}.{name}" for rows in _ROWS for name in TIMES],
        "api_key_id": [
            *_attributes_at(KEY, *WHOSE),
            *(f'{groups}.resource.attributes."{name}"' for groups, *_ in RECORDS for name in (KEY, *WHOSE)),
        ],
        "response.id": _attributes_at(RESPONSE_ID),
        "response.error": [f"{rows}.status.code" for rows in _ROWS],
        **{f"usage.{name}": _attributes_at(*names) for name, names in COUNTS.items()},
    },
    rows=_ROWS,
    pairs=(
        *(f"{rows}.attributes" for rows in _ROWS),
        *(f"{groups}.resource.attributes" for groups, *_ in RECORDS),
    ),
    counts=(*_attributes_at(*held.OF_COUNTS),),
    nested=(*_attributes_at(*held.OF_OBJECTS, *mlflow.OF_OBJECTS, METADATA_OF_VERCEL),),
    within=("spanId", "parentSpanId"),
    marks=("resourceMetrics",),
    plain=(f"{'.'.join(LOG_RECORDS)}.body",),
)
