"""``tallybook explain``: from a printed cent to its usage events, and from a logged response to its line."""

from __future__ import annotations

import csv
import io
import json
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import TYPE_CHECKING

import pytest
from workspaces import append_log, fingerprints, make_workspace, plain, stream, tallybook, write_log

from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.explain import explain_line
from pipeline.register.entries import read as read_register

if TYPE_CHECKING:
    from pathlib import Path


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def line_of(books: Path, invoice: str, **wanted: str) -> int:
    lines = csv_rows((books / "invoices/2026-10/lines.csv").read_text(encoding="utf-8"))
    (line,) = [
        line
        for line in lines
        if line["invoice_id"] == invoice and all(line[name] == value for name, value in wanted.items())
    ]
    return int(line["line"])


@pytest.mark.long
def test_a_line_is_its_events_their_exact_charges_and_one_rounding(books: Path) -> None:
    # 4,321 + 1,000 + 30 prompt tokens before the price change at noon of the 10th, or after it at the new rate
    number = line_of(books, "INV-000001", api_key_id="key_a", meter="prompt", rate_per_million="2.00")
    done = tallybook(books, "explain", "INV-000001", str(number))
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"INV-000001 line {number} (Acme, 2026-10): jamba-large prompt tokens at 2.00 USD per million\n"
        "key key_a, model jamba-large, meter prompt, 2 usage events\n\n"
        "time (UTC)\tsource\tline\tbytes\tstatus\ttokens\tper million\texact charge\n"
        f"2026-10-01T10:00:00Z\tlogs/october.jsonl\t1\t{span(books, 1)}\tmeasured\t4321\t2.00\t0.008642\n"
        f"2026-10-10T11:59:59Z\tlogs/october.jsonl\t2\t{span(books, 2)}\tmeasured\t1000\t2.00\t0.002\n\n"
        "5321 tokens, exact sum 0.010642 USD\n"
        "rounded once, half-up, to 0.01 USD\n"
    )


def span(books: Path, line: int) -> str:
    lines = (books / "logs/october.jsonl").read_bytes().splitlines(keepends=True)
    start = sum(map(len, lines[: line - 1]))
    return f"{start}-{start + len(lines[line - 1])}"


@pytest.mark.slow
def test_the_csv_of_every_line_of_every_invoice_adds_up_to_the_printed_amount(books: Path) -> None:
    for document in read_register(books):
        for line in document["lines"]:
            done = tallybook(books, "explain", document["invoice_id"], str(line["line"]), "--csv")
            assert done.returncode == 0, done.stderr
            events = csv_rows(done.stdout)
            assert sum(int(event["quantity"]) for event in events) == line["quantity"]
            exact = sum(Decimal(event["quantity"]) * Decimal(event["rate_per_million"]) / 1_000_000 for event in events)
            assert exact == sum(Decimal(event["exact_charge"]) for event in events) == Decimal(line["exact_amount"])
            assert exact.quantize(Decimal("0.01"), ROUND_HALF_UP) == Decimal(line["amount"])


