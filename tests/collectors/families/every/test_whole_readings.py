"""The whole of what a body says, family by family: every count, name and flag, and what is said where one is absent.

Expected are whole readings, so that nothing is said beside what the body states.
"""

from __future__ import annotations

from typing import Any

import pytest
from readings import said

from pipeline.collectors.families.reading import Reading, Stated

ERROR = {"type": "error", "error": {"message": "overloaded"}}


def message(usage: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "id": "msg_1", "model": "m-1", "usage": usage} | fields


def of_messages(stated: Stated | None = None, **fields: Any) -> Reading:
    known: dict[str, Any] = {"family": "anthropic", "stated": stated, "response_id": "msg_1", "model": "m-1"}
    return Reading(**known | {"choices": 1} | fields)


def test_a_message_says_its_counts_its_reason_and_its_tier() -> None:
    usage: dict[str, Any] = {
        "input_tokens": 10,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 12, "ephemeral_1h_input_tokens": 18},
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
        "service_tier": "priority",
    }
    stated = Stated(
        prompt=60,
        completion=7,
        cached=20,
        written=30,
        written_1h=18,
        reasoning=3,
        others={"web_searches": 2, "web_fetches": 1},
    )
    assert said(message(usage, content=[{"text": "a"}], stop_reason="end_turn")) == of_messages(
        stated, service_tier="priority", finish_reason="end_turn", has_content=True
    )


