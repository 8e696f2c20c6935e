"""Lets data classes compile a method when it is first called, and not when their module is imported.

``dataclasses`` writes six methods a class as text and compiles each, which takes a third of the start of a command: of
800 that ``collect`` imports where nothing is new, 58 are called. Python 3.13 compiles those of a class at once; there
nothing is done. Programs that import the package are left alone: only commands call this (``start``).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMPILES = "_create_fn"
"""What compiles one method, up to Python 3.12: internal, so whatever else stands there is let alone."""


def compile_methods_late() -> None:
    """Let the methods of data classes be compiled late, of classes that are made from now on, in this process."""
    compiled = vars(dataclasses).get(_COMPILES)
    if compiled is None:
        return

    def late(name: str, args: Sequence[str], body: Sequence[str], **where: Any) -> Any:
        def method(self: Any, *given: Any, **named: Any) -> Any:
            own = compiled(name, args, body, **where)
            own.__qualname__ = method.__qualname__
            for each in type(self).__mro__:
                if vars(each).get(name) is method:
                    setattr(each, name, own)  # from now on it is called without this
            return own(self, *given, **named)

        method.__name__ = name  # of which follows how the class calls it
        return method

    vars(dataclasses)[_COMPILES] = late
