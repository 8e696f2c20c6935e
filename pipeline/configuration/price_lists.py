"""Price lists that others publish, read as the prices of a model.

By tier, by prompt size, by meter, per million and exact.

Owns two formats: the ``model_prices`` JSON of LiteLLM (prices per token, in files) and the ``genai-prices`` package (an
optional extra, imported where it is used). Both are in US dollars. Does not own which of them is wanted
(``pipeline.jobs.upkeep.import_rates``). What they price and a rate card cannot (audio, images, searches, pages) is left
out; a tier or band keeps the base price where it states none.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import exact_arithmetic, normalised
from pipeline.rates.prices import PER_MILLION
from pipeline.usage.meters import Fallback, Meter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

CURRENCY = "USD"
Scope: TypeAlias = "tuple[str, int]"
"""Service tier and threshold of prompt tokens; ('', 0) = the base."""

_LITELLM_METERS = {meter.spec.litellm: meter for meter in Meter if meter.spec.litellm}
_LITELLM_TIERS = {
    "": "",
    "_batches": "batch",
    **{f"_{tier}": tier for tier in ("flex", "priority", "ultrafast", "decisions")},
}
_LITELLM_KEY = re.compile(
    rf"({'|'.join(_LITELLM_METERS)})(?:_above_([0-9]+)k_tokens)?({'|'.join(filter(None, _LITELLM_TIERS))})?"
)
_GENAI_METERS = {meter.spec.genai: meter for meter in Meter if meter.spec.genai}
_REQUIRED = {meter for meter in Meter if meter.spec.fallback is Fallback.REQUIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPrices:
    """What a price list says about one model: prices per million by scope and meter.

    The base is always among the scopes.
    """

    name: str
    by_scope: Mapping[Scope, Mapping[Meter, Decimal]]


def litellm_prices(path: Path) -> dict[str, ListedPrices]:
    """Read LiteLLM's JSON: per-token prices become prices per million exactly.

    Models without prompt and completion prices are left out.

    Raises ``ConfigurationError`` where the file is not such a list.
    """
    try:
        document = json.loads(path.read_bytes(), parse_float=Decimal)
    except OSError as refused:
        message = f"{path} cannot be read: {refused.strerror}"
        raise ConfigurationError(message) from refused
    except (ValueError, RecursionError) as wrong:
        message = f"{path} is not JSON: {wrong}; give LiteLLM's model_prices_and_context_window.json"
        raise ConfigurationError(message) from wrong
    if not isinstance(document, dict):
        message = f"{path} is no list of model prices; give LiteLLM's model_prices_and_context_window.json"
        raise ConfigurationError(message)
    return _kept({name: _litellm_scopes(fields) for name, fields in document.items() if isinstance(fields, dict)})


def genai_prices(at: datetime) -> dict[str, ListedPrices]:
    """Read the installed genai-prices package as of an instant; models are called ``provider/model``.

    Raises ``ConfigurationError`` without it.
    """
    try:
        from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415  # an optional extra
    except ModuleNotFoundError as missing:
        message = "genai-prices is not installed; run: pip install 'tallybook[import]'"
        raise ConfigurationError(message) from missing
    providers = get_snapshot().providers
    return _kept(
        {
            f"{provider.id}/{model.id}": dict(_genai_scopes(model, at))
            for provider in providers
            for model in provider.models
        }
    )


def _kept(found: Mapping[str, Mapping[Scope, Mapping[Meter, Decimal]]]) -> dict[str, ListedPrices]:
    """Keep what can be a rate, and give each tier and band the base's price where it has none of its own."""
    kept = {}
    for name, scopes in found.items():
        base = scopes.get(("", 0), {})
        if base.keys() >= _REQUIRED:
            kept[name] = ListedPrices(
                name=name, by_scope={scope: _completed(scope, scopes) for scope in sorted(scopes)}
            )
    return kept


def _completed(scope: Scope, scopes: Mapping[Scope, Mapping[Meter, Decimal]]) -> dict[Meter, Decimal]:
    """Fall back to the tier's own base, then to the same band of every tier, then to the base."""
    tier, band = scope
    prices: dict[Meter, Decimal] = {}
    for nearer in (("", 0), ("", band), (tier, 0), scope):
        prices |= scopes.get(nearer, {})
    return prices


def _litellm_scopes(fields: Mapping[str, Any]) -> dict[Scope, dict[Meter, Decimal]]:
    scopes: dict[Scope, dict[Meter, Decimal]] = defaultdict(dict)
    for key, value in fields.items():
        matched = _LITELLM_KEY.fullmatch(key)
        if matched and isinstance(value, (int, Decimal)) and not isinstance(value, bool) and value >= 0:
            scope = (_LITELLM_TIERS[matched[3] or ""], int(matched[2] or 0) * 1000)
            with exact_arithmetic():
                scopes[scope][_LITELLM_METERS[matched[1]]] = normalised(Decimal(value) * PER_MILLION)
    return scopes


def _genai_scopes(model: Any, at: datetime) -> Iterator[tuple[Scope, dict[Meter, Decimal]]]:
    base = _genai_bands(model.get_prices(at))
    yield from ((("", band), prices) for band, prices in base.items())
    for tier, context in (
        ("batch", {"processing": "batch"}),
        ("flex", {"service_tier": "flex"}),
        ("priority", {"service_tier": "priority"}),
    ):
        variant = _genai_bands(model.get_prices(at, context))
        if variant != base:
            yield from (((tier, band), prices) for band, prices in variant.items())


def _genai_bands(price: Any) -> dict[int, dict[Meter, Decimal]]:
    bands: dict[int, dict[Meter, Decimal]] = defaultdict(dict)
    for key, meter in _GENAI_METERS.items():
        value = getattr(price, key, None)
        if value is None:
            continue
        factor = 1 if meter.is_of_tokens else 1000  # theirs is per thousand requests
        with exact_arithmetic():
            bands[0][meter] = normalised((value if isinstance(value, Decimal) else value.base) * factor)
            for tier in () if isinstance(value, Decimal) else value.tiers:
                bands[tier.start][meter] = normalised(tier.price * factor)
    return dict(bands)
