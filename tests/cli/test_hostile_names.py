"""Names are hostile: whatever a model, a key, a tag, a file or an account is called, no terminal obeys it.

Every place that a name can stand in holds a canary, and every command is run in every form. Nothing raw of a canary
is in what is printed, but in CSV that a program reads; JSON says it exactly, by escapes.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from commands import COMMANDS
from workspaces import STANDARD, make_workspace, plain, tallybook

from pipeline.cli import context, output, show_traceback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workspaces import Done

EVIL = "\x1b]0;owned\x07\x1b[2J\u202e\u200b\x9b31m"
"""Sets the title, clears the screen, turns the direction of writing, takes no room, and colours, in one byte."""
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
AS_OF = ("--as-of", "2026-11-02")
COMPARED = ("--by", "key,model,tag:team", "--period", "2026-10", "--compare", "previous")
TOML = json.dumps
"""A string of TOML is one of JSON, but for DEL and what is beyond 16 bits, which are not here."""
STEPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "try": (("try", "logs/l.jsonl"),),
    "collect": (("collect",),),
    "nightly": (("nightly", *AS_OF),),
    "acknowledge": (
        ("acknowledge", "unpriced", EVIL, "--reason", "r", *AS_OF),
        ("acknowledge", "unassigned", f"key_nobody{EVIL}", "--reason", EVIL, *AS_OF),
        ("acknowledge", "unassigned", f"key_nobody{EVIL}", "--reason", "r", *AS_OF),
    ),
    "usage": (("usage",), ("usage", "--by", "tag:team,account,model"), ("usage", "--copies"), ("usage", *COMPARED)),
    "cost": (
        ("cost",),
        ("cost", "--by", "tag:team,account,model"),
        ("cost", "--by", "key,hour,provider"),
        ("cost", *COMPARED),
        ("cost", "--bills"),
    ),
    "export duckdb": (("export", "duckdb", "--to", "books.duckdb"), ("export", "duckdb", "--to", EVIL)),
    "margin": (("margin",), ("margin", "--by", "key,model"), ("margin", "--by", EVIL), ("margin", "--account", EVIL)),
    "budgets": (("budgets",), ("budgets", "--budget", EVIL)),
    "anomalies": (("anomalies",), ("anomalies", "--by", EVIL)),
    "report": (("report", "--to", "-", *AS_OF), ("report", "--to", f"{EVIL}.html", *AS_OF)),
    "doctor": (("doctor",), ("doctor", "--warnings")),
    "verify": (("verify",), ("verify", "--logs"), ("verify", "--key", EVIL)),
    "sign": (("sign", "--key", EVIL),),
    "upgrade": (("upgrade", "--dry-run", *AS_OF),),
    "keys rotate": (("keys", "rotate", "--old", EVIL), ("keys", "rotate"), ("keys", "rotate", "--finish")),
    "rates check": (("rates", "check"),),
    "rates show": (("rates", "show"),),
    "rates diff": (("rates", "diff", "standard", "other"),),
    "rates import": (("rates", "import", "--from", "litellm:prices.json", "--model", f"{EVIL}=x"),),
    "invoice draft": (("invoice", "draft", "--period", "2026-10"),),
    "invoice list": (("invoice", "list"), ("invoice", "list", "--overdue"), ("invoice", "list", "--account", EVIL)),
    "invoice show": (("invoice", "show"), ("invoice", "show", EVIL)),
    "invoice credits": (("invoice", "credits"),),
    "invoice issue": (
        ("invoice", "issue", "--period", "2026-10", "--dry-run", *AS_OF),
        ("invoice", "issue", "--period", "2026-10", *AS_OF),
    ),
    "invoice render": (("invoice", "render", "INV-000001"), ("invoice", "render", EVIL)),
    "invoice paid": (("invoice", "paid", "INV-000001", "--amount", "0.01", "--reference", EVIL, *AS_OF),),
    "invoice credit": (
        ("invoice", "credit", "INV-000001", "--line", "1", "--amount", "0.01", "--reason", EVIL, *AS_OF),
    ),
    "invoice void": (("invoice", "void", "INV-000001", *AS_OF), ("invoice", "void", EVIL)),
    "recompute": (("recompute", "INV-000001"), ("recompute", EVIL)),
    "explain": (
        ("explain", "INV-000001", "1"),
        ("explain", "--request-id", "a"),
        ("explain", "--request-id", EVIL),
        ("explain", "--source", f"logs/{EVIL}.jsonl", "--line", "1"),
        ("explain", "--source", "logs/l.jsonl", "--line", "3"),
    ),
    "reprice": (("reprice", "--card", "other"), ("reprice", "--card", EVIL)),
    "reconcile": (("reconcile", "there.csv"),),
    "export jsonl": (("export", "jsonl"),),
    "export focus": (("export", "focus"),),
    "export stripe": (("export", "stripe"),),
    "export lago": (("export", "lago"),),
    "sql": (("sql",), ("sql", EVIL), ("sql", "from charges"), ("sql", "from usage_events")),
    "forget": (
        ("forget", "--account", EVIL, *AS_OF),
        ("forget", "--key", EVIL, *AS_OF),
        ("forget", "--key", "key_a", "--dry-run", *AS_OF),
        ("forget", "--account", "acme", "--with-uninvoiced", "--yes", *AS_OF),
        ("verify",),
    ),
    "compact": (("compact", "--dry-run", *AS_OF), ("compact", *AS_OF), ("verify",)),
    "keys id": (("keys", "id"),),
    "completion": (("completion", EVIL),),
    "init": (("init", f"new{EVIL}"),),
}
"""Each command, in an order in which a book is kept; those that name a thing that is not there are refused by name."""


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a workspace whose names are hostile: of an account, its seller, a log, and all that stands in the logs."""
    accounts = f"""
[[accounts]]
id = "acme"
stripe_customer = "cus_1"
name = {TOML(EVIL)}
keys = ["key_a"]
purchase_order = "PO 1"
[[accounts.credits]]
id = "grant"
amount = 0.01
granted_on = 2026-10-01
[keys.key_a]
team = "search"
"""
    other = STANDARD.replace("standard", "other").replace("2.00", "3.00")
    root = make_workspace(
        tmp_path / "books",
        config=f'cost_card = "other"\n[seller]\nname = {TOML(EVIL)}\n',
        accounts=accounts,
        cards={"standard": STANDARD, "other": other},
    )
    lines = [
        plain("2026-10-01T10:00:00Z", id="a"),
        plain("2026-10-01T11:00:00Z", id=EVIL),
        json.dumps({"ts": EVIL, "api_key_id": "key_" + EVIL}),
        plain("2026-10-02T10:00:00Z", id="c", model="unpriced" + EVIL, key="key_nobody" + EVIL),
    ]
    (root / "logs/l.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (root / f"logs/{EVIL}.jsonl").write_text(plain("2026-10-03T10:00:00Z", id="d") + "\n", encoding="utf-8")
    (root / "there.csv").write_text(
        f"date,api_key_id,model,prompt_tokens,completion_tokens\n2026-10-01,key_a,{EVIL},7,7\n", encoding="utf-8"
    )
    (root / "budgets.toml").write_text('[[budgets]]\nname = "all"\namount = 1\n', encoding="utf-8")
    (root / "prices.json").write_text(json.dumps({EVIL: {"input_cost_per_token": 1e-6}}), encoding="utf-8")
    monkeypatch.chdir(root)
    return root


def runs(path: str, *forms: str) -> Iterator[tuple[str, ...]]:
    """Yield the command lines of a command, as it is and in some forms; what is written is written once."""
    options = {option for each in COMMANDS[tuple(path.split())].params for option in each.opts}
    for words in STEPS[path]:
        yield words
        if "--output" in options and path.split(maxsplit=1)[0] != "export":
            yield from ((*words, "-o", form) for form in forms)


def printed(done: Done) -> str:
    return done.stdout + done.stderr


def test_every_command_is_run() -> None:
    assert set(STEPS) >= {" ".join(path) for path in COMMANDS} - {"export ledger"}


@pytest.mark.slow
@pytest.mark.parametrize("is_terminal", [False, True], ids=["pipe", "terminal"])
def test_no_name_reaches_a_terminal_raw(books: Path, monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda *_: is_terminal)
    monkeypatch.setattr(context, "is_terminal", lambda *_: is_terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    seen = set()
    for path in STEPS:
        for words in runs(path, *(("csv", "table") if is_terminal else ("json", "markdown"))):
            done = tallybook(books, *words)
            assert "Traceback" not in done.stderr, words
            is_data = not is_terminal and words[-1] in ("csv", "focus", "jsonl", "stripe", "lago")
            if not is_data:
                assert not RAW.search(printed(done).replace("\t", "").replace("\r\n", "\n")), (words, printed(done))
            if "\\x1b" in printed(done) or "\\u001b" in printed(done):
                seen.add(path)
            if words[-1] == "json" and done.returncode == 0:
                json.loads(done.stdout)
    assert seen >= {"nightly", "explain", "invoice show", "invoice void", "recompute", "reconcile", "reprice", "init"}


@pytest.mark.slow
def test_every_message_of_every_command_is_one_json_object_and_every_answer_one_document(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYBOOK_LOG_FORMAT", "json")
    monkeypatch.setenv("NO_COLOR", "1")
    events = set()
    for path in STEPS:
        for words in runs(path, "json"):
            done = tallybook(books, *words)
            messages = [json.loads(line) for line in done.stderr.splitlines()]
            assert not RAW.search(done.stderr), words
            assert messages[-1]["event"] == "finished"
            assert messages[-1]["exit_code"] == done.returncode, words
            assert " ".join(words).startswith(messages[-1]["command"]), path
            events |= {message["event"] for message in messages}
            if words[-1] == "json":
                assert isinstance(json.loads(done.stdout), dict | list), words
                assert (messages[-2:-1] or [{}])[0].get("event") != "failed" or "error" in json.loads(done.stdout)
    assert events >= {"warning", "failed", "finished", "note"}


@pytest.mark.parametrize("where", ["a key", "a tag", "a model of a card", "the name of a card", "a setting"])
def test_a_name_that_the_configuration_refuses_is_named_so_that_it_shows(books: Path, where: str) -> None:
    file, text = {
        "a key": ("accounts.toml", f'[[accounts]]\nid = "a"\nname = "A"\nkeys = [{TOML(EVIL)}]\n'),
        "a tag": (
            "accounts.toml",
            f'[[accounts]]\nid = "a"\nname = "A"\nkeys = ["k"]\n[accounts.keys.k]\nteam = {TOML(EVIL)}\n',
        ),
        "a model of a card": (
            "rates/standard.toml",
            STANDARD.replace('model = "jamba-large"', f"model = {TOML(EVIL)}"),
        ),
        "the name of a card": (f"rates/{EVIL}.toml", "id = 1\n"),
        "a setting": ("tallybook.toml", f"timezone = {TOML(EVIL)}\n"),
    }[where]
    (books / file).write_text(text, encoding="utf-8")
    done = tallybook(books, "nightly", *AS_OF)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert not RAW.search(printed(done))


def test_the_traceback_of_a_bug_shows_the_name_that_it_met(capsys: pytest.CaptureFixture[str]) -> None:
    error = LookupError(f"no such model: {EVIL}")
    show_traceback(type(error), error, None)
    said = capsys.readouterr().err
    assert said.startswith("LookupError: no such model: \\x1b]0;owned")
    assert not RAW.search(said)


def test_csv_and_json_hold_the_names_exactly(books: Path) -> None:
    listed = tallybook(books, "nightly", *AS_OF, "-o", "csv").stdout
    assert [row["account"] for row in csv.DictReader(io.StringIO(listed, newline=""))] == [EVIL]
    text = tallybook(books, "invoice", "show", "draft-2026-10-acme", "-o", "json").stdout
    assert not RAW.search(text)
    (document,) = json.loads(text)
    assert document["account_name"] == EVIL
