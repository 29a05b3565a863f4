"""Counting the tokens of a text: exactly what tiktoken counts, without a network."""

import hashlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from autod_lib.tokens import count, encoding_for

VOCABULARY = Path(__file__).resolve().parents[2] / "data" / "vocab"
TEXTS = ["", "Invoice 4711, total 120.00 EUR", "Übergröße: 12 €\f\n\n", "請求書番号 30977", "<|endoftext|> is plain text here", "a" * 500, "🧾" * 20]


@pytest.fixture(scope="module")
def o200k() -> tiktoken.Encoding:
    """tiktoken's own encoding, with the project's files."""
    encoding_for("gpt-5")
    return tiktoken.get_encoding("o200k_base")


@pytest.mark.parametrize("text", TEXTS)
def test_a_count_is_that_of_tiktoken(text: str, o200k: tiktoken.Encoding) -> None:
    """Also for texts that look like control tokens: a document may say anything."""
    assert count(text, "gpt-5") == len(o200k.encode(text, disallowed_special=()))


@given(st.text(max_size=200))
def test_any_text_can_be_counted(text: str) -> None:
    """Nothing in a document makes counting fail."""
    assert count(text, "gpt-5") >= (1 if text else 0)


@pytest.mark.parametrize(
    ("model", "encoding", "assumed"),
    [
        ("gpt-4.1", "o200k_base", False),
        ("gpt-4o-mini", "o200k_base", False),
        ("gpt-5-mini", "o200k_base", False),
        ("o3", "o200k_base", False),
        ("gpt-4", "cl100k_base", False),
        ("gpt-3.5-turbo", "cl100k_base", False),
        ("gpt-99-terra", "o200k_base", True),
    ],
)
def test_the_encoding_is_the_one_tiktoken_names_and_an_assumed_one_is_said(model: str, encoding: str, assumed: bool) -> None:
    """There is no table of our own that could be out of date."""
    found, was_assumed = encoding_for(model)
    assert (found.name, was_assumed) == (encoding, assumed)
    try:
        named: str | None = tiktoken.encoding_name_for_model(model)
    except KeyError:
        named = None
    assert (named is None) is assumed


def test_the_vocabulary_files_are_those_that_were_checked() -> None:
    """Each has the hash that its README names, and the name tiktoken looks for."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w{64}) \|$", (VOCABULARY / "README.md").read_text(), re.MULTILINE)
    assert {row[1] for row in rows} == {"o200k_base", "cl100k_base"}
    assert {path.name for path in VOCABULARY.iterdir()} == {row[0] for row in rows} | {"README.md"}
    for name, encoding, digest in rows:
        assert hashlib.sha256((VOCABULARY / name).read_bytes()).hexdigest() == digest
        address = f"https://openaipublic.blob.core.windows.net/encodings/{encoding}.tiktoken"
        assert hashlib.sha1(address.encode()).hexdigest() == name


OFFLINE = """
import socket, sys
def refuse(*_, **__):
    raise SystemExit("the network was used")
socket.socket.connect = socket.getaddrinfo = refuse
from autod_lib.tokens import count
print(count("Invoice 4711", "gpt-5"), count("Invoice 4711", "gpt-4"), flush=True)
"""


@pytest.mark.parametrize("given_folder", ["", "/nowhere"])
def test_counting_needs_no_network_whatever_folder_is_set(start: Callable[..., subprocess.Popen[str]], given_folder: str) -> None:
    """A fresh process counts with the files that come with the project."""
    process = start(OFFLINE, first_line="", TIKTOKEN_CACHE_DIR=given_folder)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert output.split() == [str(count("Invoice 4711", "gpt-5")), str(count("Invoice 4711", "gpt-4"))]
