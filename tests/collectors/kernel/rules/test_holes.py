"""What stands in a hole of a shape, and is no count, decides nothing that shapes do not say: whoever asks is noted.

A rule holds for whatever stands in its holes. Of counts that is so by construction (``values.traced``). Of ids, keys,
instants, texts, fractions and of how a document within a text is written, a few samples would tell by chance; so the
plain reader is watched while it reads samples of the shapes of many lines. Where this fails, code looks at something
that shapes leave out: it belongs into ``PLACES`` of its format, into a shape, or is asked in another way.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import held_values
import pytest
from both_readers import FORMAT, by_kernel
from damaged_streams import DamagedStreams
from foreign_lines import KINDS, ForeignLines
from fuzzing import LineMaker
from held_values import WatchedPattern, held, looked_into
from native_bodies import CASES

from pipeline.base.zstd import zstd
from pipeline.collectors import LogFormat, routes
from pipeline.collectors.formats.found import by_name
from pipeline.collectors.formats.tools import litellm
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.rules import finder, table
from pipeline.collectors.values import strict_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CORPUS = Path(os.environ.get("TALLYBOOK_CORPUS", Path(__file__).resolve().parents[5] / "shared" / "corpus"))
STORED = Path(__file__).parents[3] / "golden" / "readings" / "lines.jsonl.gz"
WITH_USAGE = LogFormat(fields={"usage": "usage", "cache_hit": "cache_hit"})
LOOKS_INTO = {
    ("count", "families.native.counted._of_text"): "made a number, which is traced",
    ("count", "formats.mapping.number"): "likewise",
    ("count", "formats.spans.otel.otlp.integer_of"): "likewise",
    ("document", "bodies.held_texts._claims_in"): "a document is no token",
    ("document", "bodies.held_texts.document_within"): "what it is; none is a message, or in base64",
    ("document", "bodies.body._text_body"): "blanks before a body; which of its forms it has, a shape says",
    ("document", "formats.mapping.Mapped._document"): "what it holds is kept by it, while its line is read",
    ("document", "formats.mapping.number"): "none is a number, nor stands for nothing",
    ("document", "formats.mapping.says_nothing"): "whether it is an empty object, in whatever blanks",
    ("document", "formats.request_log._object"): "whether it is blank, or null",
    ("duration", "formats.gateways.agentgateway._arrival"): "it is one, and taken off an instant",
    ("duration", "formats.gateways.nginx._taken_us"): "likewise",
    ("fraction", "families.reading.count"): "it is no count, whichever it is",
    ("fraction", "formats.request_log._decides"): "it is no flag, whichever it is",
    ("fraction", "values.fields._whole"): "it is no whole number, whichever it is",
    ("fraction", "values.refusal.shown"): "a line that is refused teaches no rule",
    ("id", "families.anthropic._read_one"): "whether there are several",
    ("id", "families.reading.apart"): "which answer a document is about",
    ("id", "families.native.counted.Native._count"): "which answer a document is about",
    ("id", "families.responses._turns"): "likewise",
    ("id", "formats.batches.openai_batch._id_of"): "two are made one, as a rule says",
    ("id", "formats.tools.langfuse._entry"): "likewise",
    ("id", "formats.tools.litellm.entries"): "what it looks like: a variant of the shape (``TakenApart``)",
    ("id", "formats.tools.litellm_spend._entry"): "likewise",
    ("id", "formats.traced_ids.traced_id"): "two are made one, as a rule says",
    ("id", "formats.spans.otel.calls._join_repeats"): "spans within one another, read plainly (``Places.within``)",
    ("id", "formats.spans.otel.unread._around"): "of a line with a row that is refused, which teaches no rule",
    ("id", "formats.spans.otel.unread._within"): "likewise",
    ("id", "formats.spans.otel.unread.alone"): "likewise",
    ("id", "identity.event_id"): "it identifies the event",
    ("id", "values.fields.spelled"): "the kernel hands over whatever is spelled otherwise, and raw keys",
    ("instant", "formats.gateways.nginx._iso"): "a spelling, of which the kernel says when it is",
    ("instant", "formats.instants._from_epoch"): "when it is",
    ("instant", "formats.instants.in_utc"): "whether it has an offset, which a shape says",
    ("instant", "formats.instants.instant_us"): "when it is",
    ("instant", "formats.spans.otel.otlp.time_of"): "whether it is 0, which is no instant of ours",
    ("key", "formats.fingerprint.bare_key"): "each key is asked of once (``blocks``)",
    ("key", "formats.gateways.access_logs.key_in"): "likewise",
    ("key", "formats.request_log.api_key_id_of"): "likewise",
    ("key", "formats.spans.mlflow._plain"): "a quote that it begins with is written with an escape, and handed over",
    ("key", "identity._digest"): "it identifies the event",
    ("key", "identity._domain"): "likewise",
    ("key", "values.fields.spelled"): "each key is asked of once (``blocks``)",
    ("text", "formats.tools.helicone._entry"): "which of its words it is (``Places.words``)",
    ("text", "formats.tools.litellm_spend._entry"): "likewise",
    ("text", "formats.mapping.number"): "a number in usage that a source names, which is read under no name of texts",
}
"""Code that looks into what stands in a hole, and why that is right."""


@pytest.fixture(autouse=True)
def _watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(finder, "_known", {})
    monkeypatch.setattr(finder, "_known_of_forms", {})
    monkeypatch.setattr(finder, "_AHEAD", sys.maxsize)
    monkeypatch.setattr(readers, "_idle", {})
    by_name()  # so that there are modules of all formats whose patterns are replaced
    held_values.watch(monkeypatch)


def _written(document: Any) -> bytes:
    return json.dumps(document).encode()


def _native() -> Iterator[bytes]:
    for case in CASES.values():
        for response in (case.whole, [*case.chunks], "".join(f"data: {json.dumps(each)}\n\n" for each in case.chunks)):
            line = {"ts": "2026-03-01T06:51:19Z", "api_key_id": "k", "path": case.path, "status": 200}
            yield _written(line | {"response": response})


@pytest.mark.parametrize("kind", KINDS)
def test_of_lines_of_a_tool_what_shapes_leave_out_decides_nothing(kind: str) -> None:
    maker = ForeignLines(f"held {kind}", kind=kind)
    for settings in {str(each.settings()): each for each in KINDS[kind].settings}.values():
        by_kernel([_written(maker.usual()) for _ in range(12)], settings)
    assert looked_into() - {*LOOKS_INTO} == set()


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_of_changed_lines_of_a_tool_what_shapes_leave_out_decides_nothing(kind: str) -> None:
    maker = ForeignLines(f"held, changed {kind}", kind=kind)
    for settings in {str(each.settings()): each for each in KINDS[kind].settings}.values():
        by_kernel([_written(maker.changed()) for _ in range(100)], settings)
    assert looked_into() - {*LOOKS_INTO} == set()


@pytest.mark.long
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind in by_name()])
def test_what_the_code_of_a_format_looks_into_is_in_shapes_whatever_field_a_source_names_there(kind: str) -> None:
    maker = ForeignLines(f"held, named {kind}", kind=kind)
    lines = [maker.usual() for _ in range(20)]
    names = sorted({name for line in lines for name, value in line.items() if isinstance(value, str)})
    for name, field in product(names, ("api_key_id", "request_id")):
        by_kernel(map(_written, lines), LogFormat(format=kind, fields={field: f'"{name}"'}))
    assert looked_into() - {*LOOKS_INTO} == set()


@pytest.mark.long
@pytest.mark.parametrize("settings", [FORMAT, WITH_USAGE])
def test_of_made_up_bodies_what_shapes_leave_out_decides_nothing(settings: LogFormat) -> None:
    makers = [LineMaker("held", families=0.8), DamagedStreams("held")]
    by_kernel([maker.made().content for maker in makers for _ in range(800)], settings)
    by_kernel(_native(), settings)
    by_kernel(gzip.decompress(STORED.read_bytes()).splitlines(), settings)
    assert looked_into() - {*LOOKS_INTO} == set()


@pytest.mark.long
@pytest.mark.skipif(not (CORPUS / "requests.jsonl.zst").exists(), reason="the corpus of real exchanges is not here")
def test_of_real_exchanges_what_shapes_leave_out_decides_nothing() -> None:
    with zstd.open(CORPUS / "requests.jsonl.zst") as reader:
        by_kernel([line.rstrip(b"\n") for line in reader])
    assert looked_into() - {*LOOKS_INTO} == set()


PATTERN = WatchedPattern(re.compile("a.*"))
LOOKS: dict[str, list[Callable[[Any], Any]]] = {
    "id": [
        lambda text: text == "x",
        lambda text: text != "x",
        lambda text: text in ("x", "y"),
        lambda text: text in {"x", "y"},
        lambda text: text.startswith("x"),
        lambda text: "x" in text,
        lambda text: text[:1],
        lambda text: f"{text}!",
        lambda text: len(text) > 9,
        lambda text: text < "x",
        str,
        PATTERN.fullmatch,
        lambda text: PATTERN.sub("", text),
    ],
    "document": [lambda text: text == "{}", lambda text: text.strip() == "{}", PATTERN.search],
    "fraction": [lambda number: number > 1, lambda number: number == Decimal("0.5"), int, str],
    "instant": [lambda number: number % 2, lambda number: number > 10**9],
}
ALLOWED: dict[str, list[Callable[[Any], Any]]] = {
    "id": [
        bool,
        lambda text: isinstance(text, str),
        lambda text: text in (None, "", "-", 0),
        lambda text: text or None,
    ],
    "document": [bool, lambda text: text == "REDACTED"],
    "fraction": [bool, lambda number: number == 7, lambda number: number in (None, 0)],
    "instant": [bool, lambda number: number is None],
}
LINE = '{"id": "an id", "document": "{ }", "fraction": 12.75, "instant": 1772344816000, "other": "x"}'


def _held_line() -> Any:
    with held({"an id": "id", "{ }": "document", "1772344816000": "instant"}):
        return strict_json.parse(LINE)


@pytest.mark.parametrize(("kind", "look"), [(kind, look) for kind, looks in LOOKS.items() for look in looks])
def test_whoever_looks_into_what_stands_in_a_hole_is_noted(kind: str, look: Callable[[Any], Any]) -> None:
    line = _held_line()
    assert looked_into() == set()
    look(line[kind])
    assert {of for of, _ in looked_into()} == {kind}


@pytest.mark.parametrize(("kind", "ask"), [(kind, ask) for kind, asks in ALLOWED.items() for ask in asks])
def test_what_shapes_say_may_be_asked(kind: str, ask: Callable[[Any], Any]) -> None:
    line = _held_line()
    ask(line[kind])
    assert line["id"] == _held_line()["id"]
    PATTERN.fullmatch(line["other"])
    assert looked_into() == set()


def test_patterns_of_the_reader_are_watched() -> None:
    assert isinstance(litellm.COPY, WatchedPattern)
    assert isinstance(vars(routes)["_MODEL_PATHS"][0], WatchedPattern)
