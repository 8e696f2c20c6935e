"""One line to its rows: what each holds, how a refusal tells its place and what can be read of it all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.collectors import LogFormat
from pipeline.collectors.decode import EventRow, QuarantineRow, decode_line
from pipeline.collectors.identity import event_id
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.refused import RefusedUsage
from pipeline.collectors.values.refusal import LineRefused
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS
from pipeline.usage import TOKENS_MAX, QuarantineReason

NINE = 1_772_355_600
BODY = {
    "id": "c-1",
    "model": "m-1",
    "service_tier": "flex",
    "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 4, "audio_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 1},
        "num_sources_used": 7,
    },
}
LINE = {
    "ts": NINE,
    "api_key_id": "key_1",
    "request_id": "req-1",
    "status": 200,
    "request": {"model": "asked", "stream": True},
    "response": BODY,
}


def rows_of(content: Any, *, edges: bytes = b"", **settings: Any) -> list[EventRow | QuarantineRow]:
    raw = content if content is None or isinstance(content, bytes) else json.dumps(content).encode()
    line = Line(7, 100, 250, raw, edges)
    return decode_line(line, source="s", log_format=LogFormat(**settings), fingerprint=lambda key: f"key_of_{key}")


def events_of(content: Any, **settings: Any) -> list[dict[str, Any]]:
    rows = rows_of(content, **settings)
    assert all(isinstance(row, EventRow) for row in rows), rows
    return [dict(zip(USAGE_EVENTS.names, row.values, strict=True)) for row in rows]


def refused_of(content: Any, **settings: Any) -> tuple[str, str, RefusedUsage]:
    (row,) = rows_of(content, **settings)
    assert isinstance(row, QuarantineRow)
    values = dict(zip(QUARANTINE.names, row.values, strict=True))
    assert row.reason == values["reason"]
    place = (values["source"], values["line"], values["byte_start"], values["byte_end"])
    assert place == ("s", 7, 100, 250)
    told = RefusedUsage(values["api_key_id"], values["prompt_tokens"], values["completion_tokens"])
    return values["reason"], values["detail"], told


def identity(line: bytes, *, response_id: str | None = "c-1", part: str | None = None) -> bytes:
    return event_id(
        api_key_id="key_1", response_id=response_id, request_id="req-1", line=line, rule="response-id", part=part
    )


def test_a_line_is_an_event_of_these_values() -> None:
    (event,) = events_of(LINE)
    stated = {
        "event_id": identity(b""),
        "request_id": "req-1",
        "response_id": "c-1",
        "occurred_at": NINE * 1_000_000,
        "api_key_id": "key_1",
        "model_requested": "asked",
        "model_reported": "m-1",
        "service_tier": "flex",
        "status": "measured",
        "http_status": 200,
        "stream": False,
        "choices": 1,
        "finish_reason": "stop",
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "prompt_cached_tokens": 5,
        "prompt_cache_write_tokens": 4,
        "reasoning_tokens": 2,
        "prompt_audio_tokens": 3,
        "completion_audio_tokens": 1,
        "dialect": "openai-chat",
        "other_usage": '{"sources":7}',
        "source": "s",
        "line": 7,
        "byte_start": 100,
        "byte_end": 250,
    }
    assert event == dict.fromkeys(USAGE_EVENTS.names) | stated


def test_an_event_says_how_it_was_asked_where_there_is_no_answer_and_what_was_left_out() -> None:
    (event,) = events_of(LINE | {"response": None, "request": {"stream": True, "n": -1}, "status": 99})
    assert (event["status"], event["stream"], event["left_out"]) == ("unknown", True, "request.n,status")
    path = "/openai/deployments/mine/chat/completions"
    (named,) = events_of(LINE | {"request": None, "path": path, "response": BODY | {"model": None, "id": []}})
    assert (named["model_requested"], named["model_reported"], named["left_out"]) == ("mine", None, "response.id")


def test_blank_lines_are_none_and_a_line_that_is_too_long_is_not_looked_at_whole() -> None:
    for blank in (b"", b" ", b" \t\r\n"):
        assert rows_of(blank) == []
    assert refused_of(None, line_bytes_max=64) == ("line_too_long", "150 bytes; the cap is 64", RefusedUsage())
    edges = b'{"api_key_id": "key_1", "ts": 1, "n": "' + b"\n" + b'", "response": {"choices": [], "usage": '
    edges += b'{"prompt_tokens": 20, "completion_tokens": 10}}}'
    told = RefusedUsage("key_1", 20, 10)
    assert refused_of(None, edges=edges, line_bytes_max=64) == ("line_too_long", "150 bytes; the cap is 64", told)


@pytest.mark.parametrize(
    ("content", "reason", "detail"),
    [
        (b'{"a": "\xff"}', "invalid_utf8", "at byte 7 of the line"),
        (b"{torn", "invalid_json", "the line is not one JSON document"),
        (b"{} {}", "invalid_json", "the line is not one JSON document"),
        (b"7", "not_an_object", "the line is JSON, and no object"),
        (b"[]", "not_an_object", "the line is JSON, and no object"),
        (b'"text"', "not_an_object", "the line is JSON, and no object"),
        (b"{}", "missing_field", "ts"),
        (b'{"ts": 1772355600}', "missing_field", "api_key or api_key_id"),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_place(content: bytes, reason: str, detail: str) -> None:
    assert refused_of(content) == (reason, detail, RefusedUsage())


def test_what_nginx_escaped_is_read_where_it_is_no_json_as_it_stands() -> None:
    escaped = json.dumps(LINE | {"response": None}).encode().replace(b'"asked"', b'"as\\x22ked"')
    (event,) = events_of(escaped)
    assert event["model_requested"] == "as%22ked"
    deep = b'{"a": [[1]], "b": "\\x22"}'
    assert refused_of(deep, depth_max=1)[:2] == ("missing_field", "ts")
    assert refused_of(b'{"a": "\\x22", "b": "\\n"}')[0] == "invalid_json"


def test_every_entry_of_a_line_is_a_row_and_a_refused_one_says_which() -> None:
    without = {name: value for name, value in LINE.items() if name != "request_id"} | {"response": None}
    raw = json.dumps([LINE, without, {"ts": NINE}, 7, without]).encode()
    rows = rows_of(raw)
    assert [type(row).__name__ for row in rows] == [
        "EventRow",
        "EventRow",
        "QuarantineRow",
        "QuarantineRow",
        "EventRow",
    ]
    events = [dict(zip(USAGE_EVENTS.names, row.values, strict=True)) for row in rows if isinstance(row, EventRow)]
    assert len({event["event_id"] for event in events}) == 3
    digests = [
        event_id(
            api_key_id="key_1",
            response_id=None,
            request_id=None,
            line=raw + b"\0%d" % number,
            rule="response-id",
            part=None,
        )
        for number in (2, 5)
    ]
    assert [event["event_id"] for event in events[1:]] == digests
    details = [
        dict(zip(QUARANTINE.names, row.values, strict=True))["detail"] for row in rows if isinstance(row, QuarantineRow)
    ]
    assert details == ["entry 3: api_key or api_key_id", "entry 4: JSON, and no object"]
    (alone,) = rows_of(json.dumps([{"ts": NINE}]).encode())
    assert "entry 1: api_key or api_key_id" in alone.values
    (record,) = rows_of({"log": json.dumps({"ts": NINE}), "date": 1})
    assert "api_key or api_key_id" in record.values
    (broken,) = rows_of({"resourceSpans": [7]})
    assert "resourceSpans is no list of objects" in broken.values


@pytest.mark.parametrize("between", ["\n", ",\n", "\r\n\x1e"])
def test_whole_documents_one_after_another_are_entries(between: str) -> None:
    first, second = LINE | {"response": None}, LINE | {"response": None, "request_id": "req-2"}
    both = f"{json.dumps(first)}{between}{json.dumps(second)}".encode()
    assert [event["request_id"] for event in events_of(both)] == ["req-1", "req-2"]
    for torn in (both[:-1], both + b"{", b"x" + both, both.replace(b"}" + between.encode(), b"}x", 1)):
        assert refused_of(torn)[0] == "invalid_json"


@pytest.mark.parametrize("between", ["", " ", ",", "\x1e"])
def test_of_one_line_there_is_one_document(between: str) -> None:
    one = json.dumps(LINE | {"response": None})
    for content in (f"{one}{between}{one}", f"{one},", f"\x1e{one}"):
        assert refused_of(content.encode())[0] == "invalid_json"


def test_a_part_of_an_answer_is_an_event_of_its_own_with_an_id_of_its_own() -> None:
    iterations = [{"type": "advisor_message", "model": "m-2", "input_tokens": 5, "output_tokens": 6}]
    message = {
        "type": "message",
        "role": "assistant",
        "id": "msg_1",
        "usage": {"input_tokens": 20, "output_tokens": 10, "iterations": iterations},
    }
    whole, part = events_of(LINE | {"response": message})
    assert (whole["prompt_tokens"], part["prompt_tokens"], part["model_reported"]) == (20, 5, "m-2")
    assert whole["event_id"] == identity(b"", response_id="msg_1")
    assert part["event_id"] == identity(b"", response_id="msg_1", part="iteration 0")


def usage(**counts: Any) -> dict[str, Any]:
    return {"choices": [], "usage": counts}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (LINE | {"ts": 7}, RefusedUsage("key_1", 20, 10)),
        (LINE | {"ts": 7, "api_key_id": None, "api_key": "abc"}, RefusedUsage("key_of_abc", 20, 10)),
        (LINE | {"api_key_id": []}, RefusedUsage(None, 20, 10)),
        (LINE | {"ts": 7, "response": None}, RefusedUsage("key_1", None, None)),
        (LINE | {"response": 7}, RefusedUsage("key_1", None, None)),
        (LINE | {"ts": 7, "api_key_id": "a\ufffd"}, RefusedUsage(None, 20, 10)),
        (LINE | {"response": usage(prompt_tokens=20, completion_tokens=-1)}, RefusedUsage("key_1", 20, None)),
        (
            LINE | {"response": usage(prompt_tokens=TOKENS_MAX, completion_tokens=-1)},
            RefusedUsage("key_1", TOKENS_MAX, None),
        ),
        (LINE | {"response": usage(prompt_tokens=TOKENS_MAX + 1, completion_tokens=3)}, RefusedUsage("key_1", None, 3)),
        (LINE | {"response": usage(prompt_tokens=True, completion_tokens=0)}, RefusedUsage("key_1", None, 0)),
        (
            LINE
            | {
                "response": [
                    usage(prompt_tokens=20, completion_tokens=-1),
                    usage(prompt_tokens=0),
                    usage(output_tokens=4),
                ]
            },
            RefusedUsage("key_1", 20, 4),
        ),
        *(
            (
                LINE | {"response": {"choices": [], "usage": {"prompt_tokens": -1}, "x": {"y": {name: 8}}}},
                RefusedUsage("key_1", 8, None),
            )
            for name in (
                *("prompt_tokens", "input_tokens", "promptTokenCount", "total_input_tokens", "inputTokens"),
                *("prompt_eval_count", "inputTextTokenCount", "prompt_token_count", "inputTokenCount"),
            )
        ),
        *(
            (
                LINE | {"response": {"choices": [], "usage": {"prompt_tokens": -1}, "x": {"y": {name: 8}}}},
                RefusedUsage("key_1", None, 8),
            )
            for name in (
                *("completion_tokens", "output_tokens", "candidatesTokenCount", "total_output_tokens", "outputTokens"),
                *("eval_count", "totalOutputTextTokenCount", "generation_token_count", "outputTokenCount"),
            )
        ),
    ],
)
def test_a_refused_line_tells_its_key_and_the_counts_that_it_states(line: dict[str, Any], told: RefusedUsage) -> None:
    assert refused_of(line)[2] == told


def test_counts_are_looked_for_four_levels_deep_and_what_is_estimated_was_not_stated() -> None:
    def nested(levels: int) -> dict[str, Any]:
        inner: dict[str, Any] = {"input_tokens": 8}
        for _ in range(levels):
            inner = {"x": inner}
        return {"choices": [], "usage": {"prompt_tokens": -1}} | inner

    assert refused_of(LINE | {"response": nested(3)})[2].prompt_tokens == 8
    assert refused_of(LINE | {"response": nested(4)})[2].prompt_tokens is None
    stream = 'data: {"choices": [{"delta": {"content": "a"}}]}\n\n'
    assert refused_of(LINE | {"ts": 7, "response": stream})[2] == RefusedUsage("key_1", None, None)
    many = {"choices": [], "usage": {"prompt_tokens": -1}} | {f"x{at}": {"input_tokens": at} for at in range(1, 400)}
    assert refused_of(LINE | {"response": many})[2].prompt_tokens == 254  # of the first 256 objects


KEYED = '{"ts": 1, "api_key_id": "key_1"'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (KEYED, RefusedUsage("key_1")),
        (
            KEYED + ', "response": {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 10}}',
            RefusedUsage("key_1", 20, 10),
        ),
        ('{"ts": 1, x, "api_key_id": "key_1",', RefusedUsage("key_1")),
        ('{"ts": 1, x, "api_key": "abc",', RefusedUsage("key_of_abc")),
        ('{"ts": 1, x, "api_key_id": "key_1", "api_key_id": "key_2",', RefusedUsage(None)),
        ('{"ts": 1, x, "api_key_id": "key_1", "api_key_id": "key_1",', RefusedUsage("key_1")),
        ('{"ts": 1, x, "api_key_id": "two words",', RefusedUsage(None)),
        (KEYED + ', x, "api_key_id": "key_2",', RefusedUsage("key_1")),
        (f"{KEYED}}}{KEYED}}}", RefusedUsage("key_1")),
        (f'{KEYED}}}{{"ts": 1, "api_key_id": "key_2"}}', RefusedUsage(None)),
        (f"{KEYED}}} x", RefusedUsage("key_1")),
    ],
)
def test_of_a_broken_line_what_is_whole_tells(content: str, told: RefusedUsage) -> None:
    assert refused_of(content.encode())[2] == told


def test_of_lines_that_ran_together_the_counts_are_added() -> None:
    one = json.dumps({"api_key_id": "key_1", "ts": 1, "response": usage(prompt_tokens=20, completion_tokens=10)})
    assert refused_of((one + one).encode())[2] == RefusedUsage("key_1", 40, 20)
    assert refused_of((one * 20).encode())[2] == RefusedUsage("key_1", 16 * 20, 16 * 10)
    assert refused_of((one + '{"a": 1}').encode())[2] == RefusedUsage(None, 20, 10)
    assert refused_of((one + one[:-2]).encode())[2] == RefusedUsage("key_1", 20, 10)


def test_a_refused_line_tells_by_the_names_of_its_source() -> None:
    settings = {"fields": {"api_key_id": "who", "response": "said", "ts": "t"}}
    line = {"who": "key_1", "said": BODY, "t": "never"}
    assert refused_of(line, **settings)[2] == RefusedUsage("key_1", 20, 10)
    assert refused_of(b'{"t": 1, x, "who": "key_1",', **settings)[2] == RefusedUsage("key_1")
    edges = b'{"who": "key_1", "n": "\n", "said": ' + json.dumps(BODY).encode() + b"}"
    assert refused_of(None, edges=edges, **settings)[2] == RefusedUsage("key_1", 20, 10)
    several = {"fields": {"api_key_id": ["who", "whom"]}}
    assert refused_of(b'{"t": 1, x, "api_key_id": "key_1",', **several)[2] == RefusedUsage(None)


def test_what_makes_a_fingerprint_may_fail_and_then_the_reading_does() -> None:
    def fails(raw: str) -> str:
        raise Unfingerprinted(raw)

    line = Line(1, 0, 9, json.dumps({"ts": NINE, "api_key": "abc"}).encode())
    with pytest.raises(Unfingerprinted):
        decode_line(line, source="s", log_format=LogFormat(), fingerprint=fails)


class Unfingerprinted(Exception):
    """Stands for whatever a fingerprint may raise."""


def test_a_refusal_says_its_reason_and_its_detail() -> None:
    refused = LineRefused(QuarantineReason.MISSING_FIELD, "ts")
    assert str(refused) == "missing_field: ts"
