"""Lists of columns in the files of ``sql/``: named there, and written out here before anything is run.

Both DuckDB's and Spark's dialect have ``group by all``. Neither can add up, compare or negate each of some columns.
There, a line of SQL that holds ``@dimensions`` or ``@counts`` stands for one such line a column, with the column's name
in its place (``@{counts}`` where letters follow):

    coalesce(@dimensions, '') as @dimensions,     coalesce(service_tier, '') as service_tier,
    sum(@counts)::bigint as @counts               sum(prompt_tokens)::bigint as prompt_tokens,
                                                  sum(completion_tokens)::bigint as completion_tokens
    and copy.@counts = survivor.@counts           and copy.prompt_tokens = survivor.prompt_tokens
                                                  and copy.completion_tokens = survivor.completion_tokens

Commas stand between the lines, unless the line begins with ``and``, ``or`` or ``when``. Comments are left as they are.

Owns what lists there are and how they are written out. Does not own which columns are in them.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.usage import events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

LISTS: Mapping[str, Sequence[str]] = {
    "dimensions": [column.name for column in events.DIMENSIONS],
    "counts": [column.name for column in events.COUNTS],
}
"""The columns that a name stands for."""

_NAMED = re.compile(r"@(?:\{([^{}]*)\}|(\w*))")
_COMMENT = re.compile(r"\s*--.*")


@lru_cache(maxsize=256)
def written_out(sql: str, file: Path) -> str:
    """Return the text of a file with its lists written out.

    Raises ``ConfigurationError`` with file and line where there is no list of a name, or several on one line.
    """
    return "\n".join(
        each for number, line in enumerate(sql.split("\n"), start=1) for each in _lines(line, f"{file}:{number}")
    )


def _lines(line: str, place: str) -> Iterator[str]:
    code = _COMMENT.sub("", line)
    names = {braced or bare for braced, bare in _NAMED.findall(code)}
    if not names:
        yield line
        return
    for name in sorted(names - LISTS.keys()):
        meant = get_close_matches(name, LISTS, 1)
        what = f"did you mean @{meant[0]}? " if meant else ""
        message = f"{place}: there is no list @{name}; {what}the lists are {', '.join(f'@{each}' for each in LISTS)}"
        raise ConfigurationError(message)
    if len(names) > 1:
        message = f"{place}: {' and '.join(f'@{name}' for name in sorted(names))} stand on one line; give each its own"
        raise ConfigurationError(message)
    (name,) = names
    repeated = [_NAMED.sub(column, code.rstrip().removesuffix(",")) for column in LISTS[name]]
    if code.split(maxsplit=1)[0] in ("and", "or", "when"):
        yield from repeated
        return
    yield from (f"{each}," for each in repeated[:-1])
    yield repeated[-1] + ("," if code.rstrip().endswith(",") else "")
