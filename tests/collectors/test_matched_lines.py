"""Every value of a line of a known pattern is put in the place of every other kind of value.

What comes out is what the plain reader says.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from fuzzing import expected_rows, found_rows

from pipeline.collectors import LogFormat
from pipeline.collectors.decode import decode_line
from pipeline.collectors.fast.blocks import BlockDecoder
from pipeline.collectors.fast.patterns import line_patterns
from pipeline.collectors.logs.line_blocks import spans_of
from pipeline.collectors.logs.lines import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_OR_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?|-?[0-9][0-9.eE+-]*|\b(?:true|false|null)\b')
OTHERS = (
    *(
        '""',
        '"x"',
        '"a b"',
        '"\\u0041"',
        '"é"',
        '"\\ud83d"',
        '"a\\\\"',
        '"\\n"',
        '"\x01"',
        '"\\x"',
        '"',
        "",
        '"a"b"',
        "'a'",
    ),
    *(
        "0",
        "-0",
        "00",
        "007",
        "1",
        "9",
        "1.0",
        "1e2",
        "1e999",
        "1e-999",
        "-1",
        "9007199254740993",
        "9" * 18,
        "9" * 19,
        "9" * 400,
        "1.",
        ".5",
        "+1",
        "NaN",
    ),
    *(
        "true",
        "false",
        "null",
        "True",
        "{}",
        "[]",
        "[1]",
        "[null, 2e400]",
        '{"a": 1, "a": 2}',
        '{"usage": {"prompt_tokens": 1}}',
        "[" * 70 + "]" * 70,
    ),
    *(
        '"stop"',
        '"text_completion"',
        '"chat.completion.chunk"',
        '"GET"',
        '"POST"',
        '"/v1/embeddings"',
        '"grok-3"',
        '"usage"',
        '"data: [DONE]"',
    ),
    *(
        '"2026-02-30T00:00:00Z"',
        '"2026-02-28T23:59:59.1234567Z"',
        '"2026-03-01 00:00:00+14:00"',
        '"2100-01-01T00:00:00Z"',
        '"2099-12-31T23:59:59-01:00"',
    ),
    *(
        "1772344816",
        "1772344816434",
        "1772344816.123456789",
        '"Bearer sk-made-up"',
        '"Bearer "',
        '"' + "x" * 129 + '"',
        '"' + "x" * 257 + '"',
    ),
    *('"x", "x": "y"', '1, "status": 404', '"x"}', '"x"]', '"x",'),
)
CHOICE = '{"index": 0, "message": {"role": "assistant", "content": "x"}, "logprobs": null, "finish_reason": "stop"}'
USAGE = (
    '{"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50, "prompt_tokens_details": {"cached_tokens": '
    '4, "audio_tokens": 0},'
    ' "completion_tokens_details": {"reasoning_tokens": 5}, "num_cached_tokens": null, "service_tier": "default"}'
)
DOCUMENT = (
    '{"id": "chatcmpl-1", "object": "chat.completion", "created": 1772344816, "model": "jamba-mini-1.7", "choices": '
    f'[{CHOICE}, {CHOICE}], "usage": {USAGE},'
    ' "service_tier": null, "error": null, "system_fingerprint": "fp"}'
)
CHUNKS = (
    '{"id": "", "object": "chat.completion.chunk", "model": "", "choices": [], "usage": null}',
    (
        '{"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "jamba", "choices": [{"index": 0, "delta": '
        '{"content": "x"}, "finish_reason": null}]}'
    ),
    '{"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}], "service_tier": "flex"}',
    '{"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}}',
)
LINE = (
    '{{"ts": "2026-03-01T06:00:16.434+00:00", "request_id": "{number}", {key}, "status": {status}, "method": '
    '"POST", "path": "/v1/chat/completions",'
    ' "request": {{"model": "jamba-mini", "n": 1, "stream": false, "messages": [{{"role": "user", "content": '
    '"x"}}, {{"role": "user", "content": "y"}}]}},'
    ' "response": {response}, "latency_ms": 17.5, "upstream": {{"usage": {{"prompt_tokens": 1}}, "attempts": [1, 2]}}}}'
)
KEY, RAW_KEY = '"api_key_id": "key_1"', '"api_key": "sk-made-up"'


def with_others(text: str) -> Iterator[str]:
    """Yield a text with each of its values replaced by each of ``OTHERS``."""
    for found in KEY_OR_VALUE.finditer(text):
        for other in OTHERS if found[1] is None else ():
            yield text[: found.start()] + other + text[found.end() :]


def transcript(chunks: str) -> str:
    """Return chunks, one a line, as a line has their stream."""
    return json.dumps("".join(f": waiting\n\ndata: {chunk}\n\n" for chunk in [*chunks.split("\n"), "[DONE]"]))


def line(response: str, *, key: str = KEY, status: int = 200) -> str:
    return LINE.format(number="0123456789abcdef", key=key, status=status, response=response)


LINES = {
    "a document": (line(DOCUMENT), list(with_others(line(DOCUMENT)))),
    "a document in a string": (
        line(json.dumps(DOCUMENT)),
        [line(json.dumps(other)) for other in with_others(DOCUMENT)],
    ),
    "a stream": (
        line(transcript("\n".join(CHUNKS))),
        [line(transcript(other)) for other in with_others("\n".join(CHUNKS))],
    ),
    "a raw key": (line(DOCUMENT, key=RAW_KEY), list(with_others(line(DOCUMENT, key=RAW_KEY)))),
}


@pytest.mark.parametrize(
    "identity",
    ["response-id", *(pytest.param(rule, marks=pytest.mark.slow) for rule in ("request-id", "both"))],
)
@pytest.mark.parametrize("name", LINES)
def test_no_value_is_told_otherwise_than_it_is_read(name: str, identity: str) -> None:
    line_patterns._patterns.cache_clear()  # noqa: SLF001 - nothing but a test needs this
    usual, others = LINES[name]
    log_format = LogFormat(identity=identity)
    decoder = BlockDecoder(source="s", log_format=log_format, fingerprint=_fingerprint)
    taught, matched = _decoded(decoder, [usual] * 300)
    assert matched >= 150
    assert len(taught) == 300
    found, matched = _decoded(decoder, others)
    assert matched > len(others) // 10, "most others are matched by no pattern, and yet enough are"
    at = 1
    for number, other in enumerate(others, 1):
        content = other.encode("utf-8", "surrogatepass")
        rows = decode_line(
            Line(number, at, at + len(content) + 1, content),
            source="s",
            log_format=log_format,
            fingerprint=_fingerprint,
        )
        assert found.get(number, []) == expected_rows(rows), other
        at += len(content) + 1


def _decoded(decoder: BlockDecoder, lines: list[str]) -> tuple[dict[int, Any], int]:
    block = b"".join(each.encode("utf-8", "surrogatepass") + b"\n" for each in lines)
    decoded = decoder.decoded(block, spans_of(block), start=1, first_line=1)
    return found_rows(decoded), decoded.matched


def _fingerprint(raw: str) -> str:
    return f"key_{len(raw)}"


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"request": "http.body"}, '"http.body": {{"model": "{}"}}'),
        ({"request": "http.body"}, '"http": {{"body": {{"model": "{}"}}}}'),
        ({"request": "req"}, '"req": {{"model": "x"}}, "request.model": "{}"'),
        ({"request": "req"}, '"req": {{"model": "{}"}}, "req.model": "x"'),
        ({"request.model": "req.model"}, '"req.model": "{}", "req": {{"model": "x"}}'),
        ({}, '"request": {{"model": "x"}}, "request.model": "{}"'),
    ],
)
def test_the_model_that_was_asked_for_is_the_one_that_the_plain_reader_finds(
    fields: dict[str, str], asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line_patterns._patterns.cache_clear()  # noqa: SLF001 - nothing but a test needs this
    monkeypatch.setattr(line_patterns, "_ALIKE_MIN", 4)
    log_format = LogFormat(fields=fields)
    decoder = BlockDecoder(source="s", log_format=log_format, fingerprint=_fingerprint)
    envelope = (
        '"ts": "2026-03-01T06:00:16Z", "api_key_id": "k", "status": 200, "response": {"id": "r", "choices": '
        '[], "object": "chat.completion"'
    )
    lines = [
        f'{{{asked.format(model)}, {envelope}, "usage": {{"prompt_tokens": 1, "completion_tokens": 2}}}}}}'
        for model in ["a"] * 200 + ["b", "c"] * 100
    ]
    found, matched = _decoded(decoder, lines)
    assert matched > 100
    at = 1
    for number, each in enumerate(lines, 1):
        rows = decode_line(
            Line(number, at, at + len(each) + 1, each.encode()),
            source="s",
            log_format=log_format,
            fingerprint=_fingerprint,
        )
        assert found[number] == expected_rows(rows), each
        at += len(each) + 1
