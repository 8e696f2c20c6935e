-- Attributed totals, every token on exactly one meter.
-- A meter is the sum of its terms (meter_terms): its own count, less those of the meters that stand apart from it under the rate in force.
-- grain: as attributed_totals, and meter_terms
select
    attributed_totals.*,
    meter_terms.meter,
    meter_terms.sign * case meter_terms.count_name
        when 'events' then attributed_totals.events
        when '@counts' then attributed_totals.@counts
    end as quantity
from attributed_totals
inner join meter_terms on meter_terms.priced_apart = attributed_totals.priced_apart
