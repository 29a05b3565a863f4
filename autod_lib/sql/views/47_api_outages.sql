-- api_outages: when was the API away, why, and how did it end?   Reads breaker_changes.   One row an outage: from the opening of a run's breaker to its end.
create or replace view api_outages as
with numbered as (
    select *, count(*) filter (where state = 'open' and probes = 0) over (partition by run_id order by seq) as outage from breaker_changes
)
select run_id, outage, is_simulated, min(logged_at) as opened_at, max(logged_at) filter (where state in ('closed', 'given_up')) as ended_at,
       coalesce(max(state) filter (where state in ('closed', 'given_up')), max_by(state, seq)) as state,
       max(away_s) as away_s, max(probes) as probes, min_by(reason, seq) as reason, max_by(reason, seq) as last_reason
from numbered group by all;
comment on view api_outages is 'Outages of the API as runs saw them. Grain: run_id, outage.';
comment on column api_outages.run_id is 'Run.';
comment on column api_outages.outage is 'Number of the outage within the run, from 1.';
comment on column api_outages.is_simulated is 'Whether the API was simulated.';
comment on column api_outages.opened_at is 'When the run stopped asking, UTC.';
comment on column api_outages.ended_at is 'When it was answered again or gave up, UTC; NULL: the run ended or still waits.';
comment on column api_outages.state is 'closed: it came back; given_up: the run ended in order; open or half_open: as it stands.';
comment on column api_outages.away_s is 'Seconds, to the last change.';
comment on column api_outages.probes is 'Probes made.';
comment on column api_outages.reason is 'Why the run stopped asking.';
comment on column api_outages.last_reason is 'What was known last.';
