"""What kind of document a text is: weighted evidence, a score a type, and the margin between the best two.

Decided here: the evidence table and how it is counted. A phrase counts once, however often it stands; in a heading near the top it counts
more, because a document says early what it is. The words are general knowledge of the trade in six languages; no list of senders, no
templates. Promised: a pure function of the text, linear in its length. Called by the reader of this package only. It never looks at the file
name, and a text that asks to be called an invoice is evidence of nothing more than the word.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

HEADING_LINES = 14  # lines looked at for a title
HEADING_WORDS = 9  # a longer line is prose
HEADING_FACTOR = 2.0
TELLING = 2.0  # a phrase of this weight names the kind; a lighter one only fits it
MOST_OF_HINTS = 8.0  # a long text has every common word: what fits is no proof
HINTS_ALONE = 3.0
GREETED = 14.0  # a salutation and a closing
WEAK_EVIDENCE = 4.0  # below this the document is Other: a chance mention of a trade word is not a type

# type -> weight -> phrases, lower case, separated by |; matched as whole words, punctuation ignored
_EVIDENCE: dict[str, dict[float, str]] = {
    "Invoice": {
        3.0: "invoice|invoice number|invoice no|invoice date|tax invoice|credit note|rechnung|rechnungsnummer|rechnungsnr"
        "|rechnungs nr|rechnung nr|rechnungsdatum|rechnungsbetrag|gutschrift|facture|facture n|numéro de facture"
        "|date de facture|factura|número de factura|fecha de factura|fattura|numero fattura|data fattura|factuur|factuurnummer"
        "|factuurdatum",
        2.0: "bill to|billed to|invoice total|balance due|remit to|ust idnr|ust id nr|total ttc|total ht|net à payer|facturé à"
        "|facturar a|rechnungsempfänger|rechnungsadresse|leistungsempfänger|btw nummer|partita iva|base imponible|zahlungsziel",
        1.0: "amount due|unit price|quantity|qty|subtotal|sub total|zwischensumme|mwst|ust|tva|vat|gst|iva|btw|netto|brutto|iban"
        "|due date|payment terms|zahlungsbedingungen|einzelpreis|menge|po number|ship to|ship date|sales tax|leistungsdatum"
        "|lieferdatum|prix unitaire|quantité|précio|cantidad|aantal|quantità|imponibile|verkäufer|käufer",
    },
    "Receipt": {
        4.0: "receipt|sales receipt|payment receipt|quittung|kassenbon|kassenbeleg|kassenzettel|reçu|ticket de caisse|recibo"
        "|ricevuta|scontrino|kassabon|bewirtungsbeleg",
        2.0: "thank you for your purchase|thank you for shopping|change due|vielen dank für ihren einkauf|bon nr|beleg nr"
        "|kartenzahlung|ec cash|gracias por su compra|merci de votre visite|cashier|approval code|auth code|items sold|tender"
        "|wechselgeld|payment received|amount paid|payment mode|card ending|terminal id|gegeben|rendu monnaie|ec karte"
        "|return policy|kassierer",
        1.0: "cash|visa|mastercard|payment method|transaction|subtotal|store|change|paid|server|table|tip|gratuity|girocard|bar"
        "|espèces|efectivo|thank you",
    },
    "BankStatement": {
        4.0: "bank statement|account statement|kontoauszug|relevé de compte|extracto de cuenta|extracto bancario|estratto conto"
        "|rekeningafschrift|rekeningoverzicht|statement of account|savings account statement|checking account statement"
        "|ending balance|beginning balance",
        3.0: "opening balance|closing balance|alter kontostand|neuer kontostand|alter saldo|neuer saldo|anfangssaldo|endsaldo"
        "|solde initial|solde final|saldo anterior|saldo inicial|saldo iniziale|saldo finale|beginsaldo|eindsaldo|checking"
        "|savings account",
        1.0: "deposits|withdrawals|debits|credits|overdraft|checks paid|member fdic|average balance|account number|statement period"
        "|statement date|statement ending|direct deposit|atm|buchungstag|valuta|wertstellung|kontonummer|retraits|dépôts"
        "|virements|abhebung|balance|iban",
    },
    "CreditCardStatement": {
        4.0: "credit card statement|minimum payment|minimum payment due|minimum amount due|credit limit|available credit"
        "|kreditkartenabrechnung|late payment warning|relevé de carte|kreditkarte|tarjeta de crédito|pagamento minimo"
        "|estratto conto carta",
        2.0: "new balance|cash advance|cash advances|credit card|previous balance|interest charged|annual percentage rate"
        "|statement balance|total credit line|verfügungsrahmen|carte de crédit|credit card statements",
        1.0: "payment due date|purchases|card number|rewards|finance charge|statement date|closing date",
    },
    "UtilityBill": {
        4.0: "electricity bill|gas bill|water bill|utility bill|electric bill|energy bill|stromrechnung|gasrechnung|wasserrechnung"
        "|energierekening|facture d électricité|factura de electricidad|bolletta|telephone bill|phone bill|broadband bill",
        3.0: "kwh|meter reading|meter number|meter readings|zählerstand|zählernummer|therms|meterstand|compteur|contador|contatore"
        "|verbrauchsabrechnung",
        1.0: "your bill|bill date|previous charges|data usage|plan|current charges|usage|service address|billing period|verbrauch"
        "|abschlag|consommation|consumo|stroms|tariff|standing charge|line rental|arbeitspreis|grundpreis|previous reading"
        "|supply charge",
    },
    "Contract": {
        4.0: "contract|employment contract|purchase contract|service contract|sales contract|kaufvertrag|mietvertrag|arbeitsvertrag"
        "|dienstvertrag|werkvertrag|dienstleistungsvertrag|contrat|contrato|contratto|contract of|vertrag",
        1.5: "contractor|contract number|vertragsparteien|auftragnehmer|auftraggeber|this contract|dieser vertrag|le présent contrat"
        "|contractor shall|arbeitgeber|arbeitnehmer|vermieter|mieter|the parties|termination|governing law|in witness whereof",
    },
    "Agreement": {
        4.0: "agreement|this agreement|nondisclosure agreement|non disclosure agreement|confidentiality agreement|license agreement"
        "|lease agreement|terms of service|terms of use|vereinbarung|geheimhaltungsvereinbarung|accord de|acuerdo|accordo"
        "|overeenkomst|memorandum of understanding",
        2.0: "by and between|whereas|in witness whereof|entire agreement|governing law|now therefore|confidential information"
        "|hereby agree|counterparts|terms and conditions|diese vereinbarung",
        1.0: "hereinafter|the parties|effective date|termination|indemnify|severability|successors and assigns|liability|herein"
        "|hereto|licensee|licensor|disclosing party|receiving party",
    },
    "Letter": {
        1.0: "enclosed|enclosure|enclosures|betreff|objet|i am writing|we are writing|thank you for your|look forward|ihr schreiben"
        "|ihr zeichen|unser zeichen|anlage|anlagen|pièces jointes|asunto|bijlage|oggetto|per fax|via email|via ecf|cc",
    },
    "Form": {
        4.0: "application form|request form|claim form|registration form|order form|consent form|intake form|enrollment form"
        "|antragsformular|formular|formulaire|formulario|modulo|formulier|for office use only|office use only|official use only"
        "|antrag auf|questionnaire|fragebogen",
        2.0: "form|please print|check one|please complete|complete this form|fill out|fill in|this form|print name|bitte ausfüllen"
        "|ankreuzen|à remplir|cocher|rellenar|first name|last name|vorname|nachname|applicant|antragsteller|instructions for"
        "|print or type|tick",
        1.0: "signature|unterschrift|firma|date of birth|geburtsdatum|zip code|street address|middle initial|yes no|telephone number"
        "|phone number|address|city|title|name|date|check box|initials",
    },
    "Report": {
        4.0: "report|annual report|executive summary|quarterly report|audit report|bericht|jahresbericht|geschäftsbericht"
        "|prüfbericht|rapport|rapport annuel|informe|relazione|verslag|jaarverslag|procès verbal|minutes of|sitzungsprotokoll|status report"
        "|inspection report|white paper",
        2.0: "table of contents|findings|methodology|abstract|inhaltsverzeichnis|table des matières|zusammenfassung|compared to"
        "|year to date|market news|survey|statistics|recommendations|key findings|volume|figure 1|table 1|et al|compte rendu",
        1.0: "introduction|conclusion|conclusions|results|references|appendix|percent|data|figure|analysis|discussion|background"
        "|summary|increase|decrease|source|totals|week|month|year|literatur|ergebnisse|résultats|research",
    },
    "Certificate": {
        5.0: "certificate|certificate of|this is to certify|zertifikat|bescheinigung|zeugnis|urkunde|certificat|attestation"
        "|certificado|certificato|certificaat|bestätigung",
        2.0: "certify that|certifies that|certifies|has successfully completed|awarded to|certificate number|certificate no"
        "|hiermit wird bescheinigt|hereby certified|je soussigné|certify|has completed|conformity",
    },
    "TaxDocument": {
        4.0: "internal revenue service|tax return|steuerbescheid|steuererklärung|finanzamt|lohnsteuerbescheinigung|avis d imposition"
        "|impôt sur le revenu|declaración de la renta|agencia tributaria|hmrc|belastingdienst|agenzia delle entrate"
        "|wage and tax statement|omb no 1545|einkommensteuerbescheid|dichiarazione dei redditi|canada revenue agency|modelo 303",
        2.0: "federal income tax|taxpayer|adjusted gross income|department of the treasury|tax year|withholding|irs|w 2|w 9|1099"
        "|1040|taxable income|einkommensteuer|steuernummer identifikationsnummer|self assessment|revenu fiscal|tax withheld"
        "|taxpayer identification number",
        1.0: "employer identification number|social security number|exempt|deduction|deductions|filing status|tin|ein|backup withholding",
    },
    "InsuranceDocument": {
        4.0: "insurance policy|policy number|policyholder|versicherungsschein|versicherungspolice|versicherungsnehmer"
        "|police d assurance|póliza|polizza|certificate of insurance|certificate of liability insurance|evidence of coverage"
        "|explanation of benefits|summary plan description|declarations page|polis|insurance company|verzekering"
        "|contrat d assurance",
        2.0: "insured|premium|deductible|coverage|versicherung|versicherungssumme|assuré|asegurado|assicurato|copay|out of pocket"
        "|underwritten|health plan|selbstbeteiligung|coinsurance|claims administrator|covered person|your policy|this policy"
        "|named insured|loss payee|prämie",
        1.0: "claim|claims|benefits|insurer|insurance|covered|exclusions|dependents|plan administrator|policy period|limits|assurance|coverages",
    },
    "MedicalRecord": {
        5.0: "medical report|medical record|discharge summary|arztbrief|anamnese|historia clínica|cartella clinica|medical history"
        "|lab report|patient information|laboratory report|progress note|vaccination record|immunization record|dossier médical"
        "|patient name",
        3.0: "diagnosis|diagnoses|prescription|diagnose|befund|antécédents|diagnóstico|diagnosi|mrn|patientin|chief complaint"
        "|history of present illness|vital signs|ordonnance|medikation|entlassungsbericht",
        1.5: "patient|medications|medication|allergies|blood pressure|physician|symptoms|admitted|discharged|x ray|ct scan|mri"
        "|hospital|heart rate|dosage|tablet|treatment|therapie|icd 10|clinical|surgery|doctor",
    },
    "LegalDocument": {
        4.0: "plaintiff|plaintiffs|united states district court|court of appeals|subpoena|power of attorney|last will and testament"
        "|im namen des volkes|vollmacht|federal register|affidavit|summons|supreme court of|landgericht|tribunal de|kläger"
        "|im namen",
        3.0: "defendant|defendants|petitioner|it is ordered|so ordered|hereby ordered|supreme court|superior court|circuit court"
        "|district court|beklagte|urteil|jugement|défendeur|sentencia|demandante|demandado|sentenza|final rule|appellant"
        "|appellee|code of federal regulations|amtsgericht",
        1.5: "respondent|case no|docket|judgment|motion|order|complaint|cfr|appeal|petition|circuit|district of|filed|attorney for"
        "|opinion|cv|stat|the court|statute|enacted|section",
        0.7: "attorney|counsel|pursuant to|esq|judge|clerk|law|v|u s c",
    },
    "Other": {
        4.0: "purchase order|quotation|angebot|devis|lieferschein|delivery note|packing slip|timetable|curriculum vitae|resume"
        "|newsletter|bestellung|datasheet|data sheet|user manual|itinerary|brochure|agenda|payslip|pay statement"
        "|earnings statement|gehaltsabrechnung|bulletin de paie|nómina|auftragsbestätigung|offerte|presupuesto|preventivo"
        "|fahrplan",
        2.0: "booking|program|programm|schedule|menu|quote|estimate|recipe|press release|packing list|order confirmation|work order|slide|slides",
    },
}
# first word -> (phrase between spaces, type, weight): a document is looked up by its words, not by the whole table
_BY_FIRST_WORD: dict[str, list[tuple[str, str, float]]] = {}
for _kind, _groups in _EVIDENCE.items():
    for _weight, _phrases in _groups.items():
        for _phrase in _phrases.split("|"):
            _BY_FIRST_WORD.setdefault(_phrase.split()[0], []).append((f" {_phrase} ", _kind, _weight))

_OTHER_TITLES = [f" {phrase} " for phrase in _EVIDENCE["Other"][4.0].split("|")]
_INVOICE_NAMES = [f" {name} " for name in ("invoice", "rechnung", "facture", "factura", "fattura", "factuur", "gutschrift")]

_WORD = re.compile(r"[^\W_]+")
_SALUTATION = re.compile(
    r"^(?:dear\b|to whom it may concern|to all (?:parties|counsel)|sehr geehrte|liebe[r]? |guten tag|hallo |madame,? monsieur|cher "
    r"|chère |monsieur,|madame,|messieurs|estimad[oa]|muy señor|geachte|beste |gentile |gentili |egregi[oa] |spett)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^(?:yours |sincerely|very truly|respectfully|best regards|kind regards|regards,|best wishes|warm regards|cordially"
    r"|mit freundlichen|freundliche grüße|hochachtungsvoll|cordialement|veuillez agréer|je vous prie|salutations|atentamente|saludos"
    r"|met vriendelijke|hoogachtend|distinti saluti|cordiali saluti)",
    re.IGNORECASE,
)
_BLANK_FIELD = re.compile(r"_{5,}|\.{8,}|(?:\. ){6,}|[☐□❏❑]|\[ ?\]|\( \)")
_COMPOUND_INVOICE = re.compile(r"\b[a-zäöüß]{3,20}rechnung\b")
_FORM_NUMBER = re.compile(r"^form\s+(?:[a-z]{0,4}[- ]?\d|[a-z]-)", re.IGNORECASE)
_VERSUS = re.compile(r"(?:^|\s)(?:v\.|vs\.?|versus)(?:\s|$)", re.IGNORECASE)
_CLAUSE = re.compile(r"^(?:§ ?\d|section \d|article [ivx\d]|\d{1,2}\.\d? +[A-Z])", re.IGNORECASE)
_MONEY = re.compile(r"\d[.,]\d{2}(?!\d)")


@dataclass(frozen=True)
class Kind:
    """A type, the evidence for it, and by how much it leads the next type."""

    name: str
    score: float
    margin: float
    runner_up: str


def words_of(text: str) -> str:
    """The words of a text in lower case, one space between and around them: what phrases are looked up in."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def kind_of(lines: Sequence[str], *, structure: bool) -> Kind:
    """The best supported type of a document given as its lines.

    `structure` adds the evidence of form: salutation and closing, blank fields, clauses, columns of money. Without enough evidence the
    type is Other.
    """
    stream = words_of("\n".join(lines))
    headings = "".join(words_of(line) for line in lines[:HEADING_LINES] if len(line.split()) <= HEADING_WORDS)
    scores = dict.fromkeys(_EVIDENCE, 0.0)
    hints = dict.fromkeys(_EVIDENCE, 0.0)
    telling: set[str] = set()
    for word in sorted(_BY_FIRST_WORD.keys() & set(stream.split())):
        for phrase, kind, weight in _BY_FIRST_WORD[word]:
            if phrase in stream:
                counted = weight * (HEADING_FACTOR if phrase in headings else 1.0)
                if counted >= TELLING:
                    telling.add(kind)
                    scores[kind] += counted
                else:
                    hints[kind] += counted
    for kind, hinted in hints.items():
        scores[kind] += min(hinted, MOST_OF_HINTS if kind in telling else HINTS_ALONE)
    if any(name in headings for name in _OTHER_TITLES) and not any(name in stream for name in _INVOICE_NAMES):
        scores["Invoice"] /= 2  # an order or a quotation has the table of an invoice, and says what it is
    if structure:
        for kind, extra in _structure(lines, stream).items():
            scores[kind] += extra
        if scores["Letter"] >= GREETED:
            scores["LegalDocument"] /= 2  # a pleading greets nobody
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    (best, score), (second, next_score) = ranked[0], ranked[1]
    if score < WEAK_EVIDENCE:
        return Kind("Other", score, WEAK_EVIDENCE - score, best)
    return Kind(best, score, score - next_score, second)


def _structure(lines: Sequence[str], stream: str) -> dict[str, float]:
    """What the shape of the lines says, apart from the trade words."""
    evidence: dict[str, float] = {}
    salutation = any(_SALUTATION.match(line) for line in lines[:60])
    closing = any(_CLOSING.match(line) for line in lines)
    evidence["Letter"] = 8.0 * salutation + 6.0 * closing + 4.0 * (salutation and closing)
    blanks = sum(len(_BLANK_FIELD.findall(line)) for line in lines)
    evidence["Form"] = min(8.0, 0.5 * blanks) + 4.0 * any(_FORM_NUMBER.match(line) for line in lines[:HEADING_LINES])
    clauses = sum(1 for line in lines if _CLAUSE.match(line))
    evidence["Agreement"] = min(3.0, 0.3 * clauses)
    money = sum(1 for line in lines if _MONEY.search(line))
    evidence["Invoice"] = min(3.0, 0.3 * money) + 5.0 * bool(_COMPOUND_INVOICE.search(stream))
    evidence["LegalDocument"] = 3.0 * any(_VERSUS.search(line) for line in lines[:40])
    return evidence
