"""An answer of the server that cannot be read is asked for again, a few times; then it is refused, and why is said."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from sql_cases import CASES, tables_of
from test_golden_cases_on_spark import asked, assert_comes_out

from pipeline.base.errors import EngineRefused
from pipeline.warehouse.engines import on_spark
from pipeline.warehouse.engines.on_spark import OnSpark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CASE = next(case for case in CASES if case.parent.name == "usage_daily")
"""One that asks for what lies in a table, and of which type its columns are."""


@pytest.fixture
def garbled(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many answers of each kind are still to be garbled on their way."""
    from grpc import _common  # noqa: PLC0415  # an extra

    left: Counter[str] = Counter()
    read = _common.deserialize

    def deserialize(answer: bytes, reader: Callable[[bytes], Any]) -> Any:
        kind = type(reader(answer)).__name__
        if left[kind] > 0:
            left[kind] -= 1
            answer = b"\xff" + answer
        return read(answer, reader)

    monkeypatch.setattr(_common, "deserialize", deserialize)
    return left


@pytest.mark.parametrize("kind", ["AnalyzePlanResponse", "ConfigResponse"])
def test_an_answer_that_cannot_be_read_is_asked_for_again(
    kind: str, garbled: Counter[str], sail: str, tmp_path: Path
) -> None:
    garbled[kind] = 2
    assert_comes_out(CASE, OnSpark(remote=sail, lake=tmp_path))
    assert garbled[kind] == 0


def test_what_never_can_be_read_is_refused(
    garbled: Counter[str], sail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_spark, "_RETRIES_MAX", 1)
    given, expected = tables_of(CASE)
    garbled["AnalyzePlanResponse"] = 10**6
    with pytest.raises(EngineRefused, match="Exception deserializing response!"):
        asked(CASE, given, expected.schema, OnSpark(remote=sail, lake=tmp_path))
