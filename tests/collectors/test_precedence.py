"""What an exchange amounts to by its path, its status, its body and what its log says beside it: the whole of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.collectors import LogFormat
from pipeline.collectors.counting import BodyReading
from pipeline.collectors.exchange import read_exchange
from pipeline.collectors.formats.request_log import read_envelope
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import parse
from pipeline.usage import TokenCounts, UsageStatus

CHAT_ROUTE, EMBEDDING_ROUTE, OTHER_ROUTE, OWN_ROUTE = "/v1/chat/completions", "/v1/embeddings", "/v1/rerank", "/ai/ask"
NOT_METERED, FAILED, UNKNOWN = (BodyReading(status=UsageStatus(each)) for each in ("not_metered", "failed", "unknown"))
COUNTS = TokenCounts(prompt_tokens=20, completion_tokens=10)
BESIDE = LogFormat(
    fields={
        "usage.prompt_tokens": "in",
        "usage.completion_tokens": "out",
        "response.id": "rid",
        "response.model": "rmodel",
        "response.finish_reason": "rreason",
        "response.error": "rerror",
        "service_tier": "tier",
        "cache_hit": "hit",
    }
)


def outcome(response: Any, log_format: LogFormat | None = None, **line: Any) -> BodyReading:
    settings = LogFormat() if log_format is None else log_format
    whole = {"ts": 1_772_355_600, "api_key_id": "key_1", "status": 200, "path": CHAT_ROUTE, "response": response} | line
    return read_exchange(read_envelope(parse(json.dumps(whole)), settings, str), settings)


def chat(usage: Any = None, **fields: Any) -> dict[str, Any]:
    return {"id": "c-1", "choices": [{"message": {"content": "a"}}], "usage": usage} | fields


def usage(prompt: int = 20, completion: int = 10, total: int | None = None) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


def amount(status: str, dialect: str | None = "openai-chat", **known: Any) -> BodyReading:
    return BodyReading(status=UsageStatus(status), dialect=dialect, **{"is_stream": False} | known)


OF_CHAT: dict[str, Any] = {"response_id": "c-1", "choices": 1}
MEASURED = amount("measured", tokens=COUNTS, **OF_CHAT)


@pytest.mark.parametrize("path", [CHAT_ROUTE, OWN_ROUTE, None])
@pytest.mark.parametrize("status", [None, 199, 200, 299, 300, 500])
def test_usage_above_zero_is_measured_whatever_status_and_route_say(path: str | None, status: int | None) -> None:
    assert outcome(chat(usage()), path=path, status=status) == MEASURED
    assert outcome(chat(usage(0, 1)), path=path, status=status).status == "measured"
    assert outcome(chat(usage(1, 0)), path=path, status=status).status == "measured"


@pytest.mark.parametrize(
    ("status", "is_success"), [(None, True), (0, True), (199, False), (200, True), (299, True), (300, False)]
)
def test_without_usage_the_status_decides_and_on_a_route_of_one_s_own_only_success_is_seen(
    status: int | None, *, is_success: bool
) -> None:
    unknown = amount("unknown", **OF_CHAT)
    assert outcome(chat(), status=status) == (unknown if is_success else FAILED)
    assert outcome(None, status=status) == (UNKNOWN if is_success else FAILED)
    assert outcome(chat(), status=status, path=OWN_ROUTE) == (unknown if is_success else NOT_METERED)
    assert outcome(None, status=status, path=OWN_ROUTE) == NOT_METERED
    assert outcome(None, status=status, path=OTHER_ROUTE) == NOT_METERED
    zeros = {"object": "chat.completion", "choices": [], "usage": usage(0, 0)}
    measured = amount("measured", tokens=TokenCounts(prompt_tokens=0, completion_tokens=0), choices=0)
    assert outcome(zeros, status=status) == (measured if is_success else FAILED)
    assert outcome(zeros, status=status, path=OWN_ROUTE) == (measured if is_success else NOT_METERED)


@pytest.mark.parametrize("status", [200, 500])
def test_what_is_stated_on_a_route_that_no_meter_is_for_is_kept_by_name_with_its_id(status: int) -> None:
    kept = BodyReading(
        status=UsageStatus.NOT_METERED,
        response_id="c-1",
        other_usage='{"completion_tokens":10,"prompt_tokens":20}',
    )
    assert outcome(chat(usage()), path=OTHER_ROUTE, status=status) == kept
    assert outcome(chat(usage(0, 0)), path=OTHER_ROUTE, status=status) == NOT_METERED
    for response in (chat(usage(total=99)), chat(usage(-1)), chat({"prompt_tokens": "many"})):
        assert outcome(response, path=OTHER_ROUTE, status=status).status == "not_metered"


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        (CHAT_ROUTE, 200, None),
        (CHAT_ROUTE, 500, FAILED),
        (EMBEDDING_ROUTE, 200, None),
        (EMBEDDING_ROUTE, 500, FAILED),
        (OWN_ROUTE, 200, UNKNOWN),
        (OWN_ROUTE, 500, NOT_METERED),
    ],
)
def test_a_count_that_is_none_refuses_only_what_succeeded_where_it_is_metered(
    path: str, status: int, expected: BodyReading | None
) -> None:
    if expected is None:
        with pytest.raises(LineRefused):
            outcome(chat(usage(-1)), path=path, status=status)
    else:
        assert outcome(chat(usage(-1)), path=path, status=status) == expected


@pytest.mark.parametrize("path", [CHAT_ROUTE, OWN_ROUTE])
@pytest.mark.parametrize("status", [200, 500])
def test_counts_that_contradict_each_other_are_refused_under_any_status(path: str, status: int) -> None:
    with pytest.raises(LineRefused) as refused:
        outcome(chat(usage(total=99)), path=path, status=status)
    assert refused.value.reason == "contradictory_usage"


def test_parts_of_an_answer_are_there_whatever_becomes_of_the_whole() -> None:
    iterations = [{"type": "advisor_message", "model": "m-2", "input_tokens": 20, "output_tokens": 10}]
    message = {"type": "message", "role": "assistant", "usage": {"iterations": iterations}}
    part = amount("measured", "anthropic", tokens=COUNTS, choices=1, model_reported="m-2", part="iteration 0")
    assert outcome(message).parts == (part,)
    failed = outcome(message, status=500)
    assert (failed.status, failed.parts) == ("failed", (part,))
    assert outcome(message, path=OTHER_ROUTE).parts == ()
    assert outcome(message, BESIDE, hit=True).parts == ()


ERROR = {"error": {"code": 1}}
BARE = {"id": "b-1", "usage": {"prompt_tokens": 20, "completion_tokens": 10}}


@pytest.mark.parametrize(
    ("response", "path", "status", "dialect"),
    [
        (ERROR, CHAT_ROUTE, "failed", "openai-chat"),
        (ERROR, EMBEDDING_ROUTE, "failed", "embeddings"),
        (ERROR, None, "failed", "openai-chat"),
        (ERROR, OWN_ROUTE, "not_metered", None),
        ("error: it broke", CHAT_ROUTE, "failed", "openai-chat"),
        ("error: it broke", EMBEDDING_ROUTE, "failed", "embeddings"),
        ("error: it broke", OWN_ROUTE, "not_metered", None),
        ("error: it broke", OTHER_ROUTE, "not_metered", None),
        (BARE, CHAT_ROUTE, "measured", "openai-chat"),
        (BARE, EMBEDDING_ROUTE, "measured", "embeddings"),
        (BARE, OWN_ROUTE, "not_metered", None),
        (chat(usage()), EMBEDDING_ROUTE, "measured", "embeddings"),
        ({"weather": "fine"}, CHAT_ROUTE, "unknown", None),
        ({"weather": "fine"}, EMBEDDING_ROUTE, "unknown", None),
        (None, EMBEDDING_ROUTE, "unknown", None),
        (None, CHAT_ROUTE, "unknown", None),
        ({"weather": "fine"}, OWN_ROUTE, "not_metered", None),
        ({"choices": ["a", "b"], "usage": usage()}, CHAT_ROUTE, "measured", "openai-chat"),
        ({"choices": ["a", "b"], "usage": usage()}, OWN_ROUTE, "not_metered", None),
        ({"choices": [{"text": "a"}], "usage": usage()}, OWN_ROUTE, "measured", "openai-completions"),
        ({"object": "batch", "usage": usage()}, CHAT_ROUTE, "not_metered", "unbilled"),
        ({"object": "batch", "usage": usage()}, OWN_ROUTE, "not_metered", "unbilled"),
        (
            {"data": [{"embedding": []}], "usage": {"prompt_tokens": 40, "total_tokens": 40}},
            CHAT_ROUTE,
            "measured",
            "embeddings",
        ),
        ({"data": [{"embedding": []}], "usage": usage()}, CHAT_ROUTE, "measured", "openai-chat"),
    ],
)
def test_a_body_is_read_by_what_it_is_and_by_its_route_where_nobody_recognises_it(
    response: Any, path: str | None, status: str, dialect: str | None
) -> None:
    found = outcome(response, path=path)
    assert (found.status, found.dialect) == (status, dialect)


def test_counts_of_a_body_that_nobody_knows_are_kept_by_name_on_a_route_of_one_s_own() -> None:
    assert outcome(BARE, path=OWN_ROUTE) == BodyReading(
        status=UsageStatus.NOT_METERED,
        response_id="b-1",
        other_usage='{"completion_tokens":10,"prompt_tokens":20}',
    )
    assert outcome(ERROR | {"id": "b-1"}, path=OWN_ROUTE) == NOT_METERED


@pytest.mark.parametrize(
    ("dialect", "response", "status", "read_as"),
    [
        ("openai-chat", chat(usage()), "measured", "openai-chat"),
        ("openai-chat", {"choices": [{"text": "a"}], "usage": usage()}, "measured", "openai-chat"),
        ("openai-chat", {"weather": "fine"}, "unknown", "openai-chat"),
        ("anthropic", chat(usage()), "unknown", None),
        ("anthropic", {"weather": "fine"}, "unknown", None),
        ("anthropic", {"content": [], "usage": {"input_tokens": 20, "output_tokens": 10}}, "measured", "anthropic"),
    ],
)
def test_a_dialect_that_a_source_names_is_the_only_one(
    dialect: str, response: Any, status: str, read_as: str | None
) -> None:
    found = outcome(response, LogFormat(dialect=dialect))
    assert (found.status, found.dialect) == (status, read_as)


@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic", "gemini", None])
def test_an_answer_without_a_body_is_of_no_dialect_whichever_is_named(dialect: str | None) -> None:
    for response in (None, "", "  ", [], "no JSON"):
        assert outcome(response, LogFormat(dialect=dialect)) == UNKNOWN
        assert outcome(response, LogFormat(dialect=dialect), status=500) == FAILED
    if dialect is not None:
        assert outcome({}, LogFormat(dialect=dialect)).status == "unknown"


def test_counts_that_a_log_states_itself_count_where_no_body_states_any() -> None:
    alone = amount("measured", "logged-usage", tokens=COUNTS, is_stream=None)
    stated = {"in": 20, "out": 10}
    assert outcome(None, BESIDE, **stated) == alone
    assert outcome(None, BESIDE, path=OWN_ROUTE, **stated) == alone
    assert outcome(None, BESIDE, status=500, **stated) == alone
    assert outcome(chat(usage(1, 2)), BESIDE, **stated).tokens == TokenCounts(prompt_tokens=1, completion_tokens=2)
    assert outcome(chat(), BESIDE, **stated) == amount("measured", "openai-chat/logged-usage", tokens=COUNTS, **OF_CHAT)
    fine = amount("measured", "bedrock-invoke/logged-usage", tokens=COUNTS, choices=None)
    assert outcome({"weather": "fine"}, BESIDE, **stated) == fine
    kept = '{"completion_tokens":10,"prompt_tokens":20}'
    assert outcome(None, BESIDE, path=OTHER_ROUTE, **stated) == BodyReading(
        status=UsageStatus.NOT_METERED, other_usage=kept
    )
    assert outcome({"object": "batch"}, BESIDE, **stated).other_usage is None


def test_of_a_stream_that_was_cut_the_log_s_own_count_of_its_output_is_more_than_what_had_begun() -> None:
    message = {"id": "m-1", "role": "assistant", "usage": {"input_tokens": 20, "output_tokens": 3}}
    start = {"type": "message_start", "message": message}
    cut = f"data: {json.dumps(start)}\n\n"
    begun = TokenCounts(prompt_tokens=20, completion_tokens=3)

    def read(body: str, **stated: Any) -> tuple[TokenCounts | None, str | None]:
        found = outcome(body, BESIDE, path="/v1/messages", **stated)
        return found.tokens, found.dialect

    whole = TokenCounts(prompt_tokens=20, completion_tokens=300)
    assert read(cut, **{"in": 900, "out": 300}) == (whole, "anthropic/logged-usage")
    for counts in ({"in": 20, "out": 3}, {"in": 20, "out": 2}, {"in": 20, "out": 0}, {"in": 20}, {"out": 300}, {}):
        assert read(cut, **counts) == (begun, "anthropic/output-begun")
    ended = cut + f"data: {json.dumps({'type': 'message_delta', 'usage': {'output_tokens': 3}})}\n\n"
    assert read(ended, **{"in": 20, "out": 300}) == (begun, "anthropic")
    assert outcome(cut, BESIDE, path="/v1/messages", **{"in": 20, "out": 10**15}).tokens == begun


def test_zeros_beside_an_answer_are_no_measurement_and_on_a_route_of_one_s_own_no_trace() -> None:
    zeros = {"in": 0, "out": 0}
    unknown = amount("unknown", "logged-usage", is_stream=None)
    assert outcome(None, BESIDE, **zeros) == unknown
    assert outcome(None, BESIDE, rid="r-1") == replace_id(unknown, "r-1")
    assert outcome(None, BESIDE, path=OWN_ROUTE, **zeros) == NOT_METERED
    assert outcome(None, BESIDE, path=OWN_ROUTE, rid="r-1") == NOT_METERED
    for one in ({"in": 20, "out": 0}, {"in": 0, "out": 10}):
        assert outcome(None, BESIDE, path=OWN_ROUTE, **one).status == "measured"
    assert outcome(None, BESIDE, rerror="it broke", **zeros) == amount("failed", "logged-usage", is_stream=None)
    assert outcome(None, BESIDE, path=EMBEDDING_ROUTE, **{"in": 20}).tokens == TokenCounts(
        prompt_tokens=20, completion_tokens=0
    )
    assert outcome(None, BESIDE, **{"in": 20}).status == "unknown"


def replace_id(reading: BodyReading, response_id: str) -> BodyReading:
    return amount(reading.status.value, reading.dialect, is_stream=reading.is_stream, response_id=response_id)


def test_what_a_log_says_of_an_answer_counts_where_the_body_does_not_say_it_and_its_tier_always() -> None:
    said = {"rid": "r-1", "rmodel": "m-1", "rreason": "length", "tier": "batch"}
    expected: dict[str, Any] = {
        "response_id": "r-1",
        "model_reported": "m-1",
        "finish_reason": "length",
        "service_tier": "batch",
        "choices": 1,
        "tokens": COUNTS,
    }
    for unstated in (None, ""):
        assert outcome(chat(usage(), id=unstated, model=unstated), BESIDE, **said) == amount("measured", **expected)
    choices = [{"message": {"content": "a"}, "finish_reason": "stop"}]
    own = chat(usage(), model="m-2", choices=choices, service_tier="flex")
    stated = {"response_id": "c-1", "model_reported": "m-2", "finish_reason": "stop"}
    assert outcome(own, BESIDE, **said) == amount("measured", **expected | stated)
    assert outcome(own, BESIDE).service_tier == "flex"
    assert outcome(chat(), BESIDE, rerror=True).status == "failed"
    assert outcome(chat(error={}), BESIDE, rid="r-1").status == "failed"
    assert outcome(chat(), BESIDE, rerror=False).status == "unknown"


def test_an_answer_from_a_cache_is_not_metered_and_what_it_repeats_is_kept_by_name() -> None:
    hit = amount(
        "not_metered",
        "openai-chat/cache-hit",
        other_usage='{"completion_tokens":10,"prompt_tokens":20}',
        **OF_CHAT,
    )
    for value in (True, "true", 1, "TRUE"):
        assert outcome(chat(usage()), BESIDE, hit=value) == hit
    for value in (False, "false", 0, "", None):
        assert outcome(chat(usage()), BESIDE, hit=value) == MEASURED
    stream = 'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n'
    assert outcome(stream, BESIDE, hit=True) == amount("not_metered", "openai-chat/cache-hit", is_stream=True)
    with pytest.raises(LineRefused) as refused:
        outcome(chat(usage()), BESIDE, hit="perhaps")
    assert refused.value.detail == "cache_hit is neither true nor false"


HEADERS = {"X-Amzn-Bedrock-Input-Token-Count": "20", "x-amzn-bedrock-output-token-count": "10"}


def test_counts_of_aws_stand_in_where_a_model_s_own_document_has_none() -> None:
    answer = {"completion": "a"}
    by_headers = amount("measured", "bedrock-invoke/response-headers", tokens=COUNTS, choices=None)
    assert outcome(answer, response_headers=HEADERS, path="/model/m/invoke", request={"model": "m"}) == by_headers
    for value in (20, ["20"], 20.0):
        headers = HEADERS | {"X-Amzn-Bedrock-Input-Token-Count": value}
        assert outcome(answer, response_headers=headers) == by_headers
    assert outcome(answer, response_headers=json.dumps(HEADERS)) == by_headers
    for name in HEADERS:
        headers = {key: value for key, value in HEADERS.items() if key != name}
        assert outcome(answer, response_headers=headers).status == "unknown"
    with pytest.raises(LineRefused) as refused:
        outcome(answer, response_headers=HEADERS | {"x-amzn-bedrock-output-token-count": "\u0663"})
    assert refused.value.detail == "x-amzn-bedrock-output-token-count is no number"
    metrics = {
        "inputTokenCount": 5,
        "outputTokenCount": 10,
        "cacheReadInputTokenCount": 9,
        "cacheWriteInputTokenCount": 6,
    }
    of_metrics = TokenCounts(
        prompt_tokens=20, completion_tokens=10, prompt_cached_tokens=9, prompt_cache_write_tokens=6
    )
    found = outcome(answer | {"amazon-bedrock-invocationMetrics": metrics}, response_headers=HEADERS)
    assert found == amount("measured", "bedrock-invoke/invocation-metrics", tokens=of_metrics, choices=1)
    half = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 5}}
    chunks = [answer | {"amazon-bedrock-invocationMetrics": metrics}, answer | half]
    assert outcome(chunks).tokens == of_metrics
    assert outcome(chat(usage(1, 2), **half), response_headers=HEADERS).tokens == TokenCounts(
        prompt_tokens=1, completion_tokens=2
    )
    assert outcome({"object": "batch"}, response_headers=HEADERS).other_usage is None


def test_the_path_names_the_model_where_neither_body_nor_request_does() -> None:
    path = "/openai/deployments/mine/chat/completions"
    assert outcome(chat(usage()), path=path).model_in_path == "mine"
    assert outcome(chat(usage(), model="m"), path=path).model_in_path is None
    assert outcome(chat(usage()), path=path, request={"model": "m"}).model_in_path is None
    assert outcome(chat(usage()), path=None).model_in_path is None


def test_a_stream_has_as_many_choices_as_were_asked_for() -> None:
    stream = [chat(usage(), choices=[{"index": 0, "delta": {"content": "a"}}])]
    found = outcome(stream, request={"n": 3, "model": "gemini-x"})
    assert (found.choices, found.is_stream) == (3, True)
    thoughts = outcome(chat(usage(total=31)), request={"model": "gemini-x"})
    assert thoughts.dialect == "openai-chat/thoughts-in-total"
    assert outcome(chat(), BESIDE, request={"model": "gemini-x"}, rmodel="m", **{"in": 20, "out": 10}).tokens == COUNTS


def test_a_stream_that_was_cut_is_estimated_and_under_an_error_failed() -> None:
    stream = 'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n'
    assert outcome(stream).status == "estimated"
    assert outcome(stream, status=500) == FAILED
    assert outcome(stream, status=500, path=OWN_ROUTE) == NOT_METERED


def test_half_of_what_aws_counts_is_none_and_an_empty_header_no_count() -> None:
    for half in ({"inputTokenCount": 5}, {"outputTokenCount": 5}):
        answer = {"completion": "a", "amazon-bedrock-invocationMetrics": half}
        assert outcome(answer).status == "unknown"
        assert outcome(answer, response_headers=HEADERS).dialect == "bedrock-invoke/response-headers"
    with pytest.raises(LineRefused) as refused:
        outcome({"completion": "a"}, response_headers=HEADERS | {"x-amzn-bedrock-output-token-count": []})
    assert refused.value.detail == "x-amzn-bedrock-output-token-count is no number"


def test_what_is_counted_beside_zeros_is_kept_by_name() -> None:
    named = LogFormat(fields={"usage": "u"})
    found = outcome(None, named, u=usage(0, 0) | {"num_search_queries": 3})
    assert (found.status, found.other_usage) == ("unknown", '{"searches":3}')


def test_zeros_that_aws_counts_beside_an_answer_are_no_measurement() -> None:
    zeros = dict.fromkeys(HEADERS, "0")
    assert outcome({"completion": "a"}, response_headers=zeros).status == "unknown"
    assert outcome({"weather": "fine"}, response_headers=zeros).status == "unknown"
