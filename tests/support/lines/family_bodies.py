"""Bodies of every API family, made up at random: whole or as a stream, in every way in which logs hold them.

Owns the shapes, from the providers' references. Does not own what they mean. ``odd`` is how often something is as it
should not be.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from readings import aws_stream, invoke_events, json_lines, sse

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

Document = dict[str, Any]

_HALF = 0.5
SPECIAL_MODELS = ("jamba-mini", "sonar-pro", "grok-4", "gemini-2.5-pro")
"""Names that the plain reader knows, and one that it does not."""
_NOT_METERED = (
    *("/v1/threads/t/runs/r", "/v1/moderations", "/v1/rerank", "/v1/images/generations", "/v1/audio/transcriptions"),
    *("/gateway/route", "/v1/messages/count_tokens"),
)
ODD_COUNTS = (0, 1, 2**31, 10**12, 10**12 + 1, 2**63, -1, 1.5, 28.0, True, None, "7", [], {})


class Body(NamedTuple):
    """What was logged as the response, and the path it was logged for."""

    path: str
    response: Any
    documents: list[Document]
    """The documents in it; of one that is no stream, the one."""


class Maker:
    """Makes bodies; ``odd`` between 0 and 1."""

    def __init__(self, chance: random.Random, odd: float = 0.0) -> None:
        self.chance = chance
        self.odd = odd

    def body(self, family: str | None = None) -> Body:
        """Return a body of a family, or of any, or an error."""
        return _ANY[family or self.chance.choice(sorted(_ANY))](self)

    def is_odd(self) -> bool:
        """Say whether the next thing is as it should not be."""
        return self.chance.random() < self.odd

    def count(self, high: int = 50_000) -> Any:
        """Return a count of tokens."""
        return self.chance.choice(ODD_COUNTS) if self.is_odd() else self.chance.randrange(1, high)

    def part(self, whole: Any) -> Any:
        """Return a part of a count."""
        if self.is_odd() or type(whole) is not int or whole < 1:
            return self.count()
        return self.chance.randrange(whole + 1)

    def sum(self, *counts: Any) -> Any:
        """Return the total of counts."""
        return self.count() if self.is_odd() else sum(each for each in counts if type(each) is int)

    def some(self, **fields: Any) -> Document:
        """Return some of these fields."""
        return {name: value for name, value in fields.items() if self.chance.random() < 0.5}

    def id(self, prefix: str) -> Any:
        """Return an id."""
        return (
            self.chance.choice((None, "", 7, {}, "a b"))
            if self.is_odd()
            else f"{prefix}{self.chance.getrandbits(48):x}"
        )

    def text(self) -> str:
        """Return some words."""
        return "".join(
            self.chance.choice((" rain", " thaw", "é", " 日本", '"', "\\", "\n", "{", "]")) for _ in range(4)
        )

    def texts(self) -> list[str]:
        """Return the pieces of a stream."""
        return [self.text() for _ in range(self.chance.randrange(1, 5))]

    def whole(self, path: str, document: Document) -> Body:
        """Return a body of one document: as JSON, or as its text."""
        text = json.dumps(document)
        held = self.chance.choice((document, document, document, text, text, f"{self.blanks()}{text}"))
        return Body(path, held, [document])

    def blanks(self) -> str:
        """Return what a server sends to keep a connection, before it answers."""
        return "".join(self.chance.choice(("\n", "         ", "\r\n", "\t")) for _ in range(self.chance.randrange(4)))

    def stream(self, path: str, *documents: Document, done: bool = False) -> Body:
        """Return the chunks of a stream in one of the ways in which logs hold them."""
        ways: tuple[Callable[[], Any], ...] = (
            lambda: sse(*documents, end="data: [DONE]\n\n" if done else ""),
            lambda: sse(*documents).replace("\n", "\r\n"),
            lambda: self.blanks() + sse(*documents),
            lambda: json_lines(*documents),
            lambda: list(documents),
            lambda: json.dumps(documents),
            lambda: [{"event": "message", "data": document} for document in documents],
        )
        return Body(path, self.chance.choice(ways)(), list(documents))

    def aws(self, path: str, *events: tuple[str, Document]) -> Body:
        """Return the events of an AWS stream in one of the ways in which logs hold them."""
        named = [{name: payload} for name, payload in events]
        ways: tuple[Callable[[], Any], ...] = (
            lambda: aws_stream(*events),
            lambda: json_lines(*named),
            lambda: named,
        )
        return Body(path, self.chance.choice(ways)(), named)

    def invoked(self, model: str, *chunks: Document) -> Body:
        """Return the chunks of a model's own stream on AWS."""
        body = self.aws(f"/model/{model}/invoke-with-response-stream", *invoke_events(*chunks))
        return body._replace(documents=list(chunks))


