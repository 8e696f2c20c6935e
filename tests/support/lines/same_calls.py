"""The calls that the tests of formats log in many ways, and what they come to as a request log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from workspaces import account, make_workspace, tallybook, write_log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CARD = """
id = "standard"
currency = "USD"

[[rates]]
model = "jamba-large"
prompt = 2.00
completion = 8.00
prompt_cached = 0.50
prompt_cache_write = 2.50
reasoning = 9.00

[[rates]]
model = "jamba-large"
service_tier = "batch"
prompt = 1.00
completion = 4.00
prompt_cached = 0.25
prompt_cache_write = 1.25
reasoning = 4.50
"""
ACCOUNTS = account("acme", "key_a") + account("birke", "key_b")
START = datetime(2026, 9, 30, 23, 59, 58, tzinfo=UTC)
"""Two seconds before October, so that a call that is dated by its end would stand on another invoice."""
LASTS = timedelta(seconds=5)
PATH = "/v1/chat/completions"
SECRET = b"a secret of at least thirty-two bytes, of this test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, its parts within their wholes."""

    number: int
    key: str = "key_a"
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    written: int = 0
    reasoning: int = 0
    is_failed: bool = False
    tier: str | None = None

    @property
    def at(self) -> datetime:
        """When it arrived."""
        return START + timedelta(seconds=self.number)

    @property
    def milliseconds(self) -> int:
        """When it arrived, since 1970."""
        return int(self.at.timestamp() * 1000)

    @property
    def status(self) -> int:
        """Of HTTP."""
        return 429 if self.is_failed else 200

    @property
    def asked(self) -> dict[str, Any]:
        """Its request."""
        return {"model": "jamba-large", "messages": [{"role": "user", "content": "Is it raining?"}], "stream": False}

    @property
    def usage(self) -> dict[str, Any]:
        """What chat counts of it."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached, "cache_write_tokens": self.written},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        }

    @property
    def body(self) -> dict[str, Any]:
        """Its answer."""
        if self.is_failed:
            return {"error": {"type": "rate_limit_error", "message": "slow down"}}
        choice = {"index": 0, "message": {"role": "assistant", "content": 'It "rains"\n.'}, "finish_reason": "stop"}
        return {
            "id": f"chatcmpl-{self.number}",
            "object": "chat.completion",
            "created": int(self.at.timestamp()),
            "model": "jamba-large",
            "service_tier": self.tier,
            "choices": [choice],
            "usage": self.usage,
        }

    @property
    def transcript(self) -> str:
        """Its answer, as a stream of events."""
        delta = {"id": f"chatcmpl-{self.number}", "choices": [{"index": 0, "delta": {"content": "It rains."}}]}
        last = {"id": f"chatcmpl-{self.number}", "model": "jamba-large", "choices": [], "usage": self.usage}
        return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in (delta, last)) + "data: [DONE]\n\n"


CALLS = (
    Call(number=0, prompt=1_200_000, completion=300_001),
    Call(number=1, prompt=900_000, cached=400_000, completion=80_000, reasoning=50_000),
    Call(number=2, prompt=700_000, cached=699_999, completion=1),
    Call(number=3, key="key_b", prompt=500_000, completion=250_000, reasoning=249_999),
    Call(number=4, is_failed=True),
)
WITH_WRITES = (*CALLS, Call(number=5, prompt=900_000, cached=400_000, written=100_003, completion=70_000))


def request_log(calls: Sequence[Call]) -> list[str]:
    return [
        json.dumps(
            {
                "ts": call.at.isoformat(),
                "api_key_id": call.key,
                "request_id": f"req-{call.number}",
                "status": call.status,
                "method": "POST",
                "path": PATH,
                "request": call.asked,
                "response": call.body,
            }
        )
        for call in calls
    ]


_DRAFTED: dict[tuple[str, ...], dict[str, bytes]] = {}
"""What request logs came to, so that each is drafted once."""


def as_a_request_log(root: Path, lines: list[str], *, accounts: str = ACCOUNTS) -> dict[str, bytes]:
    """Return what ``drafted`` returns, for lines of a request log."""
    key = (*lines, accounts)
    if key not in _DRAFTED:
        _DRAFTED[key] = drafted(root / "request-log", lines, accounts=accounts)
    return _DRAFTED[key]


def drafted(
    root: Path, lines: list[str], source: str = "", *, accounts: str = ACCOUNTS, is_strict: bool = True
) -> dict[str, bytes]:
    """Draft a workspace whose one log has these lines, and return every file under ``invoices``."""
    config = f'[[sources]]\nname = "calls"\npaths = ["logs/*"]\n{source}'
    books = make_workspace(root, config=config, accounts=accounts, cards={"standard": CARD})
    write_log(books, "calls.jsonl", *lines)
    options = ["--strict"] if is_strict else []
    env = {"TALLYBOOK_KEY_SECRET": SECRET.decode()}
    done = tallybook(books, "nightly", "--as-of", "2026-11-02T03:00:00Z", *options, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = books / "invoices"
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
