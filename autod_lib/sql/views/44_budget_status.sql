-- budget_status: how much of each budget is left?   Reads api_calls, runs_started.   One row a (period, is_simulated) that is going on: newest run, UTC day, UTC month.
-- What is left = budget − settled − upper bounds of unsettled calls. The budgets are those of the newest run that may pay.
create or replace view budget_status as
with newest as (
    select is_simulated, arg_max_null(run_id, logged_at) as run_id, arg_max_null(budget_run_usd, logged_at) as run_usd, arg_max_null(budget_day_usd, logged_at) as day_usd,
           arg_max_null(budget_month_usd, logged_at) as month_usd
    from runs_started where command = 'ingest' group by is_simulated
), today as (
    select cast(make_timestamp(epoch_us(now())) as date) as day
), calls as (
    select run_id, is_simulated, cast(make_timestamp(epoch_us(started_at)) as date) as day, cost_usd,
           case when status = 'unsettled' or (status = 'answered' and cost_usd is null) then cost_upper_usd end as open_usd
    from api_calls
), periods as (
    select 'run' as period, newest.is_simulated, newest.run_id as period_name, newest.run_usd as budget_usd, sum(cost_usd) as settled_usd, sum(open_usd) as open_usd
    from newest left join calls on calls.run_id = newest.run_id and calls.is_simulated = newest.is_simulated group by all
    union all
    select 'day', newest.is_simulated, cast(today.day as varchar), newest.day_usd, sum(cost_usd), sum(open_usd)
    from newest cross join today left join calls on calls.day = today.day and calls.is_simulated = newest.is_simulated group by all
    union all
    select 'month', newest.is_simulated, strftime(today.day, '%Y-%m'), newest.month_usd, sum(cost_usd), sum(open_usd)
    from newest cross join today left join calls on calls.day >= make_date(year(today.day), month(today.day), 1) and calls.is_simulated = newest.is_simulated
    group by all
)
select period, is_simulated, period_name, budget_usd, coalesce(settled_usd, 0) as settled_usd, coalesce(open_usd, 0) as open_usd,
       budget_usd - coalesce(settled_usd, 0) - coalesce(open_usd, 0) as left_usd
from periods;
comment on view budget_status is 'Budgets of the period that is going on. Grain: period, is_simulated.';
comment on column budget_status.period is 'run, day or month.';
comment on column budget_status.is_simulated is 'Budgets of simulated and real money are kept apart.';
comment on column budget_status.period_name is 'Run id, day or month.';
comment on column budget_status.budget_usd is 'USD allowed; NULL: no limit.';
comment on column budget_status.settled_usd is 'USD of the calls whose cost is known.';
comment on column budget_status.open_usd is 'USD that unsettled and unpriced calls can have cost at most.';
comment on column budget_status.left_usd is 'USD left; NULL without a limit.';
