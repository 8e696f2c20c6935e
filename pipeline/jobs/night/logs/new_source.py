"""The ``[[sources]]`` table that is proposed for a log which no source names.

Owns its name, its paths, and how it stands in ``tallybook.toml``. Does not own what its fields are called
(``pipeline.collectors.guess``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.collectors.batch_files import BatchFiles
from pipeline.collectors.formats.found import batch_apis
from pipeline.collectors.guess.contents import CACHED, COUNTS, guess_line_in
from pipeline.collectors.guess.fields import Guess, guess_fields
from pipeline.collectors.guess.keys import places_of_keys
from pipeline.collectors.guess.samples import fields_of, formats_of, sample_documents, stated_fields
from pipeline.configuration.source_files import source_text
from pipeline.configuration.source_settings import BatchPaths, SourceSettings
from pipeline.configuration.stored.stored_log import StoredLog
from pipeline.jobs.night.logs.given_files import sample_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from pipeline.collectors import LogFormat
    from pipeline.collectors.values.strict_json import JsonObject
    from pipeline.configuration.stored.stored_log import LogPath

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z][A-Za-z0-9_]*)*", re.ASCII)
_KIND = re.compile(r"\.(?:jsonl|ndjson|json|log|parquet)(?=[.-]|$)")
_REQUEST_LOG = "request-log"
_NO_BATCH_WITH_REQUESTS = (
    '# batch = { objects = ["…/*.json"], inputs = ["…/*.jsonl"] }  # where batch objects and input files '
    "lie, whose ids are in the names of their files"
)
_NO_BATCH = (
    '# batch = { objects = ["…/*.json"] }  # where batch objects lie, whose ids are in the names of logs or of their '
    "folders"
)
_KEY = "api_key_id"
_KEYS = (_KEY, "api_key")
_AS_THEY_ARE = ("identity", "dialect", "time_zone", "ids_may_look_like_keys", "link_roots", "gone", "full_listing_days")
"""What no log tells of its source."""
_RESPONSE = "response"
_UNREAD_RESPONSE = (
    '# response is no answer of an API in any line: where a model wrote it, add response = "answer_of_the_api" to '
    "fields, which no line has; else whoever has it write an answer with usage is billed by that"
)
_FIELDS_MISSED = {"ts": "ts", "api_key or api_key_id": _KEY}
"""What lines are refused for that lack it."""
_NO_GUESS = Guess(fields={}, doubtful={}, missing=())


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSource:
    """A source for a log that none names, and what is not known of it."""

    settings: SourceSettings
    guess: Guess
    """Empty where the log is read as it is."""
    key_places: tuple[str, ...] = ()
    """Where the log may tell whose key it was, if nothing else does."""
    has_results: bool = False
    """Whether it is a batch object that holds its results, and so lacks none."""

    @property
    def text(self) -> str:
        """Return the table as it can be put into ``tallybook.toml``; what is not known stands there as a comment."""
        source = self.settings
        lines = ["[[sources]]", f"name = {json.dumps(source.name)}", f"paths = {_texts(source.paths)}"]
        if source.format is not None:
            lines.append(f"format = {json.dumps(source.format)}")
        if source.line_in is not None:
            lines.append(f"line_in = {json.dumps(source.line_in)}")
        lines += [f"{name} = {_value(getattr(source, name))}" for name in _AS_THEY_ARE if _is_stated(source, name)]
        if source.batch is not None:
            inputs = f", inputs = {_texts(source.batch.inputs)}" if source.batch.inputs else ""
            lines.append(f"batch = {{ objects = {_texts(source.batch.objects)}{inputs} }}")
        elif (api := batch_apis().get(source.format or "")) is not None and not self.has_results:
            lines.append(_NO_BATCH if api.shared is None else _NO_BATCH_WITH_REQUESTS)
        if source.fields:
            lines.append(f"fields = {fields_text(source.fields)}")
        lines += [
            f"# {name} is one of {', '.join(paths)}: name it in fields"
            for name, paths in self.guess.doubtful.items()
            if name != CACHED
        ]
        lines += [
            f"# {CACHED} may be {' or '.join(paths)}: name it in fields, if {COUNTS[0]} has it within"
            for paths in (self.guess.doubtful.get(CACHED, ()),)
            if paths
        ]
        lines += [
            f"# {name} was not found, and nothing is billed without it: name it in fields{self._such_as(name)}"
            for name in self.guess.missing
        ]
        lines += [
            f"# {name} was not found; if the log has it, name it in fields"
            for name in self.guess.unknown
            if name not in source.fields
        ]
        if self.guess.has_unread_response:
            lines.append(_UNREAD_RESPONSE)
        return "\n".join(lines) + "\n"

    def _such_as(self, name: str) -> str:
        if name == _RESPONSE:
            return ", or usage, where the log has the counts of answers alone"
        if name != _KEY:
            return ""
        places = " or ".join(_literal(place) for place in self.key_places)
        constant = '{ value = "…" }, where all of it is of one key'
        return f", as {name} = {places or constant}"


def new_source(
    root: Path | None, path: LogPath, *, taken: Collection[str], format_of: Callable[[SourceSettings], LogFormat]
) -> NewSource:
    """Return a source that names a log and the rotated ones beside it, and what its fields are called.

    Fields are guessed where the log is not read without. ``root`` is the workspace's folder, ``taken`` the names that
    other sources have.
    """
    plain = SourceSettings(name=_free_name(path.name, taken), paths=paths_beside(root, path))
    documents = sample_documents(path, format_of(plain))
    formats = formats_of(documents, format_of(plain)) if documents else []
    as_it_is = sample_of(path, path.name, format_of(plain))
    named, guess = replace(plain, format=formats[0] if len(formats) == 1 else None), _NO_GUESS
    if as_it_is.is_refused and formats == [_REQUEST_LOG]:
        within = _within_text(plain, path, documents, format_of)
        guess = guess_fields(documents) if within is None else within.guess
        named = replace(named, fields=guess.fields) if within is None else within.settings
    has_results = False
    if len(formats) == 1 and formats[0] in batch_apis():
        has_results = not isinstance(path, StoredLog) and BatchFiles([path], (), where=("", "")).is_whole(path)
        paths, batch = (plain.paths, None) if has_results else _batch_beside(root, path)
        named = replace(named, name=_free_name("batches", taken), paths=paths or plain.paths, batch=batch)
    sample = sample_of(path, path.name, format_of(named))
    if sample.refused > as_it_is.refused:
        return NewSource(settings=plain, guess=_NO_GUESS)  # its lines tell better than what was made of the first ones
    if not guess.missing and sample.is_refused:
        guess = replace(
            guess, missing=tuple(_FIELDS_MISSED[each] for each in sorted(sample.missing & {*_FIELDS_MISSED}))
        )
    places = places_of_keys(documents, format_of(named)) if _KEY in guess.missing else ()
    return NewSource(settings=named, guess=guess, key_places=places, has_results=has_results)


def mended_source(
    root: Path | None, path: LogPath, source: SourceSettings, format_of: Callable[[SourceSettings], LogFormat]
) -> NewSource | None:
    """Return a source that reads a log which a configured one refuses, and says all else as that one does.

    Fields that it names rightly stay as well. ``None`` where it is not refused, and where nobody knows what would read
    it.
    """
    if not _is_refused(path, source, format_of):
        return None
    bare = SourceSettings(name=source.name, paths=source.paths)
    found = (_found_for(kept, root, path, source, format_of) for kept in (source, bare))
    return next((each for each in found if each is not None), None)


def _found_for(
    kept: SourceSettings,
    root: Path | None,
    path: LogPath,
    source: SourceSettings,
    format_of: Callable[[SourceSettings], LogFormat],
) -> NewSource | None:
    """Return a source that reads a log, with what ``kept`` says beside the format and the fields."""

    def as_kept(found: SourceSettings) -> SourceSettings:
        batch = found.batch or kept.batch
        return replace(kept, format=found.format, fields=found.fields, line_in=found.line_in, batch=batch)

    new = new_source(root, path, taken=(), format_of=lambda found: format_of(as_kept(found)))
    found = as_kept(new.settings)
    for settings in (*_with_own_fields(path, source, found, format_of), found):
        if not _is_refused(path, settings, format_of):
            return replace(new, settings=settings)
    return None


def _is_refused(path: LogPath, source: SourceSettings, format_of: Callable[[SourceSettings], LogFormat]) -> bool:
    return sample_of(path, path.name, format_of(source)).is_refused


def _with_own_fields(
    path: LogPath, source: SourceSettings, found: SourceSettings, format_of: Callable[[SourceSettings], LogFormat]
) -> list[SourceSettings]:
    """Return what was found with the fields that a source names rightly: these before what was found, and behind it.

    None where the two are of different formats.
    """
    if (source.format or _REQUEST_LOG, source.line_in) != (found.format or _REQUEST_LOG, found.line_in):
        return []
    log_format = format_of(source)
    stated = stated_fields(sample_documents(path, log_format), log_format)
    own = {name: rule for name, rule in source.fields.items() if name in stated}
    return [
        replace(found, fields={**_less_its_key(less, where=more), **more})
        for less, more in ((found.fields, own), (own, found.fields))
    ]


def _less_its_key(fields: Mapping[str, Any], *, where: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields without that of the key, of either kind, where other fields have one."""
    has_key = any(name in where for name in _KEYS)
    return {name: rule for name, rule in fields.items() if not (has_key and name in _KEYS)}


