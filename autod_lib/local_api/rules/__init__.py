"""A document read by rules: the 22-field record without a model.

Decided here: how the readings of the neighbouring modules (kinds, dates, amounts, parties, language) become one record, how sure it is, and how
much of a document a simulated model reads. Promised: the answer depends on the text, the name and the page count alone; the same question has
the same answer on every machine and day; what the document says is data, an instruction in it is noted and not followed; a document without
text is Unknown and is never guessed from its name. Called by the loopback API, for a simulated model, and by the rules baseline. It never
opens a file and never touches the network.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from .amounts import currency_of, total_of
from .dates import Dated, dates_of, primary_of, secondary_of, term_of
from .kinds import WEAK_EVIDENCE, Kind, kind_of, words_of
from .language import language_of
from .parties import parties_of

__all__ = ["RULES", "SCHEMA_VERSION", "Strength", "read_document", "strength_of"]

SCHEMA_VERSION = "1"
PAGE_CHARACTERS = 20_000  # more of a page is not read
DOCUMENT_CHARACTERS = 200_000  # more of a document is not read
KIND_CHARACTERS = 12_000  # what a document is, it says early
EXCERPT_CHARACTERS = 500
FALLBACK_CONFIDENCE = 0.35  # Other for want of evidence
FEWEST_LETTERS = 20  # below this a document has no text

STRUCTURE, LOCALE, BLOCKS, TERMS, CROSS_CHECKS = "structure", "locale", "blocks", "terms", "cross_checks"
_MOST = frozenset({STRUCTURE, LOCALE, BLOCKS})
_ALL = frozenset({STRUCTURE, LOCALE, BLOCKS, TERMS})
_EVERYTHING = _ALL | {CROSS_CHECKS}


@dataclass(frozen=True)
class Strength:
    """How well a simulated model reads: the pages it reads, all of them if None, and the groups of rules it uses.

    The words, labelled dates, labelled totals and labelled parties are always used. `structure`: the shape of letters, forms and tables as
    evidence of a type. `locale`: numeric dates and bare currency signs by context. `blocks`: letterheads and address blocks. `terms`:
    deadlines given as a number of days, action items from sentences. `cross_checks`: total = net + tax, issuer = web or mail host.
    """

    pages: int | None
    rules: frozenset[str]


RULES = Strength(None, _EVERYTHING)
_NANO, _MINI, _FULL = Strength(1, frozenset()), Strength(3, _MOST), Strength(10, _ALL)


def strength_of(model: str) -> Strength:
    """How well the model of this name is simulated to read: a stated rule over the words of the name, no claim about the real model.

    nano: one page, the basic rules; mini, luna and unknown names: 3 pages; terra and a plain gpt-…: 10 pages; sol, pro and astra: everything.
    """
    words = set(re.split(r"[^a-z0-9]+", model.lower()))
    if "nano" in words:
        return _NANO
    if words & {"mini", "luna"}:
        return _MINI
    if words & {"sol", "pro", "astra"}:
        return RULES
    if "terra" in words or re.fullmatch(r"gpt-\d[\w.]*(?:-\d{4}-\d\d-\d\d)?", model.lower()):
        return _FULL
    return _MINI


_SURROGATE = re.compile(r"[\ud800-\udfff]")
_INVISIBLE = re.compile(r"[​-‏‪-‮⁠-⁤﻿\x00-\x08\x0b\x0e-\x1f\x7f­]")
_SPACES = re.compile(r"[ \t\u00a0]+")
_ORDERS_TO_READER = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|prior|above|all|earlier|system|these)\b.{0,30}\b(?:instructions?"
    r"|prompts?|rules|directions)|\b(?:answer|respond|reply|output|return|set|classify)\b.{0,40}\bdoc_?type\b|\b(?:you are now"
    r"|act as|system prompt|as an ai|language model|assistant must)\b|\b(?:ignoriere|vergiss)\b.{0,40}\banweisungen"
    r"|\bignore[rz]?\b.{0,30}\binstructions précédentes",
    re.IGNORECASE,
)
_ORDER_WORDS = (
    "instruction",
    "prompt",
    "rules",
    "direction",
    "doc_type",
    "doctype",
    "you are now",
    "act as",
    "as an ai",
    "language model",
    "assistant",
    "anweisung",
)
_NOTED = "The text gives instructions to its reader; they were not followed."
_MONEY_KINDS = frozenset({"Invoice", "Receipt", "UtilityBill", "CreditCardStatement"})
_PAYABLE = frozenset({"Invoice", "UtilityBill", "CreditCardStatement"})
_PHRASE_OF_KIND = {
    "BankStatement": "Bank statement", "CreditCardStatement": "Credit card statement", "UtilityBill": "Utility bill", "TaxDocument": "Tax document",
    "InsuranceDocument": "Insurance document", "MedicalRecord": "Medical record", "LegalDocument": "Legal document", "Other": "Document",
}  # fmt: skip
# type -> subtype and the words near the top that show it; the first that fits
_SUBTYPES: dict[str, dict[str, str]] = {
    "Invoice": {"credit_note": "credit note|gutschrift|avoir", "proforma_invoice": "pro forma|proforma", "tax_invoice": "tax invoice"},
    "Agreement": {
        "nda": "non disclosure|nondisclosure|confidentiality agreement|geheimhaltung",
        "lease": "lease",
        "license": "license",
        "terms_of_service": "terms of service|terms of use",
    },
    "Contract": {"employment": "employment|arbeitsvertrag", "lease": "mietvertrag|lease", "purchase": "kaufvertrag|purchase"},
    "BankStatement": {"savings_account": "savings", "checking_account": "checking|girokonto"},
    "TaxDocument": {"w2": "w 2", "w9": "w 9", "1099": "1099", "1040": "1040", "assessment": "steuerbescheid|assessment"},
    "InsuranceDocument": {
        "certificate": "certificate of insurance",
        "explanation_of_benefits": "explanation of benefits",
        "policy": "policy|versicherungsschein|police",
    },
    "MedicalRecord": {
        "discharge_summary": "discharge summary",
        "prescription": "prescription",
        "doctor_letter": "arztbrief",
        "laboratory": "lab",
    },
    "LegalDocument": {
        "order": "order",
        "opinion": "opinion",
        "complaint": "complaint",
        "motion": "motion",
        "subpoena": "subpoena",
        "power_of_attorney": "power of attorney|vollmacht",
    },
    "Other": {
        "purchase_order": "purchase order|bestellung",
        "quotation": "quotation|angebot|devis|offerte",
        "delivery_note": "delivery note|lieferschein",
        "timetable": "timetable|fahrplan",
    },
    "Letter": {"cancellation": "cancellation|kündig", "reminder": "reminder|mahnung"},
}
_CRITICAL = re.compile(
    r"\b(?:final (?:notice|demand|reminder|warning)|disconnection notice|service will be (?:disconnected|terminated)|letzte mahnung"
    r"|dernier rappel|mise en demeure|último aviso)\b",
    re.IGNORECASE,
)
_HIGH = re.compile(
    r"\b(?:past due|overdue|urgent|immediate(?:ly)? (?:payment|action|response)|action required|mahnung|zahlungserinnerung|dringend"
    r"|rappel de paiement|urgente|sofort fällig)\b",
    re.IGNORECASE,
)
_DEADLINE_TYPES = {"due": "payment", "respond": "response", "file": "filing", "renew": "renewal"}


def read_document(pages: Sequence[str], file_name: str, page_count: int | None, strength: Strength) -> dict[str, object]:
    """The record of one document, ready for JSON, fields in the order of the schema.

    `pages` is the text of each page; `file_name` and `page_count` are passed on as given. `confidence_score` (0–1) follows from the evidence for
    the type and its lead over the next type. Never raises for any text.
    """
    read = pages if strength.pages is None else pages[: strength.pages]
    all_lines = _lines_of(read)
    lines = _without_orders(all_lines)
    flow = " ".join(lines).replace("   ", " ")
    if sum(map(str.isalpha, flow[:5000])) < FEWEST_LETTERS:
        return _without_text(flow, file_name, page_count, noted=len(lines) < len(all_lines))
    has = strength.rules.__contains__
    language = language_of(flow)
    kind = kind_of(_head(lines), structure=has(STRUCTURE))
    currency = currency_of(flow, language, locale=has(LOCALE))
    dates = dates_of(_reflowed(lines), month_first=_month_first(language, currency, flow) if has(LOCALE) else language in (None, "en"))
    primary = primary_of(dates, kind.name)
    total = None
    if kind.name in _MONEY_KINDS:
        total = total_of(lines, cross_checks=has(CROSS_CHECKS))
    elif kind.name == "Other" and currency is not None:
        total = total_of(lines, cross_checks=False)  # an order or a quotation has a total where it says so, and none is guessed
    issuer, recipient = parties_of(lines, kind.name, blocks=has(BLOCKS), cross_checks=has(CROSS_CHECKS))
    secondary = secondary_of(dates, primary)
    second_day = secondary.day if secondary is not None else None
    if second_day is None and primary is not None and has(TERMS) and kind.name in _PAYABLE:
        term = term_of(flow)
        second_day = primary.day + term if term is not None else None
    deadlines = _deadlines(dates, second_day, kind.name, secondary)
    urgency = _urgency(flow, primary, deadlines)
    actions = _actions(deadlines, kind.name, issuer, total, currency, urgency) if has(TERMS) or kind.name in _PAYABLE else []
    quality = _quality(flow, read)
    confidence = _confidence(kind, quality)
    notes = [_NOTED] if len(lines) < len(all_lines) else []
    if strength.pages is not None and len(pages) > strength.pages:
        notes.append(f"Read {strength.pages} of {len(pages)} pages.")
    return {
        "schema_version": SCHEMA_VERSION,
        "file_name": _SURROGATE.sub("?", file_name),
        "page_count": page_count,
        "doc_type": kind.name,
        "doc_subtype": _subtype(kind.name, lines),
        "confidence_score": confidence,
        "issuer": issuer,
        "recipient": recipient,
        "primary_date": primary.day.isoformat() if primary is not None else None,
        "secondary_date": second_day.isoformat() if second_day is not None else None,
        "total_amount": _number(total),
        "currency": currency,
        "summary": _summary(kind.name, issuer, recipient, primary, total, currency, second_day),
        "action_items": actions,
        "deadlines": deadlines,
        "urgency_level": urgency,
        "tags": _tags(kind.name, language, currency, primary, urgency),
        "language_detected": language,
        "ocr_text_excerpt": flow[:EXCERPT_CHARACTERS],
        "extraction_quality": quality,
        "requires_review": confidence < 0.6 or quality == "poor" or bool(len(lines) < len(all_lines)) or (kind.name in _PAYABLE and total is None),
        "notes": " ".join(notes) or None,
    }


def _lines_of(pages: Sequence[str]) -> list[str]:
    """The lines of the pages, normalised: compatibility forms resolved, invisible characters gone, no line empty, within the limits above."""
    lines: list[str] = []
    left = DOCUMENT_CHARACTERS
    for page in pages:
        text = page[: min(PAGE_CHARACTERS, left)]
        left -= len(text)
        text = unicodedata.normalize("NFKC", _SURROGATE.sub(" ", text))[: 2 * PAGE_CHARACTERS]
        text = _SPACES.sub(_column_gap, _INVISIBLE.sub("", text))
        lines += [line for raw in text.splitlines() if (line := raw.strip())]
        if left <= 0:
            break
    return lines


def _without_orders(lines: list[str]) -> list[str]:
    """The lines, without those that give instructions to whoever reads them: they are evidence of nothing."""
    lowered = "\n".join(lines).lower()
    if not any(word in lowered for word in _ORDER_WORDS):
        return lines
    return [line for line in lines if not _ORDERS_TO_READER.search(line[:2000])]


def _column_gap(spaces: re.Match[str]) -> str:
    return "   " if len(spaces[0]) >= 3 else " "  # three spaces part columns; the readers of names rely on it


def _head(lines: Sequence[str]) -> list[str]:
    size, head = 0, []
    for line in lines:
        size += len(line)
        head.append(line[:KIND_CHARACTERS])
        if size > KIND_CHARACTERS:
            break
    return head


def _reflowed(lines: list[str]) -> list[str]:
    """The lines, joined into longer ones where the text has a word or two a line, as some PDF writers leave it: a date may span them."""
    words = sum(line.count(" ") + 1 for line in lines)
    if len(lines) < 80 or words > 1.6 * len(lines):
        return lines
    return [" ".join(lines[start : start + 25]) for start in range(0, len(lines), 25)]


def _month_first(language: str | None, currency: str | None, flow: str) -> bool:
    """Whether 03/12 is more likely March: English from the United States; the rest of the world puts the day first."""
    if language not in (None, "en"):
        return False
    return currency in (None, "USD", "CAD") or bool(re.search(r"\b[A-Z]{2} \d{5}\b", flow[:20_000]))


def _confidence(kind: Kind, quality: str) -> float:
    """How likely the type is right: the logistic function of the lead over the next type, relative to both scores, and of the evidence.

    Little evidence, a close second, or poor text lower it.
    """
    if kind.score < WEAK_EVIDENCE:
        return FALLBACK_CONFIDENCE if quality != "poor" else FALLBACK_CONFIDENCE / 2
    lead = kind.margin / (2 * kind.score - kind.margin)
    strength = math.log1p(kind.score)
    argument = -2.2 + 3.0 * lead + 0.9 * strength - (1.0 if quality == "poor" else 0.0)
    return round(min(0.97, 1 / (1 + math.exp(-argument))), 3)


_ODD = re.compile(r"[^\w .,:;/()'\"€$£%&@+#*=<>?!§，。、：；！？（）-]")
_ODD_INSIDE = re.compile(r"\w[^\w\s.,'’:/@。、-]\w")  # a sign within a word: what a bad text recognition leaves


def _quality(flow: str, pages: Sequence[str]) -> str:
    """How clean the text is, by the share of characters that words and figures are made of, and of pages that have any text."""
    sample = flow[:10_000]
    clean = 1 - len(_ODD.findall(sample)) / max(1, len(sample))
    with_text = sum(1 for page in pages if len(page.strip()) > 20) / max(1, len(pages))
    broken = len(_ODD_INSIDE.findall(sample)) / (sample.count(" ") + 1)
    if clean < 0.8 or with_text < 0.5 or broken > 0.1:
        return "poor"
    if clean < 0.93 or with_text < 0.8 or broken > 0.04:
        return "fair"
    return "excellent" if clean > 0.985 and len(sample) > 400 else "good"


def _deadlines(dates: Sequence[Dated], second_day: date | None, kind: str, secondary: Dated | None) -> list[dict[str, object]]:
    found: dict[tuple[str, str], dict[str, object]] = {}
    for dated in dates:
        name = _DEADLINE_TYPES.get(dated.role)
        if name is None or (name == "payment" and kind in ("BankStatement", "LegalDocument")):
            continue
        found.setdefault(
            (dated.day.isoformat(), name), {"date": dated.day.isoformat(), "description": f"{name} deadline ({dated.label})", "type": name}
        )
    if second_day is not None and secondary is None:
        found.setdefault(
            (second_day.isoformat(), "payment"),
            {"date": second_day.isoformat(), "description": "payment deadline (payment term)", "type": "payment"},
        )
    if secondary is not None and secondary.role == "end" and kind in ("InsuranceDocument", "Contract", "Agreement", "Certificate"):
        found.setdefault(
            (secondary.day.isoformat(), "renewal"), {"date": secondary.day.isoformat(), "description": "end of validity", "type": "renewal"}
        )
    return sorted(found.values(), key=lambda deadline: (str(deadline["date"]), str(deadline["type"])))[:10]


def _urgency(flow: str, primary: Dated | None, deadlines: Sequence[dict[str, object]]) -> str:
    """By the words, else by the days from the document's own date to its first deadline: up to 7 high, up to 30 medium."""
    if _CRITICAL.search(flow):
        return "critical"
    if _HIGH.search(flow):
        return "high"
    if not deadlines or primary is None:
        return "medium" if deadlines else "low"
    days = (date.fromisoformat(str(deadlines[0]["date"])) - primary.day) / timedelta(days=1)
    return "high" if days <= 7 else "medium" if days <= 31 else "low"


