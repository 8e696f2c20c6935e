"""Every change of one SELECT that a test should notice, one at a time.

A sum becomes a maximum, a column no longer tells groups apart, a comparison takes its border in, one side of a join, a
condition, an ordering or a ``case`` is gone. Does not own which of them amount to nothing (``sql.py``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OTHER_COMPARISON = {
    exp.LT: exp.LTE,
    exp.LTE: exp.LT,
    exp.GT: exp.GTE,
    exp.GTE: exp.GT,
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.Add: exp.Sub,
    exp.Sub: exp.Add,
}
_OTHER_AGGREGATES = {exp.Sum: (exp.Max, exp.Min), exp.Min: (exp.Max,), exp.Max: (exp.Min,)}


class Mutant(NamedTuple):
    """A changed statement, and what was changed in it."""

    what: str
    sql: str


class _Change(NamedTuple):
    what: str
    make: Callable[[exp.Expression], object]


def mutants(statement: exp.Expression) -> Iterator[Mutant]:
    """Yield every changed statement once."""
    seen = {statement.sql("duckdb")}
    for place, node in enumerate(statement.walk()):
        for change in _changes(node):
            changed = statement.copy()
            change.make(list(changed.walk())[place])
            sql = changed.sql("duckdb")
            if sql not in seen:
                seen.add(sql)
                yield Mutant(f"{change.what}: {' '.join(node.sql('duckdb', comments=False).split())}", sql)


def _changes(node: exp.Expression) -> Iterator[_Change]:
    yield from _of_values(node)
    yield from _of_conditions(node)
    yield from _of_groups(node)
    yield from _of_orders(node)
    yield from _of_relations(node)


def _becomes(other: Callable[[exp.Expression], exp.Expression]) -> Callable[[exp.Expression], object]:
    return lambda node: node.replace(other(node))


def _without(part: str, index: int) -> Callable[[exp.Expression], object]:
    return lambda node: node.set(part, [each for at, each in enumerate(node.args[part]) if at != index] or None)


def _of_values(node: exp.Expression) -> Iterator[_Change]:
    for other in _OTHER_AGGREGATES.get(type(node), ()):
        yield _Change(f"{other.__name__.lower()} instead", _becomes(partial(_of_the_same, other)))
    if isinstance(node, exp.Count):
        yield _Change("1 instead", lambda old: old.replace(exp.Literal.number(1)))
    if isinstance(node, exp.Greatest | exp.Coalesce | exp.Neg):
        yield _Change("its first alone", _becomes(lambda old: old.this.copy()))
    if isinstance(node, exp.Coalesce):
        yield _Change("its default always", _becomes(lambda old: old.expressions[-1].copy()))
    if isinstance(node, exp.Literal) and not node.find_ancestor(exp.DataType, exp.Interval):
        other_literal = (
            exp.Literal.number(int(node.this) + 1) if node.is_number else exp.Literal.string(f"{node.this}~")
        )
        yield _Change("another literal", _becomes(lambda _: other_literal.copy()))
    if isinstance(node, exp.Case) and len(node.args["ifs"]) > 1:
        for index, branch in enumerate(node.args["ifs"]):
            yield _Change(f"without {branch.sql('duckdb')}", _without("ifs", index))


def _of_the_same(other: type[exp.Expression], aggregate: exp.Expression) -> exp.Expression:
    return other(this=aggregate.this.copy())


def _of_conditions(node: exp.Expression) -> Iterator[_Change]:
    if other := _OTHER_COMPARISON.get(type(node)):
        make = _becomes(lambda old: other(this=old.this.copy(), expression=old.expression.copy()))
        yield _Change(f"{other.__name__.lower()} instead", make)
    if isinstance(node, exp.And | exp.Or):
        yield _Change("left side alone", _becomes(lambda old: old.left.copy()))
        yield _Change("right side alone", _becomes(lambda old: old.right.copy()))
    if isinstance(node, exp.Not):
        yield _Change("without not", _becomes(lambda old: old.this.copy()))
    if isinstance(node, exp.In) and len(node.expressions) > 1:
        for index, value in enumerate(node.expressions):
            yield _Change(f"without {value.sql('duckdb')}", _without("expressions", index))
    if isinstance(node, exp.Where | exp.Having | exp.Distinct):
        yield _Change("left out", lambda old: old.pop())


def _of_groups(node: exp.Expression) -> Iterator[_Change]:
    if isinstance(node, exp.Group):
        for index, key in enumerate(node.expressions):
            yield _Change(f"without {key.sql('duckdb')}", _without("expressions", index))
        for index, column in enumerate(node.parent_select.expressions if node.args.get("all") else []):
            if not column.find(exp.AggFunc):
                yield _Change(f"without {column.alias_or_name}", partial(_any_of_group, index))
    if isinstance(node, exp.Window):
        for index, key in enumerate(node.args.get("partition_by") or []):
            yield _Change(f"without {key.sql('duckdb')}", _without("partition_by", index))


def _any_of_group(index: int, group: exp.Expression) -> None:
    """Take a column out of what ``group by all`` groups by: any value of the group stands for it."""
    column = group.parent_select.expressions[index]
    value = column.this if isinstance(column, exp.Alias) else column
    column.replace(exp.alias_(exp.Max(this=value.copy()), column.alias_or_name))


def _of_orders(node: exp.Expression) -> Iterator[_Change]:
    if isinstance(node, exp.Ordered):
        yield _Change("the other way round", lambda old: old.set("desc", not old.args.get("desc")))
        if node.parent is not None and len(node.parent.expressions) > 1:
            yield _Change("left out of the order", lambda old: old.pop())


def _of_relations(node: exp.Expression) -> Iterator[_Change]:
    if isinstance(node, exp.Join):
        yield _Change("inner or left instead", _other_join)
    if isinstance(node, exp.Union):
        if not node.args.get("distinct"):
            yield _Change("distinct", lambda old: old.set("distinct", value=True))
        if node.parent is not None:
            yield _Change("its first alone", _becomes(lambda old: old.this.copy()))
            yield _Change("its last alone", _becomes(lambda old: old.expression.copy()))


def _other_join(join: exp.Expression) -> None:
    was_left = join.args.get("side") == "LEFT"
    join.set("side", None if was_left else "LEFT")
    join.set("kind", "INNER" if was_left else None)
