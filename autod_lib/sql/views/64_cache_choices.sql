-- cache_choices: what were the ways to use the prompt cache, and what was each expected to cost?   Reads cache_decisions.   One row a (run_id, tier, model, choice).
create or replace view cache_choices as
with each_choice as (
    select *, unnest(from_json(choices, '[{"name":"VARCHAR","is_chosen":"BOOLEAN","expected_usd":"DECIMAL(24,12)","uncached_tokens":"BIGINT","cached_tokens":"BIGINT","cache_write_tokens":"BIGINT"}]')) as way
    from cache_decisions
)
select run_id, logged_at as decided_at, model, tier, prompt_hash, is_simulated, way.name as choice, way.is_chosen as is_chosen,
       way.expected_usd as expected_usd, way.uncached_tokens as uncached_tokens, way.cached_tokens as cached_tokens,
       way.cache_write_tokens as cache_write_tokens, reason, break_even_calls, prefix_tokens, expected_calls, calls_a_minute, rounds
from each_choice;
comment on view cache_choices is 'Every way to use the prompt cache that a run weighed. Grain: run_id, tier, model, choice.';
comment on column cache_choices.run_id is 'Run.';
comment on column cache_choices.decided_at is 'When, UTC.';
comment on column cache_choices.model is 'Model asked.';
comment on column cache_choices.tier is 'sync, flex or batch.';
comment on column cache_choices.prompt_hash is 'Version of the static prefix.';
comment on column cache_choices.is_simulated is 'Whether the calls were simulated.';
comment on column cache_choices.choice is 'The way in words: policy, lifetime, keys, and how a key is warmed.';
comment on column cache_choices.is_chosen is 'Whether the run took it.';
comment on column cache_choices.expected_usd is 'USD of input tokens expected; NULL without a price.';
comment on column cache_choices.uncached_tokens is 'Input tokens expected at the plain price.';
comment on column cache_choices.cached_tokens is 'Input tokens expected to be read.';
comment on column cache_choices.cache_write_tokens is 'Input tokens expected to be written.';
comment on column cache_choices.reason is 'Why the run chose as it did.';
comment on column cache_choices.break_even_calls is 'Calls a key and lifetime from which a mark pays; NULL: never.';
comment on column cache_choices.prefix_tokens is 'Tokens of the static prefix.';
comment on column cache_choices.expected_calls is 'Calls expected in the run.';
comment on column cache_choices.calls_a_minute is 'Calls a minute expected at most.';
comment on column cache_choices.rounds is 'Runs like this expected, this one included.';
