"""The page of a report as a function of its figures: words, order, markup, and what it never does."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_pages import ReportPage

from pipeline.base.errors import ExtraMissing
from pipeline.base.periods import BillingPeriod
from pipeline.base.warning_codes import WarningCode
from pipeline.documents.html_template import html_template
from pipeline.documents.report.bill_rows import states_text
from pipeline.documents.report.figures import (
    Against,
    Bill,
    Bills,
    Breakdown,
    Budget,
    Day,
    Days,
    Forecast,
    Group,
    Money,
    Month,
    Mover,
    Movers,
    NotBilled,
    OddDay,
    OddDays,
    Report,
    Spent,
    Totals,
)
from pipeline.documents.report.names import short_id, shown
from pipeline.documents.report.page import report_page
from pipeline.documents.report.words import NOT_BILLED
from pipeline.jobs.reported.days import months_back, report_days

OCTOBER = BillingPeriod.parse("2026-10")
SPENT = Spent(cost=Decimal("12.3456789"), requests=12, tokens=3_456_789, unpriced_tokens=0)
AGAINST = Against(
    now=Decimal("12.3456789"), before=Decimal(10), change=Decimal("2.3456789"), relative_change=Decimal("0.2346")
)
NONE = Totals(count=0, total=Decimal(0))


def group(name: str, **more: Any) -> Group:
    return Group(name=name, spent=SPENT, share=Decimal("0.5"), against=AGAINST, **more)


def money(currency: str = "USD", name: str = "acme") -> Money:
    days = (date(2026, 10, 1) + timedelta(days=each) for each in range(31))
    return Money(
        currency=currency,
        spent=SPENT,
        against=AGAINST,
        days=tuple(
            Day(usage_date=day, cost=Decimal(day.day), previous_cost=Decimal(1), requests=1, tokens=2) for day in days
        ),
        months=(Month(period=OCTOBER, spent=SPENT, against=AGAINST, is_over=True),),
        breakdowns=tuple(
            Breakdown(word=word, groups=(group(name), group("", others=3)), count=4)
            for word in ("account", "model", "key", "tag:team")
        ),
        movers=(Movers(word="key", movers=(Mover(name=name, label=name, against=AGAINST),), others=1),),
        steps=(),
        drafted=Totals(count=1, total=Decimal("12.35")),
        issued=NONE,
        open=NONE,
        blocked=0,
        overdue=NONE,
    )


def report(name: str = "acme", *currencies: str) -> Report:
    bill = Bill(
        id=f"draft-{name}",
        status="draft",
        account_id=name,
        account_name=name,
        period=OCTOBER,
        lines=2,
        total=Decimal("12.35"),
        currency="USD",
        state="blocked",
        detail=name,
        is_blocked=True,
    )
    lost = NotBilled(
        code="conflict",
        is_loss=True,
        warnings=2,
        new=1,
        acknowledged=0,
        counts={"events": 1_234},
        amounts={"USD": Decimal("0.005")},
        texts=(name,),
        rest=f"and 1 more of {name}",
    )
    budget = Budget(
        name=name,
        scope=name,
        period=OCTOBER,
        amount=Decimal(10),
        currency="USD",
        spent=Decimal("12.3456789"),
        share=Decimal("1.2346"),
        forecast=Forecast(low=Decimal(13), mid=Decimal(14), high=Decimal(15)),
        forecast_share=Decimal("1.4"),
        level=100,
        days=31,
        days_elapsed=20,
        unpriced_tokens=7,
    )
    october = Days(from_date=date(2026, 10, 1), to_date=date(2026, 11, 1))
    september = Days(from_date=date(2026, 9, 1), to_date=date(2026, 10, 1))
    return Report(
        period=OCTOBER,
        days=october,
        previous=september,
        compared=october,
        compared_with=september,
        is_over=True,
        as_of=datetime(2026, 11, 2, tzinfo=UTC),
        issuer=name,
        timezones=("UTC",),
        accounts=1,
        money=tuple(money(currency, name) for currency in currencies or ("USD",)),
        unassigned=Spent(cost=None, requests=1, tokens=2, unpriced_tokens=2),
        not_billed=(lost, replace(lost, code="late_usage", is_loss=False)),
        elsewhere=3,
        budgets=(budget,),
        odd_days=OddDays(days=(OddDay(kind="key", currency="USD", reason=name),), others=2),
        margins=(),
        bills=Bills(bills=(bill,), others=4, states={"blocked": 5}, earlier=(bill,), earlier_others=0),
        commit=7,
        configuration="0" * 64,
        version="1",
    )


def test_a_page_asks_for_nothing_beyond_itself() -> None:
    content = report_page(report())
    page = ReportPage(content)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"} & set(page.elements)
    assert not {"src", "href", "srcset", "action", "style"} & {name for _, name, _ in page.attributes}
    assert [name for _, name, _ in page.attributes if name.startswith("on")] == []
    assert "default-src 'none'; style-src 'unsafe-inline'" in page.values("meta", "content")
    assert not re.search(r"url\(|@import|https?:", content.decode())


def test_a_page_can_be_read_aloud_and_without_colours() -> None:
    page = ReportPage(report_page(report()))
    assert page.values("html", "lang") == ["en"]
    assert page.elements["h1"] == page.elements["main"] == 1
    assert page.elements["th"] == len(page.values("th", "scope"))
    assert page.elements["table"] == page.elements["thead"]
    drawn = [name for tag, name, _ in page.attributes if tag == "svg" and name in ("aria-label", "aria-hidden")]
    assert len(drawn) == page.elements["svg"]
    assert "Cost by day, USD. The highest day is 31 October with 31.00 USD." in page.values("svg", "aria-label")
    assert "\u25b2+23.46\u00a0%" in "".join(page.texts)  # up has an arrow and a sign, not a colour alone


def test_a_page_is_printed_in_light_colours_and_is_dark_where_it_is_asked_for() -> None:
    text = report_page(report()).decode()
    assert "@page { size: A4" in text
    assert "prefers-color-scheme: dark" in text
    printing = text.partition("@media print {")[2]
    assert "color-scheme: light" in printing
    assert "display: table-header-group" in printing


def test_what_is_said_first_is_rounded_and_the_exact_amount_stands_below() -> None:
    page = ReportPage(report_page(report()))
    said = "USD\u00a012.35 of usage in October 2026, 2.35 (23.46\u00a0%) more than in September 2026."
    assert f"{said} 1 budget: 1 exceeded." in page.texts
    assert "exactly 12.3456789" in page.texts
    assert "USD\u00a00.01" in page.texts  # on no bill, half up
    assert "USD\u00a00.005" in page.texts  # and exactly


@pytest.mark.long
@settings(max_examples=25)
@given(st.text(max_size=60))
def test_no_name_is_ever_markup(name: str) -> None:
    plain = ReportPage(report_page(report("x" * len(name))))
    page = ReportPage(report_page(report(name)))
    assert page.elements["td"] == plain.elements["td"]
    assert page.open == []
    assert not {"script", "img"} & set(page.elements)
    assert re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\x00-\x09\x0b-\x1f]", "".join(page.texts)) is None


def test_what_has_no_price_is_said_once_and_no_currencies_are_added() -> None:
    page = ReportPage(report_page(report("acme", "USD", "EUR")))
    assert page.texts.count("what has no price is said above") == 1
    assert "24.69" not in page.text


def test_every_code_of_a_warning_that_a_night_finds_has_words() -> None:
    of_logs = {"no_sources", "no_file_fits", "secret_made", "log_unread", "line_unended", "log_gone", "batch_unknown"}
    of_reading = {"kernel_failed", "traced_twice"}
    assert {code.value for code in WarningCode} - of_logs - of_reading <= set(NOT_BILLED)


def test_models_and_tags_are_called_by_their_whole_name() -> None:
    name = "provider-1/a-long-family-of-models-007-instruct"
    made = report(name)
    (first,) = made.money
    movers = tuple(replace(first.movers[0], word=word) for word in ("model", "key"))
    page = ReportPage(report_page(replace(made, money=(replace(first, movers=movers),))))
    assert [row[0] for row in page.rows("What moved", "Models")] == [name]
    assert page.rows("What moved", "Keys")[0][0].startswith("provider-1\u2026ruct")
    assert page.rows("Where it went", "By model")[0][0] == name
    assert page.rows("Where it went", "By team")[0][0] == name
    assert page.rows("Where it went", "By key")[0][0] == "provider-1\u2026ruct"


def test_a_headline_of_a_change_is_rounded_as_that_of_the_cost_beside_it() -> None:
    made = report()
    (first,) = made.money
    against = Against(now=SPENT.cost, before=Decimal(0), change=SPENT.cost, relative_change=None)
    page = ReportPage(report_page(replace(made, money=(replace(first, against=against),))))
    assert "USD\u00a012.35" in page.texts
    assert "USD\u00a0+12.35" in page.texts


def test_states_of_bills_are_counted_in_plain_words() -> None:
    states = {"paid": 1, "credit note": 2, "ready to issue": 1_234}
    made = report()
    page = ReportPage(report_page(replace(made, bills=replace(made.bills, states=states))))
    assert "2 credit notes, 1 paid, 1,234 ready to issue" in page.texts
    assert states_text({"credit note": 1}) == "1 credit note"
    assert page.texts.count("1 warning, and more") == 2


def test_long_ids_are_shortened_where_they_can_still_be_told_apart() -> None:
    ids = ["key_aaaaaa1111bbbbbbbbbbbb", "key_aaaaaa2222bbbbbbbbbbbb", "key_cccccc1111bbbbbbbbbbbb"]
    assert [short_id(each, ids) for each in ids] == [ids[0], ids[1], "key_cccccc\u2026bbbb"]
    assert shown("a\u202eb\nc\u200dd") == "a\ufffdb c\u200dd"


def test_without_its_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    html_template.cache_clear()  # another test may have imported it
    with pytest.raises(ExtraMissing, match=r"a report cannot be made: jinja2 is not installed; .*tallybook\[html\]"):
        report_page(report())


def test_days_are_compared_once_they_are_over_in_every_time_zone() -> None:
    zones = ["UTC", "Asia/Tokyo", "America/New_York"]
    at = datetime(2026, 10, 12, 2, tzinfo=UTC)  # still the 11th in New York, and already the 12th in Tokyo
    days = report_days(OCTOBER, at, zones)
    assert days.compared is not None
    assert days.compared_with is not None
    assert (days.compared.text(), days.compared_with.text()) == (
        "2026-10-01 to 2026-10-10",
        "2026-09-01 to 2026-09-10",
    )
    assert (days.is_over, days.latest) == (False, date(2026, 10, 12))
    assert not report_days(OCTOBER, datetime(2026, 11, 1, 3, tzinfo=UTC), zones).is_over
    assert report_days(OCTOBER, datetime(2026, 11, 1, 4, tzinfo=UTC), zones).is_over


def test_a_month_that_is_longer_than_the_one_before_is_compared_with_all_of_it() -> None:
    days = report_days(BillingPeriod.parse("2026-03"), datetime(2026, 3, 31, tzinfo=UTC), ["UTC"])
    assert days.compared_with is not None
    assert days.compared_with.text() == "2026-02-01 to 2026-02-28"


@pytest.mark.parametrize(("instant", "is_compared"), [("2026-10-01T12:00:00", False), ("2026-09-01T00:00:00", False)])
def test_on_the_first_day_and_before_nothing_is_compared(instant: str, *, is_compared: bool) -> None:
    days = report_days(OCTOBER, datetime.fromisoformat(instant).replace(tzinfo=UTC), ["UTC"])
    assert (days.compared is not None) is is_compared


def test_a_report_looks_back_a_year_but_not_beyond_the_first_day() -> None:
    assert [str(each) for each in months_back(OCTOBER, date(2026, 8, 5))] == ["2026-08", "2026-09", "2026-10"]
    assert len(months_back(OCTOBER, date(2020, 1, 1))) == 12
    assert len(months_back(BillingPeriod.parse("2026"), date(2020, 1, 1))) == 12


def variables(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", text))


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_texts_can_be_read_and_marks_be_seen_in_light_and_dark() -> None:
    text = report_page(report()).decode()
    light = variables(text.partition("@media")[0])
    dark = light | variables(text.partition("prefers-color-scheme: dark")[2].partition("* {")[0])
    assert light != dark
    for colours in (light, dark):
        for ink, paper in (("ink", "paper"), ("soft", "paper"), ("soft", "tint"), ("accent", "paper")):
            assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
        assert contrast(colours["warn-ink"], colours["warn"]) >= 4.5
        for mark in ("accent", "before", "strong"):
            assert contrast(colours[mark], colours["paper"]) >= 3, mark
