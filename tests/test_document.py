"""The record: what is sent as its schema, and that an answer that breaks a rule is told by field."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autod_lib.document import (
    FIELDS,
    PROFILES,
    DeadlineType,
    DocType,
    Level,
    Quality,
    fields_of,
    record_schema,
    schema_version,
    strict_problems,
    validate,
)
from autod_lib.errors import SettingsError
from autod_lib.local_api.schema import accepts, check_strict, smallest
from autod_lib.local_api.wire import ApiError

ORDER = """schema_version file_name page_count doc_type doc_subtype confidence_score issuer recipient primary_date secondary_date total_amount
    currency summary action_items deadlines urgency_level tags language_detected ocr_text_excerpt extraction_quality requires_review
    notes""".split()  # noqa: SIM905
NULLABLE = {
    "page_count",
    "doc_subtype",
    "issuer",
    "recipient",
    "primary_date",
    "secondary_date",
    "total_amount",
    "currency",
    "summary",
    "urgency_level",
    "language_detected",
    "ocr_text_excerpt",
    "extraction_quality",
    "notes",
}
GOOD: dict[str, Any] = {
    "schema_version": "1",
    "file_name": "a.pdf",
    "page_count": 2,
    "doc_type": "Invoice",
    "doc_subtype": "credit note",
    "confidence_score": 0.9,
    "issuer": "Nordlicht GmbH",
    "recipient": "J. Weber",
    "primary_date": "2026-02-28",
    "secondary_date": "2026-03-30",
    "total_amount": -12.5,
    "currency": "EUR",
    "summary": "A credit note.",
    "action_items": [{"description": "Check it", "deadline": "2026-03-30", "priority": "low"}],
    "deadlines": [{"date": "2026-03-30", "description": "Payment", "type": "payment"}],
    "urgency_level": "medium",
    "tags": ["credit"],
    "language_detected": "de",
    "ocr_text_excerpt": "Gutschrift",
    "extraction_quality": "good",
    "requires_review": False,
    "notes": "none",
}
ACTION, DEADLINE = GOOD["action_items"][0], GOOD["deadlines"][0]
BROKEN: dict[str, list[Any]] = {  # every kind of wrong value of each field; the wrong types of all are added below
    "schema_version": ["1" * 17],
    "file_name": ["x" * 1025],
    "page_count": [-1, 1_000_001, 1.5, 2.0, "2", True],
    "doc_type": ["invoice", "Memo", ""],
    "doc_subtype": ["x" * 501],
    "confidence_score": [-0.01, 1.01, "0.9", float("nan"), float("inf"), True],
    "issuer": ["x" * 501],
    "recipient": ["x" * 501],
    "primary_date": ["2026-02-29", "28.02.2026", "2026-2-8", "2026-02-28T00:00:00", "20260228", "0000-01-01", "٢٠٢٦-01-01", ""],
    "secondary_date": ["2026-13-01", "2026-00-10", "tomorrow", "2026-02-28\n"],
    "total_amount": ["12.50", float("nan"), float("-inf"), 1e16, True],
    "currency": ["eur", "EURO", "€", "EUR\n", ""],
    "summary": ["x" * 2001],
    "action_items": [
        {},
        [ACTION] * 51,
        [ACTION | {"priority": "urgent"}],
        [ACTION | {"deadline": "soon"}],
        [ACTION | {"extra": 1}],
        [{"description": "x"}],
        [ACTION | {"description": "x" * 2001}],
    ],
    "deadlines": [{}, [DEADLINE] * 51, [DEADLINE | {"type": "party"}], [DEADLINE | {"date": None}], [{"type": "other"}], ["2026-01-01"]],
    "urgency_level": ["urgent", "LOW"],
    "tags": ["one", [1], ["x" * 101], ["x"] * 31, [None]],
    "language_detected": ["german", "DE", "de-AT", "d"],
    "ocr_text_excerpt": ["x" * 501],
    "extraction_quality": ["perfect"],
    "requires_review": ["yes", 0, 1, "false"],
    "notes": ["x" * 2001],
}
WRONG_TYPES: list[Any] = [{"a": 1}, None]
CASES = [(field, value) for field in ORDER for value in BROKEN[field] + WRONG_TYPES if not (value is None and field in NULLABLE)]


def _named(record: Any) -> tuple[dict[str, Any] | None, set[str]]:
    found, problems = validate(json.dumps(record))
    return found, {problem.split(":")[0].split(".")[0] for problem in problems}


def test_the_record_has_the_22_fields_in_their_order() -> None:
    """Reports and gold labels rely on the names."""
    assert list(FIELDS) == ORDER == list(record_schema()["properties"])
    assert len(FIELDS) == 22


def test_the_schema_is_what_the_strict_subset_takes() -> None:
    """By our own list of key words, and by the loopback API's check, which refuses in the provider's words."""
    assert strict_problems(record_schema()) == []
    check_strict(json.dumps(record_schema()), "document_record")


@pytest.mark.parametrize(
    "spoiled",
    [
        {"additionalProperties": True},
        {"required": ["a"]},
        {"properties": {"a": {"type": "string", "maxLength": 3}, "b": {"type": "object", "properties": {}, "required": []}}},
    ],
)
def test_both_checks_of_the_schema_can_fail(spoiled: dict[str, Any]) -> None:
    """A check that takes everything would say nothing about ours."""
    good = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "null"}}, "required": ["a", "b"], "additionalProperties": False}
    assert strict_problems(good) == []
    assert strict_problems(good | spoiled)
    with pytest.raises(ApiError):
        check_strict(json.dumps(good | spoiled), "x")


def test_the_schema_has_the_same_bytes_each_time() -> None:
    """It is part of the cached prefix: one changed byte pays for the whole prefix again."""
    first = json.dumps(record_schema())
    record_schema.cache_clear()
    assert json.dumps(record_schema()) == first
    assert "$ref" not in first
    assert "title" not in first


def test_a_good_answer_comes_back_as_it_is() -> None:
    """Nothing is repaired, rounded or left out."""
    assert validate(json.dumps(GOOD)) == (GOOD, [])
    nothing = GOOD | dict.fromkeys(NULLABLE) | {"action_items": [], "deadlines": [], "tags": []}
    assert validate(json.dumps(nothing)) == (nothing, [])


@pytest.mark.parametrize(("field", "value"), CASES, ids=[f"{field}={str(value)[:20]!r}" for field, value in CASES])
def test_a_wrong_value_is_told_by_the_name_of_its_field(field: str, value: Any) -> None:
    """Enum, bound, date, currency, language, length, type, null, NaN: the repair is asked for by name."""
    assert _named(GOOD | {field: value}) == (None, {field})


@pytest.mark.parametrize("field", ORDER)
def test_a_missing_field_is_told_by_its_name(field: str) -> None:
    """All 22 are required, also those that may be null."""
    assert _named({name: value for name, value in GOOD.items() if name != field}) == (None, {field})


@pytest.mark.parametrize("field", [name for name in ORDER if isinstance(GOOD[name], str)])
def test_half_a_character_is_told_by_the_name_of_its_field(field: str) -> None:
    """No database stores a lone surrogate, and one such answer must not poison a segment."""
    assert _named(GOOD | {field: "a\ud800"}) == (None, {field})
    assert _named(GOOD | {"tags": ["\udfff"]}) == (None, {"tags"})


def test_a_field_that_nobody_asked_for_is_told_by_its_name() -> None:
    """An answer with more than was asked is not the answer to what was asked."""
    assert _named(GOOD | {"is_paid": True}) == (None, {"is_paid"})


def test_all_wrong_fields_are_told_together() -> None:
    """One repair corrects them all."""
    assert _named(GOOD | {"currency": "x", "doc_type": "x", "tags": None}) == (None, {"currency", "doc_type", "tags"})


@pytest.mark.parametrize("answer", [None, "", "null", "[]", "3", "not JSON", '{"a":', "{" * 10_000, "[" * 100_000, "\ud800"])
def test_what_is_no_record_at_all_is_told_as_the_answer(answer: str | None) -> None:
    """Cut, empty and nested answers are problems of this answer, never a crash."""
    record, problems = validate(answer)
    assert record is None
    assert problems
    assert problems[0].startswith("answer: ")


def test_the_smallest_answer_of_the_loopback_api_fits_the_schema() -> None:
    """What is sent as a schema and what is checked on arrival describe the same shape."""
    schema = record_schema()
    assert accepts(schema, GOOD, schema)
    assert list(smallest(schema, schema)) == ORDER  # type: ignore[call-overload]


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
DAYS = st.dates(min_value=date(1, 1, 1)).map(str)
RECORDS = st.fixed_dictionaries(
    {
        "schema_version": st.just("1"),
        "file_name": TEXT.filter(lambda text: len(text) <= 1024),
        "page_count": st.none() | st.integers(0, 1_000_000),
        "doc_type": st.sampled_from([kind.value for kind in DocType]),
        "doc_subtype": st.none() | TEXT,
        "confidence_score": st.floats(0, 1),
        "issuer": st.none() | TEXT,
        "recipient": st.none() | TEXT,
        "primary_date": st.none() | DAYS,
        "secondary_date": st.none() | DAYS,
        "total_amount": st.none() | st.floats(-1e15, 1e15),
        "currency": st.none() | st.from_regex(r"[A-Z]{3}", fullmatch=True),
        "summary": st.none() | TEXT,
        "action_items": st.lists(
            st.fixed_dictionaries({"description": TEXT, "deadline": st.none() | DAYS, "priority": st.sampled_from([level.value for level in Level])}),
            max_size=3,
        ),
        "deadlines": st.lists(
            st.fixed_dictionaries({"date": DAYS, "description": TEXT, "type": st.sampled_from([kind.value for kind in DeadlineType])}), max_size=3
        ),
        "urgency_level": st.none() | st.sampled_from([level.value for level in Level]),
        "tags": st.lists(TEXT, max_size=3),
        "language_detected": st.none() | st.from_regex(r"[a-z]{2}", fullmatch=True),
        "ocr_text_excerpt": st.none() | TEXT,
        "extraction_quality": st.none() | st.sampled_from([quality.value for quality in Quality]),
        "requires_review": st.booleans(),
        "notes": st.none() | TEXT,
    }
)


@given(RECORDS, st.booleans())
def test_every_valid_record_comes_back_unchanged(record: dict[str, Any], escaped: bool) -> None:
    """Whatever the texts hold, and whether the model escapes them or not."""
    assert validate(json.dumps(record, ensure_ascii=escaped)) == (record, [])


CORE = {name: value for name, value in GOOD.items() if name in PROFILES["core"]}


def test_a_profile_asks_for_its_fields_alone_and_leaves_the_others_null() -> None:
    """Fewer fields are fewer output tokens; what was not asked for is NULL in the table, never an empty value."""
    schema = record_schema("core")

    assert list(schema["properties"]) == schema["required"] == [name for name in FIELDS if name in PROFILES["core"]]
    assert strict_problems(schema) == []
    check_strict(json.dumps(schema), "document_record")
    assert validate(json.dumps(CORE), "core") == (dict.fromkeys(FIELDS) | CORE, [])


def test_a_profile_is_checked_by_the_same_rules() -> None:
    """A field that is there must be right, one too many is refused, one too few as well."""
    assert validate(json.dumps(CORE | {"currency": "euro"}), "core")[1][0].startswith("currency:")
    assert validate(json.dumps(GOOD), "core")[0] is None
    assert validate(json.dumps({name: value for name, value in CORE.items() if name != "issuer"}), "core")[0] is None


def test_every_set_of_fields_has_a_schema_version_of_its_own() -> None:
    """Answers to different questions never pass for each other; the order in which fields are named is no difference."""
    versions = [schema_version(profile) for profile in ("all", "core", "issuer", "issuer,currency")]

    assert len(set(versions)) == len(versions)
    assert schema_version("currency,issuer") == schema_version("issuer,currency")
    assert schema_version(",".join(FIELDS)) == schema_version("all") == schema_version()


def test_an_unknown_field_is_refused_before_anything_is_sent() -> None:
    """A slip in AUTOD_FIELDS costs nothing and is told with the fields there are."""
    with pytest.raises(SettingsError, match=r"AUTOD_FIELDS='isuer'.*issuer"):
        fields_of("isuer")
    with pytest.raises(SettingsError, match="nothing"):
        fields_of(" , ")
