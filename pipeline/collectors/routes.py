"""What the path of an exchange says: a completion, something else, or nothing.

Owns the lists of endpoints. Does not own the body's say in the matter (``exchange``).
"""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache


class Route(Enum):
    """What a path was found to be."""

    COMPLETION = auto()
    OTHER = auto()
    UNLISTED = auto()
    """Neither list knows it: a gateway's own route. The body decides."""


_COMPLETIONS = (
    "/chat/completions",
    "/completions",
    "/responses",
    "/messages",
    "/v1/chat",
    "/v2/chat",
    "/api/chat",
    "/api/generate",
    ":generatecontent",
    ":streamgeneratecontent",
    ":rawpredict",
    ":streamrawpredict",
    "/converse",
    "/converse-stream",
    "/invoke",
    "/invoke-with-response-stream",
)

_NEVER_COMPLETIONS = frozenset({"threads", "assistants", "conversations"})
"""Below these, ``/messages`` and the like are stored things, not completions."""

_OTHERS = _NEVER_COMPLETIONS | {
    "audio",
    "batches",
    "cachedcontents",
    "count_tokens",
    "embed",
    "embeddings",
    "files",
    "fine_tuning",
    "fine-tuning",
    "health",
    "healthz",
    "images",
    "input_tokens",
    "library",
    "metrics",
    "models",
    "moderations",
    "rerank",
    "runs",
    "tags",
    "tokenize",
    "detokenize",
    "uploads",
    "vector_stores",
    "videos",
}

_OTHER_VERBS = (":embedcontent", ":batchembedcontents", ":counttokens")
_QUERY = re.compile(r"[?#]")


@lru_cache(maxsize=1024)
def route_of(path: str) -> Route:
    """Return what the path of a request says; query, fragment, trailing slashes and case do not matter.

    >>> route_of("/studio/v1/chat/completions?x=1")
    <Route.COMPLETION: 1>
    >>> route_of("/v1/threads/t1/messages")
    <Route.OTHER: 2>
    """
    plain = "/" + _QUERY.split(path, maxsplit=1)[0].strip().strip("/").lower()
    segments = plain.split("/")
    if not _NEVER_COMPLETIONS.isdisjoint(segments):
        return Route.OTHER
    if plain.endswith(_COMPLETIONS):
        return Route.COMPLETION
    if not _OTHERS.isdisjoint(segments) or plain.endswith(_OTHER_VERBS):
        return Route.OTHER
    return Route.UNLISTED
