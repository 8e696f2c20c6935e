"""What runs left that died is gone once the next command has run that writes there: each sweeps what is its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from signing_keys import make_key
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.objects import layout
from pipeline.objects.temporary.spill import sweep_spills

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-02T08:00:00Z")
LEFT = ".tmp-1-0123456789abcdef"
NO_PROCESS = 2**22 + 1
"""Above every number that a process has."""
OF_THE_LAKE = (
    *("lake", "lake/usage_events", "lake/usage_events/_delta_log", "lake/usage_events/date=2026-10-05"),
    *("lake/quarantine", "lake/charges", "lake/usage_daily", "lake/told", "lake/counted/drafts"),
)
OF_KEYS = (".", "key-aliases")
OF_INVOICES = tuple(f"invoices/{name}" for name in (".", "register", "configurations", "payments", "signatures"))


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("made") / "books")
    write_log(root, "l.jsonl", plain("2026-10-05T10:00:00Z", id="chat-1"), plain("2026-11-01T10:00:00Z", id="chat-2"))
    (root / "key-secret").write_text("a secret of these tests, at least 32 bytes", encoding="utf-8")
    (root / "key-secret").chmod(0o600)
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


def left_in(root: Path, *folders: str) -> list[Path]:
    """Leave half of a file in each folder."""
    paths = [root / folder / LEFT for folder in folders]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    return paths


def orphan_in(root: Path) -> Path:
    """Leave a data file that no entry names, and that was written for no commit to come."""
    path = layout.quarantine(layout.lake(root)) / f"{'0' * 64}.parquet"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"of a run that died")
    return path


def test_a_night_sweeps_every_folder_of_a_workspace(books: Path) -> None:
    left = [*left_in(books, *OF_THE_LAKE, *OF_INVOICES, *OF_KEYS), orphan_in(books)]
    spilled = layout.lake(books) / f".spill-{NO_PROCESS}" / "part"
    spilled.parent.mkdir()
    spilled.write_bytes(b"ids")
    assert tallybook(books, "nightly", *AS_OF).returncode == 0
    assert [path for path in (*left, spilled, spilled.parent) if path.exists()] == []
    assert sweep_spills(books / "lake") == []


@pytest.mark.parametrize(
    "command",
    [("keys", "rotate"), ("keys", "rotate", "--seen"), ("keys", "rotate", "--finish", "--force")],
    ids=" ".join,
)
def test_a_rotation_sweeps_what_may_hold_a_secret(books: Path, command: tuple[str, ...]) -> None:
    if len(command) > 2:
        assert tallybook(books, "keys", "rotate", *AS_OF).returncode == 0
    left = left_in(books, *OF_KEYS)
    done = tallybook(books, *command, *AS_OF, stdin="sk-made-up-000000000000000000000001\n")
    assert done.returncode == 0, done.stderr
    assert [path for path in left if path.exists()] == []


@pytest.mark.long
def test_forgetting_sweeps_the_lake(books: Path) -> None:
    left = left_in(books, *OF_THE_LAKE)
    done = tallybook(books, "forget", "--before", "2026-11-01", "--with-uninvoiced", "--yes", *AS_OF)
    assert done.returncode == 0, done.stderr
    assert [path for path in left if path.exists()] == []
    assert not left[3].parent.exists(), "the folder of a date of which nothing is left"


def test_an_upgrade_sweeps_the_lake_and_tables_that_no_manifest_names(books: Path) -> None:
    left = [*left_in(books, *OF_THE_LAKE), orphan_in(books)]
    unnamed = [books / "lake" / name / "2026-10.0123456789abcdef.parquet" for name in ("charges", "usage_daily")]
    for path in unnamed:
        path.write_bytes(b"of before")
    done = tallybook(books, "upgrade", *AS_OF)
    assert done.returncode == 0, done.stderr
    assert [path for path in (*left, *unnamed) if path.exists()] == []


def test_what_came_by_standard_input_is_kept_where_nothing_half_is(books: Path) -> None:
    left = left_in(books, "received")
    given = plain("2026-11-01T10:00:00Z", id="given") + "\n"
    done = tallybook(books, "collect", "-", "--source", "gateway", "--keep", *AS_OF, stdin=given)
    assert done.returncode == 0, done.stderr
    assert [path for path in left if path.exists()] == []


def test_signing_sweeps_signatures(books: Path) -> None:
    key = books.parent / "key.pem"
    make_key(key, books.parent / "public.pem")
    left = left_in(books, "invoices/signatures")
    done = tallybook(books, "sign", "--key", str(key), *AS_OF)
    assert done.returncode == 0, done.stderr
    assert [path for path in left if path.exists()] == []
