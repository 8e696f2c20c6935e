"""Lines of logs that are no request logs, made up at random: as their tools write them, and as none does.

Owns the shapes, from the references that the modules of ``pipeline.collectors.formats`` name, and what is done to them:
values in the wrong place, names that are missing, stated twice or new, bytes damaged. Does not own what they mean.
"""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

from family_bodies import Maker
from fuzzing import LineMaker, Made
from odd_documents import places

from pipeline.collectors import LogFormat
from pipeline.collectors.families.bedrock import answers as bedrock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Document = dict[str, Any]

_INSTANTS = (
    *(1_772_344_816, 1_772_344_816.25, 1_772_344_816_434, 1_772_344_816_434.5, 1_772_344_816_434_123),
    *(1_772_344_816_434_123_999, "1772344816434123999", "1772344816.434123", "1772344816,5", "0772344816"),
    *("2026-03-01T06:00:16.434+00:00", "2026-03-01 06:00:16.434123", "2026-07-01 06:00:16", "2026-03-01T06:00:16Z"),
    *(
        "2026-03-01 06:00:16.434+00",
        "2026-03-01T06:00:16-0530",
        "2026-03-01 06:00:16 UTC",
        "2026-03-01 06:00:16 +01:00",
    ),
    *("2026-03-29 02:30:00", "2026-10-25 02:30:00", "2099-12-31 23:59:59.9999999", "2000-01-01T00:00:00"),
    *(946_684_799.999999, 946_684_800.0, 4_102_444_799.999999, 4_102_444_800, 1e9, 17723448165.1, 0, "", "-", None),
    *(4_102_444_799_999_999_999, 4_102_444_800_000_000_000, 99_999_999_999_999_999_999, "NUMBER"),
)
_NUMBERS = (
    *("1772344816.4341239999999", "1772344816434.4349", "1.772344816e9", "-1", "1e999", "7.0", "12E2", "0.5", "1E-400"),
    *("9223372036854775807", "18446744073709551616", "-0", "1000000000000", "1000000000001"),
)
"""Numbers that Python's ``json`` would not write so."""
_ODD = (
    *(None, True, False, 0, 1, 7, -1, 1.5, 28.0, 10**12, 10**12 + 1, 2**63, "", "-", "7", "0", "007", " 12 ", "12.0"),
    *(
        "a b",
        "é",
        "m" * 130,
        "key_1",
        "Bearer key_1",
        "sk-made-up-0123456789",
        "stop",
        "true",
        "200",
        "null",
        "{}",
        "[]",
    ),
    *([], {}, [{}], [1, "a"], {"a": 1}, {"model": "m"}, "NUMBER", '{"model": "m"}', '{"model": "m"', '["a"]'),
    *({"prompt_tokens": 3, "completion_tokens": 4}, {"helicone_message": "x"}, {"error": {"message": "x"}}),
)
_NAMES = (
    *(
        "ts",
        "api_key",
        "api_key_id",
        "request_id",
        "status",
        "path",
        "method",
        "request",
        "response",
        "response_headers",
    ),
    *("request.model", "usage", "usage.prompt_tokens", "metadata", "data", "type", "log", "message", "messageType"),
    *("custom_id", "result", "object", "start_time", "response_code", "msec", "ai_log", "gen_ai.usage.other", "events"),
    *("request_created_at", "traceId", "input", "output", "model", "total_tokens", "metadata.user_api_key_hash"),
    *("x-amzn-bedrock-input-token-count", "X-Amzn-Bedrock-Output-Token-Count", "n", "stream", "host", "cache_hit"),
    *("x-amzn-bedrock-service-tier", "X-Amzn-Bedrock-PerformanceConfig-Latency", "x-generated-tokens"),
    *("resourceSpans", "scopeSpans", "spans", "attributes", "key", "value", "intValue", "stringValue", "parentSpanId"),
    *("a.name.that.is.longer.than.sixty-four.bytes.and.that.nobody.looks.up.at.all", "logEvents", "jsonPayload"),
)


class Kind(NamedTuple):
    """Lines of one tool: what makes one, and the settings by which logs of them are read."""

    made: Callable[[Maker], Document]
    settings: tuple[LogFormat, ...]


def _model(maker: Maker) -> str:
    return maker.chance.choice(("jamba-large", "gpt-4o", "grok-4"))


def _key(maker: Maker) -> str:
    return maker.chance.choice(("key_1", "key_2", "88dc28d0f030c55e", "team-a"))


def _hex(maker: Maker, digits: int = 16) -> str:
    return f"{maker.chance.getrandbits(4 * digits):0{digits}x}"


def _second(maker: Maker) -> int:
    return 1_772_344_816 + maker.chance.randrange(30_000_000)


def _date(maker: Maker, *, ends: str = "", separator: str = "T") -> str:
    day, second = maker.chance.randrange(1, 29), maker.chance.randrange(86_400)
    time = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    fraction = maker.chance.choice(("", f".{maker.chance.randrange(1000):03}", f".{maker.chance.randrange(10**6):06}"))
    return f"2026-{maker.chance.randrange(1, 13):02}-{day:02}{separator}{time}{fraction}{ends}"


def _counts(maker: Maker) -> Document:
    prompt, completion = maker.count(), maker.count()
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": maker.sum(prompt, completion)}


def _body(maker: Maker) -> Any:
    """Return an answer, of any family, and as a text at times."""
    body = maker.body(maker.chance.choice(("chat", "chat", "chat", "responses", "anthropic", "embeddings", None)))
    return body.response


def _litellm(maker: Maker) -> Document:
    pick, counts = maker.chance.choice, _counts(maker)
    failed = maker.chance.random() < 0.1
    details = {"cached_tokens": maker.part(counts["prompt_tokens"]), "audio_tokens": None}
    line = {
        "id": f"chatcmpl-{_hex(maker)}{pick(('', '', '', '_cache_hit1793700009.5'))}",
        "trace_id": _hex(maker),
        "call_type": pick(("acompletion", "acompletion", "completion", "aembedding", "aresponses", "rerank", "x")),
        "cache_hit": pick((None, None, None, False, True)),
        "stream": pick((None, True, False)),
        "status": "failure" if failed else "success",
        "startTime": _second(maker) + maker.chance.randrange(10**6) / 10**6,
        "endTime": _second(maker) + 0.5,
        "model": _model(maker),
        "metadata": {
            "user_api_key_hash": _key(maker),
            "user_api_key_alias": "a team",
            "usage_object": pick((None, {}, {**counts, "prompt_tokens_details": details})),
        },
        **counts,
        "response_cost": 0.01,
        "request_tags": [],
        "model_group": _model(maker),
        "messages": [{"role": "user", "content": maker.text()}],
        "response": pick(({}, None)) if failed else _body(maker),
        "error_information": {"error_code": "429"} if failed else pick((None, {"error_code": ""})),
    }
    if pick((True, False)):
        line["litellm_call_id"] = pick((_hex(maker), _hex(maker), line["id"]))
    answer = line["response"]
    if isinstance(answer, dict) and "id" in answer and pick((True, False)):
        answer["id"] = pick((line["id"], line["id"].partition("_cache_hit")[0]))
    return line


def _litellm_spend(maker: Maker) -> Document:
    pick, counts = maker.chance.choice, _counts(maker)
    failed = maker.chance.random() < 0.1
    written = pick((lambda of: of, json.dumps))
    details = {"prompt_tokens_details": {"cached_tokens": maker.part(counts["prompt_tokens"]), "audio_tokens": None}}
    call = f"{_hex(maker, 8)}-{_hex(maker, 4)}-{_hex(maker, 4)}-{_hex(maker, 4)}-{_hex(maker, 12)}"
    metadata = {
        "user_api_key": _key(maker),
        "user_api_key_alias": "a team",
        "status": "failure" if failed else "success",
        "usage_object": pick((None, {**counts, **details})),
        "additional_usage_values": pick(({}, details)),
        "error_information": {"error_code": "429"} if failed else None,
    }
    answer = f"chatcmpl-{_hex(maker)}"
    copies = (f"{answer}_cache_hit1793700009.5", f"{answer}_background_cost")
    if failed:
        counts["completion_tokens"] = pick((0, 0, counts["completion_tokens"], None))
    line = {
        "request_id": call if failed else pick((answer, answer, answer, call, *copies)),
        "call_type": pick(("acompletion", "acompletion", "completion", "aembedding", "aresponses", "rerank", "x")),
        "api_key": _key(maker),
        "spend": pick((0.01, 0.0)),
        **counts,
        "startTime": _date(maker, separator=pick((" ", "T")), ends=pick(("", "Z", "+00:00"))),
        "endTime": _date(maker, ends="Z"),
        "model": pick((_model(maker), f"openai/{_model(maker)}")),
        "model_group": _model(maker),
        "custom_llm_provider": pick(("openai", "", None)),
        "metadata": written(metadata),
        "cache_hit": pick(("None", "None", "False", "True", "")),
        "cache_key": pick(("Cache OFF", _hex(maker, 64), None)),
        "request_tags": written([]),
        "messages": written({}),
        "response": pick(({}, "{}", {}, _body(maker))),
        "status": pick((metadata["status"], None)),
    }
    if pick((True, False)):
        line["litellm_call_id"] = pick((call, _hex(maker), line["request_id"]))
    filed = line["response"]
    if isinstance(filed, dict) and "id" in filed and pick((True, False)):
        filed["id"] = pick((line["request_id"], line["request_id"].partition("_cache_hit")[0]))
    return line


