-- Steps of a run besides notebooks: commands, attempts, and what was skipped.

alter table notebook_runs add column step varchar;
alter table notebook_runs add column command varchar;
alter table notebook_runs add column attempt integer;
alter table notebook_runs add column exit_status integer;
alter table notebook_runs add column log varchar;
comment on table notebook_runs is 'Every attempt of every step of `autod run`, a notebook or a command.';
comment on column notebook_runs.notebook is 'Notebook; NULL for a command.';
comment on column notebook_runs.state is 'finished, unchanged, failed, timeout, interrupted or skipped.';
comment on column notebook_runs.error is 'Cell and error where it failed; why it was skipped.';
comment on column notebook_runs.step is 'Name of the step; NULL: that of the notebook.';
comment on column notebook_runs.command is 'Command of autoD with its options; NULL for a notebook.';
comment on column notebook_runs.attempt is 'Number of the attempt, from 1; NULL: 1.';
comment on column notebook_runs.exit_status is 'Exit status of this attempt, that of the runs it started included; NULL: not recorded.';
comment on column notebook_runs.log is 'What a command printed, relative to the runs folder.';
