-- The one pass over all events, whatever their fate: exchanges and stated tokens by hour and by all else that decides an account or a price.
-- moment_at is an instant of the time slice in which they lie: the hour, or the slice's start where it cuts the hour.
-- Sums stay wider than a bigint here, because copies that are not billed are still to be taken off them.
-- grain: api_key_id, model_name, service_tier, status, http_status, moment_at
-- kept as: table, date by date
select
    usage_events.api_key_id,
    usage_events.model_name,
    usage_events.service_tier,
    usage_events.status,
    usage_events.http_status,
    coalesce(cut_hours.starts_at, usage_events.occurred_hour_at) as moment_at,
    count(*)::decimal(38, 0) as events,
    sum(usage_events.prompt_tokens)::decimal(38, 0) as prompt_tokens,
    sum(usage_events.completion_tokens)::decimal(38, 0) as completion_tokens,
    sum(usage_events.prompt_cached_tokens)::decimal(38, 0) as prompt_cached_tokens,
    sum(usage_events.prompt_cache_write_tokens)::decimal(38, 0) as prompt_cache_write_tokens,
    sum(usage_events.reasoning_tokens)::decimal(38, 0) as reasoning_tokens
from usage_events
left join cut_hours
    on
        cut_hours.hour_at = usage_events.occurred_hour_at
        and usage_events.occurred_at >= cut_hours.starts_at
        and usage_events.occurred_at < cut_hours.ends_at
group by
    usage_events.api_key_id,
    usage_events.model_name,
    usage_events.service_tier,
    usage_events.status,
    usage_events.http_status,
    coalesce(cut_hours.starts_at, usage_events.occurred_hour_at)
