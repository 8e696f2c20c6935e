-- Claim: tokens keep their kind and number while copies move to their fates and totals to their accounts. A row is a key for which that is not so.
-- grain: api_key_id
with sliced as (
    select
        api_key_id,
        sum(prompt_tokens)::decimal(38, 0) as prompt_tokens,
        sum(completion_tokens)::decimal(38, 0) as completion_tokens,
        sum(prompt_cached_tokens)::decimal(38, 0) as prompt_cached_tokens,
        sum(prompt_cache_write_tokens)::decimal(38, 0) as prompt_cache_write_tokens,
        sum(reasoning_tokens)::decimal(38, 0) as reasoning_tokens
    from slice_totals
    group by api_key_id
),
attributed as (
    select
        api_key_id,
        sum(prompt_tokens)::decimal(38, 0) as prompt_tokens,
        sum(completion_tokens)::decimal(38, 0) as completion_tokens,
        sum(prompt_cached_tokens)::decimal(38, 0) as prompt_cached_tokens,
        sum(prompt_cache_write_tokens)::decimal(38, 0) as prompt_cache_write_tokens,
        sum(reasoning_tokens)::decimal(38, 0) as reasoning_tokens
    from attributed_totals
    group by api_key_id
)
select
    sliced.api_key_id,
    sliced.prompt_tokens as prompt_tokens_sliced,
    coalesce(attributed.prompt_tokens, 0) as prompt_tokens_attributed,
    sliced.completion_tokens as completion_tokens_sliced,
    coalesce(attributed.completion_tokens, 0) as completion_tokens_attributed,
    sliced.prompt_cached_tokens as prompt_cached_tokens_sliced,
    coalesce(attributed.prompt_cached_tokens, 0) as prompt_cached_tokens_attributed,
    sliced.prompt_cache_write_tokens as prompt_cache_write_tokens_sliced,
    coalesce(attributed.prompt_cache_write_tokens, 0) as prompt_cache_write_tokens_attributed,
    sliced.reasoning_tokens as reasoning_tokens_sliced,
    coalesce(attributed.reasoning_tokens, 0) as reasoning_tokens_attributed
from sliced
left join attributed on attributed.api_key_id = sliced.api_key_id
where
    sliced.prompt_tokens <> coalesce(attributed.prompt_tokens, 0)
    or sliced.completion_tokens <> coalesce(attributed.completion_tokens, 0)
    or sliced.prompt_cached_tokens <> coalesce(attributed.prompt_cached_tokens, 0)
    or sliced.prompt_cache_write_tokens <> coalesce(attributed.prompt_cache_write_tokens, 0)
    or sliced.reasoning_tokens <> coalesce(attributed.reasoning_tokens, 0)
