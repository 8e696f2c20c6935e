"""Several known logs that share a head or compete for one place: a log goes on behind the one that reaches farthest."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.base.zstd import zstd
from pipeline.collectors import LogFormat, read_log
from pipeline.collectors.logs.lineage import KnownSources, continue_from, window
from pipeline.collectors.logs.log_file import WINDOW_BYTES, open_log
from pipeline.usage.sources import Algorithm, SegmentDigest, SourceRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pipeline.collectors.logs.lineage import Continuation

LINES = [f"line {at} of a log, {hashlib.sha256(str(at).encode()).hexdigest()}\n".encode() for at in range(9)]
LOG = b"".join(LINES)
ENDS = [len(b"".join(LINES[:count])) for count in range(len(LINES) + 1)]


def in_members(compress: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Compress so that pieces of a few bytes come out, whose ends lie within lines and between them."""
    return lambda content: b"".join(compress(content[at : at + 50]) for at in range(0, len(content), 50))


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "gzip, many members": in_members(gzip.compress),
    "zstd, many frames": in_members(zstd.compress),
    "xz": lzma.compress,
    "xz, many streams": in_members(lzma.compress),
    "bzip2": bz2.compress,
}
PACKERS = [gzip.compress, zstd.compress, lzma.compress, bz2.compress]
COMPRESSED = [name for name in FORMS if name != "plain"]


def known_as(content: bytes, lines: int, *, head: int = 64, tail: int = 96, **fields: Any) -> SourceRecord:
    """The record of a log of so many lines, whose windows have at most so many bytes."""
    return SourceRecord(
        **{
            "source": "logs/a",
            "name": "a",
            "compression": "none",
            "file_size": len(content),
            "start": 0,
            "end": len(content),
            "first_line": 1,
            "digest": SegmentDigest(Algorithm.SHA256, hashlib.sha256(content).hexdigest()),
            "head": window(content[:head]),
            "tail": window(content[-tail:]),
            "lines": lines,
            "blank": lines,
            **fields,
        }
    )


def first(lines: int, **windows: int) -> SourceRecord:
    """The record of the first lines of ``LOG``."""
    return known_as(LOG[: ENDS[lines]], lines, **windows)


def other(lines: int, **windows: int) -> SourceRecord:
    """The record of a log that begins as ``LOG`` does, for two lines, and goes on otherwise."""
    content = LOG[: ENDS[2]] + b"".join(each.upper() for each in LINES[2:lines])
    return known_as(content, lines, **windows)


@pytest.fixture
def continued(tmp_path: Path) -> Callable[..., Continuation]:
    """Say where a log is read on: ``continued(form, records, content)``."""

    def found(form: str, records: Sequence[SourceRecord], content: bytes = LOG) -> Continuation:
        path = tmp_path / "log"
        path.write_bytes(FORMS[form](content))
        with open_log(path, LogFormat()) as log:
            return continue_from(KnownSources(records), log)

    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("turn", [1, -1], ids=["as they came", "the last one first"])
@pytest.mark.parametrize("head", [64, 2 * WINDOW_BYTES], ids=["one head", "heads that are the whole log"])
def test_of_known_logs_with_one_head_the_one_that_reaches_farthest_is_continued(
    continued: Callable[..., Continuation], form: str, turn: int, head: int
) -> None:
    records = [first(lines, head=head) for lines in (1, 2, 5, 7, 6)][::turn]
    place = continued(form, records)
    assert (place.start, place.first_line, place.end) == (ENDS[7], 8, len(LOG))
    assert place.record is not None
    assert place.record.lines == 7


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("turn", [1, -1], ids=["as they came", "the last one first"])
def test_a_known_log_that_goes_on_otherwise_gives_way_to_one_that_reaches_less_far(
    continued: Callable[..., Continuation], form: str, turn: int
) -> None:
    place = continued(form, [first(3), other(5), first(4), other(8), other(9)][::turn])
    assert (place.start, place.first_line) == (ENDS[4], 5)
    assert continued(form, [other(lines) for lines in (5, 8, 9)][::turn]).start == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_known_log_that_is_longer_than_what_is_there_gives_way_too(
    continued: Callable[..., Continuation], form: str
) -> None:
    records = [first(9), first(8), first(3), first(2)]
    for lines in (3, 4, 7):
        place = continued(form, records, LOG[: ENDS[lines]])
        assert (place.start, place.first_line) == (ENDS[3], 4)
    assert continued(form, records[:1], LOG[:-1]).start == 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lines", range(1, 10))
