"""The record of a document: 22 fields, what each may hold, and the strict JSON schema that the API is sent.

Decided here: the fields, their enums and bounds, and the profiles of fewer fields, each with a schema version of its own. The schema sent holds only
what the API's strict subset takes, and no word of explanation, which is the prompt's; dates, currency and language codes and lengths, which it
cannot constrain, are checked by `validate` when the answer arrives. An answer that breaks a rule is never repaired silently: `validate` returns the
problems, and ingest.py decides. Called by prompt.py, ingest.py, batch.py and the store's readers.
"""

import hashlib
import json
import re
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from .errors import SettingsError

SCHEMA_VERSION: Final = "1"


class DocType(StrEnum):
    """Kinds of document."""

    INVOICE = "Invoice"
    RECEIPT = "Receipt"
    BANK_STATEMENT = "BankStatement"
    CREDIT_CARD_STATEMENT = "CreditCardStatement"
    UTILITY_BILL = "UtilityBill"
    CONTRACT = "Contract"
    AGREEMENT = "Agreement"
    LETTER = "Letter"
    FORM = "Form"
    REPORT = "Report"
    CERTIFICATE = "Certificate"
    TAX_DOCUMENT = "TaxDocument"
    INSURANCE_DOCUMENT = "InsuranceDocument"
    MEDICAL_RECORD = "MedicalRecord"
    LEGAL_DOCUMENT = "LegalDocument"
    OTHER = "Other"
    UNKNOWN = "Unknown"


class Level(StrEnum):
    """Priority of an action, urgency of a document."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class DeadlineType(StrEnum):
    """What a deadline is for."""

    PAYMENT = "payment"
    RESPONSE = "response"
    FILING = "filing"
    RENEWAL = "renewal"
    OTHER = "other"


class Quality(StrEnum):
    """How well the document could be read."""

    EXCELLENT = "excellent"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


def _day(value: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("must be a day as YYYY-MM-DD")
    date.fromisoformat(value)
    return value


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError("must be an ISO 4217 code of three capital letters")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2}", value):
        raise ValueError("must be an ISO 639-1 code of two small letters")
    return value


Day = Annotated[str, AfterValidator(_day)]
Name = Annotated[str, Field(max_length=500)]
Sentence = Annotated[str, Field(max_length=2000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ActionItem(_Strict):
    """Something the reader of the document has to do."""

    description: Sentence
    deadline: Day | None
    priority: Level


class Deadline(_Strict):
    """A day by which something is due."""

    date: Day
    description: Sentence
    type: DeadlineType


class Record(_Strict):
    """What the model says of one document; the developer message says what belongs into each field."""

    schema_version: str = Field(max_length=16)
    file_name: str = Field(max_length=1024)
    page_count: Annotated[int, Field(ge=0, le=1_000_000)] | None
    doc_type: DocType
    doc_subtype: Name | None
    confidence_score: float = Field(ge=0, le=1)
    issuer: Name | None
    recipient: Name | None
    primary_date: Day | None
    secondary_date: Day | None
    total_amount: Annotated[float, Field(ge=-1e15, le=1e15)] | None
    currency: Annotated[str, AfterValidator(_currency)] | None
    summary: Sentence | None
    action_items: Annotated[list[ActionItem], Field(max_length=50)]
    deadlines: Annotated[list[Deadline], Field(max_length=50)]
    urgency_level: Level | None
    tags: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=30)]
    language_detected: Annotated[str, AfterValidator(_language)] | None
    ocr_text_excerpt: Annotated[str, Field(max_length=500)] | None
    extraction_quality: Quality | None
    requires_review: bool
    notes: Sentence | None


# What OpenAI's strict mode takes: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
STRICT_KEYWORDS: Final = frozenset(
    {
        "type",
        "properties",
        "required",
        "additionalProperties",
        "enum",
        "const",
        "anyOf",
        "items",
        "$ref",
        "$defs",
        "description",
    }
)


def strict_problems(schema: Any, where: str = "schema") -> list[str]:
    """What in a JSON schema the API's strict subset would refuse; empty when it would take all of it."""
    problems: list[str] = []
    if not isinstance(schema, dict):
        return [f"{where}: not an object"]
    problems += [f"{where}: keyword {word!r} is not supported" for word in sorted(schema.keys() - STRICT_KEYWORDS)]
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            problems.append(f"{where}: additionalProperties must be false")
        if sorted(schema.get("required", [])) != sorted(properties):
            problems.append(f"{where}: every property must be required")
    nested = [(f"{where}.{name}", part) for name, part in schema.get("properties", {}).items()]
    nested += [(f"{where}.{name}", part) for name, part in schema.get("$defs", {}).items()]
    nested += [(f"{where}.anyOf", part) for part in schema.get("anyOf", [])]
    nested += [(f"{where}.items", schema["items"])] if "items" in schema else []
    return problems + [problem for name, part in nested for problem in strict_problems(part, name)]


