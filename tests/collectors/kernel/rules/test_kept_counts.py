"""Counts that are kept by name, and counts that must be equal or the sum of others: told only where they are so.

Whether anything is kept at all may depend on whether a total is the sum of what is kept. Each claim is compared with
the plain reader, for lines on either side of what decides.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows
from readings import sse

from pipeline.collectors import LogFormat
from pipeline.collectors.kernel.rules import finder, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMAT = LogFormat()
WITH_USAGE = LogFormat(fields={"usage": "usage", "cache_hit": "cache_hit"})
"""A log that counts beside its answers, and says which came out of a cache."""
NOT_METERED = "/v1/moderations"


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(finder, "_known", {})
    monkeypatch.setattr(finder, "_known_of_forms", {})


def _line(*, path: str = "/v1/chat/completions", model: str = "m", **more: Any) -> bytes:
    line = {"ts": "2026-03-01T06:51:19Z", "api_key_id": "k", "request_id": "r", "status": 200, "path": path}
    return json.dumps(line | {"request": {"model": model}} | more).encode()


def _chat(usage: dict[str, Any]) -> dict[str, Any]:
    return {"id": "a", "object": "chat.completion", "choices": [{"message": {"content": "x"}}], "usage": usage}


def _told(lines: Sequence[bytes], log_format: LogFormat = FORMAT) -> int:
    """Return how many lines the kernel tells; both readers agree on all."""
    found = by_kernel(lines, log_format)
    assert found_rows(found) == read_plainly(lines, log_format)
    return found.told


def _kept(lines: Sequence[bytes], log_format: LogFormat) -> list[str | None]:
    rows = found_rows(by_kernel(lines, log_format))
    return [row[0]["other_usage"] for _, row in sorted(rows.items())]


def _counts(prompt: int, completion: int, total: int | None = None, **more: Any) -> dict[str, Any]:
    return (
        {"prompt_tokens": prompt, "completion_tokens": completion} | more | ({"total_tokens": total} if total else {})
    )


REASONING = {"completion_tokens_details": {"reasoning_tokens": 2}}


@pytest.mark.parametrize("beside", [{"path": NOT_METERED}, {"cache_hit": True}])
@pytest.mark.parametrize(
    ("usages", "told"),
    [
        ([_counts(3, 4), _counts(700, 9)], 2),
        ([_counts(3, 4, 7), _counts(5, 6, 11), _counts(5, 6, 12)], 2),
        ([_counts(3, 4, 7, **REASONING), _counts(30, 40, 70, **REASONING), _counts(3, 4, 9, **REASONING)], 3),
        ([_counts(3, 4, 9, **REASONING), _counts(30, 40, 72, **REASONING), _counts(3, 4, 8, **REASONING)], 2),
        ([{"prompt_tokens": 5, "total_tokens": 5}, {"prompt_tokens": 5, "total_tokens": 6}], 2),
    ],
)
def test_counts_are_kept_by_name_in_each_way_in_which_a_total_says_what_is_whole(
    usages: list[dict[str, Any]], told: int, beside: dict[str, Any]
) -> None:
    lines = [_line(usage=usage, **beside) for usage in usages]
    assert _told(lines, WITH_USAGE) == told


def test_what_is_kept_is_what_lines_say() -> None:
    lines = [_line(path=NOT_METERED, usage=_counts(each, 7)) for each in (1, 2, 3, 2, 1)]
    assert _kept(lines, WITH_USAGE) == [f'{{"completion_tokens":7,"prompt_tokens":{each}}}' for each in (1, 2, 3, 2, 1)]


@pytest.mark.parametrize("model", [f"m-{number}" for number in range(12)])
def test_a_first_line_whose_total_is_no_sum_does_not_teach_that_nothing_is_kept(model: str) -> None:
    totals = (9, 7, 5, 7)
    lines = [_line(path=NOT_METERED, model=model, usage=_counts(3, 4, total)) for total in totals]
    assert _told(lines, WITH_USAGE) == 2
    assert [kept is not None for kept in _kept(lines, WITH_USAGE)] == [total == 7 for total in totals]


@pytest.mark.parametrize("number", range(8))
def test_of_kept_counts_each_model_is_asked_of_by_itself(number: int) -> None:
    """Sonar counts reasoning apart where it is more than the completion, and no part is within a whole here."""
    more = {"completion_tokens_details": {"reasoning_tokens": 900}}
    lines = [_line(path=NOT_METERED, model=each, usage=_counts(30, 4, **more)) for each in ("m", f"sonar-{number}")]
    _told(lines, WITH_USAGE)
    assert _kept(lines, WITH_USAGE) == [
        '{"completion_tokens":4,"prompt_tokens":30}',
        '{"completion_tokens":904,"prompt_tokens":30}',
    ]


def test_of_kept_counts_it_is_asked_which_model_made_them_where_no_column_has_it() -> None:
    """Vercel's SDK calls it ``modelId``; what failed and came out of a cache is kept without it."""

    def line(number: int, model: str) -> bytes:
        usage = {"inputTokens": 30 + number, "outputTokens": 4, "totalTokens": 34 + number, "reasoningTokens": 900}
        result = {"finishReason": "stop", "usage": usage, "response": {"id": "a", "modelId": model}}
        return _line(model="", status=500, cache_hit=True, response=result)

    models = ("m", "m", "sonar-pro", "gemini-2.5-pro")
    kept = _kept([line(number, model) for number, model in enumerate(models)], WITH_USAGE)
    assert [json.loads(each or "{}")["completion_tokens"] for each in kept] == [4, 4, 904, 4]
    _told([line(number, model) for number, model in enumerate(models)], WITH_USAGE)


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        ({"seconds": 7}, True),
        ({"seconds": 12.5}, True),
        ({"seconds": 28.0}, False),
        ({"search_units": 2}, True),
        ({"total_tokens": 9}, True),
        ({"input_tokens": 9, "output_tokens": 0}, True),
    ],
)
def test_whatever_is_kept_by_name_is_a_count(usage: dict[str, Any], told: bool) -> None:  # noqa: FBT001
    body = {"id": "a", "object": "thread.run", "usage": usage}
    lines = [_line(path="/v1/threads/t/runs/r", response=body | {"id": each}) for each in ("a", "b")]
    assert _told(lines) == 2 * told


