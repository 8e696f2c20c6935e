"""Docker's ``json-file``: each line that a container writes is JSON text in the field ``log``.

What is longer than 16 KiB is split, and only the last part ends with a line feed. Source: the documentation of Docker,
"JSON File logging driver", and ``daemon/logger/jsonfilelog`` of moby, whose entries have ``log``, ``stream``, ``time``
and, where labels are kept, ``attrs``.
"""

from __future__ import annotations

import json
import re

from pipeline.collectors.wrappers.wrapper import Unwrapped, json_in

NAME = "docker"

_FIELDS = frozenset(("log", "stream", "time", "attrs"))
_BEFORE = b'{"log":"'
_BEHIND = re.compile(rb'\\n","stream":"(?:stdout|stderr)","time":"[0-9T:.Z+-]*"\}')
_BEHIND_MAX = 80
"""So long it is at most, with room to spare."""


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


def unwrap_many(lines: list[bytes]) -> list[bytes | None]:
    """Return what containers wrote in whole lines, as the driver writes them, ``None`` for any other.

    What is written of all of them is read as one JSON text, with a line end between each two.
    """
    texts = [_text_in(line) for line in lines]
    written = [text for text in texts if text is not None]
    try:
        said = json.loads(b'"%s"' % b"\\n".join(written)).encode("utf-8", "surrogatepass").split(b"\n")
    except ValueError:  # no JSON text, or no UTF-8
        return [None] * len(lines)
    if len(said) != max(len(written), 1):  # one has a line end of its own
        return [None] * len(lines)
    contents = iter(said)
    return [None if text is None else next(contents).removesuffix(b"\r") for text in texts]


def _text_in(line: bytes) -> bytes | None:
    """Return the JSON text of a whole line, without quotes and line end, where a line is laid out as usual."""
    found = _BEHIND.search(line, max(len(line) - _BEHIND_MAX, 0))
    if found is None or found.end() != len(line) or not line.startswith(_BEFORE):
        return None
    text = line[len(_BEFORE) : found.start()]
    return None if text.endswith(b"\\") else text  # which may be half of what stands behind it
