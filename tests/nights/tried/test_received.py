"""A log that comes by standard input: its usage counts once, and its text is kept only where somebody asks for it."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from workspaces import fingerprints, make_workspace, plain, tallybook

from pipeline import lake

if TYPE_CHECKING:
    from collections.abc import Callable
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


def piped(books: Path, content: bytes, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", "-w", str(books), "collect", "-", *options]
    done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=120)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def called(content: str) -> str:
    return f"standard-input:{hashlib.sha256(content.encode()).hexdigest()}"


@pytest.mark.long
@pytest.mark.parametrize("compress", [bytes, partial(gzip.compress, mtime=0)])
def test_no_text_of_standard_input_is_in_any_file(books: Path, compress: Callable[[bytes], bytes]) -> None:
    said = "Wanderers Nachtlied"
    asked = {"model": "jamba-large", "messages": [{"role": "user", "content": said}]}
    answer = {"choices": [{"message": {"content": said}}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    lines = [plain("2026-03-01T10:00:00Z", id="id-1", request=asked, response=answer), f'{{"torn": "{said}']
    lines += [plain(f"2026-03-0{day}T10:00:00Z", id=f"id-{day}") for day in (2, 3)]
    log = "\n".join(lines) + "\n"
    assert log.count(said) == 3
    done = piped(books, compress(log.encode()))
    assert (done.returncode, done.stderr) == (0, "")
    assert "collected 4 new lines from 1 of 1 log" in done.stdout
    assert "1 of them is quarantined" in done.stdout
    night = tallybook(books, "nightly", "--as-of", "2026-03-20")
    assert (night.returncode, "measured 3" in night.stdout) == (0, True)
    files = [path for path in books.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if said.encode() in path.read_bytes()] == []
    for table in (books / "lake").rglob("*.parquet"):
        assert said not in str(pq.read_table(table).to_pylist())
    assert not (books / "received").exists()


@pytest.mark.long
def test_standard_input_counts_once_and_every_later_piece_of_it_too(books: Path) -> None:
    done = tallybook(books, "collect", "-", stdin=TWO)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "standard input: read as source 'app', the only one in tallybook.toml; it is not kept, so pipe it in again to "
        "have lines of it read again (or use --keep)\ncollected 2 new lines from 1 of 1 log\n"
    )
    before = fingerprints(books / "lake")
    assert "collected 0 new lines" in tallybook(books, "collect", "-", stdin=TWO).stdout
    assert fingerprints(books / "lake") == before
    more = TWO + plain("2026-03-03T10:00:00Z", id="id-3") + "\n"
    assert "collected 1 new line from" in tallybook(books, "collect", "-", stdin=more).stdout
    assert [record.source for record in lake.read_log(books / "lake").sources] == [called(TWO), called(more)]
    done = tallybook(books, *NIGHT)
    assert (done.returncode, "measured 3" in done.stdout, done.stderr) == (0, True, "")
    assert tallybook(books, "verify").returncode == 0


def test_lines_of_it_are_read_again_when_it_is_piped_in_again(books: Path) -> None:
    lines = [plain(f"2026-03-0{day}T10:00:00Z", id=f"id-{day}") for day in (1, 2, 3)]
    lines[1] = lines[1].replace("2026-03-02T10:00:00Z", "2026-03-02T10:00:00")
    log = "\n".join(lines) + "\n"
    assert "1 of them is quarantined (1 invalid_field" in tallybook(books, "collect", "-", stdin=log).stdout
    (books / "tallybook.toml").write_text(f'{APP}time_zone = "UTC"\n')
    gone = tallybook(books, "collect", "--again")
    assert f"1 segment of {called(log)} could not be read again" in gone.stderr
    more = log + plain("2026-03-04T10:00:00Z", id="id-4") + "\n"
    done = tallybook(books, "collect", "--again", "-", stdin=more)
    assert "1 line out of the quarantine, 0 into it" in done.stdout
    assert "collected 1 new line from" in done.stdout
    counts = [record.events for record in lake.read_log(books / "lake").sources]
    assert counts == [{"measured": 3}, {"measured": 1}]


def test_a_log_that_came_before_by_another_way_counts_once(books: Path) -> None:
    (books / "logs").mkdir(exist_ok=True)
    (books / "logs" / "app.jsonl").write_text(TWO)
    tallybook(books, "collect")
    assert "collected 0 new lines" in tallybook(books, "collect", "-", "--keep", stdin=TWO).stdout
    assert "collected 0 new lines" in tallybook(books, "collect", "-", stdin=TWO).stdout


def test_keeping_is_of_standard_input_alone(books: Path) -> None:
    done = tallybook(books, "collect", "--keep")
    assert done.returncode == 2
    assert "--keep says that what comes by standard input is kept" in done.stderr


@pytest.mark.long
def test_standard_input_that_is_kept_is_called_by_its_digest_and_counts_once(books: Path) -> None:
    done = tallybook(books, "collect", "-", "--keep", stdin=TWO)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"standard input: kept as {kept(TWO)}, read as source 'app', the only one in tallybook.toml\n"
        "collected 2 new lines from 1 of 1 log\n"
    )
    path = books / kept(TWO)
    assert (path.read_text(), path.stat().st_mode & 0o777) == (TWO, 0o600)
    before = fingerprints(books / "lake") | fingerprints(books / "received")
    assert "collected 0 new lines" in tallybook(books, "collect", "-", "--keep", stdin=TWO).stdout
    assert fingerprints(books / "lake") | fingerprints(books / "received") == before
    done = tallybook(books, *NIGHT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "measured 2" in done.stdout


@pytest.mark.long
def test_a_lake_that_is_rebuilt_reads_it_again(books: Path) -> None:
    tallybook(books, "collect", "-", "--keep", stdin=TWO)
    shutil.rmtree(books / "lake")
    done = tallybook(books, *NIGHT)
    assert (done.returncode, "measured 2" in done.stdout) == (0, True)
    assert tallybook(books, "verify").returncode == 0
    assert "1 file" in tallybook(books, "doctor").stdout


def test_a_last_line_without_its_end_is_read_since_nothing_more_comes(books: Path) -> None:
    done = tallybook(books, "collect", "-", "--keep", stdin=TWO.rstrip("\n"))
    assert (done.stderr, "collected 2 new lines" in done.stdout) == ("", True)
    assert (books / kept(TWO)).read_text() == TWO


@pytest.mark.long
def test_a_compressed_log_is_kept_as_it_comes(books: Path) -> None:
    content = gzip.compress(TWO.encode(), mtime=0)
    done = piped(books, content, "--keep")
    assert (done.returncode, "collected 2 new lines" in done.stdout) == (0, True)
    assert (books / kept(content)).read_bytes() == content


def test_which_source_it_is_can_be_said_and_must_be_told(books: Path) -> None:
    (books / "tallybook.toml").write_text(APP + WEST)
    done = tallybook(books, "collect", "-", "--keep", stdin=TWO)
    assert done.returncode == 2
    assert "standard input is under the paths of no source, and 'app', 'west' all read its first 2 lines" in done.stderr
    assert [path for path in (books / "received").rglob("*") if path.is_file()] == []
    assert tallybook(books, "collect", "-", "--keep", "--source", "west", stdin=TWO).returncode == 0
    assert (books / kept(TWO, "west")).is_file()


@pytest.mark.parametrize("options", [(), ("--keep",)])
def test_nothing_by_standard_input_is_an_error(books: Path, options: tuple[str, ...]) -> None:
    done = tallybook(books, "collect", "-", *options)
    assert done.returncode == 2
    assert done.stderr == (
        "tallybook: standard input is empty, so there is nothing to collect; look at the command before the pipe\n"
    )


@pytest.mark.long
def test_what_is_kept_out_stays_and_is_read_once_its_source_is_configured_rightly(books: Path) -> None:
    line = json.loads(TWO.splitlines()[0])
    log = json.dumps(line | {"auth": {"key": line.pop("api_key_id")}}) + "\n"
    (books / "tallybook.toml").write_text(APP + TYPO)
    assert tallybook(books, "collect", "--keep", "--source", "app", "-", stdin=log).returncode == 3
    assert tallybook(books, *NIGHT).returncode == 3
    (books / "tallybook.toml").write_text(APP + TYPO.replace('id"', 'key"'))
    assert tallybook(books, *NIGHT).returncode == 0
    (record,) = lake.read_log(books / "lake").sources
    assert (record.source, record.events) == (kept(log), {"measured": 1})


@pytest.mark.parametrize("name", [".", ".."])
def test_a_source_is_called_by_no_name_that_leads_to_another_folder(books: Path, name: str) -> None:
    (books / "tallybook.toml").write_text(APP.replace('"app"', f'"{name}"'))
    done = tallybook(books, "collect", "-", "--keep", stdin=TWO)
    assert done.returncode == 2
    assert "not dots alone" in done.stderr
