-- priced_calls: what is each call made of, and what would it have cost under another use of the prompt cache?   Reads calls_finished, prompt_versions,
-- documents_read.   One row an answered call with a known price, at the rates it was billed at.
-- The text layer is the newest that was looked at: a run that sends files does not read it.
-- no mark: nothing is read or written · mark: the static prefix is written by the first call of a machine and read by the next within 30 minutes ·
-- implicit: the mark stands at the end of the newest message, so that all input is written and nothing read; implicit_reads: likewise, but the prefix is read.
-- A call that only warms the cache is made under a mark alone. Where the policy is the call's own, its own usage counts. Else a call reads if one of the same prefix had ended at most 30 minutes before it began, and on
-- the same machine: about 15 requests a minute stay on one (the provider's prompt-caching guide). Models that cache by themselves know no marks.
create or replace view priced_calls as
with prefixes as (
    select prompt_hash, max(prefix_tokens) as prefix_tokens from prompt_versions group by prompt_hash
), pages as (
    select document_sha256, arg_max_null(page_count, (logged_at, run_id, seq)) as page_count, arg_max(text_layer, (logged_at, run_id, seq)) filter (where text_layer <> 'unread') as text_layer
    from documents_read where document_sha256 is not null group by document_sha256
), known as (
    select call_id, run_id, calls.document_sha256, arm, purpose, model, coalesce(model_answered, model) as model_priced, input_mode, prompt_hash, reasoning_effort,
           is_simulated, started_at, finished_at, cast(make_timestamp(epoch_us(finished_at)) as date) as day_utc, price_date, cache_policy, service_tier,
           page_count, text_layer, input_tokens, output_tokens, cost_usd, cache_write_usd, output_usd,
           least(coalesce(prefixes.prefix_tokens, 0), input_tokens) as prefix_tokens,
           cast(coalesce(cached_tokens, 0) as decimal(12,0)) as cached, cast(coalesce(cache_write_tokens, 0) as decimal(12,0)) as written,
           cast(coalesce(cache_write_12h_tokens, 0) as decimal(12,0)) as written_12h,
           cast(price_rates ->> 'input' as decimal(18,9)) * cast(0.000001 as decimal(6,6)) as input_rate,
           cast(price_rates ->> 'cached' as decimal(18,9)) * cast(0.000001 as decimal(6,6)) as cached_rate,
           cast(price_rates ->> 'written' as decimal(18,9)) * cast(0.000001 as decimal(6,6)) as written_rate,
           cast(price_rates ->> 'output' as decimal(18,9)) * cast(0.000001 as decimal(6,6)) as output_rate
    from calls_finished as calls left join prefixes using (prompt_hash) left join pages on pages.document_sha256 = calls.document_sha256
    where status = 'answered' and cost_usd is not null and price_rates is not null and input_tokens is not null and output_tokens is not null
), placed as (
    select *, (row_number() over (partition by model, prompt_hash, reasoning_effort, is_simulated, epoch_us(started_at) // 60000000 order by started_at, call_id) - 1) // 15
              as machine
    from known
), replayed as (
    select placed.*, coalesce(placed.started_at - warm.finished_at <= interval 30 minute, false) and prefix_tokens >= 1024 as is_warm
    from placed asof left join (select model, prompt_hash, reasoning_effort, is_simulated, machine, finished_at from placed) as warm
    on warm.model = placed.model and warm.prompt_hash = placed.prompt_hash and warm.reasoning_effort = placed.reasoning_effort
       and warm.is_simulated = placed.is_simulated and warm.machine = placed.machine and warm.finished_at <= placed.started_at
), split as (
    select *, cast(input_tokens as decimal(12,0)) as input, cast(output_tokens as decimal(12,0)) as output,
           case when prefix_tokens >= 1024 then cast(prefix_tokens as decimal(12,0)) else 0 end as prefix,
           case when input_tokens >= 1024 then written_rate else input_rate end as newest_rate
    from replayed
)
select call_id, run_id, document_sha256, arm, purpose, model, model_priced, input_mode, prompt_hash, reasoning_effort, is_simulated, started_at, day_utc, price_date,
       service_tier, cache_policy, page_count, text_layer, input, cached, written, written_12h, output, input_rate, cached_rate, written_rate, output_rate, cost_usd,
       cache_write_usd, output_usd,
       case when purpose = 'prewarm' then 0 else cast(input * input_rate + output * output_rate as decimal(24,12)) end as no_mark_usd,
       case when cache_policy in ('explicit', 'automatic') then cost_usd
            else cast(prefix * case when is_warm then cached_rate else written_rate end + (input - prefix) * input_rate + output * output_rate as decimal(24,12))
       end as mark_usd,
       case when cache_policy in ('implicit', 'automatic') then cost_usd when purpose = 'prewarm' then 0
            else cast(input * newest_rate + output * output_rate as decimal(24,12)) end as implicit_usd,
       case when cache_policy in ('implicit', 'automatic') then cost_usd when purpose = 'prewarm' then 0
            else cast(prefix * case when is_warm then cached_rate else written_rate end + (input - prefix) * newest_rate + output * output_rate as decimal(24,12))
       end as implicit_reads_usd
from split;
comment on view priced_calls is 'Answered calls with a price: tokens, rates, and the cost under other uses of the prompt cache. Grain: call_id.';
comment on column priced_calls.call_id is 'Call.';
comment on column priced_calls.run_id is 'Run that made it.';
comment on column priced_calls.document_sha256 is 'Document; NULL for calls that belong to none.';
comment on column priced_calls.arm is 'Arm.';
comment on column priced_calls.purpose is 'extract, repair or prewarm.';
comment on column priced_calls.model is 'Model asked.';
comment on column priced_calls.model_priced is 'Model whose price applies: the one that answered.';
comment on column priced_calls.input_mode is 'text, file-low or file-high.';
comment on column priced_calls.prompt_hash is 'Version of the static prefix.';
comment on column priced_calls.reasoning_effort is 'Effort asked.';
comment on column priced_calls.is_simulated is 'Simulated and real money are never added.';
comment on column priced_calls.started_at is 'When it was sent, UTC.';
comment on column priced_calls.day_utc is 'Day on which it ended, UTC.';
comment on column priced_calls.price_date is 'Day whose prices were used, UTC.';
comment on column priced_calls.service_tier is 'Tier that the answer names.';
comment on column priced_calls.cache_policy is 'How the prompt cache was used.';
comment on column priced_calls.page_count is 'Pages of its document.';
comment on column priced_calls.text_layer is 'Text layer of its document, as it was last read: good, poor or none; NULL: never read.';
comment on column priced_calls.input is 'Input tokens.';
comment on column priced_calls.cached is 'Of these, read from the cache.';
comment on column priced_calls.written is 'Of these, written to the cache.';
comment on column priced_calls.written_12h is 'Of these, written for 12 hours.';
comment on column priced_calls.output is 'Output tokens, reasoning included.';
comment on column priced_calls.input_rate is 'USD an uncached input token.';
comment on column priced_calls.cached_rate is 'USD a token read from the cache.';
comment on column priced_calls.written_rate is 'USD a token written for 30 minutes.';
comment on column priced_calls.output_rate is 'USD an output token.';
comment on column priced_calls.cost_usd is 'USD as billed.';
comment on column priced_calls.cache_write_usd is 'Of these, for cache writes.';
comment on column priced_calls.output_usd is 'Of these, for output.';
comment on column priced_calls.no_mark_usd is 'USD with nothing read from or written to the cache.';
comment on column priced_calls.mark_usd is 'USD with a mark at the end of the static prefix.';
comment on column priced_calls.implicit_usd is 'USD in implicit mode, if it reads nothing.';
comment on column priced_calls.implicit_reads_usd is 'USD in implicit mode, if it reads the static prefix.';
