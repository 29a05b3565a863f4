"""What a script or a notebook of one's own asks of autoD: a few functions, without a connection or a `with`, polars frames out.

Decided here: that each call stands alone: it opens the workspace, works and closes it, so that a notebook left open blocks no run. Each does its work
by the module that the command uses; nothing is worked out here. They work in a plain script and where a loop is running already, as in Jupyter.
`import autod_lib` gives those that are stable. Their names are words that no module has: an attribute `ingest` would be the function or the module,
whichever was imported last.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .errors import SettingsError
from .settings import Settings, load_settings

if TYPE_CHECKING:
    import polars as pl

    from .estimate import Estimate
    from .labels import ImportReport
    from .page import Html
    from .report import Report
    from .show import Description

Paths = str | Path | Iterable[str | Path]


@contextmanager
def simulated(settings: Settings) -> Iterator[Settings]:
    """These settings with a simulated API of this machine, which is there inside: no key, no cost."""
    from . import local_api

    with suppress(OSError):  # what the folder lacks is told by whoever writes into it
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with local_api.running(log=settings.home / "local_api.jsonl" if settings.home.is_dir() else None) as address:
        yield Settings.model_validate(settings.model_dump() | {"base_url": address, "api_key": "local", "admin_key": "sk-admin-local"})


def read_documents(
    paths: Paths,
    *,
    settings: Settings | None = None,
    local: bool = False,
    max_usd: float | Decimal | None = None,
    limit: int | None = None,
    retry_failed: bool = False,
) -> "Report":
    """Reads every PDF under the paths that the workspace does not know, as `autod ingest` does, and returns what happened.

    It pays, within `max_usd` and the budgets of the settings; what is known already costs nothing. `local` asks a simulated API of this machine,
    free of charge. The report's `sentences()` are for a person, its `check()` raises what stopped the run.
    Raises: SettingsError, MissingKey, WorkspaceBusy, WorkspaceUnusable before anything is sent; what stops it later is in the report.

    >>> report = autod_lib.read_documents("papers", local=True, max_usd=1)
    >>> report.documents, report.failed, report.simulated
    (4, 0, True)
    """
    from .ingest import ingest
    from .report import options

    asked = options(max_usd=None if max_usd is None else float(max_usd), limit=limit, retry_failed=retry_failed)
    with _reached(settings, local) as reached:
        return ingest(_paths(paths), reached, asked)


def price_documents(
    paths: Paths, *, settings: Settings | None = None, local: bool = False, models: Sequence[str] = (), limit: int | None = None, exact: bool = False
) -> "Estimate":
    """What reading the paths would cost, as `autod estimate` says it, beside other input modes, tiers and `models`; nothing is spent.

    `chosen` is what `read_documents` would do, `rows()` every way, for a frame. With `exact` the API counts the tokens: it gets the documents.
    Raises: SettingsError for a path that is not there; with `exact` MissingKey, ApiRefused, ApiUnavailable too.

    >>> priced = autod_lib.price_documents("papers", local=True)
    >>> priced.chosen.low_usd <= priced.chosen.expected_usd <= priced.chosen.upper_usd
    True
    """
    from .estimate import estimate
    from .report import options

    with _reached(settings, local) as reached:
        return estimate(_paths(paths), reached, options=options(limit=limit), models=models, exact=exact)


def import_labels(file: str | Path, *, labeller: str = "", settings: Settings | None = None) -> "ImportReport":
    """Takes gold labels from a CSV, Parquet or JSON file with `file` or `sha256` and fields of the record; the same labels again add nothing.

    Raises: SettingsError for a file that cannot be read as such, WorkspaceBusy, WorkspaceUnusable.

    >>> autod_lib.import_labels("labels.csv", labeller="me").added  # the same labels again
    0
    """
    from .labels import import_labels as take

    return take(_settings(settings).home, Path(file), labeller=labeller)


def documents(*, settings: Settings | None = None, limit: int | None = None) -> "pl.DataFrame":
    """Every document that is not deleted, last read first: identity, the 22 fields, status, cost; the columns of the view `documents`.

    >>> autod_lib.documents().select("file_name", "doc_type", "total_amount", "currency").height
    4
    """
    from . import metrics

    return _frame(settings, metrics.documents, limit=limit)


def calls(*, settings: Settings | None = None, limit: int | None = None) -> "pl.DataFrame":
    """The ledger: every call of the API that was made, newest first, with tokens, cost and how it ended; the columns of the view `api_calls`.

    >>> set(autod_lib.calls()["status"])
    {'answered'}
    """
    from . import metrics

    return _frame(settings, metrics.api_calls, limit=limit)


def costs(
    by: Literal["day", "model", "document", "run", "price", "arm", "doc_type", "pages"] = "day", *, settings: Settings | None = None
) -> "pl.DataFrame":
    """What the API cost, by what is asked for: the rows of the view `cost_by_…`, `cost_usd` as Decimal, null where nobody knows the price.

    Real and simulated money are in rows of their own (`is_simulated`), and whatever is not settled stands beside it (`unsettled_upper_usd`).
    Raises: SettingsError for anything else.

    >>> autod_lib.costs(by="model").select("model", "is_simulated", "calls")["calls"].sum() == autod_lib.calls().height
    True
    """
    from . import metrics

    ways = {
        "day": metrics.cost_by_day,
        "model": metrics.cost_by_model,
        "document": metrics.cost_by_document,
        "run": metrics.cost_by_run,
        "price": metrics.cost_by_price,
        "arm": metrics.cost_by_arm,
        "doc_type": metrics.cost_by_doc_type,
        "pages": metrics.cost_by_pages,
    }
    if by not in ways:
        raise SettingsError(f"There are no costs by {by!r}; there are those by {', '.join(ways)}.")
    return _frame(settings, ways[by])


def accuracy(*, settings: Settings | None = None) -> "pl.DataFrame":
    """How often each field is right on the labelled documents, by arm, with 95 % intervals; the columns of the view `accuracy_by_field`.

    No rows before `import_labels`. The field `(all)` is every labelled field together.

    >>> autod_lib.accuracy().filter(field="(all)")["labelled"].sum() > 0
    True
    """
    from . import metrics

    return _frame(settings, metrics.accuracy_by_field)


def find_document(name: str | Path, *, settings: Settings | None = None) -> "Description":
    """One document by its file or the beginning of its SHA-256: `document` (its row), `paths`, `calls` and `batches`; `sentences()` for a person.

    Raises: SettingsError when none fits, or several.

    >>> found = autod_lib.find_document("papers/invoice_kestrel_0112.pdf")
    >>> found.document["doc_type"], len(found.calls)
    ('Invoice', 1)
    """
    from . import store
    from .show import describe

    with store.reading(_settings(settings).home) as con:
        return describe(con, str(name))


def show_document(name: str | Path, *, images: int = 1, settings: Settings | None = None) -> "Html":
    """One document's page, for a notebook: its first `images` pages beside what was answered and labelled, every call, label and alert about it.

    By its file name or the beginning of its SHA-256. Jupyter shows it; `repr` is its text. Raises: SettingsError when none fits, or several.

    >>> "Kestrel" in repr(autod_lib.show_document("invoice_kestrel_0112.pdf", images=0))
    True
    """
    from .document_page import document

    return document(_settings(settings), Path(name).name, images=images)


def query(sql: str, parameters: dict[str, Any] | None = None, *, settings: Settings | None = None) -> "pl.DataFrame":
    """The rows of a SELECT over tables and views, read-only: no file, no network, no change. `$name` in it is a parameter.

    Raises: SettingsError with what DuckDB says of the statement.

    >>> autod_lib.query("select count(*) as calls from api_calls where is_simulated = $simulated", {"simulated": True})["calls"].item()
    4
    """
    import duckdb

    from . import metrics, store

    with store.reading(_settings(settings).home) as con:
        try:
            return metrics.frame(con, sql, parameters)
        except duckdb.Error as error:
            raise SettingsError(str(error).split("\n\n")[0]) from None


def _settings(given: Settings | None) -> Settings:
    return load_settings() if given is None else given


def _reached(given: Settings | None, local: bool) -> Any:
    settings = _settings(given)
    return simulated(settings) if local else nullcontext(settings)


def _paths(paths: Paths) -> list[Path]:
    return [Path(path).expanduser() for path in ([paths] if isinstance(paths, str | Path) else paths)]


def _frame(settings: Settings | None, view: Any, **given: Any) -> "pl.DataFrame":
    from . import store

    with store.reading(_settings(settings).home) as con:
        found: pl.DataFrame = view(con, **given)
    return found
