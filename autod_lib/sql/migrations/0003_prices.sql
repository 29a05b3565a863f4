-- The tier a call was billed in, and what the price lists say of the models in the ledger, so that views can reprice a call beside what it cost.

alter table calls_finished add column price_tier varchar;
comment on column calls_finished.price_tier is 'Service tier billed: standard, flex, batch, priority, …; NULL before it was kept, or when nothing came back.';
comment on column calls_finished.price_rates is 'USD a million tokens: input, cached, written, written_12h, output; and service_tier, whose rates they are.';

create table price_list (
    model varchar not null, day date not null, service_tier varchar not null, above_input_tokens bigint not null, up_to_input_tokens bigint,
    input_rate decimal(18,6) not null, cached_rate decimal(18,6) not null, written_rate decimal(18,6) not null, written_12h_rate decimal(18,6),
    output_rate decimal(18,6) not null, price_since date, price_source varchar not null
);
comment on table price_list is 'What the price lists of this machine say: each model of the ledger, on each day it was asked and today. Made anew, never the record of a bill.';
comment on column price_list.model is 'Model as answers name it.';
comment on column price_list.day is 'Day, UTC.';
comment on column price_list.service_tier is 'Tier as billed: standard, flex, batch, priority, fast, or one of the own price file.';
comment on column price_list.above_input_tokens is 'For prompts longer than this, in input tokens; 0: from the first.';
comment on column price_list.up_to_input_tokens is 'For prompts up to this length, in input tokens; NULL: of any length.';
comment on column price_list.input_rate is 'USD a million uncached input tokens.';
comment on column price_list.cached_rate is 'USD a million input tokens read from the cache.';
comment on column price_list.written_rate is 'USD a million input tokens written to the cache.';
comment on column price_list.written_12h_rate is 'USD a million input tokens written for 12 hours; NULL when nobody prices that.';
comment on column price_list.output_rate is 'USD a million output tokens.';
comment on column price_list.price_since is 'First day of this price; NULL: as far back as the list goes.';
comment on column price_list.price_source is 'Where it is from.';

create table price_list_state (fingerprint varchar not null, today date not null);
comment on table price_list_state is 'What price_list was made from: it is made anew when the day or a price list changes. One row.';
comment on column price_list_state.fingerprint is 'Hash of the price lists.';
comment on column price_list_state.today is 'The day taken for today, UTC.';
