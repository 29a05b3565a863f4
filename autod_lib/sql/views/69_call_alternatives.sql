-- call_alternatives(rates, page_low, page_high): what would each call have cost under every other policy?   Reads priced_calls.   One row a (call_id, policy).
-- rates: JSON list of {model, day, above, below, policy, input, cached, written, output}: USD a million tokens of `model` on `day` for prompts of more than `above`
-- and at most `below` tokens; policy is default, batch, flex, or model:NAME for the price of another model. page_low, page_high: image tokens of a page.
-- Another input mode: by the answer that the same document had in it, if there is one, else by the image tokens of its pages; text only of a good text layer.
create or replace macro rates_given(rates) as table
select r.model, r.day, r.above, r.below, r.policy, r.input * cast(0.000001 as decimal(6,6)) as input_rate, r.cached * cast(0.000001 as decimal(6,6)) as cached_rate,
       r.written * cast(0.000001 as decimal(6,6)) as written_rate,
       coalesce(r.written_12h, 2 * r.written) * cast(0.000001 as decimal(6,6)) as written_12h_rate, r.output * cast(0.000001 as decimal(6,6)) as output_rate
from (
    select unnest(from_json(rates, '[{"model":"VARCHAR","day":"DATE","above":"BIGINT","below":"BIGINT","policy":"VARCHAR","input":"DECIMAL(18,9)",
                                       "cached":"DECIMAL(18,9)","written":"DECIMAL(18,9)","written_12h":"DECIMAL(18,9)","output":"DECIMAL(18,9)"}]')) as r
);
comment on macro table rates_given is 'Rates given as JSON, as USD a token. Grain: model, day, above, policy.';

create or replace macro call_in_modes(page_low, page_high) as table
with calls as materialized (
    select *, coalesce(page_count * case input_mode when 'file-low' then page_low when 'file-high' then page_high else 0 end, 0) as image_tokens
    from priced_calls where document_sha256 is not null and purpose = 'extract'
), answered as (
    select document_sha256, model, prompt_hash, reasoning_effort, is_simulated, input_mode, max_by(input, started_at) as input, max_by(output, started_at) as output
    from calls group by all
), modes as (
    select unnest(['text', 'file-low', 'file-high']) as target
), pairs as (
    select calls.*, target, answered.input is not null as is_measured,
           coalesce(answered.input - calls.input, case target when 'file-low' then page_low when 'file-high' then page_high else 0 end * page_count - image_tokens)
               as more_input,
           coalesce(answered.output - calls.output, 0) as more_output
    from calls cross join modes left join answered on answered.input_mode = target and answered.document_sha256 = calls.document_sha256
         and answered.model = calls.model and answered.prompt_hash = calls.prompt_hash and answered.reasoning_effort is not distinct from calls.reasoning_effort
         and answered.is_simulated = calls.is_simulated
    where target <> calls.input_mode and (answered.input is not null or (page_count is not null and (target <> 'text' or text_layer = 'good')))
)
select call_id, target, is_measured,
       cast(greatest(more_input, case when cached + written < input then cached + written else cached end - input) as decimal(12,0)) as more_input,
       cast(more_output as decimal(12,0)) as more_output
from pairs;
comment on macro table call_in_modes is 'Tokens more that a call would have had in another input mode. Grain: call_id, target.';

create or replace macro call_alternatives(rates, page_low, page_high) as table
with priced as materialized (
    from priced_calls
), retries as (
    select call_id, row_number() over (partition by run_id, document_sha256, arm order by started_at, call_id) > 1 and document_sha256 is not null as is_further
    from priced
)
select call_id, 'as billed' as policy, cost_usd as repriced_usd, true as is_measured from priced
union all select call_id, 'no mark', no_mark_usd, cost_usd = no_mark_usd from priced
union all select call_id, 'mark after the prefix', mark_usd, cache_policy in ('explicit', 'automatic') from priced
union all select call_id, 'implicit', implicit_usd, cache_policy in ('implicit', 'automatic') from priced
union all select call_id, 'implicit, prefix read', implicit_reads_usd, cache_policy in ('implicit', 'automatic') from priced
union all
select call_id, list.policy,
       case when list.policy = 'batch' and purpose = 'prewarm' then 0 when list.policy = 'batch' then cast(input * list.input_rate + output * list.output_rate as decimal(24,12))
            else cast((input - cached - written) * list.input_rate + cached * list.cached_rate + (written - written_12h) * list.written_rate + written_12h * list.written_12h_rate + output * list.output_rate
                      as decimal(24,12)) end, false
from priced join rates_given(rates) as list
on list.model = model_priced and list.day = price_date and input > list.above and (list.below is null or input <= list.below) and list.policy <> 'default'
union all
select call_id, 'input ' || target,
       cast(cost_usd + more_input * case when cached + written >= input and written > 0 then written_rate else calls.input_rate end + more_output * output_rate
            as decimal(24,12)), is_measured
from call_in_modes(page_low, page_high) join priced as calls using (call_id)
union all select call_id, 'no retries', cost_usd, true from priced join retries using (call_id) where not is_further
union all select call_id, 'no retries', cast(0 as decimal(24,12)), true from retries where is_further;
comment on macro table call_alternatives is 'Every priced call under every policy that could have been chosen for it, in USD. Grain: call_id, policy.';
