"""docs/scale.md is followed as it is written: configuration and commands, with Sail and a store on the loopback."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from servers import s3_endpoint, sail
from stored_objects import put
from workspaces import fingerprints, make_workspace, plain, tallybook

from pipeline.base.resources import sample_folder
from pipeline.configuration.workspace import open_workspace
from pipeline.objects.mounted.addresses import StoreUrls, tell
from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["s3_endpoint", "sail"]
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^#{2,3} (?P<title>[^\n]*)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NIGHT = ("nightly", "--as-of", "2026-11-02")
OF_PAGE = "sc://spark.internal:15002"


def blocks(title: str, language: str) -> list[str]:
    """Return the blocks of a language below a heading, in their order."""
    found, under = [], ""
    for each in BLOCK.finditer(PAGE):
        if each["title"] is not None:
            under = each["title"]
        elif (under, each["language"]) == (title, language):
            found.append(each["text"])
    assert found, f"{title} has no {language}"
    return found


@pytest.fixture
def stores(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The buckets of the page, empty, and an environment that reaches them."""
    given = {"AWS_ENDPOINT_URL": s3_endpoint, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    for name, value in (given | {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}).items():
        monkeypatch.setenv(name, value)
    for name in ("acme-billing", "acme-logs", "acme-reports", "books"):
        with urllib.request.urlopen(urllib.request.Request(f"{s3_endpoint}/{name}", method="PUT")):  # noqa: S310
            pass
        emptied = ObjectStore(f"s3://{name}")
        for each in list(emptied.list("")):
            emptied.remove(each.key)
    yield
    tell(StoreUrls())


def sample(root: Path, configuration: str = "") -> Path:
    """Make the sample workspace, with what the page says in its configuration."""
    shutil.copytree(sample_folder(), root)
    configured(root, configuration)
    return root


def configured(root: Path, configuration: str) -> str:
    """Add what the page says to a configuration, a table that is there already included; return what it was."""
    config = root / "tallybook.toml"
    before = text = config.read_text(encoding="utf-8")
    if "[invoices]\n" in text and "[invoices]\n" in configuration:
        configuration, _, of_invoices_alone = configuration.partition("[invoices]\n")
        text = text.replace("[invoices]\n", f"[invoices]\n{of_invoices_alone}")
    config.write_text(f"{text}\n{configuration}", encoding="utf-8")
    return before


def done(root: Path, *arguments: str) -> str:
    ended = tallybook(root, *arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def of_invoices(root: Path) -> dict[str, str]:
    found = {
        name: each for name, each in fingerprints(root).items() if name.startswith("invoices/") and "/." not in name
    }
    assert found
    return found


def shell(commands: str, folder: Path, **environment: str) -> str:
    """Run commands of the page by a shell that ends at the first that fails, and return what they print."""
    beside = Path(sys.executable).parent
    given = os.environ | {"PATH": f"{beside}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)} | environment
    ended = subprocess.run(["sh", "-euc", commands], cwd=folder, env=given, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_every_table_of_configuration_is_one_that_is_read(tmp_path: Path) -> None:
    titles = ("Counting on a server", "Collecting on workers", "Workers that write", "The lake on object storage")
    for number, title in enumerate(titles):
        root = make_workspace(tmp_path / str(number))
        (text,) = blocks(title, "toml")
        config = root / "tallybook.toml"
        config.write_text(f"{config.read_text(encoding='utf-8')}\n{text}", encoding="utf-8")
        settings = open_workspace(root).settings if "url" not in text else None
        assert settings is None or settings.engine.remote == OF_PAGE
    source, every = blocks("Logs on object storage", "toml")
    settings = open_workspace(make_workspace(tmp_path / "logs", config=source + every)).settings
    assert [each.full_listing_days for each in settings.sources] == [7]


@pytest.mark.parametrize("title", ["Counting on a server", "Collecting on workers", "Workers that write"])
def test_a_night_on_a_server_as_the_page_configures_it_ends_in_the_same_invoices(
    title: str, sail: str, tmp_path: Path
) -> None:
    here = sample(tmp_path / "here")
    (text,) = blocks(title, "toml")
    there = sample(tmp_path / "there", text.replace(OF_PAGE, sail))
    for root in (here, there):
        done(root, *NIGHT)
    assert of_invoices(there) == of_invoices(here)
    assert "FAIL" not in done(there, "--engine", "duckdb", "verify")


@pytest.mark.usefixtures("stores")
def test_a_lake_that_lies_where_the_page_says_ends_in_the_same_invoices(tmp_path: Path) -> None:
    here = sample(tmp_path / "here")
    (text,) = blocks("The lake on object storage", "toml")
    there = sample(tmp_path / "there", text)
    done(here, *NIGHT)
    _, region, command = blocks("The lake on object storage", "sh")[0].splitlines()
    shell(f"{region}\n{command} --as-of 2026-11-02", there.parent, TALLYBOOK_WORKSPACE=str(there))
    assert of_invoices(there) == of_invoices(here) | {
        name: each for name, each in of_invoices(there).items() if name.endswith("tallybook.toml")
    }
    shutil.rmtree(there / "lake")
    done(there, "verify")


@pytest.mark.usefixtures("stores")
def test_moving_there_and_back_by_the_commands_of_the_page_keeps_every_file(tmp_path: Path) -> None:
    if shutil.which("aws") is None:
        pytest.skip("the command line of AWS is not installed")
    root = sample(tmp_path / "data")
    done(root, *NIGHT)
    done(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02", "--account", "aurora")
    done(root, *NIGHT)
    before, listed = fingerprints(root), done(root, "invoice", "list")
    there, back = blocks("Moving there, and back", "sh")
    shell(_of_what_is_there(there, root), tmp_path)
    alone = configured(root, blocks("The lake on object storage", "toml")[0])
    done(root, "verify")
    shutil.rmtree(root / "lake")
    assert done(root, "invoice", "list") == listed
    (copied,) = re.findall(r"`(aws s3 sync data/invoices s3://acme-reports[^`]*)`", PAGE)
    shell(copied, tmp_path)
    reported = [each.key for each in ObjectStore("s3://acme-reports/invoices").list("")]
    assert any(key.endswith(".csv") for key in reported)
    assert not any(key.startswith(("register/", "configurations/", ".")) for key in reported)
    (root / "tallybook.toml").write_text(alone, encoding="utf-8")
    shell(_of_what_is_there(back, root), tmp_path, TALLYBOOK_WORKSPACE=str(root))
    done(root, *NIGHT)
    assert {name: each for name, each in fingerprints(root).items() if name in before and "/counted/" not in name} == {
        name: each for name, each in before.items() if "/counted/" not in name
    }


def _of_what_is_there(commands: str, root: Path) -> str:
    """Leave out the commands for a key secret that was rotated, where it was not."""
    is_rotated = (root / "key-aliases").exists()
    return "\n".join(
        line for line in commands.splitlines() if is_rotated or "where the key secret was rotated" not in line
    )


@pytest.mark.usefixtures("stores")
def test_logs_under_the_glob_of_the_page_are_collected(tmp_path: Path) -> None:
    source, every = blocks("Logs on object storage", "toml")
    put("s3://acme-logs/gateway/2026/10/05.jsonl", f"{plain('2026-10-05T10:00:00Z', id='r1')}\n".encode())
    put(
        "s3://acme-logs/gateway/2026/10/05.jsonl.gz",
        gzip.compress(f"{plain('2026-10-05T10:00:00Z', id='r2')}\n".encode()),
    )
    root = make_workspace(tmp_path / "books", config=source + 'format = "request-log"\n' + every)
    assert "collected 1 new line from 1 of 1 log" in done(root, "collect", "--as-of", "2026-11-02")
    for arguments in (
        ("explain", "--source", "s3://acme-logs/gateway/2026/10/05.jsonl.gz", "--line", "1"),
        ("verify", "--logs"),
        ("doctor",),
        ("try", "s3://acme-logs/gateway/2026/10/05.jsonl", "--source", "gateway"),
    ):
        done(root, *arguments)


@pytest.mark.usefixtures("stores")
def test_what_is_to_be_tried_on_this_machine_runs_as_it_is_written(s3_endpoint: str, sail: str, tmp_path: Path) -> None:
    installed, first, server, of_store, of_workers = blocks("Trying it on this machine", "sh")
    for line in (*installed.splitlines(), *server.splitlines()):
        name = line.split()[0]
        assert name == "pip" or shutil.which(name, path=Path(sys.executable).parent), f"{name} is not installed"
    root = sample(tmp_path / "data")
    shell(first.replace("sc://127.0.0.1:50051", sail), tmp_path, TALLYBOOK_WORKSPACE=str(root))
    at_hand = of_store.replace("http://127.0.0.1:5001", s3_endpoint)
    shell(at_hand, tmp_path)
    lake = ObjectStore("s3://books/lake")
    assert lake.find("usage_events/_delta_log/00000000000000000000.json") is not None
    before = {each.key for each in lake.list("usage_events")}
    exported = dict(re.findall(r"(TALLYBOOK_\w+)=(\S+)", of_store))
    printed = shell(of_workers.replace("sc://127.0.0.1:50051", sail), tmp_path, **exported)
    assert "collected 1 new line from 1 of 3 logs" in printed
    assert "FAIL" not in printed
    assert "not written for this commit" not in printed  # it was compared
    assert any(each.endswith(".parquet") for each in {each.key for each in lake.list("usage_events")} - before)
