"""As ``test_whole_readings``, of chat: names of counts, conventions at their borders, what a stream says in parts."""

from __future__ import annotations

from typing import Any

import pytest
from readings import said

from pipeline.collectors.families import chat_usage
from pipeline.collectors.families.chat_usage import both_counts, stated_by, usage_object
from pipeline.collectors.families.reading import Reading, Stated
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import CONTRADICTED

DETAILS = ("prompt_tokens_details", "prompt_token_details", "input_tokens_details")
OF_COMPLETION = ("completion_tokens_details", "completion_token_details", "output_tokens_details")
WRITTEN = (
    *("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens", "cached_write_tokens"),
    *("cached_creation_tokens", "cache_write_input_tokens"),
)
CACHED_OTHERWISE = (
    *("cached_prompt_tokens", "cached_prompt_text_tokens", "prompt_cached_tokens", "prompt_cache_read_tokens"),
    "cacheReadTokens",
)
WRITTEN_OTHERWISE = ("write_cached_tokens", "prompt_cache_write_tokens", "cacheWriteTokens")
OF_TOOLS = ("server_tool_use_details", "server_tool_use")


def usage(prompt: int, completion: int | None, total: int | None = None, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total} | more


@pytest.mark.parametrize(
    ("beside", "part"),
    [
        *(
            ({details: {name: 6}}, {"cached": 6})
            for details in DETAILS
            for name in ("cached_tokens", "cache_read_tokens", "cache_read_input_tokens")
        ),
        *(
            ({name: 6}, {"cached": 6})
            for name in (
                *("num_cached_tokens", "prompt_cache_hit_tokens", "cached_tokens", "cached_input_tokens"),
                *("cache_read_input_tokens", "cache_read_tokens"),
            )
        ),
        *(({details: {name: 6}}, {"written": 6}) for details in DETAILS for name in WRITTEN),
        *(({name: 6}, {"written": 6}) for name in WRITTEN),
        *(({place: {name: 6}}, {"cached": 6}) for place in DETAILS for name in CACHED_OTHERWISE),
        *(({name: 6}, {"cached": 6}) for name in CACHED_OTHERWISE),
        *(({place: {name: 6}}, {"written": 6}) for place in DETAILS for name in WRITTEN_OTHERWISE),
        *(({name: 6}, {"written": 6}) for name in WRITTEN_OTHERWISE),
        *(({name: 0}, {}) for name in (*CACHED_OTHERWISE, *WRITTEN_OTHERWISE)),
        *(({name: "6"}, {}) for name in (*CACHED_OTHERWISE, *WRITTEN_OTHERWISE)),
        ({"prompt_tokens_details": {"cached_tokens": 6}, "cached_prompt_text_tokens": 5}, {"cached": 6}),
        ({"prompt_tokens_details": {"cached_tokens": 0}, "cached_prompt_tokens": 6}, {"cached": 6}),
        ({"prompt_cache_hit_tokens": 6, "prompt_cache_write_tokens": 4}, {"cached": 6, "written": 4}),
        *(({details: {"reasoning_tokens": 6}}, {"reasoning": 6}) for details in OF_COMPLETION),
        ({"reasoning_tokens": 6}, {"reasoning": 6}),
        *(({details: {"audio_tokens": 6}}, {"prompt_audio": 6}) for details in DETAILS),
        *(({details: {"audio_tokens": 6}}, {"completion_audio": 6}) for details in OF_COMPLETION),
        *(({details: {"audio_tokens": 0}}, {}) for details in (*DETAILS, *OF_COMPLETION)),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, {"cached": 0}),
        ({"prompt_tokens_details": {"cached_tokens": None}}, {}),
        ({"prompt_tokens_details": None, "cached_tokens": 6}, {"cached": 6}),
        ({"num_cached_tokens": 0, "cached_tokens": 6, "cache_read_tokens": 0}, {"cached": 6}),
        ({"prompt_tokens_details": {"cached_tokens": 6}, "cached_tokens": 6}, {"cached": 6}),
        *(({name: {"web_search_requests": 6}}, {"others": {"web_searches": 6}}) for name in OF_TOOLS),
        ({name: {"web_search_requests": 6} for name in OF_TOOLS}, {"others": {"web_searches": 6}}),
        ({"num_sources_used": 6, "prompt_audio_seconds": 5}, {"others": {"sources": 6, "prompt_audio_seconds": 5}}),
    ],
)
def test_every_name_of_a_part_of_a_count_is_read(beside: dict[str, Any], part: dict[str, Any]) -> None:
    assert stated_by(usage(20, 10, 30, **beside), model="m") == Stated(prompt=20, completion=10, **part)


