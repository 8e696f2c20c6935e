-- Exchanges and tokens by fate and by everything that decides an account, a usage date or a price. Every event is counted as a survivor,
-- and a copy that does not survive is moved from there to its own fate: the few that were logged twice are looked at, not all.
-- A time slice is a stretch in which no day ends and no rate changes, in any zone and on any card (see time_slices).
-- grain: api_key_id, model_name, service_tier, status, http_status, fate, slice_at
-- kept as: table
with counted as (
    select
        api_key_id, model_name, service_tier, status, http_status, 'survivor' as fate, moment_at,
        events, prompt_tokens, completion_tokens, prompt_cached_tokens, prompt_cache_write_tokens, reasoning_tokens
    from hour_totals
    union all
    select
        api_key_id, model_name, service_tier, status, http_status, 'survivor' as fate, occurred_at as moment_at,
        -1 as events, -prompt_tokens, -completion_tokens, -prompt_cached_tokens, -prompt_cache_write_tokens, -reasoning_tokens
    from event_copies
    where fate <> 'survivor'
    union all
    select
        api_key_id, model_name, service_tier, status, http_status, fate, occurred_at as moment_at,
        1 as events, prompt_tokens, completion_tokens, prompt_cached_tokens, prompt_cache_write_tokens, reasoning_tokens
    from event_copies
    where fate <> 'survivor'
)
select
    counted.api_key_id,
    counted.model_name,
    counted.service_tier,
    counted.status,
    counted.http_status,
    counted.fate,
    time_slices.starts_at as slice_at,
    sum(counted.events)::bigint as events,
    sum(counted.prompt_tokens)::bigint as prompt_tokens,
    sum(counted.completion_tokens)::bigint as completion_tokens,
    sum(counted.prompt_cached_tokens)::bigint as prompt_cached_tokens,
    sum(counted.prompt_cache_write_tokens)::bigint as prompt_cache_write_tokens,
    sum(counted.reasoning_tokens)::bigint as reasoning_tokens
from counted
inner join time_slices
    on
        time_slices.hour_at = date_trunc('hour', counted.moment_at)
        and counted.moment_at >= time_slices.starts_at
        and counted.moment_at < time_slices.ends_at
group by
    counted.api_key_id,
    counted.model_name,
    counted.service_tier,
    counted.status,
    counted.http_status,
    counted.fate,
    time_slices.starts_at
having sum(counted.events) > 0
