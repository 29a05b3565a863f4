-- cost_by_arm: what did each arm cost?   Reads api_calls.   One row a (arm, is_simulated) with a call.
create or replace view cost_by_arm as
select arm, is_simulated, count(*) as calls, count(distinct document_sha256) as documents, count(*) filter (where cost_usd is null and status = 'answered') as calls_unpriced,
       count(*) filter (where status = 'unsettled') as calls_unsettled, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd,
       sum(cost_upper_usd) filter (where status = 'unsettled') as unsettled_upper_usd,
       cast(sum(cost_usd) / nullif(count(distinct document_sha256), 0) as decimal(24,12)) as cost_a_document_usd
from api_calls group by all;
comment on view cost_by_arm is 'Cost of calls by arm. Grain: arm, is_simulated.';
comment on column cost_by_arm.arm is 'Model, input mode, effort and prompt, as one name.';
comment on column cost_by_arm.is_simulated is 'Simulated and real money never share a row.';
comment on column cost_by_arm.calls is 'Calls, unsettled ones included.';
comment on column cost_by_arm.documents is 'Distinct documents.';
comment on column cost_by_arm.calls_unpriced is 'Answered calls without a known cost.';
comment on column cost_by_arm.calls_unsettled is 'Calls whose end nobody knows; cost_usd leaves them out.';
comment on column cost_by_arm.unsettled_upper_usd is 'USD that the unsettled calls can have cost at most.';
comment on column cost_by_arm.input_tokens is 'Input tokens.';
comment on column cost_by_arm.output_tokens is 'Output tokens.';
comment on column cost_by_arm.cost_usd is 'USD, DECIMAL; NULL when no call had a price.';
comment on column cost_by_arm.cost_a_document_usd is 'USD a distinct document, retries and repairs included.';
-- cost_by_doc_type: what does each kind of document cost?   Reads cost_by_document, documents.   One row a (doc_type, is_simulated); NULL: no kind is known.
create or replace view cost_by_doc_type as
select doc_type, cost.is_simulated, count(cost.document_sha256) as documents, sum(page_count) as pages, cast(sum(cost.calls) as bigint) as calls,
       cast(sum(cost.calls_unpriced) as bigint) as calls_unpriced, cast(sum(cost.calls_unsettled) as bigint) as calls_unsettled,
       sum(cost.cost_usd) as cost_usd, sum(cost.unsettled_upper_usd) as unsettled_upper_usd,
       cast(sum(cost.cost_usd) / nullif(count(cost.document_sha256), 0) as decimal(24,12)) as cost_a_document_usd,
       cast(sum(cost.cost_usd) filter (where page_count > 0) / nullif(sum(page_count), 0) as decimal(24,12)) as cost_a_page_usd
from cost_by_document as cost left join documents using (document_sha256) group by doc_type, cost.is_simulated;
comment on view cost_by_doc_type is 'Cost of documents by their kind, re-runs and experiments included. Grain: doc_type, is_simulated.';
comment on column cost_by_doc_type.doc_type is 'Kind, labels included; NULL: none is known, or the calls belong to no document.';
comment on column cost_by_doc_type.is_simulated is 'Simulated and real money never share a row.';
comment on column cost_by_doc_type.documents is 'Documents.';
comment on column cost_by_doc_type.pages is 'Their pages.';
comment on column cost_by_doc_type.calls is 'Calls, unsettled ones included.';
comment on column cost_by_doc_type.calls_unpriced is 'Answered calls without a known cost.';
comment on column cost_by_doc_type.calls_unsettled is 'Calls whose end nobody knows; cost_usd leaves them out.';
comment on column cost_by_doc_type.unsettled_upper_usd is 'USD that the unsettled calls can have cost at most.';
comment on column cost_by_doc_type.cost_usd is 'USD, DECIMAL; NULL when no call had a price.';
comment on column cost_by_doc_type.cost_a_document_usd is 'USD a document.';
comment on column cost_by_doc_type.cost_a_page_usd is 'USD a page.';
-- cost_by_pages: does a long document cost more, and a page of it less?   Reads cost_by_document, documents.   One row a (pages_from, is_simulated).
create or replace view cost_by_pages as
with sized as (
    select cost.*, page_count, case when page_count >= 21 then 21 when page_count >= 11 then 11 when page_count >= 6 then 6 when page_count >= 3 then 3 else page_count end
           as pages_from
    from cost_by_document as cost left join documents using (document_sha256)
)
select pages_from, case pages_from when 3 then 5 when 6 then 10 when 11 then 20 when 21 then null else pages_from end as pages_to, is_simulated,
       count(document_sha256) as documents, sum(page_count) as pages, cast(sum(calls) as bigint) as calls,
       cast(sum(calls_unpriced) as bigint) as calls_unpriced, cast(sum(calls_unsettled) as bigint) as calls_unsettled, sum(cost_usd) as cost_usd,
       sum(unsettled_upper_usd) as unsettled_upper_usd,
       cast(sum(cost_usd) / nullif(count(document_sha256), 0) as decimal(24,12)) as cost_a_document_usd,
       cast(sum(cost_usd) / nullif(sum(page_count), 0) as decimal(24,12)) as cost_a_page_usd
