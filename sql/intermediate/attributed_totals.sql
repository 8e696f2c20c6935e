-- Exchange totals with the account, the usage date and the month of its calendar (a time zone, and the day on which months begin), the rate card's name of the model and the rate window in force.
-- No rate changes and no key moves within a slice, so the account and the rate at its start are those of all of it. A key in no account is unassigned (account_id ''); no rate in force leaves rate_window_start null.
-- Only the service tiers and prompt bands that the card prices apart for the model are told apart; all others share the rate of every tier and size.
-- The prompt band is the model's own from here on; any_card_prompt_band, which exchange totals were told apart by, leads back to the events.
-- Billed are measured survivors, and estimated ones where the policy bills them.
-- grain: as exchange_totals
-- kept as: table
select
    coalesce(api_keys.account_id, '') as account_id,
    exchange_totals.api_key_id,
    exchange_totals.model_name,
    exchange_totals.slice_at,
    coalesce(model_names.model, exchange_totals.model_name) as model,
    exchange_totals.@dimensions,
    exchange_totals.status,
    exchange_totals.http_status,
    exchange_totals.fate,
    exchange_totals.is_suspicious,
    slice_dates.usage_date,
    slice_dates.billing_period,
    exchange_totals.prompt_band as any_card_prompt_band,
    coalesce(rate_bands.rate_band, 0)::bigint as prompt_band,
    rate_windows.effective_from as rate_window_start,
    coalesce(rate_windows.priced_apart, '') as priced_apart,
    (
        exchange_totals.fate = 'survivor'
        and (
            exchange_totals.status = 'measured'
            or (exchange_totals.status = 'estimated' and $unmeasured = 'bill-estimate')
        )
    ) as is_billed,
    exchange_totals.events,
    exchange_totals.@counts
from exchange_totals
left join api_keys
    on
        api_keys.api_key_id = exchange_totals.api_key_id
        and exchange_totals.slice_at >= api_keys.effective_from
        and (exchange_totals.slice_at < api_keys.effective_to or api_keys.effective_to is null)
inner join slice_dates
    on
        slice_dates.slice_at = exchange_totals.slice_at
        and slice_dates.calendar = coalesce(api_keys.calendar, $timezone)
left join model_names
    on
        model_names.rate_card = api_keys.rate_card
        and model_names.name = exchange_totals.model_name
left join rate_bands
    on
        rate_bands.rate_card = model_names.rate_card
        and rate_bands.model = model_names.model
        and rate_bands.prompt_band = exchange_totals.prompt_band
left join rate_tiers
    on
        rate_tiers.rate_card = model_names.rate_card
        and rate_tiers.model = model_names.model
        and rate_tiers.service_tier = exchange_totals.service_tier
left join rate_windows
    on
        rate_windows.rate_card = model_names.rate_card
        and rate_windows.model = model_names.model
        and rate_windows.service_tier = coalesce(rate_tiers.service_tier, '')
        and rate_windows.prompt_band = coalesce(rate_bands.rate_band, 0)
        and exchange_totals.slice_at >= rate_windows.effective_from
        and (exchange_totals.slice_at < rate_windows.effective_to or rate_windows.effective_to is null)
