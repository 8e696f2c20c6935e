-- Claim: every usage event lies in exactly one time slice and prompt band. A row is a key whose events were lost or counted twice.
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
    where prompt_band is not null
    group by api_key_id
)
select
    coalesce(events.api_key_id, sliced.api_key_id) as api_key_id,
    coalesce(events.events, 0)::bigint as events_read,
    coalesce(sliced.events, 0)::bigint as events_sliced
from events
full join sliced on sliced.api_key_id = events.api_key_id
where coalesce(events.events, 0) <> coalesce(sliced.events, 0)