def test_seconds_of_many_lengths_are_of_one_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [{"text": "x", "usage": {"type": "duration", "seconds": seconds}} for seconds in range(1, 51)]
    lines = [_line(path="/v1/audio/transcriptions", response=body) for body in bodies]
    monkeypatch.setattr(table, "LINE_BYTES", 0)
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", len(lines[0]) * 2)  # of a shape of one line, nothing is
    assert _told(lines) == len(lines)


def test_a_count_that_is_stated_twice_is_told_where_both_are_equal() -> None:
    def usage(cached: int, again: int) -> dict[str, Any]:
        return _counts(400, 40, 440, prompt_tokens_details={"cached_tokens": cached}, prompt_cache_hit_tokens=again)

    lines = [_line(response=_chat(usage(*each))) for each in ((256, 256), (128, 128), (256, 255), (500, 500))]
    assert _told(lines) == 2


def test_a_total_may_be_the_sum_of_more_than_prompt_and_completion() -> None:
    def usage(total: int, reasoning: int = 9) -> dict[str, Any]:
        return _counts(30, 4, total, completion_tokens_details={"reasoning_tokens": reasoning})

    lines = [_line(response=_chat(usage(*each))) for each in ((43,), (63, 29), (34,), (44,))]
    assert _told(lines) == 3


