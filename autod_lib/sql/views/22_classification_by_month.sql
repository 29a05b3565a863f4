-- classification_by_month: of which months are the documents themselves?   Reads documents.   One row a (month, doc_type, is_simulated); documents with a primary date.
create or replace view classification_by_month as
select make_date(year(primary_date), month(primary_date), 1) as month, doc_type, is_simulated, count(*) as documents
from documents where primary_date is not null and doc_type is not null and is_simulated is not null and not is_deleted group by all;
comment on view classification_by_month is 'Documents by the month that they are dated and kind. Grain: month, doc_type, is_simulated.';
comment on column classification_by_month.month is 'First day of the month of primary_date.';
comment on column classification_by_month.doc_type is 'Kind of document.';
comment on column classification_by_month.is_simulated is 'Whether the answers are simulated.';
comment on column classification_by_month.documents is 'Documents.';
