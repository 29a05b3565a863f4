-- measures: what a monitoring system asks of the record, one row a number.   Reads the views that each line names.   One row a (name, labels).
-- Counters only grow; gauges are as it stands. `autod metrics` adds what no record holds: sizes of files, the disk, and the health of the parts.
create or replace view measures as
with calls as materialized (
    select status, is_simulated, model, uncached_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_usd from api_calls
), windows as materialized (
    from calls_by_window
), waiting as materialized (
    from backlog
), budgets as materialized (
    select period, is_simulated, budget_usd, left_usd from budget_status where budget_usd is not null
), outages as materialized (
    select state, is_simulated, away_s from api_outages
), runs as materialized (
    select run_id, command, coalesce(chain, '') as chain, started_at, seconds, exit_status from runs_with_parts
    where command in ('ingest', 'run') or starts_with(command, 'batch')
), newest_runs as materialized (
    from runs qualify row_number() over (partition by command, chain order by started_at desc, run_id desc) = 1
), breaker as (
    select arg_max(state, (logged_at, run_id, seq)) as state from breaker_changes where run_id = (select max(run_id) from runs_started where command = 'ingest')
)
          select 'autod_calls' as name, 'counter' as kind, 'Calls to the API, by how they ended.' as help,
                 json_object('status', status, 'simulated', is_simulated) as labels, count(*)::double as value from calls group by status, is_simulated
union all select 'autod_retries', 'counter', 'Further attempts at the same request within a run.', json_object('simulated', is_simulated),
                 calls_repeated from windows where window_name = 'all'
union all select 'autod_errors', 'counter', 'Calls in which something went wrong, by kind.', json_object('kind', error_kind, 'simulated', is_simulated),
                 sum(calls) from errors_by_kind group by error_kind, is_simulated
union all select 'autod_tokens', 'counter', 'Tokens by kind; input is uncached, cached and written.', json_object('kind', kind, 'simulated', is_simulated),
                 sum(tokens) from (unpivot (select is_simulated, uncached_tokens as uncached, cached_tokens as cached, cache_write_tokens as written,
                                                   output_tokens as output, reasoning_tokens as reasoning from calls)
                                   on uncached, cached, written, output, reasoning into name kind value tokens) group by kind, is_simulated
union all select 'autod_cost_usd', 'counter', 'USD of the calls whose cost is known, by model; exact in the view cost_by_model.',
                 json_object('model', model, 'simulated', is_simulated), sum(cost_usd) from calls where cost_usd is not null group by model, is_simulated
union all select 'autod_calls_unpriced', 'counter', 'Answered calls without a known cost.', json_object('simulated', is_simulated),
                 calls_unpriced from windows where window_name = 'all'
union all select 'autod_outages', 'counter', 'Outages of the API, by how they stand.', json_object('state', state, 'simulated', is_simulated),
                 count(*) from outages group by state, is_simulated
union all select 'autod_api_away_seconds', 'counter', 'Seconds that runs waited for the API to come back.', json_object('simulated', is_simulated),
                 sum(away_s) from outages group by is_simulated
union all select 'autod_alerts', 'counter', 'Alerts raised.', json_object('component', component, 'severity', severity), count(*) from alerts group by component, severity
union all select 'autod_runs', 'counter', 'Runs by how they ended.', json_object('command', command, 'state', state), count(*)
          from (select command, coalesce(state, 'unfinished') as state from runs_started left join runs_finished using (run_id)) group by command, state
union all select 'autod_quarantined_lines', 'counter', 'Lines of the journal that are no events.', json_object(), count(*) from quarantined_lines
union all select 'autod_documents', 'gauge', 'Documents by status.', json_object('status', processing_status), count(*) from documents group by processing_status
union all select 'autod_backlog_documents', 'gauge', 'Pending documents.', json_object(), documents from waiting
union all select 'autod_backlog_oldest_timestamp_seconds', 'gauge', 'When the oldest pending document was seen first, Unix time.', json_object(),
                 epoch(oldest_at) from waiting where oldest_at is not null
