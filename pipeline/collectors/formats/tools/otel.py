"""OTLP JSON, as the OpenTelemetry collector's file exporter writes it: a line is a batch of spans or of log records.

A line has ``resourceSpans[].scopeSpans[].spans[]`` or ``resourceLogs[].scopeLogs[].logRecords[]``; attributes are
lists of ``{key, value}``, integers and times in nanoseconds are text, ids are hex (the OpenTelemetry specification,
"JSON Protobuf Encoding" of OTLP and "OpenTelemetry Protocol File Exporter").

What is an exchange: a span of an inference, by ``gen_ai.operation.name`` (``chat``, ``text_completion``,
``generate_content``, ``embeddings``), and the event ``gen_ai.client.inference.operation.details``, which has the same
attributes and the ids of its span. Spans of agents, workflows, tools and retrievals repeat the usage of the inferences
below them, and give none. An operation that no convention knows and that states usage is kept by name, and not billed.
A line without any exchange gives none, as a blank line does.

Names follow the GenAI semantic conventions up to 1.36 (``gen_ai.system``, ``gen_ai.usage.prompt_tokens``), to 1.41
(``input_tokens``, ``cache_creation.input_tokens``) and of their own repository since (``cache_write.input_tokens``,
``open-telemetry/semantic-conventions-genai``, docs/gen-ai/client-inference.md); before 1.27, and in OpenLLMetry and
OpenInference, no operation was named. There, counts are totals: cached and written tokens are within the input,
reasoning within the output. LiteLLM named operations by its kinds of calls (integrations/opentelemetry.py of 1.110),
and says which answers were its cache's (``litellm.cache_hit``).

OpenInference names the kind of every span (``spec/semantic_conventions.md`` of Arize-ai/openinference). A span may
have both conventions. It is one exchange; but where its kind is ``CHAIN`` or ``AGENT``, it is none, whatever operation
it names.

Pydantic AI states what it knows beside the two counts under ``gen_ai.usage.details.`` (``opentelemetry_attributes`` of
its usage.py): by names of its own, and by those of the provider. Until the conventions had a name for them, cached and
written tokens stood there alone. Its input has had both within it for as long as it states them. Its span of an agent
named no operation before it was ``invoke_agent``, and repeats the usage of the spans below it (its issue 3995); it
names the agent and, unlike any inference, no model of ``gen_ai.*``.

Vercel's SDK has spans of its own around those of models, which repeat their usage under names of its own alone; what
asks for vectors counts by such a name itself (``ai.usage.tokens``; ``legacy-open-telemetry.ts`` of its package
``otel``).

LangSmith's SDK, where it exports to OpenTelemetry, has parts of the two counts as text: JSON by the SDK for JavaScript,
Python's own notation by that for Python (``_set_io_attributes`` of ``langsmith/_internal/otel/_otel_exporter.py``).
They are those of LangChain, within their wholes. It calls what makes a prompt ``chat`` and what looks something up
``embeddings``; which of its spans are about models its kinds of runs say.

Google's ADK has the answer itself in its span, as JSON text in the names of Google's SDK, unless it was told to leave
contents out (``trace_call_llm`` of its ``telemetry/tracing.py``). The counts of the answer come before those of the
span. Before its version 2.4 these left thoughts out of the output, and stated them beside it as
``gen_ai.usage.experimental.reasoning_tokens``, or, in the oldest versions, nowhere: in its own test an answer of 50
candidates and 10 thoughts was an output of 50, and is one of 60 since. What it asks through LiteLLM, by a model with
its provider before it, has thoughts within.

Vercel's SDK counted as each provider does before its version 6, and spans of its version 5 leave out what was cached or
thought (``generate-text.ts``). What the provider says beside it is in the span as JSON text, the usage objects of
Anthropic and Google among it; where it tells how they count, it counts.

Anthropic's coding tool writes an event of each of its calls into its logs (``claude_code.api_request``), and counts by
no convention's names: ``input_tokens``, ``cache_read_tokens`` and ``cache_creation_tokens``, each beside the others as
the API counts them (2, 15,273 and 8,271 in a recorded call of version 2.1.220). Older versions wrote every number as
text. The spans of its tracing state the same once more and name no operation: of these no count is read, and the event,
which has the same ``request_id`` of the API, comes before them. Source: "Monitoring" in its documentation.

Gemini CLI writes two events of each answer: its own (``gemini_cli.api_response``), with all that Google's API counts,
and that of the conventions, whose output leaves out thoughts and whose input what tools consumed, and which alone has
the answer's id. The first is the call, and has the id of the second where that is on its line: they were written in the
same millisecond of a session. What it asked, and what failed, are events of the conventions as well, and nothing here
(``ApiResponseEvent`` of ``packages/core/src/telemetry/types.ts`` in ``google-gemini/gemini-cli``, 2026).

OpenRouter's Broadcast sends three spans of a call: its own, of which ``span.type`` is ``generation``, and within it
those of the tries and of the answer, which name the same operation and state no usage, no model and nobody. These are
none (deliveries recorded by ``empathic/toolpath``, ``test-fixtures/otel/openrouter``).

Bifrost has a span for each try, which names a virtual key (``plugins/otel`` and ``core/schemas/trace.go`` of
``maximhq/bifrost``). Its parts were in details of the two counts until the conventions had names for them, and what
was written for an hour still is. Images and speech it calls ``generate_content``; its ``request.type`` says which.

Semantic Kernel has operations of its own (``chat.completions``, ``chat.streaming_completions`` and so for texts), named
its two counts as parts of the response until December 2024, and wrote ``-1`` for what was not counted
(``utils/telemetry/model_diagnostics`` and ``ModelDiagnostics.cs`` of ``microsoft/semantic-kernel``).

Whose call it was no convention says. It is the attribute ``api_key_id`` of the span, else of its resource; else what
LiteLLM writes (``litellm.api_key.hash``, ``metadata.user_api_key_hash``), else Bifrost's virtual key, else ``user.id``
or ``enduser.id``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.native import vercel
from pipeline.collectors.families.reading import less, word
from pipeline.collectors.formats.mapping import first_count, object_in
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import ContradictedObject, stated_once
from pipeline.collectors.values.traced import is_integer, whole_number
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "otel"

LOG_RECORDS = ("resourceLogs", "scopeLogs", "logRecords")
"""The names of the lists in which log records lie, one in another."""
_SPANS = "spans"
_RECORDS = (("resourceSpans", "scopeSpans", _SPANS), LOG_RECORDS)
_SIGNALS = ("resourceSpans", "resourceLogs", "resourceMetrics")
_EMBEDDINGS = re.compile("embeddings?|aembedding")
_INFERENCES = re.compile(
    f"{_EMBEDDINGS.pattern}|chat|text_completion|generate_content|call_llm"
    "|completion|acompletion|atext_completion|responses|aresponses|anthropic_messages"
    r"|(?:chat|text)\.(?:streaming_)?completions"
)
"""Those of the conventions, and what frameworks, LiteLLM and Semantic Kernel call them.

