"""Make the committed sample of request logs, ``data/logs``: the same bytes at every run.

``python benchmarks/inputs/make_sample.py [DIR]`` reads the key ids from ``DIR/accounts.toml`` (default ``data``) and
writes ``DIR/logs``: two months of an invented gateway in front of AI21's Jamba models, with some of every trap that
real logs hold. Texts are invented and cut short; token counts are those of the longer answers they stand for. Does not
own accounts nor rates: those files are written by hand.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SEED = 20260901
UNASSIGNED_KEY_ID = "key_f39c6b02a8174de5b1d80e6c95a2470d"
"""In no account, on purpose."""

ORDINARY_CALLS = 330
ADDRESS = "/studio/v1/chat/completions"
SENTENCES = (
    "Rain is likely over the northern valleys until the early evening.",
    "The second chapter opens with a letter that nobody answers.",
    "Your order leaves the warehouse on Thursday and arrives two days later.",
    "Three of the five pumps were serviced; the report is attached below.",
    "A robot arm needs a softer grip for ripe pears than for apples.",
    "The meeting agreed to publish the schedule before the first of the month.",
    "Wind from the south-west, six to eight knots, turning west by noon.",
    "Please compare both offers and list what differs, line by line.",
)
TRICKY_SENTENCES = (
    'The field "usage": {"prompt_tokens": 1, "completion_tokens": 1} is what you asked about.',
    "A stream ends with the line data: [DONE] and nothing after it.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One invented exchange: who asked what and when, and what it used."""

    at: datetime
    api_key_id: str
    model: str
    response_id: str
    prompt_tokens: int
    completion_tokens: int
    text: str
    cached_tokens: int = 0

    def usage(self) -> dict[str, Any]:
        """Return the usage object of the response; AI21 states a total, and no details."""
        usage: dict[str, Any] = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }
        if self.cached_tokens:
            usage["prompt_tokens_details"] = {"cached_tokens": self.cached_tokens}
        return usage


Line = tuple[datetime, bytes]
"""The instant by which a line is sorted into its file, and its bytes without the line feed."""


def main(folder: Path) -> None:
    """Write the logs of the workspace ``folder``."""
    accounts = tomllib.loads((folder / "accounts.toml").read_text(encoding="utf-8"))["accounts"]
    keys = {account["id"]: account["keys"] for account in accounts}
    files: dict[str, list[Line]] = {"2026-09.jsonl.gz": [], "2026-10-east.jsonl": [], "2026-10-west.jsonl": []}
    chance = random.Random(SEED)
    for call in ordinary_calls(chance, keys):
        name = "2026-09.jsonl.gz" if call.at.month == 9 else chance.choice(["2026-10-east.jsonl", "2026-10-west.jsonl"])  # noqa: PLR2004 - September
        files[name].append(
            stream_line(call) if chance.random() < 0.27 else plain_line(call, as_text=chance.random() < 0.5)  # noqa: PLR2004 - about a quarter
        )
    add_boundaries(files, keys)
    add_copies(files, keys)
    add_without_usage(files, keys)
    add_unreadable(files, keys)
    (folder / "logs").mkdir(exist_ok=True)
    for name, lines in files.items():
        content = b"".join(text + b"\n" for _, text in sorted(lines, key=lambda line: line[0]))
        (folder / "logs" / name).write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)


