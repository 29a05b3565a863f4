-- remote_objects_held: what is at the provider now, as far as the record knows?   Reads remote_objects.   One row an object that was made and is not gone.
-- A file of a vector store that is gone is gone with it, and so is one whose upload is gone or has expired.
create or replace view remote_objects_held as
with newest as (
    select object_kind, object_id, parent_id, arg_max(state, (logged_at, run_id, seq)) as state, arg_max(document_sha256, (logged_at, run_id, seq)) as document_sha256,
           arg_max(name, (logged_at, run_id, seq)) as name, arg_max(attributes, (logged_at, run_id, seq)) as attributes,
           arg_max(size_bytes, (logged_at, run_id, seq)) as size_bytes, arg_max(expires_at, (logged_at, run_id, seq)) as expires_at,
           arg_max(is_simulated, (logged_at, run_id, seq)) as is_simulated, min(logged_at) filter (where state = 'made') as made_at
    from remote_objects where object_id is not null group by object_kind, object_id, parent_id
), there as (
    select * from newest where state <> 'gone' and made_at is not null and (expires_at is null or expires_at > now())
)
select object_kind, object_id, parent_id, document_sha256, name, attributes, size_bytes, made_at, expires_at, is_simulated from there
where object_kind <> 'vector_store_file'
   or (parent_id in (select object_id from there where object_kind = 'vector_store') and object_id in (select object_id from there where object_kind = 'file'));
comment on view remote_objects_held is 'Files and vector stores at the provider, by the record. Grain: object_kind, object_id, parent_id.';
comment on column remote_objects_held.object_kind is 'file, vector_store or vector_store_file.';
comment on column remote_objects_held.object_id is 'Id at the provider.';
comment on column remote_objects_held.parent_id is 'Vector store that a vector_store_file is in.';
comment on column remote_objects_held.document_sha256 is 'Document; NULL for what belongs to none.';
comment on column remote_objects_held.name is 'Our own name of it.';
comment on column remote_objects_held.attributes is 'Attributes stored with it, at most 16.';
comment on column remote_objects_held.size_bytes is 'Size in bytes of what was uploaded.';
comment on column remote_objects_held.made_at is 'When it was made, UTC.';
comment on column remote_objects_held.expires_at is 'When the provider deletes it by itself, UTC; NULL: never.';
comment on column remote_objects_held.is_simulated is 'Whether the provider is simulated.';
