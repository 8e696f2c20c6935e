"""Runs of LangSmith, as its SDKs' wrappers and LangChain make them, and what each of them bills."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors.formats.tools import langsmith
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Exchange

RUN = "1b64098b-4ab7-43f6-afee-992304f198d8"
USAGE: dict[str, Any] = {
    "input_tokens": 100,
    "output_tokens": 30,
    "total_tokens": 130,
    "input_token_details": {"cache_read": 80},
    "output_token_details": {"reasoning": 20},
}
WRAPPED = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}],
    "service_tier": "flex",
    "usage_metadata": USAGE,
}
"""What a wrapped client's answer is made: its usage by another name."""


def of_langchain(**usage: Any) -> dict[str, Any]:
    """Return the outputs of a model of LangChain."""
    kwargs = {
        "content": "Hi.",
        "response_metadata": {
            "id": "chatcmpl-1",
            "model_name": "gpt-4o-2024-08-06",
            "token_usage": {"total_tokens": 9},
        },
        "usage_metadata": USAGE | usage,
    }
    message = {"lc": 1, "type": "constructor", "id": ["langchain", "AIMessage"], "kwargs": kwargs}
    return {"generations": [[{"text": "Hi.", "message": message}]], "llm_output": None}


def run(**fields: Any) -> dict[str, Any]:
    """Return a run; keywords replace fields, ``...`` leaves one out."""
    line = {
        "id": RUN,
        "trace_id": "809ed3a2-0172-4f4d-8a02-a64e9b7a0f8a",
        "dotted_order": f"20261103T100001250000Z{RUN}",
        "parent_run_id": "809ed3a2-0172-4f4d-8a02-a64e9b7a0f8a",
        "name": "ChatOpenAI",
        "run_type": "llm",
        "start_time": "2026-11-03T10:00:01.250000",
        "end_time": "2026-11-03T10:00:02.250000",
        "extra": {
            "metadata": {"api_key_id": "key_1", "ls_provider": "openai", "ls_model_name": "gpt-4o"},
            "invocation_params": {"model": "gpt-4o"},
        },
        "error": None,
        "inputs": {"messages": [{"role": "user", "content": "Hello!"}]},
        "outputs": WRAPPED,
        "status": "success",
        "prompt_tokens": 100,
        "completion_tokens": 30,
    } | fields
    return {name: value for name, value in line.items() if value is not ...}


def test_usage_counts_wherever_an_integration_puts_it(exchanges: Callable[..., list[Exchange]]) -> None:
    beside = {"metadata": {"api_key_id": "key_1", "ls_model_name": "gpt-4o", "usage_metadata": USAGE}}
    message = {"role": "assistant", "content": "Hi.", "usage_metadata": USAGE}
    flat = {"generations": [of_langchain()["generations"][0][0]]}
    for outputs, extra in (
        (WRAPPED, run()["extra"]),
        (of_langchain(), run()["extra"]),
        (flat, run()["extra"]),
        ({"message": message}, run()["extra"]),
        ({"content": "Hi."}, beside),
        (json.dumps(WRAPPED), json.dumps(run()["extra"])),
    ):
        (found,) = exchanges(langsmith, run(outputs=outputs, extra=extra))
        assert (found.reading.status, found.tokens) == (UsageStatus.MEASURED, (100, 30, 80, None, 20))
        assert (found.envelope.api_key_id, found.envelope.request_id) == ("key_1", RUN)


def test_an_answer_is_known_by_its_id_and_model_where_the_run_has_them(collect: Any) -> None:
    wrapped, made = (collect(run(outputs=outputs)).event for outputs in (WRAPPED, of_langchain()))
    for event in (wrapped, made):
        assert (event["response_id"], event["model_reported"]) == ("chatcmpl-1", "gpt-4o-2024-08-06")
        assert (event["model_requested"], event["status"]) == ("gpt-4o", "measured")
        assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"
    assert wrapped["event_id"] == made["event_id"]
    assert (wrapped["service_tier"], made["service_tier"]) == ("flex", None)
    bare = collect(run(outputs={"usage_metadata": USAGE})).event
    assert (bare["response_id"], bare["model_reported"], bare["request_id"]) == (None, "gpt-4o", RUN)


@pytest.mark.parametrize("kind", ["chain", "tool", "retriever", "prompt", "parser"])
def test_what_is_no_call_of_a_model_gives_nothing_whatever_it_counts(collect: Any, kind: str) -> None:
    collected = collect(run(run_type=kind, prompt_tokens=900, outputs={"usage_metadata": USAGE}), run())
    assert len(collected.events) == 1
    assert not collected.quarantined
    assert sum(record.blank for record in collected.records) == 1


def test_counts_that_only_the_run_has_may_be_a_tokenizer_s_and_are_no_usage(collect: Any) -> None:
    event = collect(run(outputs={"content": "Hi."})).event
    assert (event["status"], event["prompt_tokens"]) == ("unknown", None)


@pytest.mark.parametrize(
    "below", [{"child_run_ids": ["a"]}, {"direct_child_run_ids": ["a"]}, {"child_runs": [run(id="a", run_type="tool")]}]
)
def test_a_model_above_other_runs_is_refused_and_these_are_billed(collect: Any, below: dict[str, Any]) -> None:
    collected = collect(run(**below), run(id="a"))
    assert [event["request_id"] for event in collected.events] == ["a"]
    (refused,) = collected.quarantined
    assert refused["reason"] == "contradictory_usage"
    assert refused["detail"] == (
        "a run of a model that has runs below it states 130 tokens, which may repeat what these count"
    )
    assert collect(run(**below, outputs={})).event["status"] == "unknown"