@pytest.mark.parametrize("model", [f"m-{number}" for number in range(12)])
def test_what_explains_a_total_may_be_explained_by_two(model: str) -> None:
    """What was cached and written lies outside the prompt, unless reasoning happens to be as much."""

    def usage(reasoning: int) -> dict[str, Any]:
        cached = {"prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 5}}
        return _counts(100, 50, 162, completion_tokens_details={"reasoning_tokens": reasoning}, **cached)

    _told([_line(model=model, response=_chat(usage(reasoning))) for reasoning in (9, 12, 9)])


def test_a_first_line_that_obeys_no_rule_does_not_keep_others_from_being_told() -> None:
    lines = [_line(response=_chat(_counts(30, 4, total))) for total in (35, 34, 34)]
    assert _told(lines) == 2


BEGIN = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 9}}}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}


def _of_blocks(count: int, *end: dict[str, Any]) -> bytes:
    blocks = [
        {"type": f"content_block_{what}", "index": index} | more
        for index in range(count)
        for what, more in (("start", {}), ("delta", {"delta": {"type": "text_delta", "text": " rain"}}), ("stop", {}))
    ]
    return _line(path="/v1/messages", response=sse(BEGIN, *blocks, *end))


@pytest.mark.parametrize("blocks", [1, 2, 3, 8])
def test_a_stream_of_many_parts_is_told_where_it_states_its_usage(blocks: int) -> None:
    assert _told([_of_blocks(blocks, END)] * 2) == 2


@pytest.mark.parametrize("pieces", [2, 3, 4, 8])
def test_the_chunks_of_a_stream_without_usage_are_counted_in_each_of_its_parts(pieces: int) -> None:
    """Of two parts of a stream, one sample once told neither from what is always there."""

    def line(*repeated: int) -> bytes:
        chunks = [
            {"id": "a", "object": "text_completion", "choices": [{"index": index, "text": " rain"}]}
            for index, times in enumerate(repeated)
            for _ in range(times)
        ]
        return _line(path="/v1/completions", response=sse(*chunks))

    lines = [line(*(1 + (place + more) % 4 for place in range(pieces))) for more in range(4)]
    assert _told(lines) == 4


@pytest.mark.parametrize("prompt", [5, 5_000_000])
def test_of_more_runs_than_can_be_in_a_sum_it_is_seen_that_they_are_counted(prompt: int) -> None:
    """Each third run is generated, so samples of lengths that go round in threes may be without a longer one."""

    def line(length: int) -> bytes:
        answer = {"id": "a", "choices": [{"index": 0, "delta": {"content": " rain"}}]}
        others = ({"id": "a", "choices": [{"index": 0, "delta": {}}]}, {"id": "a", "choices": []})
        chunks = (*[answer] * length, *others) * 3
        return _line(response=sse(*chunks, {"id": "a", "choices": [], "usage": {"prompt_tokens": prompt}}))

    _told([line(length) for length in (2, 3, 2, 5, 9)])


@pytest.mark.parametrize(("size", "told"), [(129, 1), (255, 1), (256, 0)])
def test_a_path_may_be_as_long_as_a_cloud_makes_it(size: int, told: int) -> None:
    path = f"/v1/{'p' * (size - 21)}/chat/completions"
    assert len(path) == size
    assert _told([_line(path=path, response=_chat(_counts(3, 4)))]) == told


@pytest.mark.parametrize("blanks", [" ", "\n         \n\n", "\r\n\t", "\u00a0", "\x0b", "\f"])
@pytest.mark.parametrize("kind", ["document", "stream", "text"])
def test_blanks_before_a_body_are_what_the_plain_reader_takes_for_blanks(blanks: str, kind: str) -> None:
    body = {
        "document": json.dumps(_chat(_counts(3, 4))),
        "stream": sse(_chat(_counts(3, 4))),
        "text": "upstream connect error",
    }[kind]
    is_one = blanks == " " if kind == "text" else not {*blanks} - {*" \n\r\t"}
    assert _told([_line(response=blanks + body)]) == is_one


