"""Lines: what each kind may say, what is printed in which words, and which charges share one."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipeline.accounts import Account, ExchangeRate, TaxCategory
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing.lines import (
    CAPPED_KINDS,
    PERIOD_KINDS,
    SPENT_KINDS,
    TOKEN_KINDS,
    USED_KINDS,
    InvoiceLine,
    LineKind,
    is_of_usage,
    meter_and_rate,
    negated,
    numbered,
    part_text,
    plain_line,
    total_of,
)
from pipeline.invoicing.rules import Rules
from pipeline.invoicing.worth.usage_lines import line_place, printed_price, usage_lines
from pipeline.rating import Charge, exact_charge
from pipeline.usage import Meter

OCTOBER = BillingPeriod(year=2026, month=10)
ACME = Account(id="acme", name="Acme", timezone="UTC", rate_card="standard", key_ids=("k",))
PAID = ExchangeRate(currency="EUR", rate=Decimal("1.25"), on=date(2026, 10, 1))
TOKENS: dict[str, Any] = {
    "meter": Meter.PROMPT,
    "rate_per_million": Decimal(2),
    "first_usage_date": date(2026, 10, 1),
}


def line(kind: LineKind, **said: Any) -> InvoiceLine:
    stated = {"number": 7, "kind": kind, "exact_amount": Decimal(1), "amount": Decimal("1.00"), "description": "it"}
    return InvoiceLine(**stated | said)


def charge(quantity: int = 1_000_000, rate: str = "2", **said: Any) -> Charge:
    row: dict[str, Any] = {"account_id": "acme", "api_key_id": "k", "model": "m", "service_tier": "", "currency": "USD"}
    row |= {"meter": Meter.PROMPT, "usage_date": date(2026, 10, 10), "quantity": quantity}
    return Charge(**row | {"rate_per_million": Decimal(rate), "amount": exact_charge(quantity, Decimal(rate))} | said)


def lines_of(*charges: Charge, **said: Any) -> list[InvoiceLine]:
    terms: dict[str, Any] = {"account": ACME, "period": OCTOBER, "currency": "USD", "rounding": Rounding.HALF_UP}
    return usage_lines(charges, **terms | said)


def test_kinds_have_names_and_the_order_in_which_an_invoice_lists_them() -> None:
    assert [kind.value for kind in LineKind] == [
        "usage",
        "included",
        "limit",
        "fee",
        "commitment",
        "overage",
        "item",
        "coupon",
        "correction",
        "credit",
        "reduction",
        "tax",
    ]
    period_kinds = [LineKind(name) for name in ("usage", "included", "limit", "fee", "commitment", "overage", "item")]
    assert (*period_kinds, LineKind.COUPON) == PERIOD_KINDS
    assert (PERIOD_KINDS[:3], PERIOD_KINDS[:4], PERIOD_KINDS[:2]) == (USED_KINDS, SPENT_KINDS, TOKEN_KINDS)
    assert (*PERIOD_KINDS[:4], LineKind.OVERAGE) == CAPPED_KINDS


MAY: dict[LineKind, dict[str, Any]] = {
    LineKind.USAGE: TOKENS,
    LineKind.INCLUDED: TOKENS,
    LineKind.LIMIT: {},
    LineKind.FEE: {},
    LineKind.COMMITMENT: {},
    LineKind.OVERAGE: {},
    LineKind.ITEM: {},
    LineKind.COUPON: {},
    LineKind.CORRECTION: {"original_period": OCTOBER, "original_kind": LineKind.FEE},
    LineKind.CREDIT: {"credit_id": "g"},
    LineKind.REDUCTION: {"original_kind": LineKind.FEE, "credits_line": 3},
    LineKind.TAX: {},
}
"""The least that a line of each kind has to say."""


@pytest.mark.parametrize("kind", LineKind)
def test_the_least_that_a_kind_says_is_enough_and_each_part_of_it_is_needed(kind: LineKind) -> None:
    least = line(kind, **MAY[kind])
    for name in MAY[kind]:
        empty = "" if name == "credit_id" else None
        with pytest.raises(ValueError, match=f"line 7 is a {kind} line"):
            replace(least, **{name: empty})


@pytest.mark.parametrize("kind", LineKind)
@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ({"rate_per_million": Decimal(2)}, TOKEN_KINDS),
        ({"meter": Meter.PROMPT}, (*TOKEN_KINDS, LineKind.CORRECTION, LineKind.REDUCTION)),
        ({"original_period": OCTOBER}, (LineKind.CORRECTION, LineKind.REDUCTION)),
        ({"original_kind": LineKind.USAGE}, (LineKind.CORRECTION, LineKind.REDUCTION)),
        ({"taxed_as": LineKind.FEE}, (LineKind.COUPON,)),
        ({"credits_line": 3}, (LineKind.REDUCTION,)),
        ({"credit_id": "g"}, (LineKind.CREDIT,)),
        ({"tax_category": TaxCategory.STANDARD, "tax_rate": Decimal(19), "tax_base": Decimal(5)}, (LineKind.TAX,)),
    ],
    ids=str,
)
def test_what_is_of_some_kinds_is_refused_on_all_others(
    kind: LineKind, said: dict[str, Any], kinds: tuple[LineKind, ...]
) -> None:
    least = line(kind, **MAY[kind])
    if kind in kinds:
        assert all(getattr(replace(least, **said), name) == value for name, value in said.items())
        return
    with pytest.raises(ValueError, match=f"line 7 is a {kind} line"):
        replace(least, **said)


def test_what_corrects_a_coupon_may_be_taxed_as_the_coupon_is() -> None:
    for kind in (LineKind.CORRECTION, LineKind.REDUCTION):
        least = line(kind, **MAY[kind] | {"original_kind": LineKind.COUPON})
        assert replace(least, taxed_as=LineKind.FEE).taxed_as is LineKind.FEE


@pytest.mark.parametrize("left_out", ["tax_category", "tax_rate", "tax_base"])
def test_a_tax_line_states_all_of_its_tax_or_nothing(left_out: str) -> None:
    whole = {"tax_category": TaxCategory.STANDARD, "tax_rate": Decimal(19), "tax_base": Decimal(5)}
    assert line(LineKind.TAX, **whole).tax_rate == 19
    with pytest.raises(ValueError, match="line 7 is a tax line and states a part of a tax of its own"):
        line(LineKind.TAX, **whole | {left_out: None})


def test_a_line_of_which_nothing_more_is_said_says_nothing_more() -> None:
    stated = {"number", "kind", "exact_amount", "amount", "description"}
    made = line(LineKind.FEE)
    rest = {each.name: getattr(made, each.name) for each in fields(made) if each.name not in stated}
    texts = {"api_key_id", "model", "service_tier", "entry", "item", "credit_id", "tags", "account_id"}
    assert rest == {name: "" if name in texts else 0 if name == "quantity" else None for name in rest}


def test_a_plain_line_is_about_no_tokens_and_rounded_once() -> None:
    made = plain_line(
        LineKind.CREDIT, Decimal("-2.3450"), "it", currency="USD", rounding=Rounding.HALF_EVEN, credit_id="g"
    )
    assert (made.number, made.kind, str(made.exact_amount), str(made.amount)) == (0, LineKind.CREDIT, "-2.345", "-2.34")
    assert (made.description, made.credit_id, made.meter, made.quantity) == ("it", "g", None, 0)
    assert plain_line(LineKind.FEE, Decimal(1), "it", currency="JPY", rounding=Rounding.HALF_UP).credit_id == ""


def test_lines_are_numbered_from_one_in_their_order_and_those_that_have_their_number_stay() -> None:
    first, second = line(LineKind.FEE, number=1), line(LineKind.ITEM, number=1)
    found = numbered([first, second])
    assert ([each.number for each in found], found[0] is first, found[1].kind) == ([1, 2], True, LineKind.ITEM)
    assert numbered([]) == ()


def test_a_negated_line_takes_back_tokens_amounts_and_what_a_tax_is_on_and_says_the_rest() -> None:
    whole = {"tax_category": TaxCategory.STANDARD, "tax_rate": Decimal(19), "tax_base": Decimal("5.00")}
    usage = line(LineKind.USAGE, **TOKENS, quantity=5)
    tax = line(LineKind.TAX, **whole)
    assert negated(usage) == replace(usage, quantity=-5, exact_amount=Decimal(-1), amount=Decimal("-1.00"))
    assert negated(tax) == replace(tax, exact_amount=Decimal(-1), amount=Decimal("-1.00"), tax_base=Decimal("-5.00"))
    assert str(negated(tax).tax_base) == "-5.00"
    assert negated(line(LineKind.TAX)).tax_base is None
    zero = replace(usage, exact_amount=Decimal(0), amount=Decimal("0.00"))
    assert [str(each) for each in (negated(zero).exact_amount, negated(zero).amount)] == ["0", "0.00"]
    for each in (usage, tax, zero):
        assert negated(negated(each)) == each


def test_totals_are_of_the_kinds_that_are_named_and_of_all_where_none_is() -> None:
    some = [line(LineKind.FEE, amount=Decimal(1)), line(LineKind.ITEM, amount=Decimal(2))]
    some.append(line(LineKind.TAX, amount=Decimal(4)))
    assert total_of(some) == 7
    assert [total_of(some, kind) for kind in (LineKind.FEE, LineKind.ITEM, LineKind.TAX, LineKind.USAGE)] == [
        1,
        2,
        4,
        0,
    ]
    assert total_of(some, LineKind.FEE, LineKind.TAX) == 5


def test_only_lines_of_usage_have_events_and_only_lines_of_tokens_a_meter_and_a_rate() -> None:
    for kind in LineKind:
        made = line(kind, **MAY[kind])
        assert is_of_usage(made) is (kind is LineKind.USAGE)
        if kind in TOKEN_KINDS:
            assert meter_and_rate(made) == (Meter.PROMPT, 2)
        else:
            with pytest.raises(ValueError, match=f"line 7 is a {kind} line and has no meter or no rate"):
                meter_and_rate(made)


def test_a_part_that_is_taxed_as_a_kind_says_so() -> None:
    assert (part_text(LineKind.FEE), part_text(None)) == (", part taxed as fee", "")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({}, "m prompt tokens at 2.00 USD per million"),
        ({"service_tier": "flex"}, "m prompt tokens, flex tier, at 2.00 USD per million"),
        ({"list_rate": "2.5"}, "m prompt tokens at 2.00 USD per million (list price 2.50)"),
        ({"meter": Meter.REQUEST, "rate": "20000"}, "m requests at 0.02 USD each"),
        (
            {"meter": Meter.REQUEST, "rate": "20000", "list_rate": "30000"},
            "m requests at 0.02 USD each (list price 0.03)",
        ),
        (
            {"package": 1_000, "rate": "2000", "list_rate": "3000"},
            "m prompt tokens in packages of 1000 at 2.00 USD for each that was begun (list price 3.00)",
        ),
        (
            {"meter": Meter.REQUEST, "package": 10, "rate": "100000"},
            "m requests in packages of 10 at 1.00 USD for each that was begun",
        ),
        ({"exchange": PAID}, "m prompt tokens at 2.00 USD per million (1.60 EUR at 1.25 of 2026-10-01)"),
        (
            {"exchange": PAID, "list_rate": "4"},
            "m prompt tokens at 2.00 USD per million (list price 4.00) (1.60 EUR at 1.25 of 2026-10-01)",
        ),
        ({"flat": "5", "rate": "0"}, "m prompt tokens at 5.00 USD flat for each tier that was reached"),
        ({"flat": "0", "rate": "0"}, "m prompt tokens at 0.00 USD flat for each tier that was reached"),
        (
            {"flat": "5", "rate": "0", "exchange": PAID, "service_tier": "b"},
            "m prompt tokens, b tier, at 5.00 USD flat for each tier that was reached (4.00 EUR at 1.25 of 2026-10-01)",
        ),
    ],
    ids=lambda each: "" if isinstance(each, str) else str(each),
)
def test_a_line_says_its_price_in_words(said: dict[str, Any], text: str) -> None:
    def number(name: str) -> Any:
        return Decimal(said[name]) if name in said else None

    found = printed_price(
        "m",
        said.get("service_tier", ""),
        said.get("meter", Meter.PROMPT),
        number("rate") if "rate" in said else Decimal(2),
        number("list_rate"),
        said.get("package"),
        number("flat"),
        "USD",
        said.get("exchange"),
    )
    assert found.description == text
    assert found.list_rate_per_million == (number("list_rate") if "flat" not in said else None)


def test_rates_are_printed_with_two_decimal_places_and_list_rates_too() -> None:
    found = printed_price("m", "", Meter.PROMPT, Decimal("2.5"), Decimal(3), None, None, "USD")
    assert (str(found.rate_per_million), str(found.list_rate_per_million)) == ("2.50", "3.00")


APART: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"api_key_id": "a"}, {"api_key_id": "b"}),
    ({"model": "a"}, {"model": "b"}),
    ({"service_tier": ""}, {"service_tier": "flex"}),
    ({"meter": Meter.PROMPT}, {"meter": Meter.PROMPT_CACHED}),
    ({"rate": "1"}, {"rate": "2"}),
    ({"package_tokens": None}, {"package_tokens": 5}),
    ({"flat_amount": None}, {"flat_amount": Decimal(1)}),
    ({"exchange": None}, {"exchange": PAID}),
    ({"exchange": PAID}, {"exchange": replace(PAID, on=date(2026, 10, 2))}),
    ({"entry": None}, {"entry": "e"}),
]


@pytest.mark.parametrize(("one", "other"), APART, ids=str)
def test_charges_that_differ_in_what_a_line_says_are_on_lines_of_their_own_in_one_order(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, last = charge(3, **one), charge(5, **other)
    for given in ([first, last], [last, first]):
        found = lines_of(*given)
        assert [(each.number, each.quantity) for each in found] == [(1, 3), (2, 5)]
    alike = lines_of(first, replace(first, usage_date=date(2026, 10, 31), rated_at=None, prompt_band=9))
    assert [(each.number, each.quantity) for each in alike] == [(1, 6)]


ORDER = ["api_key_id", "model", "service_tier", "meter", "flat_amount", "usage_date", "rate"]


@pytest.mark.parametrize(("earlier", "later"), list(itertools.pairwise(ORDER)))
def test_what_comes_first_in_the_order_of_lines_decides_before_what_comes_after(earlier: str, later: str) -> None:
    low: dict[str, Any] = {
        "api_key_id": "a",
        "model": "a",
        "service_tier": "",
        "meter": Meter.PROMPT,
        "flat_amount": None,
    }
    low |= {"usage_date": date(2026, 10, 1), "rate": "1"}
    high: dict[str, Any] = {"api_key_id": "b", "model": "b", "service_tier": "b", "meter": Meter.COMPLETION}
    high |= {"flat_amount": Decimal(1), "usage_date": date(2026, 10, 2), "rate": "2"}
    first = charge(3, **low | {later: high[later]})
    last = charge(5, **low | {earlier: high[earlier]})
    found = lines_of(last, first)
    assert [each.quantity for each in found] == [3, 5]


def test_a_list_price_is_printed_where_all_of_a_line_has_it_and_parted_lines_by_the_first_rules() -> None:
    plain, dear, dearer = (charge(1, list_rate_per_million=each and Decimal(each)) for each in (None, "3", "4"))
    for given, listed in (((dear, dear), 3), ((plain, dear), None), ((dear, dearer), None), ((plain, plain), None)):
        (found,) = lines_of(*given)
        assert found.list_rate_per_million == listed
    parted = lines_of(dearer, plain, dear, rules=Rules.FIRST)
    assert [each.list_rate_per_million for each in parted] == [None, 3, 4]
    assert len(lines_of(dearer, plain, dear, rules=Rules.SECOND)) == 1


def test_a_line_sums_tokens_and_exact_amounts_and_says_what_all_of_its_charges_have_in_common() -> None:
    same: dict[str, Any] = {"service_tier": "flex", "entry": "e", "package_tokens": None, "exchange": PAID}
    (found,) = lines_of(
        charge(2_500, usage_date=date(2026, 10, 9), **same),
        charge(2_500, usage_date=date(2026, 10, 5), **same),
        tags={"k": "team=a"},
    )
    assert (found.quantity, found.exact_amount, str(found.amount)) == (5_000, Decimal("0.01"), "0.01")
    assert (found.first_usage_date, found.service_tier, found.entry) == (date(2026, 10, 5), "flex", "e")
    assert (found.exchange, found.tags, found.kind, found.number) == (PAID, "team=a", LineKind.USAGE, 1)
    assert (found.item, found.period, found.flat_amount) == ("", None, None)
    (bare,) = lines_of(charge(1), tags={"another": "team=b"})
    assert (bare.tags, bare.entry, bare.exchange) == ("", "", None)


def test_a_tier_that_was_reached_makes_a_line_also_without_tokens_and_tokens_alone_decide_its_first_day() -> None:
    flat = charge(0, "0", flat_amount=Decimal("5.00"), amount=Decimal("5.00"))
    (found,) = lines_of(flat)
    assert (found.quantity, str(found.amount), str(found.flat_amount)) == (0, "5.00", "5")
    assert lines_of(charge(0)) == []
    (of_one,) = lines_of(charge(0, usage_date=date(2026, 10, 1)), charge(1, usage_date=date(2026, 10, 2)))
    assert of_one.first_usage_date == date(2026, 10, 2)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"account_id": "bolt"}, "a charge of 'bolt' on 2026-10-10 in USD"),
        ({"usage_date": date(2026, 11, 1)}, "a charge of 'acme' on 2026-11-01 in USD"),
        ({"currency": "EUR"}, "a charge of 'acme' on 2026-10-10 in EUR"),
    ],
)
def test_a_charge_that_is_no_part_of_an_invoice_is_named(said: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match="is no part of") as refused:
        lines_of(charge(1, **said))
    assert str(refused.value) == f"{what} is no part of the 2026-10 invoice of 'acme' in USD"


@pytest.mark.parametrize("rules", Rules)
def test_a_line_has_the_place_of_each_of_its_charges(rules: Rules) -> None:
    for said in ({}, {"entry": "e"}, {"list_rate_per_million": Decimal(3)}, {"package_tokens": 5}, {"exchange": PAID}):
        mine = charge(1, **said)
        (found,) = lines_of(mine, rules=rules)
        assert line_place(found, rules) == line_place(mine, rules)
    listed = [charge(1, list_rate_per_million=Decimal(each)) for each in (3, 4)]
    assert (line_place(listed[0], rules) == line_place(listed[1], rules)) is (rules is not Rules.FIRST)
