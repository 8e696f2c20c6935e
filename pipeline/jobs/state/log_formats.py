"""How each source is read: what ``tallybook.toml`` says of it, as the settings of a reader.

Owns the way from the one to the other, and what only readers know: which formats and families there are, and where what
belongs to a log beside it lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.collectors import LogFormat
from pipeline.configuration.settings import CONFIG_FILE
from pipeline.configuration.source_files import find_logs

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.collectors.batch_files import BatchFiles
    from pipeline.configuration.settings import Settings
    from pipeline.configuration.source_settings import SourceSettings
    from pipeline.configuration.stored.stored_log import LogPath


def log_format_of(settings: Settings, source: SourceSettings) -> LogFormat:
    """Return the settings that the logs of a source are read by.

    Raises ``ConfigurationError`` with the source and what there is, where it names a format or a dialect that nobody
    reads, and where batches belong to logs of another format.
    """
    if source.batch is not None and source.format is not None:
        _refuse_other_than_batches(source.name, source.format)
    try:
        return LogFormat(
            format=source.format,
            fields=source.fields,
            identity=source.identity.value,
            dialect=source.dialect,
            time_zone=source.time_zone,
            line_in=source.line_in,
            ids_may_look_like_keys=source.ids_may_look_like_keys,
            line_bytes_max=settings.limits.line_bytes,
            depth_max=settings.limits.nesting,
        )
    except ConfigurationError as wrong:
        message = f"{CONFIG_FILE}: source {source.name!r}: {wrong}"
        raise ConfigurationError(message) from wrong


def _refuse_other_than_batches(name: str, stated: str) -> None:
    from pipeline.collectors.formats.found import batch_apis  # noqa: PLC0415  # imports every format

    if stated not in batch_apis():
        message = (
            f"{CONFIG_FILE}: source {name!r}: batch is for formats {', '.join(batch_apis())}, and its format is "
            f"{stated!r}; leave one of them out"
        )
        raise ConfigurationError(message)


def batch_files_of(root: Path, source: SourceSettings) -> BatchFiles | None:
    """Return the batch objects and input files that a source names; ``None`` where it names none."""
    if source.batch is None:
        return None
    from pipeline.collectors.batch_files import BatchFiles  # noqa: PLC0415  # few sources have batches

    objects, inputs = (
        [log.target for log in find_logs(root, globs, source.link_roots).logs]
        for globs in (source.batch.objects, source.batch.inputs)
    )
    where = ", ".join(source.batch.objects), ", ".join(source.batch.inputs)
    return BatchFiles(objects, inputs, where=where)


def log_format_at(root: Path, settings: Settings, source: SourceSettings, path: LogPath) -> LogFormat:
    """Return the settings that one file is read by as a log of a source, with what is known of its batch."""
    log_format, files = log_format_of(settings, source), batch_files_of(root, source)
    return log_format if files is None else files.of(path).read(log_format)
