"""Events with codes for texts that repeat are written as those with texts, to the byte, whatever order they came in."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

import pyarrow as pa
import pytest
from lake_inputs import event, events_table

from pipeline.lake.data_files import encoded_events
from pipeline.objects.encoded import parquet_bytes
from pipeline.tables.coded import CODED_EVENTS, CODES, coded, plain, together
from pipeline.tables.schemas import USAGE_EVENTS

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
PARTS = (
    [event(1, MIDNIGHT, api_key_id="key_b", model_reported="m"), event(2, MIDNIGHT, api_key_id="key_a")],
    [event(3, MIDNIGHT, api_key_id="key_a", model_reported=None, finish_reason=None)],
    [event(4, MIDNIGHT, api_key_id="key_c", other_usage='{"a":1}')],
)


def test_texts_and_codes_are_the_same_events() -> None:
    rows = events_table([each for part in PARTS for each in part])
    assert coded(rows).schema == CODED_EVENTS
    assert coded(coded(rows)).equals(coded(rows))
    assert plain(coded(rows)).equals(rows)
    assert plain(rows).equals(rows)
    assert together([]).schema == CODED_EVENTS
    assert plain(together([coded(rows), rows])).equals(pa.concat_tables([rows, rows]))


def test_all_texts_but_ids_are_codes() -> None:
    texts = {field.name for field in USAGE_EVENTS if field.type == pa.string()}
    assert {field.name for field in CODED_EVENTS if field.type == CODES} == texts - {"request_id", "response_id"}


@pytest.mark.parametrize("rows_per_group", [1, 2, 100])
def test_files_are_the_same_to_the_byte_in_whatever_order_their_texts_came(
    rows_per_group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_bytes, "ROWS_PER_GROUP", rows_per_group)
    files = set()
    for parts in permutations(PARTS):
        of_parts = [coded(events_table(part)) for part in parts]
        ((file, content),) = encoded_events(together(of_parts), 1)
        assert content == next(encoded_events(plain(together(of_parts)), 1))[1]
        assert plain(together(of_parts)).sort_by("line").equals(parquet_bytes.decode(content).sort_by("line"))
        files.add((file.sha256, file.rows))
    assert len(files) == 1
