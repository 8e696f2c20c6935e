"""A rule that was found for one model's lines goes over to another's only where it is what these would teach."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors import LogFormat
from pipeline.collectors.kernel import rules
from pipeline.collectors.kernel.program import Program
from pipeline.collectors.kernel.rules import Teacher

if TYPE_CHECKING:
    from pipeline.collectors.kernel.rules import Rule

FORMAT = LogFormat()
MODELS = ("m-1", "m-2-large", "sonar-pro", "grok-4", "gemini-2.5-pro", "chat.completion", "measured", "")
"""Some that the plain reader treats like no other, and some that are words of columns."""
_COUNTS = {"prompt_tokens": 30, "completion_tokens": 20}
_SUMMED = _COUNTS | {"total_tokens": 50}
USAGES: dict[str, dict[str, Any]] = {
    "counts": _COUNTS,
    "a total": _SUMMED,
    "cached": _COUNTS | {"prompt_tokens_details": {"cached_tokens": 7}},
    "cached and written": _SUMMED | {"prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 5}},
    "reasoning": _SUMMED | {"completion_tokens_details": {"reasoning_tokens": 9}},
    "Anthropic's": {"input_tokens": 30, "output_tokens": 20, "cache_read_input_tokens": 7},
}


@pytest.fixture(autouse=True)
def _knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_known", {})
    monkeypatch.setattr(rules, "_known_of_forms", {})


def _line(requested: str, reported: str | None, usage: dict[str, Any]) -> bytes:
    """Return the line of an exchange; ``reported``: the model that the answer states, if it states one."""
    answer = {"id": "a", "object": "chat.completion", "choices": [], "usage": usage}
    response = answer if reported is None else answer | {"model": reported}
    line = {"ts": "2026-03-01T06:51:19Z", "api_key_id": "k", "status": 200, "path": "/v1/chat/completions"}
    return json.dumps(line | {"request": {"model": requested}, "response": response}).encode() + b"\n"


@pytest.fixture(scope="module")
def program() -> Program:
    return Program(FORMAT)


def _taught(program: Program, line: bytes) -> Rule | None:
    """Return the rule of a line's shape."""
    told = program.read(line)
    assert len(told.lines) == 1
    return Teacher(FORMAT, program.names).rule_of(program.shape(int(told.shapes[0])), told.holes[:512].tolist())


def _forget(*, forms: bool) -> None:
    rules._known.clear()  # noqa: SLF001 - what was asked before is the matter of these tests
    if forms:
        rules._known_of_forms.clear()  # noqa: SLF001 - likewise


@pytest.mark.parametrize("usage", USAGES.values(), ids=USAGES)
@pytest.mark.parametrize("reports", [None, "the same", "another"])
def test_a_shape_has_the_rule_that_it_teaches_whichever_model_was_asked_of_before(
    program: Program, usage: dict[str, Any], reports: str | None
) -> None:
    lines = [
        _line(model, None if reports is None else model if reports == "the same" else f"{model}-2026", usage)
        for model in MODELS
    ]
    taught = []
    for line in lines:
        _forget(forms=True)
        taught.append(_taught(program, line))
    assert any(taught)
    for first in (0, MODELS.index("gemini-2.5-pro")):
        _forget(forms=True)
        _taught(program, lines[first])
        for line, rule in zip(lines, taught, strict=True):
            _forget(forms=False)
            assert _taught(program, line) == rule


def test_a_second_model_asks_the_plain_reader_less_often(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    row_of = Teacher.row_of

    def noted(teacher: Teacher, sample: bytes) -> Any:
        asked.append(sample)
        return row_of(teacher, sample)

    monkeypatch.setattr(Teacher, "row_of", noted)
    counts: list[int] = []
    for model in MODELS[:3]:
        asked.clear()
        assert _taught(program, _line(model, model, USAGES["a total"])) is not None
        counts.append(len(asked))
    assert counts[1] == counts[2] == 3 < counts[0]
