"""Usage by names that no reader knows is refused by name, and what only repeats the usage of others is not."""

from __future__ import annotations

from typing import Any

import pytest
from foreign_lines import any_value

OURS = {"acme.usage.tokensIn": 40, "acme.usage.tokensOut": 5}
"""What a home-made instrumentation counts."""
CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "jamba",
    "gen_ai.usage.input_tokens": 40,
    "gen_ai.usage.output_tokens": 5,
}


def span(named: dict[str, Any], own: str = "00000000000000aa", around: str | None = None) -> dict[str, Any]:
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": own,
        "startTimeUnixNano": "1788000000123456789",
        "attributes": [{"key": key, "value": any_value(value)} for key, value in named.items()],
    } | ({} if around is None else {"parentSpanId": around})


def batch(*spans: dict[str, Any]) -> dict[str, Any]:
    of_all = [{"key": "api_key_id", "value": {"stringValue": "key_1"}}]
    return {"resourceSpans": [{"resource": {"attributes": of_all}, "scopeSpans": [{"spans": list(spans)}]}]}


def logged(named: dict[str, Any], **fields: Any) -> dict[str, Any]:
    pairs = [{"key": key, "value": any_value(value)} for key, value in {"user.id": "key_1", **named}.items()]
    record = {"timeUnixNano": "1788000000123456789", "attributes": pairs} | fields
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


def is_nothing(collected: Any) -> bool:
    return not collected.events and not collected.quarantined


@pytest.mark.parametrize(
    "named",
    [
        OURS,
        {"acme.usage.tokensIn": "40", "acme.usage.tokensOut": "5"},
        {"input_tokens": 40, "output_tokens": 5},
        {"llm.prompt.tokens": 40, "llm.completion.tokens": 5},
        {"agent.llm.input_tokens": 40, "agent.llm.output_tokens": 5},
        {"tokens.input": 40, "tokens.output": 5, "http.response.status_code": 200},
        {"gen_ai.operation.name": "answer_email", "acme.inputTokens": 40, "acme.outputTokens": 5},
    ],
)
def test_a_span_that_counts_what_went_in_and_came_out_is_refused(named: dict[str, Any], collect: Any) -> None:
    (row,) = collect(batch(span(named))).quarantined
    assert (row["reason"], row["api_key_id"]) == ("unread_usage", "key_1")
    assert (row["prompt_tokens"], row["completion_tokens"]) == (40, 5)


def test_names_are_shown_that_say_no_more_than_a_name_does(collect: Any) -> None:
    (row,) = collect(batch(span(OURS))).quarantined
    assert "(acme.usage.tokensIn, acme.usage.tokensOut)" in row["detail"]
    named = {"Lena Ott: input tokens": 40, "k3y-0f-l3na.output_tokens": 5}
    (row,) = collect(batch(span(named))).quarantined
    assert row["detail"].startswith("tokens are counted by names that no reader knows; ")
    of_letters = "hf_kLzXcVbNmAsDfGhJqWeRtYuIoP"
    (row,) = collect(batch(span({f"{of_letters}.input_tokens": 40, "tokens.output": 5}))).quarantined
    assert row["detail"].startswith("tokens are counted by names that no reader knows (tokens.output); ")


def test_one_count_beside_the_model_is_refused_and_without_it_says_too_little(collect: Any) -> None:
    vectors = {"embedding.input_tokens": 12, "model": "jamba-embed"}
    (row,) = collect(batch(span(vectors))).quarantined
    assert (row["reason"], row["api_key_id"]) == ("unread_usage", "key_1")
    (row,) = collect(batch(span({"acme.total_tokens": 45, "llm.model": "jamba"}))).quarantined
    assert (row["prompt_tokens"], row["completion_tokens"]) == (None, None)
    assert is_nothing(collect(batch(span({"embedding.input_tokens": 12}))))
    assert is_nothing(collect(batch(span({"acme.total_tokens": 45, "model": ""}))))


@pytest.mark.parametrize(
    "named",
    [
        {"acme.usage.tokensIn": 0, "acme.usage.tokensOut": 0, "model": "jamba"},
        {"acme.usage.tokensIn": -40, "acme.usage.tokensOut": 0.5, "model": "jamba"},
        {"acme.usage.tokensIn": True, "acme.usage.tokensOut": "five", "model": "jamba"},
        {"acme.max_input_tokens": 40, "acme.maxOutputTokens": 5, "model": "jamba"},
        {"acme.input_token_limit": 40, "acme.output_tokens_per_second": 5, "model": "jamba"},
        {"acme.input.first_token_ms": 40, "acme.output_token_price": 5, "model": "jamba"},
        {"acme.cached_input_tokens": 40, "acme.reasoning_output_tokens": 5, "model": "jamba"},
        {"access_token": "40", "token_type": "5", "csrf.token": 40, "model": "jamba"},
    ],
)
def test_limits_rates_parts_and_what_consumed_nothing_are_no_usage(named: dict[str, Any], collect: Any) -> None:
    assert is_nothing(collect(batch(span(named))))


