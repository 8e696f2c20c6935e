-- Identities that were logged more than once: the only ones that need a decision.
-- grain: event_id
-- kept as: table
select event_id
from possible_copies
group by event_id
having count(*) > 1
