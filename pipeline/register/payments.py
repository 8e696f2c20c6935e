"""Recorded payments at rest: a log that only grows, chained and durable like the register of invoices.

``invoices/payments/<20 digits>.json``, from 1. An entry never changes: a mistake is taken back by another entry.

Does not own what payments settle (``pipeline.invoicing.payments``) nor when one is refused
(``pipeline.jobs.invoices``).
"""

from __future__ import annotations

import json
from types import NoneType
from typing import TYPE_CHECKING

from pipeline.base.errors import CommitConflict, TallybookError
from pipeline.base.money import decimal_from_plain, plain
from pipeline.base.periods import instant_text, parse_date
from pipeline.invoicing.payments import Payment
from pipeline.objects import append_log, disk, layout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

FORMAT = "tallybook-payment/1"
_ADVICE = "restore it from a backup: a recorded payment never changes"


def read_payments(workspace: Path) -> tuple[Payment, ...]:
    """Return the recorded payments in the order of their numbers, from 1.

    What is returned is durable. Raises ``LogEntryRefused`` for an entry that is torn, missing, changed, out of its
    chain, or no payment.
    """
    return _chain(workspace).entries


def append_payment(
    workspace: Path, payments_so_far: Sequence[Payment], payment: Payment, recorded_at: datetime
) -> None:
    """Record a payment, durably, under the number after ``payments_so_far``.

    Raises ``CommitConflict`` where another run recorded one since.
    """
    folder, chain = layout.payments(workspace), _chain(workspace)
    if chain.entries != tuple(payments_so_far):
        message = f"another run recorded payment {len(chain.entries)} first; read the payments again and decide again"
        raise CommitConflict(message)
    entry = {
        "format": FORMAT,
        "payment": payment.number,
        "invoice_id": payment.invoice_id,
        "amount": plain(payment.amount),
        "currency": payment.currency,
        "paid_on": payment.paid_on.isoformat(),
        "reference": payment.reference,
        "takes_back": payment.takes_back,
        "recorded_at": instant_text(recorded_at),
        "previousSha256": chain.last_sha256,
        "sealSha256": append_log.UNSEALED,
    }
    content = (json.dumps(entry, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode("utf-8")
    disk.make_folders(workspace, folder)
    append_log.append_entry(folder, payment.number, append_log.seal(content))


def _chain(workspace: Path) -> append_log.Chain[Payment]:
    return append_log.read_chain(layout.payments(workspace), first_number=1, parse=_parse, advice=_ADVICE)


def _parse(content: bytes, number: int) -> tuple[str | None, Payment]:
    stated = append_log.stated_entry(
        content,
        number,
        entry_format=FORMAT,
        name="payment",
        invoice_id=str,
        amount=str,
        currency=str,
        paid_on=str,
        reference=str,
        takes_back=(int, NoneType),
        recorded_at=str,
    )
    try:
        payment = Payment(
            number=number,
            invoice_id=stated["invoice_id"],
            amount=decimal_from_plain(stated["amount"]),
            currency=stated["currency"],
            paid_on=parse_date(stated["paid_on"]),
            reference=stated["reference"],
            takes_back=stated["takes_back"],
        )
    except TallybookError as wrong:
        raise ValueError(str(wrong)) from wrong
    return stated["previousSha256"], payment
