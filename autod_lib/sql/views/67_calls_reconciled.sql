-- calls_reconciled: which unsettled calls did the provider's data settle, and how?   Reads call_reconciliations, calls_started, calls_finished.   One row a call.
-- They stay in the ledger: api_calls shows them as answered, with their cost, or as failed, under the outcome `reconciled`.
create or replace view calls_reconciled as
with newest as (
    from call_reconciliations qualify row_number() over (partition by call_id order by logged_at desc, run_id desc, seq desc) = 1
)
select newest.call_id, api_calls.run_id, api_calls.document_sha256, api_calls.model, newest.is_simulated, api_calls.started_at, newest.is_billed, newest.calls_together,
       newest.cost_usd, api_calls.cost_upper_usd, newest.source, newest.sentence, newest.logged_at as reconciled_at
from newest join api_calls using (call_id);
comment on view calls_reconciled is 'Calls that were unsettled until the provider''s data told how they ended. Grain: call_id.';
comment on column calls_reconciled.call_id is 'Call.';
comment on column calls_reconciled.run_id is 'Run that made it.';
comment on column calls_reconciled.document_sha256 is 'Document; NULL for calls that belong to none.';
comment on column calls_reconciled.model is 'Model asked.';
comment on column calls_reconciled.is_simulated is 'Simulated and real money never share a row.';
comment on column calls_reconciled.started_at is 'When it was sent, UTC.';
comment on column calls_reconciled.is_billed is 'Whether it was billed.';
comment on column calls_reconciled.calls_together is 'Calls that share the proof.';
comment on column calls_reconciled.cost_usd is 'USD; NULL when it was not billed.';
comment on column calls_reconciled.cost_upper_usd is 'USD that it could have cost at most.';
comment on column calls_reconciled.source is 'Address or file that the usage is from.';
comment on column calls_reconciled.sentence is 'What proves it.';
comment on column calls_reconciled.reconciled_at is 'When, UTC.';
