"""A small budget against many calls at once: `python benchmarks/budget.py [--usd 0.01] [--in-flight 64] [--documents 500]`.

Runs the real command on distinct PDFs against the simulated API with latency, and prints what was spent, what stopped it, its exit status, and what
the log of the API says was answered: the two must agree.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from corpus import make

from autod_lib import local_api


def main() -> None:
    """Prints the run in figures; raises if the ledger and the API's log differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--usd", default="0.01")
    parser.add_argument("--in-flight", default="64")
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autod-budget-") as folder:
        inbox, log = make(Path(folder) / "inbox", given.documents), Path(folder) / "api.jsonl"
        with local_api.running(latency=given.latency, log=log) as address:
            kept = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOD_", "OPENAI_"))}
            environ = kept | {"AUTOD_HOME": f"{folder}/home", "OPENAI_BASE_URL": address, "OPENAI_API_KEY": "local"}
            words = ["ingest", str(inbox), "--in-flight", given.in_flight, "--max-usd", given.usd, "--json"]
            done = subprocess.run([Path(sys.executable).parent / "autod", *words], env=environ, capture_output=True, text=True, check=False)
            status = subprocess.run(
                [Path(sys.executable).parent / "autod", "sql", "from budget_status where period = 'run'", "--json"],
                env=environ,
                capture_output=True,
                text=True,
                check=True,
            )
        if not done.stdout:
            raise SystemExit(done.stderr)
        report, budget = json.loads(done.stdout), json.loads(status.stdout)["rows"][0]
        answered = sum(json.loads(line)["path"] == "/v1/responses" for line in log.read_text().splitlines())
    print(f"budget {given.usd} USD, {given.in_flight} in flight, {report['documents']} documents, simulated API with {given.latency} s latency")
    print(f"spent          {report['cost_usd']} USD in {report['calls']} calls; left {budget['left_usd']} USD, open {budget['open_usd']} USD")
    print(f"documents      {report['processed']} processed, {report['failed']} failed, {report['pending']} pending")
    print(f"stopped by     {report['stopped_by']}")
    print(f"left undone    {', '.join(Path(path).name for path in report['undone'][:3])} and {report['pending'] - 3} more")
    print(f"exit status    {done.returncode}")
    print(f"the API's log  {answered} requests answered; the ledger has {report['calls']}")
    if answered != report["calls"] or Decimal(budget["left_usd"]) < 0 or Decimal(budget["settled_usd"]) != Decimal(report["cost_usd"]):
        raise SystemExit("The ledger, the budget and the API's log do not agree.")


if __name__ == "__main__":
    main()
