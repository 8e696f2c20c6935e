"""Logs of each API family, read by Tallybook and by ``json.loads``: ``python -m benchmarks.families --size 32MB``.

For each family a log of bodies as its API documents them is written, whole and as streams of 40 events; texts, ids,
instants and counts differ from line to line. The contender is what one writes first for that family: ``json.loads``
of the line and, of a stream, of every event, and seven fields of it. Both read the log in one process, in turns, after
each has read it once; ratios are made of CPU seconds within a turn, on one thread. With ``--within docker`` the log is
that of a container, and both take off what its logger puts around lines. Prints a table; exit code 1 where the two do
not find the same rows. Owns the bodies and where their fields are.
"""

from __future__ import annotations

import json
import random
import sys
import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import pyarrow as pa

from benchmarks.inputs.generate import number_of
from benchmarks.turns.measure import scratch_option
from pipeline.collectors import LogFormat, read_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

Row = tuple[str | None, str, int, int, int, str, str]
"""Id of the response, key, status, prompt tokens, completion tokens, model and day."""

_WORDS = ("rain", "thaw", "gravel", "lantern", "willow", "ledger", "harbour", "copper", "drift", "meadow")
_EVENTS = 40
_KEPT = "families.json"
_PART_BYTES = 2**14
"""Loggers of containers split what is longer."""


class Family(NamedTuple):
    """One API, as it is used in one way."""

    path: str
    body: Callable[[random.Random], Any]
    """Makes what was logged as the response: a document, or a transcript of server-sent events."""
    response_id: tuple[str, ...]
    model: tuple[str, ...]
    prompt: tuple[tuple[str, ...], ...]
    """Where counts are that make the prompt together."""
    completion: tuple[tuple[str, ...], ...]


def _text(chance: random.Random, words: int = 60) -> str:
    return " ".join(chance.choices(_WORDS, k=words)) + ' "so", he said.\n'


def _id(chance: random.Random, prefix: str) -> str:
    return f"{prefix}{chance.getrandbits(96):024x}"


def _sse(events: list[dict[str, Any]], *, named: bool) -> str:
    names = (f"event: {event['type']}\n" if named else "" for event in events)
    return "".join(f"{name}data: {json.dumps(event)}\n\n" for name, event in zip(names, events, strict=True))


def _anthropic(chance: random.Random) -> Any:
    return {
        "id": _id(chance, "msg_"),
        "type": "message",
        "role": "assistant",
        "model": "opus-4-5",
        "content": [{"type": "text", "text": _text(chance)}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": chance.randrange(1, 9000),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": chance.randrange(1, 900),
            "service_tier": "standard",
        },
    }


def _anthropic_stream(chance: random.Random) -> Any:
    message = _anthropic(chance)
    message["content"], usage = [], message["usage"]
    begins = {"type": "message_start", "message": {**message, "usage": {**usage, "output_tokens": 1}}}
    deltas = [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": f" {chance.choice(_WORDS)}"},
        }
        for _ in range(_EVENTS)
    ]
    ends = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": usage["output_tokens"]},
    }
    return _sse([begins, *deltas, ends, {"type": "message_stop"}], named=True)


def _gemini(chance: random.Random, text: str | None = None) -> Any:
    prompt, completion = chance.randrange(1, 9000), chance.randrange(1, 900)
    return {
        "candidates": [
            {
                "content": {"parts": [{"text": text or _text(chance)}], "role": "model"},
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": prompt,
            "candidatesTokenCount": completion,
            "totalTokenCount": prompt + completion,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        },
        "modelVersion": "gemini-3-pro",
        "responseId": _id(chance, ""),
    }


def _gemini_stream(chance: random.Random) -> Any:
    last = _gemini(chance, "the end")
    usage, prompt = last["usageMetadata"], last["usageMetadata"]["promptTokenCount"]
    chunks = []
    for number in range(_EVENTS):
        counts = {**usage, "candidatesTokenCount": number + 1, "totalTokenCount": prompt + number + 1}
        text = {"content": {"parts": [{"text": chance.choice(_WORDS)}], "role": "model"}, "index": 0}
        chunks.append({**last, "candidates": [text], "usageMetadata": counts})
    return _sse([*chunks, last], named=False)


def _responses(chance: random.Random) -> Any:
    prompt, completion = chance.randrange(1, 9000), chance.randrange(1, 900)
    return {
        "id": _id(chance, "resp_"),
        "object": "response",
        "created_at": 1_772_344_279,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": "gpt-5",
        "temperature": 1.0,
        "output": [
            {
                "id": _id(chance, "msg_"),
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "annotations": [], "text": _text(chance)}],
            }
        ],
        "usage": {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt + completion,
        },
    }


