"""The command `autod`: every command gathers its options, makes one call of the library, and prints what came back.

Decided here: the form of what is printed, and the exit status. With --json, standard output holds one JSON object and nothing else; progress and
logs go to standard error. Heavy imports stand inside the commands, so that `autod --help` is quick. Nothing else is decided here.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import AutodError

if TYPE_CHECKING:
    from .report import Options, Progress, Report, Rules
    from .settings import Settings

EXIT_STATUS = """\b
Exit status: 0 all went well · 1 finished, some documents failed · 2 wrong use or settings · 3 the budget stopped it ·
4 the API is not available · 5 another run holds the workspace · 6 the workspace cannot be read or written · 130 interrupted"""

app = typer.Typer(
    name="autod",
    help="What is in these PDFs, what did it cost to find out, and how often was it right?",
    epilog=EXIT_STATUS,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
labels_app = typer.Typer(help="Gold labels: import and export.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(labels_app, name="labels")
batch_app = typer.Typer(help="Batches: half the price, answers within a day.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(batch_app, name="batch")

Paths = Annotated[list[Path], typer.Argument(help="Files, and folders that are searched for *.pdf.", metavar="PATH…")]
Local = Annotated[bool, typer.Option("--local", help="Use the simulated API of this machine, started for this command: no key, no cost.")]
Model = Annotated[str | None, typer.Option("--model", help="Model to ask.", metavar="M")]
Input = Annotated[str | None, typer.Option("--input", help="What is sent: auto, text, file-low or file-high.", metavar="MODE")]
InFlight = Annotated[int | None, typer.Option("--in-flight", help="Calls under way at once.", metavar="N")]
Unpriced = Annotated[bool, typer.Option("--allow-unpriced", help="Allow a model that no price list knows.")]
MaxUsd = Annotated[float | None, typer.Option("--max-usd", help="What this run may cost.", metavar="X", min=0)]
Limit = Annotated[int | None, typer.Option("--limit", help="Take at most N new documents.", metavar="N", min=1)]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Take documents that failed before once more.")]
TakePurged = Annotated[bool, typer.Option("--take-purged", help="Read documents again that were purged.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would do; change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; only a terminal is asked.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait while another run holds the workspace.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def main() -> None:
    """Runs the command line; an error of autoD becomes one clear line and its exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends every command as an interrupt does
    os.umask(0o077)  # whatever a command or its notebooks write is its user's alone
    try:
        app(args=_paired(sys.argv[1:]))
    except AutodError as error:
        from .logs import one_line

        print(f"autod: {one_line(str(error))}", file=sys.stderr)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        print("autod: interrupted; everything known is kept", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


def _paired(arguments: list[str]) -> list[str]:
    """`-p NAME VALUE` as `-p NAME=VALUE`: an option of the command line takes one word."""
    found: list[str] = []
    words = iter(arguments)
    for word in words:
        found.append(word)
        if word in ("-p", "--parameter") and arguments[0] == "run":
            name = next(words, None)
            value = next(words, None) if name is not None and "=" not in name else None
            found += [part for part in (name if value is None else f"{name}={value}",) if part is not None]
    return found


def _version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        print(f"autod {__version__}")
        raise typer.Exit


@app.callback()
def _options(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    pass


@contextmanager
def _settings(local: bool = False, **given: Any) -> Iterator["Settings"]:
    from .logs import set_up
    from .settings import load_settings

    settings = load_settings(**given)
    if not local:
        set_up(settings)
        yield settings
        return
    from .library import simulated

    with simulated(settings) as reached:
        set_up(reached)
        yield reached


def _print_json(value: Any) -> None:
    import orjson

    def plain(item: Any) -> Any:
        return f"{item:f}" if isinstance(item, Decimal) else str(item)

    try:
        text = orjson.dumps(value, default=plain, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a whole number beyond 64 bits, which orjson does not take
        import json

        text = json.dumps(value, default=plain, indent=2).encode()
    sys.stdout.buffer.write(text + b"\n")
    sys.stdout.flush()


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _print_rows(rows: list[dict[str, Any]], widest: int | None = 80) -> None:
    from .logs import one_line

    if not rows:
        print("(no rows)")
        return
    names = list(rows[0])
    cells = [names] + [[one_line(_cell(row[name]))[:widest] for name in names] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@app.command(epilog="Examples: autod ingest ~/scans --max-usd 5   ·   autod ingest data/samples --local")
def ingest(
    paths: Paths,
    local: Local = False,
    model: Model = None,
    input_mode: Input = None,
    in_flight: InFlight = None,
    max_usd: MaxUsd = None,
    limit: Limit = None,
    retry_failed: RetryFailed = False,
    take_purged: TakePurged = False,
    tier: Annotated[str | None, typer.Option("--tier", help="Service tier: default, flex (cheaper, slower), priority or auto.", metavar="T")] = None,
    batch: Annotated[bool, typer.Option("--batch", help="Ask by batches, at half the price; wait for them, then ask the rest one by one.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on looking for new files until interrupted.")] = False,
    move_to: Annotated[Path | None, typer.Option("--move-to", help="Move finished files to DIR/processed and DIR/failed.", metavar="DIR")] = None,
    policy: Annotated[str, typer.Option("--policy", help="Ask as a saved policy says: autod policy.", metavar="NAME")] = "",
    allow_unpriced: Unpriced = False,
    wait: Wait = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would cost; send and record nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Read every PDF under PATH… that the record does not know."""
    from .errors import SettingsError

    if policy:
        if model or input_mode or batch or watch:
            raise SettingsError("--policy says which models are asked how: leave --model, --input, --batch and --watch out.")
        wanted = {"in_flight": in_flight, "service_tier": tier, "allow_unpriced": allow_unpriced or None}
        limits = {"max_usd": max_usd, "limit": limit, "retry_failed": retry_failed, "move_to": move_to, "wait": wait, "take_purged": take_purged}
        return _by_policy(policy, paths, local, wanted, limits, dry_run, as_json)
    if batch and watch:
        raise SettingsError("--batch and --watch do not go together: a batch waits for its answers by itself. Leave one of them out.")
    if dry_run:
        asked: dict[str, Any] = {"model": model, "input_mode": input_mode, "allow_unpriced": allow_unpriced or None, "simulated": local or None}
        return _estimate(paths, as_json, asked, limit=limit, retry_failed=retry_failed)
    from .glance import nothing_new
    from .look import absolute_roots
    from .report import options

    given = {"model": model, "input_mode": input_mode, "in_flight": in_flight, "service_tier": tier, "allow_unpriced": allow_unpriced or None}
    with _settings(local, **given) as settings:
        wishes = options(max_usd=max_usd, limit=limit, retry_failed=retry_failed, move_to=move_to, wait=wait, take_purged=take_purged)
        report = None if watch or batch else nothing_new(absolute_roots(paths), settings, wishes)
        if report is None:
            report = _ingest(paths, settings, wishes, "batch" if batch else "watch" if watch else "once")
        _tell(report, as_json)
    raise typer.Exit(report.exit_status)


def _by_policy(name: str, paths: list[Path], local: bool, wanted: dict[str, Any], limits: dict[str, Any], dry_run: bool, as_json: bool) -> None:
    from . import bought
    from .progress import note, terminal_bar
    from .report import options

    with _settings(local, **wanted) as settings, terminal_bar("documents") as bar:
        policy, asked = bought.find(settings.home, name), options(**limits)
        if dry_run:
            priced = bought.price(policy, paths, settings, asked, _rules(), lambda done, total: bar(done, total, ""))
            return _tell(priced, as_json)
        done = bought.run(
            policy,
            paths,
            settings,
            asked,
            _rules(),
            lambda arm, state: bar(state.done, state.total, f"{arm} · {note(state, is_simulated=settings.is_simulated)}"),
        )
    _tell(done, as_json)
    raise typer.Exit(done.exit_status)


def _tell(report: Any, as_json: bool) -> None:
    if as_json:
        _print_json(report.columns())
    else:
        print("\n".join(report.sentences()))


def _ingest(paths: list[Path], settings: "Settings", options: "Options", how: str) -> "Report":
    from . import batch
    from .ingest import ingest as run
    from .ingest import watch as keep_watching
    from .progress import note, terminal_bar

    with terminal_bar("documents") as bar:

        def shown(state: "Progress") -> None:
            bar(state.done, state.total, note(state, is_simulated=settings.is_simulated))

        ways: dict[str, Callable[..., Report]]
        ways = {"once": run, "watch": keep_watching, "batch": batch.ingest_in_batches, "submit": batch.submit}
        return ways[how](paths, settings, options, shown)


@batch_app.command("submit", epilog="Example: autod batch submit ~/scans --max-usd 5")
def batch_submit(
    paths: Paths,
    model: Model = None,
    input_mode: Input = None,
    max_usd: MaxUsd = None,
    limit: Limit = None,
    retry_failed: RetryFailed = False,
    allow_unpriced: Unpriced = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Send every PDF under PATH… that the record does not know in batches, and wait for nothing."""
    from .report import options

    with _settings(model=model, input_mode=input_mode, allow_unpriced=allow_unpriced or None) as settings:
        wishes = options(max_usd=max_usd, limit=limit, retry_failed=retry_failed, wait=wait)
        report = _ingest(paths, settings, wishes, "submit")
        _tell(report, as_json)
    raise typer.Exit(report.exit_status)


@batch_app.command("collect")
def batch_collect(wait: Wait = False, as_json: Json = False) -> None:
    """Fetch the answers of every batch that has ended; finish sending what a killed run had begun to send."""
    from . import batch

    with _settings() as settings:
        report = batch.collect(settings, wait=wait)
        _tell(report, as_json)
    raise typer.Exit(report.exit_status)


@batch_app.command("status")
def batch_status(as_json: Json = False) -> None:
    """Show every batch: where it stands by the record, how old it is, what it cost; asks no network."""
    from . import store

    with _settings() as settings, store.reading(settings.home) as con:
        rows = store.rows(con, f"{BATCHES_SQL} order by intended_at desc")
    return _print_json({"batches": rows}) if as_json else _print_rows(rows)


BATCHES_SQL = """
select batch_key, batch_id, is_simulated, model, state, remote_status, requests, calls_answered, calls_failed, calls_unsettled, cost_usd,
       unsettled_upper_usd, intended_at, round(age_s) as age_s, reason from batches"""


@app.command(epilog="Examples: autod estimate ~/scans   ·   autod estimate ~/scans --compare-models gpt-5-nano,gpt-6-sol --json")
def estimate(
    paths: Paths,
    local: Local = False,
    model: Model = None,
    input_mode: Input = None,
    allow_unpriced: Unpriced = False,
    exact: Annotated[bool, typer.Option("--exact", help="Have the API count the tokens: sends the documents, costs nothing, keeps nothing.")] = False,
    compare_models: Annotated[str, typer.Option("--compare-models", help="Further models, with commas.", metavar="M,…")] = "",
    limit: Annotated[int | None, typer.Option("--limit", help="Take at most N new documents.", metavar="N", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Show what reading PATH… would cost, by input mode, service tier and model; no model is asked, nothing is spent."""
    given = {"model": model, "input_mode": input_mode, "allow_unpriced": allow_unpriced or None}
    models = [name.strip() for name in compare_models.split(",") if name.strip()]
    _estimate(paths, as_json, given, local=local, exact=exact, models=models, limit=limit)


def _estimate(
    paths: list[Path],
    as_json: bool,
    given: dict[str, Any],
    *,
    local: bool = False,
    limit: int | None = None,
    retry_failed: bool = False,
    **wishes: Any,
) -> None:
    from .estimate import estimate as work_out
    from .progress import terminal_bar
    from .report import options

    with _settings(local, **given) as settings, terminal_bar("reading") as bar:
        chosen = options(limit=limit, retry_failed=retry_failed)
        result = work_out(paths, settings, lambda done, total: bar(done, total, ""), options=chosen, **wishes)
    if as_json:
        return _print_json(result.columns())
    print("\n".join(result.sentences()))
    shown = ("compared", "way", "documents", "input_tokens", "cached_tokens", "output_tokens", "expected_usd", "low_usd", "high_usd", "upper_usd")
    rows = [{name: f"{value:.6f}" if isinstance(value := row[name], Decimal) else value for name in shown} for row in result.rows()]
    return _print_rows(rows) if rows else None


@app.command(epilog="Examples: autod run 20_cost   ·   autod run --all --local -p inbox ~/scans   ·   autod run --chain night.toml")
def run(
    notebooks: Annotated[list[str] | None, typer.Argument(help="Notebooks, by name or path.", metavar="NOTEBOOK…")] = None,
    all_notebooks: Annotated[bool, typer.Option("--all", help="All notebooks, in their order.")] = False,
    chain_file: Annotated[Path | None, typer.Option("--chain", help="The steps of a TOML file, one after the other.", metavar="FILE")] = None,
    rerun: Annotated[
        str, typer.Option("--rerun", help="Again what did not end well in a run, with the same parameters; `last`: in the newest.", metavar="RUN")
    ] = "",
    step: Annotated[list[str] | None, typer.Option("--step", help="With --rerun: only this step (repeatable).", metavar="NAME")] = None,
    local: Local = False,
    parameters: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="A parameter of the notebooks (repeatable).", metavar="NAME VALUE")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run also what has not changed since its last run.")] = False,
    cell_timeout: Annotated[float | None, typer.Option("--cell-timeout", help="Longest time of a cell, in seconds.", min=1)] = None,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Longest time of a notebook or step, in seconds.", min=1)] = None,
    retries: Annotated[int | None, typer.Option("--retries", help="Further attempts of what fails of something that may pass.", min=0)] = None,
    as_json: Json = False,
) -> None:
    """Run notebooks, or a chain of steps, headlessly and render them; only what changed is run again."""
    from . import runs
    from .chain import chain_of, find_notebooks, read_chain, resolved
    from .errors import SettingsError

    given = dict(_pair(text) for text in parameters or [])
    limits = {"cell_timeout_s": cell_timeout, "timeout_s": timeout, "retries": retries}
    limits = {name: value for name, value in limits.items() if value is not None}
    if (bool(notebooks) + all_notebooks + bool(chain_file) + bool(rerun)) != 1:
        raise SettingsError("Name notebooks, or give one of --all, --chain and --rerun. Example: autod run 20_cost")
    if (rerun and (given or limits)) or (step and not rerun):
        raise SettingsError("--rerun has the parameters and limits of the run it repeats: leave -p and limits out; --step goes with --rerun alone.")
    with _settings(local) as settings:
        if rerun:
            name, steps = runs.steps_again(settings.home, rerun, step or [])
        else:
            chain = read_chain(chain_file) if chain_file else chain_of(runs.in_order(find_notebooks(notebooks or [])))
            name, steps = chain.name, resolved(chain.model_copy(update=limits), given, refused=_refused)
        environ, again = _environ(settings, local), rerun or None
        done = runs.run_steps(settings, steps, chain=name, rerun_of=again, environ=environ, force=force or bool(rerun))
        if as_json:
            _print_json(runs.summary(settings.home, done.run_id))
        else:
            _print_pages(settings, [step.name for step in steps], done.index)
    raise typer.Exit(done.exit_status)


def _environ(settings: "Settings", local: bool) -> dict[str, str]:
    """What the steps of a run have to know of the API that this command asks."""
    return {"OPENAI_BASE_URL": settings.base_url} | ({"OPENAI_API_KEY": "local"} if local else {})


def _print_pages(settings: "Settings", names: list[str], index: Path) -> None:
    pages = [settings.home / "runs" / "latest" / f"{name}.html" for name in names]
    for page in [page for page in pages if page.exists()][-1:]:
        print(f"{'Report' if page.stem == '90_report' else 'Page'}: {page}")
    print(f"All runs: {index}")


def _refused(words: list[str]) -> str:
    """Why the command line would not take these words; empty: it would."""
    command: Any = typer.main.get_command(app)
    name = "autod"
    while hasattr(command, "commands"):
        if not words or words[0] not in command.commands:
            return f"there are {', '.join(command.commands)}"
        name, command, words = words[0], command.commands[words[0]], words[1:]
    try:
        command.make_context(name, list(words))
    except (typer.Exit, typer.Abort):
        return "it asks for help"
    except Exception as error:  # typer keeps the class of a wrong use to itself
        return str(getattr(error, "message", "") or error)
    return ""


def _slots(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__slots__}


def _pair(text: str) -> tuple[str, str]:
    from .errors import SettingsError

    name, separator, value = text.partition("=")
    if not separator or not name:
        raise SettingsError(f"{text!r} is no parameter with its value. Example: -p since 2026-01-01")
    return name, value


@app.command(epilog="Examples: autod report   ·   autod report --since 2026-10-01 --until 2026-10-31")
def report(
    since: Annotated[str, typer.Option("--since", help="First UTC day that counts.", metavar="YYYY-MM-DD")] = "",
    until: Annotated[str, typer.Option("--until", help="Last UTC day that counts.", metavar="YYYY-MM-DD")] = "",
    local: Local = False,
    force: Annotated[bool, typer.Option("--force", help="Run it even if nothing changed.")] = False,
    tables: Annotated[bool, typer.Option(help="Write what it shows as CSV and Parquet beside it.")] = True,
    pdf: Annotated[bool, typer.Option(help="Print it as a PDF beside it, where there is a Chromium.")] = True,
) -> None:
    """Make the report (90_report) of what is in the record, its tables and a PDF of it, and print their paths."""
    from . import export as exporting
    from . import rendering, runs
    from .chain import chain_of, find_notebooks, resolved
    from .page import period

    shown = period(since, until)
    given = {name: value for name, value in (("since", since), ("until", until)) if value}
    with _settings(local) as settings:
        steps = resolved(chain_of(find_notebooks(["90_report"])), given, refused=_refused)
        done = runs.run_steps(settings, steps, environ=_environ(settings, local), force=force)
        _print_pages(settings, ["90_report"], done.index)
        page = settings.home / "runs" / "latest" / "90_report.html"
        if done.exit_status == 0 and tables:
            for form in ("csv", "parquet"):
                exporting.export(settings, page.with_suffix(""), exporting.OF_THE_REPORT, form=form, since=shown.since, until=shown.until)
            print(f"Tables: {page.with_suffix('')}")
        if done.exit_status == 0 and pdf and (made := rendering.printed(page)):
            print(f"PDF: {made}")
    raise typer.Exit(done.exit_status)


@app.command()
def status(as_json: Json = False) -> None:
    """Show where the workspace stands: documents, money, budget, last run, newest alerts, and what is being written."""
    from . import journal, store, workspace

    with _settings() as settings:
        held = workspace.holder(settings.home)
        with store.reading(settings.home) as con:
            waiting = sum(1 for segment in journal.segments(settings.home) if journal.is_alive(segment))
            result: dict[str, Any] = {
                "workspace": str(settings.home),
                "held_by": held,
                "segments_being_written": waiting,
                "documents": dict(con.execute("select processing_status, count(*) from documents group by all order by all").fetchall()),
                "money": store.rows(
                    con,
                    "select is_simulated, sum(calls) as calls, sum(cost_usd) as cost_usd, sum(calls_unsettled) as calls_unsettled, "
                    "sum(unsettled_upper_usd) as unsettled_upper_usd from cost_by_run group by all order by all",
                ),
                "open_batches": store.rows(con, f"{BATCHES_SQL} where is_open order by intended_at"),
                "budget": store.rows(con, "from budget_status where budget_usd is not null order by is_simulated, period"),
                "last_run": store.rows(
                    con, "select run_id, command, state, exit_status, started_at, seconds from runs_overview order by started_at desc limit 1"
                ),
                "outages": store.rows(
                    con,
                    "select run_id, state, opened_at, away_s, probes, reason from api_outages "
                    "where run_id = (select max(run_id) from runs_started where command = 'ingest') order by outage desc limit 3",
                ),
                "rate": store.rows(con, "from rate_by_run where run_id = (select max(run_id) from runs_started where command = 'ingest')"),
                "alerts": store.rows(
                    con, "select logged_at, severity, component, message from alerts order by logged_at desc, run_id, seq desc limit 5"
                ),
            }
    if as_json:
        return _print_json(result)
    print(f"Workspace {result['workspace']}: {'held by ' + held if held else 'free'}")
    print("Documents: " + (", ".join(f"{count} {name}" for name, count in result["documents"].items()) or "none yet: autod ingest PATH"))
    for name in ("money", "budget", "open_batches", "last_run", "outages", "rate", "alerts"):
        if result[name]:
            print(f"\n{name.replace('_', ' ').capitalize()}")
            _print_rows(result[name], widest=None if name == "alerts" else 80)
    return None


@app.command()
def show(document: Annotated[str, typer.Argument(help="A file, or the beginning of a SHA-256.", metavar="FILE|SHA")], as_json: Json = False) -> None:
    """Show what is known of a document: state, reason, fields, cost, and what to do next."""
    from . import store
    from .show import describe

    with _settings() as settings, store.reading(settings.home) as con:
        result = describe(con, document)
    if as_json:
        return _print_json(result.columns())
    print("\n".join(result.sentences()))
    return None


@labels_app.command("import")
def labels_import(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON with file or sha256 and fields of the record.")],
    labeller: Annotated[str, typer.Option("--labeller", help="Who says so; a column `labeller` beats it.")] = "",
    column: Annotated[
        list[str] | None, typer.Option("--column", help="The field that another column holds; may be repeated.", metavar="NAME=FIELD")
    ] = None,
    settle: Annotated[bool, typer.Option("--settle", help="These labels count over what other labellers said.")] = False,
    as_json: Json = False,
) -> None:
    """Import gold labels; the same labels again add nothing.

    Of one labeller the newest label counts. Between labellers that contradict each other, the one who labelled the field first counts until
    somebody settles it.
    """
    from . import labels

    with _settings() as settings:
        mapping = {name: target for name, _, target in (pair.partition("=") for pair in column or [])}
        result = labels.import_labels(settings.home, file, labeller=labeller, mapping=mapping, settles=settle)
    if as_json:
        return _print_json(vars(result))
    print(result.sentence())
    return None


@labels_app.command("export")
def labels_export(file: Annotated[Path, typer.Argument(help="File to write: .csv, .parquet or .json.")]) -> None:
    """Export what each labeller says, one row a document and labeller."""
    from . import labels

    with _settings() as settings:
        print(f"{labels.export_labels(settings.home, file)} labelled documents written to {file}")


@app.command("evaluate")
def evaluate_command(
    rules: Annotated[bool, typer.Option("--rules", help="First read the labelled documents by rules, free of charge, as a baseline.")] = False,
    drift_since: Annotated[str, typer.Option("--drift-since", help="First UTC day of the drift's reference window.", metavar="DATE")] = "",
    as_json: Json = False,
) -> None:
    """Show how often each field is right on the labelled documents, by arm, with 95 % intervals; raise an alert for what has drifted."""
    from . import drift, evaluate
    from .baseline import read_by_rules

    with _settings() as settings:
        if rules:
            read_by_rules(settings, _rules())
        moved = drift.watch(settings, drift_since)
        result = evaluate.evaluation(settings.home)
    if as_json:
        return _print_json(result | {"drift_alerts": [alert.message for alert in moved]})
    rows = [
        {
            "arm": row["arm"],
            "field": row["field"],
            "labelled": row["labelled"],
            "right": f"{row['accuracy']:.1%}",
            "95 % interval": f"{row['accuracy_low']:.1%}–{row['accuracy_high']:.1%}",
            "strict": f"{row['accuracy_strict']:.1%}",
        }
        for row in result["accuracy_by_field"]
    ]
    return _print_rows(rows) if rows else print("No labelled document has an answer yet: autod labels import FILE, after autod ingest PATH")


def _rules() -> "Rules":
    from .local_api.rules import read_document, strength_of

    strongest = strength_of("sol")
    return lambda pages, name, count: read_document(pages, name, count, strongest)


@app.command(epilog="Examples: autod experiment plan.toml --dry-run   ·   autod experiment plan.toml --local")
def experiment(
    plan: Annotated[Path, typer.Argument(help="TOML file with max_usd, arms, and paths (else all labelled documents).", metavar="PLAN.toml")],
    local: Local = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would cost; send and record nothing.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Ask the same documents in several ways, within a budget; its price is shown first, and no answer is paid for twice."""
    from . import experiments
    from .progress import note, terminal_bar
    from .settings import unit_of_money

    with _settings(local) as settings:
        wanted = experiments.read_plan(plan)
        with terminal_bar("reading") as bar:
            rows = experiments.price_rows(experiments.price(wanted, settings, lambda done, total: bar(done, total, "")))
        money = unit_of_money(settings.is_simulated)
        if dry_run:
            return _print_json({"name": wanted.name, "max_usd": wanted.max_usd, "arms": rows}) if as_json else _print_rows(rows)
        asked = [f"{row['arm']}: {row['documents']} documents, at most {_cell(row['upper_usd']) or 'unknown'} {money}" for row in rows]
        if not _agreed([*asked, f"The budget of the plan is {wanted.max_usd} {money}."], yes):
            return None
        with terminal_bar("documents") as bar:
            outcome = experiments.run(
                wanted, settings, lambda arm, state: bar(state.done, state.total, f"{arm} · {note(state, is_simulated=settings.is_simulated)}")
            )
    _tell(outcome, as_json)
    raise typer.Exit(outcome.exit_status)


@app.command(epilog="Examples: autod compare   ·   autod compare --field total_amount --json")
def compare(
    field: Annotated[str, typer.Option("--field", help="Field of the record; all labelled fields without it.", metavar="F")] = "(all)",
    simulated: Annotated[str, typer.Option("--simulated", help="auto, yes or no.", metavar="WORD")] = "auto",
    as_json: Json = False,
) -> None:
    """Compare the arms of the record on the labelled documents they share: which is better, what it costs, and whether that is decided."""
    from . import comparison, metrics, store

    with _settings() as settings, store.reading(settings.home) as con:
        kind = metrics.choose_money(con, simulated)
        given = comparison.answers(con, field, is_simulated=kind)
    plane, pairs = comparison.plane(comparison.in_common(given)), comparison.pairs(given)
    if as_json:
        return _print_json({"field": field, "plane": plane.to_dicts(), "pairs": pairs.to_dicts()})
    if plane.is_empty():
        return print("No labelled document has an answer yet: autod labels import FILE, after autod ingest PATH")
    shown = ("arm", "documents", "accuracy", "accuracy_low", "accuracy_high", "usd_a_thousand", "usd_a_correct_document", "latency_s", "front_share")
    _print_rows([{name: _figure(row[name]) for name in shown} for row in plane.to_dicts()])
    print("\nUSD is simulated.\n" if kind else "")
    if pairs.is_empty():
        return print("There is one arm alone: ask the same documents in another way with autod experiment PLAN.toml")
    return print("\n".join(comparison.sentence(row) for row in pairs.to_dicts()))


@app.command(epilog="Examples: autod buy --target 0.99 --field total_amount --person-usd 0.40   ·   autod buy --usd-a-thousand 5 --json")
def buy(
    target: Annotated[float | None, typer.Option("--target", help="Share of documents that shall be right.", metavar="SHARE", min=0, max=1)] = None,
    usd_a_thousand: Annotated[
        float | None, typer.Option("--usd-a-thousand", help="What 1,000 documents may cost, instead of a target.", metavar="X", min=0)
    ] = None,
    field: Annotated[str, typer.Option("--field", help="Field that shall be right; every labelled field without it.", metavar="F")] = "(all)",
    person_usd: Annotated[float | None, typer.Option("--person-usd", help="What a document costs that a person reads.", metavar="X", min=0)] = None,
    sure: Annotated[float, typer.Option("--sure", help="Certainty of the promise.", metavar="SHARE", min=0, max=1)] = 0.9,
    simulated: Annotated[str, typer.Option("--simulated", help="auto, yes or no.", metavar="WORD")] = "auto",
    save: Annotated[
        str, typer.Option("--save", help="Keep the promised policy under this name, for autod ingest --policy NAME.", metavar="NAME")
    ] = "",
    as_json: Json = False,
) -> None:
    """Find the cheapest cascade of the arms in the record that is right often enough, or the most right within a price; nothing is asked."""
    from . import bought, comparison, metrics, policies, store
    from .settings import unit_of_money

    with _settings() as settings:
        with store.reading(settings.home) as con:
            kind = metrics.choose_money(con, simulated)
            given = comparison.answers(con, field, is_simulated=kind)
        person, price = (None if value is None else Decimal(str(value)) for value in (person_usd, usd_a_thousand))
        offer = policies.offered(given, target=target, usd_a_thousand=price, person_usd=person, sure=sure, votes=field != comparison.EVERY)
        if not as_json:
            print("\n".join(offer.sentences(unit_of_money(kind))))
        kept = bought.save(settings, save, offer.promise, field, is_simulated=kind, person_usd=person) if save else None
    if as_json:
        return _print_json(offer.columns() | ({"saved": kept.columns()} if kept else {}))
    return print(f"Saved as {kept.title}; it runs by autod ingest PATH --policy {kept.name!r}.") if kept else None


@app.command("policy", epilog="Examples: autod policy   ·   autod policy invoices --json")
def policy_command(
    name: Annotated[str, typer.Argument(help="A saved policy; all of them without it.", metavar="[NAME]")] = "",
    as_json: Json = False,
) -> None:
    """Show saved policies: what they ask, what they promised, and whether they kept it on documents that were labelled since."""
    from . import bought

    with _settings() as settings:
        found = [bought.find(settings.home, name)] if name else [each for each in bought.saved(settings.home) if each.is_newest]
        kept = bought.verdicts(settings.home)
    if as_json:
        rows = [each.columns() | {"kept": kept[each.policy_run_id]} for each in found]
        return _print_json(rows[0] if name else {"policies": rows})
    lines = [line for each in found for line in (*each.sentences(), bought.verdict(kept[each.policy_run_id]))]
    return print("\n".join(lines or ["No policy is saved yet: autod buy --target SHARE --save NAME"]))


def _figure(value: Any) -> Any:
    return f"{value:.4f}" if isinstance(value, float | Decimal) else value


@app.command(epilog="Examples: autod prices gpt-6-luna   ·   autod prices o3 --at 2025-06-01 --json")
def prices(
    model: Annotated[str | None, typer.Argument(help="Model; the one in the settings without it.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="A UTC day; today without it.", metavar="DATE")] = None,
    as_json: Json = False,
) -> None:
    """Show what a model costs in each service tier, since when, and where the price is from; asks no network."""
    from .prices import price_table

    with _settings() as settings:
        table = price_table(model or settings.model, at)
    if as_json:
        return _print_json(table.columns())
    print("\n".join(table.sentences()[:1]))
    _print_rows(table.rows(), widest=40)
    return print("\n" + "\n".join(table.sentences()[1:]))


@app.command(epilog="Example: autod index --limit 100")
def index(
    local: Local = False,
    limit: Annotated[int | None, typer.Option("--limit", help="At most so many documents.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Make answered documents searchable: a copy of each in the vector store of this workspace, which deletes it by itself in time."""
    from . import resources
    from .progress import terminal_bar

    with _settings(local) as settings, terminal_bar("documents") as bar:
        report = resources.index(settings, limit=limit, progress=lambda state: bar(state.done, state.total, ""))
    _end(report, as_json)


@app.command(epilog='Example: autod search "who insures the warehouse?" --filter doc_type=InsuranceDocument')
def search(
    query: Annotated[str, typer.Argument(help="What is looked for.", metavar="QUESTION")],
    local: Local = False,
    given: Annotated[
        list[str] | None, typer.Option("--filter", help="Only documents with this attribute; may be repeated.", metavar="NAME=VALUE")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many hits.", min=1, max=50)] = 10,
    record: Annotated[bool, typer.Option("--record", help="Search the words of the record instead: free, and asks no network.")] = False,
    as_json: Json = False,
) -> None:
    """Search the documents: by the provider's vector store, or by the words that the record holds of them."""
    from . import metrics, resources, store

    with _settings(local) as settings:
        if record:
            with store.reading(settings.home) as con:
                hits = metrics.search_record(con, query, is_simulated=metrics.choose_money(con), limit=limit)
        else:
            hits = resources.search(settings, query, filters=resources.filters_of(given or []), limit=limit)
    rows = hits.to_dicts()
    if as_json:
        return _print_json({"query": query, "hits": rows})
    names = ("place", "score", "file_name", "doc_type", "issuer", "primary_date", "excerpt")
    return _print_rows([{name: row[name] for name in names} for row in rows], widest=60)


@app.command()
def sweep(
    local: Local = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Name what would be removed; remove and write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what autoD made for this workspace at the provider and no record knows; nothing of anybody else's is touched."""
    from . import resources

    with _settings(local) as settings:
        report = resources.sweep(settings, dry_run=dry_run)
    _end(report, as_json)


@app.command(epilog="Examples: autod delete ~/scans/letter.pdf   ·   autod delete 3fa41c --dry-run")
def delete(
    documents: Annotated[list[str], typer.Argument(help="Files, or beginnings of SHA-256.", metavar="FILE|SHA…")],
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete documents softly: whoever sees one again brings it back at no cost; `autod purge` takes them for good."""
    from . import purge as library

    with _settings() as settings:
        report = library.delete(settings, documents, dry_run=True)
        if not dry_run and _agreed(report.sentences()[: len(report.documents)], yes):
            report = library.delete(settings, documents)
    _end(report, as_json)


@app.command(epilog="Examples: autod purge --dry-run   ·   autod purge --days 0")
def purge(
    days: Annotated[
        int | None, typer.Option("--days", help="Take what was deleted so long ago; AUTOD_RETENTION_DAYS without it.", metavar="N", min=0)
    ] = None,
    local: Local = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Take deleted documents out of journal, database, pages and the provider's stores for good; what they cost stays in the ledger."""
    from . import purge as library

    with _settings(local) as settings:
        report = library.purge(settings, days=days, dry_run=True)
        if not dry_run and _agreed(report.sentences()[:1], yes or not report.documents):
            report = library.purge(settings, days=days)
    _end(report, as_json)


def _agreed(sentences: list[str], yes: bool) -> bool:
    """Whether to go on: a person at a terminal is asked, a script has decided."""
    if yes or not sys.stdin.isatty():
        return True
    print("\n".join(sentences), file=sys.stderr)
    return typer.confirm("Go on?", err=True)


def _end(report: Any, as_json: bool) -> None:
    if as_json:
        _print_json(vars(report))
    else:
        print("\n".join(report.sentences()))
    raise typer.Exit(report.exit_status)


@app.command(epilog="Examples: autod advise   ·   autod advise --model gpt-5-nano --since 2026-10-01 --json")
def advise(
    models: Annotated[list[str] | None, typer.Option("--model", help="A further model whose price to compare (repeatable).", metavar="M")] = None,
    since: Annotated[str, typer.Option("--since", help="First UTC day that counts.", metavar="YYYY-MM-DD")] = "",
    until: Annotated[str, typer.Option("--until", help="Last UTC day that counts.", metavar="YYYY-MM-DD")] = "",
    as_json: Json = False,
) -> None:
    """Show what other choices would have saved, by repricing the ledger call by call, and what to change."""
    from . import advise as library
    from . import metrics, page, store

    with _settings() as settings, store.reading(settings.home) as con:
        period = page.period(since, until)
        scope: dict[str, Any] = {"is_simulated": metrics.choose_money(con), "since": period.since, "until": period.until}
        table = library.left_on_table(con, models=models or (), **scope)
        saved = library.savings(con, **scope)
    found, summary = library.advice(table), [library.summary(table), library.saved(saved)]
    if as_json:
        return _print_json(
            {**scope, "summary": summary, "advice": [_slots(item) for item in found], "policies": table.to_dicts(), "savings": saved.to_dicts()}
        )
    print("\n".join(line for line in summary if line))
    for item in found:
        print(f"\n{item.sentence}")
    if table.height:
        print()
        _print_rows(
            [
                {
                    "policy": row["policy"],
                    "calls": row["calls"],
                    "would cost": page.usd(row["repriced_usd"]),
                    "saved": page.usd(row["saved_usd"]),
                    "share": page.share(abs(row["share_saved"])) if row["saved_usd"] >= 0 else f"−{page.share(abs(row['share_saved']))}",
                }
                for row in table.iter_rows(named=True)
            ]
        )
    return None


@app.command(
    epilog="Examples: autod reconcile --from 2026-11-01 --to 2026-11-30   ·   autod reconcile --from 2026-11-01 --file costs.csv --file usage.csv"
)
def reconcile(
    first: Annotated[datetime, typer.Option("--from", help="First UTC day compared.", metavar="DAY", formats=["%Y-%m-%d"])],
    last: Annotated[
        datetime | None, typer.Option("--to", help="Last UTC day compared; the first without it.", metavar="DAY", formats=["%Y-%m-%d"])
    ] = None,
    files: Annotated[
        list[Path] | None, typer.Option("--file", help="Export of the provider's dashboard, CSV or JSON (repeatable).", metavar="EXPORT")
    ] = None,
    settle: Annotated[bool, typer.Option("--settle", help="Note in the ledger how unsettled calls ended, where the data proves it.")] = False,
    local: Local = False,
    as_json: Json = False,
) -> None:
    """Compare the ledger with the provider's usage and costs, and name what explains each difference. Exit 1 when something is unexplained."""
    from .reconcile import reconcile as compare

    with _settings(local) as settings:
        result = compare(settings, first.date(), (last or first).date(), exports=files, settle=settle)
    if as_json:
        _print_json(result.columns())
    else:
        print("\n".join(result.sentences()) + "\n")
        _print_rows(result.waterfall())
        print()
        _print_rows(result.cells())
    raise typer.Exit(0 if result.is_explained else 1)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check every part: settings, disk, journal, database, API, budget, backlog, vector store, last run. Exit 0 healthy, 1 degraded, 6 unhealthy."""
    from .doctor import EXIT, examine, worst

    with _settings() as settings:
        checks = examine(settings)
        state = worst(checks)
    if as_json:
        _print_json({"state": state, "checks": [_slots(check) for check in checks], "settings": settings.printable()})
    else:
        _print_rows([_slots(check) for check in checks], widest=None)
        print()
        _print_rows([{"setting": name, "value": value} for name, value in settings.printable().items()])
        print(f"\n{state}")
    raise typer.Exit(EXIT[state])


@app.command(epilog="Examples: autod metrics   ·   autod metrics --textfile /var/lib/node_exporter/textfile/autod.prom")
def metrics(
    textfile: Annotated[
        Path | None, typer.Option("--textfile", help="Write a file for the textfile collector of a node exporter instead.", metavar="PATH")
    ] = None,
) -> None:
    """Print what a monitoring system asks, as OpenMetrics text: calls, errors, money, latency, backlog, breaker, sizes, health."""
    from . import measures

    with _settings() as settings:
        if textfile is None:
            print(measures.openmetrics(settings), end="")
        else:
            measures.write_textfile(settings, textfile)


@app.command(epilog="Examples: autod init   ·   autod init ~/books")
def init(
    folder: Annotated[Path, typer.Argument(help="Where; made if it is not there.", metavar="[FOLDER]")] = Path(),
    as_json: Json = False,
) -> None:
    """Begin a workspace: its folder, and a file .env with every setting, commented out; nothing is overwritten or asked."""
    from .init import init as begin

    _end(begin(folder), as_json)


@app.command(epilog="Examples: autod backup   ·   autod backup /mnt/safe/autod-monday.tar.gz")
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="File to write; one in the workspace's own folder of backups without it.", metavar="[FILE]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy database and journal into one file, whole and consistent, while a run goes on."""
    from .backup import backup as copy

    with _settings() as settings:
        report = copy(settings, file)
    _end(report, as_json)


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A backup.", metavar="FILE")], as_json: Json = False) -> None:
    """Bring back what a backup holds and the workspace lacks; what is there and whole stays."""
    from .backup import restore as bring_back

    with _settings() as settings:
        report = bring_back(settings, file)
    _end(report, as_json)


@app.command(epilog="Examples: autod export ~/figures   ·   autod export ~/figures cost_by_day documents --format parquet")
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write into.", metavar="DIR")],
    names: Annotated[list[str] | None, typer.Argument(help="Views and tables; every view without a name.", metavar="[VIEW|TABLE]…")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every view and every table.")] = False,
    form: Annotated[str, typer.Option("--format", help="csv, parquet or json.", metavar="FORM")] = "csv",
    as_json: Json = False,
) -> None:
    """Write views and tables as files for other programs; no spreadsheet finds a live formula in them."""
    from .export import export as write

    with _settings() as settings:
        report = write(settings, folder, names or (), form=form, tables=everything)
    _end(report, as_json)


@app.command()
def load() -> None:
    """Load what the journal holds into the database; makes it anew if it is gone."""
    from . import store

    with _settings() as settings:
        done = store.load(settings.home)
    print(f"{done.events} events of {len(set(done.segments))} runs loaded, {done.poison} lines quarantined, {done.torn_bytes} torn bytes dropped.")
    raise typer.Exit(1 if done.poison else 0)


@app.command()
def migrate() -> None:
    """Bring the database to this version."""
    from . import store

    with _settings() as settings, store.writing(settings.home) as con:
        rows = con.execute("select version, name from schema_migrations order by version").fetchall()
    print(f"{settings.home / store.DATABASE} is of version {rows[-1][0]} ({rows[-1][1]}).")


@app.command(epilog="Example: autod sql 'select day_utc, cost_usd from cost_by_day order by day_utc'")
def sql(
    statement: Annotated[str, typer.Argument(help="A SELECT.", metavar='"SELECT …"')],
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Ask the database, read-only: no file, no network, no change."""
    import duckdb

    from . import store
    from .errors import SettingsError

    with _settings() as settings, store.reading(settings.home) as con:
        try:
            rows = store.rows(con, statement)
        except duckdb.Error as error:
            raise SettingsError(str(error).split("\n\n")[0]) from None
        except AttributeError:  # duckdb gives no cursor for no statement
            raise SettingsError("There is no statement. Example: autod sql 'from cost_by_day'") from None
    if as_json:
        _print_json({"rows": rows})
    elif as_csv:
        import csv

        writer = csv.writer(sys.stdout)
        writer.writerow(map(store.inert, rows[0] if rows else []))
        writer.writerows([store.inert(value) for value in row.values()] for row in rows)
    else:
        _print_rows(rows)


@app.command("local-api")
def local_api_command(
    port: Annotated[int, typer.Option("--port", help="Port on 127.0.0.1; 0 takes a free one.")] = 8321,
    latency: Annotated[float, typer.Option("--latency", help="Seconds before each answer.", metavar="SECONDS", min=0)] = 0.0,
    faults: Annotated[str, typer.Option("--faults", help="Faults and rates, e.g. 429=0.1,drop-after=0.02.", metavar="SPEC")] = "",
    log: Annotated[Path | None, typer.Option("--log", help="One JSON line a request that was answered.", metavar="FILE")] = None,
    discrepancies: Annotated[
        str, typer.Option("--discrepancies", help="What its usage and costs say wrongly, e.g. price,tier.", metavar="NAMES")
    ] = "",
) -> None:
    """Serve the simulated API on this machine until interrupted; its address is printed first."""
    from .local_api.__main__ import main as serve

    arguments = [
        f"--port={port}",
        f"--latency={latency}",
        f"--faults={faults}",
        f"--discrepancies={discrepancies}",
        *([f"--log={log}"] if log else []),
    ]
    raise typer.Exit(serve(arguments))


@app.command(context_settings={"ignore_unknown_options": True})
def lab(
    options: Annotated[list[str] | None, typer.Argument(help="Options of JupyterLab, such as --no-browser.", metavar="OPTION…")] = None,
) -> None:
    """Open JupyterLab on the notebooks."""
    from .chain import find_notebooks
    from .runs import environment_of

    with _settings() as settings:
        environ = os.environ | environment_of(settings)
    notebook = find_notebooks(["00_start_here"])[0]
    os.execve(sys.executable, [sys.executable, "-m", "jupyterlab", str(notebook), *(options or [])], environ)  # noqa: S606
