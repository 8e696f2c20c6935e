"""What lies around the documents of a body, chunks of HTTP and messages of AWS: cut at every byte, spoiled anywhere."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

import pytest

from pipeline.collectors.bodies.aws_event_stream import exception_in, inner_of, payloads_of
from pipeline.collectors.bodies.body import take_apart

DOCUMENTS = [{"a": "é" * 5, "n": 1}, {"b": "x" * 40, "n": 2}, {"c": [1, 2], "n": 3}]


def documents_of(response: Any) -> list[Any]:
    return take_apart(response, depth_max=64).documents


def in_http_chunks(content: bytes, size: int, *, end: str = "\r\n", extension: str = "", last: bool = True) -> str:
    """The bytes of a body as a dump of HTTP/1.1 has them, so many in each chunk; text, as a log holds it."""
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    ends = end.encode()
    framed = b"".join(f"{len(part):X}{extension}".encode() + ends + part + ends for part in parts)
    return (framed + (b"0" + ends + ends if last else b"")).decode()


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("extension", ["", ";name=value"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("size", [11, 12, 16, 17, 255, 256, 1000])
def test_chunks_of_http_are_put_together_by_their_sizes_in_bytes(
    end: str, extension: str, size: int, *, last: bool
) -> None:
    content = json.dumps({"a": "x" * 300, "b": "0\r\n\r\n"}).encode()
    assert documents_of(in_http_chunks(content, size, end=end, extension=extension, last=last)) == [json.loads(content)]


def test_sizes_of_chunks_are_those_of_bytes_and_not_of_characters() -> None:
    content = json.dumps(DOCUMENTS[0], ensure_ascii=False).encode()
    framed = f"{len(content):x}\r\n{content.decode()}\r\n0\r\n\r\n"
    assert documents_of(framed) == DOCUMENTS[:1]
    assert documents_of(f"{len(content.decode()):x}\r\n{content.decode()}\r\n0\r\n\r\n") == []


def test_chunks_of_lines_that_are_cut_anywhere_give_the_lines_that_are_whole() -> None:
    content = "".join(json.dumps(each) + "\n" for each in DOCUMENTS).encode()
    framed = in_http_chunks(content, 30, last=False)
    assert documents_of(framed) == DOCUMENTS
    for cut in range(1, 20):
        assert documents_of(framed[:-cut])[:2] == DOCUMENTS[:2]


def test_a_size_that_does_not_lead_to_a_line_end_is_no_chunk() -> None:
    text = json.dumps(DOCUMENTS[2])
    for size in (len(text) - 1, len(text) - 2):
        assert documents_of(f"{size:x}\r\n{text}\r\n0\r\n\r\n") == []
    assert documents_of(f"{len(text):x}\r\n{text}\r\nzz\r\n") == []
    assert documents_of(f"{len(text):x}\r\n{text}\r\n0\r\n\r\nwhatever follows") == [DOCUMENTS[2]]


def message(headers: dict[str, Any], payload: bytes) -> bytes:
    """One message of an event stream; a header that is text is text, and one that is a number has that type's width."""
    widths = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
    coded = b""
    for name, value in headers.items():
        coded += bytes([len(name)]) + name.encode()
        if isinstance(value, int):
            coded += bytes([value]) + b"\x07" * widths[value]
        else:
            kind, content = (6, value) if isinstance(value, bytes) else (7, value.encode())
            coded += bytes([kind]) + struct.pack(">H", len(content)) + content
    prelude = struct.pack(">II", 16 + len(coded) + len(payload), len(coded))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + coded + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def said(*messages: bytes) -> list[str] | None:
    return payloads_of(base64.b64encode(b"".join(messages)).decode())


