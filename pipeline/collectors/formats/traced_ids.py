"""The id of a span, which is that of its trace and its own: equal wherever a call is told of by its span."""

from __future__ import annotations

from typing import Any


def traced_id(trace: Any, span: Any) -> str | None:
    """Return the ids of trace and span with a slash between; ``None`` where one of them is none.

    >>> traced_id("a", "b"), traced_id("a", ""), traced_id("a", 7)
    ('a/b', None, None)
    """
    return f"{trace}/{span}" if isinstance(trace, str) and isinstance(span, str) and trace and span else None
