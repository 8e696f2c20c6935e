"""Lines to compare two readers by: seeded, from the usual to the absurd, and damaged at random.

Owns the lines, and the form in which rows of both readers can be compared. Does not own the comparison. Content is made
up: no line ever comes from a real log.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from family_bodies import SPECIAL_MODELS, Maker, usage_to_keep

from pipeline.collectors.event_columns import joined, record_batch
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS
from pipeline.usage.events import LOGGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.decode import EventRow, QuarantineRow
    from pipeline.collectors.kernel.blocks import DecodedLines

_TEXTS = (
    *(
        " rain",
        " the",
        "é",
        "–",
        " 日本",
        "👩‍👩‍👧",
        "\n",
        "\r\n",
        "\t",
        '"',
        "\\",
        "\\\\",
        '\\"',
        "/",
        "\u2028",
        "\x00",
        "\x1f",
        "\x7f",
        "",
        "[",
        "]",
        "{",
        "}}",
        "[[",
        ":",
        ",",
    ),
    *(
        '"usage": {"prompt_tokens": 1, "completion_tokens": 1}',
        "data: [DONE]",
        '\r\n\r\ndata: {"usage": {"prompt_tokens": 7, "completion_tokens": 7}}\r\n\r\n',
    ),
    *(
        '"}, "status": 500, "x": "',
        '"finish_reason": "length"',
        "event: error",
        "\n\ndata: x",
        "\ud83d",
        "\\u0041",
        '"id": "',
        "1e999",
        "-1E+400",
        "9" * 30,
        "NaN",
        ':"',
        '"model":',
    ),
)
_IDS = ("chatcmpl-0123456789abcdef", "chatcmpl-7", "", "x" * 300, "a b", "cmpl-é", "id=1~,;#", "12e345")
_MODELS = ("jamba-large", "jamba-mini-1.7", "grok-3", "x-ai/grok-2", "", "a b", "m" * 200, "gpt-4o-2024-11-20")
_LABELS: tuple[Any, ...] = ("stop", "length", "tool_calls", "", None, "a b", {}, [], False, 0)
_NUMBERS = (
    0,
    1,
    7,
    184,
    30256,
    2**31,
    3906250000,
    10**12,
    10**12 + 1,
    2**53,
    2**62,
    2**63 - 1,
    2**63,
    10**30,
    -1,
    1.5,
    28.0,
    1e3,
    True,
    None,
    "7",
)
_RAW = (
    "1e999",
    "-1E400",
    "1e308",
    "1E+2",
    "0." + "1" * 30,
    "9" * 320,
    "NaN",
    "-Infinity",
    "[" * 70 + "]" * 70,
    "01",
    "-0",
    "1e-05",
    '[1, "a", 2e400, "b"]',
    '{"a": [1.5e300]}',
)
_TIMES = (
    *(
        "2026-03-01T06:00:16.434+00:00",
        "2026-03-01T06:00:16Z",
        "2026-02-28t23:59:59.123456789-05:30",
        "2026-03-01 06:00:60Z",
        "2026-13-01T00:00:00Z",
        "2026-03-01T06:00:16",
    ),
    *(
        "1999-12-31T23:59:59+00:00",
        "2099-12-31T23:59:59.9999999Z",
        "2100-01-01T00:00:00+00:01",
        1772344816,
        1772344816434,
        1772344816.5,
        "",
        None,
        "2026-03-01T06:00:16.434+0000",
        "2026-03-01T06:00:16,434+01",
        "2026-03-01 06:00:16 -0530",
        "1772344816434",
        "1772344816.434",
        1772344816434123,
        1772344816434123999,
    ),
)
_PATHS = (
    "/studio/v1/chat/completions",
    "/v1/chat/completions?x=1",
    "/v1/embeddings",
    "/gateway/route",
    "/v1/threads/t/messages",
    "",
    None,
    7,
)
_LOGGED = ("eu-1", "eu-2", "us 2", "", None, 7, "12", "é" * 70, [], {"a": "eu-1"}, True, -1, 10**13, 7.5, "RAW")
"""What a field may hold that is read as it is (``usage.events.LOGGED``)."""
_KEYS = ("key_b6a9c754a39113e0", "key_1", "12e5678", "", None, "a b", 7, "k-1e400", "sk-made-up-0123456789")


_KEY = re.compile(r'"[a-zA-Z_]+"\s*:\s*')
_LINE_OF_QUARANTINED = itemgetter(QUARANTINE.get_field_index("line"))


def found_rows(decoded: DecodedLines) -> dict[int, list[Any]]:
    """Return the rows of each line that has some, by its number."""
    found: dict[int, list[Any]] = defaultdict(list)
    for event in record_batch(joined(decoded.events), "s").to_pylist() if decoded.events else []:
        found[event["line"]].append(_plainly(event))
    for row in decoded.quarantined:
        found[_LINE_OF_QUARANTINED(row)].append(row)
    return dict(found)


def expected_rows(rows: Sequence[EventRow | QuarantineRow]) -> list[Any]:
    """Return the same of the rows of a line by the plain reader: its events, and what of it is quarantined."""
    events = [dict(zip(USAGE_EVENTS.names, row.values, strict=True)) for row in rows if hasattr(row, "status")]
    return events + [row.values for row in rows if not hasattr(row, "status")]


def _plainly(row: dict[str, Any]) -> dict[str, Any]:
    elapsed = row["occurred_at"] - datetime(1970, 1, 1, tzinfo=UTC)
    return row | {"occurred_at": elapsed // timedelta(microseconds=1)}


_LETTERS = (
    *(
        b"a",
        b"Z",
        b"",
        b" ",
        b"  ",
        b".",
        b"/",
        b"'",
        b"[",
        b"}",
        b",",
        b"\t",
        b"\x7f",
        b"\xc3\xa9",
        b"\xe2\x80\xa8",
        b"\xf0\x9f\x91\xa9",
        b"\xc3",
        b"\xed\xa0\xbd",
    ),
    *(
        b"\\n",
        b"\\\\",
        b'\\"',
        b"\\/",
        b"\\u00e9",
        b"\\ud83d",
        b"\\u0022",
        b"\\u005c",
        b"\\\\n",
        b'\\\\\\"',
        b"\\\\\\\\",
        b"\\\\u0041",
        b"\\\\ud83d",
        b"\\x",
        b"\\\\x",
    ),
)


class Made(NamedTuple):
    """A line without its terminator; ``is_usual`` where it is what a well-behaved gateway writes."""

    content: bytes
    is_usual: bool


class LineMaker:
    """An endless supply of lines; equal seeds make equal lines."""

    def __init__(
        self,
        seed: int | str,
        *,
        fresh: float = 1.0,
        is_gentle: bool = False,
        families: float = 0.0,
        bodies: Sequence[str] = (),
    ) -> None:
        """Make so great a share of the lines anew, and the others by damaging one of the last.

        ``families`` is the share of bodies that are of any family, the others are chat's; where there are some, keys
        are stated twice, too. ``bodies``: the names of these families; else they are any.
        ``is_gentle``: no line is a stream, and most are changed in one place at most, so that patterns match many.
        """
        self.chance = random.Random(f"lines {seed}")
        self._fresh = fresh
        self._families = families
        self._bodies = bodies
        self._is_gentle = is_gentle
        self._before = [self._line(odd=0.0) for _ in range(4)]
        self._last = list(self._before)
        self.first = tuple(self._last)
        """Usual lines, of which the first damaged ones are made."""

    def made(self) -> Made:
        """Return the next line."""
        if self._fresh < 1 and self.chance.random() >= self._fresh:
            line = self.chance.choice(self._last)
            return Made(self._damaged_once(line) if self._is_gentle else self._damaged_often(line), is_usual=False)
        made = self._made_anew()
        self._last[self.chance.randrange(4)] = made.content
        return made

    def _made_anew(self) -> Made:
        fate = self.chance.random()
        if fate < 0.3:
            line = self._line(odd=0.0)
            self._before[self.chance.randrange(4)] = line
            return Made(line, is_usual=True)
        line = self._line(odd=self.chance.choice((0.02, 0.1, 0.4)))
        if fate < 0.5:
            return Made(line, is_usual=False)
        return Made(self._damaged_often(line), is_usual=False)

    def _damaged_often(self, line: bytes) -> bytes:
        if self.chance.random() < 0.5:
            for _ in range(self.chance.choice((1, 1, 2, 4))):
                line = self._changed_a_little(line)
            return line
        for _ in range(self.chance.choice((1, 1, 1, 2, 5))):
            line = self._damaged(line if self.chance.random() < 0.5 else self.chance.choice(self._before))
        return line.replace(b"\n", b"")

    def _damaged_once(self, line: bytes) -> bytes:
        fate = self.chance.random()
        if fate < 0.6:
            return self._changed_a_little(line)
        if fate < 0.7:
            return self._damaged(line).replace(b"\n", b"")
        at = self.chance.randrange(max(len(line), 1))
        other = self.chance.choice(
            (b"", bytes([(line[at] if line else 0) ^ (1 << self.chance.randrange(8))]), b"\\" + line[at : at + 1])
        )
        return (line[:at] + other + line[at + 1 :]).replace(b"\n", b"")

    def _line(self, *, odd: float) -> bytes:
        pick, is_odd = self.chance.choice, lambda: self.chance.random() < odd
        body, path = self._body(odd)
        fields: list[tuple[str, Any]] = [
            (
                "ts",
                pick(_TIMES)
                if is_odd()
                else (
                    f"2026-03-01T06:{self.chance.randrange(60):02}:{self.chance.randrange(60):02}."
                    f"{self.chance.randrange(1000):03}+00:00"
                ),
            ),
            ("request_id", pick(_IDS) if is_odd() else f"{self.chance.getrandbits(64):016x}"),
            ("api_key_id", pick(_KEYS) if is_odd() else pick(_KEYS[:3])),
            ("status", pick((200, 200, 201, 404, 500, 99, 600, True, "200", None, 200.0)) if is_odd() else 200),
            ("method", pick(("POST", "post", "GET", "", None, 7)) if is_odd() else "POST"),
            ("path", pick(_PATHS) if is_odd() else path),
            ("request", pick((None, [], {}, "x", {"request": 1})) if is_odd() else self._request(odd)),
            ("response", body),
        ]
        fields += [(str(column.log_field), pick(_LOGGED)) for column in LOGGED if is_odd()]
        if self._bodies:
            fields += [("cache_hit", pick((True, False, None))), ("usage", usage_to_keep(Maker(self.chance, odd)))]
            fields[6:8] = [("request", {"model": pick(SPECIAL_MODELS)}), ("response", pick((None, body)))]
        if is_odd():
            fields.append(("api_key", pick(("sk-made-up", "Bearer sk-made-up", "", " ", None, 7))))
        if self.chance.random() < 0.3:
            fields.append(("latency_ms", self.chance.randrange(20_000)))
        if is_odd():
            fields.append(
                pick(
                    (
                        ("upstream", {"usage": {"prompt_tokens": 3, "completion_tokens": 3}, "id": "x"}),
                        ("upstream", {"response": self._stream(odd), "attempts": [1]}),
                        ("request", {"response": self._stream(odd)}),
                        ("x", "RAW"),
                        ("response", None),
                        ("request", {}),
                        ("note", self._text(odd)),
                    )
                )
            )
        if is_odd():
            self.chance.shuffle(fields)
        if is_odd():
            fields.append(pick(fields) if self.chance.random() < 0.5 else (pick(fields)[0], pick(fields)[1]))
        if is_odd():
            fields.pop(self.chance.randrange(len(fields)))
        return self._written(fields, odd)

    def _body(self, odd: float) -> tuple[Any, str]:
        """Return a body, chat's or that of any family, and its path."""
        if self._families and self.chance.random() < self._families:
            made = Maker(self.chance, odd).body(self.chance.choice(self._bodies) if self._bodies else None)
            return made.response, made.path
        is_stream = not self._is_gentle and self.chance.random() < 0.5
        return self._stream(odd) if is_stream else self._document(odd), _PATHS[0]

    def _written(self, fields: list[tuple[str, Any]], odd: float) -> bytes:
        comma, colon = (
            self.chance.choice(((", ", ": "), (",", ":"), (" ,  ", " :\t"), (",\r", " \t \r  : ")))
            if self.chance.random() < odd
            else (", ", ": ")
        )
        is_ascii = self.chance.random() < 0.5
        members = []
        for name, value in fields:
            written = json.dumps(value, ensure_ascii=is_ascii, separators=(comma, colon))
            if self._families and self.chance.random() < odd / 2:
                written = self._with_a_key_twice(written)
            key = json.dumps(name)
            if self.chance.random() < odd / 4:
                letter = self.chance.choice(name)
                key = f'"{name.replace(letter, f"{chr(92)}u{ord(letter):04x}", 1)}"'
            members.append(f"{key}{colon}{written}")
        line = "{" + comma.join(members) + "}"
        while '"RAW"' in line:
            line = line.replace('"RAW"', self.chance.choice(_RAW), 1)
        if self.chance.random() < odd:
            line = (
                self.chance.choice((" ", "\t", "\ufeff", "[", ""))
                + line
                + self.chance.choice((" ", "\r", "}", ",", "", " x"))
            )
        return line.encode("utf-8", "surrogatepass" if self.chance.random() < 0.5 else "replace").replace(b"\n", b" ")

    def _with_a_key_twice(self, written: str) -> str:
        """State one of the keys of a text of JSON once more, right before itself."""
        keys = list(_KEY.finditer(written))
        if not keys:
            return written
        at = self.chance.choice(keys)
        value = self.chance.choice((*_RAW, "1", '"x"', "null", "{}", "[]"))
        return f"{written[: at.start()]}{at[0]}{value}, {written[at.start() :]}"

    def _request(self, odd: float) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._model(odd),
            "messages": [{"role": "user", "content": self._text(odd)}],
            "stream": self.chance.random() < 0.5,
        }
        if self.chance.random() < odd:
            request["stream"] = self.chance.choice((None, 1, "true"))
        if self.chance.random() < max(odd, 0.05):
            request["n"] = self.chance.choice((1, 2, 1) if not odd else (1, 2, 0, -1, 2**31, 1.0, True, None))
        if self.chance.random() < odd:
            request["tools"] = [
                {"id": "x", "path": "y", "model": "z", "usage": {"prompt_tokens": 1}, "response": "RAW"}
            ]
        return request

    def _text(self, odd: float) -> str:
        return "".join(
            self.chance.choice(_TEXTS if self.chance.random() < max(odd, 0.05) and odd else _TEXTS[:8])
            for _ in range(self.chance.randrange(12))
        )

    def _model(self, odd: float) -> Any:
        return self.chance.choice(_MODELS) if self.chance.random() < odd else self.chance.choice(_MODELS[:2])

    def _count(self, odd: float) -> Any:
        return self.chance.choice(_NUMBERS) if self.chance.random() < odd else self.chance.randrange(50_000)

    def _usage(self, odd: float) -> Any:
        if self.chance.random() < odd:
            return self.chance.choice(
                (None, {}, [], "x", {"prompt_tokens": 0, "completion_tokens": 0}, {"prompt_tokens": 5}, "RAW")
            )
        prompt, completion = self._count(odd), self._count(odd)
        usage = {"prompt_tokens": prompt, "completion_tokens": completion}
        if self.chance.random() < 0.8:
            usage["total_tokens"] = (
                prompt + completion
                if isinstance(prompt, int) and isinstance(completion, int) and self.chance.random() >= odd
                else self._count(odd)
            )
        if self.chance.random() < 0.2 and type(prompt) is int:
            usage["prompt_tokens_details"] = {
                "cached_tokens": prompt // 2 if self.chance.random() >= odd else self._count(1),
                "audio_tokens": 0,
            }
        if self.chance.random() < 0.1 and type(completion) is int:
            usage["completion_tokens_details"] = {
                "reasoning_tokens": completion // 3 if self.chance.random() >= odd else self._count(1),
                "audio_tokens": 0,
            }
        if self.chance.random() < odd:
            usage[
                self.chance.choice(
                    (
                        "num_cached_tokens",
                        "cached_tokens",
                        "reasoning_tokens",
                        "service_tier",
                        "prompt_token_details",
                        "cache_creation_tokens",
                    )
                )
            ] = self._count(odd)
        return usage

    def _document(self, odd: float) -> Any:
        pick = self.chance.choice
        message = {"role": "assistant", "content": self._text(odd), "tool_calls": None}
        choice: dict[str, Any] = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": pick(_LABELS) if self.chance.random() < odd else "stop",
        }
        body: dict[str, Any] = {
            "id": pick(_IDS) if self.chance.random() < odd else f"chatcmpl-{self.chance.getrandbits(64):x}",
            "choices": [choice],
            "usage": self._usage(odd),
        }
        if self.chance.random() < 0.3:
            body["model"] = self._model(odd)
        if self.chance.random() < 0.2:
            body["object"] = (
                "chat.completion" if self.chance.random() >= odd else pick(("text_completion", "list", None, 7))
            )
        if self.chance.random() < odd:
            body[pick(("error", "type", "service_tier", "text", "x_groq", "extra"))] = pick(
                (None, {}, [], "", {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}, "default", "a b", 7, "RAW")
            )
        if self.chance.random() < odd:
            body["choices"] = pick(
                (
                    [],
                    None,
                    {},
                    [choice, choice],
                    [None],
                    [{"text": "x"}],
                    [{"index": 0, "message": message, "text": None}],
                )
            )
        form = self.chance.random()
        if form < 0.75:
            return body
        return (
            json.dumps(body)
            if form < 0.9 or not odd
            else pick(
                (
                    json.dumps(body)[:-3],
                    json.dumps(body, indent=1),
                    f" {json.dumps(body)}\n",
                    None,
                    "",
                    "oops",
                    [body],
                    7,
                )
            )
        )

    def _stream(self, odd: float) -> Any:
        pick = self.chance.choice
        response_id = pick(_IDS) if self.chance.random() < odd else f"chatcmpl-{self.chance.getrandbits(64):x}"
        end = (
            pick(("\r\n\r\n", "\n\n"))
            if self.chance.random() >= odd
            else pick(("\r\r", "\n", "\r\n\n", "\n\r\n", "\r\n\r\n\r\n"))
        )
        common = (
            {"id": response_id}
            | ({"model": self._model(odd)} if self.chance.random() < 0.3 else {})
            | ({"created": 1772344816} if self.chance.random() < 0.3 else {})
        )
        ending = {"usage": None} if self.chance.random() < 0.2 else {}
        chunks: list[Any] = [
            common | {"choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]} | ending
        ]
        for _ in range(pick((0, 1, 1, 2, 3, 3, 4, 6, 12, 30, 40))):
            chunks.append(
                common
                | {
                    "choices": [
                        {
                            "index": 0,
                            "delta": {
                                "content": pick(_TEXTS if self.chance.random() < max(odd, 0.02) else _TEXTS[:10])
                            },
                            "finish_reason": None,
                        }
                    ]
                }
                | ending
            )
        last = common | {
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": ""},
                    "finish_reason": pick(_LABELS) if self.chance.random() < odd else "stop",
                }
            ],
            "usage": self._usage(odd),
        }
        chunks += [last, "[DONE]"]
        for _ in range(pick((1, 1, 2, 4)) if self.chance.random() < odd * 2 else 0):
            chunks.insert(self.chance.randrange(len(chunks)), self._odd_chunk(common, odd))
        spaced = (", ", ": ") if self.chance.random() < 0.7 else (",", ":")
        data = "data: " if self.chance.random() < 0.9 or not odd else "data:"
        is_ascii = self.chance.random() < 0.5
        text = "".join(
            (
                f"{data}"
                f"{chunk if isinstance(chunk, str) else json.dumps(chunk, ensure_ascii=is_ascii, separators=spaced)}"
                f"{end}"
            )
            for chunk in chunks
        )
        while '"RAW"' in text:
            text = text.replace('"RAW"', pick(_RAW), 1)
        if self.chance.random() < odd / 2:
            text = text[: self.chance.randrange(len(text) + 1)]
        return text

    def _odd_chunk(self, common: dict[str, Any], odd: float) -> Any:
        delta = {"index": 0, "delta": {"content": "x"}, "finish_reason": None}
        return self.chance.choice(
            (
                common | {"choices": [delta], "usage": self._usage(odd)},
                common | {"choices": [], "usage": self._usage(odd)},
                common | {"id": "other", "model": "other", "choices": [delta]},
                {"error": {"code": 502}},
                common | {"error": None, "choices": [delta]},
                common | {"x_groq": {"usage": self._usage(odd)}, "choices": [delta]},
                common
                | {
                    "choices": [delta | {"finish_reason": self.chance.choice(_LABELS)}],
                    "service_tier": self.chance.choice(_LABELS),
                },
                common | {"choices": [delta, delta | {"index": 1}]},
                common | {"choices": [delta], "x": "RAW"},
                common | {"choices": [{"index": 0, "delta": {"content": ["x"]}}]},
                common | {"choices": [{"index": 0, "text": "x"}]},
                common | {"choices": None},
                *(
                    ": comment",
                    "[DONE]",
                    '{"choices": [',
                    "oops",
                    "\r\nevent: error\r\n",
                    '{"id": "a", "id": "b", "choices": []}',
                    '{"choices":[{"delta":{"content":"a","content":"b"}}]}',
                ),
            )
        )

    def _changed_a_little(self, line: bytes) -> bytes:
        """Change a letter, a digit or a blank, mostly so that it is still such a line."""
        chance = self.chance
        if len(line) < 2:
            return line
        for _ in range(20):
            at = chance.randrange(len(line))
            letter = line[at : at + 1]
            if letter.isdigit():
                return (
                    line[:at]
                    + chance.choice((b"0", b"9", b"12", b"007", b"", b"4.0", b"7e1", b"-1", b"5" * 18))
                    + line[at + 1 :]
                )
            if letter.isalpha() or letter == b" ":
                return line[:at] + chance.choice(_LETTERS) + line[at + 1 :]
        return line

    def _damaged(self, line: bytes) -> bytes:
        chance, size = self.chance, max(len(line), 1)
        at, to = sorted((chance.randrange(size), chance.randrange(size)))
        fate = chance.randrange(12)
        if fate == 0:
            return line[:at]
        if fate == 1:
            return line[:at] + chance.choice(self._before)
        if fate == 2:
            return line[:at] + line[to:]
        if fate == 3:
            return line[:to] + line[at:]
        if fate == 4:
            return line[:at] + bytes([line[at] ^ (1 << chance.randrange(8))] if at < len(line) else []) + line[at + 1 :]
        if fate == 5:
            return line[:at] + chance.randbytes(chance.choice((1, 1, 2, 4))) + line[at + 1 :]
        if fate == 6:
            return (
                line[:at]
                + chance.choice(
                    (
                        b'"',
                        b"\\",
                        b"\\\\",
                        b"{",
                        b"}",
                        b"[",
                        b"]",
                        b":",
                        b",",
                        b"\r",
                        b"\x00",
                        b"\xff",
                        b"\xed\xa0\xbd",
                        b"e9",
                        b"\\u0022",
                        b" ",
                    )
                )
                + line[at:]
            )
        if fate == 7:
            old, new = chance.choice(
                (
                    (b"content", b"usage"),
                    (b"\\r\\n", b"\\n"),
                    (b'\\"', b'"'),
                    (b"null", b"1e999"),
                    (b"delta", b"error"),
                    (b"index", b"id"),
                    (b"data:", b"event:"),
                    (b"choices", b"model"),
                )
            )
            places = line.count(old)
            return (
                line
                if not places
                else new.join(line.split(old))
                if chance.random() < 0.2
                else _replaced(line, old, new, chance.randrange(places))
            )
        if fate == 8:
            text = chance.choice(
                (
                    b'"usage": {"prompt_tokens": 9, "completion_tokens": 9}, ',
                    b'"model": "other", ',
                    b'"status": 500, ',
                    b'"x": 1e999, ',
                    b'\\"usage\\": {\\"prompt_tokens\\": 9, \\"completion_tokens\\": 9}, ',
                )
            )
            comma = line.find(b", ", at)
            return line[: comma + 2] + text + line[comma + 2 :] if comma >= 0 else line
        if fate == 9:
            other = chance.choice(self._before)
            return line[:at] + other[at:]
        if fate == 10:
            digit = next((place for place in range(at, len(line)) if 48 <= line[place] < 58), 0)
            return line[:digit] + chance.choice((b"1e99", b"9" * 310, b"0", b"-", b"1.0")) + line[digit:]
        return chance.choice((b"", b" ", b"\r", b"{}", b"[]", b"null", b'{"ts": 1}', line[at:to], line * 2))


def _replaced(line: bytes, old: bytes, new: bytes, number: int) -> bytes:
    parts = line.split(old)
    return old.join(parts[: number + 1]) + new + old.join(parts[number + 1 :])
