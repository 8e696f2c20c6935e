"""``tallybook export duckdb``: the relations of ``sql`` in one file, of one commit, that replaces the one before."""

from __future__ import annotations

import errno
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from workspaces import fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.jobs.answers.queried import database
from pipeline.jobs.answers.queried.columns import VIEWS, described
from pipeline.objects import disk

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-02T00:00:00Z")


@pytest.fixture
def books(tmp_path: Path) -> Path:
    root = make_workspace(tmp_path / "books")
    write_log(
        root,
        "a.jsonl",
        plain("2026-10-05T10:00:00Z", id="a", prompt=1, completion=3),
        plain("2026-10-06T10:00:00Z", id="b", prompt=7, completion=10**11),
        '{"ts": "2026-10-08T10:00:00Z"}',
    )
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    return root


def exported(root: Path, *options: str) -> Path:
    file = root.parent / "books.duckdb"
    done = tallybook(root, "export", "duckdb", "--to", str(file), *options)
    assert done.returncode == 0, done.stderr
    return file


def rows(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(file, read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.long
def test_the_file_has_the_relations_of_sql_with_their_types_and_meanings(books: Path) -> None:
    file = exported(books, "--events")
    found = rows(
        file,
        "select table_name, column_name, lower(data_type), comment from duckdb_columns() "
        "where not internal and table_name <> 'database_written'",
    )
    said = [
        (view, column, kind.replace("text", "varchar").replace(", ", ","), says)
        for view, column, kind, says in described()
    ]
    assert sorted(found) == sorted(said)
    comments = dict(rows(file, "select table_name, comment from duckdb_tables()"))
    assert {name: comments[name] for name in VIEWS} == {view.name: view.says for view in VIEWS.values()}


@pytest.mark.long
def test_every_relation_has_the_rows_and_the_exact_amounts_of_now(books: Path) -> None:
    file = exported(books, "--events")
    for name in VIEWS:
        ((count,),) = rows(file, f"select count(*) from {name}")  # noqa: S608  # names of our own relations
        asked = tallybook(books, "sql", f"select count(*) as rows from {name}", "-o", "csv")  # noqa: S608  # likewise
        assert asked.stdout.split() == ["rows", str(count)], name
    exact = Decimal(8) * (10**11 + 3) / 10**6 + Decimal(2) * 8 / 10**6
    assert rows(file, "select sum(amount) from charges") == [(exact,)]
    assert rows(file, "select lake_commit from database_written") == [(0,)]


@pytest.mark.long
def test_events_are_left_out_unless_they_are_asked_for(books: Path) -> None:
    tables = {name for (name,) in rows(exported(books), "select table_name from duckdb_tables()")}
    assert tables == set(VIEWS) - {"usage_events"} | {"database_written"}


@pytest.mark.long
def test_the_first_duckdb_with_a_stable_format_can_read_it(books: Path) -> None:
    """Twelve bytes in, behind a checksum and a mark, the main header has the number of the storage format."""
    header = exported(books).read_bytes()[:20]
    assert (header[8:12], int.from_bytes(header[12:20], "little")) == (b"DUCK", 64)


@pytest.mark.long
def test_exporting_writes_one_file_and_nothing_into_the_workspace(books: Path) -> None:
    before = fingerprints(books)
    file = exported(books)
    assert fingerprints(books) == before
    assert sorted(path.name for path in books.parent.iterdir()) == ["books", file.name]


@pytest.mark.long
def test_who_has_the_old_file_open_goes_on_reading_it(books: Path) -> None:
    file = exported(books)
    with duckdb.connect(file, read_only=True) as opened:
        write_log(books, "b.jsonl", plain("2026-10-09T10:00:00Z", id="c", prompt=5))
        assert tallybook(books, "nightly", *AS_OF).returncode == 0
        exported(books)
        assert opened.execute("select sum(quantity) from usage_daily").fetchall() == [(10**11 + 11,)]
    assert rows(file, "select sum(quantity) from usage_daily") == [(10**11 + 16,)]
    assert rows(file, "select lake_commit from database_written") == [(1,)]


class FullDisk:
    """Has no room for what is synced."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fsync(self, descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), f"/dev/fd/{descriptor}")


@pytest.mark.long
def test_an_export_that_fails_leaves_the_old_file_and_nothing_beside_it(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = exported(books)
    before = file.read_bytes()
    monkeypatch.setattr(disk, "os", FullDisk())
    done = tallybook(books, "export", "duckdb", "--to", str(file))
    assert (done.returncode, os.strerror(errno.ENOSPC) in done.stderr) == (8, True)
    assert file.read_bytes() == before
    assert sorted(path.name for path in books.parent.iterdir()) == ["books", file.name]


@pytest.mark.long
def test_what_is_written_is_of_one_commit_although_the_lake_grows_meanwhile(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = database.write_database
    logs = iter("bc")

    def grown(*arguments: Any, **options: Any) -> dict[str, int]:
        written = write(*arguments, **options)
        name = next(logs, None)
        if name:
            write_log(books, f"{name}.jsonl", plain("2026-10-09T10:00:00Z", id=f"late-{name}", prompt=5))
            assert tallybook(books, "nightly", *AS_OF).returncode == 0
        return written

    monkeypatch.setattr(database, "write_database", grown)
    file = exported(books)
    assert rows(file, "select lake_commit from database_written") == [(2,)]
    assert rows(file, "select sum(quantity) from usage_daily") == [(10**11 + 21,)]


def test_a_lake_that_never_rests_is_told(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_TRIES_MAX", 0)
    done = tallybook(books, "export", "duckdb", "--to", str(books.parent / "x.duckdb"))
    assert (done.returncode, "run it again when no night runs" in done.stderr) == (2, True)


def test_a_folder_that_is_not_there_is_told(books: Path) -> None:
    done = tallybook(books, "export", "duckdb", "--to", str(books / "none" / "x.duckdb"))
    assert (done.returncode, "does not exist; make it" in done.stderr) == (2, True)


@pytest.mark.long
def test_books_without_a_lake_have_tables_without_rows(tmp_path: Path) -> None:
    file = exported(make_workspace(tmp_path / "books"))
    assert rows(file, "select count(*) from charges") == [(0,)]
    assert rows(file, "select lake_commit from database_written") == [(None,)]
