"""What is run of ``sql/``, as text to be read or pasted into a DuckDB shell.

Lists are written out; a parameter is a variable of the shell, set to what the workspace says. Does not own what is run
(``build``), nor the relations themselves (``relations``).
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.resources import sql_folder
from pipeline.warehouse.relations import LAYERS, PARAMETER, load_checks, load_relations, needed_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.warehouse.relations import Relation

_COMMENT = re.compile(r"--[^\n]*")
_SENTENCE = re.compile(r".*?(?:\.(?= )|$)", re.DOTALL)


def listed() -> Iterator[tuple[str, str, str]]:
    """Yield the folder of every relation and check, its name, and the first sentence of what it says of itself."""
    folder = sql_folder()
    relations = load_relations(folder)
    for layer in LAYERS:
        for file in sorted((folder / layer).glob("*.sql")):
            yield layer, file.stem, _says(relations[file.stem])
    for severity in ("blocking", "advisory"):
        for name, check in load_checks(folder, severity).items():
            yield f"checks/{severity}", name, _says(check)


def printed(name: str, parameters: Mapping[str, str]) -> str:
    """Return what is run for a relation or a check.

    Raises ``ConfigurationError`` where there is none of that name.
    """
    folder = sql_folder()
    relations = load_relations(folder)
    checks = load_checks(folder, "blocking") | load_checks(folder, "advisory")
    if name in checks:
        return _asked(checks[name], parameters)
    if name in relations:
        return _created(relations[name], parameters)
    meant = get_close_matches(name, [*relations, *checks], 1)
    hint = f"did you mean {meant[0]!r}? " if meant else ""
    message = f"there is no relation and no check {name!r}; {hint}'tallybook sql' lists them"
    raise ConfigurationError(message)


def printed_for(wanted: str, parameters: Mapping[str, str]) -> str:
    """Return what is run for a relation and for all that it is made of, in order."""
    needed = needed_for(load_relations(sql_folder()), [wanted])
    return "\n".join(_created(relation, parameters) for relation in needed)


def _says(relation: Relation) -> str:
    head = relation.sql.partition("-- grain: ")[0].replace("\n-- ", " ").removeprefix("-- ").strip()
    return _SENTENCE.match(head)[0]  # type: ignore[index]  # it matches any text


def _created(relation: Relation, parameters: Mapping[str, str]) -> str:
    kind = "table" if relation.is_kept else "view"
    return _text(relation, parameters, f'create or replace temp {kind} "{relation.name}" as\n')


def _asked(check: Relation, parameters: Mapping[str, str]) -> str:
    return _text(check, parameters, "")


def _text(relation: Relation, parameters: Mapping[str, str], begin: str) -> str:
    reads = f"-- reads: {', '.join(sorted(relation.reads))}\n"
    variables = "".join(
        f"set variable {name} = {_literal(parameters.get(name))};\n" for name in sorted(relation.parameters)
    )
    head, select = _head_and_select(relation.sql)
    select = PARAMETER.sub(r"getvariable('\1')", select)
    return f"{head}{reads}{variables}{begin}{select.rstrip()};\n"


def _head_and_select(sql: str) -> tuple[str, str]:
    lines = sql.splitlines(keepends=True)
    at = next(index for index, line in enumerate(lines) if not _COMMENT.match(line))
    return "".join(lines[:at]), "".join(lines[at:])


def _literal(value: str | None) -> str:
    return "null" if value is None else "'" + value.replace("'", "''") + "'"
