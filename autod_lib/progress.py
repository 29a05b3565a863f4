"""How far a long piece of work is: a bar in a terminal, plain lines elsewhere, a bar that papermill can keep in a notebook.

Decided here: what is shown (done, total, and a note such as the dollars so far), and that it goes to standard error. Called by the commands and
10_ingest. Counts nothing itself.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .report import Progress

EVERY_S: Final = 10.0


def note(state: "Progress", *, is_simulated: bool) -> str:
    """What a run has cost so far, in a few words."""
    open_calls = f", {state.unsettled} unsettled" if state.unsettled else ""
    return f"{state.cost_usd:.4f} USD{' simulated' if is_simulated else ''}{open_calls}"


@contextmanager
def terminal_bar(description: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar on standard error with rate and time left; without a terminal, a line every ten seconds. Takes done, total and a note."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn(description), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"), TimeRemainingColumn())
        begun = time.monotonic()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(description, total=None, note="")

            def show(done: int, total: int, text: str) -> None:
                rate = done / max(time.monotonic() - begun, 0.001)
                bar.update(task, completed=done, total=total, note=f"{text} {rate:.1f} a second")

            yield show
        return
    begun = last = time.monotonic()

    def line(done: int, total: int, text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY_S:
            last = time.monotonic()
            print(f"{description} {done} of {total} {text} {done / (last - begun):.1f} a second", file=sys.stderr)

    yield line


def notebook_bar(description: str) -> Callable[..., None]:
    """A callback for `ingest` and `estimate` that draws one plain bar, which also moves under papermill."""
    from tqdm import tqdm

    bar: Any = tqdm(desc=description, unit="document", ascii=True, mininterval=1.0, file=sys.stderr, delay=1.0)

    def show(*state: Any) -> None:
        done, total = state if len(state) == 2 else (state[0].done, state[0].total)
        bar.total = total
        if len(state) == 1:
            bar.set_postfix_str(f"{state[0].cost_usd:.4f} USD", refresh=False)
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return show
