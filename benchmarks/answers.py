"""A ledger of a million answers and 50,000 labels, written into the database as a load of the journal would leave it: `make(home)`.

Half a million documents were asked in two arms, one of which is right in 19 of 20, the other in 6 of 7; every ninetieth has nine labels. The same
numbers give the same ledger; nothing is read and nothing is sent.
"""

from pathlib import Path

from autod_lib import store

DOCUMENTS = 500_000
LABELLED_EVERY = 90
ARMS = {"gpt-6-luna · text · low · p1": ("text", 7), "gpt-6-sol · file-low · low · p1": ("file-low", 20)}
BEGAN = "timestamptz '2026-01-01 00:00:00+00'"
KIND = "['Invoice', 'Receipt', 'Contract', 'Form'][1 + h % 4]"
LABELS = {
    "doc_type": KIND,
    "issuer": "'Alder Finch ' || h % 500",
    "recipient": "'Weber AG'",
    "primary_date": "cast(date '2026-01-01' + cast(h % 300 as integer) as varchar)",
    "total_amount": "cast(h % 10000 as varchar)",
    "currency": "'EUR'",
    "language_detected": "'en'",
    "tags": """'["a", "b", "c"]'""",
    "action_items": """'[{"description": "pay the invoice by transfer"}]'""",
}
READ = f"""
insert into documents_read by name
select 'read' as run_id, i as seq, {BEGAN} + to_seconds(i * 40) as logged_at, sha as document_sha256, i || '.pdf' as file_name,
       '/in/' || i || '.pdf' as path, 1000 as size_bytes, 1 + h % 9 as page_count, 'readable' as status,
       ['good', 'poor', 'none'][1 + h % 3] as text_layer
from made"""
ANSWERED = f"""
insert into extractions by name
select $arm as run_id, i as seq, {BEGAN} + to_seconds(i * 40 + 9) as logged_at, uuid() as call_id, sha || $arm as request_key, sha as document_sha256,
       $arm as arm, 'gpt-6' as model, $mode as input_mode, 'p1' as prompt_hash, false as is_simulated, true as is_valid, '[]' as review_reasons,
       '1' as schema_version, case when hash(i + $wrong) % $wrong = 0 then 'Letter' else {KIND} end as doc_type,
       0.5 + h // 7 % 100 / 200 as confidence_score, 'Alder & Finch ' || h % 500 as issuer, 'Weber AG' as recipient,
       date '2026-01-01' + cast(h % 300 as integer) as primary_date, h % 10000 as total_amount, 'EUR' as currency, 'en' as language_detected,
       '["a", "b", "d"]' as tags, '[{{"description": "Pay the invoice by bank"}}]' as action_items, '[]' as deadlines, h % 11 = 0 as requires_review
from made"""
SETTLED = f"""
insert into document_statuses by name
select $arm as run_id, i as seq, {BEGAN} + to_seconds(i * 40 + 9) as logged_at, sha as document_sha256, sha || $arm as request_key, $arm as arm,
       false as is_simulated, case when h % 11 = 0 then 'needs_review' else 'processed' end as status
from made"""
BILLED = f"""
insert into calls_finished by name
select $arm as run_id, i as seq, {BEGAN} + to_seconds(i * 40 + 9) as logged_at, {BEGAN} + to_seconds(i * 40) as started_at,
       {BEGAN} + to_seconds(i * 40 + 9) as finished_at, uuid() as call_id, sha as document_sha256, $arm as arm, 'gpt-6' as model,
       $mode as input_mode, 'answered' as status, 'completed' as outcome, 'extract' as purpose, false as is_simulated,
       3000 + h % 1000 as input_tokens, 1000 as cached_tokens, 300 as output_tokens, 0.001 as cost_usd
from made"""
LABEL = """
insert into labels_log by name
select 'labels' as run_id, i as seq, now() as logged_at, sha as document_sha256, $field as field, {value} as value, false as is_absent,
       '[]' as alternatives, 'anna' as labeller, 'a file' as source
from made where i % $every = 0"""


def make(home: Path) -> int:
    """Fills a new workspace; returns its labels."""
    with store.writing(home) as con:
        con.execute(
            "create temp table made as select i, sha256(cast(i as varchar)) as sha, cast(hash(i) % 1000000007 as bigint) as h "
            f"from range({DOCUMENTS}) t(i)"
        )
        con.execute(READ)
        for arm, (mode, wrong) in ARMS.items():
            con.execute(ANSWERED, {"arm": arm, "mode": mode, "wrong": wrong})
            con.execute(SETTLED, {"arm": arm})
            con.execute(BILLED, {"arm": arm, "mode": mode})
        for field, value in LABELS.items():
            con.execute(LABEL.format(value=value), {"field": field, "every": LABELLED_EVERY})
        return int(con.execute("select count(*) from labels_log").fetchall()[0][0])
