"""The oracle's eyes: from the bytes of one logged line to one event, read a second time from the wire rules alone.

Plain Python and the standard library; shares no code with the product. Slow and obvious on purpose. Does not own what
is billed (``oracle``).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import family_wire

if TYPE_CHECKING:
    from collections.abc import Callable


OTHER_APIS = "/other-apis"
"""What is logged under it is another API's, and read by ``family_wire``."""


class Tokens(NamedTuple):
    """Normalised counts: the prompt holds what was cached and written, the completion what was reasoned.

    Not stated is 0.
    """

    completion: int
    prompt: int
    cached: int = 0
    write: int = 0
    reasoning: int = 0


@dataclass(slots=True, kw_only=True)
class Event:
    """What one line says; ``fate`` is set when copies have been compared."""

    at: datetime
    key: str
    status: str
    identity: tuple[str, str, bytes]
    line: bytes
    model: str | None = None
    tier: str = ""
    tokens: Tokens | None = None
    request_id: str = ""
    fate: str = ""
    is_suspicious: bool = False
    is_begun: bool = False


class Why(StrEnum):
    """The reasons of the quarantine that one line can have."""

    INVALID_UTF8 = auto()
    INVALID_JSON = auto()
    DUPLICATE_KEY = auto()
    NOT_AN_OBJECT = auto()
    LINE_TOO_LONG = auto()
    NESTED_TOO_DEEP = auto()
    MISSING_FIELD = auto()
    INVALID_FIELD = auto()
    INVALID_USAGE = auto()
    CONTRADICTORY_USAGE = auto()


class Refused(Exception):
    """The line belongs in the quarantine, for this reason."""