def _bifrost(maker: Maker) -> Document:
    """Return a row as Bifrost's API has it, or its database, where objects are text and some counts columns."""
    pick, counts = maker.chance.choice, _counts(maker)
    is_of_api, failed = pick((True, False)), maker.chance.random() < 0.1
    read, written = maker.part(counts["prompt_tokens"]), pick((0, 0, 7))
    details = {
        "cached_tokens": pick((read, maker.sum(read, written))),
        "cached_read_tokens": read,
        "cached_write_tokens": written,
        **pick(({}, {"cached_write_token_details": {"cached_write_tokens_5m": 3, "cached_write_tokens_1h": 4}})),
    }
    parts = {"reasoning_tokens": maker.part(counts["completion_tokens"])}
    usage = pick((counts, {**counts, "prompt_tokens_details": details, "completion_tokens_details": parts}))
    beside: Document = {
        "token_usage": pick((None, usage)) if failed else usage,
        "cache_debug": pick((None, None, {"cache_hit": False}, {"cache_hit": True, "hit_type": "direct"})),
        "error_details": {"status_code": 429, "error": {"message": maker.text()}} if failed else None,
        "params": pick((None, {"temperature": 1}, {"temperature": 1}, {"path": "/v1/chat/completions"})),
    }
    columns = {**counts, "cached_read_tokens": read}
    kinds = ("chat_completion", "chat_completion", "chat_completion_stream", "responses", "passthrough", "rerank", "x")
    return {
        "id": _hex(maker),
        "parent_request_id": pick((None, _hex(maker))),
        "timestamp": _date(maker, separator=pick((" ", "T")), ends=pick(("", "Z", "+00:00"))),
        "object" if is_of_api else "object_type": pick(kinds),
        "provider": "openai",
        "model": _model(maker),
        "alias": pick((None, _model(maker))),
        "number_of_retries": 0,
        "fallback_index": 0,
        "selected_key_id": "provider-key",
        "virtual_key_id": _key(maker),
        "latency": 1250.5,
        "status": "error" if failed else "success",
        "stream": pick((True, False)) if is_of_api else pick((0, 1)),
        "stop_reason": pick((None, "stop")),
        **(beside if is_of_api else columns),
        **({} if is_of_api else {name: json.dumps(value) if value else "" for name, value in beside.items()}),
    }


def _tensorzero(maker: Maker) -> Document:
    """Return a row of TensorZero's table, of a call or of a stream, whose answer it mostly has."""
    pick, counts = maker.chance.choice, _counts(maker)
    body = _body(maker)
    return {
        "id": _hex(maker),
        "inference_id": _hex(maker),
        "timestamp": _date(maker, separator=pick((" ", "T")), ends=pick(("", "Z"))),
        "model_name": _model(maker),
        "model_provider_name": "made-up",
        "raw_response": pick((json.dumps(body), json.dumps(body), "")),
        "input_tokens": pick((counts["prompt_tokens"], None)),
        "output_tokens": counts["completion_tokens"],
        "provider_cache_read_input_tokens": pick((None, maker.part(counts["prompt_tokens"]))),
        "provider_cache_write_input_tokens": pick((None, 0, 3)),
        "cached": pick((False, False, True)),
        "tags": {"tensorzero::api_key_public_id": _key(maker), "user": "u"},
    }


def _databricks(maker: Maker) -> Document:
    """Return a row of one of the tables of Databricks: with bodies, or with counts alone."""
    pick, counts = maker.chance.choice, _counts(maker)
    at = _date(maker, separator=pick((" ", "T")), ends=pick(("", "Z")))
    who = {"requester": _key(maker), "status_code": pick((200, 200, 429))}
    body = _body(maker)
    bodies = {"request": json.dumps({"model": _model(maker)}), "response": pick((body, json.dumps(body), None))}
    kind = pick(("payload", "payload", "first", "newer", "endpoint-usage", "gateway-usage", "gateway-usage"))
    if kind == "payload":
        return {"databricks_request_id": _hex(maker), "request_time": at, **bodies, **who, "served_entity_id": "e-1"}
    if kind == "first":
        ts = _second(maker) * 1000
        return {"databricks_request_id": _hex(maker), "timestamp_ms": ts, "execution_time_ms": 5, **bodies, **who}
    if kind == "newer":
        return {"event_time": at, "invocation_id": _hex(maker), "logging_error_codes": [], **bodies, **who}
    if kind == "endpoint-usage":
        return {
            "databricks_request_id": _hex(maker),
            "request_time": at,
            "input_token_count": counts["prompt_tokens"],
            "output_token_count": counts["completion_tokens"],
            "usage_context": pick((None, {}, {"api_key_id": _key(maker)})),
            "request_streaming": pick((True, False, None)),
            "endpoint_name": _model(maker),
            "task": pick((None, "llm/v1/chat", "llm/v1/embeddings", "x")),
            **who,
        }
    details = {
        "cache_read_input_tokens": maker.part(counts["prompt_tokens"]),
        "cache_creation_input_tokens": pick((0, 7)),
        "output_reasoning_tokens": maker.part(counts["completion_tokens"]),
    }
    return {
        "request_id": _hex(maker),
        "event_time": at,
        "destination_model": _model(maker),
        "service_type": pick((None, "MODEL_SERVICE", "MCP_SERVICE")),
        "api_type": pick(("mlflow/v1/chat/completions", "anthropic/v1/messages", "openai/v1/images/generations", "x")),
        "request_tags": pick((None, {}, {"api_key_id": _key(maker)})),
        "input_tokens": counts["prompt_tokens"],
        "output_tokens": counts["completion_tokens"],
        "total_tokens": pick((None, maker.sum(counts["prompt_tokens"], counts["completion_tokens"]))),
        "token_details": pick((None, details, json.dumps(details))),
        **who,
    }


def _streamed(maker: Maker) -> Any:
    """Return what Helicone makes of a stream, with its chunks, or what it had of them."""
    made, pick = _body(maker), maker.chance.choice
    stream = [{"id": "c", "choices": [{"delta": {"content": maker.text()}}]} for _ in range(pick((1, 2, 9)))]
    stream += pick(([], [{"id": "c", "choices": [], "usage": _counts(maker)}]))
    transcript = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in stream)
    odd = (_body(maker), [_body(maker), {}], [], "", None, "data: {}", {"a": 1}, 7)
    chunks = pick((stream, stream, transcript, pick(odd)))
    beside = {pick(("streamed_data", "streamed_data", "bedrock_events")): chunks, "usage": _counts(maker)}
    whole = made | beside if isinstance(made, dict) else beside
    return pick((lambda of: of, lambda of: of, json.dumps))(whole)


def _helicone(maker: Maker) -> Document:
    pick, counts = maker.chance.choice, _counts(maker)
    has_body = pick((True, False))
    absent = {"helicone_message": "fetching body from signed_url..."}
    asked = {"model": _model(maker), "stream": pick((True, False)), "messages": [{"content": maker.text()}]}
    written = pick((int, str))
    return {
        "response_id": _hex(maker),
        "response_created_at": _date(maker, separator=" "),
        "response_status": pick((200, 200, 200, 429, -3)),
        "response_body": pick((_body, _streamed))(maker) if has_body else absent,
        "request_id": _hex(maker),
        "request_created_at": _date(maker, separator=pick((" ", "T")), ends=pick(("", "", "Z", "+00:00"))),
        "request_body": asked if has_body else absent,
        "request_path": pick(("https://api.openai.com/v1/chat/completions", "/ask")),
        "request_user_id": pick(("user-7", "", None)),
        "request_properties": {"api_key_id": _key(maker), "Session": "s"},
        "request_model": _model(maker),
        "response_model": _model(maker),
        **{name: written(value) if type(value) is int else value for name, value in counts.items()},
        "reasoning_tokens": pick((0, None, written(7))),
        "prompt_cache_read_tokens": pick((0, 0, 0, 7)),
        "cache_reference_id": pick(("00000000-0000-0000-0000-000000000000", "", None, _hex(maker))),
        "cache_enabled": False,
    }


_LIFETIMES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")


def _written_twice(maker: Maker) -> Document:
    """Return what was written to a cache beside what it is the sum of, as Langfuse's handler for LangChain does."""
    by_lifetime = {f"cache_creation_{name}": maker.count() for name in _LIFETIMES}
    return {"cache_creation_input_tokens": maker.sum(*by_lifetime.values()), **by_lifetime}


