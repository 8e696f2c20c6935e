"""Where a line has what is looked at: a tree of names, made of the mapping of its format, and of the format's code.

A line is one of a request log, whose fields a source may have mapped (``LogFormat.fields``), or one of a format
(``formats.found``). Every path of a rule is a branch of the tree. What the code of a format looks at beside is found as
the names of bodies are: every text in the code that recognises a document, finds what it holds or makes entries of it
is a name that stands in the shape of a line. So a shape has all that the plain reader decides by.

Owns which logs can be read so. Does not own what is taken of a value (``names``).
"""

from __future__ import annotations

from itertools import accumulate, product
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.bedrock import answers as bedrock
from pipeline.collectors.formats import held
from pipeline.collectors.formats.found import REQUEST_LOG, all_formats, is_request_log
from pipeline.collectors.formats.gateways.access_logs import KEY_HEADERS
from pipeline.collectors.formats.places import Places
from pipeline.collectors.formats.read_from_files import lines_from_files
from pipeline.collectors.kernel.names import (
    AFFIXES,
    LOOKED_FOR,
    NAME,
    OF_BODY,
    OF_EVERY,
    OF_INNER,
    OF_LINE,
    Kind,
    Name,
    kind_of,
    names_of_bodies,
    texts_reached,
)
from pipeline.configuration.log_fields import Constant, FirstOf, Join, Path, Sum, ValueMap, path_of, rules_of
from pipeline.usage.events import LOG_FIELDS, LOGGED, MAPPED_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.configuration.log_fields import Rule

    Steps: TypeAlias = tuple[str, ...]

_KINDS: Mapping[str, Kind] = {
    "ts": Kind.TIMED,
    "request_id": Kind.IDENTIFYING,
    "response.id": Kind.IDENTIFYING,
    "api_key": Kind.KEYED,
    "api_key_id": Kind.KEYED,
    "request": Kind.INSIDE,
    "response": Kind.RESPONSE,
    "response_headers": Kind.HEADERS,
    "usage": Kind.WHOLE,
    **{str(column.log_field): Kind.ONLY_NULL for column in LOGGED if not column.is_shared},
    **{field: Kind.COUNTED for field in MAPPED_FIELDS if field.startswith("usage.")},
}
"""What is taken of the value of a field; of any other, ``LITERAL``."""
_OBJECTS = frozenset((Kind.INSIDE, Kind.RESPONSE, Kind.HEADERS, Kind.WHOLE, Kind.EVERY, Kind.OBJECTS))
_OWNERS = frozenset((Kind.INSIDE, Kind.GROUPS, Kind.ROWS, Kind.PAIRS, Kind.OBJECTS))
"""Of a line, what has names within it."""
_OF_REQUEST = ("request.model", "request.stream", "request.n")
"""Fields that lie within the request, where nobody named them."""
_IGNORED = frozenset(("host",))
_NOT_READ = (Kind.IDENTIFYING, Kind.KEYED, Kind.TIMED)
"""What stands in a hole and is no count: no code may look into it."""


def formats_read(log_format: LogFormat) -> tuple[Format | None, ...]:
    """Return the formats of which lines of a log can be read so; ``None`` stands for a request log's own lines."""
    batch = log_format.batch
    if log_format.line_in is not None or (batch is not None and batch.requests is not None):
        return ()  # a line lies in another; what is joined to it depends on what its ids are
    is_named = log_format.format not in (None, REQUEST_LOG)
    if not is_named and (log_format.fields or log_format.format == REQUEST_LOG):
        return (None,)
    told = tuple(each for each in all_formats() if each.places is not None and _fits(each, log_format))
    return tuple(each for each in told if each.name == log_format.format) if is_named else (None, *told)


def stated_by(found: Format | None) -> Places:
    """Return what a format states of its lines: nothing where they are a request log's own."""
    return (found and found.places) or Places()


def names_of(log_format: LogFormat, found: Format | None) -> tuple[Name, ...]:
    """Return the names that are looked at in lines of a log that are of one of the formats that it may have.

    Raises ``ValueError`` where fields lie within one another in a way that a tree of names does not say.
    """
    stated = stated_by(found)
    tree = _Tree(_places(log_format, found, stated))
    of_makers = texts_reached(*_makers_of(found))
    of_bodies = {name.text: name.kind for name in names_of_bodies()}
    of_bodies = {**{text: kind_of(text) for text in of_makers | tree.within_bodies}, **of_bodies, **tree.of_bodies}
    of_bodies |= dict.fromkeys(stated.counts_within, Kind.COUNTED) | dict.fromkeys(stated.streams, Kind.RESPONSE)
    names = [*AFFIXES]
    names += [Name(text, OF_BODY, kind) for text, kind in sorted(of_bodies.items()) if NAME.fullmatch(text)]
    names += tree.numbered(first=len(names))
    known = {(name.owner, name.text) for name in names}
    at_the_top = texts_reached(*_code_of(log_format, found)).difference(stated.unread)
    inner = ((OF_EVERY + kind, tree.asked_of(kind, of_makers)) for kind in tree.inner)
    for owner, texts in ((OF_LINE, at_the_top), *inner):
        found_there = sorted(text for text in texts if NAME.fullmatch(text) and (owner, text) not in known)
        names += [Name(text, owner, _kind_in_code(owner, text)) for text in found_there]
    for number, name in enumerate([*names]):
        if name.kind is Kind.WORDS:  # those that a text may be are names of what stands under its own
            names += [Name(word, OF_INNER + number, Kind.LITERAL) for word in stated.words[name.text]]
    return tuple(names)


