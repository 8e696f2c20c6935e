"""The names that any reader looks at, and what is taken of the values under them.

Whatever lies under another name is read as JSON and left out of a shape. The names of bodies are found, not listed:
every text that stands in the code of ``bodies``, ``families`` and ``exchange`` is one, so a new family's are too;
``tests/collectors/kernel/rules/test_names.py`` watches the plain reader, and fails where it looks at another.
Owns the kinds: a name that has none here is ``LITERAL``, which is right for every name, and slow where values are many.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors import bodies, exchange, families, formats
from pipeline.collectors.families.reading import Stated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Kind(IntEnum):
    """What is taken of the value under a name; the numbers are those of ``source/names.h``."""

    LITERAL = 0
    """Texts, whole numbers, true, false and null, as they are."""
    COUNTED = 1
    """Of a whole number from 0 on, whether it is 0; the number is a hole."""
    TEXTUAL = 2
    """Of a text, whether it is empty."""
    IDENTIFYING = 3
    """Of a text, whether it is empty, and to which other ids of the line it is equal; the text is a hole."""
    INSIDE = 4
    """An object of the line."""
    KEYED = 5
    """A text is a key, or the id of one."""
    TIMED = 6
    """An instant."""
    RESPONSE = 7
    """The body; or, within one, a stream as an array of its chunks or a text."""
    ONLY_NULL = 8
    """Anything else is handed over."""
    NEVER = 9
    """Handed over, whatever it is."""
    WHOLE = 10
    """An object, of which the names of bodies are looked at."""
    PRESENT = 11
    """Which kind of JSON it is, and whether it is true: not empty, and not zero."""
    EVERY = 12
    """An object of counts, of which all names are looked at."""
    HEADERS = 13
    """An object of the line; of its names, those that are ``NEVER`` or ``KEYED`` are meant in whatever letters."""
    GROUPS = 14
    """An array of objects of the line in which arrays of exchanges lie."""
    ROWS = 15
    """An array of objects of the line, each of which is an exchange."""
    PAIRS = 16
    """An array of pairs of a key and a typed value, as OpenTelemetry has attributes: keys are names."""
    NESTED = 17
    """Any value; of objects in it, the names of bodies are looked at."""
    OBJECTS = 18
    """An object of the line; under any other name, an object is looked at as in ``NESTED``, with its name."""
    ELAPSED = 19
    """Seconds that something took."""
    WORDS = 20
    """Of a text, which of some words it is, or that it is none of them, and whether it is empty."""
    BEGINNING = 21
    """Handed over, whatever it is: under all names that begin so."""
    ENDING = 22
    """Likewise, under those that end so."""


class Name(NamedTuple):
    """One name: within which object of the line it stands (0: of a body; 1: of the line), and its kind."""

    text: str
    owner: int
    kind: Kind


OF_BODY, OF_LINE, OF_INNER, OF_EVERY, OF_ANY = 0, 1, 2, 2**15, 2**16 - 1
"""Owners: an object of the line is ``OF_INNER`` and the number of its name, and every one of a kind ``OF_EVERY`` and
that of the kind."""

SUFFIXES = ("TokenCount", "Exception")
"""Names that end so are looked at whatever they begin with (``gemini``, ``aws_event_stream``)."""
PREFIXES = ("gen_ai.",)
"""Names that begin so are looked at whatever they end with (``envoy``)."""
AFFIXES = (
    *(Name(text, OF_ANY, Kind.BEGINNING) for text in PREFIXES),
    *(Name(text, OF_ANY, Kind.ENDING) for text in SUFFIXES),
)
"""They stand before all other names."""

TEXTS = frozenset(
    (
        *("content", "text", "delta", "reasoning_content", "reasoning", "refusal", "thinking", "response"),
        *("outputText", "generation", "completion", "embedding", "generated_text", "Content"),
        *(
            "message",
            "Message",
            "errorMessage",
            "arguments",
            "answer",
            "output",
            "prompt",
            "p",
            "url",
            "b64_json",
            "images",
        ),
        *("webSearchQueries", "web_search_queries"),
    )
)
"""Names of bodies under which a text is only asked whether it is one, and whether it is empty."""
LOOKED_FOR = frozenset(("error",))
"""Names of bodies of which nobody asks more than whether anything is there."""

_COUNT = re.compile(
    "token|count|seconds|_(?:units|processed|queries|used|requests|n)$"
    "|^(?:cache_read|cache_creation|audio|input_length|web_search|web_search_calls|x_search_calls)$"
    "|^(?:code_interpreter|file_search|document_search|image_generation)(?:_calls)?$|Policy(?:Image)?Units$|^invocation$"
    "|^(?:web_search_premium|document_library|classifications|pages)$"
    "|^(?:characters|duration|video_duration|generated_images)$",
    re.IGNORECASE,
)
_ID = re.compile("id|(?!.*[Mm]odel).*(?:_id|Id)")
"""The id of a model is its name, which may decide what its counts mean."""
NAME = re.compile(r"[!#-\[\]-~]{1,64}")
"""What can be a name of the kernel's."""


