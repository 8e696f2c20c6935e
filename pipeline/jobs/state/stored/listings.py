"""When all keys of a glob were listed last, and behind which key a night may begin.

The *mark* of a glob is the greatest key up to which everything that was listed is collected, unchanged, and was put
more than ``SETTLED`` ago. A night that begins behind it misses what was put before it since, or was changed there: that
is found when all keys are listed again, which is every night unless the source says ``full_listing_days``.

Owns the mark, when it is used, and what is told of it. Does not own the notes (``notes``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.objects.encoded.strict_json import checked_fields, parse_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pipeline.configuration.stored.stored_log import StoredLog

SETTLED = timedelta(days=2)
"""Keys of one day are put by many writers, some of them late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is known of the listings of a glob."""

    all_at: datetime
    """When all keys were listed last; aware."""
    mark: str | None
    """``None`` where the first key already is not done with."""
    collected: int = 0
    """How many objects up to the mark were noted as collected; where fewer are, it is not to be believed."""

    def after(self, now: datetime, full_listing_days: int) -> str | None:
        """Return the key behind which a listing may begin; ``None`` where all keys are due.

        They are too where a night with a later clock listed them: its mark is of keys that have not settled by now, and
        nobody knows when all were listed.
        """
        return self.mark if self.all_at <= now < self.due_at(full_listing_days) else None

    def due_at(self, full_listing_days: int) -> datetime:
        """Return when all keys are to be listed again."""
        return self.all_at + timedelta(days=full_listing_days)


def next_listing(
    before: Listing | None,
    logs: Iterable[StoredLog],
    *,
    after: str | None,
    now: datetime,
    is_done_with: Callable[[StoredLog], bool],
) -> Listing:
    """Return what is known after ``logs`` were listed, in the order of their keys, those ``after`` a key or all."""
    mark = after
    for log in logs:
        if now - log.modified_at < SETTLED or not is_done_with(log):
            break
        mark = log.key
    return Listing(all_at=now if before is None or after is None else before.all_at, mark=mark)


def listings_bytes(listings: Mapping[str, Listing]) -> bytes:
    """Return listings by their globs as JSON, which ``listings_from`` reads back."""
    stated = {
        glob: {"all_at": each.all_at.isoformat(), "mark": each.mark, "collected": each.collected}
        for glob, each in listings.items()
    }
    return json.dumps(stated, ensure_ascii=False, sort_keys=True).encode("utf-8")


def listings_from(content: bytes) -> dict[str, Listing]:
    """Read listings by their globs. Raises ``ValueError`` for what is not ours."""
    found = {}
    for glob, value in parse_object(content).items():
        fields = checked_fields(value, f"listing {glob!r}", all_at=str, mark=(str, type(None)), collected=int)
        all_at = datetime.fromisoformat(fields["all_at"])
        found[glob] = Listing(all_at=all_at, mark=fields["mark"], collected=fields["collected"])
    return found
