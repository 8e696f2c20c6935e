"""What usage costs: by the hour as its events are charged, beside the period before, and nothing is lost or added."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import RICH, account, make_workspace, plain, tallybook, write_log

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import BillingPeriod
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.grouped.selection import Span
from pipeline.jobs.answers.grouped.summed import rounded_quotient
from pipeline.jobs.state.at_issue import present_state
from pipeline.jobs.state.lines.traced_lines import events_by_line

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = account(
    "acme", "key_a", "key_b", timezone="Asia/Kolkata", rate_card="rich", discount_percent=12.5
) + account("beta", "key_c", timezone="Europe/Berlin", rate_card="flat")
FLAT = """
id = "flat"
currency = "EUR"
[[rates]]
model = "jamba-large"
effective_to = 2026-10-25T01:15:00Z
prompt = 1.00
completion = 1.00
[[rates]]
model = "jamba-large"
effective_from = 2026-10-25T01:15:00Z
prompt = 2.00
completion = 2.00
"""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(
        tmp_path_factory.mktemp("cost") / "books", accounts=ACCOUNTS, cards={"rich": RICH, "flat": FLAT}
    )
    requests = [
        ("2026-10-01T09:20:00Z", "key_b", 700_000, 30_000, 30_000),
        ("2026-10-01T09:40:00Z", "key_b", 100_000, 90_000, 60_000),
        ("2026-10-01T10:20:00Z", "key_a", 500_000, 1, 60_000),
        ("2026-10-01T18:29:59Z", "key_a", 400_000, 0, 7),  # the last second of the day in India
        ("2026-10-01T18:30:00Z", "key_a", 400_000, 0, 7),
        ("2026-10-25T00:30:00Z", "key_c", 1_000_000, 0, 0),  # 02:30 in Berlin, and again an hour later
        ("2026-10-25T01:10:00Z", "key_c", 1_000_000, 0, 0),
        ("2026-10-25T01:30:00Z", "key_c", 1_000_000, 0, 0),  # at another price
        ("2026-09-25T01:30:00Z", "key_c", 4_000_000, 0, 0),
        ("2026-10-01T10:50:00Z", "key_z", 5, 0, 5),
    ]
    lines = [plain(ts, id=ts, key=key, prompt=p, cached=c, completion=out) for ts, key, p, c, out in requests]
    unpriced = plain("2026-10-02T10:00:00Z", id="new", key="key_b", prompt=10, completion=5, model="jamba-new")
    write_log(root, "a.jsonl", *lines, unpriced)
    write_log(root, "b.jsonl", *lines[:3])  # copies, which are not billed again
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    return root


def asked(root: Path, *options: str, command: str = "cost") -> dict[str, Any]:
    done = tallybook(root, command, *options, "-o", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def costs(answer: dict[str, Any], *names: str) -> dict[Any, Decimal]:
    return {
        tuple(row[name] for name in names) if len(names) > 1 else row[names[0]]: Decimal(row["cost"])
        for row in answer["rows"]
        if row["cost"] is not None
    }


@pytest.mark.long
def test_an_hour_costs_what_the_events_in_it_are_charged_whatever_the_shape_of_their_price(books: Path) -> None:
    workspace = open_workspace(books, now=datetime(2026, 11, 1, tzinfo=UTC))
    by_line = events_by_line(present_state(workspace), ["key_a", "key_b"], account_id="acme", period="2026-10")
    charged: dict[Any, Decimal] = defaultdict(Decimal)
    for events in by_line.values():
        for each in events:
            hour = (
                each.event["occurred_at"].astimezone(workspace.accounts.by_id("acme").zone).replace(minute=0, second=0)
            )
            charged[hour.isoformat("T", "minutes"), each.event["api_key_id"]] += each.exact_charge
    assert len(charged) == 5
    answer = asked(books, "--by", "hour,key", "--account", "acme", "--period", "2026-10")
    assert costs(answer, "usage_hour", "api_key_id") == charged


@pytest.mark.long
def test_the_hours_of_a_day_cost_what_the_day_costs_where_clocks_are_half_an_hour_apart_and_change(books: Path) -> None:
    days = asked(books, "--by", "day,account")
    of_hours: dict[Any, Decimal] = defaultdict(Decimal)
    for (day, account_id, _), amount in costs(
        asked(books, "--by", "day,account,hour"), "usage_date", "account_id", "usage_hour"
    ).items():
        of_hours[day, account_id] += amount
    assert of_hours == costs(days, "usage_date", "account_id")
    beta = costs(asked(books, "--by", "hour", "--account", "beta", "--period", "2026-10"), "usage_hour")
    assert beta == {"2026-10-25T02:00+02:00": Decimal(1), "2026-10-25T02:00+01:00": Decimal(3)}
    acme = asked(books, "--by", "hour", "--account", "acme", "--from", "2026-10-01", "--to", "2026-10-02")
    assert [row["usage_hour"] for row in acme["rows"]] == [
        "2026-10-01T14:00+05:30",
        "2026-10-01T15:00+05:30",
        "2026-10-01T23:00+05:30",
    ]


@pytest.mark.long
def test_usage_by_the_hour_counts_what_the_day_counts(books: Path) -> None:
    for by in ("", ",meter", ",status,fate"):
        done = {
            words: tallybook(books, "usage", "--by", words + by, "-o", "json").stdout
            for words in ("account,day", "account,day,hour")
        }
        tokens: dict[Any, int] = defaultdict(int)
        for row in json.loads(done["account,day,hour"]):
            tokens[row["account_id"], row["usage_date"], row.get("meter")] += row.get("quantity", row.get("events"))
        expected: dict[Any, int] = defaultdict(int)
        for row in json.loads(done["account,day"]):
            expected[row["account_id"], row["usage_date"], row.get("meter")] += row.get("quantity", row.get("events"))
        assert tokens == expected
        assert tokens


@pytest.mark.long
def test_every_way_to_group_adds_up_to_the_charges_and_to_all_billed_tokens(books: Path) -> None:
    for by in ("account", "key,model", "day", "month,tier", "meter", "provider", "account,meter,day", "hour"):
        answer = asked(books, "--by", by)
        assert {row["currency"] for row in answer["rows"]} == {"USD", "EUR", None}
        for total in answer["totals"]:
            rows = [row for row in answer["rows"] if row["currency"] == total["currency"]]
            assert sum(row["tokens"] for row in rows) == total["tokens"]
            assert sum(row["unpriced_tokens"] for row in rows) == total["unpriced_tokens"]
            assert sum(Decimal(row["cost"] or 0) for row in rows) == Decimal(total["cost"] or 0)
        assert [total["tokens"] for total in answer["totals"]] == [7_000_000, 2_250_029, 10]


def test_usage_without_a_price_is_listed_and_never_costs_zero(books: Path) -> None:
    answer = asked(books, "--by", "key,model")
    unpriced = [row for row in answer["rows"] if row["unpriced_tokens"]]
    assert [(row["api_key_id"], row["currency"], row["unpriced_tokens"], row["cost"]) for row in unpriced] == [
        ("key_b", "USD", 15, None),
        ("key_z", None, 10, None),
    ]
    assert all(row["cost_per_request"] is None and row["share"] is None for row in unpriced)


def test_all_but_the_greatest_are_one_row_of_each_currency_and_nothing_is_lost(books: Path) -> None:
    every, some = asked(books, "--by", "day,key"), asked(books, "--by", "day,key", "--top", "1")
    assert some["totals"] == every["totals"]
    usd = [row for row in some["rows"] if row["currency"] == "USD"]
    assert [row.get("others") for row in usd] == [None, 3]
    assert usd[1]["usage_date"] == "3 others"
    assert sum(Decimal(row["cost"]) for row in usd) == Decimal(every["totals"][1]["cost"])
    assert len([row for row in some["rows"] if row["currency"] == "EUR"]) == 2  # a row of one other would say less


def test_a_period_is_compared_with_as_many_months_or_days_before_it() -> None:
    def span(start: str, end: str) -> Span:
        return Span(from_date=date.fromisoformat(start), to_date=date.fromisoformat(end))

    assert Span.of(BillingPeriod.parse("2026-03")).previous() == span("2026-02-01", "2026-03-01")
    assert span("2026-01-01", "2026-04-01").previous() == span("2025-10-01", "2026-01-01")
    assert span("2026-10-12", "2026-10-19").previous() == span("2026-10-05", "2026-10-12")
    for open_span in (Span(), Span(from_date=date(2026, 10, 1)), Span(to_date=date(2026, 10, 1))):
        with pytest.raises(ConfigurationError, match="--compare previous needs a period"):
            open_span.previous()


def test_a_date_of_the_period_before_stands_beside_the_one_in_its_place_or_else_as_itself() -> None:
    november = Span.of(BillingPeriod.parse("2026-11"))
    october = november.previous()
    assert november.counterpart(date(2026, 10, 30), october) == date(2026, 11, 30)
    assert november.counterpart(date(2026, 10, 31), october) == date(2026, 10, 31)
    assert november.counterpart_month("2026-10", october) == "2026-11"
    week = Span(from_date=date(2026, 11, 2), to_date=date(2026, 11, 9))
    assert week.counterpart(date(2026, 10, 27), week.previous()) == date(2026, 11, 3)
    assert week.counterpart_month("2026-10", week.previous()) == "2026-11"


@pytest.mark.parametrize("by", ["account", "day", "month", "hour", "model,key"])
def test_what_was_there_before_is_compared_whatever_it_is_grouped_by(books: Path, by: str) -> None:
    answer = asked(books, "--by", by, "--period", "2026-10", "--compare", "previous")
    assert answer["previous_period"] == {"from": "2026-09-01", "to": "2026-10-01"}
    euros = [row for row in answer["rows"] if row["currency"] == "EUR"]
    assert sum(Decimal(row["previous_cost"]) for row in euros) == 4
    assert sum(Decimal(row["change"]) for row in euros) == 0
    (total,) = [total for total in answer["totals"] if total["currency"] == "EUR"]
    assert (total["cost"], total["previous_cost"], total["change"], total["relative_change"]) == (
        "4.00",
        "4.00",
        "0.00",
        "0.0000",
    )


def test_a_cost_that_fell_is_a_number_in_a_table_too_and_no_text_that_is_kept_from_being_a_formula(books: Path) -> None:
    week = ("--from", "2026-10-25", "--to", "2026-10-26", "--account", "beta")
    done = tallybook(books, "cost", "--by", "account", "--compare", "previous", "-o", "csv", *week)
    assert done.stdout.splitlines()[1].split(",")[5:] == [
        "4.00",
        "1.0000",
        "0.00",
        "4.00",
        "",
        "1.33333333",
        "0.00133333",
    ]
    fell = ("--from", "2026-09-26", "--to", "2026-09-27", "--account", "beta", "--compare", "previous")
    done = tallybook(books, "cost", "--by", "account", "-o", "csv", *fell)
    assert done.stdout.splitlines()[1].split(",")[5:] == ["0.00", "", "4.00", "-4.00", "-1.0000", "", ""]


def steps(root: Path, *options: str) -> dict[str, dict[str, Decimal]]:
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in asked(root, "--bills", *options)["rows"]:
        found[row["currency"]][row["step"]] = Decimal(row["amount"])
    return found


@pytest.mark.long
def test_from_the_cost_to_the_bills_every_step_is_named_and_they_add_up(tmp_path: Path) -> None:
    root = make_workspace(
        tmp_path / "books",
        accounts='[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\ntax = { rate = 10.0, label = "VAT" }\n',
        cards={
            "standard": 'id = "standard"\nmonthly_fee = 5\n[[rates]]\nmodel = "jamba-large"\n'
            "prompt = 2\ncompletion = 8\n"
        },
    )
    write_log(root, "a.jsonl", plain("2026-09-05T10:00:00Z", id="a", prompt=1_000_001))
    assert tallybook(root, "nightly", "--as-of", "2026-10-01").returncode == 0
    assert steps(root, "--period", "2026-09") == {
        "USD": {
            "cost of usage": Decimal("2.000002"),
            "rounding of lines": Decimal("-0.000002"),
            "fee": Decimal(5),
            "tax": Decimal("0.7"),
            "total of bills": Decimal("7.7"),
        }
    }
    assert tallybook(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-01").returncode == 0
    write_log(root, "b.jsonl", plain("2026-09-06T10:00:00Z", id="late", prompt=500_000))
    write_log(root, "c.jsonl", plain("2026-10-06T10:00:00Z", id="b", prompt=30_000_000))
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    late = steps(root, "--period", "2026-09")["USD"]
    assert (late["cost of usage"], late["not on these bills"], late["total of bills"]) == (
        Decimal("3.000002"),
        Decimal(-1),
        Decimal("7.7"),
    )
    for months in (("--period", "2026-10"), ("--from", "2026-09-01", "--to", "2026-11-01", "--account", "acme")):
        ((total, *_),) = [list(reversed(found.values())) for found in steps(root, *months).values()]
        found = steps(root, *months)["USD"]
        assert sum(found.values()) == 2 * total
        assert "correction" in found


@pytest.mark.long
def test_a_bill_of_a_quarter_is_taken_whole_and_its_other_months_are_a_step(tmp_path: Path) -> None:
    root = make_workspace(
        tmp_path / "books",
        accounts='[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\nbilling_interval = "quarter"\n'
        '[[accounts]]\nid = "beta"\nname = "Beta"\nkeys = ["key_b"]\nbilling_day = 15\n',
        cards={"standard": 'id = "standard"\n[[rates]]\nmodel = "jamba-large"\nprompt = 2\ncompletion = 8\n'},
    )
    write_log(
        root,
        "a.jsonl",
        plain("2026-10-05T10:00:00Z", id="a", prompt=1_000_000),
        plain("2026-11-05T10:00:00Z", id="b", prompt=500_000),
        plain("2026-10-14T10:00:00Z", id="c", prompt=10_000_000, key="key_b"),
        plain("2026-10-15T10:00:00Z", id="d", prompt=2_000_000, key="key_b"),
        plain("2026-11-14T10:00:00Z", id="e", prompt=4_000_000, key="key_b"),
    )
    assert tallybook(root, "nightly", "--as-of", "2027-01-01").returncode == 0
    assert steps(root, "--period", "2026-11", "--account", "acme")["USD"] == {
        "cost of usage": Decimal(1),
        "cost of the bills' other days": Decimal(2),
        "total of bills": Decimal(3),
    }
    beta = steps(root, "--period", "2026-11", "--account", "beta")["USD"]
    assert beta == {
        "cost of usage": Decimal(8),
        "cost of the bills' other days": Decimal(4),
        "total of bills": Decimal(12),
    }


@pytest.mark.long
def test_a_bill_of_several_accounts_is_taken_whole_and_the_other_accounts_are_a_step(tmp_path: Path) -> None:
    """Bolt has an invoice of its own for September, and stands on Acme's for October."""
    root = make_workspace(
        tmp_path / "books",
        accounts=account("acme", "key_a")
        + account("bolt", "key_b")
        + 'invoiced_to = [{ account = "acme", from = 2026-10-01 }]\n'
        + account("corp", "key_c"),
    )
    write_log(
        root,
        "a.jsonl",
        plain("2026-09-05T10:00:00Z", id="a", prompt=500_000),
        plain("2026-09-05T10:00:00Z", id="b", prompt=1_000_000, key="key_b"),
        plain("2026-10-05T10:00:00Z", id="c", prompt=2_000_000),
        plain("2026-10-05T10:00:00Z", id="d", prompt=4_000_000, key="key_b"),
        plain("2026-10-05T10:00:00Z", id="e", prompt=8_000_000, key="key_c"),
    )
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    both = ("--from", "2026-09-01", "--to", "2026-11-01")
    for options, of_usage, of_others, total in (
        (("--period", "2026-10", "--account", "acme"), 4, 8, 12),
        (("--period", "2026-10", "--account", "bolt"), 8, 4, 12),
        (("--period", "2026-10", "--account", "acme", "--account", "bolt"), 12, None, 12),
        (("--period", "2026-10", "--account", "corp"), 16, None, 16),
        ((*both, "--account", "bolt"), 10, 4, 14),
        ((*both, "--account", "acme"), 5, 8, 13),
    ):
        other = {} if of_others is None else {"cost of the bills' other accounts": Decimal(of_others)}
        found = steps(root, *options)["USD"]
        assert found == {"cost of usage": Decimal(of_usage), **other, "total of bills": Decimal(total)}, options