def anthropics(**more: Any) -> dict[str, Any]:
    return {"input_tokens": 20, "output_tokens": 10, **more}


def agentgateways(*, cached: int = 4, written: int = 2, **more: Any) -> dict[str, Any]:
    parts = {"cached_tokens": cached, "cache_write_tokens": written}
    names = {"cache_read_input_tokens": cached, "cache_creation_input_tokens": written}
    return usage(20, 10, 30, prompt_tokens_details=parts, **names) | more


@pytest.mark.parametrize(
    ("stated", "model", "expected"),
    [
        # reasoning that only the total counts, that neither counts, and that lies within
        (usage(20, 10, 34, reasoning_tokens=4), "m", {"completion": 14, "reasoning": 4, "by": "reasoning-apart"}),
        (usage(20, 10, 30, reasoning_tokens=4), "m", {"reasoning": 4}),
        (usage(20, 10, None, reasoning_tokens=4), "m", {"reasoning": 4}),
        (
            usage(20, 10, 30, reasoning_tokens=4, market_cost=None),
            "m",
            {"completion": 14, "reasoning": 4, "by": "reasoning-apart"},
        ),
        (
            usage(20, 10, None, reasoning_tokens=4, citation_tokens=1),
            None,
            {"completion": 14, "reasoning": 4, "by": "reasoning-apart", "others": {"citation_tokens": 1}},
        ),
        (
            usage(20, 10, 34, reasoning_tokens=4, num_search_queries=1),
            "m",
            {"completion": 14, "reasoning": 4, "by": "reasoning-apart", "others": {"searches": 1}},
        ),
        (usage(20, 10, 30, market_cost=None), "m", {}),
        # Perplexity's model alone is a mark only where its reasoning cannot lie within
        (
            usage(20, 10, 30, reasoning_tokens=11),
            "Perplexity/Sonar-x",
            {"completion": 21, "reasoning": 11, "by": "reasoning-apart"},
        ),
        (usage(20, 10, 30, reasoning_tokens=11), "sonar", {"completion": 21, "reasoning": 11, "by": "reasoning-apart"}),
        (usage(20, 10, 30, reasoning_tokens=10), "sonar", {"reasoning": 10}),
        (usage(20, 10, 30, reasoning_tokens=11), "a-sonar", {"by": "reasoning-unknown"}),
        # audio that lies beside the prompt
        (usage(20, 10, 36, prompt_tokens_details={"audio_tokens": 6}), "m", {"by": "audio-apart"}),
        # what was cached and written, beside the prompt
        (
            usage(20, 10, 36, cached_tokens=4, cache_write_tokens=2),
            "m",
            {"prompt": 26, "cached": 4, "written": 2, "by": "cached-apart"},
        ),
        (usage(20, 10, 34, cached_tokens=4), "m", {"prompt": 24, "cached": 4, "by": "cached-apart"}),
        (usage(20, 10, 32, cache_write_tokens=2), "m", {"prompt": 22, "written": 2, "by": "cached-apart"}),
        (usage(20, 10, 30, cached_tokens=4, cache_write_tokens=2), "m", {"cached": 4, "written": 2}),
        # Anthropic's own usage object, without its body
        (
            anthropics(cache_read_input_tokens=4, cache_creation_input_tokens=2),
            "m",
            {"prompt": 26, "cached": 4, "written": 2, "by": "cached-apart"},
        ),
        (anthropics(cache_read_input_tokens=40), None, {"prompt": 60, "cached": 40, "by": "cached-apart"}),
        (
            anthropics(cache_creation_input_tokens=2, cache_creation={"ephemeral_1h_input_tokens": 1}),
            "m",
            {"prompt": 22, "written": 2, "written_1h": 1, "by": "cached-apart"},
        ),
        (anthropics(cache_read_input_tokens=0, cache_creation_input_tokens=0), "m", {"cached": 0, "written": 0}),
        # agentgateway's copy of it in chat's, whose total leaves the cache out as well
        (agentgateways(), "m", {"prompt": 26, "cached": 4, "written": 2, "by": "cached-apart"}),
        (agentgateways(cached=40, written=0), None, {"prompt": 60, "cached": 40, "written": 0, "by": "cached-apart"}),
        (agentgateways(cached=0, written=0), "m", {"cached": 0, "written": 0}),
        (agentgateways(total_tokens=36), "m", {"prompt": 26, "cached": 4, "written": 2, "by": "cached-apart"}),
        (agentgateways(total_tokens=None), "m", {"cached": 4, "written": 2}),
        (
            agentgateways(completion_tokens_details={"reasoning_tokens": 1}),
            "m",
            {"cached": 4, "written": 2, "reasoning": 1},
        ),
        (
            agentgateways(cache_creation={"ephemeral_1h_input_tokens": 1}),
            "m",
            {"cached": 4, "written": 2, "written_1h": 1},
        ),
        (anthropics(cache_read_input_tokens=4, total_tokens=30), "m", {"cached": 4}),
        (anthropics(cache_read_input_tokens=4, prompt_tokens=20), "m", {"cached": 4}),
        (anthropics(input_tokens_details={"cached_tokens": 4}), "m", {"cached": 4}),
        (usage(20, 10, None, cache_read_input_tokens=4), "m", {"cached": 4}),
        # an object that was written without its names
        (usage(20, 10, 30, prompt_tokens_details=[], completion_tokens_details=[]), "m", {}),
        # thoughts of Gemini that only the total holds
        (usage(20, 10, 31), "Gemini-x", {"completion": 11, "reasoning": 1, "by": "thoughts-in-total"}),
        (usage(20, 10, 31), "google/gemini-x", {"completion": 11, "reasoning": 1, "by": "thoughts-in-total"}),
        (usage(20, None, 31), "gemini-x", {"completion": 11, "reasoning": 11, "by": "thoughts-in-total"}),
        (usage(20, None, 20), "gemini-x", {"completion": 0}),
        # more cached than prompt
        (usage(20, 10, 30, cached_tokens=21), "grok-x", {"by": "cached-unknown"}),
        (usage(20, 10, None, cached_tokens=21, cache_write_tokens=1), "x-ai/Grok-x", {"by": "cached-unknown"}),
        (usage(20, 10, 30, cached_tokens=21), "xai/grok-x", {"by": "cached-unknown"}),
        (usage(20, 10, 30, cached_tokens=20), "grok-x", {"cached": 20}),
        (usage(20, 10, 30, num_cached_tokens=21), "m", {"by": "cached-unknown"}),
        (usage(20, 10, 30, cached_tokens=21), "m", {"cached": 21}),
        (usage(20, 10, 30, cached_tokens=21), "not-grok", {"cached": 21}),
        (usage(20, 10, 30, cached_tokens=21), None, {"cached": 21}),
        # writes that repeat what was read from Gemini's cache
        (
            usage(20, 10, 30, cached_tokens=20, cache_write_tokens=1),
            "gemini-x",
            {"cached": 20, "by": "written-repeats-cached"},
        ),
        (
            usage(20, 10, 30, cached_tokens=1, cache_write_tokens=20),
            "gemini-x",
            {"cached": 1, "by": "written-repeats-cached"},
        ),
        (usage(20, 10, 30, cached_tokens=19, cache_write_tokens=1), "gemini-x", {"cached": 19, "written": 1}),
        (usage(20, 10, 30, cached_tokens=20, cache_write_tokens=1), "m", {"cached": 20, "written": 1}),
        (usage(20, 10, 30, cached_tokens=21, cache_write_tokens=1), "gemini-x", {"cached": 21, "written": 1}),
        (usage(20, 10, 30, cached_tokens=1, cache_write_tokens=21), "gemini-x", {"cached": 1, "written": 21}),
        # more reasoning than completion
        (usage(20, 10, 30, reasoning_tokens=11), "m", {"by": "reasoning-unknown"}),
        (usage(20, 10, 30, reasoning_tokens=10), "m", {"reasoning": 10}),
        (usage(20, 10, None, reasoning_tokens=11), "m", {"reasoning": 11}),
        # two conventions of one usage
        (
            usage(20, 10, 30, cached_tokens=21, reasoning_tokens=11),
            "grok-x",
            {"by": ("cached-unknown", "reasoning-unknown")},
        ),
        (
            usage(20, 10, 34, cached_tokens=21, reasoning_tokens=4),
            "grok-x",
            {"completion": 14, "reasoning": 4, "by": ("reasoning-apart", "cached-unknown")},
        ),
    ],
)
def test_each_convention_holds_up_to_its_border(
    stated: dict[str, Any], model: str | None, expected: dict[str, Any]
) -> None:
    by = expected.pop("by", ())
    conventions = by if isinstance(by, tuple) else (by,)
    whole: dict[str, Any] = {"prompt": 20, "completion": 10, "conventions": conventions}
    assert stated_by(stated, model=model) == Stated(**whole | expected)


