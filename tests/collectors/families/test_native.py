"""APIs that call their two counts otherwise than all others: whole answers, streams, cut ones, and what comes near."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from readings import read, sse, tokens

from pipeline.collectors.families import BY_NAME, family_of


class Case(NamedTuple):
    """An API's answers: 26 prompt and 41 completion tokens, of the model ``m-1`` where the body names one."""

    path: str
    whole: dict[str, Any]
    chunks: list[dict[str, Any]] = []
    """Of a stream, the last of which states the usage; empty where there are none."""
    model: str | None = "m-1"
    response_id: str | None = None
    finish: str | None = "stop"
    parts: tuple[int | None, ...] = (None, None, None)
    """Cached, written and reasoning tokens."""


CHATTY = {"prompt_tokens": 26, "completion_tokens": 41, "total_tokens": 67}


def _dashscope(text: str, finish: str | None, output: int) -> dict[str, Any]:
    usage = {
        "input_tokens": 26,
        "output_tokens": output,
        "total_tokens": 26 + output,
        "prompt_tokens_details": {"cached_tokens": 20},
        "output_tokens_details": {"reasoning_tokens": 1},
    }
    message = {"role": "assistant", "content": text}
    choices = [{"finish_reason": finish, "message": message}]
    return {"output": {"choices": choices}, "usage": usage, "request_id": "d-1", "status_code": 200}


def _watsonx(text: str, stop: str, prompt: int, completion: int) -> dict[str, Any]:
    result = {"generated_text": text, "input_token_count": prompt, "generated_token_count": completion}
    return {"model_id": "m-1", "created_at": "2026-03-01T00:00:00Z", "results": [result | {"stop_reason": stop}]}


def _hunyuan(said: str, finish: str, completion: int) -> dict[str, Any]:
    choice = {"Index": 0, said: {"Role": "assistant", "Content": "Mist."}, "FinishReason": finish}
    usage = {"PromptTokens": 26, "CompletionTokens": completion, "TotalTokens": 26 + completion}
    return {"Note": "", "Choices": [choice], "Created": 1, "Id": "h-1", "Usage": usage}


LLAMA_CPP = {
    "content": "Mist.",
    "stop": True,
    "model": "m-1",
    "tokens_predicted": 41,
    "tokens_evaluated": 26,
    "tokens_cached": 66,
    "stop_type": "eos",
    "timings": {"prompt_n": 6, "cache_n": 20, "predicted_n": 41},
}
TOKEN = {"id": 4, "text": "Mi", "logprob": -0.4, "special": False}
CASES = {
    "dashscope": Case(
        "/api/v1/services/aigc/text-generation/generation",
        _dashscope("Mist.", "stop", 41),
        [_dashscope("Mi", "null", 1), _dashscope("st.", "stop", 41)],
        model=None,
        response_id="d-1",
        parts=(20, None, 1),
    ),
    "hunyuan": Case(
        "/",
        {"Response": _hunyuan("Message", "stop", 41) | {"RequestId": "not-it"}},
        [_hunyuan("Delta", "", 1), _hunyuan("Delta", "stop", 41)],
        model=None,
        response_id="h-1",
    ),
    "llama-cpp": Case(
        "/completion",
        LLAMA_CPP,
        [{"content": "Mi", "stop": False}, {"content": "st.", "stop": False}, LLAMA_CPP | {"content": ""}],
        finish="eos",
        parts=(20, None, None),
    ),
    "mistral-conversations": Case(
        "/v1/conversations",
        {
            "object": "conversation.response",
            "conversation_id": "conv-not-it",
            "outputs": [
                {"type": "tool.execution", "id": "tool-not-it", "name": "web_search"},
                {"type": "message.output", "id": "msg-1", "model": "m-1", "content": "Mist."},
            ],
            "usage": CHATTY | {"total_tokens": 4067, "connector_tokens": 4000, "connectors": {"web_search": 2}},
        },
        [
            {"type": "conversation.response.started", "conversation_id": "conv-not-it"},
            {"type": "message.output.delta", "id": "msg-1", "model": "m-1", "content": "Mist."},
            {"type": "conversation.response.done", "usage": CHATTY | {"connector_tokens": None}},
        ],
        response_id="msg-1",
        finish=None,
    ),
    "replicate": Case(
        "/v1/models/owner/m-1/predictions",
        {
            "id": "p-1",
            "model": "m-1",
            "status": "succeeded",
            "output": ["Mi", "st."],
            "metrics": {"input_token_count": 26, "output_token_count": 41, "predict_time": 1.25},
        },
        response_id="p-1",
        finish="succeeded",
    ),
    "tgi": Case(
        "/generate_stream",
        {
            "generated_text": "Mist.",
            "details": {"finish_reason": "stop", "generated_tokens": 41, "input_length": 26},
        },
        [
            {"index": 1, "token": TOKEN, "generated_text": None, "details": None},
            {
                "index": 2,
                "token": TOKEN,
                "generated_text": "Mist.",
                "details": {"finish_reason": "stop", "generated_tokens": 41, "input_length": 26},
            },
        ],
        model=None,
    ),
    "watsonx": Case(
        "/ml/v1/text/generation",
        _watsonx("Mist.", "eos_token", 26, 41),
        [_watsonx("Mi", "not_finished", 26, 1), _watsonx("st.", "eos_token", 0, 41)],
        finish="eos_token",
    ),
    "workers-ai": Case(
        "/client/v4/accounts/a-1/ai/run/@cf/meta/llama",
        {"result": {"response": "Mist.", "usage": CHATTY}, "success": True, "errors": [], "messages": []},
        [{"response": "Mi", "p": "abc"}, {"response": "st.", "p": "abc"}, {"response": "", "usage": CHATTY}],
        model=None,
        finish=None,
    ),
    "aleph-alpha": Case(
        "/complete",
        {
            "model_version": "m-1",
            "completions": [{"completion": "Mist.", "finish_reason": "stop"}],
            "num_tokens_prompt_total": 26,
            "num_tokens_generated": 41,
        },
    ),
    "deepinfra": Case(
        "/v1/inference/owner/m-1",
        {
            "request_id": "d-1",
            "inference_status": {"status": "succeeded", "cost": 0.1, "tokens_generated": 41, "tokens_input": 26},
            "results": [{"generated_text": "Mist."}],
            "num_tokens": 41,
            "num_input_tokens": 26,
        },
        model=None,
        response_id="d-1",
        finish="succeeded",
    ),
}
STREAMED = [name for name, case in CASES.items() if case.chunks]


