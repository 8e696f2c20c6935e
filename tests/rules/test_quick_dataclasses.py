"""A dataclass of ours is what the standard library's would be; it is only made later."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import pkgutil
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import pipeline
from pipeline.base.quick_dataclasses import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS: list[dict[str, bool]] = [
    {"frozen": True, "slots": True, "kw_only": True},
    {"frozen": True, "slots": True, "kw_only": True, "order": True},
    {"frozen": True, "slots": True},
    {"frozen": True},
    {"slots": True},
    {"slots": True, "kw_only": True},
    {"eq": False, "kw_only": True},
    {},
]


def plain(make: Any, **options: bool) -> Any:
    @make(**options)
    class Plain:
        """Some fields of each kind."""

        count: int
        name: str = "x"
        parts: list[int] = field(default_factory=list)
        hidden: int = field(default=1, repr=False, compare=False)
        made: dict[str, int] = field(init=False, default_factory=dict)
        settled: int = field(init=False, default=5)
        KIND: ClassVar[str] = "kind"

    return Plain


def checked(make: Any, **options: bool) -> Any:
    @make(**options)
    class Checked:
        count: int

        def __post_init__(self) -> None:
            if self.count < 0:
                message = "below zero"
                raise ValueError(message)

        def __repr__(self) -> str:
            return f"{self.count} of them"

        def __hash__(self) -> int:
            return 7

    return Checked


def inner(make: Any, **options: bool) -> Any:
    """Fields of a base, one of them declared anew."""

    @make(**options)
    class Base:
        count: int
        name: str = "x"

    @make(**options)
    class Inner(Base):
        name: str = "y"
        more: tuple[int, ...] = ()

    return Inner


CLASSES: list[Callable[..., Any]] = [plain, checked, inner]
BOTH = pytest.mark.parametrize("make", CLASSES, ids=lambda make: make.__name__)
OF_EACH = pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "none")


def outcome(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except Exception as error:  # noqa: BLE001 - which one, and what it says, is what is compared
        return type(error), str(error)


def twins(make: Callable[..., Any], options: dict[str, bool]) -> tuple[Any, Any]:
    return make(dataclass, **options), make(dataclasses.dataclass, **options)


@BOTH
@OF_EACH
@pytest.mark.parametrize(
    ("given", "named"),
    [((), {}), ((1,), {}), ((), {"count": 1}), ((), {"count": -1}), ((1, 2, 3, 4), {}), ((), {"count": 1, "odd": 2})],
)
def test_objects_are_made_and_refused_alike(make: Any, options: Any, given: Any, named: Any) -> None:
    ours, theirs = twins(make, options)
    assert outcome(lambda: repr(ours(*given, **named))) == outcome(lambda: repr(theirs(*given, **named)))
    assert outcome(lambda: asdict(ours(*given, **named))) == outcome(lambda: asdict(theirs(*given, **named)))


@BOTH
@OF_EACH
def test_classes_are_alike(make: Any, options: Any) -> None:
    ours, theirs = twins(make, options)
    ours(count=1)  # its __init__ is made now
    stated = [(each.name, each.type, each.default, each.init, each.compare, each.kw_only) for each in fields(ours)]
    assert stated == [
        (each.name, each.type, each.default, each.init, each.compare, each.kw_only) for each in fields(theirs)
    ]
    for attribute in ("__slots__", "__match_args__", "__qualname__", "__module__", "__annotations__"):
        assert getattr(ours, attribute, None) == getattr(theirs, attribute, None)
    kinds = [
        [(name, each.kind, each.default is each.empty) for name, each in inspect.signature(cls).parameters.items()]
        for cls in (ours, theirs)
    ]
    assert kinds[0] == kinds[1]
    assert (ours.__hash__ is None) == (theirs.__hash__ is None)
    assert ("__dict__" in dir(ours(count=1))) == ("__dict__" in dir(theirs(count=1)))


@BOTH
@OF_EACH
def test_objects_are_equal_ordered_hashed_and_copied_alike(make: Any, options: Any) -> None:
    answers = []
    for cls in twins(make, options):
        one, same, other = cls(count=1), cls(count=1), cls(count=2)
        answers.append(
            [
                one == same,
                one == other,
                one != same,
                one == 1,
                outcome(lambda one=one, other=other: one < other),
                outcome(lambda one=one, same=same: one >= same),
                outcome(lambda one=one: one < 1)[0] if "order" in options else None,
                outcome(lambda one=one, same=same: hash(one) == hash(same)),
                outcome(lambda one=one: asdict(replace(one, count=3))),
                outcome(lambda one=one: repr(copy.copy(one))),
                outcome(lambda one=one: repr(copy.deepcopy(one))),
                outcome(lambda one=one: setattr(one, "count", 9)),
                outcome(lambda one=one: delattr(one, "count")),
                outcome(lambda one=one: setattr(one, "odd", 9)) is None,  # the library's refusal is of another kind
                outcome(lambda one=one: one.count),
            ]
        )
    assert answers[0] == answers[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """At the top of a module, as pickles want it."""

    count: int
    parts: tuple[int, ...] = ()


def test_a_frozen_object_can_be_pickled_and_not_be_changed() -> None:
    one = Frozen(count=3, parts=(1, 2))
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'count'"):
        one.count = 4  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'parts'"):
        del one.parts  # type: ignore[misc]
    assert {one: "found"}[Frozen(count=3, parts=(1, 2))] == "found"


def test_a_class_compiles_nothing_before_its_first_object() -> None:
    @dataclass(kw_only=True)
    class Late:
        count: int

    before = Late.__init__
    assert Late(count=2).count == 2
    assert Late.__init__ is not before
    assert Late(count=3).count == 3


@pytest.mark.long
def test_every_dataclass_of_the_package_can_be_made_of_its_fields() -> None:
    """That is: what is compiled late does compile, and takes what is stated."""
    seen = 0
    for found in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
        if "spark" in found.name or found.name.endswith("__main__"):
            continue
        for cls in vars(import_module(found.name)).values():
            if isinstance(cls, type) and cls.__module__ == found.name and "__dataclass_fields__" in vars(cls):
                with pytest.raises(TypeError, match="no_such_field"):
                    cls(no_such_field=1)
                taken = set(inspect.signature(cls.__init__).parameters) - {"self"}
                assert taken == {each.name for each in fields(cls) if each.init}, cls
                seen += 1
    assert seen > 300
