"""How a native API is read: from the places at which it states its counts, its names and its text.

Owns the shape of a row of ``apis``. A count goes by the first of its places that is stated, the counts of a list are
added, and in a stream the last number above zero of each counts, for they are running totals or stated once. What
documents about different answers state is added.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors.families.chat_usage import stated_by
from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    any_of,
    count,
    error_of,
    first,
    id_of,
    last,
    latest,
    sum_of,
    word,
)
from pipeline.collectors.values.strict_json import stated_once
from pipeline.collectors.values.traced import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

    Place: TypeAlias = tuple[str, ...]
    """Names on the way to a value; a list on the way is gone through."""

_WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII)


class Native(NamedTuple):
    """A native API."""

    name: str
    recognises: Callable[[JsonObject], bool]
    usage: Place = ()
    """Where an object like chat's usage stands; else the counts stand at the next four."""
    prompt: tuple[Place, ...] = ()
    completion: tuple[Place, ...] = ()
    cached: tuple[Place, ...] = ()
    """A part of the prompt."""
    reasoning: tuple[Place, ...] = ()
    """A part of the completion."""
    total: tuple[Place, ...] = ()
    counts_are_texts: bool = False
    """Whether whole numbers may be written as text, as the JSON mapping of Protocol Buffers writes 64 bits."""
    each: Place = ()
    """Where the id of the answer stands that a document is about, where there may be several."""
    response_id: tuple[Place, ...] = ()
    model: tuple[Place, ...] = ()
    tier: str | None = None
    """The tier of its answers, where tokens of a model have prices of their own there."""
    finish_reason: tuple[Place, ...] = ()
    text: tuple[Place, ...] = ()
    """Where what was generated stands, or arguments of a tool."""
    text_of_chunks: tuple[Place, ...] = ()
    """Where it stands in the chunks of a stream, if a whole answer may be logged as an array as well."""

    def read(self, body: Body, asked: Asked) -> Reading:
        """Read an answer. Raises ``LineRefused`` where a count is none, or contradicts another."""
        documents = body.documents
        model = first(_named(documents, self.model))
        chunks = [any(_named([document], self.text_of_chunks or self.text)) for document in documents]
        return Reading(
            family=self.name,
            stated=self._usage(documents, word(model) or asked.model) if self.usage else self._counts(documents),
            response_id=last(_named(documents, self.response_id)),
            model=model,
            service_tier=self.tier,
            finish_reason=last(_named(documents, self.finish_reason)),
            choices=1,
            has_error=any(map(error_of, documents)),
            has_content=any(_named(documents, self.text)),
            generated_chunks=sum(chunks),
        )

    def _usage(self, documents: Sequence[JsonObject], model: str | None) -> Stated | None:
        found = None
        for document in documents:
            for usage in _at(document, self.usage, stated_once):
                if isinstance(usage, dict):
                    found = latest(found, stated_by(usage, model=model))
        return found

    def _counts(self, documents: Sequence[JsonObject]) -> Stated | None:
        prompt, completion = self._count(documents, self.prompt), self._count(documents, self.completion)
        if prompt is None or completion is None:
            return None
        reasoning = self._count(documents, self.reasoning)
        return Stated(
            prompt=prompt,
            completion=completion,
            cached=self._count(documents, self.cached),
            reasoning=reasoning if reasoning is None or reasoning <= completion else None,
            total=self._count(documents, self.total),
        )

    def _count(self, documents: Sequence[JsonObject], places: tuple[Place, ...]) -> int | None:
        answers: dict[str, list[JsonObject]] = {}
        for document in documents:
            own = next(_at(document, self.each, any_of), None) if self.each else None
            answers.setdefault(repr(id_of(own)), []).append(document)
        return sum_of(*(self._count_of_one(answer, places) for answer in answers.values()))

    def _count_of_one(self, documents: Sequence[JsonObject], places: tuple[Place, ...]) -> int | None:
        found: int | None = None
        for document in documents:
            for place in places:
                stated = _at(document, place, stated_once)
                values = [
                    count(_of_text(value) if self.counts_are_texts else value, ".".join(place)) for value in stated
                ]
                counts = [value for value in values if value is not None]
                if counts:
                    found = sum(counts) or found or 0
                    break
        return found


def _of_text(value: Any) -> Any:
    """Return a whole number that is written as text, anything else as it is."""
    return whole_number(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value


def _named(documents: Sequence[JsonObject], places: tuple[Place, ...]) -> Iterator[Any]:
    for document in documents:
        for place in places:
            yield from _at(document, place, any_of)


def _at(value: Any, place: Place, get: Callable[[JsonObject, str], Any]) -> Iterator[Any]:
    """Yield what stands at a place, of each entry of a list on the way."""
    if isinstance(value, list) and place:
        for entry in value:
            yield from _at(entry, place, get)
    elif not place:
        yield value
    elif isinstance(value, dict):
        yield from _at(get(value, place[0]), place[1:], get)
