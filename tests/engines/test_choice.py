"""Which engine counts: what may be configured, what a run may say instead, and what is told when it is not there."""

from __future__ import annotations

import socket
from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING

import pytest
from workspaces import fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.warehouse.engines import on_spark
from pipeline.warehouse.engines.on_spark import address_of

if TYPE_CHECKING:
    from pathlib import Path

SPARK = '[engine]\nkind = "spark"\n'
TOKEN = "a-token-of-somebody"  # noqa: S105 - made up
SOURCES = '\n[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\n'


def workspace(root: Path, *, config: str = "") -> Path:
    make_workspace(root, config=config + SOURCES)
    write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="one"))
    return root


def free_address() -> str:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return f"sc://127.0.0.1:{asked.getsockname()[1]}"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('[engine]\nkind = "sparks"\n', "kind is 'sparks'"),
        ('[engine]\nkinds = "spark"\n', "kinds"),
        ('[engine]\nremote = "sc://here:15002"\n', 'write kind = "spark"'),
        ('[engine]\nkind = "duckdb"\nlake = "/mnt"\n', "leave them out"),
        (f'{SPARK}remote = "https://here:15002"\n', "'https://here:15002'"),
        (f'{SPARK}remote = "sc://"\n', "sc://host:15002"),
        (f'{SPARK}remote = "sc://here:443/;token={TOKEN}"\n', "TALLYBOOK_ENGINE"),
        (f'{SPARK}remote = "http://here/;token={TOKEN}"\n', "'http://here/'"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_its_token(config: str, said: str, tmp_path: Path) -> None:
    done = tallybook(workspace(tmp_path / "books", config=config), "nightly", "--as-of", "2026-11-02")
    assert done.returncode == 2
    assert said in done.stderr
    assert "tallybook.toml" in done.stderr
    assert TOKEN not in done.stderr + done.stdout


@pytest.mark.parametrize("engine", ["spark", "polars", "sc:/here", "sc://", ""])
def test_an_engine_that_a_run_names_has_to_be_one(engine: str, tmp_path: Path) -> None:
    done = tallybook(workspace(tmp_path / "books"), "--engine", engine, "nightly", "--as-of", "2026-11-02")
    assert done.returncode == 2
    assert "sc://host:15002" in done.stderr


@pytest.mark.parametrize(
    "by", ["configuration", *(pytest.param(by, marks=pytest.mark.long) for by in ("option", "environment"))]
)
def test_a_server_that_is_not_there_is_told_in_one_line_and_nothing_is_lost(by: str, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="the client of Spark Connect is not installed")
    address = free_address()
    remote = f"{address}/;token={TOKEN}"
    config = f'{SPARK}remote = "{address}"\n' if by == "configuration" else ""
    books = workspace(tmp_path / "books", config=config)
    options = ("--engine", remote) if by == "option" else ()
    environment = {"TALLYBOOK_ENGINE": remote} if by == "environment" else {}
    failed = tallybook(books, *options, "nightly", "--as-of", "2026-11-02", env=environment)
    assert failed.returncode == 8
    assert failed.stderr.count("\n") == 1, failed.stderr
    assert address in failed.stderr
    assert "--engine duckdb" in failed.stderr
    assert TOKEN not in failed.stderr + failed.stdout
    done = tallybook(books, "--engine", "duckdb", "nightly", "--as-of", "2026-11-02")
    assert done.returncode == 0, done.stderr
    assert "draft-2026-10-acme" in done.stdout


@pytest.mark.long
def test_what_stands_behind_an_address_is_kept_nowhere(sail: str, tmp_path: Path) -> None:
    books = workspace(tmp_path / "books")
    remote = f"{sail}/;user_id={TOKEN}"  # a token needs TLS
    assert tallybook(books, "--engine", remote, "nightly", "--as-of", "2026-11-02").returncode == 0
    issued = tallybook(
        books, "--engine", remote, "invoice", "issue", "--period", "2026-10", "--yes", "--as-of", "2026-11-02"
    )
    assert issued.returncode == 0, issued.stderr
    for name in fingerprints(books):
        assert TOKEN.encode() not in (books / name).read_bytes(), name


@pytest.mark.long
def test_a_configured_server_counts_and_what_is_tried_is_counted_here(sail: str, tmp_path: Path) -> None:
    books = workspace(tmp_path / "books", config=f'{SPARK}remote = "{sail}"\n')
    assert tallybook(books, "nightly", "--as-of", "2026-11-02").returncode == 0
    assert not list((books / "lake" / "counted").glob("dates*/*"))  # what DuckDB keeps of each date
    assert tallybook(books, "try", str(books / "logs" / "a.jsonl")).returncode == 0
    assert tallybook(books, "verify").returncode == 0


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("sc://here:15002", "sc://here:15002"),
        ("sc://here:15002/", "sc://here:15002"),
        (f"sc://here:443/;token={TOKEN};use_ssl=true", "sc://here:443"),
        (f"sc://here:443;token={TOKEN}", "sc://here:443"),
        (f"sc://here:443/token={TOKEN}", "sc://here:443"),
    ],
)
def test_an_address_is_told_without_what_stands_behind_it(remote: str, address: str) -> None:
    assert address_of(remote) == address


@pytest.mark.parametrize("behind", [f"/{TOKEN}", f"/;{TOKEN}", f"/;token={TOKEN};{TOKEN}", f"/;user_id={TOKEN}=1"])
def test_what_is_wrong_behind_an_address_is_not_repeated(behind: str, sail: str, tmp_path: Path) -> None:
    done = tallybook(workspace(tmp_path / "books"), "--engine", sail + behind, "nightly", "--as-of", "2026-11-02")
    assert done.returncode in (0, 8)
    assert TOKEN not in done.stderr + done.stdout


def test_whoever_configures_a_server_without_its_client_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(on_spark, "version", missing)
    done = tallybook(workspace(tmp_path / "books", config=f'{SPARK}remote = "sc://here:15002"\n'), "usage")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "pip install 'tallybook[spark]'" in done.stderr
