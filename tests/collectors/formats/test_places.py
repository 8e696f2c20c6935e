"""What formats say of where their lines have what is looked at is true of their code: each place, one at a time."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors.formats.batches import openai_batch
from pipeline.collectors.formats.found import all_formats, by_name
from pipeline.collectors.formats.places import Places
from pipeline.collectors.formats.tools import helicone, langfuse, langsmith
from pipeline.collectors.values.refusal import LineRefused
from pipeline.configuration.log_fields import path_of, rules_of
from pipeline.usage.events import LOG_FIELDS

if TYPE_CHECKING:
    from types import ModuleType

LINES: dict[ModuleType, tuple[dict[str, Any], ...]] = {
    helicone: ({"request_id": "r", "request_created_at": "2026-03-01 06:51:19", "response_status": 200},),
    langfuse: ({"type": "GENERATION", "traceId": "t", "id": "o", "startTime": "2026-03-01 06:51:19"},),
    langsmith: ({"run_type": "llm", "trace_id": "t", "id": "o", "start_time": "2026-03-01 06:51:19"},),
    openai_batch: (
        {"id": "b", "custom_id": "c", "response": {"status_code": 200, "request_id": "r", "body": {}}, "error": None},
        {"custom_id": "c", "result": {"type": "succeeded"}, "batch": {"id": "b"}},
    ),
}
"""Lines of each format that says it in code, with as little as makes them ones."""
VALUES = (7, "7", "ERROR", "2026-03-01T07:00:00Z", {"input": 7}, {"model": "m"})
"""One of them is what belongs in any place."""
WHOLE = ("row", "observation", "run", "batch", "request", "custom_id")
"""Fields of entries that are parts of the line as it stands."""


def places(module: ModuleType) -> list[tuple[str, str, list[str]]]:
    """Return each place of a format: its field, its path, and the other paths of the field."""
    fields = {
        field: [paths] if isinstance(paths, str) else list(paths) for field, paths in module.PLACES.fields.items()
    }
    stated = [*fields.items(), *(("usage", [path]) for path in module.PLACES.counts)]
    return [(field, path, [each for each in paths if each != path]) for field, paths in stated for path in paths]


def put(line: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a line with a value at a path, ``None`` to take it away."""
    changed = copy.deepcopy(line)
    *within, last = path_of(path).steps
    place = changed
    for step in within:
        if not isinstance(place.get(step), dict):
            if value is None:
                return changed
            place[step] = {}
        place = place[step]
    place.pop(last, None)
    if value is not None:
        place[last] = value
    return changed


def said(module: ModuleType, line: dict[str, Any]) -> Any:
    """Return what the code makes of a line, less the parts of it that it hands on as they are."""
    try:
        entries = module.entries(line)
    except LineRefused as refused:
        return refused.detail
    return [{name: value for name, value in entry.items() if name not in WHOLE} for entry in entries], [
        entry.get("request") for entry in entries
    ]


def is_looked_at(module: ModuleType, path: str, others: list[str]) -> bool:
    lines = [*LINES[module]]
    for other in others:  # each may be there or not: one place may count only beside another, or instead of it
        lines += [put(line, other, None) for line in lines]
    return any(
        said(module, put(line, path, value)) != said(module, put(line, path, None))
        for line in lines
        for value in VALUES
    )


@pytest.mark.parametrize("module", LINES)
def test_what_lies_at_each_place_is_looked_at(module: ModuleType) -> None:
    found = places(module)
    assert set(LOG_FIELDS).issuperset(field for field, _, _ in found)
    assert [(field, path) for field, path, others in found if not is_looked_at(module, path, others)] == []


def test_counts_that_a_tool_made_of_a_run_decide_nothing() -> None:
    (bare,) = LINES[langsmith]
    for name in langsmith.PLACES.unread:
        assert said(langsmith, bare | {name: 7}) == said(langsmith, bare)
        stated = bare | {"outputs": {"usage_metadata": {name: 7}}}
        assert (said(langsmith, stated) != said(langsmith, bare)) == (name == "total_tokens")


@pytest.mark.parametrize("name", langsmith.PLACES.counts_within)
def test_each_part_of_a_run_is_a_count(name: str) -> None:
    (bare,) = LINES[langsmith]
    details = {"input_token_details": {name: 7}, "output_token_details": {name: 7}}
    entries, _ = said(langsmith, bare | {"outputs": {"usage_metadata": details}})
    assert 7 in [value for field, value in entries[0].items() if field.startswith("usage.")]


def test_what_a_format_does_not_look_at_at_the_top_decides_nothing() -> None:
    (bare,) = LINES[langfuse]
    assert langfuse.PLACES.unread == ("input", "output")
    for name in langfuse.PLACES.unread:
        line = bare | {"usageDetails": {name: 7}}
        assert said(langfuse, line | {name: "what was written"}) == said(langfuse, line) != said(langfuse, bare)


def test_formats_that_say_nothing_of_places_are_read_one_line_at_a_time() -> None:
    assert not any(Places())
    assert [each.name for each in all_formats() if each.places is None] == [
        *("datadog", "har", "new-api", "openrouter", "posthog", "spans"),
    ]
    assert [each.name for each in all_formats() if each.places is not None and each.mapping is None] == [
        *("braintrust", "helicone", "langfuse", "langsmith", "openai-batch", "opik", "otel", "weave"),
    ]


@pytest.mark.parametrize("name", [name for name, each in by_name().items() if each.mapping is not None])
def test_a_mapping_of_a_format_is_written_in_the_language_of_fields(name: str) -> None:
    mapping = by_name()[name].mapping
    assert mapping
    assert rules_of(mapping).keys() == mapping.keys()
