-- documents: what is known of each document?   Reads documents_read, document_statuses, answers_in_use, policy_versions, labels_current, cost_by_document, deletions, remote_objects_held.
-- One row a document_sha256. A document is real as soon as anything about it is: then nothing simulated is shown of it. The fields are those of the answer that stands
-- (12_answers_in_use), overlaid by labels.
create or replace view documents as
with identity as (
    select document_sha256, arg_min_null(file_name, (logged_at, run_id, seq)) as file_name, arg_max_null(sha256_base64, (logged_at, run_id, seq)) as sha256_base64,
           arg_max_null(size_bytes, (logged_at, run_id, seq)) as size_bytes, arg_max_null(page_count, (logged_at, run_id, seq)) as page_count,
           arg_max_null(text_layer, (logged_at, run_id, seq)) as text_layer, arg_max_null(flags, (logged_at, run_id, seq)) as flags,
           arg_max_null(metadata, (logged_at, run_id, seq)) as metadata, min(logged_at) as created_at
    from documents_read where document_sha256 is not null group by document_sha256
), kind as (
    select document_sha256, bool_and(is_simulated) as is_simulated
    from (
        select document_sha256, is_simulated from document_statuses union all select document_sha256, is_simulated from extractions
        union all select document_sha256, is_simulated from calls_finished
    ) where document_sha256 is not null and is_simulated is not null group by document_sha256
), state as (
    select document_sha256, arg_max_null(status, (logged_at, run_id, seq)) as processing_status, arg_max_null(error_kind, (logged_at, run_id, seq)) as error_kind,
           arg_max_null(sentence, (logged_at, run_id, seq)) as error_sentence, arg_max_null(run_id, (logged_at, run_id, seq)) as last_run_id, max(logged_at) as processed_at,
           arg_max_null(seconds, (logged_at, run_id, seq)) as processing_seconds, arg_max_null(policy_run_id, (logged_at, run_id, seq)) as policy_run_id,
           count(*) filter (where status = 'failed') as failed_runs
    from document_statuses semi join kind using (document_sha256, is_simulated) group by document_sha256
), answer as (
    from answers_in_use(false)
), truth as (
    select document_sha256,
           max(value) filter (where field = 'doc_type') as doc_type, max(value) filter (where field = 'issuer') as issuer,
           max(value) filter (where field = 'recipient') as recipient, try_cast(max(value) filter (where field = 'primary_date') as date) as primary_date,
           try_cast(max(value) filter (where field = 'secondary_date') as date) as secondary_date,
           try_cast(max(value) filter (where field = 'total_amount') as decimal(24,4)) as total_amount,
           max(value) filter (where field = 'currency') as currency, max(value) filter (where field = 'language_detected') as language_detected,
           max(value) filter (where field = 'urgency_level') as urgency_level, try_cast(max(value) filter (where field = 'tags') as json) as tags,
           try_cast(max(value) filter (where field = 'action_items') as json) as action_items, try_cast(max(value) filter (where field = 'deadlines') as json) as deadlines,
           list(field order by field) as labelled_fields,
           list(field) filter (where is_absent) as absent_fields
    from labels_current group by document_sha256
), money as (
    select * from cost_by_document semi join kind using (document_sha256, is_simulated)
), deleted as (
    select document_sha256, arg_max_null(is_deleted, (logged_at, run_id, seq)) as is_deleted, max(logged_at) as deleted_at from deletions group by document_sha256
), remote as (
    select document_sha256, arg_max(object_id, made_at) as vector_store_file_id, arg_max(attributes, made_at) as vector_store_attributes
    from remote_objects_held where object_kind = 'vector_store_file' group by document_sha256
)
select
    identity.document_sha256, identity.sha256_base64, identity.file_name, identity.size_bytes, identity.page_count,
    coalesce(truth.doc_type, answer.doc_type) as doc_type, answer.doc_subtype, answer.confidence_score,
    case when list_contains(absent_fields, 'issuer') then null else coalesce(truth.issuer, answer.issuer) end as issuer,
    case when list_contains(absent_fields, 'recipient') then null else coalesce(truth.recipient, answer.recipient) end as recipient,
    case when list_contains(absent_fields, 'primary_date') then null else coalesce(truth.primary_date, answer.primary_date) end as primary_date,
    case when list_contains(absent_fields, 'secondary_date') then null else coalesce(truth.secondary_date, answer.secondary_date) end as secondary_date,
    case when list_contains(absent_fields, 'total_amount') then null else coalesce(truth.total_amount, answer.total_amount) end as total_amount,
    case when list_contains(absent_fields, 'currency') then null else coalesce(truth.currency, answer.currency) end as currency,
    answer.summary, case when list_contains(absent_fields, 'action_items') then '[]' else coalesce(truth.action_items, answer.action_items) end as action_items,
    case when list_contains(absent_fields, 'deadlines') then '[]' else coalesce(truth.deadlines, answer.deadlines) end as deadlines,
    case when list_contains(absent_fields, 'urgency_level') then null else coalesce(truth.urgency_level, answer.urgency_level) end as urgency_level,
    case when list_contains(absent_fields, 'tags') then '[]' else coalesce(truth.tags, answer.tags) end as tags, answer.notes,
    case when list_contains(absent_fields, 'language_detected') then null else coalesce(truth.language_detected, answer.language_detected) end as language_detected, answer.ocr_text_excerpt, answer.extraction_quality,
    identity.text_layer, identity.metadata, identity.flags,
    remote.vector_store_file_id, remote.vector_store_attributes,
    coalesce(state.processing_status, 'pending') as processing_status, state.processed_at, state.processing_seconds, state.last_run_id, state.failed_runs,
    policy_versions.name as policy, policy_versions.version as policy_version, answer.arm, answer.model, answer.input_mode, answer.prompt_hash, answer.schema_version, kind.is_simulated,
    money.calls, money.input_tokens, money.cached_tokens, money.cache_write_tokens, money.output_tokens, money.reasoning_tokens, money.cost_usd,
    money.calls_unsettled, money.unsettled_upper_usd,
    state.error_kind, state.error_sentence,
    coalesce(state.processing_status = 'needs_review' and labelled_fields is null, false) as needs_review, answer.review_reasons,
    answer.requires_review, answer.is_valid, truth.labelled_fields, answer.raw_answer, answer.call_id,
    identity.created_at, greatest(identity.created_at, state.processed_at, answer.logged_at) as updated_at, coalesce(deleted.is_deleted, false) as is_deleted,
    case when deleted.is_deleted then deleted.deleted_at end as deleted_at
