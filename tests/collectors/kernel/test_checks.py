"""Each check of the kernel has a line here that would be read wrongly without it.

``benchmarks/mutants/kernel.py`` takes the checks away one at a time and runs this file first. The oracle is the plain
reader; beside each line stands a usual one, which the kernel tells whatever became of the other.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows

from pipeline.collectors import LogFormat
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.program import Program
from pipeline.collectors.kernel.rules import table

if TYPE_CHECKING:
    from collections.abc import Sequence


USUAL = b'{"ts": "2026-03-01T06:51:19Z", "request_id": "r", "api_key_id": "k", "status": 500}'
COUNTED = {"id": "a", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})


def _with(members: bytes, *, without: bytes = b"") -> bytes:
    """Return the usual line with other members before its own, less one of its own."""
    return (b"{" + members + b", " + USUAL[1:]).replace(without, b"", 1)


def _at(written: bytes) -> bytes:
    """Return the usual line with another instant."""
    return USUAL.replace(b'"2026-03-01T06:51:19Z"', written)


def _answered(response: bytes) -> bytes:
    return _with(b'"response": ' + response).replace(b'"status": 500', b'"status": 200')


def _stream(*chunks: Any) -> bytes:
    """Return a line whose answer is a stream; a chunk that is bytes stands there as it is written within the line."""
    texts = (chunk if isinstance(chunk, bytes) else json.dumps(json.dumps(chunk))[1:-1].encode() for chunk in chunks)
    return _answered(b'"' + b"".join(b"data: " + text + b"\\n\\n" for text in texts) + b'"')


_ASKED = {"input_tokens": 3, "output_tokens": 2}


def _started_with(*ids: Any) -> bytes:
    """Return a stream of Anthropic's that starts with each of some ids: of several, no usage can be believed."""
    starts = ({"type": "message_start", "message": {"id": each, "usage": _ASKED}} for each in ids)
    return _stream(*starts, {"type": "message_delta", "usage": {"output_tokens": 20}})


def _said(text: str = "x") -> dict[str, Any]:
    return {"id": "a", "choices": [{"index": 0, "delta": {"content": text}}]}


def _written(chunk: dict[str, Any], *changes: tuple[bytes, bytes]) -> bytes:
    """Return a chunk as it is written within a line, with changes to what is written."""
    written = json.dumps(json.dumps(chunk))[1:-1].encode()
    for before, after in changes:
        assert before in written
        written = written.replace(before, after, 1)
    return written


