-- cache_flags: where does the prompt cache not do what it should?   Reads cache_by_key, cache_by_policy, cache_by_prompt, cache_by_run.   One row a (flag, subject, model, is_simulated).
-- Small numbers prove nothing: reading is judged from 10 calls that should have read, and a policy from 10 calls.
create or replace view cache_flags as
with prompts as (
    select *, lag(prompt_hash) over earlier as hash_before, lag(calls_reading / calls) over earlier as reading_before
    from cache_by_prompt window earlier as (partition by model, cache_policy, is_simulated order by first_at)
), flags as (
    select 'prefix changed' as flag, prompt_hash as subject, model, is_simulated, calls, balance_usd, first_at as since,
           'The static prefix of ' || cache_policy || ' calls is another than before (' || hash_before || '): what was written for that one is not read any more'
           || case when calls_reading / calls < reading_before / 2 then ', and reading has fallen.' else '.' end as sentence
    from prompts where hash_before is not null
    union all by name
    select 'prefix of another length' as flag, prompt_hash as subject, model, is_simulated, calls, balance_usd, first_at as since,
           'Calls read ' || read_tokens || ' tokens, where the prefix was counted as ' || prefix_tokens
           || ': the provider renders it otherwise, or something of the documents is inside it.' as sentence
    from cache_by_prompt where read_tokens not between prefix_tokens * 0.85 and prefix_tokens * 1.15 and cache_policy in ('automatic', 'explicit')
    union all by name
    select 'reads fell short' as flag, run_id as subject, model, is_simulated, calls, balance_usd, first_at as since,
           calls_reading || ' calls read, where the ' || cache_policy || ' policy expected ' || calls_expected_to_read
           || ': the prefix changed, expired, or its key got more calls than a machine takes.' as sentence
    from cache_by_run where calls_expected_to_read >= 10 and cached_tokens < expected_cached_tokens * 0.8
    union all by name
    select 'policy does not pay' as flag, cache_policy || ' · ' || cache_lifetime || ' · ' || service_tier as subject, model, is_simulated, calls, balance_usd,
           last_at as since, 'Writing cost more than reading saved.' as sentence
    from cache_by_policy where calls >= 10 and balance_usd < 0
    union all by name
    select 'writes nobody reads' as flag, cache_key as subject, model, is_simulated, calls, balance_usd, first_at as since,
           'Under this key ' || cache_write_tokens || ' tokens were written by ' || calls_writing || case when calls_writing = 1 then ' call' else ' calls' end || ', and none was read.' as sentence
    from cache_by_key where cache_write_tokens > 0 and coalesce(cached_tokens, 0) = 0
)
select flag, subject, model, is_simulated, calls, balance_usd, since, sentence from flags;
comment on view cache_flags is 'What is wrong with the use of the prompt cache. Grain: flag, subject, model, is_simulated.';
comment on column cache_flags.flag is 'prefix changed, prefix of another length, reads fell short, policy does not pay or writes nobody reads.';
comment on column cache_flags.subject is 'Prompt version, run, policy or cache key that it is about.';
comment on column cache_flags.model is 'Model asked.';
comment on column cache_flags.is_simulated is 'Whether the calls were simulated.';
comment on column cache_flags.calls is 'Answered calls of the subject.';
comment on column cache_flags.balance_usd is 'USD that reading saved less what writing cost; NULL without a price.';
comment on column cache_flags.since is 'First call of it (of a policy: the last), UTC.';
comment on column cache_flags.sentence is 'What is the matter.';
