-- errors_by_kind: what went wrong, how often, and what did it cost?   Reads api_calls.   One row a (day_utc, error_kind, outcome, model, is_simulated).
create or replace view errors_by_kind as
select cast(make_timestamp(epoch_us(coalesce(finished_at, started_at))) as date) as day_utc, error_kind, outcome, model, is_simulated, count(*) as calls,
       count(distinct document_sha256) as documents, sum(cost_usd) as cost_usd,
       count(*) filter (where status = 'unsettled') as calls_unsettled, sum(cost_upper_usd) filter (where status = 'unsettled') as unsettled_upper_usd
from api_calls where error_kind is not null group by all;
comment on view errors_by_kind is 'Calls that went wrong. Grain: day_utc, error_kind, outcome, model, is_simulated.';
comment on column errors_by_kind.day_utc is 'Day, UTC.';
comment on column errors_by_kind.error_kind is 'Kind of error.';
comment on column errors_by_kind.outcome is 'Outcome of the call.';
comment on column errors_by_kind.model is 'Model asked.';
comment on column errors_by_kind.is_simulated is 'Whether the calls were simulated.';
comment on column errors_by_kind.calls is 'Calls.';
comment on column errors_by_kind.documents is 'Distinct documents.';
comment on column errors_by_kind.cost_usd is 'USD billed all the same.';
comment on column errors_by_kind.calls_unsettled is 'Of these, calls whose end nobody knows; cost_usd leaves them out.';
comment on column errors_by_kind.unsettled_upper_usd is 'USD that the unsettled ones can have cost at most.';

-- calls_with_errors: which calls went wrong?   Reads api_calls.   One row a call: those that errors_by_kind counts.
create or replace view calls_with_errors as
select cast(make_timestamp(epoch_us(coalesce(finished_at, started_at))) as date) as day_utc, started_at, document_sha256, model, error_kind, outcome, attempt,
       error_message, cost_usd, cost_upper_usd, run_id, call_id, is_simulated
from api_calls where error_kind is not null;
comment on view calls_with_errors is 'Calls that went wrong. Grain: call_id.';
comment on column calls_with_errors.day_utc is 'Day, UTC.';
comment on column calls_with_errors.started_at is 'When it was sent, UTC.';
comment on column calls_with_errors.document_sha256 is 'Document; NULL when it was about none.';
comment on column calls_with_errors.model is 'Model asked.';
comment on column calls_with_errors.error_kind is 'Kind of error.';
comment on column calls_with_errors.outcome is 'Outcome of the call.';
comment on column calls_with_errors.attempt is 'Attempt at the request within the run.';
comment on column calls_with_errors.error_message is 'What the API or the network said.';
comment on column calls_with_errors.cost_usd is 'USD billed all the same.';
comment on column calls_with_errors.cost_upper_usd is 'USD it can have cost at most, when its end is unknown.';
comment on column calls_with_errors.run_id is 'Run that made it.';
comment on column calls_with_errors.call_id is 'Call.';
comment on column calls_with_errors.is_simulated is 'Whether it was simulated.';
