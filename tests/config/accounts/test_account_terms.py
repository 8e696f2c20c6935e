"""accounts.toml: terms, credits, tax, keys that move and tags, and refusals that name file, table and value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pipeline.accounts import (
    BankDetails,
    CreditGrant,
    KeyPeriod,
    Letterhead,
    OneOffItem,
    Party,
    Proration,
    Tax,
    TaxCategory,
    Terms,
)
from pipeline.base.errors import AccountsError, ConfigurationError
from pipeline.base.periods import BillingPeriod
from pipeline.configuration.accounts.accounts_file import read_accounts
from pipeline.configuration.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.accounts import Accounts

ACME = '[[accounts]]\nid = "acme"\nname = "Acme"\ntimezone = "Europe/Berlin"\nkeys = ["key_1"]\n'
CURRENCIES = {"standard": "USD", "premium": "USD", "euro": "EUR", "yen": "JPY"}


def accounts(workspace: Path, text: str) -> Accounts:
    (workspace / "accounts.toml").write_text(text, encoding="utf-8")
    return read_accounts(
        workspace, timezone="UTC", rate_card_ids=CURRENCIES, currencies=CURRENCIES, models=["jamba-large"]
    )


def test_what_later_terms_do_not_say_stays_as_it_was(tmp_path: Path) -> None:
    text = ACME + (
        'discount_percent = 5\nspend_cap = 900\n[[accounts.terms]]\nfrom = 2026-10-01\nrate_card = "premium"\n'
        "minimum_commitment = 100.50\n"
        "[[accounts.terms]]\nfrom = 2027-01-01\ndiscount_percent = 0\nincluded_tokens = { prompt = 1_000 }\n"
    )
    (acme,) = accounts(tmp_path, text)
    first = Terms(from_date=None, rate_card="standard", discount_percent=Decimal(5), spend_cap=Decimal(900))
    second = Terms(
        from_date=date(2026, 10, 1),
        rate_card="premium",
        discount_percent=Decimal(5),
        minimum_commitment=Decimal("100.50"),
        spend_cap=Decimal(900),
    )
    assert acme.terms[:2] == (first, second)
    assert (acme.terms[2].discount_percent, acme.terms[2].minimum_commitment, dict(acme.terms[2].included_tokens)) == (
        0,
        Decimal("100.50"),
        {"prompt": 1_000},
    )
    assert [acme.terms_on(day).rate_card for day in (date(2026, 9, 30), date(2026, 10, 1))] == ["standard", "premium"]


def test_seats_fees_parts_of_months_and_items_are_read(tmp_path: Path) -> None:
    text = ACME + (
        "begins_on = 2026-10-16\nends_on = 2027-10-16\nseats = 5\nseat_price = 20.00\nfee_without_usage = true\n"
        '[[accounts.terms]]\nfrom = 2026-11-01\nseats = 8\nproration = "days"\n'
        '[[accounts.items]]\nid = "setup"\ndate = 2026-10-20\ndescription = "Setup"\namount = -5.50\n'
    )
    (acme,) = accounts(tmp_path, text)
    assert (acme.begins_on, acme.ends_on) == (date(2026, 10, 16), date(2027, 10, 16))
    assert [(each.seats, each.seat_price, each.fee_without_usage, each.proration) for each in acme.terms] == [
        (5, 20, True, Proration.NONE),
        (8, 20, True, Proration.DAYS),
    ]
    item = OneOffItem(id="setup", date=date(2026, 10, 20), description="Setup", amount=Decimal("-5.50"))
    assert acme.items == (item,)


def test_intervals_of_billing_are_read_and_stay_until_another_begins(tmp_path: Path) -> None:
    text = ACME + (
        'billing_interval = "quarter"\nbilling_start_month = 2\n'
        "[[accounts.terms]]\nfrom = 2026-06-15\ndiscount_percent = 5\n"
        '[[accounts.terms]]\nfrom = 2026-08-01\nbilling_interval = "month"\n'
        '[[accounts.terms]]\nfrom = 2027-01-01\nbilling_interval = "year"\nbilling_start_month = 1\n'
    )
    (acme,) = accounts(tmp_path, text)
    months = [BillingPeriod(year=2026, month=month) for month in (1, 2, 7, 8, 12)] + [BillingPeriod(year=2027, month=3)]
    assert [str(acme.period_of(month)) for month in months] == [
        "2025-11--2026-01",
        "2026-02--2026-04",
        "2026-05--2026-07",
        "2026-08",
        "2026-12",
        "2027",
    ]


def test_months_of_an_account_begin_on_its_billing_day(tmp_path: Path) -> None:
    text = ACME + 'billing_day = 15\nbilling_interval = "quarter"\nbegins_on = 2026-10-15\nyearly_commitment = 100\n'
    (acme,) = accounts(tmp_path, text)
    days = (date(2026, 10, 14), date(2026, 10, 15), date(2027, 1, 14), date(2027, 1, 15))
    assert [str(acme.month_of(day)) for day in days] == ["2026-09-15", "2026-10-15", "2026-12-15", "2027-01-15"]
    assert [str(acme.period_of(acme.month_of(day))) for day in days] == [
        "2026-07-15--2026-10-14",
        "2026-10-15--2027-01-14",
        "2026-10-15--2027-01-14",
        "2027-01-15--2027-04-14",
    ]


def test_grants_and_coupons_are_read(tmp_path: Path) -> None:
    text = (
        ACME
        + CREDIT
        + (
            'priority = 3\nmodels = ["jamba-large"]\nrecurs = "month"\nrollover_months = 2\n'
            '[[accounts.coupons]]\nid = "k"\nfrom = 2026-10-15\nmonths = 3\npercent = 12.5\n'
        )
    )
    (acme,) = accounts(tmp_path, text)
    (grant,), (coupon,) = acme.credits, acme.coupons
    assert (grant.priority, grant.models, grant.recurs, grant.rollover_months) == (3, ("jamba-large",), True, 2)
    months = [BillingPeriod(year=2026, month=month) for month in (9, 10, 12)] + [BillingPeriod(year=2027, month=1)]
    assert (coupon.percent, [coupon.is_of(month) for month in months]) == (Decimal("12.5"), [False, True, True, False])


def test_credits_tax_and_particulars_are_read(tmp_path: Path) -> None:
    text = ACME + (
        'tax = { rate = 19.0, label = "VAT" }\npayment_terms_days = 30\naddress = "Street 1\\n10115 Berlin"\ntax_id = '
        '"DE1"\npurchase_order = "PO-1"\n'
        '[[accounts.credits]]\nid = "welcome"\namount = 20\ngranted_on = 2026-09-01\nexpires_on = 2027-01-01\n'
    )
    (acme,) = accounts(tmp_path, text)
    assert acme.tax == Tax(rate=Decimal("19.0"), label="VAT")
    assert (acme.payment_terms_days, acme.buyer, acme.purchase_order) == (
        30,
        Party(address="Street 1\n10115 Berlin", tax_id="DE1"),
        "PO-1",
    )
    assert acme.credits == (
        CreditGrant(id="welcome", amount=Decimal(20), granted_on=date(2026, 9, 1), expires_on=date(2027, 1, 1)),
    )


def test_a_tax_holds_for_months_that_end_on_or_after_its_day_until_it_is_ended(tmp_path: Path) -> None:
    later = (
        "[[accounts.terms]]\nfrom = 2026-10-31\ntax = { rate = 21 }\n[[accounts.terms]]\nfrom = 2026-12-01\n"
        "discount_percent = 1\n"
    )
    (acme,) = accounts(
        tmp_path, ACME + "tax = { rate = 19 }\n" + later + "[[accounts.terms]]\nfrom = 2027-02-01\ntax = {}\n"
    )
    months = [BillingPeriod.parse(month) for month in ("2026-09", "2026-10", "2026-12", "2027-01", "2027-02")]
    assert [acme.tax_of(month) for month in months] == [
        Tax(rate=Decimal(rate)) if rate else None for rate in (19, 21, 21, 21, 0)
    ]


def test_the_seller_is_read(tmp_path: Path) -> None:
    (tmp_path / "tallybook.toml").write_text(
        '[seller]\nname = "Tally GmbH"\naddress = "Weg 2"\ntax_id = "DE2"\n', encoding="utf-8"
    )
    assert read_settings(tmp_path).seller == Party(name="Tally GmbH", address="Weg 2", tax_id="DE2")


def test_the_letterhead_is_read(tmp_path: Path) -> None:
    (tmp_path / "tallybook.toml").write_text(
        '[invoices]\nlanguage = "de-AT"\nnote = "Thanks"\n'
        '[seller]\nname = "Tally GmbH"\nstreet = "Weg 2"\npostcode = "20095"\ncity = "Hamburg"\ncountry = "DE"\n'
        'electronic_address = "DE2"\nelectronic_address_scheme = "9930"\nregistration_id = "HRB 1"\n'
        '[seller.bank]\niban = "DE89 3704 0044 0532 0130 00"\nbank = "Bank"\n',
        encoding="utf-8",
    )
    seller = Party(
        name="Tally GmbH",
        street="Weg 2",
        postcode="20095",
        city="Hamburg",
        country="DE",
        electronic_address="DE2",
        electronic_address_scheme="9930",
        registration_id="HRB 1",
    )
    bank = BankDetails(iban="DE89370400440532013000", bank="Bank")
    assert read_settings(tmp_path).letterhead == Letterhead(seller=seller, bank=bank, note="Thanks", language="de-AT")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[seller]\ncountry = "Deutschland"',
            "tallybook.toml: [seller]: country is 'Deutschland'; write its two letters",
        ),
        ('[seller]\nstret = "Weg"', "tallybook.toml: [seller]: unknown key 'stret'; did you mean 'street'?"),
        (
            '[seller.bank]\niban = "DE00"',
            "tallybook.toml: [seller] bank: iban is 'DE00', whose check digits do not fit",
        ),
        ('[seller.bank]\nbic = "COBADEFF"', "tallybook.toml: [seller] bank: iban is missing; write it"),
        ('[seller]\nbank = "x"', "tallybook.toml: [seller]: bank is 'x'; write [seller.bank] on"),
        ('[invoices]\nlanguage = "es"', "tallybook.toml: [invoices]: language is 'es'; write one of en, de, fr"),
        ("[invoices]\nnote = 1", "tallybook.toml: [invoices]: note is 1; it must be a string"),
    ],
)
def test_a_letterhead_that_cannot_be_meant_is_refused_with_its_address(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "tallybook.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_settings(tmp_path)
    assert told in str(refused.value)


def test_the_buyer_is_a_table_and_what_an_account_always_could_say_of_it(tmp_path: Path) -> None:
    text = ACME + (
        'tax_id = "DE1"\nbuyer_reference = "04011000-12345-34"\npayment_terms = "30 days net"\nnote = "Thanks"\n'
        'language = "fr"\n[accounts.buyer]\nname = "Acme Holding"\ncity = "Lyon"\ncountry = "FR"\n'
    )
    (acme,) = accounts(tmp_path, text)
    assert acme.buyer == Party(name="Acme Holding", city="Lyon", country="FR", tax_id="DE1")
    assert (acme.buyer_reference, acme.payment_terms, acme.note, acme.language) == (
        "04011000-12345-34",
        "30 days net",
        "Thanks",
        "fr",
    )


def test_a_tax_names_its_category_and_those_of_kinds_of_lines(tmp_path: Path) -> None:
    text = ACME + (
        'tax = { rate = 19, label = "VAT", by_kind = { fee = { rate = 7 }, commitment = { category = "E", '
        'label = "none", text = "Exempt", reason_code = "VATEX-EU-132" } } }\n'
    )
    (acme,) = accounts(tmp_path, text)
    reduced = Tax(rate=Decimal(7), label="VAT")
    exempt = Tax(category=TaxCategory.EXEMPT, label="none", text="Exempt", reason_code="VATEX-EU-132")
    assert acme.tax == Tax(rate=Decimal(19), label="VAT", by_kind=(("fee", reduced), ("commitment", exempt)))
    assert acme.tax.of_kind("fee") == reduced
    assert acme.tax.of_kind("usage") == Tax(rate=Decimal(19), label="VAT")


@pytest.mark.parametrize(
    ("stated", "percent"), [('"0.1%"', "0.1"), ('"19 %"', "19"), ("1", "1"), ("0", "0"), ("0.0", "0")]
)
def test_a_rate_of_tax_is_in_percent_and_may_say_so(tmp_path: Path, stated: str, percent: str) -> None:
    (acme,) = accounts(tmp_path, ACME + f"tax = {{ rate = {stated} }}\n")
    assert acme.tax == Tax(rate=Decimal(percent))


def test_a_key_moves_at_midnight_of_the_account_or_at_an_instant(tmp_path: Path) -> None:
    moving = ACME.replace('"key_1"', '"key_1", { id = "key_2", from = 2026-10-01, to = 2026-11-01 }')
    bolt = '[[accounts]]\nid = "bolt"\nname = "Bolt"\nkeys = [{ id = "key_2", from = 2026-10-31T23:00:00Z }]\n'
    acme, other = accounts(tmp_path, moving + bolt)
    october = KeyPeriod(
        key_id="key_2", from_at=datetime(2026, 9, 30, 22, tzinfo=UTC), to_at=datetime(2026, 10, 31, 23, tzinfo=UTC)
    )
    assert (acme.key_ids, acme.key_periods) == (("key_1",), (october,))
    owners = [
        accounts(tmp_path, moving + bolt).account_of("key_2", datetime(2026, month, 5, tzinfo=UTC))
        for month in (9, 10, 11)
    ]
    assert owners == [None, acme, other]
    assert accounts(tmp_path, moving + bolt).account_of("key_2") is None


def test_tags_of_keys_become_one_cell(tmp_path: Path) -> None:
    read = accounts(tmp_path, ACME + '[keys.key_1]\nteam = "search"\nproject = "x 1"\n')
    assert (read.tags_text("key_1"), read.tags_text("key_2")) == ("project=x 1;team=search", "")


TERM = "[[accounts.terms]]\nfrom = 2026-10-01\n"
ITEM = '[[accounts.items]]\nid = "i"\ndate = 2026-10-01\ndescription = "Setup"\n'
COUPON = '[[accounts.coupons]]\nid = "k"\nfrom = 2026-10-01\n'
CREDIT = '[[accounts.credits]]\nid = "c"\namount = 5\ngranted_on = 2026-09-01\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ACME + "discount_percent = 101", "accounts.toml: [[accounts]] 1: discount_percent is 101; write a percentage"),
        (
            ACME + "discount_percent = 1.005",
            "accounts.toml: [[accounts]] 1: discount_percent is 1.005; write 2 decimal places at most",
        ),
        (ACME + 'discount_percent = "5"', "accounts.toml: [[accounts]] 1: discount_percent is '5'; write a number"),
        (ACME + "discount_percent = nan", "accounts.toml: [[accounts]] 1: discount_percent is NaN"),
        (ACME + "minimum_commitment = -1", "accounts.toml: [[accounts]] 1: minimum_commitment is -1"),
        (ACME + "seats = 2", "accounts.toml: [[accounts]] 1: seats is 2, and they have no price; write seat_price"),
        (
            ACME + "seats = 2.5\nseat_price = 1",
            "accounts.toml: [[accounts]] 1: seats is 2.5; it must be a whole number",
        ),
        (ACME + "seat_price = -1", "accounts.toml: [[accounts]] 1: seat_price is -1; write an amount from 0"),
        (ACME + "seat_price = 1.005", "accounts.toml: [[accounts]] 1: seat_price in USD is 1.005; write 2 decimal"),
        (ACME + "fee_without_usage = 1", "accounts.toml: [[accounts]] 1: fee_without_usage is 1; it must be true"),
        (ACME + 'proration = "hours"', "accounts.toml: [[accounts]] 1: proration is 'hours'; it must be \"days\""),
        (ACME + 'billing_interval = "week"', "accounts.toml: [[accounts]] 1: billing_interval is 'week'; it must be"),
        (ACME + "billing_day = 29", "accounts.toml: [[accounts]] 1: billing_day is 29; it must be"),
        (ACME + "billing_day = 0", "accounts.toml: [[accounts]] 1: billing_day is 0; it must be"),
        (
            ACME + "[[accounts.terms]]\nfrom = 2026-10-01\nbilling_day = 15",
            "accounts.toml: [[accounts]] 1 [[terms]] 1: billing_day is the account's at all times; write it beside",
        ),
        (
            ACME + "billing_day = 15\nyearly_commitment = 1200\nbegins_on = 2026-10-01",
            (
                "accounts.toml: [[accounts]] 1: account 'acme' has a yearly_commitment, and begins_on is 2026-10-01; "
                "write the day of a month with which its years begin, such as 2026-10-15"
            ),
        ),
        (ACME + "billing_start_month = 13", "accounts.toml: [[accounts]] 1: billing_start_month is 13; it must be"),
        (
            ACME + 'billing_interval = "quarter"\n[[accounts.terms]]\nfrom = 2026-11-01\nbilling_interval = "month"',
            (
                "accounts.toml: [[accounts]] 1: account 'acme' is billed by the quarter, and by the month from "
                "2026-11-01 on, which would cut a period in two; change billing_interval and billing_start_month "
                "where periods of both begin: 2026-10-01 or 2027-01-01"
            ),
        ),
        (
            ACME + 'billing_interval = "quarter"\n[[accounts.terms]]\nfrom = 2026-11-01\nbilling_start_month = 2',
            (
                "accounts.toml: [[accounts]] 1: account 'acme' is billed by the quarter, and by the quarter from month "
                "2, 5, 8 or 11 from 2026-11-01 on, which would cut a period in two; change billing_interval and "
                "billing_start_month where periods of both begin, and these two have no such day; bill by the month"
            ),
        ),
        (
            ACME + "begins_on = 2026-10-02\nends_on = 2026-10-02",
            "accounts.toml: [[accounts]] 1: account 'acme' ends on 2026-10-02, not after 2026-10-02, when it begins",
        ),
        (ACME + 'begins_on = "soon"', "accounts.toml: [[accounts]] 1: begins_on is 'soon'; write a plain date"),
        (ACME + ITEM + "amount = 0", "accounts.toml: [[accounts]] 1 [[items]] 1: amount of item 'i' is 0"),
        (ACME + ITEM, "accounts.toml: [[accounts]] 1 [[items]] 1: amount is missing"),
        (ACME + ITEM + "amount = 1.005", "accounts.toml: [[accounts]] 1: amount of item 'i' in USD is 1.005"),
        (
            ACME + (ITEM + "amount = 1\n") * 2,
            "accounts.toml: [[accounts]] 1: item id 'i' of account 'acme' is used twice",
        ),
        (
            ACME + ITEM.replace('"Setup"', '" "') + "amount = 1",
            "accounts.toml: [[accounts]] 1 [[items]] 1: description is ' '; it must be a string",
        ),
        (
            ACME + "yearly_commitment = 1200",
            "accounts.toml: [[accounts]] 1: account 'acme' has a yearly_commitment, and begins_on is missing",
        ),
        (
            ACME + "yearly_commitment = 1200\nbegins_on = 2026-10-16",
            "accounts.toml: [[accounts]] 1: account 'acme' has a yearly_commitment, and begins_on is 2026-10-16",
        ),
        (
            ACME + "yearly_commitment = 1200\nminimum_commitment = 100\nbegins_on = 2026-10-01",
            "accounts.toml: [[accounts]] 1: minimum_commitment is 100 and yearly_commitment 1200; end one",
        ),
        (
            ACME + "overage_percent = 120",
            "accounts.toml: [[accounts]] 1: overage_percent is 120, and nothing is committed that usage could be",
        ),
        (
            ACME + "minimum_commitment = 1\noverage_percent = -1",
            "accounts.toml: [[accounts]] 1: overage_percent is -1; write what usage beyond the commitment costs",
        ),
        (
            ACME + "minimum_commitment = 1\noverage_percent = 99.999",
            "accounts.toml: [[accounts]] 1: overage_percent is 99.999; write 2 decimal places at most",
        ),
        (ACME + CREDIT + "priority = 101", "accounts.toml: [[accounts]] 1 [[credits]] 1: priority is 101; it must be"),
        (ACME + CREDIT + 'recurs = "day"', "accounts.toml: [[accounts]] 1 [[credits]] 1: recurs is 'day'; it must be"),
        (
            ACME + CREDIT + 'recurs = "month"\nrollover_percent = 50',
            "accounts.toml: [[accounts]] 1 [[credits]] 1: credit 'c' has rollover_percent or rollover_max, and nothing",
        ),
        (
            ACME + CREDIT + 'recurs = "month"\nrollover_months = 1\nrollover_percent = 101',
            "accounts.toml: [[accounts]] 1 [[credits]] 1: rollover_percent of credit 'c' is 101; write a percentage",
        ),
        (
            ACME + CREDIT + 'recurs = "month"\nrollover_months = 1\nrollover_max = 0',
            "accounts.toml: [[accounts]] 1 [[credits]] 1: rollover_max of credit 'c' is 0; leave rollover_months out",
        ),
        (
            ACME + CREDIT + 'recurs = "month"\nrollover_months = 1\nrollover_max = 1.005',
            "accounts.toml: [[accounts]] 1: rollover_max of credit 'c' in USD is 1.005; write 2 decimal places at most",
        ),
        (ACME + CREDIT + "rollover_months = 1", "accounts.toml: [[accounts]] 1 [[credits]] 1: credit 'c' has rollover"),
        (
            ACME + CREDIT + 'models = ["jamba-9"]',
            "accounts.toml: [[accounts]] 1: credit 'c' is for 'jamba-9', which is no model of a rate card",
        ),
        (ACME + COUPON, "accounts.toml: [[accounts]] 1 [[coupons]] 1: coupon 'k' needs one of percent and amount"),
        (ACME + COUPON + "percent = 101", "accounts.toml: [[accounts]] 1 [[coupons]] 1: percent of coupon 'k' is 101"),
        (ACME + COUPON + "amount = 0", "accounts.toml: [[accounts]] 1 [[coupons]] 1: amount 0 of coupon 'k' is not"),
        (ACME + COUPON + "amount = 1.005", "accounts.toml: [[accounts]] 1: amount of coupon 'k' in USD is 1.005"),
        (ACME + COUPON + "percent = 5\nmonths = 0", "accounts.toml: [[accounts]] 1 [[coupons]] 1: months is 0"),
        (
            ACME + "minimum_commitment = 1.005",
            "accounts.toml: [[accounts]] 1: minimum_commitment in USD is 1.005; write 2 decimal places at most",
        ),
        (
            ACME + 'rate_card = "yen"\nspend_cap = 0.5',
            "accounts.toml: [[accounts]] 1: spend_cap in JPY is 0.5; write 0 decimal places at most",
        ),
        (ACME + "included_tokens = { prompt = 1.5 }", "accounts.toml: [[accounts]] 1: included_tokens of 'prompt'"),
        (
            ACME + "included_tokens = { promt = 15 }",
            "accounts.toml: [[accounts]] 1: included_tokens of 'promt', which is no meter (prompt, prompt_cached",
        ),
        (
            ACME + TERM + "discount = 5",
            "accounts.toml: [[accounts]] 1 [[terms]] 1: unknown key 'discount'; did you mean 'discount_percent'?",
        ),
        (ACME + TERM.replace("from = 2026-10-01", ""), "accounts.toml: [[accounts]] 1 [[terms]] 1: from is missing"),
        (
            ACME + TERM.replace("2026-10-01", "2026-10-01T00:00:00Z"),
            "accounts.toml: [[accounts]] 1 [[terms]] 1: from is 2026-10-01 00:00:00+00:00; write a plain",
        ),
        (
            ACME + TERM + TERM,
            "accounts.toml: [[accounts]] 1: terms of account 'acme' from 2026-10-01 stand after those from 2026-10-01",
        ),
        (ACME + TERM + 'rate_card = "gold"', "accounts.toml: [[accounts]] 1: rate_card 'gold' does not exist"),
        (
            ACME + TERM + 'rate_card = "euro"',
            "accounts.toml: [[accounts]] 1: its rate cards are in different currencies (standard USD, euro EUR)",
        ),
        (
            ACME + CREDIT.replace("5", "0"),
            "accounts.toml: [[accounts]] 1 [[credits]] 1: amount 0 of credit 'c' is not above zero",
        ),
        (
            ACME + CREDIT + "expires_on = 2026-09-01",
            "accounts.toml: [[accounts]] 1 [[credits]] 1: credit 'c' expires on 2026-09-01, not after",
        ),
        (ACME + CREDIT + CREDIT, "accounts.toml: [[accounts]] 1: credit id 'c' of account 'acme' is used twice"),
        (ACME + CREDIT.replace("amount = 5\n", ""), "accounts.toml: [[accounts]] 1 [[credits]] 1: amount is missing"),
        (ACME + 'tax = { label = "VAT" }', "accounts.toml: [[accounts]] 1 tax: rate is missing"),
        (
            ACME + "tax = { rate = 19, reverse_charge = 1 }",
            "accounts.toml: [[accounts]] 1 tax: reverse_charge is 1; it must be true or false",
        ),
        (
            ACME + 'tax = { rate = 19, category = "E", text = "why" }',
            "accounts.toml: [[accounts]] 1 tax: tax category is E and rate is 19; S is charged at a rate above 0",
        ),
        (
            ACME + "tax = { rate = 0.19 }",
            (
                "accounts.toml: [[accounts]] 1 tax: rate is 0.19, which is less than one percent; 19 percent are "
                'written 19.0, and 0.19 percent, if that is meant, "0.19%"'
            ),
        ),
        (
            ACME + 'tax = { rate = "19" }',
            "accounts.toml: [[accounts]] 1 tax: rate is '19'; write a number without quotes",
        ),
        (
            ACME + 'tax = { category = "X" }',
            "accounts.toml: [[accounts]] 1 tax: category is 'X'; it must be",
        ),
        (
            ACME + "tax = { rate = 19, by_kind = { fee = 7 } }",
            "accounts.toml: [[accounts]] 1 tax: by_kind has fee = 7; write a tax, such as { rate = 7.0 }",
        ),
        (
            ACME + "tax = { rate = 19, by_kind = { seat = { rate = 7 } } }",
            "accounts.toml: [[accounts]] 1 tax: tax by_kind names 'seat'; name kinds of lines that are taxed: usage",
        ),
        (
            ACME + "tax = { rate = 19, by_kind = { fee = { rate = 101 } } }",
            "accounts.toml: [[accounts]] 1 tax by_kind fee: tax rate is 101",
        ),
        (
            ACME + 'tax_id = "DE1"\n[accounts.buyer]\ntax_id = "DE2"',
            "accounts.toml: [[accounts]] 1: tax_id stands in the account and in its buyer; write it in",
        ),
        (
            ACME + '[accounts.buyer]\ncountry = "XX"',
            "accounts.toml: [[accounts]] 1 buyer: country is 'XX'",
        ),
        (
            ACME + 'language = "xx"',
            "accounts.toml: [[accounts]] 1: language is 'xx'; write one of en, de, fr",
        ),
        (
            ACME + TERM + "tax = { rate = 101 }",
            "accounts.toml: [[accounts]] 1 [[terms]] 1 tax: tax rate is 101; write a percentage",
        ),
        (ACME + "payment_terms_days = -1", "accounts.toml: [[accounts]] 1: payment_terms_days is -1"),
        (
            ACME.replace('"key_1"', '{ id = "key_1", from = 2026-10-01, to = 2026-10-01 }'),
            "accounts.toml: [[accounts]] 1 keys 1: key id 'key_1' belongs to the account from",
        ),
        (
            ACME.replace('"key_1"', '{ id = "key_1", from = "2026-10-01" }'),
            "accounts.toml: [[accounts]] 1 keys 1: from is '2026-10-01'; write a plain date",
        ),
        (
            ACME.replace('"key_1"', '{ id = "key_1", until = 2026-10-01 }'),
            "accounts.toml: [[accounts]] 1 keys 1: unknown key 'until'",
        ),
        (
            ACME.replace('"key_1"', '"key_1", { id = "key_1", from = 2026-10-01 }'),
            "accounts.toml: [[accounts]]: key id 'key_1' is listed twice in account 'acme'",
        ),
        (
            ACME.replace('"key_1"', '{ id = "key_1", to = 2026-10-02 }')
            + ACME.replace("acme", "bolt").replace('"key_1"', '{ id = "key_1", from = 2026-10-01 }'),
            (
                "accounts.toml: [[accounts]]: key id 'key_1' belongs to account 'acme' and to account 'bolt'; "
                "leave it with one of them, or let one end"
            ),
        ),
        (ACME + '[keys.key_1]\nteam = "a;b"', "accounts.toml: [[accounts]]: tag 'team' of key id 'key_1' is 'a;b'"),
        (ACME + '[keys]\nkey_1 = "x"', "accounts.toml: [keys]: an entry of [keys] is no table"),
        (ACME + "[keys.key_1]\nteam = 5", "accounts.toml: [keys] entry 1: team is 5; it must be a string"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_address(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(AccountsError) as refused:
        accounts(tmp_path, text)
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    "keys",
    [
        '[{ id = "canary canary" }]',
        '[{ id = "Bearer canary", from = 2026-10-01 }, "key_2"]',
        '["key_1", { id = ["canary"] }]',
    ],
)
def test_what_stands_among_moving_keys_is_never_shown(tmp_path: Path, keys: str) -> None:
    with pytest.raises(AccountsError) as refused:
        accounts(tmp_path, ACME.replace('["key_1"]', keys))
    assert "canary" not in str(refused.value)


def test_what_stands_among_tagged_keys_is_never_shown(tmp_path: Path) -> None:
    with pytest.raises(AccountsError) as refused:
        accounts(tmp_path, ACME + '[keys."Bearer canary"]\nteam = "search"\n')
    assert "canary" not in str(refused.value)
