-- Every copy of a repeated identity, and which of them survives. Decided by content, never by the order of collection:
-- measured beats estimated beats unknown, what had only begun loses to what was measured to its end and a zero placeholder to any real usage,
-- among different measurements the one first logged latest wins (so that a duplicate, whenever it comes, changes nothing), among equal ones the
-- earliest copy. What had begun and lost to its own end is a duplicate: it is of the same model and counts no more.
-- A copy that lost is suspicious where it states tokens and is not seen to be the survivor's own request: whoever can choose ids could hide
-- requests behind one. The same request has the same model, tier and request id, and the same instant, as a line that is shipped twice has; where
-- a request id is stated, an hour at most lies between, because one log may say when a request arrived and another when its answer ended, and
-- long answers take minutes. Of copies that are alike in all of this, one is suspicious.
-- grain: usage event (source, line)
-- kept as: table
with standings as (
    select
        possible_copies.*,
        case
            when status = 'measured' and greatest(prompt_tokens, completion_tokens) > 0 and not is_begun then 6
            when status = 'measured' and greatest(prompt_tokens, completion_tokens) > 0 then 5
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
        event_id,
        standing,
        @counts,
        min(occurred_at) as measured_first_at
    from standings
    group by
        event_id,
        standing,
        @counts
),
ranked as (
    select
        standings.*,
        row_number() over (
            partition by standings.event_id
            order by
                standings.standing desc,
                measurements.measured_first_at desc,
                standings.completion_tokens desc,
                standings.@counts desc,
                standings.occurred_at asc,
                standings.model_name asc,
                standings.@dimensions asc,
                standings.request_id asc,
                standings.source asc,
                standings.line asc
        ) as place
    from standings
    inner join measurements
        on
            measurements.event_id = standings.event_id
            and measurements.standing = standings.standing
            and measurements.@counts = standings.@counts
),
suspected as (
    select
        copy.event_id,
        min(copy.place) as place
    from ranked as copy
    inner join ranked as survivor on survivor.event_id = copy.event_id and survivor.place = 1
    where
        copy.place > 1
        and copy.status in ('measured', 'estimated')
        and greatest(copy.prompt_tokens, copy.completion_tokens) > 0
        and not (
            copy.model_name = survivor.model_name
            and copy.@dimensions = survivor.@dimensions
            and copy.request_id = survivor.request_id
            and (
                copy.occurred_at = survivor.occurred_at
                or (
                    copy.request_id <> ''
                    and copy.occurred_at <= survivor.occurred_at + interval 1 hour
                    and survivor.occurred_at <= copy.occurred_at + interval 1 hour
                )
            )
        )
    group by
        copy.event_id,
        copy.status,
        copy.model_name,
        copy.@dimensions,
        copy.@counts,
        copy.request_id,
        copy.occurred_at
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
        when
            copy.standing < survivor.standing
            and (
                not copy.is_begun
                or (
                    copy.model_name = survivor.model_name
                    and copy.prompt_tokens <= survivor.prompt_tokens
                    and copy.completion_tokens <= survivor.completion_tokens
                )
            )
            then 'duplicate'
        when copy.status <> 'measured' then 'duplicate'
        when
            copy.status = 'measured'
            and copy.model_name = survivor.model_name
            and copy.@counts = survivor.@counts
            then 'duplicate'
        else 'conflict'
    end as fate,
    suspected.place is not null as is_suspicious
from ranked as copy
inner join ranked as survivor on survivor.event_id = copy.event_id and survivor.place = 1
left join suspected on suspected.event_id = copy.event_id and suspected.place = copy.place
