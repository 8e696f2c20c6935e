"""Which warnings are new: those that the last night did not tell of, and those of which there is more by now.

Owns that rule, and for which warnings ``--strict`` fails. Does not own what a night warns of (``pipeline.jobs.night``)
nor the file of what was told (``pipeline.lake.told``).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, normalised
from pipeline.lake.told import ToldWarning, read_told, write_told

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime
    from decimal import Decimal

    from pipeline.base.warning_codes import WarningCode
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.notices.acknowledged import Acknowledged
    from pipeline.jobs.warned import NightWarning

_SUBJECTS_MAX = 5


def told_before(
    workspace: Workspace, warnings: Sequence[NightWarning], acknowledged: Iterable[Acknowledged]
) -> tuple[NightWarning, ...]:
    """Return the warnings, each with the night that told of it before, where one did, and why it was acknowledged.

    Writes nothing.
    """
    before, now = {_key(told): told for told in read_told(workspace.lake)}, _sizes(warnings)
    known_since = {key: told.told_at for key, told in before.items() if key in now and not _grew(now[key], told)}
    quiet = {
        _key(told): each.reason
        for each in acknowledged
        for told in each.warnings
        if _key(told) in now and not _grew(now[_key(told)], told)
    }
    return tuple(
        replace(warning, known_since=known_since.get(_key(warning)), acknowledged=quiet.get(_key(warning), ""))
        for warning in warnings
    )


def remember_told(workspace: Workspace, warnings: Iterable[NightWarning], *, now: datetime) -> None:
    """Keep what a night tells, as ``told_before`` returned it, in the place of what the one before told.

    For the holder of the workspace's lock. A night that dies before leaves it as new. What is warned of no more is
    forgotten: if it comes again it is new.
    """
    marked = list(warnings)
    since = {_key(warning): warning.known_since or now for warning in marked}
    write_told(
        workspace.lake,
        [
            ToldWarning(
                code=key[0], subject=key[1], about=dict(key[2]), counts=counts, amounts=amounts, told_at=since[key]
            )
            for key, (counts, amounts) in sorted(_sizes(marked).items())
        ],
    )


def strict_failures(warnings: Iterable[NightWarning], fail_on: Collection[WarningCode]) -> tuple[str, ...]:
    """Say why ``--strict`` fails: a line for each code of ``fail_on`` with something new that nobody acknowledged.

    What states neither a count nor an amount, such as a log that cannot be read, may grow unseen: it fails until it is
    mended, or acknowledged.
    """
    failing: dict[WarningCode, list[NightWarning]] = defaultdict(list)
    for warning in warnings:
        if not warning.acknowledged and (warning.is_new or warning.has_no_size):
            failing[warning.code].append(warning)
    return tuple(_failure(code, failing[code]) for code in fail_on if code in failing)


_Key = tuple[str, str, tuple[tuple[str, str], ...]]
_Size = tuple[dict[str, int], "dict[str, Decimal]"]


def _key(warning: NightWarning | ToldWarning) -> _Key:
    return str(warning.code), warning.subject, tuple(sorted(warning.about.items()))


def _sizes(warnings: Iterable[NightWarning]) -> dict[_Key, _Size]:
    """Sum up counts and amounts of what cannot be told apart."""
    sizes: dict[_Key, _Size] = {}
    for warning in warnings:
        counts, amounts = sizes.setdefault(_key(warning), ({}, {}))
        for what, count in (*warning.counts.items(), *warning.parts.items()):
            counts[what] = counts.get(what, 0) + count
        if warning.amount is not None:
            so_far = [amounts[warning.currency]] if warning.currency in amounts else []
            amounts[warning.currency] = normalised(exact_sum([*so_far, warning.amount]))
    return sizes


def _grew(now: _Size, before: ToldWarning) -> bool:
    counts, amounts = now
    return any(count > before.counts.get(what, 0) for what, count in counts.items()) or any(
        currency not in before.amounts or amount > before.amounts[currency] for currency, amount in amounts.items()
    )


def _failure(code: WarningCode, warnings: Sequence[NightWarning]) -> str:
    subjects = list(dict.fromkeys(_subjects(warnings)))
    listed = ", ".join(subjects[:_SUBJECTS_MAX]) + (
        f" and {len(subjects) - _SUBJECTS_MAX} more" if len(subjects) > _SUBJECTS_MAX else ""
    )
    return f"{code}{f' ({listed})' if listed else ''}"


def _subjects(warnings: Iterable[NightWarning]) -> Iterator[str]:
    yield from (warning.subject for warning in warnings if warning.subject)