@pytest.mark.long
def test_a_price_that_changes_within_the_month_is_explained_on_each_side_of_the_change(tmp_path: Path) -> None:
    rates = """
[[rates]]
model = "jamba-large"
effective_from = 2026-01-01T00:00:00Z
effective_to = 2026-10-15T12:00:00Z
prompt = { mode = "graduated", tiers = [ { up_to = 1_000_000, rate = 2.00 }, { rate = 1.00 } ] }
completion = 8.00
[[rates]]
model = "jamba-large"
effective_from = 2026-10-15T12:00:00Z
prompt = { mode = "volume", tiers = [ { up_to = 1_000_000, rate = 3.00 }, { rate = 1.50 } ] }
completion = 8.00
"""
    root = make_workspace(
        tmp_path / "books",
        accounts='[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\nminimum_commitment = 20.00\n',
        cards={"standard": f'id = "standard"\ncurrency = "USD"\n{rates}'},
    )
    at = ("10-02T00:00:00Z", "10-15T11:59:59Z", "10-15T12:00:00Z", "10-31T23:59:59Z")
    write_log(root, "october.jsonl", *(plain(f"2026-{ts}", id=ts, prompt=700_000) for ts in at))
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-01").returncode == 0
    (document,) = json.loads(tallybook(root, "invoice", "show", "INV-000001", "--json").stdout)
    assert document["total"] == "20.00"
    charged = {}
    for line in document["lines"]:
        done = tallybook(root, "explain", "INV-000001", str(line["line"]), "--csv")
        assert done.returncode == 0, (line, done.stderr)
        if line["kind"] == "usage" and line["quantity"]:
            events = csv_rows(done.stdout)
            assert sum(Decimal(event["exact_charge"]) for event in events) == Decimal(line["exact_amount"])
            charged[line["exact_amount"]] = sorted({event["occurred_at"][5:10] for event in events})
    # Before: 1,000,000 at 2.00 and 400,000 at 1.00. After: 1,400,000 at 1.50. The rest up to 20.00 is the commitment.
    assert sum(map(Decimal, charged)) == Decimal("2.40") + Decimal("2.10")
    assert sorted(set().union(*charged.values())) == ["10-02", "10-15", "10-31"]


@pytest.mark.long
def test_a_draft_is_explained_as_of_now(books: Path) -> None:
    append_log(books, "october.jsonl", plain("2026-11-02T01:00:00Z", id="resp-13", prompt=1_000))
    assert tallybook(books, "collect").returncode == 0
    done = tallybook(books, "explain", "draft-2026-11-acme", "1")
    assert "6000 tokens, exact sum 0.015 USD\nrounded once, half-up, to 0.02 USD\n" in done.stdout


@pytest.mark.long
def test_an_issued_line_is_explained_by_what_it_was_issued_from(books: Path) -> None:
    number = str(line_of(books, "INV-000001", api_key_id="key_a", meter="prompt", rate_per_million="2.00"))
    before = tallybook(books, "explain", "INV-000001", number).stdout
    append_log(books, "october.jsonl", plain("2026-10-02T01:00:00Z", id="late", prompt=1_000_000))
    card = books / "rates/standard.toml"
    card.write_text(card.read_text(encoding="utf-8").replace("prompt = 2.00", "prompt = 4.00"), encoding="utf-8")
    assert tallybook(books, "nightly", "--as-of", "2026-11-02").returncode == 0
    assert tallybook(books, "explain", "INV-000001", number).stdout == before


@pytest.mark.long
def test_an_explanation_that_does_not_account_for_the_line_says_so(books: Path) -> None:
    workspace = open_workspace(books)
    explanation = explain_line(workspace, "INV-000001", 1)
    assert explanation.is_complete
    assert not type(explanation)(
        invoice=explanation.invoice, line=explanation.line, events=explanation.events[1:]
    ).is_complete


@pytest.mark.long
@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("req-1", "logs/october.jsonl line 1: billed: INV-000001 (acme, 2026-10) line "),
        (
            "req-1-retry",
            (
                "logs/october.jsonl line 4: duplicate: the same response as logs/october.jsonl line 1, which counts "
                "instead"
            ),
        ),
        ("resp-3", "(600 prompt tokens)"),
        ("resp-3", "(400 prompt_cached tokens)"),
        ("resp-4", "line 5: billed: INV-000002 (beta, 2026-10) line 1 (777 prompt tokens), 2 (33 completion tokens)"),
        ("resp-5", "line 6: unassigned: key key_nobody belongs to no account"),
        ("req-6", "line 9: estimated: "),
        ("req-7", "line 10: failed: "),
        ("req-8", "line 11: not_metered: "),
        (
            "req-9",
            (
                "line 12: conflict: logs/october.jsonl line 13 states other usage or another model for the same "
                "response, and counts instead"
            ),
        ),
        ("req-11", "line 15: billed: INV-000001"),
        ("req-12", "line 16: billed: draft-2026-11-acme (acme, 2026-11) line 1 (5000 prompt tokens)"),
    ],
)
def test_what_became_of_a_logged_response(issued_once: Path, wanted: str, said: str) -> None:
    assert said in what_became_of(issued_once, wanted)


