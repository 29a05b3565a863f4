-- Calls that are sent in a batch, and what becomes of each batch.

alter table calls_started add column batch_key varchar;
alter table calls_started add column answers_key varchar;
comment on column calls_started.batch_key is 'Batch that it is sent in, by our own name; NULL for a call made by itself.';
comment on column calls_started.answers_key is 'Request key that its answer is for: its own, or that of the request it repeats; NULL for a call made by itself.';

alter table calls_finished add column batch_key varchar;
comment on column calls_finished.batch_key is 'As in calls_started. Such a call is started in one run and, as a rule, finished in another.';

create table batch_events (
    run_id varchar, seq bigint, logged_at timestamptz, batch_key varchar, state varchar, batch_id varchar, file_id varchar, model varchar, requests bigint,
    bytes bigint, is_simulated boolean, base_url varchar, setup json, remote_status varchar, completed bigint, failed bigint, reason varchar
);
comment on table batch_events is 'Every step of every batch, written before the next is taken.';
comment on column batch_events.run_id is 'Run.';
comment on column batch_events.seq is 'Place of the event in its segment.';
comment on column batch_events.logged_at is 'When, UTC.';
comment on column batch_events.batch_key is 'Batch, by our own name, which the provider keeps as its metadata.';
comment on column batch_events.state is 'intended, uploaded, created, seen (its status at the provider changed), collected or gone.';
comment on column batch_events.batch_id is 'Batch, by the provider''s name; known from created on.';
comment on column batch_events.file_id is 'Its file of requests at the provider; known from uploaded on.';
comment on column batch_events.model is 'Model asked.';
comment on column batch_events.requests is 'Requests in it.';
comment on column batch_events.bytes is 'Size of its file.';
comment on column batch_events.is_simulated is 'Whether the API is simulated.';
comment on column batch_events.base_url is 'Address of the API that it was sent to.';
comment on column batch_events.setup is 'The settings that its answers are to be read by.';
comment on column batch_events.remote_status is 'Its status at the provider: validating, in_progress, finalizing, completed, failed, expired, cancelling, cancelled.';
comment on column batch_events.completed is 'Requests that were answered, as the provider counts them.';
comment on column batch_events.failed is 'Requests that failed, as the provider counts them.';
comment on column batch_events.reason is 'What is to be known besides, in a sentence.';
