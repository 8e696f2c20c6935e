-- Billed tokens as in usage_daily, told apart by what decides their cost to us too: the cost card's name of the model, its rate window and its prompt band.
-- Every token is on exactly one meter, and a meter stands apart where either card prices it apart, so that each row has one price on each of the two cards.
-- Accounts without a cost card (cost_cards) have an empty one; no rate of it in force leaves cost_window_start null.
-- grain: account_id, api_key_id, model, service_tier, meter, rate_window_start, usage_date, prompt_band, cost_card, cost_model, cost_window_start, cost_prompt_band
-- kept as: table
with costed as (
    select
        attributed_totals.*,
        coalesce(cost_cards.rate_card, '') as cost_card,
        coalesce(model_names.model, attributed_totals.model_name) as cost_model,
        coalesce(rate_bands.rate_band, 0)::bigint as cost_prompt_band,
        rate_windows.effective_from as cost_window_start,
        coalesce(rate_windows.priced_apart, '') as cost_apart
    from attributed_totals
    left join cost_cards on cost_cards.account_id = attributed_totals.account_id
    left join model_names
        on
            model_names.rate_card = cost_cards.rate_card
            and model_names.name = attributed_totals.model_name
    left join rate_bands
        on
            rate_bands.rate_card = model_names.rate_card
            and rate_bands.model = model_names.model
            and rate_bands.prompt_band = attributed_totals.any_card_prompt_band
    left join rate_tiers
        on
            rate_tiers.rate_card = model_names.rate_card
            and rate_tiers.model = model_names.model
            and rate_tiers.service_tier = attributed_totals.service_tier
    left join rate_windows
        on
            rate_windows.rate_card = model_names.rate_card
            and rate_windows.model = model_names.model
            and rate_windows.service_tier = coalesce(rate_tiers.service_tier, '')
            and rate_windows.prompt_band = coalesce(rate_bands.rate_band, 0)
            and attributed_totals.slice_at >= rate_windows.effective_from
            and (attributed_totals.slice_at < rate_windows.effective_to or rate_windows.effective_to is null)
    where attributed_totals.is_billed
),
metered as (
    select
        costed.account_id,
        costed.api_key_id,
        costed.model,
        costed.service_tier,
        cost_meter_terms.meter,
        costed.rate_window_start,
        costed.usage_date,
        costed.billing_period,
        costed.prompt_band,
        costed.cost_card,
        costed.cost_model,
        costed.cost_window_start,
        costed.cost_prompt_band,
        cost_meter_terms.sign * case cost_meter_terms.count_name
            when 'events' then costed.events
            when '@counts' then costed.@counts
        end as quantity
    from costed
    inner join cost_meter_terms
        on
            cost_meter_terms.priced_apart = costed.priced_apart
            and cost_meter_terms.cost_apart = costed.cost_apart
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
    prompt_band,
    cost_card,
    cost_model,
    cost_window_start,
    cost_prompt_band
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
    prompt_band,
    cost_card,
    cost_model,
    cost_window_start,
    cost_prompt_band
having sum(metered.quantity) > 0
order by
    account_id,
    api_key_id,
    model,
    service_tier,
    meter,
    rate_window_start nulls first,
    usage_date,
    prompt_band,
    cost_card,
    cost_model,
    cost_window_start nulls first,
    cost_prompt_band
