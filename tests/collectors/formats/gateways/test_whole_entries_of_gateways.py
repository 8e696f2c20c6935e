"""Whole lines of gateways, batches and archives: where each field lies, what stands in for it, what is left out."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from pipeline.collectors import LogFormat
from pipeline.collectors.formats.batches import openai_batch
from pipeline.collectors.formats.batches.batch import Batch
from pipeline.collectors.formats.clouds import bedrock, vertex
from pipeline.collectors.formats.entries import entries_of
from pipeline.collectors.formats.found import all_formats, batch_apis, by_name
from pipeline.collectors.formats.gateways import apisix, cloudflare, envoy, higress, kong, nginx
from pipeline.collectors.formats.gateways.access_logs import (
    changed,
    is_about_a_model,
    key_in,
    without_absent,
)
from pipeline.collectors.formats.gateways.nginx_escapes import unescaped
from pipeline.collectors.formats.tools import har, litellm, portkey, portkey_log
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import ContradictedObject, parse
from pipeline.usage.events import LOG_FIELDS

RAW = "abc0123456789"


def fields_of(module: Any, line: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what lines of a format say, by our names of fields, but what they do not."""
    document = parse(json.dumps(line))
    assert module.recognises(document)
    entries, written = entries_of(document, LogFormat(format=module.NAME))
    found = []
    for entry in entries:
        assert isinstance(entry, dict)
        look_up = written.of(entry)
        found.append({name: value for name in LOG_FIELDS if (value := look_up(name)) is not None})
    return found


