"""``verify --logs``: whatever is still there of a log is what was collected, or the segment that differs is named."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.base.zstd import zstd
from pipeline.collectors import hash_log
from pipeline.lake.commits import read_log
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

NAME = "logs_are_what_was_collected"
DIFFERS = "differs: "


def line(number: int, *, day: int = 5) -> str:
    return plain(f"2026-10-{day:02d}T10:00:00Z", id=f"chat-{number}")


LINE_BYTES = len(line(1)) + 1


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """Two segments of one log, and one of another."""
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", line(1), line(2), line(3))
    write_log(root, "b.jsonl", line(4), line(5))
    collect(root)
    append_log(root, "a.jsonl", line(6), line(7))
    collect(root)
    return root


def collect(root: Path) -> None:
    assert tallybook(root, "collect").returncode == 0


def logs_check(root: Path) -> tuple[bool, str]:
    before = fingerprints(root)
    done = tallybook(root, "verify", "--logs", "--json")
    assert fingerprints(root) == before
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == (0 if checks[NAME]["ok"] else 6)
    return checks[NAME]["ok"], checks[NAME]["detail"]


def difference(root: Path) -> str:
    ok, detail = logs_check(root)
    assert not ok, detail
    assert detail.startswith(DIFFERS)
    return detail.removeprefix(DIFFERS)


def whole(lines: int = 7, segments: int = 3) -> str:
    return f"{segments} segments hashed again, {lines * LINE_BYTES} bytes"


def change(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.long
def test_logs_are_hashed_only_where_it_is_asked_for(books: Path) -> None:
    assert NAME not in tallybook(books, "verify").stdout
    assert logs_check(books) == (True, whole())


def test_what_was_written_since_is_nobodys_business_yet(books: Path) -> None:
    append_log(books, "a.jsonl", line(8))
    assert logs_check(books) == (True, whole())


def test_a_log_is_known_under_another_name_also_beside_the_globs(books: Path) -> None:
    (books / "tallybook.toml").write_text(
        (books / "tallybook.toml").read_text(encoding="utf-8").replace("logs/*", "logs/*.jsonl"), encoding="utf-8"
    )
    (books / "logs/a.jsonl").rename(books / "logs/a.jsonl.1")
    assert logs_check(books) == (True, whole())


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".zst", zstd.compress)])
def test_a_compressed_log_is_hashed_as_what_it_was(books: Path, suffix: str, compress: object) -> None:
    path = books / "logs/a.jsonl"
    assert callable(compress)
    (books / f"logs/a.jsonl{suffix}").write_bytes(compress(path.read_bytes()))
    path.unlink()
    assert logs_check(books) == (True, whole())
    content = path.with_name(f"a.jsonl{suffix}").read_bytes()
    path.with_name(f"a.jsonl{suffix}").write_bytes(content[: len(content) // 2])
    assert f"a.jsonl, now logs/a.jsonl{suffix}, bytes" in difference(books)


def test_a_compressed_log_whose_text_was_changed_is_named(books: Path) -> None:
    path = books / "logs/a.jsonl"
    change(path, 4 * LINE_BYTES + 5)
    (books / "logs/a.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    detail = difference(books)
    assert detail.startswith(
        f"logs/a.jsonl, now logs/a.jsonl.gz, bytes {3 * LINE_BYTES} to {5 * LINE_BYTES} from line 4: blake3 "
    )
    assert "; " not in detail


@pytest.mark.parametrize("at", [0, LINE_BYTES + 7, 3 * LINE_BYTES - 2])
def test_a_changed_byte_is_named_with_its_segment_and_both_digests(books: Path, at: int) -> None:
    change(books / "logs/a.jsonl", at)
    recorded = read_log(layout.lake(books)).sources[0].digest.digits
    detail = difference(books)
    assert detail.startswith(f"logs/a.jsonl, bytes 0 to {3 * LINE_BYTES} from line 1: blake3 ")
    assert detail.endswith(f", recorded {recorded}")  # and the other segment of the log is what it was


def test_a_changed_byte_of_what_a_log_grew_by_is_named(books: Path) -> None:
    change(books / "logs/a.jsonl", 4 * LINE_BYTES)
    assert difference(books).startswith(f"logs/a.jsonl, bytes {3 * LINE_BYTES} to {5 * LINE_BYTES} from line 4: ")


def test_a_changed_line_end_is_told_by_digest_and_by_lines(books: Path) -> None:
    change(books / "logs/b.jsonl", LINE_BYTES - 1)
    assert difference(books).endswith(", lines 1, recorded 2")


def test_a_line_that_was_put_in_or_taken_out_moves_all_behind_it(books: Path) -> None:
    path = books / "logs/a.jsonl"
    path.write_text("\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    first, second = difference(books).split("; ")
    assert first.startswith(f"logs/a.jsonl, bytes 0 to {3 * LINE_BYTES} from line 1: ")
    assert second.startswith(f"logs/a.jsonl, bytes {3 * LINE_BYTES} to {5 * LINE_BYTES} from line 4: ")
    assert second.endswith(", lines 3, recorded 2")


def test_a_truncated_log_lacks_bytes(books: Path) -> None:
    path = books / "logs/a.jsonl"
    path.write_bytes(path.read_bytes()[: 4 * LINE_BYTES])
    assert difference(books) == (
        f"logs/a.jsonl, bytes {3 * LINE_BYTES} to {5 * LINE_BYTES} from line 4: "
        f"{LINE_BYTES} of its {2 * LINE_BYTES} bytes are there"
    )


def test_an_emptied_log_lacks_all_of_them(books: Path) -> None:
    (books / "logs/b.jsonl").write_bytes(b"")
    assert difference(books).endswith(f"from line 1: 0 of its {2 * LINE_BYTES} bytes are there")


def test_what_is_gone_is_counted_and_named_and_no_error(books: Path) -> None:
    (books / "logs/a.jsonl").unlink()
    assert logs_check(books) == (
        True,
        f"1 segment hashed again, {2 * LINE_BYTES} bytes; 2 segments are gone, of logs/a.jsonl",
    )
    (books / "logs/b.jsonl").unlink()
    assert logs_check(books) == (
        True,
        "0 segments hashed again, 0 bytes; 3 segments are gone, of logs/a.jsonl, logs/b.jsonl",
    )


@pytest.mark.long
def test_a_log_that_was_rotated_away_and_begun_anew_is_gone_once_the_new_one_is_collected(books: Path) -> None:
    write_log(books, "a.jsonl", line(8), line(9), line(10), line(11))
    assert f"logs/a.jsonl, bytes 0 to {3 * LINE_BYTES} from line 1: " in difference(books)
    collect(books)
    assert logs_check(books) == (
        True,
        f"2 segments hashed again, {(4 * LINE_BYTES + 2) + 2 * LINE_BYTES} bytes; 2 segments are gone, of logs/a.jsonl",
    )


def test_of_a_name_that_had_several_logs_only_the_last_can_be_the_one_that_lies_there(books: Path) -> None:
    write_log(books, "a.jsonl", line(8), line(9), line(10))
    collect(books)
    write_log(books, "a.jsonl", line(5, day=6))
    detail = difference(books)
    assert detail.count("logs/a.jsonl") == 1
    assert f"bytes 0 to {3 * LINE_BYTES + 1} from line 1" in detail


@pytest.mark.long
def test_of_two_logs_that_begin_alike_the_one_that_is_there_is_not_blamed_for_the_other(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", line(1))
    collect(root)
    append_log(root, "a.jsonl", line(2))
    collect(root)
    write_log(root, "b.jsonl", line(1), line(3))
    collect(root)
    (root / "logs/a.jsonl").unlink()
    assert logs_check(root) == (
        True,
        f"2 segments hashed again, {2 * LINE_BYTES} bytes; 1 segment is gone, of logs/a.jsonl",
    )


def test_a_document_over_many_lines_is_hashed_with_its_last_line(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    document = json.dumps([json.loads(line(1)), json.loads(line(2))], indent=1)
    (root / "logs/export.json").write_text(document, encoding="utf-8")
    collect(root)
    assert logs_check(root) == (True, f"1 segment hashed again, {len(document)} bytes")


def test_a_log_that_cannot_be_opened_is_not_what_was_collected(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.collectors.logs import log_file  # noqa: PLC0415  # only here is the system made to refuse

    opened = log_file.os.open

    def refusing(path: Path | str, flags: int) -> int:
        if str(path).endswith("b.jsonl"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags)

    monkeypatch.setattr(log_file.os, "open", refusing)
    assert difference(books) == (
        f"logs/b.jsonl, bytes 0 to {2 * LINE_BYTES} from line 1: opening: Permission denied (unreadable)"
    )


def test_line_numbers_are_counted_again_and_not_believed(books: Path) -> None:
    record = read_log(layout.lake(books)).sources[2]
    assert (record.first_line, record.lines) == (4, 2)
    (hashed,) = hash_log(books / "logs/a.jsonl", [record])
    assert hashed.differences(record) == []
    assert hashed.differences(replace(record, first_line=5)) == ["first line 4, recorded 5"]
    assert hashed.differences(replace(record, lines=3)) == ["lines 2, recorded 3"]
