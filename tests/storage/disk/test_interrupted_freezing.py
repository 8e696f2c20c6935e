"""Issuing, voiding, crediting and recording payments die at any call to the disk, and run again they are finished."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from deaths_on_disk import AT_EVERY_CALL, deaths, finished_by_a_rerun
from faulty_os import Died, FaultyOs, Recording
from two_invoices import ISSUE
from workspaces import fingerprints, tallybook

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

PART = ("--line", "1", "--amount", "0.50", "--reason", "outage")
CREDIT = ("invoice", "credit", "INV-000001", *PART, "--as-of", "2026-11-03")
VOID = ("invoice", "void", "INV-000001", "--as-of", "2026-11-03")


@pytest.fixture
def counted_once(drafted: Path, monkeypatch: pytest.MonkeyPatch) -> Aggregate:
    """What every run counts anew is the same in each, and is counted once: these tests are about what is written."""
    built = aggregate(open_workspace(drafted))
    monkeypatch.setattr(books, "aggregate", lambda *_, **__: built)
    return built


@pytest.mark.long
@pytest.mark.usefixtures("counted_once")
def test_no_document_ever_names_a_configuration_that_is_not_kept(
    drafted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = Recording(shutil.copytree(drafted, tmp_path / "undisturbed"))
    with monkeypatch.context() as patched:
        patched.setattr(disk, "os", recording)
        assert tallybook(recording.root, *ISSUE).returncode == 0
    frozen = []
    for step in [step for step, path in recording.durable.items() if "/invoices/register/" in path][:1]:
        root = shutil.copytree(drafted, tmp_path / f"step-{step}")
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
@pytest.mark.parametrize(("cut", "step"), [(None, 8), *AT_EVERY_CALL])
@pytest.mark.usefixtures("counted_once")
def test_what_died_at_any_call_to_the_disk_is_finished_by_running_it_again(
    command: tuple[str, ...], cut: str | None, step: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    before = request.getfixturevalue("drafted" if command is ISSUE else "issued")
    numbers = finished_by_a_rerun(
        before,
        lambda root: tallybook(root, *command),
        at_rest=files,
        fact=lambda root: len(register.read(root)),
        folder=tmp_path,
        cut=cut,
        step=step,
    )
    frozen_before, frozen_after = (len(register.read(root)) for root in (before, tmp_path / "undisturbed"))
    assert numbers == set(range(frozen_before, frozen_after + 1)), "it died before, between and after its entries"


@pytest.mark.long
def test_a_payment_whose_run_died_at_any_call_to_the_disk_is_recorded_once_by_running_it_again(
    issued: Path, tmp_path: Path
) -> None:
    part = ("invoice", "paid", "INV-000001", "--on", "2026-11-10", "--amount", "0.50", "--as-of", "2026-12-01")
    outcomes = set()
    for death in deaths(
        lambda die_at: shutil.copytree(issued, tmp_path / f"death-{die_at}"), lambda root: tallybook(root, *part)
    ):
        root = death.after("no name survives")
        outcomes.add(len(read_payments(root)))
        assert tallybook(root, *part).returncode == 0
        assert [(each.number, str(each.amount)) for each in read_payments(root)] == [(1, "0.50")]
    assert outcomes == {0, 1}


def files(root: Path) -> dict[str, str]:
    """Return what counts: temporary files of the dead are swept by the next night."""
    return {name: found for name, found in fingerprints(root / "invoices").items() if ".tmp-" not in name}