def merged(line: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return a line with other values, within its objects too; ``...`` leaves one out."""
    result = dict(line)
    for name, value in other.items():
        within = result.get(name)
        if value is ...:
            result.pop(name, None)
        else:
            result[name] = merged(within, value) if isinstance(value, dict) and isinstance(within, dict) else value
    return result


LINES: dict[Any, dict[str, Any]] = {
    litellm: {"call_type": "acompletion", "startTime": 5, "response": {"id": "r-1"}},
    kong: {
        "started_at": 5,
        "latencies": {},
        "request": {"method": "POST", "uri": "/v1/completions"},
        "ai": {"proxy": {"meta": {"request_model": "asked"}}},
    },
    cloudflare: {"created_at": 5, "cached": False, "tokens_in": 0, "tokens_out": 1},
    bedrock: {
        "schemaType": "ModelInvocationLog",
        "timestamp": 5,
        "input": {"inputTokenCount": 0},
        "output": {"outputTokenCount": 1},
    },
    portkey: {"created_at": 5, "ai_org": "openai", "ai_model": "m"},
    portkey_log: {"_id": "r", "organisation_id": "o", "created_at": 5, "request": {}, "response": {"status": 200}},
    vertex: {"logging_time": 5, "api_method": "odd", "full_request": {}, "full_response": None},
    apisix: {"start_time": 5, "apisix_latency": 1, "request": {"method": "POST", "uri": "/v1/chat/completions"}},
    envoy: {"start_time": 5, "response_code": 200, "x-envoy-origin-path": "/v1/chat/completions"},
    higress: {"start_time": 5, "response_code": 200, "path": "/v1/chat/completions", "ai_log": "{}"},
    nginx: {"msec": "5", "status": "200", "request_uri": "/v1/chat/completions", "request_method": "POST"},
}
PATHS = {
    "/v1/chat/completions": ("completion", "acompletion"),
    "/v1/completions": ("text_completion", "atext_completion"),
    "/v1/embeddings": ("embedding", "aembedding"),
    "/v1/responses": ("responses", "aresponses"),
    "/v1/responses/compact": ("compact_responses", "acompact_responses"),
    "/v1/messages": ("anthropic_messages", "aanthropic_messages"),
    "/v1/images": ("image_generation", "aimage_generation", "image_edit", "aimage_edit"),
    "/v1/audio": ("speech", "aspeech", "transcription", "atranscription"),
    "/v1/moderations": ("moderation", "amoderation"),
    "/v1/rerank": ("rerank", "arerank"),
    "/v1/batches": (
        *("create_batch", "acreate_batch", "retrieve_batch", "aretrieve_batch", "cancel_batch", "acancel_batch"),
    ),
}
PLUGINS = ("proxy", "ai-proxy", "ai-proxy-advanced")
ERRORS = {
    "AccessDenied": 403,
    "InternalServer": 500,
    "ModelError": 424,
    "ModelNotReady": 429,
    "ModelStreamError": 424,
    "ModelTimeout": 408,
    "ResourceNotFound": 404,
    "ServiceQuotaExceeded": 400,
    "ServiceUnavailable": 503,
    "Throttling": 429,
    "Validation": 400,
}
NO_PROMPT = {"usage.prompt_tokens": None}
NO_COMPLETION = {"usage.completion_tokens": None}
ODD = {"status": "Odd", "response.error": "Odd"}
"""Of a line whose counts are none: what it says without them."""


def of_usage(*within: str, **named: str) -> list[tuple[Any, Any]]:
    """Return cases of counts that lie at a path: our name to the log's."""
    cases = []
    for ours, theirs in named.items():
        value: Any = {theirs: 7}
        for step in reversed(within):
            value = {step: value}
        cases.append((value, {f"usage.{ours}": 7}))
    return cases


CASES: dict[Any, list[tuple[Any, Any]]] = {
    litellm: [
        *(({"call_type": call}, {"path": path}) for path, calls in PATHS.items() for call in calls),
        ({"call_type": "dream"}, {"path": "dream"}),
        ({"startTime": 6.5}, {"ts": 6.5}),
        ({"metadata": {"user_api_key_hash": "key_1"}}, {"api_key_id": "key_1"}),
        ({"id": "b"}, {"request_id": "b"}),
        ({"id": "b", "litellm_call_id": "a"}, {"request_id": "a"}),
        ({"status": "success"}, {"status": 200, "response.error": False}),
        ({"status": "failure"}, {"status": 500, "response.error": True}),
        (
            {"status": "failure", "error_information": {"error_code": "429"}},
            {"status": "429", "response.error": True},
        ),
        ({"model": "m"}, {"request.model": "m"}),
        ({"model": "m", "model_group": "g"}, {"request.model": "g"}),
        ({"stream": True}, {"request.stream": True}),
        ({"cache_hit": True}, {"cache_hit": True}),
        *of_usage(prompt_tokens="prompt_tokens", completion_tokens="completion_tokens", total_tokens="total_tokens"),
        *of_usage(
            "metadata",
            "usage_object",
            "prompt_tokens_details",
            cached_tokens="cached_tokens",
            cache_write_tokens="cache_creation_tokens",
            prompt_audio_tokens="audio_tokens",
        ),
        *of_usage(
            "metadata",
            "usage_object",
            cached_tokens="cache_read_input_tokens",
            cache_write_tokens="cache_creation_input_tokens",
        ),
        *of_usage(
            "metadata",
            "usage_object",
            "completion_tokens_details",
            reasoning_tokens="reasoning_tokens",
            completion_audio_tokens="audio_tokens",
        ),
    ],
    cloudflare: [
        ({"created_at": 6}, {"ts": 6}),
        ({"metadata": {"api_key_id": "k"}}, {"api_key_id": "k"}),
        ({"metadata": '{"api_key_id": "k"}'}, {"api_key_id": "k"}),
        ({"id": "r"}, {"request_id": "r"}),
        ({"success": True}, {"status": 200, "response.error": False}),
        ({"success": False}, {"status": 500, "response.error": True}),
        ({"success": False, "status_code": 429}, {"status": 429, "response.error": True}),
        ({"path": "v1/messages"}, {"path": "v1/messages"}),
        ({"model": "m"}, {"request.model": "m"}),
        ({"cached": True}, {"cache_hit": True}),
        ({"tokens_in": 7}, {"usage.prompt_tokens": 7}),
        ({"tokens_out": 7}, {"usage.completion_tokens": 7}),
    ],
    portkey: [
        ({"created_at": 6}, {"ts": 6}),
        ({"metadata": {"api_key_id": "k", "_user": "u"}}, {"api_key_id": "k"}),
        ({"metadata": '{"_user": "u"}'}, {"api_key_id": "u"}),
        ({"id": "r"}, {"request_id": "r"}),
        ({"response_status_code": 429}, {"status": 429}),
        ({"request_url": "https://h/v1/messages"}, {"path": "https://h/v1/messages"}),
        ({"request": {"model": "a"}}, {"request": {"model": "a"}}),
        ({"response": {"id": "i"}}, {"response": {"id": "i"}}),
        ({"ai_model": "n"}, {"response.model": "n"}),
        *(({"cache_status": word}, {"cache_hit": True}) for word in ("HIT", "SEMANTIC HIT", "hit", "semantic hit")),
        *(
            ({"cache_status": stated}, {"cache_hit": False})
            for word in ("MISS", "SEMANTIC MISS", "REFRESH", "DISABLED")
            for stated in (word, word.lower())
        ),
        ({"req_units": 7, "res_units": 7}, {}),
    ],
    portkey_log: [
        ({"_id": "s"}, {"request_id": "s"}),
        ({"metrics": {"created_at": "2026-03-01 09:00:00.25"}}, {"ts": "2026-03-01 09:00:00.25Z"}),
        ({"metrics": {"created_at": None}}, {}),
        ({"metrics": {"api_key_id": "k"}}, {"api_key_id": "k"}),
        *(
            ({"request": {"portkeyHeaders": {"x-portkey-metadata": said}}}, {"api_key_id": key})
            for said, key in (('{"api_key_id": "k", "_user": "u"}', "k"), ('{"_user": "u"}', "u"))
        ),
        ({"response": {"status": 446}}, {"status": 446}),
        ({"request": {"method": "GET"}}, {"method": "GET"}),
        ({"request": {"url": "https://h/v1/messages"}}, {"path": "https://h/v1/messages"}),
        ({"request": {"body": {"model": "a"}}}, {"request": {"model": "a"}}),
        ({"response": {"body": {"id": "i"}}}, {"response": {"id": "i"}}),
        ({"response": {"body": "...REDACTED..."}}, {}),
        ({"response": {"body": "REDACTED"}}, {"response": "REDACTED"}),
        ({"metrics": {"ai_model": "n"}}, {"response.model": "n"}),
        ({"metrics": {"cache_status": "HIT"}}, {"cache_hit": True}),
        ({"metrics": {"cache_status": ""}}, {}),
        ({"response": {"headers": {"x-portkey-cache-status": "HIT"}}}, {"cache_hit": True}),
        (
            {"metrics": {"cache_status": "MISS"}, "response": {"headers": {"x-portkey-cache-status": "HIT"}}},
            {"cache_hit": False},
        ),
        *(
            ({"metrics": {"req_units": 7, "res_units": 6} | said, **more}, counts)
            for counts in ({"usage.prompt_tokens": 7, "usage.completion_tokens": 6},)
            for said, more in (
                ({}, {}),
                ({"stream_mode": False}, {}),
                ({"stream_mode": None}, {}),
                ({}, {"response": {"body": "...REDACTED..."}}),
            )
        ),
        ({"metrics": {"req_units": 7, "stream_mode": True}}, {}),
        ({"metrics": {"req_units": 7}, "response": {"body": {"id": "i"}}}, {"response": {"id": "i"}}),
    ],
    vertex: [
        ({"logging_time": "2026-03-01 09:00:00"}, {"ts": "2026-03-01 09:00:00Z"}),
        *(
            (
                {"full_response": {name: "2026-03-01T09:00:00Z"}},
                {"ts": "2026-03-01T09:00:00Z", "response": {name: "2026-03-01T09:00:00Z"}},
            )
            for name in ("createTime", "create_time")
        ),
        (
            {"full_request": {"labels": {"api_key_id": "k"}}},
            {"api_key_id": "k", "request": {"labels": {"api_key_id": "k"}}},
        ),
        ({"request_id": "7"}, {"request_id": "7"}),
        *(
            ({"api_method": spelled}, {"path": f":{method}", "request.stream": is_stream})
            for method, is_stream in (
                ("generateContent", False),
                ("streamGenerateContent", True),
                ("rawPredict", False),
                ("streamRawPredict", True),
            )
            for spelled in (method, method[0].upper() + method[1:])
        ),
        ({"model": "publishers/google/models/m"}, {"request.model": "m"}),
        ({"model": "m"}, {"request.model": "m"}),
        ({"model": 7}, {"request.model": 7}),
        ({"full_response": {"responseId": "i"}}, {"response": {"responseId": "i"}}),
    ],
    bedrock: [
        ({"identity": {"arn": "a"}}, {"api_key_id": "a"}),
        ({"requestId": "r"}, {"request_id": "r"}),
        *(
            ({"errorCode": f"{name}Exception"}, {"status": status, "response.error": f"{name}Exception"})
            for name, status in ERRORS.items()
        ),
        *(
            ({"errorCode": "Odd", "output": {"outputTokenCount": none}}, ODD | NO_PROMPT | NO_COMPLETION)
            for none in (0, "0", None, ...)
        ),
        ({"errorCode": "Odd"}, ODD),
        ({"errorCode": ""}, {"response.error": ""}),
        *(
            ({"operation": name}, {"path": path, "request.stream": is_stream})
            for name, path, is_stream in (
                ("Converse", "/converse", False),
                ("ConverseStream", "/converse-stream", True),
                ("InvokeModel", "/invoke", False),
                ("InvokeModelWithResponseStream", "/invoke-with-response-stream", True),
            )
        ),
        *(({"operation": odd}, {}) for odd in ("Odd", "InvokeModelWithBidirectionalStream", {}, None)),
        (
            {"operation": "InvokeModel", "modelId": "amazon.titan-embed"},
            {"path": "/embeddings", "request.stream": False, "request.model": "amazon.titan-embed"},
        ),
        ({"modelId": "m"}, {"request.model": "m"}),
        ({"modelId": "arn:aws:bedrock:e::foundation-model/m"}, {"request.model": "m"}),
        ({"modelId": "arn:aws:bedrock:e:1:inference-profile/m"}, {"request.model": "m"}),
        (
            {"modelId": "arn:aws:bedrock:e:1:inference-profiles/m"},
            {"request.model": "arn:aws:bedrock:e:1:inference-profiles/m"},
        ),
        ({"output": {"outputBodyJson": [1]}}, {"response": [1]}),
        ({"performanceConfig": {"latency": "optimized"}}, {"service_tier": "optimized"}),
        ({"performanceConfig": {"latency": "standard"}}, {}),
        ({"input": {"inputTokenCount": 7}}, {"usage.prompt_tokens": 7}),
        (
            {"input": {"inputTokenCount": 7, "cacheReadInputTokenCount": 2, "cacheWriteInputTokenCount": 1}},
            {"usage.prompt_tokens": 10, "usage.cached_tokens": 2, "usage.cache_write_tokens": 1},
        ),
        ({"input": {"inputTokenCount": ..., "cacheReadInputTokenCount": 2, "cacheWriteInputTokenCount": 1}}, NO_PROMPT),
        ({"output": {"outputTokenCount": 7}}, {"usage.completion_tokens": 7}),
        ({"output": {"outputTokenCount": ...}}, NO_PROMPT | NO_COMPLETION),
        (
            {"operation": "InvokeModel", "modelId": "x.embed", "output": {"outputTokenCount": ...}},
            {"path": "/embeddings", "request.stream": False, "request.model": "x.embed"} | NO_COMPLETION,
        ),
        (
            {"operation": "Converse", "modelId": "x.embed"},
            {"path": "/converse", "request.stream": False, "request.model": "x.embed"},
        ),
    ],
    kong: [
        ({"consumer": {"id": "c"}}, {"api_key_id": "c"}),
        ({"consumer": {"id": "c"}, "authenticated_entity": {"id": "a"}}, {"api_key_id": "a"}),
        ({"request": {"id": "r"}}, {"request_id": "r"}),
        ({"response": {"status": 200, "headers": {"a": "b"}}}, {"status": 200, "response_headers": {"a": "b"}}),
        ({"upstream_uri": "/v1/messages"}, {"path": "/v1/messages"}),
        ({"ai": {"payload": {"request": "x"}}}, {"request": "x"}),
        *(
            case
            for plugin in PLUGINS
            for case in (
                ({"ai": {plugin: {"payload": {"request": "x", "response": "y"}}}}, {"request": "x", "response": "y"}),
                ({"ai": {plugin: {"meta": {"response_model": "m"}}}}, {"response.model": "m"}),
                ({"ai": {plugin: {"meta": {"request_mode": "stream"}}}}, {"request.stream": True}),
                ({"ai": {plugin: {"meta": {"request_mode": "oneshot"}}}}, {"request.stream": False}),
                ({"ai": {plugin: {"cache": {"cache_status": "Hit"}}}}, {"cache_hit": True}),
                *(
                    ({"ai": {plugin: {"cache": {"cache_status": status}}}}, {"cache_hit": False})
                    for status in ("Miss", "Bypass", "Refresh")
                ),
                (
                    {"ai": {plugin: {"usage": {"prompt_token": 7, "completion_token": 3}}}},
                    {
                        "usage": {"prompt_token": 7, "completion_token": 3},
                        "usage.prompt_tokens": 7,
                        "usage.completion_tokens": 3,
                    },
                ),
                ({"ai": {"proxy": ..., plugin: {"meta": {"request_model": "n"}}}}, {"request.model": "n"}),
            )
        ),
    ],
    apisix: [
        ({"consumer": {"username": "u"}}, {"api_key_id": "u"}),
        ({"request_id": "b"}, {"request_id": "b"}),
        ({"request_id": "b", "apisix_request_id": "a"}, {"request_id": "a"}),
        ({"response": {"status": 200}}, {"status": 200}),
        (
            {"request": {"body": '{"model": "m", "stream": true}'}},
            {
                "request": '{"model": "m", "stream": true}',
                "request.model": "m",
                "request.stream": True,
            },
        ),
        ({"response": {"body": "x", "headers": {"a": "b"}}}, {"response": "x", "response_headers": {"a": "b"}}),
        ({"llm_summary": {"request_model": "m", "model": "n"}}, {"request.model": "m", "response.model": "n"}),
        ({"llm_summary": {"stream": False}}, {"request.stream": False}),
        *(
            (
                {"response": {"headers": {"x-ai-cache-status": status}}},
                {"cache_hit": hit, "response_headers": {"x-ai-cache-status": status}},
            )
            for status, hit in (("HIT", True), ("MISS", False), ("BYPASS", False))
        ),
        *of_usage(
            "llm_summary",
            prompt_tokens="prompt_tokens",
            completion_tokens="completion_tokens",
            total_tokens="total_tokens",
            cached_tokens="cache_read_input_tokens",
            cache_write_tokens="cache_creation_input_tokens",
            reasoning_tokens="reasoning_tokens",
        ),
    ],
    envoy: [
        *(({name: "k"}, {"api_key_id": "k"}) for name in ("x-client-id", "x-api-key-id", "api_key_id")),
        ({"x-client-id": "-", "api_key_id": "k"}, {"api_key_id": "k"}),
        *(({name: "r"}, {"request_id": "r"}) for name in ("x-request-id", "request_id")),
        ({"method": "POST"}, {"method": "POST"}),
        *(
            ({"x-envoy-origin-path": "-", name: "/v1/messages"}, {"path": "/v1/messages"})
            for name in ("request.path", "path")
        ),
        ({"gen_ai.request.model": "m"}, {"request.model": "m"}),
        ({"gen_ai.response.id": "i", "gen_ai.response.model": "m"}, {"response.id": "i", "response.model": "m"}),
        *of_usage(prompt_tokens="gen_ai.usage.input_tokens", completion_tokens="gen_ai.usage.output_tokens"),
        *of_usage(total_tokens="gen_ai.usage.total_tokens", cached_tokens="gen_ai.usage.cache_read.input_tokens"),
        *of_usage(cache_write_tokens="gen_ai.usage.cache_creation.input_tokens"),
        *of_usage(cache_write_tokens="gen_ai.usage.cache_write.input_tokens"),
        *of_usage(reasoning_tokens="gen_ai.usage.reasoning_tokens"),
        *of_usage(reasoning_tokens="gen_ai.usage.reasoning.output_tokens"),
    ],
    higress: [
        ({"start_time": "-", "timestamp": 6}, {"ts": 6}),
        *(({"ai_log": json.dumps({"consumer": "k"})}, {"api_key_id": "k"}),),
        *(({name: "k"}, {"api_key_id": "k"}) for name in ("consumer", "x_mse_consumer")),
        ({"request_id": "r", "method": "POST"}, {"request_id": "r", "method": "POST"}),
        (
            {"ai_log": '{"model": "m", "chat_id": "i"}'},
            {"request.model": "m", "response.model": "m", "response.id": "i"},
        ),
        ({"ai_log": '{"response_type": "stream"}'}, {"request.stream": True}),
        ({"ai_log": '{"response_type": "normal"}'}, {"request.stream": False}),
        *(
            ({"ai_log": json.dumps(stated)}, expected)
            for stated, expected in (
                *of_usage(prompt_tokens="input_token", completion_tokens="output_token", total_tokens="total_token"),
                *of_usage(cached_tokens="cached_tokens", reasoning_tokens="reasoning_tokens"),
                *of_usage("input_token_details", cached_tokens="cached_tokens"),
                *of_usage("input_token_details", cached_tokens="cache_read_input_tokens"),
                *of_usage("input_token_details", cached_tokens="cachedContentTokenCount"),
                *of_usage("input_token_details", cache_write_tokens="cache_creation_input_tokens"),
                *of_usage("output_token_details", reasoning_tokens="reasoning_tokens"),
                *of_usage("output_token_details", reasoning_tokens="thoughtsTokenCount"),
            )
        ),
    ],
    nginx: [
        *(({name: "k"}, {"api_key_id": "k"}) for name in ("api_key_id", "http_x_api_key_id")),
        ({"request_id": "r"}, {"request_id": "r"}),
        ({"request_uri": "-", "uri": "/v1/messages"}, {"path": "/v1/messages"}),
        ({"request_body": '{"model": "m"}'}, {"request": '{"model": "m"}', "request.model": "m"}),
        ({"llm_request_model": "m"}, {"request.model": "m"}),
        *(({name: "x"}, {"response": "x"}) for name in ("resp_body", "response_body")),
        ({"llm_response_id": "i", "llm_model": "m"}, {"response.id": "i", "response.model": "m"}),
        ({"llm_usage": '{"prompt_tokens": 7}'}, {"usage": '{"prompt_tokens": 7}'}),
    ],
}
SAID: dict[Any, dict[str, Any]] = {
    litellm: {"ts": 5, "path": "/v1/chat/completions", "response": {"id": "r-1"}},
    kong: {"ts": 5, "method": "POST", "path": "/v1/completions", "request.model": "asked"},
    portkey: {"ts": 5, "response.model": "m"},
    portkey_log: {"ts": 5, "request_id": "r", "status": 200},
    vertex: {"ts": 5, "request": {}},
    cloudflare: {"ts": 5, "cache_hit": False, "usage.prompt_tokens": 0, "usage.completion_tokens": 1},
    bedrock: {"ts": 5, "status": 200, "usage.prompt_tokens": 0, "usage.completion_tokens": 1},
    apisix: {"ts": 5, "method": "POST", "path": "/v1/chat/completions"},
    envoy: {"ts": 5, "status": 200, "path": "/v1/chat/completions"},
    higress: {"ts": 5, "status": 200, "path": "/v1/chat/completions"},
    nginx: {"ts": "5", "status": "200", "method": "POST", "path": "/v1/chat/completions"},
}


@pytest.mark.parametrize("module", LINES, ids=lambda module: str(module.NAME))
def test_each_field_of_a_gateway_lies_where_its_facts_say(module: Any) -> None:
    assert fields_of(module, LINES[module]) == [SAID[module]]
    for other, said in CASES[module]:
        stated = {name: value for name, value in (SAID[module] | said).items() if value is not None}
        assert fields_of(module, merged(LINES[module], other)) == [stated], other


RECOGNISED: dict[Any, list[tuple[str, ...]]] = {
    litellm: [("call_type",), ("startTime",), ("response",)],
    kong: [("started_at",), ("latencies",), ("request",)],
    bedrock: [("schemaType",)],
    portkey: [("created_at",), ("ai_org",), ("ai_model",)],
    portkey_log: [("_id",), ("organisation_id",), ("created_at",), ("request",), ("response",)],
    vertex: [("logging_time",), ("api_method",), ("full_request",), ("full_response",)],
    cloudflare: [("created_at",), ("cached",), ("tokens_in",), ("tokens_out",)],
    apisix: [("start_time",), ("apisix_latency",), ("request",)],
    envoy: [("start_time",), ("response_code",), ("x-envoy-origin-path",)],
    nginx: [("msec",), ("status",), ("request_uri", "request_method")],
}


@pytest.mark.parametrize("module", RECOGNISED, ids=lambda module: str(module.NAME))
def test_a_line_is_a_gateway_s_by_all_that_it_is_known_by(module: Any) -> None:
    line = LINES[module]
    assert module.recognises(line)
    for names in RECOGNISED[module]:
        assert not module.recognises({name: value for name, value in line.items() if name not in names})


def test_other_signs_by_which_a_line_is_known() -> None:
    assert envoy.recognises({"start_time": 1, "response_code": 1, "gen_ai.x": None})
    assert not envoy.recognises({"start_time": 1, "response_code": 1, "x.gen_ai.": 1})
    for instant in ("msec", "time_iso8601", "time_local"):
        for about in ("request_uri", "request_method", "request", "uri"):
            assert nginx.recognises({instant: 1, "status": 1, about: 1})
    assert not kong.recognises(LINES[kong] | {"request": "x"})
    assert not apisix.recognises(LINES[apisix] | {"request": "x"})
    assert higress.recognises(LINES[higress])


def test_lines_about_anything_else_give_nothing_unless_nobody_recognises_them() -> None:
    web = {"method": "GET", "uri": "/index.html"}
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (kong, merged(LINES[kong], {"ai": ..., "request": web}), "latencies"),
        (apisix, merged(LINES[apisix], {"request": web}), "apisix_latency"),
        (envoy, LINES[envoy] | {"x-envoy-origin-path": "/index.html"}, "response_code"),
        (higress, LINES[higress] | {"ai_log": "-", "path": "/index.html"}, "ai_log"),
        (nginx, LINES[nginx] | {"request_uri": "/index.html"}, "status"),
    ]
    for module, line, sign in cases:
        assert module.entries(line) == [], module
        assert len(module.entries({name: value for name, value in line.items() if name != sign})) == 1, module
    posted = {"method": "POST", "uri": "/index.html"}
    assert apisix.entries(merged(LINES[apisix], {"request": web})) == []
    assert apisix.entries(merged(LINES[apisix], {"request": posted, "response": {"body": '{"candidates": []}'}})) != []
    assert apisix.entries(merged(LINES[apisix], {"request": posted, "llm_summary": {"model": "m"}})) != []
    assert envoy.entries(LINES[envoy] | {"x-envoy-origin-path": "/x", "gen_ai.request.model": "m"}) != []
    assert envoy.entries(LINES[envoy] | {"x-envoy-origin-path": "/x", "gen_ai.request.model": "-"}) == []
    assert envoy.entries(LINES[envoy] | {"method": "GET"}) == []
    for name in ("request.path", "path"):
        assert envoy.entries(LINES[envoy] | {"x-envoy-origin-path": None, name: "/v1/messages"}) != []
    assert higress.entries(LINES[higress] | {"path": "/x"}) != []
    assert higress.entries(LINES[higress] | {"ai_log": "-", "method": "GET"}) == []
    for name in ("llm_usage", "llm_model", "resp_body", "response_body"):
        value = '{"candidates": []}' if "body" in name else "m"
        assert nginx.entries(LINES[nginx] | {"request_uri": "/x", name: value}) != []
    for plugin in PLUGINS:
        assert kong.entries(merged(LINES[kong], {"ai": {"proxy": ..., plugin: {}}, "request": web})) != []
    assert kong.entries(merged(LINES[kong], {"ai": {"proxy": ..., "other": {}}, "request": web})) == []
    assert kong.entries(merged(LINES[kong], {"ai": {"proxy": "text"}, "request": web})) == []
    assert kong.entries(merged(LINES[kong], {"ai": "text", "upstream_uri": "/v1/messages"})) != []


