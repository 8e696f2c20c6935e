"""Usage events of one log as arrays, an element an event, until they become Arrow; what many share is stated once.

Owns these arrays, their joining, and the way to Arrow. Does not own where values come from (``decode``, ``kernel``).
"""

from __future__ import annotations

from collections import Counter
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.tables.coded import CODED_EVENTS
from pipeline.tables.columns import chosen_column, gathered_texts, nothing
from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage.events import COLUMNS, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    from pipeline.collectors.decode import Row

    Array: TypeAlias = np.ndarray[Any, Any]

IDS = ("request_id", "response_id")
NUMBERS = (*(column.name for column in COLUMNS if column.is_count), "content_chunks")
PLACES = tuple(column.name for column in COLUMNS if column.role is Role.PLACE)
_KEY = "api_key_id"
KEPT = "other_usage"
_ALONE = frozenset(("event_id", "occurred_at", _KEY, KEPT, "source", *IDS, *NUMBERS, *PLACES))
SHARED = tuple(name for name in USAGE_EVENTS.names if name not in _ALONE)
"""The columns of which many rows of one log have the same values."""
NOTHING = -1
"""Stands for null among numbers, none of which is negative."""

_AT = {name: USAGE_EVENTS.get_field_index(name) for name in USAGE_EVENTS.names}
_shared_of = itemgetter(*(_AT[name] for name in SHARED))
_STATUS = SHARED.index("status")
_ID_BYTES = 16


class Texts(NamedTuple):
    """A column of texts in UTF-8, of which none is empty: one of no size is null."""

    starts: Array
    sizes: Array
    content: Array
    """The bytes in which they lie."""


class Chosen(NamedTuple):
    """A column in which each row has one of some values."""

    codes: Array
    values: list[Any]


class Events(NamedTuple):
    """Events as arrays, in the order of their lines."""

    places: Array
    """The columns ``PLACES``, a row a column."""
    instants: Array
    event_ids: Array
    """Sixteen bytes each."""
    numbers: Array
    """The columns ``NUMBERS``, a row a column."""
    ids: tuple[Texts, ...]
    """The columns ``IDS``."""
    keys: Chosen
    kept: Chosen
    """The column ``KEPT``."""
    shared: Chosen
    """Of tuples, the values of ``SHARED``."""

    def __len__(self) -> int:
        """Return how many events there are."""
        return len(self.instants)

    def statuses(self) -> Counter[str]:
        """Count the events by status."""
        counts: Counter[str] = Counter()
        found = np.bincount(self.shared.codes, minlength=len(self.shared.values)).tolist()
        for values, count in zip(self.shared.values, found, strict=True):
            counts[values[_STATUS]] += count
        return +counts


