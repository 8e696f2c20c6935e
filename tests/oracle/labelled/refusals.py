"""Labelled lines that must end in the quarantine, some of every reason; and blank ones.

Does not own lines that say something (``traps``, ``silences``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bodies import AI21, plain_body, usage_of
from maker import LINE_BYTES_MAX
from wire import Why

if TYPE_CHECKING:
    from maker import Maker, Trap


def blank(make: Maker) -> None:
    for line in (b"", b"  \t", b"   "):
        make.raw(line, "blank", "blank")


def refused_lines(make: Maker) -> None:
    """Lines that are no JSON object at all."""
    own = make.new_id()
    exchange = make.exchange(response=plain_body(own, {"prompt_tokens": 31, "completion_tokens": 5}, "caf\u00e9"))
    line = make.rendered(exchange, is_edge=False)
    deciding = own.encode(), exchange.key.encode()
    cases = {
        Why.INVALID_JSON: [
            line[: len(line) // 2],
            line + line,
            line + b",",
            line.replace(b'"', b"'"),
            b'{"x": 01}',
            *damaged(line),
        ],
        Why.INVALID_UTF8: [
            *(line.replace(name, name + odd) for name in deciding for odd in (b"\xe9", b"\xed\xa0\x80", b"\xc0\xaf")),
            line.replace(b"caf", b"\xff") + b",",
        ],
        Why.NOT_AN_OBJECT: [b"[]", b'"line"', b"3", b"null", b"[[" + line + b"]]"],
        Why.LINE_TOO_LONG: [line.replace(b"caf", b"c" * LINE_BYTES_MAX)],
        Why.DUPLICATE_KEY: [
            b'{"api_key_id":"key_someone_else",' + line[1:],
            b'{"status":500,' + line[1:],
            line.replace(b'"prompt_tokens"', b'"prompt_tokens":3,"prompt_tokens"').replace(
                b':{"prompt_tokens":3,"prompt_tokens":9', b':{"prompt_tokens":9'
            ),
        ],
    }
    for why, lines in cases.items():
        for refused in lines:
            make.raw(refused, f"refused/{why}", why)


def damaged(line: bytes) -> list[bytes]:
    """Numbers that are none, and brackets that are left open, far down too."""
    numbers = [b'{"latency":' + number + b"," + line[1:] for number in (b"+1", b".5", b"nan", b"0x1")]
    return numbers + [b'{"trace":' + b"[" * depth + b"]" * (depth - 1) + b"," + line[1:] for depth in (70, 20_000)]


def refused_usage(make: Maker) -> None:
    counts: list[object] = [True, -1, 1.5, 10**12 + 1, 2**63, "12", [3], 1e30]
    for count in counts:
        usage = make.chance.choice(
            [{"prompt_tokens": count, "completion_tokens": 4}, {"prompt_tokens": 4, "completion_tokens": count}]
        )
        for response in (make.plain(usage), AI21.transcript(make.new_id(), usage, "x")):
            make.log(make.exchange(response=response), "refused/invalid_usage", Why.INVALID_USAGE)
    for whole in ("none", [1], 0):
        make.log(make.exchange(response=make.plain(whole)), "refused/invalid_usage", Why.INVALID_USAGE)
    pair, total = {"prompt_tokens": 20, "completion_tokens": 4}, {"total_tokens": 24}
    for more in (
        {"prompt_tokens_details": {"cached_tokens": 21}, **total},
        {"prompt_tokens_details": {"cached_tokens": 15, "cache_write_tokens": 6}, **total},
        {"completion_tokens_details": {"reasoning_tokens": 5}},
        {"total_tokens": 25},
        {"total_tokens": 23},
        {"num_cached_tokens": 5, "prompt_cache_hit_tokens": 6, **total},
    ):
        make.log(
            make.exchange(response=make.plain({**pair, **more}), model="jamba-mini"),
            "refused/contradictory_usage",
            Why.CONTRADICTORY_USAGE,
        )


def refused_bodies(make: Maker) -> None:
    """Text bodies whose usage only a lax reader takes."""
    body = json.dumps(plain_body(make.new_id(), {"prompt_tokens": 31, "completion_tokens": 5}, "x"))
    twins = body.replace('"prompt_tokens": 31', '"prompt_tokens": 30, "prompt_tokens": 31')
    for why, response in (
        (Why.INVALID_USAGE, body.replace("31", "NaN")),
        (Why.INVALID_USAGE, body.replace("31", "1e999")),
        (Why.DUPLICATE_KEY, twins),
        (Why.DUPLICATE_KEY, f"data: {twins}\n\ndata: [DONE]\n\n"),
    ):
        make.log(make.exchange(response=response), f"refused-body/{why}", why)


def refused_fields(make: Maker) -> None:
    usage = usage_of(10, 1)
    line = json.loads(make.rendered(make.exchange(response=plain_body(make.new_id(), usage, "x")), is_edge=False))
    line |= {"ts": "2026-10-01T00:00:00Z", "request": {"model": "m"}}
    for name in ("ts", "api_key_id"):
        make.raw(json.dumps({**line, name: None}).encode(), "refused/missing_field", Why.MISSING_FIELD)
        make.raw(
            json.dumps({key: value for key, value in line.items() if key != name}).encode(),
            "refused/missing_field",
            Why.MISSING_FIELD,
        )
    wrong: dict[str, list[object]] = {
        "ts": [
            "2026-10-01T00:00:00",
            "2026-10-01",
            "yesterday",
            "1999-12-31T23:59:59Z",
            "2026-13-01T00:00:00Z",
            5e12,
            -5,
            True,
            {},
        ],
        "api_key_id": [["key"], True, 1.5],
        "response": [5, True],
    }
    for name, values in wrong.items():
        for value in values:
            make.raw(json.dumps({**line, name: value}).encode(), f"refused/invalid_field/{name}", Why.INVALID_FIELD)


REFUSALS: tuple[Trap, ...] = (blank, refused_lines, refused_usage, refused_bodies, refused_fields)
