"""Rows of LiteLLM's table ``LiteLLM_SpendLogs``: one a call, as the proxy's API and its database export them.

An object is a row, or a page of them in ``data`` (``/spend/logs/v2``, ``/spend/logs/ui``). Names are those of
``StandardLoggingPayload`` (``litellm``) where both have one, and mean the same; so a call is read alike from either.
What differs: ``api_key`` is the hash of the virtual key. ``metadata`` may be JSON text; in it are ``status``,
``error_information``, and usage as ``usage_object`` or, in older rows, ``additional_usage_values`` without the three
totals. ``cache_hit`` is a word, ``None`` among them. Times of the database have no offset, and are of UTC.
``response`` is ``{}`` unless ``store_prompts_in_spend_logs`` is set, and its texts may be cut; usage stays whole.

``request_id`` is the answer's id, and that of the call where the answer has none, as after a failure and of embeddings;
some versions took the call's first. ``litellm_call_id``, of newer rows, tells which; in older ones an id in the form of
a UUID is the call's. A copy out of LiteLLM's cache has the first answer's id with ``_cache_hit`` and a time behind it,
also where ``cache_hit`` does not say so; but not where the proxy has no cache, or the answer or the call itself is
called so (``litellm``). A response that was made in the background has a row without usage, and later one that states
it, with ``_background_cost`` behind the same id. Whoever else asks for a response (``aget_responses``) has a row with
its usage again, which is not billed (LiteLLM's issues 17814 and 25015).

A call that failed has a prompt that LiteLLM counted with a tokenizer, and no completion: that is no usage. One whose
answer broke off has what was answered as well, and that was consumed (``_current_failure_usage_to_lift``).

Without an answer the model is the deployment's, less the provider before it. ``spend`` is not looked at.
What the id looks like decides what it is, so ``PLACES`` says which forms are looked for.

Source: ``litellm/proxy/schema.prisma``, ``SpendLogsPayload`` and ``SpendLogsMetadata`` in ``proxy/_types.py``,
``get_logging_payload`` and ``get_spend_logs_id`` in ``proxy/spend_tracking/spend_tracking_utils.py``, and
``proxy/utils.py`` of LiteLLM 1.110.2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.gateways.access_logs import changed
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.mapping import first_stated, number, object_in
from pipeline.collectors.formats.pages import first_row, rows_of
from pipeline.collectors.formats.places import Places, TakenApart
from pipeline.collectors.formats.tools import litellm
from pipeline.collectors.formats.tools.litellm import COPY, COUNTS, is_chosen, is_spend_log, written_apart
from pipeline.collectors.values.strict_json import stated_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "litellm-spend"

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SETTLED = re.compile(r"(.+)_background_cost", re.DOTALL)
_MADE = "aresponses"
"""The kind of call that made what was settled by asking for it: any other that asks for it states its usage again."""
_NO_CACHE = "Cache OFF"
"""The key of what is in the cache, of a proxy that has none."""

_CALL = "litellm_call_id"
PLACES = Places(
    taken_apart=(
        TakenApart("request_id", COPY, "chatcmpl-60_cache_hit1793700009.5", compared=(_CALL,)),
        TakenApart("request_id", _SETTLED, "resp_60_background_cost", compared=(_CALL,)),
        TakenApart("request_id", _UUID, "60606060-6060-6060-6060-606060606060"),
    ),
    words={"cache_key": (_NO_CACHE,)},
)


def _in_either(places: Any) -> list[str]:
    """Return the places of a part of usage in newer rows and in older ones."""
    named = [places] if isinstance(places, str) else list(places)
    return [*named, *(place.replace("usage_object", "additional_usage_values") for place in named)]


MAPPING: Mapping[str, Any] = {
    **litellm.MAPPING,
    **{name: _in_either(places) for name, places in litellm.MAPPING.items() if "usage_object" in str(places)},
    "api_key_id": ["api_key", "metadata.user_api_key"],
    "request_id": ["litellm_call_id", "metadata.litellm_call_id"],
    "status": [
        "metadata.error_information.error_code",
        {"from": ["status", "metadata.status"], "success": 200, "failure": 500},
    ],
    "response.error": {"from": ["status", "metadata.status"], "success": False, "failure": True},
    "response.id": "request_id",
    "response.model": "model",
    "cache_hit": {"from": "cache_hit", "None": False},
}


def recognises(document: JsonObject) -> bool:
    """Tell a row, or a page of them."""
    first = first_row(document.get("data"), document)
    return first is not None and is_spend_log(first)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the rows of a document, each with its call's id and its answer's apart.

    Raises ``LineRefused``: ``invalid_field`` where a page holds what is no object.
    """
    page = stated_once(document, "data") if "request_id" not in document else [document]
    return [_entry(each) for each in rows_of(page, "data is no list of spend logs")]


def _entry(row: JsonObject) -> JsonObject:
    filed, call = stated_once(row, "request_id"), stated_once(row, "litellm_call_id")
    metadata = object_in(stated_once(row, "metadata"))
    call = call or metadata.get("litellm_call_id")
    copied, settled = (pattern.fullmatch(filed) if isinstance(filed, str) else None for pattern in (COPY, _SETTLED))
    if copied and (stated_once(row, "cache_key") == _NO_CACHE or is_chosen(filed, row)):
        copied = None
    answer = next((found[1] for found in (copied, settled) if found), filed)
    is_call = answer == call if call else isinstance(answer, str) and _UUID.fullmatch(answer) is not None
    provider, model = stated_once(row, "custom_llm_provider"), stated_once(row, "model")
    if isinstance(provider, str) and provider and isinstance(model, str):
        model = model.removeprefix(f"{provider}/")
    return changed(
        row,
        {
            "startTime": in_utc(stated_once(row, "startTime")),
            "request_id": None if is_call else answer,
            "litellm_call_id": answer if is_call else call,
            "model": model,
            **({"cache_hit": True} if copied else {}),
            **({"call_type": _MADE} if settled else {}),
            **(dict.fromkeys(COUNTS, 0) if _is_estimated(row, metadata) else written_apart(row)),
        },
    )


def _is_estimated(row: JsonObject, metadata: JsonObject) -> bool:
    """Tell a call that failed before anything was answered: LiteLLM made its prompt with a tokenizer."""
    status = first_stated(row, "status") or metadata.get("status")
    return status == "failure" and not number(stated_once(row, "completion_tokens"))
