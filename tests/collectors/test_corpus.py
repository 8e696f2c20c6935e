"""2,190 real exchanges, compared with what a slow and full parse of each body found."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import zstandard

CORPUS = Path(os.environ.get("TALLYBOOK_CORPUS", Path(__file__).resolve().parents[3] / "shared" / "corpus"))
OTHER_FAMILIES = {"openai-completions", "openai-responses", "anthropic", "gemini", "bedrock-converse", "cohere-v2", "ollama"}

pytestmark = pytest.mark.skipif(not (CORPUS / "truth.jsonl.zst").exists(), reason="the corpus of real exchanges is not here; TALLYBOOK_CORPUS names its folder")


@pytest.fixture(scope="module")
def truth() -> dict[str, dict[str, Any]]:
    with zstandard.open(CORPUS / "truth.jsonl.zst", "rt", encoding="utf-8") as lines:
        return {line["request_id"]: line for line in map(json.loads, lines)}


@pytest.fixture(scope="module")
def collected(collect_file: Any) -> Any:
    return collect_file(CORPUS / "requests.jsonl.zst")


@pytest.fixture(scope="module")
def events(collected: Any) -> dict[str, dict[str, Any]]:
    return {event["request_id"]: event for event in collected.events}


def test_every_exchange_is_read_and_none_is_quarantined(collected: Any, events: Any) -> None:
    (record,) = collected.records
    assert (record.lines, record.blank, collected.reading.pending_bytes) == (2190, 0, 0)
    assert not record.quarantined
    odd = {event["model_requested"] for event in events.values() if "%" in (event["model_requested"] or "")}
    assert len(odd) == 1
    assert odd.pop().startswith("projects/%3CGOOGLE_CLOUD_PROJECT%3E/")


def test_every_count_of_a_chat_completion_equals_the_truth(events: Any, truth: Any) -> None:
    chat = [line for line in truth.values() if line["family"] == "openai-chat" and line["has_usage"]]
    assert len(chat) == 843
    for line in chat:
        event = events[line["request_id"]]
        apart = (line["cached_tokens"] or 0) if event["dialect"] == "openai-chat/cached-apart" else 0
        assert event["status"] == "measured"
        assert event["prompt_tokens"] == line["prompt_tokens"] + apart, line["key"]
        assert event["completion_tokens"] == line["completion_tokens"], line["key"]
        assert (event["prompt_cached_tokens"] or 0) == (line["cached_tokens"] or 0), line["key"]


def test_every_id_and_model_of_a_chat_completion_equals_the_truth(events: Any, truth: Any) -> None:
    for line in truth.values():
        if line["family"] != "openai-chat":
            continue
        event = events[line["request_id"]]
        assert event["model_requested"] == line["request_model"] or event["model_requested"] is None, line["key"]
        assert event["stream"] is line["stream"], line["key"]
        if line["id"] == "" and line["id_count"] == 2:
            assert event["response_id"].startswith("chatcmpl-")  # Azure's first chunk has neither; the truth took that
            continue
        assert (event["response_id"], event["model_reported"]) == (line["id"] or None, line["model"] or None), line["key"]


def test_conventions_are_found_exactly_where_they_are_needed(events: Any) -> None:
    conventions = Counter(event["dialect"] for event in events.values() if event["status"] == "measured")
    assert conventions == {"openai-chat": 809, "openai-chat/cached-apart": 32, "openai-chat/audio-apart": 2}
    apart = [event for event in events.values() if event["dialect"] == "openai-chat/cached-apart"]
    assert all(event["model_reported"].startswith("grok") for event in apart)


def test_streams_without_usage_are_estimated_or_unknown_never_zero(events: Any, truth: Any) -> None:
    without = [events[line["request_id"]] for line in truth.values() if line["family"] == "openai-chat" and not line["has_usage"]]
    assert Counter(event["status"] for event in without) == {"estimated": 88, "unknown": 31}
    assert all(event["prompt_tokens"] is None for event in without)


def test_other_families_are_recognised_and_have_no_tokens(events: Any, truth: Any) -> None:
    for line in truth.values():
        event = events.get(line["request_id"])
        if line["family"] not in OTHER_FAMILIES or event is None:
            continue
        assert (event["status"], event["dialect"]) in {("unknown", line["family"]), ("not_metered", None)}, line["key"]
        assert {event[name] for name in event if name.endswith("_tokens")} == {None}


def test_polls_are_not_metered_and_errors_are_failed(events: Any, truth: Any) -> None:
    runs = [events[line["request_id"]]["status"] for line in truth.values() if line["family"] == "openai-run"]
    assert Counter(runs) == {"not_metered": 222}
    errors = [events[line["request_id"]]["status"] for line in truth.values() if line["family"] is None]
    assert Counter(errors) == {"failed": 41, "not_metered": 36}


def test_all_three_recordings_of_ai21_studio_are_measured(events: Any, truth: Any) -> None:
    ai21 = [events[line["request_id"]] for line in truth.values() if line["provider_guess"] == "ai21"]
    assert sorted((event["stream"], event["prompt_tokens"], event["completion_tokens"]) for event in ai21) == [
        (False, 30, 162),
        (False, 30, 187),
        (True, 30, 184),
    ]
