-- Slice totals by fate. Every event was counted there; a copy that does not survive is moved from the survivors to its own fate, so that
-- only the few events that were logged twice are looked at one by one.
-- grain: api_key_id, model_name, dimensions, status, http_status, fate, is_suspicious, slice_at, prompt_band
-- kept as: table
with moved as (
    select
        event_copies.*,
        time_slices.starts_at as slice_at,
        prompt_bands.prompt_band
    from event_copies
    inner join time_slices
        on
            time_slices.hour_at = event_copies.occurred_hour_at
            and event_copies.occurred_at >= time_slices.starts_at
            and event_copies.occurred_at < time_slices.ends_at
    inner join prompt_bands
        on
            event_copies.prompt_tokens >= prompt_bands.from_prompt_tokens
            and (event_copies.prompt_tokens < prompt_bands.to_prompt_tokens or prompt_bands.to_prompt_tokens is null)
    where event_copies.fate <> 'survivor'
),
counted as (
    select
        api_key_id,
        model_name,
        @dimensions,
        status,
        http_status,
        'survivor' as fate,
        false as is_suspicious,
        slice_at,
        prompt_band,
        events,
        @counts
    from slice_totals
    union all
    select
        api_key_id,
        model_name,
        @dimensions,
        status,
        http_status,
        'survivor' as fate,
        false as is_suspicious,
        slice_at,
        prompt_band,
        -1 as events,
        -@counts
    from moved
    union all
    select
        api_key_id,
        model_name,
        @dimensions,
        status,
        http_status,
        fate,
        is_suspicious,
        slice_at,
        prompt_band,
        1 as events,
        @counts
    from moved
)
select
    api_key_id,
    model_name,
    @dimensions,
    status,
    http_status,
    fate,
    is_suspicious,
    slice_at,
    prompt_band,
    sum(events)::bigint as events,
    sum(@counts)::bigint as @counts
from counted
group by
    api_key_id,
    model_name,
    @dimensions,
    status,
    http_status,
    fate,
    is_suspicious,
    slice_at,
    prompt_band
having sum(counted.events) > 0
