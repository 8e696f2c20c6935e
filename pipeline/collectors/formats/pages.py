"""Pages of APIs that list what they keep: a document is one row, or a page with several of them in a list.

Owns the rows of a page, and where the refusal of one stands. Does not own where a format's pages have their list, nor
what a row says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.collectors.values.strict_json import JsonObject

_Read = TypeVar("_Read")


def first_row(page: Any, document: JsonObject) -> JsonObject | None:
    """Return the row by which a document is recognised: the first of its page, else itself; ``None``: it is no object.

    >>> first_row([{"id": 1}, 7], {}), first_row([], {"id": 2}), first_row("a", {"id": 3}), first_row([7], {})
    ({'id': 1}, {'id': 2}, {'id': 3}, None)
    """
    first = page[0] if isinstance(page, list) and page else document
    return first if isinstance(first, dict) else None


def rows_of(page: Any, refused_as: str) -> list[JsonObject]:
    """Return the rows of a page. Raises ``LineRefused`` (``invalid_field``, ``refused_as``) where one is no object."""
    if not isinstance(page, list) or not all(isinstance(each, dict) for each in page):
        raise LineRefused(QuarantineReason.INVALID_FIELD, refused_as)
    return page


def each_or_refused(read: Callable[[JsonObject], _Read], rows: Iterable[JsonObject]) -> list[_Read | LineRefused]:
    """Return what each row is read as; the refusal of one that cannot be read stands in its place."""
    found: list[_Read | LineRefused] = []
    for row in rows:
        try:
            found.append(read(row))
        except LineRefused as refused:
            found.append(refused)
    return found
