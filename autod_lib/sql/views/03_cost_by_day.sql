-- cost_by_day: what did the API cost, each day and model?   Reads api_calls.   One row a (day_utc, model, is_simulated) with a call.
-- The day is that of finishing, when the cost became known, and of sending where there is no end; failed and refused calls that were billed are in.
create or replace view cost_by_day as
with dated as (
    select cast(make_timestamp(epoch_us(coalesce(finished_at, started_at))) as date) as day_utc, * from api_calls
)
select day_utc, model, is_simulated,
       count(*)                                                    as calls,
       count(*) filter (where cost_usd is null and status = 'answered') as calls_unpriced,
       count(*) filter (where status = 'unsettled')        as calls_unsettled,
       sum(input_tokens)                                           as input_tokens,
       sum(uncached_tokens)                                        as uncached_tokens,
       sum(cached_tokens) filter (where input_tokens is not null)  as cached_tokens,
       sum(cache_write_tokens) filter (where input_tokens is not null) as cache_write_tokens,
       sum(output_tokens)                                          as output_tokens,
       sum(cost_usd)                                               as cost_usd,
       sum(uncached_usd)                                           as uncached_usd,
       sum(cached_usd)                                             as cached_usd,
       sum(cache_write_usd)                                        as cache_write_usd,
       sum(output_usd)                                             as output_usd,
       sum(cost_upper_usd) filter (where status = 'unsettled') as unsettled_upper_usd
from dated group by all;
comment on view cost_by_day is 'Cost of calls. Grain: day_utc, model, is_simulated.';
comment on column cost_by_day.day_utc is 'Day on which the calls finished, or, where that is unknown, were sent, UTC.';
comment on column cost_by_day.model is 'Model asked.';
comment on column cost_by_day.is_simulated is 'Simulated and real money never share a row.';
comment on column cost_by_day.calls is 'Calls, unsettled ones included.';
comment on column cost_by_day.calls_unpriced is 'Answered calls without a known cost; cost_usd leaves them out.';
comment on column cost_by_day.calls_unsettled is 'Of these, calls whose end nobody knows; cost_usd leaves them out.';
comment on column cost_by_day.input_tokens is 'All input tokens, the sum of the next three.';
comment on column cost_by_day.uncached_tokens is 'Input tokens billed at the full rate.';
comment on column cost_by_day.cached_tokens is 'Input tokens read from the cache.';
comment on column cost_by_day.cache_write_tokens is 'Input tokens written to the cache.';
comment on column cost_by_day.output_tokens is 'Output tokens, reasoning included.';
comment on column cost_by_day.cost_usd is 'USD, DECIMAL. NULL when no call had a price, never 0.';
comment on column cost_by_day.uncached_usd is 'Of these, for uncached input, by the rates stored with each call.';
comment on column cost_by_day.cached_usd is 'Of these, for cache reads.';
comment on column cost_by_day.cache_write_usd is 'Of these, for cache writes.';
comment on column cost_by_day.output_usd is 'Of these, for output.';
comment on column cost_by_day.unsettled_upper_usd is 'USD that the unsettled calls can have cost at most; NULL when there is none, or none has a bound.';
