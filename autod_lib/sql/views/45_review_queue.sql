-- review_queue: what should a person look at first?   Reads documents, confidence_map, confidence_use.   One row a document that needs review, least sure first in the notebooks.
-- How sure: the confidence recalibrated on all labels of the arm where that proved better than the stated one (37_confidence), else the stated one.
create or replace view review_queue as
with waiting as (
    select * from documents where needs_review and not is_deleted
), used as (
    select confidence_map.* from confidence_map join confidence_use using (arm, is_simulated) where fold = -1 and is_used
)
select waiting.document_sha256, file_name, doc_type, confidence_score, coalesce(used.calibrated, waiting.confidence_score) as confidence_used, issuer, primary_date, total_amount,
       currency, is_valid, review_reasons, error_sentence, waiting.is_simulated, processed_at
from waiting asof left join used
     on waiting.arm = used.arm and waiting.is_simulated = used.is_simulated and round(waiting.confidence_score, 2) >= used.stated_from;
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
