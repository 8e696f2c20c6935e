"""Bedrock's model invocation logs: whole records as public samples have them, and what each of them bills."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors.formats.clouds import bedrock
from pipeline.collectors.formats.found import format_of

if TYPE_CHECKING:
    from pathlib import Path

ARN = "arn:aws:sts::123456789012:assumed-role/chat/i-0abc"
NOVA = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello!"}]}},
    "stopReason": "end_turn",
    "metrics": {"latencyMs": 302},
    "usage": {"inputTokens": 4, "outputTokens": 38, "totalTokens": 42},
}
"""An answer of Converse, and of ConverseStream, whose events AWS puts together."""
START = {"input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": 70, "cache_creation_input_tokens": 20}
METRICS = {
    "inputTokenCount": 3,
    "outputTokenCount": 13,
    "cacheReadInputTokenCount": 70,
    "cacheWriteInputTokenCount": 20,
}
EVENTS = [
    {"type": "message_start", "message": {"id": "msg_bdrk_1", "type": "message", "model": "haiku", "usage": START}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 13}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS},
]
"""A message of Anthropic's as InvokeModelWithResponseStream is logged."""
CACHED = {"inputTokenCount": 3, "cacheReadInputTokenCount": 70, "cacheWriteInputTokenCount": 20}


