"""What changes or tells of books on a store: a machine with an empty disk then has all of it, and says the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from workspaces import fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.lake import read_log
from pipeline.objects.mounted.mounts import kept_files
from pipeline.objects.stores import ObjectStore
from pipeline.usage.events import LAKE_VERSION

if TYPE_CHECKING:
    from workspaces import Done

NIGHT = ("nightly", "--as-of", "2026-11-02")
OLDEST = Path(__file__).parents[1] / "ages/golden/first-register"
RAW_KEY = f"sk-{'made-up-':032}"


def done(root: Path, *arguments: str, stdin: str = "", code: int = 0) -> Done:
    ended = tallybook(root, *arguments, stdin=stdin)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended


def empty_machine(root: Path, to: Path) -> Path:
    """Set up a machine that has the configuration, the logs and the secrets, and nothing of the store."""
    of_the_store = {"lake", "invoices", "key-aliases"}
    return shutil.copytree(root, to, ignore=lambda folder, _: of_the_store if folder == str(root) else ())


def with_raw_key(ts: str, id: str) -> str:
    return plain(ts, id=id).replace('"api_key_id": "key_a"', f'"api_key": "{RAW_KEY}"')


@pytest.mark.long
def test_books_of_the_first_program_are_upgraded_on_a_store_as_they_are_in_a_folder(
    tmp_path: Path, stores: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = (shutil.copytree(OLDEST, tmp_path / name) for name in ("here", "there"))
    upgrade = ("upgrade", "--as-of", "2026-05-02")
    with monkeypatch.context() as local:
        local.delenv("TALLYBOOK_LAKE")
        local.delenv("TALLYBOOK_INVOICES")
        done(here, *upgrade)
        listed = done(here, "invoice", "list", "--json").stdout
    for folder in ("lake", "invoices"):
        store = ObjectStore(f"{stores}/{folder}")
        for path in kept_files(there / folder):
            store.put(path.relative_to(there / folder).as_posix(), path.read_bytes())
    assert done(there, *upgrade[:1], "--dry-run", *upgrade[1:], code=6).stdout
    done(there, *upgrade)
    empty = empty_machine(there, tmp_path / "empty")
    assert done(empty, "invoice", "list", "--json").stdout == listed
    assert read_log(empty / "lake").lake_version == LAKE_VERSION
    issued = [each["invoice_id"] for each in json.loads(listed) if each["invoice_id"].startswith("INV-")]
    assert issued
    for each in issued:
        done(empty, "recompute", each)
    done(empty, "nightly", "--as-of", "2026-06-01")
    for root in (there, empty):
        done(root, "verify")


@pytest.mark.long
def test_a_key_keeps_its_id_on_every_machine_while_its_secret_is_rotated_and_after(tmp_path: Path, stores: str) -> None:
    one = make_workspace(tmp_path / "one")
    write_log(one, "a.jsonl", with_raw_key("2026-10-05T10:00:00Z", "r1"))
    done(one, *NIGHT)
    (of_before,) = json.loads(done(one, "usage", "--json").stdout)
    done(one, "keys", "rotate", "--as-of", "2026-11-02T12:00:00Z")
    meanwhile = empty_machine(one, tmp_path / "meanwhile")
    write_log(meanwhile, "b.jsonl", with_raw_key("2026-10-05T11:00:00Z", "r2"))
    done(meanwhile, "nightly", "--as-of", "2026-11-03")
    done(one, "keys", "rotate", "--finish", "--as-of", "2026-11-03T12:00:00Z")
    assert list(ObjectStore(f"{stores}/lake").list("key-aliases"))
    after = empty_machine(one, tmp_path / "after")
    assert not list(after.glob("key-secret.old"))
    write_log(after, "c.jsonl", with_raw_key("2026-10-05T12:00:00Z", "r3"))
    done(after, "nightly", "--as-of", "2026-11-04")
    seen = json.loads(done(empty_machine(one, tmp_path / "empty"), "usage", "--json").stdout)
    assert [each["api_key_id"] for each in seen] == [of_before["api_key_id"]]
    assert (seen[0]["events"], seen[0]["prompt_tokens"]) == (3, 3_000_000)
    for root in (one, meanwhile, after):
        done(root, "verify")


@pytest.mark.long
@pytest.mark.usefixtures("stores")
def test_what_is_issued_paid_and_voided_is_bundled_exported_and_reported_alike_by_an_empty_machine(
    tmp_path: Path,
) -> None:
    one = make_workspace(tmp_path / "one")
    lines = (plain("2026-10-05T10:00:00Z", id="r1"), plain("2026-11-01T10:00:00Z", id="r2"))
    write_log(one, "a.jsonl", *lines)
    done(one, *NIGHT)
    done(one, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    done(one, "invoice", "paid", "INV-000001", "--amount", "1.00", "--as-of", "2026-11-03")
    empty = empty_machine(one, tmp_path / "empty")
    done(empty, "invoice", "void", "INV-000001", "--as-of", "2026-11-04", "--yes")
    last = empty_machine(one, tmp_path / "last")
    exports = (
        ("export", "focus", "--seller", "Example"),
        ("export", "jsonl"),
        ("export", "lago"),
        ("report", "--period", "2026-10", "--to", "-"),
        ("invoice", "show", "INV-000001"),
        ("explain", "INV-000001", "1"),
    )
    for words in exports:
        said = done(last, *words)
        assert said == done(one, *words)
        assert said.stdout or said.stderr
        shutil.rmtree(last / "lake")
        shutil.rmtree(last / "invoices")
    for root in (one, last):
        done(root, "recompute", "INV-000001", "--bundle", str(tmp_path / f"of-{root.name}"))
        done(root, "export", "duckdb", "--to", str(tmp_path / f"{root.name}.duckdb"))
    assert fingerprints(tmp_path / "of-last") == fingerprints(tmp_path / "of-one") != {}
    for root in (one, empty, last):
        assert "answers" in tallybook(root, "doctor").stdout
        done(root, "verify")
