-- headline_by_day: what was done and what did it cost, each day, so that any period can be added up?   Reads document_statuses, documents_read, label_statements,
-- api_calls.   One row a (day_utc, is_simulated) on which a document got its first status or a call ended (a call without an end: began).
-- A document counts once, on the day of its first status, with the status it has now: no later run moves it into another period, and every column can be summed.
create or replace view headline_by_day as
with states as (
    select document_sha256, is_simulated, cast(make_timestamp(epoch_us(min(logged_at))) as date) as day_utc, arg_max_null(status, (logged_at, run_id, seq)) as status
    from document_statuses where document_sha256 is not null and is_simulated is not null group by document_sha256, is_simulated
), pages as (
    select document_sha256, arg_max_null(page_count, (logged_at, run_id, seq)) as page_count from documents_read where document_sha256 is not null group by document_sha256
), labelled as (
    select distinct document_sha256, true as is_labelled from label_statements
), of_documents as (
    select day_utc, is_simulated,
           count(*)                                                                    as documents,
           count(*) filter (where status in ('processed', 'needs_review'))             as answered,
           count(*) filter (where status = 'needs_review' and is_labelled is null)     as needs_review,
           count(*) filter (where status in ('failed', 'rejected', 'quarantined'))     as failed,
           count(*) filter (where status = 'pending')                                  as pending,
           sum(page_count) filter (where status in ('processed', 'needs_review'))      as pages
    from states left join pages using (document_sha256) left join labelled using (document_sha256) group by day_utc, is_simulated
), of_calls as (
    select cast(make_timestamp(epoch_us(coalesce(finished_at, started_at))) as date) as day_utc, is_simulated,
           count(*)                                                              as calls,
           count(*) filter (where cost_usd is null and status = 'answered')      as calls_unpriced,
           count(*) filter (where status = 'unsettled')                          as calls_unsettled,
           sum(cost_upper_usd) filter (where status = 'unsettled')               as unsettled_upper_usd,
           sum(cost_usd)                                                         as cost_usd,
           sum(input_tokens) filter (where cached_tokens is not null)            as input_tokens,
           sum(cached_tokens)                                                    as cached_tokens,
           sum(output_tokens)                                                    as output_tokens
    from api_calls group by all
)
select day_utc, is_simulated, coalesce(documents, 0) as documents, coalesce(answered, 0) as answered, coalesce(needs_review, 0) as needs_review,
       coalesce(failed, 0) as failed, coalesce(pending, 0) as pending, coalesce(pages, 0) as pages, coalesce(calls, 0) as calls,
       coalesce(calls_unpriced, 0) as calls_unpriced, coalesce(calls_unsettled, 0) as calls_unsettled, unsettled_upper_usd, cost_usd,
       coalesce(input_tokens, 0) as input_tokens, coalesce(cached_tokens, 0) as cached_tokens, coalesce(output_tokens, 0) as output_tokens
from of_documents full join of_calls using (day_utc, is_simulated);
comment on view headline_by_day is 'Documents and calls of each day; every column can be added up over days. Grain: day_utc, is_simulated.';
comment on column headline_by_day.day_utc is 'Day, UTC: of a document''s first status, and of a call''s end (of its start when it has none).';
comment on column headline_by_day.is_simulated is 'Whether the API was simulated: simulated and real money never share a row.';
comment on column headline_by_day.documents is 'Documents that got their first status on the day; each counts once.';
comment on column headline_by_day.answered is 'Of these, those answered by now, those that need review included.';
comment on column headline_by_day.needs_review is 'Of these, those that a person should look at and nobody has labelled.';
comment on column headline_by_day.failed is 'Of these, those failed, rejected or quarantined.';
comment on column headline_by_day.pending is 'Of these, those still waiting.';
comment on column headline_by_day.pages is 'Pages of the answered ones.';
comment on column headline_by_day.calls is 'Calls, whatever became of them.';
comment on column headline_by_day.calls_unpriced is 'Answered calls without a known price; cost_usd leaves them out.';
comment on column headline_by_day.calls_unsettled is 'Calls whose end nobody knows.';
comment on column headline_by_day.unsettled_upper_usd is 'USD, DECIMAL, that these can have cost at most; NULL when there are none.';
comment on column headline_by_day.cost_usd is 'USD, DECIMAL; NULL when no call had a price, never 0.';
comment on column headline_by_day.input_tokens is 'Input tokens of calls whose answer tells what was cached.';
comment on column headline_by_day.cached_tokens is 'Of these, read from the prompt cache.';
comment on column headline_by_day.output_tokens is 'Output tokens, reasoning included.';

-- headline(since, until): the same for a period from the day `since` to the day `until`, both included; NULL leaves an end open.   One row an is_simulated.
create or replace macro headline(since, until) as table
select is_simulated, min(day_utc) as first_day, max(day_utc) as last_day,
       cast(sum(documents) as bigint) as documents, cast(sum(answered) as bigint) as answered, cast(sum(needs_review) as bigint) as needs_review,
       cast(sum(failed) as bigint) as failed, cast(sum(pending) as bigint) as pending, cast(sum(pages) as bigint) as pages,
       cast(sum(calls) as bigint) as calls, cast(sum(calls_unpriced) as bigint) as calls_unpriced, cast(sum(calls_unsettled) as bigint) as calls_unsettled,
       sum(unsettled_upper_usd) as unsettled_upper_usd, sum(cost_usd) as cost_usd,
       sum(cached_tokens) / nullif(sum(input_tokens), 0) as share_cached,
       cast(sum(cost_usd) / nullif(sum(answered), 0) as decimal(24,12)) as cost_a_document_usd,
       cast(sum(cost_usd) * 1000 / nullif(sum(pages), 0) as decimal(24,12)) as cost_a_thousand_pages_usd
from headline_by_day
where day_utc >= coalesce(cast(since as date), date '0001-01-01') and day_utc <= coalesce(cast(until as date), date '9999-12-31')
group by is_simulated;
comment on macro table headline is 'headline_by_day added up over a period, with the share of input read from the cache (0 to 1) and the cost of an answered document and of 1,000 of their pages in USD, re-runs and experiments included. Grain: is_simulated.';
