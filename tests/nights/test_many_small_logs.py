"""What a night does once, and not once for each of many small logs."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.collectors import event_columns
from pipeline.collectors.formats.log_format import LogFormat
from pipeline.jobs.night import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOGS = 60


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return how often some functions were called, by their names."""
    counts: Counter[str] = Counter()

    def count(owner: Any, name: str, *, by: str) -> None:
        called: Callable[..., Any] = getattr(owner, name)

        def counted(*given: Any, **named: Any) -> Any:
            counts[by] += 1
            return called(*given, **named)

        monkeypatch.setattr(owner, name, counted)

    count(os.path, "realpath", by="folders resolved")
    count(LogFormat, "__post_init__", by="settings made")
    count(LogFormat, "settings", by="settings digested")
    count(run, "size_of", by="sizes asked for, which nobody is told")
    count(event_columns, "_record_batch", by="batches made")
    return counts


def test_a_night_over_many_small_logs_does_what_they_share_once(tmp_path: Path, calls: Counter[str]) -> None:
    root = make_workspace(tmp_path / "books")
    calls.clear()
    for number in range(LOGS):
        write_log(root, f"{number}.jsonl", plain(f"2026-10-01T10:{number:02}:00Z", id=f"c-{number}"))
    for _ in ("first", "with nothing new"):
        night = tallybook(root, "nightly")
        assert night.returncode == 0, night.stderr
        assert max(calls.values()) < LOGS, calls
        calls.clear()
