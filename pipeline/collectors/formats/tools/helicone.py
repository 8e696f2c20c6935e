"""Requests of Helicone, as ``npx @helicone/export`` and its API (``/v1/request/query-clickhouse``) write them.

An object is a row of Helicone's table (``HeliconeRequest`` in packages/llm-mapper/types.ts of Helicone/helicone): ids,
times of UTC (``request_created_at``), ``response_status``, models, token counts, and with ``--include-body`` the bodies
``request_body`` and ``response_body``. A page of the API has them in ``data``. Counts may be text: ClickHouse writes
64-bit integers so.

The body decides where there is one: what the columns count has changed over time. Of a stream it is what Helicone made
of the chunks, which it keeps beside it (``streamed_data``, a list or the transcript; ``bedrock_events`` of Bedrock).
What it makes of their counts is no usage (``lib/shared/bodyProcessors`` and ``utils/streamParser.ts``): it adds what
several chunks state, keeps what the first did of Gemini's thoughts and of Anthropic's cache, or counts with a
tokenizer. So the chunks are the answer.

Among the columns, today ``prompt_tokens`` leave out what was read from a cache, and ``completion_tokens`` leave out
``reasoning_tokens`` (HandlerContext.ts); before, they were the provider's own. So a row without a body that states
cached tokens is refused: export it with its body.

A hit in Helicone's own cache consumed nothing, and has the id of the response that it repeats. It is no exchange that
anybody bills: ``cache_reference_id`` names it, and nothing of it is counted. Whose call it was is the property
``api_key_id``, else the user; the hash of the key is not exported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import count, object_at, sum_of, word
from pipeline.collectors.formats.gateways.access_logs import is_route_of_ones_own
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.mapping import first_stated, number, object_in
from pipeline.collectors.formats.pages import first_row, rows_of
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.strict_json import stated_once
from pipeline.collectors.values.traced import is_integer
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "helicone"

_NO_HIT = ("", "00000000-0000-0000-0000-000000000000")
"""What stands for no reference to a cached response."""
_NO_BODY = ("helicone_message", "helicone_error")
"""What Helicone puts in the place of a body that was not fetched, or could not be read."""
_CHUNKS = ("bedrock_events", "streamed_data")
"""Where the body of a stream has its chunks, the first that has any."""
_CLIENT_ERRORS_FROM = 400
_NO_MODELS = ("tool:", "vector_db", "data:")
"""How the model of a row begins that is about no model (``RequestBodyHandler.ts``)."""


PLACES = Places(
    fields={
        "ts": "request_created_at",
        "api_key_id": [
            *(f"{at}.{name}" for at in ("request_properties", "properties") for name in ("api_key_id", "Api-Key-Id")),
            *("request_user_id", "user_id"),
        ],
        "request_id": "request_id",
        "status": "response_status",
        "path": ["request_path", "target_url"],
        "request": "request_body",
        "request.model": ["request_model", "model", "request_body.model"],
        "response": "response_body",
        "response.model": ["response_model", "model"],
        "usage.prompt_tokens": ["prompt_tokens", "prompt_cache_read_tokens", "prompt_cache_write_tokens"],
        "usage.completion_tokens": ["completion_tokens", "reasoning_tokens"],
        "usage.prompt_audio_tokens": "prompt_audio_tokens",
        "usage.completion_audio_tokens": "completion_audio_tokens",
    },
    words={"cache_reference_id": _NO_HIT[1:]},
    streams=_CHUNKS,
)


def recognises(document: JsonObject) -> bool:
    """Tell a row of Helicone's requests, or a page of them."""
    first = first_row(document.get("data"), document)
    return first is not None and all(name in first for name in ("request_id", "request_created_at", "response_status"))


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the exchanges of one or several rows; each with its ``row``.

    Raises ``LineRefused``: ``invalid_field`` where a page holds what is no object, ``contradictory_usage`` for a row
    that counts cached tokens and has no body.
    """
    page = stated_once(document, "data") if "request_id" not in document else [document]
    return [_entry(each) for each in rows_of(page, "data is no list of requests")]


def _entry(row: JsonObject) -> JsonObject:
    properties = object_at(row, "request_properties") or object_at(row, "properties")
    asked, answer = _body(row, "request_body"), _answer(row)
    model = row.get("request_model") or row.get("model")
    status = number(stated_once(row, "response_status"))
    path = row.get("request_path") or row.get("target_url")
    is_call = bool(word(model)) and not word(model).startswith(_NO_MODELS)
    is_hit = row.get("cache_reference_id") not in (None, *_NO_HIT)
    entry: JsonObject = {
        "ts": in_utc(stated_once(row, "request_created_at")),
        "api_key_id": first_stated(properties, "api_key_id", "Api-Key-Id")
        or first_stated(row, "request_user_id", "user_id"),
        "request_id": row.get("request_id"),
        "status": status if is_integer(status) and status > 0 else None,
        "path": None if answer is None and is_call and is_route_of_ones_own(path) else path,
        "request": {"model": model} if asked is None else asked,
        "cache_hit": is_hit,
        "response": answer,
        "row": row,
    }
    if answer is None:
        entry |= {
            "response.model": row.get("response_model") or row.get("model"),
            "response.error": is_integer(status) and status >= _CLIENT_ERRORS_FROM,
            **({} if is_hit else {f"usage.{name}": value for name, value in _counts(row).items()}),
        }
    return entry


def _body(row: JsonObject, name: str) -> Any:
    """Return a body, ``None`` where the row has none, or what stands for one."""
    body = stated_once(row, name)
    is_placeholder = isinstance(body, dict) and any(placeholder in body for placeholder in _NO_BODY)
    return None if is_placeholder or not body else body


def _answer(row: JsonObject) -> Any:
    """Return the answer: the chunks of a stream, else the body."""
    body = _body(row, "response_body")
    chunks = (stated_once(object_in(body), name) for name in _CHUNKS)
    return next((each for each in chunks if each and isinstance(each, list | str)), body)


def _counts(row: JsonObject) -> dict[str, int | None]:
    """Return the counts of a row without a body. Raises ``LineRefused`` where it states cached tokens."""
    cached = [_count(row, name) or 0 for name in ("prompt_cache_read_tokens", "prompt_cache_write_tokens")]
    prompt, completion, reasoning = (
        _count(row, name) for name in ("prompt_tokens", "completion_tokens", "reasoning_tokens")
    )
    if any(cached):
        detail = (
            f"{shown(sum(cached))} cached tokens may be within the {shown(prompt or 0)} of the prompt or beside them; "
            "export with --include-body"
        )
        raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": sum_of(completion, reasoning),
        "reasoning_tokens": reasoning,
        "prompt_audio_tokens": _count(row, "prompt_audio_tokens"),
        "completion_audio_tokens": _count(row, "completion_audio_tokens"),
    }


def _count(row: JsonObject, name: str) -> int | None:
    return count(number(stated_once(row, name)), name)
