"""Applications of Alibaba's Model Studio: one model or several, whole and streamed."""

from __future__ import annotations

from typing import Any

import pytest
from readings import read, tokens, ways

PATH = "/api/v1/apps/app-1/completion"


def _call(model: str, prompt: int, completion: int, **more: int) -> dict[str, Any]:
    return {"model_id": model, "input_tokens": prompt, "output_tokens": completion} | more


def _answer(*calls: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    output = {"text": "Fog.", "finish_reason": finish, "session_id": "s-1"}
    return {"output": output, "usage": {"models": [*calls]}, "request_id": "r-1"}


@pytest.mark.parametrize("path", [PATH, "/ai/ask", None])
def test_what_its_model_read_and_wrote_is_measured(path: str | None) -> None:
    body = _answer(_call("qwen-max", 282, 449, cached_tokens=200))
    assert tokens(body, path=path) == (282, 449, 200, None, None)
    reading = read(body, path=path)
    assert (reading.dialect, reading.response_id, reading.model_reported) == ("dashscope-apps", "r-1", "qwen-max")
    assert (reading.finish_reason, reading.parts) == ("stop", ())


@pytest.mark.parametrize("way", ["alone", *ways()])
def test_each_model_of_a_workflow_is_an_event(way: str) -> None:
    begun = _answer(_call("qwen-max", 800, 2), finish="null")
    going = _answer(_call("qwen-max", 809, 49), _call("deepseek-r1", 1464, 8), finish="null")
    last = _answer(_call("deepseek-r1", 1464, 90), _call("qwen-max", 500, 40), _call("qwen-max", 309, 9))
    bodies = {"alone": last} | ways(begun, going, last)
    reading = read(bodies[way], path=PATH)
    of_models = {
        each.model_reported: (each.tokens.prompt_tokens, each.tokens.completion_tokens)
        for each in (reading, *reading.parts)
        if each.tokens
    }
    assert of_models == {"qwen-max": (809, 49), "deepseek-r1": (1464, 90)}
    assert [each.part for each in (reading, *reading.parts)] == [None, "model 1"]
    assert {each.response_id for each in (reading, *reading.parts)} == {"r-1"}


def test_a_model_that_later_chunks_count_no_more_still_counts() -> None:
    body = ways(_answer(_call("a", 10, 2), finish="null"), _answer(_call("b", 5, 1)), _answer())["transcript"]
    reading = read(body, path=PATH)
    assert [each.model_reported for each in (reading, *reading.parts)] == ["a", "b"]
    assert [each.status.value for each in (reading, *reading.parts)] == ["measured", "measured"]


@pytest.mark.parametrize("call", [{"model_id": "m"}, {"model_id": "m", "input_tokens": 3}, None, "m"])
def test_without_both_counts_it_is_unknown(call: Any) -> None:
    assert read(_answer(call), path=PATH).status.value == "unknown"


def test_without_a_list_of_models_it_is_a_models_own_answer() -> None:
    usage = {"input_tokens": 26, "output_tokens": 41}
    assert read(_answer() | {"usage": usage}, path=PATH).dialect == "dashscope"
    assert read(_answer(), path=PATH).status.value == "unknown"


def test_a_count_that_is_none_is_refused_with_its_name(collect: Any, exchange: Any) -> None:
    body = _answer(_call("qwen-max", 282, -1))
    assert collect(exchange(path=..., response=body)).refusal[0] == "invalid_usage"
