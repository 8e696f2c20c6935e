-- Claim: every event counted in a slice has exactly one fate. A row is a key whose events were lost or counted twice when copies were moved.
-- grain: api_key_id
with sliced as (
    select
        api_key_id,
        sum(events)::bigint as events
    from slice_totals
    group by api_key_id
),
fated as (
    select
        api_key_id,
        sum(events)::bigint as events
    from exchange_totals
    group by api_key_id
)
select
    coalesce(sliced.api_key_id, fated.api_key_id) as api_key_id,
    coalesce(sliced.events, 0)::bigint as events_sliced,
    coalesce(fated.events, 0)::bigint as events_fated
from sliced
full join fated on fated.api_key_id = sliced.api_key_id
where coalesce(sliced.events, 0) <> coalesce(fated.events, 0)
