"""A workspace that two invoices of different customers are issued from, with a price change, a duplicate and a canary
in its logs.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from workspaces import account, make_workspace, plain, stream, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

CANARY_PROMPT = "canary-prompt-zebra-quartz"
CANARY_KEY = "sk-canary-0123456789abcdef"
AS_OF = ("--as-of", "2026-11-01T03:00:00Z")

ACCOUNTS = account("acme", "key_a", "key_a2", timezone="Europe/Berlin") + account(
    "beta", "key_b", name="Beta, the other customer", rate_card="special"
)
STANDARD = """
id = "standard"
currency = "USD"
[aliases]
"jamba-large-1.7" = "jamba-large"
[[rates]]
model = "jamba-large"
effective_to = 2026-10-10T12:00:00Z
prompt = 2.00
completion = 8.00
[[rates]]
model = "jamba-large"
effective_from = 2026-10-10T12:00:00Z
prompt = 2.50
completion = 8.00
prompt_cached = 0.50
"""
SPECIAL = """
# a card that only Beta knows of
id = "special"
currency = "USD"
[[rates]]
model = "jamba-large"
prompt = 1.111
completion = 3.333
"""


@pytest.fixture(scope="session")
def issued_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(
        tmp_path_factory.mktemp("tools") / "books", accounts=ACCOUNTS, cards={"standard": STANDARD, "special": SPECIAL}
    )
    write_log(
        root,
        "october.jsonl",
        plain("2026-10-01T10:00:00Z", id="resp-1", prompt=4_321, completion=1_000, request_id="req-1"),
        plain(
            "2026-10-10T11:59:59Z",
            id="resp-2",
            prompt=1_000,
            completion=10,
            request_id="req-2",
            model="jamba-large-1.7",
        ),
        plain("2026-10-10T12:00:00Z", id="resp-3", prompt=1_000, completion=10, cached=400, request_id="req-3"),
        plain("2026-10-11T10:00:00Z", id="resp-1", prompt=4_321, completion=1_000, request_id="req-1-retry"),
        plain("2026-10-12T10:00:00Z", id="resp-4", prompt=777, completion=33, key="key_b", request_id="req-4"),
        plain("2026-10-12T11:00:00Z", id="resp-5", prompt=50, completion=50, key="key_nobody", request_id="req-5"),
        '{"ts": "2026-10-12T12:00:00Z", "status": 200, "prompt": "' + CANARY_PROMPT,
        "",
        stream("2026-10-13T10:00:00Z", id="resp-6", pieces=["cut ", "short"], usage=None, request_id="req-6"),
        plain(
            "2026-10-14T10:00:00Z",
            id="resp-7",
            prompt=9,
            key="key_a2",
            status=500,
            request_id="req-7",
            response={"error": {"message": CANARY_PROMPT}},
        ),
        plain(
            "2026-10-14T11:00:00Z",
            id="resp-8",
            prompt=9,
            completion=9,
            request_id="req-8",
            path="/v1/files",
            response={"id": "f"},
        ),
        plain("2026-10-15T10:00:00Z", id="resp-9", prompt=20, completion=5, request_id="req-9"),
        plain("2026-10-15T10:05:00Z", id="resp-9", prompt=30, completion=5, request_id="req-9b"),
        plain("2026-10-16T10:00:00Z", id="resp-10", prompt=60, completion=6, request_id="req-10").replace(
            '"api_key_id": "key_a"', f'"api_key": "{CANARY_KEY}"'
        ),
        plain(
            "2026-10-16T11:00:00Z",
            id="resp-11",
            prompt=11,
            completion=1,
            request_id="req-11",
            model="jamba-new",
            key="key_a2",
        ),
        plain("2026-11-01T01:00:00Z", id="resp-12", prompt=5_000, request_id="req-12"),
    )
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    with (root / "rates" / "standard.toml").open("a", encoding="utf-8") as card:
        card.write('[[rates]]\nmodel = "jamba-new"\nprompt = 1.00\ncompletion = 1.00\n')
    done = tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def books(issued_once: Path, tmp_path: Path) -> Path:
    """Give a copy of the workspace in which October is issued.

    INV-000001 to Acme, INV-000002 to Beta; November is a draft.
    """
    shutil.copytree(issued_once, tmp_path / "books")
    return tmp_path / "books"
