"""What the path of an exchange says.

A completion, an embedding, something else, or nothing; and the model that it names.

Owns the lists of endpoints. Does not own the body's say in the matter (``exchange``).
"""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from urllib.parse import unquote

from pipeline.collectors.values import fields


class Route(Enum):
    """What a path was found to be."""

    COMPLETION = auto()
    EMBEDDING = auto()
    OTHER = auto()
    UNLISTED = auto()
    """Neither list knows it: a gateway's own route. The body decides."""


_COMPLETIONS = (
    "/chat/completions",
    "/completions",
    "/complete",
    "/responses",
    "/responses/compact",
    "/interactions",
    "/v1/generate",
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
    "/invoke-with-bidirectional-stream",
    *("/v1/decisions", "/v1beta/decisions", "/v1/systemone"),
)

_EMBEDDINGS = (
    *("/embeddings", "/embed", "/embed_all", "/embed_sparse", "/embeddings/multimodal"),
    *(":embedcontent", ":batchembedcontents"),
)

_STORED = re.compile(r".*/(?:responses|interactions)/([^/]+)", re.IGNORECASE)
"""What was made in the background, and is asked for later, by its id: the usage stands in the answer alone."""

_ASKED_FOR = re.compile(r".*/(?:deferred-completion|async-result|async/chat/completions|async/sonar|predictions)/[^/]+")
"""What others make so (xAI, Zhipu, Perplexity, Replicate): the body decides, since to ask too early is nothing."""

_KEEPERS = frozenset({"threads", "assistants", "conversations"})
"""What is asked for below these was stored there, and is no completion."""

_KEPT_MESSAGES = re.compile(r".*/(?:threads|assistants|conversations)/(?!v[0-9]+/)[^/]+/messages")
"""Messages that are put into one of them; what ends otherwise is what it ends as, whatever it begins with."""

_OTHERS = _KEEPERS | {
    "audio",
    "batches",
    "cachedcontents",
    "count_tokens",
    "files",
    "fine_tuning",
    "fine-tuning",
    "images",
    "input_tokens",
    "moderations",
    "rerank",
    "runs",
    "tokenize",
    "detokenize",
    "uploads",
    "vector_stores",
    "videos",
}

_ANY_VERB = (":predict", "/predictions")
"""Vertex calls its older models so, those of embeddings among them, and Replicate all: the body decides."""

_CONVERSATIONS = re.compile(r".*/conversations(?:/[^/]+(?:/restart)?)?")
"""Mistral's agents answer where others keep what was said: the body decides."""

_OTHER_ENDS = (
    *("/models", "/tags", "/health", "/healthz", "/metrics", "/library", "/cancel"),
    *(":counttokens", ":computetokens"),
)
"""Words that are an endpoint at the end of a path alone: behind them are names of models, which Hugging Face and others
answer as, and routes of whoever is in health care or keeps a library, so there the body decides.
"""
_QUERY = re.compile(r"[?#]")
_POSTED = ("", "POST", "PUT", "PATCH", "QUERY")
"""Methods that bring a request; a gateway that asks models itself posts it, by whichever it was brought."""


SWITCHING_PROTOCOLS = 101
"""The status of a WebSocket, which is asked for by GET: what was said on it is no less than what was posted."""
_MODEL_IN_QUERY = re.compile(r"[?&]model=([^&#]+)")
"""Where a WebSocket names its model."""
_DEPLOYMENT_IN_QUERY = re.compile(r"[^?#]*/realtime/?\?(?:[^#]*&)?deployment=([^&#]+)")
"""Where one of Azure's does: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/realtime-audio-websockets."""
_MODEL_PATHS = (
    re.compile(r"/model/([^/]+)/(?:converse(?:-stream)?|invoke(?:-with-(?:response|bidirectional)-stream|-async)?)/?$"),
    re.compile(r"/models/([^/:]+):[A-Za-z]+$"),
    re.compile(r"/deployments/([^/]+)/"),
    re.compile(r"/engines/([^/]+)/"),
    re.compile(r"/(?:ai/run|workers-ai)/(@.+)"),
)


def route_of(path: str | None, method: str | None = None) -> Route:
    """Return what the path and the method of a request say; query, fragment, slashes, case and escapes do not matter.

    Nor do ``.`` and ``..`` (RFC 3986 5.2.4), also behind a slash that is escaped: whoever calls writes them, and a
    server goes where they lead (nginx decodes a path before it does). A log without paths holds completions. Only what
    is posted is one, or brings its request by another method, but for what was made in the background and is asked
    for.

    >>> route_of("/studio/v1/chat/completions?x=1")
    <Route.COMPLETION: 1>
    >>> route_of("/v1/responses/resp_1", "GET")
    <Route.COMPLETION: 1>
    >>> route_of("/v1/threads/t1/messages")
    <Route.OTHER: 3>
    >>> route_of("/v1/threads/..%2Fchat/completions", "PUT")
    <Route.COMPLETION: 1>
    """
    is_short = len(path or "") + len(method or "") <= _KEPT_LENGTH_MAX
    return _kept_route(path, method) if is_short else _route(path, method)


