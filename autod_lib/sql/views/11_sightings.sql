-- sightings: at which paths was something seen, and is it still there?   Reads sightings_log, looks.   One row a path.
-- A look that finds a file unchanged writes no event for it: the last look over a folder that holds the path tells when it was last seen.
create or replace view sightings as
with newest as (
    select path, arg_max_null(document_sha256, (logged_at, run_id, seq)) as document_sha256, arg_max_null(problem, (logged_at, run_id, seq)) as problem,
           arg_max_null(sentence, (logged_at, run_id, seq)) as sentence, arg_max_null(size_bytes, (logged_at, run_id, seq)) as size_bytes,
           arg_max_null(modified_ns, (logged_at, run_id, seq)) as modified_ns, min(logged_at) as first_seen_at, max(logged_at) as changed_at
    from sightings_log group by path
), roots as (
    select root, rtrim(root, '/') || '/' as below, 'file://' || replace(url_encode(rtrim(root, '/')), '%2F', '/') || '/' as address, max(logged_at) as seen_at
    from looks group by root
), seen as (
    select path, max(roots.seen_at) as seen_at from newest join roots
    on path = root or starts_with(path, below) or starts_with(path, address)
    where newest.problem is distinct from 'vanished' group by path
)
select document_sha256, path, problem, sentence, size_bytes, modified_ns, first_seen_at,
       greatest(changed_at, coalesce(seen.seen_at, changed_at)) as last_seen_at
from newest left join seen using (path);
comment on view sightings is 'Every path at which something was seen, as it was last seen. Grain: path.';
comment on column sightings.document_sha256 is 'SHA-256 of the content; NULL when it could not be read.';
comment on column sightings.path is 'Absolute path; a file: address when the name is not UTF-8.';
comment on column sightings.problem is 'Why it was not read, a word; vanished: no longer there; NULL: fine.';
comment on column sightings.sentence is 'The same as a sentence, with what to do.';
comment on column sightings.size_bytes is 'Size in bytes.';
comment on column sightings.modified_ns is 'Time of last change by the file system, nanoseconds since 1970.';
comment on column sightings.first_seen_at is 'First time, UTC.';
comment on column sightings.last_seen_at is 'Last time, UTC.';
