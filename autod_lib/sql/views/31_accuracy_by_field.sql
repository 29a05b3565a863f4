-- accuracy_by_field: how often is each field right?   Reads scored_fields.   One row a (arm, field, is_simulated), and one of field (all) an arm.
-- Intervals: 29_wilson. A blank label is never scored. (all) treats its fields as independent.
create or replace view accuracy_by_field as
with counted as (
    select arm, coalesce(field, '(all)') as field, is_simulated, count(*) as labelled, count(answer) as answered, count(*) filter (where is_right) as hits,
           count(*) filter (where is_right_strict) as hits_strict,
           count(*) filter (where is_right and not is_absent) as hits_present, count(*) filter (where not is_absent) as present
    from scored_fields group by grouping sets ((arm, field, is_simulated), (arm, is_simulated))
)
select arm, field, is_simulated, labelled, answered, hits as right_answers,
       hits / labelled                    as accuracy,
       wilson_low(hits, labelled)         as accuracy_low,
       wilson_high(hits, labelled)        as accuracy_high,
       hits_strict / labelled             as accuracy_strict,
       hits_present / nullif(answered, 0) as precision,
       hits_present / nullif(present, 0)  as recall
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
comment on column accuracy_by_field.precision is 'Right answers as a share of the answers given.';
comment on column accuracy_by_field.recall is 'Right answers as a share of the values that are there.';
