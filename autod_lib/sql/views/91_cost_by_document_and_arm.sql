-- cost_by_document_and_arm: what did each arm's answer to a document take?   Reads api_calls.   One row a (document_sha256, arm, is_simulated).
-- Retries and repairs are in; calls of no document (a prewarm) have a row of NULL document. The same document asked again on purpose is another arm (… · repeat 1).
create or replace view cost_by_document_and_arm as
select document_sha256, arm, is_simulated, count(*) as calls, count(*) filter (where cost_usd is null and status = 'answered') as calls_unpriced,
       count(*) filter (where status = 'unsettled') as calls_unsettled, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
       sum(cost_usd) as cost_usd, sum(cost_upper_usd) filter (where status = 'unsettled') as unsettled_upper_usd, sum(latency_ms) / 1000 as latency_s
from api_calls group by document_sha256, arm, is_simulated;
comment on view cost_by_document_and_arm is 'What each arm took for each document. Grain: document_sha256, arm, is_simulated.';
comment on column cost_by_document_and_arm.document_sha256 is 'Document; NULL for calls that belong to none.';
comment on column cost_by_document_and_arm.arm is 'Arm.';
comment on column cost_by_document_and_arm.is_simulated is 'Simulated and real money never share a row.';
comment on column cost_by_document_and_arm.calls is 'Calls, unsettled ones included.';
comment on column cost_by_document_and_arm.calls_unpriced is 'Answered calls without a known cost.';
comment on column cost_by_document_and_arm.calls_unsettled is 'Calls whose end nobody knows; cost_usd leaves them out.';
comment on column cost_by_document_and_arm.input_tokens is 'Input tokens.';
comment on column cost_by_document_and_arm.output_tokens is 'Output tokens.';
comment on column cost_by_document_and_arm.cost_usd is 'USD, DECIMAL; NULL when no call had a price.';
comment on column cost_by_document_and_arm.unsettled_upper_usd is 'USD that the unsettled calls can have cost at most.';
comment on column cost_by_document_and_arm.latency_s is 'Seconds that its calls took, one after the other; NULL when unknown, as in a batch.';