Patterns, since a text in a container is taken for the name of an attribute, in each of the fourteen objects of a line,
and there is room for some three thousand (``kernel.names``).
"""
_NO_TEXT = re.compile("image|speech|transcription|ocr")
"""Kinds of calls of LiteLLM and Bifrost whose operation is ``generate_content``, and that no meter is for."""
_KINDS_OF_CALLS = ("litellm.call_type", "request.type")
_STEP_OF_OPENROUTER = re.compile("span")
"""What OpenRouter calls the type of its spans of tries and of their answer; that of the call is ``generation``."""
_OTHERS = re.compile(
    "invoke_agent|create_agent|invoke_workflow|plan|execute_tool|retrieval|fetch_response"
    "|create_memory|create_memory_store|delete_memory|delete_memory_store|search_memory|update_memory|upsert_memory"
)
"""Operations of the conventions that are no inference; ``fetch_response`` reads one that was counted before."""
_DETAILS = re.compile(r"gen_ai\.client\.inference\.operation\.details")
_EVENT_OF_CODING = re.compile(r"claude_code\.api_request")
_USAGE_OF_CODING = re.compile(
    "(?P<input_tokens>input_tokens)|(?P<output_tokens>output_tokens)"
    "|(?P<cache_read_input_tokens>cache_read_tokens)|(?P<cache_creation_input_tokens>cache_creation_tokens)"
    "|(?P<speed>speed)"
)
"""What Anthropic's coding tool calls what the usage object of its API has.

