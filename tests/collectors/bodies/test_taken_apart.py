"""A logged response to its documents: in what it may be wrapped, how often, and what is none."""

from __future__ import annotations

import base64
import gzip
import json
import struct
import zlib
from typing import Any

import pytest
from readings import aws_stream

from pipeline.collectors.bodies.aws_event_stream import exception_in, inner_of, payloads_of
from pipeline.collectors.bodies.body import Body, take_apart
from pipeline.collectors.bodies.sse import Transcript, is_transcript, read_transcript
from pipeline.collectors.values.refusal import LineRefused

A, B = {"a": 1}, {"b": 2}
ONE = Body(documents=[A])
STREAM = Body(documents=[A, B], is_stream=True)
NOTHING = Body([])


def text(document: Any) -> str:
    return json.dumps(document)


def based(content: str | bytes) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


def http_chunks(*pieces: str, end: str = "0\r\n\r\n") -> str:
    return "".join(f"{len(piece.encode()):x}\r\n{piece}\r\n" for piece in pieces) + end


def apart(response: Any) -> Body:
    """Return a body taken apart, but for whether it was told in events, which has a test of its own."""
    return take_apart(response, depth_max=64)._replace(is_transcript=False)


@pytest.mark.parametrize(
    "response",
    [
        A,
        text(A),
        f"\ufeff \t\r\n{text(A)}\r\n",
        text(text(A)),
        text(text(text(A))),
        text(A).replace('"', '\\"'),
        http_chunks(text(A)),
        http_chunks('{"a"', ": 1}"),
    ],
)
def test_a_body_is_one_document_behind_up_to_two_steps(response: Any) -> None:
    assert apart(response) == ONE


@pytest.mark.parametrize(
    "response",
    [
        [A, B],
        text([A, B]),
        text(text([A, B])),
        [text(A), text(B)],
        text([text(A), text(B)]),
        [A, "event", 1, None, B],
        f"{text(A)}\n{text(B)}\n",
        f"\r\n{text(A)}\r\n\r\n{text(B)}",
        f"{text(A)}\nnone\n{text(B)}\n{{torn",
        f"{text(A)}\n{{torn\n{text(B)}",
        f"data: {text(A)}\n\ndata: {text(B)}\n\n",
        f"data: {text(A)}\r\rdata: {text(B)}",
        f"data:{text(A)}\r\n\r\ndata:  {text(B)}\r\n\r\ndata: [DONE]\r\n\r\n",
        f"data: {text(A)}\ndata: {text(B)}\n\n",
        f"data: {text(A)}\n\ndata: {{torn\n\ndata: {text(B)}\n\n",
        f": hi\nid: 7\nretry: 5\nevent: message\ndata: {text(A)}\n\ndata: data: {text(B)}\n\n",
        'data: {"a":\ndata:  1}\n\ndata: {"b": 2}',
        text(f"data: {text(A)}\n\ndata: {text(B)}\n\n"),
        http_chunks(f"data: {text(A)}\n\n", f"data: {text(B)}\n\n"),
        [f"data: {text(A)}", f"data: {text(B)}"],
        [{"data": text(A)}, {"event": "message", "data": B, "id": "1", "retry": 5}],
        [{"data": A}, {"bytes": based(text(B))}],
        [{"chunk": {"bytes": based(text(A))}}, {"chunk": {"bytes": based(text(B))}, "p": "x"}],
    ],
)
def test_a_stream_is_its_chunks_however_it_was_logged(response: Any) -> None:
    assert apart(response) == STREAM


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (f"data: {text(A)}\n\n", True),
        (f"data: {text(A)}\\n\\ndata: {text(B)}\\n\\n", True),
        (f"event: adata: {text(A)}event: bdata: {text(B)}", True),
        ([f"data: {text(A)}", f"data: {text(B)}"], True),
        (text(f"data: {text(A)}\n\n"), True),
        (http_chunks(f"data: {text(A)}\n\n"), True),
        ({"status": 200, "body": f"data: {text(A)}\n\n"}, True),
        *((response, False) for response in (None, A, text(A), [A, B], f"{text(A)}\n{text(B)}", [{"data": text(A)}])),
    ],
)
def test_what_was_told_in_events_is_known(response: Any, expected: object) -> None:
    assert take_apart(response, depth_max=64).is_transcript is expected


