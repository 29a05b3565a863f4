"""Images: the examples of the provider's guide, and sizes read from the first bytes of a file."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autod_lib.tokens import image_size, page_image_tokens, rule_for
from autod_lib.tokens.images import Detail, Patches

# Model, width, height, detail, tokens: guide on images and vision, "Calculating costs"; the last five by its rule for gpt-5.4 and later.
PUBLISHED: list[tuple[str, int, int, Detail, int]] = [
    ("gpt-4o", 1024, 1024, "high", 765),
    ("gpt-4o", 2048, 4096, "high", 1105),
    ("gpt-4.1", 4096, 8192, "low", 85),
    ("gpt-4o-mini", 1024, 1024, "high", 2833 + 4 * 5667),
    ("o3", 1024, 1024, "high", 75 + 4 * 150),
    ("gpt-5", 1024, 1024, "high", 70 + 4 * 140),
    ("gpt-5-mini", 1024, 1024, "high", 1659),  # 1,024 patches × 1.62, rounded up
    ("gpt-4.1-nano", 1800, 2400, "high", 3572),  # 1,452 patches × 2.46
    ("o4-mini", 1800, 2400, "low", 2498),  # low detail makes no difference
    ("gpt-6-luna", 640, 480, "high", 360),
    ("gpt-6-luna", 640, 480, "low", 231),
    ("gpt-5.6-luna", 1280, 720, "high", 1104),
    ("gpt-5.4", 1600, 1600, "high", 3000),
    ("gpt-5.4", 3200, 960, "original", 3600),
]


@pytest.mark.parametrize(("model", "width", "height", "detail", "tokens"), PUBLISHED)
def test_images_are_counted_as_published(model: str, width: int, height: int, detail: Detail, tokens: int) -> None:
    """By the rule of the model's family, of which nothing was assumed."""
    rule = rule_for(model)
    assert (rule.tokens(width, height, detail), rule.is_assumed) == (tokens, False)


def test_patches_are_shrunk_to_their_budget_as_in_the_guide() -> None:
    """1,800 by 2,400 pixels become 1,056 by 1,408, which are 33 by 44 patches."""
    assert Patches(1536, 1.0).tokens(1800, 2400, "high") == 33 * 44


@given(
    st.sampled_from(["gpt-4o", "gpt-5-nano", "gpt-6-luna", "of-nobody"]),
    st.integers(1, 60_000),
    st.integers(1, 60_000),
    st.sampled_from(["auto", "low", "high", "original"]),
)
def test_no_image_costs_more_than_the_most(model: str, width: int, height: int, detail: Detail) -> None:
    """The bound of a budget holds for any size, a strip of one pixel too."""
    rule = rule_for(model)
    assert 1 <= rule.tokens(width, height, detail) <= rule.at_most(detail)


def test_a_model_that_the_guide_does_not_name_is_said_to_be_assumed() -> None:
    """It is counted as the newest models are."""
    assert rule_for("of-nobody").is_assumed
    assert page_image_tokens("of-nobody", "high") == page_image_tokens("gpt-6-luna", "high")


@pytest.mark.parametrize("form", ["PNG", "GIF", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(1, 1), (640, 480), (3000, 17)])
def test_the_size_of_an_image_is_read_from_its_first_bytes(form: str, size: tuple[int, int]) -> None:
    """In every format that the API takes."""
    file = BytesIO()
    Image.new("RGB", size).save(file, form)
    assert image_size(file.getvalue()[:4096]) == size


def test_a_webp_without_loss_or_with_transparency_has_its_size_too() -> None:
    """Both have a header of their own."""
    for options, mode in (({"lossless": True}, "RGB"), ({"lossless": True, "exact": True}, "RGBA"), ({"quality": 50}, "RGBA")):
        file = BytesIO()
        Image.new(mode, (123, 45), 77).save(file, "WEBP", **options)
        assert image_size(file.getvalue()) == (123, 45)


@given(st.binary(max_size=40), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0", b"RIFF1234WEBPVP8X"]))
def test_anything_may_be_no_image(content: bytes, start: bytes) -> None:
    """A size is two positive numbers, or there is none; nothing raises."""
    found = image_size(start + content)
    assert found is None or min(found) > 0
