-- rate_by_run: how fast could each run ask, and how much was refused?   Reads rate_changes, api_calls.   One row a run that the API told its limits, or refused something.
create or replace view rate_by_run as
with told as (
    select run_id, is_simulated, max_by(calls_at_once, seq) as calls_at_once, min(calls_at_once) as calls_at_once_least,
           max_by(requests_limit, seq) as requests_limit, max_by(tokens_limit, seq) as tokens_limit, max_by(reason, seq) as reason, max(logged_at) as changed_at
    from rate_changes group by all
), made as (
    select run_id, count(*) as calls, count(*) filter (where error_kind = 'http_429') as calls_refused,
           date_diff('millisecond', min(started_at), max(started_at)) / 1000 as seconds
    from api_calls semi join told using (run_id) group by all
)
select run_id, is_simulated, calls_at_once, calls_at_once_least, requests_limit, tokens_limit, reason, changed_at, coalesce(calls, 0) as calls,
       coalesce(calls_refused, 0) as calls_refused, seconds, case when seconds > 0 then (calls - calls_refused) * 60 / seconds end as let_through_a_minute
from told left join made using (run_id);
comment on view rate_by_run is 'How fast runs could ask. Grain: run_id.';
comment on column rate_by_run.run_id is 'Run.';
comment on column rate_by_run.is_simulated is 'Whether the API was simulated.';
comment on column rate_by_run.calls_at_once is 'Calls that may be under way, as it stands.';
comment on column rate_by_run.calls_at_once_least is 'The least it was.';
comment on column rate_by_run.requests_limit is 'Limit of requests as the API tells it, a minute unless its reset says otherwise; NULL: not told.';
comment on column rate_by_run.tokens_limit is 'The same of tokens.';
comment on column rate_by_run.reason is 'Why it stands so.';
comment on column rate_by_run.changed_at is 'Since when, UTC.';
comment on column rate_by_run.calls is 'Calls made.';
comment on column rate_by_run.calls_refused is 'Of these, refused with 429.';
comment on column rate_by_run.seconds is 'Seconds from the first call''s start to the last''s.';
comment on column rate_by_run.let_through_a_minute is 'Calls a minute that were not refused, over these seconds; NULL for a single instant.';
