-- The logged exchanges that somebody asks about, by request id, response id or place in a log, with every other copy of theirs.
-- grain: usage event (source, line)
-- kept as: table
select *
from lake_usage_events
where
    event_id in (
        select event_id
        from lake_usage_events
        where
            request_id = $wanted_id
            or response_id = $wanted_id
            or (source = $wanted_source and line = $wanted_line)
    )
