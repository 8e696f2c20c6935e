"""One logged exchange in each format that is no request log: what tests change, poison and break."""

from __future__ import annotations

import json
from typing import Any

RAW = "sk-test-0123456789abcdef"
COMPLETION = "/v1/chat/completions"


def kong_line(**fields: Any) -> dict[str, Any]:
    return {
        "started_at": 1_793_700_001_250,
        "latencies": {"request": 5000},
        "request": {"id": "r-1", "uri": "/chat", "method": "POST", "headers": {"authorization": "REDACTED"}},
        "upstream_uri": COMPLETION,
        "response": {"status": 200, "headers": {}},
        "authenticated_entity": {"id": "cred-1"},
        "consumer": {"id": "c-1", "username": "lena"},
        **fields,
    }


def of_kong(*, plugin: str = "proxy", **parts: Any) -> dict[str, Any]:
    meta = {"request_model": "jamba", "response_model": "jamba-large"}
    return kong_line(ai={plugin: {"meta": meta, **parts}})


def envoy_line(**fields: Any) -> dict[str, Any]:
    return {
        "start_time": "2026-11-03T10:00:01.250Z",
        "response_code": 200,
        "method": "POST",
        "x-envoy-origin-path": COMPLETION,
        "x-client-id": "client-1",
        "x-request-id": "83b63da3-45a9-4196-98b8-1a7f697d6d8d",
        "gen_ai.request.model": "jamba",
        "gen_ai.response.model": "jamba-large",
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 5,
        **fields,
    }


def agentgateway_line(**fields: Any) -> dict[str, Any]:
    return {
        "level": "info",
        "time": "2026-11-03T10:00:02.500000Z",
        "scope": "request",
        "gateway": "default/default",
        "listener": "llm",
        "route": "default/route0",
        "endpoint": "api.ai21.com:443",
        "src.addr": "127.0.0.1:40322",
        "http.method": "POST",
        "http.host": "localhost",
        "http.path": COMPLETION,
        "http.version": "HTTP/1.1",
        "http.status": 200,
        "protocol": "llm",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "jamba",
        "gen_ai.response.model": "jamba-large",
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 5,
        "duration": "1250ms",
        "api_key_id": "key_1",
        **fields,
    }


def posthog_event(**fields: Any) -> dict[str, Any]:
    """Return a generation; keywords that PostHog prefixes (``ai_model``) replace properties, others fields."""
    properties = {
        "$ai_trace_id": "t-1",
        "$ai_model": "jamba-large",
        "$ai_provider": "openai",
        "$ai_input_tokens": 40,
        "$ai_output_tokens": 5,
        "$ai_latency": 1.25,
        "$ai_http_status": 200,
        "$ai_is_error": False,
        "api_key_id": "key_1",
    }
    return {
        "uuid": "0193-1",
        "event": "$ai_generation",
        "timestamp": "2026-11-03T10:00:02.500000+00:00",
        "distinct_id": "lena",
        "properties": properties | {f"${name}": value for name, value in fields.items() if name.startswith("ai_")},
        **{name: value for name, value in fields.items() if not name.startswith("ai_")},
    }


_CALL = {
    "id": 4711,
    "user_id": 12,
    "created_at": 1_793_700_003,
    "type": 2,
    "content": "",
    "username": "lena",
    "token_name": "production",
    "model_name": "jamba-large",
    "quota": 75,
    "prompt_tokens": 40,
    "completion_tokens": 5,
}
"""What rows of new-api's table, and of those that look like it, have of a call that was answered."""


def new_api_row(*, other: Any = None, **fields: Any) -> dict[str, Any]:
    """Return a row of new-api's table of a call that was answered; ``other`` is put to what it says beside."""
    beside = {
        "model_ratio": 1.25,
        "group_ratio": 1,
        "completion_ratio": 4,
        "cache_tokens": 0,
        "cache_ratio": 0.5,
        "model_price": -1,
        "frt": 412,
        "admin_info": {"use_channel": ["3"]},
        "request_path": COMPLETION,
    }
    return {
        **_CALL,
        "use_time": 2,
        "is_stream": False,
        "channel": 3,
        "channel_name": "ai21",
        "token_id": 7,
        "group": "default",
        "ip": "",
        "request_id": "20261103100001250kQ3xZ9aB",
        "other": json.dumps({**beside, **(other or {})}),
        **fields,
    }


