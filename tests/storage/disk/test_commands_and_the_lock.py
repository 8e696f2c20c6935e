"""Whatever writes holds the lock of its workspace, and ends at once where another run has it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from workspaces import fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.objects import layout
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-02T08:00:00Z")
WRITING = (
    ("acknowledge", "unassigned", "key_b", "--reason", "known", *AS_OF),
    ("collect", *AS_OF),
    ("compact", *AS_OF),
    ("forget", "--before", "2026-01-01", "--yes", *AS_OF),
    ("invoice", "credit", "INV-000001", "--line", "1", "--reason", "outage", *AS_OF),
    ("invoice", "draft", "--period", "2026-10"),
    ("invoice", "issue", "--period", "2026-10", *AS_OF),
    ("invoice", "paid", "INV-000001", *AS_OF),
    ("invoice", "void", "INV-000001", *AS_OF),
    ("keys", "rotate", *AS_OF),
    ("nightly", *AS_OF),
    ("sign", "--key", "key.pem", *AS_OF),
    ("upgrade", *AS_OF),
)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("made") / "books")
    write_log(root, "l.jsonl", plain("2026-10-05T10:00:00Z", id="chat-1"))
    assert tallybook(root, "collect", *AS_OF).returncode == 0
    return root


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_a_command_that_writes_ends_at_once_where_another_run_has_the_lock(
    books: Path, command: tuple[str, ...]
) -> None:
    before = fingerprints(books)
    with locked(layout.lake(books), command="tallybook of another", started_at=datetime(2026, 11, 2, tzinfo=UTC)):
        done = tallybook(books, *command)
    assert done.returncode != 0
    assert "is in use by `tallybook of another`" in done.stderr, done
    assert fingerprints(books) == before