def _details(maker: Maker, prompt: Any, completion: Any, of_prompt: str, of_completion: str) -> Document:
    return maker.some(
        **{
            of_prompt: {"cached_tokens": maker.part(prompt)},
            of_completion: {"reasoning_tokens": maker.part(completion)},
        }
    )


def _chat_usage(maker: Maker) -> Document:
    prompt, completion = maker.count(), maker.count()
    if maker.chance.random() < 0.2:
        return _usage_of_an_sdk(maker, prompt, completion)
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": maker.sum(prompt, completion)}
    return usage | _details(maker, prompt, completion, "prompt_tokens_details", "completion_tokens_details")


def _usage_of_an_sdk(maker: Maker, prompt: Any, completion: Any) -> Document:
    """Return usage by the names of Vercel's SDK, of LangChain, or of Converse in an answer of chat."""
    read, wrote, total = maker.part(prompt), maker.part(9), maker.sum(prompt, completion)
    of_vercel = {"inputTokens": prompt, "outputTokens": completion}
    of_vercel |= maker.some(totalTokens=total, reasoningTokens=maker.part(completion))
    details = {"cache_read": read, "cache_creation": wrote} | maker.some(ephemeral_1h_input_tokens=maker.part(9))
    return maker.chance.choice(
        (
            of_vercel | maker.some(cachedInputTokens=read, inputTokenDetails={"cacheWriteTokens": wrote}),
            of_vercel | {"cacheReadInputTokens": read, "cacheWriteInputTokens": wrote},
            {"input_tokens": prompt, "output_tokens": completion, "input_token_details": details},
        )
    )


def chat(maker: Maker) -> Body:
    """Return a chat completion."""
    choices = [
        {"index": index, "message": {"role": "assistant", "content": maker.text()}, "finish_reason": "stop"}
        for index in range(maker.chance.choice((1, 1, 2)))
    ]
    body = {"id": maker.id("chatcmpl-"), "object": "chat.completion", "choices": choices, "usage": _chat_usage(maker)}
    return maker.whole(
        "/v1/chat/completions", body | maker.some(model="jamba-mini", service_tier="default", created=1_772_344_816)
    )