def test_every_family_of_them_has_its_case() -> None:
    assert {family for family, each in BY_NAME.items() if ".native" in each.read.__module__} == set(CASES)


@pytest.mark.parametrize("path", [True, "/ai/ask", None])
@pytest.mark.parametrize("name", CASES)
def test_the_counts_of_an_answer_are_read_on_every_route(name: str, path: Any) -> None:
    case = CASES[name]
    where = case.path if path is True else path
    for body in (case.whole, json.dumps(case.whole)):
        assert tokens(body, path=where) == (26, 41, *case.parts)
        reading = read(body, path=where)
        assert (reading.dialect or "").split("/")[0] == name
        assert (reading.model_reported, reading.response_id, reading.finish_reason, reading.is_stream) == (
            case.model,
            case.response_id,
            case.finish,
            False,
        )


@pytest.mark.parametrize("name", STREAMED)
def test_a_stream_states_running_totals_or_its_usage_last(name: str) -> None:
    case = CASES[name]
    body = sse(*case.chunks)
    assert tokens(body, path=case.path) == (26, 41, *case.parts)
    reading = read(body, path=case.path)
    assert (reading.model_reported, reading.response_id, reading.is_stream) == (case.model, case.response_id, True)


@pytest.mark.parametrize("name", sorted(set(STREAMED) - {"dashscope", "hunyuan", "watsonx"}))
def test_a_stream_that_was_cut_is_estimated(name: str) -> None:
    case = CASES[name]
    reading = read(sse(*case.chunks[:-1]), path=case.path)
    assert (reading.status.value, (reading.dialect or "").split("/")[0]) == ("estimated", name)
    assert reading.content_chunks == len(case.chunks) - 1 - (name == "mistral-conversations")


@pytest.mark.parametrize("name", ["dashscope", "hunyuan", "watsonx"])
def test_a_stream_that_was_cut_behind_a_running_total_states_what_it_was(name: str) -> None:
    assert tokens(sse(*CASES[name].chunks[:1]), path=CASES[name].path)[:2] == (26, 1)


@pytest.mark.parametrize("name", CASES)
def test_what_was_stated_is_the_last_that_was_whatever_comes_before_and_behind(name: str) -> None:
    case = CASES[name]
    last = case.whole.get("Response") or case.whole.get("result") or case.whole
    first = _with(last, {26: 3, 41: 2, 67: 5, 4067: 4005, 20: 1})
    bare = _with(last, {26: None, 41: None, 67: None, 4067: None, 20: None})
    for documents in ([first, last], [bare, first, bare, last, bare]):
        assert tokens(documents, path=case.path)[:2] == (26, 41)
    assert tokens([bare, first, bare], path=case.path)[:2] == (3, 2)


