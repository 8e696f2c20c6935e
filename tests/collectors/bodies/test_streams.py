"""Streams as they really are: AI21's first of all, and every quirk that somebody has paid for."""

from __future__ import annotations

import json
from typing import Any

import pytest

USAGE = {"prompt_tokens": 30, "completion_tokens": 2, "total_tokens": 32}
ZERO = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def _chunk(content: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-7",
        "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}],
    } | fields


LAST = {
    "id": "chatcmpl-7",
    "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}],
    "usage": USAGE,
}


def test_an_ai21_stream_states_its_usage_in_the_chunk_that_ends_it(collect: Any, exchange: Any, sse: Any) -> None:
    first = {"id": "chatcmpl-7", "choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]}
    event = collect(exchange(response=sse(first, _chunk("He"), _chunk("llo"), LAST, "[DONE]"))).event
    assert (event["status"], event["dialect"]) == ("measured", "openai-chat")
    assert (event["prompt_tokens"], event["completion_tokens"]) == (30, 2)
    assert (event["response_id"], event["finish_reason"], event["model_reported"]) == ("chatcmpl-7", "stop", None)
    assert (event["stream"], event["content_chunks"], event["choices"]) == (True, None, None)


@pytest.mark.parametrize("end", ["\r\n\r\n", "\n\n", "\r\r", "\n\r\n", "\r\n\n"])
def test_lines_may_end_in_crlf_lf_or_cr(collect: Any, exchange: Any, sse: Any, end: str) -> None:
    assert collect(exchange(response=sse(_chunk("a"), LAST, "[DONE]", end=end))).tokens[:2] == (30, 2)


@pytest.mark.parametrize(
    "response",
    [
        "data:" + json.dumps(LAST) + "\n\n",
        "data: " + json.dumps(LAST),
        "data: " + json.dumps(LAST) + "\n\ndata: [DONE]",
        "\ufeffdata: " + json.dumps(LAST),
        "\n\n  data: " + json.dumps(LAST) + "\n\n",
        ": OPENROUTER PROCESSING\n\n" * 30 + "data: " + json.dumps(LAST) + "\n\n",
        "event: completion\nid: 7\nretry: 10\ndata: " + json.dumps(LAST) + "\n\n",
        "id: 7\ndata: " + json.dumps(LAST, indent=1).replace("\n", "\ndata: ") + "\n\n",
        "unknown: field\ndata\n\ndata: " + json.dumps(LAST) + "\n\n",
        "data: [1, 2]\n\ndata: 7\n\ndata: \n\ndata: {cut\n\ndata: " + json.dumps(LAST) + "\n\n",
    ],
)
def test_the_form_of_a_transcript_never_loses_usage(collect: Any, exchange: Any, response: str) -> None:
    assert collect(exchange(response=response)).tokens[:2] == (30, 2)


def test_only_cr_and_lf_split_lines_whatever_unicode_says(collect: Any, exchange: Any) -> None:
    chunk = json.dumps(_chunk("\u2028\u0085\x0c\u2029 data: x"), ensure_ascii=False)
    event = collect(exchange(response=f"data: {chunk}\n\ndata: {json.dumps(LAST)}\n\n")).event
    assert event["status"] == "measured"


def test_usage_may_come_in_a_chunk_without_choices(collect: Any, exchange: Any, sse: Any) -> None:
    transcript = sse(_chunk("a", usage=None), {"id": "chatcmpl-7", "choices": [], "usage": USAGE}, "[DONE]")
    assert collect(exchange(response=transcript)).tokens[:2] == (30, 2)


def test_usage_may_come_under_x_groq(collect: Any, exchange: Any, sse: Any) -> None:
    assert collect(exchange(response=sse(_chunk("a"), _chunk("", x_groq={"id": "req_1", "usage": USAGE})))).tokens[
        :2
    ] == (30, 2)
    assert collect(exchange(response=sse(_chunk("a", x_groq={"id": "req_1"}), LAST))).tokens[:2] == (30, 2)


def test_running_totals_are_never_summed_the_last_one_counts(collect: Any, exchange: Any, sse: Any) -> None:
    totals = [
        _chunk("a", usage={"prompt_tokens": 30, "completion_tokens": n, "total_tokens": 30 + n}) for n in range(1, 11)
    ]
    assert collect(exchange(response=sse(*totals))).tokens[:2] == (30, 10)


def test_usage_in_the_first_chunk_gives_way_to_the_last(collect: Any, exchange: Any, sse: Any) -> None:
    first = _chunk("", usage={"prompt_tokens": 30, "completion_tokens": 0, "total_tokens": 30})
    assert collect(exchange(response=sse(first, _chunk("a"), LAST))).tokens[:2] == (30, 2)


@pytest.mark.parametrize("after", [_chunk("", usage=None), _chunk(), _chunk("", usage={}), _chunk("", usage=ZERO)])
def test_what_states_no_usage_never_replaces_usage(collect: Any, exchange: Any, sse: Any, after: Any) -> None:
    assert collect(exchange(response=sse(_chunk("a"), LAST, after, "[DONE]"))).tokens[:2] == (30, 2)


def test_a_zero_placeholder_gives_way_to_real_usage_and_stands_where_nothing_follows(
    collect: Any, exchange: Any, sse: Any
) -> None:
    assert collect(exchange(response=sse(_chunk("", usage=ZERO), _chunk("a"), LAST))).tokens[:2] == (30, 2)
    assert collect(exchange(response=sse(_chunk("", usage=ZERO), "[DONE]"))).tokens[:2] == (0, 0)


def test_the_first_id_and_model_that_are_not_empty_count(collect: Any, exchange: Any, sse: Any) -> None:
    azure = {"id": "", "model": "", "choices": [], "prompt_filter_results": []}
    event = collect(
        exchange(response=sse(azure, _chunk("a", model="gpt-4o-2024-11-20"), LAST | {"id": "other", "model": "other"}))
    ).event
    assert (event["response_id"], event["model_reported"]) == ("chatcmpl-7", "gpt-4o-2024-11-20")


def test_the_last_service_tier_counts_beside_the_chunk_or_inside_usage(collect: Any, exchange: Any, sse: Any) -> None:
    chunks = (_chunk("a", service_tier="auto"), LAST | {"service_tier": "priority"}, _chunk("", service_tier=None))
    assert collect(exchange(response=sse(*chunks))).event["service_tier"] == "priority"
    assert (
        collect(exchange(response=sse(_chunk("a"), LAST | {"usage": USAGE | {"service_tier": "standard"}}))).event[
            "service_tier"
        ]
        == "standard"
    )


def test_a_stream_cut_before_its_usage_is_estimated_from_its_content_chunks(
    collect: Any, exchange: Any, sse: Any
) -> None:
    whole = sse(_chunk(), _chunk("a"), _chunk("b"), _chunk("c"), LAST, "[DONE]")
    event = collect(exchange(response=whole[: whole.index('"usage"')])).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"], event["content_chunks"]) == (
        "estimated",
        None,
        3,
        3,
    )
    assert (event["response_id"], event["finish_reason"]) == ("chatcmpl-7", None)


