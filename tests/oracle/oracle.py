"""The bill, worked out a second time: plain Python, no DuckDB, no Arrow, no code shared with the product.

``bill`` reads a workspace and says what every line is, what happens to every copy, and what every account owes for
every month. Where it and the pipeline differ, one of them is wrong. Reading a line is ``wire``'s business; comparing is
``compare``'s.
"""

from __future__ import annotations

import tomllib
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, Inexact
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from python_zstd import zstd
from wire import Event, Refused, Why, read_line

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

STATUSES = ("measured", "estimated", "unknown", "failed", "not_metered")
ROUNDINGS = {"half-up": ROUND_HALF_UP, "half-even": ROUND_HALF_EVEN}
EXACT = Context(prec=60, traps=[Inexact])


class LineKey(NamedTuple):
    """What makes an invoice line one line; the rate is per million tokens."""

    api_key_id: str
    model: str
    service_tier: str
    meter: str
    rate: Decimal


@dataclass(slots=True)
class OracleResult:
    """Everything a bill can be asked. Accounts and periods without a line have no entry in ``lines`` nor ``totals``."""

    counts: Counter[str] = field(default_factory=Counter)
    read: dict[tuple[str, int], Event | str] = field(default_factory=dict)
    """(file, line number) → its event, ``blank``, or the reason why it is in the quarantine."""
    further: list[Event | str] = field(default_factory=list)
    """The same of the entries of lines that are arrays, but for the first of each."""
    lines: dict[tuple[str, str], dict[LineKey, tuple[int, Decimal]]] = field(default_factory=dict)
    """(account id, ``YYYY-MM``) → invoice line → (tokens, amount rounded once)."""
    totals: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    unpriced: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(account id, model or '', meter) → tokens without a rate."""
    unassigned: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(key id, model or '', meter) → tokens of keys in no account."""


def bill(workspace: Path) -> OracleResult:
    """Work out the whole bill of a workspace from its files."""
    settings = toml(workspace / "tallybook.toml")
    result = OracleResult()
    for source in settings["sources"]:
        for path in sorted({path for pattern in source["paths"] for path in workspace.glob(pattern) if path.is_file()}):
            read_file(path, str(path.relative_to(workspace)), source, settings, result)
    events = [event for event in (*result.read.values(), *result.further) if isinstance(event, Event)]
    result.counts.update(event.status for event in events)
    copies: dict[tuple[str, str, bytes], list[Event]] = defaultdict(list)
    for event in events:
        copies[event.identity].append(event)
    survivors = [
        survivor
        for same in copies.values()
        if (survivor := decide(same, estimates=policy(settings) == "bill-estimate"))
    ]
    fates = Counter(event.fate for event in events if event.status == "measured")
    result.counts.update(
        billed=fates["billed"], duplicates=fates["duplicate"], conflicts=fates["conflict"], events=len(events)
    )
    result.counts["suspicious"] = sum(event.is_suspicious for event in events)
    invoice(survivors, workspace, settings, result)
    return result


def toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def policy(settings: dict[str, Any]) -> str:
    return str(settings.get("policy", {}).get("unmeasured", "list"))


# --- logs -------------------------------------------------------------------------------------------------------------


def read_file(path: Path, name: str, source: dict[str, Any], settings: dict[str, Any], result: OracleResult) -> None:
    limits = settings.get("limits", {})
    secret_file = path.parents[name.count("/")] / "key-secret"
    secret = secret_file.read_bytes().strip() if secret_file.exists() else None
    *complete, _ = (
        decompressed(path.read_bytes()).removeprefix(b"\xef\xbb\xbf").split(b"\n")
    )  # what no line feed ends is still being written
    for number, line in enumerate((line.removesuffix(b"\r") for line in complete), start=1):
        result.counts["lines"] += 1
        if not line.strip():
            result.counts["blank"] += 1
            result.read[name, number] = "blank"
            continue
        try:
            if len(line) > limits.get("line_bytes", 8 * 2**20):
                raise Refused(Why.LINE_TOO_LONG)  # noqa: TRY301 - the one place that counts refusals is below
            found = read_line(line, source, secret, limits.get("nesting", 64))
        except Refused as refusal:
            found = [refusal]
        result.counts["quarantined"] += sum(isinstance(each, Refused) for each in found)
        first, *others = [str(each) if isinstance(each, Refused) else each for each in found]
        result.read[name, number] = first
        result.further += others


def decompressed(content: bytes) -> bytes:
    """Known by its first bytes; members and frames may follow each other, and the last may be cut."""
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        plain, rest = b"", content
        while rest:
            frame = zstd.ZstdDecompressor()
            plain += frame.decompress(rest)
            rest = frame.unused_data if frame.eof else b""
        return plain
    plain = b""
    if not content.startswith(b"\x1f\x8b"):
        return content
    while content:
        member = zlib.decompressobj(31)
        plain += member.decompress(content)
        content = member.unused_data
    return plain


# --- copies -----------------------------------------------------------------------------------------------------------


