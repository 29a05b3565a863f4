-- estimate_vs_bill: how good were the estimates?   Reads calls_finished.   One row a (run_id, model, input_mode, is_simulated).
create or replace view estimate_vs_bill as
select run_id, model, input_mode, is_simulated, count(*) as calls, sum(estimated_input_tokens) as estimated_input_tokens, sum(input_tokens) as input_tokens,
       sum(estimate_usd) as estimate_usd, sum(cost_usd) as cost_usd,
       median(abs(estimated_input_tokens - input_tokens) / nullif(input_tokens, 0)) as median_error,
       quantile_cont(abs(estimated_input_tokens - input_tokens) / nullif(input_tokens, 0), 0.95) as p95_error
from calls_finished where status = 'answered' and estimated_input_tokens is not null and input_tokens is not null group by all;
comment on view estimate_vs_bill is 'Estimates before the calls beside what was billed. Grain: run_id, model, input_mode, is_simulated.';
comment on column estimate_vs_bill.run_id is 'Run.';
comment on column estimate_vs_bill.model is 'Model asked.';
comment on column estimate_vs_bill.input_mode is 'text, file-low or file-high.';
comment on column estimate_vs_bill.is_simulated is 'Whether the calls were simulated.';
comment on column estimate_vs_bill.calls is 'Answered calls with an estimate.';
comment on column estimate_vs_bill.estimated_input_tokens is 'Input tokens estimated.';
comment on column estimate_vs_bill.input_tokens is 'Input tokens billed.';
comment on column estimate_vs_bill.estimate_usd is 'USD estimated.';
comment on column estimate_vs_bill.cost_usd is 'USD billed.';
comment on column estimate_vs_bill.median_error is 'Median of the relative error of a call''s input tokens.';
comment on column estimate_vs_bill.p95_error is '95th percentile of the same.';

-- estimate_error: how far are estimates of input tokens from the bill, by rules alone and with what was learned?   Reads calls_finished.   One row a (model, input_mode, confidence, is_simulated).
create or replace view estimate_error as
select model, input_mode, estimate_confidence as confidence, is_simulated, count(*) as calls,
       median(abs(rule_input_tokens - input_tokens) / nullif(input_tokens, 0)) as rules_median_error,
       quantile_cont(abs(rule_input_tokens - input_tokens) / nullif(input_tokens, 0), 0.95) as rules_p95_error,
       median(abs(estimated_input_tokens - input_tokens) / nullif(input_tokens, 0)) as median_error,
       quantile_cont(abs(estimated_input_tokens - input_tokens) / nullif(input_tokens, 0), 0.95) as p95_error,
       avg((estimated_input_tokens - input_tokens) / nullif(input_tokens, 0)) as signed_error,
       avg(cast(abs(estimated_input_tokens - input_tokens) <= 0.1 * input_tokens as integer)) as share_within_tenth
from calls_finished where status = 'answered' and rule_input_tokens is not null and input_tokens is not null and purpose = 'extract' group by all;
comment on view estimate_error is 'Error of the estimates of input tokens, of each call as it was made. Grain: model, input_mode, confidence, is_simulated.';
comment on column estimate_error.model is 'Model asked.';
comment on column estimate_error.input_mode is 'text, file-low or file-high.';
comment on column estimate_error.confidence is 'high: the text was counted before the call; medium: only the pages.';
comment on column estimate_error.is_simulated is 'Whether the calls were simulated.';
comment on column estimate_error.calls is 'Answered calls about a document.';
comment on column estimate_error.rules_median_error is 'Median of the relative error of the published rules alone.';
comment on column estimate_error.rules_p95_error is '95th percentile of the same.';
comment on column estimate_error.median_error is 'Median of the relative error of the estimate, with what had been learned by then.';
comment on column estimate_error.p95_error is '95th percentile of the same.';
comment on column estimate_error.signed_error is 'Mean of the relative error with its sign; positive: estimated too high.';
comment on column estimate_error.share_within_tenth is 'Share of calls whose estimate lies within 10 % of the bill, 0 to 1.';
