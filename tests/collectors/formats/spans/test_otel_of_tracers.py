"""Spans that SDKs of tracing tools write, whose usage is no attribute that counts, and sums that are no calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from foreign_lines import any_value


def spans(*each: dict[str, Any]) -> dict[str, Any]:
    """Return a line of OTLP with a span for each of some attributes."""
    written = [
        {
            "traceId": "5b8efff798038103d269b633813fc60c",
            "spanId": f"eee19b7ec3c1b17{number}",
            "startTimeUnixNano": "1788000000123456789",
            "attributes": [
                {"key": key, "value": any_value(value)} for key, value in {"user.id": "key_1", **named}.items()
            ],
            "status": {},
        }
        for number, named in enumerate(each)
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": written}]}]}


LANGFUSE = {"langfuse.observation.type": "generation", "langfuse.observation.model.name": "jamba"}


@pytest.mark.parametrize(
    ("details", "tokens"),
    [
        ({"input": 40, "output": 5, "total": 45}, (40, 5, None, None, None)),
        ({"input": 10, "input_cached_tokens": 30, "output": 3, "output_reasoning_tokens": 2}, (40, 5, 30, None, 2)),
        (
            {"input": 6, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4, "output": 5},
            (40, 5, 30, 4, None),
        ),
    ],
)
def test_a_generation_of_langfuse_s_sdk_states_its_buckets_as_text(
    details: dict[str, int], tokens: tuple[int | None, ...], collect: Any
) -> None:
    said = LANGFUSE | {"langfuse.observation.usage_details": json.dumps(details)}
    tier = {"langfuse.observation.model.parameters": '{"service_tier": "flex"}'}
    collected = collect(spans(said | tier))
    assert collected.tokens == tokens
    assert (collected.event["model_requested"], collected.event["service_tier"]) == ("jamba", "flex")


def test_what_langfuse_s_buckets_contradict_is_refused(collect: Any) -> None:
    said = LANGFUSE | {"langfuse.observation.usage_details": '{"input": 40, "output": 5, "total": 77}'}
    assert collect(spans(said)).refusal[0] == "contradictory_usage"


def test_vectors_of_langfuse_are_an_embedding_and_its_other_spans_no_calls(collect: Any) -> None:
    vectors = LANGFUSE | {
        "langfuse.observation.type": "embedding",
        "langfuse.observation.usage_details": '{"input": 40}',
    }
    assert collect(spans(vectors)).tokens == (40, 0, None, None, None)
    details = {"langfuse.observation.usage_details": '{"input": 40, "output": 5}'}
    for kind in ("span", "agent", "chain", "tool"):
        assert not collect(spans(details | {"langfuse.observation.type": kind})).events


def test_counts_by_names_of_a_convention_come_before_text(collect: Any) -> None:
    counts = {"gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 5}
    said = LANGFUSE | {"langfuse.observation.usage_details": '{"input": 7, "output": 7}'}
    assert collect(spans(said | counts)).tokens[:2] == (40, 5)


def braintrust(kind: str = "llm", *, output: Any = None, **metrics: Any) -> dict[str, Any]:
    said = {
        "braintrust.span_attributes": json.dumps({"type": kind}),
        "braintrust.metadata": '{"model": "jamba", "provider": "x"}',
        "braintrust.metrics": json.dumps(metrics),
    }
    return said if output is None else said | {"braintrust.output_json": json.dumps(output)}


def test_a_span_of_braintrust_s_sdks_counts_in_its_metrics(collect: Any) -> None:
    counts = {"prompt_tokens": 40, "completion_tokens": 5, "tokens": 45}
    parts = {"prompt_cached_tokens": 30, "prompt_cache_creation_tokens": 4, "completion_reasoning_tokens": 3}
    collected = collect(spans(braintrust(**counts, **parts)))
    assert (collected.tokens, collected.event["model_requested"]) == ((40, 5, 30, 4, 3), "jamba")
    assert not collect(spans(braintrust("task", **counts))).events


def test_a_message_that_braintrust_s_sdk_for_java_keeps_says_what_was_cached_beside_the_prompt(collect: Any) -> None:
    usage = {"input_tokens": 40, "output_tokens": 5, "cache_read_input_tokens": 30}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "opus", "content": [], "usage": usage}
    counts = {"prompt_tokens": 40, "completion_tokens": 5, "tokens": 45, "prompt_cached_tokens": 30}
    collected = collect(spans(braintrust(output=message, **counts)))
    assert (collected.tokens, collected.event["response_id"]) == ((70, 5, 30, None, None), "msg_1")
    assert collect(spans(braintrust(output=[{"role": "assistant"}], **counts))).tokens == (40, 5, 30, None, None)


def genkit(usage: Any, subtype: str | None = "model") -> dict[str, Any]:
    response = {"message": {"role": "model", "content": []}, "finishReason": "stop", "usage": usage}
    said = {"genkit:type": "action", "genkit:name": "googleai/gemini-2.5-pro", "genkit:output": json.dumps(response)}
    return said if subtype is None else said | {"genkit:metadata:subtype": subtype}


def test_a_response_in_a_span_of_genkit_is_the_call_and_spans_around_it_are_none(collect: Any) -> None:
    thought = {"inputTokens": 40, "outputTokens": 5, "thoughtsTokens": 7, "totalTokens": 52}
    collected = collect(spans(genkit(thought)))
    assert (collected.tokens, collected.event["model_requested"]) == (
        (40, 12, None, None, 7),
        "googleai/gemini-2.5-pro",
    )
    assert not collect(spans(genkit(thought, None), genkit(thought, "flow"))).events
    assert collect(spans(genkit(thought) | {"genkit:output": "<redacted>"})).event["status"] == "unknown"


@pytest.mark.parametrize(
    "metrics",
    [
        {"type": "json", "value": {"promptTokens": 40, "completionTokens": 5, "cost": 0.1}},
        {"prompt_tokens": 40, "completion_tokens": 5},
    ],
)
def test_a_span_of_langwatch_s_sdk_counts_in_a_text(metrics: dict[str, Any], collect: Any) -> None:
    said = {"langwatch.span.type": "llm", "gen_ai.request.model": "jamba", "langwatch.metrics": json.dumps(metrics)}
    assert collect(spans(said)).tokens[:2] == (40, 5)
    assert not collect(spans(said | {"langwatch.span.type": "agent"})).events


def test_a_span_of_mlflow_is_a_call_also_as_otlp(collect: Any) -> None:
    usage = {"input_tokens": 40, "output_tokens": 5, "total_tokens": 45, "cache_read_input_tokens": 30}
    said = {
        "mlflow.spanType": '"CHAT_MODEL"',
        "mlflow.llm.model": '"jamba"',
        "mlflow.chat.tokenUsage": json.dumps(usage),
    }
    collected = collect(spans(said))
    assert (collected.tokens, collected.event["model_requested"]) == ((40, 5, 30, None, None), "jamba")
    answer = {
        "id": "chatcmpl-1",
        "model": "jamba-large",
        "choices": [],
        "usage": {"prompt_tokens": 41, "completion_tokens": 5},
    }
    kept = collect(spans(said | {"mlflow.spanOutputs": json.dumps(answer)}))
    assert (kept.tokens[:2], kept.event["response_id"]) == ((41, 5), "chatcmpl-1")
    assert not collect(spans(said | {"mlflow.spanType": '"AGENT"'}, said | {"mlflow.spanType": '"CHAIN"'})).events


def test_vectors_of_openllmetry_have_a_prompt_alone_and_what_puts_in_order_is_not_metered(collect: Any) -> None:
    said = {"gen_ai.system": "Cohere", "gen_ai.request.model": "embed", "gen_ai.usage.prompt_tokens": 40}
    assert collect(spans(said | {"llm.request.type": "embedding"})).tokens == (40, 0, None, None, None)
    put_in_order = collect(spans(said | {"llm.request.type": "rerank", "gen_ai.usage.completion_tokens": 0})).event
    assert (put_in_order["status"], put_in_order["other_usage"]) == ("not_metered", '{"prompt_tokens":40}')
    both = said | {"gen_ai.usage.completion_tokens": 5}
    for kind in ("chat", "completion", "unknown"):
        assert collect(spans(both | {"llm.request.type": kind})).tokens[:2] == (40, 5)


def test_openllmetry_s_first_names_are_read(collect: Any) -> None:
    said = {"llm.request.model": "jamba", "llm.usage.prompt_tokens": 40, "llm.usage.completion_tokens": 5}
    for kind in ({}, {"llm.request.type": "chat"}):
        collected = collect(spans(said | {"llm.usage.total_tokens": 45} | kind))
        assert (collected.tokens[:2], collected.event["model_requested"]) == ((40, 5), "jamba")
    assert not collect(spans(said | {"traceloop.span.kind": "workflow"})).events


def test_what_sentry_asks_of_anthropic_by_javascript_is_refused_where_its_total_has_a_cache(
    collect: Any,
) -> None:
    said = {"gen_ai.operation.name": "messages", "gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 5}
    assert collect(spans(said | {"gen_ai.usage.total_tokens": 45})).tokens[:2] == (40, 5)
    assert collect(spans(said | {"gen_ai.usage.total_tokens": 445})).refusal[0] == "contradictory_usage"


def test_the_sums_of_a_session_of_a_coding_agent_are_no_call(collect: Any) -> None:
    counts = {"gen_ai.request.model": "opus", "gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 5}
    turn = counts | {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.cache.read_input_tokens": 30,
        "gen_ai.usage.cache.creation_input_tokens": 4,
    }
    session = counts | {"coding_agent.session.outcome": "completed"}
    assert collect(spans(turn, session)).tokens == (40, 5, 30, 4, None)


def test_an_answer_of_an_earlier_run_is_no_call_of_laminar_s(collect: Any) -> None:
    said = {
        "gen_ai.system": "anthropic",
        "gen_ai.request.model": "opus",
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_creation.input_tokens": 30,
        "gen_ai.usage.cache_creation.input_tokens.ephemeral_1h": 20,
    }
    event = collect(spans(said | {"lmnr.span.type": "LLM"})).event
    assert (event["prompt_cache_write_tokens"], event["prompt_cache_write_1h_tokens"]) == (30, 20)
    assert not collect(spans(said | {"lmnr.span.type": "CACHED"})).events


def test_kinds_of_spans_of_alibaba_s_agents_say_which_are_calls(collect: Any) -> None:
    counts = {"gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 5}
    assert collect(spans(counts | {"gen_ai.span.kind": "LLM"})).tokens[:2] == (40, 5)
    assert not collect(spans(counts | {"gen_ai.span.kind": "CHAIN"}, counts | {"gen_ai.span.kind": "AGENT"})).events
    vectors = {"gen_ai.usage.input_tokens": 40, "gen_ai.span.kind": "EMBEDDING"}
    assert collect(spans(vectors)).tokens[:2] == (40, 0)


def test_what_langtrace_calls_embed_asks_for_vectors(collect: Any) -> None:
    assert collect(spans({"gen_ai.operation.name": "embed", "gen_ai.usage.input_tokens": 40})).tokens[:2] == (40, 0)


def qwen(*each: dict[str, Any], event: str = "qwen-code.api_response") -> dict[str, Any]:
    named = {
        "event.name": event,
        "user.id": "key_1",
        "response_id": "chatcmpl-1",
        "model": "qwen3-coder-plus",
        "input_token_count": 40,
        "output_token_count": 5,
        "cached_content_token_count": 30,
        "thoughts_token_count": 3,
        "tool_token_count": 0,
        "total_token_count": 45,
    }
    records = [
        {
            "timeUnixNano": "1788000000123456789",
            "body": {"stringValue": "API response from qwen3-coder-plus. Status: 200. Duration: 900ms."},
            "attributes": [{"key": key, "value": any_value(value)} for key, value in (named | said).items()],
        }
        for said in each or ({},)
    ]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}


def test_a_call_of_qwen_code_is_its_event_and_its_total_tells_where_thoughts_lie(collect: Any) -> None:
    collected = collect(qwen())
    assert collected.tokens == (40, 5, 30, None, 3)
    assert (collected.event["response_id"], collected.event["model_requested"]) == ("chatcmpl-1", "qwen3-coder-plus")
    assert collect(qwen({"total_token_count": 48})).tokens == (40, 8, 30, None, 3)
    assert collect(qwen({"total_token_count": 445})).refusal[0] == "contradictory_usage"
    nothing = {"input_token_count": 0, "output_token_count": 0, "total_token_count": 0}
    assert (
        collect(qwen(nothing | {"cached_content_token_count": 0, "thoughts_token_count": 0})).event["status"]
        == "unknown"
    )
    assert not collect(qwen(event="qwen-code.api_request")).events
