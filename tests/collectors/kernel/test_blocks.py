"""What happens around the kernel: it fails, is not there, is full, works in several threads, meets hostile lines."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from damaged_streams import DamagedStreams
from fuzzing import LineMaker, expected_rows, found_rows

from pipeline.collectors import LogFormat, read_log
from pipeline.collectors.decode import decode_line
from pipeline.collectors.formats.found import all_formats
from pipeline.collectors.kernel import in_order, program, readers
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.program import Program, ProgramFailed
from pipeline.collectors.kernel.rules import table
from pipeline.collectors.kernel.rules.finder import RuleFinder
from pipeline.collectors.kernel.rules.rows import COLUMNS
from pipeline.collectors.kernel.rules.rule import COUNT_MAX
from pipeline.collectors.kernel.rules.variants import Variants
from pipeline.collectors.logs import line_blocks, log_file
from pipeline.collectors.logs.lines import Line, bare_span
from pipeline.collectors.reading import log_reading
from pipeline.collectors.values.traced import PLACEHOLDERS_FROM, Relation
from pipeline.usage import TOKENS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMAT = LogFormat()
ROOT = Path(__file__).parents[3]
USUAL = {"ts": "2026-03-01T06:51:19Z", "request_id": "r", "api_key_id": "k", "status": 200}


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})


def _decoder() -> BlockDecoder:
    return BlockDecoder(source="s", log_format=FORMAT, fingerprint=_fingerprint)


def _fingerprint(raw: str) -> str:
    return f"key_{len(raw)}"


def _plain(lines: Sequence[bytes]) -> dict[int, Any]:
    found, at = {}, 0
    for number, line in enumerate(lines, 1):
        content = line[slice(*bare_span(line, 0, len(line)))]
        rows = decode_line(
            Line(number, at, at + len(line) + 1, content), source="s", log_format=FORMAT, fingerprint=_fingerprint
        )
        if rows:
            found[number] = expected_rows(rows)
        at += len(line) + 1
    return found


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _made(count: int) -> list[bytes]:
    maker = DamagedStreams("blocks")
    return [maker.made().content for _ in range(count)]


TRAPPED = """
from pipeline.collectors import LogFormat
from pipeline.collectors.kernel.program import Program, ProgramFailed

kernel = Program(LogFormat())
kernel._lent = 2**31  # so it reads beyond its memory
try:
    kernel.read(b"")
except ProgramFailed as failed:
    print(failed)
