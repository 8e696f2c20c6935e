-- Claim: tokens keep their kind and number while copies move to their fates and totals to their accounts. A row is a key for which that is not so.
-- grain: api_key_id
with sliced as (
    select
        api_key_id,
        sum(@counts)::decimal(38, 0) as @counts
    from slice_totals
    group by
        api_key_id
),
attributed as (
    select
        api_key_id,
        sum(@counts)::decimal(38, 0) as @counts
    from attributed_totals
    group by
        api_key_id
)
select
    coalesce(sliced.api_key_id, attributed.api_key_id) as api_key_id,
    coalesce(sliced.@counts, 0) as @{counts}_sliced,
    coalesce(attributed.@counts, 0) as @{counts}_attributed
from sliced
full join attributed on attributed.api_key_id = sliced.api_key_id
where
    false
    or coalesce(sliced.@counts, 0) <> coalesce(attributed.@counts, 0)
