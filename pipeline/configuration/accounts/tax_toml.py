"""The tax of an account, as ``accounts.toml`` writes it.

Owns which keys it has. Does not own what a tax may be (``pipeline.accounts.billing``) nor when it holds
(``pipeline.accounts.account``).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.accounts import Tax, TaxCategory, TaxChange
from pipeline.base.errors import ConfigurationError
from pipeline.configuration.accounts.account_terms import date_of, number, optional_text
from pipeline.configuration.strict_toml import inner_table, value_text

if TYPE_CHECKING:
    from pipeline.configuration.strict_toml import Table

_KEYS = ("rate", "label", "reverse_charge", "text", "category", "reason_code")
_IN_WORDS = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%")


def read_tax(account: Table) -> Tax | None:
    """Read ``tax = { rate = 19.0, label = "VAT", by_kind = { fee = { rate = 7.0 } } }``.

    Raises ``ConfigurationError`` for what cannot be a tax.
    """
    if "tax" not in account.values:
        return None
    table = inner_table(account, "tax", account.table("tax").values)
    table.allow_only(*_KEYS, "by_kind")
    label = table.text("label", "Tax")
    named = []
    for kind, values in table.table("by_kind").values.items():
        if not isinstance(values, dict):
            what = f"by_kind has {kind} = {value_text(values)}; write a tax, such as {{ rate = 7.0 }}"
            raise table.refusal(what)
        of_kind = inner_table(table, f"by_kind {kind}", values)
        of_kind.allow_only(*_KEYS)
        named.append((kind, _tax(of_kind, label=label, by_kind=())))
    return _tax(table, label=label, by_kind=tuple(named))


def read_tax_changes(account: Table) -> tuple[TaxChange, ...]:
    """Read ``tax`` of ``[[accounts.terms]]``.

    What it says holds from the entry's day on, and ``tax = {}`` ends the tax.
    """
    changes = []
    for entry in account.tables("terms"):
        named = inner_table(account, entry.name, entry.values)
        from_date = date_of(named, "from", is_required=True)
        if "tax" in named.values and from_date is not None:
            is_ended = named.table("tax").values == {}
            changes.append(TaxChange(from_date=from_date, tax=None if is_ended else read_tax(named)))
    return tuple(changes)


def _tax(table: Table, *, label: str, by_kind: tuple[tuple[str, Tax], ...]) -> Tax:
    """Read one tax; of a kind, without a label of its own, that of the account's."""
    is_reversed = table.flag("reverse_charge")
    category = {"category": table.choice("category", TaxCategory.STANDARD)} if "category" in table.values else {}
    if "rate" not in table.values and not is_reversed and category.get("category") in {None, TaxCategory.STANDARD}:
        what = "rate is missing; it is a percentage, such as 19.0"
        raise table.refusal(what)
    try:
        return Tax(
            rate=_percentage(table),
            label=table.text("label", label),
            reverse_charge=is_reversed,
            text=optional_text(table, "text"),
            reason_code=optional_text(table, "reason_code"),
            by_kind=by_kind,
            **category,
        )
    except ConfigurationError as wrong:
        raise wrong if str(wrong).startswith(table.file) else table.refusal(str(wrong)) from wrong


def _percentage(table: Table) -> Decimal:
    """Return the rate in percent: a number, or a text such as ``"0.1%"``.

    A number below one is refused: nearly always it is a fraction, and an invoice would be of a hundredth of its tax.
    """
    stated = table.values.get("rate", Decimal(0))
    in_words = _IN_WORDS.fullmatch(stated) if isinstance(stated, str) else None
    if in_words is not None:
        return Decimal(in_words[1])
    rate = number(table, "rate", Decimal(0))
    if 0 < rate < 1:
        what = (
            f"rate is {value_text(stated)}, which is less than one percent; 19 percent are written 19.0, and "
            f'{value_text(stated)} percent, if that is meant, "{value_text(stated)}%"'
        )
        raise table.refusal(what)
    return rate
