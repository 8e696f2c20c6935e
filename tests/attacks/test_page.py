"""What ``docs/trust.md`` says of attacks is counted here."""

from __future__ import annotations

from pathlib import Path

import test_bombs
import test_hostile_callers
import test_life
from canaries import KEYS, WRITTEN
from names import CONTROL, NAMES
from poisoned import EVERY_FORMAT, with_key_in_each_place

PAGE = (Path(__file__).parent.parent.parent / "docs/trust.md").read_text(encoding="utf-8")


def test_the_page_says_how_much_is_tried() -> None:
    poisoned = sum(len(list(with_key_in_each_place(each, KEYS[0]))) for each in EVERY_FORMAT.values()) * len(KEYS)
    for words in (
        f"{len(KEYS)} forms of raw keys and {len(WRITTEN)} texts of customers",
        f"each of {len(EVERY_FORMAT)} kinds of logs: {poisoned:,} documents",
        f"a life of {len(test_life.LIFE)} commands",
        f"in {len(test_hostile_callers.FAMILIES)} kinds of bodies",
        f"{len(test_hostile_callers.IDS)} ids, {len(test_hostile_callers.MODELS)} names like a model's",
        f"{len(test_hostile_callers.WAYS)} ways to write a path",
        f"{len(NAMES)} names that some program would obey",
        f"and {len(CONTROL)} with control characters",
        f"at most {test_bombs.MEMORY_BYTES_MAX // 2**30} GiB of memory",
    ):
        assert words in PAGE, words
