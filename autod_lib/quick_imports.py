"""Importing what notebooks and their figures are made of, without what nobody here asks of it.

jsonschema, which altair, nbformat and papermill check themselves with, compiles the grammar of internationalised addresses while it is imported,
where the package for it is installed: a second of processor time in every kernel and in every run of notebooks.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

GRAMMAR: Final = "rfc3987_syntax"


@contextmanager
def without_grammar() -> Iterator[None]:
    """Within it, a first import of jsonschema does without the formats `iri` and `iri-reference`."""
    if GRAMMAR in sys.modules or "jsonschema" in sys.modules:
        yield
        return
    modules: dict[str, Any] = sys.modules
    modules[GRAMMAR] = None  # what is None there cannot be imported
    try:
        yield
    finally:
        del modules[GRAMMAR]
