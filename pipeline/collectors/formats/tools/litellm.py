"""LiteLLM's ``StandardLoggingPayload``: one JSON object a call, as its callbacks write it.

Facts. ``status`` is ``success`` or ``failure``; an HTTP status there is after a failure alone, in
``error_information.error_code``, and not always. ``startTime`` is in seconds since 1970.
``metadata.user_api_key_hash`` is the proxy's digest of the virtual key; without the proxy it is null, and a source
names another (``fields = { api_key_id = … }``). ``response`` is the answer in OpenAI's shape, the chunks of a stream
put together; ``{}`` or null after a failure. ``model_group`` is what the caller asked for, ``model`` the deployment,
with its provider before it. ``prompt_tokens`` and its like are those of the answer, with details in
``metadata.usage_object``, and 0 where LiteLLM did not see any: so they count where the answer states none, and zeros
are none. ``cache_hit`` is an answer from LiteLLM's own cache, whose ``response`` is the first one's, with its id and
usage; where one API of LiteLLM answered through another, only ``_cache_hit`` and a time behind the ``id`` say so. They
stand there alone: callers choose the call's id (the header ``x-litellm-call-id``), and of some servers the answer's
(``request_id`` of vLLM), so what is called so by itself is no copy. A session of Realtime is one of responses.
What of a decision was read from a cache, or written to one, LiteLLM leaves out of its answer (``DecisionsUsage`` in
``types/decisions.py``), and has it among its own counts.
``response_cost`` is what LiteLLM thinks the provider asks; it is not looked at.

Source: ``litellm/types/utils.py`` and ``litellm_core_utils/litellm_logging.py`` of LiteLLM 1.110.2, and
https://docs.litellm.ai/docs/proxy/logging_spec.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.gateways.access_logs import changed
from pipeline.collectors.formats.mapping import number, object_in
from pipeline.collectors.formats.places import Places, TakenApart
from pipeline.collectors.values.strict_json import stated_once
from pipeline.collectors.values.traced import is_integer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "litellm"

_DECISIONS = ("decisions", "adecisions", "systemone", "asystemone")
_PATHS = {
    "/v1/chat/completions": ("completion", "acompletion"),
    "/v1/completions": ("text_completion", "atext_completion"),
    "/v1/embeddings": ("embedding", "aembedding"),
    "/v1/responses": ("responses", "aresponses", "_aresponses_websocket", "_arealtime"),
    "/v1/interactions": ("create_interaction", "acreate_interaction"),
    "/v1/responses/compact": ("compact_responses", "acompact_responses"),
    "/v1beta/models:generateContent": (
        *("generate_content", "agenerate_content", "generate_content_stream", "agenerate_content_stream"),
    ),
    "/v1/messages": ("anthropic_messages", "aanthropic_messages"),
    "/v1/decisions": _DECISIONS,
    "/v1/images": ("image_generation", "aimage_generation", "image_edit", "aimage_edit"),
    "/v1/audio": ("speech", "aspeech", "transcription", "atranscription"),
    "/v1/moderations": ("moderation", "amoderation"),
    "/v1/rerank": ("rerank", "arerank"),
    "/v1/batches": (
        *("create_batch", "acreate_batch", "retrieve_batch", "aretrieve_batch", "cancel_batch", "acancel_batch"),
    ),
    "/v1/models": (
        *("get_responses", "aget_responses", "cancel_responses", "acancel_responses"),
        *("delete_responses", "adelete_responses", "list_input_items", "alist_input_items"),
        *("get_interaction", "aget_interaction", "cancel_interaction", "acancel_interaction"),
        *("delete_interaction", "adelete_interaction"),
        *("send_message", "asend_message", "send_message_streaming", "asend_message_streaming"),
    ),
}
"""The endpoint of each kind of call. A kind that is not here is a path of its own, and the answer decides.