def _langfuse(maker: Maker) -> Document:
    pick = maker.chance.choice
    usage = pick(
        (
            {"input": maker.count(), "output": maker.count()},
            {"input": maker.count(), "input_cached_tokens": maker.count(), "output": maker.count()},
            {"input": maker.count(), "output": maker.count(), "output_reasoning_tokens": maker.count()},
            {"input": maker.count(), "output": maker.count(), "reasoning.output_tokens": maker.count()},
            {"input": 3, "cache_creation_input_tokens": maker.count(), "input_cache_creation_1h": 7, "output": 2},
            {"input": 3, **{f"input_{name}": maker.count() for name in _LIFETIMES}, "output": 2},
            {"input": 3, "output": 2, **_written_twice(maker)},
            {"input": 0, "output": 2, "input_modality_TEXT": maker.count(), "input_modality_AUDIO": maker.count()},
            {"characters": maker.count()},
            {},
        )
    )
    if usage and pick((True, True, False)):
        usage["total"] = pick((maker.sum(*usage.values()), maker.sum(usage.get("input"), usage.get("output"))))
    line = {
        "id": _hex(maker),
        "name": "generation",
        "metadata": pick(({"api_key_id": _key(maker)}, json.dumps({"api_key_id": _key(maker)}), {})),
        "level": pick(("DEFAULT", "DEFAULT", "ERROR")),
        "input": [{"role": "user", "content": maker.text()}],
        "output": maker.text(),
        "type": pick(("GENERATION", "GENERATION", "GENERATION", "EMBEDDING", "SPAN", "EVENT", "NEW")),
    }
    if pick((True, False)):
        tier = pick(
            ({"service_tier": "flex"}, '{"temperature":1,"service_tier":"flex"}', '{"temperature":1}', None, "")
        )
        exported = {
            "start_time": _date(maker, separator=" "),
            "usage_details": usage,
            "user_id": pick((_key(maker), "")),
        }
        return {
            **line,
            "trace_id": _hex(maker, 32),
            "provided_model_name": _model(maker),
            "model_parameters": tier,
            **exported,
        }
    old = pick(
        (None, {"unit": "TOKENS", "input": 3, "output": maker.count(), "total": 7}, {"unit": "SECONDS", "input": 3})
    )
    of_api = {"startTime": _date(maker, ends="Z"), "usageDetails": usage, "usage": old, "promptTokens": maker.count()}
    return {**line, "traceId": _hex(maker, 32), "model": _model(maker), "userId": pick((_key(maker), None)), **of_api}


def _batch(maker: Maker) -> Document:
    pick = maker.chance.choice
    body = _body(maker)
    if isinstance(body, dict):
        body |= pick(
            ({"created": _second(maker)}, {"created_at": _second(maker)}, {"created_at": _second(maker) + 0.5}, {})
        )
    if pick((True, True, False)):
        response = {"status_code": pick((200, 200, 400)), "request_id": _hex(maker), "body": body}
        line = {
            "id": f"batch_req_{_hex(maker)}",
            "custom_id": f"request-{maker.count()}",
            "response": response,
            "error": None,
        }
    else:
        result = {"type": pick(("succeeded", "errored", "expired")), "message": body}
        line = {"custom_id": f"request-{maker.count()}", "result": result}
    if pick((True, False)):
        made = {"created_at": pick((_second(maker), _date(maker, ends="Z"))), "metadata": {"api_key_id": _key(maker)}}
        line["batch"] = {"id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions", **made}
    if pick((True, False)):
        asked = {"model": _model(maker), "n": 1, "stream": False}
        line["request"] = pick(({"url": "/v1/chat/completions", "body": asked}, {"params": asked}, asked))
    return line


def _bedrock_batch(maker: Maker) -> Document:
    pick = maker.chance.choice
    line: Document = {
        "recordId": f"CALL{maker.count():07}",
        "modelInput": {
            "messages": [{"content": maker.text()}],
            **({"requestMetadata": {"api_key_id": _key(maker)}} if pick((True, True, True, False)) else {"n": 1}),
        },
    }
    error = {"errorCode": pick((400, 424, "ThrottlingException", "Odd")), "errorMessage": maker.text()}
    if pick((*[True] * 9, False)):
        line["modelOutput"] = pick((*[_body(maker)] * 10, error, {}))
    else:
        line["error"] = error
    if pick((True, True, True, False)):
        arn = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghij12"
        times = {name: _date(maker, ends="Z") for name in ("endTime", "lastModifiedTime", "submitTime")}
        model = pick(("amazon.nova-lite-v1:0", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"))
        role = {"roleArn": f"arn:aws:iam::123456789012:role/{_key(maker)}", "status": "Completed"}
        line["batch"] = {"jobArn": arn, "modelId": model, **role, **times}
    return line


def _of_gemini(maker: Maker) -> Document:
    pick = maker.chance.choice
    if pick((True, False, False, False)):
        counted = pick(({"usageMetadata": {"promptTokenCount": maker.count()}}, {"tokenCount": maker.count()}, {}))
        return {"embedding": {"values": [0.25, 0.5]}, **counted}
    usage = {"promptTokenCount": maker.count(), "candidatesTokenCount": maker.count(), "serviceTier": "standard"}
    usage["totalTokenCount"] = maker.sum(usage["promptTokenCount"], usage["candidatesTokenCount"])
    return {
        "candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": maker.text()}], "role": "model"}}],
        "usageMetadata": usage,
        "modelVersion": _model(maker),
        "responseId": _hex(maker),
    }


def _gemini_batch(maker: Maker) -> Document:
    pick = maker.chance.choice
    results: list[Document] = []
    for _ in range(pick((1, 1, 2, 3))):
        failed = {"error": {"code": pick((3, 13, 400, 503)), "message": maker.text()}}
        results.append(failed if pick((True, *[False] * 5)) else {"response": _of_gemini(maker)})
    facts: Document = {
        "model": pick(("models/gemini-2.5-flash", "gemini-2.5-flash")),
        "displayName": maker.text(),
        **{name: _date(maker, ends="Z") for name in ("createTime", "endTime", "updateTime")},
        "batchStats": {"requestCount": str(maker.count())},
        "state": "BATCH_STATE_SUCCEEDED",
    }
    operation = {"name": f"batches/{_hex(maker)}", "metadata": facts, "done": True}
    if pick((True, False, False)):
        whose = pick(({"metadata": {"api_key_id": _key(maker), "key": "a"}},) * 5 + ({},))
        inlined = [each | whose for each in results]
        output = {"inlinedResponses": {"inlinedResponses": inlined}}
        facts |= pick(({"output": output}, {}))
        return operation | pick(({"response": output}, {"response": {"responsesFile": "files/batch-1"}}, {}))
    line = {"key": f"request-{maker.count()}", **results[0]}
    if pick((True, True, True, False)):
        line["batch"] = operation
    return line


def _vertex_batch(maker: Maker) -> Document:
    pick, written = maker.chance.choice, maker.chance.choice((lambda of: of, lambda of: of, json.dumps))
    job: Document = {}
    if pick((True, False)):
        times = {name: _date(maker, ends="Z") for name in ("createTime", "startTime", "endTime", "updateTime")}
        model = pick(("publishers/google/models/gemini-2.5-flash", _model(maker)))
        name = f"projects/7/locations/us-central1/batchPredictionJobs/{maker.count()}"
        labels = pick(({}, {"labels": {"api_key_id": _key(maker)}}))
        job = {"batch": {"name": name, "model": model, **times, **labels}}
    status = pick(("", "", "", "", 'Bad Request: {"error": {"code": 400}}'))
    if pick((True, False, False, False)):
        counted = {"statistics": {"token_count": maker.count(), "truncated": False}, "values": [0.25]}
        return {
            "instance": {"content": maker.text()},
            "predictions": [] if status else [{"embeddings": counted}],
            "status": status,
            **job,
        }
    answer = _of_gemini(maker) | pick(({}, {"createTime": _date(maker, ends="Z")}))
    asked = {"contents": [{"parts": [{"text": maker.text()}]}], "labels": pick(({}, {"api_key_id": _key(maker)}))}
    if pick((True, False, False)):
        job["name"] = job["batch"]["name"] if job else maker.text()
    return {
        "status": status,
        "processed_time": _date(maker, separator=pick((" ", "T")), ends=pick(("Z", "+00:00", "", " UTC"))),
        "request": written(asked),
        "response": pick((None, {}, "{}")) if status else pick((written(answer), written(answer), _body(maker))),
        **pick(({}, {}, {"custom_id": "a", "id": maker.count()}, {"path": "/x/images", "method": "GET"})),
        **job,
    }


def _kong(maker: Maker) -> Document:
    pick, plugin = maker.chance.choice, maker.chance.choice(("proxy", "proxy", "ai-proxy"))
    usage = pick(
        (
            _counts(maker),
            {"prompt_tokens": 0, "completion_tokens": 9},
            {"prompt_token": 3, "completion_token": 4},
            {
                "input_tokens": 9_000 + maker.count(),
                "output_tokens": maker.count(),
                "input_tokens_details": {"text_tokens": maker.count(), "audio_tokens_count": 9},
            },
        )
    )
    meta = {
        "request_model": pick((_model(maker), "UNSPECIFIED")),
        "response_model": _model(maker),
        "request_mode": pick(("stream", "oneshot", "realtime")),
    }
    payload = {"request": json.dumps({"model": "m", "n": 2}), "response": _body(maker)}
    of_plugin = {
        "meta": meta,
        "usage": usage,
        **pick(({}, {}, {"payload": payload}, {"cache": {"cache_status": "Hit"}})),
    }
    return {
        "started_at": _second(maker) * 1000 + maker.chance.randrange(1000),
        "latencies": {"request": maker.count(), "kong": 7},
        "request": {
            "id": _hex(maker),
            "uri": pick(("/chat", "/orders")),
            "method": pick(("POST", "GET")),
            "headers": {"authorization": "REDACTED", "user-agent": maker.text()},
        },
        "upstream_uri": pick(("/v1/chat/completions", "/orders")),
        "response": {"status": pick((200, 200, 500)), "size": 9, "headers": {"Content-Type": "application/json"}},
        "authenticated_entity": pick(({"id": _key(maker)}, None)),
        "consumer": {"id": _key(maker), "username": "lena"},
        **pick(({"ai": {plugin: of_plugin}}, {"ai": {plugin: of_plugin, "ai-guard": {"usage": usage}}}, {})),
    }


