"""Lines of formats are told by the kernel as the plain reader tells them, or handed over."""

from __future__ import annotations

import json
import re
import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from both_readers import FORMAT, by_kernel, fingerprint, read_plainly
from closed_values import closed, let_any_of_ask_objects, looked_into, watch
from foreign_lines import KINDS, ForeignLines
from fuzzing import found_rows

from pipeline.collectors import LogFormat, families, read_log
from pipeline.collectors.exchange import read_exchange
from pipeline.collectors.families.bedrock import answers as bedrock
from pipeline.collectors.formats.batches.batch import Batch
from pipeline.collectors.formats.entries import entries_of
from pipeline.collectors.formats.found import all_formats, by_name, format_of, is_request_log
from pipeline.collectors.formats.request_log import read_envelope
from pipeline.collectors.formats.tools import langsmith
from pipeline.collectors.kernel import in_order, readers
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.names import OF_EVERY, OF_INNER, OF_LINE, PREFIXES, SUFFIXES, TEXTS, Kind
from pipeline.collectors.kernel.places import formats_read, names_of
from pipeline.collectors.kernel.rules import table
from pipeline.collectors.kernel.rules.finder import RuleFinder
from pipeline.collectors.logs import line_blocks, log_file
from pipeline.collectors.values import strict_json
from pipeline.collectors.values.refusal import LineRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.collectors.kernel.blocks import DecodedLines

TOLD = [each.name for each in formats_read(FORMAT) if each is not None]
WRITTEN = Path(__file__).parents[1] / "formats"


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})


def _written(*documents: Any) -> list[bytes]:
    return [json.dumps(document).encode() for document in documents]


def _agree(lines: Sequence[bytes], log_format: LogFormat = FORMAT) -> DecodedLines:
    """Return what the kernel found, which is what the plain reader finds."""
    found = by_kernel(lines, log_format)
    assert found_rows(found) == read_plainly(lines, log_format)
    return found


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_both_readers_agree_on_lines_of_each_tool_however_damaged(kind: str) -> None:
    for number in range(3):
        maker = ForeignLines(f"{kind} {number}", is_gentle=number < 2, kind=kind)
        _agree([maker.made().content for _ in range(150)], maker.log_format)


NAME_BYTES_MAX = 64
"""As in ``source/names.h``."""
SHARES = {"apisix": 0.4, "litellm": 0.5, "gemini-batch": 0.3, "otel": 0.25}
"""How many of the events are told at least, where it is less than most: of lines made up as those tools', a third come
out of a cache, whose counts are kept by name, of APISIX's a third are of nobody, of Gemini's half lie in batch objects,
each of which is a document of several, and of OpenTelemetry's some are one call in two spans, and a tracer each writes
the others: a shape that nobody has met is read plainly.
"""


@pytest.mark.long
@pytest.mark.parametrize("kind", [*TOLD, "mapped"])
def test_most_events_that_a_tool_writes_are_told(kind: str) -> None:
    maker = ForeignLines(f"usual {kind}", is_gentle=True, kind=kind)
    lines = _written(*(maker.usual() for _ in range(120)))
    found = _agree(lines, KINDS[kind].settings[0])
    events = sum(map(len, found.events))
    assert events >= 30
    assert found.told >= SHARES.get(kind, 0.6) * events


def test_what_litellm_wrote_is_told() -> None:
    lines = (WRITTEN / "tools" / "litellm_1_110_2.jsonl").read_bytes().splitlines()
    assert _agree(lines).told >= 6