@pytest.mark.parametrize(
    ("usage", "is_guessed"),
    [
        ({"prompt_tokens": 0, "completion_tokens": 5}, True),
        ({"prompt_token": 0, "completion_token": 5}, True),
        ({"input_tokens": 0, "completion_tokens": 5}, True),
        ({"prompt_tokens": 0, "completion_tokens": 0}, False),
        ({"prompt_tokens": 1, "completion_tokens": 5}, False),
        ({"prompt_tokens": 0, "prompt_token": 1, "completion_tokens": 5}, False),
        ({"prompt_tokens": None, "completion_tokens": 5}, False),
        ({"completion_tokens": 5}, False),
        ({"prompt_tokens": 0}, False),
        (7, False),
        (None, False),
    ],
)
def test_a_completion_without_a_prompt_is_a_guess_of_kong_s_and_dropped(usage: Any, *, is_guessed: bool) -> None:
    plugin = {"usage": usage, "payload": "x", "meta": 1}
    line = merged(LINES[kong], {"ai": {"proxy": ..., "ai-proxy": plugin, "other": {"usage": {}}}})
    (entry,) = kong.entries(line)
    dropped = plugin | {"usage": None, "payload": None}
    assert entry == line | {"ai": {"ai-proxy": dropped if is_guessed else plugin, "other": {"usage": {}}}}


