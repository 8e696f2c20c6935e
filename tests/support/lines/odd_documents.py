"""Documents with anything in any place: what no program writes, and a reader must bear."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as some

if TYPE_CHECKING:
    from collections.abc import Iterator


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every value within a document, its own, which is empty, first."""
    yield path
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for step, value in inner:
        yield from places(value, (*path, step))


def changed_in_places(document: Any, values: some.SearchStrategy[Any], chance: some.DataObject) -> Any:
    """Return a copy of a document with one to three of the values within it replaced."""
    changed = deepcopy(document)
    for _ in range(chance.draw(some.integers(1, 3))):
        *above, last = chance.draw(some.sampled_from([path for path in places(changed) if path]))
        holder: Any = changed
        for step in above:
            holder = holder[step]
        holder[last] = chance.draw(values)
    return changed
