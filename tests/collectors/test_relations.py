"""What must come to the same usage, whatever the family: a body written otherwise, placeholders, and names beside it.

Made-up bodies of every family always, and real exchanges where they are. What callers and models write is tried in
``tests/attacks/test_hostile_callers.py``, each way to write a body in ``test_taken_apart.py``.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from family_bodies import FAMILIES, Maker
from readings import sse

from pipeline.base.zstd import zstd
from pipeline.collectors import LogFormat
from pipeline.collectors.bodies.body import take_apart
from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.logs.lines import Line
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Document = dict[str, Any]
Documents = list[Document]
CORPUS = Path(os.environ.get("TALLYBOOK_CORPUS", Path(__file__).resolve().parents[3] / "shared" / "corpus"))
SEEDS = range(4)
STATES = re.compile(r'"[A-Za-z_]*(?:okens?|okenCount|_count)": ?[1-9]')
LINE = {"ts": 1_788_264_000, "request_id": "r", "api_key_id": "key_a", "status": 200, "request": {"model": "m"}}
PLACES = frozenset(("source", "line", "byte_start", "byte_end"))
COUNTS = ("prompt_tokens", "completion_tokens", "prompt_cached_tokens", "prompt_cache_write_tokens", "reasoning_tokens")
EACH = 40
"""Of the real exchanges one in so many is tried."""


def events(line: Document) -> list[dict[str, Any]]:
    content = json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass")
    found = decode_line(Line(1, 0, len(content), content), source="s", log_format=LogFormat(), fingerprint=str)
    assert all(type(row) is EventRow for row in found), found
    rows = [dict(zip(USAGE_EVENTS.names, row.values, strict=True)) for row in found]
    return [{name: row[name] for name in row.keys() - PLACES} for row in rows]


def text(document: Any) -> str:
    return json.dumps(document)


def pretty(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def based(content: bytes) -> str:
    return base64.b64encode(content).decode()


def pieces(content: str, chance: random.Random) -> list[str]:
    """Return a text as it arrived: in pieces that end anywhere."""
    ends = sorted({*(chance.randrange(1, len(content)) for _ in range(5)), len(content)})
    return [content[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def in_each_object(value: Any, change: Callable[[Document], Document]) -> Any:
    if isinstance(value, dict):
        return change({name: in_each_object(each, change) for name, each in value.items()})
    return [in_each_object(each, change) for each in value] if isinstance(value, list) else value


def turned_round(value: Any) -> Any:
    return in_each_object(value, lambda each: dict(reversed(each.items())))


def with_more(value: Any) -> Any:
    """Return JSON with names that nobody knows, and counts under them, in each of its objects."""
    counts = {"prompt_tokens": 7_000_000, "input_tokens": 7_000_000, "promptTokenCount": 7_000_000, "error": {}}
    more = {"x_none": None, "x_usage": {"usage": counts, "usageMetadata": counts}, "x_text": text({"usage": counts})}
    return in_each_object(value, lambda each: each | more)


def escaped(content: str) -> str:
    r"""Return JSON text with each character of its texts as ``\u`` and four digits."""

    def each(found: re.Match[str]) -> str:
        units = json.loads(found[0]).encode("utf-16-be", "surrogatepass").hex()
        return '"' + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + '"'

    return re.sub(r'"(?:[^"\\]|\\.)*"', each, content)


def wholes(document: Document, chance: random.Random) -> Iterator[Any]:
    yield document
    yield text(document)
    yield pretty(document).replace("\n", "\r\n")
    yield text(text(document))
    yield escaped(text(document))
    yield f"\ufeff \r\n\t{text(document)}\n\n"
    yield based(text(document).encode())
    yield based(gzip.compress(text(document).encode()))
    yield {"statusCode": 200, "headers": {}, "body": text(document)}
    yield f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{text(document)}"
    yield pieces(text(document), chance)
    yield turned_round(document)
    yield with_more(document)


def streams(documents: Documents, chance: random.Random) -> Iterator[Any]:
    transcript = sse(*documents)
    for end in ("\r\n", "\r", "\\n", ""):
        yield transcript.replace("\n", end)
    yield transcript.rstrip("\n")
    yield transcript.replace("data: ", "data:")
    yield "\ufeff" + transcript.replace("\n\n", "\n\n: keep-alive\n\n:\nid: 7\nretry: 9\n\n")
    yield f"{transcript}data: [DONE]\n\ndata: [DONE]"
    yield "".join("data: " + pretty(each).replace("\n", "\ndata: ") + "\n\n" for each in documents)
    yield transcript.split("\n")
    yield pieces(transcript, chance)
    yield text(transcript)
    yield based(transcript.encode())
    yield {"status": 200, "headers": {}, "body": transcript}
    yield documents
    yield text(documents)
    yield pretty(documents)
    yield pretty(documents)[:-2] + ",\n  {"
    yield "[" + ",\r\n".join(map(text, documents)) + ","
    if len(documents) > 1:  # one alone is a whole answer
        yield "\r\n".join(map(text, documents))
        yield "\n".join(map(pretty, documents))
        yield "".join(map(text, documents))
        yield list(map(text, documents))
    yield [{"event": "message", "data": text(each)} for each in documents]
    yield sse(*map(turned_round, documents))
    yield sse(*map(with_more, documents))


def zeroed(value: Any) -> Any:
    """Return a chunk with zeros for its counts, and without what it delivers."""
    if isinstance(value, dict):
        return {name: [] if name == "choices" else zeroed(each) for name, each in value.items()}
    return [zeroed(each) for each in value] if isinstance(value, list) else 0 if type(value) is int else value


def differing(line: Document, documents: Documents, chance: random.Random, *, is_stream: bool) -> list[Any]:
    """Return which ways to write a body come to anything else than its documents do."""
    plainly = line | {"response": sse(*documents) if is_stream else text(documents[0])}
    expected = events(plainly)
    ways = streams(documents, chance) if is_stream else wholes(documents[0], chance)
    return [index for index, way in enumerate(ways) if events(line | {"response": way}) != expected]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_however_a_body_is_written_it_comes_to_the_same(family: str) -> None:
    for seed in SEEDS:
        chance = random.Random(f"{family} {seed}")
        body = Maker(chance).body(family)
        is_stream = take_apart(body.response, depth_max=64).is_stream
        assert differing(LINE | {"path": body.path}, body.documents, chance, is_stream=is_stream) == []


def zeros_after(documents: Documents) -> Documents:
    """Return the chunks of a stream, the last that counts something again behind them, with zeros."""
    last = next((each for each in reversed(documents) if STATES.search(text(each))), None)
    return documents if last is None else [*documents, zeroed(last)]


def counts(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(each[name] for name in ("status", "dialect", *COUNTS)) for each in found]


@pytest.mark.parametrize("family", sorted(name for name in FAMILIES if name.endswith("_stream")))
def test_zeros_take_nothing_back_that_was_counted_before(family: str) -> None:
    for seed in SEEDS:
        body = Maker(random.Random(f"{family} {seed}")).body(family)
        line = LINE | {"path": body.path}
        whole, again = (events(line | {"response": each}) for each in (body.documents, zeros_after(body.documents)))
        assert counts(again) == counts(whole)


SERVED = ("grok-4", "GROK-4", "xai/grok-4", "x-ai/grok-4", "azure_ai/grok-4", "openrouter/x-ai/grok-4", "xai.grok-4")
OF_PERPLEXITY = ("sonar-pro", "perplexity/sonar-pro", "openrouter/perplexity/sonar-pro")


@pytest.mark.parametrize("model", SERVED)
def test_who_serves_a_model_changes_nothing_about_how_it_counts(model: str) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "cached_tokens": 100}
    body = {"id": "c-1", "model": model, "choices": [{"message": {"content": "a"}}], "usage": usage}
    (event,) = events(LINE | {"response": body})
    assert counts([event]) == [("measured", "openai-chat/cached-unknown", 9, 5, None, None, None)]


@pytest.mark.parametrize("model", OF_PERPLEXITY)
def test_who_serves_perplexitys_models_changes_nothing_about_their_reasoning(model: str) -> None:
    usage = {"prompt_tokens": 90, "completion_tokens": 30, "total_tokens": 120, "reasoning_tokens": 700}
    body = {"id": "c-1", "model": model, "choices": [{"message": {"content": "a"}}], "usage": usage}
    (event,) = events(LINE | {"response": body})
    assert counts([event]) == [("measured", "openai-chat/reasoning-apart", 90, 730, None, None, 700)]


def test_a_stream_that_arrived_in_pieces_is_the_same_wherever_they_end() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
    said = "error: x\n\ndata: {}"
    chunks = [{"id": "c-1", "choices": [{"index": 0, "delta": {"content": said}}]}, {"choices": [], "usage": usage}]
    whole = sse(*chunks)
    expected = events(LINE | {"response": whole})
    for end in range(1, len(whole)):
        assert events(LINE | {"response": [whole[:end], whole[end:]]}) == expected, end


@pytest.mark.skipif(not (CORPUS / "requests.jsonl.zst").exists(), reason="the corpus of real exchanges is not here")
@pytest.mark.long
@pytest.mark.parametrize("part", range(2))
def test_real_exchanges_come_to_the_same_as_well(part: int) -> None:
    chance = random.Random(f"real {part}")
    compared = 0
    with zstd.open(CORPUS / "requests.jsonl.zst", "rt", encoding="utf-8", newline="\n") as lines:
        exchanges = [json.loads(line) for number, line in enumerate(lines) if number % EACH == part]
    for line in exchanges:
        body = take_apart(line["response"], depth_max=64)
        whole = events(line)
        if not body.documents or whole[0]["status"] != "measured":
            continue
        compared += 1
        documents = json.loads(json.dumps(body.documents, default=float))
        assert differing(line, documents, chance, is_stream=body.is_stream) == [], line["corpus_key"]
        if body.is_stream:
            again = events(line | {"response": zeros_after(documents)})
            assert counts(again) == counts(whole), line["corpus_key"]
            for end in range(1, len(documents), 1 + len(documents) // 9):
                (cut, *_) = events(line | {"response": sse(*documents[:end])})
                assert cut["status"] != "measured" or all((cut[name] or 0) <= (whole[0][name] or 0) for name in COUNTS)
    assert compared > 25