LITELLM: dict[str, Any] = {
    "id": "a",
    "call_type": "completion",
    "status": "success",
    "startTime": 1_772_344_816.434123,
    "metadata": {"user_api_key_hash": "k"},
    "response": {"id": "a", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
}
HELICONE: dict[str, Any] = {
    "request_id": "r",
    "request_created_at": "2026-03-01 06:51:19.25",
    "response_status": 200,
    "request_properties": {"api_key_id": "k"},
    "prompt_tokens": "7",
    "completion_tokens": "4",
    "reasoning_tokens": 5,
}
LANGFUSE: dict[str, Any] = {
    "id": "o",
    "traceId": "t",
    "type": "GENERATION",
    "startTime": "2026-03-01T06:51:19Z",
    "metadata": {"api_key_id": "k"},
    "usageDetails": {"input": 30, "input_cached_tokens": 20, "output": 5, "total": 55},
    "input": "what was asked",
}
BATCH: dict[str, Any] = {
    "id": "b",
    "custom_id": "c",
    "response": {"status_code": 200, "body": LITELLM["response"] | {"created": 1_772_344_816}},
    "error": None,
}


@pytest.mark.parametrize(
    "written", ["1772344816.434123", "1772344816.4341239", "1772344816434.4349", "1772344816434123"]
)
def test_an_instant_is_told_to_the_microsecond_however_it_is_written(written: str) -> None:
    lines = [line.replace(b"1772344816.434123", written.encode()) for line in _written(LITELLM)]
    assert _agree(lines).told == 1


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/London"])
@pytest.mark.parametrize("month", ["01", "07"])
def test_an_instant_without_an_offset_is_never_told_in_another_zone(zone: str | None, month: str) -> None:
    lines = _written(HELICONE | {"request_created_at": f"2026-{month}-05 06:51:19"})
    assert _agree(lines, LogFormat(time_zone=zone)).told == (zone != "Europe/London")


def test_counts_in_texts_are_told() -> None:
    (row,) = found_rows(found := _agree(_written(HELICONE)))[1]
    assert (found.told, row["prompt_tokens"], row["completion_tokens"], row["reasoning_tokens"]) == (1, 7, 9, 5)


@pytest.mark.parametrize("count", ["0", "007", "-", "", " 7", "7.0", "1" * 13, 0, None, "a"])
def test_counts_in_other_texts_are_what_the_plain_reader_says(count: Any) -> None:
    _agree(_written(HELICONE | {"prompt_tokens": count}, HELICONE))


def test_an_id_of_two_is_told() -> None:
    lines = _written(LANGFUSE, LANGFUSE | {"id": "p"}, LANGFUSE | {"traceId": "u"})
    found = _agree(lines)
    assert found.told == 3
    assert [rows[0]["request_id"] for rows in found_rows(found).values()] == ["t/o", "t/p", "u/o"]


def test_an_id_of_two_that_is_longer_than_ids_are_is_for_the_plain_reader() -> None:
    whole = LANGFUSE | {"id": "o" * 127, "traceId": "t" * 128}
    found = _agree(_written(LANGFUSE, whole, whole | {"id": "o" * 128}))
    assert found.told == 2


def test_an_id_of_two_that_looks_like_a_raw_key_is_for_the_plain_reader() -> None:
    assert _agree(_written(LANGFUSE, LANGFUSE | {"id": "sk-made-up-0123456789abcdef"})).told == 1


@pytest.mark.parametrize(
    "usage",
    [
        {"input": 30, "input_cached_tokens": 20, "output": 5, "total": 35},
        {"input": 30, "output": 5, "other.input_tokens": 7},
        {"input": 30, "output": 5, "total": 36},
        {"x" * 65: 3, "output": 4},
        {"input": {"a": 3}, "output": 4},
    ],
)
def test_usage_by_other_names_is_what_the_plain_reader_says(usage: dict[str, Any]) -> None:
    _agree(_written(LANGFUSE, LANGFUSE | {"usageDetails": usage}, LANGFUSE | {"usageDetails": usage | {"output": 9}}))


@pytest.mark.parametrize("names", [17, 19, 400])
def test_more_names_of_counts_than_there_is_room_for_are_for_the_plain_reader(names: int) -> None:
    usage = {f"input_{number}": number for number in range(1, names + 1)}
    assert _agree(_written(LANGFUSE, LANGFUSE | {"usageDetails": usage})).told == 1


def test_a_text_within_a_text_is_for_the_plain_reader() -> None:
    fields = {"ts": "at", "api_key_id": "wrap.key", "request_id": "call", "response": "wrap.answer"}
    line = {"at": 1_772_344_816, "call": "r"}
    wrapped = {"key": "k", "answer": LITELLM["response"]}
    answer = json.dumps(LITELLM["response"])
    answers = (answer, f"data: {answer}\n\n")
    texts = [json.dumps(each) for each in (wrapped, *(wrapped | {"answer": text} for text in answers))]
    found = _agree(_written(*(line | {"wrap": each} for each in (wrapped, *texts))), LogFormat(fields=fields))
    assert found.told == 2
    inner = {"ts": "at", "api_key_id": "wrap.key", "request_id": "call", "request.model": "wrap.asked.model"}
    asked = [{"key": "k", "asked": each} for each in ({"model": "m"}, '{"model": "m"}')]
    found = _agree(_written(*(line | {"wrap": json.dumps(each)} for each in asked)), LogFormat(fields=inner))
    assert found.told == 1


@pytest.mark.parametrize("stated", [b'"input": 20', b'"input_x": 20, "input_x": 20'])
def test_a_usage_that_is_stated_twice_is_for_the_plain_reader(stated: bytes) -> None:
    line = _written(LANGFUSE)[0]
    twice = line.replace(b'"input_cached_tokens": 20', stated)
    assert twice != line
    assert _agree([line, twice]).told == 1


CALL = "3a3f6065-c30a-15bd-5b5e-ca7bc26b9271"
SPEND: dict[str, Any] = {
    "request_id": "chatcmpl-1",
    "call_type": "acompletion",
    "api_key": "k",
    "spend": 0.01,
    "startTime": "2026-03-01T06:51:19Z",
    "prompt_tokens": 3,
    "completion_tokens": 2,
    "response": {},
}


def _ids_of(found: DecodedLines) -> list[tuple[str | None, str | None]]:
    rows = found_rows(found)
    return [(row["request_id"], row["response_id"]) for number in sorted(rows) for row in rows[number]]


def test_an_id_is_what_it_looks_like() -> None:
    other = CALL.replace("3", "4")
    found = _agree(_written(*(SPEND | {"request_id": each} for each in ("chatcmpl-1", CALL, "chatcmpl-2", other))))
    assert found.told == 4
    assert _ids_of(found) == [(None, "chatcmpl-1"), (CALL, None), (None, "chatcmpl-2"), (other, None)]


def test_what_an_id_looks_like_decides_nothing_where_the_line_says_what_it_is() -> None:
    called = SPEND | {"litellm_call_id": CALL}
    ids = ("chatcmpl-1", CALL, CALL.replace("3", "4"))
    found = _agree(_written(*(called | {"request_id": each} for each in ids)))
    assert found.told == 3
    assert _ids_of(found) == [(CALL, "chatcmpl-1"), (CALL, None), (CALL, CALL.replace("3", "4"))]


def test_no_shape_is_learned_of_lines_that_were_not_looked_at_for_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    known, new = SPEND, SPEND | {"status": "success"}
    lines = _written(*[known] * 3, *(known | {"request_id": f"a{at}_cache_hit7"} for at in range(3)))
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=fingerprint)
    monkeypatch.setattr(table, "LINE_BYTES", 0)
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 300)
    for block in (
        lines,
        [*lines, *_written(new | {"request_id": CALL})],
        lines,
        _written(new, new | {"request_id": CALL}),
    ):
        found = decoder.decoded(b"".join(line + b"\n" for line in block), start=0, first_line=1)
        assert found_rows(found) == read_plainly(block)


@pytest.mark.parametrize("called", [{}, {"litellm_call_id": "c"}, {"metadata": '{"litellm_call_id": "c"}'}])
def test_the_first_id_of_a_copy_is_told(called: dict[str, str]) -> None:
    usual = SPEND | called
    ids = ("chatcmpl-1", "a_cache_hit1793700009.5", "chatcmpl-1_cache_hit7")
    found = _agree(_written(*(usual | {"request_id": each} for each in ids)))
    assert found.told == 3
    assert [answer for _, answer in _ids_of(found)] == ["chatcmpl-1", "a", "chatcmpl-1"]


