-- Claim: every usage event lies in exactly one time slice. A row is a key whose events were lost or counted twice.
-- grain: api_key_id
with events as (
    select
        api_key_id,
        count(*)::bigint as events
    from usage_events
    group by api_key_id
),
sliced as (
    select
        api_key_id,
        sum(events)::bigint as events
    from slice_totals
    group by api_key_id
)
select
    events.api_key_id,
    events.events as events_read,
    coalesce(sliced.events, 0)::bigint as events_sliced
from events
left join sliced on sliced.api_key_id = events.api_key_id
where events.events <> coalesce(sliced.events, 0)
