-- scored_fields: is each answer to a labelled field right?   Reads extractions, labels_current, scoring_rules, document_statuses.   One row a (document_sha256, field, arm, is_simulated).
-- The newest answer of each arm counts; an invalid one counts as no answer. What is right says scoring_rules; is_right takes the label's alternatives too,
-- is_right_strict does not. An answer that cost nothing and is of neither kind of money (arm rules) stands beside both kinds. Items: a field that is no list is one item,
-- so that precision is items_right / items_answered and recall items_right / items_true for every field. Names: Winkler 1990, threshold chosen before any answer was scored.
create or replace view scored_fields as
with labels as (
    select document_sha256, field, value, is_absent, alternatives, kind, threshold from labels_current join scoring_rules using (field)
), answered as (
    select * from extractions where document_sha256 in (select document_sha256 from labels)
    qualify row_number() over (partition by document_sha256, arm, is_simulated order by logged_at desc, run_id desc, seq desc) = 1
), newest as (
    from answered where is_simulated is not null
    union all
    select answered.* replace (kinds.is_simulated as is_simulated)
    from answered join (
        select document_sha256, is_simulated from answered where is_simulated is not null
        union select document_sha256, is_simulated from document_statuses where policy_run_id is not null
    ) as kinds using (document_sha256)
    where answered.is_simulated is null
), answers as (
    unpivot (
        select document_sha256, arm, is_simulated, doc_type, issuer, recipient, cast(primary_date as varchar) as primary_date, cast(secondary_date as varchar) as secondary_date,
               cast(total_amount as varchar) as total_amount, currency, language_detected, urgency_level, nullif(cast(tags as varchar), '[]') as tags,
               nullif(cast(action_items as varchar), '[]') as action_items, nullif(cast(deadlines as varchar), '[]') as deadlines
        from newest where is_valid
    ) on doc_type, issuer, recipient, primary_date, secondary_date, total_amount, currency, language_detected, urgency_level, tags, action_items, deadlines
    into name field value answer
), pairs as (
    select newest.document_sha256, labels.field, newest.arm, newest.is_simulated, newest.call_id, newest.input_mode, newest.confidence_score, newest.requires_review,
           answers.answer, labels.value as truth, labels.is_absent, labels.alternatives, labels.kind, labels.threshold
    from newest join labels using (document_sha256)
    left join answers on answers.document_sha256 = newest.document_sha256 and answers.arm = newest.arm and answers.is_simulated = newest.is_simulated
         and answers.field = labels.field
), candidates as (
    select *, unnest(list_concat([truth], coalesce(cast(alternatives as varchar[]), []))) as candidate from pairs where kind <> 'list'
), plain as (
    select *, comparable(field, answer) as plain_answer, comparable(field, candidate) as plain_candidate from candidates
), judged as (
    select *, case
        when is_absent then cast(answer is null as integer)
        when answer is null then 0
        when kind = 'day' then cast(try_cast(answer as date) = try_cast(candidate as date) as integer)
        when plain_answer = plain_candidate then 1
        when kind <> 'name' then 0
        when length(plain_answer) >= 4 and contains(plain_candidate, plain_answer) then 1
        when length(plain_candidate) >= 4 and contains(plain_answer, plain_candidate) then 1
        else jaro_winkler_similarity(plain_answer, plain_candidate) end as alike
    from plain
), single as (
    select document_sha256, field, arm, is_simulated, any_value(call_id) as call_id, any_value(input_mode) as input_mode, any_value(confidence_score) as confidence_score,
           any_value(requires_review) as requires_review, any_value(answer) as answer, any_value(truth) as truth, bool_or(is_absent) as is_absent,
           coalesce(max(alike) >= coalesce(any_value(threshold), 1), false) as is_right,
           coalesce(max(alike) filter (where candidate is not distinct from truth) >= coalesce(any_value(threshold), 1), false) as is_right_strict,
           coalesce(max(alike), 0) as score
    from judged group by document_sha256, field, arm, is_simulated
), truth_items as (
    select document_sha256, field, truth, unnest(from_json(truth, '["JSON"]')) as item, generate_subscripts(from_json(truth, '["JSON"]'), 1) as place
    from (select distinct document_sha256, field, truth from pairs where kind = 'list' and not is_absent and json_valid(truth))
), answer_items as (
    select document_sha256, field, arm, is_simulated, threshold, unnest(from_json(answer, '["JSON"]')) as item,
           generate_subscripts(from_json(answer, '["JSON"]'), 1) as place
    from pairs where kind = 'list' and answer is not null
), truths as (
    select document_sha256, field, min(place) as place, any_value(item) as item, list_item(field, item) as said, list_item_kind(field, item) as item_kind
    from truth_items group by document_sha256, field, list_item(field, item), list_item_kind(field, item)
), saids as (
    select document_sha256, field, arm, is_simulated, any_value(threshold) as threshold, min(place) as place, list_item(field, item) as said,
           list_item_kind(field, item) as item_kind
    from answer_items group by document_sha256, field, arm, is_simulated, list_item(field, item), list_item_kind(field, item)
), likenesses as (
    select saids.document_sha256, saids.field, saids.arm, saids.is_simulated, saids.place as answer_place, truths.place as truth_place, saids.threshold,
           case when saids.field = 'action_items' then words_in_common(saids.said, truths.said)
                else cast(saids.said = truths.said and coalesce(saids.item_kind = truths.item_kind, true) as integer) end as alike
    from saids join truths using (document_sha256, field)
), mutual as (
    select * from likenesses where alike >= threshold
    qualify row_number() over (partition by document_sha256, field, arm, is_simulated, answer_place order by alike desc, truth_place) = 1
            and row_number() over (partition by document_sha256, field, arm, is_simulated, truth_place order by alike desc, answer_place) = 1
), found as (
    select document_sha256, field, arm, is_simulated, count(*) as items_right from mutual group by all
), there as (
    select document_sha256, field, count(*) as items_true from truths group by all
), given as (
    select document_sha256, field, arm, is_simulated, count(*) as items_answered from saids group by all
), counted as (
    select pairs.*, coalesce(items_right, 0) as items_right, coalesce(items_answered, 0) as items_answered, coalesce(items_true, 0) as items_true
    from pairs left join there using (document_sha256, field) left join given using (document_sha256, field, arm, is_simulated)
    left join found using (document_sha256, field, arm, is_simulated) where kind = 'list'
)
select document_sha256, field, arm, is_simulated, call_id, input_mode, confidence_score, requires_review, answer, truth, is_absent, is_right, is_right_strict, score,
       cast(is_right and not is_absent as bigint) as items_right, cast(answer is not null as bigint) as items_answered, cast(not is_absent as bigint) as items_true