def _answer(answer: str) -> dict[str, Any]:
    return {"id": answer, "choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 3}}


@pytest.mark.parametrize("called", [{}, {"litellm_call_id": "c"}])
@pytest.mark.parametrize("hit", [True, None])
def test_a_copy_that_has_the_first_answer_is_told(called: dict[str, str], hit: bool | None) -> None:  # noqa: FBT001
    """As LiteLLM writes it: the id of the answer, and in the payload once more with what was put behind it."""
    ids = [f"a{number}" for number in range(4)]
    of_spend = [SPEND | called | {"request_id": f"{each}_cache_hit7", "response": _answer(each)} for each in ids]
    payloads = [LITELLM | called | {"id": f"{each}_cache_hit7", "response": _answer(each)} for each in ids]
    for lines in (of_spend, [each | {"cache_hit": hit} for each in payloads]):
        found = _agree(_written(*lines))
        assert found.told == len(ids)
        assert {row["status"] for rows in found_rows(found).values() for row in rows} == {"not_metered"}


@pytest.mark.parametrize("other", ["a_cache_hit7", "a"])
@pytest.mark.parametrize("place", ["litellm_call_id", "trace_id", "response"])
def test_what_is_taken_of_an_id_may_be_another_one_of_the_line(place: str, other: str) -> None:
    """That of the call tells what it is; of any other nobody asks."""
    stated = {"response": _answer(other)} if place == "response" else {place: other}
    usual = SPEND | {"litellm_call_id": "c", "response": _answer("b")}
    line = usual | stated | {"request_id": "a_cache_hit7"}
    _agree(
        _written(usual, usual | {"request_id": "b_cache_hit7"}, line, line | {"trace_id": "a", "litellm_call_id": "a"})
    )
    payload = LITELLM | {"litellm_call_id": "c", "response": _answer("b"), "id": "a_cache_hit7"}
    _agree(_written(payload, payload | stated, payload | {"id": "b"}, payload | {"id": "b_cache_hit7"}))


def _shapes_learned(monkeypatch: pytest.MonkeyPatch, lines: Sequence[bytes], log_format: LogFormat = FORMAT) -> int:
    """Return how many shapes lines have of which the plain reader was asked, all of them."""
    asked: set[bytes] = set()
    plainly = RuleFinder.rules_of

    def rules_of(self: RuleFinder, shape: bytes, *others: Any) -> Any:
        asked.add(shape)
        return plainly(self, shape, *others)

    monkeypatch.setattr(RuleFinder, "rules_of", rules_of)
    assert _agree(lines, log_format).told == len(lines)
    return len(asked)


def test_the_keys_of_a_cache_are_of_one_shape_but_for_the_word_that_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = [*(f"{number:064x}" for number in range(8)), "Cache ON", "cache off", "x" * 300]
    copies = [SPEND | {"request_id": f"a{at}_cache_hit7", "cache_key": key} for at, key in enumerate(keys)]
    answers = [SPEND | {"request_id": f"a{at}", "cache_key": "Cache OFF"} for at in range(4)]
    assert _shapes_learned(monkeypatch, _written(*copies, *answers)) == 2
    called_so = _written(*copies, *(each | {"cache_key": "Cache OFF"} for each in copies))
    statuses = [row["status"] for _, (row,) in sorted(found_rows(_agree(called_so)).items())]
    assert statuses == ["not_metered"] * len(copies) + ["measured"] * len(copies)


def test_what_cost_nothing_is_told() -> None:
    assert _agree(_written(*(SPEND | {"spend": spend, "request_id": f"a{spend}"} for spend in (0.0, 0, 0.5)))).told == 3


CHUNK = {"id": "a", "choices": [{"index": 0, "delta": {"content": "x"}}]}
LAST_CHUNK = {"id": "a", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


@pytest.mark.parametrize("name", ["streamed_data", "bedrock_events"])
@pytest.mark.parametrize("write", [list, lambda chunks: "".join(f"data: {json.dumps(each)}\n\n" for each in chunks)])
def test_a_stream_within_a_body_is_of_one_shape_however_long_it_is(
    write: Callable[[Any], Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        HELICONE
        | {"request_id": f"r{length}", "response_body": {"id": "b", name: write([*[CHUNK] * length, LAST_CHUNK])}}
        for length in (3, 4, 50, 400)
    ]
    assert _shapes_learned(monkeypatch, _written(*lines)) == 1


@pytest.mark.parametrize(
    "streamed", [[], "", None, 7, {}, [[]], ["x"], "x", "data: x", {"usage": LAST_CHUNK["usage"]}, [7]]
)
def test_what_lies_where_a_stream_would_is_what_the_plain_reader_says(streamed: Any) -> None:
    whole = {**LAST_CHUNK, "choices": [{"message": {"content": "x"}}]}
    bodies = [
        {**whole, "streamed_data": streamed},
        {"streamed_data": streamed, "bedrock_events": [CHUNK, LAST_CHUNK]},
        {"streamed_data": [CHUNK, {**LAST_CHUNK, "streamed_data": streamed}]},
        {"streamed_data": [{"streamed_data": [CHUNK, LAST_CHUNK]}, CHUNK, LAST_CHUNK]},
        [CHUNK, {**LAST_CHUNK, "streamed_data": [CHUNK, CHUNK]}],
        [*[CHUNK] * 3, {**CHUNK, "streamed_data": [CHUNK, CHUNK]}, CHUNK],
        {"streamed_data": [*[CHUNK] * 3, {**CHUNK, "bedrock_events": [CHUNK, CHUNK]}, CHUNK]},
        json.dumps({"streamed_data": [CHUNK, LAST_CHUNK]}),
        json.dumps({"streamed_data": f"data: {json.dumps(LAST_CHUNK)}\n\n"}),
        {"choices": [{"streamed_data": [CHUNK, LAST_CHUNK]}], "usage": LAST_CHUNK["usage"]},
    ]
    for body in bodies:
        line = HELICONE | {"response_body": body}
        _agree(_written(line, line, line | {"request_id": "r2", "cache_reference_id": "a"}))


def test_answers_out_of_helicone_s_cache_are_of_one_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    hits = [f"{number:08}-0000-0000-0000-000000000001" for number in range(8)]
    lines = [HELICONE | {"request_id": each, "cache_reference_id": each} for each in hits]
    no_hits = [HELICONE | {"cache_reference_id": each} for each in ("", "00000000-0000-0000-0000-000000000000")]
    assert _shapes_learned(monkeypatch, _written(*lines, *no_hits)) == 3


@pytest.mark.parametrize("field", ["api_key_id", "request_id", "response.id", "ts"])
def test_what_the_code_of_a_format_looks_into_stands_as_it_is_whatever_field_a_source_names_there(field: str) -> None:
    """Whose provider is the key: its name before that of the model is none of the model's."""
    log_format = LogFormat(format="litellm-spend", fields={field: "custom_llm_provider"})
    asked = SPEND | {"model": "openai/gpt-4o", "api_key": "k"}
    lines = [asked | {"custom_llm_provider": each} for each in ("openai", "azure", "x", "2026-03-01T06:51:19Z", "")]
    found = _agree(_written(asked, *lines, *(each | {"model": "azure/gpt-4o"} for each in lines)), log_format)
    if field == "api_key_id":
        assert found.told >= 6
        models = {row["model_reported"] for rows in found_rows(found).values() for row in rows if "status" in row}
        assert models == {"gpt-4o", "openai/gpt-4o", "azure/gpt-4o"}


def test_a_body_that_the_code_of_a_format_looks_into_is_one_whatever_a_source_names_within_it() -> None:
    line = _without(NGINX, "llm_usage", "llm_model") | {"request_uri": "/openai/deployments/d/ask"}
    log_format = LogFormat(format="nginx", fields={"response": "resp_body.id"})
    no_model = _written(*(line | {"resp_body": json.dumps({"id": f"a{number}", "x": 1})} for number in range(4)))
    _agree([*no_model, *_written(line | {"resp_body": json.dumps(_answer("a"))})], log_format)


@pytest.mark.parametrize(
    "filed",
    [
        *(
            "c_cache_hit7",
            "-_cache_hit7",
            "c_cache_hit7_cache_hit8",
            f"{CALL}_cache_hit7",
            "_cache_hit7",
            "a_cache_hit",
        ),
        *("sk-made-up-0123456789abcdef_cache_hit7", f"{CALL}0", f"0{CALL}", CALL.upper(), "x" * 249 + "_cache_hit7"),
    ],
)
@pytest.mark.parametrize("called", [{}, {"litellm_call_id": "c"}, {"litellm_call_id": CALL}])
def test_any_other_id_is_what_the_plain_reader_says(filed: str, called: dict[str, str]) -> None:
    usual = SPEND | called
    lines = _written(usual, usual | {"request_id": "a_cache_hit7"}, usual | {"request_id": CALL.replace("3", "4")})
    both = _written(usual | {"request_id": filed}, SPEND | {"request_id": filed, "litellm_call_id": filed})
    assert _agree([*lines, *both]).told >= 3


@pytest.mark.parametrize("name", TOLD)
def test_examples_of_ids_that_are_taken_apart_fit_whatever_their_digits_are(name: str) -> None:
    places = by_name()[name].places
    for apart in () if places is None else places.taken_apart:
        for digit in "0123456789":
            taken = apart.taken_of(re.sub("[0-9]", digit, apart.example))
            assert taken
            assert apart.pattern.groups or not any(
                other.taken_of(taken) for other in places.taken_apart if other != apart
            )


RUN: dict[str, Any] = {
    "id": "o",
    "trace_id": "t",
    "run_type": "llm",
    "start_time": "2026-03-01T06:51:19",
    "extra": {"metadata": {"api_key_id": "k", "ls_model_name": "m"}},
    "outputs": None,
}
RUN_USAGE = {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14, "input_token_details": {"cache_read": 4}}
MESSAGE = {"content": "x", "usage_metadata": RUN_USAGE, "response_metadata": {"id": "a", "model_name": "n"}}


@pytest.mark.parametrize(
    "outputs",
    [
        {"usage_metadata": RUN_USAGE, "id": "a", "model": "n"},
        {"generations": [[{"text": "x", "message": {"lc": 1, "kwargs": MESSAGE}}]], "llm_output": {"a": {"b": 1}}},
        {"generations": [{"text": "x", "message": MESSAGE}], "llm_output": None},
        {"output": MESSAGE, "content": "x", "note": [{"usage_metadata": RUN_USAGE}]},
        json.dumps({"message": {"kwargs": MESSAGE}}),
    ],
)
def test_usage_is_told_wherever_in_the_outputs_of_a_run_it_lies(outputs: Any) -> None:
    found = _agree(_written(*(RUN | {"id": each, "outputs": outputs} for each in ("o", "p"))))
    assert found.told == 2
    assert [row["prompt_cached_tokens"] for rows in found_rows(found).values() for row in rows] == [4, 4]


@pytest.mark.parametrize(
    "outputs",
    [
        *('{"x": "a", "x": USAGE}', '{"x": USAGE, "x": "a"}', '{"x": USAGE, "\\u0078": "a"}', '{"x": [USAGE]}'),
        *('{"x": "a", "y": USAGE}', '{"x": {}, "y": USAGE}', '{"usage_metadata": [], "y": USAGE}', "[USAGE]", "[]"),
        *('{"generations": {"usage_metadata": USAGE}}', '{"generations": [1, [[USAGE]], USAGE]}', '{"id": USAGE}'),
        *(
            '{"message": 7, "kwargs": USAGE}',
            '"{\\"x\\": 7}"',
            '"x"',
            "7",
            "{}",
            '{"x": USAGE, "y": {"kwargs": USAGE}}',
        ),
        "{" + "".join(f'"x{at}": {at}, ' for at in range(20)) + '"y": USAGE}',
    ],
)
def test_other_outputs_of_a_run_are_what_the_plain_reader_says(outputs: str) -> None:
    usual = [{"x": "a"}, {"x": "a", "y": MESSAGE}, {"x": {}, "y": MESSAGE}, {"usage_metadata": RUN_USAGE}]
    line = json.dumps(RUN | {"outputs": "OUTPUTS"})
    other = line.replace('"OUTPUTS"', outputs.replace("USAGE", json.dumps(MESSAGE)))
    assert _agree([*_written(*(RUN | {"outputs": each} for each in usual)), other.encode()]).told >= 4


def test_a_value_that_became_an_object_is_looked_at_in_a_line_like_the_one_before() -> None:
    outputs: list[dict[str, Any]] = [
        {"x": "a" * 40},
        {"x": "b" * 40},
        {"x": MESSAGE},
        {"x": 7},
        {"x": {}},
        {"x": MESSAGE},
    ]
    found = _agree(_written(*(RUN | {"outputs": each} for each in outputs)))
    assert found.told == 6
    assert [rows[0]["prompt_tokens"] for rows in found_rows(found).values()] == [None, None, 9, None, None, 9]


@pytest.mark.parametrize("run_type", ["llm", "chain"])
@pytest.mark.parametrize("children", [None, [], ["c"], [1, 2], "", "c", 0, 7, {}, {"a": 1}, False, True, [[]]])
@pytest.mark.parametrize("name", ["child_run_ids", "direct_child_run_ids", "child_runs", "error"])
def test_whether_a_run_has_children_or_an_error_is_what_the_plain_reader_says(
    name: str, children: Any, run_type: str
) -> None:
    usual = RUN | {"run_type": run_type, "outputs": {"usage_metadata": RUN_USAGE}}
    found = _agree(_written(usual, usual | {name: children}, usual | {name: children, "outputs": {}}))
    assert found.told + found.blank >= 1
    if run_type == "chain" and name in langsmith.PLACES.marks and isinstance(children, list | str | None):
        assert found.blank == 3


def test_a_model_below_a_chain_is_read_with_it() -> None:
    chain = RUN | {"run_type": "chain", "child_runs": [RUN | {"outputs": {"usage_metadata": RUN_USAGE}}]}
    assert found_rows(_agree(_written(RUN | {"run_type": "chain"}, chain))).keys() == {2}


NGINX: dict[str, Any] = {
    "msec": "1772344816.434",
    "request_time": "5.000",
    "request_id": "r",
    "status": "200",
    "request_method": "POST",
    "uri": "/v1/chat/completions",
    "api_key_id": "k",
    "llm_usage": '{"prompt_tokens": 3, "completion_tokens": 2}',
}


def _without(line: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in names}


@pytest.mark.parametrize("name", ["bodies", "counts", "without_escape_json"])
def test_what_nginx_wrote_is_told(name: str) -> None:
    lines = (WRITTEN / "gateways" / f"nginx_1_22_{name}.jsonl").read_bytes().splitlines()
    found = _agree(lines)
    assert (found.told, found.blank) == ((0, 1) if name == "without_escape_json" else (4, 1))


@pytest.mark.parametrize("end", ["1772344816.434", "1772344816.4349", "1772344816434", "2026-03-01T06:00:16.434+01:00"])
@pytest.mark.parametrize(
    "taken", ["5.000", "0.001", "0.000", "0", "007.5", "0.000001", "12.345678", "86400", "999999999"]
)
def test_an_exchange_was_when_its_request_arrived(end: str, taken: str) -> None:
    name = "time_iso8601" if "T" in end else "msec"
    usual = _without(NGINX, "msec") | {name: end}
    as_number = json.dumps(usual | {"request_time": 17}).replace("17", taken, 1).encode()
    lines = _written(usual, usual | {"request_time": taken}, usual | {name: end, "request_time": ""})
    found = _agree([*lines, *([] if taken.startswith("00") else [as_number])])
    assert found.told == len(lines) + (not taken.startswith("00")) - (taken == "999999999") * 2


@pytest.mark.parametrize(
    "taken",
    [
        *(
            '"5.99999999999999999999999999999999"',
            '"18446744073709551621"',
            '"5."',
            '".5"',
            '"5.0000001"',
            '"5.0000000"',
            '"-5.000"',
            '" 5"',
            '"5 "',
            '"5s"',
            '"1e3"',
            '"1,5"',
            '"0.1, 0.2"',
        ),
        *(
            '"-"',
            '""',
            '"abc"',
            "null",
            "true",
            "false",
            "5e0",
            "5E-7",
            "-5.5",
            "-0.0",
            "0.0",
            "0",
            "5.0000001",
            "[]",
            "{}",
        ),
        *(
            '"9999999999"',
            '"99999999999"',
            "9999999999",
            "99999999999",
            '"5.000',
            "5.",
            "05.0",
            '"5.000"x',
            '["5"]',
            '"_5"',
            '"1_0"',
        ),
    ],
)
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_any_other_time_that_a_request_took_is_what_the_plain_reader_says(taken: str, zone: str | None) -> None:
    line = json.dumps(NGINX)
    assert '"5.000"' in line
    naive = json.dumps(_without(NGINX, "msec") | {"time_iso8601": "2026-03-01T06:00:16"})
    others = [each.replace('"5.000"', taken).encode() for each in (line, naive)]
    assert _agree([*_written(NGINX, NGINX), *others], LogFormat(time_zone=zone)).told >= 2


@pytest.mark.parametrize(
    "msec", ["946684800.000", "946684805.000", "946684804.999", "4102444799.999", "4102444800", "0", "-"]
)
def test_what_arrived_outside_of_the_years_is_what_the_plain_reader_says(msec: str) -> None:
    lines = _written(NGINX, NGINX | {"msec": msec}, NGINX | {"msec": msec, "time_iso8601": "2026-03-01T06:00:16Z"})
    lines += [line.replace(f'"{msec}"'.encode(), msec.encode()) for line in lines if msec != "-"]
    assert _agree(lines).told >= (4 if msec in ("946684805.000", "4102444799.999") else 1)


def test_another_instant_beside_the_first_decides_nothing() -> None:
    beside = {"time_iso8601": "2026-03-01T06:00:20Z", "time_local": "01/Mar/2026:06:00:20 +0000"}
    alone = _without(NGINX, "msec") | {"time_local": beside["time_local"]}
    found = _agree(_written(NGINX | beside, NGINX | beside | {"request_time": "1.5"}, alone))
    assert found.told == 3
    rows = found_rows(found)
    assert rows[2][0]["occurred_at"] - rows[1][0]["occurred_at"] == 3_500_000


@pytest.mark.parametrize("first", ["01/Mar/2026:06:00:20 +0000", "soon", ""])
def test_an_instant_that_the_code_of_a_format_reads_is_one_whatever_else_a_source_names(first: str) -> None:
    """Where it was a text of which a shape says that it is one, that of another field was the instant."""
    local = _without(NGINX, "msec") | {"time_local": "01/Mar/2026:06:00:20 +0000", "logged_at": 1_772_344_816}
    log_format = LogFormat(format="nginx", fields={"ts": ["arrived_at", "logged_at"]})
    found = _agree(_written(local | {"time_local": first}, local, local | {"request_id": "r2"}), log_format)
    assert found.told >= 2


@pytest.mark.parametrize("header", bedrock.HEADERS)
@pytest.mark.parametrize("written", [str, str.upper, str.title])
def test_what_a_header_of_a_response_says_is_told_to_nobody_but_the_plain_reader(
    header: str, written: Callable[[str], str]
) -> None:
    usual = {
        "ts": "2026-03-01T06:51:19Z",
        "request_id": "r",
        "api_key_id": "k",
        "path": "/model/m/invoke",
        "status": 200,
    }
    headers = {"response_headers": {written(each): "priority" for each in bedrock.HEADERS if each == header}}
    for answer in (LITELLM["response"], {"outputs": [{"text": "x"}]}, [{"generated_text": "x"}]):
        line = usual | {"response": answer, "response_headers": {"Content-Type": "text"}}
        found = _agree(_written(line, line | headers, line | {"response_headers": {written(header): "7"}}))
        assert found.told == 1


APISIX: dict[str, Any] = {
    "start_time": 1_772_344_816_434,
    "apisix_latency": 7,
    "apisix_request_id": "r",
    "request": {"uri": "/v1/chat/completions", "method": "POST", "headers": {"authorization": "Bearer made-up"}},
    "consumer": {"username": "k"},
    "llm_summary": {"prompt_tokens": "3", "completion_tokens": "2"},
}


def test_a_header_that_is_looked_up_by_its_name_is_no_other_in_capitals() -> None:
    headers: list[dict[str, str]] = [
        *({}, {"X-AI-Cache-Status": "MISS"}, {"X-Ai-Cache-Status": "HIT"}, {"x-ai-cache-status": "HIT"}),
        *(
            {"x-ai-cache-status": "MISS", "X-AI-Cache-Status": "HIT"},
            {"X-AI-Cache-Status": "HIT", "x-ai-cache-status": "MISS"},
        ),
    ]
    lines = _written(*(APISIX | {"response": {"status": 200, "headers": each}} for each in headers))
    found = _agree([*lines, *_written(APISIX | {"response": {"headers": {"X-Amzn-Bedrock-Service-Tier": "flex"}}})])
    assert found.told == len(headers)  # of which a copy out of the cache keeps its counts by name


@pytest.mark.parametrize("models", [("sonnet-4-5", "jamba-large"), ("jamba-large", "sonnet-4-5")])
def test_a_rule_that_holds_for_one_model_is_asked_of_another_wherever_one_count_exceeds_the_others(
    models: tuple[str, str],
) -> None:
    """Where APISIX translated a stream, what was cached is within its prompt: a model of Anthropic's has it beside."""
    asked: Any = APISIX["request"]
    counts = {"prompt_tokens": "900", "completion_tokens": "2", "cache_read_input_tokens": "30", "stream": "true"}
    made = [
        APISIX
        | {"request": asked | {"uri": "/v1/messages"}, "apisix_request_id": f"r{at}-{model}"}
        | {"llm_summary": counts | {"model": model, "cache_creation_input_tokens": str(at)}}
        for model in models
        for at in range(10, 20)
    ]
    assert _agree(_written(*made)).told == 10


HEADERS: dict[str, tuple[dict[str, Any], bool]] = {
    "a bearer token": ({"authorization": "Bearer a"}, True),
    "another scheme": ({"authorization": "Basic a"}, False),
    "another scheme, and a key": ({"authorization": "Basic a", "x-api-key": "b"}, False),
    "a bearer token and a key": ({"x-api-key": "b", "authorization": "bearer  a "}, True),
    "a key": ({"x-api-key": "a"}, True),
    "a key that is masked": ({"x-api-key": "a**"}, False),
    "a key that is masked, and another": ({"x-api-key": "a**", "apikey": "b"}, False),
    "an empty text, and a key": ({"authorization": "", "apikey": "b"}, True),
    "a list of one": ({"authorization": ["Bearer a"]}, False),
    "a name in capitals": ({"Authorization": "Bearer a"}, False),
    "a name in capitals behind another": ({"x-api-key": "b", "AUTHORIZATION": "Bearer a"}, False),
    "a letter whose small one is another": ({"x-api-\u212aey": "b"}, False),
    "no key": ({"host": "h"}, False),
}
"""Headers of a request, and whether the kernel reads lines with such."""


@pytest.mark.parametrize("claim", HEADERS)
def test_a_key_in_the_headers_of_a_caller_is_read_where_its_text_says_one(claim: str) -> None:
    headers, is_read = HEADERS[claim]
    usual = [{"authorization": "Bearer a"}, {"x-api-key": "a"}, {"authorization": "Bearer b", "x-api-key": "b"}]
    asked: Any = APISIX["request"]
    made = [
        APISIX | {"consumer": None, "apisix_request_id": f"r{at}", "request": asked | {"headers": each}}
        for at, each in enumerate((*usual, headers, *usual))
    ]
    assert _agree(_written(*made)).told == len(usual) * 2 + is_read
    _agree(_written(*(line | {"consumer": {"username": "k"}} for line in made)))


def test_what_is_no_exchange_is_blank_without_being_read() -> None:
    found = _agree(_written(LANGFUSE, *[LANGFUSE | {"type": "SPAN"}] * 3))
    assert (found.told, found.blank) == (1, 3)


def test_a_line_of_another_format_is_told_by_the_names_of_its_own() -> None:
    kong = {
        "started_at": 1_772_344_816_434,
        "latencies": {"request": 5},
        "request": {"id": "r", "uri": "/orders", "method": "POST"},
        "upstream_uri": "/v1/chat/completions",
        "consumer": {"id": "k"},
    }
    documents = [LANGFUSE, kong, LITELLM, HELICONE, BATCH | {"batch": {"metadata": {"api_key_id": "k"}}}]
    lines = _written(*documents * 40)
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=fingerprint)
    blocks_of_lines = [lines[at : at + 50] for at in range(0, len(lines), 50)]
    for each in blocks_of_lines:
        found = decoder.decoded(b"".join(line + b"\n" for line in each), start=0, first_line=1)
        assert found_rows(found) == read_plainly(each)
        assert found.told > 0


def test_a_log_of_two_tools_is_told_by_two_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 1)
    found = _agree(_written(*[LITELLM, HELICONE] * 20))
    assert found.told == 40


@pytest.mark.long
@pytest.mark.parametrize("threads", [1, 3])
def test_a_log_of_two_tools_stays_what_it_is_while_kernels_take_turns_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    """A block is hashed after it was read, and lies in the memory of a kernel that others may want meanwhile."""
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 1)
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", 9_000)
    monkeypatch.setattr(line_blocks, "_BLOCK_BYTES", 1)
    monkeypatch.setattr(in_order, "_BYTES_A_THREAD", 1)
    log = tmp_path / "app.jsonl"
    log.write_bytes(b"\n".join([*_written(*[LITELLM, HELICONE] * 100, *[HELICONE] * 50, *[LITELLM] * 50), b""]))
    fast, plain = (
        [
            (each.record, each.events.to_pylist())
            for each in read_log(
                log,
                source="s",
                name="n",
                log_format=FORMAT,
                fingerprint=fingerprint,
                reader=reader,
                processes=threads,
            )
        ]
        for reader in ("fast", "plain")
    )
    assert fast == plain


