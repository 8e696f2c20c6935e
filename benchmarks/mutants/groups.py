"""What ``benchmarks.mutants python`` changes, which tests have to notice, and which changes amount to nothing.

A group is modules and the tests that claim what they do: those of rules and small cases, never those that start
processes.
"""

from __future__ import annotations

from typing import NamedTuple


class Group(NamedTuple):
    """Modules (files and folders below the root), and the tests (likewise) that have to notice their mutants."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = {
    "rating": Group(
        modules=(
            "pipeline/base/money.py",
            "pipeline/rates",
            "pipeline/rating",
            "pipeline/tables/rating.py",
            "pipeline/tables/sums.py",
            "pipeline/invoicing/corrections.py",
            "pipeline/invoicing/credits.py",
            "pipeline/invoicing/lines.py",
            "pipeline/invoicing/overage.py",
            "pipeline/invoicing/period_lines.py",
            "pipeline/invoicing/places.py",
            "pipeline/invoicing/recurring_lines.py",
            "pipeline/invoicing/reductions.py",
            "pipeline/invoicing/tax.py",
            "pipeline/invoicing/usage_lines.py",
        ),
        tests=(
            "tests/config/test_rate_card_shapes.py",
            "tests/golden/test_invoice_cases.py::test_invoices_come_out_as_an_accountant_expects",
            "tests/golden/test_invoice_cases.py::test_a_day_begins_where_the_case_says",
            "tests/oracle/test_drafting.py",
            "tests/oracle/test_exchange.py",
            "tests/oracle/test_grants.py",
            "tests/oracle/test_pricing.py",
            "tests/oracle/test_recurring.py",
            "tests/oracle/test_repricing.py",
            "tests/rules/test_accounts.py",
            "tests/rules/test_book.py",
            "tests/rules/test_grants.py",
            "tests/rules/test_invoicing.py",
            "tests/rules/test_limits.py",
            "tests/rules/test_money.py",
            "tests/rules/test_parents.py",
            "tests/rules/test_rates.py",
            "tests/rules/test_rating.py",
            "tests/rules/test_reductions.py",
            "tests/rules/test_sums.py",
            "tests/rules/test_tax.py",
            "tests/rules/test_tax_breakdown.py",
        ),
    ),
    "reading": Group(
        modules=(
            "pipeline/collectors/bodies",
            "pipeline/collectors/counting.py",
            "pipeline/collectors/families",
            "pipeline/collectors/logs",
            "pipeline/collectors/strict_json.py",
        ),
        tests=("tests/collectors",),
    ),
    "dedupe": Group(
        modules=("pipeline/collectors/identity.py", "pipeline/warehouse/identities.py"),
        tests=("tests/collectors", "tests/warehouse", "tests/sql/test_golden_cases.py"),
    ),
}

_EQUAL_IN_RATING: dict[str, str] = {
    "base.money: normalised: its last always": "plain notation read back is the same number, only later",
    "invoicing.period_lines: coupon_lines: continue instead": "nothing is owed for the next coupon either",
    "invoicing.lines: meter_and_rate: without line.meter is None": "no line has a rate and no meter",
    "invoicing.reductions: partial_credit_note: 2 instead: 1": "lines are numbered once all are there",
    "rates.card: at import: True instead: False (#2)": "windows are a function of the rates",
    "rates.prices: _refuse_misleading_tiers: without if bound is not None": "refused before",
    "rates.limits: EntryLimit.applied_to: without self.maximum is not None: is_capped": "is_capped says so",
    "rating.charges: placed_charges: its last always: row if meter": "a row with the meter that it has is the same row",
    "tables.rating: rate_simple_usage: 1 instead: 0 (#2)": "a slice of no rows has none, wherever it begins",
    "tables.rating: rate_simple_usage: without if terms_of.exchange": "more combinations, all alike",
}

_EQUAL_IN_READING: dict[str, str] = {}

_EQUAL_IN_DEDUPE: dict[str, str] = {}

EQUAL = {"rating": _EQUAL_IN_RATING, "reading": _EQUAL_IN_READING, "dedupe": _EQUAL_IN_DEDUPE}
"""How the name of a change begins, and why nobody can tell."""
