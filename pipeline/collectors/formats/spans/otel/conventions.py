"""What conventions and tools call what they say of a call: one declaration each, and the names of all of them.

To add a tool, declare it here and put it into ``CONVENTIONS``: its names are then looked for in every span and event.
Where its calls are events of its own, these are an ``Event`` in ``EVENTS``, and ``usage`` says what they amount to.

Values are patterns, and so are names of what is no attribute: a text in a container is taken for the name of one, in
each of the fourteen objects of a line, and there is room for some three thousand (``kernel.names``).

Owns names. Does not own how counts that mean something else are put right (``usage``), nor which spans are one call
(``calls``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Event(NamedTuple):
    """The events by which a tool tells of its calls in its logs."""

    body: re.Pattern[str]
    """What their bodies say."""
    usage: re.Pattern[str]
    """Names of their attributes, each as a group whose name is what the API calls it that they ask."""
    name: re.Pattern[str] = re.compile(".*", re.DOTALL)
    """What they are called."""
    counted: str = ""
    """An attribute without which one of these is of no call that was answered."""


class Convention(NamedTuple):
    """What one convention or tool calls what its spans say. Of several names the first that is stated counts."""

    counts: Mapping[str, tuple[str, ...]] = {}
    """By our names of them. Counts are totals: cached and written tokens are within the input, as reasoning is within
    the output; of several names a zero is a placeholder."""
    not_counted: int | None = None
    """What stands for a count that nobody knows."""
    keys: tuple[str, ...] = ()
    """What tells whose a call was, by the key that was used."""
    users: tuple[str, ...] = ()
    """What tells for whom an application says that it calls, which may be what a caller says."""
    installations: tuple[str, ...] = ()
    """What tells which installation of a tool called."""
    models: tuple[str, ...] = ()
    """What the model that was asked for is called."""
    tiers: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    """What says whether the answer was a stream."""
    operations: re.Pattern[str] | None = None
    """What it calls calls of a model in ``gen_ai.operation.name``."""
    kinds_of_calls: tuple[str, ...] = ()
    """What tells calls for images and speech, which have no meter, where their operation is that of texts."""
    no_call: tuple[str, re.Pattern[str]] | None = None
    """An attribute, and what it says of spans that are no call, whatever operation they name."""
    no_call_uncounted: tuple[str, re.Pattern[str]] | None = None
    """Likewise, of spans that are none if they state no usage."""
    kinds_of_spans: tuple[str, re.Pattern[str]] | None = None
    """An attribute of every span, and what it says of calls, where no operation is named."""
    vectors: tuple[str, re.Pattern[str]] | None = None
    """An attribute, and what it says of calls that ask for vectors, where no operation is named."""
    agents: tuple[str, ...] = ()
    """What names the agent. A span that has one, no operation and no model of ``OF_MODELS`` is that of its run."""


CONVENTIONS_OF_GENAI = Convention(
    counts={
        "prompt_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        "completion_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        "cached_tokens": ("gen_ai.usage.cache_read.input_tokens",),
        "cache_write_tokens": ("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        "reasoning_tokens": ("gen_ai.usage.reasoning.output_tokens",),
        "prompt_audio_tokens": ("gen_ai.usage.audio.input_tokens",),
        "completion_audio_tokens": ("gen_ai.usage.audio.output_tokens",),
    },
    users=("user.id", "enduser.id"),
    models=("gen_ai.request.model",),
    tiers=("openai.response.service_tier", "gen_ai.openai.response.service_tier", "gen_ai.response.service_tier"),
    streams=("gen_ai.request.stream",),
    operations=re.compile("embeddings|chat|text_completion|generate_content"),
)
"""The GenAI semantic conventions, from the newest names on.

