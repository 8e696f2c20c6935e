"""A log entry that is torn, missing, changed, foreign or out of its chain is refused with an explanation, never guessed
at.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest
from forged_entries import HEX, NOON, rewrite, stated
from hypothesis import given, settings
from hypothesis import strategies as st
from lake_inputs import commit_events, event, quarantine_table, record

from pipeline import lake
from pipeline.base.errors import DataFileDamaged, LakeIsNewer, LogEntryRefused
from pipeline.lake.checked_files import check_present, verified_kept
from pipeline.lake.data_files import write_quarantined
from pipeline.lake.log import delta
from pipeline.lake.log.commit import Commit, DataFile, QuarantineFile
from pipeline.lake.log.forgetting import Forgetting, ForgettingRule, KeptFile, RuleKind
from pipeline.lake.log.parsing import parse_commit
from pipeline.lake.log.superseding import removal
from pipeline.objects import append_log, layout
from pipeline.usage.events import FORGETTING_SINCE, LAKE_VERSION, LAKE_VERSION_MAX

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path


def three_commits(lake_dir: Path) -> list[Path]:
    """Commit three times and return the entries."""
    snapshot = lake.LakeSnapshot()
    for number in range(3):
        snapshot = commit_events(
            lake_dir, snapshot, [event(number, NOON)], source=f"logs/{number}.jsonl", quarantined=[9]
        )
    return [append_log.entry_path(layout.delta_log(lake_dir), number) for number in range(3)]


@pytest.mark.parametrize("number", [0, 1])
def test_a_missing_entry_is_refused_not_passed_over(tmp_path: Path, number: int) -> None:
    entries = three_commits(tmp_path)
    entries[number].unlink()
    with pytest.raises(
        LogEntryRefused, match=re.escape(str(entries[number])) + r".*missing.*later ones up to 2; restore the lake"
    ):
        lake.read_log(tmp_path)


@pytest.mark.parametrize("kept", [0, 1, 100, -2, -1])
def test_a_torn_entry_is_refused(tmp_path: Path, kept: int) -> None:
    entries = three_commits(tmp_path)
    entries[2].write_bytes(entries[2].read_bytes()[:kept])
    with pytest.raises(LogEntryRefused, match=re.escape(str(entries[2]))):
        lake.read_log(tmp_path)


@pytest.mark.long
def test_a_flipped_bit_anywhere_is_refused_also_in_the_last_entry(tmp_path: Path) -> None:
    for entry in three_commits(tmp_path):
        whole = entry.read_bytes()
        for position in range(0, len(whole), 5):
            flipped = bytearray(whole)
            flipped[position] ^= 1 << position % 8
            entry.write_bytes(flipped)
            with pytest.raises(LogEntryRefused):
                lake.read_log(tmp_path)
        entry.write_bytes(whole)
    assert lake.read_log(tmp_path).version == 2


def test_swapped_entries_are_refused(tmp_path: Path) -> None:
    _, second, third = three_commits(tmp_path)
    contents = second.read_bytes(), third.read_bytes()
    third.write_bytes(contents[0])
    second.write_bytes(contents[1])
    with pytest.raises(LogEntryRefused, match="txn"):
        lake.read_log(tmp_path)


def test_an_entry_replaced_by_a_well_formed_one_breaks_the_chain(tmp_path: Path) -> None:
    entries = three_commits(tmp_path)
    rewrite(entries[1], lambda actions: actions[0]["commitInfo"].update(timestamp=1))
    with pytest.raises(LogEntryRefused, match=re.escape(str(entries[2])) + ".*out of its chain"):
        lake.read_log(tmp_path)


def test_a_first_entry_that_follows_another_is_refused(tmp_path: Path) -> None:
    entries = three_commits(tmp_path)
    rewrite(entries[0], lambda actions: actions[0]["commitInfo"].update(previousSha256=HEX))
    with pytest.raises(LogEntryRefused, match=re.escape(str(entries[0])) + ".*out of its chain"):
        lake.read_log(tmp_path)


FOREIGN: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "a removed file": lambda actions: actions.append({"remove": {"path": "x"}}),
    "change data": lambda actions: actions.append({"cdc": {"path": "x"}}),
    "two actions on a line": lambda actions: actions[1].update(add={}),
    "another protocol": lambda actions: actions.insert(1, {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7}}),
    "another schema": lambda actions: actions.insert(1, {"metaData": {}}),
    "another operation": lambda actions: actions[0]["commitInfo"].update(operation="WRITE"),
    "an unknown field": lambda actions: actions[0]["commitInfo"].update(userName="somebody"),
    "another program's transaction": lambda actions: actions[1]["txn"].update(appId="other"),
    "no transaction": lambda actions: actions.pop(1),
    "two transactions": lambda actions: actions.append(actions[1]),
    "true as a number": lambda actions: actions[2]["add"].update(size=True),
    "a fraction": lambda actions: actions[2]["add"].update(size=1.5),
    "a deletion vector": lambda actions: actions[2]["add"].update(deletionVector={}),
    "a source with a field more": lambda actions: actions[0]["commitInfo"]["sources"][0].update(owner="x"),
    "a source without a field": lambda actions: actions[0]["commitInfo"]["sources"][0].pop("end"),
    "a source that counts in words": lambda actions: actions[0]["commitInfo"]["sources"][0].update(
        events={"measured": "1"}
    ),
    "a path out of the table": lambda actions: actions[2]["add"].update(path=f"../../{HEX}.parquet"),
    "an absolute path": lambda actions: actions[2]["add"].update(path=f"/{HEX}.parquet"),
    "a path out of the partition": lambda actions: actions[2]["add"].update(path=f"date=2026-03-02/../{HEX}.parquet"),
    "a glob": lambda actions: actions[2]["add"].update(path="date=2026-03-02/*.parquet"),
    "a date that is none": lambda actions: actions[2]["add"].update(
        path=f"date=2026-02-30/{HEX}.parquet", partitionValues={"date": "2026-02-30"}
    ),
    "a date in other digits": lambda actions: actions[2]["add"].update(path=f"date=٢٠٢٦-03-02/{HEX}.parquet"),
    "a name with a line feed": lambda actions: actions[2]["add"].update(path=actions[2]["add"]["path"] + "\n"),
    "another partition": lambda actions: actions[2]["add"].update(partitionValues={"date": "2026-03-03"}),
    "a quarantine file elsewhere": lambda actions: actions[0]["commitInfo"]["quarantine"][0].update(
        path=f"../{HEX}.parquet"
    ),
    "a quarantine file by another name": lambda actions: actions[0]["commitInfo"]["quarantine"][0].update(
        path=f"{HEX}.parquet"
    ),
    "the same file again": lambda actions: actions.append(actions[2]),
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN.keys())
def test_an_entry_with_anything_that_we_never_write_is_refused_even_if_sealed(
    tmp_path: Path, change: Callable[[list[dict[str, Any]]], object]
) -> None:
    last = three_commits(tmp_path)[2]
    rewrite(last, lambda _: None)
    lake.read_log(tmp_path)  # an entry that was only sealed again is still ours
    rewrite(last, change)
    with pytest.raises(
        LogEntryRefused, match=re.escape(str(last)) + ".*restore the lake from a backup, or move it away"
    ):
        lake.read_log(tmp_path)


@pytest.mark.parametrize("field", ["id", "schemaString", "partitionColumns", "format", "configuration"])
def test_a_table_that_is_not_ours_is_refused(tmp_path: Path, field: str) -> None:
    entries = three_commits(tmp_path)
    rewrite(entries[0], lambda actions: actions[2]["metaData"].update({field: "other"}))
    with pytest.raises(LogEntryRefused, match=f"{re.escape(str(entries[0]))}.*{field}"):
        lake.read_log(tmp_path)


def test_a_table_of_another_protocol_is_refused(tmp_path: Path) -> None:
    entries = three_commits(tmp_path)
    rewrite(entries[0], lambda actions: actions[1]["protocol"].update(minReaderVersion=3))
    with pytest.raises(LogEntryRefused, match=f"{re.escape(str(entries[0]))}.*protocol"):
        lake.read_log(tmp_path)


def test_an_entry_whose_last_line_does_not_end_is_torn(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="its last line does not end"):
        parse_commit(three_commits(tmp_path)[1].read_bytes()[:-1], 1)


@pytest.mark.parametrize(
    "content",
    [
        b'{"commitInfo":{"timestamp":1,"operation":"WRITE"}}\n',
        b"\xff\xfe\n",
        b"[" * 100_000,
        b"[]\n",
        b'{"a":1,"a":2}\n',
        b'{"a":NaN}\n',
    ],
    ids=["another engine's", "not UTF-8", "nested", "a list", "a field twice", "NaN"],
)
def test_an_entry_of_another_program_is_refused_with_and_without_a_seal(tmp_path: Path, content: bytes) -> None:
    entries = three_commits(tmp_path)
    entries[2].write_bytes(content)
    with pytest.raises(LogEntryRefused, match="not written by Tallybook"):
        lake.read_log(tmp_path)
    sealed = append_log.seal(content + b'{"sealSha256":"' + append_log.UNSEALED.encode() + b'"}\n')
    entries[2].write_bytes(sealed)
    with pytest.raises(LogEntryRefused, match=re.escape(str(entries[2]))):
        lake.read_log(tmp_path)


def test_an_entry_that_is_a_link_or_a_folder_is_refused(tmp_path: Path) -> None:
    entries = three_commits(tmp_path)
    entries[2].rename(tmp_path / "moved")
    entries[2].symlink_to(tmp_path / "moved")
    with pytest.raises(LogEntryRefused, match="no regular file"):
        lake.read_log(tmp_path)
    entries[2].unlink()
    entries[2].mkdir()
    with pytest.raises(LogEntryRefused, match="no regular file"):
        lake.read_log(tmp_path)


def test_content_must_have_exactly_one_place_for_its_seal() -> None:
    place = f'"sealSha256":"{append_log.UNSEALED}"'
    for content in ("{}", f"{{{place},{place}}}", f'{{"sealSha256":"{HEX}"}}'):
        with pytest.raises(ValueError, match="sealSha256"):
            append_log.seal(content.encode())
    quoted = json.dumps({"note": place, "sealSha256": append_log.UNSEALED}, separators=(",", ":")).encode()
    assert append_log.seal(quoted).endswith(hashlib.sha256(quoted).hexdigest().encode() + b'"}')


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.long
@settings(deadline=None)
@given(path=texts, check=st.none() | texts, at=st.datetimes(timezones=st.just(UTC)))
def test_every_commit_is_read_as_it_was_written(path: str, check: str | None, at: datetime) -> None:
    commit = Commit(
        number=7,
        committed_at=at.replace(microsecond=at.microsecond // 1000 * 1000),
        previous_sha256=HEX,
        data_files=(DataFile(path=f"date=2026-03-02/{HEX}.parquet", date=NOON.date(), sha256=HEX, size=1, rows=2),),
        quarantine_files=(QuarantineFile(path=f"{HEX}.parquet", sha256=HEX, size=3, rows=4),),
        sources=(record(path, [event(1, NOON)], 2),),
        key_secret_check=check,
    )
    assert parse_commit(delta.render_commit(commit), 7) == (HEX, commit)


def test_a_commit_that_there_is_not_cannot_be_read_back_to(tmp_path: Path) -> None:
    lake_dir = tmp_path / "lake"
    commit_events(lake_dir, lake.read_log(lake_dir), [event(1, NOON)], source="logs/a.jsonl")
    assert lake.read_log(lake_dir, until=0).version == 0
    for number in (-1, 1):
        with pytest.raises(LogEntryRefused, match=f"has no commit {number}, but commit 0 alone; "):
            lake.read_log(lake_dir, until=number)
    commit_events(lake_dir, lake.read_log(lake_dir), [event(2, NOON)], source="logs/b.jsonl")
    with pytest.raises(LogEntryRefused, match="has no commit 2, but commits 0 to 1; "):
        lake.read_log(lake_dir, until=2)
    with pytest.raises(LogEntryRefused, match="has no commit 0, but none at all; "):
        lake.read_log(tmp_path / "empty", until=0)


def test_a_data_file_that_is_missing_or_of_another_size_is_named_though_none_is_read(tmp_path: Path) -> None:
    lake_dir = tmp_path / "lake"
    snapshot = commit_events(lake_dir, lake.read_log(lake_dir), [event(1, NOON)], source="logs/a.jsonl")
    check_present(lake_dir, snapshot)
    path = layout.usage_events(lake_dir) / snapshot.data_files[0].path
    path.write_bytes(path.read_bytes() + b"0")
    for told in ("bytes, and its log says", "is missing"):
        with pytest.raises(DataFileDamaged, match=told):
            check_present(lake_dir, snapshot)
        path.unlink(missing_ok=True)


def test_what_is_kept_of_forgotten_events_is_checked_before_it_is_believed(tmp_path: Path) -> None:
    folder = layout.forgotten(tmp_path / "lake")
    folder.mkdir(parents=True)
    content = b"counts"
    kept = KeptFile(sha256=hashlib.sha256(content).hexdigest(), size=len(content), rows=1)
    (folder / kept.name).write_bytes(content)
    assert verified_kept(tmp_path / "lake", [kept]) == [folder / kept.name]
    (folder / kept.name).write_bytes(b"countz")
    with pytest.raises(DataFileDamaged, match="it is what is kept of events that were forgotten"):
        verified_kept(tmp_path / "lake", [kept])


FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999
"""Milliseconds from 1970 to the first and the last instant that a calendar of four digits has."""
NOTHING_FORGOTTEN = Forgetting(
    rule=ForgettingRule(kind=RuleKind.BEFORE, value="2026-01-01"),
    places=(),
    data_files=(),
    quarantine_files=(),
    events=0,
    quarantined=0,
    months=(),
    points=(),
    counts={},
    identities=KeptFile(sha256=HEX, size=1, rows=0),
)


def test_a_lake_states_its_columns_once_and_never_fewer(tmp_path: Path) -> None:
    for number, version in enumerate((LAKE_VERSION, LAKE_VERSION - 1)):
        lake_dir = tmp_path / f"{number}" / "lake"
        lake_dir.parent.mkdir()
        commit_events(lake_dir, lake.LakeSnapshot(), [event(1, NOON)], source="logs/a.jsonl")
        stated(lake_dir, lake_version=version)
        with pytest.raises(
            LogEntryRefused, match=f"it states version {version} of the lake after version {LAKE_VERSION}"
        ):
            lake.read_log(lake_dir)


def test_a_lake_forgets_only_once_its_version_knows_of_forgetting(tmp_path: Path) -> None:
    for number, version in enumerate((FORGETTING_SINCE - 1, FORGETTING_SINCE)):
        lake_dir = tmp_path / f"{number}" / "lake"
        stated(lake_dir, lake_version=version, sources=(record("logs/a.jsonl", []),))
        stated(lake_dir, forgetting=NOTHING_FORGOTTEN)
        if version == FORGETTING_SINCE:
            assert lake.read_log(lake_dir).version == 1
        else:
            with pytest.raises(LogEntryRefused, match=f"it forgets events in version {version} of the lake"):
                lake.read_log(lake_dir)
    with pytest.raises(ValueError, match="each has an entry of its own"):
        stated(tmp_path / "1" / "lake", forgetting=NOTHING_FORGOTTEN, lake_version=LAKE_VERSION)


def test_an_entry_that_forgets_removes_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    lake_dir = tmp_path / "lake"
    stated(lake_dir, lake_version=FORGETTING_SINCE, sources=(record("logs/a.jsonl", []),))
    stated(lake_dir, forgetting=NOTHING_FORGOTTEN)
    assert lake.read_log(lake_dir).version == 1
    removed = removal(f"date=2026-03-02/{HEX}.parquet", int(NOON.timestamp() * 1000))
    rewrite(append_log.entry_path(layout.delta_log(lake_dir), 1), lambda actions: actions.append({"remove": removed}))
    with pytest.raises(LogEntryRefused, match="is refused"):
        lake.read_log(lake_dir)


def test_the_first_commit_states_the_columns_of_its_lake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the first entry states the version of the lake"):
        stated(tmp_path / "lake", sources=(record("logs/a.jsonl", []),))


def test_an_entry_that_states_other_columns_adds_nothing(tmp_path: Path) -> None:
    lake_dir = tmp_path / "lake"
    stated(lake_dir, lake_version=LAKE_VERSION - 1, sources=(record("logs/a.jsonl", []),))
    quarantined = QuarantineFile(path=f"{HEX}.parquet", sha256=HEX, size=1, rows=1)
    events = DataFile(path=f"date=2026-03-02/{HEX}.parquet", date=NOON.date(), sha256=HEX, size=1, rows=1)
    added = {
        "sources": (record("logs/b.jsonl", []),),
        "quarantine_files": (quarantined,),
        "data_files": (events,),
    }
    for name, value in added.items():
        with pytest.raises(ValueError, match="it states other columns and adds to the lake too; each has an entry"):
            stated(lake_dir, lake_version=LAKE_VERSION, **{name: value})
    stated(lake_dir, lake_version=LAKE_VERSION)
    assert lake.read_log(lake_dir).lake_version == LAKE_VERSION
    entry = append_log.entry_path(layout.delta_log(lake_dir), 1)
    first = json.loads(append_log.entry_path(layout.delta_log(lake_dir), 0).read_text().splitlines()[0])["commitInfo"]
    rewrite(entry, lambda actions: actions[0]["commitInfo"].update(sources=first["sources"]))
    with pytest.raises(LogEntryRefused, match=re.escape(str(entry)) + " is refused: it states other columns and adds"):
        lake.read_log(lake_dir)


@pytest.mark.parametrize(
    ("at_ms", "is_read"), [(FIRST_MS, True), (FIRST_MS - 1, False), (LAST_MS, True), (LAST_MS + 1, False)]
)
def test_a_clock_of_a_commit_is_of_the_years_1_to_9999(tmp_path: Path, at_ms: int, *, is_read: bool) -> None:
    entry = three_commits(tmp_path)[2]
    rewrite(entry, lambda actions: actions[0]["commitInfo"].update(timestamp=at_ms))
    if is_read:
        assert lake.read_log(tmp_path).version == 2
    else:
        with pytest.raises(LogEntryRefused, match=f"is refused: its timestamp {at_ms} is no instant of the years 1 to"):
            lake.read_log(tmp_path)


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (str(LAKE_VERSION_MAX + 1), f"commit 0 states version {LAKE_VERSION_MAX + 1} of the lake, and Tallybook"),
        ("999999999", "commit 0 states version 999999999 of the lake, and Tallybook"),
        ("1000000000", "its table is not ours: configuration, schemaString in metaData"),
        ("0", "its table is not ours: configuration, schemaString in metaData"),
        ("05", "its table is not ours: configuration, schemaString in metaData"),
    ],
)
def test_a_version_of_the_lake_is_ours_or_a_later_one_of_nine_digits_at_most(
    tmp_path: Path, version: str, told: str
) -> None:
    entry = three_commits(tmp_path)[0]
    rewrite(entry, lambda said: said[2]["metaData"]["configuration"].update({"tallybook.lakeVersion": version}))
    with pytest.raises((LakeIsNewer, LogEntryRefused), match=re.escape(told)) as refused:
        lake.read_log(tmp_path)
    assert isinstance(refused.value, LakeIsNewer) == told.startswith("commit")


def test_a_lake_of_the_latest_version_is_read(tmp_path: Path) -> None:
    stated(tmp_path / "lake", lake_version=LAKE_VERSION_MAX, sources=(record("logs/a.jsonl", []),))
    assert lake.read_log(tmp_path / "lake").lake_version == LAKE_VERSION_MAX


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (1, "it holds 1 actions txn where one belongs"),
        (0, "it holds 0 actions txn where one belongs"),
        (2, "it holds 2 actions txn where one belongs"),
    ],
)
def test_an_entry_has_one_transaction(tmp_path: Path, lines: int, told: str) -> None:
    entry = three_commits(tmp_path)[2]
    (transaction,) = [line for line in map(json.loads, entry.read_text().splitlines()) if "txn" in line]
    rewrite(entry, lambda said: said.remove(transaction) or said.extend([transaction] * lines))
    if lines == 1:
        assert lake.read_log(tmp_path).version == 2
    else:
        with pytest.raises(LogEntryRefused, match=told):
            lake.read_log(tmp_path)


def test_a_file_is_an_orphan_once_the_number_of_its_commit_is_taken_and_no_sooner(tmp_path: Path) -> None:
    """Until then its writer may be alive."""
    lake_dir = tmp_path / "lake"
    snapshot = commit_events(lake_dir, lake.LakeSnapshot(), [event(1, NOON)])
    folder = layout.quarantine(lake_dir)
    for number in (0, 1):
        assert write_quarantined(lake_dir, quarantine_table([number]), number)
    assert len(list(folder.iterdir())) == 2
    assert len(lake.sweep_orphans(lake_dir, lake.LakeSnapshot())) == 0
    assert len(lake.sweep_orphans(lake_dir, snapshot)) == 1
    commit_events(lake_dir, snapshot, [event(2, NOON)], source="logs/b.jsonl")
    assert len(lake.sweep_orphans(lake_dir, lake.read_log(lake_dir))) == 1
