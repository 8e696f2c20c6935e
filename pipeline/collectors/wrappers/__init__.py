"""What loggers put around a line: taken off before the line is read, and what was split is joined.

Owns which wrappers there are (those of modules that are here). A wrapper is known by the first lines of a log, and says
of one line what lies in it. Where a few words before a line are all that tells, a log is known by a line of which JSON
stands behind them; text behind them says nothing then, as a program's greeting does not. Does not own the joining of
parts (``pipeline.collectors.logs.logical_lines``) nor what a line says. To add one, write a module like ``docker``.
Read first: ``wrapper``, then ``docker``.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from pipeline.collectors.values.stored_rows import reaches_into_rows
from pipeline.collectors.wrappers import stored_rows
from pipeline.collectors.wrappers.wrapper import Unwrapped, Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["WRAPPERS", "Unwrapped", "Wrapper", "wrapper_of"]

_FIRST_LINES = 8
"""So many lines of a log that say anything are looked at: one may be damaged. Texts that some wrapper may be around
are passed over: what programs write until they serve is longer.
"""


def _found() -> Iterator[Wrapper]:
    """Yield the wrappers of the modules that are here, by the names of the modules."""
    for found in iter_modules(__path__, f"{__name__}."):
        module = import_module(found.name)
        if hasattr(module, "unwrap"):
            yield Wrapper(module.NAME, module.unwrap, getattr(module, "knows", partial(_is_of, module.unwrap)))


def _is_of(unwrap: Callable[[bytes], Unwrapped | None], line: bytes) -> bool:
    return unwrap(line) is not None


WRAPPERS = tuple(_found())


def wrapper_of(head: bytes, steps: Collection[str] = ()) -> Wrapper | None:
    """Return what is put around the lines of a log, by its first bytes; ``None`` where nothing is.

    The wrapper is the one of the first line that shows any. ``steps`` are those of paths that its source names: rows of
    a database into whose types or changes they lead are read as they are.
    """
    looked_at = 0
    for line in head.split(b"\n"):
        content = line.rstrip(b"\r")
        if not content.strip():
            continue
        known = next((wrapper for wrapper in WRAPPERS if wrapper.knows(content)), None)
        if known is not None:
            return None if known.name == stored_rows.NAME and reaches_into_rows(steps) else known
        looked_at += all(wrapper.unwrap(content) is None for wrapper in WRAPPERS)
        if looked_at == _FIRST_LINES:
            break
    return None
