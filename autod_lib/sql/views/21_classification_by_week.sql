-- classification_by_week: how does the mix of kinds move?   Reads extractions.   One row a (week_utc, doc_type, is_simulated); first valid answer of each document.
create or replace view classification_by_week as
with firsts as (
    select document_sha256, is_simulated, arg_min_null(doc_type, (logged_at, run_id, seq)) as doc_type, arg_min_null(confidence_score, (logged_at, run_id, seq)) as confidence_score,
           min(logged_at) as logged_at
    from extractions where is_valid and is_simulated is not null group by document_sha256, is_simulated
), days as (
    select cast(make_timestamp(epoch_us(logged_at)) as date) as day_utc, * from firsts
)
select day_utc - cast(isodow(day_utc) - 1 as integer) as week_utc, doc_type, is_simulated, count(*) as documents, avg(cast(confidence_score as decimal(18,9))) as mean_confidence
from days group by all;
comment on view classification_by_week is 'Documents by the week of their first answer and kind. Grain: week_utc, doc_type, is_simulated.';
comment on column classification_by_week.week_utc is 'Monday of the week, UTC.';
comment on column classification_by_week.doc_type is 'Kind that the answer gave.';
comment on column classification_by_week.is_simulated is 'Whether the answers are simulated.';
comment on column classification_by_week.documents is 'Documents first answered in the week.';
comment on column classification_by_week.mean_confidence is 'Mean of the stated confidence, 0 to 1.';