def _bedrock(maker: Maker) -> Document:
    pick, has_failed = maker.chance.choice, maker.chance.random() < 0.1
    counts = {"inputTokenCount": maker.count(), "outputTokenCount": maker.count()}
    cached = {"cacheReadInputTokenCount": maker.count(), "cacheWriteInputTokenCount": pick((0, maker.count()))}
    body = pick(({"outputBodyJson": _body(maker)}, {"outputBodyS3Path": "s3://logs/data/a_output.json.gz"}, {}))
    return {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": _date(maker, ends="Z"),
        "accountId": "123456789012",
        "identity": {"arn": f"arn:aws:sts::123456789012:assumed-role/chat/{_key(maker)}"},
        "region": "us-east-1",
        "requestId": _hex(maker),
        "operation": pick(("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream")),
        "modelId": pick(
            (
                *("amazon.nova-lite-v1:0", "amazon.titan-embed-text-v2:0"),
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            )
        ),
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": {"messages": [{"role": "user", "content": [{"text": maker.text()}]}]},
            "inputTokenCount": counts["inputTokenCount"],
            **pick(({}, cached)),
        },
        "output": {
            "outputContentType": "application/json",
            **({} if has_failed else body),
            "outputTokenCount": pick((0, counts["outputTokenCount"])) if has_failed else counts["outputTokenCount"],
        },
        **({"errorCode": pick(("ThrottlingException", "Odd"))} if has_failed else {}),
        **pick(({}, {}, {"performanceConfig": {"latency": pick(("standard", "optimized"))}})),
        **pick(({}, {"requestMetadata": {"tenant": _key(maker)}, "inferenceRegion": "us-west-2"})),
    }


_URLS_OF_PORTKEY = (
    *("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1/embeddings"),
    "https://models.example/ask",
)


def _cloudflare(maker: Maker) -> Document:
    pick, is_success = maker.chance.choice, maker.chance.random() < 0.9
    said = {"api_key_id": _key(maker), "team": maker.text()}
    return {
        "id": _hex(maker),
        "cached": pick((False, False, False, True)),
        "created_at": _date(maker, ends="Z"),
        "cost": 0.00004,
        "duration": maker.count(),
        "metadata": pick((json.dumps(said), json.dumps(said), said)),
        "model": _model(maker),
        "path": pick(("v1/chat/completions", "v1/chat/completions", "v1/embeddings", "v1/images/generations", "x")),
        "provider": pick(("openai", "anthropic")),
        "response_content_type": pick(("application/json", "text/event-stream", "image/png")),
        "success": is_success,
        **pick(({}, {"status_code": 200 if is_success else pick((429, 500))})),
        "tokens_in": maker.count() if is_success else 0,
        "tokens_out": pick((0, maker.count())) if is_success else 0,
    }


def _vertex(maker: Maker) -> Document:
    pick, written = maker.chance.choice, maker.chance.choice((lambda of: of, lambda of: of, json.dumps))
    usage = {"promptTokenCount": maker.count(), "candidatesTokenCount": maker.count(), "trafficType": "ON_DEMAND"}
    if pick((True, True, False)):
        usage["thoughtsTokenCount"] = maker.count()
    usage["totalTokenCount"] = maker.sum(*(count for count in usage.values() if not isinstance(count, str)))
    answer = {
        "candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": maker.text()}]}}],
        **pick(({}, {"createTime": _date(maker, ends="Z")}, {"createTime": _date(maker, ends="Z")})),
        "modelVersion": _model(maker),
        "responseId": _hex(maker),
        "usageMetadata": usage,
    }
    return {
        "logging_time": _date(maker, separator=pick((" ", "T")), ends=pick(("Z", "Z", "Z", "", "", " UTC"))),
        "request_id": str(5_374_205_265_901_353_984 + maker.chance.randrange(10**9)),
        "model": f"publishers/google/models/{_model(maker)}",
        "api_method": pick(("GenerateContent", "generateContent", "StreamGenerateContent", "rawPredict", "predict")),
        "full_request": written({"labels": {"api_key_id": _key(maker)}, "contents": [{"text": maker.text()}]}),
        "full_response": pick((written(answer), written(answer), [answer], _body(maker), None)),
        "metadata": {"request_latency": 11225.994},
    }


def _langsmith(maker: Maker) -> Document:
    pick, asked, answered = maker.chance.choice, maker.count(), maker.count()
    usage = {
        "input_tokens": asked,
        "output_tokens": answered,
        "total_tokens": maker.sum(asked, answered),
        "input_token_details": pick(
            (
                *({}, {"cache_read": maker.part(asked)}, {"ephemeral_1h_input_tokens": 3}),
                {"cache_read": maker.part(asked), "cache_read_over_200k": maker.part(asked)},
                {"ephemeral_5m_input_tokens": maker.part(asked), "ephemeral_1hr_input_tokens": maker.part(asked)},
            )
        ),
        "output_token_details": pick(({}, {"reasoning": maker.part(answered)})),
    }
    message = {
        "lc": 1,
        "kwargs": {"content": maker.text(), "usage_metadata": usage | pick(({}, {}, {"total_cost": 0}))},
    }
    metadata = {"api_key_id": _key(maker), "ls_model_name": _model(maker)}
    outputs = pick(
        (
            {"id": f"chatcmpl-{_hex(maker)}", "model": _model(maker), "usage_metadata": usage},
            {"generations": [[{"text": maker.text(), "message": message}]], "llm_output": {"model_name": "m"}},
            {"generations": [{"text": maker.text(), "message": message["kwargs"]}], "llm_output": None},
            {pick(("output", "message")): pick((message, message["kwargs"], maker.text()))},
            {"content": maker.text()},
            None,
        )
    )
    return {
        "id": _hex(maker),
        "trace_id": _hex(maker),
        "parent_run_id": _hex(maker),
        "run_type": pick(("llm", "llm", "llm", "chain", "tool", "embedding")),
        "start_time": _date(maker, ends=pick(("", "", "+00:00"))),
        "extra": {"metadata": metadata | pick(({}, {"usage_metadata": usage})), "invocation_params": {}},
        "error": pick((None, None, None, "RateLimitError()")),
        "outputs": outputs,
        "prompt_tokens": asked,
        "child_run_ids": pick((None, [], [], [_hex(maker)])),
        **pick(({}, {}, {"child_runs": pick((None, []))})),
    }


def _agentgateway(maker: Maker) -> Document:
    pick, is_of_model = maker.chance.choice, maker.chance.random() < 0.8
    counts = {
        "gen_ai.usage.input_tokens": maker.count(),
        "gen_ai.usage.output_tokens": maker.count(),
        **maker.some(**{"gen_ai.usage.cache_read.input_tokens": maker.count(), "gen_ai.request.temperature": 0.5}),
    }
    models = {"gen_ai.request.model": _model(maker), "gen_ai.response.model": _model(maker)}
    asked = {"gen_ai.operation.name": pick(("chat", "chat", "embeddings")), "gen_ai.provider.name": "openai"}
    whose = {"jwt.sub": _key(maker), "api_key_id": _key(maker), "agw.api_key.name": _key(maker)}
    traced = {"trace.id": _hex(maker, 32), "span.id": _hex(maker)}
    taken = f"{maker.count()}ms"
    return {
        "level": "info",
        "time": _date(maker, ends="Z"),
        "scope": "request",
        "route": "default/route0",
        "src.addr": "127.0.0.1:40322",
        "http.method": pick(("POST", "POST", "POST", "GET")),
        "http.path": pick(("/v1/chat/completions", "/v1/messages", "/ask")) if is_of_model else "/healthz",
        "http.status": pick((200, 200, 200, 429)),
        **pick((traced, traced, {"request_id": _hex(maker)}, {})),
        **(models | asked | counts if is_of_model else {}),
        "duration": pick((taken, taken, taken, "0ms")),
        **dict([pick([*whose.items()])]),
    }


def _braintrust(maker: Maker) -> Document:
    pick, counts = maker.chance.choice, _counts(maker)
    details = {
        "prompt_cached_tokens": maker.part(counts["prompt_tokens"]),
        "prompt_cache_creation_tokens": maker.part(counts["prompt_tokens"]),
        "completion_reasoning_tokens": maker.part(counts["completion_tokens"]),
        "time_to_first_token": maker.count() / 1000,
        "cached": pick((0, 0, 0, 1)),
    }
    answer = maker.body("chat").response
    message = {"index": 0, "message": {"role": "assistant", "content": maker.text()}}
    metrics = {"start": _second(maker) + 0.25, "end": _second(maker), "tokens": counts.pop("total_tokens"), **counts}
    kind = pick(("llm", "llm", "llm", "task", "tool", "score"))
    span = _hex(maker)
    return {
        "id": _hex(maker),
        "span_id": span,
        "root_span_id": pick((span, _hex(maker))),
        "span_parents": pick((None, [_hex(maker)])),
        "span_attributes": {"name": "Chat Completion", "type": kind, "exec_counter": maker.count()},
        "created": _date(maker, ends="Z"),
        "metadata": {"model": _model(maker), "api_key_id": _key(maker), "temperature": 0.5},
        "input": [{"role": "user", "content": maker.text()}],
        "output": pick(([message], [message, message], message, maker.text(), answer, None)),
        "metrics": metrics | maker.some(**details),
        "error": pick((None, None, None, maker.text())),
        "scores": None,
        "tags": pick((None, ["made-up"])),
    }


