-- cost_by_run: what did each run cost?   Reads api_calls.   One row a (run_id, is_simulated) with a call.
create or replace view cost_by_run as
select run_id, is_simulated,
       count(*)                                            as calls,
       count(distinct document_sha256)                     as documents,
       count(*) filter (where cost_usd is null and status = 'answered') as calls_unpriced,
       count(*) filter (where status = 'unsettled')        as calls_unsettled,
       sum(input_tokens)                                   as input_tokens,
       sum(cached_tokens)                                  as cached_tokens,
       sum(cache_write_tokens)                             as cache_write_tokens,
       sum(output_tokens)                                  as output_tokens,
       sum(cost_usd)                                       as cost_usd,
       sum(cost_upper_usd) filter (where status = 'unsettled') as unsettled_upper_usd
from api_calls group by all;
comment on view cost_by_run is 'Cost of the calls of each run. Grain: run_id, is_simulated.';
comment on column cost_by_run.run_id is 'Run.';
comment on column cost_by_run.is_simulated is 'Simulated and real money never share a row.';
comment on column cost_by_run.calls is 'Calls, unsettled ones included.';
comment on column cost_by_run.documents is 'Distinct documents.';
comment on column cost_by_run.calls_unpriced is 'Answered calls without a known cost.';
comment on column cost_by_run.calls_unsettled is 'Calls whose end nobody knows.';
comment on column cost_by_run.input_tokens is 'Input tokens.';
comment on column cost_by_run.cached_tokens is 'Of these, read from the cache.';
comment on column cost_by_run.cache_write_tokens is 'Of these, written to the cache.';
comment on column cost_by_run.output_tokens is 'Output tokens.';
comment on column cost_by_run.cost_usd is 'USD of the calls whose cost is known, DECIMAL.';
comment on column cost_by_run.unsettled_upper_usd is 'USD that the unsettled calls can have cost at most.';
