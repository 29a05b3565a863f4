"""autoD: what is in these PDFs, what did it cost to find out, and how often was it right?

    import autod_lib

    autod_lib.price_documents("~/scans").sentences()        # what it would cost; nothing is spent
    autod_lib.read_documents("~/scans", max_usd=5)          # asks the API about what is not known yet
    autod_lib.documents()                                   # a polars frame: one row a document, 22 fields and more
    autod_lib.costs(by="model"), autod_lib.accuracy()

The names in `__all__` are stable; library.py says what each does, docs/library.md shows them at work. They are loaded when they are first used, so
that `import autod_lib` costs nothing. The command `autod` and the notebooks use the modules behind them, which may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "AutodError",
    "Settings",
    "__version__",
    "accuracy",
    "calls",
    "costs",
    "documents",
    "find_document",
    "import_labels",
    "load_settings",
    "price_documents",
    "query",
    "read_documents",
    "show_document",
]

if TYPE_CHECKING:
    from .errors import AutodError
    from .library import (
        accuracy,
        calls,
        costs,
        documents,
        find_document,
        import_labels,
        price_documents,
        query,
        read_documents,
        show_document,
    )
    from .settings import Settings, load_settings


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "errors" if name == "AutodError" else "settings" if name in ("Settings", "load_settings") else "library"
    return getattr(import_module(f".{home}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
