-- cache_by_day: how much of the input was read from the prompt cache, each day?   Reads calls_finished.   One row a (day_utc, model, is_simulated).
-- Calls whose answer says nothing of the cache are counted apart and left out of the share.
create or replace view cache_by_day as
with finished as (
    select cast(make_timestamp(epoch_us(finished_at)) as date) as day_utc, * from calls_finished where status = 'answered'
)
select day_utc, model, is_simulated,
       count(*)                                            as calls,
       count(*) filter (where cached_tokens is null)       as calls_unknown,
       count(*) filter (where cached_tokens > 0)           as calls_reading,
       count(*) filter (where cache_write_tokens > 0)      as calls_writing,
       sum(input_tokens) filter (where cached_tokens is not null) as input_tokens,
       sum(cached_tokens)                                  as cached_tokens,
       sum(cache_write_tokens)                             as cache_write_tokens,
       sum(expected_cached_tokens)                         as expected_cached_tokens,
       sum(expected_write_tokens)                          as expected_write_tokens,
       sum(cached_tokens) / nullif(sum(input_tokens) filter (where cached_tokens is not null), 0) as share_cached,
       cast(sum(cached_tokens * input_rate) filter (where cached_usd is not null) / 1000000 as decimal(24,12)) - sum(cached_usd) as saved_by_reading_usd,
       sum(cache_write_usd) - cast(sum(cache_write_tokens * input_rate) filter (where cache_write_usd is not null) / 1000000 as decimal(24,12)) as spent_on_writing_usd
from finished group by all;
comment on view cache_by_day is 'Prompt cache reads and writes of answered calls. Grain: day_utc, model, is_simulated.';
comment on column cache_by_day.day_utc is 'Day on which the calls finished, UTC.';
comment on column cache_by_day.model is 'Model asked.';
comment on column cache_by_day.is_simulated is 'Whether the calls were simulated.';
comment on column cache_by_day.calls is 'Answered calls.';
comment on column cache_by_day.calls_unknown is 'Of these, calls whose answer says nothing of the cache.';
comment on column cache_by_day.calls_reading is 'Calls that read something.';
comment on column cache_by_day.calls_writing is 'Calls that wrote something.';
comment on column cache_by_day.input_tokens is 'Input tokens of the calls that tell.';
comment on column cache_by_day.cached_tokens is 'Tokens read.';
comment on column cache_by_day.cache_write_tokens is 'Tokens written.';
comment on column cache_by_day.share_cached is 'Tokens read as a share of input tokens, 0 to 1.';
comment on column cache_by_day.saved_by_reading_usd is 'USD that reading saved against the uncached rate.';
comment on column cache_by_day.spent_on_writing_usd is 'USD that writing cost above the uncached rate.';
comment on column cache_by_day.expected_cached_tokens is 'Tokens that the policies in force expected to be read; NULL: not recorded.';
comment on column cache_by_day.expected_write_tokens is 'Tokens that they expected to be written; NULL: not recorded.';
