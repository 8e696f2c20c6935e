"""A transcript of server-sent events, split as the WHATWG specification says.

Owns lines, fields and the joining of ``data``; source: https://html.spec.whatwg.org/multipage/server-sent-events.html.
Does not own what the payloads mean (``chat``), nor the decision that a text is a transcript (``body``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FIELD = re.compile(r"(?:^|[\r\n])(?:data|event|id|retry|error)?:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """The payloads of a transcript in their order.

    And whether it said ``event: error`` or had a bare ``error:`` line.
    """

    payloads: list[str]
    has_error: bool


def is_transcript(text: str) -> bool:
    """Tell whether any line of the text starts as a field or a comment of a transcript does."""
    return _FIELD.search(text) is not None


def read_transcript(text: str) -> Transcript:
    r"""Split a transcript; the last event counts without its blank line, since that is how cut streams end.

    >>> read_transcript(": hi\r\ndata: {}\r\n\r\ndata: [DONE]").payloads
    ['{}', '[DONE]']
    """
    payloads: list[str] = []
    pending: list[str] = []
    has_error = False
    # Exactly CRLF, LF and CR end a line: str.splitlines would also split at U+2028, which content may hold.
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line:
            if pending:
                payloads.append("\n".join(pending))
                pending = []
            continue
        field, _, value = line.partition(":")
        if field == "data":
            value = value.removeprefix(" ")
            while value.startswith("data:"):  # framed more than once; what is inside carries the payload
                value = value.removeprefix("data:").removeprefix(" ")
            pending.append(value)
        elif field == "error" or (field == "event" and value.strip() == "error"):
            has_error = True
    if pending:
        payloads.append("\n".join(pending))
    return Transcript(payloads=payloads, has_error=has_error)
