"""Whatever stands in a logged document: it is read or refused, its content goes nowhere, and nothing else happens."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from logged_documents import DOCUMENTS
from odd_documents import changed_in_places

from pipeline.collectors import KeyFingerprint, LogFormat
from pipeline.collectors.exchange import read_exchange
from pipeline.collectors.formats.entries import entries_of
from pipeline.collectors.formats.found import by_name, format_of
from pipeline.collectors.formats.request_log import read_envelope
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import parse

if TYPE_CHECKING:
    from collections.abc import Callable

FINGERPRINT = KeyFingerprint(secret=b"a secret of thirty-two bytes, ok!")
CANARY = "canary-9f3a"
CONTENT: dict[str, list[dict[str, Any]]] = {
    "otel": [
        {
            "key": "gen_ai.input.messages",
            "value": {"arrayValue": {"values": [{"kvlistValue": {"values": [{"key": CANARY, "value": {}}]}}]}},
        },
        {"key": "gen_ai.output.messages", "value": {"stringValue": CANARY}},
        {"key": CANARY, "value": {"stringValue": CANARY}},
    ],
    "langfuse": [{"input": CANARY, "output": {"content": CANARY}, "statusMessage": CANARY, "name": CANARY, CANARY: 1}],
    "langsmith": [{"inputs": {"messages": [CANARY]}, "name": CANARY, "events": [{CANARY: CANARY}], CANARY: 1}],
    "openai-batch": [{"error": {"code": CANARY, "message": CANARY}, CANARY: CANARY}],
    "bedrock-batch": [{"modelInput": {"messages": [CANARY], "requestMetadata": {"api_key_id": "key_1"}, CANARY: 1}}],
    "gemini-batch": [{CANARY: {"displayName": CANARY}}],
    "vertex-batch": [{"request": {"contents": [CANARY], "labels": {"api_key_id": "key_1"}, CANARY: 1}, CANARY: CANARY}],
    "litellm-spend": [{"messages": CANARY, "proxy_server_request": {CANARY: 1}, "metadata": {CANARY: CANARY}}],
    "helicone": [{"request_body": {"model": "m", "messages": [CANARY]}, "scores": {CANARY: CANARY}}],
}
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_whole_document_is_read(name: str) -> None:
    document = parse(json.dumps(DOCUMENTS[name]))
    assert format_of(document) is by_name()[name]
    entries, log_format = entries_of(document, LogFormat())
    (entry,) = entries
    assert read_envelope(entry, log_format, FINGERPRINT).api_key_id == "key_1"


@pytest.mark.long
@given(chance=some.data())
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_with_anything_in_any_place_is_read_or_refused(name: str, chance: some.DataObject) -> None:
    document = changed_in_places(DOCUMENTS[name], VALUES, chance)
    line = parse(json.dumps(document))
    with suppress(LineRefused):
        entries, log_format = entries_of(line, LogFormat(format=name))
        for entry in entries:
            if not isinstance(entry, LineRefused):
                read_exchange(read_envelope(entry, log_format, FINGERPRINT), log_format)
    format_of(line)


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("line", [{}, {"level": "info", "msg": "started"}, {"data": {}}, {"type": "LLM"}])
def test_a_line_of_something_else_is_refused_by_a_format_that_its_source_names_and_never_blank(
    name: str, line: dict[str, Any]
) -> None:
    with pytest.raises(LineRefused):
        entries_of(line, LogFormat(format=name))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_content_enters_neither_events_nor_the_quarantine(name: str, collect: Callable[..., Any]) -> None:
    whole = deepcopy(DOCUMENTS[name])
    if name == "otel":
        whole["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] += CONTENT[name]
    else:
        whole |= CONTENT[name][0]
    if name == "openai-batch":
        whole["response"]["body"]["choices"] = [{"message": {"content": CANARY}, "finish_reason": "stop"}]
    text = json.dumps(whole)
    spoiled = [
        text.replace(*change) for change in (('"3"', '"-3"'), (": 3,", ": -3,"), ("1788000000", "x"), ("12:00", "x"))
    ]
    collected = collect(text, *(line for line in spoiled if line != text), format=name)
    assert len(collected.events) == 1
    assert len(collected.quarantined) > 1
    assert CANARY not in repr([collected.events, collected.quarantined])
