"""The fast reader gives what the plain one gives, for every line: rows, reasons, details, counts and records."""

from __future__ import annotations

import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pytest
from damaged_streams import DamagedStreams
from family_bodies import FAMILIES, Maker
from fuzzing import LineMaker, expected_rows, found_rows

from pipeline.collectors import LogFormat, read_log
from pipeline.collectors.decode import decode_line
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.rules import table
from pipeline.collectors.logs.line_blocks import LineBlocks
from pipeline.collectors.logs.lines import LineSplitter
from pipeline.tables.schemas import QUARANTINE

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = LogFormat()
ON_AWS = {"anthropic_on_aws", "llama_stream", "mistral_on_aws", "nova_stream", "titan_stream"}
"""What lies in base64 is the plain reader's."""
LATER = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 10)]
"""Seeds of more of the same."""
_QUARANTINE_LINE = itemgetter(QUARANTINE.get_field_index("line"))


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn every shape from its first line, however odd it is."""
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)


def _fast(content: bytes, log_format: LogFormat = FORMAT) -> tuple[dict[int, Any], int]:
    """Return the row of every line that has one, by its number, and how many of them the kernel told."""
    rows: dict[int, Any] = {}
    told = 0
    decoder = BlockDecoder(source="s", log_format=log_format, fingerprint=_fingerprint)
    blocks = LineBlocks([content], line_bytes_max=log_format.line_bytes_max)
    for block in blocks:
        assert block is not None
        found = decoder.decoded(block.content, start=block.start, first_line=blocks.next_line)
        blocks.take(block, found.lines)
        assert len(found_rows(found)) + found.blank == found.lines == bytes(block.content).count(b"\n")
        assert sum(map(len, found_rows(found).values())) == len(found_rows(found)) + found.further
        assert found.quarantined == sorted(found.quarantined, key=_QUARANTINE_LINE)
        rows |= found_rows(found)
        told += found.told
    return rows, told


def _plain(content: bytes, log_format: LogFormat = FORMAT) -> dict[int, Any]:
    splitter = LineSplitter([content], line_bytes_max=log_format.line_bytes_max)
    rows = (
        (line.number, decode_line(line, source="s", log_format=log_format, fingerprint=_fingerprint))
        for line in splitter
    )
    return {number: expected_rows(found) for number, found in rows if found}


def _fingerprint(raw: str) -> str:
    return f"key_{len(raw)}"


@pytest.mark.parametrize(
    ("seed", "lines"),
    [
        *((seed, 100) for seed in range(2)),
        *(pytest.param(seed, 400, marks=pytest.mark.long) for seed in range(2)),
        *(pytest.param(seed, 400, marks=pytest.mark.slow) for seed in range(2, 10)),
    ],
)
def test_every_line_is_read_as_the_plain_reader_reads_it(seed: int, lines: int) -> None:
    maker = LineMaker(seed, families=0.5 * (seed % 2))
    made = [maker.made() for _ in range(lines)]
    content = b"".join(line.content + maker.chance.choice((b"\n", b"\n", b"\r\n")) for line in made)
    rows, _ = _fast(content)
    expected = _plain(content)
    for number, line in enumerate(made, 1):
        assert rows.get(number) == expected.get(number), line.content


@pytest.mark.long
def test_almost_every_usual_line_is_read_by_the_kernel() -> None:
    """Or else the comparison would prove nothing, and the speed be gone."""
    maker = LineMaker("usual")
    usual = [line.content for line in (maker.made() for _ in range(1500)) if line.is_usual]
    rows, told = _fast(b"\n".join([*usual, b""]))
    assert len(rows) == len(usual) > 400
    assert told > 0.97 * len(usual)


@pytest.mark.parametrize(
    ("seed", "count"),
    [
        (0, 80),
        pytest.param(0, 300, marks=pytest.mark.long),
        *(pytest.param(seed, 1500, marks=pytest.mark.slow) for seed in range(2, 10)),
    ],
)
def test_damaged_streams_are_read_as_the_plain_reader_reads_them(seed: int, count: int) -> None:
    maker = DamagedStreams(seed)
    lines = [maker.made().content for _ in range(count)]
    rows, told = _fast(b"".join(line + b"\n" for line in lines))
    expected = _plain(b"".join(line + b"\n" for line in lines))
    for number, line in enumerate(lines, 1):
        assert rows.get(number) == expected.get(number), line
    assert told > len(lines) // 8


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(FAMILIES) - ON_AWS))
def test_every_family_is_read_by_the_kernel(name: str) -> None:
    chance = random.Random(name)
    maker = Maker(chance)
    bodies = [maker.body(name) for _ in range(30)]
    lines = [
        json.dumps(
            {
                "ts": "2026-03-01T06:51:19Z",
                "request_id": f"r{number}",
                "api_key_id": "k",
                "status": 200,
                "path": body.path,
                "response": body.response,
            }
        )
        for number, body in enumerate(bodies)
    ]
    content = "".join(line + "\n" for line in lines).encode()
    rows, told = _fast(content)
    assert rows == _plain(content)
    assert told > 0.6 * len(lines)


def test_a_line_that_is_cut_anywhere_is_read_as_the_plain_reader_reads_it() -> None:
    chunk = 'data: {"id": "c", "choices": [{"index": 0, "delta": {"content": "%s"}, "finish_reason": null}]}\r\n\r\n'
    stream = "".join(chunk % text for text in (" rain", "é", "", '\\"q')) + "data: [DONE]\r\n\r\n"
    cut = [stream[:size] for size in range(len(stream) + 1)]
    lines = [
        json.dumps(
            {"ts": "2026-03-01T06:51:19Z", "request_id": "r", "api_key_id": "k", "status": 200, "response": each}
        )
        for each in cut
    ]
    lines += [lines[-1][:size] for size in range(len(lines[-1]))]
    content = "".join(line + "\n" for line in lines).encode()
    rows, told = _fast(content)
    assert rows == _plain(content)
    assert told > 250


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 6))])
@pytest.mark.parametrize(
    "fields", [{}, {"api_key_id": "request.model", "request.model": "api_key_id"}], ids=["our names", "other names"]
)
def test_lines_of_known_shapes_are_told_as_the_plain_reader_reads_them(seed: int, fields: dict[str, str]) -> None:
    maker = LineMaker(f"patterns {seed}", fresh=0)
    changed = [maker.made().content for _ in range(300)]
    content = b"".join(line + b"\n" for line in [*maker.first * 8, *changed])
    log_format = LogFormat(fields=fields)
    rows, matched = _fast(content, log_format)
    assert rows == _plain(content, log_format)
    assert matched > 30


@pytest.mark.long
def test_logs_that_are_read_at_once_teach_each_other_nothing_wrong() -> None:
    line = (
        '{{"ts":"2026-03-01T06:51:19Z","request_id":"{}","api_key_id":"k","status":200,"response":{{"model":"{}",'
        '"choices":[{{}}],{}}}}}\n'
    )
    usage = '"usage":{"prompt_tokens":3,"completion_tokens":4}'
    contents = [
        "".join(line.format(number, f"m{(number * step) % 97}", usage) for number in range(600)).encode()
        for step in (1, 5, 7, 11, 13, 17)
    ]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns as often as they can
    try:
        with ThreadPoolExecutor(len(contents)) as pool:
            found = list(pool.map(_fast, contents))
    finally:
        sys.setswitchinterval(interval)
    assert [rows for rows, _ in found] == [_plain(content) for content in contents]


_USAGE = (
    '"usage":{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},'
    '"prompt_tokens_details":{{"cached_tokens":{},"cache_write_tokens":{}}},'
    '"completion_tokens_details":{{"reasoning_tokens":{}}}}}'
)


@pytest.mark.parametrize(
    "counts",
    [
        (10, 5, 15, 4, 6, 5),
        (10, 5, 0, 4, 6, 5),
        (10, 5, 16, 4, 6, 5),
        (10, 5, 15, 4, 7, 5),
        (10, 5, 15, 11, 0, 5),
        (10, 5, 15, 4, 6, 6),
        (10, 5, 25, 4, 6, 5),
        (10, 5, 20, 0, 0, 5),
        (0, 0, 0, 0, 0, 0),
        (2**62, 2**62, 2**63, 0, 0, 0),
    ],
    ids=lambda counts: "-".join(map(str, counts)),
)
def test_counts_that_contradict_each_other_are_told_by_no_shape(counts: tuple[int, ...]) -> None:
    line = (
        '{{"ts":"2026-03-01T06:51:19Z","request_id":"r","api_key_id":"k","status":200,"response":{{"choices":[{{}}],'
        "{}}}}}\n"
    )
    lines = [line.format(_USAGE.format(*each)) for each in [(100, 50, 150, 40, 10, 20)] * 40 + [counts]]
    content = "".join(lines).encode()
    rows, matched = _fast(content)
    assert rows == _plain(content)
    assert matched >= 20


def test_one_odd_line_does_not_keep_the_others_of_its_model_from_being_told() -> None:
    line = (
        '{{"ts":"2026-03-01T06:51:19Z","request_id":"r","api_key_id":"k","status":200,"response":{{"model":"{}",'
        '"choices":[{{}}],{}}}}}\n'
    )
    usual, beside = _USAGE.format(100, 50, 150, 40, 10, 20), _USAGE.format(100, 50, 170, 40, 10, 20)
    content = "".join(
        [*[line.format("a", usual)] * 40, line.format("b", beside), *[line.format("b", usual)] * 300]
    ).encode()
    rows, matched = _fast(content)
    assert rows == _plain(content)
    assert rows[41][0]["dialect"] == "openai-chat/reasoning-apart"
    assert matched > 240


_SHORT_STREAM = (
    json.dumps('data: {"choices": [{"delta": {"content": "x"}}]}\n\ndata: [DON').replace("{", "{{").replace("}", "}}")
)


@pytest.mark.parametrize(
    ("envelope", "is_quick", "chunks"),
    [
        ('"request_id": "r", "response": {}', 1, 90),
        ('"response": {}', 0, 90),
        ('"request_id": "r", "response": {}, "response": null', 0, None),
        (f'"request_id": "r", "request": {{{{"messages": {{}}}}}}, "response": {_SHORT_STREAM}', 0, 1),
        (f'"request_id": "r", "request": {{{{"response": {{}}}}}}, "response": {_SHORT_STREAM}', 0, 1),
        (f'"request_id": "r", "response": {_SHORT_STREAM}, "upstream": [{{{{"response": {{}}}}}}]', 0, 1),
        (
            (
                '"request_id": "r", "request": {{"response": {}}}, "response": '
                f"{_SHORT_STREAM.replace('[DON', '[DONE]')}"
            ),
            0,
            1,
        ),
    ],
    ids=[
        "with an id",
        "identified by its bytes",
        "with two responses",
        "in a prompt",
        "under its name in a request",
        "under its name elsewhere",
        "beside one that ended",
    ],
)
def test_a_stream_that_was_cut_off_is_estimated_from_what_is_left_of_its_line(
    envelope: str, is_quick: int, chunks: int | None
) -> None:
    chunk = 'data: {{"choices": [{{"index": 0, "delta": {{"content": "{}"}}, "finish_reason": null}}]}}\n\n'
    transcript = "".join(chunk.format(text) for text in (" rain", "", "é", "[") * 30) + 'data: {"choices": [{"ind'
    content = (
        '{"ts": "2026-03-01T06:51:19Z", "api_key_id": "k", "status": '
        f"200, {envelope.format(json.dumps(transcript))}}}\n"
    ).encode()
    rows, quick = _fast(content)
    assert rows == _plain(content)
    assert quick >= is_quick
    assert chunks is None or rows[1][0]["content_chunks"] == chunks


def test_chunks_that_are_broken_alike_are_not_counted_as_content() -> None:
    """They repeat more often than the sound ones, and are as long, and begin and end like these."""
    chunk = '{{"id": "chatcmpl-1", "choices": [{{"index": 0, "delta": {{"content": " rain"}}, "logprobs": {}}}]}}'
    chunks = [chunk.format("nulk")] * 45 + [chunk.format("null")] * 12 + [chunk.format("nulk")] * 45
    transcript = json.dumps("".join(f"data: {each}\n\n" for each in chunks))
    content = (
        '{"ts": "2026-03-01T06:51:19Z", "request_id": "r", "api_key_id": "k", "status": 200, "response": '
        f"{transcript}}}\n"
    ).encode()
    rows, _ = _fast(content)
    assert rows == _plain(content)
    assert rows[1][0]["content_chunks"] == 12


@pytest.mark.long
@pytest.mark.parametrize("identity", ["response-id", "request-id", "both"])
@pytest.mark.parametrize("depth_max", [3, 64])
def test_the_settings_of_a_source_hold_for_both(identity: str, depth_max: int) -> None:
    log_format = LogFormat(identity=identity, depth_max=depth_max, ids_may_look_like_keys=depth_max == 3)
    maker = LineMaker(f"{identity} {depth_max}")
    content = b"".join(maker.made().content + b"\n" for _ in range(300))
    assert _fast(content, log_format)[0] == _plain(content, log_format)


@pytest.mark.parametrize("is_id", [False, True])
def test_a_raw_key_in_place_of_an_id_is_refused_and_with_a_word_of_the_source_taken_by_both(*, is_id: bool) -> None:
    """The kernel knows the shape, and all that is new is whose key it is."""
    log_format = LogFormat(ids_may_look_like_keys=is_id)
    usual = '{"ts":"2026-03-01T06:51:19Z","request_id":"%d","api_key_id":"%s","status":500}\n'
    raw = "gsk_0123456789abcdefghijABCDEFGHIJ"
    content = "".join(usual % (number, raw if number in (5, 9) else "key_a") for number in range(12)).encode()
    rows, told = _fast(content, log_format)
    assert rows == _plain(content, log_format)
    assert told == (12 if is_id else 10)
    assert (raw in repr(rows)) is is_id


def test_a_field_that_is_called_like_an_id_and_named_as_the_raw_key_is_fingerprinted_by_both() -> None:
    log_format = LogFormat(fields={"api_key": "api_key_id"})
    usual = '{"ts":"2026-03-01T06:51:19Z","request_id":"%d","api_key_id":"%s","status":500}\n'
    content = "".join(usual % (number, "sk-0123456789abcdefABCD"[: 20 + number % 3]) for number in range(12)).encode()
    rows, _ = _fast(content, log_format)
    assert rows == _plain(content, log_format)
    assert len(rows) == 12
    assert "sk-" not in repr(rows)


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1, *LATER])
def test_whole_logs_give_the_same_segmentes_and_records(seed: int, tmp_path: Path) -> None:
    maker, chance = LineMaker(f"logs {seed}", families=0.5 * (seed % 2)), random.Random(seed)
    log_format = LogFormat(line_bytes_max=chance.choice((3_000, 20_000, 2**23)))
    content = (
        chance.choice((b"", b"\xef\xbb\xbf"))
        + b"".join(maker.made().content + chance.choice((b"\n", b"\r\n", b"\n\n")) for _ in range(300))
        + b'{"ts": '
    )
    log = tmp_path / "app.jsonl"
    log.write_bytes(content)
    events_max = chance.choice((7, 50, 10**6))

    def read(reader: Any) -> tuple[list[Any], int]:
        reading = read_log(
            log,
            source="s",
            name="n",
            log_format=log_format,
            fingerprint=_fingerprint,
            segment_events_max=events_max,
            reader=reader,
        )
        segments = [
            (segment.record, segment.events.to_pylist(), segment.quarantined.to_pylist()) for segment in reading
        ]
        return segments, reading.pending_bytes

    assert read("fast") == read("plain")


@pytest.mark.parametrize("empty", ["{}", "[]", '""', "0", "false"])
@pytest.mark.parametrize("field", ["service_tier", "id", "model", "object", "error"])
def test_what_is_empty_and_no_text_is_not_taken_for_absent(field: str, empty: str) -> None:
    usage = '"usage":{"prompt_tokens":8,"completion_tokens":1}'
    line = (
        '{{"ts":"2026-03-01T06:51:19Z","request_id":"r","api_key_id":"k","status":200,"response":{{{},"choices":[{{}}],'
        '"{}":{}}}}}'
    )
    content = (line.format(usage, field, empty) + "\n").encode()
    assert _fast(content)[0] == _plain(content)


@pytest.mark.parametrize("value", ['{"usage":{"prompt_tokens":1,"completion_tokens":2}}', "null", "[]"])
def test_usage_that_a_body_states_at_two_places_is_read_as_the_plain_reader_reads_it(value: str) -> None:
    usage = f'"usage":{{"prompt_tokens":8,"completion_tokens":1}},"x_groq":{value}'
    content = (
        '{"ts":"2026-03-01T06:51:19Z","request_id":"r","api_key_id":"k","status":200,"response":{"choices":[{}],'
        f"{usage}}}}}\n"
    ).encode()
    assert _fast(content) == (_plain(content), 1)


def test_a_prompt_full_of_brackets_is_read_the_quick_way() -> None:
    prompt = "if (a[i]) { b[i] = {}; } " * 40
    usage = '"usage":{"prompt_tokens":8,"completion_tokens":1}'
    envelope = (
        f'"ts":"2026-03-01T06:51:19Z","request_id":"r","api_key_id":"k","status":200,"request":{{"prompt":"{prompt}"}}'
    )
    rows, quick = _fast(f'{{{envelope},"response":{{"choices":[{{}}],{usage}}}}}\n'.encode())
    assert (len(rows), quick) == (1, 1)


@pytest.mark.parametrize("count", [2**62 - 1, 2**62, 2**63 - 1, 2**63, 2**64])
def test_a_total_beyond_what_a_count_may_be_is_refused_by_both(count: int) -> None:
    usage = f'"usage":{{"prompt_tokens":{count},"completion_tokens":{count},"total_tokens":{2 * count}}}'
    content = (
        '{"ts":"2026-03-01T06:51:19Z","request_id":"r","api_key_id":"k","status":200,"response":{"choices":[{}],'
        f"{usage}}}}}\n"
    ).encode()
    assert _fast(content)[0] == _plain(content)


def test_a_stream_behind_lines_of_json_is_none_of_their_chunks() -> None:
    """They are read as lines, of which the one that goes over into the stream says nothing."""
    text = {"id": "cmpl-1", "object": "text_completion", "choices": [{"index": 0, "text": "Thaw."}]}
    chunk = {"choices": [{"index": 0, "delta": {"content": " rain"}, "finish_reason": None}]}
    stream = "".join(f"data: {json.dumps(chunk)}\n\n" for _ in range(120))
    response = json.dumps(text) + "\n" + json.dumps(text) + "\n" + json.dumps(text)[:40] + "\n" + stream
    line = {"ts": "2026-03-01T06:51:19Z", "request_id": "r", "api_key_id": "k", "status": 200, "response": response}
    content = (json.dumps(line) + "\n").encode()
    rows, _ = _fast(content)
    assert rows == _plain(content)
    assert rows[1][0]["content_chunks"] == 2


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, *LATER])
@pytest.mark.parametrize("settings", [{}, {"format": "request-log"}, {"fields": {"path": {"value": "/v1/messages"}}}])
def test_lines_of_other_formats_among_usual_ones_are_read_as_the_plain_reader_reads_them(
    seed: int, settings: dict[str, Any]
) -> None:
    maker = LineMaker(f"formats {seed}", families=0.3)
    content = b"".join(_as_others_write_it(maker.made().content, maker.chance) + b"\n" for _ in range(400))
    log_format = LogFormat(**settings)
    rows, _ = _fast(content, log_format)
    assert rows == _plain(content, log_format)


def _as_others_write_it(content: bytes, chance: random.Random) -> bytes:
    """Return a line as it is, as a tool with another format writes it, or held by another document."""
    kind = chance.randrange(6)
    try:
        line = json.loads(content)
    except (ValueError, RecursionError):
        return content
    if kind > 3 or not isinstance(line, dict):
        return content
    if kind == 0:
        renamed = {"startTime": line.get("ts"), "call_type": "completion", "status": "success"}
        metadata = {"user_api_key_hash": line.get("api_key_id")}
        return json.dumps(renamed | {"metadata": metadata, "response": line.get("response")}).encode()
    text = content.decode("utf-8", "replace")
    return json.dumps(
        ({"log": text, "date": 1}, [line, {"@message": text, "@ptr": ""}], {"jsonPayload": line, "insertId": 1})[
            kind - 1
        ]
    ).encode()
