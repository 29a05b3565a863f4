-- confusion: which kinds are taken for which?   Reads scored_fields.   One row a (arm, truth, answer, is_simulated).
create or replace view confusion as
select arm, truth, coalesce(answer, '(none)') as answer, truth || ' as ' || coalesce(answer, '(none)') as taken, is_simulated, count(*) as documents, count(*) filter (where is_right) as accepted,
       list(document_sha256 order by document_sha256) as document_sha256s
from scored_fields where field = 'doc_type' group by arm, truth, coalesce(answer, '(none)'), is_simulated;
comment on view confusion is 'Labelled kind against answered kind. Grain: arm, truth, answer, is_simulated.';
comment on column confusion.arm is 'Arm.';
comment on column confusion.truth is 'Kind by the label.';
comment on column confusion.answer is 'Kind by the answer; (none): no valid answer.';
comment on column confusion.taken is 'Both in words: Receipt as Invoice.';
comment on column confusion.is_simulated is 'Whether the answers are simulated.';
comment on column confusion.documents is 'Documents.';
comment on column confusion.accepted is 'Of these, right or a defensible alternative.';
comment on column confusion.document_sha256s is 'The documents.';
