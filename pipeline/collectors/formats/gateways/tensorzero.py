"""Rows of TensorZero's table ``ModelInference``, beside the tags of the inference that each was made for.

Facts. A row is a call of a model; one inference may be several, as of a variant that asks again. ``raw_response`` is
what the provider answered, of a stream its chunks on lines, and decides. ``input_tokens`` hold what was read from a
cache and written to it, whatever the provider, and ``output_tokens`` thoughts; parts are in columns of their own since
March 2026. ``cached`` is an answer out of TensorZero's own cache. Whose it was is no column of the table: a gateway
that authenticates puts the public id of the key into the tags of the inference (``tensorzero::api_key_public_id``), so
these are joined when rows are exported. ``timestamp`` is of UTC.

Source: ``migrations`` of ClickHouse and of Postgres, ``providers`` and ``endpoints/inference.rs`` of
``tensorzero-core``, tensorzero/tensorzero of April 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.gateways.access_logs import changed
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.strict_json import stated_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "tensorzero"

_NAMES = ("inference_id", "raw_response", "model_provider_name")
_TIME = ("timestamp", "created_at")
"""The second is Postgres'."""

MAPPING: Mapping[str, Any] = {
    "ts": [*_TIME],
    "api_key_id": 'tags."tensorzero::api_key_public_id"',
    "request_id": "id",
    "request.model": "model_name",
    "response": "raw_response",
    "cache_hit": "cached",
    "usage.prompt_tokens": "input_tokens",
    "usage.completion_tokens": "output_tokens",
    "usage.cached_tokens": "provider_cache_read_input_tokens",
    "usage.cache_write_tokens": "provider_cache_write_input_tokens",
}

PLACES = Places()


def recognises(document: JsonObject) -> bool:
    """Tell a row of the table."""
    return all(name in document for name in _NAMES)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the row with its time in UTC. Raises ``LineRefused`` (``duplicate_key``) where that is stated twice."""
    return [changed(document, {name: in_utc(stated_once(document, name)) for name in _TIME if name in document})]
