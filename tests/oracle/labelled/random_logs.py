"""Random workspaces: configuration, accounts, rate cards and labelled logs full of traps, all from one seed.

``make_workspace`` writes one and returns the label of every line. Does not own the traps (``traps``, ``silences``,
``refusals``) nor the bill (``oracle``).
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from maker import EDGE_FIELDS, LINE_BYTES_MAX, Maker
from other_apis import OTHERS
from python_zstd import zstd
from refusals import REFUSALS
from silences import SILENCES
from traps import COMMON, RARE

if TYPE_CHECKING:
    from pathlib import Path

    from maker import Label

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Africa/Cairo",
)
KEYS = {
    "utc": ["key_11111111111111111111111111111111", "key_half"],
    "berlin": ["key_22222222222222222222222222222222", "@batch-key"],
    "new-york": ["key_33333333333333333333333333333333"],
    "kathmandu": ["key_44444444444444444444444444444444", "-minus", "team/one:prod"],
    "apia": ["key_55555555555555555555555555555555"],
    "quiet": ["key_66666666666666666666666666666666"],
}
UNASSIGNED = "key_77777777777777777777777777777777"
ACCOUNT_ZONES = {
    "berlin": "Europe/Berlin",
    "new-york": "America/New_York",
    "kathmandu": "Asia/Kathmandu",
    "apia": "Pacific/Apia",
}
MODELS = ["jamba-large", "jamba-large-1.7", "jamba-mini", "free-mini", "no-such-model", "meta/llama-3.3:70b", "gap"]

STANDARD = """\
id = "standard"
currency = "USD"
[aliases]
"jamba-large-1.7" = "jamba-large"
"x-ai/grok-4" = "grok-4"
[[rates]]
model = "jamba-large"
effective_from = 2026-01-01T00:00:00Z
effective_to = 2026-10-10T12:00:00Z
prompt = 2.00
completion = 8
[[rates]]
model = "jamba-large"
effective_from = 2026-10-10T12:00:00Z
effective_to = 2026-11-01
prompt = 2.0            # the same number, written otherwise: one line on the invoice
completion = 7.123456789012
prompt_cached = 0.50
[[rates]]
model = "jamba-large"
effective_from = 2026-11-01
prompt = 1.75
completion = 7
prompt_cache_write = 2.5
[[rates]]
model = "jamba-mini"
prompt = 0.2
completion = 0.4
prompt_cached = 0
[[rates]]
model = "free-mini"
prompt = 0
completion = 0
[[rates]]
model = "one-a-million"
prompt = 1
completion = 1
[[rates]]
model = "grok-4"
prompt = 3
completion = 15
prompt_cached = 0.75
[[rates]]
model = "gap"
effective_from = 2026-09-15T00:00:00+02:00
effective_to = 2026-10-01
prompt = 1.1
completion = 2.2
[[rates]]
model = "gap"
effective_from = 2026-10-25T01:00:00Z
prompt = 1.2
completion = 2.2
"""
OTHER = """\
id = "other"
[aliases]
"meta/llama-3.3:70b" = "llama"
"jamba-large-1.7" = "jamba-mini"
[[rates]]
model = "llama"
prompt = 0.000000000001
completion = 999999.99
[[rates]]
model = "jamba-mini"
effective_from = 2026-10-10
prompt = 0.15
completion = 0.6
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The labels of a workspace: (file, line number) → what the line is; and the policy drawn for estimates."""

    labels: dict[tuple[str, int], Label]
    bills_estimates: bool


def make_workspace(path: Path, seed: int, lines: int = 1_500) -> Made:
    """Write a workspace with at least ``lines`` logged lines below ``path``; every trap occurs, whatever the seed."""
    chance = random.Random(seed)
    zone, estimates, rounding = (
        ZONES[seed % len(ZONES)],
        seed % 3 == 2,
        ("half-up", "half-even")[seed % 2],
    )  # neighbouring seeds differ in all three
    for folder in ("logs", "edge", "open", "rates"):
        (path / folder).mkdir(parents=True)
    (path / "rates/standard.toml").write_text(STANDARD, encoding="utf-8")
    (path / "rates/other.toml").write_text(OTHER, encoding="utf-8")
    (path / "accounts.toml").write_text(accounts_toml(chance), encoding="utf-8")
    (path / "tallybook.toml").write_text(settings_toml(zone, rounding, estimates=estimates), encoding="utf-8")
    keys = [key for account, owned in KEYS.items() if account != "quiet" for key in owned if key != "key_half"]
    make = Maker(chance=chance, keys=[*keys, UNASSIGNED], models=MODELS, instants=changes(zone))
    for trap in (*COMMON, *RARE, *OTHERS, *SILENCES, *REFUSALS):
        trap(make)
    while sum(map(len, make.lines.values())) < lines:
        chance.choice([*COMMON * 3, *RARE, *OTHERS, *SILENCES, *REFUSALS])(make)
    labels: dict[tuple[str, int], Label] = {}
    for name, made in make.lines.items():
        chance.shuffle(made)
        (path / name).write_bytes(file_bytes(name, [line for line, _ in made], chance))
        labels |= {(name, number): label for number, (_, label) in enumerate(made, start=1)}
    (path / "logs/empty.jsonl").write_bytes(b"")
    return Made(labels=labels, bills_estimates=estimates)


def file_bytes(name: str, lines: list[bytes], chance: random.Random) -> bytes:
    """The file as a machine leaves it.

    A rest without line feed, two members, a member without its trailer, a name that lies, a BOM.
    """
    eol = chance.choice([b"\n", b"\r\n"])
    half = chance.randrange(1, len(lines)) if len(lines) > 1 else 0
    first, second = (b"".join(line + eol for line in part) for part in (lines[:half], lines[half:]))
    rest = b'{"ts": "2026-10-01T00:00:00Z", "api_key_id": "key_still_being'
    return {
        "logs/a.jsonl": lambda: first + second + rest,
        "logs/b.jsonl.gz": lambda: gzip.compress(first, mtime=0) + gzip.compress(second + rest, mtime=0)[:-8],
        "logs/c.jsonl.zst": lambda: b"".join(zstd.compress(part) for part in (first, second)),
        "logs/lying.jsonl.gz": lambda: b"\xef\xbb\xbf" + first + second,
        "edge/e.jsonl": lambda: first + second,
        "open/o.jsonl": lambda: first + second,
        "edge/f.jsonl.gz": lambda: gzip.compress(first + second, mtime=0),
    }[name]()


def changes(zone: str) -> list[datetime]:
    """The instants at which something changes: months and prices in every zone, and clocks."""
    local = [
        datetime(2026, month, day, tzinfo=ZoneInfo(name))
        for name in {zone: 0, **dict.fromkeys(ZONES, 0)}
        for month, day in [(10, 1), (10, 10), (11, 1)]
    ]
    fixed = [
        datetime(2026, 10, 10, 12, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2026, 9, 14, 22, tzinfo=UTC),
    ]
    clocks = [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 11, 1, 6, tzinfo=UTC),
        datetime(2026, 10, 29, 21, tzinfo=UTC),
    ]
    return [instant.astimezone(UTC) for instant in (*local, *fixed, *clocks)]


def accounts_toml(chance: random.Random) -> str:
    tables = []
    for account, keys in KEYS.items():
        zone = f'timezone = "{ACCOUNT_ZONES[account]}"\n' if account in ACCOUNT_ZONES else ""
        card = f'rate_card = "{chance.choice(["standard", "other"])}"\n' if account not in ("utc", "berlin") else ""
        day = "" if account in ("utc", "berlin") else f"billing_day = {chance.choice([1, 10, 10, 28])}\n"
        tables.append(
            f'[[accounts]]\nid = "{account}"\nname = "Account, \\"{account}\\""\n{zone}{card}{day}keys = '
            f"{json.dumps(keys)}\n"
        )
    return "".join(tables)


def settings_toml(zone: str, rounding: str, *, estimates: bool) -> str:
    fields = ", ".join(f"{json.dumps(name)} = {json.dumps(path)}" for name, path in EDGE_FIELDS.items())
    return f"""\
timezone = "{zone}"
currency = "USD"
rounding = "{rounding}"
[[sources]]
name = "gateway"
paths = ["logs/*.jsonl", "logs/*.jsonl.*"]
format = "request-log"
[[sources]]
name = "edge"
paths = ["edge/*"]
format = "request-log"
fields = {{ {fields} }}
identity = "request-id"
[[sources]]
name = "open"
paths = ["open/*"]
format = "request-log"
identity = "both"
[policy]
unmeasured = "{"bill-estimate" if estimates else "list"}"
[limits]
line_bytes = {LINE_BYTES_MAX}
"""