HANDED_OVER = {
    "a comment is no text that was escaped twice": _answered(
        b'"data: {}\\n\\n: x\\\\n\\\\ndata: {\\\\\\"id\\\\\\": \\\\\\"c\\\\\\", \\\\\\"choices\\\\\\": [], '
        b'\\\\\\"usage\\\\\\": {\\\\\\"prompt_tokens\\\\\\": 7, \\\\\\"completion_tokens\\\\\\": 5}}\\\\n\\\\n\\n\\n"'
    ),
    "what ends a stream is no text that was escaped twice": _answered(
        b'"data: {}\\n\\ndata: [x\\\\n\\\\ndata: {\\\\\\"id\\\\\\": \\\\\\"c\\\\\\", \\\\\\"choices\\\\\\": [], '
        b'\\\\\\"usage\\\\\\": {\\\\\\"prompt_tokens\\\\\\": 7, \\\\\\"completion_tokens\\\\\\": 5}}\\\\n\\\\n\\n\\n"'
    ),
    "a document in a text ends with a quote": _answered(b'"{\\"id\\": \\"a\\", \\"choices\\": []}\x01'),
    "a word is written as JSON writes it": _with(b'"x": trux'),
    "a null is written as JSON writes it": _with(b'"method": nulx'),
    "a minus has digits behind it": _with(b'"x": -'),
    "a dot has digits behind it": _with(b'"x": 1.'),
    "an exponent has digits": _with(b'"x": 1e+'),
    "a number does not begin with zeros": _with(b'"x": 07'),
    "a name is in quotes": _with(b"'x\": 1"),
    "a colon follows a name": _with(b'"x"; 1'),
    "a comma separates members": _with(b'"x": 1 "y": 1'),
    "nothing else separates members": _with(b'"x": 1; "y": 1'),
    "a comma separates elements": _with(b'"x": [1; 2]'),
    "a comma separates elements that are looked at": _answered(b'{"choices": [{}; {}]}'),
    "an array without elements ends with a bracket": _with(b'"method": [x'),
    "an array ends with a bracket": _with(b'"x": {"y": [1}'),
    "an array that is looked at ends with a bracket": _answered(b'{"choices": [{}}'),
    "an object ends with a brace": _with(b'"x": [{"y": 1]'),
    "an object that is looked at ends with a brace": _answered(b'{"choices": [{"index": 0]}'),
    "a line is an object": b"[" + USUAL[1:],
    "a line ends with its object": USUAL + b"}",
    "an escape is one of JSON's": _with(b'"x": "\\x"'),
    "an escape has four digits": _with(b'"x": "\\u00g0"'),
    "a string has no control characters": _with(b'"x": "\x1f"'),
    "a character of two bytes is whole": _with(b'"x": "\xc3"'),
    "a character continues as UTF-8 does": _with(b'"x": "\xe2\x82("'),
    "a character of one byte is not written with two": _with(b'"x": "\xc0\x80"'),
    "a character of two bytes is not written with three": _with(b'"x": "\xe0\x80\x80"'),
    "a character of three bytes is not written with four": _with(b'"x": "\xf0\x80\x80\x80"'),
    "a surrogate is no UTF-8": _with(b'"x": "\xed\xa0\x80"'),
    "nothing is above the last character": _with(b'"x": "\xf4\x90\x80\x80"'),
    "a name may be written with escapes": _with(b'"\\u006dethod": "POST"'),
    "a name of an object may be written with escapes": _answered(
        b'{"id": "a", "choices": [], "us\\u0061ge": {"prompt_tokens": 3, "completion_tokens": 2}}'
    ),
    "a text of which words are expected has no escapes": _with(b'"method": "POS\\u0054"'),
    "a model that is longer than models are": _with(b'"request": {"model": "' + b"m" * 256 + b'"}'),
    "a model of a million bytes": _with(b'"request": {"model": "' + b"m" * 1_000_000 + b'"}'),
    "a status of sixty digits": _with(b'"status": ' + b"2" * 60, without=b', "status": 500'),
    "a status of two hundred thousand digits": _with(b'"status": ' + b"2" * 200_000, without=b', "status": 500'),
    "three hundred thousand values under one name": _answered(b'{"choices": [' + b"1," * 300_000 + b"1]}"),
    "a status with an exponent is whole": _with(b'"status": 2e2', without=b', "status": 500'),
    "a status with an exponent of two digits is whole": _with(b'"status": 2e02', without=b', "status": 500'),
    "a status with an exponent below zero is whole": _with(b'"status": 2000e-1', without=b', "status": 500'),
    "a status with an exponent of zero is whole": _with(b'"status": 200e-0', without=b', "status": 500'),
    "an id is at most as long as ids are": _with(b'"x": 1').replace(b'"r"', b'"' + b"r" * 300 + b'"'),
    "an id consists of characters of ids": USUAL.replace(b'"r"', b'"r r"'),
    "a raw key is as long as it is": USUAL.replace(b'"api_key_id": "k"', b'"api_key": "' + b"k" * 300 + b'"'),
    "more ids in one line than there is room for": _answered(
        b'{"choices": ['
        + b", ".join(b'{"id": "%d"}' % number for number in range(40))
        + b'], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}'
    ),
    "a count beyond 64 bits": _answered(
        b'{"id": "a", "choices": [{}], "usage": {"prompt_tokens": 18446744073709551621, "completion_tokens": 2}}'
    ),
    "a count is no more than anything counts": _answered(
        b'{"id": "a", "choices": [{}], "usage": {"prompt_tokens": 1000000000001, "completion_tokens": 2}}'
    ),
    "a count is whole": _answered(
        b'{"id": "a", "choices": [{}], "usage": {"prompt_tokens": 1.5, "completion_tokens": 2}}'
    ),
    "a day is one of its month": _at(b'"2026-02-29T06:51:19Z"'),
    "there is no day 0": _at(b'"2026-03-00T06:51:19Z"'),
    "there is no month 13": _at(b'"2026-13-01T06:51:19Z"'),
    "there is no hour 24": _at(b'"2026-03-01T24:51:19Z"'),
    "a date is separated by hyphens": _at(b'"2026/03-01T06:51:19Z"'),
    "a time is separated by colons": _at(b'"2026-03-01T06:51;19Z"'),
    "a fraction of a second has digits": _at(b'"2026-03-01T06:51:19.Z"'),
    "an instant without an offset": _at(b'"2026-03-01T06:51:19"'),
    "nothing follows an instant": _at(b'"2026-03-01T06:51:19Zx"'),
    "an instant ends with a quote": _at(b'"2026-03-01T06:51:19Z]'),
    "a name with dots is for the plain reader": _with(b'"request.model": "m"'),
    "an offset has a colon": _at(b'"2026-03-01T06:51:19+01;30"'),
    "an offset is less than a day": _at(b'"2026-03-01T06:51:19+24:30"'),
    "an offset without its colon is less than a day": _at(b'"2026-03-01T06:51:19+2430"'),
    "an offset has less than sixty minutes": _at(b'"2026-03-01T06:51:19+01:60"'),
    "an offset of minutes has two digits": _at(b'"2026-03-01T06:51:19+01:3"'),
    "an offset of hours has two digits": _at(b'"2026-03-01T06:51:19+1"'),
    "an offset has one blank before it": _at(b'"2026-03-01T06:51:19  +01:00"'),
    "a zone that is not UTC": _at(b'"2026-03-01 06:51:19 UTX"'),
    "UTC and an offset": _at(b'"2026-03-01 06:51:19 UTC+1"'),
    "the time before UTC is one": _at(b'"2026-03-01 24:51:19 UTC"'),
    "an instant is in this century": _at(b'"2000-01-01T00:30:00+01:00"'),
    "a date in words is of a month": _at(b'"Sun, 01 Maz 2026 06:51:19 GMT"'),
    "a date in words is of a day of the week": _at(b'"Sum, 01 Mar 2026 06:51:19 GMT"'),
    "a day of a date in words is one of its month": _at(b'"29/Feb/2026:06:51:19 +0000"'),
    "a day of a date in words has digits": _at(b'"x/Mar/2026:06:51:19 +0000"'),
    "a day of JavaScript has two digits": _at(b'"Sun Mar 1 2026 06:51:19 GMT+0000"'),
    "a date in words has a time of day": _at(b'"01/Mar/2026:24:00:00 +0000"'),
    "a date in words is in this century": _at(b'"01/Mar/1926:06:51:19 +0000"'),
    "a date in words is in this century where it was": _at(b'"01/Jan/2000:00:30:00 +0100"'),
    "a date in words has its offset": _at(b'"01/Mar/2026:06:51:19"'),
    "an offset of a date in words has a sign": _at(b'"01/Mar/2026:06:51:19 0000"'),
    "an offset of a date in words has no colon": _at(b'"01/Mar/2026:06:51:19 +01:00"'),
    "an offset of a date in words has minutes": _at(b'"01/Mar/2026:06:51:19 +01"'),
    "an offset of a date in words has one blank before it": _at(b'"01/Mar/2026:06:51:19  +0100"'),
    "a date in words ends with a quote": _at(b'"01/Mar/2026:06:51:19 +0100]'),
    "nothing follows a date in words": _at(b'"01/Mar/2026:06:51:19 +0100 x"'),
    "a name of JavaScript is one": _at(b'"Sun Mar 01 2026 06:51:19 GMT+0000 ()"'),
    "a name of JavaScript ends with its bracket": _at(b'"Sun Mar 01 2026 06:51:19 GMT+0000 (x"'),
    "a name of JavaScript has no brackets": _at(b'"Sun Mar 01 2026 06:51:19 GMT+0000 (x (y)"'),
    "a name of JavaScript is not longer than any": _at(b'"Sun Mar 01 2026 06:51:19 GMT+0000 (%s)"' % (b"x" * 65)),
    "a name of JavaScript with an escape": _at(b'"Sun Mar 01 2026 06:51:19 GMT+0000 (\\x)"'),
    "an instant as a number is in this century": _at(b"946684799"),
    "an instant as a number of twenty digits": _at(b"17723448160000000000"),
    "an instant as a number beyond 64 bits": _at(b"18446744075481896576"),
    "an instant with a fraction of ten digits": _at(b"1772344816.1234567890"),
    "an instant whose fraction has no digits": _at(b'"1772344816."'),
    "an instant as a number with an exponent": _at(b"1772344816e1"),
    "an instant in digits ends with a quote": _at(b'"1772344816]'),
    "an instant in digits, and something else": _at(b'"1772344816x"'),
    "an instant as a number with a fraction": _at(b"17723448165.1"),
    "headers of the response are looked at": _answered(b'{"id": "a"}').replace(
        b"{", b'{"response_headers": {"x-amzn-bedrock-input-token-count": "3"}, ', 1
    ),
    "headers of the response are looked at in capitals": _with(
        b'"response_headers": {"X-Amzn-Bedrock-Input-Token-Count": "3", "X-AMZN-BEDROCK-OUTPUT-TOKEN-COUNT": "4"}'
    ),
    "headers of the response are looked at in characters with such small letters": _with(
        '"response_headers": {"x-amzn-bedroc\u212a-input-token-count": "3"}'.encode()
    ),
    "a name that begins as some do that are looked at": _with(b'"gen_ai.x": 1'),
    "a name at the top that is longer than any that is known": _with(b'"' + b"x" * 65 + b'": 1'),
    "a request in a text is JSON to its end": _with(b'"request": "{\\"model\\": \\"m\\"} x"'),
    "a request in a text that is broken": _with(b'"request": "{\\"model\\"; \\"m\\"}"'),
    "an id that stands for none is for the plain reader": USUAL.replace(b'"r"', b'"-"'),
    "an array of chunks ends with a bracket": _answered(json.dumps("[" + json.dumps(COUNTED)).encode()),
    "an array of chunks has commas": _answered(b"[" + json.dumps(COUNTED).encode() + b"; {}]"),
    "a chunk that is broken is not one that was cut": _stream(_written(_said(), (b"0,", b"0;")), COUNTED),
    "nothing follows the chunk of an event": _stream(_written(COUNTED) + b"}", _said()),
    "a stream has a chunk": _stream(b"[DONE]"),
    "text in a stream that is no chunk": _stream(_said(), b"hello", COUNTED),
    "a name that ends as those that Gemini counts by": _answered(
        b'{"candidates": [], "usageMetadata": {"promptTokenCount": 3, "anyTokenCount": 4}}'
    ),
    "events of two lines of data each": _answered(
        b'"' + 3 * (2 * (b"data: " + _written(_said()) + b"\\n") + b"\\n") + b'"'
    ),
    "an event that is an error": _stream(_said()).replace(b"data: ", b"event: error\\ndata: ", 1),
    "an error with a space before it": _stream(_said()).replace(b"data: ", b"event:  error\\ndata: ", 1),
    "a text for an answer that has escapes": _with(b'"response": "upstream \\u0065rror"'),
    "a text for an answer that is longer than words are": _with(b'"response": "' + b"x" * 256 + b'"'),
    "what is in an error is JSON": _answered(b'{"error": {"message": "\\x"}}'),
    "a text for an error is JSON": _answered(b'{"error": "\\x"}'),
    "an error that is stated twice": _answered(b'{"error": {"code": 1}, "error": null}'),
    "an error of a fraction without digits": _answered(b'{"error": 1.}'),
    "what a body may begin with are blanks of JSON": _answered(b'"\\f' + _written(COUNTED) + b'"'),
    "what follows a document in a text": _answered(b'"{\\"id\\": \\"a\\"} x"'),
}
"""Lines that the kernel must not tell, by what it would get wrong if it did."""

