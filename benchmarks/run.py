"""Speed as ratios in one run: `make bench`, or `python benchmarks/run.py [NAME…] [--documents N]`.

Each measure stands beside the limit or the bare libraries, taken in the same run on the same machine. Processor times are of the whole process and
its workers, without the simulated API's, and per document as the slope between a short and a long run, so that imports do not count.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import answers
import cache_policies
import corpus

from autod_lib import local_api

AUTOD = [str(Path(sys.executable).parent / "autod")]
YARDSTICK = [sys.executable, str(Path(__file__).parent / "yardstick.py")]
LATENCY_S = 0.5
SENT = ("--input", "file-low")  # as the yardstick sends them
TURNS = 3


def run(command: list[str], environ: dict[str, str]) -> tuple[float, float, int, str]:
    """Processor seconds, wall seconds, peak memory in bytes of the largest process, and standard output."""
    begun = time.perf_counter()
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=2); used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script, *command], env=os.environ | environ, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - begun
    cpu, peak = done.stdout.split()[-2:]
    return float(cpu), wall, int(peak), done.stderr


def rate_seen(log: Path) -> float:
    """Requests a second over the span that the server saw, from the first request's arrival to the last answer."""
    times = [datetime.fromisoformat(json.loads(line)["time"]).timestamp() for line in log.read_text().splitlines()]
    return len(times) / (max(times) - min(times) + LATENCY_S)


class Bench:
    """A place to work in, and the results."""

    def __init__(self, folder: Path, documents: int) -> None:
        self.folder, self.documents = folder, documents
        self.results: list[tuple[str, str, str, str]] = []
        self.counter = 0

    def report(self, measure: str, value: str, goal: str, beside: str = "") -> None:
        self.results.append((measure, value, goal, beside))
        print(f"{measure:<62} {value:>18}   goal {goal:<22} {beside}", flush=True)

    def fresh(self) -> Path:
        self.counter += 1
        home = self.folder / f"home{self.counter}"
        shutil.rmtree(home, ignore_errors=True)
        return home

    def inbox(self, documents: int) -> Path:
        inbox = self.folder / f"inbox{documents}"
        if not inbox.is_dir():
            everything = corpus.make(self.folder / "corpus", documents)
            inbox.mkdir()
            for path in sorted(everything.iterdir())[:documents]:
                os.link(path, inbox / path.name)
        return inbox

    def autod(self, documents: int, in_flight: int, *more: str, latency: float = LATENCY_S) -> tuple[float, float, int, float]:
        """Processor seconds, wall seconds, peak bytes and the server's rate of one ingest into a fresh workspace."""
        log, home = self.folder / "server.jsonl", self.fresh()
        log.unlink(missing_ok=True)
        with local_api.running(latency=latency, answers="canned", log=log) as address:
            environ = {"OPENAI_BASE_URL": address, "AUTOD_HOME": str(home)}
            command = [*AUTOD, "ingest", str(self.inbox(documents)), "--json", "--in-flight", str(in_flight), *more]
            cpu, wall, peak, _ = run(command, environ)
        rate = rate_seen(log)
        shutil.rmtree(home)
        return cpu, wall, peak, rate

    def yardstick(self, documents: int, in_flight: int, *more: str) -> tuple[float, float, int, float]:
        log, database = self.folder / "yardstick.jsonl", self.folder / "yardstick.duckdb"
        log.unlink(missing_ok=True)
        database.unlink(missing_ok=True)
        with local_api.running(latency=LATENCY_S, answers="canned", log=log) as address:
            environ = {"OPENAI_BASE_URL": address, "OPENAI_API_KEY": "local"}
            cpu, wall, peak, _ = run([*YARDSTICK, str(self.inbox(documents)), str(documents), str(in_flight), str(database), *more], environ)
        return cpu, wall, peak, rate_seen(log)

    def beside(self, documents: int) -> list[float]:
        """Processor seconds of an ingest and of the yardstick that run at the same time, so that what slows this machine down slows both."""
        self.inbox(documents)
        with ThreadPoolExecutor(2) as pool:
            both = pool.submit(self.autod, documents, 64, *SENT), pool.submit(self.yardstick, documents, 64)
            return [each.result()[0] for each in both]


