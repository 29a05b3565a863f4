-- runs_overview: what ran, how did it end, what did it cost?   Reads runs_started, runs_finished, cost_by_run, document_statuses.   One row a run and kind of money.
-- Nearly always that is one row a run: only a gateway that simulates some answers makes it two, and then their money is not added.
create or replace view runs_overview as
with statuses as (
    select run_id, count(distinct document_sha256) as documents, count(distinct document_sha256) filter (where status in ('processed', 'needs_review')) as processed,
           count(distinct document_sha256) filter (where status = 'needs_review') as needs_review,
           count(distinct document_sha256) filter (where status in ('failed', 'rejected', 'quarantined')) as failed
    from document_statuses group by run_id
), money as (
    select run_id, is_simulated, calls, cost_usd, calls_unpriced, calls_unsettled, unsettled_upper_usd from cost_by_run
)
select started.run_id, started.command, started.notebook, started.parent_run_id, started.environment, started.version,
       coalesce(money.is_simulated, started.is_simulated) as is_simulated,
       started.logged_at as started_at, finished.logged_at as finished_at, finished.seconds,
       coalesce(finished.state, 'unfinished') as state, finished.exit_status, finished.reason,
       coalesce(statuses.documents, 0) as documents, coalesce(statuses.processed, 0) as processed, coalesce(statuses.needs_review, 0) as needs_review,
       coalesce(statuses.failed, 0) as failed, coalesce(money.calls, 0) as calls, money.cost_usd, coalesce(money.calls_unpriced, 0) as calls_unpriced, coalesce(money.calls_unsettled, 0) as calls_unsettled,
       money.unsettled_upper_usd, started.arguments, started.settings, finished.summary
from runs_started as started left join runs_finished as finished using (run_id) left join statuses using (run_id) left join money using (run_id);
comment on view runs_overview is 'Every run. Grain: run_id, is_simulated.';
comment on column runs_overview.run_id is 'Run.';
comment on column runs_overview.command is 'Command.';
comment on column runs_overview.notebook is 'Notebook executed, if any.';
comment on column runs_overview.parent_run_id is 'Run that started it, if any.';
comment on column runs_overview.environment is 'Name of the installation.';
comment on column runs_overview.version is 'Version of autoD.';
comment on column runs_overview.is_simulated is 'Whether its calls were simulated.';
comment on column runs_overview.started_at is 'Start, UTC.';
comment on column runs_overview.finished_at is 'End, UTC; NULL: it was killed or still runs.';
comment on column runs_overview.seconds is 'Duration in seconds.';
comment on column runs_overview.state is 'finished, stopped, failed, interrupted, or unfinished.';
comment on column runs_overview.exit_status is 'Exit status.';
comment on column runs_overview.reason is 'Why it stopped.';
comment on column runs_overview.documents is 'Documents that got a status.';
comment on column runs_overview.processed is 'Of these, answered, those that need review included.';
comment on column runs_overview.needs_review is 'Of these, for a person to look at.';
comment on column runs_overview.failed is 'Failed, rejected and quarantined documents.';
comment on column runs_overview.calls is 'Calls.';
comment on column runs_overview.cost_usd is 'USD, DECIMAL.';
comment on column runs_overview.calls_unpriced is 'Answered calls without a known cost.';
comment on column runs_overview.calls_unsettled is 'Calls whose end nobody knows.';
comment on column runs_overview.unsettled_upper_usd is 'USD that these can have cost at most.';
comment on column runs_overview.arguments is 'Arguments as given.';
comment on column runs_overview.settings is 'Settings as text, the key left out.';
comment on column runs_overview.summary is 'What the command reported.';