def _strict(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema without titles, descriptions, bounds and references: as short as can be, the same bytes whatever pydantic calls its definitions."""
    if isinstance(schema, list):
        return [_strict(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _strict(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    kept = {
        key: {name: _strict(part, definitions) for name, part in value.items()} if key == "properties" else _strict(value, definitions)
        for key, value in schema.items()
        if key in STRICT_KEYWORDS - {"$defs", "description"}
    }
    if kept.get("type") == "object":
        kept["required"] = list(kept["properties"])
        kept["additionalProperties"] = False
    if [*kept] == ["anyOf"] and all([*part] == ["type"] for part in kept["anyOf"]):
        return {"type": [part["type"] for part in kept["anyOf"]]}
    return kept


FIELDS: Final = tuple(Record.model_fields)
ALL: Final = "all"
JUDGED: Final = ("doc_type", "confidence_score", "requires_review")  # what decides whether a person should look: no profile leaves them out
IN_WORDS: Final = ("summary", "action_items", "deadlines", "ocr_text_excerpt", "notes")
"""Fields that hold what a document says in its own words or in those of the model, not a value."""

PROFILES: Final = {
    ALL: FIELDS,
    "core": (
        *("doc_type", "confidence_score", "issuer", "recipient", "primary_date", "secondary_date", "total_amount", "currency"),
        *("language_detected", "requires_review"),
    ),
}


@cache
def fields_of(profile: str) -> tuple[str, ...]:
    """The fields of a profile, or of a list of names with commas, in the record's order; those that judge the answer are always in.

    Raises: SettingsError for a name that is neither.

    >>> fields_of("issuer,doc_type")
    ('doc_type', 'confidence_score', 'issuer', 'requires_review')
    """
    names = {name.strip() for name in profile.split(",") if name.strip()}
    wanted = set(PROFILES[profile]) if profile in PROFILES else names
    unknown = sorted(wanted - set(FIELDS))
    if unknown or not wanted:
        raise SettingsError(
            f"AUTOD_FIELDS={profile!r}: {', '.join(unknown) or 'nothing'} is no field of the record. "
            f"Name {', '.join(PROFILES)}, or fields with commas: {', '.join(FIELDS)}."
        )
    return tuple(name for name in FIELDS if name in wanted or name in JUDGED)


@cache
def schema_version(profile: str = ALL) -> str:
    """The version of the record that a profile asks for: that of the whole record, with the profile's name or a hash of its fields behind it.

    >>> schema_version(), schema_version("core"), schema_version("issuer")
    ('1', '1.core', '1.cb9ac5')
    """
    fields = fields_of(profile)
    name = next((name for name, known in PROFILES.items() if known == fields), hashlib.sha256(",".join(fields).encode()).hexdigest()[:6])
    return SCHEMA_VERSION if name == ALL else f"{SCHEMA_VERSION}.{name}"


@cache
def _model(profile: str) -> type[BaseModel]:
    fields = fields_of(profile)
    if fields == FIELDS:
        return Record
    parts: dict[str, Any] = {name: (Record.model_fields[name].annotation, Record.model_fields[name]) for name in fields}
    return create_model("Record", __base__=_Strict, **parts)


@cache
def record_schema(profile: str = ALL) -> dict[str, Any]:
    """The strict JSON schema of a profile of the record, generated from the model; the same object each time: do not change it."""
    raw = _model(profile).model_json_schema()
    schema: dict[str, Any] = _strict(raw, raw.get("$defs", {}))
    return schema


SURROGATE: Final = re.compile("[\ud800-\udfff]")


def validate(text: str | None, profile: str = ALL) -> tuple[dict[str, Any] | None, list[str]]:
    """A model's answer as the record's JSON values, and what is wrong with it.

    Returns (record, []) when every rule holds, (None, problems) otherwise; a problem is `field: what is wrong`. A record has all 22 fields: those
    that the profile leaves out are None.
    """
    if not text:
        return None, ["answer: empty"]
    try:
        return dict.fromkeys(FIELDS) | _model(profile).model_validate_json(text).model_dump(mode="json"), []
    except ValidationError as error:
        return None, _half_characters(text) or [
            f"{'.'.join(map(str, problem['loc'])) or 'answer'}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)[:20]
        ]


def _half_characters(text: str) -> list[str]:
    """The fields with a lone surrogate, for which a JSON reader refuses the answer without naming them."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found = value.items() if isinstance(value, dict) else ()
    return [f"{field}: holds half a character (a lone surrogate)" for field, part in found if SURROGATE.search(json.dumps(part, ensure_ascii=False))]
