"""The places of a document, by their paths: as ``fields`` in ``tallybook.toml`` would name them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.collectors.values.strict_json import JsonObject

_DEPTH_MAX = 3
_SAFE_STEP = re.compile(r"[A-Za-z_@][A-Za-z0-9_@-]*", re.ASCII)


def written(path: Sequence[str]) -> str:
    """Return a path as one text; a step in double quotes where it has other characters than names mostly have."""
    return ".".join(step if _SAFE_STEP.fullmatch(step) else json.dumps(step) for step in path)


def innermost(paths: Sequence[str]) -> list[str]:
    """Return paths without those that another one lies within."""
    return [path for path in paths if not any(other.startswith(f"{path}.") for other in paths)]


def safe_places(value: JsonObject, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the paths of an object that can be written without quotes, with what lies there."""
    for name, inner in value.items():
        if _SAFE_STEP.fullmatch(name):
            yield (*above, name), inner
            if isinstance(inner, dict) and len(above) + 1 < _DEPTH_MAX:
                yield from safe_places(inner, (*above, name))


def all_places(value: JsonObject, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the paths of an object, with what lies there."""
    for name in value:
        inner = value.get(name)
        yield (*above, name), inner
        if isinstance(inner, dict) and len(above) + 1 < _DEPTH_MAX:
            yield from all_places(inner, (*above, name))
