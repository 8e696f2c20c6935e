"""Rows that databases export, with the types of their values or the event of a change around them, are their lines."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors.values.copy_escapes import copied
from pipeline.collectors.values.stored_rows import row_in, written
from pipeline.collectors.values.strict_json import parse
from pipeline.collectors.wrappers import stored_rows, wrapper_of

ANSWER = {
    "id": "chatcmpl-1",
    "model": "jamba-large",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": 'a "text"\n'}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25},
}
ROW = {"ts": "2026-10-01T00:00:00.123Z", "api_key_id": "key_1", "status": 200, "response": ANSWER}
_PLACES = {"byte_start", "byte_end", "line"}


def of_mongodb(row: dict[str, Any], *, is_canonical: bool) -> dict[str, Any]:
    """A document as ``mongoexport`` writes it: a time, and in the canonical mode each number, with its type."""

    def typed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: typed(each) for name, each in value.items()}
        if isinstance(value, list):
            return [typed(each) for each in value]
        return {"$numberInt": str(value)} if is_canonical and isinstance(value, int) else value

    at = {"$numberLong": "1790812800123"} if is_canonical else row["ts"]
    return {"_id": {"$oid": "66fb3c000000000000000001"}, **typed(row), "ts": {"$date": at}}


def of_dynamodb(value: Any) -> Any:
    """A value under the letters of its type."""
    if isinstance(value, dict):
        return {"M": {name: of_dynamodb(each) for name, each in value.items()}}
    if isinstance(value, list):
        return {"L": [of_dynamodb(each) for each in value]}
    return {"NULL": True} if value is None else {"S": value} if isinstance(value, str) else {"N": str(value)}


def changed(row: Any, **said: Any) -> dict[str, Any]:
    """An event of a change, as Debezium writes it."""
    return {"before": None, "after": row, "source": {"connector": "postgresql"}, "op": "c", "ts_ms": 7} | said


ITEM = of_dynamodb(ROW)["M"]
EXPORTED = {
    "mongoexport, relaxed": of_mongodb(ROW, is_canonical=False),
    "mongoexport, canonical": of_mongodb(ROW, is_canonical=True),
    "DynamoDB to S3": {"Item": ITEM},
    "DynamoDB to S3, what changed": {
        "Metadata": {"WriteTimestampMicros": {"N": "1790812800123000"}},
        "Keys": {"ts": ITEM["ts"]},
        "NewImage": ITEM,
    },
    "a stream of DynamoDB": {
        "awsRegion": "eu-west-1",
        "eventID": "e",
        "eventName": "INSERT",
        "dynamodb": {"NewImage": ITEM},
    },
    "MongoDB's own event": {
        "_id": {"_data": "8266"},
        "operationType": "insert",
        "clusterTime": {"$timestamp": {"t": 1790812800, "i": 1}},
        "fullDocument": of_mongodb(ROW, is_canonical=True),
        "ns": {"db": "gateway", "coll": "calls"},
    },
    "Debezium": changed(ROW),
    "Debezium, of what was changed again": changed(ROW, before=ROW, op="u"),
    "Debezium of MongoDB": changed(json.dumps(of_mongodb(ROW, is_canonical=True))),
    "Debezium, with its schema": {"schema": {"type": "struct", "fields": []}, "payload": changed(ROW)},
}


def _read(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in _PLACES}


@pytest.mark.parametrize("kind", EXPORTED)
def test_an_exported_row_is_the_line_that_it_was_made_of(kind: str, collect: Any) -> None:
    expected = _read(collect(ROW).event)
    assert expected["prompt_tokens"] == 20
    assert _read(collect(EXPORTED[kind]).event) == expected


@pytest.mark.parametrize("kind", [kind for kind in EXPORTED if "mongo" in kind or "S3" in kind])
def test_so_are_rows_in_an_array(kind: str, collect: Any) -> None:
    other = EXPORTED[kind]
    assert [event["prompt_tokens"] for event in collect(json.dumps([other, other])).events] == [20, 20]


def test_an_answer_of_dynamodb_has_its_rows_in_items(collect: Any) -> None:
    page = {"Items": [ITEM, ITEM], "Count": 2, "ScannedCount": 2, "ConsumedCapacity": None}
    assert [event["completion_tokens"] for event in collect(page).events] == [5, 5]


def test_rows_that_lie_in_an_object_are_named_by_the_source(collect: Any) -> None:
    """As ``FORMAT JSON`` of ClickHouse writes them."""
    document = {"meta": [{"name": "ts", "type": "DateTime"}], "data": [ROW, ROW], "rows": 2}
    assert [event["prompt_tokens"] for event in collect(document, line_in="data").events] == [20, 20]


def test_a_batch_of_messages_has_a_line_in_each(collect: Any) -> None:
    """As queues hand them to a function (SQS, Kinesis): an array on the way to the line is gone through."""
    text = json.dumps(ROW)
    batch = {"Records": [{"messageId": "1", "body": text}, {"messageId": "2", "body": text}]}
    assert [event["prompt_tokens"] for event in collect(batch, line_in="Records.body").events] == [20, 20]
    in_base64 = {"Records": [{"kinesis": {"data": base64.b64encode(text.encode()).decode()}}] * 3}
    assert len(collect(in_base64, line_in="Records.kinesis.data").events) == 3
    odd = collect({"Records": [{"body": text}, {"messageId": "2"}]}, line_in="Records.body")
    assert (len(odd.events), [row["reason"] for row in odd.quarantined]) == (1, ["missing_field"])
    assert len(collect({"Records": [{"body": text}] * 2}, line_in="Records.1.body").events) == 1
    odd = collect({"Records": [{"kinesis": {}}, {"kinesis": {"data": text}}, 7]}, line_in="Records.kinesis.data")
    assert (len(odd.events), [row["reason"] for row in odd.quarantined]) == (1, ["missing_field"])


@pytest.mark.parametrize("line_in", ["holder.line", "holder", "other.line"])
def test_a_line_without_another_is_read_as_it_is(line_in: str, collect: Any) -> None:
    assert (
        collect(ROW | {"holder": None if line_in == "holder" else {"a": 1}}, line_in=line_in).event["prompt_tokens"]
        == 20
    )


@pytest.mark.parametrize(
    ("record", "is_base64"),
    [
        ({"topic": "t", "partition": 0, "offset": 7, "tstype": "create", "ts": 1790812800000, "payload": ...}, False),
        ({"specversion": "1.0", "type": "call", "source": "desk", "id": "1", "data": ...}, False),
        ({"version": "0", "detail-type": "call", "source": "desk", "detail": ...}, False),
        (
            {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-west-1:1:calls", "Message": ...},
            False,
        ),
        ({"recordId": "1", "data": ...}, True),
    ],
)
def test_a_message_holds_its_line(record: dict[str, Any], collect: Any, *, is_base64: bool) -> None:
    """Of Kafka (``kcat -J``), of CloudEvents, EventBridge and SNS; of any other queue a source names the place."""
    text = json.dumps(ROW)
    written = base64.b64encode(text.encode()).decode() if is_base64 else ROW if "detail" in record else text
    line = {name: written if value is ... else value for name, value in record.items()}
    event = collect(line, **({"line_in": "data"} if is_base64 else {})).event
    assert (event["api_key_id"], event["prompt_tokens"]) == ("key_1", 20)
    assert event["occurred_at"].isoformat() == "2026-10-01T00:00:00.123000+00:00"


def test_what_was_only_taken_away_says_nothing(collect: Any) -> None:
    taken = [
        (changed(ROW), changed(None, before=ROW, op="d")),
        (EXPORTED["Debezium, with its schema"], {"schema": {}, "payload": changed(None, before=ROW, op="d")}),
        (
            {"awsRegion": "eu-west-1", "eventID": "e", "eventName": "INSERT", "dynamodb": {"NewImage": ITEM}},
            {"awsRegion": "eu-west-1", "eventID": "e", "eventName": "REMOVE", "dynamodb": {"OldImage": ITEM}},
        ),
        (
            {"Metadata": {"WriteTimestampMicros": {"N": "7"}}, "Keys": {"ts": ITEM["ts"]}, "NewImage": ITEM},
            {"Metadata": {"WriteTimestampMicros": {"N": "8"}}, "Keys": {"ts": ITEM["ts"]}},
        ),
        (
            EXPORTED["MongoDB's own event"],
            {"_id": {"_data": "8267"}, "operationType": "delete", "clusterTime": {}, "ns": {}, "documentKey": {}},
        ),
    ]
    for lines in taken:
        found = collect(*lines)
        assert (len(found.events), found.quarantined) == (1, [])


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (of_mongodb(ROW, is_canonical=False), {"ts": "ts.$date"}),
        ({"Item": ITEM}, {"ts": "Item.ts.S", "api_key_id": "Item.api_key_id.S", "response": "Item.response.M"}),
        (changed(ROW), {"ts": "after.ts", "api_key_id": "after.api_key_id", "response": "after.response"}),
    ],
)
def test_a_source_that_reaches_into_rows_reads_them_as_they_are(
    row: dict[str, Any], fields: dict[str, str], collect: Any
) -> None:
    event = collect(row, row, fields=fields).events[0]
    assert (event["occurred_at"].isoformat(), event["api_key_id"]) == ("2026-10-01T00:00:00.123000+00:00", "key_1")


def test_rows_of_a_tool_are_read_by_its_format(collect: Any) -> None:
    row = {
        "inference_id": "0192",
        "id": "0193",
        "model_name": "m",
        "model_provider_name": "p",
        "timestamp": "2026-10-01 00:00:00",
        "raw_response": json.dumps(ANSWER),
        "tags": {"tensorzero::api_key_public_id": "key_1"},
    }
    assert collect(changed(row)).event["api_key_id"] == "key_1"


@pytest.mark.parametrize(
    "line",
    [
        {"_id": {"$oid": "1"}, "ts": "2026-10-01T00:00:00Z"},
        {"Item": {"ts": {"S": "x"}}},
        {"before": None, "after": {}, "source": {}, "op": "c"},
    ],
)
def test_a_log_is_known_by_the_beginning_of_its_first_row(line: dict[str, Any]) -> None:
    for text in (json.dumps(line), json.dumps(line, separators=(",", ":"))):
        found = wrapper_of(text.encode()[:40])
        assert found is not None
        assert found.name == stored_rows.NAME


@pytest.mark.parametrize(
    "line",
    [
        ROW,
        {"id": 1, "after": "x", "op": "c"},
        {"Item": {"ts": {"S": "x", "N": "1"}}},
        {"Item": {}},
        {"ts": "t", "request": {"tools": [{"schema": {"$oid": "1"}}]}},
        {"payload": {"a": 1}, "schema": 7, "ts": 1},
    ],
)
def test_what_a_caller_may_have_written_makes_no_row(line: dict[str, Any]) -> None:
    assert row_in(line) is None
    assert wrapper_of(json.dumps(line).encode()) is None or row_in(line) is None


def test_a_line_that_cannot_be_written_again_is_left_as_it_is() -> None:
    for line in (b'{"_id": {"$oid": "1"}, "a": 1, "a": 2}', b'{"_id": {"$oid": "1"}, "a": NaN}', b'{"_id": {"$oid"'):
        assert stored_rows.unwrap(line) is None


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(json_values)
def test_what_is_written_again_is_what_it_was(value: Any) -> None:
    assert parse(written(value)) == value


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ({"$numberLong": "9007199254740993"}, 9007199254740993),
        ({"$numberDouble": "1.5"}, 1.5),
        ({"$numberDouble": "Infinity"}, "Infinity"),
        ({"$numberDecimal": "2"}, 2),
        ({"$uuid": "u"}, "u"),
        ({"$binary": {"base64": "YQ==", "subType": "00"}}, "YQ=="),
        ({"$timestamp": {"t": 7, "i": 1}}, 7),
        ({"$date": 1790812800123}, 1790812800123),
    ],
)
def test_a_typed_value_of_mongodb_is_the_value(stated: Any, meant: Any) -> None:
    row = row_in(parse(json.dumps({"_id": {"$oid": "1"}, "value": stated})))
    assert row == {"_id": "1", "value": meant}


@pytest.mark.parametrize(
    "response", [ANSWER, json.dumps(ANSWER), "data: " + json.dumps(ANSWER) + "\n\ndata: [DONE]\n\n"]
)
def test_json_that_a_database_copied_as_text_is_the_line(response: Any, collect: Any) -> None:
    """``COPY (select row_to_json(…)) TO`` writes each backslash twice."""
    line = json.dumps(ROW | {"response": response})
    event = collect(line.replace("\\", "\\\\")).event
    assert (event["prompt_tokens"], event["response_id"]) == (20, "chatcmpl-1")


@given(st.text())
def test_of_what_was_copied_nothing_else_is_made(text: str) -> None:
    line = json.dumps({"text": text + '"'}).encode()
    assert copied(line.replace(b"\\", b"\\\\")) == line


@pytest.mark.parametrize("line", [b'{"a": "b"}', rb'{"a": "\"b\""}', rb'{"a": "\\"b\x22"}'])
def test_what_no_database_copied_is_left_alone(line: bytes) -> None:
    assert copied(line) is None
