"""APIs that call their two counts otherwise than all others: whole answers, streams, cut ones, and what comes near."""

from __future__ import annotations

import json
from typing import Any

import pytest
from native_bodies import CASES
from readings import read, sse, tokens

from pipeline.collectors.families import BY_NAME, family_of, model_studio
from pipeline.collectors.families.native import vercel

STREAMED = [name for name, case in CASES.items() if case.chunks]
RUNNING = {"dashscope", "dashscope-apps", "hunyuan", "sglang", "watsonx", "yandex"}
"""Those whose streams state running totals."""


def test_every_family_of_them_has_its_case() -> None:
    here = {family for family, each in BY_NAME.items() if ".native" in each.read.__module__}
    # the first has a module of its own, and is tried with them; the second has tests of its own
    assert {*here, model_studio.NAME} == {*CASES, vercel.NAME}


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


@pytest.mark.parametrize("name", sorted(set(STREAMED) - RUNNING))
def test_a_stream_that_was_cut_is_estimated(name: str) -> None:
    case = CASES[name]
    reading = read(sse(*case.chunks[:-1]), path=case.path)
    assert (reading.status.value, (reading.dialect or "").split("/")[0]) == ("estimated", name)
    assert reading.content_chunks == len(case.chunks) - 1 - (name == "mistral-conversations")


@pytest.mark.parametrize("name", sorted(RUNNING))
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


def test_what_chunks_of_langchain_state_is_added_up() -> None:
    first, *_, last = CASES["langchain"].chunks
    begun = {"input_tokens": 26, "output_tokens": 1, "total_tokens": 27, "input_token_details": {"cache_read": 20}}
    ended = {"input_tokens": 0, "output_tokens": 40, "total_tokens": 40, "output_token_details": {"reasoning": 9}}
    chunks = [first | {"usage_metadata": begun}, last | {"usage_metadata": ended}]
    assert tokens(sse(*chunks), path="/ai/ask") == (26, 41, 20, None, 9)


def test_thoughts_that_langchain_s_integration_leaves_out_are_told_by_the_total() -> None:
    usage = {"input_tokens": 26, "output_tokens": 6, "total_tokens": 78, "output_token_details": {"reasoning": 46}}
    answer = CASES["langchain"].whole | {"usage_metadata": usage}
    assert tokens(answer, path="/ai/ask") == (26, 52, None, None, 46)


def test_a_message_of_langchain_that_states_its_usage_in_the_provider_s_words_alone_is_read() -> None:
    stated = {"token_usage": {"prompt_tokens": 26, "completion_tokens": 41, "total_tokens": 67}, "id": "l-1"}
    answer = CASES["langchain"].whole | {"usage_metadata": None, "response_metadata": stated}
    assert tokens(answer, path="/ai/ask")[:2] == (26, 41)
    human = {"type": "human", "content": "Fog?", "response_metadata": {}}
    assert read(human, path="/ai/ask").status.value == "not_metered"


def _result(*prompts: list[dict[str, Any]], **output: Any) -> dict[str, Any]:
    """Return what LangChain's callbacks hand on."""
    return {"generations": [*prompts], "llm_output": output or None, "run": None, "type": "LLMResult"}


def _generation(usage: Any, *, is_constructor: bool = False) -> dict[str, Any]:
    answered = {"id": "l-1", "model_name": "m-1", "finish_reason": "stop"}
    message = {"type": "ai", "content": "Mist.", "id": "run--1", "response_metadata": answered, "usage_metadata": usage}
    held = {"lc": 1, "type": "constructor", "id": ["AIMessage"], "kwargs": message}
    return {"text": "Mist.", "type": "ChatGeneration", "message": held if is_constructor else message}


USED = {
    "input_tokens": 26,
    "output_tokens": 41,
    "total_tokens": 67,
    "input_token_details": {"cache_read": 20},
    "output_token_details": {"reasoning": 9},
}
COUNTED = {"prompt_tokens": 26, "completion_tokens": 41, "total_tokens": 67}


