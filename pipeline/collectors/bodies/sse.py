"""A transcript of server-sent events, split as the WHATWG specification says.

Owns lines, fields and the joining of ``data``; source: https://html.spec.whatwg.org/multipage/server-sent-events.html.
Does not own what the payloads mean (``chat``), nor the decision that a text is a transcript (``body``).
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_FIELD = re.compile(r"(?:^|[\r\n])[ \t]*(?:data|event|id|retry|error)?:")
_ESCAPED_ENDS = re.compile(r"(?:\s|\\r|\\n)*")
_ESCAPED_LINE = re.compile(r"(?:(?!\\[rn])[^\r\n])+")
_PREFIXES = re.compile(r"(?:data: ?)*")
_NEXT_EVENT = re.compile(r"""[^{}\[\]"\\]*?data:[ \t]*""")
_SAYS_ERROR = re.compile(r"event:[ \t]*error[ \t]*(?:data|id|retry):")
_DECODER = json.JSONDecoder()
_ESCAPE_SIZE = len(r"\u0000")
_BROKEN_MAX = 16
"""So many payloads may be no JSON: to say where one breaks costs as much as all that stands before it."""


class Transcript(NamedTuple):
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
        # A payload never begins a line, so blanks before a field are framing.
        field, _, value = line.lstrip(" \t").partition(":")
        if field == "data":
            value = value.removeprefix(" ")
            pending.append(value[_end_of(_PREFIXES, value, 0) :])  # framed more than once: what is inside counts
        elif field == "error" or (field == "event" and value.strip() == "error"):
            has_error = True
    if pending:
        payloads.append("\n".join(pending))
    return Transcript(payloads=payloads, has_error=has_error)


def with_line_ends(text: str) -> str | None:
    r"""Return a transcript whose line ends were written as ``\n``, as loggers do that let no text begin a line.

    Only what stands between payloads is undone: what a payload escapes is its own. ``None`` where no payload ends in
    such a line end, or where many are no JSON. What was cut goes on to the end.

    >>> with_line_ends(r'data: {"a": "\n"}\n\ndata: [DONE]\n\n')
    'data: {"a": "\\n"}\ndata: [DONE]'
    """
    if "\\n" not in text and "\\r" not in text:
        return None
    lines: list[str] = []
    is_escaped = False
    broken = 0
    at = _end_of(_ESCAPED_ENDS, text, 0)
    while at < len(text):
        payload_at = _end_of(_PREFIXES, text, at)
        end = at
        if text.startswith("{", payload_at):
            try:
                _, end = _DECODER.raw_decode(text, payload_at)
            except (ValueError, RecursionError) as error:
                broken += 1
                if broken > _BROKEN_MAX:
                    return None
                end = len(text) if _is_cut(error, text) else at
        if end == at:  # another field, or a payload that is none
            payload_at, end = at, _end_of(_ESCAPED_LINE, text, at)
        following = _end_of(_ESCAPED_ENDS, text, end)
        is_escaped = is_escaped or (payload_at > at and "\\" in text[end:following])
        lines.append(text[at:end])
        at = following
    return "\n".join(lines) if is_escaped else None


def run_together(text: str) -> Transcript:
    """Return the transcript of events whose line ends were lost: each payload whole, and what stands behind the last.

    >>> run_together('event: adata: {"a": 1}event: bdata: {"b": 2} data: [DONE]').payloads
    ['{"a": 1}', '{"b": 2}', '[DONE]']
    """
    payloads: list[str] = []
    has_error = False
    at = 0
    while True:
        begin = _NEXT_EVENT.match(text, at)
        has_error = has_error or (begin is not None and _SAYS_ERROR.search(begin[0]) is not None)
        at = at if begin is None else begin.end()
        try:
            _, end = _DECODER.raw_decode(text, at) if text.startswith("{", at) else (None, at)
        except (ValueError, RecursionError):
            end = at
        if end == at or _NEXT_EVENT.match(text, end) is None:
            return Transcript(payloads=[*payloads, text[at:]], has_error=has_error)
        payloads.append(text[at:end])
        at = end


def _is_cut(error: Exception, text: str) -> bool:
    """Tell a payload that goes on to the end of the text, so that nothing behind its beginning is a line of its own."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated string") or error.pos >= len(text) - _ESCAPE_SIZE


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()
