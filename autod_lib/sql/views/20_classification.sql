-- classification: what kinds of document are there?   Reads documents.   One row a (doc_type, is_simulated) among documents with an answer that are not deleted.
create or replace view classification as
select doc_type, is_simulated,
       count(*)                                                       as documents,
       count(*) / sum(count(*)) over (partition by is_simulated)      as share,
       sum(page_count)                                                as pages,
       avg(cast(confidence_score as decimal(18,9)))                                          as mean_confidence,
       count(*) filter (where needs_review)                           as needs_review,
       arg_min(document_sha256, (coalesce(confidence_score, 0), document_sha256), 10) as least_sure_sha256s
from documents where doc_type is not null and is_simulated is not null and not is_deleted group by doc_type, is_simulated;
comment on view classification is 'Documents by kind. Grain: doc_type, is_simulated.';
comment on column classification.doc_type is 'Kind of document, labels included.';
comment on column classification.is_simulated is 'Whether the answers are simulated.';
comment on column classification.documents is 'Documents.';
comment on column classification.share is 'Share of all documents with an answer, 0 to 1.';
comment on column classification.pages is 'Pages.';
comment on column classification.mean_confidence is 'Mean of the stated confidence, 0 to 1.';
comment on column classification.needs_review is 'Documents that a person should look at.';
comment on column classification.least_sure_sha256s is 'The 10 documents of the least stated confidence, that without one first.';
