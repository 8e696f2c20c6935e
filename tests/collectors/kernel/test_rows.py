"""Lines that hold an array of exchanges: each is a row of its own, and a line is read whole or handed over whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows

from pipeline.collectors import LogFormat, read_log
from pipeline.collectors.formats.found import all_formats
from pipeline.collectors.kernel import program, readers
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.rules import rows as told_rows
from pipeline.collectors.kernel.rules import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.collectors.kernel.blocks import DecodedLines


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})


def _attributes(**named: str) -> list[dict[str, Any]]:
    return [
        {"key": name.replace("_of_", "."), "value": {"intValue" if value.isdigit() else "stringValue": value}}
        for name, value in named.items()
    ]


def _span(number: int = 0, *, within: int | None = None, **other: Any) -> dict[str, Any]:
    """Return an inference of a number: what is special to it is in its ids, its time and its counts."""
    attributes = [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": str(10 + number)}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": str(20 + number)}},
    ]
    parent = {} if within is None else {"parentSpanId": f"s{within}"}
    ids = {"traceId": "t", "spanId": f"s{number}", **parent}
    return {**ids, "startTimeUnixNano": str(1_772_344_816_000_000_000 + number), "attributes": attributes, **other}


def _without_usage(number: int = 0) -> dict[str, Any]:
    """Return a span that is no exchange."""
    return {"traceId": "t", "spanId": f"n{number}", "attributes": _attributes(url="7")}


def _group(*spans: Any, key: str = "k") -> dict[str, Any]:
    return {"resource": {"attributes": _attributes(api_key_id=key)}, "scopeSpans": [{"spans": [*spans]}]}


def _line(*groups: Any) -> bytes:
    return json.dumps({"resourceSpans": [*groups]}).encode()


OWNED = _span(1, attributes=[*_span(1)["attributes"], *_attributes(user_of_id="m")])
"""An inference that says itself whose it is."""
USUAL = _line(_group(_span(99), key="usual"))


def _agree(*lines: bytes, log_format: LogFormat | None = None) -> DecodedLines:
    """Return what the kernel found, which is what the plain reader finds."""
    settings = log_format or LogFormat(format="otel")
    found = by_kernel(lines, settings)
    assert found_rows(found) == read_plainly(lines, settings)
    return found


@pytest.mark.parametrize(
    "line",
    [
        _line(_group(_span(1), _span(2), _span(3))),
        _line(_group(_span(1)), _group(_span(2), key="l"), _group(_span(3))),
        _line(
            _group(_span(1)) | {"scopeSpans": [{"scope": {"name": "s"}, "spans": [_span(2)]}, {"spans": [_span(3)]}]}
        ),
        _line(_group(_span(1), _without_usage(), _span(2)), _group(_without_usage(1), key="l"), _group(_span(3))),
        _line(_group(_span(1), _span(2, within=7), _span(3, within=8))),
        _line({"scopeSpans": [{"spans": [OWNED]}]}, _group(_span(2)), _group(_span(3)), {"resource": {}}),
    ],
    ids=["of one scope", "of groups", "of scopes", "among others", "within spans of other lines", "with no resource"],
)
def test_each_span_of_a_line_is_a_row_in_its_order(line: bytes) -> None:
    found = _agree(line, USUAL, line)
    assert found.told == sum(map(len, found.events)) >= 3
    assert found.further == found.told - 3


def _text(**said: Any) -> str:
    return json.dumps(said)


def _of_langfuse(n: int) -> dict[str, str]:
    return {
        "langfuse.observation.type": "generation",
        "langfuse.observation.usage_details": _text(input=n - n // 2, output=n + 5, input_cached_tokens=n // 2),
        "langfuse.observation.model.parameters": _text(temperature=0.5, max_tokens=n),
    }


def _of_braintrust(n: int) -> dict[str, str]:
    return {
        "braintrust.span_attributes": _text(name="Chat", type="llm"),
        "braintrust.metadata": _text(model="jamba-large"),
        "braintrust.metrics": _text(prompt_tokens=n, completion_tokens=n + 5, time_to_first_token=n / 8),
        "braintrust.output_json": json.dumps([{"index": n, "message": {"content": f"made up {n}"}}]),
    }


def _of_mlflow(n: int) -> dict[str, str]:
    answer = {"id": f"chatcmpl-{n}", "model": "m", "usage": {"prompt_tokens": n, "completion_tokens": n + 5}}
    return {
        "mlflow.spanType": '"CHAT_MODEL"',
        "mlflow.llm.model": '"jamba-large"',
        "mlflow.chat.tokenUsage": _text(input_tokens=n, output_tokens=n + 5, total_tokens=2 * n + 5),
        "mlflow.spanOutputs": _text(**answer),
    }


def _of_genkit(n: int) -> dict[str, str]:
    usage = {"inputTokens": n, "outputTokens": n + 5, "totalTokens": 2 * n + 5}
    said = {"role": "model", "content": [{"text": f"made up {n}"}]}
    return {
        "genkit:type": "action",
        "genkit:metadata:subtype": "model",
        "genkit:name": "jamba-large",
        "genkit:output": _text(finishReason="stop", message=said, usage=usage),
    }


def _of_langwatch(n: int) -> dict[str, str]:
    counts = {"promptTokens": n, "completionTokens": n + 5}
    return {"langwatch.span.type": "llm", "langwatch.metrics": _text(type="json", value=counts)}


@pytest.mark.parametrize("attributes", [_of_langfuse, _of_braintrust, _of_mlflow, _of_genkit, _of_langwatch])
def test_usage_that_a_tool_writes_as_the_text_of_an_object_is_told(attributes: Callable[[int], dict[str, str]]) -> None:
    lines = []
    for n in range(100, 130):
        pairs = [{"key": key, "value": {"stringValue": value}} for key, value in attributes(n).items()]
        lines.append(_line(_group(_span(n) | {"attributes": pairs})))
    found = _agree(*lines)
    counts = [(row["prompt_tokens"], row["completion_tokens"]) for rows in found_rows(found).values() for row in rows]
    assert counts == [(n, n + 5) for n in range(100, 130)]
    assert found.told == len(lines)


@pytest.mark.parametrize(
    "text",
    [
        *(
            '{"prompt_tokens": 7, "prompt_tokens": 8}',
            '{"prompt_tokens": 7',
            '["prompt_tokens"]',
            '"prompt_tokens"',
            "",
        ),
        *(
            *("\\u0020{", ' \t{"prompt_tokens": 7}', " 7", "\u65e5"),
            ' {"prompt_tokens": 7}',
            '\n{"prompt_tokens": 7}',
            '{"prompt_tokens": 7} ',
            '{"prompt_tokens": 7}{}',
            "[",
            "{}",
            '{"tokens": "7"}',
        ),
        *('{"prompt_tokens": -7}', '{"prompt_tokens": 7.0}', '{"prompt\\u005ftokens": 7}', "x" * 300, '\u00e9 \\ "'),
    ],
)
@pytest.mark.parametrize("name", ["braintrust.metrics", "langfuse.observation.usage_details", "mlflow.spanType"])
def test_a_text_in_which_an_object_is_looked_for_may_be_anything(name: str, text: str) -> None:
    odd = [{"key": name, "value": {"stringValue": text}}, *_span(2)["attributes"][:1]]
    line = _line(_group(_span(2) | {"attributes": odd}))
    _agree(line, USUAL, line, _line(_group(_span(3))), line)


@pytest.mark.parametrize(
    "value", [{"boolValue": True}, {"intValue": 7}, {"doubleValue": 0.5}, {"stringValue": None}, {}]
)
@pytest.mark.parametrize("name", ["braintrust.metrics", "langfuse.observation.usage_details", "mlflow.spanType"])
def test_what_is_no_text_where_one_is_looked_for_is_what_it_is(name: str, value: dict[str, Any]) -> None:
    odd = [{"key": name, "value": value}, *_span(2)["attributes"]]
    line = _line(_group(_span(2) | {"attributes": odd}))
    assert _agree(line, USUAL, line).told == 3


@pytest.mark.parametrize("begins", [b"\\u007b", b"\\u0020{", b"\\n\\t {", b"\\u0009 \\u007B"])
def test_an_object_may_begin_with_an_escape_or_behind_blanks(begins: bytes) -> None:
    metrics = [{"key": name, "value": {"stringValue": text}} for name, text in _of_braintrust(7).items()]
    line = _line(_group(_span(2) | {"attributes": metrics}))
    odd = line.replace(b'"{\\"prompt_tokens', b'"' + begins + b'\\"prompt_tokens')
    assert odd != line
    assert found_rows(_agree(USUAL, odd, odd))[2][0]["prompt_tokens"] == 7


def test_a_line_that_goes_on_otherwise_than_the_one_before_it_has_each_span_once() -> None:
    longer = json.dumps(json.loads(USUAL) | {"x": [7]}).encode()
    assert _agree(USUAL, longer, USUAL, longer).told == 4


def _with_attribute(name: str) -> bytes:
    extra = [{"key": name, "value": {"intValue": "7"}}]
    return _line(_group(_span(1, attributes=[*_span(1)["attributes"], *extra]), _without_usage()))


@pytest.mark.parametrize(
    "name", ["acme.tokensIn", "ACME_TOKENS", "token", "gen_ai.usage.tokens", "my.llm.token_count.prompt"]
)
def test_what_may_count_tokens_by_a_name_that_nobody_knows_is_read_plainly(name: str) -> None:
    assert _agree(_with_attribute(name), USUAL).told == 1


@pytest.mark.parametrize(
    "name",
    [
        *(
            "gen_ai.request.max_tokens",
            "ai.settings.MaxOutputTokens",
            "gen_ai.server.time_to_first_token",
            "firstToken",
        ),
        *("ai.usage.promptTokens", "gen_ai.usage.details.other_tokens", "gen_ai.aggregated_usage.input_tokens"),
        *("llm.token_count.prompt_details.other", "tok.en"),
    ],
)
def test_limits_and_what_conventions_state_beside_their_counts_are_told(name: str) -> None:
    assert _agree(_with_attribute(name), USUAL).told == 2


def test_counts_that_are_an_object_in_the_place_of_its_text_are_read_plainly() -> None:
    named = {"langfuse.observation.type": "generation", "user_of_id": "k"}
    pair = {"key": "langfuse.observation.usage_details", "value": {"stringValue": {"made up": "x"}}}
    odd = _span(1, attributes=[*_attributes(**named), pair])
    found = _agree(_line(_group(odd)), USUAL, _line(_group(odd)))
    assert (found.told, len(found.quarantined)) == (1, 2)


def test_spans_that_count_by_names_of_nobody_s_are_refused_and_those_around_a_call_are_not() -> None:
    ours = _span(2, attributes=[{"key": "acme.tokens_in", "value": {"intValue": "7"}}, *_attributes(model="m")])
    found = _agree(_line(_group(_span(1, within=2), ours)), _line(_group(_span(1), ours)), USUAL)
    assert (found.told, len(found.quarantined)) == (1, 1)


def test_lines_without_an_exchange_are_blank_without_being_read() -> None:
    lines = [_line(_group(_without_usage(1), _without_usage(2))), _line(_group()), _line({}), _line()]
    metrics = b'{"resourceMetrics": [{"resource": {"attributes": []}}]}'
    found = _agree(*lines, metrics, USUAL)
    assert (found.blank, found.told, found.lines) == (5, 1, 6)


def test_a_line_with_one_span_that_has_no_rule_is_handed_over_whole() -> None:
    odd = _span(2) | {"startTimeUnixNano": "later"}
    assert _agree(_line(_group(_span(1), odd, _span(3))), USUAL).told == 1
    assert len(_agree(_line(_group(_span(1), odd, _span(3)))).quarantined) == 1


def test_a_line_whose_key_is_none_in_one_span_is_handed_over_whole() -> None:
    lines = _line(_group(_span(1)), _group(_span(2), key="sk-made-up-0123456789abcdefghijklmnop")), USUAL
    assert _agree(*lines).told == 1


def test_spans_of_one_call_are_joined_by_who_reads_the_line_whole() -> None:
    """A framework's span around that of its client has the same counts."""
    around = _span(1) | {"attributes": _span(2)["attributes"]}
    found = _agree(_line(_group(_span(2, within=1), around)), USUAL)
    assert found.told == 1
    assert len({row["request_id"] for row in found_rows(found)[1]}) == 1
    assert _agree(_line(_group(_span(2, within=1))), _line(_group(around)), USUAL).told == 3


