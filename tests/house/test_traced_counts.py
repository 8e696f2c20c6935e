"""Code that reads counts does so in ways that a trace notes (``values.traced``); where it does not, it reads none."""

from __future__ import annotations

import ast

import pytest
from documented import ROOT

COLLECTORS = ROOT / "pipeline/collectors"
READING = [
    *(path for room in ("families", "formats") for path in sorted((COLLECTORS / room).rglob("*.py"))),
    *(COLLECTORS / name for name in ("counting.py", "exchange.py", "decode.py", "refused.py", "values/fields.py")),
]
OF_NO_COUNT = {
    ("families/reading.py", "type(value) is int"): "mostly; a traced one goes on, and is returned below",
    ("families/reading.py", "int(value)"): "of a Decimal alone",
    ("families/gemini.py", "type(value) is int"): "the number of a name in an enumeration",
    ("values/fields.py", "int(value)"): "of a Decimal alone",
    ("formats/mapping.py", "int(step)"): "a place in a list",
    ("formats/batches/batch.py", "json.dumps(value, sort_keys=True, default=str)"): "a batch object, of another file",
    ("formats/log_format.py", "json.dumps(self.settings(), default=dict, sort_keys=True)"): "settings",
    ("formats/gateways/nginx.py", "Decimal(str(seconds or 0))"): "a duration",
    ("formats/gateways/nginx_escapes.py", "b'\\\\u%04x' % byte[0]"): "a byte",
    ("formats/spans/listed_spans.py", "int(decimal)"): "the id of a span",
    ("formats/spans/written_spans.py", "int(value)"): "of a Decimal alone",
    ("formats/tools/har.py", "json.dumps(of, default=str)"): "of an archive, which no rule is for",
    ("formats/tools/posthog.py", "Decimal(taken[0])"): "a duration",
    ("refused.py", "range(_DEPTH_MAX)"): "a depth",
    ("formats/gateways/agentgateway.py", "int(taken[1])"): "a duration",
    ("formats/gateways/nginx.py", "int(taken * _SECOND_US)"): "a duration",
    ("formats/tools/posthog.py", "int(Decimal(taken[0]) * _SECOND_US)"): "a duration",
}
"""What is told by its exact type, made a whole number or taken as it is, and why it is no count or loses nothing."""
_OF_INSTANTS = "formats/instants.py"
_TAKE_IT_AS_IT_IS = ("Decimal", "range", "dumps")
"""What is written in C and asks a whole number of a subclass nothing, so that nothing is noted."""


def _is_int(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "int"


def _asks_for_type(node: ast.AST) -> bool:
    """Tell ``type(…) is int``, and the like."""
    if not isinstance(node, ast.Compare) or not isinstance(node.left, ast.Call):
        return False
    is_type = isinstance(node.left.func, ast.Name) and node.left.func.id == "type"
    return is_type and any(_is_int(each) for other in node.comparators for each in ast.walk(other))


def _takes_it_as_it_is(node: ast.AST) -> bool:
    """Tell ``Decimal(…)``, ``json.dumps(…)``, and the like, and ``"%d" % …``."""
    if isinstance(node, ast.Call):
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        return name in _TAKE_IT_AS_IT_IS
    left = node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) else None
    return isinstance(left, ast.Constant) and isinstance(left.value, str | bytes)


def _found(source: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(source)))
    calls = [node for node in nodes if isinstance(node, ast.Call) and _is_int(node.func)]
    return {ast.unparse(node) for node in (*calls, *filter(_asks_for_type, nodes), *filter(_takes_it_as_it_is, nodes))}


def test_counts_are_told_and_made_in_ways_that_a_trace_notes() -> None:
    found = {
        (name, code)
        for path in READING
        if (name := path.relative_to(COLLECTORS).as_posix()) != _OF_INSTANTS
        for code in _found(path.read_text(encoding="utf-8"))
    }
    assert found == set(OF_NO_COUNT), "use is_integer and whole_number of values.traced, or say why it is no count"


@pytest.mark.parametrize(
    "code",
    [
        *("type(a) is int", "type(a) is not int", "type(a) in (int, str)", "int(a)"),
        *("Decimal(a)", "range(a)", "json.dumps({'a': a})", "'%d' % a", "b'%d' % a"),
    ],
)
def test_what_a_trace_does_not_notice_is_found(code: str) -> None:
    assert _found(f"def f(a):\n    return not ({code})") == {code}
    assert not _found("def f(a):\n    return isinstance(a, int) and type(a) is str")
