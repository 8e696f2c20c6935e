"""``tallybook report``: its numbers are those of ``cost``, ``invoice list`` and the jobs of budgets and margins."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from report_pages import ReportPage
from workspaces import STANDARD, account, append_log, fingerprints, make_workspace, plain, tagged, tallybook, write_log

from pipeline.base.periods import BillingPeriod
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.grouped.margin import margin
from pipeline.jobs.answers.grouped.selection import Selection, Span

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-02")
OCTOBER = Selection(span=Span.of(BillingPeriod.parse("2026-10")))
EUROS = STANDARD.replace('id = "standard"', 'id = "euros"').replace('"USD"', '"EUR"').replace("2.00", "1.2345678")
OURS = STANDARD.replace('id = "standard"', 'id = "ours"').replace("2.00", "1.00")
ACCOUNTS = (
    account("acme", "key_a", "key_b", name="Acme & Sons", payment_terms_days=30)
    + account("beta", "key_c", timezone="Asia/Tokyo", rate_card="euros")
    + tagged("key_a", team="search")
    + tagged("key_b", team="chat")
)
BUDGETS = """
[[budgets]]
name = "Acme"
amount = 10.00
accounts = ["acme"]

[[budgets]]
name = "Beta"
amount = 900.00
currency = "EUR"
"""
LINES = (
    plain("2026-09-03T10:00:00Z", id="1", prompt=1_500_000),
    plain("2026-09-30T20:00:00Z", id="2", prompt=123_456, key="key_c"),  # October in Tokyo
    plain("2026-10-03T10:00:00Z", id="3", prompt=4_123_457, completion=3),
    plain("2026-10-03T11:00:00Z", id="4", prompt=777_777, key="key_b"),
    plain("2026-10-31T11:00:00Z", id="5", prompt=1_000_001, key="key_b", model="jamba-large-1.7"),
    plain("2026-10-31T14:00:00Z", id="6", prompt=1_234_567, key="key_c"),
    plain("2026-10-05T10:00:00Z", id="7", model="unheard-of", prompt=4_321),
    plain("2026-10-05T10:00:00Z", id="8", key="key_nobody", prompt=99),
    '{"broken": ',
)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books of two months, two currencies and two time zones, with some of all that is on no bill."""
    root = tmp_path_factory.mktemp("report") / "books"
    cards = {"standard": STANDARD, "euros": EUROS, "ours": OURS}
    make_workspace(root, config='cost_card = "ours"\n', accounts=ACCOUNTS, cards=cards)
    (root / "budgets.toml").write_text(BUDGETS, encoding="utf-8")
    write_log(root, "l.jsonl", *LINES)
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-09", "--yes", *AS_OF).returncode == 0
    return root


@pytest.fixture(scope="module")
def page(books: Path) -> ReportPage:
    return ReportPage(printed(books))


