"""Every API family whose bodies are read: one module each, and the table that names them.

Owns which families there are (those of modules that are here) and in which order they are asked. A family says of one
document whether it belongs to it, and reads a whole body in one call into one ``Reading``. To add one, write a module
like ``ollama``; ``docs/families.md`` says how. A family imports ``reading`` and no other family, but for text
completions, which are chat's shape with another text. Does not own what a reading amounts to (``counting``) nor how a
body is taken apart (``body``). Read first: ``reading``, then ``ollama``.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, NamedTuple

from pipeline.collectors.families import (
    anthropic,
    chat,
    cohere,
    completions,
    embeddings,
    gemini,
    interactions,
    model_studio,
    ollama,
    responses,
    unbilled,
)
from pipeline.collectors.families.bedrock import agents, sonic
from pipeline.collectors.families.bedrock import answers as bedrock
from pipeline.collectors.families.native import vercel
from pipeline.collectors.families.native.apis import APIS
from pipeline.collectors.families.native.frameworks import FRAMEWORKS
from pipeline.collectors.families.reading import first, object_at, states_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked, Reading
    from pipeline.collectors.values.strict_json import JsonObject


class Family(NamedTuple):
    """One family: its name, whether a document belongs to it, and what a body says."""

    name: str
    recognises: Callable[[JsonObject], bool]
    read: Callable[[Body, Asked], Reading]


_TABLE = (
    Family(chat.NAME, chat.recognises, chat.read),
    Family(completions.NAME, completions.recognises, completions.read),
    Family(embeddings.NAME, embeddings.recognises, embeddings.read),
    Family(responses.NAME, responses.recognises, responses.read),
    Family(anthropic.NAME, anthropic.recognises, anthropic.read),
    Family(interactions.NAME, interactions.recognises, interactions.read),
    Family(gemini.NAME, gemini.recognises, gemini.read),
    Family(cohere.V2, cohere.recognises_v2, cohere.read_v2),
    Family(cohere.V1, cohere.recognises_v1, cohere.read_v1),
    Family(ollama.NAME, ollama.recognises, ollama.read),
    Family(vercel.NAME, vercel.recognises, vercel.read),
    Family(bedrock.TITAN, bedrock.recognises_titan, bedrock.read_titan),
    Family(bedrock.LLAMA, bedrock.recognises_llama, bedrock.read_llama),
    Family(bedrock.CONVERSE, bedrock.recognises_converse, bedrock.read_converse),
    Family(agents.NAME, agents.recognises, agents.read),
    Family(sonic.NAME, sonic.recognises, sonic.read),
    Family(model_studio.NAME, model_studio.recognises, model_studio.read),
    *(Family(each.name, each.recognises, each.read) for each in (*APIS, *FRAMEWORKS)),
)
"""Families that are asked in this order: what recognises more comes later."""
_LAST = (
    Family(unbilled.NAME, unbilled.recognises, unbilled.read),
    Family(bedrock.INVOKE, bedrock.recognises_invoke, bedrock.read_invoke),
)
"""Families that recognise what no other does."""


def _found() -> Iterator[Family]:
    """Yield the families of modules that are here and not in the table, by the names of their modules."""
    listed = {family.recognises.__module__ for family in (*_TABLE, *_LAST)}
    for found in iter_modules(__path__, f"{__name__}."):
        module = import_module(found.name)
        if found.name not in listed and hasattr(module, "recognises"):
            yield Family(module.NAME, module.recognises, module.read)


FAMILIES = (*_TABLE, *_found(), *_LAST)
"""In the order in which they are asked."""

BY_NAME = {family.name: family for family in FAMILIES}
CHAT = BY_NAME[chat.NAME]

_HELD_IN = (
    *("response", "result", "Response", "chatResponse", "orchestration_result", "final_result"),
    *("output", "kwargs", "raw", "predictions"),
)
"""Where an API puts an answer, of its own or another's, into an object.

Perplexity's and Gemini's Code Assist (``response``), Cloudflare's Workers AI (``result``), Tencent's Hunyuan
(``Response``), Oracle's (``chatResponse``), SAP's orchestration, versions 1 and 2, LangServe (``output``), LangChain
where it writes what makes an object (``kwargs``), LlamaIndex (``raw``), beside a message of its own, and models that
were deployed on Vertex AI and are asked by ``:predict`` for chat (``predictions``, which is one object then).
"""
_HELD_BY_WHAT_LOGS = ("data", "body")
"""Where gateways and clients of HTTP put an answer beside a code, a message or headers.

Much else is called so: what is held there is an answer by more than counts, which a list of them has too.
"""
_HOLDERS = frozenset((*_HELD_IN, *_HELD_BY_WHAT_LOGS))
_COUNTED_IN = ("usage", "usageMetadata", "usage_metadata")


def plainly(document: JsonObject) -> JsonObject:
    """Return a document as it is told what it is: what it states twice at the top is the last of it."""
    return document if type(document) is dict else dict(document)


def family_of(documents: Sequence[JsonObject]) -> Family | None:
    """Return the family of a body; ``None`` where none recognises any of its documents.

    ``choices`` are chat's or a text completion's, whatever lies beside them. Else it is the first in the table.
    """
    documents = [plainly(document) for document in documents]
    listed = [document for document in documents if isinstance(document.get("choices"), list)]
    if listed:
        first = next((document for document in listed if document["choices"]), listed[0])
        return BY_NAME[completions.NAME] if completions.recognises(first) else CHAT
    return next((family for family in FAMILIES if any(map(family.recognises, documents))), None)


def held_in(body: Body) -> Body:
    """Return a body with what its documents hold, where that is an answer that is metered and they are nobody's.

    They are somebody's as well where one of them states usage itself.

    Raises ``LineRefused`` where a document holds two different ones.
    """
    if all(map(_HOLDERS.isdisjoint, body.documents)) or family_of(body.documents) is not None:
        return body
    if any(map(states_usage, body.documents)):
        return body
    for name in (*_HELD_IN, *_HELD_BY_WHAT_LOGS):
        held = [_held(document, name) for document in body.documents]
        told = list(map(_without_counts, held)) if name in _HELD_BY_WHAT_LOGS else held
        found = family_of(told)
        if found is not None and found.name != unbilled.NAME:
            return body._replace(documents=held)
    return body


def _held(document: JsonObject, holder: str) -> JsonObject:
    """Return what a document holds under a name, with the model that only the document names."""
    inner = object_at(document, holder)
    if not inner:
        return document
    model = first(document.get(name) for name in ("model", "modelId"))
    if model is None or "model" in inner or "modelVersion" in inner:
        return inner
    return {name: inner.get(name) for name in inner} | {"model": model}


def _without_counts(document: JsonObject) -> JsonObject:
    return {name: document.get(name) for name in document if name not in _COUNTED_IN}
