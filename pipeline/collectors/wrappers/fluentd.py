r"""Fluentd's output ``file`` in its default format: time, tag and record, with tabs between.

``2026-10-01T00:00:00+00:00\tgateway\t{"log": …}``. A record that Docker sent has its line within (``docker``). Source:
the documentation of Fluentd, "out_file".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.collectors.wrappers import docker

if TYPE_CHECKING:
    from pipeline.collectors.wrappers.wrapper import Unwrapped

NAME = "fluentd"

_INSTANT = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_LEVEL = rb"(?i:trace|debug|info|notice|warn|warning|error|critical|fatal|panic)"
"""What stands there in the lines that programs write for people: what follows is no record."""
_LINE = re.compile(_INSTANT + rb"\t(?!" + _LEVEL + rb"\t)[^\t\"{]{0,256}\t(\{.*)", re.DOTALL)


def unwrap(line: bytes) -> Unwrapped | None:
    """Return the record of a line, or the line within it that Docker sent; ``None`` for any other line."""
    found = _LINE.fullmatch(line)
    return docker.line_in(found[1]) if found else None
