"""How many input tokens a PDF takes: an estimate with its confidence and an interval.

Decided here: what is known how well. *high*: pages and text were read, so that the text is counted and only the images of the pages are estimated;
*medium*: the file is there and only its size can be used; *low*: not even that, and a usual document is taken. The interval is meant to hold the
truth in four of five cases: by the residuals that the ledger has seen of this model and input mode, else by the wide PRIOR. `at_most` is no
interval but a bound, for budgets.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from .encoding import encoding_name, vocabulary
from .images import Detail, page_image_tokens

if TYPE_CHECKING:
    from ..pdf import Reading

Confidence = Literal["high", "medium", "low"]
MODES: Final = ("text", "file-low", "file-high")
# What stands around a document in the user message: role, file name, page count, fence. A file name has 255 bytes at most.
FRAME_TOKENS: Final = 30
FRAME_TOKENS_AT_MOST: Final = 300
PAGE_TEXT_TOKENS: Final = 450  # when the text was not read: the median of business documents
PAGE_TEXT_TOKENS_AT_MOST: Final = 6000
PAGE_BYTES: Final = 60_000  # the middle of real business PDFs, which lie between 5,000 and 600,000 bytes a page
USUAL_PAGES: Final = 2
# An estimate that nothing was seen of yet: the part that is not counted may be as many times less or more.
PRIOR: Final[dict[Confidence, float]] = {"high": 3.0, "medium": 4.0, "low": 10.0}


@dataclass(frozen=True, slots=True)
class Learned:
    """What the ledger has seen of a model in an input mode: tokens a unit by which answers differed from the rules, middle and 80 % of them.

    The unit is a page where pages are sent as images, else the document. It holds for estimates of one confidence: where texts are not counted, it
    holds what a page's text has, too.
    """

    documents: int
    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Input tokens of a document's own part: expected, between what in four of five cases, and at most.

    `by_rules` is what the published rules alone give; page_count and text_tokens are None where they could not be read.
    """

    tokens: int
    low: int
    high: int
    at_most: int
    confidence: Confidence = "high"
    by_rules: int = 0
    input_mode: str = "text"
    page_count: int | None = None
    text_tokens: int | None = None


def estimate_document(
    input_mode: str, page_count: int, text_tokens: int | None, model: str = "", *, confidence: Confidence = "high", learned: Learned | None = None
) -> Estimate:
    """Input tokens of a document beyond the static prefix: in mode text its counted tokens, else the text plus an image of every page.

    `text_tokens` None means that the text was not read.
    """
    if text_tokens is None and confidence == "high":
        confidence = "medium"
    text = page_count * PAGE_TEXT_TOKENS if text_tokens is None else text_tokens
    if input_mode == "text":
        images, images_at_most, text_at_most = 0, 0, text if text_tokens is not None else page_count * PAGE_TEXT_TOKENS_AT_MOST
        units = 1
    else:
        detail: Detail = "low" if input_mode == "file-low" else "high"
        image, image_at_most = page_image_tokens(model, detail)
        images, images_at_most = page_count * image, page_count * image_at_most
        text_at_most = page_count * PAGE_TEXT_TOKENS_AT_MOST if text_tokens is None else text_tokens * 2 + 200
        units = page_count
    rules = text + images + FRAME_TOKENS
    if learned is not None and confidence != "low":
        tokens, low, high = (max(0, rules + round(units * each)) for each in (learned.middle, learned.low, learned.high))
    else:
        guessed = images + FRAME_TOKENS + (text if text_tokens is None else 0)
        tokens, times = rules, PRIOR[confidence]
        low, high = rules - guessed + int(guessed / times), rules - guessed + int(guessed * times)
    at_most = text_at_most + images_at_most + FRAME_TOKENS_AT_MOST
    if learned is None:
        high = min(high, at_most)
    known_pages = None if confidence == "low" else page_count
    return Estimate(tokens, low, high, max(at_most, high), confidence, rules, input_mode, known_pages, text_tokens)


def estimate_reading(reading: "Reading", model: str, input_mode: str, *, learned: Learned | None = None) -> Estimate:
    """The estimate of a PDF as the guarded reader found it."""
    if reading.page_count is not None and reading.text_tokens is not None:
        return estimate_document(input_mode, reading.page_count, reading.text_tokens, model, learned=learned)
    return estimate_size(reading.size_bytes, model, input_mode)


def estimate_size(size_bytes: int | None, model: str, input_mode: str) -> Estimate:
    """The estimate of a PDF that was not opened, by its size; of nothing but the fact that there is one, without it."""
    pages = USUAL_PAGES if size_bytes is None else max(1, round(size_bytes / PAGE_BYTES))
    return estimate_document(input_mode, pages, None, model, confidence="low" if size_bytes is None else "medium")


def estimate_pdfs(paths: Iterable[Path | str], model: str, input_mode: str = "file-high", *, learned: Learned | None = None) -> list[Estimate]:
    """The estimates of many PDFs, in their order. A file that cannot be read is estimated by its size, or as a usual one: none raises.

    >>> [each.confidence for each in estimate_pdfs(["/there/is/none.pdf"], "gpt-6-luna")]
    ['low']
    """
    from ..pdf import Limits, read_all  # half a second of imports that most runs that count do without

    encoding, _ = encoding_name(model)
    readings = read_all(((path, None) for path in paths), Limits(), encoding=encoding, vocabulary=str(vocabulary()))
    return [estimate_reading(reading, model, input_mode, learned=learned) for reading in readings]


def estimate_pdf(path: Path | str, model: str, input_mode: str = "file-high", *, learned: Learned | None = None) -> Estimate:
    """The estimate of one PDF; see estimate_pdfs."""
    return estimate_pdfs([path], model, input_mode, learned=learned)[0]


def estimate_folder(folder: Path | str, model: str, input_mode: str = "file-high", *, learned: Learned | None = None) -> dict[str, Estimate]:
    """The estimate of every PDF below a folder, by its path."""
    from ..look import walk

    paths = [path for path, _ in walk(str(folder))]
    return dict(zip(paths, estimate_pdfs(paths, model, input_mode, learned=learned), strict=True))


def estimate_base64(data: str | bytes, model: str, input_mode: str = "file-high", *, learned: Learned | None = None) -> Estimate:
    """The estimate of a PDF given in base64, with or without its `data:` address. What is no base64 is estimated as a usual document."""
    text = data if isinstance(data, str) else data.decode("ascii", "replace")
    try:
        content = base64.b64decode(text.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        return estimate_size(None, model, input_mode)
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(suffix=".pdf") as file:
        file.write(content)
        file.flush()
        found = estimate_pdf(file.name, model, input_mode, learned=learned)
    return found if found.confidence == "high" or b"%PDF-" in content[:1024] else estimate_size(None, model, input_mode)
