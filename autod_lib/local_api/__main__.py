"""`python -m autod_lib.local_api`: options in, one line with the address out.

Decided here: the options and their checks. The ready line is the only thing ever written to standard output. Called by `running` and by
`autod local-api`. The server's own imports wait until the options are known to be good, so that `--help` is quick.
"""

import argparse
import sys
from pathlib import Path


def arguments() -> argparse.ArgumentParser:
    """The options of the server."""
    parser = argparse.ArgumentParser(
        prog="python -m autod_lib.local_api",
        description="A simulated Responses API on 127.0.0.1. Prints its base address when ready.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, metavar="P", help="port; 0, the default, takes a free one")
    add("--latency", type=float, default=0.0, metavar="SECONDS", help="wait before each answer")
    add("--jitter", type=float, default=0.0, metavar="SHARE", help="vary the latency by up to this share, seeded")
    add("--faults", default="", metavar="SPEC", help="name[@place]=rate,… such as 429=0.05,500=first3,expired@batch=1; an unknown name lists all")
    add("--log", type=Path, default=None, metavar="FILE", help="append one JSON line for every request answered")
    add("--seed", type=int, default=0, metavar="N", help="seed of everything that varies")
    add("--answers", choices=("rules", "oracle", "canned"), default="rules", help="where answers come from")
    add("--truth", type=Path, default=None, metavar="CSV", help="oracle: the right values, by file name and sha256")
    add("--accuracy", default="0.9", metavar="A", help="oracle: share of right fields; or model=A,model=A,A")
    add("--confidence", type=float, default=None, metavar="C", help="oracle: always this confidence_score")
    add("--output-tokens", type=int, default=0, metavar="N", help="oracle, canned: pad the answer to about N tokens")
    add("--page-tokens", default="", metavar="LOW,HIGH", help="fixed image tokens a page for detail low and high")
    add("--implicit", choices=("reads-system", "reads-nothing"), default="reads-nothing", help="implicit caching")
    add("--requests-a-machine", type=int, default=15, metavar="N", help="requests a minute of one cache key before it spills; 0: it never does")
    add("--requests-per-minute", type=int, default=0, metavar="N", help="limit for one key; 0 is none")
    add("--batch-seconds", type=float, default=0.0, metavar="SECONDS", help="about how long a batch takes, by seed half to one and a half of it")
    add("--batch-reads", type=float, default=0.0, metavar="SHARE", help="share of a batch's lines that come where the cache is warm; 0: cold")
    add("--discrepancies", default="", metavar="NAMES", help="what usage and costs say wrongly; an unknown name lists all")
    add("--exit-with-parent", action="store_true", help="end when standard input ends")
    return parser


def main(given: list[str] | None = None) -> int:
    """Serve until ended. Exit 2 on wrong options."""
    parser = arguments()
    options = vars(parser.parse_args(given))
    port, exit_with_parent = options.pop("port"), options.pop("exit_with_parent")
    from .options import Options, options_from

    try:
        chosen: Options = options_from(options)
        if chosen.log is not None:
            chosen.log.open("a").close()
    except (ValueError, OSError) as problem:
        parser.error(str(problem))
    from .server import serve

    return serve(chosen, port=port, exit_with_parent=exit_with_parent)


if __name__ == "__main__":
    sys.exit(main())
