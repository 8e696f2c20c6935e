-- Billed tokens, every one on exactly one meter: measured survivors, and estimated ones where the policy bills them.
-- A meter is the sum of its terms (meter_terms): its own count, less those of the meters that stand apart from it under the rate in force.
-- grain: account_id, api_key_id, model, service_tier, meter, rate_window_start, usage_date, prompt_band
-- kept as: table
with metered as (
    select
        attributed_totals.*,
        meter_terms.meter,
        meter_terms.sign * case meter_terms.count_name
            when 'events' then attributed_totals.events
            when '@counts' then attributed_totals.@counts
        end as quantity
    from attributed_totals
    inner join meter_terms on meter_terms.priced_apart = attributed_totals.priced_apart
    where attributed_totals.is_billed
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
group by all
having sum(metered.quantity) > 0
order by
    account_id,
    api_key_id,
    model,
    service_tier,
    meter,
    rate_window_start nulls first,
    usage_date,
    prompt_band
