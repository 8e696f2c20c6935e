"""Output files of Amazon Bedrock's batch inference: ``{recordId, modelInput, modelOutput}``, one JSON object a line.

Facts. ``modelOutput`` is the answer as ``InvokeModel`` returns it, or ``Converse`` where the job's
``modelInvocationType`` says so: families read it. Where there is none, ``error`` says why (``errorCode``, a number or
the name of an exception, and ``errorMessage``); for an input that was not valid these stand in ``modelOutput``
itself. A job puts its files (``NAME.jsonl.out``) into a folder that is named by the last part of its ``jobArn``, and
``manifest.json.out`` beside them, whose counts are the sums of the lines.

The file says neither when nor by which model nor for whom. Time and model (``modelId``, as in ``gateways.bedrock``) are
those of the job, as ``GetModelInvocationJob`` returns it; whose it was, the input may say (the ``requestMetadata`` of
Converse's), or the source. A ``recordId`` is the caller's, and is nowhere said to be
unique among the files of a job: it identifies nothing. So an answer without an id is known by its line.

Source: the user guide of Amazon Bedrock, "Format and upload your batch inference data" and "View the results of a batch
inference job"; ``GetModelInvocationJob`` and ``ListModelInvocationJobs`` in its API reference; errors within
``modelOutput`` in tests of langasync, ``tests/fixtures/bedrock_responses``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.bedrock.models import model_of
from pipeline.collectors.families.reading import object_at, part_at, word
from pipeline.collectors.formats.batches.batch import NO_ANSWER, TIER, BatchApi, with_batch
from pipeline.collectors.formats.gateways.access_logs import changed
from pipeline.collectors.formats.gateways.bedrock import ERRORS
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.formats.batches.batch import Batch
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "bedrock-batch"

_TIMES = ("endTime", "lastModifiedTime", "submitTime")
"""Of a job: when it was done, else when it was last heard of."""
_JOB = re.compile(r"arn:[a-z0-9-]+:bedrock:[a-z0-9-]*:[0-9]*:model-invocation-job/(.+)")
_OF_ERROR = frozenset(("errorCode", "errorMessage"))
_OF_MANIFEST = frozenset(("totalRecordCount", "successRecordCount"))
_OF_INPUT = frozenset(("recordId", "modelInput"))
_OF_OUTPUT = _OF_INPUT | {"modelOutput", "error", "batch"}
"""All that a line has, with what is put beside it."""

MAPPING: Mapping[str, Any] = {
    "ts": [f"batch.{name}" for name in _TIMES],
    "api_key_id": "modelInput.requestMetadata.api_key_id",
    "status": "status",
    "request": "modelInput",
    "request.model": "batch.modelId",
    "response": "modelOutput",
    "service_tier": {"value": TIER},
}

PLACES = Places(marks=("error.errorMessage",))


def recognises(document: JsonObject) -> bool:
    """Tell a line of a job's input or output, its manifest, and a job."""
    return is_result(document) or is_request(document) or _is_manifest(document) or is_job(document)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the record, with what its status was, and the model's id in the place of its ARN; none of anything else.

    Raises ``LineRefused`` (``missing_field``) where a document is nothing of a job's.
    """
    if not recognises(document):
        raise LineRefused(QuarantineReason.MISSING_FIELD, "recordId and modelOutput, or recordId and error")
    if not is_result(document):
        return []
    job = object_at(document, "batch")
    output = stated_once(document, "modelOutput")
    error = object_at(document, "error") or _error_in(output)
    values: JsonObject = {"status": _status(error.get("errorCode")) if error or not output else 200}
    if not output or _error_in(output):
        values["modelOutput"] = NO_ANSWER
    if job:
        values["batch"] = changed(job, {"modelId": model_of(stated_once(job, "modelId"))})
    return [changed(document, values)]


def joined(document: JsonObject, batch: Batch) -> JsonObject:
    """Return a line of an output file with its job beside it, unless it has its own."""
    return with_batch(document, batch, BATCHES) if is_result(document) else document


def is_result(document: JsonObject) -> bool:
    """Tell a line of an output file."""
    if "recordId" not in document:
        return False
    return "modelOutput" in document or (document.keys() <= _OF_OUTPUT and bool(part_at(document, "error")))


def is_request(document: JsonObject) -> bool:
    """Tell a line of an input file: what was asked, and not what came of it."""
    return "modelInput" in document and document.keys() <= _OF_INPUT


def is_job(document: JsonObject) -> bool:
    """Tell a job, as the API returns it."""
    return _JOB.fullmatch(word(document.get("jobArn"))) is not None


def _is_manifest(document: JsonObject) -> bool:
    return document.keys() >= _OF_MANIFEST and not is_job(document)


def _error_in(output: Any) -> JsonObject:
    """Return what is an error in the place of an answer, an empty object where it is none."""
    return output if isinstance(output, dict) and output.keys() >= _OF_ERROR else {}


def _status(code: Any) -> Any:
    """Return the status of HTTP that an error is: its number, or that of its name."""
    return ERRORS.get(code) if isinstance(code, str) else code


def _id_of(job: JsonObject) -> str:
    named = _JOB.fullmatch(word(job.get("jobArn")))
    return "" if named is None else named[1]


BATCHES = BatchApi(
    is_object=is_job,
    is_request=is_request,
    id_of=_id_of,
    names_of=lambda job: [_id_of(job)],
    input_names_of=lambda _: [],
    facts_of=lambda job: job,
    lists="invocationJobSummaries",
)
