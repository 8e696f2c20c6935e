"""Rows of Vertex AI's batch predictions: ``{status, processed_time, request, response}``, as JSON lines.

A job writes them into Cloud Storage (``predictions.jsonl``, in a folder named by the job's time), or into a table of
BigQuery, whose columns have the same names and may be JSON text. ``request`` and ``response`` are the bodies: Gemini's,
and of partners' models their own (``msg_vrtx_…`` of Anthropic's, whose rows have a ``custom_id``). Of vectors a row is
``{instance, predictions, status}``, and each prediction states its tokens in ``embeddings.statistics``. ``status`` is
empty, or says why there is no answer. What stood beside a request is handed on: a key, any column of a table.

``createTime`` of an answer is when it was made, ``processed_time`` when the row was; vectors have neither, and their
time is that of the job. The ``labels`` of a request say who asked, or those of the job. The model that an answer names
comes first, else it is the job's: of ``publishers/…/models/ID`` the id.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs, "Batch prediction from Cloud Storage", "… from BigQuery",
"Batch predictions" with models of Anthropic and "Get batch text embeddings predictions"; the reference of
``projects.locations.batchPredictionJobs``; rows with ``createTime`` in the documentation of LiteLLM, "/batches"; rows
out of BigQuery in EasyLLM/langbatch, ``langbatch/vertexai.py``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import list_at, object_at, part_at, word
from pipeline.collectors.formats.batches.batch import NO_ANSWER, TIER, BatchApi, with_batch
from pipeline.collectors.formats.gateways.access_logs import changed
from pipeline.collectors.formats.gateways.vertex import model_of
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.mapping import says_nothing
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.formats.batches.batch import Batch
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "vertex-batch"

_TIMES = ("endTime", "updateTime", "startTime", "createTime")
"""Of a job: when it was done, else when it was last heard of."""
_JOB = re.compile(r"projects/[^/]+/locations/[^/]+/batchPredictionJobs/[^/]+")
_OF_REQUEST = frozenset(("request", "custom_id"))
_OF_ANTHROPIC = "anthropic_version"
_NOT_OURS = ("path", "method")
"""Columns that were handed on and say nothing of how a model was asked."""

MAPPING: Mapping[str, Any] = {
    "ts": ["response.createTime", "processed_time", *(f"batch.{name}" for name in _TIMES)],
    "api_key_id": ["request.labels.api_key_id", "batch.labels.api_key_id"],
    "status": "http_status",
    "request": "request",
    "request.model": ["batch.model", "request.model"],
    "response": "response",
    "service_tier": {"value": TIER},
}

PLACES = Places(marks=("status", "name", "instance", "request.contents"), nested=("predictions",))
"""Of a row nobody asks what its ``name`` is. What is no row has a job's name, or is refused.

A sample has another name, is refused then, and teaches no rule: so a job is read plainly.
"""


def recognises(document: JsonObject) -> bool:
    """Tell a row, and a line of an input file."""
    return _is_sure(document) or is_request(document)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the row, with a status of HTTP, times of UTC, and the model by the name that a price has.

    None of an input file's line or a job. Raises ``LineRefused`` (``missing_field``) for any other.
    """
    if is_request(document) or is_job(document):
        return []
    if not (_is_sure(document) or _is_row(document)):
        raise LineRefused(QuarantineReason.MISSING_FIELD, "status and request, or status and predictions")
    answer = stated_once(document, "response")
    answer = None if says_nothing(answer) else answer
    if not answer and list_at(document, "predictions"):
        answer = {"predictions": document.get("predictions")}
    values: JsonObject = {
        **dict.fromkeys(_NOT_OURS),
        "processed_time": in_utc(stated_once(document, "processed_time")),
        "http_status": 200 if answer else None,
        "response": answer or (NO_ANSWER if document.get("status") else None),
    }
    job = object_at(document, "batch")
    if job:
        values["batch"] = changed(job, {"model": model_of(stated_once(job, "model"))})
    return [changed(document, values)]


def joined(document: JsonObject, batch: Batch) -> JsonObject:
    """Return a row with its job beside it, unless it has its own."""
    return with_batch(document, batch, BATCHES) if _is_row(document) and not is_request(document) else document


def is_request(document: JsonObject) -> bool:
    """Tell a line of an input file: what was asked, and not what came of it."""
    asked = document.get("request")
    if not isinstance(asked, dict) or not document.keys() <= _OF_REQUEST:
        return False
    return "contents" in asked or _OF_ANTHROPIC in asked


def is_job(document: JsonObject) -> bool:
    """Tell a job, as the API returns it, from a row to which a name was handed on."""
    return not _is_row(document) and _JOB.fullmatch(word(document.get("name"))) is not None


def _is_row(document: JsonObject) -> bool:
    return isinstance(document.get("status"), str) and ("request" in document or "instance" in document)


def _is_sure(document: JsonObject) -> bool:
    """Tell a row by what no other log has together."""
    if not _is_row(document):
        return False
    if "request" not in document:
        firsts = list_at(document, "predictions")[:1]
        return any(isinstance(one, dict) and "embeddings" in one for one in firsts)
    asked = document.get("request")
    return "processed_time" in document or (
        "custom_id" in document and isinstance(asked, dict) and _OF_ANTHROPIC in asked
    )


def _names_of(job: JsonObject) -> list[Any]:
    written = part_at(job, "outputInfo")
    folder, table = written.get("gcsOutputDirectory"), written.get("bigqueryOutputTable")
    return [_id_of(job), word(folder).rstrip("/").rpartition("/")[2], word(table).rpartition(".")[2]]


def _id_of(job: JsonObject) -> str:
    return word(job.get("name")).rpartition("/")[2]


BATCHES = BatchApi(
    is_object=is_job,
    is_request=is_request,
    id_of=_id_of,
    names_of=_names_of,
    input_names_of=lambda _: [],
    facts_of=lambda job: job,
    lists="batchPredictionJobs",
)
