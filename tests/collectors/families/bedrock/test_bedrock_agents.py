"""Agents of Bedrock: each model that a trace says was called is an event, with what its calls consumed."""

from __future__ import annotations

from typing import Any

import pytest
from readings import aws_stream, converse_ways, read

SONNET, HAIKU = "anthropic.sonnet-20240620-v1:0", "anthropic.haiku-20240307-v1:0"
PATH = "/agents/A1B2C3D4E5/agentAliases/F6G7H8I9J0/sessions/s-1/text"
TEXT = ("chunk", {"bytes": "TWlzdCBvdmVyIHRoZSBiYXku"})


def _trace(step: str, **said: Any) -> tuple[str, dict[str, Any]]:
    return "trace", {"agentId": "A1B2C3D4E5", "sessionId": "s-1", "trace": {step: said}}


def _call(
    call: str, model: str | None, prompt: int, completion: int, step: str = "orchestrationTrace"
) -> list[tuple[str, dict[str, Any]]]:
    """Return both traces of a call, and what the agent thought of it."""
    named = {"foundationModel": model} if model else {}
    usage = {"inputTokens": prompt, "outputTokens": completion}
    return [
        _trace(step, modelInvocationInput={"traceId": call, "text": "{}", "type": "ORCHESTRATION"} | named),
        _trace(
            step,
            modelInvocationOutput={
                "traceId": call,
                "metadata": {"clientRequestId": "c-1", "totalTimeMs": 466, "usage": usage},
                "rawResponse": {"content": "{}"},
            },
        ),
        _trace("orchestrationTrace", rationale={"traceId": call, "text": "It is about the weather."}),
    ]


ONE_MODEL = [
    *_call("t-1-pre-0", SONNET, 435, 116, "preProcessingTrace"),
    *_call("t-1-0", SONNET, 252, 354),
    *_call("t-1-post-0", SONNET, 1325, 238, "postProcessingTrace"),
    TEXT,
]


@pytest.mark.parametrize("way", converse_ways())
@pytest.mark.parametrize("path", [PATH, "/agents/session-1", "/ai/ask", None])
def test_the_calls_of_a_model_are_added_in_each_way_in_which_a_log_may_hold_them(way: str, path: str | None) -> None:
    reading = read(converse_ways(*ONE_MODEL)[way], path=path)
    counts = reading.tokens
    assert counts is not None
    assert (reading.status.value, reading.dialect, reading.model_reported) == ("measured", "bedrock-agents", SONNET)
    assert (counts.prompt_tokens, counts.completion_tokens) == (435 + 252 + 1325, 116 + 354 + 238)
    assert (reading.response_id, reading.parts) == ("t-1-pre-0", ())


def test_a_call_that_is_traced_again_is_counted_once() -> None:
    """A proxy that tries an event again logs it twice."""
    twice = [*ONE_MODEL[:2], *ONE_MODEL]
    assert read(aws_stream(*twice), path=PATH).tokens == read(aws_stream(*ONE_MODEL), path=PATH).tokens


def test_each_other_model_is_an_event_of_its_own_whatever_the_order_of_its_calls(collect: Any, exchange: Any) -> None:
    several = [
        *_call("t-1-0", HAIKU, 922, 144),
        *_call("t-2-0", SONNET, 1055, 167),
        *_call("t-1-1", HAIKU, 449, 132),
        *_call("t-2-1", f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}", 1275, 131),
        TEXT,
    ]
    line = exchange(path=PATH, request={"inputText": "?"}, response=aws_stream(*several))
    found = collect(line).events
    assert [(e["model_reported"], e["prompt_tokens"], e["completion_tokens"], e["status"]) for e in found] == [
        (HAIKU, 922 + 449, 144 + 132, "measured"),
        (SONNET, 1055 + 1275, 167 + 131, "measured"),
    ]
    assert len({e["event_id"] for e in found}) == 2
    again = collect(line | {"request_id": "req-2", "ts": "2026-09-01T12:00:01Z"}).events
    assert [e["event_id"] for e in again] == [e["event_id"] for e in found], "a copy is the same answer"


def test_a_call_whose_model_is_not_named_is_measured_and_of_an_unknown_model() -> None:
    """So knowledge bases answer."""
    reading = read(aws_stream(*_call("t-1-KB-0", None, 2068, 385), TEXT), path=PATH)
    assert (reading.status.value, reading.model_reported) == ("measured", None)


def test_calls_that_state_half_of_their_usage_or_none_are_not_counted() -> None:
    begun, ended, _ = _call("t-1-0", SONNET, 252, 354)
    for usage in ({}, {"inputTokens": 252}):
        half = _trace("orchestrationTrace", modelInvocationOutput={"traceId": "t-1-0", "metadata": {"usage": usage}})
        assert read(aws_stream(begun, half), path=PATH).status.value == "unknown"
    assert read(aws_stream(begun, exception="throttlingException"), path=PATH).status.value == "failed"
    assert read(aws_stream(begun, ended, exception="throttlingException"), path=PATH).status.value == "measured"


def test_an_answer_whose_traces_tell_of_no_call_is_not_metered() -> None:
    """Whether a model was called is not said, be it that traces were not asked for or a guardrail stepped in."""
    for events in ([TEXT], [_trace("guardrailTrace", action="INTERVENED"), TEXT]):
        assert read(aws_stream(*events), path=PATH).status.value == "not_metered"