def one_api_row(**fields: Any) -> dict[str, Any]:
    """Return a row of One API's table of a call that was answered."""
    return {
        **_CALL,
        "content": "倍率：1.25 × 1.00 × 4.00",
        "channel": 3,
        "request_id": "2026110310000125012345678",
        "elapsed_time": 1750,
        "is_stream": False,
        "system_prompt_reset": False,
        **fields,
    }


def one_hub_row(**fields: Any) -> dict[str, Any]:
    """Return a row of One Hub's table of a call that was answered."""
    return {
        **_CALL,
        "channel_id": 3,
        "request_time": 1750,
        "is_stream": False,
        "source_ip": "203.0.113.9",
        "metadata": {"group_name": "default", "price_type": "tokens", "input_ratio": 1.25, "output_ratio": 5},
        "channel": {"id": 3, "name": "ai21"},
        **fields,
    }


def bifrost_row(**fields: Any) -> dict[str, Any]:
    """Return a row of Bifrost's table of a call that was answered, as its API has it."""
    return {
        "id": "0b6f6c1e-8f3e-4c43-9b1e-2f7d1c9a0001",
        "parent_request_id": None,
        "timestamp": "2026-11-03T10:00:01.25Z",
        "object": "chat_completion",
        "provider": "ai21",
        "model": "jamba-large",
        "number_of_retries": 0,
        "fallback_index": 0,
        "selected_key_id": "provider-key-3",
        "selected_key_name": "ai21",
        "virtual_key_id": "key_1",
        "virtual_key_name": "production",
        "user_id": None,
        "team_id": "team-1",
        "customer_id": "customer-1",
        "latency": 1250,
        "cost": 0.0001,
        "status": "success",
        "stream": False,
        "stop_reason": "stop",
        "created_at": "2026-11-03T10:00:01.25Z",
        "token_usage": {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45},
        **fields,
    }


