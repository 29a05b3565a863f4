-- amounts_by_currency: what do the documents themselves ask for or confirm?   Reads documents.   One row a (currency, doc_type, is_simulated).
-- Amounts of different currencies are never added; an amount without a currency has a row of its own.
create or replace view amounts_by_currency as
select currency, doc_type, is_simulated, count(*) as documents, sum(total_amount) as total_amount, min(total_amount) as smallest_amount, max(total_amount) as largest_amount
from documents where total_amount is not null and is_simulated is not null and not is_deleted group by currency, doc_type, is_simulated;
comment on view amounts_by_currency is 'Grand totals that the documents name, each currency apart. Grain: currency, doc_type, is_simulated.';
comment on column amounts_by_currency.currency is 'ISO 4217; NULL: the document names none.';
comment on column amounts_by_currency.doc_type is 'Kind of document; NULL when it has none.';
comment on column amounts_by_currency.is_simulated is 'Whether the answers are simulated.';
comment on column amounts_by_currency.documents is 'Documents that name an amount.';
comment on column amounts_by_currency.total_amount is 'Their sum in `currency`, DECIMAL.';
comment on column amounts_by_currency.smallest_amount is 'The smallest, in `currency`; credits are negative.';
comment on column amounts_by_currency.largest_amount is 'The largest, in `currency`.';
