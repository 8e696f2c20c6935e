"""The language of ``fields``: where a log has what a request log says, each field by one rule.

A rule is a path (``"auth.key_id"``, with quoted names, indices and steps into JSON text), a constant
(``{ value = "batch" }``), a map of values (``{ from = "state", success = 200 }``), a sum (``{ sum = ["a", "b"] }``),
texts put together (``{ join = ["date", "time"], with = " " }``), or the first of several of these that is stated
(``["a", "b.c"]``).

Owns the rules and what may be written. Does not own the looking up (``pipeline.collectors.formats.mapping``) nor what a
value must be where it depends on the line (``pipeline.collectors.formats.request_log``).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.base.errors import ConfigurationError
from pipeline.configuration.strict_toml import value_text
from pipeline.usage.events import LOG_FIELDS, LOGGED, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_STEP = re.compile(r'("(?:[^"\\]|\\.)+")(?:\.|$)|([^".][^.]*)(?:\.|$)')
_ELEMENT = re.compile(r"\[([^\[\]=]+)=([^\[\]]*)\]")
"""``[name=x-team]``: of an array, the first object that calls its ``name`` so."""
_RULE_WORDS = frozenset(("value", "from", "sum", "join"))
"""A table with one of these is a rule; any other is a table of fields that TOML made of an unquoted dotted name."""


@dataclass(frozen=True, slots=True)
class Path:
    """A value at a path of names."""

    text: str
    """As it was written. A key at the top of a line that is called so wins over the path."""
    steps: tuple[str, ...]
    """Names. Of an array one may also be the number of an element, or say which one is meant (``element_meant``)."""

    @property
    def selects(self) -> bool:
        """Whether a step says by a member of its own which element of an array is meant."""
        return any(map(_ELEMENT.fullmatch, self.steps))

    @property
    def is_plain(self) -> bool:
        """Whether it is names between dots, and nothing quoted."""
        return self.text == ".".join(self.steps) and '"' not in self.text


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value for every line."""

    value: str | int | bool


@dataclass(frozen=True, slots=True)
class ValueMap:
    """Our values for those of the log; one that is not in it stays as it is, and the field's own rule judges it."""

    source: Rule
    values: Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first of several rules by which a value is stated that is not empty."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of the counts that are stated: for logs that state parts which we count within a whole."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Texts that are stated apart, as one: a date and a time, or the parts of an id. None where one is not stated."""

    rules: tuple[Rule, ...]
    between: str


Rule: TypeAlias = Path | Constant | ValueMap | FirstOf | Sum | Join


def rules_of(fields: Mapping[str, Any]) -> Mapping[str, Rule]:
    """Return the rule of each field.

    Raises ``ConfigurationError`` with the field and what is wrong with what is written for it.
    """
    for name in fields:
        if name not in LOG_FIELDS:
            message = f"fields: there is no field {name!r}; the fields are {', '.join(LOG_FIELDS)}"
            raise ConfigurationError(message)
    return MappingProxyType({name: _rule(name, written) for name, written in fields.items()})


def steps_of(rules: Iterable[Rule]) -> frozenset[str]:
    """Return every step of the paths of rules."""
    found: set[str] = set()
    for rule in rules:
        if isinstance(rule, Path):
            found.update(rule.steps)
        elif isinstance(rule, ValueMap):
            found |= steps_of((rule.source,))
        elif not isinstance(rule, Constant):
            found |= steps_of(rule.rules)
    return frozenset(found)


def flattened(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields by their names with dots: an unquoted ``request.model = "m"`` is a table within a table to TOML."""
    fields: dict[str, Any] = {}
    for name, written in values.items():
        if isinstance(written, dict) and written and _RULE_WORDS.isdisjoint(written):
            fields |= {f"{name}.{key}": value for key, value in flattened(written).items()}
        else:
            fields[name] = written
    return fields


@lru_cache(maxsize=256)  # of each line that is refused, all fields are looked for
def path_of(text: str) -> Path:
    """Return a path of names between dots; a name in double quotes may have dots in it.

    Raises ``ConfigurationError`` for anything else.

    >>> path_of('attributes."gen_ai.request.model"').steps
    ('attributes', 'gen_ai.request.model')
    """
    steps: list[str] = []
    at = 0
    while found := _STEP.match(text, at):
        try:
            steps.append(json.loads(found[1]) if found[1] else found[2])
        except ValueError:
            break
        at = found.end()
    if at < len(text) or not steps or text.endswith("."):
        message = "no name and no path of names"
        raise ConfigurationError(message)
    return Path(text, tuple(steps))


