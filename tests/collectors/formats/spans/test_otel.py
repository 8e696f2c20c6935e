"""Spans and events of GenAI calls, written after the conventions of their time, by instrumentations, and by the SDK.

``otel_instrumentations.jsonl`` is what ``opentelemetry-exporter-otlp-json-file`` 0.66 wrote of the same six calls of
OpenAI's client and one of Anthropic's, answered by a server of ours: a line of OpenLLMetry 0.62, and one of
OpenInference (0.1.66 for OpenAI, 3.1 for Anthropic). Anthropic's client 2.14 traces itself within both. Span events,
which hold tracebacks, are left out.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from foreign_lines import any_value

from pipeline.collectors.formats.spans import otel
from pipeline.collectors.formats.spans.otel import conventions
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Exchange

WRITTEN = Path(__file__).with_name("otel_instrumentations.jsonl").read_text(encoding="utf-8").splitlines()
START = "1788000000123456789"


def attributes(named: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(of)} for key, of in named.items()]


def span(named: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "startTimeUnixNano": START,
        "endTimeUnixNano": "1788000001123456789",
        "attributes": attributes(named),
        "status": {},
    } | fields


def batch(*spans: dict[str, Any], resource: dict[str, Any] | None = None) -> dict[str, Any]:
    of_resource = {"attributes": attributes({"api_key_id": "key_1"} if resource is None else resource)}
    return {"resourceSpans": [{"resource": of_resource, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}]}


CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 300,
    "gen_ai.usage.output_tokens": 50,
}


def test_whatever_is_declared_is_asked_for() -> None:
    for kind, asked in ((conventions.Convention, conventions.CONVENTIONS), (conventions.Event, conventions.EVENTS)):
        declared = {name: each for name, each in vars(conventions).items() if isinstance(each, kind)}
        assert [name for name, each in declared.items() if each not in asked] == []
        assert len(declared) == len(asked)


def test_an_inference_states_who_when_which_model_and_how_much(exchanges: Callable[..., list[Exchange]]) -> None:
    (found,) = exchanges(otel, batch(span(CHAT)))
    assert found.envelope.api_key_id == "key_1"
    assert found.envelope.occurred_us == 1_788_000_000_123_456
    assert (found.envelope.model_requested, found.reading.model_reported) == ("gpt-4o", "gpt-4o-2024-08-06")
    assert (found.reading.response_id, found.reading.finish_reason) == ("chatcmpl-1", "stop")
    assert found.reading.status is UsageStatus.MEASURED
    assert found.tokens == (300, 50, None, None, None)


@pytest.mark.parametrize(
    ("convention", "named"),
    [
        ("1.36", {"gen_ai.usage.prompt_tokens": 300, "gen_ai.usage.completion_tokens": 50}),
        (
            "1.41",
            {
                "gen_ai.usage.input_tokens": 300,
                "gen_ai.usage.output_tokens": 50,
                "gen_ai.usage.cache_read.input_tokens": 200,
                "gen_ai.usage.cache_creation.input_tokens": 40,
                "gen_ai.usage.reasoning.output_tokens": 30,
            },
        ),
        (
            "since",
            {
                "gen_ai.usage.input_tokens": 300,
                "gen_ai.usage.output_tokens": 50,
                "gen_ai.usage.cache_read.input_tokens": 200,
                "gen_ai.usage.cache_write.input_tokens": 40,
                "gen_ai.usage.reasoning.output_tokens": 30,
            },
        ),
    ],
)
def test_counts_are_totals_by_the_names_of_every_convention(
    exchanges: Callable[..., list[Exchange]], convention: str, named: dict[str, int]
) -> None:
    (found,) = exchanges(otel, batch(span({"gen_ai.operation.name": "chat", "gen_ai.system": "openai"} | named)))
    parts = (None, None, None) if convention == "1.36" else (200, 40, 30)
    assert found.tokens == (300, 50, *parts)


@pytest.mark.parametrize(
    "operation", ["invoke_agent", "invoke_workflow", "execute_tool", "retrieval", "fetch_response"]
)
def test_what_repeats_the_usage_of_inferences_is_billed_with_them_alone(
    exchanges: Callable[..., list[Exchange]], operation: str
) -> None:
    around = CHAT | {"gen_ai.operation.name": operation}
    found = exchanges(otel, batch(span(CHAT), span(around, spanId="0000000000000001")))
    assert [one.tokens for one in found] == [(300, 50, None, None, None)]


def test_usage_of_an_operation_that_no_convention_knows_is_kept_by_name_and_not_billed(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    (found,) = exchanges(otel, batch(span(CHAT | {"gen_ai.operation.name": "conversation"})))
    assert found.reading.status is UsageStatus.NOT_METERED
    assert found.reading.other_usage == '{"completion_tokens":50,"prompt_tokens":300}'


def test_an_inference_without_a_named_operation_is_one_unless_its_instrumentation_says_otherwise(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    old = {
        "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.prompt_tokens": 12,
        "gen_ai.usage.completion_tokens": 3,
        "llm.usage.total_tokens": 15,
    }
    found = exchanges(
        otel, batch(span(old), span(old | {"traceloop.span.kind": "workflow"}, spanId="0000000000000001"))
    )
    assert [one.tokens for one in found] == [(12, 3, None, None, None)]


def test_a_run_of_an_agent_repeats_its_chats_before_its_operation_had_a_name(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    """As in issue 3995 of Pydantic AI, whose spans these are."""
    run = {
        "model_name": "gpt-4o",
        "agent_name": "agent",
        "gen_ai.agent.name": "agent",
        "logfire.msg": "agent run",
        "gen_ai.usage.input_tokens": 113,
        "gen_ai.usage.output_tokens": 11,
    }
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    first = chat | {"gen_ai.usage.input_tokens": 56, "gen_ai.usage.output_tokens": 5}
    second = chat | {"gen_ai.usage.input_tokens": 57, "gen_ai.usage.output_tokens": 6, "gen_ai.agent.name": "agent"}
    ids = ("00000000000000aa", "00000000000000bb", "00000000000000ff")
    inner = [span(named, spanId=own, parentSpanId=ids[2]) for named, own in zip((first, second), ids, strict=False)]
    found = exchanges(otel, batch(*inner, span(run, spanId=ids[2])))
    assert [one.tokens for one in found] == [(56, 5, None, None, None), (57, 6, None, None, None)]


DETAILS = "gen_ai.usage.details."


@pytest.mark.parametrize(
    ("details", "tokens"),
    [
        ({"cache_read_input_tokens": 60, "cache_creation_input_tokens": 40}, (110, 50, 60, 40, None)),
        ({"cache_read_tokens": 60, "cache_write_tokens": 40, "cache_read_input_tokens": 50}, (110, 50, 60, 40, None)),
        ({"cached_tokens": 60, "reasoning_tokens": 20}, (110, 50, 60, None, 20)),
        ({"cached_content_tokens": 60, "thoughts_tokens": 20}, (110, 50, 60, None, 20)),
        ({"thinking_tokens": 20, "input_tokens": 10, "output_tokens": 50}, (110, 50, None, None, 20)),
    ],
)
def test_details_are_parts_of_the_two_counts_and_none_is_added_twice(
    exchanges: Callable[..., list[Exchange]], details: dict[str, int], tokens: tuple[int | None, ...]
) -> None:
    counts = {"gen_ai.usage.input_tokens": 110, "gen_ai.usage.output_tokens": 50}
    named = CHAT | counts | {f"{DETAILS}{name}": value for name, value in details.items()}
    (found,) = exchanges(otel, batch(span(named)))
    assert found.tokens == tokens
    by_the_conventions = {"gen_ai.usage.cache_read.input_tokens": 60} if tokens[2] else {}
    (found,) = exchanges(otel, batch(span(named | by_the_conventions)))
    assert found.tokens == tokens


@pytest.mark.parametrize(
    "parts",
    [
        {
            "ai.usage.inputTokenDetails.noCacheTokens": 60,
            "ai.usage.inputTokenDetails.cacheReadTokens": 200,
            "ai.usage.inputTokenDetails.cacheWriteTokens": 40,
            "ai.usage.outputTokenDetails.textTokens": 38,
            "ai.usage.outputTokenDetails.reasoningTokens": 12,
        },
        {
            "gen_ai.usage.input_tokens.cached": 200,
            "gen_ai.usage.input_tokens.cache_write": 40,
            "gen_ai.usage.output_tokens.reasoning": 12,
            "gen_ai.usage.total_tokens": 350,
        },
        {
            "gen_ai.usage.prompt_tokens_details.cache_read": 200,
            "gen_ai.usage.prompt_tokens_details.cache_write": 40,
            "gen_ai.usage.completion_tokens_details.reasoning": 12,
        },
        {
            "gen_ai.usage.prompt_token_details.text_tokens": 60,
            "gen_ai.usage.prompt_token_details.cached_read_tokens": 200,
            "gen_ai.usage.prompt_token_details.cached_write_tokens": 40,
            "gen_ai.usage.completion_token_details.reasoning_tokens": 12,
        },
        {
            "gen_ai.usage.input_token_details.cached_read_tokens": 200,
            "gen_ai.usage.input_token_details.cached_write_tokens": 40,
            "gen_ai.usage.output_token_details.reasoning_tokens": 12,
        },
        {
            "gen_ai.usage.input_tokens.cache_read": 200,
            "gen_ai.usage.input_tokens.cache_creation": 40,
            "gen_ai.usage.reasoning_tokens": 12,
        },
    ],
    ids=["version 6 of Vercel's SDK", "Sentry", "OpenLIT", "Bifrost's chat", "Bifrost's responses", "Brokle"],
)
def test_parts_are_read_by_the_names_of_whoever_traces_and_none_is_billed_as_plain_input(
    exchanges: Callable[..., list[Exchange]], parts: dict[str, int]
) -> None:
    (found,) = exchanges(otel, batch(span(CHAT | parts)))
    assert found.tokens == (300, 50, 200, 40, 12)


@pytest.mark.parametrize(
    "for_an_hour",
    [
        "gen_ai.usage.input_tokens.cache_write_1h",
        "gen_ai.usage.cache_creation.1h_input_tokens",
        "gen_ai.usage.prompt_token_details.cached_write_tokens_1h",
        "gen_ai.usage.input_token_details.cached_write_tokens_1h",
        "archestra.usage.cache_creation.1h_input_tokens",
    ],
)
def test_what_was_written_for_an_hour_is_told_apart_where_a_span_does(
    exchanges: Callable[..., list[Exchange]], for_an_hour: str
) -> None:
    parts = {"gen_ai.usage.cache_read.input_tokens": 200, "gen_ai.usage.cache_creation.input_tokens": 40}
    (found,) = exchanges(otel, batch(span(CHAT | parts | {for_an_hour: 30})))
    assert found.tokens == (300, 50, 200, 40, None)
    assert found.reading.tokens.prompt_cache_write_1h_tokens == 30
    with pytest.raises(LineRefused, match="prompt_cache_write_1h_tokens 41"):
        exchanges(otel, batch(span(CHAT | parts | {for_an_hour: 41})))


@pytest.mark.parametrize(
    ("prompt", "completion"),
    [
        ("gen_ai.usage.audio_input_tokens", "gen_ai.usage.audio_output_tokens"),
        ("gen_ai.usage.prompt_token_details.audio_tokens", "gen_ai.usage.completion_token_details.audio_tokens"),
        ("gen_ai.usage.input_token_details.audio_tokens", "gen_ai.usage.output_token_details.audio_tokens"),
    ],
)
def test_audio_is_told_apart_by_the_names_of_mastra_and_bifrost(
    exchanges: Callable[..., list[Exchange]], prompt: str, completion: str
) -> None:
    (found,) = exchanges(otel, batch(span(CHAT | {prompt: 100, completion: 20})))
    assert found.tokens == (300, 50, None, None, None)
    tokens = found.reading.tokens
    assert (tokens.prompt_audio_tokens, tokens.completion_audio_tokens) == (100, 20)


OPENROUTER = {
    "trace.name": "OpenRouter Request",
    "span.type": "generation",
    "span.level": "DEFAULT",
    "user.id": "tenant_1",
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "anthropic",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "anthropic/sonnet-5",
    "gen_ai.response.model": "anthropic/sonnet-5-20260612",
    "gen_ai.response.id": "gen-1788000000-AbCdEfGhIjKlMnOpQrSt",
    "gen_ai.response.finish_reason": "tool_calls",
    "gen_ai.usage.input_tokens": 2000,
    "gen_ai.usage.output_tokens": 90,
    "gen_ai.usage.total_tokens": 2090,
    "gen_ai.usage.input_tokens.cached": 300,
    "gen_ai.usage.input_tokens.cache_write": 500,
    "gen_ai.usage.input_tokens.cache_write_1h": 400,
    "gen_ai.usage.output_tokens.reasoning": 60,
    "gen_ai.usage.total_cost": 0.0089,
}
WITHIN = {
    "span.type": "span",
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "anthropic",
    "gen_ai.request.model": "",
}


def delivery(call: dict[str, Any], *tries: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return what OpenRouter sends of a call: each span is of a resource of its own."""
    answer = WITHIN | {"gen_ai.response.id": f"{call['gen_ai.response.id']}:generation"}
    inner = [
        WITHIN | {"gen_ai.response.id": f"{call['gen_ai.response.id']}:attempt-{number}"} | each
        for number, each in enumerate(tries)
    ]
    named = [(call, fields), *(({**each}, {"parentSpanId": "eee19b7ec3c1b174"}) for each in (*inner, answer))]
    spans = [span(each, spanId=f"{number:016x}", **of) for number, (each, of) in enumerate(named, 1)]
    resource = {"service.name": "openrouter", "openrouter.trace.id": call["gen_ai.response.id"]}
    return {"resourceSpans": [each for one in spans for each in batch(one, resource=resource)["resourceSpans"]]}


