"""Logs of containers that grow in any pieces: many lines at a time, and one by one, the same rows, records and ends."""

from __future__ import annotations

import gzip
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from both_readers import fingerprint
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.collectors import LogFormat, read_log
from pipeline.collectors.kernel import in_order, readers
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.program import Program, ProgramFailed
from pipeline.collectors.kernel.rules import table
from pipeline.collectors.logs import log_file, logical_lines
from pipeline.collectors.reading import filling, splitting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TIME = "2026-10-01T00:00:00.123456789Z"


class _Log:
    """Makes the lines of a container's log: exchanges, texts, JSON of other kinds, in parts, damaged."""

    def __init__(self, chance: random.Random, logger: str) -> None:
        self.chance = chance
        self.logger = logger
        self.has_arrays = chance.random() < 0.3
        """Only of logs that are not damaged: where lines are taken out one by one, many of them are added at once."""
        self.streams = chance.choice((["stdout"], ["stdout", "stdout", "stderr"]))
        self.ends = ["\n"] * 4 + ([] if self.has_arrays else ["\r\n", "\n\n", "\r\r\n", ""])

    def lines(self) -> Iterator[bytes]:
        """Yield lines of the log, with their line ends."""
        for number in range(self.chance.randrange(1, 50)):
            said, size = self._said(number), self.chance.choice((10**6, 10**6, 200))
            stream = self.chance.choice(self.streams)
            parts = [said[at : at + size] for at in range(0, len(said), size)] or [""]
            for part in parts[:-1]:
                yield self._damaged(self._logged(part, "", stream)) + b"\n"
            yield self._damaged(self._logged(parts[-1], self.chance.choice(self.ends), stream)) + b"\n"

    def _said(self, number: int) -> str:
        chance = self.chance
        usage = {"prompt_tokens": chance.randrange(9), "completion_tokens": 2}
        body = {"id": f"c{number}", "choices": [], "model": "m", "usage": usage}
        said = {"ts": 1_788_264_000, "api_key_id": f"k{chance.randrange(2)}", "status": 200, "response": body}
        if chance.random() < 0.1:
            del body["id"]
        elif chance.random() < 0.8:
            said["request_id"] = f"r{number}"
        said["note"] = 'zé"\\{<\U0001f600' * chance.choice((0, 5, 100))
        text = json.dumps(said, ensure_ascii=chance.random() < 0.5)
        others = [f"text {number}", text[: chance.randrange(1, 60)], json.dumps({"level": "info", "a": number}), ""]
        if self.has_arrays:
            others.append(json.dumps([said, {**said, "request_id": f"q{number}"}]))
        return text if chance.random() < 0.7 else chance.choice(others)

    def _logged(self, part: str, end: str, stream: str) -> bytes:
        chance = self.chance
        if self.logger == "journald":
            beside = {} if end else {"_LINE_BREAK": "line-max"}
            return json.dumps({"MESSAGE": part, "__CURSOR": "x", "_PID": stream, **beside}).encode()
        if self.logger == "cri":
            return f"{_TIME} {stream} {'F' if end else 'P'} {part}".encode() + b"\r" * (end == "\r\n")
        entry = {"log": part + end, "stream": stream, "time": _TIME}
        if chance.random() < 0.1:
            entry |= {"attrs": {"tag": "a"}} if chance.random() < 0.5 else {}
            entry = dict(reversed(entry.items()))
        return json.dumps(entry, separators=(",", ":"), ensure_ascii=chance.random() < 0.5).encode()

    def _damaged(self, line: bytes) -> bytes:
        chance = self.chance
        if self.has_arrays or chance.random() < 0.94:
            return line
        at = chance.randrange(len(line))
        twice = line.replace(b'{"log"', b'{"log":"y","log"')
        return chance.choice(
            (
                *(b"", b"\0" + line, line + b"\0", b"bare " + line, b"\xef\xbb\xbf" + line, line[:at], line + b" "),
                *(line[:at] + b"\xff" + line[at:], line[:at] + line[at + 1 :], twice, line.replace(b"time", b"x")),
                *(line.replace(b"stdout", b"stdxxx"), line.replace(b" F ", b" F:x ")),
            )
        )


def _read(path: Path, content: bytes, ends: list[int], **options: Any) -> list[Any]:
    """Read a log as it grows up to each of some ends; return all there is to know of it."""
    readers._idle.clear()  # noqa: SLF001 - what was learned of another log would hide what this one teaches
    known: list[Any] = []
    found: list[Any] = []
    for end in ends:
        path.write_bytes(gzip.compress(content[:end]) if path.suffix == ".gz" else content[:end])
        reading = read_log(path, source="s", name="n", fingerprint=fingerprint, known=known, **options)
        for segment in reading:
            assert segment.record.is_balanced
            known.append(segment.record)
            found += [segment.record, segment.events.to_pylist(), segment.quarantined.to_pylist()]
        found += [reading.pending_bytes, reading.problem]
        assert reading.kernel_failures == 0
    return found


