"""The dates of a document, and what each of them is.

Decided here: which writings are dates (ISO, day-first, month-first, month names in six languages, Chinese and Korean), how 03/12/2024 is read,
and which date is the document's own. A numeric date is read as the document's unambiguous dates of the same kind are; without any, as its
language and currency suggest. Promised: a pure function of the text, linear in its length, never today's clock. A date that does not exist is
no date. Called by the reader of this package only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

FIRST_YEAR, LAST_YEAR = 1900, 2099
MOST_DATES = 500  # a bank statement has a few hundred; more tell nothing new

_MONTH_NAMES = {
    1: "january jan januar jänner janvier janv enero ene gennaio gen januari",
    2: "february feb februar février fevrier févr fevr fév febrero febbraio februari",
    3: "march mar märz maerz mrz mär mars marzo maart mrt",
    4: "april apr avril avr abril abr aprile",
    5: "may mai mayo maggio mag mei",
    6: "june jun juni juin junio giugno giu",
    7: "july jul juli juillet juil julio luglio lug",
    8: "august aug août aout agosto ago augustus",
    9: "september sep sept septembre septiembre settembre set",
    10: "october oct oktober okt octobre octubre ottobre ott",
    11: "november nov novembre noviembre",
    12: "december dec dezember dez décembre decembre déc diciembre dic dicembre",
}
_MONTH = {name: month for month, names in _MONTH_NAMES.items() for name in names.split()}
_NAMES = "|".join(sorted(_MONTH, key=len, reverse=True))
_DATE = re.compile(
    rf"(?<![\w./-])(?:"
    rf"(?P<y1>(?:19|20)\d\d)(?P<s1>[-/.])(?P<m1>\d{{1,2}})(?P=s1)(?P<d1>\d{{1,2}})(?![\d])|(?P<y2>(?:19"
    rf"|20)\d\d) ?[年년] ?(?P<m2>\d{{1,2}}) ?[月월] ?(?P<d2>\d{{1,2}}) ?[日일]"
    rf"|(?P<a3>\d{{1,2}}) ?(?P<s3>[-/.]) ?(?P<b3>\d{{1,2}}) ?(?P=s3) ?(?P<y3>(?:19|20)\d\d|\d\d)(?![\d]|[.,/-]\d)"
    rf"|(?P<d4>\d{{1,2}})(?:st|nd|rd|th|er|\.|º|°)?[ -]{{0,2}}(?:day of |of |de |di )?(?P<m4>{_NAMES})\b\.?,?[ -]{{0,2}}(?:de |del "
    rf"|of )?(?P<y4>(?:19|20)\d\d|\d\d)(?!\d)|(?P<m5>{_NAMES})\b\.?[ -]{{0,2}}(?P<d5>\d{{1,2}})(?:st|nd|rd"
    rf"|th)? ?,?[ -]{{0,2}}(?P<y5>(?:19|20)\d\d)(?!\d)"
    rf")",
    re.IGNORECASE,
)

# what a label in front of a date says about it; the nearest label wins, of two at one place the longer one
_LABELS: dict[str, str] = {
    "issue": "invoice date|date of invoice|bill date|billing date|date billed|issue date|date of issue|issued on|issued|date issued"
    "|statement date|statement ending|statement closing date|closing date|receipt date|transaction date|purchase date"
    "|date of letter|letter date|report date|date of report|signed on|date signed|notice date|decided|rechnungsdatum"
    "|rechnung vom|belegdatum|ausstellungsdatum|ausgestellt am|datum der rechnung|bescheid vom|erstellt am|date de facture"
    "|date de la facture|date de facturation|date d'émission|date d’émission|émise le|facture du|fecha de factura"
    "|fecha de emisión|fecha de expedición|data fattura|data di emissione|factuurdatum|issued at|bill issued"
    "|kontoauszug vom",
    "effective": "effective date|effective as of|effective|dated as of|made as of|entered into as of|entered into on|as of|made on"
    "|start date|begins on|policy period|valid from|gültig ab|gültig vom|beginn|inkrafttreten|date d'effet|made this"
    "|made and entered into",
    "plain": "date|dated|datum|vom|fecha|data|le|den|filed|entered|released|published|le :|argued",
    "due": "due date|payment due date|payment due|due on|due by|due|pay by|please pay by|payable by|payable on|payment date"
    "|fällig am|fällig|fälligkeit|fälligkeitsdatum|zahlbar bis|zahlbar bis zum|zahlungsziel|zu zahlen bis|zahlung bis"
    "|bis spätestens|spätestens bis|date d'échéance|date d’échéance|échéance|à payer avant le|payable avant le"
    "|date limite de paiement|fecha de vencimiento|vencimiento|data di scadenza|scadenza|vervaldatum|te betalen voor"
    "|uiterlijk|no later than|bitte überweisen sie bis",
    "end": "end date|expires on|expires|expiration date|expiry date|valid until|bis zum|before|avant le|valid through|through|until"
    "|ending|gültig bis|bis|jusqu'au|au|hasta|al|tot|to",
    "respond": "respond by|reply by|response due|rsvp by|no later than|answer by|antworten sie bis|rückmeldung bis|antwort bis|répondre avant le",
    "file": "file by|must be filed by|filing deadline|file no later than|abgabefrist|einzureichen bis|submit by|return by|submitted by",
    "renew": "renewal date|renews on|renew on|renew by|verlängert sich am|renouvellement le",
    "other": "date of birth|birth date|dob|born|geboren am|geboren|geb|geburtsdatum|né le|née le|print date|printed|printed on"
    "|ship date|delivery date|shipped|lieferdatum|leistungsdatum|order date|bestelldatum|bestellung vom|auftragsdatum"
    "|date de livraison|leverdatum|date de commande|period from|from|von|rev|revised|revision|version|last updated|updated"
    "|check in|check out|arrival|departure|ordered|service date|date of service|beginning|start|du|since|seit|hire date"
    "|copyright",
}
_KIND_OF_LABEL = {label: kind for kind, labels in _LABELS.items() for label in labels.split("|")}
_LABEL = re.compile(
    r"(?<![^\W\d_])(?:"
    + ""
    r"|".join(re.escape(label) for label in sorted(_KIND_OF_LABEL, key=len, reverse=True))
    + r")(?![^\W\d_])",
    re.IGNORECASE,
)


_PAY = re.compile(r"zahl|überweis|\bpay|\bpaie|régl|pagar|pagare|betal", re.IGNORECASE)
_TITLED = re.compile(
    r"invoice|rechnung|gutschrift|facture|factura|fattura|factuur|receipt|quittung|statement|kontoauszug|relevé|report|bericht"
    r"|certificate|bescheid|vol\.|issue\b",
    re.IGNORECASE,
)
_OF_ANOTHER = re.compile(
    r"bestell|auftrag|liefer|angebot|rapport|vertrag|gesetz|verordnung|schreiben|alter|opening|beginning|previous", re.IGNORECASE
)  # "Bestellung vom": another paper's date


@dataclass(frozen=True)
class Dated:
    """One date: the day, what the text says it is, the label's words, its line, whether it stands alone on it, and whether a title does."""

    day: date
    role: str
    label: str
    line: int
    alone: bool
    headed: bool


