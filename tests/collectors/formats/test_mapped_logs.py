"""Logs that the page of sources reads by a mapping: the table that stands there, over lines as they are written."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from foreign_lines import any_value

from pipeline.configuration.log_fields import flattened

PAGE = (Path(__file__).parents[3] / "docs/sources.md").read_text(encoding="utf-8")


def source(name: str) -> dict[str, Any]:
    """Return the settings of a source by the page."""
    blocks = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    tables = [table for block in blocks for table in tomllib.loads(block)["sources"]]
    (found,) = [table for table in tables if table["name"] == name]
    settings = {"time_zone": found["time_zone"]} if "time_zone" in found else {}
    return {"format": found["format"], "fields": flattened(found["fields"]), **settings}


def gravitee(**fields: Any) -> dict[str, Any]:
    return {
        "type": "v4-metrics",
        "date": "2026.11.03",
        "@timestamp": "2026-11-03T10:00:01.844Z",
        "request-id": "076aea69",
        "transaction-id": "076aea69",
        "api-id": "5f67b38f",
        "plan-id": "8463511c",
        "application-id": "key_1",
        "http-method": 7,
        "uri": "/models/v1/chat/completions",
        "status": 200,
        "additional-metrics": {
            "keyword_llm-proxy_provider": "openai",
            "keyword_llm-proxy_model": "jamba",
            "long_llm-proxy_tokens-sent": 40,
            "long_llm-proxy_tokens-received": 5,
            "double_llm-proxy_sent-cost": 0.1,
        },
    } | fields


def test_metrics_of_gravitee(collect: Any) -> None:
    event = collect(gravitee(), **source("gravitee")).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["api_key_id"], event["request_id"], event["model_requested"]) == ("key_1", "076aea69", "jamba")
    failed = gravitee(status=429, **{"additional-metrics": {"keyword_llm-proxy_model": "jamba"}})
    assert collect(failed, **source("gravitee")).event["status"] == "failed"


def api_management(**columns: Any) -> dict[str, Any]:
    """Return a row as ``az monitor log-analytics query`` prints what the query of the page answers: all as text."""
    return {
        "CorrelationId": "c-1",
        "CorrelationId1": "c-1",
        "ModelName": "jamba-large-1.7",
        "DeploymentName": "jamba",
        "PromptTokens": "40",
        "CompletionTokens": "5",
        "TotalTokens": "45",
        "IsCounted": "True",
        "TimeGenerated": "2026-11-03T10:00:01.2500000Z",
        "ApimSubscriptionId": "key_1",
        "ResponseCode": "200",
        "Method": "POST",
        "Url": "https://gw.azure-api.net/openai/deployments/jamba/chat/completions?api-version=2024-10-21",
        "TableName": "PrimaryResult",
    } | columns


UNCOUNTED = {"PromptTokens": None, "CompletionTokens": "0", "TotalTokens": None, "IsCounted": "False"}
EMBEDDED = {"Url": "https://gw.azure-api.net/v1/embeddings", "PromptTokens": "40", "TotalTokens": "40"}


def test_calls_of_azure_s_api_management(collect: Any) -> None:
    event = collect(api_management(), **source("apim")).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["api_key_id"], event["request_id"]) == ("key_1", "c-1")
    assert (event["model_requested"], event["model_reported"]) == ("jamba", "jamba-large-1.7")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"


@pytest.mark.parametrize(
    ("columns", "status", "tokens"),
    [
        (UNCOUNTED, "unknown", (None, None)),
        (UNCOUNTED | {"ResponseCode": "429"}, "failed", (None, None)),
        (UNCOUNTED | {"Method": "GET", "Url": "https://gw.azure-api.net/v1/models"}, "not_metered", (None, None)),
        (UNCOUNTED | EMBEDDED, "measured", (40, 0)),
    ],
)
def test_what_azure_s_api_management_did_not_count_is_billed_by_no_prompt_alone(
    columns: dict[str, Any], status: str, tokens: tuple[int | None, int | None], collect: Any
) -> None:
    event = collect(api_management(**columns), **source("apim")).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == (status, *tokens)


def test_a_call_that_azure_s_table_of_tokens_alone_has_is_quarantined(collect: Any) -> None:
    of_call = ("TimeGenerated", "ApimSubscriptionId", "ResponseCode", "Method", "Url", "CorrelationId1")
    assert collect(api_management(**dict.fromkeys(of_call)), **source("apim")).refusal == ("missing_field", "ts")


def logpush(**fields: Any) -> dict[str, Any]:
    """Return a record of Cloudflare's Logpush as its script decrypts it: metadata and bodies are text."""
    usage = {"input_tokens": 6, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4, "output_tokens": 5}
    answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": "opus-4", "content": [], "usage": usage}
    return {
        "Cached": False,
        "Endpoint": "v1/messages",
        "Gateway": "desk",
        "Metadata": '{"api_key_id": "key_1"}',
        "Metrics": {"cost": 0.0042, "durationMs": 1234},
        "Model": "opus",
        "Provider": "anthropic",
        "RateLimited": False,
        "RequestBody": '{"model": "opus", "max_tokens": 9, "messages": []}',
        "RequestedModel": "cloudflare/auto",
        "ResponseBody": json.dumps(answer),
        "StatusCode": 200,
        "Timestamp": 1793700001250000000,
    } | fields


