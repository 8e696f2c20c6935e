-- Billed requests and stated tokens per key, model name and UTC day: the grain of a provider's own usage export.
-- A time slice never reaches over a UTC midnight, so the day of its start is the day of all of it.
-- grain: api_key_id, model_name, utc_date
-- kept as: table
select
    api_key_id,
    model_name,
    min(model) as model,
    cast(slice_at as date) as utc_date,
    sum(events)::bigint as requests,
    sum(prompt_tokens)::bigint as prompt_tokens,
    sum(completion_tokens)::bigint as completion_tokens,
    sum(prompt_cached_tokens)::bigint as prompt_cached_tokens
from attributed_totals
where is_billed
group by api_key_id, model_name, cast(slice_at as date)
order by api_key_id, model_name, utc_date
