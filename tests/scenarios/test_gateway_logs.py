"""The same calls, logged by gateways and as a request log: the invoices are the same to the last byte.

Lines follow the published examples and schemas that the modules of the formats name, with values of our own.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from same_calls import (
    ACCOUNTS,
    CALLS,
    CARD,
    LASTS,
    PATH,
    SECRET,
    WITH_WRITES,
    Call,
    as_a_request_log,
    drafted,
    request_log,
)
from workspaces import make_workspace, tallybook

from pipeline.collectors import KeyFingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def kong_line(call: Call, ai: dict[str, Any], **more: Any) -> str:
    """Return what ``file-log`` writes of a request, after the serializer's own documentation."""
    return json.dumps(
        {
            "request": {
                "id": f"{call.number:032x}",
                "uri": "/chat",
                "url": "http://gateway:8000/chat",
                "method": "POST",
                "querystring": {},
                "size": 312,
                "headers": {"authorization": "REDACTED", "host": "gateway:8000", "content-type": "application/json"},
            },
            "response": {"status": call.status, "size": 1024, "headers": {"content-type": "application/json"}},
            "upstream_uri": PATH,
            "upstream_status": str(call.status),
            "latencies": {"kong": 12, "proxy": 4988, "request": 5000, "receive": 1},
            "authenticated_entity": {"id": call.key, "consumer_id": "6f8f"},
            "consumer": {"id": "6f8f", "username": "lena", "custom_id": "c-7"},
            "client_ip": "10.0.0.7",
            "started_at": call.milliseconds,
            "workspace": "w",
            "ai": ai,
            **more,
        }
    )


def kong_usage(call: Call) -> dict[str, Any]:
    return {} if call.is_failed else {**call.usage, "cost": 0.0038, "time_per_token": 133, "time_to_first_token": 9}


def kong(calls: Sequence[Call]) -> list[str]:
    meta = {"plugin_id": "p", "provider_name": "ai21", "request_model": "jamba-large", "response_model": "jamba-large"}
    return [
        kong_line(call, {"proxy": {"meta": meta | {"request_mode": "oneshot"}, "usage": kong_usage(call)}})
        for call in calls
    ]


def kong_with_bodies(calls: Sequence[Call]) -> list[str]:
    meta = {"request_model": "UNSPECIFIED", "response_model": "jamba-large"}
    return [
        kong_line(
            call,
            {
                "proxy": {
                    "meta": meta,
                    "usage": {} if call.is_failed else {"prompt_tokens": 7, "completion_tokens": 7, "total_tokens": 14},
                    "payload": {"request": json.dumps(call.asked), "response": json.dumps(call.body)},
                }
            },
        )
        for call in calls
    ]


def kong_3_8(calls: Sequence[Call]) -> list[str]:
    """Return lines with the plugin's own name, and counts as that version's reference calls them."""
    meta = {"request_model": "jamba-large", "response_model": "jamba-large"}
    return [
        kong_line(
            call,
            {
                "ai-proxy": {
                    "meta": meta,
                    "usage": {}
                    if call.is_failed
                    else {
                        "prompt_token": call.prompt,
                        "completion_token": call.completion,
                        "total_tokens": call.prompt + call.completion,
                    },
                }
            },
        )
        for call in calls
    ]


def envoy(calls: Sequence[Call]) -> list[str]:
    """Return lines with the fields of Envoy AI Gateway's example, and the client id that Envoy Gateway forwards."""
    return [
        json.dumps(
            {
                ":authority": "gateway.example",
                "bytes_received": 105,
                "bytes_sent": 432,
                "connection_termination_details": None,
                "duration": 5000,
                "gen_ai.provider.name": None if call.is_failed else "default/ai21/route/aigw-run/rule/0/ref/0",
                "gen_ai.request.model": "jamba-large",
                "gen_ai.response.model": None if call.is_failed else "jamba-large",
                "gen_ai.usage.input_tokens": None if call.is_failed else call.prompt,
                "gen_ai.usage.output_tokens": None if call.is_failed else call.completion,
                "gen_ai.usage.total_tokens": None if call.is_failed else call.prompt + call.completion,
                "gen_ai.usage.reasoning_tokens": None if call.is_failed else call.reasoning,
                "gen_ai.usage.cache_read.input_tokens": None if call.is_failed else call.cached,
                "gen_ai.usage.cache_creation.input_tokens": None if call.is_failed else call.written,
                "method": "POST",
                "protocol": "HTTP/1.1",
                "response_code": call.status,
                "response_code_details": "via_upstream",
                "response_flags": "-",
                "start_time": call.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "x-client-id": call.key,
                "x-envoy-origin-path": PATH,
                "x-request-id": f"83b63da3-45a9-4196-98b8-{call.number:012d}",
            }
        )
        for call in calls
    ]


