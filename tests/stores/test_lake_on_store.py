"""A lake and a register on an object store, and machines that have nothing but their copies of them."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from workspaces import append_log, make_workspace, plain, tallybook, write_log

from pipeline import frames
from pipeline.base.resources import sample_folder
from pipeline.objects.lock import locked
from pipeline.objects.mounted.addresses import StoreUrls
from pipeline.objects.mounted.mounts import mount
from pipeline.objects.stores import TRIED_KEY, ObjectStore

if TYPE_CHECKING:
    from collections import Counter

    from workspaces import Done

NIGHT = ("nightly", "--as-of", "2026-11-02")


def done(root: Path, *arguments: str, code: int = 0) -> Done:
    ended = tallybook(root, *arguments)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended


def two_machines(folder: Path) -> tuple[Path, Path]:
    """Return two workspaces of one configuration; the first has a log of one response."""
    one, other = make_workspace(folder / "one"), make_workspace(folder / "other")
    write_log(one, "a.jsonl", plain("2026-10-05T10:00:00Z", id="r1"))
    return one, other


@pytest.mark.long
@pytest.mark.usefixtures("stores")
def test_a_machine_with_an_empty_disk_answers_as_the_one_that_collected(tmp_path: Path) -> None:
    one, other = two_machines(tmp_path)
    done(one, *NIGHT)
    for question in (
        ("usage", "--json"),
        ("cost", "--json"),
        ("sql", "select account_id, quantity from usage_daily order by all", "--json"),
        ("report", "--period", "2026-10", "--to", "-"),
    ):
        assert done(other, *question).stdout == done(one, *question).stdout
        shutil.rmtree(other / "lake")
    assert frames.open_books(other).events().arrow().num_rows == 1
    done(other, "verify")


@pytest.mark.long
@pytest.mark.usefixtures("stores")
def test_a_workspace_may_be_named_relative_to_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_machines(tmp_path)
    monkeypatch.chdir(tmp_path)
    done(Path("one"), *NIGHT)
    done(Path("one"), "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    done(Path("other"), "invoice", "list")
    done(Path("other"), *NIGHT)
    monkeypatch.chdir(tmp_path / "other")
    done(Path(), "recompute", "INV-000001")
    assert (tmp_path / "other/invoices/2026-10/INV-000001/INV-000001.json").exists()


@pytest.mark.long
@pytest.mark.usefixtures("stores")
def test_of_two_machines_each_sees_what_the_other_issued_was_paid_and_voided(tmp_path: Path) -> None:
    one, other = two_machines(tmp_path)
    done(one, *NIGHT)
    done(other, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    assert "INV-000001" in done(one, "invoice", "list").stdout
    done(one, "invoice", "paid", "INV-000001", "--amount", "1.00", "--as-of", "2026-11-03")
    done(other, "invoice", "void", "INV-000001", "--as-of", "2026-11-04", "--yes")
    assert done(one, "invoice", "list", "--json").stdout == done(other, "invoice", "list", "--json").stdout
    for root in (one, other):
        assert "the_store_holds_every_entry" in done(root, "verify").stdout
        done(root, "recompute", "INV-000001")
    shutil.rmtree(other / "lake")
    shutil.rmtree(other / "invoices")
    done(other, "recompute", "INV-000001")
    assert "r1" not in done(other, "explain", "INV-000001", "1").stderr


@pytest.mark.long
def test_both_collect_and_every_line_counts_once(tmp_path: Path, stores: str) -> None:
    del stores
    one, other = two_machines(tmp_path)
    write_log(other, "b.jsonl", plain("2026-10-06T10:00:00Z", id="r2"))
    done(one, *NIGHT)
    done(other, *NIGHT)
    append_log(one, "a.jsonl", plain("2026-10-07T10:00:00Z", id="r3"))
    done(one, *NIGHT)
    seen = json.loads(done(other, "usage", "--json").stdout)
    assert seen == json.loads(done(one, "usage", "--json").stdout)
    assert sum(row["prompt_tokens"] for row in seen) == 3_000_000
    for root in (one, other):
        done(root, "verify")


@pytest.mark.long
@pytest.mark.usefixtures("stores")
def test_a_lost_or_damaged_copy_is_brought_anew(tmp_path: Path) -> None:
    one, _ = two_machines(tmp_path)
    done(one, *NIGHT)
    append_log(one, "a.jsonl", plain("2026-10-06T10:00:00Z", id="r2"))
    done(one, *NIGHT)
    entries = sorted((one / "lake/usage_events/_delta_log").glob("*.json"))
    whole = [entry.read_bytes() for entry in entries]
    assert len(whole) == 2
    (data,) = (one / "lake/usage_events/date=2026-10-05").glob("*.parquet")
    content = data.read_bytes()
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:-9] + bytes(9))
    data.write_bytes(content[:-9] + bytes(1) + content[-8:])
    done(one, "verify")
    assert [entry.read_bytes() for entry in entries] == whole
    assert data.read_bytes() == content
    entries[0].unlink()
    data.unlink()
    done(one, "verify")
    assert [entry.read_bytes() for entry in entries] == whole


@pytest.mark.long
def test_a_store_that_lost_its_last_entry_is_refused(tmp_path: Path, stores: str) -> None:
    one, other = two_machines(tmp_path)
    done(one, *NIGHT)
    ObjectStore(f"{stores}/lake").remove("usage_events/_delta_log/00000000000000000000.json")
    refused = done(one, "usage", code=1)
    assert "is refused: it is not there, and this machine has a copy" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert "no commit yet" in done(other, "doctor", code=2).stdout


@pytest.mark.long
def test_an_older_lake_in_the_place_of_the_one_that_was_copied_is_refused(tmp_path: Path, stores: str) -> None:
    one, other = two_machines(tmp_path)
    write_log(other, "b.jsonl", plain("2026-10-06T10:00:00Z", id="r2"))
    done(one, *NIGHT)
    store = ObjectStore(f"{stores}/lake")
    entry = "usage_events/_delta_log/00000000000000000000.json"
    store.remove(entry)
    done(other, *NIGHT)
    assert "is refused: it is another one, and this machine has a copy" in done(one, "usage", code=1).stderr


@pytest.mark.long
def test_what_verify_finds_missing_or_damaged_on_the_store_fails(tmp_path: Path, stores: str) -> None:
    one, _ = two_machines(tmp_path)
    done(one, *NIGHT)
    done(one, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    store = ObjectStore(f"{stores}/lake")
    (data,) = store.list("usage_events/date=2026-10-05")
    store.remove(data.key)
    assert "the_store_holds_every_data_file" in done(one, "verify", code=6).stdout
    shutil.rmtree(one / "lake")
    assert f"{stores}/lake/{data.key} is not there" in done(one, "verify", code=6).stdout


@pytest.mark.long
def test_an_entry_of_somebody_else_is_refused_and_no_copy_of_it_is_kept(tmp_path: Path, stores: str) -> None:
    one, _ = two_machines(tmp_path)
    done(one, *NIGHT)
    entry = "usage_events/_delta_log/00000000000000000001.json"
    store = ObjectStore(f"{stores}/lake")
    store.put_if_absent(entry, b'{"commitInfo":{"operation":"WRITE"}}\n')
    refused = done(one, *NIGHT, code=1)
    assert "only Tallybook may write there: take that object out" in refused.stderr
    store.remove(entry)
    done(one, *NIGHT)


@pytest.mark.long
def test_another_machine_is_kept_off_while_one_works_and_told_by_whom(tmp_path: Path, stores: str) -> None:
    one, other = two_machines(tmp_path)
    done(one, *NIGHT)
    mount(one, StoreUrls(lake=f"{stores}/lake", invoices=f"{stores}/invoices"))
    with locked(one / "lake", command="tallybook nightly", started_at=datetime.now(UTC)):
        kept_off = done(other, *NIGHT, code=5)
    assert "is in use by `tallybook nightly` on " in kept_off.stderr
    done(other, *NIGHT)


@pytest.mark.long
def test_a_machine_takes_over_its_own_lock_at_once_and_others_wait_until_it_is_over(
    tmp_path: Path, stores: str
) -> None:
    one, other = two_machines(tmp_path)
    done(one, *NIGHT)
    mount(one, StoreUrls(lake=f"{stores}/lake", invoices=f"{stores}/invoices"))
    store, note = ObjectStore(f"{stores}/lake"), one / "lake/.lock"
    with locked(one / "lake", command="tallybook nightly", started_at=datetime.now(UTC)):
        died = note.read_bytes(), store.get("_lock.json")
    assert died[1] is not None
    ended = store.get("_lock.json")
    assert ended is not None
    note.write_bytes(died[0])
    store.replace("_lock.json", died[1][0], tag=ended[1])
    assert "if it died, its lock is over at" in done(other, *NIGHT, code=5).stderr
    done(one, *NIGHT)
    done(other, *NIGHT)


@pytest.mark.long
@pytest.mark.usefixtures("stores")
def test_a_night_with_nothing_new_asks_the_store_little(tmp_path: Path, requests: Counter[str]) -> None:
    one, _ = two_machines(tmp_path)
    done(one, *NIGHT)
    done(one, *NIGHT)
    requests.clear()
    done(one, *NIGHT)
    assert requests["put_if_absent"] == requests["remove"] == 0
    assert requests["replace"] == 2  # of the lock
    assert requests.total() <= 60, requests


@pytest.mark.long
def test_a_full_lake_beside_an_empty_store_is_refused_until_it_was_copied_there(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = two_machines(tmp_path)
    done(one, *NIGHT)
    monkeypatch.setenv("TALLYBOOK_LAKE", f"{bucket}/lake")
    refused = done(one, *NIGHT, code=2)
    assert "holds nothing; copy the folder there first" in refused.stderr
    store = ObjectStore(f"{bucket}/lake")
    files = sorted(path for path in (one / "lake").rglob("*") if path.is_file())
    for path in files:
        if path.parent.name != "date=2026-10-05":
            store.put_if_absent(path.relative_to(one / "lake").as_posix(), path.read_bytes())
    assert "lacks 1 of them, such as usage_events/date=2026-10-05/" in done(one, *NIGHT, code=2).stderr
    for path in files:
        store.put_if_absent(path.relative_to(one / "lake").as_posix(), path.read_bytes())
    done(one, *NIGHT)
    monkeypatch.delenv("TALLYBOOK_LAKE")
    assert "this run was told of no store" in done(one, *NIGHT, code=2).stderr
    (one / "lake/.store").unlink()
    done(one, "verify")


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_is_not_there_is_one_line_and_nothing_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = two_machines(tmp_path)
    monkeypatch.setenv("TALLYBOOK_LAKE", "s3://no-such-bucket-of-ours/lake")
    refused = done(one, *NIGHT, code=8)
    assert refused.stderr.count("\n") == 1
    assert not list((one / "lake").rglob("*.parquet"))


@pytest.mark.long
def test_configured_in_the_workspace_it_is_the_same(tmp_path: Path, bucket: str) -> None:
    tables = f'[lake]\nurl = "{bucket}/lake"\n[invoices]\nurl = "{bucket}/invoices"\n'
    one = make_workspace(tmp_path / "one", config=tables)
    write_log(one, "a.jsonl", plain("2026-10-05T10:00:00Z", id="r1"))
    done(one, *NIGHT)
    done(one, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    assert {each.key.partition("/")[0] for each in ObjectStore(f"{bucket}/invoices").list("")} == {
        *("configurations", "register"),
        TRIED_KEY,
    }
    shutil.rmtree(one / "lake")
    shutil.rmtree(one / "invoices")
    done(one, "recompute", "INV-000001")


@pytest.mark.long
@pytest.mark.parametrize(
    "counting", ["duckdb", "sail", pytest.param("sail that reads the store itself", marks=pytest.mark.slow)]
)
def test_the_sample_night_gives_the_same_invoices_on_a_store(
    tmp_path: Path, stores: str, counting: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    remote = "" if counting == "duckdb" else request.getfixturevalue("sail")
    lake = f'lake = "{stores}/lake"' if "itself" in counting else ""
    engine = f'\n[engine]\nkind = "spark"\nremote = "{remote}"\n{lake}\n' if remote else ""
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    for root in (here, there):
        shutil.copytree(sample_folder(), root)
        configured = root / "tallybook.toml"
        configured.write_text(configured.read_text(encoding="utf-8") + engine, encoding="utf-8")
    with monkeypatch.context() as local:
        local.delenv("TALLYBOOK_LAKE")
        local.delenv("TALLYBOOK_INVOICES")
        done(here, "--engine", "duckdb", *NIGHT)
    done(there, *NIGHT)
    files = sorted(path.relative_to(here) for path in (here / "invoices").rglob("*") if path.is_file())
    assert len(files) > 4
    assert [(there / each).read_bytes() for each in files] == [(here / each).read_bytes() for each in files]


@pytest.mark.slow
def test_what_is_forgotten_is_gone_from_the_store_and_from_each_copy(tmp_path: Path, stores: str) -> None:
    one, other = two_machines(tmp_path)
    append_log(one, "a.jsonl", plain("2026-10-06T10:00:00Z", id="r2"))
    done(one, *NIGHT)
    done(other, *NIGHT)
    done(one, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    store = ObjectStore(f"{stores}/lake")
    before = {each.key for each in store.list("usage_events") if each.key.endswith(".parquet")}
    assert len(before) == 2
    shutil.rmtree(one / "lake")
    done(one, "forget", "--before", "2026-10-06", "--yes", "--as-of", "2027-11-03")
    gone = before - {each.key for each in store.list("usage_events")}
    assert ["date=2026-10-05" in each for each in gone] == [True]
    assert list(store.list("forgotten"))
    done(other, "nightly", "--as-of", "2027-11-04")
    assert not (other / "lake" / gone.pop()).exists()
    shutil.rmtree(other / "lake")
    for root in (one, other):
        assert "1 file of what was forgotten" in done(root, "verify").stdout
        done(root, "recompute", "INV-000001")


@pytest.mark.long
def test_a_signature_is_seen_by_every_machine(tmp_path: Path, stores: str) -> None:
    one, other = two_machines(tmp_path)
    done(one, *NIGHT)
    done(one, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    key = Ed25519PrivateKey.generate()
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    done(one, "sign", "--key", str(private))
    assert "1 document" in done(other, "verify", "--key", str(public)).stdout
    assert [each.size > 0 for each in ObjectStore(f"{stores}/invoices").list("signatures")] == [True]


@pytest.mark.long
def test_files_of_a_run_that_died_are_told_and_removed_by_the_next_night(
    tmp_path: Path, stores: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two_machines(tmp_path)

    def dies(path: Path, content: bytes) -> bool:
        del path, content
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("pipeline.objects.append_log.create_entry", dies)
        assert tallybook(one, *NIGHT).returncode == 130
    store = ObjectStore(f"{stores}/lake")
    (left,) = (each.key for each in store.list("usage_events"))
    shutil.rmtree(one)
    write_log(other, "a.jsonl", plain("2026-10-08T10:00:00Z", id="r2"))
    done(other, "collect", "--as-of", "2026-11-02")
    assert f"{stores}/lake/{left}" in done(other, "doctor", code=2).stdout
    done(other, *NIGHT)
    assert left not in {each.key for each in store.list("usage_events")}
    assert "answers" in done(other, "doctor").stdout


@pytest.mark.long
def test_a_race_that_is_lost_is_read_again_and_nothing_is_lost_or_doubled(
    tmp_path: Path, stores: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del stores
    one, other = two_machines(tmp_path)
    write_log(other, "b.jsonl", plain("2026-10-06T10:00:00Z", id="r2"))
    create = ObjectStore.put_if_absent

    def overtaken(self: ObjectStore, key: str, content: bytes) -> bool:
        if key.endswith("00000000000000000000.json"):
            monkeypatch.setattr(ObjectStore, "put_if_absent", create)
            monkeypatch.setattr("pipeline.objects.mounted.lease.EXPIRES_AFTER", timedelta(seconds=-1))
            done(other, "collect", "--as-of", "2026-11-02")
        return create(self, key, content)

    monkeypatch.setattr("pipeline.objects.mounted.lease.EXPIRES_AFTER", timedelta(seconds=-1))
    monkeypatch.setattr(ObjectStore, "put_if_absent", overtaken)
    done(one, *NIGHT)
    seen = json.loads(done(one, "usage", "--json").stdout)
    assert sum(row["events"] for row in seen) == 2
    done(one, *NIGHT)
    done(one, "verify")
    done(other, "verify")