union all select 'autod_batches_open', 'gauge', 'Batches that are not collected.', json_object(), open_batches from waiting
union all select 'autod_unsettled_calls', 'gauge', 'Calls whose end nobody knows.', json_object('simulated', is_simulated),
                 calls_unsettled from windows where window_name = 'all'
union all select 'autod_unsettled_usd', 'gauge', 'USD that the unsettled calls can have cost at most.', json_object('simulated', is_simulated),
                 coalesce(unsettled_upper_usd, 0) from windows where window_name = 'all'
union all select 'autod_budget_usd', 'gauge', 'Budget of the period that is going on.', json_object('period', period, 'simulated', is_simulated),
                 budget_usd from budgets
union all select 'autod_budget_left_usd', 'gauge', 'What is left of it: budget less settled and open calls.', json_object('period', period, 'simulated', is_simulated),
                 left_usd from budgets
union all select 'autod_breaker_open', 'gauge', 'Whether the newest ingest had the API for away at last: 1 open, half-open or given up, 0 closed.', json_object(),
                 (coalesce(state, 'closed') <> 'closed')::integer from breaker
union all select 'autod_calls_at_once', 'gauge', 'Calls at once that the newest ingest was let make at last.', json_object(),
                 calls_at_once from rate_by_run where run_id = (select max(run_id) from runs_started where command = 'ingest')
union all select 'autod_window_calls', 'gauge', 'Calls of the windows that end now.', json_object('window', window_name, 'simulated', is_simulated), calls
          from windows where window_name <> 'all'
union all select 'autod_window_failed_share', 'gauge', 'Share of these calls that brought no answer, 0 to 1.',
                 json_object('window', window_name, 'simulated', is_simulated), share_failed
          from windows where window_name <> 'all' and share_failed is not null
union all select 'autod_window_cached_share', 'gauge', 'Share of their input read from the prompt cache, 0 to 1.',
                 json_object('window', window_name, 'simulated', is_simulated), share_cached
          from windows where window_name <> 'all' and share_cached is not null
union all select 'autod_window_latency_seconds', 'gauge', 'Latency of their answers, by quantile.',
                 json_object('window', window_name, 'quantile', quantile, 'simulated', is_simulated), ms / 1000
          from (unpivot (select window_name, is_simulated, p50_ms as "0.5", p95_ms as "0.95", p99_ms as "0.99" from windows where window_name <> 'all')
                on "0.5", "0.95", "0.99" into name quantile value ms)
union all select 'autod_last_run_timestamp_seconds', 'gauge', 'When the newest run of its kind began, Unix time.',
                 json_object('command', command, 'chain', chain), epoch(started_at) from newest_runs
union all select 'autod_last_run_seconds', 'gauge', 'How long it took.', json_object('command', command, 'chain', chain), seconds
          from newest_runs where seconds is not null
union all select 'autod_last_run_exit_status', 'gauge', 'Exit status of the newest run of its kind that has ended.', json_object('command', command, 'chain', chain),
                 arg_max(exit_status, (started_at, run_id)) from runs where exit_status is not null group by command, chain
union all select 'autod_remote_objects', 'gauge', 'Files and vector stores at the provider, by the record.', json_object('kind', object_kind, 'simulated', is_simulated),
                 count(*) from remote_objects_held group by object_kind, is_simulated;
comment on view measures is 'Numbers for a monitoring system. Grain: name, labels.';
comment on column measures.name is 'Name of the metric, its unit at its end.';
comment on column measures.kind is 'counter (only grows) or gauge (as it stands).';
comment on column measures.help is 'What it is.';
comment on column measures.labels is 'Labels as a JSON object.';
comment on column measures.value is 'Value as a floating number: money is exact in the views of costs.';
