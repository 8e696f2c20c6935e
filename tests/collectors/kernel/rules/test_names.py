"""The plain reader looks at no name that the kernel leaves out of a shape: it is watched while it reads."""

from __future__ import annotations

import json
import os
import random
import re
import sys
from dataclasses import fields
from functools import reduce
from operator import getitem
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from closed_values import closed, let_any_of_ask_objects, looked_into, watch, with_closed_texts
from damaged_streams import DamagedStreams
from family_bodies import Maker
from fuzzing import LineMaker
from native_bodies import CASES
from odd_documents import places

from pipeline.base.zstd import zstd
from pipeline.collectors import LogFormat, families
from pipeline.collectors.decode import decode_line
from pipeline.collectors.families import anthropic, chat_usage, cohere, responses, unbilled
from pipeline.collectors.families.bedrock import answers as bedrock
from pipeline.collectors.families.native.apis import APIS
from pipeline.collectors.families.reading import OF_SVG, any_of
from pipeline.collectors.formats.batches.batch import Batch
from pipeline.collectors.formats.found import by_name, is_request_log
from pipeline.collectors.kernel import blocks, readers
from pipeline.collectors.kernel.names import SUFFIXES, TEXTS, Kind, Name, kind_of, names_of_bodies, texts_reached
from pipeline.collectors.kernel.places import formats_read, names_of
from pipeline.collectors.kernel.program import HANDED_OVER, TOLD, Program
from pipeline.collectors.kernel.rules import table
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.values import strict_json
from pipeline.usage.events import LOG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FORMAT = LogFormat()
CORPUS = Path(os.environ.get("TALLYBOOK_CORPUS", Path(__file__).resolve().parents[5] / "shared" / "corpus"))
OF_A_LINE = {
    *LOG_FIELDS,
    *(part for name in LOG_FIELDS for part in name.split(".")),
}
"""Names of the fields of a line, which are looked up in other objects too where a line is a body."""


def test_texts_of_what_code_calls_by_its_module_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a format names a function of another, or its module, is a matter of taste."""
    module = ModuleType("pipeline.collectors.formats.made_up")
    exec("WHOSE = 'whose'\ndef looked_up(row):\n    return row['made_up_name']", vars(module))  # noqa: S102 - ours
    monkeypatch.setitem(globals(), "made_up", module)
    assert texts_reached(_by_its_module) >= {"made_up_name", "whose"}


def _by_its_module(row: dict[str, Any]) -> Any:
    return made_up.looked_up(row), made_up.WHOSE  # type: ignore[name-defined]  # noqa: F821 - of the test above


GOES_THROUGH_ALL = {
    "pipeline.collectors.families._held",
    "pipeline.collectors.families.held_in",
    "pipeline.collectors.families._without_counts",
    "pipeline.collectors.families.anthropic._overlaid",
    "pipeline.collectors.families.chat._last_of_each",
    "pipeline.collectors.families.gemini._counts_in",
    "pipeline.collectors.families.bedrock.answers.recognises_converse",
    "pipeline.collectors.bodies.aws_event_stream.exception_in",
}
"""Code that goes through all names of an object: it copies what others look up, asks how a name ends (``SUFFIXES``), or
whether it is one of a list.
"""


class Watched(dict[str, Any]):
    """An object that remembers which names were asked for, and which code goes through all of them."""

    asked: set[str] = set()  # noqa: RUF012 - of all objects
    gone_through_by: set[str] = set()  # noqa: RUF012 - likewise
    at: str | None = None
    """The name at which somebody who goes through all of them is."""

    def get(self, key: str, default: Any = None) -> Any:
        if key != self.at:
            self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        if sys._getframe(1).f_globals["__name__"] != strict_json.__name__:  # noqa: SLF001 - it compares what is stated twice
            self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        caller = sys._getframe(1)  # noqa: SLF001 - there is no other way to know who asks
        function = caller.f_code.co_qualname.partition(".<locals>")[0]
        self.gone_through_by.add(f"{caller.f_globals['__name__']}.{function}")
        for self.at in super().__iter__():
            yield self.at
        self.at = None


@pytest.fixture(autouse=True)
def _any_of_asks_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    let_any_of_ask_objects(monkeypatch)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the names that the plain reader asks for from now on."""
    monkeypatch.setattr(Watched, "asked", set())
    monkeypatch.setattr(Watched, "gone_through_by", set())
    monkeypatch.setattr(families, "plainly", lambda document: document)  # it copies what is no plain dict
    monkeypatch.setattr(strict_json, "_STRICT", json.JSONDecoder(object_pairs_hook=Watched))
    return Watched.asked


