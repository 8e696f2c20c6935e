"""Which native APIs there are, each with the source of its facts.

* ``dashscope``: Alibaba's own API of Qwen. ``input_tokens`` and ``output_tokens`` as of 2023 with the details of chat;
  a stream states running totals beside each chunk. Source: Model Studio, "DashScope API reference".
* ``mistral-conversations``: Mistral's agents. ``total_tokens`` also holds ``connector_tokens``, of tools that Mistral
  runs. A conversation has many answers: what each of them says has an id, and that is the last output's. Source:
  Mistral's API reference, ``ConversationUsageInfo``.
* ``hunyuan``: Tencent's own API, within ``Response`` but for streams; running totals. Source: Tencent Cloud,
  ``ChatCompletions``.
* ``watsonx``: IBM's text generation. A stream states the input in its first event, zeros behind it, and the output as
  running totals. Source: IBM's API reference, ``text_generation_stream``.
* ``workers-ai``: Cloudflare's own API, within ``result`` but for streams. Source: Cloudflare's documentation of models.
* ``llama-cpp``: the server's own ``/completion`` and ``/infill``. ``tokens_evaluated`` is the whole prompt,
  ``timings.cache_n`` of it were cached; ``tokens_cached`` is all that the slot holds then. Source: its README.
* ``tgi``: Hugging Face's text generation inference, whose counts stand in ``details``, or in headers. A whole answer is
  an array of one on some routes, and no stream. Source: its API.
* ``sglang``: the server's own ``/generate``. ``meta_info`` states the whole prompt, what of it was cached, and running
  totals of the completion; several prompts, or answers, have one each, in a list or in turns. Source: its
  documentation, "SGLang native APIs", and ``GenerateMetaInfo`` of its protocol.
* ``replicate``: predictions of language models; usage stands in ``metrics`` of one that is done, which is mostly asked
  for by GET. Source: Replicate's HTTP API.
* ``dify``: answers of its apps for chat and completion. ``metadata.usage`` is chat's, with prices beside it, and in a
  stream it stands in the event ``message_end``. No answer names a model. Workflows state a total alone, and are not
  read. Source: Dify's API references, ``web/app/components/develop/template`` of langgenius/dify.
* ``yandex``: Yandex Cloud's text generation, within ``result``. Its counts are int64, which the JSON mapping of
  Protocol Buffers writes as text; a stream states running totals. ``modelVersion`` is the version of a model that the
  request alone names. Source: Yandex Cloud's API reference, ``TextGeneration/completion``.
* ``oracle``: OCI's generative AI, its Cohere format and the streams of its generic one, whose chunks have no choices: a
  ``message`` each, and a last one with ``usage`` alone, each with a ``pad``. A plain answer of the generic format has
  choices, and is chat's. A stream names no model. Source: Oracle's API reference, ``CohereChatResponse`` and
  ``ChatResult``; streams recorded by OpenLLMetry's and Elasticsearch's clients of it.
* ``spark``: iFlytek's own API, on a WebSocket. ``prompt_tokens`` is the whole prompt, of which ``question_tokens`` are
  the last question's; the last frame states them. The model is in the address alone. Source: iFlytek's documentation,
  "Spark API", and ``MaasResponse`` of its SDK for Java.
* ``lm-studio``: the server's own ``/api/v1/chat``, whose counts stand in ``stats``, in a stream in that of the
  ``result`` of its last event. Source: LM Studio's documentation, "REST API v1".
* ``koboldcpp``: the server's own ``/api/v1/generate``, whose results each state their counts; its streams state none.
  Source: ``generate_text`` and ``handle_sse_stream`` in ``koboldcpp.py`` of LostRuins/koboldcpp.
* ``decisions``: questions about a text that a model answers by probabilities and not in words (``/v1/decisions`` of
  OpenAI, Azure, Fireworks and others, ``/v1/systemone`` of TypeSafe and whoever serves its API). ``input_tokens`` and
  ``output_tokens`` as in a response. Tokens of a model have prices of their own there, so it is a tier: of OpenAI's,
  what is generated costs nothing (``output_cost_per_token_decisions`` in LiteLLM's table of prices). Google's state
  usage as its Interactions do, and are read so. Source: ``Decision`` of OpenAI's SDK, ``DecisionsResponse`` of those of
  OpenRouter and Perplexity, ``CreateDecisionResponse`` of Google's.
* ``deepinfra``: its native inference. ``aleph-alpha``: its ``/complete``, of which ``model_version`` is the version of
  a model that the request alone names (``2022-04`` of ``luminous-base``). Source: their API references.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families.native.counted import Native
from pipeline.collectors.families.reading import any_of, list_at, object_at, part_at, word

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

_MISTRAL_EVENTS = ("conversation.response", "message.output.", "tool.execution.", "function.call.", "agent.handoff.")


def _is_dashscope(document: JsonObject) -> bool:
    output = part_at(document, "output")
    return ("choices" in output or "text" in output) and ("request_id" in document or "usage" in document)


def _is_mistral(document: JsonObject) -> bool:
    kind = word(any_of(document, "object")) or word(any_of(document, "type"))
    return kind.startswith(_MISTRAL_EVENTS)


def _is_hunyuan(document: JsonObject) -> bool:
    is_answer = isinstance(any_of(document, "Choices"), list) and "Created" in document
    return is_answer or "PromptTokens" in object_at(document, "Usage")


def _is_watsonx(document: JsonObject) -> bool:
    result = next(iter(list_at(document, "results")), None)
    return isinstance(result, dict) and "generated_text" in result and "generated_token_count" in result


def _is_workers_ai(document: JsonObject) -> bool:
    if "response" not in document:
        return False
    usage = object_at(document, "usage")
    is_padded = isinstance(any_of(document, "response"), str) and "p" in document  # against the lengths of its chunks
    return is_padded or "prompt_tokens" in usage or "completion_tokens" in usage


def _is_llama_cpp(document: JsonObject) -> bool:
    is_chunk = isinstance(any_of(document, "stop"), bool) and isinstance(any_of(document, "content"), str)
    return is_chunk or ("tokens_evaluated" in document and "tokens_predicted" in document)


def _is_tgi(document: JsonObject) -> bool:
    is_chunk = "logprob" in part_at(document, "token") and "generated_text" in document
    return is_chunk or isinstance(any_of(document, "generated_text"), str)


def _is_sglang(document: JsonObject) -> bool:
    meta = object_at(document, "meta_info")
    return "completion_tokens" in meta and "prompt_tokens" in meta


def _is_replicate(document: JsonObject) -> bool:
    metrics = object_at(document, "metrics")
    return "input_token_count" in metrics or "output_token_count" in metrics


def _is_dify(document: JsonObject) -> bool:
    event = word(any_of(document, "event"))
    if event == "message_end":
        return "usage" in object_at(document, "metadata")
    is_named = event in ("message", "agent_message") or ("mode" in document and "message_id" in document)
    return is_named and isinstance(any_of(document, "answer"), str)


def _is_yandex(document: JsonObject) -> bool:
    is_answer = isinstance(any_of(document, "alternatives"), list)
    return is_answer and "inputTextTokens" in object_at(document, "usage")


def _is_oracle(document: JsonObject) -> bool:
    if word(any_of(document, "apiFormat")).startswith("COHERE"):
        return True
    is_said = part_at(document, "message").get("role") == "ASSISTANT"
    return is_said or ("pad" in document and "promptTokens" in object_at(document, "usage"))


def _is_spark(document: JsonObject) -> bool:
    choices = part_at(document, "payload", "choices")
    return "code" in part_at(document, "header") and isinstance(any_of(choices, "text"), list)


def _is_lm_studio(document: JsonObject) -> bool:
    return "total_output_tokens" in object_at(document, "stats")


_OF_A_TOKEN = frozenset(("token", "finish_reason"))
"""The names in a chunk of KoboldCpp's; others that stream tokens have more."""


