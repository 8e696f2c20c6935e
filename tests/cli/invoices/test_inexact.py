"""A charge that its column cannot hold is refused by name, before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workspaces import STANDARD, make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path


def test_a_charge_with_more_digits_than_are_kept_names_its_account_model_and_day(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", cards={"standard": STANDARD.replace("2.00", "999_999_999")})
    great = [plain("2026-10-02T10:00:00Z", id=f"b{number}", prompt=10**12) for number in range(11)]
    write_log(root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a"), *great)
    done = tallybook(root, "nightly", "--as-of", "2026-11-01")
    assert done.returncode == 1
    assert (
        "the charge of account 'acme', model 'jamba-large', 11000000000000 prompt on 2026-10-02 has more "
        "digits than are kept"
    ) in done.stderr
    assert "shorten the rate, the discount or the rate of exchange" in done.stderr
    assert not (root / "invoices").exists()
