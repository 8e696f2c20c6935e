"""Issuing, voiding, crediting and recording payments die at any call to the disk, and run again they are finished."""

from __future__ import annotations

import shutil
from itertools import count
from typing import TYPE_CHECKING

import pytest
from faulty_os import POWER_CUTS, Died, FaultyOs, Recording
from workspaces import fingerprints, make_workspace, plain, tallybook, write_log

from pipeline import register
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.invoices import books
from pipeline.jobs.state.aggregate import aggregate
from pipeline.objects import disk
from pipeline.register import configurations
from pipeline.register.payments import read_payments

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.jobs.state.aggregate import Aggregate

ACCOUNTS = "".join(f'[[accounts]]\nid = "{name}"\nname = "{name}"\nkeys = ["key_{name}"]\n' for name in "ab")
ISSUE = ("invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
PART = ("--line", "1", "--amount", "0.50", "--reason", "outage")
CREDIT = ("invoice", "credit", "INV-000001", *PART, "--as-of", "2026-11-03")
VOID = ("invoice", "void", "INV-000001", "--as-of", "2026-11-03")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("night") / "books", accounts=ACCOUNTS)
    write_log(root, "l.jsonl", *(plain("2026-10-05T10:00:00Z", id=name, key=f"key_{name}") for name in "ab"))
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    return root


@pytest.fixture(scope="module")
def issued(night: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = shutil.copytree(night, tmp_path_factory.mktemp("issued") / "books")
    assert tallybook(root, *ISSUE).returncode == 0
    return root


@pytest.fixture
def counted_once(night: Path, monkeypatch: pytest.MonkeyPatch) -> Aggregate:
    """What every run counts anew is the same in each, and is counted once: these tests are about what is written."""
    built = aggregate(open_workspace(night))
    monkeypatch.setattr(books, "aggregate", lambda *_, **__: built)
    return built


@pytest.mark.usefixtures("counted_once")
def test_no_document_ever_names_a_configuration_that_is_not_kept(
    night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = Recording(shutil.copytree(night, tmp_path / "undisturbed"))
    with monkeypatch.context() as patched:
        patched.setattr(disk, "os", recording)
        assert tallybook(recording.root, *ISSUE).returncode == 0
    frozen = []
    for step in [step for step, path in recording.durable.items() if "/invoices/register/" in path][:1]:
        root = shutil.copytree(night, tmp_path / f"step-{step}")
        with monkeypatch.context() as patched:
            patched.setattr(disk, "os", FaultyOs(root, die_at=step + 1))
            with pytest.raises(Died):
                tallybook(root, *ISSUE)
        frozen += register.read(root)
        assert [configurations.kept(root, each["configuration_sha256"]).keys() for each in frozen]
    assert [each["invoice_id"] for each in frozen] == ["INV-000001"]


@pytest.mark.long
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(ISSUE, id="issue", marks=pytest.mark.slow),
        pytest.param(VOID, id="void"),
        pytest.param(CREDIT, id="credit", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    ("cut", "step"), [(None, 8), *(pytest.param(each, 1, marks=pytest.mark.slow) for each in (None, *POWER_CUTS))]
)
@pytest.mark.usefixtures("counted_once")
def test_what_died_at_any_call_to_the_disk_is_finished_by_running_it_again(
    command: tuple[str, ...],
    cut: str | None,
    step: int,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = request.getfixturevalue("night" if command is ISSUE else "issued")
    tmp_path = request.getfixturevalue("tmp_path")
    undisturbed = shutil.copytree(before, tmp_path / "undisturbed")
    assert tallybook(undisturbed, *command).returncode == 0
    expected = files(undisturbed)
    numbers = set()
    for die_at in count(1, step):
        root = shutil.copytree(before, tmp_path / f"death-{die_at}")
        fault = FaultyOs(root, die_at=die_at)
        with monkeypatch.context() as disturbed:
            disturbed.setattr(disk, "os", fault)
            try:
                tallybook(root, *command)
                break
            except Died:
                fault.revive()
            if cut is not None:
                root = fault.after_power_cut(tmp_path / f"cut-{die_at}", POWER_CUTS[cut])
        numbers.add(len(register.read(root)))
        again = tallybook(root, *command)
        assert again.returncode == 0, again.stderr
        assert files(root) == expected
        shutil.rmtree(root)
    frozen_before, frozen_after = len(register.read(before)), len(register.read(undisturbed))
    assert numbers == set(range(frozen_before, frozen_after + 1)), "it died before, between and after its entries"


def test_a_payment_whose_run_died_at_any_call_to_the_disk_is_recorded_once_by_running_it_again(
    issued: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = ("invoice", "paid", "INV-000001", "--on", "2026-11-10", "--amount", "0.50", "--as-of", "2026-12-01")
    outcomes = set()
    for die_at in count(1):
        root = shutil.copytree(issued, tmp_path / f"death-{die_at}")
        with monkeypatch.context() as disturbed:
            fault = FaultyOs(root, die_at=die_at)
            disturbed.setattr(disk, "os", fault)
            try:
                tallybook(root, *part)
                break
            except Died:
                fault.revive()
            root = fault.after_power_cut(tmp_path / f"cut-{die_at}", POWER_CUTS["no name survives"])
        outcomes.add(len(read_payments(root)))
        assert tallybook(root, *part).returncode == 0
        assert [(each.number, str(each.amount)) for each in read_payments(root)] == [(1, "0.50")]
    assert outcomes == {0, 1}


def files(root: Path) -> dict[str, str]:
    """Return what counts: temporary files of the dead are swept by the next night."""
    return {name: found for name, found in fingerprints(root / "invoices").items() if ".tmp-" not in name}