def agentgateway(calls: Sequence[Call]) -> list[str]:
    """Return lines of the access log in JSON; what a request has not is not there."""
    lines = [
        {
            "level": "info",
            "time": (call.at + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "scope": "request",
            "gateway": "default/default",
            "route": "default/route0",
            "endpoint": "api.ai21.com:443",
            "src.addr": "10.0.0.7:40322",
            "http.method": "POST",
            "http.host": "gateway.example",
            "http.path": PATH,
            "http.version": "HTTP/1.1",
            "http.status": call.status,
            "trace.id": "5b8efff798038103d269b633813fc60c",
            "span.id": f"{call.number:016x}",
            "protocol": "llm",
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "jamba-large",
            "gen_ai.response.model": None if call.is_failed else "jamba-large",
            "gen_ai.usage.input_tokens": None if call.is_failed else call.prompt,
            "gen_ai.usage.cache_creation.input_tokens": None if call.is_failed else call.written,
            "gen_ai.usage.cache_read.input_tokens": None if call.is_failed else call.cached,
            "gen_ai.usage.output_tokens": None if call.is_failed else call.completion,
            "gen_ai.usage.reasoning_tokens": None if call.is_failed else call.reasoning,
            "duration": "5000ms",
            "api_key_id": call.key,
        }
        for call in calls
    ]
    return [json.dumps({name: value for name, value in line.items() if value is not None}) for line in lines]


def apisix_line(call: Call, **more: Any) -> str:
    """Return an entry of ``file-logger`` in its default format."""
    return json.dumps(
        {
            "request": {
                "url": f"http://127.0.0.1:9080{PATH}",
                "uri": PATH,
                "method": "POST",
                "headers": {"host": "127.0.0.1:9080", "content-type": "application/json"},
                "querystring": {},
                "size": 285,
                **({"body": json.dumps(call.asked)} if "body" in more else {}),
            },
            "response": {
                "status": call.status,
                "headers": {"content-type": "application/json", "server": "APISIX/3.18.0"},
                "size": 617,
                **({"body": more.pop("body")} if "body" in more else {}),
            },
            "server": {"hostname": "apisix-0", "version": "3.18.0"},
            "upstream": "10.0.0.9:443",
            "service_id": "",
            "route_id": "chat",
            "consumer": {"username": call.key},
            "client_ip": "192.168.65.1",
            "start_time": call.milliseconds,
            "latency": 5000.0000476837,
            "upstream_latency": 4933,
            "apisix_latency": 67.000047683716,
            **more,
        }
    )


def apisix_summary(call: Call, **more: Any) -> dict[str, Any]:
    return {
        "request_model": "jamba-large",
        "model": "jamba-large",
        "duration": "4800",
        "prompt_tokens": str(call.prompt),
        "completion_tokens": str(call.completion),
        "total_tokens": str(call.prompt + call.completion),
        "upstream_response_time": "4933",
        "stream": "false",
        "tool_count": "0",
        "has_tool_calls": "false",
        "end_user_id": "",
        "cache_read_input_tokens": str(call.cached),
        "cache_creation_input_tokens": str(call.written),
        "reasoning_tokens": str(call.reasoning),
        "content_risk_level": "",
        **more,
    }


def apisix(calls: Sequence[Call]) -> list[str]:
    return [apisix_line(call, llm_summary=apisix_summary(call)) for call in calls]


def apisix_with_bodies(calls: Sequence[Call]) -> list[str]:
    return [apisix_line(call, body=json.dumps(call.body)) for call in calls]


def higress_line(call: Call, ai_log: dict[str, Any]) -> str:
    """Return a line of the access log that Higress is installed with."""
    return json.dumps(
        {
            "ai_log": json.dumps(ai_log),
            "authority": "gateway.example",
            "bytes_received": "336",
            "bytes_sent": "1675",
            "duration": "5000",
            "istio_policy_status": "-",
            "method": "POST",
            "path": PATH,
            "protocol": "HTTP/1.1",
            "request_id": f"5895f5a9-e4e3-425b-98db-{call.number:012d}",
            "requested_server_name": "-",
            "response_code": str(call.status),
            "response_flags": "-",
            "route_name": "ai-route-ai21.internal",
            "start_time": call.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "trace_id": "-",
            "upstream_service_time": "496",
            "response_code_details": "via_upstream",
        }
    )


def higress_log(call: Call, **more: Any) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "api": "-",
        "chat_round": 1,
        "consumer": call.key,
        "response_type": "normal",
        "llm_service_duration": 4933,
    }
    if call.is_failed:
        return stated
    return {
        **stated,
        "chat_id": f"chatcmpl-{call.number}",
        "model": "jamba-large",
        "input_token": call.prompt,
        "output_token": call.completion,
        "total_token": call.prompt + call.completion,
        "input_token_details": json.dumps({"cached_tokens": call.cached}),
        "output_token_details": json.dumps({"reasoning_tokens": call.reasoning}),
        **more,
    }