class Obj(dict[str, Any]):
    """A JSON object that does not answer for a key that it states twice, differently."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.twice = {key for key, value in pairs if self[key] != value}

    def ask(self, key: str) -> Any:
        if key in self.twice:
            raise Refused(Why.DUPLICATE_KEY)
        return self.get(key)


def read_line(line: bytes, source: dict[str, Any], secret: bytes | None, depth_max: int) -> list[Event | Refused]:
    """One line, without its line feed, as events or refusals: one, or one for each entry of an array.

    Bytes that are no UTF-8 matter where it is not the same events whatever stands in their place.
    """
    try:
        return read_text(line.decode("utf-8"), line, source, secret, depth_max)
    except UnicodeDecodeError as error:
        broken = Refused(Why.INVALID_UTF8)
        try:
            one, other = (
                read_text(line.decode("utf-8", handler), line, source, secret, depth_max)
                for handler in ("surrogateescape", "replace")
            )
        except Refused:
            raise broken from error
        events = [each for each in zip(one, other, strict=True) if all(isinstance(event, Event) for event in each)]
        alike = [replace(left, request_id="") == replace(right, request_id="") for left, right in events]
        if len(events) < len(one) or not all(alike):
            raise broken from error
        return [replace(left, request_id=left.request_id if left == right else "") for left, right in events]


def read_text(
    text: str, line: bytes, source: dict[str, Any], secret: bytes | None, depth_max: int
) -> list[Event | Refused]:
    log = read_json(text, depth_max)
    if not isinstance(log, list) or not any(isinstance(entry, Obj) for entry in log):
        return [entry_of(log, line, source, secret, depth_max)]
    return [entry_of(entry, line + b"\0%d" % at, source, secret, depth_max) for at, entry in enumerate(log, 1)]


def entry_of(log: Any, line: bytes, source: dict[str, Any], secret: bytes | None, depth_max: int) -> Event | Refused:
    try:
        if not isinstance(log, Obj):
            return Refused(Why.NOT_AN_OBJECT)
        return event_of(log, line, source, secret, depth_max)
    except Refused as refusal:
        return refusal


def read_json(text: str, depth_max: int) -> Any:
    try:
        return strict_json(text, depth_max)
    except json.JSONDecodeError as error:
        raise Refused(Why.INVALID_JSON) from error


def event_of(log: Obj, line: bytes, source: dict[str, Any], secret: bytes | None, depth_max: int) -> Event:
    def field(name: str) -> Any:
        return walk(log, source.get("fields", {}).get(name, name))

    at = instant(field("ts"))
    key = key_id(field("api_key_id"), field("api_key"), secret)
    request_id = or_nothing(name_of, field("request_id"), 256, "=~,;#")
    http = whole(field("status"))
    http = http if http is not None and 100 <= http <= 599 else None
    method, path, response = (field(name) for name in ("method", "path", "response"))
    method, path = (value if isinstance(value, str) else None for value in (method, path))
    check(response is None or isinstance(response, (Obj, str)))
    field("request")
    requested = or_nothing(lambda: name_of(field("request.model"), 128))

    def event(status: str, body: Body | None = None) -> Event:
        response_id, rule = body.id if body else None, source.get("identity")
        ids = [("response", response_id), ("request", request_id)]
        stated = [(kind, name) for kind, name in (ids[::-1] if rule == "request-id" else ids) if name]
        if rule == "both" and len(stated) > 1:
            stated = [("both", json.dumps([response_id, request_id]))]
        kind, name = stated[0] if stated else ("line", None)
        identity = (kind, key, name.encode() if name else line)
        model, tier = (body.model if body else None) or requested, (body.tier if body else None) or ""
        event = Event(at=at, key=key, status=status, identity=identity, line=line, model=model, tier=tier)
        event.request_id = request_id or ""
        return event

    if path is not None and path.startswith(OTHER_APIS):
        said = family_wire.answer(path, response)
        result = event(said.status, Body(id=said.id, model=said.model))
        counts = (said.completion, said.prompt, said.cached, said.written, said.reasoning)
        result.tokens = Tokens(*(number or 0 for number in counts)) if any(counts) else None
        result.is_begun = said.is_begun
        return result
    kind = kind_of(path) if method in (None, "POST") else "other"
    is_success = http is None or 200 <= http <= 299
    without = "not_metered" if kind == "other" or (kind == "unlisted" and not is_success) else "failed"
    if kind == "other":
        return event(without)
    try:
        body = read_body(response, depth_max)
        if kind == "embeddings":
            body = embedded(body)
        result = event(body.status(), body)
        result.tokens = body.tokens(result.model or "")
    except Refused as refusal:
        if is_success or refusal.args[0] == Why.CONTRADICTORY_USAGE:
            raise
        return event(without)
    if kind == "unlisted" and not body.is_known:
        return event("not_metered")
    consumed = result.status == "measured" and result.tokens is not None and any(result.tokens)
    return result if is_success or consumed else event(without)


# --- the envelope -----------------------------------------------------------------------------------------------------


def walk(log: Obj, path: str) -> Any:
    """A literal key wins; else the dots lead through objects."""
    if path in log:
        return log.ask(path)
    value: Any = log
    for step in path.split("."):
        value = value.ask(step) if isinstance(value, Obj) else None
    return value


def check(is_fine: bool) -> None:  # noqa: FBT001 - reads as a sentence: check(this)
    if not is_fine:
        raise Refused(Why.INVALID_FIELD)


def or_nothing(read: Callable[..., str | None], *arguments: Any) -> str | None:
    """What decides no bill is left out where it cannot be read."""
    try:
        return read(*arguments)
    except Refused:
        return None


def whole(value: Any) -> int | None:
    """200, 200.0 and "200" are one number."""
    if isinstance(value, str):
        value = Decimal(value) if re.fullmatch(r"\s*[+-]?\d+(\.0*)?\s*", value, re.ASCII) else None
    is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return int(value) if is_number and value == int(value) else None


def name_of(value: Any, length_max: int, extra: str = "") -> str | None:
    """A short name in a small alphabet: what is odd about it is percent-encoded, what is long becomes a digest."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        check(whole(value) is not None)
        value = str(whole(value))
    if len(value) <= length_max and re.fullmatch(f"[A-Za-z0-9._:/@+{extra}-]+", value):
        return value
    quoted = quote(value, errors="surrogatepass", safe=f"._:/@+-{extra}").replace("~", "~" if "~" in extra else "%7E")
    return (
        quoted
        if len(quoted) <= length_max
        else "%sha256:" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    )