def ordinary_calls(chance: random.Random, keys: dict[str, list[str]]) -> list[Call]:
    """Return the calls of two quiet months: fewer at weekends, every key with habits of its own."""
    habits = [  # key id, weight, model names, prompt tokens at most
        (keys["aurora"][0], 8, ["jamba-mini", "jamba-mini-1.7"], 60_000),
        (keys["aurora"][1], 3, ["jamba-large"], 90_000),
        (keys["birke"][0], 6, ["jamba-large", "jamba-large-1.7"], 180_000),
        (keys["birke"][1], 4, ["jamba-mini"], 120_000),
        (keys["cedar"][0], 6, ["jamba-large-1.7", "jamba-mini"], 70_000),
        (keys["dojo"][0], 5, ["jamba-large"], 110_000),
        (keys["dojo"][1], 2, ["jamba-mini-1.7", "jamba-1.5-mini"], 40_000),
        (UNASSIGNED_KEY_ID, 1, ["jamba-mini"], 20_000),
    ]
    first, last = datetime(2026, 9, 1, 6, tzinfo=UTC), datetime(2026, 10, 31, 14, tzinfo=UTC)
    calls: list[Call] = []
    while len(calls) < ORDINARY_CALLS:
        at = first + timedelta(milliseconds=chance.randrange((last - first) // timedelta(milliseconds=1)))
        if at.weekday() >= 5 and chance.random() < 0.7:  # noqa: PLR2004 - Saturday and Sunday, mostly quiet
            continue
        key, _, models, prompt_max = chance.choices(habits, weights=[habit[1] for habit in habits])[0]
        prompt = chance.randint(prompt_max // 20, prompt_max)
        calls.append(
            Call(
                at=at,
                api_key_id=key,
                model=chance.choice(models),
                response_id=f"chatcmpl-{chance.getrandbits(128):032x}",
                prompt_tokens=prompt,
                completion_tokens=chance.randint(40, 3_500),
                text=chance.choice(SENTENCES if chance.random() < 0.9 else TRICKY_SENTENCES),  # noqa: PLR2004 - one in ten is tricky
                cached_tokens=prompt // 2 if chance.random() < 0.08 else 0,  # noqa: PLR2004 - a few
            )
        )
    return calls


def add_boundaries(files: dict[str, list[Line]], keys: dict[str, list[str]]) -> None:
    """Add calls a moment before and at the instants where a month, a price or the clocks change."""
    instants = [
        ("aurora", "2026-10-01T00:00:00+00:00"),
        ("birke", "2026-10-01T00:00:00+02:00"),
        ("cedar", "2026-10-01T00:00:00-04:00"),
        ("dojo", "2026-10-01T00:00:00+09:00"),
        ("birke", "2026-10-10T12:00:00+00:00"),  # the agreed price changes
        ("dojo", "2026-10-10T12:00:00+00:00"),
        ("birke", "2026-10-25T01:00:00+00:00"),  # Berlin's clocks go back from 03:00 to 02:00
    ]
    for number, (account, text) in enumerate(instants):
        instant = datetime.fromisoformat(text).astimezone(UTC)
        for at in (instant - timedelta(microseconds=1), instant):
            call = special_call(keys[account][0], f"boundary-{number}-{at:%H%M%S}", at)
            files[file_of(at)].append(stream_line(call) if number % 2 else plain_line(call))


def add_copies(files: dict[str, list[Line]], keys: dict[str, list[str]]) -> None:
    """Add responses that were logged more than once.

    The same, a placeholder, a cut stream and its whole, a conflict.
    """
    east, west = files["2026-10-east.jsonl"], files["2026-10-west.jsonl"]
    late = timedelta(seconds=90)
    twice = [
        special_call(key, f"twice-{number}", datetime(2026, 10, 6 + number, 9, 15, tzinfo=UTC))
        for number, key in enumerate(flat(keys))
    ]
    for call in twice:  # shipped by both gateways, the later one with a time of its own
        east.append(plain_line(call))
        west.append(plain_line(replace(call, at=call.at + late), as_text=True))
    for call in twice[:3]:  # and the very same bytes again
        east.append(plain_line(call))
    placeholder = special_call(keys["cedar"][0], "placeholder", datetime(2026, 10, 14, 16, tzinfo=UTC))
    east.append(plain_line(replace(placeholder, prompt_tokens=0, completion_tokens=0)))
    west.append(plain_line(replace(placeholder, at=placeholder.at + late)))
    cut = special_call(keys["dojo"][0], "cut-here-whole-there", datetime(2026, 10, 15, 3, tzinfo=UTC))
    east.append(stream_line(cut, cut_after=4))
    west.append(stream_line(cut))
    for number, account in enumerate(
        ("birke", "aurora")
    ):  # one response id, two different usages: the later one is billed
        conflict = special_call(keys[account][0], f"conflict-{number}", datetime(2026, 10, 16 + number, 11, tzinfo=UTC))
        east.append(plain_line(conflict))
        west.append(
            plain_line(replace(conflict, at=conflict.at + late, completion_tokens=conflict.completion_tokens + 700))
        )


def add_without_usage(files: dict[str, list[Line]], keys: dict[str, list[str]]) -> None:
    """Add exchanges that state no usage: cut streams, errors, empty bodies, other endpoints."""
    day = datetime(2026, 10, 20, 8, tzinfo=UTC)
    west = files["2026-10-west.jsonl"]
    calls = [
        special_call(key, f"no-usage-{number}", day + timedelta(hours=5 * number))
        for number, key in enumerate(flat(keys))
    ]
    west.extend(stream_line(call, cut_after=3 + number) for number, call in enumerate(calls[:4]))
    west.append(stream_line(calls[4], cut_after=0, ending='data: {"error": {"message": "overloaded"}}\r\n\r\n'))
    west.append(stream_line(calls[5], cut_after=0, ending="data: [DONE]\r\n\r\n"))
    for number, (status, message) in enumerate(
        [(429, "Too many requests"), (422, "max_tokens is too large"), (500, "Internal error"), (503, "Try again")]
    ):
        call = special_call(keys["cedar"][0], f"failed-{number}", day + timedelta(days=1, seconds=number))
        west.append(envelope(call, status=status, response={"detail": message}))
    others: list[dict[str, Any]] = [
        {"response": None},
        {"response": {"error": {"message": "The model is not available"}}},
        {
            "response": {"id": "emb-1", "usage": {"prompt_tokens": 12, "completion_tokens": 0}},
            "path": "/studio/v1/embeddings",
        },
        {"response": {"models": ["jamba-large", "jamba-mini"]}, "path": "/studio/v1/models", "method": "GET"},
    ]
    for number, changes in enumerate(others):
        call = special_call(keys["dojo"][1], f"other-{number}", day + timedelta(days=2, minutes=number))
        west.append(envelope(call, **changes))


def add_unreadable(files: dict[str, list[Line]], keys: dict[str, list[str]]) -> None:
    """Add blank lines, and lines that no strict reader accepts: they end in the quarantine, each with its reason."""
    call = special_call(keys["aurora"][1], "unreadable", datetime(2026, 9, 17, 10, tzinfo=UTC))
    text = plain_line(call)[1]
    prompt, completion = (
        f'"prompt_tokens": {call.prompt_tokens}'.encode(),
        f'"completion_tokens": {call.completion_tokens}'.encode(),
    )
    broken = [
        b"",
        text[: len(text) // 2],  # the gateway died while it wrote
        text.replace(prompt, b'"prompt_tokens": NaN'),
        text.replace(prompt, b'"prompt_tokens": true'),
        text.replace(completion, b'"completion_tokens": -1'),
        text.replace(completion, b'"completion_tokens": 1.5'),
        text.replace(b"+00:00", b""),  # whose ten o'clock?
        text.replace(b'"api_key_id"', b'"api_key_idea"'),
        text.replace(b'"id": "chatcmpl-', b'"id": "chatcmpl\xe9'),
        plain_line(replace(call, cached_tokens=call.prompt_tokens + 5))[1],
        text.replace(b'"total_tokens": ', b'"total_tokens": 1'),
        b"  ",
        b"[]",
    ]
    files["2026-09.jsonl.gz"].extend((call.at + timedelta(seconds=number), line) for number, line in enumerate(broken))


def special_call(key: str, name: str, at: datetime) -> Call:
    """Return the call ``name``, whose sizes follow from its name and nothing else."""
    chance = random.Random(name)
    return Call(
        at=at,
        api_key_id=key,
        model=chance.choice(["jamba-large", "jamba-mini-1.7"]),
        response_id=f"chatcmpl-{chance.getrandbits(128):032x}",
        prompt_tokens=chance.randint(2_000, 60_000),
        completion_tokens=chance.randint(100, 2_000),
        text=chance.choice(SENTENCES),
    )


def plain_line(call: Call, *, as_text: bool = False) -> Line:
    """Return the line of a plain response, logged as an object or as the text of the body."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": call.text, "tool_calls": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    body = {"id": call.response_id, "choices": [choice], "usage": call.usage()}
    return envelope(call, response=json.dumps(body, ensure_ascii=False) if as_text else body)


def stream_line(call: Call, *, cut_after: int | None = None, ending: str = "") -> Line:
    """Return the line of a stream: one token a chunk, CRLF, usage in the last chunk; or cut after so many tokens."""
    tokens = [word if number == 0 else f" {word}" for number, word in enumerate(call.text.split(" "))]
    deltas = [{"role": "assistant"}, *({"content": token} for token in tokens[:cut_after])]
    chunks = [
        {"id": call.response_id, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    transcript = "".join(f"data: {json.dumps(chunk, ensure_ascii=False)}\r\n\r\n" for chunk in chunks)
    if cut_after is None:
        stated = replace(call, completion_tokens=len(tokens) + 1).usage()
        last = {
            "id": call.response_id,
            "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}],
            "usage": stated,
        }
        ending = f"data: {json.dumps(last)}\r\n\r\ndata: [DONE]\r\n\r\n"
    return envelope(call, response=transcript + ending, stream=True)


def envelope(
    call: Call, *, response: object, status: int = 200, method: str = "POST", path: str = ADDRESS, stream: bool = False
) -> Line:
    """Return the request-log line around ``response``."""
    fields = {
        "ts": call.at.isoformat(),
        "request_id": call.response_id.removeprefix("chatcmpl-"),
        "api_key_id": call.api_key_id,
        "status": status,
        "method": method,
        "path": path,
        "request": {"model": call.model, "stream": stream, "n": 1},
        "response": response,
    }
    return call.at, json.dumps(fields, ensure_ascii=False).encode()


def file_of(at: datetime) -> str:
    """Return the log that a gateway on UTC writes at this instant."""
    return "2026-09.jsonl.gz" if at < datetime(2026, 10, 1, tzinfo=UTC) else "2026-10-east.jsonl"


def flat(keys: dict[str, list[str]]) -> list[str]:
    """Return all key ids in the order of the accounts."""
    return [key for account_keys in keys.values() for key in account_keys]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "data")
