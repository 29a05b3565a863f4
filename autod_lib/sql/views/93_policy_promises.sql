-- policy_promises: did a saved policy keep what it promised?   Reads policy_versions, document_statuses, labels_log, labels_current, scored_fields, cost_by_document_and_arm.
-- One row a saved policy (policy_run_id). Of each document the newest status that the policy gave it. Judged are those whose field got its first label after the policy
-- was saved, so none that it was tested on, and still has one; a document that went to a person is right, as it was in the test. Cost: all that the arms asked for each document took, whoever
-- asked them first, and what a person costs. Verdict: whether Wilson's 95 % interval lies wholly above or below the target; it leaves it out with
-- z² · target · (1 − target) / (share right − target)² labels.
create or replace view policy_promises as
with settled as (
    select document_sha256, policy_run_id, arg_max(stage, (logged_at, run_id, seq)) as stage, arg_max(status, (logged_at, run_id, seq)) as status
    from document_statuses where policy_run_id is not null and stage is not null group by all
), steps as (
    select policy_run_id, name, is_simulated, field, saved_at, person_usd, unnest(from_json(stages, '["JSON"]')) ->> 'arm' as arm,
           generate_subscripts(from_json(stages, '["JSON"]'), 1) as stage
    from policy_versions
), labelled as (
    select document_sha256, unnest([field, '(all)']) as field, logged_at from labels_log
), first_labels as (
    select document_sha256, field, min(logged_at) as labelled_at
    from labelled semi join (select document_sha256, unnest([field, '(all)']) as field from labels_current) as now using (document_sha256, field) group by all
), scores as (
    select document_sha256, arm, is_simulated, field, is_right from scored_fields
    union all select document_sha256, arm, is_simulated, '(all)', bool_and(is_right) from scored_fields group by all
), judged as (
    select settled.document_sha256, settled.policy_run_id, first_labels.document_sha256 is not null as is_judged, steps.arm = 'person' or coalesce(scores.is_right, false) as is_right
    from settled join steps using (policy_run_id, stage)
    left join first_labels on first_labels.document_sha256 = settled.document_sha256 and first_labels.field = steps.field and first_labels.labelled_at > steps.saved_at
    left join scores on scores.document_sha256 = settled.document_sha256 and scores.arm = steps.arm and scores.is_simulated = steps.is_simulated and scores.field = steps.field
    where status in ('processed', 'needs_review')
), counted as (
    select policy_run_id, count(*) as documents, count(*) filter (where is_judged) as labelled, count(*) filter (where is_judged and is_right) as right_documents
    from judged group by policy_run_id
), spent as (
    select settled.policy_run_id, sum(case when steps.arm = 'person' then steps.person_usd when steps.arm = 'rules' then 0 else cost.cost_usd end) as usd,
           count(*) filter (where steps.arm not in ('person', 'rules') and cost.cost_usd is null) as unpriced, sum(cost.calls_unsettled) as calls_unsettled,
           sum(cost.unsettled_upper_usd) as unsettled_upper_usd
    from settled join steps on steps.policy_run_id = settled.policy_run_id and steps.stage <= settled.stage
    left join cost_by_document_and_arm as cost
         on cost.document_sha256 = settled.document_sha256 and cost.arm = steps.arm and cost.is_simulated = steps.is_simulated
    where status in ('processed', 'needs_review') group by settled.policy_run_id
), figures as (
    select policy.*, coalesce(documents, 0) as documents, coalesce(labelled, 0) as labelled, coalesce(right_documents, 0) as right_documents,
           right_documents / nullif(labelled, 0) as accuracy, wilson_low(right_documents, labelled) as accuracy_low, wilson_high(right_documents, labelled) as accuracy_high,
           coalesce(accuracy, 1) as share, case when unpriced = 0 then cast(usd * 1000 / documents as decimal(24,6)) end as usd_a_thousand_since,
           coalesce(calls_unsettled, 0) as calls_unsettled, unsettled_upper_usd
    from policy_versions as policy left join counted using (policy_run_id) left join spent using (policy_run_id)
)
select policy_run_id, name, version, is_newest, is_simulated, saved_at, field, documents, labelled, right_documents, accuracy, accuracy_low, accuracy_high,
       target, accuracy_at_least, sure, usd_a_thousand_since, usd_a_thousand, usd_a_thousand_low, usd_a_thousand_high,
       case when accuracy_low >= target then 'kept' when accuracy_high < target then 'not kept' else 'too few labels to tell' end as verdict,
       case when verdict = 'too few labels to tell' and share <> target
            then cast(ceil(3.841458881296 * target * (1 - target) / pow(share - target, 2)) as bigint) end as labels_needed,
       calls_unsettled, unsettled_upper_usd
from figures;
comment on view policy_promises is 'What each saved policy promised beside what became of it. Grain: policy_run_id.';
comment on column policy_promises.policy_run_id is 'Run that saved it.';
comment on column policy_promises.name is 'Name.';
comment on column policy_promises.version is 'Number of those saved under this name, from 1.';
comment on column policy_promises.is_newest is 'Whether it is the version that counts.';
comment on column policy_promises.is_simulated is 'Whether answers and money are simulated.';
comment on column policy_promises.saved_at is 'When it was saved, UTC.';
comment on column policy_promises.field is 'Field that it promises, or (all): every labelled field of a document.';
comment on column policy_promises.documents is 'Documents that it has settled with an answer or a person.';
comment on column policy_promises.labelled is 'Of these, those whose field was labelled for the first time after it was saved.';
comment on column policy_promises.right_documents is 'Of these, those that are right.';
comment on column policy_promises.accuracy is 'Share right, 0 to 1; NULL without labels.';
comment on column policy_promises.accuracy_low is 'Lower end of its 95 % Wilson interval.';
comment on column policy_promises.accuracy_high is 'Upper end of its 95 % Wilson interval.';
comment on column policy_promises.target is 'Share right that was promised, 0 to 1.';
comment on column policy_promises.accuracy_at_least is 'Share right that the test allowed at least, 0 to 1.';
comment on column policy_promises.sure is 'Certainty of the promise, 0 to 1.';
comment on column policy_promises.usd_a_thousand_since is 'USD for 1,000 of its documents, persons included, DECIMAL; NULL when a cost is unknown.';
comment on column policy_promises.usd_a_thousand is 'USD for 1,000 documents of the test.';
comment on column policy_promises.usd_a_thousand_low is 'Lower end of its 95 % interval.';
comment on column policy_promises.usd_a_thousand_high is 'Upper end of its 95 % interval.';
comment on column policy_promises.verdict is 'kept, not kept, or too few labels to tell.';
comment on column policy_promises.labels_needed is 'Labels that would tell if it goes on as it did (all right without any); NULL: it is told, or no number would.';
comment on column policy_promises.calls_unsettled is 'Calls about its documents whose end nobody knows; the cost leaves them out.';
comment on column policy_promises.unsettled_upper_usd is 'USD that these can have cost at most.';
