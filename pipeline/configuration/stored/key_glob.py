"""A glob with a scheme, ``s3://bucket/logs/**/*.jsonl.gz``, and which keys of its bucket it names.

The rules are those of globs of files: ``*``, ``?`` and ``[…]`` within one part of a key, ``**`` for any number of
parts, and none of them for a part that begins with a dot.

Owns these rules and what of a bucket has to be listed. Does not own listing.
"""

from __future__ import annotations

import fnmatch
import re
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCHEMES = ("s3://", "gs://", "az://")
_MAGIC = re.compile(r"[*?\[]")
_OTHER_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}", re.ASCII)


def is_stored(path: str) -> bool:
    """Say whether a glob, or the name of a log, is of an object store."""
    return path.startswith(_SCHEMES)


def names_another_scheme(path: str) -> bool:
    """Say whether a glob has a scheme that logs are not read by, such as ``abfs://`` or ``hdfs://``."""
    return not is_stored(path) and _OTHER_SCHEME.match(path) is not None


class KeyGlob:
    """Which keys of which bucket a glob names."""

    def __init__(self, glob: str) -> None:
        """Take a glob for which ``is_stored``. Raises ``ConfigurationError`` for one that names no bucket or no key."""
        scheme, _, rest = glob.partition("://")
        bucket, _, key = rest.partition("/")
        if not _BUCKET.fullmatch(bucket) or "" in key.split("/") or {".", ".."} & set(key.split("/")):
            message = (
                f"{glob!r} names no logs of a bucket; write the bucket without wildcards, then keys without empty "
                'parts, such as "s3://bucket/logs/*.jsonl.gz"'
            )
            raise ConfigurationError(message)
        self.glob = glob
        self.bucket = f"{scheme}://{bucket}"
        self._parts = tuple(key.split("/"))

    @cached_property
    def literal(self) -> str | None:
        """The one key that it names; ``None`` of a glob with wildcards."""
        return None if any(map(_MAGIC.search, self._parts)) else "/".join(self._parts)

    @cached_property
    def folder(self) -> str:
        """The longest beginning of its keys that is whole parts without wildcards; may be empty."""
        return "/".join(self._parts[: self._wild])

    @cached_property
    def after(self) -> str | None:
        """A key that lies before all that it names, and behind others of its folder; ``None`` where there is none."""
        wild = _MAGIC.search(self._parts[self._wild])
        before = self._parts[self._wild][: wild.start()] if wild else ""
        # Less one sign, since the beginning itself may be a key.
        return "/".join((*self._parts[: self._wild], before[:-1])) if len(before) > 1 else None

    def names(self, key: str) -> bool:
        """Say whether it names a key."""
        return _fits(key.split("/"), self._matchers)

    @property
    def _wild(self) -> int:
        """Return the place of the first part with a wildcard, else of the last part."""
        last = len(self._parts) - 1
        return next((place for place, part in enumerate(self._parts) if _MAGIC.search(part)), last)

    @cached_property
    def _matchers(self) -> tuple[re.Pattern[str] | None, ...]:
        return tuple(None if part == "**" else re.compile(_of_part(part)) for part in self._parts)


def _of_part(part: str) -> str:
    return rf"(?!\.){fnmatch.translate(part)}" if _MAGIC.search(part) else rf"{re.escape(part)}\Z"


def _fits(parts: Sequence[str], matchers: Sequence[re.Pattern[str] | None]) -> bool:
    """Say whether all the parts are matched; ``None`` stands for any number of them."""
    for place, matcher in enumerate(matchers):
        if matcher is None:
            rest = matchers[place + 1 :]
            if not rest:  # everything below
                return len(parts) > place and not any(part.startswith(".") for part in parts[place:])
            for taken in range(place, len(parts)):
                if _fits(parts[taken:], rest):
                    return True
                if parts[taken].startswith("."):
                    return False
            return False
        if place >= len(parts) or not matcher.match(parts[place]):
            return False
    return len(parts) == len(matchers)
