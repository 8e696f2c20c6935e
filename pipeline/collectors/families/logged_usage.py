"""Usage that a log states in fields of its own: beside a body that states none, or in place of a body.

It is read as chat's usage object is, conventions and all, so that counts mapped one by one bill what the body they were
taken from would bill. What the log states beside a body that states usage is not looked at: it is a copy at best. Zeros
are no measurement: who writes them where an answer was delivered did not see its usage.

Not a family that a body belongs to, so nothing recognises it. Source: the usage objects of tracers and gateways, each
named by the module of its format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families.chat_usage import COMPLETION, stated_by
from pipeline.collectors.families.reading import Reading, Stated, count, object_at

if TYPE_CHECKING:
    from typing import Any

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "logged-usage"
"""Family of an answer that only the log counted, and the convention of a body whose counts are the log's."""


def answer(*, has_error: bool) -> Reading:
    """Return the reading of an answer that is not in the log; zeros beside it are no measurement."""
    return Reading(family=NAME, has_error=has_error, has_content=True)


def counted(reading: Reading, usage: JsonObject, *, model: Any, is_embedding: bool) -> Reading:
    """Return a reading with the usage that the log states. Raises ``LineRefused`` where a count is none, or cannot be.

    ``is_embedding``: what is consumed is a prompt, so a completion that is not stated is zero.
    """
    if is_embedding and not any(usage.get(name) for name in COMPLETION):
        usage = {**usage, COMPLETION[0]: 0}
    stated = stated_by(usage, model=model if isinstance(model, str) else None)
    if stated is None:
        return reading
    stated = stated._replace(written_1h=_written_1h(usage) or stated.written_1h)
    if reading.family != NAME:
        stated = stated._replace(conventions=(NAME, *stated.conventions))
    return reading._replace(stated=stated, has_content=True)


def kept_by_name(stated: Stated | None) -> Stated | None:
    """Return what is stated with its tokens among what no meter holds: for answers that no meter is for."""
    if stated is None:
        return None
    tokens = {"prompt_tokens": stated.prompt, "completion_tokens": stated.completion}
    others = {**stated.others, **{name: value for name, value in tokens.items() if value}}
    return Stated(prompt=None, completion=None, others=others) if others else None


def _written_1h(usage: JsonObject) -> int | None:
    details = object_at(usage, "prompt_tokens_details")
    return count(details.get("cache_write_1h_tokens"), "cache_write_1h_tokens")
