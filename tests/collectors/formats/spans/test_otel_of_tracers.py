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


JUDGMENT = {
    "judgment.span_kind": "llm",
    "judgment.llm.model": "opus-5",
    "judgment.usage.non_cached_input_tokens": 10,
    "judgment.usage.cache_read_input_tokens": 30,
    "judgment.usage.cache_creation_input_tokens": 4,
    "judgment.usage.output_tokens": 5,
}


def test_judgment_labs_sdk_counts_what_was_cached_beside_the_input(collect: Any) -> None:
    """10 + 30 + 4 are 44."""
    collected = collect(spans(JUDGMENT))
    assert collected.tokens == (44, 5, 30, 4, None)
    assert collected.event["model_requested"] == "opus-5"
    many = JUDGMENT | {"judgment.usage.non_cached_input_tokens": 100}
    assert collect(spans(many)).tokens == (134, 5, 30, 4, None)


@pytest.mark.parametrize(
    ("metadata", "tokens"),
    [
        (
            {
                "prompt_tokens": 40,
                "completion_tokens": 5,
                "total_tokens": 45,
                "prompt_tokens_details": {"cached_tokens": 30},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            (40, 5, 30, None, 2),
        ),
        (
            {
                "input_tokens": 40,
                "input_tokens_details": {"cached_tokens": 30},
                "output_tokens": 5,
                "output_tokens_details": {"reasoning_tokens": 2},
                "total_tokens": 45,
            },
            (40, 5, 30, None, 2),
        ),
        (
            {"input_tokens": 10, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4, "output_tokens": 5},
            (44, 5, 30, 4, None),
        ),
        (
            {
                "prompt_token_count": 40,
                "cached_content_token_count": 30,
                "candidates_token_count": 5,
                "thoughts_token_count": 7,
                "total_token_count": 52,
            },
            (40, 12, 30, None, 7),
        ),
    ],
)
def test_what_the_provider_counted_comes_before_what_judgment_labs_sdk_makes_of_it(
    metadata: dict[str, Any], tokens: tuple[int | None, ...], collect: Any
) -> None:
    """Of Gemini's answers its input holds the cache all the same, and its output leaves out thoughts."""
    assert collect(spans(JUDGMENT | {"judgment.usage.metadata": json.dumps(metadata)})).tokens == tokens


def test_what_judgment_labs_sdk_calls_llm_and_counts_nothing_is_no_call(collect: Any) -> None:
    """As a function that somebody marked so, around the client that is traced; and images, which have no meter."""
    around = {"judgment.span_kind": "llm", "judgment.input": "made up"}
    images = {"judgment.span_kind": "llm", "judgment.usage.non_cached_input_tokens": 10}
    collected = collect(spans(around, images, JUDGMENT))
    assert collected.tokens == (44, 5, 30, 4, None)
    assert not collected.quarantined


TRULENS = {
    "ai.observability.span_type": "generation",
    "ai.observability.cost.model": "jamba",
    "ai.observability.cost.num_tokens": 45,
    "ai.observability.cost.num_prompt_tokens": 40,
    "ai.observability.cost.num_completion_tokens": 5,
    "ai.observability.cost.num_reasoning_tokens": 3,
}


def test_a_span_of_trulens_counts_what_its_client_did_and_the_root_of_an_evaluation_nothing(collect: Any) -> None:
    root = TRULENS | {"ai.observability.span_type": "eval_root"}
    collected = collect(spans(root, TRULENS))
    assert collected.tokens == (40, 5, None, None, 3)
    assert collected.event["model_requested"] == "jamba"
    wrong = TRULENS | {"ai.observability.cost.num_tokens": 50}
    assert collect(spans(wrong)).refusal[0] == "contradictory_usage"


STEP = "snow.ai.observability.agent.planning"
CORTEX_AGENTS = {
    "ai.observability.span_type": "agent",
    f"{STEP}.model": "jamba",
    f"{STEP}.token_count.input": "40",
    f"{STEP}.token_count.output": "5",
    f"{STEP}.token_count.total": "45",
    f"{STEP}.token_count.cache_read_input": "30",
    f"{STEP}.token_count.cache_write_input": "4",
}


def test_a_step_of_snowflake_s_agents_is_a_call_of_whoever_asked(collect: Any) -> None:
    row = {
        "RECORD_TYPE": "SPAN",
        "TRACE": {"trace_id": "5b8efff798038103d269b633813fc60c", "span_id": "eee19b7ec3c1b174"},
        "START_TIMESTAMP": "2026-11-03 10:00:01.250000",
        "RECORD": {"name": "ReasoningAgentStepPlanning-0", "status": {"code": "STATUS_CODE_OK"}},
        "RECORD_ATTRIBUTES": CORTEX_AGENTS,
        "RESOURCE_ATTRIBUTES": {"snow.user.name": "LENA"},
    }
    collected = collect(row)
    assert collected.tokens == (40, 5, 30, 4, None)
    assert (collected.event["api_key_id"], collected.event["model_requested"]) == ("LENA", "jamba")
    apart = CORTEX_AGENTS | {f"{STEP}.token_count.total": "79"}  # 40 + 30 + 4 + 5
    assert collect(row | {"RECORD_ATTRIBUTES": apart}).tokens == (74, 5, 30, 4, None)
    wrong = CORTEX_AGENTS | {f"{STEP}.token_count.total": "60"}
    assert collect(row | {"RECORD_ATTRIBUTES": wrong}).refusal[0] == "contradictory_usage"


def test_metrics_in_a_file_of_copilot_s_are_nothing(collect: Any) -> None:
    collected = collect({"type": "metric", "name": "gen_ai.client.token.usage", "dataPoints": []}, format="spans")
    assert not collected.events
    assert not collected.quarantined
    assert collect({"type": "metric", "name": "gen_ai.client.token.usage"}, format="spans").quarantined