@pytest.mark.parametrize(
    ("stated", "model", "detail"),
    [
        (usage(20, 10, 31), "m", "total_tokens 31 is not prompt_tokens 20 + completion_tokens 10"),
        (usage(20, 10, 31), None, "total_tokens 31 is not prompt_tokens 20 + completion_tokens 10"),
        (usage(20, 10, 29), "gemini-x", "total_tokens 29 is not prompt_tokens 20 + completion_tokens 10"),
        (
            usage(20, 10, 32, reasoning_tokens=1),
            "gemini-x",
            "total_tokens 32 is not prompt_tokens 20 + completion_tokens 10",
        ),
        (
            usage(20, 10, 35, reasoning_tokens=4, market_cost=1),
            "m",
            "total_tokens 35 is not prompt_tokens 20 + completion_tokens 10",
        ),
        (
            usage(20, 10, 30, cached_tokens=6, num_cached_tokens=5),
            "m",
            "num_cached_tokens 5 and cached_tokens 6 differ",
        ),
        (
            usage(20, 10, 30, prompt_tokens_details={"cached_tokens": 5}, cached_tokens=6),
            "m",
            "prompt_tokens_details.cached_tokens 5 and cached_tokens 6 differ",
        ),
        (usage(20, 10, 30, prompt_tokens_details=[6]), "m", "prompt_tokens_details is no object"),
        (usage(20, 10, 30, cached_tokens=[]), "m", "cached_tokens is no number"),
        (
            usage(20, 10, 30, completion_tokens_details={"reasoning_tokens": "6"}),
            "m",
            "completion_tokens_details.reasoning_tokens is no number",
        ),
        (usage(20, 10, -1), "m", "total_tokens is -1; a token count lies between 0 and 1000000000000"),
    ],
)
def test_what_no_convention_explains_is_refused_with_its_numbers(
    stated: dict[str, Any], model: str | None, detail: str
) -> None:
    with pytest.raises(LineRefused) as refused:
        stated_by(stated, model=model)
    assert refused.value.detail == detail


