"""What one body says: the one value that every family returns, and the one way a count is taken out of a body.

Owns the shape of a reading, and what is a count at all. Does not own what follows from it (``counting``).
Source of the conventions: each family's own module.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.strict_json import CONTRADICTED, stated_once, twice
from pipeline.collectors.values.traced import is_integer
from pipeline.usage import TOKENS_MAX, QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from pipeline.collectors.values.strict_json import JsonObject


OUTPUT_BEGUN = "output-begun"
"""The convention of a stream that was cut behind what it stated at its start: of its output that is what had begun."""


class Stated(NamedTuple):
    """The tokens that a body states, each part within its whole; ``None`` is what it does not state.

    ``prompt`` includes cached and written tokens, ``completion`` includes reasoning: a family adds what its API counts
    apart.
    """

    prompt: int | None
    completion: int | None
    cached: int | None = None
    written: int | None = None
    written_1h: int | None = None
    reasoning: int | None = None
    prompt_audio: int | None = None
    completion_audio: int | None = None
    total: int | None = None
    """What prompt and completion must add up to, where the API states that."""
    conventions: tuple[str, ...] = ()
    """By which conventions of its provider the counts were understood; they end the name of the dialect."""
    others: Mapping[str, int] = MappingProxyType({})
    """What was stated and no meter holds, by name: searches, seconds, images."""


class Reading(NamedTuple):
    """What one body says, as its family understands it."""

    family: str
    stated: Stated | None = None
    response_id: Any = None
    """This and the next three are as the body states them; ``counting`` checks what may enter an event."""
    model: Any = None
    service_tier: Any = None
    finish_reason: Any = None
    choices: int | None = None
    has_error: bool = False
    has_content: bool = False
    """Whether anything was delivered: beside it, a usage of zeros is no measurement."""
    generated_chunks: int = 0
    """In a stream, how many of its chunks hold generated text, reasoning or arguments of a tool."""
    parts: tuple[Reading, ...] = ()
    """What other models did for this answer and it does not count: each is an event of its own."""
    part: str | None = None
    """The name of a part, the same in every copy of the answer."""
    is_billed: bool = True
    """Whether what a part states is billed; else it is kept by name."""


class Asked(NamedTuple):
    """What is known of an exchange beside its body."""

    model: str | None = None
    choices: int | None = None
    path: str | None = None


def count(value: Any, name: str) -> int | None:
    """Return a count of tokens, ``None`` where it is absent or null. ``28.0`` is 28.

    Raises ``LineRefused`` (``invalid_usage``) for anything else: text, true, 1.5, -1, more than ``TOKENS_MAX``.
    """
    if value is None or (type(value) is int and 0 <= value <= TOKENS_MAX):
        return value
    if value is CONTRADICTED:
        raise twice(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise LineRefused(QuarantineReason.INVALID_USAGE, f"{name} is no number")
    if not 0 <= value <= TOKENS_MAX:
        detail = f"{name} is {shown(value)}; a token count lies between 0 and {TOKENS_MAX}"
        raise LineRefused(QuarantineReason.INVALID_USAGE, detail)
    if isinstance(value, int):
        return value  # a traced one
    if value != int(value):
        raise LineRefused(QuarantineReason.INVALID_USAGE, f"{name} is {shown(value)}; a token count is whole")
    return int(value)


def count_of(usage: JsonObject, *names: str) -> int | None:
    """Return the count that goes by one of several names.

    The first that is above zero, else the first that is stated.
    """
    found: int | None = None
    for name in names:
        value = count(usage.get(name), name)
        if value:
            return value
        found = value if found is None else found
    return found


def word(value: Any) -> str:
    """Return a value that is text, an empty one where it is none."""
    return value if isinstance(value, str) else ""


def object_at(value: Any, *names: str) -> JsonObject:
    """Return the object that lies at a path of names, an empty one where there is none.

    Usage may lie there: raises ``LineRefused`` where a name of the path is stated twice with different values.
    """
    for name in names:
        value = stated_once(value, name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def list_at(value: Any, *names: str) -> list[Any]:
    """Return the list that lies at a path of names, an empty one where there is none.

    Nothing that is billed lies there: of lists that are stated twice it is the last.
    """
    value = any_of(part_at(value, *names[:-1]), names[-1])
    return value if isinstance(value, list) else []


def counted_at(value: Any, *names: str) -> list[Any]:
    """Return the list at a path of names whose entries state counts. Raises ``LineRefused`` as ``object_at`` does."""
    value = stated_once(object_at(value, *names[:-1]), names[-1])
    return value if isinstance(value, list) else []


def any_of(document: JsonObject, name: str) -> Any:
    """Return a value that decides no bill, and only leads to something or tells what it is: the last that is stated."""
    return dict.get(document, name)


def part_at(value: Any, *names: str) -> JsonObject:
    """Return the object that lies at a path of names, as ``object_at``, where nothing that is billed lies there."""
    for name in names:
        value = any_of(value, name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


_COUNTED_IN = ("usage", "usageMetadata", "usage_metadata")
_GENERATED = ("completion_tokens", "output_tokens", "completionTokens", "outputTokens", "candidatesTokenCount")
_COUNTED = (
    *("prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "promptTokenCount"),
    *("total_tokens", "totalTokens", "totalTokenCount", *_GENERATED),
)


def states_usage(document: JsonObject) -> bool:
    """Tell a document that counts tokens by itself: what it holds beside that may be what a model was asked to write.

    One that counts credits, or zeros, around an answer does not.
    """
    return _counts_any(document, _COUNTED)


def generates(document: JsonObject) -> bool:
    """Tell a document that counts tokens which were generated."""
    return _counts_any(document, _GENERATED)


def _counts_any(document: JsonObject, names: Sequence[str]) -> bool:
    usages = [part_at(document, place) for place in _COUNTED_IN]
    return any(is_integer(value) and value > 0 for usage in usages for value in map(usage.get, names))


def _id_of(document: JsonObject) -> Any:
    return document.get("id")


def apart(
    documents: Sequence[JsonObject],
    is_whole: Callable[[Sequence[JsonObject]], bool],
    own: Callable[[JsonObject], Any] = _id_of,
) -> list[Sequence[JsonObject]]:
    """Return the documents of each answer, where a body holds several; all of them together where it holds one.

    ``own`` is the id that a document states: one that states none belongs to what came before it, or to the first. A
    body has several answers only where documents of at least two ids are whole ones (``is_whole``): there are servers
    that give each chunk of an answer an id of its own. What is no whole answer stays with the one before it.
    """
    if len(documents) < 2:  # noqa: PLR2004 - as nearly always
        return [documents]
    of_each: dict[str, list[JsonObject]] = {}
    group: list[JsonObject] = []
    for document in documents:
        stated = own(document)
        if isinstance(stated, str) and stated:
            group = of_each.setdefault(repr(stated), [] if of_each else group)
        group.append(document)
    if len(of_each) < 2 or sum(map(is_whole, of_each.values())) < 2:  # noqa: PLR2004 - several answers
        return [documents]
    answers: list[list[JsonObject]] = []
    begun: list[JsonObject] = []
    for group in of_each.values():
        if is_whole(group):
            answers.append([*begun, *group])
            begun = []
        else:
            (answers[-1] if answers else begun).extend(group)
    return [*answers]


def in_turn(documents: Sequence[JsonObject], is_whole: Callable[[JsonObject], bool]) -> list[Sequence[JsonObject]]:
    """Return the documents of each answer of a body whose answers have no ids and are one document each.

    What is none goes to the one before it, and all of them together where there is one at most.
    """
    answers: list[list[JsonObject]] = [[]]
    has_whole = False
    for document in documents if len(documents) > 1 else ():
        is_next = is_whole(document)
        if is_next and has_whole:
            answers.append([])
        has_whole = has_whole or is_next
        answers[-1].append(document)
    return [*answers] if len(answers) > 1 else [documents]


def with_others(readings: Iterable[Reading]) -> Reading:
    """Return the reading of a body of several answers: of the first, of which the others are events of their own.

    One that states no id has its place for a name.
    """
    first_, *others = readings
    further: list[Reading] = []
    for number, other in enumerate(others, 2):
        is_named = isinstance(other.response_id, str) and bool(other.response_id)
        further.append(other._replace(part=None if is_named else f"answer {number}", parts=()))
        further += other.parts
    return first_._replace(parts=(*first_.parts, *further)) if further else first_


def sum_of(*counts: int | None) -> int | None:
    """Return the sum of the counts that are stated, ``None`` where none is."""
    stated = [value for value in counts if value is not None]
    return sum(stated) if stated else None


def latest(earlier: Stated | None, later: Stated | None) -> Stated | None:
    """Return of two usages of one answer the one that was stated last; zeros take nothing back that was counted."""
    if later is None or (earlier is not None and _counts(earlier) and not _counts(later)):
        return earlier
    return later


def _counts(stated: Stated) -> bool:
    return bool(stated.prompt or stated.completion)


def at_most(part: int | None, whole: int | None) -> int | None:
    """Return a part of what is stated apart, no more than the whole of it; ``None`` where nothing is left.

    >>> at_most(3, 7), at_most(9, 7), at_most(3, None), at_most(0, 7)
    (3, 7, None, None)
    """
    return min(part or 0, whole or 0) or None


def less(part: int | None, cached: int | None) -> int | None:
    """Return what of a modality was not read from a cache: that part of it costs what is read from a cache costs."""
    return part if part is None or cached is None else max(0, part - cached)


def read_of(cached: int | None, details: JsonObject) -> int | None:
    """Return what was read from a cache, of a count in which Bifrost had put what was written as well.

    Bifrost states apart what was read and what was written, and leaves out what is zero. Its ``cached_tokens`` were the
    sum of both until 2026, and are what was read since: ``ChatPromptTokensDetails.MarshalJSON`` in
    ``core/schemas/chatcompletions.go`` of maximhq/bifrost.
    """
    if read := count(details.get("cached_read_tokens"), "cached_read_tokens"):
        return read
    written = count(details.get("cached_write_tokens"), "cached_write_tokens")
    return 0 if written and cached == written else cached


def tokens_of(modalities: Collection[object], details: Sequence[Any], name: str) -> int | None:
    """Return the sum of what details state of some modalities, each count by ``name``; ``None`` where none is above 0.

    Modalities are texts, and numbers where clients log their enumerations so.
    """
    counts = [
        count_of(detail, name) or 0
        for detail in details
        if isinstance(detail, dict) and detail.get("modality") in modalities
    ]
    return sum(counts) or None


def others_of(usage: JsonObject, *places: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return what is stated beside tokens: name to count, from the paths at which ``places`` say that it lies.

    Where several name the same, what stands at the place of the last counts. What is no count there decides no bill,
    and is left out.
    """
    found = {}
    for name, path in (each for names in places for each in names.items()):
        if path[0] not in usage:
            continue  # as nearly always
        stated = part_at(usage, *path[:-1]).get(path[-1])
        if stated is None:
            continue
        with suppress(LineRefused):
            if value := count(stated, name):
                found[name] = value
    return found