"""


@pytest.mark.long
def test_a_kernel_that_reaches_beyond_its_memory_says_so_and_the_process_goes_on() -> None:
    """In a process of its own, whose signals nobody else handles: a trap is one that the processor raises."""
    done = subprocess.run([sys.executable, "-c", TRAPPED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "error while executing at wasm" in done.stdout


def test_a_block_at_which_the_kernel_fails_is_read_plainly_and_the_next_one_by_a_new_kernel() -> None:
    lines = _made(40)
    decoder = _decoder()
    assert decoder.decoded(_joined(lines), start=0, first_line=1).told
    reader = decoder._reader  # noqa: SLF001 - to make it fail
    assert reader is not None
    with pytest.MonkeyPatch.context() as failing:
        failing.setattr(Program, "read", _fails)
        found = decoder.decoded(_joined(lines), start=0, first_line=1)
    assert (found_rows(found), found.told, decoder.failures) == (_plain(lines), 0, 1)
    assert decoder._reader is not reader  # noqa: SLF001 - likewise
    found = decoder.decoded(_joined(lines), start=0, first_line=1)
    assert found_rows(found) == _plain(lines)
    assert found.told


def test_a_reading_says_at_how_many_blocks_the_kernel_failed_and_has_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = _made(40)
    log = tmp_path / "app.jsonl"
    log.write_bytes(_joined(lines))
    monkeypatch.setattr(Program, "read", _fails)
    reading = read_log(log, source="s", name="app", log_format=FORMAT, fingerprint=_fingerprint, known=[])
    rows = sum(segment.events.num_rows + segment.quarantined.num_rows for segment in reading)
    assert (rows, reading.kernel_failures) == (sum(map(len, _plain(lines).values())), 1)


def _fails(_program: Program, _size: int) -> Any:
    message = "unreachable"
    raise ProgramFailed(message)


def test_without_wasmtime_every_line_is_read_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    lines = _made(40)
    found = _decoder().decoded(_joined(lines), start=0, first_line=1)
    assert (found_rows(found), found.told) == (_plain(lines), 0)


@pytest.mark.long
def test_a_kernel_that_has_no_room_for_more_shapes_forgets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_FULL", 0.001)
    lines = _made(400)
    decoder = _decoder()
    told = 0
    for at in range(0, len(lines), 50):
        found = decoder.decoded(_joined(lines[at : at + 50]), start=0, first_line=1)
        assert found_rows(found) == _plain(lines[at : at + 50])
        told += found.told
    assert told > 50


@pytest.mark.long
def test_more_shapes_than_there_is_room_for_are_read_plainly() -> None:
    lines = [json.dumps(USUAL | {"path": f"/v1/{number}/chat/completions"}).encode() for number in range(4500)]
    decoder = _decoder()
    with pytest.MonkeyPatch.context() as seldom:
        seldom.setattr(table, "LEARNED_FROM_BYTES", 10**9)
        found = decoder.decoded(_joined(lines), start=0, first_line=1)
    assert found_rows(found) == _plain(lines)


@pytest.mark.long
def test_a_block_of_many_short_lines_is_read_to_its_end() -> None:
    usual = json.dumps(USUAL | {"status": 500}).encode()
    lines = [usual, *[b"", b" \r"] * 400_000, b"x", usual]
    found = _decoder().decoded(_joined(lines), start=0, first_line=1)
    assert (found.lines, found.blank, found.told, len(found.quarantined)) == (len(lines), 800_000, 2, 1)


@pytest.mark.long
@pytest.mark.parametrize("wrapper", ["none", "docker"])
def test_a_log_of_very_short_lines_keeps_those_behind_them(tmp_path: Path, wrapper: str) -> None:
    """More lines than rows for which the kernel has room."""
    log = tmp_path / "app.jsonl"
    said = [b""] * 270_000 + _made(40)
    if wrapper == "docker":
        said = [
            json.dumps({"log": line.decode(errors="replace") + "\n", "stream": "stdout", "time": "2026"}).encode()
            for line in said
        ]
    log.write_bytes(_joined(said))
    fast, plain = (
        list(read_log(log, source="s", name="n", log_format=FORMAT, fingerprint=_fingerprint, reader=reader))
        for reader in ("fast", "plain")
    )
    assert [each.record for each in fast] == [each.record for each in plain]
    assert [each.events for each in fast] == [each.events for each in plain]
    assert [each.record.lines for each in fast] == [270_040]
    assert sum(each.events.num_rows for each in fast) > 10


@pytest.mark.parametrize("kept", [0, 3])
def test_lines_that_became_nothing_at_all_end_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    log = tmp_path / "app.jsonl"
    log.write_bytes(_joined([b"x"] * 5))
    decoded = BlockDecoder.decoded

    def forgetful(self: BlockDecoder, content: bytes, **place: int) -> Any:
        found = decoded(self, content, **place)
        return found._replace(quarantined=found.quarantined[:kept], lines=5)

    monkeypatch.setattr(BlockDecoder, "decoded", forgetful)
    with pytest.raises(log_reading.LinesLost, match=f"of lines 1 to 5, {kept} were read"):
        list(read_log(log, source="s", name="n", log_format=FORMAT, fingerprint=_fingerprint))


class _Lent:
    """A log of many blocks, all but the first few of which are read into a kernel's own memory."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, lines: Callable[[int], list[bytes]] = _made
    ) -> None:
        monkeypatch.setattr(in_order, "_BYTES_A_THREAD", 1)
        monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", 30_000)
        monkeypatch.setattr(line_blocks, "_BLOCK_BYTES", 1)
        self.lines = [*lines(80), b"", *lines(80)]
        self.path = folder / "app.jsonl"
        self.path.write_bytes(_joined(self.lines) + b'{"begun')
        self.views = 0
        decoded = BlockDecoder.decoded

        def counted(decoder: BlockDecoder, content: bytes | memoryview, **place: int) -> Any:
            self.views += isinstance(content, memoryview)
            return decoded(decoder, content, **place)

        monkeypatch.setattr(BlockDecoder, "decoded", counted)

    def read(self, **options: Any) -> tuple[Any, list[Any]]:
        found = read_log(
            self.path, source="s", name="n", log_format=FORMAT, fingerprint=_fingerprint, **{"processes": 1, **options}
        )
        return found, [(each.record, each.events.to_pylist(), each.quarantined.to_pylist()) for each in found]