def throughput(bench: Bench) -> None:
    """Documents a second at 64 in flight against the limit, and processor time against the yardstick."""
    n, short, limit = bench.documents, 128, 64 / LATENCY_S
    alone = [(bench.autod(n, 64, *SENT), bench.yardstick(n, 64)) for _ in range(2)]
    ours, yard = (max(each[3] for each in column) for column in zip(*alone, strict=True))
    bench.report("documents a second, 64 in flight, of the limit", f"{ours / limit:.1%}", ">= 90 %", f"yardstick {yard / limit:.1%}")
    turns = [(bench.beside(short), bench.beside(n)) for _ in range(TURNS)]
    costs = [[1000 * (long - brief) / (n - short) for brief, long in zip(*turn, strict=True)] for turn in turns]
    shares = sorted(ms / yard_ms for ms, yard_ms in costs)
    ms, yard_ms = (statistics.median(column) for column in zip(*costs, strict=True))
    beside = f"{shares[0]:.2f} to {shares[-1]:.2f}; {ms:.2f} ms against {yard_ms:.2f} ms"
    bench.report("processor time a document, of the yardstick", f"{statistics.median(shares):.2f}", "<= 0.6", beside)
    peak, yard_peak = (max(each[2] for each in column) for column in zip(*alone, strict=True))
    bench.report("peak memory at 64 in flight", f"{peak / 1e6:.0f} MB", "<= 200 MB", f"yardstick {yard_peak / 1e6:.0f} MB")
    text = bench.autod(n, 64, "--input", "text")
    bench.report("documents a second with text and tokens, of those without", f"{text[3] / ours:.2f}", ">= 0.9")


def wide(bench: Bench) -> None:
    """256 in flight against the bare client without the work."""
    bare, ours = bench.yardstick(bench.documents, 256, "--bare"), bench.autod(bench.documents, 256, "--input", "file-low")
    bench.report("documents a second, 256 in flight, of bare create", f"{ours[3] / bare[3]:.2f}", ">= 1.5", f"{ours[3]:.0f} against {bare[3]:.0f}")


def second_look(bench: Bench) -> None:
    """A second run over 10,000 unchanged files, and one document more."""
    inbox, home = bench.inbox(10_000), bench.fresh()
    with local_api.running(answers="canned", log=bench.folder / "look.jsonl") as address:
        environ = {"OPENAI_BASE_URL": address, "AUTOD_HOME": str(home)}
        command = [*AUTOD, "ingest", str(inbox), "--input", "file-low", "--in-flight", "64"]
        _, _, peak, _ = run(command, environ)
        first = len((bench.folder / "look.jsonl").read_text().splitlines())
        walls = [run(command, environ)[1] for _ in range(5)]
        look_script = (
            "import json,sys,time,os\nfrom autod_lib import glance\n"
            "from autod_lib.settings import load_settings\ns=load_settings(input_mode='file-low',in_flight=64)\nroot=sys.argv[1]\nlooks=[];walks=[]\n"
            "for _ in range(7):\n t=time.perf_counter()\n noted=glance.as_noted([root],s)\n"
            " looks.append(time.perf_counter()-t)\n t=time.perf_counter()\n"
            " n=sum(1 for e in os.scandir(root) if e.stat().st_size)\n walks.append(time.perf_counter()-t)\n"
            "print(json.dumps([sorted(looks)[3],sorted(walks)[3],noted is not None]))"
        )
        found = subprocess.run([sys.executable, "-c", look_script, str(inbox)], env=os.environ | environ, capture_output=True, text=True, check=True)
        looked, walked, is_noted = json.loads(found.stdout)
        calls = len((bench.folder / "look.jsonl").read_text().splitlines()) - first
        bench.report("second run over 10,000 files: calls", str(calls), "0", "" if is_noted else "the note did not hold")
        bench.report(
            "second run over 10,000 files: the look, of a bare walk",
            f"{looked / walked:.1f}",
            "<= 2",
            f"{looked * 1000:.0f} ms against {walked * 1000:.0f} ms",
        )
        bench.report("second run over 10,000 files: in all", f"{statistics.median(walls):.2f} s", "<= 0.5 s")
        extra = inbox / "one_more.pdf"
        extra.write_bytes((inbox / "document_00000.pdf").read_bytes() + b"% one more\n")
        run(command, environ)
        extra.unlink()
        bench.report("one document more: calls", str(len((bench.folder / "look.jsonl").read_text().splitlines()) - first), "1")
    small = bench.autod(1_000, 64, "--input", "file-low", latency=0.0)
    bench.report("peak memory of 10,000 files, of 1,000", f"{peak / small[2]:.2f}", "<= 1.1", f"{peak / 1e6:.0f} MB against {small[2] / 1e6:.0f} MB")


