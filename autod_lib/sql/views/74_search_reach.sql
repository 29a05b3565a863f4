-- search_reach: how much of the record can be searched for at the provider, and what has that cost?   Reads documents, remote_objects_held, searches.   One row an is_simulated.
create or replace view search_reach as
with answered as (
    select is_simulated, count(*) as documents, count(vector_store_file_id) as searchable
    from documents where not is_deleted and processing_status in ('processed', 'needs_review') group by is_simulated
), kept as (
    select is_simulated, cast(sum(size_bytes) as bigint) as stored_bytes, min(expires_at) as first_expiry_at from remote_objects_held
    where object_kind = 'vector_store_file' group by is_simulated
), asked as (
    select is_simulated, count(*) as searches, sum(cost_usd) as searches_usd from searches group by is_simulated
)
select is_simulated, documents, searchable, coalesce(stored_bytes, 0) as stored_bytes, first_expiry_at, coalesce(searches, 0) as searches, searches_usd
from answered left join kept using (is_simulated) left join asked using (is_simulated);
comment on view search_reach is 'What the vector store holds of the record. Grain: is_simulated.';
comment on column search_reach.is_simulated is 'Simulated and real money never share a row.';
comment on column search_reach.documents is 'Answered documents.';
comment on column search_reach.searchable is 'Of these, documents with a copy in the vector store.';
comment on column search_reach.stored_bytes is 'Size in bytes of these copies.';
comment on column search_reach.first_expiry_at is 'When the provider deletes the first of them, UTC.';
comment on column search_reach.searches is 'Searches so far.';
comment on column search_reach.searches_usd is 'USD of these searches, DECIMAL; NULL when there was none, or no price.';
