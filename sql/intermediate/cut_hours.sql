-- The hours within which a time slice begins or ends; in all others the hour alone says which slice an event is in.
-- grain: starts_at, hour_at
select
    starts_at,
    ends_at,
    hour_at
from time_slices
where
    starts_at > hour_at
    or ends_at < hour_at + interval '1 hour'