def _weave(maker: Maker) -> Document:
    pick = maker.chance.choice
    op = pick(("openai.chat.completions.create", "anthropic.Messages.create", "made_up", "openai.responses.create"))
    body = maker.body(pick(("chat", "chat", "responses", "anthropic"))).response
    return {
        "id": _hex(maker),
        "project_id": "made/up",
        "op_name": pick((f"weave:///made/up/op/{op}:v0", f"weave:///made/up/op/{op}:v1", op)),
        "trace_id": _hex(maker),
        "parent_id": pick((None, _hex(maker))),
        "started_at": _date(maker, ends=pick(("Z", "", "+00:00"))),
        "ended_at": _date(maker, ends="Z"),
        "attributes": {"api_key_id": _key(maker), "weave": {"client_version": "0.52"}},
        "inputs": {"model": _model(maker), "messages": [{"role": "user", "content": maker.text()}], "self": {"a": 1}},
        "output": pick((body, body, body, maker.text(), None)),
        "summary": {"usage": {_model(maker): _counts(maker)}, "weave": {"status": "success"}},
        "exception": pick((None, None, None, maker.text())),
        "wb_user_id": _hex(maker),
    }


def _opik(maker: Maker) -> Document:
    pick, prompt, completion = maker.chance.choice, maker.count(), maker.count()
    client = pick(("openai", "anthropic", "genai", None))
    details = {"cached_tokens": maker.part(prompt), "audio_tokens": 0}
    original: dict[str, Any] = pick(
        (
            {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                **{f"prompt_tokens_details.{name}": count for name, count in maker.some(**details).items()},
            },
            {"input_tokens": prompt, "output_tokens": completion, "cache_read_input_tokens": maker.count()},
            {"prompt_token_count": prompt, "candidates_token_count": completion},
            {},
        )
    )
    plain = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": maker.sum(prompt, completion)}
    answered = {"id": f"chatcmpl-{_hex(maker)}", "model": _model(maker), "service_tier": pick((None, "default"))}
    return {
        "id": _hex(maker),
        "trace_id": _hex(maker),
        "parent_span_id": pick((None, _hex(maker))),
        "project_id": _hex(maker),
        "type": pick(("llm", "llm", "llm", "general", "tool")),
        "name": "chat_completion_create",
        "start_time": _date(maker, ends=pick(("Z", ""))),
        "end_time": _date(maker, ends="Z"),
        "last_updated_at": _date(maker, ends="Z"),
        "input": {"messages": [{"role": "user", "content": maker.text()}]},
        "output": {"choices": [{"message": {"content": maker.text()}}]},
        "metadata": {"api_key_id": _key(maker), **({"created_from": client, **answered} if client else {})},
        "model": _model(maker),
        "provider": client,
        "usage": plain | {f"original_usage.{name}": count for name, count in original.items()},
        "total_estimated_cost": 0.01,
        "feedback_scores": pick((None, [], [{"name": "made-up", "value": 1}])),
        "error_info": pick((None, None, None, {"exception_type": maker.text()})),
        "tags": pick(([], ["made-up"])),
    }


def _portkey(maker: Maker) -> Document:
    pick, said = maker.chance.choice, {"api_key_id": _key(maker), "_user": maker.chance.choice(("lena", "omar"))}
    has_failed = maker.chance.random() < 0.1
    line = {
        "id": _hex(maker),
        "trace_id": _hex(maker),
        "created_at": _date(maker, ends="Z"),
        "request": {"model": _model(maker), "messages": [{"content": maker.text()}], "stream": pick((True, False))},
        "response": {"error": {"message": maker.text()}} if has_failed else _body(maker),
        "ai_org": pick(("openai", "anthropic")),
        "ai_model": _model(maker),
        "req_units": maker.count(),
        "res_units": maker.count(),
        "request_url": pick(_URLS_OF_PORTKEY),
        "cost": 0.0105,
        "cost_currency": "USD",
        "response_status_code": 429 if has_failed else 200,
        "metadata": pick((said, said, json.dumps(said))),
    }
    if maker.chance.random() < 0.1:
        line["cache_status"] = pick(("HIT", "MISS", "DISABLED", "STALE"))
    if maker.chance.random() < 0.1:
        line["created_at"] = "Tue Nov 03 2026 10:00:01 GMT+0100 (Central European Standard Time)"
    return line


def _portkey_log(maker: Maker) -> Document:
    pick, has_metrics, has_failed = maker.chance.choice, maker.chance.random() < 0.8, maker.chance.random() < 0.1
    body = pick((_body(maker), _body(maker), _body(maker), "...REDACTED...", None))
    answer = {"status": 500 if has_failed else 200, "headers": {"x-portkey-cache-status": pick(("DISABLED", "HIT"))}}
    asked = {"model": _model(maker), "messages": [{"content": maker.text()}]}
    metrics = {
        "created_at": _date(maker, separator=" "),
        "ai_model": _model(maker),
        "req_units": maker.count(),
        "res_units": maker.count(),
        "cache_status": pick(("DISABLED", "DISABLED", "MISS", "HIT")),
        "stream_mode": pick((True, False, False)),
        "api_key_id": _key(maker),
    }
    return {
        "_id": _hex(maker),
        "request": {
            "url": pick(_URLS_OF_PORTKEY),
            "method": "POST",
            "body": asked,
            "portkeyHeaders": {"x-portkey-metadata": json.dumps({"_user": _key(maker)})},
        },
        "response": answer | ({} if body is None else {"body": body}),
        "organisation_id": _hex(maker),
        "created_at": _date(maker, ends="Z"),
        **({"metrics": metrics} if has_metrics else {}),
    }


def _envoy(maker: Maker) -> Document:
    pick = maker.chance.choice
    models = {"gen_ai.request.model": _model(maker), "gen_ai.response.model": _model(maker)}
    counts = {"gen_ai.usage.input_tokens": maker.count(), "gen_ai.usage.output_tokens": maker.count()}
    is_of_model = maker.chance.random() < 0.8
    return {
        "start_time": _date(maker, ends="Z"),
        "response_code": pick((200, 200, 500)),
        "method": "POST",
        "x-envoy-origin-path": pick(("/v1/chat/completions", "/ask") if is_of_model else ("/mcp", "-", None)),
        "x-client-id": pick((_key(maker), "-")),
        "x-request-id": pick((_hex(maker), _hex(maker), "-")),
        "duration": maker.count(),
        **(models | counts if is_of_model else dict.fromkeys((*models, *counts))),
        "gen_ai.usage.total_tokens": maker.sum(*counts.values()) if is_of_model else None,
    }


def _headers_of_caller(maker: Maker) -> Document:
    """Return headers of a request: mostly with a key, seldom with one that is masked, or stated elsewhere."""
    key = f"made-up-{maker.chance.randrange(3)}"
    if maker.chance.random() < 0.95:
        return {"host": "gateway", "authorization": f"Bearer {key}"}
    stated = {name: maker.chance.choice((key, f"Bearer {key}")) for name in ("x-api-key", "Authorization", "apikey")}
    odd = maker.chance.choice((f"bearer  {key} ", f"Basic {key}", "Bearer ***", "Bearer ", "", [f"Bearer {key}"], None))
    return {"authorization": odd} | maker.some(**stated)


