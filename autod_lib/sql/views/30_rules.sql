-- scoring_rules: what counts as right?   The one place that says so; scored_fields judges by it.   One row a field that can be labelled.
create or replace view scoring_rules as
from (values
    ('doc_type', 'code', null, 'the same kind, or an alternative of the label'),
    ('urgency_level', 'code', null, 'the same level'),
    ('currency', 'code', null, 'the same ISO 4217 code, case apart'),
    ('language_detected', 'code', null, 'the same ISO 639-1 code, case apart'),
    ('primary_date', 'day', null, 'the same day'),
    ('secondary_date', 'day', null, 'the same day'),
    ('total_amount', 'amount', null, 'the same amount to the cent, after rounding'),
    ('issuer', 'name', 0.93, 'equal without case, accents and punctuation; or one within the other (4 characters or more); or Jaro-Winkler similarity of at least 0.93'),
    ('recipient', 'name', 0.93, 'equal without case, accents and punctuation; or one within the other (4 characters or more); or Jaro-Winkler similarity of at least 0.93'),
    ('tags', 'list', 1.0, 'the same set of tags, without case, accents and punctuation; score: F1 of the pairs'),
    ('deadlines', 'list', 1.0, 'each deadline paired with one of the same day and type (a label without type takes any); score: F1 of the pairs'),
    ('action_items', 'list', 0.5, 'each action paired with the one it shares most words with, if that is mutual and Dice''s coefficient is at least 0.5; score: F1 of the pairs')
) as rules(field, kind, threshold, rule);
comment on view scoring_rules is 'What counts as right, field by field. A value the document does not have: only no answer is right. A blank label is not scored. Grain: field.';
comment on column scoring_rules.field is 'Field of the record.';
comment on column scoring_rules.kind is 'code, day, amount, name or list.';
comment on column scoring_rules.threshold is 'Similarity from which two texts are the same, 0 to 1; NULL where nothing is nearly right.';
comment on column scoring_rules.rule is 'When an answer is right.';