def test_what_cloudflare_s_logpush_delivers_is_read_where_it_is_decrypted(collect: Any) -> None:
    collected = collect(logpush(), **source("logpush"))
    assert collected.tokens[:4] == (40, 5, 30, 4)
    event = collected.event
    assert (event["api_key_id"], event["response_id"]) == ("key_1", "msg_1")
    assert (event["model_requested"], event["model_reported"]) == ("cloudflare/auto", "opus-4")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"
    encrypted = {"type": "encrypted", "key": "a2V5", "iv": "aXY=", "data": "ZGF0YQ=="}
    as_it_comes = dict.fromkeys(("Metadata", "RequestBody", "ResponseBody"), encrypted)
    assert collect(logpush(**as_it_comes), **source("logpush")).refusal[0] == "missing_field"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Cached": True}, "not_metered"),
        ({"StatusCode": 429, "RateLimited": True, "ResponseBody": ""}, "failed"),
        ({"RequestBody": "", "ResponseBody": ""}, "unknown"),
    ],
)
def test_what_cloudflare_answered_by_itself_or_not_at_all_is_not_billed(
    fields: dict[str, Any], status: str, collect: Any
) -> None:
    assert collect(logpush(**fields), **source("logpush")).event["status"] == status


def agentgateway_row(**columns: Any) -> dict[str, Any]:
    """Return a row of agentgateway's ``request_logs``, whose attributes are JSON text."""
    attributes = {
        "http.method": "POST",
        "http.path": "/v1/messages",
        "http.status": 200,
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.cache_creation.input_tokens": 4,
        "gen_ai.usage.reasoning_tokens": 2,
        "agw.api_key.name": "key_1",
        "agw.ai.usage.cost.total": 0.1,
    }
    return {
        "id": "0199a3c1",
        "started_at": "2026-11-03T10:00:01.250+00:00",
        "completed_at": "2026-11-03T10:00:02.500+00:00",
        "duration_ms": 1250,
        "trace_id": None,
        "span_id": None,
        "http_status": 200,
        "error": None,
        "gen_ai_operation_name": "chat",
        "gen_ai_provider_name": "anthropic",
        "gen_ai_request_model": "opus",
        "gen_ai_response_model": "opus-4",
        "input_tokens": 40,
        "output_tokens": 5,
        "total_tokens": 45,
        "cost": 0.1,
        "agentgateway_user": None,
        "has_payload": 0,
        "attributes_json": json.dumps(attributes),
    } | columns


