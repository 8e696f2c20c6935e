"""Documents that were changed and sealed again, chain and all: what they say of their origin no longer fits."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from forgery import reseal
from workspaces import fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.objects import layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEPT = "configurations_of_documents_are_kept"
IN_ORDER = "documents_are_issued_in_the_order_of_their_numbers"
DATED = "issue_dates_are_the_days_of_issue"
RULES = "rules_of_documents_are_known"
NAMED = "ids_are_their_prefix_and_their_number"
TOKYO = '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\ntimezone = "Asia/Tokyo"\n'


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months, each issued late in the evening of UTC: in Tokyo, the next day."""
    root = make_workspace(tmp_path_factory.mktemp("made") / "books", accounts=TOKYO)
    write_log(root, "l.jsonl", plain("2026-09-05T10:00:00Z", id="a"), plain("2026-10-05T10:00:00Z", id="b"))
    assert tallybook(root, "nightly", "--as-of", "2026-11-02T20:00:00Z").returncode == 0
    for month, as_of in (("2026-09", "2026-11-02T20:00:00Z"), ("2026-10", "2026-11-03T20:00:00Z")):
        assert tallybook(root, "invoice", "issue", "--period", month, "--as-of", as_of).returncode == 0
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


def checks(root: Path) -> dict[str, tuple[bool, str]]:
    done = tallybook(root, "verify", "--json")
    found = json.loads(done.stdout)["checks"]
    assert done.returncode == (0 if all(check["ok"] for check in found) else 6)
    return {check["name"]: (check["ok"], check["detail"]) for check in found}


def forged(root: Path, number: int, change: Callable[[dict[str, Any]], object]) -> dict[str, str]:
    """What fails after the change, but that files are no longer what the invoices say."""
    reseal(layout.register(root), number, change)
    failed = {name: detail for name, (ok, detail) in checks(root).items() if not ok}
    failed.pop("csv_files_are_what_the_invoices_say", None)
    return failed


@pytest.mark.long
def test_documents_that_were_never_touched_say_how_many_they_are(books: Path) -> None:
    found = checks(books)
    assert found[KEPT] == (True, "1 configuration, each what its digest says")
    assert found[IN_ORDER] == (True, "2 documents, none issued before the one before it")
    assert found[DATED] == (True, "2 issue dates, each in the time zone of its document")
    assert found[RULES] == (True, "2 documents, by rules up to 4")
    assert found[NAMED] == (True, "each with the prefix of the configuration that it was issued with")


@pytest.mark.long
def test_a_configuration_that_is_gone_or_another_one_is_named(books: Path) -> None:
    (path,) = layout.configurations(books).iterdir()
    content = path.read_bytes()
    path.unlink()
    ok, detail = checks(books)[KEPT]
    assert not ok
    assert detail.startswith(f"not so: INV-000001: the configuration {path.stem} was not kept")
    path.write_bytes(content.replace(b"prompt = 2.00", b"prompt = 3.00"))
    ok, detail = checks(books)[KEPT]
    assert (ok, "does not hold the configuration it is named by" in detail) == (False, True)
    path.write_bytes(content[:-20])
    ok, detail = checks(books)[KEPT]
    assert (ok, "is damaged" in detail) == (False, True)


def test_a_document_from_before_configurations_were_kept_may_lack_its_own(books: Path) -> None:
    (path,) = layout.configurations(books).iterdir()
    path.unlink()
    for number in (1, 2):
        reseal(layout.register(books), number, lambda document: (document.pop("rules"), document.pop("issue_date")))
    assert checks(books)[KEPT] == (True, "0 configurations, each what its digest says")
    (books / "accounts.toml").write_text(TOKYO + 'note = "another"\n', encoding="utf-8")
    ok, detail = checks(books)[KEPT]
    assert (ok, detail.rpartition("; ")[2]) == (
        True,
        "2 documents from before configurations were kept: INV-000001, INV-000002",
    )
    path.write_bytes(b"{}")
    assert not checks(books)[KEPT][0]


def test_a_document_that_was_issued_before_the_one_before_it_is_named(books: Path) -> None:
    earlier = {"issued_at": "2026-11-02T19:59:59Z", "issue_date": "2026-11-03"}
    assert forged(books, 2, lambda document: document.update(earlier)) == {
        IN_ORDER: ("not so: INV-000002 was issued at 2026-11-02T19:59:59Z, before INV-000001 at 2026-11-02T20:00:00Z")
    }


def test_documents_of_rules_without_issue_dates_may_run_back_since_they_could_be_issued_so(books: Path) -> None:
    def by_rules_of_then(document: dict[str, Any]) -> None:
        document |= {"issued_at": "2026-11-02T19:59:59Z", "rules": 2}
        del document["issue_date"]

    assert forged(books, 2, by_rules_of_then) == {}


def test_two_documents_of_one_instant_are_in_order(books: Path) -> None:
    same = {"issued_at": "2026-11-02T20:00:00Z", "issue_date": "2026-11-03"}
    assert forged(books, 2, lambda document: document.update(same)) == {}


def test_an_issue_date_that_is_another_day_in_the_documents_time_zone_is_named(books: Path) -> None:
    assert forged(books, 1, lambda document: document.update(issue_date="2026-11-02")) == {
        DATED: (
            "not so: INV-000001 is dated 2026-11-02, and was issued at 2026-11-02T20:00:00Z, which is 2026-11-03 in "
            "Asia/Tokyo"
        )
    }


def test_a_document_of_rules_that_state_an_issue_date_has_one(books: Path) -> None:
    assert forged(books, 1, lambda document: document.pop("issue_date")) == {
        DATED: "not so: INV-000001 has no issue date, and its rules are 4"
    }


@pytest.mark.parametrize("stated", [0, True, "3"])
def test_rules_that_nobody_knows_are_named(books: Path, stated: object) -> None:
    failed = forged(books, 2, lambda document: document.update(rules=stated))
    assert list(failed) == [RULES]
    assert failed[RULES].startswith("not so: INV-000002")
    assert repr(stated) in failed[RULES]


@pytest.mark.parametrize("stated", ["INV-00002", "inv-000002", "INV-000003"])
def test_an_id_of_another_prefix_or_number_is_named(books: Path, stated: str) -> None:
    assert forged(books, 2, lambda document: document.update(invoice_id=stated))[NAMED] == (
        f"not so: {stated} has the number 2, and would be INV-000002"
    )


def test_an_instant_that_is_none_is_named_by_both_claims_about_it(books: Path) -> None:
    before = fingerprints(layout.configurations(books))
    reseal(layout.register(books), 1, lambda document: document.update(issued_at="2026-11-31T20:00:00Z"))
    found = checks(books)
    assert fingerprints(layout.configurations(books)) == before
    assert not found[IN_ORDER][0]
    assert not found[DATED][0]
