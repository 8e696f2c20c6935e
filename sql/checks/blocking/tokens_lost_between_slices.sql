-- Claim: the stated tokens of usage events are those of slice totals, each kind for itself. A row is a key for which that is not so.
-- grain: api_key_id
with events as (
    select
        api_key_id,
        sum(@counts)::decimal(38, 0) as @counts
    from usage_events
    group by
        api_key_id
),
sliced as (
    select
        api_key_id,
        sum(@counts)::decimal(38, 0) as @counts
    from slice_totals
    group by
        api_key_id
)
select
    coalesce(events.api_key_id, sliced.api_key_id) as api_key_id,
    coalesce(events.@counts, 0) as @{counts}_read,
    coalesce(sliced.@counts, 0) as @{counts}_sliced
from events
full join sliced on sliced.api_key_id = events.api_key_id
where
    false
    or coalesce(events.@counts, 0) <> coalesce(sliced.@counts, 0)