def test_rows_that_agentgateway_keeps_in_a_database(collect: Any) -> None:
    rows = [agentgateway_row(), agentgateway_row(trace_id="5b8e", span_id="eee1", output_tokens=None)]
    text = "[" + ",\n".join(json.dumps(row) for row in rows) + "]"  # as sqlite3 -json prints them
    counted, unseen = collect(text, **source("agentgateway-table")).events
    assert (counted["status"], counted["prompt_tokens"], counted["completion_tokens"]) == ("measured", 40, 5)
    assert (counted["prompt_cached_tokens"], counted["prompt_cache_write_tokens"]) == (30, 4)
    assert (counted["reasoning_tokens"], counted["api_key_id"]) == (2, "key_1")
    assert counted["request_id"] == "0199a3c1"
    assert (counted["model_requested"], counted["model_reported"]) == ("opus", "opus-4")
    assert counted["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"
    assert (unseen["status"], unseen["request_id"]) == ("unknown", "5b8e/eee1")


def truefoundry(answer: Any, **fields: Any) -> dict[str, Any]:
    attributes = {
        "tfy.span_type": "Model",
        "tfy.model.name": "openai-main/jamba",
        "tfy.model.request_url": "https://api.openai.com/v1/chat/completions",
        "tfy.model.metric.input_tokens": 40,
        "tfy.model.metric.output_tokens": 5,
        "tfy.model.metric.cost_in_usd": 0.1,
        "tfy.output": answer,
    }
    return {
        "spanId": "eee19b7ec3c1b174",
        "traceId": "5b8efff798038103d269b633813fc60c",
        "parentSpanId": "bddb6503c0eeb940",
        "serviceName": "tfy-llm-gateway",
        "spanName": "Model: jamba",
        "timestamp": "2026-11-03T10:00:01.250Z",
        "durationNs": 1234567890,
        "statusCode": "Ok",
        "createdBySubject": {"subjectId": "u-1", "subjectSlug": "lena", "subjectType": "user"},
        "spanAttributes": attributes,
    } | fields


def test_spans_of_truefoundry_s_gateway_are_read_by_the_answer_else_by_their_counts(collect: Any) -> None:
    usage = {"prompt_tokens": 40, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 30}}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "model": "jamba-large", "choices": [], "usage": usage}
    collected = collect(truefoundry(json.dumps(answer)), **source("truefoundry"))
    assert collected.tokens[:3] == (40, 5, 30)
    event = collected.event
    assert (event["api_key_id"], event["response_id"]) == ("lena", "chatcmpl-1")
    assert (event["model_requested"], event["model_reported"]) == ("openai-main/jamba", "jamba-large")
    assert event["request_id"] == "5b8efff798038103d269b633813fc60c/eee19b7ec3c1b174"
    assert collect(truefoundry(None), **source("truefoundry")).tokens[:3] == (40, 5, None)
    bare = {"tfy.span_type": "Model", "tfy.model.name": "openai-main/jamba"}
    failed = truefoundry(None, statusCode="Error", spanAttributes=bare)
    assert collect(failed, **source("truefoundry")).event["status"] == "failed"


def test_requests_of_sglang(collect: Any) -> None:
    line = {
        "request_parameters": '{"rid": "r-1", "stream": true}',
        "id": "r-1",
        "finish_reason": {"type": "stop", "matched": 7},
        "prompt_tokens": 40,
        "completion_tokens": 5,
        "cached_tokens": 30,
        "weight_version": "default",
        "e2e_latency": 1.5,
        "request_received_ts": 1793700001.25,
    }
    collected = collect(line, **source("sglang"))
    assert collected.tokens == (40, 5, 30, None, None)
    event = collected.event
    assert (event["response_id"], event["finish_reason"], event["model_requested"]) == ("r-1", "stop", "qwen3-32b")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"


@pytest.mark.parametrize(
    ("granular", "tokens"),
    [
        ({"input": 40, "output": 5}, (40, 5, None, None)),
        ('{"input": 40, "output": 5}', (40, 5, None, None)),
        ({"input": 10, "output": 5, "cache_read_input": 26, "cache_write_input": 4}, (40, 5, 26, 4)),
        ({"input": 10, "output": 5, "cache_read_input": 30, "cache_write_input": 0}, (40, 5, 30, 0)),
        ({"input": 40, "output": 5, "cache_read_input": 30}, (40, 5, 30, None)),
        ({"input": 10, "output": 5, "cache_write_1h_input": 30}, None),
        ({"input": 10, "output": 5, "cache_read_input": 20}, None),
    ],
)
def test_rows_of_snowflake_with_what_lay_in_a_cache_and_with_a_kind_unknown(
    granular: Any, tokens: tuple[int | None, ...] | None, collect: Any
) -> None:
    row = {
        "START_TIME": "2026-11-03 10:00:01.250 -0800",
        "END_TIME": "2026-11-03 10:00:02.250 -0800",
        "REQUEST_ID": "6b1c",
        "MODEL_NAME": "jamba",
        "TOKENS": 45,
        "TOKENS_GRANULAR": granular,
        "USER_ID": "7",
    }
    collected = collect(row, **source("cortex"))
    if tokens is None:
        assert collected.refusal[0] == "contradictory_usage"
    else:
        event = collected.event
        assert (*collected.tokens[:2], event["prompt_cached_tokens"], event["prompt_cache_write_tokens"]) == tokens
        assert event["occurred_at"].isoformat() == "2026-11-03T18:00:01.250000+00:00"


