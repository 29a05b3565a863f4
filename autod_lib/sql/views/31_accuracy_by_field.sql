-- accuracy_by_field: how often is each field right?   Reads scored_fields.   One row a (arm, field, is_simulated), and one of field (all) an arm.
-- Intervals: 29_wilson. A blank label is never scored. What hangs together in a document, fields of (all) and items of a list, counts as trials_in_effect.
create or replace view accuracy_by_field as
with by_document as (
    select arm, coalesce(field, '(all)') as field, is_simulated, document_sha256, count(*) as labels, count(answer) as answers, count(*) filter (where is_right) as hits,
           count(*) filter (where is_right_strict) as hits_strict, sum(cast(score as decimal(18,12))) as scores,
           cast(sum(items_right) as bigint) as items_right, cast(sum(items_answered) as bigint) as items_answered, cast(sum(items_true) as bigint) as items_true
    from scored_fields group by grouping sets ((arm, field, is_simulated, document_sha256), (arm, is_simulated, document_sha256))
), counted as (
    select arm, field, is_simulated, cast(sum(labels) as bigint) as labelled, cast(sum(answers) as bigint) as answered, cast(sum(hits) as bigint) as right_answers,
           cast(sum(hits_strict) as bigint) as right_strictly, cast(sum(scores) / sum(labels) as double) as score,
           sum(items_right) / nullif(sum(items_answered), 0) as precision, sum(items_right) / nullif(sum(items_true), 0) as recall,
           2 * sum(items_right) / nullif(sum(items_answered) + sum(items_true), 0) as f1, trials_in_effect(hits, labels) as labels_in_effect,
           trials_in_effect(items_right, items_answered) as answered_in_effect, trials_in_effect(items_right, items_true) as true_in_effect
    from by_document group by arm, field, is_simulated
)
select arm, field, is_simulated, labelled, answered, right_answers, right_answers / labelled as accuracy,
       wilson_low(accuracy * labels_in_effect, labels_in_effect) as accuracy_low, wilson_high(accuracy * labels_in_effect, labels_in_effect) as accuracy_high,
       right_strictly / labelled as accuracy_strict, score,
       precision, wilson_low(precision * answered_in_effect, answered_in_effect) as precision_low,
       wilson_high(precision * answered_in_effect, answered_in_effect) as precision_high,
       recall, wilson_low(recall * true_in_effect, true_in_effect) as recall_low, wilson_high(recall * true_in_effect, true_in_effect) as recall_high,
       f1, labels_in_effect
from counted;
comment on view accuracy_by_field is 'Accuracy of each arm on the labelled documents. Grain: arm, field, is_simulated.';
comment on column accuracy_by_field.arm is 'Arm.';
comment on column accuracy_by_field.field is 'Field of the record; (all): all labelled fields together.';
comment on column accuracy_by_field.is_simulated is 'Whether the answers are simulated.';
comment on column accuracy_by_field.labelled is 'Labels scored.';
comment on column accuracy_by_field.answered is 'Of these, with an answer.';
comment on column accuracy_by_field.right_answers is 'Of these labels, answered rightly, absence included.';
comment on column accuracy_by_field.accuracy is 'right_answers / labelled, 0 to 1.';
comment on column accuracy_by_field.accuracy_low is 'Lower end of its 95 % interval.';
comment on column accuracy_by_field.accuracy_high is 'Upper end of its 95 % interval.';
comment on column accuracy_by_field.accuracy_strict is 'The same without defensible alternatives.';
comment on column accuracy_by_field.score is 'Mean of how right each answer is, 0 to 1; see scored_fields.';
comment on column accuracy_by_field.precision is 'Values found rightly as a share of the values answered, 0 to 1; NULL without any.';
comment on column accuracy_by_field.precision_low is 'Lower end of its 95 % Wilson interval.';
comment on column accuracy_by_field.precision_high is 'Upper end of its 95 % Wilson interval.';
comment on column accuracy_by_field.recall is 'Values found rightly as a share of the values that are there, 0 to 1; NULL without any.';
comment on column accuracy_by_field.recall_low is 'Lower end of its 95 % Wilson interval.';
comment on column accuracy_by_field.recall_high is 'Upper end of its 95 % Wilson interval.';
comment on column accuracy_by_field.f1 is 'Harmonic mean of precision and recall, 0 to 1.';
comment on column accuracy_by_field.labels_in_effect is 'Independent labels that these are worth: those of one document hang together.';