def written_span(writing: str = "sdk", *, error: bool = False, **attributes: Any) -> dict[str, Any]:
    """Return a span of one call as it is written by what ``writing`` names; attributes are put to its own."""
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "ai21",
        "gen_ai.request.model": "jamba",
        "gen_ai.response.model": "jamba-large",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 5,
        "user.id": "key_1",
    } | attributes
    named = {name: value for name, value in said.items() if value is not None}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in named.items()}
    trace, own, around = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "eee19b7ec3c1b173"
    at, resource = "2026-11-03T10:00:01.250000Z", {"service.name": "desk"}
    return {
        "sdk": {
            "name": "chat jamba",
            "context": {"trace_id": f"0x{trace}", "span_id": f"0x{own}", "trace_state": "[]"},
            "kind": "SpanKind.CLIENT",
            "parent_id": f"0x{around}",
            "start_time": at,
            "end_time": "2026-11-03T10:00:03.250000Z",
            "status": {"status_code": "ERROR" if error else "UNSET"},
            "attributes": named,
            "events": [],
            "links": [],
            "resource": {"attributes": resource, "schema_url": ""},
        },
        "phoenix": {
            "id": "U3Bhbjox",
            "name": "chat jamba",
            "context": {"trace_id": trace, "span_id": own},
            "span_kind": "LLM",
            "parent_id": around,
            "start_time": "2026-11-03T10:00:01.250000+00:00",
            "end_time": "2026-11-03T10:00:03.250000+00:00",
            "status_code": "ERROR" if error else "OK",
            "status_message": "",
            "attributes": named,
            "events": [],
        },
        "frame": {
            "name": "chat jamba",
            "span_kind": "LLM",
            "parent_id": around,
            "start_time": 1_793_700_001_250,
            "end_time": 1_793_700_003_250,
            "status_code": "ERROR" if error else "OK",
            "context.span_id": own,
            "context.trace_id": trace,
            **{f"attributes.{name}": float(value) if type(value) is int else value for name, value in named.items()},
        },
        "clickhouse": {
            "Timestamp": "2026-11-03 10:00:01.250000000",
            "TraceId": trace,
            "SpanId": own,
            "ParentSpanId": around,
            "TraceState": "",
            "SpanName": "chat jamba",
            "SpanKind": "Client",
            "ServiceName": "desk",
            "ResourceAttributes": resource,
            "ScopeName": "made-up",
            "ScopeVersion": "1",
            "SpanAttributes": texts,
            "Duration": "2000000000",
            "StatusCode": "Error" if error else "Unset",
            "StatusMessage": "",
        },
        "cloudwatch": {
            "resource": {"attributes": resource},
            "scope": {"name": "made-up"},
            "traceId": trace,
            "spanId": own,
            "parentSpanId": around,
            "flags": 256,
            "name": "chat jamba",
            "kind": "CLIENT",
            "startTimeUnixNano": 1_793_700_001_250_000_000,
            "endTimeUnixNano": 1_793_700_003_250_000_000,
            "durationNano": 2_000_000_000,
            "attributes": named,
            "status": {"code": "ERROR" if error else "UNSET"},
        },
        "logfire": {
            "kind": "span",
            "start_timestamp": at,
            "end_timestamp": "2026-11-03T10:00:03.250000Z",
            "trace_id": trace,
            "span_id": own,
            "parent_span_id": around,
            "span_name": "chat jamba",
            "attributes": named,
            "otel_resource_attributes": resource,
            "otel_status_code": "ERROR" if error else None,
        },
        "copilot": {
            "type": "span",
            "traceId": trace,
            "spanId": own,
            "parentSpanId": around,
            "name": "chat jamba",
            "kind": 2,
            "startTime": [1_793_700_001, 250_000_000],
            "endTime": [1_793_700_003, 250_000_000],
            "attributes": named,
            "status": {"code": 2 if error else 0},
            "events": [],
            "resource": {"attributes": resource},
            "instrumentationScope": {"name": "github.copilot"},
        },
        "app-insights": {
            "TimeGenerated": at,
            "OperationId": trace,
            "Id": own,
            "ParentId": around,
            "Name": "chat jamba",
            "Success": not error,
            "Properties": json.dumps(texts),
            "Type": "AppDependencies",
        },
        "app-insights-classic": {
            "timestamp": at,
            "operation_Id": trace,
            "id": own,
            "operation_ParentId": around,
            "name": "chat jamba",
            "success": "False" if error else "True",
            "customDimensions": texts,
        },
        "mlflow": {
            "trace_id": "W47/95gDgQPSabYzgT/GDA==",
            "span_id": "7uGbfsPBsXQ=",
            "parent_span_id": "7uGbfsPBsXM=",
            "name": "chat jamba",
            "start_time_unix_nano": 1_793_700_001_250_000_000,
            "end_time_unix_nano": 1_793_700_003_250_000_000,
            "events": [],
            "status": {"code": "STATUS_CODE_ERROR" if error else "STATUS_CODE_UNSET", "message": ""},
            "attributes": texts,
        },
        "signoz": {
            "ts_bucket_start": "1793700000",
            "timestamp": "2026-11-03 10:00:01.250000000",
            "trace_id": trace,
            "span_id": own,
            "parent_span_id": around,
            "name": "chat jamba",
            "status_code": 2 if error else 0,
            "attributes_string": {name: text for name, text in texts.items() if type(named[name]) is not int},
            "attributes_number": {name: float(value) for name, value in named.items() if type(value) is int},
            "attributes_bool": {},
            "resources_string": resource,
        },
        "elasticsearch": {
            "@timestamp": at,
            "trace_id": trace,
            "span_id": own,
            "parent_span_id": around,
            "name": "chat jamba",
            "kind": "Client",
            "status": {"code": "Error"} if error else {},
            "attributes": named,
            "resource": {"attributes": resource},
        },
        "dynatrace": {
            "trace.id": trace,
            "span.id": own,
            "span.parent_id": around,
            "span.name": "chat jamba",
            "span.status_code": "error" if error else None,
            "start_time": at,
            **texts,
        },
        "honeycomb": {
            "trace.trace_id": trace,
            "trace.span_id": own,
            "trace.parent_id": around,
            "timestamp": at,
            "name": "chat jamba",
            "error": error,
            **named,
        },
        "jaeger": {
            "data": [
                {
                    "traceID": trace,
                    "spans": [
                        {
                            "traceID": trace,
                            "spanID": own,
                            "operationName": "chat jamba",
                            "references": [
                                {"refType": "FOLLOWS_FROM", "traceID": trace, "spanID": own},
                                {"refType": "CHILD_OF", "traceID": trace, "spanID": around},
                            ],
                            "startTime": 1_793_700_001_250_000,
                            "duration": 2_000_000,
                            "tags": [
                                *({"key": name, "value": _as_a_tag(value)} for name, value in named.items()),
                                *([{"key": "otel.status_code", "type": "string", "value": "ERROR"}] if error else []),
                            ],
                            "logs": [],
                            "processID": "p1",
                        }
                    ],
                    "processes": {"p1": {"serviceName": "desk", "tags": [{"key": "service.name", "value": "desk"}]}},
                }
            ],
            "total": 0,
        },
        "jaeger-fields": {
            "traceID": trace,
            "spanID": own,
            "operationName": "chat jamba",
            "references": [],
            "startTime": 1_793_700_001_250_000,
            "startTimeMillis": 1_793_700_001_250,
            "tags": [],
            "tag": {
                **{"@".join(name.split(".")): text for name, text in texts.items()},
                **({"otel@status_code": "ERROR"} if error else {}),
            },
            "process": {"serviceName": "desk", "tags": [{"key": "service.name", "type": "string", "value": "desk"}]},
        },
        "zipkin": {
            "traceId": trace,
            "parentId": around,
            "id": own,
            "kind": "CLIENT",
            "name": "chat jamba",
            "timestamp": 1_793_700_001_250_000,
            "duration": 2_000_000,
            "localEndpoint": {"serviceName": "desk"},
            "tags": {**texts, **({"otel.status_code": "ERROR", "error": "x"} if error else {})},
        },
        "data-prepper": {
            "traceId": trace,
            "spanId": own,
            "parentSpanId": around,
            "name": "chat jamba",
            "kind": "SPAN_KIND_CLIENT",
            "startTime": "2026-11-03T10:00:01.250Z",
            "durationInNanos": 2_000_000_000,
            "serviceName": "desk",
            "status": {"code": 2 if error else 0},
            "attributes": named,
            "resource": {"attributes": resource},
        },
        "data-prepper-fields": {
            "traceId": trace,
            "spanId": own,
            "parentSpanId": around,
            "name": "chat jamba",
            "kind": "CLIENT",
            "startTime": "2026-11-03T10:00:01.250Z",
            "durationInNanos": 2_000_000_000,
            "status": {"code": 2 if error else 0},
            **{f"span.attributes.{'@'.join(name.split('.'))}": value for name, value in named.items()},
            "resource.attributes.service@name": "desk",
        },
        "cloud-trace": {
            "projectId": "desk",
            "traceId": trace,
            "spans": [
                {
                    "spanId": str(int(own, 16)),
                    "parentSpanId": str(int(around, 16)),
                    "kind": "RPC_CLIENT",
                    "name": "chat jamba",
                    "startTime": at,
                    "endTime": "2026-11-03T10:00:03.250000Z",
                    "labels": {**texts, **({"otel.status_code": "ERROR"} if error else {})},
                }
            ],
        },
        "cloud-trace-table": {
            "trace_id": trace,
            "span_id": own,
            "parent_span_id": around,
            "name": "chat jamba",
            "start_time": "2026-11-03 10:00:01.250000",
            "duration_nano": 2_000_000_000,
            "status": {"code": 2 if error else 0},
            "attributes": named,
            "resource": {"attributes": resource},
        },
        "cloud-logging": {
            "insertId": "1x2y3z",
            "logName": "projects/desk/logs/gen_ai.client.inference.operation.details",
            "timestamp": at,
            "trace": f"projects/desk/traces/{trace}",
            "spanId": own,
            "labels": texts
            | {"event.name": "gen_ai.client.inference.operation.details"}
            | ({"error.type": "x"} if error else {}),
            "jsonPayload": {"gen_ai.input.messages_ref": "x"},
        },
        "snowflake": {
            "TIMESTAMP": "2026-11-03 10:00:03.250",
            "START_TIMESTAMP": "2026-11-03 10:00:01.250",
            "TRACE": {"trace_id": trace, "span_id": own},
            "RESOURCE_ATTRIBUTES": resource,
            "RECORD_TYPE": "SPAN",
            "RECORD": {
                "name": "chat jamba",
                "kind": "SPAN_KIND_CLIENT",
                "parent_span_id": around,
                "status": {"code": "STATUS_CODE_ERROR" if error else "STATUS_CODE_UNSET"},
            },
            "RECORD_ATTRIBUTES": named,
        },
        "sentry": {
            "event_id": "fc6d8c0c43fc4630ad850ee518f1b9d0",
            "type": "transaction",
            "transaction": "/answer",
            "start_timestamp": 1_793_700_000.0,
            "timestamp": 1_793_700_004.0,
            "contexts": {"trace": {"trace_id": trace, "span_id": around, "op": "http.server"}},
            "spans": [
                {
                    "trace_id": trace,
                    "span_id": own,
                    "parent_span_id": around,
                    "op": "gen_ai.chat",
                    "start_timestamp": 1_793_700_001.25,
                    "timestamp": 1_793_700_003.25,
                    "data": named,
                    "status": "internal_error" if error else "ok",
                }
            ],
        },
        "sentry-span": {
            "trace_id": trace,
            "span_id": own,
            "parent_span_id": around,
            "name": "chat jamba",
            "start_timestamp": 1_793_700_001.25,
            "end_timestamp": 1_793_700_003.25,
            "status": "error" if error else "ok",
            "attributes": {name: {"type": type(value).__name__, "value": value} for name, value in named.items()},
        },
        "new-relic": {
            "trace.id": trace,
            "id": own,
            "parent.id": around,
            "timestamp": 1_793_700_001_250,
            "name": "chat jamba",
            "otel.status_code": "ERROR" if error else "OK",
            **named,
        },
    }[writing]


