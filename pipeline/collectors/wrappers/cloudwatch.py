"""CloudWatch Logs as an export task writes them to S3, and ``aws logs tail``: an instant before the message.

``2026-10-01T00:00:00.123Z {"ts": …}``. The command writes the stream as well; those of ECS, App Runner and Lambda end
in the id of a task or an instance:
``2026-10-01T00:00:00.123000+00:00 gateway/app/0123456789abcdef0123456789abcdef {"ts": …}``. Messages in JSON (a
subscription, ``aws logs filter-log-events``) are documents that hold documents (``pipeline.collectors.formats.held``).
A record that Docker sent (``docker``) has its line within, and so has what a function wrote (``lambda_text``).
Source: the user guide of CloudWatch Logs, "Export log data to Amazon S3"; ``awscli/customizations/logs/tail.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.wrappers import docker, lambda_text
from pipeline.collectors.wrappers.wrapper import behind, knows_behind

if TYPE_CHECKING:
    from pipeline.collectors.wrappers.wrapper import Unwrapped

NAME = "cloudwatch"

_SECOND = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
_BEFORE = (
    rb"(?:"
    + _SECOND + rb"\.[0-9]{3}Z|"
    + _SECOND + rb"(?:\.[0-9]{6})?\+00:00 [!-~]{0,480}[0-9a-f]{32}"
    + rb") (?:" + lambda_text.BEFORE + rb")?"
)  # fmt: skip


def unwrap(line: bytes) -> Unwrapped | None:
    """Return a message, or the line within it that Docker sent; ``None`` for any other line."""
    found = behind(_BEFORE, line)
    return None if found is None else docker.line_in(found.content)


def knows(line: bytes) -> bool:
    """Tell a message that is JSON."""
    return knows_behind(_BEFORE, line)
