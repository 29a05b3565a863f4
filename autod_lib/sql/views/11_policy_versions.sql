-- policy_versions: which policies are there, and which version of each counts?   Reads policies.   One row a saved policy (policy_run_id).
create or replace view policy_versions as
select run_id as policy_run_id, name, row_number() over word as version, row_number() over (partition by name order by logged_at desc, run_id desc) = 1 as is_newest,
       logged_at as saved_at, saved_by, is_simulated, field, target, sure, is_vote, stages, person_usd, tested_documents, errors, accuracy_at_least,
       usd_a_thousand, usd_a_thousand_low, usd_a_thousand_high
from policies window word as (partition by name order by logged_at, run_id);
comment on view policy_versions is 'Every saved policy with its version. Grain: policy_run_id.';
comment on column policy_versions.policy_run_id is 'Run that saved it.';
comment on column policy_versions.name is 'Name.';
comment on column policy_versions.version is 'Number of those saved under this name, from 1.';
comment on column policy_versions.is_newest is 'Whether it is the one that counts.';
comment on column policy_versions.saved_at is 'When, UTC.';
comment on column policy_versions.saved_by is 'User of the machine who saved it.';
comment on column policy_versions.is_simulated is 'Whether it was tested on simulated answers.';
comment on column policy_versions.field is 'Field that it promises, or (all).';
comment on column policy_versions.target is 'Share of documents that it promises to be right, 0 to 1.';
comment on column policy_versions.sure is 'Certainty of the promise, 0 to 1.';
comment on column policy_versions.is_vote is 'Whether the first two stages are both asked and stand where they agree.';
comment on column policy_versions.stages is 'Stages in their order.';
comment on column policy_versions.person_usd is 'USD that a document costs which a person reads; NULL: no person.';
comment on column policy_versions.tested_documents is 'Documents it was tested on.';
comment on column policy_versions.errors is 'Of these, those it got wrong.';
comment on column policy_versions.accuracy_at_least is 'Share right that the test allows at least, at this certainty, 0 to 1.';
comment on column policy_versions.usd_a_thousand is 'USD for 1,000 documents, persons included.';
comment on column policy_versions.usd_a_thousand_low is 'Lower end of its 95 % interval.';
comment on column policy_versions.usd_a_thousand_high is 'Upper end of its 95 % interval.';
