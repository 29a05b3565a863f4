-- documents_in_order: what did the documents look like, one after the other?   Reads extractions, calls_finished.   One row a (document_sha256, is_simulated).
-- The first valid answer of each document, in the order of time; drift is looked for along it. A later answer to the same document is not a new document.
create or replace view documents_in_order as
with firsts as (
    select * from extractions where is_valid and is_simulated is not null
    qualify row_number() over (partition by document_sha256, is_simulated order by logged_at, run_id, seq) = 1
)
select firsts.document_sha256, firsts.is_simulated, firsts.logged_at as answered_at, firsts.doc_type, firsts.confidence_score,
       issuer is not null as issuer_filled, recipient is not null as recipient_filled, primary_date is not null as primary_date_filled,
       total_amount is not null as total_amount_filled, currency is not null as currency_filled,
       input_tokens, output_tokens, cached_tokens / nullif(input_tokens, 0) as share_cached, calls_finished.cost_usd as usd
from firsts left join calls_finished on firsts.call_id = calls_finished.call_id;
comment on view documents_in_order is 'First valid answer of each document with what it was like. Grain: document_sha256, is_simulated.';
comment on column documents_in_order.document_sha256 is 'Document.';
comment on column documents_in_order.is_simulated is 'Whether the answer is simulated.';
comment on column documents_in_order.answered_at is 'When, UTC.';
comment on column documents_in_order.doc_type is 'Kind that was answered.';
comment on column documents_in_order.confidence_score is 'Stated confidence, 0 to 1.';
comment on column documents_in_order.issuer_filled is 'Whether an issuer was answered.';
comment on column documents_in_order.recipient_filled is 'Whether a recipient was answered.';
comment on column documents_in_order.primary_date_filled is 'Whether a primary date was answered.';
comment on column documents_in_order.total_amount_filled is 'Whether a total was answered.';
comment on column documents_in_order.currency_filled is 'Whether a currency was answered.';
comment on column documents_in_order.input_tokens is 'Input tokens of the call.';
comment on column documents_in_order.output_tokens is 'Output tokens of the call.';
comment on column documents_in_order.share_cached is 'Share of the input read from the cache, 0 to 1.';
comment on column documents_in_order.usd is 'USD of the call that gave this answer, DECIMAL; NULL without a price. Other calls about the document are not in it.';
