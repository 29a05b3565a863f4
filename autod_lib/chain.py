"""What `autod run` is to do: the steps of a chain, from a small TOML file or from names of notebooks, checked before anything starts.

Decided here: which notebooks there are, the form of a chain file, which parameter goes to which step with which type, and what is refused. Promised:
a chain that has a mistake anywhere starts nothing, and every mistake is named at once. A key is refused as a parameter, because parameters are
stored in the clear. Called by runs.py and the command `run`.
"""

import math
import os
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import SettingsError
from .quick_imports import without_grammar
from .settings import PROJECT

PATHS: Final = ("inbox", "labels", "home")  # parameters that hold a path, made absolute where they were written
SECRET_NAME: Final = re.compile(r"(key|secret|token|password)$", re.IGNORECASE)
SECRET_VALUE: Final = re.compile(r"\bsk-[\w-]{16,}")
NO_STEP: Final = ("run", "report", "lab", "local-api")  # commands that would start a run within a run, or never end
PLAIN_WORD: Final = re.compile(r"[a-z][a-z-]*")  # of a command's name, not of its options
YES: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
Value = bool | int | float | str | date


class Step(BaseModel):
    """One notebook, or one command of autoD; what a chain file does not give is that of the chain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    notebook: str = Field("", description="Notebook, by name or path.")
    command: str = Field("", description="A command of autoD with its options, such as `batch collect`.")
    name: str = Field(
        "",
        description="Name of the step and of its page; that of the notebook or command without it.",
        pattern=r"^([^/.\x00-\x1f][^/\x00-\x1f]*)?$",
        max_length=80,
    )
    parameters: dict[str, Value] = Field({}, description="Parameters of the notebook.")
    needs: tuple[str, ...] = Field((), description="Steps before it without which it makes no sense: it is skipped when one of them fails.")
    retries: int | None = Field(None, description="Further attempts when it fails of something that may pass.", ge=0, le=20)
    retry_wait_s: float | None = Field(None, description="Seconds between two attempts.", ge=0, le=86_400)
    cell_timeout_s: float | None = Field(None, description="Longest time of one cell, in seconds.", gt=0)
    timeout_s: float | None = Field(None, description="Longest time of the step, in seconds.", gt=0)


class Chain(BaseModel):
    """Steps in their order, and what holds for each that does not say otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("", description="Name of the chain; that of the file without it.", max_length=80)
    parameters: dict[str, Value] = Field({}, description="Parameters of every notebook that knows them.")
    retries: int = Field(0, description="Further attempts of a step that fails of something that may pass.", ge=0, le=20)
    retry_wait_s: float = Field(30.0, description="Seconds between two attempts.", ge=0, le=86_400)
    cell_timeout_s: float = Field(1800.0, description="Longest time of one cell, in seconds.", gt=0)
    timeout_s: float = Field(14_400.0, description="Longest time of a step, in seconds.", gt=0)
    step: tuple[Step, ...] = Field((), description="The steps, in their order.")


def folder() -> Path:
    """Where the notebooks are: in the checkout, or in the installed package."""
    checkout = PROJECT / "notebooks"
    return checkout if checkout.is_dir() else Path(__file__).resolve().parent / "notebooks"


def find_notebooks(names: Sequence[str], *, beside: Path | None = None) -> list[Path]:
    """Notebooks by name (`20_cost`), file name or path, from the folder `beside` where it is relative; all of them, in their order, without a name.

    Raises: SettingsError naming those there are.
    """
    there = sorted(folder().glob("[0-9]*.ipynb"))
    if not names:
        return there
    found = []
    for name in names:
        named = [path for path in there if name in (path.stem, path.name)]
        path = named[0] if named else (beside or Path()) / name
        if path.suffix != ".ipynb" or not path.is_file():
            raise SettingsError(f"There is no notebook {name!r}; there are {', '.join(path.stem for path in there)}.")
        found.append(path.absolute())
    return found


def chain_of(notebooks: Sequence[Path]) -> Chain:
    """These notebooks as a chain without a name."""
    return Chain.model_validate({"step": [{"notebook": str(path)} for path in notebooks]})


