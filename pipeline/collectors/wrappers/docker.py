"""Docker's ``json-file``: each line that a container writes is JSON text in the field ``log``.

What is longer than 16 KiB is split, and only the last part ends with a line feed. Source: the documentation of Docker,
"JSON File logging driver", and ``daemon/logger/jsonfilelog`` of moby, whose entries have ``log``, ``stream``, ``time``
and, where labels are kept, ``attrs``.
"""

from __future__ import annotations

from pipeline.collectors.wrappers.wrapper import Unwrapped, json_in

NAME = "docker"

_FIELDS = frozenset(("log", "stream", "time", "attrs"))


def unwrap(line: bytes) -> Unwrapped | None:
    """Return what a container wrote, ``None`` where a line is no entry of this driver."""
    if not line.startswith(b"{") or b'"log"' not in line:
        return None
    entry = json_in(line)
    if not isinstance(entry, dict) or not entry.keys() <= _FIELDS or not {"log", "time"} <= entry.keys():
        return None
    written = entry["log"]
    if not isinstance(written, str):
        return None
    return Unwrapped(
        content=written.removesuffix("\n").removesuffix("\r").encode("utf-8", "surrogatepass"),
        is_part=not written.endswith("\n"),
        stream=str(entry.get("stream", "")),
    )