def _as_a_tag(value: Any) -> Any:
    """Return a value as Jaeger has it, whose tags are numbers, truths and texts."""
    return json.dumps(value) if isinstance(value, list) else value


WRITINGS = (
    *("sdk", "phoenix", "frame", "clickhouse", "cloudwatch", "logfire", "copilot", "app-insights"),
    "app-insights-classic",
    *("mlflow", "signoz", "elasticsearch", "dynatrace", "honeycomb", "new-relic", "jaeger", "jaeger-fields", "zipkin"),
    *("data-prepper", "data-prepper-fields", "cloud-trace", "cloud-trace-table", "cloud-logging", "sentry"),
    *("sentry-span", "snowflake"),
)
"""By what a span may be written."""


def opik_span(*, usage: Any = ..., metadata: Any = None, **fields: Any) -> dict[str, Any]:
    """Return a span of a call as Opik's API lists it, of a client for OpenAI's API that Opik wraps."""
    counts = {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45}
    return {
        "id": "0192c0de-0000-7000-8000-000000000001",
        "project_id": "0192c0de-0000-7000-8000-000000000002",
        "trace_id": "0192c0de-0000-7000-8000-000000000003",
        "name": "chat_completion_create",
        "type": "llm",
        "start_time": "2026-11-03T10:00:01.250000Z",
        "end_time": "2026-11-03T10:00:03.250000Z",
        "input": {"messages": []},
        "output": {"choices": []},
        "metadata": {
            "created_from": "openai",
            "api_key_id": "key_1",
            "id": "chatcmpl-1",
            "model": "jamba-large",
            **(metadata or {}),
        },
        "model": "jamba",
        "provider": "openai",
        "usage": {**counts, **{f"original_usage.{name}": value for name, value in counts.items()}}
        if usage is ...
        else usage,
        "created_by": "desk",
        "last_updated_at": "2026-11-03T10:00:04Z",
    } | fields


