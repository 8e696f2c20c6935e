-- Billed tokens as in usage_daily, told apart by time slice too: what an hour is made of, where slices end with hours.
-- grain: account_id, api_key_id, model, service_tier, meter, rate_window_start, usage_date, prompt_band, slice_at
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
    prompt_band,
    slice_at
from metered_totals
where is_billed
group by
    account_id,
    api_key_id,
    model,
    service_tier,
    meter,
    rate_window_start,
    usage_date,
    billing_period,
    prompt_band,
    slice_at
having sum(metered_totals.quantity) > 0
order by
    account_id,
    api_key_id,
    model,
    service_tier,
    meter,
    rate_window_start nulls first,
    usage_date,
    prompt_band,
    slice_at
