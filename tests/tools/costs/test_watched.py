"""``budgets`` and ``anomalies``: what is spent is what ``cost`` says, days are those of accounts, scripts can tell."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import account, fingerprints, make_workspace, plain, tagged, tallybook, write_log

from pipeline.base.periods import BillingPeriod
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.grouped.cost import cost
from pipeline.jobs.answers.grouped.selection import Selection, Span
from pipeline.jobs.answers.watched import budgets as watched_budgets
from pipeline.jobs.answers.watched.anomalies import anomalies
from pipeline.jobs.answers.watched.budgets import budgets

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace

ACCOUNTS = (
    account("acme", "key_a", "key_b")
    + account("tokyo", "key_t", timezone="Asia/Tokyo")
    + account("euro", "key_e", rate_card="euros")
    + tagged("key_a", team="search", stage="live")
    + tagged("key_b", team="chat", stage="live")
    + tagged("key_t", team="search")
)
RATES = """
[[rates]]
model = "jamba-large"
prompt = 2.00
completion = 8.00

[[rates]]
model = "openai/gpt-x"
prompt = 3.00
completion = 9.00
"""
CARDS = {name: f'id = "{name}"\ncurrency = "{of}"\n{RATES}' for name, of in (("standard", "USD"), ("euros", "EUR"))}
OCTOBER = BillingPeriod(year=2026, month=10)
NOW = datetime(2026, 10, 20, 18, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST = date(2026, 8, 20)
SCOPES = (
    ("everything", "", {}),
    ("account", 'accounts = ["acme"]', {"accounts": ("acme",)}),
    ("accounts", 'accounts = ["acme", "tokyo"]', {"accounts": ("acme", "tokyo")}),
    ("key", 'keys = ["key_t"]', {"keys": ("key_t",)}),
    ("model", 'models = ["openai/gpt-x"]', {"models": ("openai/gpt-x",)}),
    ("provider", 'providers = ["openai"]', {"models": ("openai/gpt-x",)}),
    ("tag", 'tags = { team = "search" }', {"tags": ("team=search",)}),
    ("any of a tag", 'tags = { team = ["search", "chat"] }', {"keys": ("key_a", "key_b", "key_t")}),
    ("all tags", 'tags = { team = ["search", "chat"], stage = "live" }', {"keys": ("key_a", "key_b")}),
    ("all kinds", 'accounts = ["acme"]\nmodels = ["jamba-large"]', {"accounts": ("acme",), "models": ("jamba-large",)}),
)


def tokens(day: date, key: str, model: str) -> int:
    """Return some tokens that differ by day, key and model, and are fewer on weekends."""
    place = (day.toordinal() * 7919 + sum(map(ord, key + model)) * 104_729) % 1000
    return (1_000 + place) * (1 if day.weekday() >= 5 else 5)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("watched") / "books", accounts=ACCOUNTS, cards=CARDS)
    lines = []
    for place in range((NOW.date() - FIRST).days + 1):
        day = FIRST + place * DAY
        for key in ("key_a", "key_b", "key_t", "key_e"):
            for model in ("jamba-large", "openai/gpt-x"):
                count = tokens(day, key, model) * (60 if (key, day) == ("key_b", date(2026, 10, 14)) else 1)
                name = f"{day}-{key}-{model[:5]}"
                lines.append(plain(f"{day}T09:00:00Z", id=name, request_id=name, prompt=count, key=key, model=model))
    lines.append(plain("2026-10-20T16:30:00Z", id="late", prompt=900, key="key_t"))  # the 21st in Tokyo
    lines.append(plain("2026-10-12T09:00:00Z", id="new", prompt=700, key="key_a", model="no-rate"))
    lines.append(plain("2026-10-12T09:00:00Z", id="nobody", prompt=700, key="key_z"))
    write_log(root, "a.jsonl", *lines)
    text = "\n".join(f'[[budgets]]\nname = "{name}"\namount = 0.50\n{scope}\n' for name, scope, _ in SCOPES)
    (root / "budgets.toml").write_text(text, encoding="utf-8")
    assert tallybook(root, "nightly", "--as-of", "2026-10-20T18:00:00Z").returncode == 0
    return root


@pytest.fixture
def workspace(books: Path) -> Workspace:
    return open_workspace(books, now=NOW)


@pytest.mark.long
@pytest.mark.parametrize("as_of", [None, date(2026, 10, 13)])
def test_what_is_spent_is_what_cost_says_of_the_same_scope_and_days(workspace: Workspace, as_of: date | None) -> None:
    states = {state.budget.name: state for state in budgets(workspace, as_of=as_of)}
    for name, _, chosen in SCOPES:
        span = Span(from_date=OCTOBER.first_date, to_date=as_of or OCTOBER.end_date)
        charged = {total.currency: total for total in cost(workspace, [], Selection(span=span, **chosen)).totals}
        state = states[name]
        assert state.period == OCTOBER
        assert state.spent == charged["USD"].cost, name
        assert dict(state.in_other_currencies) == ({"EUR": charged["EUR"].cost} if "EUR" in charged else {}), name
        assert state.unpriced_tokens == charged["USD"].sums.unpriced_tokens, name


def test_the_days_of_a_budget_are_those_of_its_accounts(workspace: Workspace) -> None:
    states = {state.budget.name: state for state in budgets(workspace)}
    assert states["account"].counted_before == date(2026, 10, 20)
    assert states["key"].counted_before == date(2026, 10, 21)  # in Tokyo it is the 21st
    assert (states["key"].days_elapsed, states["account"].days_elapsed) == (20, 19)
    assert states["everything"].counted_before == date(2026, 10, 20)


@pytest.mark.long
def test_days_that_no_night_has_counted_are_not_taken_for_days_of_nothing(books: Path) -> None:
    (now,) = (state for state in budgets(open_workspace(books, now=NOW)) if state.budget.name == "account")
    (later,) = (state for state in budgets(open_workspace(books, now=NOW + 6 * DAY)) if state.budget.name == "account")
    assert (later.days_elapsed, later.spent, later.forecast) == (now.days_elapsed, now.spent, now.forecast)


def test_days_after_an_as_of_date_are_not_looked_at(workspace: Workspace) -> None:
    before = {state.budget.name: state for state in budgets(workspace, as_of=date(2026, 9, 1))}
    assert {str(state.period) for state in before.values()} == {"2026-09"}
    assert {state.spent for state in before.values()} == {Decimal(0)}
    assert all(state.forecast and state.forecast.low > 0 for state in before.values())


def test_a_past_period_comes_to_what_was_spent(workspace: Workspace) -> None:
    for state in budgets(workspace, period=OCTOBER.previous()):
        assert str(state.period) == "2026-09"
        assert state.is_over
        assert state.forecast is not None
        assert state.forecast.low == state.forecast.mid == state.forecast.high == state.spent > 0


def test_without_a_file_nothing_is_read(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_budgets, "read_budgets", lambda _: ())
    monkeypatch.setattr(watched_budgets, "spending_of", lambda _: pytest.fail("the marts were read"))
    assert budgets(open_workspace(books, now=NOW)) == ()


def test_books_of_which_nothing_was_counted_have_no_states(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    (root / "budgets.toml").write_text('[[budgets]]\nname = "all"\namount = 1\n', encoding="utf-8")
    assert budgets(open_workspace(root, now=NOW)) == ()
    assert anomalies(open_workspace(root, now=NOW)) == ()
    assert tallybook(root, "budgets").returncode == 0
    assert tallybook(root, "anomalies").stdout == "no day is far from its own past\n"


@pytest.mark.long
def test_an_odd_day_of_a_key_is_told_once(workspace: Workspace) -> None:
    span = Span(from_date=date(2026, 10, 1), to_date=date(2026, 10, 21))
    (found,) = anomalies(workspace, span=span)
    assert (found.kind, found.anomaly.subject, found.anomaly.usage_date) == ("key", "key_b", date(2026, 10, 14))
    that_day = Span(from_date=date(2026, 10, 14), to_date=date(2026, 10, 15))
    charged = cost(workspace, [], Selection(span=that_day, keys=("key_b",)))
    assert found.anomaly.spent == charged.totals[0].cost
    assert {each.kind for each in anomalies(workspace, span=span, by=["account", "model"])} == {"account", "model"}
    assert anomalies(workspace, span=span, difference_min=Decimal(10**6)) == ()
    assert anomalies(workspace, as_of=date(2026, 10, 15)) == (found,)
    assert anomalies(workspace) == ()


def ask(root: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = tallybook(root, *arguments, "-o", "json")
    return done.returncode, json.loads(done.stdout)


@pytest.mark.long
def test_exit_codes_are_for_scripts_and_nothing_is_written(books: Path) -> None:
    before = fingerprints(books)
    code, said = ask(books, "budgets", "--as-of", "2026-10-20", "--budget", "model")
    (row,) = said["rows"]
    share = Decimal(row["share"])
    assert (code, row["amount"], row["days_elapsed"]) == (6 if share >= 1 else 0, "0.50", 19)
    per_cent = int(share * 100)
    assert ask(books, "budgets", "--as-of", "2026-10-20", "--budget", "model", "--fail-at", str(per_cent))[0] == 6
    assert ask(books, "budgets", "--as-of", "2026-10-20", "--budget", "model", "--fail-at", str(per_cent + 1))[0] == 0
    assert ask(books, "anomalies", "--from", "2026-10-01", "--to", "2026-10-20")[0] == 6
    assert ask(books, "anomalies", "--from", "2026-10-01", "--to", "2026-10-10")[0] == 0
    assert fingerprints(books) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("budgets", "--budget", "al"), "--budget 'al' is not known; budgets.toml has: everything, account"),
        (("budgets", "--fail-at", "0"), "0 is not in the range 1<=x<=1000"),
        (("anomalies", "--by", "team"), "--by 'team' is not known; write one or more of: account, key, model"),
        (("anomalies", "--at-least", "-1"), "'-1' is no amount; write currency units"),
        (("anomalies", "--period", "2026-10", "--from", "2026-10-02"), "--period says all dates of a month"),
    ],
)
def test_what_cannot_be_asked_is_refused(books: Path, arguments: tuple[str, ...], says: str) -> None:
    done = tallybook(books, *arguments)
    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.long
def test_the_metrics_of_a_night_have_the_budgets(books: Path, tmp_path: Path) -> None:
    path = tmp_path / "tallybook.prom"
    now = "2026-10-20T18:00:00Z"
    assert tallybook(books, "nightly", "--as-of", now, "--metrics-file", str(path)).returncode == 0
    lines = path.read_text(encoding="utf-8").splitlines()
    for state in budgets(open_workspace(books, now=NOW)):
        labels = f'{{budget="{state.budget.name}",currency="USD"}}'
        assert state.forecast is not None
        assert f"tallybook_budget_limit_amount{labels} 0.50" in lines
        assert f"tallybook_budget_spent_amount{labels} {state.spent:f}" in lines
        assert f"tallybook_budget_forecast_amount{labels} {state.forecast.mid:f}" in lines
        assert f"tallybook_budget_alert_percent{labels} {state.level or 0}" in lines


@pytest.mark.long
def test_a_wrong_file_stops_a_night_that_writes_metrics_before_it_begins(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="a"))
    (root / "budgets.toml").write_text("[[budgets]]\n", encoding="utf-8")
    done = tallybook(root, "nightly", "--metrics-file", str(tmp_path / "m.prom"))
    assert (done.returncode, (root / "lake").exists()) == (2, False)
    assert "budgets.toml: [[budgets]] 1: name is missing" in done.stderr
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