def test_a_kernel_is_not_used_again_while_a_block_lies_in_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 1)
    content, others = (b"\n".join([*_written(*each), b""]) for each in ([HELICONE] * 20, [LITELLM] * 40))
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=fingerprint)
    decoder.begin(others.partition(b"\n")[0])
    room = decoder.room(len(content))
    assert room is not None
    room[:] = content
    assert decoder.decoded(room, start=0, first_line=0).told == 20  # by another kernel than the one it lies in

    def read_others() -> None:
        another = BlockDecoder(source="s", log_format=FORMAT, fingerprint=fingerprint)
        assert another.decoded(others, start=0, first_line=0).told == 40
        another.close()

    read_others()
    assert bytes(room) == content
    decoder.take_back()
    read_others()
    assert bytes(room) != content


def test_a_key_that_a_source_names_once_for_all_is_told() -> None:
    log_format = LogFormat(format="openai-batch", fields={"api_key_id": {"value": "the-one"}})
    found = _agree(_written(BATCH, BATCH | {"id": "c"}), log_format)
    assert (found.told, found_rows(found)[2][0]["api_key_id"]) == (2, "the-one")


def test_a_key_that_a_map_names_is_what_the_map_says() -> None:
    fields = {"ts": "at", "api_key_id": {"from": "team", "a": "cust-a"}, "request_id": "call", "usage": "u"}
    line = {"at": 1_772_344_816, "team": "a", "call": "r", "u": {"prompt_tokens": 3, "completion_tokens": 4}}
    found = _agree(_written(line, line | {"team": "b"}, line | {"call": "s"}), LogFormat(fields=fields))
    assert found.told == 3
    assert [rows[0]["api_key_id"] for rows in found_rows(found).values()] == ["cust-a", "b", "cust-a"]


