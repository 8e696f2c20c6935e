"""Python values to Arrow columns, as ``pa.array`` makes them, from their bytes.

``pa.array`` of a list asks whether it is pandas', and imports pandas to find out: that takes longer than most commands.
Owns the kinds of columns that are made row by row; does not own schemas (``schemas``) nor what the rows mean.
"""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    Integers: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
    Bytes: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]

_OFFSET_MAX = 2**31 - 1
_SIZES_MAX = 32
_NOTHING_MAX = 2**15
_nothing: dict[pa.DataType, pa.Array] = {}


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return the column of ``values``; ``None`` is null.

    ``kind`` is a string, fixed-size binary, boolean, 32- or 64-bit integer, or a timestamp (from integers in its unit).
    Raises ``TypeError`` for another kind or a value of another type, ``OverflowError`` for an integer that does not
    fit, ``ValueError`` for a value of another size or a column of strings beyond 2 GiB.
    """
    if _is_empty(values):
        return pa.nulls(len(values), kind)
    types = set(map(type, values))
    nulls = values.count(None) if NoneType in types else 0
    return _array(values, kind, _buffers(values, kind, types - {NoneType}, nulls), nulls)


def nothing(size: int, kind: pa.DataType) -> pa.Array:
    """Return a column of nulls; all of a kind that are not very long have the same memory."""
    if size > _NOTHING_MAX:
        return pa.nulls(size, kind)
    if kind not in _nothing:
        _nothing[kind] = pa.nulls(_NOTHING_MAX, kind)
    return _nothing[kind][:size]


def chosen_column(values: Sequence[Any], kind: pa.DataType, choices: Integers) -> pa.Array:
    """Return the column of which each row is the one of ``values`` at its choice. Raises what ``column`` raises.

    Of codes where ``kind`` is a dictionary. As Arrow's ``take``, without ``pyarrow.compute``: to import it takes longer
    than to read some megabytes.
    """
    if _is_empty(values):
        return nothing(len(choices), kind)
    if pa.types.is_dictionary(kind):
        return _codes(values, kind, choices)
    few = column(values, kind)
    if len(values) == 1:
        return pa.repeat(few[0], len(choices))
    stated = _bits(np.array([value is not None for value in values])[choices]) if few.null_count else None
    return pa.Array.from_buffers(kind, len(choices), [stated, *_chosen_buffers(few, choices)])


def gathered_texts(content: Bytes, starts: Integers, sizes: Integers) -> list[pa.Buffer]:
    """Return the buffers of a column of strings that lie here and there in ``content``.

    Raises ``ValueError`` for more than 2 GiB.
    """
    return [_offsets(sizes), pa.py_buffer(_gathered(content, starts, sizes))]


def record_batch(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Return rows, each with the values of ``schema`` in their order, as columns. Raises what ``column`` raises."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pa.RecordBatch.from_arrays(
        [column(values, field.type) for field, values in zip(schema, columns, strict=True)], schema=schema
    )


def _is_empty(values: Sequence[Any]) -> bool:
    """Whether there is nothing but ``None``.

    Counting it in values of other kinds is slow, so the first one is asked first.
    """
    return not values or (values[0] is None and values.count(None) == len(values))


def _array(values: Sequence[Any], kind: pa.DataType, buffers: Sequence[pa.Buffer], nulls: int) -> pa.Array:
    validity = _bits([value is not None for value in values]) if nulls else None
    return pa.Array.from_buffers(kind, len(values), [validity, *buffers], nulls)


def _buffers(values: Sequence[Any], kind: pa.DataType, types: set[type], nulls: int) -> list[pa.Buffer]:
    if pa.types.is_string(kind) and types == {str}:
        return _strings([value or "" for value in values] if nulls else values)
    if pa.types.is_fixed_size_binary(kind) and types == {bytes}:
        nothing = bytes(kind.byte_width)
        return _fixed([nothing if value is None else value for value in values] if nulls else values, kind.byte_width)
    if pa.types.is_boolean(kind) and types == {bool}:
        return [_bits([value is True for value in values])]
    if (kind in (pa.int32(), pa.int64()) or pa.types.is_timestamp(kind)) and types == {int}:
        numbers = [value or 0 for value in values] if nulls else values
        return [pa.py_buffer(np.fromiter(numbers, np.int32 if kind == pa.int32() else np.int64, len(values)))]
    message = f"no column of {kind} is made of {', '.join(sorted(each.__name__ for each in types))}"
    raise TypeError(message)


def _codes(values: Sequence[Any], kind: pa.DataType, choices: Integers) -> pa.Array:
    texts: dict[Any, int] = {}
    places = np.array([-1 if value is None else texts.setdefault(value, len(texts)) for value in values], np.int32)
    chosen = places[choices]
    validity = _bits(chosen >= 0) if (places < 0).any() else None
    codes = pa.Array.from_buffers(kind.index_type, len(chosen), [validity, pa.py_buffer(np.maximum(chosen, 0))])
    return pa.DictionaryArray.from_arrays(codes, column(list(texts), kind.value_type), safe=False)


def _chosen_buffers(few: pa.Array, choices: Integers) -> list[pa.Buffer]:
    """Return what a column has beside its validity, with each row the one of ``few`` at its choice."""
    _, *buffers = few.buffers()
    content = np.frombuffer(buffers[-1], np.uint8)
    if pa.types.is_string(few.type):
        ends = np.frombuffer(buffers[0], np.int32).astype(np.int64)
        return gathered_texts(content, ends[:-1][choices], np.diff(ends)[choices])
    if pa.types.is_boolean(few.type):
        return [_bits(np.unpackbits(content, bitorder="little")[choices] == 1)]
    return [pa.py_buffer(content.view(f"V{few.type.byte_width}")[choices].view(np.uint8))]


def _gathered(content: Bytes, starts: Integers, sizes: Integers) -> Bytes:
    """Return the bytes of texts that lie here and there, one text behind the other.

    Usually they are of few sizes: those of one size are elements of an array, and copied as such. To copy each byte by
    its place takes ten times as long.
    """
    of_sizes = np.flatnonzero(np.bincount(sizes)).tolist()
    of_sizes = of_sizes[1:] if of_sizes[:1] == [0] else of_sizes
    if len(of_sizes) == 1:
        (size,) = of_sizes
        texts: Bytes = _elements(content, size)[starts[sizes == size]].view(np.uint8)
        return texts
    begins = np.cumsum(sizes) - sizes
    found = np.empty(sizes.sum(), np.uint8)
    if len(of_sizes) > _SIZES_MAX:
        found[:] = content[np.repeat(starts - begins, sizes) + np.arange(len(found))]
        return found
    for size in of_sizes:
        rows = np.flatnonzero(sizes == size)
        _elements(found, size)[begins[rows]] = _elements(content, size)[starts[rows]]
    return found


def _elements(content: Bytes, size: int) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Return the ``size`` bytes from each place on as an element, of the same memory."""
    return np.ndarray((len(content) - size + 1,), f"V{size}", content, strides=(1,))


