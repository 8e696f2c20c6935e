"""Dataclasses that are made in a seventh of the time: what a class never needs in a run is not made.

``dataclass`` is that of the standard library, with the options that we use, and its classes are what ``fields``,
``replace`` and ``asdict`` take for their own. That one writes five methods for each class as text and compiles them,
for 0.5 ms a class in Python 3.11, of which a night needs two hundred. Here ``__init__`` is compiled when the first
object is made, and the others are the same code for all classes. Does not own which fields there are: the standard
library finds them. There is no ``InitVar``, and no object may hold itself.
"""

from __future__ import annotations

import dataclasses
import operator
from dataclasses import MISSING, FrozenInstanceError
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from dataclasses import dataclass  # noqa: TID251

_C = TypeVar("_C", bound=type)


def _made(cls: _C, *, frozen: bool, eq: bool, order: bool, **options: bool) -> _C:
    """Return a class with its fields, and the methods that stand on them; what it defines itself is left alone."""
    own = cls.__dict__
    hashes_itself = own.get("__hash__") is not None
    if own.get("__doc__") is None:
        cls.__doc__ = cls.__name__  # else the standard library writes a signature there
    found: Any = dataclasses.dataclass(init=False, repr=False, eq=False, **options)(cls)  # noqa: TID251
    fields = dataclasses.fields(found)
    methods: dict[str, Any] = {"__repr__": _repr_of(tuple(field.name for field in fields if field.repr))}
    values = _values_of([field.name for field in fields if field.compare])
    if eq:
        methods["__eq__"] = _eq_of(values)
    if order:
        methods |= {f"__{name}__": _order_of(getattr(operator, name), values) for name in ("lt", "le", "gt", "ge")}
    for name, method in methods.items():
        if name not in own:
            setattr(found, name, method)
    if eq and not hashes_itself:
        hashed = [field.name for field in fields if (field.compare if field.hash is None else field.hash)]
        found.__hash__ = _hash_of(_values_of(hashed)) if frozen else None
    if frozen:
        names = tuple(field.name for field in fields)
        found.__setattr__, found.__delattr__ = _refusals_of(found, frozenset(names))
        if options.get("slots"):
            found.__getstate__, found.__setstate__ = _state_of(names)
    if "__init__" not in own:
        found.__init__ = _first_init_of(found, frozen=frozen, slots=options.get("slots", False))
    return found  # type: ignore[no-any-return]


def _values_of(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what gets the values under names; a single one, or none, in a tuple too."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda each: tuple(getattr(each, name) for name in names)


def _repr_of(names: Sequence[str]) -> Callable[[Any], str]:
    def __repr__(self: Any) -> str:  # noqa: N807
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return __repr__


def _eq_of(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, object], Any]:
    def __eq__(self: Any, other: object) -> Any:  # noqa: N807
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _order_of(compare: Callable[[Any, Any], Any], values: Callable[[Any], tuple[Any, ...]]) -> Callable[..., Any]:
    def comparison(self: Any, other: object) -> Any:
        return compare(values(self), values(other)) if other.__class__ is self.__class__ else NotImplemented

    return comparison


def _hash_of(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(values(self))

    return __hash__


def _refusals_of(cls: type[Any], names: frozenset[str]) -> tuple[Callable[..., None], Callable[..., None]]:
    def __setattr__(self: Any, name: str, value: Any) -> None:  # noqa: N807
        if type(self) is cls or name in names:
            message = f"cannot assign to field {name!r}"
            raise FrozenInstanceError(message)
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:  # noqa: N807
        if type(self) is cls or name in names:
            message = f"cannot delete field {name!r}"
            raise FrozenInstanceError(message)
        super(cls, self).__delattr__(name)

    return __setattr__, __delattr__


def _state_of(names: Sequence[str]) -> tuple[Callable[..., list[Any]], Callable[..., None]]:
    """Return what copies and pickles use of a frozen class with slots: as usual, they would assign to fields."""

    def __getstate__(self: Any) -> list[Any]:  # noqa: N807
        return [getattr(self, name) for name in names]

    def __setstate__(self: Any, state: Sequence[Any]) -> None:  # noqa: N807
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return __getstate__, __setstate__


def _first_init_of(cls: Any, *, frozen: bool, slots: bool) -> Callable[..., None]:
    """Return what makes ``__init__`` when it is called, and takes its place."""

    def __init__(self: Any, /, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        cls.__init__ = made = _init_of(cls, frozen=frozen, slots=slots)
        made(self, *args, **kwargs)

    return __init__


def _init_of(cls: Any, *, frozen: bool, slots: bool) -> Callable[..., None]:
    known: dict[str, Any] = {"_new": object(), "_set": object.__setattr__}
    parameters: list[str] = []
    keywords: list[str] = []
    body: list[str] = []
    for at, field in enumerate(dataclasses.fields(cls)):
        name, default, value = field.name, "", field.name
        if field.default_factory is not MISSING:
            known[f"_make{at}"] = field.default_factory
            default = "=_new"
            value = f"_make{at}() if {name} is _new else {name}" if field.init else f"_make{at}()"
        elif field.default is not MISSING:
            known[f"_default{at}"] = field.default
            default = f"=_default{at}"
            value = name if field.init else f"_default{at}"
        if field.init:
            (keywords if field.kw_only else parameters).append(name + default)
        elif field.default_factory is MISSING and (field.default is MISSING or not slots):
            continue  # the class has it, or nobody yet
        body.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    stated = ", ".join(["self", *parameters, *(["*", *keywords] if keywords else [])])
    source = f"def __init__({stated}):\n " + "\n ".join(body or ["pass"])
    exec(source, known)  # noqa: S102 - as the standard library does; the names are those of fields
    made: Any = known["__init__"]
    made.__qualname__, made.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    return made  # type: ignore[no-any-return]


if not TYPE_CHECKING:

    def dataclass(
        *, frozen: bool = False, slots: bool = False, kw_only: bool = False, eq: bool = True, order: bool = False
    ) -> Callable[[_C], _C]:
        """Return what makes a dataclass of a class."""
        return lambda cls: _made(cls, frozen=frozen, eq=eq, order=order, slots=slots, kw_only=kw_only)