def test_spans_within_one_another_that_have_no_count_in_common_are_two_calls() -> None:
    assert _agree(_line(_group(_span(2, within=1), _span(1))), USUAL).told == 3
    assert (
        _agree(_line(_group(_span(12, within=2), _span(2))), USUAL).told == 1
    )  # 22 are of one prompt, and of the other answer


def _varied(name: str, values: Sequence[str], **other: str) -> list[bytes]:
    """Return lines of a span each that differ in one attribute."""
    named = [[*_span(1)["attributes"], *_attributes(**other)] for _ in values]
    stated = [{"key": name, "value": {"intValue" if each.isdigit() else "stringValue": each}} for each in values]
    return [_line(_group(_span(n, attributes=[*named[n], one]))) for n, one in enumerate(stated)]


def test_parts_that_are_text_are_those_of_their_own_span() -> None:
    """LangSmith's, in the notation of Python and of JSON."""
    parts = [{"cache_read": count % 9, "audio": 0} for count in range(40)]
    for written in (str, json.dumps):
        found = _agree(*_varied("gen_ai.usage.input_token_details", [written(each) for each in parts]))
        assert {rows[0]["prompt_cached_tokens"] for rows in found_rows(found).values()} == set(range(9))


def test_thoughts_beside_an_output_are_added_to_it() -> None:
    """Google's ADK states them so, of its own models alone."""
    thoughts = [str(30 + number) for number in range(40)]
    name = "gen_ai.usage.experimental.reasoning_tokens"
    lines = _varied(name, thoughts, **{"gen_ai.request.model": "gemini-2.5-flash"})
    found = _agree(*lines)
    assert found.told == len(lines)
    assert [rows[0]["completion_tokens"] for rows in found_rows(found).values()] == [51 + n for n in range(40)]
    within = _varied(name, [str(number % 21) for number in range(40)], **{"gen_ai.request.model": "openai/o3"})
    assert {rows[0]["completion_tokens"] for rows in found_rows(_agree(*within)).values()} == {21}


