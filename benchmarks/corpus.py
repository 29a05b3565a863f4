"""Text PDFs of two to three pages and about 78 kB, as many distinct ones as wanted; made once a folder."""

import io
import random
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

WORDS = ("invoice total amount due payment account customer service date order number tax net gross delivery contract period balance").split()  # noqa: SIM905


def _base(seed: int) -> bytes:
    draw = random.Random(seed)
    buffer = io.BytesIO()
    page = Canvas(buffer, pagesize=A4, invariant=1, pageCompression=1)
    for _ in range(2 + seed % 2):
        for line in range(48):
            page.drawString(50, 800 - 15 * line, " ".join(draw.choice(WORDS) for _ in range(11)))
        page.showPage()
    page.save()
    return buffer.getvalue()


def make(folder: Path, documents: int) -> Path:
    """Writes the documents that are missing; the padding of a PDF behind its end makes each distinct and of the usual size."""
    folder.mkdir(parents=True, exist_ok=True)
    bases = [_base(seed) for seed in range(20)]
    for number in range(documents):
        path = folder / f"document_{number:05}.pdf"
        if not path.exists():
            base = bases[number % len(bases)]
            padding = random.Random(number).randbytes(37_000).hex().encode()
            end = base.rindex(b"startxref")
            path.write_bytes(base[:end] + b"%" + padding[: 78_000 - len(base)] + b"\n" + base[end:])
    return folder
