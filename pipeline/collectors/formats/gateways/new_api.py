"""Rows of the table ``logs`` of new-api, One API and One Hub, as their API (``/api/log/``) and database have them.

An object is a row, or a page of them: ``data``, or ``items`` or ``data`` within it. A row is written when a call has
ended, in whole seconds (``created_at``); it began ``use_time`` seconds before, of One API ``elapsed_time`` and of One
Hub ``request_time`` milliseconds. Its ``type`` says what it is: 2 a call that was answered, 5 one that failed, of which
new-api writes a row a try, each with the ``request_id`` of the call. One API's 5 are tests of a channel, without
counts. Others are nothing: what was paid in, who did what, and what is given back of tasks (6), which have no tokens.

``token_id`` is the caller's key; 0 where there is none, as of the playground, and One API has its name alone, which
two users may give. ``request_id`` is the gateway's, and no id of the answer is there. ``id`` is the row's, but not
where a user asks for rows of his own: then One API leaves it out, and new-api counts anew; ``admin_info`` is left out
there as well, and so it tells.

What a row says beside is ``other``, which is JSON text, and which One API has not. Of counts by OpenAI's convention
``prompt_tokens`` hold ``cache_tokens`` and what was written. By Anthropic's they do not (``usage_semantic``, and in
older versions a flag named like Anthropic's models), nor where what was written is there by its lifetime and
``input_tokens_total`` is not; that is the whole prompt wherever it is stated. Versions before these marks show it in a
cache that is more than the prompt. ``completion_tokens`` hold reasoning, which is not told apart. ``admin_info`` says
what was counted by the gateway's own tokenizer, and ``content`` that nobody counted: neither is usage. Rows of One API
about audio have the price of the call in the place of its tokens, and two factors in their ``content`` where others
have three.

One Hub has parts of the counts in ``metadata``, and all of them within their wholes: what was cached by OpenAI's name
or read by Anthropic's, what was written (without what was written for an hour, which stands beside it; some of what
was made of it splits both), reasoning and audio. A call without these has none.

Source: ``model/log.go``, ``service/text_quota.go``, ``service/log_info_generate.go``, ``service/task_billing.go`` and
``controller/relay.go`` of QuantumNous/new-api (2025 and 2026); ``model/log.go``, ``relay/controller/helper.go``,
``relay/billing/billing.go`` and ``controller/channel-test.go`` of songquanpeng/one-api (February 2025);
``model/log.go``, ``types/common.go``, ``common/config/usage.go``, ``relay/relay_util/quota.go`` and
Anthropic's ``common.go`` of MartialBE/one-hub and of what was made of it (2025 and 2026).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import count, sum_of, word
from pipeline.collectors.formats.gateways.access_logs import changed, is_route_of_ones_own
from pipeline.collectors.formats.instants import instant_us
from pipeline.collectors.formats.mapping import first_stated, number, object_in
from pipeline.collectors.formats.pages import each_or_refused, first_row, rows_of
from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.strict_json import stated_once
from pipeline.collectors.values.traced import is_integer
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "new-api"

_NAMES = ("created_at", "type", "token_name", "model_name", "quota", "prompt_tokens", "completion_tokens")
_ANSWERED, _FAILED = 2, 5
_OF_NO_CALL = (0, 1, 3, 4, 6, 7)
"""Unknown, paid in, managed, the system's, given back, signed in."""
_TASKS = ("task_id", "is_task")
"""What ``other`` names of a task, as one that makes a video: its price is no price of tokens."""
_OF_NO_METER = "/v1/videos"
_PICTURES = ("/mj/", "/suno/")
"""Where paths of pictures and of songs begin: they have a price each."""
_ESTIMATED = re.compile(r"local|.*-estimated")
"""How ``usage_billing_path`` says that the gateway counted with its tokenizer."""
_UNCOUNTED = "上游无计费信息"
"""What ``content`` says where an answer had no usage: the prompt beside it is the gateway's estimate."""
_FLAG_OF_ANTHROPIC = re.compile("claude_?")
"""What older versions call it, ``true`` where a call went to Anthropic's API."""
_OF_TWO_FACTORS = re.compile(r"倍率：[0-9.]+ × [0-9.]+")  # noqa: RUF001 - as One API writes it
_WRITTEN_OF_ONE_HUB = (
    *("cached_write_tokens", "cached_write_5m_tokens", "cached_write_1h_tokens"),
    "openai_cache_write_tokens",
)
_SECOND_US, _MILLISECOND_US = 1_000_000, 1_000