@pytest.mark.parametrize("is_constructor", [False, True])
def test_a_result_of_langchain_is_its_messages(is_constructor: bool) -> None:  # noqa: FBT001
    result = _result([_generation(USED, is_constructor=is_constructor)], token_usage=COUNTED, model_name="m-0")
    for body in (result, {"lc": 1, "type": "constructor", "id": ["LLMResult"], "kwargs": result}):
        assert tokens(body, path="/ai/ask") == (26, 41, 20, None, 9)
        reading = read(body, path="/ai/ask")
        assert (reading.dialect, reading.model_reported) == ("langchain", "m-1")
        assert (reading.response_id, reading.finish_reason) == ("l-1", "stop")


def test_answers_to_one_prompt_state_its_usage_once_and_prompts_are_added() -> None:
    one = _generation(USED)
    assert tokens(_result([one, one]), path="/ai/ask")[:2] == (26, 41)
    assert tokens(_result([one, one], [one]), path="/ai/ask") == (52, 82, 40, None, 18)


def test_a_result_whose_messages_state_nothing_is_what_it_states_itself() -> None:
    bare = {"text": "Mist.", "type": "Generation", "generation_info": {"finish_reason": "stop"}}
    for output in ({"token_usage": COUNTED}, {"usage": {"input_tokens": 26, "output_tokens": 41}}):
        for prompt in ([bare], [_generation(None)]):
            assert tokens(_result(prompt, **output, model_name="m-1"), path="/ai/ask")[:2] == (26, 41)
    reading = read(_result([bare], token_usage=COUNTED, model_name="m-1", id="l-2"), path="/ai/ask")
    assert (reading.model_reported, reading.response_id, reading.finish_reason) == ("m-1", "l-2", "stop")
    assert read(_result([bare], model_name="m-1"), path="/ai/ask").status.value == "unknown"
    half = _result([_generation(USED)], [bare], token_usage={"prompt_tokens": 52, "completion_tokens": 82})
    assert tokens(half, path="/ai/ask")[:2] == (52, 82)


def test_a_list_of_generations_without_a_result_s_output_is_cohere_s() -> None:
    meta = {"billed_units": {"input_tokens": 26, "output_tokens": 41}}
    reading = read({"id": "c-1", "generations": [{"text": "Mist."}], "meta": meta}, path="/v1/generate")
    assert (reading.dialect or "").split("/")[0] == "cohere-v1"


def test_what_spring_counts_is_the_provider_s_own_where_that_has_both_counts() -> None:
    case = CASES["spring-ai"].whole
    usage = {"promptTokens": 6, "completionTokens": 41, "totalTokens": 47}
    native = {"input_tokens": 6, "output_tokens": 41, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 0}

    def of(**counts: Any) -> Any:
        return case | {"metadata": {**case["metadata"], "usage": counts}}

    assert tokens(of(**usage, nativeUsage=native), path="/ai/ask") == (26, 41, 20, 0, None)
    counted = {"promptTokens": 26, "totalTokens": 67}
    for native in (None, {}, {"promptTokenCount": 26}):
        assert tokens(of(**counted, completionTokens=41, nativeUsage=native), path="/ai/ask")[:2] == (26, 41)
    assert tokens(of(**counted, generationTokens=41), path="/ai/ask")[:2] == (26, 41)
    both = of(**usage, nativeUsage=None) | {"result": case["results"][0]}
    assert read(both, path="/ai/ask").finish_reason == "STOP"
    assert read({**both, "results": []}, path="/ai/ask").finish_reason == "STOP"
    assert read(of(promptTokens=0, completionTokens=0, totalTokens=0), path="/ai/ask").status.value == "unknown"


