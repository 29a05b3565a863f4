-- How fast a run may ask: the window of calls at once and the API's own limits, each time they change.

create table rate_changes (
    run_id varchar, seq bigint, logged_at timestamptz, is_simulated boolean, reason varchar, calls_at_once integer, requests_limit double, tokens_limit double,
    ended integer, refused integer
);
comment on table rate_changes is 'Every change worth telling of how fast a run asks.';
comment on column rate_changes.run_id is 'Run.';
comment on column rate_changes.seq is 'Place of the event in its segment.';
comment on column rate_changes.logged_at is 'When, UTC.';
comment on column rate_changes.is_simulated is 'Whether the API was simulated.';
comment on column rate_changes.reason is 'Why.';
comment on column rate_changes.calls_at_once is 'Calls that may be under way from here on.';
comment on column rate_changes.requests_limit is 'Limit of requests as the API tells it, a minute unless its reset says otherwise; NULL: not told.';
comment on column rate_changes.tokens_limit is 'The same of tokens.';
comment on column rate_changes.ended is 'Calls that ended since the change before.';
comment on column rate_changes.refused is 'Of these, refused with 429.';
