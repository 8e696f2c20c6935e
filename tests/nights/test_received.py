"""A log that comes by standard input is kept first, and is a log of its source as any other from then on."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from workspaces import fingerprints, make_workspace, plain, tallybook

from pipeline import lake

if TYPE_CHECKING:
    from pathlib import Path

APP = '[[sources]]\nname = "app"\npaths = ["logs/app*"]\n'
WEST = '[[sources]]\nname = "west"\npaths = ["logs/west*"]\n'
TYPO = 'fields = { api_key_id = "auth.id" }\n'
NIGHT = ("nightly", "--strict", "--as-of", "2026-03-20")
TWO = "".join(f"{plain(f'2026-03-0{day}T10:00:00Z', id=f'id-{day}')}\n" for day in (1, 2))


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "books", config=APP)


def kept(content: str | bytes, source: str = "app") -> str:
    raw = content if isinstance(content, bytes) else content.encode()
    return f"received/{source}/{hashlib.sha256(raw).hexdigest()}.log"


def test_standard_input_is_kept_by_its_digest_and_counts_once(books: Path) -> None:
    done = tallybook(books, "collect", "-", stdin=TWO)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"standard input: kept as {kept(TWO)}, read as source 'app', the only one in tallybook.toml\n"
        "collected 2 new lines from 1 of 1 log\n"
    )
    path = books / kept(TWO)
    assert (path.read_text(), path.stat().st_mode & 0o777) == (TWO, 0o600)
    before = fingerprints(books / "lake") | fingerprints(books / "received")
    assert "collected 0 new lines" in tallybook(books, "collect", "-", stdin=TWO).stdout
    assert fingerprints(books / "lake") | fingerprints(books / "received") == before
    done = tallybook(books, *NIGHT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "measured 2" in done.stdout


def test_a_lake_that_is_rebuilt_reads_it_again(books: Path) -> None:
    tallybook(books, "collect", "-", stdin=TWO)
    shutil.rmtree(books / "lake")
    done = tallybook(books, *NIGHT)
    assert (done.returncode, "measured 2" in done.stdout) == (0, True)
    assert tallybook(books, "verify").returncode == 0
    assert "1 file" in tallybook(books, "doctor").stdout


def test_a_last_line_without_its_end_is_read_since_nothing_more_comes(books: Path) -> None:
    done = tallybook(books, "collect", "-", stdin=TWO.rstrip("\n"))
    assert (done.stderr, "collected 2 new lines" in done.stdout) == ("", True)
    assert (books / kept(TWO)).read_text() == TWO


def test_a_compressed_log_is_kept_as_it_comes(books: Path) -> None:
    content = gzip.compress(TWO.encode(), mtime=0)
    command = [sys.executable, "-m", "pipeline.cli", "-w", str(books), "collect", "-"]
    done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=120)
    assert (done.returncode, b"collected 2 new lines" in done.stdout) == (0, True)
    assert (books / kept(content)).read_bytes() == content


def test_which_source_it_is_can_be_said_and_must_be_told(books: Path) -> None:
    (books / "tallybook.toml").write_text(APP + WEST)
    done = tallybook(books, "collect", "-", stdin=TWO)
    assert done.returncode == 2
    assert "standard input is under the paths of no source, and 'app', 'west' all read its first 2 lines" in done.stderr
    assert [path for path in (books / "received").rglob("*") if path.is_file()] == []
    assert tallybook(books, "collect", "-", "--source", "west", stdin=TWO).returncode == 0
    assert (books / kept(TWO, "west")).is_file()


def test_nothing_by_standard_input_is_an_error(books: Path) -> None:
    done = tallybook(books, "collect", "-")
    assert done.returncode == 2
    assert done.stderr == (
        "tallybook: standard input is empty, so there is nothing to collect; look at the command before the pipe\n"
    )


def test_what_is_kept_out_stays_and_is_read_once_its_source_is_configured_rightly(books: Path) -> None:
    line = json.loads(TWO.splitlines()[0])
    log = json.dumps(line | {"auth": {"key": line.pop("api_key_id")}}) + "\n"
    (books / "tallybook.toml").write_text(APP + TYPO)
    assert tallybook(books, "collect", "--source", "app", "-", stdin=log).returncode == 3
    assert tallybook(books, *NIGHT).returncode == 3
    (books / "tallybook.toml").write_text(APP + TYPO.replace('id"', 'key"'))
    assert tallybook(books, *NIGHT).returncode == 0
    (record,) = lake.read_log(books / "lake").sources
    assert (record.source, record.events) == (kept(log), {"measured": 1})


@pytest.mark.parametrize("name", [".", ".."])
def test_a_source_is_called_by_no_name_that_leads_to_another_folder(books: Path, name: str) -> None:
    (books / "tallybook.toml").write_text(APP.replace('"app"', f'"{name}"'))
    done = tallybook(books, "collect", "-", stdin=TWO)
    assert done.returncode == 2
    assert "not dots alone" in done.stderr
