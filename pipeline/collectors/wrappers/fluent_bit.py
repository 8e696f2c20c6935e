"""Fluent Bit: records as JSON lines, whose ``log`` is the line that was read, and those of its output ``file``.

A record has its time beside the line (``date``, ``@timestamp``, ``time``), and what filters add (``kubernetes``). Where
the line is of a container runtime, its tag is kept as ``_p`` or ``logtag``: ``P`` where it goes on in the next record
of its ``stream``. A record that Docker sent says itself whether it is a part (``docker``). The output ``file`` writes
``tag: [time, {record}]``. A record whose line was parsed into it (``Merge_Log``) needs nothing of this. Source: the
manual of Fluent Bit, "File", "Kubernetes", "Multiline".
"""

from __future__ import annotations

import re

from pipeline.collectors.wrappers import docker
from pipeline.collectors.wrappers.wrapper import Unwrapped, json_in, line_of

NAME = "fluent-bit"

_OF_FILE = re.compile(rb"[^ {}\[\]\"]{1,256}: \[(?:[0-9.]+|\[[0-9.]+, ?\{.*?\}\]), ?(\{.*\})\]", re.DOTALL)
_BESIDE = frozenset(("date", "@timestamp", "kubernetes", "_p", "logtag"))


def unwrap(line: bytes) -> Unwrapped | None:
    """Return the line that a record holds, or the record itself out of a file; ``None`` for anything else."""
    found = _OF_FILE.fullmatch(line)
    content = line if found is None else found[1]
    if not content.startswith(b"{") or b'"log"' not in content:
        return None if found is None else Unwrapped(content=content)
    record = json_in(content)
    if (sent := docker.sent_in(record)) is not None:
        return sent
    if not isinstance(record, dict) or not isinstance(held := record.get("log"), str):
        return None if found is None else Unwrapped(content=content)
    is_record = found is not None or not _BESIDE.isdisjoint(record)
    if not is_record or "ts" in record:
        return None if found is None else Unwrapped(content=content)
    return Unwrapped(
        content=line_of(held),
        is_part="P" in (record.get("_p"), record.get("logtag")),
        stream=str(record.get("stream", "")),
    )
