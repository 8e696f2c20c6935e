"""``tallybook recompute``.

The same bytes from what the invoice names, and the bundle that lets its customer do the same.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import append_log, fingerprints, plain, tallybook

from pipeline.base.errors import ConfigurationError, LogEntryRefused
from pipeline.lake.commits import read_log
from pipeline.objects import disk
from pipeline.objects.bundle_files import refuse_what_is_not_empty, write_bundle
from pipeline.register import configurations

if TYPE_CHECKING:
    from pathlib import Path

CANARIES = (b"canary-prompt-zebra-quartz", b"sk-canary-0123456789abcdef")


def live_on(books: Path) -> None:
    """Change every price, add late usage, collect it, and issue another invoice."""
    append_log(
        books,
        "october.jsonl",
        plain("2026-10-02T01:00:00Z", id="late", prompt=1_000_000),
        plain("2026-11-02T01:00:00Z", id="new", prompt=1_000_000),
    )
    card = books / "rates/standard.toml"
    card.write_text(card.read_text(encoding="utf-8").replace("2.00", "4.00"), encoding="utf-8")
    assert tallybook(books, "nightly", "--as-of", "2026-12-01T03:00:00Z").returncode == 0
    assert (
        tallybook(books, "invoice", "issue", "--period", "2026-11", "--as-of", "2026-12-01T03:00:00Z").returncode == 0
    )


@pytest.mark.long
def test_an_issued_invoice_is_recomputed_byte_for_byte(books: Path) -> None:
    for invoice in ("INV-000001", "INV-000002"):
        done = tallybook(books, "recompute", invoice)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{invoice} is recomputed byte for byte" in done.stdout


@pytest.mark.long
def test_later_prices_late_usage_and_later_invoices_do_not_break_recomputation(books: Path) -> None:
    live_on(books)
    for invoice in ("INV-000001", "INV-000002", "INV-000003"):
        done = tallybook(books, "recompute", invoice)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_recomputing_writes_nothing(books: Path) -> None:
    before = fingerprints(books)
    tallybook(books, "recompute", "INV-000001")
    assert fingerprints(books) == before


@pytest.mark.long
def test_a_lake_that_tells_another_story_is_exit_code_6_with_the_fields(books: Path) -> None:
    # The same log with one token more, collected into a new lake: everything is intact, but not what was invoiced.
    log = books / "logs/october.jsonl"
    log.write_text(
        log.read_text(encoding="utf-8").replace(
            '"prompt_tokens": 777, "completion_tokens": 33, "total_tokens": 810',
            '"prompt_tokens": 778, "completion_tokens": 33, "total_tokens": 811',
        ),
        encoding="utf-8",
    )
    for path in sorted((books / "lake").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert tallybook(books, "collect", "--as-of", "2026-11-01T03:00:00Z").returncode == 0
    done = tallybook(books, "recompute", "INV-000002")
    assert done.returncode == 6
    fields = {row.split("\t")[0]: tuple(row.split("\t")[1:]) for row in done.stdout.splitlines()}
    assert fields["lines[1].quantity"] == ("777", "778")
    assert "commit_sha256" in fields
    assert "lines[2].quantity" not in fields
    assert "fields differ" in done.stderr


@pytest.mark.long
def test_what_is_gone_from_the_lake_is_a_difference_too(books: Path) -> None:
    accounts = books / "accounts.toml"
    assert tallybook(books, "recompute", "INV-000002").returncode == 0
    accounts.write_text(accounts.read_text(encoding="utf-8").replace('"key_b"', '"key_other"'), encoding="utf-8")
    assert tallybook(books, "recompute", "INV-000002").returncode == 0  # the configuration of then still counts


@pytest.mark.long
def test_without_the_configuration_of_then_nothing_is_guessed(books: Path) -> None:
    live_on(books)
    for kept in (books / "invoices/configurations").iterdir():
        kept.write_bytes(kept.read_bytes().replace(b"2.50", b"2.51"))
    damaged = tallybook(books, "recompute", "INV-000001")
    assert damaged.returncode == 2
    assert "does not hold the configuration it is named by" in damaged.stderr
    for kept in (books / "invoices/configurations").iterdir():
        kept.unlink()
    missing = tallybook(books, "recompute", "INV-000001")
    assert missing.returncode == 2
    assert "was not kept" in missing.stderr


def test_the_configuration_is_kept_once_before_the_invoice_that_names_it(books: Path) -> None:
    documents = [json.loads(path.read_bytes()) for path in sorted((books / "invoices/register").glob("*.json"))]
    assert {document["configuration_sha256"] + ".json" for document in documents} == {
        path.name for path in (books / "invoices/configurations").iterdir()
    }
    files = configurations.kept(books, documents[0]["configuration_sha256"])
    assert files == {
        name: (books / name).read_bytes()
        for name in ("tallybook.toml", "accounts.toml", "rates/special.toml", "rates/standard.toml")
    }


def test_a_kept_configuration_names_no_file_but_a_configuration(books: Path, tmp_path: Path) -> None:
    content = b'{"files": {"../evil.toml": ""}, "format": "tallybook-configuration/1"}'
    sha256 = hashlib.sha256(b"../evil.toml\x000\x00").hexdigest()
    (books / "invoices/configurations" / f"{sha256}.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match="does not hold"):
        configurations.kept(books, sha256)
    assert not (tmp_path / "evil.toml").exists()


@pytest.mark.long
def test_a_snapshot_of_an_earlier_commit_is_what_was_read_then(books: Path) -> None:
    before = read_log(books / "lake")
    live_on(books)
    assert before.version is not None
    assert read_log(books / "lake", until=before.version) == before
    assert read_log(books / "lake").version == before.version + 1
    with pytest.raises(LogEntryRefused, match="no commit 9"):
        read_log(books / "lake", until=9)


def test_unknown_and_draft_invoices_are_exit_code_2(books: Path) -> None:
    for invoice in ("INV-000009", "draft-2026-11-acme"):
        assert tallybook(books, "recompute", invoice).returncode == 2


def csv_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


@pytest.mark.long
def test_a_bundle_is_enough_to_recompute_the_invoice_by_hand(books: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    assert tallybook(books, "recompute", "INV-000001", "--bundle", str(bundle)).returncode == 0
    events, lines, (invoice,) = (
        csv_rows(bundle / "events.csv"),
        csv_rows(bundle / "lines.csv"),
        csv_rows(bundle / "invoice.csv"),
    )
    card = json.loads((bundle / "rate-card-standard.json").read_text(encoding="utf-8"))
    rates = {(rate["model"], rate.get("effective_from", "")): rate for rate in card["rates"]}
    assert rates["jamba-large", "2026-10-10T12:00:00+00:00"]["prompt_cached"] == "0.50"
    total = Decimal(0)
    for line in lines:
        mine = [event for event in events if event["invoice_line"] == line["line"]]
        exact = sum(int(event["quantity"]) * Decimal(event["rate_per_million"]) for event in mine) / Decimal(1_000_000)
        assert exact.quantize(Decimal("0.01"), ROUND_HALF_UP) == Decimal(line["amount"])
        assert sum(int(event["quantity"]) for event in mine) == int(line["quantity"])
        total += Decimal(line["amount"])
    assert total == Decimal(invoice["total"])


@pytest.mark.long
def test_a_bundle_is_enough_to_recompute_a_correction_by_hand(books: Path, tmp_path: Path) -> None:
    append_log(books, "october.jsonl", plain("2026-10-02T01:00:00Z", id="late", prompt=1_000_000))
    assert tallybook(books, "nightly", "--as-of", "2026-11-02").returncode == 0
    assert (
        tallybook(
            books, "invoice", "issue", "--period", "2026-11", "--account", "acme", "--as-of", "2026-12-01"
        ).returncode
        == 0
    )
    done = tallybook(books, "recompute", "INV-000003", "--bundle", str(tmp_path / "bundle"))
    assert done.returncode == 0, done.stderr
    # 4,321 + 1,000 + 1,000,000 at 2.00 are 2.010642, 600 + 30 at 2.50 are 0.001575: 2.01 and 0.00, of which 0.01 was
    # invoiced
    events = list(csv.DictReader((tmp_path / "bundle/corrected-events.csv").read_text(encoding="utf-8").splitlines()))
    assert [(each["invoice_line"], each["quantity"], each["exact_charge"]) for each in events] == [
        ("2", "4321", "0.008642"),
        ("2", "1000000", "2"),
        ("2", "1000", "0.002"),
        ("2", "600", "0.0015"),
        ("2", "30", "0.000075"),
    ]
    assert "  line 2: in 2026-10 worth 2.01 USD, 0.01 USD invoiced before\n" in (
        tmp_path / "bundle/README.txt"
    ).read_text(encoding="utf-8")


def test_a_month_that_is_billed_anew_takes_back_what_was_corrected_of_it_and_has_its_events_once(
    books: Path, tmp_path: Path
) -> None:
    live_on(books)
    on = ("--as-of", "2026-12-02")
    assert tallybook(books, "invoice", "void", "INV-000001", *on).returncode == 0
    assert tallybook(books, "invoice", "issue", "--period", "2026-10", "--account", "acme", *on).returncode == 0
    anew = issued(books)[-1]
    back = next(each for each in anew["lines"] if each["kind"] == "correction")
    assert (anew["period"], anew["status"], back["original_period"]) == ("2026-10", "issued", "2026-10")
    bundle = tmp_path / "bundle"
    assert tallybook(books, "recompute", anew["invoice_id"], "--bundle", str(bundle)).returncode == 0
    assert not (bundle / "corrected-events.csv").exists()
    readme = (bundle / "README.txt").read_text(encoding="utf-8")
    assert f"  line {back['line']}: of 2026-10, {-Decimal(back['amount'])} USD taken back\n" in readme
    assert "billed anew as a whole" in readme
    assert "corrected-events.csv" not in readme
    told = tallybook(books, "explain", anew["invoice_id"], str(back["line"])).stdout
    assert f"all of 2026-10 is billed anew on this invoice; {-Decimal(back['amount'])} USD" in told
    assert "is worth 0.00" not in told


def test_a_bundle_says_that_its_rates_are_less_a_discount_where_there_is_one(books: Path, tmp_path: Path) -> None:
    said = []
    for name, discount in (("without", ""), ("with", "discount_percent = 10\n")):
        accounts = books / "accounts.toml"
        accounts.write_text(
            accounts.read_text(encoding="utf-8").replace("id =", f"{discount}id =", 1), encoding="utf-8"
        )
        if discount:
            on = ("--as-of", "2026-12-02")
            assert tallybook(books, "invoice", "void", "INV-000001", *on).returncode == 0
            assert tallybook(books, "invoice", "issue", "--period", "2026-10", "--account", "acme", *on).returncode == 0
        newest = [each for each in issued(books) if each["account_id"] == "acme"][-1]["invoice_id"]
        assert tallybook(books, "recompute", newest, "--bundle", str(tmp_path / name)).returncode == 0
        readme = (tmp_path / name / "README.txt").read_text(encoding="utf-8")
        said.append("(or its alias) and meter, less the discount of your terms." in readme)
    assert said == [False, True]


def issued(books: Path) -> list[dict[str, Any]]:
    """Return the documents of the register."""
    return [json.loads(path.read_bytes()) for path in sorted((books / "invoices/register").glob("*.json"))]


def test_a_bundle_holds_nobody_elses_usage_no_raw_key_and_no_content(books: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    assert tallybook(books, "recompute", "INV-000001", "--bundle", str(bundle)).returncode == 0
    logs = (books / "logs/october.jsonl").read_bytes()
    assert all(canary in logs for canary in CANARIES)
    for path in bundle.iterdir():
        content = path.read_bytes()
        for foreign in (
            *CANARIES,
            b"key_b",
            b"key_nobody",
            b"Beta",
            b"resp-4",
            b"resp-5",
            b"special",
            b"Hello.",
            b"logs/*",
        ):
            assert foreign not in content, f"{path.name} holds {foreign!r}"


@pytest.mark.long
def test_no_command_shows_a_raw_key_or_content(issued_once: Path) -> None:
    """Asked of the lines that hold them: the broken one, the one with an error, the one with a raw key."""
    shown(issued_once, ("--source", "logs/october.jsonl", "--line", "7"), ("--request-id", "req-7"))
    shown(issued_once, ("--request-id", "req-10"), ("INV-000001", "1", "--csv"))
    done = tallybook(issued_once, "recompute", "INV-000001")
    assert all(canary.decode() not in done.stdout + done.stderr for canary in CANARIES)


@pytest.mark.slow
def test_nothing_that_is_explained_shows_a_raw_key_or_content(issued_once: Path) -> None:
    shown(issued_once, *(("--request-id", f"req-{number}") for number in range(1, 13)))
    shown(issued_once, *(("--source", "logs/october.jsonl", "--line", line) for line in ("7", "10", "14")))


def shown(books: Path, *asked: tuple[str, ...]) -> None:
    for arguments in asked:
        done = tallybook(books, "explain", *arguments)
        assert all(canary.decode() not in done.stdout + done.stderr for canary in CANARIES)


@pytest.mark.long
def test_a_bundle_is_the_same_bytes_wherever_it_is_made(books: Path, tmp_path: Path) -> None:
    assert tallybook(books, "recompute", "INV-000001", "--bundle", str(tmp_path / "one")).returncode == 0
    live_on(books)
    assert tallybook(books, "recompute", "INV-000001", "--bundle", str(tmp_path / "two")).returncode == 0
    assert fingerprints(tmp_path / "one") == fingerprints(tmp_path / "two")


@pytest.mark.long
def test_the_checksums_of_a_bundle_cover_every_file(books: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    assert tallybook(books, "recompute", "INV-000002", "--bundle", str(bundle)).returncode == 0
    sums = dict(reversed(line.split("  ")) for line in (bundle / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
    assert sums == {name: digest for name, digest in fingerprints(bundle).items() if name != "SHA256SUMS"}


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(books: Path, tmp_path: Path) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    done = tallybook(books, "recompute", "INV-000001", "--bundle", str(folder))
    assert done.returncode == 2
    assert "is not an empty folder" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_a_bundle_is_written_into_no_folder_that_is_not_there(tmp_path: Path) -> None:
    for write in (refuse_what_is_not_empty, lambda folder: write_bundle(folder, {"a": b""})):
        with pytest.raises(ConfigurationError, match="wrong does not exist; make it, or name another folder"):
            write(tmp_path / "wrong" / "bundle")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("was_there", [False, True])
def test_a_disk_that_fills_leaves_no_half_bundle_and_the_same_command_makes_a_whole_one(
    books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, was_there: bool
) -> None:
    folder = tmp_path / "bundle"
    if was_there:
        folder.mkdir()
    replace = disk.replace_durably
    replaced: list[Path] = []

    def fills(path: Path, content: bytes, **named: Any) -> None:
        if path.parent == folder and len(replaced) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        replaced.extend([path] if path.parent == folder else [])
        replace(path, content, **named)

    asked = ("recompute", "INV-000001", "--bundle", str(folder))
    with monkeypatch.context() as full:
        full.setattr(disk, "replace_durably", fills)
        assert tallybook(books, *asked).returncode == 8
    assert len(replaced) == 3
    assert (list(folder.iterdir()) if was_there else folder.exists()) == ([] if was_there else False)
    assert tallybook(books, *asked).returncode == 0
    assert (folder / "SHA256SUMS").is_file()
