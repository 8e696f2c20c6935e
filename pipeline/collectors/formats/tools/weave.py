"""Calls of W&B Weave, as its API and its SDK export them.

Facts. A row is a call of an ``op``: of a client's method that Weave traces (``openai.chat.completions.create``), of a
framework's, or of a function of one's own. ``output`` of the first is what the API answered. ``summary.usage`` is that
of the output, by its model, where a call has no calls below it, and the sum of these where it has
(``finish_call`` of ``weave/trace/weave_client.py``): so it is not looked at. A function that hands on what a client
answered has the same output, and so the same id of the answer, under which both are one exchange. It may as well return
usage of its own making, a sum of calls among it: what states usage and is no API's answer with its id counts where the
op is one of a client, and is refused elsewhere. An ``output`` that is a text is what a model wrote, whatever it looks
like: no answer of an API is one.

``started_at`` is when the call began. ``exception`` is why it failed. Whose call it was is ``attributes.api_key_id``,
as ``weave.attributes`` sets it; ``wb_user_id`` is who traced. ``inputs`` are not looked at but for the model.

Of streams of Anthropic the SDK puts the message together itself, and keeps neither what was read from a cache nor what
was written to it (``anthropic_accumulator`` of ``weave/integrations/anthropic/anthropic_sdk.py``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import object_at, word
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.mapping import object_in
from pipeline.collectors.formats.pages import first_row, rows_of
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "weave"

_NAMES = ("op_name", "trace_id", "started_at")
_OP = re.compile(r"weave:///[^/]+/[^/]+/op/([^:]+)(?::.*)?", re.DOTALL)
_OF_A_CLIENT = re.compile(
    "(?:openai|anthropic|litellm|mistralai|groq|cohere|cerebras|together|google|vertexai|huggingface_hub|boto3|bedrock)"
    r"[._].+",
    re.IGNORECASE | re.DOTALL,
)
"""How ops are called that are methods of a client."""
_ASKS_A_MODEL = re.compile(
    r"openai\.(?:beta\.)?(?:chat\.completions|completions|responses|embeddings)\..+|anthropic\.(?:Async)?Messages\..+",
    re.DOTALL,
)
"""Ops that ask a model whatever their output says: a stream that nobody asked for its usage states none."""
_USAGES = ("usage", "usage_metadata", "usageMetadata")
_ANSWERS = (("object", re.compile(r"chat\.completion|text_completion|response")), ("type", re.compile("message")))
"""How APIs say themselves that something is their answer."""

PLACES = Places(
    fields={
        "ts": "started_at",
        "api_key_id": "attributes.api_key_id",
        "request_id": "id",
        "request.model": "inputs.model",
    },
    nested=("output",),
    marks=("exception",),
    literals=("attributes.span_kind",),  # by which spans of Datadog are known
)


def recognises(document: JsonObject) -> bool:
    """Tell a call, or a page of them."""
    first = first_row(document.get("calls"), document)
    return first is not None and all(isinstance(first.get(name), str) for name in _NAMES) and "inputs" in first


def entries(document: JsonObject) -> list[JsonObject | LineRefused]:
    """Return the exchanges among one or several calls, each with its ``call``.

    Raises ``LineRefused`` (``invalid_field``) where a page holds what is no call. An answer that may be that of another
    call is refused in its place.
    """
    page = [document] if "op_name" in document else document.get("calls")
    found = [_entry(call) for call in rows_of(page, "calls is no list of calls")]
    return [entry for entry in found if entry is not None]


def _entry(call: JsonObject) -> JsonObject | LineRefused | None:
    found = _OP.fullmatch(word(call.get("op_name")))
    op = found[1] if found is not None else word(call.get("op_name"))
    output = object_at(call.get("output"))
    is_counted = any(isinstance(output.get(name), dict) for name in _USAGES)
    if not is_counted and not _ASKS_A_MODEL.fullmatch(op):
        return None
    if is_counted and _OF_A_CLIENT.fullmatch(op) is None and not _is_an_answer(output):
        message = "the output of an op states usage and is no answer of an API, so it may be that of calls below it"
        return LineRefused(QuarantineReason.INVALID_FIELD, message)
    return {
        "ts": in_utc(stated_once(call, "started_at")),
        "api_key_id": object_in(call.get("attributes")).get("api_key_id"),
        "request_id": call.get("id"),
        "request": {"model": _model_asked(call)},
        "response.error": bool(call.get("exception")),
        "response": output or None,
        "call": call,
    }


def _is_an_answer(output: JsonObject) -> bool:
    says_so = any(kind.fullmatch(word(output.get(name))) for name, kind in _ANSWERS)
    return says_so and bool(word(output.get("id")))


def _model_asked(call: JsonObject) -> Any:
    return object_in(call.get("inputs")).get("model")
