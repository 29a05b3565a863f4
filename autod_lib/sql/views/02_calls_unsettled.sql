-- calls_unsettled: which calls may have been billed without our knowing?   Reads api_calls.   One row a call.
create or replace view calls_unsettled as
select call_id, run_id, document_sha256, model, is_simulated, started_at, attempt, error_kind, error_message, cost_upper_usd
from api_calls where status = 'unsettled';
comment on view calls_unsettled is 'Calls that were sent and whose end nobody knows. Grain: call_id.';
comment on column calls_unsettled.call_id is 'Call.';
comment on column calls_unsettled.run_id is 'Run that made it.';
comment on column calls_unsettled.document_sha256 is 'Document.';
comment on column calls_unsettled.model is 'Model asked.';
comment on column calls_unsettled.is_simulated is 'Whether it was simulated.';
comment on column calls_unsettled.started_at is 'When it was sent, UTC.';
comment on column calls_unsettled.attempt is 'Attempt at the request within the run.';
comment on column calls_unsettled.error_kind is 'What cut it off; no_end: the run ended before the answer.';
comment on column calls_unsettled.error_message is 'What the network said.';
comment on column calls_unsettled.cost_upper_usd is 'USD it can have cost at most; NULL without a price.';