from single
union all
select document_sha256, field, arm, is_simulated, call_id, input_mode, confidence_score, requires_review, answer, truth, is_absent,
       items_right = items_true and items_right = items_answered as is_right, items_right = items_true and items_right = items_answered as is_right_strict,
       case when items_true + items_answered = 0 then 1 else 2 * items_right / (items_true + items_answered) end as score, items_right, items_answered, items_true
from counted;
comment on view scored_fields is 'Every labelled field of every arm, judged by scoring_rules. Grain: document_sha256, field, arm, is_simulated.';
comment on column scored_fields.document_sha256 is 'Document.';
comment on column scored_fields.field is 'Field of the record.';
comment on column scored_fields.arm is 'Arm that answered.';
comment on column scored_fields.is_simulated is 'Whether the answer is simulated.';
comment on column scored_fields.call_id is 'Call of the answer.';
comment on column scored_fields.input_mode is 'text, file-low or file-high.';
comment on column scored_fields.confidence_score is 'Stated probability that doc_type is right, 0 to 1.';
comment on column scored_fields.requires_review is 'Whether the answer asks for a person.';
comment on column scored_fields.answer is 'What was answered, a list as JSON; NULL: nothing.';
comment on column scored_fields.truth is 'The label, a list as JSON; NULL when the document has no such value.';
comment on column scored_fields.is_absent is 'Whether the document has no such value.';
comment on column scored_fields.is_right is 'Whether it is right, a defensible alternative accepted.';
comment on column scored_fields.is_right_strict is 'Whether it is the label itself.';
comment on column scored_fields.score is 'How right, 0 to 1: similarity of a name, F1 of a list, else 0 or 1.';
comment on column scored_fields.items_right is 'Values found rightly: of a list its pairs, else 1 when the answer is right and the document has a value.';
comment on column scored_fields.items_answered is 'Values answered: of a list its distinct items, else 1 when there is an answer.';
comment on column scored_fields.items_true is 'Values the document has: of a list its distinct items, else 1 unless it is absent.';