MAPPING: Mapping[str, Any] = {
    "ts": ["arrived_at", "created_at"],
    "api_key_id": "caller",
    "request_id": ["request_id", "row_id"],
    "status": "other.status_code",
    "path": "route",
    "request.model": "model_name",
    "request.stream": {"from": "is_stream", "0": False, "1": True},
    "response.model": "other.upstream_model_name",
    "response.error": {"from": "type", str(_ANSWERED): False, str(_FAILED): True},
    **{
        f"usage.{name}": f"counted.{name}"
        for name in (
            *("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
            *("reasoning_tokens", "prompt_audio_tokens", "completion_audio_tokens"),
        )
    },
}


def recognises(document: JsonObject) -> bool:
    """Tell a row, or a page of them."""
    page = document.get("data")
    if isinstance(page, dict):
        page = page.get("items") or page.get("data")
    first = first_row(page, document)
    return first is not None and all(name in first for name in _NAMES)


def entries(document: JsonObject) -> list[JsonObject | LineRefused]:
    """Return the rows that are calls, each with whose it was, when it began, and its counts.

    Raises ``LineRefused`` (``invalid_field``) where a page holds what is no row. A row that cannot be read is refused
    in its place.
    """
    page = [document] if "prompt_tokens" in document else _page_of(document)
    rows = rows_of(page, "data is no list of rows")
    return [entry for entry in each_or_refused(_entry, rows) if entry is not None]


def _page_of(document: JsonObject) -> Any:
    found = stated_once(document, "data")
    return first_stated(found, "items", "data") if isinstance(found, dict) else found


def _entry(row: JsonObject) -> JsonObject | None:
    """Return a row as an entry, ``None`` where it is no call."""
    other = object_in(stated_once(row, "other"))
    if not _is_call(row, other):
        return None
    is_of_one_api = "other" not in row and "metadata" not in row
    is_priced = is_of_one_api and _OF_TWO_FACTORS.fullmatch(word(row.get("content"))) is not None
    return changed(
        row,
        {
            "arrived_at": _arrival(row),
            "caller": _caller(row),
            "row_id": _row_id(row, other),
            "route": _OF_NO_METER if is_priced else _route(other),
            "other": other,
            "counted": {} if is_priced or _is_estimated(row, other) else _counts(row, other),
        },
    )


def _is_call(row: JsonObject, other: JsonObject) -> bool:
    """Tell a call from all else that is in the table.

    Raises ``LineRefused`` (``invalid_field``) where a row has no type, or one that nobody knows beside tokens.
    """
    kind = number(stated_once(row, "type"))
    if kind == _ANSWERED:
        return not other.get("violation_fee")
    if kind == _FAILED:
        return "other" in row
    tokens = [number(stated_once(row, name)) for name in ("prompt_tokens", "completion_tokens")]
    if not is_integer(kind) or (kind not in _OF_NO_CALL and any(tokens)):
        detail = f"type is {shown(kind) if is_integer(kind) else 'no number'}, and 2 of a row that is a call"
        raise LineRefused(QuarantineReason.INVALID_FIELD, detail)
    return False


def _arrival(row: JsonObject) -> int | None:
    """Return when the call began, in microseconds since 1970; ``None`` where the row does not say."""
    seconds = number(stated_once(row, "use_time"))
    milliseconds = number(first_stated(row, "elapsed_time", "request_time"))
    taken, unit = (seconds, _SECOND_US) if is_integer(seconds) else (milliseconds, _MILLISECOND_US)
    try:
        return instant_us(stated_once(row, "created_at"), "created_at") - (taken * unit if is_integer(taken) else 0)
    except LineRefused:
        return None


def _caller(row: JsonObject) -> str | None:
    """Return whose call it was: the id of the key, else the user's and the key's name; ``None`` where neither is."""
    token, user, name = (stated_once(row, each) for each in ("token_id", "user_id", "token_name"))
    if number(token):
        return str(token)
    return f"{user}/{name}" if number(user) and isinstance(name, str) and name else None


def _row_id(row: JsonObject, other: JsonObject) -> str | None:
    """Return an id of a row that has none of its call; ``None`` where its own may be counted anew."""
    own, at = stated_once(row, "id"), stated_once(row, "created_at")
    is_own = number(own) and ("admin_info" in other or "other" not in row)
    return f"{at}-{own}" if is_own else None


def _route(other: JsonObject) -> str | None:
    """Return the path that a caller asked, ``None`` where it says nothing of what was asked."""
    path = word(stated_once(other, "request_path"))
    if any(other.get(name) for name in _TASKS) or path.startswith(_PICTURES):
        return _OF_NO_METER
    return None if is_route_of_ones_own(path) else path or None


def _is_estimated(row: JsonObject, other: JsonObject) -> bool:
    admin = object_in(stated_once(other, "admin_info"))
    counted_by = word(stated_once(admin, "usage_billing_path"))
    is_local = _ESTIMATED.fullmatch(counted_by) if counted_by else stated_once(admin, "local_count_tokens")
    return bool(is_local) or _UNCOUNTED in word(row.get("content"))


def _counts(row: JsonObject, other: JsonObject) -> dict[str, int | None]:
    """Return the counts of a row, parts within their wholes. Raises ``LineRefused`` where one is none."""
    if "metadata" in row:
        return _counts_of_one_hub(row, object_in(stated_once(row, "metadata")))
    prompt, cached, written = _count(row, "prompt_tokens"), _count(other, "cache_tokens"), _written(other)
    whole = _count(other, "input_tokens_total")
    if prompt is not None and _is_cache_apart(other, prompt, cached or 0, written or 0):
        prompt = sum_of(prompt, cached, written)
    is_of_sound = other.get("audio") or other.get("ws")
    return {
        "prompt_tokens": whole or prompt,
        "completion_tokens": _count(row, "completion_tokens"),
        "cached_tokens": cached,
        "cache_write_tokens": written,
        "cache_write_1h_tokens": _count(other, "cache_creation_tokens_1h"),
        "prompt_audio_tokens": _count(other, "audio_input" if is_of_sound else "audio_input_token_count"),
        "completion_audio_tokens": _count(other, "audio_output") if is_of_sound else None,
    }


def _counts_of_one_hub(row: JsonObject, parts: JsonObject) -> dict[str, int | None]:
    return {
        "prompt_tokens": _count(row, "prompt_tokens"),
        "completion_tokens": _count(row, "completion_tokens"),
        "cached_tokens": _count(parts, "cached_read_tokens") or _count(parts, "cached_tokens"),
        "cache_write_tokens": sum_of(*(_count(parts, name) for name in _WRITTEN_OF_ONE_HUB)),
        "cache_write_1h_tokens": _count(parts, "cached_write_1h_tokens"),
        "reasoning_tokens": _count(parts, "reasoning_tokens"),
        "prompt_audio_tokens": _count(parts, "input_audio_tokens"),
        "completion_audio_tokens": _count(parts, "output_audio_tokens"),
    }


def _written(other: JsonObject) -> int | None:
    """Return what was written to a cache: the sum by lifetime, or more where not all of it has one."""
    stated = _count(other, "cache_write_tokens") or _count(other, "cache_creation_tokens")
    by_lifetime = _by_lifetime(other)
    return stated if by_lifetime is None or (stated or 0) > by_lifetime else by_lifetime


def _by_lifetime(other: JsonObject) -> int | None:
    return sum_of(*(_count(other, f"cache_creation_tokens_{lifetime}") for lifetime in ("5m", "1h")))


def _is_cache_apart(other: JsonObject, prompt: int, cached: int, written: int) -> bool:
    semantic = word(stated_once(other, "usage_semantic"))
    if semantic or any(stated_once(other, name) for name in other if _FLAG_OF_ANTHROPIC.fullmatch(name)):
        return semantic in ("", "anthropic")
    return bool(_by_lifetime(other)) or cached > prompt or written > prompt


def _count(place: JsonObject, name: str) -> int | None:
    return count(number(stated_once(place, name)), name)
