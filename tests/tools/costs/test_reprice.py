"""``tallybook reprice``: what past usage would have cost under another card."""

from __future__ import annotations

import csv
import io
import json
import shutil
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import pytest
from workspaces import account, append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.jobs.answers import reprice as jobs
from pipeline.jobs.state.aggregate import count

if TYPE_CHECKING:
    from pathlib import Path

OLD = 'id = "standard"\ncurrency = "USD"\n[[rates]]\nmodel = "jamba-large"\nprompt = 2.00\ncompletion = 8.00\n'
NEW = """
id = "new"
currency = "USD"
[aliases]
"jamba-large-1.7" = "jamba-large"
[[rates]]
model = "jamba-large"
effective_to = 2026-10-10T12:00:00Z
prompt = 1.00
completion = 10.00
[[rates]]
model = "jamba-large"
effective_from = 2026-10-10T12:00:00Z
prompt = 3.00
completion = 10.00
prompt_cached = 0.30
"""
EURO = 'id = "euro"\ncurrency = "EUR"\n[[rates]]\nmodel = "jamba-large"\nprompt = 2.00\ncompletion = 8.00\n'
LATE = (
    'id = "late"\ncurrency = "USD"\n[[rates]]\nmodel = "jamba-large"\neffective_from = 2026-11-01\nprompt = 2.00\n'
    "completion = 8.00\n"
)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(
        tmp_path_factory.mktemp("reprice") / "books", cards={"standard": OLD, "new": NEW, "euro": EURO, "late": LATE}
    )
    write_log(
        root,
        "october.jsonl",
        plain("2026-10-10T11:59:59Z", id="1", prompt=1_000_000, completion=100_000),
        plain("2026-10-10T12:00:00Z", id="2", prompt=1_000_000, completion=100_000, cached=500_000),
        plain("2026-11-10T12:00:00Z", id="3", prompt=2_000_000),
    )
    assert tallybook(root, "nightly", "--as-of", "2026-11-11").returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-11").returncode == 0
    return root


def lines(done: object) -> dict[tuple[str, str], tuple[str, str, str]]:
    rows = csv.DictReader(io.StringIO(getattr(done, "stdout"), newline=""))  # noqa: B009  # whatever ran the command
    return {(row["period"], row["meter"]): (row["old_amount"], row["new_amount"], row["difference"]) for row in rows}


@pytest.mark.long
def test_each_line_has_its_old_and_new_amount_and_the_new_cards_own_windows_count(books: Path) -> None:
    done = tallybook(books, "reprice", "--card", "new", "-o", "csv")
    assert done.returncode == 0, done.stderr
    # October: 1 M at 1.00 before noon, 0.5 M at 3.00 after it, 0.5 M cached at 0.30; 0.2 M completion at 10.00.
    assert lines(done) == {
        ("2026-10", "prompt"): ("3.00", "2.50", "-0.50"),
        ("2026-10", "prompt_cached"): ("1.00", "0.15", "-0.85"),
        ("2026-10", "completion"): ("1.60", "2.00", "0.40"),
        ("2026-11", "prompt"): ("4.00", "6.00", "2.00"),
    }


@pytest.mark.long
def test_a_card_that_only_costs_something_else_is_not_counted_again_and_gives_the_same_amounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = {
        "standard": OLD,
        "half": OLD.replace("standard", "half").replace("2.00", "1.00"),
        "apart": OLD.replace("standard", "apart") + "reasoning = 1\n",
    }
    root = make_workspace(tmp_path / "books", cards=cards)
    write_log(root, "october.jsonl", plain("2026-10-10T11:59:59Z", id="1", prompt=1_000_000, completion=100_000))
    assert tallybook(root, "nightly", "--as-of", "2026-11-11").returncode == 0
    again: list[str] = []
    monkeypatch.setattr(jobs, "count", lambda *given: again.append("counted") or count(*given))
    assert lines(tallybook(root, "reprice", "--card", "half", "-o", "csv"))["2026-10", "prompt"] == (
        "2.00",
        "1.00",
        "-1.00",
    )
    assert again == []
    assert lines(tallybook(root, "reprice", "--card", "apart", "-o", "csv"))["2026-10", "completion"] == (
        "0.80",
        "0.80",
        "0.00",
    )
    assert again == ["counted"]


def test_totals_are_per_account_and_month_and_name_what_was_compared(books: Path) -> None:
    answer = json.loads(tallybook(books, "reprice", "--card", "new", "-o", "json").stdout)
    assert [tuple(total.values()) for total in answer["totals"]] == [
        ("2026-10", "acme", "INV-000001", "USD", "5.60", "4.65", "-0.95"),
        ("2026-11", "acme", "draft-2026-11-acme", "USD", "4.00", "6.00", "2.00"),
    ]
    prompt = next(line for line in answer["lines"] if (line["period"], line["meter"]) == ("2026-10", "prompt"))
    assert (prompt["old_rates"], prompt["new_rates"], prompt["old_quantity"], prompt["new_quantity"]) == (
        "2.00",
        "1.00 3.00",
        1_500_000,
        1_500_000,
    )


def test_repricing_by_the_same_card_changes_nothing(books: Path) -> None:
    assert {
        difference
        for _, _, difference in lines(tallybook(books, "reprice", "--card", "standard", "-o", "csv")).values()
    } == {"0.00"}


