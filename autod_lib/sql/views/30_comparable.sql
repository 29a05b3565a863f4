-- plain_text: how is a text compared?   Lower case, no accents, everything but letters and digits a single space.
create or replace macro plain_text(words) as trim(regexp_replace(lower(strip_accents(words)), '[^\p{L}\p{N}]+', ' ', 'g'));
comment on macro plain_text is 'A text as it is compared: lower case, without accents and punctuation.';
-- comparable: what do two labels have in common that say the same?   The cent of an amount, the words of a name, the code whatever its case.
create or replace macro comparable(field, words) as
case when field = 'total_amount' then cast(round(try_cast(words as decimal(24,4)), 2) as varchar)
     when field in ('issuer', 'recipient') then plain_text(words)
     else lower(words) end;
comment on macro comparable is 'A label in the form in which two that say the same are equal.';
-- words_in_common: how alike are two sentences?   Dice's coefficient of their distinct words (Dice 1945), 0 to 1.
create or replace macro words_in_common(words, others) as
2 * len(list_intersect(string_split(plain_text(words), ' '), string_split(plain_text(others), ' ')))
/ (len(list_distinct(string_split(plain_text(words), ' '))) + len(list_distinct(string_split(plain_text(others), ' '))));
comment on macro words_in_common is 'Twice the distinct words that two texts share, over the distinct words of both, 0 to 1 (Dice 1945).';
-- list_item, list_item_kind: what of an item of a list is compared?   A tag's words, a deadline's day and type, an action's description.
create or replace macro list_item(field, item) as
case field when 'tags' then plain_text(item ->> '$') when 'deadlines' then item ->> '$.date' else item ->> '$.description' end;
create or replace macro list_item_kind(field, item) as case field when 'deadlines' then item ->> '$.type' end;
comment on macro list_item is 'The text of an item of a list by which it is compared.';
comment on macro list_item_kind is 'The type that must be the same too; NULL: any.';