def _tyk_ai(answer: str | None, **counts: Any) -> dict[str, Any]:
    """Return a row as the query of the page makes it: the answer, or what the gateway counted where that was cut."""
    counted = ("name", "prompt_tokens", "response_tokens", "cache_read_prompt_tokens", "cache_write_prompt_tokens")
    row = {"id": 7, "app_id": 3, "time_stamp": "2026-11-03T10:00:02.250123+00:00", "response_code": 200}
    row |= {"request_body": '{"model": "opus", "stream": true}', "response_body": answer}
    return row | dict.fromkeys((*counted, "total_tokens")) | counts


_TYK_AI_STREAM = (
    'event: message_start\ndata: {"type": "message_start", "message": {"id": "msg_1", "type": "message",'
    ' "model": "opus-5", "role": "assistant", "content": [],'
    ' "usage": {"input_tokens": 10, "cache_creation_input_tokens": 4,'
    ' "cache_read_input_tokens": 26, "output_tokens": 2}}}\n\nevent: message_delta\ndata: {"type": "message_delta",'
    ' "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}\n\n'
    'event: message_stop\ndata: {"type": "message_stop"}\n\n'
)
_TYK_AI_GEMINI = (
    '{"candidates": [{"content": {"parts": [{"text": "x"}], "role": "model"}, "finishReason": "STOP"}],'
    ' "usageMetadata": {"promptTokenCount": 40, "candidatesTokenCount": 3, "thoughtsTokenCount": 2,'
    ' "totalTokenCount": 45, "cachedContentTokenCount": 30}, "modelVersion": "opus-5"}'
)


@pytest.mark.parametrize(
    ("row", "status", "tokens"),
    [
        (_tyk_ai(_TYK_AI_STREAM), "measured", (40, 5, 26, 4)),
        (_tyk_ai(_TYK_AI_GEMINI), "measured", (40, 5, 30, None)),
        (
            _tyk_ai(
                None,
                name="opus-5",
                prompt_tokens=10,
                response_tokens=5,
                cache_read_prompt_tokens=26,
                cache_write_prompt_tokens=4,
                total_tokens=45,
            ),
            "measured",
            (40, 5, 26, 4),
        ),
        (
            _tyk_ai(
                None,
                name="opus-5",
                prompt_tokens=40,
                response_tokens=5,
                cache_read_prompt_tokens=0,
                cache_write_prompt_tokens=0,
                total_tokens=45,
            ),
            "measured",
            (40, 5, 0, 0),
        ),
        (_tyk_ai(None), "unknown", (None, None, None, None)),
        (_tyk_ai("", request_body=""), "unknown", (None, None, None, None)),
        (_tyk_ai('{"error":"budget exceeded: x"}', response_code=403), "failed", (None, None, None, None)),
    ],
)
def test_rows_of_tyk_s_ai_gateway_by_their_answer_or_what_was_counted(
    row: dict[str, Any], status: str, tokens: tuple[int | None, ...], collect: Any
) -> None:
    event = collect(row, **source("tyk-ai")).event
    counted = ("prompt_tokens", "completion_tokens", "prompt_cached_tokens", "prompt_cache_write_tokens")
    assert (event["status"], tuple(event[each] for each in counted)) == (status, tokens)
    assert (event["api_key_id"], event["request_id"]) == ("3", "7")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:02.250123+00:00"
    if status == "measured":
        assert event["model_reported"] == "opus-5"