@pytest.mark.parametrize(
    ("usage", "stated"),
    [
        ({"input_tokens": 10, "output_tokens": 7}, Stated(prompt=10, completion=7)),
        ({"input_tokens": 0, "output_tokens": 0}, Stated(prompt=0, completion=0)),
        ({"input_tokens": 10}, None),
        ({"output_tokens": 7}, None),
        (
            {"input_tokens": 10, "output_tokens": 7, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
            Stated(prompt=10, completion=7, cached=0, written=0),
        ),
        (
            {"input_tokens": 10, "output_tokens": 7, "cache_creation": {"ephemeral_5m_input_tokens": 4}},
            Stated(prompt=14, completion=7, written=4),
        ),
        (
            {
                "input_tokens": 10,
                "output_tokens": 7,
                "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5},
            },
            Stated(prompt=19, completion=7, written=9, written_1h=5),
        ),
        (
            {  # the flat field is the newer one, and what lived for an hour is within it
                "input_tokens": 10,
                "output_tokens": 7,
                "cache_creation_input_tokens": 3,
                "cache_creation": {"ephemeral_1h_input_tokens": 5},
            },
            Stated(prompt=13, completion=7, written=3, written_1h=3),
        ),
        (
            {
                "input_tokens": 10,
                "output_tokens": 7,
                "iterations": [
                    {"type": "message", "input_tokens": 10, "output_tokens": 7},
                    {"type": "compaction", "input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 5},
                    "no iteration",
                ],
            },
            Stated(prompt=115, completion=27, cached=5, conventions=("compaction",)),
        ),
        (
            {
                "input_tokens": 10,
                "output_tokens": 7,
                "iterations": [
                    {
                        "type": "compaction",
                        "input_tokens": 100,
                        "output_tokens": 20,
                        "cache_creation_input_tokens": 6,
                        "cache_creation": {"ephemeral_1h_input_tokens": 6},
                    },
                    {"type": "compaction", "input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 2},
                ],
            },
            Stated(prompt=119, completion=28, written=8, written_1h=6, conventions=("compaction",)),
        ),
    ],
)
def test_counts_of_a_message_are_disjoint_and_those_of_compactions_are_added(
    usage: dict[str, Any], stated: Stated | None
) -> None:
    assert said(message(usage)) == of_messages(stated)


def test_a_stream_of_a_message_states_each_field_last_and_counts_its_deltas() -> None:
    start = {
        "type": "message_start",
        "message": message(
            {"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 4, "service_tier": "batch"}
        ),
    }
    deltas = [{"type": "content_block_delta", "delta": {"text": "a"}}, {"type": "content_block_stop"}] * 2
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": "max_tokens"},
        "usage": {"input_tokens": 12, "output_tokens": 9, "cache_read_input_tokens": None, "service_tier": None},
    }
    expected = of_messages(
        Stated(prompt=16, completion=9, cached=4),
        service_tier="batch",
        finish_reason="max_tokens",
        generated_chunks=2,
    )
    assert said(start, *deltas, end) == expected
    assert said(start, *deltas, end, ERROR).has_error
    cut = said(start, *deltas[:1])
    begun = Stated(prompt=14, completion=1, cached=4, conventions=("output-begun",))
    assert (cut.stated, cut.generated_chunks) == (begun, 1)


def test_two_starts_of_one_id_are_one_message_and_of_two_ids_none_that_is_believed() -> None:
    usage: dict[str, Any] = {
        "input_tokens": 10,
        "output_tokens": 1,
        "iterations": [{"type": "advisor_message", "model": "adviser", "input_tokens": 5, "output_tokens": 6}],
    }
    start = {"type": "message_start", "message": message(usage)}
    other = {"type": "message_start", "message": message(usage, id="msg_2")}
    delta = {"type": "content_block_delta", "delta": {"text": "a"}}
    again = said(start, start, delta)
    begun = Stated(prompt=10, completion=1, conventions=("output-begun",))
    assert (again.stated, again.generated_chunks, len(again.parts)) == (begun, 1, 1)
    assert said(start, other, delta) == of_messages()


def test_an_advisor_is_a_part_of_its_own_and_whoever_declined_before_a_fallback_is_not_billed() -> None:
    counts: dict[str, Any] = {"input_tokens": 5, "output_tokens": 6}
    usage: dict[str, Any] = {"input_tokens": 10, "output_tokens": 1, "service_tier": "flex"}
    advisor = {"type": "advisor_message", "model": "adviser", **counts}
    without = {"type": "advisor_message", "model": "adviser"}
    common: dict[str, Any] = {"family": "anthropic", "response_id": "msg_1", "service_tier": "flex", "choices": 1}
    own = {"type": "message", "model": "m-1", **counts}
    found = said(message(usage | {"iterations": [own, advisor, without]}))
    assert found.parts == (
        Reading(**common, stated=Stated(prompt=5, completion=6), model="adviser", part="iteration 1"),
        Reading(**common, model="adviser", part="iteration 2"),
    )
    assert found.model == "m-1"
    declined = {"type": "message", "model": "m-1", **counts}
    first, last = ({"type": "fallback_message", "model": name, **counts} for name in ("f-1", "f-2"))
    fallen = said(message(usage | {"iterations": [declined, first, last]}))
    assert fallen.model == "f-2"
    assert fallen.parts == (
        Reading(**common, stated=Stated(prompt=5, completion=6), model="m-1", part="iteration 0", is_billed=False),
    )


def converse(usage: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"stopReason": "end_turn", "usage": usage} | fields


@pytest.mark.parametrize(
    ("usage", "stated"),
    [
        ({"inputTokens": 10, "outputTokens": 7, "totalTokens": 17}, Stated(prompt=10, completion=7, total=17)),
        ({"inputTokens": 10, "outputTokens": 0}, Stated(prompt=10, completion=0)),
        ({"inputTokens": 0, "outputTokens": 7}, Stated(prompt=0, completion=7)),
        (
            {
                "inputTokens": 10,
                "outputTokens": 7,
                "cacheReadInputTokens": 20,
                "cacheWriteInputTokens": 30,
                "cacheDetails": [
                    {"ttl": "1h", "inputTokens": 12},
                    {"ttl": "5m", "inputTokens": 13},
                    {"ttl": "1h", "inputTokens": 5},
                    {"ttl": "1h"},
                    "1h",
                ],
            },
            Stated(prompt=60, completion=7, cached=20, written=30, written_1h=17),
        ),
        (
            {  # what lived for an hour is within what was written
                "inputTokens": 10,
                "outputTokens": 7,
                "cacheWriteInputTokenCount": 3,
                "cacheReadInputTokenCount": 2,
                "cacheDetails": [{"ttl": "1h", "inputTokens": 4}],
            },
            Stated(prompt=15, completion=7, cached=2, written=3, written_1h=3),
        ),
        (
            {"inputTokens": 10, "outputTokens": 7, "cacheDetails": [{"ttl": "1h", "inputTokens": 4}]},
            Stated(prompt=10, completion=7),
        ),
        (
            {"inputTokens": 1, "outputTokens": 1, "cacheReadInputTokens": 2, "cacheReadInputTokenCount": 2},
            Stated(prompt=3, completion=1, cached=2),
        ),
        ({"inputTokens": 10}, Stated(prompt=None, completion=None, others={"prompt_tokens": 10})),
        ({"outputTokens": 7}, Stated(prompt=None, completion=None, others={"completion_tokens": 7})),
        ({"inputTokens": 0}, None),
        ({}, None),
    ],
)
def test_counts_of_converse_are_disjoint_and_half_of_them_are_kept_by_name(
    usage: dict[str, Any], stated: Stated | None
) -> None:
    expected = Reading(family="bedrock-converse", stated=stated, finish_reason="end_turn", choices=1)
    assert said(converse(usage)) == expected


def test_a_stream_of_converse_states_its_usage_in_its_metadata() -> None:
    usage: dict[str, Any] = {"inputTokens": 10, "outputTokens": 7}
    events: list[dict[str, Any]] = [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "a"}}},
        {"contentBlockDelta": {"delta": {"text": "b"}}},
        {"contentBlockDelta": {}},
        {"messageStop": {"stopReason": "tool_use"}},
        {"metadata": {"usage": usage}},
        {"metadata": {}},
    ]
    expected = Reading(
        family="bedrock-converse",
        stated=Stated(prompt=10, completion=7),
        finish_reason="tool_use",
        choices=1,
        generated_chunks=2,
    )
    assert said(*events) == expected
    assert said(*events, {"error": {}}).has_error
    plain = converse(usage, output={"message": {"content": [{"text": "a"}]}})
    assert said(plain).has_content
    assert not said(converse(usage, output={"message": {"content": []}})).has_content


