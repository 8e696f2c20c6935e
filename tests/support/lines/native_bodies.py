"""Answers of native APIs, answers that others hold, and turns of a session that was spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Case(NamedTuple):
    """An API's answers: 26 prompt and 41 completion tokens, of the model ``m-1`` where the body names one."""

    path: str
    whole: dict[str, Any]
    chunks: Sequence[dict[str, Any]] = ()
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


def _app(text: str, finish: str, output: int) -> dict[str, Any]:
    model = {"model_id": "m-1", "input_tokens": 26, "cached_tokens": 20, "output_tokens": output}
    return {"output": {"text": text, "finish_reason": finish}, "usage": {"models": [model]}, "request_id": "d-1"}


def _watsonx(text: str, stop: str, prompt: int, completion: int) -> dict[str, Any]:
    result = {"generated_text": text, "input_token_count": prompt, "generated_token_count": completion}
    return {"model_id": "m-1", "created_at": "2026-03-01T00:00:00Z", "results": [result | {"stop_reason": stop}]}


def _spark(text: str, status: int, completion: int | None) -> dict[str, Any]:
    said = [{"content": text, "role": "assistant", "index": 0}]
    payload: dict[str, Any] = {"choices": {"status": status, "seq": status, "text": said}}
    if completion is not None:
        counts = {"question_tokens": 4, "prompt_tokens": 26, "completion_tokens": completion}
        payload["usage"] = {"text": {**counts, "total_tokens": 26 + completion}}
    return {"header": {"code": 0, "message": "Success", "sid": "cht000", "status": status}, "payload": payload}


def _sglang(text: str, completion: int, finish: dict[str, Any] | None) -> dict[str, Any]:
    meta = {"id": "s-1", "finish_reason": finish, "prompt_tokens": 26, "cached_tokens": 20, "e2e_latency": 0.5}
    return {"text": text, "output_ids": [7, 8], "meta_info": meta | {"completion_tokens": completion}}


def _hunyuan(said: str, finish: str, completion: int) -> dict[str, Any]:
    choice = {"Index": 0, said: {"Role": "assistant", "Content": "Mist."}, "FinishReason": finish}
    usage = {"PromptTokens": 26, "CompletionTokens": completion, "TotalTokens": 26 + completion}
    return {"Note": "", "Choices": [choice], "Created": 1, "Id": "h-1", "Usage": usage}


OF_SPRING = {**CHATTY, "prompt_tokens_details": {"cached_tokens": 20}}


def _spring(text: str, finish: str, native: dict[str, Any] | None) -> dict[str, Any]:
    counts = {"promptTokens": 26, "completionTokens": 41, "totalTokens": 67} if native else {}
    zeros = {"promptTokens": 0, "completionTokens": 0, "totalTokens": 0}
    result = {"output": {"messageType": "ASSISTANT", "text": text}, "metadata": {"finishReason": finish}}
    usage = {**(counts or zeros), "nativeUsage": native}
    return {"results": [result], "metadata": {"id": "s-1", "model": "m-1", "usage": usage}}


def _yandex(text: str, status: str, completion: int) -> dict[str, Any]:
    counts = {"inputTextTokens": "26", "completionTokens": str(completion), "totalTokens": str(26 + completion)}
    usage = {**counts, "completionTokensDetails": {"reasoningTokens": "1"}}
    alternative = {"message": {"role": "assistant", "text": text}, "status": f"ALTERNATIVE_STATUS_{status}"}
    return {"result": {"alternatives": [alternative], "usage": usage, "modelVersion": "23.10.2024"}}


def _dify(event: str, **more: Any) -> dict[str, Any]:
    ids = {"task_id": "task-1", "message_id": "msg-1", "conversation_id": "conv-not-it"}
    return {"event": event, **ids, "created_at": 1_705_407_629, **more}


DIFY = CHATTY | {
    "prompt_unit_price": "0.001",
    "prompt_price": "0.0010330",
    "completion_unit_price": "0.002",
    "total_price": "0.0012890",
    "currency": "USD",
    "latency": 0.7682376249867957,
}
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
OF_LANGCHAIN = {
    "input_tokens": 26,
    "output_tokens": 41,
    "total_tokens": 67,
    "input_token_details": {"cache_read": 20, "cache_creation": 0},
    "output_token_details": {},
}


def _langchain(kind: str, content: str, usage: dict[str, Any] | None, **metadata: Any) -> dict[str, Any]:
    ids = {"id": "run-not-it", "tool_calls": [], "additional_kwargs": {}}
    return {"type": kind, "content": content, "response_metadata": metadata, "usage_metadata": usage, **ids}


