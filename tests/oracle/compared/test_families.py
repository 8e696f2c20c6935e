"""Random bodies of every API are read twice, by the product and by the oracle: status, counts, id and model."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from family_bodies import FAMILIES, Maker
from family_wire import Answer, Impossible, answer, turns_of_session
from readings import read, ways

from pipeline.collectors.values.refusal import LineRefused

ODD = (0, 0, 0, None, 1, 28.0, 10**12, 10**12 + 1, -1, 1.5, True, "7")


class Teasing(Maker):
    """Makes bodies whose counts may be absent, zero, at the edge or none at all."""

    def count(self, high: int = 50_000) -> Any:
        return self.chance.choice(ODD) if self.is_odd() else self.chance.randrange(1, high)


def read_by_product(path: str, response: Any) -> Answer | str:
    try:
        found = read(response, path=path)
    except LineRefused as refused:
        return refused.reason.value
    tokens = found.tokens
    return Answer(
        status=found.status.value,
        prompt=tokens and tokens.prompt_tokens,
        completion=tokens and tokens.completion_tokens,
        cached=tokens and tokens.prompt_cached_tokens,
        written=tokens and tokens.prompt_cache_write_tokens,
        reasoning=tokens and tokens.reasoning_tokens,
        id=found.response_id,
        model=found.model_reported,
        is_begun="output-begun" in (found.dialect or ""),
    )


def read_by_oracle(path: str, response: Any) -> Answer | str:
    try:
        return answer(path, response)
    except Impossible as why:
        return str(why)


@pytest.mark.parametrize("bodies", [100, pytest.param(400, marks=pytest.mark.long)])
@pytest.mark.parametrize("odd", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_product_reads_every_family_as_the_oracle_does(family: str, odd: float, bodies: int) -> None:
    maker = Teasing(random.Random(f"{family} {odd}"), odd)
    seen = set()
    for _ in range(bodies):
        body = maker.body(family)
        expected = read_by_oracle(body.path, body.response)
        assert read_by_product(body.path, body.response) == expected, body.response
        seen.add(expected if isinstance(expected, str) else expected.status)
    if odd == 0 and family != "rerank":
        assert seen == {"measured"}
    if odd and family != "rerank":
        assert {"measured", "invalid_usage"} <= seen


@pytest.mark.parametrize("odd", [0.0, 0.2])
def test_the_product_and_the_oracle_know_of_the_same_streams_that_their_output_had_only_begun(odd: float) -> None:
    maker = Teasing(random.Random(f"cut {odd}"), odd)
    seen = set()
    for _ in range(200):
        events = maker.body("anthropic_stream").documents
        body = maker.stream("/v1/messages", *events[: maker.chance.randrange(1, len(events) + 1)])
        expected = read_by_oracle(body.path, body.response)
        assert read_by_product(body.path, body.response) == expected, body.response
        seen.add(isinstance(expected, Answer) and expected.is_begun)
    assert seen == {False, True}


@pytest.mark.parametrize("way", ["transcript", "lines", "array", "array of events"])
def test_the_product_and_the_oracle_see_the_same_turns_of_a_session(way: str) -> None:
    chance = random.Random(way)
    most = 0
    for _ in range(200):
        session: list[dict[str, Any]] = [{"setupComplete": {}}]
        for _ in range(chance.randrange(2, 9)):
            prompt, answered = chance.randrange(1, 9), chance.randrange(9)
            counts = {"promptTokenCount": prompt, "responseTokenCount": answered, "totalTokenCount": prompt + answered}
            usage = {"usageMetadata": chance.choice((counts, counts, {}))}
            content = {"serverContent": chance.choice(({}, {"turnComplete": True}, {"turnComplete": False}))}
            session.append(chance.choice((usage, content, content | usage)))
        expected = [turn and (turn.prompt, turn.completion) for turn in turns_of_session(ways(*session)[way])]
        whole = read(ways(*session)[way], path=None)
        found = [turn.tokens for turn in (whole, *whole.parts)]
        counts_found = [turn and (turn.prompt_tokens, turn.completion_tokens) for turn in found]
        assert counts_found == (expected or [None]), session
        most = max(most, len(expected))
    assert most > 2


def test_the_oracle_shares_no_code_with_the_product() -> None:
    source = (Path(__file__).parents[1] / "family_wire.py").read_text(encoding="utf-8")
    assert "pipeline" not in source
