"""The pipeline against the oracle, on random logs: cent for cent, count for count."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from compare import assert_same
from oracle import bill
from random_logs import make_workspace
from workspaces import tallybook

SAMPLE = Path(__file__).parents[3] / "data"
AS_OF = ("--as-of", "2026-12-05T00:00:00Z")


def night_and_verify(workspace: Path) -> dict[str, object]:
    night = tallybook(workspace, "nightly", *AS_OF)
    assert night.returncode == 0, night.stderr
    verified = tallybook(workspace, "verify", "--json")
    assert verified.returncode == 0, verified.stdout
    document: dict[str, object] = json.loads(verified.stdout)
    return document


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1))
def test_random_logs_are_billed_as_the_oracle_bills_them(tmp_path: Path, seed: int) -> None:
    workspace = tmp_path / "books"
    make_workspace(workspace, seed, lines=600)
    document = night_and_verify(workspace)
    assert_same(workspace, bill(workspace), document)


@pytest.mark.long
def test_the_sample_is_billed_as_the_oracle_bills_it(tmp_path: Path) -> None:
    workspace = tmp_path / "books"
    for name in ("rates", "logs"):
        shutil.copytree(SAMPLE / name, workspace / name)
    for name in ("tallybook.toml", "accounts.toml"):
        shutil.copy(SAMPLE / name, workspace / name)
    document = night_and_verify(workspace)
    assert_same(workspace, bill(workspace), document)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(1, 6), *range(100, 140)])
def test_many_more_random_logs_are_billed_as_the_oracle_bills_them(tmp_path: Path, seed: int) -> None:
    workspace = tmp_path / "books"
    make_workspace(workspace, seed, lines=2_000)
    document = night_and_verify(workspace)
    assert_same(workspace, bill(workspace), document)
