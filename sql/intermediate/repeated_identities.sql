-- Identities that were logged more than once: the only ones that need a decision.
-- grain: event_id
-- kept as: table
select event_id
from usage_events
group by event_id
having count(*) > 1
