"""Whatever stands in a logged document: it is read or refused, its content goes nowhere, and nothing else happens."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from odd_documents import changed_in_places

from pipeline.collectors import KeyFingerprint, LogFormat
from pipeline.collectors.exchange import read_exchange
from pipeline.collectors.formats.entries import entries_of
from pipeline.collectors.formats.found import BY_NAME, format_of
from pipeline.collectors.formats.request_log import read_envelope
from pipeline.collectors.refusal import LineRefused
from pipeline.collectors.strict_json import parse

if TYPE_CHECKING:
    from collections.abc import Callable

FINGERPRINT = KeyFingerprint(secret=b"a secret of thirty-two bytes, ok!")
DOCUMENTS: dict[str, dict[str, Any]] = {
    "otel": {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "api_key_id", "value": {"stringValue": "key_1"}}]},
                "scopeSpans": [
                    {
                        "scope": {},
                        "spans": [
                            {
                                "traceId": "5b8efff798038103d269b633813fc60c",
                                "spanId": "eee19b7ec3c1b174",
                                "startTimeUnixNano": "1788000000000000000",
                                "attributes": [
                                    {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                                    {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "3"}},
                                    {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "4"}},
                                    {
                                        "key": "gen_ai.response.finish_reasons",
                                        "value": {"arrayValue": {"values": [{"stringValue": "stop"}]}},
                                    },
                                ],
                                "status": {"code": 0},
                            }
                        ],
                    }
                ],
            }
        ]
    },
    "langfuse": {
        "id": "o-1",
        "traceId": "t-1",
        "type": "GENERATION",
        "startTime": "2026-09-01T12:00:00Z",
        "model": "m",
        "modelParameters": {"service_tier": "flex"},
        "metadata": {"api_key_id": "key_1"},
        "usageDetails": {"input": 3, "input_cached_tokens": 2, "output": 4, "total": 9},
        "usage": {"unit": "TOKENS", "input": 3, "output": 4, "total": 7},
        "level": "DEFAULT",
    },
    "openai-batch": {
        "id": "batch_req_1",
        "custom_id": "a",
        "response": {
            "status_code": 200,
            "request_id": "r",
            "body": {"created": 1_788_000_000, "choices": [{}], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
        },
        "error": None,
        "request": {"url": "/v1/chat/completions", "body": {"model": "m"}},
        "batch": {"id": "b", "created_at": 1_788_000_000, "metadata": {"api_key_id": "key_1"}},
    },
    "helicone": {
        "request_id": "r-1",
        "request_created_at": "2026-09-01 12:00:00.000",
        "response_status": 200,
        "request_path": "/v1/chat/completions",
        "request_properties": {"api_key_id": "key_1"},
        "request_body": {"model": "m"},
        "response_body": {"helicone_message": "fetching"},
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "prompt_cache_read_tokens": 0,
        "cache_reference_id": "",
    },
}
CANARY = "canary-9f3a"
CONTENT: dict[str, list[dict[str, Any]]] = {
    "otel": [
        {
            "key": "gen_ai.input.messages",
            "value": {"arrayValue": {"values": [{"kvlistValue": {"values": [{"key": CANARY, "value": {}}]}}]}},
        },
        {"key": "gen_ai.output.messages", "value": {"stringValue": CANARY}},
        {"key": CANARY, "value": {"stringValue": CANARY}},
    ],
    "langfuse": [{"input": CANARY, "output": {"content": CANARY}, "statusMessage": CANARY, "name": CANARY, CANARY: 1}],
    "openai-batch": [{"error": {"code": CANARY, "message": CANARY}, CANARY: CANARY}],
    "helicone": [{"request_body": {"model": "m", "messages": [CANARY]}, "scores": {CANARY: CANARY}}],
}
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_whole_document_is_read(name: str) -> None:
    document = parse(json.dumps(DOCUMENTS[name]))
    assert format_of(document) is BY_NAME[name]
    entries, log_format = entries_of(document, LogFormat())
    (entry,) = entries
    assert read_envelope(entry, log_format, FINGERPRINT).api_key_id == "key_1"


@given(chance=some.data())
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_with_anything_in_any_place_is_read_or_refused(name: str, chance: some.DataObject) -> None:
    document = changed_in_places(DOCUMENTS[name], VALUES, chance)
    line = parse(json.dumps(document))
    with suppress(LineRefused):
        entries, log_format = entries_of(line, LogFormat(format=name))
        for entry in entries:
            read_exchange(read_envelope(entry, log_format, FINGERPRINT), log_format)
    format_of(line)


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("line", [{}, {"level": "info", "msg": "started"}, {"data": {}}, {"type": "LLM"}])
def test_a_line_of_something_else_is_refused_by_a_format_that_its_source_names_and_never_blank(
    name: str, line: dict[str, Any]
) -> None:
    with pytest.raises(LineRefused):
        entries_of(line, LogFormat(format=name))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_content_enters_neither_events_nor_the_quarantine(name: str, collect: Callable[..., Any]) -> None:
    whole = deepcopy(DOCUMENTS[name])
    if name == "otel":
        whole["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] += CONTENT[name]
    else:
        whole |= CONTENT[name][0]
    if name == "openai-batch":
        whole["response"]["body"]["choices"] = [{"message": {"content": CANARY}, "finish_reason": "stop"}]
    text = json.dumps(whole)
    spoiled = [
        text.replace(*change) for change in (('"3"', '"-3"'), (": 3,", ": -3,"), ("1788000000", "x"), ("12:00", "x"))
    ]
    collected = collect(text, *(line for line in spoiled if line != text), format=name)
    assert len(collected.events) == 1
    assert len(collected.quarantined) > 1
    assert CANARY not in repr([collected.events, collected.quarantined])