def test_a_trace_that_was_loaded_with_its_children_is_read_to_its_leaves(collect: Any) -> None:
    leaf = run(outputs={"usage_metadata": USAGE})
    chain = run(id="c", run_type="chain", child_runs=[run(id="t", run_type="tool", child_runs=[leaf])], outputs=None)
    assert collect(chain).event["request_id"] == RUN


def test_a_wrapped_client_within_a_model_of_langchain_is_one_call_by_the_id_of_its_answer(collect: Any) -> None:
    first, second = collect(run(id="a", outputs=of_langchain()), run(id="b", parent_run_id="a")).events
    assert first["event_id"] == second["event_id"]


def test_an_answer_out_of_langchain_s_cache_is_not_metered(collect: Any) -> None:
    for cost in (0, 0.0):
        event = collect(run(outputs=of_langchain(total_cost=cost))).event
        assert (event["status"], event["dialect"]) == ("not_metered", "logged-usage/cache-hit")
    for outputs in (of_langchain(total_cost=0.01), of_langchain(total_cost=None), WRAPPED):
        assert collect(run(outputs=outputs)).event["status"] == "measured"


@pytest.mark.parametrize(
    ("details", "tokens"),
    [
        ({"cache_creation": 20}, (100, 30, None, 20, None)),
        (
            {"cache_creation": 0, "ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 15},
            (100, 30, None, 20, None),
        ),
        ({"cache_creation": 20, "ephemeral_1h_input_tokens": 20}, (100, 30, None, 20, None)),
        ({"ephemeral_5m_input_tokens": 5, "ephemeral_1hr_input_tokens": 15}, (100, 30, None, 20, None)),
        ({"cache_read": 60, "cache_read_over_200k": 20, "over_200k": 0}, (100, 30, 80, None, None)),
        ({"flex_cache_read": 80, "flex": 20}, (100, 30, 80, None, None)),
        ({"priority_cache_read": 80, "priority": 20}, (100, 30, 80, None, None)),
    ],
)
def test_parts_are_counted_once_by_whatever_name(
    exchanges: Callable[..., list[Exchange]], details: dict[str, int], tokens: tuple[int | None, ...]
) -> None:
    usage = {"input_tokens": 100, "output_tokens": 30, "total_tokens": 130, "input_token_details": details}
    (found,) = exchanges(langsmith, run(outputs={"usage_metadata": usage}))
    assert found.tokens == tokens
    counts = found.reading.tokens
    assert counts is not None
    hour = sum(details.get(name, 0) for name in ("ephemeral_1h_input_tokens", "ephemeral_1hr_input_tokens"))
    assert (counts.prompt_cache_write_1h_tokens or 0) == hour


def test_what_was_written_twice_differently_and_what_is_no_count_are_refused(collect: Any) -> None:
    twice = {"cache_creation": 20, "ephemeral_5m_input_tokens": 5}
    refused = collect(run(outputs={"usage_metadata": USAGE | {"input_token_details": twice}})).refusal
    detail = "cache_creation is 20, and by their lifetimes 5 tokens were written"
    assert refused == ("contradictory_usage", detail)
    for value in (-1, 1.5, True, "many"):
        assert collect(run(outputs={"usage_metadata": USAGE | {"input_tokens": value}})).refusal[0] == "invalid_usage"


def test_a_run_that_failed_is_not_billed_and_vectors_are_a_prompt(collect: Any) -> None:
    failed = collect(run(error="RateLimitError()", status="error", outputs=None)).event
    assert (failed["status"], failed["prompt_tokens"]) == ("failed", None)
    vectors = collect(run(run_type="embedding", outputs={"usage_metadata": {"input_tokens": 12}})).event
    assert [vectors[name] for name in ("status", "prompt_tokens", "completion_tokens")] == ["measured", 12, 0]


def test_a_page_of_the_api_holds_many(exchanges: Callable[..., list[Exchange]]) -> None:
    user = run(extra={"metadata": {"user_id": "lena"}})
    page = {"runs": [run(), run(run_type="chain"), user], "cursors": {"next": None}}
    assert [one.envelope.api_key_id for one in exchanges(langsmith, page)] == ["key_1", "lena"]
    for runs in ({}, [7], [run(run_type="dream")]):
        with pytest.raises(LineRefused):
            langsmith.entries({"runs": runs})


def test_runs_are_known_alone_and_in_a_page() -> None:
    assert langsmith.recognises(run())
    assert langsmith.recognises(run(dotted_order=...))
    assert langsmith.recognises(run(trace_id=...))
    assert langsmith.recognises({"runs": [run()]})
    for line in (run(trace_id=..., dotted_order=...), run(start_time=...), run(run_type="LLM"), {"runs": [7]}, {}):
        assert not langsmith.recognises(line)


def test_the_run_is_there_for_fields_to_name(collect: Any) -> None:
    fields = {"api_key_id": "run.extra.metadata.ls_provider"}
    assert collect(run(), format="langsmith", fields=fields).event["api_key_id"] == "openai"
