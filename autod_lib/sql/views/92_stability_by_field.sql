-- answers_repeated: what did the same arm answer to the same document, asked twice on purpose?   Reads extractions.   One row a (document_sha256, field, arm, repeat, is_simulated).
-- A repetition is the arm "… · repeat N"; it stands beside the first answer of the arm. Only valid answers are compared, in the form that scoring_rules compares: cents of
-- an amount, words of a name or a sentence, a list without its order.
create or replace view answers_repeated as
with newest as (
    select document_sha256, arm, is_simulated, doc_type, doc_subtype, confidence_score, issuer, recipient, primary_date, secondary_date, total_amount, currency, summary,
           action_items, deadlines, urgency_level, tags, language_detected, extraction_quality, requires_review, is_valid,
           regexp_replace(arm, ' · repeat [0-9]+$', '') as asked, try_cast(regexp_extract(arm, ' · repeat ([0-9]+)$', 1) as integer) as repeat
    from extractions where is_simulated is not null
    qualify row_number() over (partition by document_sha256, arm, is_simulated order by logged_at desc, run_id desc, seq desc) = 1
), repeated as (
    select * from newest where is_valid
           and (document_sha256, asked, is_simulated) in (select (document_sha256, asked, is_simulated) from newest where repeat is not null)
), fields as (
    from (
        select document_sha256, asked, is_simulated, repeat, doc_type, plain_text(doc_subtype) as doc_subtype, cast(confidence_score as varchar) as confidence_score,
               plain_text(issuer) as issuer, plain_text(recipient) as recipient, cast(primary_date as varchar) as primary_date,
               cast(secondary_date as varchar) as secondary_date, cast(round(total_amount, 2) as varchar) as total_amount, upper(currency) as currency,
               plain_text(summary) as summary, cast(list_sort(cast(action_items as varchar[])) as varchar) as action_items,
               cast(list_sort(cast(deadlines as varchar[])) as varchar) as deadlines, urgency_level, cast(list_sort(cast(tags as varchar[])) as varchar) as tags,
               language_detected, extraction_quality, cast(requires_review as varchar) as requires_review
        from repeated
    ) unpivot include nulls (answer for field in (doc_type, doc_subtype, confidence_score, issuer, recipient, primary_date, secondary_date, total_amount, currency, summary, action_items, deadlines,
         urgency_level, tags, language_detected, extraction_quality, requires_review))
)
select first.document_sha256, first.field, first.asked as arm, again.repeat, first.is_simulated, first.answer, again.answer as answer_again,
       first.answer is distinct from again.answer as differs
from fields as first join fields as again using (document_sha256, field, asked, is_simulated)
where first.repeat is null and again.repeat is not null;
comment on view answers_repeated is 'The first answer of an arm beside each repetition of it. Grain: document_sha256, field, arm, repeat, is_simulated.';
comment on column answers_repeated.document_sha256 is 'Document.';
comment on column answers_repeated.field is 'Field of the record.';
comment on column answers_repeated.arm is 'Arm, without its repetition.';
comment on column answers_repeated.repeat is 'Number of the repetition.';
comment on column answers_repeated.is_simulated is 'Whether the answers are simulated.';
comment on column answers_repeated.answer is 'First answer, in the form in which it is compared.';
comment on column answers_repeated.answer_again is 'Answer of the repetition.';
comment on column answers_repeated.differs is 'Whether the two say something different.';
-- stability_by_field: how often does the same question get another answer?   Reads answers_repeated.   One row a (arm, field, is_simulated).
create or replace view stability_by_field as
with by_document as (
    select arm, field, is_simulated, document_sha256, count(*) as pairs, count(*) filter (where differs) as differing from answers_repeated group by all
), counted as (
    select arm, field, is_simulated, count(*) as documents, cast(sum(pairs) as bigint) as pairs, cast(sum(differing) as bigint) as differing,
           trials_in_effect(differing, pairs) as pairs_in_effect
    from by_document group by arm, field, is_simulated
)
select arm, field, is_simulated, documents, pairs, differing, differing / pairs as share_differing,
       wilson_low(share_differing * pairs_in_effect, pairs_in_effect) as share_low, wilson_high(share_differing * pairs_in_effect, pairs_in_effect) as share_high
from counted;
comment on view stability_by_field is 'How often two answers to the same request differ. Grain: arm, field, is_simulated.';
comment on column stability_by_field.arm is 'Arm.';
comment on column stability_by_field.field is 'Field of the record.';
comment on column stability_by_field.is_simulated is 'Whether the answers are simulated.';
comment on column stability_by_field.documents is 'Documents that were asked more than once.';
comment on column stability_by_field.pairs is 'Repetitions compared with the first answer.';
comment on column stability_by_field.differing is 'Of these, those that say something different.';
comment on column stability_by_field.share_differing is 'differing / pairs, 0 to 1.';
comment on column stability_by_field.share_low is 'Lower end of its 95 % interval; the repetitions of a document hang together (trials_in_effect).';
comment on column stability_by_field.share_high is 'Upper end of the same.';
