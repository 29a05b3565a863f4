-- cache_by_prompt: is each version of the static prefix read as long as it was counted?   Reads calls_finished.   One row a (prompt_hash, model, cache_policy, is_simulated).
create or replace view cache_by_prompt as
select prompt_hash, model, coalesce(cache_policy, 'none') as cache_policy, is_simulated,
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
       max(prefix_tokens) as prefix_tokens,
       cast(median(cached_tokens) filter (where cached_tokens > 0) as bigint) as read_tokens,
       min(started_at) as first_at,
       max(started_at) as last_at
from calls_finished where status = 'answered' group by all;
comment on view cache_by_prompt is 'Expected and actual use of the prompt cache by prompt version. Grain: prompt_hash, model, cache_policy, is_simulated.';
comment on column cache_by_prompt.prompt_hash is 'Version of the static prefix.';
comment on column cache_by_prompt.model is 'Model asked.';
comment on column cache_by_prompt.cache_policy is 'automatic, explicit, implicit or none.';
comment on column cache_by_prompt.is_simulated is 'Whether the calls were simulated.';
comment on column cache_by_prompt.calls is 'Answered calls.';
comment on column cache_by_prompt.calls_unknown is 'Of these, calls whose answer says nothing of the cache.';
comment on column cache_by_prompt.calls_expected_to_read is 'Calls that the policy expected to read the prefix.';
comment on column cache_by_prompt.calls_reading is 'Calls that read something.';
comment on column cache_by_prompt.calls_expected_to_write is 'Calls that the policy expected to write.';
comment on column cache_by_prompt.calls_writing is 'Calls that wrote something.';
comment on column cache_by_prompt.input_tokens is 'Input tokens of the calls that tell.';
comment on column cache_by_prompt.expected_cached_tokens is 'Tokens expected to be read; NULL: not recorded.';
comment on column cache_by_prompt.cached_tokens is 'Tokens read.';
comment on column cache_by_prompt.expected_write_tokens is 'Tokens expected to be written; NULL: not recorded.';
comment on column cache_by_prompt.cache_write_tokens is 'Tokens written.';
comment on column cache_by_prompt.balance_usd is 'USD that reading saved less what writing cost, both against the plain input price; negative: the cache lost; NULL without a price.';
comment on column cache_by_prompt.prefix_tokens is 'Tokens of the static prefix as counted before; NULL: not recorded.';
comment on column cache_by_prompt.read_tokens is 'Middle of the tokens that a reading call read; NULL when none read.';
comment on column cache_by_prompt.first_at is 'First call, UTC.';
comment on column cache_by_prompt.last_at is 'Last call, UTC.';
