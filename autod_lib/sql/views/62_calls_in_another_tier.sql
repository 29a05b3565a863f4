-- calls_in_another_tier: what would each call have cost in another service tier?   Reads calls_as_billed, price_list.   One row a (call, service_tier).
-- The same tokens at the price of the day it was sent, in each tier that had one but its own; cache reads and writes are taken as they were, which
-- nobody promises for a batch. Never a bill: that is calls_as_billed. Never to be added over tiers.
create or replace view calls_in_another_tier as
select billed.call_id, billed.run_id, billed.document_sha256, billed.model, billed.model_billed, billed.is_simulated, billed.started_at,
       billed.service_tier as service_tier_billed, list.service_tier, billed.cost_usd as as_billed_usd,
       case when billed.output_tokens is not null and (coalesce(billed.cache_write_12h_tokens, 0) = 0 or list.written_12h_rate is not null)
            then tokens_usd(billed.uncached_tokens, list.input_rate) + tokens_usd(billed.cached_tokens, list.cached_rate)
                 + tokens_usd(billed.cache_write_tokens - coalesce(billed.cache_write_12h_tokens, 0), list.written_rate)
                 + tokens_usd(billed.cache_write_12h_tokens, coalesce(list.written_12h_rate, 0)) + tokens_usd(billed.output_tokens, list.output_rate)
       end as in_tier_usd,
       list.day as price_date, list.price_since, list.price_source
from calls_as_billed as billed
join price_list as list
  on list.model = billed.model_billed and list.day = cast(make_timestamp(epoch_us(billed.started_at)) as date)
 and list.service_tier <> billed.service_tier
 and (billed.input_tokens > list.above_input_tokens or (list.above_input_tokens = 0 and billed.input_tokens = 0))
 and (list.up_to_input_tokens is null or billed.input_tokens <= list.up_to_input_tokens);
comment on view calls_in_another_tier is 'Every call repriced in each other service tier of its own day. Grain: call_id, service_tier.';
comment on column calls_in_another_tier.call_id is 'Call.';
comment on column calls_in_another_tier.run_id is 'Run that made it.';
comment on column calls_in_another_tier.document_sha256 is 'Document; NULL for calls that belong to none.';
comment on column calls_in_another_tier.model is 'Model asked.';
comment on column calls_in_another_tier.model_billed is 'Model whose price it is.';
comment on column calls_in_another_tier.is_simulated is 'Simulated and real money never share a row.';
comment on column calls_in_another_tier.started_at is 'When it was sent, UTC.';
comment on column calls_in_another_tier.service_tier_billed is 'Tier it was billed in.';
comment on column calls_in_another_tier.service_tier is 'The other tier.';
comment on column calls_in_another_tier.as_billed_usd is 'USD as billed; NULL when unknown.';
comment on column calls_in_another_tier.in_tier_usd is 'USD in the other tier; NULL when it cannot be known, never 0 instead.';
comment on column calls_in_another_tier.price_date is 'Day whose price it is, that of sending, UTC.';
comment on column calls_in_another_tier.price_since is 'First day of that price; NULL: as far back as the list goes.';
comment on column calls_in_another_tier.price_source is 'Where that price is from.';
