"""A dump of Elasticsearch or OpenSearch, where Docker split long lines before they were sent there.

Documents of a dump hold their line (``pipeline.collectors.formats.held``); those that are parts of one are joined here.
``_source`` has what Docker sent (``docker``): since 19.03 each part has the ``partial_id`` of its line, a
``partial_ordinal`` from 1 on, and says by ``partial_last`` whether the line ends with it. A dump need not be in the
order of time, so only parts that follow one another by their numbers are a line; one that is left alone is
quarantined. Source: ``daemon/logger/fluentd`` of moby.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.wrappers import docker
from pipeline.collectors.wrappers.wrapper import json_in

if TYPE_CHECKING:
    from pipeline.collectors.wrappers.wrapper import Unwrapped

NAME = "elasticsearch"

_NUMBER = frozenset("123456789")
_DIGITS_MAX = 6


def unwrap(line: bytes) -> Unwrapped | None:
    """Return a part of what a container wrote, ``None`` for a document that holds a whole line, or anything else."""
    if b'"partial_message"' not in line:
        return None
    record, sent = _sent_in(line)
    if sent is None or record.get("partial_message") != "true":
        return None
    ordinal, name = record.get("partial_ordinal"), record.get("partial_id")
    if not isinstance(ordinal, str) or not isinstance(name, str) or not name or not ordinal.isascii():
        return None
    if not ordinal.isdigit() or ordinal[0] not in _NUMBER or len(ordinal) > _DIGITS_MAX:
        return None
    return sent._replace(stream=f"{sent.stream} {name}", ordinal=int(ordinal))


def knows(line: bytes) -> bool:
    """Tell a document that Docker sent."""
    return _sent_in(line)[1] is not None


def _sent_in(line: bytes) -> tuple[Any, Unwrapped | None]:
    document = json_in(line) if line.startswith(b"{") and b'"_source"' in line else None
    record = document.get("_source") if isinstance(document, dict) and "_index" in document else None
    return record, docker.sent_in(record)