def _route(path: str | None, method: str | None) -> Route:
    is_posted = method is None or method.strip().upper() in _POSTED
    if path is None:
        return Route.COMPLETION if is_posted else Route.OTHER
    plain = path_led_to(path).lower()
    segments = plain.split("/")
    if is_posted:
        return _route_of_posted(plain, segments)
    return _route_of_asked(plain, method) if _KEEPERS.isdisjoint(segments) else Route.OTHER


def _route_of_asked(plain: str, method: str | None) -> Route:
    if method is None or method.strip().upper() != "GET":
        return Route.OTHER
    if _STORED.fullmatch(plain):
        return Route.COMPLETION
    return Route.UNLISTED if _ASKED_FOR.fullmatch(plain) else Route.OTHER


_KEPT_LENGTH_MAX = 512
"""Longer ones are nobody's routes, and 1,024 of what a line may hold would fill the memory."""
_kept_route = lru_cache(maxsize=1024)(_route)


def route_of_streamed(path: str | None, method: str | None) -> Route:
    """Return what the path of a stream of events says that was asked for by GET, as browsers do (``EventSource``).

    >>> route_of_streamed("/ai/ask", "GET"), route_of_streamed("/v1/files/f-1/content", "GET")
    (<Route.UNLISTED: 4>, <Route.OTHER: 3>)
    """
    is_asked = method is not None and method.strip().upper() == "GET"
    is_kept = not _KEEPERS.isdisjoint(path_led_to(path or "").lower().split("/"))
    return Route.UNLISTED if is_asked and not is_kept and route_of(path) is not Route.OTHER else Route.OTHER


def _route_of_posted(plain: str, segments: list[str]) -> Route:
    if _KEPT_MESSAGES.fullmatch(plain):
        return Route.OTHER
    if plain.endswith(_COMPLETIONS):
        return Route.COMPLETION
    if plain.endswith(_EMBEDDINGS):
        return Route.EMBEDDING
    if _CONVERSATIONS.fullmatch(plain):
        return Route.UNLISTED
    is_other = not (_OTHERS.isdisjoint(segments) or plain.endswith(_ANY_VERB)) or plain.endswith(_OTHER_ENDS)
    return Route.OTHER if is_other else Route.UNLISTED


def id_asked_for(path: str | None, method: str | None) -> str | None:
    """Return the id of what was made in the background and is asked for; ``None`` where nothing is.

    >>> id_asked_for("/v1/responses/resp_A1?stream=true&starting_after=42", "GET")
    'resp_A1'
    """
    if path is None or route_of(path, method) is not Route.COMPLETION:
        return None
    found = _STORED.fullmatch(path_led_to(path))
    return None if found is None or route_of(path) is Route.COMPLETION else found[1]


def model_in_path(path: str) -> str | None:
    """Return the model that a path names, percent-decoded; raises ``LineRefused`` where it cannot be a model's name.

    >>> model_in_path("/model/meta.llama3-8b-instruct-v1%3A0/converse")
    'meta.llama3-8b-instruct-v1:0'
    """
    plain = _plain(path)
    for pattern in _MODEL_PATHS:
        if (found := pattern.search(plain)) is not None:
            return fields.model(unquote(found[1]), "path")
    asked = _MODEL_IN_QUERY.search(path) or _DEPLOYMENT_IN_QUERY.match(path)
    return None if asked is None else fields.model(unquote(asked[1]), "path")


def path_led_to(path: str) -> str:
    """Return where a path leads: without query and escapes, its dots followed, no slash doubled or at its end.

    >>> path_led_to("//v1/x/..%2Fmessages/?beta=1")
    '/v1/messages'
    """
    return _resolved(unquote(_without_query(path)))


def with_model_of(path: str, query: str) -> str:
    """Return a path with what its query says of the model, and nothing else of it: keys may be there.

    >>> with_model_of("/openai/realtime", "api-key=k&deployment=my-gpt")
    '/openai/realtime?deployment=my-gpt'
    """
    named = [part for part in query.split("&") if part.startswith(("model=", "deployment="))]
    return "?".join((path, "&".join(named))) if named else path


def _plain(path: str) -> str:
    return _resolved(_without_query(path))


def _without_query(path: str) -> str:
    return _QUERY.split(path, maxsplit=1)[0].strip()


def _resolved(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        plain = unquote(segment)
        if plain == "..":
            del kept[-1:]
        elif plain not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept)
