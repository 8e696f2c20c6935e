"""The usual line and the usual body, as typed structs that step over everything else.

Owns the types: which fields are looked at, and what they must be for the quick way. A value of another type is not wrong, it
is for the plain reader; a field of type ``None`` is one that only the plain reader understands. Does not own what the fields mean (``lines``, ``transcripts``).
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Decoder


class PromptDetails(Struct, gc=False):
    """Parts of the prompt."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class CompletionDetails(Struct, gc=False):
    """Parts of the completion."""

    reasoning_tokens: int | None = None


class Usage(Struct, gc=False):
    """Stated usage by OpenAI's names; the other names that are known (``token_counts``) send the line to the plain reader."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    service_tier: str | None = None
    prompt_token_details: None = None
    completion_token_details: None = None
    num_cached_tokens: None = None
    prompt_cache_hit_tokens: None = None
    cached_tokens: None = None
    cache_read_input_tokens: None = None
    cache_creation_tokens: None = None
    cache_creation_input_tokens: None = None
    reasoning_tokens: None = None


class Choice(Struct, gc=False):
    """One choice of a plain body."""

    finish_reason: str | None = None
    text: Raw | UnsetType = UNSET


class Body(Struct, gc=False):
    """A plain body."""

    id: str | None = None
    model: str | None = None
    object: str | None = None
    service_tier: str | None = None
    choices: list[Choice] | None = None
    usage: Usage | None = None
    error: None = None


class Delta(Struct, gc=False, forbid_unknown_fields=True):
    """What a chunk adds."""

    content: str | None = None
    role: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: None = None


class ChunkChoice(Struct, gc=False, forbid_unknown_fields=True):
    """One choice of a chunk."""

    delta: Delta
    finish_reason: str | None = None
    index: int = 0
    logprobs: None = None


class ChunkPromptDetails(PromptDetails, gc=False, forbid_unknown_fields=True):
    """Parts of the prompt, and no others."""

    audio_tokens: int | None = None


class ChunkCompletionDetails(CompletionDetails, gc=False, forbid_unknown_fields=True):
    """Parts of the completion, and no others."""

    audio_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class ChunkUsage(Struct, gc=False, forbid_unknown_fields=True):
    """Stated usage, and nothing else."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: ChunkPromptDetails | None = None
    completion_tokens_details: ChunkCompletionDetails | None = None
    service_tier: str | None = None


class Chunk(Struct, gc=False, forbid_unknown_fields=True):
    """One chunk of a stream, all of it: there is no room for a number or a depth that nobody looks at."""

    id: str | None = None
    choices: list[ChunkChoice] | None = None
    usage: ChunkUsage | None = None
    model: str | None = None
    object: str | None = None
    service_tier: str | None = None
    created: int | None = None
    system_fingerprint: str | None = None
    error: None = None
    x_groq: None = None


class Request(Struct, gc=False):
    """What was asked for."""

    model: str | None = None
    stream: bool | None = None
    n: int | None = None


class LoggedLine(Struct, gc=False):
    """One line of the request log, under the names of the request log."""

    ts: str | int
    status: int
    api_key_id: str | None = None
    api_key: str | None = None
    request_id: str | int | None = None
    method: str | None = None
    path: str | None = None
    request: Request | None = None
    response: Body | str | None = None


decode_line = Decoder(LoggedLine).decode
decode_body = Decoder(Body).decode
decode_chunk = Decoder(Chunk).decode
