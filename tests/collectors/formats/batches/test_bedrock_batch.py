"""Lines of Bedrock's batch inference, after AWS's user guide, beside the request log of the same calls."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.collectors import LogFormat
from pipeline.collectors.formats.batches import bedrock_batch, openai_batch
from pipeline.collectors.formats.batches.batch import Batch
from pipeline.collectors.formats.found import by_name, format_of
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import parse

MESSAGE = {
    "id": "msg_bdrk_1",
    "type": "message",
    "role": "assistant",
    "model": "haiku-3-20240307",
    "content": [{"type": "text", "text": "Hi."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 11, "cache_read_input_tokens": 90, "output_tokens": 7},
}
TITAN = {
    "inputTextTokenCount": 8,
    "results": [{"tokenCount": 3, "outputText": "blue\n", "completionReason": "FINISH"}],
}
CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hi."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 30, "outputTokens": 5, "totalTokens": 35},
}
VECTORS = {"embedding": [0.25, 0.5], "inputTextTokenCount": 12}
JOB = {
    "jobArn": "arn:aws:bedrock:us-west-2:123456789012:model-invocation-job/abcdefghij12",
    "jobName": "nightly",
    "modelId": "arn:aws:bedrock:us-west-2::foundation-model/amazon.titan-text-lite-v1",
    "roleArn": "arn:aws:iam::123456789012:role/batch",
    "status": "Completed",
    "submitTime": "2026-09-30T20:00:00Z",
    "lastModifiedTime": "2026-09-30T23:00:00Z",
    "endTime": "2026-09-30T22:00:00Z",
    "jobExpirationTime": "2026-10-03T20:00:00Z",
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out/"}},
}
MANIFEST = {
    "totalRecordCount": 3,
    "processedRecordCount": 3,
    "successRecordCount": 2,
    "errorRecordCount": 1,
    "inputTokenCount": 30,
    "outputTokenCount": 9,
}
KEY = {"api_key_id": {"value": "key_1"}}
ENDS = ("byte_start", "byte_end")


def line(output: Any = ..., **fields: Any) -> dict[str, Any]:
    """Return a line with its job beside it; keywords replace fields, ``...`` leaves one out."""
    found = {"recordId": "CALL0000001", "modelInput": {"inputText": "Hello"}, "modelOutput": output, "batch": JOB}
    return {name: value for name, value in (found | fields).items() if value is not ...}


def without_place(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ENDS}


@pytest.mark.parametrize(
    ("output", "counts", "model"),
    [
        (MESSAGE, (101, 7), "haiku-3-20240307"),
        (TITAN, (8, 3), None),
        (CONVERSE, (30, 5), None),
        (VECTORS, (12, 0), None),
    ],
)
def test_an_output_is_the_event_that_a_request_log_of_it_would_be(
    collect: Any, output: dict[str, Any], counts: tuple[int, int], model: str | None
) -> None:
    ours = {
        "ts": "2026-09-30T22:00:00Z",
        "api_key_id": "key_1",
        "status": 200,
        "request": {"model": "amazon.titan-text-lite-v1"},
        "response": output,
        "tier": "batch",
    }
    event = collect(line(output), format="bedrock-batch", fields=KEY).event
    expected = collect(ours, fields={"service_tier": "tier"}).event
    if "id" not in output:  # what has no id is known by its line
        event["event_id"] = expected["event_id"] = b""
    assert without_place(event) == without_place(expected)
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", *counts)
    assert (event["model_requested"], event["model_reported"]) == ("amazon.titan-text-lite-v1", model)
    assert event["service_tier"] == "batch"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"error": {"errorCode": 400, "errorMessage": "bad request"}}, 400),
        ({"error": {"errorCode": "ThrottlingException", "errorMessage": "slow down"}}, 429),
        ({"error": {"errorCode": "Odd", "errorMessage": "x"}}, 0),
        ({"modelOutput": {"errorCode": 400, "errorMessage": "x", "expired": False, "retryable": False}}, 400),
        ({"modelOutput": {}}, 0),
        ({"modelOutput": None}, 0),
    ],
)
def test_a_record_that_failed_is_an_error_and_costs_nothing(collect: Any, fields: dict[str, Any], status: int) -> None:
    event = collect(line(**fields), format="bedrock-batch", fields=KEY).event
    assert (event["status"], event["http_status"]) == ("failed", status)
    assert (event["prompt_tokens"], event["completion_tokens"]) == (None, None)


def test_an_answer_beside_an_error_was_consumed(collect: Any) -> None:
    error = {"errorCode": 500, "errorMessage": "partial"}
    event = collect(line(TITAN, error=error), format="bedrock-batch", fields=KEY).event
    assert (event["status"], event["http_status"], event["prompt_tokens"]) == ("measured", 500, 8)


def test_the_same_record_id_in_two_files_of_a_job_is_two_records_and_a_copy_of_a_line_is_none(collect: Any) -> None:
    one, other = line(VECTORS), line(VECTORS | {"embedding": [0.75]})
    events = collect(one, other, one, format="bedrock-batch", fields=KEY).events
    assert len({event["event_id"] for event in events}) == 2
    assert {event["request_id"] for event in events} == {None}


def test_a_message_that_is_in_the_invocation_log_too_is_the_same_call_of_one_key(collect: Any) -> None:
    logged = {
        "schemaType": "ModelInvocationLog",
        "timestamp": "2026-09-30T21:59:59Z",
        "requestId": "r-1",
        "operation": "InvokeModel",
        "modelId": "anthropic.haiku-3-20240307-v1:0",
        "identity": {"arn": "arn:aws:sts::123456789012:assumed-role/batch/x"},
        "input": {"inputTokenCount": 11},
        "output": {"outputBodyJson": MESSAGE, "outputTokenCount": 7},
    }
    of_log = collect(logged, format="bedrock", fields=KEY).event
    assert of_log["event_id"] == collect(line(MESSAGE), format="bedrock-batch", fields=KEY).event["event_id"]


def test_whose_it_was_may_stand_in_the_input(collect: Any) -> None:
    asked = {"messages": [], "requestMetadata": {"api_key_id": "key_1", "tenant": "west"}}
    event = collect(line(CONVERSE, modelInput=asked)).event
    assert (event["api_key_id"], event["model_requested"]) == ("key_1", "amazon.titan-text-lite-v1")
    fields = {"api_key_id": "modelInput.requestMetadata.tenant"}
    assert (
        collect(line(CONVERSE, modelInput=asked), format="bedrock-batch", fields=fields).event["api_key_id"] == "west"
    )


@pytest.mark.parametrize(
    ("gone", "at"), [((), 22), (("endTime",), 23), (("endTime", "lastModifiedTime"), 20), (tuple(JOB), None)]
)
def test_the_time_is_that_of_the_job_and_without_one_there_is_none(
    collect: Any, gone: tuple[str, ...], at: int | None
) -> None:
    job = {name: value for name, value in JOB.items() if name not in gone}
    found = collect(line(TITAN, batch=job), format="bedrock-batch", fields=KEY)
    if at is None:
        assert [row["reason"] for row in found.quarantined] == ["missing_field"]
    else:
        assert found.event["occurred_at"].hour == at


@pytest.mark.parametrize(
    "document", [MANIFEST, JOB, {"recordId": "a", "modelInput": {}}, {"modelInput": {"inputText": "x"}}]
)
def test_manifests_jobs_and_inputs_are_no_exchanges(document: dict[str, Any]) -> None:
    assert format_of(document) is by_name()["bedrock-batch"]
    assert bedrock_batch.entries(document) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"recordId": "a"},
        {"recordId": "a", "error": "x"},
        {"recordId": "a", "error": {"code": 1}, "level": "info"},
        {"modelInput": {}, "level": "info"},
        {"modelOutput": {}},
        {"jobArn": "arn:aws:batch:us-west-2:1:job/a"},
        {"totalRecordCount": 1},
    ],
)
def test_lines_of_other_tools_are_not_taken_for_one(document: dict[str, Any]) -> None:
    assert not bedrock_batch.recognises(document)
    with pytest.raises(LineRefused, match="recordId and modelOutput, or recordId and error"):
        bedrock_batch.entries(document)


def test_a_line_whose_error_is_stated_twice_is_refused_and_asked_by_no_format_in_vain() -> None:
    twice = parse('{"recordId": "a", "error": {"errorCode": 1}, "error": {"errorCode": 2}}')
    assert format_of(twice) is by_name()["bedrock-batch"]
    with pytest.raises(LineRefused, match="duplicate_key"):
        bedrock_batch.entries(twice)


def test_only_a_job_is_put_beside_a_record_and_only_where_it_has_none() -> None:
    of_openai = {"id": "b", "object": "batch", "created_at": 1}
    bare = line(TITAN, batch=...)
    assert bedrock_batch.joined(dict(bare), Batch(object=JOB, requests=None)) == bare | {"batch": JOB}
    assert bedrock_batch.joined(dict(bare), Batch(object=of_openai, requests=None)) == bare
    own = line(TITAN, batch={"endTime": "x"})
    assert bedrock_batch.joined(dict(own), Batch(object=JOB, requests=None)) == own
    assert bedrock_batch.joined(dict(MANIFEST), Batch(object=JOB, requests=None)) == MANIFEST
    result = {"id": "r", "custom_id": "a", "response": {"body": {}}}
    assert openai_batch.joined(dict(result), Batch(object=JOB, requests=None)) == result


def test_a_job_is_named_by_the_end_of_its_arn() -> None:
    assert bedrock_batch.BATCHES.names_of(JOB) == ["abcdefghij12"]
    assert (bedrock_batch.BATCHES.id_of(JOB), bedrock_batch.BATCHES.input_names_of(JOB)) == ("abcdefghij12", [])
    assert LogFormat(format=bedrock_batch.NAME).format == "bedrock-batch"
