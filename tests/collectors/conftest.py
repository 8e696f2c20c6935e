"""A log written line by line, and what the collector makes of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors import KeyFingerprint, LogFormat, read_log
from pipeline.collectors.kernel.rules import finder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.collectors import LogReading
    from pipeline.collectors.segment import LogSegment
    from pipeline.usage.sources import SourceRecord

SECRET = b"a secret of thirty-two bytes, ok!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """Everything that one reading of a log gave."""

    segments: list[LogSegment]
    reading: LogReading

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events, as dicts."""
        return [event for segment in self.segments for event in segment.events.to_pylist()]

    @property
    def quarantined(self) -> list[dict[str, Any]]:
        """All quarantined lines, as dicts."""
        return [row for segment in self.segments for row in segment.quarantined.to_pylist()]

    @property
    def records(self) -> list[SourceRecord]:
        """The records of the segments."""
        return [segment.record for segment in self.segments]

    @property
    def event(self) -> dict[str, Any]:
        """The only event of the log."""
        assert not self.quarantined, self.quarantined
        (event,) = self.events
        return event

    @property
    def refusal(self) -> tuple[str, str]:
        """Reason and detail of the only line of the log."""
        assert not self.events
        (row,) = self.quarantined
        return row["reason"], row["detail"]

    @property
    def tokens(self) -> tuple[int | None, ...]:
        """Prompt, completion, cached, cache-write and reasoning tokens of the only event."""
        names = (
            "prompt_tokens",
            "completion_tokens",
            "prompt_cached_tokens",
            "prompt_cache_write_tokens",
            "reasoning_tokens",
        )
        return tuple(self.event[name] for name in names)


def _collect_file(
    path: Path,
    *,
    known: Sequence[SourceRecord] = (),
    segment_events_max: int = 1_000_000,
    follows_links: bool = False,
    **log_format: Any,
) -> Collected:
    reading = read_log(
        path,
        source="logs/app.jsonl",
        name="app",
        log_format=LogFormat(**log_format),
        fingerprint=KeyFingerprint(secret=SECRET),
        known=known,
        segment_events_max=segment_events_max,
        follows_links=follows_links,
    )
    segments = list(reading)
    for segment in segments:
        record = segment.record
        assert record.is_balanced
        assert (segment.events.num_rows, segment.quarantined.num_rows) == (
            sum(record.events.values()),
            sum(record.quarantined.values()),
        )
    return Collected(segments=segments, reading=reading)


@pytest.fixture(autouse=True)
def _has_spent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test find rules as a process that has just begun: others here ask for more than lines are worth."""
    monkeypatch.setattr(finder, "_costs", Counter())
    monkeypatch.setattr(finder, "_met", {})


@pytest.fixture(scope="session")
def collect_file() -> Callable[..., Collected]:
    """Read a file: ``collect_file(path, known=…, **log_format)``."""
    return _collect_file


@pytest.fixture(scope="session")
def collect(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Collected]:
    """Read lines (dicts, text or bytes; an LF after each): ``collect(*lines, **log_format)``."""

    def collect_lines(*lines: dict[str, Any] | str | bytes, **options: Any) -> Collected:
        path = tmp_path_factory.mktemp("log") / "app.jsonl"
        path.write_bytes(b"".join(_bytes(line) + b"\n" for line in lines))
        return _collect_file(path, **options)

    return collect_lines


@pytest.fixture(scope="session")
def exchange() -> Callable[..., dict[str, Any]]:
    """Build the line of a successful chat completion; keywords replace fields, ``...`` leaves one out."""

    def build(**fields: Any) -> dict[str, Any]:
        line = {
            "ts": "2026-09-01T12:00:00Z",
            "request_id": "req-1",
            "api_key_id": "key_1",
            "status": 200,
            "method": "POST",
            "path": "/studio/v1/chat/completions",
            "request": {"model": "jamba-large", "stream": False},
            "response": {
                "id": "chatcmpl-1",
                "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}
                ],
                "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
            },
        } | fields
        return {name: value for name, value in line.items() if value is not ...}

    return build


@pytest.fixture(scope="session")
def sse() -> Callable[..., str]:
    """Build a transcript as AI21 sends it: ``data: …`` and CRLF CRLF after each chunk."""

    def build(*chunks: dict[str, Any] | str, end: str = "\r\n\r\n") -> str:
        return "".join(f"data: {chunk if isinstance(chunk, str) else json.dumps(chunk)}{end}" for chunk in chunks)

    return build


def _bytes(line: dict[str, Any] | str | bytes) -> bytes:
    if isinstance(line, bytes):
        return line
    return (line if isinstance(line, str) else json.dumps(line)).encode()