def test_an_output_that_is_a_sum_beside_a_prompt_of_zero_may_be_that_of_the_span_around_it() -> None:
    """Google's ADK states thoughts beside the output: 30 and 5 of them are the 35 of the client's own span."""

    def line(number: int, output: int, thoughts: int, whole: int) -> bytes:
        inner = {"gen_ai.usage.output_tokens": output, "gen_ai.usage.experimental.reasoning_tokens": thoughts}
        counts = ({"gen_ai.request.model": "gemini-2.5-pro", **inner}, {"gen_ai.usage.output_tokens": whole})
        spans = []
        for within, more in zip((2 * number + 1, None), counts, strict=True):
            named = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 0, **more}
            attributes = _attributes(**{name: str(value) for name, value in named.items()})
            spans.append(_span(2 * number + (within is None), within=within, attributes=attributes))
        return _line(_group(*spans))

    found = _agree(*[line(each, 30 + each, 5, 99) for each in range(3)], line(4, 30, 5, 35), line(5, 31, 4, 35))
    ids = [[row["request_id"] for row in rows] for _, rows in sorted(found_rows(found).items())]
    assert [len(set(each)) for each in ids] == [2, 2, 2, 1, 1]


def test_an_answer_within_a_span_is_for_the_plain_reader() -> None:
    usage = {"prompt_token_count": 9, "candidates_token_count": 4, "total_token_count": 13}
    held = [json.dumps({"usage_metadata": usage | {"cached_content_token_count": n % 9}}) for n in range(40)]
    found = _agree(*_varied("gcp.vertex.agent.llm_response", held), *_varied("gcp.vertex.agent.llm_response", ["{}"]))
    assert [rows[0]["prompt_cached_tokens"] for rows in found_rows(found).values()] == [
        *(n % 9 for n in range(40)),
        None,
    ]


