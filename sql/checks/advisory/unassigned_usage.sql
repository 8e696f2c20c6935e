-- Billed usage of keys that belong to no account.
-- grain: api_key_id, model, billing_period
select
    api_key_id,
    model,
    billing_period,
    sum(quantity)::bigint as tokens
from usage_daily
where account_id = ''
group by api_key_id, model, billing_period
order by api_key_id, model, billing_period
