"""2,190 real exchanges of every family, compared with what a slow and full parse of each body found.

The truth keeps the usage of a body as it was stated. What that is worth is worked out here once more, family by family,
without the code that is tested.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pipeline.base.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = Path(os.environ.get("TALLYBOOK_CORPUS", Path(__file__).resolve().parents[4] / "shared" / "corpus"))
NAMES = ("prompt_tokens", "completion_tokens", "prompt_cached_tokens", "prompt_cache_write_tokens", "reasoning_tokens")

pytestmark = pytest.mark.skipif(
    not (CORPUS / "truth.jsonl.zst").exists(),
    reason="the corpus of real exchanges is not here; TALLYBOOK_CORPUS names its folder",
)


class Counts(NamedTuple):
    """Tokens as they are billed, parts within their wholes; a part that is not stated is zero, a whole is ``None``."""

    prompt: int | None
    completion: int | None
    cached: int = 0
    written: int = 0
    reasoning: int = 0


def _number(usage: dict[str, Any], *path: str) -> int:
    value: Any = usage
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value or 0


def _chat(usage: dict[str, Any], _: str) -> Counts:
    prompt, completion = usage["prompt_tokens"], usage["completion_tokens"]
    cached = max(
        *(_number(usage, details, "cached_tokens") for details in ("prompt_tokens_details", "prompt_token_details")),
        _number(usage, "prompt_cache_hit_tokens"),
    )
    written = max(
        _number(usage, "prompt_tokens_details", name) for name in ("cache_write_tokens", "cache_creation_tokens")
    )
    reasoning = max(
        _number(usage, details, "reasoning_tokens")
        for details in ("completion_tokens_details", "completion_token_details")
    )
    if cached > prompt:  # of a hidden preamble, as Grok behind Azure counts it
        cached = written = 0
    return Counts(prompt, completion, cached, written, reasoning)


def _responses(usage: dict[str, Any], _: str) -> Counts:
    return Counts(
        usage["input_tokens"],
        usage["output_tokens"],
        _number(usage, "input_tokens_details", "cached_tokens"),
        _number(usage, "input_tokens_details", "cache_write_tokens"),
        _number(usage, "output_tokens_details", "reasoning_tokens"),
    )


def _anthropic(usage: dict[str, Any], _: str) -> Counts:
    steps = [usage, *(step for step in usage.get("iterations") or [] if step["type"] == "compaction")]
    cached, written = (
        sum(_number(step, name) for step in steps)
        for name in ("cache_read_input_tokens", "cache_creation_input_tokens")
    )
    return Counts(
        sum(step["input_tokens"] for step in steps) + cached + written,
        sum(step["output_tokens"] for step in steps),
        cached,
        written,
        _number(usage, "output_tokens_details", "thinking_tokens"),
    )


def _gemini(usage: dict[str, Any], line: str) -> Counts:
    thoughts = _number(usage, "thoughtsTokenCount")
    is_searched = "webSearchQueries" in line
    prompt = usage["promptTokenCount"] + (0 if is_searched else _number(usage, "toolUsePromptTokenCount"))
    completion = _number(usage, "candidatesTokenCount") + thoughts
    whole = prompt + completion + (_number(usage, "toolUsePromptTokenCount") if is_searched else 0)
    assert usage.get("totalTokenCount", whole) == whole  # embeddings state none
    return Counts(prompt, completion, _number(usage, "cachedContentTokenCount"), 0, thoughts)


def _converse(usage: dict[str, Any], _: str) -> Counts:
    cached, written = _number(usage, "cacheReadInputTokens"), _number(usage, "cacheWriteInputTokens")
    prompt = usage["inputTokens"] + cached + written
    assert usage["totalTokens"] == prompt + usage["outputTokens"]
    return Counts(prompt, usage["outputTokens"], cached, written)


def _cohere(usage: dict[str, Any], _: str) -> Counts:
    billed = usage["billed_units"]
    reasoning = _number(usage, "tokens", "reasoning_tokens")
    return Counts(
        billed["input_tokens"],
        billed["output_tokens"],
        reasoning=reasoning if reasoning <= billed["output_tokens"] else 0,
    )


def _plain(usage: dict[str, Any], _: str) -> Counts:
    return Counts(usage["prompt_tokens"], usage["completion_tokens"])


NORMAL: dict[str, Callable[[dict[str, Any], str], Counts]] = {
    "openai-chat": _chat,
    "openai-completions": _plain,
    "openai-responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "bedrock-converse": _converse,
    "cohere-v2": _cohere,
    "ollama": _plain,
}
"""What the stated usage of a family is worth, from it and the line in which it stands."""


@pytest.fixture(scope="module")
def truth() -> dict[str, dict[str, Any]]:
    with zstd.open(CORPUS / "truth.jsonl.zst", "rt", encoding="utf-8") as lines:
        return {line["request_id"]: line for line in map(json.loads, lines)}


@pytest.fixture(scope="module")
def lines() -> dict[str, str]:
    with zstd.open(CORPUS / "requests.jsonl.zst", "rt", encoding="utf-8", newline="\n") as texts:
        return {json.loads(text)["request_id"]: text for text in texts}


@pytest.fixture(scope="module")
def collected(collect_file: Any) -> Any:
    return collect_file(CORPUS / "requests.jsonl.zst")


@pytest.fixture(scope="module")
def events(collected: Any) -> dict[str, dict[str, Any]]:
    return {event["request_id"]: event for event in collected.events}


def _stating(truth: dict[str, dict[str, Any]], family: str) -> list[dict[str, Any]]:
    """Return the exchanges of a family that state a usage which is a generation's: no cache that was only made."""
    return [
        line
        for line in truth.values()
        if line["family"] == family and line["has_usage"] and line["usage_raw"].keys() != {"totalTokenCount"}
    ]


