"""The bill of a naive client beside autoD's, by day and at night: `python benchmarks/bill.py FOLDER [--labels CSV]`.

Both are runs of autoD against the simulated API, each in a workspace of its own, so that one ledger counts both. The naive client sends every
document as a file in high detail, in implicit cache mode, synchronously, with the schema that the SDK makes of the record (benchmarks/naive.py);
autoD its defaults, and at night the same as a batch, or in tier flex. Between them one policy at a time is switched on; repeated files are measured
with every file twice. What a page image costs is not published for these models: RULES are those that are published for others, and the bill is made
again under each.
"""

import argparse
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from autod_lib import local_api

PROJECT = Path(__file__).resolve().parents[1]
AUTOD = [str(Path(sys.executable).parent / "autod")]
NAIVE_CLIENT = [sys.executable, str(PROJECT / "benchmarks" / "naive.py")]
NAIVE = {"AUTOD_INPUT_MODE": "file-high", "AUTOD_CACHE_POLICY": "implicit"}
MARKED = {"AUTOD_CACHE_POLICY": "explicit"}
# Tokens of a page image in low and high detail; but for the first by the provider's guide on images and vision, "Calculating costs", for an A4 page.
RULES: dict[str, str | None] = {
    "patches of 32 pixels at 96 dpi, low 85": None,
    "tiles, 85 + 170 each (gpt-4o, gpt-4.1)": "85,1105",
    "tiles, 70 + 140 each (gpt-5)": "70,910",
    "1,536 patches times 1.62, low as high (mini models)": "2488,2488",
}


@dataclass
class Bill:
    """What one client paid for the folder, and how often it was right (None without labels)."""

    name: str
    documents: int
    calls: int
    input_tokens: int
    cached_tokens: int
    written_tokens: int
    output_tokens: int
    cost_usd: Decimal
    right: float | None = None
    labels: int = 0
    kinds_right: float | None = None


def command(home: Path, address: str, *arguments: str, client: list[str] = AUTOD, **environ: str) -> str:
    """Standard output of an autod command; it may end with exit status 1, as some documents of a real folder cannot be read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOD_", "OPENAI_"))}
    given = {"AUTOD_HOME": str(home), "OPENAI_BASE_URL": address, "OPENAI_API_KEY": "local", **environ}
    done = subprocess.run([*client, *arguments], env=kept | given, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        raise SystemExit(f"autod {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def rows(home: Path, sql: str) -> list[dict[str, str]]:
    """The rows of a statement, as text."""
    return list(csv.DictReader(io.StringIO(command(home, "http://127.0.0.1:9/v1", "sql", sql, "--csv"))))


@contextmanager
def api(rule: str | None, implicit: str, batch_reads: float = 0.0) -> Iterator[str]:
    """The simulated API with this rule for page images; of a batch's lines so many come where the cache is warm."""
    with local_api.running(page_tokens=rule, implicit=implicit, batch_reads=batch_reads) as address:
        yield address


class Study:
    """The folder, the labels, and a place for the workspaces."""

    def __init__(self, folder: Path, labels: Path | None, work: Path, implicit: str) -> None:
        self.folder, self.labels, self.work, self.implicit = folder, labels, work, implicit
        self.count = 0

    def home(self) -> Path:
        self.count += 1
        return self.work / f"home{self.count}"

    def paid(
        self,
        name: str,
        rule: str | None,
        *options: str,
        folder: Path | None = None,
        batch_reads: float = 0.0,
        client: list[str] = AUTOD,
        **environ: str,
    ) -> tuple[Bill, Path]:
        """One run over the folder in a fresh workspace, and its bill by the ledger."""
        home = self.home()
        with api(rule, self.implicit, batch_reads) as address:
            command(home, address, "ingest", str(folder or self.folder), "--json", *options, client=client, **environ)
        if self.labels:
            command(home, "http://127.0.0.1:9/v1", "labels", "import", str(self.labels))
        bill = billed(home, name)
        print(f"{name}: {bill.cost_usd:.6f} USD", file=sys.stderr, flush=True)
        return bill, home