TOLD = {
    "a key that stands for none elsewhere is one here": USUAL.replace(b'"k"', b'"-"'),
    "an empty id is none": _answered(json.dumps(COUNTED).encode()).replace(b'"r"', b'""'),
    "an empty id of an answer is none": _answered(json.dumps(COUNTED | {"id": ""}).encode()),
    "an empty id of a chunk is none, and that of a later one counts": _stream(_said() | {"id": ""}, COUNTED),
    "of a pair of surrogates one character is made": _stream(
        _written(_said("HERE"), (b"HERE", b"\\ud83d\\ude00")), COUNTED
    ),
    "half a character swallows no quote": _stream(
        _written(COUNTED | {"x": "HERE"}, (b'HERE\\"', b"\\ud83d\\u0022")), _said()
    ),
    "a chunk that was cut says nothing": _stream(_written(_said())[:-9], COUNTED),
    "chunks that follow one another are counted": _stream(*[_said()] * 7),
    "of counts in a row the last ones stand": _stream(
        *(COUNTED | {"usage": {"prompt_tokens": 3, "completion_tokens": count}} for count in (1, 2, 5, 4))
    ),
    "a count of zero": _answered(
        json.dumps(COUNTED | {"usage": {"prompt_tokens": 0, "completion_tokens": 0}}).encode()
    ),
    "an instant with an offset to the east": _at(b'"2026-03-01T06:51:19.25+05:30"'),
    "an instant with an offset to the west": _at(b'"2026-03-01 06:51:19-08:00"'),
    "an instant with an offset without its colon": _at(b'"2026-03-01T06:51:19.25-0530"'),
    "an instant with an offset of hours": _at(b'"2026-03-01 06:51:19.434123+09"'),
    "an instant with a blank before its offset": _at(b'"2026-03-01 06:51:19 +01:00"'),
    "an instant with a blank before its Z": _at(b'"2026-03-01 06:51:19.5 Z"'),
    "an instant in UTC by name": _at(b'"2026-03-01 06:51:19.25 UTC"'),
    "an instant of HTTP": _at(b'"Sun, 01 Mar 2026 06:51:19 GMT"'),
    "an instant of mail": _at(b'"Sun, 1 Mar 2026 06:51:19 -0800"'),
    "an instant of access logs": _at(b'"01/Mar/2026:06:51:19 +0530"'),
    "an instant of JavaScript": _at(b'"Sun Mar 01 2026 06:51:19 GMT+0100 (Central European Standard Time)"'),
    "an instant of JavaScript without a name": _at(b'"Sun Mar 01 2026 06:51:19 GMT-0330"'),
    "the last day of February in a leap year": _at(b'"2028-02-29T23:59:59Z"'),
    "an id of many bytes": USUAL.replace(b'"r"', b'"' + b"r" * 250 + b'"'),
    "an instant in nanoseconds": _at(b"2305844781558509952"),
    "an instant in microseconds": _at(b"1772344816434123"),
    "an instant in seconds with a fraction": _at(b"1772344816.4341239"),
    "an instant in milliseconds with a fraction": _at(b"1772344816434.4349"),
    "an instant in digits": _at(b'"1772344816.434123"'),
    "the last instant of the century": _at(b"4102444799.999999"),
    "headers of the response in which nothing is looked at": _with(b'"response_headers": {"Content-Type": "text"}'),
    "a request in a text": _with(b'"request": "{\\"model\\": \\"m\\", \\"n\\": 2} "'),
    "a status with a fraction": _with(b'"status": 200.5', without=b', "status": 500'),
    "a status that is a hundredth": _with(b'"status": 2e-2', without=b', "status": 500'),
    "a long message of an error, with escapes": _answered(
        b'{"error": {"message": "' + b'\\"wait\\" \\\\ \\u00e9 ' * 40 + b'", "code": 1e400}}'
    ),
    "what is in an error is nothing of the answer": _answered(
        json.dumps(COUNTED | {"error": COUNTED | {"id": "b", "model": "n", "usage": None}}).encode()
    ),
    "an error that is stated twice within an error": _answered(b'{"error": {"error": 1, "error": 2}}'),
    "a long text for an error": _answered(b'{"error": "' + b"wait " * 40 + b'", "id": "a"}'),
    "an error that is none": _answered(json.dumps(COUNTED | {"error": None}).encode()),
    "an error at the end of a stream": _stream(_said(), _said(), {"error": {"message": 'of "it" 6 ms', "code": 429}}),
    "a long message beside a code": _with(b'"response": {"message": "' + b'\\"x\\" ' * 40 + b'"}'),
    "a message that is an object": _answered(
        json.dumps(COUNTED | {"choices": [{"message": {"content": "x"}}]}).encode()
    ),
    "a short text for an answer": _with(b'"response": "upstream connect error"'),
    "a key of many bytes, with which a message begins": USUAL.replace(b'"k"', b'"' + b"k" * 60 + b'"'),
    "two keys of one length": USUAL.replace(b'"k"', b'"l"'),
    "a name that is no text is the name of no cache": _answered(
        json.dumps({"name": {"x": "cachedContents/1"}, "usageMetadata": {"promptTokenCount": 3}}).encode()
    ),
    "counts are stated again whatever stands beside them": _stream(
        {"serverContent": {"turnComplete": True}, "usageMetadata": {"promptTokenCount": 3, "x": 1}},
        {"usageMetadata": {"promptTokenCount": 3, "x": 2}},
    ),
    "objects are no ids, and not compared": _started_with({"x": 1}, {"x": 2}),
    "lists are no ids": _started_with([{"x": 1}], [{"x": 2}]),
    "fractions are no ids": _started_with(0.5, 0.25),
    "objects are no ids of responses": _stream(
        *(
            {"type": "response.completed", "response": {"id": {"x": n}, "object": "response", "usage": _ASKED}}
            for n in (1, 2)
        )
    ),
    "another tree of names beside the known ones": _with(b'"x": {"status": 200, "y": [{"ts": 1}, "\\u0041"]}'),
}
"""Lines that the kernel tells, by what would be told wrongly."""

