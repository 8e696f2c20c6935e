"""What the fields of an unknown log are called, as far as its first lines leave no doubt.

A field is certain where exactly one place of the lines has a name that gateways give it and a value that it can have,
in every line. Owns the names and that rule. Does not own what a value must be (``formats``) nor what is proposed to
people (``pipeline.jobs.night.try_files``). Nothing that is returned is content: names of fields alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.base.raw_keys import is_raw_key
from pipeline.collectors.formats.entries import entries_of, lines_in
from pipeline.collectors.formats.fingerprint import bare_key
from pipeline.collectors.formats.found import REQUEST_LOG, batch_apis, by_name, format_of, is_request_log
from pipeline.collectors.formats.instants import instant_us
from pipeline.collectors.formats.mapping import Mapped
from pipeline.collectors.logs.line_blocks import LineBlocks
from pipeline.collectors.logs.lineage import Continuation
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.collectors.reading.splitting import Pieces, split_of
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import BrokenJson, document_in, documents_of, parse
from pipeline.collectors.wrappers import wrapper_of
from pipeline.usage.events import LOG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.values.strict_json import JsonObject
    from pipeline.configuration.log_fields import Rule
    from pipeline.configuration.stored.stored_log import LogPath

LINES_MAX = 200
"""So many lines are looked at."""
_BYTES_MAX = 2**24
_DEPTH_MAX = 3
_KEY_ID_CHARACTERS_MAX = 128
_RAW_BEGINS = ("sk-", "sk_", "pk-", "pk_", "rk_", "gsk_", "xai-", "AIza", "AKIA", "Bearer ", "bearer ")
_RAW_CHARACTERS_MIN = 32
_OUR_KEY_ID = re.compile(r"key_[0-9a-f]{32}", re.ASCII)
_SAFE_STEP = re.compile(r"[A-Za-z_@][A-Za-z0-9_@-]*", re.ASCII)
_STATUSES = range(100, 600)
_PLACES_MAX = 5
_TELLING = tuple(
    re.compile(rf"(?:^|[._-])(?:{words})(?:$|[._-])", re.IGNORECASE)
    for words in (
        "api_?key(?:_?(?:id|hash|alias))?|key_?(?:id|hash|alias)?|virtual_?key|credential",
        "tenant(?:_?id)?|customer(?:_?id)?|consumer|account(?:_?id)?|client(?:_?id)?",
        "team(?:_?id)?|org(?:anization)?(?:_?id)?|project(?:_?id)?|user_?(?:id|name)?|enduser",
        "service|app(?:lication)?",
    )
)
"""Names of what may tell whose an exchange was, from the likeliest on."""


def _is_instant(value: Any) -> bool:
    try:
        instant_us(value)
    except LineRefused:
        return False
    return True


def _may_be_raw(value: str) -> bool:
    """Say whether a text may be a raw key, which is never taken for an id: it would be stored as it is."""
    return (
        value.startswith(_RAW_BEGINS)
        or is_raw_key(value)
        or (len(value) >= _RAW_CHARACTERS_MIN and " " not in value and not _OUR_KEY_ID.fullmatch(value))
    )


def _is_key_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _KEY_ID_CHARACTERS_MAX and not _may_be_raw(value)


def _is_raw_key(value: Any) -> bool:
    return isinstance(value, str) and _may_be_raw(bare_key(value))


def _is_body(value: Any) -> bool:
    return isinstance(value, dict | list) or (isinstance(value, str) and value.lstrip().startswith(("{", "[", "data:")))


def _is_request(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and value.lstrip().startswith("{"))


def _is_status(value: Any) -> bool:
    return type(value) is int and value in _STATUSES


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("/")


def _is_method(value: Any) -> bool:
    return value in ("GET", "POST", "PUT", "DELETE", "PATCH")


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """How gateways call one of our fields, in small letters without anything between them."""

    can_be: Callable[[Any], bool]
    names: tuple[str, ...]
    """At the top of a line, or within one of ``within``."""
    within: tuple[str, ...] = ()
    """Objects in which it may lie, one or two of them."""
    only_within: tuple[str, ...] = ()
    """Names too general to be meant at the top."""

    def is_called(self, steps: Sequence[str]) -> bool:
        """Say whether this is a path that it may have."""
        *parents, last = steps
        if any(parent not in self.within for parent in parents):
            return False
        return last in self.names or bool(parents and last in self.only_within)


_RESPONSE, _REQUEST = ("response", "resp", "res"), ("request", "req")
_FIELDS = {
    "ts": _Field(
        can_be=_is_instant,
        names=(
            *("ts", "time", "timestamp", "@timestamp", "datetime", "starttime", "startedat", "requesttime"),
            *("requestedat", "receivedat", "createdat"),
        ),
        within=(*_REQUEST, "meta", "metadata"),
    ),
    "api_key_id": _Field(
        can_be=_is_key_id,
        names=(
            *("apikeyid", "keyid", "keyname", "keyalias", "keyhash", "apikeyhash", "apikeyname", "apikey"),
            *("consumerid", "consumer", "virtualkeyid"),
        ),
        within=("auth", "key", "apikey", "consumer", "meta", "metadata"),
        only_within=("id", "key"),
    ),
    "api_key": _Field(
        can_be=_is_raw_key,
        names=("apikey", "rawkey", "authorization", "keyid", "key", "token"),
        within=("auth", "headers", "requestheaders", *_REQUEST),
    ),
    "response": _Field(
        can_be=_is_body, names=("response", "responsebody", "resp", "respbody"), within=_RESPONSE, only_within=("body",)
    ),
    "request": _Field(
        can_be=_is_request, names=("request", "requestbody", "req", "reqbody"), within=_REQUEST, only_within=("body",)
    ),
    "status": _Field(
        can_be=_is_status,
        names=("status", "statuscode", "httpstatus", "httpstatuscode", "responsestatus", "responsecode"),
        within=(*_RESPONSE, "http"),
        only_within=("code",),
    ),
    "path": _Field(
        can_be=_is_path,
        names=("path", "uri", "requesturi", "requestpath", "urlpath", "url", "endpoint"),
        within=(*_REQUEST, "http"),
    ),
    "method": _Field(
        can_be=_is_method, names=("method", "httpmethod", "requestmethod", "verb"), within=(*_REQUEST, "http")
    ),
    "request_id": _Field(
        can_be=_is_id, names=("requestid", "reqid", "xrequestid"), within=(*_REQUEST, "meta", "metadata")
    ),
}


_NAMED_IF_MISSING = ("status",)
"""What a log mostly has under some name, and what no line needs: it tells an answer from a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What the fields of a log are called."""

    fields: dict[str, str]
    """Our name → its path, where that is certain and another one than ours."""
    doubtful: dict[str, tuple[str, ...]]
    """Our name → the paths of which nobody knows which it is."""
    missing: tuple[str, ...]
    """Of the fields without which nothing is billed, those that no place has."""
    unknown: tuple[str, ...] = ()
    """Of those that decide less, such as the status, those that no place has."""


def sample_documents(path: LogPath, log_format: LogFormat) -> list[JsonObject]:
    """Return the objects on the first lines of a log, as far as these are any; none of one that cannot be read.

    What stands around a line is taken off, and what an array or another document holds is taken out.
    """
    found: list[JsonObject] = []
    place = Continuation(start=0, first_line=1, before=b"", end=_BYTES_MAX, problem=None)
    try:
        with open_log(path, log_format, follows_links=True) as log:
            pieces, head = Pieces(log, place), log.head()
            split = split_of(
                log,
                path.name,
                head,
                pieces,
                place,
                wrapper=wrapper_of(head, log_format.steps),
                line_bytes_max=log_format.line_bytes_max,
                lender=None,
            )
            for group in () if isinstance(split, LineBlocks) else split:
                for line in group:
                    held = lines_in(_document(line.content, log_format.depth_max), log_format)
                    found += [entry.document for entry in held if isinstance(entry.document, dict)]
                if len(found) >= LINES_MAX or split.next_line > LINES_MAX:
                    break
    except LogUnreadable:
        return found
    return found[:LINES_MAX]


def wrapper_in(path: LogPath, log_format: LogFormat) -> str | None:
    """Return the name of what a logger put around the lines of a log.

    ``None`` where nothing is, and for a log that cannot be read.
    """
    try:
        with open_log(path, log_format, follows_links=True) as log:
            found = wrapper_of(log.head(), log_format.steps)
    except LogUnreadable:
        return None
    return None if found is None else found.name


def formats_of(documents: Sequence[JsonObject], log_format: LogFormat) -> list[str]:
    """Return the names of the formats that documents are read as, the most frequent first."""
    if log_format.format is not None or log_format.fields:
        return [log_format.format or REQUEST_LOG]
    found = Counter(REQUEST_LOG if (each := format_of(document)) is None else each.name for document in documents)
    return [name for name, _ in found.most_common()] or [REQUEST_LOG]


def fields_of(name: str, log_format: LogFormat) -> Mapping[str, Any] | None:
    """Return where a format has what a request log says, as ``fields`` would state it.

    ``None`` where it is no mapping, but makes the lines of a request log by code.
    """
    found = by_name().get(name)
    if found is not None and found.mapping is None:
        return None
    return {**((found.mapping or {}) if found is not None else {}), **log_format.fields}


def guess_fields(documents: Sequence[JsonObject]) -> Guess:
    """Return what the fields are called in lines of one log.

    A field that is called as we do is not in the answer. Of a body within an object that has it, the body is meant:
    ``resp.body`` and not ``resp``.
    """
    places: dict[str, Counter[str]] = {name: Counter() for name in _FIELDS}
    for document in documents:
        for path, value in _places(document, ()):
            steps = [re.sub(r"[^a-z@]", "", step.lower()) for step in path]
            for name, field in _FIELDS.items():
                if field.is_called(steps) and field.can_be(value):
                    places[name][".".join(path)] += 1
    everywhere = {
        name: _innermost([path for path, count in found.items() if count == len(documents)])
        for name, found in places.items()
    }
    fields, doubtful = {}, {}
    for name, found in everywhere.items():
        if name in found or not found or (name == "api_key" and everywhere["api_key_id"]):
            continue  # an id is preferred to a raw key
        if len(found) == 1:
            fields[name] = found[0]
        else:
            doubtful[name] = tuple(found)
    missing = [name for name in ("ts", "response") if not everywhere[name]]
    if not everywhere["api_key_id"] and not everywhere["api_key"]:
        missing.append("api_key_id")
    unknown = tuple(name for name in _NAMED_IF_MISSING if not everywhere[name])
    return Guess(fields=fields, doubtful=doubtful, missing=tuple(missing), unknown=unknown)


def stated_fields(documents: Sequence[JsonObject], log_format: LogFormat) -> frozenset[str]:
    """Return the fields of a source that at least one exchange of the lines has where ``fields`` says."""
    entries = _entries(documents, log_format)
    return frozenset(
        name
        for name, rule in log_format.rules.items()
        if name in log_format.fields and any(_finds(rule, entry, log_format.depth_max) for entry in entries)
    )


def _finds(rule: Rule, entry: JsonObject, depth_max: int) -> bool:
    try:
        return Mapped(entry, {}, depth_max).found(rule) not in (None, "")
    except LineRefused:
        return True  # stated twice, and so it is there


def _entries(documents: Sequence[JsonObject], log_format: LogFormat) -> list[JsonObject]:
    """Return the lines of a request log that documents are, as far as their format can tell."""
    entries: list[JsonObject] = []
    for document in documents:
        try:
            found, _ = entries_of(document, log_format)
        except LineRefused:
            continue
        entries += [entry for entry in found if isinstance(entry, dict)]
    return entries


def guess_line_in(documents: Sequence[JsonObject]) -> str | None:
    """Return where every line of one log has another; ``None`` where none or several places have one.

    JSON text is one, and an object that some format recognises.
    """
    found = Counter(
        ".".join(path) for document in documents for path, value in _places(document, ()) if _may_be_line(value)
    )
    places = [path for path, count in found.items() if count == len(documents)]
    return places[0] if len(places) == 1 else None


def _may_be_line(value: Any) -> bool:
    if isinstance(value, str):
        return isinstance(document_in(value), dict)
    return isinstance(value, dict) and (is_request_log(value) or format_of(value) is not None)


def places_of_keys(documents: Sequence[JsonObject], log_format: LogFormat) -> tuple[str, ...]:
    """Return where every exchange of a log has what may tell whose it was, as ``fields`` would name it.

    The likeliest come first. Of a format that makes entries, these are what they have for ``fields`` to name. What
    tells requests of a batch apart tells nothing of who made them.
    """
    api = batch_apis().get(log_format.format or "")
    of_request = None if api is None else api.shared
    entries = _entries(documents, log_format)
    ranks: dict[str, int] = {}
    count: Counter[str] = Counter()
    for entry in entries:
        for path, value in _all_places(entry, ()):
            rank = next((rank for rank, tells in enumerate(_TELLING) if tells.search(path[-1])), None)
            if rank is not None and path[0] not in LOG_FIELDS and path[-1] != of_request and _is_key_id(value):
                text = ".".join(step if _SAFE_STEP.fullmatch(step) else json.dumps(step) for step in path)
                ranks[text] = rank
                count[text] += 1
    everywhere = [text for text in ranks if count[text] == len(entries)]
    return tuple(sorted(everywhere, key=lambda text: (ranks[text], text))[:_PLACES_MAX])


def _all_places(value: JsonObject, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in value:
        inner = value.get(name)
        yield (*above, name), inner
        if isinstance(inner, dict) and len(above) + 1 < _DEPTH_MAX:
            yield from _all_places(inner, (*above, name))


def _innermost(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if not any(other.startswith(f"{path}.") for other in paths)]


def _document(content: bytes | None, depth_max: int) -> Any:
    if not content:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    try:
        return parse(text, depth_max=depth_max)
    except BrokenJson:
        return documents_of(text, depth_max=depth_max) if "\n" in text else None  # documents over several lines each


def _places(value: JsonObject, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the paths of an object that can be written without quotes, with what lies there."""
    for name, inner in value.items():
        if _SAFE_STEP.fullmatch(name):
            yield (*above, name), inner
            if isinstance(inner, dict) and len(above) + 1 < _DEPTH_MAX:
                yield from _places(inner, (*above, name))
