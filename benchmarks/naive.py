"""The command `autod` with the schema that the SDK makes of the record, as `responses.parse` in a careful person's own script sends it.

Titles, docstrings, references and `anyOf` with null are in it, twice the tokens of autoD's own for the same 22 fields; bounds that strict mode
refuses are not. Everything else is autoD, so that one ledger counts both. For benchmarks/bill.py alone.
"""

from typing import Any

from openai.lib._pydantic import to_strict_json_schema

from autod_lib import document, ingest, prompt
from autod_lib.cli import app

REFUSED = {"maxLength", "minLength"}


def accepted(part: Any) -> Any:
    """A schema without the keywords that strict mode refuses."""
    if isinstance(part, dict):
        return {name: accepted(value) for name, value in part.items() if name not in REFUSED}
    return [accepted(value) for value in part] if isinstance(part, list) else part


def schema_of_the_sdk(profile: str = document.ALL) -> dict[str, Any]:
    """The strict JSON schema of the whole record as the SDK makes it."""
    return SCHEMA


SCHEMA = accepted(to_strict_json_schema(document.Record))
for module in (prompt, ingest):
    module.record_schema = schema_of_the_sdk  # type: ignore[attr-defined]

if __name__ == "__main__":
    app()