def _spoken(audio: int, cached: int) -> dict[str, Any]:
    """Return the usage of a turn of OpenAI's Realtime: so much was spoken, and so much of it cached."""
    return {
        "total_tokens": 119 + audio + 120,
        "input_tokens": 119 + audio,
        "output_tokens": 120,
        "input_token_details": {
            "text_tokens": 119,
            "audio_tokens": audio,
            "cached_tokens": 64 + cached,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": cached},
        },
        "output_token_details": {"text_tokens": 30, "audio_tokens": 90},
    }


def _written_for_an_hour(written: int, hour: int) -> dict[str, Any]:
    lifetimes = {"ephemeral_1h_input_tokens": hour}
    return {
        "input_tokens": 100,
        "cache_creation_input_tokens": written,
        "cache_creation": lifetimes,
        "output_tokens": 20,
    }


@pytest.mark.parametrize("number", [2, 3, *(pytest.param(each, marks=pytest.mark.long) for each in range(4, 30))])
def test_a_part_that_is_all_of_its_whole_in_the_line_that_was_learned_need_not_be_in_others(number: int) -> None:
    """Chance decides which samples a shape has: of one in ten no sample had the part below the whole."""
    model = f"m-{number}"
    turns = [
        {
            "type": "response.done",
            "response": {"object": "realtime.response", "id": "a", "model": model, "usage": usage},
        }
        for usage in (_spoken(64, 64), _spoken(164, 64))
    ]
    assert _told([_line(path="/v1/realtime", model=model, response=turn) for turn in turns]) >= 1
    answers = [
        {"id": "a", "type": "message", "role": "assistant", "model": model, "content": [], "usage": usage}
        for usage in (_written_for_an_hour(500, 500), _written_for_an_hour(500, 300))
    ]
    assert _told([_line(path="/v1/messages", model=model, response=answer) for answer in answers]) >= 1


def _of_chat(audio: int, cached: int) -> dict[str, Any]:
    details = {"audio_tokens": audio, "cached_tokens": 3 + cached, "cached_tokens_details": {"audio_tokens": cached}}
    return {"response": _chat(_counts(10 + audio, 4, 14 + audio, prompt_tokens_details=details))}


def _of_realtime(audio: int, cached: int) -> dict[str, Any]:
    turn = {"object": "realtime.response", "id": "a", "model": "m", "usage": _spoken(audio, cached)}
    return {"path": "/v1/realtime", "response": {"type": "response.done", "response": turn}}


def _of_gemini(audio: int, cached: int) -> dict[str, Any]:
    def by_modality(text: int, spoken: int) -> list[dict[str, Any]]:
        return [{"modality": "TEXT", "tokenCount": text}, {"modality": "AUDIO", "tokenCount": spoken}]

    usage = {
        "promptTokenCount": 10 + audio,
        "candidatesTokenCount": 4,
        "totalTokenCount": 14 + audio,
        "cachedContentTokenCount": 3 + cached,
        "promptTokensDetails": by_modality(10, audio),
        "cacheTokensDetails": by_modality(3, cached),
    }
    answer = {"responseId": "a", "modelVersion": "gemini-9", "candidates": [{}], "usageMetadata": usage}
    return {"path": "/v1beta/models/gemini-9:generateContent", "response": answer}


@pytest.mark.parametrize("body", [_of_chat, _of_realtime, _of_gemini])
def test_audio_less_what_of_it_was_cached_is_told_wherever_some_is_left_and_where_none_is(
    body: Callable[[int, int], dict[str, Any]],
) -> None:
    lines = [_line(**body(*counts)) for counts in ((100, 7), (90, 89), (3, 1), (5000, 4), (100, 7))]
    assert _told(lines) == len(lines)
    assert _told([_line(**body(*counts)) for counts in ((100, 100), (7, 9), (100, 7))]) == 3


