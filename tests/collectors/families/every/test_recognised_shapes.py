"""By which keys and events each family knows its documents, one at a time, and what comes near and is none of its."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.collectors.families import (
    BY_NAME,
    FAMILIES,
    anthropic,
    chat,
    cohere,
    completions,
    embeddings,
    family_of,
    gemini,
    interactions,
    model_studio,
    ollama,
    responses,
    unbilled,
)
from pipeline.collectors.families.bedrock import agents, sonic
from pipeline.collectors.families.bedrock import answers as bedrock
from pipeline.collectors.families.native import vercel
from pipeline.collectors.families.native.apis import APIS
from pipeline.collectors.families.native.frameworks import FRAMEWORKS
from pipeline.collectors.values.strict_json import parse

JUDGED = ("relevance_score", "flagged", "category_scores")

RECOGNISED: dict[Any, list[dict[str, Any]]] = {
    agents.recognises: [
        *(
            {"trace": {"trace": {f"{step}Trace": {f"modelInvocation{way}": {}}}}}
            for step in ("routingClassifier", "preProcessing", "orchestration", "postProcessing")
            for way in ("Input", "Output")
        ),
    ],
    anthropic.recognises: [
        *({"type": f"message_{event}"} for event in ("start", "delta", "stop")),
        *({"type": f"content_block_{event}"} for event in ("start", "delta", "stop")),
        {"type": "message", "role": "assistant"},
        {"type": "message", "content": []},
        {"usage": {"input_tokens": 1}, "content": []},
    ],
    bedrock.recognises_converse: [
        {"stopReason": "end_turn"},
        {"usage": {"inputTokens": 1}},
        {"usage": {"outputTokens": 1}},
        {"metadata": {"usage": {"inputTokens": 1}}},
        *({event: {}} for event in ("messageStart", "messageStop")),
        *({f"contentBlock{event}": {}} for event in ("Start", "Delta", "Stop")),
    ],
    bedrock.recognises_titan: [
        {"inputTextTokenCount": 1, "results": []},
        {"inputTextTokenCount": 1, "outputText": ""},
    ],
    bedrock.recognises_llama: [
        {"generation": "", "prompt_token_count": 1},
        {"generation": "", "generation_token_count": 1},
    ],
    sonic.recognises: [
        *({"event": {f"completion{event}": {}}} for event in ("Start", "End")),
        *({"event": {event: {}}} for event in ("textOutput", "audioOutput", "usageEvent")),
    ],
    bedrock.recognises_invoke: [{"amazon-bedrock-invocationMetrics": {}}],
    chat.recognises: [
        {"choices": [{"index": 0}]},
        {"choices": [None, {"index": 0}]},
        {"choices": [{"text": "a", "message": {}}]},
        {"choices": [{"text": "a", "delta": {}}]},
        {"object": "chat.completion"},
        {"object": "chat.completion.chunk", "choices": []},
        {"object": "chat.completion.chunk", "choices": None},
    ],
    completions.recognises: [
        {"object": "text_completion", "choices": []},
        {"object": "text.completion"},
        {"choices": [{"text": "a"}]},
        {"choices": [{"text": "a"}, {"message": {}}]},
    ],
    cohere.recognises_v2: [
        *({"type": f"message-{event}"} for event in ("start", "end")),
        *({"type": f"content-{event}"} for event in ("start", "delta", "end")),
        *({"type": f"tool-call-{event}"} for event in ("start", "delta", "end")),
        *({"type": event} for event in ("tool-plan-delta", "citation-start", "citation-end")),
        {"usage": {"billed_units": {}}},
        {"finish_reason": "COMPLETE", "message": {"content": []}},
    ],
    cohere.recognises_v1: [
        *({"event_type": f"stream-{event}"} for event in ("start", "end")),
        *({"event_type": f"{kind}-generation"} for kind in ("text", "search-queries", "citation", "tool-calls")),
        *({"event_type": event} for event in ("search-results", "tool-calls-chunk")),
        {"generation_id": "g-1", "text": "a"},
        {"generation_id": "g-1", "generations": None},
        {"generations": []},
    ],
    embeddings.recognises: [
        *({name: []} for name in ("embedding", "embeddings", "embeddingsByType")),
        *({holder: [{name: []}]} for holder in ("data", "predictions") for name in ("embedding", "embeddings")),
        {"object": "list", "data": [{"object": "list", "data": [{"embedding": []}]}]},
        {"object": "list", "data": {"embedding": []}},
        {"output": {"embeddings": []}},
        {"results": [{"embedding": []}], "input_token_count": 1},
        {"vectors": [], "total_tokens": 1},
    ],
    gemini.recognises: [
        {"candidates": []},
        {"usageMetadata": {}},
        {"usageMetadata": {}, "name": "models/x"},
        *({"usage_metadata": {f"{count}_token_count": 1}} for count in ("prompt", "total")),
        {"candidates": [], "name": "cachedContents/1"},
    ],
    interactions.recognises: [
        {"object": "interaction"},
        {"usage": {"total_input_tokens": 1}},
        *({"event_type": f"{kind}.delta"} for kind in ("interaction", "content", "step")),
    ],
    ollama.recognises: [
        {"done": False, "message": {}},
        {"done": True, "response": ""},
    ],
    responses.recognises: [
        {"object": "response"},
        {"object": "response.compaction"},
        {"response": {"object": "response"}},
        {"type": "response.created"},
        {"object": "realtime.response"},
    ],
    model_studio.recognises: [{"output": {"text": ""}, "usage": {"models": [{}]}}],
    vercel.recognises: [
        *(
            {"finishReason": "stop", holder: {name: 1}}
            for holder in ("usage", "totalUsage")
            for name in ("inputTokens", "outputTokens", "promptTokens", "completionTokens")
        ),
        *({"usage": {f"{name}Tokens": 1}} for name in ("cachedInput", "reasoning")),
        *({"usage": {f"{side}TokenDetails": {}}} for side in ("input", "output")),
        {"usage": {"inputTokens": {}}},
        {"type": "finish-step", "finishReason": {"unified": "stop"}, "usage": {"outputTokens": None}},
    ],
    unbilled.recognises: [
        *({"object": f"thread.{of}"} for of in ("run", "run.step")),
        *({"object": of} for of in ("batch", "vector_store", "file", "fine_tuning.job", "model", "list")),
        {"type": "transcript.text.delta"},
        {"type": "conversation.item.input_audio_transcription.completed"},
        *({"type": event} for event in ("image_generation.completed", "image_edit.completed", "speech.audio.done")),
        {"pages": [], "usage_info": {}},
        *({holder: [{name: 1}]} for holder in ("results", "data") for name in JUDGED),
        *({"data": [{name: "a"}]} for name in ("b64_json", "url")),
        {"name": "projects/p/cachedContents/1"},
        *({"text": "a", name: []} for name in ("segments", "task", "usage")),
        {"input_tokens": 11},
        {"totalTokens": 11},
    ],
}
NEAR: dict[Any, list[dict[str, Any]]] = {
    vercel.recognises: [
        {},
        {"finishReason": "stop"},
        {"finishReason": "stop", "usage": {"totalTokens": 1}},
        {"finishReason": "stop", "usage": []},
        *({"usage": {name: 1}} for name in ("inputTokens", "promptTokens")),
        *({"finishReason": "stop", "usage": {"promptTokens": 1}, name: "COHERE"} for name in ("apiFormat", "pad")),
        {"type": "finish", "messageMetadata": {}},
    ],
    model_studio.recognises: [
        {},
        {"output": {"text": ""}, "usage": {"models": []}},
        {"output": {"text": ""}, "usage": {"input_tokens": 1}},
        {"output": {"choices": []}, "usage": {"models": [{}]}},
        {"text": "", "usage": {"models": [{}]}},
    ],
    anthropic.recognises: [
        {},
        {"type": "message"},
        {"type": "ping"},
        {"type": ["message_start"]},
        {"role": "assistant", "content": []},
        {"usage": {"input_tokens": 1}},
        {"usage": {"prompt_tokens": 1}, "content": []},
        {"usage": {"input_tokens": 1}, "content": [], "choices": []},
    ],
    agents.recognises: [
        *({"trace": {"trace": trace}} for trace in ({}, {"guardrailTrace": {"modelInvocationInput": {}}})),
        *({"trace": {"trace": {"orchestrationTrace": step}}} for step in ({}, {"rationale": {}})),
        {"trace": {"orchestrationTrace": {"modelInvocationInput": {}}}},
    ],
    bedrock.recognises_converse: [{}, {"usage": {"totalTokens": 1}}, {"metadata": {"usage": {"outputTokens": 1}}}],
    bedrock.recognises_titan: [{"inputTextTokenCount": 1}, {"results": []}, {"outputText": ""}],
    bedrock.recognises_llama: [{"generation": ""}, {"prompt_token_count": 1}, {"generation_token_count": 1}],
    bedrock.recognises_invoke: [{}],
    sonic.recognises: [{}, {"event": "usageEvent"}, {"event": {"contentStart": {}}}, {"usageEvent": {}}],
    chat.recognises: [
        {},
        {"choices": []},
        {"choices": [None, "a"]},
        {"choices": {"index": 0}},
        {"choices": [{"text": "a"}]},
        {"object": "text_completion", "choices": [{"message": {}}]},
        {"object": "list"},
    ],
    completions.recognises: [
        {},
        {"choices": []},
        {"choices": ["text"]},
        {"choices": [{"message": {}}]},
        {"choices": [{"text": "a", "message": {}}]},
        {"choices": [{"text": "a", "delta": {}}]},
        {"object": "chat.completion"},
    ],
    cohere.recognises_v2: [
        {},
        {"type": "message"},
        {"usage": {"tokens": {}}},
        {"finish_reason": "COMPLETE"},
        {"message": {"content": []}},
        {"finish_reason": "COMPLETE", "message": {}},
        {"finish_reason": "COMPLETE", "message": {"content": []}, "choices": []},
    ],
    cohere.recognises_v1: [
        {},
        {"generation_id": "g-1"},
        {"text": "a"},
        {"generations": "many"},
        {"type": "stream-end"},
    ],
    embeddings.recognises: [
        {},
        {"embedding": [], "choices": []},
        {"data": [], "predictions": []},
        {"data": [["embedding"]]},
        {"data": [{"url": "a"}, {"embedding": []}]},
    ],
    gemini.recognises: [{}, {"usageMetadata": {}, "name": "cachedContents/1"}],
    interactions.recognises: [{}, {"object": "response"}, {"usage": {"input_tokens": 1}}, {"event_type": "stream-end"}],
    ollama.recognises: [
        {},
        {"done": True},
        {"message": {}},
        {"done": 1, "message": {}},
        {"done": "true", "response": ""},
    ],
    responses.recognises: [
        {},
        {"object": "chat.completion"},
        {"response": {"object": "list"}},
        {"response": {}},
        {"type": "message"},
    ],
    unbilled.recognises: [
        {},
        {"object": "response"},
        {"type": "message"},
        {"results": [{"outputText": "a"}], "data": []},
        {"results": ["relevance_score"], "data": ["b64_json"]},
        {"results": [{}, {"flagged": True}]},
        {"text": "a"},
        {"text": 1, "segments": []},
        {"segments": [], "task": "transcribe", "usage": {}},
        {"input_tokens": "11"},
        {"totalTokens": 11, "choices": []},
        {"totalTokens": 11, "candidates": []},
    ],
}


@pytest.mark.parametrize("recognises", RECOGNISED, ids=lambda each: f"{each.__module__}.{each.__name__}")
def test_each_sign_of_a_family_is_enough_and_what_comes_near_it_is_not(recognises: Any) -> None:
    assert [document for document in RECOGNISED[recognises] if not recognises(document)] == []
    assert [document for document in NEAR[recognises] if recognises(document)] == []


def test_the_signs_of_every_family_are_in_these_tables() -> None:
    native = {each.recognises for each in (*APIS, *FRAMEWORKS)}  # these are in test_native
    built = {family.recognises for family in FAMILIES} - native
    assert built == RECOGNISED.keys() == NEAR.keys()


@pytest.mark.parametrize(
    ("documents", "family"),
    [
        ([], None),
        ([{}], None),
        ([{"choices": [{"message": {}}], "embedding": []}], "openai-chat"),
        ([{"choices": []}, {"choices": [{"text": "a"}]}], "openai-completions"),
        ([{"choices": [{"text": "a"}]}, {"choices": [{"delta": {}}]}], "openai-completions"),
        ([{"choices": []}], "openai-chat"),
        ([{"choices": []}, {"choices": []}], "openai-chat"),
        ([{"choices": {}}], None),
        ([{}, {"done": True, "response": ""}], "ollama"),
        ([{"object": "list", "data": [{"embedding": []}]}], "embeddings"),
        ([{"totalTokens": 1, "amazon-bedrock-invocationMetrics": {}}], "unbilled"),
        ([{"stopReason": "stop", "amazon-bedrock-invocationMetrics": {}}], "bedrock-converse"),
        ([{"completion": "a", "amazon-bedrock-invocationMetrics": {}}], "bedrock-invoke"),
    ],
)
def test_choices_are_chat_s_or_a_completion_s_and_else_the_first_of_the_table_is_meant(
    documents: list[dict[str, Any]], family: str | None
) -> None:
    found = family_of(documents)
    assert (found and found.name) == family


def test_what_a_document_states_twice_at_its_top_is_the_last_of_it_where_it_is_told_what_it_is() -> None:
    twice = parse('{"object": "list", "object": "response"}')
    found = family_of([twice])
    assert found is BY_NAME["openai-responses"]


def test_families_are_asked_in_this_order_and_go_by_these_names() -> None:
    assert [family.name for family in FAMILIES] == [
        *("openai-chat", "openai-completions", "embeddings", "openai-responses", "anthropic", "gemini-interactions"),
        *("gemini", "cohere-v2", "cohere-v1", "ollama", "vercel-sdk", "bedrock-titan", "bedrock-llama"),
        *("bedrock-converse", "bedrock-agents", "bedrock-sonic"),
        *("dashscope-apps", "dashscope", "mistral-conversations", "hunyuan", "watsonx", "workers-ai"),
        *("llama-cpp", "sglang"),
        *("replicate", "dify", "yandex", "oracle", "spark", "lm-studio", "koboldcpp", "decisions"),
        *("deepinfra", "aleph-alpha", "tgi"),
        *("langchain", "spring-ai", "pydantic-ai", "microsoft-ai"),
        *("unbilled", "bedrock-invoke"),
    ]


@pytest.mark.parametrize("name", ["error", "choices", "usage", "x_groq"])
def test_what_has_a_trace_of_chat_is_read_as_chat_where_nobody_recognises_it(name: str) -> None:
    assert chat.has_trace({name: {}})
    assert not chat.has_trace({name: None})
    assert not chat.has_trace({f"{name}s": {}})
    assert chat.has_trace({"type": "error"})