These are those up to 1.36 (``gen_ai.system``, ``gen_ai.usage.prompt_tokens``), to 1.41 (``input_tokens``,
``cache_creation.input_tokens``) and of their own repository since (``cache_write.input_tokens``,
``open-telemetry/semantic-conventions-genai``, docs/gen-ai/client-inference.md). Before 1.27 no operation was named.
What was written to a cache for an hour none of them tells apart.
"""
NO_INFERENCES = re.compile(
    "invoke_agent|create_agent|invoke_workflow|plan|execute_tool|retrieval|fetch_response"
    "|create_memory|create_memory_store|delete_memory|delete_memory_store|search_memory|update_memory|upsert_memory"
)
"""Operations of the conventions that are no inference; ``fetch_response`` reads one that was counted before."""
DETAILS = re.compile(r"gen_ai\.client\.inference\.operation\.details")
"""The event of an inference, which has the attributes and the ids of its span."""

OTHERWISE_SPELLED = Convention(
    counts={
        "total_tokens": ("gen_ai.usage.total_tokens", "llm.usage.total_tokens"),
        "cached_tokens": (
            *("gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cached_input_tokens"),
            "gen_ai.usage.cache_read_tokens",
        ),
        "cache_write_tokens": (
            *("gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens"),
            "gen_ai.usage.cache_write_tokens",
        ),
        "reasoning_tokens": ("gen_ai.usage.reasoning_tokens",),
    },
    operations=re.compile("embedding|call_llm"),
)
"""What OpenLLMetry, Strands, Mastra and others call these, from before the conventions had a name, or in its place."""

OPENINFERENCE = Convention(
    counts={
        "prompt_tokens": ("llm.token_count.prompt",),
        "completion_tokens": ("llm.token_count.completion",),
        "total_tokens": ("llm.token_count.total",),
        "cached_tokens": ("llm.token_count.prompt_details.cache_read",),
        "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
        "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
        "prompt_audio_tokens": ("llm.token_count.prompt_details.audio",),
        "completion_audio_tokens": ("llm.token_count.completion_details.audio",),
    },
    models=("llm.model_name", "embedding.model_name"),
    no_call=("openinference.span.kind", re.compile("CHAIN|AGENT")),
    kinds_of_spans=("openinference.span.kind", re.compile("LLM|EMBEDDING")),
    vectors=("openinference.span.kind", re.compile("EMBEDDING")),
)
"""``spec/semantic_conventions.md`` of Arize-ai/openinference, which names no operation and the kind of every span.

A span may have both conventions. It is one exchange; but where its kind is ``CHAIN`` or ``AGENT``, it is none, whatever
operation it names.
"""

VERCEL = Convention(
    counts={
        "prompt_tokens": ("ai.usage.tokens",),
        "total_tokens": ("ai.usage.totalTokens",),
        "cached_tokens": ("ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens"),
        "cache_write_tokens": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
        "reasoning_tokens": ("ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens"),
    },
    models=("ai.model.id",),
)
"""Vercel's SDK has spans of its own around those of models, which repeat their usage under names of its own alone.

What asks for vectors counts by such a name itself (``ai.usage.tokens``; ``legacy-open-telemetry.ts`` of its package
``otel``). Its sixth version has parts in ``inputTokenDetails``.
"""
VECTORS_OF_VERCEL = ("operation.name", re.compile(r"ai\.embed(?:Many)?(\.doEmbed)?(?: .*)?", re.DOTALL))
"""How it names what asks for vectors, before a name of the application's own; the group is the call itself."""
METADATA_OF_VERCEL = "ai.response.providerMetadata"
DETAILS_OF_VERCEL = ("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.inputTokenDetails.cacheWriteTokens")

OPENLLMETRY = Convention(
    counts={
        "prompt_tokens": ("llm.usage.prompt_tokens",),
        "completion_tokens": ("llm.usage.completion_tokens",),
        "reasoning_tokens": ("llm.usage.reasoning_tokens",),
    },
    models=("llm.request.model",),
    kinds_of_spans=("traceloop.span.kind", re.compile("(?!)")),
)
"""Named no operation but what was asked for, and marks what is no call: workflows, tasks, agents and tools.

Its first versions, before the middle of 2024, had names of its own for all of it.
"""
REQUESTED_OF_OPENLLMETRY = ("llm.request.type", re.compile("chat|completion|embedding|rerank"))
"""What was asked for, where no operation is named (``LLMRequestTypeValues`` of its semantic conventions).

Of vectors it states a prompt alone; what was put in order (``rerank``) is no text that was generated.
"""

