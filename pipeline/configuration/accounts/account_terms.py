"""The terms and credits of an account, as ``accounts.toml`` writes them.

Owns what the file may say of them, and that amounts fit the account's one currency. Does not own what they mean
(``pipeline.accounts``).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from pipeline.accounts import BillingInterval, Coupon, CreditGrant, Interval, OneOffItem, Proration, Terms
from pipeline.accounts.coupons import MONTHS_MAX
from pipeline.accounts.credits import PRIORITY_DEFAULT, PRIORITY_MAX, ROLLOVER_MONTHS_MAX
from pipeline.accounts.intervals import MONTHS_OF_A_YEAR
from pipeline.accounts.terms import SEATS_MAX
from pipeline.base.errors import ConfigurationError
from pipeline.base.money import minor_unit_digits, refuse_fraction_digits
from pipeline.base.periods import YEARS
from pipeline.configuration.strict_toml import inner_table, value_text
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.configuration.strict_toml import Table

TERMS_KEYS = (
    "rate_card",
    "discount_percent",
    "minimum_commitment",
    "yearly_commitment",
    "overage_percent",
    "included_tokens",
    "spend_cap",
    "fee_without_usage",
    "seats",
    "seat_price",
    "proration",
    "billing_interval",
    "billing_start_month",
)
"""What terms may say; beside an account's name they hold from the beginning, in ``[[accounts.terms]]`` later."""
_GRANT_KEYS = (
    *("id", "amount", "granted_on", "expires_on", "priority", "models"),
    *("recurs", "rollover_months", "rollover_percent", "rollover_max"),
)
_AMOUNT_LIMIT = Decimal(10**15)


def optional_text(table: Table, key: str) -> str:
    """Return a string, or an empty one where the key is missing."""
    return table.text(key) if key in table.values else ""


def read_terms(account: Table, *, default_rate_card: str) -> tuple[Terms, ...]:
    """Read the terms of an account, the first from the beginning; what a later entry does not say stays as it was."""
    unsaid = _without_terms(default_rate_card)
    terms = [unsaid if account.values.keys().isdisjoint(TERMS_KEYS) else _terms(account, None, before=unsaid)]
    for entry in account.tables("terms"):
        named = inner_table(account, entry.name, entry.values)
        if "billing_day" in entry.values:
            what = "billing_day is the account's at all times; write it beside its id and name, above all terms"
            raise named.refusal(what)
        named.allow_only("from", *TERMS_KEYS, "tax")
        terms.append(_terms(named, date_of(named, "from", is_required=True), before=terms[-1]))
    return tuple(terms)


def read_credits(account: Table) -> tuple[CreditGrant, ...]:
    """Read ``[[accounts.credits]]``."""
    return tuple(_grant(inner_table(account, entry.name, entry.values)) for entry in account.tables("credits"))


def read_items(account: Table) -> tuple[OneOffItem, ...]:
    """Read ``[[accounts.items]]``."""
    return tuple(_item(inner_table(account, entry.name, entry.values)) for entry in account.tables("items"))


def read_coupons(account: Table) -> tuple[Coupon, ...]:
    """Read ``[[accounts.coupons]]``."""
    return tuple(_coupon(inner_table(account, entry.name, entry.values)) for entry in account.tables("coupons"))


