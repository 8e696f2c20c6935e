-- Claim: the events of the marts are those that the commits of the lake state, by status. A row is a status for which that is not so.
-- It is asked of whole marts: so a wrong count that was kept of an earlier night is seen, though no event is read for it.
-- grain: status
with daily as (
    select
        status,
        sum(events)::bigint as events
    from exchanges_daily
    group by status
)
select
    coalesce(committed_events.status, daily.status) as status,
    coalesce(committed_events.events, 0)::bigint as events_committed,
    coalesce(daily.events, 0)::bigint as events_of_exchanges_daily
from committed_events
full outer join daily on daily.status = committed_events.status
where coalesce(committed_events.events, 0) <> coalesce(daily.events, 0)
