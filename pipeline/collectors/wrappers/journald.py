"""The journal of systemd, as ``journalctl -o json`` writes it: an object an entry, with the line in ``MESSAGE``.

A message that is no UTF-8 is a list of its bytes. One of more than 4096 bytes is null, unless the journal was asked for
``--all``; such an entry is left as it is, and so is quarantined. What a service writes in one line of more than
``LineMax`` is split, and ``_LINE_BREAK`` of each part but the last is ``line-max``. A line of a container is split at
16 KiB by Docker and Podman, and ``CONTAINER_PARTIAL_MESSAGE`` of each part but the last is ``true``; one daemon writes
the entries of all containers, and of their streams by priority. Source: the manual pages journalctl(1),
systemd.journal-fields(7) and journald.conf(5); ``daemon/logger/journald`` of moby, ``src/ctr_logging.c`` of conmon.
"""

from __future__ import annotations

from pipeline.collectors.wrappers.wrapper import Unwrapped, json_in

NAME = "journald"

_BESIDE = frozenset(("__CURSOR", "__REALTIME_TIMESTAMP", "_BOOT_ID"))
_CONTAINER = "CONTAINER_ID_FULL"


def unwrap(line: bytes) -> Unwrapped | None:
    """Return the message of an entry, ``None`` where a line is no entry, or has no message that can be read."""
    if not line.startswith(b"{") or b'"MESSAGE"' not in line:
        return None
    entry = json_in(line)
    if entry is None or _BESIDE.isdisjoint(entry) or "ts" in entry:
        return None
    message = entry.get("MESSAGE")
    if isinstance(message, list) and all(type(byte) is int and 0 <= byte <= 255 for byte in message):  # noqa: PLR2004 - bytes
        content = bytes(message)
    elif isinstance(message, str):
        content = message.encode("utf-8", "surrogatepass")
    else:
        return None
    return Unwrapped(
        content=content.removesuffix(b"\n"),
        is_part=entry.get("_LINE_BREAK") == "line-max" or entry.get("CONTAINER_PARTIAL_MESSAGE") == "true",
        stream=(
            f"{entry[_CONTAINER]} {entry.get('PRIORITY')}"
            if _CONTAINER in entry
            else str(entry.get("_STREAM_ID") or entry.get("_PID") or "")
        ),
    )
