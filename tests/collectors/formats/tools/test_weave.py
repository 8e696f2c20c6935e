"""Calls of Weave, and what each of them bills."""

from __future__ import annotations

from typing import Any

import pytest
from logged_documents import weave_call

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.tools import weave

ONE = weave_call()


def op(name: str) -> str:
    return f"weave:///desk/answers/op/{name}:aV5cvC"


@pytest.mark.parametrize("written", [ONE, {"calls": [ONE, weave_call(op_name=op("answer"), output="text")]}])
def test_a_call_of_a_client_is_its_answer(written: dict[str, Any], collect: Any) -> None:
    found = format_of(written)
    assert found is not None
    assert found.name == "weave"
    event = collect(written).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["api_key_id"], event["request_id"], event["response_id"]) == ("key_1", ONE["id"], "chatcmpl-1")
    assert (event["model_requested"], event["model_reported"]) == ("jamba", "jamba-large")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"


def test_what_a_function_hands_on_is_the_same_exchange_and_its_summary_is_not_looked_at(collect: Any) -> None:
    answer = ONE["output"] | {"object": "chat.completion"}
    outer = weave_call(op_name=op("Desk.answer"), id="0192-outer", output=answer)
    events = collect({"calls": [outer, ONE]}).events
    assert {event["event_id"] for event in events} == {collect(ONE).event["event_id"]}
    summed = weave_call(op_name=op("Desk.answer"), output={"text": "x"})
    assert not collect(summed).events


def test_an_answer_without_an_id_is_that_of_a_client_s_op_alone(collect: Any) -> None:
    answer = {
        "candidates": [{"content": {"parts": []}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 40, "candidatesTokenCount": 5, "totalTokenCount": 45},
    }
    of_client = weave_call(op_name=op("google.genai.models.Models.generate_content"), output=answer)
    assert collect(of_client).tokens[:2] == (40, 5)
    assert collect(weave_call(op_name=op("answer"), output=answer)).refusal[0] == "invalid_field"


def test_usage_of_an_op_s_own_making_is_refused(collect: Any) -> None:
    """It may be the sum of calls below, whatever it is called."""
    summed = {"id": "talk-1", "model": "jamba", "usage": {"prompt_tokens": 400, "completion_tokens": 50}}
    assert collect(weave_call(op_name=op("Desk.talk"), output=summed)).refusal[0] == "invalid_field"


def test_a_stream_without_usage_is_unknown_and_a_call_that_failed_is_failed(collect: Any) -> None:
    bare = {"id": "chatcmpl-1", "object": "chat.completion", "model": "jamba-large", "choices": [], "usage": None}
    assert collect(weave_call(output=bare)).event["status"] == "unknown"
    assert collect(weave_call(output=None, exception="timeout")).event["status"] == "failed"
    assert not collect(weave_call(op_name=op("langchain.Chain.RunnableSequence"), output=bare)).events


def test_anthropic_s_answer_has_its_cache(collect: Any) -> None:
    usage = {"input_tokens": 6, "output_tokens": 5, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "opus", "content": [], "usage": usage}
    assert collect(weave_call(op_name=op("anthropic.Messages.create"), output=message)).tokens == (40, 5, 30, 4, None)


def test_whose_it_was_an_attribute_says_or_a_rule(collect: Any) -> None:
    call = weave_call(attributes={"tenant": "key_7"})
    assert collect(call).refusal == ("missing_field", "api_key or api_key_id")
    named = {"format": "weave", "fields": {"api_key_id": "call.attributes.tenant"}}
    assert collect(call, **named).event["api_key_id"] == "key_7"


@pytest.mark.parametrize("name", ["op_name", "trace_id", "started_at", "inputs"])
def test_what_has_not_all_of_it_is_no_call(name: str) -> None:
    assert not weave.recognises({each: value for each, value in ONE.items() if each != name})


def test_a_page_that_holds_what_is_no_call_is_refused(collect: Any) -> None:
    assert collect({"calls": [ONE, 7]}).refusal[0] == "invalid_field"
