"""The documentation of what holds when things fail names tests that exist, and is the one that the catalogue makes."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from .faults import FAULTS, Fault, table

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "docs" / "reliability.md"


@cache
def names(file: str) -> set[str]:
    """The functions of a module of tests."""
    nodes = ast.walk(ast.parse((HERE / f"test_{file}.py").read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.fault)
def test_every_fault_has_tests_that_exist(fault: Fault) -> None:
    """A renamed or deleted test leaves no promise behind."""
    assert fault.tests
    for test in fault.tests:
        file, name = test.split("::")
        assert f"test_{name}" in names(file), test


def test_the_documentation_holds_the_catalogue_as_it_is() -> None:
    """`python benchmarks/reliability.py --catalogue` writes it."""
    (written,) = re.findall(r"<!-- catalogue -->\n(.*?)<!-- end of the catalogue -->", DOCUMENT.read_text(), re.DOTALL)
    assert written == table()