def _with(value: Any, others: dict[int, Any]) -> Any:
    """Return JSON with other numbers in it."""
    if isinstance(value, dict):
        return {name: _with(each, others) for name, each in value.items()}
    if isinstance(value, list):
        return [_with(each, others) for each in value]
    return others.get(value, value) if type(value) is int else value


@pytest.mark.parametrize("name", CASES)
def test_zeros_beside_an_answer_are_no_measurement_and_halves_are_none(name: str) -> None:
    case = CASES[name]
    for other in ({26: 0, 41: 0, 67: 0, 4067: 0, 4000: 0, 20: 0, 1: 0}, {41: None}):
        assert read(_with(case.whole, other), path=case.path).status.value == "unknown"


@pytest.mark.parametrize("name", CASES)
def test_usage_that_cannot_be_is_quarantined(name: str, collect: Any, exchange: Any) -> None:
    case = CASES[name]
    broken = _with(case.whole, {41: "many"})
    reason, detail = collect(exchange(response=broken)).refusal
    assert reason == "invalid_usage"
    assert "many" not in detail


def test_connectors_of_mistral_are_kept_by_name_and_no_total_is_taken_from_them() -> None:
    reading = read(CASES["mistral-conversations"].whole, path="/v1/conversations")
    assert reading.dialect == "mistral-conversations/connectors-apart"
    assert reading.other_usage == '{"connector_tokens":4000}'


@pytest.mark.parametrize("path", ["/v1/conversations/c-1", "/v1/conversations/c-1/restart", "/v1/conversations#stream"])
def test_a_conversation_that_goes_on_is_an_answer_of_its_own(path: str) -> None:
    assert tokens(CASES["mistral-conversations"].whole, path=path)[:2] == (26, 41)
    assert read({"id": "c-1", "object": "conversation"}, path=path).status.value == "not_metered"
    assert read(CASES["mistral-conversations"].whole, path=path, method="GET").status.value == "not_metered"


def test_a_prediction_is_asked_for_until_it_is_done_and_states_its_usage_then() -> None:
    path, whole = "/v1/predictions/p-1", CASES["replicate"].whole
    assert tokens(whole, path=path, method="GET")[:2] == (26, 41)
    begun = whole | {"status": "processing", "output": None, "metrics": {}}
    assert read(begun, path=path, method="GET").status.value == "not_metered"
    assert read(begun, path="/v1/models/owner/m-1/predictions").status.value == "not_metered"


def test_what_tgi_counts_in_its_headers_is_read_where_the_body_does_not_say_it() -> None:
    headers = {"x-prompt-tokens": "26", "x-generated-tokens": "41"}
    for body in (
        {"generated_text": "Mist."},
        [{"generated_text": "Mist."}],
        {"generated_text": "Mist.", "details": {}},
    ):
        assert tokens(body, path="/generate", response_headers=headers)[:2] == (26, 41)
        assert read(body, path="/generate", response_headers=headers).dialect == "tgi/response-headers"
    assert read({"generated_text": "Mist."}, path="/generate").status.value == "unknown"


def test_the_model_of_workers_ai_stands_in_the_path() -> None:
    case = CASES["workers-ai"]
    assert read(case.whole, path=case.path, request=None).model_in_path == "@cf/meta/llama"
    path = "/v1/a-1/gateway/workers-ai/@cf/meta/llama"
    assert read(case.whole["result"], path=path, request=None).model_in_path == "@cf/meta/llama"


NEAR = [
    {"output": {"task_id": "t-1", "task_status": "PENDING"}, "request_id": "d-1"},
    {"output": ["a"], "usage": {"input_tokens": 1}},
    {"Choices": [], "Note": "a"},
    {"content": "a", "stop": "no"},
    {"response": "a"},
    {"response": {"text": "a"}, "p": "a"},
    {"metrics": {"predict_time": 0.2}, "status": "succeeded"},
    {"results": [{"generated_token_count": None}]},
    {"token": "secret", "details": {}},
    {"type": "conversation.item.created"},
    {"inference_status": "ok"},
    {"completions": [{"data": {"text": "a"}}]},
]


@pytest.mark.parametrize("document", NEAR)
def test_what_comes_near_is_none_of_theirs(document: dict[str, Any]) -> None:
    found = family_of([document])
    assert found is None or ".native" not in found.read.__module__
