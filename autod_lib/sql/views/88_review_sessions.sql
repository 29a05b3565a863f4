-- review_sessions: how long did reviews take, and what came of them?   Reads review_actions.   One row a (run_id, labeller).
-- An action that was taken back counts on neither side; its time was spent all the same.
create or replace view review_sessions as
with counted as (
    select *, case when is_undo then -1 else 1 end as times, coalesce(json_array_length(fields), 0) as labels from review_actions
)
select run_id, labeller, min(logged_at) as first_action_at, max(logged_at) as last_action_at, count(distinct document_sha256) as documents,
       count(distinct document_sha256) filter (where is_random) as documents_at_random,
       cast(coalesce(sum(times) filter (where action = 'accept'), 0) as bigint) as accepted, cast(coalesce(sum(times) filter (where action = 'skip'), 0) as bigint) as skipped,
       cast(coalesce(sum(times) filter (where action = 'correct'), 0) as bigint) as corrections, cast(sum(times * labels) as bigint) as labels,
       count(*) filter (where is_undo) as undone, sum(seconds) as seconds, sum(seconds) / count(distinct document_sha256) as seconds_a_document
from counted group by run_id, labeller;
comment on view review_sessions is 'Sessions of review. Grain: run_id, labeller.';
comment on column review_sessions.run_id is 'Run: the session.';
comment on column review_sessions.labeller is 'Who reviewed.';
comment on column review_sessions.first_action_at is 'First action, UTC.';
comment on column review_sessions.last_action_at is 'Last action, UTC.';
comment on column review_sessions.documents is 'Documents on which anything was done.';
comment on column review_sessions.documents_at_random is 'Of these, drawn at random among those that nobody was asked to look at.';
comment on column review_sessions.accepted is 'Documents whose remaining fields were accepted.';
comment on column review_sessions.skipped is 'Documents left as they were.';
comment on column review_sessions.corrections is 'Fields corrected.';
comment on column review_sessions.labels is 'Labels given and not taken back.';
comment on column review_sessions.undone is 'Actions taken back.';
comment on column review_sessions.seconds is 'Time spent, pauses at five minutes each, in seconds.';
comment on column review_sessions.seconds_a_document is 'seconds / documents.';
