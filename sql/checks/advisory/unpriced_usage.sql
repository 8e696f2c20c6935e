-- Billed usage of accounts for which no rate is in force: listed with its tokens, never priced at zero, blocks issuing.
-- grain: account_id, model, billing_period
select
    account_id,
    model,
    billing_period,
    min(usage_date) as first_usage_date,
    max(usage_date) as last_usage_date,
    sum(quantity)::bigint as tokens
from usage_daily
where
    account_id <> ''
    and rate_window_start is null
group by account_id, model, billing_period
order by account_id, model, billing_period