def test_what_a_provider_says_beside_the_counts_is_that_of_its_own_span() -> None:
    told = [json.dumps({"anthropic": {"usage": {"input_tokens": 9, "output_tokens": n}}}) for n in range(1, 40)]
    found = _agree(*_varied("ai.response.providerMetadata", told))
    assert [rows[0]["completion_tokens"] for rows in found_rows(found).values()] == [*range(1, 40)]


@pytest.mark.parametrize("counted", [{}, {"gen_ai_of_usage_of_total_tokens": "77"}])
def test_what_asks_for_vectors_within_what_counts_neither_half_is_one_call(counted: dict[str, str]) -> None:
    """Vercel's SDK has a span around those that ask, which counts nothing; both have the ids of one exchange then."""
    of_vectors = _attributes(gen_ai_of_operation_of_name="embeddings", gen_ai_of_request_of_model="m")

    def around(number: int) -> dict[str, Any]:
        return _span(number) | {"attributes": [*of_vectors, *_attributes(**counted)]}

    def asking(number: int, within: int) -> dict[str, Any]:
        return _span(number, within=within) | {"attributes": [*of_vectors, *_span(number)["attributes"][1:]]}

    assert _agree(_line(_group(asking(2, 1), around(1))), USUAL).told == 1
    lines = _line(_group(asking(2, 7), around(1))), _line(_group(around(4), around(5) | {"parentSpanId": "s4"})), USUAL
    assert _agree(*lines).told == 5


