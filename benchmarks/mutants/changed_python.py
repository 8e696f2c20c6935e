"""Every change of one module that a test should notice, one at a time.

A comparison takes its border in, a sum becomes a difference, one condition of several, a raise, a call or a filter is
gone, a constant is another. What people read (messages of errors, docstrings) and what only a type checker reads stay
as they are. Does not own which of them amount to nothing (``groups.py``) nor how they are tried (``trials.py``).
"""

from __future__ import annotations

import ast
import codecs
import copy
import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OTHER_OPERATOR: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_OTHER_NAME = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "ROUND_HALF_EVEN": "ROUND_HALF_UP",
    "ROUND_HALF_UP": "ROUND_HALF_DOWN",
    "ROUND_FLOOR": "ROUND_CEILING",
    "ROUND_CEILING": "ROUND_FLOOR",
    "ROUND_DOWN": "ROUND_UP",
    "ROUND_UP": "ROUND_DOWN",
}
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_SHOWN_MAX = 110


class Mutant(NamedTuple):
    """What was changed, and in which function; and the tree of the changed module."""

    name: str
    tree: Callable[[], ast.Module]


class Place(NamedTuple):
    """A node that may be changed, where it hangs, and the qualified name of the function whose code it is."""

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    function: str | None


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Yield every changed module once; ``module`` is how its names begin. Names are unique, and say no line number."""
    tree = ast.parse(source)
    told: dict[str, int] = {}
    for number, place in enumerate(places(tree)):
        for order, (what, _) in enumerate(_changes(place.node)):
            shown = " ".join(ast.unparse(place.node).split())[:_SHOWN_MAX]
            name = f"{module}: {place.function or 'at import'}: {what}: {shown}"
            told[name] = told.get(name, 0) + 1
            if told[name] > 1:
                name = f"{name} (#{told[name]})"
            yield Mutant(name, partial(_changed, tree, number, order))


def _changed(tree: ast.Module, number: int, order: int) -> ast.Module:
    other = copy.deepcopy(tree)
    place = list(places(other))[number]
    _, make = list(_changes(place.node))[order]
    made = make(place.node)
    if made is not place.node:
        ast.copy_location(made, place.node)
        if place.index is None:
            setattr(place.parent, place.field, made)
        else:
            getattr(place.parent, place.field)[place.index] = made
    return ast.fix_missing_locations(other)


def places(tree: ast.Module) -> Iterator[Place]:
    """Yield every node but what people or type checkers alone see to."""
    yield from _below(tree, function=None, prefix="")


def _below(node: ast.AST, *, function: str | None, prefix: str) -> Iterator[Place]:
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "bases", "type_comment"}:
            continue
        inner_function, inner_prefix = function, prefix
        if field == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner_function = prefix + node.name
            inner_prefix = f"{inner_function}.<locals>."
        elif field == "body" and isinstance(node, ast.ClassDef):
            inner_prefix = f"{prefix}{node.name}."
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_for_readers(child):
                yield Place(node, field, index, child, inner_function)
                yield from _below(child, function=inner_function, prefix=inner_prefix)


def _is_for_readers(node: ast.AST) -> bool:
    """Whether only people, or type checkers, see to it."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return True
    if isinstance(node, ast.keyword) and node.arg == "strict":  # zip's: whatever is zipped is of one length
        return True
    return isinstance(node, ast.Assign) and [ast.unparse(each) for each in node.targets] in (["message"], ["__all__"])


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    """Yield what is changed, and what changes a node of the same kind (in place) or returns what stands for it."""
    if isinstance(node, ast.stmt):
        yield from _of_statements(node)
    elif isinstance(node, ast.BoolOp | ast.UnaryOp | ast.Compare | ast.IfExp):
        yield from _of_conditions(node)
    elif isinstance(node, ast.Constant):
        yield from _of_constants(node)
    else:
        yield from _of_values(node)


