"""A price tag on every field: what each of the record's fields costs in output tokens and USD, beside how often it is filled and right.

Decided here: how the output of an answer is shared out. Each `"key": value` of the answer is counted by tiktoken, and the counts are scaled, by
largest remainder, to the visible output tokens that were billed; reasoning is a row of its own. Promised: over the answers looked at, the price tags
add up to the output that was billed, to the last token and decimal. Beyond `sample` answers
those with the lowest hash of their call are taken, so that the same ledger gives the same tags. Called by the notebooks. Reads only.
"""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import duckdb
import polars as pl

from . import metrics, tokens
from .answers import answer_text
from .document import FIELDS

REASONING: Final = "(reasoning)"
SCHEMA: Final[dict[str, Any]] = {
    "field": pl.String,
    "is_simulated": pl.Boolean,
    "answers": pl.Int64,
    "filled": pl.Int64,
    "share_filled": pl.Float64,
    "tokens": pl.Int64,
    "tokens_an_answer": pl.Float64,
    "share_of_output": pl.Float64,
    "cost_usd": pl.Decimal(24, 12),
    "cost_a_thousand_usd": pl.Decimal(24, 12),
    "labelled": pl.Int64,
    "accuracy": pl.Float64,
}


def slices(text: str) -> dict[str, tuple[str, Any]]:
    """The parts of a JSON object as they stand in its text: key to (`"key": value`, value).

    Raises: ValueError if the text is no JSON object.

    >>> slices('{"a": [1, 2], "b":null}')
    {'a': ('"a": [1, 2]', [1, 2]), 'b': ('"b":null', None)}
    """
    decoder, place = json.JSONDecoder(), text.index("{") + 1
    found: dict[str, tuple[str, Any]] = {}
    while True:
        while text[place : place + 1] in (" ", "\n", "\t", "\r", ","):
            place += 1
        if text[place : place + 1] != '"':
            return found
        start = place
        key, place = decoder.raw_decode(text, place)
        place = text.index(":", place) + 1
        while text[place : place + 1].isspace():
            place += 1
        value, place = decoder.raw_decode(text, place)
        found[key] = (text[start:place], value)


def shared_out(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """A whole number shared out by weight so that the shares add up to it: the largest remainders get what is left.

    >>> shared_out(10, {"a": 1, "b": 1, "c": 1})
    {'a': 4, 'b': 3, 'c': 3}
    """
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    shares = {name: total * weight // whole for name, weight in weights.items()}
    behind = sorted(weights, key=lambda name: -(total * weights[name] % whole))
    for name in behind[: total - sum(shares.values())]:
        shares[name] += 1
    return shares


def field_prices(
    con: duckdb.DuckDBPyConnection, *, is_simulated: bool, since: date | None = None, until: date | None = None, sample: int = 1000
) -> pl.DataFrame:
    """What each field of the record costs, dearest first, then the reasoning.

    field str · is_simulated bool · answers int, those looked at (at most `sample`) · filled int, answers in which it holds something · share_filled
    float 0–1 · tokens int, over the answers looked at · tokens_an_answer float · share_of_output float 0–1 · cost_usd Decimal, over the answers
    looked at · cost_a_thousand_usd Decimal, USD a thousand answers · labelled int · accuracy float 0–1, of the answers in use, null without labels.
    """
    given = {"is_simulated": is_simulated, "since": since, "until": until, "sample": sample}
    rows = con.execute(
        f"""with chosen as (
            select run_id, call_id, model, output_tokens, coalesce(reasoning_tokens, 0) as reasoning_tokens, output_usd from calls_finished
            where outcome in ('completed', 'invalid') and document_sha256 is not null and output_usd is not null and output_tokens > 0
                  and is_simulated = $is_simulated and {metrics.in_period(metrics.utc_day("finished_at"))}
            order by hash(call_id), call_id limit $sample
        ) select model, output_tokens, reasoning_tokens, output_usd, body from chosen join call_bodies using (run_id, call_id)""",
        given,
    ).fetchall()
    counted: Counter[str] = Counter()
    filled: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    cost: dict[str, Decimal] = {}
    answers = 0
    for model, output_tokens, reasoning_tokens, output_usd, body in rows:
        try:
            parts = slices(answer_text(body) or "")
        except (ValueError, KeyError, TypeError, AttributeError):  # an answer that is no record has no fields to share its cost
            continue
        if not parts:
            continue
        answers += 1
        encoding, _ = tokens.encoding_for(model)
        sizes = map(len, encoding.encode_ordinary_batch([text for text, _ in parts.values()], num_threads=1))
        shares = shared_out(output_tokens - reasoning_tokens, dict(zip(parts, sizes, strict=True))) | {REASONING: reasoning_tokens}
        for name, number in shares.items():
            counted[name] += number
            asked[name] += 1
            cost[name] = cost.get(name, Decimal(0)) + output_usd * number / output_tokens
        filled.update(name for name, (_, value) in parts.items() if value not in (None, [], ""))
    right = {row["field"]: row for row in metrics.accuracy_in_use(con, is_simulated=is_simulated).iter_rows(named=True)}
    whole = counted.total()
    named = sorted((name for name in counted if name in FIELDS), key=lambda name: (-cost[name], name))
    found = []
    for name in [*named, *([REASONING] if counted[REASONING] else [])]:
        is_field = name != REASONING
        label = right.get(name, {})
        found.append(
            {
                "field": name,
                "is_simulated": is_simulated,
                "answers": answers,
                "filled": filled[name] if is_field else None,
                "share_filled": filled[name] / asked[name] if is_field else None,
                "tokens": counted[name],
                "tokens_an_answer": counted[name] / answers,
                "share_of_output": counted[name] / whole,
                "cost_usd": cost[name].quantize(Decimal("1e-12")),
                "cost_a_thousand_usd": (cost[name] * 1000 / answers).quantize(Decimal("1e-12")),
                "labelled": label.get("labelled", 0),
                "accuracy": label.get("accuracy"),
            }
        )
    return pl.DataFrame(found, schema=SCHEMA)
