"""The same calls, logged by tracers and exporters and as a request log: the invoices are the same to the last byte.

Spans are written by OpenTelemetry's own file exporter where it is installed; anything else after the published schemas
that the modules of the formats name.
"""

from __future__ import annotations

import io
import json
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from same_calls import LASTS, PATH, WITH_WRITES, Call, as_a_request_log, drafted, request_log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path


def attributes(call: Call) -> dict[str, Any]:
    """Return the attributes of the span of a call, by the newest conventions."""
    named: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "ai21",
        "gen_ai.request.model": "jamba-large",
        "api_key_id": call.key,
    }
    if call.is_failed:
        return named | {"error.type": "429"}
    return named | {
        "gen_ai.response.model": "jamba-large",
        "gen_ai.response.id": f"chatcmpl-{call.number}",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": call.prompt,
        "gen_ai.usage.output_tokens": call.completion,
        "gen_ai.usage.cache_read.input_tokens": call.cached,
        "gen_ai.usage.cache_write.input_tokens": call.written,
        "gen_ai.usage.reasoning.output_tokens": call.reasoning,
    }


def nanoseconds(at: datetime) -> int:
    return int(at.timestamp()) * 10**9


def span(call: Call, **changed: Any) -> dict[str, Any]:
    """Return the span of a call as OTLP JSON."""
    named = attributes(call) | changed
    values = {int: "intValue", str: "stringValue"}
    return {
        "traceId": f"{call.number:032x}",
        "spanId": f"{call.number + 1:016x}",
        "startTimeUnixNano": str(nanoseconds(call.at)),
        "endTimeUnixNano": str(nanoseconds(call.at + LASTS)),
        "attributes": [
            {
                "key": name,
                "value": {"arrayValue": {"values": [{"stringValue": "stop"}]}}
                if isinstance(value, list)
                else {values[type(value)]: str(value)},
            }
            for name, value in named.items()
        ],
        "status": {"code": 2} if call.is_failed else {},
    }


def batched(*spans: dict[str, Any]) -> str:
    return json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": spans}]}]})


def otel(calls: Sequence[Call]) -> list[str]:
    return [batched(span(call)) for call in calls]


def otel_in_one_line(calls: Sequence[Call]) -> list[str]:
    """An agent's span around all of them states their usage once more."""
    total = Call(
        number=99, prompt=sum(call.prompt for call in calls), completion=sum(call.completion for call in calls)
    )
    around = span(total, **{"gen_ai.operation.name": "invoke_agent"})
    return [batched(*(span(call) for call in calls), around)]


def otel_by_its_sdk(calls: Sequence[Call]) -> list[str]:
    exporters = pytest.importorskip("opentelemetry.exporter.otlp.json.file.trace_exporter")
    return written_by_the_sdk(calls, lambda written: exporters.FileSpanExporter(stream=written))


