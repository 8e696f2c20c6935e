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
    sliced.api_key_id,
    sliced.events as events_sliced,
    coalesce(fated.events, 0)::bigint as events_fated
from sliced
left join fated on fated.api_key_id = sliced.api_key_id
where sliced.events <> coalesce(fated.events, 0)
