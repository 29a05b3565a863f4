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
