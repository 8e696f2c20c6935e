-- Claim: tokens of billed usage events = tokens of usage daily, per account. A row is an account for which that is not so.
-- grain: account_id
with billed as (
    select
        account_id,
        sum(prompt_tokens + completion_tokens)::bigint as tokens
    from exchanges_daily
    where is_billed
    group by account_id
),
daily as (
    select
        account_id,
        sum(quantity)::bigint as tokens
    from usage_daily
    where meter <> 'request'
    group by account_id
)
select
    coalesce(billed.account_id, daily.account_id) as account_id,
    coalesce(billed.tokens, 0)::bigint as tokens_of_events,
    coalesce(daily.tokens, 0)::bigint as tokens_of_usage_daily
from billed
full join daily on daily.account_id = billed.account_id
where coalesce(billed.tokens, 0) <> coalesce(daily.tokens, 0)