def refuse_currencies(
    account: Table,
    terms: Sequence[Terms],
    grants: Sequence[CreditGrant],
    currencies: Mapping[str, str],
    *,
    items: Sequence[OneOffItem] = (),
    coupons: Sequence[Coupon] = (),
    currency: str | None = None,
) -> None:
    """Raise where rate cards of one account have two currencies, and it names none that it pays in.

    Or where an amount has more decimal places than the currency.
    """
    known = {each.rate_card: currencies[each.rate_card] for each in terms if each.rate_card in currencies}
    paid_in = {currency} if currency else set(known.values())
    if len(paid_in) > 1:
        what = (
            "its rate cards are in different currencies "
            f"({', '.join(f'{card} {currency}' for card, currency in known.items())}); an account has one currency: "
            'write in which it pays, such as currency = "EUR"'
        )
        raise account.refusal(what)
    for paid in paid_in:
        digits = minor_unit_digits(paid)
        amounts = [("minimum_commitment", each.minimum_commitment) for each in terms]
        amounts += [("spend_cap", each.spend_cap) for each in terms if each.spend_cap is not None]
        amounts += [("seat_price", each.seat_price) for each in terms]
        amounts += [("yearly_commitment", each.yearly_commitment) for each in terms]
        amounts += [(f"amount of credit {grant.id!r}", grant.amount) for grant in grants]
        amounts += [(f"rollover_max of credit {each.id!r}", each.rollover_max) for each in grants if each.rollover_max]
        amounts += [(f"amount of item {item.id!r}", item.amount) for item in items]
        amounts += [(f"amount of coupon {each.id!r}", each.amount) for each in coupons if each.amount is not None]
        for what, amount in amounts:
            try:
                refuse_fraction_digits(f"{what} in {paid}", amount, digits)
            except ConfigurationError as wrong:
                raise account.refusal(str(wrong)) from wrong


def refuse_unknown_models(
    account: Table, terms: Sequence[Terms], models: Collection[str] | None, grants: Sequence[CreditGrant] = ()
) -> None:
    """Raise where included tokens are of something that is neither a meter nor a model of any rate card.

    Nobody would ever get them. Likewise for a grant that pays for such a model.
    """
    for grant in grants:
        for model in grant.models:
            if models is not None and model not in models:
                what = f"credit {grant.id!r} is for {model!r}, which is no model of a rate card; aliases do not count"
                raise account.refusal(what)
    for name in [name for each in terms for name in each.included_tokens]:
        meters = [meter.value for meter in Meter]
        if models is not None and name not in meters and name not in models:
            what = (
                f"included_tokens of {name!r}, which is no meter ({', '.join(meters)}) and no model of a rate card; "
                "aliases do not count"
            )
            raise account.refusal(what)


@cache
def _without_terms(rate_card: str) -> Terms:
    """Return the terms of an account that says nothing of them; most say little, and many are of one workspace."""
    return Terms(from_date=None, rate_card=rate_card)


def _terms(table: Table, from_date: date | None, *, before: Terms) -> Terms:
    try:
        terms = Terms(
            from_date=from_date,
            rate_card=table.text("rate_card", before.rate_card),
            discount_percent=number(table, "discount_percent", before.discount_percent),
            minimum_commitment=number(table, "minimum_commitment", before.minimum_commitment),
            yearly_commitment=number(table, "yearly_commitment", before.yearly_commitment),
            overage_percent=number(table, "overage_percent", before.overage_percent),
            included_tokens=table.table("included_tokens").values
            if "included_tokens" in table.values
            else before.included_tokens,
            spend_cap=number(table, "spend_cap", Decimal(0)) if "spend_cap" in table.values else before.spend_cap,
            fee_without_usage=table.flag("fee_without_usage", default=before.fee_without_usage),
            seats=table.integer("seats", default=before.seats, smallest=0, greatest=SEATS_MAX),
            seat_price=number(table, "seat_price", before.seat_price),
            proration=_proration(table, before.proration),
            billed_by=_billed_by(table, before.billed_by),
        )
    except ConfigurationError as wrong:
        raise wrong if str(wrong).startswith(table.file) else table.refusal(str(wrong)) from wrong
    if (
        "overage_percent" in table.values
        and terms.has_overage
        and not (terms.minimum_commitment or terms.yearly_commitment)
    ):
        what = (
            f"overage_percent is {terms.overage_percent}, and nothing is committed that usage could be beyond; write "
            "minimum_commitment or yearly_commitment with it"
        )
        raise table.refusal(what)
    return terms


def _proration(table: Table, default: Proration) -> Proration:
    stated = table.text("proration", default.value)
    if stated not in list(Proration):
        what = f'proration is {stated!r}; it must be "days", or "none" for all that the first day of a month says'
        raise table.refusal(what)
    return Proration(stated)