@pytest.mark.long
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("segment_events_max", [7, 10**6])
def test_blocks_in_the_memory_of_a_kernel_are_read_as_lines_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, segment_events_max: int
) -> None:
    log = _Lent(tmp_path, monkeypatch)
    fast, segments = log.read(processes=threads, segment_events_max=segment_events_max)
    assert log.views > 3
    plain, expected = log.read(reader="plain", segment_events_max=segment_events_max)
    assert segments == expected
    assert fast.pending_bytes == plain.pending_bytes == len(b'{"begun')


def _without_ids(count: int) -> list[bytes]:
    """Return lines that differ in a text that nobody looks at, and some that are equal; of two keys."""
    counts = {"prompt_tokens": 30, "completion_tokens": 20}
    lines = []
    for number in range(count):
        body = {"choices": [{"message": {"content": f"{number % 40}"}}], "usage": counts}
        said = {"ts": USUAL["ts"], "api_key_id": f"k{number % 2}", "path": "/v1/chat/completions", "response": body}
        lines.append(json.dumps(said | {"padding": "x" * 600}).encode())
    return lines


def test_lines_without_any_id_are_known_by_their_bytes() -> None:
    plain = _without_ids(9)
    lines = [
        *(plain[0], plain[1], plain[0], plain[2] + b"\r", plain[2], b"", plain[3] + b" \r\r", b" \t" + plain[4] + b" "),
        *(b"\xef\xbb\xbf" + plain[5], plain[6] + b"\0", b"\0" + plain[7], plain[8] + b"\r\0", b"[%s]" % plain[8]),
    ]
    found = _decoder().decoded(_joined(lines), start=0, first_line=1)
    assert found_rows(found) == _plain(lines)
    assert found.told == 7
    ids = {number: row[0]["event_id"] for number, row in found_rows(found).items()}
    assert ids[1] == ids[3] != ids[2]
    assert ids[4] == ids[5] != ids[7]


def test_lines_without_any_id_that_were_taken_out_of_others_are_known_by_what_was_taken_out() -> None:
    contents = [b"", *_without_ids(3), _without_ids(1)[0] + b"\r", b" " + _without_ids(1)[0]]
    taken = [Line(number, number * 9, number * 9 + 9, content) for number, content in enumerate(contents, 1)]
    found = _decoder().decoded_lines(taken)
    expected = [
        decode_line(line, source="s", log_format=FORMAT, fingerprint=_fingerprint) for line in taken if line.content
    ]
    assert found_rows(found) == {number: expected_rows(rows) for number, rows in enumerate(expected, 2)}
    assert found.told == 5


@pytest.mark.long
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "in Docker"])
def test_a_log_without_any_id_is_read_as_lines_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, *, wrapped: bool
) -> None:
    def lines(count: int) -> list[bytes]:
        found = _without_ids(4 * count)
        return [part for line in found for part in _in_docker(line)] if wrapped else found

    log = _Lent(tmp_path, monkeypatch, lines)
    _, segments = log.read(processes=threads)
    assert wrapped or log.views > 3
    _, expected = log.read(reader="plain")
    assert segments == expected
    assert len({row["event_id"] for _, events, _ in segments for row in events}) == 40