def test_microsoft_s_response_is_read_in_the_letters_of_either_serializer() -> None:
    usage = {"InputTokenCount": 26, "OutputTokenCount": 41, "TotalTokenCount": 67, "CachedInputTokenCount": 20}
    answer = {"Messages": [{"Contents": [{"Text": "Mist."}]}], "ResponseId": "r-1", "ModelId": "m-1", "Usage": usage}
    assert tokens(answer, path="/ai/ask") == (26, 41, 20, None, None)
    reading = read(answer, path="/ai/ask")
    assert (reading.response_id, reading.model_reported) == ("r-1", "m-1")


def test_several_answers_of_sglang_are_added_whether_they_come_in_a_list_or_in_turns() -> None:
    one, chunks = CASES["sglang"].whole, CASES["sglang"].chunks
    another, *others = (_with_id(each, "s-2") for each in (one, *chunks))
    assert tokens([one, another], path="/generate")[:3] == (52, 82, 40)
    in_turns = [each for both in zip(chunks, others, strict=True) for each in both]
    assert tokens(sse(*in_turns), path="/generate")[:3] == (52, 82, 40)


def _with_id(answer: Any, id: str) -> dict[str, Any]:
    return answer | {"meta_info": answer["meta_info"] | {"id": id}}


def _with(value: Any, others: dict[int, Any]) -> Any:
    """Return JSON with other numbers in it."""
    if isinstance(value, dict):
        return {name: _with(each, others) for name, each in value.items()}
    if isinstance(value, list):
        return [_with(each, others) for each in value]
    if isinstance(value, str) and value.isdigit():
        other = others.get(int(value), value)
        return str(other) if type(other) is int else other
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
    assert reading.other_usage == '{"connector_tokens":4000,"web_searches":2}'


def test_each_connector_of_mistral_has_a_name() -> None:
    called = {"web_search": 2, "web_search_premium": 3, "code_interpreter": 4, "document_library": 5}
    answer = CASES["mistral-conversations"].whole
    usage = answer["usage"] | {"connectors": called | {"image_generation": 6, "mistral_mcp": 7}}
    assert json.loads(read(answer | {"usage": usage}, path="/v1/conversations").other_usage or "") == {
        "connector_tokens": 4000,
        "web_searches": 2,
        "premium_web_searches": 3,
        "code_runs": 4,
        "document_searches": 5,
        "images": 6,
    }


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


def test_a_whole_answer_of_tgi_in_an_array_is_no_chunk_and_nothing_is_estimated_of_it() -> None:
    """So SageMaker and Hugging Face's inference API answer; the length of its one text is unknown."""
    reading = read([{"generated_text": "Mist over the bay, and then the sun."}], path="/endpoints/e-1/invocations")
    assert (reading.status.value, reading.tokens) == ("unknown", None)
    chunks = [{"token": {"id": 1, "text": "Mist", "logprob": -0.1}, "generated_text": None}] * 3
    assert read(sse(*chunks), path="/generate_stream").content_chunks == 3


def test_the_model_of_aleph_alpha_is_the_one_requested_since_an_answer_has_its_version_alone() -> None:
    reading = read(CASES["aleph-alpha"].whole, path="/complete", request={"model": "luminous-base"})
    assert reading.model_reported is None


def test_counts_of_yandex_may_be_texts_or_numbers_and_nothing_else() -> None:
    whole, path = CASES["yandex"].whole["result"], CASES["yandex"].path
    for prompt, completion in (("26", "41"), (26, 41), ("26", 41)):
        usage = {"inputTextTokens": prompt, "completionTokens": completion, "totalTokens": "67"}
        assert tokens({"result": whole | {"usage": usage}}, path=path)[:2] == (26, 41)


@pytest.mark.parametrize("wrong", ["", "-1", "26.0", " 26", "\uff12\uff16", "1e3", "9" * 20, True])
def test_a_text_of_yandex_that_is_no_whole_number_is_quarantined(wrong: Any, collect: Any, exchange: Any) -> None:
    whole = CASES["yandex"].whole["result"]
    usage = {"inputTextTokens": wrong, "completionTokens": "41", "totalTokens": "67"}
    assert collect(exchange(response={"result": whole | {"usage": usage}})).refusal[0] == "invalid_usage"