def key_id(given: Any, raw: Any, secret: bytes | None) -> str:
    if given is not None:
        return name_of(given, 128) or ""
    if raw is None:
        raise Refused(Why.MISSING_FIELD)
    check(isinstance(raw, str) and raw != "")
    if secret is None:
        message = "a raw key needs the workspace's secret"
        raise ValueError(message)
    bare = re.sub(r"(?i)^bearer ", "", raw.strip()).strip()
    return "key_" + hmac.digest(secret, bare.encode(), "sha256").hex()[:32]


RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,](\d+))? ?([Zz]|[+-]\d\d(?::?\d\d)?)", re.ASCII)


def instant(value: Any) -> datetime:
    if value is None:
        raise Refused(Why.MISSING_FIELD)
    if isinstance(value, str) and re.fullmatch(r"\d{9,19}([.,]\d+)?", value, re.ASCII):
        value = Decimal(value.replace(",", "."))
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        unit = sum(
            value >= 10**digits for digits in (11, 14, 17)
        )  # seconds until the year 5138, then milliseconds, microseconds, nanoseconds
        micros = int(value * 1_000_000) // 1_000**unit
        check(0 <= micros < 2**53)
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    else:
        match = RFC_3339.fullmatch(value) if isinstance(value, str) else None
        check(match is not None)
        date, time, fraction, offset = match.groups() if match else ("", "", "", "")
        try:
            at = datetime.fromisoformat(
                f"{date}T{time}.{(fraction or '').ljust(6, '0')[:6]}{offset.upper()}"
            ).astimezone(UTC)
        except ValueError as error:
            raise Refused(Why.INVALID_FIELD) from error
    check(datetime(2000, 1, 1, tzinfo=UTC) <= at < datetime(2100, 1, 1, tzinfo=UTC))
    return at


COMPLETION = re.compile(
    r"/(chat/completions|completions|responses|messages|v[12]/chat|api/(chat|generate)|converse(-stream)?|invoke"
    r"(-with-response-stream)?)$|:(streamG|g)enerateContent$"
)
OTHERS = (
    "models|files|images|audio|moderations|batches|fine_tuning|rerank|tokenize|threads|runs|assistants|conversations|"
    "vector_stores|library"
)
NOT_METERED = re.compile(rf"/({OTHERS}|health|metrics)(/|$)")


def kind_of(path: str | None) -> str:
    """What a path is for: a completion, embeddings, something else; or ``unlisted``, where only the body can tell."""
    if path is None:
        return "completion"
    bare = path.split("?")[0].rstrip("/")
    if bare.endswith("/messages") and "/threads/" in bare:
        return "other"
    if COMPLETION.search(bare):
        return "completion"
    if re.search("/embed(dings)?$", bare):
        return "embeddings"
    return "other" if NOT_METERED.search(bare) else "unlisted"


# --- the body ---------------------------------------------------------------------------------------------------------


GENERATED = ("content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call", "audio", "images")


@dataclass(slots=True, kw_only=True)
class Body:
    id: str | None = None
    model: str | None = None
    tier: str | None = None
    usage: Obj | None = None
    error: bool = False
    generated: int = 0
    is_stream: bool = False
    is_known: bool = False
    """Whether it has the form of an answer, and not only of some JSON."""
    numbers: Tokens | None = None
    """The counts of another family than chat."""

    def take(self, part: Obj) -> None:
        """Learn from a plain body or a chunk.

        The first id and model, the last tier, and of each count the last real number.
        """
        if part.ask("type") == "message":
            self.take_message(part)
            return
        self.id = self.id or or_nothing(name_of, part.ask("id"), 256, "=~,;#")
        self.model = self.model or or_nothing(name_of, part.ask("model"), 128)
        choices = [choice for choice in part.ask("choices") or [] if isinstance(choice, Obj)]
        self.is_known = self.is_known or bool(choices)
        self.error = self.error or part.ask("error") is not None
        said = [choice.get("delta", choice.get("message")) for choice in choices]
        self.generated += any(isinstance(what, Obj) and any(what.get(name) for name in GENERATED) for what in said)
        tier = part.ask("service_tier")
        groq = part.ask("x_groq")
        for usage in (part.ask("usage"), groq.ask("usage") if isinstance(groq, Obj) else None):
            if usage is None:
                continue
            if not isinstance(usage, Obj):
                raise Refused(Why.INVALID_USAGE)
            tier = tier or usage.ask("service_tier")
            self.usage = with_later(self.usage, usage)
        self.tier = name_of(tier, 64) or self.tier

    def take_message(self, message: Obj) -> None:
        """Anthropic's: what was read from the cache and written to it stands beside the input."""
        self.id, self.is_known = name_of(message.ask("id"), 256, "=~,;#"), True
        names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
        fresh, cached, written, made = (number or 0 for number in counts(message, *(f"usage.{name}" for name in names)))
        self.numbers = Tokens(completion=made, prompt=fresh + cached + written, cached=cached, write=written)

    def stated(self) -> tuple[int, int] | None:
        if self.numbers is not None:
            return self.numbers.prompt, self.numbers.completion
        return pair_of(self.usage) if self.usage is not None else None

    def status(self) -> str:
        stated = self.stated()
        if stated is not None and (any(stated) or not self.generated):
            return "measured"
        return "failed" if self.error else "estimated" if self.is_stream and self.generated else "unknown"

    def tokens(self, model: str) -> Tokens | None:
        if self.status() == "measured":
            return self.numbers or normalised(self.usage or Obj([]), model)
        return Tokens(completion=self.generated, prompt=0) if self.status() == "estimated" else None


