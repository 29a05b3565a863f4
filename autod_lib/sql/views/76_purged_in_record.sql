-- purged_in_record: of which purged documents does the record still hold something?   Reads documents_purged and all tables that say something of a document.
-- One row a document_sha256. There is one while its purge is under way, and after a backup that is older than its purge was restored.
create or replace view purged_in_record as
with said as (
    select document_sha256 from sightings_log where problem is distinct from 'purged' union all select document_sha256 from documents_read
    union all select document_sha256 from extractions union all select document_sha256 from document_statuses
    union all select document_sha256 from labels_log union all select document_sha256 from label_withdrawals union all select document_sha256 from review_actions
    union all select document_sha256 from calls_finished join call_bodies using (run_id, call_id) where body is not null or error_message is not null
    union all select document_sha256 from remote_objects where attributes is not null
)
select distinct document_sha256 from said semi join documents_purged using (document_sha256);
comment on view purged_in_record is 'Purged documents of which the record still holds something: `autod purge` takes it. Grain: document_sha256.';
comment on column purged_in_record.document_sha256 is 'SHA-256 of the bytes, hexadecimal.';
