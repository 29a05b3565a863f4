-- calls_by_hour: how much was done, and how much of it failed?   Reads api_calls.   One row a (hour_utc, is_simulated) with a call.
-- The hour is that in which the end of a call was known, or in which it was sent where it has none.
create or replace view calls_by_hour as
select make_timestamp((epoch_us(coalesce(finished_at, started_at)) // 3600000000) * 3600000000) as hour_utc, is_simulated, count(*) as calls,
       count(*) filter (where status = 'answered') as calls_answered, count(*) filter (where status = 'failed') as calls_failed,
       count(*) filter (where status = 'unsettled') as calls_unsettled, count(*) filter (where attempt > 1) as calls_repeated,
       count(*) filter (where error_kind = 'http_429') as calls_refused, count(distinct document_sha256) as documents,
       sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens
from api_calls group by all;
comment on view calls_by_hour is 'Throughput. Grain: hour_utc, is_simulated.';
comment on column calls_by_hour.hour_utc is 'Hour, UTC.';
comment on column calls_by_hour.is_simulated is 'Whether the calls were simulated.';
comment on column calls_by_hour.calls is 'Calls.';
comment on column calls_by_hour.calls_answered is 'Of these, answered.';
comment on column calls_by_hour.calls_failed is 'Of these, failed: nothing was billed.';
comment on column calls_by_hour.calls_unsettled is 'Of these, calls whose end nobody knows.';
comment on column calls_by_hour.calls_repeated is 'Of these, further attempts at the same request within a run.';
comment on column calls_by_hour.calls_refused is 'Of these, refused with 429.';
comment on column calls_by_hour.documents is 'Distinct documents.';
comment on column calls_by_hour.input_tokens is 'Input tokens; NULL when unknown of all.';
comment on column calls_by_hour.output_tokens is 'Output tokens; NULL when unknown of all.';

-- calls_by_window: how did the last hour, day, week and month go, and everything?   Reads api_calls.   One row a (window_name, is_simulated), without calls too.
-- Windows end now and hold each other: the same call is in several. `hours` of the whole ledger is NULL.
create or replace view calls_by_window as
with windows as (
    from (values ('hour', 1), ('day', 24), ('week', 168), ('month', 720), ('all', null)) as given(window_name, hours)
), kinds as (
    select distinct is_simulated from api_calls
), calls as (
    select *, coalesce(finished_at, started_at) as at from api_calls
)
select window_name, hours, kinds.is_simulated, count(call_id) as calls, count(distinct document_sha256) as documents,
       count(*) filter (where status = 'answered') as calls_answered, count(*) filter (where status = 'failed') as calls_failed,
       count(*) filter (where status = 'answered' and cost_usd is null) as calls_unpriced, count(*) filter (where status = 'unsettled') as calls_unsettled,
       count(*) filter (where attempt > 1) as calls_repeated, count(*) filter (where error_kind = 'http_429') as calls_refused,
       1 - count(*) filter (where status = 'answered') / nullif(count(call_id) filter (where error_kind is distinct from 'in_batch'), 0) as share_failed,
       sum(cached_tokens) / nullif(sum(input_tokens), 0) as share_cached,
       quantile_cont(latency_ms, 0.5) filter (where status = 'answered') as p50_ms, quantile_cont(latency_ms, 0.95) filter (where status = 'answered') as p95_ms,
       quantile_cont(latency_ms, 0.99) filter (where status = 'answered') as p99_ms,
       sum(cost_usd) as cost_usd, sum(cost_upper_usd) filter (where status = 'unsettled') as unsettled_upper_usd
from windows cross join kinds
left join calls on calls.is_simulated is not distinct from kinds.is_simulated and (hours is null or calls.at > now() - to_hours(hours))
group by all;
comment on view calls_by_window is 'Calls of the windows that end now. Grain: window_name, is_simulated.';
comment on column calls_by_window.window_name is 'hour, day (24 hours), week, month (30 days) or all.';
comment on column calls_by_window.hours is 'Length of the window in hours; NULL: everything.';
comment on column calls_by_window.is_simulated is 'Whether the calls were simulated.';
comment on column calls_by_window.calls is 'Calls.';
comment on column calls_by_window.documents is 'Distinct documents.';
comment on column calls_by_window.calls_answered is 'Of the calls, answered.';
comment on column calls_by_window.calls_failed is 'Of the calls, failed: nothing was billed.';
comment on column calls_by_window.calls_unpriced is 'Of the answered, without a known cost.';
comment on column calls_by_window.calls_unsettled is 'Of the calls, those whose end nobody knows, open batches included.';
comment on column calls_by_window.calls_repeated is 'Of the calls, further attempts at the same request within a run.';
comment on column calls_by_window.calls_refused is 'Of the calls, refused with 429.';
comment on column calls_by_window.share_failed is 'Share of the calls that brought no answer, open batches left out, 0 to 1; NULL without a call.';
comment on column calls_by_window.share_cached is 'Share of the input read from the prompt cache, 0 to 1; NULL without input.';
comment on column calls_by_window.p50_ms is 'Median latency of the answered, milliseconds.';
comment on column calls_by_window.p95_ms is '95th percentile, milliseconds.';
comment on column calls_by_window.p99_ms is '99th percentile, milliseconds.';
comment on column calls_by_window.cost_usd is 'USD of the calls whose cost is known, DECIMAL.';
comment on column calls_by_window.unsettled_upper_usd is 'USD that the unsettled calls can have cost at most.';

-- backlog: what waits to be read or answered?   Reads documents, batches.   One row.
create or replace view backlog as
select (select count(*) from documents where processing_status = 'pending') as documents,
       (select min(created_at) from documents where processing_status = 'pending') as oldest_at,
       (select count(*) from batches where is_open) as open_batches, (select min(intended_at) from batches where is_open) as oldest_batch_at;
comment on view backlog is 'Documents and batches that are not done. One row.';
comment on column backlog.documents is 'Pending documents.';
comment on column backlog.oldest_at is 'When the oldest of them was seen first, UTC; NULL without any.';
comment on column backlog.open_batches is 'Batches that are not collected.';
comment on column backlog.oldest_batch_at is 'When the oldest of them was intended, UTC; NULL without any.';
