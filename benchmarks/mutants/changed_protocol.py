"""Every step and check of storage that may be missing: found in the code, so that none is forgotten here.

Steps: an fsync of a file or a folder, a sweep of temporary files, a name that must be new (``link``), a content that
counts at once, a lock, a flag of ``open``. Checks: whatever refuses, and every comparison of digests and seals. Does
not own the tests, nor mistakes of order, which are declared (``protocol.py``).
"""

from __future__ import annotations

import ast
import copy
import re
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.mutants.changed_python import Mutant, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.mutants.changed_python import Place

_SYNCS = {"os.fsync": "no fsync of a file", "sync_folder": "no fsync of a folder"}
_SWEEPS = re.compile(r"sweep(_[a-z]+)*")
_CHECKS = ("check_size", "verified_file", "has_sha256")
_FLAGS = ("O_EXCL", "O_NOFOLLOW", "LOCK_NB")
_OF_DIGESTS = ("sha256", "seal", "digest")
_SHOWN_MAX = 90

_Change = tuple[str, "Callable[[ast.AST], ast.AST]"]


def mutants(module: str, source: str, *, refuses: bool) -> Iterator[Mutant]:
    """Yield the module without one step or check at a time; each refusal counts as a check where it ``refuses``."""
    tree = ast.parse(source)
    told: dict[str, int] = {}
    for number, place in enumerate(places(tree)):
        for order, (what, _) in enumerate(_changes(place, refuses=refuses)):
            shown = " ".join(ast.unparse(_shown(place.node)).split())[:_SHOWN_MAX]
            name = f"{module}: {place.function or 'at import'}: {what}: {shown}"
            told[name] = told.get(name, 0) + 1
            if told[name] > 1:
                name = f"{name} (#{told[name]})"
            yield Mutant(name, partial(_changed, tree, number, order, refuses=refuses))


def _changed(tree: ast.Module, number: int, order: int, *, refuses: bool) -> ast.Module:
    other = copy.deepcopy(tree)
    place = list(places(other))[number]
    _, make = list(_changes(place, refuses=refuses))[order]
    made = ast.copy_location(make(place.node), place.node)
    if place.index is None:
        setattr(place.parent, place.field, made)
    else:
        getattr(place.parent, place.field)[place.index] = made
    return ast.fix_missing_locations(other)


def _shown(node: ast.AST) -> ast.AST:
    return node.test if isinstance(node, ast.If) else node


def _changes(place: Place, *, refuses: bool) -> Iterator[_Change]:
    node = place.node
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield from _of_steps(node.value)
    elif isinstance(node, ast.Call):
        yield from _of_calls(node, is_value=not isinstance(place.parent, ast.Expr))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        name = ast.unparse(node.right).rpartition(".")[2]
        if name in _FLAGS:
            yield f"without {name}", lambda old: old.left
    elif isinstance(node, ast.If) and refuses and isinstance(node.body[-1], ast.Raise):
        yield "no check", lambda old: ast.If(test=ast.Constant(value=False), body=old.body, orelse=old.orelse)
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq) and _is_of_digests(node):
        is_equal = isinstance(node.ops[0], ast.Eq)
        yield "digests never differ", lambda _: ast.Constant(value=is_equal)


def _of_steps(call: ast.Call) -> Iterator[_Change]:
    """Yield what leaves a step out that is a statement of its own."""
    called = ast.unparse(call.func)
    if what := _SYNCS.get(called.removeprefix("disk.")):
        yield what, lambda _: ast.Pass()
    if _SWEEPS.fullmatch(called.rpartition(".")[2]):
        yield "what is left is not swept", lambda _: ast.Pass()
    if called.rpartition(".")[2] in _CHECKS:
        yield "no check", lambda _: ast.Pass()


def _of_calls(call: ast.Call, *, is_value: bool) -> Iterator[_Change]:
    called = ast.unparse(call.func)
    name = called.rpartition(".")[2]
    if called == "os.link" or name == "link_new":
        other = called.replace("link_new", "rename").replace("os.link", "os.rename")
        yield "rename for link", lambda old: ast.Call(ast.parse(other, mode="eval").body, old.args, [])
    if name == "replace_durably":
        yield (
            "written in place",
            lambda old: ast.Call(ast.Attribute(old.args[0], "write_bytes", ast.Load()), [old.args[1]], []),
        )
    if name in {"write_temporary", "write_pieces"} and not {"is_synced"} & {each.arg for each in call.keywords}:
        unsynced = ast.keyword("is_synced", ast.Constant(value=False))
        yield "no fsync of a file", lambda old: ast.Call(old.func, old.args, [*old.keywords, unsynced])
    if called == "locked":
        yield "no lock", lambda _: ast.parse("__import__('contextlib').nullcontext()", mode="eval").body
    if is_value and _SWEEPS.fullmatch(name):
        yield "what is left is not swept", lambda _: ast.List([], ast.Load())
    if is_value and name == "verified_file":
        yield "no check", lambda old: old.args[0]
    if is_value and name == "has_sha256":
        yield "no check", lambda _: ast.Constant(value=True)


def _is_of_digests(node: ast.Compare) -> bool:
    return any(word in ast.unparse(node).lower() for word in _OF_DIGESTS)