def test_a_stream_that_ends_without_ever_stating_usage_is_estimated_too(collect: Any, exchange: Any, sse: Any) -> None:
    event = collect(exchange(response=sse(_chunk("a"), _chunk("b"), "[DONE]"))).event
    assert (event["status"], event["completion_tokens"]) == ("estimated", 2)


def test_mistral_content_parts_count_as_content_and_empty_ones_do_not(collect: Any, exchange: Any, sse: Any) -> None:
    parts = [_chunk([{"type": "text", "text": "a"}]), _chunk([]), _chunk(None)]  # type: ignore[arg-type]  # as Mistral sends it
    assert collect(exchange(response=sse(*parts))).event["content_chunks"] == 1


def test_several_choices_in_one_chunk_are_one_chunk(collect: Any, exchange: Any, sse: Any) -> None:
    both = {"choices": [{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": "b"}}]}
    event = collect(exchange(response=sse(both), request={"n": 2})).event
    assert (event["content_chunks"], event["choices"]) == (1, 2)


@pytest.mark.parametrize(
    "transcript",
    [
        "data: [DONE]\n\n",
        ": nothing but a comment\n\n",
        "data: {}\n\n",
        'data: {"choices": [{"delta": {"tool_calls": []}}]}\n\n',
    ],
)
def test_a_stream_with_nothing_to_estimate_from_is_unknown_never_zero(
    collect: Any, exchange: Any, transcript: str
) -> None:
    event = collect(exchange(response=transcript)).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("unknown", None, None)


def test_usage_in_parts_is_the_last_real_number_of_each(collect: Any, exchange: Any, sse: Any) -> None:
    prompt, completion = {"prompt_tokens": 21}, {"completion_tokens": 9}
    assert collect(exchange(response=sse(_chunk("a", usage=prompt), _chunk("b", usage=completion)))).tokens[:2] == (
        21,
        9,
    )
    zeros = [
        prompt | {"completion_tokens": 0, "total_tokens": 21},
        completion | {"prompt_tokens": 0, "total_tokens": 9},
    ]
    assert collect(exchange(response=sse(*(_chunk("a", usage=usage) for usage in zeros)))).tokens[:2] == (21, 9)
    whole = {"prompt_tokens": 23, "completion_tokens": 1, "total_tokens": 24}
    assert collect(exchange(response=sse(_chunk("a", usage=whole), _chunk("b", usage=completion)))).tokens[:2] == (
        23,
        9,
    )


def test_running_usage_of_each_choice_is_added_up_and_that_of_all_is_not(collect: Any, exchange: Any, sse: Any) -> None:
    def running(index: int, completion: int) -> dict[str, Any]:
        usage = {"prompt_tokens": 7, "completion_tokens": completion, "total_tokens": 7 + completion}
        return _chunk(choices=[{"index": index, "delta": {"content": "a"}}], usage=usage)

    each = [running(0, 1), running(1, 1), running(0, 2), running(1, 2), running(1, 3)]
    assert collect(exchange(response=sse(*each))).tokens[:2] == (7, 5)
    of_all = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 6, "total_tokens": 13}}
    assert collect(exchange(response=sse(*each, of_all))).tokens[:2] == (7, 6)
    together = [running(0, 1), running(1, 2), running(0, 3), running(1, 4)]
    assert collect(exchange(response=sse(*together))).tokens[:2] == (7, 4)


def test_usage_within_a_choice_counts_where_there_is_none_at_the_top(collect: Any, exchange: Any, sse: Any) -> None:
    last = _chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}])
    assert collect(exchange(response=sse(_chunk("a"), last))).tokens[:2] == (30, 2)


