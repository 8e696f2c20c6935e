"""One month, logged in several ways: whatever writes the log, the invoices are the same to the last byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import make_workspace, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

    from workspaces import Done

SECONDS = 1_793_700_000
KEYS = ("key_a", "key_b")
ACCOUNTS = '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a", "key_b"]\n'
CALLS = [
    {
        "at": SECONDS + number * 7_200,
        "key": KEYS[number % 2],
        "usage": {
            "prompt_tokens": 100_003 * number + 7,
            "completion_tokens": 1_001 * number + 1,
            "total_tokens": 101_004 * number + 8,
            "prompt_tokens_details": {"cached_tokens": 3 * number},
            "completion_tokens_details": {"reasoning_tokens": number},
        },
    }
    for number in range(20)
]


def body(number: int, call: dict[str, Any]) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "."}, "finish_reason": "stop"}
    return {
        "id": f"c-{number}",
        "object": "chat.completion",
        "model": "jamba-large",
        "choices": [choice],
        "usage": call["usage"],
    }


def as_request_log() -> list[str]:
    return [
        json.dumps(
            {
                "ts": call["at"],
                "api_key_id": call["key"],
                "request_id": f"r-{number}",
                "status": 200,
                "path": "/v1/chat/completions",
                "request": {"model": "jamba"},
                "response": body(number, call),
            }
        )
        for number, call in enumerate(CALLS)
    ]


def as_litellm() -> list[str]:
    return [
        json.dumps(
            {
                "id": f"c-{number}",
                "litellm_call_id": f"r-{number}",
                "call_type": "acompletion",
                "status": "success",
                "startTime": float(call["at"]),
                "model": "openai/jamba-large",
                "model_group": "jamba",
                "metadata": {"user_api_key_hash": call["key"]},
                "response": body(number, call),
            }
        )
        for number, call in enumerate(CALLS)
    ]


def as_litellm_that_redacts() -> list[str]:
    lines = [json.loads(line) for line in as_litellm()]
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    for line, call in zip(lines, CALLS, strict=True):
        line |= {"response": "redacted", "model": "jamba-large", "model_group": "jamba-large"}
        line |= {name: call["usage"][name] for name in counts}
        line["metadata"]["usage_object"] = call["usage"]
    return [json.dumps(line) for line in lines]


def as_counts() -> list[str]:
    return [
        json.dumps(
            {
                "event": json.dumps({"time": call["at"], "who": {"key.id": call["key"]}}),
                "gen_ai.response.model": "jamba-large",
                "gen_ai.response.id": f"c-{number}",
                "outcome": "ok",
                "tokens": [
                    str(call["usage"]["prompt_tokens"] - 3 * number),
                    str(3 * number),
                    str(call["usage"]["completion_tokens"]),
                    number,
                ],
            }
        )
        for number, call in enumerate(CALLS)
    ]


COUNTED = """
fields.ts = "event.time"
fields.api_key_id = 'event.who."key.id"'
fields.request_id = ["nothing", "gen_ai.response.id"]
fields.status = { from = "outcome", ok = 200, broken = 500 }
fields.response.model = '"gen_ai.response.model"'
fields.response.id = '"gen_ai.response.id"'
fields.usage.prompt_tokens = { sum = ["tokens.0", "tokens.1"] }
fields.usage.cached_tokens = "tokens.1"
fields.usage.completion_tokens = "tokens.2"
fields.usage.reasoning_tokens = "tokens.3"
"""


def invoices_of(root: Path, lines: list[str], source: str = "") -> dict[str, bytes]:
    config = f'[[sources]]\nname = "gateway"\npaths = ["logs/*"]\n{source}'
    workspace = make_workspace(root, config=config, accounts=ACCOUNTS)
    write_log(workspace, "calls.jsonl", *lines)
    done = tallybook(workspace, "nightly", "--as-of", "2026-12-01T03:00:00Z")
    assert done.returncode == 0, done
    assert tallybook(workspace, "verify").returncode == 0
    files = sorted((workspace / "invoices").rglob("*.csv"))
    assert len(files) >= 2
    return {path.relative_to(workspace).as_posix(): path.read_bytes() for path in files}


@pytest.mark.long
@pytest.mark.parametrize(
    ("written", "source"),
    [
        (as_litellm, ""),
        (as_litellm, 'format = "litellm"\n'),
        (as_litellm_that_redacts, ""),
        (as_counts, COUNTED),
    ],
    ids=["found", "named", "redacted", "counts alone"],
)
def test_the_same_calls_are_billed_to_the_same_bytes(tmp_path: Path, written: Any, source: str) -> None:
    ours = invoices_of(tmp_path / "ours", as_request_log())
    assert b"jamba-large" in b"".join(ours.values())
    assert invoices_of(tmp_path / "theirs", written(), source) == ours


@pytest.mark.long
def test_a_log_in_which_two_tools_write_is_read(tmp_path: Path) -> None:
    lines = [pair[number % 2] for number, pair in enumerate(zip(as_request_log(), as_litellm(), strict=True))]
    assert invoices_of(tmp_path / "both", lines) == invoices_of(tmp_path / "ours", as_request_log())


@pytest.mark.parametrize("command", ["collect", "nightly", "doctor"])
@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ('format = "lightllm"', "source 'gateway': format is 'lightllm'; it is one of request-log, "),
        ('dialect = "parrot"', "source 'gateway': dialect is 'parrot'; it is one of openai-chat, "),
    ],
)
def test_a_format_or_a_dialect_that_nobody_reads_is_told_with_those_that_there_are(
    tmp_path: Path, command: str, setting: str, told: str
) -> None:
    config = f'[[sources]]\nname = "gateway"\npaths = ["logs/*"]\n{setting}\n'
    done = run(make_workspace(tmp_path / "books", config=config), command)
    assert told in done.stdout + done.stderr
    assert done.returncode == 2


def run(workspace: Path, command: str) -> Done:
    return tallybook(workspace, command)


@pytest.mark.long
def test_what_could_not_be_read_is_read_by_the_night_after_its_mapping_was_mended(tmp_path: Path) -> None:
    wrong = COUNTED.replace("event.time", "event.tme")
    config = '[[sources]]\nname = "gateway"\npaths = ["logs/*"]\n'
    workspace = make_workspace(tmp_path / "books", config=config + wrong, accounts=ACCOUNTS)
    write_log(workspace, "calls.jsonl", *as_counts())
    tallybook(workspace, "nightly", "--force", "--as-of", "2026-12-01T03:00:00Z")
    assert json.loads(tallybook(workspace, "verify", "--json").stdout)["counts"]["quarantined"] == len(CALLS)
    (workspace / "tallybook.toml").write_text(config + COUNTED, encoding="utf-8")
    tallybook(workspace, "nightly", "--as-of", "2026-12-02T03:00:00Z")
    assert json.loads(tallybook(workspace, "verify", "--json").stdout)["counts"]["measured"] == len(CALLS)
