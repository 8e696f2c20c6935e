"""One line to one row, the quick way: the rules of the plain reader where they say yes.

Owns the quick way through ``envelope`` and ``exchange``. ``None`` means that the plain reader must read the line: there
is no refusal here, and nothing unusual.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simdjson import Object

from pipeline.collectors.families.chat import NAME as OPENAI_CHAT
from pipeline.collectors.fast import bodies, transcripts
from pipeline.collectors.fast.documents import keys_of, line_of, part_of
from pipeline.collectors.fast.fields import is_identifier, is_model
from pipeline.collectors.fast.instants import instant_us
from pipeline.collectors.fields import INT32_MAX
from pipeline.collectors.formats.fingerprint import bare_key
from pipeline.collectors.identity import event_id
from pipeline.collectors.routes import Route, route_of
from pipeline.usage.events import COLUMNS, LOGGED

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from pipeline.collectors.decode import Row
    from pipeline.collectors.fast.bodies import Exchange
    from pipeline.collectors.fast.documents import Document

    Asked: TypeAlias = tuple[str | None, bool | None, int | None]
    """Model, stream and number of choices that the request names."""

_LATER = (None,) * sum(column.since > 1 for column in COLUMNS)
"""The columns that came after this reader: what states one of them is for the plain reader."""
_FOR_THE_PLAIN_READER = frozenset(
    name for column in LOGGED for name in (column.log_field, str(column.log_field).partition(".")[0])
)
"""Names at the top of a line that may state one of them."""
_NO_TOKENS = (None, None, None, None, None)
_NOTHING_ASKED: Asked = (None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReader:
    """Reads the lines of one log."""

    source: str
    depth_max: int
    identity: str
    """The rule of the source."""
    fingerprint: Callable[[str], str]

    def read(self, content: bytes, place: tuple[int, int, int]) -> Row | None:
        """Return the values of ``schemas.USAGE_EVENTS``, ``None`` where the plain reader must read the line.

        Raises what ``fingerprint`` raises.

        ``content`` is the line, or what is left of one that was cut; ``place`` is its number and its ``[start, end)``
        in the log.
        """
        line = line_of(content, depth_max=self.depth_max)
        stated = keys_of(line) if line is not None else None
        if line is None or stated is None or "ts" not in stated or "status" not in stated:
            return None
        if not _FOR_THE_PLAIN_READER.isdisjoint(stated):
            return None
        at, status = line["ts"], line["status"]
        occurred_us = instant_us(at) if type(at) is str else None
        if occurred_us is None or type(status) is not int or not 100 <= status <= 599:  # noqa: PLR2004 - the range of HTTP
            return None
        request_id = line["request_id"] if "request_id" in stated else None
        key = line["api_key_id"] if "api_key_id" in stated else None
        if not is_identifier(request_id) or not is_model(key):
            return None
        raw_key = line["api_key"] if not key and "api_key" in stated else None
        if not key and (type(raw_key) is not str or not bare_key(raw_key)):
            return None
        asked = _asked(line["request"]) if "request" in stated else _NOTHING_ASKED
        found = self._exchange(line, stated, status) if asked is not None else None
        if asked is None or found is None:
            return None
        model_requested, stream, choices_asked = asked
        (usage_status, response_id, reported, tier, reason, tokens, content_chunks), choices, dialect, is_stream = found
        if model_requested is None and reported is None and "path" in stated:
            return None  # the path may name the model
        request_id = request_id or None
        if response_id is None and request_id is None:
            return None  # identified by its bytes
        key = key or self.fingerprint(raw_key or "")
        identity = event_id(
            api_key_id=key,
            response_id=response_id,
            request_id=request_id,
            line=b"",
            rule=self.identity,
        )
        if is_stream is not None:
            stream, choices = is_stream, choices_asked if is_stream else choices
        return (
            *(
                identity,
                request_id,
                response_id,
                occurred_us,
                key,
                model_requested,
                reported,
                tier,
                usage_status,
                status,
                stream,
                choices,
                reason,
            ),
            *(tokens or _NO_TOKENS),
            *(content_chunks, dialect, self.source),
            *place,
            *_LATER,
        )

    def _exchange(self, line: Document, stated: frozenset[str], status: int) -> Exchange | None:
        method = line["method"] if "method" in stated else None
        path = line["path"] if "path" in stated else None
        body: Any = line["response"] if "response" in stated else None
        if not (method is None or type(method) is str) or not (path is None or type(path) is str):
            return None
        if not (body is None or type(body) is Object or type(body) is str):
            return None
        if not 200 <= status <= 299 or route_of(path or None, method) is not Route.COMPLETION:  # noqa: PLR2004 - the 2xx of HTTP
            return None
        if isinstance(body, str):
            if body.startswith("data:"):
                reading = transcripts.read(body, depth_max=self.depth_max)
                return None if reading is None else (reading, None, OPENAI_CHAT, True)
            part = part_of(body, depth_max=self.depth_max) if body.startswith("{") else None
            return bodies.read(part) if part is not None else None
        return None if body is None else bodies.read(body)


def _asked(request: Any) -> Asked | None:
    if request is None:
        return _NOTHING_ASKED
    stated = keys_of(request) if type(request) is Object else None
    if stated is None:
        return None
    model = request["model"] if "model" in stated else None
    stream = request["stream"] if "stream" in stated else None
    choices = request["n"] if "n" in stated else None
    if not is_model(model) or not (stream is None or type(stream) is bool):
        return None
    if choices is not None and (type(choices) is not int or not 0 <= choices <= INT32_MAX):
        return None
    return model or None, stream, choices
