-- What the prompt cache was expected to do: with every call, and as a decision of each run that asked something.

alter table calls_started add column cache_lifetime varchar;
alter table calls_started add column prefix_tokens bigint;
alter table calls_started add column expected_cached_tokens bigint;
alter table calls_started add column expected_write_tokens bigint;
comment on column calls_started.cache_policy is 'How the prompt cache is used: automatic, explicit (the static prefix is marked), implicit, or none (nothing is marked).';
comment on column calls_started.cache_lifetime is 'Lifetime asked for what is written: 30m or 12h; NULL where none is asked.';
comment on column calls_started.prefix_tokens is 'Tokens of the static prefix as counted before the call.';
comment on column calls_started.expected_cached_tokens is 'Tokens that the policy expects this call to read from the cache; NULL: not recorded.';
comment on column calls_started.expected_write_tokens is 'Tokens that the policy expects this call to write; NULL: not recorded.';

alter table calls_finished add column cache_lifetime varchar;
alter table calls_finished add column prefix_tokens bigint;
alter table calls_finished add column expected_cached_tokens bigint;
alter table calls_finished add column expected_write_tokens bigint;
comment on column calls_finished.cache_lifetime is 'As in calls_started.';
comment on column calls_finished.prefix_tokens is 'As in calls_started.';
comment on column calls_finished.expected_cached_tokens is 'As in calls_started.';
comment on column calls_finished.expected_write_tokens is 'As in calls_started.';

create table cache_decisions (
    run_id varchar, seq bigint, logged_at timestamptz, model varchar, tier varchar, prompt_hash varchar, is_simulated boolean, cache_policy varchar,
    cache_lifetime varchar, shards integer, warming varchar, reason varchar, break_even_calls integer, prefix_tokens bigint, expected_calls bigint,
    calls_a_minute double, rounds integer, between_s double, expected_usd decimal(24,12), no_cache_usd decimal(24,12), choices json
);
comment on table cache_decisions is 'How each run that asked something decided to use the prompt cache, why, and beside which other ways.';
comment on column cache_decisions.run_id is 'Run.';
comment on column cache_decisions.seq is 'Place of the event in its segment.';
comment on column cache_decisions.logged_at is 'When, UTC.';
comment on column cache_decisions.model is 'Model asked.';
comment on column cache_decisions.tier is 'sync, flex or batch.';
comment on column cache_decisions.prompt_hash is 'Version of the static prefix.';
comment on column cache_decisions.is_simulated is 'Whether its calls are simulated.';
comment on column cache_decisions.cache_policy is 'automatic, explicit, implicit or none.';
comment on column cache_decisions.cache_lifetime is '30m or 12h; NULL where nothing is asked for.';
comment on column cache_decisions.shards is 'Keys that the calls are spread over; more are opened when the load is higher than expected.';
comment on column cache_decisions.warming is 'What writes the prefix of a key before others use it: first-call, prewarm or none.';
comment on column cache_decisions.reason is 'Why, in a sentence.';
comment on column cache_decisions.break_even_calls is 'Calls a key and lifetime from which a mark pays; NULL: never.';
comment on column cache_decisions.prefix_tokens is 'Tokens of the static prefix.';
comment on column cache_decisions.expected_calls is 'Calls expected in the run.';
comment on column cache_decisions.calls_a_minute is 'Calls a minute expected at most.';
comment on column cache_decisions.rounds is 'Runs like this expected, this one included.';
comment on column cache_decisions.between_s is 'Seconds expected between them.';
comment on column cache_decisions.expected_usd is 'USD of input tokens expected of the chosen way, over all rounds; NULL without a price.';
comment on column cache_decisions.no_cache_usd is 'The same without any cache.';
comment on column cache_decisions.choices is 'Every way weighed: name, is_chosen, expected_usd, uncached_tokens, cached_tokens, cache_write_tokens.';
