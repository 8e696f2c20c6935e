from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.warehouse import identities
from pipeline.warehouse.identities import (
    beginning_alike,
    beginnings,
    beginnings_of,
    one_by_one,
    repeated_beginnings,
    suspected_identities,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BEGINNINGS = st.sampled_from(
    [b"\x00" * 8, b"\x00" * 7 + b"\x01", b"\xff" * 8, b"\x80" + b"\x00" * 7, b"abcdefgh"]
) | st.binary(min_size=8, max_size=8)
IDENTITIES = st.builds(bytes.__add__, BEGINNINGS, st.sampled_from([b"\x00" * 8, b"\xff" * 8, b"ijklmnop"]))


def write_files(folder: Path, files: Sequence[Sequence[bytes]], *, rows_per_group: int = 1_000_000) -> list[Path]:
    paths = [folder / f"{number}.parquet" for number in range(len(files))]
    for path, listed in zip(paths, files, strict=True):
        pq.write_table(pa.table({"event_id": pa.array(listed, pa.binary(16))}), path, row_group_size=rows_per_group)
    return paths


def suspected(paths: Sequence[Path], *, sorted_events_max: int = 1_000) -> list[bytes]:
    """Return what is suspected where identities are held, and where they are read again: the same."""
    found = []
    for held_events_max in (0, identities.HELD_EVENTS_MAX):
        with mock.patch.object(identities, "HELD_EVENTS_MAX", held_events_max):
            table = suspected_identities(paths, sorted_events_max=sorted_events_max)
        found.append(sorted(table["event_id"].to_pylist()))
    assert found[0] == found[1]
    return found[0]


@pytest.mark.long
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(st.lists(IDENTITIES, max_size=12), max_size=4),
    sorted_events_max=st.integers(min_value=1, max_value=50),
)
def test_all_identities_whose_beginning_is_repeated_are_suspected_in_one_pass_or_many(
    tmp_path: Path, files: list[list[bytes]], sorted_events_max: int
) -> None:
    paths = write_files(tmp_path, files)
    listed = [each for file in files for each in file]
    begun = Counter(each[:8] for each in listed)
    assert suspected(paths, sorted_events_max=sorted_events_max) == sorted(
        {each for each in listed if begun[each[:8]] > 1}
    )


@pytest.mark.parametrize("rows_per_group", [1, 3, 1_000_000])
def test_a_copy_in_another_file_or_row_group_is_found(tmp_path: Path, rows_per_group: int) -> None:
    listed = [number.to_bytes(8, "big") + b"12345678" for number in range(7)]
    paths = write_files(tmp_path, [listed, [listed[5]]], rows_per_group=rows_per_group)
    assert suspected(paths) == [listed[5]]


def test_without_events_nothing_is_suspected(tmp_path: Path) -> None:
    assert suspected([]) == []
    assert suspected(write_files(tmp_path, [[]])) == []


@pytest.mark.long
def test_many_identities_are_told_apart_in_batches(tmp_path: Path) -> None:
    listed = [(number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "little") + b"12345678" for number in range(600_000)]
    paths = write_files(tmp_path, [listed, listed[599_990:]])
    assert suspected(paths, sorted_events_max=250_000) == sorted(listed[599_990:])


def identity(beginning: int, end: int = 0) -> bytes:
    """An identity by its two words, as a processor reads them."""
    return beginning.to_bytes(8, "little") + end.to_bytes(8, "little")


