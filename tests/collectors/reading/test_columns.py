"""Columns made from values are those that pyarrow makes of them, and need no pandas."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tables.coded import CODES
from pipeline.tables.columns import chosen_column, column, gathered_texts, nothing, record_batch
from pipeline.tables.schemas import INSTANT, QUARANTINE, USAGE_EVENTS

_KINDS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): st.text(st.characters(exclude_categories=("Cs",))),
    pa.binary(16): st.binary(min_size=16, max_size=16),
    pa.bool_(): st.booleans(),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    INSTANT: st.integers(-(2**63), 2**63 - 1),
}


@pytest.mark.long
@given(st.data())
def test_a_column_is_that_of_pyarrow(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(_KINDS, key=str)))
    values = data.draw(st.lists(st.none() | _KINDS[kind]) | st.lists(_KINDS[kind]))
    made = column(values, kind)
    made.validate(full=True)
    assert made.equals(pa.array(values, kind))
    assert made.null_count == values.count(None)


@pytest.mark.long
@given(st.data())
def test_texts_that_lie_here_and_there_are_one_column(data: st.DataObject) -> None:
    content = data.draw(st.binary(min_size=80, max_size=80))
    size = st.integers(0, 3) if data.draw(st.booleans()) else st.integers(0, 70)
    sizes = data.draw(st.lists(size, max_size=60))
    starts = [data.draw(st.integers(0, 80 - each)) for each in sizes]
    found = gathered_texts(np.frombuffer(content, np.uint8), np.array(starts, np.int64), np.array(sizes, np.int64))
    made = pa.Array.from_buffers(pa.binary(), len(sizes), [None, *found])
    made.validate(full=True)
    assert made.to_pylist() == [content[at : at + each] for at, each in zip(starts, sizes, strict=True)]


@pytest.mark.long
@given(st.data())
def test_a_column_of_few_values_is_that_of_all_its_rows(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(_KINDS, key=str)))
    values = data.draw(st.lists(st.none() | _KINDS[kind], min_size=1, max_size=4))
    choices = data.draw(st.lists(st.integers(0, len(values) - 1)))
    made = chosen_column(values, kind, np.array(choices, np.int64))
    made.validate(full=True)
    assert made.equals(pa.array([values[choice] for choice in choices], kind))


@pytest.mark.long
@given(st.data())
def test_codes_of_few_values_are_what_the_rows_have(data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | st.sampled_from(["", "a", "ü"]), min_size=1, max_size=4))
    choices = data.draw(st.lists(st.integers(0, len(values) - 1)))
    made = chosen_column(values, CODES, np.array(choices, np.int64))
    made.validate(full=True)
    assert made.to_pylist() == [values[choice] for choice in choices]
    stated = made.dictionary.to_pylist()
    assert len(stated) == len(set(stated))


def test_columns_of_nulls_have_the_same_memory() -> None:
    few, more = nothing(3, pa.int64()), nothing(5, pa.int64())
    assert [buffer.address for buffer in few.buffers()] == [buffer.address for buffer in more.buffers()]
    for size in (0, 5, 2**15, 2**15 + 1):
        made = nothing(size, CODES)
        made.validate(full=True)
        assert (made.type, len(made), made.null_count) == (CODES, size, size)


@pytest.mark.parametrize(
    ("values", "kind", "error"),
    [
        ([2**31], pa.int32(), OverflowError),
        ([2**63], pa.int64(), OverflowError),
        ([1.5], pa.int64(), TypeError),
        ([True], pa.int64(), TypeError),
        ([1], pa.bool_(), TypeError),
        ([b"x"], pa.string(), TypeError),
        ([b"short"], pa.binary(16), ValueError),
        ([1.0], pa.float64(), TypeError),
        ([1], pa.int8(), TypeError),
    ],
)
def test_what_does_not_fit_is_refused(values: list[Any], kind: pa.DataType, error: type[Exception]) -> None:
    with pytest.raises(error):
        column(values, kind)
    with pytest.raises(error):
        chosen_column(values, kind, np.zeros(3, np.int64))


@pytest.mark.parametrize("schema", [USAGE_EVENTS, QUARANTINE])
def test_no_rows_are_a_batch_without_rows(schema: pa.Schema) -> None:
    batch = record_batch([], schema)
    assert (batch.num_rows, batch.schema) == (0, schema)


@pytest.mark.long
def test_reading_a_log_imports_neither_pandas_nor_functions_of_arrow() -> None:
    program = (
        "import sys; from pathlib import Path; from pipeline.collectors import LogFormat, read_log\n"
        "path = Path('data/sample/requests-2026-10-04.jsonl'); "
        "path = path if path.exists() else next(Path('data').rglob('*.jsonl'))\n"
        "rows = sum(s.coded.num_rows for s in read_log(path, source='s', name='n', log_format=LogFormat(), "
        "fingerprint=lambda raw: 'key_1'))\n"
        "assert rows > 0; assert not {'pandas', 'pyarrow.compute'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
