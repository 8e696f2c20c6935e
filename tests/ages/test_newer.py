"""What a newer program wrote is refused with the advice to upgrade, never read by half, called damaged or touched."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lived import RAW_KEY, SECRET, WORKSPACES, by_raw_key, run
from workspaces import fingerprints, tallybook, write_log

import pipeline
from pipeline.invoicing.rules import NEWEST
from pipeline.objects import append_log, layout
from pipeline.usage.events import LAKE_VERSION_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = Path(pipeline.__file__).parent
IN_NO_WORKSPACE = {
    "tallybook-lost-commits/1": "a workspace that lost commits cannot be recomputed",
    "tallybook-acknowledged/1": "a line without a format is of the first",
}
"""Formats of which no workspace has a file, each with the reason."""
LATER = {"something": "that only a later program knows"}


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return shutil.copytree(WORKSPACES / "lake-5", tmp_path / "books")


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a file, and the seal that it has, as whoever wrote it otherwise would have."""
    document = json.loads(path.read_bytes())
    change(document)
    if "sealSha256" not in document:
        path.write_text(json.dumps(document))
        return
    document["sealSha256"] = append_log.UNSEALED
    path.write_bytes(append_log.seal(json.dumps(document, indent=1).encode()))


def last_of(folder: Path) -> Path:
    return max(folder.glob("*.json"))


def of_later_format(path: Path, kind: str) -> None:
    rewrite(path, lambda document: document.update(LATER, format=f"tallybook-{kind}/2"))


def a_document(books: Path) -> None:
    of_later_format(last_of(layout.register(books)), "invoice")


def rules(books: Path) -> None:
    rewrite(last_of(layout.register(books)), lambda document: document.update(rules=int(NEWEST) + 1))


def a_payment(books: Path) -> None:
    of_later_format(last_of(layout.payments(books)), "payment")


def a_signature(books: Path) -> None:
    of_later_format(last_of(layout.signatures(books)), "signature")


def a_configuration(books: Path) -> None:
    with (books / "accounts.toml").open("a") as accounts:
        accounts.write("# so that the kept one is asked\n")
    of_later_format(last_of(layout.configurations(books)), "configuration")


def lost_commits(books: Path) -> None:
    layout.lost_commits(books).write_text(json.dumps({"format": "tallybook-lost-commits/2", **LATER}))


def acknowledged(books: Path) -> None:
    with (books / "acknowledged.jsonl").open("a") as lines:
        lines.write(json.dumps({"format": "tallybook-acknowledged/2", **LATER}) + "\n")


def key_aliases(books: Path) -> None:
    (books / "key-secret").write_text(SECRET)
    (books / "key-secret").chmod(0o600)
    assert tallybook(books, "keys", "rotate").returncode == 0
    of_later_format(last_of(layout.key_aliases(books)), "key-aliases")
    write_log(books, "later.jsonl", by_raw_key("2026-05-02T11:00:00Z", "may-2", 200_000, 2_000))


def the_lake(books: Path) -> None:
    path = max(layout.delta_log(books / "lake").glob("*.json"))
    actions = [json.loads(line) for line in path.read_text().splitlines()]
    actions[0]["commitInfo"] |= {"sealSha256": append_log.UNSEALED, "operation": "ADD COLUMNS", **LATER}
    actions.append({"metaData": {"configuration": {"tallybook.lakeVersion": str(LAKE_VERSION_MAX + 1)}}})
    path.write_bytes(append_log.seal("".join(f"{json.dumps(each)}\n" for each in actions).encode()))


NIGHT = "nightly --as-of 2026-06-01T03:00:00Z"
ON_INVOICES = (NIGHT, "verify", "invoice list", "recompute INV-000001", "invoice issue --period 2026-04")
KINDS = {
    "a document": (
        a_document,
        ON_INVOICES,
    ),
    "rules": (rules, ON_INVOICES),
    "a payment": (a_payment, ("verify", "invoice list", "invoice paid INV-000005")),
    "a signature": (a_signature, ("verify --key {key}",)),
    "a configuration": (a_configuration, ("recompute INV-000001", "explain INV-000001 1")),
    "lost commits": (lost_commits, ("verify",)),
    "acknowledged": (acknowledged, (NIGHT, "acknowledge unassigned key_of_nobody --reason again")),
    "key aliases": (key_aliases, (NIGHT, "collect", "keys id", "keys rotate --finish")),
    "the lake": (the_lake, (NIGHT, "collect", "verify", "usage", "recompute INV-000001")),
}


def test_every_format_that_the_program_knows_is_tried_in_a_later_version() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in PROGRAM.rglob("*.py"))
    known = set(re.findall(r'^_?[A-Z_]*FORMAT = "tallybook-([a-z-]+)/[0-9]+"$', source, re.MULTILINE))
    tried = Path(__file__).read_text(encoding="utf-8")
    assert "payment" in known
    for kind in known:
        assert f', "{kind}")' in tried or f'"tallybook-{kind}/2"' in tried, f"add {kind} to KINDS"


def test_every_format_that_the_program_writes_is_in_a_workspace_of_before() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in PROGRAM.rglob("*.py"))
    known = set(re.findall(r'^_?[A-Z_]*FORMAT = "(tallybook-[a-z-]+/[0-9]+)"$', source, re.MULTILINE))
    kept = [path.read_bytes() for path in WORKSPACES.rglob("*.json*")]
    missing = {each for each in known - IN_NO_WORKSPACE.keys() if not any(each.encode() in text for text in kept)}
    assert not missing, "keep a workspace of the program before a format was raised; tests/ages/golden/README.md"


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_refused_with_the_advice_to_upgrade_and_nothing_is_touched(books: Path, kind: str) -> None:
    change, commands = KINDS[kind]
    change(books)
    before = fingerprints(books)
    key = WORKSPACES.parent / "signer-of-lake-5.pem"
    for command in commands:
        arguments = [key if each == "{key}" else each for each in command.split()]
        if kind == "key aliases":
            found = tallybook(books, *map(str, arguments), stdin=RAW_KEY)
        else:
            found = run(books, *map(str, arguments))
        assert found.returncode == 2, (command, found.stdout, found.stderr)
        assert "upgrade Tallybook" in found.stderr, (command, found.stderr)
        assert "restore" not in found.stderr
        assert "damaged" not in found.stderr
    assert fingerprints(books) == before


@pytest.mark.long
@pytest.mark.parametrize("table", ["usage_daily", "exchanges_daily", "charges", "counted/dates", "counted/periods"])
def test_what_can_be_derived_is_derived_again_or_is_to_be_removed(books: Path, table: str) -> None:
    assert run(books, *NIGHT.split()).returncode == 0
    manifest = books / "lake" / table / "_manifest.json"
    before = manifest.read_bytes()
    rewrite(manifest, lambda document: document.update(LATER))
    done = run(books, *NIGHT.split())
    if not table.startswith("counted"):
        assert done.returncode == 1
        assert f"remove the folder {manifest.parent} and run the command again" in done.stderr
        shutil.rmtree(manifest.parent)
        done = run(books, *NIGHT.split())
    assert done.returncode == 0, done.stderr
    assert manifest.read_bytes() == before


@pytest.mark.long
def test_what_a_later_night_told_is_new_once_more(books: Path) -> None:
    (books / "lake" / "told" / "warnings.json").write_text(json.dumps({"format": "tallybook-told/2", **LATER}))
    assert run(books, *NIGHT.split()).returncode == 0
    assert json.loads((books / "lake" / "told" / "warnings.json").read_text())["warnings"]
