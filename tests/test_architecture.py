"""The order of the modules, checked by machine: imports point downward, and nothing lies about unused."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[1]
LIBRARY = PROJECT / "autod_lib"
# Lowest first: this list is the architecture.
ORDER = """errors quick_imports price_file prices settings logs document telemetry journal alerts workspace look pdf_objects pdf_worker pdf page_image
    tokens cache prompt store report glance budget breaker rate answers api remote resources invoice reconcile forecast baseline ingest
    batch progress estimate show doctor init measures metrics price_tags page document_page charts words advise labels intervals evaluate
    review review_desk drift comparison policies experiments bought chain rendering runs backup purge export library cli""".split()  # noqa: SIM905
# Packages whose types their owner's own interface gives and takes.
COMES_WITH = {
    "httpx2": "openai",
    "aiohttp": "openai",
    "ipython": "jupyterlab",
    "nbformat": "nbconvert",
    "nbclient": "nbconvert",
    "traitlets": "nbconvert",
    "opentelemetry": "opentelemetry-sdk",  # by this name where the extra is not installed
}
HEAVY = ["duckdb", "polars", "openai", "pydantic", "papermill", "altair", "tiktoken", "pypdf", "jupyterlab", "nbconvert", "uvicorn"]


@lru_cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _files(module: str) -> list[Path]:
    """The file of a module, or all files of a package."""
    return sorted((LIBRARY / module).glob("*.py")) or [LIBRARY / f"{module}.py"]


def _siblings(path: Path) -> Iterator[str]:
    """Every module of the library that a module imports, at its top or inside a function; types alone count too."""
    level = len(path.relative_to(LIBRARY).parts)
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and node.level == level:
            names = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
            yield from (name for name in names if (LIBRARY / f"{name}.py").exists() or (LIBRARY / name).is_dir())


def _modules() -> list[str]:
    found = {path.parent.name if path.stem == "__init__" else path.stem for path in (*LIBRARY.glob("*.py"), *LIBRARY.glob("*/__init__.py"))}
    return sorted(found - {LIBRARY.name, "local_api"})


def _scripts() -> list[Path]:
    return [path for path in LIBRARY.rglob("*.py") if "vocab" not in path.parts]


def test_every_module_has_its_place_in_the_order() -> None:
    """Who adds a module says where it stands, and who removes one says so too."""
    assert sorted(ORDER) == _modules()


@pytest.mark.parametrize("module", ORDER)
def test_imports_point_downward(module: str) -> None:
    """A module imports only those before it in ORDER, even lazily; the loopback API is a package beside them, used by those that a person calls."""
    allowed = set(ORDER[: ORDER.index(module)])
    if module in ("cli", "library"):
        allowed.add("local_api")
    assert {name for path in _files(module) for name in _siblings(path)} <= allowed


def test_the_loopback_api_knows_nothing_of_autod() -> None:
    """It speaks the provider's format, so that a fault of ours cannot hide in both: it imports nothing above its own folder."""
    for path in (LIBRARY / "local_api").rglob("*.py"):
        depth = len(path.relative_to(LIBRARY / "local_api").parts)
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= depth, path
                assert node.level or not (node.module or "").startswith("autod_lib"), path
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("autod_lib") for alias in node.names), path


def test_imports_inside_the_library_are_relative() -> None:
    """One glance shows what is ours."""
    for path in _scripts():
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert (node.module or "").split(".")[0] != "autod_lib", f"{path}:{node.lineno}"
            if isinstance(node, ast.Import):
                assert all(alias.name.split(".")[0] != "autod_lib" for alias in node.names), f"{path}:{node.lineno}"


def _from_notebooks() -> set[str]:
    found: set[str] = set()
    for path in (PROJECT / "notebooks").glob("*.ipynb"):
        text = path.read_text()
        for names in re.findall(r"from autod_lib import ([\w, ]+)", text):
            found |= {name.strip().split(" ")[0] for name in names.split(",")}
        found |= set(re.findall(r"from autod_lib\.(\w+)", text))
    return found


def test_every_module_is_reached_from_the_command_a_notebook_or_a_script() -> None:
    """What nobody reaches is not kept; a script has what `import autod_lib` gives."""
    reached, waiting = set(), ["cli", *_from_notebooks(), *_siblings(LIBRARY / "__init__.py")]
    while waiting:
        module = waiting.pop()
        if module in reached or module not in _modules():
            continue
        reached.add(module)
        waiting.extend(name for path in _files(module) for name in _siblings(path))
    reached |= {"pdf_worker", "pdf_objects"} if "pdf" in reached else set()  # started as a process by pdf.py
    assert reached == set(_modules())


