"""Whoever calls chooses texts, names, ids, headers and paths, and pays what the provider's usage states all the same.

What many callers send together is claimed in ``tests/scenarios/test_whoever_calls.py``; here is what one of them can do
with a single request, in every family of bodies.
"""

from __future__ import annotations

import json
import random
import re
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from family_bodies import FAMILIES, Maker
from hypothesis import given, settings
from hypothesis import strategies as some
from workspaces import STANDARD, make_workspace, plain, tallybook, write_log

from pipeline.collectors import LogFormat, routes
from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.logs.lines import Line
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-02")
ZEROS = '{"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "input_tokens": 0, "output_tokens": 0}'
FORGED = (
    f'\n\ndata: {{"id": "other", "choices": [], "usage": {ZEROS}}}\n\n',
    f'\r\n\r\nevent: message_delta\r\ndata: {{"type": "message_delta", "usage": {ZEROS}}}\r\n\r\n',
    f'"}}}}], "usage": {ZEROS}, "model": "cheap", "x": [{{"y": {{"content": "',
    f'\\"}}}}], \\"usage\\": {ZEROS}',
    f'{{"usage": {ZEROS}, "choices": []}}',
    f'{{"type": "response.completed", "response": {{"usage": {ZEROS}}}}}',
    '{"usageMetadata": {"promptTokenCount": 0, "candidatesTokenCount": 0}}',
    '{"metadata": {"usage": {"inputTokens": 0, "outputTokens": 0}}}',
    "data: [DONE]\n\n",
    "\n\nevent: error\ndata: {}\n\n",
    "\nerror: overloaded\n",
    ": a comment\n\n",
    "\ndata: a line\ndata: that goes on\n\n",
    "id: 7\nretry: 0\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "\u2028data: {}\u2029\x85\x0b\x0c",
    "\x00\x01\x1b[2J\ufeff\ufffe\uffff",
    "\ud800",
    "\\u0000 \\ud83d \\x22 \\\\\\",
    "\U0001f600" * 9,
    "\u202e\u200b",
    "9" * 400,
    "[" * 70 + "{" * 70,
    "]" * 70,
    'NaN, "a": Infinity, -1e999',
    "\r",
    "`${7*7}{{7*7}}%s%n{0}",
)
"""What a caller has the model repeat, or sends itself, to be taken for structure."""
TEXTS = some.one_of(
    some.sampled_from(FORGED),
    some.text(some.characters(codec=None, exclude_categories=()), min_size=1, max_size=20),
    some.lists(some.sampled_from(FORGED), min_size=2, max_size=3).map("".join),
)
ESCAPE = re.compile(r"((?<!\\)(?:\\\\)*)\\u([0-9a-f]{4})")
SAME = [index for index, name in enumerate(USAGE_EVENTS.names) if name not in ("byte_end", "left_out")]


class _Forging(Maker):
    """Makes the body that another maker of the same chance makes, with other texts in it."""

    def __init__(self, chance: random.Random, texts: list[str]) -> None:
        super().__init__(chance)
        self._texts = texts
        self._next = 0

    def text(self) -> str:
        """Return the next of the texts."""
        self._next += 1
        return self._texts[self._next % len(self._texts)]


def rows(line: dict[str, Any], *, ensure_ascii: bool = True) -> list[tuple[Any, ...]]:
    content = json.dumps(line, ensure_ascii=ensure_ascii).encode("utf-8", "replace")
    found = decode_line(
        Line(1, 0, len(content), content, b"", 1), source="s", log_format=LogFormat(), fingerprint=lambda raw: raw
    )
    return [
        (type(each) is EventRow, *(each.values[index] for index in SAME if index < len(each.values))) for each in found
    ]


def unescaped(found: re.Match[str]) -> str:
    """Return the character itself where JSON may hold it, as providers write it."""
    code = int(found[2], 16)
    return found[0] if code < 0x80 or 0xD800 <= code < 0xE000 else found[1] + chr(code)


def logged(path: str, response: Any, **more: Any) -> dict[str, Any]:
    return {
        "ts": "2026-10-01T10:00:00Z",
        "request_id": "r",
        "api_key_id": "key_a",
        "status": 200,
        "path": path,
        "request": {"model": "m"},
        "response": response,
    } | more


