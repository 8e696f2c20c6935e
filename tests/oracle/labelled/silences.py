"""Labelled traps without usage: cut streams, empty bodies, errors, endpoints that are no completions.

Absence is never zero: each has a status of its own. Does not own stated usage (``traps``) nor lines that must be
refused (``refusals``).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from bodies import AI21, OPENAI, TEXTS, cut_stream, plain_body, usage_of
from maker import BASE, DAY
from wire import Tokens

if TYPE_CHECKING:
    from maker import Maker, Trap


def estimated(make: Maker) -> None:
    """Cut between events, inside an event, or finished without usage: there is something to estimate from."""
    text = "nine tokens of a text that somebody stopped"
    for ending in ("", 'data: {"id": "x", "choices": [{"index": 0, "delta": {"conte', "data: [DONE]" + "\r\n" * 2):
        transcript = cut_stream(make.chance.choice([AI21, replace(OPENAI, eol="\r\n")]), make.new_id(), text) + ending
        make.log(make.exchange(response=transcript), "estimated", "estimated", Tokens(9, 0), "billed")


def estimated_twice(make: Maker) -> None:
    exchange = make.exchange(response=cut_stream(AI21, make.new_id(), "four tokens, no more"))
    for number, fate in enumerate(["billed", "lost"]):
        copy = replace(exchange, at=exchange.at + number * DAY)
        make.log(copy, "estimated-twice", "estimated", Tokens(4, 0), fate, make.chance.choice(BASE))


def unknown(make: Maker) -> None:
    body = plain_body(make.new_id(), usage_of(10, 1), "x")
    bodies: dict[str, object] = {
        "null": None,
        "empty": "",
        "text": "upstream connect error",
        "cut": json.dumps(body)[:-9],
        "empty-object": {},
        "usage-null": make.plain(None),
        "usage-empty": make.plain({}),
        "usage-absent": make.plain(...),
        "one-sided": make.plain({"completion_tokens": 12}),
        "done-only": "data: [DONE]\n\n",
        "role-only": AI21.event(
            {"id": make.new_id(), "choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]}
        ),
        "comments-only": ": OPENROUTER PROCESSING\n\n",
        "usage-in-content": make.shown(
            {"id": make.new_id(), "choices": [{"message": {"usage": usage_of(5, 5), "content": TEXTS[1]}}]}
        ),
    }
    for name, response in bodies.items():
        make.log(make.exchange(response=response, path="/v1/chat/completions"), f"unknown/{name}", "unknown")


def failed(make: Maker) -> None:
    opening = cut_stream(OPENAI, make.new_id(), "some content")
    for status in (302, 400, 429, 500, 503):
        for response in (
            None,
            {"error": {"code": status}},
            make.plain(...),
            make.plain({"prompt_tokens": -1, "completion_tokens": 1}),
        ):
            make.log(make.exchange(response=response, status=status), f"failed/{status}", "failed")
    bodies: dict[str, object] = {
        "error-in-200": {"error": {"message": "no", "code": 500}},
        "error-as-text": json.dumps({"id": make.new_id(), "choices": [], "error": "no", "usage": None}),
        "error-chunk": opening + 'data: {"error": {"message": "no"}}\n\n',
        "error-event": opening + "event: error\ndata: no\n\n",
        "error-line": 'error: {"message": "no"}\n\n',
    }
    for name, response in bodies.items():
        make.log(make.exchange(response=response), f"failed/{name}", "failed")


def not_metered(make: Maker) -> None:
    body = make.plain(usage_of(10, 1))
    paths = [
        "/v1/rerank",
        "/v1/models?limit=2",
        "/v1/files/",
        "/v1/threads/t1/messages",
        "/v1/batches/b/cancel",
        "/v1/moderations",
    ]
    for path in paths:
        make.log(make.exchange(response=body, path=path), "not-metered/path", "not_metered")
    make.log(make.exchange(response=body, method="GET"), "not-metered/get", "not_metered")
    make.log(make.exchange(response={"ok": True}, path="/llm/status-7"), "not-metered/odd-route", "not_metered")
    make.log(make.exchange(response=body, path="/v1/rerank", status=500), "not-metered/before-failed", "not_metered")


SILENCES: tuple[Trap, ...] = (estimated, estimated_twice, unknown, failed, not_metered)
