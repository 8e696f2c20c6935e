"""OpenAI's Responses API, as JSON, as a stream, by polling, and compacted.

Usage stands in ``usage`` of the response; a stream states it once, in its final event (``response.completed`` or
``.incomplete``), and null before. ``input_tokens`` includes what was cached and written, ``output_tokens`` includes
reasoning, ``total_tokens`` is their sum: 2,348 of 2,348 recorded. Source: the API reference of OpenAI,
``Response.usage``. A background response is queued without usage, and states it to a later ``GET …/responses/{id}``.
What its tools consumed of other models stands in ``tool_usage``, not in ``usage``, and is kept by name: tokens of
images that were made, and searches; so is what a language model consumed that wrote such an image as SVG, which stands
beside the image (``svg_usage`` of each ``image_generation_call``). Gateways leave a response as it is and put chat's
usage object into it, parts and all (``_transform_usage_objects`` in ``litellm_core_utils/litellm_logging.py`` of
LiteLLM 1.110.2); it is read as that. Perplexity's Agent API names what was cached as Anthropic does (``ResponsesUsage``
of its SDK), lately by both names. Its tools are charged by the call, "separate from model token costs"
(https://docs.perplexity.ai/docs/getting-started/pricing): ``tool_calls_details`` is kept by name, and so are tokens of
a tool's own models (``ToolCallTokenUsage``), of which nothing says what is charged. Gateways that make responses of
other answers leave what was cached where these have it: at the top, by chat's names or by Anthropic's (cli2api pull
221), and where it is Anthropic's own usage object, outside of the input. agentgateway makes responses of Bedrock's
answers and leaves what was cached out of the input, while the total counts it (16 + 9 + 2,387 written = 2,412, in
``cache_write.bedrock-responses.snap`` of its golden tests).

Realtime's ``response.done`` states the same of one turn, under ``input_token_details``; what was cached it tells by
modality (``cached_tokens_details``). What another model wrote down of what was said states its usage with each item:
the session's first turn keeps the sum by name. A log of a whole session has several turns: each is an event of its own,
the same that its ``response.done`` alone would be. Source: the API reference of OpenAI, ``RealtimeResponseUsage``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families import chat_usage
from pipeline.collectors.families.reading import (
    OF_SVG,
    Reading,
    Stated,
    added,
    any_of,
    at_most,
    count_of,
    error_of,
    first,
    id_of,
    last,
    latest,
    less,
    list_at,
    object_at,
    others_of,
    part_at,
    read_of,
    states_usage,
    transcribed,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "openai-responses"

_TURN = "realtime.response"
_OBJECTS = ("response", "response.compaction", _TURN)
_PARTS = ("input_tokens_details", "input_token_details", "output_tokens_details", "output_token_details")
"""Under which names parts of the two counts stand; those in the singular are realtime's."""
_WRITTEN = ("cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens", "cached_write_tokens")
"""The last is Bifrost's."""
_OTHERS = {
    **chat_usage.OTHERS_OF_TOOLS,
    "searches": ("num_sources_used",),
    "cache_write_12h_tokens": ("input_tokens_details", "cache_write_tokens_details", "ttl_12h_tokens"),
}
_OTHERS_OF_ARK = {"web_searches": ("tool_usage", "web_search")}
"""Where Volcano Engine's Ark counts what its tools did, within the usage."""
_OF_TOOLS = {
    "image_prompt_tokens": ("tool_usage", "image_gen", "input_tokens"),
    "image_cached_tokens": ("tool_usage", "image_gen", "cached_tokens"),
    "image_completion_tokens": ("tool_usage", "image_gen", "output_tokens"),
    "web_searches": ("tool_usage", "web_search", "num_requests"),
}
_TOOLS_OF_PERPLEXITY = {
    "search_web": "web_searches",
    "web_search": "web_searches",
    "fetch_url": "web_fetches",
    "people_search": "people_searches",
    "finance_search": "finance_searches",
    "sandbox": "code_runs",
}
"""The tools of which Perplexity says how often they were called, and how these counts are called here."""
_OF_A_TOOLS_MODEL = {"tool_prompt_tokens": ("input_tokens",), "tool_completion_tokens": ("output_tokens",)}


_DELEGATED, _DECIDED = "response.event", "decision.event"
"""What a Live session says of a response, or of a decision, that it left to another model."""
_OF_SESSION = {"session_seconds": ("seconds",), "session_paused_seconds": ("paused_seconds",)}
_BESIDE_ANSWERS = ("conversation.", "session.")
"""How the types of events begin that are about no response, and may state usage of their own."""


