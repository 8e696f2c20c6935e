"""Observations as Langfuse's export and API write them; fields after its reference of the export, and its own types."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors.formats.tools import langfuse
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Exchange


def exported(**fields: Any) -> dict[str, Any]:
    """Return a row of ``observations_v2/``; a keyword replaces a field."""
    return {
        "id": "eee19b7ec3c1b174",
        "trace_id": "5b8efff798038103d269b633813fc60c",
        "project_id": "clx1",
        "environment": "default",
        "type": "GENERATION",
        "parent_observation_id": "",
        "start_time": "2026-09-01 12:00:00.250000",
        "end_time": "2026-09-01 12:00:02.000000",
        "name": "OpenAI-generation",
        "metadata": {"api_key_id": "key_1"},
        "level": "DEFAULT",
        "status_message": "",
        "provided_model_name": "gpt-4o",
        "model_parameters": '{"temperature":1,"service_tier":"flex"}',
        "usage_details": {"input": 86, "input_cached_tokens": 17817, "output": 188, "total": 18091},
        "user_id": "user-7",
    } | fields


def test_buckets_of_one_side_add_up_to_its_count(exchanges: Callable[..., list[Exchange]]) -> None:
    """The worked example of Langfuse's own page: 17,903 prompt tokens, of which 17,817 were read from a cache."""
    (found,) = exchanges(langfuse, exported())
    assert found.tokens == (17_903, 188, 17_817, None, None)
    assert found.envelope.occurred_us == 1_788_264_000_250_000
    assert found.envelope.api_key_id == "key_1"
    assert found.envelope.request_id == "5b8efff798038103d269b633813fc60c/eee19b7ec3c1b174"
    assert (found.reading.model_reported, found.reading.service_tier) == ("gpt-4o", "flex")


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"input": 10, "output": 5, "output_reasoning_tokens": 20, "total": 35}, (10, 25, None, None, 20)),
        (
            {"input": 3, "output": 7, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 100},
            (123, 7, 20, 100, None),
        ),
        ({"input": 3, "input_cache_creation_5m": 4, "input_cache_creation_1h": 5, "output": 1}, (12, 1, None, 9, None)),
        ({"input": 10, "output": 5, "total": 15}, (10, 5, None, None, None)),
        ({"input": "10", "output": "5", "total": "15"}, (10, 5, None, None, None)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "total": 30}, (10, 5, None, None, None)),
        ({"input": 100, "output": 50, "reasoning.output_tokens": 20, "total": 170}, (100, 50, None, None, 20)),
        ({"input": 100, "output": 50, "input_cached_tokens": 60, "total": 150}, (100, 50, 60, None, None)),
        ({"input": 8, "total": 8}, (8, 0, None, None, None)),
    ],
)
def test_usage_types_are_told_by_their_names_and_their_total(
    exchanges: Callable[..., list[Exchange]], usage: dict[str, int], tokens: tuple[int | None, ...]
) -> None:
    (found,) = exchanges(langfuse, exported(usage_details=usage))
    assert found.tokens == tokens