def test_thoughts_that_a_total_alone_has_are_told_where_they_are_all_that_it_has_more() -> None:
    def line(prompt: int, completion: int, total: int, model: str = "gemini-2.5-pro") -> bytes:
        return _line(model=model, response=_chat(_counts(prompt, completion, total)) | {"model": model})

    assert _told([line(10, 4, 20), line(7, 8, 16), line(3, 500, 9000)]) == 3
    assert _told([line(10, 4, 14), line(10, 4, 13), line(10, 4, 15)]) == 2
    assert _told([line(10, 4, 20, "m"), line(7, 8, 16, "m")]) == 0


@pytest.mark.parametrize("body", [_of_chat, _of_realtime, _of_gemini])
def test_a_first_line_whose_counts_are_unlike_those_of_most_has_a_rule_of_its_own(
    body: Callable[[int, int], dict[str, Any]],
) -> None:
    usual = [_line(**body(100 + number, 7)) for number in range(6)]
    assert _told([_line(**body(7, 9)), *usual]) == 1 + len(usual)


def test_of_two_ways_in_which_counts_hang_together_each_has_a_rule() -> None:
    def line(*counts: int) -> bytes:
        return _line(model="gemini-2.5-pro", response=_chat(_counts(*counts)) | {"model": "gemini-2.5-pro"})

    assert _told([line(10, 4, 14), *[line(10, 4, 15 + more) for more in range(5)]]) == 6


def test_a_text_that_is_no_count_for_its_size_is_in_no_sum() -> None:
    fields = {"usage.prompt_tokens": {"sum": ["a", "b"]}, "usage.completion_tokens": "c"}
    counts = [("10", "20", "3"), ("30", "20", "7"), ("600000000000", "600000000000", "5")]
    lines = [_line(path="/v1/files", **dict(zip("abc", each, strict=True))) for each in counts]
    assert _told(lines, LogFormat(fields=fields)) >= 2
    kept = ['{"completion_tokens":3,"prompt_tokens":30}', '{"completion_tokens":7,"prompt_tokens":50}', None]
    assert _kept(lines, LogFormat(fields=fields)) == kept


@pytest.mark.parametrize("before", ["F", "F" * 70, 7, [0.5], 0.5])
def test_fractions_in_a_row_are_one_and_whatever_stands_before_them_is_none_of_them(before: Any) -> None:
    lists = [[before], [before, 0.5], [before, 0.5, 0.25], [before, 0.5, before, 0.5]]
    lines = [_line(response=_chat(_counts(3, 2)) | {"choices": each}) for each in lists]
    _told([lines[0], *lines])


def test_of_two_fractions_it_is_not_known_whether_they_are_equal() -> None:
    """A session of Gemini states its counts again behind a turn; others are those of another turn."""

    def line(number: int, *totals: float) -> bytes:
        end = {"serverContent": {"turnComplete": True}}
        usages = [{"usageMetadata": {"thoughtsTokenCount": number, "totalTokenCount": total}} for total in totals]
        return _line(path="/v1beta/models/g:generateContent", response=[end | usages[0], usages[1]])

    equal, others = [line(each, 0.5, 0.5) for each in (5, 6)], [line(each, 0.5, 0.75) for each in (5, 6)]
    _told([*equal, *others])
    assert [len(rows) for _, rows in sorted(found_rows(by_kernel([*equal, *others])).items())] == [1, 1, 2, 2]


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("choices", [4, 5])
def test_counts_that_fall_once_in_the_line_that_was_learned_may_grow_all_the_way_in_others(
    choices: int, number: int
) -> None:
    """Totals that grow from each choice to the next are of all together, else each is one of its own (vLLM)."""

    def line(completions: Sequence[int]) -> bytes:
        chunks = (
            {"id": "a", "choices": [{"index": index, "delta": {"content": "x"}}], "usage": _counts(7, completion)}
            for index, completion in enumerate(completions)
        )
        return _line(model=f"m-{number}", response=sse(*chunks))

    falling = [10 * (place + 1) for place in reversed(range(choices))]
    _told([line(falling), line([count + 1 for count in falling]), line(sorted(falling)), line([5, *falling[1:]])])


