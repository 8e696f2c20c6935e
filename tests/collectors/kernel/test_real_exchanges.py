"""Which real exchanges the kernel reads, where they come again with other ids, instants and counts, as in a log."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from both_readers import fingerprint, read_plainly
from fuzzing import found_rows
from varied_lines import multiplied, with_other_ids

from pipeline.base.zstd import zstd
from pipeline.collectors import LogFormat
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.rules import table

CORPUS = Path(os.environ.get("TALLYBOOK_CORPUS", Path(__file__).resolve().parents[4] / "shared" / "corpus"))
_COPIES = 3
_READ_MIN = 0.995
"""The others are handed over before they have a shape, such as streams of which each chunk is a kilobyte of nulls."""


@pytest.mark.slow
@pytest.mark.skipif(not (CORPUS / "requests.jsonl.zst").exists(), reason="the corpus of real exchanges is not here")
def test_nearly_all_real_exchanges_are_read_by_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    chance = random.Random("exchanges")
    with zstd.open(CORPUS / "requests.jsonl.zst") as stream:
        exchanges = [line.rstrip(b"\n") for line in stream]
    decoder = BlockDecoder(source="s", log_format=LogFormat(), fingerprint=fingerprint)
    others = []
    for exchange in exchanges:
        lines = [with_other_ids(multiplied(exchange, chance), chance) for _ in range(_COPIES)]
        found = decoder.decoded(b"".join(line + b"\n" for line in lines), start=0, first_line=1)
        assert found_rows(found) == read_plainly(lines)
        if found.told + found.blank < _COPIES:
            others.append(json.loads(exchange)["corpus_key"])
    assert len(exchanges) > 2000
    assert len(others) <= (1 - _READ_MIN) * len(exchanges), others
