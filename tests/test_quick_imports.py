"""What is left out while notebooks and figures are imported, and that nothing else is."""

import importlib.util
import subprocess
import sys

import pytest

from autod_lib.quick_imports import GRAMMAR


@pytest.mark.parametrize("module", ["autod_lib.charts", "autod_lib.runs"])
def test_figures_and_runs_come_without_the_grammar_which_stays_there_for_others(module: str) -> None:
    """jsonschema is there and checks, its grammar of addresses is not, and whoever wants that package can import it afterwards."""
    text = f"""
import importlib.util, sys
import {module}
from autod_lib.quick_imports import GRAMMAR, without_grammar
with without_grammar():
    import jsonschema
jsonschema.validate([1], {{"type": "array"}})
print(GRAMMAR in sys.modules, importlib.util.find_spec(GRAMMAR) is not None)
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", str(importlib.util.find_spec(GRAMMAR) is not None)]
