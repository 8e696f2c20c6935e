"""Which identities may have been logged more than once, found without a hash table of all of them.

Identities are digests of 16 bytes. Their first 8 bytes, sorted, put the equal ones side by side: 8 bytes of memory an
event, where a ``group by`` of whole identities takes ten times as much. Equal identities have equal beginnings, so none
that was logged twice is missed; two that only begin alike are suspected too, and
``sql/intermediate/repeated_identities.sql`` tells them apart.

Does not own that rule, nor which files are believed (``pipeline.lake`` verifies them first).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.objects.encoded.parquet_bytes import batches_of, row_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from pipeline.objects.encoded.parquet_bytes import FileRows

    Prefixes: TypeAlias = npt.NDArray[np.uint64]
    Identities: TypeAlias = npt.NDArray[np.uint64]
    _Read: TypeAlias = Callable[[FileRows], Iterable[Identities]]

K = TypeVar("K")

SORTED_EVENTS_MAX = 128_000_000
"""So many beginnings are sorted at a time (1 GB); beyond it they are taken in several passes over the files."""
HELD_EVENTS_MAX = 8_000_000
"""The identities of so many events are read once, and held (128 MB); of more they are read again to be looked up."""
_IDENTITY = pa.binary(16)
_BATCH_ROWS = 1 << 18
_FLAG_BITS_MAX = 27  # one byte each


def suspected_identities(files: Sequence[FileRows], *, sorted_events_max: int = SORTED_EVENTS_MAX) -> pa.Table:
    """Return ``event_id`` of every identity whose first 8 bytes occur more than once in verified event files.

    Each once, in no order.
    """
    events = sum(map(row_count, files))
    passes = max(1, -(-events // sorted_events_max))
    read: _Read = _identities
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        if events <= HELD_EVENTS_MAX:
            read = dict(zip(files, pool.map(_held, files), strict=True)).__getitem__
        repeated = np.concatenate(
            [
                _repeated(list(pool.map(partial(_prefixes, passes=passes, number=number, read=read), files)))
                for number in range(passes)
            ]
        )
    repeated.sort()
    return one_by_one(beginning_alike(files, repeated, read=read).values())


def beginning_alike(
    files: Sequence[FileRows], repeated: Prefixes, *, read: _Read | None = None
) -> dict[FileRows, Identities]:
    """Return the identities whose first 8 bytes are among ``repeated`` (sorted), of each verified file that has any."""
    look = partial(_beginning_alike, repeated=repeated, flags=_flags(repeated), read=read or _identities)
    looked_at = files if repeated.size else ()
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        return {file: found for file, found in zip(looked_at, pool.map(look, looked_at), strict=True) if len(found)}


def one_by_one(found: Iterable[Identities]) -> pa.Table:
    """Return ``event_id`` of identities, each once, in no order."""
    identities = pa.chunked_array([_as_arrow(each) for each in found], _IDENTITY)
    return pa.table({"event_id": pc.unique(identities).cast(pa.binary())})


def beginnings(files: Mapping[K, Sequence[FileRows]]) -> dict[K, Prefixes]:
    """Return, for each group of verified event files, the first 8 bytes of every identity.

    Sorted, as often as they occur.
    """
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        return dict(zip(files, pool.map(_sorted_prefixes, files.values()), strict=True))


def beginnings_of(event_ids: pa.ChunkedArray) -> Prefixes:
    """Return the first 8 bytes of a column of identities, each once, sorted."""
    words = np.frombuffer(b"".join(event_ids.to_pylist()), np.uint64)
    return distinct(words.reshape(-1, 2)[:, 0])


def repeated_beginnings(
    new: Sequence[Prefixes], old: Mapping[K, Callable[[], Prefixes]]
) -> tuple[Prefixes, dict[K, Prefixes]]:
    """Return which beginnings of ``new`` occur once more, in ``new`` or in ``old``.

    And those of them that each of ``old`` has, where it has any.

    Everything is sorted, and each returned beginning is there once. Repetitions within ``old`` alone are not looked
    for. ``old`` is read one by one; a beginning of it costs a look into a small table.
    """
    wanted = _joined(list(new))
    repeated = [distinct(wanted[1:][wanted[1:] == wanted[:-1]])]
    hits = {}
    if wanted.size:
        flags = _flags(wanted)
        for key, read in old.items():
            found = distinct(_among(read(), wanted, flags))
            if found.size:
                hits[key] = found
                repeated.append(found)
    return distinct(np.concatenate(repeated)), hits


def distinct(beginnings: Prefixes) -> Prefixes:
    """Return each beginning once, sorted.

    As ``np.unique``, which imports ``numpy.ma``: a fiftieth of the sample's night.
    """
    ordered = np.sort(beginnings)
    is_first = np.ones(ordered.size, np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_first]


def _sorted_prefixes(files: Sequence[FileRows]) -> Prefixes:
    return _joined([_prefixes(file, passes=1, number=0, read=_identities) for file in files])


def _prefixes(file: FileRows, *, passes: int, number: int, read: _Read) -> Prefixes:
    """Read the beginnings that are this pass's."""
    prefixes = np.concatenate([np.empty(0, np.uint64), *(identities[:, 0] for identities in read(file))])
    return prefixes if passes == 1 else prefixes[prefixes % np.uint64(passes) == number]


