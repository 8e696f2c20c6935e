-- Every copy of a repeated identity, and which of them survives. Decided by content, never by the order of collection:
-- measured beats estimated beats unknown, a zero placeholder loses to real usage, among different measurements the one
-- first logged latest wins (so that a duplicate, whenever it comes, changes nothing), among equal ones the earliest copy.
-- grain: usage event (source, line)
-- kept as: table
with standings as (
    select
        possible_copies.*,
        case
            when status = 'measured' and prompt_tokens + completion_tokens > 0 then 5
            when status = 'measured' then 4
            when status = 'estimated' then 3
            when status = 'unknown' then 2
            when status = 'failed' then 1
            else 0
        end as standing
    from possible_copies
    inner join repeated_identities on repeated_identities.event_id = possible_copies.event_id
),
measurements as (
    select
        *,
        min(occurred_at) over (
            partition by
                event_id,
                standing,
                @counts
        ) as measured_first_at
    from standings
),
ranked as (
    select
        *,
        row_number() over (
            partition by event_id
            order by
                standing desc,
                measured_first_at desc,
                completion_tokens desc,
                @counts desc,
                occurred_at asc,
                model_name asc,
                @dimensions asc,
                request_id asc,
                source asc,
                line asc
        ) as place
    from measurements
)
select
    copy.event_id,
    copy.api_key_id,
    copy.model_name,
    copy.@dimensions,
    copy.status,
    copy.http_status,
    copy.occurred_at,
    copy.occurred_hour_at,
    copy.@counts,
    copy.source,
    copy.line,
    case
        when copy.place = 1 then 'survivor'
        when copy.standing < survivor.standing and copy.status <> survivor.status then 'superseded'
        when copy.standing < survivor.standing then 'duplicate'
        when copy.status <> 'measured' then 'duplicate'
        when
            copy.status = 'measured'
            and copy.@counts = survivor.@counts
            then 'duplicate'
        else 'conflict'
    end as fate
from ranked as copy
inner join ranked as survivor on survivor.event_id = copy.event_id and survivor.place = 1