def written_by_the_sdk(calls: Sequence[Call], exporter: Callable[[io.StringIO], Any]) -> list[str]:
    """Return the lines that an exporter of the SDK writes, of a span for each call."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    written = io.StringIO()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter(written)))
    tracer = provider.get_tracer("test")
    for call in calls:
        one = tracer.start_span("chat jamba-large", start_time=nanoseconds(call.at), attributes=attributes(call))
        one.end(end_time=nanoseconds(call.at + LASTS))
    return written.getvalue().splitlines()


def langfuse(calls: Sequence[Call]) -> list[str]:
    return [
        json.dumps(
            {
                "id": f"{call.number + 1:016x}",
                "trace_id": f"{call.number:032x}",
                "project_id": "clx1",
                "type": "GENERATION",
                "start_time": call.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
                "end_time": (call.at + LASTS).strftime("%Y-%m-%d %H:%M:%S.%f"),
                "level": "ERROR" if call.is_failed else "DEFAULT",
                "metadata": {"api_key_id": call.key},
                "provided_model_name": "jamba-large",
                "usage_details": {}
                if call.is_failed
                else {
                    "input": call.prompt - call.cached - call.written,
                    "input_cached_tokens": call.cached,
                    "input_cache_creation": call.written,
                    "output": call.completion - call.reasoning,
                    "output_reasoning_tokens": call.reasoning,
                    "total": call.prompt + call.completion,
                },
            }
        )
        for call in calls
    ]


def helicone(calls: Sequence[Call]) -> list[str]:
    return [
        json.dumps(
            {
                "request_id": f"00000000-0000-4000-8000-{call.number:012d}",
                "request_created_at": call.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
                "response_status": 429 if call.is_failed else 200,
                "request_path": PATH,
                "request_model": "jamba-large",
                "request_properties": {"api_key_id": call.key},
                "request_body": {"model": "jamba-large", "messages": []},
                "response_body": call.body,
                "prompt_tokens": call.prompt - call.cached,
                "completion_tokens": call.completion - call.reasoning,
                "prompt_cache_read_tokens": call.cached,
                "cache_reference_id": "00000000-0000-0000-0000-000000000000",
            }
        )
        for call in calls
    ]


def portkey(calls: Sequence[Call]) -> list[str]:
    return [
        json.dumps(
            {
                "id": f"00000000-0000-4000-8000-{call.number:012d}",
                "trace_id": "t",
                "created_at": call.at.isoformat(),
                "request": {"model": "jamba-large", "messages": []},
                "response": call.body,
                "ai_org": "ai21",
                "ai_model": "jamba-large",
                "req_units": call.prompt,
                "res_units": call.completion,
                "request_url": f"https://api.ai21.com{PATH}",
                "response_status_code": 429 if call.is_failed else 200,
                "metadata": {"api_key_id": call.key},
            }
        )
        for call in calls
    ]


def portkey_log(calls: Sequence[Call]) -> list[str]:
    return [
        json.dumps(
            {
                "_id": f"00000000-0000-4000-8000-{call.number:012d}",
                "request": {"url": f"https://api.ai21.com{PATH}", "method": "POST", "body": {"model": "jamba-large"}},
                "response": {"status": 429 if call.is_failed else 200, "headers": {}, "body": call.body},
                "organisation_id": "o",
                "created_at": call.at.strftime("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)"),
                "metrics": {
                    "created_at": call.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
                    "api_key_id": call.key,
                    "cache_status": "MISS",
                    "req_units": call.prompt,
                    "res_units": call.completion,
                },
            }
        )
        for call in calls
    ]


def vertex(calls: Sequence[Call]) -> list[str]:
    return [
        json.dumps(
            {
                "logging_time": call.at.strftime("%Y-%m-%d %H:%M:%S.%f UTC"),
                "request_id": str(5_374_205_265_901_353_984 + call.number),
                "model": "publishers/ai21/models/jamba-large",
                "api_method": "RawPredict",
                "full_request": {"labels": {"api_key_id": call.key}},
                "full_response": call.body,
            }
        )
        for call in calls
    ]


def langsmith(calls: Sequence[Call]) -> list[str]:
    """A chain around the calls states their usage once more."""
    runs = [
        {
            "id": f"00000000-0000-4000-8000-{call.number:012d}",
            "trace_id": "t",
            "run_type": "llm",
            "start_time": call.at.strftime("%Y-%m-%dT%H:%M:%S.%f"),
            "error": "RateLimitError()" if call.is_failed else None,
            "extra": {"metadata": {"api_key_id": call.key, "ls_model_name": "jamba-large"}},
            "outputs": None
            if call.is_failed
            else {
                "id": f"chatcmpl-{call.number}",
                "model": "jamba-large",
                "usage_metadata": {
                    "input_tokens": call.prompt,
                    "output_tokens": call.completion,
                    "total_tokens": call.prompt + call.completion,
                    "input_token_details": {"cache_read": call.cached, "cache_creation": call.written},
                    "output_token_details": {"reasoning": call.reasoning},
                },
            },
        }
        for call in calls
    ]
    around = {**runs[0], "id": "c", "run_type": "chain", "prompt_tokens": sum(call.prompt for call in calls)}
    return [json.dumps(each) for each in (around, *runs)]


def posthog(calls: Sequence[Call]) -> list[str]:
    """A trace above the calls states their sum; what Anthropic's models read and wrote lies outside of the input."""
    lines = [
        {
            "uuid": f"0193-{call.number}",
            "event": "$ai_generation",
            "timestamp": (call.at + timedelta(seconds=2)).isoformat(),
            "distinct_id": call.key,
            "properties": {
                "$ai_trace_id": "t",
                "$ai_model": "jamba-large",
                "$ai_provider": "anthropic",
                "$ai_latency": 2,
                "$ai_http_status": call.status,
                "$ai_is_error": call.is_failed,
                "$ai_input_tokens": None if call.is_failed else call.prompt - (call.cached or 0) - (call.written or 0),
                "$ai_cache_read_input_tokens": None if call.is_failed else call.cached,
                "$ai_cache_creation_input_tokens": None if call.is_failed else call.written,
                "$ai_output_tokens": None if call.is_failed else call.completion,
                "$ai_reasoning_tokens": None if call.is_failed else call.reasoning,
            },
        }
        for call in calls
    ]
    return [json.dumps(each) for each in ({**lines[0], "uuid": "t", "event": "$ai_trace"}, *lines)]


