"""Rows as databases export them: values that say their type, and the event of a change around a row.

Facts. MongoDB writes Extended JSON: ``{"$date": …}``, ``{"$numberLong": "5"}``, ``{"$oid": "…"}``, numbers as they are
in its relaxed mode and with their types in its canonical one; ``mongoexport`` begins each document with its ``_id``.
DynamoDB has each value under the letters of its type (``{"S": "…"}``, ``{"N": "5"}``, ``{"M": {…}}``), in ``Item`` of
an export to S3, in ``NewImage`` of a change, and in ``Items`` of an answer. Debezium has the row in ``after`` of an
event, as an object, or of MongoDB as text; Kafka's converter may put a ``schema`` beside, and the event in ``payload``.
MongoDB's own events have it in ``fullDocument``.
Source: "MongoDB Extended JSON (v2)", "Change Events" and ``mongoexport`` of MongoDB; "DynamoDB table export output
format" and "AttributeValue" of AWS; "Data change events" of Debezium's connectors; ``JsonConverter`` of Apache Kafka.

Owns what a row is without these. Does not own lines (``pipeline.collectors.wrappers.stored_rows``).
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.collectors.values.strict_json import BrokenJson, ContradictedObject, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.collectors.values.strict_json import JsonObject

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_OF_MONGODB = frozenset(
    (
        *("$oid", "$date", "$numberLong", "$numberInt", "$numberDouble", "$numberDecimal", "$uuid", "$timestamp"),
        *("$binary", "$symbol"),
    )
)
_HELD_BY = {"$timestamp": "t", "$binary": "base64"}
"""Where the types lie that are objects themselves."""
_OF_DYNAMODB = frozenset(("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"))
_IMAGES = ("Item", "NewImage")
_OF_CHANGE = frozenset(("after", "op"))
_BESIDE_CHANGE = frozenset(("before", "source"))
_OF_MONGODBS_CHANGE = frozenset(("operationType", "ns", "clusterTime"))
_OF_CONVERTER = frozenset(("schema", "payload"))
_WITHIN = frozenset((*_IMAGES, *_OF_CONVERTER, "after", "before", "dynamodb", "fullDocument"))
_DELETED = "d"
NO_ROW: JsonObject = {}
"""Stands for the row of a change that only took one away."""


def reaches_into_rows(steps: Iterable[str]) -> bool:
    """Tell whether paths of a source lead into what is put around rows or values: then it reads them as they are."""
    return any(step in _WITHIN or step.startswith("$") for step in steps)


def row_in(document: JsonObject) -> JsonObject | None:
    """Return the row that a database exported, by its names and plain values; ``None`` where a document is none.

    Raises ``BrokenJson`` where the text of a row is none.
    """
    if document.keys() == _OF_CONVERTER and isinstance(held := document.get("payload"), dict):
        return _row_or_itself(held)
    if document.keys() >= _OF_CHANGE and not _BESIDE_CHANGE.isdisjoint(document):
        return _changed(document)
    if document.keys() >= _OF_MONGODBS_CHANGE:
        return _full(document)
    return NO_ROW if _is_taken_away(document) else _without_types_of_either(document)


def written(row: Any) -> str:
    """Return JSON as it was, number by number. Raises ``BrokenJson`` where something in it cannot be written again."""
    if isinstance(row, ContradictedObject):
        raise BrokenJson
    if isinstance(row, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {written(value)}" for name, value in row.items()) + "}"
    if isinstance(row, list):
        return "[" + ", ".join(map(written, row)) + "]"
    if isinstance(row, Decimal) and row.is_finite():
        return str(row)
    if row is None or isinstance(row, str | int):
        return json.dumps(row)
    raise BrokenJson


def is_image(value: Any) -> bool:
    """Tell an object all of whose values say their type as DynamoDB's do."""
    return isinstance(value, dict) and bool(value) and all(map(_is_of_dynamodb, value.values()))


def _row_or_itself(held: JsonObject) -> JsonObject:
    row = row_in(held)
    return held if row is None else row


def _without_types_of_either(document: JsonObject) -> JsonObject | None:
    """Return the row that DynamoDB or MongoDB wrote with the types of its values."""
    stream = document.get("dynamodb")
    holder = stream if isinstance(stream, dict) else document
    for image in (*(holder.get(name) for name in _IMAGES), document):
        if isinstance(image, dict) and is_image(image):
            return {name: _of_dynamodb(image.get(name)) for name in image}
    if any(_is_of_mongodb(document.get(name)) for name in document):
        return {name: _of_mongodb(document.get(name)) for name in document}
    return None


def _changed(event: JsonObject) -> JsonObject | None:
    """Return the row behind a change."""
    after = event.get("after")
    if isinstance(after, str):
        after = parse(after)
    if isinstance(after, dict):
        return _row_or_itself(after)
    return NO_ROW if event.get("op") == _DELETED else None


def _full(event: JsonObject) -> JsonObject | None:
    """Return the document behind a change that MongoDB tells, which has it where its stream looks it up."""
    document = event.get("fullDocument")
    if isinstance(document, dict):
        return _row_or_itself(document)
    return NO_ROW if event.get("operationType") == "delete" else None


def _is_taken_away(document: JsonObject) -> bool:
    """Tell a change of DynamoDB behind which there is no row, in a stream or an incremental export."""
    if document.get("eventName") == "REMOVE":
        return isinstance(document.get("dynamodb"), dict)
    metadata = document.get("Metadata")
    is_change = isinstance(metadata, dict) and "WriteTimestampMicros" in metadata and "Keys" in document
    return is_change and "NewImage" not in document


def _is_of_mongodb(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and not _OF_MONGODB.isdisjoint(value)


def _of_mongodb(value: Any) -> Any:
    if isinstance(value, list):
        return [_of_mongodb(each) for each in value]
    if not isinstance(value, dict):
        return value
    if not _is_of_mongodb(value):
        return {name: _of_mongodb(value.get(name)) for name in value}
    (kind,) = value
    held = value.get(kind)
    if isinstance(held, dict):
        return _of_mongodb(held) if kind == "$date" else held.get(_HELD_BY.get(kind, kind))
    return _number(held) if kind.startswith("$number") else held


def _is_of_dynamodb(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and not _OF_DYNAMODB.isdisjoint(value)


def _of_dynamodb(value: Any) -> Any:
    if not _is_of_dynamodb(value):
        return value
    (kind,) = value
    held = value.get(kind)
    if kind == "NULL":
        return None
    if kind == "M" and isinstance(held, dict):
        return {name: _of_dynamodb(held.get(name)) for name in held}
    if kind == "L" and isinstance(held, list):
        return [_of_dynamodb(each) for each in held]
    return _number(held) if kind == "N" else held


def _number(text: Any) -> Any:
    """Return the number that a text is; anything else as it is."""
    if not isinstance(text, str) or _NUMBER.fullmatch(text) is None:
        return text
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() and "e" not in text.lower() else number
