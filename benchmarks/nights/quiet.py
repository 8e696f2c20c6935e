"""What a night costs in which nothing is new: over many accounts, and over many commits of one date.

``python -m benchmarks.nights.quiet --accounts 20000 --commits 2000`` makes a workspace of so many accounts with one
response each, and two lakes of one date in 20 commits and in so many, and prints CPU seconds and their ratios. Owns the
states. Does not own the measuring (``measure``).
"""

from __future__ import annotations

import json
import shutil
import sys
from statistics import median
from typing import TYPE_CHECKING

import click

from benchmarks.inputs.events import EventsRecipe, batches, commit_batch, write_workspace
from benchmarks.turns.measure import run, scratch_option
from pipeline.lake.commits import LakeSnapshot
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

_FEW = 20
_CARD = """id = "standard"
currency = "USD"
[[rates]]
model = "jamba-large"
effective_from = 2026-01-01T00:00:00Z
prompt = 2.00
completion = 8.00
"""


@click.command()
@click.option("--accounts", default=20_000, show_default=True, type=click.IntRange(min=1))
@click.option("--commits", default=2_000, show_default=True, type=click.IntRange(min=_FEW + 1))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@scratch_option
def main(*, accounts: int, commits: int, rounds: int, scratch: Path) -> None:
    """Measure nights in which nothing is new."""
    scratch.mkdir(parents=True, exist_ok=True)
    _accounts(scratch / f"quiet-accounts-{accounts}", accounts, rounds)
    few, many = (_commits(scratch / f"quiet-commits-{number}", number) for number in (_FEW, commits))
    cpu_few, cpu_many = _cpu(few, "2028-01-01", rounds), _cpu(many, "2028-01-01", rounds)
    click.echo(f"{_FEW} commits of one date: {cpu_few:.2f} s of CPU; {commits}: {cpu_many:.2f} s")
    click.echo(
        f"{cpu_many - cpu_few:.2f} s more, {cpu_many / cpu_few:.1f} times, "
        f"{(cpu_many - cpu_few) / (commits - _FEW) * 1e3:.3f} ms a commit"
    )


def _accounts(root: Path, accounts: int, rounds: int) -> None:
    shutil.rmtree(root, ignore_errors=True)
    _write_accounts(root, accounts)
    first = run(_command(root, "nightly", "--as-of", "2026-11-02")).cpu_seconds
    drafted = _cpu(root, "2026-11-02", rounds)
    issued = run(_command(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")).cpu_seconds
    after = _cpu(root, "2026-11-03", rounds)
    click.echo(f"{accounts} accounts: the first night {first:.1f} s of CPU, issuing {issued:.1f} s")
    click.echo(f"a night with nothing new: {drafted:.1f} s while all are drafts, {first / drafted:.1f} times less")
    click.echo(f"a night with nothing new: {after:.1f} s after all are issued")


def _cpu(root: Path, as_of: str, rounds: int) -> float:
    run(_command(root, "nightly", "--as-of", as_of))  # keeps what is new
    return median(run(_command(root, "nightly", "--as-of", as_of)).cpu_seconds for _ in range(rounds))


def _commits(root: Path, commits: int) -> Path:
    shutil.rmtree(root, ignore_errors=True)
    write_workspace(root)
    layout.lake(root).mkdir()
    snapshot = LakeSnapshot()
    ((day, events),) = batches(EventsRecipe(events=commits, days=1))
    for number in range(commits):
        snapshot = commit_batch(root, snapshot, day, events.slice(number % events.num_rows, 1))
    return root


def _write_accounts(root: Path, accounts: int) -> None:
    (root / "rates").mkdir(parents=True)
    (root / "logs").mkdir()
    (root / "tallybook.toml").write_text(
        '[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\n', encoding="utf-8"
    )
    (root / "rates" / "standard.toml").write_text(_CARD, encoding="utf-8")
    with (root / "accounts.toml").open("w", encoding="utf-8") as file:
        for number in range(accounts):
            file.write(f'[[accounts]]\nid = "a{number}"\nname = "A {number}"\nkeys = ["key_{number}"]\n')
    with (root / "logs" / "log.jsonl").open("w", encoding="utf-8") as log:
        for number in range(accounts):
            log.write(json.dumps(_exchange(number)) + "\n")


def _exchange(number: int) -> dict[str, object]:
    usage = {"prompt_tokens": 1_000 + number, "completion_tokens": 10, "total_tokens": 1_010 + number}
    choices = [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]
    return {
        "ts": "2026-10-05T10:00:00Z",
        "api_key_id": f"key_{number}",
        "status": 200,
        "path": "/studio/v1/chat/completions",
        "request": {"model": "jamba-large", "stream": False},
        "response": {"id": f"r{number}", "choices": choices, "usage": usage},
    }


def _command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli", "-w", str(root), *arguments]


if __name__ == "__main__":
    main()