def _is_half(line: dict[str, Any]) -> bool:
    return line["family"] == "bedrock-converse" and "outputTokens" not in line["usage_raw"]


def test_every_exchange_is_read_and_none_is_quarantined(collected: Any) -> None:
    (record,) = collected.records
    assert (record.lines, record.blank, collected.reading.pending_bytes) == (2190, 0, 0)
    assert record.quarantined == {}


@pytest.mark.parametrize(
    ("family", "exchanges"),
    [
        ("openai-chat", 843),
        ("openai-completions", 74),
        ("openai-responses", 256),
        ("anthropic", 203),
        ("gemini", 163),
        ("bedrock-converse", 81),
        ("cohere-v2", 75),
        ("ollama", 30),
    ],
)
def test_every_count_of_every_family_equals_the_truth(
    events: Any, truth: Any, lines: Any, family: str, exchanges: int
) -> None:
    stating = _stating(truth, family)
    assert len(stating) == exchanges
    for line in stating:
        if _is_half(line):
            continue
        event = events[line["request_id"]]
        assert event["status"] == "measured", line["key"]
        stated = NORMAL[family](line["usage_raw"], lines[line["request_id"]])
        wholes, parts = NAMES[:2], NAMES[2:]
        assert [event[name] for name in wholes] == list(stated[:2]), line["key"]
        assert [event[name] or 0 for name in parts] == list(stated[2:]), line["key"]


def test_what_states_usage_is_never_unknown_but_for_a_converse_that_states_its_input_alone(
    events: Any, truth: Any
) -> None:
    unknown = [
        line for line in truth.values() if line.get("has_usage") and events[line["request_id"]]["status"] == "unknown"
    ]
    assert len(unknown) == 3
    assert all(_is_half(line) for line in unknown)
    assert {events[line["request_id"]]["other_usage"] for line in unknown} == {'{"prompt_tokens":30}'}


def test_every_id_and_model_of_a_completion_equals_the_truth(events: Any, truth: Any) -> None:
    compared = 0
    for line in truth.values():
        event = events[line["request_id"]]
        if line["family"] not in NORMAL or event["status"] in {"failed", "not_metered"}:
            continue
        if line.get("id") == "" and line["id_count"] == 2:
            assert event["response_id"].startswith("chatcmpl-")  # Azure's first chunk has neither; the truth took that
            continue
        compared += 1
        assert event["response_id"] == (line["id"] or None), line["key"]
        assert event["model_reported"] == (line["model"] or None), line["key"]
        assert event["stream"] is line["stream"], line["key"]
    assert compared > 1800


def test_conventions_are_found_exactly_where_they_are_needed(events: Any) -> None:
    conventions = Counter(
        event["dialect"] for event in events.values() if event["status"] == "measured" and "/" in event["dialect"]
    )
    assert conventions == {
        "openai-chat/cached-unknown": 32,
        "openai-chat/audio-apart": 2,
        "anthropic/compaction": 1,
        "gemini/grounded": 2,
        "cohere-v2/billed-units": 75,
        "ollama/prompt-unknown": 9,
    }
    hidden = [event for event in events.values() if event["dialect"] == "openai-chat/cached-unknown"]
    assert all(event["model_reported"].startswith("grok") for event in hidden)


def test_streams_without_usage_are_estimated_never_zero_and_no_prompt_is_made_up(events: Any, truth: Any) -> None:
    without = [
        events[line["request_id"]]
        for line in truth.values()
        if line["family"] == "openai-chat" and not line["has_usage"]
    ]
    assert Counter(event["status"] for event in without) == {"estimated": 119}
    assert all(event["prompt_tokens"] is None and event["completion_tokens"] for event in without)


def test_polls_of_runs_are_not_metered_and_what_they_state_is_kept(events: Any, truth: Any) -> None:
    runs = [line for line in truth.values() if line["family"] == "openai-run"]
    assert Counter(events[line["request_id"]]["status"] for line in runs) == {"not_metered": 222}
    for line in runs:
        others = json.loads(events[line["request_id"]]["other_usage"] or "{}")
        stated = line["usage_raw"] or {}
        assert others == {name: stated[name] for name in NAMES[:2] if stated.get(name)}, line["key"]


def test_errors_are_failed(events: Any, truth: Any) -> None:
    errors = [events[line["request_id"]]["status"] for line in truth.values() if line["family"] is None]
    assert Counter(errors) == {"failed": 47, "not_metered": 30}


def test_all_three_recordings_of_ai21_studio_are_measured(events: Any, truth: Any) -> None:
    ai21 = [events[line["request_id"]] for line in truth.values() if line["provider_guess"] == "ai21"]
    assert sorted((event["stream"], event["prompt_tokens"], event["completion_tokens"]) for event in ai21) == [
        (False, 30, 162),
        (False, 30, 187),
        (True, 30, 184),
    ]
