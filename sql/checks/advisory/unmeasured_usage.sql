-- Successful exchanges that stated no usage: estimated from their chunks, or unknown.
-- grain: account_id, status, billing_period
select
    account_id,
    status,
    billing_period,
    sum(events)::bigint as events,
    sum(completion_tokens)::bigint as completion_tokens
from exchanges_daily
where
    fate = 'survivor'
    and status in ('estimated', 'unknown')
group by account_id, status, billing_period
order by account_id, status, billing_period
