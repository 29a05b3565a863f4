-- The time in which an alert is not raised again.

alter table alerts add column dedupe_window varchar;
comment on table alerts is 'What somebody should know. One row an alert that was raised.';
comment on column alerts.component is 'budget, prices, cache, api, journal, …';
comment on column alerts.dedupe_key is 'What it is about, a word: with the same component, key, window and kind of money an alert is raised once.';
comment on column alerts.dedupe_window is 'Time in which it is not raised again: a month such as 2026-11, a day, or a run id; empty: ever.';