from sized group by all;
comment on view cost_by_pages is 'Cost of documents by their length. Grain: pages_from, is_simulated.';
comment on column cost_by_pages.pages_from is 'Fewest pages of the class; NULL: the length is not known, or the calls belong to no document.';
comment on column cost_by_pages.pages_to is 'Most pages of the class; NULL: no end.';
comment on column cost_by_pages.is_simulated is 'Simulated and real money never share a row.';
comment on column cost_by_pages.documents is 'Documents.';
comment on column cost_by_pages.pages is 'Their pages.';
comment on column cost_by_pages.calls is 'Calls, unsettled ones included.';
comment on column cost_by_pages.calls_unpriced is 'Answered calls without a known cost.';
comment on column cost_by_pages.calls_unsettled is 'Calls whose end nobody knows; cost_usd leaves them out.';
comment on column cost_by_pages.unsettled_upper_usd is 'USD that the unsettled calls can have cost at most.';
comment on column cost_by_pages.cost_usd is 'USD, DECIMAL; NULL when no call had a price.';
comment on column cost_by_pages.cost_a_document_usd is 'USD a document.';
comment on column cost_by_pages.cost_a_page_usd is 'USD a page.';
-- cost_reasons: why is a document dear?   Reads priced_calls.   One row a (document_sha256, is_simulated) with a priced call.
-- The cost of its first call is split into cache write, output and input; all further calls are one part. The reason is the part that lies furthest above
-- the median document's.
create or replace view cost_reasons as
with ordered as (
    select *, row_number() over (partition by document_sha256, is_simulated order by started_at, call_id) as place from priced_calls where document_sha256 is not null
), parts as (
    select document_sha256, is_simulated, count(*) as calls, count(distinct arm) as arms, count(*) filter (where purpose = 'repair') as repairs,
           max(page_count) as page_count, arg_min_null(input_mode, place) as input_mode, arg_min_null(input, place) as input_tokens,
           arg_min_null(output, place) as output_tokens, sum(cost_usd) as cost_usd,
           coalesce(sum(cost_usd) filter (where place > 1), 0) as further_calls_usd, sum(output_usd) filter (where place = 1) as output_usd,
           sum(cache_write_usd) filter (where place = 1) as cache_write_usd
    from ordered group by document_sha256, is_simulated
), split as (
    select *, cost_usd - further_calls_usd - output_usd - cache_write_usd as input_usd from parts
), usual as (
    select is_simulated, median(further_calls_usd) as further_calls, median(output_usd) as output, median(cache_write_usd) as cache_write, median(input_usd) as input
    from split group by is_simulated
), above as (
    select split.*, further_calls_usd - usual.further_calls as further_calls_above, output_usd - usual.output as output_above,
           cache_write_usd - usual.cache_write as cache_write_above, input_usd - usual.input as input_above
    from split join usual using (is_simulated)
)
select document_sha256, is_simulated, calls, arms, repairs, page_count, input_mode, input_tokens, output_tokens, cost_usd, input_usd, cache_write_usd, output_usd,
       further_calls_usd,
       case greatest(further_calls_above, output_above, cache_write_above, input_above)
            when further_calls_above then case when further_calls_above <= 0 then 'nothing out of the usual' when arms > 1 then 'asked by several arms'
                                               when repairs > 0 then 'repaired' else 'asked again' end
            when output_above then 'long answer' when cache_write_above then 'wrote the cache'
            else case when input_mode <> 'text' then 'page images and text' else 'long text' end end as reason
