"""autoD: what is in these PDFs, what did it cost to find out, and how often was it right?

The notebooks and the command `autod` are the users of this library. `metrics` gives the views of the ledger as polars frames, `charts` draws
them, `ingest` reads documents; every other module serves these.
"""

__version__ = "0.1.0"
