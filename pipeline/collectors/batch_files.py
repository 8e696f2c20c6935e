"""Which batch a log is the output of, and what is known of it from its batch object and its input file.

An output file names its batch nowhere, and the ids of requests are unique within one batch at most. So the pair is
made by names alone: that of the log, or of its folder, has the id of the batch, or of one of its outputs. The input
file is found likewise, by its id or the batch's. What is not certain is not joined: a batch that is another's would be
another's time and key. An object that holds its results itself is a log, and needs no other.

Owns the pairing, and the reading of these files. Does not own where they may lie (``pipeline.configuration``), nor what
each API calls what is in them, and what a line and its batch say together (``formats.batches``). Reads, and writes
nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.batches.batch import Batch
from pipeline.collectors.formats.found import batch_apis
from pipeline.collectors.formats.log_format import LogFormat, batch_digests, read_by
from pipeline.collectors.logs.lines import LineSplitter
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.collectors.values.strict_json import BrokenJson, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from pipeline.collectors.formats.batches.batch import BatchApi
    from pipeline.collectors.values.strict_json import JsonObject
    from pipeline.configuration.stored.stored_log import LogPath

    _Known: TypeAlias = tuple[BatchApi, JsonObject]
    """A batch object, and the API that it is of."""

_OBJECTS_BYTES_MAX = 2**24
"""What is longer is no file of batch objects."""
_TO_THE_END = 2**63 - 1
_NAME = re.compile(r"\S{1,256}")
"""What is longer in a request, or has blanks, is a text, and not kept."""
_DEPTH_KEPT = 2
_ENDS_OF_TIMES = ("_at", "Time")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOf:
    """The batch of one log, as far as it is found, before its input file is read."""

    object: JsonObject | None
    input: LogPath | None
    missing: tuple[str, ...]
    """What is not there and is looked for, for people: why, and where."""

    def read(self, log_format: LogFormat) -> LogFormat:
        """Return the settings with what is known of the batch; as they are where nothing is.

        The input file is read, however long it is.
        """
        if self.object is None:
            return log_format
        api = _api_of(self.object)
        requests = None if self.input is None or api is None else _requests(self.input, log_format, api)
        return _with(log_format, Batch(object=self.object, requests=requests))

    def is_less_than(self, reader: str | None) -> bool:
        """Say whether a segment was read by ``reader`` beside a batch object, or an input file, that is gone."""
        now = (self.object is not None, self.input is not None)
        return any(was and not is_there for was, is_there in zip(batch_digests(reader), now, strict=True))

    def is_to_be_read_again(self, reader: str | None, log_format: LogFormat, *, has_failed: bool) -> bool:
        """Say whether a segment that was read by ``reader`` would be read by more today.

        That is: with a batch object, or an input file, that was not there; or, of one that ``has_failed``, otherwise
        than before. Never with less: these files may be deleted once their batch was collected.
        """
        if self.is_less_than(reader):
            return False
        before, now = batch_digests(reader), (self.object is not None, self.input is not None)
        has_more = any(is_there and not was for was, is_there in zip(before, now, strict=True))
        return (has_more or has_failed) and reader != read_by(self.read(log_format))


class BatchFiles:
    """The batch objects and input files of one source."""

    def __init__(self, objects: Sequence[LogPath], inputs: Sequence[LogPath], *, where: tuple[str, str]) -> None:
        """Take the files; ``where`` they were looked for is said for people, of objects and of inputs.

        Inputs are looked for where that is not empty.
        """
        self._paths = objects
        self._inputs = inputs
        self._where = where
        self._found: dict[LogPath, list[_Known]] = {}
        """The batch objects of each file that was read."""

    @property
    def no_objects(self) -> list[LogPath]:
        """Return the files that should be batch objects and are none."""
        return [path for path in self._paths if not self._objects_of(path)]

    def has(self, path: LogPath) -> bool:
        """Say whether a file is one of these, and so no log of its source."""
        return (path in self._paths and not self.is_whole(path)) or path in self._asked

    def is_whole(self, path: LogPath) -> bool:
        """Say whether a file is a batch object that holds its results itself, and so a log."""
        return path in self._paths and any(api.has_results(batch) for api, batch in self._objects_of(path))

    def of(self, log: LogPath) -> BatchOf:
        """Return the batch of a log."""
        if self.is_whole(log):
            return BatchOf(object=None, input=None, missing=())  # it says itself what there is to say
        objects, inputs = self._where
        found = _named_by(log, [((api, batch), api.names_of(batch)) for api, batch in self._batches])
        if len(found) != 1:
            what = f"{len(found)} batch objects" if found else "no batch object"
            why = f"{what} under {objects} has an id that stands in the log's name or its folder's"
            return BatchOf(object=None, input=None, missing=(why,))
        ((api, batch),) = found
        if api.shared is None:
            return BatchOf(object=batch, input=None, missing=())
        asked = [path for path in self._asked if path != log]
        names, own_id = [name for name in api.input_names_of(batch) if isinstance(name, str)], api.id_of(batch)
        of_file = [path for path in asked if _named_by(path, [(path, names)])]
        of_batch = [path for path in asked if _named_by(path, [(path, [own_id])])]
        own = of_file or of_batch
        if len(own) == 1:
            return BatchOf(object=batch, input=own[0], missing=())
        what = f"{len(own)} input files" if own else "no input file"
        why = f"{what} under {inputs} has the id {(names or [own_id])[0]} in its name"
        return BatchOf(object=batch, input=None, missing=(why,) if inputs else ())

    @cached_property
    def _asked(self) -> list[LogPath]:
        return [path for path in self._inputs if _is_input(path)]

    @cached_property
    def _batches(self) -> list[_Known]:
        """Every batch once: as it was when most of its times were known."""
        latest: dict[str, _Known] = {}
        for api, batch in chain.from_iterable(map(self._objects_of, self._paths)):
            name = api.id_of(batch)
            if name not in latest or _times_of(api, batch) > _times_of(*latest[name]):
                latest[name] = (api, batch)
        return list(latest.values())

    def _objects_of(self, path: LogPath) -> list[_Known]:
        if path not in self._found:
            self._found[path] = _batches_in(path)
        return self._found[path]


def _with(log_format: LogFormat, batch: Batch) -> LogFormat:
    settings = log_format.settings()
    return LogFormat(**settings, batch=batch)


def _api_of(batch: JsonObject) -> BatchApi | None:
    """Return the API whose batch object this is, ``None`` where it is none."""
    return next((api for api in batch_apis().values() if api.is_object(batch)), None)


def _times_of(api: BatchApi, batch: JsonObject) -> int:
    return sum(name.endswith(_ENDS_OF_TIMES) and value is not None for name, value in api.facts_of(batch).items())


def _named_by(path: LogPath, named: Sequence[tuple[Any, list[Any]]]) -> list[Any]:
    """Return those of which an id stands in the name of a file, else of its folder; the longest ids win."""
    for name in (path.name, path.parent.name):
        lengths = [
            (max((len(each) for each in ids if _stands_in(each, name)), default=0), thing) for thing, ids in named
        ]
        longest = max((length for length, _ in lengths), default=0)
        if longest:
            return [thing for length, thing in lengths if length == longest]
    return []


def _stands_in(name: Any, text: str) -> bool:
    """Tell whether an id is a word of a text; what is no text is none."""
    is_there = isinstance(name, str) and name in text
    return is_there and re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", text) is not None


def _batches_in(path: LogPath) -> list[_Known]:
    """Return the batch objects of a file: one, a page or an array of them, or one a line; none of any other file."""
    text = _text(path)
    try:
        documents = [parse(text)]
    except BrokenJson:
        documents = list(_documents(text.splitlines()))
    found: list[_Known] = []
    for document in documents:
        for batch in _listed(document):
            api = _api_of(batch) if isinstance(batch, dict) else None
            if api is not None:
                found.append((api, batch))
    return found


def _listed(document: Any) -> list[Any]:
    """Return what an array, or a page of an API's list, has; a document itself where it is neither."""
    if isinstance(document, dict) and _api_of(document) is None:
        pages = [page for api in batch_apis().values() if isinstance(page := document.get(api.lists), list)]
        return pages[0] if pages else [document]
    return document if isinstance(document, list) else [document]