@cache
def what_became_of(books: Path, wanted: str) -> str:
    """Ask once, of books that nobody changes."""
    done = tallybook(books, "explain", "--request-id", wanted)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_copy_of_a_response_is_listed_whichever_is_asked_for(issued_once: Path) -> None:
    answers = [what_became_of(issued_once, wanted) for wanted in ("req-1", "req-1-retry", "resp-1")]
    assert len(set(answers)) == 1
    assert answers[0].count("logs/october.jsonl line ") == 3  # two copies, and the duplicate names its survivor


@pytest.mark.long
def test_as_much_of_a_logged_id_as_names_no_other_is_enough(issued_once: Path) -> None:
    assert what_became_of(issued_once, "req-1-r") == what_became_of(issued_once, "req-1-retry")
    assert what_became_of(issued_once, "req…retry") == what_became_of(issued_once, "req-1-retry")
    ambiguous = tallybook(issued_once, "explain", "--request-id", "req-1-")
    assert ambiguous.returncode == 0, "no other begins so"
    several = tallybook(issued_once, "explain", "--request-id", "resp")
    assert several.returncode == 2
    assert "request or response id 'resp' could be resp-1, " in several.stderr
    none = tallybook(issued_once, "explain", "--request-id", "resq")
    assert (none.returncode, "no logged exchange has" in none.stderr) == (2, True)


def test_as_much_of_a_drafts_id_as_names_no_other_is_enough(issued_once: Path) -> None:
    whole = tallybook(issued_once, "explain", "draft-2026-11-acme", "1")
    assert tallybook(issued_once, "explain", "draft-2026-11", "1").stdout == whole.stdout
    assert tallybook(issued_once, "explain", "INV", "1").stderr.startswith(
        "tallybook: invoice 'INV' could be INV-000001, "
    )
    assert "has no line 99" in tallybook(issued_once, "explain", "draft-2026-11", "99").stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (7, "quarantined: it could not be read (invalid_json"),
        (8, "blank: the line is blank, of no exchange, or a part of what a later line ends"),
        (5, "billed: INV-000002"),
    ],
)
def test_what_became_of_a_line_of_a_log(issued_once: Path, line: int, said: str) -> None:
    done = tallybook(issued_once, "explain", "--source", "logs/october.jsonl", "--line", str(line))
    assert done.returncode == 0, done.stderr
    assert f"logs/october.jsonl line {line}: {said}" in done.stdout


def test_a_log_may_be_named_by_its_whole_path(issued_once: Path) -> None:
    done = tallybook(issued_once, "explain", "--source", str(issued_once / "logs/october.jsonl"), "--line", "8")
    assert "logs/october.jsonl line 8: blank: " in done.stdout


@pytest.mark.long
def test_a_response_that_came_after_its_invoice_is_late(books: Path) -> None:
    append_log(books, "october.jsonl", plain("2026-10-02T01:00:00Z", id="resp-late", request_id="req-late"))
    assert tallybook(books, "collect").returncode == 0
    late = "late: INV-000001 (acme, 2026-10) was issued before this line counted; it is late usage, corrected on "
    assert (
        f"{late}draft-2026-11-acme (2026-11) line 2 (prompt)\n"
        in tallybook(books, "explain", "--request-id", "resp-late").stdout
    )
    # 5,321 tokens at 2.00 and 600 + 30 at 2.50 were issued at 0.01 and 0.00; a million more is worth 2.01, and 2.00 of
    # it is on the draft
    correction = tallybook(books, "explain", "draft-2026-11-acme", "2").stdout
    assert (
        "all of it in 2026-10 is worth 2.01 USD (1005951 tokens); "
        "0.01 USD (5951 tokens) was invoiced before\namount 2.00 USD\n"
    ) in correction
    assert (
        tallybook(
            books, "invoice", "issue", "--period", "2026-11", "--account", "acme", "--as-of", "2026-12-01"
        ).returncode
        == 0
    )
    assert (
        f"{late}INV-000003 (2026-11) line 2 (prompt)\n"
        in tallybook(books, "explain", "--request-id", "resp-late").stdout
    )