def test_a_call_of_openrouter_is_one_whatever_tries_it_took(exchanges: Callable[..., list[Exchange]]) -> None:
    failed = {"span.level": "ERROR", "gen_ai.provider.name": "amazon-bedrock"}
    (found,) = exchanges(otel, delivery(OPENROUTER, failed, {}))
    assert (found.envelope.api_key_id, found.reading.response_id) == ("tenant_1", OPENROUTER["gen_ai.response.id"])
    assert found.tokens == (2000, 90, 300, 500, 60)
    assert found.reading.tokens.prompt_cache_write_1h_tokens == 400


def test_a_call_of_openrouter_that_was_given_up_is_failed_and_one_of_nobody_names_its_field(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    counted = {name: value for name, value in OPENROUTER.items() if not name.startswith("gen_ai.usage.")}
    (found,) = exchanges(otel, delivery(counted, {}, status={"code": 2, "message": "The client has disconnected"}))
    assert found.reading.status is UsageStatus.FAILED
    with pytest.raises(LineRefused, match="missing_field: api_key or api_key_id"):
        exchanges(otel, delivery({name: value for name, value in OPENROUTER.items() if name != "user.id"}, {}))
    (found,) = exchanges(otel, batch(span(OPENROUTER | {"span.type": "span"})))
    assert found.tokens[:2] == (2000, 90)


SEMANTIC_KERNEL = {
    "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.finish_reason": "FinishReason.STOP",
}


@pytest.mark.parametrize("operation", ["chat.completions", "chat.streaming_completions", "text.completions"])
@pytest.mark.parametrize("names", [("usage.input", "usage.output"), ("response.prompt", "response.completion")])
def test_semantic_kernel_names_operations_and_counts_of_its_own(
    exchanges: Callable[..., list[Exchange]], operation: str, names: tuple[str, str]
) -> None:
    named = SEMANTIC_KERNEL | {"gen_ai.operation.name": operation}
    counted = {f"gen_ai.{name}_tokens": value for name, value in zip(names, (300, 50), strict=True)}
    not_counted = {"gen_ai.response.prompt_tokens": -1, "gen_ai.response.completion_tokens": -1}
    found, unknown = exchanges(otel, batch(span(named | counted), span(named | not_counted)))
    assert (found.reading.status, found.tokens) == (UsageStatus.MEASURED, (300, 50, None, None, None))
    assert (unknown.reading.status, unknown.tokens) == (UsageStatus.UNKNOWN, None)


BIFROST = CHAT | {
    "request.type": "chat_completion_stream",
    "bifrost.provider.name": "openai",
    "bifrost.virtual_key.id": "vk_1",
    "gen_ai.virtual_key_id": "vk_1",
    "bifrost.retries": 1,
    "user.id": "somebody",
    "gen_ai.response.service_tier": "flex",
}


def test_bifrost_names_the_key_and_the_tier_and_says_what_is_no_text(exchanges: Callable[..., list[Exchange]]) -> None:
    root = {"bifrost.request.id": "f7b1c7a4", "gen_ai.request_id": "f7b1c7a4", "gen_ai.input.messages": "Hello"}
    refused = {name: value for name, value in BIFROST.items() if "usage" not in name and "response" not in name}
    tries = [
        span(root),
        span(refused | {"error.type": "rate_limit_error", "http.response.status_code": 429}),
        span(BIFROST),
    ]
    failed, found = exchanges(otel, batch(*tries, resource={"service.name": "bifrost"}))
    assert (failed.envelope.api_key_id, failed.reading.status) == ("vk_1", UsageStatus.FAILED)
    assert (found.envelope.api_key_id, found.reading.service_tier) == ("vk_1", "flex")
    assert found.tokens == (300, 50, None, None, None)
    image = BIFROST | {"gen_ai.operation.name": "generate_content", "request.type": "image_generation"}
    speech = image | {"request.type": "transcription_stream"}
    found_of_others = exchanges(otel, batch(span(image), span(speech)))
    assert {one.reading.status for one in found_of_others} == {UsageStatus.NOT_METERED}


ADK = {
    "gen_ai.system": "gcp.vertex.agent",
    "gen_ai.request.model": "gemini-2.5-flash",
    "gen_ai.usage.input_tokens": 106,
    "gen_ai.usage.output_tokens": 6,
}
ANSWERED = {
    "model_version": "gemini-2.5-flash-001",
    "content": {"parts": [{"text": '"prompt_token_count": 9'}], "role": "model"},
    "usage_metadata": {
        "cached_content_token_count": 40,
        "candidates_token_count": 6,
        "prompt_token_count": 106,
        "thoughts_token_count": 46,
        "total_token_count": 158,
    },
}
THOUGHTS = {"gen_ai.usage.experimental.reasoning_tokens": 46}


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "projects/p/locations/l/publishers/google/models/gemini-3-pro"])
def test_thoughts_that_google_s_adk_stated_beside_the_output_are_within_it(
    exchanges: Callable[..., list[Exchange]], model: str
) -> None:
    (found,) = exchanges(otel, batch(span(ADK | THOUGHTS | {"gen_ai.request.model": model})))
    assert found.tokens == (106, 52, None, None, 46)


