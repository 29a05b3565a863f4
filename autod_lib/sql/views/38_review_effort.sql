-- errors_by_effort: how many errors does a person catch who looks at the least sure answers first?   Reads scored_fields.   One row a (arm, is_simulated, confidence_score).
-- An error is a document with any labelled field wrong. An answer without confidence counts as 0. Answers of the same confidence are looked at together.
create or replace view errors_by_effort as
with documents as (
    select document_sha256, arm, is_simulated, coalesce(any_value(confidence_score) filter (where not isnan(confidence_score)), 0) as confidence_score,
           bool_or(not is_right) as is_wrong
    from scored_fields group by document_sha256, arm, is_simulated
), levels as (
    select arm, is_simulated, confidence_score, count(*) as here, count(*) filter (where is_wrong) as wrong_here from documents group by all
)
select arm, is_simulated, confidence_score, cast(sum(here) over word as bigint) as reviewed, cast(sum(wrong_here) over word as bigint) as caught,
       cast(sum(here) over every as bigint) as documents, cast(sum(wrong_here) over every as bigint) as errors,
       sum(here) over word / sum(here) over every as share_reviewed, sum(wrong_here) over word / nullif(sum(wrong_here) over every, 0) as share_caught
from levels
window word as (partition by arm, is_simulated order by confidence_score), every as (partition by arm, is_simulated);
comment on view errors_by_effort is 'Errors caught by looking at all answers up to a confidence. Grain: arm, is_simulated, confidence_score.';
comment on column errors_by_effort.arm is 'Arm.';
comment on column errors_by_effort.is_simulated is 'Whether the answers are simulated.';
comment on column errors_by_effort.confidence_score is 'All answers of this stated confidence or less are looked at, 0 to 1.';
comment on column errors_by_effort.reviewed is 'Labelled documents that these are.';
comment on column errors_by_effort.caught is 'Of these, with any labelled field wrong.';
comment on column errors_by_effort.documents is 'All labelled documents of the arm.';
comment on column errors_by_effort.errors is 'Of these, with any labelled field wrong.';
comment on column errors_by_effort.share_reviewed is 'reviewed / documents, 0 to 1.';
comment on column errors_by_effort.share_caught is 'caught / errors, 0 to 1; NULL without errors.';
-- review_as_classifier: does the model ask for a person when it is wrong?   Reads scored_fields.   One row a (arm, is_simulated).
-- requires_review judged as what it is: a classifier of documents with any labelled field wrong. Intervals: 29_wilson.
create or replace view review_as_classifier as
with documents as (
    select document_sha256, arm, is_simulated, coalesce(bool_or(requires_review), true) as is_asked, bool_or(not is_right) as is_wrong
    from scored_fields group by document_sha256, arm, is_simulated
), counted as (
    select arm, is_simulated, count(*) as documents, count(*) filter (where is_asked) as asked, count(*) filter (where is_wrong) as errors,
           count(*) filter (where is_asked and is_wrong) as asked_errors
    from documents group by all
)
select arm, is_simulated, documents, asked, errors, asked_errors,
       asked_errors / nullif(asked, 0) as precision, wilson_low(asked_errors, asked) as precision_low, wilson_high(asked_errors, asked) as precision_high,
       asked_errors / nullif(errors, 0) as recall, wilson_low(asked_errors, errors) as recall_low, wilson_high(asked_errors, errors) as recall_high,
       (errors - asked_errors) / nullif(documents - asked, 0) as share_missed,
       wilson_low(errors - asked_errors, documents - asked) as share_missed_low, wilson_high(errors - asked_errors, documents - asked) as share_missed_high
from counted;
comment on view review_as_classifier is 'requires_review against whether any labelled field is wrong. Grain: arm, is_simulated.';
comment on column review_as_classifier.arm is 'Arm.';
comment on column review_as_classifier.is_simulated is 'Whether the answers are simulated.';
comment on column review_as_classifier.documents is 'Labelled documents.';
comment on column review_as_classifier.asked is 'Of these, with requires_review; an invalid answer asks too.';
comment on column review_as_classifier.errors is 'Documents with any labelled field wrong.';
comment on column review_as_classifier.asked_errors is 'Of these, with requires_review.';
comment on column review_as_classifier.precision is 'asked_errors / asked: how often asking was right, 0 to 1.';
comment on column review_as_classifier.precision_low is 'Lower end of its 95 % Wilson interval.';
comment on column review_as_classifier.precision_high is 'Upper end of its 95 % Wilson interval.';
comment on column review_as_classifier.recall is 'asked_errors / errors: share of the errors that it asked about, 0 to 1.';
comment on column review_as_classifier.recall_low is 'Lower end of its 95 % Wilson interval.';
comment on column review_as_classifier.recall_high is 'Upper end of its 95 % Wilson interval.';
comment on column review_as_classifier.share_missed is 'Share wrong of the documents that nobody was asked to look at, 0 to 1.';
comment on column review_as_classifier.share_missed_low is 'Lower end of its 95 % Wilson interval.';
comment on column review_as_classifier.share_missed_high is 'Upper end of its 95 % Wilson interval.';
-- audit_sample: which confident answers should a person check all the same?   Reads answers_in_use, label_statements, deletions, documents_read.
-- Answers for which nobody was asked, without a label, in the order of a hash of the document: a random sample, the same for everybody, that any label shortens.
-- Of each kind of money so many.
create or replace macro audit_sample(size) as table
with names as (
    select document_sha256, min(file_name) as file_name from documents_read group by document_sha256
), drawn as (
    select document_sha256, arm, is_simulated, doc_type, confidence_score,
           row_number() over (partition by is_simulated order by md5(document_sha256 || 'audit'), document_sha256) as turn
    from answers_in_use(false)
    where is_valid and not coalesce(requires_review, true) and coalesce(json_array_length(review_reasons), 0) = 0
          and document_sha256 not in (select document_sha256 from label_statements)
          and document_sha256 not in (
              select document_sha256 from deletions group by document_sha256 having arg_max_null(is_deleted, (logged_at, run_id, seq))
          )
    qualify turn <= size
)
select document_sha256, file_name, arm, doc_type, confidence_score, is_simulated, turn from drawn left join names using (document_sha256);
comment on macro table audit_sample is 'Confident answers drawn at random for a person to check. Parameter: how many of each kind of money. Grain: document_sha256.';
