"""Docker Compose: ``docker compose logs`` writes which container wrote a line before it.

``gateway-1  | {"ts": …}``, with the container's instant where ``--timestamps`` asks for it. Containers
are numbered; other words before a bar are some program's own. Source: the reference of ``docker compose logs``.
"""

from __future__ import annotations

import re

from pipeline.collectors.wrappers.wrapper import Unwrapped

NAME = "compose"

_LINE = re.compile(
    rb"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}[-_][0-9]+ +\| (?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z )?([\[{].*)", re.DOTALL
)


def unwrap(line: bytes) -> Unwrapped | None:
    """Return what a container wrote as JSON, ``None`` for any other line."""
    found = _LINE.fullmatch(line)
    return Unwrapped(content=found[1]) if found else None
