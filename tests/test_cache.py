"""How the prompt cache is asked for: what a model's name tells, in one place."""

import doctest

import pytest

from autod_lib import cache
from autod_lib.cache import cache_key, family, policy_for, takes_reasoning
from autod_lib.local_api.models import LISTED, model_named


@pytest.mark.parametrize(
    ("model", "version", "policy", "reasons"),
    [
        ("gpt-4o", (4, 0), "automatic", False),
        ("gpt-4.1-mini", (4, 1), "automatic", False),
        ("gpt-5", (5, 0), "automatic", True),
        ("gpt-5-mini-2025-08-07", (5, 0), "automatic", True),
        ("gpt-5.5", (5, 5), "automatic", True),
        ("gpt-5.6-luna", (5, 6), "explicit", True),
        ("gpt-5.10", (5, 10), "explicit", True),
        ("gpt-6-luna", (6, 0), "explicit", True),
        ("gpt-6.1-terra", (6, 1), "explicit", True),
        ("o3", (5, 0), "automatic", True),
        ("o4-mini", (5, 0), "automatic", True),
        ("ft:gpt-4.1-mini:acme::abc", (4, 1), "automatic", False),
        ("gpt-5-chat-latest", (5, 0), "automatic", False),
        ("llama-3", None, "automatic", False),
        ("", None, "automatic", False),
    ],
)
def test_a_model_is_asked_as_its_family_wants(model: str, version: tuple[int, int] | None, policy: str, reasons: bool) -> None:
    """Breakpoints are refused before gpt-5.6, and cost money to leave out from then on."""
    assert (family(model), policy_for(model), takes_reasoning(model)) == (version, policy, reasons)


@pytest.mark.parametrize("name", LISTED)
def test_the_loopback_api_reads_the_names_in_the_same_way(name: str) -> None:
    """Two independent readings of the same documents agree for every model it lists."""
    model = model_named(name)
    assert model is not None
    assert (policy_for(name) == "explicit") is model.has_breakpoints
    assert takes_reasoning(name) is model.reasons


def test_documents_of_one_prompt_and_model_meet_under_one_key() -> None:
    """Another prompt or model has another key, and no key is longer than the API takes."""
    assert cache_key("a1", "gpt-6-luna") == cache_key("a1", "gpt-6-luna")
    assert len({cache_key("a1", "gpt-6-luna"), cache_key("b2", "gpt-6-luna"), cache_key("a1", "gpt-6-sol")}) == 3
    long = "ft:gpt-4.1-mini:" + "organisation" * 8
    assert len(cache_key("a1b2c3d4e5f6", long)) <= 64
    assert cache_key("a1b2c3d4e5f6", long) != cache_key("000000000000", long)


def test_the_examples_in_the_module_hold() -> None:
    """Documentation that is run."""
    assert doctest.testmod(cache) == doctest.TestResults(failed=0, attempted=1)
