"""An entry that forgets is believed where all it names is ours: else it would say of any file that it may be gone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from forged_entries import HEX, NOON, body, rewrite, stated
from lake_inputs import record

from pipeline import lake
from pipeline.base.errors import LogEntryRefused
from pipeline.lake.log.forgetting import (
    Forgetting,
    ForgettingRule,
    ForgottenFile,
    KeptFile,
    KeySpan,
    LeftFile,
    RuleKind,
)
from pipeline.lake.log.superseding import Place
from pipeline.objects import append_log, layout
from pipeline.usage.events import FORGETTING_SINCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOG = record("logs/a.jsonl", [])
KEPT = KeptFile(sha256=HEX, size=1, rows=0)
FORGOTTEN = Forgetting(
    rule=ForgettingRule(kind=RuleKind.ACCOUNT, value="acme", keys=(KeySpan(key_id="key_a", from_at=NOON),)),
    places=(Place(commit=0, source=0),),
    data_files=(
        ForgottenFile(
            path=f"date=2026-03-02/{HEX}.parquet",
            rows=2,
            left=LeftFile(path=f"date=2026-03-02/{'0b' * 32}.parquet", sha256="0b" * 32, size=1, rows=1, origin=0),
        ),
    ),
    quarantine_files=(ForgottenFile(path=f"{HEX}.parquet", rows=1, left=None),),
    events=2,
    quarantined=1,
    months=(("acme", "2026-03"),),
    points=(),
    counts={"usage_daily": KEPT},
    identities=KEPT,
)
"""Its files are of earlier readings: none of them has to be in force."""


def twice(info: dict[str, Any]) -> None:
    info["sources"] *= 2
    info["supersedes"] *= 2


def forgets(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda info: info["forgets"].update(fields)


def of_file(kind: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda info: info["forgets"][kind][0].update(fields)


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a source without its place": (lambda info: info["supersedes"].clear(), "its 1 sources replace 0 of before; each"),
    "two sources of one place": (twice, "its 2 sources replace 1 of before; each has one of its own"),
    "a place that is none": (
        lambda info: info["supersedes"][0].update(commit="0"),
        "commit of a superseded source is a str, not a int",
    ),
    "a place that never was": (
        lambda info: info["supersedes"][0].update(source=1),
        "it replaces source 1 of commit 0 by bytes 0 to 4096 of logs/a.jsonl, which is another segment",
    ),
    "an unknown rule": (forgets(rule="since"), "'since' is not a valid RuleKind"),
    "a date that is none": (forgets(rule="before", meant="2026-02-30"), "day is out of range for month"),
    "a field more": (forgets(reason="asked"), "forgets has ['counts', "),
    "true as a number": (forgets(events=True), "events of forgets is a bool, not a int"),
    "an instant without its offset": (
        lambda info: info["forgets"]["keys"][0].update(from_at="2026-03-02T12:00:00"),
        "it names the instant '2026-03-02T12:00:00', without an offset",
    ),
    "a month that is no pair": (
        forgets(months=[["acme"]]),
        "it names ['acme'], and an account and a billing period belong there",
    ),
    "a month that is a text": (
        forgets(months=["ab"]),
        "it names 'ab', and an account and a billing period belong there",
    ),
    "a month of numbers": (
        forgets(months=[["acme", 202603]]),
        "it names ['acme', 202603], and an account and a billing period belong there",
    ),
    "counts in any file": (
        lambda info: info["forgets"]["counts"]["usage_daily"].update(sha256="../../key-secret"),
        "it keeps counts in '../../key-secret.parquet', which is no <sha256>.parquet",
    ),
    "identities in any file": (
        lambda info: info["forgets"]["identities"].update(sha256="x"),
        "it keeps counts in 'x.parquet', which is no <sha256>.parquet",
    ),
    "a file of events out of the table": (
        of_file("dataFiles", path=f"../{HEX}.parquet"),
        f"it forgets the file '../{HEX}.parquet', which is none of ours",
    ),
    "a file of events by another name": (
        of_file("dataFiles", path="date=2026-03-02/x.parquet"),
        "it forgets the file 'date=2026-03-02/x.parquet', which is none of ours",
    ),
    "a file of lines in a folder": (
        of_file("quarantineFiles", path=f"date=2026-03-02/{HEX}.parquet"),
        f"it forgets the file 'date=2026-03-02/{HEX}.parquet', which is none of ours",
    ),
    "what is left out of the table": (
        lambda info: info["forgets"]["dataFiles"][0]["left"].update(path=f"{HEX}.parquet"),
        f"it forgets the file '{HEX}.parquet', which is none of ours",
    ),
}


@pytest.mark.parametrize(("change", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_an_entry_that_forgets_what_it_cannot_is_refused_though_it_is_sealed(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    lake_dir = tmp_path / "lake"
    stated(lake_dir, lake_version=FORGETTING_SINCE, sources=(LOG,))
    stated(lake_dir, forgetting=FORGOTTEN, sources=(LOG,))
    (read,) = lake.read_log(lake_dir).forgettings
    assert (read.rule, read.places, read.months) == (FORGOTTEN.rule, FORGOTTEN.places, FORGOTTEN.months)
    entry = append_log.entry_path(layout.delta_log(lake_dir), 1)
    rewrite(entry, lambda actions: change(body(actions, "commitInfo")))
    with pytest.raises(LogEntryRefused, match=re.escape(told) + ".*; restore the lake from a backup, or move it away"):
        lake.read_log(lake_dir)
