"""Logs that are no request logs, read by Tallybook and by ``json.loads``: ``python -m benchmarks.formats --size 32MB``.

For each tool a log is written of a dozen documents as it writes them (``tests/support/lines/foreign_lines.py``), with
ids and instants that differ from line to line: such as are measured, as most lines of a log are, and no streams. Then
whole processes take turns: ``json.loads`` of every line with six fields of it, the plain reader, and ``tallybook
collect``'s way, each of them twice in its process. Prints a table of ratios by CPU seconds, of the first time, with
whatever is made and learned once, and of the second, and the share of lines that the kernel told. Owns the six fields.
Does not own the measuring (``measure``).
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from benchmarks.fuzz import support
from benchmarks.inputs.generate import number_of
from benchmarks.turns.measure import python, run, scratch_option
from pipeline.collectors import read_log
from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.logs.lines import Line
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.turns.measure import Run
    from pipeline.collectors import LogFormat

_FIELDS: dict[str, tuple[str, ...]] = {
    "litellm": (
        *("startTime", "metadata.user_api_key_hash", "litellm_call_id", "response.model"),
        *("prompt_tokens", "completion_tokens"),
    ),
    "litellm-spend": ("startTime", "api_key", "request_id", "model", "prompt_tokens", "completion_tokens"),
    "mapped": ("at", "who.key", "ids.call", "model.used", "counts.in", "counts.out"),
    "helicone": (
        *("request_created_at", "request_properties.api_key_id", "request_id", "response_model"),
        *("prompt_tokens", "completion_tokens"),
    ),
    "langfuse": ("startTime", "metadata.api_key_id", "id", "model", "usageDetails.input", "usageDetails.output"),
    "langsmith": (
        *("start_time", "extra.metadata.api_key_id", "id", "outputs.model"),
        *("outputs.usage_metadata.input_tokens", "outputs.usage_metadata.output_tokens"),
    ),
    "openai-batch": (
        *("response.body.created", "batch.metadata.api_key_id", "id", "response.body.model"),
        *("response.body.usage.prompt_tokens", "response.body.usage.completion_tokens"),
    ),
    "bedrock-batch": (
        *("batch.endTime", "modelInput.requestMetadata.api_key_id", "recordId", "batch.modelId"),
        *("modelOutput.usage.prompt_tokens", "modelOutput.usage.completion_tokens"),
    ),
    "gemini-batch": (
        *("batch.metadata.endTime", "key", "response.responseId", "response.modelVersion"),
        *("response.usageMetadata.promptTokenCount", "response.usageMetadata.candidatesTokenCount"),
    ),
    "vertex-batch": (
        *("processed_time", "request.labels.api_key_id", "response.responseId", "response.modelVersion"),
        *("response.usageMetadata.promptTokenCount", "response.usageMetadata.candidatesTokenCount"),
    ),
    "kong": (
        *("started_at", "consumer.id", "request.id", "ai.proxy.meta.response_model"),
        *("ai.proxy.usage.prompt_tokens", "ai.proxy.usage.completion_tokens"),
    ),
    "bedrock": (
        *("timestamp", "identity.arn", "requestId", "modelId"),
        *("input.inputTokenCount", "output.outputTokenCount"),
    ),
    "bifrost": (
        *("timestamp", "virtual_key_id", "id", "model", "token_usage.prompt_tokens", "token_usage.completion_tokens"),
    ),
    "databricks": (
        *("request_time", "requester", "databricks_request_id", "endpoint_name"),
        *("input_token_count", "output_token_count"),
    ),
    "portkey": ("created_at", "metadata", "id", "ai_model", "req_units", "res_units"),
    "portkey-log": (
        *("metrics.created_at", "metrics.api_key_id", "_id", "response.body.model"),
        *("metrics.req_units", "metrics.res_units"),
    ),
    "vertex": (
        *("logging_time", "full_request.labels.api_key_id", "request_id", "full_response.modelVersion"),
        *("full_response.usageMetadata.promptTokenCount", "full_response.usageMetadata.candidatesTokenCount"),
    ),
    "cloudflare": ("created_at", "metadata", "id", "model", "tokens_in", "tokens_out"),
    "envoy": ("start_time", "x-client-id", "x-request-id", "method", "response_code", "duration"),
    "apisix": (
        *("start_time", "consumer.username", "apisix_request_id", "llm_summary.model"),
        *("llm_summary.prompt_tokens", "llm_summary.completion_tokens"),
    ),
    "higress": ("start_time", "path", "request_id", "method", "response_code", "ai_log"),
    "otel": ("resourceSpans",),
    "agentgateway": (
        *("time", "api_key_id", "trace.id", "gen_ai.response.model"),
        *("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
    ),
    "braintrust": (
        *("metrics.start", "metadata.api_key_id", "span_id", "metadata.model"),
        *("metrics.prompt_tokens", "metrics.completion_tokens"),
    ),
    "opik": (
        *("start_time", "metadata.api_key_id", "id", "model"),
        *("usage.prompt_tokens", "usage.completion_tokens"),
    ),
    "weave": (
        *("started_at", "attributes.api_key_id", "id", "output.model"),
        *("output.usage.prompt_tokens", "output.usage.completion_tokens"),
    ),
    "nginx": ("msec", "api_key_id", "request_id", "status", "request_uri", "llm_usage"),
}
"""When, whose, which, by which model, and two counts; of ``otel`` and ``envoy`` less than a reader would need."""
_READERS = ("json.loads", "plain", "fast")
_TEMPLATES = 12
_ANSWERS = ("response", "response_body", "answer", "full_response")


@click.command()
@click.option("--kind", "kinds", multiple=True, type=click.Choice(tuple(_FIELDS)), default=tuple(_FIELDS))
@click.option("--size", default="32MB", show_default=True, help="Size of each log.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@scratch_option
@click.option("--read", nargs=2, type=(click.Choice(_READERS), click.Path(path_type=Path)), hidden=True)
def main(*, kinds: tuple[str, ...], size: str, rounds: int, scratch: Path, read: tuple[str, Path] | None) -> None:
    """Print a table: a log a row, how many times as fast as ``json.loads`` it is read."""
    if read is not None:
        _say(kinds[0], *read)
        return
    scratch.mkdir(parents=True, exist_ok=True)
    click.echo("| log | bytes a line | told | json.loads, µs a line | read plainly | first time | warm | peak MB |")
    click.echo("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for kind in kinds:
        path = scratch / f"foreign-{kind}-{size}.jsonl"
        if not path.exists():
            _write(kind, path, number_of(size))
        runs: dict[str, list[Run]] = {reader: [] for reader in _READERS}
        for _ in range(rounds):
            for reader in _READERS:
                command = python("benchmarks.formats", "--kind", kind, "--read", reader, str(path))
                runs[reader].append(run(command))
        click.echo(_row(kind, path, runs))


def _row(kind: str, path: Path, runs: dict[str, list[Run]]) -> str:
    def ratio(reader: str, which: str) -> float:
        pairs = zip(runs["json.loads"], runs[reader], strict=True)
        return median(float(theirs.said[which]) / float(ours.said[which]) for theirs, ours in pairs)

    lines = int(runs["fast"][0].said["lines"])
    seconds = median(float(each.said["warm"]) for each in runs["json.loads"]) / lines * 1e6
    peak = max(each.peak_bytes for each in runs["fast"]) / 2**20
    ratios = f"{ratio('plain', 'warm'):.2f} | {ratio('fast', 'first'):.2f} | {ratio('fast', 'warm'):.1f}"
    told = _told_share(kind, path)
    return f"| {kind} | {path.stat().st_size // lines} | {told:.0%} | {seconds:.1f} | {ratios} | {peak:.0f} |"


def _told_share(kind: str, path: Path) -> float:
    """Return the share of lines that the kernel told, or told to be no exchange, of the second half of some."""
    lines = path.read_bytes()[: 2**23].split(b"\n")[:-1]
    decoder = BlockDecoder(source="s", log_format=_settings(kind), fingerprint=_fingerprint)
    half = len(lines) // 2
    decoder.decoded(b"".join(line + b"\n" for line in lines[:half]), start=0, first_line=1)
    found = decoder.decoded(b"".join(line + b"\n" for line in lines[half:]), start=0, first_line=1)
    return (found.told - found.further + found.blank) / len(lines[half:])


def _settings(kind: str) -> LogFormat:
    settings: LogFormat = support("foreign_lines").KINDS[kind].settings[0]
    return settings


def _fingerprint(raw: str) -> str:
    return f"key_{len(raw)}"


def _write(kind: str, path: Path, size: int) -> None:
    """Write lines of a dozen documents, each line with numbers of its own."""
    maker = support("foreign_lines").ForeignLines(f"benchmark {kind}", kind=kind)
    settings = _settings(kind)
    templates: list[dict[str, Any]] = []
    while len(templates) < _TEMPLATES:
        document = maker.usual()
        has_stream = any(isinstance(value, list | str) for name, value in document.items() if name in _ANSWERS)
        if not has_stream and _is_counted(document, settings):
            templates.append(document)
    chance, written = random.Random(kind), 0
    with path.with_suffix(".part").open("wb") as file:
        while written < size:
            document = maker._varied(chance.choice(templates))  # noqa: SLF001
            if _is_counted(document, settings):  # another id of a cache's entry makes a cache hit of a request
                written += file.write(json.dumps(document).encode() + b"\n")
    path.with_suffix(".part").rename(path)


def _is_counted(document: dict[str, Any], settings: LogFormat) -> bool:
    line = Line(1, 0, 1, json.dumps(document).encode())
    rows = decode_line(line, source="s", log_format=settings, fingerprint=_fingerprint)
    return all(isinstance(row, EventRow) and row.status is UsageStatus.MEASURED for row in rows)


def _say(kind: str, reader: str, path: Path) -> None:
    seconds = []
    for _ in range(2):
        began = time.process_time()
        lines = sum(1 for _ in _READ[reader](kind, path))
        seconds.append(time.process_time() - began)
    print(json.dumps({"first": seconds[0], "warm": seconds[1], "lines": lines}))


def _with_json(kind: str, path: Path) -> Iterator[Any]:
    paths = [name.split(".") for name in _FIELDS[kind]]
    with path.open("rb") as file:
        for raw in file:
            line = json.loads(raw)
            found = []
            for steps in paths:
                value = line
                for step in steps:
                    value = value.get(step) if isinstance(value, dict) else None
                found.append(value)
            yield tuple(found)


def _plainly(kind: str, path: Path) -> Iterator[Any]:
    settings = _settings(kind)
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            line = Line(number, 0, 1, raw.rstrip(b"\n"))
            yield decode_line(line, source="s", log_format=settings, fingerprint=_fingerprint)


def _by_the_entrance(kind: str, path: Path) -> Iterator[Any]:
    for segment in read_log(path, source="s", name="n", log_format=_settings(kind), fingerprint=_fingerprint):
        yield from range(segment.record.lines)


_READ = {"json.loads": _with_json, "plain": _plainly, "fast": _by_the_entrance}

if __name__ == "__main__":
    sys.exit(main())
