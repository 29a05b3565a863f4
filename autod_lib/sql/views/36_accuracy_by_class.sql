-- accuracy_by_class: how well is each kind of document recognised?   Reads scored_fields.   One row a (arm, doc_type, is_simulated).
-- An answer that the label accepts counts as the labelled kind. Intervals: 29_wilson.
create or replace view accuracy_by_class as
with answers as (
    select arm, is_simulated, truth, case when is_right then truth else answer end as answer from scored_fields where field = 'doc_type' and not is_absent
), counted as (
    select arm, is_simulated, doc_type, sum(labelled) as labelled, sum(answered) as answered, sum(right_answers) as right_answers
    from (
        select arm, is_simulated, truth as doc_type, 1 as labelled, 0 as answered, cast(answer is not distinct from truth as integer) as right_answers from answers
        union all select arm, is_simulated, answer, 0, 1, 0 from answers where answer is not null
    ) group by all
)
select arm, doc_type, is_simulated, cast(labelled as bigint) as labelled, cast(answered as bigint) as answered, cast(right_answers as bigint) as right_answers,
       right_answers / nullif(answered, 0) as precision, wilson_low(right_answers, answered) as precision_low, wilson_high(right_answers, answered) as precision_high,
       right_answers / nullif(labelled, 0) as recall, wilson_low(right_answers, labelled) as recall_low, wilson_high(right_answers, labelled) as recall_high,
       2 * right_answers / (answered + labelled) as f1
from counted;
comment on view accuracy_by_class is 'Precision, recall and F1 of each kind of document. Grain: arm, doc_type, is_simulated.';
comment on column accuracy_by_class.arm is 'Arm.';
comment on column accuracy_by_class.doc_type is 'Kind of document.';
comment on column accuracy_by_class.is_simulated is 'Whether the answers are simulated.';
comment on column accuracy_by_class.labelled is 'Documents of this kind by the label.';
comment on column accuracy_by_class.answered is 'Documents of this kind by the answer.';
comment on column accuracy_by_class.right_answers is 'Documents of this kind by both.';
comment on column accuracy_by_class.precision is 'right_answers / answered, 0 to 1; NULL when the kind was never answered.';
comment on column accuracy_by_class.precision_low is 'Lower end of its 95 % Wilson interval.';
comment on column accuracy_by_class.precision_high is 'Upper end of its 95 % Wilson interval.';
comment on column accuracy_by_class.recall is 'right_answers / labelled, 0 to 1; NULL when no document is of this kind.';
comment on column accuracy_by_class.recall_low is 'Lower end of its 95 % Wilson interval.';
comment on column accuracy_by_class.recall_high is 'Upper end of its 95 % Wilson interval.';
comment on column accuracy_by_class.f1 is 'Harmonic mean of precision and recall, 0 to 1.';
-- labelled_by_kind: which answers were labelled, and which not?   Reads scored_fields, extractions.   One row a (arm, field, doc_type, is_asked, is_simulated).
-- The strata of the weighted accuracy: kinds as the arm answered them, and whether a person was asked to look, which is known of labelled and unlabelled documents
-- alike. A review labels those that were asked far oftener, and among the others only documents that were drawn at random.
create or replace view labelled_by_kind as
with judged as (
    select document_sha256, call_id, arm, is_simulated, doc_type,
           coalesce(requires_review, true) or coalesce(json_array_length(review_reasons), 0) > 0 as is_asked
    from extractions where is_valid and is_simulated is not null
), answered as (
    select arm, is_simulated, doc_type, is_asked, count(distinct document_sha256) as documents from judged group by all
), kinds as (
    select distinct document_sha256, arm, is_simulated, judged.doc_type, is_asked
    from scored_fields as scored join judged using (document_sha256, arm, is_simulated, call_id) where field = 'doc_type' and answer is not null
), labelled as (
    select arm, scored.field, kinds.doc_type, is_asked, is_simulated, count(*) as labelled, count(*) filter (where is_right) as right_answers
    from scored_fields as scored join kinds using (document_sha256, arm, is_simulated) group by all
), fields as (
    select distinct arm, is_simulated, field from labelled
)
select arm, fields.field, answered.doc_type, is_asked, is_simulated, documents, coalesce(labelled, 0) as labelled, coalesce(right_answers, 0) as right_answers
from fields join answered using (arm, is_simulated) left join labelled using (arm, field, doc_type, is_asked, is_simulated);
comment on view labelled_by_kind is 'Documents, labels and right answers by the kind that was answered. Grain: arm, field, doc_type, is_asked, is_simulated.';
comment on column labelled_by_kind.arm is 'Arm.';
comment on column labelled_by_kind.field is 'Field of the record.';
comment on column labelled_by_kind.doc_type is 'Kind that the arm answered.';
comment on column labelled_by_kind.is_asked is 'Whether a person was asked to look at the answer.';
comment on column labelled_by_kind.is_simulated is 'Whether the answers are simulated.';
comment on column labelled_by_kind.documents is 'Documents that were given this kind, and were asked about or not, labelled or not.';
comment on column labelled_by_kind.labelled is 'Of these, with a label of the field and of their kind.';
comment on column labelled_by_kind.right_answers is 'Of these, answered rightly.';