@pytest.mark.long
@pytest.mark.parametrize("threads", [1, 3])
def test_a_block_at_whose_memory_the_kernel_fails_is_read_from_the_log_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    log = _Lent(tmp_path, monkeypatch)
    _, expected = log.read(reader="plain")

    def fails(_program: Program, content: bytes | memoryview) -> Any:
        if isinstance(content, memoryview):
            content[:] = b"?" * len(content)
        message = "unreachable"
        raise ProgramFailed(message)

    monkeypatch.setattr(Program, "read", fails)
    found, segments = log.read(processes=threads)
    assert segments == expected
    assert found.kernel_failures > log.views > 3


def test_a_block_that_is_gone_when_the_kernel_has_failed_is_left_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = _Lent(tmp_path, monkeypatch)
    read = Program.read

    def fails(program_: Program, content: bytes | memoryview) -> Any:
        if isinstance(content, bytes):
            return read(program_, content)
        log.path.write_bytes(b"")
        message = "unreachable"
        raise ProgramFailed(message)

    monkeypatch.setattr(Program, "read", fails)
    found, segments = log.read()
    assert segments == []
    assert found.problem is not None
    assert (found.problem.reason, found.problem.detail) == ("unreadable", "it was truncated while it was read")


def test_a_kernel_refuses_a_block_in_the_memory_of_another() -> None:
    one, other = Program(FORMAT), Program(FORMAT)
    room = one.room(10)
    assert room is not None
    with pytest.raises(ValueError, match="another instance"):
        other.read(room)
    assert one.room(one.block_bytes_max + 1) is None


KEPT = """
from pipeline.collectors import LogFormat
from pipeline.collectors.kernel.program import Program

room = Program(LogFormat()).room(4)
room[:] = b"kept"
print(bytes(room).decode())
"""


@pytest.mark.long
def test_the_memory_of_a_kernel_stays_as_long_as_anybody_has_a_view_of_it() -> None:
    """In a process of its own, which would die of it."""
    done = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "kept\n", "")


@pytest.mark.long
def test_several_threads_read_what_one_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_order, "_BYTES_A_THREAD", 1)
    monkeypatch.setattr(line_blocks, "_BLOCK_BYTES", 2_000)
    monkeypatch.setattr(line_blocks, "_BLOCK_BYTES_MAX", 4_000)
    maker = LineMaker("threads")
    log = tmp_path / "app.jsonl"
    log.write_bytes(_joined([*_made(300), *(maker.made().content for _ in range(300))]))

    def read(threads: int) -> list[Any]:
        reading = read_log(
            log,
            source="s",
            name="n",
            log_format=FORMAT,
            fingerprint=_fingerprint,
            segment_events_max=170,
            processes=threads,
        )
        return [(each.record, each.events.to_pylist(), each.quarantined.to_pylist()) for each in reading]

    one = read(1)
    assert len(one) > 3
    assert read(2) == read(3) == one


def _in_docker(line: bytes) -> list[bytes]:
    """Write a line as Docker's logger does: what is longer than 16 KiB in parts."""
    text = line.decode("utf-8", "replace") + "\n"
    parts = [text[at : at + 2**14] for at in range(0, len(text), 2**14)]
    return [json.dumps({"log": part, "stream": "stdout", "time": "2026-03-01T06:51:19.5Z"}).encode() for part in parts]


def _in_cri(line: bytes) -> list[bytes]:
    """Write a line as a container runtime does, in parts."""
    parts = [line[at : at + 3000] for at in range(0, len(line), 3000)] or [b""]
    tags = [b"P"] * (len(parts) - 1) + [b"F"]
    return [b"2026-03-01T06:51:19.5Z stdout %s %s" % pair for pair in zip(tags, parts, strict=True)]


