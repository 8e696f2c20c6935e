"""The plain reader looks at no value that a pattern ignores: it is watched while it reads."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from fuzzing import LineMaker

from pipeline.collectors import LogFormat, strict_json
from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.fast.patterns.learning import Unlearnable, learned
from pipeline.collectors.fast.patterns.samples import uses_of_sample
from pipeline.collectors.fast.patterns.uses import DOCUMENT, Elements, uses_of_line
from pipeline.collectors.logs.lines import Line
from pipeline.usage.events import LOGGED

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = LogFormat()
GENERATED = {"content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call", "audio", "images"}
WITHOUT_USAGE = {
    "ts": {"response_headers"},
    "choices": {"delta", "message", "text", "index"},
    "delta": GENERATED,
    "message": GENERATED,
}
"""What is asked for, and tells nothing of a stream that states its usage."""


class Watched(dict[str, Any]):
    """An object that remembers which values were asked for, and under which key it lies itself."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.asked: set[str] = set()
        self.place = "ts" if "ts" in self else "body"
        for key, value in pairs:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, Watched):
                    child.place = "body" if key == "response" else key

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[Watched]:
    """Return the objects that the plain reader makes of a line."""
    made: list[Watched] = []

    def watch(pairs: list[tuple[str, Any]]) -> Watched:
        made.append(Watched(pairs))
        return made[-1]

    monkeypatch.setattr(strict_json, "_STRICT", json.JSONDecoder(object_pairs_hook=watch))
    return made


def known(uses: Mapping[str, Any], place: str, names: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the names of all fields that have a use, by the key of the object in which they lie."""
    names[place] |= set(uses)
    for key, use in uses.items():
        inner = use.use if isinstance(use, Elements) else use
        if isinstance(inner, dict):
            known(inner, key, names)
    return names


def is_learnable(content: bytes, uses: Mapping[str, Any]) -> bool:
    """Tell whether a pattern is made of a line."""
    with suppress(Unlearnable):
        return bool(learned(content, uses))
    return False


def test_every_value_that_is_asked_for_has_a_use(watched: list[Watched]) -> None:
    line_uses = uses_of_line(FORMAT, stated=())
    assert line_uses is not None
    names = known(line_uses, "ts", defaultdict(set))
    names["ts"] |= {f"request.{name}" for name in line_uses["request"]}  # a name with dots wins over a path
    names["ts"] |= {str(column.log_field) for column in LOGGED}
    known(DOCUMENT, "body", names)
    for place, more in WITHOUT_USAGE.items():
        names[place] |= more
    maker, learnable = LineMaker("uses"), 0
    for number in range(1, 1500):
        content = maker.made().content
        watched.clear()
        rows = decode_line(
            Line(number, 0, len(content) + 1, content),
            source="s",
            log_format=FORMAT,
            fingerprint=lambda raw: f"key_{len(raw)}",
        )
        asked = [(each.place, each.asked.copy()) for each in watched]
        row = rows[0] if len(rows) == 1 else None
        uses = uses_of_sample(content, row.values, FORMAT) if isinstance(row, EventRow) else None
        if uses is None or not is_learnable(content, uses):
            continue
        learnable += 1
        for place, fields in asked:
            assert fields <= names[place], (place, fields - names[place])
    assert learnable > 300


def test_a_field_within_another_one_has_no_use() -> None:
    assert uses_of_line(LogFormat(fields={"request_id": "response.id"}), stated=()) is None
    assert uses_of_line(LogFormat(fields={"request_id": "ts"}), stated=()) is None
    assert uses_of_line(LogFormat(fields={"request_id": "meta.id"}), stated=()) is not None


def test_a_name_with_dots_wins_over_a_path() -> None:
    uses = uses_of_line(LogFormat(fields={"status": "http.status"}), stated={"http.status"})
    assert uses is not None
    assert "http.status" in uses
    assert "http" not in uses
