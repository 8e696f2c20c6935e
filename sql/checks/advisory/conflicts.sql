-- One identity, different measured usage or models: one is billed, the others are listed here.
-- grain: account_id, api_key_id, model, billing_period
select
    account_id,
    api_key_id,
    model,
    billing_period,
    sum(events)::bigint as events,
    sum(prompt_tokens + completion_tokens)::bigint as tokens
from exchanges_daily
where fate = 'conflict'
group by account_id, api_key_id, model, billing_period
order by account_id, api_key_id, model, billing_period
