"""PDFs: counted where they can be read, estimated by what is known where they cannot, never a failure."""

import base64
from pathlib import Path

import pytest

from autod_lib.tokens import Learned, count, estimate_base64, estimate_document, estimate_folder, estimate_pdf, estimate_size
from autod_lib.tokens.documents import FRAME_TOKENS, FRAME_TOKENS_AT_MOST, page_image_tokens

from ..pipeline import make_inbox, make_pdf


def test_a_text_is_estimated_exactly() -> None:
    """In mode text nothing is guessed but what frames it, however many pages there are."""
    guess = estimate_document("text", 3, 500)
    assert guess.tokens == estimate_document("text", 1, 500).tokens == 500 + FRAME_TOKENS
    assert guess.low < guess.tokens < guess.high
    assert guess.at_most == 500 + FRAME_TOKENS_AT_MOST


@pytest.mark.parametrize("model", ["gpt-6-luna", "gpt-4o", "gpt-5-mini"])
@pytest.mark.parametrize("mode", ["file-low", "file-high"])
@pytest.mark.parametrize("text_tokens", [None, 0, 5000])
def test_a_file_is_estimated_by_its_pages_with_room_above(model: str, mode: str, text_tokens: int | None) -> None:
    """Every page adds its image by the model's rule, and what was not read is not taken for nothing."""
    one, ten = (estimate_document(mode, pages, text_tokens, model) for pages in (1, 10))
    image, _ = page_image_tokens(model, "low" if mode == "file-low" else "high")
    assert ten.tokens - one.tokens >= 9 * image
    assert one.low < one.tokens < min(one.high, one.at_most)
    assert ten.tokens < ten.at_most
    assert estimate_document(mode, 1, None, model).tokens > estimate_document(mode, 1, 0, model).tokens


def test_a_pdf_that_is_read_is_estimated_with_high_confidence(tmp_path: Path) -> None:
    """By path and in base64 alike: pages and text are those of the file."""
    path = make_pdf(tmp_path / "a.pdf", "No. 1", pages=3)
    data = base64.b64encode(path.read_bytes()).decode()
    found = estimate_pdf(path, "gpt-6-luna", "text")

    assert (found.confidence, found.page_count) == ("high", 3)
    assert found.text_tokens is not None
    assert found.text_tokens > 3 * count("Alder & Finch Ltd, 4 Mill Lane, Larkhaven", "gpt-6-luna")
    for form in (data, data.encode(), f"data:application/pdf;base64,{data}"):
        assert estimate_base64(form, "gpt-6-luna", "text") == found


def test_a_damaged_pdf_is_estimated_by_its_size_with_medium_confidence(tmp_path: Path) -> None:
    """More bytes are more tokens, and the interval is wider than that of a file that was read."""
    whole, half = make_pdf(tmp_path / "a.pdf", "No. 1", pages=3), tmp_path / "half.pdf"
    half.write_bytes(whole.read_bytes()[:2000])
    read, guessed = estimate_pdf(whole, "gpt-6-luna"), estimate_pdf(half, "gpt-6-luna")

    assert guessed.confidence == "medium"
    assert guessed.text_tokens is None
    assert guessed.high / guessed.low > read.high / read.low
    assert estimate_size(6_000_000, "gpt-6-luna", "text").tokens > estimate_size(60_000, "gpt-6-luna", "text").tokens
    assert estimate_base64(base64.b64encode(half.read_bytes()), "gpt-6-luna").confidence == "medium"


@pytest.mark.parametrize("data", ["no base64!", "", base64.b64encode(b"plain text").decode()])
def test_what_is_no_pdf_is_a_usual_document_with_low_confidence(data: str, tmp_path: Path) -> None:
    """Nothing is known of it, and the interval says so; a path that is not there is the same."""
    found = estimate_base64(data, "gpt-6-luna")
    assert found.confidence == "low"
    assert found.page_count is None
    assert found.high > 50 * found.low
    assert found == estimate_pdf(tmp_path / "none.pdf", "gpt-6-luna")


def test_a_folder_is_estimated_file_by_file(tmp_path: Path) -> None:
    """Every PDF below it by its path, in the order of names."""
    make_inbox(tmp_path / "in" / "deeper", 2)
    make_pdf(tmp_path / "in" / "a.pdf", "first")
    found = estimate_folder(tmp_path / "in", "gpt-6-luna", "text")

    assert [Path(path).name for path in found] == ["a.pdf", "invoice-000.pdf", "invoice-001.pdf"]
    assert {each.confidence for each in found.values()} == {"high"}


def test_what_was_learned_moves_the_estimate_and_narrows_it() -> None:
    """A page's image that was billed at 150 tokens less is estimated so, for every page; the bound stays."""
    learned = Learned(documents=40, middle=-150.0, low=-160.0, high=-140.0)
    before, after = (estimate_document("file-low", 4, 1000, "gpt-6-luna", learned=each) for each in (None, learned))

    assert after.tokens == before.tokens - 4 * 150
    assert (after.low, after.high) == (before.tokens - 4 * 160, before.tokens - 4 * 140)
    assert (after.at_most, after.by_rules) == (before.at_most, before.tokens)
    unread = [estimate_document("file-low", 4, None, "gpt-6-luna", learned=each) for each in (None, learned)]
    assert (unread[1].confidence, unread[1].tokens) == ("medium", unread[0].tokens - 4 * 150)