def test_writes_to_a_cache_by_their_lifetime_are_written_whoever_names_them(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    """As LangChain details what Anthropic stated, and as Langfuse's handler for it flattens Anthropic's own usage."""
    of_langchain = {
        "input": 10,
        "output": 5,
        "input_cache_read": 50,
        "input_cache_creation": 0,
        "input_ephemeral_5m_input_tokens": 20,
        "input_ephemeral_1h_input_tokens": 30,
        "total": 115,
    }
    of_anthropic = {
        "input": 10,
        "output": 5,
        "cache_read_input_tokens": 50,
        "cache_creation_input_tokens": 50,
        "cache_creation_ephemeral_5m_input_tokens": 20,
        "cache_creation_ephemeral_1h_input_tokens": 30,
        "total": 165,
    }
    for usage in (of_langchain, of_anthropic):
        (found,) = exchanges(langfuse, exported(usage_details=usage))
        assert found.tokens == (110, 5, 50, 50, None)
        assert found.reading.tokens is not None
        assert found.reading.tokens.prompt_cache_write_1h_tokens == 30


def test_audio_is_audio_however_google_writes_the_modality(exchanges: Callable[..., list[Exchange]]) -> None:
    for audio in ("AUDIO", "audio", "4"):
        usage = {"input": 0, "output": 5, "input_modality_TEXT": 70, f"input_modality_{audio}": 30, "total": 105}
        (found,) = exchanges(langfuse, exported(usage_details=usage))
        assert found.tokens == (100, 5, None, None, None)
        assert found.reading.tokens is not None
        assert found.reading.tokens.prompt_audio_tokens == 30


@pytest.mark.parametrize(
    ("usage", "refused"),
    [
        (
            {"input": 10, "output": 5, "input_cached_tokens": 4, "total": 16},
            "total 16 is neither the sum 19",
        ),
        ({"input": 100, "output": 50, "cache_read.input_tokens": 80, "total": 230}, "80 tokens under names of OpenTel"),
        ({"input": 1.5, "output": 5}, "invalid_usage"),
    ],
)
def test_usage_that_nobody_can_tell_apart_is_refused(
    exchanges: Callable[..., list[Exchange]], usage: dict[str, Any], refused: str
) -> None:
    with pytest.raises(LineRefused, match=refused):
        exchanges(langfuse, exported(usage_details=usage))


@pytest.mark.parametrize("kind", ["SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL"])
def test_other_observations_are_no_exchanges(exchanges: Callable[..., list[Exchange]], kind: str) -> None:
    assert exchanges(langfuse, exported(type=kind)) == []


def test_observations_of_the_first_api_state_usage_with_a_unit(exchanges: Callable[..., list[Exchange]]) -> None:
    old = {
        "id": "o-1",
        "traceId": "t-1",
        "type": "GENERATION",
        "startTime": "2026-09-01T12:00:00.250Z",
        "model": "gpt-4o",
        "metadata": None,
        "userId": "user-7",
        "usage": {"unit": "TOKENS", "input": 11, "output": 4, "total": 15},
        "promptTokens": 11,
        "completionTokens": 4,
        "totalTokens": 15,
    }
    of_characters = old | {"usage": {"unit": "CHARACTERS", "input": 40, "output": 9, "total": 49}}
    without = {name: of for name, of in old.items() if name != "usage"}
    found = [exchanges(langfuse, one)[0] for one in (old, without, of_characters)]
    assert [one.tokens for one in found] == [(11, 4, None, None, None), (11, 4, None, None, None), None]
    assert found[0].envelope.api_key_id == "user-7"
    assert found[2].reading.status is UsageStatus.UNKNOWN


def test_a_call_without_usage_is_failed_where_it_was_an_error(exchanges: Callable[..., list[Exchange]]) -> None:
    (failed,) = exchanges(langfuse, exported(usage_details={}, level="ERROR", status_message="rate limit"))
    (unknown,) = exchanges(langfuse, exported(usage_details={}))
    assert (failed.reading.status, unknown.reading.status) == (UsageStatus.FAILED, UsageStatus.UNKNOWN)


@pytest.mark.long
def test_a_page_of_the_api_holds_many_and_those_of_the_types_are_its_exchanges(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    """The page is made by Langfuse's own types."""
    types = pytest.importorskip("langfuse.api.commons.types.observation_v2")
    observation = types.ObservationV2(
        id="o-1",
        trace_id="t-1",
        start_time=datetime(2026, 9, 1, 12, tzinfo=UTC),
        project_id="clx1",
        type="GENERATION",
        model="gpt-4o",
        user_id="user-7",
        metadata={"api_key_id": "key_1"},
        usage_details={"input": 86, "input_cached_tokens": 17_817, "output": 188, "total": 18_091},
    )
    span = observation.model_copy(update={"id": "o-2", "type": "SPAN"})
    page = json.dumps({"data": [json.loads(one.json()) for one in (observation, span)], "meta": {}})
    (found,) = exchanges(langfuse, page)
    assert (found.envelope.request_id, found.envelope.api_key_id) == ("t-1/o-1", "key_1")
    assert found.tokens == (17_903, 188, 17_817, None, None)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"input": 7}, (7, 0)),
        ({"input": 7, "output": 3}, (7, 3)),
        ({"output": 3, "total": 10, "input": 7}, (7, 3)),
        ({"input": 0, "output": 0, "total": 0}, (11, 5)),
        ({"input": 7, "output": 3, "unit": "TOKENS"}, (7, 3)),
    ],
)
def test_counts_of_the_older_usage_come_before_those_beside_it(
    exchanges: Callable[..., list[Exchange]], usage: dict[str, Any], tokens: tuple[int, int]
) -> None:
    beside = {"promptTokens": 11, "completionTokens": 5, "totalTokens": 16}
    (found,) = exchanges(langfuse, exported(usage_details={}, usage=usage, **beside))
    assert found.tokens[:2] == tokens


def test_usage_of_another_unit_than_tokens_counts_nothing(exchanges: Callable[..., list[Exchange]]) -> None:
    (found,) = exchanges(langfuse, exported(usage_details={}, usage={"input": 7, "output": 3, "unit": "CHARACTERS"}))
    assert found.reading.tokens is None


def test_a_count_of_the_answer_alone_is_not_taken_for_nothing(exchanges: Callable[..., list[Exchange]]) -> None:
    (found,) = exchanges(langfuse, exported(usage_details={}, usage={"output": 3}, promptTokens=11, completionTokens=5))
    assert found.reading.tokens is None