def _responses_stream(chance: random.Random) -> Any:
    response = _responses(chance)
    item = response["output"][0]["id"]
    deltas = [
        {
            "type": "response.output_text.delta",
            "item_id": item,
            "output_index": 0,
            "content_index": 0,
            "delta": f" {chance.choice(_WORDS)}",
            "obfuscation": _id(chance, "")[: chance.randrange(4, 16)],
        }
        for _ in range(_EVENTS)
    ]
    return _sse([*deltas, {"type": "response.completed", "response": response}], named=True)


def _cohere(chance: random.Random) -> Any:
    prompt, completion = chance.randrange(1, 9000), chance.randrange(1, 900)
    return {
        "id": _id(chance, "c14c"),
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": _text(chance)}]},
        "usage": {
            "billed_units": {"input_tokens": prompt, "output_tokens": completion},
            "tokens": {"input_tokens": prompt + 500, "output_tokens": completion},
        },
    }


def _ollama(chance: random.Random) -> Any:
    return {
        "model": "qwen3:8b",
        "created_at": "2026-03-01T06:51:19.123456Z",
        "message": {"role": "assistant", "content": _text(chance)},
        "done": True,
        "done_reason": "stop",
        "total_duration": chance.getrandbits(32),
        "load_duration": 3013701500,
        "prompt_eval_count": chance.randrange(1, 9000),
        "prompt_eval_duration": 1160282000,
        "eval_count": chance.randrange(1, 900),
        "eval_duration": chance.getrandbits(30),
    }


def _converse(chance: random.Random) -> Any:
    prompt, completion = chance.randrange(1, 9000), chance.randrange(1, 900)
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": _text(chance)}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": prompt, "outputTokens": completion, "totalTokens": prompt + completion},
        "metrics": {"latencyMs": chance.randrange(100, 9000)},
    }


def _embeddings(chance: random.Random) -> Any:
    prompt = chance.randrange(1, 9000)
    vector = [round(chance.uniform(-1, 1), 8) for _ in range(64)]
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": prompt, "total_tokens": prompt},
    }


_ANTHROPIC = (("usage", "input_tokens"),), (("usage", "output_tokens"),)
_GOOGLE = (("usageMetadata", "promptTokenCount"),), (("usageMetadata", "candidatesTokenCount"),)
_MODEL, _ID = ("model",), ("id",)
FAMILIES = {
    "anthropic": Family("/v1/messages", _anthropic, _ID, _MODEL, *_ANTHROPIC),
    "anthropic, streamed": Family("/v1/messages", _anthropic_stream, _ID, _MODEL, *_ANTHROPIC),
    "gemini": Family(
        "/v1beta/models/gemini-3-pro:generateContent", _gemini, ("responseId",), ("modelVersion",), *_GOOGLE
    ),
    "gemini, streamed": Family(
        *("/v1beta/models/gemini-3-pro:streamGenerateContent", _gemini_stream, ("responseId",), ("modelVersion",)),
        *_GOOGLE,
    ),
    "responses": Family("/v1/responses", _responses, _ID, _MODEL, *_ANTHROPIC),
    "responses, streamed": Family("/v1/responses", _responses_stream, _ID, _MODEL, *_ANTHROPIC),
    "cohere": Family(
        *("/v2/chat", _cohere, _ID, _MODEL),
        *((("usage", "billed_units", "input_tokens"),), (("usage", "billed_units", "output_tokens"),)),
    ),
    "ollama": Family("/api/chat", _ollama, _ID, _MODEL, (("prompt_eval_count",),), (("eval_count",),)),
    "converse": Family(
        *("/model/amazon.nova-pro-v1:0/converse", _converse, _ID, _MODEL),
        *((("usage", "inputTokens"),), (("usage", "outputTokens"),)),
    ),
    "embeddings": Family("/v1/embeddings", _embeddings, _ID, _MODEL, (("usage", "prompt_tokens"),), ()),
}