def dates_of(lines: Sequence[str], *, month_first: bool) -> list[Dated]:
    """The dates of a document in reading order, at most MOST_DATES.

    `month_first` says how a slashed date is read that the document itself does not settle.
    """
    found = [(number, list(_DATE.finditer(line[:2000]))) for number, line in enumerate(lines)]
    found = [(number, matches) for number, matches in found if matches][:MOST_DATES]
    order = _order([match for _, matches in found for match in matches], month_first)
    result: list[Dated] = []
    for number, matches in found:
        line, previous_end = lines[number], 0
        above = _labels_above(lines, number, len(matches))
        for position, match in enumerate(matches):
            day = _day(match, order)
            before = line[max(previous_end, match.start() - 80) : match.start()]
            previous_end = match.end()
            if day is None:
                continue
            role, label = _role(before)
            if before.strip() in ("-", "–", "—") and result and result[-1].line == number:
                role, label = "end", "-"
            if role == "end" and result and result[-1].line == number and result[-1].role in ("issue", "plain", ""):
                result[-1] = replace(result[-1], role="other")  # the first day of a period
            if not role and position < len(above):
                role, label = above[position]
            alone = len(matches) == 1 and _stands_alone(line[: match.start()], line[match.end() :])
            result.append(Dated(day, role, label, number, alone, number < 25 and bool(_TITLED.search(line[:300]))))
            if len(result) >= MOST_DATES:
                return result
    return result


def _stands_alone(before: str, after: str) -> bool:
    """Whether beside a date there is no more than a place, a weekday or a label."""
    words = (before + " " + after).split()
    return (
        len(words) <= 3
        and len(before) + len(after) <= 30
        and all(word[0].isupper() or not word[0].isalnum() for word in words)
        and before.strip().lower() not in ("on", "in", "am", "at", "since")
    )


def _role(before: str) -> tuple[str, str]:
    """The nearest label in the words before a date, if it is near enough to belong to it."""
    last = None
    for match in _LABEL.finditer(before):
        last = match
    if last is None or len(before) - last.end() > 30:
        return "", ""
    label = last.group().lower()
    if _KIND_OF_LABEL[label] == "end" and _PAY.search(before):
        return "due", label
    if label == "vom" and _OF_ANOTHER.search(before):
        return "other", label
    return _KIND_OF_LABEL[label], label


