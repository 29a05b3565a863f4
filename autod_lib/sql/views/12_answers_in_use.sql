-- answers_in_use: which answer stands for each document?   Reads extractions, document_statuses, calls_finished, label_statements.   One row a document_sha256 with an answer.
-- A document is real as soon as anything about it is: then no simulated answer stands for it. A valid answer beats an invalid one, the one that gave the document
-- its newest status beats others that gave it one, and these beat an experiment; else the newest. An answer of neither kind of money (arm rules) stands only where
-- it gave a status, by a saved policy.
-- With only_labelled, for documents with a label alone: their figures need not wait for all others.
create or replace macro answers_in_use(only_labelled) as table
with labelled as (
    select distinct document_sha256 from label_statements
), kind as (
    select document_sha256, bool_and(is_simulated) as is_simulated
    from (
        select document_sha256, is_simulated from document_statuses union all select document_sha256, is_simulated from extractions
        union all select document_sha256, is_simulated from calls_finished
    ) where document_sha256 is not null and is_simulated is not null and (not only_labelled or document_sha256 in (select document_sha256 from labelled)) group by document_sha256
), asked as (
    select document_sha256, coalesce(request_key, arm) as request, max(logged_at) as asked_at from document_statuses
    where request is not null and status is distinct from 'pending' and (not only_labelled or document_sha256 in (select document_sha256 from labelled)) group by all
)
select extractions.* replace (kind.is_simulated as is_simulated)
from extractions join kind using (document_sha256)
left join asked on asked.document_sha256 = extractions.document_sha256 and asked.request = coalesce(extractions.request_key, extractions.arm)
where extractions.is_simulated = kind.is_simulated or (extractions.is_simulated is null and asked_at is not null)
qualify row_number() over (partition by extractions.document_sha256 order by is_valid desc, asked_at desc nulls last, logged_at desc, run_id desc, seq desc) = 1;
comment on macro table answers_in_use is 'The answer that stands for each document in documents, as a row of extractions. Parameter: whether documents with a label suffice. Grain: document_sha256.';