@pytest.mark.slow
@pytest.mark.parametrize("logger", ["docker", "cri", "journald"])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_wherever_blocks_segments_and_runs_end_the_same_is_read(
    logger: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance = random.Random(seed)
    log = _Log(chance, logger)
    content = b"".join(log.lines())[: -1 if chance.random() < 0.2 else None]
    path = tmp_path_factory.mktemp("log") / chance.choice(("app.log", "app.log", "app.gz"))
    ends = [*sorted(chance.sample(range(len(content)), chance.choice((0, 0, min(2, len(content)))))), len(content)]
    options = {
        "log_format": LogFormat(line_bytes_max=2**26 if log.has_arrays else chance.choice((2**26, 600))),
        "segment_events_max": chance.choice((1, 2, 3, 7, 1000)) if not log.has_arrays or logger != "journald" else 1000,
    }
    with pytest.MonkeyPatch.context() as sizes:
        sizes.setattr(table, "LEARNED_FROM_BYTES", chance.choice((0, 10**9)))
        sizes.setattr(logical_lines, "_RUN_BYTES", chance.choice((10, 1000, 2**20)))
        sizes.setattr(filling, "_TAKEN_BYTES", chance.choice((1, 1000, 2**21)))
        sizes.setattr(splitting, "_BLOCK_BYTES", chance.choice((1, 1000, 2**22)))
        sizes.setattr(splitting, "_AGAIN_BYTES_MAX", chance.choice((0, 100, 1000, 2**20)))
        sizes.setattr(log_file, "_PLAIN_BLOCK_BYTES", chance.choice((300, 1500, 2**23)))
        expected = _read(path, content, ends, reader="plain", **options)
        assert _read(path, content, ends, reader="fast", **options) == expected


def _of(logger: str, seed: int = 1) -> bytes:
    log = _Log(random.Random(seed), logger)
    log.has_arrays, log.ends = True, ["\n"]  # which is not damaged
    return b"".join(line for _ in range(10) for line in log.lines())


@pytest.mark.long
@pytest.mark.parametrize("logger", ["docker", "cri"])
def test_nearly_all_lines_are_read_where_they_lie(logger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", 5000)
    views, lines = [], []
    real = BlockDecoder.decoded_wrapped

    def decoded_wrapped(decoder: BlockDecoder, wrapped: Any, rows_max: int) -> Any:
        views.append(not isinstance(wrapped.content.obj, bytes))
        run = real(decoder, wrapped, rows_max)
        lines.append(0 if run is None else run.lines)
        return run

    monkeypatch.setattr(BlockDecoder, "decoded_wrapped", decoded_wrapped)
    monkeypatch.setattr(in_order.InOrder, "of_lines", lambda *_: pytest.fail("they are read one by one"))
    content = _of(logger)
    _read(tmp_path / "log", content, [len(content)], log_format=LogFormat(), reader="fast")
    assert sum(lines) == content.count(b"\n")
    assert views.count(True) >= len(views) - 1 > 5


@pytest.mark.long
@pytest.mark.parametrize("logger", ["docker", "cri"])
def test_a_block_at_which_the_kernel_fails_is_read_from_the_log_again(
    logger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", 5000)
    monkeypatch.setattr(splitting, "_BLOCK_BYTES", 5000)
    read, count = Program.read, 0

    def fails(program: Program, content: bytes | memoryview, **options: Any) -> Any:
        nonlocal count
        count += "wrapper" in options
        if "wrapper" not in options or count % 3 != 1:
            return read(program, content, **options)
        if isinstance(content, memoryview) and not content.readonly:
            content[:] = b"?" * len(content)
        message = "unreachable"
        raise ProgramFailed(message)

    content = _of(logger)
    path = tmp_path / "app.log"
    expected = _read(path, content, [len(content)], log_format=LogFormat(), reader="plain")
    monkeypatch.setattr(Program, "read", fails)
    for suffix in ("log", "gz"):
        path = tmp_path / f"app.{suffix}"
        path.write_bytes(gzip.compress(content) if suffix == "gz" else content)
        reading = read_log(path, source="s", name="n", fingerprint=fingerprint, log_format=LogFormat())
        found = [(each.record, each.events.to_pylist(), each.quarantined.to_pylist()) for each in reading]
        assert [found[0][0].digest, *found[0][1:]] == [expected[0].digest, *expected[1:3]]
        assert reading.kernel_failures == (count + 2) // 3 > 0
        count = 0


def test_lines_that_became_nothing_at_all_end_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = BlockDecoder.decoded_wrapped

    def forgetful(decoder: BlockDecoder, wrapped: Any, rows_max: int) -> Any:
        run = real(decoder, wrapped, rows_max)
        return run and run._replace(found=run.found._replace(events=[]))

    monkeypatch.setattr(BlockDecoder, "decoded_wrapped", forgetful)
    with pytest.raises(Exception, match="were read"):
        _read(tmp_path / "log", _of("cri"), [10**6], log_format=LogFormat(), reader="fast")
