-- Claim: measured events = billed + duplicates + conflicts lost, per account. A row is an account for which that is not so.
-- grain: account_id
select
    account_id,
    sum(events)::bigint as measured,
    sum(case when fate in ('survivor', 'duplicate', 'conflict') then events else 0 end)::bigint as with_a_fate
from exchanges_daily
where status = 'measured'
group by account_id
having sum(events) <> sum(case when fate in ('survivor', 'duplicate', 'conflict') then events else 0 end)