def braintrust_span(kind: str | None = "llm", *, metrics: Any = None, **fields: Any) -> dict[str, Any]:
    """Return a span of Braintrust's; metrics are put to its own, and taken away where they are none."""
    counted = {
        "start": 1_793_700_001.25,
        "end": 1_793_700_003.5,
        "time_to_first_token": 0.25,
        "prompt_tokens": 40,
        "completion_tokens": 5,
        "tokens": 45,
    } | (metrics or {})
    return {
        "id": "row-1",
        "_xact_id": "1000192656880881099",
        "created": "2026-11-03T10:00:02.000Z",
        "project_id": "desk",
        "log_id": "g",
        "span_id": "span-1",
        "root_span_id": "root-1",
        "span_parents": ["root-1"],
        "is_root": False,
        "span_attributes": {"name": "Chat Completion", "type": kind},
        "metadata": {"model": "jamba", "api_key_id": "key_1"},
        "metrics": {name: value for name, value in counted.items() if value is not None},
        "input": [],
        "output": [],
        "error": None,
    } | fields


def weave_call(**fields: Any) -> dict[str, Any]:
    """Return a call of Weave's, of a client that it traces."""
    answer = _chat_answer()
    return {
        "id": "0192aa11-27b5-7c40-8bb8-1cb8a1b3a5c2",
        "project_id": "desk/answers",
        "op_name": "weave:///desk/answers/op/openai.chat.completions.create:aV5cvC",
        "display_name": None,
        "trace_id": "0192aa11-27b5-7c40-8bb8-1cb8a1b3a5c1",
        "parent_id": None,
        "started_at": "2026-11-03T10:00:01.250000Z",
        "attributes": {"api_key_id": "key_1", "weave": {"client_version": "0.52"}},
        "inputs": {"model": "jamba", "messages": []},
        "ended_at": "2026-11-03T10:00:03.250000Z",
        "exception": None,
        "output": answer,
        "summary": {"usage": {"jamba-large": {"requests": 1, **answer["usage"]}}, "weave": {"status": "success"}},
        "wb_user_id": "VXNlcjox",
        "wb_run_id": None,
    } | fields


