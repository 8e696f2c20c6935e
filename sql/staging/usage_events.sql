-- Every logged exchange of the lake, with the instant as a plain UTC timestamp and the name its model is rated by. Of one that has begun,
-- the dialect says that its output was cut, so that what it counts of that is a floor.
-- grain: usage event (source, line)
select
    event_id,
    api_key_id,
    coalesce(model_reported, model_requested, '') as model_name,
    coalesce(@dimensions, '') as @dimensions,
    status,
    http_status::bigint as http_status,
    occurred_at::timestamp as occurred_at,
    date_trunc('hour', occurred_at::timestamp)::timestamp as occurred_hour_at,
    coalesce(@counts, 0)::bigint as @counts,
    coalesce(dialect, '') like '%output-begun%' as is_begun,
    coalesce(request_id, '') as request_id,
    source,
    line
from lake_usage_events