@pytest.mark.long
def test_an_issued_invoice_is_compared_as_issued_and_late_usage_is_in_the_new_amount(
    books: Path, tmp_path: Path
) -> None:
    books = shutil.copytree(books, tmp_path / "books")
    append_log(books, "october.jsonl", plain("2026-10-02T00:00:00Z", id="late", prompt=1_000_000, key="key_a"))
    assert tallybook(books, "collect").returncode == 0
    repriced = lines(
        tallybook(books, "reprice", "--card", "standard", "--period", "2026-10", "--account", "acme", "-o", "csv")
    )
    assert repriced["2026-10", "prompt"] == ("3.00", "5.00", "2.00")


@pytest.mark.long
def test_a_childs_usage_of_a_quarter_is_compared_with_its_parents_draft(tmp_path: Path) -> None:
    """December is billed by itself: the group is billed by the quarter from January on."""
    by_quarter = '[[accounts.terms]]\nfrom = 2027-01-01\nbilling_interval = "quarter"\n'
    root = make_workspace(
        tmp_path / "books",
        accounts=account("acme", "key_a") + by_quarter + account("bolt", "key_b", invoiced_to="acme") + by_quarter,
    )
    write_log(
        root,
        "l.jsonl",
        plain("2026-12-10T00:00:00Z", id="a", key="key_b"),
        plain("2027-01-10T00:00:00Z", id="b", key="key_b"),
    )
    assert tallybook(root, "nightly", "--as-of", "2027-02-01").returncode == 0
    done = tallybook(root, "reprice", "--card", "standard", "-o", "csv")
    assert [row.split(",")[:3] for row in done.stdout.splitlines()[1:]] == [
        ["2026-12", "bolt", "draft-2026-12-acme"],
        ["2027-01", "bolt", "draft-2027-Q1-acme"],
    ]


@pytest.mark.long
def test_late_usage_of_a_child_whose_parents_month_is_issued_is_in_the_new_amount_alone(tmp_path: Path) -> None:
    root = make_workspace(
        tmp_path / "books", accounts=account("acme", "key_a") + account("bolt", "key_b", invoiced_to="acme")
    )
    write_log(root, "l.jsonl", plain("2026-10-10T00:00:00Z", id="a"))
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-01").returncode == 0
    append_log(root, "l.jsonl", plain("2026-10-10T00:00:00Z", id="b", key="key_b"))
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    for options in ([], ["--account", "bolt"]):
        done = tallybook(root, "reprice", "--card", "standard", "-o", "csv", *options)
        late = done.stdout.splitlines()[-1].split(",")
        assert (late[1], late[2], late[-3:]) == ("bolt", "", ["0.00", "2.00", "2.00"])


def test_nothing_is_written(books: Path) -> None:
    before = fingerprints(books)
    tallybook(books, "reprice", "--card", "new")
    assert fingerprints(books) == before


def test_usage_that_the_other_card_has_no_rate_for_is_listed_never_free(books: Path) -> None:
    done = tallybook(books, "reprice", "--card", "late", "-o", "csv")
    assert done.returncode == 0
    assert done.stderr == (
        "warning: 2200000 tokens of acme for model 'jamba-large' are unpriced; "
        "rates/late.toml has no rate in force for it, so the new amounts are without it\n"
    )
    assert lines(done)["2026-10", "prompt"] == ("3.00", "0.00", "-3.00")
    assert lines(done)["2026-11", "prompt"] == ("4.00", "4.00", "0.00")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--card", "nobodys"], "there is no rate card"),
        (["--card", "new", "--account", "nobody"], "there is no account"),
        (["--card", "euro"], "needs one currency"),
        ([], "--card"),
    ],
)
def test_what_cannot_be_compared_is_exit_code_2(books: Path, arguments: list[str], said: str) -> None:
    done = tallybook(books, "reprice", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.long
def test_the_amounts_are_those_of_plain_arithmetic(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", cards={"standard": OLD, "new": NEW})
    events = [
        (f"2026-10-{day:02}T{hour:02}:00:00Z", 7_919 * day + hour, 104_729 % (day * 97 + hour))
        for day in range(1, 29)
        for hour in (1, 12, 13)
    ]
    write_log(
        root,
        "october.jsonl",
        *(plain(ts, id=ts, prompt=prompt, completion=completion) for ts, prompt, completion in events),
    )
    assert tallybook(root, "collect").returncode == 0
    repriced = lines(tallybook(root, "reprice", "--card", "new", "-o", "csv"))
    cent = Decimal("0.01")
    early = sum(prompt for ts, prompt, _ in events if ts < "2026-10-10T12") * Decimal("1.00") / 1_000_000
    late = sum(prompt for ts, prompt, _ in events if ts >= "2026-10-10T12") * Decimal("3.00") / 1_000_000
    completion = sum(completion for _, _, completion in events) * Decimal("10.00") / 1_000_000
    assert repriced["2026-10", "prompt"][1] == str(
        early.quantize(cent, ROUND_HALF_UP) + late.quantize(cent, ROUND_HALF_UP)
    )
    assert repriced["2026-10", "completion"][1] == str(completion.quantize(cent, ROUND_HALF_UP))