OF_SVG = {
    "svg_prompt_tokens": ("svg_usage", "input_tokens"),
    "svg_completion_tokens": ("svg_usage", "output_tokens"),
}
"""What a language model consumed that wrote an image of OpenAI's as SVG, which no other usage counts (``SvgUsage``)."""


def added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of what several places state by name."""
    found: dict[str, int] = {}
    for each in counts:
        for name in each:
            found[name] = found.get(name, 0) + each[name]
    return found


TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
"""What says in a session that was spoken what another model wrote down of it, which states its own usage."""
_OF_A_TRANSCRIPT = {
    "prompt_tokens": ("input_tokens",),
    "completion_tokens": ("output_tokens",),
    "seconds": ("seconds",),
}


def transcribed(documents: Iterable[JsonObject]) -> dict[str, int]:
    """Return what was consumed by writing down what was said: of each item once, added up."""
    of_each: dict[str, dict[str, int]] = {}
    for number, document in enumerate(documents):
        if any_of(document, "type") != TRANSCRIBED:
            continue
        own = id_of(any_of(document, "item_id"))
        of_each[repr(number if own is None else own)] = others_of(part_at(document, "usage"), _OF_A_TRANSCRIPT)
    return added(of_each.values())


def first(values: Iterable[Any]) -> Any:
    """Return the first value that can be a name, text or a number.

    Else the first that is there at all, ``None`` where none is.
    """
    stated = None
    for value in values:
        if value is None or value == "":
            continue
        if isinstance(value, (str, int)):
            return value
        stated = value if stated is None else stated
    return stated


def id_of(value: Any) -> str | int | None:
    """Return an id by which answers are told apart, text or a whole number; ``None`` of what can be none."""
    return value if isinstance(value, str | int) else None


def last(values: Iterable[Any]) -> Any:
    """Return the last value that can be a name; else the last that is there at all, ``None`` where none is."""
    return first(reversed(list(values)))


def tier_of(tier: Any, usage: JsonObject) -> Any:
    """Return the tier of an answer, which its usage may state by other names where it is the usual one.

    It is ``fast`` where Anthropic's fast mode made it, ``us`` where it was made in the USA alone (``inference_geo``),
    and what Vertex calls the traffic in its compatible API. Each has prices of its own.
    """
    if tier not in (None, "", "standard"):
        return tier
    if usage.get("speed") == "fast":
        return "fast"
    if usage.get("inference_geo") == "us":
        return "us"
    of_vertex = object_at(usage, "extra_properties", "google") if "extra_properties" in usage else {}
    return of_vertex.get("traffic_type") or tier


def error_of(document: JsonObject) -> bool:
    """Tell whether a document says that it is an error."""
    return any_of(document, "error") is not None or any_of(document, "type") == "error"
