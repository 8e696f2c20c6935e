"""The rule of a shape: asked of the plain reader once, and known from then on, to all threads and logs of a process.

A shape without a rule is handed over for good. Owns what is known. Does not own how a rule is found (``search``), nor
what it says (``rule``).
"""

from __future__ import annotations

import random
import zlib
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from pipeline.collectors.kernel.rules.plain import PlainReader
from pipeline.collectors.kernel.rules.rule import Rule
from pipeline.collectors.kernel.rules.samples import Samples
from pipeline.collectors.kernel.rules.search import Search
from pipeline.collectors.kernel.rules.shapes import HoleKind, parsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.kernel.names import Name
    from pipeline.collectors.kernel.rules.rule import Nothing
    from pipeline.collectors.kernel.rules.shapes import Form, Parsed

_NO_SHAPE = (ValueError, LookupError)
"""What parsing raises of a word of half characters, and of whatever is no shape."""
_known: dict[tuple[str, int, bytes], Rule | Nothing | None] = {}
"""The rules of shapes, by what they are read by: what one thread has asked, no other asks again."""
_known_of_forms: dict[tuple[str, int, Form], tuple[list[str], Rule]] = {}
"""Of shapes of one form, the names of models of one, and its rule."""
_KNOWN_MAX = 2**14
_met: dict[int, float] = {}
"""How many bytes of lines of a shape were met before it was asked of, by a hash of what ``_known`` has it by."""
_asking = Lock()
"""Held while a shape is asked of: another thread that meets the same one waits for the answer."""


class RuleFinder:
    """Finds the rules of lines of one format in logs of one."""

    def __init__(self, log_format: LogFormat, names: Sequence[Name], found: Format | None = None) -> None:
        self._names = names
        self._plain = PlainReader(log_format, found)
        self.taken_apart = self._plain.taken_apart
        """Lines with an id that fits one of these are a shape of their own: a variant."""

    def ids_of(self, shape: bytes) -> tuple[dict[str, int], list[int]]:
        """Return which hole has the id under a name at the top of lines of a shape, and all holes that have ids."""
        try:
            lines = parsed(shape, self._names)
        except _NO_SHAPE:
            return {}, []
        return lines.ids, [at for at, hole in enumerate(lines.holes) if hole.kind is HoleKind.IDENTIFIER]

    def knows(self, shape: bytes, variant: int) -> bool:
        """Tell whether the plain reader was asked of a shape, or of a variant of one, and need not be again."""
        return (self._plain.name, variant, shape) in _known

    def met(self, shape: bytes, variant: int, size: float) -> float:
        """Note that lines of a shape were met; return how many bytes of such lines were, by anyone."""
        known = hash((self._plain.name, variant, shape))
        if len(_met) >= _KNOWN_MAX:
            _met.clear()
        _met[known] = _met.get(known, 0) + size  # where another thread notes likewise, one of both may be lost
        return _met[known]

    def rule_of(self, shape: bytes, example: Sequence[int], variant: int = 0) -> Rule | Nothing | None:
        """Return the rule of a shape, ``None`` where there is none that could be relied on.

        ``example`` are the contents of the holes of one line: its counts are of a usual order. ``variant``: which of
        the patterns ``taken_apart`` an id of the lines fits, from 1 on; 0 for none.
        """
        known = (self._plain.name, variant, shape)
        with _asking:
            if known not in _known:
                if len(_known) >= _KNOWN_MAX:
                    _known.clear()
                    _known_of_forms.clear()
                _known[known] = self._found(shape, example, variant)
            return _known[known]

    def _found(self, shape: bytes, example: Sequence[int], variant: int) -> Rule | Nothing | None:
        try:
            lines = parsed(shape, self._names)
        except _NO_SHAPE:
            return None
        rule = self._of_its_form(shape, lines, example, variant)
        if rule is not None:
            return rule
        samples = self._samples(shape, lines, variant)
        is_one = self._plain.is_of_its_format(samples.line(samples.contents(), {}))
        found = Search(self._plain, samples, example).rule() if is_one else None
        if isinstance(found, Rule):
            _known_of_forms[self._plain.name, variant, lines.form] = lines.models, found
        return found

    def _of_its_form(self, shape: bytes, lines: Parsed, example: Sequence[int], variant: int) -> Rule | None:
        """Return the rule of a shape of the same form, with this one's models, where a sample confirms it."""
        models, known = _known_of_forms.get((self._plain.name, variant, lines.form), ([], None))
        if known is None or known.kept or known.bound:  # each model is asked of
            return None
        renamed: dict[Any, Any] = dict(zip(models, lines.models, strict=True))
        rule = replace(known, shared=tuple(renamed.get(value, value) for value in known.shared))
        return rule if Search(self._plain, self._samples(shape, lines, variant), example).confirms(rule) else None

    def _samples(self, shape: bytes, lines: Parsed, variant: int) -> Samples:
        apart = self.taken_apart[variant - 1] if variant else None
        return Samples(self._plain, lines, random.Random(zlib.crc32(shape)), apart)
