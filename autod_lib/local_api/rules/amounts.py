"""Sums of money: the grand total of a document, and its currency.

Decided here: how a written number is read (1.234,56 and 1,234.56 and 1 234,56), which label names the total tax included, and which currency the
signs, codes and context mean. Promised: a pure function of the text, linear in its length; exact decimals; the sign a credit note gives is
kept. A bare $ is the US dollar unless the text speaks of another dollar. Called by the reader of this package only.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

LINE_CHARACTERS = 1_000  # looked at in one line; a text without line ends is read in the others
REACH = 80  # an amount farther from its label belongs to something else
CURRENCY_CHARACTERS = 60_000  # a document does not change its currency after that

_CODES = (
    "USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SGD|HKD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|BRL|MXN|ZAR|KRW|ILS|AED|SAR|THB|MYR|IDR|PHP"
    "|VND|TWD|RUB|UAH|CLP|COP|ARS|PEN|QAR|KWD|EGP|NGN|KES"
)
_SIGNS_OF = {
    "EUR": "€", "GBP": "£", "INR": "₹ Rs. Rs", "KRW": "₩", "ILS": "₪", "TRY": "₺", "RUB": "₽", "THB": "฿", "VND": "₫",
    "UAH": "₴", "PLN": "zł", "CZK": "Kč", "BRL": "R$", "AUD": "A$ AU$", "CAD": "C$ CA$ CAD$", "SGD": "S$", "NZD": "NZ$",
    "HKD": "HK$", "USD": "$ US$", "MXN": "MX$", "TWD": "NT$", "CNY": "RMB", "CHF": "Fr. SFr.", "JPY": "¥ ￥", "SEK": "kr",
    "HUF": "Ft", "MYR": "RM",
}  # fmt: skip
_SIGNS = {sign: code for code, signs in _SIGNS_OF.items() for sign in signs.split()}
_SIGN = "|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True))
_UNIT = rf"(?:(?<![A-Za-z])(?:{_SIGN})|\b(?:{_CODES})\b)"
_NUMBER = r"\d{1,3}(?:[.,'’   ]\d{3}){1,4}(?:[.,]\d{1,2}(?!\d))?|\d{1,12}(?:[.,]\d{1,3}(?!\d))?"
_AMOUNT = re.compile(
    rf"(?<![\w.,/-])(?P<minus>[-−–(] ?)?(?P<unit>{_UNIT})? ?(?P<minus2>[-−] ?)?(?P<number>{_NUMBER})(?P<after>-(?!\d)| ?{_UNIT}| ?%"
    rf"|[/\w]|[.,]\d|-\d)?"
)
_MONEY_UNIT = re.compile(
    rf"(?<![A-Za-z])(?P<sign>{_SIGN})[ -]?\d|(?P<after>[€£₹]|\$(?![A-Za-z]))|\d ?(?P<unit>zł|Kč|kr\b|Ft\b)"
    rf"|(?<![A-Za-z])(?P<code>{_CODES})(?![A-Za-z])"
)
# what a text in lower case calls a currency, or the country whose dollar it is
_NAMES_OF = {
    "USD": ("us dollar", "u.s. dollar", "united states dollar"),
    "EUR": (" euro ", " euros", " euro."),
    "GBP": ("pound sterling", "pounds sterling"),
    "CAD": ("canadian dollar", " canada"),
    "AUD": ("australian dollar", " australia", " abn "),
    "SGD": (" singapore",),
    "NZD": ("new zealand",),
    "HKD": ("hong kong",),
    "INR": (" rupee",),
    "CHF": ("schweizer franken", "francs suisses", "swiss franc"),
}
_AMERICAN = re.compile(r"\b[A-Z]{2},? \d{5}\b")  # state and ZIP code
_CENTS = re.compile(r"\b\d+[.,]\d\d\b")
_EURO_COUNTRIES = frozenset(re.findall("..", "ATBECYDEEEESFIFRGRHRIEITLTLULVMTNLPTSISK"))
_NUMBER_OF_COUNTRY = re.compile(r"\b([A-Z]{2})(?:\d{2}(?: ?[A-Z0-9]{4}){3,7}|\d{8,11}\b)")  # an IBAN or a VAT number
_EURO_LANGUAGES = frozenset({"de", "fr", "es", "it", "nl"})
_OTHER_DOLLARS = ("CAD", "AUD", "SGD", "NZD", "HKD")

# a label's rank: what it names is the grand total, tax included; of two ranks the higher wins, of two places the later
_TOTALS = {
    9: "grand total|total including tax|total incl tax|total incl. tax|total incl. vat|total inc. vat|total including vat"
    "|total inc vat|total inc gst|total incl vat|total with tax|gesamtbetrag brutto|gesamtsumme brutto|bruttosumme|bruttobetrag"
    "|rechnungsbetrag brutto|gesamt brutto|summe brutto|total brutto|total ttc|montant total ttc|montant ttc|total t.t.c."
    "|totaal incl. btw|totaal incl btw|totaal inclusief btw|totaalbedrag|importe total|total factura|totale fattura"
    "|totale documento|totale ivato|total con iva|total iva incluido|invoice total|total invoice amount|invoice amount"
    "|total amount of invoice|gesamtrechnungsbetrag|rechnungsendbetrag|rechnungssumme",
    8: "rechnungsbetrag|gesamtbetrag|endbetrag|gesamtsumme|endsumme|gesamtpreis|total general|montant total|total amount|order total"
    "|total price|total charges|total paid|total eur|total usd|total gbp|new balance|statement balance|neuer saldo|total facture"
    "|total de la facture|totale|totaal|totale complessivo|total for this invoice|total invoice",
    7: "total|summe|gesamt|betrag gesamt|total sum|amount total",
    6: "total due|total amount due|amount due|balance due|amount payable|total payable|please pay|pay this amount"
    "|zu zahlender betrag|zu zahlen|zahlbetrag|fälliger betrag|net à payer|montant à payer|reste à payer|total a pagar"
    "|importe a pagar|te betalen|totale da pagare|netto a pagare|amount paid|payment received|balance|amount|betrag"
    "|nettobetrag zu zahlen|offener betrag",
}  # fmt: skip
_RANK = {label: rank for rank, labels in _TOTALS.items() for label in labels.split("|")}
_WEAK = {"balance", "amount", "betrag", "amount paid", "payment received"}
_TOTAL = re.compile(
    r"(?<![^\W\d_])(?<![-‐])(?:"
    + ""
    r"|".join(re.escape(label) for label in sorted(_RANK, key=len, reverse=True))
    + r")(?![^\W\d_]|-[a-z])",
    re.IGNORECASE,
)
_NOT_TOTAL = re.compile(
    r"sub[- ]?s?total|zwischensumme|sous[- ]total|subtotaal|total (?:ht|h\.t\.|hors|net\b|tax|vat|gst|discount|savings|items|qty"
    r"|quantity|hours|deposits|withdrawals|credits|debits|weight|previous|fees|payments)|totale? imponibile|total excl|totaal excl"
    r"|total before|net total|total number|total pages|netto(?:summe|betrag)|gesamt netto|summe netto|previous|minimum|available"
    r"|credit limit|year to date|ytd|summe der (?:positionen|zu)|total mwst|total ust|steuerbetrag|totale iva|total iva\b(?! inc)"
    r"|total tva|montant (?:total )?(?:ht|de la tva)|tax total|positionssumme|summe (?:ust|mwst)",
    re.IGNORECASE,
)
_NET = re.compile(
    r"\b(?:sub[- ]?total|zwischensumme|net(?:to)?(?:betrag|summe)?|total h\.?t|sous[- ]total|imponibile|base imponible|subtotaal"
    r"|total net|net amount)\b",
    re.IGNORECASE,
)
_TAX = re.compile(r"\b(?:tax|vat|gst|hst|mwst|ust|umsatzsteuer|mehrwertsteuer|t\.?v\.?a|btw|iva|steuerbetrag)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Money:
    """An amount as written: its value, the line, whether a currency or decimals mark it as money, and a percent sign."""

    value: Decimal
    line: int
    marked: bool


def amounts_in(line: str, number: int) -> list[Money]:
    """The amounts of one line, left to right; percentages, dates and reference numbers are none."""
    found = []
    for match in _AMOUNT.finditer(line[:1000]):
        after = (match["after"] or "").strip()
        if after and after != "-" and not re.fullmatch(_UNIT, after):
            continue
        text = match["number"]
        value = value_of(text)
        if value is None:
            continue
        negative = bool((match["minus"] or match["minus2"] or "").strip()) or after == "-"
        if (match["minus"] or "").strip() == "–":
            negative = bool(match["unit"])
        marked = bool(match["unit"] or (after and after != "-") or re.search(r"[.,]\d{2}$", text))
        found.append(Money(-value if negative else value, number, marked))
    return found


def value_of(text: str) -> Decimal | None:
    """The value of a written number, whichever sign stands for the decimals; None if it cannot be one.

    The last separator starts the decimals if one or two digits follow it, or if another kind of separator stands before it.
    """
    compact = re.sub(r"['’\s]", "", text)
    last = max(compact.rfind("."), compact.rfind(","))
    if last >= 0:
        digits_after = len(compact) - last - 1
        other = "," if compact[last] == "." else "."
        is_decimal = digits_after != 3 or (other in compact[:last]) or compact.startswith("0")
        if compact.count(compact[last]) > 1:
            is_decimal = False
        whole, fraction = (compact[:last], compact[last + 1 :]) if is_decimal else (compact, "")
        compact = re.sub(r"[.,]", "", whole) + ("." + fraction if fraction else "")
    return Decimal(compact) if compact and len(compact) <= 18 else None


def total_of(lines: Sequence[str], *, cross_checks: bool) -> Decimal | None:
    """The grand total, tax included, as the best label names it; None if no label does.

    `cross_checks` prefers a sum that equals a net amount and a tax the document also gives, and without any label takes the largest amount
    that is marked as money.
    """
    candidates: list[tuple[float, int, Decimal]] = []
    for number, line in enumerate(lines):
        line = line[:LINE_CHARACTERS]
        labels = list(_TOTAL.finditer(line))
        for position, match in enumerate(labels):
            if _NOT_TOTAL.search(line[max(0, match.start() - 12) : match.end() + 14]):
                continue
            is_last = position + 1 == len(labels)
            end = min(match.end() + REACH, len(line) if is_last else labels[position + 1].start())
            label = match.group().lower()
            rank = float(_RANK[label]) - (2.5 if label in _WEAK else 0.0)
            amounts = amounts_in(line[match.end() : end], number)
            if not amounts and is_last:
                amounts = _below(lines, number)
                rank -= 0.5
            marked = [money for money in amounts if money.marked] or amounts
            if marked:
                chosen = marked[-1] if len(line) <= 120 else marked[0]
                candidates.append((rank - (0.0 if chosen.marked else 1.5), number, chosen.value))
    if not candidates:
        return _largest(lines) if cross_checks else None
    if cross_checks:
        candidates = _confirmed(lines, candidates)
    best_rank = max(rank for rank, _, _ in candidates)
    best = [value for rank, _, value in candidates if rank == best_rank]
    if best_rank <= 7.0 and len(best) > 1 and all(value >= 0 for value in best):
        return max(best)
    return best[-1]


def _largest(lines: Sequence[str]) -> Decimal | None:
    """The largest amount marked as money: nothing on an invoice is larger than its total, as a rule."""
    return max((money.value for number, line in enumerate(lines[:1000]) for money in amounts_in(line, number) if money.marked), default=None)


def _below(lines: Sequence[str], number: int) -> list[Money]:
    """The amount of a label that stands alone: the first of the next three lines that is an amount and little else."""
    for below in range(number + 1, min(len(lines), number + 4)):
        line = lines[below]
        amounts = amounts_in(line, below)
        letters = sum(map(str.isalpha, line))
        if amounts and letters <= 5:
            return [money for money in amounts if money.marked][-1:] or amounts[:1]
        if letters > 5:
            return []
    return []


def _confirmed(lines: Sequence[str], candidates: list[tuple[float, int, Decimal]]) -> list[tuple[float, int, Decimal]]:
    """The candidates, those raised by one rank that equal net plus tax."""
    nets: set[Decimal] = set()
    taxes: set[Decimal] = set()
    for number, line in enumerate(lines):
        if len(line) > LINE_CHARACTERS:
            continue
        values = {money.value for money in amounts_in(line, number) or _below(lines, number)}
        if _NET.search(line) and len(nets) < 50:
            nets |= values
        elif _TAX.search(line) and len(taxes) < 50:
            taxes |= values
    sums = {net + tax for net in nets for tax in taxes if tax > 0 and net > 0}
    return [(rank + (1.0 if value in sums else 0.0), number, value) for rank, number, value in candidates]


def currency_of(text: str, language: str | None, *, locale: bool) -> str | None:
    """The currency most amounts are in, as an ISO 4217 code; None without a sign, a code or a name.

    `locale` lets the context settle a bare $ and a bare crown: a text that speaks of Canada and of no other dollar means the Canadian one.
    """
    text = f" {text[:CURRENCY_CHARACTERS]} "
    votes: Counter[str] = Counter()
    for match in _MONEY_UNIT.finditer(text):
        sign = match["sign"] or match["after"] or match["unit"]
        votes[_SIGNS[sign] if sign else match["code"]] += 1 if sign else 2
    lowered = text.lower()
    named = [code for code, names in _NAMES_OF.items() if any(name in lowered for name in names)]
    for code in named:
        if code not in _OTHER_DOLLARS:
            votes[code] += 1
    if not votes and locale and _CENTS.search(text):
        votes.update(_by_place(text, language))
    if not votes:
        return None
    if locale:
        if votes["JPY"] and language == "zh":
            votes["CNY"] += votes.pop("JPY")
        if votes["SEK"] and language in ("no", "nb", "da"):
            votes["DKK" if language == "da" else "NOK"] += votes.pop("SEK")
        dollars = [code for code in named if code in _OTHER_DOLLARS]
        if len(dollars) == 1 and "USD" not in named and "USD" not in text and "US$" not in text and not _AMERICAN.search(text):
            votes[dollars[0]] += votes.pop("USD", 0)
    best = max(sorted(votes), key=lambda code: votes[code])
    return best if votes[best] else None


def _by_place(text: str, language: str | None) -> list[str]:
    """The currency of the place, for amounts without any sign: by a bank or VAT number, an American address, at last the language."""
    countries = {match[1] for match in _NUMBER_OF_COUNTRY.finditer(text)}
    if countries & _EURO_COUNTRIES:
        return ["EUR"]
    if "GB" in countries or "CH" in countries:
        return ["GBP" if "GB" in countries else "CHF"]
    if language == "en" and _AMERICAN.search(text):
        return ["USD"]
    return ["EUR"] if language in _EURO_LANGUAGES and _TAX.search(text) else []
