"""A line that is refused tells whose it is and what it states, where that can be read, and nothing else."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from family_bodies import FAMILIES, Maker
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors import KeyFingerprint, LogFormat, read_log, refused
from pipeline.collectors.decode import EventRow, QuarantineRow, decode_line
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.refused import _counts_in
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS
from pipeline.usage import TOKENS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FINGERPRINT = KeyFingerprint(secret=b"any secret of thirty-two bytes, ok")
TOLD = ("api_key_id", "prompt_tokens", "completion_tokens")


def line(**fields: Any) -> dict[str, Any]:
    body = {
        "id": "chatcmpl-1",
        "choices": [{"index": 0, "message": {"content": "Thaw."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 40, "completion_tokens": 2},
    }
    made = {"ts": "2026-09-01T12:00:00Z", "api_key_id": "key_1", "status": 200, "request": {}, "response": body}
    return {name: value for name, value in (made | fields).items() if value is not ...}


def told(content: dict[str, Any] | str | bytes, **settings: Any) -> tuple[Any, ...]:
    """Return key, prompt and completion of a line that is refused."""
    text = json.dumps(content) if isinstance(content, dict) else content
    raw = text.encode() if isinstance(text, str) else text
    (row,) = decode_line(
        Line(1, 0, len(raw) + 1, raw), source="s", log_format=LogFormat(**settings), fingerprint=FINGERPRINT
    )
    assert isinstance(row, QuarantineRow)
    values = dict(zip(QUARANTINE.names, row.values, strict=True))
    return tuple(values[name] for name in TOLD)


def usage(**counts: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0}], "usage": counts}


GEMINI = {"candidates": [{}], "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4}}
ANTHROPIC = {
    "type": "message",
    "role": "assistant",
    "usage": {"input_tokens": 5, "cache_read_input_tokens": 30, "output_tokens": 4},
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ts": "yesterday"}, ("key_1", 40, 2)),
        ({"ts": ...}, ("key_1", 40, 2)),
        ({"api_key_id": ..., "api_key": "Bearer made-up", "ts": 7}, (FINGERPRINT("made-up"), 40, 2)),
        ({"api_key_id": ...}, (None, 40, 2)),
        ({"api_key_id": "Bearer made-up"}, (None, 40, 2)),
        ({"response": 7}, ("key_1", None, None)),
        ({"response": usage(prompt_tokens=40, completion_tokens=2, total_tokens=41)}, ("key_1", 40, 2)),
        ({"response": usage(prompt_tokens=40, completion_tokens=-2)}, ("key_1", 40, None)),
        ({"response": usage(prompt_tokens=10**12 + 1, completion_tokens=2)}, ("key_1", None, 2)),
        ({"response": usage(prompt_tokens=True, completion_tokens="2")}, ("key_1", None, 2)),
        ({"response": usage(prompt_tokens="40", completion_tokens="2 tokens")}, ("key_1", 40, None)),
        ({"ts": 7, "response": GEMINI}, ("key_1", 9, 4)),
        ({"ts": 7, "response": ANTHROPIC}, ("key_1", 35, 4)),
        ({"ts": 7, "response": 'data: {"choices": [{"delta": {"content": "x"}}]}\n\n'}, ("key_1", None, None)),
    ],
)
def test_a_refused_line_tells_its_key_and_what_it_states(fields: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert told(line(**fields)) == expected


SOUND = json.dumps(line())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (SOUND[: SOUND.index("choices")], ("key_1", None, None)),
        (SOUND[:-1], ("key_1", 40, 2)),
        (SOUND + SOUND, ("key_1", 80, 4)),
        (SOUND + SOUND.replace("key_1", "key_2"), (None, 80, 4)),
        (SOUND.replace('"request": {}', '"request": {"messages": torn'), ("key_1", None, None)),
        ('{"request": {"messages": torn}, ' + SOUND[1:], ("key_1", None, None)),
        ('{"request": {"messages": torn, "api_key_id": "key_2"}, ' + SOUND[1:], (None, None, None)),
        ('{"request": {"messages": torn, \\"api_key_id\\": \\"key_2\\"}, ' + SOUND[1:], ("key_1", None, None)),
        ('{"api_key_id": 12', (None, None, None)),
        ("nonsense", (None, None, None)),
        (f"[{SOUND}", ("key_1", None, None)),
        (SOUND.replace("Thaw", "Tauwetter \xfc").encode("latin-1")[:-1], ("key_1", 40, 2)),
        (SOUND.replace("key_1", "key_\xfc").encode("latin-1"), (None, 40, 2)),
        ("{" + '"api_key_id": "key_2", ' + SOUND[1:], (None, 40, 2)),
    ],
)
def test_a_broken_line_tells_what_is_whole_of_it(content: str | bytes, expected: tuple[Any, ...]) -> None:
    assert told(content) == expected


def test_fields_are_found_by_the_names_that_the_source_gives_them() -> None:
    renamed = {"when": "yesterday", "auth": {"key": "key_9"}, "out": line()["response"]}
    names = {"ts": "when", "api_key_id": "auth.key", "response": "out"}
    assert told(renamed, fields=names) == ("key_9", 40, 2)
    assert told(json.dumps(renamed)[:40], fields=names) == (None, None, None)
    assert told(json.dumps(renamed)[:70], fields=names) == ("key_9", None, None)


@pytest.mark.parametrize("reader", ["fast", "plain"])
@pytest.mark.parametrize("key_at", ["beginning", "end", "middle"])
def test_a_line_beyond_the_cap_tells_what_its_beginning_and_its_end_state(
    tmp_path: Path, key_at: str, reader: Any
) -> None:
    image = {"messages": [{"content": "A" * 300_000}]}
    key, body = {"api_key_id": "key_7"}, line()["response"]
    orders: dict[str, dict[str, Any]] = {
        "beginning": {"ts": "2026-09-01T12:00:00Z", **key, "request": image, "response": body},
        "end": {"ts": "2026-09-01T12:00:00Z", "request": image, **key, "response": body},
        "middle": {"request": image, **key, "meta": "B" * 300_000, "response": body},
    }
    log = tmp_path / "app.jsonl"
    log.write_text("\n".join([SOUND, json.dumps(orders[key_at]), SOUND, ""]))
    (segment,) = read_log(
        log,
        source="s",
        name="n",
        log_format=LogFormat(line_bytes_max=200_000),
        fingerprint=FINGERPRINT,
        reader=reader,
    )
    (row,) = segment.quarantined.to_pylist()
    assert row["reason"] == "line_too_long"
    assert tuple(row[name] for name in TOLD) == (None if key_at == "middle" else "key_7", 40, 2)
    assert segment.events.num_rows == 2


@given(seed=st.integers(0, 2**32), damage=st.binary(max_size=6))
def test_whatever_is_done_to_a_line_behind_its_key_it_tells_its_key(seed: int, damage: bytes) -> None:
    chance = random.Random(seed)
    begin = SOUND.index('"status"')
    at = chance.randrange(begin, len(SOUND))
    content = SOUND[:at].encode() + damage.replace(b"\n", b"") + SOUND[at + chance.randrange(9) :].encode()
    (row,) = decode_line(
        Line(1, 0, len(content) + 1, content), source="s", log_format=LogFormat(), fingerprint=FINGERPRINT
    )
    names = dict(zip(QUARANTINE.names, row.values, strict=False)) if isinstance(row, QuarantineRow) else None
    assert names is None or names["api_key_id"] in ("key_1", None)
    if names is not None and b'"api_key' not in damage:
        assert names["api_key_id"] == "key_1"


BROKEN: dict[str, Callable[[str], bytes]] = {
    "an instant that is none": lambda text: text.replace('"2026-09-01T12:00:00Z"', '"soon"', 1).encode(),
    "no instant": lambda text: text.replace('"ts"', '"when"', 1).encode(),
    "two instants": lambda text: text.replace('{"ts"', '{"ts": 7, "ts"', 1).encode(),
    "another line behind it": lambda text: (text + '{"ts": "2026-').encode(),
    "bytes that are no UTF-8": lambda text: text.encode().replace(b"12:00:00Z", b"12:00:00Z\xe9", 1),
    "its last brace lost": lambda text: text[:-1].encode(),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_refused_line_tells_is_what_its_sound_twin_is_billed(family: str, how: str) -> None:
    maker = Maker(random.Random(f"{family} {how}"))
    for _ in range(10):
        body = maker.body(family)
        head = {"ts": "2026-09-01T12:00:00Z", "api_key_id": "key_1", "status": 200, "method": "POST", "path": body.path}
        text = json.dumps(head | {"request": {"user": "sent by me"}, "response": body.response})
        (sound,) = decode_line(
            Line(1, 0, len(text) + 1, text.encode()), source="s", log_format=LogFormat(), fingerprint=FINGERPRINT
        )
        assert isinstance(sound, EventRow)
        event = dict(zip(USAGE_EVENTS.names, sound.values, strict=True))
        assert event["status"] == ("not_metered" if family == "rerank" else "measured")
        assert told(BROKEN[how](text)) == tuple(event[name] for name in TOLD)


@pytest.mark.parametrize(
    ("usages", "expected"),
    [
        ([(5, 2), (0, 0)], (5, 2)),
        ([(0, 0), (5, 2)], (5, 2)),
        ([(5, 2), (7, 3)], (7, 3)),
        ([(0, 0)], (0, 0)),
        ([(5, 2), (TOKENS_MAX, TOKENS_MAX)], (TOKENS_MAX, TOKENS_MAX)),
        ([(5, 2), (TOKENS_MAX + 1, -1), (True, "7")], (5, 2)),
    ],
)
def test_of_counts_that_contradict_each_other_a_refused_line_tells_the_last_real_ones(
    usages: list[tuple[Any, Any]], expected: tuple[int, int]
) -> None:
    chunks = [{"choices": [], "usage": {"prompt_tokens": p, "completion_tokens": c}} for p, c in usages]
    assert _counts_in(chunks, 64) == expected


PROMPT_NAMES = [
    *("prompt_tokens", "input_tokens", "promptTokenCount", "total_input_tokens", "inputTokens", "prompt_eval_count"),
    *("inputTextTokenCount", "prompt_token_count", "inputTokenCount"),
]
COMPLETION_NAMES = [
    *("completion_tokens", "output_tokens", "candidatesTokenCount", "total_output_tokens", "outputTokens"),
    *("eval_count", "totalOutputTextTokenCount", "generation_token_count", "outputTokenCount"),
]


@pytest.mark.parametrize("name", PROMPT_NAMES)
def test_a_prompt_is_told_by_whichever_name_an_api_calls_it(name: str) -> None:
    assert _counts_in({"usage": {name: 7}}, 64) == (7, None)


@pytest.mark.parametrize("name", COMPLETION_NAMES)
def test_a_completion_is_told_by_whichever_name_an_api_calls_it(name: str) -> None:
    assert _counts_in({"usage": {name: 7}}, 64) == (None, 7)


def test_counts_are_looked_for_three_objects_below_the_body_and_no_deeper() -> None:
    counts: dict[str, Any] = {"prompt_tokens": 7, "completion_tokens": 2}
    for level in range(6):
        assert _counts_in(counts, 64) == ((7, 2) if level < 4 else (None, None)), level
        counts = {"within": counts, "list": [counts]}


def test_counts_are_looked_for_in_256_objects_and_in_no_more() -> None:
    for before, told_ in ((254, (7, 2)), (255, (None, None))):
        others = {f"{number}": {} for number in range(before)}
        assert _counts_in({**others, "usage": {"prompt_tokens": 7, "completion_tokens": 2}}, 64) == told_


def test_a_body_that_cannot_be_taken_apart_tells_no_counts() -> None:
    assert _counts_in(None, 64) == (None, None)
    assert _counts_in("no JSON", 64) == (None, None)
    assert _counts_in([], 64) == (None, None)


def test_of_objects_that_ran_together_sixteen_are_looked_at() -> None:
    for count in (15, 16, 17):
        assert told(SOUND * count) == ("key_1", 40 * min(count, 16), 2 * min(count, 16))


RAW = {"api_key_id": ..., "api_key": "Bearer made-up"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (SOUND.replace('"api_key_id": "key_1"', '"api_key": "made-up"')[:-1], (FINGERPRINT("made-up"), 40, 2)),
        ('{"request": {"messages": torn}, "api_key": "made-up"}', (FINGERPRINT("made-up"), None, None)),
        ('{"request": {"messages": torn}, "api_key": "one", "api_key": "two"}', (None, None, None)),
        ('{"request": {"messages": torn}, "api_key": "one", "api_key": "one"}', (FINGERPRINT("one"), None, None)),
        ('{"request": {"messages": torn}, "api_key_id": "a key"}', (None, None, None)),
        ('{"request": {"messages": torn}, "api_key_id": 12}', ("12", None, None)),
        ('{"api_key_id": "key_3", "request": {"messages": torn}, "api_key_id": "key_4"}', ("key_3", None, None)),
        ('{"api_key": "one", "request": {"messages": torn}, "api_key": "two"}', (FINGERPRINT("one"), None, None)),
    ],
)
def test_a_raw_key_of_a_broken_line_is_told_by_its_fingerprint(content: str, expected: tuple[Any, ...]) -> None:
    assert told(content) == expected


def test_of_a_raw_key_with_bytes_that_are_no_utf8_nothing_is_told() -> None:
    text = json.dumps(line(**RAW)).replace("made-up", "made-\xfc", 1)
    assert told(text.encode("latin-1")) == (None, 40, 2)
    assert told(json.dumps(line(**RAW)).replace("Thaw", "Thaw \xfc").encode("latin-1") + b"}") == (
        FINGERPRINT("made-up"),
        40,
        2,
    )


def test_the_last_mebibyte_of_a_broken_line_is_searched_for_its_key() -> None:
    for more, key in ((0, "key_1"), (40, None)):
        behind = '"api_key_id": "key_1"}'
        padding = " " * (2**20 - len(behind) + more)
        assert told('{"request": {"messages": torn}, ' + behind[:-1] + padding + "}") == (key, None, None)


def test_what_is_estimated_of_a_refused_line_was_not_stated() -> None:
    chunks = [{"id": "c", "choices": [{"index": 0, "delta": {"content": "x"}}]}]
    assert told(line(ts=7, response=chunks)) == ("key_1", None, None)


TEXTS = ("started in 12 ms", '127.0.0.1 "GET /" 200', '{"level": "info", "took_ms": 12}')
"""What programs write into their logs beside exchanges, and mostly more of it."""


@pytest.mark.parametrize("text", TEXTS)
def test_what_says_nothing_of_an_answer_is_not_read_as_one(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(refused, "read_envelope", lambda *_: pytest.fail("it was read as an exchange"))
    assert told(text) == (None, None, None)


@pytest.mark.parametrize("text", TEXTS)
def test_a_key_that_a_source_states_for_all_lines_is_that_of_a_text_too(text: str) -> None:
    assert told(text, fields={"api_key_id": {"value": "the-one"}}) == ("the-one", None, None)


def test_counts_in_headers_are_told_without_a_body() -> None:
    headers = {"x-amzn-bedrock-input-token-count": "3", "x-amzn-bedrock-output-token-count": "4"}
    assert told(line(ts=..., response=..., response_headers=headers)) == ("key_1", 3, 4)
