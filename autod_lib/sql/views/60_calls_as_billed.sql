-- tokens_usd(tokens, rate): USD of so many tokens at a rate of USD a million, exact: a division would pass through a float.
create or replace macro tokens_usd(tokens, rate) as cast(coalesce(tokens, 0) * rate * cast('0.000001' as decimal(7,6)) as decimal(24,12));

-- calls_as_billed: what did each call cost, and by which rates?   Reads api_calls.   One row a call.
-- The price is the one stored with the call: no later price list changes it. This is the only one of the three that is a bill; the other two ask "what if".
create or replace view calls_as_billed as
select call_id, run_id, document_sha256, model, coalesce(model_answered, model) as model_billed, is_simulated, status, started_at, price_tier as service_tier,
       input_tokens, uncached_tokens, cached_tokens, cache_write_tokens, cache_write_12h_tokens, output_tokens,
       cast(price_rates ->> '$.input' as decimal(18,6))       as input_rate,
       cast(price_rates ->> '$.cached' as decimal(18,6))      as cached_rate,
       cast(price_rates ->> '$.written' as decimal(18,6))     as written_rate,
       cast(price_rates ->> '$.written_12h' as decimal(18,6)) as written_12h_rate,
       cast(price_rates ->> '$.output' as decimal(18,6))      as output_rate,
       uncached_usd, cached_usd, cache_write_usd, output_usd, cost_usd,
       case when status = 'unsettled' then cost_upper_usd end as unsettled_upper_usd,
       price_date, price_source, price_warning
from api_calls;
comment on view calls_as_billed is 'Every call at the price of the day it was sent, as stored with it. Grain: call_id.';
comment on column calls_as_billed.call_id is 'Call.';
comment on column calls_as_billed.run_id is 'Run that made it.';
comment on column calls_as_billed.document_sha256 is 'Document; NULL for calls that belong to none.';
comment on column calls_as_billed.model is 'Model asked.';
comment on column calls_as_billed.model_billed is 'Model that the answer names, else the one asked: the price follows it.';
comment on column calls_as_billed.is_simulated is 'Simulated and real money never share a row.';
comment on column calls_as_billed.status is 'answered, failed or unsettled.';
comment on column calls_as_billed.started_at is 'When it was sent, UTC.';
comment on column calls_as_billed.service_tier is 'Tier billed; NULL when nothing came back.';
comment on column calls_as_billed.input_tokens is 'All input tokens; NULL when unknown. The sum of the next three.';
comment on column calls_as_billed.uncached_tokens is 'Of these, neither read from the cache nor written to it.';
comment on column calls_as_billed.cached_tokens is 'Of these, read from the cache.';
comment on column calls_as_billed.cache_write_tokens is 'Of these, written to the cache.';
comment on column calls_as_billed.cache_write_12h_tokens is 'Of the written ones, for 12 hours.';
comment on column calls_as_billed.output_tokens is 'Output tokens, reasoning included.';
comment on column calls_as_billed.input_rate is 'USD a million uncached input tokens, as stored with the call.';
comment on column calls_as_billed.cached_rate is 'USD a million tokens read.';
comment on column calls_as_billed.written_rate is 'USD a million tokens written for 30 minutes.';
comment on column calls_as_billed.written_12h_rate is 'USD a million tokens written for 12 hours; NULL where nobody prices that.';
comment on column calls_as_billed.output_rate is 'USD a million output tokens.';
comment on column calls_as_billed.uncached_usd is 'USD for uncached input.';
comment on column calls_as_billed.cached_usd is 'USD for cache reads.';
comment on column calls_as_billed.cache_write_usd is 'USD for cache writes.';
comment on column calls_as_billed.output_usd is 'USD for output.';
comment on column calls_as_billed.cost_usd is 'USD as billed, the sum of the four; NULL when unknown, never 0 instead.';
comment on column calls_as_billed.unsettled_upper_usd is 'USD that an unsettled call can have cost at most; NULL for all others.';
comment on column calls_as_billed.price_date is 'Day whose price it is, UTC.';
comment on column calls_as_billed.price_source is 'Where the price is from.';
comment on column calls_as_billed.price_warning is 'Why there is no price, or what is odd about the usage.';
