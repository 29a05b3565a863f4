-- cache_by_run: did each run read what its policy expected?   Reads calls_finished.   One row a (run_id, model, cache_policy, prompt_hash, is_simulated).
create or replace view cache_by_run as
select run_id, model, coalesce(cache_policy, 'none') as cache_policy, prompt_hash, is_simulated,
       count(*)                                            as calls,
       count(*) filter (where cached_tokens is null)       as calls_unknown,
       count(*) filter (where expected_cached_tokens > 0)  as calls_expected_to_read,
       count(*) filter (where cached_tokens > 0)           as calls_reading,
       count(*) filter (where expected_write_tokens > 0)   as calls_expected_to_write,
       count(*) filter (where cache_write_tokens > 0)      as calls_writing,
       sum(input_tokens) filter (where cached_tokens is not null) as input_tokens,
       sum(expected_cached_tokens)                         as expected_cached_tokens,
       sum(cached_tokens)                                  as cached_tokens,
       sum(expected_write_tokens)                          as expected_write_tokens,
       sum(cache_write_tokens)                             as cache_write_tokens,
       cast(sum(cached_tokens * input_rate) filter (where cached_usd is not null) / 1000000 as decimal(24,12)) - sum(cached_usd)
         - sum(cache_write_usd) + cast(sum(cache_write_tokens * input_rate) filter (where cache_write_usd is not null) / 1000000 as decimal(24,12)) as balance_usd,
       count(distinct cache_key) as keys,
       min(started_at) as first_at
from calls_finished where status = 'answered' group by all;
comment on view cache_by_run is 'Expected and actual use of the prompt cache by run. Grain: run_id, model, cache_policy, prompt_hash, is_simulated.';
comment on column cache_by_run.run_id is 'Run.';
comment on column cache_by_run.model is 'Model asked.';
comment on column cache_by_run.cache_policy is 'automatic, explicit, implicit or none.';
comment on column cache_by_run.prompt_hash is 'Version of the static prefix.';
comment on column cache_by_run.is_simulated is 'Whether the calls were simulated.';
comment on column cache_by_run.calls is 'Answered calls.';
comment on column cache_by_run.calls_unknown is 'Of these, calls whose answer says nothing of the cache.';
comment on column cache_by_run.calls_expected_to_read is 'Calls that the policy expected to read the prefix.';
comment on column cache_by_run.calls_reading is 'Calls that read something.';
comment on column cache_by_run.calls_expected_to_write is 'Calls that the policy expected to write.';
comment on column cache_by_run.calls_writing is 'Calls that wrote something.';
comment on column cache_by_run.input_tokens is 'Input tokens of the calls that tell.';
comment on column cache_by_run.expected_cached_tokens is 'Tokens expected to be read; NULL: not recorded.';
comment on column cache_by_run.cached_tokens is 'Tokens read.';
comment on column cache_by_run.expected_write_tokens is 'Tokens expected to be written; NULL: not recorded.';
comment on column cache_by_run.cache_write_tokens is 'Tokens written.';
comment on column cache_by_run.balance_usd is 'USD that reading saved less what writing cost, both against the plain input price; negative: the cache lost; NULL without a price.';
comment on column cache_by_run.keys is 'Cache keys used.';
comment on column cache_by_run.first_at is 'First call, UTC.';