def tensorzero_row(**fields: Any) -> dict[str, Any]:
    """Return a row of TensorZero's table of calls, with the tags of its inference."""
    return {
        "id": "0192c0de-0000-7000-8000-000000000001",
        "inference_id": "0192c0de-0000-7000-8000-000000000002",
        "timestamp": "2026-11-03 10:00:01",
        "model_name": "jamba",
        "model_provider_name": "ai21",
        "raw_response": json.dumps(_chat_answer()),
        "input_tokens": 40,
        "output_tokens": 5,
        "cached": False,
        "tags": {"tensorzero::api_key_public_id": "key_1"},
    } | fields


def _chat_answer() -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "jamba-large",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "made up"}}],
        "usage": {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45},
    }


def mlflow_trace(
    *, kind: str = "CHAT_MODEL", usage: Any = ..., outputs: Any = ..., **attributes: Any
) -> dict[str, Any]:
    """Return a trace of MLflow: an agent, and within it a call of a model, as its integrations record it."""
    counts = {"input_tokens": 40, "output_tokens": 5, "total_tokens": 45}
    answer = _chat_answer()
    said = {
        "mlflow.spanType": kind,
        "mlflow.spanInputs": {"model": "jamba", "messages": []},
        "model": "jamba",
        "mlflow.chat.tokenUsage": counts if usage is ... else usage,
        "mlflow.spanOutputs": answer if outputs is ... else outputs,
        **attributes,
    }
    named = {name: json.dumps(value) for name, value in said.items() if value is not None}
    call = written_span("mlflow") | {"attributes": named}
    agent = call | {
        "span_id": "7uGbfsPBsXM=",
        "parent_span_id": None,
        "attributes": {"mlflow.spanType": '"AGENT"', "mlflow.spanOutputs": "{}"},
    }
    return {
        "info": {
            "trace_id": "tr-5b8efff798038103d269b633813fc60c",
            "request_time": "2026-11-03T10:00:01.250Z",
            "state": "OK",
            "trace_metadata": {"mlflow.trace.user": "key_1", "mlflow.trace.tokenUsage": json.dumps(counts)},
            "tags": {"mlflow.traceName": "predict"},
        },
        "data": {"spans": [agent, call]},
    }


def datadog_span(*, metrics: Any = None, tags: Any = None, **fields: Any) -> dict[str, Any]:
    """Return a span of a call as the API of Datadog's LLM Observability exports it."""
    return {
        "id": "14624140233640368324",
        "type": "span",
        "attributes": {
            "duration": 2_000_000_000,
            "metadata": {"temperature": 0.5},
            "metrics": {
                "estimated_input_cost": 1500,
                "input_tokens": 40,
                "output_tokens": 5,
                "total_tokens": 45,
                **(metrics or {}),
            },
            "ml_app": "desk",
            "model_name": "jamba-large",
            "model_provider": "ai21",
            "name": "chat",
            "parent_id": "undefined",
            "span_id": "14624140233640368324",
            "span_kind": "llm",
            "start_ns": 1_793_700_001_250_000_000,
            "status": "ok",
            "tags": ["service:desk", "env:prod", "version:", "api_key_id:key_1"] if tags is None else tags,
            "trace_id": "6903738200000000af2d3775dfc70530",
            **fields,
        },
    }