@pytest.mark.parametrize(
    ("stated", "counts"),
    [
        ({"prompt_tokens": 20, "completion_tokens": 10}, (20, 10)),
        ({"input_tokens": 20, "output_tokens": 10}, (20, 10)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (0, 0)),
        ({"prompt_tokens": 20, "total_tokens": 20}, (20, 0)),
        ({"prompt_tokens": 20, "total_tokens": 21}, None),
        ({"prompt_tokens": 20}, None),
        ({"prompt_tokens": 0, "total_tokens": 0}, None),
        ({"completion_tokens": 10}, None),
        ({"completion_tokens": 10, "total_tokens": 10}, None),
        ({}, None),
    ],
)
def test_a_completion_that_is_absent_is_zero_only_beside_a_total_that_is_the_prompt(
    stated: dict[str, int], counts: tuple[int, int] | None
) -> None:
    assert both_counts(stated) == counts
    assert (stated_by(stated, model=None) is None) == (counts is None)


@pytest.mark.parametrize(
    ("stated", "model"),
    [
        (usage(20, None, 31), "m"),
        (usage(20, None, 31), None),
        (usage(20, None, 19), "gemini-x"),
        ({"total_tokens": 31}, "gemini-x"),
        ({"completion_tokens": 11, "total_tokens": 31}, "gemini-x"),
    ],
)
def test_a_part_that_is_absent_is_unknown_but_where_gemini_only_thought(
    stated: dict[str, Any], model: str | None
) -> None:
    assert stated_by(stated, model=model) is None


