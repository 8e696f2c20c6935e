from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import register
from pipeline.base.errors import CommitConflict, LogEntryRefused
from pipeline.invoicing.payments import Payment
from pipeline.objects import append_log, layout
from pipeline.register.payments import append_payment, read_payments

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 4, 12, tzinfo=UTC)


def invoice(number: int) -> dict[str, Any]:
    return {
        "invoice_id": f"INV-{number:06d}",
        "account_name": "Müller & Söhne",
        "total": "12.30",
        "lines": [{"line": 1, "amount": "12.30"}],
    }


def test_numbers_have_no_gaps_and_start_at_one(tmp_path: Path) -> None:
    for _ in range(3):
        register.append(tmp_path, register.read(tmp_path), invoice)
    assert [document["invoice_id"] for document in register.read(tmp_path)] == [
        "INV-000001",
        "INV-000002",
        "INV-000003",
    ]
    assert sorted(path.name for path in layout.register(tmp_path).iterdir()) == [
        f"{number:020d}.json" for number in (1, 2, 3)
    ]


def test_a_register_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert register.read(tmp_path) == ()


def test_what_is_issued_is_what_is_read_and_is_written_for_people_too(tmp_path: Path) -> None:
    issued = register.append(tmp_path, (), invoice)
    assert register.read(tmp_path) == (issued,)
    assert issued == {**invoice(1), "previousSha256": None, "sealSha256": issued["sealSha256"]}
    text = append_log.entry_path(layout.register(tmp_path), 1).read_text()
    assert text.startswith('{\n "account_name": "Müller & Söhne",\n "invoice_id": "INV-000001",\n "lines": [\n')
    assert text.endswith('"\n}\n')


def test_what_was_read_is_not_read_again_for_each_invoice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = list(register.read(tmp_path))
    monkeypatch.setattr(append_log, "read_chain", lambda *_, **__: pytest.fail("the whole register was read again"))
    for _ in range(5):
        documents.append(register.append(tmp_path, documents, invoice))
    monkeypatch.undo()
    assert list(register.read(tmp_path)) == documents


def test_who_decided_from_an_old_register_is_told_and_takes_no_number(tmp_path: Path) -> None:
    register.append(tmp_path, (), invoice)
    with pytest.raises(CommitConflict, match="decide again"):
        register.append(tmp_path, (), lambda _: pytest.fail("a document was made for a number that is taken"))
    assert len(register.read(tmp_path)) == 1


def test_who_is_overtaken_while_making_the_document_is_told_and_takes_no_number(tmp_path: Path) -> None:
    def overtaken(number: int) -> dict[str, Any]:
        register.append(tmp_path, (), lambda _: {"invoice_id": "the other's"})
        return invoice(number)

    with pytest.raises(CommitConflict):
        register.append(tmp_path, (), overtaken)
    assert [document["invoice_id"] for document in register.read(tmp_path)] == ["the other's"]


def test_an_issued_invoice_that_was_edited_is_refused(tmp_path: Path) -> None:
    register.append(tmp_path, (), invoice)
    path = append_log.entry_path(layout.register(tmp_path), 1)
    path.write_text(path.read_text().replace('"total": "12.30"', '"total": "12.31"'))
    with pytest.raises(
        LogEntryRefused, match=re.escape(str(path)) + ".*changed after it was written.*an issued invoice never changes"
    ):
        register.read(tmp_path)


def test_a_missing_invoice_is_refused(tmp_path: Path) -> None:
    for _ in range(3):
        register.append(tmp_path, register.read(tmp_path), invoice)
    append_log.entry_path(layout.register(tmp_path), 2).unlink()
    with pytest.raises(LogEntryRefused, match=r"0002\.json is refused: it is missing"):
        register.append(tmp_path, (), invoice)


def test_an_invoice_numbered_zero_is_refused(tmp_path: Path) -> None:
    register.append(tmp_path, (), invoice)
    append_log.entry_path(layout.register(tmp_path), 0).write_bytes(b"{}")
    with pytest.raises(LogEntryRefused, match="numbered from 1"):
        register.read(tmp_path)


