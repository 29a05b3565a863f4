-- label_contradictions: where do labellers disagree?   Reads labels_current, labels_by_labeller.   One row a (document_sha256, field, other_labeller).
-- Two labels agree when they say the same (macro comparable), or one names the other as an alternative.
create or replace view label_contradictions as
select truth.document_sha256, truth.field, truth.labeller, truth.value, other.labeller as other_labeller, other.value as other_value,
       truth.settled_at is not null and truth.settled_at >= other.labelled_at as is_settled
from labels_current as truth join labels_by_labeller as other using (document_sha256, field)
where other.labeller <> truth.labeller and comparable(field, truth.value) is distinct from comparable(field, other.value)
      and not list_contains(coalesce(cast(truth.alternatives as varchar[]), []), other.value)
      and not list_contains(coalesce(cast(other.alternatives as varchar[]), []), truth.value);
comment on view label_contradictions is 'Labels that contradict the one that counts. Grain: document_sha256, field, other_labeller.';
comment on column label_contradictions.document_sha256 is 'Document.';
comment on column label_contradictions.field is 'Field of the record.';
comment on column label_contradictions.labeller is 'Whose label counts.';
comment on column label_contradictions.value is 'The label that counts; NULL: the document has no such value.';
comment on column label_contradictions.other_labeller is 'Who says otherwise.';
comment on column label_contradictions.other_value is 'What the other says; NULL: the document has no such value.';
comment on column label_contradictions.is_settled is 'Whether the one that counts was given to settle it, after the other.';
-- label_agreement: how far do two labellers agree?   Reads labels_by_labeller.   One row a (field, labeller, other_labeller), labeller before other_labeller.
-- Cohen's kappa (Cohen 1960): (p - e) / (1 - e) with p the share that agrees and e the share that would by chance, from how often each says what. An absent value
-- is a category of its own; alternatives are left aside. Interval of the share: 29_wilson.
create or replace view label_agreement as
with said as (
    select document_sha256, field, labeller, coalesce(comparable(field, value), '<absent>') as said from labels_by_labeller
), pairs as (
    select field, a.labeller, b.labeller as other_labeller, a.said, b.said as other_said from said as a join said as b using (document_sha256, field)
    where a.labeller < b.labeller
), agreed as (
    select field, labeller, other_labeller, count(*) as documents, count(*) filter (where said = other_said) as agreed from pairs group by all
), here as (
    select field, labeller, other_labeller, said, count(*) as times from pairs group by all
), there as (
    select field, labeller, other_labeller, other_said as said, count(*) as times from pairs group by all
), chance as (
    select field, labeller, other_labeller, sum(here.times * there.times) as products from here join there using (field, labeller, other_labeller, said) group by all
)
select field, labeller, other_labeller, documents, agreed, agreed / documents as share_agreed,
       wilson_low(agreed, documents) as share_agreed_low, wilson_high(agreed, documents) as share_agreed_high,
       (agreed / documents - coalesce(products, 0) / (documents * documents)) / nullif(1 - coalesce(products, 0) / (documents * documents), 0) as kappa
from agreed left join chance using (field, labeller, other_labeller);
comment on view label_agreement is 'How far two labellers agree on the documents that both labelled. Grain: field, labeller, other_labeller.';
comment on column label_agreement.field is 'Field of the record.';
comment on column label_agreement.labeller is 'One labeller.';
comment on column label_agreement.other_labeller is 'The other, later in the alphabet.';
comment on column label_agreement.documents is 'Documents whose field both labelled.';
comment on column label_agreement.agreed is 'Of these, on which they say the same.';
comment on column label_agreement.share_agreed is 'agreed / documents, 0 to 1.';
comment on column label_agreement.share_agreed_low is 'Lower end of its 95 % Wilson interval.';
comment on column label_agreement.share_agreed_high is 'Upper end of its 95 % Wilson interval.';
comment on column label_agreement.kappa is 'Agreement beyond chance (Cohen 1960): 1 is full, 0 what chance gives; NULL when both always say one and the same.';