def test_usage_is_an_object_that_is_not_empty_and_what_is_none_is_refused() -> None:
    assert usage_object({"a": 1}) == {"a": 1}
    assert usage_object({}) is None
    assert usage_object(None) is None
    assert [usage_object(nothing) for nothing in ([], "", False)] == [None, None, None]
    for value, detail in (
        (CONTRADICTED, "usage is stated more than once with different values"),
        ([1], "usage is no object"),
        (0, "usage is no object"),
        (True, "usage is no object"),
    ):
        with pytest.raises(LineRefused) as refused:
            usage_object(value)
        assert refused.value.detail == detail


def test_conventions_are_called_as_documents_and_events_call_them() -> None:
    names = {name: value for name, value in vars(chat_usage).items() if name.isupper() and isinstance(value, str)}
    assert names == {
        "CACHED_APART": "cached-apart",
        "CACHED_UNKNOWN": "cached-unknown",
        "TIMINGS": "timings",
        "WRITTEN_APART": "written-apart",
        "WRITTEN_REPEATS_CACHED": "written-repeats-cached",
        "REASONING_APART": "reasoning-apart",
        "REASONING_UNKNOWN": "reasoning-unknown",
        "THOUGHTS_IN_TOTAL": "thoughts-in-total",
        "AUDIO_APART": "audio-apart",
        "CONNECTORS_APART": "connectors-apart",
        "GUARD_APART": "guard-apart",
        "VERCEL_MARK": "market_cost",
    }


def answer(*choices: Any, **fields: Any) -> dict[str, Any]:
    listed = list(choices) or [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]
    return {"id": "c-1", "model": "m-1", "choices": listed} | fields


def chunk(delta: Any = None, **fields: Any) -> dict[str, Any]:
    return {
        "object": "chat.completion.chunk",
        "choices": [] if delta is None else [{"index": 0, "delta": delta}],
    } | fields


COUNTED = Stated(prompt=20, completion=10)


