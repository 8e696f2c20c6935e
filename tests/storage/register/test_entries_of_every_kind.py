"""Whatever log an entry is of, the same damage is refused in the same words: which entry, what of it, what to do."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import pytest
from lake_inputs import commit_events, event

from pipeline import lake, register
from pipeline.base.errors import LogEntryRefused
from pipeline.configuration.keys.key_aliases import KeyAliases, add_beginning, add_seen, read_key_aliases
from pipeline.invoicing.payments import Payment
from pipeline.objects import append_log, layout
from pipeline.register.payments import append_payment, read_payments
from pipeline.register.signatures import Signature, append_signature, read_signatures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOON = datetime(2026, 11, 4, 12, tzinfo=UTC)
ENTRIES = 3


def lakes(workspace: Path) -> None:
    snapshot = lake.LakeSnapshot()
    for number in range(ENTRIES):
        snapshot = commit_events(layout.lake(workspace), snapshot, [event(number, NOON)], source=f"{number}.jsonl")


def documents(workspace: Path) -> None:
    for _ in range(ENTRIES):
        register.append(workspace, register.read(workspace), lambda number: {"invoice_id": f"INV-{number:06d}"})


def payments(workspace: Path) -> None:
    for number in range(1, ENTRIES + 1):
        payment = Payment(
            number=number, invoice_id="INV-000001", amount=Decimal(number), currency="USD", paid_on=date(2026, 11, 3)
        )
        append_payment(workspace, read_payments(workspace), payment, NOON)


def signatures(workspace: Path) -> None:
    for number in range(1, ENTRIES + 1):
        signature = Signature(
            number=number,
            signed_at="2026-11-04T12:00:00Z",
            lake_number=None,
            lake_sha256=None,
            is_lake_anew=False,
            first_document=1,
            documents=(),
            first_payment=1,
            payments=(),
            previous_sha256=read_signatures(workspace)[1],
            ed25519=bytes(64),
        )
        append_signature(workspace, signature)


def key_aliases(workspace: Path) -> None:
    known = add_beginning(workspace, KeyAliases(), check_before="a" * 16, check="b" * 16, now=NOON)
    for number in range(1, ENTRIES):
        known = add_seen(workspace, known, {f"key_{100 + number:032x}": f"key_{number:032x}"}, now=NOON)


class Kind(NamedTuple):
    """A kind of log: who writes three entries of it, where they are, who reads them, and what to do about damage."""

    write: Callable[[Path], None]
    folder: Callable[[Path], Path]
    read: Callable[[Path], object]
    first: int
    advice: str


KINDS = (
    Kind(
        lakes,
        lambda workspace: layout.delta_log(layout.lake(workspace)),
        lambda workspace: lake.read_log(layout.lake(workspace)),
        0,
        "restore the lake from a backup, or move it away and collect the logs again",
    ),
    Kind(
        documents,
        layout.register,
        register.read,
        1,
        "restore it from a backup: an issued invoice never changes, and its number is never used again",
    ),
    Kind(
        payments,
        layout.payments,
        read_payments,
        1,
        "restore it from a backup: a recorded payment never changes",
    ),
    Kind(
        signatures,
        layout.signatures,
        read_signatures,
        1,
        "restore it from a backup: a signature never changes",
    ),
    Kind(
        key_aliases,
        layout.key_aliases,
        read_key_aliases,
        1,
        "restore key-aliases from a backup: without it every key gets another id",
    ),
)


def sealed(text: str) -> bytes:
    """Make bytes an entry whose seal fits, whatever else is in them."""
    return append_log.seal(f'{text}{{"sealSha256":"{append_log.UNSEALED}"}}\n'.encode())


def linked(path: Path) -> None:
    other = path.rename(path.with_suffix(".moved"))
    path.symlink_to(other)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def flipped(path: Path) -> None:
    content = path.read_bytes()
    at = content.index(b"previousSha256") + len(b'previousSha256": "') + 3
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a missing one": (lambda path: path.unlink(), "it is missing, and there are later ones up to {newest}"),
    "an empty one": (lambda path: path.write_bytes(b""), "it is torn, or was not written by Tallybook: it has no seal"),
    "half of one": (
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        "it is torn, or was not written by Tallybook: it has no seal",
    ),
    "a flipped bit": (flipped, "it was changed after it was written: its seal says [0-9a-f]{{64}}, its bytes say"),
    "a folder": (as_folder, "it is no regular file"),
    "a link": (linked, "it is no regular file"),
    "no object": (lambda path: path.write_bytes(sealed("[]\n")), "it is not JSON|it is not a JSON object"),
    "no UTF-8": (lambda path: path.write_bytes(sealed("").replace(b"{", b"\xff", 1)), "it was changed after"),
}


@pytest.mark.parametrize("kind", KINDS, ids=[each.write.__name__ for each in KINDS])
@pytest.mark.parametrize(("damage", "told"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_of_an_entry_is_refused_in_the_same_words_in_every_log(
    tmp_path: Path, kind: Kind, damage: Callable[[Path], object], told: str
) -> None:
    kind.write(tmp_path)
    kind.read(tmp_path)
    path = append_log.entry_path(kind.folder(tmp_path), kind.first + 1)
    damage(path)
    wanted = f"log entry {re.escape(str(path))} is refused: ({told.format(newest=kind.first + ENTRIES - 1)}).*; "
    with pytest.raises(LogEntryRefused, match=wanted + re.escape(kind.advice) + "$"):
        kind.read(tmp_path)


@pytest.mark.parametrize("kind", KINDS[1:], ids=[each.write.__name__ for each in KINDS[1:]])
def test_an_entry_numbered_zero_is_refused_where_numbers_begin_with_one(tmp_path: Path, kind: Kind) -> None:
    kind.write(tmp_path)
    first = append_log.entry_path(kind.folder(tmp_path), 1)
    first.rename(append_log.entry_path(kind.folder(tmp_path), 0))
    with pytest.raises(LogEntryRefused, match=r"0{20}\.json is refused: entries are numbered from 1; " + kind.advice):
        kind.read(tmp_path)


@pytest.mark.parametrize("kind", KINDS, ids=[each.write.__name__ for each in KINDS])
@pytest.mark.parametrize("by", [-1, 1])
def test_an_entry_in_the_place_of_the_one_before_or_after_is_refused(tmp_path: Path, kind: Kind, by: int) -> None:
    kind.write(tmp_path)
    folder = kind.folder(tmp_path)
    path = append_log.entry_path(folder, kind.first + 1)
    path.write_bytes(append_log.entry_path(folder, kind.first + 1 + by).read_bytes())
    number = kind.first + 1
    told = {
        lakes: f'its txn is {{"appId":"tallybook-collect","version":{number + by}}}, not that of',
        documents: "it is out of its chain: it follows an entry with sha256 ",
        payments: f"it is payment {number + by}, and must be {number}",
        signatures: f"it is signature {number + by}, and must be {number}",
        key_aliases: f"it is entry {number + by}, and must be {number}",
    }[kind.write]
    with pytest.raises(LogEntryRefused, match=re.escape(f"{path} is refused: {told}") + f".*; {kind.advice}$"):
        kind.read(tmp_path)


@pytest.mark.parametrize("kind", KINDS[1:], ids=[each.write.__name__ for each in KINDS[1:]])
def test_an_entry_that_follows_another_one_than_the_one_before_is_refused(tmp_path: Path, kind: Kind) -> None:
    kind.write(tmp_path)
    path = append_log.entry_path(kind.folder(tmp_path), ENTRIES)
    for previous, told in (("0a" * 32, "it follows an entry with sha256 0a0a"), (None, "sha256 None, and")):
        entry = json.loads(path.read_bytes()) | {"previousSha256": previous, "sealSha256": append_log.UNSEALED}
        path.write_bytes(append_log.seal(json.dumps(entry).encode()))
        with pytest.raises(LogEntryRefused, match=f"is refused: it is out of its chain: .*{told}.*; {kind.advice}$"):
            kind.read(tmp_path)


@pytest.mark.parametrize("kind", KINDS[1:], ids=[each.write.__name__ for each in KINDS[1:]])
def test_an_entry_that_follows_a_number_is_refused(tmp_path: Path, kind: Kind) -> None:
    kind.write(tmp_path)
    path = append_log.entry_path(kind.folder(tmp_path), ENTRIES)
    entry = json.loads(path.read_bytes()) | {"previousSha256": 7, "sealSha256": append_log.UNSEALED}
    path.write_bytes(append_log.seal(json.dumps(entry).encode()))
    told = (
        "it is out of its chain: it follows an entry with sha256 7, and" if kind.write is documents else "a int, not a"
    )
    with pytest.raises(LogEntryRefused, match=f"{path.name} is refused: .*{told}.*; {kind.advice}$"):
        kind.read(tmp_path)
