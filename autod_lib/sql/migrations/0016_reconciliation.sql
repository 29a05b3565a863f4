-- What the provider's usage and invoice said beside the ledger, and how unsettled calls ended by their proof.

create table reconciliation_steps (
    run_id varchar, seq bigint, logged_at timestamptz, is_simulated boolean, source varchar, day_utc date, model varchar, step varchar, calls bigint,
    usd decimal(24,12), sentence varchar
);
comment on table reconciliation_steps is 'Every comparison of the ledger with an invoice: for each day the ledger, the steps that explain the difference, and the invoice.';
comment on column reconciliation_steps.run_id is 'Run of `autod reconcile`.';
comment on column reconciliation_steps.seq is 'Place of the event in its segment.';
comment on column reconciliation_steps.logged_at is 'When, UTC.';
comment on column reconciliation_steps.is_simulated is 'Whether the provider is simulated.';
comment on column reconciliation_steps.source is 'Address or file that the invoice is from.';
comment on column reconciliation_steps.day_utc is 'Day compared, UTC.';
comment on column reconciliation_steps.model is 'Model; NULL: of all, or of none.';
comment on column reconciliation_steps.step is 'ledger, invoice, or what lies between: other_keys, cost_unknown, unsettled, not_in_ledger, not_shown, tokens, service_tier, price, rounding, other_services or unexplained.';
comment on column reconciliation_steps.calls is 'Calls of the step; negative: in the ledger and not shown.';
comment on column reconciliation_steps.usd is 'USD of the step: the ledger and the steps of a day add up to its invoice.';
comment on column reconciliation_steps.sentence is 'What explains it.';

create table call_reconciliations (
    run_id varchar, seq bigint, logged_at timestamptz, call_id uuid, is_simulated boolean, source varchar, day_utc date, is_billed boolean, calls_together bigint,
    model_answered varchar, price_tier varchar, price_date date, input_tokens bigint, cached_tokens bigint, cache_write_tokens bigint,
    cache_write_12h_tokens bigint, output_tokens bigint, cost_usd decimal(24,12), uncached_usd decimal(24,12), cached_usd decimal(24,12),
    cache_write_usd decimal(24,12), output_usd decimal(24,12), sentence varchar
);
comment on table call_reconciliations is 'Unsettled calls whose end the provider''s usage proves.';
comment on column call_reconciliations.run_id is 'Run of `autod reconcile --settle`.';
comment on column call_reconciliations.seq is 'Place of the event in its segment.';
comment on column call_reconciliations.logged_at is 'When, UTC.';
comment on column call_reconciliations.call_id is 'Call.';
comment on column call_reconciliations.is_simulated is 'Whether it was simulated.';
comment on column call_reconciliations.source is 'Address or file that the usage is from.';
comment on column call_reconciliations.day_utc is 'Day whose usage proves it, UTC.';
comment on column call_reconciliations.is_billed is 'Whether it was billed.';
comment on column call_reconciliations.calls_together is 'Calls that share the proof: of more than one, tokens and USD are a share of what they have together.';
comment on column call_reconciliations.model_answered is 'Model billed.';
comment on column call_reconciliations.price_tier is 'Service tier billed.';
comment on column call_reconciliations.price_date is 'Day of the price.';
comment on column call_reconciliations.input_tokens is 'Input tokens.';
comment on column call_reconciliations.cached_tokens is 'Of these, read from the cache.';
comment on column call_reconciliations.cache_write_tokens is 'Of these, written to the cache.';
comment on column call_reconciliations.cache_write_12h_tokens is 'Of the written ones, for 12 hours.';
comment on column call_reconciliations.output_tokens is 'Output tokens.';
comment on column call_reconciliations.cost_usd is 'USD, the tokens at our prices; NULL when it was not billed.';
comment on column call_reconciliations.uncached_usd is 'Of these, for uncached input.';
comment on column call_reconciliations.cached_usd is 'Of these, for cache reads.';
comment on column call_reconciliations.cache_write_usd is 'Of these, for cache writes.';
comment on column call_reconciliations.output_usd is 'Of these, for output.';
comment on column call_reconciliations.sentence is 'What proves it.';