def test_a_plain_answer_says_its_first_reason_and_how_many_choices_it_has() -> None:
    choices = [{"message": {"content": "a"}, "finish_reason": reason} for reason in ("length", "stop", "stop")]
    assert said(answer(*choices, usage=usage(20, 10, 30), service_tier="flex"), choices=7) == Reading(
        family="openai-chat",
        stated=COUNTED,
        response_id="c-1",
        model="m-1",
        service_tier="flex",
        finish_reason="length",
        choices=3,
        has_content=True,
        generated_chunks=1,
    )
    assert said(answer("no choice", {"finish_reason": "stop"})).finish_reason is None
    assert said(answer({"message": {}})) == Reading(family="openai-chat", response_id="c-1", model="m-1", choices=1)
    assert said(chunk({"content": "a"}, error={}), chunk({"content": "b"})).has_error
    assert said({"object": "chat.completion", "choices": None, "error": {}}) == Reading(
        family="openai-chat", has_error=True
    )


def test_a_stream_says_its_first_id_and_model_its_last_reason_and_the_choices_that_were_asked_for() -> None:
    chunks = [
        chunk({"content": "a"}, id="", model="", service_tier="auto"),
        chunk({"content": "b"}, id="c-1", model="m-1"),
        chunk({"content": ""}, id="c-2", model="m-2", service_tier=None),
        chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "length"}]),
        chunk(choices=[{"index": 0, "delta": {}, "finish_reason": None}], usage=usage(20, 10, 30)),
    ]
    assert said(*chunks, choices=2, is_stream=True) == Reading(
        family="openai-chat",
        stated=COUNTED,
        response_id="c-1",
        model="m-1",
        service_tier="auto",
        finish_reason="length",
        choices=2,
        has_content=True,
        generated_chunks=2,
    )


@pytest.mark.parametrize(
    ("tiers", "tier"),
    [
        ([("auto", None)], "auto"),
        ([(None, "flex")], "flex"),
        ([("auto", "flex")], "auto"),
        ([("auto", None), ("flex", None), (None, None)], "flex"),
        ([(None, "flex"), (None, "batch")], "batch"),
        ([(None, None)], None),
    ],
)
def test_the_last_tier_counts_and_that_of_a_document_before_that_of_its_usage(
    tiers: list[tuple[str | None, str | None]], tier: str | None
) -> None:
    chunks = [chunk({"content": "a"}, service_tier=own, usage=usage(20, 10, 30, service_tier=of)) for own, of in tiers]
    assert said(*chunks, is_stream=True).service_tier == tier


@pytest.mark.parametrize(
    "name", ["content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call", "audio", "images"]
)
@pytest.mark.parametrize("holder", ["delta", "message"])
def test_whatever_was_generated_is_found_in_a_delta_and_in_a_message(holder: str, name: str) -> None:
    for value, chunks in (("a", 1), ([{}], 1), ({"a": 1}, 1), ("", 0), ([], 0), ({}, 0), (None, 0), (7, 0)):
        found = said(chunk(choices=[{holder: {name: value}}]), is_stream=True)
        assert (found.generated_chunks, found.has_content) == (chunks, bool(chunks)), value
    both = said(chunk(choices=[{"delta": {}, "message": {name: "a"}}, {holder: {name: "a"}}]))
    assert both.generated_chunks == 1


def test_a_text_completion_holds_its_text_in_the_choice() -> None:
    texts = [{"choices": [{"text": text, "finish_reason": None}]} for text in ("a", "", "b")]
    found = said(*texts, {"choices": [], "usage": usage(20, 10, 30)}, is_stream=True, choices=4)
    assert found == Reading(
        family="openai-completions",
        stated=COUNTED,
        choices=4,
        has_content=True,
        generated_chunks=2,
    )


@pytest.mark.parametrize(
    "place",
    [
        {"usage": usage(20, 10, 30)},
        {"x_groq": {"usage": usage(20, 10, 30)}},
        {"meta": {"usage": usage(20, 10, 30)}},
        {"metadata": {"usage": usage(20, 10, 30)}},
        {"choices": ["no choice", {"index": 0, "delta": {}, "usage": usage(20, 10, 30)}]},
    ],
)
def test_usage_is_found_where_servers_put_it(place: dict[str, Any]) -> None:
    assert said(chunk({"content": "a"}), chunk({}, **place), chunk({}, usage=None), is_stream=True).stated == COUNTED


