"""A caller can have the model write anything, an answer of an API with its usage among it: it is a text, and no answer.

Wherever a log keeps what a model wrote as a text, as bytes, or as the object that a program made of it, the usage that
is stated beside it counts.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from logged_documents import braintrust_span, weave_call
from test_hostile_callers import logged
from workspaces import STANDARD, make_workspace, tallybook, write_log

from pipeline.collectors import LogFormat
from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.logs.lines import Line
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.collectors.decode import QuarantineRow

USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "input_tokens": 1, "output_tokens": 1, "inputTokens": 1}
PRINTED = {
    "chat": {"id": "chosen", "object": "chat.completion", "model": "cheap", "choices": [{}], "usage": USAGE},
    "usage alone": {"usage": USAGE, "choices": []},
    "a message": {
        "id": "chosen",
        "type": "message",
        "role": "assistant",
        "model": "cheap",
        "content": [],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    "the end of a message": {"type": "message_delta", "usage": {"input_tokens": 1, "output_tokens": 1}},
    "a response": {"id": "chosen", "object": "response", "model": "cheap", "usage": USAGE},
    "Converse": {"output": {"message": {}}, "stopReason": "x", "usage": {"inputTokens": 1, "outputTokens": 1}},
    "Gemini": {"candidates": [{}], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1}},
    "an error": {"error": {"message": "overloaded"}},
    "a trace": {
        "trace": {
            "trace": {
                "orchestrationTrace": {
                    "modelInvocationOutput": {
                        "traceId": "t-1",
                        "metadata": {"usage": {"inputTokens": 1, "outputTokens": 1}},
                    }
                }
            }
        }
    },
}
"""What a caller has the model write."""
AT = {name: USAGE_EVENTS.names.index(name) for name in ("event_id", "model_reported", "model_requested", "status")}
COUNTS = [USAGE_EVENTS.names.index(name) for name in ("prompt_tokens", "completion_tokens", "prompt_cached_tokens")]
printed = pytest.mark.parametrize("answer", PRINTED.values(), ids=PRINTED)


def decoded(document: dict[str, Any]) -> list[EventRow | QuarantineRow]:
    content = json.dumps(document).encode()
    line = Line(1, 0, len(content), content, b"", 1)
    return decode_line(line, source="s", log_format=LogFormat(), fingerprint=str)


def billed(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return which exchanges a line amounts to, of which models, and what each of them consumed."""
    rows = decoded(document)
    assert all(isinstance(row, EventRow) for row in rows)
    return [tuple(row.values[at] for at in (*AT.values(), *COUNTS)) for row in rows]


@printed
@pytest.mark.parametrize("is_text", [True, False], ids=["as a text", "as the object that a program made of it"])
def test_what_a_span_of_braintrust_has_as_its_output_states_no_usage(answer: dict[str, Any], *, is_text: bool) -> None:
    """As its documentation logs calls of one's own: the text as output, and the counts beside it."""
    output = json.dumps(answer) if is_text else answer
    assert billed(braintrust_span(output=output)) == billed(braintrust_span(output="Hi"))


def test_a_message_of_the_counts_beside_it_that_a_model_wrote_is_of_the_model_that_was_asked() -> None:
    usage = {"input_tokens": 40, "output_tokens": 5}
    message = PRINTED["a message"] | {"usage": usage}
    (row,) = decoded(braintrust_span(output=message))
    assert [row.values[at] for at in (AT["model_reported"], AT["model_requested"])] == [None, "jamba"]
    assert [row.values[at] for at in COUNTS] == [40, 5, None]


@printed
@pytest.mark.parametrize("op", ["answer", "huggingface_hub.InferenceClient.text_generation"])
def test_a_text_that_an_op_of_weave_returns_is_no_answer(answer: dict[str, Any], op: str) -> None:
    named = f"weave:///desk/answers/op/{op}:aV5cvC"
    assert billed(weave_call(op_name=named, output=json.dumps(answer))) == []


@printed
def test_a_stream_that_became_a_text_is_unknown_whatever_it_says(answer: dict[str, Any]) -> None:
    """What a client's op returned as a text says nothing of what it consumed, and is seen."""
    (row,) = decoded(weave_call(output=json.dumps(answer)))
    assert row.values[AT["status"]] == "unknown"


