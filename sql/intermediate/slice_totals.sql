-- The one pass over all events, whatever their fate: exchanges and stated tokens by everything that decides an account, a usage date or a price.
-- A time slice is a span in which no day ends, no rate changes and no key moves, in any zone, on any card, to any account (see time_slices).
-- Sums stay wider than a bigint here, because the copies that are not billed are still to be taken off them.
-- The prompt band is the greatest threshold of any card that the single request's prompt exceeds: sums cannot tell it any more.
-- Every prompt is in one band. Its join is a left one, so that an engine expects as many rows as there are events, and does not hash these.
-- grain: api_key_id, model_name, dimensions, status, http_status, slice_at, prompt_band
-- kept as: table
select
    usage_events.api_key_id,
    usage_events.model_name,
    usage_events.@dimensions,
    usage_events.status,
    usage_events.http_status,
    time_slices.starts_at as slice_at,
    prompt_bands.prompt_band,
    count(*)::bigint as events,
    sum(usage_events.@counts)::decimal(38, 0) as @counts
from usage_events
inner join time_slices
    on
        time_slices.hour_at = usage_events.occurred_hour_at
        and usage_events.occurred_at >= time_slices.starts_at
        and usage_events.occurred_at < time_slices.ends_at
left join prompt_bands
    on
        usage_events.prompt_tokens >= prompt_bands.from_prompt_tokens
        and (usage_events.prompt_tokens < prompt_bands.to_prompt_tokens or prompt_bands.to_prompt_tokens is null)
group by
    usage_events.api_key_id,
    usage_events.model_name,
    usage_events.@dimensions,
    usage_events.status,
    usage_events.http_status,
    time_slices.starts_at,
    prompt_bands.prompt_band
