-- A label says when its labeller said it, which may be long before it was imported, and whether it settles what labellers disagree about.
alter table labels_log add column labelled_at timestamptz;
alter table labels_log add column settles boolean;
comment on column labels_log.labelled_at is 'When the labeller said so, UTC, as the file has it; NULL: when it was imported.';
comment on column labels_log.settles is 'Whether it counts over what other labellers said of this field; NULL: it does not.';
