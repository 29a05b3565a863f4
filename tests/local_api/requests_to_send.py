"""Requests and PDFs that the tests of the loopback API send."""

import base64
from io import BytesIO
from typing import Any

from reportlab.pdfgen.canvas import Canvas

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "doc_type": {
            "type": "string",
            "enum": ["Invoice", "Receipt", "Contract", "Letter", "Report", "Form", "BankStatement", "Certificate", "Other"],
        },
        "issuer": {"type": ["string", "null"]},
        "total_amount": {"type": ["number", "null"]},
        "confidence_score": {"type": "number", "minimum": 0, "maximum": 1},
        "summary": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["doc_type", "issuer", "total_amount", "confidence_score", "summary", "tags"],
    "additionalProperties": False,
}
RULES_OF_READING = "Read the document and describe it in one record, exactly and without inventing anything. " * 100


def pdf(*pages: str) -> bytes:
    """A PDF with one line a page."""
    made = BytesIO()
    canvas = Canvas(made, pagesize=(595, 842), invariant=True)
    for page in pages:
        canvas.drawString(72, 700, page)
        canvas.showPage()
    canvas.save()
    return made.getvalue()


def data_url(content: bytes) -> str:
    """A file as the API takes it in a body."""
    return "data:application/pdf;base64," + base64.b64encode(content).decode()


def file_part(content: bytes, name: str = "a.pdf", **further: Any) -> dict[str, Any]:
    """A content part that is a file."""
    return {"type": "input_file", "filename": name, "file_data": data_url(content), **further}


def text_part(text: str, **further: Any) -> dict[str, Any]:
    """A content part that is text."""
    return {"type": "input_text", "text": text, **further}


def body(*parts: dict[str, Any], model: str = "gpt-6-luna", system: dict[str, Any] | None = None, **further: Any) -> dict[str, Any]:
    """A request for a record; `parts` are the user's."""
    return {
        "model": model,
        "store": False,
        "input": [
            {"role": "system", "content": [system or text_part(RULES_OF_READING)]},
            {"role": "user", "content": list(parts) or [text_part("file_name: a.pdf\n<document>\nInvoice 7\n</document>")]},
        ],
        "text": {"format": {"type": "json_schema", "name": "record", "strict": True, "schema": SCHEMA}},
        **further,
    }


def with_breakpoint(text: str = RULES_OF_READING, **further: Any) -> dict[str, Any]:
    """A text part that ends a reusable prefix."""
    return text_part(text, prompt_cache_breakpoint={"mode": "explicit", **further})