def recognises(document: JsonObject) -> bool:
    """Tell a response, a compaction, or an event of their streams."""
    kind = word(document.get("type"))
    return _is_answer(document) or kind.startswith("response.") or kind == _DECIDED


def read(body: Body, asked: Asked) -> Reading:
    """Read a response, or the turns of a session. Raises ``LineRefused`` where a count is none."""
    del asked
    documents = [*map(_delegated, body.documents)]
    answers = [(document, inner) for document in documents if (inner := _answer_in(document)) is not None]
    model = first(part_at(document, "session").get("model") for document in documents)
    turns = _turns([answer for _, answer in answers if object_at(answer, "usage")])
    last_of_first = turns[0][-1] if len(turns) > 1 else None
    told = [answer for _, answer in answers] if last_of_first is None else turns[0]
    whole = _with_what_no_turn_counts(_of_answers(told, model), documents)
    failed = any(any_of(answer, "status") == "failed" or error_of(answer) for _, answer in answers)
    return whole._replace(
        response_id=first(
            answer.get("id")
            for document, answer in answers
            if (_is_answer(document) or "response" in document) and last_of_first in (None, answer)
        ),
        has_error=failed or any(map(error_of, documents)),
        has_content=any(list_at(answer, "output") for _, answer in answers),
        generated_chunks=sum(bool(word(any_of(document, "delta"))) for document in documents),
        parts=tuple(_part(turn, model, number) for number, turn in enumerate(turns[1:], 1)),
    )


def _of_answers(answers: Sequence[JsonObject], model: Any) -> Reading:
    """Return the reading of what is stated of one response; ``model`` is that of its session."""
    stated = None
    for answer in answers:
        stated = latest(stated, _stated(answer))
    return Reading(
        family=NAME,
        stated=stated,
        model=first((*(answer.get("model") for answer in answers), model)),
        service_tier=last(answer.get("service_tier") for answer in answers),
        finish_reason=last(_finish_reason(answer) for answer in answers if _is_answer(answer)),
        choices=1,
    )


def _with_what_no_turn_counts(reading: Reading, documents: Sequence[JsonObject]) -> Reading:
    """Return the reading of a session with what has no meter and is of the whole of it, kept by name.

    That is what another model wrote down of what was said, and how many seconds a Live session took so far.
    """
    found = {f"transcribed_{name}": count for name, count in transcribed(documents).items()}
    for document in documents:
        if word(any_of(document, "type")).startswith(_BESIDE_ANSWERS[1]):
            found |= others_of(part_at(document, "usage"), _OF_SESSION)
    if not found:  # as nearly always
        return reading
    stated = reading.stated or Stated(prompt=None, completion=None)
    return reading._replace(stated=stated._replace(others={**stated.others, **found}))


def _delegated(document: JsonObject) -> JsonObject:
    """Return the event of a response that a Live session hands on, or what a decision came to; any other as it is.

    A decision has no id, so it is told as a turn.
    """
    kind = any_of(document, "type")
    if kind == _DELEGATED:
        return object_at(document, "event") or document
    decision = object_at(document, "event", "decision") if kind == _DECIDED else {}
    if not decision:
        return document
    stated = {name: decision.get(name) for name in decision}
    return {"response": stated | {"object": _TURN, "service_tier": "decisions"}}


def _part(turn: Sequence[JsonObject], model: Any, number: int) -> Reading:
    """Return the reading of a further turn; one without an id has its place for a name."""
    found = first(answer.get("id") for answer in turn)
    part = None if isinstance(found, str) else f"turn {number}"
    return _of_answers(turn, model)._replace(response_id=found, has_content=True, part=part)


def _turns(answers: Sequence[JsonObject]) -> list[list[JsonObject]]:
    """Return answers that state usage, those of one response together; of realtime's each without an id is a turn."""
    turns: dict[object, list[JsonObject]] = {}
    for number, answer in enumerate(answers):
        own = answer.get("id")
        is_turn = not isinstance(own, str) and any_of(answer, "object") == _TURN
        turns.setdefault(number if is_turn else repr(id_of(own)), []).append(answer)
    return list(turns.values())


def _answer_in(document: JsonObject) -> JsonObject | None:
    """Return what a document says of a response, ``None`` where it is an event about something else."""
    if inner := object_at(document, "response"):
        return inner
    return None if word(document.get("type")).startswith(_BESIDE_ANSWERS) else document


def _is_answer(document: JsonObject) -> bool:
    """Tell a response, or what holds one; what counts by itself holds what a model wrote (JSON of Workers AI)."""
    places = (document,) if states_usage(document) else (document, object_at(document, "response"))
    return any(word(any_of(place, "object")) in _OBJECTS for place in places)