@pytest.mark.parametrize("model", ["openai/o3", "gemini/gemini-2.5-flash", "vertex_ai/gemini-2.5-flash"])
def test_of_models_that_adk_asks_through_litellm_thoughts_are_within_the_output_already(
    exchanges: Callable[..., list[Exchange]], model: str
) -> None:
    named = ADK | THOUGHTS | {"gen_ai.request.model": model, "gen_ai.usage.output_tokens": 60}
    (found,) = exchanges(otel, batch(span(named)))
    assert found.tokens == (106, 60, None, None, 46)


def test_thoughts_of_adk_that_are_no_count_are_left_as_they_are_and_refused(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    with pytest.raises(LineRefused, match="reasoning_tokens"):
        exchanges(otel, batch(span(ADK | {"gen_ai.usage.experimental.reasoning_tokens": "many"})))


@pytest.mark.parametrize("named", [ADK, ADK | THOUGHTS], ids=["of the oldest versions", "of older versions"])
def test_the_answer_that_adk_keeps_counts_before_what_its_span_counts(
    exchanges: Callable[..., list[Exchange]], named: dict[str, Any]
) -> None:
    answered = named | {"gcp.vertex.agent.llm_response": json.dumps(ANSWERED)}
    (found,) = exchanges(otel, batch(span(answered)))
    assert found.tokens == (106, 52, 40, None, 46)
    assert found.reading.model_reported == "gemini-2.5-flash-001"


@pytest.mark.parametrize("held", ["{}", "<not serializable>", json.dumps({"partial": True}), 7])
def test_an_answer_of_adk_that_counts_nothing_leaves_the_counts_of_its_span(
    exchanges: Callable[..., list[Exchange]], held: Any
) -> None:
    (found,) = exchanges(otel, batch(span(ADK | {"gcp.vertex.agent.llm_response": held})))
    assert found.tokens == (106, 6, None, None, None)
    assert found.reading.dialect == "logged-usage"


def test_what_a_search_of_adk_retrieved_is_kept_by_name(exchanges: Callable[..., list[Exchange]]) -> None:
    usage = ANSWERED["usage_metadata"] | {"tool_use_prompt_token_count": 900, "total_token_count": 1058}
    grounded = ANSWERED | {"usage_metadata": usage, "grounding_metadata": {"web_search_queries": ["snow"]}}
    (found,) = exchanges(otel, batch(span(ADK | {"gcp.vertex.agent.llm_response": json.dumps(grounded)})))
    assert found.tokens == (106, 52, 40, None, 46)
    assert found.reading.other_usage == '{"retrieved_prompt_tokens":900}'


def test_spans_of_adk_and_of_its_client_are_one_call_with_the_answer_of_the_one_that_keeps_it(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    outer = span(ADK | {"gcp.vertex.agent.llm_response": json.dumps(ANSWERED)})
    inner = span(
        ADK | {"gen_ai.operation.name": "generate_content"}, spanId="0000000000000001", parentSpanId=outer["spanId"]
    )
    found = exchanges(otel, batch(inner, outer))
    assert [one.tokens for one in found] == [(106, 52, 40, None, 46)] * 2
    assert len({one.envelope.request_id for one in found}) == 1


VERCEL = {
    "operation.name": "ai.generateText.doGenerate",
    "gen_ai.system": "anthropic.messages",
    "gen_ai.request.model": "m",
    "gen_ai.response.model": "m-1",
    "gen_ai.response.id": "msg_1",
    "gen_ai.usage.input_tokens": 4,
    "gen_ai.usage.output_tokens": 7,
    "ai.usage.promptTokens": 4,
    "ai.usage.completionTokens": 7,
}
OF_ANTHROPIC = {
    "input_tokens": 4,
    "output_tokens": 7,
    "cache_read_input_tokens": 30,
    "cache_creation_input_tokens": 10,
    "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 6},
}
OF_GOOGLE = {
    "promptTokenCount": 106,
    "candidatesTokenCount": 6,
    "thoughtsTokenCount": 46,
    "cachedContentTokenCount": 40,
    "totalTokenCount": 158,
}


def _counts(prompt: int, completion: int, **more: int) -> dict[str, int]:
    counts = {"gen_ai.usage.input_tokens": prompt, "gen_ai.usage.output_tokens": completion}
    return counts | {f"ai.usage.{name}": count for name, count in more.items()}


@pytest.mark.parametrize(
    ("counts", "metadata", "expected"),
    [
        (_counts(4, 7), {"anthropic": {"usage": OF_ANTHROPIC}}, (44, 7, 30, 10, None)),
        (
            _counts(4, 7),
            {"anthropic": {"cacheReadInputTokens": 30, "cacheCreationInputTokens": 10}},
            (44, 7, 30, 10, None),
        ),
        (_counts(106, 6), {"google": {"usageMetadata": OF_GOOGLE}}, (106, 52, 40, None, 46)),
        (
            _counts(106, 6),
            {"vertex": {"usageMetadata": OF_GOOGLE | {"toolUsePromptTokenCount": 9, "totalTokenCount": 167}}},
            (115, 52, 40, None, 46),
        ),
        (
            _counts(4, 7),
            {"bedrock": {"usage": {"cacheReadInputTokens": 30, "cacheWriteInputTokens": 10}}},
            (44, 7, 30, 10, None),
        ),
        (
            _counts(44, 7, totalTokens=51, cachedInputTokens=30),
            {"bedrock": {"usage": {"cacheWriteInputTokens": 10}}},
            (44, 7, 30, 10, None),
        ),
        (_counts(100, 50), {"openai": {"cachedPromptTokens": 64, "reasoningTokens": 5}}, (100, 50, 64, None, 5)),
        (_counts(100, 50, cachedInputTokens=3), {"openai": {"responseId": "r-1"}}, (100, 50, 3, None, None)),
    ],
)
def test_what_a_provider_says_beside_the_counts_of_vercel_s_sdk_tells_how_they_count(
    exchanges: Callable[..., list[Exchange]],
    counts: dict[str, int],
    metadata: dict[str, Any],
    expected: tuple[int | None, ...],
) -> None:
    named = VERCEL | counts | {"ai.response.providerMetadata": json.dumps(metadata)}
    (found,) = exchanges(otel, batch(span(named)))
    assert found.tokens == expected
    assert (found.reading.response_id, found.reading.model_reported) == ("msg_1", "m-1")


def test_what_vercel_s_sdk_counts_by_its_parts_is_whole_whatever_the_provider_says(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    parts = {f"ai.usage.inputTokenDetails.{name}Tokens": count for name, count in (("cacheRead", 3), ("cacheWrite", 1))}
    told = {"ai.response.providerMetadata": json.dumps({"anthropic": {"usage": OF_ANTHROPIC}})}
    (found,) = exchanges(otel, batch(span(VERCEL | _counts(44, 7) | parts | told)))
    assert found.tokens == (44, 7, 3, 1, None)


@pytest.mark.parametrize("told", ["{}", "[1]", '{"anthropic":', '{"mistral": {}}', '{"google": null}', 7])
def test_metadata_that_says_nothing_leaves_the_counts_of_vercel_s_sdk(
    exchanges: Callable[..., list[Exchange]], told: Any
) -> None:
    (found,) = exchanges(otel, batch(span(VERCEL | {"ai.response.providerMetadata": told})))
    assert (found.tokens, found.reading.dialect) == ((4, 7, None, None, None), "logged-usage")


def test_thoughts_that_vercel_s_sdk_has_in_the_total_alone_are_billed(exchanges: Callable[..., list[Exchange]]) -> None:
    (found,) = exchanges(otel, batch(span(VERCEL | _counts(106, 6, reasoningTokens=46, totalTokens=158))))
    assert found.tokens == (106, 52, None, None, 46)


def test_zeros_and_errors_of_vercel_s_sdk_are_what_they_are_without_metadata(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    told = {"ai.response.providerMetadata": json.dumps({"anthropic": {"usage": OF_ANTHROPIC | {"input_tokens": 0}}})}
    (found,) = exchanges(otel, batch(span(VERCEL | _counts(0, 0) | told)))
    assert found.reading.status is UsageStatus.UNKNOWN


LANGSMITH = CHAT | {"langsmith.span.kind": "llm", "gen_ai.usage.total_tokens": 350}
PARTS = {"cache_read": 200, "cache_creation": 40, "audio": 0}


@pytest.mark.parametrize("written", [str, json.dumps], ids=["by Python", "by JavaScript"])
def test_parts_that_langsmith_writes_as_text_are_parts_of_the_two_counts(
    exchanges: Callable[..., list[Exchange]], written: Callable[[Any], str]
) -> None:
    details = {
        "gen_ai.usage.input_token_details": written(PARTS),
        "gen_ai.usage.output_token_details": written({"reasoning": 30}),
    }
    (found,) = exchanges(otel, batch(span(LANGSMITH | details)))
    assert found.tokens == (300, 50, 200, 40, 30)


@pytest.mark.parametrize("kind", ["chain", "prompt", "tool", "retriever", "parser", 7])
def test_runs_of_langsmith_that_are_of_no_model_are_no_exchanges_whatever_operation_they_name(
    exchanges: Callable[..., list[Exchange]], kind: Any
) -> None:
    found = exchanges(otel, batch(span(LANGSMITH), span(LANGSMITH | {"langsmith.span.kind": kind}, spanId="01" * 8)))
    assert [one.tokens for one in found] == [(300, 50, None, None, None)]


def test_a_zero_is_a_placeholder_beside_a_real_count_of_another_convention(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    zero = {"gen_ai.usage.cache_read.input_tokens": 0, "gen_ai.usage.reasoning_tokens": 0}
    (found,) = exchanges(otel, batch(span(CHAT | zero | {"ai.usage.cachedInputTokens": 200})))
    assert found.tokens == (300, 50, 200, None, 0)


def test_openinference_names_the_kind_of_every_span(exchanges: Callable[..., list[Exchange]]) -> None:
    named = {
        "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": 300,
        "llm.token_count.completion": 50,
        "llm.token_count.total": 350,
        "llm.token_count.prompt_details.cache_read": 200,
        "llm.token_count.completion_details.reasoning": 30,
    }
    kinds = [span(named | {"openinference.span.kind": kind}) for kind in ("LLM", "CHAIN", "AGENT")]
    (found,) = exchanges(otel, batch(*kinds))
    assert (found.envelope.model_requested, found.tokens) == ("gpt-4o", (300, 50, 200, None, 30))


OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "sonnet-4-5",
    "llm.token_count.prompt": 300,
    "llm.token_count.completion": 50,
    "llm.token_count.total": 350,
    "llm.token_count.prompt_details.cache_read": 200,
    "llm.token_count.prompt_details.cache_write": 60,
}


def test_openinference_states_what_was_read_from_a_cache_and_written_to_it(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    (found,) = exchanges(otel, batch(span(OPENINFERENCE)))
    assert (found.envelope.model_requested, found.tokens) == ("sonnet-4-5", (300, 50, 200, 60, None))


def test_a_span_with_both_conventions_is_one_exchange_and_lacks_nothing_that_either_states(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    both = OPENINFERENCE | {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.id": "msg_1",
        "gen_ai.usage.input_tokens": 301,
        "gen_ai.usage.output_tokens": 49,
    }
    (found,) = exchanges(otel, batch(span(both)))
    assert (found.reading.response_id, found.tokens) == ("msg_1", (301, 49, 200, 60, None))


@pytest.mark.parametrize("kind", ["CHAIN", "AGENT"])
@pytest.mark.parametrize("operation", [{}, {"gen_ai.operation.name": "chat"}, {"gen_ai.operation.name": "of_ours"}])
def test_what_is_around_inferences_is_none_in_either_convention(
    exchanges: Callable[..., list[Exchange]], kind: str, operation: dict[str, str]
) -> None:
    around = OPENINFERENCE | operation | {"openinference.span.kind": kind}
    inner = span(OPENINFERENCE, spanId="00000000000000aa", parentSpanId="00000000000000bb")
    (found,) = exchanges(otel, batch(inner, span(around, spanId="00000000000000bb")))
    assert found.envelope.request_id == "5b8efff798038103d269b633813fc60c/00000000000000aa"


@pytest.mark.parametrize("count", [-1, 1.5, "many", True])
def test_a_count_of_openinference_that_is_none_is_refused(
    exchanges: Callable[..., list[Exchange]], count: object
) -> None:
    with pytest.raises(LineRefused, match=r"prompt_tokens"):
        exchanges(otel, batch(span(OPENINFERENCE | {"llm.token_count.prompt": count})))


def test_litellm_names_the_key_and_what_its_cache_answered(exchanges: Callable[..., list[Exchange]]) -> None:
    of_proxy = CHAT | {"litellm.api_key.hash": "88dc28d0", "litellm.call_type": "acompletion"}
    image = of_proxy | {"gen_ai.operation.name": "generate_content", "litellm.call_type": "aimage_generation"}
    before = CHAT | {"gen_ai.operation.name": "acompletion", "metadata.user_api_key_hash": "88dc28d0"}
    spans = [span(named) for named in (of_proxy, of_proxy | {"litellm.cache_hit": True}, image, before)]
    found = exchanges(otel, batch(*spans, resource={}))
    assert {one.envelope.api_key_id for one in found} == {"88dc28d0"}
    assert [one.reading.status for one in found] == [
        *(UsageStatus.MEASURED, UsageStatus.NOT_METERED),
        *(UsageStatus.NOT_METERED, UsageStatus.MEASURED),
    ]


def test_lines_without_an_inference_give_nothing(exchanges: Callable[..., list[Exchange]]) -> None:
    assert exchanges(otel, batch(span({"http.request.method": "GET"}))) == []
    assert exchanges(otel, {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "gen_ai.client"}]}]}]}) == []


