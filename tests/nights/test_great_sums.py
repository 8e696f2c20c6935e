"""Sums of tokens are exact, or refused with whose they are: an older lake may hold counts of any size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from lake_nights import commit_night, used
from workspaces import make_workspace, tallybook

if TYPE_CHECKING:
    from pathlib import Path

HALF = 2**62
ACCOUNTS = "".join(
    f'[[accounts]]\nid = "{name}"\nname = "{name}"\nkeys = ["{key}"]\n'
    for name, key in (("acme", "key_a"), ("birke", "key_b"))
)
AS_OF = ("--as-of", "2026-12-01T00:00:00Z")


def books(folder: Path, *events: dict[str, Any]) -> Path:
    root = make_workspace(folder / "books", accounts=ACCOUNTS)
    commit_night(root, events)
    return root


@pytest.mark.long
@pytest.mark.parametrize(
    "events",
    [
        pytest.param(
            [used("10-01T10:00", "a", prompt_tokens=HALF + 1), used("10-01T11:00", "b", prompt_tokens=HALF)],
            id="an hour",
        ),
        pytest.param(
            [used("10-01T10:00", "a", prompt_tokens=HALF + 1), used("10-02T10:00", "b", prompt_tokens=HALF)], id="days"
        ),
        pytest.param(
            [used("10-01T10:00", "a", prompt_tokens=HALF + 1), used("11-02T10:00", "b", prompt_tokens=HALF)],
            id="months",
        ),
        pytest.param([used("10-01T10:00", "a", prompt_tokens=HALF + 1, completion_tokens=HALF)], id="one response"),
        pytest.param(
            [
                used("10-01T10:00", "a", prompt_tokens=HALF + 1, completion_tokens=HALF),
                used("10-01T10:00", "a", prompt_tokens=HALF + 1, completion_tokens=HALF),
            ],
            id="copies",
        ),
    ],
)
def test_a_sum_that_no_count_holds_is_refused_with_key_model_and_day(
    tmp_path: Path, events: list[dict[str, Any]]
) -> None:
    root = books(tmp_path, *events)
    for command in (
        ["nightly", *AS_OF],
        ["verify"],
        ["usage", "--by", "key"],
        ["invoice", "draft", "--period", "2026-10"],
    ):
        done = tallybook(root, *command)
        assert done.returncode == 1, command
        (line,) = done.stderr.splitlines()
        assert line.startswith("tallybook: tokens add up to "), command
        assert "of key key_a, model 'jamba-large', on 2026-10-01" in line
    assert not (root / "lake" / "usage_daily").exists()


@pytest.mark.long
def test_sums_over_all_accounts_are_exact_though_no_count_holds_them(tmp_path: Path) -> None:
    root = books(
        tmp_path,
        used("10-01T10:00", "a", prompt_tokens=HALF),
        used("10-02T10:00", "b", prompt_tokens=HALF, api_key_id="key_b"),
    )
    done = tallybook(root, "nightly", *AS_OF, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["billed_tokens"] == 2**63 + 6
    verified = tallybook(root, "verify", "--json")
    assert verified.returncode == 0
    assert f"{2**63 + 6} tokens = {2**63 + 6} charged" in verified.stdout
    assert tallybook(root, "usage", "--by", "model,meter", "-o", "csv").stdout.splitlines()[1:] == [
        "jamba-large,completion,6",
        f"jamba-large,prompt,{2**63}",
    ]
    (row,) = json.loads(tallybook(root, "usage", "--by", "model", "-o", "json").stdout)
    assert row["prompt_tokens"] == 2**63


@pytest.mark.long
def test_tokens_that_are_held_are_summed_exactly(tmp_path: Path) -> None:
    ahead = [used("12-24T10:00", name, prompt_tokens=HALF) for name in "ab"]
    root = books(tmp_path, used("10-01T10:00", "c"), *ahead)
    assert f"with {2**63 + 6} tokens are dated 2026-12-24" in tallybook(root, "nightly", *AS_OF).stderr
