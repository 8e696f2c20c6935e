"""Documents of several spans, and what some that keep spans make of them, which is no call."""

from __future__ import annotations

import json
from typing import Any

import pytest
from logged_documents import written_span

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.spans.listed_spans import listed

SPAN = "eee19b7ec3c1b174"


def is_nothing(collected: Any) -> bool:
    return not collected.events and not collected.quarantined


def test_several_traces_of_jaeger_on_one_page_each_have_their_processes(collect: Any) -> None:
    page, other = (written_span("jaeger", **{"user.id": None, "gen_ai.response.id": of}) for of in ("a", "b"))
    tags = [{"key": "tenant", "type": "string", "value": "key_9"}]
    (trace,), (second,) = page["data"], other["data"]
    second["processes"]["p1"]["tags"] = trace["processes"]["p1"]["tags"] = tags
    named = {"format": "spans", "fields": {"api_key_id": "resource.tenant"}}
    events = collect({"data": [trace, second]}, **named).events
    assert [(event["response_id"], event["api_key_id"]) for event in events] == [("a", "key_9"), ("b", "key_9")]
    assert collect(trace, **named).event["response_id"] == "a"


def test_a_span_within_another_of_its_trace_is_the_same_call_in_jaeger_as_well(collect: Any) -> None:
    page = written_span("jaeger", **{"gen_ai.response.id": None})
    (trace,) = page["data"]
    (inner,) = trace["spans"]
    outer = inner | {"spanID": inner["references"][1]["spanID"], "references": []}
    trace["spans"] = [inner, outer]
    assert {event["request_id"].rpartition("/")[2] for event in collect(page).events} == {SPAN}


def test_spans_of_jaeger_s_newer_api_are_those_of_otlp(collect: Any) -> None:
    pairs = [{"key": "user.id", "value": {"stringValue": "key_1"}}]
    counts = {"gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 5}
    pairs += [{"key": name, "value": {"intValue": str(count)}} for name, count in counts.items()]
    span = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": SPAN, "startTimeUnixNano": "1793700001250000000"}
    groups = [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [span | {"attributes": pairs}]}]}]
    assert collect({"result": {"resourceSpans": groups}}).tokens[:2] == (40, 5)


def test_a_trace_of_zipkin_is_an_array_of_its_spans(collect: Any) -> None:
    others = written_span("zipkin", **{"gen_ai.operation.name": "execute_tool"}) | {"id": "eee19b7ec3c1b175"}
    assert collect(json.dumps([others, written_span("zipkin")])).tokens[:2] == (40, 5)


def test_traces_of_cloud_trace_are_read_from_a_page_of_them(collect: Any) -> None:
    assert collect({"traces": [written_span("cloud-trace")], "nextPageToken": "x"}).tokens[:2] == (40, 5)
    odd = written_span("cloud-trace")
    odd["spans"] = [7]
    assert collect(odd, format="spans").refusal[0] == "invalid_field"


def test_events_of_messages_in_cloud_logging_are_no_calls(collect: Any) -> None:
    """As ``gcloud logging read`` has them, in one array."""
    call = written_span("cloud-logging")
    message = {"event.name": "gen_ai.user.message", "gen_ai.system": "x"}
    messages = [call | {"labels": message, "jsonPayload": {"content": "hi"}}]
    assert collect(json.dumps([*messages, call])).tokens[:2] == (40, 5)
    assert is_nothing(collect(json.dumps(messages)))


@pytest.mark.parametrize("said", ["gen_ai.response.model", "gen_ai.operation.name", None])
@pytest.mark.parametrize("around", [None, "", "0000000000000000"])
def test_the_sums_that_data_prepper_puts_at_the_root_of_a_trace_are_no_call(
    around: str | None, said: str | None, collect: Any
) -> None:
    put = (
        "gen_ai.system",
        "gen_ai.request.model",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "user.id",
    )
    span = written_span("data-prepper", **{"gen_ai.system": "x"})
    kept = {name: value for name, value in span["attributes"].items() if name in (*put, said)}
    root = span | {"parentSpanId": around, "kind": "SPAN_KIND_SERVER", "attributes": kept}
    if said is None:
        assert is_nothing(collect(root))
    else:
        assert collect(root).tokens[:2] == (40, 5)
    assert collect(root | {"kind": "SPAN_KIND_CLIENT"}).tokens[:2] == (40, 5)
    assert collect(root | {"parentSpanId": SPAN}).tokens[:2] == (40, 5)