def chat_stream(maker: Maker) -> Body:
    """Return the chunks of a chat completion."""
    own = {"id": maker.id("chatcmpl-"), "object": "chat.completion.chunk"} | maker.some(model="jamba-mini")
    chunks: list[Document] = [
        own | {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in maker.texts()
    ]
    chunks.append(own | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if not maker.is_odd():
        chunks.append(own | {"choices": [], "usage": _chat_usage(maker)})
    return maker.stream("/v1/chat/completions", *chunks, done=True)


def completions(maker: Maker) -> Body:
    """Return a text completion."""
    prompt, completion = maker.count(), maker.count()
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": maker.sum(prompt, completion)}
    body = {"id": maker.id("cmpl-"), "object": "text_completion", "usage": usage}
    choices = [{"index": 0, "text": maker.text(), "finish_reason": "length"}]
    return maker.whole("/v1/completions", body | {"choices": choices} | maker.some(model="davinci-002"))


def completions_stream(maker: Maker) -> Body:
    """Return the chunks of a text completion."""
    own = {"id": maker.id("cmpl-"), "object": "text_completion"}
    chunks: list[Document] = [own | {"choices": [{"index": 0, "text": text}]} for text in maker.texts()]
    prompt, completion = maker.count(), maker.count()
    chunks.append(own | {"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion}})
    return maker.stream("/v1/completions", *chunks, done=True)


def _response(maker: Maker, *, is_done: bool = True) -> Document:
    prompt, completion = maker.count(), maker.count()
    usage = {"input_tokens": prompt, "output_tokens": completion, "total_tokens": maker.sum(prompt, completion)}
    usage |= _details(maker, prompt, completion, "input_tokens_details", "output_tokens_details")
    body = {"id": maker.id("resp_"), "object": "response", "model": "gpt-5", "status": "completed"}
    output = [{"type": "message", "content": [{"type": "output_text", "text": maker.text()}]}]
    return body | {"output": output, "usage": usage} if is_done else body | {"status": "in_progress", "usage": None}


def responses(maker: Maker) -> Body:
    """Return a response."""
    return maker.whole("/v1/responses", _response(maker) | maker.some(service_tier="default", metadata={"a": "b"}))


def responses_stream(maker: Maker) -> Body:
    """Return the events of a response."""
    events: list[Document] = [{"type": "response.created", "response": _response(maker, is_done=False)}]
    events += [{"type": "response.output_text.delta", "delta": text} for text in maker.texts()]
    kind = maker.chance.choice(("response.completed", "response.incomplete"))
    return maker.stream("/v1/responses", *events, {"type": kind, "response": _response(maker)})


def _message(maker: Maker, output: Any) -> Document:
    usage = {"input_tokens": maker.count(), "output_tokens": output} | maker.some(
        cache_read_input_tokens=maker.count(),
        cache_creation_input_tokens=maker.count(),
        service_tier="standard",
        server_tool_use={"web_search_requests": maker.count(9)},
    )
    own = {"id": maker.id("msg_"), "type": "message", "role": "assistant", "model": "opus-4-5"}
    return own | {"content": [{"type": "text", "text": maker.text()}], "stop_reason": "end_turn", "usage": usage}


def anthropic(maker: Maker) -> Body:
    """Return a message."""
    return maker.whole("/v1/messages", _message(maker, maker.count()))


def _message_events(maker: Maker) -> list[Document]:
    start = _message(maker, 1) | {"content": [], "stop_reason": None}
    events: list[Document] = [{"type": "message_start", "message": start}]
    events += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        for text in maker.texts()
    ]
    usage = {"output_tokens": maker.count()} | maker.some(cache_read_input_tokens=None, input_tokens=maker.count())
    events.append({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage})
    return [*events, {"type": "message_stop"}]


def anthropic_stream(maker: Maker) -> Body:
    """Return the events of a message."""
    return maker.stream("/v1/messages", *_message_events(maker))


def anthropic_on_aws(maker: Maker) -> Body:
    """Return the events of a message on Bedrock."""
    *events, last = _message_events(maker)
    metrics = {"inputTokenCount": maker.count(), "outputTokenCount": maker.count()}
    return maker.invoked("anthropic.haiku-3", *events, last | {"amazon-bedrock-invocationMetrics": metrics})


def _candidates(maker: Maker, prompt: Any, answer: Any) -> Document:
    are_within = maker.chance.random() < 0.2
    thoughts = maker.some(thoughtsTokenCount=maker.part(answer) if are_within else maker.count())
    tools = maker.some(toolUsePromptTokenCount=maker.count(9))
    total = maker.sum(prompt, answer, *(() if are_within else thoughts.values()), *tools.values())
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": answer, "totalTokenCount": total} | thoughts | tools
    usage |= maker.some(cachedContentTokenCount=maker.part(prompt), trafficType="ON_DEMAND")
    candidate = {"content": {"parts": [{"text": maker.text()}], "role": "model"}, "finishReason": "STOP"}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3-pro"}


def gemini(maker: Maker) -> Body:
    """Return a generation."""
    body = _candidates(maker, maker.count(), maker.count()) | {"responseId": maker.id("r-")}
    return maker.whole("/v1beta/models/gemini-3-pro:generateContent", body)


def gemini_stream(maker: Maker) -> Body:
    """Return the chunks of a generation."""
    response_id, prompt = maker.id("r-"), maker.count()
    chunks = [_candidates(maker, prompt, 3 * number) | {"responseId": response_id} for number in (1, 2, 3)]
    if maker.chance.random() < 0.2:
        zeros = dict.fromkeys(("promptTokenCount", "candidatesTokenCount", "totalTokenCount"), 0)
        chunks.append({"candidates": [], "usageMetadata": zeros, "responseId": response_id})
    return maker.stream("/v1beta/models/gemini-3-pro:streamGenerateContent", *chunks)


def _interaction(maker: Maker) -> Document:
    prompt, completion = maker.count(), maker.count()
    thoughts, tools = maker.some(total_thought_tokens=maker.count()), maker.some(total_tool_use_tokens=maker.count(9))
    total = maker.sum(prompt, completion, *thoughts.values(), *tools.values())
    usage = {"total_input_tokens": prompt, "total_output_tokens": completion, "total_tokens": total} | thoughts | tools
    own = {"id": maker.id("v1_"), "object": "interaction", "model": "gemini-3-pro", "status": "completed"}
    return own | {"outputs": [{"type": "text", "text": maker.text()}], "usage": usage}


def interactions(maker: Maker) -> Body:
    """Return an interaction."""
    return maker.whole("/v1beta/interactions", _interaction(maker))


def interactions_stream(maker: Maker) -> Body:
    """Return the events of an interaction."""
    events: list[Document] = [
        {"event_type": "content.delta", "index": 0, "delta": {"type": "text", "text": text}} for text in maker.texts()
    ]
    completed = {"event_type": "interaction.completed", "interaction": _interaction(maker)}
    return maker.stream("/v1beta/interactions", *events, completed)


def _converse_usage(maker: Maker) -> Document:
    counts = {"inputTokens": maker.count(), "outputTokens": maker.count()} | maker.some(
        cacheReadInputTokens=maker.count(), cacheWriteInputTokens=maker.count()
    )
    return counts | {"totalTokens": maker.sum(*counts.values())}


def converse(maker: Maker) -> Body:
    """Return an answer of Converse."""
    message = {"role": "assistant", "content": [{"text": maker.text()}]}
    body = {"output": {"message": message}, "stopReason": "end_turn", "usage": _converse_usage(maker)}
    return maker.whole("/model/amazon.nova-pro-v1%3A0/converse", body | {"metrics": {"latencyMs": 12}})


def _converse_events(maker: Maker) -> list[tuple[str, Document]]:
    deltas = [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}) for text in maker.texts()]
    start, stop = ("messageStart", {"role": "assistant"}), ("messageStop", {"stopReason": "end_turn"})
    return [start, *deltas, stop, ("metadata", {"usage": _converse_usage(maker), "metrics": {"latencyMs": 5}})]


def converse_stream(maker: Maker) -> Body:
    """Return the events of Converse."""
    return maker.aws("/model/amazon.nova-pro-v1%3A0/converse-stream", *_converse_events(maker))


def nova_stream(maker: Maker) -> Body:
    """Return the chunks of Nova on invoke."""
    return maker.invoked("amazon.nova-lite", *({name: payload} for name, payload in _converse_events(maker)))


def titan(maker: Maker) -> Body:
    """Return an answer of Titan."""
    results = [{"tokenCount": maker.count(), "outputText": maker.text(), "completionReason": "FINISH"}]
    document = {"inputTextTokenCount": maker.count(), "results": results}
    return maker.whole("/model/amazon.titan-text-express-v1/invoke", document)


def titan_stream(maker: Maker) -> Body:
    """Return the chunks of Titan."""
    last = {"outputText": maker.text(), "totalOutputTextTokenCount": maker.count(), "completionReason": "FINISH"}
    metrics = {"inputTokenCount": maker.count(), "outputTokenCount": maker.count()}
    first = {"outputText": maker.text(), "inputTextTokenCount": maker.count(), "totalOutputTextTokenCount": None}
    return maker.invoked("amazon.titan-text", first, last | {"amazon-bedrock-invocationMetrics": metrics})


def llama(maker: Maker) -> Body:
    """Return an answer of Llama."""
    document = {
        "generation": maker.text(),
        "prompt_token_count": maker.count(),
        "generation_token_count": maker.count(),
    }
    return maker.whole("/model/meta.llama3-8b-instruct-v1%3A0/invoke", document | {"stop_reason": "stop"})


def llama_stream(maker: Maker) -> Body:
    """Return the chunks of Llama, with running totals."""
    chunks = [
        {"generation": text, "prompt_token_count": None, "generation_token_count": number}
        for number, text in enumerate(maker.texts(), 1)
    ]
    chunks[0]["prompt_token_count"] = maker.count()
    return maker.invoked("meta.llama3-8b", *chunks)


def mistral_on_aws(maker: Maker) -> Body:
    """Return the chunks of a model that states nothing itself."""
    metrics = {"inputTokenCount": maker.count(), "outputTokenCount": maker.count()}
    chunks: list[Document] = [{"outputs": [{"text": text, "stop_reason": None}]} for text in maker.texts()]
    return maker.invoked("mistral.mistral-7b", *chunks, {"outputs": [], "amazon-bedrock-invocationMetrics": metrics})


def _cohere_usage(maker: Maker) -> Document:
    tokens = {"input_tokens": maker.count(), "output_tokens": maker.count()}
    billed = {"input_tokens": maker.count(), "output_tokens": maker.count()} | maker.some(search_units=maker.count(3))
    return maker.chance.choice(
        ({"billed_units": billed, "tokens": tokens}, {"tokens": tokens}, {"billed_units": billed})
    )


def cohere_v2(maker: Maker) -> Body:
    """Return an answer of Cohere's chat, version 2."""
    message = {"role": "assistant", "content": [{"type": "text", "text": maker.text()}]}
    body = {"id": maker.id("c2-"), "finish_reason": "COMPLETE", "message": message, "usage": _cohere_usage(maker)}
    return maker.whole("/v2/chat", body)


def cohere_v2_stream(maker: Maker) -> Body:
    """Return the events of Cohere's chat, version 2."""
    events: list[Document] = [{"type": "message-start", "id": maker.id("c2-")}]
    events += [
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}}
        for text in maker.texts()
    ]
    last = {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": _cohere_usage(maker)}}
    return maker.stream("/v2/chat", *events, last, done=True)


def _cohere_v1(maker: Maker) -> Document:
    own = {"response_id": maker.id("r1-"), "generation_id": maker.id("g1-"), "text": maker.text()}
    return own | {"finish_reason": "COMPLETE", "meta": {"api_version": {"version": "1"}} | _cohere_usage(maker)}


def cohere_v1(maker: Maker) -> Body:
    """Return an answer of Cohere's chat, version 1."""
    return maker.whole("/v1/chat", _cohere_v1(maker))


def cohere_v1_stream(maker: Maker) -> Body:
    """Return the events of Cohere's chat, version 1."""
    events: list[Document] = [{"event_type": "stream-start", "is_finished": False}]
    events += [{"event_type": "text-generation", "text": text, "is_finished": False} for text in maker.texts()]
    return maker.stream("/v1/chat", *events, {"event_type": "stream-end", "response": _cohere_v1(maker)})


def ollama(maker: Maker) -> Body:
    """Return an answer of Ollama."""
    counts = {"prompt_eval_count": maker.count(), "eval_count": maker.count()}
    own = {"model": "qwen3", "message": {"role": "assistant", "content": maker.text()}, "done": True}
    return maker.whole("/api/chat", own | {"done_reason": "stop", "total_duration": 10**9} | counts)


def ollama_stream(maker: Maker) -> Body:
    """Return the lines of Ollama."""
    lines: list[Document] = [{"model": "qwen3", "response": text, "done": False} for text in maker.texts()]
    counts = {"eval_count": maker.count()} | maker.some(prompt_eval_count=maker.count())
    return maker.stream("/api/generate", *lines, {"model": "qwen3", "response": "", "done": True} | counts)


def embeddings(maker: Maker) -> Body:
    """Return embeddings."""
    prompt = maker.count()
    usage = {"prompt_tokens": prompt, "total_tokens": prompt}
    data = [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}]
    return maker.whole("/v1/embeddings", {"object": "list", "data": data, "model": "e-3", "usage": usage})


