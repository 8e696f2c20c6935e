"""A plain body that states its usage, the quick way.

Owns what is usual about a body. The rules are those of ``families.chat``, which reads all that this module returns
``None`` for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simdjson import Array, Object

from pipeline.collectors.families.chat import NAME as OPENAI_CHAT
from pipeline.collectors.fast.documents import keys_of
from pipeline.collectors.fast.fields import is_identifier, is_label, is_model, is_usual_object
from pipeline.collectors.fast.usage import counted

if TYPE_CHECKING:
    from typing import TypeAlias

    from pipeline.collectors.fast.documents import Document
    from pipeline.collectors.fast.transcripts import Reading

    Exchange: TypeAlias = tuple[Reading, int | None, str | None, bool | None]
    """What a body says, its number of choices, its dialect, and whether it is a stream."""


def read(body: Document) -> Exchange | None:
    """Return what a body says, where it states its usage."""
    stated = keys_of(body)
    if (
        stated is None
        or "choices" not in stated
        or "usage" not in stated
        or ("x_groq" in stated and body["x_groq"] is not None)  # it may state usage too, and then last
        or ("object" in stated and not is_usual_object(body["object"]))
    ):
        return None
    choices, usage = body["choices"], body["usage"]
    if type(choices) is not Array or not len(choices):
        return None
    if type(usage) is not Object:
        return None
    first: Any = choices[0]
    said = keys_of(first) if type(first) is Object else None
    if said is None or ("text" in said and "message" not in said):
        return None
    used = usage.as_dict()
    tokens = counted(usage, used)
    reason = first["finish_reason"] if "finish_reason" in said else None
    response_id = body["id"] if "id" in stated else None
    model = body["model"] if "model" in stated else None
    tier: Any = body["service_tier"] if "service_tier" in stated else None
    if tokens is None or not (tokens[0] and tokens[1]):
        return None  # a side of zero may have its count under another name
    if not (is_identifier(response_id) and is_model(model) and is_label(reason) and is_label(tier)):
        return None
    tier = tier or used.get("service_tier")
    if not is_label(tier):
        return None
    return (
        ("measured", response_id or None, model or None, tier or None, reason or None, tokens, None),
        len(choices),
        OPENAI_CHAT,
        False,
    )
