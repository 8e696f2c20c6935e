"""Logged exchanges that hold canaries: raw keys and what customers wrote, in every place where either may come."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

from canaries import KEYS, WRITTEN
from logged_documents import (
    ARCHIVE,
    COUNTED,
    DOCUMENTS,
    agentgateway_line,
    apisix_line,
    bifrost_row,
    braintrust_span,
    databricks_row,
    datadog_span,
    envoy_line,
    higress_line,
    mlflow_trace,
    new_api_row,
    nginx_line,
    openrouter_generation,
    opik_span,
    posthog_event,
    tensorzero_row,
    weave_call,
    written_span,
)
from odd_documents import places
from workspaces import plain, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LITELLM = {
    "id": "chatcmpl-7f69e461",
    "litellm_call_id": "31ac6e26",
    "call_type": "completion",
    "status": "success",
    "startTime": 1_793_700_000.5,
    "endTime": 1_793_700_001.5,
    "model": "jamba-large",
    "metadata": {"user_api_key_hash": "key_1"},
    "prompt_tokens": 40,
    "completion_tokens": 5,
    "total_tokens": 45,
    "messages": [{"role": "user", "content": "Hi"}],
    "response": {"id": "chatcmpl-7f69e461", "choices": [{"message": {"content": "Hello"}}]},
}
BEDROCK = {
    "schemaType": "ModelInvocationLog",
    "timestamp": "2026-11-03T10:00:01Z",
    "identity": {"arn": "key_1"},
    "requestId": "req-1",
    "operation": "Converse",
    "modelId": "arn:aws:bedrock:us-east-1::foundation-model/jamba-large",
    "input": {"inputBodyJson": {"messages": [{"content": [{"text": "Hi"}]}]}, "inputTokenCount": 40},
    "output": {
        "outputBodyJson": {
            "output": {"message": {"content": [{"text": "Hello"}]}},
            "usage": {"inputTokens": 40, "outputTokens": 5},
        },
        "outputTokenCount": 5,
    },
    "requestMetadata": {"tenant": "key_1"},
}
CLOUDFLARE = {
    "id": "01JADMCQQQBWH3NXZ5GCRN98DP",
    "cached": False,
    "created_at": "2026-11-03T10:00:01Z",
    "metadata": {"api_key_id": "key_1"},
    "model": "jamba-large",
    "path": "v1/chat/completions",
    "success": True,
    "tokens_in": 40,
    "tokens_out": 5,
}
PORTKEY = {
    "id": "046b73bd-87da-4c0f-b716-2906d5f3f000",
    "created_at": "2026-11-03T10:00:01Z",
    "request": {"model": "jamba-large"},
    "response": {"id": "resp-3", "choices": [{}], "usage": {"prompt_tokens": 40, "completion_tokens": 5}},
    "ai_org": "ai21",
    "ai_model": "jamba-large",
    "request_url": "https://api.ai21.com/studio/v1/chat/completions",
    "response_status_code": 200,
    "metadata": {"api_key_id": "key_1"},
}
PORTKEY_LOG = {
    "_id": "046b73bd-87da-4c0f-b716-2906d5f3f001",
    "request": {"url": PORTKEY["request_url"], "method": "POST", "body": PORTKEY["request"]},
    "response": {"status": 200, "headers": {}, "body": PORTKEY["response"]},
    "organisation_id": "56916995-a761-4d90-bdf4-2c5550347777",
    "created_at": "2026-11-03T10:00:01Z",
    "metrics": {"created_at": "2026-11-03 10:00:01.000", "api_key_id": "key_1", "cache_status": "DISABLED"},
}
VERTEX = {
    "logging_time": "2026-11-03T10:00:01Z",
    "request_id": "5374205265901353984",
    "model": "publishers/google/models/jamba-large",
    "api_method": "GenerateContent",
    "full_request": {"labels": {"api_key_id": "key_1"}},
    "full_response": {
        "candidates": [{"finishReason": "STOP"}],
        "responseId": "resp-4",
        "usageMetadata": {"promptTokenCount": 40, "candidatesTokenCount": 5, "totalTokenCount": 45},
    },
}
EVERY_FORMAT: dict[str, dict[str, Any]] = {
    **DOCUMENTS,
    "litellm": LITELLM,
    "bedrock": BEDROCK,
    "cloudflare": CLOUDFLARE,
    "vertex": VERTEX,
    "portkey": PORTKEY,
    "portkey-log": PORTKEY_LOG,
    "har": ARCHIVE,
    "kong": COUNTED,
    "agentgateway": agentgateway_line(),
    "posthog": posthog_event(),
    "bifrost": bifrost_row(),
    "databricks": databricks_row(),
    "openrouter": openrouter_generation(),
    "opik": opik_span(),
    "braintrust": braintrust_span(),
    "weave": weave_call(),
    "spans of a transaction": written_span("sentry"),
    "spans of a trace": written_span("jaeger"),
    "tensorzero": tensorzero_row(),
    "datadog": datadog_span(),
    "spans": written_span("cloudwatch"),
    "mlflow": mlflow_trace(),
    "new-api": new_api_row() | {"token_id": "key_1"},
    "envoy": envoy_line(),
    "apisix": apisix_line(),
    "higress": higress_line(),
    "nginx": nginx_line(api_key_id="key_1"),
    "request-log": json.loads(plain("2026-10-01T10:00:00Z", id="resp-1", request_id="req-1", prompt=40, key="key_1")),
    "request-log of a stream": json.loads(
        stream("2026-10-01T10:00:00Z", id="resp-2", pieces=["a"], usage=(40, 5), key="key_1")
    ),
}
"""One document in each format that is read."""


def with_content_beside(document: Any) -> Any:
    """Return a document with more in each of its objects: what its customer wrote, under the names that have it."""
    beside = {
        "messages": [{"role": "user", "content": WRITTEN["prompt"]}],
        "system": WRITTEN["system"],
        "input": [WRITTEN["image"]],
        "output": {"content": WRITTEN["completion"]},
        "reasoning_content": WRITTEN["reasoning"],
        "tool_calls": [{"function": {"arguments": json.dumps({"q": WRITTEN["arguments of a tool"]})}}],
        "statusMessage": WRITTEN["error"],
        "user": WRITTEN["user"],
        "filename": WRITTEN["name of a file"],
        "x-stainless": WRITTEN["header"],
        "cookies": [{"name": WRITTEN["cookie"], "value": WRITTEN["cookie"]}],
        WRITTEN["name of a field"]: WRITTEN["beside"],
    }

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {**beside, **{key: changed(inner) for key, inner in value.items()}}
        return [changed(inner) for inner in value] if isinstance(value, list) else value

    return changed(document)


def with_key_in_each_place(document: Any, key: str) -> Iterator[Any]:
    """Yield a document with a raw key in one of its places at a time: alone, as a header has it, in a URL, in words."""
    forms: tuple[Callable[[str], str], ...] = (
        lambda _: key,
        lambda _: f"Bearer {key}",
        lambda text: f"{text}?key={key}",
        lambda _: f"Incorrect API key provided: {key}.",
    )
    for at, (*above, last) in enumerate(path for path in places(document) if path):
        for is_name in (False, True):
            changed = deepcopy(document)
            holder = changed
            for step in above:
                holder = holder[step]
            if is_name and isinstance(holder, dict):
                holder[key] = holder.pop(last)
            else:
                holder[last] = forms[at % len(forms)](str(holder[last]))
            yield changed


def hostile_lines() -> Iterator[str]:
    """Yield lines of a request log with canaries in every place where a body or an envelope may hold them."""
    line: Any = partial(plain, "2026-10-01T10:00:00Z", prompt=40)
    answer: dict[str, Any] = json.loads(line(id="x"))["response"]
    for number, (place, text) in enumerate(WRITTEN.items()):
        asked = {"model": "jamba-large", "messages": [{"content": text}], "user": text, "metadata": {text: text}}
        yield line(id=f"r-{number}", request=asked)
        yield line(id=f"e-{number}", status=401, response={"error": {"message": text, "code": text, "type": text}})
        yield line(id=f"p-{number}", response=f"upstream said: {text}", note=place)
        yield line(id=f"c-{number}", response=json.dumps(answer)[:-20] + text)
        yield line(id=f"m-{number}", method=text, host=text, path=f"/v1/chat/completions?prompt={text}")
        yield line(id=f"h-{number}", response_headers={"x-prompt": text, text: text})
        yield line(id=f"u-{number}", response=answer | {"usage": {"prompt_tokens": text, "completion_tokens": [text]}})
        yield line(id=f"b-{number}")[:-1] + f', "{text}": tru'
        yield line(id=f"d-{number}")[:-1] + f', "status": 201, "status": "{text}"}}'
        yield text
        yield stream("2026-10-01T10:00:00Z", id=f"s-{number}", pieces=[text, text], usage=(40, 5))
        yield stream("2026-10-01T10:00:00Z", id=f"t-{number}", pieces=[text], usage=None)
        yield line(id=f"z-{number}", response=f'data: {{"choices": []}}\n\ndata: {text}\n\nevent: {text}\n\n: {text}')
    for number, key in enumerate(KEYS):
        refused = {"error": {"message": f"Incorrect API key provided: {key}. Find yours.", "code": "invalid_api_key"}}
        raw = {"api_key_id": None, "api_key": f"Bearer {key}"}
        yield line(id=f"k-{number}", **raw)
        yield line(id=f"ke-{number}", status=401, response=refused, **raw)
        yield line(id=f"kq-{number}", path=f"/v1/chat/completions?key={key}", host=f"{key}@gateway.example", **raw)
        yield line(id=f"kh-{number}", headers={"authorization": f"Bearer {key}", "x-api-key": key}, **raw)
        yield line(id=f"ki-{number}", key=key)
        yield line(id=f"kb-{number}", key=f"Bearer {key}")
        yield line(id=f"kt-{number}", **raw)[:-9]
        yield line(id=f"kp-{number}", request={"model": "jamba-large", "api_key": key, "headers": {"x-api-key": key}})