def of_rows(rows: Sequence[Row]) -> Events:
    """Return rows of ``schemas.USAGE_EVENTS`` as arrays."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(USAGE_EVENTS)
    size = len(rows)

    def numbers_of(names: Iterable[str]) -> Array:
        found = [[NOTHING if value is None else value for value in columns[_AT[name]]] for name in names]
        return np.array(found, np.int64).reshape(len(found), size)

    return Events(
        places=numbers_of(PLACES),
        instants=numbers_of(["occurred_at"])[0],
        event_ids=np.frombuffer(b"".join(columns[_AT["event_id"]]), np.uint8).reshape(size, _ID_BYTES),
        numbers=numbers_of(NUMBERS),
        ids=tuple(_texts([(value or "").encode() for value in columns[_AT[name]]]) for name in IDS),
        keys=_chosen(columns[_AT[_KEY]]),
        kept=_chosen(columns[_AT[KEPT]]),
        shared=_chosen([_shared_of(row) for row in rows]),
    )


def joined(parts: Sequence[Events]) -> Events:
    """Return the events of all parts of a log, in the order of their lines."""
    together = _behind_one_another(parts)
    lines = together.places[0]
    return together if (lines[1:] > lines[:-1]).all() else _in_order(together, np.argsort(lines, kind="stable"))


def record_batch(events: Events, source: str) -> pa.RecordBatch:
    """Return the rows of ``coded.CODED_EVENTS``; all are of one source."""
    return _record_batch(events, Chosen(np.zeros(len(events), np.int64), [source]))


def record_batch_of_logs(logs: Sequence[tuple[Events, str]]) -> pa.RecordBatch:
    """Return the same of the events of several logs, each with its source, in their order.

    To make it of one log takes as long as of a thousand that have a few events each.
    """
    events = _behind_one_another([events for events, _ in logs])
    numbers = np.repeat(np.arange(len(logs)), [len(events) for events, _ in logs])
    return _record_batch(events, Chosen(numbers, [source for _, source in logs]))


def _record_batch(events: Events, sources: Chosen) -> pa.RecordBatch:
    kinds = {field.name: field.type for field in CODED_EVENTS}
    columns: dict[str, pa.Array] = {
        "event_id": pa.Array.from_buffers(kinds["event_id"], len(events), [None, pa.py_buffer(events.event_ids)]),
        "occurred_at": _number_column(events.instants, kinds["occurred_at"]),
        _KEY: chosen_column(events.keys.values, kinds[_KEY], events.keys.codes),
        KEPT: chosen_column(events.kept.values, kinds[KEPT], events.kept.codes),
        "source": chosen_column(sources.values, kinds["source"], sources.codes),
    }
    columns |= {name: _text_column(texts) for name, texts in zip(IDS, events.ids, strict=True)}
    for names, numbers in ((PLACES, events.places), (NUMBERS, events.numbers)):
        columns |= {name: _number_column(values, kinds[name]) for name, values in zip(names, numbers, strict=True)}
    for name, values in zip(SHARED, zip(*events.shared.values, strict=True), strict=True):
        columns[name] = chosen_column(values, kinds[name], events.shared.codes)
    return pa.RecordBatch.from_arrays([columns[name] for name in kinds], schema=CODED_EVENTS)


def _behind_one_another(parts: Sequence[Events]) -> Events:
    return Events(
        places=np.concatenate([part.places for part in parts], axis=1),
        instants=np.concatenate([part.instants for part in parts]),
        event_ids=np.concatenate([part.event_ids for part in parts]),
        numbers=np.concatenate([part.numbers for part in parts], axis=1),
        ids=tuple(_joined_texts([part.ids[index] for part in parts]) for index in range(len(IDS))),
        keys=_joined_choices([part.keys for part in parts]),
        kept=_joined_choices([part.kept for part in parts]),
        shared=_joined_choices([part.shared for part in parts]),
    )


def _in_order(events: Events, order: Array) -> Events:
    return Events(
        places=events.places.take(order, axis=1),
        instants=events.instants[order],
        event_ids=events.event_ids[order],
        numbers=events.numbers.take(order, axis=1),
        ids=tuple(Texts(texts.starts[order], texts.sizes[order], texts.content) for texts in events.ids),
        keys=Chosen(events.keys.codes[order], events.keys.values),
        kept=Chosen(events.kept.codes[order], events.kept.values),
        shared=Chosen(events.shared.codes[order], events.shared.values),
    )


def _texts(encoded: Sequence[bytes]) -> Texts:
    sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
    return Texts(np.cumsum(sizes) - sizes, sizes, np.frombuffer(b"".join(encoded), np.uint8))


def _chosen(values: Sequence[Any]) -> Chosen:
    known: dict[Any, int] = {}
    codes = [known.setdefault(value, len(known)) for value in values]
    return Chosen(np.array(codes, np.int64), list(known))


def _joined_texts(parts: Sequence[Texts]) -> Texts:
    sizes = [len(part.content) for part in parts]
    before = np.cumsum([0, *sizes[:-1]])
    return Texts(
        np.concatenate([part.starts + at for part, at in zip(parts, before, strict=True)]),
        np.concatenate([part.sizes for part in parts]),
        np.concatenate([part.content for part in parts]),
    )


def _joined_choices(parts: Sequence[Chosen]) -> Chosen:
    known: dict[Any, int] = {}
    codes = [np.zeros(0, np.int64)]
    for part in parts:
        if len(part.codes) > len(part.values):
            codes.append(np.array([known.setdefault(value, len(known)) for value in part.values], np.int64)[part.codes])
        else:  # there are values that no row has: the kernel knows those of logs before
            chosen = [part.values[code] for code in part.codes.tolist()]
            codes.append(np.array([known.setdefault(value, len(known)) for value in chosen], np.int64))
    return Chosen(np.concatenate(codes), list(known))


def _number_column(values: Array, kind: pa.DataType) -> pa.Array:
    is_stated = values != NOTHING
    if not is_stated.any():
        return nothing(len(values), kind)
    # Copied: most of these columns state nothing, and one of those that do would keep the memory of all.
    own = values.astype(np.int32 if kind == pa.int32() else np.int64)
    return pa.Array.from_buffers(kind, len(values), [_validity(is_stated), pa.py_buffer(own)])


def _text_column(texts: Texts) -> pa.Array:
    buffers = [_validity(texts.sizes > 0), *gathered_texts(texts.content, texts.starts, texts.sizes)]
    return pa.Array.from_buffers(pa.string(), len(texts.sizes), buffers)


def _validity(is_stated: Array) -> pa.Buffer | None:
    return None if is_stated.all() else pa.py_buffer(np.packbits(is_stated, bitorder="little"))