Patterns, as above: a record that has a body is read plainly.
"""
_SPEED_OF_CODING = re.compile("fast")
_EVENT_OF_GEMINI_CLI = re.compile(r"gemini_cli\.api_response")
_ANSWER_OF_GEMINI_CLI = re.compile("API response from .*", re.DOTALL)
_DETAILS_OF_GEMINI_CLI = re.compile("GenAI operation (?:request |error )?details from .*", re.DOTALL)
"""What the bodies of its events say, of which each has one."""
_USAGE_OF_GEMINI_CLI = re.compile(
    "(?P<promptTokenCount>input_token_count)|(?P<candidatesTokenCount>output_token_count)"
    "|(?P<cachedContentTokenCount>cached_content_token_count)|(?P<thoughtsTokenCount>thoughts_token_count)"
    "|(?P<toolUsePromptTokenCount>tool_token_count)|(?P<totalTokenCount>total_token_count)"
)
"""What it calls what the usage of Google's API has."""
_ERROR = 2
_NAME_OF_ERROR = re.compile("STATUS_CODE_ERROR")
_HTTP_STATUS = re.compile(r"[1-5][0-9]{2}")
_TRUE = re.compile("[Tt]rue")
_INTEGER = re.compile(r"-?[0-9]{1,20}")

_ANSWER_OF_ADK = "gcp.vertex.agent.llm_response"
_IS_COUNTED_BY_ADK = re.compile(r'"(?:prompt|total)_token_count":')
_REASONING_OF_ADK = "gen_ai.usage.experimental.reasoning_tokens"
_GEMINI = re.compile(r"(?:.*/)?models/gemini-[^/]*|gemini-[^/]*")
"""Models that ADK asks itself; those that LiteLLM asks for it have a provider before their name."""
_DETAILS_OF_LANGSMITH = ("gen_ai.usage.input_token_details", "gen_ai.usage.output_token_details")
_LAST = re.compile(r"\.")
_NUMBER_IN = re.compile(r"""['"]([a-z0-9_]{1,64})['"]: ?([0-9]{1,19})(?![0-9.eE])""")

