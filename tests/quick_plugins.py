"""Loaded before the plugins of pytest (see pyproject.toml): what nbmake is made of takes two seconds in each process without this."""

from autod_lib.quick_imports import without_grammar

with without_grammar():
    import nbformat  # noqa: F401
