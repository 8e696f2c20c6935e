"""A log that several processes decode together gives what one process gives, whatever becomes of the others."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fuzzing import LineMaker

from pipeline.collectors import LogFormat, read_log, workers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not hasattr(os, "memfd_create"), reason="this system shares no nameless memory: one process reads"
)

FORMAT = LogFormat(line_bytes_max=200_000)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a log of many small blocks, which is read together however small it is."""
    monkeypatch.setattr(workers, "_SAMPLE_BYTES", 0)
    monkeypatch.setattr(workers, "_WORTHWHILE_SECONDS", 0.0)
    monkeypatch.setattr(workers, "_BEGINNING_SECONDS", 60.0)
    monkeypatch.setattr("pipeline.collectors.logs.line_blocks._BLOCK_BYTES", 2**15)
    monkeypatch.setattr("pipeline.collectors.logs.log_file._PLAIN_BLOCK_BYTES", 2**15)
    maker = LineMaker("workers")
    path = tmp_path / "app.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf"
        + b"".join(maker.made().content + maker.chance.choice((b"\n", b"\r\n", b"\n\n")) for _ in range(600))
        + b"x" * 300_000
        + b"\n{"
    )
    return path


def _read(
    path: Path,
    *,
    processes: int,
    fingerprint: Callable[[str], str] = lambda raw: f"key_{len(raw)}",
    log_format: LogFormat = FORMAT,
) -> tuple[list[Any], int]:
    segments = read_log(
        path,
        source="s",
        name="n",
        log_format=log_format,
        fingerprint=fingerprint,
        segment_events_max=150,
        processes=processes,
    )
    found = [(segment.record, segment.events.to_pylist(), segment.quarantined.to_pylist()) for segment in segments]
    return found, segments.pending_bytes


@pytest.mark.parametrize(
    "fields", [{}, {"request_id": "latency_ms", "api_key_id": "request.model"}], ids=["our names", "other names"]
)
def test_two_processes_give_the_segments_of_one(
    log: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    log_format = replace(FORMAT, fields=fields)
    answers = []
    answer = workers.Worker.answer
    monkeypatch.setattr(
        workers.Worker, "answer", lambda self, waiting: answers.append(answer(self, waiting)) or answers[-1]
    )
    monkeypatch.setattr(
        workers.Worker, "has_answered", lambda _self: False
    )  # wait for the other: it decodes whatever it was asked for
    log.write_bytes(log.read_bytes().replace(b'"api_key":', b'"api_kez":'))
    assert _read(log, processes=2, log_format=log_format) == _read(log, processes=1, log_format=log_format)
    assert sum(given is not None for given in answers) > 5


def test_a_block_with_a_raw_key_is_decoded_where_the_secret_is(log: Path) -> None:
    log.write_bytes(
        b"".join(
            line.replace(b'"api_key_id": "key_1"', b'"api_key": "sk-made-up"')
            for line in log.read_bytes().splitlines(keepends=True)
        )
    )
    asked: list[str] = []
    both = _read(log, processes=2, fingerprint=lambda raw: asked.append(raw) or "key_of_it")
    assert "sk-made-up" in asked
    assert both == _read(log, processes=1, fingerprint=lambda _raw: "key_of_it")


@pytest.mark.parametrize("fate", ["killed", "stopped", "ended at once", "not there"])
def test_what_another_process_leaves_undone_is_done_here(log: Path, monkeypatch: pytest.MonkeyPatch, fate: str) -> None:
    expected = _read(log, processes=1)
    ask = workers.Worker.ask

    def ask_and_lose(self: Any, waiting: Any) -> bool:
        is_asked = ask(self, waiting)
        if is_asked and fate in ("killed", "stopped"):
            os.kill(self._process.pid, signal.SIGKILL if fate == "killed" else signal.SIGSTOP)
        return is_asked

    monkeypatch.setattr(workers.Worker, "ask", ask_and_lose)
    monkeypatch.setattr(workers, "_PATIENCE_SECONDS", 0.2)
    if fate in ("ended at once", "not there"):
        monkeypatch.setattr("sys.executable", "/bin/false" if fate == "ended at once" else "/nowhere/python")
    assert _read(log, processes=2) == expected


@pytest.mark.parametrize(("seconds", "times"), [(2.8, 0), (3.4, 1)])
def test_other_processes_are_begun_where_the_second_half_of_a_log_would_take_long(
    log: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, times: int
) -> None:
    size, decoded_bytes, begun_at = log.stat().st_size, [0], []
    decode = workers.InOrder._decoded  # noqa: SLF001 - time goes by while it works

    def decode_in_time(self: Any, block: Any) -> Any:
        decoded_bytes.append(block.end - block.start)
        return decode(self, block)

    class NoPool:
        def __init__(self, *_args: Any) -> None:
            begun_at.append(sum(decoded_bytes))

        def submit(self, _waiting: Any) -> bool:
            return False

        def close(self) -> None:
            pass

    monkeypatch.setattr(workers, "_SAMPLE_BYTES", size // 2)
    monkeypatch.setattr(workers, "_WORTHWHILE_SECONDS", 1.5)
    monkeypatch.setattr(workers.InOrder, "_decoded", decode_in_time)
    monkeypatch.setattr(workers, "_Pool", NoPool)
    monkeypatch.setattr(workers.time, "monotonic", lambda: sum(decoded_bytes) * seconds / size)
    _read(log, processes=2)
    assert [size // 2 <= at < size // 2 + 2**16 for at in begun_at] == [True] * times


def test_a_process_that_does_not_begin_is_not_waited_for(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _read(log, processes=1)
    begin = workers.Worker.__init__

    def begin_and_stop(self: Any, *args: Any) -> None:
        begin(self, *args)
        os.kill(self._process.pid, signal.SIGSTOP)

    monkeypatch.setattr(workers.Worker, "__init__", begin_and_stop)
    monkeypatch.setattr(workers, "_BEGINNING_SECONDS", 0.0)
    monkeypatch.setattr(workers.Worker, "answer", lambda _self, _waiting: pytest.fail("it was asked"))
    assert _read(log, processes=2) == expected


def test_an_abandoned_reading_leaves_no_process_behind(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    begin = workers.Worker.__init__

    def remember(self: Any, *args: Any) -> None:
        begin(self, *args)
        begun.append(self._process)

    monkeypatch.setattr(workers.Worker, "__init__", remember)
    segments = read_log(
        log, source="s", name="n", log_format=FORMAT, fingerprint=len, segment_events_max=50, processes=3
    )
    next(segments)
    segments.close()
    assert [process.poll() is not None for process in begun] == [True, True]
