-- search_record(query, kind, most): which documents does the record itself answer a query with?   Reads documents.   One row a document that has a word of the query.
-- Okapi BM25 (k1 1.2, b 0.75) over the words of what was read of each document: names, kind, parties, summary, tags, notes and excerpt. The score is the share of the
-- most that a document could score for the query. It costs nothing, and is what the paid index has to beat.
create or replace macro search_record(query, kind, most) as table
with texts as (
    select document_sha256, is_simulated,
           concat_ws(' ', file_name, doc_type, doc_subtype, issuer, recipient, summary, array_to_string(cast(tags as varchar[]), ' '), notes, ocr_text_excerpt) as text
    from documents where not is_deleted and (kind is null or doc_type = kind)
), words as (
    select document_sha256, is_simulated, unnest(regexp_extract_all(lower(text), '[\p{L}\p{N}]+')) as word from texts
), lengths as (
    select document_sha256, is_simulated, count(*) as length from words group by all
), sizes as (
    select is_simulated, count(*) as documents, avg(length) as usual from lengths group by is_simulated
), asked as (
    select distinct unnest(regexp_extract_all(lower(query), '[\p{L}\p{N}]+')) as word
), found as (
    select document_sha256, is_simulated, word, count(*) as times from words semi join asked using (word) group by all
), rarity as (
    select sizes.is_simulated, asked.word, ln(1 + (any_value(documents) - count(found.word) + 0.5) / (count(found.word) + 0.5)) as weight
    from sizes cross join asked left join found on found.word = asked.word and found.is_simulated = sizes.is_simulated group by sizes.is_simulated, asked.word
), most_possible as (
    select is_simulated, sum(weight) as weight from rarity group by is_simulated
), scored as (
    select found.document_sha256, found.is_simulated, count(*) as words_found,
           sum(rarity.weight * times / (times + 1.2 * (0.25 + 0.75 * length / usual))) / any_value(most_possible.weight) as score
    from found join rarity using (is_simulated, word) join lengths using (document_sha256, is_simulated) join sizes using (is_simulated)
    join most_possible using (is_simulated) group by found.document_sha256, found.is_simulated
)
select row_number() over (partition by is_simulated order by score desc, document_sha256) as place, document_sha256, file_name, is_simulated, score, words_found,
       doc_type, issuer, primary_date, total_amount, currency, coalesce(ocr_text_excerpt, summary) as excerpt
from scored join documents using (document_sha256, is_simulated)
qualify place <= most;
comment on macro table search_record is 'Documents that have words of a query, best first, by the record alone: score 0 to 1, words_found of the query, and an excerpt. Grain: document_sha256.';