def views(bench: Bench) -> None:
    """The views over a ledger of a million calls."""
    import duckdb

    from autod_lib import store

    home = bench.fresh()
    with store.writing(home) as con:
        con.execute("""
            insert into calls_finished by name
            select 'r' || (i % 300) as run_id, i as seq, started as logged_at, uuid() as call_id, 'k' || i as request_key,
                   sha256((i % 900000)::varchar) as document_sha256, 'arm ' || (i % 4) as arm, 'extract' as purpose, 'gpt-6-' || (i % 3) as model,
                   'text' as input_mode, started as started_at, started + interval 2 second as finished_at, 'answered' as status,
                   'completed' as outcome, true as is_simulated, 'key' || (i % 8) as cache_key, 'p1' as prompt_hash, 'automatic' as cache_policy,
                   3000 + i % 500 as input_tokens, 1800 as cached_tokens, i % 2 as cache_write_tokens, 400 + i % 50 as output_tokens,
                   4 * part as cost_usd, part as uncached_usd, part as cached_usd, part as cache_write_usd, part as output_usd,
                   0.1::decimal(18,9) as input_rate, (i * 7919 % 5000)::double as latency_ms
            from (
                select i, timestamptz '2026-08-01 00:00:00+00' + (i * 8) * interval 1 second as started,
                       (i % 1000 + 100)::decimal(24,12) / 1000000 as part
                from range(1000000) t(i)
            )""")
        con.execute("insert into runs_started (run_id) select 'r' || i from range(300) t(i)")
        con.execute("insert into runs_finished (run_id) select 'r' || i from range(300) t(i)")

    def median_ms(sql: str, con: duckdb.DuckDBPyConnection) -> float:
        times = []
        for _ in range(7):
            begun = time.perf_counter()
            con.execute(sql).fetchall()
            times.append(time.perf_counter() - begun)
        return 1000 * statistics.median(times)

    plain = (
        "select cast(make_timestamp(epoch_us(finished_at)) as date) as day, model, is_simulated, count(*), sum(cost_usd) "
        "from calls_finished group by all"
    )
    with store.reading(home) as con:
        base = median_ms(plain, con)
        for view, goal in (
            ("cost_by_day", "<= 20 ms"),
            ("latency_by_hour", "<= 50 ms"),
            ("cache_by_day", "<= 20 ms"),
            ("cost_by_model", ""),
            ("cost_by_document", ""),
        ):
            bench.report(
                f"1 M calls: {view}", f"{median_ms(f'select count(*), sum(calls) from {view}', con):.0f} ms", goal, f"plain sum by day {base:.0f} ms"
            )
    shutil.rmtree(home)