def _documents(lines: Iterable[str]) -> Iterator[Any]:
    for line in lines:
        try:
            yield parse(line)
        except BrokenJson:
            continue


def _text(path: LogPath) -> str:
    """Return what a file says; nothing where it cannot be read, or is too long."""
    try:
        with open_log(path, LogFormat(), follows_links=True) as file:
            content = b"".join(file.span(0, _OBJECTS_BYTES_MAX + 1))
    except LogUnreadable:
        return ""
    return "" if len(content) > _OBJECTS_BYTES_MAX else content.decode("utf-8-sig", "replace")


def _is_input(path: LogPath) -> bool:
    """Tell a file whose first line is one of an input file."""
    try:
        with open_log(path, LogFormat(), follows_links=True) as file:
            first = next(_lines(file.span(0, _OBJECTS_BYTES_MAX), _OBJECTS_BYTES_MAX), b"")
    except LogUnreadable:
        return False
    return any(
        isinstance(each, dict) and any(api.is_request(each) for api in batch_apis().values())
        for each in _documents([first.decode("utf-8", "replace")])
    )


def _lines(pieces: Iterable[bytes], line_bytes_max: int) -> Iterator[bytes]:
    for line in LineSplitter(chain(pieces, [b"\n"]), line_bytes_max=line_bytes_max):
        if line.content is not None and line.content.strip():
            yield line.content


def _requests(path: LogPath, log_format: LogFormat, api: BatchApi) -> dict[str, JsonObject] | None:
    """Return the requests of an input file by their ids, less those that have an id twice and ask for other things.

    ``None`` where the file cannot be read to its end.
    """
    found: dict[str, JsonObject] = {}
    twice: set[str] = set()
    try:
        with open_log(path, log_format, follows_links=True) as file:
            lines = _lines(file.span(0, _TO_THE_END), log_format.line_bytes_max)
            for document in _documents(line.decode("utf-8", "replace") for line in lines):
                if not isinstance(document, dict) or not api.is_request(document):
                    continue
                custom, asked = document.get(api.shared or ""), _without_texts(document, _DEPTH_KEPT)
                if isinstance(custom, str) and found.setdefault(custom, asked) != asked:
                    twice.add(custom)
            if file.cut_at:
                return None
    except LogUnreadable:
        return None
    return {custom: asked for custom, asked in found.items() if custom not in twice}


def _without_texts(value: JsonObject, depth: int) -> JsonObject:
    """Return what of a request is no text and no list: its model, its user, its metadata."""
    kept: JsonObject = {}
    for name in value:
        inner = value.get(name)
        if isinstance(inner, dict) and depth:
            kept[name] = _without_texts(inner, depth - 1)
        elif isinstance(inner, bool | int) or (isinstance(inner, str) and _NAME.fullmatch(inner)):
            kept[name] = inner
    return kept
