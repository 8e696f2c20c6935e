"""``rates import`` from price lists as they are published.

Nothing is put in the place of the package or of the file's own spelling.
"""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, tallybook

from pipeline.configuration.workspace import open_workspace
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.rates import RateCard

AT = datetime(2026, 1, 1, tzinfo=UTC)
FROM = ("--effective-from", "2026-01-01", "--apply")
LITELLM = Path(__file__).parent / "litellm_prices.json"


def imported(root: Path, source: str, *models: str) -> RateCard:
    named = [argument for model in models for argument in ("--model", model)]
    done = tallybook(root, "rates", "import", "--from", source, "--card", "new", *named, *FROM)
    assert done.returncode == 0, done.stderr
    return open_workspace(root).rate_cards["new"]


def cost(card: RateCard, model: str, **tokens: int) -> Decimal:
    """Price one request in US dollars; prompt tokens decide the band."""
    band = max(
        (bound for bound in card.prompt_bands(model) if sum(tokens.values()) - tokens["completion"] > bound), default=0
    )
    rate = card.rate_at(model, AT, prompt_band=band)
    assert rate is not None
    return (
        sum((rate.rate_per_million(Meter(meter)) * quantity for meter, quantity in tokens.items()), Decimal(0))
        / 1_000_000
    )


@pytest.mark.long
def test_cards_imported_from_the_genai_prices_package_cost_what_the_package_says(tmp_path: Path) -> None:
    pytest.importorskip("genai_prices", reason="the extra 'import' is not installed: pip install 'tallybook[import]'")
    package = importlib.import_module("genai_prices")
    models = ("openai/gpt-4o", "openai/gpt-5", "google/gemini-2.5-pro")
    card = imported(
        make_workspace(tmp_path / "books"), "genai-prices", *(f"{model.split('/')[1]}={model}" for model in models)
    )
    for model in models:
        provider, name = model.split("/")
        for prompt in (1_000, 199_999, 200_001):
            usage = package.Usage(input_tokens=prompt + 300, cache_read_tokens=300, output_tokens=77)
            theirs = package.calc_price(
                usage, model_ref=name, provider_id=provider, genai_request_timestamp=AT
            ).total_price
            assert cost(card, name, prompt=prompt, prompt_cached=300, completion=77) == theirs


def test_a_file_in_the_spelling_of_litellm_becomes_tiers_bands_and_meters_exactly(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    card = imported(root, f"litellm:{LITELLM}", "large=vendor/large", "small=vendor/small")
    found = {(rate.model, rate.service_tier, rate.above_prompt_tokens): dict(rate.per_million) for rate in card.rates}
    large = {
        Meter.PROMPT: Decimal(3),
        Meter.COMPLETION: Decimal(15),
        Meter.PROMPT_CACHED: Decimal("0.3"),
        Meter.PROMPT_CACHE_WRITE: Decimal("3.75"),
        Meter.PROMPT_CACHE_WRITE_1H: Decimal(6),
    }
    above = {
        Meter.PROMPT: Decimal(6),
        Meter.COMPLETION: Decimal("22.5"),
        Meter.PROMPT_CACHED: Decimal("0.6"),
        Meter.PROMPT_CACHE_WRITE: Decimal("7.5"),
        Meter.PROMPT_CACHE_WRITE_1H: Decimal(6),
    }
    small = {
        Meter.PROMPT: Decimal("0.05"),
        Meter.PROMPT_AUDIO: Decimal(100),
        Meter.COMPLETION: Decimal("0.4"),
        Meter.PROMPT_CACHED: Decimal("0.005"),
    }
    assert found == {
        ("large", "", 0): large,
        ("large", "", 200_000): above,
        ("large", "priority", 200_000): above | {Meter.PROMPT: Decimal(9)},
        ("small", "", 0): small,
        ("small", "flex", 0): small
        | {Meter.PROMPT: Decimal("0.025"), Meter.COMPLETION: Decimal("0.2"), Meter.PROMPT_CACHED: Decimal("0.0025")},
        ("small", "priority", 0): small | {Meter.PROMPT: Decimal("2.5")},
        ("small", "batch", 0): small | {Meter.COMPLETION: Decimal("0.2")},
        ("small", "ultrafast", 0): small | {Meter.COMPLETION: Decimal(2)},
        ("small", "decisions", 0): small | {Meter.COMPLETION: Decimal(0), Meter.PROMPT_CACHED: Decimal(0)},
    }
    done = tallybook(
        root, "rates", "import", "--from", f"litellm:{LITELLM}", "--card", "new", "--model", "x=vendor/speech"
    )
    assert "'vendor/speech' is not on the price list" in done.stderr
