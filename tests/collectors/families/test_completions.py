"""Text completions: chat's counts beside another text."""

from __future__ import annotations

from typing import Any

import pytest
from readings import read, tokens, ways

PATH = "/v1/completions"


def _completion(usage: dict[str, Any] | None, texts: tuple[str, ...] = ("a tale",)) -> dict[str, Any]:
    choices = [{"index": at, "text": text, "finish_reason": "length"} for at, text in enumerate(texts)]
    return {"id": "cmpl-1", "object": "text_completion", "model": "davinci-002", "choices": choices, "usage": usage}


def test_the_counts_are_those_of_chat() -> None:
    body = _completion({"prompt_tokens": 14, "completion_tokens": 32, "total_tokens": 46})
    reading = read(body, path=PATH)
    assert tokens(body, path=PATH) == (14, 32, None, None, None)
    assert (reading.dialect, reading.response_id, reading.model_reported) == (
        "openai-completions",
        "cmpl-1",
        "davinci-002",
    )
    assert reading.finish_reason == "length"


def test_a_completion_that_is_absent_is_zero_where_the_total_is_the_prompt() -> None:
    assert tokens(_completion({"prompt_tokens": 14, "total_tokens": 14}, ("",)), path=PATH)[:2] == (14, 0)
    assert read(_completion({"prompt_tokens": 14, "total_tokens": 20}), path=PATH).status.value == "unknown"


def test_one_usage_covers_all_choices() -> None:
    body = _completion({"prompt_tokens": 14, "completion_tokens": 90, "total_tokens": 104}, ("a", "b", "c"))
    assert tokens(body, path=PATH, request={"model": "davinci-002", "n": 3})[:2] == (14, 90)
    assert read(body, path=PATH).choices == 3


@pytest.mark.parametrize("way", ways())
def test_a_stream_that_was_asked_to_states_its_usage_in_the_last_chunk(way: str) -> None:
    chunks = [_completion(None, ("once",)), _completion(None, (" upon",))]
    last = _completion({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}, ())
    assert tokens(ways(*chunks, last)[way], path=PATH)[:2] == (5, 2)


def test_a_stream_that_was_not_asked_to_is_estimated_by_chunks_with_text() -> None:
    chunks = [_completion(None, (text,)) for text in ("", "once", " upon", "", " a time", "")]
    reading = read(ways(*chunks)["transcript that ends in [DONE]"], path=PATH)
    assert (reading.status.value, reading.dialect, reading.content_chunks) == ("estimated", "openai-completions", 3)


@pytest.mark.parametrize("path", [None, "/llm/finish-my-sentence"])
def test_it_is_known_by_its_text_where_no_path_and_no_object_tell(path: str | None) -> None:
    body = _completion({"prompt_tokens": 14, "completion_tokens": 32, "total_tokens": 46})
    del body["object"]
    assert tokens(body, path=path)[:2] == (14, 32)
    assert read(body, path=path).dialect == "openai-completions"


@pytest.mark.parametrize("http_status", [499, 500])
def test_stated_usage_counts_under_any_status(http_status: int) -> None:
    body = _completion({"prompt_tokens": 14, "completion_tokens": 32, "total_tokens": 46})
    assert tokens(body, path=PATH, status=http_status)[:2] == (14, 32)
