"""A lake on an object store, and machines that have nothing but their copies of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stores(bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The bucket that every command of this test has its lake and its invoices in."""
    monkeypatch.setenv("TALLYBOOK_LAKE", f"{bucket}/lake")
    monkeypatch.setenv("TALLYBOOK_INVOICES", f"{bucket}/invoices")
    return bucket


def night(root: Path, *more: str) -> None:
    done = tallybook(root, "nightly", "--as-of", "2026-11-02", *more)
    assert done.returncode == 0, done.stderr


def test_a_machine_with_an_empty_disk_has_the_lake_that_another_filled(tmp_path: Path, stores: str) -> None:
    del stores
    one, other = make_workspace(tmp_path / "one"), make_workspace(tmp_path / "other")
    write_log(one, "a.jsonl", plain("2026-10-05T10:00:00Z", id="r1"))
    night(one)
    usage = tallybook(one, "usage", "--json").stdout
    seen = tallybook(other, "usage", "--json")
    assert seen.returncode == 0, seen.stderr
    assert seen.stdout == usage
    assert "r1" not in usage
    assert tallybook(other, "verify").returncode == 0


def test_of_two_machines_each_sees_what_the_other_issued_voided_and_was_paid(tmp_path: Path, stores: str) -> None:
    del stores
    one, other = make_workspace(tmp_path / "one"), make_workspace(tmp_path / "other")
    write_log(one, "a.jsonl", plain("2026-10-05T10:00:00Z", id="r1"))
    night(one)
    issued = tallybook(other, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02", "--yes")
    assert issued.returncode == 0, issued.stderr
    assert "INV-000001" in tallybook(one, "invoice", "list").stdout
    paid = tallybook(one, "invoice", "paid", "INV-000001", "--amount", "2.00", "--as-of", "2026-11-03")
    assert paid.returncode == 0, paid.stderr
    voided = tallybook(other, "invoice", "void", "INV-000001", "--as-of", "2026-11-04", "--yes")
    assert voided.returncode == 0, voided.stderr
    for root in (one, other):
        assert (
            "CN" in tallybook(root, "invoice", "list").stdout
            or "credit_note" in tallybook(root, "invoice", "list", "--json").stdout
        )
        checked = tallybook(root, "verify")
        assert checked.returncode == 0, checked.stdout
    assert tallybook(one, "invoice", "list", "--json").stdout == tallybook(other, "invoice", "list", "--json").stdout
    assert tallybook(other, "recompute", "INV-000001").returncode == 0
