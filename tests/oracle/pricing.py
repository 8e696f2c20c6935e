"""What usage costs, worked out a second time.

Plain Python on the TOML of rate cards, one request at a time, no code shared with the product.

``charges`` takes cards as ``tomllib`` gives them and requests, and says what each invoice line is worth before
rounding. It asks at one instant what a card says, where the product cuts time into segments; where they differ, one of
them is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, NamedTuple

METERS = ("prompt", "prompt_cached", "prompt_cache_write", "completion", "reasoning", "request")
SINCE_EVER = datetime(1, 1, 1, tzinfo=UTC)
INSTEAD = {"prompt_cached": "prompt", "prompt_cache_write": "prompt", "reasoning": "completion"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One billed request."""

    at: datetime
    account: str
    key: str
    model: str
    tier: str
    prompt: int
    cached: int
    written: int
    completion: int
    reasoning: int


class Line(NamedTuple):
    """What makes an invoice line one line."""

    account: str
    period: str
    key: str
    model: str
    tier: str
    meter: str
    rate: Fraction
    list_rate: Fraction | None
    package: int | None
    flat: Fraction | None
    """Of one tier; such a line is of the tiers that were reached."""
    entry: str
    """The card, model, tier and threshold whose minimum or maximum it counts towards."""


class Chosen(NamedTuple):
    """What a card says for one scope at one instant: by what it is known, prices by meter, list prices by meter."""

    name: Any
    prices: dict[str, Any]
    listed: dict[str, Any]
    limits: dict[str, Any]
    """``minimum`` and ``maximum``, where they are stated."""


