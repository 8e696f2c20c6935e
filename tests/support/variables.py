"""Variables of the environment of this process, for as long as something runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def variables(given: Mapping[str, str]) -> Iterator[None]:
    """Set those given, and no other.

    ``mock.patch.dict(os.environ)`` empties the environment and fills it again: a thread of a library that asks for a
    variable meanwhile (``getenv`` in a client of a store, or in the engine) reads memory that was freed, and the
    process ends by a signal.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        yield
