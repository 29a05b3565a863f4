-- batches: what was sent in batches, where does each stand, and what did it cost?   Reads batch_events, api_calls.   One row a batch_key.
-- A batch is open until every call in it has an end. Its age is that of its intent, up to now or to its end.
create or replace view batches as
with steps as (
    select batch_key, bool_or(is_simulated) as is_simulated, arg_max(batch_id, (logged_at, run_id, seq)) as batch_id,
           arg_max(file_id, (logged_at, run_id, seq)) as file_id, arg_max(base_url, (logged_at, run_id, seq)) as base_url,
           arg_max(model, (logged_at, run_id, seq)) as model, max(requests) as requests, max(bytes) as bytes, arg_max(setup, (logged_at, run_id, seq)) as setup,
           arg_max(state, (logged_at, run_id, seq)) as state, arg_max(remote_status, (logged_at, run_id, seq)) as remote_status,
           arg_max(reason, (logged_at, run_id, seq)) as reason, bool_or(state in ('collected', 'gone')) as is_ended,
           min(logged_at) as intended_at, min(logged_at) filter (where state = 'created') as created_at,
           max(logged_at) filter (where state in ('collected', 'gone')) as ended_at
    from batch_events group by batch_key
), calls as (
    select batch_key, count(*) as calls, count(*) filter (where status = 'answered') as calls_answered, count(*) filter (where status = 'failed') as calls_failed,
           count(*) filter (where cost_usd is null and status = 'answered') as calls_unpriced, count(*) filter (where status = 'unsettled') as calls_unsettled,
           sum(input_tokens) as input_tokens, sum(cached_tokens) as cached_tokens, sum(cache_write_tokens) as cache_write_tokens,
           sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd, sum(cost_upper_usd) filter (where status = 'unsettled') as unsettled_upper_usd
    from api_calls where batch_key is not null group by batch_key
)
select batch_key, is_simulated, batch_id, model, state, remote_status, not is_ended as is_open, requests, bytes,
       coalesce(calls, 0) as calls, coalesce(calls_answered, 0) as calls_answered, coalesce(calls_failed, 0) as calls_failed,
       coalesce(calls_unpriced, 0) as calls_unpriced, coalesce(calls_unsettled, 0) as calls_unsettled,
       input_tokens, cached_tokens, cache_write_tokens, output_tokens, cost_usd, unsettled_upper_usd,
       intended_at, created_at, ended_at, cast(epoch(coalesce(ended_at, now())) - epoch(intended_at) as double) as age_s, reason, file_id, base_url, setup
from steps left join calls using (batch_key);
comment on view batches is 'Every batch, where it stands, and what its calls cost. Grain: batch_key.';
comment on column batches.batch_key is 'Batch, by our own name.';
comment on column batches.is_simulated is 'Simulated and real money never share a row.';
comment on column batches.batch_id is 'Batch, by the provider''s name; NULL until it is created.';
comment on column batches.model is 'Model asked.';
comment on column batches.state is 'intended, uploaded, created (under way at the provider), collected, or gone (never created, or not there any more).';
comment on column batches.remote_status is 'Its last status at the provider: completed, failed, expired, cancelled; NULL before it ended.';
comment on column batches.is_open is 'Whether some of its calls have no end yet.';
comment on column batches.requests is 'Requests in it.';
comment on column batches.bytes is 'Size of its file of requests.';
comment on column batches.calls is 'Its calls in the ledger.';
comment on column batches.calls_answered is 'Of these, those that were answered.';
comment on column batches.calls_failed is 'Of these, those that were not done, or refused; nothing was billed.';
comment on column batches.calls_unpriced is 'Answered calls without a known price.';
comment on column batches.calls_unsettled is 'Calls whose end is not known, or not yet.';
comment on column batches.input_tokens is 'Input tokens; NULL before it is collected.';
comment on column batches.cached_tokens is 'Of these, read from the prompt cache.';
comment on column batches.cache_write_tokens is 'Of these, written to the prompt cache.';
comment on column batches.output_tokens is 'Output tokens, reasoning included.';
comment on column batches.cost_usd is 'USD of its answered calls at batch prices; NULL when none is known, never 0 instead.';
comment on column batches.unsettled_upper_usd is 'USD that its unsettled calls can cost at most.';
comment on column batches.intended_at is 'When it was recorded, before anything was sent, UTC.';
comment on column batches.created_at is 'When the provider had it, UTC.';
comment on column batches.ended_at is 'When it was collected, or found gone, UTC.';
comment on column batches.age_s is 'Seconds from its intent to its end, or to now.';
comment on column batches.reason is 'What was odd about it, in words.';
comment on column batches.file_id is 'Its file of requests at the provider.';
comment on column batches.base_url is 'Address of the API that it was sent to.';
comment on column batches.setup is 'The settings that its answers are read by.';
