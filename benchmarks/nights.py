"""Five scheduled runs with a fault in the third: `python benchmarks/nights.py [--documents 8] [--keep FOLDER]`.

Each night new PDFs come in, and the real command runs the same chain against the simulated API: ingest, evaluate, operations page. In the third the
API is away all night; the fourth asks for what was left. Prints each night in figures; raises unless every document is answered once and paid once.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from corpus import make

from autod_lib import local_api

AUTOD = Path(sys.executable).parent / "autod"
FAULTS = {3: "503=1"}  # by the number of the night
CHAIN = """\
name = "night"
[[step]]
command = "ingest '{inbox}'"
[[step]]
command = "evaluate"
[[step]]
notebook = "60_operations"
"""


def autod(environ: dict[str, str], *words: str) -> tuple[int, Any]:
    """The command's exit status and the JSON object it printed."""
    done = subprocess.run([AUTOD, *words, "--json"], env=environ, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(done.stderr)
    return done.returncode, json.loads(done.stdout)


def main() -> None:
    """Prints a line a night, then what the API itself says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=8, help="new ones a night")
    parser.add_argument("--keep", type=Path, help="folder to leave the workspace in")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autod-nights-") as folder:
        inbox, log, home, chain = (Path(folder) / name for name in ("inbox", "api.jsonl", "home", "night.toml"))
        chain.write_text(CHAIN.format(inbox=inbox), encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOD_", "OPENAI_"))}
        print("night  exit  state     documents  pending  simulated USD  health    alerts")
        for night in range(1, 6):
            make(inbox, night * given.documents)
            with local_api.running(faults=FAULTS.get(night, ""), log=log) as address:
                environ = kept | {"AUTOD_HOME": str(home), "OPENAI_BASE_URL": address, "OPENAI_API_KEY": "local", "AUTOD_LOG_LEVEL": "ERROR"}
                environ |= {"AUTOD_BREAKER_GIVE_UP_UNANSWERED_S": "3", "AUTOD_BREAKER_PAUSE_S": "0.5"}
                status, told = autod(environ, "run", "--chain", str(chain))
                _, health = autod(environ, "doctor")
                _, alerts = autod(
                    environ,
                    "sql",
                    f"select component from alerts where run_id in (select run_id from runs_overview where "
                    f"'{told['run_id']}' in (run_id, parent_run_id)) order by all",
                )
                _, waiting = autod(environ, "sql", "from backlog")
            usd = sum(float(money["cost_usd"] or 0) for money in told["money"])
            names = ", ".join(row["component"] for row in alerts["rows"]) or "–"
            pending = waiting["rows"][0]["documents"]
            print(
                f"{night:5}  {status:4}  {told['state']:8}  {told['processed']:9}  {pending:7}  {usd:13.6f}  {health['state']:8}  {names or '–'}",
                flush=True,
            )
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        answered = sum(line["path"] == "/v1/responses" and line["status"] == 200 for line in lines)
        _, ledger = autod(
            environ,
            "sql",
            "select count(*) as documents, count(*) filter (where processing_status in ('processed', 'needs_review')) "
            "as answered, (select count(*) from api_calls where status = 'answered') as calls from documents",
        )
        if given.keep:
            shutil.copytree(home, given.keep, dirs_exist_ok=True)
    row = ledger["rows"][0]
    print(f"\n{row['documents']} documents, {row['answered']} answered by {row['calls']} calls; the API's log: {answered} answers.")
    if not row["documents"] == row["answered"] == row["calls"] == answered == 5 * given.documents:
        raise SystemExit("A document was lost, or paid for twice.")


if __name__ == "__main__":
    main()
