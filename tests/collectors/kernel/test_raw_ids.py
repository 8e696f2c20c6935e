"""Ids that look like raw keys are found among many ids as the plain rule finds them one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.base.raw_keys import BEGINNINGS, is_raw_key
from pipeline.collectors import LogFormat
from pipeline.collectors.kernel.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHARACTERS = st.text("ask-_.J8wKzA19Qy", max_size=8)
_TEXTS = st.lists(st.sampled_from(BEGINNINGS) | _CHARACTERS).map("".join)


_PROGRAM: list[Program] = []


@pytest.fixture(autouse=True, scope="module")
def _program() -> Iterator[None]:
    _PROGRAM.append(Program(LogFormat()))
    yield
    _PROGRAM.clear()  # before the interpreter goes, as wasmtime wants it


def _found(text: str) -> list[int]:
    _PROGRAM[0]._at["texts"][: len(text)] = np.frombuffer(text.encode(), np.uint8)  # noqa: SLF001 - where ids are put
    found: list[int] = _PROGRAM[0].beginnings_in(len(text)).tolist()
    return found


@pytest.mark.long
@given(_TEXTS)
@example("")
@example("k-")
@example("sk-")
@example("k-sk")
def test_the_beginnings_of_keys_are_found_wherever_they_stand(text: str) -> None:
    assert _found(text) == _ends_in(text)


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_what_ends_as_a_beginning_is_none(beginning: str) -> None:
    for size in range(len(beginning)):
        text = "." + beginning[len(beginning) - size :]
        assert _found(text) == _ends_in(text)


def _ends_in(text: str) -> list[int]:
    return sorted({at + len(each) for each in BEGINNINGS for at in range(len(text)) if text.startswith(each, at)})


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_raw_key_of_every_form_has_a_beginning(beginning: str) -> None:
    raw = beginning + "aB3" * 14
    assert is_raw_key(raw)
    assert len(beginning) in _found(raw)
    assert not is_raw_key(beginning + "a" * 15)


@pytest.mark.long
@given(st.from_regex(r"[ -~]{0,4}(?:sk-|gsk_|eyJ|gh[pousr]_|fw_|ABSK|ya29\.|AQ\.)[A-Za-z0-9]{14,40}", fullmatch=True))
def test_what_is_a_raw_key_has_a_beginning(text: str) -> None:
    assert _found(text) or not is_raw_key(text)


def test_ids_without_the_beginning_of_a_key_cost_no_look_at_each() -> None:
    assert _found("6f1c2e1a-7b3d-4f60-9a51-0c52be8847d1chatcmpl-BxYz01resp_67ccd2bed1ec8190b14f") == []


def test_the_kernel_has_room_for_all_beginnings() -> None:
    rows = _PROGRAM[0]._at["key_beginnings"]  # noqa: SLF001 - where they are put
    assert {bytes(row[-int(row[0]) :]).decode() for row in rows if row[0]} == set(BEGINNINGS)


def test_nothing_is_found_behind_the_ids() -> None:
    assert _found("sk-") == [3]
    assert _found("sk") == []


def test_more_beginnings_than_there_is_room_for_at_once_are_found() -> None:
    text = "sk-" * 300_000 + "x" * 40
    assert _found(text) == [3 * number + 3 for number in range(300_000)]
