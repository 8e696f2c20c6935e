"""Libraries that only some users need: imported where they are used, and asked for by name where they are missing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.base.errors import ExtraMissing

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def extra_of(extra: str, what: str) -> Iterator[None]:
    """Turn the ``ImportError`` of a library into ``ExtraMissing``, which says what to install.

    >>> with extra_of("pdf", "a PDF"):  # doctest: +SKIP
    ...     import typst
    """
    try:
        yield
    except ImportError as missing:
        message = f"{what} cannot be made: {missing.name} is not installed; run pip install 'tallybook[{extra}]'"
        raise ExtraMissing(message) from missing