def test_an_embedding_generates_nothing(exchanges: Callable[..., list[Exchange]]) -> None:
    named = {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "e", "gen_ai.usage.input_tokens": 7}
    (found,) = exchanges(otel, batch(span(named)))
    assert found.tokens == (7, 0, None, None, None)


def test_a_failed_call_is_failed_and_one_that_states_no_usage_is_unknown(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    asked = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    zeros = asked | {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}
    failed = [span(asked | {"error.type": "429"}), span(asked, status={"code": 2, "message": "boom"})]
    found = exchanges(otel, batch(*failed, span(asked), span(zeros)))
    assert [one.reading.status for one in found] == [
        *(UsageStatus.FAILED, UsageStatus.FAILED),
        *(UsageStatus.UNKNOWN, UsageStatus.UNKNOWN),
    ]
    assert found[0].envelope.http_status == 429


def test_the_event_of_an_inference_has_the_identity_of_its_span(exchanges: Callable[..., list[Exchange]]) -> None:
    named = {name: of for name, of in CHAT.items() if name != "gen_ai.response.id"}
    record = {
        "timeUnixNano": "1788000001123456789",
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "eventName": "gen_ai.client.inference.operation.details",
        "attributes": attributes(named),
    }
    other = record | {"eventName": "gen_ai.evaluation.result"}
    resource = {"attributes": attributes({"api_key_id": "key_1"})}
    logs = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record, other]}]}]}
    (of_span,) = exchanges(otel, batch(span(named)))
    (of_event,) = exchanges(otel, logs)
    assert (
        of_event.envelope.request_id
        == of_span.envelope.request_id
        == ("5b8efff798038103d269b633813fc60c/eee19b7ec3c1b174")
    )
    assert of_event.tokens == of_span.tokens