def spans_by_the_console_of_the_sdk(calls: Sequence[Call]) -> list[str]:
    """Return what the exporter to the console writes: a document over several lines for each span."""
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    return written_by_the_sdk(calls, lambda written: export.ConsoleSpanExporter(out=written))


def spans_of_clickhouse(calls: Sequence[Call]) -> list[str]:
    """Return rows whose attributes are texts, and that of an agent, which states all of their usage once more."""
    rows = [
        {
            "Timestamp": call.at.strftime("%Y-%m-%d %H:%M:%S.%f000"),
            "TraceId": f"{call.number:032x}",
            "SpanId": f"{call.number + 1:016x}",
            "ParentSpanId": "",
            "SpanName": "chat jamba-large",
            "ResourceAttributes": {"service.name": "desk"},
            "SpanAttributes": {
                name: value if isinstance(value, str) else json.dumps(value) for name, value in attributes(call).items()
            },
            "StatusCode": "Error" if call.is_failed else "Unset",
        }
        for call in calls
    ]
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": "900000"}
    return [json.dumps(each) for each in ({**rows[0], "SpanId": f"{99:016x}", "SpanAttributes": agent}, *rows)]


def spans_of_cloudwatch(calls: Sequence[Call]) -> list[str]:
    """Return rows of a query of Logs Insights over the spans."""
    spans = [
        {
            "resource": {"attributes": {"service.name": "desk"}},
            "traceId": f"{call.number:032x}",
            "spanId": f"{call.number + 1:016x}",
            "startTimeUnixNano": nanoseconds(call.at),
            "attributes": attributes(call),
            "status": {"code": "ERROR" if call.is_failed else "UNSET"},
        }
        for call in calls
    ]
    return [json.dumps({"@timestamp": "2026-12-01 00:00:00.000", "@message": json.dumps(each)}) for each in spans]


def traces_of_mlflow(calls: Sequence[Call]) -> list[str]:
    """Return a trace for each call, whose answer lies in its span, below an agent."""
    traces = []
    for call in calls:
        said = {
            "mlflow.spanType": "CHAT_MODEL",
            "mlflow.llm.model": "jamba-large",
            "mlflow.spanOutputs": None if call.is_failed else call.body,
        }
        span = {
            "trace_id": b64encode(call.number.to_bytes(16)).decode(),
            "span_id": b64encode((call.number + 1).to_bytes(8)).decode(),
            "start_time_unix_nano": nanoseconds(call.at),
            "status": {"code": "STATUS_CODE_ERROR" if call.is_failed else "STATUS_CODE_OK"},
            "attributes": {name: json.dumps(value) for name, value in said.items()},
        }
        usage = {"input_tokens": call.prompt, "output_tokens": call.completion}
        above = {"mlflow.spanType": '"AGENT"', "mlflow.chat.tokenUsage": json.dumps(usage)}
        agent = {**span, "span_id": b64encode((99).to_bytes(8)).decode(), "attributes": above}
        info = {"trace_id": f"tr-{call.number}", "trace_metadata": {"mlflow.trace.user": call.key}}
        traces.append(json.dumps({"info": info, "data": {"spans": [agent, span]}}))
    return traces


def datadog(calls: Sequence[Call]) -> list[str]:
    """Return a page of spans, and a workflow above them."""
    spans = [
        {
            "span_kind": "llm",
            "ml_app": "desk",
            "model_name": "jamba-large",
            "trace_id": "t",
            "span_id": str(call.number),
            "start_ns": nanoseconds(call.at),
            "status": "error" if call.is_failed else "ok",
            "tags": ["env:prod", f"api_key_id:{call.key}"],
            "metrics": {}
            if call.is_failed
            else {
                "input_tokens": call.prompt,
                "output_tokens": call.completion,
                "total_tokens": call.prompt + call.completion,
                "cache_read_input_tokens": call.cached or 0,
                "cache_write_input_tokens": call.written or 0,
                "reasoning_output_tokens": call.reasoning or 0,
            },
        }
        for call in calls
    ]
    above = {**spans[0], "span_id": "w", "span_kind": "workflow", "metrics": {"input_tokens": 900_000}}
    data = [{"id": each["span_id"], "type": "span", "attributes": each} for each in (above, *spans)]
    return [json.dumps({"data": data, "meta": {"status": "done"}})]


