"""A night makes those drafts alone of which something changed, and leaves the files of a whole book behind.

Each input of a draft is changed by itself, and random lives are lived: what stands was always made from the same.
"""

from __future__ import annotations

import copy
import random
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from workspaces import STANDARD, fingerprints, make_workspace

from pipeline import register
from pipeline.base.errors import ConfigurationError, DataFileDamaged, InvoiceNotFound, LogEntryRefused
from pipeline.base.periods import BillingPeriod
from pipeline.base.resources import sql_folder
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.invoices.freezing import Freezing
from pipeline.jobs.invoices.issue import issue
from pipeline.jobs.invoices.void import void
from pipeline.jobs.state.aggregate import Aggregate
from pipeline.jobs.state.drafted import changed, issued, kept
from pipeline.jobs.state.drafted.heads import BookOfHeads, caps_exceeded
from pipeline.jobs.state.drafted.now import kept_now
from pipeline.jobs.state.drafts import invoice_book, period_files
from pipeline.jobs.state.rate import rate
from pipeline.lake.counted import WHOLE, folder_of, read_entries
from pipeline.lake.log.snapshot import LakeSnapshot
from pipeline.objects import append_log, layout
from pipeline.tables import schemas
from pipeline.warehouse import program
from pipeline.warehouse.marts import Marts
from pipeline.warehouse.relations import check_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.drafted.changed import Drafted

ACCOUNTS = {
    "acme": 'id = "acme"\nname = "Acme"\nkeys = ["key_acme"]\nspend_cap = 1.00\n',
    "bolt": 'id = "bolt"\nname = "Bolt"\nkeys = ["key_bolt"]\ninvoiced_to = "acme"\n',
    "corp": 'id = "corp"\nname = "Corp"\nkeys = ["key_corp"]\nminimum_commitment = 5.00\n',
    "dyne": 'id = "dyne"\nname = "Dyne"\nkeys = ["key_dyne"]\nrate_card = "list"\ncurrency = "EUR"\n'
    "exchange = { days_max = 31 }\n",
}
FAMILY = {"acme", "bolt"}
ALL = {*ACCOUNTS}
CARDS = {"standard": STANDARD, "list": STANDARD.replace('"standard"', '"list"')}
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 5, tzinfo=UTC)
OCTOBER = BillingPeriod.parse("2026-10")
EURO = "date,rate\n" + "".join(f"{year}-{month:02}-01,0.90\n" for year in (2026, 2027) for month in range(1, 13))