@pytest.mark.parametrize(
    "around",
    [
        {"gen_ai.operation.name": "count", "gen_ai.usage.input_tokens": "1", "gen_ai.usage.output_tokens": "0"},
        {"gen_ai.request.model": "sonar-pro", "gen_ai.usage.input_tokens": "0", "gen_ai.usage.reasoning_tokens": "3"},
    ],
    ids=["of no meter", "of reasoning"],
)
def test_what_a_row_counts_in_the_end_is_not_what_tells_it_from_another_one(around: dict[str, str]) -> None:
    """Of vectors a span around that states neither half is the same call, whatever its row says of another count."""
    common = {"gen_ai.operation.name": "chat", "operation.name": "ai.embed.doEmbed", "gen_ai.request.model": "m"}

    def line(number: int, prompt: int) -> bytes:
        inner = _attributes(**common, **{"gen_ai.usage.input_tokens": str(prompt)})
        spans = (
            _span(number, within=number + 1, attributes=inner),
            _span(number + 1, attributes=_attributes(**{**common, **around})),
        )
        return _line(_group(*spans))

    found = _agree(*[line(2 * number, 7 + number) for number in range(4)])
    assert [len({row["request_id"] for row in rows}) for rows in found_rows(found).values()] == [1] * 4


@pytest.mark.parametrize("name", ["spanId", "parentSpanId"])
def test_an_attribute_that_is_called_as_the_id_of_a_span_is_none(name: str) -> None:
    same = _span(2)["attributes"][1:]
    inner, around = (
        span | {"attributes": [span["attributes"][0], *same, *_attributes(**{name: f"own-{number}"})]}
        for number, span in enumerate((_span(2, within=1), _span(1)))
    )
    assert _agree(_line(_group(inner, around)), USUAL).told == 1


def test_counts_that_are_written_with_zeros_before_them_may_be_those_of_another_span() -> None:
    written = json.dumps([_span(1), _span(2, within=1)]).replace('"11"', '"0012"').replace('"12"', '"0012"')
    written = written.replace('"21"', '"0022"').replace('"22"', '"0022"')
    assert _agree(_line(_group(*json.loads(written))), USUAL).told == 1


@pytest.mark.parametrize("equal", ["traceId", "spanId"])
def test_a_parent_that_is_called_as_another_id_of_its_span_is_handed_over(equal: str) -> None:
    first = _span(1)
    first["parentSpanId"] = first[equal]
    other = _span(2) | {"spanId": first[equal], "traceId": "t"}
    assert _agree(_line(_group(first, other)), USUAL).told == 1


def test_spans_without_ids_are_for_the_plain_reader() -> None:
    bare = _span(1)
    del bare["spanId"]
    assert _agree(_line(_group(bare, bare)), USUAL).told == 1


def test_events_and_spans_of_one_line_are_read_plainly() -> None:
    event = _span(2) | {"timeUnixNano": "1772344816000000000", "eventName": "gen_ai.client.inference.operation.details"}
    logs = [{"scopeLogs": [{"logRecords": [event]}], "resource": {"attributes": _attributes(api_key_id="k")}}]
    both = json.loads(_line(_group(_span(1)))) | {"resourceLogs": logs}
    assert _agree(json.dumps(both).encode(), USUAL).told == 1
    logs[0] = {"resource": logs[0]["resource"], "scopeLogs": logs[0]["scopeLogs"]}
    assert _agree(json.dumps({"resourceLogs": logs}).encode(), USUAL).told == 2


@pytest.mark.parametrize(
    "behind", [{"ts": 1_772_344_816, "api_key_id": "k", "status": 500}, {"jsonPayload": {}, "logName": "l"}]
)
def test_what_makes_another_line_of_it_behind_its_spans_is_seen(behind: dict[str, Any]) -> None:
    """Of a request log's line, whatever else is in it says nothing; what spans are in is no record, and holds none."""
    line = json.dumps(json.loads(_line(_group(_span(1)))) | behind).encode()
    assert _agree(USUAL, line, log_format=LogFormat()).told == 2  # or by the kernel that reads lines of request logs


def test_a_line_of_a_file_in_the_body_of_a_record_is_for_the_plain_reader() -> None:
    said = json.dumps({"ts": 1_772_344_816, "api_key_id": "k", "status": 500, "request_id": "r"})
    file = {"attributes": _attributes(**{"log.file.name": "app.log"})}
    records = [{"body": {"stringValue": text}, **file} for text in ("listening", said)]
    lines = [json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode() for record in records]
    assert _agree(*lines[:1] * 3, *lines, USUAL, log_format=LogFormat()).told == 1