def _parts(line: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield what a logger writes of a line, and whether the line ends with it."""
    for at in range(0, len(line), _PART_BYTES):
        yield line[at : at + _PART_BYTES], at + _PART_BYTES >= len(line)


def _in_docker(line: bytes) -> bytes:
    beside = '"stream":"stdout","time":"2026-03-01T06:51:19.123456789Z"'
    logged = (json.dumps(part.decode() + "\n" * is_last) for part, is_last in _parts(line))
    return "".join(f'{{"log":{text},{beside}}}\n' for text in logged).encode()


def _out_of_docker(lines: Iterable[bytes]) -> Iterator[str]:
    begun = ""
    for line in lines:
        begun += json.loads(line)["log"]
        if begun.endswith("\n"):
            yield begun
            begun = ""


def _in_cri(line: bytes) -> bytes:
    before = b"2026-03-01T06:51:19.123456789Z stdout "
    return b"".join(before + (b"F " if is_last else b"P ") + part + b"\n" for part, is_last in _parts(line))


def _out_of_cri(lines: Iterable[bytes]) -> Iterator[bytes]:
    begun = b""
    for line in lines:
        _, _, tag, part = line.split(b" ", 3)
        begun += part[:-1]
        if tag == b"F":
            yield begun
            begun = b""


class Measured(NamedTuple):
    """What was measured of one family: microseconds of CPU a line, medians; ratios, each of one turn."""

    name: str
    bytes_a_line: int
    theirs: float
    ours: float
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """How many times as fast it was read: the median."""
        return median(self.ratios)

    @property
    def is_streamed(self) -> bool:
        """Whether its bodies are streams."""
        return self.name.endswith("streamed")


class Logger(NamedTuple):
    """What puts lines into a log."""

    puts: Callable[[bytes], bytes]
    """Returns what stands in the log for a line."""
    takes_out: Callable[[Iterable[bytes]], Iterable[bytes | str]]
    """Returns the lines that were put into a log, as one takes them out at first."""


LOGGERS = {
    "none": Logger(lambda line: line + b"\n", lambda lines: lines),
    "docker": Logger(_in_docker, _out_of_docker),
    "cri": Logger(_in_cri, _out_of_cri),
}


@click.command()
@click.option("--family", "names", multiple=True, type=click.Choice(tuple(FAMILIES)), default=tuple(FAMILIES))
@click.option("--within", type=click.Choice(tuple(LOGGERS)), default="none", show_default=True)
@click.option("--size", default="32MB", show_default=True, help="Size of each log.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
@scratch_option
def main(*, names: tuple[str, ...], within: str, size: str, rounds: int, scratch: Path) -> None:
    """Print a table: a family a row, how many times as fast as its json.loads reader it is read.

    What was measured of all families, in no container's log, is kept for docs/performance.md.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    measured, differing = [], 0
    logger = LOGGERS[within]
    for name in names:
        path = scratch / f"family-{name.replace(', ', '-')}-{within}-{size}.jsonl"
        if not path.exists():
            written(FAMILIES[name], path, number_of(size), logger)
        expected, found = by_json(FAMILIES[name], path, logger), rows_of(by_tallybook(path))
        turns = [
            (_seconds(partial(by_json, FAMILIES[name], path, logger)), _seconds(partial(by_tallybook, path)))
            for _ in range(rounds)
        ]
        theirs, ours = (median(each) / len(expected) * 1e6 for each in zip(*turns, strict=True))
        ratios = tuple(sorted(one / other for one, other in turns))
        measured.append(Measured(name, path.stat().st_size // len(expected), theirs, ours, ratios))
        if expected != found:
            differing += 1
            click.echo(f"{name}: rows differ", err=True)
    click.echo(table(measured), nl=False)
    if len(measured) == len(FAMILIES) and within == "none":
        (scratch / _KEPT).write_text(json.dumps(measured), encoding="utf-8")
    sys.exit(bool(differing))


def table(measured: Sequence[Measured]) -> str:
    """Return what was measured as a table, a family a row."""
    lines = [
        "| family | bytes a line | json.loads reader, µs a line | tallybook, µs a line | faster by (spread) |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, size, theirs, ours, ratios in measured:
        spread = f"{median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
        lines.append(f"| {name} | {size} | {theirs:.1f} | {ours:.2f} | {spread} |")
    return "\n".join(lines) + "\n"


def kept(scratch: Path) -> list[Measured]:
    """Return what was measured last of all families with a scratch folder."""
    path = scratch / _KEPT
    saved = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [Measured(*values, tuple(ratios)) for *values, ratios in saved]


def written(family: Family, path: Path, size: int, logger: Logger = LOGGERS["none"]) -> None:
    """Write a log of at least ``size`` bytes."""
    chance, bytes_so_far, number = random.Random(family.path), 0, 0
    with path.with_suffix(".part").open("wb") as file:
        while bytes_so_far < size:
            number += 1
            line = {
                "ts": f"2026-03-{number % 28 + 1:02}T06:51:{number % 60:02}Z",
                "request_id": _id(chance, "req_"),
                "api_key_id": f"key-{chance.randrange(20)}",
                "status": 200,
                "method": "POST",
                "path": family.path,
                "latency_ms": chance.randrange(100, 9000),
                "request": {"model": "asked", "messages": [{"role": "user", "content": _text(chance, 20)}]},
                "response": family.body(chance),
            }
            bytes_so_far += file.write(logger.puts(json.dumps(line).encode()))
    path.with_suffix(".part").rename(path)


def _seconds(read: Callable[[], object]) -> float:
    began = time.process_time()
    read()
    return time.process_time() - began


def by_json(family: Family, path: Path, logger: Logger = LOGGERS["none"]) -> list[Row]:
    """Return the rows of a log, read as one does at first."""
    rows = []
    with path.open("rb") as file:
        for raw in logger.takes_out(file):
            line = json.loads(raw)
            body = line["response"]
            fields: dict[tuple[str, ...], Any] = {}
            for document in [body] if isinstance(body, dict) else _events(body):
                for steps in (family.response_id, family.model, *family.prompt, *family.completion):
                    value = document
                    for step in steps:
                        value = value.get(step) if isinstance(value, dict) else None
                    if value is not None:
                        fields[steps] = value
            prompt, completion = (sum(fields[steps] for steps in where) for where in (family.prompt, family.completion))
            model, day = fields.get(family.model) or line["request"]["model"], line["ts"][:10]
            rows.append(
                (fields.get(family.response_id), line["api_key_id"], line["status"], prompt, completion, model, day)
            )
    return rows


def _events(transcript: str) -> Iterator[Any]:
    for event in transcript.split("\n\n"):
        for line in event.split("\n"):
            if line.startswith("data: "):
                document = json.loads(line[6:])
                held = document.get("response", document.get("message"))
                yield held if isinstance(held, dict) else document


def by_tallybook(path: Path) -> list[pa.Table]:
    """Return the events of a log, as they are committed to the lake."""
    return [each.coded for each in read_log(path, source="s", name="n", log_format=LogFormat(), fingerprint=str)]


def rows_of(tables: list[pa.Table]) -> list[Row]:
    """Return what the contender returns, of events."""
    events = pa.concat_tables(tables).to_pylist()
    return [
        (
            *(event["response_id"], event["api_key_id"], event["http_status"]),
            *(event["prompt_tokens"], event["completion_tokens"]),
            *(event["model_reported"] or event["model_requested"], event["occurred_at"].date().isoformat()),
        )
        for event in events
    ]


if __name__ == "__main__":
    main()
