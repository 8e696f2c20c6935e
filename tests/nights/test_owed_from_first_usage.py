"""What is agreed without a date, in a contract without one, is owed from the account's own first usage on."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.configuration.workspace import Workspace
from pipeline.invoicing.rules import Rules

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ACCOUNT = '[[accounts]]\nid = "{0}"\nname = "{0}"\nkeys = ["key_{0}"]\n'


def owed(root: Path, account_id: str) -> dict[str, str]:
    """Return the total of each month's draft."""
    rows = [
        row
        for path in sorted((root / "invoices").glob("20*/invoices.csv"))
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    ]
    return {row["period"]: row["total"] for row in rows if row["account_id"] == account_id}


def test_a_commitment_without_a_date_is_owed_from_the_accounts_own_first_month_to_the_last_of_any_account(
    tmp_path: Path,
) -> None:
    accounts = (
        ACCOUNT.format("undated")
        + "minimum_commitment = 100.00\n"
        + ACCOUNT.format("dated")
        + "minimum_commitment = 100.00\nbegins_on = 2026-09-01\n"
        + ACCOUNT.format("other")
    )
    root = make_workspace(tmp_path / "books", accounts=accounts)
    write_log(
        root,
        "l.jsonl",
        *(plain(f"2026-{month:02}-15T10:00:00Z", id=f"o{month}", key="key_other") for month in (8, 12)),
        *(plain("2026-10-31T23:59:59Z", id=f"{name}", key=f"key_{name}") for name in ("undated", "dated")),
    )
    assert tallybook(root, "nightly", "--as-of", "2027-01-02").returncode == 0
    assert owed(root, "other") == {"2026-08": "2.00", "2026-12": "2.00"}
    assert owed(root, "undated") == dict.fromkeys(["2026-10", "2026-11", "2026-12"], "100.00")
    assert owed(root, "dated") == dict.fromkeys(["2026-09", "2026-10", "2026-11", "2026-12"], "100.00")


def test_months_of_several_calendars_are_owed_by_the_first_and_the_last_day_of_anybodys_usage(tmp_path: Path) -> None:
    agreed = "minimum_commitment = 100.00\nbegins_on = 2025-11-01\n"
    accounts = (
        ACCOUNT.format("calendar")
        + agreed
        + ACCOUNT.format("fifteenth")
        + "billing_day = 15\n"
        + ACCOUNT.format("last")
        + f"{agreed}billing_day = 25\n"
    )
    roots = [make_workspace(tmp_path / name, accounts=accounts) for name in ("every night", "once")]
    first, second, third = (
        plain(f"2026-{day}T10:00:00Z", id=f"f{day}", key="key_fifteenth") for day in ("01-20", "02-24", "03-01")
    )
    january, last_of_december = {"2026-01": "100.00"}, {"2025-12-25": "100.00"}
    for on, lines, of_calendar, of_last in (
        ("2026-01-21", [first], january, last_of_december),
        # 24 February is in the month from the 15th of February, and the month from the 25th has not been reached.
        ("2026-02-24", [second], january | {"2026-02": "100.00"}, last_of_december | {"2026-01-25": "100.00"}),
        (
            "2026-03-01",
            [third],  # of the very same month from the 15th
            january | {"2026-02": "100.00", "2026-03": "100.00"},
            last_of_december | {"2026-01-25": "100.00", "2026-02-25": "100.00"},
        ),
    ):
        write_log(roots[0], f"{on}.jsonl", *lines)
        assert tallybook(roots[0], "nightly", "--as-of", f"{on}T23:00:00Z").returncode == 0
        assert (owed(roots[0], "calendar"), owed(roots[0], "last")) == (of_calendar, of_last), on
    write_log(roots[1], "all.jsonl", first, second, third)
    assert tallybook(roots[1], "nightly", "--as-of", "2026-03-01T23:00:00Z").returncode == 0
    for account_id in ("calendar", "fifteenth", "last"):
        assert owed(roots[1], account_id) == owed(roots[0], account_id)
    assert tallybook(roots[0], "verify").returncode == 0