def test_the_caller_s_key_stands_in_for_a_consumer_in_apisix() -> None:
    headers = {"authorization": f"Bearer {RAW}"}
    line = merged(LINES[apisix], {"request": {"headers": headers}})
    assert [entry.get("api_key") for entry in apisix.entries(line)] == [f"Bearer {RAW}"]
    assert [entry.get("api_key") for entry in apisix.entries(line | {"consumer": {"username": "u"}})] == [None]


@pytest.mark.parametrize(
    ("summary", "counts"),
    [
        ({"prompt_tokens": 5}, (5, None)),
        ({"prompt_tokens": "5", "cache_read_input_tokens": "3", "cache_creation_input_tokens": 2}, (10, None)),
        ({"prompt_tokens": 5, "total_tokens": 6}, (5, None)),
        ({"prompt_tokens": "many", "total_tokens": 6}, ("many", 6)),
        ({"prompt_tokens": True, "cache_read_input_tokens": 3, "total_tokens": 6}, (True, 6)),
    ],
)
def test_the_prompt_of_anthropic_s_callers_is_put_together_in_apisix(
    summary: dict[str, Any], counts: tuple[Any, Any]
) -> None:
    for path in ("/v1/messages", "/v1/messages?beta=true"):
        line = merged(LINES[apisix], {"request": {"uri": path}, "llm_summary": summary})
        (entry,) = apisix.entries(line)
        assert (entry["llm_summary"].get("prompt_tokens"), entry["llm_summary"].get("total_tokens")) == counts
    (other,) = apisix.entries(merged(LINES[apisix], {"llm_summary": summary}))
    assert other["llm_summary"] == summary