LANGCHAIN = _langchain("ai", "Mist.", OF_LANGCHAIN, id="l-1", model_name="m-1", finish_reason="stop")
TOKEN = {"id": 4, "text": "Mi", "logprob": -0.4, "special": False}
OF_ORACLE = {"promptTokens": 26, "completionTokens": 41, "totalTokens": 67}
ORACLE = {
    "apiFormat": "COHERE",
    "text": "Mist.",
    "chatHistory": [{"role": "USER", "message": "Fog?"}, {"role": "CHATBOT", "message": "Mist."}],
    "finishReason": "COMPLETE",
    "usage": OF_ORACLE | {"promptTokensDetails": {"cachedTokens": 20}},
}


def _oracle(text: str, **more: Any) -> dict[str, Any]:
    return {"message": {"role": "ASSISTANT", "content": [{"type": "TEXT", "text": text}]}, "pad": "aaa", **more}


CASES = {
    "dashscope-apps": Case(
        "/api/v1/apps/app-1/completion",
        _app("Mist.", "stop", 41),
        [_app("Mi", "null", 1), _app("st.", "stop", 41)],
        response_id="d-1",
        parts=(20, None, None),
    ),
    "dashscope": Case(
        "/api/v1/services/aigc/text-generation/generation",
        _dashscope("Mist.", "stop", 41),
        [_dashscope("Mi", "null", 1), _dashscope("st.", "stop", 41)],
        model=None,
        response_id="d-1",
        parts=(20, None, 1),
    ),
    "dify": Case(
        "/v1/chat-messages",
        _dify("message", id="msg-1", mode="chat", answer="Mist.", metadata={"usage": DIFY, "retriever_resources": []}),
        [
            _dify("message", answer="Mi"),
            _dify("message", answer="st."),
            _dify("message_end", id="msg-1", metadata={"usage": DIFY}),
        ],
        model=None,
        response_id="msg-1",
        finish=None,
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
    "yandex": Case(
        "/foundationModels/v1/completion",
        _yandex("Mist.", "FINAL", 41),
        [_yandex("Mi", "PARTIAL", 1), _yandex("Mist.", "FINAL", 41)],
        model=None,
        finish="ALTERNATIVE_STATUS_FINAL",
        parts=(None, None, 1),
    ),
    "langchain": Case(
        "/chat/invoke",
        LANGCHAIN,
        [
            _langchain("AIMessageChunk", "Mi", None),
            _langchain("AIMessageChunk", "st.", None, finish_reason="stop"),
            _langchain("AIMessageChunk", "", OF_LANGCHAIN, id="l-1", model_name="m-1"),
        ],
        response_id="l-1",
        parts=(20, 0, None),
    ),
    "pydantic-ai": Case(
        "/ai/ask",
        {
            "kind": "response",
            "parts": [{"content": "Mist.", "part_kind": "text"}],
            "usage": {"input_tokens": 26, "cache_read_tokens": 20, "output_tokens": 41, "details": {}},
            "model_name": "m-1",
            "timestamp": "2026-03-01T00:00:00Z",
            "provider_response_id": "p-1",
            "finish_reason": "stop",
        },
        response_id="p-1",
        parts=(20, None, None),
    ),
    "microsoft-ai": Case(
        "/ai/ask",
        {
            "messages": [{"role": "assistant", "contents": [{"$type": "text", "text": "Mist."}]}],
            "responseId": "r-1",
            "modelId": "m-1",
            "finishReason": "stop",
            "usage": {
                "inputTokenCount": 26,
                "outputTokenCount": 41,
                "totalTokenCount": 67,
                "cachedInputTokenCount": 20,
            },
        },
        response_id="r-1",
        parts=(20, None, None),
    ),
    "spring-ai": Case(
        "/ai/ask",
        _spring("Mist.", "STOP", OF_SPRING),
        [_spring("Mi", "", None), _spring("st.", "", None), _spring("", "STOP", OF_SPRING)],
        response_id="s-1",
        finish="STOP",
        parts=(20, None, None),
    ),
    "oracle": Case(
        "/20231130/actions/chat",
        ORACLE,
        [
            _oracle("Mi", index=0),
            _oracle("st.", finishReason="stop"),
            {"usage": ORACLE["usage"], "pad": "aaaa"},
        ],
        model=None,
        finish="COMPLETE",
        parts=(20, None, None),
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
    "sglang": Case(
        "/generate",
        _sglang("Mist.", 41, {"type": "stop", "matched": 2}),
        [_sglang("Mi", 1, None), _sglang("Mist.", 41, {"type": "stop", "matched": 2})],
        model=None,
        response_id="s-1",
        parts=(20, None, None),
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
            "model_version": "2022-04",
            "completions": [{"completion": "Mist.", "finish_reason": "stop"}],
            "num_tokens_prompt_total": 26,
            "num_tokens_generated": 41,
        },
        model=None,
    ),
    "spark": Case(
        "/v4.0/chat",
        _spark("Mist.", 2, 41),
        [_spark("Mi", 0, None), _spark("st.", 1, None), _spark("", 2, 41)],
        model=None,
        response_id="cht000",
        finish=None,
    ),
    "lm-studio": Case(
        "/api/v1/chat",
        {
            "model_instance_id": "m-1",
            "output": [{"type": "message", "content": "Mist."}],
            "stats": {"input_tokens": 26, "total_output_tokens": 41, "reasoning_output_tokens": 7},
            "response_id": "resp_1",
        },
        response_id="resp_1",
        finish=None,
        parts=(None, None, 7),
    ),
    "koboldcpp": Case(
        "/api/v1/generate",
        {"results": [{"text": "Mist.", "finish_reason": "stop", "prompt_tokens": 26, "completion_tokens": 41}]},
        model=None,
    ),
    "decisions": Case(
        "/v1/decisions",
        {
            "answers": [{"type": "predicate", "name": "fog", "probability": 0.93}],
            "model": "m-1",
            "usage": {
                "input_tokens": 26,
                "input_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 0},
                "output_tokens": 41,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 67,
            },
        },
        finish=None,
        parts=(20, 0, 0),
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
CHAT = {
    "id": "c-1",
    "object": "chat.completion",
    "model": "sonar-deep-research",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Mist."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 26, "completion_tokens": 41, "total_tokens": 67},
}
GEMINI = {
    "candidates": [{"content": {"parts": [{"text": "Mist."}], "role": "model"}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 26, "candidatesTokenCount": 41, "totalTokenCount": 67},
    "modelVersion": "gemini-3-pro",
    "responseId": "g-1",
}
HELD = {
    "perplexity": {"id": "a-1", "model": "sonar-deep-research", "status": "COMPLETED", "response": CHAT},
    "code-assist": {"response": GEMINI, "traceId": "t-1"},
    "workers-ai": {"result": CHAT, "success": True, "errors": [], "messages": []},
    "oracle": {
        "modelId": "m-1",
        "modelVersion": "1.0",
        "chatResponse": {
            "apiFormat": "GENERIC",
            "id": "c-1",
            "choices": [{"index": 0, "message": {"role": "ASSISTANT", "content": [{"text": "Mist."}]}}],
            "usage": OF_ORACLE,
        },
    },
    "oracle's cohere": {"modelId": "m-1", "modelVersion": "1.0", "chatResponse": ORACLE | {"id": "c-1"}},
    "langserve": {"output": LANGCHAIN | {"response_metadata": {"id": "c-1"}}, "metadata": {"run_id": "r-1"}},
    "langchain's constructor": {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", "AIMessage"],
        "kwargs": LANGCHAIN | {"response_metadata": {"id": "c-1"}},
    },
    "llama-index": {
        "message": {"role": "assistant", "blocks": []},
        "raw": CHAT,
        "delta": None,
        "additional_kwargs": {},
    },
    "vertex": {"predictions": CHAT, "deployedModelId": "7", "model": "projects/1/locations/l/models/2"},
    "sap": {"request_id": "r-1", "module_results": {}, "orchestration_result": CHAT},
    "sap-2": {"request_id": "r-1", "intermediate_results": {}, "final_result": CHAT},
    "a code beside it": {"code": 0, "message": "success", "result": {}, "data": CHAT},
    "a client's response": {"status": 200, "statusText": "OK", "headers": {}, "config": {}, "data": GEMINI},
    "headers beside it": {"headers": {"x-request-id": "r-1"}, "body": CHAT},
}


def turn(number: int, **counts: Any) -> dict[str, Any]:
    """Return what realtime says at the end of a turn."""
    usage = {
        "total_tokens": 1121,
        "input_tokens": 1000,
        "output_tokens": 121,
        "input_token_details": {
            "text_tokens": 500,
            "audio_tokens": 500,
            "cached_tokens": 400,
            "cached_tokens_details": {"text_tokens": 100, "audio_tokens": 300},
        },
        "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
    } | counts
    answer = {"object": "realtime.response", "id": f"resp_{number}", "status": "completed", "output": [{}]}
    return {"type": "response.done", "event_id": "event_not_it", "response": answer | {"usage": usage}}


def live(number: int) -> dict[str, Any]:
    """Return what Gemini's Live API says at the end of a turn."""
    counts = {"promptTokenCount": 100 * number, "responseTokenCount": 50, "totalTokenCount": 100 * number + 50}
    return {"serverContent": {"turnComplete": True}, "usageMetadata": counts}


SPOKEN = {
    "type": "conversation.item.input_audio_transcription.completed",
    "item_id": "item_not_it",
    "transcript": "Rain?",
    "usage": {"type": "tokens", "total_tokens": 13, "input_tokens": 9, "output_tokens": 4},
}
