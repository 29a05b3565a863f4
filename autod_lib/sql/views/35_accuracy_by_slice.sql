-- accuracy_by_slice: where is it right, and where not?   Reads scored_fields, documents_read, labels_current.   One row a (arm, field, slice, value, is_simulated).
-- Slices: doc_type and language by the label, pages, text_layer of the file, input_mode of the call. Fields: doc_type alone and (all) labelled fields together.
-- Intervals: 29_wilson; the labels of a document hang together: those of (all) count as trials_in_effect.
create or replace view accuracy_by_slice as
with labels as (
    select document_sha256, max(value) filter (where field = 'doc_type') as doc_type, max(value) filter (where field = 'language_detected') as language
    from labels_current group by document_sha256
), files as (
    select document_sha256, arg_max_null(page_count, (logged_at, run_id, seq)) as page_count, arg_max_null(text_layer, (logged_at, run_id, seq)) as text_layer
    from documents_read where document_sha256 in (select document_sha256 from labels) group by document_sha256
), scored as (
    select arm, field, is_simulated, document_sha256, is_right, items_right, items_answered, items_true,
           labels.doc_type, labels.language, text_layer, input_mode,
           case when page_count = 1 then '1' when page_count <= 3 then '2–3' when page_count <= 10 then '4–10' when page_count > 10 then 'over 10' end as pages
    from scored_fields left join labels using (document_sha256) left join files using (document_sha256)
), sliced as (
    unpivot scored on doc_type, language, pages, text_layer, input_mode into name slice value value
), by_document as (
    select arm, coalesce(field, '(all)') as field, slice, value, is_simulated, document_sha256, count(*) as labels, count(*) filter (where is_right) as hits,
           sum(items_right) as items_right, sum(items_answered) as items_answered, sum(items_true) as items_true
    from sliced group by grouping sets ((arm, field, slice, value, is_simulated, document_sha256), (arm, slice, value, is_simulated, document_sha256))
), counted as (
    select arm, field, slice, value, is_simulated, cast(sum(labels) as bigint) as labelled, cast(sum(hits) as bigint) as right_answers,
           sum(items_right) as items_right, sum(items_answered) as items_answered, sum(items_true) as items_true, trials_in_effect(hits, labels) as labels_in_effect
    from by_document group by arm, field, slice, value, is_simulated
)
select arm, field, slice, value, is_simulated, labelled, right_answers, right_answers / labelled as accuracy,
       wilson_low(accuracy * labels_in_effect, labels_in_effect) as accuracy_low, wilson_high(accuracy * labels_in_effect, labels_in_effect) as accuracy_high,
       items_right / nullif(items_answered, 0) as precision, items_right / nullif(items_true, 0) as recall,
       2 * items_right / nullif(items_answered + items_true, 0) as f1
from counted;
comment on view accuracy_by_slice is 'Accuracy by what a document is like. Grain: arm, field, slice, value, is_simulated.';
comment on column accuracy_by_slice.arm is 'Arm.';
comment on column accuracy_by_slice.field is 'Field of the record; (all): all labelled fields together.';
comment on column accuracy_by_slice.slice is 'doc_type, language, pages, text_layer or input_mode.';
comment on column accuracy_by_slice.value is 'Which: the kind or language of the label, the pages, good, poor or none, the mode of the call.';
comment on column accuracy_by_slice.is_simulated is 'Whether the answers are simulated.';
comment on column accuracy_by_slice.labelled is 'Labels scored.';
comment on column accuracy_by_slice.right_answers is 'Of these, answered rightly.';
comment on column accuracy_by_slice.accuracy is 'right_answers / labelled, 0 to 1.';
comment on column accuracy_by_slice.accuracy_low is 'Lower end of its 95 % interval.';
comment on column accuracy_by_slice.accuracy_high is 'Upper end of its 95 % interval.';
comment on column accuracy_by_slice.precision is 'Values found rightly as a share of the values answered, 0 to 1; NULL without any.';
comment on column accuracy_by_slice.recall is 'Values found rightly as a share of the values that are there, 0 to 1; NULL without any.';
comment on column accuracy_by_slice.f1 is 'Harmonic mean of precision and recall, 0 to 1.';
