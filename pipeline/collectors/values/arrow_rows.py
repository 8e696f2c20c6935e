"""Rows of an Arrow table, each as the JSON object that it is, the same bytes for the same row.

Whole numbers are digits, texts are texts, lists are arrays, structs and maps are objects. What is null is not there, as
an empty cell of a table as text is not. A text that is a JSON object or array is that: few who write tables have a type
for it. An instant is ISO 8601, with ``Z`` where its column has a time zone, and without an offset where it has none.
Bytes are the text that they are in UTF-8, and base64 where they are none. A fraction is a number, of a decimal the text
of its digits; a float that is none is not there, since pandas writes so what is missing.

Does not own how such tables are read (``pipeline.collectors.logs.stored.parquet_rows``).
"""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
import pyarrow.types as kinds

from pipeline.collectors.values.csv_cells import is_object_or_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Writer = Callable[[Any], Any]
    """Returns what a value of one type is in JSON."""

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_NO_LINE_ENDS = dict.fromkeys(map(ord, "\r\n"), " ")
"""In JSON they stand between what it is made of alone."""
_written = json.JSONEncoder(ensure_ascii=False).encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def lines_of(rows: pa.RecordBatch) -> Iterator[bytes]:
    r"""Yield each row as a line with its end. What is no UTF-8 in a text is none in the line either.

    >>> list(lines_of(pa.record_batch({"key": ["k", None], "tokens": [7, 8]})))
    [b'{"key": "k", "tokens": 7}\n', b'{"tokens": 8}\n']
    """
    columns = [_texts(field, column) for field, column in zip(rows.schema, rows.columns, strict=True)]
    for cells in zip(*columns, strict=True):
        line = "{" + ", ".join(cell for cell in cells if cell is not None) + "}\n"
        yield line.encode("utf-8", "surrogateescape")


def _texts(field: pa.Field, column: pa.Array) -> Iterator[str | None]:
    """Yield the member of each row that a column is."""
    name, writer = _written(field.name), _writer(field.type)
    may_be_json = _is_text(_plain(field.type))
    for value in column.cast(_readable(field.type)).to_pylist():
        said = None if value is None else writer(value)
        if said is None:
            yield None
        elif may_be_json and is_object_or_array(said):
            yield f"{name}: {said.translate(_NO_LINE_ENDS)}"
        else:
            yield f"{name}: {_written(said)}"


def _readable(kind: pa.DataType) -> pa.DataType:
    """Return the type whose values are read: a text may be none in UTF-8, and an instant finer than Python's."""
    kind = _plain(kind)
    if _is_text(kind) or isinstance(kind, pa.UuidType):
        return pa.large_binary()
    if kinds.is_timestamp(kind):
        return pa.int64()
    if kinds.is_struct(kind):
        return pa.struct([pa.field(each.name, _readable(each.type)) for each in kind])
    if kinds.is_map(kind):
        return pa.map_(_readable(kind.key_type), _readable(kind.item_type))
    if _is_list(kind):
        return pa.large_list(_readable(kind.value_type))
    return kind


def _writer(kind: pa.DataType) -> Writer:  # noqa: PLR0911  # one for each kind of type
    kind = _plain(kind)
    if isinstance(kind, pa.UuidType):
        return lambda value: str(UUID(bytes=value))
    if _is_text(kind):
        return lambda value: value.decode("utf-8", "surrogateescape")
    if kinds.is_timestamp(kind):
        return partial(_instant, per_second=_PER_SECOND[kind.unit], zone="" if kind.tz is None else "Z")
    if kinds.is_struct(kind):
        return partial(_object, members={each.name: _writer(each.type) for each in kind})
    if kinds.is_map(kind):
        return partial(_map, key=_writer(kind.key_type), item=_writer(kind.item_type))
    if _is_list(kind):
        return partial(_array, item=_writer(kind.value_type))
    if kinds.is_boolean(kind) or kinds.is_integer(kind):
        return lambda value: value
    return _other


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return a type without what only says how its values are kept, or what they are meant as."""
    if kinds.is_dictionary(kind):
        return _plain(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType):
        return _plain(kind.storage_type)
    return kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind))


def _instant(value: int, *, per_second: int, zone: str) -> str:
    """Return an instant with all digits that its unit has; the number itself where no year of four digits has it."""
    seconds, parts = divmod(value, per_second)
    try:
        written = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    except OverflowError:
        return str(value)
    digits = f".{parts:0{len(str(per_second)) - 1}}" if per_second > 1 else ""
    return f"{written}{digits}{zone}"


def _object(value: dict[str, Any], *, members: dict[str, Writer]) -> dict[str, Any]:
    written = {name: writer(value[name]) for name, writer in members.items() if value[name] is not None}
    return {name: each for name, each in written.items() if each is not None}


def _map(value: list[tuple[Any, Any]], *, key: Writer, item: Writer) -> Any:
    """Return a map as an object; as pairs where a key is there twice, so that nothing is hidden by what repeats it."""
    pairs = [(key(each), None if held is None else item(held)) for each, held in value]
    names = [each if isinstance(each, str) else json.dumps(each) for each, _ in pairs]
    if len(set(names)) < len(names):
        return [[name, held] for name, (_, held) in zip(names, pairs, strict=True)]
    return {name: held for name, (_, held) in zip(names, pairs, strict=True) if held is not None}


def _array(value: list[Any], *, item: Writer) -> list[Any]:
    return [None if each is None else item(each) for each in value]


def _other(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    return str(value)
