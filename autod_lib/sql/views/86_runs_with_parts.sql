-- runs_with_parts: what did each run do and cost, with the runs that it started?   Reads runs_started, runs_finished, document_statuses, cost_by_run, run_steps.
-- One row a run that no other run started, and kind of money. A night is one such run: what its notebooks and commands read and paid is in its row.
create or replace view runs_with_parts as
with parts as (
    select part.run_id as part_id, coalesce(whole.run_id, part.run_id) as run_id
    from runs_started as part left join runs_started as whole on whole.run_id = part.parent_run_id
), statuses as (
    select parts.run_id, count(distinct document_sha256) as documents,
           count(distinct document_sha256) filter (where status in ('processed', 'needs_review')) as processed,
           count(distinct document_sha256) filter (where status = 'needs_review') as needs_review,
           count(distinct document_sha256) filter (where status in ('failed', 'rejected', 'quarantined')) as failed
    from document_statuses join parts on parts.part_id = document_statuses.run_id group by all
), money as (
    select parts.run_id, is_simulated, sum(calls)::bigint as calls, sum(cost_usd) as cost_usd, sum(calls_unpriced)::bigint as calls_unpriced,
           sum(calls_unsettled)::bigint as calls_unsettled, sum(unsettled_upper_usd) as unsettled_upper_usd
    from cost_by_run join parts on parts.part_id = cost_by_run.run_id group by all
), steps as (
    select run_id, count(*) as steps, count(*) filter (where state in ('failed', 'timeout', 'interrupted')) as steps_failed,
           count(*) filter (where state = 'skipped') as steps_skipped
    from run_steps group by all
), counted as (
    select run_id, count(*) - 1 as runs_started from parts group by all
)
select started.run_id, started.command, started.arguments ->> 'chain' as chain, coalesce(money.is_simulated, started.is_simulated) as is_simulated,
       started.logged_at as started_at, finished.logged_at as finished_at, finished.seconds, coalesce(finished.state, 'unfinished') as state,
       finished.exit_status, finished.reason, coalesce(steps, 0) as steps, coalesce(steps_failed, 0) as steps_failed,
       coalesce(steps_skipped, 0) as steps_skipped, runs_started,
       coalesce(documents, 0) as documents, coalesce(processed, 0) as processed, coalesce(needs_review, 0) as needs_review, coalesce(statuses.failed, 0) as failed,
       coalesce(calls, 0) as calls, cost_usd, coalesce(calls_unpriced, 0) as calls_unpriced, coalesce(calls_unsettled, 0) as calls_unsettled, unsettled_upper_usd
from runs_started as started join counted using (run_id) left join runs_finished as finished using (run_id) left join statuses using (run_id)
left join money using (run_id) left join steps using (run_id);
comment on view runs_with_parts is 'Runs that a person or a schedule started, each with the runs it started itself. Grain: run_id, is_simulated.';
comment on column runs_with_parts.run_id is 'Run.';
comment on column runs_with_parts.command is 'Command.';
comment on column runs_with_parts.chain is 'Name of the chain; NULL or empty without one.';
comment on column runs_with_parts.is_simulated is 'Whether its calls were simulated.';
comment on column runs_with_parts.started_at is 'Start, UTC.';
comment on column runs_with_parts.finished_at is 'End, UTC; NULL: it was killed or still runs.';
comment on column runs_with_parts.seconds is 'Duration in seconds.';
comment on column runs_with_parts.state is 'finished, stopped, failed, interrupted, or unfinished.';
comment on column runs_with_parts.exit_status is 'Exit status.';
comment on column runs_with_parts.reason is 'Why it stopped, or what failed.';
comment on column runs_with_parts.steps is 'Steps of a run of notebooks or of a chain.';
comment on column runs_with_parts.steps_failed is 'Of these, failed, out of time or interrupted.';
comment on column runs_with_parts.steps_skipped is 'Of these, skipped because a step before them failed.';
comment on column runs_with_parts.runs_started is 'Runs that it started.';
comment on column runs_with_parts.documents is 'Documents that got a status.';
comment on column runs_with_parts.processed is 'Of these, answered, those that need review included.';
comment on column runs_with_parts.needs_review is 'Of these, for a person to look at.';
comment on column runs_with_parts.failed is 'Failed, rejected and quarantined documents.';
comment on column runs_with_parts.calls is 'Calls.';
comment on column runs_with_parts.cost_usd is 'USD of the calls whose cost is known, DECIMAL.';
comment on column runs_with_parts.calls_unpriced is 'Answered calls without a known cost.';
comment on column runs_with_parts.calls_unsettled is 'Calls whose end nobody knows.';
comment on column runs_with_parts.unsettled_upper_usd is 'USD that these can have cost at most.';
