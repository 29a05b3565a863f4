-- cache_observed: what may be expected of the prompt cache, by what it did?   Reads calls_finished.   One row a (model, tier, prompt_hash, is_simulated).
-- Over the 14 days up to the newest such call. A run that comes back more than 12 hours after the one before is no return: nothing lives so long.
create or replace view cache_observed as
with calls as (
    select *, case when coalesce(service_tier, service_tier_asked) in ('batch', 'flex') then coalesce(service_tier, service_tier_asked) else 'sync' end as tier
    from calls_finished where status = 'answered' and cached_tokens is not null
), recent as (
    select * from calls
    qualify started_at > max(started_at) over (partition by model, tier, prompt_hash, is_simulated) - interval 14 day
), runs as (
    select model, tier, prompt_hash, is_simulated, run_id, min(started_at) as first_at, max(started_at) as last_at from recent group by all
), gaps as (
    select model, tier, prompt_hash, is_simulated,
           epoch(first_at) - epoch(lag(last_at) over (partition by model, tier, prompt_hash, is_simulated order by first_at)) as gap_s
    from runs
), returning_runs as (
    select model, tier, prompt_hash, is_simulated, count(*) as returns, median(gap_s) as between_s from gaps where gap_s between 0 and 43200 group by all
), seen as (
    select model, tier, prompt_hash, is_simulated,
           count(*) filter (where expected_cached_tokens > 0)                             as expected_reads,
           count(*) filter (where expected_cached_tokens > 0 and cached_tokens > 0)       as reads,
           count(*) filter (where expected_cached_tokens > 0 and cache_write_tokens > 0)  as writes,
           median(latency_ms) filter (where document_sha256 is not null) / 1000           as latency_s,
           cast(coalesce(round(avg(input_tokens - prefix_tokens) filter (where document_sha256 is not null)), 0) as bigint) as document_tokens
    from recent group by all
)
select model, tier, prompt_hash, is_simulated, expected_reads, reads, writes, latency_s, document_tokens,
       coalesce(returns, 0) as returns, coalesce(between_s, 0) as between_s
from seen left join returning_runs using (model, tier, prompt_hash, is_simulated);
comment on view cache_observed is 'What calls of a model, tier and prompt did with the prompt cache lately. Grain: model, tier, prompt_hash, is_simulated.';
comment on column cache_observed.model is 'Model asked.';
comment on column cache_observed.tier is 'sync, flex or batch.';
comment on column cache_observed.prompt_hash is 'Version of the static prefix.';
comment on column cache_observed.is_simulated is 'Whether the calls were simulated.';
comment on column cache_observed.expected_reads is 'Calls that were expected to read the prefix.';
comment on column cache_observed.reads is 'Of these, calls that read something.';
comment on column cache_observed.writes is 'Of these, calls that wrote something.';
comment on column cache_observed.latency_s is 'Middle latency, seconds; NULL without a call about a document.';
comment on column cache_observed.document_tokens is 'Mean of input tokens behind the prefix.';
comment on column cache_observed.returns is 'Runs that came within 12 hours of the one before.';
comment on column cache_observed.between_s is 'Middle of the times between these, seconds.';