def accuracy(bench: Bench) -> None:
    """Every figure of 31_accuracy over a million answers and 50,000 labels, as the notebook makes it."""
    home = bench.fresh()
    labels = answers.make(home)
    run([*AUTOD, "run", "31_accuracy", "--json"], {"AUTOD_HOME": str(home)})
    [executed] = home.glob("runs/*/31_accuracy.ipynb")
    cells = [cell for cell in json.loads(executed.read_text())["cells"] if cell["cell_type"] == "code"]
    seconds = {"".join(cell["source"]): cell["metadata"]["papermill"]["duration"] for cell in cells}
    slowest = max(seconds, key=seconds.__getitem__)
    what = next(name for name in re.findall(r"(?:metrics|evaluate|document_page)\.(\w+)", slowest) if name != "choose_money")
    beside = f"{what}; all of them {sum(seconds.values()):.0f} s"
    bench.report(f"1 M answers, {labels:,} labels: slowest figure of 31_accuracy", f"{seconds[slowest]:.1f} s", "<= 10 s", beside)
    shutil.rmtree(home)


def start(bench: Bench) -> None:
    """How quickly the command answers."""
    walls = [run([*AUTOD, "--help"], {})[1] - run([sys.executable, "-c", "pass"], {})[1] for _ in range(5)]
    alone = [run([sys.executable, "-c", "pass"], {})[1] for _ in range(5)]
    bench.report(
        "autod --help, beyond python itself",
        f"{statistics.median(walls):.2f} s",
        "<= 0.3 s",
        f"python {statistics.median(alone):.2f} s with its wrapper",
    )


def cache(bench: Bench) -> None:
    """What the input costs under each cache policy, of what it costs without a cache; cache_policies.py prints the whole table."""
    rows = list(cache_policies.measured(bench.folder, bench.inbox(300), 64, "gpt-6-luna"))
    for row in rows:
        plain = next(each.input_usd for each in rows if each.behaviour == row.behaviour and each.policy == "no cache")
        goal = "< 100 %" if row.policy.startswith("auto") else ""
        bench.report(f"implicit {row.behaviour}: {row.policy}, of no cache", f"{row.input_usd / plain:.1%}", goal, f"{row.keys} keys")


def tokens(bench: Bench) -> None:
    """Counting whole request bodies against tiktoken alone on their texts."""
    import orjson

    from autod_lib import prompt
    from autod_lib.settings import load_settings
    from autod_lib.tokens import count_request, encoding_for

    settings = load_settings({})
    line = "{}. Binding of volume {} in green cloth, per piece 12.00 EUR, Übergröße 請求書番号 {}\n"
    pages = ["".join(line.format(row, number, row * number) for row in range(80)) for number in range(200)]
    contents = [prompt.text_parts(prompt.text_of(f"document-{number}.pdf", 1, (page,))) for number, page in enumerate(pages)]
    bodies = [orjson.loads(prompt.frame_for(settings).body(content)) for content in contents]
    schema = [orjson.dumps(body["text"]["format"]["schema"]).decode() for body in bodies]
    texts = [[part["text"] for message in body["input"] for part in message["content"]] + [schema[0]] for body in bodies]
    encoding = encoding_for(settings.model)[0]

    def alone() -> int:
        return sum(len(encoding.encode_ordinary(text)) for each in texts for text in each)

    def ours() -> int:
        return sum(count_request(body).tokens for body in bodies)

    def seconds(work: Callable[[], int]) -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    rounds = [(seconds(alone), seconds(ours)) for _ in range(9)]  # in turn, and of processor time: others use this machine too
    bare, whole = (min(column) for column in zip(*rounds, strict=True))
    bench.report("request bodies counted a second, of tiktoken alone", f"{bare / whole:.1%}", ">= 90 %", f"{alone() / whole / 1e6:.1f} M tokens/s")


