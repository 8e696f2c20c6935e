"""No character of a name acts on a terminal, and none that shows is lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.visible import visible, visible_in_json


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\rb\nc\td", r"a\rb\nc\td"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
        ("\u2066x\u2069", r"\u2066x\u2069"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("a\u3164b\ufe0f", r"a\u3164b\ufe0f"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("\udcff", r"\udcff"),
        ("\u2028", r"\u2028"),
    ],
)
def test_what_acts_or_shows_nothing_is_written_out(text: str, seen: str) -> None:
    assert visible(text) == seen


@pytest.mark.parametrize("text", ["Dōjō Robotics", "日本語", "Cedar & Sons", "מודל", "a\u00a0b", "e\u0301", "🦙"])
def test_names_of_any_language_stay_as_they_are(text: str) -> None:
    assert visible(text) == text


@given(st.text(st.characters(codec=None)))
def test_what_is_visible_holds_nothing_that_acts_and_stays_so(text: str) -> None:
    seen = visible(text)
    assert not {character for character in seen if ord(character) < 32 or 0x7F <= ord(character) < 0xA0}
    assert visible(seen) == seen
    seen.encode()


@given(st.text(st.characters(codec=None)))
def test_json_that_is_visible_says_the_same(text: str) -> None:
    written = visible_in_json(json.dumps({"name": text}, indent=1, ensure_ascii=False))
    assert json.loads(written) == {"name": text}
    assert "".join(written.split("\n")).isprintable() or "\u00a0" in text or any(c.isspace() for c in text)