def _of_statements(node: ast.stmt) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    if isinstance(node, ast.Raise | ast.Expr) or (isinstance(node, ast.Delete) and not _is_name(node.targets[0])):
        yield "left out", lambda _: ast.Pass()
    if isinstance(node, ast.AugAssign):
        yield "left out", lambda _: ast.Pass()
        if other := _OTHER_OPERATOR.get(type(node.op)):
            yield f"{other.__name__.lower()} instead", lambda old: _with(old, op=other())
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield "none instead", lambda old: _with(old, value=ast.Constant(None))
    if isinstance(node, ast.Break):
        yield "continue instead", lambda _: ast.Continue()
    if isinstance(node, ast.Continue):
        yield "break instead", lambda _: ast.Break()
    if isinstance(node, ast.If) and not isinstance(node.test, ast.Compare):  # a comparison is turned round itself
        yield "not instead", lambda old: _with(old, test=ast.UnaryOp(ast.Not(), old.test))


def _of_conditions(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    if isinstance(node, ast.BoolOp):
        yield "the other of and, or", lambda old: _with(old, op=_OTHER_OPERATOR[type(old.op)]())
        for index, each in enumerate(node.values):
            yield f"without {ast.unparse(each)[:40]}", lambda old, index=index: _without(old, index)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield f"without {type(node.op).__name__.lower()}", lambda old: old.operand
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            other = _OTHER_OPERATOR[type(operator)]
            yield (
                f"{other.__name__.lower()} instead",
                lambda old, index=index, other=other: _put(old.ops, index, other(), old),
            )
    if isinstance(node, ast.IfExp):
        yield "its first always", lambda old: old.body
        yield "its last always", lambda old: old.orelse


def _of_constants(node: ast.Constant) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    value = node.value
    if isinstance(value, bool):
        other: object = not value
    elif isinstance(value, int):
        other = value + 1
    elif isinstance(value, str):
        other = f"{value}1" if "." in value and _NUMBER.fullmatch(value) else _another_text(value)
    elif isinstance(value, bytes):
        other = value + b"~"
    else:
        return
    yield f"{other!r:.40} instead", lambda old: _with(old, value=other)


def _another_text(value: str) -> str:
    if _NUMBER.fullmatch(value):
        return str(int(value) + 1)
    return f"no {value}" if _is_codec(value) else f"{value}~"


def _is_codec(value: str) -> bool:
    """Whether a text names a codec: these are looked up by their letters and digits alone."""
    try:
        codecs.lookup(value)
    except (LookupError, ValueError):
        return False
    return True


def _of_values(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    if isinstance(node, ast.BinOp) and (other := _OTHER_OPERATOR.get(type(node.op))):
        yield f"{other.__name__.lower()} instead", lambda old: _with(old, op=other())
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _OTHER_NAME:
        yield f"{_OTHER_NAME[node.id]} instead", lambda old: _with(old, id=_OTHER_NAME[old.id])
    if isinstance(node, ast.Slice):
        for end in ("lower", "upper"):
            if getattr(node, end) is not None:
                yield f"without its {end} end", lambda old, end=end: _with(old, **{end: None})
    if isinstance(node, ast.comprehension):
        for index, each in enumerate(node.ifs):
            yield f"without if {ast.unparse(each)[:40]}", lambda old, index=index: _with(old, ifs=_but(old.ifs, index))
    if isinstance(node, ast.Call):
        yield from _of_calls(node)


def _of_calls(node: ast.Call) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    called = ast.unparse(node.func)
    if called in {"sorted", "reversed"}:
        yield "in the order they came", lambda old: _with(old, func=ast.Name("list", ast.Load()), keywords=[])
    if called.endswith(".get") and len(node.args) == len(("key", "default")):
        yield "without a default", lambda old: _with(old, args=old.args[:1])


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)


def _but(values: list[ast.expr], index: int) -> list[ast.expr]:
    return [each for at, each in enumerate(values) if at != index]


def _without(node: ast.BoolOp, index: int) -> ast.AST:
    rest = _but(node.values, index)
    return rest[0] if len(rest) == 1 else _with(node, values=rest)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def _put(values: list[ast.cmpop], index: int, other: ast.AST, node: ast.AST) -> ast.AST:
    values[index] = other
    return node
