"""The language of a text, from its letters and its function words.

Decided here: which languages are told apart, and how much text that takes. Called by the reader of this package only; py3langid is loaded at
the first call and kept, it reads no network.
"""

import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LANGUAGES = (
    "en",
    "de",
    "fr",
    "es",
    "it",
    "nl",
    "pt",
    "pl",
    "sv",
    "da",
    "no",
    "fi",
    "cs",
    "hu",
    "ro",
    "tr",
    "el",
    "ru",
    "uk",
    "ar",
    "he",
    "zh",
    "ja",
    "ko",
    "la",
)
FEWEST_LETTERS = 24  # below this a guess is a coin toss
SAMPLE_CHARACTERS = 4_000

_FUNCTION_WORDS = {
    "en": (
        "the of and to in for is this with on by your that be are or from you will not total date invoice"
        " amount page statement balance account payment due address phone tax name summary description"
    ),
    "de": (
        "der die und das von mit den für ist nicht ein eine auf zu sich des im bei wir sie oder nach dem"
        " rechnung betrag datum seite nummer summe straße mwst gesamt preis menge kunde zahlung"
    ),
    "fr": (
        "le la les des et du une est pour dans par vous sur que au pas avec votre nous aux"
        " facture montant tva numéro adresse paiement prix désignation règlement"
    ),
    "es": ("el los las del y una por con para que se su es al como más este factura importe fecha número cliente pago precio"),
    "it": ("il di e che della per con una del sono gli dei alla nel non è fattura importo numero cliente pagamento prezzo"),
    "nl": ("het een van en voor met op niet zijn aan bij wij uw te dat door factuur bedrag datum nummer btw totaal klant prijs"),
}
_WORD = re.compile(r"[^\W\d_]+")


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # here: it takes numpy and half a second

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier


def language_of(text: str) -> str | None:
    """The language as ISO 639-1; None for too little text.

    Function words decide where one language leads clearly; names and addresses would mislead the letters alone.
    """
    sample = text[:SAMPLE_CHARACTERS]
    words = _WORD.findall(sample.lower())
    if sum(map(len, words)) < FEWEST_LETTERS and not re.search(r"[　-鿿가-힯]{8}", sample):
        return None
    counts = Counter(words)
    hits = {language: sum(counts[word] for word in listed.split()) for language, listed in _FUNCTION_WORDS.items()}
    (best, most), (_, second) = sorted(hits.items(), key=lambda item: -item[1])[:2]
    if most >= 3 and most >= 2 * second:
        return best
    return str(_identifier().classify(" ".join(words))[0])
