"""A server on loopback that speaks the Responses API, so that everything runs without a key and without a network.

Decided here: how the server is started as a process of its own and ended again. Promised: `running` yields only when the server answers, and
leaves no process behind, even when the one who called it is killed. Called by the command line (`--local`), the tests and the benchmarks.
Imports the standard library alone: a caller pays for the server only in the server's own process. The server itself stands alone too; it
knows the wire format, not autoD.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

END_S = 5.0  # how long an ended server may take before it is killed


@contextmanager
def running(
    *,
    latency: float = 0.0,
    faults: str = "",
    log: Path | None = None,
    seed: int = 0,
    answers: str = "rules",
    **further: object,
) -> Iterator[str]:
    """Give the base address (`http://127.0.0.1:PORT/v1`) of a server that lives as long as the block.

    `latency` is in seconds; `faults` as in `faults.parse_faults`; `log` receives one JSON line a request. `further` are the other options of
    `python -m autod_lib.local_api`, underscores for dashes (`requests_per_minute=60`); None leaves one out, True gives a bare flag.

    Raises: RuntimeError if the server ends before it is ready; its own words are on standard error.
    """
    options: dict[str, object] = {
        "latency": latency,
        "faults": faults or None,
        "log": log,
        "seed": seed,
        "answers": answers,
        "exit_with_parent": True,
        **further,
    }
    server = _begin(_arguments(options))
    try:
        address = server.stdout.readline().strip() if server.stdout else ""
        if not address:
            raise RuntimeError(
                f"The loopback API ended with status {server.wait()} before it was ready; nothing was sent. "
                f"Its reason is on standard error; options were: {' '.join(_arguments(options))}"
            )
        yield address
    finally:
        _end(server)


def _begin(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", __name__, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(),
        text=True,
        start_new_session=True,  # a terminal's Ctrl-C is for the caller, whose calls in flight may still end
    )


def _arguments(options: dict[str, object]) -> list[str]:
    given: list[str] = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        flag = "--" + name.replace("_", "-")
        given += [flag] if value is True else [f"{flag}={value}"]
    return given


def _environment() -> dict[str, str]:
    """The server needs no key and must find this package whatever the current folder is."""
    home = str(Path(__file__).resolve().parents[2])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    path = kept.get("PYTHONPATH")
    return {**kept, "PYTHONPATH": os.pathsep.join([home, path]) if path else home}


def _end(server: subprocess.Popen[str]) -> None:
    server.terminate()
    try:
        server.wait(END_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    for stream in (server.stdin, server.stdout):
        if stream:
            stream.close()