def _written(*changes: tuple[str, str], of: dict[str, Any] | None = None) -> bytes:
    """Return a line of one span, with changes to what is written."""
    written = _line(_group(_span(1) if of is None else of)).decode()
    for before, after in changes:
        assert before in written
        written = written.replace(before, after, 1)
    return written.encode()


REASONS = "gen_ai.response.finish_reasons"
LISTED = {"arrayValue": {"values": [{"stringValue": "stop"}]}}
HANDED_OVER = {
    "a resource that stands behind its spans": json.dumps(
        {"resourceSpans": [dict(reversed(_group(_span(1)).items()))]}
    ).encode(),
    "a time of the line behind its spans": _written(('"spans":', '"spans": [], "spans":')),
    "an object of spans": _written(('[{"traceId"', '{"x": {"traceId"'), ("}]}]}]}", "}]}}]}]}")),
    "a brace before a span": _written(('{"traceId"', '7"traceId"')),
    "a brace before a pair": _written(('{"key": "gen', '7"key": "gen')),
    "a brace before a value": _written(('{"stringValue": "chat"', '7"stringValue": "chat"')),
    "a quote before a key": _written(('"gen_ai.operation', "7gen_ai.operation")),
    "a span that is none": _written(('"spans": [', '"spans": [7, ')),
    "a comma between spans": _written(('"spans": [', '"spans": [{}; ')),
    "a comma behind the last span": _written(("]}]}]}]}", "]},]}]}]}")),
    "an object behind a span": _written(('"spans": [', '"spans": [{} ')),
    "a bracket behind the spans": _written(("]}]}]}]}", "]}}]}]}")),
    "a bracket behind the pairs": _written(("}}]}]}]}]}", "}}}]}]}]}")),
    "attributes in an object": _written(
        ('"attributes": [{"key": "gen', '"attributes": {"x": {"key": "gen'), ("}}]}]}]}]}", "}}}}]}]}]}")
    ),
    "a pair that is none": _written(('[{"key": "gen', '[7, {"key": "gen')),
    "a pair without a key": _written(('{"key": "gen_ai.operation.name", "value"', '{"value"')),
    "a pair without a value": _written((', "value": {"stringValue": "chat"}', "")),
    "a pair whose value is called otherwise": _written(
        ('"value": {"stringValue": "chat"}', '"valve": {"stringValue": "chat"}')
    ),
    "a pair whose key is called otherwise": _written(('{"key": "gen_ai.op', '{"kez": "gen_ai.op')),
    "a pair whose key is no text": _written(('{"key": "gen_ai.operation.name"', '{"key": 7')),
    "a pair whose key has an escape": _written(('"gen_ai.operation', '"gen_\\u0061i.operation')),
    "a pair with something else": _written(('"chat"}}', '"chat"}, "x": 1}')),
    "a pair that has begun": _written(('"chat"}}', '"chat"}, "x": ')),
    "a value that has begun": _written(('"chat"}}', '"chat", "x": }')),
    "a pair with its key twice": _written(('"chat"}}', '"chat"}, "key": "gen_ai.system"}')),
    "a comma between pairs": _written(('"chat"}}, ', '"chat"}}; ')),
    "a comma behind the last pair": _written(("}}]}]}]}]}", "}},]}]}]}]}")),
    "an attribute that is stated twice": _written(
        ('{"key": "gen_ai.op', '{"key": "gen_ai.operation.name", "value": {"stringValue": "x"}}, {"key": "gen_ai.op')
    ),
    "a value of no type": _written(('{"stringValue": "chat"}', '"chat"')),
    "a value of another type": _written(('"stringValue": "chat"', '"kvlistValue": {"values": []}')),
    "a value of two types": _written(('"stringValue": "chat"', '"stringValue": "chat", "intValue": "7"')),
    "a value whose type has an escape": _written(('"stringValue": "chat"', '"stringV\\u0061lue": "chat"')),
    "a value that does not end": _written(('"stringValue": "chat"}', '"stringValue": "chat"]')),
    "a value beyond what is nested": _written(
        ('"stringValue": "chat"', '"arrayValue": ' + '{"values": [{"arrayValue": ' * 40 + "{}" + "}]}" * 40)
    ),
    "a span beyond what is nested": _written(('"traceId"', '"x": ' + "[" * 70 + "]" * 70 + ', "traceId"')),
    "a count with a fraction": _written(('"intValue": "11"', '"doubleValue": 11.5')),
}
"""Lines that the kernel must not tell, by what it would get wrong if it did."""
TOLD = {
    "a value of nothing": _written(('{"stringValue": "chat"}', "{}")),
    "a count as a number": _written(('"intValue": "11"', '"intValue": 11')),
    "a count of zero": _written(('"intValue": "11"', '"intValue": "0"')),
    "a list of texts": _written(
        ('"stringValue": "chat"}}', f'"stringValue": "chat"}}}}, {{"key": "{REASONS}", "value": {json.dumps(LISTED)}}}')
    ),
    "what nobody looks at, of any type and twice": _written(
        (
            '[{"key": "gen',
            '[{"key": "x", "value": {"kvlistValue": {"values": [7]}}}, {"key": "x", "value": 7}, {"key": "gen',
        )
    ),
    "an error": _written(of=_span(1, status={"code": 2, "message": "made \\up"})),
    "an empty list of attributes": _written(of=_span(1, attributes=[])),
    "other blanks": _written(("[{", "[ {"), ("}]", "} ]"), (":", " :")),
}


