"""Rows of Databricks' inference tables and of its tables of usage, and what each of them bills."""

from __future__ import annotations

import json
from typing import Any

import pytest
from logged_documents import databricks_row

from pipeline.collectors.formats.clouds import databricks
from pipeline.collectors.formats.found import format_of

TABLES = ("payload", "first", "newer", "endpoint-usage", "gateway-usage")
EACH = pytest.mark.parametrize("table", TABLES)
BODIES = TABLES[:3]
NOBODY = {"api_key_id": {"value": "desk"}}


def read(collect: Any, table: str, **fields: Any) -> Any:
    """Read a row; those of the first tables say nobody."""
    settings = {"format": "databricks", "fields": NOBODY} if table == "first" else {}
    return collect(databricks_row(table, **fields), **settings)


@EACH
def test_a_row_is_an_event_of_whoever_asked(table: str, collect: Any) -> None:
    found = format_of(databricks_row(table))
    assert found is not None
    assert found.name == "databricks"
    collected = read(collect, table)
    event = collected.event
    assert (event["status"], *collected.tokens[:2]) == ("measured", 40, 5)
    assert (event["request_id"], event["model_reported"], event["http_status"]) == ("5a5e4a4e-1", "jamba-large", 200)
    assert event["api_key_id"] == ("desk" if table == "first" else "key_1")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"
    assert event["response_id"] == ("chatcmpl-1" if table in BODIES else None)


def test_the_first_tables_say_nobody(collect: Any) -> None:
    assert collect(databricks_row("first")).refusal == ("missing_field", "api_key or api_key_id")


@pytest.mark.parametrize("table", BODIES)
def test_an_answer_is_read_by_the_family_of_its_model(table: str, collect: Any) -> None:
    usage = {"input_tokens": 6, "output_tokens": 5, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4}
    answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": "jamba", "content": [], "usage": usage}
    for response in (json.dumps(answer), answer):
        assert read(collect, table, response=response).tokens == (40, 5, 30, 4, None)
    chunk = {"id": "chatcmpl-1", "model": "jamba", "choices": [{"delta": {"content": "x"}}]}
    last = {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 5}}
    events = "".join(f"data: {json.dumps(each)}\n\n" for each in (chunk, last))
    assert read(collect, table, response=events).tokens[:2] == (40, 5)


@pytest.mark.parametrize("table", BODIES)
def test_a_row_without_its_answer_is_unknown_and_one_that_failed_has_failed(table: str, collect: Any) -> None:
    lost = {"response": None, "logging_error_codes": ["MAX_RESPONSE_SIZE_EXCEEDED"]}
    assert read(collect, table, **lost).event["status"] == "unknown"
    assert read(collect, table, response=None, status_code=429).event["status"] == "failed"
    agents = json.dumps({"object": "response", "output": [], "databricks_output": {"trace": {"data": {"spans": []}}}})
    assert read(collect, table, response=agents).event["status"] == "unknown"


def test_parts_are_read_and_the_total_tells_whether_they_lie_within(collect: Any) -> None:
    details = {"cache_read_input_tokens": 30, "cache_creation_input_tokens": 4, "output_reasoning_tokens": 3}
    row = databricks_row("gateway-usage", token_details=details)
    assert collect(row).tokens == (40, 5, 30, 4, 3)
    assert collect(row | {"token_details": json.dumps(details)}).tokens == (40, 5, 30, 4, 3)
    apart = row | {"input_tokens": 6, "token_details": {**details, "output_reasoning_tokens": 0}}
    assert collect(apart).tokens[:4] == (40, 5, 30, 4)
    assert collect(apart | {"total_tokens": 11}).refusal[0] == "contradictory_usage"


@pytest.mark.parametrize(
    ("table", "said", "expected"),
    [
        ("gateway-usage", {"api_type": "mlflow/v1/embeddings", "output_tokens": None, "total_tokens": 40}, (40, 0)),
        ("gateway-usage", {"api_type": "anthropic/v1/messages"}, (40, 5)),
        ("gateway-usage", {"api_type": "openai/v1/responses"}, (40, 5)),
        ("gateway-usage", {"api_type": "something/of/ones/own"}, (40, 5)),
        ("gateway-usage", {"api_type": None}, (40, 5)),
        ("endpoint-usage", {"task": "llm/v1/embeddings", "output_token_count": 0}, (40, 0)),
        ("endpoint-usage", {"task": "llm/v1/completions"}, (40, 5)),
        ("endpoint-usage", {"task": None}, (40, 5)),
    ],
)
def test_what_was_asked_is_the_type_of_the_api_or_the_task(
    table: str, said: dict[str, Any], expected: tuple[int, int], collect: Any
) -> None:
    event = collect(databricks_row(table, **said)).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", *expected)


def test_images_are_not_metered_and_what_is_no_model_is_nothing(collect: Any) -> None:
    row = databricks_row("gateway-usage", api_type="openai/v1/images/generations")
    assert collect(row).event["status"] == "not_metered"
    nothing = collect(databricks_row("gateway-usage", service_type="MCP_SERVICE", input_tokens=None))
    assert not nothing.events
    assert not nothing.quarantined
    assert collect(databricks_row("gateway-usage", service_type="MODEL_SERVICE")).tokens[:2] == (40, 5)


@pytest.mark.parametrize("table", TABLES[3:])
def test_a_row_of_usage_without_counts_is_unknown(table: str, collect: Any) -> None:
    names = ("input_tokens", "output_tokens", "total_tokens", "input_token_count", "output_token_count")
    for counts in (None, 0):
        row = databricks_row(table)
        said = {name: counts for name in names if name in row}
        assert collect(row | said).event["status"] == "unknown"
        assert collect(row | said | {"status_code": 400}).event["status"] == "failed"


def test_what_a_caller_said_of_its_call_tells_whose_it_was_only_where_a_source_names_it(collect: Any) -> None:
    usage = databricks_row("endpoint-usage", usage_context={"api_key_id": "key_2", "project": "p"})
    gateway = databricks_row("gateway-usage", request_tags={"api_key_id": "key_2", "project": "p"})
    for row, place in ((usage, "usage_context.project"), (gateway, "request_tags.project")):
        assert collect(row).event["api_key_id"] == "key_1"
        assert collect(row, format="databricks", fields={"api_key_id": place}).event["api_key_id"] == "p"


def test_an_instant_without_an_offset_is_of_utc(collect: Any) -> None:
    for table in ("payload", "gateway-usage"):
        name = "request_time" if table == "payload" else "event_time"
        row = databricks_row(table, **{name: "2026-11-03 10:00:01.25"})
        assert (
            collect(row, time_zone="Europe/Berlin").event["occurred_at"].isoformat().startswith("2026-11-03T10:00:01")
        )


def test_a_call_in_an_inference_table_and_in_its_usage_is_one_by_the_id_of_its_request(collect: Any) -> None:
    rows = [databricks_row("payload"), databricks_row("endpoint-usage")]
    events = collect(*rows, identity="request-id").events
    assert len({event["event_id"] for event in events}) == 1


@pytest.mark.parametrize(
    "document",
    [
        {"databricks_request_id": "r"},
        {"request": "{}", "response": "{}"},
        {"event_time": "x", "requester": "y", "destination_model": "z"},
    ],
)
def test_what_has_not_all_of_it_is_no_row(document: dict[str, Any]) -> None:
    assert not databricks.recognises(document)