def embedded(body: Body) -> Body:
    """Embeddings consume a prompt and make nothing."""
    found = (
        first_above_zero(body.usage, "prompt_tokens", "input_tokens", "total_tokens")
        if body.usage is not None
        else None
    )
    numbers = None if found is None else Tokens(completion=0, prompt=found)
    return Body(id=body.id, model=body.model, error=body.error, is_known=True, numbers=numbers)


def with_later(earlier: Obj | None, later: Obj) -> Obj:
    """A whole statement replaces; of a part, each real number does, and a total of one part is none."""
    if all(pair_of(later) or [0]):
        return later
    before = earlier or Obj([])
    merged = Obj(
        [*before.items(), *((name, value) for name, value in later.items() if value or before.get(name) is None)]
    )
    merged.twice = before.twice | later.twice
    pair = pair_of(merged)
    if earlier is not None and pair is not None and merged.get("total_tokens") != sum(pair):
        merged.pop("total_tokens", None)
    return merged


def pair_of(usage: Obj) -> tuple[int, int] | None:
    """Prompt and completion, under the names of either API; a completion that the total leaves no room for is none."""
    prompt = first_above_zero(usage, "prompt_tokens", "input_tokens")
    completion = first_above_zero(usage, "completion_tokens", "output_tokens")
    if prompt and completion is None and count(usage.ask("total_tokens")) == prompt:
        completion = 0
    return None if prompt is None or completion is None else (prompt, completion)


def first_above_zero(usage: Obj, *names: str) -> int | None:
    found = None
    for name in names:
        number = count(usage.ask(name))
        if number:
            return number
        found = number if found is None else found
    return found


def read_body(response: Obj | str | None, depth_max: int) -> Body:
    if isinstance(response, str):
        text = response.lstrip("\ufeff \t\r\n")
        if not text.startswith(("{", "[")):
            return read_stream(response, depth_max)
        try:
            response = strict_json(text, depth_max)
        except json.JSONDecodeError:
            return Body()
    body = Body()
    if isinstance(response, Obj):
        body.take(response)
    return body


def read_stream(text: str, depth_max: int) -> Body:
    """Events end at blank lines, or at the end; lines end at CRLF, LF or CR and nothing else."""
    body, data = Body(is_stream=True), list[str]()
    for line in [*re.split("\r\n|\n|\r", text.lstrip("\ufeff")), ""]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "" and data:
            take_event("\n".join(data), body, depth_max)
            data = []
        elif name == "data":
            data.append(value)
        elif name == "error" or (name == "event" and value == "error"):
            body.error = True
    return body


def take_event(payload: str, body: Body, depth_max: int) -> None:
    try:
        chunk = strict_json(payload, depth_max)
    except json.JSONDecodeError:
        return  # [DONE], or an event that was cut
    if isinstance(chunk, Obj):
        body.take(chunk)


# --- usage ------------------------------------------------------------------------------------------------------------


def counts(usage: Obj, *paths: str) -> list[int | None]:
    return [count(walk(usage, path)) for path in paths]