def record(*, counts: Any = None, output: Any = None, **fields: Any) -> dict[str, Any]:
    """Return the record of a call; keywords replace fields, ``...`` leaves one out."""
    line = {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": "2026-11-03T10:00:01Z",
        "accountId": "123456789012",
        "identity": {"arn": ARN},
        "region": "us-east-1",
        "requestId": "ff4b6c63-5561-4431-93b8-06a817275900",
        "operation": "Converse",
        "modelId": "amazon.nova-lite-v1:0",
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": {"messages": [{"role": "user", "content": [{"text": "hello"}]}]},
            **(counts or {"inputTokenCount": 4, "cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 0}),
        },
        "output": output or {"outputContentType": "application/json", "outputBodyJson": NOVA, "outputTokenCount": 38},
    } | fields
    return {name: value for name, value in line.items() if value is not ...}


def counted(tokens: int | None = 13, **fields: Any) -> dict[str, Any]:
    """Return an output without its body."""
    stated = {} if tokens is None else {"outputTokenCount": tokens}
    return {"outputContentType": "application/json", **stated, **fields}


def test_an_answer_of_converse_is_the_event_that_a_request_log_of_it_would_be(collect: Any) -> None:
    line = {
        "ts": "2026-11-03T10:00:01Z",
        "api_key_id": ARN,
        "request_id": "ff4b6c63-5561-4431-93b8-06a817275900",
        "status": 200,
        "path": "/converse",
        "request": {"model": "amazon.nova-lite-v1:0", "stream": False},
        "response": NOVA,
    }
    ours, theirs = collect(line).event, collect(record()).event
    for name in ("byte_end", "byte_start"):
        ours.pop(name), theirs.pop(name)
    assert ours == theirs
    assert (theirs["status"], theirs["dialect"], theirs["prompt_tokens"]) == ("measured", "bedrock-converse", 4)


def test_a_stream_of_anthropic_is_billed_with_what_it_read_and_wrote_once(collect: Any) -> None:
    output = counted(outputBodyJson=EVENTS)
    model = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.haiku-v1:0"
    collected = collect(record(operation="InvokeModelWithResponseStream", modelId=model, counts=CACHED, output=output))
    assert collected.tokens == (93, 13, 70, 20, None)
    event = collected.event
    assert (event["status"], event["stream"], event["response_id"]) == ("measured", True, "msg_bdrk_1")
    assert (event["model_requested"], event["model_reported"]) == ("us.anthropic.haiku-v1:0", "haiku")


@pytest.mark.parametrize(
    "output",
    [
        counted(outputBodyS3Path="s3://logs/data/r_output.json.gz"),
        counted(outputBodyJson=None),
        counted(outputBodyJson={"outputs": [{"text": "Hi", "stop_reason": "stop"}]}),
        counted(),
    ],
    ids=["kept in S3", "null", "a body that counts nothing", "not delivered"],
)
def test_where_no_body_counts_the_record_does_and_what_was_cached_is_outside_its_input(
    collect: Any, output: Any
) -> None:
    collected = collect(record(operation="InvokeModel", counts=CACHED, output=output))
    assert collected.tokens == (93, 13, 70, 20, None)
    assert collected.event["status"] == "measured"


def test_counts_beside_a_body_that_states_its_own_add_nothing(collect: Any) -> None:
    counts = {"inputTokenCount": 999, "cacheReadInputTokenCount": 999, "cacheWriteInputTokenCount": 999}
    output = {"outputBodyJson": NOVA, "outputTokenCount": 999}
    assert collect(record(counts=counts, output=output)).tokens == (4, 38, None, None, None)


@pytest.mark.parametrize(
    ("counts", "tokens"),
    [
        ({"cacheReadInputTokenCount": 70}, 13),
        ({"inputTokenCount": None, "cacheReadInputTokenCount": 70}, 13),
        (CACHED, None),
        ({"inputContentType": "application/json"}, None),
        ({"inputTokenCount": 0}, 0),
    ],
)
def test_half_of_the_counts_is_unknown_and_never_zero(collect: Any, counts: Any, tokens: int | None) -> None:
    event = collect(record(operation="InvokeModel", counts=counts, output=counted(tokens))).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("unknown", None, None)


@pytest.mark.parametrize(
    ("code", "http_status"),
    [("ThrottlingException", 429), ("ValidationException", 400), ("ModelStreamErrorException", 424), ("Other", 0)],
)
@pytest.mark.parametrize("output", [..., counted(None), counted(0), counted("0")])
def test_a_call_that_failed_without_output_is_not_billed_for_its_input(
    collect: Any, code: str, http_status: int, output: Any
) -> None:
    line = record(errorCode=code, counts=CACHED, **{"output": output} if output is not ... else {})
    if output is ...:
        del line["output"]
    event = collect(line).event
    assert (event["status"], event["http_status"]) == ("failed", http_status)
    assert (event["prompt_tokens"], event["completion_tokens"], event["other_usage"]) == (None, None, None)


def test_a_stream_that_broke_after_output_was_counted_is_listed_with_it(collect: Any) -> None:
    collected = collect(
        record(operation="ConverseStream", errorCode="ModelStreamErrorException", counts=CACHED, output=counted())
    )
    assert collected.tokens == (93, 13, 70, 20, None)
    assert (collected.event["status"], collected.event["http_status"]) == ("measured", 424)


def test_a_call_that_was_throttled_and_tried_again_is_billed_once(collect: Any) -> None:
    throttled = record(errorCode="ThrottlingException", requestId="r-1", output=counted(None))
    events = collect(throttled, record(requestId="r-2"), record(requestId="r-2")).events
    assert [event["status"] for event in events] == ["failed", "measured", "measured"]
    first, second, same = (event["event_id"] for event in events)
    assert first != second == same


@pytest.mark.parametrize(
    ("written", "model"),
    [
        ("anthropic.haiku-v1:0", "anthropic.haiku-v1:0"),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.haiku-v1:0", "anthropic.haiku-v1:0"),
        ("arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us-gov.m", "us-gov.m"),
        *(
            (own, own)
            for own in (
                "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3",
                "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/a1b2c3",
                "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.titan/a1b2c3",
                "arn:aws:sagemaker:us-east-1:123456789012:endpoint/foundation-model/m",
            )
        ),
    ],
)
def test_an_arn_that_ends_with_the_id_of_a_model_names_that_and_any_other_is_an_id(
    collect: Any, written: str, model: str
) -> None:
    assert collect(record(modelId=written)).event["model_requested"] == model


@pytest.mark.parametrize(
    "output",
    [
        {"outputBodyJson": {"embedding": [0.1], "inputTextTokenCount": 5}},
        {"outputBodyJson": {"embeddings": [[0.1]], "id": "e", "response_type": "embeddings_floats", "texts": ["a"]}},
        {"outputContentType": "application/json"},
    ],
    ids=["titan", "cohere", "no body"],
)
def test_vectors_are_billed_by_their_input_alone(collect: Any, output: Any) -> None:
    line = record(
        operation="InvokeModel", modelId="amazon.titan-embed-text-v2:0", counts={"inputTokenCount": 5}, output=output
    )
    assert collect(line).tokens[:2] == (5, 0)
    assert collect(line).event["status"] == "measured"


def test_optimised_latency_is_a_tier_and_the_standard_one_is_none(collect: Any) -> None:
    lines = [record(performanceConfig={"latency": latency}) for latency in ("optimized", "standard")]
    assert [collect(line).event["service_tier"] for line in (*lines, record())] == ["optimized", None, None]


def test_whose_call_it_was_can_be_what_the_caller_said_of_it(collect: Any) -> None:
    fields = {"api_key_id": "requestMetadata.tenant"}
    line = record(requestMetadata={"tenant": "key_1"})
    assert collect(line).event["api_key_id"] == ARN
    assert collect(line, format="bedrock", fields=fields).event["api_key_id"] == "key_1"
    refused = collect(record(), format="bedrock", fields=fields).refusal
    assert refused == ("missing_field", "api_key or api_key_id")


def test_a_record_without_its_caller_is_quarantined(collect: Any) -> None:
    assert collect(record(identity=...)).refusal == ("missing_field", "api_key or api_key_id")
    assert collect(record(identity={"arn": "sk-test-0123456789abcdef0123"})).refusal[0] == "invalid_field"


@pytest.mark.parametrize("value", [None, [], "text", 7, {}, {"a": {}}])
@pytest.mark.parametrize("name", ["input", "output", "modelId", "operation", "performanceConfig", "errorCode"])
def test_odd_values_cost_at_most_their_own_line(collect: Any, name: str, value: Any) -> None:
    collected = collect(record(**{name: value}), record(requestId="r-2"))
    assert len(collected.events) + len(collected.quarantined) == 2
    assert collected.events[-1]["request_id"] == "r-2"


def test_counts_that_are_stated_twice_with_different_values_are_refused(collect: Any) -> None:
    line = json.dumps(record(counts=CACHED, output=counted()))
    twice = line.replace('"outputTokenCount": 13', '"outputTokenCount": 13, "outputTokenCount": 14')
    assert twice != line
    assert collect(twice).refusal[0] == "duplicate_key"
    negative = collect(record(counts={"inputTokenCount": -1}, output=counted())).refusal
    assert negative[0] == "invalid_usage"


WRAPPED = (
    lambda line: f"2026-11-03T10:00:01.123Z {line}",
    lambda line: json.dumps({"events": [{"message": line, "timestamp": 1}], "searchedLogStreams": []}),
    lambda line: json.dumps({"logGroup": "g", "logStream": "s", "logEvents": [{"id": "1", "message": line}]}),
    lambda line: json.dumps({"@timestamp": "2026-11-03 10:00:01.000", "@message": line}),
)


@pytest.mark.parametrize("wrap", WRAPPED, ids=["export task", "filter-log-events", "subscription", "Logs Insights"])
def test_records_out_of_cloudwatch_are_those_of_s3(collect: Any, wrap: Any) -> None:
    plain = collect(record()).event
    wrapped = collect(wrap(json.dumps(record()))).event
    for name in ("byte_start", "byte_end"):
        plain.pop(name), wrapped.pop(name)
    assert wrapped == plain


def test_records_are_found_by_what_they_are_and_by_nothing_else() -> None:
    assert format_of(record()) is not None
    assert bedrock.recognises({"schemaType": "ModelInvocationLog"})
    assert not any(map(bedrock.recognises, ({}, {"schemaType": "Other"}, {"modelId": "m", "requestId": "r"})))


def test_a_compressed_file_of_records_is_read(tmp_path: Path, collect_file: Any) -> None:
    path = tmp_path / "20261103T100001123Z_0a1b2c.json.gz"
    lines = [json.dumps(record(requestId=f"r-{number}")) for number in range(3)]
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    assert [event["prompt_tokens"] for event in collect_file(path).events] == [4, 4, 4]
    path.write_bytes(gzip.compress(lines[0].encode()))
    assert collect_file(path).event["request_id"] == "r-0"
