-- estimate_residuals: by how much did answers differ from the rules?   Reads calls_finished.   One row a (run_id, document_sha256, model, input_mode, …).
-- Of the newest ten thousand calls, so that it stays quick. A unit is what the unknown part grows with: the pages where they are sent as images, else the document.
create or replace view estimate_residuals as
with newest as (
    select run_id, seq from calls_finished where rule_input_tokens is not null and document_sha256 is not null order by run_id desc, seq desc limit 10000
), recent as materialized (
    from calls_finished semi join newest using (run_id, seq)
), asked as (
    select run_id, document_sha256, model, input_mode, max(estimate_confidence) as confidence, reasoning_effort, schema_version, is_simulated,
           min_by(struct_pack(logged_at, rule_input_tokens, estimated_pages, prefix_tokens, input_tokens, estimated_input_tokens, output_tokens, price_rates, input_rate,
                  cached := coalesce(expected_cached_tokens, 0), written := coalesce(expected_write_tokens, 0)), seq)
               filter (where purpose = 'extract' and status = 'answered' and outcome = 'completed' and rule_input_tokens is not null and cost_usd is not null) as first,
           sum(cost_usd) as billed_usd, bool_and(status = 'failed' or cost_usd is not null) as is_settled
    from recent group by run_id, document_sha256, model, input_mode, reasoning_effort, schema_version, is_simulated
)
select run_id, document_sha256, model, input_mode, confidence, reasoning_effort, schema_version, is_simulated, first.logged_at as logged_at,
       case when input_mode = 'text' then 1 else greatest(coalesce(first.estimated_pages, 1), 1) end as units,
       first.rule_input_tokens as rule_input_tokens, first.estimated_input_tokens as estimated_input_tokens, first.input_tokens as input_tokens, first.prefix_tokens as prefix_tokens,
       first.output_tokens as output_tokens, first.cached as expected_cached_tokens, first.written as expected_write_tokens,
       cast(first.input_rate as double) as input_rate, cast(first.price_rates ->> 'cached' as double) as cached_rate,
       cast(first.price_rates ->> 'written' as double) as written_rate, cast(first.price_rates ->> 'output' as double) as output_rate,
       case when is_settled then billed_usd end as billed_usd
from asked where first is not null;
comment on view estimate_residuals is 'Documents as estimated by rules and as billed. Grain: run_id, document_sha256, model, input_mode, reasoning_effort, schema_version, is_simulated.';
comment on column estimate_residuals.run_id is 'Run.';
comment on column estimate_residuals.document_sha256 is 'Document.';
comment on column estimate_residuals.model is 'Model asked.';
comment on column estimate_residuals.input_mode is 'text, file-low or file-high.';
comment on column estimate_residuals.confidence is 'high: the text was counted before the call; medium: only the pages.';
comment on column estimate_residuals.reasoning_effort is 'Effort asked.';
comment on column estimate_residuals.schema_version is 'Version of the record.';
comment on column estimate_residuals.is_simulated is 'Whether the calls were simulated.';
comment on column estimate_residuals.logged_at is 'End of the first answered call, UTC.';
comment on column estimate_residuals.units is 'Pages where they are sent as images, else 1.';
comment on column estimate_residuals.rule_input_tokens is 'Input tokens of that call by the published rules.';
comment on column estimate_residuals.estimated_input_tokens is 'Input tokens as estimated then, with what had been learned.';
comment on column estimate_residuals.input_tokens is 'Input tokens billed.';
comment on column estimate_residuals.prefix_tokens is 'Of these, tokens of the static prefix as counted before the call.';
comment on column estimate_residuals.output_tokens is 'Output tokens billed.';
comment on column estimate_residuals.expected_cached_tokens is 'Tokens that it was expected to read from the cache.';
comment on column estimate_residuals.expected_write_tokens is 'Tokens that it was expected to write.';
comment on column estimate_residuals.input_rate is 'USD a million uncached input tokens.';
comment on column estimate_residuals.cached_rate is 'USD a million tokens read.';
comment on column estimate_residuals.written_rate is 'USD a million tokens written.';
comment on column estimate_residuals.output_rate is 'USD a million output tokens.';
comment on column estimate_residuals.billed_usd is 'USD of all calls of the document in the run, repairs and further attempts included; NULL while one of them is not settled.';