@pytest.mark.parametrize(
    ("fields", "arrived_at"),
    [
        ({"msec": "1772355600.250"}, 1_772_355_600_250_000),
        ({"msec": "1772355600.250", "request_time": "0.250"}, 1_772_355_600_000_000),
        ({"msec": "1772355600.250", "request_time": ""}, 1_772_355_600_250_000),
        ({"msec": "1772355600.250", "request_time": "-"}, 1_772_355_600_250_000),
        ({"msec": "", "time_iso8601": "2026-03-01T09:00:00+00:00", "request_time": 1}, 1_772_355_599_000_000),
        ({"msec": None, "time_local": "01/Mar/2026:10:00:00 +0100"}, 1_772_355_600_000_000),
        ({"msec": None, "time_local": "01/Dec/2026:00:00:00 +0000"}, 1_796_083_200_000_000),
        ({"msec": None, "time_local": "01/Jan/2026:00:00:00 +0000"}, 1_767_225_600_000_000),
        ({"msec": None, "time_local": "01/Mai/2026:10:00:00 +0100"}, None),
        ({"msec": None, "time_local": 7}, None),
        ({"msec": "1772355600", "request_time": "soon"}, None),
        ({"msec": "soon"}, None),
        ({"msec": None}, None),
    ],
)
def test_a_request_of_nginx_arrived_before_it_was_logged(fields: dict[str, Any], arrived_at: int | None) -> None:
    (entry,) = nginx.entries(LINES[nginx] | fields)
    assert entry["arrived_at"] == arrived_at