def printed(root: Path, *arguments: str, as_of: tuple[str, ...] = AS_OF) -> bytes:
    done = tallybook(root, "report", "--to", "-", *as_of, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.encode()


def answered(root: Path, *arguments: str) -> Any:
    done = tallybook(root, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def amount(cell: str) -> Decimal | None:
    return None if cell == "\u2013" else Decimal(cell.replace(",", "").replace("+", ""))


@pytest.mark.parametrize("currency", ["USD", "EUR"])
@pytest.mark.parametrize(
    ("word", "title"), [("account", "By account"), ("model", "By model"), ("key", "By key"), ("tag:team", "By team")]
)
def test_costs_and_changes_by_any_word_are_those_of_cost(
    books: Path, page: ReportPage, word: str, title: str, currency: str
) -> None:
    answer = answered(books, "cost", "--period", "2026-10", "--by", word, "--compare", "previous")
    rows = [row for row in answer["rows"] if row["currency"] == currency and (row["tokens"] or row["requests"])]
    heading = f"Where it went, {currency}"
    if (heading, title) not in page.tables:
        assert word == "tag:team"
        assert all(row[word] == "" for row in rows)  # a tag that nobody has says nothing
        return
    listed = page.rows(heading, title)
    assert [amount(row[2]) for row in listed] == [row["cost"] and Decimal(row["cost"]) for row in rows]
    assert [amount(row[4]) for row in listed] == [row["change"] and Decimal(row["change"]) for row in rows]
    assert [row[6:8] for row in listed] == [[f"{row['requests']:,}", f"{row['tokens']:,}"] for row in rows]
    assert rows


@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_days_and_months_are_those_of_cost(books: Path, page: ReportPage, currency: str) -> None:
    answer = answered(books, "cost", "--period", "2026-10", "--by", "day")
    by_day = {row["usage_date"]: row["cost"] for row in answer["rows"] if row["currency"] == currency}
    days = page.rows(f"Where it went, {currency}", "Day by day")
    assert [row[0] for row in days] == [f"2026-10-{day:02}" for day in range(1, 32)]
    assert {row[0]: amount(row[1]) for row in days if row[1] != "0.00"} == {
        day: cost and Decimal(cost) for day, cost in by_day.items()
    }
    months = page.rows(f"Where it went, {currency}", "Month by month")
    for row, period in zip(months, ("2026-10", "2026-09"), strict=True):
        totals = answered(books, "cost", "--period", period)["totals"]
        said = [Decimal(each["cost"]) for each in totals if each["currency"] == currency]
        assert [amount(row[2])] == (said or [Decimal(0)])


def test_bills_are_those_of_invoice_list_and_steps_those_of_cost(books: Path, page: ReportPage) -> None:
    listed = answered(books, "invoice", "list", "--period", "2026-10")
    rows = page.rows("Drafts and invoices")
    assert {(row[1], row[3], row[4], row[5]) for row in rows} == {
        (each["invoice_id"], str(each["lines"]), each["total"], each["currency"]) for each in listed
    }
    steps = answered(books, "cost", "--period", "2026-10", "--bills")["rows"]
    for currency in ("USD", "EUR"):
        said = [Decimal(step["amount"]) for step in steps if step["currency"] == currency]
        drawn = page.tables["Drafts and invoices", f"From cost to bills, {currency}"]
        assert [Decimal(row[1].replace(",", "")) for row in drawn] == said


def test_budgets_are_those_of_budgets(books: Path, page: ReportPage) -> None:
    done = tallybook(books, "budgets", "--period", "2026-10", "--json")
    assert done.returncode == 6  # one is exceeded
    states = json.loads(done.stdout)["rows"]
    for currency in ("USD", "EUR"):
        mine = [state for state in states if state["currency"] == currency]
        rows = page.rows(f"Budgets, {currency}")
        assert [row[0] for row in rows] == [state["budget"] for state in mine]
        assert [row[2].split()[0] for row in rows] == [f"{Decimal(state['share']).scaleb(2):f}" for state in mine]
        said = [f"{state['spent']} of {state['amount']} {currency}" for state in mine]
        assert [amounts in row[2] for row, amounts in zip(rows, said, strict=True)] == [True]


def test_margins_are_those_of_margin(books: Path, page: ReportPage) -> None:
    workspace = replace(open_workspace(books), now=datetime(2026, 11, 2, tzinfo=UTC))
    answer = margin(workspace, ["model"], OCTOBER)
    for currency in ("USD", "EUR"):
        total = next(each for each in answer.totals if each.currency == currency)
        row = page.rows(f"Margin, {currency}", "By model")[-1]
        assert [amount(cell) for cell in row[1:4]] == [total.sums.charge, total.sums.cost, total.sums.margin]


def test_what_is_on_no_bill_is_counted_as_a_night_counts_it(books: Path, page: ReportPage) -> None:
    rows = {row[0]: row[1] for row in page.rows("Used, and on no bill")}
    assert rows == {
        "Quarantined lines": "1 line",
        "Unpriced usage": "4,321 tokens",
        "Unassigned keys": "99 tokens",
    }
    warnings = answered(books, "doctor", "--warnings")["warnings"]
    texts = [each["text"] for each in warnings if each["code"] in ("quarantined", "unpriced", "unassigned")]
    assert texts
    assert all(text in page.text for text in texts)
    assert "Acme & Sons draft-2026-10-acme" in page.text
    assert "no rate is in force for account 'acme': 4321 tokens of model 'unheard-of'" in page.text


def test_currencies_are_never_added(page: ReportPage) -> None:
    assert page.elements["dl"] == 3  # a row of first numbers for each currency, and the commands
    assert re.search(r"USD\xa011\.\d\d of usage", " ".join(page.texts))
    assert re.search(r"EUR\xa01\.\d\d of usage", " ".join(page.texts))


@pytest.mark.long
def test_a_report_is_the_same_to_the_last_byte_and_writes_nothing_but_itself(books: Path) -> None:
    before = fingerprints(books)
    content = printed(books)
    assert printed(books, "--period", "2026-10") == content
    assert fingerprints(books) == before
    done = tallybook(books, "report", *AS_OF)
    written = books / "reports" / "report-2026-10.html"
    assert (done.returncode, done.stdout) == (0, f"wrote {written}\n")
    assert written.read_bytes() == content
    assert set(fingerprints(books)) - set(before) == {"reports/report-2026-10.html"}
    assert written.stat().st_mode == (books / "invoices/2026-09/invoices.csv").stat().st_mode


def test_a_page_goes_where_it_is_told_to_with_the_folders_that_it_needs(books: Path, tmp_path: Path) -> None:
    to = tmp_path / "for" / "the board" / "october.html"
    assert tallybook(books, "report", "--to", str(to), *AS_OF).returncode == 0
    assert to.read_bytes().startswith(b"<!DOCTYPE html>")
    assert [path.name for path in to.parent.iterdir()] == ["october.html"]
    done = tallybook(books, "report", "--to", str(tmp_path), *AS_OF)
    assert (done.returncode, "is a directory" in done.stderr) == (2, True)


@pytest.mark.long
def test_a_period_that_is_not_over_is_compared_by_the_days_that_are(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", accounts=ACCOUNTS, cards={"standard": STANDARD, "euros": EUROS})
    days = [f"2026-{month}-{day:02}T10:00:00Z" for month in ("09", "10") for day in range(1, 13)]
    write_log(root, "l.jsonl", *(plain(ts, id=ts, prompt=1_000_000 + 7 * n) for n, ts in enumerate(days)))
    as_of = ("--as-of", "2026-10-12T20:00:00Z")
    assert tallybook(root, "nightly", *as_of).returncode == 0
    page = ReportPage(printed(root, as_of=as_of))
    totals = [
        Decimal(answered(root, "cost", "--from", f"2026-{month}-01", "--to", f"2026-{month}-12")["totals"][0]["cost"])
        for month in ("09", "10")
    ]
    assert "Not over: 11 of 31 days complete" in page.text
    assert "1\u201311 October beside 1\u201311 September" in page.text
    change = totals[1] - totals[0]
    assert f"+{change} USD" in page.text
    assert amount(page.rows("Where it went", "By account")[0][4]) == change
    assert {row[0]: row[1] for row in page.rows("Where it went", "Day by day")}["2026-10-14"] == "\u2013"
    assert "tallybook cost --from 2026-09-01 --to 2026-09-12 --by account" in page.text


@pytest.mark.long
def test_books_with_nothing_have_a_report_that_says_so(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    page = ReportPage(printed(root))
    assert "No usage in November 2026, and no bill." in page.text
    assert "Nothing: all that was read and used is on a bill." in page.text
    assert page.open == []


@pytest.mark.long
def test_one_day_is_compared_with_nothing(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", plain("2026-11-01T10:00:00Z", id="a"))
    assert night(root)
    page = ReportPage(printed(root, as_of=("--as-of", "2026-11-01T12:00:00Z")))
    assert "No day of the period is complete yet, so that nothing is compared." in page.text
    assert "What moved" not in page.text
    assert "draft-2026-11-acme" in page.text
    assert page.rows("Drafts and invoices")[0][-1] == "not over yet"


def night(root: Path, as_of: str = "2026-11-01T12:00:00Z") -> bool:
    return tallybook(root, "nightly", "--as-of", as_of).returncode == 0


@pytest.mark.long
def test_the_greatest_are_listed_and_all_others_are_one_row(tmp_path: Path) -> None:
    keys = [f"key_{n:03}" for n in range(300)]
    accounts = f'[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = {json.dumps(keys)}\n'
    root = make_workspace(tmp_path / "books", accounts=accounts)
    write_log(
        root,
        "l.jsonl",
        *(plain("2026-10-03T10:00:00Z", id=key, key=key, prompt=1000 + n) for n, key in enumerate(keys)),
    )
    assert night(root)
    content = printed(root)
    rows = ReportPage(content).rows("Where it went", "By key")
    assert [row[0] for row in rows] == [*(f"key_{n} Acme" for n in range(299, 289, -1)), "and 290 more"]
    answer = answered(root, "cost", "--period", "2026-10", "--by", "key", "--top", "10")
    assert [amount(row[2]) for row in rows] == [Decimal(row["cost"]) for row in answer["rows"]]
    assert len(content) < 100_000


@pytest.mark.long
def test_what_is_paid_open_and_overdue_stands_beside_each_invoice(tmp_path: Path) -> None:
    accounts = "".join(
        f'[[accounts]]\nid = "{name}"\nname = "{name}"\npayment_terms_days = 10\nkeys = ["key_{name}"]\n'
        for name in ("paid", "late", "back", "over", "none", "less")
    )
    used = ("paid", "late", "back", "over", "less")
    accounts += '[[accounts.items]]\nid = "back"\ndate = 2026-10-05\ndescription = "Allowance"\namount = -1234.50\n'
    root = make_workspace(tmp_path / "books", accounts=accounts)
    write_log(
        root,
        "l.jsonl",
        *(plain("2026-10-03T10:00:00Z", id=each, key=f"key_{each}") for each in used),
        plain("2026-10-03T10:00:00Z", id="none", key="key_none", prompt=1, completion=0),
    )
    assert night(root)
    issued = tallybook(root, "invoice", "issue", "--period", "2026-10", "--yes", "--as-of", "2026-11-02")
    assert issued.returncode == 0
    ids = {each["account_id"]: each["invoice_id"] for each in answered(root, "invoice", "list")}
    assert tallybook(root, "invoice", "paid", ids["paid"], "--on", "2026-11-05").returncode == 0
    assert tallybook(root, "invoice", "paid", ids["over"], "--on", "2026-11-05", "--amount", "5000.00").returncode == 0
    assert tallybook(root, "invoice", "paid", ids["back"], "--on", "2026-11-02").returncode == 0
    assert tallybook(root, "invoice", "void", ids["back"], "--yes", "--as-of", "2026-11-03").returncode == 0
    page = ReportPage(printed(root, as_of=("--as-of", "2026-12-24")))
    states = {row[1]: row[-1] for row in page.rows("Drafts and invoices")}
    assert states[ids["paid"]] == "paid"
    assert states[ids["late"]] == "overdue"
    assert states[ids["back"]] == "credited"
    assert states[ids["over"]] == states[ids["less"]] == "owed to its buyer"  # paid beyond it, and below zero
    assert states[ids["none"]] == "nothing to pay"
    assert {"4,998.00", "1,232.50"} <= set(page.texts)
    assert any(text.endswith("; 2.00 of what was paid is owed to its buyer") for text in page.texts)
    assert "draft-2026-10-back" in states  # the month is open again
    assert "1 invoice overdue: 2.00" in page.text
    assert "2.00 open, due 2026-11-12" in page.text


EVIL = "</style></title><script>alert(1)</script>{{ 7 * 7 }}\"'><img src=x onerror=alert(1)>"
HIDDEN = "evil\u202egnp\u200b\u2066"
SHOWN = "evil\ufffdgnp\ufffd\ufffd"


@pytest.mark.slow
def test_a_hostile_name_is_a_name_wherever_it_stands(tmp_path: Path) -> None:
    def made(name: str, at: str) -> bytes:
        accounts = (
            f'[[accounts]]\nid = "acme"\nname = {json.dumps(name)}\nkeys = ["key_a"]\n[keys.key_a]\nteam = "search"\n'
        )
        root = make_workspace(tmp_path / at, accounts=accounts)
        lines = [plain("2026-10-03T10:00:00Z", id="a"), plain("2026-10-03T10:00:00Z", id="b", model=name)]
        write_log(root, "l.jsonl", *lines, plain("2026-09-03T10:00:00Z", id="c"))
        assert night(root)
        return printed(root)

    names = ("x" * len(EVIL + HIDDEN), EVIL + HIDDEN)
    harmless, hostile = (ReportPage(made(name, f"{n}")) for n, name in enumerate(names))
    assert hostile.elements == harmless.elements
    assert [(tag, name) for tag, name, _ in hostile.attributes] == [(tag, name) for tag, name, _ in harmless.attributes]
    assert EVIL + SHOWN in hostile.texts
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]", " ".join(hostile.texts))


@pytest.mark.long
def test_a_raw_key_of_a_log_is_not_on_the_page(tmp_path: Path) -> None:
    raw = "sk-canary-0123456789abcdefghijklmnop"
    root = make_workspace(
        tmp_path / "books",
        config='[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\n',
    )
    line = json.loads(plain("2026-10-03T10:00:00Z", id="a"))
    del line["api_key_id"]
    write_log(root, "l.jsonl", json.dumps(line | {"authorization": f"Bearer {raw}", "api_key": raw}))
    append_log(root, "l.jsonl", plain("2026-10-03T10:00:00Z", id="b"))
    tallybook(root, "collect", env={"TALLYBOOK_KEY_SECRET": "0123456789abcdef0123456789abcdef"})
    content = printed(root)
    assert b"canary" not in content
    assert b"draft-2026-10-acme" in content


@pytest.mark.long
def test_the_default_is_the_last_month_with_usage(books: Path) -> None:
    append = ("--as-of", "2027-02-14")
    assert "October 2026" in ReportPage(printed(books, as_of=append)).text
    assert date(2026, 10, 1).strftime("%Y-%m") in tallybook(books, "report", *append).stdout
