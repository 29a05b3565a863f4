-- scored_fields: is each answer to a labelled field right?   Reads extractions, labels_current.   One row a (document_sha256, field, arm, is_simulated).
-- The newest answer of each arm counts; an invalid one counts as no answer. What is right:
--   doc_type, currency, language_detected: the same code, case apart · dates: the same day · total_amount: the same cent, after rounding
--   names (issuer, recipient): after lower case, without accents and punctuation, equal, or one within the other (4 characters or more),
--   or Jaro-Winkler similarity of at least 0.93 (Winkler 1990; threshold chosen before any answer was scored)
--   an absent value: no answer.   is_right takes the label's alternatives too, is_right_strict does not.
create or replace view scored_fields as
with newest as (
    select * from extractions
    qualify row_number() over (partition by document_sha256, arm, is_simulated order by logged_at desc, run_id desc, seq desc) = 1
), answers as (
    unpivot (
        select document_sha256, arm, is_simulated, confidence_score, call_id,
               case when is_valid then doc_type end as doc_type, case when is_valid then issuer end as issuer,
               case when is_valid then recipient end as recipient, case when is_valid then cast(primary_date as varchar) end as primary_date,
               case when is_valid then cast(secondary_date as varchar) end as secondary_date,
               case when is_valid then cast(total_amount as varchar) end as total_amount,
               case when is_valid then currency end as currency, case when is_valid then language_detected end as language_detected
        from newest
    ) on doc_type, issuer, recipient, primary_date, secondary_date, total_amount, currency, language_detected into name field value answer
), pairs as (
    select newest.document_sha256, newest.arm, newest.is_simulated, newest.confidence_score, newest.call_id, labels.field, labels.is_absent,
           answers.answer, labels.value as truth,
           unnest(list_concat([labels.value], coalesce(cast(labels.alternatives as varchar[]), []))) as candidate
    from newest join labels_current as labels using (document_sha256)
    left join answers on answers.document_sha256 = newest.document_sha256 and answers.arm = newest.arm and answers.is_simulated = newest.is_simulated
         and answers.field = labels.field
    where labels.field in ('doc_type', 'issuer', 'recipient', 'primary_date', 'secondary_date', 'total_amount', 'currency', 'language_detected')
), plain as (
    select *, trim(regexp_replace(lower(strip_accents(answer)), '[^\p{L}\p{N}]+', ' ', 'g')) as plain_answer,
           trim(regexp_replace(lower(strip_accents(candidate)), '[^\p{L}\p{N}]+', ' ', 'g')) as plain_candidate
    from pairs
), judged as (
    select *, case
        when is_absent then answer is null
        when answer is null then false
        when field = 'total_amount' then round(try_cast(answer as decimal(24,4)), 2) = round(try_cast(candidate as decimal(24,4)), 2)
        when field in ('primary_date', 'secondary_date') then try_cast(answer as date) = try_cast(candidate as date)
        when field in ('issuer', 'recipient') then plain_answer = plain_candidate
             or (length(plain_answer) >= 4 and contains(plain_candidate, plain_answer))
             or (length(plain_candidate) >= 4 and contains(plain_answer, plain_candidate))
             or jaro_winkler_similarity(plain_answer, plain_candidate) >= 0.93
        else lower(answer) = lower(candidate) end as matches
    from plain
)
select document_sha256, field, arm, is_simulated, any_value(call_id) as call_id, any_value(confidence_score) as confidence_score, any_value(answer) as answer,
       any_value(truth) as truth, bool_or(is_absent) as is_absent, coalesce(bool_or(matches), false) as is_right,
       coalesce(bool_or(matches) filter (where candidate is not distinct from truth), false) as is_right_strict
from judged group by document_sha256, field, arm, is_simulated;
comment on view scored_fields is 'Every labelled field of every arm, judged. Grain: document_sha256, field, arm, is_simulated.';
comment on column scored_fields.document_sha256 is 'Document.';
comment on column scored_fields.field is 'Field of the record.';
comment on column scored_fields.arm is 'Arm that answered.';
comment on column scored_fields.is_simulated is 'Whether the answer is simulated.';
comment on column scored_fields.call_id is 'Call of the answer.';
comment on column scored_fields.confidence_score is 'Stated probability that doc_type is right, 0 to 1.';
comment on column scored_fields.answer is 'What was answered; NULL: nothing.';
comment on column scored_fields.truth is 'The label; NULL when the document has no such value.';
comment on column scored_fields.is_absent is 'Whether the document has no such value.';
comment on column scored_fields.is_right is 'Whether it is right, a defensible alternative accepted.';
comment on column scored_fields.is_right_strict is 'Whether it is the label itself.';