@pytest.mark.parametrize("family", sorted(FAMILIES))
@given(
    seed=some.integers(0, 2**32),
    texts=some.lists(TEXTS, min_size=1, max_size=4),
    asked=TEXTS,
    is_escaped=some.booleans(),
    is_text_of_text=some.booleans(),
    is_raw=some.booleans(),
)
@settings(max_examples=30)
def test_whatever_a_caller_writes_and_is_answered_the_event_is_that_of_harmless_words(
    *, family: str, seed: int, texts: list[str], asked: str, is_escaped: bool, is_text_of_text: bool, is_raw: bool
) -> None:
    harmless = _Forging(random.Random(seed), ["x"]).body(family)
    forged = _Forging(random.Random(seed), texts).body(family)
    request = {"model": "m", "messages": [{"content": asked}], "user": asked, "metadata": {asked: asked}, asked: asked}
    expected = rows(logged(harmless.path, harmless.response))
    assert all(is_event for is_event, *_ in expected)
    request |= {"model": "m"}
    held = forged.response
    if is_raw and isinstance(held, str):
        held = ESCAPE.sub(unescaped, held)
    if is_text_of_text and isinstance(held, str):
        held = json.dumps(held)
    line = logged(f"{forged.path}?user={asked}", held, request=request, headers={asked: asked}, note=asked)
    assert rows(line, ensure_ascii=is_escaped or "\ud800" in json.dumps(line, ensure_ascii=False)) == expected


IDS = (
    *("a", "A", "a ", " a", "a\n", "\na", "a\x00", "\x00a", "a\u200b", "a\ufeff", "\u0430", "a\u0301", "\ud800"),
    *("a/..", "../a", "..", ".", "a%20", "a%2520", "%61", "a;b", "a,b", "a'b", 'a"b', "a`b", "a\\b", "a|b", "$(a)"),
    *("{a}", "%s", "=a", "+a", "-a", "CON", "nul", "a" * 256, "a" * 257, "b" * 2**16, "a\u2028b", "a\x1b[31m"),
    *("\u202ea", "null", "0", "-1", "1e9", "NaN", "'; drop table usage_events; --", "<script>alert(1)</script>"),
    *("response", "request", "key_a", "\U0001f600", "é", "e\u0301"),
)
"""Ids that a caller chose, each another one."""


@pytest.mark.parametrize("identity", ["response-id", "request-id", "both"])
@pytest.mark.parametrize("place", ["response", "request", "both"])
def test_different_ids_are_different_requests_however_they_are_chosen(
    identity: str, place: str, tmp_path: Path
) -> None:
    config = f'[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\nidentity = "{identity}"\n'
    root = make_workspace(tmp_path / "books", config=config)
    lines = [
        plain(
            f"2026-10-01T10:00:{number:02}Z",
            id=each if place != "request" else None,
            prompt=100 + number,
            **({"request_id": each} if place != "response" else {}),
        )
        for number, each in enumerate(IDS)
    ]
    write_log(root, "a.jsonl", *lines)
    done = tallybook(root, "nightly", *AS_OF, "--json")
    counts = json.loads(done.stdout)["counts"]
    assert (counts["events"], counts["billed"], counts["quarantined"]) == (len(IDS), len(IDS), 0)
    (row,) = json.loads(tallybook(root, "usage", "--by", "key", "-o", "json").stdout)
    assert row["prompt_tokens"] == sum(range(100, 100 + len(IDS)))


MODELS = (
    *("Jamba-Large", "jamba-large ", " jamba-large", "jamba-large\x00", "jamba-large\n", "jamba-large\u200b"),
    *("jamba\u2010large", "j\u0430mba-large", "jamba-large%00", "jamba%2Dlarge", "jamba-large?", "jamba-large#"),
    *("../jamba-large", "jamba-large/", "jamba-large:free", "jamba-large@0", "*", "%", "jamba-larg_"),
    *("jamba-large' or '1'='1", "\ud800jamba-large", "\ufeffjamba-large"),
)


@pytest.mark.long
def test_no_name_that_resembles_a_model_is_billed_as_it_and_all_are_told_of(tmp_path: Path) -> None:
    """Where the answer names no model, the one that was asked for is rated: it is itself or it has no rate."""
    root = make_workspace(tmp_path / "books")
    write_log(
        root,
        "a.jsonl",
        *(
            plain("2026-10-01T10:00:00Z", id=f"r{number}", model=each, prompt=10**6)
            for number, each in enumerate(MODELS)
        ),
        plain("2026-10-01T10:00:00Z", id="r", prompt=10**6),
    )
    done = tallybook(root, "nightly", *AS_OF, "--json")
    night = json.loads(done.stdout)
    assert night["counts"]["unpriced_tokens"] == len(MODELS) * 10**6
    assert len([each for each in night["warnings"] if each["code"] == "unpriced"]) == len(MODELS)
    assert [each["total"] for each in night["invoices"]] == ["2.00"]