@dataclass
class Books:
    """A workspace whose usage is a table that tests write, so that nothing is logged, collected or counted."""

    root: Path
    accounts: dict[str, str] = field(default_factory=lambda: dict(ACCOUNTS))
    keys: str = ""
    usage: list[dict[str, Any]] = field(default_factory=list)
    now: datetime = NOVEMBER
    made: set[str] = field(default_factory=set)
    """Accounts whose drafts the last night made."""

    def use(self, account_id: str, day: str, quantity: int = 1_000_000, **differing: Any) -> None:
        row = {
            "account_id": account_id,
            "api_key_id": f"key_{account_id}",
            "model": "jamba-large",
            "service_tier": "",
            "meter": "prompt",
            "rate_window_start": SINCE,
            "usage_date": date.fromisoformat(day),
            "billing_period": day[:7],
            "quantity": quantity,
            "prompt_band": 0,
        }
        self.usage.append(row | differing)

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """See which drafts its nights make."""

        def invoice_book_that_is_seen(*arguments: Any, **options: Any) -> Any:
            self.made |= options["some"].ids
            return invoice_book(*arguments, **options)

        patch.setattr(changed, "invoice_book", invoice_book_that_is_seen)

    def write_accounts(self) -> None:
        tables = "".join(f"[[accounts]]\n{text}" for text in self.accounts.values())
        (self.root / "accounts.toml").write_text(tables + self.keys)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        (self.root / name).write_text(text.replace(old, new))

    def open(self) -> tuple[Workspace, Aggregate]:
        self.write_accounts()
        workspace = open_workspace(self.root, now=self.now)
        usage = pa.Table.from_pylist(
            sorted(self.usage, key=lambda row: [str(cell) for cell in row.values()]), schema=schemas.USAGE_DAILY
        )
        marts = Marts(
            usage_daily=usage,
            exchanges_daily=schemas.EXCHANGES_DAILY.empty_table(),
            suspicious_usage=schemas.USAGE_DAILY.empty_table(),
            broken_claims={name: [] for name in check_names(sql_folder(), "blocking")},
            advisories={name: [] for name in check_names(sql_folder(), "advisory")},
        )
        rated = rate(usage, workspace.accounts, workspace.rate_cards)
        return workspace, Aggregate(snapshot=LakeSnapshot(), marts=marts, rated=rated)

    def night(self) -> set[str]:
        """Draft what changed, write it, find it to be what a whole book has, and say whose drafts were made."""
        workspace, built = self.open()
        drafted = self.draft(workspace, built)
        whole = invoice_book(workspace, built)
        for period in {invoice.period for invoice in whole.of()} | {OCTOBER}:
            folder = self.root / "invoices" / str(period)
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            written = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
            assert written == period_files(workspace, whole, period)
        listed = [(each.id, each.status, each.lines, each.total, each.account_name) for each in drafted.book.invoices]
        assert listed == [
            (each.id, each.status.value, len(each.lines), each.total, each.account_name) for each in whole.of()
        ]
        assert drafted.book.late == whole.late
        kept_of_now = kept_now(workspace)
        assert kept_of_now is not None
        assert kept_of_now.heads() == BookOfHeads.of_book(whole, workspace.accounts)
        assert list(drafted.book.above_caps) == caps_exceeded(whole, workspace.accounts)
        return self.made

    def draft(self, workspace: Workspace, built: Aggregate) -> Drafted:
        self.made = set()
        layout.lake(self.root).mkdir(exist_ok=True)
        entries = issued.read_issued(workspace.root, workspace.lake)
        drafted = changed.draft_what_changed(workspace, built, entries)
        drafted.write()
        issued.keep_issued(workspace.lake, entries)
        return drafted

    def issue(self, account_id: str | None = None) -> None:
        workspace, built = self.open()
        issue(workspace, built, period=OCTOBER, account_id=account_id, freezing=Freezing(now=self.now))

    def void(self, invoice_id: str) -> None:
        workspace, built = self.open()
        void(workspace, built, invoice_id=invoice_id, freezing=Freezing(now=self.now))


