-- calls_at_todays_price: what would each call cost if it were sent today?   Reads calls_as_billed, price_list, price_list_state.   One row a call.
-- The same tokens in the same tier; cache reads and writes are taken as they were. Never a bill: that is calls_as_billed.
create or replace view calls_at_todays_price as
select billed.call_id, billed.run_id, billed.document_sha256, billed.model, billed.model_billed, billed.is_simulated, billed.status, billed.started_at,
       billed.service_tier, billed.cost_usd as as_billed_usd,
       case when billed.output_tokens is not null and (coalesce(billed.cache_write_12h_tokens, 0) = 0 or list.written_12h_rate is not null)
            then tokens_usd(billed.uncached_tokens, list.input_rate) + tokens_usd(billed.cached_tokens, list.cached_rate)
                 + tokens_usd(billed.cache_write_tokens - coalesce(billed.cache_write_12h_tokens, 0), list.written_rate)
                 + tokens_usd(billed.cache_write_12h_tokens, coalesce(list.written_12h_rate, 0)) + tokens_usd(billed.output_tokens, list.output_rate)
       end as at_todays_price_usd,
       list.day as price_date, list.price_since, list.price_source
from calls_as_billed as billed
left join (from price_list semi join price_list_state on price_list.day = price_list_state.today) as list
  on list.model = billed.model_billed and list.service_tier = billed.service_tier
 and (billed.input_tokens > list.above_input_tokens or (list.above_input_tokens = 0 and billed.input_tokens = 0))
 and (list.up_to_input_tokens is null or billed.input_tokens <= list.up_to_input_tokens);
comment on view calls_at_todays_price is 'Every call repriced at the price of today, in the tier it was billed in. Grain: call_id.';
comment on column calls_at_todays_price.call_id is 'Call.';
comment on column calls_at_todays_price.run_id is 'Run that made it.';
comment on column calls_at_todays_price.document_sha256 is 'Document; NULL for calls that belong to none.';
comment on column calls_at_todays_price.model is 'Model asked.';
comment on column calls_at_todays_price.model_billed is 'Model whose price it is.';
comment on column calls_at_todays_price.is_simulated is 'Simulated and real money never share a row.';
comment on column calls_at_todays_price.status is 'answered, failed or unsettled.';
comment on column calls_at_todays_price.started_at is 'When it was sent, UTC.';
comment on column calls_at_todays_price.service_tier is 'Tier billed.';
comment on column calls_at_todays_price.as_billed_usd is 'USD as billed; NULL when unknown.';
comment on column calls_at_todays_price.at_todays_price_usd is 'USD at the price of price_date; NULL when no price or usage is known, never 0 instead.';
comment on column calls_at_todays_price.price_date is 'The day taken for today, UTC.';
comment on column calls_at_todays_price.price_since is 'First day of that price; NULL: as far back as the list goes.';
comment on column calls_at_todays_price.price_source is 'Where that price is from.';