def _labels_above(lines: Sequence[str], number: int, dates: int) -> list[tuple[str, str]]:
    """The labels of the nearest labelled line above, one a column, if the line above holds labels and not prose."""
    for above in range(number - 1, max(-1, number - 4), -1):
        line = lines[above]
        if _DATE.search(line[:2000]):
            return []
        labels = [match.group().lower() for match in _LABEL.finditer(line[:200])]
        letters = sum(map(str.isalpha, line))
        labels = [label for label in labels if len(label) > 3 and (_KIND_OF_LABEL[label] != "plain" or letters <= len(label) + 4)]
        if labels and sum(map(len, labels)) >= 0.4 * letters:
            return [(_KIND_OF_LABEL[label], label) for label in labels][: max(dates, 1)]
    return []


def _order(matches: Sequence[re.Match[str]], month_first: bool) -> dict[str, bool]:
    """For each separator, whether the month comes first: by the dates that allow one reading only."""
    order = {"/": month_first, "-": month_first, ".": False}
    votes = dict.fromkeys(order, 0)
    for match in matches:
        if match["a3"] and match["s3"] in votes:
            first, second = int(match["a3"]), int(match["b3"])
            votes[match["s3"]] += (first <= 12 < second) - (second <= 12 < first)
    together = sum(votes.values())
    for separator, vote in votes.items():
        if vote or (together and separator != "."):
            order[separator] = (vote or together) > 0
    return order


def _day(match: re.Match[str], order: dict[str, bool]) -> date | None:
    if match["y1"]:
        year, month, day = int(match["y1"]), int(match["m1"]), int(match["d1"])
    elif match["y2"]:
        year, month, day = int(match["y2"]), int(match["m2"]), int(match["d2"])
    elif match["a3"]:
        first, second, year = int(match["a3"]), int(match["b3"]), int(match["y3"])
        month, day = (first, second) if order[match["s3"]] else (second, first)
        if month > 12:
            month, day = day, month
    elif match["d4"]:
        year, month, day = int(match["y4"]), _MONTH[match["m4"].lower()], int(match["d4"])
    else:
        year, month, day = int(match["y5"]), _MONTH[match["m5"].lower()], int(match["d5"])
    if year < 100:
        year += 2000 if year < 70 else 1900
    try:
        return date(year, month, day) if FIRST_YEAR <= year <= LAST_YEAR else None
    except ValueError:
        return None


def primary_of(dates: Sequence[Dated], kind: str) -> Dated | None:
    """The document's own date: issued, of the statement, of the letter, in force from; None if no date says so."""
    if not dates:
        return None
    best: tuple[float, int] | None = None
    for index, dated in enumerate(dates):
        score = {"issue": 10.0, "plain": 6.0, "effective": 4.0, "": 2.0, "end": 0.0, "due": -6.0, "other": -6.0}.get(dated.role, -6.0)
        if kind in ("Agreement", "Contract", "InsuranceDocument") and dated.role == "effective":
            score = 11.0
        if kind in ("BankStatement", "CreditCardStatement") and dated.role == "end":
            score = 7.0
        if dated.alone and dated.role in ("", "plain"):
            score += 4.0 if kind in ("Letter", "LegalDocument", "Report", "MedicalRecord", "Certificate") else 1.0
        if dated.headed and dated.role in ("", "plain"):
            score += 4.0
        score -= min(4.0, dated.line * 0.05)
        if best is None or score > best[0]:
            best = (score, index)
    return dates[best[1]] if best is not None and best[0] > -2.0 else None


def secondary_of(dates: Sequence[Dated], primary: Dated | None) -> Dated | None:
    """The due date, else the end of a period or a validity, that is not before the primary date."""
    for roles in (("due",), ("end", "renew", "respond", "file")):
        for dated in dates:
            if dated.role in roles and (primary is None or dated.day > primary.day or (dated.role == "due" and dated.day >= primary.day)):
                return dated
    return None


_TERM = re.compile(
    r"(?:net |within |innerhalb (?:von )?|binnen |sous |à |en el plazo de |entro |binnen )(\d{1,3}) ?(?:days|calendar days"
    r"|business days|tagen|tage|jours|días|giorni|dagen)|\bnet (\d{1,3})\b|(?:payment terms?|terms"
    r"|zahlungsziel)[: ]{1,3}(?:net )?(\d{1,3}) (?:days|tage)",
    re.IGNORECASE,
)


def term_of(text: str) -> timedelta | None:
    """A payment or response term given in days ("net 30", "innerhalb von 14 Tagen"), the first in the text."""
    match = _TERM.search(text)
    return timedelta(days=int(match[1] or match[2] or match[3])) if match else None
