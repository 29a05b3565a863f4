-- reconciliation: what lies between the ledger and the invoice, each day?   Reads reconciliation_steps.   One row a (day_utc, model, step, is_simulated).
-- Of each day the newest comparison counts. For every day the ledger and the steps add up to the invoice.
create or replace view reconciliation as
select day_utc, list_position(['ledger', 'other_keys', 'cost_unknown', 'unsettled', 'not_in_ledger', 'not_shown', 'tokens', 'service_tier', 'price', 'rounding',
                               'other_services', 'unexplained', 'invoice'], step) as place,
       model, step, is_simulated, calls, usd, sentence, source, run_id, logged_at as reconciled_at
from reconciliation_steps qualify run_id = max(run_id) over (partition by day_utc, is_simulated);
comment on view reconciliation is 'The ledger beside the invoice, by day. Grain: day_utc, model, step, is_simulated.';
comment on column reconciliation.day_utc is 'Day, UTC.';
comment on column reconciliation.place is 'Place of the step between the ledger, 1, and the invoice.';
comment on column reconciliation.model is 'Model; NULL: of all, or of none.';
comment on column reconciliation.step is 'ledger, invoice, or what explains a part of the difference.';
comment on column reconciliation.is_simulated is 'Simulated and real money never share a row.';
comment on column reconciliation.calls is 'Calls of the step; negative: in the ledger and not shown by the provider.';
comment on column reconciliation.usd is 'USD of the step.';
comment on column reconciliation.sentence is 'What explains it.';
comment on column reconciliation.source is 'Address or file that the invoice is from.';
comment on column reconciliation.run_id is 'Run of `autod reconcile`.';
comment on column reconciliation.reconciled_at is 'When, UTC.';

-- reconciliation_waterfall: which steps lead from the ledger to the invoice?   Reads reconciliation.   One row a (step, is_simulated), over all days compared.
create or replace view reconciliation_waterfall as
with sums as (
    select place, step, is_simulated, sum(calls) as calls, sum(usd) as usd, min(day_utc) as first_day, max(day_utc) as last_day from reconciliation group by all
), placed as (
    select *, sum(case when step = 'invoice' then 0 else usd end) over (partition by is_simulated order by place) as reached from sums
)
select place, step, is_simulated, cast(calls as bigint) as calls, cast(usd as decimal(24,12)) as usd,
       cast(case when step in ('ledger', 'invoice') then 0 else reached - usd end as decimal(24,12)) as from_usd, cast(reached as decimal(24,12)) as to_usd,
       first_day, last_day
from placed;
comment on view reconciliation_waterfall is 'From the ledger to the invoice, over all days compared. Grain: step, is_simulated.';
comment on column reconciliation_waterfall.place is 'Place of the step between the ledger, 1, and the invoice.';
comment on column reconciliation_waterfall.step is 'ledger, what explains a part of the difference, invoice.';
comment on column reconciliation_waterfall.is_simulated is 'Simulated and real money never share a row.';
comment on column reconciliation_waterfall.calls is 'Calls of the step.';
comment on column reconciliation_waterfall.usd is 'USD of the step.';
comment on column reconciliation_waterfall.from_usd is 'USD from which the step''s bar begins; 0 for the ledger and the invoice.';
comment on column reconciliation_waterfall.to_usd is 'USD that is reached with it.';
comment on column reconciliation_waterfall.first_day is 'First day with such a step, UTC.';
comment on column reconciliation_waterfall.last_day is 'Last day with such a step, UTC.';