def test_what_nginx_calls_request_says_method_and_path_where_nothing_else_does() -> None:
    line = {"msec": "5", "status": "200", "request": "POST /v1/messages HTTP/1.1"}
    assert fields_of(nginx, line) == [{"ts": "5", "status": "200", "method": "POST", "path": "/v1/messages"}]
    own = {"request_method": "DELETE", "request_uri": "/v1/chat/completions"}
    assert nginx.entries(line | own) == []
    (entry,) = nginx.entries(line | {"uri": "/v1/complete"})
    assert (entry["request_uri"], entry["request_method"]) == ("/v1/complete", "POST")
    for request in ("POST /v1/messages", "post /v1/messages HTTP/1.1", "POST  HTTP/1.1", 7, None):
        (entry,) = nginx.entries(line | {"request": request, "request_method": None})
        assert entry.get("request_uri") is None


@pytest.mark.parametrize(
    ("line", "stands_for"),
    [
        (rb'{"a": "\x22b\x22"}', b'{"a": "\\"b\\""}'),
        (rb'{"a": "\x5Cn"}', b'{"a": "\\\\n"}'),
        (rb'{"a": "\x1F\x20\x7F"}', b'{"a": "\\u001f \x7f"}'),
        (rb'{"a": "\x00"}', b'{"a": "\\u0000"}'),
        (rb'{"a": "\xC3\xA9"}', b'{"a": "\xc3\xa9"}'),
        (rb'{"a": "\xC3"}', b'{"a": "\xc3"}'),
        (rb'{"a": "\x22\n"}', None),
        (rb'{"a": "\xc3"}', None),
        (rb'{"a": "b"}', None),
    ],
)
def test_an_escape_of_nginx_is_the_byte_that_it_stands_for(line: bytes, stands_for: bytes | None) -> None:
    assert unescaped(line) == stands_for


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"Authorization": f"Bearer {RAW}"}, f"Bearer {RAW}"),
        ({"authorization": f" bearer\t{RAW}"}, f" bearer\t{RAW}"),
        ({"authorization": f"Basic {RAW}"}, None),
        ({"authorization": RAW}, None),
        *(({name: RAW}, RAW) for name in ("X-Api-Key", "api-key", "x-goog-api-key", "apikey")),
        ({"x-api-key": [RAW]}, RAW),
        ({"x-api-key": [RAW, RAW]}, None),
        ({"x-api-key": 7}, None),
        ({"x-api-key": ""}, None),
        ({"authorization": "Bearer ", "x-api-key": RAW}, RAW),
        ({"authorization": f"Bearer {RAW}", "x-api-key": "other"}, f"Bearer {RAW}"),
        *(
            ({"x-api-key": masked}, None)
            for masked in ("sk-**", "sk-...abc", "sk-\u2026", "xxxxxx", "REDACTED", "<hidden>", "[hidden]")
        ),
        ({"x-api-key": "a*b.c..xxxxx<d>"}, "a*b.c..xxxxx<d>"),
        ({}, None),
        ("x-api-key", None),
    ],
)
def test_a_key_in_headers_is_a_bearer_token_or_stands_alone_and_is_not_masked(headers: Any, key: str | None) -> None:
    assert key_in(headers) == key


RESPONSE = '{"candidates": []}'


@pytest.mark.parametrize(
    ("path", "method", "said", "is_about"),
    [
        ("/v1/messages", "POST", {}, True),
        ("/v1/embeddings", None, {}, True),
        ("/v1/messages", "GET", {}, False),
        (None, None, {}, True),
        (None, "GET", {}, False),
        (7, 7, {}, True),
        ("/x", "POST", {}, False),
        ("/x", "GET", {"is_traced": True}, True),
        ("/x", "POST", {"answer": RESPONSE}, True),
        ("/x", " post ", {"answer": RESPONSE}, True),
        ("/x", None, {"answer": RESPONSE}, True),
        ("/x", "GET", {"answer": RESPONSE}, False),
        ("/x", "GET", {"answer": f"data: {RESPONSE}\n\n"}, True),
        ("/v1/messages", "get", {"answer": f"data: {RESPONSE}\n\n"}, True),
        ("/x", "GET", {"answer": 'data: {"weather": "fine"}\n\n'}, False),
        ("/x", "HEAD", {"answer": f"data: {RESPONSE}\n\n"}, False),
        ("/v1/files/f-1/content", "GET", {"answer": f"data: {RESPONSE}\n\n"}, False),
        ("/models/m", "POST", {"answer": RESPONSE}, True),
        ("/v1/chat/deferred-completion/r-1", "GET", {"answer": '{"choices": [{"message": {}}]}'}, True),
        ("/async/chat/completions/a-1", "GET", {"answer": '{"response": {"choices": [{"message": {}}]}}'}, True),
        ("/async/chat/completions/a-1", "GET", {"answer": '{"status": "IN_PROGRESS"}'}, False),
        ("/x", "POST", {"answer": {"response": {"candidates": []}}}, True),
        ("/x", "POST", {"answer": {"candidates": []}}, True),
        ("/x", "POST", {"answer": [{"candidates": []}]}, True),
        ("/x", "POST", {"answer": 7}, False),
        ("/x", "POST", {"answer": '{"choices": ["a"]}'}, False),
        ("/x", "POST", {"answer": '{"choices": [{"message": {}}]}'}, True),
        ("/x", "POST", {"answer": [{"choices": []}, {"choices": [{"delta": {}}]}]}, True),
        ("/x", "POST", {"answer": '{"data": [{"url": "u"}]}'}, False),
        ("/v1/images/generations", "POST", {"answer": '{"data": [{"url": "u"}]}'}, True),
        ("/v1/images/generations", "POST", {"answer": '{"weather": "fine"}'}, False),
        ("/x", "POST", {"answer": '[{"data": "e30=", "data": "e31="}]'}, False),
    ],
)
def test_a_line_is_about_a_model_by_its_path_its_trace_or_its_answer(
    path: Any, method: Any, said: dict[str, Any], *, is_about: bool
) -> None:
    assert is_about_a_model(path, method, **said) is is_about


def test_what_is_written_as_absent_is_absent_and_what_is_stated_twice_stays_so() -> None:
    assert without_absent({"a": "-", "b": "x", "c": "--"}) == {"a": None, "b": "x", "c": "--"}
    twice = parse('{"a": 1, "a": 2, "b": "-"}')
    made = without_absent(twice)
    assert isinstance(made, ContradictedObject)
    assert (made.contradicted, made["b"]) == ({"a"}, None)
    assert changed({"a": 1}, {"b": 2}) == {"a": 1, "b": 2}


