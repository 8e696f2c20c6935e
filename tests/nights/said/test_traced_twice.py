"""Spans that were perhaps traced twice are said, by those who try a log and by the night that collects it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import account, make_workspace, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

    from workspaces import Done

TRACE = "0af7651916cd43dd8448eb211c80319c"
SOURCES = '[[sources]]\nname = "spans"\npaths = ["logs/*.jsonl"]\n'
MAY_BE = "may be billed twice: within a second another span of the same trace counts the same"


def span(
    number: int, milliseconds: int, *, trace: str = TRACE, counts: tuple[int, int] = (100, 20), **more: Any
) -> str:
    """Return a row of ClickHouse; ``milliseconds`` are those from ten o'clock to its start."""
    seconds, part = divmod(milliseconds, 1000)
    return json.dumps(
        {
            "Timestamp": f"2026-10-05 10:00:{seconds:02}.{part:03}000000",
            "TraceId": trace,
            "SpanId": f"{number:016x}",
            "SpanName": "chat",
            "Duration": 2 * 10**9,
            "ResourceAttributes": {"api_key_id": "key_a"},
            "SpanAttributes": {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "jamba-large",
                "gen_ai.usage.input_tokens": str(counts[0]),
                "gen_ai.usage.output_tokens": str(counts[1]),
                **more,
            },
        }
    )


def collected(tmp_path: Path, *lines: str) -> Done:
    books = make_workspace(tmp_path / "books", config=SOURCES, accounts=account("acme", "key_a"))
    write_log(books, "spans.jsonl", *lines)
    return tallybook(books, "collect")


def test_a_framework_and_its_client_that_both_trace_a_call_are_said(tmp_path: Path) -> None:
    done = collected(tmp_path, span(1, 0), span(2, 40), span(3, 4_000), span(4, 4_999, counts=(100, 21)))
    (told,) = (line for line in done.stderr.splitlines() if MAY_BE in line)
    assert told.startswith(f"warning: logs/spans.jsonl: 1 span of 120 tokens {MAY_BE}; ")


def test_who_tries_a_log_is_told_before_it_counts(tmp_path: Path) -> None:
    log = tmp_path / "spans.jsonl"
    log.write_text("\n".join([span(1, 0), span(2, 40), span(3, 80), ""]), encoding="utf-8")
    done = tallybook(tmp_path, "try", str(log))
    assert f"spans.jsonl: 2 spans of 240 tokens {MAY_BE}" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "other",
    [
        span(2, 1_000),
        span(2, 40, trace="1af7651916cd43dd8448eb211c80319c"),
        span(2, 40, counts=(100, 21)),
        span(2, 40, counts=(101, 20)),
        span(2, 40, **{"gen_ai.response.id": "chatcmpl-1"}),
    ],
    ids=["a second later", "of another trace", "completion", "prompt", "one exchange"],
)
def test_what_is_another_call_or_the_same_exchange_is_not_said(tmp_path: Path, other: str) -> None:
    more = {"gen_ai.response.id": "chatcmpl-1"} if "chatcmpl-1" in other else {}
    assert MAY_BE not in collected(tmp_path, span(1, 0, **more), other).stderr


def test_calls_that_counted_nothing_and_other_ids_with_slashes_are_not_said(tmp_path: Path) -> None:
    without = [span(1, 0, counts=(0, 0)), span(2, 40, counts=(0, 0))]
    of_hosts = [
        json.dumps(
            {
                "ts": "2026-10-05T10:00:00Z",
                "request_id": f"gateway-7/{number}",
                "api_key_id": "key_a",
                "status": 200,
                "path": "/v1/chat/completions",
                "response": {"model": "jamba-large", "usage": {"prompt_tokens": 100, "completion_tokens": 20}},
            }
        )
        for number in range(2)
    ]
    assert MAY_BE not in collected(tmp_path, *without, *of_hosts).stderr
