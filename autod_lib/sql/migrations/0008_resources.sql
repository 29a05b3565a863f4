-- What is kept at the provider for searching: names, places and ends of remote objects, and what was searched for.

alter table remote_objects add column parent_id varchar;
alter table remote_objects add column name varchar;
alter table remote_objects add column size_bytes bigint;
alter table remote_objects add column expires_at timestamptz;
comment on column remote_objects.parent_id is 'Vector store that a vector_store_file is in; NULL for other kinds.';
comment on column remote_objects.name is 'Our own name of it, by which it can be found again when the answer to its making was lost.';
comment on column remote_objects.size_bytes is 'Size in bytes of what was uploaded.';
comment on column remote_objects.expires_at is 'When the provider deletes it by itself, UTC; NULL: never.';
comment on column remote_objects.state is 'intended, made, gone, or left (it was to be removed, and could not be).';

create table searches (
    run_id varchar, seq bigint, logged_at timestamptz, query varchar, filters json, hits bigint, seconds double, cost_usd decimal(24,12), is_simulated boolean
);
comment on table searches is 'Every search of the vector store.';
comment on column searches.run_id is 'Run.';
comment on column searches.seq is 'Place of the event in its segment.';
comment on column searches.logged_at is 'When, UTC.';
comment on column searches.query is 'What was searched for.';
comment on column searches.filters is 'Filter by attributes; NULL without one.';
comment on column searches.hits is 'Chunks found.';
comment on column searches.seconds is 'Duration in seconds.';
comment on column searches.cost_usd is 'USD by the price list of that day; NULL without a price.';
comment on column searches.is_simulated is 'Whether the provider is simulated.';
