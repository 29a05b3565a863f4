-- Policies that were bought and saved by name, and which of them gave a document its status.
create table policies (
    run_id varchar, seq bigint, logged_at timestamptz, name varchar, saved_by varchar, is_simulated boolean, field varchar, target double, sure double,
    is_vote boolean, stages json, person_usd decimal(24,12), tested_documents bigint, errors bigint, accuracy_at_least double,
    usd_a_thousand decimal(24,6), usd_a_thousand_low decimal(24,6), usd_a_thousand_high decimal(24,6)
);
comment on table policies is 'Every policy that was saved, as it was promised; of those with the same name the newest counts.';
comment on column policies.run_id is 'Run that saved it, and what names this version of it.';
comment on column policies.seq is 'Place of the event in its segment.';
comment on column policies.logged_at is 'When, UTC.';
comment on column policies.name is 'Name.';
comment on column policies.saved_by is 'User of the machine who saved it.';
comment on column policies.is_simulated is 'Whether it was tested on simulated answers.';
comment on column policies.field is 'Field that it promises, or (all): every labelled field of a document.';
comment on column policies.target is 'Share of documents that it promises to be right, 0 to 1.';
comment on column policies.sure is 'Certainty of the promise, 0 to 1.';
comment on column policies.is_vote is 'Whether the first two stages are both asked and stand where they agree.';
comment on column policies.stages is 'Stages in their order: arm, its settings, and the confidence from which its answer stands (least).';
comment on column policies.person_usd is 'USD that a document costs which a person reads; NULL: no person.';
comment on column policies.tested_documents is 'Documents it was tested on.';
comment on column policies.errors is 'Of these, those it got wrong.';
comment on column policies.accuracy_at_least is 'Share right that the test allows at least, at this certainty, 0 to 1.';
comment on column policies.usd_a_thousand is 'USD for 1,000 documents on those it was tested on, persons included.';
comment on column policies.usd_a_thousand_low is 'Lower end of its 95 % interval.';
comment on column policies.usd_a_thousand_high is 'Upper end of its 95 % interval.';

alter table document_statuses add column policy_run_id varchar;
alter table document_statuses add column stage integer;
comment on column document_statuses.policy_run_id is 'Saved policy that gave the status (run_id of policies); NULL: none.';
comment on column document_statuses.stage is 'Stage of the policy that settled the document, or that it waits for, from 1.';
