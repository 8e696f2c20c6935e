"""What decides a cost is found for rows of usage daily where counting all events by both cards finds the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pytest
from workspaces import account, make_workspace, plain, tallybook, write_log

from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.grouped import costed
from pipeline.jobs.answers.grouped.cost_rates import with_cost_rates
from pipeline.jobs.answers.grouped.costed import cost_card_of
from pipeline.jobs.state.aggregate import current_marts
from pipeline.lake.derived import USAGE_DAILY

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from pipeline.configuration.workspace import Workspace

ACCOUNTS = account("acme", "key_a", timezone="{zone}") + account("beta", "key_b")
STANDARD = """
id = "standard"
currency = "USD"
[aliases]
"large" = "jamba-large"
[[rates]]
model = "jamba-large"
effective_to = 2026-10-10T12:00:00Z
prompt = 2.00
completion = 8.00
reasoning = 9.00
[[rates]]
model = "jamba-large"
effective_from = 2026-10-10T12:00:00Z
prompt = 2.50
completion = 8.00
reasoning = 9.00
[[rates]]
model = "jamba-large"
above_prompt_tokens = 200_000
prompt = 4.00
completion = 8.00
reasoning = 9.00
"""
COST = """
id = "cost"
currency = "USD"
[aliases]
"large" = "jamba-large"
[[rates]]
model = "jamba-large"
effective_to = 2026-10-20T00:00:00Z
prompt = 1.00
completion = 4.00
{more}
[[rates]]
model = "jamba-large"
effective_from = 2026-10-20T00:00:00Z
prompt = 1.20
completion = 4.00
[[rates]]
model = "jamba-large"
above_prompt_tokens = 200_000
prompt = 1.50
completion = 4.00
[[rates]]
model = "jamba-large"
service_tier = "batch"
prompt = 0.50
completion = 2.00
[[rates]]
model = "jamba-mini"
effective_from = 2026-10-15
prompt = 0.10
completion = 0.20
"""


def opened(root: Path, *, zone: str = "UTC", cost: str = COST, more: str = "") -> Workspace:
    make_workspace(
        root,
        config='cost_card = "cost"\n',
        accounts=ACCOUNTS.format(zone=zone),
        cards={"standard": STANDARD, "cost": cost.format(more=more)},
    )
    lines = [
        plain(
            f"2026-10-{day:02}T{hour}:30:00Z",
            id=f"{day}{hour}{key}{model}",
            key=key,
            prompt=prompt,
            completion=7,
            model=model,
        )
        for day in (9, 10, 14, 15, 19, 20)
        for hour in ("01", "23")
        for key in ("key_a", "key_b", "key_z")
        for model, prompt in (("jamba-large", 100_000), ("large", 300_000), ("jamba-mini", 10), ("jamba-new", 10))
        if key != "key_z" or prompt == 10  # of a key in no account, no sizes of prompts are told apart
    ]
    write_log(root, "a.jsonl", *lines)
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    return open_workspace(root, now=datetime(2026, 11, 1, tzinfo=UTC))


def in_order(usage: pa.Table) -> pa.Table:
    return usage.sort_by([(name, "ascending") for name in usage.schema.names])


def by_events(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> pa.Table:
    with monkeypatch.context() as patch:
        patch.setattr(costed, "with_cost_rates", lambda *_: None)
        return costed.usage_by_cost_rate(workspace)


@pytest.mark.long
def test_rows_of_usage_daily_get_the_rates_that_events_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = opened(tmp_path / "books")
    found = with_cost_rates(current_marts(workspace, [USAGE_DAILY])[USAGE_DAILY], workspace, cost_card_of(workspace))
    assert found is not None
    assert in_order(found) == in_order(by_events(workspace, monkeypatch))
    assert set(found["cost_prompt_band"].to_pylist()) == {0, 200_000}
    assert 0 < found["cost_window_start"].null_count < found.num_rows
    assert len(pc.unique(found["cost_window_start"])) == 4  # from the beginning, the 15th, the 20th, and none


@pytest.mark.parametrize(
    ("zone", "cost", "more"),
    [
        ("Europe/Berlin", COST, ""),  # midnight in London is 01:00 in Berlin
        ("UTC", COST, "per_request = 0.01"),  # a meter that the rate card does not tell apart
        *(
            pytest.param("UTC", cost, "", marks=pytest.mark.long)
            for cost in (
                COST.replace("2026-10-20T00:00:00Z", "2026-10-20T12:00:00Z"),
                COST.replace('"large" = "jamba-large"', '"large" = "jamba-mini"'),  # an alias of another model
                COST.replace('"large" = "jamba-large"', ""),  # or of none
                COST.replace("200_000", "250_000"),  # prompts are told apart elsewhere
            )
        ),
    ],
)
def test_where_a_row_may_have_several_prices_events_are_counted_by_both_cards(
    tmp_path: Path, zone: str, cost: str, more: str
) -> None:
    workspace = opened(tmp_path / "books", zone=zone, cost=cost, more=more)
    assert (
        with_cost_rates(current_marts(workspace, [USAGE_DAILY])[USAGE_DAILY], workspace, cost_card_of(workspace))
        is None
    )
    answer = tallybook(tmp_path / "books", "margin", "--by", "model", "-o", "csv")
    assert answer.returncode == 0