def test_a_text_is_no_count_of_an_api_that_writes_numbers(collect: Any, exchange: Any) -> None:
    for name in ("watsonx", "deepinfra"):
        broken = _with(CASES[name].whole, {26: "26"})
        assert collect(exchange(response=broken)).refusal[0] == "invalid_usage"


def test_a_chatflow_of_dify_is_what_its_end_states_whatever_its_nodes_do() -> None:
    nodes = [
        {"event": "workflow_started", "task_id": "t", "data": {"id": "run"}},
        {"event": "node_finished", "task_id": "t", "data": {"execution_metadata": {"total_tokens": 900}}},
    ]
    end = {"event": "workflow_finished", "task_id": "t", "data": {"total_tokens": 900}}
    first, second, last = CASES["dify"].chunks
    assert tokens(sse(*nodes, first, second, end, last), path="/v1/chat-messages")[:2] == (26, 41)
    agent = [chunk | {"event": "agent_message"} for chunk in (first, second)]
    assert tokens(sse(*agent, last), path="/v1/chat-messages")[:2] == (26, 41)


def test_a_stream_of_dify_that_ends_in_an_error_is_no_less_than_what_it_said() -> None:
    error = {"event": "error", "task_id": "task-1", "message_id": "msg-1", "status": 400, "code": "invalid_param"}
    assert read(sse(CASES["dify"].chunks[0], error), path="/v1/chat-messages").status.value == "estimated"


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
    {"event": "message_end", "metadata": {"retriever_resources": []}},
    {"event": "message", "data": "a"},
    {"event": "workflow_finished", "data": {"total_tokens": 9}},
    {"answer": "a", "message_id": "m-1"},
    {"alternatives": [{"transcript": "a", "confidence": 0.9}]},
    {"alternatives": {}, "usage": {"inputTextTokens": "1"}},
    {"results": [{"text": "a", "score": 0.5}]},
    {"token": "a", "done": True},
    {"token": "a", "finish_reason": None, "index": 0},
    {"answers": {"q": {}}, "model": "m-1", "usage": {"prompt_tokens": 1}},
    {"answers": {"q": {}}, "usage": {"input_tokens": 1, "output_tokens": 0}},
    {"answers": "a", "model": "m-1", "usage": {"input_tokens": 1, "output_tokens": 0}},
    {"answers": [{"type": "essay"}], "model": "m-1", "usage": {"input_tokens": 1, "output_tokens": 0}},
    {"answers": [7], "model": "m-1", "usage": {"input_tokens": 1, "output_tokens": 0}},
]


@pytest.mark.parametrize("document", NEAR)
def test_what_comes_near_is_none_of_theirs(document: dict[str, Any]) -> None:
    found = family_of([document])
    assert found is None or ".native" not in found.read.__module__


def test_the_last_event_of_a_stream_of_lm_studio_holds_the_answer() -> None:
    answer = CASES["lm-studio"].whole
    begun = {"type": "chat.start", "model_instance_id": "m-1"}
    body = sse(begun, {"type": "message.delta", "content": "Mist."}, {"type": "chat.end", "result": answer})
    reading = read(body, path="/api/v1/chat")
    assert (reading.dialect, reading.model_reported, reading.response_id) == ("lm-studio", "m-1", "resp_1")
    assert tokens(body, path="/api/v1/chat")[:2] == (26, 41)


def test_behind_the_name_of_a_model_the_body_and_its_headers_decide() -> None:
    """Hugging Face's inference API answers so at ``/models/{owner}/{name}``."""
    path, headers = "/models/meta-llama/Llama-3", {"x-prompt-tokens": "26", "x-generated-tokens": "41"}
    assert tokens([{"generated_text": "Mist."}], path=path, response_headers=headers)[:2] == (26, 41)
    assert tokens(CASES["tgi"].whole, path=path)[:2] == (26, 41)
    assert read({"id": "m", "object": "model"}, path=path).status.value == "not_metered"
    assert read([{"generated_text": "Mist."}], path="/v1/models", response_headers=headers).tokens is None