@pytest.fixture(scope="module")
def drafted_once(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Two months of four accounts, drafted once; two of them share an invoice, and one pays in another currency."""
    made = Books(root=make_workspace(tmp_path_factory.mktemp("drafted") / "books", cards=CARDS))
    (made.root / "exchange").mkdir()
    (made.root / "exchange" / "USD-EUR.csv").write_text(EURO)
    for account_id in ACCOUNTS:
        made.use(account_id, "2026-10-05")
        made.use(account_id, "2026-11-02", 250_000, meter="completion")
    with pytest.MonkeyPatch.context() as patch:
        made.watch(patch)
        assert made.night() == ALL
    return made


@pytest.fixture
def books(drafted_once: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    """Give a copy of them, which has no night behind it."""
    root = shutil.copytree(drafted_once.root, tmp_path / "books")
    copied = replace(copy.deepcopy(drafted_once), root=root, made=set())
    copied.watch(monkeypatch)
    return copied


def test_a_night_with_nothing_new_makes_no_draft_and_writes_no_byte(books: Books) -> None:
    before = fingerprints(books.root)
    inodes = {path: path.stat().st_ino for path in books.root.rglob("*")}
    assert books.night() == set()
    assert fingerprints(books.root) == before
    assert {path: path.stat().st_ino for path in books.root.rglob("*")} == inodes


def later(books: Books) -> None:
    books.now = datetime(2026, 12, 1, tzinfo=UTC)


def usage_of_a_month_to_come(books: Books) -> None:
    books.use("corp", "2026-12-01")
    assert books.night() == {"corp"}  # to the same drafts: it has not begun
    later(books)


def a_month_that_begins_here_later_than_elsewhere(books: Books) -> None:
    books.accounts["dyne"] = ACCOUNTS["dyne"] + 'timezone = "Pacific/Kiritimati"\n'
    books.use("corp", "2026-12-01")
    books.use("dyne", "2026-12-01")
    books.now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert books.night() == ALL
    books.now = datetime(2026, 12, 1, 12, tzinfo=UTC)


def a_commitment_in_a_month_that_others_alone_used(books: Books) -> None:
    later(books)
    books.use("acme", "2026-12-01")
    assert books.night() == ALL
    books.accounts["corp"] = ACCOUNTS["corp"].replace("5.00", "6.00")


def another_key_of_the_account(books: Books) -> None:
    books.accounts["corp"] = books.accounts["corp"].replace('["key_corp"]', '["key_corp", "key_new"]')


def a_removed_account(books: Books) -> None:
    del books.accounts["corp"]
    books.usage = [row for row in books.usage if row["account_id"] != "corp"]


def a_moved_child(books: Books) -> None:
    books.accounts["bolt"] = books.accounts["bolt"].replace('"acme"', '"corp"')


def a_spelling_of_the_same(books: Books) -> None:
    (books.root / "accounts.toml").write_text((books.root / "accounts.toml").read_text() + "# a remark\n")


def tags(books: Books) -> None:
    books.keys = '[keys.key_corp]\nteam = "search"\n'


def one_day_of_exchange(books: Books) -> None:
    (books.root / "exchange" / "USD-EUR.csv").write_text(EURO.replace("0.90", "0.91"))


def a_file_that_somebody_changed(books: Books) -> None:
    path = books.root / "invoices" / "2026-10" / "draft-2026-10-corp" / "lines.csv"
    path.write_bytes(path.read_bytes().replace(b"key_corp", b"key_bolt"))


def a_table_that_somebody_changed(books: Books) -> None:
    path = books.root / "invoices" / "2026-10" / "invoices.csv"
    path.write_bytes(path.read_bytes().replace(b"Corp", b"Crop"))


def a_table_of_lines_that_somebody_changed(books: Books) -> None:
    path = books.root / "invoices" / "2026-10" / "lines.csv"
    path.write_bytes(path.read_bytes().replace(b"key_corp", b"key_bolt"))


def a_document_that_is_gone(books: Books) -> None:
    (books.root / "invoices" / "2026-10" / "draft-2026-10-corp" / "draft-2026-10-corp.json").unlink()


def a_document_behind_a_link(books: Books) -> None:
    path = books.root / "invoices" / "2026-10" / "draft-2026-10-corp" / "draft-2026-10-corp.json"
    path.rename(books.root / "elsewhere.json")
    path.symlink_to(books.root / "elsewhere.json")


CHANGES: list[tuple[Callable[[Books], object], set[str]]] = [
    (lambda books: books.use("corp", "2026-11-03"), {"corp"}),
    (lambda books: books.use("corp", "2026-10-31"), {"corp"}),
    (lambda books: books.use("bolt", "2026-11-03"), FAMILY),
    (lambda books: books.use("corp", "2026-11-03", model="unknown", rate_window_start=None), {"corp"}),
    (lambda books: books.usage[0].update(quantity=1_000_001), {"acme", "bolt"}),
    (lambda books: books.usage[4].update(usage_date=date(2026, 10, 6)), {"corp"}),
    (lambda books: books.usage[4].update(api_key_id="key_other"), {"corp"}),
    (lambda books: books.usage.pop(), {"dyne"}),
    (lambda books: books.accounts.update(corp=ACCOUNTS["corp"].replace("Corp", "Corp & Co")), {"corp"}),
    (lambda books: books.accounts.update(corp=ACCOUNTS["corp"].replace("5.00", "5.01")), {"corp"}),
    (lambda books: books.accounts.update(corp=ACCOUNTS["corp"] + "discount_percent = 10\n"), {"corp"}),
    (lambda books: books.accounts.update(corp=ACCOUNTS["corp"] + 'tax = { rate = 19.0, label = "VAT" }\n'), {"corp"}),
    (lambda books: books.accounts.update(corp=ACCOUNTS["corp"] + 'note = "Thank you."\n'), {"corp"}),
    (lambda books: books.accounts.update(corp=ACCOUNTS["corp"] + "begins_on = 2026-10-02\n"), {"corp"}),
    (
        lambda books: books.accounts.update(
            corp=ACCOUNTS["corp"]
            + '[[accounts.credits]]\nid = "gift"\namount = 1.00\ngranted_on = 2026-10-01\nexpires_on = 2027-01-01\n'
        ),
        {"corp"},
    ),
    (lambda books: books.accounts.update(acme=ACCOUNTS["acme"].replace("1.00", "3.00")), FAMILY),
    (lambda books: books.accounts.update(evil='id = "evil"\nname = "Evil"\nkeys = ["key_evil"]\n'), {"evil"}),
    (another_key_of_the_account, {"corp"}),
    (a_moved_child, {"acme", "bolt", "corp"}),
    (a_removed_account, set()),
    (a_spelling_of_the_same, set()),
    (tags, {"corp"}),
    (one_day_of_exchange, ALL),
    (lambda books: books.edit("rates/standard.toml", "prompt = 2.00", "prompt = 2.01"), ALL),
    (lambda books: books.edit("rates/standard.toml", 'currency = "USD"', 'currency = "USD"\nmonthly_fee = 9.00'), ALL),
    (lambda books: books.edit("tallybook.toml", "[[sources]]", 'rounding = "half-even"\n[[sources]]'), ALL),
    (lambda books: books.edit("tallybook.toml", "[[sources]]", '[invoices]\nnote = "Hi."\n[[sources]]'), ALL),
    (lambda books: books.use("nobody", "2026-11-03"), {"nobody"}),
    (usage_of_a_month_to_come, ALL),
    (later, set()),
    (a_month_that_begins_here_later_than_elsewhere, {"corp"}),
    (a_commitment_in_a_month_that_others_alone_used, {"corp"}),
    (lambda books: books.issue("corp"), {"corp"}),
    (lambda books: books.issue("acme"), FAMILY),
    (a_file_that_somebody_changed, {"corp"}),
    (a_table_that_somebody_changed, set()),
    (a_table_of_lines_that_somebody_changed, set()),
    (a_document_that_is_gone, {"corp"}),
    (a_document_behind_a_link, {"corp"}),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=range(len(CHANGES)))
def test_whatever_changes_of_what_a_draft_is_made_from_it_is_made_anew_and_no_other(
    books: Books, change: Callable[[Books], object], expected: set[str]
) -> None:
    change(books)
    assert books.night() == expected
    assert books.night() == set()


def test_lines_that_change_while_a_night_runs_are_in_no_table_of_the_month(books: Books) -> None:
    a_table_that_somebody_changed(books)  # so that it is put together anew, of lines that stand
    workspace, built = books.open()
    drafted = changed.draft_what_changed(workspace, built, issued.read_issued(workspace.root, workspace.lake))
    a_file_that_somebody_changed(books)
    table = (books.root / "invoices" / "2026-10" / "lines.csv").read_bytes()
    with pytest.raises(DataFileDamaged, match=r"draft-2026-10-corp/lines\.csv changed while it was in use; run the"):
        drafted.write()
    assert (books.root / "invoices" / "2026-10" / "lines.csv").read_bytes() == table
    assert books.night() == {"corp"}


@pytest.mark.long
def test_a_credit_note_opens_the_draft_again_and_late_usage_corrects_it(books: Books) -> None:
    books.issue()
    assert books.night() == ALL
    books.use("corp", "2026-10-30")
    assert books.night() == {"corp"}
    books.void("INV-000002")
    assert books.night() == {"corp"}
    assert [each["status"] for each in register.read(books.root)] == ["issued"] * 3 + ["credit_note"]


def test_another_program_makes_every_draft_anew(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "__version__", "99.0")
    assert books.night() == ALL


@pytest.mark.parametrize("name", ["families", "invoices", "late", "above_caps", "periods"])
def test_what_is_kept_is_not_believed_where_a_byte_of_it_is_another(books: Books, name: str) -> None:
    entry = read_entries(layout.lake(books.root), kept.KIND)[WHOLE]
    path = folder_of(layout.lake(books.root), kept.KIND) / entry.file_name
    content = bytearray(path.read_bytes())
    content[entry.pieces[name].start + entry.pieces[name].size // 2] ^= 1
    path.write_bytes(bytes(content))
    assert books.night() == ALL


def test_what_is_refused_is_refused_every_night(books: Books) -> None:
    books.issue("corp")
    books.night()
    a_removed_account(books)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"account 'corp' is not in accounts\.toml and was invoiced"):
            books.night()


def test_an_entry_of_the_register_that_changed_is_refused_although_its_kin_is_kept(books: Books) -> None:
    books.issue()
    books.night()
    entry = books.root / "invoices" / "register" / f"{2:020d}.json"
    entry.chmod(0o640)
    entry.write_bytes(entry.read_bytes().replace(b'"Corp"', b'"Crop"'))
    with pytest.raises(LogEntryRefused, match=f"{2:020d}.json is refused: it was changed after it was written"):
        books.draft(*books.open())


def test_an_entry_in_the_place_of_another_is_refused_although_both_are_kept(books: Books) -> None:
    books.issue()
    books.night()
    one, other = (books.root / "invoices" / "register" / f"{number:020d}.json" for number in (1, 2))
    other.unlink()
    other.write_bytes(one.read_bytes())
    with pytest.raises(LogEntryRefused, match="it is out of its chain"):
        books.draft(*books.open())


def test_a_sealed_forgery_before_an_entry_that_is_kept_is_refused(books: Books) -> None:
    books.issue()
    books.night()
    entry = books.root / "invoices" / "register" / f"{1:020d}.json"
    content = re.sub(
        rb'("sealSha256": )"[0-9a-f]{64}"', rb'\1"' + append_log.UNSEALED.encode() + rb'"', entry.read_bytes()
    )
    entry.unlink()
    entry.write_bytes(append_log.seal(content.replace(b'"Acme"', b'"Acne"')))
    with pytest.raises(LogEntryRefused, match=f"{2:020d}.json is refused: it is out of its chain"):
        books.draft(*books.open())


def live(books: Books, chance: random.Random, nights: int) -> None:
    """Use, change, issue and void at random; ``night`` compares each with a whole book."""
    for _ in range(nights):
        account_id = chance.choice([*ACCOUNTS])
        day = date(2026, 10, 1) + timedelta(days=chance.randrange((books.now.date() - date(2026, 10, 1)).days))
        match chance.randrange(8):
            case 0 | 1 | 2:
                books.use(account_id, str(day), chance.randrange(1, 3_000_000))
            case 3:
                books.accounts[account_id] = ACCOUNTS[account_id] + f"discount_percent = {chance.randrange(5)}\n"
            case 4:
                with suppress(InvoiceNotFound):
                    books.issue(chance.choice(["acme", "corp", "dyne"]))
            case 5:
                standing = [each for each in register.read(books.root) if each["status"] == "issued"]
                for document in standing[-1:]:
                    books.void(document["invoice_id"])
            case 6:
                books.now += timedelta(days=chance.randrange(1, 20))
            case _:
                books.usage.pop(chance.randrange(len(books.usage)))
        books.night()


@pytest.mark.long
def test_after_random_nights_the_files_are_those_of_a_whole_book(books: Books) -> None:
    live(books, random.Random(16), 12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_after_many_random_nights_the_files_are_those_of_a_whole_book(books: Books, seed: int) -> None:
    live(books, random.Random(seed), 60)
