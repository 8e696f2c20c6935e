"""Rows of the table ``logs`` of Bifrost (maximhq), as its API (``/api/logs``) and its database have them.

An object is a row, or a page of them in ``logs``. ``timestamp`` is when the request arrived. ``id`` is the request's:
that of the header ``x-request-id`` where a caller sent one. Each model that a request fell back on is a row with an id
of its own; tries again of one model are one row. ``virtual_key_id`` is the caller's key; ``selected_key_id`` is the
provider's, which answers nobody's bill. ``model`` is the one that answered, ``alias`` what was asked for where that is
another. ``object`` says what was asked (``object_type`` in the database): Bifrost's types of requests, and of its first
versions OpenAI's names of objects.

Usage is ``token_usage``, chat's usage object of whatever provider: what was read from and written to a cache is within
the prompt, and reasoning within the completion, but where the provider counts it apart, as its total tells. In the
database it is JSON text, as ``cache_debug``, ``error_details`` and ``params`` are, and four of its counts are columns
as well; these are left of it where it is kept in a store of objects. A ``cache_hit`` of Bifrost's own cache is a copy
of an earlier answer, with its usage. What failed may state usage: it was consumed.

Source: ``framework/logstore/tables.go``, ``plugins/logging/main.go``, ``plugins/logging/writer.go``,
``core/schemas/bifrost.go``, ``core/schemas/chatcompletions.go`` and ``core/providers/anthropic/chat.go`` of
maximhq/bifrost (2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.gateways.access_logs import changed
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.mapping import first_stated, object_in
from pipeline.collectors.formats.pages import first_row, rows_of
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.strict_json import stated_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "bifrost"

_NAMES = (
    *("id", "timestamp", "provider", "model", "status"),
    *("selected_key_id", "number_of_retries", "fallback_index"),
)
_PATHS = {
    "/v1/chat/completions": ("chat_completion", "chat_completion_stream", "chat.completion", "chat.completion.chunk"),
    "/v1/completions": ("text_completion", "text_completion_stream", "text.completion"),
    "/v1/responses": ("responses", "responses_stream", "websocket_responses", "realtime.turn"),
    "/v1/responses/compact": ("compaction",),
    "/v1/embeddings": ("embedding",),
    "/v1/audio": (
        *("speech", "speech_stream", "transcription", "transcription_stream"),
        *("audio.speech", "audio.transcription"),
    ),
    "/v1/images": (
        *("image_generation", "image_generation_stream", "image_edit", "image_edit_stream", "image_variation"),
    ),
    "/v1/videos": ("video_generation", "video_remix", "video_retrieve", "video_download", "video_delete", "video_list"),
    "/v1/rerank": ("rerank", "ocr"),
    "/v1/messages/count_tokens": ("count_tokens",),
    "/v1/models": ("list_models", "responses_retrieve", "responses_delete", "responses_cancel"),
}
"""The endpoint of each kind of call; of another kind that states usage, the usage decides.

An answer that is asked for again states its usage again, and says nowhere which it is: it is on none of a completion.
"""
_PASSED_THROUGH = ("passthrough", "passthrough_stream")

MAPPING: Mapping[str, Any] = {
    "ts": "timestamp",
    "api_key_id": ["virtual_key_id", "user_id"],
    "request_id": "id",
    "status": ["error_details.status_code", {"from": "status", "success": 200, "error": 500}],
    "path": {"from": "object", **{kind: path for path, kinds in _PATHS.items() for kind in kinds}},
    "request.model": ["alias", "model"],
    "request.stream": {"from": "stream", "0": False, "1": True},
    "response.model": "model",
    "response.finish_reason": "stop_reason",
    "response.error": {"from": "status", "success": False, "processing": False},
    "cache_hit": "cache_debug.cache_hit",
    "usage": "token_usage",
    "usage.prompt_tokens": ["token_usage.prompt_tokens", "prompt_tokens"],
    "usage.completion_tokens": ["token_usage.completion_tokens", "completion_tokens"],
    "usage.total_tokens": ["token_usage.total_tokens", "total_tokens"],
    "usage.cached_tokens": ["token_usage.prompt_tokens_details.cached_tokens", "cached_read_tokens"],
}

PLACES = Places(literals=("params.path",))
"""It says where what was passed through went."""


def recognises(document: JsonObject) -> bool:
    """Tell a row, or a page of them."""
    first = first_row(document.get("logs"), document)
    return first is not None and all(name in first for name in _NAMES)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the rows of a document, each with its instant in UTC, and where what was passed through went.

    Raises ``LineRefused`` (``invalid_field``) where a page holds what is no object.
    """
    page = stated_once(document, "logs") if "timestamp" not in document else [document]
    return [_entry(each) for each in rows_of(page, "logs is no list of rows")]


def _entry(row: JsonObject) -> JsonObject:
    kind = first_stated(row, "object", "object_type")
    if kind in _PASSED_THROUGH:
        kind = object_in(stated_once(row, "params")).get("path")
    return changed(row, {"timestamp": in_utc(stated_once(row, "timestamp")), "object": kind})