def rerank(maker: Maker) -> Body:
    """Return a rerank, which no meter is for."""
    results = [{"index": 0, "relevance_score": 0.5}]
    meta = {"billed_units": {"search_units": maker.count(5)}}
    return maker.whole("/v1/rerank", {"id": maker.id("rr-"), "results": results, "meta": meta})


FAMILIES: dict[str, Callable[[Maker], Body]] = {
    each.__name__: each
    for each in (
        *(chat, chat_stream, completions, completions_stream, responses, responses_stream),
        *(anthropic, anthropic_stream, anthropic_on_aws, gemini, gemini_stream, interactions, interactions_stream),
        *(converse, converse_stream, nova_stream, titan, titan_stream, llama, llama_stream, mistral_on_aws),
        *(cohere_v2, cohere_v2_stream, cohere_v1, cohere_v1_stream, ollama, ollama_stream, embeddings, rerank),
    )
}


def _said_of_error(maker: Maker) -> Any:
    """Return what an answer says of an error, whose message is another one each time."""
    text = f'Rate limit reached for "{maker.text()}": try again in {maker.count(1000)} ms.'
    named = {"message": text, "type": "tokens", "param": None, "code": maker.chance.choice((429, "limit", None))}
    holder = {"message": text, "usage": {"prompt_tokens": 3, "completion_tokens": 4}, "id": "not-it", "choices": []}
    return maker.chance.choice((named, named, text, "", [text], [], {}, holder, 429, 0, True, None))


