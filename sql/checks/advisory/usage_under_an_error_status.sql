-- Usage that was stated under a status that is no success: it was consumed, and is billed; the client may not have seen its answer.
-- grain: account_id, api_key_id, http_status, billing_period
select
    account_id,
    api_key_id,
    http_status,
    billing_period,
    sum(events)::bigint as events,
    sum(prompt_tokens)::bigint as prompt_tokens,
    sum(completion_tokens)::bigint as completion_tokens
from exchanges_daily
where
    fate = 'survivor'
    and status = 'measured'
    and http_status <> 0  -- the log names none
    and (http_status < 200 or http_status > 299)
group by account_id, api_key_id, http_status, billing_period
order by account_id, api_key_id, http_status, billing_period
