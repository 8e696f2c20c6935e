"""Amazon Bedrock's model invocation logs: one JSON object a call, in S3 (``.json.gz``) or in CloudWatch Logs.

Facts. ``schemaType`` is ``ModelInvocationLog``. ``identity.arn`` is who called, ``requestMetadata`` what was said of
the call. ``modelId`` is an id, or an ARN: that of a foundation model or of an inference profile of AWS's ends with
the id, which is what has a price; those of an application's profile and of provisioned throughput are ids of their own.
``output.outputBodyJson`` is the answer, an array of the events of a stream, and of ``ConverseStream`` one answer. It is
not there where it is longer than 100 KB (then ``outputBodyS3Path`` has it), or where bodies are not delivered. So the
counts beside it count where it states none: ``input.inputTokenCount`` leaves out ``cacheReadInputTokenCount`` and
``cacheWriteInputTokenCount``, as the metrics of Bedrock do, and the prompt is the sum of the three. Half of the counts
is unknown and not zero, so the other half says nothing. How long what was written is kept stands in bodies alone.

``errorCode`` names what a call failed by, as the API does. A call that failed and has no output consumed nothing, also
where its input was counted. Vectors have no output to count. ``performanceConfig.latency`` is the tier where it is
``optimized``.

Source: the user guide of Amazon Bedrock, "Monitor model invocation using CloudWatch Logs and Amazon S3" and "Monitoring
the performance of Amazon Bedrock"; whole records in AWS's samples for distillation; the schema of Panther,
``AWS.BedrockModelInvocation``; the table of Athena's in AWS's playbook for responders to incidents of Bedrock; the
errors of ``InvokeModel`` in the API reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.bedrock.models import model_of
from pipeline.collectors.families.reading import object_at, word
from pipeline.collectors.formats.gateways.access_logs import changed
from pipeline.collectors.formats.mapping import number
from pipeline.collectors.formats.places import Places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "bedrock"

ERRORS = {
    "AccessDeniedException": 403,
    "InternalServerException": 500,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ModelStreamErrorException": 424,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 400,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "ValidationException": 400,
}
"""The status of each error of the API. An error that is not here has none, and is one all the same."""
_OPERATIONS = {
    "Converse": ("/converse", False),
    "ConverseStream": ("/converse-stream", True),
    "InvokeModel": ("/invoke", False),
    "InvokeModelWithResponseStream": ("/invoke-with-response-stream", True),
}
"""The path of each operation, and whether it is a stream. A record of any other says nothing by it, and is a call."""
_EMBED = "Embed"
"""Stands for the operation of a call for vectors, which AWS logs as any other."""
_PROMPT = ("inputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount")
_COMPLETION = "outputTokenCount"
_OPTIMIZED = "optimized"

MAPPING: Mapping[str, Any] = {
    "ts": "timestamp",
    "api_key_id": "identity.arn",
    "request_id": "requestId",
    "status": [{"from": "errorCode", **ERRORS}, {"value": 200}],
    "response.error": "errorCode",
    "path": {"from": "operation", **{name: path for name, (path, _) in _OPERATIONS.items()}, _EMBED: "/embeddings"},
    "request.model": "modelId",
    "request.stream": {
        "from": "operation",
        **{name: is_stream for name, (_, is_stream) in _OPERATIONS.items()},
        _EMBED: False,
    },
    "response": "output.outputBodyJson",
    "service_tier": "performanceConfig.latency",
    "usage.prompt_tokens": {"sum": [f"input.{name}" for name in _PROMPT]},
    "usage.completion_tokens": f"output.{_COMPLETION}",
    "usage.cached_tokens": "input.cacheReadInputTokenCount",
    "usage.cache_write_tokens": "input.cacheWriteInputTokenCount",
}

PLACES = Places()


def recognises(document: JsonObject) -> bool:
    """Tell the record of one call."""
    return document.get("schemaType") == "ModelInvocationLog"


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the record, with the model's id in the place of its ARN, and without counts that are none."""
    values: JsonObject = {}
    model, operation = document.get("modelId"), document.get("operation")
    if word(operation) not in _OPERATIONS:
        values["operation"] = None
    if isinstance(model, str):
        values["modelId"] = model_of(model)
        if "embed" in model and operation == "InvokeModel":
            values["operation"] = _EMBED
    if object_at(document, "performanceConfig").get("latency") != _OPTIMIZED:
        values["performanceConfig"] = None
    asked, answer = object_at(document, "input"), object_at(document, "output")
    prompt, completion = number(asked.get(_PROMPT[0])), number(answer.get(_COMPLETION))
    has_failed = bool(document.get("errorCode")) and not completion
    is_half = prompt is None or (completion is None and _EMBED not in values.values())
    if has_failed or is_half:
        values["input"] = changed(asked, dict.fromkeys(_PROMPT))
    if has_failed:
        values["output"] = changed(answer, {_COMPLETION: None})
    return [changed(document, values)]
