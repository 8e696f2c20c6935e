-- Claim: the stated tokens of usage events are those of slice totals, each kind for itself. A row is a key for which that is not so.
-- grain: api_key_id
with events as (
    select
        api_key_id,
        sum(prompt_tokens)::decimal(38, 0) as prompt_tokens,
        sum(completion_tokens)::decimal(38, 0) as completion_tokens,
        sum(prompt_cached_tokens)::decimal(38, 0) as prompt_cached_tokens,
        sum(prompt_cache_write_tokens)::decimal(38, 0) as prompt_cache_write_tokens,
        sum(reasoning_tokens)::decimal(38, 0) as reasoning_tokens
    from usage_events
    group by api_key_id
),
sliced as (
    select
        api_key_id,
        sum(prompt_tokens)::decimal(38, 0) as prompt_tokens,
        sum(completion_tokens)::decimal(38, 0) as completion_tokens,
        sum(prompt_cached_tokens)::decimal(38, 0) as prompt_cached_tokens,
        sum(prompt_cache_write_tokens)::decimal(38, 0) as prompt_cache_write_tokens,
        sum(reasoning_tokens)::decimal(38, 0) as reasoning_tokens
    from slice_totals
    group by api_key_id
)
select
    events.api_key_id,
    events.prompt_tokens as prompt_tokens_read,
    coalesce(sliced.prompt_tokens, 0) as prompt_tokens_sliced,
    events.completion_tokens as completion_tokens_read,
    coalesce(sliced.completion_tokens, 0) as completion_tokens_sliced,
    events.prompt_cached_tokens as prompt_cached_tokens_read,
    coalesce(sliced.prompt_cached_tokens, 0) as prompt_cached_tokens_sliced,
    events.prompt_cache_write_tokens as prompt_cache_write_tokens_read,
    coalesce(sliced.prompt_cache_write_tokens, 0) as prompt_cache_write_tokens_sliced,
    events.reasoning_tokens as reasoning_tokens_read,
    coalesce(sliced.reasoning_tokens, 0) as reasoning_tokens_sliced
from events
left join sliced on sliced.api_key_id = events.api_key_id
where
    events.prompt_tokens <> coalesce(sliced.prompt_tokens, 0)
    or events.completion_tokens <> coalesce(sliced.completion_tokens, 0)
    or events.prompt_cached_tokens <> coalesce(sliced.prompt_cached_tokens, 0)
    or events.prompt_cache_write_tokens <> coalesce(sliced.prompt_cache_write_tokens, 0)
    or events.reasoning_tokens <> coalesce(sliced.reasoning_tokens, 0)
