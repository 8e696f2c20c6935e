"""What may not happen to issued invoices.

Two numbers for one draft, an invoice that was decided from another register, an account that is gone.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import append_log, make_workspace, plain, tallybook, write_log

from pipeline import register
from pipeline.base.periods import BillingPeriod
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.invoices.freezing import Freezing
from pipeline.jobs.invoices.issue import issue
from pipeline.jobs.invoices.void import void
from pipeline.jobs.state.aggregate import aggregate

if TYPE_CHECKING:
    from pathlib import Path

AS_OF_NOW = Freezing(now=datetime(2026, 11, 2, tzinfo=UTC))
OCTOBER = BillingPeriod(year=2026, month=10)
TWO = """
[[accounts]]
id = "acme"
name = "Acme"
keys = ["key_a"]
[[accounts.credits]]
id = "once"
amount = 3.00
granted_on = 2026-09-01
[[accounts]]
id = "beta"
name = "Beta"
keys = ["key_b"]
"""


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("made") / "books", accounts=TWO)
    write_log(
        root,
        "l.jsonl",
        plain("2026-09-05T10:00:00Z", id="s"),
        plain("2026-10-05T10:00:00Z", id="a"),
        plain("2026-10-06T10:00:00Z", id="b", key="key_b"),
    )
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


def meanwhile(monkeypatch: pytest.MonkeyPatch, number: int, act: Any, *, is_after: bool = False) -> None:
    """Let another run act right before (or after) a run appends for the ``number``-th time."""
    appended = []
    append = register.append

    def overtaken(*arguments: Any) -> Any:
        appended.append(arguments)
        if len(appended) != number:
            return append(*arguments)
        monkeypatch.setattr(register, "append", append)
        done = append(*arguments) if is_after else None
        act()
        return done or append(*arguments)

    monkeypatch.setattr(register, "append", overtaken)


def issued(root: Path) -> list[tuple[str, str, str, str]]:
    return [(each["invoice_id"], each["account_id"], each["period"], each["total"]) for each in register.read(root)]


@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "is_after"),
    [pytest.param(1, False, marks=pytest.mark.slow), (1, True), pytest.param(2, False, marks=pytest.mark.slow)],
)
def test_two_runs_that_issue_at_once_give_every_draft_one_number(
    books: Path, monkeypatch: pytest.MonkeyPatch, number: int, *, is_after: bool
) -> None:
    workspace = open_workspace(books)
    built = aggregate(workspace)
    meanwhile(
        monkeypatch,
        number,
        lambda: issue(workspace, built, period=OCTOBER, account_id=None, freezing=AS_OF_NOW),
        is_after=is_after,
    )
    mine = issue(workspace, built, period=OCTOBER, account_id=None, freezing=AS_OF_NOW)
    assert [(account, period) for _, account, period, _ in issued(books)] == [("acme", "2026-10"), ("beta", "2026-10")]
    assert len(mine) == number - 1 + is_after  # the other run issued the rest


@pytest.mark.slow
def test_a_credit_that_another_run_used_meanwhile_is_not_used_again(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 3.00 of credit: September's draft (2.00) reserves 2.00, October's the rest. October is decided while the register
    # holds neither.
    workspace = open_workspace(books)
    built = aggregate(workspace)
    append_log(books, "l.jsonl", plain("2026-09-06T10:00:00Z", id="late"))
    assert tallybook(books, "collect").returncode == 0
    grown = aggregate(open_workspace(books))
    september = BillingPeriod(year=2026, month=9)
    meanwhile(monkeypatch, 1, lambda: issue(workspace, grown, period=september, account_id="acme", freezing=AS_OF_NOW))
    issue(workspace, grown, period=OCTOBER, account_id="acme", freezing=AS_OF_NOW)
    assert built.snapshot.version != grown.snapshot.version
    assert issued(books) == [("INV-000001", "acme", "2026-09", "1.00"), ("INV-000002", "acme", "2026-10", "2.00")]
    assert tallybook(books, "verify").returncode == 0


@pytest.mark.slow
def test_two_runs_that_void_at_once_make_one_credit_note(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = open_workspace(books)
    built = aggregate(workspace)
    issue(workspace, built, period=OCTOBER, account_id="acme", freezing=AS_OF_NOW)
    meanwhile(monkeypatch, 1, lambda: void(workspace, built, "INV-000001", freezing=AS_OF_NOW))
    mine = void(workspace, built, "INV-000001", freezing=AS_OF_NOW)
    assert (mine.note.id, mine.is_new) == ("INV-000002", False)
    assert [(invoice, total) for invoice, _, _, total in issued(books)] == [
        ("INV-000001", "1.00"),
        ("INV-000002", "-1.00"),
    ]


@pytest.mark.slow
def test_a_credit_note_takes_the_number_after_what_another_run_issued(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = open_workspace(books)
    built = aggregate(workspace)
    issue(workspace, built, period=OCTOBER, account_id="acme", freezing=AS_OF_NOW)
    meanwhile(monkeypatch, 1, lambda: issue(workspace, built, period=OCTOBER, account_id="beta", freezing=AS_OF_NOW))
    assert void(workspace, built, "INV-000001", freezing=AS_OF_NOW).note.id == "INV-000003"
    assert [(invoice, account) for invoice, account, _, _ in issued(books)] == [
        ("INV-000001", "acme"),
        ("INV-000002", "beta"),
        ("INV-000003", "acme"),
    ]


@pytest.mark.slow
def test_an_account_that_was_invoiced_cannot_be_removed_until_all_of_it_is_taken_back(books: Path) -> None:
    assert (
        tallybook(
            books, "invoice", "issue", "--period", "2026-10", "--account", "beta", "--as-of", "2026-11-02"
        ).returncode
        == 0
    )
    accounts = books / "accounts.toml"
    text = accounts.read_text(encoding="utf-8")
    gone = text[: text.index('[[accounts]]\nid = "beta"')]
    accounts.write_text(gone, encoding="utf-8")
    for command in (
        ["nightly", "--as-of", "2026-11-03"],
        ["invoice", "issue", "--period", "2026-10"],
        ["invoice", "void", "INV-000001"],
    ):
        refused = tallybook(books, *command)
        assert refused.returncode == 2
        assert (
            "account 'beta' is not in accounts.toml and was invoiced (INV-000001, 2026-10); put its entry back"
            in refused.stderr
        )
    assert len(issued(books)) == 1
    accounts.write_text(text, encoding="utf-8")
    assert tallybook(books, "invoice", "void", "INV-000001", "--as-of", "2026-11-03").returncode == 0
    accounts.write_text(gone, encoding="utf-8")
    assert tallybook(books, "nightly", "--as-of", "2026-11-04").returncode == 0