def _within_text(
    plain: SourceSettings,
    path: LogPath,
    documents: Sequence[JsonObject],
    format_of: Callable[[SourceSettings], LogFormat],
) -> NewSource | None:
    """Return a source whose lines lie in a field of a log as JSON text; ``None`` where what lies there is no line."""
    place = guess_line_in(documents)
    if place is None:
        return None
    named = replace(plain, line_in=place)
    inner = sample_documents(path, format_of(named))
    formats, guess = formats_of(inner, format_of(named)) if inner else [], _NO_GUESS
    if formats == [_REQUEST_LOG] and sample_of(path, path.name, format_of(named)).is_refused:
        guess = guess_fields(inner)
    named = replace(named, format=formats[0] if len(formats) == 1 else None, fields=guess.fields)
    sample = sample_of(path, path.name, format_of(named))
    return NewSource(settings=named, guess=guess) if sample.lines and not sample.is_refused else None


def _batch_beside(root: Path | None, path: LogPath) -> tuple[tuple[str, ...], BatchPaths | None]:
    """Return where the batch of a file lies, of its output or its requests: in its own folder, or in that above.

    Where that folder is named by the batch there will be others beside it, so the paths of their logs come first; they
    are empty where it is not.
    """
    if isinstance(path, StoredLog):
        return (), None
    here = path.resolve()
    for folder, plain in zip((here.parent, here.parent.parent), (path.parent, path.parent.parent), strict=True):
        files = sorted(each for each in folder.iterdir() if each.is_file())
        batches = BatchFiles([each for each in files if each.suffix == ".json"], files, where=("", ""))
        found = batches.of(here)
        if found.object is None:
            continue
        asked = here if batches.has(here) else found.input
        inputs = () if asked is None else paths_beside(root, plain / asked.name)
        kind = _KIND.search(path.name)
        paths: tuple[str, ...] = ()
        if folder != here.parent and kind is not None:
            paths = (_text_of(root, plain / "*" / f"*{kind[0]}*"),)
        return paths, BatchPaths(objects=(_text_of(root, plain / "*.json"),), inputs=inputs)
    return (), None


