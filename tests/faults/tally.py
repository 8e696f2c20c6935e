"""What a kind of fault printed: what was injected, what came of it, and what makes it fail."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class Tally:
    """The counts of one kind; it fails where a fault was lost, doubled or silent, or an outcome was never seen."""

    kind: str
    outcomes_needed: frozenset[str]
    injected: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    skipped: str = ""
    """Why this machine cannot inject such faults: it is then said, and nothing has passed."""

    def compare(self, where: str, found: Counter[str], expected: Counter[str]) -> None:
        """Note the facts that are missing, and those that are there too often or should not be."""
        if expected - found:
            self.lost.append(f"{where}: {_short(expected - found)}")
        if found - expected:
            self.doubled.append(f"{where}: {_short(found - expected)}")

    def add(self, other: Tally) -> None:
        """Add what another process has tried of the same kind."""
        self.injected.update(other.injected)
        self.outcomes.update(other.outcomes)
        for mine, others in ((self.lost, other.lost), (self.doubled, other.doubled), (self.silent, other.silent)):
            mine.extend(others)
        self.skipped = self.skipped or other.skipped

    @property
    def wrong(self) -> list[str]:
        """Return all that was lost, doubled or silent."""
        return [*self.lost, *self.doubled, *self.silent]

    @property
    def failed(self) -> bool:
        """Say whether anything is wrong, or the faults did not reach what they are for; not where there were none."""
        unseen = not self.skipped and self.outcomes_needed - self.outcomes.keys()
        return bool(self.wrong or unseen)

    def lines(self) -> Iterable[str]:
        """Yield what is printed of the kind."""
        if self.skipped:
            yield f"{self.kind}: SKIPPED, nothing was tried and nothing has passed: {self.skipped}"
            return
        yield f"{self.kind}: {self.injected.total()} injected: {_counts(self.injected)}"
        yield f"  outcomes: {_counts(self.outcomes)}"
        for outcome in sorted(self.outcomes_needed - self.outcomes.keys()):
            yield f"  FAIL: never seen: {outcome}"
        yield f"  {len(self.lost)} lost / {len(self.doubled)} doubled / {len(self.silent)} silent"
        for name, cases in (("lost", self.lost), ("doubled", self.doubled), ("silent", self.silent)):
            yield from (f"  FAIL {name}: {case}" for case in cases)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counter.items())


def _short(facts: Counter[str]) -> str:
    return "; ".join(f"{number} times {fact[:60]}" for fact, number in facts.items())
