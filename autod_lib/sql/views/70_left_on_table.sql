-- left_on_table(since, until, rates, page_low, page_high): what did the choices of a period cost, beside every other choice?   Reads priced_calls and
-- call_alternatives.   One row a (policy, is_simulated). A call that a policy cannot be applied to keeps what it cost.
-- 'best of those that ask the same' takes for every call the cheapest of what leaves question and model alone: marks, batch, flex.
create or replace macro left_on_table(since, until, rates, page_low, page_high) as table
with calls as (
    select call_id, is_simulated, cost_usd from priced_calls
    where day_utc >= coalesce(cast(since as date), date '0001-01-01') and day_utc <= coalesce(cast(until as date), date '9999-12-31')
), alternatives as materialized (
    from call_alternatives(rates, page_low, page_high)
), choices as (
    select call_id, policy, repriced_usd, is_measured from alternatives
    union all
    select call_id, 'best of those that ask the same', min(repriced_usd), false from alternatives
    where policy in ('as billed', 'no mark', 'mark after the prefix', 'batch', 'flex') group by call_id
), totals as (
    select is_simulated, count(*) as all_calls, sum(cost_usd) as cost_usd from calls group by is_simulated
), sums as (
    select policy, is_simulated, count(*) as calls, count(*) filter (where is_measured) as calls_measured, sum(repriced_usd - cost_usd) as more_usd
    from calls join choices using (call_id) group by policy, is_simulated
)
select policy, is_simulated,
       case when policy in ('no mark', 'mark after the prefix', 'implicit', 'implicit, prefix read') then 'cache' when policy in ('batch', 'flex') then 'tier'
            when starts_with(policy, 'input ') then 'input mode' when starts_with(policy, 'model:') then 'model' when policy = 'no retries' then 'retries'
            else 'all' end as kind,
       calls, calls_measured, all_calls - calls as calls_kept, cost_usd, cast(cost_usd + more_usd as decimal(24,12)) as repriced_usd,
       cast(-more_usd as decimal(24,12)) as saved_usd, cast(-more_usd / nullif(cost_usd, 0) as double) as share_saved,
       starts_with(policy, 'input ') or starts_with(policy, 'model:') or policy = 'no retries' as changes_answers
from sums join totals using (is_simulated);
comment on macro table left_on_table is 'The calls of a period repriced under every other policy, in USD; saved_usd is negative where the policy is dearer. Grain: policy, is_simulated.';

-- savings(since, until, rates, page_low, page_high): what did autoD's choices save against the naive client, each day?   Reads priced_calls, sightings,
-- documents_read.   One row a (day_utc, is_simulated).
-- The naive client sends every path as a file in high detail, in implicit mode that reads nothing, at the default tier. From its bill to ours, in this order, so
-- that the parts add up to the last decimal: dedupe (further paths of a content, at the naive cost of its first call) · input mode · cache · tier.
create or replace macro savings(since, until, rates, page_low, page_high) as table
with calls as (
    select calls.*, coalesce(list.input_rate, calls.input_rate) as list_input, coalesce(list.cached_rate, calls.cached_rate) as list_cached,
           coalesce(list.written_rate, calls.written_rate) as list_written,
           coalesce(list.written_12h_rate, 2 * calls.written_rate) as list_written_12h, coalesce(list.output_rate, calls.output_rate) as list_output,
           coalesce(mode.more_input, 0) as more_input, coalesce(mode.more_output, 0) as more_output,
           calls.input_mode is distinct from 'file-high' and mode.is_measured is distinct from true as is_estimated
    from priced_calls as calls
    left join rates_given(rates) as list
    on list.model = model_priced and list.day = price_date and input > list.above and (list.below is null or input <= list.below) and list.policy = 'default'
    left join call_in_modes(page_low, page_high) as mode on mode.call_id = calls.call_id and mode.target = 'file-high'
), standard as (
    select *, cast((input - cached - written) * list_input + cached * list_cached + (written - written_12h) * list_written + written_12h * list_written_12h + output * list_output as decimal(24,12))
              as at_default_usd,
           case when cache_policy <> 'automatic' and input >= 1024 then list_written else list_input end as naive_rate
    from calls
), unlike as (
    select *, case when cache_policy in ('automatic', 'implicit') then at_default_usd when purpose = 'prewarm' then 0
              else cast(input * naive_rate + output * list_output as decimal(24,12)) end as at_implicit_usd
    from standard
), naive as (
    select *, cast(at_implicit_usd + more_input * naive_rate + more_output * list_output as decimal(24,12)) as naive_usd from unlike
), of_calls as (
    select day_utc, is_simulated, count(*) as calls, count(*) filter (where is_estimated) as calls_estimated,
           sum(naive_usd - at_implicit_usd) as saved_by_input_mode_usd, sum(at_implicit_usd - at_default_usd) as saved_by_cache_usd,
           sum(at_default_usd - cost_usd) as saved_by_tier_usd, sum(cost_usd) as cost_usd
    from naive group by day_utc, is_simulated
), firsts as (
    select document_sha256, is_simulated, min_by(naive_usd, (started_at, call_id)) as naive_usd from naive where document_sha256 is not null group by all
), further as (
    select document_sha256, cast(make_timestamp(epoch_us(first_seen_at)) as date) as day_utc from sightings
    where document_sha256 is not null and problem is null qualify row_number() over (partition by document_sha256 order by first_seen_at, path) > 1
), of_duplicates as (
    select day_utc, is_simulated, count(*) as duplicates, sum(naive_usd) as saved_by_dedupe_usd from further join firsts using (document_sha256) group by all
)
select day_utc, is_simulated, coalesce(calls, 0) as calls, coalesce(calls_estimated, 0) as calls_estimated, coalesce(duplicates, 0) as duplicates,
       cast(coalesce(cost_usd, 0) + coalesce(saved_by_tier_usd, 0) + coalesce(saved_by_cache_usd, 0) + coalesce(saved_by_input_mode_usd, 0)
            + coalesce(saved_by_dedupe_usd, 0) as decimal(24,12)) as naive_usd,
       cast(coalesce(saved_by_dedupe_usd, 0) as decimal(24,12)) as saved_by_dedupe_usd,
       cast(coalesce(saved_by_input_mode_usd, 0) as decimal(24,12)) as saved_by_input_mode_usd,
       cast(coalesce(saved_by_cache_usd, 0) as decimal(24,12)) as saved_by_cache_usd, cast(coalesce(saved_by_tier_usd, 0) as decimal(24,12)) as saved_by_tier_usd,
       cast(coalesce(cost_usd, 0) as decimal(24,12)) as cost_usd
from of_calls full join of_duplicates using (day_utc, is_simulated)
where day_utc >= coalesce(cast(since as date), date '0001-01-01') and day_utc <= coalesce(cast(until as date), date '9999-12-31');
comment on macro table savings is 'From the bill of the naive client to ours, in USD: naive_usd less what dedupe, input mode, cache and tier saved is cost_usd. Grain: day_utc, is_simulated.';