def _fits(found: Format, log_format: LogFormat) -> bool:
    """Tell whether fields that a source names are said to lie in lines as they stand in the log, and not in entries."""
    return found.mapping is not None or all(isinstance(rule, Constant) for rule in log_format.rules.values())


def _makers_of(found: Format | None) -> tuple[Callable[..., Any], ...]:
    """Return the functions that make entries of a document."""
    if found is None:
        return ()
    return tuple(each for each in (found.entries, found.joined) if each is not None)


def _code_of(log_format: LogFormat, found: Format | None) -> tuple[Callable[..., Any], ...]:
    """Return the functions that look at the top of a document."""
    if found is None:
        return ()  # a line that has a time and a key is a request log's, whatever else is in it
    if log_format.format is None:  # what is recognised holds no line, and of anything else nothing is learned
        return (*(each.recognises for each in all_formats()), is_request_log, *_makers_of(found))
    return (found.recognises, is_request_log, lines_from_files, held.held_in, *_makers_of(found))


def _places(log_format: LogFormat, found: Format | None, stated: Places) -> dict[Steps, Kind]:
    """Return every path at which something is looked up, and what is taken of the value there."""
    fields = {**((found and found.mapping) or {}), **stated.fields}
    rules = rules_of({**fields, **log_format.fields})
    own = {
        path.steps: Kind.LITERAL if is_mapped else _KINDS.get(field, Kind.LITERAL)
        for field, rule in rules_of(fields).items()
        for path, is_mapped in _paths_in(rule)
    }
    own |= {path_of(text).steps: Kind.TIMED for text in stated.instants}
    read = texts_reached(*_makers_of(found), *([found.recognises] if found else ()))
    is_looked_up = found is None or found.mapping is not None or bool(log_format.fields)
    places: dict[Steps, Kind] = {}
    for field in sorted(rules.keys() - _IGNORED):
        for path, is_mapped in _paths_in(rules[field]):
            kind = _KINDS.get(field, Kind.LITERAL)
            is_read = kind in _NOT_READ and path.steps[-1] in read and own.get(path.steps) is not kind
            _put(places, path.steps, kind, is_literal=is_mapped or is_read)
            if len(path.steps) > 1 and is_looked_up:
                _put(places, (path.text,), Kind.NEVER)  # a key that contains dots wins
    for steps, kind in own.items():
        places.setdefault(steps, kind)  # its code looks there also where a source names another place
    if found is None or found.mapping is not None:
        _put_by_our_names(places, rules)
    requests, headers = ([at for at, kind in places.items() if kind is each] for each in (Kind.INSIDE, Kind.HEADERS))
    for steps, field in product(requests, [field for field in _OF_REQUEST if field not in rules]):
        _put(places, (*steps, field.removeprefix("request.")), Kind.LITERAL)
    for steps, name in product(headers, bedrock.HEADERS):
        _put(places, (*steps, name), Kind.NEVER)
    _put_by_code(places, stated)
    return places


def _put_by_code(places: dict[Steps, Kind], stated: Places) -> None:
    """Say what lies where a format's code says so."""
    of_kinds = {
        Kind.TIMED: stated.instants,
        Kind.EVERY: stated.counts,
        Kind.PRESENT: stated.marks,
        Kind.PAIRS: stated.pairs,
        Kind.ROWS: stated.rows,
        Kind.ELAPSED: stated.durations,
        Kind.NESTED: stated.nested,
        Kind.OBJECTS: stated.objects,
        Kind.LITERAL: stated.literals,
        Kind.NEVER: stated.plain,
    }
    for kind, text in ((kind, text) for kind, texts in of_kinds.items() for text in texts):
        _put(places, path_of(text).steps, kind)
    for name in stated.words:
        places.setdefault((name,), Kind.WORDS)  # where a source names it, it stands as it is
    for text in stated.headers:
        steps = path_of(text).steps
        _put(places, steps, Kind.HEADERS)
        for name in KEY_HEADERS:
            _put(places, (*steps, name), Kind.KEYED)
    for text in stated.rows:
        *groups, _ = accumulate((step,) for step in path_of(text).steps)
        for steps in groups:
            _put(places, steps, Kind.GROUPS)


def _put_by_our_names(places: dict[Steps, Kind], rules: Mapping[str, Rule]) -> None:
    """Say where fields lie that nobody named: by our names, and some within the request."""
    for field in LOG_FIELDS:
        if field in rules or field in _IGNORED or field in MAPPED_FIELDS:
            continue  # the last are looked at only where they are named
        if field in _OF_REQUEST:
            _put(places, (field,), Kind.NEVER)
        else:
            _put(places, path_of(field).steps, _KINDS.get(field, Kind.LITERAL))


