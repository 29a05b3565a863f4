-- cost_by_document: what has each document cost so far?   Reads api_calls.   One row a (document_sha256, is_simulated); one of NULL document for calls of none.
create or replace view cost_by_document as
select document_sha256, is_simulated,
       count(*)                  as calls,
       count(*) filter (where cost_usd is null and status = 'answered') as calls_unpriced,
       count(*) filter (where status = 'unsettled')        as calls_unsettled,
       sum(input_tokens)         as input_tokens,
       sum(cached_tokens)        as cached_tokens,
       sum(cache_write_tokens)   as cache_write_tokens,
       sum(output_tokens)        as output_tokens,
       sum(reasoning_tokens)     as reasoning_tokens,
       sum(cost_usd)             as cost_usd,
       sum(cost_upper_usd) filter (where status = 'unsettled') as unsettled_upper_usd
from api_calls group by all;
comment on view cost_by_document is 'Cost of calls, re-runs and experiments included. Grain: document_sha256, is_simulated.';
comment on column cost_by_document.document_sha256 is 'Document; NULL for calls that belong to none.';
comment on column cost_by_document.is_simulated is 'Simulated and real money never share a row.';
comment on column cost_by_document.calls is 'Calls, unsettled ones included.';
comment on column cost_by_document.calls_unpriced is 'Answered calls without a known cost.';
comment on column cost_by_document.calls_unsettled is 'Of these, calls whose end nobody knows; cost_usd leaves them out.';
comment on column cost_by_document.input_tokens is 'Input tokens.';
comment on column cost_by_document.cached_tokens is 'Of these, read from the cache.';
comment on column cost_by_document.cache_write_tokens is 'Of these, written to the cache.';
comment on column cost_by_document.output_tokens is 'Output tokens.';
comment on column cost_by_document.reasoning_tokens is 'Of these, reasoning.';
comment on column cost_by_document.cost_usd is 'USD, DECIMAL; NULL when none of its calls had a price.';
comment on column cost_by_document.unsettled_upper_usd is 'USD that the unsettled calls can have cost at most; NULL when there is none, or none has a bound.';
