"""Usage that tools write into spans as the text of an object, in place of attributes that count.

Owns what each of these texts says. Does not own usage by the names of a convention, which comes first (``usage``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families.reading import word
from pipeline.collectors.formats.mapping import object_in
from pipeline.collectors.formats.spans.otel.otlp import integer_of
from pipeline.collectors.formats.tools.braintrust import answer_of
from pipeline.collectors.formats.tools.langfuse import of_buckets

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

_DETAILS_OF_LANGFUSE = "langfuse.observation.usage_details"
_PARAMETERS_OF_LANGFUSE = "langfuse.observation.model.parameters"
_METRICS_OF_BRAINTRUST = "braintrust.metrics"
_METADATA_OF_BRAINTRUST = "braintrust.metadata"
_OUTPUT_OF_BRAINTRUST = "braintrust.output_json"
_METRICS_OF_LANGWATCH = "langwatch.metrics"
_RESPONSE_OF_GENKIT = "genkit:output"
_METADATA_OF_JUDGMENT = "judgment.usage.metadata"
_COUNTS_OF_JUDGMENT = {
    "input_tokens": "judgment.usage.non_cached_input_tokens",
    "output_tokens": "judgment.usage.output_tokens",
    "cache_read_input_tokens": "judgment.usage.cache_read_input_tokens",
    "cache_creation_input_tokens": "judgment.usage.cache_creation_input_tokens",
}
_OUTPUT_OF_JUDGMENT = "judgment.usage.output_tokens"
_OF_GOOGLE = "prompt_token_count"
"""What only Google's SDK calls a count so."""

OF_COUNTS = (_DETAILS_OF_LANGFUSE,)
"""What is the text of an object all of whose members are counts."""
OF_OBJECTS = (
    _PARAMETERS_OF_LANGFUSE,
    _METRICS_OF_BRAINTRUST,
    _METADATA_OF_BRAINTRUST,
    _OUTPUT_OF_BRAINTRUST,
    _METRICS_OF_LANGWATCH,
    _RESPONSE_OF_GENKIT,
    _METADATA_OF_JUDGMENT,
)
"""What is the text of any other object."""


def holds_usage(attributes: JsonObject) -> bool:
    """Tell a span that states its usage by names of Judgment Labs' SDK, which calls more than calls ``llm``."""
    return attributes.get(_OUTPUT_OF_JUDGMENT) is not None


def answer_held(attributes: JsonObject) -> JsonObject:
    """Return what a span holds of its answer and its usage as text, in the names of an entry; nothing of others.

    Raises ``LineRefused`` where that cannot be told apart.
    """
    if details := object_in(attributes.get(_DETAILS_OF_LANGFUSE)):
        parameters = object_in(attributes.get(_PARAMETERS_OF_LANGFUSE))
        return {**_counts(of_buckets(details)), "service_tier": parameters.get("service_tier")}
    if metrics := object_in(attributes.get(_METRICS_OF_BRAINTRUST)):
        metadata = object_in(attributes.get(_METADATA_OF_BRAINTRUST))
        output = object_in(attributes.get(_OUTPUT_OF_BRAINTRUST))
        return answer_of(metrics, metadata, output)
    if metrics := object_in(attributes.get(_METRICS_OF_LANGWATCH)):
        return {"usage": object_in(metrics.get("value")) or metrics}
    if holds_usage(attributes):
        return _of_judgment(attributes)
    held = word(attributes.get(_RESPONSE_OF_GENKIT))
    return {"response": held} if object_in(object_in(held).get("usage")) else {}


def _of_judgment(attributes: JsonObject) -> JsonObject:
    """Return what a span of Judgment Labs' SDK says: the provider's own usage object, else its four counts.

    These are counted as Anthropic's API does, what was cached beside the input; of Google's models the input holds it
    all the same, and the output leaves out thoughts (``_extract_google_tokens``).

    Source: ``judgment_attribute_keys.py`` and ``instrumentation/llm`` of ``JudgmentLabs/judgeval``.
    """
    stated = object_in(attributes.get(_METADATA_OF_JUDGMENT))
    if _OF_GOOGLE in stated:
        return {"response": {"usage_metadata": stated}}
    return {"usage": stated or {ours: integer_of(attributes.get(name)) for ours, name in _COUNTS_OF_JUDGMENT.items()}}


def _counts(counts: dict[str, int | None]) -> JsonObject:
    return {f"usage.{name}": value for name, value in counts.items()}
