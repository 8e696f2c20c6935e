-- The one pass over the events: exchanges and tokens by everything that decides an account, a usage date or a price.
-- A time slice is a stretch in which no day ends and no rate changes, in any zone and on any card (see time_slices).
-- The prompt band is the greatest threshold of any card that the single request's prompt exceeds: sums cannot tell it any more.
-- grain: api_key_id, model_name, service_tier, status, http_status, fate, slice_at, prompt_band
-- kept as: table
select
    event_fates.api_key_id,
    event_fates.model_name,
    event_fates.service_tier,
    event_fates.status,
    event_fates.http_status,
    event_fates.fate,
    time_slices.starts_at as slice_at,
    prompt_bands.prompt_band,
    count(*)::bigint as events,
    sum(event_fates.prompt_tokens)::bigint as prompt_tokens,
    sum(event_fates.completion_tokens)::bigint as completion_tokens,
    sum(event_fates.prompt_cached_tokens)::bigint as prompt_cached_tokens,
    sum(event_fates.prompt_cache_write_tokens)::bigint as prompt_cache_write_tokens,
    sum(event_fates.reasoning_tokens)::bigint as reasoning_tokens
from event_fates
inner join time_slices
    on
        time_slices.hour_at = event_fates.occurred_hour_at
        and event_fates.occurred_at >= time_slices.starts_at
        and event_fates.occurred_at < time_slices.ends_at
inner join prompt_bands
    on
        event_fates.prompt_tokens >= prompt_bands.from_prompt_tokens
        and (event_fates.prompt_tokens < prompt_bands.to_prompt_tokens or prompt_bands.to_prompt_tokens is null)
group by
    event_fates.api_key_id,
    event_fates.model_name,
    event_fates.service_tier,
    event_fates.status,
    event_fates.http_status,
    event_fates.fate,
    time_slices.starts_at,
    prompt_bands.prompt_band