@pytest.mark.parametrize(
    "response",
    [
        *(None, "", " ", "a", "{", "[", '"a"', "1", "null", "7\n", text(text(text(text(A))))),
        *("<html></html>", '{"a": 1', '"', "[DONE]", based("a"), based("0123456789abcdef")),
    ],
)
def test_what_is_no_body_has_no_documents(response: Any) -> None:
    assert apart(response) == NOTHING


@pytest.mark.parametrize(
    ("response", "documents", "is_stream"),
    [
        (f"  data: {text(A)}\n\n\t data: {text(B)}\n", [A, B], True),
        (f"data: {text(A)}\\n\\ndata: {text(B)}\\n\\ndata: [DONE]\\n\\n", [A, B], True),
        (f": ping\\r\\nevent: x\\r\\ndata:{text(A)}\\r\\n\\r\\ndata: data: {text(B)}", [A, B], True),
        (f"data: {text(A)}\\n\\ndata: {text({'c': 'x'})[:-2]}", [A], True),
        (r'data: {"a": "\n\ndata: {\"b\": 2}"}\n\n', [{"a": '\n\ndata: {"b": 2}'}], True),
        (r'data: {"a": "\n\ndata: {\"b\": 2}', [], True),
        ("data: {torn\\n" * 16 + f"data: {text(A)}\\n", [A], True),
        ("data: {torn\\n" * 17 + f"data: {text(A)}\\n", [], True),
        (f"event: x\\ndata: torn\\n\\ndata: {text(A)}\\n", [A], True),
        ({"statusCode": 200, "headers": {}, "body": text(A)}, [A], False),
        (text({"status": 200, "body": A}), [A], False),
        ({"status_code": 200, "isBase64Encoded": True, "body": based(text({"a": "x" * 9}))}, [{"a": "x" * 9}], False),
        ({"status": 200, "headers": {}, "body": f"data: {text(A)}\n\ndata: {text(B)}\n\n"}, [A, B], True),
        ({"status": 200, "body": 7}, [{"status": 200, "body": 7}], False),
        ({"body": text(A)}, [{"body": text(A)}], False),
        ({"status": 200, "body": text(A), "usage": {}}, [{"status": 200, "body": text(A), "usage": {}}], False),
        (based(text({"a": "x" * 9})), [{"a": "x" * 9}], False),
        (based(f"data: {text(A)}\n\ndata: {text(B)}\n\n"), [A, B], True),
        (based(f"data: {text(A)}\n\ndata: é".encode()[:-1]), [A], True),
        (based(f"data: {text(A)}\n\ndata: ".encode() + b"\xff."), [], False),
        (based(text({"b": "é" * 90})).replace("6", "6\r\n", 1), [{"b": "é" * 90}], False),
        (based(gzip.compress(text(A).encode(), mtime=0)), [A], False),
        (based(gzip.compress(f"data: {text(A)}\n\ndata: {text(B)}\n\n".encode(), mtime=0)[:-9]), [A, B], True),
        ({"status": 200, "isBase64Encoded": True, "body": based(gzip.compress(text(A).encode(), mtime=0))}, [A], False),
        (gzip.compress(text(A).encode(), mtime=0).decode("latin-1"), [A], False),
        (based(b"\x1f\x8b\x08" + b"no stream of gzip"), [], False),
        (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{text(A)}", [A], False),
        (f"HTTP/2 200\nx: y\n\ndata: {text(A)}\n\ndata: {text(B)}\n\n", [A, B], True),
        (f"HTTP/1.1 200 OK\r\n\r\n{http_chunks(text(A))}", [A], False),
        (f"data: {text(A)}data: {text(B)}data: [DONE]", [A, B], True),
        (f"event: x\ndata:{text(A)} data: {text(B)}data: {{torn", [A, B], True),
        (f"data: {text({'a': 'data: {}data: {}'})}data: {{torn", [{"a": "data: {}data: {}"}], True),
        (f"data: {text(A)}{text(B)}\n\n", [], True),
        ([], [], True),
        ("{}", [{}], False),
        ([1], [], True),
        ({"chunk": {"bytes": based(text(A))}}, [A], True),
        ({"bytes": based(text(A))}, [A], True),
        ({"bytes": based(text(A)), "choices": []}, [{"bytes": based(text(A)), "choices": []}], False),
        ({"chunk": 7}, [{"chunk": 7}], False),
        ({"bytes": 7, "a": 1}, [{"bytes": 7, "a": 1}], False),
        ({"data": text(A)}, [{"data": text(A)}], False),
        ([{"data": text(A), "usage": {}}], [{"data": text(A), "usage": {}}], True),
        ([{"data": text(A), "object": "list"}], [{"data": text(A), "object": "list"}], True),
        ([{"data": A, "choices": []}], [{"data": A, "choices": []}], True),
        ([{"data": A, "model": "m"}], [{"data": A, "model": "m"}], True),
        ([{"data": "no document"}], [], True),
        ([{"throttlingException": {}}, A], [{"error": "throttlingException"}, A], True),
        (f"{text(A)}\n", [A], False),
        (f"{text(A)} {text(B)}", [A, B], True),
        (f"{text(A)}{text(B)}{text(B)}", [A, B, B], True),
        (f"{text(A)},{text(B)}", [A, B], True),
        (f"{text(A)}{text(B)}{{torn", [], False),
        (f"{text(A)}\n\n{{torn", [A], True),
        ("[torn\nalso torn", [], False),
        ('[1,\n{"a": 1}\n', [A], True),
        (f"[{text(A)},{text(B)}", [A, B], True),
        (f"[\n{text(A)}\n,\r\n{text(B)}\n,\n{{torn", [A, B], True),
        (f"[{text({'c': [{}]})},\n{{}},{{torn", [{"c": [{}]}, {}], True),
        (json.dumps(A, indent=1) + "\n" + json.dumps(B, indent=1) + "\n{\n", [A, B], True),
        (["data: ", text(A) + "\n\nda", "ta: ", text(B)], [A, B], True),
        ([text(A)[:4], text(A)[4:]], [A], False),
    ],
)
def test_an_event_of_a_stream_is_what_it_holds_where_it_is_only_a_wrapper(
    response: Any, documents: list[Any], *, is_stream: bool
) -> None:
    assert apart(response) == Body(documents=documents, is_stream=is_stream)


def test_an_event_that_states_twice_what_it_holds_is_refused() -> None:
    for name in ("data", "bytes"):
        with pytest.raises(LineRefused):
            apart(f'[{{"{name}": "e30=", "{name}": "e31="}}]')


@pytest.mark.parametrize(
    ("stream", "documents", "has_error"),
    [
        ("event: error\ndata: {}\n\n", [{}], True),
        ("event:  error \ndata: {}\n\n", [{}], True),
        ("event: errors\ndata: {}\n\n", [{}], False),
        ('error: {"a": 1}', [], True),
        ('event: adata: {"a": 1}event: errordata: {}', [{"a": 1}, {}], True),
        ('event: adata: {"a": 1}event: errorsdata: {}data: [DONE]', [{"a": 1}, {}], False),
        ('data: {"a": 1}event: errordata: {}', [{"a": 1}, {}], True),
        ("id: error\ndata: {}\n\n", [{}], False),
        (": only a comment", [], False),
    ],
)
def test_a_transcript_may_say_that_it_is_an_error(stream: str, documents: list[Any], *, has_error: bool) -> None:
    assert apart(stream) == Body(documents=documents, is_stream=True, has_error=has_error)


@pytest.mark.parametrize(
    ("transcript", "payloads"),
    [
        ("data: a\n\ndata: b", ["a", "b"]),
        ("data: a\ndata: b\n\n\n\ndata: c\n\n", ["a\nb", "c"]),
        ("data:a\n\ndata:  b\n\n", ["a", " b"]),
        ("data: data:data: a\n\n", ["a"]),
        ("data\n\ndata:\n\n", ["", ""]),
        ("data: a\u2028b\n\n", ["a\u2028b"]),
        ("other: a\n\n", []),
        ("data: a\r\n\r\ndata: b\r\rdata: c\n\r", ["a", "b", "c"]),
        ("", []),
    ],
)
def test_a_transcript_is_split_as_its_specification_says(transcript: str, payloads: list[str]) -> None:
    assert read_transcript(transcript) == Transcript(payloads=payloads, has_error=False)


@pytest.mark.parametrize(
    ("transcript", "is_one"),
    [
        *((f"{field}: x", True) for field in ("data", "event", "id", "retry", "error", "")),
        *((f"x{end}data: x", True) for end in ("\n", "\r", "\r\n")),
        *((other, False) for other in ("", "data", "xdata: x", "- data: x", "text: x", "x data: y")),
    ],
)
def test_a_text_is_a_transcript_where_a_line_begins_as_one_does(transcript: str, *, is_one: bool) -> None:
    assert is_transcript(transcript) is is_one


@pytest.mark.parametrize(
    ("framed", "documents"),
    [
        (http_chunks(text(A), end=""), [A]),
        (http_chunks(text(A)) + "trailing: x", [A]),
        (http_chunks(text(A), end="1"), [A]),
        (http_chunks(text(A), end="1f;x=y"), [A]),
        (f"8;name=value\r\n{text(A)}\r\n0\r\n\r\n", [A]),
        (f"8\n{text(A)}\n0\n\n", [A]),
        (f"00000008\r\n{text(A)}\r\n0\r\n\r\n", [A]),
        (http_chunks('{"a": "\u00e9"}'), [{"a": "\u00e9"}]),
        (f"7\r\n{text(A)}\r\n0\r\n\r\n", []),
        (f"8\r\n{text(A)}\r\nno size\r\n", []),
        (f"000000008\r\n{text(A)}\r\n", []),
        (f"0\r\n{text(A)}\r\n", []),
    ],
)
def test_chunks_of_http_lead_from_size_to_size(framed: str, documents: list[Any]) -> None:
    assert apart(framed).documents == documents


def frame(headers: bytes, payload: bytes, *, spoil: int | None = None, total: int | None = None) -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload) if total is None else total, len(headers))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    whole = bytearray(body + struct.pack(">I", zlib.crc32(body)))
    if spoil is not None:
        whole[spoil] ^= 1
    return bytes(whole)