_AGAIN = {
    "a quote that stands alone": b'x\\"',
    "a backslash that stands alone": b"x\\\\",
    "a control character": b"\\u001f",
    "an escaped quote": b"\\u0022",
    "an escaped backslash": b"\\u005c",
    "the end of a line": b"\\n",
    "the end of a line, before a letter of an escape": b"\\nb",
    "an escape that is none": b"\\\\x",
    "an escape of four digits that is none": b"\\\\u00g0",
    "backslashes before a letter": b"\\\\\\x",
    "the quote that ends the body, before an escape": b'"\\n',
    "the quote that ends the body, before digits": b'"u0041',
    "a bare control character, before an escape": b"\t\\n",
    "another name, and text": b'\\", \\"model\\": \\"m',
    "usage, and text": (
        b'\\"}}], \\"usage\\": {\\"prompt_tokens\\": 7, \\"completion_tokens\\": 7}, \\"x\\": [{\\"y\\": {\\"z\\": \\"'
    ),
}
"""What may stand in the text of a chunk that is like those before it, and ends the text or breaks it."""


ERRORS = {
    "nothing": (b"null",),
    "an object with members": (b'{"code": 7}', b'{"code": 8, "message": "x"}', b'{ "x": {}}'),
    "an object": (b"{}", b"{ }"),
    "an array with elements": (b"[1]", b'["x", {}]', b"[ null ]"),
    "an array": (b"[]", b"[ ]"),
    "a text": (b'"x"', b'"y\\n"', b'"' + b"x" * 200 + b'"'),
    "an empty text": (b'""',),
    "a number": (b"7", b"-0.05e-3", b"1e400", b"123456789012345678901"),
    "zero": (b"0", b"-0", b"0.00", b"0e7"),
    "true": (b"true",),
    "false": (b"false",),
}
"""Errors, by what each is in a shape."""


