"""What was logged as the response, taken apart into its JSON documents, whatever it was wrapped in.

Owns the decision what a body is; content types are not asked, since event streams arrive as JSON and JSON errors as
event streams. A body that one step undoes is read, where its structure proves the step: JSON text in a string, text
that was escaped once too often or stands in base64, what HTTP puts around it (chunks, a head, gzip), events of AWS,
chunks as an array, as lines or one after another. Does not own what the documents mean (``families``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors.bodies import aws_event_stream
from pipeline.collectors.bodies.held_texts import BLANKS, printed_in, text_of_bytes, unwrapped
from pipeline.collectors.bodies.sse import is_transcript, read_transcript, run_together, with_line_ends
from pipeline.collectors.values.strict_json import BrokenJson, documents_of, parse, stated_once, whole_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.collectors.bodies.sse import Transcript
    from pipeline.collectors.values.strict_json import JsonObject


class Body(NamedTuple):
    """A body taken apart: no documents where nothing can be said of it."""

    documents: list[JsonObject]
    is_stream: bool = False
    """Whether the documents are the chunks of a stream."""
    has_error: bool = False
    """Whether a stream said ``error`` outside its chunks."""
    is_transcript: bool = False
    """Whether the documents are what was said in events, as it was said: nothing that is stored is asked for so."""


_NOTHING = Body([])
_HTTP_STATUS = frozenset(("status", "statusCode", "status_code"))
_HTTP_HEADERS = frozenset(("headers", "multiValueHeaders", "isBase64Encoded"))
_HTTP_ANSWER = _HTTP_STATUS | _HTTP_HEADERS | frozenset(("body", "statusText", "status_text", "cookies", "ok", "url"))
"""The names of an answer of HTTP as clients and functions log it, whose ``body`` is meant."""
_NODE_BUFFER = frozenset(("type", "data"))
"""The names of bytes as Node writes them in JSON: ``{"type": "Buffer", "data": [123, …]}``."""
_UNWRAPS_MAX = 2
"""So many times a text may turn out to be another text; each step is proven by what comes out."""


def take_apart(response: JsonObject | list[Any] | str | None, *, depth_max: int) -> Body:
    """Take a body apart.

    Raises ``LineRefused`` where its JSON is lax or nested too deep; of a cut body, what is whole counts.
    """
    if response is None:
        return _NOTHING
    if isinstance(response, str):
        return _text_body(response, depth_max, _UNWRAPS_MAX)
    return _json_body(response, depth_max, _UNWRAPS_MAX)


def _text_body(response: str, depth_max: int, unwraps: int) -> Body:
    text = response.lstrip(BLANKS)
    if text.startswith(("{", "[", '"')):
        try:
            document = parse(text, depth_max=depth_max)
        except BrokenJson:
            document = None
        if document is not None:
            return _json_body(document, depth_max, unwraps)
        body = _lines_body(text, depth_max)
        if body.documents:
            return body
    if unwraps and (body := _unwrapped_body(text, depth_max, unwraps - 1)).documents:
        return body
    if (payloads := aws_event_stream.payloads_of(text)) is not None:
        return _chunks(_parsed(payloads, depth_max), depth_max)
    if not text.startswith(("{", "[")) and is_transcript(text):
        return _stream_body(text, depth_max)
    return _NOTHING


def _unwrapped_body(text: str, depth_max: int, unwraps: int) -> Body:
    """Take apart what one step leads to; there is nothing where none does."""
    if printed := printed_in(text):
        return _texts_body(printed, depth_max, unwraps)
    held = unwrapped(text)
    return _NOTHING if held is None else _text_body(held, depth_max, unwraps)


def _json_body(document: Any, depth_max: int, unwraps: int) -> Body:
    """Take JSON apart: one document, an array of chunks, or a text that holds a body."""
    if isinstance(document, dict):
        held = _held_by_answer(document) if unwraps else None
        if held is not None:
            return _json_body(held, depth_max, unwraps)
        if unwraps and (body := _without_status_or_as_bytes(document, depth_max, unwraps - 1)).documents:
            return body
        is_event = ("chunk" in document or "bytes" in document) and "choices" not in document
        chunks = _chunks([document], depth_max) if is_event else None
        return chunks if chunks is not None and chunks.documents != [document] else Body(documents=[document])
    if isinstance(document, str):
        return _text_body(document, depth_max, unwraps - 1) if unwraps else _NOTHING
    texts = [element for element in document if isinstance(element, str)]
    if texts and len(texts) == len(document):
        return _texts_body(texts, depth_max, unwraps - 1) if unwraps else _NOTHING
    return _chunks([element for element in document if isinstance(element, dict)], depth_max)


def _texts_body(texts: list[str], depth_max: int, unwraps: int) -> Body:
    """Take apart a body that was logged text by text.

    Each is an event or a document, or as much as arrived at once: then it may end anywhere, and more is whole of what
    they make together.
    """
    if unwraps and len(printed := [piece for text in texts for piece in printed_in(text)]) >= len(texts):
        return _texts_body(printed, depth_max, unwraps - 1)
    if len(texts) == 1:
        return _text_body(texts[0], depth_max, unwraps)
    apart = _text_body("\n\n".join(texts), depth_max, unwraps)
    together = _text_body("".join(texts), depth_max, unwraps)
    return together if len(together.documents) > len(apart.documents) else apart


def _held_by_answer(document: JsonObject) -> JsonObject | list[Any] | str | None:
    """Return the body of an answer of HTTP that was logged with its status around it, ``None`` of anything else."""
    if not document.keys() <= _HTTP_ANSWER or _HTTP_STATUS.isdisjoint(document):
        return None
    held = stated_once(document, "body")
    return held if isinstance(held, dict | list | str) else None


def _without_status_or_as_bytes(document: JsonObject, depth_max: int, unwraps: int) -> Body:
    """Take apart the text that an answer of HTTP holds beside its headers alone, and bytes as Node writes them."""
    held: Any = None
    if document.keys() <= _HTTP_ANSWER and not _HTTP_HEADERS.isdisjoint(document):
        held = stated_once(document, "body")
    elif document.keys() == _NODE_BUFFER and document.get("type") == "Buffer":
        held = text_of_bytes(stated_once(document, "data"))
    return _text_body(held, depth_max, unwraps) if isinstance(held, str) else _NOTHING


def _lines_body(text: str, depth_max: int) -> Body:
    """Take apart JSON documents on lines, or over several lines each, or in an array that was cut.

    What is none, as a cut last one, says nothing.
    """
    lines = [line for line in text.split("\n") if line.strip(BLANKS)]
    documents = whole_of(text, depth_max=depth_max) if text.startswith("[") else []
    if not documents and len(lines) > 1:
        documents = _parsed(lines, depth_max) or whole_of(text, depth_max=depth_max)
    if not documents:  # of one line alone nothing is whole, unless it is made of whole documents
        several = documents_of(text, depth_max=depth_max, may_touch=True) or []
        documents = [document for document in several if isinstance(document, dict)]
    return _chunks(documents, depth_max) if documents else _NOTHING


def _parsed(texts: Iterable[str], depth_max: int) -> list[JsonObject]:
    documents = []
    for text in texts:
        if not text.lstrip(BLANKS).startswith("{"):
            continue
        try:
            documents.append(parse(text, depth_max=depth_max))
        except BrokenJson:
            continue  # a chunk cut in the middle says nothing
    return documents


def _chunks(events: list[JsonObject], depth_max: int) -> Body:
    """Return the chunks of a stream that was logged event by event.

    What each event holds, where it is only a wrapper. What an agent's model wrote is not looked into.
    """
    documents: list[JsonObject] = []
    are_of_agent = any(map(aws_event_stream.is_of_agent, events))
    for event in events:
        if "choices" in event:
            documents.append(event)
            continue
        held = stated_once(event, "data")
        inner = None if are_of_agent else aws_event_stream.inner_of(event)
        if inner is None and isinstance(held, str) and not {"usage", "object"} & event.keys():
            inner = held
        if inner is not None:
            documents += _parsed([inner], depth_max)
        elif isinstance(held, dict) and event.keys() <= {"event", "data", "id", "retry"}:
            documents.append(held)
        elif (exception := aws_event_stream.exception_in(event)) is not None:
            documents.append({"error": exception})
        else:
            documents.append(event)
    return Body(documents=documents, is_stream=True)


def _stream_body(text: str, depth_max: int) -> Body:
    body = _transcript_body(read_transcript(text), depth_max)
    if not body.documents and "data:" in text:  # before line ends are looked for, which a payload may write as well
        together = _transcript_body(run_together(text), depth_max)
        body = together if together.documents else body
    if not body.documents and (plain := with_line_ends(text)) is not None:
        return _transcript_body(read_transcript(plain), depth_max)
    return body


def _transcript_body(transcript: Transcript, depth_max: int) -> Body:
    chunks: list[JsonObject] = []
    has_error = transcript.has_error
    for payload in transcript.payloads:
        documents = _parsed([payload], depth_max)  # [DONE] and whatever else is no chunk are none
        # events without the blank line between them: each line is a payload of its own
        documents = documents or (_parsed(payload.split("\n"), depth_max) if "\n" in payload else [])
        if not documents and "data:" in payload:
            together = run_together(payload)
            documents, has_error = _parsed(together.payloads, depth_max), has_error or together.has_error
        chunks += documents
    found = _chunks(chunks, depth_max).documents
    return Body(documents=found, is_stream=True, has_error=has_error, is_transcript=True)