@pytest.mark.long
def test_usage_without_a_rate_is_unpriced(books: Path) -> None:
    append_log(books, "october.jsonl", plain("2026-11-02T01:00:00Z", id="resp-x", model="jamba-unheard-of"))
    assert tallybook(books, "collect").returncode == 0
    assert (
        "unpriced: draft-2026-11-acme: no rate is in force for 1000000 tokens"
        in tallybook(books, "explain", "--request-id", "resp-x").stdout
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["INV-000001"],
        ["INV-000001", "99"],
        ["INV-000009", "1"],
        ["--request-id", "nobody-logged-this"],
        ["--source", "logs/october.jsonl"],
        ["--source", "logs/october.jsonl", "--line", "999"],
        ["--source", "logs/other.jsonl", "--line", "1"],
        ["INV-000001", "1", "--csv", "--json"],
        ["INV-000001", "1", "--request-id", "req-1"],
    ],
)
def test_what_cannot_be_explained_is_exit_code_2_and_says_what_to_do(issued_once: Path, arguments: list[str]) -> None:
    done = tallybook(issued_once, "explain", *arguments)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_explaining_writes_nothing(books: Path) -> None:
    before = fingerprints(books)
    tallybook(books, "explain", "INV-000001", "1", "--csv")
    tallybook(books, "explain", "--request-id", "resp-1")
    assert fingerprints(books) == before


DIALECT = '[[sources]]\nname = "gateway"\npaths = ["logs/*"]\ndialect = "{}"\n'


@pytest.mark.long
@pytest.mark.parametrize(
    ("dialect", "line", "said"),
    [
        # the body states usage, and the source says that it is of another API
        ("gemini", plain("2026-10-01T10:00:00Z", id="x"), "unknown: a success whose body was read as none of the APIs"),
        (
            "openai-chat",
            plain("2026-10-01T10:00:00Z", id="x", prompt=0, completion=0),
            "unknown: a success in which no token count above zero was found; listed, not billed",
        ),
        (
            "openai-chat",
            stream("2026-10-01T10:00:00Z", id="x", pieces=["a", "b"], usage=(0, 0)),
            "estimated: no token count above zero was found in the stream; its tokens are estimated",
        ),
        (
            "openai-chat",
            plain(
                "2026-10-01T10:00:00Z",
                id="x",
                path="/v1/images/generations",
                response={"created": 1, "data": [{"b64_json": "aGk="}], "usage": {"input_tokens": 9}},
            ),
            "not billed; it states 9 prompt_tokens, which nobody bills",
        ),
    ],
)
def test_what_was_stated_and_not_understood_is_not_said_to_be_none(
    tmp_path: Path, dialect: str, line: str, said: str
) -> None:
    root = make_workspace(tmp_path / "books", config=DIALECT.format(dialect))
    write_log(root, "l.jsonl", line)
    assert tallybook(root, "collect", "--as-of", "2026-11-01").returncode == 0
    done = tallybook(root, "explain", "--source", "logs/l.jsonl", "--line", "1")
    assert said in done.stdout
    assert "stated no usage" not in done.stdout


@pytest.mark.long
def test_what_became_of_a_response_and_the_events_of_a_line_are_rows_for_programs_too(issued_once: Path) -> None:
    (row,) = json.loads(tallybook(issued_once, "explain", "--request-id", "req-11", "-o", "json").stdout)["rows"]
    (same,) = csv.DictReader(
        io.StringIO(tallybook(issued_once, "explain", "--request-id", "req-11", "--csv").stdout, newline="")
    )
    assert (row["outcome"], "INV-000001" in row["detail"], same["outcome"]) == ("billed", True, "billed")
    assert {name: str(value) for name, value in row.items() if name != "detail"} == same
    document = json.loads(tallybook(issued_once, "explain", "INV-000001", "1", "-o", "json").stdout)
    assert (document["invoice_id"], document["line"], document["is_complete"]) == ("INV-000001", 1, True)
    assert sum(each["tokens"] for each in document["rows"]) == document["quantity"]