def test_these_formats_are_read_and_asked_in_this_order() -> None:
    assert [each.name for each in all_formats()] == [
        *(
            "agentgateway",
            "apisix",
            "bedrock",
            "bedrock-batch",
            "bifrost",
            "braintrust",
            "cloudflare",
            "databricks",
            "datadog",
            "envoy",
            "gemini-batch",
            "har",
        ),
        *("helicone", "higress", "kong", "langfuse", "langsmith", "litellm"),
        "litellm-spend",
        *("new-api", "nginx", "openai-batch", "openrouter", "opik", "otel", "portkey", "portkey-log"),
        *("posthog", "tensorzero", "vertex", "vertex-batch", "weave", "spans"),
    ]
    assert by_name()["openai-batch"].joined is openai_batch.joined
    assert {each.name for each in all_formats() if each.mapping is not None} == {
        *("agentgateway", "apisix", "bedrock", "bedrock-batch", "bifrost", "cloudflare", "envoy", "gemini-batch"),
        *("databricks", "higress", "openrouter", "tensorzero"),
        *("kong", "litellm", "litellm-spend", "new-api", "nginx", "portkey", "portkey-log", "vertex", "vertex-batch"),
    }
    assert [*batch_apis()] == ["bedrock-batch", "gemini-batch", "openai-batch", "vertex-batch"]
    assert {each.name for each in all_formats() if each.joined is not None} == {*batch_apis()}
    assert all(each.entries is not None for each in all_formats())


BATCH = {
    "id": "b-1",
    "object": "batch",
    "endpoint": "/v1/embeddings",
    "created_at": 1,
    "completed_at": 6,
    "metadata": {"api_key_id": "key_1"},
}
RESULT = {
    "id": "res_1",
    "custom_id": "a",
    "response": {"status_code": 200, "request_id": "req-1", "body": {"created": 5, "id": "r-1"}},
    "error": None,
}


def of_batch(line: dict[str, Any]) -> dict[str, Any]:
    (entry,) = openai_batch.entries(line)
    return entry


def test_a_result_of_a_batch_is_an_entry_of_these_values() -> None:
    asked = {"url": "/v1/chat/completions", "body": {"model": "asked"}}
    expected = {
        "ts": 5,
        "api_key_id": "key_1",
        "request_id": "res_1",
        "status": 200,
        "path": "/v1/embeddings",
        "request": {"model": "asked"},
        "response": {"created": 5, "id": "r-1"},
        "service_tier": "batch",
        "custom_id": "a",
        "batch": BATCH,
    }
    assert of_batch(RESULT | {"batch": BATCH, "request": asked}) == expected
    alone = expected | {"api_key_id": None, "path": None, "request": {}, "batch": {}}
    assert of_batch(RESULT) == alone


@pytest.mark.parametrize(
    ("fields", "ours", "value"),
    [
        ({"response": {"body": {"created_at": 7}}}, "ts", 7),
        ({"response": {"body": {"created": 0, "created_at": 7}}}, "ts", 7),
        ({"response": {"body": "text"}, "batch": BATCH}, "ts", 6),
        *(
            ({"response": {"body": {}}, "batch": {"id": "b", "created_at": 1, name: 9}}, "ts", 9)
            for name in ("completed_at", "ended_at", "expired_at", "cancelled_at", "in_progress_at")
        ),
        ({"response": {"body": {}}, "batch": {"created_at": 1}}, "ts", 1),
        ({"response": {"body": {}}, "batch": {"ended_at": 8, "in_progress_at": 3, "completed_at": 9}}, "ts", 9),
        ({"response": {}}, "response", {"error": {}}),
        ({"response": None}, "response", {"error": {}}),
        ({"response": None}, "status", None),
        ({"id": None}, "request_id", "req-1"),
        ({"id": None, "response": {"body": {}}, "batch": BATCH}, "request_id", "b-1/a"),
        ({"id": None, "response": {"body": {}}}, "request_id", "a"),
        ({"id": None, "response": {"body": {}}, "custom_id": 7, "batch": BATCH}, "request_id", None),
        ({"id": None, "response": {"body": {}}, "batch": {"id": 7}}, "request_id", "a"),
        ({"request": {"url": "/v1/messages"}}, "path", "/v1/messages"),
        ({"request": {"params": {"model": "m"}}}, "request", {"model": "m"}),
        ({"request": {"model": "m"}}, "request", {"model": "m"}),
    ],
)
def test_a_field_of_a_result_lies_in_the_line_its_request_or_its_batch(
    fields: dict[str, Any], ours: str, value: Any
) -> None:
    assert of_batch(RESULT | fields)[ours] == value


@pytest.mark.parametrize("kind", ["succeeded", "errored", "canceled", "expired"])
def test_a_result_of_anthropic_s_is_its_message_or_an_error(kind: str) -> None:
    message = {"custom_id": "a", "result": {"type": kind, "message": {"id": "msg_1"}}}
    assert (of_batch(message)["status"], of_batch(message)["response"]) == (200, {"id": "msg_1"})
    without = {"custom_id": "a", "result": {"type": kind}}
    assert (of_batch(without)["status"], of_batch(without)["response"]) == (None, {"error": {}})
    assert not openai_batch.recognises({"custom_id": "a", "result": {"type": f"{kind}_"}})


ASKED = {"custom_id": "a", "body": {"model": "m"}}


def test_requests_and_batches_are_no_exchanges_and_anything_else_is_refused() -> None:
    for line in (ASKED, {"custom_id": "a", "params": {}}, BATCH, {"id": "b", "type": "message_batch", "created_at": 1}):
        assert openai_batch.recognises(line)
        assert openai_batch.entries(line) == []
    for name in ("response", "result", "error"):
        assert not openai_batch.is_request(ASKED | {name: None})
    assert not openai_batch.is_request({"custom_id": "a"})
    assert not openai_batch.is_request({"body": {}})
    for name, value in (("id", 7), ("object", "list"), ("created_at", ...)):
        other = {key: each for key, each in (BATCH | {name: value}).items() if each is not ...}
        assert not openai_batch.is_batch(other)
    for line in ({"custom_id": "a"}, {"custom_id": "a", "response": {}}, {"custom_id": "a", "result": 7}, {}):
        assert not openai_batch.recognises(line)
        with pytest.raises(LineRefused) as refused:
            openai_batch.entries(line)
        assert refused.value.detail == "custom_id and response, or custom_id and result"
        assert refused.value.reason == "missing_field"
    for beside in ("id", "error"):
        assert openai_batch.recognises({"custom_id": "a", "response": {}, beside: None})


