"""Whatever is wrong with a field that decides no bill: the line is read, and its bill is the same."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from family_bodies import FAMILIES, Maker

from pipeline.collectors import LogFormat
from pipeline.collectors.exchange import read_exchange
from pipeline.collectors.formats.request_log import read_envelope
from pipeline.collectors.values.strict_json import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.collectors.counting import BodyReading

DECIDING = {
    *("usage", "usageMetadata", "meta", "amazon-bedrock-invocationMetrics"),
    *("prompt_eval_count", "eval_count", "prompt_token_count", "generation_token_count"),
    *("inputTextTokenCount", "totalOutputTextTokenCount", "tokenCount"),
    *("model", "modelVersion", "done"),
}
"""Usage, what names the model, and what says that a line of Ollama is the last."""
BESIDE = {
    *("finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason", "completionReason", "status"),
    *("created", "index", "role", "logprobs", "total_duration", "latencyMs", "metrics", "contentBlockIndex"),
    *("metadata", "api_version", "generation_id", "is_finished", "incomplete_details", "server_tool_use"),
}
"""What an event keeps beside its bill, or nobody looks at."""
IDS = {"id", "responseId", "response_id"}
ILL = (
    *("null", "true", "7", "-1", "1.5", "1e999", "9" * 400, "NaN", "1E-99999", '""', '"a b"', '"\\ud83d"', '"\\u0000"'),
    *(f'"{"x" * 5000}"', "[]", "{}", '[{"a": [1, {}]}]', '{"a": 1, "a": 2}', "[" * 70 + "]" * 70),
)


class Raw(str):
    """JSON text that stands for a value, or for several members."""

    __slots__ = ()


def written(value: Any, key: str = "") -> str:
    if isinstance(value, Raw):
        return value.replace("KEY", json.dumps(key))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {written(inner, name)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


def reading_of(path: str, documents: list[dict[str, Any]], *, is_stream: bool) -> BodyReading:
    response = written(documents if is_stream else documents[0])
    line = parse(
        '{"ts": "2026-09-01T12:00:00Z", "api_key_id": "k", "status": 200, "method": "POST", "path": '
        f'{json.dumps(path)}, "response": {response}}}'
    )
    return read_exchange(read_envelope(line, LogFormat(), str), LogFormat())


def fields_of(value: Any, *, in_usage: bool = False) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield every field that decides no bill: nor does anything in it."""
    for inner in value if isinstance(value, list) else []:
        yield from fields_of(inner, in_usage=in_usage)
    for name, inner in list(value.items()) if isinstance(value, dict) else []:
        is_usage = in_usage or name in DECIDING
        yield from fields_of(inner, in_usage=is_usage)
        if not decides(inner) and ((not is_usage and name != "service_tier") or name == "server_tool_use"):
            yield value, name


def decides(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(decides, value))
    return isinstance(value, dict) and any(name in DECIDING or decides(inner) for name, inner in value.items())


def bill(reading: BodyReading) -> tuple[Any, ...]:
    return reading.status, reading.tokens, reading.model_reported, reading.model_in_path, reading.service_tier


@pytest.mark.parametrize("family", FAMILIES)
def test_no_ill_formed_field_that_decides_no_bill_costs_a_line_or_a_token(family: str) -> None:
    chance = random.Random(family)
    changed = 0
    for _ in range(6):
        body = Maker(chance).body(family)
        is_stream = body.documents[0] is not body.response and len(body.documents) > 1
        sound = reading_of(body.path, body.documents, is_stream=is_stream)
        assert sound.left_out == frozenset()
        for holder, name in list(fields_of(body.documents)):
            before = holder[name]
            twice = [Raw(f"{ill}, KEY: {written(before)}") for ill in chance.sample(ILL, 3)]
            alone = [Raw(ill) for ill in chance.sample(ILL, 5)] if name in BESIDE | IDS else []
            later = [Raw(f"{written(before)}, KEY: {ill}") for ill in chance.sample(ILL, 3)] if alone else []
            for value in (*twice, *alone, *later):
                holder[name] = value
                found = reading_of(body.path, body.documents, is_stream=is_stream)
                assert bill(found) == bill(sound), (name, value[:99])
                assert name in IDS or found.response_id == sound.response_id
                assert found.left_out <= {"finish_reason", "response.id"}
                changed += 1
            holder[name] = before
    assert changed >= 30


@pytest.mark.parametrize(("name", "left_out"), [("finish_reason", "finish_reason"), ("id", "response.id")])
def test_what_is_stated_twice_is_left_out_and_named(name: str, left_out: str) -> None:
    (document,) = Maker(random.Random(1)).body("chat").documents
    holder = document if name == "id" else document["choices"][0]
    holder[name] = Raw('"one", KEY: "other"')
    found = reading_of("/v1/chat/completions", [document], is_stream=False)
    assert found.left_out == {left_out}
    assert found.status.value == "measured"
    assert (found.response_id is None) is (name == "id")


@pytest.mark.parametrize("twice", [Raw('"one", KEY: "one"'), Raw('"one"')])
def test_what_is_stated_twice_alike_is_stated_once(twice: Raw) -> None:
    (document,) = Maker(random.Random(1)).body("chat").documents
    document["id"] = twice
    assert reading_of("/v1/chat/completions", [document], is_stream=False).response_id == "one"
