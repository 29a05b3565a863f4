-- accuracy_in_use: how often is what the table `documents` was given right, whichever arm gave it?   Reads scored_fields, answers_in_use.
-- One row a (field, is_simulated), and one of field (all). Only the answer that stands in `documents` counts, before labels overlay it; experiments do not.
-- Intervals: 29_wilson. A blank label is never scored. The labels of a document hang together: those of (all) count as trials_in_effect.
create or replace view accuracy_in_use as
with used as (
    select scored.* from scored_fields as scored join answers_in_use(true) as answers using (document_sha256, arm, is_simulated)
    where scored.call_id is not distinct from answers.call_id
), by_document as (
    select coalesce(field, '(all)') as field, is_simulated, document_sha256, count(*) as labels, count(answer) as answers, count(*) filter (where is_right) as hits
    from used group by grouping sets ((field, is_simulated, document_sha256), (is_simulated, document_sha256))
), counted as (
    select field, is_simulated, count(*) as documents, cast(sum(labels) as bigint) as labelled, cast(sum(answers) as bigint) as answered,
           cast(sum(hits) as bigint) as right_answers, trials_in_effect(hits, labels) as labels_in_effect
    from by_document group by field, is_simulated
)
select field, is_simulated, documents, labelled, answered, right_answers, right_answers / labelled as accuracy,
       wilson_low(accuracy * labels_in_effect, labels_in_effect) as accuracy_low, wilson_high(accuracy * labels_in_effect, labels_in_effect) as accuracy_high,
       labels_in_effect
from counted;
comment on view accuracy_in_use is 'Accuracy of the answers that stand in documents, whichever arm gave them. Grain: field, is_simulated.';
comment on column accuracy_in_use.field is 'Field of the record, or (all).';
comment on column accuracy_in_use.is_simulated is 'Whether the answers are simulated.';
comment on column accuracy_in_use.documents is 'Labelled documents.';
comment on column accuracy_in_use.labelled is 'Labelled fields that were scored.';
comment on column accuracy_in_use.answered is 'Of these, those with an answer.';
comment on column accuracy_in_use.right_answers is 'Of these, those that are right; a value rightly left out is right.';
comment on column accuracy_in_use.accuracy is 'Share right, 0 to 1.';
comment on column accuracy_in_use.accuracy_low is 'Lower end of its 95 % interval.';
comment on column accuracy_in_use.accuracy_high is 'Upper end of its 95 % interval.';
comment on column accuracy_in_use.labels_in_effect is 'Independent labels that these are worth: those of one document hang together.';
