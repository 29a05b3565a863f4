-- cost_by_day: what did the API cost, each day and model?   Reads calls_finished.   One row a (day_utc, model, is_simulated) with a finished call.
-- A token written for 12 hours is billed at twice the rate of one written for 30 minutes.
-- The day is that of finishing, when the cost became known; failed and refused calls that were billed are in; calls cut off are in calls_unsettled.
create or replace view cost_by_day as
with finished as (
    select cast(make_timestamp(epoch_us(finished_at)) as date) as day_utc, * from calls_finished
)
select day_utc, model, is_simulated,
       count(*)                                                    as calls,
       count(*) filter (where cost_usd is null and status = 'answered') as calls_unpriced,
       sum(input_tokens - coalesce(cached_tokens, 0) - coalesce(cache_write_tokens, 0)) as uncached_tokens,
       sum(cached_tokens)                                          as cached_tokens,
       sum(cache_write_tokens)                                     as cache_write_tokens,
       sum(output_tokens)                                          as output_tokens,
       sum(cost_usd)                                               as cost_usd,
       sum(uncached_usd)                                           as uncached_usd,
       sum(cached_usd)                                             as cached_usd,
       sum(cache_write_usd)                                        as cache_write_usd,
       sum(output_usd)                                             as output_usd
from finished group by all;
comment on view cost_by_day is 'Cost of finished calls. Grain: day_utc, model, is_simulated.';
comment on column cost_by_day.day_utc is 'Day on which the calls finished, UTC.';
comment on column cost_by_day.model is 'Model asked.';
comment on column cost_by_day.is_simulated is 'Simulated and real money never share a row.';
comment on column cost_by_day.calls is 'Calls finished.';
comment on column cost_by_day.calls_unpriced is 'Answered calls without a known cost; cost_usd leaves them out.';
comment on column cost_by_day.uncached_tokens is 'Input tokens billed at the full rate.';
comment on column cost_by_day.cached_tokens is 'Input tokens read from the cache.';
comment on column cost_by_day.cache_write_tokens is 'Input tokens written to the cache.';
comment on column cost_by_day.output_tokens is 'Output tokens, reasoning included.';
comment on column cost_by_day.cost_usd is 'USD, DECIMAL. NULL when no call had a price, never 0.';
comment on column cost_by_day.uncached_usd is 'Of these, for uncached input, by the rates stored with each call.';
comment on column cost_by_day.cached_usd is 'Of these, for cache reads.';
comment on column cost_by_day.cache_write_usd is 'Of these, for cache writes.';
comment on column cost_by_day.output_usd is 'Of these, for output.';
