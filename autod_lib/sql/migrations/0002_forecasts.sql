-- What a run was expected to cost before it began, and what an estimate was made from, so that later ones learn.

alter table calls_started add column rule_input_tokens bigint;
alter table calls_started add column estimated_pages integer;
alter table calls_started add column estimated_output_tokens bigint;
alter table calls_started add column estimate_confidence varchar;
comment on column calls_started.estimated_input_tokens is 'Input tokens estimated before the call, with what was learned.';
comment on column calls_started.rule_input_tokens is 'Input tokens by the published rules alone, before what was learned; NULL: not recorded.';
comment on column calls_started.estimated_pages is 'Pages of the document that the estimate took; NULL: none, or not recorded.';
comment on column calls_started.estimated_output_tokens is 'Output tokens estimated before the call; NULL: not recorded.';
comment on column calls_started.estimate_confidence is 'high: the text of the document was counted; medium: only its pages. NULL: no document, or not recorded.';

alter table calls_finished add column rule_input_tokens bigint;
alter table calls_finished add column estimated_pages integer;
alter table calls_finished add column estimated_output_tokens bigint;
alter table calls_finished add column estimate_confidence varchar;
comment on column calls_finished.rule_input_tokens is 'As in calls_started.';
comment on column calls_finished.estimated_pages is 'As in calls_started.';
comment on column calls_finished.estimated_output_tokens is 'As in calls_started.';
comment on column calls_finished.estimate_confidence is 'As in calls_started.';

create table forecasts (
    run_id varchar, seq bigint, logged_at timestamptz, basis varchar, model varchar, tier varchar, input_mode varchar, is_simulated boolean, is_chosen boolean,
    documents bigint, documents_seen bigint, input_tokens bigint, cached_tokens bigint, cache_write_tokens bigint, output_tokens bigint,
    expected_usd decimal(24,12), low_usd decimal(24,12), high_usd decimal(24,12), upper_usd decimal(24,12), spread double
);
comment on table forecasts is 'What each run that had something to ask was expected to take, before it asked; one row a way that was weighed.';
comment on column forecasts.run_id is 'Run.';
comment on column forecasts.seq is 'Place of the event in its segment.';
comment on column forecasts.logged_at is 'When, UTC.';
comment on column forecasts.basis is 'read: the documents had been read and counted; size: only files and sizes were known.';
comment on column forecasts.model is 'Model.';
comment on column forecasts.tier is 'sync, flex or batch.';
comment on column forecasts.input_mode is 'Input mode as asked: auto, text, file-low or file-high.';
comment on column forecasts.is_simulated is 'Whether the calls are simulated.';
comment on column forecasts.is_chosen is 'Whether this is what the run then did; the other rows are what was weighed beside it.';
comment on column forecasts.documents is 'Documents to be asked.';
comment on column forecasts.documents_seen is 'Documents of the ledger that the interval is made from; 0: the wide one that is taken before any was seen.';
comment on column forecasts.input_tokens is 'Input tokens expected.';
comment on column forecasts.cached_tokens is 'Of these, expected to be read from the cache.';
comment on column forecasts.cache_write_tokens is 'Of these, expected to be written to it.';
comment on column forecasts.output_tokens is 'Output tokens expected.';
comment on column forecasts.expected_usd is 'USD expected; NULL without a price.';
comment on column forecasts.low_usd is 'Lower end of the 80 % interval, USD.';
comment on column forecasts.high_usd is 'Upper end of the 80 % interval, USD.';
comment on column forecasts.upper_usd is 'USD that it can cost at most, every call at its bound; NULL where only sizes were known.';
comment on column forecasts.spread is 'Standard deviation of the logarithm of bill over forecast that the interval is made from.';