def error(maker: Maker) -> Body:
    """Return an error of any API."""
    said, text = _said_of_error(maker), f"Too many tokens in {maker.text()}"
    forms: tuple[Document, ...] = (
        {"error": said},
        {"type": "error", "error": said, "request_id": maker.id("req_")},
        {"object": "error", "message": text, "code": 429},
        {"message": text},
        {"Message": text, "__type": "ThrottlingException"},
        {"id": maker.id("chatcmpl-"), "choices": [], "error": said},
    )
    return maker.whole("/v1/chat/completions", maker.chance.choice(forms))


def broken_off(maker: Maker) -> Body:
    """Return a stream that ends with an error."""
    chunks = [{"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": text}}]} for text in maker.texts()]
    return maker.stream("/v1/chat/completions", *chunks, {"error": _said_of_error(maker)})


def repeated(maker: Maker) -> Body:
    """Return a chat completion that states counts twice, or beside its total, as DeepSeek and xAI do."""
    prompt, completion = maker.count(), maker.count()
    cached, reasoning = maker.part(prompt), maker.part(completion)
    written = maker.chance.choice((0, cached, reasoning))
    beside = maker.chance.choice(([], [], [reasoning], [cached, written], [cached], [written]))
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": maker.sum(prompt, completion, *beside),
        "prompt_tokens_details": {"cached_tokens": cached} | maker.some(cache_write_tokens=written),
        "completion_tokens_details": {"reasoning_tokens": reasoning},
        "prompt_cache_hit_tokens": cached,
    }
    choices = [{"index": 0, "message": {"role": "assistant", "content": maker.text()}}]
    body = {"id": maker.id("chatcmpl-"), "object": "chat.completion", "choices": choices, "usage": usage}
    return maker.whole("/v1/chat/completions", body | maker.some(model=maker.chance.choice(SPECIAL_MODELS)))