PYDANTIC_AI = Convention(
    counts={
        "cached_tokens": (
            *("gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cache_read_input_tokens"),
            *("gen_ai.usage.details.cached_tokens", "gen_ai.usage.details.cached_content_tokens"),
        ),
        "cache_write_tokens": (
            *("gen_ai.usage.details.cache_write_tokens", "gen_ai.usage.details.cache_creation_input_tokens"),
        ),
        "reasoning_tokens": (
            *("gen_ai.usage.details.reasoning_tokens", "gen_ai.usage.details.thoughts_tokens"),
            "gen_ai.usage.details.thinking_tokens",
        ),
        "prompt_audio_tokens": (
            *("gen_ai.usage.details.input_audio_tokens", "gen_ai.usage.details.audio_prompt_tokens"),
        ),
        "completion_audio_tokens": (
            *("gen_ai.usage.details.output_audio_tokens", "gen_ai.usage.details.audio_candidates_tokens"),
        ),
    },
    agents=("gen_ai.agent.name", "agent_name"),
)
"""States what it knows beside the two counts by names of its own, and by those of the provider.

Source: ``opentelemetry_attributes`` of its usage.py. Until the conventions had a name for them, cached and written
tokens stood there alone. Its input has had both within it for as long as it states them. Under its own names stands
what the call came to; under Anthropic's, steps of compaction are left out. Its span of an agent named no operation
before it was ``invoke_agent``, and repeats the usage of the spans below it (its issue 3995); it names the agent and,
unlike any inference, no model of ``gen_ai.*``.
"""
OF_MODELS = ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name")
"""What names the model of a call, where there is an agent."""
CACHED_AUDIO = ("gen_ai.usage.details.cache_audio_read_tokens", "gen_ai.usage.details.audio_cache_tokens")
"""What of the prompt's audio was read from a cache: it is within both."""

SENTRY = Convention(
    counts={
        "cached_tokens": ("gen_ai.usage.input_tokens.cached",),
        "cache_write_tokens": ("gen_ai.usage.input_tokens.cache_write",),
        "cache_write_1h_tokens": ("gen_ai.usage.input_tokens.cache_write_1h",),
        "reasoning_tokens": ("gen_ai.usage.output_tokens.reasoning",),
    },
    operations=re.compile("messages"),
)
"""Its names are OpenRouter's as well, which tells apart what was written for an hour.

Its SDK for JavaScript calls what it asks of Anthropic ``messages``, leaves the cache out of the input, states no part
of it, and counts it in the total (``setTokenUsageAttributes`` of ``tracing/ai/utils.ts``): so a total above the sum of
the two is refused. That for Python has the cache within the input (``integrations/anthropic.py``).
"""

RIG = Convention(counts={"cached_tokens": ("gen_ai.usage.cached_tokens",)})

OPENLIT = Convention(
    counts={
        "cached_tokens": (
            *("gen_ai.usage.prompt_tokens_details.cache_read", "gen_ai.usage.prompt_tokens_details.cached_tokens"),
            "gen_ai.usage.cache.read_input_tokens",
        ),
        "cache_write_tokens": (
            *("gen_ai.usage.prompt_tokens_details.cache_write", "gen_ai.usage.cache.creation_input_tokens"),
        ),
        "reasoning_tokens": ("gen_ai.usage.completion_tokens_details.reasoning",),
    },
    no_call=("coding_agent.session.outcome", re.compile(".*", re.DOTALL)),
)
"""The last names of a cache are those of its command line, which traces coding agents.

The span of a session (``coding_agent.session``) has the sums of its turns and names no operation
(``agent-guides/coding-agents-convention.md``).
"""

BROKLE = Convention(
    counts={
        "cached_tokens": ("gen_ai.usage.input_tokens.cache_read",),
        "cache_write_tokens": ("gen_ai.usage.input_tokens.cache_creation",),
    },
)

ADK = Convention(counts={"reasoning_tokens": ("gen_ai.usage.experimental.reasoning_tokens",)})
"""Google's ADK calls thoughts so before its version 2.4, which ``usage.output_of`` says more of."""
ANSWER_OF_ADK = "gcp.vertex.agent.llm_response"

MASTRA = Convention(
    counts={
        "cache_write_1h_tokens": ("gen_ai.usage.cache_creation.1h_input_tokens",),
        "prompt_audio_tokens": ("gen_ai.usage.audio_input_tokens",),
        "completion_audio_tokens": ("gen_ai.usage.audio_output_tokens",),
    },
)

