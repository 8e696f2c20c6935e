"""Labels, exchanges, and the ``Maker`` that writes exchanges as log lines in the words of each source.

A line's label comes from how it is made, never from reading it. Does not own the traps (``traps``, ``silences``,
``refusals``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from bodies import TEXTS, plain_body

if TYPE_CHECKING:
    from random import Random

    from wire import Tokens

BASE, EDGE, OPEN = (
    ("logs/a.jsonl", "logs/b.jsonl.gz", "logs/c.jsonl.zst", "logs/lying.jsonl.gz"),
    ("edge/e.jsonl", "edge/f.jsonl.gz"),
    ("open/o.jsonl",),
)
"""The files of the source ``gateway``, those of ``edge``, which renames fields and trusts request ids, and those of
``open``, whose callers choose response ids.
"""

EDGE_FIELDS = {
    "ts": "time",
    "api_key_id": "auth.key_id",
    "status": "http.status",
    "response": "resp.body",
    "request.model": "model",
    "request_id": "trace.id",
}
LINE_BYTES_MAX = 120_000
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a line is (a status, a reason of the quarantine, or ``blank``), its tokens, and what becomes of them."""

    trap: str
    what: str
    tokens: Tokens | None = None
    fate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One exchange, before it is written in the words of a source."""

    at: datetime
    key: str
    model: str | None
    request_id: str | None
    response: object = None
    status: object = 200
    method: str | None = "POST"
    path: str | None = "/studio/v1/chat/completions"


@dataclass(slots=True, kw_only=True)
class Maker:
    """Draws from one seeded source of chance, and keeps the lines of every file with their labels."""

    chance: Random
    keys: list[str]
    models: list[str]
    instants: list[datetime]
    lines: dict[str, list[tuple[bytes, Label]]] = field(
        default_factory=lambda: {name: [] for name in (*BASE, *EDGE, *OPEN)}
    )
    serial: int = 0

    def new_id(self) -> str:
        self.serial += 1
        return f"chatcmpl-{self.serial:04d}-{self.chance.getrandbits(48):012x}"

    def instant(self) -> datetime:
        """Often the very moment where a day, month, clock or price changes, or the moment before."""
        if self.chance.random() < 0.4:
            return self.chance.choice(self.instants) - self.chance.choice([timedelta(0), MOMENT, timedelta(hours=1)])
        return datetime(2026, 9, 1, tzinfo=UTC) + timedelta(microseconds=self.chance.randrange(90 * 86_400_000_000))

    def tokens(self) -> tuple[int, int]:
        prompt_max = self.chance.choice([30, 3_000, 300_000, 10**12])
        return self.chance.randint(2, prompt_max), self.chance.randint(2, self.chance.choice([30, 4_000]))

    def exchange(self, **changes: Any) -> Exchange:
        made = Exchange(
            at=self.instant(),
            key=self.chance.choice(self.keys),
            model=self.chance.choice(self.models),
            request_id=self.new_id(),
        )
        return replace(made, **changes)

    def text(self) -> str:
        return self.chance.choice(TEXTS)

    def shown(self, body: dict[str, Any]) -> object:
        """The body as an object, as text, or as pretty text behind the blanks of a keep-alive; keys in any order."""
        items = list(body.items())
        self.chance.shuffle(items)
        body = dict(items)
        return self.chance.choice([body, json.dumps(body), "\n \r\n  " + json.dumps(body, indent=2)])

    def plain(self, usage: object, response_id: str | None = "", **more: object) -> object:
        return self.shown(plain_body(self.new_id() if response_id == "" else response_id, usage, self.text(), **more))

    def log(  # noqa: PLR0917 - in the order in which a trap is told: what happened, what it is, what becomes of it, where
        self,
        exchange: Exchange,
        trap: str,
        what: str,
        tokens: Tokens | None = None,
        fate: str = "",
        file: str | None = None,
    ) -> bytes:
        name = file or self.chance.choice([*BASE, *EDGE, *OPEN])
        line = self.rendered(exchange, is_edge=name in EDGE)
        self.lines[name].append((line, Label(trap=trap, what=what, tokens=tokens, fate=fate)))
        return line

    def raw(self, line: bytes, trap: str, what: str, file: str | None = None, **label: Any) -> None:
        self.lines[file or self.chance.choice(BASE)].append((line, Label(trap=trap, what=what, **label)))

    def rendered(self, exchange: Exchange, *, is_edge: bool) -> bytes:
        fields = {
            "ts": self.timestamp(exchange.at),
            "api_key_id": exchange.key,
            "request_id": exchange.request_id,
            "response": exchange.response,
        }
        fields |= {
            "status": exchange.status,
            "method": exchange.method,
            "path": exchange.path,
            "latency_ms": 12.5,
            "usage": {"prompt_tokens": 9},
        }
        if is_edge:
            renamed = {
                "time": fields.pop("ts"),
                "http.status": fields.pop("status"),
                "model": exchange.model,
                "ts": "not the time",
                "http": {"status": 500},
            }
            parts = {
                "auth": {"key_id": fields.pop("api_key_id")},
                "resp": {"body": fields.pop("response")},
                "trace": {"id": fields.pop("request_id")},
            }
            fields |= renamed | parts
        else:
            fields["request"] = self.chance.choice(
                [{"model": exchange.model, "stream": True, "n": 1}, {"model": exchange.model, "messages": []}]
            )
        items = list(fields.items())
        self.chance.shuffle(items)
        separators = self.chance.choice([(",", ":"), (", ", ": "), (" ,\t", " : ")])
        return json.dumps(dict(items), separators=separators, ensure_ascii=True).encode()

    def timestamp(self, at: datetime) -> object:
        micros = (at - datetime(1970, 1, 1, tzinfo=UTC)) // MOMENT
        seconds, millis = micros / 1_000_000, micros / 1_000
        numbers = [
            number for number, unit in ((seconds, 1_000_000), (millis, 1_000)) if Decimal(repr(number)) * unit == micros
        ]
        zone = timezone(timedelta(minutes=self.chance.choice([0, 345, -420, 840])))
        text = at.astimezone(zone).isoformat(timespec="microseconds")
        return self.chance.choice(
            [*numbers, text, f"{text[:26]}999{text[26:]}", at.replace(tzinfo=None).isoformat() + "Z"]
        )


class Trap(Protocol):
    """Writes its lines into the maker."""

    __name__: str

    def __call__(self, make: Maker, /) -> None: ...
