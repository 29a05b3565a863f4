-- latency_by_hour: how long do answers take?   Reads calls_finished.   One row a (hour_utc, model, is_simulated).
create or replace view latency_by_hour as
select make_timestamp((epoch_us(finished_at) // 3600000000) * 3600000000) as hour_utc, model, is_simulated, count(*) as calls,
       quantile_cont(latency_ms, 0.5) as p50_ms, quantile_cont(latency_ms, 0.95) as p95_ms, quantile_cont(latency_ms, 0.99) as p99_ms, max(latency_ms) as max_ms
from calls_finished where status = 'answered' group by all;
comment on view latency_by_hour is 'Latency of answered calls. Grain: hour_utc, model, is_simulated.';
comment on column latency_by_hour.hour_utc is 'Hour in which the calls finished, UTC.';
comment on column latency_by_hour.model is 'Model asked.';
comment on column latency_by_hour.is_simulated is 'Whether the calls were simulated.';
comment on column latency_by_hour.calls is 'Answered calls.';
comment on column latency_by_hour.p50_ms is 'Median, milliseconds.';
comment on column latency_by_hour.p95_ms is '95th percentile, milliseconds.';
comment on column latency_by_hour.p99_ms is '99th percentile, milliseconds.';
comment on column latency_by_hour.max_ms is 'Longest, milliseconds.';
