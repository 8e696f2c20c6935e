"""CloudWatch Logs as an export task writes them to S3: an instant, a blank, and the message as it was logged.

``2026-10-01T00:00:00.123Z {"ts": …}``. Messages in JSON (a subscription, ``aws logs filter-log-events``) are documents
that hold documents (``pipeline.collectors.formats.held``). A record that Docker sent (``docker``) has its line within.
Source: the user guide of CloudWatch Logs, "Export log data to Amazon S3".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.collectors.wrappers import docker

if TYPE_CHECKING:
    from pipeline.collectors.wrappers.wrapper import Unwrapped

NAME = "cloudwatch"

_LINE = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z ([\[{].*)", re.DOTALL)


def unwrap(line: bytes) -> Unwrapped | None:
    """Return a message that is JSON, ``None`` for any other line."""
    found = _LINE.fullmatch(line)
    return docker.line_in(found[1]) if found else None
