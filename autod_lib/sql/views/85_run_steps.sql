-- run_steps: how did each step of a run end?   Reads notebook_runs.   One row a (run_id, step): its last attempt.
create or replace view run_steps as
select run_id, coalesce(step, notebook) as step, notebook, command, state, exit_status, error, logged_at as ended_at, seconds,
       sum(seconds) over attempts as seconds_in_all, count(*) over attempts as attempts, html, executed, log, parameters, seq
from notebook_runs
window attempts as (partition by run_id, coalesce(step, notebook))
qualify row_number() over (partition by run_id, coalesce(step, notebook) order by seq desc) = 1;
comment on view run_steps is 'Steps of the runs of notebooks and chains. Grain: run_id, step.';
comment on column run_steps.run_id is 'Run of `autod run`.';
comment on column run_steps.step is 'Name of the step.';
comment on column run_steps.notebook is 'Notebook; NULL for a command.';
comment on column run_steps.command is 'Command of autoD; NULL for a notebook.';
comment on column run_steps.state is 'State of the last attempt: finished, unchanged, failed, timeout, interrupted or skipped.';
comment on column run_steps.exit_status is 'Exit status of the last attempt; NULL: not recorded.';
comment on column run_steps.error is 'Cell and error where it failed; why it was skipped.';
comment on column run_steps.ended_at is 'End of the last attempt, UTC.';
comment on column run_steps.seconds is 'Duration of the last attempt in seconds.';
comment on column run_steps.seconds_in_all is 'Duration of all attempts in seconds, without the waits between them.';
comment on column run_steps.attempts is 'Attempts.';
comment on column run_steps.html is 'Rendered page, relative to the runs folder.';
comment on column run_steps.executed is 'Executed copy, relative to the runs folder.';
comment on column run_steps.log is 'What a command printed, relative to the runs folder.';
comment on column run_steps.parameters is 'Parameters given.';
comment on column run_steps.seq is 'Place of the event in its segment.';
