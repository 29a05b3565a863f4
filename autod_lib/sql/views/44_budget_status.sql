-- budget_taken: what has each run taken of the budgets, by the UTC day of sending?   Reads api_calls.   One row a (run_id, day_utc, is_simulated) with a call.
-- A call whose cost is not known takes its upper bound, whether it was cut off, is still open (in a batch, or in flight) or was answered without a price; a failed one
-- takes nothing. This is the only definition of what a budget counts: runs read it before their first call, and budget_status sums it.
create or replace view budget_taken as
select run_id, cast(make_timestamp(epoch_us(started_at)) as date) as day_utc, is_simulated,
       coalesce(sum(cost_usd), 0) as settled_usd,
       coalesce(sum(cost_upper_usd) filter (where cost_usd is null and status <> 'failed'), 0) as open_usd
from api_calls group by all;
comment on view budget_taken is 'What calls have taken of the budgets. Grain: run_id, day_utc, is_simulated.';
comment on column budget_taken.run_id is 'Run that made the calls.';
comment on column budget_taken.day_utc is 'Day on which they were sent, UTC.';
comment on column budget_taken.is_simulated is 'Budgets of simulated and real money are kept apart.';
comment on column budget_taken.settled_usd is 'USD of the calls whose cost is known.';
comment on column budget_taken.open_usd is 'USD that calls without a known cost can have cost at most: unsettled, open or unpriced ones.';

-- budget_status: how much of each budget is left?   Reads budget_taken, runs_started.   One row a (period, is_simulated) that is going on: newest run, UTC day, UTC month.
-- What is left = budget − settled − open. The budgets are those of the newest run that may pay. A period is counted from its beginning on, calls dated in the future
-- included: a clock that went back makes a budget tighter, never wider.
create or replace view budget_status as
with newest as (
    select is_simulated, arg_max_null(run_id, logged_at) as run_id, arg_max_null(budget_run_usd, logged_at) as run_usd, arg_max_null(budget_day_usd, logged_at) as day_usd,
           arg_max_null(budget_month_usd, logged_at) as month_usd
    from runs_started where command = 'ingest' or starts_with(command, 'batch') group by is_simulated
), today as (
    select cast(make_timestamp(epoch_us(now())) as date) as day
), periods as (
    select 'run' as period, is_simulated, run_id as period_name, run_usd as budget_usd, run_id, date '0001-01-01' as first_day from newest
    union all
    select 'day', is_simulated, cast(today.day as varchar), day_usd, null, today.day from newest cross join today
    union all
    select 'month', is_simulated, strftime(today.day, '%Y-%m'), month_usd, null, make_date(year(today.day), month(today.day), 1) from newest cross join today
)
select period, periods.is_simulated, period_name, any_value(budget_usd) as budget_usd, coalesce(sum(taken.settled_usd), 0) as settled_usd,
       coalesce(sum(taken.open_usd), 0) as open_usd,
       any_value(budget_usd) - coalesce(sum(taken.settled_usd), 0) - coalesce(sum(taken.open_usd), 0) as left_usd
from periods left join budget_taken as taken
  on taken.is_simulated = periods.is_simulated and taken.day_utc >= periods.first_day and taken.run_id = coalesce(periods.run_id, taken.run_id)
group by period, periods.is_simulated, period_name;
comment on view budget_status is 'Budgets of the period that is going on. Grain: period, is_simulated.';
comment on column budget_status.period is 'run, day or month.';
comment on column budget_status.is_simulated is 'Budgets of simulated and real money are kept apart.';
comment on column budget_status.period_name is 'Run id, day or month.';
comment on column budget_status.budget_usd is 'USD allowed; NULL: no limit.';
comment on column budget_status.settled_usd is 'USD of the calls whose cost is known.';
comment on column budget_status.open_usd is 'USD that calls without a known cost can have cost at most: unsettled, open or unpriced ones.';
comment on column budget_status.left_usd is 'USD left; NULL without a limit.';
