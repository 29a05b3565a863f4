-- review_queue: what should a person look at first?   Reads documents, confidence_map, confidence_use.   One row a document that needs review.
-- How sure: the confidence recalibrated on all labels of the arm where that proved better than the stated one (37_confidence), else the stated one; one that is
-- missing or not a number is taken for 0. What is at stake: the rank of the amount among those that wait in the same currency, because amounts of different
-- currencies cannot be added and a misread amount shall not outweigh all others. The order is that of their product, `worth`.
create or replace view review_queue as
with waiting as (
    select * replace (case when not isnan(confidence_score) then confidence_score end as confidence_score) from documents where needs_review and not is_deleted
), used as (
    select confidence_map.* from confidence_map join confidence_use using (arm, is_simulated) where fold = -1 and is_used
), judged as (
    select waiting.*, coalesce(used.calibrated, waiting.confidence_score) as confidence_used,
           rank() over (partition by waiting.is_simulated, currency, total_amount is null order by abs(total_amount)) - 1 as smaller,
           count(*) over (partition by waiting.is_simulated, currency, abs(total_amount)) as equal,
           count(*) over (partition by waiting.is_simulated, currency, total_amount is null) as comparable
    from waiting asof left join used
         on waiting.arm = used.arm and waiting.is_simulated = used.is_simulated and round(waiting.confidence_score, 2) >= used.stated_from
), weighed as (
    select *, case when confidence_used is null then 1 else 1 - greatest(0, least(1, confidence_used)) end as uncertainty,
           case when total_amount is null then 1 else 0.5 + cast(smaller + equal / 2 as double) / comparable end as stake
    from judged
)
select document_sha256, file_name, doc_type, confidence_score, confidence_used, issuer, primary_date, total_amount, currency, is_valid, review_reasons,
       error_sentence, is_simulated, processed_at, uncertainty, stake, uncertainty * stake as worth
from weighed;
comment on view review_queue is 'Documents that a person should look at. Grain: document_sha256.';
comment on column review_queue.document_sha256 is 'Document.';
comment on column review_queue.file_name is 'Name.';
comment on column review_queue.doc_type is 'Kind of document.';
comment on column review_queue.confidence_score is 'Stated confidence, 0 to 1.';
comment on column review_queue.confidence_used is 'Probability that doc_type is right, recalibrated on labels where that is better, 0 to 1.';
comment on column review_queue.issuer is 'Who issued it.';
comment on column review_queue.primary_date is 'Day of issue.';
comment on column review_queue.total_amount is 'Grand total in `currency`.';
comment on column review_queue.currency is 'ISO 4217.';
comment on column review_queue.is_valid is 'Whether the answer keeps the rules.';
comment on column review_queue.review_reasons is 'Why.';
comment on column review_queue.error_sentence is 'What happened.';
comment on column review_queue.is_simulated is 'Whether the answer is simulated.';
comment on column review_queue.processed_at is 'When, UTC.';
comment on column review_queue.uncertainty is '1 - confidence_used, 0 to 1; 1 where it is not known.';
comment on column review_queue.stake is '0.5 to 1.5 by the rank of the amount among those waiting in its currency; 1 for the middle one, and without an amount.';
comment on column review_queue.worth is 'uncertainty x stake: what a look is worth, beside the others.';
-- review_order: in which order does a person review?   Reads review_queue, audit_sample.   One row a document, the first `size` of each kind of money.
-- By worth, and among them every so many a document of audit_sample: with a `share` of 0.2 each fifth. Labels of doubtful answers alone say nothing of the others.
create or replace macro review_order(size, share) as table
with asked as (
    select * exclude (primary_date, is_valid, processed_at), false as is_random,
           row_number() over (partition by is_simulated order by worth desc, document_sha256) as turn
    from review_queue
    qualify turn <= size - round(size * share)
), drawn as (
    select document_sha256, file_name, doc_type, confidence_score, is_simulated, true as is_random, turn from audit_sample(cast(round(size * share) as bigint))
), mixed as (
    from asked union all by name from drawn
)
select row_number() over (partition by is_simulated order by turn / nullif(case when is_random then share else 1 - share end, 0), is_random) as place, * exclude (turn)
from mixed;
comment on macro table review_order is 'Documents in the order in which they are reviewed. Parameters: how many, and the share of them that is drawn at random, 0 to 1. Grain: document_sha256.';
