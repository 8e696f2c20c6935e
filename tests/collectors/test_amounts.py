"""From what is stated to what an exchange amounts to: the whole of it, status by status, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.collectors.counting import BodyReading, amounts_to, normalised
from pipeline.collectors.families.reading import Reading, Stated
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import CONTRADICTED
from pipeline.usage import TOKENS_MAX, TokenCounts, UsageStatus

COUNTED = Stated(prompt=20, completion=10)
COUNTS = TokenCounts(prompt_tokens=20, completion_tokens=10)


def told(stated: Stated | None = None, *, is_stream: bool = False, **said: Any) -> BodyReading:
    return amounts_to(Reading(family="f", stated=stated, **said), is_stream=is_stream)


def amount(status: str, *, dialect: str = "f", is_stream: bool = False, **known: Any) -> BodyReading:
    return BodyReading(status=UsageStatus(status), dialect=dialect, is_stream=is_stream, **known)


def test_usage_above_zero_is_measured_whatever_is_said_beside_it() -> None:
    for beside in ({}, {"has_error": True}, {"has_content": True}, {"generated_chunks": 3}):
        for is_stream in (False, True):
            assert told(COUNTED, is_stream=is_stream, **beside) == amount(
                "measured", is_stream=is_stream, tokens=COUNTS
            )
    one = Stated(prompt=None, completion=1)
    assert told(one, has_content=True) == amount(
        "measured", tokens=TokenCounts(prompt_tokens=None, completion_tokens=1)
    )
    other = Stated(prompt=1, completion=0)
    assert told(other, has_content=True) == amount("measured", tokens=TokenCounts(prompt_tokens=1, completion_tokens=0))


def test_zeros_are_a_measurement_only_where_nothing_was_delivered() -> None:
    zeros = Stated(prompt=0, completion=0)
    nothing = TokenCounts(prompt_tokens=0, completion_tokens=0)
    assert told(zeros) == amount("measured", tokens=nothing)
    assert told(zeros, is_stream=True) == amount("measured", is_stream=True, tokens=nothing)
    assert told(zeros, has_content=True) == amount("unknown")
    assert told(zeros, generated_chunks=2) == amount("unknown")
    assert told(zeros, has_content=True, has_error=True) == amount("failed")
    assert told(Stated(prompt=None, completion=0), has_content=True) == amount("unknown")
    assert told(Stated(prompt=None, completion=None)) == amount("unknown")


def test_without_usage_an_error_is_failed_a_stream_is_estimated_and_anything_else_unknown() -> None:
    assert told() == amount("unknown")
    assert told(is_stream=True) == amount("unknown", is_stream=True, content_chunks=0)
    assert told(has_content=True, generated_chunks=1) == amount("unknown")
    assert told(has_error=True) == amount("failed")
    assert told(has_error=True, generated_chunks=3, is_stream=True) == amount(
        "failed", is_stream=True, content_chunks=3
    )
    guessed = TokenCounts(prompt_tokens=None, completion_tokens=3)
    assert told(generated_chunks=3, is_stream=True) == amount(
        "estimated", is_stream=True, content_chunks=3, tokens=guessed
    )


def test_names_are_checked_and_what_decides_no_bill_is_left_out_and_named() -> None:
    named = {"response_id": "r-1", "model": "m 1", "service_tier": "flex", "finish_reason": "stop", "choices": 2}
    assert told(COUNTED, **named) == amount(
        "measured",
        tokens=COUNTS,
        response_id="r-1",
        model_reported="m%201",
        service_tier="flex",
        finish_reason="stop",
        choices=2,
    )
    odd: dict[str, Any] = {"response_id": [], "model": {}, "finish_reason": True}
    assert told(COUNTED, **odd) == amount(
        "measured", tokens=COUNTS, left_out=frozenset(("response.id", "response.model", "finish_reason"))
    )


@pytest.mark.parametrize(
    ("said", "reason", "detail"),
    [
        ({"model": CONTRADICTED}, "duplicate_key", "model is stated more than once with different values"),
        (
            {"service_tier": CONTRADICTED},
            "duplicate_key",
            "service_tier is stated more than once with different values",
        ),
        ({"service_tier": []}, "invalid_field", "service_tier is neither a string nor a whole number"),
    ],
)
def test_a_model_that_is_stated_twice_and_a_tier_that_is_none_are_refused(
    said: dict[str, Any], reason: str, detail: str
) -> None:
    with pytest.raises(LineRefused) as refused:
        told(COUNTED, **said)
    assert (refused.value.reason, refused.value.detail) == (reason, detail)


def test_conventions_end_the_dialect_where_usage_is_measured_and_others_are_kept_by_name() -> None:
    stated = Stated(prompt=20, completion=10, conventions=("a", "b"), others={"z": 1, "a": 2})
    assert told(stated) == amount("measured", dialect="f/a+b", tokens=COUNTS, other_usage='{"a":2,"z":1}')
    unmeasured = Stated(prompt=None, completion=None, conventions=("a",), others={"z": 1})
    assert told(unmeasured) == amount("unknown", other_usage='{"z":1}')
    zeros = Stated(prompt=0, completion=0, conventions=("a",))
    assert told(zeros, has_content=True) == amount("unknown")


def test_a_part_is_an_exchange_of_its_own_and_one_that_is_not_billed_is_kept_by_name() -> None:
    billed = Reading(family="f", stated=COUNTED, part="p 1", model="m-1")
    half = Reading(family="f", stated=Stated(prompt=20, completion=0), part="p 2", is_billed=False)
    empty = Reading(family="f", part="p 3", is_billed=False)
    found = told(COUNTED, is_stream=True, parts=(billed, half, empty))
    assert found.parts == (
        amount("measured", is_stream=True, tokens=COUNTS, part="p 1", model_reported="m-1"),
        amount("not_metered", is_stream=True, part="p 2", other_usage='{"prompt_tokens":20}'),
        amount("not_metered", is_stream=True, part="p 3", content_chunks=0),
    )


@pytest.mark.parametrize(
    ("stated", "counts"),
    [
        (
            Stated(prompt=20, completion=10, cached=5, written=6, written_1h=4, reasoning=3, total=30),
            {
                "prompt_cached_tokens": 5,
                "prompt_cache_write_tokens": 6,
                "prompt_cache_write_1h_tokens": 4,
                "reasoning_tokens": 3,
            },
        ),
        (Stated(prompt=20, completion=10, total=0), {}),
        (Stated(prompt=20, completion=10, prompt_audio=20), {"prompt_audio_tokens": 20}),
        (Stated(prompt=20, completion=10, prompt_audio=21), {}),
        (
            Stated(prompt=20, completion=10, cached=4, written=5, prompt_audio=11),
            {"prompt_cached_tokens": 4, "prompt_cache_write_tokens": 5, "prompt_audio_tokens": 11},
        ),
        (
            Stated(prompt=20, completion=10, cached=4, written=5, prompt_audio=12),
            {"prompt_cached_tokens": 4, "prompt_cache_write_tokens": 5, "prompt_audio_tokens": 11},
        ),
        (
            Stated(prompt=20, completion=10, cached=20, prompt_audio=3),
            {"prompt_cached_tokens": 20, "prompt_audio_tokens": 0},
        ),
        (Stated(prompt=20, completion=10, completion_audio=10), {"completion_audio_tokens": 10}),
        (Stated(prompt=20, completion=10, completion_audio=11), {}),
        (
            Stated(prompt=20, completion=10, reasoning=4, completion_audio=7),
            {"reasoning_tokens": 4, "completion_audio_tokens": 6},
        ),
    ],
)
def test_parts_lie_within_their_wholes_and_audio_that_was_cached_counts_as_cached(
    stated: Stated, counts: dict[str, int]
) -> None:
    assert normalised(stated) == TokenCounts(prompt_tokens=20, completion_tokens=10, **counts)


def test_half_of_the_counts_may_be_unknown_and_audio_of_an_unknown_whole_is() -> None:
    assert normalised(Stated(prompt=None, completion=10, prompt_audio=3, total=10)) == TokenCounts(
        prompt_tokens=None, completion_tokens=10
    )
    assert normalised(Stated(prompt=20, completion=None, completion_audio=3, total=20)) == TokenCounts(
        prompt_tokens=20, completion_tokens=None
    )
    assert normalised(Stated(prompt=TOKENS_MAX, completion=TOKENS_MAX)) == TokenCounts(
        prompt_tokens=TOKENS_MAX, completion_tokens=TOKENS_MAX
    )


BEYOND = 10**12 + 1


@pytest.mark.parametrize(
    ("stated", "reason", "detail"),
    [
        (
            Stated(prompt=BEYOND, completion=None),
            "invalid_usage",
            f"prompt_tokens {BEYOND} or completion_tokens 0 is above 1000000000000",
        ),
        (
            Stated(prompt=None, completion=BEYOND),
            "invalid_usage",
            f"prompt_tokens 0 or completion_tokens {BEYOND} is above 1000000000000",
        ),
        (
            Stated(prompt=20, completion=10, total=31),
            "contradictory_usage",
            "the stated total 31 is not 20 of the prompt + 10 of the completion",
        ),
        (
            Stated(prompt=None, completion=10, total=9),
            "contradictory_usage",
            "the stated total 9 is not 0 of the prompt + 10 of the completion",
        ),
        (
            Stated(prompt=20, completion=None, total=21),
            "contradictory_usage",
            "the stated total 21 is not 20 of the prompt + 0 of the completion",
        ),
        (
            Stated(prompt=20, completion=10, cached=21),
            "contradictory_usage",
            "prompt_cached_tokens 21 > prompt_tokens 20",
        ),
        (
            Stated(prompt=20, completion=10, reasoning=11),
            "contradictory_usage",
            "reasoning_tokens 11 > completion_tokens 10",
        ),
    ],
)
def test_what_contradicts_itself_or_is_too_much_is_refused_with_its_numbers(
    stated: Stated, reason: str, detail: str
) -> None:
    with pytest.raises(LineRefused) as refused:
        normalised(stated)
    assert (refused.value.reason, refused.value.detail) == (reason, detail)


def test_no_audio_of_an_unknown_whole_is_none_of_it() -> None:
    assert normalised(Stated(prompt=None, completion=10, prompt_audio=0)) == TokenCounts(
        prompt_tokens=None, completion_tokens=10, prompt_audio_tokens=0
    )
