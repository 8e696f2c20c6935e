"""Data classes whose methods are compiled late are what they would be; what nobody calls is never compiled."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
from dataclasses import InitVar, dataclass, field
from itertools import product
from typing import Any, ClassVar

import pytest

from pipeline.base.late_methods import compile_methods_late

pytestmark = pytest.mark.skipif(
    not hasattr(dataclasses, "_create_fn"), reason="this Python compiles the methods of a class at once"
)
OPTIONS = [
    {"frozen": frozen, "slots": slots, "kw_only": kw_only, "order": order, "unsafe_hash": unsafe_hash}
    for frozen, slots, kw_only, order, unsafe_hash in product([False, True], repeat=5)
]


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataclasses, "_create_fn", vars(dataclasses)["_create_fn"])  # and is put back
    compile_methods_late()


def _made(options: dict[str, bool]) -> tuple[type[Any], type[Any]]:
    """Return a class, and one that inherits from it."""

    @dataclass(**options)
    class Base:
        """It has a field of each kind."""

        kind: ClassVar[str] = "a class's own"
        number: int
        text: str = "t"
        numbers: list[int] = field(default_factory=list, compare=False)
        hidden: int = field(default=3, repr=False)
        factor: InitVar[int] = 2

        def __post_init__(self, factor: int) -> None:
            object.__setattr__(self, "hidden", self.number * factor)

    @dataclass(**options)
    class Further(Base):
        """It has one more."""

        more: int = 4

    return Base, Further


def _answers(made: type[Any]) -> list[Any]:
    """Return what everything says that a data class can do."""

    def told(asked: Any) -> Any:
        try:
            return asked()
        except Exception as refused:  # noqa: BLE001 - whatever it is, it is compared
            return type(refused).__name__, str(refused)

    one, other = made(number=1), made(number=2, factor=5)
    found = [
        *(lambda: repr(one), lambda: one == made(number=1), lambda: one == other, lambda: one != other),
        *(lambda: hash(one), lambda: hash(one) == hash(made(number=1)), lambda: len({one, made(number=1)})),
        *(lambda: one < other, lambda: one <= other, lambda: one > other, lambda: one >= other, lambda: one < 3),
        *(lambda: setattr(one, "number", 7), lambda: one.number, lambda: setattr(one, "nothing", 7)),
        *(lambda: delattr(one, "text"), lambda: repr(made(number=3))),
        *(made, lambda: repr(made(1, "x")), lambda: made(number=1, nothing=2), lambda: made(1, 2, 3, 4, 5, 6, 7)),
        *(lambda: dataclasses.asdict(other), lambda: dataclasses.astuple(other), lambda: made.kind),
        *(lambda: repr(dataclasses.replace(other, text="y", factor=3)), lambda: repr(copy.deepcopy(other))),
        *(lambda: made.__init__.__qualname__, lambda: made.__repr__.__name__, lambda: made.__match_args__),
        lambda: one.__eq__(3) is NotImplemented,
    ]
    return [told(asked) for asked in [*found, *found]]  # once more, of methods that are compiled


@pytest.mark.parametrize(
    "options", OPTIONS, ids=lambda options: ", ".join(name for name, is_so in options.items() if is_so)
)
def test_whatever_a_data_class_does_it_does_so_likewise(
    options: dict[str, bool], request: pytest.FixtureRequest
) -> None:
    soon = [_answers(each) for each in _made(options)]
    request.getfixturevalue("late")
    assert [_answers(each) for each in _made(options)] == soon


@pytest.mark.usefixtures("late")
def test_only_what_is_called_is_compiled() -> None:
    base, further = _made({"frozen": True})
    names = ("__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__")
    late = {name: vars(base)[name] for name in names}
    assert further(number=1) == further(number=1)
    assert {name: vars(base)[name] for name in names} == late
    assert base(number=1) == base(number=1)
    assert {name for name in names if vars(base)[name] is not late[name]} == {"__init__", "__eq__"}
    assert vars(base)["__init__"].__code__.co_filename == "<string>"


@dataclass(frozen=True, slots=True)
class Pickled:
    """One that a process hands to another."""

    number: int


def test_what_was_pickled_is_read(late: None) -> None:
    del late
    module = sys.modules[__name__]
    made = dataclass(frozen=True, slots=True)(
        type("Pickled", (), {"__annotations__": {"number": int}, "__module__": __name__})
    )
    content = pickle.dumps(Pickled(3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Pickled", made)
        assert repr(pickle.loads(content)) == "Pickled(number=3)"  # noqa: S301 - our own