def count(value: Any) -> int | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, Decimal))
        or value != int(value)
        or not 0 <= value <= 10**12
    ):
        raise Refused(Why.INVALID_USAGE)
    return int(value)


def first_stated(stated: list[int | None]) -> int:
    if len({number for number in stated if number}) > 1:
        raise Refused(Why.CONTRADICTORY_USAGE)
    return next((number for number in stated if number is not None), 0)


def normalised(usage: Obj, model: str) -> Tokens:
    """The parts inside their wholes, whatever the provider's habit.

    ``Refused`` where the numbers contradict each other.
    """
    prompt, completion = pair_of(usage) or (0, 0)
    total, audio = (number or 0 for number in counts(usage, "total_tokens", "prompt_tokens_details.audio_tokens"))
    details, alike = "prompt_tokens_details.cached_tokens", "prompt_token_details.cached_tokens"
    cached = first_stated(
        counts(
            usage,
            details,
            alike,
            "num_cached_tokens",
            "prompt_cache_hit_tokens",
            "cached_tokens",
            "cache_read_input_tokens",
        )
    )
    write = first_stated(
        counts(
            usage, "prompt_tokens_details.cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens"
        )
    )
    details, alike = "completion_tokens_details.reasoning_tokens", "completion_token_details.reasoning_tokens"
    reasoning = first_stated(counts(usage, details, alike, "reasoning_tokens"))
    more = total - prompt - completion if total else 0
    if more and more == reasoning:
        completion += reasoning
    elif more and more == cached + write:
        prompt += cached + write
    elif more and more != audio:
        raise Refused(Why.CONTRADICTORY_USAGE)
    elif total and not more and is_copied_from_anthropic(usage):
        prompt += cached + write
    if cached > prompt and (re.match(r"(.*[/.])?grok", model) or "num_cached_tokens" in usage):
        cached = write = 0  # of a preamble that is hidden: nobody knows how much of the prompt it was
    if reasoning > completion and total == prompt + completion:
        reasoning = 0  # another tokenizer's
    if cached + write > prompt or reasoning > completion:
        raise Refused(Why.CONTRADICTORY_USAGE)
    return Tokens(completion=completion, prompt=prompt, cached=cached, write=write, reasoning=reasoning)


def is_copied_from_anthropic(usage: Obj) -> bool:
    """agentgateway's: Anthropic's counts under their own names and in the details, and nothing of the completion."""
    names = ("cached_tokens", "cache_write_tokens")
    inner = counts(usage, *(f"prompt_tokens_details.{name}" for name in names))
    outer = counts(usage, "cache_read_input_tokens", "cache_creation_input_tokens")
    return None not in inner and inner == outer and not usage.get("completion_tokens_details")


# --- strict JSON ------------------------------------------------------------------------------------------------------


def strict_json(text: str, depth_max: int) -> Any:
    """JSON as its RFC has it: exact numbers; NaN, what is beyond a double and what is too deep are no values."""
    try:
        value = json.loads(text, object_pairs_hook=Obj, parse_float=exact, parse_constant=no_number)
    except RecursionError:
        return json.loads(shallow(text, depth_max), object_pairs_hook=Obj, parse_float=exact, parse_constant=no_number)
    return without_depths(value, depth_max)


def without_depths(value: Any, levels: int) -> Any:
    """What is nested too deep is no value that anybody looks for."""
    if not isinstance(value, (dict, list)):
        return value
    if not levels:
        return NO_NUMBER
    if isinstance(value, list):
        return [without_depths(item, levels - 1) for item in value]
    for key, item in value.items():
        value[key] = without_depths(item, levels - 1)
    return value


def shallow(text: str, levels: int) -> str:
    """The same for text that is too deep for the parser."""
    kept, depth = [], 0
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]|[^"\[\]{}]+', text):
        depth += token in ("[", "{")
        if depth <= levels:
            kept.append(token)
        elif depth == levels + 1 and token in ("[", "{"):
            kept.append("NaN")
        depth -= token in ("]", "}")
    return "".join(kept)


NO_NUMBER = object()
"""NaN, what is beyond a double, and what is nested too deep."""


def exact(text: str) -> Any:
    return NO_NUMBER if abs(float(text)) == float("inf") else Decimal(text)


def no_number(_: str) -> object:
    return NO_NUMBER