def billed(home: Path, name: str) -> Bill:
    """The bill of a workspace, with its accuracy."""
    [row] = rows(
        home,
        "select count(distinct document_sha256) as documents, count(*) as calls, sum(input_tokens) as input, sum(cached_tokens) as cached, "
        "sum(cache_write_tokens) as written, sum(output_tokens) as output, sum(cost_usd) as cost, "
        "count(*) filter (cost_usd is null) as unpriced from api_calls",
    )
    if row["unpriced"] != "0":
        raise SystemExit(f"{name}: {row['unpriced']} calls have no price, so there is no bill to compare.")
    right = {item["field"]: item for item in rows(home, "from accuracy_in_use")}
    everything, kinds = right.get("(all)"), right.get("doc_type")
    return Bill(
        name,
        *(int(row[column]) for column in ("documents", "calls", "input", "cached", "written", "output")),
        Decimal(row["cost"]),
        float(everything["accuracy"]) if everything else None,
        int(everything["labelled"]) if everything else 0,
        float(kinds["accuracy"]) if kinds else None,
    )


def repriced(home: Path, policy: str) -> Decimal:
    """What the workspace's calls would have cost under another policy, by `autod advise`."""
    told = json.loads(command(home, "http://127.0.0.1:9/v1", "advise", "--json"))
    return Decimal(next(item["repriced_usd"] for item in told["policies"] if item["policy"] == policy))


def share(part: Decimal, whole: Decimal) -> str:
    """A part in percent."""
    return f"{part / whole:.1%}"


def line(bill: Bill, naive: Decimal) -> str:
    """A row of the table."""
    right = f"{bill.right:.1%}" if bill.right is not None else "–"
    kinds = f"{bill.kinds_right:.1%}" if bill.kinds_right is not None else "–"
    tokens = f"{bill.input_tokens:,} | {bill.cached_tokens:,} | {bill.written_tokens:,} | {bill.output_tokens:,}"
    return f"| {bill.name} | {bill.documents} | {tokens} | {bill.cost_usd:.6f} | {share(bill.cost_usd, naive)} | {right} | {kinds} |"