def higress(calls: Sequence[Call]) -> list[str]:
    return [higress_line(call, higress_log(call)) for call in calls]


def higress_with_counts_as_text(calls: Sequence[Call]) -> list[str]:
    named = ("chat_round", "llm_service_duration", "input_token", "output_token", "total_token")
    return [
        higress_line(call, {name: str(of) if name in named else of for name, of in higress_log(call).items()})
        for call in calls
    ]


def nginx_line(call: Call, **more: Any) -> str:
    """Return a line of the ``log_format`` of ``docs/sources.md``: written when the request has ended."""
    ended = call.at + LASTS
    return json.dumps(
        {
            "msec": f"{ended.timestamp():.3f}",
            "request_time": f"{LASTS.total_seconds():.3f}",
            "request_id": f"{call.number:032x}",
            "api_key_id": call.key,
            "status": str(call.status),
            "request_method": "POST",
            "request_uri": PATH,
            **more,
        }
    )


def nginx_with_bodies(calls: Sequence[Call]) -> list[str]:
    return [nginx_line(call, request_body=json.dumps(call.asked), resp_body=json.dumps(call.body)) for call in calls]


def nginx_with_streams(calls: Sequence[Call]) -> list[str]:
    return [
        nginx_line(call, request_body="", resp_body=json.dumps(call.body) if call.is_failed else call.transcript)
        for call in calls
    ]


def nginx_with_counts(calls: Sequence[Call]) -> list[str]:
    return [
        nginx_line(
            call,
            llm_model="" if call.is_failed else "jamba-large",
            llm_response_id="" if call.is_failed else f"chatcmpl-{call.number}",
            llm_usage="" if call.is_failed else json.dumps(call.usage),
        )
        for call in calls
    ]


def nginx_as_many_write_it(calls: Sequence[Call]) -> list[str]:
    return [
        json.dumps(
            {
                "time_local": (call.at + LASTS).strftime("%d/%b/%Y:%H:%M:%S +0000"),
                "request_time": "5.000",
                "request": f"POST {PATH} HTTP/1.1",
                "http_x_api_key_id": call.key,
                "status": call.status,
                "body_bytes_sent": "1675",
                "http_referer": "-",
                "resp_body": json.dumps(call.body),
            }
        )
        for call in calls
    ]