@pytest.mark.parametrize(
    "named",
    [
        {"session.input_tokens": 40, "session.output_tokens": 5, "model": "jamba"},
        {"agent.input_tokens": 40, "agent.output_tokens": 5},
        {"workflow.usage.inputTokens": 40, "workflow.usage.outputTokens": 5},
        {"codex.turn.token_usage.input_tokens": 40, "codex.turn.token_usage.output_tokens": 5, "model": "gpt-5.6"},
        {"gen_ai.aggregated_usage.input_tokens": 40, "gen_ai.aggregated_usage.output_tokens": 5},
        {"ai.operationId": "ai.generateText", "ai.usage.promptTokens": 40, "ai.usage.completionTokens": 5},
        {"gen_ai.agent.name": "desk", **OURS},
        {"gen_ai.operation.name": "invoke_agent", **OURS},
        {"openinference.span.kind": "CHAIN", **OURS},
        {"traceloop.span.kind": "workflow", **OURS},
        {"langfuse.observation.type": "span", **OURS},
        {"coding_agent.session.outcome": "completed", **OURS},
    ],
)
def test_what_repeats_what_others_count_is_nothing(named: dict[str, Any], collect: Any) -> None:
    assert is_nothing(collect(batch(span(named))))


def test_a_span_around_or_within_a_call_of_its_line_is_that_call_again_and_one_beside_it_is_not(collect: Any) -> None:
    """As where somebody counts by hand around a client that is traced."""
    outer, call, inner = "00000000000000aa", "00000000000000bb", "00000000000000cc"
    between = span({}, "00000000000000ff", outer)
    collected = collect(
        batch(span(CHAT, call, "00000000000000ff"), between, span(OURS, outer), span(OURS, inner, call))
    )
    assert len(collected.events) == 1
    assert not collected.quarantined
    beside = collect(batch(span(CHAT, call, outer), span({}, outer), span(OURS, inner, outer)))
    assert len(beside.events) == 1
    assert [row["reason"] for row in beside.quarantined] == ["unread_usage"]


def test_spans_that_are_around_one_another_by_their_ids_end(collect: Any) -> None:
    first, second = "00000000000000aa", "00000000000000bb"
    collected = collect(batch(span(OURS, first, second), span(CHAT, second, first)))
    assert len(collected.events) == 1
    assert not collected.quarantined


OF_SOURCE = {
    "usage.prompt_tokens": ['"usage.prompt_tokens"', 'attributes."acme.usage.tokensIn"'],
    "usage.completion_tokens": ['"usage.completion_tokens"', 'attributes."acme.usage.tokensOut"'],
    "request.model": ["request.model", 'attributes."acme.model"'],
}
"""What is read by a convention, else by these names."""


def test_a_source_may_say_where_such_spans_count_and_all_others_are_read_as_before(collect: Any) -> None:
    ours = span(OURS | {"acme.model": "jamba-mini"})
    theirs = span(CHAT | {"gen_ai.usage.input_tokens": 41}, "00000000000000bb")
    found = collect(batch(ours, theirs), format="otel", fields=OF_SOURCE).events
    assert [(each["prompt_tokens"], each["completion_tokens"], each["model_requested"]) for each in found] == [
        *((40, 5, "jamba-mini"), (41, 5, "jamba")),
    ]
    others = batch(span({"input_tokens": 40, "output_tokens": 5}))
    (row,) = collect(others, format="otel", fields=OF_SOURCE).quarantined
    assert row["reason"] == "unread_usage"


def test_a_count_that_is_stated_twice_is_refused_as_that_where_the_source_says_what_it_is(collect: Any) -> None:
    twice = span(OURS)
    twice["attributes"].append({"key": "acme.usage.tokensIn", "value": {"intValue": "41"}})
    (row,) = collect(batch(twice)).quarantined
    assert row["reason"] == "unread_usage"
    said = {"usage.prompt_tokens": 'attributes."acme.usage.tokensIn"'}
    (row,) = collect(batch(twice), format="otel", fields=said).quarantined
    assert row["reason"] == "duplicate_key"


def test_a_log_record_is_refused_where_it_counts_both_and_names_the_model(collect: Any) -> None:
    named = {"tokensIn": 40, "tokensOut": 5, "model": "jamba"}
    (row,) = collect(logged(named, body={"stringValue": "answered"})).quarantined
    assert (row["reason"], row["api_key_id"]) == ("unread_usage", "key_1")
    assert is_nothing(collect(logged({"tokensIn": 40, "tokensOut": 5})))
    assert is_nothing(collect(logged({"tokensIn": 40, "model": "jamba"})))
    assert is_nothing(collect(logged(CHAT, eventName="copilot_chat.agent.turn")))


def test_a_log_record_of_a_call_that_is_read_is_nothing(collect: Any) -> None:
    ids = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "00000000000000aa"}
    both = batch(span(CHAT)) | logged(OURS | {"model": "jamba"}, **ids)
    collected = collect(both)
    assert len(collected.events) == 1
    assert not collected.quarantined
