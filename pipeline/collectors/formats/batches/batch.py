"""What is known of a batch from other files than its results, and what the formats of results have in common.

A result states neither its tier nor, mostly, when it was made, by which model or for whom. The batch object knows, as
its API returned it, or the request of the input file. They are put beside the line, as a person would with ``jq``.

Owns what each API calls these (``BatchApi``), and the putting beside. Does not own which batch is a log's
(``pipeline.collectors.batch_files``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.collectors.values.strict_json import JsonObject

TIER = "batch"
"""Of whatever was in a batch: a card's batch price is for it."""
NO_ANSWER: JsonObject = {"error": {}}
"""Stands for the answer of a request that got none."""


class BatchApi(NamedTuple):
    """What one API calls what belongs to its batches."""

    is_object: Callable[[JsonObject], bool]
    """Tells a batch object, as the API returns it."""
    is_request: Callable[[JsonObject], bool]
    """Tells a line of an input file."""
    id_of: Callable[[JsonObject], str]
    """The id of a batch, from its object."""
    names_of: Callable[[JsonObject], list[Any]]
    """What the name of a log of its results may have, or that of its folder: ids of the batch and of its outputs."""
    input_names_of: Callable[[JsonObject], list[Any]]
    """The ids of its input file; what is no text is none."""
    facts_of: Callable[[JsonObject], JsonObject]
    """Where its object has its times."""
    lists: str
    """Under which name a page of the API's list has the objects."""
    shared: str | None = None
    """Under which name a request and its result have the id that they share; ``None``: a result has its request."""
    has_results: Callable[[JsonObject], bool] = lambda _: False
    """Tells an object that holds the results itself, and so is a log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is known of the batch of an output or error file, from other files."""

    object: JsonObject
    """The batch object, as the API returned it."""
    requests: Mapping[str, JsonObject] | None
    """The requests of its input file by the id that they share with results, without their texts.

    ``None`` where there is no input file.
    """
    unmatched: set[str] = field(default_factory=set, compare=False)
    """The ids of lines that the input file does not have, as they are met."""

    digest: str = field(init=False, repr=False)
    """Identifies what is known: 16 hex digits of the object, a dot, and as many of the requests where these are."""

    def __post_init__(self) -> None:
        """Make the digest, once."""
        of_requests = "" if self.requests is None else _digest(self.requests)
        object.__setattr__(self, "digest", f"{_digest(self.object)}.{of_requests}")


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def with_batch(document: JsonObject, batch: Batch, api: BatchApi) -> JsonObject:
    """Return a result with its batch and its request beside it, unless it has its own.

    As it is, where the batch is one of another API.
    """
    if not api.is_object(batch.object):
        return document
    beside: JsonObject = {"batch": batch.object}
    shared = None if api.shared is None else document.get(api.shared)
    if batch.requests is not None and isinstance(shared, str):
        if shared in batch.requests:
            beside["request"] = batch.requests[shared]
        else:
            batch.unmatched.add(shared)
    for name, value in beside.items():
        if document.get(name) is None:
            document[name] = value
    return document