def _repeated(parts: list[Prefixes]) -> Prefixes:
    """Return the values that occur more than once, each once. Empties ``parts``."""
    values = _joined(parts)
    return distinct(values[1:][values[1:] == values[:-1]])


def _joined(parts: list[Prefixes]) -> Prefixes:
    """Return all values, sorted. Empties ``parts`` as it goes, so that they are not held twice."""
    values = np.empty(sum(part.size for part in parts), np.uint64)
    filled = 0
    while parts:
        part = parts.pop()
        values[filled : filled + part.size] = part
        filled += part.size
    values.sort()
    return values


def _among(values: Prefixes, wanted: Prefixes, flags: npt.NDArray[np.bool_]) -> Prefixes:
    """Return the values that are among ``wanted`` (sorted, not empty), whose ``flags`` these are."""
    shift = np.uint64(64 - (flags.size.bit_length() - 1))
    flagged = values[flags[values >> shift]]
    places = np.searchsorted(wanted, flagged).clip(max=wanted.size - 1)
    found: Prefixes = flagged[wanted[places] == flagged]
    return found


def _flags(repeated: Prefixes) -> npt.NDArray[np.bool_]:
    """Mark the first bits of the repeated beginnings: most events are told apart by one look into this small table."""
    bits = min(_FLAG_BITS_MAX, repeated.size.bit_length() + 4)
    flags = np.zeros(1 << bits, np.bool_)
    flags[repeated >> np.uint64(64 - bits)] = True
    return flags


def _beginning_alike(file: FileRows, *, repeated: Prefixes, flags: npt.NDArray[np.bool_], read: _Read) -> Identities:
    """Read the identities that begin with one of ``repeated`` (sorted)."""
    shift = np.uint64(64 - (flags.size.bit_length() - 1))
    found = [np.empty((0, 2), np.uint64)]
    for identities in read(file):
        flagged = identities[flags[identities[:, 0] >> shift]]
        places = np.searchsorted(repeated, flagged[:, 0]).clip(max=repeated.size - 1)
        found.append(flagged[repeated[places] == flagged[:, 0]])
    return np.concatenate(found)


def _held(file: FileRows) -> list[Identities]:
    return list(_identities(file))


def _identities(file: FileRows) -> Iterator[Identities]:
    """Yield the identities of a file as rows of two words; the first word is the beginning."""
    for batch in batches_of(file, ["event_id"], _BATCH_ROWS):
        column = batch.column(0)
        words = np.frombuffer(column.buffers()[1], np.uint64).reshape(-1, 2)
        yield words[column.offset : column.offset + len(column)]


def _as_arrow(identities: Identities) -> pa.Array:
    return pa.FixedSizeBinaryArray.from_buffers(
        _IDENTITY, len(identities), [None, pa.py_buffer(np.ascontiguousarray(identities))]
    )
