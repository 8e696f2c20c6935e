"""Ollama's own API: counts beside ``done: true``."""

from __future__ import annotations

from typing import Any

import pytest
from readings import json_lines, read, tokens, ways

CHAT, GENERATE = "/api/chat", "/api/generate"
COUNTS = {"prompt_eval_count": 26, "eval_count": 41}


def _line(text: str, *, done: bool = False, **fields: Any) -> dict[str, Any]:
    return {"model": "qwen3:4b", "message": {"role": "assistant", "content": text}, "done": done} | fields


def _last(**fields: Any) -> dict[str, Any]:
    return _line("", done=True, done_reason="stop", total_duration=9_000_000, **fields)


def test_the_counts_stand_beside_what_is_done() -> None:
    assert tokens(_line("Mist.", done=True, **COUNTS), path=CHAT) == (26, 41, None, None, None)
    generated = {"model": "qwen3:4b", "response": "Mist.", "done": True, "context": [1, 2]} | COUNTS
    assert tokens(generated, path=GENERATE)[:2] == (26, 41)


def test_model_and_reason_are_those_of_the_answer_and_there_is_no_id() -> None:
    reading = read(_last(**COUNTS), path=CHAT)
    assert (reading.dialect, reading.model_reported, reading.finish_reason) == ("ollama", "qwen3:4b", "stop")
    assert reading.response_id is None


@pytest.mark.parametrize("way", ways())
def test_of_a_stream_the_last_line_states_the_usage(way: str) -> None:
    body = ways(_line("Mi"), _line("st."), _last(**COUNTS))[way]
    assert tokens(body, path=CHAT)[:2] == (26, 41)
    assert read(body, path=CHAT).is_stream is True


def test_a_prompt_that_was_left_out_is_unknown_and_never_zero() -> None:
    body = _last(eval_count=41)
    assert tokens(body, path=CHAT) == (None, 41, None, None, None)
    assert read(body, path=CHAT).dialect == "ollama/prompt-unknown"


def test_what_was_cached_is_a_part_of_the_prompt() -> None:
    assert tokens(_last(**COUNTS, prompt_eval_cached_count=20), path=CHAT) == (26, 41, 20, None, None)


def test_counts_of_a_line_that_is_not_done_are_no_usage() -> None:
    body = json_lines(_line("Mi", **COUNTS), _line("st."))
    assert read(body, path=CHAT).status.value == "estimated"


def test_neither_count_is_unknown() -> None:
    assert read(_line("Mist.", done=True), path=CHAT).status.value == "unknown"


def test_a_stream_that_was_cut_is_estimated_from_text_thinking_and_tool_calls() -> None:
    thinking = {"message": {"role": "assistant", "content": "", "thinking": "First"}}
    calls = {"message": {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "look_up"}}]}}
    body = json_lines(_line("") | thinking, _line("") | calls, _line("Mi"), _line(""))
    reading = read(body, path=CHAT)
    assert (reading.status.value, reading.content_chunks) == ("estimated", 3)


def test_a_last_line_that_was_cut_says_nothing() -> None:
    body = json_lines(_line("Mi"), _line("st."), _last(**COUNTS)).rstrip("\n")[:-20]
    assert read(body, path=CHAT).status.value == "estimated"


def test_an_error_line_fails_the_stream() -> None:
    assert read(json_lines(_line("Mi"), {"error": "an error was encountered"}), path=CHAT).status.value == "failed"


@pytest.mark.parametrize("path", ["/ai/ask", None])
def test_it_is_known_by_its_body(path: str | None) -> None:
    assert tokens(json_lines(_line("Mi"), _last(**COUNTS)), path=path)[:2] == (26, 41)


@pytest.mark.parametrize("http_status", [499, 500])
def test_stated_usage_counts_under_any_status(http_status: int) -> None:
    assert tokens(_last(**COUNTS), path=CHAT, status=http_status)[:2] == (26, 41)


def test_its_compatible_api_is_chat() -> None:
    choices = [{"index": 0, "message": {"role": "assistant", "content": "Mist."}, "finish_reason": "stop"}]
    body = {"id": "chatcmpl-150", "object": "chat.completion", "choices": choices}
    body |= {"usage": {"prompt_tokens": 26, "completion_tokens": 41, "total_tokens": 67}}
    assert read(body, path="/v1/chat/completions").dialect == "openai-chat"
