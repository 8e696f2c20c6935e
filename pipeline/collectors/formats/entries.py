"""From a document to the lines of a request log that it holds, and the settings that these are read by.

Owns the choice of the format: the one that a source names, else the one that recognises the document. Does not own
which formats there are (``found``) nor what a line says (``request_log``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.formats.found import BY_NAME, format_of

if TYPE_CHECKING:
    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.strict_json import JsonObject


def entries_of(document: JsonObject, log_format: LogFormat) -> tuple[list[JsonObject], LogFormat]:
    """Return the lines of a request log that a document holds, and the settings to read them by.

    Raises ``LineRefused`` where its format cannot tell.
    """
    found = _format(document, log_format)
    if found is None:
        return [document], log_format
    read_by = log_format.within(found.name, found.mapping)
    return [document] if found.entries is None else found.entries(document), read_by


def is_as_it_stands(document: JsonObject, log_format: LogFormat) -> bool:
    """Tell whether a document is itself the one line of a request log that it holds."""
    return _format(document, log_format) is None


def _format(document: JsonObject, log_format: LogFormat) -> Format | None:
    if log_format.format is not None:
        return BY_NAME.get(log_format.format)
    return None if log_format.fields else format_of(document)
