"""Bytes of a line that are no UTF-8: what the line amounts to where they decide nothing.

Whoever calls sends them in what gateways log as it came, as a path or the header that names a browser, and what cuts a
text at so many bytes cuts it within a character. Such a line is read twice, with other characters in their place. What
comes out alike does not depend on them; a name that differs, and that decides no bill, is left out; where anything else
differs nobody knows what was meant.

Owns what may differ. Does not own the reading (``decode``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.usage.events import COLUMNS, LOGGED, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTEAD = ("surrogateescape", "replace")
"""By which handlers of errors of Python a text is decoded that has such bytes."""
_FIELDS: Mapping[str, str] = {
    "request_id": "request_id",
    "model_requested": "request.model",
    "finish_reason": "finish_reason",
    **{column.name: str(column.log_field) for column in LOGGED if column.role is not Role.USAGE},
}
"""The columns of names that may decide no bill, each with its field, as it is named where it is left out."""
_NAMES = tuple(column.name for column in COLUMNS)
_REPORTED, _LEFT_OUT = _NAMES.index("model_reported"), _NAMES.index("left_out")


def agreed(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Return the one event that a line is by both readings; ``None`` where they differ in what decides a bill.

    An id of the request is left out where it is not what the event is known by, a model that was asked for where the
    answer names its own.
    """
    differ = [name for name, *values in zip(_NAMES, one, other, strict=True) if values[0] != values[1]]
    if not _FIELDS.keys() >= set(differ) or ("model_requested" in differ and one[_REPORTED] is None):
        return None
    values = [None if name in differ else value for name, value in zip(_NAMES, one, strict=True)]
    named = {*(one[_LEFT_OUT] or "").split(","), *(_FIELDS[name] for name in differ)} - {""}
    values[_LEFT_OUT] = ",".join(sorted(named)) or None
    return tuple(values)