def _cut(number: int, *, cached: int, as_by_another_name: int, total: int | None) -> bytes:
    """Return a stream of Anthropic's that was cut, and what the log counts of it, what was cached under two names."""
    usage = {"input_tokens": 700 + number, "cache_read_input_tokens": cached, "output_tokens": 5}
    start = {"type": "message_start", "message": {"id": f"m{number}", "model": "m", "usage": usage}}
    beside = _counts(700 + number + cached, 5000, total, cache_read_input_tokens=as_by_another_name)
    beside["prompt_tokens_details"] = {"cached_tokens": cached}
    return _line(path="/v1/messages", response=f"event: message_start\n{sse(start)}", usage=beside)


@pytest.mark.parametrize("is_learned_of_equal", [True, False])
@pytest.mark.parametrize("has_total", [True, False])
def test_a_count_that_is_stated_twice_decides_what_counts_where_both_are_equal(
    *, has_total: bool, is_learned_of_equal: bool
) -> None:
    """What the log counts of a stream that was cut is its output, unless it contradicts itself."""

    def line(number: int, *, is_equal: bool) -> bytes:
        cached = 30 + 7 * number
        total = 5700 + number + cached if has_total else None
        return _cut(number, cached=cached, as_by_another_name=cached + (not is_equal), total=total)

    first = [line(number, is_equal=is_learned_of_equal) for number in range(4)]
    others = [line(number, is_equal=True) for number in range(4, 8)]
    _told([*first, *others], WITH_USAGE)
    rows = found_rows(by_kernel([*first, *others], WITH_USAGE))
    assert [row[0]["completion_tokens"] for _, row in sorted(rows.items())][4:] == [5000] * 4


def test_a_count_that_is_stated_twice_and_a_total_decide_together_what_counts() -> None:
    """Lines that contradict themselves in both teach nothing that holds for one which does so in neither."""

    def line(number: int, *, is_right: bool) -> bytes:
        cached = 30 + 7 * number
        total = 5700 + number + cached if is_right else 9_999
        return _cut(number, cached=cached, as_by_another_name=cached + (not is_right), total=total)

    lines = [line(number, is_right=number >= 4) for number in range(8)]
    _told(lines, WITH_USAGE)
    rows = found_rows(by_kernel(lines, WITH_USAGE))
    assert [row[0]["completion_tokens"] for _, row in sorted(rows.items())] == [5] * 4 + [5000] * 4


@pytest.mark.parametrize("number", range(8))
def test_what_a_log_counts_is_its_output_where_its_total_is_that_of_the_body_as_well(number: int) -> None:
    """In the lines that were learned its total is the body's and not its own, and it states a count in two ways."""

    def line(prompt: int, begun: int, *counted: int, parts: tuple[int, int]) -> bytes:
        usage = {"input_tokens": prompt, "output_tokens": begun}
        start = {"type": "message_start", "message": {"id": "m", "model": f"m-{number}", "usage": usage}}
        cached = {"prompt_tokens_details": {"cached_tokens": parts[0]}, "cache_read_input_tokens": parts[1]}
        beside = _counts(*counted, prompt + begun, **cached)
        return _line(path=f"/{number}/v1/messages", response=f"event: message_start\n{sse(start)}", usage=beside)

    wrong = [line(500 + each, 9, 70, 80 + each, parts=(5 + each, 6 + each)) for each in range(4)]
    right = [line(500 + each, 9, 70, 439 + each, parts=(5 + each, 5 + each)) for each in range(4)]
    _told([*wrong, *right], WITH_USAGE)
    rows = found_rows(by_kernel([*wrong, *right], WITH_USAGE))
    assert [row[0]["completion_tokens"] for _, row in sorted(rows.items())] == [9] * 4 + [439, 440, 441, 442]