OF_CODING = {
    "user.id": "u-1",
    "session.id": "65aa32c1-1",
    "model": "opus-5",
    "input_tokens": 2,
    "output_tokens": 4,
    "cache_read_tokens": 15_273,
    "cache_creation_tokens": 8_271,
    "duration_ms": 1_200,
    "request_id": "req_1",
}


def logs_of_coding(*named: dict[str, Any], event: str = "api_request") -> dict[str, Any]:
    records = [
        {
            "timeUnixNano": "1788000001123456789",
            "body": {"stringValue": f"claude_code.{event}"},
            "attributes": attributes({"event.name": event} | each),
        }
        for each in named
    ]
    of_resource = {"attributes": attributes({"service.name": "claude_code"})}
    return {"resourceLogs": [{"resource": of_resource, "scopeLogs": [{"scope": {}, "logRecords": records}]}]}


def test_a_call_of_a_coding_tool_is_an_event_whose_input_leaves_out_what_was_cached(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    """2 + 15,273 + 8,271 are 23,546."""
    (found,) = exchanges(otel, logs_of_coding(OF_CODING | {"cost_usd": 0.09}))
    assert found.tokens == (23_546, 4, 15_273, 8_271, None)
    assert (found.envelope.api_key_id, found.reading.response_id) == ("u-1", "req_1")
    assert (found.envelope.model_requested, found.reading.service_tier) == ("opus-5", None)


def test_numbers_of_an_older_coding_tool_are_texts_and_its_fast_mode_is_a_tier(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    older = {name: str(of) for name, of in OF_CODING.items()}
    fast, broken = OF_CODING | {"speed": "fast"}, OF_CODING | {"output_tokens": "many"}
    first, second = exchanges(otel, logs_of_coding(older, fast | {"cache_read_tokens": 0}))
    assert (first.tokens, first.reading.service_tier) == ((23_546, 4, 15_273, 8_271, None), None)
    assert (second.tokens, second.reading.service_tier) == ((8_273, 4, 0, 8_271, None), "fast")
    with pytest.raises(LineRefused, match="output_tokens is no number"):
        exchanges(otel, logs_of_coding(broken))


def test_what_else_a_coding_tool_logs_is_no_call_and_its_span_states_nothing(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    failed = {"user.id": "u-1", "session.id": "65aa32c1-1", "model": "opus-5", "error": "429", "status_code": 429}
    assert exchanges(otel, logs_of_coding(failed, event="api_error")) == []
    asked = {"span.type": "llm_request", "gen_ai.system": "anthropic", "gen_ai.request.model": "opus-5"}
    (found,) = exchanges(otel, batch(span(asked | OF_CODING | {"gen_ai.response.id": "req_1"})))
    assert (found.reading.status, found.reading.response_id) == (UsageStatus.UNKNOWN, "req_1")


OF_GEMINI_CLI = {
    "session.id": "65aa32c1-1",
    "installation.id": "i-1",
    "interactive": True,
    "event.timestamp": "2026-08-29T08:40:01.123Z",
    "model": "gemini-3-pro",
    "duration_ms": 1_200,
    "input_token_count": 2_000,
    "output_token_count": 50,
    "cached_content_token_count": 1_500,
    "thoughts_token_count": 800,
    "tool_token_count": 10,
    "total_token_count": 2_860,
    "http.status_code": 200,
}
OF_CONVENTIONS = {
    "session.id": "65aa32c1-1",
    "installation.id": "i-1",
    "event.timestamp": "2026-08-29T08:40:01.123Z",
    "gen_ai.operation.name": "generate_content",
    "gen_ai.provider.name": "gcp.gen_ai",
    "gen_ai.request.model": "gemini-3-pro",
    "gen_ai.response.model": "gemini-3-pro",
    "gen_ai.response.id": "aBc-1",
    "gen_ai.usage.input_tokens": 2_000,
    "gen_ai.usage.output_tokens": 50,
}
TEXTS = {name: str(of) for name, of in OF_GEMINI_CLI.items() if "token" in name}
DETAILS_OF_CALLS = "gen_ai.client.inference.operation.details"


def logs_of_gemini_cli(*named: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    records = [
        {
            "observedTimeUnixNano": "1788000001123456789",
            "body": {"stringValue": body},
            "attributes": attributes({"event.name": event} | each),
        }
        for event, body, each in named
    ]
    of_resource = {"attributes": attributes({"service.name": "gemini-cli"})}
    return {"resourceLogs": [{"resource": of_resource, "scopeLogs": [{"scope": {}, "logRecords": records}]}]}


def answered(**fields: Any) -> tuple[str, str, dict[str, Any]]:
    body = "API response from gemini-3-pro. Status: 200. Duration: 1200ms."
    return "gemini_cli.api_response", body, OF_GEMINI_CLI | fields


def described(**fields: Any) -> tuple[str, str, dict[str, Any]]:
    return DETAILS_OF_CALLS, "GenAI operation details from gemini-3-pro. Status: 200.", OF_CONVENTIONS | fields


def test_microsoft_s_clients_named_their_counts_as_parts_of_the_response(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    asked = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o"}
    counted = {"gen_ai.response.input_tokens": 300, "gen_ai.response.output_tokens": 50}
    (found,) = exchanges(otel, batch(span(asked | counted)))
    assert found.tokens[:2] == (300, 50)


OF_CODEX = {
    "event.name": "codex.sse_event",
    "event.kind": "response.completed",
    "event.timestamp": "2026-11-03T10:00:01.250Z",
    "conversation.id": "c-1",
    "user.account_id": "acct-1",
    "user.email": "lena@example.org",
    "model": "gpt-5-codex",
    "input_token_count": "12000",
    "output_token_count": "900",
    "cached_token_count": 8_000,
    "cache_write_token_count": 500,
    "reasoning_token_count": 250,
    "tool_token_count": "12900",
}


def logs_of_codex(*named: dict[str, Any]) -> dict[str, Any]:
    """As it writes them: an event's name is where it stands in the code, and ids are those of what was going on."""
    records = [
        {
            "timeUnixNano": "0",
            "observedTimeUnixNano": "1788000001123456789",
            "traceId": "5b8efff798038103d269b633813fc60c",
            "spanId": "eee19b7ec3c1b174",
            "eventName": "event otel/src/events/session_telemetry.rs:912",
            "attributes": attributes(each),
        }
        for each in named
    ]
    scope = {"scope": {"name": "codex_otel.log_only"}, "logRecords": records}
    return {"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [scope]}]}


def test_a_call_of_codex_is_an_event_that_is_known_by_its_conversation_and_instant(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    later = OF_CODEX | {"event.timestamp": "2026-11-03T10:00:02.250Z"}
    first, second = exchanges(otel, logs_of_codex(OF_CODEX, later))
    assert first.tokens == second.tokens == (12_000, 900, 8_000, 500, 250)
    assert (first.envelope.api_key_id, first.envelope.model_requested) == ("acct-1", "gpt-5-codex")
    assert first.envelope.request_id == "c-1/2026-11-03T10:00:01.250Z"
    assert second.envelope.request_id == "c-1/2026-11-03T10:00:02.250Z"


def test_an_event_of_codex_that_counts_nothing_is_no_call_and_its_total_must_agree(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    within = {name: of for name, of in OF_CODEX.items() if "token" not in name} | {"event.kind": "response.created"}
    failed = within | {"event.kind": "response.completed", "error.message": "made up"}
    assert exchanges(otel, logs_of_codex(within, failed)) == []
    with pytest.raises(LineRefused, match="contradictory_usage"):
        exchanges(otel, logs_of_codex(OF_CODEX | {"tool_token_count": "12000"}))


def test_a_span_of_codex_states_what_its_event_does_and_is_not_metered(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    named = {
        "codex.request.reasoning_effort": "high",
        "gen_ai.usage.input_tokens": 12_000,
        "gen_ai.usage.cache_read.input_tokens": 8_000,
        "gen_ai.usage.cache_write.input_tokens": 500,
        "gen_ai.usage.output_tokens": 900,
        "codex.usage.reasoning_output_tokens": 250,
        "codex.usage.total_tokens": 12_900,
    }
    turn = {
        "model": "gpt-5.6",
        "codex.turn.token_usage.input_tokens": 12_000,
        "codex.turn.token_usage.output_tokens": 900,
    }
    of_a_delta = {"codex.request.reasoning_effort": "high"}
    (found,) = exchanges(otel, batch(span(turn), span(of_a_delta), span(named)))
    assert (found.reading.status, found.tokens) == (UsageStatus.NOT_METERED, None)


def test_a_call_of_gemini_cli_is_its_own_event_which_counts_thoughts(exchanges: Callable[..., list[Exchange]]) -> None:
    asked = {name: of for name, of in OF_CONVENTIONS.items() if "usage" not in name and "response" not in name}
    request = (DETAILS_OF_CALLS, "GenAI operation request details from gemini-3-pro.", asked)
    failed = (DETAILS_OF_CALLS, "GenAI operation error details from gemini-3-pro. Error: \n429. Duration: 9ms.", asked)
    (found,) = exchanges(otel, logs_of_gemini_cli(request, failed, answered(), described()))
    assert found.tokens == (2_010, 850, 1_500, None, 800)
    assert (found.envelope.api_key_id, found.envelope.model_requested) == ("i-1", "gemini-3-pro")
    assert (found.reading.response_id, found.reading.status) == ("aBc-1", UsageStatus.MEASURED)
    (of_texts,) = exchanges(otel, logs_of_gemini_cli(answered(**TEXTS)))
    assert (of_texts.tokens, of_texts.reading.response_id) == (found.tokens, None)


def test_a_call_of_gemini_cli_that_counts_nothing_is_unknown_and_a_count_that_is_none_refused(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    nothing = dict.fromkeys((name for name in OF_GEMINI_CLI if "token" in name), 0)
    (found,) = exchanges(otel, logs_of_gemini_cli(answered(**nothing)))
    assert (found.reading.status, found.tokens) == (UsageStatus.UNKNOWN, None)
    with pytest.raises(LineRefused, match="thoughtsTokenCount"):
        exchanges(otel, logs_of_gemini_cli(answered(**TEXTS | {"thoughts_token_count": "many"})))


@pytest.mark.parametrize(
    "others",
    [
        [described(**{"session.id": "another"})],
        [described(**{"event.timestamp": "2026-08-29T08:40:01.124Z"})],
        [described(), described(**{"gen_ai.response.id": "aBc-2"})],
        [described(), answered()],
    ],
)
def test_the_id_of_another_answer_of_gemini_cli_is_not_taken_for_that_of_this_one(
    exchanges: Callable[..., list[Exchange]], others: list[tuple[str, str, dict[str, Any]]]
) -> None:
    found = exchanges(otel, logs_of_gemini_cli(answered(), *others))
    assert {one.reading.response_id for one in found} == {None}
    assert {one.tokens for one in found} == {(2_010, 850, 1_500, None, 800)}


def test_an_inference_within_another_of_the_same_counts_is_the_same_call(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    """As OpenInference's span around the one that Anthropic's SDK makes itself, which alone states the answer's id."""
    around = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": 300,
        "llm.token_count.completion": 50,
    }
    outer = span(around, spanId="00000000000000aa", parentSpanId="00000000000000ff")
    inner = span(CHAT, parentSpanId="00000000000000aa")
    beside = span(
        CHAT | {"gen_ai.response.id": "chatcmpl-2"}, spanId="00000000000000bb", parentSpanId="00000000000000ff"
    )
    more = span(
        CHAT | {"gen_ai.response.id": "chatcmpl-3", "gen_ai.usage.output_tokens": 51},
        spanId="00000000000000cc",
        parentSpanId="00000000000000aa",
    )
    found = exchanges(otel, batch(inner, beside, more, outer))
    assert [(one.reading.response_id, one.envelope.request_id) for one in found] == [
        ("chatcmpl-1", "5b8efff798038103d269b633813fc60c/eee19b7ec3c1b174"),
        ("chatcmpl-2", "5b8efff798038103d269b633813fc60c/00000000000000bb"),
        ("chatcmpl-3", "5b8efff798038103d269b633813fc60c/00000000000000cc"),
        ("chatcmpl-1", "5b8efff798038103d269b633813fc60c/eee19b7ec3c1b174"),
    ]


@pytest.mark.parametrize(
    ("of_span", "of_resource", "key"),
    [
        ({"api_key_id": "key_span"}, {"api_key_id": "key_resource"}, "key_span"),
        ({}, {"api_key_id": "key_resource"}, "key_resource"),
        ({"metadata.user_api_key_hash": "88dc28d0"}, {}, "88dc28d0"),
        ({"user.id": "u-1"}, {}, "u-1"),
    ],
)
def test_the_key_is_that_of_the_span_before_that_of_its_resource(
    exchanges: Callable[..., list[Exchange]], of_span: dict[str, str], of_resource: dict[str, str], key: str
) -> None:
    (found,) = exchanges(otel, batch(span(CHAT | of_span), resource=of_resource))
    assert found.envelope.api_key_id == key


def test_parts_that_exceed_their_whole_are_refused_with_their_numbers(exchanges: Callable[..., list[Exchange]]) -> None:
    apart = CHAT | {"gen_ai.usage.cache_read.input_tokens": 900}
    with pytest.raises(LineRefused, match=r"contradictory_usage.*900 > prompt_tokens 300"):
        exchanges(otel, batch(span(apart)))


def test_an_attribute_that_is_stated_twice_decides_nothing(exchanges: Callable[..., list[Exchange]]) -> None:
    twice = span(CHAT)
    twice["attributes"] += attributes({"gen_ai.usage.output_tokens": 51})
    with pytest.raises(LineRefused, match=r"duplicate_key: usage\.completion_tokens"):
        exchanges(otel, batch(twice))


@pytest.mark.parametrize("broken", [{"resourceSpans": [1]}, {"resourceSpans": [{"scopeSpans": {}}]}])
def test_what_is_not_otlp_is_refused_by_the_name_of_its_field(broken: dict[str, Any]) -> None:
    with pytest.raises(LineRefused, match=r"invalid_field: (resourceSpans|scopeSpans) is no list of objects"):
        otel.entries(broken)


@pytest.mark.parametrize("line", WRITTEN, ids=["openllmetry", "openinference"])
def test_what_instrumentations_write_amounts_to_what_the_answers_stated(
    exchanges: Callable[..., list[Exchange]], line: str
) -> None:
    """OpenLLMetry keeps no reasoning of a stream; a stream without usage is unknown; the last two are one call."""
    plain, stream, cut, response, embedding, failed, *messages = exchanges(otel, line)
    assert [one.tokens for one in (plain, response)] == [
        (300, 50, 200, None, 30),
        (300, 50, 200, response.tokens[3], 30),
    ]
    assert stream.tokens[:3] == (300, 50, 200)
    assert (cut.reading.status, failed.reading.status) == (UsageStatus.UNKNOWN, UsageStatus.FAILED)
    assert embedding.tokens[:2] == (8, 0)
    assert [one.tokens for one in messages] == [(135, 7, 90, 40, None), (135, 7, 90, 40, None)]
    assert {one.reading.response_id for one in messages} == {"msg_1"}


def test_a_file_of_the_sdk_itself_is_read(exchanges: Callable[..., list[Exchange]]) -> None:
    exporters = pytest.importorskip("opentelemetry.exporter.otlp.json.file.trace_exporter")
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    resources = pytest.importorskip("opentelemetry.sdk.resources")
    written = io.StringIO()
    provider = sdk.TracerProvider(resource=resources.Resource.create({"api_key_id": "key_1"}))
    provider.add_span_processor(export.BatchSpanProcessor(exporters.FileSpanExporter(stream=written)))
    tracer = provider.get_tracer("test")
    with (
        tracer.start_as_current_span("invoke_agent", attributes=CHAT | {"gen_ai.operation.name": "invoke_agent"}),
        tracer.start_as_current_span("chat gpt-4o", attributes=CHAT),
    ):
        pass
    provider.force_flush()
    (line,) = written.getvalue().splitlines()
    (found,) = exchanges(otel, line)
    assert (found.envelope.api_key_id, found.tokens) == ("key_1", (300, 50, None, None, None))