def test_every_module_of_the_loopback_api_is_reached_from_its_server() -> None:
    """Nothing is kept there that the server does not use."""
    package = LIBRARY / "local_api"
    reached: set[Path] = set()
    waiting = [package / "__main__.py", package / "__init__.py"]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = path.parent
                for _ in range(node.level - 1):
                    base = base.parent
                base = base.joinpath(*node.module.split(".")) if node.module else base
                targets = [base.with_suffix(".py"), base / "__init__.py", *(base / f"{alias.name}.py" for alias in node.names)]
                waiting.extend(target for target in targets if target.exists())
    assert reached == set(package.rglob("*.py"))


@pytest.mark.parametrize("path", _scripts(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_every_module_says_what_it_decides(path: Path) -> None:
    """A reader knows from the first lines what to look for there; nothing is left to be done later."""
    assert ast.get_docstring(_tree(path)), path
    assert not re.search(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError", path.read_text()), path


def test_the_environment_is_that_of_the_project() -> None:
    """environment.yml installs what pyproject.toml names, and repeats none of it."""
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text())
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert environment["name"] == project["name"]
    assert environment["channels"] == ["conda-forge"]
    python, pip, packages = environment["dependencies"]
    assert re.sub(r"\s", "", python) in (f"python{project['requires-python']}", "python")
    assert pip == "pip"
    assert packages == {"pip": ["-e .[dev]"]}
    assert "dev" in project["optional-dependencies"]


def test_the_library_imports_nothing_that_is_not_declared() -> None:
    """Every third-party package it uses is in pyproject.toml by name, not by the grace of another."""
    from importlib.metadata import packages_distributions

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["otel"]]
    declared = {re.split(r"[\[<>=; ]", line)[0].lower().replace("_", "-") for line in lines}
    owners = packages_distributions()
    undeclared = set()
    for path in _scripts():
        for node in ast.walk(_tree(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"__main__"}:
                packages = {owner.lower().replace("_", "-") for owner in owners.get(name, [name])}
                if not packages & declared and not {COMES_WITH.get(package) for package in packages} & declared:
                    undeclared.add(name)
    assert undeclared == set()


def test_the_help_of_the_command_is_quick() -> None:
    """`autod --help` loads none of the packages that take most of a second each."""
    source = f"""
import sys
sys.argv = ["autod", "--help"]
from autod_lib.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", [name for name in {HEAVY} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded: []"
    assert "ingest" in done.stdout


def test_the_library_is_loaded_when_it_is_used() -> None:
    """`import autod_lib` alone brings none of its own modules; a name that there is not is said to be none, as in any module."""
    source = """
import sys, autod_lib
print([name for name in sys.modules if name.startswith("autod_lib.")])
try:
    autod_lib.nothing
except AttributeError as error:
    print(error)
from autod_lib import metrics, documents
print(metrics.__name__, documents.__module__, "documents" in dir(autod_lib))"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == ["[]", "module 'autod_lib' has no attribute 'nothing'", "autod_lib.metrics autod_lib.library True"], (
        done.stderr
    )


def test_no_stable_name_is_that_of_a_module() -> None:
    """Else it would be the one or the other, whichever was imported last; and what types see is what there is."""
    import autod_lib

    names = set(autod_lib.__all__) - {"__version__"}
    seen = {
        alias.name for node in ast.walk(_tree(LIBRARY / "__init__.py")) if isinstance(node, ast.ImportFrom) and node.level for alias in node.names
    }
    assert names == seen
    assert not names & {path.stem for path in LIBRARY.iterdir()}
    assert all(getattr(autod_lib, name).__doc__ for name in names)


def test_every_error_ends_the_command_with_the_status_its_table_names() -> None:
    """The tree at the top of errors.py is the reference, and it holds."""
    from autod_lib import errors

    named = dict(re.findall(r"[├└]── (\w+) .*exit (\d+)$", errors.__doc__ or "", re.MULTILINE))
    classes = {name: each for name, each in vars(errors).items() if isinstance(each, type)}
    assert named == {name: str(each.exit_status) for name, each in classes.items() if name != "AutodError"}
    assert all(issubclass(each, errors.AutodError) and each.__doc__ for each in classes.values())