BIFROST = Convention(
    counts={
        "cached_tokens": ("gen_ai.usage.prompt_token_details.cached_read_tokens",),
        "cache_write_tokens": ("gen_ai.usage.prompt_token_details.cached_write_tokens",),
        "cache_write_1h_tokens": ("gen_ai.usage.prompt_token_details.cached_write_tokens_1h",),
        "reasoning_tokens": ("gen_ai.usage.completion_token_details.reasoning_tokens",),
        "prompt_audio_tokens": ("gen_ai.usage.prompt_token_details.audio_tokens",),
        "completion_audio_tokens": ("gen_ai.usage.completion_token_details.audio_tokens",),
    },
    keys=("bifrost.virtual_key.id", "gen_ai.virtual_key_id"),
    kinds_of_calls=("request.type",),
)
"""Has a span for each try, which names a virtual key.

Source: ``plugins/otel`` and ``core/schemas/trace.go`` of ``maximhq/bifrost``. Its parts were in details of the two
counts until the conventions had names for them, and what was written for an hour still is. Images and speech it calls
``generate_content``.
"""

ARCHESTRA = Convention(counts={"cache_write_1h_tokens": ("archestra.usage.cache_creation.1h_input_tokens",)})

LAMINAR = Convention(
    counts={"cache_write_1h_tokens": ("gen_ai.usage.cache_creation.input_tokens.ephemeral_1h",)},
    no_call=("lmnr.span.type", re.compile("CACHED")),
)
"""Calls a span ``CACHED`` whose answer was that of an earlier run (``SpanType`` of its server)."""

LANGFUSE = Convention(
    users=("langfuse.user.id",),
    models=("langfuse.observation.model.name",),
    kinds_of_spans=("langfuse.observation.type", re.compile("generation|embedding")),
    vectors=("langfuse.observation.type", re.compile("embedding")),
)
"""Langfuse's SDKs write spans since their versions 3 and 4, with usage as JSON text, and may export them anywhere.

Source: ``_client/attributes.py`` of langfuse/langfuse-python, ``constants.ts`` of langfuse/langfuse-js.
"""

BRAINTRUST = Convention(
    kinds_of_spans=("braintrust.span_attributes", re.compile(r'.*"type": ?"llm".*', re.DOTALL)),
)
"""Braintrust's SDKs for Go, Java, Ruby and C# write spans, and what they say of them as JSON text."""

LANGWATCH = Convention(kinds_of_spans=("langwatch.span.type", re.compile("llm")))
"""LangWatch's SDK for TypeScript counts in the text of an object (``langwatch.metrics``), that for Python also by names
of the conventions."""

GENKIT = Convention(
    models=("genkit:name",),
    kinds_of_spans=("genkit:metadata:subtype", re.compile("model")),
)
"""Genkit has the response of a model in its span, and repeats that of the last turn in spans around it."""

CODEX = Convention(
    counts={"reasoning_tokens": ("codex.usage.reasoning_output_tokens",)},
    users=("user.account_id",),
)
EVENT_OF_CODEX = Event(
    name=re.compile(r"codex\.sse_event"),
    body=re.compile(".*", re.DOTALL),
    usage=re.compile(
        "(?P<prompt_tokens>input_token_count)|(?P<completion_tokens>output_token_count)"
        "|(?P<cached_tokens>cached_token_count)|(?P<cache_write_tokens>cache_write_token_count)"
        "|(?P<reasoning_tokens>reasoning_token_count)|(?P<total_tokens>tool_token_count)"
    ),
    counted="input_token_count",
)
"""Codex writes an event of each event of a stream into its logs, of which the last (``response.completed``) counts.

Cached tokens are within the input and reasoning is within the output; what is called the tool's is the total. It names
the model and, where somebody signed in, the account, and has the id of no answer: the conversation and its instant say
which it is, for its ids of trace and span are those of what was going on. Source: ``sse_event_completed`` of
``codex-rs/otel/src/events/session_telemetry.rs``, ``log_event!`` of ``events/shared.rs`` in ``openai/codex``.
"""
SPANS_OF_CODEX = ("codex.usage.total_tokens", "codex.usage.reasoning_output_tokens", "codex.request.reasoning_effort")
"""What its spans of the same answers have (``handle_responses`` of ``core/src/session/turn.rs``).

They name no model and nobody, and no id is in both (its issue 46826): so the event is the call, and they are none.
"""