from above;
comment on view cost_reasons is 'What each document''s cost is made of, and what stands out. Grain: document_sha256, is_simulated.';
comment on column cost_reasons.document_sha256 is 'Document.';
comment on column cost_reasons.is_simulated is 'Simulated and real money never share a row.';
comment on column cost_reasons.calls is 'Priced calls.';
comment on column cost_reasons.arms is 'Arms that asked.';
comment on column cost_reasons.repairs is 'Calls that repaired an answer.';
comment on column cost_reasons.page_count is 'Pages.';
comment on column cost_reasons.input_mode is 'Input mode of the first call.';
comment on column cost_reasons.input_tokens is 'Input tokens of the first call.';
comment on column cost_reasons.output_tokens is 'Output tokens of the first call.';
comment on column cost_reasons.cost_usd is 'USD of all its priced calls.';
comment on column cost_reasons.input_usd is 'Of these, for input of the first call, cache reads included.';
comment on column cost_reasons.cache_write_usd is 'Of these, for cache writes of the first call.';
comment on column cost_reasons.output_usd is 'Of these, for output of the first call.';
comment on column cost_reasons.further_calls_usd is 'Of these, for all further calls.';
comment on column cost_reasons.reason is 'The part that lies furthest above the median document''s, in words.';
-- input_modes_compared: what does each input mode cost and give on the same documents?   Reads priced_calls, scored_fields.
-- One row a (model, prompt_hash, reasoning_effort, input_mode, is_simulated) and one of input_mode auto: the text where its layer is good, else file-low.
-- Only documents that were answered in every mode which the model was asked in; of several calls the newest counts. Accuracy: of their labelled fields.
create or replace view input_modes_compared as
with newest as (
    select * from priced_calls where document_sha256 is not null and purpose = 'extract'
    qualify row_number() over (partition by document_sha256, model, prompt_hash, reasoning_effort, input_mode, is_simulated order by started_at desc, call_id) = 1
), asked as (
    select model, prompt_hash, reasoning_effort, is_simulated, count(distinct input_mode) as modes from newest group by all having count(distinct input_mode) > 1
), same as (
    select newest.* from newest join asked using (model, prompt_hash, reasoning_effort, is_simulated)
    qualify count(*) over (partition by document_sha256, model, prompt_hash, reasoning_effort, is_simulated) = modes
), chosen as (
    select * from same
    union all
    select * replace ('auto' as input_mode) from same where input_mode = case when text_layer = 'good' then 'text' else 'file-low' end
), right_of as (
    select document_sha256, arm, is_simulated, count(*) as labelled, count(*) filter (where is_right) as right_answers from scored_fields group by all
)
select model, prompt_hash, reasoning_effort, input_mode, chosen.is_simulated, count(*) as documents, cast(sum(page_count) as bigint) as pages,
       cast(sum(input) as bigint) as input_tokens, cast(sum(output) as bigint) as output_tokens, sum(cost_usd) as cost_usd,
       cast(sum(cost_usd) / count(*) as decimal(24,12)) as cost_a_document_usd, coalesce(cast(sum(labelled) as bigint), 0) as labelled,
       sum(right_answers) / nullif(sum(labelled), 0) as accuracy, trials_in_effect(right_answers, labelled) as labels_in_effect,
       wilson_low(accuracy * labels_in_effect, labels_in_effect) as accuracy_low, wilson_high(accuracy * labels_in_effect, labels_in_effect) as accuracy_high
from chosen left join right_of on right_of.document_sha256 = chosen.document_sha256 and right_of.arm = chosen.arm and right_of.is_simulated = chosen.is_simulated
group by model, prompt_hash, reasoning_effort, input_mode, chosen.is_simulated;
comment on view input_modes_compared is 'Input modes on the same documents. Grain: model, prompt_hash, reasoning_effort, input_mode, is_simulated.';
comment on column input_modes_compared.model is 'Model asked.';
comment on column input_modes_compared.prompt_hash is 'Version of the static prefix.';
comment on column input_modes_compared.reasoning_effort is 'Effort asked.';
comment on column input_modes_compared.input_mode is 'text, file-low, file-high, or auto.';
comment on column input_modes_compared.is_simulated is 'Simulated and real money never share a row.';
comment on column input_modes_compared.documents is 'Documents answered in every mode.';
comment on column input_modes_compared.pages is 'Their pages.';
comment on column input_modes_compared.input_tokens is 'Input tokens.';
comment on column input_modes_compared.output_tokens is 'Output tokens.';
comment on column input_modes_compared.cost_usd is 'USD as billed.';
comment on column input_modes_compared.cost_a_document_usd is 'USD a document.';
comment on column input_modes_compared.labelled is 'Labels scored.';
comment on column input_modes_compared.accuracy is 'Share of the labelled fields that are right, 0 to 1; NULL without labels.';
comment on column input_modes_compared.labels_in_effect is 'Independent labels that these are worth: those of one document hang together.';
comment on column input_modes_compared.accuracy_low is 'Lower end of its 95 % interval.';
comment on column input_modes_compared.accuracy_high is 'Upper end of its 95 % interval.';