def _is_koboldcpp(document: JsonObject) -> bool:
    result = next(iter(list_at(document, "results")), None)
    is_counted = isinstance(result, dict) and "text" in result and "prompt_tokens" in result
    return is_counted or (document.keys() == _OF_A_TOKEN and isinstance(any_of(document, "token"), str))


_ANSWERS = frozenset(("predicate", "choice", "score", "refusal"))
"""What an answer in a list is. Under names, which callers choose, nobody looks at what one is."""


def _is_decision(document: JsonObject) -> bool:
    answers = any_of(document, "answers")
    if "input_tokens" not in object_at(document, "usage") or not isinstance(any_of(document, "model"), str):
        return False
    if isinstance(answers, dict):
        return True
    return isinstance(answers, list) and all(
        isinstance(answer, dict) and word(any_of(answer, "type")) in _ANSWERS for answer in answers
    )


def _is_deepinfra(document: JsonObject) -> bool:
    return bool(part_at(document, "inference_status"))


def _is_aleph_alpha(document: JsonObject) -> bool:
    return "num_tokens_generated" in document and "num_tokens_prompt_total" in document


APIS = (
    Native(
        "dashscope",
        _is_dashscope,
        usage=("usage",),
        response_id=(("request_id",),),
        finish_reason=(("output", "finish_reason"), ("output", "choices", "finish_reason")),
        text=(
            ("output", "text"),
            ("output", "choices", "message", "content"),
            ("output", "choices", "message", "reasoning_content"),
            ("output", "choices", "message", "tool_calls"),
        ),
    ),
    Native(
        "mistral-conversations",
        _is_mistral,
        usage=("usage",),
        response_id=(("id",), ("outputs", "id")),
        model=(("model",), ("outputs", "model")),
        text=(("content",), ("arguments",), ("outputs", "content"), ("outputs", "arguments")),
    ),
    Native(
        "hunyuan",
        _is_hunyuan,
        prompt=(("Usage", "PromptTokens"),),
        completion=(("Usage", "CompletionTokens"),),
        total=(("Usage", "TotalTokens"),),
        response_id=(("Id",),),
        finish_reason=(("Choices", "FinishReason"),),
        text=tuple(
            ("Choices", said, name)
            for said in ("Message", "Delta")
            for name in ("Content", "ReasoningContent", "ToolCalls")
        ),
    ),
    Native(
        "watsonx",
        _is_watsonx,
        prompt=(("results", "input_token_count"),),
        completion=(("results", "generated_token_count"),),
        model=(("model_id",),),
        finish_reason=(("results", "stop_reason"),),
        text=(("results", "generated_text"),),
    ),
    Native("workers-ai", _is_workers_ai, usage=("usage",), text=(("response",), ("tool_calls",))),
    Native(
        "llama-cpp",
        _is_llama_cpp,
        prompt=(("tokens_evaluated",),),
        completion=(("tokens_predicted",),),
        cached=(("timings", "cache_n"),),
        model=(("model",),),
        finish_reason=(("stop_type",),),
        text=(("content",),),
    ),
    Native(
        "sglang",
        _is_sglang,
        prompt=(("meta_info", "prompt_tokens"),),
        completion=(("meta_info", "completion_tokens"),),
        cached=(("meta_info", "cached_tokens"),),
        each=("meta_info", "id"),
        response_id=(("meta_info", "id"),),
        finish_reason=(("meta_info", "finish_reason", "type"),),
        text=(("text",), ("output_ids",)),
    ),
    Native(
        "replicate",
        _is_replicate,
        prompt=(("metrics", "input_token_count"),),
        completion=(("metrics", "output_token_count"),),
        response_id=(("id",),),
        model=(("model",),),
        finish_reason=(("status",),),
        text=(("output",),),
    ),
    Native("dify", _is_dify, usage=("metadata", "usage"), response_id=(("message_id",),), text=(("answer",),)),
    Native(
        "yandex",
        _is_yandex,
        prompt=(("usage", "inputTextTokens"),),
        completion=(("usage", "completionTokens"),),
        reasoning=(("usage", "completionTokensDetails", "reasoningTokens"),),
        total=(("usage", "totalTokens"),),
        counts_are_texts=True,
        finish_reason=(("alternatives", "status"),),
        text=(("alternatives", "message", "text"), ("alternatives", "message", "toolCallList")),
    ),
    Native(
        "oracle",
        _is_oracle,
        usage=("usage",),
        response_id=(("id",),),
        model=(("model",),),
        finish_reason=(("finishReason",),),
        text=(("text",), ("message", "content", "text"), ("message", "toolCalls"), ("toolCalls",)),
    ),
    Native(
        "spark",
        _is_spark,
        prompt=(("payload", "usage", "text", "prompt_tokens"),),
        completion=(("payload", "usage", "text", "completion_tokens"),),
        total=(("payload", "usage", "text", "total_tokens"),),
        response_id=(("header", "sid"),),
        text=(
            ("payload", "choices", "text", "content"),
            ("payload", "choices", "text", "reasoning_content"),
            ("payload", "choices", "text", "function_call"),
        ),
    ),
    Native(
        "lm-studio",
        _is_lm_studio,
        prompt=(("stats", "input_tokens"),),
        completion=(("stats", "total_output_tokens"),),
        reasoning=(("stats", "reasoning_output_tokens"),),
        response_id=(("response_id",),),
        model=(("model_instance_id",),),
        text=(("output", "content"), ("output", "arguments")),
    ),
    Native(
        "koboldcpp",
        _is_koboldcpp,
        prompt=(("results", "prompt_tokens"),),
        completion=(("results", "completion_tokens"),),
        finish_reason=(("results", "finish_reason"), ("finish_reason",)),
        text=(("results", "text"), ("token",)),
    ),
    Native(
        "decisions",
        _is_decision,
        usage=("usage",),
        response_id=(("id",),),
        model=(("model",),),
        tier="decisions",
        text=(("answers",),),
    ),
    Native(
        "deepinfra",
        _is_deepinfra,
        prompt=(("num_input_tokens",), ("inference_status", "tokens_input")),
        completion=(("num_tokens",), ("inference_status", "tokens_generated")),
        response_id=(("request_id",),),
        finish_reason=(("inference_status", "status"),),
        text=(("results", "generated_text"),),
    ),
    Native(
        "aleph-alpha",
        _is_aleph_alpha,
        prompt=(("num_tokens_prompt_total",),),
        completion=(("num_tokens_generated",),),
        finish_reason=(("completions", "finish_reason"),),
        text=(("completions", "completion"),),
    ),
    Native(
        "tgi",
        _is_tgi,
        prompt=(("details", "input_length"),),
        completion=(("details", "generated_tokens"),),
        finish_reason=(("details", "finish_reason"),),
        text=(("generated_text",), ("token", "text")),
        text_of_chunks=(("token", "text"),),
    ),
)
"""In the order in which they are asked."""
