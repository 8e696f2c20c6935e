"""Fields within texts that hold something, and parts of arrays: both readers read such lines alike."""

from __future__ import annotations

import base64
import gzip
import json
import random
from typing import Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows

from pipeline.collectors import LogFormat
from pipeline.collectors.kernel.rules import table

IN_UTC = {"time_zone": "UTC"}
FIELDS: tuple[dict[str, Any], ...] = (
    {},
    {"api_key_id": "auth.sub"},
    {"api_key_id": ["auth.org.id", "api_key_id"]},
    {"api_key_id": "headers.[name=x-team].value"},
    {"api_key_id": {"join": ["api_key_id", "status"], "with": "/"}},
    {"ts": {"join": ["date", "time"], "with": "T"}},
    {"request.model": "request.model", "api_key_id": "auth.sub"},
    {"usage.prompt_tokens": "response.usage.prompt_tokens", "response": "none"},
)


def _encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def _token(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none"}, claims)
    return ".".join((*(_encoded(json.dumps(part)).rstrip("=") for part in parts), "c2ln"))


def _line(chance: random.Random) -> bytes:
    """A line whose key, request and answer may each be written in many ways."""
    key, count = chance.choice(("acme", "beta", "sk-1234567890abcdefXYZ")), chance.randrange(1, 99)
    claims = {"sub": key, "org": {"id": key}}
    asked = json.dumps({"model": chance.choice(("m-1", "m-2")), "stream": chance.random() < 0.5})
    answer = json.dumps(
        {
            "id": f"c-{chance.randrange(10**6)}",
            "choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": count, "completion_tokens": 3},
        }
    )
    head, of_request = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "POST /x HTTP/1.1\r\nA: b\r\n\r\n"
    written: dict[str, tuple[Any, ...]] = {
        "auth": (
            *(_token(claims), f"Bearer {_token(claims)}", json.dumps(claims), _encoded(json.dumps(claims)), claims),
            *("x", None, f"Bearer {key}", "12345678901234567890"),
        ),
        "request": (json.loads(asked), asked, _encoded(asked), of_request + asked, _encoded(of_request + asked), "x"),
        "response": (
            *(json.loads(answer), answer, _encoded(answer), head + answer, _encoded(head + answer)),
            _encoded(head.encode() + gzip.compress(answer.encode(), mtime=0)),
            "HTTP/1.1 200 OK A: b " + answer,
        ),
        "ts": ("2026-10-01T00:00:00Z", 1790812800, {"seconds": 1790812800, "nanos": 5}, {"at": 1}),
        "status": (200, "200", 500),
    }
    fixed = {"api_key_id": key, "headers": [{"name": "X-Team", "value": key}], "date": "2026-10-01", "time": "00:00:05"}
    return json.dumps(fixed | {name: chance.choice(ways) for name, ways in written.items()}).encode()


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_what_lies_within_texts_is_read_alike(fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    chance = random.Random(str(fields))
    log_format = LogFormat(fields=fields, **IN_UTC)
    lines = [_line(chance) for _ in range(150)]
    assert found_rows(by_kernel(lines, log_format)) == read_plainly(lines, log_format)
