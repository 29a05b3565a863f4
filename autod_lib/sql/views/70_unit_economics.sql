-- documents_right: how many documents are right in every labelled field?   Reads scored_fields, documents.   One row an is_simulated.
create or replace view documents_right as
with judged as (
    select document_sha256, scored.is_simulated, bool_and(is_right) as is_right from scored_fields as scored join documents using (document_sha256, call_id)
    group by document_sha256, scored.is_simulated
), counted as (
    select is_simulated, count(*) as labelled, count(*) filter (where is_right) as right_documents from judged group by is_simulated
)
select is_simulated, labelled, right_documents, right_documents / labelled as share_right, wilson_low(right_documents, labelled) as share_low,
       wilson_high(right_documents, labelled) as share_high
from counted;
comment on view documents_right is 'Documents whose every labelled field is right, by the answers that stand in documents. Grain: is_simulated.';
comment on column documents_right.is_simulated is 'Whether the answers are simulated.';
comment on column documents_right.labelled is 'Documents with a label and an answer.';
comment on column documents_right.right_documents is 'Of these, right in every labelled field.';
comment on column documents_right.share_right is 'Their share, 0 to 1.';
comment on column documents_right.share_low is 'Lower end of its 95 % interval.';
comment on column documents_right.share_high is 'Upper end of its 95 % interval.';

-- unit_economics(since, until): what does a document, a page, a correct document cost?   Reads headline, documents_right.   One row an is_simulated.
-- A correct document costs what an answered one costs, divided by the share of labelled documents that are right in every labelled field.
create or replace macro unit_economics(since, until) as table
select now.is_simulated, now.cost_usd, now.answered, now.pages, now.cost_a_document_usd, now.cost_a_thousand_pages_usd, labelled, right_documents, share_right,
       cast(now.cost_a_document_usd / nullif(share_right, 0) as decimal(24,12)) as cost_a_correct_document_usd,
       cast(now.cost_a_document_usd / nullif(share_high, 0) as decimal(24,12)) as correct_low_usd,
       cast(now.cost_a_document_usd / nullif(share_low, 0) as decimal(24,12)) as correct_high_usd
from headline(since, until) as now left join documents_right using (is_simulated);
comment on macro table unit_economics is 'USD an answered document, 1,000 pages, and a document that is right in every labelled field with the ends of its 95 % interval. Grain: is_simulated.';

-- month_forecast(today): what will the UTC month of `today` cost in the end?   Reads headline_by_day.   One row an is_simulated that has cost anything by `today`.
-- Method: what is spent + the days that follow × the mean of the last 28 days before today (fewer if the ledger is younger), quiet days counted as 0. Interval: 80 %, by the
-- spread of these days: ± 1.2816 × s × sqrt(r + r²/n) for r days to come and n days seen; never below what is spent; NULL with less than 7 days. Without a day before today there is no forecast.
create or replace macro month_forecast(today) as table
with span as (
    select cast(today as date) as day, make_date(year(cast(today as date)), month(cast(today as date)), 1) as month_first, last_day(cast(today as date)) as month_last
), spent as (
    select is_simulated, min(day_utc) as first_day,
           coalesce(sum(cost_usd) filter (where day_utc >= month_first), 0) as spent_usd
    from headline_by_day cross join span where day_utc <= span.day and cost_usd is not null group by is_simulated
), days as (
    select is_simulated, cast(unnest(generate_series(greatest(first_day, span.day - 28), span.day - 1, interval 1 day)) as date) as day_utc from spent cross join span
), seen as (
    select days.is_simulated, count(*) as days_seen, avg(cast(coalesce(cost_usd, 0) as double)) as mean, stddev_samp(cast(coalesce(cost_usd, 0) as double)) as spread
    from days left join headline_by_day as by_day on by_day.day_utc = days.day_utc and by_day.is_simulated = days.is_simulated group by days.is_simulated
), ahead as (
    select spent.is_simulated, month_first, month_last, span.day as today, month_last - span.day as days_left, coalesce(days_seen, 0) as days_seen, spent_usd,
           coalesce(mean, 0) as mean, spread
    from spent cross join span left join seen using (is_simulated)
)
select is_simulated, month_first, ahead.today as today, month_last, days_left, days_seen, cast(spent_usd as decimal(24,12)) as spent_usd,
       cast(mean as decimal(24,12)) as mean_a_day_usd, case when days_seen > 0 then cast(spent_usd + cast(days_left * mean as decimal(24,12)) as decimal(24,12)) end as forecast_usd,
       case when days_seen >= 7 then cast(spent_usd + cast(greatest(0, days_left * mean - 1.2816 * spread * sqrt(days_left + days_left * days_left / days_seen))
            as decimal(24,12)) as decimal(24,12)) end as forecast_low_usd,
       case when days_seen >= 7 then cast(spent_usd + cast(days_left * mean + 1.2816 * spread * sqrt(days_left + days_left * days_left / days_seen)
            as decimal(24,12)) as decimal(24,12)) end as forecast_high_usd
from ahead;
comment on macro table month_forecast is 'What is spent in the month of a day, and what the month will have cost, with an 80 % interval, in USD. Grain: is_simulated.';
