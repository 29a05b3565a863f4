-- cost_by_price: what did it cost, what would it cost today, and what in each other tier?   Reads calls_as_billed, calls_at_todays_price, calls_in_another_tier.
-- One row a (price, model, is_simulated). Only the rows of `as billed` are a bill; all others compare repriced_usd with as_billed_usd of the same calls.
create or replace view cost_by_price as
select 'as billed' as price, model, is_simulated, count(*) as calls, count(*) filter (where cost_usd is null and status = 'answered') as calls_unpriced,
       count(*) filter (where status = 'unsettled') as calls_unsettled, sum(unsettled_upper_usd) as unsettled_upper_usd,
       sum(cost_usd) as as_billed_usd, sum(cost_usd) as repriced_usd
from calls_as_billed group by all
union all
select 'today', model, is_simulated, count(*), count(*) filter (where at_todays_price_usd is null and status = 'answered'),
       count(*) filter (where status = 'unsettled'), null,
       sum(as_billed_usd) filter (where at_todays_price_usd is not null), sum(at_todays_price_usd) filter (where as_billed_usd is not null)
from calls_at_todays_price group by all
union all
select service_tier, model, is_simulated, count(*), count(*) filter (where in_tier_usd is null), 0, null,
       sum(as_billed_usd) filter (where in_tier_usd is not null), sum(in_tier_usd) filter (where as_billed_usd is not null)
from calls_in_another_tier group by all;
comment on view cost_by_price is 'The ledger as billed, at the price of today and in each other tier. Grain: price, model, is_simulated.';
comment on column cost_by_price.price is 'as billed, today, or the service tier that the calls are repriced in.';
comment on column cost_by_price.model is 'Model asked.';
comment on column cost_by_price.is_simulated is 'Simulated and real money never share a row.';
comment on column cost_by_price.calls is 'Calls; for a tier, those that were billed in another one and have a price there.';
comment on column cost_by_price.calls_unpriced is 'Of these, answered calls that have no price so; both sums leave them out.';
comment on column cost_by_price.calls_unsettled is 'Of these, calls whose end nobody knows; no sum holds them.';
comment on column cost_by_price.unsettled_upper_usd is 'USD that the unsettled calls can have cost at most; given for as billed alone.';
comment on column cost_by_price.as_billed_usd is 'USD as billed, of the calls that are in repriced_usd too.';
comment on column cost_by_price.repriced_usd is 'USD at this price, of calls whose bill is known.';