def _read(lines: Iterator[bytes]) -> int:
    number = 0
    for number, content in enumerate(lines, 1):
        if _is_of_another_format(content):
            continue
        decode_line(
            Line(number, 0, len(content) + 1, content),
            source="s",
            log_format=FORMAT,
            fingerprint=lambda raw: f"key_{len(raw)}",
        )
    return number


def _is_of_another_format(content: bytes) -> bool:
    """Tell a line that is asked which format it is of; it has no instant or no key, so no shape of it has a rule.

    Or it is no JSON document: several, one with a separator beside it, or what is left of one, which is refused.
    """
    try:
        document = json.loads(content.decode("utf-8", "replace"))
    except RecursionError:
        return False
    except ValueError:
        return True
    return not isinstance(document, dict) or not is_request_log(document)


def test_a_line_that_has_no_instant_or_no_key_by_our_names_teaches_no_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    body = {"choices": [], "id": "r", "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    line = {"ts": "2026-03-01T06:00:16Z", "api_key_id": "k", "status": 200, "response": body}
    told = {}
    for name, each in {"whole": line, "no instant": line | {"ts": None}}.items():
        stated = {
            field: value for field, value in each.items() if value is not None and (name == "whole" or field != "ts")
        }
        content = b"".join(
            json.dumps(stated | {"response": body | {"id": f"r-{number}"}}).encode() + b"\n" for number in range(100)
        )
        decoder = blocks.BlockDecoder(source="s", log_format=FORMAT, fingerprint=str)
        told[name] = decoder.decoded(content, start=0, first_line=1).told
    assert told == {"whole": told["whole"], "no instant": 0}
    assert told["whole"] > 0


def _unknown(asked: set[str]) -> set[str]:
    known = {name.text for name in names_of_bodies()} | OF_A_LINE
    return {name for name in asked - known if not name.endswith(SUFFIXES)}


@pytest.mark.long
def test_every_name_that_is_asked_for_in_made_up_lines_is_known(asked: set[str]) -> None:
    makers = [LineMaker("names", families=0.8), DamagedStreams("names")]
    assert _read(maker.made().content for maker in makers for _ in range(2000)) == 4000
    assert len(asked) > 100
    assert _unknown(asked) == set()
    assert Watched.gone_through_by <= GOES_THROUGH_ALL


@pytest.mark.long
@pytest.mark.skipif(not (CORPUS / "requests.jsonl.zst").exists(), reason="the corpus of real exchanges is not here")
def test_every_name_that_is_asked_for_in_real_exchanges_is_known(asked: set[str]) -> None:
    with zstd.open(CORPUS / "requests.jsonl.zst") as reader:
        assert _read(line.rstrip(b"\n") for line in reader) > 2000
    assert _unknown(asked) == set()
    assert Watched.gone_through_by <= GOES_THROUGH_ALL


LOOKS_INTO = {
    "response: bodies.body._text_body": "the answer itself, which is a field of the line, and no text of a body",
}
"""Code that looks into what stands in no shape, and why that is right."""
LEFT_OUT = (Kind.TEXTUAL, Kind.PRESENT)


@pytest.fixture
def _closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever stands in no shape, under a name that is known, note by whom it is looked into."""
    kinds = {name.text: name.kind for name in names_of_bodies() if name.kind in LEFT_OUT}
    ways = {Kind.TEXTUAL: with_closed_texts, Kind.PRESENT: closed}

    def hook(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {name: ways[kinds[name]](name, value) if name in kinds else value for name, value in pairs}

    monkeypatch.setattr(strict_json, "_STRICT", json.JSONDecoder(object_pairs_hook=hook))
    watch()


def _native() -> Iterator[bytes]:
    for case in CASES.values():
        for response in (case.whole, [*case.chunks], "".join(f"data: {json.dumps(each)}\n\n" for each in case.chunks)):
            line = {"ts": "2026-03-01T06:51:19Z", "api_key_id": "k", "path": case.path, "status": 200}
            yield json.dumps(line | {"response": response}).encode()


ERRORS = (
    {"error": {"message": "wait 6 ms", "type": "tokens", "param": None, "code": "rate_limit_exceeded"}},
    {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"},
    {
        "error": {
            "code": 429,
            "message": "m",
            "status": "RESOURCE_EXHAUSTED",
            "details": [{"@type": "x", "reason": "r"}],
        }
    },
    {"error": "model 'x' not found"},
    {"error": ["one", "two"]},
    {"error": {"error": {"message": "twice"}}},
    {"error": {"usage": {"prompt_tokens": 3, "completion_tokens": 4}, "choices": [], "id": "x", "model": "m"}},
    {"object": "error", "message": "m", "type": "NotFoundError", "code": 404},
    {"message": "Too many tokens, please wait"},
    {"Message": "Too many tokens, please wait", "__type": "ThrottlingException"},
    {"Response": {"Error": {"Code": "LimitExceeded", "Message": "m"}, "RequestId": "r"}},
)


def _errors() -> Iterator[bytes]:
    for error in ERRORS:
        for status in (200, 429):
            for response in (error, json.dumps(error), [error, error], f"data: {json.dumps(error)}\n\n"):
                line = {"ts": "2026-03-01T06:51:19Z", "api_key_id": "k", "path": "/v1/chat/completions"}
                yield json.dumps(line | {"status": status, "response": response}).encode()


def _with_names(names: Sequence[str], count: int) -> Iterator[bytes]:
    """Yield lines of bodies in which something stands under a name that is left out, in any object; or nothing else."""
    chance = random.Random("names")
    for number in range(count):
        made = Maker(chance).body()
        body = made.response if isinstance(made.response, dict) and number % 9 else {}
        objects = [body, *(found for path in places(body) if isinstance(found := reduce(getitem, path, body), dict))]
        value = chance.choice(("x", ["x"], {"code": "x", "usage": {"prompt_tokens": 3, "completion_tokens": 4}}))
        chance.choice(objects)[names[number % len(names)]] = value
        line = {
            "ts": "2026-03-01T06:51:19Z",
            "api_key_id": "k",
            "path": chance.choice((made.path, None)),
            "status": 200,
        }
        yield json.dumps(line | {"response": body}).encode()


@pytest.mark.long
@pytest.mark.usefixtures("_closed")
def test_nobody_looks_into_what_stands_in_no_shape_of_made_up_lines() -> None:
    makers = [LineMaker("closed", families=0.8), DamagedStreams("closed")]
    names = [name.text for name in names_of_bodies() if name.kind in LEFT_OUT]
    _read(content for source in (_native(), _errors(), _with_names(names, 3000)) for content in source)
    _read(maker.made().content for maker in makers for _ in range(2000))
    assert looked_into() - {*LOOKS_INTO} == set()


@pytest.mark.long
@pytest.mark.skipif(not (CORPUS / "requests.jsonl.zst").exists(), reason="the corpus of real exchanges is not here")
@pytest.mark.usefixtures("_closed")
def test_nobody_looks_into_what_stands_in_no_shape_of_real_exchanges() -> None:
    with zstd.open(CORPUS / "requests.jsonl.zst") as reader:
        assert _read(line.rstrip(b"\n") for line in reader) > 2000
    assert looked_into() - {*LOOKS_INTO} == set()


@pytest.mark.usefixtures("_closed")
@pytest.mark.parametrize("name", ["error", "message", "content"])
@pytest.mark.parametrize(
    "look",
    [
        lambda text: text == "x",
        lambda text: text.startswith("x"),
        lambda text: "x" in text,
        lambda text: text in {"x", "y"},
        str,
        lambda text: f"{text}",
        lambda text: [*text],
        lambda text: text[:1],
    ],
)
def test_whoever_looks_into_a_text_is_noted(name: str, look: Callable[[Any], Any]) -> None:
    document = strict_json.parse(json.dumps({name: "a text", "model": "m"}))
    assert document.get(name) is not None
    assert document[name]
    assert isinstance(document[name], str)
    assert looked_into() == set()
    look(document["model"])
    assert looked_into() == set()
    look(document[name])
    assert [each.partition(":")[0] for each in looked_into()] == [name]


@pytest.mark.usefixtures("_closed")
@pytest.mark.parametrize(
    "look",
    [
        lambda error: error.get("code"),
        lambda error: error["code"],
        lambda error: "code" in error,
        lambda error: [*error],
        lambda error: {**error},
        lambda error: error == {},
        lambda error: error.keys() <= {"code"},
        lambda error: any_of(error, "code"),
    ],
)
def test_whoever_looks_into_an_error_is_noted(look: Callable[[Any], Any]) -> None:
    document = strict_json.parse('{"error": {"code": 429}, "usage": {"code": 1}}')
    assert document.get("error") is not None
    assert looked_into() == set()
    look(document["usage"])
    assert looked_into() == set()
    look(document["error"])
    assert [each.partition(":")[0] for each in looked_into()] == ["error"]


def test_no_name_is_too_long_for_the_kernel() -> None:
    names = names_of_bodies()
    assert 200 < len(names) < 900
    assert {"prompt_tokens", "usageMetadata", "promptTokenCount", "choices", "message_start"} <= {
        name.text for name in names
    }


@pytest.mark.parametrize("name", [name for name, found in by_name().items() if found.places or found.mapping])
def test_the_kernel_has_room_for_the_names_of_every_format_that_it_reads(name: str) -> None:
    """Each text in the code of a format is one for each object of its lines; one too many, and all is read plainly."""
    found = by_name()[name]
    if found in formats_read(FORMAT):
        assert readers.new(FORMAT, found) is not None


def test_every_setting_of_a_format_is_known_to_the_kernel() -> None:
    """What lets a line be looked up by other names belongs into ``places``; samples see to anything else."""
    assert {field.name for field in fields(LogFormat) if field.init} == {
        *("format", "fields", "line_in", "batch"),  # of which the names are made
        *(
            "identity",
            "dialect",
            "time_zone",
            "ids_may_look_like_keys",
            "line_bytes_max",
            "depth_max",
            "decompressed_bytes_max",
        ),
    }


def test_no_header_is_looked_at_but_those_that_are_said_to_be() -> None:
    assert {name.text for name in names_of_bodies() if re.fullmatch("x-[a-z-]+", name.text)} == set(bedrock.HEADERS)


@pytest.mark.parametrize(
    "settings",
    [
        {"line_in": "message"},
        {"batch": Batch(object={}, requests={})},
        {"format": "har"},
        {"format": "langfuse", "fields": {"api_key_id": "observation.userId"}},
    ],
)
def test_a_source_whose_lines_are_not_told_by_names_alone_is_for_the_plain_reader(settings: dict[str, Any]) -> None:
    assert formats_read(LogFormat(**settings)) == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"request_id": "response.id"},
        {"request_id": "ts"},
        {"status": "response.usage.status"},
        {"status": "a name with blanks"},
        {"status": "http." + "x" * 65},
        {"status": "ts.http"},
        {"usage": "u", "status": "u.error.code"},
        {"ts": "response.error.at"},
    ],
)
def test_a_field_that_no_tree_of_names_tells_is_for_the_plain_reader(fields: dict[str, Any]) -> None:
    log_format = LogFormat(fields=fields)
    with pytest.raises(ValueError, match=r"is read as two things|would lie within|is longer"):
        names_of(log_format, None)
    assert readers.new(log_format, None) is None


def test_a_name_with_dots_that_wins_over_a_path_is_for_the_plain_reader() -> None:
    names = names_of(LogFormat(fields={"status": "http.status"}), None)
    assert Name("http.status", 1, Kind.NEVER) in names
    assert Name("request.model", 1, Kind.NEVER) in names
    at = names.index(Name("http", 1, Kind.INSIDE))
    assert Name("status", 2 + at, Kind.LITERAL) in names


def test_names_that_a_map_gives_other_values_stand_in_the_shape_as_they_are() -> None:
    names = names_of(LogFormat(fields={"api_key_id": {"from": "team", "a": "cust-a"}, "status": "state"}), None)
    assert Name("team", 1, Kind.LITERAL) in names


def test_instants_without_an_offset_are_told_where_they_are_of_utc() -> None:
    line = b'{"ts": "2026-03-01T06:51:19", "api_key_id": "k"}\n'
    fates = {zone: Program(LogFormat(time_zone=zone)).read(line).fates[0] for zone in (None, "UTC", "Europe/London")}
    assert fates == {None: TOLD, "UTC": TOLD, "Europe/London": HANDED_OVER}


def test_a_count_is_a_hole_whatever_it_is_called_but_where_texts_are_called_so() -> None:
    """A number in a shape is compared with no hole; a shape with one in place of a text has no rule."""
    named = [vars(module).items() for module in (anthropic, chat_usage, cohere, responses, unbilled)]
    found = [each for one in named for name, each in one if "OTHERS" in name or "OF_TOOLS" in name]
    places = [place for each in found for place in each.values()]
    places += [place for each in vars(chat_usage).values() if isinstance(each, tuple) for place in each]
    places += [place for api in APIS for place in (*api.prompt, *api.completion, *api.cached, *api.total)]
    names = {place if isinstance(place, str) else place[-1] for place in (*places, *OF_SVG.values(), "invocation")}
    assert {name for name in names if kind_of(name) is not Kind.COUNTED} <= TEXTS
    assert {"audio", "cached_tokens", "input_length", "predicted_n", "search_units"} <= names