def under(bench: Bench, documents: int, **server: Any) -> tuple[dict[str, Any], list[tuple[float, int]]]:
    """What an ingest at 64 in flight says of itself, and (time, status) of each answer of a server with these options."""
    log, home = bench.folder / "server.jsonl", bench.fresh()
    log.unlink(missing_ok=True)
    with local_api.running(answers="canned", log=log, **server) as address:
        environ = os.environ | {"OPENAI_BASE_URL": address, "AUTOD_HOME": str(home)}
        command = [*AUTOD, "ingest", str(bench.inbox(documents)), "--json", "--in-flight", "64", "--input", "text"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    shutil.rmtree(home)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return json.loads(done.stdout), sorted((datetime.fromisoformat(line["time"]).timestamp(), line["status"]) for line in lines)


def limit(bench: Bench) -> None:
    """An API that bears 240 requests a minute beyond a bucket of as many: how much of that is reached, and how much is refused."""
    a_minute, documents = 240, 400
    _, answers = under(bench, documents, requests_per_minute=a_minute)
    bearable = a_minute * (1 + (answers[-1][0] - answers[0][0]) / 60)
    refused = sum(status == 429 for _, status in answers)
    bench.report(f"limit of {a_minute} requests a minute: reached", f"{(len(answers) - refused) / bearable:.1%}", ">= 90 %")
    bench.report(f"limit of {a_minute} requests a minute: refused", f"{refused / len(answers):.2%}", "< 1 %", f"{refused} of {len(answers)}")


def faults(bench: Bench) -> None:
    """One request in five fails, in five ways; and an API that is away for a while and comes back."""
    spec = "429=0.04,500=0.04,503=0.04,drop-before=0.04,truncated=0.04"
    rates = []
    for given in ("", spec):
        report, answers = under(bench, 1500, latency=LATENCY_S, faults=given)
        good = [at for at, status in answers if status == 200]
        rates.append(len(good) / (good[-1] - good[0] + LATENCY_S))
    share = f"{rates[1] / rates[0]:.1%}"
    bench.report("documents a second with 20 % faults, of those without", share, ">= 70 %", f"{report['failed']} of 1500 failed")


def outage(bench: Bench) -> None:
    """An API that is ended in the middle of a run and comes back after 20 s: how long it takes until 64 documents are answered again."""
    log, home, port = bench.folder / "server.jsonl", bench.fresh(), 18_400 + os.getpid() % 1000
    log.unlink(missing_ok=True)
    server = {"answers": "canned", "latency": LATENCY_S, "log": log, "port": port}
    environ = os.environ | {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "AUTOD_HOME": str(home)}
    command = [*AUTOD, "ingest", str(bench.inbox(1500)), "--json", "--in-flight", "64", "--input", "text"]
    with local_api.running(**server):
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
        while not log.exists() or len(log.read_text().splitlines()) < 200:
            time.sleep(0.05)
    time.sleep(20)
    with local_api.running(**server):
        back = time.time()
        report = json.loads(process.communicate()[0])
    shutil.rmtree(home)
    times = sorted(datetime.fromisoformat(json.loads(line)["time"]).timestamp() for line in log.read_text().splitlines())
    full = [at for at in times if at > back][63] + LATENCY_S
    beside = f"{report['processed']} of 1500 processed, {report['failed']} failed, {report['unsettled']} unsettled"
    bench.report("an API that was away for 20 s: back to 64 answers after", f"{full - back:.1f} s", "<= 60 s", beside)


PARTS = (start, tokens, throughput, wide, second_look, views, accuracy, cache, limit, faults, outage)
BENCHES: dict[str, Callable[[Bench], None]] = {part.__name__: part for part in PARTS}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", choices=list(BENCHES), default=[], help="which measures; all without any")
    options.add_argument("--documents", type=int, default=2000)
    options.add_argument("--folder", type=Path, help="where to work; a temporary folder without it")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, given.documents)
        for name in given.names or BENCHES:
            BENCHES[name](bench)


if __name__ == "__main__":
    main()
