"""Many warnings of one kind are told as one: what weighs most, and how much the rest is."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.base.warning_codes import WarningCode
from pipeline.jobs.warned import SHOWN_MAX, NightWarning, grouped

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-01T03:00:00Z")


def warning(number: int, *, amount: str | None = None, currency: str = "") -> NightWarning:
    return NightWarning(
        code=WarningCode.UNASSIGNED,
        subject=f"key_{number}",
        text=f"key_{number}",
        counts={"tokens": number},
        amount=None if amount is None else Decimal(amount),
        currency=currency,
    )


def test_ten_of_a_code_are_told_as_they_came() -> None:
    (group,) = grouped([warning(number) for number in (3, 1, 2)])
    assert [each.subject for each in group.shown] == ["key_3", "key_1", "key_2"]
    assert group.rest_text == ""


def test_of_more_than_ten_those_that_weigh_most_are_told_and_the_rest_is_summed() -> None:
    (group,) = grouped([warning(number) for number in range(1, 45)])
    assert [each.subject for each in group.shown] == [f"key_{number}" for number in range(44, 34, -1)]
    assert group.rest_text == "and 34 more of unassigned (595 tokens); -o json lists all"


def test_an_amount_weighs_more_than_a_count_and_currencies_are_not_added_up() -> None:
    cheap = [warning(1_000_000 + number) for number in range(10)]
    dear = [warning(1, amount="0.50", currency="USD"), warning(1, amount="7", currency="JPY")]
    (group,) = grouped([*cheap, *dear])
    assert [each.amount for each in group.shown[:2]] == [Decimal(7), Decimal("0.50")]
    many = [warning(1, amount=f"{n}.25", currency=("USD", "EUR")[n % 2]) for n in range(14)]
    (group,) = grouped(many)
    assert group.rest_text == "and 4 more of unassigned (4 tokens, 4.50 EUR, 2.50 USD); -o json lists all"


@given(st.lists(st.tuples(st.sampled_from(WarningCode), st.integers(0, 100)), max_size=60))
def test_no_warning_is_lost_and_codes_stand_in_their_order(found: list[tuple[WarningCode, int]]) -> None:
    warnings = [NightWarning(code=code, subject="", text="", counts={"events": count}) for code, count in found]
    groups = grouped(warnings)
    assert sorted((each.code, each.weight) for group in groups for each in (*group.shown, *group.rest)) == sorted(
        (each.code, each.weight) for each in warnings
    )
    assert [group.code for group in groups] == [code for code in WarningCode if code in dict(found)]
    assert all(len(group.shown) <= SHOWN_MAX for group in groups)


@pytest.mark.long
def test_forty_new_keys_are_eleven_lines_on_stderr_and_forty_in_json(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(
        root,
        "l.jsonl",
        *(plain("2026-10-01T10:00:00Z", id=f"r{n}", key=f"key_new{n:02}", prompt=1_000 + n) for n in range(40)),
    )
    said = tallybook(root, "nightly", *AS_OF).stderr.splitlines()
    assert len(said) == 11
    assert said[0].startswith("warning: 2026-10: 1039 tokens of key key_new39, model 'jamba-large', are unassigned; ")
    assert said[-1] == "warning: and 30 more of unassigned (30435 tokens); -o json lists all"
    told = json.loads(tallybook(root, "nightly", *AS_OF, "--json").stdout)["warnings"]
    assert len(told) == 40
    known = [f"{line} (known since 2026-11-01)" for line in said[:-1]] + [f"{said[-1]} (known)"]
    assert tallybook(root, "doctor", "--warnings").stderr.splitlines() == known
    assert json.loads(tallybook(root, "doctor", "--warnings", "--json").stdout)["warnings"] == told
    assert tallybook(root, "doctor").stderr == ""
    assert told[0] | {"text": ""} == {
        "code": "unassigned",
        "subject": "key_new39",
        "text": "",
        "counts": {"tokens": 1039},
        "amount": None,
        "currency": None,
        "about": {"period": "2026-10", "model": "jamba-large"},
        "is_new": False,
        "acknowledged": None,
        "known_since": "2026-11-01T03:00:00+00:00",
    }
