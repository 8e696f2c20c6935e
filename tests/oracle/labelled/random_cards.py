"""Random rate cards that use everything a card can say, as TOML, and random requests for them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pricing import Request

if TYPE_CHECKING:
    import random

MODELS = ("large", "mini", "huge")
TIERS = ("", "", "batch", "flex", "priority")
BEGINS_AT = datetime(2026, 9, 28, tzinfo=UTC)
DAYS = 40


def cards(draw: random.Random) -> dict[str, str]:
    """Three cards in a chain: ``base``, ``agreed`` extends it, ``partner`` extends ``agreed``."""
    return {
        "base": 'id = "base"\ncurrency = "USD"\n'
        + percent(draw, 0.2)
        + '[aliases]\n"large-1.7" = "large"\n'
        + entries(draw, MODELS[:2], is_whole=True),
        "agreed": 'id = "agreed"\nextends = "base"\n' + percent(draw, 0.6) + entries(draw, MODELS, is_whole=False),
        "partner": 'id = "partner"\nextends = "agreed"\n'
        + percent(draw, 0.5)
        + entries(draw, MODELS[:1], is_whole=False),
    }


def percent(draw: random.Random, likely: float) -> str:
    if draw.random() > likely:
        return ""
    return draw.choice(["discount_percent = 10\n", "markup_percent = 7.5\n", "discount_percent = 12.25\n"])


def entries(draw: random.Random, models: tuple[str, ...], *, is_whole: bool) -> str:
    """``is_whole``: every entry has to price prompt and completion.

    So does any of the model that no other card knows.
    """
    text = []
    for model in models:
        for tier in ("", "batch", "flex"):
            for band in (0, 1_000, 5_000):
                likely = 0.9 if (tier, band) == ("", 0) else 0.35
                if draw.random() < likely * (1 if is_whole else 0.6):
                    text += windows(draw, model, tier, band, is_whole=is_whole or model == "huge")
    return "".join(text)


def windows(draw: random.Random, model: str, tier: str, band: int, *, is_whole: bool) -> list[str]:
    bounds = sorted(draw.sample(range(-10, DAYS * 2), draw.choice([2, 2, 3, 4])))
    text = []
    for index, (start, end) in enumerate(itertools.pairwise(bounds)):
        if draw.random() < 0.15:
            continue
        is_last = index == len(bounds) - 2
        entry = f'[[rates]]\nmodel = "{model}"\n'
        entry += f'service_tier = "{tier}"\n' if tier else ""
        entry += f"above_prompt_tokens = {band}\n" if band else ""
        entry += "" if index == 0 and draw.random() < 0.3 else f"effective_from = {instant(start)}\n"
        entry += "" if is_last and draw.random() < 0.7 else f"effective_to = {instant(end)}\n"
        # What stands alone on its card must price both; what inherits may, when the base knows the model at all times,
        # leave either out.
        entry += f"prompt = {price(draw)}\ncompletion = {price(draw)}\n" if is_whole or draw.random() < 0.8 else ""
        for meter in ("prompt_cached", "prompt_cache_write", "reasoning"):
            entry += f"{meter} = {price(draw)}\n" if draw.random() < 0.3 else ""
        entry += f"per_request = {price_of_requests(draw)}\n" if draw.random() < 0.3 else ""
        entry += f"minimum = {draw.choice(['0', '0.07', '3'])}\n" if draw.random() < 0.15 else ""
        entry += f"maximum = {draw.choice(['0', '0.1', '3', '4.50'])}\n" if draw.random() < 0.15 else ""
        text.append(entry + percent(draw, 0.2))
    return text


def price_of_requests(draw: random.Random) -> str:
    if draw.random() < 0.5:
        return draw.choice(["0.01", "0.0025", "1"])
    if draw.random() < 0.3:
        return f'{{ mode = "package", requests = {draw.choice([1, 5, 8])}, price = {draw.choice(["0.03", "0.75"])} }}'
    return tiers(draw, 8, ("0.01", "0.005", "0"))


def price(draw: random.Random) -> str:
    shape = draw.random()
    group = draw.choice(["", "", ', group = "family"'])
    if shape < 0.5:
        return draw.choice(["2.00", "0.125", "8", "0", "3.0375"])
    if shape < 0.62:
        return (
            f'{{ mode = "package", tokens = {draw.choice([1_000, 2_500, 3])}, price = '
            f"{draw.choice(['0.03', '0.75', '1.2'])}{group} }}"
        )
    return tiers(draw, 60_000, ("4", "2.5", "1.75", "0"), group)


def tiers(draw: random.Random, reach: int, rates: tuple[str, ...], group: str = "") -> str:
    """Up to three tiers within ``reach``; of some, one or more have a flat amount."""
    bounds = [*sorted(draw.sample(range(1, reach), draw.choice([0, 1, 2]))), None]
    likely = draw.choice([0, 0, 0.5])
    steps = []
    for bound in bounds:
        up_to = "" if bound is None else f"up_to = {bound}, "
        flat = f", flat = {draw.choice(['5', '0.125', '0.0049', '0'])}" if draw.random() < likely else ""
        steps.append(f"{{ {up_to}rate = {draw.choice(rates)}{flat} }}")
    return f'{{ mode = "{draw.choice(["graduated", "volume"])}", tiers = [ {", ".join(steps)} ]{group} }}'


def instant(half_days: int) -> str:
    return f"{BEGINS_AT + timedelta(hours=12 * half_days):%Y-%m-%dT%H:%M:%SZ}"


def requests(draw: random.Random, count: int) -> list[Request]:
    found = []
    for _ in range(count):
        prompt, completion = draw.choice([0, 999, 1_000, 1_001, draw.randrange(10_000)]), draw.randrange(4_000)
        cached = draw.randrange(prompt + 1) if draw.random() < 0.4 else 0
        found.append(
            Request(
                at=BEGINS_AT + timedelta(minutes=draw.randrange(DAYS * 24 * 60)),
                account=draw.choice(["base", "agreed", "partner"]),
                key=f"key_{draw.randrange(3)}",
                model=draw.choice([*MODELS, "large-1.7", "unheard-of"]),
                tier=draw.choice(TIERS),
                prompt=prompt,
                cached=cached,
                written=draw.randrange(prompt - cached + 1) if draw.random() < 0.3 else 0,
                completion=completion,
                reasoning=draw.randrange(completion + 1) if draw.random() < 0.5 else 0,
            )
        )
    return found