def test_a_line_is_joined_with_what_is_known_of_its_batch_unless_it_has_its_own() -> None:
    requests = {"a": {"body": {"model": "m"}}}
    known = Batch(object=BATCH, requests=requests)
    assert openai_batch.joined(dict(RESULT), known) == RESULT | {"batch": BATCH, "request": requests["a"]}
    own = RESULT | {"batch": {"id": "own"}, "request": {"url": "x"}}
    assert openai_batch.joined(dict(own), known) == own
    assert openai_batch.joined(RESULT | {"batch": None}, known)["batch"] == BATCH
    for line in (ASKED, BATCH, {"weather": "fine"}):
        assert openai_batch.joined(dict(line), known) == line
    assert known.unmatched == set()
    assert openai_batch.joined(RESULT | {"custom_id": "z"}, known) == RESULT | {"custom_id": "z", "batch": BATCH}
    assert openai_batch.joined(RESULT | {"custom_id": 7}, known) == RESULT | {"custom_id": 7, "batch": BATCH}
    assert known.unmatched == {"z"}
    without = Batch(object=BATCH, requests=None)
    assert openai_batch.joined(dict(RESULT), without) == RESULT | {"batch": BATCH}
    assert without.unmatched == set()
    line = parse(json.dumps(RESULT))
    (entry,), _ = entries_of(line, LogFormat(format="openai-batch", batch=known))
    assert isinstance(entry, dict)
    assert entry["batch"] == BATCH


HEADERS = [{"name": "Authorization", "value": f"Bearer {RAW}"}]
CALL: dict[str, Any] = {
    "startedDateTime": "2026-03-01T09:00:00Z",
    "time": 12,
    "request": {
        "method": "POST",
        "url": "https://api.example/v1/chat/completions?key=k",
        "headers": HEADERS,
        "postData": {"text": "asked"},
    },
    "response": {
        "status": 200,
        "headers": [
            {"name": "X-Request-Id", "value": "req-1"},
            {"name": "a", "value": "1"},
            {"name": "A", "value": "2"},
        ],
        "content": {"text": "answered"},
    },
    "comment": "mine",
}


def of_archive(**changes: Any) -> dict[str, Any]:
    (entry,) = har.entries({"log": {"entries": [merged(CALL, changes)]}})
    return entry


def test_a_request_of_an_archive_is_an_entry_of_these_values() -> None:
    assert of_archive() == {
        "startedDateTime": "2026-03-01T09:00:00Z",
        "time": 12,
        "comment": "mine",
        "headers": {"authorization": f"Bearer {RAW}"},
        "ts": "2026-03-01T09:00:00Z",
        "api_key": f"Bearer {RAW}",
        "request_id": "req-1",
        "status": 200,
        "method": "POST",
        "path": "/v1/chat/completions",
        "request": "asked",
        "response": "answered",
        "response_headers": {"x-request-id": "req-1", "a": "2"},
    }


def test_a_request_without_an_id_is_known_by_when_where_and_how_long() -> None:
    digested = json.dumps(["2026-03-01T09:00:00Z", 12, "POST", "/v1/chat/completions"]).encode()
    expected = "har-" + hashlib.sha256(digested).hexdigest()[:32]
    assert of_archive(response={"headers": None})["request_id"] == expected
    assert of_archive(response={"headers": [{"name": "request-id", "value": ""}]})["request_id"] == expected
    for name in ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid"):
        assert of_archive(response={"headers": [{"name": name, "value": "r"}]})["request_id"] == "r"


@pytest.mark.parametrize(
    ("changes", "ours", "value"),
    [
        ({"request": {"headers": []}}, "api_key", "k"),
        ({"request": {"headers": [], "url": "https://a.example/v1/messages"}}, "api_key", None),
        ({"request": {"headers": [], "url": "https://a.example/v1/messages?key="}}, "api_key", None),
        ({"request": {"url": None}}, "path", None),
        ({"request": {"url": "https://[x/v1/messages"}}, "path", None),
        ({"request": {"postData": None}}, "request", None),
        ({"request": {"headers": [7, {"name": 7}, {"name": "A"}]}}, "headers", {"a": None}),
        ({"request": {"headers": 7}}, "headers", {}),
        (
            {"response": {"content": {"text": base64.b64encode(b"said").decode(), "encoding": "base64"}}},
            "response",
            "said",
        ),
        ({"response": {"content": {"text": "c2FpZA", "encoding": "base64"}}}, "response", "c2FpZA"),
        ({"response": {"content": {"text": "c2F*pZA==", "encoding": "base64"}}}, "response", "c2F*pZA=="),
        ({"response": {"content": {"text": "/w==", "encoding": "base64"}}}, "response", "/w=="),
        ({"response": {"content": {"text": "c2FpZA==", "encoding": "gzip"}}}, "response", "c2FpZA=="),
        ({"response": {"content": {"text": 7, "encoding": "base64"}}}, "response", None),
        ({"response": {"content": {"text": ""}}}, "response", None),
        ({"response": None}, "response", None),
        ({"response": None}, "status", None),
    ],
)
def test_a_part_of_a_request_may_be_missing_or_written_otherwise(
    changes: dict[str, Any], ours: str, value: Any
) -> None:
    assert of_archive(**changes)[ours] == value


@pytest.mark.parametrize(
    ("messages", "transcript"),
    [
        ([{"data": "a"}], "data: a\n\n"),
        ([{"data": "a", "eventName": "e"}, {"data": "b\nc"}], "event: e\ndata: a\n\ndata: b\ndata: c\n\n"),
        ([{"data": "a", "eventName": 7}, {"data": 7}, "x"], "data: a\n\n"),
        ([{"data": ""}], "data: \n\n"),
        ([], None),
        ("data: a", None),
    ],
)
def test_events_that_chrome_lists_are_the_stream_that_they_came_in(messages: Any, transcript: str | None) -> None:
    for content in (..., {"text": ""}):
        entry = of_archive(response={"content": content}, _eventSourceMessages=messages)
        assert entry["response"] == transcript
    assert of_archive(_eventSourceMessages=messages)["response"] == "answered"


def test_an_archive_is_a_log_with_a_list_of_entries() -> None:
    assert har.recognises({"log": {"entries": []}})
    for other in ({}, {"log": 7}, {"log": {}}, {"log": {"entries": {}}}):
        assert not har.recognises(other)
    for entries in (7, [7], [CALL, 7]):
        with pytest.raises(LineRefused) as refused:
            har.entries({"log": {"entries": entries}})
        assert refused.value.detail == "log.entries is no array of objects"
        assert refused.value.reason == "invalid_field"
    page = merged(CALL, {"request": {"method": "GET"}})
    assert len(har.entries({"log": {"entries": [page, CALL, page, CALL]}})) == 2


def test_the_path_of_a_request_to_kong_is_its_own_where_none_leads_on() -> None:
    posted = merged(LINES[kong], {"ai": ..., "request": {"method": "POST", "uri": "/index.html"}})
    assert kong.entries(posted) == []
    assert kong.entries(posted | {"upstream_uri": "/v1/messages"}) != []