def header(name: str, kind: int, value: bytes) -> bytes:
    return bytes([len(name.encode())]) + name.encode() + bytes([kind]) + value


def string(name: str, value: str) -> bytes:
    return header(name, 7, struct.pack(">H", len(value.encode())) + value.encode())


EVENT = string(":event-type", "chunk")


@pytest.mark.parametrize(
    ("frames", "payloads"),
    [
        ([frame(EVENT, b'{"a": 1}')], ['{"chunk": {"a": 1}}']),
        ([frame(EVENT, b' {"a": 1}')], ['{"chunk":  {"a": 1}}']),
        ([frame(EVENT, b"text")], ["text"]),
        ([frame(b"", b'{"a": 1}')], ['{"a": 1}']),
        ([frame(EVENT, b"\xff")], ["\ufffd"]),
        ([frame(b"", b"")], [""]),
        ([frame(EVENT, b"{}"), frame(EVENT, b"{}")[:-1]], ['{"chunk": {}}']),
        ([frame(EVENT, b"{}"), frame(EVENT, b"{}")[:11]], ['{"chunk": {}}']),
        ([frame(EVENT, b"{}"), frame(EVENT, b"{}")[:12]], ['{"chunk": {}}']),
        (
            [
                frame(
                    b"".join(
                        header(str(kind), kind, b"x" * width)
                        for kind, width in ((0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16))
                    )
                    + header("6", 6, struct.pack(">H", 3) + b"abc")
                    + EVENT,
                    b"{}",
                )
            ],
            ['{"chunk": {}}'],
        ),
        (
            [frame(string(":message-type", "exception") + string(":exception-type", "boom"), b"{}")],
            ['{"error": "boom"}'],
        ),
        ([frame(string(":message-type", "error") + string(":error-code", "500"), b"{}")], ['{"error": "500"}']),
        ([frame(string(":message-type", "exception"), b"{}")], ['{"error": "exception"}']),
        ([frame(string(":message-type", "event") + EVENT, b"{}")], ['{"chunk": {}}']),
        ([frame(header("\u00e9", 7, b"\0\1\xff") + EVENT, b"{}")], ['{"chunk": {}}']),
        ([frame(EVENT, b"{}", spoil=0)], None),
        ([frame(EVENT, b"{}", spoil=9)], None),
        ([frame(EVENT, b"{}", spoil=20)], None),
        ([frame(EVENT, b"{}", spoil=-1)], None),
        ([frame(EVENT, b"{}", total=15 + len(EVENT))], None),
        ([b"x" * 16], None),
        ([b"x" * 8], None),
        ([frame(EVENT, b"{}"), b"x" * 11], ['{"chunk": {}}']),
        ([frame(EVENT, b"{}"), b"x" * 12], None),
    ],
)
def test_an_event_stream_of_aws_is_one_where_every_length_and_checksum_holds(
    frames: list[bytes], payloads: list[str] | None
) -> None:
    encoded = based(b"".join(frames))
    assert payloads_of(encoded) == payloads
    assert payloads_of("\n".join((encoded[:20], encoded[20:], ""))) == payloads