def read_chain(path: Path) -> Chain:
    """The chain of a TOML file; notebooks and paths in it are relative to its folder.

    Raises: SettingsError naming every mistake of its form.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        chain = Chain(**{"name": path.stem} | found)
    except OSError as error:
        raise SettingsError(f"The chain {str(path)!r} cannot be read ({error.strerror}); nothing was started.") from error
    except ValueError as error:  # of TOML, of its encoding, or of what stands in it
        listed = [_mistake(problem) for problem in error.errors()] if isinstance(error, ValidationError) else [str(error)]
        raise SettingsError(f"The chain {str(path)!r} is refused, nothing was started: {'; '.join(listed)}.") from error
    if not chain.step:
        raise SettingsError(f"The chain {str(path)!r} is refused, nothing was started: step: a chain has at least one step, a table [[step]].")
    beside = path.absolute().parent
    return chain.model_copy(
        update={
            "parameters": _from(beside, chain.parameters),
            "step": tuple(
                step.model_copy(
                    update={
                        "parameters": _from(beside, step.parameters),
                        "notebook": str(find_notebooks([step.notebook], beside=beside)[0]) if step.notebook else "",
                    }
                )
                for step in chain.step
            ),
        }
    )


def _mistake(problem: Mapping[str, Any]) -> str:
    place = ".".join(str(part + 1) if isinstance(part, int) else part for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        fields = Step.model_fields if problem["loc"][0] == "step" else Chain.model_fields
        return f"{place} is unknown; there are {', '.join(fields)}"
    return f"{place}: {problem['msg']}"


def _from(beside: Path, parameters: Mapping[str, Value]) -> dict[str, Value]:
    return {
        name: str(beside / Path(value).expanduser()) if name in PATHS and isinstance(value, str) and value else value
        for name, value in parameters.items()
    }


def resolved(chain: Chain, given: Mapping[str, str], *, refused: Callable[[list[str]], str] = lambda words: "") -> list[Step]:
    """The steps of a chain with every field filled in and every parameter of the type of its notebook's parameters cell.

    A parameter goes only to notebooks that know it: `given`, texts of the command line, before those of the step, before those of the chain.
    `refused` says why the command line would not take the words of a command; empty: it would.
    Raises: SettingsError with every mistake: an unknown or ill-typed parameter, what looks like a key, a step that needs none before it, a command or
    a notebook that there is not.
    """
    problems: list[str] = []
    known = _known_parameters(chain, problems)
    for name, value in [*given.items(), *chain.parameters.items(), *(item for step in chain.step for item in step.parameters.items())]:
        if SECRET_NAME.search(name) or SECRET_VALUE.search(str(value)):
            problems.append(f"The parameter {name!r} looks like a key; parameters are stored in the clear. Use OPENAI_API_KEY")
    everywhere = {name for parameters in known.values() for name in parameters}
    unknown = sorted({*given, *chain.parameters} - everywhere)
    if unknown and not problems:
        problems.append(f"No notebook of this run has the parameter {', '.join(unknown)}; there are {', '.join(sorted(everywhere)) or 'none'}")
    steps: list[Step] = []
    for step in chain.step:
        name = step.name or Path(step.notebook).stem or " ".join(takewhile(PLAIN_WORD.fullmatch, step.command.split()))
        before = {earlier.name for earlier in steps}
        if bool(step.notebook) == bool(step.command):
            problems.append(f"The step {name!r} must have either a notebook or a command")
        if name in before:
            problems.append(f"Two steps have the name {name!r}: give one of them another")
        problems += [f"The step {name!r} needs {need!r}, which is no step before it" for need in step.needs if need not in before]
        typed: dict[str, Value] = {}
        if step.command:
            problems += _wrong_command(name, step, refused)
        elif step.notebook in known:
            own = known[step.notebook]
            strange = sorted(set(step.parameters) - set(own))
            problems += [f"The step {name!r} has no parameter {', '.join(strange)}; there are {', '.join(own) or 'none'}"] if strange else []
            wanted = {**chain.parameters, **step.parameters, **given}
            for parameter in [each for each in own if each in wanted]:
                try:
                    typed[parameter] = _typed(parameter, wanted[parameter], own[parameter], is_text=parameter in given)
                except ValueError as error:
                    problems.append(str(error))
        filled = {
            field: getattr(chain, field) for field in ("retries", "retry_wait_s", "cell_timeout_s", "timeout_s") if getattr(step, field) is None
        }
        steps.append(step.model_copy(update={"name": name, "parameters": typed, **filled}))
    if problems:
        raise SettingsError(f"{'. '.join(dict.fromkeys(problems))}. Nothing was started.")
    return steps


def _known_parameters(chain: Chain, problems: list[str]) -> dict[str, dict[str, Any]]:
    with without_grammar():
        import papermill

    known = {}
    for path in dict.fromkeys(step.notebook for step in chain.step if step.notebook):
        try:
            known[path] = papermill.inspect_notebook(path)
        except Exception as error:  # of any kind: the file is whatever somebody named
            problems.append(f"{path!r} cannot be read as a notebook ({type(error).__name__}: {str(error)[:200]})")
    return known


def _wrong_command(name: str, step: Step, refused: Callable[[list[str]], str]) -> list[str]:
    words = shlex.split(step.command)
    if SECRET_VALUE.search(step.command):
        return [f"The step {name!r} holds what looks like a key; steps are stored in the clear. Use OPENAI_API_KEY"]
    if not words or words[0] in NO_STEP:
        return [f"The step {name!r} cannot be the command {step.command!r}"]
    if step.parameters:
        return [f"The step {name!r} is a command: it takes options, not parameters"]
    reason = refused(words)
    return [f"The step {name!r} is no command of autoD ({step.command!r}: {reason.rstrip('.')})"] if reason else []


def _typed(name: str, value: Value, parameter: Mapping[str, Any], *, is_text: bool) -> Value:
    """A value with the type of its parameter: a text of the command line is read as one, a value of a file has to be of it."""
    kind = parameter["inferred_type_name"]
    wrong = ValueError(f"The parameter {name}={value!r} must be of type {kind}. {parameter['help'].rstrip('.')}")
    if is_text and isinstance(value, str) and kind in ("bool", "int", "float"):
        try:
            value = YES[value.lower()] if kind == "bool" else int(value) if kind == "int" else float(value)
        except (KeyError, ValueError):
            raise wrong from None
    if isinstance(value, date):
        value = value.isoformat()
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if (type(value).__name__ != kind and kind in ("bool", "int", "float", "str")) or (isinstance(value, float) and not math.isfinite(value)):
        raise wrong
    return os.path.abspath(os.path.expanduser(value)) if name in PATHS and isinstance(value, str) and value else value
