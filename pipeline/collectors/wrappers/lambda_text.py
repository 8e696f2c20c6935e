r"""What functions of AWS Lambda write by ``console`` in the text format: instant, request, level, text, with tabs.

``2026-10-01T00:00:00.123Z\t8f507cfc-4e2a-4697-b07a-ac58fc914c95\tINFO\t{"ts": …}``, into CloudWatch Logs. Source: the
developer guide of AWS Lambda, "Log and monitor Node.js Lambda functions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.wrappers.wrapper import behind, knows_behind

if TYPE_CHECKING:
    from pipeline.collectors.wrappers.wrapper import Unwrapped

NAME = "lambda"

BEFORE = (
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z\t"
    rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\t[A-Z]{4,5}\t"
)
"""What stands before a text, an expression."""


def unwrap(line: bytes) -> Unwrapped | None:
    """Return what a function wrote, ``None`` for any other line."""
    return behind(BEFORE, line)


def knows(line: bytes) -> bool:
    """Tell a line in which a function wrote JSON."""
    return knows_behind(BEFORE, line)