HOLDERS = ("output", "response", "result", "data", "body", "predictions", "raw", "final_result")
"""Where APIs put what a model wrote to a schema of the caller's, or others an answer."""
COUNTED = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
OF_A_SCHEMA = {**PRINTED, "a vector": {"embedding": [1]}, "vectors": {"embeddings": [[1]]}}


@pytest.mark.parametrize("written", OF_A_SCHEMA.values(), ids=OF_A_SCHEMA)
@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("path", ["/v1/chat/completions", None])
def test_what_a_model_wrote_to_a_schema_counts_nothing_where_the_answer_counts(
    holder: str, written: dict[str, Any], path: str | None
) -> None:
    answer = {"id": "r", "model": "dear", holder: written, "usage": COUNTED}
    (row,) = billed(logged(path or "", answer))
    assert row[len(AT) :] == (1000, 50, None)
    assert "cheap" not in row


@pytest.mark.parametrize("around", [{"credits": 3}, {"prompt_tokens": 0, "completion_tokens": 0}, {}])
def test_an_answer_within_what_counts_no_tokens_counts(around: dict[str, Any]) -> None:
    inner = {"id": "r", "object": "chat.completion", "model": "dear", "choices": [{"message": {}}], "usage": COUNTED}
    (row,) = billed(logged("/v1/answers", {"result": inner, "usage": around}))
    assert row[len(AT) :] == (1000, 50, None)


@pytest.mark.parametrize("written", OF_A_SCHEMA.values(), ids=OF_A_SCHEMA)
def test_json_that_workers_ai_was_asked_for_is_no_answer(written: dict[str, Any]) -> None:
    """Its JSON mode returns the object itself ("JSON Mode" of Workers AI)."""
    answer = {"result": {"response": written, "usage": COUNTED}, "success": True, "errors": [], "messages": []}
    (row,) = billed(logged("/accounts/a/ai/run/@cf/meta/llama", answer))
    assert row[len(AT) :] == (1000, 50, None)
    assert "cheap" not in row


def agent(text: str, *, is_first: bool) -> dict[str, Any]:
    """Return a call of an agent of Bedrock, which wrote a text."""
    steps = (
        {"modelInvocationInput": {"traceId": "t-1", "foundationModel": "anthropic.sonnet"}},
        {"modelInvocationOutput": {"traceId": "t-1", "metadata": {"usage": {"inputTokens": 900, "outputTokens": 90}}}},
    )
    traces = [{"trace": {"agentId": "A1", "trace": {"orchestrationTrace": step}}} for step in steps]
    said = {"chunk": {"bytes": base64.b64encode(text.encode()).decode()}}
    events = [said, *traces] if is_first else [*traces, said]
    return logged("/agents/A1/agentAliases/B1/sessions/s-1/text", events)


@printed
@pytest.mark.parametrize("is_first", [False, True])
def test_what_an_agent_of_bedrock_wrote_is_no_chunk_of_a_model(answer: dict[str, Any], *, is_first: bool) -> None:
    expected = billed(agent("Hi", is_first=is_first))
    assert [each[len(AT) :] for each in expected] == [(900, 90, None)]
    assert billed(agent(json.dumps(answer), is_first=is_first)) == expected


def test_a_night_bills_what_the_span_states_and_not_what_the_model_wrote(tmp_path: Path) -> None:
    card = '[[rates]]\nmodel = "cheap"\nprompt = 0.01\ncompletion = 0.01\n'
    config = '[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "braintrust"\n'
    root = make_workspace(tmp_path / "books", config=config, cards={"standard": STANDARD + card})
    span = braintrust_span(metrics={"prompt_tokens": 10**6, "tokens": 10**6 + 5}, output=json.dumps(PRINTED["chat"]))
    span["metadata"] = {"model": "jamba-large", "api_key_id": "key_a"}
    write_log(root, "a.jsonl", json.dumps(span))
    night = json.loads(tallybook(root, "nightly", "--as-of", "2026-12-02", "--json").stdout)
    assert [each["total"] for each in night["invoices"]] == ["2.00"]