An answer that is asked for again states its usage again, each time by another id (the proxy encrypts ids of responses):
it is on an endpoint of no completion. So is a message to an agent (A2A): LiteLLM counts its words with a tokenizer
(``A2ARequestUtils`` in ``a2a_protocol/utils.py``), and what models the agent asks are calls of their own.
"""

MAPPING: Mapping[str, Any] = {
    "ts": "startTime",
    "api_key_id": "metadata.user_api_key_hash",
    "request_id": ["litellm_call_id", "id"],
    "status": ["error_information.error_code", {"from": "status", "success": 200, "failure": 500}],
    "response.error": {"from": "status", "success": False, "failure": True},
    "path": {"from": "call_type", **{call: path for path, calls in _PATHS.items() for call in calls}},
    "request.model": ["model_group", "model"],
    "request.stream": "stream",
    "response": "response",
    "cache_hit": "cache_hit",
    "usage.prompt_tokens": "prompt_tokens",
    "usage.completion_tokens": "completion_tokens",
    "usage.total_tokens": "total_tokens",
    "usage.cached_tokens": [
        "metadata.usage_object.prompt_tokens_details.cached_tokens",
        "metadata.usage_object.cache_read_input_tokens",
    ],
    "usage.cache_write_tokens": [
        "metadata.usage_object.prompt_tokens_details.cache_creation_tokens",
        "metadata.usage_object.prompt_tokens_details.cache_write_tokens",
        "metadata.usage_object.cache_creation_input_tokens",
    ],
    "usage.cache_write_1h_tokens": (
        "metadata.usage_object.prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens"
    ),
    "usage.reasoning_tokens": "metadata.usage_object.completion_tokens_details.reasoning_tokens",
    "usage.prompt_audio_tokens": "metadata.usage_object.prompt_tokens_details.audio_tokens",
    "usage.completion_audio_tokens": "metadata.usage_object.completion_tokens_details.audio_tokens",
}


COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_OF_CACHE = ("cached_tokens", "cache_write_tokens")

COPY = re.compile(r"(.+)_cache_hit[0-9.]+", re.DOTALL)
"""What the id of a copy out of the cache is made of: the first answer's, and when it was copied."""

_A_COPY = re.compile(r".+_cache_hit[0-9.]+", re.DOTALL)
"""The same, of which nothing is taken: the first answer's id is in the answer."""

PLACES = Places(taken_apart=(TakenApart("id", _A_COPY, "chatcmpl-60_cache_hit1793700009.5"),))


def recognises(document: JsonObject) -> bool:
    """Tell the payload of one call."""
    is_call = "call_type" in document and "startTime" in document and "response" in document
    return is_call and not is_spend_log(document)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the payload, a copy out of the cache as one."""
    own = stated_once(document, "id")
    is_copy = isinstance(own, str) and COPY.fullmatch(own) is not None and not is_chosen(own, document)
    changes = {**written_apart(document), **_decided(document), **({"cache_hit": True} if is_copy else {})}
    return [changed(document, changes) if changes else document]


def _decided(document: JsonObject) -> JsonObject:
    """Return the answer of a decision with what of its prompt was in a cache, where there is any."""
    if stated_once(document, "call_type") not in _DECISIONS:
        return {}
    answer, metadata = (object_in(stated_once(document, name)) for name in ("response", "metadata"))
    usage, details = object_in(answer.get("usage")), object_in(metadata.get("usage_object"))
    cached = object_in(details.get("prompt_tokens_details"))
    parts = {name: cached.get(name) for name in _OF_CACHE if cached.get(name)}
    if not usage or not parts:
        return {}
    whole = {name: usage.get(name) for name in usage} | parts
    return {"response": {name: answer.get(name) for name in answer} | {"usage": whole}}


def written_apart(document: JsonObject) -> JsonObject:
    """Return prompt and total with what was written to a cache, where LiteLLM left that out of them.

    It did for some versions (``chat_usage``), and beside what an answer states nothing of it counts.
    """
    metadata = object_in(stated_once(document, "metadata"))
    usage = object_in(metadata.get("usage_object") or metadata.get("additional_usage_values"))
    details = object_in(usage.get("prompt_tokens_details"))
    parts = (usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens"))
    counts: list[Any] = [*parts, *(number(stated_once(document, name)) for name in COUNTS)]
    if not all(map(is_integer, counts)):
        return {}
    read, written, prompt, completion, total = counts
    knows_of_writing = details.get("cache_creation_tokens") or details.get("cache_write_tokens")
    is_within = knows_of_writing or (details.get("cached_tokens") or 0) != read or total != prompt + completion
    if is_within or not read <= prompt < read + written:
        return {}
    return {COUNTS[0]: prompt + written, COUNTS[2]: total + written}


def is_chosen(own: str, document: JsonObject) -> bool:
    """Tell an id that is the answer's or the call's as it is: LiteLLM put nothing behind it, whatever it ends with."""
    answered = object_in(stated_once(document, "response")).get("id")
    return own in (answered, stated_once(document, "litellm_call_id"))


def is_spend_log(document: JsonObject) -> bool:
    """Tell a row of the table of spend, which has its own names for keys and costs (``litellm_spend``)."""
    return all(name in document for name in ("request_id", "call_type", "api_key", "spend", "startTime"))