@pytest.mark.parametrize(
    ("details", "name", "other"),
    [("input_token_details", "audio", "audio_tokens"), ("output_token_details", "reasoning", "reasoning_tokens")],
)
def test_a_count_that_is_called_as_other_values_are_is_compared_with_others_as_well(
    details: str, name: str, other: str
) -> None:
    """LangChain's ``audio`` and ``reasoning`` are counts, which chat has as objects and as texts."""
    start = {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 500, "output_tokens": 9}}}

    def line(completion: int, count: int) -> bytes:
        beside = {"prompt_tokens": 70, "outputTokens": completion, details: {name: 7, other: count}}
        return _line(path="/v1/messages", response=f"event: message_start\n{sse(start)}", usage=beside)

    lines = [line(5, 6), line(6, 5), line(8, 3), line(80, 9), line(90, 7), line(91, 7)]
    _told(lines, WITH_USAGE)
    rows = found_rows(by_kernel(lines, WITH_USAGE))
    assert [row[0]["completion_tokens"] for _, row in sorted(rows.items())] == [9, 9, 9, 9, 90, 91]


@pytest.mark.parametrize("number", range(8))
def test_a_sum_that_is_no_more_than_another_count_is_met_where_the_line_that_was_learned_has_more(number: int) -> None:
    """Converse says entry by entry what was written for an hour: all together it is no more than what was written."""

    def line(written: int, *for_an_hour: int) -> bytes:
        usage = {"inputTokens": 700, "outputTokens": 60, "cacheWriteInputTokens": written}
        details = [{"ttl": "1h", "inputTokens": each} for each in for_an_hour]
        body = {"output": {"message": {"content": [{"text": "x"}]}}, "stopReason": "end_turn"}
        usage |= {"cacheDetails": details}
        return _line(path=f"/model/m-{number}/converse", model=f"m-{number}", response=body | {"usage": usage})

    lines = [
        line(3, 800, 450, 480),
        line(5, 840, 430, 200),
        line(7, 90, 91, 92),
        line(900, 400, 200, 1),
        line(90, 20, 30, 9),
    ]
    _told(lines)
    rows = found_rows(by_kernel(lines))
    hours = [row[0]["prompt_cache_write_1h_tokens"] for _, row in sorted(rows.items())]
    assert hours == [3, 5, 7, 601, 59]


@pytest.mark.parametrize("model", ["m-1", "m-2"])
def test_a_total_of_the_prompt_alone_says_that_nothing_was_generated_whatever_another_total_is(model: str) -> None:
    """Where one half is null, the body states no usage, and what the log counts is it; a total may say it was zero."""

    def line(prompt: int, *beside: int) -> bytes:
        body = {"prompt_tokens": prompt, "completion_tokens": None, "total_tokens": sum(beside)}
        return _line(model=model, response=_chat(body), usage=_counts(*beside, sum(beside)))

    _told([line(7, 20, 30), line(8, 21, 31), line(40, 30, 10), line(50, 20, 30)], WITH_USAGE)


@pytest.mark.parametrize("model", ["m-1", "m-2", "m-3", "m-4"])
def test_counts_of_a_chunk_that_is_repeated_decide_what_an_earlier_total_must_be(model: str) -> None:
    """The first total stands where the counts stay as they are; chunks that count nothing generated are no whole."""

    def line(first_total: int, *totals: int) -> bytes:
        usages = [(9, first_total), *((9, total) for total in totals)]
        chunks = ({"id": "a", "model": model, "usage": _counts(prompt, 0, total)} for prompt, total in usages)
        delta = {"choices": [{"index": 0, "delta": {"content": "x"}}]}
        return _line(model=model, response="".join(sse(chunk | delta) for chunk in chunks))

    right = [line(9, 9), line(9, 9, 9), line(9, 7, 9)]
    wrong = [line(3, 9), line(3, 9, 9), line(3, 9, 9, 9), line(3, 7, 9)]
    _told([*right, *wrong])
    rows = found_rows(by_kernel([*right, *wrong]))
    assert ["contradictory_usage" in row[0] for _, row in sorted(rows.items())] == [False] * 3 + [True] * 4