BIFROST_RESPONSES = Convention(
    counts={
        "cached_tokens": ("gen_ai.usage.input_token_details.cached_read_tokens",),
        "cache_write_tokens": ("gen_ai.usage.input_token_details.cached_write_tokens",),
        "cache_write_1h_tokens": ("gen_ai.usage.input_token_details.cached_write_tokens_1h",),
        "reasoning_tokens": ("gen_ai.usage.output_token_details.reasoning_tokens",),
        "prompt_audio_tokens": ("gen_ai.usage.input_token_details.audio_tokens",),
        "completion_audio_tokens": ("gen_ai.usage.output_token_details.audio_tokens",),
    },
)
"""What Bifrost calls these of calls to the API of responses."""

LITELLM = Convention(
    keys=("litellm.api_key.hash", "metadata.user_api_key_hash"),
    streams=("litellm.request.streaming",),
    operations=re.compile(
        "embedding|aembedding|completion|acompletion|atext_completion|responses|aresponses|anthropic_messages"
    ),
    kinds_of_calls=("litellm.call_type",),
)
"""Named operations by its kinds of calls (integrations/opentelemetry.py of 1.110)."""
CACHE_HIT = "litellm.cache_hit"
"""Which answers were of LiteLLM's own cache."""

SEMANTIC_KERNEL = Convention(
    counts={
        "prompt_tokens": ("gen_ai.response.prompt_tokens",),
        "completion_tokens": ("gen_ai.response.completion_tokens",),
    },
    not_counted=-1,
    operations=re.compile(r"(?:chat|text)\.(?:streaming_)?completions"),
)
"""Has operations of its own, and named its two counts as parts of the response until December 2024.

Source: ``utils/telemetry/model_diagnostics`` and ``ModelDiagnostics.cs`` of ``microsoft/semantic-kernel``.
"""

MICROSOFT_AI = Convention(
    counts={
        "prompt_tokens": ("gen_ai.response.input_tokens",),
        "completion_tokens": ("gen_ai.response.output_tokens",),
    },
)
"""Microsoft.Extensions.AI named its two counts so until June 2025 (``OpenTelemetryConsts.cs``; issue 6493 of
``dotnet/extensions``)."""

LANGSMITH = Convention(no_call=("langsmith.span.kind", re.compile(r"(?!(?:llm|embedding)\Z).*", re.DOTALL)))
"""LangSmith's SDK, where it exports to OpenTelemetry, calls what makes a prompt ``chat`` and what looks something up
``embeddings``; which of its spans are about models its kinds of runs say.
"""
DETAILS_OF_LANGSMITH = ("gen_ai.usage.input_token_details", "gen_ai.usage.output_token_details")
"""Parts of the two counts, as text."""

OPENROUTER = Convention(no_call_uncounted=("span.type", re.compile("span")))
"""OpenRouter's Broadcast sends three spans of a call: its own, of which ``span.type`` is ``generation``, and within it
those of the tries and of the answer, which name the same operation and state no usage, no model and nobody. These are
none (deliveries recorded by ``empathic/toolpath``, ``test-fixtures/otel/openrouter``).
"""

CODING_TOOL = Convention(models=("model",))
EVENT_OF_CODING_TOOL = Event(
    body=re.compile(r"claude_code\.api_request"),
    usage=re.compile(
        "(?P<input_tokens>input_tokens)|(?P<output_tokens>output_tokens)"
        "|(?P<cache_read_input_tokens>cache_read_tokens)|(?P<cache_creation_input_tokens>cache_creation_tokens)"
        "|(?P<speed>speed)"
    ),
)
"""Anthropic's coding tool writes an event of each of its calls into its logs, and counts by no convention's names.

``input_tokens``, ``cache_read_tokens`` and ``cache_creation_tokens`` stand beside one another, as the API counts them
(2, 15,273 and 8,271 in a recorded call of version 2.1.220). Older versions wrote every number as text. The spans of its
tracing state the same once more and name no operation: of these no count is read, and the event, which has the same
``request_id`` of the API, comes before them. Source: "Monitoring" in its documentation.
"""