def words(*beginnings_: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array(beginnings_, np.uint64)


EDGES = (0, 1, 2**37 - 1, 2**37, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1)
"""Beginnings at the edges of their first bits."""


def test_identities_are_looked_up_by_their_beginnings_each_once(tmp_path: Path) -> None:
    paths = write_files(
        tmp_path, [[identity(each, end) for each in EDGES for end in (3, 4)], [identity(EDGES[0], 3)], []]
    )
    for wanted in (EDGES[:1], EDGES[-1:], EDGES[2:4], EDGES[::2], EDGES):
        found = one_by_one(beginning_alike(paths, words(*wanted)).values())["event_id"].to_pylist()
        assert sorted(found) == sorted(identity(each, end) for each in wanted for end in (3, 4))
    for absent in ((), (5,), (2**37 - 2, 2**37 + 1), (2**64 - 3,)):
        assert one_by_one(beginning_alike(paths, words(*absent)).values())["event_id"].to_pylist() == []
    assert one_by_one(beginning_alike([], words(7)).values()).schema == pa.schema({"event_id": pa.binary()})


def test_beginnings_of_groups_of_files_are_sorted_and_as_often_there_as_they_occur(tmp_path: Path) -> None:
    one, other, empty = write_files(tmp_path, [[identity(9), identity(3), identity(9, 1)], [identity(5)], []])
    found = beginnings({"both": [one, other], "one": [other, empty], "none": [empty], "no file": []})
    assert {group: list(each) for group, each in found.items()} == {
        "both": [3, 5, 9, 9],
        "one": [5],
        "none": [],
        "no file": [],
    }


def test_beginnings_of_a_column_are_sorted_and_each_once() -> None:
    column = pa.chunked_array([[identity(9), identity(3, 7)], [identity(9, 1)]], pa.binary())
    assert list(beginnings_of(column)) == [3, 9]
    assert list(beginnings_of(pa.chunked_array([[]], pa.binary()))) == []


def test_what_is_new_is_repeated_where_it_occurs_once_more_among_the_new_or_the_old() -> None:
    old = {"a": words(1, 4, 4, 8), "b": words(2, 8, 2**64 - 1), "c": words(5, 5)}
    read = {name: lambda name=name: old[name] for name in old}
    repeated, hits = repeated_beginnings([words(3, 4, 7), words(0, 3, 8), words(2**64 - 1)], read)
    assert list(repeated) == [3, 4, 8, 2**64 - 1]
    assert {name: list(found) for name, found in hits.items()} == {"a": [4, 8], "b": [8, 2**64 - 1]}


def test_where_nothing_is_new_nothing_of_before_is_read() -> None:
    def never() -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        raise AssertionError

    for new in ([], [words()], [words(), words()]):
        repeated, hits = repeated_beginnings(new, {"a": never})
        assert (list(repeated), hits) == ([], {})


def test_what_is_repeated_among_the_old_alone_is_not_looked_for() -> None:
    repeated, hits = repeated_beginnings([words(1)], {"a": lambda: words(2, 2), "b": lambda: words(2)})
    assert (list(repeated), hits) == ([], {})


@pytest.mark.parametrize("sorted_events_max", range(1, 9))
def test_each_beginning_is_in_one_pass_of_as_many_as_the_events_need(tmp_path: Path, sorted_events_max: int) -> None:
    paths = write_files(tmp_path, [[identity(number) for number in (0, 1, 2, 3)], [identity(1), identity(2, 9)], []])
    assert suspected(paths, sorted_events_max=sorted_events_max) == sorted([identity(1), identity(2), identity(2, 9)])


@pytest.mark.parametrize(("events_max", "passes"), [(13, 1), (12, 1), (11, 2), (6, 2), (5, 3), (4, 3), (3, 4), (1, 12)])
def test_there_are_as_many_passes_as_the_events_need_and_each_takes_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events_max: int, passes: int
) -> None:
    taken: dict[int, int] = {}
    read = identities._prefixes  # noqa: SLF001 - nothing else tells how much memory a pass takes

    def counted(file: Path, *, number: int, **more: Any) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        found = read(file, number=number, **more)
        taken[number] = found.size
        return found

    monkeypatch.setattr(identities, "_prefixes", counted)
    suspected(write_files(tmp_path, [[identity(number) for number in range(12)]]), sorted_events_max=events_max)
    assert taken == dict.fromkeys(range(passes), 12 // passes)


@pytest.mark.parametrize(("held_events_max", "times"), [(5, 1), (4, 2)])
def test_files_of_few_events_are_read_once_and_of_more_again_to_be_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_events_max: int, times: int
) -> None:
    paths = write_files(tmp_path, [[identity(1), identity(2), identity(3)], [identity(2), identity(3, 9)]])
    opened: Counter[str] = Counter()
    read = identities.batches_of

    def counted(file: Path, *more: Any) -> Iterator[pa.RecordBatch]:
        opened[file.name] += 1
        return read(file, *more)

    monkeypatch.setattr(identities, "batches_of", counted)
    monkeypatch.setattr(identities, "HELD_EVENTS_MAX", held_events_max)
    found = suspected_identities(paths)["event_id"].to_pylist()
    assert sorted(found) == sorted([identity(2), identity(3), identity(3, 9)])
    assert opened == {path.name: times for path in paths}


def test_beginnings_far_from_zero_are_found_by_their_own_first_bits() -> None:
    for value in EDGES[4:]:
        repeated, hits = repeated_beginnings([words(value)], {"a": lambda value=value: words(1, value)})
        assert (list(repeated), {name: list(found) for name, found in hits.items()}) == ([value], {"a": [value]})
