-- Billed tokens, every one on exactly one meter: measured survivors, and estimated ones where the policy bills them.
-- Reasoning tokens leave completion where the rate in force prices them apart; requests are counted where it has a fee for each.
-- grain: account_id, api_key_id, model, service_tier, meter, rate_window_start, usage_date, prompt_band
-- kept as: table
with billed as (
    select *
    from attributed_totals
    where
        fate = 'survivor'
        and (status = 'measured' or (status = 'estimated' and $unmeasured = 'bill-estimate'))
),
metered as (
    select
        account_id, api_key_id, model, service_tier, prompt_band, rate_window_start, usage_date, billing_period,
        'prompt' as meter,
        prompt_tokens - prompt_cached_tokens - prompt_cache_write_tokens as quantity
    from billed
    union all
    select
        account_id, api_key_id, model, service_tier, prompt_band, rate_window_start, usage_date, billing_period,
        'prompt_cached' as meter,
        prompt_cached_tokens as quantity
    from billed
    union all
    select
        account_id, api_key_id, model, service_tier, prompt_band, rate_window_start, usage_date, billing_period,
        'prompt_cache_write' as meter,
        prompt_cache_write_tokens as quantity
    from billed
    union all
    select
        account_id, api_key_id, model, service_tier, prompt_band, rate_window_start, usage_date, billing_period,
        'completion' as meter,
        completion_tokens - case when is_reasoning_priced then reasoning_tokens else 0 end as quantity
    from billed
    union all
    select
        account_id, api_key_id, model, service_tier, prompt_band, rate_window_start, usage_date, billing_period,
        'reasoning' as meter,
        reasoning_tokens as quantity
    from billed
    where is_reasoning_priced
    union all
    select
        account_id, api_key_id, model, service_tier, prompt_band, rate_window_start, usage_date, billing_period,
        'request' as meter,
        events as quantity
    from billed
    where is_request_priced
)
select
    account_id,
    api_key_id,
    model,
    service_tier,
    meter,
    rate_window_start,
    usage_date,
    billing_period,
    sum(quantity)::bigint as quantity,
    prompt_band
from metered
group by
    account_id,
    api_key_id,
    model,
    service_tier,
    meter,
    rate_window_start,
    usage_date,
    billing_period,
    prompt_band
having sum(quantity) > 0
order by
    account_id,
    api_key_id,
    model,
    service_tier,
    meter,
    rate_window_start nulls first,
    usage_date,
    prompt_band
