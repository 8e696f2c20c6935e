"""The first lines of a log as documents: of which formats they are, and which fields of a source they have.

Nothing of them goes further than to whoever guesses.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.entries import entries_of, lines_in
from pipeline.collectors.formats.found import REQUEST_LOG, by_name, format_of
from pipeline.collectors.formats.mapping import Mapped
from pipeline.collectors.logs.line_blocks import LineBlocks
from pipeline.collectors.logs.lineage import Continuation
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.collectors.reading.splitting import Pieces, split_of
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import BrokenJson, documents_of, parse
from pipeline.collectors.wrappers import wrapper_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.values.strict_json import JsonObject
    from pipeline.configuration.log_fields import Rule
    from pipeline.configuration.stored.stored_log import LogPath

LINES_MAX = 200
"""So many lines are looked at."""
_BYTES_MAX = 2**24


def sample_documents(path: LogPath, log_format: LogFormat) -> list[JsonObject]:
    """Return the objects on the first lines of a log, as far as these are any; none of one that cannot be read.

    What stands around a line is taken off, and what an array or another document holds is taken out.
    """
    found: list[JsonObject] = []
    place = Continuation(start=0, first_line=1, before=b"", end=_BYTES_MAX, problem=None)
    try:
        with open_log(path, log_format, follows_links=True) as log:
            pieces, head = Pieces(log, place), log.head()
            split = split_of(
                log,
                path.name,
                head,
                pieces,
                place,
                wrapper=wrapper_of(head, log_format.steps),
                line_bytes_max=log_format.line_bytes_max,
                lender=None,
            )
            for group in () if isinstance(split, LineBlocks) else split:
                for line in group:
                    held = lines_in(_document(line.content, log_format.depth_max), log_format)
                    found += [entry.document for entry in held if isinstance(entry.document, dict)]
                if len(found) >= LINES_MAX or split.next_line > LINES_MAX:
                    break
    except LogUnreadable:
        return found
    return found[:LINES_MAX]


def wrapper_in(path: LogPath, log_format: LogFormat) -> str | None:
    """Return the name of what a logger put around the lines of a log.

    ``None`` where nothing is, and for a log that cannot be read.
    """
    try:
        with open_log(path, log_format, follows_links=True) as log:
            found = wrapper_of(log.head(), log_format.steps)
    except LogUnreadable:
        return None
    return None if found is None else found.name


def formats_of(documents: Sequence[JsonObject], log_format: LogFormat) -> list[str]:
    """Return the names of the formats that documents are read as, the most frequent first."""
    if log_format.format is not None or log_format.fields:
        return [log_format.format or REQUEST_LOG]
    found = Counter(REQUEST_LOG if (each := format_of(document)) is None else each.name for document in documents)
    return [name for name, _ in found.most_common()] or [REQUEST_LOG]


def fields_of(name: str, log_format: LogFormat) -> Mapping[str, Any] | None:
    """Return where a format has what a request log says, as ``fields`` would state it.

    ``None`` where it is no mapping, but makes the lines of a request log by code.
    """
    found = by_name().get(name)
    if found is not None and found.mapping is None:
        return None
    return {**((found.mapping or {}) if found is not None else {}), **log_format.fields}


def stated_fields(documents: Sequence[JsonObject], log_format: LogFormat) -> frozenset[str]:
    """Return the fields of a source that at least one exchange of the lines has where ``fields`` says."""
    of_log = entries(documents, log_format)
    return frozenset(
        name
        for name, rule in log_format.rules.items()
        if name in log_format.fields and any(_finds(rule, entry, log_format.depth_max) for entry in of_log)
    )


def _finds(rule: Rule, entry: JsonObject, depth_max: int) -> bool:
    try:
        return Mapped(entry, {}, depth_max).found(rule) not in (None, "")
    except LineRefused:
        return True  # stated twice, and so it is there


def entries(documents: Sequence[JsonObject], log_format: LogFormat) -> list[JsonObject]:
    """Return the lines of a request log that documents are, as far as their format can tell."""
    entries: list[JsonObject] = []
    for document in documents:
        try:
            found, _ = entries_of(document, log_format)
        except LineRefused:
            continue
        entries += [entry for entry in found if isinstance(entry, dict)]
    return entries


def _document(content: bytes | None, depth_max: int) -> Any:
    if not content:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    try:
        return parse(text, depth_max=depth_max)
    except BrokenJson:
        return documents_of(text, depth_max=depth_max) if "\n" in text else None  # documents over several lines each