def test_of_an_error_it_stands_in_the_shape_which_kind_of_json_it_is_and_whether_it_is_true() -> None:
    program = Program(LogFormat())
    shapes = []
    for errors in ERRORS.values():
        lines = [_answered(b'{"error": %s}' % each) + b"\n" for each in errors]
        told = program.read(b"".join(lines))
        assert len(told.lines) == len(lines)
        shapes.append({*told.shapes.tolist()})
    assert [len(each) for each in shapes] == [1] * len(ERRORS)
    assert len(set().union(*shapes)) == len(ERRORS)


@pytest.mark.parametrize("said", [said for errors in ERRORS.values() for said in errors])
@pytest.mark.parametrize("status", [200, 429])
def test_an_error_is_told_whatever_it_says(said: bytes, status: int) -> None:
    lines = [_answered(b'{"error": %s}' % said).replace(b"200", b"%d" % status), USUAL]
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
    assert found.told == 2


@pytest.mark.parametrize("claim", HANDED_OVER)
def test_what_is_not_certain_is_handed_over(claim: str) -> None:
    lines = [HANDED_OVER[claim], USUAL]
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
    assert found.told == 1


_INSTANTS = (
    *("2026-03-01T06:51:19.25+05:30", "2026-03-01 06:51:19 UTC", "1772344816.43", "Sun, 01 Mar 2026 06:51:19 GMT"),
    *("Sun, 1 Mar 2026 06:51:19 -0800", "01/Mar/2026:06:51:19 +0530", "Sun Mar 01 2026 06:51:19 GMT-0330"),
    "Sun Mar 01 2026 06:51:19 GMT+0100 (Central European Standard Time)",
)


