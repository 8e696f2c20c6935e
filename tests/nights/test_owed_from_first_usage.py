"""What is agreed without a date, in a contract without one, is owed from the account's own first usage on."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = '[[accounts]]\nid = "{0}"\nname = "{0}"\nkeys = ["key_{0}"]\n'


def owed(root: Path, account_id: str) -> dict[str, str]:
    """Return the total of each month's draft."""
    rows = [
        row
        for path in sorted((root / "invoices").glob("2026-*/invoices.csv"))
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