@pytest.mark.parametrize("tail", [1, 49, 50, 51, 100, 2 * WINDOW_BYTES])
def test_a_tail_is_found_wherever_it_lies_in_the_pieces_of_a_log(
    continued: Callable[..., Continuation], form: str, lines: int, tail: int
) -> None:
    place = continued(form, [first(lines, tail=tail), first(1, tail=tail)])
    assert (place.start, place.first_line) == (ENDS[lines], lines + 1)
    assert place.before == LOG[: ENDS[lines]][-tail:]


@pytest.mark.parametrize("form", FORMS)
def test_of_two_records_with_one_end_the_one_whose_tail_is_there_counts(
    continued: Callable[..., Continuation], form: str
) -> None:
    true, false = first(5), replace(first(5), lines=4, blank=4, tail=window(LOG[: ENDS[5]][-96:].upper()))
    for records in ([true, false], [false, true]):
        assert continued(form, records).first_line == 6


@pytest.mark.parametrize("form", FORMS)
def test_of_two_records_with_one_end_and_one_tail_the_one_with_more_lines_counts(
    continued: Callable[..., Continuation], form: str
) -> None:
    more, fewer = first(5), replace(first(5), lines=4, blank=4)
    for records in ([more, fewer], [fewer, more]):
        assert continued(form, records).first_line == 6


@pytest.mark.parametrize("form", FORMS)
def test_heads_of_several_sizes_are_compared_with_as_many_bytes_each(
    continued: Callable[..., Continuation], form: str
) -> None:
    records = [first(6, head=10), first(5, head=20), other(9, head=ENDS[4]), first(3, head=ENDS[3])]
    assert continued(form, records).start == ENDS[6]
    assert continued(form, records[1:]).start == ENDS[5]
    assert continued(form, records[2:]).start == ENDS[3]
    assert continued(form, records[2:3]).start == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_head_as_long_as_the_log_and_one_byte_longer(continued: Callable[..., Continuation], form: str) -> None:
    assert continued(form, [first(4, head=ENDS[4])], LOG[: ENDS[4]]).start == ENDS[4]
    assert continued(form, [first(4, head=ENDS[4])], LOG[: ENDS[4] - 1]).start == 0


@pytest.mark.parametrize("form", COMPRESSED)
@pytest.mark.parametrize("changed", [{"file_size": 1}, {"compression": "none"}])
def test_what_is_of_another_size_or_compression_is_decompressed_and_known_by_its_tail(
    continued: Callable[..., Continuation], form: str, changed: dict[str, Any]
) -> None:
    stored = known_as(LOG, 9, compression=form.partition(",")[0], file_size=len(FORMS[form](LOG)))
    place = continued(form, [replace(stored, **changed)])
    assert (place.start, place.before) == (len(LOG), LOG[-96:])


@pytest.mark.parametrize("form", ["gzip", "zstd", "xz"])
def test_of_unchanged_logs_of_one_size_the_one_whose_end_is_stated_counts(
    continued: Callable[..., Continuation], form: str
) -> None:
    size = len(FORMS[form](LOG))
    stored = known_as(LOG, 9, compression=form, file_size=size)
    shorter, longer = (replace(stored, lines=8, end=len(LOG) + off) for off in (-1, 1))
    for records in ([shorter, stored, longer], [longer, stored, shorter]):
        place = continued(form, records)
        assert (place.start, place.first_line, place.end, place.before) == (len(LOG), 10, len(LOG), b"")
        assert place.is_verified