def test_usage_elsewhere_counts_only_where_none_stands_in_its_own_place() -> None:
    elsewhere = chunk({}, meta={"usage": usage(1, 1, 2)})
    assert said(chunk({}, usage=usage(20, 10, 30)), elsewhere, is_stream=True).stated == COUNTED
    both = chunk({}, usage=usage(1, 1, 2), x_groq={"usage": usage(20, 10, 30)})
    assert said(both, is_stream=True).stated == COUNTED


@pytest.mark.parametrize(
    ("parts", "stated"),
    [
        ([usage(20, 0), usage(0, 10)], COUNTED),
        ([usage(20, 0, 20), usage(0, 10, 10)], COUNTED),
        ([usage(20, 0, 20), {"completion_tokens": 10}], COUNTED),
        ([{"prompt_tokens": 20}, {"completion_tokens": 10, "total_tokens": 30}], COUNTED),
        ([usage(20, 10, 30), usage(0, 0, 0)], COUNTED),
        ([usage(1, 1, 2), usage(20, 10, 30)], COUNTED),
        ([usage(20, 10, 30, cached_tokens=5), usage(20, 11, 31)], Stated(prompt=20, completion=11)),
        ([usage(20, 0, cached_tokens=5), usage(0, 10)], Stated(prompt=20, completion=10, cached=5)),
        ([{"prompt_tokens": 20}], None),
        ([usage(0, 0, 0)], Stated(prompt=0, completion=0)),
    ],
)
def test_of_usage_in_parts_each_field_s_last_real_number_counts(
    parts: list[dict[str, Any]], stated: Stated | None
) -> None:
    assert said(*(chunk(usage=part) for part in parts), is_stream=True).stated == stated


@pytest.mark.parametrize(
    ("running", "completion"),
    [
        ([(0, 1), (0, 2), (0, 3)], 3),
        ([(0, 3), (1, 2)], 5),
        ([(0, 3), (1, 3)], 3),
        ([(0, 3), (1, 3), (0, 3), (1, 3)], 3),
        ([(0, 2), (1, 2)], 2),
        ([(0, 1), (1, 1)], 2),
        ([(0, 3), (1, 3), (1, 4), (0, 4)], 8),
        ([(0, 3), (1, 4)], 4),
        ([(0, 1), (1, 1), (0, 4), (1, 2)], 6),
        ([(0, 3), (1, 2), (None, 9)], 9),
        ([(None, 9), (0, 3), (1, 2)], 5),
        ([(0, 3), (1, 0), (1, 2)], 5),
        ([(0, 3), (2, 2), (1, 2)], 7),
    ],
)
def test_running_totals_of_several_choices_are_added_unless_they_grow_from_one_to_the_next_or_are_all_the_same(
    running: list[tuple[int | None, int]], completion: int
) -> None:
    chunks = [
        chunk(choices=[] if index is None else [{"index": index, "delta": {"content": "a"}}], usage=usage(20, count))
        for index, count in running
    ]
    assert said(*chunks, is_stream=True).stated == Stated(prompt=20, completion=completion)


