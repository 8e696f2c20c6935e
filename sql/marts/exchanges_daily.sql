-- What became of every logged exchange: counts and stated tokens by status and fate, billed or not.
-- grain: account_id, api_key_id, model, dimensions, status, http_status, fate, is_suspicious, usage_date
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
    usage_date
