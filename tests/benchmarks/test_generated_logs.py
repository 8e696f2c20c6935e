from __future__ import annotations

import gzip
import json
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from benchmarks.inputs.generate import compress, number_of, sized, write_log
from benchmarks.inputs.lines import KINDS, Recipe, lines_of
from benchmarks.nights.small_logs import write_logs, write_workspace
from benchmarks.reading.by_tallybook import compared, line_by_line, through_the_entrance
from benchmarks.turns.comparing import READING, as_table, rows_differing
from pipeline.base.zstd import zstd

if TYPE_CHECKING:
    from pathlib import Path

every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.long
@every_kind
def test_equal_recipes_make_equal_lines_and_other_seeds_do_not(kind: str) -> None:
    once, again, other = (list(islice(lines_of(Recipe(kind=kind, seed=seed)), 200)) for seed in (3, 3, 4))

    assert once == again
    assert once != other


@pytest.mark.long
@every_kind
def test_the_oracle_reads_exactly_the_rows_that_were_put_in(kind: str, tmp_path: Path) -> None:
    lines = list(sized(Recipe(kind=kind, seed=5), 1_500_000))
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"".join(line.content for line in lines))
    put_in = as_table([line.row for line in lines if line.row is not None], READING)

    assert put_in.num_rows > 30
    assert rows_differing(as_table(compared(line_by_line(log)), READING), put_in) == 0
    assert rows_differing(as_table(compared(through_the_entrance(log)), READING), put_in) == 0


@pytest.mark.long
def test_logs_hold_lines_that_a_crash_has_damaged() -> None:
    lines = list(islice(lines_of(Recipe(kind="short")), 8_000))

    damaged = [line.content for line in lines if line.row is None and line.content.strip()]
    assert any(b'{"ts"' in content[1:] for content in damaged), "run together"
    assert any(not content.endswith(b"}\n") for content in damaged), "cut short"


def test_requests_can_be_logged_without_their_messages() -> None:
    assert all(
        b'"messages"' not in line.content for line in islice(lines_of(Recipe(kind="streams", has_prompts=False)), 50)
    )


def decompressed(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else zstd.decompress(content)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_log_holds_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    plain = tmp_path / "log.jsonl"
    lines = write_log(plain, Recipe(kind="short"), 100_000)
    written = tmp_path / f"other.jsonl{suffix}"
    write_log(written, Recipe(kind="short"), 100_000)

    assert plain.read_bytes().count(b"\n") == lines
    assert decompressed(written) == decompressed(compress(plain, suffix)) == plain.read_bytes()


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="is no size"):
        number_of("much")


def test_a_workspace_of_small_logs_has_so_many_of_one_to_three_lines_each_of_its_own(tmp_path: Path) -> None:
    write_workspace(tmp_path / "books", 1_002)

    logs = [path.read_bytes() for path in (tmp_path / "books" / "logs").glob("*/*.jsonl")]
    assert len(logs) == len(set(logs)) == 1_002
    assert {log.count(b"\n") for log in logs} == {1, 2, 3}
    assert len(list((tmp_path / "books" / "logs").iterdir())) == 3


def test_further_small_logs_are_others_and_may_be_documents(tmp_path: Path) -> None:
    root = tmp_path / "books"
    write_workspace(root, 6, documents=True)
    write_logs(root, 6, 12, documents=True)

    logs = [path.read_bytes() for path in (root / "logs").glob("*/*.jsonl")]
    assert len(logs) == len(set(logs)) == 12
    assert sorted(len(json.loads(log)) for log in logs) == sorted([1, 2, 3] * 4)
    assert all(log.startswith(b"[\n  {\n") for log in logs)
