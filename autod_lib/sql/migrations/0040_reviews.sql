-- What a person did in a review, and which labels were taken back.

create table review_actions (
    run_id varchar, seq bigint, logged_at timestamptz, document_sha256 varchar, labeller varchar, action varchar, is_undo boolean, fields json,
    is_random boolean, seconds double
);
comment on table review_actions is 'Every action of every review, in the order it was taken.';
comment on column review_actions.run_id is 'Run: the session.';
comment on column review_actions.seq is 'Place of the event in its segment.';
comment on column review_actions.logged_at is 'When, UTC.';
comment on column review_actions.document_sha256 is 'Document.';
comment on column review_actions.labeller is 'Who reviewed it.';
comment on column review_actions.action is 'accept, correct or skip.';
comment on column review_actions.is_undo is 'Whether this takes such an action back.';
comment on column review_actions.fields is 'Fields that it labelled.';
comment on column review_actions.is_random is 'Whether the document was drawn at random among those that nobody was asked to look at.';
comment on column review_actions.seconds is 'Time since the action before, or since the document was shown, in seconds; a pause counts as five minutes.';

create table label_withdrawals (run_id varchar, seq bigint, logged_at timestamptz, document_sha256 varchar, label_run_id varchar, label_seq bigint);
comment on table label_withdrawals is 'Every label that its labeller took back.';
comment on column label_withdrawals.run_id is 'Run.';
comment on column label_withdrawals.seq is 'Place of the event in its segment.';
comment on column label_withdrawals.logged_at is 'When, UTC.';
comment on column label_withdrawals.document_sha256 is 'Document.';
comment on column label_withdrawals.label_run_id is 'Run of the label.';
comment on column label_withdrawals.label_seq is 'Place of the label in the segment of its run.';