from identity
left join kind using (document_sha256) left join state using (document_sha256) left join answer using (document_sha256) left join truth using (document_sha256)
left join money using (document_sha256) left join deleted using (document_sha256) left join remote using (document_sha256)
left join policy_versions on policy_versions.policy_run_id = state.policy_run_id;
comment on view documents is 'Everything known of each document; its fields are the best answer, overlaid by labels. Grain: document_sha256.';
comment on column documents.document_sha256 is 'SHA-256 of the bytes, hexadecimal.';
comment on column documents.sha256_base64 is 'SHA-256 of the bytes, base64.';
comment on column documents.file_name is 'Name under which it was first read.';
comment on column documents.size_bytes is 'Size in bytes.';
comment on column documents.page_count is 'Pages, counted by walking the page tree.';
comment on column documents.doc_type is 'Kind of document.';
comment on column documents.doc_subtype is 'Finer kind.';
comment on column documents.confidence_score is 'Stated probability that doc_type is right, 0 to 1.';
comment on column documents.issuer is 'Who issued it.';
comment on column documents.recipient is 'Whom it is addressed to.';
comment on column documents.primary_date is 'Day of issue or effect.';
comment on column documents.secondary_date is 'Due day or end of period.';
comment on column documents.total_amount is 'Grand total in `currency`.';
comment on column documents.currency is 'ISO 4217.';
comment on column documents.summary is 'What it is, in a sentence.';
comment on column documents.action_items is 'List of description, deadline, priority.';
comment on column documents.deadlines is 'List of date, description, type.';
comment on column documents.urgency_level is 'low, medium, high or critical.';
comment on column documents.tags is 'Key words.';
comment on column documents.notes is 'Remarks.';
comment on column documents.language_detected is 'ISO 639-1.';
comment on column documents.ocr_text_excerpt is 'First words.';
comment on column documents.extraction_quality is 'excellent, good, fair or poor.';
comment on column documents.text_layer is 'good, poor, none or unread.';
comment on column documents.metadata is 'Title, author and so on, as the document claims.';
comment on column documents.flags is 'Peculiarities of the file that do not stop it.';
comment on column documents.vector_store_file_id is 'Id of its copy in the vector store.';
comment on column documents.vector_store_attributes is 'Attributes stored there, at most 16.';
comment on column documents.processing_status is 'processed, needs_review, rejected, quarantined, failed or pending.';
comment on column documents.processed_at is 'When it got this status, UTC.';
comment on column documents.processing_seconds is 'Time from reading to status, in seconds.';
comment on column documents.last_run_id is 'Run that gave it.';
comment on column documents.failed_runs is 'Runs in which it failed.';
comment on column documents.policy is 'Saved policy that gave it its status; NULL: none.';
comment on column documents.policy_version is 'Version of that policy.';
comment on column documents.arm is 'Arm of the answer.';
comment on column documents.model is 'Model of the answer.';
comment on column documents.input_mode is 'Input mode of the answer.';
comment on column documents.prompt_hash is 'Prompt version of the answer.';
comment on column documents.schema_version is 'Version of the record.';
comment on column documents.is_simulated is 'Whether all that is known of it is simulated.';
comment on column documents.calls is 'Calls about it, all arms, of its kind of money.';
comment on column documents.input_tokens is 'Input tokens of these.';
comment on column documents.cached_tokens is 'Of these, read from the cache.';
comment on column documents.cache_write_tokens is 'Of these, written to the cache.';
comment on column documents.output_tokens is 'Output tokens.';
comment on column documents.reasoning_tokens is 'Of these, reasoning.';
comment on column documents.cost_usd is 'USD of its calls, DECIMAL; NULL when none had a price. Real ones alone if there are any, else simulated ones.';
comment on column documents.calls_unsettled is 'Of its calls, those whose end nobody knows; cost_usd leaves them out.';
comment on column documents.unsettled_upper_usd is 'USD that these can have cost at most.';
comment on column documents.error_kind is 'Kind of error, a word.';
comment on column documents.error_sentence is 'What happened and what to do.';
comment on column documents.needs_review is 'Whether a person should look; false once somebody labelled it.';
comment on column documents.review_reasons is 'Why.';
comment on column documents.requires_review is 'Whether the model asks for a person.';
comment on column documents.is_valid is 'Whether the answer keeps every rule of the record.';
comment on column documents.labelled_fields is 'Fields with a label.';
comment on column documents.raw_answer is 'The answer as text, where it is invalid.';
comment on column documents.call_id is 'Call of the answer.';
comment on column documents.created_at is 'First reading, UTC.';
comment on column documents.updated_at is 'Last change, UTC.';
comment on column documents.is_deleted is 'Whether it is softly deleted.';
comment on column documents.deleted_at is 'When, UTC.';