def test_bills_are_of_whole_months_and_accounts(books: Path) -> None:
    for options in (["--period", "2026-10", "--key", "key_a"], ["--from", "2026-10-02", "--to", "2026-11-01"], []):
        done = tallybook(books, "cost", "--bills", *options)
        assert (done.returncode, "--bills needs whole months" in done.stderr) == (2, True)
    assert "takes no --by" in tallybook(books, "cost", "--bills", "--period", "2026-10", "--top", "1").stderr
    both = steps(books, "--period", "2026-10")
    assert set(both) == {"USD", "EUR"}
    assert all(sum(found.values()) == 2 * found["total of bills"] for found in both.values())


def test_a_quotient_is_rounded_once_half_to_even() -> None:
    assert rounded_quotient(Decimal("0.125"), 1, 2) == Decimal("0.12")
    assert rounded_quotient(Decimal("0.375"), 1, 2) == Decimal("0.38")
    assert rounded_quotient(Decimal(-1), 3, 2) == Decimal("-0.33")
    assert str(rounded_quotient(Decimal("-0.001"), 1, 2)) == "0.00"
    tiny = Decimal("1e-22")
    assert rounded_quotient(Decimal("0.125") + tiny, 1, 2) == Decimal("0.13")
    assert rounded_quotient(Decimal(10**15) * 3 + tiny, 2**63 - 1, 8) == Decimal("0.00032526")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--by", "modle"], "--by 'modle' is not known; did you mean 'model'?"),
        (["--by", "status"], "tells apart exchanges and not their charges"),
        (["--account", "acne"], "did you mean 'acme'?"),
        (["--key", "key_"], "--key 'key_' could be key_a, key_b, key_c, "),
        (["--model", "gpt-9"], "--model 'gpt-9' is not known"),
        (["--tag", "team=x"], "--tag 'team=x' is not known"),
        (["--compare", "previous"], "needs a period that has a beginning and an end"),
        (["--period", "2026-10", "--from", "2026-10-01"], "leave out --from and --to"),
        (["--from", "2026-10-02", "--to", "2026-10-02"], "is no day at all"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(books: Path, options: list[str], says: str) -> None:
    done = tallybook(books, "cost", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_books_without_usage_cost_nothing_at_all(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    for by in ("model", "hour", "day,meter"):
        answer = asked(root, "--by", by, "--period", "2026-10", "--compare", "previous")
        assert (answer["rows"], answer["totals"]) == ([], [])


@pytest.mark.long
def test_the_hours_of_an_account_whose_months_begin_within_the_calendars_are_all_there(tmp_path: Path) -> None:
    accounts = '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\nrate_card = "flat"\nbilling_day = 15\n'
    root = make_workspace(tmp_path / "books", accounts=accounts, cards={"flat": FLAT})
    days = ("2026-09-30", "2026-10-14", "2026-10-15", "2026-10-31")
    write_log(root, "a.jsonl", *(plain(f"{day}T10:00:00Z", id=day, prompt=1_000_000) for day in days))
    assert tallybook(root, "nightly", "--as-of", "2026-11-20").returncode == 0
    whole = ("--from", "2026-09-01", "--to", "2026-11-15")
    by_day = costs(asked(root, "--by", "day", *whole), "usage_date")
    assert set(by_day) == set(days)
    of_hours = asked(root, "--by", "day,hour", *whole)["rows"]
    assert {row["usage_date"]: Decimal(row["cost"]) for row in of_hours} == by_day
    (one,) = asked(root, "--by", "hour", "--from", "2026-10-15", "--to", "2026-10-16")["rows"]
    assert one["usage_hour"] == "2026-10-15T10:00+00:00"
