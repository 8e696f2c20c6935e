"""Rows of Vertex AI's request-response logging: one a call of a model, out of its table in BigQuery as JSON lines.

Facts. ``full_request`` and ``full_response`` are the bodies, as objects or as JSON text: Gemini's, and of partners'
models (``rawPredict``) their own. ``model`` is a name below ``publishers/…/models/``, and what the answer names comes
first. ``createTime`` of an answer is when the request was made, ``logging_time`` when the row was written; BigQuery
writes it with ``UTC`` behind it, or without an offset. ``request_id`` is a number, which exports write as text. No
column says who called: the ``labels`` of a request do, which callers of Gemini may add, and what Anthropic's models
are asked has none. A call is not logged where its pair of bodies has more than 10 MB.

Not known, since it is documented nowhere: whether a call that failed is logged, and what stands in the place of its
answer; so there is no status, and a row without an answer is unknown. Nor how a stream is logged: an answer that is put
together, an array of its chunks and events are all read.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/request-response-logging, "Logging table
schema"; a whole row in elastic/integrations, ``packages/gcp_vertexai``; "Export limitations" of BigQuery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import word
from pipeline.collectors.formats.gateways.access_logs import changed
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.strict_json import stated_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "vertex"

_METHODS = {
    "generateContent": False,
    "streamGenerateContent": True,
    "rawPredict": False,
    "streamRawPredict": True,
}
"""The methods that are logged, and whether each is a stream; rows begin them with a capital letter."""
_SPELLED = {
    spelled: (f":{method}", is_stream)
    for method, is_stream in _METHODS.items()
    for spelled in (method, method[0].upper() + method[1:])
}
_MODELS = "models/"

MAPPING: Mapping[str, Any] = {
    "ts": ["full_response.createTime", "full_response.create_time", "logging_time"],
    "api_key_id": "full_request.labels.api_key_id",
    "request_id": "request_id",
    "path": {"from": "api_method", **{name: path for name, (path, _) in _SPELLED.items()}},
    "request": "full_request",
    "request.model": "model",
    "request.stream": {"from": "api_method", **{name: is_stream for name, (_, is_stream) in _SPELLED.items()}},
    "response": "full_response",
}

PLACES = Places()


def recognises(document: JsonObject) -> bool:
    """Tell the row of one call."""
    return all(name in document for name in ("logging_time", "api_method", "full_request", "full_response"))


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the row with its time in UTC, the model by the name that a price has, and no method that nobody knows."""
    values: JsonObject = {"logging_time": in_utc(stated_once(document, "logging_time"))}
    if word(stated_once(document, "api_method")) not in _SPELLED:
        values["api_method"] = None
    values["model"] = model_of(stated_once(document, "model"))
    return [changed(document, values)]


def model_of(stated: Any) -> Any:
    """Return the id of a model where the name of a resource of Google's is stated; anything else as it is.

    >>> model_of("publishers/google/models/gemini-2.5-flash"), model_of("gemini-2.5-flash")
    ('gemini-2.5-flash', 'gemini-2.5-flash')
    """
    return stated.rpartition(_MODELS)[2] if isinstance(stated, str) else stated
