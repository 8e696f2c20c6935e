"""The oracle's eyes for every other API: a body and its path to its counts, read a second time from the wire rules.

Plain Python and the standard library; shares no code with the product, which tells families by the body, where this
asks the path. Each rule is written down once, as its provider words it. Does not own chat's usage in all its dialects
(``wire``).
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Document = dict[str, Any]
COUNT_MAX = 10**12
INVALID, CONTRADICTORY = "invalid_usage", "contradictory_usage"


class Impossible(Exception):
    """The counts cannot be: a reason of the quarantine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one body says: a status, and the counts where it is measured or estimated."""

    status: str
    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None
    written: int | None = None
    reasoning: int | None = None
    id: str | None = None
    model: str | None = None
    is_begun: bool = False
    """Whether its completion is only where that began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    prompt: int | None
    completion: int
    cached: int | None = None
    written: int | None = None
    reasoning: int | None = None
    total: int | None = None
    is_begun: bool = False


def answer(path: str, response: Any) -> Answer:
    """Read a body. Raises ``Impossible`` where its counts contradict each other or are none."""
    documents, is_stream = taken_apart(response)
    counts_of, id_names, model_names, chunk = RULES[rule_of(path)]
    if counts_of is None:
        return Answer(status="not_metered", id=name_of(searched(document) for document in documents))
    ids = {"id": name_of(values(documents, id_names)), "model": name_of(values(documents, model_names))}
    counts = counts_of(documents) or counted_by_aws(documents)
    if counts is not None and (counts.prompt or counts.completion):
        check(counts)
        return Answer(
            status="measured",
            prompt=counts.prompt,
            completion=counts.completion,
            cached=counts.cached,
            written=counts.written,
            reasoning=counts.reasoning,
            is_begun=counts.is_begun,
            **ids,
        )
    generated = sum(map(chunk, documents)) if is_stream else 0
    return Answer(status="estimated" if generated else "unknown", completion=generated or None, **ids)


def searched(document: Document) -> Any:
    """The id of a rerank that states what nobody bills: it is listed once."""
    units = at(document, "meta", "billed_units", "search_units")
    is_count = isinstance(units, (int, float, Decimal)) and not isinstance(units, bool)
    return document.get("id") if is_count and units == int(units) and 0 < units <= COUNT_MAX else None


def check(counts: Counts) -> None:
    prompt, completion = counts.prompt or 0, counts.completion
    if max(prompt, completion) > COUNT_MAX:
        raise Impossible(INVALID)
    if counts.total and counts.total != prompt + completion:
        raise Impossible(CONTRADICTORY)
    if (counts.cached or 0) + (counts.written or 0) > prompt or (counts.reasoning or 0) > completion:
        raise Impossible(CONTRADICTORY)


# --- what was logged --------------------------------------------------------------------------------------------------


def taken_apart(response: Any) -> tuple[list[Document], bool]:
    """The documents of a body, and whether they came as a stream."""
    if isinstance(response, dict):
        return [response], False
    if isinstance(response, list):
        return [held(element) for element in response], True
    text = str(response).strip()
    if text.startswith("["):
        return taken_apart(number_kept(text))
    if text.startswith("{"):
        try:
            documents = [number_kept(text)]
        except json.JSONDecodeError:
            documents = [number_kept(line) for line in text.split("\n")]
        return [held(document) for document in documents], len(documents) > 1 or "chunk" in documents[0]
    if "data:" in text:
        lines = [line.removeprefix("data:").strip() for line in text.splitlines() if line.startswith("data:")]
        return [number_kept(line) for line in lines if line != "[DONE]"], True
    return [held({name: number_kept(payload)}) for name, payload in frames(base64.b64decode(text))], True


def held(element: Document) -> Document:
    """What an event wraps: that of an SDK under ``data``, that of an invoke stream in base64."""
    if set(element) == {"event", "data"}:
        return dict(element["data"])
    chunk = element.get("chunk", element)
    if "bytes" in chunk:
        return dict(number_kept(base64.b64decode(chunk["bytes"]).decode()))
    return element