def _strings(texts: Sequence[str]) -> list[pa.Buffer]:
    joined = "".join(texts)
    if joined.isascii():
        return _joined(joined.encode(), _sizes(texts))
    return _texts([text.encode() for text in texts])


def _texts(encoded: Sequence[bytes]) -> list[pa.Buffer]:
    return _joined(b"".join(encoded), _sizes(encoded))


def _sizes(texts: Sequence[str] | Sequence[bytes]) -> Integers:
    return np.fromiter(map(len, texts), np.int64, len(texts))


def _joined(content: bytes, sizes: Integers) -> list[pa.Buffer]:
    return [_offsets(sizes), pa.py_buffer(content)]


def _offsets(sizes: Integers) -> pa.Buffer:
    size = int(sizes.sum())
    if size > _OFFSET_MAX:
        message = f"{size} bytes of text are too much for one column"
        raise ValueError(message)
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    return pa.py_buffer(offsets)


def _fixed(contents: Sequence[bytes], size: int) -> list[pa.Buffer]:
    if set(map(len, contents)) != {size}:
        message = f"a value has not the {size} bytes of its column"
        raise ValueError(message)
    return [pa.py_buffer(b"".join(contents))]


def _bits(flags: Sequence[bool] | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.array(flags, np.bool_), bitorder="little"))
