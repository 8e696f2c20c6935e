"""What doctor says of what is issued: how much it is, that it is as it was, and what the configuration lacks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workspaces import account, make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ACCOUNTS = account("acme", "key_a") + account("bolt", "key_b")
GRANT = '[[accounts.credits]]\nid = "welcome"\namount = 1.00\ngranted_on = 2026-10-01\n'


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """A workspace with two invoices, of which one is paid."""
    root = make_workspace(tmp_path / "books", accounts=ACCOUNTS + GRANT)
    days = {"key_a": "2026-10-02T10:00:00Z", "key_b": "2026-10-03T10:00:00Z"}
    write_log(root, "l.jsonl", *(plain(ts, id=key, key=key) for key, ts in days.items()))
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", "--yes", "--as-of", "2026-11-02").returncode == 0
    assert tallybook(root, "invoice", "paid", "INV-000001", "--on", "2026-11-05").returncode == 0
    return root


def said(root: Path, code: int = 0) -> str:
    """What doctor says of it; empty where it says nothing."""
    done = tallybook(root, "doctor")
    assert done.returncode == code, done.stdout
    return "".join(line for line in done.stdout.splitlines() if " issued: " in line)


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.long
def test_what_is_as_it_was_is_counted(books: Path) -> None:
    assert said(books) == "ok    issued: 2 documents, unchanged"


@pytest.mark.long
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (
            lambda root: changed(root / "accounts.toml", 'id = "acme"', 'id = "acme2"'),
            "account 'acme' is not in accounts.toml and was invoiced (INV-000001, 2026-10); put its entry back",
        ),
        (lambda root: changed(root / "accounts.toml", "amount = 1.00", "amount = 0.50"), "welcome"),
        (
            lambda root: changed(root / "invoices/register/00000000000000000002.json", "bolt", "bold"),
            "00000000000000000002.json is refused: it was changed after it was written",
        ),
        (lambda root: (root / "invoices/register/00000000000000000001.json").unlink(), "is refused: it is missing"),
        (
            lambda root: changed(root / "invoices/payments/00000000000000000001.json", "2026-11-05", "2026-11-06"),
            "payments/00000000000000000001.json is refused: it was changed after it was written",
        ),
    ],
    ids=["account", "grant", "changed", "missing", "payment"],
)
def test_what_is_not_is_named_with_what_to_do(books: Path, damage: Callable[[Path], None], told: str) -> None:
    damage(books)
    found = said(books, code=2)
    assert found.startswith("LOOK  issued: ")
    assert told in found


def test_where_nothing_is_issued_nothing_is_said_of_it(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", accounts=ACCOUNTS)
    write_log(root, "l.jsonl", plain("2026-10-02T10:00:00Z", id="a"))
    assert said(root) == ""
