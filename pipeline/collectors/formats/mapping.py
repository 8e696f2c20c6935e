"""What a line holds under our names, looked up by the rules of ``fields``.

Owns the looking up: paths, steps into texts that hold JSON, maps of values, sums, what is joined. Does not own what may
be written as a rule (``pipeline.configuration.log_fields``) nor what a field's value must be (``request_log``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.collectors.bodies.body import document_within
from pipeline.collectors.values.strict_json import BrokenJson, parse, stated_once
from pipeline.collectors.values.traced import is_integer, whole_number
from pipeline.configuration.log_fields import Constant, FirstOf, Join, Path, Sum, ValueMap, element_meant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.collectors.values.strict_json import JsonObject
    from pipeline.configuration.log_fields import Rule

_INDEX = re.compile(r"[0-9]{1,6}", re.ASCII)
_WHOLE = re.compile(r"[ \t]*([0-9]{1,30})(?:\.0{0,30})?[ \t]*", re.ASCII)
_ABSENT = ("", "-")
"""How access logs write what they do not have."""
_NOTHING = re.compile(r"[ \t\r\n]*(?:null|\{[ \t\r\n]*\})?[ \t\r\n]*")
"""How a column of text has no answer: whatever blanks there are, shapes do not have them."""


@dataclass(slots=True)
class Mapped:
    """Looks up the fields of one line. Raises ``LineRefused`` where a line states one twice with different values."""

    line: JsonObject
    rules: Mapping[str, Rule]
    depth_max: int
    _parsed: dict[str, Any] = field(default_factory=dict)
    """The JSON of each text that was stepped into."""

    def __call__(self, name: str, default: Any = None, /) -> Any:
        """Return the value of a field by its rule, or at the top of the line where it has none."""
        rule = self.rules.get(name)
        if isinstance(rule, FirstOf) and name.startswith("usage."):
            return first_count(map(self.found, rule.rules))
        return stated_once(self.line, name, default) if rule is None else self.found(rule)

    def found(self, rule: Rule) -> Any:
        """Return what a rule finds, ``None`` where the line does not state it."""
        if type(rule) is Path:
            return self._at(rule)
        if isinstance(rule, Constant):
            return rule.value
        if isinstance(rule, ValueMap):
            value = self.found(rule.source)
            return rule.values.get(_written(value), value)
        if isinstance(rule, FirstOf):
            return _first(map(self.found, rule.rules))
        if isinstance(rule, Sum):
            return _sum(map(self.found, rule.rules))
        return _joined(map(self.found, rule.rules), rule.between) if isinstance(rule, Join) else None

    def through_arrays(self, path: Path) -> list[Any]:
        """Return what lies at a path, of each element of an array on the way; one that has none stands for itself."""
        found: list[tuple[Any, Any]] = [(self.line, None)]
        """What was found so far, and the element that it lies in."""
        for step in (path.text,) if path.text in self.line else path.steps:
            opened = [(self._opened(value), element) for value, element in found]
            found = [
                (self._step(self._opened(inner), step), own)
                for value, element in opened
                for inner, own in (
                    ((each, each) for each in value) if _is_gone_through(value, step) else ((value, element),)
                )
            ]
        values = (element if value is None else value for value, element in found)
        return [value for value in values if value is not None]

    def _at(self, path: Path) -> Any:
        if path.text in self.line:  # a key that contains dots wins over the walk
            return stated_once(self.line, path.text)
        value: Any = self.line
        for step in path.steps:
            value = self._step(self._opened(value), step)
        return value

    def _opened(self, value: Any) -> Any:
        return self._document(value) if isinstance(value, str) else value

    def _step(self, value: Any, step: str) -> Any:
        """Return what lies under a step of a path in an object or an array, ``None`` where nothing does."""
        if isinstance(value, dict):
            return stated_once(value, step)
        if isinstance(value, list) and _INDEX.fullmatch(step):
            return value[int(step)] if int(step) < len(value) else None
        if isinstance(value, list) and (meant := element_meant(step)) is not None:
            return _element(value, *meant)
        return None

    def _document(self, text: str) -> Any:
        """Return the JSON that a text is or holds, ``None`` where there is none: then nothing lies in it."""
        if text not in self._parsed:
            self._parsed[text] = document_within(text, depth_max=self.depth_max)
        return self._parsed[text]


def number(value: Any) -> Any:
    """Return a whole number that is written as text as one, and ``None`` for what stands for nothing.

    Anything else stays as it is.

    >>> number("12"), number("-"), number("a dozen")
    (12, None, 'a dozen')
    """
    if not isinstance(value, str):
        return value
    found = _WHOLE.fullmatch(value)
    return whole_number(found[1]) if found else None if value.strip() in _ABSENT else value


def object_in(value: Any) -> JsonObject:
    """Return an object, which may be stated as JSON text; an empty one where it is none."""
    if isinstance(value, str) and value:
        try:
            value = parse(value)
        except BrokenJson:
            return {}
    return value if isinstance(value, dict) else {}


def says_nothing(value: Any) -> bool:
    """Tell what stands for no answer: null, an empty object, and a text that is one of these or blank.

    >>> says_nothing(None), says_nothing("{ }"), says_nothing("[]"), says_nothing({"a": 1})
    (True, True, False, False)
    """
    return value in (None, {}) or (isinstance(value, str) and _NOTHING.fullmatch(value) is not None)


def first_stated(document: JsonObject, *names: str) -> Any:
    """Return the value that goes by one of several names. Raises ``LineRefused`` where it is stated twice."""
    return _first(stated_once(document, name) for name in names)


def first_count(values: Iterable[Any]) -> Any:
    """Return the first count that is stated, but for a zero that stands beside a real one: it is a placeholder.

    >>> first_count((None, 0, "40", 7)), first_count((None, "0", "-"))
    ('40', '0')
    """
    found = None
    for value in values:
        if number(value):
            return value
        found = value if found in (None, "") else found
    return found


def _written(value: Any) -> str:
    """Return a value as the key of a map names it; JSON's true is ``true``."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, str | int) else ""


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None and value != ""), None)


def _is_gone_through(value: Any, step: str) -> bool:
    """Tell an array of which a step says no element."""
    return isinstance(value, list) and _INDEX.fullmatch(step) is None and element_meant(step) is None


def _element(elements: list[Any], name: str, value: str) -> Any:
    """Return the first object of an array whose member of a name is a text; headers are called so in any letters."""
    meant = value.lower()
    for element in elements:
        stated = stated_once(element, name) if isinstance(element, dict) else None
        if isinstance(stated, str | int) and _written(stated).lower() == meant:
            return element
    return None


def _joined(values: Iterable[Any], between: str) -> Any:
    """Return texts as one, ``None`` where one of them is not stated; what is no text is returned, to be refused."""
    texts: list[str] = []
    for value in values:
        if value is None or value == "":
            return None
        if not isinstance(value, str | int) or isinstance(value, bool):
            return value
        texts.append(str(value))
    return between.join(texts)


def _sum(values: Iterable[Any]) -> Any:
    """Return the sum of what is stated, ``None`` where nothing is; what is no count is returned, to be refused."""
    total: int | None = None
    for value in map(number, values):
        if value is None:
            continue
        if not is_integer(value):
            return value
        total = value if total is None else total + value
    return total
