-- What became of every logged exchange, as in exchanges_daily, told apart by time slice too.
-- grain: account_id, api_key_id, model, dimensions, status, http_status, fate, is_suspicious, usage_date, slice_at
-- kept as: table
select
    account_id,
    api_key_id,
    model,
    @dimensions,
    status,
    http_status,
    fate,
    is_suspicious,
    usage_date,
    billing_period,
    slice_at,
    is_billed,
    sum(events)::bigint as events,
    sum(@counts)::bigint as @counts
from attributed_totals
group by
    account_id,
    api_key_id,
    model,
    @dimensions,
    status,
    http_status,
    fate,
    is_suspicious,
    usage_date,
    billing_period,
    slice_at,
    is_billed
order by
    account_id,
    api_key_id,
    model,
    @dimensions,
    status,
    http_status,
    fate,
    is_suspicious,
    usage_date,
    slice_at
