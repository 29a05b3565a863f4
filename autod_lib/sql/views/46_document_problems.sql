-- document_problems: which files could not be read or answered, and what to do?   Reads sightings, documents.   One row a (path, or document without a path).
create or replace view document_problems as
select path, s.document_sha256, coalesce(d.processing_status, 'rejected') as processing_status, coalesce(s.problem, d.error_kind) as problem,
       coalesce(s.sentence, d.error_sentence) as sentence, case when d.calls is null then 0 else d.cost_usd end as cost_usd, d.is_simulated, s.last_seen_at
from sightings as s left join documents as d using (document_sha256)
where s.problem is distinct from 'vanished' and (s.problem is not null or d.processing_status in ('rejected', 'quarantined', 'failed'));
comment on view document_problems is 'Files that have no answer, with the reason. Grain: path.';
comment on column document_problems.path is 'Absolute path.';
comment on column document_problems.document_sha256 is 'Document; NULL when it could not be read.';
comment on column document_problems.processing_status is 'rejected, quarantined or failed.';
comment on column document_problems.problem is 'Reason, a word.';
comment on column document_problems.sentence is 'What happened and what to do.';
comment on column document_problems.cost_usd is 'USD spent on it.';
comment on column document_problems.is_simulated is 'Whether what is known of it is simulated; NULL: nothing was asked.';
comment on column document_problems.last_seen_at is 'Last time it was seen, UTC.';