def databricks(calls: Sequence[Call]) -> list[str]:
    """Return rows of the gateway's table of usage, whose total counts the cache, and what is no model."""
    rows = [
        {
            "request_id": f"r-{call.number}",
            "event_time": call.at.isoformat(),
            "requester": call.key,
            "destination_model": "jamba-large",
            "api_type": "anthropic/v1/messages",
            "status_code": call.status,
            "input_tokens": None if call.is_failed else call.prompt - (call.cached or 0) - (call.written or 0),
            "output_tokens": None if call.is_failed else call.completion,
            "total_tokens": None if call.is_failed else call.prompt + call.completion,
            "token_details": {
                "cache_read_input_tokens": call.cached,
                "cache_creation_input_tokens": call.written,
            },
        }
        for call in calls
    ]
    return [json.dumps(each) for each in ({**rows[0], "request_id": "m", "service_type": "MCP_SERVICE"}, *rows)]


@pytest.mark.parametrize(
    "logged",
    [
        *(otel, otel_by_its_sdk, langfuse, helicone, portkey, portkey_log, vertex, langsmith, posthog),
        *(spans_by_the_console_of_the_sdk, spans_of_clickhouse, spans_of_cloudwatch, traces_of_mlflow, datadog),
    ],
)
def test_calls_are_billed_as_from_a_request_log(tmp_path: Path, logged: Callable[[Sequence[Call]], list[str]]) -> None:
    expected = as_a_request_log(tmp_path, request_log(WITH_WRITES))
    assert b"0.50" in expected["2026-09/lines.csv"] + expected["2026-10/lines.csv"]
    assert drafted(tmp_path / "logged", logged(WITH_WRITES)) == expected


def test_rows_of_usage_are_billed_as_from_a_request_log(tmp_path: Path) -> None:
    calls = [replace(call, reasoning=0) for call in WITH_WRITES]
    expected = as_a_request_log(tmp_path, request_log(calls))
    assert drafted(tmp_path / "logged", databricks(calls)) == expected


def test_spans_of_one_line_are_billed_as_from_a_request_log(tmp_path: Path) -> None:
    expected = as_a_request_log(tmp_path, request_log(WITH_WRITES))
    assert drafted(tmp_path / "logged", otel_in_one_line(WITH_WRITES)) == expected


@pytest.mark.long
def test_answers_of_a_batch_are_billed_at_the_price_of_the_batch(tmp_path: Path) -> None:
    calls = [
        Call(number=0, prompt=1_200_000, completion=300_001, tier="batch"),
        Call(number=1, prompt=900_000, cached=400_000, completion=80_000, reasoning=50_000, tier="batch"),
    ]
    lines = [
        json.dumps(
            {
                "id": f"batch_req_{call.number}",
                "custom_id": f"request-{call.number}",
                "response": {"status_code": 200, "request_id": "r", "body": call.body | {"service_tier": "default"}},
                "error": None,
            }
        )
        for call in calls
    ]
    source = 'format = "openai-batch"\nfields = { api_key_id = { value = "key_a" } }\n'
    expected = as_a_request_log(tmp_path, request_log(calls))
    assert drafted(tmp_path / "logged", lines, source) == expected
    assert b"1.00" in expected["2026-09/lines.csv"]


def test_the_key_of_spans_is_the_attribute_that_the_source_names(tmp_path: Path) -> None:
    lines = [batched(span(call, **{"api_key_id": "-", "tenant.key": call.key})) for call in WITH_WRITES]
    source = """format = "otel"\nfields = { api_key_id = 'attributes."tenant.key"' }\n"""
    expected = as_a_request_log(tmp_path, request_log(WITH_WRITES))
    assert drafted(tmp_path / "logged", lines, source) == expected


@pytest.mark.long
def test_a_call_that_is_traced_and_logged_is_billed_once(tmp_path: Path) -> None:
    """Each log has a request id of its own, so that the copies are suspicious, and ``--strict`` fails."""
    expected = as_a_request_log(tmp_path, request_log(WITH_WRITES))
    lines = request_log(WITH_WRITES) + otel(WITH_WRITES) + helicone(WITH_WRITES)
    assert drafted(tmp_path / "both", lines, is_strict=False) == expected