@pytest.mark.parametrize("written", _INSTANTS)
def test_an_instant_with_any_change_to_it_is_read_as_the_plain_reader_reads_it(written: str) -> None:
    chance = random.Random(written)
    lines = [USUAL]
    for _ in range(300):
        at, put = chance.randrange(len(written) + 1), "".join(chance.choices(" ,/:+-.0123459ZGMTUCSunArSep()x", k=2))
        changed = written[:at] + put[: chance.randrange(3)] + written[at + chance.randrange(3) :]
        lines.append(_at(f'"{changed}"'.encode()))
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
    assert found.told > 30


@pytest.mark.parametrize("claim", TOLD)
def test_what_is_told_is_what_the_plain_reader_says(claim: str) -> None:
    lines = [TOLD[claim], USUAL]
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
    assert found.told == 2


@pytest.mark.parametrize("claim", _AGAIN)
def test_a_chunk_is_the_same_again_only_where_its_text_is_text(claim: str) -> None:
    differing = _written(_said("HERE"), (b"HERE", _AGAIN[claim]))
    lines = [_stream(_said(), _said(), differing, _said(), _said(), COUNTED), USUAL]
    without_usage = [_stream(_said(), _said(), differing, _said(), _said()), USUAL]
    for each in (lines, without_usage):
        found = by_kernel(each)
        assert found_rows(found) == read_plainly(each)
        assert found.told >= 1


