"""JSON as we write it, read back strictly: what a lax reader would guess at is refused.

Owns the reading of JSON from files of our own (log entries, manifests). Does not own the reading of request logs
(``pipeline.collectors``), which has more to forgive and more to report.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn


def parse_object(text: bytes) -> dict[str, Any]:
    """Parse one JSON object.

    Raises ``ValueError`` on anything else, a field stated twice, a number with a fraction, NaN.
    """
    try:
        parsed = json.loads(
            text.decode("utf-8"), object_pairs_hook=_object, parse_float=_no_fraction, parse_constant=_no_fraction
        )
    except RecursionError:
        message = "it is nested too deep"
        raise ValueError(message) from None
    except json.JSONDecodeError as error:
        message = f"it is not JSON ({error.msg} at character {error.pos})"
        raise ValueError(message) from None
    except UnicodeDecodeError as error:
        message = f"it is not UTF-8 at byte {error.start}"
        raise ValueError(message) from None
    if not isinstance(parsed, dict):
        message = "it is not a JSON object"
        raise ValueError(message)  # noqa: TRY004 - to the caller this is content that cannot be meant, like the others
    return parsed


def checked_fields(value: Any, what: str, **kinds: type | tuple[type, ...]) -> dict[str, Any]:
    """Return the object if it has exactly these fields, each of its kind; else raise ``ValueError``.

    ``True`` is no integer.

    Fields are given in any order; ``NoneType`` among the kinds allows null.
    """
    if not isinstance(value, dict) or value.keys() != kinds.keys():
        found = sorted(value) if isinstance(value, dict) else type(value).__name__
        message = f"{what} has {found} where {sorted(kinds)} belong"
        raise ValueError(message)
    for name, kind in kinds.items():
        wanted = kind if isinstance(kind, tuple) else (kind,)
        if type(value[name]) not in wanted:
            message = (
                f"{name} of {what} is a {type(value[name]).__name__}, not a "
                f"{' or '.join(each.__name__ for each in wanted)}"
            )
            raise ValueError(message)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        message = "it states a field twice"
        raise ValueError(message)
    return fields


def _no_fraction(literal: str) -> NoReturn:
    message = f"it holds the number {literal[:40]}, and we write integers only"
    raise ValueError(message)