def test_a_gzip_states_its_size_modulo_4_gib_and_other_streams_state_all_of_it(
    continued: Callable[..., Continuation],
) -> None:
    for form, is_unchanged in (("gzip", True), ("zstd", False), ("xz", False)):
        huge = known_as(LOG, 9, compression=form, file_size=len(FORMS[form](LOG)), end=2**32 + len(LOG))
        assert (continued(form, [huge]).start == 2**32 + len(LOG)) is is_unchanged


def test_a_log_of_several_members_states_no_size_and_is_decompressed(continued: Callable[..., Continuation]) -> None:
    """The last member may be as long as all that was collected before it came."""
    half = LOG[: ENDS[4]]
    content = gzip.compress(half)
    twice = known_as(half, 4, compression="gzip", file_size=2 * len(content))
    FORMS["twice"] = lambda content: gzip.compress(content) * 2
    place = continued("twice", [twice], half)
    assert (place.start, place.end, place.before) == (ENDS[4], 2 * ENDS[4], half[-96:])


@pytest.mark.parametrize("form", FORMS)
def test_a_log_that_nobody_knows_begins_at_its_first_line(continued: Callable[..., Continuation], form: str) -> None:
    for records in ([], [known_as(LOG.upper(), 9)], [other(9)]):
        place = continued(form, records)
        assert (place.start, place.first_line, place.before, place.record) == (0, 1, b"", None)
        is_decompressed = form == "plain" or bool(records and records[0].head == window(LOG[:64]))
        assert (place.end, place.is_verified) == ((len(LOG), True) if is_decompressed else (0, False))