def test_reasoning_and_arguments_of_tools_are_generated_tokens_too(collect: Any, exchange: Any, sse: Any) -> None:
    deltas = [
        {"reasoning_content": "a"},
        {"reasoning": "b"},
        {"tool_calls": [{"function": {"arguments": "{"}}]},
        {"content": ""},
        {"role": "assistant"},
    ]
    event = collect(exchange(response=sse(*(_chunk(choices=[{"delta": delta}]) for delta in deltas)))).event
    assert (event["status"], event["completion_tokens"], event["content_chunks"]) == ("estimated", 3, 3)


def test_zeros_beside_an_answer_are_no_measurement(collect: Any, exchange: Any, sse: Any) -> None:
    event = collect(exchange(response=sse(_chunk("a"), _chunk("", usage=ZERO)))).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("estimated", None, 1)


def test_framing_that_one_step_undoes_is_undone(collect: Any, exchange: Any, sse: Any) -> None:
    transcript = sse(_chunk("a"), LAST, "[DONE]")
    assert collect(exchange(response=transcript.replace("data: ", "data: data: "))).tokens[:2] == (30, 2)
    assert collect(exchange(response=transcript.replace("\n\n", "\n"))).tokens[:2] == (30, 2)
    chunks = (
        "".join(f"{len(part.encode()):x}\r\n{part}\r\n" for part in (transcript[:40], transcript[40:])) + "0\r\n\r\n"
    )
    assert collect(exchange(response=chunks)).tokens[:2] == (30, 2)
    assert collect(exchange(response=json.dumps(transcript))).tokens[:2] == (30, 2)
    assert collect(exchange(response=json.dumps(transcript)[1:-1])).tokens[:2] == (30, 2)
    assert collect(exchange(response=[_chunk("a"), LAST])).tokens[:2] == (30, 2)
    assert collect(exchange(response=json.dumps([_chunk("a"), LAST]))).tokens[:2] == (30, 2)
    assert collect(exchange(response="\n".join(map(json.dumps, [_chunk("a"), LAST])))).tokens[:2] == (30, 2)
    assert collect(
        exchange(response=[{"event": "message", "data": json.dumps(chunk)} for chunk in (_chunk("a"), LAST)])
    ).tokens[:2] == (30, 2)


ERRORS = [
    'data: {"error": {"code": 502}}\n\n',
    "event: error\ndata: overloaded\n\n",
    "event:error\n\n",
    'error: {"code": 500}\n\n',
]


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_inside_a_stream_fails_it(collect: Any, exchange: Any, sse: Any, error: str) -> None:
    assert collect(exchange(response=error)).event["status"] == "failed"
    event = collect(exchange(response=sse(_chunk("a")) + error)).event
    assert (event["status"], event["completion_tokens"], event["content_chunks"]) == ("failed", None, 1)


@pytest.mark.parametrize("error", ERRORS)
def test_usage_that_was_stated_is_consumed_error_or_not(collect: Any, exchange: Any, sse: Any, error: str) -> None:
    assert collect(exchange(response=sse(LAST) + error)).tokens[:2] == (30, 2)
    assert collect(exchange(response=error + sse(LAST))).tokens[:2] == (30, 2)


def test_what_the_model_wrote_is_never_taken_for_structure(collect: Any, exchange: Any, sse: Any) -> None:
    trick = (
        '"usage":{"prompt_tokens":1,"completion_tokens":1}\n\ndata: [DONE]\n\ndata: '
        '{"usage":{"prompt_tokens":9,"completion_tokens":9}}\n\nevent: error\n\n'
    )
    nested = _chunk("a", breakdown={"usage": {"prompt_tokens": 5, "completion_tokens": 5}})
    event = collect(exchange(response=sse(_chunk(trick), nested))).event
    assert (event["status"], event["completion_tokens"]) == ("estimated", 2)
    assert collect(exchange(response=sse(_chunk(trick), nested, LAST, _chunk(trick)))).tokens[:2] == (30, 2)


def test_chunks_of_odd_shape_are_passed_over(collect: Any, exchange: Any, sse: Any) -> None:
    odd = [
        _chunk(choices=None),
        _chunk(choices={}),
        _chunk(choices=[None, 7]),
        _chunk(choices=[{"delta": None}]),
        _chunk(choices=[{"delta": {"content": 7}}]),
    ]
    event = collect(exchange(response=sse(*odd, _chunk("a")))).event
    assert (event["status"], event["content_chunks"]) == ("estimated", 1)
