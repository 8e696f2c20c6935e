"""A power cut after a command has ended takes nothing back of what it said, nor brings back what it removed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from faulty_os import POWER_CUTS, FaultyOs
from workspaces import append_log, make_workspace, plain, tallybook, write_log

from pipeline.base.periods import BillingPeriod
from pipeline.configuration.keys import key_secret
from pipeline.configuration.workspace import open_workspace
from pipeline.objects import bundle_files, disk
from pipeline.register import configurations, invoice_files, lost_commits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DURABLE = re.compile(
    r"acknowledged\.jsonl|metrics\.prom|rates/.*|key-secret.*|key-aliases/.*|received/.*"
    r"|invoices/lost_commits\.json|invoices/(register|payments|signatures|configurations)/.*"
    r"|invoices/[0-9-]+/[a-z]+\.csv"
    r"|lake/(usage_events|quarantine|forgotten|told|usage_daily|exchanges_daily|charges)/.*"
)
"""What is not made without waiting for the disk since it can be derived: documents of invoices, and kept counts."""
DERIVED = re.compile(r"lake/(usage_daily|exchanges_daily|charges)/|invoices/[0-9-]+/")
"""Of which manifests say what counts, and what a power cut brings back is swept by the next night."""
LOST_AT = datetime(2026, 11, 2, tzinfo=UTC)
RAW = "sk-made-up-000000000000000000000001"
METRICS = "metrics.prom"
LIFE: tuple[tuple[str, ...], ...] = (
    ("nightly", "--metrics-file", METRICS, "--as-of", "2026-10-02T08:00:00Z"),
    ("acknowledge", "unassigned", "key_b", "--reason", "known", "--as-of", "2026-10-02T09:00:00Z"),
    ("invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-02T10:00:00Z"),
    ("invoice", "paid", "INV-000001", "--as-of", "2026-10-03T08:00:00Z"),
    ("invoice", "void", "INV-000001", "--as-of", "2026-10-04T08:00:00Z"),
    ("collect", "-", "--source", "gateway", "--keep", "--as-of", "2026-10-05T08:00:00Z"),
    ("nightly", "--as-of", "2026-10-06T08:00:00Z"),
    ("keys", "rotate", "--as-of", "2026-10-07T08:00:00Z"),
    ("keys", "rotate", "--finish", "--force", "--as-of", "2026-10-09T08:00:00Z"),
    ("forget", "--before", "2026-09-03", "--with-uninvoiced", "--yes", "--as-of", "2026-10-10T08:00:00Z"),
)


def files_of(root: Path) -> dict[str, bytes]:
    """Every file but temporary ones, which no reader believes and the next run sweeps."""
    paths = [path for path in root.rglob("*") if path.is_file() and not disk.TEMPORARY_NAME.fullmatch(path.name)]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def durable(root: Path) -> dict[str, bytes]:
    return {name: content for name, content in files_of(root).items() if DURABLE.fullmatch(name)}


def cuts(fault: FaultyOs, into: Path) -> list[dict[str, bytes]]:
    into.mkdir()
    return [durable(fault.after_power_cut(into / name, survives)) for name, survives in POWER_CUTS.items()]


@pytest.mark.long
def test_no_command_of_a_life_is_taken_back_by_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_workspace(tmp_path / "books")
    lines = [
        plain(f"2026-09-0{day}T10:00:00Z", id=f"r-{day}", key=key) for day, key in enumerate(("key_a", "key_b"), 1)
    ]
    raw = plain("2026-09-04T10:00:00Z", id="r-4").replace('"api_key_id": "key_a"', f'"api_key": "{RAW}"')
    write_log(root, "l.jsonl", *lines, raw, "no line of a log")
    fault = FaultyOs(root)
    monkeypatch.setattr(disk, "os", fault)
    monkeypatch.chdir(root)
    seen: set[str] = set()
    for number, command in enumerate(LIFE):
        append_log(root, "l.jsonl", plain(f"2026-09-1{number % 10}T10:00:00Z", id=f"n-{number}"))
        words = [str(root / word) if word == METRICS else word for word in command]  # by which the disk knows it
        done = tallybook(root, *words, stdin=plain("2026-09-20T10:00:00Z", id="given") + "\n")
        assert done.returncode == 0, (command, done.stderr)
        now = durable(root)
        for left in cuts(fault, tmp_path / f"after-{number}"):
            assert {name for name, content in now.items() if left.get(name) != content} == set(), command
            assert {name for name in left.keys() - now.keys() if not DERIVED.match(name)} == set(), command
        seen |= now.keys()
    kinds = {name.rpartition("/")[0].partition("/date=")[0] or name for name in seen}
    assert {"acknowledged.jsonl", METRICS, "key-aliases", "lake/forgotten", "lake/told"} <= kinds
    assert {"invoices/register", "invoices/payments", "invoices/configurations", "received/gateway"} <= kinds


def by_an_engine(path: Path, content: bytes) -> None:
    with disk.replaced_by_another(path) as temporary:
        temporary.write_bytes(content)


WRITTEN: dict[str, Callable[[Path, bytes], object]] = {
    "a file": disk.replace_durably,
    "a document": invoice_files.write_document,
    "a file of a period": lambda path, content: invoice_files.write_period_files(
        path.parent, BillingPeriod(year=2026, month=10), {"invoices.csv": content}
    ),
    "what an engine wrote": by_an_engine,
    "a file of a bundle": lambda path, content: bundle_files.write_bundle(path.parent / "bundle", {"b": content}),
    "the secret of before": lambda path, content: key_secret.keep_old_secret(path.parent, content),
    "a new secret": lambda path, _: key_secret.create_key_secret(path.parent),
    "another secret": lambda path, _: key_secret.replace_key_secret(path.parent),
    "files of a configuration": lambda path, content: configurations.unpack({"rates/a.toml": content}, path.parent),
    "lost commits": lambda path, _: lost_commits.add_lost_commits(path.parent, ["0" * 64], now=LOST_AT),
}


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN.keys())
def test_what_is_written_whole_is_there_after_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], object]
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").write_bytes(b"old")
    fault = FaultyOs(root)
    monkeypatch.setattr(disk, "os", fault)
    write(root / "a", b"new")
    now = files_of(root)
    assert now != {"a": b"old"}
    for name, survives in POWER_CUTS.items():
        assert files_of(fault.after_power_cut(tmp_path / name, survives)) == now


PRICES = {"jamba": {"input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06}}


def test_files_that_people_named_are_there_after_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_workspace(tmp_path / "books")
    (root / "prices.json").write_text(json.dumps(PRICES))
    new = tmp_path / "new"
    new.mkdir()
    rates = ("rates", "import", "--from", f"litellm:{root}/prices.json", "--card", "new", "--model", "jamba=jamba")
    commands = {
        root / "rates" / "new.toml": (root, *rates, "--effective-from", "2026-01-01", "--apply"),
        root / "focus.csv": (root, "export", "focus", "--seller", "AI21", "--to", str(root / "focus.csv")),
        new / "tallybook.toml": (new, "init"),
    }
    for number, (path, (workspace, *words)) in enumerate(commands.items()):
        fault = FaultyOs(workspace)
        with monkeypatch.context() as patched:
            patched.setattr(disk, "os", fault)
            done = tallybook(workspace, *words)
        assert done.returncode == 0, done.stderr
        now = files_of(workspace)
        assert now.pop("tallybook.toml", b"")
        assert path.is_file()
        for name, survives in POWER_CUTS.items():
            left = files_of(fault.after_power_cut(tmp_path / f"{number} {name}", survives))
            assert left | now == left, (words, name)
            assert "tallybook.toml" in left


def test_metrics_of_a_night_are_there_after_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_workspace(tmp_path / "books")
    fault = FaultyOs(root)
    monkeypatch.setattr(disk, "os", fault)
    assert tallybook(root, "nightly", "--metrics-file", str(root / METRICS)).returncode == 0
    now = (root / METRICS).read_bytes()
    for name, survives in POWER_CUTS.items():
        assert (fault.after_power_cut(tmp_path / name, survives) / METRICS).read_bytes() == now != b""


def test_a_secret_that_was_destroyed_does_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    root.mkdir()
    key_secret.keep_old_secret(root, b"a secret of thirty-two bytes, ok!")
    fault = FaultyOs(root)
    monkeypatch.setattr(disk, "os", fault)
    assert key_secret.destroy_old_secret(root)
    for name, survives in POWER_CUTS.items():
        assert list(fault.after_power_cut(tmp_path / name, survives).iterdir()) == []


def test_a_configuration_that_documents_name_is_kept_durably(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = open_workspace(make_workspace(tmp_path / "books"))
    fault = FaultyOs(workspace.root)
    monkeypatch.setattr(disk, "os", fault)
    configurations.keep(workspace)
    for name, survives in POWER_CUTS.items():
        cut = fault.after_power_cut(tmp_path / name, survives)
        assert configurations.kept(cut, workspace.digest) == dict(workspace.files)


def test_what_a_dead_run_left_among_the_files_of_a_period_is_swept_when_they_are_written(tmp_path: Path) -> None:
    period = BillingPeriod(year=2026, month=10)
    folder = invoice_files.period_folder(tmp_path, period)
    left = [folder / name / ".tmp-1-0123456789abcdef" for name in (".", "INV-000001", "draft-2026-10-acme")]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    document, _ = invoice_files.invoice_file_names("INV-000001")
    invoice_files.write_period_files(tmp_path, period, {"invoices.csv": b"a", document: b"{}"})
    assert files_of(tmp_path).keys() == {"invoices/2026-10/invoices.csv", f"invoices/2026-10/{document}"}
    assert [path for path in left if path.exists()] == []
    assert not left[2].parent.exists()


def test_a_draft_that_changes_has_a_document_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    period = BillingPeriod(year=2026, month=10)
    document, _ = invoice_files.invoice_file_names("draft-2026-10-acme")
    path = invoice_files.period_folder(tmp_path, period) / document
    invoice_files.write_period_files(tmp_path, period, {document: b"old"})
    path.with_suffix(".html").write_text("rendered of the old one")
    seen: set[bytes] = set()

    class Watching(FaultyOs):
        def _count(self, name: str, arguments: tuple[Any, ...]) -> None:
            super()._count(name, arguments)
            seen.add(path.read_bytes())

    watching = Watching(tmp_path)
    monkeypatch.setattr(disk, "os", watching)
    invoice_files.write_period_files(tmp_path, period, {document: b"new"})
    assert watching.calls > 3
    assert seen == {b"old"}, "until the last call, which puts the new one in its place"
    assert files_of(tmp_path) == {f"invoices/2026-10/{document}": b"new"}
