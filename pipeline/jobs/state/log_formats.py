"""How each source is read: what ``tallybook.toml`` says of it, as the settings of a reader.

Owns the way from the one to the other, and what only readers know: which formats and families there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.collectors import LogFormat
from pipeline.configuration.settings import CONFIG_FILE

if TYPE_CHECKING:
    from pipeline.configuration.settings import Settings, SourceSettings


def log_format_of(settings: Settings, source: SourceSettings) -> LogFormat:
    """Return the settings that the logs of a source are read by.

    Raises ``ConfigurationError`` with the source and what there is, where it names a format or a dialect that nobody
    reads.
    """
    try:
        return LogFormat(
            format=source.format,
            fields=source.fields,
            identity=source.identity.value,
            dialect=source.dialect,
            time_zone=source.time_zone,
            line_bytes_max=settings.limits.line_bytes,
            depth_max=settings.limits.nesting,
        )
    except ConfigurationError as wrong:
        message = f"{CONFIG_FILE}: source {source.name!r}: {wrong}"
        raise ConfigurationError(message) from wrong
