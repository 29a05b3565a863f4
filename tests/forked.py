"""Commands, servers and kernels of the tests as processes that begin with everything imported: forks of one process that imported it once.

Hundreds of tests run `autod` or the simulated API, and importing is most of what either does in a short life. Each is a process of its own
nevertheless: its own pid, session, environment, folder and exit status, killed and waited for like any other. The process that forks them ends
with the one that asked for it. Kernels, and what starts kernels, come from a second such process, which has imported what notebooks need; what
starts kernels begins with a fork of itself, from before it had a thread, that makes them its children. Elsewhere than on Linux all are started
afresh.
"""

import atexit
import ctypes
import gc
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from autod_lib import pdf, pdf_worker

PROJECT: Final = Path(__file__).resolve().parent.parent
PR_SET_CHILD_SUBREAPER: Final = 36  # linux/prctl.h: an orphan below this process becomes its child, and can be waited for
MOST_BYTES: Final = 1 << 17
MODULES: Final = {"command": "autod_lib.cli", "api": "autod_lib.local_api.__main__", "killed": "tests.killed", "pytest": "pytest", "kernel": ""}
STARTED_AFRESH: Final = {
    "command": ["-c", "from autod_lib.cli import main; main()"],
    "api": ["-m", "autod_lib.local_api"],
    "killed": ["-m", "tests.killed"],
    "pytest": ["-m", "pytest"],
}
FOR_NOTEBOOKS: Final = """pytest nbmake papermill nbconvert ipykernel.kernelapp ipykernel.debugger tornado.platform.asyncio psutil great_tables
    autod_lib.advise autod_lib.charts autod_lib.document_page autod_lib.experiments autod_lib.page autod_lib.price_tags autod_lib.review_desk
    autod_lib.runs autod_lib.words""".split()  # noqa: SIM905
KERNEL: Final = ["-m", "ipykernel_launcher"]
forking: dict[bool, socket.socket] = {}  # the connections to what forks: for notebooks, and for all else


class Forked(subprocess.Popen[str]):
    """A process as `subprocess.Popen` gives it; its first argument names an entry of MODULES, whose `main` it runs with the others."""

    def _execute_child(self, args: Any, executable: Any, preexec_fn: Any, close_fds: Any, pass_fds: Any, cwd: Any, env: Any, *rest: Any) -> None:
        ours_and_theirs = rest[3:9]
        theirs = ours_and_theirs[0], ours_and_theirs[3], ours_and_theirs[5]
        request = {"arguments": list(args), "environment": env if env is not None else dict(os.environ), "folder": str(cwd or Path.cwd())}
        connection = _forking(_is_of_notebooks(*args))
        socket.send_fds(connection, [json.dumps(request).encode()], [number if given == -1 else given for number, given in enumerate(theirs)])
        self.pid = int(connection.recv(MOST_BYTES))
        self._child_created = True
        for reading, writing in zip(ours_and_theirs[::2], ours_and_theirs[1::2], strict=True):
            if reading != -1 and writing != -1:
                os.close(next(end for end in (reading, writing) if end in theirs))


def process(name: str, arguments: list[str], **options: Any) -> subprocess.Popen[str]:
    """The entry of MODULES with these arguments in a session of its own; `options` are those of `subprocess.Popen`."""
    if sys.platform != "linux":
        return subprocess.Popen([sys.executable, *STARTED_AFRESH[name], *arguments], text=True, start_new_session=True, **options)
    return Forked([name, *arguments], text=True, **options)


class Kernel(Forked):
    """What jupyter_client takes for `subprocess.Popen`: a kernel of Python is forked, any other is started."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        if args[1:3] == KERNEL:
            super()._execute_child(["kernel", *args[3:]], *rest)
        else:
            super(Forked, self)._execute_child(args, *rest)  # type: ignore[misc]


def fork_kernels() -> None:
    """From here on, the kernels that this process starts are forks."""
    from jupyter_client import launcher

    launcher.Popen = Kernel


class Reader(subprocess.Popen[bytes]):
    """A process that reads PDFs, forked from the one that asks for it, which has the vocabulary; what it does and may do is `pdf_worker`'s."""

    def _execute_child(self, args: Any, executable: Any, preexec_fn: Any, close_fds: Any, pass_fds: Any, *_: Any) -> None:
        import pypdf  # noqa: F401  once here, not in each of them

        told = json.loads(args[-1])
        if told["encoding"]:
            pdf_worker.count_tokens("", told)
        self.pid = os.fork()
        if not self.pid:
            try:
                _read(*pass_fds, told)
            finally:
                os._exit(1)
        self._child_created = True