@pytest.mark.long
@pytest.mark.parametrize("wrapped", [_in_docker, _in_cri])
@pytest.mark.parametrize("segment_events_max", [60, 10**6])
def test_lines_that_a_logger_wrapped_are_told_by_the_kernel_as_the_plain_reader_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrapped: Any, segment_events_max: int
) -> None:
    maker = LineMaker("wrapped")
    lines = [json.dumps(USUAL).encode(), *_made(200), *(maker.made().content for _ in range(200)), b"", b"text"]
    log = tmp_path / "app.log"
    log.write_bytes(_joined([part for line in lines if b"\n" not in line for part in wrapped(line)]))
    told: list[int] = []
    real = BlockDecoder.decoded_wrapped

    def decoded_wrapped(decoder: BlockDecoder, *what: Any) -> Any:
        run = real(decoder, *what)
        told.append(0 if run is None else run.found.told)
        return run

    monkeypatch.setattr(BlockDecoder, "decoded_wrapped", decoded_wrapped)

    def read(reader: Any) -> tuple[Any, Any]:
        found = read_log(
            log,
            source="s",
            name="n",
            log_format=FORMAT,
            fingerprint=_fingerprint,
            segment_events_max=segment_events_max,
            reader=reader,
        )
        segments = list(found)
        assert [segment.record.is_balanced for segment in segments] == [True] * len(segments)
        rows = [
            (
                sorted(map(_by_place, segment.events.to_pylist())),
                sorted(map(_by_place, segment.quarantined.to_pylist())),
            )
            for segment in segments
        ]
        return rows, [segment.record for segment in segments]

    assert read("fast") == read("plain")
    assert sum(told) > 100


def _by_place(row: dict[str, Any]) -> Any:
    return row["line"], row["byte_start"], json.dumps(row, default=str, sort_keys=True)


