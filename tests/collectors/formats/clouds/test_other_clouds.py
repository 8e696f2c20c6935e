"""Logs of clouds that cannot be billed by themselves: their lines are quarantined, and never billed at zero."""

from __future__ import annotations

import json
from typing import Any

import pytest

AZURE_OPENAI = {
    "time": "2026-11-03T10:00:01.0000000Z",
    "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/A",
    "category": "RequestResponse",
    "operationName": "ChatCompletions_Create",
    "resultSignature": "200",
    "correlationId": "c",
    "properties": json.dumps(
        {
            "requestLength": 9,
            "responseLength": 7,
            "modelDeploymentName": "d",
            "modelName": "m",
            "streamType": "Streaming",
        }
    ),
}
"""States lengths in bytes, and no tokens."""
API_MANAGEMENT = {
    "time": "2026-11-03T10:00:01.0000000Z",
    "category": "GatewayLlmLogs",
    "properties": {
        "correlationId": "c",
        "promptTokens": 40,
        "completionTokens": 5,
        "totalTokens": 45,
        "modelName": "m",
    },
}
"""States tokens, and no caller: that is in another log, by the correlation id."""


@pytest.mark.parametrize("record", [AZURE_OPENAI, API_MANAGEMENT], ids=["Azure OpenAI", "API Management"])
def test_records_of_azure_are_quarantined_alone_and_as_an_event_hub_delivers_them(collect: Any, record: Any) -> None:
    for line in (record, {"records": [record, record]}):
        assert collect(line).refusal == ("missing_field", "ts")


def test_fields_that_name_a_place_of_tokens_where_there_is_none_make_no_zero(collect: Any) -> None:
    fields = {
        "ts": "time",
        "api_key_id": "resourceId",
        "request.model": "properties.modelName",
        "usage.prompt_tokens": "properties.promptTokens",
        "usage.completion_tokens": "properties.completionTokens",
    }
    event = collect(AZURE_OPENAI, fields=fields).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("unknown", None, None)
