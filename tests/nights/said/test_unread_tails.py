"""A log that had more to read and is found no more is said, and fails --strict; one that was read to its end is not."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING

import pytest
from workspaces import append_log, make_workspace, plain, tallybook, write_log

from pipeline.base.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workspaces import Done

SOURCES = '[[sources]]\nname = "gateway"\npaths = ["logs/*.jsonl"]\n'
HALF = '{"ts": "2026-10-05T12:0'


def lines(first: int, last: int) -> list[str]:
    return [plain(f"2026-10-05T10:{number:02}:00Z", id=f"c-{number}", prompt=1) for number in range(first, last)]


def night(books: Path) -> Done:
    return tallybook(books, "nightly", "--as-of", "2026-10-06T03:00:00Z", "--strict")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("made") / "books", config=SOURCES)
    write_log(root, "app.jsonl", *lines(0, 3))
    write_log(root, "other.jsonl", *lines(30, 33))
    assert night(root).returncode == 0
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


@pytest.mark.long
def test_lines_that_came_before_a_log_was_renamed_out_of_the_globs_are_said_until_they_are_read(books: Path) -> None:
    append_log(books, "app.jsonl", *lines(3, 5))
    (books / "logs" / "app.jsonl").rename(books / "logs" / "app.jsonl.1")
    write_log(books, "app.jsonl", *lines(5, 7))
    done = night(books)
    read = len("\n".join([*lines(0, 3), ""]))
    unread = len("\n".join([*lines(3, 5), ""]))
    assert done.returncode == 3
    assert (
        f"warning: logs/app.jsonl: read up to byte {read}; it lies at logs/app.jsonl.1 now, where no glob of "
        f"source 'gateway' finds it, and {unread} bytes of it are unread; widen its paths, or run 'tallybook collect' "
        "on that file (tail_unread)"
    ) in done.stderr.splitlines()
    assert "tallybook: --strict: new or unread: log_unread (logs/app.jsonl)" in done.stderr
    assert tallybook(books, "collect", str(books / "logs" / "app.jsonl.1")).returncode == 0
    assert night(books).returncode == 0


@pytest.mark.long
def test_widened_globs_read_the_rest(books: Path) -> None:
    append_log(books, "app.jsonl", *lines(3, 5))
    (books / "logs" / "app.jsonl").rename(books / "logs" / "app.jsonl.1")
    assert night(books).returncode == 3
    (books / "tallybook.toml").write_text(SOURCES.replace("*.jsonl", "*.jsonl*"))
    done = night(books)
    assert (done.returncode, "measured 8" in done.stdout) == (0, True)


@pytest.mark.long
@pytest.mark.parametrize("fate", ["removed", "begun anew"])
def test_a_last_line_that_never_came_is_said_once_its_log_is_gone_and_until_it_is_given_up(
    books: Path, fate: str
) -> None:
    append_log(books, "app.jsonl", *lines(3, 4))
    with (books / "logs" / "app.jsonl").open("a") as log:
        log.write(HALF)
    assert night(books).returncode == 0  # it waits, and a warning says so
    if fate == "removed":
        (books / "logs" / "app.jsonl").unlink()
    else:
        write_log(books, "app.jsonl", *lines(9, 10))
    done = night(books)
    assert done.returncode == 3
    assert f"it is found no more, and its last {len(HALF)} bytes were unread, which had no line end yet" in done.stderr
    (books / "tallybook.toml").write_text(SOURCES + 'gone = ["logs/app.jsonl"]\n')
    assert night(books).returncode == 0


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_a_last_line_that_never_came_lies_in_the_log_that_was_compressed_since(
    books: Path, compress: Callable[[bytes], bytes]
) -> None:
    log = books / "logs" / "app.jsonl"
    with log.open("a") as file:
        file.write(HALF)
    assert night(books).returncode == 0
    (books / "logs" / "app-1.jsonl").write_bytes(compress(log.read_bytes()))
    log.unlink()
    done = night(books)
    assert f"logs/app-1.jsonl: the last {len(HALF)} bytes have no line end yet" in done.stderr
    assert ("tail_unread" in done.stderr, done.returncode) == (False, 0)


@pytest.mark.parametrize("fate", ["removed", "renamed away", "moved under the globs", "another source's"])
def test_a_log_that_was_read_to_its_end_may_go_where_it_likes(books: Path, fate: str) -> None:
    log = books / "logs" / "app.jsonl"
    if fate == "removed":
        log.unlink()
    elif fate == "renamed away":
        log.rename(books / "logs" / "app.old")
    elif fate == "moved under the globs":
        append_log(books, "app.jsonl", *lines(3, 5))
        log.rename(books / "logs" / "app-1.jsonl")
    else:
        append_log(books, "app.jsonl", *lines(3, 5))
        (books / "tallybook.toml").write_text(
            '[[sources]]\nname = "elsewhere"\npaths = ["logs/other*"]\n'
        )  # whoever gives up a source gives up its logs
    done = night(books)
    assert "tail_unread" not in done.stderr
    assert done.returncode == 0