def test_what_was_issued_before_months_were_reached_by_days_is_recomputed_by_its_rules_and_corrected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = (
        ACCOUNT.format("calendar")
        + 'minimum_commitment = 100.00\nbegins_on = 2026-01-01\nbilling_interval = "quarter"\n'
        + ACCOUNT.format("fifteenth")
        + "billing_day = 15\n"
    )
    root = make_workspace(tmp_path / "books", accounts=accounts)
    write_log(
        root, "l.jsonl", *(plain(f"2026-{day}T10:00:00Z", id=day, key="key_fifteenth") for day in ("01-20", "03-10"))
    )
    issue = ("invoice", "issue", "--period", "2026-Q1", "--as-of", "2026-04-02", "--yes")
    with monkeypatch.context() as before:
        before.setitem(Workspace.__init__.__kwdefaults__, "rules", Rules.THIRD)  # those of then
        assert tallybook(root, "collect", "--as-of", "2026-04-01").returncode == 0
        assert tallybook(root, *issue).returncode == 0
    assert issued(root) == {"INV-000001": ("100.00", Rules.THIRD)}  # for February alone
    recomputed = tallybook(root, "recompute", "INV-000001")
    assert recomputed.returncode == 0, recomputed.stdout
    assert tallybook(root, "verify").returncode == 0
    write_log(root, "m.jsonl", plain("2026-04-20T10:00:00Z", id="april", key="key_fifteenth"))
    assert tallybook(root, "nightly", "--as-of", "2026-07-01").returncode == 0
    assert owed(root, "calendar") == {"2026-Q1": "100.00", "2026-Q2": "300.00"}  # and what January and March lacked
    assert tallybook(root, "recompute", "INV-000001").returncode == 0


def issued(root: Path) -> dict[str, tuple[str, int]]:
    """Return the total and the rules of each issued invoice."""
    documents = [json.loads(path.read_bytes()) for path in sorted((root / "invoices/register").iterdir())]
    return {each["invoice_id"]: (each["total"], each["rules"]) for each in documents}


def test_one_line_of_a_clock_that_was_not_set_is_told_with_the_drafts_that_it_makes(tmp_path: Path) -> None:
    """Of both: the account whose key it is, and one whose contract is older than all other usage."""
    accounts = (
        ACCOUNT.format("acme")
        + "minimum_commitment = 10.00\n"
        + ACCOUNT.format("bolt")
        + "begins_on = 2025-10-01\nseats = 1\nseat_price = 5.00\n"
    )
    root = make_workspace(tmp_path / "books", accounts=accounts)
    usual = [plain("2026-10-05T10:00:00Z", id=name, key=f"key_{name}") for name in ("acme", "bolt")]
    write_log(root, "l.jsonl", *usual)
    assert "owed without" not in tallybook(root, "nightly", "--as-of", "2026-11-02").stderr
    log = write_log(root, "m.jsonl", plain("2020-01-01T00:00:05Z", id="early", key="key_acme"))
    said = json.loads(tallybook(root, "nightly", "--as-of", "2026-11-02", "--json").stdout)["warnings"]
    told = [each for each in said if each["code"] == "owed_without_usage"]
    assert [(each["subject"], each["counts"], each["amount"]) for each in told] == [
        ("acme", {"drafts": 81}, "810.00"),
        ("bolt", {"drafts": 12}, "60.00"),
    ]
    assert told[0]["text"].startswith(
        "81 drafts of acme, 2020-01 to 2026-09, together 810.00 USD, are owed without any usage on them; where a wrong"
    )
    log.unlink()
    (root / "accounts.toml").write_text(
        accounts.replace('key_acme"]\n', 'key_acme"]\nbegins_on = 2026-10-01\n').replace("2025-10", "2026-10"),
        encoding="utf-8",
    )
    assert "owed without" not in tallybook(root, "nightly", "--as-of", "2026-11-02").stderr
    assert owed(root, "acme") == {"2020-01": "0.00", "2026-10": "10.00"}
