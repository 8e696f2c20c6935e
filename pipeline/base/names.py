"""What ids and names may be written with, so that they can stand in file names, columns and messages as they are.

Does not own key ids that are made (``pipeline.usage``), nor tags.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.base.errors import ConfigurationError

ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
"""What people call a thing of their configuration: an account, a rate card, a grant, an item, a coupon, a group."""
ID_IN_WORDS = "1 to 64 of a-z, A-Z, 0-9, dots, dashes or underscores"
NAME = re.compile(r"[A-Za-z0-9._:/@+%-]{1,128}", re.ASCII)
"""What others call a thing: a model, a service tier, a key."""
NAME_IN_WORDS = "1 to 128 of A-Z a-z 0-9 . _ : / @ + % -"


def refuse_unusable_id(what: str, text: str, error: type[ConfigurationError]) -> None:
    """Raise ``error`` for what is no ``ID``; ``what`` says of what it is one: ``account id``."""
    if not ID.fullmatch(text):
        message = f"{what} {text!r} cannot be used; write {ID_IN_WORDS}"
        raise error(message)