def kind_of(name: str) -> Kind:
    """Return what is taken of the value under a name of a body."""
    if name in TEXTS:
        return Kind.TEXTUAL
    if name in LOOKED_FOR:
        return Kind.PRESENT
    if _COUNT.search(name):
        return Kind.COUNTED
    return Kind.IDENTIFYING if _ID.fullmatch(name) else Kind.LITERAL


@cache
def names_of_bodies() -> tuple[Name, ...]:
    """Return every name that the code which reads bodies could look at."""
    modules = [exchange, *_modules_of(bodies), *_modules_of(families)]
    modules += [import_module(family.read.__module__) for family in families.FAMILIES]
    found = {text for module in modules for text in _texts_in(_made_by(module), module.__name__)}
    return tuple(Name(text, OF_BODY, kind_of(text)) for text in sorted(found) if NAME.fullmatch(text))


def texts_reached(*functions: Callable[..., Any]) -> frozenset[str]:
    """Return every text in the code of functions, and in what that code names of its formats' modules."""
    found: set[str] = set()
    waiting: list[Any] = [*functions]
    seen: set[int] = set()
    while waiting:
        function = waiting.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        codes = [function.__code__]
        for code in codes:
            codes += [const for const in code.co_consts if isinstance(const, CodeType)]
        found.update(_texts_in((codes[0], function.__defaults__), function.__module__))
        named = {name for code in codes for name in code.co_names}
        values = [function.__globals__[name] for name in named & function.__globals__.keys()]
        for module in [value for value in values if _is_of_formats(value, "__name__")]:
            values += [vars(module)[name] for name in named & vars(module).keys()]
        for value in values:
            if isinstance(value, FunctionType):
                waiting += [value] * _is_of_formats(value, "__module__")
            else:
                found.update(_texts_in((value,), ""))
    return frozenset(found)


def _is_of_formats(value: Any, named: str) -> bool:
    """Tell whether a module, or a function, is one of the formats; ``named``: where it says of which module it is."""
    return isinstance(value, ModuleType | FunctionType) and getattr(value, named).startswith(formats.__name__)


def _modules_of(package: Any) -> Iterator[Any]:
    yield package
    for found in iter_modules(package.__path__, f"{package.__name__}."):
        module = import_module(found.name)
        yield from _modules_of(module) if found.ispkg else (module,)


def _made_by(module: Any) -> Iterator[Any]:
    """Yield what the code of a module put into it; Python put its builtins there, and where the module lies."""
    return (value for name, value in vars(module).items() if not name.startswith("__"))


def _texts_in(values: Iterable[Any], module: str) -> set[str]:
    """Return the texts in values: in containers, in objects of ours, and in the code of a module's own functions."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting = [*values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, CodeType):
            waiting += value.co_consts
        elif isinstance(value, FunctionType) and value.__module__ == module:
            waiting += (value.__code__, value.__defaults__, value.__kwdefaults__)
        elif id(value) in seen:
            continue
        elif isinstance(value, tuple | list | set | frozenset):
            seen.add(id(value))
            waiting += value
        elif isinstance(value, dict):
            seen.add(id(value))
            waiting += (*value, *value.values())
        elif isinstance(value, type) and value.__module__ == module and value is not Stated:
            seen.add(id(value))
            waiting += vars(value).values()
    return found
