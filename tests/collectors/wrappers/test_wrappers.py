"""What loggers put around a line is undone, whatever it is: the exchanges are those of the request log within."""

from __future__ import annotations

import json
import random
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.collectors.formats.held import held_in
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.wrappers import (
    WRAPPERS,
    cloudwatch,
    commands,
    cri,
    elasticsearch,
    fluent_bit,
    journald,
    syslog,
    wrapper_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

AT = "2026-10-01T00:00:00.000000000Z"
_BEFORE = {"byte_start", "byte_end", "line", "event_id"}


def in_cri(texts: Sequence[str], cut: int, stream: str = "stdout") -> list[str]:
    """Lines of containerd, split after ``cut`` bytes."""
    return [
        f"{AT} {stream} {'P' if at + cut < len(text) else 'F'} {text[at : at + cut]}"
        for text in texts
        for at in range(0, max(len(text), 1), cut)
    ]


def in_fluent_bit(texts: Sequence[str], cut: int) -> list[str]:
    """Records of what a container runtime wrote."""
    return [
        json.dumps(
            {"date": 1.5, "stream": "stdout", "_p": "P" if at + cut < len(text) else "F", "log": text[at:][:cut]}
        )
        for text in texts
        for at in range(0, max(len(text), 1), cut)
    ]


def in_files_of_fluent_bit(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [f'kube.app: [1790812800.000000000, {{"log":{json.dumps(text)},"stream":"stdout"}}]' for text in texts]


def in_journal(texts: Sequence[str], cut: int) -> list[str]:
    """Entries of the journal, split as long lines are."""
    return [
        json.dumps(
            {"__CURSOR": "s=1", "_STREAM_ID": "a", "MESSAGE": text[at:][:cut]}
            | ({"_LINE_BREAK": "line-max"} if at + cut < len(text) else {})
        )
        for text in texts
        for at in range(0, max(len(text), 1), cut)
    ]


def in_parts(text: str, cut: int) -> list[tuple[str, bool]]:
    """Return the parts of a line, each with whether it goes on."""
    return [(text[at:][:cut], at + cut < len(text)) for at in range(0, max(len(text), 1), cut)]


def in_containers_of_a_journal(texts: Sequence[str], cut: int) -> list[str]:
    """Entries of Docker's daemon, which are all of one process, or of conmon; of two containers in turn."""
    lines = [
        [
            {"__CURSOR": "s=1", "_PID": "7", "CONTAINER_ID_FULL": str(at % 2), "PRIORITY": "6", "MESSAGE": part}
            | ({"CONTAINER_PARTIAL_MESSAGE": "true"} if goes_on else {})
            for part, goes_on in in_parts(text, cut)
        ]
        for at, text in enumerate(texts)
    ]
    return [json.dumps(entry) for entry in in_turns(lines)]


def sent_by_docker(texts: Sequence[str], cut: int) -> list[dict[str, str]]:
    """Records of Docker's driver for Fluentd, of two containers in turn; the last part is one too."""
    lines = [
        [
            {"container_id": str(at % 2), "container_name": "/gateway", "source": "stdout", "log": part}
            | ({"partial_message": "true", "partial_last": json.dumps(not goes_on)} if cut < len(text) else {})
            for part, goes_on in in_parts(text, cut)
        ]
        for at, text in enumerate(texts)
    ]
    return in_turns(lines)


def in_turns(lines: Sequence[list[dict[str, str]]]) -> list[dict[str, str]]:
    """Return the parts of lines, those of the first two in turn."""
    turns = [part for parts in zip_longest(*lines[:2]) for part in parts if part is not None]
    return [*turns, *(part for line in lines[2:] for part in line)]


def in_records_that_docker_sent_to_fluent_bit(texts: Sequence[str], cut: int) -> list[str]:
    return [json.dumps({"date": 1.5} | record) for record in sent_by_docker(texts, cut)]


def in_files_of_fluentd_that_docker_sent_to(texts: Sequence[str], cut: int) -> list[str]:
    return [f"2026-10-01T00:00:00+00:00\tdocker.1\t{json.dumps(record)}" for record in sent_by_docker(texts, cut)]


def in_an_export_of_what_docker_sent(texts: Sequence[str], cut: int) -> list[str]:
    return in_an_export_of_cloudwatch([json.dumps(record) for record in sent_by_docker(texts, cut)], 0)


def in_a_subscription_to_what_docker_sent(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return in_a_subscription_of_cloudwatch([json.dumps(each) for each in sent_by_docker(texts, 10**6)], 0)


def in_bytes_of_a_journal(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [json.dumps({"__REALTIME_TIMESTAMP": "1", "MESSAGE": list(text.encode())}) for text in texts]


def in_an_export_of_cloudwatch(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [f"2026-10-01T00:00:00.123Z {text}" for text in texts]


def in_a_subscription_of_cloudwatch(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    events = [{"id": str(at), "timestamp": 1790812800000, "message": text} for at, text in enumerate(texts)]
    return [json.dumps({"messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": events})]


def in_an_export_of_cloud_logging(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [
        json.dumps({"insertId": "x", "timestamp": "2026-10-01T00:00:00Z"} | payload)
        for text in texts
        for payload in [{"textPayload": text} if len(text) % 2 else {"jsonPayload": json.loads(text)}]
    ]


def in_an_export_of_insights(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [json.dumps([{"@timestamp": "2026-10-01 00:00:00.000", "@message": text, "@ptr": "x"} for text in texts])]


def in_an_array_of_records(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [json.dumps([{"date": 1.5, "log": text, "kubernetes": {}} for text in texts])]


def in_two_of_them(texts: Sequence[str], cut: int) -> list[str]:
    return in_cri(in_an_array_of_records(texts, cut), 400)


def in_syslog(texts: Sequence[str], cut: int) -> list[str]:
    """Lines of every way in which daemons write syslog."""
    del cut
    befores = [
        "<134>1 2026-10-01T00:00:00.123Z host gateway 12 - - ",
        '<134>1 - - gateway - ID47 [a@1 b="c \\" d" e=""][f@2] \ufeff',
        "<13>Oct  1 00:00:00 host gateway[12]: ",
        "Oct 11 00:00:00 host gateway: @cee: ",
        "2026-10-01T00:00:00.123456+02:00 host gateway[12]: @cee:",
        "2026-10-01T00:00:00.123456+00:00 app[web.1]: ",
    ]
    return [befores[at % len(befores)] + text for at, text in enumerate(texts)]


def behind(befores: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Return lines with what stands before them, a greeting of a program before all of them and between them."""
    said = ["INFO: started", *["listening on :4000, {all}"] * 10, *texts[:1], "GET /health 200", *texts[1:]]
    return [befores[at % len(befores)] + text for at, text in enumerate(said)]


NANOSECONDS = "2026-10-01T00:00:00.123456789Z"
REQUEST = "8f507cfc-4e2a-4697-b07a-ac58fc914c95"
BEFORE_LINES = {
    "kubectl": ["[pod/gateway-6c9d8f7b5d-x2k4q/app] ", f"[pod/gateway-0/app] {NANOSECONDS} "],
    "stern": ["gateway-6c9d8f7b5d-x2k4q app ", f"gateway-bcdfg app {NANOSECONDS} ", "gateway-0 app "],
    "stern of several namespaces": ["prod gateway-6c9d8f7b5d-x2k4q app ", "test gateway-0 app "],
    "stern with instants": [f"gateway-0 app {NANOSECONDS} "],
    "Compose": ["gateway-1  | ", f"my_app-12 | {NANOSECONDS} "],
    "Swarm": ["gateway.1.x7k2p9q8r5s4@node    | ", f"{NANOSECONDS} gateway.12@node.example    | "],
    "instants": [f"{NANOSECONDS} ", "2026-10-01T00:00:00.123456789+02:00 "],
    "instants of Podman": [f"{NANOSECONDS} ", "2026-10-01T00:00:00.12+02:00 ", "2026-10-01T00:00:00Z "],
    "PM2": ["0|gateway  | ", "12|@acme/worker | "],
    "Fly": [
        "2026-10-01T00:00:00Z app[d8d9112b5d4e08] fra [info] ",
        "\x1b[2m2026-10-01T00:00:00Z\x1b[0m app[d8d9112b5d4e08] \x1b[32mfra\x1b[0m [\x1b[34minfo\x1b[0m]",
    ],
    "CloudWatch": ["2026-10-01T00:00:00.123Z "],
    "aws logs tail": [
        f"2026-10-01T00:00:00.123000+00:00 gateway/app/{'0123456789abcdef' * 2} ",
        f"2026-10-01T00:00:00+00:00 2026/10/01/[$LATEST]{'0123456789abcdef' * 2} ",
    ],
    "Lambda": [f"2026-10-01T00:00:00.123Z\t{REQUEST}\tINFO\t"],
    "Lambda in CloudWatch": [f"2026-10-01T00:00:00.200Z 2026-10-01T00:00:00.123Z\t{REQUEST}\tINFO\t"],
    "syslog": ["Oct  1 00:00:00 host gateway[12]: "],
    "syslog by octets": ["412 <134>1 2026-10-01T00:00:00.123Z host gateway 12 - - "],
    "journalctl": [
        "Oct 01 00:00:00.123456 host gateway[12]: ",
        "2026-10-01T00:00:00+0000 host gateway[12]: ",
        "2026-10-01T00:00:00.123456+00:00 host gateway[12]: ",
        "Thu 2026-10-01 00:00:00 UTC host gateway[12]: ",
        "Thu 2026-10-01 00:00:00.123456 CEST host gateway[12]: ",
        "1790812800.123456 host gateway[12]: ",
    ],
    "Heroku": ["2026-10-01T00:00:00.123456+00:00 app[web.1]: "],
}
"""What is put before lines, by what puts it there."""


def in_files_of_fluentd(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [f"2026-10-01T00:00:00+00:00\tgateway.log\t{text}" for text in texts]


def in_logs_of_compose(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [
        f"gateway-1  | {'2026-10-01T00:00:00.123456789Z ' if at % 2 else ''}{text}" for at, text in enumerate(texts)
    ]


def in_colours_of_compose(texts: Sequence[str], cut: int) -> list[str]:
    return [f"\x1b[36m{line[:13]}\x1b[0m{line[13:]}" for line in in_logs_of_compose(texts, cut)]


def in_colours_of_pm2(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [f"\x1b[32m0|gateway  | \x1b[39m{text}" for text in texts]


def in_what_logcli_writes(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [json.dumps({"labels": {"app": "gateway"}, "line": text, "timestamp": AT}) for text in texts]


def in_docker_s_files_that_fluent_bit_read(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    entries = [json.dumps({"log": f"{text}\n", "stream": "stdout", "time": AT}) for text in texts]
    return [json.dumps({"date": 1.5, "log": entry}) for entry in entries]


def in_events_for_splunk(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    kinds: list[dict[str, Any]] = [{"event": json.loads(texts[0])}, *({"event": text} for text in texts[1:])]
    return [json.dumps({"time": 1.5, "host": "h", "sourcetype": "_json"} | kind) for kind in kinds]


def in_an_export_of_splunk(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [json.dumps({"_raw": text, "_time": AT, "sourcetype": "_json"}) for text in texts]


def in_a_dump_of_elasticsearch(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [json.dumps({"_index": "logs", "_id": "x", "_source": json.loads(text)}) for text in texts]


def in_parts_in_a_dump_of_elasticsearch(texts: Sequence[str], cut: int) -> list[str]:
    numbers: dict[str, int] = {}
    dump = []
    for at, record in enumerate(sent_by_docker(texts, cut)):
        if "partial_message" in record:
            line = record["container_id"]
            numbers[line] = numbers.get(line, 0) + 1
            name = f"{line} {numbers.get(f'lines of {line}', 0)}"
            record |= {"partial_id": name, "partial_ordinal": str(numbers[line])}
            if record["partial_last"] == "true":
                numbers |= {line: 0, f"lines of {line}": numbers.get(f"lines of {line}", 0) + 1}
        dump.append(json.dumps({"_index": "logs", "_id": str(at), "_source": record}))
    return dump


def in_an_answer_of_elasticsearch(texts: Sequence[str], cut: int) -> list[str]:
    found = [json.loads(line) for line in in_a_dump_of_elasticsearch(texts, cut)]
    return [json.dumps({"took": 5, "hits": {"total": {"value": len(found)}, "hits": found}})]


def in_what_stern_writes(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    pod = {"nodeName": "n", "namespace": "prod", "podName": "gateway-0", "containerName": "app"}
    messages: list[Any] = [json.loads(texts[0]), *texts[1:]]
    return [json.dumps({"message": message} | pod) for message in messages]


def in_what_fly_writes(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    meta = {"instance": "d8", "region": "fra", "event": {"provider": "app"}}
    return [
        json.dumps({"level": "info", "instance": "d8", "message": text, "region": "fra", "timestamp": AT, "meta": meta})
        for text in texts
    ]


def in_answers_of_loki(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    values = [[str(1_790_812_800_000_000_000 + at), text] for at, text in enumerate(texts)]
    values[0] = [*values[0], {"structuredMetadata": {"pod": "x"}}]
    streams = [{"stream": {"app": "gateway"}, "values": values[:2]}, {"stream": {}, "values": values[2:]}]
    answer = {"status": "success", "data": {"resultType": "streams", "result": streams[:1], "stats": {}}}
    return [json.dumps(answer), json.dumps({"streams": streams[1:]})]


def in_what_workers_log(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    logs: list[Any] = [{"message": ["starting"], "level": "log"}, {"message": [json.loads(texts[0])], "level": "log"}]
    tail = {"outcome": "ok", "scriptName": "gateway", "exceptions": [], "logs": logs, "eventTimestamp": 1}
    pushed = [{"Level": "log", "Message": [text], "TimestampMs": 1} for text in texts[1:]]
    return [json.dumps(tail), json.dumps({"Outcome": "ok", "ScriptName": "gateway", "Logs": pushed, "Event": {}})]


def in_tables_of_azure(texts: Sequence[str], cut: int) -> list[str]:
    """Rows of each table that has what containers wrote."""
    del cut
    kinds: list[dict[str, Any]] = [
        {"Log_s": texts[0], "ContainerAppName_s": "gateway", "Type": "ContainerAppConsoleLogs_CL"},
        {"LogMessage": texts[1] if len(texts) > 1 else "", "LogSource": "stdout", "PodName": "gateway-0"},
        *({"LogMessage": json.loads(text), "LogSource": "stdout"} for text in texts[2:]),
    ]
    return [json.dumps({"TimeGenerated": AT} | kind) for kind in kinds]


def in_older_tables_of_azure(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    return [json.dumps({"LogEntry": text, "LogEntrySource": "stdout", "ContainerID": "x"}) for text in texts]


def in_resource_logs_of_azure(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    records = [
        {"time": AT, "resourceId": "/S", "category": "ContainerAppConsoleLogs", "properties": {"Log": text, "X": "y"}}
        for text in texts
    ]
    return [json.dumps(records[0]), json.dumps({"records": records[1:]})] if texts[1:] else [json.dumps(records[0])]


def in_an_answer_of_log_analytics(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    columns = [{"name": name, "type": "string"} for name in ("TimeGenerated", "Log_s", "ContainerAppName_s")]
    rows = [[AT, text, "gateway"] for text in texts]
    return [json.dumps({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]})]


def in_an_answer_of_insights(texts: Sequence[str], cut: int) -> list[str]:
    del cut
    rows = [[{"field": "@timestamp", "value": AT}, {"field": "@message", "value": text}] for text in texts]
    return [json.dumps({"results": rows, "statistics": {}, "status": "Complete"})]


def in_a_subscription_to_what_lambda_wrote(texts: Sequence[str], cut: int) -> list[str]:
    said = [f"2026-10-01T00:00:00.123Z\t{REQUEST}\tINFO\t{text}\n" for text in texts]
    return in_a_subscription_of_cloudwatch(["START RequestId: x\n", *said], cut)


WRAPPINGS = [
    in_an_answer_of_elasticsearch,
    *(in_parts_in_a_dump_of_elasticsearch, in_what_stern_writes, in_what_fly_writes, in_answers_of_loki),
    *(in_what_workers_log, in_tables_of_azure, in_older_tables_of_azure, in_resource_logs_of_azure),
    *(in_an_answer_of_log_analytics, in_an_answer_of_insights, in_a_subscription_to_what_lambda_wrote),
    *(in_cri, in_fluent_bit, in_files_of_fluent_bit, in_journal, in_bytes_of_a_journal, in_an_export_of_cloudwatch),
    *(in_a_subscription_of_cloudwatch, in_an_array_of_records, in_two_of_them, in_containers_of_a_journal),
    *(in_records_that_docker_sent_to_fluent_bit, in_files_of_fluentd_that_docker_sent_to),
    *(in_an_export_of_what_docker_sent, in_a_subscription_to_what_docker_sent),
    *(in_an_export_of_cloud_logging, in_an_export_of_insights, in_syslog, in_files_of_fluentd, in_logs_of_compose),
    *(in_colours_of_compose, in_colours_of_pm2),
    *(
        in_docker_s_files_that_fluent_bit_read,
        in_what_logcli_writes,
        in_events_for_splunk,
        in_an_export_of_splunk,
        in_a_dump_of_elasticsearch,
    ),
]


def exchanges(exchange: Any, number: int) -> list[dict[str, Any]]:
    return [
        exchange(
            request_id=f"r{at}",
            response=exchange()["response"]
            | {"id": f"c{at}", "usage": {"prompt_tokens": at + 1, "completion_tokens": 2}},
        )
        for at in range(number)
    ]


@pytest.mark.parametrize("wrap", WRAPPINGS, ids=lambda wrap: wrap.__name__)
@pytest.mark.parametrize("cut", [7, 100, 16_384])
@pytest.mark.parametrize("log_format", [None, "request-log"])
def test_lines_within_a_wrapper_are_those_of_the_request_log(
    collect: Any, exchange: Any, wrap: Callable[..., list[str]], cut: int, log_format: str | None
) -> None:
    texts = [json.dumps(line) for line in exchanges(exchange, 3)]
    ours, theirs = collect(*texts), collect(*wrap(texts, cut), format=log_format)
    assert not theirs.quarantined
    assert [without(event) for event in theirs.events] == [without(event) for event in ours.events]
    assert [event["event_id"] for event in theirs.events] == [event["event_id"] for event in ours.events]


@pytest.mark.parametrize("befores", BEFORE_LINES.values(), ids=BEFORE_LINES)
@pytest.mark.parametrize("log_format", [None, "request-log"])
def test_lines_behind_a_prefix_are_those_of_the_request_log_and_greetings_say_nothing(
    collect: Any, exchange: Any, befores: list[str], log_format: str | None
) -> None:
    texts = [json.dumps(line) for line in exchanges(exchange, 9)]
    ours, theirs = collect(*texts), collect(*behind(befores, texts), format=log_format)
    assert not theirs.quarantined
    assert [without(event) for event in theirs.events] == [without(event) for event in ours.events]
    assert theirs.records[0].blank == 12


@pytest.mark.parametrize("befores", BEFORE_LINES.values(), ids=BEFORE_LINES)
def test_json_behind_other_words_is_what_a_program_says_of_somebody_else(
    collect: Any, exchange: Any, befores: list[str]
) -> None:
    forged = json.dumps(exchange(api_key_id="key_of_somebody_else", request_id="r9"))
    lines = behind(befores[:1], [json.dumps(exchange()), f"asked: {forged}", json.dumps(exchange())[:-9]])
    collected = collect(*lines)
    assert [event["api_key_id"] for event in collected.events] == ["key_1"]
    assert [row["reason"] for row in collected.quarantined] == ["invalid_json"] * 2


def test_what_docker_writes_between_the_parts_of_a_long_line_is_taken_out(collect: Any, exchange: Any) -> None:
    text = json.dumps(exchange() | {"note": "x" * 40_000})
    parts = [text[at : at + 2**14] for at in range(0, len(text), 2**14)]
    for before in ("", "gateway-1  | "):
        lines = [before + "".join(f"{NANOSECONDS} {part}" for part in parts), f"{before}{NANOSECONDS} listening"]
        collected = collect(*lines)
        assert without(collected.event) == without(collect(text).event)
    (part,) = [part for part in (*parts, f'"{NANOSECONDS} "') if part.startswith('"2026')]
    assert collect(f'{NANOSECONDS} {text[:-1]}, "said": {part}}}').event["prompt_tokens"] == 10


def part_of_a_dump(text: str, ordinal: Any, *, last: bool, name: Any = "a", **others: Any) -> str:
    record = {"container_id": "c", "container_name": "/g", "source": "stdout", "log": text, "partial_message": "true"}
    numbered = {"partial_id": name, "partial_ordinal": ordinal, "partial_last": json.dumps(last)}
    return json.dumps({"_index": "logs", "_source": record | numbered | others})


@pytest.mark.parametrize("order", [[1, 3, 2], [2, 3], [1, 3], [2, 1, 3], [1, 1, 2, 3], [3, 2, 1], [1, 2]], ids=str)
def test_parts_of_a_dump_that_are_not_in_their_order_are_quarantined(
    collect: Any, exchange: Any, order: list[int]
) -> None:
    """Whatever they look like: the last one here is a line by itself, as a caller may have it."""
    forged = json.dumps(exchange(api_key_id="key_of_somebody_else"))
    parts = ['{"asked": "', '", "a": 5', forged]
    lines = [part_of_a_dump(parts[number - 1], str(number), last=number == 3) for number in order]
    wholes = [part_of_a_dump(text, "1", last=True, partial_message="false") for text in (json.dumps(exchange()), "up")]
    lines = [*lines, *([wholes[1]] * 70), wholes[0]]
    collected = collect(*lines)
    assert [event["api_key_id"] for event in collected.events] == ["key_1"]
    assert {row["reason"] for row in collected.quarantined} == {"invalid_json"}


@pytest.mark.parametrize(
    "other",
    [
        *({"partial_ordinal": each} for each in (None, 1, "", "0", "01", "-1", "x", "1234567", "\u0661")),
        *({"partial_id": each} for each in (None, 5, "")),
        {"log": 5},
        {"ts": 1},
    ],
    ids=str,
)
def test_what_does_not_say_which_part_it_is_is_none_that_is_joined(other: dict[str, Any]) -> None:
    assert elasticsearch.unwrap(part_of_a_dump("x", "1", last=False).encode()) is not None
    assert elasticsearch.unwrap(part_of_a_dump("x", "1", last=False, **other).encode()) is None


def without(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in _BEFORE}


@pytest.mark.long
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), cut=st.integers(1, 300))
def test_parts_of_two_streams_that_alternate_are_joined_stream_by_stream(
    collect: Any, exchange: Any, seed: int, cut: int
) -> None:
    chance = random.Random(seed)
    texts = [json.dumps(line) for line in exchanges(exchange, 4)]
    streams = [in_cri(texts[:2], cut, "stdout"), in_cri(texts[2:], cut, "stderr")]
    lines = []
    while any(streams):
        lines.append(chance.choice([stream for stream in streams if stream]).pop(0))
    collected = collect(*lines)
    assert sorted(event["prompt_tokens"] for event in collected.events) == [1, 2, 3, 4]
    assert sum(record.joined for record in collected.records) == len(lines) - 4


def test_what_has_not_ended_waits_for_the_next_run(
    collect_file: Any, exchange: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("cri") / "app.log"
    lines = in_cri([json.dumps(line) for line in exchanges(exchange, 2)], 100)
    log.write_text("".join(f"{line}\n" for line in lines[:-1]), encoding="utf-8")
    first = collect_file(log)
    assert [event["prompt_tokens"] for event in first.events] == [1]
    assert first.reading.pending_bytes
    log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    second = collect_file(log, known=first.records)
    assert [event["prompt_tokens"] for event in second.events] == [2]
    assert not second.quarantined


@pytest.mark.long
def test_a_line_of_another_format_is_found_within_a_wrapper_too(collect: Any) -> None:
    line = {
        "call_type": "acompletion",
        "startTime": 1_793_700_001,
        "status": "success",
        "metadata": {"user_api_key_hash": "key_a"},
        "response": {"choices": [{"message": {"content": "."}}], "usage": {"prompt_tokens": 4, "completion_tokens": 2}},
    }
    for wrap in WRAPPINGS:
        assert collect(*wrap([json.dumps(line)], 50)).event["prompt_tokens"] == 4, wrap


def test_what_a_mapping_finds_in_the_outer_document_is_not_undone(collect: Any, exchange: Any) -> None:
    inner = exchange(ts=..., api_key_id=...)
    line = {"time": "2026-09-01T12:00:00Z", "key": "key_9", "message": json.dumps(inner)}
    fields = {"ts": "time", "api_key_id": "key"} | {name: f"message.{name}" for name in inner}
    event = collect(line, fields=fields).event
    assert (event["api_key_id"], event["prompt_tokens"]) == ("key_9", 10)


def test_a_line_of_the_request_log_is_never_taken_for_a_wrapper(collect: Any, exchange: Any) -> None:
    text = json.dumps(exchange(api_key_id="key_other"))
    for name in ("log", "message", "MESSAGE", "jsonPayload"):
        extra = {name: text, "date": 1.5, "__CURSOR": "x", "time": "t"}
        assert collect(exchange() | extra).event["api_key_id"] == "key_1", name


@pytest.mark.parametrize(
    "line",
    [
        *(
            b"INFO request {}",
            b"info request-1 {}",
            b"gateway-0 app {}",
            b"a gateway-0 app {}",
            b"gateway-abcde app {}",
        ),
        *(
            b"[pod/gateway-0] {}",
            b"[pod/a/b]{}",
            b"[POD/a/b] {}",
            b"0|a {}",
            b"x|a | {}",
            b"0|a| {}",
            b"200|chat | {}",
            b"gateway.x@n | {}",
        ),
        *(b"2026-10-01T00:00:00Z {}", b"2026-10-01T00:00:00.123456Z {}", b"2026-10-01T00:00:00 {}"),
        *(b"2026-10-01T00:00:00.123456+00:00 stream {}", b"2026-10-01T00:00:00Z app[x] fra [info] {}"),
        *(b"2026-10-01T00:00:00.123Z\trequest\tINFO\t{}", b"2026-10-01T00:00:00.123Z\tINFO\t{}"),
        *(
            b"1790812800.123456 host gateway: {}",
            b"Thu 2026-10-01 00:00:00 UTC host gateway: {}",
            b"0 <1>1 - - - - - - {}",
        ),
        *(b"gateway-1  | [INFO] x", b"2026-10-01T00:00:00.123Z [1", b"2026-10-01T00:00:00.123Z {x"),
        b"2026-10-01 00:00:00 stdout F x",
        b"2026-10-01T00:00:00Z stdin F x",
        b"2026-10-01T00:00:00Z stdout Q x",
        b"2026-10-01T00:00:00.123Z said something",
        b'{"log": "x"}',
        b'{"log": 5, "date": 1}',
        b'{"log": "\xff", "date": 1}',
        b'{"date": 1, "log": "x", "ts": 5}',
        b'{"container_id": "c", "container_name": "/g", "source": "stdout", "log": "x", "ts": 5}',
        b'{"container_id": "c", "container_name": "/g", "source": "stdout", "log": 5}',
        b'{"container_id": "c", "container_name": "/g", "log": "x"}',
        b'{"MESSAGE": "x"}',
        b'{"MESSAGE": null, "__CURSOR": "x"}',
        b'{"MESSAGE": [1, 256], "__CURSOR": "x"}',
        b'{"MESSAGE": "x", "__CURSOR"',
        b"[1, 2]",
        b"",
        *(b"2026-10-01T00:00:00Z " + said + b": {}" for said in (b"ERROR", b"DEBUG request", b"host gateway")),
        *(b"Oct  1 00:00:00 " + said for said in (b"ERROR: {}", b"host: {}")),
        b"request | {}",
        b"gateway-1  | got {}",
        *(b"2026-10-01T00:00:00+00:00\t" + level + b"\t{}" for level in (b"INFO", b"error")),
        b"2026-10-01T00:00:00+00:00\tgateway\tgot {}",
    ],
)
def test_what_no_logger_writes_is_no_wrapper(line: bytes) -> None:
    assert [wrapper.name for wrapper in WRAPPERS if wrapper.knows(line)] == []


@pytest.mark.parametrize("wrap", [in_an_export_of_cloudwatch, in_syslog, in_logs_of_compose, in_cri])
@pytest.mark.parametrize("others", [1, 40])
def test_texts_of_others_before_and_between_lines_say_nothing(
    collect: Any, exchange: Any, wrap: Callable[..., list[str]], others: int
) -> None:
    first, *rest = (json.dumps(line) for line in exchanges(exchange, 3))
    texts = ["INFO started"] * others + ["", first, "Traceback (most recent call last):", *rest, "stopped"]
    collected = collect(*wrap(texts, 100_000))
    assert [event["prompt_tokens"] for event in collected.events] == [1, 2, 3]
    assert not collected.quarantined


@pytest.mark.parametrize(
    "before",
    [
        "Oct  1 00:00:00 host cron[7]: ",
        "<13>1 2026-10-01T00:00:00Z host cron 7 - - ",
        "2026-10-01T00:00:00+00:00 host cron[7]: ",
    ],
)
def test_syslog_is_known_by_any_daemon_s_lines_however_many(collect: Any, exchange: Any, before: str) -> None:
    (line,) = exchanges(exchange, 1)
    collected = collect(*[f"{before}ran the job of the hour"] * 2000, before + json.dumps(line))
    assert (collected.event["prompt_tokens"], collected.quarantined) == (1, [])


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"Oct  1 00:00:00 host gateway[12]: got {}", syslog.NAME),
        (b"<134>1 2026-10-01T00:00:00Z host gateway 12 - - got {}", syslog.NAME),
        (b"2026-10-01T00:00:00.5+02:00 stderr P:x ", cri.NAME),
        (b"2026-10-01T00:00:00.123Z {}", cloudwatch.NAME),
        (b"[pod/a-0/b] {}", commands.NAME),
        (b'a.b: [[1790812800.5, {}], {"ts": 1}]', fluent_bit.NAME),
        (b'{"MESSAGE": "x", "_BOOT_ID": "y"}', journald.NAME),
    ],
)
def test_a_wrapper_is_known_by_a_line_of_it(line: bytes, name: str) -> None:
    found = wrapper_of(line + b"\n")
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("document", "held"),
    [
        ({}, None),
        ({"message": '{"ts": 1}', "timestamp": 1, "id": "x"}, None),
        ({"log": '[{"ts": 1}]', "date": 1}, [[{"ts": 1}]]),
        ({"log": "started", "date": 1}, []),
        ({"log": {"ts": 1}, "date": 1}, None),
        ({"log": '{"ts": 1}', "level": 1}, None),
        ({"jsonPayload": {"ts": 1}, "insertId": "x"}, [{"ts": 1}]),
        ({"jsonPayload": '{"ts": 1}', "insertId": "x"}, None),
        ({"logEvents": []}, None),
        ({"logEvents": [], "logGroup": "x"}, []),
        ({"events": [{"message": '{"ts": 1}'}]}, None),
        ({"events": [{"message": '{"ts": 1}'}, 5, {"message": 5}], "searchedLogStreams": []}, [{"ts": 1}]),
        ({"message": "x", "podName": "p"}, None),
        ({"message": '{"ts": 1}', "podName": "p", "containerName": "c", "level": "info"}, None),
        ({"message": 5, "podName": "p", "containerName": "c"}, None),
        ({"message": '{"ts": 1}', "instance": "i", "region": "r", "meta": {"event": {}}}, None),
        ({"message": '{"ts": 1}', "region": "r", "meta": {"event": {"provider": "app"}}}, None),
        ({"Log_s": '{"ts": 1}', "Level": "x"}, None),
        ({"LogMessage": '{"ts": 1}', "PodName": "x"}, None),
        ({"category": "GatewayLogs", "properties": {"Log": '{"ts": 1}'}}, None),
        ({"category": "ContainerAppConsoleLogs", "properties": {"Log": {"ts": 1}}}, None),
        ({"records": []}, None),
        ({"records": [{"category": "ContainerAppConsoleLogs"}, {"category": "GatewayLogs"}]}, None),
        ({"logs": [{"message": ['{"ts": 1}']}]}, None),
        ({"logs": [{"message": ['{"ts": 1}', ""]}, {"message": "up"}, 5], "scriptName": "x"}, "refused"),
        ({"logs": [{"message": ["asked", "x"]}, {"message": []}, {"message": [5]}], "scriptName": "x"}, []),
        ({"data": {"resultType": "matrix", "result": []}}, None),
        ({"data": {"resultType": "streams", "result": []}}, []),
        ({"data": {"resultType": "streams", "result": [{"stream": {}, "values": [["1", "up"]]}]}}, []),
        *(
            ({"streams": streams}, None)
            for streams in (
                *([], [5], [{"values": []}], [{"stream": {}, "values": 5}], [{"stream": {}, "values": [["1"]]}]),
                *([{"stream": {}, "values": [["1", 5]]}], [{"stream": {}, "values": [5]}]),
            )
        ),
        ({"streams": [{"stream": {}, "values": [["1", '{"ts": 1}']]}], "level": "info"}, None),
        ({"results": [], "status": "Complete"}, None),
        (
            {"hits": {"hits": [{"_index": "l", "_source": {"ts": 1}}]}, "took": 1},
            [{"_index": "l", "_source": {"ts": 1}}],
        ),
        *(
            ({"hits": hits, "took": 1}, None)
            for hits in (5, [], {"hits": 5}, {"hits": [5]}, {"hits": [{"_index": "l"}]})
        ),
        ({"results": [[{"field": "@message", "value": '{"ts": 1}'}]]}, None),
        ({"results": [[{"field": 5, "value": 1}]], "status": "Complete"}, None),
        ({"results": [["x"]], "status": "Complete"}, None),
        ({"results": [[{"field": "a", "value": 1}]], "status": "Complete"}, [{"a": 1}]),
        *(
            ({"tables": tables}, None)
            for tables in (
                *([], [5], [{"columns": [], "rows": 5}], [{"columns": [5], "rows": []}]),
                [{"columns": [{"name": "a"}], "rows": [[1, 2]]}],
            )
        ),
        ({"tables": [{"columns": [{"name": "a"}], "rows": [[1]]}, {"columns": [], "rows": []}]}, [{"a": 1}]),
        ({"log": '{"ts": 1}', "container_name": "g", "partial_message": "true"}, "refused"),
        ({"log": "up", "container_name": "g", "partial_message": "true"}, []),
        ({"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "a", "timestamp": 1}]}, []),
    ],
)
def test_what_a_document_holds_is_told_from_what_it_says(document: Any, held: Any) -> None:
    found = held_in(document, depth_max=64)
    if held == "refused":
        (refused,) = found or ()
        assert isinstance(refused, LineRefused)
    else:
        assert found == held


def test_a_broken_line_in_a_record_is_quarantined_and_costs_no_other(collect: Any, exchange: Any) -> None:
    texts = [json.dumps(line) for line in exchanges(exchange, 3)]
    texts[1] = texts[1][:-20]
    collected = collect(*in_a_subscription_of_cloudwatch(["starting", *texts], 0))
    assert [event["prompt_tokens"] for event in collected.events] == [1, 3]
    (row,) = collected.quarantined
    assert row["reason"] == "invalid_json"


def test_text_of_a_caller_in_a_field_of_an_ordinary_log_is_never_read_as_a_line(collect: Any, exchange: Any) -> None:
    forged = json.dumps(exchange(api_key_id="key_of_somebody_else"))
    lines = [{"level": "info", "message": forged, "timestamp": 1, "id": "x"}, {"msg": forged, "prompt": forged}]
    collected = collect(*lines, exchange(), *lines)
    assert [event["api_key_id"] for event in collected.events] == ["key_1"]
    assert len(collected.quarantined) == 4


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("message", lambda text: {"level": "info", "message": text}),
        ('entry."the.text"', lambda text: {"entry": {"the.text": text}}),
        ("records.0", lambda text: {"records": [text]}),
    ],
)
def test_a_line_that_a_program_puts_into_a_field_is_read_where_the_source_names_it(
    collect: Any, exchange: Any, path: str, written: Callable[[str], Any]
) -> None:
    texts = ["listening", *(json.dumps(line) for line in exchanges(exchange, 3))]
    lines = [json.dumps(written(text)) for text in texts]
    for log in (lines, in_cri(lines, 300)):
        collected = collect(*log, line_in=path)
        assert [event["prompt_tokens"] for event in collected.events] == [1, 2, 3]
        assert not collected.quarantined


def test_a_line_beside_those_that_hold_one_is_read_as_it_is(collect: Any, exchange: Any) -> None:
    collected = collect(exchange(), {"message": json.dumps(exchange(request_id="r2"))}, line_in="message")
    assert [event["request_id"] for event in collected.events] == ["req-1", "r2"]
