"""What loggers put around a line: taken off before the line is read, and what was split is joined.

Owns which wrappers there are (those of modules that are here). A wrapper is known by the first lines of a log, and says
of one line what lies in it. Does not own the joining of parts (``pipeline.collectors.logs.logical_lines``) nor what a
line says. To add one, write a module like ``docker``. Read first: ``wrapper``, then ``docker``.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from pipeline.collectors.wrappers.wrapper import Unwrapped, Wrapper

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WRAPPERS", "Unwrapped", "Wrapper", "wrapper_of"]

_FIRST_LINES = 8
"""So many lines of a log that say anything are looked at: one may be damaged."""


def _found() -> Iterator[Wrapper]:
    """Yield the wrappers of the modules that are here, by the names of the modules."""
    for found in iter_modules(__path__, f"{__name__}."):
        module = import_module(found.name)
        if hasattr(module, "unwrap"):
            yield Wrapper(module.NAME, module.unwrap)


WRAPPERS = tuple(_found())


def wrapper_of(head: bytes) -> Wrapper | None:
    """Return what is put around the lines of a log, by its first bytes; ``None`` where nothing is.

    The wrapper is the one of the first line that has any.
    """
    lines = [line for line in head.split(b"\n") if line.strip()][:_FIRST_LINES]
    return next(
        (wrapper for line in lines for wrapper in WRAPPERS if wrapper.unwrap(line.rstrip(b"\r")) is not None), None
    )
