"""The ``[[sources]]`` table that is proposed for a log which no source names.

Owns its name, its paths, and how it stands in ``tallybook.toml``. Does not own what its fields are called
(``pipeline.collectors.guess``).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.collectors import Guess, guess_fields, sample_documents
from pipeline.configuration.settings import SourceSettings
from pipeline.configuration.source_files import source_text
from pipeline.jobs.night.given_files import sample_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from pipeline.collectors import LogFormat

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z][A-Za-z0-9_]*)*", re.ASCII)
_KIND = re.compile(r"\.(?:jsonl|ndjson|json|log)(?=[.-]|$)")
_NO_GUESS = Guess(fields={}, doubtful={}, missing=())


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSource:
    """A source for a log that none names, and what is not known of it."""

    settings: SourceSettings
    guess: Guess
    """Empty where the log is read as it is."""

    @property
    def text(self) -> str:
        """Return the table as it can be put into ``tallybook.toml``; what is not known stands there as a comment."""
        source = self.settings
        lines = ["[[sources]]", f"name = {json.dumps(source.name)}", f"paths = {_texts(source.paths)}"]
        lines.append(f"format = {json.dumps(source.format)}")
        if source.fields:
            lines.append(f"fields = {fields_text(source.fields)}")
        lines += [
            f"# {name} is one of {', '.join(paths)}: name it in fields" for name, paths in self.guess.doubtful.items()
        ]
        lines += [
            f"# {name} was not found, and nothing is billed without it: name it in fields"
            for name in self.guess.missing
        ]
        return "\n".join(lines) + "\n"


def new_source(
    root: Path | None, path: Path, *, taken: Collection[str], format_of: Callable[[SourceSettings], LogFormat]
) -> NewSource:
    """Return a source that names a log and the rotated ones beside it, and what its fields are called.

    Fields are guessed where the log is not read without. ``root`` is the workspace's folder, ``taken`` the names that
    other sources have.
    """
    plain = SourceSettings(name=_free_name(path, taken), paths=_paths(root, path))
    if not sample_of(path, path.name, format_of(plain)).is_refused:
        return NewSource(settings=plain, guess=_NO_GUESS)
    guess = guess_fields(sample_documents(path, format_of(plain)))
    settings = SourceSettings(name=plain.name, paths=plain.paths, fields=guess.fields)
    return NewSource(settings=settings, guess=guess)


def mapping_text(source: SourceSettings) -> str:
    """Return how the lines of a source are mapped to those of a request log, as it can stand in its table."""
    lines = [f"# source {source.name!r}", f"format = {json.dumps(source.format)}"]
    lines.append(f"fields = {fields_text(source.fields)}" if source.fields else "fields = {}  # called as we call them")
    return "\n".join(lines) + "\n"


def fields_text(fields: Mapping[str, str]) -> str:
    """Write fields as an inline table of TOML."""
    return "{ " + ", ".join(f"{_key(name)} = {json.dumps(path)}" for name, path in fields.items()) + " }"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _texts(values: Collection[str]) -> str:
    return "[" + ", ".join(json.dumps(value, ensure_ascii=False) for value in values) + "]"


def _free_name(path: Path, taken: Collection[str]) -> str:
    found = _NAME.match(path.name.split(".")[0])
    name = found[0][:32] if found else "gateway"
    numbered = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(each for each in numbered if each not in taken)


def _paths(root: Path | None, path: Path) -> tuple[str, ...]:
    """Return a glob for the logs beside one that are written alike, else the log itself."""
    kind = _KIND.search(path.name)
    named = path.parent / f"*{kind[0]}*" if kind else path
    return (source_text(root, named) if root is not None else str(path.parent.resolve() / named.name),)
