"""The export of FOCUS 1.2 before the validator of those who write the specification.

It has its own environment, since it wants older libraries than we do: ``FOCUS_VALIDATOR`` names the program, else it is
looked for on the path (``docs/focus.md`` says how to install it). Without it, these tests are skipped and say so.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from workspaces import tallybook

CASE = Path(__file__).parents[1] / "golden/commands/focus_rows_add_up_to_each_invoice_with_all_its_kinds_of_lines"
CRITERIA = (
    "ACCOUNT_NAMING_SUPPORTED",
    "NEGOTIATED_PRICING_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED",
    "TAGGING_SUPPORTED",
)
"""What we support of what the specification lets a provider leave out."""
MISJUDGED = {
    r"InvoiceId-C-004-C": "it wants no invoice id on any row; the rule's text: where there is no invoice",
    r"EffectiveCost-C-005-C": "it wants 0 for every purchase; the rule's text: one that covers future charges",
    r"ConsumedQuantity-C-00[03456]-C": "it looks into CommitmentDiscountStatus, which who has no such discounts omits",
    r"PricingCurrency\w+-C-\d+-[MC]|CostAndUsage-D-0(4[678]|5[0-6])-C": (
        "it wants prices in another currency of all who publish prices; the rule's text: who bills in a virtual one"
    ),
}
"""Rules of version 2.2.1 that are not what their own text says, and why."""


def judged(data: Path) -> dict[str, bool]:
    """Return whether each rule that was looked at holds, by its id."""
    program = os.environ.get("FOCUS_VALIDATOR") or shutil.which("focus-validator")
    if not program:
        pytest.skip("focus-validator is not installed; FOCUS_VALIDATOR may name it")
    python = Path(program).with_name("python")
    found = subprocess.run(
        [python, "-c", "import focus_validator as f; print(f.__file__)"], capture_output=True, text=True, check=True
    )
    done = subprocess.run(
        [
            *(program, "--data-file", data, "--validate-version", "1.2", "--block-download"),
            *("--focus-dataset", "CostAndUsage", "--applicability-criteria", ",".join(CRITERIA)),
        ],
        cwd=Path(found.stdout.strip()).parents[1],  # it looks for its own files below the working folder
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    verdicts = re.findall(r"^\S+ ([\w-]+): (PASS|FAIL)\b", done.stdout, re.MULTILINE)
    assert verdicts, done.stdout + done.stderr
    return {rule: verdict == "PASS" for rule, verdict in verdicts}


def refused(verdicts: dict[str, bool]) -> set[str]:
    """Return the rules that do not hold, but for those that are misjudged."""
    return {
        rule
        for rule, holds in verdicts.items()
        if not holds and not any(re.fullmatch(each, rule) for each in MISJUDGED)
    }


@pytest.mark.slow
def test_the_official_validator_finds_nothing_that_the_specification_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = shutil.copytree(CASE, tmp_path / "books")
    monkeypatch.chdir(books)  # the case has commands that write where they are run
    for step in tomllib.loads((CASE / "steps.toml").read_text(encoding="utf-8"))["steps"]:
        for name, given in step.get("put", {}).items():
            shutil.copyfile(CASE / given, books / name)
        assert tallybook(books, *shlex.split(step["run"])).returncode == 0
    exported = tmp_path / "focus.parquet"
    assert tallybook(books, "export", "focus", "-o", "parquet", "--to", str(exported)).returncode == 0
    verdicts = judged(exported)
    assert refused(verdicts) == set()
    assert sum(verdicts.values()) > 190
    unbilled = tmp_path / "without_billed_cost.parquet"
    pq.write_table(pq.read_table(exported).drop_columns(["BilledCost"]), unbilled)
    assert any(rule.startswith("BilledCost") for rule in refused(judged(unbilled)))
