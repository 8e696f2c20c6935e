"""What was logged as the response, taken apart into its JSON documents, whatever it was wrapped in.

Owns the decision what a body is; content types are not asked, since event streams arrive as JSON and JSON errors as
event streams. A body that one step undoes is read, where its structure proves the step: JSON text in a string, text
that was escaped once too often or stands in base64, what HTTP puts around it (chunks, a head, gzip), events of AWS,
chunks as an array, as lines or one after another. Does not own what the documents mean (``families``).
"""

from __future__ import annotations

import base64
import codecs
import json
import re
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors.bodies import aws_event_stream
from pipeline.collectors.bodies.sse import is_transcript, read_transcript, run_together, with_line_ends
from pipeline.collectors.values.strict_json import BrokenJson, document_in, documents_of, parse, stated_once, whole_of

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
_UTF8 = codecs.getincrementaldecoder("utf-8")
_BLANKS = "\ufeff \t\r\n"
_BASE64 = re.compile(r"[A-Za-z0-9+/\r\n]{20,}+={0,2}+\s*+\Z")
_BEGINS_MESSAGE = re.compile(r"HTTP/|[A-Z]{3,7} |[0-9A-Fa-f]{1,8}(?:;[^\r\n]*)?\r?\n")
"""The beginning of a message of HTTP, or of its first chunk."""
_BEGINS_HTTP_CHUNK = re.compile(rb"[0-9A-Fa-f]{1,8}(?:;[^\r\n]*)?\r?\n")
_HTTP_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;[^\r\n]*)?\r?\n")
_CUT_HTTP_CHUNK = re.compile(rb"[0-9A-Fa-f]{1,8}(?:;[^\r\n]*)?\r?\Z")
_HTTP_HEAD = re.compile(
    rb"(?:HTTP/[0-9.]{1,4} [0-9]{3}[^\r\n]*+|[A-Z]{3,7} [^\r\n ]++ HTTP/[0-9.]{1,4})\r?\n(?:[^\r\n]++\r?\n)*+\r?\n"
)
"""What stands before the body of an answer, or of a request."""
_HEAD_ON_ONE_LINE = re.compile(
    r"(?:HTTP/[0-9.]{1,4} [0-9]{3}|[A-Z]{3,7} [^\r\n {\[]++ HTTP/[0-9.]{1,4}) [^\r\n{\[]*(?=[{\[])"
)
_BODIES_TRIED_MAX = 32
"""Behind a head on one line, so many places are looked at for the body: some headers have JSON in them."""
_GZIPPED = "\x1f\x8b\x08"
_GZIPPED_BYTES = _GZIPPED.encode("latin-1")
_BEHIND_A_BLANK = re.compile(r" (?=[{\[])")
_BEFORE_A_PAYLOAD = re.compile(r" (?:event: ?[^ ]++ +)?data: ?\Z")
_PRINTED = ("b'", 'b"')
_PRINTED_BYTES = re.compile(r"""b(['"])([\x20-\x7e]*)""")
_PRINTED_BYTE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|([\\'\"tnr]))")
_PRINTED_AS = {"t": "\t", "n": "\n", "r": "\r"}
_INFLATED_BYTES_MAX = 64 * 2**20
_TOKEN = re.compile(r"(?:[Bb]earer +)?([A-Za-z0-9_-]{8,})\.([A-Za-z0-9_-]{8,})\.[A-Za-z0-9_-]*")
_URL_SAFE = str.maketrans("-_", "+/")
_HTTP_STATUS = frozenset(("status", "statusCode", "status_code"))
_HTTP_ANSWER = _HTTP_STATUS | frozenset(
    ("body", "headers", "multiValueHeaders", "isBase64Encoded", "statusText", "status_text", "cookies", "ok", "url")
)
"""The names of an answer of HTTP as clients and functions log it, whose ``body`` is meant."""
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


def document_within(text: str, *, depth_max: int) -> JsonObject | list[Any] | None:
    """Return the JSON that a text is, or that one step leads to: out of base64, of a message of HTTP, of a token.

    ``None`` where there is none. Of a token (RFC 7519) it is the claims, whoever signed them.
    """
    found = document_in(text, depth_max=depth_max)
    if found is not None:
        return found
    plain = _claims_in(text)
    if plain is None:
        plain = _unwrapped(text.lstrip(_BLANKS))
    return None if plain is None else document_in(plain, depth_max=depth_max)


def _claims_in(text: str) -> str | None:
    """Return the claims of a token, also behind ``Bearer``; ``None`` of anything else."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    head, claims = (_out_of_base64(f"{part.translate(_URL_SAFE)}{'=' * (-len(part) % 4)}") for part in found.groups())
    return claims if head is not None and head.lstrip().startswith("{") else None


def _text_body(response: str, depth_max: int, unwraps: int) -> Body:
    text = response.lstrip(_BLANKS)
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
    if printed := _printed_in(text):
        return _texts_body(printed, depth_max, unwraps)
    unwrapped = _unwrapped(text)
    return _NOTHING if unwrapped is None else _text_body(unwrapped, depth_max, unwraps)


def _json_body(document: Any, depth_max: int, unwraps: int) -> Body:
    """Take JSON apart: one document, an array of chunks, or a text that holds a body."""
    if isinstance(document, dict):
        held = _held_by_answer(document) if unwraps else None
        if held is not None:
            return _json_body(held, depth_max, unwraps)
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
    if unwraps and len(printed := [piece for text in texts for piece in _printed_in(text)]) >= len(texts):
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


def _lines_body(text: str, depth_max: int) -> Body:
    """Take apart JSON documents on lines, or over several lines each, or in an array that was cut.

    What is none, as a cut last one, says nothing.
    """
    lines = [line for line in text.split("\n") if line.strip(_BLANKS)]
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
        if not text.lstrip(_BLANKS).startswith("{"):
            continue
        try:
            documents.append(parse(text, depth_max=depth_max))
        except BrokenJson:
            continue  # a chunk cut in the middle says nothing
    return documents


def _chunks(events: list[JsonObject], depth_max: int) -> Body:
    """Return the chunks of a stream that was logged event by event.

    What each event holds, where it is only a wrapper.
    """
    documents: list[JsonObject] = []
    for event in events:
        if "choices" in event:
            documents.append(event)
            continue
        held = stated_once(event, "data")
        inner = aws_event_stream.inner_of(event)
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


def _unwrapped(text: str) -> str | None:
    """Undo one step: HTTP's chunks, its head or its compression, base64, or escapes that were made once too often.

    ``None`` where neither is there.
    """
    if (whole := _without_http_framing(text)) is not None:
        return whole
    if _BASE64.match(text) is not None:
        return _out_of_base64(text)
    if '\\"' not in text:
        return None
    try:
        return str(json.loads(f'"{text.strip(_BLANKS)}"', strict=False))
    except ValueError:
        return None


def _printed_in(text: str) -> list[str]:
    r"""Return the texts that lines of bytes are as Python prints them (``str(response.content)``), also cut ones.

    None of any other text. What was compressed stays so.

    >>> _printed_in(r"b'[1, \xc3\xbc]'"), _printed_in("[1]")
    (['[1, ü]'], [])
    """
    if not text.startswith(_PRINTED):
        return []
    lines = [line for line in text.split("\n") if line.strip(_BLANKS)]
    printed = [found for line in lines if (found := _PRINTED_BYTES.fullmatch(line.strip(_BLANKS))) is not None]
    return [_of_printed(found[2].removesuffix(found[1])) for found in printed] if len(printed) == len(lines) else []


def _of_printed(printed: str) -> str:
    text = _PRINTED_BYTE.sub(
        lambda found: chr(int(found[1], 16)) if found[1] else _PRINTED_AS.get(found[2], found[2]), printed
    )
    return text if text.startswith(_GZIPPED) else text.encode("latin-1").decode("utf-8", "replace")


def _without_http_framing(text: str) -> str | None:
    """Return what stands behind the head of an answer, in its chunks, or in what was compressed; ``None`` elsewhere."""
    if text.startswith(_GZIPPED):
        return _out_of_gzip(text.encode("latin-1", "replace"))
    if (one_line := _HEAD_ON_ONE_LINE.match(text)) is not None:
        return _behind_head_on_one_line(text, one_line.end())
    if _BEGINS_MESSAGE.match(text) is None:
        return None
    content = text.encode("utf-8", "surrogatepass")
    if (head := _HTTP_HEAD.match(content)) is not None:
        return _out_of_message(content[head.end() :])
    held = _out_of_http_chunks(content)
    return None if held is None else held.decode("utf-8", "replace")


def _out_of_message(content: bytes) -> str | None:
    """Return the text of what stands behind a head, out of its chunks and its compression."""
    held = _out_of_http_chunks(content)
    content = content if held is None else held
    return _out_of_gzip(content) if content.startswith(_GZIPPED_BYTES) else content.decode("utf-8", "replace")


def _behind_head_on_one_line(text: str, at: int) -> str | None:
    """Return the JSON, or the events, that a text ends with whose head was put on one line, as Tyk's pump does.

    ``None`` elsewhere. Headers may have JSON in them, which something follows.
    """
    for _ in range(_BODIES_TRIED_MAX):
        if (events := _BEFORE_A_PAYLOAD.search(text, 0, at)) is not None:
            return text[events.start() + 1 :]
        try:
            parse(text[at:])
        except BrokenJson:
            found = _BEHIND_A_BLANK.search(text, at + 1)
            if found is None:
                return None
            at = found.end()
        else:
            return text[at:]
    return None


def _out_of_base64(text: str) -> str | None:
    """Return the text that base64 holds, ``None`` where it holds none: events of AWS are none either.

    A body that was cut may end within a character, which is left out.
    """
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
        if content.startswith(_GZIPPED_BYTES):
            return _out_of_gzip(content)
        head = _HTTP_HEAD.match(content)
        return _UTF8().decode(content) if head is None else _out_of_message(content[head.end() :])
    except ValueError:  # also what is no UTF-8
        return None


def _out_of_gzip(content: bytes) -> str | None:
    """Return the text that was compressed on its way, as far as it goes; ``None`` where it is none, or too much.

    Clients that inflate what they read may log it as it came: a proxy, or a function that has bodies in base64.
    """
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        text = inflate.decompress(content, _INFLATED_BYTES_MAX)
    except zlib.error:
        return None
    return None if inflate.unconsumed_tail else text.decode("utf-8", "replace")


def _out_of_http_chunks(content: bytes) -> bytes | None:
    """Return what chunks of HTTP hold, ``None`` where the content is not made of them.

    Each size is that of the bytes after it.
    """
    if not _BEGINS_HTTP_CHUNK.match(content):
        return None
    held = []
    at = 0
    while at < len(content):
        if _CUT_HTTP_CHUNK.match(content, at):
            break
        size = _HTTP_CHUNK.match(content, at)
        if size is None:
            return None
        length, at = int(size[1], 16), size.end()
        chunk = content[at : at + length]
        at += length
        if content[at : at + 1] not in (b"\r", b"\n", b""):
            return None  # the size does not lead to the end of a line
        held.append(chunk)
        if not length:
            break
        at += 2 if content[at : at + 2] == b"\r\n" else 1
    return b"".join(held)


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
