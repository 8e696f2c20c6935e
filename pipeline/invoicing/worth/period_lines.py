"""What a period is worth.

Its usage lines (``usage_lines``), less included tokens, within the minimum and the maximum of the card's entries, the
monthly fee and seats (``recurring_lines``), raised to the minimum commitment (with the last period of a year, to that
of the year), at another price beyond it (``overage``), and one-off items, less coupons.

Owns included tokens, the lines of limits, the commitments' true-ups, items and coupons. Does not own which terms hold
(``pipeline.accounts.terms``): those in force on the period's first day hold for all of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.base.money import exact_arithmetic, exact_sum, normalised, plain, rounded_to_minor_unit
from pipeline.invoicing.lines import SPENT_KINDS, LineKind, meter_and_rate, part_text, plain_line, total_of
from pipeline.invoicing.tax import split_in_proportion, taxed_kind
from pipeline.invoicing.worth.overage import overage_lines
from pipeline.invoicing.worth.recurring_lines import YEAR, commitment_of, fee_lines, seat_lines
from pipeline.rating import exact_charge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from pipeline.accounts import Account, Coupon, OneOffItem, Tax, TermsInForce
    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing.lines import InvoiceLine
    from pipeline.invoicing.worth.recurring_lines import Commitment, YearSoFar
    from pipeline.rates.limits import EntryLimit


def period_lines(
    usage: Iterable[InvoiceLine],
    *,
    account: Account,
    period: BillingPeriod,
    currency: str,
    rounding: Rounding,
    card_fees: Mapping[str, Decimal] | None = None,
    limits: Mapping[str, EntryLimit] | None = None,
    due: Sequence[TermsInForce] | None = None,
    has_usage: bool = True,
    items: Iterable[OneOffItem] = (),
    to_settle: YearSoFar | None = None,
    year_so_far: YearSoFar | None = None,
) -> list[InvoiceLine]:
    """Return all that an account owes for a period before corrections, credits and tax.

    ``numbered`` gives all their numbers.

    ``usage`` are the usage lines, in order; ``card_fees`` are monthly fees by rate card; ``limits`` are those of the
    entries that usage lines name; ``due`` are the terms by which something is owed without usage, since usage has
    reached the period (all that are in force where it is not given); ``items`` are the one-off items of the period;
    ``to_settle`` is the year of the contract that ends with it; ``year_so_far`` the one that it lies in, where its
    terms have a price for usage beyond a commitment.
    """
    in_force = account.terms_in_force(period)
    due = in_force if due is None else due
    terms = account.terms_on(period.first_date)
    lines = list(usage)
    lines += included_lines(lines, terms.included_tokens, currency=currency, rounding=rounding)
    lines += limit_lines(lines, limits or {}, currency=currency, rounding=rounding)
    owing_fees = in_force if has_usage else [each for each in due if each.terms.fee_without_usage]
    lines += fee_lines(owing_fees, card_fees or {}, period, currency=currency, rounding=rounding)
    lines += seat_lines(due, period, currency=currency, rounding=rounding)
    commitment = commitment_of(due, period, currency=currency, rounding=rounding)
    lines += commitment_lines(lines, commitment, currency=currency, rounding=rounding)
    if to_settle is not None:
        lines += year_lines(lines, to_settle, account, currency=currency, rounding=rounding)
    lines += overage_lines(
        lines, commitment, due, account, year_so_far=year_so_far, currency=currency, rounding=rounding
    )
    lines += item_lines(items, currency=currency, rounding=rounding)
    coupons = [coupon for coupon in account.coupons if coupon.is_of(period)]
    lines += coupon_lines(lines, coupons, tax=account.tax_of(period), currency=currency, rounding=rounding)
    return lines


def included_lines(
    lines: Sequence[InvoiceLine], included_tokens: Mapping[str, int], *, currency: str, rounding: Rounding
) -> list[InvoiceLine]:
    """Take included tokens off usage lines, in the order of the lines, each at the rate of the line it meets.

    Tokens are included by meter or by model; where both fit a line, the model's are used up first. Of 1,000,000
    included prompt tokens, a line of 600,000 tokens at 2.00 takes 600,000 (-1.20), and the next one, of 900,000 at
    1.00, the other 400,000 (-0.40). Requests are no tokens, and of packages no single token has a price: both are left
    out. Raises ``ValueError`` for a line of another kind.
    """
    left = dict(included_tokens)
    found = []
    for line in lines if left else ():
        meter, rate_per_million = meter_and_rate(line)
        if not meter.is_of_tokens or line.package_tokens is not None:
            continue
        taken = 0
        for name in (line.model, meter.value):
            part = min(left.get(name, 0), line.quantity - taken)
            if part:
                left[name] -= part
                taken += part
        if taken:
            exact = normalised(-exact_charge(taken, rate_per_million))
            found.append(
                replace(
                    line,
                    kind=LineKind.INCLUDED,
                    quantity=-taken,
                    exact_amount=exact,
                    amount=rounded_to_minor_unit(exact, currency, rounding),
                    description=f"{taken} {line.model} {meter.spec.text} included",
                )
            )
    return found


def limit_lines(
    lines: Sequence[InvoiceLine], limits: Mapping[str, EntryLimit], *, currency: str, rounding: Rounding
) -> list[InvoiceLine]:
    """Raise what the lines of each entry sum to, as printed, to its minimum, or take off what is above its maximum.

    Of an entry with a maximum of 500.00 whose lines print 620.10, a line of -120.10: it costs 500.00 to the cent,
    however its lines were rounded. One without lines is owed nothing: its minimum is that of usage.
    """
    found = []
    for name in sorted({line.entry for line in lines} - {""}):
        limit, printed = limits[name], total_of(line for line in lines if line.entry == name)
        word, owed = limit.applied_to(printed)
        if owed == printed:
            continue
        texts = [plain(rounded_to_minor_unit(each, currency, rounding)) for each in (owed, printed)]
        description = f"{word} of {texts[0]} {currency} for {limit.text}, instead of {texts[1]}"
        difference = exact_sum([owed, -printed])
        line = plain_line(LineKind.LIMIT, difference, description, currency=currency, rounding=rounding)
        found.append(replace(line, model=limit.model, service_tier=limit.service_tier, entry=name))
    return found


def commitment_lines(
    lines: Iterable[InvoiceLine], commitment: Commitment, *, currency: str, rounding: Rounding
) -> list[InvoiceLine]:
    """Raise what was spent to the minimum commitment.

    With 100.00 agreed and 70.25 spent, one line of 29.75; with 100.00 spent or more, none.
    """
    spent = total_of(lines, *SPENT_KINDS)
    missing = exact_sum([commitment.amount, -spent])
    if missing <= 0 or not commitment.amount:
        return []
    agreed = plain(rounded_to_minor_unit(commitment.amount, currency, rounding))
    by_days = f" ({commitment.days_text})" if commitment.days_text else ""
    printed = plain(rounded_to_minor_unit(spent, currency, rounding))
    description = f"minimum commitment of {agreed} {currency}{by_days}, less {printed} of usage and fees"
    return [plain_line(LineKind.COMMITMENT, missing, description, currency=currency, rounding=rounding)]


def year_lines(
    lines: Iterable[InvoiceLine], to_settle: YearSoFar, account: Account, *, currency: str, rounding: Rounding
) -> list[InvoiceLine]:
    """Raise what was spent in a year of a contract to its commitment, once.

    With 1,200.00 agreed, 900.00 spent in eleven months and 100.00 in the last, one line of 200.00.
    """
    year = to_settle.year
    commitment = commitment_of(account.terms_in_force(year), year, currency=currency, rounding=rounding)
    spent = exact_sum([to_settle.spent_before, total_of(lines, *SPENT_KINDS)])
    missing = exact_sum([commitment.amount, -spent])
    if missing <= 0 or not commitment.amount:
        return []
    agreed, printed = (plain(rounded_to_minor_unit(each, currency, rounding)) for each in (commitment.amount, spent))
    by_days = f" ({commitment.days_text})" if commitment.days_text else ""
    months = f"{account.month_of(year.first_date)} to {year.settled_in}"
    description = f"yearly commitment of {agreed} {currency}{by_days}, less {printed} of usage and fees of {months}"
    line = plain_line(LineKind.COMMITMENT, missing, description, currency=currency, rounding=rounding)
    return [replace(line, item=YEAR)]


def item_lines(items: Iterable[OneOffItem], *, currency: str, rounding: Rounding) -> list[InvoiceLine]:
    """Charge one-off items, by date."""
    return [
        replace(
            plain_line(
                LineKind.ITEM, item.amount, f"{item.description} ({item.date})", currency=currency, rounding=rounding
            ),
            item=item.id,
        )
        for item in sorted(items, key=lambda item: (item.date, item.id))
    ]


def coupon_lines(
    lines: Sequence[InvoiceLine], coupons: Iterable[Coupon], *, tax: Tax | None, currency: str, rounding: Rounding
) -> list[InvoiceLine]:
    """Take coupons off what a period is worth, one after the other, and never more than is left of it.

    Of 131.00, a coupon of 20 percent takes 26.20, and one of 50.00 after it 50.00. Where kinds of lines have taxes of
    their own, it is a line for each tax of what is left, in proportion (``split_in_proportion``).
    """
    found: list[InvoiceLine] = []
    owed = total_of(lines)
    for coupon in coupons:
        if owed <= 0:
            break
        printed = plain(rounded_to_minor_unit(owed, currency, rounding))
        if coupon.percent is not None:
            with exact_arithmetic():
                taken = owed * coupon.percent / 100
            description = f"coupon {coupon.id}: {plain(normalised(coupon.percent))}% of {printed} {currency}"
        else:
            taken = min(coupon.amount or owed, owed)
            description = f"coupon {coupon.id}"
        line = plain_line(LineKind.COUPON, -taken, description, currency=currency, rounding=rounding)
        found += _parts(replace(line, item=coupon.id), [*lines, *found], tax, currency=currency, rounding=rounding)
        owed = exact_sum([owed, line.amount])
    return found


def _parts(
    coupon: InvoiceLine, lines: Sequence[InvoiceLine], tax: Tax | None, *, currency: str, rounding: Rounding
) -> Iterator[InvoiceLine]:
    """Split what a coupon takes off lines over their taxes, where there can be several."""
    if tax is None or not tax.by_kind:
        yield coupon
        return
    by_tax: dict[LineKind, list[InvoiceLine]] = {}
    for line in lines:
        by_tax.setdefault(LineKind(tax.kind_taxed_like(taxed_kind(line))), []).append(line)
    totals = {kind: total_of(by_tax[kind]) for kind in LineKind if kind in by_tax}
    if len(totals) == 1:
        (kind,) = totals
        yield replace(coupon, taxed_as=kind)
        return
    for kind, part in zip(totals, split_in_proportion(coupon.amount, list(totals.values()), currency), strict=True):
        if part:
            yield replace(
                coupon,
                exact_amount=normalised(part),
                amount=rounded_to_minor_unit(part, currency, rounding),
                description=coupon.description + part_text(kind),
                taxed_as=kind,
            )
