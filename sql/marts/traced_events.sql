-- What became of each usage event: its fate, the copy that survived, and the account, usage date, model, rate window and prompt band it counts under.
-- A log that was rotated can hold the same line at the same place twice; those copies share the place that is shown.
-- grain: usage event (source, line)
-- kept as: table
with places as (
    select
        event_id,
        source,
        line,
        min(request_id) as request_id,
        min(response_id) as response_id,
        min(byte_start)::bigint as byte_start,
        min(byte_end)::bigint as byte_end
    from lake_usage_events
    group by event_id, source, line
),
survivors as (
    select event_id, source, line
    from event_fates
    where fate = 'survivor'
),
attributions as (
    select distinct
        api_key_id,
        model_name,
        status,
        http_status,
        fate,
        service_tier,
        slice_at,
        any_card_prompt_band,
        account_id,
        model,
        usage_date,
        billing_period,
        rate_window_start,
        prompt_band,
        priced_apart,
        is_billed
    from attributed_totals
)
select
    event_fates.event_id,
    places.request_id,
    places.response_id,
    event_fates.occurred_at,
    event_fates.api_key_id,
    attributions.account_id,
    event_fates.model_name,
    attributions.model,
    event_fates.@dimensions,
    event_fates.status,
    event_fates.http_status,
    event_fates.@counts,
    event_fates.source,
    event_fates.line,
    places.byte_start,
    places.byte_end,
    event_fates.fate,
    survivors.source as survivor_source,
    survivors.line as survivor_line,
    attributions.usage_date,
    attributions.billing_period,
    attributions.rate_window_start,
    attributions.prompt_band,
    attributions.priced_apart,
    attributions.is_billed
from event_fates
inner join places
    on
        places.event_id = event_fates.event_id
        and places.source = event_fates.source
        and places.line = event_fates.line
inner join survivors on survivors.event_id = event_fates.event_id
inner join time_slices
    on
        time_slices.hour_at = event_fates.occurred_hour_at
        and event_fates.occurred_at >= time_slices.starts_at
        and event_fates.occurred_at < time_slices.ends_at
inner join prompt_bands
    on
        event_fates.prompt_tokens >= prompt_bands.from_prompt_tokens
        and (event_fates.prompt_tokens < prompt_bands.to_prompt_tokens or prompt_bands.to_prompt_tokens is null)
inner join attributions
    on
        attributions.api_key_id = event_fates.api_key_id
        and attributions.status = event_fates.status
        and attributions.http_status = event_fates.http_status
        and attributions.fate = event_fates.fate
        and attributions.model_name = event_fates.model_name
        and attributions.service_tier = event_fates.service_tier
        and attributions.slice_at = time_slices.starts_at
        and attributions.any_card_prompt_band = prompt_bands.prompt_band
order by event_fates.occurred_at, event_fates.source, event_fates.line, event_fates.fate
