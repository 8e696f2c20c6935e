"""What is configured otherwise after something was forgotten: kept counts go with it, as the events would."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from workspaces import account, make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = account("acme", "key_a") + account("tokyo", "key_t", timezone="Asia/Tokyo")
FORGET = ("forget", "--before", "2026-11-10", "--with-uninvoiced", "--yes", "--as-of", "2026-11-20")


def rates(*entries: tuple[str, str], id: str = "standard") -> str:
    """Return a card: each price of a million prompt tokens with what else its entry says."""
    text = f'id = "{id}"\ncurrency = "USD"\n'
    return text + "".join(
        f'[[rates]]\nmodel = "jamba-large"\nprompt = {price}\ncompletion = 8\n{more}\n' for price, more in entries
    )


def done(root: Path, *arguments: str, code: int = 0) -> str:
    result = tallybook(root, *arguments)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def lives_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two workspaces of the same logs, of which one forgot the first days of November."""
    folder = tmp_path_factory.mktemp("prices")
    root = make_workspace(folder / "whole", accounts=ACCOUNTS, cards={"standard": rates(("2", ""))})
    write_log(
        root,
        "november.jsonl",
        *(
            plain(f"2026-11-{day}T{hour}:00:00Z", id=f"{key}-{day}-{hour}", key=key)
            for key in ("key_a", "key_t")
            for day in ("02", "04", "05", "06", "12")
            for hour in ("06", "14", "16")
        ),
    )
    done(root, "nightly", "--as-of", "2026-11-20")
    shutil.copytree(root, folder / "less")
    done(folder / "less", *FORGET)
    return folder


@pytest.fixture
def lives(lives_once: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The one that has all events, and the one that forgot some."""
    folder = shutil.copytree(lives_once, tmp_path / "lives")
    return folder / "whole", folder / "less"


def totals(root: Path) -> dict[str, str]:
    return {row["invoice_id"]: row["total"] for row in json.loads(done(root, "invoice", "list", "-o", "json"))}


@pytest.mark.parametrize(
    "card",
    [
        rates(("2", "effective_to = 2026-11-05"), ("5", "effective_from = 2026-11-05")),
        rates(("2", "effective_to = 2026-11-04T15:00:00Z"), ("5", "effective_from = 2026-11-04T15:00:00Z")),
        rates(("2", "effective_from = 2026-11-01")),
        rates(("2", "effective_to = 2026-11-10"), ("5", "effective_from = 2026-11-10")),
    ],
    ids=["midnight in UTC", "midnight in Tokyo", "began with the month", "after what was forgotten"],
)
@pytest.mark.long
def test_a_price_that_changes_for_days_that_were_forgotten_is_that_of_these_days(
    card: str, lives: tuple[Path, Path]
) -> None:
    """Where a price changes within the date of one account, the draft of the other is compared."""
    whole, less = lives
    for root in lives:
        (root / "rates" / "standard.toml").write_text(card, encoding="utf-8")
        done(root, "nightly", "--as-of", "2026-11-21")
    expected, found = totals(whole), totals(less)
    of_whole_days = "draft-2026-11-tokyo" if "T15:00" in card else "draft-2026-11-acme"
    assert found[of_whole_days] == expected[of_whole_days]
    done(less, "verify")


@pytest.mark.long
def test_of_a_date_within_which_a_price_changes_what_was_forgotten_costs_what_the_date_began_with(
    lives: tuple[Path, Path],
) -> None:
    _, less = lives
    noon = rates(("2", "effective_to = 2026-11-05T12:00:00Z"), ("5", "effective_from = 2026-11-05T12:00:00Z"))
    (less / "rates" / "standard.toml").write_text(noon, encoding="utf-8")
    done(less, "nightly", "--as-of", "2026-11-21")
    assert totals(less)["draft-2026-11-acme"] == "48.00", "9 million at 2, and 6 at 5: all of the 5th is at 2"


@pytest.mark.long
def test_days_that_were_forgotten_go_with_the_card_that_an_account_has_from_a_day_on(lives: tuple[Path, Path]) -> None:
    whole, less = lives
    terms = '[[accounts.terms]]\nfrom = 2026-11-05\nrate_card = "agreed"\n'
    for root in lives:
        agreed = rates(("9", "effective_to = 2026-11-04"), ("1", "effective_from = 2026-11-04"), id="agreed")
        (root / "rates" / "agreed.toml").write_text(agreed, encoding="utf-8")
        (root / "accounts.toml").write_text(ACCOUNTS + terms, encoding="utf-8")
        done(root, "nightly", "--as-of", "2026-11-21")
    assert totals(less) == totals(whole)


@pytest.mark.long
def test_days_that_were_forgotten_are_in_the_months_that_an_account_has_by_now(lives: tuple[Path, Path]) -> None:
    """A draft of a month that the account has not could be issued, and every command refused the account then."""
    whole, less = lives
    for root in lives:
        (root / "accounts.toml").write_text(account("acme", "key_a", billing_day=6), encoding="utf-8")
        done(root, "nightly", "--as-of", "2026-12-08")
    assert set(totals(whole)) == {"draft-2026-10-06-acme", "draft-2026-11-06-acme"}
    assert totals(less) == totals(whole)
    done(less, "invoice", "issue", "--period", "2026-10-06", "--as-of", "2026-12-08")
    done(less, "verify")
    done(less, "recompute", "INV-000001")
    (less / "rates" / "standard.toml").write_text(rates(("3", "")), encoding="utf-8")
    said = done(less, "nightly", "--as-of", "2026-12-09")
    assert "acme, 2026-10-06 (INV-000001) is worth 9.00 USD more than was invoiced for it" in said
    assert "so no correction is made" in said


@pytest.mark.long
def test_repricing_says_of_what_was_forgotten_what_it_said_before(lives: tuple[Path, Path]) -> None:
    other = rates(("1", "effective_to = 2026-11-05"), ("5", "effective_from = 2026-11-05"), id="other")
    answers = []
    for root in lives:
        (root / "rates" / "other.toml").write_text(other, encoding="utf-8")
        answers.append(done(root, "reprice", "--card", "other", "--account", "acme", "-o", "csv"))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "other",
    [
        rates(("1", "effective_to = 2026-11-05T12:00:00Z"), ("5", "effective_from = 2026-11-05T12:00:00Z"), id="other"),
        rates(("1", ""), ("3", "above_prompt_tokens = 1_000"), id="other"),
        rates(("1", ""), id="other")
        .replace("[[rates]]", '[aliases]\n"jamba-large" = "jamba"\n[[rates]]')
        .replace('model = "jamba-large"', 'model = "jamba"'),
    ],
    ids=["a price that changes at noon", "prompt sizes", "names of models"],
)
@pytest.mark.long
def test_repricing_is_refused_where_counts_do_not_say_what_the_other_card_asks(
    other: str, lives: tuple[Path, Path]
) -> None:
    _, less = lives
    (less / "rates" / "other.toml").write_text(other, encoding="utf-8")
    refused = done(less, "reprice", "--card", "other", code=2)
    assert "usage of 2026-11-02 to 2026-11-07 was forgotten on 2026-11-20 by --before 2026-11-10, and its" in refused
