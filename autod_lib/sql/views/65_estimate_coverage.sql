-- estimate_by_run: what was each run expected to cost, and what did it?   Reads forecasts, cost_by_run, runs_finished.   One row a (run_id, is_simulated) with a forecast.
-- A run that was stopped, or whose calls are not all settled and priced, has no bill to compare: is_within is NULL.
create or replace view estimate_by_run as
with chosen as (
    select * from forecasts where is_chosen
), compared as (
    select chosen.run_id, chosen.is_simulated, basis, model, tier, input_mode, chosen.logged_at, chosen.documents, documents_seen, expected_usd, low_usd, high_usd,
           upper_usd, spread, coalesce(money.calls, 0) as calls, money.cost_usd, coalesce(money.calls_unpriced, 0) as calls_unpriced, coalesce(money.calls_unsettled, 0) as calls_unsettled, money.unsettled_upper_usd,
           finished.state = 'finished' and coalesce(money.calls_unsettled, 0) = 0 and coalesce(money.calls_unpriced, 0) = 0 and expected_usd is not null
               and money.cost_usd is not null as is_comparable
    from chosen left join cost_by_run as money on money.run_id = chosen.run_id and money.is_simulated = chosen.is_simulated
    left join runs_finished as finished on finished.run_id = chosen.run_id
)
select *, case when is_comparable then cost_usd between low_usd and high_usd end as is_within,
       case when is_comparable and cost_usd > 0 and expected_usd > 0 then cast(cost_usd as double) / cast(expected_usd as double) end as bill_ratio,
       case when is_comparable and cost_usd > 0 and expected_usd > 0 and spread > 0 then abs(ln(cast(cost_usd as double) / cast(expected_usd as double))) / spread end as distance
from compared;
comment on view estimate_by_run is 'The forecast of each run beside its bill. Grain: run_id, is_simulated.';
comment on column estimate_by_run.run_id is 'Run.';
comment on column estimate_by_run.is_simulated is 'Whether its calls were simulated.';
comment on column estimate_by_run.basis is 'read: the documents had been read and counted; size: only files and sizes were known.';
comment on column estimate_by_run.model is 'Model.';
comment on column estimate_by_run.tier is 'sync, flex or batch.';
comment on column estimate_by_run.input_mode is 'Input mode as asked.';
comment on column estimate_by_run.logged_at is 'When it was forecast, UTC.';
comment on column estimate_by_run.documents is 'Documents that were to be asked.';
comment on column estimate_by_run.documents_seen is 'Documents of the ledger that the interval was made from; 0: the wide one before any was seen.';
comment on column estimate_by_run.expected_usd is 'USD expected; NULL without a price.';
comment on column estimate_by_run.low_usd is 'Lower end of the 80 % interval, USD.';
comment on column estimate_by_run.high_usd is 'Upper end of the 80 % interval, USD.';
comment on column estimate_by_run.upper_usd is 'USD that it could cost at most.';
comment on column estimate_by_run.spread is 'Standard deviation of the logarithm that the interval was made from.';
comment on column estimate_by_run.calls is 'Calls made.';
comment on column estimate_by_run.calls_unpriced is 'Answered calls without a known cost.';
comment on column estimate_by_run.cost_usd is 'USD billed, DECIMAL.';
comment on column estimate_by_run.calls_unsettled is 'Calls whose end nobody knows.';
comment on column estimate_by_run.unsettled_upper_usd is 'USD that these can have cost at most.';
comment on column estimate_by_run.is_comparable is 'Whether the run did all that was forecast and its bill is known.';
comment on column estimate_by_run.is_within is 'Whether the bill lies in the interval; NULL where it cannot be compared.';
comment on column estimate_by_run.bill_ratio is 'Bill over forecast.';
comment on column estimate_by_run.distance is 'Logarithm of the same, without its sign, in spreads: how wide the interval would have had to be.';

-- estimate_coverage: does an interval of 80 % hold the bill in four of five runs?   Reads estimate_by_run.   One row a (is_simulated, basis, input_mode, has_seen).
-- The width that later intervals take is the 80th percentile of the distances of the last 50 runs.
create or replace view estimate_coverage as
with newest as (
    select *, documents_seen > 0 as has_seen, row_number() over (partition by is_simulated, basis, input_mode, documents_seen > 0 order by logged_at desc, run_id) as place
    from estimate_by_run where is_within is not null
)
select is_simulated, basis, input_mode, has_seen, count(*) as runs, count(*) filter (where is_within) as runs_within, avg(cast(is_within as integer)) as share_within,
       wilson_low(runs_within, runs) as share_low, wilson_high(runs_within, runs) as share_high, 0.8 as share_promised,
       median(abs(bill_ratio - 1)) as median_error, quantile_cont(abs(bill_ratio - 1), 0.95) as p95_error,
       count(distance) filter (where place <= 50) as runs_of_width, quantile_cont(distance, 0.8) filter (where place <= 50) as width
from newest group by is_simulated, basis, input_mode, has_seen;
comment on view estimate_coverage is 'How often the interval of a forecast held the bill. Grain: is_simulated, basis, input_mode, has_seen.';
comment on column estimate_coverage.is_simulated is 'Whether the calls were simulated.';
comment on column estimate_coverage.basis is 'read: the documents had been read and counted; size: only files and sizes were known.';
comment on column estimate_coverage.input_mode is 'Input mode as asked: auto, text, file-low or file-high.';
comment on column estimate_coverage.has_seen is 'Whether the interval was made from documents of the ledger; false: the wide one before any was seen.';
comment on column estimate_coverage.runs is 'Runs whose bill can be compared.';
comment on column estimate_coverage.runs_within is 'Of these, runs whose bill lay in the interval.';
comment on column estimate_coverage.share_within is 'Share of them, 0 to 1.';
comment on column estimate_coverage.share_low is 'Lower end of the 95 % interval of that share (Wilson).';
comment on column estimate_coverage.share_high is 'Upper end of the same.';
comment on column estimate_coverage.share_promised is 'What the interval promises, 0 to 1.';
comment on column estimate_coverage.median_error is 'Median of the relative error of a run''s forecast.';
comment on column estimate_coverage.p95_error is '95th percentile of the same.';
comment on column estimate_coverage.runs_of_width is 'Of the last 50 runs, those that the width is made from.';
comment on column estimate_coverage.width is '80th percentile of the distances of the last 50 runs, in spreads: what later intervals are as wide as.';