def _actions(
    deadlines: Sequence[dict[str, object]], kind: str, issuer: str | None, total: Decimal | None, currency: str | None, urgency: str
) -> list[dict[str, object]]:
    words = {"payment": "Pay", "response": "Respond to", "filing": "File with", "renewal": "Renew with"}
    actions: list[dict[str, object]] = []
    for deadline in deadlines[:5]:
        word = words[str(deadline["type"])]
        what = f" {total} {currency}" if word == "Pay" and total is not None and currency else ""
        whom = (
            (f" to {issuer}" if word == "Pay" else f" {issuer}")
            if issuer
            else (" the amount due" if word == "Pay" and not what else " the issuer" if word != "Pay" else "")
        )
        actions.append({"description": f"{word}{what}{whom}", "deadline": deadline["date"], "priority": urgency})
    if not actions and kind in _PAYABLE and total is not None and total > 0:
        actions.append(
            {
                "description": f"Pay {total} {currency or ''}".strip() + (f" to {issuer}" if issuer else ""),
                "deadline": None,
                "priority": urgency,
            }
        )
    return actions


def _summary(
    kind: str,
    issuer: str | None,
    recipient: str | None,
    primary: Dated | None,
    total: Decimal | None,
    currency: str | None,
    second_day: date | None,
) -> str:
    parts = [_PHRASE_OF_KIND.get(kind, kind)]
    parts += [f"from {issuer}"] if issuer else []
    parts += [f"to {recipient}"] if recipient else []
    parts += [f"dated {primary.day.isoformat()}"] if primary is not None else []
    parts += [f"for {total} {currency}" if currency else f"for {total}"] if total is not None else []
    sentence = " ".join(parts)
    if second_day is not None and kind in _PAYABLE:
        sentence += f", due {second_day.isoformat()}"
    return sentence + "."