OF_A_KEY = {"api_key_id": {"value": "k"}}
FAILED: dict[str, dict[str, Any]] = {
    "gemini-batch": {
        "key": "request-1",
        "error": {"code": 3, "message": "@"},
        "batch": {"name": "batches/b", "metadata": {"model": "gemini-2.5-flash", "endTime": "2026-03-01T06:51:19Z"}},
    },
    "bedrock-batch": {
        "recordId": "CALL0000001",
        "modelInput": {"messages": []},
        "error": {"errorCode": 400, "errorMessage": "@"},
        "batch": {"jobArn": "arn", "modelId": "amazon.nova-lite-v1:0", "endTime": "2026-03-01T06:51:19Z"},
    },
    "vertex-batch": {
        "status": "@",
        "processed_time": "2026-03-01T06:51:19Z",
        "request": {"contents": []},
        "response": "{}",
    },
}
"""A result of each API's batches that failed; ``@`` is what it says of that, in whatever words."""
SAYS = ("slow down", "é\\\n", 'Bad Request: {"error": {"code": 400}}', "x" * 5000, "too many tokens: 7")


@pytest.mark.parametrize("name", FAILED)
def test_results_that_failed_are_of_one_shape_whatever_they_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = LogFormat(format=name, fields=OF_A_KEY)
    written = json.dumps(FAILED[name])
    lines = [written.replace('"@"', json.dumps(each)).encode() for each in SAYS]
    assert _shapes_learned(monkeypatch, lines, settings) == 1
    assert {row["status"] for row, *_ in found_rows(_agree(lines, settings)).values()} == {"failed"}


