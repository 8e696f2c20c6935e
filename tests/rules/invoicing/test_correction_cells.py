"""What was invoiced and what is owed now, cell by cell, and the lines that make up the difference."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from lines_by_hand import AUGUST, NOVEMBER, OCTOBER, SAID, SEPTEMBER, correction, invoice, plain, reduction, usage

from pipeline.invoicing import credit_note
from pipeline.invoicing.corrections import (
    Cell,
    Worth,
    correction_lines,
    corrections_of,
    invoiced_before,
    invoiced_so_far,
    worth_of_lines,
)
from pipeline.invoicing.lines import LineKind
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.invoicing.lines import InvoiceLine


def cell(kind: LineKind = LineKind.USAGE, **said: Any) -> Cell:
    stated: dict[str, Any] = {"period": OCTOBER, "kind": kind, "api_key_id": "", "model": "", "service_tier": ""}
    return Cell(**stated | {"meter": None} | said)


def test_lines_of_one_cell_are_summed_whatever_their_rates_and_included_tokens_are_usage() -> None:
    lines = [
        usage("2.00", 5),
        usage("3.00", 7, rate_per_million=Decimal(9)),
        usage("-1.00", -2, kind=LineKind.INCLUDED),
        usage("4.00", 1, meter=Meter.COMPLETION),
    ]
    mine: dict[str, Any] = {"api_key_id": "k", "model": "m"}
    assert worth_of_lines(lines, OCTOBER) == {
        cell(**mine, meter=Meter.PROMPT): Worth(quantity=10, amount=Decimal("4.00")),
        cell(**mine, meter=Meter.COMPLETION): Worth(quantity=1, amount=Decimal("4.00")),
    }


def test_a_cell_is_of_all_that_a_line_says_but_its_price() -> None:
    made = usage("1.00", service_tier="flex", item="i", period=NOVEMBER)
    assert list(worth_of_lines([made], OCTOBER)) == [
        cell(
            period=NOVEMBER,
            api_key_id="k",
            model="m",
            service_tier="flex",
            meter=Meter.PROMPT,
            item="i",
        )
    ]
    coupon = plain(LineKind.COUPON, "-1.00", item="c", taxed_as=LineKind.FEE)
    assert list(worth_of_lines([coupon], OCTOBER)) == [cell(LineKind.COUPON, item="c", taxed_as=LineKind.FEE)]


def test_corrections_count_for_the_month_and_kind_that_they_correct_and_credits_and_tax_for_none() -> None:
    lines = [
        correction("2.00"),
        correction("3.00", of=LineKind.ITEM, item="i"),
        plain(LineKind.FEE, "4.00"),
        plain(LineKind.CREDIT, "-1.00"),
        plain(LineKind.TAX, "9.00"),
        reduction("1.00"),
    ]
    assert worth_of_lines(lines, OCTOBER) == {
        cell(LineKind.FEE, period=SEPTEMBER): Worth(quantity=0, amount=Decimal("2.00")),
        cell(LineKind.ITEM, period=SEPTEMBER, item="i"): Worth(quantity=0, amount=Decimal("3.00")),
        cell(LineKind.FEE): Worth(quantity=0, amount=Decimal("4.00")),
    }
    for kind in (LineKind.LIMIT, LineKind.COMMITMENT, LineKind.OVERAGE, LineKind.ITEM, LineKind.COUPON):
        assert list(worth_of_lines([plain(kind, "1.00")], OCTOBER)) == [cell(kind)]


def test_what_was_invoiced_is_the_sum_over_invoices_and_a_credit_note_takes_it_back() -> None:
    first, second = invoice(usage("2.00", 5)), invoice(usage("1.00", 1), correction("0.50", OCTOBER), number=2)
    note = credit_note(first, number=3, prefix="INV-")
    place = cell(api_key_id="k", model="m", meter=Meter.PROMPT)
    fees = cell(LineKind.FEE)
    assert invoiced_so_far([]) == {}
    assert invoiced_so_far([first]) == {place: Worth(quantity=5, amount=Decimal("2.00"))}
    assert invoiced_so_far([first, second]) == {
        place: Worth(quantity=6, amount=Decimal("3.00")),
        fees: Worth(quantity=0, amount=Decimal("0.50")),
    }
    assert invoiced_so_far([first, second, note])[place] == Worth(quantity=1, amount=Decimal("1.00"))


def test_a_correction_line_says_what_invoices_hold_of_its_cell() -> None:
    line = correction("0.50", OCTOBER, LineKind.ITEM, item="i")
    item = invoice(plain(LineKind.ITEM, "9.00", item="h"), plain(LineKind.ITEM, "2.00", item="i"))
    assert invoiced_before(line, [item]) == Worth(quantity=0, amount=Decimal("2.00"))
    assert invoiced_before(line, [item, invoice(line, number=2, period=NOVEMBER)]).amount == Decimal("2.50")
    assert invoiced_before(line, []) == Worth(quantity=0, amount=Decimal(0))
    with pytest.raises(ValueError, match="corrects") as refused:
        invoiced_before(plain(LineKind.FEE, "1.00"), [item])
    assert str(refused.value) == "line 0 is a fee line and corrects no period"


def test_corrections_of_usage_are_found_by_month_key_model_and_tier_whatever_their_meters() -> None:
    def of_usage(**said: Any) -> InvoiceLine:
        place = {"api_key_id": "k", "model": "m", "service_tier": "flex", "meter": Meter.PROMPT} | said
        return correction("1.00", place.pop("period", OCTOBER), LineKind.USAGE, **place)

    mine = [of_usage(), of_usage(meter=Meter.COMPLETION)]
    others = [
        of_usage(**{name: value})
        for name, value in (("period", AUGUST), ("api_key_id", "x"), ("model", "x"), ("service_tier", ""))
    ]
    found = corrections_of(
        [*others, *mine, usage("1.00", service_tier="flex")], OCTOBER, api_key_id="k", model="m", service_tier="flex"
    )
    assert found == mine


def corrected(now: dict[Cell, str], before: dict[Cell, str], **tags: str) -> list[InvoiceLine]:
    worth = [
        {each: Worth(quantity=int(Decimal(amount) * 100), amount=Decimal(amount)) for each, amount in sums.items()}
        for sums in (now, before)
    ]
    return correction_lines(*worth, **SAID, tags=tags)


@pytest.mark.parametrize(
    ("now", "before", "line"),
    [
        ("2.50", "2.00", ("0.50", 50)),
        ("2.00", "2.00", None),
        (None, "2.00", ("-2.00", -200)),
        ("2.00", None, ("2.00", 200)),
        ("0.00", None, None),
        ("1.99", "2.00", ("-0.01", -1)),
    ],
)
def test_a_cell_is_corrected_by_what_it_is_worth_now_less_what_was_invoiced(
    now: str | None, before: str | None, line: tuple[str, int] | None
) -> None:
    place = cell(api_key_id="k", model="m", meter=Meter.PROMPT, service_tier="flex")
    found = corrected({place: now} if now else {}, {place: before} if before else {}, k="team=a")
    assert [(str(each.amount), each.quantity) for each in found] == ([] if line is None else [line])
    for each in found:
        assert (each.number, each.kind, each.original_period, each.original_kind) == (
            0,
            LineKind.CORRECTION,
            OCTOBER,
            LineKind.USAGE,
        )
        assert (each.api_key_id, each.model, each.service_tier, each.meter) == ("k", "m", "flex", Meter.PROMPT)
        assert (each.exact_amount, each.tags, each.item, each.taxed_as) == (each.amount, "team=a", "", None)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"model": "m", "meter": Meter.PROMPT_CACHED}, "m cached prompt tokens"),
        ({"model": "m", "meter": Meter.PROMPT, "service_tier": "flex"}, "m prompt tokens, flex tier"),
        ({"kind": LineKind.LIMIT, "model": "m"}, "minimum or maximum of m"),
        ({"kind": LineKind.LIMIT, "model": "m", "service_tier": "flex"}, "minimum or maximum of m, flex tier"),
        ({"kind": LineKind.FEE}, "fee"),
        ({"kind": LineKind.FEE, "item": "seats"}, "seats"),
        ({"kind": LineKind.OVERAGE}, "usage beyond the commitment"),
        ({"kind": LineKind.COMMITMENT}, "minimum commitment"),
        ({"kind": LineKind.COMMITMENT, "item": "year"}, "yearly commitment"),
        ({"kind": LineKind.ITEM, "item": "setup"}, "item setup"),
        ({"kind": LineKind.COUPON, "item": "spring"}, "coupon spring"),
        ({"kind": LineKind.COUPON, "item": "spring", "taxed_as": LineKind.FEE}, "coupon spring, part taxed as fee"),
    ],
)
def test_a_correction_says_in_words_what_it_corrects(said: dict[str, Any], text: str) -> None:
    (found,) = corrected({cell(**said): "1.00"}, {})
    assert found.description == f"correction of 2026-10: {text}"
    assert (found.item, found.taxed_as, found.tags) == (said.get("item", ""), said.get("taxed_as"), "")


def test_corrections_are_printed_by_month_then_kind_then_place() -> None:
    cells = [
        cell(period=SEPTEMBER, kind=LineKind.FEE),
        cell(api_key_id="a", model="m", meter=Meter.PROMPT),
        cell(api_key_id="a", model="m", meter=Meter.COMPLETION),
        cell(api_key_id="b", model="a", meter=Meter.PROMPT),
        cell(LineKind.FEE),
        cell(LineKind.FEE, item="seats"),
        cell(LineKind.COUPON, item="c"),
        cell(LineKind.COUPON, item="c", taxed_as=LineKind.USAGE),
    ]
    found = corrected(dict.fromkeys(reversed(cells[::2]), "1.00"), dict.fromkeys(reversed(cells[1::2]), "1.00"))
    assert [(each.original_period, each.original_kind, each.api_key_id, each.meter) for each in found] == [
        (each.period, each.kind, each.api_key_id, each.meter) for each in cells
    ]
    assert [each.item for each in found] == [each.item for each in cells]
