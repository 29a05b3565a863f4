-- labels_current: what is the truth, as last stated?   Reads labels_log.   One row a (document_sha256, field).
create or replace view labels_current as
select document_sha256, field, arg_max_null(value, (logged_at, run_id, seq)) as value, arg_max_null(is_absent, (logged_at, run_id, seq)) as is_absent,
       arg_max_null(alternatives, (logged_at, run_id, seq)) as alternatives, arg_max_null(labeller, (logged_at, run_id, seq)) as labeller,
       arg_max_null(source, (logged_at, run_id, seq)) as source, max(logged_at) as labelled_at, count(*) as statements
from labels_log group by document_sha256, field;
comment on view labels_current is 'The newest label of each field. Grain: document_sha256, field.';
comment on column labels_current.document_sha256 is 'Document.';
comment on column labels_current.field is 'Field of the record.';
comment on column labels_current.value is 'The truth as text; NULL when the document has none.';
comment on column labels_current.is_absent is 'Whether the document has no such value.';
comment on column labels_current.alternatives is 'Other values that a careful reader could defend.';
comment on column labels_current.labeller is 'Who says so.';
comment on column labels_current.source is 'File or notebook it came from.';
comment on column labels_current.labelled_at is 'When, UTC.';
comment on column labels_current.statements is 'Labels ever given to this field of this document.';
