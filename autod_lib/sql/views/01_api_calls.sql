-- api_calls: every call to the API, whether its end is known or not.   Reads calls_finished, calls_started, batch_events, call_reconciliations.   One row a call.
-- A start without an end is unsettled: it was or may have been sent, and may cost up to cost_upper_usd. Only runs that did not end in order are searched for such,
-- and batches that are not collected: their calls are started in one run and finished in another.
-- An unsettled call whose end the provider's own data proved is answered or failed, under the outcome `reconciled`; calls_reconciled lists them.
create or replace view api_calls as
with unclosed as (
    select run_id from runs_started anti join runs_finished using (run_id)
), ended as (
    select run_id, call_id from calls_finished semi join unclosed using (run_id)
), open_batches as (
    select batch_key from batch_events group by batch_key having not bool_or(state in ('collected', 'gone'))
), reconciled as (
    from call_reconciliations qualify row_number() over (partition by call_id order by logged_at desc, run_id desc, seq desc) = 1
), calls as not materialized (
select call_id, run_id, document_sha256, arm, purpose, model, input_mode, status, outcome, started_at, finished_at, attempt, repeat,
       input_tokens, input_tokens - coalesce(cached_tokens, 0) - coalesce(cache_write_tokens, 0) as uncached_tokens, cached_tokens, cache_write_tokens,
       cache_write_12h_tokens, output_tokens, reasoning_tokens, service_tier, coalesce(price_tier, case when cost_usd is not null then 'standard' end) as price_tier,
       cost_usd, uncached_usd, cached_usd, cache_write_usd, output_usd, cost_upper_usd, price_rates, price_date, price_source, price_warning, is_simulated, error_kind, error_message, latency_ms, request_key, prompt_hash, cache_policy, cache_key,
       model_answered, estimated_input_tokens, estimate_usd, service_tier_asked, batch_key
from calls_finished
union all by name
select call_id, run_id, document_sha256, arm, purpose, model, input_mode, 'unsettled' as status, 'unknown' as outcome, logged_at as started_at, attempt, repeat,
       cost_upper_usd, is_simulated, 'no_end' as error_kind, request_key, prompt_hash, cache_policy, cache_key, estimated_input_tokens, estimate_usd, service_tier_asked
from (select * from calls_started where batch_key is null) semi join unclosed using (run_id) anti join ended using (run_id, call_id)
union all by name
select call_id, run_id, document_sha256, arm, purpose, model, input_mode, 'unsettled' as status, 'unknown' as outcome, logged_at as started_at, attempt, repeat,
       cost_upper_usd, is_simulated, 'in_batch' as error_kind, request_key, prompt_hash, cache_policy, cache_key, estimated_input_tokens, estimate_usd,
       service_tier_asked, batch_key
from calls_started semi join open_batches using (batch_key)
anti join (select batch_key, call_id from calls_finished semi join open_batches using (batch_key)) using (batch_key, call_id)
)
from calls where cost_usd is not null or status <> 'unsettled'
union all by name
select calls.* replace (
    case when reconciled.is_billed then 'answered' when not reconciled.is_billed then 'failed' else status end as status,
    case when reconciled.is_billed is not null then 'reconciled' else outcome end as outcome,
    reconciled.input_tokens as input_tokens, reconciled.input_tokens - reconciled.cached_tokens - reconciled.cache_write_tokens as uncached_tokens,
    reconciled.cached_tokens as cached_tokens, reconciled.cache_write_tokens as cache_write_tokens,
    reconciled.cache_write_12h_tokens as cache_write_12h_tokens, reconciled.output_tokens as output_tokens,
    reconciled.model_answered as model_answered, reconciled.price_tier as price_tier, reconciled.price_date as price_date, reconciled.cost_usd as cost_usd,
    reconciled.uncached_usd as uncached_usd, reconciled.cached_usd as cached_usd, reconciled.cache_write_usd as cache_write_usd, reconciled.output_usd as output_usd,
    case when reconciled.cost_usd is not null then 'tokens by ' || reconciled.source || ', at list prices' end as price_source
)
from (from calls where cost_usd is null and status = 'unsettled') as calls left join reconciled using (call_id);
comment on view api_calls is 'The ledger: every call to the API. Grain: call_id.';
comment on column api_calls.call_id is 'Call.';
comment on column api_calls.run_id is 'Run that made it.';
comment on column api_calls.document_sha256 is 'Document; NULL for calls that belong to none.';
comment on column api_calls.arm is 'Model, input mode, effort and prompt, as one name.';
comment on column api_calls.purpose is 'extract, repair or prewarm.';
comment on column api_calls.model is 'Model asked.';
comment on column api_calls.input_mode is 'text, file-low or file-high.';
comment on column api_calls.status is 'answered (usage came back), failed (nothing billed) or unsettled (may have been billed).';
comment on column api_calls.outcome is 'completed, invalid, refusal, incomplete_max_tokens, …; unknown without an end; reconciled: the provider''s data told it.';
comment on column api_calls.started_at is 'When it was sent, UTC.';
comment on column api_calls.finished_at is 'When its end was known, UTC; NULL: never.';
comment on column api_calls.attempt is 'Attempt at the request within the run, from 1.';
comment on column api_calls.repeat is 'Number of the wanted repetition, else 0.';
comment on column api_calls.input_tokens is 'All input tokens; NULL when unknown.';
comment on column api_calls.uncached_tokens is 'Of these, neither read from the prompt cache nor written to it: with the next two they are all of them.';
comment on column api_calls.cached_tokens is 'Of these, read from the prompt cache.';
comment on column api_calls.cache_write_tokens is 'Of these, written to the prompt cache.';
comment on column api_calls.cache_write_12h_tokens is 'Of the written ones, for 12 hours.';
comment on column api_calls.output_tokens is 'Output tokens, reasoning included.';
comment on column api_calls.reasoning_tokens is 'Of these, reasoning.';
comment on column api_calls.service_tier is 'Tier that the answer names.';
comment on column api_calls.price_tier is 'Tier billed: standard, flex, batch, priority, …; NULL when nothing came back.';
comment on column api_calls.cost_usd is 'USD as billed on the day of sending, DECIMAL; NULL when unknown, never 0 instead.';
comment on column api_calls.uncached_usd is 'Of these, for uncached input.';
comment on column api_calls.cached_usd is 'Of these, for cache reads.';
comment on column api_calls.cache_write_usd is 'Of these, for cache writes.';
comment on column api_calls.output_usd is 'Of these, for output.';
comment on column api_calls.cost_upper_usd is 'USD it can have cost at most; NULL without a price.';
comment on column api_calls.price_rates is 'The rates of the price, USD a million tokens, and their tier.';
comment on column api_calls.price_date is 'Day whose prices were used, UTC.';
comment on column api_calls.price_source is 'Where the price is from.';
comment on column api_calls.price_warning is 'Why there is no price, or what is odd about the usage.';
comment on column api_calls.is_simulated is 'Whether the answer is simulated.';
comment on column api_calls.error_kind is 'Kind of error; NULL when there is none.';
comment on column api_calls.error_message is 'What the API or the network said.';
comment on column api_calls.latency_ms is 'Milliseconds from sending to the whole answer.';
comment on column api_calls.request_key is 'Hash of the request.';
comment on column api_calls.prompt_hash is 'Version of the static prefix.';
comment on column api_calls.cache_policy is 'automatic, explicit, implicit or none.';
comment on column api_calls.cache_key is 'prompt_cache_key sent.';
comment on column api_calls.model_answered is 'Model that the answer names.';
comment on column api_calls.estimated_input_tokens is 'Input tokens estimated before the call.';
comment on column api_calls.estimate_usd is 'USD estimated before the call.';
comment on column api_calls.service_tier_asked is 'Tier asked; batch for a call that is sent in one.';
comment on column api_calls.batch_key is 'Batch that it is sent in; NULL for a call made by itself.';
