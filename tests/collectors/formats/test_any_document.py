"""Whatever JSON a log has: no format breaks over it, and each line amounts to something, or is refused."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.collectors import LogFormat
from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.formats.found import REQUEST_LOG, all_formats, by_name
from pipeline.collectors.kernel.names import texts_reached
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.values.strict_json import CONTRADICTED
from pipeline.usage.events import LOG_FIELDS

if TYPE_CHECKING:
    from pipeline.collectors.formats.found import Format

_FIRST_NAME = re.compile(r'\{"([^"\\]+)":')

_WORDS = sorted(
    {
        *LOG_FIELDS,
        *("logEvents", "events", "message", "@message", "@timestamp", "log", "date", "kubernetes", "messageType"),
        *("textPayload", "jsonPayload", "insertId", "searchedLogStreams", "logGroup", "data", "id", "model", "type"),
        *("call_type", "startTime", "metadata", "user_api_key_hash", "prompt_tokens", "completion_tokens", "usage"),
        *("resourceSpans", "scopeSpans", "spans", "attributes", "key", "value", "intValue", "stringValue", "resource"),
        *("resourceLogs", "scopeLogs", "logRecords", "startTimeUnixNano", "timeUnixNano", "traceId", "spanId", "name"),
        *("custom_id", "result", "body", "error", "batch", "status_code", "usageDetails", "observations", "unit"),
        *("request_id", "request_created_at", "response_status", "response_body", "request_body", "input", "output"),
        *("recordId", "modelInput", "modelOutput", "errorCode", "jobArn", "totalRecordCount", "successRecordCount"),
        *("request", "response", "inlinedResponses", "responsesFile", "done", "embedding", "contents", "status"),
        *("processed_time", "instance", "predictions", "embeddings", "statistics", "token_count", "anthropic_version"),
        *("entries", "headers", "postData", "text", "content", "encoding", "startedDateTime", "started_at", "ai"),
        *(
            *("created_at", "token_name", "model_name", "quota", "completion_tokens", "other", "items", "token_id"),
            "time_local",
            "request_uri",
            "request_method",
            "start_time",
            "response_code",
            "authority",
            "route",
            "service",
        ),
    }
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**13),
    st.floats(allow_nan=True),
    st.text(max_size=6),
    st.sampled_from(
        [
            *("2026-09-01T12:00:00Z", "1793700000", "success", "GENERATION", "chat", "DATA_MESSAGE", "/v1/embeddings"),
            *("gen_ai.usage.input_tokens", "gen_ai.operation.name", "gen_ai.request.model", "5", "-", "{", "[]", "200"),
            *(
                '{"usage": {"prompt_tokens": 5, "completion_tokens": 1}, "choices": []}',
                "data: {}\n\n",
                "e30=",
                "base64",
            ),
        ]
    ),
)
_DOCUMENTS = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(_WORDS), inner, min_size=1, max_size=8)
    ),
    max_leaves=40,
)


@pytest.mark.parametrize("name", [None, REQUEST_LOG, *by_name()])
@settings(max_examples=15, deadline=None)
@given(document=_DOCUMENTS, is_held=st.booleans())
def test_any_document_is_read_or_refused(name: str | None, document: Any, is_held: bool) -> None:  # noqa: FBT001
    check_any_document_is_read_or_refused(name, document, is_held)


@pytest.mark.slow
@pytest.mark.parametrize("name", [None, REQUEST_LOG, *by_name()])
@settings(max_examples=150, deadline=None)
@given(document=_DOCUMENTS, is_held=st.booleans())
def test_many_documents_are_each_read_or_refused(name: str | None, document: Any, is_held: bool) -> None:  # noqa: FBT001
    check_any_document_is_read_or_refused(name, document, is_held)


def check_any_document_is_read_or_refused(name: str | None, document: Any, is_held: bool) -> None:  # noqa: FBT001
    text = json.dumps(document)
    for stated in (text, _FIRST_NAME.sub(r'{"\1":0,"\1":', text)):  # the first name of each object, twice
        check_it_is_read_or_refused(name, json.dumps({"@message": stated, "@ptr": "x"}) if is_held else stated)


def check_it_is_read_or_refused(name: str | None, text: str) -> None:
    written = text.encode()
    line = Line(1, 0, len(written) + 1, written)
    first, second = (
        decode_line(line, source="s", log_format=LogFormat(format=name), fingerprint=lambda raw: f"key_{len(raw)}")
        for _ in range(2)
    )
    assert first == second
    for row in first:
        assert isinstance(row, EventRow) or row.reason in row.values


@pytest.mark.parametrize("found", all_formats(), ids=lambda each: each.name)
def test_a_format_says_yes_or_no_of_an_object_in_which_a_name_is_stated_twice(found: Format) -> None:
    """What recognises is asked of every line, before anything is refused."""
    names = sorted(texts_reached(found.recognises))
    assert names
    for outer, inner in product(names, names):
        for document in ({outer: CONTRADICTED}, {outer: {inner: CONTRADICTED}}, {outer: [{inner: CONTRADICTED}]}):
            assert type(found.recognises({**dict.fromkeys(names, "x"), **document})) is bool
            assert type(found.recognises(document)) is bool


@pytest.mark.long
@settings(max_examples=30, deadline=None)
@given(document=st.dictionaries(st.sampled_from(_WORDS), _DOCUMENTS, max_size=12))
def test_formats_say_yes_or_no_of_any_object(document: dict[str, Any]) -> None:
    check_formats_say_yes_or_no_of_any_object(document)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(document=st.dictionaries(st.sampled_from(_WORDS), _DOCUMENTS, max_size=12))
def test_formats_say_yes_or_no_of_many_objects(document: dict[str, Any]) -> None:
    check_formats_say_yes_or_no_of_any_object(document)


def check_formats_say_yes_or_no_of_any_object(document: dict[str, Any]) -> None:
    assert {type(each.recognises(document)) for each in all_formats()} == {bool}