GEMINI_CLI = Convention(installations=("installation.id",))
EVENT_OF_GEMINI_CLI = Event(
    name=re.compile(r"gemini_cli\.api_response"),
    body=re.compile("API response from .*", re.DOTALL),
    usage=re.compile(
        "(?P<promptTokenCount>input_token_count)|(?P<candidatesTokenCount>output_token_count)"
        "|(?P<cachedContentTokenCount>cached_content_token_count)|(?P<thoughtsTokenCount>thoughts_token_count)"
        "|(?P<toolUsePromptTokenCount>tool_token_count)|(?P<totalTokenCount>total_token_count)"
    ),
)
"""Gemini CLI writes two events of each answer: its own, with all that Google's API counts, and that of the conventions.

The output of the latter leaves out thoughts and its input what tools consumed, and it alone has the answer's id. The
first is the call, and has the id of the second where that is on its line: they were written in the same millisecond of
a session. What it asked, and what failed, are events of the conventions as well, and nothing here. Source:
``ApiResponseEvent`` of ``packages/core/src/telemetry/types.ts`` in ``google-gemini/gemini-cli``, 2026.
"""
DETAILS_OF_GEMINI_CLI = re.compile("GenAI operation (?:request |error )?details from .*", re.DOTALL)
"""What the bodies of its events of the conventions say."""

EVENT_OF_QWEN_CODE = Event(
    name=re.compile(r"qwen-code\.api_response"),
    body=EVENT_OF_GEMINI_CLI.body,
    usage=re.compile(
        "(?P<prompt_tokens>input_token_count)|(?P<completion_tokens>output_token_count)"
        "|(?P<cached_tokens>cached_content_token_count)|(?P<reasoning_tokens>thoughts_token_count)"
        "|(?P<total_tokens>total_token_count)"
    ),
)
"""Qwen Code was made of Gemini CLI, and asks APIs that are like OpenAI's: thoughts lie within the output.

The total tells where they do not, as where it asks Gemini. Its event has the answer's id. Source: ``loggers.ts`` and
``constants.ts`` of ``packages/core/src/telemetry`` in ``QwenLM/qwen-code``.
"""

ALIBABA = Convention(
    no_call=("gen_ai.span.kind", re.compile("CHAIN|AGENT|TOOL|TASK|WORKFLOW|RETRIEVER|RERANKER|MEMORY|MCP_CLIENT")),
    vectors=("gen_ai.span.kind", re.compile("EMBEDDING")),
)
"""Alibaba's agents say the kind of every span (``GenAiSpanKindValues`` of ``alibaba/loongsuite-python-agent``)."""

LANGTRACE = Convention(operations=re.compile("embed"))
"""Langtrace's SDK calls what asks for vectors so."""

TRULENS = Convention(
    counts={
        "prompt_tokens": ("ai.observability.cost.num_prompt_tokens",),
        "completion_tokens": ("ai.observability.cost.num_completion_tokens",),
        "total_tokens": ("ai.observability.cost.num_tokens",),
        "reasoning_tokens": ("ai.observability.cost.num_reasoning_tokens",),
    },
    models=("ai.observability.cost.model",),
    no_call=("ai.observability.span_type", re.compile("eval_root")),
)
"""TruLens puts what a client's call counted on the span around it; the root of an evaluation has the sums of those.

Source: ``trulens/otel/semconv/trace.py`` (``SpanAttributes.COST``) and ``trulens/feedback/computer.py`` of
``truera/trulens``. It states nothing of a cache: what Anthropic's API read from one is not in its prompt.
"""

CORTEX_AGENTS = Convention(
    counts={
        "prompt_tokens": ("snow.ai.observability.agent.planning.token_count.input",),
        "completion_tokens": ("snow.ai.observability.agent.planning.token_count.output",),
        "total_tokens": ("snow.ai.observability.agent.planning.token_count.total",),
        "cached_tokens": ("snow.ai.observability.agent.planning.token_count.cache_read_input",),
        "cache_write_tokens": ("snow.ai.observability.agent.planning.token_count.cache_write_input",),
    },
    users=("snow.user.name",),
    models=("snow.ai.observability.agent.planning.model",),
)
"""Snowflake's agents count each step that asks a model, in its table of events (``AI_OBSERVABILITY_EVENTS``).

Source: "Observability" of Cortex Code in its documentation, whose queries name the model's attribute. Those of the
counts are in queries of this table in public repositories. Whether the input holds what was cached, the total tells.
"""