def _tags(kind: str, language: str | None, currency: str | None, primary: Dated | None, urgency: str) -> list[str]:
    tags = ["-".join(re.findall(r"[A-Z][a-z]*", kind)).lower()]
    tags += [language] if language else []
    tags += [currency.lower()] if currency else []
    tags += [str(primary.day.year)] if primary is not None else []
    return tags + (["urgent"] if urgency in ("high", "critical") else [])


def _subtype(kind: str, lines: Sequence[str]) -> str | None:
    choices = _SUBTYPES.get(kind, {})
    head = words_of(" ".join(lines[:40])[:3000]) if choices else ""
    return next((subtype for subtype, phrases in choices.items() if any(f" {phrase}" in head for phrase in phrases.split("|"))), None)


def _number(total: Decimal | None) -> int | float | None:
    """A JSON number; a float holds 15 digits, amounts_in reads no longer ones."""
    return None if total is None else float(total)


def _without_text(flow: str, file_name: str, page_count: int | None, *, noted: bool) -> dict[str, object]:
    """The record of a document that has no text to read: nothing is known, and it says so."""
    return {
        "schema_version": SCHEMA_VERSION,
        "file_name": _SURROGATE.sub("?", file_name),
        "page_count": page_count,
        "doc_type": "Unknown",
        "doc_subtype": None,
        "confidence_score": 0.05,
        "issuer": None,
        "recipient": None,
        "primary_date": None,
        "secondary_date": None,
        "total_amount": None,
        "currency": None,
        "summary": None,
        "action_items": [],
        "deadlines": [],
        "urgency_level": None,
        "tags": [],
        "language_detected": None,
        "ocr_text_excerpt": flow[:EXCERPT_CHARACTERS] or None,
        "extraction_quality": "poor",
        "requires_review": True,
        "notes": " ".join([_NOTED] * noted + ["No text layer to read."]),
    }