def test_lines_of_one_answer_of_a_coding_tool_are_one_exchange(collect: Any) -> None:
    usage = {"input_tokens": 6, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "opus", "content": [], "usage": usage}
    line = {
        "parentUuid": None,
        "sessionId": "s",
        "type": "assistant",
        "timestamp": "2026-11-03T10:00:01.250Z",
        "requestId": "req_1",
        "uuid": "u-1",
        "message": message,
    }
    ended = {"uuid": "u-2", "message": message | {"usage": usage | {"output_tokens": 5}}}
    begun, end = (collect(line | each, **source("coding")).event for each in ({}, ended))
    assert begun["event_id"] == end["event_id"]
    assert (end["prompt_tokens"], end["completion_tokens"], end["prompt_cached_tokens"]) == (40, 5, 30)
    assert (end["api_key_id"], end["request_id"], end["model_reported"]) == ("lena", "req_1", "opus")


def test_what_dify_s_workflows_and_messages_asked_of_models(collect: Any) -> None:
    usage = {
        "prompt_tokens": 40,
        "prompt_unit_price": "0.001",
        "completion_tokens": 5,
        "total_tokens": 45,
        "total_price": "0.0000525",
        "currency": "USD",
        "latency": 1.5,
    }
    node = {"id": "n-1", "created_at": "2026-11-03T10:00:01.25", "created_by": "key_1", "status": "succeeded"}
    node |= {"model": "jamba", "usage": usage}
    event = collect(node, **source("dify-nodes")).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["request_id"], event["model_reported"]) == ("n-1", "jamba")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"
    failed = collect(node | {"status": "failed", "usage": None, "model": None}, **source("dify-nodes"))
    assert failed.event["status"] == "failed"
    message = {"id": "m-1", "created_at": "2026-11-03T10:00:01", "created_by": "key_1", "model_id": "jamba"}
    counted = collect(message | {"message_tokens": 40, "answer_tokens": 5}, **source("dify-messages"))
    assert counted.tokens[:2] == (40, 5)


def test_events_of_new_relic_s_agents(collect: Any) -> None:
    event = {
        "appName": "desk",
        "duration": 1200.5,
        "id": "7b2e",
        "ingest_source": "Python",
        "llm.tenant": "key_1",
        "request.model": "jamba",
        "request_id": "req_1",
        "response.choices.finish_reason": "stop",
        "response.model": "jamba-large",
        "response.number_of_messages": 2,
        "response.usage.completion_tokens": 5,
        "response.usage.prompt_tokens": 40,
        "response.usage.total_tokens": 45,
        "span_id": "s",
        "timestamp": 1793700001250,
        "trace_id": "t",
        "vendor": "openai",
    }
    read = collect(event, **source("new-relic")).event
    assert (read["status"], read["prompt_tokens"], read["completion_tokens"]) == ("measured", 40, 5)
    assert (read["api_key_id"], read["request_id"], read["finish_reason"]) == ("key_1", "7b2e", "stop")
    assert (read["model_requested"], read["model_reported"]) == ("jamba", "jamba-large")
    bare = {name: value for name, value in event.items() if "usage" not in name}
    assert collect(bare | {"error": True}, **source("new-relic")).event["status"] == "failed"
    assert collect(bare, **source("new-relic")).event["status"] == "unknown"


def test_spans_that_count_by_names_of_one_s_own_beside_others(collect: Any) -> None:
    own = {"acme.usage.tokensIn": 40, "acme.usage.tokensOut": 5, "acme.model": "jamba"}
    chat = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 41, "gen_ai.usage.output_tokens": 6}
    spans = [
        {
            "traceId": "t",
            "spanId": f"s{number}",
            "startTimeUnixNano": "1788000000123456789",
            "attributes": [{"key": key, "value": any_value(value)} for key, value in {"user.id": "k", **named}.items()],
        }
        for number, named in enumerate((own, chat))
    ]
    found = collect({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}, **source("own-spans")).events
    assert [(each["prompt_tokens"], each["completion_tokens"], each["model_requested"]) for each in found] == [
        *((40, 5, "jamba"), (41, 6, None)),
    ]