@pytest.mark.parametrize("total", [12.3, float("nan"), Decimal("12.30"), b"12.30"])
def test_an_amount_that_is_no_string_is_never_issued(tmp_path: Path, total: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        register.append(tmp_path, (), lambda _: {"total": total})
    assert register.read(tmp_path) == ()


@pytest.mark.parametrize("field", ["previousSha256", "sealSha256"])
def test_a_document_cannot_state_its_own_place_in_the_chain(tmp_path: Path, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        register.append(tmp_path, (), lambda _: {field: "0" * 64})
    with pytest.raises(ValueError, match="sealSha256"):
        register.append(tmp_path, (), lambda _: {"nested": {"sealSha256": "0" * 64}})
    assert register.read(tmp_path) == ()


def test_an_entry_that_is_read_once_more_is_the_one_that_was_read_or_refused(tmp_path: Path) -> None:
    register.append(tmp_path, (), invoice)
    ((sha256, document),) = register.Readings().read(tmp_path)
    assert register.read_one(tmp_path, 1, sha256=sha256) == document
    with pytest.raises(LogEntryRefused, match="it changed while it was in use"):
        register.read_one(tmp_path, 1, sha256="0" * 64)


def test_what_was_known_of_an_entry_is_believed_for_its_bytes_and_no_others(tmp_path: Path) -> None:
    for _ in range(2):
        register.append(tmp_path, register.read(tmp_path), invoice)

    def read_of(sha256: str, document: dict[str, Any]) -> tuple[str, str]:
        return sha256, document["invoice_id"]

    first, second = register.read_as(tmp_path, read_of)
    known = [(first[0], ("known", "before")), ("0" * 64, ("forged", "before"))]
    assert register.read_as(tmp_path, read_of, known=known) == (("known", "before"), second)
    assert register.read_as(tmp_path, read_of, known=known[1:]) == (first, second)


def test_the_last_entry_is_known_by_its_seal_and_by_no_other(tmp_path: Path) -> None:
    issued = register.append(tmp_path, (), invoice)
    folder = layout.register(tmp_path)
    sha256 = append_log.sha256_of(append_log.entry_path(folder, 1).read_bytes())
    assert append_log.sha256_of_last(folder, 1, seal=issued["sealSha256"]) == sha256
    assert append_log.sha256_of_last(folder, 1, seal="0" * 64) is None
    assert append_log.sha256_of_last(folder, 2, seal=issued["sealSha256"]) is None


def test_a_rehearsal_goes_on_from_the_documents_it_is_given_and_not_from_the_last_it_made(tmp_path: Path) -> None:
    register.append(tmp_path, (), invoice)
    documents = register.read(tmp_path)
    rehearsal = register.Rehearsal()
    second = rehearsal.append(tmp_path, documents, invoice)
    third = rehearsal.append(tmp_path, (*documents, second), invoice)
    again = rehearsal.append(tmp_path, documents, invoice)
    assert again == second
    assert third["previousSha256"] not in {second["previousSha256"], again["sealSha256"]}
    assert [register.append(tmp_path, register.read(tmp_path), invoice) for _ in range(2)] == [second, third]


def test_a_payment_is_recorded_after_those_it_was_decided_from_and_no_others(tmp_path: Path) -> None:
    first = Payment(number=1, invoice_id="INV-000001", amount=Decimal(1), currency="USD", paid_on=date(2026, 11, 3))
    second = replace(first, number=2)
    append_payment(tmp_path, (), first, NOON)
    for stale in ((), (replace(first, amount=Decimal(2)),), (first, second)):
        with pytest.raises(CommitConflict, match="another run recorded payment 1 first"):
            append_payment(tmp_path, stale, second, NOON)
    assert read_payments(tmp_path) == (first,)
    append_payment(tmp_path, (first,), second, NOON)
    assert read_payments(tmp_path) == (first, second)
