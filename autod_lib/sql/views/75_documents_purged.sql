-- documents_purged: which documents are gone for good, and refused when they are seen again?   Reads purges, deletions.   One row a document_sha256.
-- What their calls cost stays where it was: in the ledger, under their hash.
create or replace view documents_purged as
with newest as (
    select document_sha256, arg_max(state, (logged_at, run_id, seq)) as state, max(logged_at) filter (where state = 'intended') as purged_at,
           arg_max(first_seen_at, (logged_at, run_id, seq)) filter (where state = 'intended') as first_seen_at
    from purges group by document_sha256
), deleted as (
    select document_sha256, max(logged_at) filter (where is_deleted) as deleted_at from deletions group by document_sha256
)
select document_sha256, deleted.deleted_at, newest.purged_at, newest.state = 'done' as is_done, newest.first_seen_at
from newest left join deleted using (document_sha256) where newest.state <> 'taken_back';
comment on view documents_purged is 'Documents that were purged and may not be read again unless asked for on purpose. Grain: document_sha256.';
comment on column documents_purged.document_sha256 is 'SHA-256 of the bytes, hexadecimal.';
comment on column documents_purged.deleted_at is 'When it was softly deleted, UTC.';
comment on column documents_purged.purged_at is 'When its purge began, UTC.';
comment on column documents_purged.is_done is 'Whether nothing is left of it; false: `autod purge` goes on with it.';
comment on column documents_purged.first_seen_at is 'When it had first been read, UTC.';
