-- Usage events whose identity may have been logged more than once: all that were, and the few whose identities only begin alike.
-- grain: usage event (source, line)
-- kept as: table
select usage_events.*
from usage_events
inner join suspected_identities on suspected_identities.event_id = usage_events.event_id