def frames(content: bytes) -> Iterator[tuple[str, str]]:
    """Event type and payload of each frame of an AWS event stream: lengths and checksums of four bytes each."""
    while content:
        total, headers = struct.unpack(">II", content[:8])
        named, at = {}, 12
        while at < 12 + headers:
            name = content[at + 1 : at + 1 + content[at]].decode()
            at += 2 + content[at]  # and a byte for the type, which is that of text
            size = int.from_bytes(content[at : at + 2])
            named[name], at = content[at + 2 : at + 2 + size].decode(), at + 2 + size
        yield named[":event-type"], content[12 + headers : total - 4].decode()
        content = content[total:]


def number_kept(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


# --- the rules, API by API --------------------------------------------------------------------------------------------


def number(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or value != int(value) or value < 0:
        raise Impossible(INVALID)
    if value > COUNT_MAX:
        raise Impossible(INVALID)
    return int(value)


def at(document: Any, *names: str) -> Any:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def chat_like(documents: list[Document]) -> Counts | None:
    """OpenAI: the last usage; cached lies in the prompt and reasoning in the completion."""
    found = None
    for usage in filter(None, (document.get("usage") for document in documents)):
        prompt = called(usage, "prompt_tokens", "input_tokens", "inputTokens")
        completion = called(usage, "completion_tokens", "output_tokens", "outputTokens")
        total = called(usage, "total_tokens", "totalTokens")
        if completion is None and prompt and total == prompt:
            completion = 0
        if prompt is None or completion is None:
            continue
        cached = called(
            usage,
            *("prompt_tokens_details.cached_tokens", "input_token_details.cache_read"),
            *("cachedInputTokens", "cacheReadInputTokens"),
        )
        written = called(
            usage,
            *("input_token_details.cache_creation", "inputTokenDetails.cacheWriteTokens", "cacheWriteInputTokens"),
        )
        hour = number(at(usage, "input_token_details", "ephemeral_1h_input_tokens"))
        if hour is not None and not written:  # LangChain says zero where it knows the lifetime
            written = hour
        reasoning = called(usage, "completion_tokens_details.reasoning_tokens", "reasoningTokens")
        beside = total - prompt - completion if total else 0
        apart = (cached or 0) + (written or 0)
        is_of_amazon = bool(usage.keys() & {"cacheReadInputTokens", "cacheWriteInputTokens"})
        if not total and is_of_amazon:
            beside = apart
        if beside and beside == reasoning and not (is_of_amazon and beside == apart):  # xAI counts it outside
            completion += reasoning
        elif beside and beside == apart:  # Amazon's lie outside
            prompt += beside
        elif beside:
            raise Impossible(CONTRADICTORY)
        if total == prompt + completion and (reasoning or 0) > completion:
            reasoning = None  # another tokenizer counted it
        found = Counts(prompt=prompt, completion=completion, cached=cached, written=written, reasoning=reasoning)
    return found


def called(usage: Document, *names: str) -> int | None:
    """A count that goes by one of several names."""
    stated = [each for name in names if (each := number(at(usage, *name.split(".")))) is not None]
    return next(filter(None, stated), stated[0] if stated else None)


def responses(documents: list[Document]) -> Counts | None:
    """OpenAI: one final event has the response, and its usage."""
    found = None
    for document in documents:
        usage = document["response"].get("usage") if "response" in document else document.get("usage")
        prompt, completion = number(at(usage, "input_tokens")), number(at(usage, "output_tokens"))
        if prompt is None or completion is None:
            continue
        total, reasoning = (
            number(at(usage, "total_tokens")),
            number(at(usage, "output_tokens_details", "reasoning_tokens")),
        )
        if reasoning and total == prompt + completion + reasoning:  # a gateway that made it of a chat of xAI's
            completion += reasoning
        elif reasoning and reasoning > completion and total == prompt + completion:
            reasoning = None  # another tokenizer counted it
        found = Counts(
            prompt=prompt,
            completion=completion,
            cached=number(at(usage, "input_tokens_details", "cached_tokens")),
            reasoning=reasoning,
            total=total,
        )
    return found


def anthropic(documents: list[Document]) -> Counts | None:
    """Anthropic: a later event overlays an earlier one field by field; what the cache read and wrote is beside.

    Servers that are compatible end a stream with zeros for what was stated before.
    """
    of_prompt = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    fields: Document = {}
    is_output_told = False
    for document in documents:
        for usage in (at(document, "message", "usage"), document.get("usage")):
            stated = {name: value for name, value in (usage or {}).items() if value is not None}
            if all(not stated.get(name) for name in of_prompt) and any(fields.get(name) for name in of_prompt):
                stated = {name: value for name, value in stated.items() if name not in of_prompt}
            if is_output_told and not stated.get("output_tokens"):
                stated.pop("output_tokens", None)
            is_output_told = is_output_told or bool(stated.get("output_tokens") and usage is document.get("usage"))
            fields.update(stated)
    fresh = number(fields.get("input_tokens"))
    made = None if fresh is None else number(fields.get("output_tokens"))
    if fresh is None or made is None:
        return None
    read, wrote = number(fields.get("cache_read_input_tokens")), number(fields.get("cache_creation_input_tokens"))
    is_told = any(at(document, "usage", "output_tokens") is not None for document in documents)
    is_begun = not is_told and any(document.get("type") == "message_start" for document in documents)
    prompt = fresh + (read or 0) + (wrote or 0)
    return Counts(prompt=prompt, completion=made, cached=read, written=wrote, is_begun=is_begun)


def turns_of_session(response: Any) -> list[Counts | None]:
    """What each turn of a spoken session with Google's models is charged for, one after another."""
    documents, _ = taken_apart(response)
    return [gemini_turn(turn) for turn in turns_apart(documents)]


def turns_apart(documents: list[Document]) -> list[list[Document]]:
    """Google: who says so ends a turn; what is counted alone right after it is of it, if it was not counted before."""
    number, told, of_turn, is_right_behind = 0, {}, {}, False
    for document in documents:
        usage = document.get("usageMetadata") or {}
        counts = {name: count for name, count in usage.items() if name.endswith("TokenCount")}
        is_right_behind = is_right_behind and counts and document.get("serverContent") is None
        is_right_behind = is_right_behind and told.get(number - 1, counts) == counts
        turn = number - 1 if is_right_behind else number
        of_turn.setdefault(turn, []).append(document)
        if counts:
            told[turn] = counts
        if at(document, "serverContent", "turnComplete") is True:
            number, is_right_behind = number + 1, True
    return [of_turn[turn] for turn in sorted(told)]


def gemini(documents: list[Document]) -> Counts | None:
    """Google: of a session the first turn; the others are other answers."""
    return gemini_turn(next(iter(turns_apart(documents)), []))


def gemini_turn(documents: list[Document]) -> Counts | None:
    """Google: the last usageMetadata that counts anything, whole; thoughts are generated, what tools got was read.

    Thoughts lie beside the candidates, but where the total has no room for them.
    """
    counted = [
        document["usageMetadata"]
        for document in documents
        if any(name.endswith("TokenCount") for name in document.get("usageMetadata", {}))
    ]
    if not counted:
        return None
    names = ("promptTokenCount", "candidatesTokenCount", "responseTokenCount")
    names = (*names, "thoughtsTokenCount", "toolUsePromptTokenCount")
    usage = next((each for each in reversed(counted) if any(each.get(name) for name in names)), counted[-1])
    prompt, answered = number(usage.get("promptTokenCount")), number(usage.get("candidatesTokenCount"))
    if prompt is None and not answered:
        return None
    answered = answered or number(usage.get("responseTokenCount"))  # as a session calls it
    thoughts, tools = number(usage.get("thoughtsTokenCount")), number(usage.get("toolUsePromptTokenCount"))
    total = number(usage.get("totalTokenCount"))
    made = (answered or 0) + (thoughts or 0)
    if total == (prompt or 0) + (tools or 0) + (answered or 0) and (answered or 0) >= (thoughts or 0):
        made = answered or 0
    return Counts(
        prompt=None if prompt is None else prompt + (tools or 0),
        completion=made,
        cached=None if prompt is None else number(usage.get("cachedContentTokenCount")),
        reasoning=thoughts,
        total=None if prompt is None else total,
    )


def interactions(documents: list[Document]) -> Counts | None:
    """Google: the same in other words."""
    found = None
    for document in documents:
        usage = document["interaction"].get("usage") if "interaction" in document else document.get("usage")
        prompt, made = number(at(usage, "total_input_tokens")), number(at(usage, "total_output_tokens"))
        thoughts = number(at(usage, "total_thought_tokens"))
        if prompt is not None and (made is not None or thoughts is not None):
            found = Counts(
                prompt=prompt + (number(at(usage, "total_tool_use_tokens")) or 0),
                completion=(made or 0) + (thoughts or 0),
                reasoning=thoughts,
                total=number(at(usage, "total_tokens")),
            )
    return found


def converse(documents: list[Document]) -> Counts | None:
    """Amazon: what the cache read and wrote is beside the input; the total is of all four."""
    found = None
    for document in documents:
        for usage in (document.get("usage"), at(document, "metadata", "usage")):
            fresh, made = number(at(usage, "inputTokens")), number(at(usage, "outputTokens"))
            if fresh is None or made is None:
                continue
            read, wrote = number(at(usage, "cacheReadInputTokens")), number(at(usage, "cacheWriteInputTokens"))
            prompt = fresh + (read or 0) + (wrote or 0)
            total = number(at(usage, "totalTokens"))
            found = Counts(prompt=prompt, completion=made, cached=read, written=wrote, total=total)
    return found


def last(documents: Iterable[Document], name: str) -> int | None:
    numbers = [number(document.get(name)) for document in documents]
    stated = [each for each in numbers if each is not None]
    return next(filter(None, reversed(stated)), stated[-1] if stated else None)


def counted_by_aws(documents: list[Document]) -> Counts | None:
    """Amazon: beside the last chunk, for models that do not count themselves."""
    for metrics in reversed([document.get("amazon-bedrock-invocationMetrics") for document in documents]):
        prompt, made = number(at(metrics, "inputTokenCount")), number(at(metrics, "outputTokenCount"))
        if prompt is not None and made is not None:
            return Counts(prompt=prompt, completion=made)
    return None


def titan(documents: list[Document]) -> Counts | None:
    """Amazon's own: the results' counts add up; a stream has running totals."""
    results = [result for document in documents for result in document.get("results", [])]
    of_results = [each for result in results if (each := number(result.get("tokenCount"))) is not None]
    made = sum(of_results) if of_results else last(documents, "totalOutputTextTokenCount")
    prompt = last(documents, "inputTextTokenCount")
    return None if prompt is None or made is None else Counts(prompt=prompt, completion=made)


def llama(documents: list[Document]) -> Counts | None:
    """Meta's: running totals."""
    prompt, made = last(documents, "prompt_token_count"), last(documents, "generation_token_count")
    return None if prompt is None or made is None else Counts(prompt=prompt, completion=made)


def cohere(documents: list[Document]) -> Counts | None:
    """Cohere: it charges what it calls billed units; else there are tokens."""
    found = None
    for document in documents:
        for place in (document, document.get("delta"), document.get("response")):
            for usage in (at(place, "usage"), at(place, "meta")):
                for kind in ("billed_units", "tokens"):
                    prompt, made = number(at(usage, kind, "input_tokens")), number(at(usage, kind, "output_tokens"))
                    if prompt is not None and made is not None:
                        found = Counts(prompt=prompt, completion=made)
                        break
    return found


def ollama(documents: list[Document]) -> Counts | None:
    """Ollama: beside ``done``; a prompt that came from the cache may be left out, and is unknown then."""
    found = None
    for document in documents:
        if document.get("done"):
            prompt, made = number(document.get("prompt_eval_count")), number(document.get("eval_count"))
            found = found if made is None else Counts(prompt=prompt, completion=made)
    return found


def embeddings(documents: list[Document]) -> Counts | None:
    usage = documents[-1].get("usage") or {}
    stated = [each for name in ("prompt_tokens", "total_tokens") if (each := number(usage.get(name))) is not None]
    return Counts(prompt=next(filter(None, stated), stated[0]), completion=0) if stated else None


def texts(document: Document) -> bool:
    """A chunk of chat or of a text completion that has text."""
    choice = (document.get("choices") or [{}])[0]
    return bool(choice.get("text") or at(choice, "delta", "content"))


def typed(*kinds: str) -> Callable[[Document], bool]:
    return lambda document: (document.get("type") or document.get("event_type")) in kinds


def holding(*names: str) -> Callable[[Document], bool]:
    return lambda document: any(document.get(name) for name in names)


Rule = tuple[
    "Callable[[list[Document]], Counts | None] | None", tuple[str, ...], tuple[str, ...], "Callable[[Document], bool]"
]
RULES: dict[str, Rule] = {
    "chat": (chat_like, ("id",), ("model",), texts),
    "responses": (responses, ("id", "response.id"), ("model", "response.model"), typed("response.output_text.delta")),
    "anthropic": (anthropic, ("id", "message.id"), ("model", "message.model"), typed("content_block_delta")),
    "gemini": (gemini, ("responseId",), ("modelVersion",), holding("candidates")),
    "interactions": (
        interactions,
        ("id", "interaction.id"),
        ("model", "interaction.model"),
        typed("content.delta"),
    ),
    "converse": (converse, (), (), holding("contentBlockDelta")),
    "titan": (titan, (), (), holding("outputText")),
    "llama": (llama, (), (), holding("generation")),
    "aws": (counted_by_aws, (), (), holding()),
    "cohere-v2": (cohere, ("id",), (), typed("content-delta")),
    "cohere-v1": (
        cohere,
        ("response_id", "generation_id", "response.response_id", "response.generation_id"),
        (),
        typed("text-generation"),
    ),
    "ollama": (ollama, (), ("model",), holding("response")),
    "embeddings": (embeddings, (), ("model",), holding()),
    "none": (None, (), (), holding()),
}
"""How counts are read, where the id and the model stand, and which chunks of a stream hold something generated."""
PATHS = (
    *(("/chat/completions", "chat"), ("/v1/completions", "chat"), ("/responses", "responses")),
    *(("/messages", "anthropic"), ("/model/anthropic.", "anthropic"), ("enerateContent", "gemini")),
    *(("/interactions", "interactions"), ("/converse", "converse"), ("amazon.nova", "converse")),
    *(("amazon.titan", "titan"), ("meta.llama", "llama"), ("mistral.", "aws")),
    *(("/v2/chat", "cohere-v2"), ("/v1/chat", "cohere-v1"), ("/api/", "ollama")),
    *(("/embeddings", "embeddings"), ("/rerank", "none")),
)


def rule_of(path: str) -> str:
    return next(rule for part, rule in PATHS if part in path)


def values(documents: list[Document], places: tuple[str, ...]) -> Iterator[Any]:
    for document in documents:
        for place in places:
            yield at(document, *place.split("."))


def name_of(stated: Iterator[Any]) -> str | None:
    """The first that can be a name, with its odd characters encoded."""
    for value in stated:
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return quote(str(value), safe="._:/@+=~,;#-")
    return None
