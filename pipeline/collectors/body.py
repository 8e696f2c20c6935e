"""What was logged as the response, told from its first characters: one document, a stream of events, several documents.

Owns the decision what a body is; content types are not asked, since event streams arrive as JSON and JSON errors as
event streams. Does not own what the documents mean (``families``, ``chat``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from pipeline.collectors.sse import is_transcript, read_transcript
from pipeline.collectors.strict_json import BrokenJson, parse

if TYPE_CHECKING:
    from pipeline.collectors.strict_json import JsonObject


class BodyKind(Enum):
    """The form of a body."""

    DOCUMENT = auto()
    """One JSON object."""
    STREAM = auto()
    """A transcript of server-sent events; its documents are the chunks."""
    SEVERAL = auto()
    """JSON documents on lines, or in an array: streams of other families."""
    NOTHING = auto()
    """Empty, cut, or no JSON at all: nothing can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A body taken apart; ``has_error`` where a stream said so outside its chunks."""

    kind: BodyKind
    documents: list[JsonObject] = field(default_factory=list)
    has_error: bool = False


_NOTHING = Body(kind=BodyKind.NOTHING)
_BLANKS = "\ufeff \t\r\n"


def look_at(response: JsonObject | str | None, *, depth_max: int) -> Body:
    """Take a body apart. Raises ``LineRefused`` where its JSON is lax or nested too deep; a cut body is ``NOTHING``."""
    if response is None:
        return _NOTHING
    if isinstance(response, dict):
        return Body(kind=BodyKind.DOCUMENT, documents=[response])
    text = response.lstrip(_BLANKS)
    if text.startswith(("{", "[")):
        return _json_body(text, depth_max)
    if is_transcript(text):
        return _stream_body(text, depth_max)
    return _NOTHING


def _json_body(text: str, depth_max: int) -> Body:
    try:
        document = parse(text, depth_max=depth_max)
    except BrokenJson:
        return _lines_body(text, depth_max)
    if isinstance(document, dict):
        return Body(kind=BodyKind.DOCUMENT, documents=[document])
    return Body(kind=BodyKind.SEVERAL, documents=[element for element in document if isinstance(element, dict)])


def _lines_body(text: str, depth_max: int) -> Body:
    first, _, rest = text.partition("\n")
    if not rest.strip():
        return _NOTHING
    try:
        document = parse(first, depth_max=depth_max)
    except BrokenJson:
        return _NOTHING
    return Body(kind=BodyKind.SEVERAL, documents=[document]) if isinstance(document, dict) else _NOTHING


def _stream_body(text: str, depth_max: int) -> Body:
    transcript = read_transcript(text)
    chunks = []
    for payload in transcript.payloads:
        if not payload.lstrip().startswith("{"):
            continue  # [DONE], and whatever else is no chunk
        try:
            chunks.append(parse(payload, depth_max=depth_max))
        except BrokenJson:
            continue  # a chunk cut in the middle says nothing
    return Body(kind=BodyKind.STREAM, documents=chunks, has_error=transcript.has_error)