def test_a_payload_is_wrapped_in_the_name_of_its_event_where_it_is_an_object() -> None:
    assert said(message({":event-type": "metadata"}, b'{"n": 1}')) == ['{"metadata": {"n": 1}}']
    assert said(message({":event-type": "metadata"}, b' \n{"n": 1}')) == ['{"metadata":  \n{"n": 1}}']
    assert said(message({":event-type": "metadata"}, b"[1]")) == ["[1]"]
    assert said(message({}, b'{"n": 1}')) == ['{"n": 1}']
    assert said(message({":event-type": 'a"b'}, b"{}")) == ['{"a\\"b": {}}']


def test_an_exception_is_an_error_with_the_name_it_has() -> None:
    for kind in ("exception", "error"):
        named = {":message-type": kind, ":exception-type": "throttlingException", ":error-code": "429"}
        assert said(message(named, b"{}")) == ['{"error": "throttlingException"}']
        del named[":exception-type"]
        assert said(message(named, b"{}")) == ['{"error": "429"}']
        assert said(message({":message-type": kind}, b"{}")) == ['{"error": "exception"}']
    assert said(message({":message-type": "event"}, b"{}")) == ["{}"]


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, 5, 8, 9, b"some bytes"])
def test_headers_of_every_type_are_passed_over(kind: Any) -> None:
    headers = {":first": kind, ":event-type": "x", ":last": kind}
    assert said(message(headers, b'{"n": 1}')) == ['{"x": {"n": 1}}']


def test_a_stream_that_is_cut_anywhere_gives_the_messages_that_are_whole() -> None:
    messages = [message({":event-type": "e"}, json.dumps({"n": number}).encode()) for number in range(3)]
    whole = b"".join(messages)
    payloads = said(whole)
    assert payloads is not None
    assert len(payloads) == 3
    ends = [len(b"".join(messages[:count])) for count in range(4)]
    for cut in range(len(messages[0]), len(whole)):
        assert said(whole[:cut]) == payloads[: sum(end <= cut for end in ends[1:])]
    for cut in range(len(messages[0])):
        assert said(whole[:cut]) is None


def test_a_stream_that_is_spoiled_anywhere_is_none() -> None:
    whole = message({":event-type": "e"}, b'{"n": 1}') + message({":event-type": "e"}, b'{"n": 2}')
    for at in range(len(whole)):
        spoiled = bytearray(whole)
        spoiled[at] ^= 1
        assert said(bytes(spoiled)) is None
    short = struct.pack(">II", 15, 0)  # a length that has no room for what stands around a payload
    assert said(short + struct.pack(">I", zlib.crc32(short)) + bytes(4)) is None


def test_base64_may_be_broken_into_lines_and_anything_else_is_no_stream() -> None:
    text = base64.encodebytes(message({":event-type": "e"}, b'{"n": 1, "x": "' + b"y" * 90 + b'"}')).decode()
    assert text.count("\n") > 1
    assert payloads_of(text) == ['{"e": {"n": 1, "x": "' + "y" * 90 + '"}}']
    smallest = base64.b64encode(message({}, b"")).decode()
    assert (len(smallest), payloads_of(smallest)) == (24, [""])
    for none in (text + "!", "A" * 15, "A" * 17, "", "{}" * 20):
        assert payloads_of(none) is None


def test_the_chunk_of_a_model_lies_in_an_event_of_its_own() -> None:
    inner = base64.b64encode(b'{"n": 1}').decode()
    for event in ({"chunk": {"bytes": inner}}, {"bytes": inner}, {"chunk": {"bytes": inner}, "p": "a"}):
        assert inner_of(event) == '{"n": 1}'
    for event in ({"chunk": inner}, {"chunk": {"bytes": 7}}, {"chunk": {}}, {"bytes": "no base64!"}, {"a": {}}, {}):
        assert inner_of(event) is None


def test_an_event_that_is_an_exception_is_alone_and_called_so() -> None:
    assert exception_in({"throttlingException": {"message": "slow"}}) == "throttlingException"
    for event in ({"throttlingException": {}, "x": 1}, {"throttlingException": "slow"}, {"throttling": {}}, {}):
        assert exception_in(event) is None
