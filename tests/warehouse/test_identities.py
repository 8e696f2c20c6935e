from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.warehouse.identities import suspected_identities

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BEGINNINGS = st.sampled_from(
    [b"\x00" * 8, b"\x00" * 7 + b"\x01", b"\xff" * 8, b"\x80" + b"\x00" * 7, b"abcdefgh"]
) | st.binary(min_size=8, max_size=8)
IDENTITIES = st.builds(bytes.__add__, BEGINNINGS, st.sampled_from([b"\x00" * 8, b"\xff" * 8, b"ijklmnop"]))


def write_files(folder: Path, files: Sequence[Sequence[bytes]], *, rows_per_group: int = 1_000_000) -> list[Path]:
    paths = [folder / f"{number}.parquet" for number in range(len(files))]
    for path, identities in zip(paths, files, strict=True):
        pq.write_table(pa.table({"event_id": pa.array(identities, pa.binary(16))}), path, row_group_size=rows_per_group)
    return paths


def suspected(paths: Sequence[Path], *, sorted_events_max: int = 1_000) -> list[bytes]:
    return sorted(suspected_identities(paths, sorted_events_max=sorted_events_max)["event_id"].to_pylist())


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(st.lists(IDENTITIES, max_size=12), max_size=4),
    sorted_events_max=st.integers(min_value=1, max_value=50),
)
def test_all_identities_whose_beginning_is_repeated_are_suspected_in_one_pass_or_many(
    tmp_path: Path, files: list[list[bytes]], sorted_events_max: int
) -> None:
    paths = write_files(tmp_path, files)
    identities = [identity for file in files for identity in file]
    beginnings = Counter(identity[:8] for identity in identities)
    assert suspected(paths, sorted_events_max=sorted_events_max) == sorted(
        {identity for identity in identities if beginnings[identity[:8]] > 1}
    )


@pytest.mark.parametrize("rows_per_group", [1, 3, 1_000_000])
def test_a_copy_in_another_file_or_row_group_is_found(tmp_path: Path, rows_per_group: int) -> None:
    identities = [number.to_bytes(8, "big") + b"12345678" for number in range(7)]
    paths = write_files(tmp_path, [identities, [identities[5]]], rows_per_group=rows_per_group)
    assert suspected(paths) == [identities[5]]


def test_without_events_nothing_is_suspected(tmp_path: Path) -> None:
    assert suspected([]) == []
    assert suspected(write_files(tmp_path, [[]])) == []


def test_many_identities_are_told_apart_in_batches(tmp_path: Path) -> None:
    identities = [
        (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "little") + b"12345678" for number in range(600_000)
    ]
    paths = write_files(tmp_path, [identities, identities[599_990:]])
    assert suspected(paths, sorted_events_max=250_000) == sorted(identities[599_990:])
