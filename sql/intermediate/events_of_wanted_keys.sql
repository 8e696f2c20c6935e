-- The logged exchanges of the keys that somebody asks about; an identity holds its key, so every copy is among them.
-- grain: usage event (source, line)
-- kept as: table
select lake_usage_events.*
from lake_usage_events
inner join wanted_keys on wanted_keys.api_key_id = lake_usage_events.api_key_id
