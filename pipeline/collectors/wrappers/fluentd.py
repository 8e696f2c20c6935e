r"""Fluentd's output ``file`` in its default format: time, tag and record, with tabs between.

``2026-10-01T00:00:00+00:00\tgateway\t{"log": …}``. A record that Docker sent has its line within (``docker``). Source:
the documentation of Fluentd, "out_file".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.wrappers import docker
from pipeline.collectors.wrappers.wrapper import behind

if TYPE_CHECKING:
    from pipeline.collectors.wrappers.wrapper import Unwrapped

NAME = "fluentd"

_INSTANT = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_LEVEL = rb"(?i:trace|debug|info|notice|warn|warning|error|critical|fatal|panic)"
"""What stands there in the lines that programs write for people: what follows is no record."""
_BEFORE = _INSTANT + rb"\t(?!" + _LEVEL + rb"\t)[^\t\"{]{0,256}\t(?=\{)"


def unwrap(line: bytes) -> Unwrapped | None:
    """Return the record of a line, or the line within it that Docker sent; ``None`` for any other line."""
    found = behind(_BEFORE, line)
    return None if found is None else docker.line_in(found.content)
