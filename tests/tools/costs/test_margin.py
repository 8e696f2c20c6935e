"""What usage is charged and costs us: by a second card, by the one way of rating, and no bill knows of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from workspaces import RICH, account, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline import frames
from pipeline.base.errors import ConfigurationError
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.grouped.costed import costed, costed_by_month
from pipeline.jobs.answers.grouped.selection import Span

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = account(
    "acme", "key_a", "key_b", timezone="Asia/Kolkata", rate_card="rich", discount_percent=12.5
) + account("beta", "key_c", timezone="Europe/Berlin", rate_card="flat")
FLAT = """
id = "flat"
currency = "USD"
[[rates]]
model = "jamba-large"
prompt = 3.00
completion = 9.00
"""
PROVIDER = """
id = "provider"
currency = "USD"
[[rates]]
model = "jamba-large"
effective_to = 2026-10-01T10:00:00Z
prompt = { mode = "graduated", tiers = [ { up_to = 1_000_000, rate = 1.00 }, { rate = 0.50 } ] }
completion = 4.00
[[rates]]
model = "jamba-large"
effective_from = 2026-10-01T10:00:00Z
prompt = { mode = "graduated", tiers = [ { up_to = 1_000_000, rate = 1.00 }, { rate = 0.50 } ] }
completion = 4.00
reasoning = 5.00
[[rates]]
model = "large"
prompt = 0.60
completion = 0.70
"""
WITH_ALIAS = f'{RICH}[aliases]\n"large" = "jamba-large"\n'
CARDS = {"rich": WITH_ALIAS, "flat": FLAT, "provider": PROVIDER}
NAMED = 'cost_card = "provider"\n'


def make_books(folder: Path, *, config: str = NAMED, accounts: str = ACCOUNTS, cards: dict[str, str] = CARDS) -> Path:
    root = make_workspace(folder, config=config, accounts=accounts, cards=cards)
    requests = [
        ("2026-10-01T09:20:00Z", "key_b", 700_000, 30_000, 30_000, "jamba-large"),
        ("2026-10-01T09:40:00Z", "key_b", 100_000, 90_000, 60_000, "large"),
        ("2026-10-01T10:20:00Z", "key_a", 500_000, 1, 60_000, "jamba-large"),
        ("2026-10-01T18:30:00Z", "key_a", 400_000, 0, 7, "jamba-large"),
        ("2026-10-25T00:30:00Z", "key_c", 1_000_000, 0, 100, "jamba-large"),
        ("2026-09-25T01:30:00Z", "key_c", 4_000_000, 0, 0, "jamba-large"),
        ("2026-10-01T10:50:00Z", "key_z", 5, 0, 5, "jamba-large"),
        ("2026-10-02T10:50:00Z", "key_a", 10, 0, 5, "jamba-new"),
    ]
    lines = [
        plain(ts, id=ts, key=key, prompt=p, cached=c, completion=out, model=model)
        for ts, key, p, c, out, model in requests
    ]
    write_log(root, "a.jsonl", *lines)
    write_log(root, "b.jsonl", *lines[:3])  # copies, which are not billed again and cost nothing
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    return root


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_books(tmp_path_factory.mktemp("margin") / "books")


def asked(root: Path, *options: str, command: str = "margin") -> dict[str, Any]:
    done = tallybook(root, command, *options, "-o", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def amounts(row: dict[str, Any], *names: str) -> list[Decimal | None]:
    return [None if row[name] is None else Decimal(row[name]) for name in names]


def by_key(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["api_key_id"]: row for row in answer["rows"]}


@pytest.mark.parametrize("by", ["account,model", "key,day", "meter", "month,key,model,meter,tier"])
def test_charges_beside_costs_are_those_of_cost_to_the_last_digit(books: Path, by: str) -> None:
    options = ["--by", by, "--account", "acme", "--account", "beta"]
    of_margin, of_cost = asked(books, *options), asked(books, *options, command="cost")
    place = of_margin["by"]
    assert place == of_cost["by"]

    def charges(answer: dict[str, Any], name: str) -> dict[Any, Any]:
        return {
            tuple(row[each] for each in place): (
                row["requests"],
                row["tokens"],
                row["unpriced_tokens"],
                *amounts(row, name),
            )
            for row in answer["rows"]
            if row[name] is not None
        }

    assert charges(of_margin, "charge") == charges(of_cost, "cost") != {}


def test_a_provider_counts_its_tiers_over_all_that_we_use_whoever_uses_it(books: Path) -> None:
    found = by_key(asked(books, "--by", "key", "--period", "2026-10", "--meter", "prompt"))
    # In their order: key_b 670,000 and 30,000 cached ones that cost what prompt tokens cost, then key_a 499,999 (and
    # one cached, and 5 of key_z) and 400,000, then key_c a million, all in the count of October: a rate that began on
    # the 1st at 10:00 does not begin a count.
    assert amounts(found["key_b"], "cost") == [Decimal("0.67") + Decimal("0.006")]  # and 10,000 of 'large' at 0.60
    assert amounts(found["key_a"], "cost") == [Decimal(300_000) / 10**6 + Decimal(599_999) / 2 / 10**6]
    assert amounts(found["key_z"], "charge", "cost") == [None, Decimal("0.0000025")]
    assert amounts(found["key_c"], "cost") == [Decimal("0.5")]
    (september,) = asked(books, "--by", "key", "--period", "2026-09")["rows"]
    assert amounts(september, "cost", "charge", "margin") == [Decimal("2.5"), Decimal(12), Decimal("9.5")]


def test_a_cost_is_of_the_name_that_was_called_and_stands_beside_the_charge_of_its_alias(books: Path) -> None:
    answer = asked(books, "--by", "model", "--key", "key_b")
    (row,) = answer["rows"]
    assert row["model"] == "jamba-large"
    cached = 90_000 * Decimal("0.60") + 30_000  # a cached token costs what a prompt token costs where it has no price
    expected = (670_000 + cached + 10_000 * Decimal("0.60") + 30_000 * 4 + 60_000 * Decimal("0.70")) / 10**6
    assert amounts(row, "cost") == [expected]


def test_usage_without_a_cost_is_told_with_what_is_missing_and_is_in_no_margin(books: Path) -> None:
    answer = asked(books, "--by", "model", "--account", "acme")
    new = next(row for row in answer["rows"] if row["model"] == "jamba-new")
    assert amounts(new, "charge", "cost", "margin") == [None, None, None]
    assert (new["uncosted_tokens"], new["unpriced_tokens"]) == (15, 15)
    (missing,) = answer["uncosted"]
    assert missing["reason"] == (
        "cost card 'provider' has no rate for model 'jamba-new' in force on 2026-10-02; add one to rates/provider.toml"
    )
    assert "uncosted and in no margin: cost card 'provider'" in tallybook(books, "margin").stderr


def test_totals_are_the_sums_of_rows_and_a_margin_is_of_what_has_both(books: Path) -> None:
    answer = asked(books, "--by", "key,model")
    (total,) = answer["totals"]
    for name in ("charge", "cost", "margin"):
        found = [Decimal(row[name]) for row in answer["rows"] if row[name] is not None]
        assert Decimal(total[name]) == sum(found)
    charge, cost, margin, uncharged = (Decimal(total[name]) for name in ("charge", "cost", "margin", "uncharged_cost"))
    assert margin == charge - (cost - uncharged)
    assert uncharged == Decimal(5) / 2 / 10**6 + Decimal(20) / 10**6  # key_z: 5 prompt at 0.50, 5 completion at 4.00
    top = asked(books, "--by", "key,model", "--top", "2")
    assert (top["rows"][2]["others"], top["totals"]) == (3, answer["totals"])


@pytest.mark.long
def test_a_cost_card_changes_no_byte_of_any_invoice(tmp_path: Path) -> None:
    without = make_books(tmp_path / "without", config="", cards={"rich": WITH_ALIAS, "flat": FLAT})
    with_card = make_books(
        tmp_path / "with", accounts=ACCOUNTS.replace('rate_card = "flat"', 'rate_card = "flat"\ncost_card = "rich"')
    )
    written = fingerprints(without / "invoices")
    assert written == fingerprints(with_card / "invoices")
    assert any(name.endswith(".json") for name in written)
    assert any(name.endswith("lines.csv") for name in written)
    for root in (without, with_card):
        assert tallybook(root, "invoice", "issue", "--account", "beta", "--period", "2026-09", "--yes").returncode == 0
    shown = [tallybook(root, "invoice", "show", "INV-000001", "-o", "json").stdout for root in (without, with_card)]
    assert shown[0] == shown[1] != ""
    files = [(root / "invoices/2026-09/INV-000001/lines.csv") for root in (without, with_card)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert tallybook(with_card, "recompute", "INV-000001").returncode == 0


@pytest.mark.long
def test_a_bundle_for_a_customer_says_nothing_of_costs(tmp_path: Path) -> None:
    root = make_books(
        tmp_path / "books",
        accounts=ACCOUNTS.replace('rate_card = "flat"', 'rate_card = "flat"\ncost_card = "provider"'),
    )
    assert tallybook(root, "invoice", "issue", "--account", "beta", "--period", "2026-09", "--yes").returncode == 0
    done = tallybook(root, "recompute", "INV-000001", "--bundle", str(tmp_path / "bundle"))
    assert done.returncode == 0, done.stderr
    said = b"".join(path.read_bytes() for path in (tmp_path / "bundle").iterdir())
    assert b"cost_card" not in said
    assert b"provider" not in said


@pytest.mark.long
def test_a_cost_in_dollars_is_paid_in_euros_by_the_account_s_own_rules_or_is_not_known(tmp_path: Path) -> None:
    euros = FLAT.replace("USD", "EUR")
    accounts = ACCOUNTS.replace(
        'rate_card = "flat"', 'rate_card = "flat"\ncurrency = "EUR"\nexchange = { days_max = 1 }'
    )
    root = make_books(tmp_path / "books", accounts=accounts, cards={**CARDS, "flat": euros})
    answer = asked(root, "--by", "key,month", "--account", "beta")
    assert [amounts(row, "charge", "cost", "margin") for row in answer["rows"]] == [
        [Decimal(12), None, None],
        [Decimal("3.0009"), None, None],
    ]
    assert answer["uncosted"][0]["reason"] == (
        "account 'beta' pays in EUR, and its cost card 'provider' is in USD; add exchange/USD-EUR.csv"
    )
    (root / "exchange").mkdir()
    (root / "exchange/USD-EUR.csv").write_text("date,rate\n2026-09-24,0.8\n", encoding="utf-8")
    answer = asked(root, "--by", "key,month", "--account", "beta")
    assert [amounts(row, "charge", "cost", "margin") for row in answer["rows"]] == [
        [Decimal(12), Decimal(2), Decimal(10)],
        [Decimal("3.0009"), None, None],
    ]
    assert answer["uncosted"][0]["reason"].startswith(
        "exchange/USD-EUR.csv has no rate of 2026-10-25 nor of the day before; add it"
    )
    every = asked(root, "--by", "account")
    assert {row["currency"] for row in every["totals"]} == {"EUR", "USD"}
    (root / "exchange/USD-EUR.csv").write_text("date,rate\n2026-10-25,0.12345678\n", encoding="utf-8")
    provider = PROVIDER.replace("completion = 4.00", "completion = 4.123456789012")
    (root / "rates/provider.toml").write_text(provider, encoding="utf-8")
    done = tallybook(root, "margin", "--account", "beta")
    assert (done.returncode == 0, "no digit may be lost" in done.stderr) == (False, True)


@pytest.mark.long
def test_an_account_may_have_a_cost_card_of_its_own_and_others_none(tmp_path: Path) -> None:
    accounts = ACCOUNTS.replace('rate_card = "flat"', 'rate_card = "flat"\ncost_card = "provider"')
    root = make_books(tmp_path / "books", config="", accounts=accounts)
    answer = asked(root, "--by", "account", "--period", "2026-10")
    rows = {row["account_id"]: row for row in answer["rows"]}
    assert amounts(rows["beta"], "cost") == [Decimal("1.0004")]  # alone on its card, it is alone in its tiers
    assert rows["acme"]["cost"] is None
    assert rows["acme"]["uncosted_charge"] == rows["acme"]["charge"]
    assert {each["reason"] for each in answer["uncosted"]} == {
        "account 'acme' has no cost card; write cost_card = … there, or for all in tallybook.toml",
        "keys in no account have no cost card; write cost_card = … at the top of tallybook.toml",
    }


@pytest.mark.parametrize(
    ("config", "accounts", "says"),
    [
        ('cost_card = "provder"\n', ACCOUNTS, "; leave cost_card out where nobody knows what usage costs you\n"),
        ("cost_card = 3\n", ACCOUNTS, "cost_card is 3"),
        (
            "",
            ACCOUNTS.replace('rate_card = "flat"', 'rate_card = "flat"\ncost_card = "x"'),
            "accounts.toml: [[accounts]] 2: cost_card 'x' does not exist; add rates/x.toml or name another",
        ),
    ],
)
def test_a_cost_card_that_cannot_be_meant_is_refused_where_it_stands(
    tmp_path: Path, config: str, accounts: str, says: str
) -> None:
    root = make_workspace(tmp_path / "books", config=config, accounts=accounts, cards=CARDS)
    done = tallybook(root, "invoice", "list")
    assert done.returncode != 0
    assert says in done.stderr


@pytest.mark.long
def test_without_a_cost_card_there_is_no_margin_and_the_reason_is_said(tmp_path: Path) -> None:
    root = make_books(tmp_path / "books", config="")
    done = tallybook(root, "margin")
    assert done.returncode != 0
    assert 'cost_card = "provider" at the top of tallybook.toml' in done.stderr
    costed = frames.open_books(root).costed_usage().arrow()
    assert costed["cost"].null_count == costed.num_rows > costed["charge"].null_count > 0
    for words in ("hour", "fate"):
        assert tallybook(root, "margin", "--by", words).returncode != 0


@pytest.mark.long
def test_frames_and_sql_have_the_same_amounts(books: Path) -> None:
    opened = frames.open_books(books)
    table = opened.margin("key", period="2026-10", key=["key_a", "key_b"]).arrow()
    answer = by_key(asked(books, "--by", "key", "--period", "2026-10", "--key", "key_a", "--key", "key_b"))
    for row in table.to_pylist():
        for name in ("charge", "cost", "margin", "margin_share", "cost_per_request", "margin_per_request"):
            assert [row[name]] == amounts(answer[row["api_key_id"]], name)
    costed = opened.costed_usage(period="2026-10", api_key_id=["key_a", "key_b"]).arrow()
    assert pc.sum(costed["cost"]).as_py() == pc.sum(table["cost"]).as_py()
    assert pc.sum(costed["charge"]).as_py() == pc.sum(table["charge"]).as_py()
    asked_in_sql = tallybook(
        books, "sql", "SELECT sum(cost) AS cost, sum(charge) AS charge FROM costed_usage", "-o", "csv"
    )
    (total,) = asked(books)["totals"]
    cost, charge = asked_in_sql.stdout.splitlines()[1].split(",")
    assert [Decimal(cost), Decimal(charge)] == amounts(total, "cost", "charge")
    assert len(frames.margin(books, by=["account", "model"])) == len(asked(books)["rows"])
    with pytest.raises(ConfigurationError, match="cannot be chosen by 'team'"):
        opened.margin(team="x")


ALIASED = FLAT.replace('"flat"', '"provider"').replace("[[rates]]", '[aliases]\n"large" = "jamba-large"\n[[rates]]')


@pytest.mark.long
@pytest.mark.parametrize(
    ("accounts", "provider", "parts"),
    [
        (ACCOUNTS, ALIASED, 2),
        (ACCOUNTS, PROVIDER, 1),  # a row of usage has several costs, and events are counted
        (ACCOUNTS.replace('"acme"\n', '"acme"\nbilling_day = 25\n'), ALIASED, 1),
    ],
    ids=["month by month", "several costs of a row", "months from the 25th"],
)
def test_costs_month_by_month_are_those_of_all_usage_at_once(
    tmp_path: Path, accounts: str, provider: str, parts: int
) -> None:
    books = make_books(tmp_path / "books", accounts=accounts, cards=CARDS | {"provider": provider})
    workspace = open_workspace(books)
    by_month = list(costed_by_month(workspace))
    assert len(by_month) == parts
    assert pa.concat_tables(by_month).equals(costed(workspace, Span()).usage)
