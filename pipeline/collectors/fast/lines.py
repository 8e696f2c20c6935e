"""One small line to one row, the quick way: a typed decoder, and the rules of the plain reader where they say yes.

Owns the quick way through ``envelope``, ``exchange`` and ``chat``. ``None`` means that the plain reader must read the line: there
is no refusal here, and nothing unusual. The line has passed ``gate.suspects``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import UNSET, MsgspecError

from pipeline.collectors.decode import EventRow
from pipeline.collectors.families import OPENAI_CHAT
from pipeline.collectors.fast import transcripts
from pipeline.collectors.fast.documents import Body, decode_body, decode_line
from pipeline.collectors.fast.fields import identifier, instant_us, is_usual_object, label, model
from pipeline.collectors.fast.texts import decoded
from pipeline.collectors.fast.usage import counted
from pipeline.collectors.fields import INT32_MAX
from pipeline.collectors.fingerprint import bare_key
from pipeline.collectors.identity import event_id
from pipeline.collectors.routes import Route, route_of
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from pipeline.collectors.fast.condense import Condensed
    from pipeline.collectors.fast.documents import LoggedLine
    from pipeline.collectors.fast.transcripts import Reading
    from pipeline.collectors.log_format import LogFormat

    Exchange: TypeAlias = tuple[Reading, int | None, str | None, bool | None]
    """What a body says, its number of choices, its dialect, and whether it is a stream."""

_NO_TOKENS = (None, None, None, None, None)
_FAILED: Exchange = (("failed", None, None, None, None, None, None), None, None, None)
_NOT_METERED: Exchange = (("not_metered", None, None, None, None, None, None), None, None, None)
_STATUS = {status.value: status for status in UsageStatus}
_IN_RESPONSE = re.compile(rb'"response"[ \t]*:[ \t]*"(?:[^"\\]|\\.)*')


def read(
    content: bytes,
    cut: Condensed | None,
    place: tuple[int, int, int],
    *,
    has_request: bool,
    source: str,
    log_format: LogFormat,
    fingerprint: Callable[[str], str],
) -> EventRow | None:
    """Return the row of a line, ``None`` where the plain reader must read it; raises what ``fingerprint`` raises.

    ``content`` is the line, or what is left of it by ``cut``; ``place`` is its number and its ``[start, end)`` in the log.
    """
    try:
        line = decode_line(content)
    except (MsgspecError, UnicodeError):
        return None
    occurred_us = instant_us(line.ts) if type(line.ts) is str else None
    request_id, key, request = line.request_id or None, line.api_key_id or None, line.request
    if occurred_us is None or not 100 <= line.status <= 599:  # noqa: PLR2004 - the range of HTTP
        return None
    if (key is None and not (line.api_key and bare_key(line.api_key))) or (key is not None and not model(key)):
        return None
    if request_id is not None and (type(request_id) is not str or not identifier(request_id)):
        return None
    asked = stream = choices_asked = None
    if request is not None:
        asked, stream, choices_asked = request.model or None, request.stream, request.n
        if (asked is not None and not model(asked)) or (choices_asked is not None and not 0 <= choices_asked <= INT32_MAX):
            return None
    elif has_request:
        return None
    found = _exchange(line, content, cut, log_format)
    if found is None:
        return None
    (status, response_id, reported, tier, reason, tokens, content_chunks), choices, dialect, is_stream = found
    if response_id is None and request_id is None:
        return None  # identified by its bytes
    key = key or fingerprint(line.api_key or "")
    identity = event_id(api_key_id=key, response_id=response_id, request_id=request_id, line=b"", prefers_request_id=log_format.identity == "request-id")
    if is_stream is not None:
        stream, choices = is_stream, choices_asked if is_stream else choices
    stated = (status, line.status, stream, choices, reason, *(tokens or _NO_TOKENS), content_chunks, dialect, source)
    return EventRow(_STATUS[status], (identity, request_id, response_id, occurred_us, key, asked, reported, tier, *stated, *place))


def _exchange(line: LoggedLine, content: bytes, cut: Condensed | None, log_format: LogFormat) -> Exchange | None:
    if line.method and line.method.strip().upper() != "POST":
        return _NOT_METERED
    route = Route.COMPLETION if line.path is None else route_of(line.path)
    is_success = 200 <= line.status <= 299  # noqa: PLR2004 - the 2xx of HTTP
    if route is Route.OTHER or (route is Route.UNLISTED and not is_success):
        return _NOT_METERED
    if not is_success:
        return _FAILED
    body = line.response
    if route is Route.UNLISTED:
        return None
    if type(body) is str and body.startswith("{"):
        body = decoded(body, decode_body, depth_max=log_format.depth_max)
    if type(body) is Body:
        reading = _document(body)
        return None if reading is None else (reading, len(body.choices or ()), OPENAI_CHAT, False)
    if type(body) is str and body.startswith("data:"):
        return _stream(body, content, cut, log_format)
    return None


def _document(body: Body) -> Reading | None:
    """Read a plain body as ``chat.read_document`` does, where it states its usage."""
    choices, usage, tier = body.choices, body.usage, body.service_tier
    if not choices or usage is None or choices[0].text is not UNSET or not is_usual_object(body.object):
        return None
    tier = tier or usage.service_tier or None
    reason, response_id, reported = choices[0].finish_reason or None, body.id or None, body.model or None
    if (response_id is not None and not identifier(response_id)) or (reported is not None and not model(reported)):
        return None
    if (reason is not None and not label(reason)) or (tier is not None and not label(tier)):
        return None
    tokens = counted(usage)
    return None if tokens is None else ("measured", response_id, reported, tier, reason, tokens, None)


def _stream(transcript: str, content: bytes, cut: Condensed | None, log_format: LogFormat) -> Exchange | None:
    reading = transcripts.read(transcript, dropped=cut.content_chunks if cut else 0, depth_max=log_format.depth_max)
    if reading is None or (reading[-1] is not None and cut is not None and not _is_in_response(content, cut)):
        return None
    return reading, None, OPENAI_CHAT, True


def _is_in_response(content: bytes, cut: Condensed) -> bool:
    """Tell whether what was cut out was the response: a prompt may hold a transcript too."""
    begin = content.rfind(b'"response"', 0, cut.at)
    return begin > 0 and content[begin - 1 : begin] != b"\\" and _IN_RESPONSE.fullmatch(content, begin, cut.at) is not None