-- estimate_calibration: what do later estimates take from what was billed?   Reads estimate_residuals.   One row a (model, input_mode, confidence, reasoning_effort, schema_version, is_simulated).
-- Middle and 80 % of the tokens a unit by which answers differed from the rules, usual answers, and how far bills lie from what would be expected today.
create or replace view estimate_calibration as
with residuals as materialized (
    from estimate_residuals
), grain as (
    select model, input_mode, confidence, reasoning_effort, schema_version, is_simulated, count(*) as documents, count(distinct run_id) as runs,
           quantile_cont((input_tokens - rule_input_tokens) / units, [0.1, 0.5, 0.9]) as unit_tokens, avg(output_tokens) as output_tokens, avg(input_tokens - coalesce(prefix_tokens, 0)) as own_tokens
    from residuals group by all
), expected as (
    select residuals.*, unit_tokens, grain.output_tokens as usual_output_tokens,
           (greatest(rule_input_tokens + unit_tokens[2] * units - expected_cached_tokens - expected_write_tokens, 0) * input_rate
            + expected_cached_tokens * cached_rate + expected_write_tokens * written_rate + grain.output_tokens * output_rate) / 1e6 as expected_now_usd
    from residuals join grain using (model, input_mode, confidence, reasoning_effort, schema_version, is_simulated)
    where billed_usd is not null
), ratios as (
    select model, input_mode, confidence, reasoning_effort, schema_version, is_simulated, sum(cast(billed_usd as double)) / sum(expected_now_usd) as bill_ratio,
           stddev_samp(cast(billed_usd as double) / expected_now_usd) as document_spread, avg(cast(billed_usd as double) / input_rate) * 1e6 as document_worth,
           stddev_samp(cast(billed_usd as double) / input_rate) * 1e6 as document_worth_spread
    from expected where expected_now_usd > 0 group by all
), runs as (
    select model, input_mode, confidence, reasoning_effort, schema_version, is_simulated, run_id, count(*) as documents,
           ln(sum(cast(billed_usd as double)) / sum(expected_now_usd)) as log_ratio, ln(avg(cast(billed_usd as double) / input_rate) * 1e6) as log_worth
    from expected where expected_now_usd > 0 and billed_usd > 0 group by all
), between_runs as (
    select model, input_mode, confidence, reasoning_effort, schema_version, is_simulated,
           sqrt(greatest(avg((log_ratio - ln(bill_ratio)) ** 2 - coalesce(document_spread, 0) ** 2 / documents), 0)) as run_spread,
           sqrt(greatest(avg((log_worth - ln(document_worth)) ** 2 - (coalesce(document_worth_spread, 0) / document_worth) ** 2 / documents), 0)) as run_worth_spread
    from runs join ratios using (model, input_mode, confidence, reasoning_effort, schema_version, is_simulated) group by all
)
select model, input_mode, confidence, reasoning_effort, schema_version, is_simulated, documents, runs,
       unit_tokens[2] as unit_tokens, unit_tokens[1] as unit_tokens_low, unit_tokens[3] as unit_tokens_high, output_tokens,
       own_tokens, bill_ratio, document_spread, run_spread,
       document_worth, document_worth_spread / document_worth as document_worth_spread, run_worth_spread
from grain left join ratios using (model, input_mode, confidence, reasoning_effort, schema_version, is_simulated)
left join between_runs using (model, input_mode, confidence, reasoning_effort, schema_version, is_simulated);
comment on view estimate_calibration is 'What later estimates take from earlier bills. Grain: model, input_mode, confidence, reasoning_effort, schema_version, is_simulated.';
comment on column estimate_calibration.model is 'Model asked.';
comment on column estimate_calibration.input_mode is 'text, file-low or file-high.';
comment on column estimate_calibration.confidence is 'high: the text was counted before the call; medium: only the pages.';
comment on column estimate_calibration.reasoning_effort is 'Effort asked.';
comment on column estimate_calibration.schema_version is 'Version of the record.';
comment on column estimate_calibration.is_simulated is 'Whether the calls were simulated.';
comment on column estimate_calibration.documents is 'Documents answered.';
comment on column estimate_calibration.runs is 'Runs in which.';
comment on column estimate_calibration.unit_tokens is 'Median of input tokens a unit (a page sent as an image, else a document) beyond the published rules.';
comment on column estimate_calibration.unit_tokens_low is 'Tenth percentile of the same.';
comment on column estimate_calibration.unit_tokens_high is 'Ninetieth percentile of the same.';
comment on column estimate_calibration.output_tokens is 'Mean of output tokens, reasoning included.';
comment on column estimate_calibration.own_tokens is 'Mean of input tokens beyond the static prefix.';
comment on column estimate_calibration.bill_ratio is 'What was billed over what would be expected today: repairs and further attempts make it more than 1. NULL without a settled document.';
comment on column estimate_calibration.document_spread is 'Standard deviation of the same for a document; NULL for less than two.';
comment on column estimate_calibration.run_spread is 'Standard deviation of the logarithm of the same for a run, beyond what its documents explain.';
comment on column estimate_calibration.document_worth is 'Mean bill of a document over its own price of an uncached input token: how many of these it was worth.';
comment on column estimate_calibration.document_worth_spread is 'Standard deviation of the same for a document, over its mean; NULL for less than two.';
comment on column estimate_calibration.run_worth_spread is 'Standard deviation of the logarithm of its mean in a run, beyond what its documents explain.';