def _apisix(maker: Maker) -> Document:
    pick, counts = maker.chance.choice, _counts(maker)
    texts = {name: str(value) for name, value in counts.items()}
    summary = {"model": _model(maker), "request_model": _model(maker), "stream": pick(("true", "false")), **texts}
    cached = pick((counts.get("prompt_tokens", 8) // 2, counts.get("prompt_tokens", 8) // 2, maker.count()))
    path = pick(("/v1/chat/completions", "/v1/chat/completions", "/v1/messages", "/orders"))
    return {
        "start_time": _second(maker) * 1000 + maker.chance.randrange(1000),
        "apisix_request_id": _hex(maker),
        "apisix_latency": maker.count() / 8,
        "request": {"uri": path, "method": "POST", "headers": _headers_of_caller(maker)},
        "response": {"status": 200, "headers": pick(({}, {"x-ai-cache-status": "HIT"}, {"X-AI-Cache-Status": "MISS"}))},
        "consumer": pick(({"username": _key(maker)}, {"username": _key(maker)}, None)),
        "llm_summary": pick((summary, summary | {"cache_read_input_tokens": str(cached)}, None)),
    }


def _higress(maker: Maker) -> Document:
    pick = maker.chance.choice
    prompt, completion = maker.count(), maker.count()
    counts = {"input_token": prompt, "output_token": completion, "total_token": maker.sum(prompt, completion)}
    details = {
        "input_token_details": {"cached_tokens": maker.count(), "audio_tokens": maker.count()},
        "output_token_details": {"reasoning_tokens": maker.count(), "audio_tokens": 1},
    }
    stated = {
        "model": pick((_model(maker), _model(maker), "UNKNOWN")),
        "consumer": _key(maker),
        "chat_id": _hex(maker),
        "response_type": "normal",
        **counts,
        **pick(({}, details)),
    }
    is_of_model = maker.chance.random() < 0.8
    return {
        "ai_log": pick((json.dumps(stated), stated, json.dumps(stated))) if is_of_model else "-",
        "start_time": _date(maker, ends="Z"),
        "request_id": _hex(maker),
        "method": "POST",
        "path": pick(("/v1/chat/completions", "/orders", "-")),
        "response_code": "200",
    }


def _otel(maker: Maker) -> Document:
    """Return a batch of spans, of events or of metrics: some are inferences, and some within another one."""
    pick = maker.chance.choice
    if maker.chance.random() < 0.03:
        return {"resourceMetrics": [{"resource": {"attributes": []}, "scopeMetrics": []}]}
    groups, scopes, rows = pick(
        (("resourceSpans", "scopeSpans", "spans"),) * 3 + (("resourceLogs", "scopeLogs", "logRecords"),)
    )
    make = _span if rows == "spans" else _event
    before: list[Document] = []
    return {
        groups: [
            {
                "resource": {
                    "attributes": _attributes({"service.name": "s", pick(("api_key_id", "user.id", "x")): _key(maker)})
                },
                scopes: [
                    {"scope": {"name": "s"}, rows: [make(maker, before) for _ in range(pick((1, 1, 1, 2, 3)))]}
                    for _ in range(pick((1, 1, 1, 1, 2)))
                ],
                "schemaUrl": "",
            }
            for _ in range(pick((1, 1, 1, 1, 2)))
        ]
    }


def _span(maker: Maker, before: list[Document]) -> Document:
    """Return a span, within one of those ``before`` it in the line at times; which it is one of then."""
    pick = maker.chance.choice
    span = {
        "traceId": pick(before)["traceId"] if before and maker.chance.random() < 0.7 else _hex(maker, 32),
        "spanId": _hex(maker),
        "parentSpanId": pick([*(other["spanId"] for other in before), "", _hex(maker), _hex(maker)]),
        "name": "chat",
        "startTimeUnixNano": str(_second(maker) * 10**9 + maker.chance.randrange(10**9)),
        "attributes": _attributes(pick((_inference, _inference, _of_tracers, _of_own_names))(maker))
        if maker.chance.random() < 0.7
        else _attributes(pick(_OTHER_SPANS)),
        "status": pick(({}, {"code": 1}, {"code": 2, "message": "made up"})),
    }
    if maker.chance.random() < 0.4:
        span.pop("parentSpanId")
    if before and maker.chance.random() < 0.1:  # as a framework repeats the call of its client
        span["attributes"] = deepcopy(before[-1]["attributes"])
    if before and maker.chance.random() < 0.03:  # what asks for vectors, within what says so and counts nothing
        around = before[-1]
        around["attributes"] = _attributes({"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m"})
        counted = _attributes({"gen_ai.usage.input_tokens": maker.count()})
        span |= {"traceId": around["traceId"], "parentSpanId": around["spanId"]}
        span["attributes"] = [*around["attributes"], *counted]
    if maker.chance.random() < 0.01:
        span["attributes"] += _attributes({pick(("spanId", "parentSpanId")): _hex(maker)})
    before.append(span)
    return span


def _event(maker: Maker, before: list[Document]) -> Document:
    """Return an event, with the ids of a span."""
    span = _span(maker, before)
    name = maker.chance.choice(("gen_ai.client.inference.operation.details",) * 2 + ("other",))
    ids = {"traceId": span["traceId"], "spanId": span["spanId"]}
    times = {"timeUnixNano": span["startTimeUnixNano"], "observedTimeUnixNano": str(_second(maker) * 10**9)}
    if maker.chance.random() < 0.1:
        named = {"event.name": "api_request"} | _of_coding(maker)
        return {**times, "body": {"stringValue": "claude_code.api_request"}, "attributes": _attributes(named)}
    if maker.chance.random() < 0.1:
        body = {"stringValue": f"API response from {_model(maker)}. Status: 200. Duration: {maker.count()}ms."}
        return {**times, "body": body, "attributes": _attributes(_of_qwen_code(maker))}
    if maker.chance.random() < 0.1:
        written_at = "event otel/src/events/session_telemetry.rs:912"
        return {**times, **ids, "eventName": written_at, "attributes": _attributes(_of_codex(maker))}
    return {**times, "eventName": name, "attributes": span["attributes"], **ids}


def _of_coding(maker: Maker) -> Document:
    """Return the attributes of a call of Anthropic's coding tool."""
    counts = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    named = {
        "model": _model(maker),
        "request_id": f"req_{_hex(maker)}",
        "speed": maker.chance.choice(("normal", "fast")),
    }
    return {"user.id": _key(maker), **named, **{name: maker.count() for name in counts}}


def _of_qwen_code(maker: Maker) -> Document:
    """Return the attributes of a call of Qwen Code, or of Gemini CLI."""
    counts = ("input", "output", "cached_content", "thoughts", "tool", "total")
    return {
        "event.name": maker.chance.choice(("qwen-code.api_response", "gemini_cli.api_response")),
        "user.id": _key(maker),
        "model": _model(maker),
        "response_id": f"chatcmpl-{_hex(maker)}",
        **{f"{name}_token_count": maker.count() for name in counts},
    }


def _of_codex(maker: Maker) -> Document:
    """Return the attributes of an event of Codex, of which the last of a stream counts."""
    named = {
        "event.name": maker.chance.choice(("codex.sse_event", "codex.sse_event", "codex.api_request")),
        "event.timestamp": _date(maker, ends="Z"),
        "conversation.id": _hex(maker),
        "user.account_id": _key(maker),
        "model": _model(maker),
    }
    counts = {"input_token_count": str(maker.count()), "output_token_count": str(maker.count())}
    return named | (counts | {"cached_token_count": maker.count()} if maker.chance.random() < 0.8 else {})


def _of_own_names(maker: Maker) -> Document:
    """Return attributes that count tokens by names of nobody's, some of which say too little."""
    pick, prompt, completion = maker.chance.choice, maker.count(), maker.count()
    written = pick((int, int, str))
    named: dict[str, Any] = pick(
        (
            {"acme.usage.tokensIn": prompt, "acme.usage.tokensOut": completion},
            {"input_tokens": prompt, "output_tokens": completion},
            {"total_tokens": prompt},
            {"acme.max_tokens": prompt, "acme.time_to_first_token_ms": completion},
            {"session.input_tokens": prompt, "session.output_tokens": completion},
            {
                "ai.operationId": "ai.generateText",
                "ai.usage.promptTokens": prompt,
                "ai.usage.completionTokens": completion,
            },
        )
    )
    return {
        name: written(pick((count, count, 0))) for name, count in named.items() if isinstance(count, int)
    } | maker.some(**{"model": _model(maker), "acme.model": _model(maker), "acme.id": _hex(maker)})


_OTHER_SPANS: tuple[Document, ...] = (
    {"codex.request.reasoning_effort": "high", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 7},
    {"ai.observability.span_type": "eval_root", "ai.observability.cost.num_prompt_tokens": 7},
    {"http.response.status_code": 200, "url.path": "/v1/chat/completions"},
    {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 7},
    {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "made-up"},
    {"traceloop.span.kind": "workflow", "gen_ai.usage.prompt_tokens": 7},
    {"openinference.span.kind": "CHAIN", "llm.token_count.prompt": 7},
    {"agent_name": "made-up", "model_name": "made-up", "gen_ai.usage.input_tokens": 7},
    {"gen_ai.agent.name": "made-up", "gen_ai.usage.input_tokens": 7},
    {"span.type": "span", "gen_ai.operation.name": "chat", "gen_ai.response.id": "gen-1:attempt-0"},
    {"request.type": "image_generation", "gen_ai.operation.name": "generate_content"},
    {"gen_ai.operation.name": "chat.completions", "gen_ai.response.prompt_tokens": -1},
    {"gen_ai.operation.name": "text.completions", "gen_ai.response.prompt_tokens": 7},
    {"coding_agent.session.outcome": "completed", "gen_ai.usage.input_tokens": 7, "gen_ai.request.model": "made-up"},
    {"gen_ai.span.kind": "CHAIN", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 7},
    {"lmnr.span.type": "CACHED", "gen_ai.system": "openai", "gen_ai.request.model": "made-up"},
    {"llm.request.type": "rerank", "gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": 0},
)


def _inference(maker: Maker) -> Document:
    pick = maker.chance.choice
    old = maker.chance.random() < 0.3
    names = ("prompt_tokens", "completion_tokens") if old else ("input_tokens", "output_tokens")
    counts = {f"gen_ai.usage.{name}": maker.count() for name in names}
    found = {"gen_ai.system": "openai", "gen_ai.request.model": _model(maker), **counts}
    if not old:
        found["gen_ai.operation.name"] = pick(("chat", "chat", "embeddings", "text_completion"))
    if maker.chance.random() < 0.5:
        found |= {"gen_ai.response.id": f"chatcmpl-{_hex(maker)}", "gen_ai.response.model": _model(maker)}
        found |= {"gen_ai.response.finish_reasons": [pick(("stop", "length"))], "gen_ai.prompt.0.content": "made up"}
    if maker.chance.random() < 0.3:
        found["gen_ai.usage.cache_read.input_tokens"] = maker.part(counts[f"gen_ai.usage.{names[0]}"])
    if maker.chance.random() < 0.2:
        found |= _details(maker, *counts.values())
    if maker.chance.random() < 0.2:
        found |= _of_gateways(maker, *counts.values())
    if maker.chance.random() < 0.1:
        found["gen_ai.agent.name"] = "made-up"
    if maker.chance.random() < 0.2:
        found |= {
            "error.type": pick(("429", "timeout")),
            "gen_ai.request.stream": True,
            "gen_ai.request.temperature": 0.5,
        }
    if maker.chance.random() < 0.2:
        found["gen_ai.usage.total_tokens"] = maker.sum(*counts.values())
    if maker.chance.random() < 0.2:
        found["user.id"] = _key(maker)
    return found


def _of_tracers(maker: Maker) -> Document:
    """Return what spans have whose usage is the text of an object, or is told by other names than the conventions'."""
    pick, prompt, completion = maker.chance.choice, maker.count(), maker.count()
    cached, total, model = maker.part(prompt), maker.sum(prompt, completion), _model(maker)
    plain = {"prompt_tokens": prompt, "completion_tokens": completion}
    kind, layout = maker.chance.random() < 0.9, pick(((", ", ": "), (",", ":")))

    def text(**said: Any) -> str:
        return json.dumps(said, separators=layout)

    answer = {
        "id": f"chatcmpl-{_hex(maker)}",
        "object": "chat.completion",
        "model": model,
        "choices": [],
        "usage": plain,
    }
    found: dict[str, Any] = pick(
        (
            {
                "langfuse.observation.type": pick(("generation", "embedding")) if kind else "span",
                "langfuse.observation.model.name": model,
                "langfuse.observation.usage_details": text(
                    input=prompt, output=completion, **maker.some(input_cached_tokens=cached, total=total)
                ),
            },
            {
                "braintrust.span_attributes": text(name="Chat", type="llm" if kind else "task"),
                "braintrust.metadata": text(model=model),
                "braintrust.metrics": text(**plain, **maker.some(tokens=total, prompt_cached_tokens=cached)),
                **maker.some(**{"braintrust.output_json": text(**answer)}),
            },
            {
                "mlflow.spanType": json.dumps("CHAT_MODEL" if kind else "AGENT"),
                "mlflow.llm.model": json.dumps(model),
                "mlflow.chat.tokenUsage": text(input_tokens=prompt, output_tokens=completion, total_tokens=total),
                **maker.some(**{"mlflow.spanOutputs": text(**answer)}),
            },
            {
                "judgment.llm.model": model,
                "judgment.usage.non_cached_input_tokens": prompt,
                **({"judgment.usage.output_tokens": completion} if kind else {}),
                **maker.some(
                    **{
                        "judgment.usage.cache_read_input_tokens": cached,
                        "judgment.usage.metadata": text(**plain, total_tokens=total),
                    }
                ),
            },
            {
                "judgment.usage.output_tokens": completion,
                "judgment.usage.metadata": text(prompt_token_count=prompt, candidates_token_count=completion),
            },
            {
                "ai.observability.cost.model": model,
                "ai.observability.cost.num_tokens": total,
                "ai.observability.cost.num_prompt_tokens": prompt,
                "ai.observability.cost.num_completion_tokens": completion,
            },
            {
                "genkit:type": "action",
                "genkit:name": model,
                **({"genkit:metadata:subtype": "model"} if kind else {}),
                "genkit:output": text(
                    finishReason="stop", usage={"inputTokens": prompt, "outputTokens": completion, "totalTokens": total}
                ),
            },
            {
                "langwatch.span.type": "llm" if kind else "agent",
                "gen_ai.request.model": model,
                "langwatch.metrics": text(type="json", value={"promptTokens": prompt, "completionTokens": completion}),
            },
            {
                "llm.request.type": pick(("chat", "completion", "embedding")),
                "llm.request.model": model,
                "llm.usage.prompt_tokens": prompt,
                "llm.usage.completion_tokens": completion,
            },
        )
    )
    return found | maker.some(**{"user.id": _key(maker)})


def _details(maker: Maker, prompt: Any, completion: Any) -> Document:
    """Return counts as Pydantic AI has them, beside what it names as the conventions do."""
    details = {
        "cache_read_tokens": maker.part(prompt),
        "cache_creation_input_tokens": maker.part(prompt),
        "thoughts_tokens": maker.part(completion),
        "input_audio_tokens": maker.part(prompt),
        "cache_audio_read_tokens": maker.part(prompt),
    }
    return {f"gen_ai.usage.details.{name}": value for name, value in maker.some(**details).items()}


def _of_gateways(maker: Maker, prompt: Any, completion: Any) -> Document:
    """Return what spans of OpenRouter and of Bifrost have beside the two counts."""
    pick, written = maker.chance.choice, maker.part(prompt)
    of_openrouter = {
        "span.type": pick(("generation", "generation", "span")),
        "gen_ai.usage.input_tokens.cached": maker.part(prompt),
        "gen_ai.usage.input_tokens.cache_write": written,
        "gen_ai.usage.input_tokens.cache_write_1h": maker.part(written),
        "gen_ai.usage.output_tokens.reasoning": maker.part(completion),
    }
    of_bifrost = {
        "request.type": pick(("chat_completion", "responses_stream", "transcription")),
        pick(("bifrost.virtual_key.id", "gen_ai.virtual_key_id")): _key(maker),
        "gen_ai.response.service_tier": pick(("default", "flex", "auto")),
        "gen_ai.usage.prompt_token_details.cached_read_tokens": maker.part(prompt),
        "gen_ai.usage.prompt_token_details.cached_write_tokens": written,
        "gen_ai.usage.prompt_token_details.cached_write_tokens_1h": maker.part(written),
        "gen_ai.usage.completion_token_details.reasoning_tokens": maker.part(completion),
        "gen_ai.usage.completion_token_details.audio_tokens": maker.part(completion),
    }
    return maker.some(**pick((of_openrouter, of_bifrost)))


def _attributes(named: Mapping[str, Any]) -> list[Document]:
    return [{"key": name, "value": any_value(of)} for name, of in named.items()]


def any_value(value: Any) -> Document:
    """Return an ``AnyValue`` as OTLP JSON writes it: integers are text."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(each) for each in value]}}
    return {"doubleValue" if isinstance(value, float) else "stringValue": value}


def _nginx(maker: Maker) -> Document:
    pick, ended = maker.chance.choice, f"{_second(maker)}.{maker.chance.randrange(1000):03}"
    taken = f"{maker.count() / 1000:.3f}"
    instants = {
        "msec": {"msec": pick((ended, ended, float(ended)))},
        "iso": {"time_iso8601": _date(maker, ends="+01:00")},
        "local": {"time_local": "27/Nov/2026:16:00:00 +0000"},
    }
    body = {"request_body": json.dumps({"model": _model(maker)}), "resp_body": maker.body("chat").response}
    return {
        **instants[pick(("msec", "msec", "msec", "iso", "local"))],
        **(instants["local"] if maker.chance.random() < 0.1 else {}),
        "request_time": pick((taken, taken, taken, "0.000", float(taken), "-", "")),
        **(body if maker.chance.random() < 0.2 else {}),
        "status": "200",
        "request_id": _hex(maker),
        "request_method": "POST",
        "request_uri": pick(("/v1/chat/completions", "/v1/chat/completions", "/healthz", "/openai/deployments/d/ask")),
        "api_key_id": _key(maker),
        "llm_usage": pick((json.dumps(_counts(maker)), json.dumps(_counts(maker)), "")),
    }


def _ours(maker: Maker) -> Document:
    line = {"ts": _date(maker, ends="Z"), "request_id": _hex(maker), "api_key_id": _key(maker), "status": 200}
    if maker.chance.random() < 0.3:
        written = maker.chance.choice((str, str, str.title))
        said = maker.chance.choice(
            ("flex", "priority", "optimized", "default", str(maker.count()), [str(maker.count())])
        )
        line["response_headers"] = {"content-type": "text"} | {
            written(header): said for header in bedrock.HEADERS if maker.chance.random() < 0.2
        }
    path = maker.chance.choice(("/v1/chat/completions", "/v1/chat/completions", "/model/m/invoke"))
    return {**line, "path": path, "request": {"model": _model(maker)}, "response": _body(maker)}


_FIELDS: tuple[dict[str, Any], ...] = (
    {
        "ts": ["at", "time.begin"],
        "api_key_id": ["who.key", "who.team"],
        "request_id": "ids.call",
        "response.id": "ids.answer",
        "status": ["http", {"from": "state", "ok": 200, "failed": 500}],
        "path": {"value": "/v1/chat/completions"},
        "request.model": "model.asked",
        "response.model": "model.used",
        "service_tier": "tier",
        "usage.prompt_tokens": {"sum": ["counts.in", "counts.cached"]},
        "usage.cached_tokens": "counts.cached",
        "usage.completion_tokens": "counts.out",
        "usage.total_tokens": "counts.all",
    },
    {"ts": "at", "api_key_id": {"value": "the-one"}, "request_id": "ids.call", "usage": "u", "request": "asked"},
    {"ts": "at", "api_key_id": {"from": "who.team", "a": "cust-a"}, "request_id": "ids.call", "response": "answer"},
    {"ts": "time.begin", "api_key": "who.key", "request_id": '"ids.call"', "response": "answer", "usage": "u"},
)


def _mapped(maker: Maker) -> Document:
    pick = maker.chance.choice
    prompt, completion, cached = maker.count(), maker.count(), maker.count()
    counts = {
        "in": prompt,
        "out": completion,
        "cached": pick((cached, 0)),
        "all": maker.sum(prompt, completion, cached),
    }
    asked = {"model": _model(maker), "n": 1, "messages": [{"content": maker.text()}]}
    return {
        "at": pick((_date(maker, ends="Z"), _date(maker), _second(maker), _second(maker) + 0.25)),
        "time": pick((None, {"begin": _date(maker, ends="+02:00")}, {"begin": _second(maker) * 1000})),
        "who": {"key": _key(maker), "team": pick(("a", "b", "-"))},
        "ids": pick(({"call": _hex(maker)}, {"call": _hex(maker), "answer": _hex(maker)})),
        "state": pick(("ok", "failed")),
        "http": pick((None, "", 200, "404")),
        "model": {"asked": _model(maker), "used": _model(maker)},
        "tier": pick((None, "flex", "batch")),
        "counts": counts,
        "u": pick((_counts(maker), json.dumps(_counts(maker)), None, {})),
        "asked": pick((asked, json.dumps(asked), "", None)),
        "answer": _body(maker),
        "note": maker.text(),
    }


def _of(made: Callable[[Maker], Document], name: str, *more: LogFormat) -> Kind:
    return Kind(made, (*[LogFormat()] * 3, LogFormat(format=name), LogFormat(time_zone="Europe/London"), *more))


KINDS: dict[str, Kind] = {
    "litellm": _of(
        _litellm, "litellm", LogFormat(format="litellm", fields={"api_key_id": "metadata.user_api_key_alias"})
    ),
    "litellm-spend": _of(
        _litellm_spend,
        "litellm-spend",
        LogFormat(format="litellm-spend", fields={"api_key_id": "metadata.user_api_key_alias"}),
    ),
    "helicone": _of(_helicone, "helicone", LogFormat(identity="request-id"), LogFormat(time_zone="UTC")),
    "langfuse": _of(_langfuse, "langfuse"),
    "openai-batch": _of(
        _batch, "openai-batch", LogFormat(format="openai-batch", fields={"api_key_id": {"value": "k"}})
    ),
    "bedrock-batch": _of(
        _bedrock_batch,
        "bedrock-batch",
        LogFormat(format="bedrock-batch", fields={"api_key_id": {"value": "k"}}),
        LogFormat(format="bedrock-batch", fields={"api_key_id": "batch.roleArn"}),
    ),
    "gemini-batch": Kind(
        _gemini_batch,
        (LogFormat(format="gemini-batch", fields={"api_key_id": {"value": "k"}}), *[LogFormat()] * 2),
    ),
    "vertex-batch": _of(
        _vertex_batch, "vertex-batch", LogFormat(format="vertex-batch", fields={"api_key_id": {"value": "k"}})
    ),
    "kong": _of(_kong, "kong"),
    "bedrock": _of(_bedrock, "bedrock", LogFormat(format="bedrock", fields={"api_key_id": "requestMetadata.tenant"})),
    "bifrost": _of(_bifrost, "bifrost", LogFormat(format="bifrost", fields={"api_key_id": "provider"})),
    "tensorzero": _of(_tensorzero, "tensorzero", LogFormat(format="tensorzero", fields={"api_key_id": "tags.user"})),
    "databricks": _of(
        _databricks, "databricks", LogFormat(format="databricks", fields={"api_key_id": "usage_context.project"})
    ),
    "cloudflare": _of(
        _cloudflare, "cloudflare", LogFormat(format="cloudflare", fields={"api_key_id": {"value": "app"}})
    ),
    "portkey": _of(_portkey, "portkey", LogFormat(format="portkey", fields={"api_key_id": "metadata._user"})),
    "portkey-log": _of(
        _portkey_log, "portkey-log", LogFormat(format="portkey-log", fields={"api_key_id": {"value": "app"}})
    ),
    "vertex": _of(_vertex, "vertex", LogFormat(format="vertex", fields={"api_key_id": {"value": "app"}})),
    "langsmith": _of(_langsmith, "langsmith", LogFormat(identity="request-id")),
    "agentgateway": _of(
        _agentgateway, "agentgateway", LogFormat(format="agentgateway", fields={"api_key_id": "route"})
    ),
    "opik": _of(_opik, "opik"),
    "braintrust": _of(_braintrust, "braintrust"),
    "weave": _of(_weave, "weave"),
    "envoy": _of(_envoy, "envoy"),
    "apisix": _of(_apisix, "apisix"),
    "higress": _of(_higress, "higress"),
    "otel": _of(_otel, "otel"),
    "nginx": _of(_nginx, "nginx"),
    "mapped": Kind(
        _mapped, (*(LogFormat(fields=fields) for fields in _FIELDS), LogFormat(fields=_FIELDS[0], depth_max=5))
    ),
    "ours": Kind(_ours, (LogFormat(), LogFormat(format="litellm"))),
}


class ForeignLines:
    """An endless supply of lines of one tool, with some of others between; equal seeds make equal lines."""

    def __init__(self, seed: int | str, *, is_gentle: bool = False, kind: str | None = None) -> None:
        """Make lines of a kind, or of any one; ``is_gentle``: most are as their tool writes them, but for a value."""
        self.chance = random.Random(f"foreign {seed}")
        self.kind = kind or self.chance.choice(sorted(KINDS))
        self.log_format = self.chance.choice(KINDS[self.kind].settings)
        self._is_gentle = is_gentle
        self._is_mixed = self.chance.random() < 0.3
        self._bytes = LineMaker(f"foreign {seed}", fresh=0.0, is_gentle=True)
        self._recent = [self.document() for _ in range(6)]

    def document(self) -> Document:
        """Return a document as its tool writes it."""
        kind = self.chance.choice(sorted(KINDS)) if self._is_mixed and self.chance.random() < 0.3 else self.kind
        return KINDS[kind].made(Maker(self.chance))

    def made(self) -> Made:
        """Return the next line."""
        fate = self.chance.random()
        if fate < (0.1 if self._is_gentle else 0.3):
            self._recent[self.chance.randrange(len(self._recent))] = self.document()
        document = self._varied(self.chance.choice(self._recent))
        if fate > (0.6 if self._is_gentle else 0.9):
            return Made(_written(document), is_usual=True)
        for _ in range(1 if self._is_gentle else self.chance.choice((1, 1, 2, 4))):
            self._change(document)
        line = self._odd_text(document) if self.chance.random() < 0.3 else _written(document)
        if self.chance.random() < (0.1 if self._is_gentle else 0.3):
            line = self._bytes._damaged_once(line)  # noqa: SLF001 - the one place that knows how bytes are damaged
        return Made(line.replace(b"\n", b" "), is_usual=False)

    def usual(self) -> Document:
        """Return a document of the kind, as its tool writes it."""
        return KINDS[self.kind].made(Maker(self.chance))

    def changed(self) -> Document:
        """Return a document of the kind, with a few of its values in other places, at times."""
        document = self.usual()
        for _ in range(self.chance.choice((0, 0, 1, 2))):
            self._change(document)
        return document

    def _varied(self, document: Document) -> Document:
        """Return a copy with other numbers, and other digits in its ids: in equal ones mostly the same."""
        copied = deepcopy(document)
        others: dict[str, str] = {}
        for path in [path for path in places(copied) if path]:
            holder, last = _at(copied, path)
            value = holder[last]
            if type(value) is int and value > 10**9:
                holder[last] = value + self.chance.randrange(1000)
            elif isinstance(value, float) and value > 10**9:
                holder[last] = value + self.chance.randrange(1000) + self.chance.randrange(10**6) / 10**6
            elif isinstance(last, str) and _names_an_id(last) and isinstance(value, str) and value:
                other = value[:-2] + f"{self.chance.randrange(256):02x}" if self.chance.random() < 0.7 else value
                holder[last] = others.setdefault(value, other) if self.chance.random() < 0.9 else other
        return copied

    def _change(self, document: Document) -> None:
        pick = self.chance.choice
        paths = [path for path in places(document) if path]
        if not paths:
            return
        holder, last = _at(document, pick(paths))
        fate = self.chance.random()
        if fate < 0.35:
            holder[last] = deepcopy(pick(_ODD))
        elif fate < 0.45:
            holder[last] = pick(_INSTANTS)
        elif fate < 0.55:
            other, at = _at(document, pick(paths))
            holder[last] = deepcopy(other[at])
        elif fate < 0.65 and isinstance(holder, dict):
            holder.pop(last)
        elif fate < 0.8 and isinstance(holder, dict):
            holder[pick(_NAMES)] = deepcopy(pick((*_ODD, holder[last])))
        elif fate < 0.9 and isinstance(holder, dict):
            names = list(holder)
            self.chance.shuffle(names)
            members = {name: holder[name] for name in names}
            holder.clear()
            holder.update(members)
        elif fate < 0.95:
            holder[last] = json.dumps(holder[last])
        else:
            holder[last] = [deepcopy(holder[last])]

    def _odd_text(self, document: Document) -> bytes:
        """Return a document with a name stated twice or with an escape, or with other blanks."""
        fate = self.chance.random()
        if fate < 0.4:
            written = json.dumps(document)
            return self._bytes._with_a_key_twice(written).encode()  # noqa: SLF001 - likewise
        if fate < 0.6:
            name = self.chance.choice(sorted(document) or ["x"])
            return json.dumps(document).replace(f'"{name}"', f'"\\u{ord(name[0]):04x}{name[1:]}"', 1).encode()
        if fate < 0.8:
            return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
        return b" " + json.dumps(document, separators=(" ,\t", " :  ")).encode() + b" \r"


def _names_an_id(name: str) -> bool:
    """Tell the name of an id that differs from line to line; models have few."""
    return name.endswith(("id", "Id", "ID")) and "model" not in name.lower()


def _at(document: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    *above, last = path
    for step in above:
        document = document[step]
    return document, last


def _written(document: Document) -> bytes:
    written = json.dumps(document)
    chance = random.Random(written)
    while '"NUMBER"' in written:
        written = written.replace('"NUMBER"', chance.choice(_NUMBERS), 1)
    return written.encode()