def new_api(calls: Sequence[Call]) -> list[str]:
    """Return pages of rows: each call by OpenAI's convention or Anthropic's, one tried before, and what is no call."""
    rows: list[dict[str, Any]] = []
    for call in calls:
        by_anthropic = call.number % 2
        rows.append(
            {
                "id": call.number + 1,
                "user_id": 12,
                "created_at": int((call.at + LASTS).timestamp()),
                "type": 5 if call.is_failed else 2,
                "content": "",
                "username": "lena",
                "token_name": "production",
                "model_name": "jamba-large",
                "quota": 75,
                "prompt_tokens": call.prompt - (call.cached + call.written) * by_anthropic,
                "completion_tokens": call.completion,
                "use_time": 5,
                "is_stream": False,
                "channel": 3,
                "token_id": call.key,
                "group": "default",
                "request_id": f"req-{call.number}",
                "other": json.dumps(
                    {
                        "cache_tokens": call.cached,
                        "cache_write_tokens": call.written,
                        "admin_info": {"use_channel": ["3"]},
                        "request_path": PATH,
                        **({"usage_semantic": "anthropic", "claude_": True} if by_anthropic else {}),
                        **({"status_code": call.status} if call.is_failed else {}),
                    }
                ),
            }
        )
    nothing = {"prompt_tokens": 0, "completion_tokens": 0}
    tried = {**rows[0], **nothing, "id": 90, "type": 5, "other": json.dumps({"status_code": 502})}
    paid = {**rows[0], **nothing, "id": 91, "type": 1, "request_id": "req-91", "other": ""}
    given_back = {**paid, "id": 92, "type": 6, "request_id": "req-92"}
    pages = ([tried, paid, *rows[:2]], [given_back, *rows[2:], rows[0]])
    return [json.dumps({"success": True, "message": "", "data": {"items": page, "total": 9}}) for page in pages]


LINES = [
    *(agentgateway, kong, kong_with_bodies, envoy, apisix, apisix_with_bodies, higress, higress_with_counts_as_text),
    *(nginx_with_bodies, nginx_with_streams, nginx_with_counts, nginx_as_many_write_it),
]


RAW = {"key_a": "sk-test-aaaaaaaaaaaaaaaa", "key_b": "sk-test-bbbbbbbbbbbbbbbb"}
"""What stands in the headers of the calls by a key."""


def request_log_with_raw_keys(calls: Sequence[Call]) -> list[str]:
    lines = [json.loads(line) for line in request_log(calls)]
    return [json.dumps({"api_key": RAW[line.pop("api_key_id")], **line}) for line in lines]