def many_blocks(maker: Maker) -> Body:
    """Return the events of a message of many blocks, of which each begins, goes on and ends."""
    blocks = [
        event
        for index in range(maker.chance.randrange(12))
        for event in (
            {"type": "content_block_start", "index": index},
            *({"type": "content_block_delta", "index": index, "delta": {"text": text}} for text in maker.texts()),
            {"type": "content_block_stop", "index": index},
        )
    ]
    begin, *_, end, stop = _message_events(maker)
    return maker.stream("/v1/messages", begin, *blocks, *maker.chance.choice(((end, stop), (stop,))))


def usage_to_keep(maker: Maker) -> Document:
    """Return usage of which a total is its sum, or another count, or none."""
    pick = maker.chance.choice
    prompt, completion, more = (pick((maker.count(), maker.count(3), 0)) for _ in range(3))
    total = pick((maker.sum(prompt, completion), maker.sum(prompt, completion, more), prompt, more, 0))
    usage = pick(
        (
            {"prompt_tokens": prompt, "completion_tokens": completion},
            {"prompt_tokens": prompt},
            {"input_tokens": prompt, "output_tokens": completion, "seconds": pick((more, 1.5, 2.0))},
            {"seconds": more, "search_units": completion, "pages_processed": prompt},
            {},
        )
    )
    cached = {"cached_tokens": maker.part(prompt)}
    usage |= maker.some(completion_tokens_details={"reasoning_tokens": more}, prompt_tokens_details=cached)
    return usage | maker.some(total_tokens=total)


