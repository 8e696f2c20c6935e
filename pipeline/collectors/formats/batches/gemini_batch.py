"""Results of the Gemini API's batches: lines of their file, and batch objects that hold the results themselves.

A line is ``{key, response}`` or ``{key, error}``: ``response`` is the answer of ``generateContent`` or ``embedContent``
itself, so families read it, and ``error`` a ``google.rpc.Status``, whose code is none of HTTP. A batch whose requests
were inlined has its results in its object, each ``{metadata, response}`` or ``{metadata, error}``: a list in
``response.inlinedResponses``, and once more in ``metadata.output``. These are the same, and are read once.

The object is an operation, ``{name: "batches/…", metadata: {model, createTime, endTime, …}, done, response}``. A line
says neither when nor for whom; its time is that of the operation. ``metadata`` of an inlined request comes back with
its result, and may say whose it was. A ``key`` is the caller's, and is nowhere said to be unique: an answer without an
id (vectors) is known by its line, and an inlined one by its place in its batch.

Source: https://ai.google.dev/api/batch-api and https://ai.google.dev/gemini-api/docs/batch-api; a whole operation
recorded by crmne/ruby_llm, ``spec/fixtures/vcr_cassettes/batch_with_gemini…``; lines of files in maximhq/bifrost,
``core/providers/gemini``; ``batches.py`` of googleapis/python-genai, which reads vectors with their ``tokenCount``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families import embeddings, gemini
from pipeline.collectors.families.reading import any_of, counted_at, list_at, object_at, part_at, word
from pipeline.collectors.formats.batches.batch import NO_ANSWER, TIER, BatchApi, with_batch
from pipeline.collectors.formats.gateways.access_logs import changed
from pipeline.collectors.formats.gateways.vertex import model_of
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.collectors.formats.batches.batch import Batch
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "gemini-batch"

_TIMES = ("endTime", "updateTime", "createTime")
"""Of an operation: when it was done, else when it was last heard of."""
_OF_LINE = frozenset(("key", "response", "error", "request", "batch"))
"""All that a line has, with what is put beside it."""
_OF_REQUEST = frozenset(("key", "request"))
_BATCH = re.compile(r"batches/[^/]+")
_INLINED = "inlinedResponses"
_OF_OUTPUT = frozenset((_INLINED, "responsesFile"))

MAPPING: Mapping[str, Any] = {
    "ts": [f"batch.metadata.{name}" for name in _TIMES],
    "api_key_id": "metadata.api_key_id",
    "request_id": "request_id",
    "status": "status",
    "request.model": "batch.metadata.model",
    "response": "response",
    "service_tier": {"value": TIER},
}

PLACES = Places(marks=("key", "error"))


def recognises(document: JsonObject) -> bool:
    """Tell a line of a batch's input or output file, and an operation that is done."""
    is_done = "done" in document and not _OF_OUTPUT.isdisjoint(part_at(document, "response"))
    return is_done or _is_result(document) or is_request(document)


def entries(document: JsonObject) -> list[JsonObject | LineRefused]:
    """Return the result of a line, or those that an operation holds; none of a request.

    Raises ``LineRefused`` (``missing_field``) where a document is nothing of a batch's.
    """
    if is_operation(document):
        stated_once(document, "response")
        without = _without_results(document)
        return [
            _entry(changed(each, {"batch": without}), request_id=f"{document.get('name')}/{number}")
            if isinstance(each, dict)
            else LineRefused(QuarantineReason.NOT_AN_OBJECT, f"{_INLINED}.{number} is no object")
            for number, each in enumerate(_results_in(document, counted_at))
        ]
    if is_request(document):
        return []
    if not _is_result(document):
        raise LineRefused(QuarantineReason.MISSING_FIELD, "key and response, or key and error")
    return [_entry(document, request_id=None)]


def joined(document: JsonObject, batch: Batch) -> JsonObject:
    """Return a line of an output file with its batch and its request beside it, unless it has its own."""
    return with_batch(document, batch, BATCHES) if _is_result(document) else document


def is_request(document: JsonObject) -> bool:
    """Tell a line of an input file: what was asked, and not what came of it."""
    asked = document.get("request")
    return document.keys() == _OF_REQUEST and isinstance(asked, dict) and ("contents" in asked or "content" in asked)


def is_operation(document: JsonObject) -> bool:
    """Tell a batch object."""
    return _BATCH.fullmatch(word(document.get("name"))) is not None and isinstance(document.get("metadata"), dict)


def _is_result(document: JsonObject) -> bool:
    if "key" not in document or not document.keys() <= _OF_LINE:
        return False
    answer = any_of(document, "response")
    if isinstance(answer, dict) and answer:
        return gemini.recognises(answer) or embeddings.recognises(answer)
    return bool(part_at(document, "error"))


def _entry(result: JsonObject, *, request_id: str | None) -> JsonObject:
    """Return a result with its status, its id, and the model by the name that a price has."""
    answer = stated_once(result, "response")
    values: JsonObject = {"request_id": request_id, "status": 200}
    if not answer:
        values |= {"status": None, "response": NO_ANSWER}
    batch = object_at(result, "batch")
    facts = object_at(batch, "metadata")
    if facts:
        model = model_of(stated_once(facts, "model"))
        values["batch"] = changed(batch, {"metadata": changed(facts, {"model": model})})
    return changed(result, values)


def _results_in(operation: JsonObject, at: Callable[..., list[Any]] = list_at) -> list[Any]:
    """Return the results that an operation holds, which it may hold twice."""
    return next((found for each in _outputs_of(operation) if (found := at(each, _INLINED, _INLINED))), [])


def _outputs_of(operation: JsonObject) -> list[JsonObject]:
    return [part_at(operation, "response"), part_at(operation, "metadata", "output")]


def _without_results(operation: JsonObject) -> JsonObject:
    facts = changed(object_at(operation, "metadata"), {"output": None})
    return changed(operation, {"response": None, "metadata": facts})


def _names_of(operation: JsonObject) -> list[Any]:
    files = [each.get("responsesFile") for each in _outputs_of(operation)]
    return [_last_part(name) for name in (operation.get("name"), *files)]


def _last_part(name: Any) -> str | None:
    return name.rpartition("/")[2] if isinstance(name, str) else None


BATCHES = BatchApi(
    is_object=is_operation,
    is_request=is_request,
    id_of=lambda operation: _last_part(operation.get("name")) or "",
    names_of=_names_of,
    input_names_of=lambda operation: [_last_part(part_at(operation, "metadata", "inputConfig").get("fileName"))],
    facts_of=lambda operation: part_at(operation, "metadata"),
    lists="operations",
    shared="key",
    has_results=lambda operation: bool(_results_in(operation)),
)
