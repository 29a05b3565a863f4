"""Servers that the tests of the loopback API share: real processes, real HTTP."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest
import tiktoken
from openai import OpenAI

from autod_lib.local_api import running


@lru_cache(maxsize=32)
def client_of(address: str, key: str = "sk-test") -> OpenAI:
    """The real SDK, without its own retries; made once for an address, as making one takes 50 ms."""
    return OpenAI(base_url=address, api_key=key, max_retries=0, timeout=10)


@pytest.fixture(scope="package")
def canned() -> Iterator[str]:
    """A server that always gives the same record."""
    with running(answers="canned") as address:
        yield address


@pytest.fixture(scope="package")
def by_rules() -> Iterator[str]:
    """A server that reads what it is sent."""
    with running(answers="rules") as address:
        yield address


@pytest.fixture
def vocabulary(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tiktoken.Encoding]:
    """tiktoken itself, with the project's own vocabulary files."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(Path(__file__).resolve().parents[2] / "data" / "vocab"))
    return tiktoken.get_encoding


@pytest.fixture
def client(canned: str) -> OpenAI:
    """The SDK at the canned server."""
    return client_of(canned)
