"""``budgets.toml``: what can be said, and what is refused with file, table, value and remedy."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from workspaces import account, make_workspace, tagged, tallybook

from pipeline.base.errors import BudgetsError
from pipeline.budgets import Budget, Cadence, Scope
from pipeline.configuration.budgets_file import read_budgets
from pipeline.configuration.workspace import open_workspace

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = (
    account("acme", "key_a", "key_b")
    + account("beta", "key_c", rate_card="euros")
    + tagged("key_a", team="search")
    + tagged("key_c", team="chat")
)
DOLLARS = 'id = "standard"\ncurrency = "USD"\n[[rates]]\nmodel = "openai/gpt-x"\nprompt = 2.00\ncompletion = 8.00\n'
EUROS = DOLLARS.replace("standard", "euros").replace("USD", "EUR").replace("openai/gpt-x", "jamba-large")
LEAST = '[[budgets]]\nname = "all"\namount = 100\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "books", accounts=ACCOUNTS, cards={"standard": DOLLARS, "euros": EUROS})


def read(root: Path, text: str) -> tuple[Budget, ...]:
    (root / "budgets.toml").write_text(text, encoding="utf-8")
    return read_budgets(open_workspace(root))


def test_no_file_and_no_table_are_no_budgets(root: Path) -> None:
    assert read_budgets(open_workspace(root)) == ()
    assert read(root, "# none yet\n") == ()


def test_a_budget_says_little_and_the_rest_is_usual(root: Path) -> None:
    assert read(root, LEAST) == (
        Budget(name="all", amount=Decimal(100), currency="USD", cadence=Cadence.MONTH, alert_percents=(50, 80, 100)),
    )


def test_a_budget_says_all_that_it_may(root: Path) -> None:
    text = """
[[budgets]]
name = "research"
amount = 2_500.50
currency = "EUR"
period = "quarter"
accounts = ["acme", "beta"]
keys = ["key_a", "key_c"]
models = ["jamba-large"]
providers = ["openai"]
tags = { team = ["search", "chat"] }
alerts = [25, 110]
on_forecast = true
billing_day = 15
first_month = 2
"""
    (found,) = read(root, text)
    assert found == Budget(
        name="research",
        amount=Decimal("2500.50"),
        currency="EUR",
        cadence=Cadence.QUARTER,
        scope=Scope(
            accounts=("acme", "beta"),
            keys=("key_a", "key_c"),
            models=("jamba-large",),
            providers=("openai",),
            tags=("team=search", "team=chat"),
        ),
        alert_percents=(25, 110),
        is_on_forecast=True,
        month_day=15,
        first_month=2,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("budget = []\n", "unknown key 'budget'; did you mean 'budgets'?"),
        ("[[budgets]]\nname = 1\n", "budgets.toml: [[budgets]] 1: "),
        (LEAST + "limit = 5\n", "unknown key 'limit'"),
        ('[[budgets]]\nname = "all"\n', "amount is missing; it is a number of currency units, such as 500.00"),
        (LEAST.replace("100", '"100"'), "amount is '100'; it must be a number of currency units"),
        (LEAST.replace("100", "true"), "amount is true"),
        (LEAST.replace("100", "nan"), "amount is NaN"),
        (LEAST.replace("100", "-5"), "[[budgets]] 1: amount is -5; a budget is more than 0"),
        (LEAST.replace("100", "1.005"), "amount in USD is 1.005; write 2 decimal places at most"),
        (LEAST + 'currency = "dollars"\n', "'dollars' is not an ISO 4217 code"),
        (LEAST + LEAST, "[[budgets]] 2: name 'all' is used twice"),
        (LEAST + 'period = "week"\n', 'period is \'week\'; it must be "month" or "quarter" or "year"'),
        (LEAST + 'accounts = ["acmee"]\n', "account 'acmee' is no account of accounts.toml; did you mean 'acme'?"),
        (LEAST + "accounts = []\n", "accounts is an empty list; leave it out where the budget is of all accounts"),
        (LEAST + 'keys = ["key_z"]\n', "key 'key_z' is in no account of accounts.toml"),
        (LEAST + 'models = ["gpt-x"]\n', "model 'gpt-x' is no model of a rate card"),
        (LEAST + 'providers = ["jamba-large"]\n', "provider 'jamba-large' is what no model of a rate card begins with"),
        (LEAST + 'tags = { project = "x" }\n', "tags names 'project', which is no tag of a key in accounts.toml"),
        (LEAST + 'tags = { team = "sales" }\n', "tags team is 'sales', which no key of accounts.toml has; there are:"),
        (LEAST + "tags = { team = 5 }\n", "tags team is 5; write tags ="),
        (LEAST + 'tags = ["team"]\n', "tags is ['team']"),
        (LEAST + "alerts = 80\n", "alerts is 80; it must be a list of whole numbers"),
        (LEAST + "alerts = [80, 50]\n", "alerts is [80, 50]; write each level once, the lowest first"),
        (LEAST + "alerts = [99.5]\n", "must be a list of whole numbers"),
        (LEAST + "on_forecast = 1\n", "on_forecast is 1; it must be true or false"),
        (LEAST + "billing_day = 29\n", "billing_day is 29; it must be a whole number from 1 to 28"),
        (LEAST + "first_month = 0\n", "first_month is 0"),
        (LEAST + 'accounts = ["beta"]\n', "it is in USD, and what it is about is charged in EUR"),
        (LEAST + 'keys = ["key_c"]\n', "it is in USD, and what it is about is charged in EUR"),
        (LEAST + 'accounts = ["acme"]\nkeys = ["key_c"]\n', "no key that it names is of an account that it names"),
        (LEAST + "name = \n", "budgets.toml, line 4: not TOML"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_address(root: Path, text: str, says: str) -> None:
    with pytest.raises(BudgetsError) as refused:
        read(root, text)
    assert says in str(refused.value)
    assert str(refused.value).startswith("budgets.toml")


def test_doctor_names_the_budgets_or_what_is_wrong_with_their_file(root: Path) -> None:
    (root / "budgets.toml").write_text(LEAST, encoding="utf-8")
    assert "budgets" in tallybook(root, "doctor").stdout
    (root / "budgets.toml").write_text(LEAST.replace("100", "0"), encoding="utf-8")
    assert "amount is 0; a budget is more than 0" in tallybook(root, "doctor").stdout


def test_budgets_alter_neither_the_digest_of_the_configuration_nor_what_is_frozen_with_an_invoice(root: Path) -> None:
    before = open_workspace(root, now=datetime(2026, 11, 1, tzinfo=UTC))
    (root / "budgets.toml").write_text(LEAST, encoding="utf-8")
    after = open_workspace(root, now=datetime(2026, 11, 1, tzinfo=UTC))
    assert (before.digest, before.files) == (after.digest, after.files)