def _read(connection: int, shared: int, told: dict[str, Any]) -> None:
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    first, second = sorted((connection, shared))
    for between in ((3, first), (first + 1, second), (second + 1, os.sysconf("SC_OPEN_MAX"))):
        os.closerange(*between)  # the asker's ends and locks among them, which would outlive it here
    inherited = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    sys.argv = ["pdf_worker", str(connection), json.dumps(told | {"memory_bytes": told["memory_bytes"] + inherited})]
    pdf_worker.main()
    os._exit(0)


def reader(connection: int, shared: int, told: str) -> "subprocess.Popen[bytes]":
    """What `pdf._begin` gives, as a fork of this process."""
    return Reader(["reader", told], pass_fds=[connection, shared])


def _is_of_notebooks(name: str, *arguments: str) -> bool:
    return name in ("kernel", "pytest") or (name == "command" and arguments[:1] in (("run",), ("report",)))


def _forking(is_of_notebooks: bool) -> socket.socket:
    """The connection to the process that forks these; it is started on first use."""
    if is_of_notebooks in forking:
        return forking[is_of_notebooks]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOD_", "OPENAI_"))}
    environment["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # the debugger of kernels has a remark while it is imported
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forked", str(theirs.fileno()), *(["notebooks"] if is_of_notebooks else [])],
        cwd=PROJECT,
        env=environment,
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()
    forking[is_of_notebooks] = ours

    def end() -> None:
        ours.close()
        server.wait(10)

    atexit.register(end)
    return ours


def _serve(connection: socket.socket) -> Callable[[], Any]:
    """Forks whoever is asked for until the connection ends; gives, in each process made, what it is to run."""
    while True:
        message, streams, _, _ = socket.recv_fds(connection, MOST_BYTES, 3)
        if not message:
            sys.exit(0)
        read, write = os.pipe()
        between = os.fork()
        if not between:  # ends at once, so that its child is an orphan, which the process that asked adopts
            if os.fork():
                os._exit(0)
            os.setsid()  # before its pid is told: who asks for its process group at once, to interrupt it, must not be given this one's
            os.write(write, str(os.getpid()).encode())
            connection.close()
            os.close(read)
            os.close(write)
            return _become(json.loads(message), streams)
        os.waitpid(between, 0)
        os.close(write)
        for stream in streams:
            os.close(stream)
        connection.send(os.read(read, 100))
        os.close(read)


def _become(request: dict[str, Any], streams: list[int]) -> Callable[[], Any]:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        new = open(number, "r" if name == "stdin" else "w", encoding=old.encoding, errors=old.errors, closefd=False)  # noqa: SIM115  it is this process's own from here on
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.chdir(request["folder"])
    random.seed()
    name, *arguments = request["arguments"]
    sys.argv = ["autod", *arguments]
    if name == "kernel":
        from ipykernel.kernelapp import launch_new_instance

        sys.argv.append(f"--IPKernelApp.parent_handle={os.environ['JPY_PARENT_PID']}")  # it has read that while it was imported
        return launch_new_instance  # type: ignore[no-any-return]
    if _is_of_notebooks(name, *arguments):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if not os.fork():
            ours.close()
            return _serve(_aside(theirs))
        theirs.close()
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        forking[True] = ours
    pdf._begin = reader
    return sys.modules[MODULES[name]].main  # type: ignore[no-any-return]


def _aside(connection: socket.socket) -> socket.socket:
    """Leaves the session and the streams of the process whose kernels this one forks: it is to be seen by nobody, and ends when the other has."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    os.close(null)
    return connection


def _run_and_end(run: Callable[[], Any]) -> None:
    """Ends as `sys.exit` does, without taking apart what was imported, which would copy all of it into this process first."""
    try:
        status = run()
    except SystemExit as end:
        status = end.code
    if not isinstance(status, int | None):
        sys.exit(status)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(status)  # which says so
    os._exit((status or 0) & 0xFF)


def _import_everything() -> None:
    import autod_lib.api
    import autod_lib.batch
    import autod_lib.cli
    import autod_lib.ingest
    import autod_lib.local_api.__main__
    import autod_lib.local_api.counting
    import autod_lib.local_api.server
    import autod_lib.pdf
    import autod_lib.reconcile
    import autod_lib.resources
    import autod_lib.tokens
    import tests.killed  # noqa: F401

    autod_lib.api._client_class()
    autod_lib.local_api.counting.encoding_for("gpt-5-mini")
    autod_lib.tokens.encoding_for("gpt-5-mini")


def _import_for_notebooks() -> None:
    from autod_lib.quick_imports import without_grammar

    with without_grammar():
        for name in FOR_NOTEBOOKS:
            import_module(name)
    fork_kernels()


if __name__ == "__main__":
    _import_everything()
    if sys.argv[2:]:
        _import_for_notebooks()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    _run_and_end(_serve(socket.socket(fileno=int(sys.argv[1]))))