def test_what_data_prepper_copies_of_a_coding_tool_s_counts_is_not_read(collect: Any) -> None:
    copied = {"span.type": "llm_request", "input_tokens": 13, "cache_read_tokens": 8593, "gen_ai.operation.name": None}
    assert collect(written_span("data-prepper", **copied, **{"gen_ai.system": "x"})).event["status"] == "unknown"


def apm(kind: str = "span", **fields: Any) -> dict[str, Any]:
    """Return a document of Elastic's APM: texts are labels, and numbers labels of their own."""
    said = written_span()["attributes"]
    return {
        "@timestamp": "2026-11-03T10:00:01.250Z",
        "processor": {"event": kind},
        "trace": {"id": "5b8efff798038103d269b633813fc60c"},
        "transaction": {"id": "eee19b7ec3c1b173"},
        "parent": {"id": "eee19b7ec3c1b173"},
        "span": {"id": SPAN, "name": "chat jamba", "type": "genai"},
        "event": {"outcome": "success"},
        "labels": {"_".join(name.split(".")): value for name, value in said.items() if not isinstance(value, int)}
        | {"tenant_key": "key_8"},
        "numeric_labels": {
            "_".join(name.split(".")): float(value) for name, value in said.items() if type(value) is int
        },
    } | fields


def test_a_span_of_elastic_s_apm_has_its_attributes_as_labels(collect: Any) -> None:
    found = format_of(apm())
    assert found is not None
    assert found.name == "spans"
    event = collect(apm()).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["request_id"], event["api_key_id"]) == (f"5b8efff798038103d269b633813fc60c/{SPAN}", "key_1")
    assert (event["response_id"], event["finish_reason"], event["model_reported"]) == (
        "chatcmpl-1",
        "stop",
        "jamba-large",
    )
    named = {"format": "spans", "fields": {"api_key_id": "attributes.tenant_key"}}
    assert collect(apm(), **named).event["api_key_id"] == "key_8"


def test_a_transaction_is_a_span_and_other_documents_of_elastic_s_apm_are_none(collect: Any) -> None:
    transaction = {name: value for name, value in apm("transaction").items() if name != "span"}
    assert collect(transaction).event["request_id"].endswith("eee19b7ec3c1b173")
    for other in ("error", "log", {"odd": 1}):
        assert format_of(apm() | {"processor": {"event": other}}) is None
    uncounted = apm(event={"outcome": "failure"}, numeric_labels={})
    assert collect(uncounted).event["status"] == "failed"


def test_whose_a_call_was_is_the_user_or_a_tag_of_sentry_s_transaction(collect: Any) -> None:
    transaction = written_span("sentry", **{"user.id": None}) | {"user": {"id": "lena"}}
    assert collect(transaction).event["api_key_id"] == "lena"
    for tags in ({"api_key_id": "key_2"}, [["api_key_id", "key_2"], ["odd"]]):
        assert collect(transaction | {"tags": tags}).event["api_key_id"] == "key_2"


def test_the_span_of_a_transaction_itself_may_be_the_call(collect: Any) -> None:
    transaction = written_span("sentry")
    (span,) = transaction["spans"]
    transaction["contexts"]["trace"] |= {"data": span["data"]}
    assert collect(transaction | {"spans": []}).event["request_id"].endswith("eee19b7ec3c1b173")
    assert collect(transaction | {"spans": [7]}, format="spans").refusal[0] == "invalid_field"


def test_a_page_without_a_list_is_what_stands_there() -> None:
    assert listed({"data": {"spans": 7}}) == 7
    assert listed({"a": 1}) is None
