"""Whole entries of what tracers write (OTLP, Langfuse, Helicone): each name of each count, and what is said without."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from foreign_lines import any_value

from pipeline.collectors.formats.spans import otel
from pipeline.collectors.formats.tools import helicone, langfuse
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import CONTRADICTED, parse


def refusal(entries: Any, document: Any) -> tuple[str, str]:
    with pytest.raises(LineRefused) as refused:
        entries(document)
    return refused.value.reason.value, refused.value.detail


def attributes(**named: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(of)} for key, of in named.items()]


def span(named: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"traceId": "t1", "spanId": "s1", "startTimeUnixNano": "5", "attributes": attributes(**named)} | fields


def spans(*records: dict[str, Any], **resource: Any) -> dict[str, Any]:
    return {
        "resourceSpans": [{"resource": {"attributes": attributes(**resource)}, "scopeSpans": [{"spans": [*records]}]}]
    }


def events(*records: dict[str, Any]) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [*records]}]}]}


def entry_of(named: dict[str, Any], **fields: Any) -> dict[str, Any]:
    (entry,) = otel.entries(spans(span({"gen_ai.operation.name": "chat"} | named, **fields)))
    return entry


COUNTS = {
    "prompt_tokens": (
        *("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.tokens"),
        "gen_ai.response.prompt_tokens",
    ),
    "completion_tokens": (
        *("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        *("llm.token_count.completion", "gen_ai.response.completion_tokens"),
    ),
    "total_tokens": ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total"),
    "cached_tokens": (
        *("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
        *("gen_ai.usage.cached_input_tokens", "gen_ai.usage.cache_read_tokens"),
        "llm.token_count.prompt_details.cache_read",
        *("ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens"),
        *("gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cache_read_input_tokens"),
        *("gen_ai.usage.details.cached_tokens", "gen_ai.usage.details.cached_content_tokens"),
        *("gen_ai.usage.input_tokens.cached", "gen_ai.usage.cached_tokens"),
        *("gen_ai.usage.prompt_tokens_details.cache_read", "gen_ai.usage.prompt_tokens_details.cached_tokens"),
        *("gen_ai.usage.input_tokens.cache_read", "gen_ai.usage.prompt_token_details.cached_read_tokens"),
        "gen_ai.usage.input_token_details.cached_read_tokens",
    ),
    "cache_write_tokens": (
        *("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        *("gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens"),
        "gen_ai.usage.cache_write_tokens",
        *("llm.token_count.prompt_details.cache_write", "ai.usage.inputTokenDetails.cacheWriteTokens"),
        *("gen_ai.usage.details.cache_write_tokens", "gen_ai.usage.details.cache_creation_input_tokens"),
        *("gen_ai.usage.input_tokens.cache_write", "gen_ai.usage.prompt_tokens_details.cache_write"),
        *("gen_ai.usage.input_tokens.cache_creation", "gen_ai.usage.prompt_token_details.cached_write_tokens"),
        "gen_ai.usage.input_token_details.cached_write_tokens",
    ),
    "cache_write_1h_tokens": (
        *("gen_ai.usage.input_tokens.cache_write_1h", "gen_ai.usage.cache_creation.1h_input_tokens"),
        *("gen_ai.usage.prompt_token_details.cached_write_tokens_1h", "archestra.usage.cache_creation.1h_input_tokens"),
        "gen_ai.usage.input_token_details.cached_write_tokens_1h",
    ),
    "reasoning_tokens": (
        *("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
        *("llm.token_count.completion_details.reasoning", "ai.usage.reasoningTokens"),
        *("ai.usage.outputTokenDetails.reasoningTokens", "llm.usage.reasoning_tokens"),
        *("gen_ai.usage.details.reasoning_tokens", "gen_ai.usage.details.thoughts_tokens"),
        *("gen_ai.usage.details.thinking_tokens", "gen_ai.usage.output_tokens.reasoning"),
        "gen_ai.usage.completion_tokens_details.reasoning",
        *("gen_ai.usage.completion_token_details.reasoning_tokens", "codex.usage.reasoning_output_tokens"),
        "gen_ai.usage.output_token_details.reasoning_tokens",
    ),
    "prompt_audio_tokens": (
        *("gen_ai.usage.audio.input_tokens", "llm.token_count.prompt_details.audio"),
        *("gen_ai.usage.details.input_audio_tokens", "gen_ai.usage.details.audio_prompt_tokens"),
        *("gen_ai.usage.audio_input_tokens", "gen_ai.usage.prompt_token_details.audio_tokens"),
        "gen_ai.usage.input_token_details.audio_tokens",
    ),
    "completion_audio_tokens": (
        *("gen_ai.usage.audio.output_tokens", "llm.token_count.completion_details.audio"),
        *("gen_ai.usage.details.output_audio_tokens", "gen_ai.usage.details.audio_candidates_tokens"),
        *("gen_ai.usage.audio_output_tokens", "gen_ai.usage.completion_token_details.audio_tokens"),
        "gen_ai.usage.output_token_details.audio_tokens",
    ),
}
NO_COUNTS = {f"usage.{name}": None for name in COUNTS}


@pytest.mark.parametrize(("ours", "name"), [(ours, name) for ours, names in COUNTS.items() for name in names])
def test_a_count_of_a_span_goes_by_the_names_of_every_convention(ours: str, name: str) -> None:
    entry = entry_of({name: 7})
    assert {key: entry[key] for key in NO_COUNTS} == NO_COUNTS | {f"usage.{ours}": 7}


def test_the_name_of_the_newest_convention_counts_first() -> None:
    for ours, names in COUNTS.items():
        for newer, older in pairwise(names):
            assert entry_of({older: 8, newer: 7})[f"usage.{ours}"] == 7
            assert entry_of({newer: "", older: 8})[f"usage.{ours}"] == 8


@pytest.mark.parametrize(
    ("audio", "cached", "expected"),
    [(30, 20, 10), (30, None, 30), (None, 20, None), (20, 30, 0), (-3, 2, -3), ("x", 20, "x"), (30, -2, 30)],
)
@pytest.mark.parametrize("name", ["cache_audio_read_tokens", "audio_cache_tokens"])
def test_audio_that_was_read_from_a_cache_is_cached_and_no_audio(
    name: str, audio: Any, cached: int | None, expected: Any
) -> None:
    named = {"input_audio_tokens": audio, name: cached}
    entry = entry_of({f"gen_ai.usage.details.{key}": value for key, value in named.items() if value is not None})
    assert entry["usage.prompt_audio_tokens"] == expected


def test_an_inference_is_an_entry_of_these_values() -> None:
    named = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "asked",
        "gen_ai.request.stream": True,
        "gen_ai.request.choice.count": 2,
        "gen_ai.response.id": "r-1",
        "gen_ai.response.model": "m-1",
        "gen_ai.response.finish_reasons": ["length", "stop"],
        "openai.response.service_tier": "flex",
        "http.response.status_code": 200,
        "litellm.cache_hit": "True",
        "api_key_id": "key_1",
        "messages": ["a"],
    }
    assert otel.entries(spans(span(named), region="eu", api_key_id="key_2")) == [
        {
            "ts": "5",
            "api_key_id": "key_1",
            "request_id": "t1/s1",
            "status": 200,
            "path": None,
            "request": {"model": "asked", "stream": True, "n": 2},
            "cache_hit": True,
            "response.id": "r-1",
            "response.model": "m-1",
            "response.finish_reason": "length",
            "response.error": False,
            "service_tier": "flex",
            **NO_COUNTS,
            "attributes": named,
            "resource": {"region": "eu", "api_key_id": "key_2"},
        }
    ]


def test_a_span_that_says_nothing_is_an_entry_of_nothing() -> None:
    document = {
        "resourceSpans": [
            {"scopeSpans": [{"spans": [{"attributes": attributes(**{"gen_ai.operation.name": "chat"})}]}]}
        ]
    }
    (entry,) = otel.entries(document)
    assert {key: value for key, value in entry.items() if value is not None} == {
        "request": {"model": None, "stream": None, "n": None},
        "cache_hit": False,
        "response.error": False,
        "attributes": {"gen_ai.operation.name": "chat"},
        "resource": {},
    }


@pytest.mark.parametrize(
    ("named", "ours", "value"),
    [
        *(
            ({name: "m"}, "request", {"model": "m", "stream": None, "n": None})
            for name in ("gen_ai.request.model", "llm.model_name", "embedding.model_name", "ai.model.id")
        ),
        ({"litellm.request.streaming": True}, "request", {"model": None, "stream": True, "n": None}),
        *(
            ({name: "flex"}, "service_tier", "flex")
            for name in (
                *("openai.response.service_tier", "gen_ai.openai.response.service_tier"),
                "gen_ai.response.service_tier",
            )
        ),
        *(
            ({name: "who"}, "api_key_id", "who")
            for name in (
                *("api_key_id", "litellm.api_key.hash", "metadata.user_api_key_hash", "bifrost.virtual_key.id"),
                *("gen_ai.virtual_key_id", "user.id", "enduser.id", "installation.id"),
            )
        ),
        *(({"litellm.cache_hit": hit}, "cache_hit", True) for hit in (True, "True", "true")),
        *(({"litellm.cache_hit": hit}, "cache_hit", False) for hit in (False, "False", "no", 0)),
        ({"gen_ai.response.finish_reasons": []}, "response.finish_reason", None),
        ({"gen_ai.response.finish_reasons": "stop"}, "response.finish_reason", None),
        ({"error.type": "timeout"}, "response.error", True),
        ({"error.type": "timeout"}, "status", None),
        ({"error.type": "429"}, "status", "429"),
        ({"error.type": "599"}, "status", "599"),
        ({"error.type": "600"}, "status", None),
        ({"error.type": "099"}, "status", None),
        ({"error.type": "4290"}, "status", None),
        ({"error.type": 429}, "status", None),
        ({"error.type": "429", "http.response.status_code": 500}, "status", 500),
        ({"gen_ai.operation.name": "embeddings"}, "path", "/v1/embeddings"),
        ({"openinference.span.kind": "EMBEDDING"}, "path", "/v1/embeddings"),
        ({"openinference.span.kind": "LLM"}, "path", None),
    ],
)
def test_a_field_of_a_span_goes_by_these_names(named: dict[str, Any], ours: str, value: Any) -> None:
    assert entry_of(named)[ours] == value


@pytest.mark.parametrize(
    ("fields", "ours", "value"),
    [
        ({"status": {"code": 2}}, "response.error", True),
        ({"status": {"code": "STATUS_CODE_ERROR"}}, "response.error", True),
        ({"status": {"code": 1}}, "response.error", False),
        ({"status": "STATUS_CODE_ERROR"}, "response.error", False),
        ({"startTimeUnixNano": "0", "timeUnixNano": "6"}, "ts", "6"),
        ({"startTimeUnixNano": 0, "timeUnixNano": None, "observedTimeUnixNano": "7"}, "ts", "7"),
        ({"startTimeUnixNano": 1, "timeUnixNano": "6"}, "ts", 1),
        ({"startTimeUnixNano": "1", "timeUnixNano": "6"}, "ts", "1"),
        ({"startTimeUnixNano": "0"}, "ts", None),
        ({"traceId": ""}, "request_id", None),
        ({"spanId": ""}, "request_id", None),
        ({"traceId": 7}, "request_id", None),
        ({"spanId": 7}, "request_id", None),
    ],
)
def test_a_span_says_when_it_was_which_it_is_and_whether_it_failed(
    fields: dict[str, Any], ours: str, value: Any
) -> None:
    assert entry_of({}, **fields)[ours] == value


@pytest.mark.parametrize(
    ("of_span", "of_resource", "key"),
    [
        ({"api_key_id": "k", "user.id": "u"}, {"api_key_id": "key_2"}, "k"),
        ({"user.id": "u"}, {"api_key_id": "key_2"}, "key_2"),
        ({"litellm.api_key.hash": "h"}, {"api_key_id": "key_2"}, "key_2"),
        ({"user.id": "u"}, {"litellm.api_key.hash": "h"}, "u"),
        ({}, {"enduser.id": "e", "user.id": "u"}, "u"),
        ({"api_key_id": ""}, {"api_key_id": "key_2"}, "key_2"),
        ({}, {}, None),
    ],
)
def test_whose_call_it_was_is_what_is_called_the_key_wherever_it_stands(
    of_span: dict[str, Any], of_resource: dict[str, Any], key: str | None
) -> None:
    (entry,) = otel.entries(spans(span({"gen_ai.operation.name": "chat"} | of_span), **of_resource))
    assert entry["api_key_id"] == key


INFERENCES = (
    *("chat", "text_completion", "generate_content", "call_llm", "embeddings", "embedding", "aembedding"),
    *("completion", "acompletion", "atext_completion", "responses", "aresponses", "anthropic_messages"),
    *("chat.completions", "chat.streaming_completions", "text.completions", "text.streaming_completions"),
)
OTHERS = (
    *("invoke_agent", "create_agent", "invoke_workflow", "plan", "execute_tool", "retrieval", "fetch_response"),
    *("create_memory", "create_memory_store", "delete_memory", "delete_memory_store", "search_memory"),
    *("update_memory", "upsert_memory"),
)
TWO = {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}


def answers_of(named: dict[str, Any]) -> list[Any]:
    return [entry.get("response", "an inference") for entry in otel.entries(spans(span(named)))]


@pytest.mark.parametrize("operation", INFERENCES)
def test_an_operation_of_inference_is_one_with_usage_or_without(operation: str) -> None:
    assert answers_of({"gen_ai.operation.name": operation}) == ["an inference"]
    assert answers_of({"gen_ai.operation.name": f"{operation}s_"}) == []
    is_embedding = "embedding" in operation
    entry = entry_of({"gen_ai.operation.name": operation})
    assert entry["path"] == ("/v1/embeddings" if is_embedding else None)


@pytest.mark.parametrize("operation", OTHERS)
def test_an_operation_that_only_holds_inferences_is_none_and_an_unknown_one_with_usage_is_kept(operation: str) -> None:
    assert answers_of({"gen_ai.operation.name": operation} | TWO) == []
    run = {"object": "thread.run", "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
    assert answers_of({"gen_ai.operation.name": f"{operation}s_"} | TWO) == [run]
    half = {"object": "thread.run", "usage": {"prompt_tokens": None, "completion_tokens": 3}}
    assert answers_of({"gen_ai.operation.name": "x", "gen_ai.usage.output_tokens": 3}) == [half]
    assert answers_of({"gen_ai.operation.name": "x", "gen_ai.usage.total_tokens": 3}) == []


@pytest.mark.parametrize("kind", ["image_generation", "aspeech", "transcription", "ocr"])
def test_a_call_of_litellm_that_no_meter_is_for_is_no_inference(kind: str) -> None:
    named = {"gen_ai.operation.name": "generate_content", "litellm.call_type": kind}
    assert answers_of(named) == []
    assert answers_of(named | TWO)[0]["object"] == "thread.run"
    assert answers_of(named | {"litellm.call_type": "completion"}) == ["an inference"]


@pytest.mark.parametrize(
    ("named", "is_one"),
    [
        (TWO, True),
        ({"gen_ai.usage.output_tokens": 0}, True),
        ({"gen_ai.system": "x", "gen_ai.request.model": "m"}, True),
        ({"gen_ai.system": "x"}, False),
        ({"gen_ai.request.model": "m"}, False),
        ({"gen_ai.usage.total_tokens": 3}, False),
        ({"openinference.span.kind": "LLM"}, True),
        ({"openinference.span.kind": "EMBEDDING"}, True),
        (TWO | {"openinference.span.kind": "CHAIN"}, False),
        *((TWO | {"traceloop.span.kind": kind}, False) for kind in ("workflow", "task", "agent", "tool")),
        (TWO | {"traceloop.span.kind": "tool", "openinference.span.kind": "LLM"}, True),
        (TWO | {"gen_ai.operation.name": 7}, True),
        *((TWO | {name: "a"}, False) for name in ("gen_ai.agent.name", "agent_name")),
        (TWO | {"agent_name": "a", "gen_ai.agent.name": "a", "model_name": "m", "logfire.msg": "a run"}, False),
        *(
            (TWO | {"gen_ai.agent.name": "a", "agent_name": "a", name: "m"}, True)
            for name in ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name")
        ),
        ({}, False),
    ],
)
def test_before_operations_had_names_an_inference_is_told_by_what_it_states(
    named: dict[str, Any], *, is_one: bool
) -> None:
    assert answers_of(named) == (["an inference"] if is_one else [])


def test_an_event_of_an_inference_is_one_and_other_events_are_none() -> None:
    details = "gen_ai.client.inference.operation.details"
    chat = {"gen_ai.operation.name": "chat"}
    named = span(chat, eventName=details, spanId="named")
    by_attribute = span(chat | {"event.name": details}, spanId="by attribute")
    other = span(chat | {"event.name": details}, eventName="another", spanId="other")
    assert [entry["request_id"] for entry in otel.entries(events(named, by_attribute, other, span(chat)))] == [
        *("t1/named", "t1/by attribute"),
    ]


def test_an_inference_right_within_another_of_the_same_counts_is_that_call_once_more() -> None:
    def call(own: str, parent: str | None, **named: Any) -> dict[str, Any]:
        return span({"gen_ai.operation.name": "chat"} | TWO | named, spanId=own, parentSpanId=parent)

    of_inner = {"gen_ai.response.id": "r-1"}
    of_outer = {"gen_ai.response.id": "r-2", "gen_ai.response.model": "m-2"}

    def joined(*records: dict[str, Any]) -> list[tuple[Any, ...]]:
        found = otel.entries(spans(*records))
        return [(each["request_id"], each["response.id"], each["response.model"]) for each in found]

    assert joined(call("in", "out", **of_inner), call("out", None, **of_outer)) == [("t1/in", "r-1", "m-2")] * 2
    apart = [("t1/in", "r-1", None), ("t1/out", "r-2", "m-2")]
    assert joined(call("in", "elsewhere", **of_inner), call("out", None, **of_outer)) == apart
    for other in ({"gen_ai.usage.input_tokens": 8}, {"gen_ai.usage.output_tokens": 4}):
        assert joined(call("in", "out", **of_inner, **other), call("out", None, **of_outer)) == apart
    nothing = {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}
    assert joined(call("in", "out", **of_inner, **nothing), call("out", None, **of_outer, **nothing)) == apart
    half = {"gen_ai.usage.input_tokens": 0}
    assert joined(call("in", "out", **half), call("out", None, **half)) == [("t1/in", None, None)] * 2
    assert joined(call("", None, **of_inner), call("", "", **of_outer)) == [(None, "r-1", None), (None, "r-2", "m-2")]


def test_what_asks_for_vectors_within_what_says_so_and_counts_nothing_is_that_call_once_more() -> None:
    def call(own: str, parent: str | None, tokens: int | None, operation: str = "embeddings") -> dict[str, Any]:
        counted = {} if tokens is None else {"gen_ai.usage.input_tokens": tokens}
        return span({"gen_ai.operation.name": operation} | counted, spanId=own, parentSpanId=parent)

    def ids(*records: dict[str, Any]) -> list[Any]:
        return [each["request_id"] for each in otel.entries(spans(*records))]

    assert ids(call("a", "out", 7), call("b", "out", 5), call("out", None, None)) == ["t1/a", "t1/b", "t1/b"]
    assert ids(call("a", "out", 7), call("out", None, 12)) == ["t1/a", "t1/out"]
    assert ids(call("a", "out", None), call("out", None, None)) == ["t1/a", "t1/out"]
    for of_inner, of_outer in (("chat", "chat"), ("embeddings", "chat"), ("chat", "embeddings")):
        assert ids(call("a", "out", 7, of_inner), call("out", None, None, of_outer)) == ["t1/a", "t1/out"]


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        *((f"ai.embed{many}.doEmbed{own}", "/v1/embeddings") for many in ("", "Many") for own in ("", " my search")),
        *((f"ai.embed{many}{own}", None) for many in ("", "Many") for own in ("", " my.doEmbed")),
    ],
)
def test_of_vercel_s_spans_what_asks_for_vectors_is_an_embedding_and_what_is_around_it_is_none(
    operation: str, path: str | None
) -> None:
    named = {"operation.name": operation, "ai.model.id": "te-3", "ai.usage.tokens": 7}
    found = otel.entries(spans(span(named)))
    assert [(each["path"], each["request"]["model"], each["usage.prompt_tokens"]) for each in found] == [
        *([(path, "te-3", 7)] if path else ()),
    ]


@pytest.mark.parametrize(
    ("value", "held"),
    [
        ({"stringValue": "a"}, "a"),
        ({"boolValue": False}, False),
        ({"doubleValue": 1}, 1),
        ({"intValue": "12"}, 12),
        ({"intValue": "-12"}, -12),
        ({"intValue": 12}, 12),
        ({"intValue": "twelve"}, "twelve"),
        ({"intValue": "1" * 20}, int("1" * 20)),
        ({"intValue": "1" * 21}, "1" * 21),
        ({"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}, 7]}}, ["a", 1, None]),
        ({"arrayValue": {"values": 7}}, None),
        ({"arrayValue": [1]}, None),
        ({"arrayValue": {}}, None),
        ({"kvlistValue": {}}, None),
        ({}, None),
        ("a", None),
    ],
)
def test_an_attribute_holds_a_text_a_number_a_flag_or_a_list_of_them(value: Any, held: Any) -> None:
    document = spans(
        span({}, attributes=[{"key": "x", "value": value}, *attributes(**{"gen_ai.operation.name": "chat"})])
    )
    (entry,) = otel.entries(document)
    assert entry["attributes"]["x"] == held
    assert type(entry["attributes"]["x"]) is type(held)


def test_an_attribute_that_is_stated_twice_is_left_for_whoever_reads_it() -> None:
    named = [*attributes(**{"gen_ai.operation.name": "chat"} | TWO), *attributes(**{"gen_ai.usage.input_tokens": 8})]
    (entry,) = otel.entries(spans(span({}, attributes=named)))
    assert entry["usage.prompt_tokens"] is CONTRADICTED


@pytest.mark.parametrize(
    ("document", "reason", "detail"),
    [
        ({}, "missing_field", "none of resourceSpans, resourceLogs, resourceMetrics"),
        ({"resourceSpans": {}}, "missing_field", "none of resourceSpans, resourceLogs, resourceMetrics"),
        ({"resourceSpans": [7]}, "invalid_field", "resourceSpans is no list of objects"),
        ({"resourceMetrics": [], "resourceLogs": 7}, "invalid_field", "resourceLogs is no list of objects"),
        ({"resourceSpans": [{"scopeSpans": 7}]}, "invalid_field", "scopeSpans is no list of objects"),
        ({"resourceSpans": [{"scopeSpans": [{"spans": [7]}]}]}, "invalid_field", "spans is no list of objects"),
        ({"resourceLogs": [{"scopeLogs": [{"logRecords": 7}]}]}, "invalid_field", "logRecords is no list of objects"),
        (spans(span({}, attributes=7)), "invalid_field", "attributes is no list of objects"),
    ],
)
def test_what_is_no_otlp_is_refused_with_what_is_none(document: Any, reason: str, detail: str) -> None:
    assert refusal(otel.entries, document) == (reason, detail)


def test_a_line_of_otlp_is_known_by_its_signal_and_may_hold_nothing() -> None:
    for name in ("resourceSpans", "resourceLogs", "resourceMetrics"):
        assert otel.recognises({name: []})
        assert not otel.recognises({name: {}})
        assert otel.entries({name: []}) == []
    assert otel.entries({"resourceSpans": [{}, {"scopeSpans": [{}]}, {"resource": 7, "scopeSpans": []}]}) == []


OBSERVATION = {"type": "GENERATION", "traceId": "t1", "startTime": "2026-03-01T09:00:00.25"}


def observed(**fields: Any) -> dict[str, Any]:
    (entry,) = langfuse.entries(OBSERVATION | fields)
    return entry


PARTS = dict.fromkeys(
    ("cached_tokens", "cache_write_tokens", "cache_write_1h_tokens", "reasoning_tokens", "prompt_audio_tokens")
) | {"completion_audio_tokens": None}


def counted(prompt: int | None, completion: int | None, **parts: int) -> dict[str, Any]:
    named = {"prompt_tokens": prompt, "completion_tokens": completion} | PARTS | parts
    return {f"usage.{name}": value for name, value in named.items()}


def counts_in(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name.startswith("usage.")}


WRITTEN_TWICE = {
    "cache_creation_input_tokens": 9,
    "cache_creation_ephemeral_5m_input_tokens": 4,
    "cache_creation_ephemeral_1h_input_tokens": 5,
}
WRITTEN_ONCE = counted(29, 10, cache_write_tokens=9, cache_write_1h_tokens=5)


def test_an_observation_is_an_entry_of_these_values() -> None:
    observation = OBSERVATION | {
        "id": "o1",
        "metadata": {"api_key_id": "key_1"},
        "userId": "user_1",
        "model": "m-1",
        "level": "ERROR",
        "modelParameters": {"service_tier": "flex"},
        "usageDetails": {"input": 20, "output": 10},
    }
    assert langfuse.entries(observation) == [
        {
            "ts": "2026-03-01T09:00:00.25Z",
            "api_key_id": "key_1",
            "request_id": "t1/o1",
            "response.model": "m-1",
            "response.error": True,
            "service_tier": "flex",
            **counted(20, 10),
            "observation": observation,
        }
    ]
    assert langfuse.entries(OBSERVATION) == [
        {
            "ts": "2026-03-01T09:00:00.25Z",
            "api_key_id": None,
            "request_id": None,
            "response.model": None,
            "response.error": False,
            "service_tier": None,
            **counted(None, None),
            "observation": OBSERVATION,
        }
    ]


@pytest.mark.parametrize(
    ("fields", "ours", "value"),
    [
        ({"startTime": None, "start_time": "2026-03-01 09:00:00"}, "ts", "2026-03-01 09:00:00Z"),
        ({"traceId": None, "trace_id": "t2", "id": "o1"}, "request_id", "t2/o1"),
        ({"traceId": 7, "id": "o1"}, "request_id", "o1"),
        ({"id": 7}, "request_id", 7),
        ({"metadata": '{"api_key_id": "key_1"}'}, "api_key_id", "key_1"),
        ({"metadata": "{torn", "userId": "u"}, "api_key_id", "u"),
        ({"metadata": "7", "user_id": "u"}, "api_key_id", "u"),
        ({"metadata": [], "userId": "", "user_id": "u"}, "api_key_id", "u"),
        ({"providedModelName": "m"}, "response.model", "m"),
        ({"provided_model_name": "m"}, "response.model", "m"),
        ({"model": "m", "providedModelName": "n"}, "response.model", "m"),
        ({"level": "WARNING"}, "response.error", False),
        ({"model_parameters": '{"service_tier": "flex"}'}, "service_tier", "flex"),
    ],
)
def test_a_field_of_an_observation_goes_by_these_names(fields: dict[str, Any], ours: str, value: Any) -> None:
    assert observed(**fields)[ours] == value


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        *(({name: 20}, counted(20, 0)) for name in ("input", "input_tokens", "prompt_tokens")),
        *(({name: 10}, counted(None, 10)) for name in ("output", "output_tokens", "completion_tokens")),
        ({"input": "20", "output": "10", "total": "30"}, counted(20, 10)),
        ({"input": 20, "output": 10, "total": 0}, counted(20, 10)),
        ({"input": 20, "output": 10, "input_cached_tokens": 5}, counted(25, 10, cached_tokens=5)),
        ({"input": 20, "output": 10, "input_cached_tokens": 5, "total": 35}, counted(25, 10, cached_tokens=5)),
        ({"input": 20, "output": 10, "input_cached_tokens": 5, "total": 30}, counted(20, 10, cached_tokens=5)),
        ({"input": 20, "output": 10, "cache_read_input_tokens": 5}, counted(25, 10, cached_tokens=5)),
        ({"input": 20, "output": 10, "cache_creation_input_tokens": 5}, counted(25, 10, cache_write_tokens=5)),
        ({"input": 20, "output": 10, "input_cache_write": 5}, counted(25, 10, cache_write_tokens=5)),
        ({"input": 20, "output": 10, "tokens_written_to_cache": 5}, counted(25, 10, cache_write_tokens=5)),
        (
            {"input": 20, "output": 10, "input_cache_creation_1h": 5, "input_cache_creation_5m": 4},
            counted(29, 10, cache_write_tokens=9, cache_write_1h_tokens=5),
        ),
        *(
            ({"input": 20, "output": 10, name: 5}, counted(20, 15, reasoning_tokens=5))
            for name in ("output_reasoning_tokens", "thinking", "thoughts_token_count")
        ),
        ({"input": 20, "output": 10, "input_audio_tokens": 5}, counted(25, 10, prompt_audio_tokens=5)),
        ({"input": 20, "output": 10, "output_audio": 5}, counted(20, 15, completion_audio_tokens=5)),
        *(
            ({"input": 20, "output": 10, f"input_{name}": 5}, counted(25, 10, prompt_audio_tokens=5))
            for name in ("modality_AUDIO", "modality_audio", "modality_4")
        ),
        ({"input": 20, "output": 10, "output_modality_AUDIO": 5}, counted(20, 15, completion_audio_tokens=5)),
        ({"input": 20, "output": 10, "input_modality_TEXT": 5, "output_modality_1": 4}, counted(25, 14)),
        ({"input": 20, "output": 10, "cached_modality_AUDIO": 5}, counted(25, 10, cached_tokens=5)),
        ({"prompt_token_count": 20, "candidates_token_count": 10}, counted(20, 10)),
        ({"promptTokenCount": 20, "candidatesTokenCount": 10, "total": 30}, counted(20, 10)),
        (
            {"input": 20, "output": 10, "input_ephemeral_5m_input_tokens": 4, "input_ephemeral_1h_input_tokens": 5},
            counted(29, 10, cache_write_tokens=9, cache_write_1h_tokens=5),
        ),
        *(
            ({"input": 20, "output": 10, **WRITTEN_TWICE, **total}, WRITTEN_ONCE)
            for total in ({}, {"total": 48}, {"total": 39})
        ),
        (
            {"input": 20, "output": 10, **WRITTEN_TWICE, "cache_creation_input_tokens": 11},
            counted(31, 10, cache_write_tokens=11, cache_write_1h_tokens=5),
        ),
        (
            {"input": 20, "output": 10, **WRITTEN_TWICE, "cache_creation_input_tokens": 0},
            WRITTEN_ONCE,
        ),
        ({"prompt_text": 20, "completion_text": 10, "images": 3}, counted(20, 10)),
        (
            {"input": 20, "output": 10, "reasoning.output_tokens": 4},
            counted(20, 10, reasoning_tokens=4),
        ),
        (
            {"input": 20, "output": 10, "reasoning.output_tokens": 4, "total": 34},
            counted(20, 10, reasoning_tokens=4),
        ),
        *(
            ({"input": 20, "output": 10, name: 4, "total": 34}, counted(20, 10))
            for name in ("accepted_prediction_tokens", "rejected_prediction_tokens")
        ),
        ({"input": 20, "output": 10, "total_tokens": 30, "total": 60}, counted(20, 10)),
        ({"input": 20, "output": 10, "cache_read.input_tokens": 0}, counted(20, 10, cached_tokens=0)),
    ],
)
def test_a_usage_type_is_of_one_side_and_kind_and_the_total_tells_whether_it_is_a_part(
    usage: dict[str, Any], expected: dict[str, Any]
) -> None:
    for name in ("usageDetails", "usage_details"):
        assert counts_in(observed(**{name: usage})) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"usage": {"input": 20, "output": 10, "total": 30}}, counted(20, 10)),
        ({"usage": {"input": 20, "output": 10, "unit": "TOKENS"}}, counted(20, 10)),
        ({"usage": '{"input": 20, "output": 10}'}, counted(20, 10)),
        ({"usage": {"input": 20, "output": 10, "unit": "CHARACTERS"}}, {}),
        ({"promptTokens": 20, "completionTokens": 10, "totalTokens": 30}, counted(20, 10)),
        ({"usage": {"input": 0, "output": 0}, "promptTokens": 20, "completionTokens": 10}, counted(20, 10)),
        ({"usageDetails": {"input": 0}, "usage": {"input": 20, "output": 10}}, counted(20, 10)),
        ({"usageDetails": {"input": 20}, "usage": {"input": 1, "output": 1}}, counted(20, 0)),
        ({"usage": {"output": 10}}, counted(None, 10)),
        ({"usage": {"total": 5, "input": 5}}, counted(5, 0)),
    ],
)
def test_older_observations_state_usage_with_a_unit_or_in_fields_of_their_own(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert counts_in(observed(**fields)) == expected


@pytest.mark.parametrize(
    ("document", "reason", "detail"),
    [
        ({"data": 7}, "invalid_field", "data is no list of observations"),
        ({"data": [OBSERVATION, 7]}, "invalid_field", "data is no list of observations"),
        (
            {"data": [OBSERVATION, OBSERVATION | {"type": "DREAM"}]},
            "invalid_field",
            "type is none of an observation: a newer Langfuse may have more, and usage of it must not be lost",
        ),
        (
            OBSERVATION | {"usageDetails": {"input": 20, "output": 10, "x": 1, "total": 32}},
            "contradictory_usage",
            "the stated total 32 is neither the sum 31 of all usage types nor 30, that of input and output",
        ),
        (
            OBSERVATION | {"usageDetails": {"x": 1, "total": 2}},
            "contradictory_usage",
            "the stated total 2 is neither the sum 1 of all usage types nor 0, that of input and output",
        ),
        (
            OBSERVATION | {"usageDetails": {"input": 20, "cache_read.input_tokens": 3, "x.y": 2}},
            "contradictory_usage",
            "usage_details state 5 tokens under names of OpenTelemetry, which may be within the input or beside it",
        ),
        (
            OBSERVATION | {"usageDetails": {"input": 20, **WRITTEN_TWICE, "cache_creation_input_tokens": 8}},
            "contradictory_usage",
            "cache_creation_input_tokens is 8, and by their lifetimes 9 tokens were written",
        ),
        (OBSERVATION | {"usageDetails": {"input": "many"}}, "invalid_usage", "usage_details is no number"),
        (OBSERVATION | {"usageDetails": {"input": 1, "total": "many"}}, "invalid_usage", "total is no number"),
    ],
)
def test_observations_that_cannot_be_told_apart_are_refused(document: Any, reason: str, detail: str) -> None:
    assert refusal(langfuse.entries, document) == (reason, detail)


@pytest.mark.parametrize(
    ("kind", "is_exchange"),
    [
        *(("GENERATION", True), ("EMBEDDING", True)),
        *((kind, False) for kind in ("SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL")),
    ],
)
def test_of_the_types_of_observations_two_are_exchanges(kind: str, *, is_exchange: bool) -> None:
    one = OBSERVATION | {"type": kind}
    assert langfuse.recognises(one)
    assert langfuse.recognises({"data": [one, 7]})
    assert len(langfuse.entries({"data": [one, OBSERVATION]})) == 1 + is_exchange
    for name in ("type", "traceId", "startTime"):
        assert not langfuse.recognises({key: value for key, value in one.items() if key != name})
    older = {"type": kind, "trace_id": "t", "start_time": "x"}
    assert langfuse.recognises(older)
    assert not langfuse.recognises({"data": [7]})
    assert not langfuse.recognises({"data": []})


ROW = {"request_id": "req-1", "request_created_at": "2026-03-01 09:00:00", "response_status": 200}
OF_ROW: dict[str, Any] = {
    "ts": "2026-03-01 09:00:00Z",
    "api_key_id": None,
    "request_id": "req-1",
    "status": 200,
    "path": None,
    "request": {"model": None},
    "cache_hit": False,
    "response": None,
}
NOT_COUNTED: dict[str, Any] = {
    f"usage.{name}": None for name in ("prompt_tokens", "completion_tokens", "reasoning_tokens", "prompt_audio_tokens")
} | {"usage.completion_audio_tokens": None}


def of_row(row: dict[str, Any], **known: Any) -> dict[str, Any]:
    return OF_ROW | {"row": row, "response.model": None, "response.error": False} | NOT_COUNTED | known


def test_a_row_without_a_body_is_an_entry_of_its_counts() -> None:
    assert helicone.entries(ROW) == [of_row(ROW)]
    row = ROW | {
        "request_model": "asked",
        "response_model": "m-1",
        "request_path": "/v1/messages",
        "request_user_id": "user_1",
        "prompt_tokens": "20",
        "completion_tokens": 6,
        "reasoning_tokens": 4,
        "prompt_audio_tokens": 3,
        "completion_audio_tokens": 2,
        "prompt_cache_read_tokens": 0,
        "prompt_cache_write_tokens": "0",
    }
    assert helicone.entries(row) == [
        of_row(
            row,
            api_key_id="user_1",
            path="/v1/messages",
            request={"model": "asked"},
            **{
                "response.model": "m-1",
                "usage.prompt_tokens": 20,
                "usage.completion_tokens": 10,
                "usage.reasoning_tokens": 4,
                "usage.prompt_audio_tokens": 3,
                "usage.completion_audio_tokens": 2,
            },
        )
    ]


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ({"model": "m"}, {"request": {"model": "m"}, "response.model": "m"}),
        ({"target_url": "/v1/messages"}, {"path": "/v1/messages"}),
        ({"request_path": "/a", "target_url": "/b"}, {"path": "/a"}),
        ({"user_id": "u"}, {"api_key_id": "u"}),
        ({"request_properties": {"api_key_id": "k"}, "user_id": "u"}, {"api_key_id": "k"}),
        ({"request_properties": {"Api-Key-Id": "k"}}, {"api_key_id": "k"}),
        ({"properties": {"api_key_id": "k"}}, {"api_key_id": "k"}),
        ({"response_status": "429"}, {"status": 429, "response.error": True}),
        ({"response_status": 400}, {"status": 400, "response.error": True}),
        ({"response_status": 399}, {"status": 399}),
        ({"response_status": 0}, {"status": None}),
        ({"response_status": 1}, {"status": 1}),
        ({"response_status": -3}, {"status": None}),
        ({"response_status": "none"}, {"status": None}),
        ({"request_body": {"model": "asked"}}, {"request": {"model": "asked"}}),
        ({"request_body": {}}, {}),
        *(({"request_body": {name: "x"}}, {}) for name in ("helicone_message", "helicone_error")),
        *(({"response_body": {name: "x"}}, {}) for name in ("helicone_message", "helicone_error")),
        ({"cache_reference_id": ""}, {}),
        ({"cache_reference_id": "00000000-0000-0000-0000-000000000000"}, {}),
    ],
)
def test_a_field_of_a_row_goes_by_these_names(fields: dict[str, Any], known: dict[str, Any]) -> None:
    row = ROW | fields
    assert helicone.entries(row) == [of_row(row, **known)]


def test_a_row_with_its_body_counts_by_that_and_a_hit_of_helicone_s_cache_counts_nothing() -> None:
    row = ROW | {"response_body": {"id": "r-1"}, "prompt_tokens": 20, "prompt_cache_read_tokens": 9}
    assert helicone.entries(row) == [OF_ROW | {"response": {"id": "r-1"}, "row": row}]
    hit = ROW | {"cache_reference_id": "x", "prompt_tokens": 20, "prompt_cache_read_tokens": 9}
    assert helicone.entries(hit) == [
        OF_ROW | {"cache_hit": True, "row": hit, "response.model": None, "response.error": False}
    ]


def test_rows_stand_alone_or_in_a_page_and_what_may_be_within_or_beside_is_refused() -> None:
    assert helicone.recognises(ROW)
    assert helicone.recognises({"data": [ROW]})
    for name in ROW:
        assert not helicone.recognises({key: value for key, value in ROW.items() if key != name})
    assert not helicone.recognises({"data": [7]})
    assert helicone.entries({"data": [ROW, ROW]}) == [of_row(ROW)] * 2
    for data in (7, [ROW, 7]):
        assert refusal(helicone.entries, {"data": data}) == ("invalid_field", "data is no list of requests")
    cached = ROW | {"prompt_tokens": 20, "prompt_cache_read_tokens": 5, "prompt_cache_write_tokens": 4}
    detail = "9 cached tokens may be within the 20 of the prompt or beside them; export with --include-body"
    assert refusal(helicone.entries, cached) == ("contradictory_usage", detail)
    alone = ROW | {"prompt_cache_write_tokens": 4}
    detail = "4 cached tokens may be within the 0 of the prompt or beside them; export with --include-body"
    assert refusal(helicone.entries, alone) == ("contradictory_usage", detail)
    assert refusal(helicone.entries, ROW | {"prompt_tokens": "many"}) == ("invalid_usage", "prompt_tokens is no number")
    twice = parse('{"request_id": 1, "request_created_at": 1, "response_status": 200, "response_status": 500}')
    assert refusal(helicone.entries, twice)[0] == "duplicate_key"
