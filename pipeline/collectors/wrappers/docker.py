"""Docker's ``json-file``: each line that a container writes is JSON text in the field ``log``.

What is longer than 16 KiB is split, and only the last part ends with a line feed. Source: the documentation of Docker,
"JSON File logging driver", and ``daemon/logger/jsonfilelog`` of moby, whose entries have ``log``, ``stream``, ``time``
and, where labels are kept, ``attrs``.

What its driver ``fluentd`` sends to Fluentd and to Fluent Bit (FireLens of AWS) is a record, which these write in ways
of their own: ``container_id``, ``container_name``, ``source`` and ``log``, and of a part ``partial_message``, with
``partial_last`` since 19.03. Source: ``daemon/logger/fluentd`` of moby.
"""

from __future__ import annotations

from typing import Any

from pipeline.collectors.wrappers.wrapper import Unwrapped, json_in, line_of

NAME = "docker"

_FIELDS = frozenset(("log", "stream", "time", "attrs"))
_SENT = frozenset(("container_id", "container_name", "source", "log"))
"""What every record of the driver ``fluentd`` has."""
_NAME = b'"container_name"'


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
        content=line_of(written),
        is_part=not written.endswith("\n"),
        stream=str(entry.get("stream", "")),
    )


def line_in(content: bytes) -> Unwrapped:
    """Return what lies within another logger's line: what a container wrote, where it is a record of the driver."""
    sent = sent_in(json_in(content)) if _NAME in content else None
    return Unwrapped(content=content) if sent is None else sent


def sent_in(record: Any) -> Unwrapped | None:
    """Return what a container wrote of a record of the driver ``fluentd``, ``None`` where it is none of these."""
    if not isinstance(record, dict) or not record.keys() >= _SENT or "ts" in record:
        return None
    written = record["log"]
    if not isinstance(written, str):
        return None
    return Unwrapped(
        content=line_of(written),
        is_part=record.get("partial_message") == "true" and record.get("partial_last") != "true",
        stream=f"{record['container_id']} {record['source']}",
    )