def decide(copies: list[Event], *, estimates: bool) -> Event | None:
    """Give every copy of one response its fate, and return the one that is billed, if any is."""
    best = next(status for status in STATUSES if any(event.status == status for event in copies))
    same = sorted((event for event in copies if event.status == best), key=place)
    real = [event for event in same if event.tokens and any(event.tokens)]
    ended = [event for event in real if not event.is_begun]
    earliest: dict[Any, Event] = {}
    for event in ended or real or same:
        earliest.setdefault(event.tokens, event)
    survivor = max(earliest.values(), key=lambda event: (event.at, event.tokens))
    for event in same:
        is_rival = (event.model or "", event.tokens) != (survivor.model or "", survivor.tokens)
        is_rival = is_rival and best == "measured" and event in (real or same) and not is_beginning(event, survivor)
        event.fate = "billed" if event is survivor else "conflict" if is_rival else "duplicate"
    suspect([event for event in copies if event is not survivor], survivor)
    return survivor if best in ("measured", *(["estimated"] if estimates else [])) else None


def is_beginning(event: Event, survivor: Event) -> bool:
    """Whether a copy was cut, and states no more than the survivor does, which was not."""
    if not event.is_begun or survivor.is_begun or not event.tokens or not survivor.tokens:
        return False
    is_less = event.tokens.prompt <= survivor.tokens.prompt and event.tokens.completion <= survivor.tokens.completion
    return is_less and (event.model or "") == (survivor.model or "")


def place(event: Event) -> tuple[Any, ...]:
    """The order of copies that state the same."""
    return event.at, event.model or "", event.tier, event.request_id, event.line


def suspect(lost: list[Event], survivor: Event) -> None:
    """Mark one of each kind of copies that look like other requests than the survivor's, and have tokens."""
    seen = set()
    for event in lost:
        kind = (event.status, event.tokens, *place(event)[:-1])
        is_same_request = place(event)[1:-1] == place(survivor)[1:-1] and (
            event.at == survivor.at or (event.request_id != "" and abs(event.at - survivor.at) <= timedelta(hours=1))
        )
        is_stated = event.status in ("measured", "estimated") and event.tokens is not None
        if not is_same_request and is_stated and event.tokens.prompt + event.tokens.completion and kind not in seen:
            event.is_suspicious = True
        seen.add(kind)


# --- money ------------------------------------------------------------------------------------------------------------


def invoice(survivors: list[Event], workspace: Path, settings: dict[str, Any], result: OracleResult) -> None:
    zone = str(settings.get("timezone", "UTC"))
    accounts = {key: account for account in toml(workspace / "accounts.toml")["accounts"] for key in account["keys"]}
    cards = {path.stem: toml(path) for path in (workspace / "rates").glob("*.toml")}
    exact: dict[tuple[str, str], dict[LineKey, tuple[int, Decimal]]] = defaultdict(dict)
    for event in survivors:
        account = accounts.get(event.key)
        card = cards[account.get("rate_card", "standard")] if account else {}
        model = card.get("aliases", {}).get(event.model, event.model)
        rate = rate_at(card, model, event.at, zone)
        for meter, quantity in on_meters(event).items():
            if not account:
                result.unassigned[event.key, event.model or "", meter] += quantity
            elif not rate:
                result.unpriced[account["id"], event.model or "", meter] += quantity
            else:
                day = event.at.astimezone(ZoneInfo(account.get("timezone", zone))).date()
                period = month_of(day, account.get("billing_day", 1))
                price = Decimal(rate.get(meter, rate["prompt"]))
                key = LineKey(event.key, model, event.tier, meter, price)
                before = exact[account["id"], period].get(key, (0, Decimal(0)))
                charge = EXACT.divide(EXACT.multiply(Decimal(quantity), price), Decimal(1_000_000))
                exact[account["id"], period][key] = (before[0] + quantity, EXACT.add(before[1], charge))
    rounding = ROUNDINGS[settings.get("rounding", "half-up")]
    for owner, lines in exact.items():
        result.lines[owner] = {
            key: (quantity, amount.quantize(Decimal("0.01"), rounding)) for key, (quantity, amount) in lines.items()
        }
        result.totals[owner] = sum((amount for _, amount in result.lines[owner].values()), Decimal(0))


def month_of(day: date, billing_day: int) -> str:
    """The month that a day lies in: go back, day by day, until the one that a month begins with."""
    while day.day != billing_day:
        day -= timedelta(days=1)
    return f"{day:%Y-%m}" if billing_day == 1 else day.isoformat()


def on_meters(event: Event) -> dict[str, int]:
    """Every token on exactly one meter; meters without tokens are left out."""
    if event.tokens is None:
        return {}
    completion, prompt, cached, write, _ = event.tokens
    quantities = {
        "prompt": prompt - cached - write,
        "prompt_cached": cached,
        "prompt_cache_write": write,
        "completion": completion,
    }
    return {meter: quantity for meter, quantity in quantities.items() if quantity}


def rate_at(card: dict[str, Any], model: str | None, at: datetime, zone: str) -> dict[str, Any] | None:
    """The rate whose half-open window holds the instant."""
    for rate in card.get("rates", []):
        start, end = (instant(rate.get(name), zone) for name in ("effective_from", "effective_to"))
        if rate["model"] == model and (start is None or start <= at) and (end is None or at < end):
            return dict(rate)
    return None


def instant(value: date | datetime | None, zone: str) -> datetime | None:
    """A plain date is midnight in the workspace's time zone."""
    return (
        value
        if value is None or isinstance(value, datetime)
        else datetime.combine(value, time(), tzinfo=ZoneInfo(zone))
    )