def test_a_text_that_is_no_base64_is_no_event_stream() -> None:
    for other in ("", "a" * 15, "a" * 17, "a-b_" * 8, based(frame(EVENT, b"{}")) + "!", "=" * 16):
        assert payloads_of(other) is None
    padded = [based(frame(EVENT, b"{}" + b" " * blanks)) for blanks in range(3)]
    assert sorted(len(each) - len(each.rstrip("=")) for each in padded) == [0, 1, 2]
    assert [payloads_of(each) is not None for each in padded] == [True] * 3
    assert [payloads_of(f"{each}=") for each in padded if each.endswith("=")] == [None] * 2


def test_a_body_may_be_an_event_stream_of_aws() -> None:
    stream = aws_stream(("a", {"b": 1}), ("chunk", {"bytes": based(text(A))}), exception="boom")
    assert apart(stream) == Body(documents=[{"a": {"b": 1}}, A, {"error": "boom"}], is_stream=True)


@pytest.mark.parametrize(
    ("event", "inner"),
    [
        ({"chunk": {"bytes": based("x")}}, "x"),
        ({"chunk": {"bytes": based("x")}, "p": 1}, "x"),
        ({"bytes": based("x")}, "x"),
        ({"bytes": based("x"), "p": 1}, "x"),
        ({"bytes": based(b"\xff")}, "\ufffd"),
        ({"chunk": "text", "bytes": based("x")}, None),
        ({"other": {"bytes": based("x")}}, None),
        ({"bytes": 7}, None),
        ({"bytes": "no base64"}, None),
        ({"bytes": "\u00e9"}, None),
        ({}, None),
    ],
)
def test_a_model_s_own_chunk_lies_in_the_bytes_of_an_event(event: dict[str, Any], inner: str | None) -> None:
    assert inner_of(event) == inner


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ({"modelStreamErrorException": {}}, "modelStreamErrorException"),
        ({"modelStreamErrorException": "text"}, None),
        ({"modelStreamErrorException": {}, "p": 1}, None),
        ({"Exceptional": {}}, None),
        ({}, None),
    ],
)
def test_an_event_that_is_an_exception_is_alone_and_called_so(event: dict[str, Any], name: str | None) -> None:
    assert exception_in(event) == name


