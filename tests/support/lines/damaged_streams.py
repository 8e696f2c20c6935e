"""Lines with streams (and bodies) of every family, damaged in one to three places: what a kernel could get wrong.

Streams whose chunks hold a text that differs in each, chunks without text, several choices a chunk, cut ones, merged
ones. Owns these lines. Content is made up.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

from family_bodies import Maker
from fuzzing import Made

_PIECES = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"\\r\\n\\r\\n", b"\\n\\n", b"data: ", b"\\n", b"\\r", b"null"),
    *(b"1", b"0", b'\\"usage\\": {\\"prompt_tokens\\": 1, \\"completion_tokens\\": 1}', b'\\"error\\": 1,', b" ", b"-"),
    *(b'\\"id\\": \\"z\\",', b"\\u000a", b"\\u000d", b"\\\\u000a", b"\\u0000", b"\x00", b"\x1f", b'\\"content\\": \\"'),
    *(
        b', \\"finish_reason\\": \\"length\\"',
        b'\\"model\\": \\"m\\",',
        b"event: error\\n",
        b": ping\\n\\n",
        b"x",
        b"\\x",
    ),
    *(
        b'\\"choices\\": [],',
        b"e1",
        b"E+400",
        b'"status": 500, ',
        b'"response": null, ',
        b'"id": "a", ',
        b"\\\\x",
        b"\xff",
    ),
    *(
        b"event: ping\\n",
        b"[DONE]",
        b"\\ud83d",
        b"\\\\ud83d",
        b"\xed\xa0\xbd",
        b'\\\\\\"',
        b"\\\\\\\\",
        b"\\/",
        b"9" * 14,
    ),
    *(
        b'\\"xTokenCount\\": 3, ',
        b'\\"input_tokens\\": 7, ',
        b'\\"type\\": \\"message_start\\", ',
        b"true",
        b"1.0",
        b"\\t",
    ),
    *(b"NaN", b"-Infinity", b"1.", b"1e999", b"-0", b"\xc0\x80", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\x80\x80"),
    *(
        b"\xe0\x80\x80",
        b'"x": 1., ',
        b'\\"x\\": NaN, ',
        b"data",
        b"error: x\\n",
        b"\\\\/",
        b"07",
        b" x",
        b"\\u0022",
        b"\\ud83d\\u0022",
    ),
)
_PLACES = (
    *(
        b'\\"}',
        b'\\"content\\"',
        b"data: ",
        b"\\r\\n",
        b"null",
        b'\\"index\\"',
        b'\\"}}',
        b'"response"',
        b'\\"delta\\"',
    ),
    *(b'\\"usage\\"', b'\\"type\\"', b'\\"text\\"', b"_tokens", b'\\"id\\"', b"TokenCount", b'"ts"', b"api_key"),
)


_NAMES = tuple(
    f'"{name}"'.encode()
    for name in (
        "x",
        "id",
        "model",
        "usage",
        "error",
        "content",
        "text",
        "index",
        "data",
        "prompt_tokens",
        "xTokenCount",
        "us\\u0061ge",
        "mod\\u0065l",
        "cont\\u0065nt",
        "\\u0069d",
    )
)
_IN_TEXTS = (
    *(
        b"\\\\x",
        b"\\\\u12",
        b"\\\\u12x4",
        b"\\\\uZZZZ",
        b"\\\\u00e9",
        b"\\u00e9",
        b"\\u0041",
        b"\\u0022",
        b"\\u005c",
        b"\\u000a",
    ),
    *(
        b"\\n",
        b"\\t",
        b"\\\\n",
        b"\\\\\\\\",
        b'\\\\\\"',
        b"\\\\\\x",
        b"\\/",
        b"\\\\/",
        b"\\\\",
        b'\\"',
        b"\\",
        b'"',
        b"x",
        b"\xff",
    ),
)
_LINES = (
    *(
        b"event: error",
        b"event:error",
        b"event:  error ",
        b"event: ping",
        b"error: x",
        b"error",
        b": x",
        b"id: 7",
        b"retry: 9",
    ),
    *(
        b"data",
        b"data:",
        b"data: ",
        b"data: [DONE]",
        b"data: x",
        b"data: {}",
        b"data:data: {}",
        b"data:  {}",
        b"x",
        b"data: 7",
    ),
    *(b'data: {\\"error\\": 1}', b'data: {\\"choices\\": []}', b"event: message_start", b"event: end", b"", b" "),
)
_VALUES = (
    *(b'{"y": 1}', b'{"y": 1}', b'"a\\u0041"', b'"\\u002f"', b"2e2", b"7e0", b"20e-1"),
    *(
        b"NaN",
        b"1.",
        b"1.5",
        b"1.0",
        b"01",
        b"-",
        b"-0",
        b"1e5",
        b"1e",
        b"1e+",
        b"1e999",
        b"5e-1",
        b"5e-01",
        b"0.0",
        b"10e-1",
    ),
    *(
        b'"\x01"',
        b'"\\x"',
        b'"\\u12"',
        b"[1,]",
        b"[1 2]",
        b"[,]",
        b"{,}",
        b'{"a" 1}',
        b'{"a":1,}',
        b"tru",
        b"nul",
        b"True",
    ),
    *(
        b'"a"',
        b'""',
        b"null",
        b"{}",
        b"[]",
        b"[0.5, 0.25]",
        b"[0.5, 1]",
        b"[[[[[[0]]]]]]",
        b'"\\ud83d"',
        b"10000000000000",
    ),
    *(
        b"1000000000001",
        b"1000000000000",
        b"123456789012345678",
        b"1234567890123456789",
        b'"' + b"m" * 129 + b'"',
        b"'a'",
        b"12",
    ),
)


_CHUNKS = (*(1, 2, 3, 5, 9) * 4, 20, 40)
"""How many a stream may have: long ones are read slowly, and are of the patterns that shorter ones are of."""


class DamagedStreams:
    """An endless supply of lines; equal seeds make equal lines."""

    def __init__(self, seed: int | str, *, is_gentle: bool = False) -> None:
        """Make lines of one seed.

        ``is_gentle``: half of the lines are whole, and the others are damaged in one place where a line often stays
        one: in a text, by one more member, by one more line of a stream.
        """
        self.chance = random.Random(f"streams {seed}")
        self._is_gentle = is_gentle
        self._maker = Maker(self.chance)
        self._base = [self._line() for _ in range(24)]

    def made(self) -> Made:
        """Return the next line: as it is, now and then, or damaged."""
        if self.chance.random() < 0.05:
            self._base[self.chance.randrange(len(self._base))] = self._line()
        line = self.chance.choice(self._base)
        fate = self.chance.random()
        if fate < (0.5 if self._is_gentle else 0.25):
            return Made(self._varied(line), is_usual=True)
        line = self._varied(line) if fate < 0.6 else line
        return Made(self._damaged_gently(line) if self._is_gentle else self._damaged(line), is_usual=False)

    def _line(self) -> bytes:
        chance = self.chance
        body = self._maker.body() if chance.random() < 0.5 else None
        response: Any = body.response if body is not None else self._stream()
        path = body.path if body is not None else "/v1/chat/completions"
        fields: list[tuple[str, Any]] = [
            ("ts", chance.choice(("2026-03-01T06:51:19.123Z", "2026-03-01T06:51:19+02:00", 1772344816, 1772344816123))),
            ("request_id", f"{chance.getrandbits(64):016x}"),
            chance.choice((("api_key_id", "key_a"), ("api_key_id", "key_b"), ("api_key", "sk-made-up"))),
            ("status", chance.choice((200, 200, 200, 201, 500))),
            ("method", "POST"),
            ("path", path),
            (
                "request",
                {"model": chance.choice(("m", "gemini-x", "grok-2")), "stream": True, "messages": [{"content": "x"}]},
            ),
            ("response", response),
        ]
        if chance.random() < 0.2:
            chance.shuffle(fields)
        separators = chance.choice(((", ", ": "), (",", ":")))
        text = json.dumps(dict(fields), ensure_ascii=chance.random() < 0.5, separators=separators)
        return text.encode("utf-8", "replace")

    def _stream(self) -> str:
        chance = self.chance
        end = chance.choice(("\r\n\r\n", "\n\n"))
        separators = chance.choice(((", ", ": "), (",", ":")))
        common: dict[str, Any] = {"id": f"chatcmpl-{chance.getrandbits(40):x}"} if chance.random() < 0.9 else {}
        common |= {"model": "m", "created": 1772344816} if chance.random() < 0.5 else {}
        has_noise, is_thin, choices = chance.random() < 0.4, chance.random() < 0.3, chance.choice((1, 1, 1, 2))
        is_ascii = chance.random() < 0.5
        is_running = chance.random() < 0.15
        chunks: list[Any] = []
        for number in range(chance.choice(_CHUNKS)):
            texts = [
                "" if is_thin and chance.random() < 0.4 else chance.choice((" rain", "a", 'x "q"', "é", "\n", "\\"))
                for _ in range(choices)
            ]
            chunk = common | {
                "choices": [
                    {"index": index, "delta": {"content": text}, "finish_reason": None}
                    for index, text in enumerate(texts)
                ]
            }
            if has_noise:
                chunk["obfuscation"] = f"{chance.getrandbits(chance.choice((4, 20, 60))):x}"
            if is_running:
                chunk["usage"] = {"prompt_tokens": 9, "completion_tokens": number, "total_tokens": 9 + number}
            chunks.append(chunk)
        prompt, completion = chance.randrange(1000), chance.randrange(1000)
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        if chance.random() < 0.7:
            chunks.append(common | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
        if chance.random() < 0.8:
            chunks.append("[DONE]")
        text = "".join(
            f"data: {chunk}{end}"
            for chunk in (
                each if isinstance(each, str) else json.dumps(each, ensure_ascii=is_ascii, separators=separators)
                for each in chunks
            )
        )
        return text[: chance.randrange(len(text) + 1)] if chance.random() < 0.2 else text

    def _varied(self, line: bytes) -> bytes:
        """Change digits of counts, so that lines of one shape differ, in some parts of the usual."""
        chance = self.chance

        def other(found: re.Match[bytes]) -> bytes:
            if chance.random() < 0.7:
                return found[0]
            return (
                found[1]
                + str(
                    chance.choice((0, 1, 2, 3, chance.randrange(100), chance.randrange(10**6), 10**12, 10**12 + 1))
                ).encode()
            )

        return re.sub(rb"(okens?\w*\\*\": ?|Count\\*\": ?)\d+", other, line)

    def _damaged(self, line: bytes) -> bytes:
        chance, content = self.chance, bytearray(line)
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            how, at = chance.randrange(19), chance.randrange(len(content) + 1)
            if how == 0:
                del content[at : at + chance.choice((1, 1, 2, 4, 16, 150))]
            elif how in (1, 2, 3):
                content[at:at] = chance.choice(_PIECES)
            elif how == 4:
                piece = chance.choice(_PIECES)
                content[at : at + len(piece)] = piece
            elif how == 5:
                size, to = chance.choice((1, 8, 60, 150, 300)), chance.randrange(len(content) + 1)
                content[to:to] = content[at : at + size]
            elif how == 6:
                other = chance.choice(self._base)
                content = content[:at] + bytearray(other[chance.randrange(len(other) + 1) :])
            elif how == 7 and content:
                content[min(at, len(content) - 1)] = chance.randrange(256)
            elif how > 16:
                self._add_a_line(content)
            elif how > 13:
                self._damage_a_text(content)
            elif how > 9:
                self._state_more(content)
            else:
                self._damage_at_a_word(content)
            content = content or bytearray(b" ")
        return bytes(content).replace(b"\n", b" ")

    def _damaged_gently(self, line: bytes) -> bytes:
        content = bytearray(line)
        self.chance.choice((self._add_a_line, self._damage_a_text, self._state_more))(content)
        return bytes(content).replace(b"\n", b" ")

    def _damage_a_text(self, content: bytearray) -> None:
        """Let the text of a chunk begin with something else."""
        begun = [found.end() for found in re.finditer(rb'(?:content|text)(\\*"): ?\1', bytes(content))]
        if begun:
            at = self.chance.choice(begun)
            content[at:at] = self.chance.choice(_IN_TEXTS)

    def _add_a_line(self, content: bytearray) -> None:
        """Let another line of a transcript stand before one."""
        begun = [found.start() for found in re.finditer(rb"(?<=\\n)data:", bytes(content))]
        if begun:
            at = self.chance.choice(begun)
            content[at:at] = self.chance.choice(_LINES) + self.chance.choice((b"\\n", b"\\n\\n", b"\\r\\n", b"\\r"))

    def _state_more(self, content: bytearray) -> None:
        """Let an object begin with one more member, quoted as those around it are."""
        opened = [found.end() for found in re.finditer(rb'\{(?=\\*")', bytes(content))]
        if opened:
            at = self.chance.choice(opened)
            quote = content[at : content.index(b'"', at) + 1]
            member = self.chance.choice(_NAMES) + b": " + self.chance.choice(_VALUES) + b", "
            content[at:at] = member.replace(b'"', bytes(quote))

    def _damage_at_a_word(self, content: bytearray) -> None:
        chance, word = self.chance, self.chance.choice(_PLACES)
        places = [found.start() for found in re.finditer(re.escape(word), bytes(content))]
        if places:
            at = chance.choice(places)
            content[at : at + len(word)] = chance.choice(
                (chance.choice(_PIECES), word[:-1], word + word, b"", chance.choice(_PLACES))
            )