def whole_bill(study: Study, rule: str | None) -> tuple[Bill, Path]:
    """Naive, one policy at a time, autoD by day and at night, as a table; gives the day's bill and workspace."""
    naive, _ = study.paid("naive client", rule, client=NAIVE_CLIENT, **NAIVE)
    day, home = study.paid("**autoD by day**", rule)
    bills = [
        naive,
        study.paid("naive, autoD's schema", rule, **NAIVE)[0],
        study.paid("naive, input mode auto", rule, client=NAIVE_CLIENT, **NAIVE | {"AUTOD_INPUT_MODE": "auto"})[0],
        study.paid("naive, autoD's cache policy", rule, client=NAIVE_CLIENT, **NAIVE | {"AUTOD_CACHE_POLICY": "auto"})[0],
        study.paid("naive, as a batch without marks", rule, "--batch", client=NAIVE_CLIENT, **NAIVE | {"AUTOD_CACHE_POLICY": "none"})[0],
        day,
        study.paid("**autoD at night, a batch**", rule, "--batch")[0],
        study.paid("the same, marked, and half of its lines read", rule, "--batch", batch_reads=0.5, **MARKED)[0],
        study.paid("the same, marked, and all but the first read", rule, "--batch", batch_reads=1.0, **MARKED)[0],
        study.paid("the same, marked, and nothing is read", rule, "--batch", **MARKED)[0],
        study.paid("autoD at night, a batch of the core fields", rule, "--batch", AUTOD_FIELDS="core")[0],
        study.paid("autoD at night in tier flex", rule, "--tier", "flex")[0],
    ]
    print("| client | documents | input | read | written | output tokens | USD | of naive | right, all fields | right, doc_type |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for bill in bills:
        print(line(bill, naive.cost_usd))
    print(f"\nLabels scored: {naive.labels}. Goal: at most 45 % by day, 25 % at night.")
    return day, home


def other_rules(study: Study) -> None:
    """How the bill moves with what a page image costs."""
    print("| rule for the image of a page | tokens low, high | naive USD | autoD by day | of naive | batch, of naive | flex, of naive |")
    print("|---|---|---|---|---|---|---|")
    for name, rule in RULES.items():
        naive, _ = study.paid("naive client", rule, client=NAIVE_CLIENT, **NAIVE)
        day, home = study.paid("autoD by day", rule)
        batch, flex = repriced(home, "batch"), repriced(home, "flex")
        print(
            f"| {name} | {rule or 'by the size of the page'} | {naive.cost_usd:.6f} | {day.cost_usd:.6f} | {share(day.cost_usd, naive.cost_usd)} | "
            f"{share(batch, naive.cost_usd)} | {share(flex, naive.cost_usd)} |",
            flush=True,
        )


def input_modes(study: Study, home: Path) -> None:
    """Tokens, USD and accuracy by input mode on the same documents, in the workspace of the day."""
    with api(None, study.implicit) as address:
        for mode in ("text", "file-low", "file-high"):
            command(home, address, "ingest", str(study.folder), "--json", "--input", mode)
    print("| input mode | documents | pages | input tokens | output tokens | USD | right, all fields | 95 % interval |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows(home, "from input_modes_compared order by cost_usd"):
        right = f"{float(row['accuracy']):.1%} | {float(row['accuracy_low']):.1%}–{float(row['accuracy_high']):.1%}" if row["accuracy"] else "– | –"
        tokens = f"{int(row['input_tokens']):,} | {int(row['output_tokens']):,}"
        print(f"| {row['input_mode']} | {row['documents']} | {row['pages']} | {tokens} | {Decimal(row['cost_usd']):.6f} | {right} |")


def dedupe(study: Study, once: Bill) -> None:
    """Every file twice: what the second copy costs."""
    twice = study.work / "twice"
    for copy in ("first", "second"):
        (twice / copy).mkdir(parents=True)
        for path in sorted(study.folder.rglob("*.pdf")):
            if path.is_file():
                (twice / copy / path.name).write_bytes(path.read_bytes())
    bill, home = study.paid("autoD by day, every file twice", None, folder=twice)
    told = json.loads(command(home, "http://127.0.0.1:9/v1", "advise", "--json"))["savings"]
    saved, naive = (sum(Decimal(day[name]) for day in told) for name in ("saved_by_dedupe_usd", "naive_usd"))
    print(
        f"Every file twice: autoD pays {bill.cost_usd:.6f} USD in {bill.calls} calls (once: {once.cost_usd:.6f} in {once.calls}). The naive client, "
        f"by the ledger's own figures, pays {naive:.6f} USD; dedupe alone saves {saved:.6f} of it, and {share(bill.cost_usd, naive)} is left."
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", nargs="?", type=Path, default=PROJECT / "data" / "samples", help="folder of PDFs; data/samples without it")
    options.add_argument("--labels", type=Path, help="CSV with labels; for data/samples its own")
    options.add_argument("--implicit", choices=("reads-nothing", "reads-system"), default="reads-nothing", help="which report of implicit mode holds")
    options.add_argument("--parts", default="bill,modes,dedupe,rules", help="which parts, with commas")
    given = options.parse_args()
    own = PROJECT / "data" / "samples"
    labels = given.labels or (own / "labels.csv" if given.folder.resolve() == own else None)
    parts = given.parts.split(",")
    with tempfile.TemporaryDirectory() as work:
        study = Study(given.folder.resolve(), labels and labels.resolve(), Path(work), given.implicit)
        if {"bill", "modes", "dedupe"} & set(parts):
            day, home = whole_bill(study, None) if "bill" in parts else study.paid("autoD by day", None)
            for name, part in (("modes", lambda: input_modes(study, home)), ("dedupe", lambda: dedupe(study, day))):
                if name in parts:
                    print(flush=True)
                    part()
        if "rules" in parts:
            print(flush=True)
            other_rules(study)


if __name__ == "__main__":
    main()
