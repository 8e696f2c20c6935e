"""One step from a text to the text that it holds: out of base64, of HTTP, of a token, of bytes that were printed.

Owns which texts hold another one, where their structure proves it: what HTTP puts around a body (a head, chunks, gzip),
base64, escapes that were made once too often, bytes as Python and Node print them, claims of tokens. Does not own how
often a step is taken (``body``).
"""

from __future__ import annotations

import base64
import codecs
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

from pipeline.collectors.values.strict_json import BrokenJson, document_in, parse
from pipeline.collectors.values.traced import is_integer

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

_UTF8 = codecs.getincrementaldecoder("utf-8")
BLANKS = "\ufeff \t\r\n"
"""What may stand before a document and is no part of it."""
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
_BYTES = 256


def document_within(text: str, *, depth_max: int) -> JsonObject | list[Any] | None:
    """Return the JSON that a text is, or that one step leads to: out of base64, of a message of HTTP, of a token.

    ``None`` where there is none. Of a token (RFC 7519) it is the claims, whoever signed them.
    """
    found = document_in(text, depth_max=depth_max)
    if found is not None:
        return found
    plain = _claims_in(text)
    if plain is None:
        plain = unwrapped(text.lstrip(BLANKS))
    return None if plain is None else document_in(plain, depth_max=depth_max)


def unwrapped(text: str) -> str | None:
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
        return str(json.loads(f'"{text.strip(BLANKS)}"', strict=False))
    except ValueError:
        return None


def _claims_in(text: str) -> str | None:
    """Return the claims of a token, also behind ``Bearer``; ``None`` of anything else."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    head, claims = (_out_of_base64(f"{part.translate(_URL_SAFE)}{'=' * (-len(part) % 4)}") for part in found.groups())
    return claims if head is not None and head.lstrip().startswith("{") else None


def printed_in(text: str) -> list[str]:
    r"""Return the texts that lines of bytes are as Python prints them (``str(response.content)``), also cut ones.

    None of any other text. What was compressed stays so.

    >>> printed_in(r"b'[1, \xc3\xbc]'"), printed_in("[1]")
    (['[1, ü]'], [])
    """
    if not text.startswith(_PRINTED):
        return []
    lines = [line for line in text.split("\n") if line.strip(BLANKS)]
    printed = [found for line in lines if (found := _PRINTED_BYTES.fullmatch(line.strip(BLANKS))) is not None]
    return [_of_printed(found[2].removesuffix(found[1])) for found in printed] if len(printed) == len(lines) else []


def _of_printed(printed: str) -> str:
    text = _PRINTED_BYTE.sub(
        lambda found: chr(int(found[1], 16)) if found[1] else _PRINTED_AS.get(found[2], found[2]), printed
    )
    return text if text.startswith(_GZIPPED) else text.encode("latin-1").decode("utf-8", "replace")


def text_of_bytes(values: Any) -> str | None:
    """Return the text that an array of bytes is; ``None`` where it is none."""
    if not isinstance(values, list) or not all(is_integer(value) and 0 <= value < _BYTES for value in values):
        return None
    content = bytes(values)
    if content.startswith(_GZIPPED_BYTES):
        return _out_of_gzip(content)
    return content.decode("utf-8", "replace")


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
