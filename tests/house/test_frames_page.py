"""The examples of ``docs/frames.md`` run on the sample, as they stand there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from documented import ROOT, copy_sample

from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.nightly import nightly

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_every_example_of_the_page_of_frames_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_sample(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    nightly(open_workspace(tmp_path / "data"), now=datetime(2026, 11, 1, tzinfo=UTC), key_secret=None)
    blocks = re.findall(
        r"(?<=^```python\n).*?(?=^```$)", (ROOT / "docs/frames.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)  # noqa: S102  # the page's own code
    assert len(blocks) == 6
    events = names["books"].events(period="2026-10").arrow()  # type: ignore[attr-defined]
    assert pq.read_table("october.parquet") == events.select(["occurred_at", "api_key_id", "prompt_tokens"])
    assert names["tokens"] == sum(tokens or 0 for tokens in events["prompt_tokens"].to_pylist())
    assert len(names["charges"]) == 245  # type: ignore[arg-type]