def _finish_reason(answer: JsonObject) -> object:
    return part_at(answer, "incomplete_details").get("reason") or answer.get("status")


def _stated(answer: JsonObject) -> Stated | None:
    usage = object_at(answer, "usage")
    if _is_of_chat(usage):
        stated = chat_usage.stated_by(usage, model=word(answer.get("model")))
        return stated and stated._replace(others={**stated.others, **_of_tools(answer)})
    prompt = count_of(usage, "input_tokens", "prompt_tokens")
    completion = count_of(usage, "output_tokens", "completion_tokens")
    if prompt is None or completion is None:
        return None
    of_prompt = object_at(usage, "input_tokens_details") or object_at(usage, "input_token_details")
    of_completion = object_at(usage, "output_tokens_details") or object_at(usage, "output_token_details")
    named = count_of(of_prompt, "cached_tokens", "cache_read_input_tokens")
    cached = read_of(named, of_prompt)
    cached = cached if named or cached else chat_usage.cached_otherwise(usage) or cached
    written = count_of(of_prompt, *_WRITTEN)
    written = written or chat_usage.written_otherwise(usage) or written
    by_lifetime, hour = chat_usage.WRITTEN_1H_OF_BIFROST
    total = count_of(usage, "total_tokens")
    beside = (cached or 0) + (written or 0)
    is_apart = total == prompt + beside + completion if total else chat_usage.is_of_anthropic(usage)
    is_apart = is_apart and bool(beside)
    stated = Stated(
        prompt=prompt + beside if is_apart else prompt,
        completion=completion,
        cached=cached,
        written=written,
        written_1h=at_most(count_of(object_at(of_prompt, by_lifetime), hour), written),
        reasoning=count_of(of_completion, "reasoning_tokens"),
        prompt_audio=less(
            count_of(of_prompt, "audio_tokens"), count_of(object_at(of_prompt, "cached_tokens_details"), "audio_tokens")
        ),
        completion_audio=count_of(of_completion, "audio_tokens"),
        total=total,
        conventions=(chat_usage.CACHED_APART,) if is_apart else (),
        others=others_of(usage, _OTHERS_OF_ARK, chat_usage.OTHERS_OF_OPENROUTER, _OTHERS)
        | _of_tools_of_perplexity(usage)
        | _of_tools(answer),
    )
    return _with_reasoning(stated)


def _of_tools(answer: JsonObject) -> dict[str, int]:
    """Return what a response says of its tools beside its usage: of all together, and of each image."""
    drawn = [others_of(item, OF_SVG) for item in list_at(answer, "output") if isinstance(item, dict)]
    return others_of(answer, _OF_TOOLS) | added(drawn)


def _of_tools_of_perplexity(usage: JsonObject) -> dict[str, int]:
    """Return how often each tool was called, and what models of theirs consumed."""
    tools = part_at(usage, "tool_calls_details")
    if not tools:  # as nearly always
        return {}
    counts = [others_of(tools, {name: (tool, "invocation")}) for tool, name in _TOOLS_OF_PERPLEXITY.items()]
    for tool in _TOOLS_OF_PERPLEXITY:
        entries = list_at(tools, tool, "token_usage")
        counts += [others_of(entry, _OF_A_TOOLS_MODEL) for entry in entries if isinstance(entry, dict)]
    return added(counts)


def _with_reasoning(stated: Stated) -> Stated:
    """Return what is stated with its reasoning within the output, as the total tells.

    Gateways that make responses of chat leave it out of the output where chat did, and count it in the total. What
    exceeds an output that the total agrees with is another tokenizer's count, as in chat.
    """
    prompt, completion, reasoning = stated.prompt or 0, stated.completion or 0, stated.reasoning or 0
    if not stated.total or not reasoning:
        return stated
    if stated.total == prompt + completion + reasoning:
        conventions = (*stated.conventions, chat_usage.REASONING_APART)
        return stated._replace(completion=completion + reasoning, conventions=conventions)
    if reasoning > completion and stated.total == prompt + completion:
        return stated._replace(reasoning=None, conventions=(*stated.conventions, chat_usage.REASONING_UNKNOWN))
    return stated


def _is_of_chat(usage: JsonObject) -> bool:
    """Tell chat's usage object, by its names for the prompt where no parts are stated by the names of a response."""
    names = [name for name in chat_usage.PROMPT if name != "input_tokens"]
    return bool(count_of(usage, *names)) and not any(object_at(usage, name) for name in _PARTS)
