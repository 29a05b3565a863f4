-- calls_in_batches: which request is in which batch, and what became of it?   Reads calls_started, calls_finished, batch_events.   One row a call sent in a batch.
create or replace view calls_in_batches as
select started.call_id, batch_key, batches.batch_id, started.is_simulated, started.document_sha256, started.request_key, started.purpose, started.attempt,
       coalesce(finished.status, case when batches.is_open then 'open' else 'unsettled' end) as status, finished.outcome, finished.error_kind,
       batches.is_open and finished.call_id is null as is_open, started.logged_at as started_at, finished.finished_at
from calls_started as started
join (
    select batch_key, arg_max(batch_id, (logged_at, run_id, seq)) as batch_id, not bool_or(state in ('collected', 'gone')) as is_open
    from batch_events group by batch_key
) as batches using (batch_key)
left join calls_finished as finished using (batch_key, call_id);
comment on view calls_in_batches is 'Every call that is sent in a batch. Grain: call_id, which is the custom_id of its line.';
comment on column calls_in_batches.call_id is 'Call, and custom_id of its line.';
comment on column calls_in_batches.batch_key is 'Batch, by our own name.';
comment on column calls_in_batches.batch_id is 'Batch, by the provider''s name; NULL until it is created.';
comment on column calls_in_batches.is_simulated is 'Simulated and real money never share a row.';
comment on column calls_in_batches.document_sha256 is 'Document.';
comment on column calls_in_batches.request_key is 'Request.';
comment on column calls_in_batches.purpose is 'extract or repair.';
comment on column calls_in_batches.attempt is 'How often the request was in a batch, this time included.';
comment on column calls_in_batches.status is 'open, answered, failed (nothing billed) or unsettled (may have been billed).';
comment on column calls_in_batches.outcome is 'What the answer is; NULL while open.';
comment on column calls_in_batches.error_kind is 'Kind of error; NULL when there is none.';
comment on column calls_in_batches.is_open is 'Whether its answer is still to be collected.';
comment on column calls_in_batches.started_at is 'When it was recorded, before it was sent, UTC.';
comment on column calls_in_batches.finished_at is 'When its end was recorded, UTC; NULL while open.';
