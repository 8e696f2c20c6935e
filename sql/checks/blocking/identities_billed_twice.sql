-- Claim: of the copies of one identity exactly one survives. A row is an identity for which that is not so.
-- grain: event_id
select
    event_id,
    count(*)::bigint as copies,
    sum(case when fate = 'survivor' then 1 else 0 end)::bigint as survivors
from event_copies
group by event_id
having sum(case when fate = 'survivor' then 1 else 0 end) <> 1