def archived(call: Call, content: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an entry as Chrome writes it when it is allowed to write sensitive data."""
    return {
        "startedDateTime": call.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "time": 5000.25,
        "request": {
            "method": "POST",
            "url": f"https://gateway.example{PATH}",
            "httpVersion": "h3",
            "headers": [
                {"name": ":method", "value": "POST"},
                {"name": "authorization", "value": f"Bearer {RAW[call.key]}"},
            ],
            "queryString": [],
            "cookies": [],
            "headersSize": -1,
            "bodySize": 80,
            "postData": {"mimeType": "application/json", "text": json.dumps(call.asked)},
        },
        "response": {
            "status": call.status,
            "statusText": "",
            "httpVersion": "h3",
            "headers": [{"name": "content-type", "value": "application/json"}],
            "content": {"size": 300, "mimeType": "application/json", **content},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 4990, "receive": 10},
        **more,
    }


PAGE = {
    "startedDateTime": "2026-09-30T23:59:57.000Z",
    "time": 30,
    "request": {"method": "GET", "url": "https://gateway.example/", "headers": [{"name": "cookie", "value": "s=1"}]},
    "response": {
        "status": 200,
        "headers": [],
        "content": {"size": 15, "mimeType": "text/html", "text": "<html></html>"},
    },
}


def har(calls: Sequence[Call]) -> list[str]:
    """Return an archive a call, each with the page that asked; bodies are plain, in base64, or events in turn."""
    ways: list[Callable[[Call], dict[str, Any]]] = [
        lambda call: archived(call, {"text": json.dumps(call.body)}),
        lambda call: archived(
            call, {"text": base64.b64encode(json.dumps(call.body).encode()).decode(), "encoding": "base64"}
        ),
        lambda call: archived(call, {"mimeType": "text/event-stream", "text": call.transcript}),
        lambda call: archived(
            call,
            {"mimeType": "text/event-stream"},
            _eventSourceMessages=[
                {"time": 1, "eventName": "message", "eventId": "", "data": event.removeprefix("data: ")}
                for event in call.transcript.strip().split("\n\n")
            ],
        ),
    ]
    entries = [ways[call.number % 4 if not call.is_failed else 0](call) for call in calls]
    creator = {"name": "WebInspector", "version": "537.36"}
    return [json.dumps({"log": {"version": "1.2", "creator": creator, "entries": [PAGE, entry]}}) for entry in entries]


def apisix_without_consumers(calls: Sequence[Call]) -> list[str]:
    lines = [json.loads(line) for line in apisix(calls)]
    for line, call in zip(lines, calls, strict=True):
        line["request"]["headers"]["authorization"] = f"Bearer {RAW[call.key]}"
        line["consumer"] = None
    return list(map(json.dumps, lines))


@pytest.mark.parametrize("logged", LINES)
def test_calls_are_billed_as_from_a_request_log(tmp_path: Path, logged: Callable[[Sequence[Call]], list[str]]) -> None:
    expected = as_a_request_log(tmp_path, request_log(CALLS))
    assert b"0.50" in expected["2026-09/lines.csv"] + expected["2026-10/lines.csv"]
    assert drafted(tmp_path / "logged", logged(CALLS)) == expected


@pytest.mark.long
@pytest.mark.parametrize("logged", [envoy, apisix])
def test_what_was_written_to_a_cache_is_billed_as_from_a_request_log(
    tmp_path: Path, logged: Callable[[Sequence[Call]], list[str]]
) -> None:
    expected = as_a_request_log(tmp_path, request_log(WITH_WRITES))
    assert b"prompt_cache_write" in expected["2026-10/lines.csv"]
    assert drafted(tmp_path / "logged", logged(WITH_WRITES)) == expected


@pytest.mark.long
def test_calls_of_a_kong_that_does_not_state_parts_are_billed_whole(tmp_path: Path) -> None:
    plain = [Call(number=0, prompt=1_200_000, completion=300_001), Call(number=1, is_failed=True)]
    expected = as_a_request_log(tmp_path, request_log(plain))
    assert drafted(tmp_path / "logged", kong_3_8(plain)) == expected


def test_generations_of_openrouter_bill_streams_that_were_cut_before_their_usage(tmp_path: Path) -> None:
    calls = [replace(call, written=0) for call in WITH_WRITES if not call.is_failed]
    streams, generations = [], []
    for call in calls:
        own, asked = f"gen-{call.number}", {**call.asked, "stream": True}
        chunk = {"id": own, "model": "jamba-large", "choices": [{"index": 0, "delta": {"content": "Yes"}}]}
        line = {"ts": call.at.isoformat(), "api_key_id": call.key, "status": 200}
        line |= {"path": PATH, "request": asked, "response": f"data: {json.dumps(chunk)}\n\n"}
        streams.append(json.dumps(line))
        generations.append(
            {
                "id": own,
                "created_at": call.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
                "model": "jamba-large",
                "api_type": "completions",
                "external_user": call.key,
                "tokens_prompt": 7 * call.prompt,
                "native_tokens_prompt": call.prompt,
                "native_tokens_completion": call.completion,
                "native_tokens_cached": call.cached,
                "native_tokens_reasoning": call.reasoning,
            }
        )
    expected = as_a_request_log(tmp_path, request_log(calls))
    assert drafted(tmp_path / "logged", [*streams, json.dumps({"data": generations})]) == expected
    assert drafted(tmp_path / "alone", [json.dumps({"data": each}) for each in generations]) == expected


@pytest.mark.parametrize("logged", [new_api])
def test_calls_in_tables_of_gateways_are_billed_as_from_a_request_log(
    tmp_path: Path, logged: Callable[[Sequence[Call]], list[str]]
) -> None:
    calls = [replace(call, reasoning=0) for call in WITH_WRITES]
    expected = as_a_request_log(tmp_path, request_log(calls))
    assert b"prompt_cache_write" in expected["2026-10/lines.csv"]
    assert drafted(tmp_path / "logged", logged(calls)) == expected


@pytest.mark.long
@pytest.mark.parametrize("logged", [har, apisix_without_consumers])
def test_calls_with_raw_keys_are_billed_to_their_fingerprints_and_no_key_is_kept(
    tmp_path: Path, logged: Callable[[Sequence[Call]], list[str]]
) -> None:
    fingerprint = KeyFingerprint(secret=SECRET)
    accounts = ACCOUNTS
    for key, raw in RAW.items():
        accounts = accounts.replace(f'"{key}"', f'"{fingerprint(raw)}"')
    expected = as_a_request_log(tmp_path, request_log_with_raw_keys(CALLS), accounts=accounts)
    assert b"0.50" in expected["2026-09/lines.csv"] + expected["2026-10/lines.csv"]
    assert drafted(tmp_path / "logged", logged(CALLS), accounts=accounts) == expected
    kept = [path for path in (tmp_path / "logged").rglob("*") if path.is_file() and path.parent.name != "logs"]
    assert not any(raw.encode() in path.read_bytes() for path in kept for raw in RAW.values())


def bedrock_record(call: Call) -> str:
    """Return the record of a call of Converse; the body of every second one is kept elsewhere."""
    usage = {"inputTokens": call.prompt - call.cached - call.written, "outputTokens": call.completion}
    usage |= {"cacheReadInputTokens": call.cached, "cacheWriteInputTokens": call.written}
    body = {"outputBodyJson": {"output": {"message": {}}, "stopReason": "end_turn", "usage": usage}}
    kept = {"outputBodyS3Path": f"s3://logs/data/{call.number}_output.json.gz"}
    answer = {**(kept if call.number % 2 else body), "outputTokenCount": call.completion}
    return json.dumps(
        {
            "schemaType": "ModelInvocationLog",
            "schemaVersion": "1.0",
            "timestamp": call.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "accountId": "123456789012",
            "identity": {"arn": call.key},
            "region": "us-east-1",
            "requestId": f"ff4b6c63-5561-4431-93b8-{call.number:012d}",
            "operation": "Converse",
            "modelId": "arn:aws:bedrock:us-east-1::foundation-model/jamba-large",
            **({"errorCode": "ThrottlingException"} if call.is_failed else {}),
            "input": {
                "inputContentType": "application/json",
                "inputTokenCount": 100 if call.is_failed else usage["inputTokens"],
                "cacheReadInputTokenCount": call.cached,
                "cacheWriteInputTokenCount": call.written,
            },
            "output": {} if call.is_failed else {"outputContentType": "application/json", **answer},
        }
    )


@pytest.mark.long
def test_a_night_over_the_objects_of_a_bucket_bills_what_a_request_log_of_them_bills(tmp_path: Path) -> None:
    """As Bedrock lays them out: hours as folders, and below these ``data`` with the bodies that were too long."""
    calls = [replace(call, reasoning=0) for call in WITH_WRITES]
    expected = as_a_request_log(tmp_path, request_log(calls))
    paths = "logs/AWSLogs/*/BedrockModelInvocationLogs/*/*/*/*/*/*.json.gz"
    config = f'[[sources]]\nname = "bedrock"\npaths = ["{paths}"]\n'
    books = make_workspace(tmp_path / "bedrock", config=config, accounts=ACCOUNTS, cards={"standard": CARD})
    for at, some in enumerate((calls[:3], calls[3:], calls[:1])):  # the last object repeats a record of the first
        hour = books / f"logs/AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/2026/09/30/{at:02}"
        (hour / "data").mkdir(parents=True)
        lines = "".join(f"{bedrock_record(call)}\n" for call in some)
        (hour / f"20260930T{at:02}0000000Z_0a1b.json.gz").write_bytes(gzip.compress(lines.encode()))
        (hour / "data" / "1_output.json.gz").write_bytes(gzip.compress(json.dumps({"usage": {}}).encode()))
        (hour / "data" / "1_input.json.gz").write_bytes(gzip.compress(b'{"messages": []}'))
    done = tallybook(books, "nightly", "--as-of", "2026-11-02T03:00:00Z", "--strict")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = books / "invoices"
    drafts = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert drafts == expected