def kept(maker: Maker) -> Body:
    """Return usage on a route that no meter is for."""
    pick = maker.chance.choice
    body: Document = {"id": maker.id("run_"), "model": pick(SPECIAL_MODELS)}
    body |= {pick(("usage", "usage", "usage_info")): usage_to_keep(maker)}
    body |= pick(({"object": "thread.run"}, {"object": "list"}, {"choices": []}, {"text": "x"}, {"choices": [{}]}))
    return maker.whole(pick(_NOT_METERED), body)


def parted(maker: Maker) -> Body:
    """Return counts that are parts of parts, often all of them: audio that was cached, what was written for an hour."""
    pick = maker.chance.choice
    text, completion, whole = maker.count(), maker.count(), maker.count()
    part = pick((whole, whole, maker.part(whole), maker.count()))
    model = f"m-{maker.chance.randrange(1000)}"
    of_cache = {"cached_tokens": part, "cached_tokens_details": {"audio_tokens": part}}
    details = {"text_tokens": text, "audio_tokens": whole} | of_cache
    spoken = {"input_tokens": maker.sum(text, whole), "output_tokens": completion, "input_token_details": details}
    written = {"cache_creation_input_tokens": whole, "cache_creation": {"ephemeral_1h_input_tokens": part}}
    chat = {"prompt_tokens": maker.sum(text, whole), "completion_tokens": completion, "prompt_tokens_details": details}
    turn = {"object": "realtime.response", "id": maker.id("resp_"), "model": model, "usage": spoken}
    message = {"id": maker.id("msg_"), "type": "message", "role": "assistant", "model": model, "content": []}
    of_bifrost = {
        "cached_tokens": pick((whole, maker.sum(whole, part))),
        **maker.some(cached_read_tokens=whole, cached_write_tokens=part),
        "cached_write_token_details": {"cached_write_tokens_1h": part},
    }
    chat_of_bifrost = {**chat, "prompt_tokens_details": of_bifrost}
    response = {
        "object": "response",
        "id": maker.id("resp_"),
        "model": model,
        "usage": {**spoken, "input_token_details": None, "input_tokens_details": of_bifrost},
    }
    bodies: tuple[tuple[str, Document], ...] = (
        ("/v1/chat/completions", {"choices": [], "model": model, "usage": chat_of_bifrost}),
        ("/v1/responses", response),
        ("/v1/realtime", {"type": "response.done", "response": turn}),
        ("/v1/messages", message | {"usage": {"input_tokens": text, "output_tokens": completion} | written}),
        ("/v1/chat/completions", {"id": maker.id("chatcmpl-"), "choices": [], "model": model, "usage": chat}),
    )
    return maker.whole(*pick(bodies))


RELATED = {each.__name__: each for each in (repeated, many_blocks, kept, parted)}
"""What depends on how counts are related, and streams of many parts."""
_ANY = FAMILIES | RELATED | {each.__name__: each for each in (error, broken_off)}
