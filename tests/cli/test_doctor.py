"""``tallybook doctor`` answers with the exit code of what it found."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from workspaces import append_log, make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-01")


@pytest.mark.slow
def test_the_exit_code_says_what_was_found(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    assert tallybook(root, "doctor").returncode == 2  # no file fits a source
    write_log(root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a"))
    assert tallybook(root, "collect").returncode == 0
    assert [tallybook(root, "doctor", *more).returncode for more in ([], ["--strict"])] == [0, 0]
    write_log(root, "torn.jsonl", '{"ts": "2026-')
    assert tallybook(root, "collect").returncode == 0
    assert [tallybook(root, "doctor", *more).returncode for more in ([], ["--strict"])] == [0, 3]
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    assert tallybook(root, "doctor", "--strict").returncode == 0  # the night told of it
    settings = (root / "tallybook.toml").read_text("utf-8")
    (root / "tallybook.toml").write_text("", encoding="utf-8")
    found = tallybook(root, "doctor")
    assert (found.returncode, "LOOK  sources: tallybook.toml names no [[sources]]" in found.stdout) == (2, True)
    (root / "tallybook.toml").write_text(settings, encoding="utf-8")
    (root / "accounts.toml").write_text("", encoding="utf-8")
    found = tallybook(root, "doctor", "--strict")
    assert (found.returncode, "LOOK  accounts: none in accounts.toml; write one" in found.stdout) == (2, True)
    (data_file,) = (root / "lake").rglob("date=*/*.parquet")
    data_file.write_bytes(data_file.read_bytes()[:-1])
    assert tallybook(root, "doctor").returncode == 1


@pytest.mark.long
def test_strict_fails_for_what_is_new_and_neither_for_what_is_known_nor_for_what_was_acknowledged(
    tmp_path: Path,
) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a", key="key_x"), '{"ts": "2026-')
    assert tallybook(root, "collect").returncode == 0
    new = tallybook(root, "doctor", "--strict", "--json")
    assert (new.returncode, new.stderr) == (3, "tallybook: --strict: new or unread: quarantined; unassigned (key_x)\n")
    assert json.loads(new.stdout)["strict_failures"] == ["quarantined", "unassigned (key_x)"]
    assert tallybook(root, "doctor", "--strict").returncode == 3  # looking makes nothing known
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert tallybook(root, "doctor", "--strict").returncode == 0
    assert tallybook(root, "acknowledge", "unassigned", "key_x", "--reason", "test", *AS_OF).returncode == 0
    shutil.rmtree(root / "lake/told")
    assert "unread: quarantined\n" in tallybook(root, "doctor", "--strict").stderr
    append_log(root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="b", key="key_x"))
    assert tallybook(root, "collect").returncode == 0
    assert "unassigned (key_x)\n" in tallybook(root, "doctor", "--strict").stderr  # there is more of it


@pytest.mark.long
def test_strict_fails_for_the_codes_that_the_configuration_names_and_for_no_other(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", config='[strict]\nfail_on = ["unassigned"]\n')
    write_log(root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a"), '{"ts": "2026-')
    assert tallybook(root, "collect").returncode == 0
    assert tallybook(root, "doctor", "--strict").returncode == 0


@pytest.mark.parametrize("raw", ["sk-proj-0123456789abcdefABCD", "Zk3qT9vLw8Xb2Rn7Yc5Hd1Gf6Js4Mp0Aa9Be8Cu7"])
def test_a_raw_key_in_a_comment_or_a_value_is_told_by_its_place_and_not_shown(tmp_path: Path, raw: str) -> None:
    """A configuration is kept with the invoices that it issued, to the last byte."""
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a"))
    assert "raw key;" not in tallybook(root, "doctor").stdout
    for name, added in (
        ("accounts.toml", f"# the new one: {raw}"),
        ("rates/standard.toml", f"# {raw}"),
        ("tallybook.toml", f'[seller]\nname = "{raw}"'),
    ):
        path = root / name
        before = path.read_text(encoding="utf-8")
        path.write_text(f"{before}\n{added}\n", encoding="utf-8")
        done = tallybook(root, "doctor")
        line = f"{before}\n{added}".count("\n") + 1
        assert f"LOOK  {name}, line {line}: something that may be a raw key; take it out" in done.stdout
        assert done.returncode == 2
        assert raw not in done.stdout + done.stderr
        path.write_text(before, encoding="utf-8")


@pytest.mark.parametrize("key_id", ["sk-proj-0123456789abcdefABCD", "Zk3qT9vLw8Xb2Rn7Yc5Hd1Gf6Js4Mp0Aa9Be8Cu7"])
def test_an_id_that_is_one_is_no_raw_key(tmp_path: Path, key_id: str) -> None:
    account = f'[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["{key_id}"]\n'
    source = '[[sources]]\nname = "s"\npaths = ["logs/*"]\nids_may_look_like_keys = true\n'
    root = make_workspace(tmp_path / "books", config=source, accounts=f'{account}[keys.{key_id}]\nteam = "x"\n')
    write_log(root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a", key=key_id))
    assert "may be a raw key" not in tallybook(root, "doctor").stdout


def test_a_night_without_any_log_says_that_nothing_is_committed_yet(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    done = tallybook(root, "nightly", "--as-of", "2026-11-01")
    assert done.returncode == 0
    assert done.stdout.startswith("collected 0 new lines from 0 of 0 logs; the lake has no commit yet\n")
