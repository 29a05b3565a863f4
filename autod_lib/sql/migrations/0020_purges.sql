-- Documents that are gone for good: of each only its hash stays, so that it is known when it is seen again.

create table purges (run_id varchar, seq bigint, logged_at timestamptz, document_sha256 varchar, state varchar, first_seen_at timestamptz);
comment on table purges is 'Every step of every purge of a document.';
comment on column purges.run_id is 'Run.';
comment on column purges.seq is 'Place of the event in its segment.';
comment on column purges.logged_at is 'When, UTC.';
comment on column purges.document_sha256 is 'Document.';
comment on column purges.state is 'intended: refused from here on; done: nothing is left of it; taken_back: it may be read again, asked for on purpose.';
comment on column purges.first_seen_at is 'When it was first read, UTC: pages made since then may have shown it.';
comment on column remote_objects.state is 'intended, made, removing, gone, or left (it was to be removed, and could not be).';
