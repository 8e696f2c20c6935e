"""Logs that are found no more: those with bytes that nobody read are told, one by one, and no others."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors import LogFormat, ends_of, unread_tails

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.usage.sources import SourceRecord


def lines(exchange: Any, count: int) -> bytes:
    return b"".join(json.dumps(exchange(request_id=f"r-{at}")).encode() + b"\n" for at in range(count))


def told(ends: Sequence[SourceRecord], *beside: Path) -> list[tuple[str, int, str]]:
    found = unread_tails(ends, beside, name_of=lambda path: path.name, log_format=LogFormat())
    return [(each.reason.value, each.offset, each.detail.split(",")[0]) for each in found]


def test_only_the_last_record_of_a_log_is_its_end(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    known: list[SourceRecord] = []
    for count in (2, 4, 6):
        log.write_bytes(lines(exchange, count))
        known += collect_file(log, known=known).records
    assert len(known) == 3
    assert ends_of(known, []) == known[2:]
    assert ends_of(known[:2], []) == known[1:2]
    assert ends_of(known, known[2:]) == []
    assert ends_of(known, known[:2]) == known[2:]
    assert ends_of([known[2], known[0], known[1]], []) == known[2:]


def test_whoever_compresses_a_log_has_ended_it(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(gzip.compress(lines(exchange, 2)))
    assert ends_of(collect_file(log).records, []) == []


@pytest.mark.parametrize("torn", [b"", b'{"ts": '])
def test_a_log_that_is_gone_is_told_where_its_last_bytes_had_no_line_end(
    collect_file: Any, exchange: Any, tmp_path: Path, torn: bytes
) -> None:
    log = tmp_path / "log"
    whole = lines(exchange, 2)
    log.write_bytes(whole + torn)
    ends = ends_of(collect_file(log).records, [])
    assert told(ends) == ([("tail_unread", len(whole), "it is found no more")] if torn else [])
    log.write_bytes(gzip.compress(whole + torn))
    assert len(told(ends, log)) == bool(torn)  # it is none of the files that may still grow
    for other in (tmp_path / "none", tmp_path):
        assert len(told(ends, other)) == bool(torn)


@pytest.mark.parametrize("more", [0, 1, 3])
def test_a_log_that_lies_beside_is_told_with_what_is_unread_of_it(
    collect_file: Any, exchange: Any, tmp_path: Path, more: int
) -> None:
    log, other = tmp_path / "log", tmp_path / "other"
    log.write_bytes(lines(exchange, 2))
    other.write_bytes(b"another log\n")
    ends = ends_of(collect_file(log).records, [])
    log.write_bytes(lines(exchange, 2 + more))
    unread = len(lines(exchange, 2 + more)) - len(lines(exchange, 2))
    (expected,) = [[("tail_unread", len(lines(exchange, 2)), "it lies at log now")] if more else []]
    assert told(ends, other, log) == told(ends, log, other) == expected
    details = [
        each.detail for each in unread_tails(ends, [log], name_of=lambda path: path.name, log_format=LogFormat())
    ]
    assert all(f"and {unread} bytes of it are unread" in each for each in details)
