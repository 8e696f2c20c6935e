"""Two lives of one business, alike but for what one of them forgets: they issue the same documents, line for line."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from at_rest import holds
from workspaces import append_log, make_workspace, plain, tallybook, write_log

from pipeline import register
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = """
[[accounts]]
id = "acme"
name = "Acme"
keys = ["key_a", "key_b"]
minimum_commitment = 30.00

[[accounts]]
id = "tokyo"
name = "Tokyo"
keys = ["key_t"]
timezone = "Asia/Tokyo"
rate_card = "tiers"

[[accounts.credits]]
id = "welcome"
amount = 5.00
granted_on = 2026-08-01
"""
STANDARD = """
id = "standard"
currency = "USD"

[[rates]]
model = "jamba-large"
prompt = 2.00
completion = 8.00
"""
TIERS = """
id = "tiers"
currency = "USD"

[[rates]]
model = "jamba-large"
completion = 8.00
prompt = { mode = "graduated", tiers = [ { up_to = 3_000_000, rate = 3.00 }, { rate = 1.00 } ] }
"""
OF_ITS_LAKE = ("commit", "commit_sha256", "previousSha256", "sealSha256")
"""What a document states of its lake and of the documents before it."""


class Life:
    """A chance, and what it makes of both lives, month after month."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.chance = Random(f"forgetting {seed}")
        cards = {"standard": STANDARD, "tiers": TIERS}
        self.roots = [make_workspace(folder / name, accounts=ACCOUNTS, cards=cards) for name in ("one", "other")]
        self.lines: dict[int, list[str]] = {}
        self.open_from = 8
        """The first month of which nothing was forgotten."""
        self.tried = 0

    def both(self, *arguments: str) -> None:
        done = [tallybook(root, *arguments) for root in self.roots]
        assert done[0].returncode == done[1].returncode, (arguments, [each.stderr for each in done])
        assert done[0].returncode == 0 or arguments[0] == "invoice", done[0].stderr

    def log(self, name: str, lines: list[str]) -> None:
        for root in self.roots:
            if (root / "logs" / name).exists():
                append_log(root, name, *lines)
            else:
                write_log(root, name, *lines)

    def used(self, month: int) -> list[str]:
        """Make new lines of a month, some of them copies of others, with equal or with other counts."""
        lines = self.lines.setdefault(month, [])
        found = []
        for _ in range(self.chance.randrange(4, 12)):
            copied = self.chance.random() < 0.2 and lines
            line: dict[str, Any] = json.loads(self.chance.choice(lines) if copied else self._line(month, len(lines)))
            if copied and self.chance.random() < 0.5:
                line["response"]["usage"]["prompt_tokens"] += 1
                line["response"]["usage"]["total_tokens"] += 1
            lines.append(json.dumps(line))
            found.append(lines[-1])
        return found

    def _line(self, month: int, number: int) -> str:
        day, hour = self.chance.choice((1, 2, 15, 27, 28)), self.chance.randrange(24)
        if month == 8 and day == 1:
            day = 3
        return plain(
            f"2026-{month:02}-{day:02}T{hour:02}:{number % 60:02}:00Z",
            id=f"chatcmpl-MONTH{month:02}-{number}",
            request_id=f"req-MONTH{month:02}-{number}",
            key=self.chance.choice(("key_a", "key_b", "key_t", "key_nobody")),
            prompt=self.chance.randrange(1, 2_000_000),
            completion=self.chance.randrange(400_000),
        )

    def forget(self, month: int) -> None:
        """Let the first life forget all that is before a month, unless a correction is pending."""
        done = tallybook(
            self.roots[0], "forget", "--before", f"2026-{month:02}-01", "--with-uninvoiced", "--yes", "--as-of",
            f"2026-{month:02}-20",
        )  # fmt: skip
        assert done.returncode == 0 or (done.returncode == 4 and "a correction of" in done.stderr), done.stderr
        self.open_from = self.open_from if done.returncode else month
        self.tried += 1

    def documents(self) -> list[list[dict[str, Any]]]:
        return [
            [
                {name: value for name, value in document.items() if name not in OF_ITS_LAKE}
                for document in register.read(root)
            ]
            for root in self.roots
        ]

    def drafts(self) -> list[list[tuple[str, str]]]:
        lists = [json.loads(tallybook(root, "invoice", "list", "-o", "json").stdout) for root in self.roots]
        return [[(row["invoice_id"], row["total"]) for row in rows] for rows in lists]


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=pytest.mark.slow) for seed in range(8)])
def test_what_one_life_forgets_changes_no_document_of_it(seed: int, tmp_path: Path) -> None:
    life = Life(seed, tmp_path)
    chance = life.chance
    frozen: list[bytes] = []
    for month in range(8, 13):
        life.log(f"{month}.jsonl", life.used(month))
        life.both("nightly", "--as-of", f"2026-{month:02}-28")
        if month > life.open_from:
            late = chance.randrange(life.open_from, month)
            life.log("late.jsonl", life.used(late))
            life.both("nightly", "--as-of", f"2026-{month:02}-28")
        if month > 8:
            again = chance.randrange(8, month)
            life.log(f"copy-{month}.jsonl", [line.replace("{", "{ ", 1) for line in life.lines[again]])
            life.both("nightly", "--as-of", f"2026-{month:02}-28")
        life.both(
            "invoice",
            "issue",
            "--period",
            f"2026-{month:02}",
            "--as-of",
            f"{month // 12 + 2026}-{month % 12 + 1:02}-10",
        )
        if chance.random() < 0.5:
            number = chance.randrange(1, len(register.read(life.roots[0])) + 1)
            what = ("void", f"INV-{number:06}") if chance.random() < 0.5 else (
                "credit", f"INV-{number:06}", "--line", "1", "--amount", "0.01", "--reason", "goodwill")  # fmt: skip
            life.both("invoice", *what, "--as-of", f"{month // 12 + 2026}-{month % 12 + 1:02}-11")
            life.both(
                "invoice",
                "issue",
                "--period",
                f"2026-{month:02}",
                "--as-of",
                f"{month // 12 + 2026}-{month % 12 + 1:02}-12",
            )
        if month < 12 and (month == 10 or chance.random() < 0.6):
            life.forget(month + 1)
        now = [path.read_bytes() for path in sorted(layout.register(life.roots[0]).glob("*.json"))]
        assert now[: len(frozen)] == frozen, "what is issued never changes"
        frozen = now
        one, other = life.documents()
        assert one == other
        assert len({*map(tuple, life.drafts())}) == 1
    for month in range(8, life.open_from):
        assert holds(life.roots[0] / "lake", f"MONTH{month:02}".encode()) == []
    for document in register.read(life.roots[0]):
        done = tallybook(life.roots[0], "recompute", document["invoice_id"])
        assert done.returncode == 0, done.stdout
    assert life.tried, "each life tries to forget something"
    done = tallybook(life.roots[0], "verify")
    assert done.returncode == 0, done.stdout
