"""Results of the Gemini API's batches: a whole operation as it was recorded, lines of files, and what each bills."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.collectors.formats.batches import gemini_batch
from pipeline.collectors.formats.batches.batch import Batch
from pipeline.collectors.formats.found import by_name, format_of
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import parse

ANSWER = {
    "candidates": [{"content": {"parts": [{"text": "4"}], "role": "model"}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {
        "promptTokenCount": 13,
        "candidatesTokenCount": 1,
        "totalTokenCount": 57,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 13}],
        "thoughtsTokenCount": 43,
        "serviceTier": "standard",
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "xr-FavMd3JGa2Q-swqfYBw",
}
FACTS = {
    "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
    "model": "models/gemini-2.5-flash",
    "displayName": "nightly",
    "inputConfig": {"fileName": "files/frh6ua11nk3o"},
    "createTime": "2026-09-30T14:34:12.267870162Z",
    "endTime": "2026-09-30T14:40:30.652367187Z",
    "updateTime": "2026-09-30T14:50:00Z",
    "batchStats": {"requestCount": "2", "successfulRequestCount": "2"},
    "state": "BATCH_STATE_SUCCEEDED",
    "name": "batches/31u18uq6dr4o",
}
OPERATION: dict[str, Any] = {
    "name": "batches/31u18uq6dr4o",
    "metadata": FACTS,
    "done": True,
    "response": {
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatchOutput",
        "responsesFile": "files/batch-31u18uq6dr4o",
    },
}
KEY = {"api_key_id": {"value": "key_1"}}
ENDS = ("byte_start", "byte_end")


def line(**fields: Any) -> dict[str, Any]:
    """Return a line with its batch beside it; ``...`` leaves a field out."""
    found = {"key": "request-1", "response": ANSWER, "batch": OPERATION} | fields
    return {name: value for name, value in found.items() if value is not ...}


def inlined(*results: Any, twice: bool = True) -> dict[str, Any]:
    """Return an operation that holds its results, as it was recorded: in its answer, and once more."""
    output = {"inlinedResponses": {"inlinedResponses": [*results]}}
    return OPERATION | {"response": output, "metadata": FACTS | ({"output": output} if twice else {})}


def without_place(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ENDS}


def test_a_line_is_the_event_that_a_request_log_of_it_would_be(collect: Any) -> None:
    ours = {
        "ts": "2026-09-30T14:40:30.652367187Z",
        "api_key_id": "key_1",
        "status": 200,
        "request": {"model": "gemini-2.5-flash"},
        "response": ANSWER,
        "tier": "batch",
    }
    event = collect(line(), format="gemini-batch", fields=KEY).event
    assert without_place(event) == without_place(collect(ours, fields={"service_tier": "tier"}).event)
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 13, 44)
    assert (event["reasoning_tokens"], event["service_tier"]) == (43, "batch")


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        ({"embedding": {"values": [0.1]}, "usageMetadata": {"promptTokenCount": 17}}, ("measured", 17, 0)),
        ({"embedding": {"values": [0.1]}, "tokenCount": 4}, ("measured", 4, 0)),
        ({"embedding": {"values": [0.1]}}, ("unknown", None, None)),
    ],
)
def test_vectors_are_billed_where_they_state_their_tokens(
    collect: Any, answer: dict[str, Any], counts: tuple[str, int | None, int | None]
) -> None:
    event = collect(line(response=answer), format="gemini-batch", fields=KEY).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == counts
    assert event["model_requested"] == "gemini-2.5-flash"


def test_a_request_that_failed_is_an_error_and_costs_nothing(collect: Any) -> None:
    failed = line(response=..., error={"code": 400, "message": "no such thing"})
    event = collect(failed, format="gemini-batch", fields=KEY).event
    assert (event["status"], event["http_status"], event["prompt_tokens"]) == ("failed", 0, None)


@pytest.mark.parametrize("twice", [True, False])
def test_each_result_that_an_operation_holds_is_an_event_and_counts_once(collect: Any, *, twice: bool) -> None:
    other = ANSWER | {"responseId": "UMCFarbOEOqsz7IPvIHruQ0"}
    whose = {"metadata": {"key": "a", "api_key_id": "key_1"}}
    failed = {"error": {"code": 3, "message": "x"}}
    vectors = [{"response": {"embedding": {"values": [0.1]}, "tokenCount": 4}} for _ in range(2)]
    document = inlined(*(each | whose for each in ({"response": ANSWER}, {"response": other}, failed, *vectors)))
    assert format_of(document) is by_name()["gemini-batch"]
    events = collect(document if twice else document | {"response": None}, format="gemini-batch").events
    assert [event["status"] for event in events] == ["measured", "measured", "failed", "measured", "measured"]
    assert [event["request_id"] for event in events] == [f"batches/31u18uq6dr4o/{number}" for number in range(5)]
    assert len({event["event_id"] for event in events}) == 5
    assert {event["occurred_at"].isoformat() for event in events} == {"2026-09-30T14:40:30.652367+00:00"}
    assert {(event["api_key_id"], event["service_tier"]) for event in events} == {("key_1", "batch")}


def test_a_result_that_is_no_object_costs_no_other(collect: Any) -> None:
    whose = {"metadata": {"api_key_id": "key_1"}}
    found = collect(inlined(7, {"response": ANSWER} | whose))
    assert [row["reason"] for row in found.quarantined] == ["not_an_object"]
    assert [event["request_id"] for event in found.events] == ["batches/31u18uq6dr4o/1"]


def test_an_answer_in_a_file_and_in_its_operation_is_the_same_call(collect: Any) -> None:
    of_line = collect(line(), format="gemini-batch", fields=KEY).event
    assert (
        of_line["event_id"]
        == collect(inlined({"response": ANSWER}), format="gemini-batch", fields=KEY).event["event_id"]
    )


def test_a_key_of_a_request_identifies_nothing(collect: Any) -> None:
    vectors = [{"embedding": {"values": [value]}, "tokenCount": 4} for value in (0.1, 0.2, 0.1)]
    events = collect(*(line(response=each) for each in vectors), format="gemini-batch", fields=KEY).events
    assert len({event["event_id"] for event in events}) == 2


@pytest.mark.parametrize(
    "document",
    [
        OPERATION,
        {"name": "batches/a", "metadata": FACTS},
        {"key": "a", "request": {"contents": []}},
        {"key": "a", "request": {"content": {"parts": []}, "output_dimensionality": 64}},
    ],
)
def test_operations_without_results_and_requests_are_no_exchanges(document: dict[str, Any]) -> None:
    assert gemini_batch.entries(document) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"key": "a"},
        {"key": "a", "response": {}},
        {"key": "a", "response": {"weather": "fine"}},
        {"key": "a", "response": ANSWER, "level": "info"},
        {"key": "a", "error": "x"},
        {"key": "a", "request": {}},
        {"key": "a", "value": 7},
        {"response": ANSWER},
        {"name": "jobs/a", "metadata": {}},
        {"done": True, "response": {}},
    ],
)
def test_lines_of_other_tools_are_not_taken_for_one(document: dict[str, Any]) -> None:
    assert not gemini_batch.recognises(document)
    with pytest.raises(LineRefused, match="key and response, or key and error"):
        gemini_batch.entries(document)


def test_an_answer_that_is_stated_twice_is_refused() -> None:
    twice = '"inlinedResponses": [1], "inlinedResponses": [2]'
    for text in (
        '{"key": "a", "response": {"candidates": []}, "response": {"candidates": [1]}}',
        '{"name": "batches/a", "metadata": {}, "done": true, "response": {"responsesFile": "a"}, "response": {}}',
        f'{{"name": "batches/a", "metadata": {{}}, "response": {{"inlinedResponses": {{{twice}}}}}}}',
    ):
        with pytest.raises(LineRefused, match="duplicate_key"):
            gemini_batch.entries(parse(text))


def test_what_its_request_asked_for_is_put_beside_a_line() -> None:
    requests = {"request-1": {"key": "request-1", "request": {"model": "m"}}}
    known = Batch(object=OPERATION, requests=requests)
    bare = line(batch=...)
    assert gemini_batch.joined(dict(bare), known) == bare | {"batch": OPERATION, "request": requests["request-1"]}
    assert gemini_batch.joined(bare | {"key": "b"}, known) == bare | {"key": "b", "batch": OPERATION}
    assert known.unmatched == {"b"}


def test_an_operation_is_named_by_its_id_and_by_its_files() -> None:
    api = gemini_batch.BATCHES
    assert api.names_of(OPERATION) == ["31u18uq6dr4o", "batch-31u18uq6dr4o", None]
    assert (api.id_of(OPERATION), api.input_names_of(OPERATION)) == ("31u18uq6dr4o", ["frh6ua11nk3o"])
    assert [api.has_results(each) for each in (OPERATION, inlined({"response": ANSWER}), inlined())] == [
        *(False, True, False)
    ]