def _billed_by(table: Table, default: BillingInterval) -> BillingInterval:
    stated = table.text("billing_interval", default.interval.value)
    if stated not in list(Interval):
        what = f'billing_interval is {stated!r}; it must be "month", "quarter" or "year"'
        raise table.refusal(what)
    start_month = table.integer(
        "billing_start_month", default=default.start_month, smallest=1, greatest=MONTHS_OF_A_YEAR
    )
    return BillingInterval(interval=Interval(stated), start_month=start_month)


def _item(table: Table) -> OneOffItem:
    table.allow_only("id", "date", "description", "amount")
    item_date = date_of(table, "date", is_required=True)
    try:
        return OneOffItem(
            id=table.text("id"),
            date=item_date or date.min,
            description=table.text("description"),
            amount=number(table, "amount", None),
        )
    except ConfigurationError as wrong:
        raise wrong if str(wrong).startswith(table.file) else table.refusal(str(wrong)) from wrong


def _recurs(table: Table) -> bool:
    if "recurs" not in table.values:
        return False
    if table.values["recurs"] != "month":
        what = f'recurs is {value_text(table.values["recurs"])}; it must be "month", or be left out'
        raise table.refusal(what)
    return True


def _coupon(table: Table) -> Coupon:
    table.allow_only("id", "from", "months", "percent", "amount")
    from_date = date_of(table, "from", is_required=True)
    months = table.integer("months", default=1, smallest=1, greatest=MONTHS_MAX) if "months" in table.values else None
    percent, amount = (number(table, key, None) if key in table.values else None for key in ("percent", "amount"))
    try:
        return Coupon(
            id=table.text("id"), from_date=from_date or date.min, months=months, percent=percent, amount=amount
        )
    except ConfigurationError as wrong:
        raise wrong if str(wrong).startswith(table.file) else table.refusal(str(wrong)) from wrong


def _grant(table: Table) -> CreditGrant:
    table.allow_only(*_GRANT_KEYS)
    rollover_percent, rollover_max = (
        number(table, key, None) if key in table.values else None for key in ("rollover_percent", "rollover_max")
    )
    granted_on = date_of(table, "granted_on", is_required=True)
    try:
        return CreditGrant(
            id=table.text("id"),
            amount=number(table, "amount", None),
            granted_on=granted_on or date.min,
            expires_on=date_of(table, "expires_on", is_required=False),
            priority=table.integer("priority", default=PRIORITY_DEFAULT, smallest=0, greatest=PRIORITY_MAX),
            models=table.texts("models") if "models" in table.values else (),
            recurs=_recurs(table),
            rollover_months=table.integer("rollover_months", default=0, smallest=0, greatest=ROLLOVER_MONTHS_MAX),
            rollover_percent=rollover_percent,
            rollover_max=rollover_max,
        )
    except ConfigurationError as wrong:
        raise wrong if str(wrong).startswith(table.file) else table.refusal(str(wrong)) from wrong


def number(table: Table, key: str, default: Decimal | None) -> Decimal:
    """Return an exact number; raise where it is missing and there is no default."""
    value = table.values.get(key, default)
    if value is None:
        what = f"{key} is missing; it is a number, such as 100.00"
        raise table.refusal(what)
    is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    if not is_number or not Decimal(value).is_finite() or abs(Decimal(value)) >= _AMOUNT_LIMIT:
        what = f"{key} is {value_text(value)}; write a number without quotes, such as 100.00"
        raise table.refusal(what)
    return Decimal(value)


def date_of(table: Table, key: str, *, is_required: bool) -> date | None:
    """Return a plain date."""
    value = table.values.get(key)
    if value is None and not is_required:
        return None
    if not isinstance(value, date) or isinstance(value, datetime) or value.year not in YEARS:
        said = "missing" if value is None else value_text(value)
        what = f"{key} is {said}; write a plain date such as 2026-10-01: it means a midnight in the account's time zone"
        raise table.refusal(what)
    return value
