-- Copies that lost and look like requests of their own: not billed, and listed, so that nobody hides behind an id that can be chosen.
-- grain: account_id, api_key_id, model, billing_period
select
    account_id,
    api_key_id,
    model,
    billing_period,
    sum(events)::bigint as events,
    sum(prompt_tokens + completion_tokens)::bigint as tokens
from exchanges_daily
where is_suspicious
group by account_id, api_key_id, model, billing_period
order by account_id, api_key_id, model, billing_period
