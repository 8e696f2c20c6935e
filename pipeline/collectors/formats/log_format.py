"""How one source writes its log: which field is called what, which rules hold, and how much is too much.

Owns the settings of a reader and their validation. Does not own ``tallybook.toml`` (``pipeline.jobs`` reads it).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.collectors.families import BY_NAME
from pipeline.collectors.identity import IDENTITIES
from pipeline.usage.events import LOG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

READER_VERSION = 2
"""A change of what the reader makes of a line is a new number: what could not be read before is then read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFormat:
    """The settings a log is read by.

    Construction raises ``ConfigurationError`` naming the setting that cannot be meant.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    """Our name of a field to the log's own: ``{"ts": "time", "api_key_id": "auth.key_id"}``."""
    identity: str = "response-id"
    """Which id says that two lines are the same exchange: ``response-id``, ``request-id`` where response ids repeat, or
    ``both`` together where callers choose response ids.
    """
    dialect: str | None = None
    """One of ``families.FAMILIES``: every body is read as that one; ``None``: found from the body."""
    line_bytes_max: int = 64 * 2**20
    depth_max: int = 64
    decompressed_bytes_max: int = 2**40

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        for name, log_name in self.fields.items():
            if name not in LOG_FIELDS:
                message = f"fields: there is no field {name!r}; the fields are {', '.join(LOG_FIELDS)}"
                raise ConfigurationError(message)
            if not log_name or not all(log_name.split(".")):
                message = f"fields: {name} = {log_name!r} is no name and no path of names"
                raise ConfigurationError(message)
        if self.identity not in IDENTITIES:
            message = f"identity is {self.identity!r}; it is one of {', '.join(IDENTITIES)}"
            raise ConfigurationError(message)
        if self.dialect is not None and self.dialect not in BY_NAME:
            message = f"dialect is {self.dialect!r}; it is one of {', '.join(BY_NAME)}"
            raise ConfigurationError(message)
        for name in ("line_bytes_max", "depth_max", "decompressed_bytes_max"):
            if getattr(self, name) < 1:
                message = f"{name} is {getattr(self, name)}; it is at least 1"
                raise ConfigurationError(message)


def read_by(log_format: LogFormat) -> str:
    """Return what identifies the reader: its version, and a digest of the settings that a log is read by."""
    settings = json.dumps(
        {each.name: getattr(log_format, each.name) for each in fields(log_format)}, default=dict, sort_keys=True
    )
    return f"{READER_VERSION}-{hashlib.sha256(settings.encode()).hexdigest()[:16]}"