def test_each_step_that_is_undone_counts_and_there_are_two_at_most() -> None:
    assert apart(http_chunks(text(text(A)))) == ONE
    assert apart(http_chunks(text(text(text(A))))) == NOTHING
    assert apart(text(http_chunks(text(A)))) == ONE
    assert apart(text(text(http_chunks(text(A))))) == NOTHING
    assert not apart([text(text(A))] * 2).documents


def test_a_chunk_s_own_bytes_count_before_what_else_its_event_holds_and_choices_are_a_chunk_themselves() -> None:
    assert apart([{"bytes": based(text(A)), "data": text(B)}]) == Body(documents=[A], is_stream=True)
    own = {"data": text(A), "choices": []}
    assert apart([own]) == Body(documents=[own], is_stream=True)


def test_a_text_of_texts_is_undone_twice_and_no_more() -> None:
    assert apart(text(text([text(A), text(B)]))) == STREAM
    assert apart(text(text(text([text(A), text(B)])))) == NOTHING
    assert apart(http_chunks(http_chunks(text(A)))) == ONE
    assert apart(http_chunks(http_chunks(http_chunks(text(A))))) == NOTHING


def test_a_message_shorter_than_its_own_headers_is_none() -> None:
    prelude = struct.pack(">II", 16, 4)
    body = prelude + struct.pack(">I", zlib.crc32(prelude))
    assert payloads_of(based(body + struct.pack(">I", zlib.crc32(body)) + b"more of it")) is None


