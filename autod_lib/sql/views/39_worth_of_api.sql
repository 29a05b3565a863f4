-- worth_of_api: is the API worth its money, field by field?   Reads scored_fields, calls_finished.   One row a (arm, field, is_simulated).
-- Each arm against the rules baseline (arm rules, free of charge) on the documents that both answered. The cost is that of all the arm's finished calls about them.
create or replace view worth_of_api as
with api as (
    from scored_fields where arm <> 'rules'
), paired as (
    select api.document_sha256, api.arm, api.field, api.is_simulated, api.is_right, rules.is_right as is_right_by_rules
    from api join scored_fields as rules using (document_sha256, field, is_simulated) where rules.arm = 'rules'
), costs as (
    select document_sha256, arm, is_simulated, sum(cost_usd) as usd from calls_finished
    where document_sha256 in (select document_sha256 from label_statements) group by document_sha256, arm, is_simulated
)
select arm, field, is_simulated, count(*) as documents, count(*) filter (where is_right) as right_answers, count(*) filter (where is_right_by_rules) as right_by_rules,
       count(*) filter (where is_right and not is_right_by_rules) as only_api, count(*) filter (where is_right_by_rules and not is_right) as only_rules,
       cast(1000 * sum(usd) / count(usd) as decimal(24,12)) as cost_a_thousand_usd,
       cast(case when only_api > only_rules then sum(usd) / count(usd) * count(*) / (only_api - only_rules) end as decimal(24,12)) as cost_a_right_more_usd
from paired left join costs using (document_sha256, arm, is_simulated) group by all;
comment on view worth_of_api is 'Each arm against the rules baseline on the same documents. Grain: arm, field, is_simulated.';
comment on column worth_of_api.arm is 'Arm of the API.';
comment on column worth_of_api.field is 'Field of the record.';
comment on column worth_of_api.is_simulated is 'Whether its answers are simulated.';
comment on column worth_of_api.documents is 'Labelled documents that both answered.';
comment on column worth_of_api.right_answers is 'Of these, right by the arm.';
comment on column worth_of_api.right_by_rules is 'Of these, right by rules.';
comment on column worth_of_api.only_api is 'Right by the arm alone.';
comment on column worth_of_api.only_rules is 'Right by rules alone.';
comment on column worth_of_api.cost_a_thousand_usd is 'USD a thousand such documents by the arm, all fields together; NULL without a price.';
comment on column worth_of_api.cost_a_right_more_usd is 'USD for each value that is right beyond the rules, if this field were all it is paid for; NULL when there is none.';