def test_escapes_before_a_text_do_not_move_the_place_at_which_chunks_may_differ() -> None:
    first = _written({"x": "HERE"} | _said(), (b"HERE", b"\\u0041bc"))
    broken = first.replace(b'\\"content\\": ', b'\\"content\\"; ')
    lines = [_stream(first, first, broken, first), USUAL]
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)


@pytest.mark.parametrize("texts", [("x", "", "x", ""), ("x", "", "", "x", "x", "x"), ("", "x", "x"), ("x", "x", "")])
def test_chunks_with_text_and_without_are_counted_apart(texts: Sequence[str]) -> None:
    for rest in ([], [COUNTED]):
        lines = [_stream(*map(_said, texts), *rest), USUAL]
        assert found_rows(by_kernel(lines)) == read_plainly(lines)


def _counted(prompt: Any, completion: Any = 7, text: str = "x", **other: Any) -> dict[str, Any]:
    return _said(text) | {"usage": {"prompt_tokens": prompt, "completion_tokens": completion}} | other


@pytest.mark.parametrize(
    "differing",
    [
        *(_counted(0), _counted(5, 0), _counted(5, text=""), _counted(10**12), _counted(10**12 + 1), _counted(10**13)),
        *(_counted(-5), _counted(5.5), _counted(5.0), _counted("5"), _counted(None), _counted(5, id="b"), _said()),
        _written(_counted(5), (b"5", b"05")),
        _written(_counted(5), (b"5", b"5e1")),
        _written(_counted(5), (b"5", b"")),
        _written(_counted(5), (b"5,", b"5 ,")),
        _written(_counted(12345678901234), (b"12345678901234", b"1234567890123456789012345")),
        b'{\\"id\\": \\"a\\"}',
        b"[DONE]",
    ],
    ids=str,
)
def test_counts_in_a_row_are_those_of_the_last_whatever_comes_between(differing: Any) -> None:
    for before, behind in (([9, 3, 4], [5, 8]), ([9, 3, 4], []), ([9], [8]), ([9, 2], [8, 6, 11])):
        chunks = [*map(_counted, before), differing, *map(_counted, behind)]
        for lines in ([_stream(*chunks), USUAL], [_stream(_said(), *chunks, _said(), *chunks), USUAL]):
            found = by_kernel(lines)
            assert found_rows(found) == read_plainly(lines)
            assert found.told >= 1


def test_a_chunk_that_becomes_empty_is_of_another_shape() -> None:
    program = Program(LogFormat())
    texts = (["x"] * 5, ["x", "x", "x", "", "x"], ["x", "x", "x", "x", ""], ["x", "", "", "", "x"])
    lines = [_stream(*(_counted(number + 3, text=text) for number, text in enumerate(each))) for each in texts]
    assert len(set(program.read(b"\n".join((*lines, b""))).shapes.tolist())) == len(lines)


def test_a_chunk_with_an_instant_of_its_own_is_not_the_same_again() -> None:
    chunks = [_counted(number, created=1_772_344_279 + number) for number in range(1, 6)]
    lines = [_stream(*chunks), USUAL]
    assert found_rows(by_kernel(lines)) == read_plainly(lines)