def test_a_header_of_aws_that_is_no_text_is_none_of_ours() -> None:
    odd = bytes([1]) + b"\xff\x07" + struct.pack(">H", 1) + b"x"
    assert payloads_of(based(frame(odd + EVENT, b"{}"))) == ['{"chunk": {}}']


def test_a_size_that_leads_to_no_end_of_a_line_is_none_even_where_another_follows() -> None:
    assert apart('7\r\n{"a":1}X0\r\n\r\n') == NOTHING
    assert apart('7\r\n{"a":1}\n0\r\n\r\n') == ONE


TOLD = f"data: {text(A)}\n\ndata: {text(B)}\n\n"


@pytest.mark.parametrize(
    ("response", "documents", "is_stream"),
    [
        (str(text(A).encode()), [A], False),
        (f" {text(A).encode()!r}\n", [A], False),
        (str(text({"a": 'it\'s \\ ü \n\t\r "x"'}).encode()), [{"a": 'it\'s \\ ü \n\t\r "x"'}], False),
        (str(json.dumps({"a": "it's ü"}, ensure_ascii=False).encode()), [{"a": "it's ü"}], False),
        (str(gzip.compress(text(A).encode(), mtime=0)), [A], False),
        (text(str(text(A).encode())), [A], False),
        (str(TOLD.encode()), [A, B], True),
        (str(TOLD.encode())[:-9], [A], True),
        ([str(TOLD[:20].encode()), str(TOLD[20:].encode())], [A, B], True),
        ([str(line.encode()) for line in TOLD.split("\n") if line], [A, B], True),
        ("\n".join(str(line.encode()) for line in TOLD.split("\n")), [A, B], True),
        ({"status": 200, "body": str(text(A).encode())}, [A], False),
        *((response, [], False) for response in ("b'", "b", "b'a", f"b'{text(A)}\nand so on", f"B'{text(A)}'")),
        (str(str(str(text(A).encode()).encode()).encode()), [], False),
    ],
)
def test_bytes_are_read_as_python_prints_them(response: Any, documents: list[Any], *, is_stream: bool) -> None:
    """A log that was written with ``str(response.content)`` has them so, and one of ``iter_lines`` line by line."""
    assert apart(response) == Body(documents=documents, is_stream=is_stream)
