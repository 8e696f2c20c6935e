-- What would be billed too if suspicious copies were requests of their own, in the columns of usage daily.
-- grain: account_id, api_key_id, model, service_tier, meter, rate_window_start, usage_date, prompt_band
-- kept as: table
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
from metered_totals
where
    is_suspicious
    and (status = 'measured' or $unmeasured = 'bill-estimate')
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
having sum(metered_totals.quantity) > 0
order by
    account_id,
    api_key_id,
    model,
    service_tier,
    meter,
    rate_window_start nulls first,
    usage_date,
    prompt_band
