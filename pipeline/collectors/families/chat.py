"""OpenAI-compatible chat completions, AI21's first of all: plain documents and streams of chunks.

AI21 states usage in the last chunk, beside ``finish_reason``; OpenAI in a chunk without choices, and only when asked;
Groq under ``x_groq``; Moonshot in a choice; Perplexity states running totals in every chunk; gateways in front of
Anthropic state the prompt in the first chunk and the completion in the last. So the last stated usage counts, nothing
is summed, and where an object has only a part, each field's last real number. vLLM may state running usage of each
choice: the last of each choice is added up, but for one and the same usage that is repeated beside every choice. What
stands within a choice is its own, in streams and plain answers. A gateway that calls a model again within one stream
(its tools, or what broke off), or a log of several answers in one body, has whole answers of different ids: each is an
event of its own. So is each model of a system of several, which charges what each of them consumed (``UsageBreakdown``
of Groq's SDK, ``BotModelUsage`` of Volcano Engine's). watsonx calls the model ``model_id``. What the counts mean is
``chat_usage``'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.chat_usage import (
    TOTAL,
    both_counts,
    parts_of_prompt,
    stated_by,
    usage_object,
    with_timings,
)
from pipeline.collectors.families.reading import (
    OUTPUT_BEGUN,
    Reading,
    any_of,
    apart,
    counted_at,
    error_of,
    first,
    last,
    list_at,
    object_at,
    sum_of,
    tier_of,
    with_others,
    word,
)
from pipeline.collectors.values.traced import is_integer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked, Stated
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "openai-chat"

_GENERATED = ("content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call", "audio", "images")
"""Where a message or a delta holds what was generated."""
_MODELS = (("usage_breakdown", "models"), ("x_groq", "usage_breakdown", "models"), ("bot_usage", "model_usage"))
"""Where systems of several models say what each of them consumed: Groq's Compound, and bots of Volcano Engine's Ark."""


def recognises(document: JsonObject) -> bool:
    """Tell a chat completion, or a chunk of one."""
    choices = document.get("choices")
    if not isinstance(choices, list):
        return word(document.get("object")).startswith("chat.completion")
    if is_text_completion(document):
        return False
    # any stream may have an empty list
    return word(document.get("object")).startswith("chat.completion") or any(
        isinstance(choice, dict) for choice in choices
    )


def is_text_completion(document: JsonObject) -> bool:
    """Tell a text completion, or a chunk of one, from chat: its choices hold ``text``."""
    if word(document.get("object")) in ("text_completion", "text.completion"):
        return True
    choices = list_at(document, "choices")
    choice = choices[0] if choices else None
    return isinstance(choice, dict) and "text" in choice and "message" not in choice and "delta" not in choice


def has_trace(document: JsonObject) -> bool:
    """Tell whether a document that nobody recognises has anything that chat would read."""
    return error_of(document) or any(document.get(name) is not None for name in ("choices", "usage", "x_groq"))


def read(body: Body, asked: Asked) -> Reading:
    """Read a chat completion. Raises ``LineRefused`` where a count is none, or contradicts another."""
    return read_as(NAME, body, asked)


def read_as(family: str, body: Body, asked: Asked) -> Reading:
    """Read documents with ``choices``. Raises ``LineRefused`` where a count is none, or contradicts another."""
    answers = apart(body.documents, _is_whole)
    return with_others(_read_one(family, body._replace(documents=[*answer]), asked) for answer in answers)


def _read_one(family: str, body: Body, asked: Asked) -> Reading:
    seen = _Seen()
    for document in body.documents:
        seen.add(document)
    if not seen.is_counted:
        for document in body.documents:
            seen.add_elsewhere(document)
    counted, conventions = with_timings(seen.usage_of_choices() or seen.usage, seen.timings)
    stated = stated_by(counted, model=word(seen.model) or asked.model) if counted is not None else None
    if body.is_stream and seen.is_begun:
        conventions = (*conventions, OUTPUT_BEGUN)
    if stated is not None and conventions:
        stated = stated._replace(conventions=(*stated.conventions, *conventions))
    whole = Reading(
        family=family,
        stated=stated,
        response_id=seen.response_id,
        model=seen.model,
        service_tier=seen.service_tier,
        finish_reason=seen.finish_reason if body.is_stream else _first_reason(body),
        choices=asked.choices if body.is_stream else seen.choices,
        has_error=seen.has_error,
        has_content=bool(seen.generated_chunks),
        generated_chunks=seen.generated_chunks,
    )
    of_each = [found for document in body.documents for found in (_of_each_model(document),) if found]
    return whole if not of_each else _of_models(whole, of_each[-1])


def _of_models(whole: Reading, of_each: Sequence[tuple[Any, Stated]]) -> Reading:
    """Return the reading of an answer that several models made, each of which is an event of its own.

    Where their counts are not what the answer says of all of them, it is its own alone.
    """
    for name in ("prompt", "completion") if whole.stated is not None else ():
        if getattr(whole.stated, name) != sum_of(*(getattr(stated, name) for _, stated in of_each)):
            return whole
    (model, own), *others = of_each
    parts = [
        whole._replace(stated=stated, model=model, part=f"model {number}")
        for number, (model, stated) in enumerate(others, 2)
    ]
    return whole._replace(stated=own, model=model, parts=tuple(parts))


def _of_each_model(document: JsonObject) -> list[tuple[Any, Stated]]:
    """Return the models that made an answer, and what each of them consumed; none where one states no counts."""
    entries = next((found for place in _MODELS if place[0] in document and (found := counted_at(document, *place))), [])
    each: list[tuple[Any, Stated]] = []
    for entry in entries:
        model = first(entry.get(name) for name in ("model", "name")) if isinstance(entry, dict) else None
        usage = usage_object(entry.get("usage") if "usage" in entry else entry) if isinstance(entry, dict) else None
        stated = None if usage is None else stated_by(usage, model=word(model))
        if stated is None or model is None:
            return []
        each.append((model, stated))
    return each


@dataclass(slots=True)
class _Seen:
    """What the documents so far have said."""

    response_id: Any = None
    model: Any = None
    service_tier: Any = None
    finish_reason: Any = None
    choices: int | None = None
    usage: JsonObject | None = None
    timings: JsonObject = field(default_factory=dict)
    running: list[tuple[int, tuple[int, int]]] = field(default_factory=list)
    """Index of the choice, and prompt and completion, of the usages that chunks of one choice stated."""
    own: list[tuple[int, JsonObject]] = field(default_factory=list)
    """Index of the choice, and the usage that stands within it."""
    has_error: bool = False
    generated_chunks: int = 0
    goes_on: bool = False
    """Whether more was generated since usage was stated last."""

    @property
    def is_begun(self) -> bool:
        """Whether the answer went on behind the last usage, and did not come to its end."""
        return self.usage is not None and self.goes_on and not self.finish_reason

    @property
    def is_counted(self) -> bool:
        """Whether a usage has counted anything: zeros are a placeholder, beside what is counted elsewhere."""
        return self.usage is not None and any(both_counts(self.usage) or (True,))

    def add(self, document: JsonObject) -> None:
        """Take in the next document: the first id and model, the last tier, finish reason and usage."""
        self.response_id = first((self.response_id, document.get("id")))
        self.model = first((self.model, document.get("model"), document.get("model_id")))
        tier = document.get("service_tier")
        generated = self.generated_chunks
        is_counted = False
        for usage in _usages(document):
            tier = tier_of(tier or usage.get("service_tier"), usage)
            self.add_usage(usage, list_at(document, "choices"))
            is_counted = True
        self.service_tier = tier or self.service_tier
        timings = document.get("timings")
        self.timings = timings if isinstance(timings, dict) else self.timings
        self.has_error = self.has_error or error_of(document)
        choices = any_of(document, "choices")
        if isinstance(choices, list):
            self.choices = len(choices)
            self._add_choices([choice for choice in choices if isinstance(choice, dict)])
        self.goes_on = not is_counted and (self.goes_on or self.generated_chunks != generated)

    def add_elsewhere(self, document: JsonObject) -> None:
        """Take in the usage that a document states beside its answer, or within its choices."""
        for usage in _usages_beside(document):
            self.add_usage(usage, list_at(document, "choices"))
            self.goes_on = False
        for number, choice in enumerate(_choices(document)):
            if usage := object_at(choice, "usage"):
                self.add_usage(usage, [])
                self.goes_on = False
                if any(both_counts(usage) or ()):
                    index = any_of(choice, "index")
                    self.own.append((index if is_integer(index) else number, usage))

    def add_usage(self, usage: JsonObject, choices: list[Any]) -> None:
        """Take in one more usage, beside these choices."""
        counts = both_counts(usage)
        if counts is not None and any(counts) and len(choices) == 1 and isinstance(choices[0], dict):
            index = any_of(choices[0], "index")
            self.running.append((index if is_integer(index) else 0, counts))
        elif counts is not None and any(counts):
            self.running.clear()  # a usage of all choices, after those of each
        if counts is not None and all(counts):
            self.usage = usage
        else:
            self.usage = _overlaid(self.usage or {}, usage)

    def _add_choices(self, choices: list[JsonObject]) -> None:
        is_generated = False
        for choice in choices:
            self.finish_reason = last((self.finish_reason, choice.get("finish_reason")))
            said = any_of(choice, "delta" if "delta" in choice else "message")
            is_generated |= bool(any_of(choice, "text")) or (isinstance(said, dict) and _is_generated(said))
        self.generated_chunks += is_generated

    def usage_of_choices(self) -> JsonObject | None:
        """Return the usage of all choices, where each stated its own.

        ``None`` where one usage covers all.

        Running totals that go on growing from one choice to the next are those of all choices together, and so is a
        usage that is repeated unchanged, unless it counts less than a token for each.
        """
        if own := dict(self.own):
            return _of_all(list(own.values())) if len(own) > 1 else None
        of_each = dict(self.running)
        if len(of_each) < 2:  # noqa: PLR2004 - several choices
            return None
        grows = all(before[1][1] < after[1][1] for before, after in pairwise(self.running) if before[0] != after[0])
        is_repeated = all(before[1] == after[1] for before, after in pairwise(self.running))
        if grows or (is_repeated and self.running[0][1][1] >= len(of_each)):
            return None
        return {
            "prompt_tokens": max(prompt for _, (prompt, _) in self.running),
            "completion_tokens": sum(completion for _, completion in of_each.values()),
        }


def _of_all(usages: Sequence[JsonObject]) -> JsonObject:
    """Return one usage of those of several choices: of one prompt, and of all that was generated."""
    counts = [both_counts(usage) or (0, 0) for usage in usages]
    prompt, of_prompt = max(((prompt, usage) for (prompt, _), usage in zip(counts, usages, strict=True)), key=_prompt)
    completion = sum(completion for _, completion in counts)
    return {**parts_of_prompt(of_prompt), "prompt_tokens": prompt, "completion_tokens": completion}


def _prompt(found: tuple[int, JsonObject]) -> int:
    return found[0]


def _is_whole(documents: Sequence[JsonObject]) -> bool:
    """Tell a counted answer from its beginning to its end: a message, a text, or chunks before the last, and that."""
    ends = [document for document in documents if _ends(document)]
    has_message = any("delta" not in choice for document in ends for choice in _choices(document))
    is_counted = any(any(both_counts(usage) or ()) for document in documents for usage in _usages(document))
    return is_counted and bool(ends) and (has_message or any(not _ends(document) for document in documents))


def _ends(document: JsonObject) -> bool:
    return any(bool(any_of(choice, "finish_reason")) for choice in _choices(document))


def _choices(document: JsonObject) -> list[JsonObject]:
    return [choice for choice in list_at(document, "choices") if isinstance(choice, dict)]


def _first_reason(body: Body) -> Any:
    choices = [choice for document in body.documents for choice in list_at(document, "choices")]
    return choices[0].get("finish_reason") if choices and isinstance(choices[0], dict) else None


def _usages(document: JsonObject) -> Iterator[JsonObject]:
    """Return the usage objects of a document, at the places where servers put them; the last of them counts."""
    for value in (document.get("usage"), object_at(document, "x_groq").get("usage")):
        usage = usage_object(value)
        if usage is not None:
            yield usage


def _usages_beside(document: JsonObject) -> Iterator[JsonObject]:
    """Return the usage objects that some servers put beside the answer; a breakdown or a message is none of them."""
    for place in (object_at(document, "meta"), object_at(document, "metadata")):
        if usage := object_at(place, "usage"):
            yield usage
    for name in ("token_usage", "usage_metadata"):  # as LangChain has it
        if usage := object_at(document, name):
            yield usage


def _overlaid(earlier: JsonObject, later: JsonObject) -> JsonObject:
    """Return usage that was stated in parts: of each field the last real number.

    A total of one part is none of the whole; that of what is counted already stands.
    """
    merged = _last_of_each(earlier, later)
    both = both_counts(merged) if earlier else None
    if both is None:
        return merged
    is_counted = both == both_counts(earlier)
    for name in TOTAL:
        if is_counted and earlier.get(name):
            merged[name] = earlier.get(name)
        elif merged.get(name) != sum(both):
            merged.pop(name, None)
    return merged


def _last_of_each(earlier: JsonObject, later: JsonObject) -> JsonObject:
    merged = {name: earlier.get(name) for name in earlier}
    for name in later:
        value, before = later.get(name), merged.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            merged[name] = _last_of_each(before, value)
        elif value or before is None:
            merged[name] = value
    return merged


def _is_generated(said: JsonObject) -> bool:
    for name in _GENERATED:
        value = any_of(said, name)
        if value and isinstance(value, (str, list, dict)):
            return True
    return False