def element_meant(step: str) -> tuple[str, str] | None:
    """Return by which member, and by which value of it, a step says which element of an array it means.

    >>> element_meant("[name=x-team]"), element_meant("name")
    (('name', 'x-team'), None)
    """
    found = _ELEMENT.fullmatch(step)
    return None if found is None else (found[1], found[2])


def _rule(name: str, written: Any) -> Rule:
    if isinstance(written, str):
        try:
            return path_of(written)
        except ConfigurationError as wrong:
            raise _refusal(name, written, f"is {wrong}; quote a name with dots or quotes in it") from None
    if isinstance(written, list | tuple):
        if not written:
            raise _refusal(name, written, 'names nothing; write names, such as ["id", "meta.id"]')
        return FirstOf(tuple(_rule(name, each) for each in written))
    if not isinstance(written, dict) or _RULE_WORDS.isdisjoint(written):
        what = (
            'is none of a path "a.b", a list of them, { value = … } for a constant, { from = "a.b", theirs = ours } '
            'for a map of values, { sum = ["a", "b"] }, and { join = ["a", "b"], with = " " }'
        )
        raise _refusal(name, written, what)
    return _table_rule(name, written)


def _table_rule(name: str, written: Mapping[str, Any]) -> Rule:
    if "from" in written:
        values = {key: _constant(name, value) for key, value in written.items() if key != "from"}
        if not values:
            raise _refusal(name, written, 'maps no values; write { from = "state", success = 200 }, or the path alone')
        return ValueMap(_rule(name, written["from"]), MappingProxyType(values))
    if "join" in written:
        return _join_rule(name, written)
    if len(written) > 1:
        raise _refusal(name, written, "says more than one thing; write { value = … } or { sum = […] } alone")
    if "value" in written:
        return Constant(_constant(name, written["value"]))
    parts = written["sum"]
    if not name.startswith("usage.") or not isinstance(parts, list | tuple) or not parts:
        raise _refusal(name, written, "is no sum; sums are of counts (usage.…), of a list of paths")
    return Sum(tuple(_rule(name, each) for each in parts))


def _join_rule(name: str, written: Mapping[str, Any]) -> Rule:
    parts, between = written["join"], written.get("with", "")
    is_list = isinstance(parts, list | tuple) and len(parts) > 1
    if not is_list or not isinstance(between, str) or not written.keys() <= {"join", "with"}:
        raise _refusal(name, written, 'joins nothing; write { join = ["date", "time"], with = " " }')
    if name not in _JOINED:
        raise _refusal(name, written, f"cannot be joined; these can: {', '.join(_JOINED)}")
    return Join(tuple(_rule(name, each) for each in parts), between)


_JOINED = ("ts", "api_key_id", "request_id", "path", "request.model", "response.id", "response.model")
"""What may be stated in parts; a raw key is one text."""


def _constant(name: str, value: Any) -> str | int | bool:
    """Return a value that is written in the file, if it can be one of the field's."""
    if name == "api_key":
        message = "fields: api_key is a raw key, which does not belong in a file; name the key by api_key_id"
        raise ConfigurationError(message)
    kind, is_one = _KINDS.get(name, _TEXT)
    if name.startswith("usage.") or name == "request.n":
        kind, is_one = _COUNT
    if not is_one(value):
        raise _refusal(name, value, f"cannot be; {kind}")
    return value  # type: ignore[no-any-return]


def _refusal(name: str, written: Any, what: str) -> ConfigurationError:
    return ConfigurationError(f"fields: {name} = {value_text(written)} {what}")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_TEXT = ("it is a text that is not empty", lambda value: isinstance(value, str) and bool(value.strip()))
_FLAG = ("it is true or false", lambda value: isinstance(value, bool))
_COUNT = ("it is a whole number from 0 on", lambda value: _is_integer(value) and value >= 0)
_NOTHING = ("it differs from line to line, so name where it lies", lambda _: False)
_KINDS: Mapping[str, tuple[str, Any]] = {
    **dict.fromkeys(("ts", "request", "response", "response_headers", "response.id", "request_id", "usage"), _NOTHING),
    **dict.fromkeys(("request.stream", "cache_hit", "response.error"), _FLAG),
    "status": ("it is an HTTP status, 100 to 599", lambda value: _is_integer(value) and 100 <= value <= 599),  # noqa: PLR2004 - the range of HTTP
    **{
        str(column.log_field): {Kind.FLAG: _FLAG, Kind.NUMBER: _COUNT, Kind.COUNT: _COUNT}.get(column.kind, _TEXT)
        for column in LOGGED
    },
}
