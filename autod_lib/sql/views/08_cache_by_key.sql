-- cache_by_key: which cache keys are read, and which are written for nobody?   Reads calls_finished.   One row a (cache_key, prompt_hash, model, is_simulated).
create or replace view cache_by_key as
select coalesce(cache_key, '(none)') as cache_key, prompt_hash, model, cache_policy, is_simulated,
       count(*)                                       as calls,
       count(*) filter (where cached_tokens > 0)      as calls_reading,
       count(*) filter (where cache_write_tokens > 0) as calls_writing,
       sum(cached_tokens)                             as cached_tokens,
       sum(cache_write_tokens)                        as cache_write_tokens,
       sum(expected_cached_tokens)                    as expected_cached_tokens,
       sum(expected_write_tokens)                     as expected_write_tokens,
       sum(cached_tokens) / nullif(sum(input_tokens) filter (where cached_tokens is not null), 0) as share_cached,
       cast(sum(cached_tokens * input_rate) filter (where cached_usd is not null) / 1000000 as decimal(24,12)) - sum(cached_usd)
         - sum(cache_write_usd) + cast(sum(cache_write_tokens * input_rate) filter (where cache_write_usd is not null) / 1000000 as decimal(24,12)) as balance_usd,
       min(started_at)                                as first_at,
       max(started_at)                                as last_at
from calls_finished where status = 'answered' group by all;
comment on view cache_by_key is 'Prompt cache by key and prompt version. Grain: cache_key, prompt_hash, model, cache_policy, is_simulated.';
comment on column cache_by_key.cache_key is 'prompt_cache_key sent; (none) without one.';
comment on column cache_by_key.prompt_hash is 'Version of the static prefix.';
comment on column cache_by_key.model is 'Model asked.';
comment on column cache_by_key.cache_policy is 'automatic, explicit, implicit or none.';
comment on column cache_by_key.is_simulated is 'Whether the calls were simulated.';
comment on column cache_by_key.calls is 'Answered calls.';
comment on column cache_by_key.calls_reading is 'Calls that read something.';
comment on column cache_by_key.calls_writing is 'Calls that wrote something.';
comment on column cache_by_key.cached_tokens is 'Tokens read.';
comment on column cache_by_key.cache_write_tokens is 'Tokens written.';
comment on column cache_by_key.share_cached is 'Tokens read as a share of input tokens, 0 to 1.';
comment on column cache_by_key.first_at is 'First call, UTC.';
comment on column cache_by_key.last_at is 'Last call, UTC.';
comment on column cache_by_key.expected_cached_tokens is 'Tokens that the policy expected to be read; NULL: not recorded.';
comment on column cache_by_key.expected_write_tokens is 'Tokens that it expected to be written; NULL: not recorded.';
comment on column cache_by_key.balance_usd is 'USD that reading saved less what writing cost, both against the plain input price; NULL without a price.';