JUDGMENT = Convention(models=("judgment.llm.model",))
"""Judgment Labs' SDK counts beside one another what was cached and what was not (``held``)."""

CONVENTIONS = (
    *(CONVENTIONS_OF_GENAI, OTHERWISE_SPELLED, OPENINFERENCE, VERCEL, OPENLLMETRY, PYDANTIC_AI, SENTRY, RIG, OPENLIT),
    *(BROKLE, ADK, MASTRA, LITELLM, BIFROST, ARCHESTRA, CODEX, BIFROST_RESPONSES, SEMANTIC_KERNEL, LANGSMITH),
    *(OPENROUTER, LAMINAR, LANGFUSE, BRAINTRUST, LANGWATCH, GENKIT, ALIBABA, LANGTRACE, CODING_TOOL),
    *(GEMINI_CLI, TRULENS, CORTEX_AGENTS, JUDGMENT, MICROSOFT_AI),
)
"""Every one, in the order in which their names are asked."""

EVENTS = (EVENT_OF_CODING_TOOL, EVENT_OF_GEMINI_CLI, EVENT_OF_QWEN_CODE, EVENT_OF_CODEX)
NO_TEXT = re.compile("image|speech|transcription|ocr")
"""Kinds of calls whose operation is ``generate_content``, and that no meter is for."""
KEY = "api_key_id"
"""Whose call it was no convention says: this attribute of the span does, else of its resource."""
RESPONSE_ID = "gen_ai.response.id"

COUNTS = {
    ours: tuple(name for each in CONVENTIONS for name in each.counts.get(ours, ()))
    for ours in dict.fromkeys(ours for each in CONVENTIONS for ours in each.counts)
}
"""Our counts, and what each of them is called."""
NOT_COUNTED = {
    name: each.not_counted
    for each in CONVENTIONS
    if each.not_counted is not None
    for names in each.counts.values()
    for name in names
}
WHOSE = (
    *(name for each in CONVENTIONS for name in each.keys),
    *(name for each in CONVENTIONS for name in each.users),
    *(name for each in CONVENTIONS for name in each.installations),
)
"""Whose a call was where nothing is called ``KEY``; whom callers may choose, and an installation come last."""
MODELS = tuple(name for each in CONVENTIONS for name in each.models)
TIERS = tuple(name for each in CONVENTIONS for name in each.tiers)
STREAMS = tuple(name for each in CONVENTIONS for name in each.streams)
KINDS_OF_CALLS = tuple(name for each in CONVENTIONS for name in each.kinds_of_calls)
AGENTS = tuple(name for each in CONVENTIONS for name in each.agents)
NO_CALLS = tuple(each.no_call for each in CONVENTIONS if each.no_call is not None)
NO_CALLS_UNCOUNTED = tuple(each.no_call_uncounted for each in CONVENTIONS if each.no_call_uncounted is not None)
KINDS_OF_SPANS = tuple(each.kinds_of_spans for each in CONVENTIONS if each.kinds_of_spans is not None)
VECTORS = tuple(each.vectors for each in CONVENTIONS if each.vectors is not None)
INFERENCES = re.compile("|".join(each.operations.pattern for each in CONVENTIONS if each.operations is not None))
EMBEDDINGS = re.compile("embed(?:dings?)?|aembedding")
"""Those among them that ask for vectors."""
NAMES = frozenset(
    (
        *("gen_ai.operation.name", "gen_ai.system", "gen_ai.provider.name", "gen_ai.response.model", RESPONSE_ID, KEY),
        *("gen_ai.response.finish_reasons", "gen_ai.request.choice.count", "error.type", "http.response.status_code"),
        *(name for names in COUNTS.values() for name in names),
        *(*WHOSE, *MODELS, *TIERS, *STREAMS, *KINDS_OF_CALLS, *AGENTS, *OF_MODELS),
        *(name for name, _ in (*NO_CALLS, *NO_CALLS_UNCOUNTED, *KINDS_OF_SPANS, *VECTORS, REQUESTED_OF_OPENLLMETRY)),
        *SPANS_OF_CODEX,
    )
)
"""What attributes are called that say something of a call."""