@pytest.mark.parametrize("asked", ["cheap", "jamba-large-1.7", "", None, ["cheap"], {"a": 1}, "x" * 10**5])
def test_the_model_that_the_answer_names_is_billed_whatever_was_asked_for(asked: Any, tmp_path: Path) -> None:
    card = '[[rates]]\nmodel = "cheap"\nprompt = 0.01\ncompletion = 0.01\n'
    root = make_workspace(tmp_path / "books", cards={"standard": STANDARD + card})
    line = json.loads(plain("2026-10-01T10:00:00Z", id="r", prompt=10**6))
    line["request"]["model"] = asked
    line["response"]["model"] = "jamba-large"
    write_log(root, "a.jsonl", json.dumps(line))
    night = json.loads(tallybook(root, "nightly", *AS_OF, "--json").stdout)
    assert [each["total"] for each in night["invoices"]] == ["2.00"]


WAYS = (
    *("/v1/files/../chat/completions", "/v1/threads/../chat/completions", "/v1/threads/%2e%2e/chat/completions"),
    *("/v1/./chat/./completions", "//v1//chat//completions//", "/v1/chat%2Fcompletions", "/V1/Chat/Completions"),
    *("/v1/chat/completions?x=/v1/files", "/v1/chat/completions#/v1/files", "/v1/chat/completions?../../files"),
    *("https://files.example/v1/chat/completions", "/v1/audio/..//chat/completions", "/../../v1/chat/completions"),
    *("/v1/%63hat/completions", "/v1/chat/completions/.", "/v1/models/%2E./chat/completions"),
    "/" * 10**5 + "v1/chat/completions",
)


@pytest.mark.parametrize("path", WAYS, ids=lambda path: path[:40])
def test_however_a_caller_spells_the_way_to_the_model_the_answer_is_billed(path: str) -> None:
    expected = rows(logged("/v1/chat/completions", json.loads(plain("x", id="a", prompt=7))["response"]))
    assert rows(logged(path, json.loads(plain("x", id="a", prompt=7))["response"])) == expected


@pytest.mark.long
def test_paths_of_many_megabytes_are_not_kept() -> None:
    tracemalloc.start()
    for number in range(40):
        routes.route_of(f"/{number}{'x' * 10**6}", "POST")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2 * 10**6


INJECTED = (
    '"api_key_id": "key_victim"',
    '"api_key_id": null',
    '"response": {"id": "r", "choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}',
    '"response": null',
    '"response": "data: [DONE]"',
    '"ts": "2020-01-01T00:00:00Z"',
    '"status": 500, "path": "/v1/files", "response": {"error": {}}',
)
"""What a caller writes behind a request that a log does not escape."""


@pytest.mark.parametrize("injected", INJECTED)
@pytest.mark.parametrize("is_first", [False, True])
def test_a_field_that_a_caller_states_once_more_bills_nobody_else_and_is_told_of(
    injected: str, tmp_path: Path, *, is_first: bool
) -> None:
    accounts = "".join(
        f'[[accounts]]\nid = "{each}"\nname = "{each}"\nkeys = ["key_{each}"]\n' for each in ("a", "victim")
    )
    root = make_workspace(tmp_path / "books", accounts=accounts)
    line = plain("2026-10-01T10:00:00Z", id="r", prompt=10**6)
    forged = line[0] + injected + ", " + line[1:] if is_first else line[:-1] + ", " + injected + "}"
    write_log(root, "a.jsonl", forged, plain("2026-10-02T10:00:00Z", id="s"))
    night = json.loads(tallybook(root, "nightly", *AS_OF, "--json").stdout)
    assert night["counts"]["quarantined"] == 1
    assert [(each["account_id"], each["total"]) for each in night["invoices"]] == [("a", "2.00")]
    assert any(each["code"] == "quarantined" for each in night["warnings"])