@pytest.mark.parametrize(
    "before",
    [b"event: delta\\n", b"id: 7\\n", b": said\\n", b"retry: 9\\nevent: delta\\n", b"event: error\\n", b"data: 1\\n"],
)
def test_what_stands_before_the_data_of_an_event_is_part_of_it(before: bytes) -> None:
    stream = _stream(*[_said()] * 3, *[_counted(number) for number in range(3, 7)])
    for count in (1, 3, 5, 9):
        lines = [stream.replace(b"data: ", before + b"data: ", count), USUAL]
        lines += [b"data: ".join((*stream.split(b"data: ")[:2], before + stream.split(b"data: ", 2)[2])), USUAL]
        found = by_kernel(lines)
        assert found_rows(found) == read_plainly(lines)
        assert found.told >= 2


@pytest.mark.parametrize("number", ["0.5", "1e-05", "-2.5E-07", "1.0000e-01", "9.9e-1"])
@pytest.mark.parametrize("is_alone", [True, False])
def test_a_vector_of_small_numbers_is_told(number: str, is_alone: bool) -> None:  # noqa: FBT001
    vector = number if is_alone else f"0.25, {number}, 0.75"
    lines = [_answered(b'{"id": "a", "embedding": [%s], "usage": {"prompt_tokens": 3}}' % vector.encode()), USUAL]
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
    assert found.told == 2


@pytest.mark.parametrize(
    "number", ["5e-00", "1.0", "10e-01", "2e2", "2e+2", "1e400", f"0.{'0' * 17}", "0.00000000000000001e2"]
)
def test_a_number_that_may_be_whole_is_no_fraction(number: str) -> None:
    lines = [_with(b'"status": %s' % number.encode(), without=b', "status": 500'), USUAL]
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
    assert found.told == 1


@pytest.mark.parametrize("number", ["0.0", "-0.0", "0.00", "0e-05", "0.0e-7", "0E+9", f"0.{'0' * 9}"])
@pytest.mark.parametrize(
    "usage", [b'"prompt_tokens": %s, "completion_tokens": 3', b'"prompt_tokens": 3, "seconds": %s']
)
def test_a_zero_stands_in_a_shape_however_it_is_written(number: str, usage: bytes) -> None:
    """So programs write what cost nothing, and counts that were numbers with fractions on their way."""
    body = b'{"id": "a", "choices": [{"message": {"content": "x"}}], "usage": {%s}}' % (usage % number.encode())
    lines = [_answered(body), _with(b'"status": %s' % number.encode(), without=b', "status": 500'), USUAL]
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
    assert found.told == 3


def test_different_ids_of_one_line_are_told_apart() -> None:
    one, other = (json.dumps(COUNTED | {"id": f"{id_}"}).encode() for id_ in "ab")
    lines = [_with(b'"response": ' + one), _with(b'"response": ' + other).replace(b'"r"', b'"b"'), USUAL]
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
    assert found.told == 3


@pytest.mark.long
def test_many_shapes_of_one_size_are_told_apart() -> None:
    lines = [_with(b'"request": {"model": "%03x"}' % number) for number in range(600)]
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
    assert found.told == 600


def test_no_more_shapes_have_a_number_than_there_is_room_for() -> None:
    program = Program(LogFormat())
    lines = [_with(b'"path": "/%d"' % number) for number in range(program.shapes_max + 50)]
    assert program.read(b"\n".join((*lines, b""))).fates.tolist().count(1) == program.shapes_max


@pytest.mark.long
def test_more_keys_than_there_is_room_for_are_each_what_they_are() -> None:
    lines = [USUAL.replace(b'"k"', b'"%05x"' % number) for number in range(2**14 + 50)]
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
    assert found.told == 2**14


@pytest.mark.long
def test_lines_behind_those_whose_counts_there_is_no_room_for_are_read() -> None:
    counts = _answered(b'{"prompt_tokens": [' + b"1," * 239 + b"1]}")
    last = b'{"id": "b", "choices": [{}], "usage": {"prompt_tokens": 17, "completion_tokens": 21}}'
    lines = [*[counts] * 2300, _answered(last)]
    assert found_rows(by_kernel(lines)) == read_plainly(lines)


def test_objects_within_objects_are_read_as_deep_as_the_source_says() -> None:
    log_format = LogFormat(depth_max=5)
    for levels in range(1, 9):
        nested: Any = 1
        for _ in range(levels):
            nested = {"usage": [nested]}
        lines = [_answered(json.dumps(COUNTED | {"x": nested, "data": nested}).encode()), USUAL]
        assert found_rows(by_kernel(lines, log_format)) == read_plainly(lines, log_format)
