"""Gemini's ``generateContent``: JSON, transcripts and arrays; thoughts, tool use, grounding."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows
from readings import family_reading, read, tokens, ways

from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.rules import table
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import QuarantineReason

PATH = "/v1beta/models/gemini-2.5-flash:generateContent"
STREAM = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
USAGE = {
    "promptTokenCount": 80,
    "candidatesTokenCount": 25,
    "thoughtsTokenCount": 40,
    "toolUsePromptTokenCount": 15,
    "cachedContentTokenCount": 64,
    "totalTokenCount": 160,
}
SEARCHED = {"groundingMetadata": {"webSearchQueries": ["weather"], "groundingChunks": []}}


def _answer(usage: dict[str, Any] | None, *candidates: dict[str, Any], **fields: Any) -> dict[str, Any]:
    text = {"content": {"role": "model", "parts": [{"text": "Hail."}]}, "finishReason": "STOP", "index": 0}
    answer = {
        "candidates": [text | more for more in candidates or ({},)],
        "usageMetadata": usage,
        "modelVersion": "gemini-2.5-flash-002",
        "responseId": "r-1",
    }
    return answer | fields


def test_prompt_includes_tool_use_and_completion_includes_thoughts() -> None:
    assert tokens(_answer(USAGE), path=PATH) == (95, 65, 64, None, 40)


def test_id_model_reason_and_tier_are_those_of_the_answer() -> None:
    reading = read(_answer(USAGE | {"trafficType": "PROVISIONED_THROUGHPUT"}), path=PATH)
    assert (reading.dialect, reading.response_id, reading.model_reported) == ("gemini", "r-1", "gemini-2.5-flash-002")
    assert (reading.finish_reason, reading.service_tier, reading.choices) == ("STOP", "PROVISIONED_THROUGHPUT", 1)
    assert read(_answer(USAGE | {"serviceTier": "flex"}), path=PATH).service_tier == "flex"


def test_enumerations_may_be_numbers() -> None:
    details = [{"modality": 1, "tokenCount": 60}, {"modality": 4, "tokenCount": 20}]
    body = _answer(USAGE | {"promptTokensDetails": details, "trafficType": 1}, {"finishReason": 1})
    assert tokens(body, path=PATH)[:2] == (95, 65)
    assert (read(body, path=PATH).finish_reason, read(body, path=PATH).service_tier) == ("1", "1")
    stated = family_reading(body).stated
    assert stated is not None
    assert stated.prompt_audio == 20


def test_the_path_names_the_model_where_the_body_does_not() -> None:
    body = _answer(USAGE)
    del body["modelVersion"], body["responseId"]
    reading = read(body, path="/v1beta/models/gemini-2.5-flash%2Dlite:generateContent")
    assert (reading.model_reported, reading.model_in_path, reading.response_id) == (None, "gemini-2.5-flash-lite", None)


def test_what_was_retrieved_by_a_search_is_kept_by_name_outside_the_prompt() -> None:
    body = _answer(USAGE, SEARCHED)
    assert tokens(body, path=PATH) == (80, 65, 64, None, 40)
    reading = read(body, path=PATH)
    assert (reading.dialect, reading.other_usage) == ("gemini/grounded", '{"retrieved_prompt_tokens":15}')


def test_a_search_that_retrieved_nothing_and_tools_without_a_search_change_nothing() -> None:
    usage = {"promptTokenCount": 80, "candidatesTokenCount": 25, "totalTokenCount": 105}
    assert tokens(_answer(usage, SEARCHED), path=PATH)[:2] == (80, 25)
    assert tokens(_answer(USAGE, {"urlContextMetadata": {"urlMetadata": []}}), path=PATH)[0] == 95


def test_absent_candidates_thoughts_tools_and_cache_are_zero() -> None:
    assert tokens(_answer({"promptTokenCount": 9, "totalTokenCount": 9}), path=PATH)[:2] == (9, 0)
    thoughts = {"promptTokenCount": 9, "thoughtsTokenCount": 30, "totalTokenCount": 39}
    assert tokens(_answer(thoughts), path=PATH) == (9, 30, None, None, 30)
    blocked = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
    }
    assert tokens(blocked, path=PATH)[:2] == (9, 0)


def test_an_absent_prompt_is_unknown_and_never_zero() -> None:
    assert tokens(_answer({"candidatesTokenCount": 12, "totalTokenCount": 12}), path=PATH)[:2] == (None, 12)


def test_a_traffic_type_alone_is_no_usage() -> None:
    reading = read(_answer({"trafficType": "ON_DEMAND"}), path=PATH)
    assert (reading.status.value, reading.service_tier) == ("unknown", "ON_DEMAND")


@pytest.mark.parametrize("way", ways())
def test_of_a_stream_the_last_object_counts_whole(way: str) -> None:
    earlier = {
        "promptTokenCount": 300,
        "candidatesTokenCount": 7,
        "cachedContentTokenCount": 200,
        "totalTokenCount": 307,
    }
    last = {"promptTokenCount": 80, "thoughtsTokenCount": 40, "totalTokenCount": 120}
    chunks = [_answer(earlier, {"finishReason": None}), _answer({"trafficType": "ON_DEMAND"}), _answer(last)]
    assert tokens(ways(*chunks)[way], path=STREAM) == (80, 40, None, None, 40)
    assert read(ways(*chunks)[way], path=STREAM).response_id == "r-1"


@pytest.mark.parametrize(
    ("last", "reason", "stated"),
    [
        ({}, "STOP", (80, 65, None, None, 40)),
        ({"totalTokenCount": 80}, "STOP", (80, 65, None, None, 40)),
        ({"totalTokenCount": 145}, "MAX_TOKENS", (80, 65, None, None, 40)),
        ({"totalTokenCount": 80}, 1, (80, 65, None, None, 40)),
        ({"totalTokenCount": 80}, None, (80, 65, None, None, 40)),
        ({"candidatesTokenCount": 0, "totalTokenCount": 80}, "STOP", (80, 65, None, None, 40)),
        ({"cachedContentTokenCount": 30}, "STOP", (80, 65, 30, None, 40)),
        ({"toolUsePromptTokenCount": 9, "totalTokenCount": 89}, "STOP", (89, 65, None, None, 40)),
        ({"candidatesTokenCount": 70, "totalTokenCount": 150}, "STOP", (80, 70, None, None, None)),
        ({"totalTokenCount": 80}, "SAFETY", (80, 0, None, None, None)),
    ],
)
def test_a_last_chunk_that_counts_nothing_generated_takes_none_of_it_back_unless_a_filter_did(
    last: dict[str, int], reason: str | int | None, stated: tuple[int | None, ...]
) -> None:
    counted = {"promptTokenCount": 80, "candidatesTokenCount": 25, "thoughtsTokenCount": 40, "totalTokenCount": 145}
    details = {"candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 25}]}
    chunks = [
        _answer({"promptTokenCount": 80, "candidatesTokenCount": 3, "totalTokenCount": 83}, {"finishReason": None}),
        _answer(counted | details, {"finishReason": None}),
        _answer({"promptTokenCount": 80} | last, {"finishReason": reason}),
    ]
    assert tokens(ways(*chunks)["transcript"], path=STREAM) == stated
    found = family_reading(chunks).stated
    assert found is not None
    assert found.completion_audio == (25 if stated[1] == 65 else None)


def test_a_total_of_a_last_chunk_that_counts_nothing_generated_must_be_one_of_the_two() -> None:
    chunks = [
        _answer({"promptTokenCount": 80, "candidatesTokenCount": 25}, {"finishReason": None}),
        _answer({"promptTokenCount": 80, "totalTokenCount": 99}),
    ]
    with pytest.raises(LineRefused):
        read(ways(*chunks)["transcript"], path=STREAM)


def test_zeros_of_a_later_chunk_take_nothing_back() -> None:
    zeros = {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}
    for chunks in ([_answer(USAGE), _answer(zeros)], [_answer(zeros), _answer(USAGE), _answer(zeros)]):
        assert tokens(ways(*chunks)["transcript"], path=STREAM) == (95, 65, 64, None, 40)


def test_a_total_tells_that_candidates_include_the_thoughts() -> None:
    within = {"promptTokenCount": 80, "candidatesTokenCount": 65, "thoughtsTokenCount": 40, "totalTokenCount": 145}
    assert tokens(_answer(within), path=PATH) == (80, 65, None, None, 40)
    assert read(_answer(within), path=PATH).dialect == "gemini/thoughts-within"
    with_tools = within | {"toolUsePromptTokenCount": 15, "totalTokenCount": 160}
    assert tokens(_answer(with_tools), path=PATH) == (95, 65, None, None, 40)
    assert read(_answer(with_tools, SEARCHED), path=PATH).dialect == "gemini/grounded+thoughts-within"
    with pytest.raises(LineRefused):
        read(_answer(within | {"candidatesTokenCount": 30, "totalTokenCount": 110}), path=PATH)


def test_a_search_in_any_chunk_holds_for_the_stream() -> None:
    chunks = [_answer(None, SEARCHED), _answer(USAGE)]
    assert tokens(ways(*chunks)["array"], path=STREAM)[0] == 80


def test_one_usage_covers_all_candidates() -> None:
    reading = read(_answer(USAGE, {}, {"index": 1}, {"index": 2}), path=PATH)
    assert reading.choices == 3
    assert tokens(_answer(USAGE, {}, {"index": 1}), path=PATH)[:2] == (95, 65)


def test_a_total_that_is_not_its_sum_is_refused_with_the_numbers() -> None:
    with pytest.raises(LineRefused) as refused:
        read(_answer(USAGE | {"totalTokenCount": 161}), path=PATH)
    assert refused.value.reason is QuarantineReason.CONTRADICTORY_USAGE
    assert refused.value.detail == "the stated total 161 is not 95 of the prompt + 65 of the completion"


def test_a_stream_without_usage_is_estimated_by_chunks_with_parts() -> None:
    thought = {"content": {"parts": [{"text": "First", "thought": True}]}}
    call = {"content": {"parts": [{"functionCall": {"name": "look_up", "args": {}}}]}}
    body = ways(_answer(None, thought), _answer(None, call), _answer(None, {"content": {}}))["transcript"]
    reading = read(body, path=STREAM)
    assert (reading.status.value, reading.content_chunks) == ("estimated", 2)


def test_an_error_in_a_stream_fails_it_only_where_no_usage_was_stated() -> None:
    error = {"error": {"code": 503, "status": "UNAVAILABLE"}}
    assert read(ways(_answer(None), error)["array"], path=STREAM).status.value == "failed"
    assert read(ways(_answer(USAGE), error)["array"], path=STREAM).status.value == "measured"


@pytest.mark.parametrize("http_status", [499, 500, 503])
def test_stated_usage_counts_under_any_status(http_status: int) -> None:
    assert tokens(_answer(USAGE), path=PATH, status=http_status)[:2] == (95, 65)


def test_zeros_beside_an_answer_are_no_measurement() -> None:
    zeros = {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}
    assert read(_answer(zeros), path=PATH).status.value == "unknown"


@pytest.mark.parametrize("path", ["/ai/ask", None])
def test_it_is_known_by_its_body_where_no_path_tells(path: str | None) -> None:
    assert tokens(_answer(USAGE), path=path)[:2] == (95, 65)
    assert tokens(ways(_answer(None), _answer(USAGE))["array"], path=path)[:2] == (95, 65)


@pytest.mark.parametrize("path", ["/v1beta/cachedContents", None])
def test_a_cache_that_was_made_is_no_generation(path: str | None) -> None:
    cache = {
        "name": "cachedContents/abc",
        "model": "models/gemini-2.5-flash",
        "usageMetadata": {"totalTokenCount": 9600},
    }
    assert read(cache, path=path).status.value == "not_metered"


@pytest.mark.parametrize("path", ["/v1beta/models/gemini-2.5-flash:countTokens", None])
def test_counting_tokens_is_no_generation(path: str | None) -> None:
    counted = {"totalTokens": 31, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 31}]}
    assert read(counted, path=path).status.value == "not_metered"


def test_grounded_is_what_was_searched_and_retrieved_both() -> None:
    retrieved = USAGE | {"totalTokenCount": 160}
    searched_alone = {name: count for name, count in USAGE.items() if name != "toolUsePromptTokenCount"}
    for usage, more, dialect, prompt in (
        (retrieved, {}, "gemini", 95),
        (retrieved, SEARCHED, "gemini/grounded", 80),
        (searched_alone | {"totalTokenCount": 145}, SEARCHED, "gemini", 80),
    ):
        reading = read(_answer(usage, more), path=PATH)
        assert reading.tokens is not None
        assert (reading.dialect, reading.tokens.prompt_tokens) == (dialect, prompt)
        assert reading.other_usage == ('{"retrieved_prompt_tokens":15}' if dialect == "gemini/grounded" else None)


@pytest.mark.parametrize(
    ("stated", "kept"), [({}, None), ({"at": None}, None), ({"at": 1}, "1"), ({"at": "STOP"}, "STOP")]
)
def test_a_label_may_be_a_number_and_one_that_is_not_stated_is_none(stated: dict[str, Any], kept: str | None) -> None:
    counts = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    for name in ("serviceTier", "trafficType"):
        body = {
            "candidates": [{"content": {}} | dict.fromkeys(["finishReason"] if stated else [], stated.get("at"))],
            "usageMetadata": counts | dict.fromkeys([name] if stated else [], stated.get("at")),
        }
        found = read(body, path="/v1/models/gemini-x:generateContent")
        assert (found.status.value, found.finish_reason, found.service_tier) == ("measured", kept, kept)


def test_audio_that_was_cached_is_cached_and_what_was_spoken_is_audio() -> None:
    usage = {
        "promptTokenCount": 1000,
        "responseTokenCount": 90,
        "totalTokenCount": 1090,
        "cachedContentTokenCount": 400,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 500}, {"modality": "TEXT", "tokenCount": 500}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 300}, {"modality": "TEXT", "tokenCount": 100}],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 70}, {"modality": "TEXT", "tokenCount": 20}],
    }
    stated = family_reading({"serverContent": {"turnComplete": True}, "usageMetadata": usage}).stated
    assert stated is not None
    assert (stated.prompt, stated.completion, stated.cached) == (1000, 90, 400)
    assert (stated.prompt_audio, stated.completion_audio) == (200, 70)


HANDED_IN = {
    "promptTokenCount": 1000,
    "toolUsePromptTokenCount": 90,
    "candidatesTokenCount": 30,
    "totalTokenCount": 1120,
    "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 250}, {"modality": "TEXT", "tokenCount": 750}],
    "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 33}, {"modality": "TEXT", "tokenCount": 57}],
}


@pytest.mark.parametrize(
    ("changed", "audio"),
    [
        ({}, 283),
        ({"promptTokensDetails": None}, 33),
        ({"toolUsePromptTokensDetails": None}, 250),
        ({"cachedContentTokenCount": 300, "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 250}]}, 33),
        ({"toolUsePromptTokenCount": 20, "totalTokenCount": 1050}, 270),
    ],
    ids=["beside the caller's", "alone", "none", "the caller's was cached", "more than there is"],
)
def test_audio_that_tools_handed_in_is_audio_of_the_prompt(changed: dict[str, Any], audio: int) -> None:
    found = read(_answer(HANDED_IN | changed), path=PATH).tokens
    assert found is not None
    assert found.prompt_audio_tokens == audio


def test_audio_that_a_search_retrieved_is_outside_of_the_prompt_as_all_of_it() -> None:
    found = read(_answer(HANDED_IN, SEARCHED), path=PATH).tokens
    assert found is not None
    assert (found.prompt_tokens, found.prompt_audio_tokens) == (1000, 250)


def test_both_readers_say_the_same_of_audio_that_tools_handed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})
    chance = random.Random(1)
    lines = []
    for number in range(60):
        spoken, said, cached = chance.randrange(1, 50), chance.randrange(1, 50), chance.randrange(60)
        usage = HANDED_IN | {
            "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": said}],
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": spoken}],
            "cachedContentTokenCount": 100,
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": cached}],
        }
        line = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r-{number}", "api_key_id": "k", "status": 200}
        lines.append(json.dumps({**line, "path": PATH, "response": _answer(usage)}).encode())
    assert found_rows(by_kernel(lines)) == read_plainly(lines)


SNAKE = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hail."}]}, "finish_reason": "STOP", "index": 0}],
    "usage_metadata": {
        "prompt_token_count": 80,
        "candidates_token_count": 25,
        "thoughts_token_count": 40,
        "tool_use_prompt_token_count": 15,
        "cached_content_token_count": 64,
        "total_token_count": 160,
        "prompt_tokens_details": [{"modality": "AUDIO", "token_count": 20}],
        "tool_use_prompt_tokens_details": [{"modality": "AUDIO", "token_count": 3}],
        "candidates_tokens_details": [{"modality": "AUDIO", "token_count": 5}],
        "traffic_type": "ON_DEMAND",
    },
    "model_version": "gemini-2.5-flash-002",
    "response_id": "r-1",
}


@pytest.mark.parametrize("path", [PATH, "/ai/ask", None])
def test_what_an_sdk_of_google_wrote_in_snake_case_says_the_same(path: str | None) -> None:
    assert tokens(SNAKE, path=path) == (95, 65, 64, None, 40)
    reading = read(SNAKE, path=path)
    assert (reading.dialect, reading.response_id, reading.model_reported) == ("gemini", "r-1", "gemini-2.5-flash-002")
    assert (reading.finish_reason, reading.service_tier) == ("STOP", "ON_DEMAND")
    assert reading.tokens is not None
    assert (reading.tokens.prompt_audio_tokens, reading.tokens.completion_audio_tokens) == (23, 5)
    searched = SNAKE["candidates"][0] | {"grounding_metadata": {"web_search_queries": ["weather"]}}
    assert tokens(SNAKE | {"candidates": [searched]}, path=path)[0] == 80


def test_a_stream_in_snake_case_states_its_usage_last() -> None:
    first = SNAKE | {"usage_metadata": {"prompt_token_count": 80, "candidates_token_count": 1, "total_token_count": 81}}
    assert tokens([first, SNAKE], path=STREAM)[:2] == (95, 65)
    assert tokens([first, {"usage_metadata": SNAKE["usage_metadata"]}], path=STREAM)[:2] == (95, 65)


LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
SAID = {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": "AAAA"}}]}}}
DONE = {"serverContent": {"turnComplete": True}}


def _spoken(prompt: int, answer: int, **more: Any) -> dict[str, Any]:
    usage = {"promptTokenCount": prompt, "responseTokenCount": answer, "totalTokenCount": prompt + answer}
    return {"usageMetadata": usage | more}


def _turns(response: Any, **line: Any) -> list[tuple[str, str | None, int | None, int | None]]:
    whole = read(response, **{"path": LIVE, "method": "GET", "status": 101} | line)
    return [
        (each.status.value, each.part, each.tokens and each.tokens.prompt_tokens, each.tokens.completion_tokens)
        for each in (whole, *whole.parts)
        if each.tokens is not None
    ]


THREE = [("measured", None, 100, 50), ("measured", "turn 1", 180, 60), ("measured", "turn 2", 300, 70)]
COUNTS = (_spoken(100, 50), _spoken(180, 60), _spoken(300, 70))


@pytest.mark.parametrize("way", ways())
@pytest.mark.parametrize(
    "turn",
    [
        lambda usage: [SAID, DONE | usage],
        lambda usage: [{"serverContent": {}} | usage, SAID, DONE | {"usageMetadata": {}}],
        lambda usage: [SAID, DONE, usage],
        lambda usage: [usage, DONE],
        lambda usage: [SAID, DONE | usage, usage, usage],
        lambda usage: [SAID, DONE | usage, {"usageMetadata": usage["usageMetadata"] | {"trafficType": "ON_DEMAND"}}],
    ],
    ids=["with the end", "before the answer", "behind the end", "alone", "stated again", "stated again with more"],
)
def test_each_turn_of_a_live_session_is_charged_for_all_that_its_context_holds(turn: Any, way: str) -> None:
    session = [{"setupComplete": {}}, *(document for usage in COUNTS for document in turn(usage))]
    assert _turns(ways(*session)[way]) == THREE
    assert _turns(ways(*session)[way], path=None, method="POST", status=200) == THREE


def test_a_session_of_an_sdk_in_snake_case_has_the_same_turns() -> None:
    counts = ((100, 50), (180, 60), (300, 70))
    session = [
        {
            "setup_complete": None,
            "server_content": {"model_turn": None, "turn_complete": is_end or None},
            "usage_metadata": {"prompt_token_count": p, "response_token_count": r, "total_token_count": p + r}
            if is_end
            else None,
        }
        for p, r in counts
        for is_end in (False, True)
    ]
    assert _turns(session) == THREE


def test_of_a_turn_the_last_counts_hold_and_one_that_was_cut_counts_as_well() -> None:
    call = {"toolCall": {"functionCalls": [{"id": "c", "name": "look_up", "args": {}}]}}
    session = [_spoken(90, 5) | call, SAID, DONE | COUNTS[0], SAID, DONE | COUNTS[1], SAID | COUNTS[2]]
    assert _turns(session) == THREE
    assert _turns([SAID, DONE, SAID, DONE | COUNTS[0], SAID, DONE]) == THREE[:1]


@pytest.mark.parametrize("end", [False, None, "true", 1])
def test_only_what_ends_a_turn_ends_it_and_a_stream_without_turns_is_one(end: Any) -> None:
    running = [{"serverContent": {"turnComplete": end}} | usage for usage in COUNTS]
    assert _turns(running) == [("measured", None, 300, 70)]
    assert _turns([_answer(None), *COUNTS], path=STREAM, method="POST", status=200) == [("measured", None, 300, 70)]


def test_turns_are_events_of_their_own_with_the_model_of_the_session(collect: Any, exchange: Any) -> None:
    lines = exchange(path=f"{LIVE}?model=gemini-live", response=[DONE | usage for usage in COUNTS])
    events = collect(lines, lines).events
    assert len({event["event_id"] for event in events}) == 3
    assert [event["prompt_tokens"] for event in events] == [100, 180, 300] * 2
    named = [DONE | usage | {"modelVersion": "gemini-live"} for usage in COUNTS]
    whole = read(named, path=LIVE)
    assert {each.model_reported for each in (whole, *whole.parts)} == {"gemini-live"}


def test_the_tier_and_the_audio_of_a_turn_are_its_own() -> None:
    spoken = {"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}], "trafficType": "ON_DEMAND"}
    whole = read([DONE | COUNTS[0], DONE | _spoken(180, 60, **spoken)], path=LIVE)
    (part,) = whole.parts
    assert (whole.service_tier, part.service_tier) == (None, "ON_DEMAND")
    assert [each.tokens and each.tokens.prompt_audio_tokens for each in (whole, part)] == [None, 30]


def test_an_end_that_is_stated_twice_decides_the_bill_and_costs_the_line() -> None:
    usage = '"usageMetadata": {"promptTokenCount": 3}'
    with pytest.raises(LineRefused) as refused:
        read(f'{{"serverContent": {{"turnComplete": true, "turnComplete": false}}, {usage}}}', path=PATH)
    assert refused.value.reason is QuarantineReason.DUPLICATE_KEY