@pytest.mark.parametrize("name", FAILED)
@pytest.mark.parametrize("says", ["", None, 0, 7, False, True, [], ["x"], {}, {"code": 1}, "{}", '{"errorCode": 1}'])
def test_what_is_no_text_where_a_result_says_why_it_failed_is_what_the_plain_reader_says(name: str, says: Any) -> None:
    whole, place = FAILED[name], "status" if "status" in FAILED[name] else "error"
    within = json.loads(json.dumps(whole).replace('"@"', json.dumps(says)))
    lines = _written(whole, within, whole | {place: says}, whole, within, whole | {place: says})
    _agree(lines, LogFormat(format=name, fields=OF_A_KEY))


def test_by_what_a_record_of_bedrock_failed_decides_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = LogFormat(format="bedrock-batch", fields=OF_A_KEY)
    errors = [{"errorCode": code, "errorMessage": text} for code in (400, "ThrottlingException") for text in SAYS]
    record = FAILED["bedrock-batch"]
    lines = [
        *(record | {"error": each} for each in errors),
        *({**record, "modelOutput": each, "error": None} for each in errors),
    ]
    assert _shapes_learned(monkeypatch, _written(*lines), settings) == 4
    found = [row["http_status"] for row, *_ in found_rows(_agree(_written(*lines), settings)).values()]
    assert found == [*[400] * len(SAYS), *[429] * len(SAYS)] * 2


JOB = {"name": "projects/7/locations/us-central1/batchPredictionJobs/8", "model": "m", "state": "JOB_STATE_SUCCEEDED"}


def test_rows_are_of_one_shape_whatever_a_column_beside_their_request_calls_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = LogFormat(format="vertex-batch", fields=OF_A_KEY)
    rows = [FAILED["vertex-batch"] | {"name": name} for name in (*SAYS, JOB["name"])]
    assert _shapes_learned(monkeypatch, _written(*rows), settings) == 1


@pytest.mark.parametrize("beside", [{}, {"status": ""}, {"status": 7, "request": {}}])
def test_a_job_is_nothing_and_what_is_like_it_but_for_its_name_is_refused(beside: dict[str, Any]) -> None:
    like_it = [JOB | beside | {"name": name} for name in ("x", "projects/7", "y", "z")]
    jobs = [JOB | beside] * 3
    for lines in ([*jobs, *like_it], [*like_it, *jobs], jobs, like_it):
        found = _agree(_written(*lines), LogFormat(format="vertex-batch", fields=OF_A_KEY))
        assert sum(len(each) for each in found_rows(found).values()) == sum(line in like_it for line in lines)