def openrouter_generation(**fields: Any) -> dict[str, Any]:
    """Return a generation of OpenRouter, as its API answers for it."""
    return {
        "data": {
            "id": "gen-1793700001-aBcDeFgHiJkLmNoPqRsT",
            "upstream_id": "chatcmpl-1",
            "model": "ai21/jamba-large",
            "provider_name": "AI21",
            "api_type": "completions",
            "total_cost": 0.0001,
            "usage": 0.0001,
            "upstream_inference_cost": None,
            "cache_discount": None,
            "is_byok": False,
            "tokens_prompt": 44,
            "tokens_completion": 7,
            "native_tokens_prompt": 40,
            "native_tokens_completion": 5,
            "native_tokens_reasoning": 0,
            "native_tokens_cached": 0,
            "native_tokens_completion_images": 0,
            "num_search_results": None,
            "generation_time": 1200,
            "latency": 1250,
            "finish_reason": "stop",
            "native_finish_reason": "stop",
            "streamed": True,
            "cancelled": False,
            "created_at": "2026-11-03T10:00:01.250000+00:00",
            "external_user": "key_1",
            "service_tier": None,
            **fields,
        }
    }


def databricks_row(table: str = "payload", **fields: Any) -> dict[str, Any]:
    """Return a row of a call in one of the tables of Databricks."""
    asked = {"messages": [{"role": "user", "content": "made up"}]}
    answer = _chat_answer()
    bodies = {"request": json.dumps(asked), "response": json.dumps(answer)}
    at, who = "2026-11-03T10:00:01.250Z", "key_1"
    return {
        "payload": {
            "request_date": "2026-11-03",
            "databricks_request_id": "5a5e4a4e-1",
            "client_request_id": None,
            "request_time": at,
            "status_code": 200,
            "sampling_fraction": 1.0,
            "execution_duration_ms": 2000,
            **bodies,
            "served_entity_id": "e-1",
            "logging_error_codes": [],
            "requester": who,
        },
        "first": {
            "client_request_id": None,
            "databricks_request_id": "5a5e4a4e-1",
            "date": "2026-11-03",
            "timestamp_ms": 1_793_700_001_250,
            "status_code": 200,
            "execution_time_ms": 2000,
            **bodies,
            "sampling_fraction": 1.0,
            "request_metadata": {"endpoint_name": "desk", "model_name": "jamba", "model_version": "1"},
        },
        "newer": {
            "event_time": at,
            "invocation_id": "5a5e4a4e-1",
            "status_code": 200,
            "latency_ms": 2000,
            **bodies,
            "logging_error_codes": [],
            "requester": who,
        },
        "endpoint-usage": {
            "account_id": "a-1",
            "workspace_id": "w-1",
            "databricks_request_id": "5a5e4a4e-1",
            "client_request_id": None,
            "requester": who,
            "status_code": 200,
            "request_time": at,
            "input_token_count": 40,
            "output_token_count": 5,
            "input_character_count": 160,
            "output_character_count": 20,
            "usage_context": None,
            "request_streaming": False,
            "served_entity_id": "e-1",
            "endpoint_name": "jamba-large",
            "task": "llm/v1/chat",
        },
        "gateway-usage": {
            "account_id": "a-1",
            "workspace_id": "w-1",
            "request_id": "5a5e4a4e-1",
            "event_time": at,
            "latency_ms": 2000,
            "endpoint_name": "desk",
            "destination_model": "jamba-large",
            "requester": who,
            "requester_type": "USER",
            "request_tags": {},
            "user_agent": "made-up",
            "api_type": "mlflow/v1/chat/completions",
            "input_tokens": 40,
            "output_tokens": 5,
            "total_tokens": 45,
            "token_details": {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
            "status_code": 200,
        },
    }[table] | fields


def apisix_line(*, uri: str = COMPLETION, headers: Any = None, **fields: Any) -> dict[str, Any]:
    return {
        "start_time": 1_793_700_001_250,
        "apisix_latency": 67.0,
        "request": {"uri": uri, "method": "POST", "headers": headers or {}},
        "response": {"status": 200, "headers": {}},
        "consumer": {"username": "lena"},
        "llm_summary": {"model": "jamba-large", "prompt_tokens": "40", "completion_tokens": "5", "total_tokens": "45"},
        **fields,
    }


def higress_line(ai_log: Any = None, **fields: Any) -> dict[str, Any]:
    stated = {"model": "jamba-large", "consumer": "lena", "input_token": 40, "output_token": 5, "total_token": 45}
    return {
        "ai_log": json.dumps(stated | ai_log) if isinstance(ai_log, dict) else ai_log or json.dumps(stated),
        "start_time": "2026-11-03T10:00:01.250Z",
        "method": "POST",
        "path": COMPLETION,
        "response_code": "200",
        **fields,
    }


def nginx_line(**fields: Any) -> dict[str, Any]:
    return {
        "msec": "1793700006.250",
        "request_time": "5.000",
        "status": "200",
        "request_method": "POST",
        "request_uri": COMPLETION,
        "api_key_id": "key_a",
        "llm_model": "jamba-large",
        "llm_usage": json.dumps({"prompt_tokens": 40, "completion_tokens": 5}),
        **fields,
    }


ARCHIVE = {
    "log": {
        "version": "1.2",
        "entries": [
            {
                "startedDateTime": "2026-11-03T10:00:01.250Z",
                "time": 5000,
                "request": {
                    "method": "POST",
                    "url": f"https://gateway.example{COMPLETION}?lang=de",
                    "headers": [
                        {"name": "Authorization", "value": f"Bearer {RAW}"},
                        {"name": "User-Agent", "value": "user-agent-of-a-caller"},
                    ],
                    "postData": {"text": json.dumps({"model": "jamba"})},
                },
                "response": {
                    "status": 200,
                    "headers": [{"name": "X-Request-Id", "value": "req_1"}],
                    "content": {
                        "text": json.dumps(
                            {
                                "choices": [],
                                "usage": {"prompt_tokens": 40, "completion_tokens": 5},
                                "model": "jamba-large",
                            }
                        )
                    },
                },
                "_eventSourceMessages": [{"eventName": "message", "data": "{}"}],
            }
        ],
    }
}
COUNTED = of_kong(usage={"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45})
DOCUMENTS: dict[str, dict[str, Any]] = {
    "litellm-spend": {
        "request_id": "chatcmpl-7f69e461",
        "call_type": "acompletion",
        "api_key": "key_1",
        "spend": 0.25,
        "total_tokens": 43,
        "prompt_tokens": 40,
        "completion_tokens": 3,
        "startTime": "2026-10-01T12:00:00.250",
        "model": "openai/jamba-large",
        "model_group": "jamba",
        "custom_llm_provider": "openai",
        "metadata": {"user_api_key": "key_1", "status": "success", "usage_object": {"prompt_tokens": 40}},
        "cache_hit": "None",
        "messages": [{"role": "user", "content": "Hi"}],
        "response": "{}",
        "status": "success",
        "litellm_call_id": "31ac6e26",
    },
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
    "langsmith": {
        "id": "run-1",
        "trace_id": "t-1",
        "dotted_order": "20260901T120000000000Zrun-1",
        "run_type": "llm",
        "start_time": "2026-09-01T12:00:00.000000",
        "extra": {"metadata": {"api_key_id": "key_1", "ls_model_name": "m"}, "invocation_params": {"model": "m"}},
        "error": None,
        "outputs": {
            "id": "r",
            "model": "m",
            "usage_metadata": {
                "input_tokens": 3,
                "output_tokens": 4,
                "total_tokens": 7,
                "input_token_details": {"cache_read": 2},
                "output_token_details": {"reasoning": 1},
            },
        },
        "child_run_ids": [],
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
    "bedrock-batch": {
        "recordId": "CALL0000001",
        "modelInput": {"messages": [], "requestMetadata": {"api_key_id": "key_1"}},
        "modelOutput": {"stopReason": "end_turn", "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}},
        "batch": {
            "jobArn": "arn:aws:bedrock:us-west-2:123456789012:model-invocation-job/abcdefghij12",
            "modelId": "amazon.nova-lite-v1:0",
            "endTime": "2026-09-01T12:00:00Z",
        },
    },
    "gemini-batch": {
        "name": "batches/a",
        "metadata": {"model": "models/gemini-2.5-flash", "endTime": "2026-09-01T12:00:00Z"},
        "done": True,
        "response": {
            "inlinedResponses": {
                "inlinedResponses": [
                    {
                        "metadata": {"api_key_id": "key_1"},
                        "response": {
                            "candidates": [{}],
                            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7},
                        },
                    }
                ]
            }
        },
    },
    "vertex-batch": {
        "status": "",
        "processed_time": "2026-09-01T12:00:00.000+00:00",
        "request": {"contents": [], "labels": {"api_key_id": "key_1"}},
        "response": {
            "candidates": [{}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7},
        },
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
"""One document of a format by its name; those of gateways are made by the functions above."""
