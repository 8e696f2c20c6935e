"""Rows of Vertex AI's batch predictions, after Google's pages, beside the request log of the same calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.collectors.formats.batches import openai_batch, vertex_batch
from pipeline.collectors.formats.batches.batch import Batch
from pipeline.collectors.formats.found import by_name, format_of
from pipeline.collectors.values.refusal import LineRefused

ANSWER: dict[str, Any] = {
    "candidates": [{"content": {"parts": [{"text": "Hello!"}], "role": "model"}, "finishReason": "STOP"}],
    "createTime": "2026-09-30T21:29:47.484619Z",
    "modelVersion": "gemini-2.5-flash-lite",
    "responseId": "S8vNaIvKHdvshMIP_aOtuAg",
    "usageMetadata": {
        "candidatesTokenCount": 10,
        "promptTokenCount": 9,
        "totalTokenCount": 19,
        "trafficType": "ON_DEMAND",
    },
}
MESSAGE = {
    "id": "msg_vrtx_1",
    "type": "message",
    "role": "assistant",
    "model": "haiku-4-5",
    "content": [{"type": "text", "text": "Hi."}],
    "usage": {"input_tokens": 5, "cache_read_input_tokens": 90, "output_tokens": 7},
}
ASKED: dict[str, Any] = {"contents": [{"parts": [{"text": "Hello"}]}], "labels": {"api_key_id": "key_1"}}
JOB: dict[str, Any] = {
    "name": "projects/7/locations/us-central1/batchPredictionJobs/9876453210000000000",
    "displayName": "nightly",
    "model": "publishers/google/models/text-embedding-005",
    "state": "JOB_STATE_SUCCEEDED",
    "outputInfo": {"gcsOutputDirectory": "gs://b/out/prediction-model-2026-09-30T20:06:30.166279Z"},
    "createTime": "2026-09-30T20:06:30.166279Z",
    "startTime": "2026-09-30T20:07:00Z",
    "endTime": "2026-09-30T22:00:00Z",
    "updateTime": "2026-09-30T22:00:01Z",
    "labels": {"api_key_id": "key_2"},
}
VECTORS = {"embeddings": {"statistics": {"token_count": 8, "truncated": False}, "values": [0.2]}}
ENDS = ("byte_start", "byte_end")


def row(**fields: Any) -> dict[str, Any]:
    """Return a row; keywords replace fields, ``...`` leaves one out."""
    found = {
        "status": "",
        "processed_time": "2026-09-30T21:29:47.352+00:00",
        "request": ASKED,
        "response": ANSWER,
    } | fields
    return {name: value for name, value in found.items() if value is not ...}


def without_place(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ENDS}


def test_a_row_is_the_event_that_a_request_log_of_it_would_be(collect: Any) -> None:
    ours = {
        "ts": "2026-09-30T21:29:47.484619Z",
        "api_key_id": "key_1",
        "status": 200,
        "response": ANSWER,
        "tier": "batch",
    }
    event = collect(row()).event
    assert without_place(event) == without_place(collect(ours, fields={"service_tier": "tier"}).event)
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 9, 10)
    assert event["service_tier"] == "batch"


@pytest.mark.parametrize(
    "fields",
    [
        {"request": json.dumps(ASKED), "response": json.dumps(ANSWER)},
        {"processed_time": "2026-09-30 21:29:47.352 UTC"},
        {"processed_time": "2026-09-30 21:29:47.352"},
        {"custom_id": "a", "id": 7, "path": "/v1/images", "method": "GET", "status_code": 500},
        {"name": JOB["name"], "batch": {"labels": {"api_key_id": "key_3"}}, "predictions": []},
    ],
)
def test_rows_out_of_bigquery_are_the_same_whatever_columns_were_handed_on(
    collect: Any, fields: dict[str, Any]
) -> None:
    plain, event = collect(row()).event, collect(row(**fields)).event
    for name in ("api_key_id", "occurred_at", "event_id", "status", "http_status", "prompt_tokens"):
        assert event[name] == plain[name]


def test_without_a_time_of_the_answer_it_is_that_of_the_row_in_utc(collect: Any) -> None:
    answer = {name: value for name, value in ANSWER.items() if name != "createTime"}
    for written in ("2026-09-30T21:29:47.352+00:00", "2026-09-30 21:29:47.352 UTC", "2026-09-30 21:29:47.352"):
        event = collect(row(response=answer, processed_time=written)).event
        assert event["occurred_at"].isoformat() == "2026-09-30T21:29:47.352000+00:00"


@pytest.mark.parametrize("answer", [..., None, {}, "", "{}", "{ }", "\n{}\n", " null", " "])
def test_a_row_whose_status_says_why_it_has_no_answer_is_an_error_and_costs_nothing(collect: Any, answer: Any) -> None:
    status = 'Bad Request: {"error": {"code": 400, "message": "x", "status": "INVALID_ARGUMENT"}}'
    event = collect(row(status=status, response=answer)).event
    assert (event["status"], event["http_status"], event["prompt_tokens"]) == ("failed", 0, None)
    assert event["occurred_at"].isoformat() == "2026-09-30T21:29:47.352000+00:00"


def test_a_row_that_says_nothing_of_its_answer_is_unknown(collect: Any) -> None:
    assert collect(row(response=None)).event["status"] == "unknown"


def test_messages_of_anthropic_are_billed_at_the_time_of_their_job(collect: Any) -> None:
    asked = {"messages": [], "anthropic_version": "vertex-2023-10-16", "max_tokens": 50}
    line = row(custom_id="request-1", request=asked, response=MESSAGE, processed_time=..., batch=JOB)
    assert format_of(line) is by_name()["vertex-batch"]
    event = collect(line).event
    assert (event["dialect"], event["prompt_tokens"], event["prompt_cached_tokens"]) == ("anthropic", 95, 90)
    assert (event["model_reported"], event["service_tier"], event["api_key_id"]) == (*("haiku-4-5", "batch", "key_2"),)
    assert event["occurred_at"].isoformat() == "2026-09-30T22:00:00+00:00"


def test_vectors_are_a_prompt_and_their_model_is_that_of_the_job(collect: Any) -> None:
    line = {"instance": {"content": "Give..."}, "predictions": [VECTORS], "status": "", "batch": JOB}
    event = collect(line).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 8, 0)
    assert (event["model_requested"], event["api_key_id"]) == ("text-embedding-005", "key_2")
    assert event["occurred_at"].isoformat() == "2026-09-30T22:00:00+00:00"
    failed = collect(line | {"predictions": [], "status": "Internal"}, format="vertex-batch").event
    assert (failed["status"], failed["prompt_tokens"]) == ("failed", None)


def test_a_row_is_not_taken_for_a_result_of_another_api() -> None:
    for line in (row(custom_id="a", id="x"), row(custom_id="a", error=None), row(key="a")):
        assert not openai_batch.recognises(line)
        assert format_of(line) is by_name()["vertex-batch"]


@pytest.mark.parametrize(
    "document", [JOB, {"request": ASKED}, {"custom_id": "a", "request": {"anthropic_version": "vertex-2023-10-16"}}]
)
def test_jobs_and_inputs_are_no_exchanges(document: dict[str, Any]) -> None:
    assert vertex_batch.entries(document) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"status": "ok"},
        {"status": 200, "processed_time": "x", "request": {}},
        {"request": {"url": "/"}, "level": "info"},
        {"request": {"model": "m"}},
        {"instance": {}, "prediction": [1]},
        {"processed_time": "x", "response": {}},
    ],
)
def test_lines_of_other_tools_are_not_taken_for_one(document: dict[str, Any]) -> None:
    assert not vertex_batch.recognises(document)
    with pytest.raises(LineRefused, match="status and request, or status and predictions"):
        vertex_batch.entries(document)


@pytest.mark.parametrize(
    "document",
    [
        {"status": "done", "request": {"url": "/"}, "response": {"code": 200}},
        {"status": "", "custom_id": "a", "request": {"model": "m"}, "response": {}},
        {"status": "", "instance": "i-0abc", "predictions": [1, 2]},
    ],
)
def test_what_may_be_another_tool_s_is_read_only_where_its_source_says_so(document: dict[str, Any]) -> None:
    assert not vertex_batch.recognises(document)
    assert len(vertex_batch.entries(document)) == 1


def test_a_job_is_put_beside_its_rows() -> None:
    known = Batch(object=JOB, requests=None)
    assert vertex_batch.joined(row(), known) == row(batch=JOB)
    assert vertex_batch.joined({"request": ASKED}, known) == {"request": ASKED}
    assert vertex_batch.joined(dict(JOB), known) == JOB


def test_a_job_is_named_by_its_id_by_its_folder_and_by_its_table() -> None:
    api = vertex_batch.BATCHES
    table = JOB | {"outputInfo": {"bigqueryOutputTable": "bq://p.d.predictions_2026_09_30"}}
    assert api.names_of(JOB) == ["9876453210000000000", "prediction-model-2026-09-30T20:06:30.166279Z", ""]
    assert api.names_of(table) == ["9876453210000000000", "", "predictions_2026_09_30"]
    assert (api.id_of(JOB), api.input_names_of(JOB)) == ("9876453210000000000", [])
