-- label_statements: which labels were given and not taken back?   Reads labels_log, label_withdrawals.   One row a (run_id, seq).
create or replace view label_statements as
from labels_log anti join (select label_run_id as run_id, label_seq as seq from label_withdrawals) as withdrawn using (run_id, seq);
comment on view label_statements is 'Every label that was not taken back. Grain: run_id, seq.';
comment on column label_statements.run_id is 'Run.';
comment on column label_statements.seq is 'Place of the event in its segment.';
comment on column label_statements.logged_at is 'When it was recorded, UTC.';
comment on column label_statements.document_sha256 is 'Document.';
comment on column label_statements.field is 'Field of the record.';
comment on column label_statements.value is 'The truth as text, a list as JSON; NULL when the document has none.';
comment on column label_statements.is_absent is 'Whether the document has no such value.';
comment on column label_statements.alternatives is 'Other values that a careful reader could defend.';
comment on column label_statements.labeller is 'Who says so.';
comment on column label_statements.source is 'File or notebook it came from.';
comment on column label_statements.labelled_at is 'When the labeller said so, UTC; NULL: when it was recorded.';
comment on column label_statements.settles is 'Whether it counts over what other labellers said of this field; NULL: it does not.';
-- labels_by_labeller: what does each labeller say?   Reads label_statements.   One row a (document_sha256, field, labeller): the newest statement of that labeller.
create or replace view labels_by_labeller as
with statements as (
    select *, coalesce(labeller, 'unnamed') as who, (coalesce(labelled_at, logged_at), logged_at, run_id, seq) as place from label_statements
)
select document_sha256, field, who as labeller, arg_max_null(value, place) as value, coalesce(arg_max_null(is_absent, place), false) as is_absent,
       arg_max_null(alternatives, place) as alternatives, arg_max_null(source, place) as source, max(coalesce(labelled_at, logged_at)) as labelled_at,
       max(logged_at) filter (where settles) as settled_at, min((logged_at, run_id, seq)) as first_place, count(*) as statements
from statements group by document_sha256, field, who;
comment on view labels_by_labeller is 'The newest label of each labeller. Grain: document_sha256, field, labeller.';
comment on column labels_by_labeller.document_sha256 is 'Document.';
comment on column labels_by_labeller.field is 'Field of the record.';
comment on column labels_by_labeller.labeller is 'Who says so.';
comment on column labels_by_labeller.value is 'The truth as text, a list as JSON; NULL when the document has none.';
comment on column labels_by_labeller.is_absent is 'Whether the document has no such value.';
comment on column labels_by_labeller.alternatives is 'Other values that a careful reader could defend.';
comment on column labels_by_labeller.source is 'File or notebook it came from.';
comment on column labels_by_labeller.labelled_at is 'When the labeller said so, UTC.';
comment on column labels_by_labeller.settled_at is 'When this labeller settled the field last, UTC; NULL: never.';
comment on column labels_by_labeller.first_place is 'When and in which run this labeller labelled the field first.';
comment on column labels_by_labeller.statements is 'Labels this labeller ever gave to the field.';
-- labels_current: what is the truth?   Reads labels_by_labeller.   One row a (document_sha256, field).
-- Whose word counts: the labeller who settled the field last; if nobody did, the one who labelled it first. Of that labeller the newest statement. What another
-- labeller says is kept and measured (label_contradictions, label_agreement), and changes no figure until somebody settles it.
create or replace view labels_current as
with ranked as (
    select *, sum(statements) over word as all_statements, count(*) over word as labellers,
           row_number() over (partition by document_sha256, field order by settled_at desc nulls last, first_place, labeller) as place
    from labels_by_labeller window word as (partition by document_sha256, field)
)
select document_sha256, field, value, is_absent, alternatives, labeller, source, labelled_at, settled_at, cast(all_statements as bigint) as statements, labellers
from ranked where place = 1;
comment on view labels_current is 'The truth of each labelled field: of the labeller who settled it last, else labelled it first, the newest statement. Grain: document_sha256, field.';
comment on column labels_current.document_sha256 is 'Document.';
comment on column labels_current.field is 'Field of the record.';
comment on column labels_current.value is 'The truth as text, a list as JSON; NULL when the document has none.';
comment on column labels_current.is_absent is 'Whether the document has no such value.';
comment on column labels_current.alternatives is 'Other values that a careful reader could defend.';
comment on column labels_current.labeller is 'Who says so.';
comment on column labels_current.source is 'File or notebook it came from.';
comment on column labels_current.labelled_at is 'When the labeller said so, UTC.';
comment on column labels_current.settled_at is 'When it was given to settle what labellers disagree about, UTC; NULL: it was not.';
comment on column labels_current.statements is 'Labels ever given to this field of this document, by anybody.';
comment on column labels_current.labellers is 'Who labelled it at all: people.';