def test_a_stream_of_koboldcpp_states_no_counts_and_is_estimated_by_its_tokens() -> None:
    chunks = [{"token": "Mi", "finish_reason": None}, {"token": "st.", "finish_reason": "null"}]
    reading = read(sse(*chunks, {"token": "", "finish_reason": "stop"}), path="/api/extra/generate/stream")
    assert (reading.status.value, reading.dialect, reading.content_chunks) == ("estimated", "koboldcpp", 2)
    assert reading.finish_reason == "stop"


def test_reasoning_that_exceeds_its_completion_is_another_count_and_left_out() -> None:
    stats = {"input_tokens": 26, "total_output_tokens": 41, "reasoning_output_tokens": 42}
    assert tokens(CASES["lm-studio"].whole | {"stats": stats}, path="/api/v1/chat") == (26, 41, None, None, None)


NAMED = {"model": "m-1", "answers": {"fog": {"type": "noul", "noul": 0.93}}}


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/systemone", "/ai/judge", None])
def test_tokens_of_decisions_are_a_tier_of_their_own_since_a_model_has_other_prices_there(path: str | None) -> None:
    for body in (CASES["decisions"].whole, NAMED | {"usage": {"input_tokens": 26, "output_tokens": 0}}):
        reading = read(body, path=path)
        assert (reading.status.value, reading.dialect, reading.service_tier) == ("measured", "decisions", "decisions")
        assert read({"result": body, "success": True}, path=path).dialect == "decisions"


def test_what_of_a_decision_was_cached_goes_by_several_names() -> None:
    for name in ("cached_input_tokens", "cached_tokens"):
        usage = {"input_tokens": 26, "output_tokens": 0, name: 20}
        assert tokens(NAMED | {"usage": usage}, path="/v1/systemone") == (26, 0, 20, None, None)


def test_decisions_of_google_state_usage_as_its_interactions_do() -> None:
    usage = {"total_input_tokens": 26, "total_output_tokens": 0, "total_tokens": 26}
    answer = {"answers": NAMED["answers"], "usage": usage}
    assert tokens(answer, path="/v1beta/decisions")[:2] == (26, 0)
    assert read(answer, path="/v1beta/decisions").dialect == "gemini-interactions"


def test_a_decision_that_was_refused_or_states_nothing_is_told() -> None:
    assert read({"error": {"code": 1}}, path="/v1/decisions", status=429).status.value == "failed"
    assert read({"answers": []}, path="/v1/decisions").status.value == "unknown"


def test_what_openais_sdk_for_net_makes_of_an_answer_has_its_parts_in_details() -> None:
    usage = {
        "InputTokenCount": 26,
        "OutputTokenCount": 41,
        "TotalTokenCount": 67,
        "InputTokenDetails": {"AudioTokenCount": 0, "CachedTokenCount": 20},
        "OutputTokenDetails": {"AudioTokenCount": 0, "ReasoningTokenCount": 9},
    }
    answer = {"Id": "chatcmpl-1", "Model": "m-1", "FinishReason": 0, "Content": [{"Kind": 0, "Text": "Mist."}]}
    body = answer | {"Usage": usage}
    assert tokens(body, path="/ai/ask") == (26, 41, 20, None, 9)
    reading = read(body, path="/ai/ask")
    assert (reading.dialect, reading.model_reported, reading.response_id) == ("microsoft-ai", "m-1", "chatcmpl-1")
    own = CASES["microsoft-ai"].whole
    assert tokens(own | {"usage": own["usage"] | {"reasoningTokenCount": 9}}, path="/ai/ask")[-1] == 9