_COUNTS_OF_SEMANTIC_KERNEL = ("gen_ai.response.prompt_tokens", "gen_ai.response.completion_tokens")
_NOT_COUNTED = -1
_COUNTS = {
    "prompt_tokens": (
        *("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.tokens"),
        _COUNTS_OF_SEMANTIC_KERNEL[0],
    ),
    "completion_tokens": (
        *("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
        _COUNTS_OF_SEMANTIC_KERNEL[1],
    ),
    "total_tokens": (
        *("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total", "ai.usage.totalTokens"),
    ),
    "cached_tokens": (
        *("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
        *("gen_ai.usage.cached_input_tokens", "gen_ai.usage.cache_read_tokens"),
        "llm.token_count.prompt_details.cache_read",
        *("ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens"),
        *("gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cache_read_input_tokens"),
        *("gen_ai.usage.details.cached_tokens", "gen_ai.usage.details.cached_content_tokens"),
        *("gen_ai.usage.input_tokens.cached", "gen_ai.usage.cached_tokens"),
        *("gen_ai.usage.prompt_tokens_details.cache_read", "gen_ai.usage.prompt_tokens_details.cached_tokens"),
        *("gen_ai.usage.input_tokens.cache_read", "gen_ai.usage.prompt_token_details.cached_read_tokens"),
        "gen_ai.usage.input_token_details.cached_read_tokens",
    ),
    "cache_write_tokens": (
        *("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        *("gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens"),
        "gen_ai.usage.cache_write_tokens",
        *("llm.token_count.prompt_details.cache_write", "ai.usage.inputTokenDetails.cacheWriteTokens"),
        *("gen_ai.usage.details.cache_write_tokens", "gen_ai.usage.details.cache_creation_input_tokens"),
        *("gen_ai.usage.input_tokens.cache_write", "gen_ai.usage.prompt_tokens_details.cache_write"),
        *("gen_ai.usage.input_tokens.cache_creation", "gen_ai.usage.prompt_token_details.cached_write_tokens"),
        "gen_ai.usage.input_token_details.cached_write_tokens",
    ),
    "cache_write_1h_tokens": (
        *("gen_ai.usage.input_tokens.cache_write_1h", "gen_ai.usage.cache_creation.1h_input_tokens"),
        *("gen_ai.usage.prompt_token_details.cached_write_tokens_1h", "archestra.usage.cache_creation.1h_input_tokens"),
        "gen_ai.usage.input_token_details.cached_write_tokens_1h",
    ),
    "reasoning_tokens": (
        *("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
        *("llm.token_count.completion_details.reasoning", "ai.usage.reasoningTokens"),
        *("ai.usage.outputTokenDetails.reasoningTokens", "llm.usage.reasoning_tokens"),
        *("gen_ai.usage.details.reasoning_tokens", "gen_ai.usage.details.thoughts_tokens"),
        *("gen_ai.usage.details.thinking_tokens", "gen_ai.usage.output_tokens.reasoning"),
        *("gen_ai.usage.completion_tokens_details.reasoning", _REASONING_OF_ADK),
        *("gen_ai.usage.completion_token_details.reasoning_tokens", "codex.usage.reasoning_output_tokens"),
        "gen_ai.usage.output_token_details.reasoning_tokens",
    ),
    "prompt_audio_tokens": (
        *("gen_ai.usage.audio.input_tokens", "llm.token_count.prompt_details.audio"),
        *("gen_ai.usage.details.input_audio_tokens", "gen_ai.usage.details.audio_prompt_tokens"),
        *("gen_ai.usage.audio_input_tokens", "gen_ai.usage.prompt_token_details.audio_tokens"),
        "gen_ai.usage.input_token_details.audio_tokens",
    ),
    "completion_audio_tokens": (
        *("gen_ai.usage.audio.output_tokens", "llm.token_count.completion_details.audio"),
        *("gen_ai.usage.details.output_audio_tokens", "gen_ai.usage.details.audio_candidates_tokens"),
        *("gen_ai.usage.audio_output_tokens", "gen_ai.usage.completion_token_details.audio_tokens"),
        "gen_ai.usage.output_token_details.audio_tokens",
    ),
}
"""Our counts, and what they are called: by the conventions from the newest on, then by frameworks that spell these
otherwise (Strands, Mastra), OpenLLMetry, OpenInference, Vercel's SDK (its sixth version has parts in
``inputTokenDetails``), Pydantic AI, Sentry, Rig, OpenLIT, OpenRouter, Bifrost and Archestra. What was written to a
cache for an hour no convention tells apart.

Under its own names Pydantic AI has what the call came to; under Anthropic's, steps of compaction are left out.
"""
_CACHED_AUDIO = ("gen_ai.usage.details.cache_audio_read_tokens", "gen_ai.usage.details.audio_cache_tokens")
"""What of the prompt's audio was read from a cache: it is within both."""
_AGENT = ("gen_ai.agent.name", "agent_name")
_MODEL = ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name")
_MODELS = ("gen_ai.request.model", "llm.model_name", "embedding.model_name", "ai.model.id", "model")
"""What the model that was asked for is called; the last by Anthropic's coding tool."""
_METADATA_OF_VERCEL = "ai.response.providerMetadata"
_DETAILS_OF_VERCEL = ("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.inputTokenDetails.cacheWriteTokens")
_OF_VERCEL = "operation.name"
"""How Vercel's SDK names what it does, before a name of the application's own."""
_OF_VECTORS = re.compile(r"ai\.embed(?:Many)?(\.doEmbed)?(?: .*)?", re.DOTALL)
_EMBEDDINGS_PATH = "/v1/embeddings"
_RUN = "thread.run"
_KIND = "openinference.span.kind"
_KIND_OF_VECTORS = re.compile("EMBEDDING")
_KINDS = re.compile(f"LLM|{_KIND_OF_VECTORS.pattern}")
_PARENTS = re.compile("CHAIN|AGENT")
_KIND_OF_LANGSMITH = "langsmith.span.kind"
_KINDS_OF_LANGSMITH = re.compile("llm|embedding")
_TIER = ("openai.response.service_tier", "gen_ai.openai.response.service_tier", "gen_ai.response.service_tier")
_KEY = "api_key_id"
_WHO = (
    *("litellm.api_key.hash", "metadata.user_api_key_hash", "bifrost.virtual_key.id", "gen_ai.virtual_key_id"),
    *("user.id", "enduser.id", "installation.id"),
)
"""What tells whose a call was where nothing is called so: whom callers may choose, and an installation come last."""
_RESPONSE_ID = "gen_ai.response.id"
_SHARED = ("response.id", "response.model", "response")
"""What spans of one call have from one another; the last is the answer itself."""
_TIMES = ("startTimeUnixNano", "timeUnixNano", "observedTimeUnixNano")
_ROWS = tuple(".".join(steps) for steps in _RECORDS)


def _attributes_at(*names: str) -> list[str]:
    return [f'{rows}.attributes."{name}"' for rows in _ROWS for name in names]


PLACES = Places(
    fields={
        "ts": [f"{rows}.{name}" for rows in _ROWS for name in _TIMES],
        "api_key_id": [
            *_attributes_at(_KEY, *_WHO),
            *(f'{groups}.resource.attributes."{name}"' for groups, *_ in _RECORDS for name in (_KEY, *_WHO)),
        ],
        "response.id": _attributes_at(_RESPONSE_ID),
        "response.error": [f"{rows}.status.code" for rows in _ROWS],
        **{f"usage.{name}": _attributes_at(*names) for name, names in _COUNTS.items()},
    },
    rows=_ROWS,
    pairs=(
        *(f"{rows}.attributes" for rows in _ROWS),
        *(f"{groups}.resource.attributes" for groups, *_ in _RECORDS),
    ),
    within=("spanId", "parentSpanId"),
    marks=("resourceMetrics",),
    plain=(f"{_ROWS[1]}.body",),
)


def recognises(document: JsonObject) -> bool:
    """Tell a line of OTLP JSON, of whatever signal."""
    return any(isinstance(document.get(name), list) for name in _SIGNALS)


def integer_of(value: Any) -> Any:
    """Return an integer that may be written as text; anything else is left as it is."""
    return whole_number(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else value


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the exchanges of a line, in its order; each with all its ``attributes``, and those of its ``resource``.

    Raises ``LineRefused``: ``missing_field`` for a line that is no OTLP, ``invalid_field`` where a list or an object of
    it is none.
    """
    if not recognises(document):
        raise LineRefused(QuarantineReason.MISSING_FIELD, f"none of {', '.join(_SIGNALS)}")
    found = [(record, _entry(record, attributes, resource)) for record, attributes, resource in _records(document)]
    exchanges = [(record, entry) for record, entry in found if entry is not None]
    _join_repeats(exchanges)
    _name_answers_of_gemini_cli(document, [entry for record, entry in exchanges if _is_of_gemini_cli(record)])
    return [entry for _, entry in exchanges]


def _join_repeats(exchanges: list[tuple[JsonObject, JsonObject]]) -> None:
    """Give spans of one call the ids of one exchange.

    A framework's instrumentation puts its span around that of the client, which may trace itself, as Anthropic's SDK
    does: an inference right within another one of the same line, of the same counts, is that call once more. So is what
    asks for vectors right within what says so and counts nothing, as Vercel's SDK has it. Children end first, so they
    come first.
    """
    of_spans = {(record.get("traceId"), record.get("spanId")): entry for record, entry in exchanges if _id_of(record)}
    for record, inner in exchanges:
        around = record.get("traceId"), record.get("parentSpanId")
        outer = of_spans.get(around) if all(isinstance(each, str) for each in around) else None
        if outer is None or not any(_counted(inner)) or not _is_again(inner, outer):
            continue
        shared = {name: inner.get(name) or outer.get(name) for name in _SHARED if name in inner or name in outer}
        for entry in (inner, outer):
            entry |= {**shared, "request_id": inner["request_id"]}


def _name_answers_of_gemini_cli(document: JsonObject, calls: list[JsonObject]) -> None:
    """Give calls of Gemini CLI the ids of their answers, where one event of the line says which."""
    if not calls:
        return
    ids: dict[tuple[str, str], list[Any]] = {}
    for _, record, attributes, _ in _all_records(document):
        if _DETAILS_OF_GEMINI_CLI.fullmatch(_body_of(record)) and attributes.get(_RESPONSE_ID) is not None:
            ids.setdefault(_written_at(attributes), []).append(attributes.get(_RESPONSE_ID))
    at = [_written_at(call["attributes"]) for call in calls]
    for call, written in zip(calls, at, strict=True):
        if at.count(written) == len(ids.get(written, ())) == 1:
            call["response.id"] = ids[written][0]


def _written_at(attributes: JsonObject) -> tuple[str, str]:
    return word(attributes.get("session.id")), word(attributes.get("event.timestamp"))


def _is_again(inner: JsonObject, outer: JsonObject) -> bool:
    is_of_vectors = inner["path"] == outer["path"] == _EMBEDDINGS_PATH
    return _counted(inner) == _counted(outer) or (is_of_vectors and not any(_counted(outer)))


def _counted(entry: JsonObject) -> tuple[Any, Any]:
    return entry.get("usage.prompt_tokens"), entry.get("usage.completion_tokens")


def _records(document: JsonObject) -> Iterator[tuple[JsonObject, JsonObject, JsonObject]]:
    """Yield every span, and every event of an inference, with its attributes and those of its resource."""
    for name, record, attributes, of_all in _all_records(document):
        if name == _SPANS or _is_of_a_call(record, attributes):
            yield record, attributes, of_all


def _all_records(document: JsonObject) -> Iterator[tuple[str, JsonObject, JsonObject, JsonObject]]:
    for of_resource, scopes, records in _RECORDS:
        for group in _objects(document, of_resource):
            resource = group.get("resource")
            of_all = _attributes(resource) if isinstance(resource, dict) else {}
            for record in (record for scope in _objects(group, scopes) for record in _objects(scope, records)):
                yield records, record, _attributes(record), of_all


def _is_of_a_call(record: JsonObject, attributes: JsonObject) -> bool:
    """Tell the event of an inference."""
    name = word(record.get("eventName") or attributes.get("event.name"))
    body = _body_of(record)
    if _DETAILS.fullmatch(name):
        return _DETAILS_OF_GEMINI_CLI.fullmatch(body) is None
    is_of_gemini_cli = _EVENT_OF_GEMINI_CLI.fullmatch(name) is not None and _is_of_gemini_cli(record)
    return is_of_gemini_cli or _is_event_of_coding(record)


def _is_event_of_coding(record: JsonObject) -> bool:
    """Tell the event of a call by Anthropic's coding tool, which its body names in full."""
    return _EVENT_OF_CODING.fullmatch(_body_of(record)) is not None


def _is_of_gemini_cli(record: JsonObject) -> bool:
    """Tell the event of an answer by Gemini CLI among those that are of calls."""
    return _ANSWER_OF_GEMINI_CLI.fullmatch(_body_of(record)) is not None


def _body_of(record: JsonObject) -> str:
    return word(_value(record.get("body")))


def _entry(record: JsonObject, attributes: JsonObject, resource: JsonObject) -> JsonObject | None:
    stated = attributes.get("gen_ai.operation.name")
    operation = stated if isinstance(stated, str) else None
    is_inference = operation is not None and _INFERENCES.fullmatch(operation) is not None
    is_text = _NO_TEXT.search(word(_first(attributes, *_KINDS_OF_CALLS))) is None
    if _PARENTS.fullmatch(word(attributes.get(_KIND))) or _is_of_no_model_by_langsmith(attributes):
        return None
    if _is_step_of_openrouter(attributes):
        return None
    if _is_event_of_coding(record):
        of_answer = _of_answer_of_coding(record, attributes)
    elif _is_of_gemini_cli(record):
        usage = _usage_named(_USAGE_OF_GEMINI_CLI, attributes)
        of_answer = {"response": {"usageMetadata": usage}} if any(usage.values()) else {}
    elif (is_inference and is_text) or (operation is None and _is_inference_of_old(attributes)):
        of_answer = _of_answer(record, attributes)
    elif operation is not None and not _OTHERS.fullmatch(operation) and _states_usage(attributes):
        of_answer = {"response": {"object": _RUN, "usage": _two_counts(attributes)}}  # no meter is for runs
    else:
        return None
    return {
        "ts": _time(record),
        "api_key_id": _key(attributes, resource),
        "request_id": _id_of(record),
        "status": _http_status(attributes),
        "path": _EMBEDDINGS_PATH if _is_embedding(operation, attributes) else None,
        "request": {
            "model": _first(attributes, *_MODELS),
            "stream": _first(attributes, "gen_ai.request.stream", "litellm.request.streaming"),
            "n": attributes.get("gen_ai.request.choice.count"),
        },
        "cache_hit": _TRUE.fullmatch(str(attributes.get("litellm.cache_hit"))) is not None,
        **of_answer,
        "attributes": attributes,
        "resource": resource,
    }


def _key(attributes: JsonObject, resource: JsonObject) -> Any:
    """Return whose call it was: what is called the key comes first, wherever it stands."""
    places = ((attributes, (_KEY,)), (resource, (_KEY,)), (attributes, _WHO), (resource, _WHO))
    return next((found for holder, names in places if (found := _first(holder, *names)) is not None), None)


def _of_answer(record: JsonObject, attributes: JsonObject) -> JsonObject:
    """Return what is stated of the answer, which is not in the log itself."""
    reasons = attributes.get("gen_ai.response.finish_reasons")
    return {
        "response.id": attributes.get(_RESPONSE_ID),
        "response.model": attributes.get("gen_ai.response.model"),
        "response.finish_reason": reasons[0] if isinstance(reasons, list) and reasons else None,
        "response.error": _has_error(record, attributes),
        "service_tier": _first(attributes, *_TIER),
        **_held(attributes),
        **{f"usage.{name}": _count(attributes, *names) for name, names in _COUNTS.items()},
        "usage.completion_tokens": _output(attributes),
        "usage.prompt_audio_tokens": _uncached_audio(attributes),
    }


def _held(attributes: JsonObject) -> JsonObject:
    """Return the answer, and parts of the two counts, that a span holds as text."""
    answer = _answer_of_adk(attributes) or _answer_of_vercel(attributes)
    held = {"response": answer, "usage": _details_of_langsmith(attributes)}
    return {name: value for name, value in held.items() if value is not None}


def _answer_of_adk(attributes: JsonObject) -> str | None:
    """Return the answer that a span of Google's ADK holds, where that counts anything."""
    held = word(attributes.get(_ANSWER_OF_ADK))
    return held if _IS_COUNTED_BY_ADK.search(held) else None


def _answer_of_vercel(attributes: JsonObject) -> JsonObject | None:
    """Return the result that a span of Vercel's SDK tells of, where its counts are those of a provider that says how.

    ``None`` where its counts have their parts, or are none: then they say what they are.
    """
    held = word(attributes.get(_METADATA_OF_VERCEL))
    if not held or any(attributes.get(name) is not None for name in _DETAILS_OF_VERCEL):
        return None
    counts = {name: _count(attributes, *names) for name, names in _COUNTS.items()}
    of_all = [value for value in counts.values() if value is not None]
    if not any(_two_counts(attributes).values()) or not all(map(is_integer, of_all)):
        return None
    return vercel.of_span(counts, object_in(held))


def _output(attributes: JsonObject) -> Any:
    """Return the output, with the thoughts that older versions of Google's ADK state beside that of Gemini.

    What is no count stays as it is, to be refused.
    """
    output, thoughts = _count(attributes, *_COUNTS["completion_tokens"]), attributes.get(_REASONING_OF_ADK)
    are_counts = all(is_integer(value) and value >= 0 for value in (output, thoughts))
    is_beside = are_counts and _GEMINI.fullmatch(word(_first(attributes, *_MODELS))) is not None
    return output + thoughts if is_beside else output


def _details_of_langsmith(attributes: JsonObject) -> JsonObject | None:
    """Return parts of the two counts that are text of an object, as LangChain calls them; ``None`` where none are."""
    stated = {_LAST.split(name)[-1]: word(attributes.get(name)) for name in _DETAILS_OF_LANGSMITH}
    return {name: _numbers_in(text) for name, text in stated.items() if text} or None


def _numbers_in(text: str) -> JsonObject:
    """Return the whole numbers of an object by their names; JSON writes these in other quotes than Python."""
    return {name: whole_number(value) for name, value in _NUMBER_IN.findall(text)}


def _is_of_no_model_by_langsmith(attributes: JsonObject) -> bool:
    """Tell a span of LangSmith's SDK that is a run of no model: a chain, a prompt, a tool, a retriever."""
    kind = attributes.get(_KIND_OF_LANGSMITH)
    return kind is not None and _KINDS_OF_LANGSMITH.fullmatch(word(kind)) is None


def _is_step_of_openrouter(attributes: JsonObject) -> bool:
    """Tell a span of a try or of its answer, whose call has a span around it that states the usage."""
    return _STEP_OF_OPENROUTER.fullmatch(word(attributes.get("span.type"))) is not None and not _states_usage(
        attributes
    )


def _of_answer_of_coding(record: JsonObject, attributes: JsonObject) -> JsonObject:
    """Return what is stated of the answer; its counts are Anthropic's, whose input leaves out what was cached."""
    usage = _usage_named(_USAGE_OF_CODING, attributes)
    is_fast = any(_SPEED_OF_CODING.fullmatch(word(value)) for value in usage.values())
    return {
        "response.id": attributes.get("request_id"),
        "response.error": _has_error(record, attributes),
        "service_tier": _SPEED_OF_CODING.pattern if is_fast else None,
        "usage": usage,
    }


def _usage_named(names: re.Pattern[str], attributes: JsonObject) -> JsonObject:
    """Return what an API calls attributes of a tool, whose numbers may be texts."""
    named = ((names.fullmatch(name), value) for name, value in attributes.items())
    return {str(found.lastgroup): integer_of(value) for found, value in named if found is not None}


def _uncached_audio(attributes: JsonObject) -> Any:
    """Return what of the prompt's audio was not read from a cache; what is no count stays as it is, to be refused."""
    audio, cached = _count(attributes, *_COUNTS["prompt_audio_tokens"]), _first(attributes, *_CACHED_AUDIO)
    are_counts = all(is_integer(value) and value >= 0 for value in (audio, cached))
    return less(audio, cached) if are_counts else audio


def _is_inference_of_old(attributes: JsonObject) -> bool:
    """Tell an inference among what names no operation, as conventions before 1.27 and OpenLLMetry have it.

    OpenLLMetry marks what is none by ``traceloop.span.kind``: workflows, tasks, agents and tools. OpenInference names
    the kind of every span. Pydantic AI's span of an agent names the agent, and no model. Vercel's SDK has a span around
    those that ask for vectors, which repeats their usage.
    """
    if _of_vectors(attributes) is not None:
        return _is_embedding_of_old(attributes)
    if (kind := attributes.get(_KIND)) is not None:
        return _KINDS.fullmatch(word(kind)) is not None
    if attributes.get("traceloop.span.kind") is not None:
        return False
    if any(name in attributes for name in _AGENT) and not any(name in attributes for name in _MODEL):
        return False
    return _states_usage(attributes) or ("gen_ai.system" in attributes and "gen_ai.request.model" in attributes)


def _is_embedding(operation: str | None, attributes: JsonObject) -> bool:
    return _EMBEDDINGS.fullmatch(operation or "") is not None or _is_embedding_of_old(attributes)


def _is_embedding_of_old(attributes: JsonObject) -> bool:
    of_vectors = _of_vectors(attributes)
    is_of_kind = _KIND_OF_VECTORS.fullmatch(word(attributes.get(_KIND))) is not None
    return is_of_kind or (of_vectors is not None and of_vectors[1] is not None)


def _of_vectors(attributes: JsonObject) -> re.Match[str] | None:
    return _OF_VECTORS.fullmatch(word(attributes.get(_OF_VERCEL)))


def _two_counts(attributes: JsonObject) -> JsonObject:
    return {name: _count(attributes, *_COUNTS[name]) for name in ("prompt_tokens", "completion_tokens")}


def _states_usage(attributes: JsonObject) -> bool:
    return any(value is not None for value in _two_counts(attributes).values())


def _has_error(record: JsonObject, attributes: JsonObject) -> bool:
    status = record.get("status")
    code = status.get("code") if isinstance(status, dict) else None
    is_error = code == _ERROR or _NAME_OF_ERROR.fullmatch(word(code)) is not None
    return bool(attributes.get("error.type")) or is_error


def _http_status(attributes: JsonObject) -> Any:
    """Return the status of HTTP, which the error's type may be."""
    status = attributes.get("http.response.status_code")
    kind = attributes.get("error.type")
    return kind if status is None and isinstance(kind, str) and _HTTP_STATUS.fullmatch(kind) else status


def _time(record: JsonObject) -> Any:
    """Return when a call began; an event has only the time at which it was recorded."""
    return next(
        (value for name in _TIMES if (value := record.get(name)) not in (None, "0", 0)),
        None,
    )


def _id_of(record: JsonObject) -> str | None:
    """Return the id of a span, which is that of its events too: its trace's and its own."""
    trace, span = record.get("traceId"), record.get("spanId")
    return f"{trace}/{span}" if isinstance(trace, str) and isinstance(span, str) and trace and span else None


def _first(attributes: JsonObject, *names: str) -> Any:
    """Return the first attribute of several that is stated; ``CONTRADICTED`` where it is stated twice.

    Whoever reads the entry refuses that, and the other spans of its line are read.
    """
    return next((value for name in names if (value := attributes.get(name)) not in (None, "")), None)


def _count(attributes: JsonObject, *names: str) -> Any:
    return first_count(_stated(attributes, name) for name in names)


def _stated(attributes: JsonObject, name: str) -> Any:
    value = attributes.get(name)
    return None if name in _COUNTS_OF_SEMANTIC_KERNEL and value == _NOT_COUNTED else value


def _objects(document: JsonObject, name: str) -> list[JsonObject]:
    values = stated_once(document, name)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise LineRefused(QuarantineReason.INVALID_FIELD, f"{name} is no list of objects")
    return values


def _attributes(holder: JsonObject) -> JsonObject:
    """Return attributes by name. What is nested holds messages, and is left where it is."""
    pairs = [(str(entry.get("key")), _value(entry.get("value"))) for entry in _objects(holder, "attributes")]
    found = dict(pairs)
    return found if len(found) == len(pairs) else ContradictedObject(pairs)


def _value(value: Any) -> Any:
    """Return what an ``AnyValue`` holds: text, a number, a flag, or a list of these; an integer may stand as text."""
    if not isinstance(value, dict):
        return None
    if "intValue" in value:
        return integer_of(value.get("intValue"))
    if "arrayValue" in value:
        array = value.get("arrayValue")
        values = array.get("values") if isinstance(array, dict) else None
        return [_value(one) for one in values] if isinstance(values, list) else None
    return next((value.get(name) for name in ("stringValue", "boolValue", "doubleValue") if name in value), None)
