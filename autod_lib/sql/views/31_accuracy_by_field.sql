-- accuracy_by_field: how often is each field right?   Reads scored_fields.   One row a (arm, field, is_simulated), and one of field (all) an arm.
-- Intervals: 29_wilson. A blank label is never scored. (all) treats its fields as independent.
create or replace view accuracy_by_field as
with counted as (
    select arm, coalesce(field, '(all)') as field, is_simulated, count(*) as labelled, count(answer) as answered, count(*) filter (where is_right) as hits,
           count(*) filter (where is_right_strict) as hits_strict, avg(cast(score as decimal(18,12))) as score,
           sum(items_right) as items_right, sum(items_answered) as items_answered, sum(items_true) as items_true
    from scored_fields group by grouping sets ((arm, field, is_simulated), (arm, is_simulated))
)
select arm, field, is_simulated, labelled, answered, hits as right_answers,
       hits / labelled                          as accuracy,
       wilson_low(hits, labelled)               as accuracy_low,
       wilson_high(hits, labelled)              as accuracy_high,
       hits_strict / labelled                   as accuracy_strict,
       score,
       items_right / nullif(items_answered, 0)  as precision,
       wilson_low(items_right, items_answered)  as precision_low,
       wilson_high(items_right, items_answered) as precision_high,
       items_right / nullif(items_true, 0)      as recall,
       wilson_low(items_right, items_true)      as recall_low,
       wilson_high(items_right, items_true)     as recall_high,
       2 * items_right / nullif(items_answered + items_true, 0) as f1
from counted;
comment on view accuracy_by_field is 'Accuracy of each arm on the labelled documents. Grain: arm, field, is_simulated.';
comment on column accuracy_by_field.arm is 'Arm.';
comment on column accuracy_by_field.field is 'Field of the record; (all): all labelled fields together.';
comment on column accuracy_by_field.is_simulated is 'Whether the answers are simulated.';
comment on column accuracy_by_field.labelled is 'Labels scored.';
comment on column accuracy_by_field.answered is 'Of these, with an answer.';
comment on column accuracy_by_field.right_answers is 'Of these labels, answered rightly, absence included.';
comment on column accuracy_by_field.accuracy is 'right_answers / labelled, 0 to 1.';
comment on column accuracy_by_field.accuracy_low is 'Lower end of the 95 % Wilson interval.';
comment on column accuracy_by_field.accuracy_high is 'Upper end of the 95 % Wilson interval.';
comment on column accuracy_by_field.accuracy_strict is 'The same without defensible alternatives.';
comment on column accuracy_by_field.score is 'Mean of how right each answer is, 0 to 1; see scored_fields.';
comment on column accuracy_by_field.precision is 'Values found rightly as a share of the values answered, 0 to 1; NULL without any.';
comment on column accuracy_by_field.precision_low is 'Lower end of its 95 % Wilson interval.';
comment on column accuracy_by_field.precision_high is 'Upper end of its 95 % Wilson interval.';
comment on column accuracy_by_field.recall is 'Values found rightly as a share of the values that are there, 0 to 1; NULL without any.';
comment on column accuracy_by_field.recall_low is 'Lower end of its 95 % Wilson interval.';
comment on column accuracy_by_field.recall_high is 'Upper end of its 95 % Wilson interval.';
comment on column accuracy_by_field.f1 is 'Harmonic mean of precision and recall, 0 to 1.';