def charges(  # noqa: C901, PLR0912, PLR0915 - one page that is read from top to bottom
    cards: dict[str, Any], card_of: dict[str, str], requests: list[Request]
) -> tuple[dict[Line, tuple[int, Fraction]], int]:
    """Return (quantity, exact amount) of every line, and how many tokens have no price."""
    lines: dict[Line, tuple[int, Fraction]] = {}
    counted: dict[Any, list[Any]] = defaultdict(list)
    unpriced = 0

    def add(*what: Any, package: int | None = None, flat: Fraction | None = None) -> None:
        (*row, entry), rate, listed, quantity, amount = what
        line = Line(*row, rate, listed, package, flat, entry)
        before = lines.get(line, (0, Fraction(0)))
        lines[line] = (before[0] + quantity, before[1] + amount)

    for request in requests:
        card = card_of[request.account]
        model = model_of(cards, card, request.model)
        bands = [
            e["above_prompt_tokens"]
            for e in all_entries(cards, card)
            if e["model"] == model and "above_prompt_tokens" in e
        ]
        band = max((bound for bound in bands if request.prompt > bound), default=0)
        said = scopes_at(cards, card, model, request.at)
        chosen = choose(said, request.tier, band)
        if chosen is None:
            unpriced += request.prompt + request.completion
            continue
        since = window_start(cards, card, model, (request.tier, band), request.at, chosen.name)
        scope_of_it = next(scope for scope, each in said.items() if each is chosen)
        entry = entry_name(card, model, scope_of_it) if chosen.limits else ""
        for meter, quantity in quantities(request, chosen.prices).items():
            priced_as = meter if meter in chosen.prices else INSTEAD[meter]
            price, listed = chosen.prices[priced_as], chosen.listed.get(meter)
            row = (request.account, f"{request.at:%Y-%m}", request.key, model, request.tier, meter, entry)
            if not isinstance(price, dict):
                add(row, Fraction(price), flat(listed), quantity, Fraction(price) * quantity / 1_000_000)
                continue
            scope = ("group", price["group"]) if "group" in price else ("model", model)
            order = (since, request.at.date(), request.key, model, request.tier, band, METERS.index(meter))
            counted[request.account, row[1], scope, priced_as].append((order, row, price, listed, quantity))
    for together in counted.values():
        position, total = 0, sum(each[-1] for each in together)
        together.sort(key=lambda each: each[0])
        at_the_end = together[-1][2]
        for _, row, price, listed, quantity in together:
            reached = begins(price) if price["mode"] == "graduated" else []
            if at_the_end["mode"] == "volume":
                reached = [*reached, [each for each in begins(at_the_end) if each[0] < total][-1]]
            for tokens_before, tier in reached:
                if tier.get("flat") and position <= tokens_before < position + quantity:
                    add(row, Fraction(0), None, 0, Fraction(tier["flat"]), flat=Fraction(tier["flat"]))
            if price["mode"] == "package":
                size, cost = price.get("tokens", price.get("requests")), Fraction(price["price"])
                begun = -(-(position + quantity) // size) - -(-position // size)
                same = isinstance(listed, dict) and listed["mode"] == "package"
                same = same and listed.get("tokens", listed.get("requests")) == size
                shown = Fraction(listed["price"]) * 1_000_000 / size if same else flat(listed)
                add(row, cost * 1_000_000 / size, shown, quantity, begun * cost, package=size)
            elif price["mode"] == "volume":
                place = next(i for i, tier in enumerate(price["tiers"]) if total <= tier.get("up_to", total))
                add(
                    row,
                    *tier_rates(price, listed, place),
                    quantity,
                    Fraction(price["tiers"][place]["rate"]) * quantity / 1_000_000,
                )
            else:
                lower = 0
                for place, tier in enumerate(price["tiers"]):
                    upper = tier.get("up_to", 2**80)
                    here = max(0, min(position + quantity, upper) - max(position, lower))
                    if here:
                        add(row, *tier_rates(price, listed, place), here, Fraction(tier["rate"]) * here / 1_000_000)
                    lower = upper
            position += quantity
    return lines, unpriced


def begins(price: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Every tier, and how many tokens come before it."""
    tiers = price["tiers"]
    return [(tiers[place - 1]["up_to"] if place else 0, tier) for place, tier in enumerate(tiers)]


def quantities(request: Request, prices: dict[str, Any]) -> dict[str, int]:
    """Every token on one meter; reasoning apart only where it has a price, requests only where they have one."""
    apart = request.reasoning if "reasoning" in prices else 0
    found = {
        "prompt": request.prompt - request.cached - request.written,
        "prompt_cached": request.cached,
        "prompt_cache_write": request.written,
        "completion": request.completion - apart,
        "reasoning": apart,
        "request": 1 if "request" in prices else 0,
    }
    return {meter: quantity for meter, quantity in found.items() if quantity}


def flat(listed: Any) -> Fraction | None:
    return None if listed is None or isinstance(listed, dict) else Fraction(listed)


def tier_rates(price: Any, listed: Any, place: int) -> tuple[Fraction, Fraction | None]:
    """The rate of a tier, and its list rate where the list price is flat or has the very same tiers."""
    rate = Fraction(price["tiers"][place]["rate"])
    if not isinstance(listed, dict):
        return rate, flat(listed)
    bounds = [[tier.get("up_to") for tier in each.get("tiers", ())] for each in (price, listed)]
    is_same = listed["mode"] == price["mode"] and bounds[0] == bounds[1]
    return rate, Fraction(listed["tiers"][place]["rate"]) if is_same else None


# --- what a card says -------------------------------------------------------------------------------------------------


def all_entries(cards: dict[str, Any], card: str) -> list[dict[str, Any]]:
    inherited = all_entries(cards, cards[card]["extends"]) if "extends" in cards[card] else []
    return [*inherited, *cards[card].get("rates", [])]


def model_of(cards: dict[str, Any], card: str, name: str) -> str:
    if any(entry["model"] == name for entry in all_entries(cards, card)):
        return name
    while True:
        if name in cards[card].get("aliases", {}):
            return str(cards[card]["aliases"][name])
        if "extends" not in cards[card]:
            return name
        card = cards[card]["extends"]


def scopes_at(cards: dict[str, Any], card: str, model: str, at: datetime) -> dict[tuple[str, int], Chosen]:
    """What a card says about a model at an instant, by (tier, threshold)."""
    stated = cards[card]
    percent = percent_of(stated)
    theirs = scopes_at(cards, stated["extends"], model, at) if "extends" in stated else {}
    found = {
        scope: Chosen(("inherited", each.name), changed_all(each.prices, percent), complete(each.prices), each.limits)
        for scope, each in theirs.items()
    }
    for number, entry in enumerate(stated.get("rates", [])):
        if (
            entry["model"] != model
            or not entry.get("effective_from", at) <= at
            or not at < entry.get("effective_to", datetime.max.replace(tzinfo=UTC))
        ):
            continue
        scope = (entry.get("service_tier", ""), entry.get("above_prompt_tokens", 0))
        base = choose(theirs, *scope)
        own = {meter: entry[meter] for meter in METERS if meter in entry}
        if "per_request" in entry:
            own["request"] = per_million(entry["per_request"])
        limits = {name: entry[name] for name in ("minimum", "maximum") if name in entry}
        mine = percent_of(entry)
        if "extends" not in stated:
            change = percent if mine is None else mine
            found[scope] = Chosen(number, changed_all(own, change), {} if change is None else complete(own), limits)
            continue
        before = {**(base.prices if base else {}), **own}
        change = percent if mine is None else mine
        now = {meter: changed(price, mine if meter in own else change) for meter, price in before.items()}
        listed = complete(base.prices) if base else {}
        if mine is not None:
            full = complete(before)
            listed = {
                meter: full[meter] if (meter if meter in before else INSTEAD.get(meter)) in own else listed[meter]
                for meter in full
            }
        limits = {**(base.limits if base else {}), **limits}
        found[scope] = Chosen((number, base.name if base else None), now, listed, limits)
    return found


def choose(scopes: dict[tuple[str, int], Chosen], tier: str, band: int) -> Chosen | None:
    """The request's own tier before any tier, and of those the greatest threshold that its prompt exceeds."""
    for wanted in dict.fromkeys((tier, "")):
        fitting = [threshold for name, threshold in scopes if name == wanted and threshold <= band]
        if fitting:
            return scopes[wanted, max(fitting)]
    return None


def window_start(  # noqa: PLR0917 - read in order
    cards: dict[str, Any], card: str, model: str, scope: tuple[str, int], at: datetime, name: Any
) -> datetime:
    """Walk back in time from change to change for as long as the same is chosen."""
    entries = [entry for entry in all_entries(cards, card) if entry["model"] == model]
    bounds = sorted(
        {SINCE_EVER, *(entry[k] for entry in entries for k in ("effective_from", "effective_to") if k in entry)},
        reverse=True,
    )
    since = at
    for bound in (bound for bound in bounds if bound <= at):
        chosen = choose(scopes_at(cards, card, model, bound), *scope)
        if chosen is None or chosen.name != name:
            break
        since = bound
    return since


def percent_of(table: dict[str, Any]) -> Fraction | None:
    if "discount_percent" in table:
        return -Fraction(table["discount_percent"])
    return Fraction(table["markup_percent"]) if "markup_percent" in table else None


def complete(prices: dict[str, Any]) -> dict[str, Any]:
    """Give meters without a price of their own the one that they are billed at."""
    return {
        meter: prices[meter if meter in prices else INSTEAD[meter]]
        for meter in METERS
        if meter in prices or meter in INSTEAD
    }


def changed_all(prices: dict[str, Any], percent: Fraction | None) -> dict[str, Any]:
    return {meter: changed(price, percent) for meter, price in prices.items()}


def changed(price: Any, percent: Fraction | None) -> Any:
    if percent is None:
        return price
    if not isinstance(price, dict):
        return Fraction(price) * (100 + percent) / 100
    if price["mode"] == "package":
        return price | {"price": changed(price["price"], percent)}
    return price | {
        "tiers": [
            tier | {"rate": changed(tier["rate"], percent), "flat": changed(tier.get("flat", 0), percent)}
            for tier in price["tiers"]
        ]
    }


def per_million(price: Any) -> Any:
    """Return what a million requests cost; packages and flat amounts are not by the request."""
    if not isinstance(price, dict):
        return price * 1_000_000
    return price | {"tiers": [tier | {"rate": tier["rate"] * 1_000_000} for tier in price.get("tiers", ())]}


# --- minimum and maximum ----------------------------------------------------------------------------------------------


def entry_name(card: str, model: str, scope: tuple[str, int]) -> str:
    tier, threshold = scope
    return f"{card} {model} {tier} {threshold}"


def limits_of_month(
    cards: dict[str, Any], card: str, model: str, scope: tuple[str, int], month: tuple[datetime, datetime]
) -> tuple[Fraction | None, Fraction | None]:
    """Ask at every instant of the month at which a card may say something new; what is said last holds for all."""
    entries = [entry for entry in all_entries(cards, card) if entry["model"] == model]
    instants = [entry[key] for entry in entries for key in ("effective_from", "effective_to") if key in entry]
    found: dict[str, Fraction] = {}
    for at in sorted({month[0], *(instant for instant in instants if month[0] <= instant < month[1])}):
        said = scopes_at(cards, card, model, at).get(scope)
        if said is not None:
            found |= {name: Fraction(amount) for name, amount in said.limits.items()}
    return found.get("minimum"), found.get("maximum")


def owed(printed: Fraction, minimum: Fraction | None, maximum: Fraction | None) -> Fraction:
    """At least the minimum, but never more than the maximum."""
    if minimum is not None:
        printed = max(printed, minimum)
    return printed if maximum is None else min(printed, maximum)
