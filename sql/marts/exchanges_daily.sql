-- What became of every logged exchange: counts and stated tokens by status and fate, billed or not.
-- grain: account_id, api_key_id, model, service_tier, status, http_status, fate, usage_date
-- kept as: table
select
    account_id,
    api_key_id,
    model,
    service_tier,
    status,
    http_status,
    fate,
    usage_date,
    billing_period,
    sum(events)::bigint as events,
    sum(prompt_tokens)::bigint as prompt_tokens,
    sum(completion_tokens)::bigint as completion_tokens,
    sum(prompt_cached_tokens)::bigint as prompt_cached_tokens,
    sum(prompt_cache_write_tokens)::bigint as prompt_cache_write_tokens,
    sum(reasoning_tokens)::bigint as reasoning_tokens
from attributed_totals
group by
    account_id,
    api_key_id,
    model,
    service_tier,
    status,
    http_status,
    fate,
    usage_date,
    billing_period
order by
    account_id,
    api_key_id,
    model,
    service_tier,
    status,
    http_status,
    fate,
    usage_date