def test_a_log_that_breaks_is_known_by_what_comes_before_and_believed_up_to_the_last_whole_member(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log"
    sound = gzip.compress(LOG[: ENDS[4]]) + gzip.compress(LOG[ENDS[4] : ENDS[6]])
    spoiled = bytearray(gzip.compress(LOG[ENDS[6] :]))
    spoiled[-5] ^= 0xFF
    for records, start in (([first(3)], ENDS[3]), ([first(3), first(6)], ENDS[6]), ([other(9)], 0)):
        path.write_bytes(sound + spoiled)
        with open_log(path, LogFormat()) as log:
            place = continue_from(KnownSources(records), log)
        assert (place.start, place.end) == (start, ENDS[6])
        assert place.problem is not None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("turn", [1, -1])
def test_a_log_that_reaches_less_far_never_takes_the_place_of_one_that_reaches_farther(
    continued: Callable[..., Continuation], form: str, turn: int
) -> None:
    records = [first(7, tail=2 * WINDOW_BYTES), first(5, tail=10), first(6, tail=400)][::turn]
    place = continued(form, records)
    assert (place.start, place.first_line) == (ENDS[7], 8)


_BLANKS = " \t\r\n\0\xef\xbb\xbf"


def goes_on(head: bytes, size: int) -> bool:
    """Tell whether a line goes on behind an object that it began with, and is none of several documents."""
    text, behind = head[:size].decode("latin-1").rstrip(_BLANKS), head[size:].decode("latin-1")
    if not text.endswith("}") or "\n" in head[len(text) : size].decode("latin-1"):
        return False
    if (behind.lstrip(_BLANKS.replace("\n", "")) or "\n").startswith("\n"):
        return False
    while text := text.lstrip(_BLANKS):
        try:
            _, end = json.JSONDecoder(strict=False).raw_decode(text)
        except ValueError:
            return True
        text = text[end:]
    return False


class EverySize(KnownSources):
    """Compares a log with every record's beginning, one after the other: what ``KnownSources`` comes to, plainly.

    A last line that was an object without its line end is known where the line ends there: with more behind it, it is
    another line, which nobody has read.
    """

    def __init__(self, records: Iterable[SourceRecord] = ()) -> None:
        self.records: list[SourceRecord] = []
        super().__init__(records)

    def add(self, records: Iterable[SourceRecord]) -> None:
        self.records += records

    def with_head_of(self, head: bytes) -> list[SourceRecord]:
        found = [
            record
            for record in self.records
            if window(head[: record.head.size]) == record.head and not goes_on(head, record.head.size)
        ]
        return sorted(found, key=lambda record: (record.end, record.next_line), reverse=True)


PIECES = [
    *(b"a\n", b"b\n", b"\n", b" ", b"half", b"\r\n"),
    *(b'{"a": 1}', b'{"a": 1}\n', b'{"b": [{}]}', b"[{},\n{}]", b'{\n  "a": {}\n}\n', b"}", b"]", b"\0"),
    *(b"x" * 65_535 + b"\n", b"[" + b" " * 70_000 + b"{\n}]"),
]
CONTENTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map(b"".join)
NAMES = st.sampled_from(["a", "b.json", "c"])
CHANGES = st.one_of(
    st.tuples(st.just("grows"), NAMES, CONTENTS),
    st.tuples(st.just("grows"), NAMES, CONTENTS),
    st.tuples(st.just("is_new"), NAMES, CONTENTS),
    st.tuples(st.just("is_rotated"), NAMES, CONTENTS),
    st.tuples(st.just("is_copied_and_truncated"), NAMES, CONTENTS),
    st.tuples(st.just("is_cut"), NAMES, st.integers(0, 30)),
    st.tuples(st.just("is_cut_and_written_anew"), NAMES, CONTENTS),
    st.tuples(st.just("is_compressed"), NAMES, st.sampled_from(PACKERS)),
)


def changed(logs: dict[str, bytes], how: str, name: str, by: Any) -> None:
    """Let logs be what they are after a change."""
    log = logs.pop(name, b"")
    if how == "is_rotated":
        logs[f"{name}.1"] = log
    elif how == "is_copied_and_truncated":
        logs[f"{name}.1"] = log
        by = b""
    elif how == "is_compressed":
        logs[f"{name}.1.packed"] = by(log)
        by = b""
    elif how == "is_cut":
        by = log[: len(log) - by]
    elif how == "is_cut_and_written_anew":
        by = log[: len(log) // 2] + by
    elif how == "grows":
        by = log + by
    logs[name] = by


@settings(max_examples=200, deadline=None)
@given(changes=st.lists(CHANGES, min_size=1, max_size=8))
@example(
    changes=[("grows", "b.json", b'{"a": 1}'), ("is_rotated", "b.json", b'{"a": 1}\n'), ("grows", "b.json", b"a\n")]
)
@example(
    changes=[("grows", "a", b"[{},\n{}]"), ("is_compressed", "a", gzip.compress), ("grows", "a", b"[{},\n{}]\na\n")]
)
@example(
    changes=[("grows", "a", b"a\nb\nhalf"), ("is_copied_and_truncated", "a", b""), ("grows", "a", b"a\nb\nhalf\n")]
)
@example(
    changes=[("grows", "a", b'a\n{"a": 1}'), ("is_compressed", "a", zstd.compress), ("grows", "a", b'a\n{"a": 1}a\n')]
)
@example(changes=[("grows", "a", b"a\nb\n" * 3), ("is_cut", "a", 3), ("is_cut_and_written_anew", "a", b"a\nb\n")])
@example(
    changes=[("grows", "b.json", b'{"a": 1}'), ("grows", "b.json", b'{"a": 1}\n'), ("is_compressed", "b.json", bytes)]
)
def test_logs_are_known_as_if_each_were_compared_with_every_record(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    logs: dict[str, bytes] = {}
    quick, plain = KnownSources(), EverySize()
    for change in changes:
        changed(logs, *change)
        for name, content in logs.items():
            (folder / name).write_bytes(content)
            found, expected = read(folder / name, quick), read(folder / name, plain)
            assert found == expected
            for known in (quick, plain):
                known.add(found[0])


def read(log: Path, known: KnownSources) -> tuple[list[SourceRecord], Any, Any, Any, Any]:
    """Return the records of what is new in a log, and what is known of it besides."""
    reading = read_log(log, source=log.name, name="a", log_format=LogFormat(), fingerprint=str, known=known)
    records = [segment.record for segment in reading]
    return records, reading.continued, reading.heads, reading.pending_bytes, reading.problem