def test_a_titan_s_answer_is_the_sum_of_its_results_else_what_its_last_chunk_states() -> None:
    results = [{"tokenCount": 5, "completionReason": "FINISH"}, {"tokenCount": 6, "completionReason": "LENGTH"}]
    answer = {"inputTextTokenCount": 10, "results": [*results, "no result"], "id": "t-1"}
    assert said(answer) == Reading(
        family="bedrock-titan",
        stated=Stated(prompt=10, completion=11),
        response_id="t-1",
        finish_reason="LENGTH",
        choices=1,
        has_content=True,
    )
    first = {"outputText": "a", "inputTextTokenCount": 10, "totalOutputTextTokenCount": None}
    last = {"outputText": "b", "totalOutputTextTokenCount": 4, "completionReason": "FINISH"}
    quiet = {"outputText": ""}
    assert said(first, last, quiet) == Reading(
        family="bedrock-titan",
        stated=Stated(prompt=10, completion=4),
        finish_reason="FINISH",
        choices=1,
        has_content=True,
        generated_chunks=2,
    )
    assert said(first).stated is None
    assert said({"inputTextTokenCount": None, "results": results}).stated is None
    assert said(first, {"error": {}}).has_error


def test_a_llama_s_chunks_state_running_totals() -> None:
    chunks = [
        {"generation": "a", "prompt_token_count": 10, "generation_token_count": 1, "stop_reason": None},
        {"generation": "b", "prompt_token_count": None, "generation_token_count": 2, "stop_reason": None},
        {"generation": "", "prompt_token_count": None, "generation_token_count": 3, "stop_reason": "stop"},
    ]
    assert said(*chunks) == Reading(
        family="bedrock-llama",
        stated=Stated(prompt=10, completion=3),
        finish_reason="stop",
        choices=1,
        has_content=True,
        generated_chunks=2,
    )
    assert said({"generation": "", "prompt_token_count": 10}) == Reading(family="bedrock-llama", choices=1)


@pytest.mark.parametrize(
    "holder", ["results", "outputText", "generation", "outputs", "completion", "completions", "generations", "text"]
)
def test_a_model_that_only_aws_counts_has_said_something_where_one_of_these_holds_it(holder: str) -> None:
    metrics: dict[str, Any] = {"amazon-bedrock-invocationMetrics": {}}
    generated = int(holder in ("outputText", "generation"))
    assert said({holder: "a"} | metrics) == Reading(
        family="bedrock-invoke", choices=1, has_content=True, generated_chunks=generated
    )
    assert said({holder: ""} | metrics) == Reading(family="bedrock-invoke", choices=1)
    assert not said({f"{holder}s_": "a"} | metrics).has_content


