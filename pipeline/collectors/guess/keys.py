"""What may be the id of a key or a raw key, and which places of a log may tell whose its exchanges were."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.base.raw_keys import is_raw_key
from pipeline.collectors.formats.fingerprint import bare_key
from pipeline.collectors.formats.found import batch_apis
from pipeline.collectors.guess.places import all_places, written
from pipeline.collectors.guess.samples import entries
from pipeline.usage.events import LOG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.values.strict_json import JsonObject

_CHARACTERS_MAX = 128
_RAW_BEGINS = ("sk-", "sk_", "pk-", "pk_", "rk_", "gsk_", "xai-", "AIza", "AKIA", "Bearer ", "bearer ")
_RAW_CHARACTERS_MIN = 32
_OURS = re.compile(r"key_[0-9a-f]{32}", re.ASCII)
_PLACES_MAX = 5
_TELLING = tuple(
    re.compile(rf"(?:^|[._-])(?:{words})(?:$|[._-])", re.IGNORECASE)
    for words in (
        "api_?key(?:_?(?:id|hash|alias))?|key_?(?:id|hash|alias)?|virtual_?key|credential",
        "tenant(?:_?id)?|customer(?:_?id)?|consumer|account(?:_?id)?|client(?:_?id)?",
        "team(?:_?id)?|org(?:anization)?(?:_?id)?|project(?:_?id)?|user_?(?:id|name)?|enduser",
        "service|app(?:lication)?",
    )
)
"""Names of what may tell whose an exchange was, from the likeliest on."""


def looks_raw(value: str) -> bool:
    """Say whether a text may be a raw key, which is never taken for an id: it would be stored as it is."""
    return (
        value.startswith(_RAW_BEGINS)
        or is_raw_key(value)
        or (len(value) >= _RAW_CHARACTERS_MIN and " " not in value and not _OURS.fullmatch(value))
    )


def is_key_id(value: Any) -> bool:
    """Say whether a value can be the id of a key."""
    return isinstance(value, str) and 0 < len(value) <= _CHARACTERS_MAX and not looks_raw(value)


def may_be_raw(value: Any) -> bool:
    """Say whether a value may be a raw key, also behind ``Bearer``."""
    return isinstance(value, str) and looks_raw(bare_key(value))


def places_of_keys(documents: Sequence[JsonObject], log_format: LogFormat) -> tuple[str, ...]:
    """Return where every exchange of a log has what may tell whose it was, as ``fields`` would name it.

    The likeliest come first. Of a format that makes entries, these are what they have for ``fields`` to name. What
    tells requests of a batch apart tells nothing of who made them.
    """
    api = batch_apis().get(log_format.format or "")
    of_request = None if api is None else api.shared
    of_log = entries(documents, log_format)
    ranks: dict[str, int] = {}
    count: Counter[str] = Counter()
    for entry in of_log:
        for path, value in all_places(entry, ()):
            rank = next((rank for rank, tells in enumerate(_TELLING) if tells.search(path[-1])), None)
            if rank is not None and path[0] not in LOG_FIELDS and path[-1] != of_request and is_key_id(value):
                text = written(path)
                ranks[text] = rank
                count[text] += 1
    everywhere = [text for text in ranks if count[text] == len(of_log)]
    return tuple(sorted(everywhere, key=lambda text: (ranks[text], text))[:_PLACES_MAX])