_STREAM = 'data: {"id": "%s", "choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n'
HOSTILE = {
    "levels": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "levels of objects": b'{"x": ' * 100_000 + b"1" + b"}" * 100_000,
    "levels in a body": json.dumps(USUAL | {"response": '{"x": ' + "[" * 100_000 + "]" * 100_000 + "}"}).encode(),
    "brackets": b"[" * 1_000_000,
    "escapes": json.dumps(USUAL | {"response": '"' * 2**20}).encode(),
    "chunks": json.dumps(USUAL | {"response": _STREAM % ("a", "x") * 60_000}).encode(),
    "ids": json.dumps(USUAL | {"response": "".join(_STREAM % (n, "x") for n in range(20_000))}).encode(),
    "kinds of chunks": json.dumps(
        USUAL
        | {"response": "".join(_STREAM % ("a", "x") + _STREAM.replace("index", "y") % ("a", "") for _ in range(5000))}
    ).encode(),
    "objects in objects": json.dumps(
        USUAL
        | {
            "response": {f"x{n}": None for n in range(9)}
            | {"usage": json.loads('{"x":1,"usage":' * 59 + '"%s"' % ("w" * 120) + "}" * 59)}
        }
    ).encode(),
    "a shape that is nearly too long": json.dumps(
        USUAL
        | {
            "response": {
                "choices": [{"message": "w" * 128}] * 43 + [json.loads('{"x":1,"usage":' * 50 + "1" + "}" * 50)]
            }
        }
    ).encode(),
    "a name that counts by its end": json.dumps(
        USUAL
        | {
            "response": [
                {"candidates": [{"content": {}}], "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 6}},
                {"usageMetadata": {"anyTokenCount": 3}},
            ]
        }
    ).encode(),
    "an exception by its end": json.dumps(USUAL | {"response": [{"throttlingException": {}}] * 2}).encode(),
    **{
        f"an error behind {begun!r}": json.dumps(
            USUAL | {"response": _STREAM % ("a", "x") + begun + '{"error": 1}\n\n' + _STREAM % ("a", "x")}
        ).encode()
        for begun in ("data:  ", "data:data: ", "data: \t", "data:\ufeff")
    },
    "a name with dots that wins, and is null": json.dumps(
        USUAL | {"request.model": None, "request": {"model": "m"}, "status": 500}
    ).encode(),
    "a wrapper with more than its names": json.dumps(
        USUAL
        | {
            "response": [
                {
                    "event": "m",
                    "data": {"id": "a", "choices": [{}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
                    "x": 1,
                }
            ]
        }
    ).encode(),
    "reasons beside running counts": json.dumps(
        USUAL
        | {
            "response": "".join(
                f"data: {json.dumps({'id': 'a', 'choices': [{'finish_reason': reason}], 'usage': usage})}\n\n"
                for reason, usage in (
                    ("none", {"prompt_tokens": 3, "completion_tokens": 1}),
                    ("more", {"prompt_tokens": 3, "completion_tokens": 2}),
                    ("stop", {"prompt_tokens": 3, "completion_tokens": 4}),
                )
            )
        }
    ).encode(),
    **{
        f"{code} in the text of a chunk like those before it": json.dumps(
            USUAL | {"response": _STREAM % ("a", "x") * 3 + _STREAM % ("a", "HERE") + _STREAM % ("a", "x") * 2}
        )
        .replace("HERE", code)
        .encode()
        for code in ("\\u0022", "\\u005c", "\\u000a", "\\u001f", "\\u00e9", "\\\\u00", "\\\\x", "\\\\u0041")
    },
    "names": json.dumps(USUAL | {f"x{number}": number for number in range(50_000)}).encode(),
}
LONG = {"brackets", "chunks", "ids"}
"""Lines so long that to read them plainly takes half a second."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if name in LONG else []) for name in HOSTILE]
)
def test_a_hostile_line_is_read_as_the_plain_reader_reads_it(name: str) -> None:
    lines = [HOSTILE[name], json.dumps(USUAL | {"status": 500}).encode()]
    found = _decoder().decoded(_joined(lines), start=0, first_line=1)
    assert found_rows(found) == _plain(lines)
    assert found.told >= 1


def test_a_line_fills_no_more_holes_than_a_line_has() -> None:
    """What it would write beyond lies in arrays of which nobody reads more than was told, so no row shows it."""
    line = json.dumps(USUAL | {"response": {"usage": {"prompt_tokens": [7] * 300_000}}}).encode() + b"\n"
    told = Program(LogFormat()).read(line)
    assert len(told.lines) == 0
    assert np.flatnonzero(told.holes).max() < 300


@pytest.mark.long
def test_a_hostile_log_of_many_keys_is_read_as_the_plain_reader_reads_it() -> None:
    lines = [json.dumps(USUAL | {"status": 500, "api_key_id": f"{n * 7919:08x}"}).encode() for n in range(6000)]
    found = _decoder().decoded(_joined(lines), start=0, first_line=1)
    assert found_rows(found) == _plain(lines)
    assert found.told > 5000


def test_no_sum_of_the_counts_of_a_line_of_the_kernel_is_greater_than_a_count() -> None:
    source = Path(program.__file__).parent / "source"
    count, holes = (
        re.search(rf"{name} = ([0-9]+)[;,]", (source / file).read_text(encoding="utf-8"))
        for name, file in (("COUNT_MAX", "scalars.h"), ("LINE_HOLES_MAX", "shapes.h"))
    )
    assert count is not None
    assert holes is not None
    assert int(count[1]) == COUNT_MAX
    assert int(count[1]) * int(holes[1]) <= TOKENS_MAX < PLACEHOLDERS_FROM


def test_rules_of_all_variants_have_room_and_as_many_further_ones() -> None:
    found = max(all_formats(), key=lambda each: len(each.places.taken_apart if each.places else ()))
    made = program.Program(LogFormat(), found)
    variants = Variants(RuleFinder(LogFormat(), made.names, found), made.shapes_max)
    assert variants.size > 3 * made.shapes_max
    assert variants.size + 2 * made.shapes_max <= made.rules_max


def test_a_row_has_room_for_all_columns_and_relations_are_those_of_the_kernel() -> None:
    text = (Path(program.__file__).parent / "source/rules.h").read_text(encoding="utf-8")
    room = re.search(r"COLUMNS_MAX = ([0-9]+)", text)
    assert room is not None
    assert len(COLUMNS) <= int(room[1])
    first = re.search(r"enum \{ IS_ZERO = 1, IS_NO_ZERO, IS_NOT_NEGATIVE \}", text)
    assert first is not None
    assert [(each.name, each.value) for each in Relation] == [("ZERO", 1), ("NO_ZERO", 2), ("NOT_NEGATIVE", 3)]


@pytest.mark.long
@pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="the compiler is not here: pip install -e .[kernel]"
)
def test_the_kernel_is_what_its_sources_make() -> None:
    subprocess.run([sys.executable, str(ROOT / ".ci" / "kernel.py"), "--check"], check=True)
