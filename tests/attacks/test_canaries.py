"""No raw key, no prompt and no completion is in anything that Tallybook writes or says, whatever is done with it.

The rules are claimed one by one beside the collector (``tests/collectors/test_secrecy.py``). Here every format is
poisoned in every place, and a whole life is lived of which every byte is searched.
"""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from canaries import KEYS, SEARCH, SECRET, found_in_files
from poisoned import EVERY_FORMAT, with_content_beside, with_key_in_each_place

from pipeline.collectors import KeyFingerprint, LogFormat, read_log

if TYPE_CHECKING:
    from pathlib import Path


def collected(folder: Path, *documents: Any, **options: Any) -> bytes:
    """Return everything that a reading of a log gave, as text."""
    log = folder / "app.jsonl"
    log.write_bytes(b"".join(json.dumps(each).encode() + b"\n" for each in documents))
    reading = read_log(
        log,
        source="logs/app.jsonl",
        name="app",
        log_format=LogFormat(**options),
        fingerprint=KeyFingerprint(secret=SECRET.encode()),
    )
    segments = list(reading)
    tables = [(segment.events.to_pylist(), segment.quarantined.to_pylist(), segment.record) for segment in segments]
    return repr((tables, reading.problem)).encode()


def test_the_search_finds_a_canary_however_it_is_packed_or_spelled(tmp_path: Path) -> None:
    """A search that finds nothing proves nothing."""
    key = KEYS[0]
    (tmp_path / "a.gz").write_bytes(gzip.compress(key.encode()))
    pq.write_table(pa.table({"x": [f"a {key[5:20]}"]}), tmp_path / "b.parquet", compression="zstd")
    (tmp_path / "c").write_bytes(base64.b64encode(b"x" + key.encode()))
    (tmp_path / "d").write_bytes(key[::-1].encode() + b".")
    (tmp_path / "e").write_bytes(key.encode().hex().upper().encode())
    (tmp_path / "f").write_bytes(key.encode("utf-16-le"))
    (tmp_path / f"g {key}").write_bytes(b"")
    (tmp_path / "h").write_bytes(key[:11].encode())
    assert found_in_files(tmp_path, SEARCH).keys() == {"a.gz", "b.parquet", "c", "d", "e", "f", f"g {key}"}


@pytest.mark.parametrize("name", EVERY_FORMAT)
def test_what_customers_wrote_is_kept_in_no_format_wherever_it_stands(name: str, tmp_path: Path) -> None:
    document = with_content_beside(EVERY_FORMAT[name])
    assert SEARCH(json.dumps(document).encode())
    assert SEARCH(collected(tmp_path, document)) == set()


@pytest.mark.parametrize(
    "keys", [KEYS[:2], pytest.param(KEYS, marks=pytest.mark.slow)], ids=["two forms", "every form"]
)
@pytest.mark.parametrize("name", EVERY_FORMAT)
def test_a_raw_key_is_kept_in_no_format_in_no_place(name: str, keys: tuple[str, ...], tmp_path: Path) -> None:
    documents = [each for key in keys for each in with_key_in_each_place(EVERY_FORMAT[name], key)]
    assert len(documents) > len(keys) * 9
    if SEARCH(collected(tmp_path, *documents)):
        kept = [each for each in documents if SEARCH(collected(tmp_path, each))]
        pytest.fail(f"of {len(documents)} documents {len(kept)}: {kept[:3]}")
