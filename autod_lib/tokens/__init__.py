"""Counting tokens before a call: exact for text, an estimate with its interval and a bound for images and files.

Usable on its own, from a notebook say: `count` a text, `count_request` a body of either API, `estimate_pdf`, `estimate_base64` or `estimate_folder`
what is to be sent, `compare_all` estimates with what was billed. Needs no network and no key. Knows no prices. Called by prompt.py, ingest.py and
estimate.py.
"""

from .documents import (
    MODES,
    Estimate,
    Learned,
    estimate_base64,
    estimate_document,
    estimate_folder,
    estimate_pdf,
    estimate_pdfs,
    estimate_reading,
    estimate_size,
)
from .encoding import count, encoding_for, encoding_name, vocabulary
from .images import image_size, page_image_tokens, rule_for
from .requests import MESSAGE_TOKENS, RequestCount, api_of, count_request, count_requests
from .validation import Comparison, Summary, compare, compare_all

__all__ = [
    "MESSAGE_TOKENS",
    "MODES",
    "Comparison",
    "Estimate",
    "Learned",
    "RequestCount",
    "Summary",
    "api_of",
    "compare",
    "compare_all",
    "count",
    "count_request",
    "count_requests",
    "encoding_for",
    "encoding_name",
    "estimate_base64",
    "estimate_document",
    "estimate_folder",
    "estimate_pdf",
    "estimate_pdfs",
    "estimate_reading",
    "estimate_size",
    "image_size",
    "page_image_tokens",
    "rule_for",
    "vocabulary",
]
