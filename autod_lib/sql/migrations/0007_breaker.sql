-- When the API was away: every change of a run's circuit breaker.

create table breaker_changes (
    run_id varchar, seq bigint, logged_at timestamptz, is_simulated boolean, state varchar, reason varchar, failures integer, probes integer, away_s double
);
comment on table breaker_changes is 'Every change of the circuit breaker of a run.';
comment on column breaker_changes.run_id is 'Run.';
comment on column breaker_changes.seq is 'Place of the event in its segment.';
comment on column breaker_changes.logged_at is 'When, UTC.';
comment on column breaker_changes.is_simulated is 'Whether the API was simulated.';
comment on column breaker_changes.state is 'open: nobody asks; half_open: one probe is under way; closed: it answered; given_up: the run waits no longer.';
comment on column breaker_changes.reason is 'Why.';
comment on column breaker_changes.failures is 'Attempts in a row without an answer.';
comment on column breaker_changes.probes is 'Probes since it opened.';
comment on column breaker_changes.away_s is 'Seconds since it opened.';
