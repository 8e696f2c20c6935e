"""Which batch a log is the output of, and what is known of it from its batch object and its input file.

An output file names its batch nowhere, and ``custom_id`` is unique within one batch only. So the pair is made by
names alone: that of the log, or of its folder, has the id of the batch, or of its output or error file (the API
reference of OpenAI, "The batch object": ``id``, ``input_file_id``, ``output_file_id``, ``error_file_id``; Azure's has
``output_blob`` and ``error_blob`` where its files lie in a storage of one's own). The input file is found likewise, by
its id or the batch's. What is not certain is not joined: a batch that is another's would be another's time and key.

Owns the pairing, and the reading of these files. Does not own where they may lie (``pipeline.configuration``), nor what
a line and its batch say together (``formats.tools.openai_batch``). Reads, and writes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.log_format import LogFormat, batch_digests, read_by
from pipeline.collectors.formats.tools.openai_batch import Batch, is_batch, is_request
from pipeline.collectors.logs.lines import LineSplitter
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.collectors.values.strict_json import BrokenJson, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.collectors.values.strict_json import JsonObject
    from pipeline.configuration.stored.stored_log import LogPath

_OBJECTS_BYTES_MAX = 2**24
"""What is longer is no file of batch objects."""
_TO_THE_END = 2**63 - 1
_NAME = re.compile(r"\S{1,256}")
"""What is longer in a request, or has blanks, is a text, and not kept."""
_DEPTH_KEPT = 2
_IDS = ("id", "output_file_id", "error_file_id")
_BLOBS = ("output_blob", "error_blob")
_FOLDER_OF_BLOB = re.compile(r"/([0-9A-Fa-f-]{32,})/[^/]+$")


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
        requests = None if self.input is None else _requests(self.input, log_format)
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

    @property
    def no_objects(self) -> list[LogPath]:
        """Return the files that should be batch objects and are none."""
        return [path for path in self._paths if not any(of == path for of, _ in self._objects)]

    def has(self, path: LogPath) -> bool:
        """Say whether a file is one of these, and so no log of its source."""
        return path in self._paths or path in self._asked

    def of(self, log: LogPath) -> BatchOf:
        """Return the batch of a log."""
        objects, inputs = self._where
        found = _named_by(log, [(batch, _ids(batch, _IDS)) for batch in self._batches])
        if len(found) != 1:
            what = f"{len(found)} batch objects" if found else "no batch object"
            why = f"{what} under {objects} has an id that stands in the log's name or its folder's"
            return BatchOf(object=None, input=None, missing=(why,))
        (batch,) = found
        asked = [path for path in self._asked if path != log]
        of_file = [path for path in asked if _named_by(path, [(path, _ids(batch, ("input_file_id",)))])]
        of_batch = [path for path in asked if _named_by(path, [(path, _ids(batch, ("id",)))])]
        own = of_file or of_batch
        if len(own) == 1:
            return BatchOf(object=batch, input=own[0], missing=())
        what = f"{len(own)} input files" if own else "no input file"
        why = f"{what} under {inputs} has the id {batch.get('input_file_id') or batch['id']} in its name"
        return BatchOf(object=batch, input=None, missing=(why,) if inputs else ())

    @cached_property
    def _objects(self) -> list[tuple[LogPath, JsonObject]]:
        return [(path, batch) for path in self._paths for batch in _batches_in(path)]

    @cached_property
    def _asked(self) -> list[LogPath]:
        return [path for path in self._inputs if _is_input(path)]

    @cached_property
    def _batches(self) -> list[JsonObject]:
        """Every batch once: as it was when most of its times were known."""
        latest: dict[str, JsonObject] = {}
        for _, batch in self._objects:
            earlier = latest.get(batch["id"])
            if earlier is None or _times_of(batch) > _times_of(earlier):
                latest[batch["id"]] = batch
        return list(latest.values())


def _with(log_format: LogFormat, batch: Batch) -> LogFormat:
    settings = log_format.settings()
    return LogFormat(**settings, batch=batch)


def _times_of(batch: JsonObject) -> int:
    return sum(name.endswith("_at") and value is not None for name, value in batch.items())


def _ids(batch: JsonObject, names: Iterable[str]) -> list[str]:
    """Return the ids of a batch and its files that may stand in the name of one."""
    stated = [batch.get(name) for name in names]
    blobs = [_FOLDER_OF_BLOB.search(str(batch.get(name))) for name in _BLOBS] if "output_file_id" in names else []
    return [value for value in stated if isinstance(value, str)] + [blob[1] for blob in blobs if blob]


def _named_by(path: LogPath, named: Sequence[tuple[Any, list[str]]]) -> list[Any]:
    """Return those of which an id stands in the name of a file, else of its folder; the longest ids win."""
    for name in (path.name, path.parent.name):
        lengths = [
            (max((len(each) for each in ids if _stands_in(each, name)), default=0), thing) for thing, ids in named
        ]
        longest = max((length for length, _ in lengths), default=0)
        if longest:
            return [thing for length, thing in lengths if length == longest]
    return []


def _stands_in(name: str, text: str) -> bool:
    return name in text and re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", text) is not None


def _batches_in(path: LogPath) -> list[JsonObject]:
    """Return the batch objects of a file: one, a page or an array of them, or one a line; none of any other file."""
    text = _text(path)
    try:
        documents = [parse(text)]
    except BrokenJson:
        documents = list(_documents(text.splitlines()))
    found: list[JsonObject] = []
    for document in documents:
        page = document.get("data") if isinstance(document, dict) and not is_batch(document) else None
        each = document if isinstance(document, list) else page if isinstance(page, list) else [document]
        found += [batch for batch in each if isinstance(batch, dict) and is_batch(batch)]
    return found


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
    return any(isinstance(each, dict) and is_request(each) for each in _documents([first.decode("utf-8", "replace")]))


def _lines(pieces: Iterable[bytes], line_bytes_max: int) -> Iterator[bytes]:
    for line in LineSplitter(chain(pieces, [b"\n"]), line_bytes_max=line_bytes_max):
        if line.content is not None and line.content.strip():
            yield line.content


def _requests(path: LogPath, log_format: LogFormat) -> dict[str, JsonObject] | None:
    """Return the requests of an input file by their ids, less those that have an id twice and ask for other things.

    ``None`` where the file cannot be read to its end.
    """
    found: dict[str, JsonObject] = {}
    twice: set[str] = set()
    try:
        with open_log(path, log_format, follows_links=True) as file:
            lines = _lines(file.span(0, _TO_THE_END), log_format.line_bytes_max)
            for document in _documents(line.decode("utf-8", "replace") for line in lines):
                if not isinstance(document, dict) or not is_request(document):
                    continue
                custom, asked = document.get("custom_id"), _without_texts(document, _DEPTH_KEPT)
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
