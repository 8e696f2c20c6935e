"""What may be learned from a line that was read: which of its fields its row depends on.

Owns the conditions. A row that hangs on more than ``uses`` knows (an estimate, another family's body, an identity from
the line's bytes) teaches nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.bodies.body import take_apart
from pipeline.collectors.families.chat import NAME as OPENAI_CHAT
from pipeline.collectors.fast.patterns.uses import uses_of_line
from pipeline.collectors.formats.entries import is_as_it_stands
from pipeline.collectors.formats.request_log import read_envelope
from pipeline.collectors.strict_json import parse
from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.decode import Row
    from pipeline.collectors.fast.patterns.uses import Use
    from pipeline.collectors.formats.log_format import LogFormat

_AT = {name: USAGE_EVENTS.get_field_index(name) for name in ("request_id", "response_id", "status", "dialect")}
_COUNTS_AT = [USAGE_EVENTS.get_field_index(name) for name in ("prompt_tokens", "completion_tokens")]


def uses_of_sample(content: bytes, row: Row, log_format: LogFormat) -> Mapping[str, Use] | None:
    """Return the uses of the fields of a line that was read as ``row``, ``None`` where they are not all known."""
    request_id, response_id, status, dialect = (row[at] for at in _AT.values())
    if request_id is None and response_id is None:
        return None
    if status != UsageStatus.MEASURED or dialect != OPENAI_CHAT or not all(row[at] for at in _COUNTS_AT):
        return None
    document = parse(content.decode(), depth_max=log_format.depth_max)
    if not is_as_it_stands(document, log_format):
        return None
    envelope = read_envelope(document, log_format, _no_fingerprint)
    body = take_apart(envelope.response, depth_max=log_format.depth_max)
    if not any(isinstance(part.get("choices"), list) for part in body.documents):
        return None  # which family it is of hangs on more than is known here
    return uses_of_line(log_format, stated=document.keys())


def _no_fingerprint(_raw: str) -> str:
    return ""