def test_of_running_totals_the_greatest_prompt_is_meant_and_a_choice_without_a_number_is_the_first() -> None:
    def of(index: Any, prompt: int, completion: int) -> dict[str, Any]:
        return chunk(choices=[{"index": index, "delta": {}}], usage=usage(prompt, completion))

    assert said(of(0, 20, 3), of(1, 19, 2), is_stream=True).stated == Stated(prompt=20, completion=5)
    assert said(of("a", 20, 3), of(1, 20, 2), of(0, 20, 4), is_stream=True).stated == Stated(prompt=20, completion=6)
    several = chunk(choices=[{"index": 0}, {"index": 1}], usage=usage(20, 9))
    assert said(of(0, 20, 3), of(1, 20, 2), several, is_stream=True).stated == Stated(prompt=20, completion=9)
    odd = chunk(choices=["no choice"], usage=usage(20, 9))
    assert said(of(0, 20, 3), of(1, 20, 2), odd, is_stream=True).stated == Stated(prompt=20, completion=9)


def test_the_reported_model_decides_by_which_convention_counts_are_understood_else_the_requested_one() -> None:
    thoughts = Stated(prompt=20, completion=11, reasoning=1, conventions=("thoughts-in-total",))
    counts = usage(20, 10, 31)
    assert said(answer(model="gemini-x", usage=counts), model="m").stated == thoughts
    assert said(answer(model=None, usage=counts), model="gemini-x").stated == thoughts
    with pytest.raises(LineRefused):
        said(answer(model="m", usage=counts), model="gemini-x")


def test_a_total_of_parts_that_is_their_sum_tells_what_a_total_tells() -> None:
    parts = [{"prompt_tokens": 20}, {"completion_tokens": 10, "total_tokens": 30, "reasoning_tokens": 11}]
    assert said(*(chunk(usage=part) for part in parts), is_stream=True).stated == Stated(
        prompt=20, completion=10, conventions=("reasoning-unknown",)
    )


def test_a_half_that_is_stated_twice_is_still_a_half() -> None:
    for half in ({"prompt_tokens": 20}, {"completion_tokens": 10}):
        assert said(chunk(usage=half), chunk(usage=half), is_stream=True).stated is None


def test_a_choice_s_own_totals_need_not_grow() -> None:
    running = [(0, 3), (0, 3), (1, 4)]
    chunks = [chunk(choices=[{"index": at, "delta": {}}], usage=usage(20, count)) for at, count in running]
    assert said(*chunks, is_stream=True).stated == Stated(prompt=20, completion=4)


@pytest.mark.parametrize(
    ("running", "completion"),
    [
        ([(0, 3), (1, 2), (0, 4)], 6),
        ([(0, 3), (1, 4)], 7),
        ([(0, 3), (1, 3)], 6),
        ([(0, 3)], 3),
        ([(0, 3), (0, 4)], 4),
        ([(None, 3), (1, 4)], 7),
    ],
)
def test_usage_within_choices_is_each_choice_s_own(running: list[tuple[int | None, int]], completion: int) -> None:
    own = [
        {"index": at, "delta": {}, "usage": usage(20, count, cached_tokens=6, reasoning_tokens=1)}
        for at, count in running
    ]
    whole = Stated(prompt=20, completion=completion, cached=6)
    reasoning = whole._replace(reasoning=1)
    is_one = len({at for at, _ in running}) == 1
    assert said(*(chunk(choices=[each]) for each in own), is_stream=True).stated == (reasoning if is_one else whole)


def test_of_a_plain_answer_usage_within_choices_is_added_by_their_place_and_once_where_all_of_it_is_stated_too() -> (
    None
):
    own = [{"message": {"content": "a"}, "finish_reason": "stop", "usage": usage(20, count)} for count in (3, 4)]
    assert said(answer(*own)).stated == Stated(prompt=20, completion=7)
    assert said(answer(*own, usage=usage(20, 7, 27))).stated == Stated(prompt=20, completion=7)
    assert said(answer(own[0], own[1] | {"usage": usage(30, 0)})).stated == Stated(prompt=30, completion=3)
    assert said(answer(own[0], own[1] | {"usage": usage(0, 0)})).stated == Stated(prompt=20, completion=3)
    assert said(answer(own[0] | {"usage": {"prompt_tokens": 5}}, own[1])).stated == Stated(prompt=20, completion=4)