@pytest.mark.long
def test_requests_that_a_caller_gives_one_id_are_told_as_suspicious_and_not_lost_in_silence(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    lines = [plain(f"2026-10-0{day}T10:00:00Z", id="mine", prompt=10**6) for day in range(1, 6)]
    write_log(root, "a.jsonl", *lines)
    done = tallybook(root, "nightly", *AS_OF)
    assert "suspicious 4" in done.stdout
    assert "mine" in tallybook(root, "usage", "--copies").stdout or "suspicious" in done.stderr


@pytest.mark.parametrize(
    "event",
    [
        "data: {{}}\r\rdata: {whole}\r\r",
        "\ufeffdata: {whole}\n\n",
        ": {whole}\n\ndata: {whole}\n\n",
        "event: ping\ndata: {whole}\n\n",
        "id\ndata: {whole}\n\n",
        "data:{whole}\n\n",
        "data: {first}\ndata: {second}\n\n",
        "data: {whole}",
        "retry: 1\r\ndata: {whole}\r\n\r\n: bye",
        "event: error-free\ndata: {whole}\n\n",
    ],
)
def test_a_transcript_in_any_framing_states_the_usage_once(event: str) -> None:
    chunk = json.dumps(
        {"id": "s", "choices": [{"delta": {"content": "é"}}], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
    )
    cut = chunk.index(" ", 20)
    text = event.format(whole=chunk, first=chunk[:cut], second=chunk[cut:])
    (row,) = rows(logged("/v1/chat/completions", text))
    assert row[1 + SAME.index(USAGE_EVENTS.get_field_index("prompt_tokens"))] == 9


def streamed(text: str) -> dict[str, str]:
    """Return streams whose second event has a text, each by the route that it is of."""
    chat = [
        {"id": "s", "choices": [{"delta": {"content": "a"}}]},
        {"id": "s", "choices": [{"delta": {"content": text}}]},
        {"id": "s", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
    ]
    message = {"id": "s", "role": "assistant", "model": "m", "usage": {"input_tokens": 9, "output_tokens": 1}}
    events = [
        {"type": "message_start", "message": message},
        {"type": "content_block_delta", "delta": {"text": text}},
        {"type": "message_delta", "usage": {"output_tokens": 2}},
    ]
    return {
        "/v1/chat/completions": "".join(f"data: {json.dumps(each)}\n\n" for each in chat) + "data: [DONE]\n\n",
        "/v1/messages": "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events),
    }


ENDS = {"as they came": "\n", "of HTTP": "\r\n", "as their escapes": r"\n", "lost": ""}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("text", [*FORGED, "\ndata: {}\n", 'data: {} event: error data: {"a": 1}'])
def test_no_text_is_framing_wherever_its_stream_is_cut_and_however_its_lines_end(text: str, end: str) -> None:
    for path, transcript in streamed(text).items():
        harmless = streamed("x" * 9)[path]
        (begun, written), (sound, _) = (
            (each[: each.index(own)], own)
            for each, own in ((transcript, json.dumps(text)), (harmless, json.dumps("x" * 9)))
        )
        assert rows(logged(path, transcript.replace("\n", end))) == rows(logged(path, harmless.replace("\n", end)))
        expected = rows(logged(path, sound.replace("\n", end) + '"xxx'))
        for cut in range(1, len(written), 7):
            assert rows(logged(path, begun.replace("\n", end) + written[:cut])) == expected


def spans_of(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def span_of(own: str, key: str, around: str | None = None, **named: Any) -> dict[str, Any]:
    """Return a span of a call; whom it says to be within, and what its own programs state, a caller chooses."""
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "jamba",
        "api_key_id": key,
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 5,
    } | named
    pairs = [
        {"key": name, "value": {"stringValue" if isinstance(value, str) else "intValue": value}}
        for name, value in said.items()
    ]
    span = {"traceId": "t-1", "spanId": own, "startTimeUnixNano": "1793700001000000000", "attributes": pairs}
    return span if around is None else span | {"parentSpanId": around}


def exchanges_of(document: dict[str, Any], key: str) -> int:
    """Return as how many exchanges the spans of a key are counted."""
    index, whose = (SAME.index(USAGE_EVENTS.get_field_index(name)) for name in ("event_id", "api_key_id"))
    return len({row[1 + index] for row in rows(document) if row[1 + whose] == key})


def test_calls_that_a_caller_puts_within_one_span_of_its_own_are_as_many_as_they_were() -> None:
    """By the header ``traceparent`` the gateway's spans are within the caller's, which states what id it likes."""
    chosen = {"gen_ai.response.id": "chosen"}
    calls = [span_of(f"g-{number}", "key_a", around="c-1") for number in range(5)]
    assert exchanges_of(spans_of(*calls, span_of("c-1", "key_a", **chosen)), "key_a") == 5
    assert exchanges_of(spans_of(span_of("c-1", "key_a", **chosen), *calls), "key_a") == 5
    assert exchanges_of(spans_of(calls[0], span_of("c-1", "key_a", **chosen)), "key_a") == 1


def test_a_span_within_that_of_another_customer_takes_nothing_from_it() -> None:
    theirs = [span_of(f"v-{number}", "key_victim") for number in range(3)]
    chosen = {"gen_ai.response.id": "chosen"}
    mine = [span_of(f"m-{number}", "key_a", around=f"v-{number}", **chosen) for number in range(3)]
    assert exchanges_of(spans_of(*mine, *theirs), "key_victim") == 3
