"""Results of batches: the output and error files of OpenAI's Batch API, and those of Anthropic's Message Batches.

A line is ``{id, custom_id, response: {status_code, request_id, body}, error}`` (the API reference of OpenAI, "The
request output object"; Azure's, Mistral's, Groq's and vLLM's files are the same), or ``{custom_id, result: {type,
message | error}}`` (that of Anthropic, "Retrieve Message Batch results"). The body is the answer of the API itself, so
families read it. What is in a batch is of the tier ``batch``, whatever the body says.

An answer of chat or of Responses says when it was made. Embeddings, errors and Anthropic's messages do not: their time
is that of the ``batch``, which a line has where its object was put beside it, and a file where it is known (``Batch``);
else it is a constant of the source. Likewise there is the ``request`` of the input file, which names the model asked
for even where the request failed. What a line states itself comes first. Lines of an input file and batch objects are
no exchanges.

An output file names its batch nowhere: the batch object names the files (the API reference of OpenAI, "The batch
object": ``id``, ``input_file_id``, ``output_file_id``, ``error_file_id``; Azure's has ``output_blob`` and
``error_blob`` where its files lie in a storage of one's own).

Owns what a line and its batch say together. Does not own which batch is a file's (``pipeline.collectors.batch_files``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import object_at, word
from pipeline.collectors.formats.batches.batch import NO_ANSWER, TIER, BatchApi, with_batch
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from pipeline.collectors.formats.batches.batch import Batch
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "openai-batch"

_RESULTS = frozenset(("succeeded", "errored", "canceled", "expired"))
_MADE = ("created", "created_at")
"""When an answer of chat, and one of Responses, was made."""
_TIMES = ("completed_at", "ended_at", "expired_at", "cancelled_at", "in_progress_at", "created_at")
"""Of a batch: when it was done, else when it was last heard of."""
_IDS = ("id", "output_file_id", "error_file_id")
_BLOBS = ("output_blob", "error_blob")
_FOLDER_OF_BLOB = re.compile(r"/([0-9A-Fa-f-]{32,})/[^/]+$")


def joined(document: JsonObject, batch: Batch) -> JsonObject:
    """Return a line of an output or error file with its batch and its request beside it, unless it has its own."""
    if not recognises(document) or is_request(document) or is_batch(document):
        return document
    return with_batch(document, batch, BATCHES)


PLACES = Places(
    fields={
        "ts": [
            *(f"response.body.{name}" for name in _MADE),
            *(f"batch.{name}" for name in _TIMES),
        ],
        "api_key_id": "batch.metadata.api_key_id",
        "request_id": ["id", "response.request_id", "custom_id", "batch.id"],
        "status": "response.status_code",
        "path": ["batch.endpoint", "request.url"],
        "request": ["request.body", "request.params", "request"],
        "response": ["response.body", "result.message"],
    }
)


def recognises(document: JsonObject) -> bool:
    """Tell a line of a batch's input, output or error file, and a batch object."""
    if "custom_id" not in document:
        return is_batch(document)
    return (
        is_request(document)
        or _is_result(document)
        or ("response" in document and ("error" in document or "id" in document) and not _is_row(document))
    )


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the one exchange of a line, with the ``batch`` and the ``custom_id`` that it has; none of an input file's.

    Nor has a batch object any. Raises ``LineRefused``: ``missing_field`` for any other line, ``duplicate_key`` where it
    states its answer twice.
    """
    if not recognises(document):
        raise LineRefused(QuarantineReason.MISSING_FIELD, "custom_id and response, or custom_id and result")
    if is_request(document) or is_batch(document):
        return []
    batch = object_at(document, "batch")
    response = object_at(document, "response")
    answer, status = _result(document) if _is_result(document) else (_answer(document), response.get("status_code"))
    asked = object_at(document, "request")
    entry: JsonObject = {
        "ts": _time(answer, batch),
        "api_key_id": object_at(batch, "metadata").get("api_key_id"),
        "request_id": _id_of(document, response, batch),
        "status": status,
        "path": batch.get("endpoint") or asked.get("url"),
        "request": object_at(asked, "body") or object_at(asked, "params") or asked,
        "response": answer,
        "service_tier": TIER,
        "custom_id": document.get("custom_id"),
        "batch": batch,
    }
    return [entry]


def is_batch(document: JsonObject) -> bool:
    """Tell a batch object: of OpenAI's API and those that are alike, or of Anthropic's."""
    return (
        isinstance(document.get("id"), str)
        and "created_at" in document
        and (document.get("object") == "batch" or document.get("type") == "message_batch")
    )


def is_request(document: JsonObject) -> bool:
    """Tell a line of an input file: what was asked, and not what came of it."""
    return (
        "custom_id" in document
        and ("body" in document or "params" in document)
        and document.keys().isdisjoint(("response", "result", "error"))
    )


def _is_result(document: JsonObject) -> bool:
    result = document.get("result")
    return isinstance(result, dict) and word(result.get("type")) in _RESULTS


def _answer(document: JsonObject) -> Any:
    """Return the body of a response; an error where the request got none."""
    body = stated_once(object_at(document, "response"), "body")
    return NO_ANSWER if body is None else body


def _result(document: JsonObject) -> tuple[JsonObject, int | None]:
    """Return the message of Anthropic's result with its status; an error where there is none."""
    message = object_at(document, "result", "message")
    return (message, 200) if message else (NO_ANSWER, None)


def _time(answer: Any, batch: JsonObject) -> Any:
    """Return when the answer was made, else when its batch was done."""
    places = ((answer, _MADE), (batch, _TIMES)) if isinstance(answer, dict) else ((batch, _TIMES),)
    return next((value for place, names in places for name in names if (value := stated_once(place, name))), None)


def _id_of(document: JsonObject, response: JsonObject, batch: JsonObject) -> Any:
    """Return the id of the request: its own, else that of the answer's transport, else the batch's and the caller's."""
    own = document.get("id") or response.get("request_id")
    custom, of_batch = document.get("custom_id"), batch.get("id")
    if own is not None or not isinstance(custom, str):
        return own
    return f"{of_batch}/{custom}" if isinstance(of_batch, str) else custom


def _is_row(document: JsonObject) -> bool:
    """Tell a result of Vertex AI's (``vertex_batch``), which hands on whatever its request had beside it."""
    return isinstance(document.get("status"), str) and "request" in document


def _names_of(batch: JsonObject) -> list[Any]:
    blobs = [_FOLDER_OF_BLOB.search(str(batch.get(name))) for name in _BLOBS]
    return [*(batch.get(name) for name in _IDS), *(blob[1] for blob in blobs if blob)]


BATCHES = BatchApi(
    is_object=is_batch,
    is_request=is_request,
    id_of=lambda batch: str(batch["id"]),
    names_of=_names_of,
    input_names_of=lambda batch: [batch.get("input_file_id")],
    facts_of=lambda batch: batch,
    lists="data",
    shared="custom_id",
)