def mapping_text(source: SourceSettings, formats: Collection[str], log_format: LogFormat) -> str:
    """Return how lines of these formats are mapped to those of a request log, as it can stand in a source's table."""
    tables = []
    for name in formats:
        fields = fields_of(name, log_format)
        if fields is None:
            what = "# its lines are no mapping: Tallybook makes the lines of a request log of them\n"
        elif fields:
            what = "".join(f"fields.{_key(field)} = {_value(rule)}\n" for field, rule in fields.items())
        else:
            what = "fields = {}  # called as we call them\n"
        tables.append(f"# source {source.name!r}\nformat = {json.dumps(name)}\n{what}")
    return "\n".join(tables)


def fields_text(fields: Mapping[str, Any]) -> str:
    """Write fields as an inline table of TOML."""
    return _value(fields)


def _value(value: Any) -> str:
    """Write what may stand in ``fields`` as TOML."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_value(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _is_stated(source: SourceSettings, name: str) -> bool:
    """Say whether a source says something else than one that leaves a key out."""
    return bool(getattr(source, name) != getattr(SourceSettings(name="", paths=()), name))


def _literal(text: str) -> str:
    """Write a path as a string of TOML: in single quotes where it has double ones."""
    return f"'{text}'" if '"' in text and "'" not in text else json.dumps(text, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _texts(values: Collection[str]) -> str:
    return "[" + ", ".join(json.dumps(value, ensure_ascii=False) for value in values) + "]"


def _free_name(name: str, taken: Collection[str]) -> str:
    found = _NAME.match(name.partition(".")[0])
    name = found[0][:32] if found else "gateway"
    numbered = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(each for each in numbered if each not in taken)


def paths_beside(root: Path | None, path: LogPath) -> tuple[str, ...]:
    """Return a glob for the logs beside one that are written alike, else the log itself."""
    kind = _KIND.search(path.name)
    if isinstance(path, StoredLog):
        return (f"{path.url.removesuffix(path.name)}*{kind[0]}*" if kind else path.url,)
    return (_text_of(root, path.parent / f"*{kind[0]}*" if kind else path),)


def _text_of(root: Path | None, glob: Path) -> str:
    return source_text(root, glob) if root is not None else str(glob.parent.resolve() / glob.name)
