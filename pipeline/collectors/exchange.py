"""What one exchange amounts to: its path, its status and its body, asked in this order.

Owns the precedence: not metered before failed before the body. Does not own the answers (``routes``, ``body``,
``families``, ``chat``). The body of an exchange that is not metered or failed is not looked into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors import families
from pipeline.collectors.body import BodyKind, look_at
from pipeline.collectors.chat import BodyReading, is_chat_completion, read_document, read_stream
from pipeline.collectors.envelope import NO_STATUS
from pipeline.collectors.families import OPENAI_CHAT
from pipeline.collectors.routes import Route, route_of
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from pipeline.collectors.body import Body
    from pipeline.collectors.envelope import Envelope
    from pipeline.collectors.log_format import LogFormat
    from pipeline.collectors.strict_json import JsonObject

_NOT_METERED = BodyReading(status=UsageStatus.NOT_METERED)
_FAILED = BodyReading(status=UsageStatus.FAILED)
_UNKNOWN = BodyReading(status=UsageStatus.UNKNOWN)


def read_exchange(envelope: Envelope, log_format: LogFormat) -> BodyReading:
    """Return what an exchange amounts to. Raises ``LineRefused`` where its body says something that cannot be."""
    if (reading := read_without_body(envelope)) is not None:
        return reading
    body = look_at(envelope.response, depth_max=log_format.depth_max)
    family = _family(body, log_format.dialect)
    if _route(envelope) is Route.UNLISTED and not (family == OPENAI_CHAT and is_chat_completion(body.documents)):
        return _NOT_METERED
    return _read_body(body, family, envelope)


def read_without_body(envelope: Envelope) -> BodyReading | None:
    """Return what an exchange amounts to whatever its body says, ``None`` where that depends on the body."""
    if envelope.method is not None and envelope.method.strip().upper() != "POST":
        return _NOT_METERED
    route = _route(envelope)
    is_success = 200 <= envelope.http_status <= 299 or envelope.http_status == NO_STATUS  # noqa: PLR2004 - the 2xx of HTTP
    if route is Route.OTHER or (route is Route.UNLISTED and not is_success):
        return _NOT_METERED
    return None if is_success else _FAILED


def _route(envelope: Envelope) -> Route:
    return Route.COMPLETION if envelope.path is None else route_of(envelope.path)


def _read_body(body: Body, family: str | None, envelope: Envelope) -> BodyReading:
    if family is None:
        return _UNKNOWN
    if family != OPENAI_CHAT:
        response_id, model = families.identified(body.documents[0])
        return BodyReading(
            status=UsageStatus.UNKNOWN, dialect=family, response_id=response_id, model_reported=model, is_stream=body.kind is not BodyKind.DOCUMENT
        )
    if body.kind is BodyKind.DOCUMENT:
        return read_document(body.documents[0], model_requested=envelope.model_requested)
    return read_stream(body.documents, has_error=body.has_error, model_requested=envelope.model_requested, choices_requested=envelope.choices_requested)


def _family(body: Body, dialect: str | None) -> str | None:
    """Return the family to read the body as; what nobody recognises is chat, if it has anything that chat would read."""
    if body.kind is BodyKind.NOTHING:
        return None
    is_readable = body.kind is not BodyKind.SEVERAL  # chat never comes as JSON on lines
    if dialect == OPENAI_CHAT:
        return OPENAI_CHAT if is_readable else None
    found = families.family_of_all(body.documents)
    if dialect is not None:
        return dialect if found == dialect else None
    if found == OPENAI_CHAT:
        return OPENAI_CHAT if is_readable else None
    if found is None and is_readable and (body.has_error or any(map(_has_chat_key, body.documents))):
        return OPENAI_CHAT
    return found


def _has_chat_key(document: JsonObject) -> bool:
    return any(document.get(name) is not None for name in ("choices", "usage", "error", "x_groq"))
