-- cost_by_model: what did each model and input mode cost, and a document of it?   Reads api_calls.   One row a (model, input_mode, is_simulated).
create or replace view cost_by_model as
select model, input_mode, is_simulated,
       count(*)                                as calls,
       count(distinct document_sha256)         as documents,
       count(*) filter (where cost_usd is null and status = 'answered') as calls_unpriced,
       count(*) filter (where status = 'unsettled')        as calls_unsettled,
       sum(input_tokens)                       as input_tokens,
       sum(cached_tokens)                      as cached_tokens,
       sum(cache_write_tokens)                 as cache_write_tokens,
       sum(output_tokens)                      as output_tokens,
       sum(cost_usd)                           as cost_usd,
       cast(sum(cost_usd) / nullif(count(distinct document_sha256), 0) as decimal(24,12)) as cost_a_document_usd,
       sum(cost_upper_usd) filter (where status = 'unsettled') as unsettled_upper_usd
from api_calls group by all;
comment on view cost_by_model is 'Cost of calls by model and input mode. Grain: model, input_mode, is_simulated.';
comment on column cost_by_model.model is 'Model asked.';
comment on column cost_by_model.input_mode is 'text, file-low or file-high.';
comment on column cost_by_model.is_simulated is 'Simulated and real money never share a row.';
comment on column cost_by_model.calls is 'Calls, unsettled ones included.';
comment on column cost_by_model.documents is 'Distinct documents.';
comment on column cost_by_model.calls_unpriced is 'Answered calls without a known cost.';
comment on column cost_by_model.calls_unsettled is 'Of these, calls whose end nobody knows; cost_usd leaves them out.';
comment on column cost_by_model.input_tokens is 'Input tokens.';
comment on column cost_by_model.cached_tokens is 'Of these, read from the cache.';
comment on column cost_by_model.cache_write_tokens is 'Of these, written to the cache.';
comment on column cost_by_model.output_tokens is 'Output tokens.';
comment on column cost_by_model.cost_usd is 'USD, DECIMAL; NULL when no call had a price.';
comment on column cost_by_model.cost_a_document_usd is 'USD a distinct document, retries and repairs included.';
comment on column cost_by_model.unsettled_upper_usd is 'USD that the unsettled calls can have cost at most; NULL when there is none, or none has a bound.';