@pytest.mark.parametrize("claim", HANDED_OVER)
def test_what_is_not_certain_is_handed_over(claim: str) -> None:
    for lines in ((HANDED_OVER[claim], USUAL), (USUAL, HANDED_OVER[claim], _line(_group(_span(1), _span(2))))):
        found = _agree(*lines)
        assert found.told == len(lines) * 2 - 3


@pytest.mark.parametrize("claim", TOLD)
def test_what_is_told_is_what_the_plain_reader_says(claim: str) -> None:
    found = _agree(TOLD[claim], USUAL)
    assert found.told + found.blank == 2


@pytest.mark.parametrize("depth_max", range(4, 14))
def test_what_is_nested_deeper_than_is_allowed_is_handed_over(depth_max: int) -> None:
    deep = _span(1, attributes=[*_span(1)["attributes"], {"key": "x", "value": {"arrayValue": {"values": [{}]}}}])
    reasons = _span(2, attributes=[*_span(1)["attributes"], {"key": REASONS, "value": LISTED}])
    settings = LogFormat(format="otel", depth_max=depth_max)
    for line in (USUAL, _line(_group(deep)), _line(_group(reasons)), _line(_group({}))):
        _agree(line, log_format=settings)


@pytest.mark.long
@pytest.mark.parametrize("span", ["{}", '{"traceId":"a","spanId":"b"}'], ids=["rows", "holes"])
def test_more_rows_than_there_is_room_for_are_handed_over(span: str) -> None:
    """The program answers for 262,144 rows, and for twice as many holes of all of them."""
    spans = ",".join([span] * 270_000)
    start = '{"resourceSpans": [{"resource": {"attributes": [{"key": "api_key_id", "value": {"stringValue": "k"}}]}, '
    line = f'{start}"scopeSpans": [{{"spans": [{spans}]}}]}}]}}'.encode()
    decoder = BlockDecoder(source="s", log_format=LogFormat(format="otel"), fingerprint=str)
    found = decoder.decoded(line + b"\n" + USUAL + b"\n", start=0, first_line=1)
    assert (decoder.failures, found.blank, found.told, found.lines) == (0, 1, 1, 2)