def _paths_in(rule: Rule | None) -> Iterator[tuple[Path, bool]]:
    """Yield the paths of a rule, and whether what lies there is given another value by a map.

    Raises ``ValueError`` for what no shape says: texts that are put together, and an element that its member tells.
    """
    if isinstance(rule, Join) or (isinstance(rule, Path) and rule.selects):
        message = "what is joined, or an element that its member tells, is read line by line"
        raise ValueError(message)
    if isinstance(rule, Path):
        yield rule, False
    elif isinstance(rule, ValueMap):
        yield from ((path, True) for path, _ in _paths_in(rule.source))
    elif isinstance(rule, FirstOf | Sum):
        for each in rule.rules:
            yield from _paths_in(each)


def _put(places: dict[Steps, Kind], steps: Steps, kind: Kind, *, is_literal: bool = False) -> None:
    """Say what is taken at a path, where it has to stand in the shape as it is: what is given another value by a map.

    And what the code of the format looks into, where a source names a field there.
    """
    if is_literal:
        kind = Kind.LITERAL
    before = places.setdefault(steps, kind)
    if before is kind:
        return
    both = {before, kind}
    if Kind.NEVER in both:
        places[steps] = Kind.NEVER
    elif Kind.LITERAL in both and both.isdisjoint(_OBJECTS | {Kind.TIMED}) and is_literal:
        places[steps] = Kind.LITERAL
    else:
        message = f"what lies at {'.'.join(steps)} is read as two things"
        raise ValueError(message)


class _Tree:
    """Paths as names, each with its owner."""

    def __init__(self, places: Mapping[Steps, Kind]) -> None:
        """Take the paths. Raises ``ValueError`` where one lies within what is no object."""
        self.of_bodies: dict[str, Kind] = {}
        """Names of bodies of which something else is taken than usual."""
        self.within_bodies: set[str] = set()
        """Names that are looked at in bodies as well."""
        self.inner: list[Kind] = []
        """The kinds of what has names within the line, once these are numbered."""
        self._whole: dict[Steps, Kind] = {}
        for steps in sorted(places, key=len):
            kind = places[steps]
            within = [steps[:size] for size in range(1, len(steps)) if self._is_body(steps[:size])]
            if within:
                self._in_body(steps[len(within[0]) :], kind, self._whole[within[0]])
                continue
            for size in range(1, len(steps)):
                if self._whole.setdefault(steps[:size], Kind.INSIDE) not in (*_OWNERS, Kind.HEADERS):
                    message = f"one field would lie within {steps[size - 1]}, which is another"
                    raise ValueError(message)
            if any(not NAME.fullmatch(step) for step in steps) and not (len(steps) == 1 and kind is Kind.NEVER):
                message = "a name of a field is longer, or of other characters, than the kernel's are"
                raise ValueError(message)
            if NAME.fullmatch(steps[-1]):  # no other is known, and longer ones at the top are handed over
                self._whole[steps] = kind

    def _is_body(self, steps: Steps) -> bool:
        return self._whole.get(steps) in (Kind.RESPONSE, Kind.WHOLE)

    def _in_body(self, steps: Steps, kind: Kind, around: Kind) -> None:
        """Say that a field lies in a body: as one that is looked at there all the same, or as an instant."""
        *_, last = steps
        if kind is Kind.TIMED:
            self.of_bodies[last] = kind
        elif around is Kind.RESPONSE or kind_of(last) is not kind:
            message = f"one field would lie within {around.name}, which is another"
            raise ValueError(message)
        if not LOOKED_FOR.isdisjoint(steps[:-1]):
            message = f"one field would lie within {'.'.join(steps[:-1])}, into which nobody looks"
            raise ValueError(message)
        self.within_bodies.update(steps)

    def numbered(self, *, first: int) -> list[Name]:
        """Return the names, numbered from ``first`` on."""
        names: list[Name] = []
        owners: dict[Steps, int] = {(): OF_LINE}
        for steps, kind in sorted(self._whole.items(), key=lambda each: len(each[0])):
            owners[steps] = OF_INNER + first + len(names)
            names.append(Name(steps[-1], owners[steps[:-1]], kind))
        self.inner = sorted(_OWNERS.intersection(self._whole.values()))
        return names

    def asked_of(self, kind: Kind, texts: frozenset[str]) -> frozenset[str]:
        """Return those texts of code that it may ask an object for: where a line has pairs, dots are in their keys."""
        if Kind.PAIRS not in self.inner or kind is Kind.PAIRS:
            return texts
        return frozenset(text for text in texts if "." not in text)


def _kind_in_code(owner: int, text: str) -> Kind:
    """Return what is taken of the value under a name that code looks at, and that has no place."""
    if owner == OF_EVERY + Kind.OBJECTS:
        return Kind.NESTED
    kind = kind_of(text)
    return kind if kind in (Kind.COUNTED, Kind.IDENTIFYING) else Kind.LITERAL
