-- Usage events one by one with their fate: survivor, duplicate, conflict (a different measurement that lost), superseded (a weaker status
-- that lost). For tracing the few that somebody asks about; totals are counted without it (see exchange_totals).
-- grain: usage event (source, line)
select
    usage_events.event_id,
    usage_events.api_key_id,
    usage_events.model_name,
    usage_events.@dimensions,
    usage_events.status,
    usage_events.http_status,
    usage_events.occurred_at,
    usage_events.occurred_hour_at,
    usage_events.@counts,
    usage_events.source,
    usage_events.line,
    'survivor' as fate
from usage_events
left join repeated_identities on repeated_identities.event_id = usage_events.event_id
where repeated_identities.event_id is null
union all
select
    event_id,
    api_key_id,
    model_name,
    @dimensions,
    status,
    http_status,
    occurred_at,
    occurred_hour_at,
    @counts,
    source,
    line,
    fate
from event_copies