def test_many_spans_that_say_to_be_within_one_another_take_no_more_than_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is within hundreds, none of which has a count in common with it."""
    counts_of = told_rows._counts_of  # noqa: SLF001 - what is asked of each
    asked: list[int] = []
    monkeypatch.setattr(told_rows, "_counts_of", lambda *each: (asked.append(each[-1]), counts_of(*each))[1])
    spans = [
        _span(100 * number) | {"spanId": "ab"[number % 2], "parentSpanId": "ba"[number % 2]} for number in range(900)
    ]
    decoder = BlockDecoder(source="s", log_format=LogFormat(format="otel"), fingerprint=str)
    found = decoder.decoded(_line(_group(*spans)) + b"\n", start=0, first_line=1)
    assert found.told == len(spans)
    assert len(asked) == 2 * len(spans)


@pytest.mark.parametrize("number", ["0", "0042", "-0", "-7", "1_0", "x", ""])
@pytest.mark.parametrize("name", ["user_of_id", "gen_ai.response.id"])
def test_an_id_that_is_a_number_is_that_number_however_it_is_written(number: str, name: str) -> None:
    """A zero is no id, and zeros before a number are none of it."""

    def called(at: int, written: str, *, is_owned: bool) -> bytes:
        attribute = {"key": name.replace("_of_", "."), "value": {"intValue": written}}
        span = _span(at, attributes=[*_span(at)["attributes"], attribute])
        return _line(_group(span) if is_owned else _group(span) | {"resource": {"attributes": []}})

    for is_owned in (True, False):
        lines = [called(at, each, is_owned=is_owned) for at, each in enumerate(("41", "42", number))]
        assert _agree(*lines).told == 2 * (is_owned or name == "user_of_id")


@pytest.mark.parametrize(
    ("ids", "parent"),
    [
        (("t", "7"), {"parentSpanId": 7}),
        (("t", "True"), {"parentSpanId": True}),
        (("t", "None"), {}),
        (("t/x", "y"), {"parentSpanId": "x/y"}),
    ],
)
def test_a_span_is_within_another_by_its_ids_alone_and_not_by_how_they_are_written(
    ids: tuple[str, str], parent: dict[str, Any]
) -> None:
    """Two calls of the same counts, of which neither is within the other, are two."""
    inner = {**_span(1), **parent}
    outer = {**_span(1), "traceId": ids[0], "spanId": ids[1]}
    found = _agree(_line(_group(_span(1), _span(2))), _line(_group(inner, outer)))
    assert len({row["event_id"] for rows in found_rows(found).values() for row in rows}) == 3


@pytest.mark.long
def test_rows_of_a_thousand_lines_are_numbered_by_their_lines() -> None:
    def spans_of(number: int) -> Sequence[dict[str, Any]]:
        return [_span(1000 * number + each) for each in range(number % 4)]

    found = _agree(*(_line(_group(*spans_of(number), key=f"k{number % 7}")) for number in range(1000)))
    assert (found.told, found.further, found.blank) == (1500, 750, 250)


def test_a_span_counts_for_its_share_of_the_line_until_its_shape_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of many spans, each of a shape of its own, would cost as much as many lines of each."""
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 2000)
    spans = [_span(number, attributes=_attributes(gen_ai_of_system=f"s{number}")) for number in range(50)]
    learned = table.RuleTable._keep  # noqa: SLF001 - what costs
    asked: list[int] = []
    monkeypatch.setattr(table.RuleTable, "_keep", lambda *each: asked.append(each[1]) or learned(*each))
    line = _line(_group(*spans))
    assert len(line) > 3 * 2000
    assert (_agree(line, line).told, asked) == (0, [])
    assert _agree(*[USUAL] * 9).told == 9
    assert len(asked) == 1


@pytest.mark.long
@pytest.mark.parametrize("segment_events_max", [1, 5, 40])
def test_a_segment_ends_behind_the_line_that_fills_it_however_many_rows_lines_have(
    tmp_path: Path, segment_events_max: int
) -> None:
    def spans_of(number: int) -> list[dict[str, Any]]:
        return [_span(100 * number + each) for each in range(number % 5)]

    lines = [_line(_group(*spans_of(number), key=f"k{number % 3}")) for number in range(60)]
    lines[7::11] = [b"", b'{"resourceSpans": 7}', b"no line", b'{"resourceSpans": [', b""]
    (tmp_path / "log").write_bytes(b"".join(line + b"\n" for line in lines))

    def segments(reader: Any) -> list[Any]:
        settings: dict[str, Any] = {"log_format": LogFormat(format="otel"), "fingerprint": str}
        found = read_log(
            tmp_path / "log", source="s", name="n", reader=reader, segment_events_max=segment_events_max, **settings
        )
        return [(each.record, each.events.to_pylist(), each.quarantined.to_pylist()) for each in found]

    assert segments("fast") == segments("plain")
    assert len(segments("fast")) > 2


def test_spans_without_ids_are_for_the_plain_reader_which_knows_each_by_its_place_in_the_line() -> None:
    spans = [{name: said for name, said in _span(number).items() if not name.endswith("Id")} for number in range(3)]
    assert _agree(_line(_group(spans[0])), _line(_group(*spans)), _line(_group(spans[1], spans[1])), USUAL).told == 1


@pytest.mark.parametrize("spans", [2**18, 2**18 + 1])
def test_a_line_of_more_rows_than_there_is_room_for_is_handed_over(spans: int) -> None:
    (otel,) = (each for each in all_formats() if each.name == "otel")
    told = program.Program(LogFormat(format="otel"), otel).read(_line(_group(*[{}] * spans)) + b"\n")
    assert len(told.lines) in (0, spans)
    assert told.fates.tolist() == [program.HANDED_OVER if spans > 2**18 else program.TOLD]
