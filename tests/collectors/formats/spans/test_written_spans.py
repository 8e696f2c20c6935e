"""Spans of OpenTelemetry that are written otherwise than as OTLP, and what each of them bills."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from family_bodies import Maker
from foreign_lines import KINDS, any_value
from logged_documents import WRITINGS, mlflow_trace, written_span

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.spans import mlflow, written_spans

TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
EACH = pytest.mark.parametrize("writing", WRITINGS)
CACHE = {"gen_ai.usage.cache_read.input_tokens": 30, "gen_ai.usage.cache_creation.input_tokens": 4}


def as_otlp(span: dict[str, Any]) -> dict[str, Any]:
    """Return the line of OTLP that has the same span."""
    said, ids = span["attributes"], span["context"]
    written = {
        "traceId": ids["trace_id"].removeprefix("0x"),
        "spanId": ids["span_id"].removeprefix("0x"),
        "startTimeUnixNano": "1793700001250000000",
        "attributes": [{"key": name, "value": any_value(value)} for name, value in said.items()],
        "status": {"code": 2} if span["status"]["status_code"] == "ERROR" else {},
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [written]}]}]}


def is_nothing(collected: Any) -> bool:
    return not collected.events and not collected.quarantined


@EACH
def test_a_span_is_recognised_however_it_is_written(writing: str) -> None:
    found = format_of(written_span(writing))
    assert found is not None
    assert found.name == "spans"


@EACH
def test_a_span_is_the_event_that_it_is_as_otlp(writing: str, collect: Any) -> None:
    event, same = collect(written_span(writing)).event, collect(as_otlp(written_span())).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["request_id"], event["api_key_id"]) == (f"{TRACE}/{SPAN}", "key_1")
    assert (event["model_requested"], event["model_reported"]) == ("jamba", "jamba-large")
    assert (event["response_id"], event["finish_reason"]) == ("chatcmpl-1", "stop")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"
    names = ("status", "occurred_at", "request_id", "api_key_id", "response_id", "dialect", "finish_reason")
    assert {name: event[name] for name in names} == {name: same[name] for name in names}


@EACH
def test_parts_are_read_by_the_conventions(writing: str, collect: Any) -> None:
    thought = {"gen_ai.usage.reasoning.output_tokens": 3}
    assert collect(written_span(writing, **CACHE, **thought)).tokens == (40, 5, 30, 4, 3)


@EACH
def test_a_span_that_failed_states_so(writing: str, collect: Any) -> None:
    nothing = {"gen_ai.usage.input_tokens": None, "gen_ai.usage.output_tokens": None}
    assert collect(written_span(writing, error=True, **nothing)).event["status"] == "failed"
    assert collect(written_span(writing, **nothing)).event["status"] == "unknown"
    assert collect(written_span(writing, error=True)).event["status"] == "measured"


@EACH
def test_the_status_of_http_is_read_from_a_number_or_a_text(writing: str, collect: Any) -> None:
    assert collect(written_span(writing, **{"http.response.status_code": 503})).event["http_status"] == 503


@EACH
@pytest.mark.parametrize(
    "said",
    [
        {"gen_ai.operation.name": "invoke_agent"},
        {"gen_ai.operation.name": "execute_tool"},
        {"openinference.span.kind": "CHAIN"},
        {"gen_ai.operation.name": None, "traceloop.span.kind": "workflow"},
    ],
)
def test_spans_around_calls_are_nothing(writing: str, said: dict[str, Any], collect: Any) -> None:
    assert is_nothing(collect(written_span(writing, **said)))


def _recorded() -> list[dict[str, Any]]:
    """Return spans that instrumentations wrote, each with its attributes as an object."""
    lines = (Path(__file__).parent / "otel_instrumentations.jsonl").read_text(encoding="utf-8").splitlines()
    groups = [group for line in lines for group in json.loads(line).get("resourceSpans", [])]
    spans = [span for group in groups for scope in group["scopeSpans"] for span in scope["spans"]]
    return [span | {"attributes": _plain(span.get("attributes", []))} for span in spans]


def _plain(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    def value_of(value: dict[str, Any]) -> Any:
        ((kind, held),) = value.items()
        if kind == "arrayValue":
            return [value_of(each) for each in held.get("values", [])]
        return int(held) if kind == "intValue" else held

    return {pair["key"]: value_of(pair["value"]) for pair in pairs if pair["value"]}


def _made_up(number: int) -> list[dict[str, Any]]:
    """Return spans as the fuzz makes them, each with its attributes as an object."""
    line = KINDS["otel"].made(Maker(random.Random(number)))
    groups = line.get("resourceSpans", [])
    spans = [span for group in groups for scope in group["scopeSpans"] for span in scope["spans"]]
    return [span | {"attributes": _plain(span["attributes"])} for span in spans]


TOLD_BY_ATTRIBUTES = ("dynatrace", "honeycomb", "new-relic")
"""By what spans are written that have their attributes at the top: others are lines of any program."""


def _told(spans: list[dict[str, Any]], writing: str) -> list[dict[str, Any]]:
    """Return those spans that are told for such as they are written."""
    is_told = writing not in TOLD_BY_ATTRIBUTES
    return [span for span in spans if is_told or any(map(written_spans.OF_MODELS.match, span["attributes"]))]


NAMES = (
    *("prompt_tokens", "completion_tokens", "prompt_cached_tokens", "prompt_cache_write_tokens", "reasoning_tokens"),
    *("prompt_cache_write_1h_tokens", "prompt_audio_tokens", "completion_audio_tokens", "other_usage", "status"),
    *("model_requested", "model_reported", "response_id", "dialect", "finish_reason", "service_tier", "api_key_id"),
)
"""What a span comes to."""


def events_of_both(writing: str, span: dict[str, Any], collect: Any) -> tuple[list[Any], list[Any]]:
    """Return what a span comes to as it is written, and as OTLP."""
    said = {"api_key_id": "key_1", **span["attributes"]}
    pairs = [{"key": name, "value": any_value(value)} for name, value in said.items()]
    line = {"traceId": TRACE, "spanId": SPAN, "startTimeUnixNano": "1793700001250000000", "attributes": pairs}
    line |= {"status": span.get("status", {})}
    is_error = span.get("status", {}).get("code") in (2, "STATUS_CODE_ERROR")
    nothing = dict.fromkeys(written_span()["attributes"])
    written = collect(written_span(writing, error=is_error, **(nothing | said)))
    as_otlp_has_it = collect({"resourceSpans": [{"scopeSpans": [{"spans": [line]}]}]})
    both = [
        [
            *([event[name] for name in NAMES] for event in each.events),
            *(row["reason"] for row in each.quarantined),
        ]
        for each in (written, as_otlp_has_it)
    ]
    return both[0], both[1]


@EACH
def test_what_instrumentations_recorded_comes_to_the_same_however_it_is_written(writing: str, collect: Any) -> None:
    found = [events_of_both(writing, span, collect) for span in _told(_recorded(), writing)]
    assert any(expected for _, expected in found)
    assert [written for written, _ in found] == [expected for _, expected in found]


@pytest.mark.long
@EACH
def test_made_up_spans_come_to_the_same_however_they_are_written(writing: str, collect: Any) -> None:
    spans = _told([span for number in range(60) for span in _made_up(number)], writing)
    found = [events_of_both(writing, span, collect) for span in spans]
    assert sum(len(expected) for _, expected in found) > 30
    assert [written for written, _ in found] == [expected for _, expected in found]


def test_audio_that_was_cached_is_none_of_what_is_billed_as_audio_also_where_counts_are_fractions(collect: Any) -> None:
    """As in a data frame, where some rows have no count."""
    audio = {"gen_ai.usage.details.input_audio_tokens": 20, "gen_ai.usage.details.cache_audio_read_tokens": 15}
    for writing in WRITINGS:
        assert collect(written_span(writing, **audio)).event["prompt_audio_tokens"] == 5


def test_openinference_and_older_names_are_read(collect: Any) -> None:
    kind = {"openinference.span.kind": "LLM", "llm.model_name": "jamba-large"}
    counts = {"llm.token_count.prompt": 40, "llm.token_count.completion": 5}
    details = {"llm.token_count.prompt_details.cache_read": 30}
    nothing = dict.fromkeys(("gen_ai.operation.name", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"))
    for writing in ("phoenix", "frame"):
        assert collect(written_span(writing, **nothing, **kind, **counts, **details)).tokens == (40, 5, 30, None, None)


@EACH
def test_whose_call_it_was_is_said_as_in_otlp(writing: str, collect: Any) -> None:
    assert collect(written_span(writing, api_key_id="key_7")).event["api_key_id"] == "key_7"
    assert collect(written_span(writing, **{"user.id": None})).refusal == ("missing_field", "api_key or api_key_id")
    named = {"format": "spans", "fields": {"api_key_id": 'attributes."tenant.key"'}}
    assert collect(written_span(writing, **{"tenant.key": "key_9"}), **named).event["api_key_id"] == "key_9"


@pytest.mark.parametrize("writing", ["sdk", "clickhouse", "cloudwatch", "logfire"])
def test_what_the_resource_says_is_there(writing: str, collect: Any) -> None:
    fields = {"api_key_id": 'resource."service.name"'}
    assert collect(written_span(writing), format="spans", fields=fields).event["api_key_id"] == "desk"


def test_an_id_of_digits_stays_a_text(collect: Any) -> None:
    assert collect(written_span("clickhouse", **{"user.id": "4711"})).event["api_key_id"] == "4711"


def test_a_count_that_is_none_is_refused(collect: Any) -> None:
    for writing in WRITINGS:
        stated = written_span(writing, **{"gen_ai.usage.input_tokens": "a dozen"})
        assert collect(stated).refusal[0] == "invalid_usage"


def test_an_attribute_that_is_stated_twice_is_refused(collect: Any) -> None:
    text = json.dumps(written_span("cloudwatch"))
    counted = '"gen_ai.usage.input_tokens": 4'
    twice = text.replace(f"{counted}0", f"{counted}0, {counted}", 1)
    assert collect(twice).refusal[0] == "duplicate_key"
    other = text.replace('"user.id": "key_1"', '"user.id": "key_1", "user.id": "key_2"', 1)
    assert collect(other).refusal[0] == "duplicate_key"
    start = text.replace('"startTimeUnixNano": ', '"startTimeUnixNano": 1793700009250000000, "startTimeUnixNano": ', 1)
    assert collect(start).refusal[0] == "duplicate_key"


@pytest.mark.parametrize("name", ["data", "rows", "spans"])
def test_a_page_of_spans_holds_each(name: str, collect: Any) -> None:
    other = written_span(**{"gen_ai.response.id": "chatcmpl-2"})
    other["context"] = other["context"] | {"span_id": "0xeee19b7ec3c1b175"}
    page = {name: [written_span(), other, written_span(**{"gen_ai.operation.name": "execute_tool"})]}
    assert [event["response_id"] for event in collect(page).events] == ["chatcmpl-1", "chatcmpl-2"]


def test_a_page_that_holds_what_is_no_span_is_refused(collect: Any) -> None:
    for odd in (7, {"name": "x"}):
        assert collect({"data": [written_span(), odd]}).refusal[0] == "invalid_field"
    assert collect(written_span() | {"attributes": "made up"}).refusal[0] == "invalid_field"
    assert collect({"a": 1}, format="spans").refusal[0] == "invalid_field"


def test_a_span_within_that_of_the_same_call_is_that_call_once_more(collect: Any) -> None:
    """As a framework puts its span around that of the client, on one line."""
    inner, outer = written_span(**{"gen_ai.response.id": None}), written_span(**{"gen_ai.response.id": None})
    outer["context"] = outer["context"] | {"span_id": inner["parent_id"]}
    events = collect({"data": [inner, outer]}).events
    assert {event["request_id"] for event in events} == {f"{TRACE}/{SPAN}"}


def test_a_span_that_has_only_begun_is_nothing(collect: Any) -> None:
    assert is_nothing(collect(written_span("logfire") | {"kind": "pending_span"}))


def test_attributes_may_be_pairs_or_none(collect: Any) -> None:
    span = written_span("cloudwatch")
    pairs = [{"key": name, "value": any_value(value)} for name, value in span["attributes"].items()]
    resource = {"attributes": [{"key": "api_key_id", "value": {"stringValue": "key_5"}}]}
    assert collect(span | {"attributes": pairs, "resource": resource}).event["api_key_id"] == "key_5"
    assert is_nothing(collect(span | {"attributes": {}}))
    assert is_nothing(collect(span | {"attributes": None}))


def _in_snake_case(value: Any) -> Any:
    """Return values as Protocol Buffers name their types."""
    if isinstance(value, list):
        return [_in_snake_case(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("Value$", "_value", name): _in_snake_case(each) for name, each in value.items()}


def test_pairs_whose_types_are_written_otherwise_or_left_out_are_read(collect: Any) -> None:
    span = written_span("cloudwatch")
    pairs = [{"key": name, "value": any_value(value)} for name, value in span["attributes"].items()]
    plain = [{"key": name, "value": value} for name, value in span["attributes"].items()]
    snake = {"trace_id": TRACE, "span_id": SPAN, "start_time_unix_nano": "1793700001250000000"}
    for attributes in (plain, _in_snake_case(pairs)):
        for written in (span, {**snake, "status": {"code": 1}}):
            event = collect({"data": [written | {"attributes": attributes}], "next_cursor": None}).event
            assert (event["prompt_tokens"], event["completion_tokens"]) == (40, 5)
            assert (event["finish_reason"], event["api_key_id"]) == ("stop", "key_1")
    assert collect(span | {"attributes": [7]}).refusal[0] == "invalid_field"


@pytest.mark.parametrize("writing", ["phoenix", "cloudwatch", "logfire"])
def test_attributes_that_lie_in_one_another_are_those_with_dots(writing: str, collect: Any) -> None:
    span = written_span(writing)
    nested: dict[str, Any] = {}
    for name, value in span["attributes"].items():
        *above, last = name.split(".")
        holder = nested
        for step in above:
            holder = holder.setdefault(step, {})
        holder[last] = value
    event = collect(span | {"attributes": nested}).event
    assert (event["prompt_tokens"], event["completion_tokens"], event["api_key_id"]) == (40, 5, "key_1")


def test_what_is_nested_in_attributes_is_left_where_it_is(collect: Any) -> None:
    said = {"all_messages": [{"role": "user"}], "request_data": {"model": "x"}, "gen_ai.request.stream": True}
    assert collect(written_span("logfire", **said)).tokens[:2] == (40, 5)


def test_a_list_that_is_a_text_and_is_broken_is_a_text(collect: Any) -> None:
    span = written_span("clickhouse", **{"gen_ai.response.finish_reasons": '["stop'})
    assert collect(span).event["finish_reason"] is None


def test_an_instant_without_an_offset_is_of_utc(collect: Any) -> None:
    at = collect(written_span("clickhouse"), time_zone="Europe/Berlin").event["occurred_at"]
    assert at.isoformat() == "2026-11-03T10:00:01.250000+00:00"


@pytest.mark.parametrize(
    "document",
    [
        {"trace_id": TRACE, "span_id": SPAN, "start_time": "2026-11-03T10:00:01Z", "attributes": {}},
        {"traceId": TRACE, "spanId": SPAN, "timeUnixNano": "1", "attributes": []},
        {"context": {"trace_id": TRACE}, "start_time": "x", "attributes": {}},
        {"TraceId": 7, "SpanId": SPAN, "Timestamp": "x", "SpanAttributes": {}},
        {"OperationId": TRACE, "Id": SPAN, "TimeGenerated": "x"},
        {"data": []},
        {"data": {"spans": []}},
    ],
)
def test_what_has_not_all_of_it_is_no_span(document: dict[str, Any]) -> None:
    assert not written_spans.recognises(document)


def test_a_trace_of_mlflow_is_its_calls(collect: Any) -> None:
    found = format_of(mlflow_trace())
    assert found is not None
    assert found.name == "spans"
    event = collect(mlflow_trace()).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["api_key_id"], event["request_id"]) == ("key_1", f"{TRACE}/{SPAN}")
    assert (event["model_requested"], event["model_reported"]) == ("jamba", "jamba-large")
    assert (event["response_id"], event["dialect"]) == ("chatcmpl-1", "openai-chat")


def test_the_answer_that_mlflow_kept_says_how_its_provider_counts(collect: Any) -> None:
    """Anthropic's input leaves out what was cached, and MLflow's total has been one or the other."""
    usage = {"input_tokens": 6, "output_tokens": 5, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4}
    answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": "jamba", "content": [], "usage": usage}
    for total in (11, 45):
        traced = mlflow_trace(outputs=answer, usage=usage | {"total_tokens": total})
        assert collect(traced).tokens == (40, 5, 30, 4, None)


def test_counts_of_mlflow_are_read_where_no_answer_states_usage(collect: Any) -> None:
    counts = {"input_tokens": 40, "output_tokens": 5, "total_tokens": 45}
    parts = {"cache_read_input_tokens": 30, "cache_creation_input_tokens": 4}
    for outputs in (None, "a text", {"generations": [[{"text": "made up"}]]}):
        assert collect(mlflow_trace(outputs=outputs)).tokens[:2] == (40, 5)
        assert collect(mlflow_trace(outputs=outputs, usage=counts | parts)).tokens == (40, 5, 30, 4, None)
    apart = {"input_tokens": 6, "output_tokens": 5, "total_tokens": 45} | parts
    assert collect(mlflow_trace(outputs=None, usage=apart)).tokens == (40, 5, 30, 4, None)
    assert collect(mlflow_trace(outputs=None, usage=apart | {"total_tokens": 11})).refusal[0] == "contradictory_usage"
    assert collect(mlflow_trace(outputs=None, usage=None)).event["status"] == "unknown"


def test_what_mlflow_says_may_be_objects_and_no_texts_of_them(collect: Any) -> None:
    """Attributes of OTLP are no objects: what MLflow says is read before a span is written so."""
    usage = {"input_tokens": 40, "output_tokens": 5, "cache_read_input_tokens": 30}
    said = {
        "mlflow.spanType": "CHAT_MODEL",
        "mlflow.chat.tokenUsage": usage,
        "mlflow.spanOutputs": {"model": "jamba-2"},
    }
    nothing = dict.fromkeys(written_span("mlflow")["attributes"])
    found = collect(written_span("mlflow", **(nothing | said | {"api_key_id": "key_1"})))
    assert (found.tokens, found.event["model_reported"]) == ((40, 5, 30, None, None), "jamba-2")


@pytest.mark.parametrize("kind", ["AGENT", "CHAIN", "TOOL", "RETRIEVER", "PARSER", "RERANKER", "MEMORY"])
def test_spans_of_mlflow_that_are_about_no_model_are_nothing(kind: str, collect: Any) -> None:
    assert is_nothing(collect(mlflow_trace(kind=kind)))


def test_vectors_of_mlflow_are_vectors(collect: Any) -> None:
    usage = {"input_tokens": 40, "output_tokens": 0, "total_tokens": 40}
    event = collect(mlflow_trace(kind="EMBEDDING", usage=usage, outputs=None)).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 0)


def test_a_span_that_came_to_mlflow_by_otlp_is_read_by_the_conventions(collect: Any) -> None:
    kept = {"mlflow.spanType": "CHAT_MODEL", "mlflow.chat.tokenUsage": '{"input_tokens": 40, "output_tokens": 5}'}
    event = collect(written_span("mlflow", **kept)).event
    assert (event["prompt_tokens"], event["completion_tokens"], event["response_id"]) == (40, 5, "chatcmpl-1")
    agent = {"gen_ai.operation.name": "invoke_agent", "mlflow.spanType": "AGENT"}
    assert is_nothing(collect(written_span("mlflow", **agent)))


def test_what_a_trace_says_of_its_user_comes_after_its_spans(collect: Any) -> None:
    assert collect(mlflow_trace(api_key_id="key_3")).event["api_key_id"] == "key_3"
    traced = mlflow_trace()
    traced["info"]["tags"]["api_key_id"] = "key_4"
    assert collect(traced).event["api_key_id"] == "key_4"
    traced["info"] = {}
    assert collect(traced).refusal == ("missing_field", "api_key or api_key_id")


def test_ids_in_base64_are_those_of_otlp() -> None:
    assert mlflow.hex_of("7uGbfsPBsXQ=") == SPAN
    assert [mlflow.hex_of(each) for each in ("span-1", None, "7uGbfsPBsXQ")] == ["span-1", None, "7uGbfsPBsXQ"]


def _group_of_tempo() -> dict[str, Any]:
    span = as_otlp(written_span())["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    ids = {"traceId": "W47/95gDgQPSabYzgT/GDA==", "spanId": "7uGbfsPBsXQ=", "parentSpanId": "7uGbfsPBsXM="}
    resource = {"attributes": [{"key": "tenant", "value": {"stringValue": "acme"}}]}
    return {"resource": resource, "scopeSpans": [{"scope": {"name": "made-up"}, "spans": [span | ids]}]}


@pytest.mark.parametrize(
    "trace",
    [
        {"batches": [_group_of_tempo()]},
        {"trace": {"resourceSpans": [_group_of_tempo()]}, "metrics": {}},
        {
            "batches": [
                {
                    "instrumentationLibrarySpans" if name == "scopeSpans" else name: value
                    for name, value in _group_of_tempo().items()
                }
            ]
        },
    ],
)
def test_a_trace_of_tempo_has_the_groups_of_otlp(trace: dict[str, Any], collect: Any) -> None:
    found = format_of(trace)
    assert found is not None
    assert found.name == "spans"
    event = collect(trace).event
    assert (event["request_id"], event["prompt_tokens"], event["api_key_id"]) == (f"{TRACE}/{SPAN}", 40, "key_1")
    named = {"format": "spans", "fields": {"api_key_id": "resource.tenant"}}
    assert collect(trace, **named).event["api_key_id"] == "acme"


def test_ids_of_a_trace_in_a_programs_log_make_no_span() -> None:
    for writing in TOLD_BY_ATTRIBUTES:
        line = {name: value for name, value in written_span(writing).items() if not name.startswith("gen_ai.")}
        assert format_of(line | {"message": "started"}) is None


@pytest.mark.parametrize("writing", ["signoz", "elasticsearch"])
def test_a_line_of_a_log_that_is_kept_by_the_same_names_is_no_span(writing: str, collect: Any) -> None:
    of_spans = ("parent_span_id", "kind", "status", "name")
    line = {name: value for name, value in written_span(writing).items() if name not in of_spans}
    assert format_of(line | {"body": "{}", "severity_text": "INFO"}) is None
    assert collect(line | {"body": "{}"}).refusal[0] == "missing_field"
