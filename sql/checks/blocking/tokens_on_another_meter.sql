-- Claim: of every meter, the billed quantity is what its terms say of the totals. A row is an account and meter for which that is not so.
-- grain: account_id, meter
with stated as (
    select
        attributed_totals.account_id,
        meter_terms.meter,
        sum(
            meter_terms.sign * case meter_terms.count_name
                when 'events' then attributed_totals.events
                when '@counts' then attributed_totals.@counts
            end
        )::decimal(38, 0) as quantity
    from meter_terms
    inner join attributed_totals on attributed_totals.priced_apart = meter_terms.priced_apart
    where attributed_totals.is_billed
    group by attributed_totals.account_id, meter_terms.meter
),
daily as (
    select
        account_id,
        meter,
        sum(quantity)::decimal(38, 0) as quantity
    from usage_daily
    group by account_id, meter
)
select
    coalesce(stated.account_id, daily.account_id) as account_id,
    coalesce(stated.meter, daily.meter) as meter,
    coalesce(stated.quantity, 0) as quantity_of_totals,
    coalesce(daily.quantity, 0) as quantity_of_usage_daily
from stated
full join daily
    on
        daily.account_id = stated.account_id
        and daily.meter = stated.meter
where coalesce(stated.quantity, 0) <> coalesce(daily.quantity, 0)
