"""Fails when a YAML or TOML file does not parse: `python -m tests.parses FILE…`."""

import sys
import tomllib
from pathlib import Path

import yaml

for name in sys.argv[1:]:
    text = Path(name).read_text()
    if name.endswith(".toml"):
        tomllib.loads(text)
    else:
        list(yaml.safe_load_all(text))
