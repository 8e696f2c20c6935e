"""The same calls, logged by tracers and exporters and as a request log: the invoices are the same to the last byte.

Spans are written by OpenTelemetry's own file exporter where it is installed; anything else after the published schemas
that the modules of the formats name.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import make_workspace, tallybook, write_log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

CARD = """
id = "standard"
currency = "USD"

[[rates]]
model = "jamba-large"
prompt = 2.00
completion = 8.00
prompt_cached = 0.50
prompt_cache_write = 2.50
reasoning = 9.00

[[rates]]
model = "jamba-large"
service_tier = "batch"
prompt = 1.00
completion = 4.00
prompt_cached = 0.25
prompt_cache_write = 1.25
reasoning = 4.50
"""
ACCOUNTS = """
[[accounts]]
id = "acme"
name = "Acme"
keys = ["key_a"]

[[accounts]]
id = "birke"
name = "Birke"
keys = ["key_b"]
"""
START = datetime(2026, 9, 30, 23, 59, 58, tzinfo=UTC)
"""Two seconds before October, so that a call that is dated by its end would stand on another invoice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, its parts within their wholes."""

    number: int
    key: str = "key_a"
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    written: int = 0
    reasoning: int = 0
    is_failed: bool = False
    tier: str | None = None

    @property
    def at(self) -> datetime:
        """When it began; every call takes five seconds."""
        return START + timedelta(seconds=self.number)

    @property
    def body(self) -> dict[str, Any]:
        """Its answer."""
        if self.is_failed:
            return {"error": {"type": "rate_limit_error", "message": "slow down"}}
        return {
            "id": f"chatcmpl-{self.number}",
            "object": "chat.completion",
            "created": int(self.at.timestamp()),
            "model": "jamba-large",
            "service_tier": self.tier,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": self.prompt,
                "completion_tokens": self.completion,
                "total_tokens": self.prompt + self.completion,
                "prompt_tokens_details": {"cached_tokens": self.cached, "cache_write_tokens": self.written},
                "completion_tokens_details": {"reasoning_tokens": self.reasoning},
            },
        }


CALLS = (
    Call(number=0, prompt=1_200_000, completion=300_001),
    Call(number=1, prompt=900_000, cached=400_000, written=100_003, completion=80_000, reasoning=50_000),
    Call(number=2, prompt=700_000, cached=699_999, completion=1),
    Call(number=3, key="key_b", prompt=500_000, completion=250_000, reasoning=249_999),
    Call(number=4, is_failed=True),
)


def request_log(calls: Sequence[Call]) -> list[str]:
    return [
        json.dumps(
            {
                "ts": call.at.isoformat(),
                "api_key_id": call.key,
                "request_id": f"req-{call.number}",
                "status": 429 if call.is_failed else 200,
                "path": "/v1/chat/completions",
                "request": {"model": "jamba-large"},
                "response": call.body,
            }
        )
        for call in calls
    ]


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
        "endTimeUnixNano": str(nanoseconds(call.at + timedelta(seconds=5))),
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
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    written = io.StringIO()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporters.FileSpanExporter(stream=written)))
    tracer = provider.get_tracer("test")
    for call in calls:
        one = tracer.start_span("chat jamba-large", start_time=nanoseconds(call.at), attributes=attributes(call))
        one.end(end_time=nanoseconds(call.at + timedelta(seconds=5)))
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
                "end_time": (call.at + timedelta(seconds=5)).strftime("%Y-%m-%d %H:%M:%S.%f"),
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
                "request_path": "/v1/chat/completions",
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


def invoices(books: Path, *options: str) -> dict[str, bytes]:
    """Draft everything, and return every file under ``invoices``."""
    done = tallybook(books, "nightly", "--as-of", "2026-11-02T03:00:00Z", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = books / "invoices"
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def drafted(root: Path, lines: list[str], source: str = "", *, is_strict: bool = True) -> dict[str, bytes]:
    """Draft a workspace whose one log has these lines."""
    config = f'[[sources]]\nname = "calls"\npaths = ["logs/*"]\n{source}'
    books = make_workspace(root, config=config, accounts=ACCOUNTS, cards={"standard": CARD})
    write_log(books, "calls.jsonl", *lines)
    return invoices(books, *(("--strict",) if is_strict else ()))


@pytest.mark.parametrize("logged", [otel, otel_by_its_sdk, langfuse, helicone])
def test_calls_are_billed_as_from_a_request_log(tmp_path: Path, logged: Callable[[Sequence[Call]], list[str]]) -> None:
    expected = drafted(tmp_path / "request-log", request_log(CALLS))
    assert b"0.50" in expected["2026-09/lines.csv"] + expected["2026-10/lines.csv"]
    assert drafted(tmp_path / "logged", logged(CALLS)) == expected


def test_spans_of_one_line_are_billed_as_from_a_request_log(tmp_path: Path) -> None:
    expected = drafted(tmp_path / "request-log", request_log(CALLS))
    assert drafted(tmp_path / "logged", otel_in_one_line(CALLS)) == expected


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
    expected = drafted(tmp_path / "request-log", request_log(calls))
    assert drafted(tmp_path / "logged", lines, source) == expected
    assert b"1.00" in expected["2026-09/lines.csv"]


def test_the_key_of_spans_is_the_attribute_that_the_source_names(tmp_path: Path) -> None:
    lines = [batched(span(call, **{"api_key_id": "-", "tenant.key": call.key})) for call in CALLS]
    source = """format = "otel"\nfields = { api_key_id = 'attributes."tenant.key"' }\n"""
    expected = drafted(tmp_path / "request-log", request_log(CALLS))
    assert drafted(tmp_path / "logged", lines, source) == expected


def test_a_call_that_is_traced_and_logged_is_billed_once(tmp_path: Path) -> None:
    """Each log has a request id of its own, so that the copies are suspicious, and ``--strict`` fails."""
    expected = drafted(tmp_path / "request-log", request_log(CALLS))
    lines = request_log(CALLS) + otel(CALLS) + helicone(CALLS)
    assert drafted(tmp_path / "both", lines, is_strict=False) == expected