def response(usage: Any, **fields: Any) -> dict[str, Any]:
    return {"object": "response", "id": "resp_1", "model": "m-1", "status": "completed", "usage": usage} | fields


def of_responses(stated: Stated | None = None, **fields: Any) -> Reading:
    known: dict[str, Any] = {
        "family": "openai-responses",
        "stated": stated,
        "response_id": "resp_1",
        "model": "m-1",
        "choices": 1,
    }
    return Reading(**known | {"finish_reason": "completed"} | fields)


@pytest.mark.parametrize(
    ("usage", "stated"),
    [
        (
            {
                "input_tokens": 50,
                "input_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 10, "audio_tokens": 3},
                "output_tokens": 9,
                "output_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 2},
                "total_tokens": 59,
                "num_sources_used": 6,
                "num_server_side_tools_used": 7,
            },
            Stated(
                prompt=50,
                completion=9,
                cached=20,
                written=10,
                reasoning=4,
                prompt_audio=3,
                completion_audio=2,
                total=59,
                others={"searches": 6, "server_tool_calls": 7},
            ),
        ),
        ({"prompt_tokens": 50, "completion_tokens": 9}, Stated(prompt=50, completion=9)),
        ({"input_tokens": 0, "output_tokens": 0}, Stated(prompt=0, completion=0)),
        *(
            (
                {"input_tokens": 50, "output_tokens": 9, "input_tokens_details": {name: 10}},
                Stated(prompt=50, completion=9, written=10),
            )
            for name in ("cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens")
        ),
        ({"input_tokens": 50}, None),
        ({"output_tokens": 9}, None),
        (None, None),
    ],
)
def test_parts_of_a_response_lie_within_its_wholes(usage: Any, stated: Stated | None) -> None:
    assert said(response(usage)) == of_responses(stated)


def test_a_stream_of_a_response_says_what_its_last_event_holds() -> None:
    usage: dict[str, Any] = {"input_tokens": 50, "output_tokens": 9}
    begun = response(None, status="in_progress", service_tier="auto", output=[])
    events: list[dict[str, Any]] = [
        {"type": "response.created", "id": "ev_1", "response": begun},
        {"type": "response.output_text.delta", "id": "item_1", "delta": "a"},
        {"type": "response.output_text.delta", "id": "item_1", "delta": ""},
        {"type": "response.audio.delta", "id": "item_1", "delta": {"bytes": "a"}},
    ]
    incomplete = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    done = {
        "type": "response.incomplete",
        "response": response(usage, service_tier="flex", output=[{}], **incomplete),
    }
    assert said(*events, done) == of_responses(
        Stated(prompt=50, completion=9),
        service_tier="flex",
        finish_reason="content_filter",
        has_content=True,
        generated_chunks=1,
    )
    assert said(*events) == of_responses(service_tier="auto", finish_reason="in_progress", generated_chunks=1)
    assert said(*events, ERROR).has_error
    assert said(response(None, status="failed")) == of_responses(finish_reason="failed", has_error=True)
    assert said(response(None, error={"code": "x"})).has_error
    assert said({"type": "response.failed", "response": response(None, error={"code": "x"})}).has_error
    assert said({"type": "response.created", "response": {"id": "resp_1"}}).response_id == "resp_1"
    assert said({"type": "response.output_text.done", "id": "item_1"}).response_id is None


def test_something_was_delivered_where_any_document_holds_it() -> None:
    holds = message({"input_tokens": 1, "output_tokens": 0}, content=[{"text": "a"}])
    assert said(holds, {"type": "message_stop"}).has_content
    assert said(response(None, output=[{}]), response(None, output=[])).has_content
    both = ({"output": {"message": {"content": [{}]}}, "stopReason": "x"}, {"stopReason": "x"})
    assert said(*both).has_content


def test_a_compaction_may_state_no_output() -> None:
    usage: dict[str, Any] = {"input_tokens": 10, "output_tokens": 7}
    compaction = {"type": "compaction", "input_tokens": 5}
    assert said(message(usage | {"iterations": [compaction]})).stated == Stated(
        prompt=15, completion=7, conventions=("compaction",)
    )