BIFROST: dict[str, Any] = {
    "id": "r",
    "timestamp": "2026-03-01T06:51:19Z",
    "object": "passthrough",
    "provider": "openai",
    "model": "m",
    "status": "success",
    "selected_key_id": "p",
    "virtual_key_id": "k",
    "number_of_retries": 0,
    "fallback_index": 0,
    "params": {"path": "/v1/chat/completions"},
    "token_usage": {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11},
}


@pytest.mark.parametrize("write", [lambda params: params, json.dumps], ids=["an object", "text"])
def test_where_a_gateway_passed_a_call_through_to_decides_what_it_is(
    write: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = ("/v1/chat/completions", "/v1/models", "/v1/images/generations")
    lines = [
        BIFROST | {"id": f"r{at}{path}", "params": write({"temperature": at / 7, "path": path})}
        for path in paths
        for at in range(4)
    ]
    assert _shapes_learned(monkeypatch, _written(*lines)) == len(paths)
    statuses = [row["status"] for row, *_ in found_rows(_agree(_written(*lines))).values()]
    assert statuses == [*["measured"] * 4, *["not_metered"] * 8]


def test_what_is_known_of_a_batch_is_told_where_it_is_the_same_for_all_lines() -> None:
    batch = {"id": "batch_1", "object": "batch", "created_at": 1_772_344_816, "metadata": {"api_key_id": "k"}}
    lines = _written(BATCH, BATCH | {"id": "c"})
    assert _agree(lines, LogFormat(batch=Batch(object=batch, requests=None))).told == 2
    assert _agree(lines, LogFormat(batch=Batch(object=batch, requests={"c": {"model": "m"}}))).told == 0


class Watched(dict[str, Any]):
    """An object that knows where it lies, and notes which names are asked for there."""

    asked: set[tuple[str, ...]] = set()  # noqa: RUF012 - of all objects
    at: tuple[str, ...] | None = None

    def _note(self, key: object) -> None:
        caller = sys._getframe(2)  # noqa: SLF001 - there is no other way to know who asks
        is_copied = caller.f_code.co_qualname.startswith("_with_numbers")  # whatever there is
        if self.at is not None and not is_copied and caller.f_globals["__name__"] != strict_json.__name__:
            self.asked.add((*self.at, str(key)))

    def get(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return super().__contains__(key)


def _placed(value: Any, at: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        watched = Watched({name: _placed(inner, (*at, name)) for name, inner in value.items()})
        watched.at = at
        return watched
    if isinstance(value, str):
        return closed("\n".join(at), value)
    return [_placed(each, (*at, "[]")) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("kind", "name"), [("braintrust", "error"), ("weave", "exception"), ("opik", "error_info")])
def test_whatever_an_error_says_it_is_one(kind: str, name: str) -> None:
    """Of its text a shape has that there is some."""
    maker = ForeignLines(f"failed {kind}", kind=kind)
    lines = [maker.usual() | {name: said} for said in ("x", "-", "0", "false", "", None, {}) for _ in range(20)]
    _agree(_written(*lines), LogFormat(format=kind))


ANSWERS = {"braintrust": ("output",), "weave": ("output",)}
"""Where formats have what they hand on as the answer, and what is no answer as well: it is read as a body."""


@pytest.mark.long
@pytest.mark.parametrize("name", TOLD)
def test_a_format_looks_nowhere_but_where_shapes_have_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within bodies, and where all names are kept, any name is found in the code, as a test of names sees to."""
    monkeypatch.setattr(Watched, "asked", set())
    monkeypatch.setattr(families, "plainly", lambda document: document)
    let_any_of_ask_objects(monkeypatch)
    watch()
    names = names_of(FORMAT, by_name()[name])
    in_bodies = {each.text for each in names if each.owner == 0}
    known = {(), *_kinds(names)}
    bodies = {
        path
        for path, kind in _kinds(names).items()
        if kind in (Kind.RESPONSE, Kind.WHOLE, Kind.EVERY, Kind.HEADERS) or path == ANSWERS.get(name)
    }
    maker = ForeignLines(f"watched {name}", kind=name)
    read = 0
    for _ in range(400):
        document = maker.changed()
        if format_of(document) is not by_name()[name]:
            continue
        watched = _placed(strict_json.parse(json.dumps(document)), ())
        assert not is_request_log(watched)
        for each in all_formats():
            each.recognises(watched)
        try:
            entries, log_format = entries_of(watched, FORMAT)
        except LineRefused:
            continue
        for entry in entries:
            if isinstance(entry, LineRefused):
                continue
            read += _is_exchange(entry, log_format)
    assert read > 50
    unknown = {
        path
        for path in Watched.asked - known
        if not any(path[: len(body)] == body for body in bodies)
        and not path[-1].endswith(SUFFIXES)
        and '"' not in path[-1]  # a name with a quote is written with an escape, and such are handed over
        and not (len(path) == 1 and len(path[0]) > NAME_BYTES_MAX)  # so are names of a line that are longer than any
        and not path[-1].startswith(PREFIXES)
        and not any(_is_settled(path, place, kind) for place, kind in _kinds(names).items())
    }
    assert {path for path in unknown if path[-1] not in in_bodies or len(path) == 1} == set()
    in_nested = {path for path in unknown if _kinds(names).get(path[:-1]) is Kind.NESTED}  # names of bodies lie there
    assert {path for path in unknown - in_nested if path[:-1] in known} == set()
    left_out = {
        kind: {each.text for each in names if each.owner == 0 and each.kind is kind}
        for kind in (Kind.TEXTUAL, Kind.PRESENT)
    }
    looked = [each.rpartition(": ") for each in looked_into()]
    texts = {tuple(at.split("\n")) for at, _, by in looked if by != "formats.mapping.number"}  # see the next test
    within = {
        (of, path[len(body) :])
        for of, paths in ((Kind.TEXTUAL, texts), (Kind.PRESENT, texts | Watched.asked))
        for path in paths
        for body in bodies
        if path[: len(body)] == body
    }
    assert {path for of, path in within if of is Kind.PRESENT and not left_out[of].isdisjoint(path[:-1])} == set()
    assert {path for of, path in within if of is Kind.TEXTUAL and _name_of(path) in left_out[of]} == set()


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_text_in_usage_that_is_a_number_is_none_that_counts_under_a_name_of_texts(name: str) -> None:
    """Of usage that a source names, all texts that are numbers become such: nobody asks for these."""
    log_format = LogFormat(fields={"usage": "u"})
    counts = ({"prompt_tokens": 3, "completion_tokens": 2}, {"prompt_tokens": 3}, {}, {"input_tokens": 4})
    within = (None, "prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "error")
    for stated, place in product(counts, within):
        lines = []
        for at, text in enumerate(("x", "y", "5", "7", "0", "-", "")):
            usage = stated | ({name: text} if place is None else {place: {name: text}})
            line = {"ts": 1_772_344_816, "request_id": f"r{at}", "api_key_id": "k", "status": 200, "u": usage}
            lines.append(line | {"path": "/v1/chat/completions"})
        assert _agree(_written(*lines), log_format).told >= len(lines) - 1


NO_OBJECTS = (*(Kind.LITERAL, Kind.COUNTED, Kind.IDENTIFYING, Kind.KEYED, Kind.NEVER, Kind.ONLY_NULL, Kind.TIMED),)
"""Places at which an object is handed over."""


def _is_settled(path: tuple[str, ...], place: tuple[str, ...], kind: Kind) -> bool:
    """Tell a path that lies in what is handed over, or of which nobody asks what is in it, in whatever arrays."""
    path = tuple(step for step in path if step != "[]")
    if path[: len(place)] != place:
        return False
    return kind is Kind.PRESENT or (kind in NO_OBJECTS and len(path) > len(place))


def _name_of(path: tuple[str, ...]) -> str | None:
    """Return the name at the end of a path, whatever the array."""
    return next((step for step in reversed(path) if step != "[]"), None)


def _kinds(names: Sequence[Any]) -> dict[tuple[str, ...], Kind]:
    """Return the paths at which a shape of a line has what stands there, and what is taken of it."""
    paths: dict[int, tuple[str, ...]] = {OF_LINE: ()}
    found: dict[tuple[str, ...], Kind] = {}
    of_kinds: dict[int, list[tuple[str, ...]]] = {}
    for number, each in enumerate(names):
        if each.owner in paths:
            path = paths[OF_INNER + number] = (*paths[each.owner], each.text)
            found[path] = each.kind
            of_kinds.setdefault(OF_EVERY + each.kind, []).append(path)
    for each in names:
        for path in of_kinds.get(each.owner, ()):
            found.setdefault((*path, each.text), each.kind)
    return found


def _is_exchange(entry: Any, log_format: LogFormat) -> bool:
    """Read an entry as the plain reader does; tell whether it is an exchange."""
    try:
        read_exchange(read_envelope(entry, log_format, fingerprint), log_format)
    except LineRefused:
        return False
    return True


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_half_a_character_in_any_text_of_a_text_is_read_as_plainly(kind: str) -> None:
    maker = ForeignLines(f"half {kind}", is_gentle=True, kind=kind)
    lines = [maker.made().content for _ in range(4)]
    halved = [
        line[: found.start()] + half + line[found.start() :]
        for line in lines
        for found in re.finditer(rb'(?<=[A-Za-z_-])[0-9A-Za-z](?=\\?")', line)
        for half in (rb"\ud83d", rb"\\ud83d")
    ]
    assert halved
    _agree(lines + halved, maker.log_format)


VERTEX_BATCH: dict[str, Any] = {
    "status": "",
    "processed_time": "2026-03-01T06:00:16Z",
    "request": {"contents": [], "labels": {"api_key_id": "k"}},
}
PORTKEY: dict[str, Any] = {
    "created_at": "2026-03-01T06:00:16Z",
    "ai_org": "o",
    "ai_model": "m",
    "metadata": {"_user": "k"},
    "id": "i",
    "request_url": "https://models.example/ask",
    "response_status_code": 200,
}


@pytest.mark.parametrize("line", [VERTEX_BATCH, VERTEX_BATCH | {"status": "Bad Request"}, PORTKEY])
@pytest.mark.parametrize("first", ["{}", "{ }", '{"a": 1}', "[]", "null"])
def test_an_answer_that_is_none_is_none_however_its_text_is_written(line: dict[str, Any], first: str) -> None:
    answers = [first, "{}", "{ }", " {}", "{}\n", "{\t}", "[]", "[ ]", " null", "null ", '{"a":1}', ' { "a" : 1 } ']
    found = _agree(_written(*(line | {"response": answer} for answer in answers)))
    assert found.told >= 6


@pytest.mark.parametrize("completion", [5, None])
def test_a_sum_that_is_no_count_is_refused_also_where_it_is_no_part_of_the_row(completion: int | None) -> None:
    counts = {"usage.prompt_tokens": {"sum": ["a", "b"]}, "usage.completion_tokens": "c"}
    log_format = LogFormat(fields={"ts": "at", "api_key_id": "key", "request_id": "id", "response": "body", **counts})
    usual = {"at": "2026-03-01T06:51:19Z", "key": "k", "id": "r", "c": completion}
    sums = ((1, 2), (6 * 10**11, 6 * 10**11), (10**12, 1), (10**12, 0), (9 * 10**11, 2 * 10**11), (10**9, 10**9))
    found = _agree(_written(*(usual | {"a": one, "b": other} for one, other in sums)), log_format)
    assert found.told == 2


@pytest.mark.parametrize("prompt", [3, 0])
def test_what_a_plugin_states_that_nobody_looks_at_changes_nothing(prompt: int) -> None:
    usage = {"usage": {"prompt_tokens": 12, "completion_tokens": 5}, "meta": {"response_model": "m"}}
    line = {
        "started_at": 1_793_700_000_000,
        "latencies": {"request": 5},
        "request": {"id": "q", "uri": "/v1/chat/completions", "method": "POST"},
        "response": {"status": 200},
        "authenticated_entity": {"id": "cred"},
    }
    other = {"usage": {"prompt_tokens": prompt, "completion_tokens": 5}}
    for stated in (usage, json.dumps(usage)):
        known, asked = ({"ai": {"proxy": stated, "ai-request-transformer": each}} for each in ({"usage": {}}, other))
        lines = _written(line | known, line | known, line | asked)
        found = found_rows(by_kernel(lines, FORMAT))
        assert found == read_plainly(lines, FORMAT)
        assert {rows[0]["prompt_tokens"] for rows in found.values()} == {12}


@pytest.mark.parametrize("name", [None, "request-log", *sorted(by_name())])
def test_what_documents_hold_is_never_taken_for_nothing(name: str | None) -> None:
    """In a log of any format, of which lines of such a kind said nothing before."""
    of_file = [{"key": "log.file.name", "value": {"stringValue": "app.log"}}]
    line = json.dumps({"ts": 1_788_264_000, "api_key_id": "k", "status": 200, "request_id": "r", "response": {}})

    def held(text: str) -> list[dict[str, Any]]:
        return [
            {"Log_s": text, "ContainerAppName_s": "a"},
            {"LogMessage": text, "LogSource": "stdout"},
            {"log": text, "date": 1},
            {"message": text, "podName": "p", "containerName": "c"},
            {"message": text, "instance": "i", "region": "r", "meta": {"event": {"provider": "app"}}},
            {"category": "ContainerAppConsoleLogs", "properties": {"Log": text}},
            {"records": [{"category": "ContainerAppConsoleLogs", "properties": {"Log": text}}]},
            {"logs": [{"message": [text]}], "scriptName": "s"},
            {"streams": [{"stream": {}, "values": [["1", text]]}]},
            {"data": {"resultType": "streams", "result": [{"stream": {}, "values": [["1", text]]}]}},
            {"results": [[{"field": "@message", "value": text}, {"field": "@ptr", "value": "p"}]], "status": "x"},
            {"tables": [{"columns": [{"name": "Log_s"}, {"name": "RevisionName_s"}], "rows": [[text, "r"]]}]},
            {
                "resourceLogs": [
                    {"scopeLogs": [{"logRecords": [{"body": {"stringValue": text}, "attributes": of_file}]}]}
                ]
            },
        ]

    lines = _written({}, {"a": 1}, {"resourceLogs": []}, *(each for _ in range(4) for each in held("listening")))
    log_format = LogFormat(format=name)
    _agree([*lines, *_written(*held(line)), *lines], log_format)
    assert len(read_plainly(_written(*held(line)), log_format)) == len(held(line))
