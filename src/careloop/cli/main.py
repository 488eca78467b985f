"""`careloop`: finds the command, runs it, turns what went wrong into an exit status."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType

from careloop.cli.logs import name_failure
from careloop.cli.options import say
from careloop.errors import CareloopError, Unavailable

COMMANDS = (
    "serve", "demo", "load", "export", "inbox", "outbox", "tenant", "user", "client", "cds", "ehr", "feed",
    "document", "deadlines", "content", "verify", "reindex", "view", "match", "pathway", "medicines", "bench",
)  # fmt: skip
"""Modules of this folder, in the order of `--help`."""

DONE, DONE_WITH_REJECTS, WRONG, NOT_AVAILABLE = 0, 1, 2, 3
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status of a command line. No error text shows a value that came in: it may be someone's."""
    sys.excepthook = name_what_failed
    given = build_parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except Unavailable as error:
        say(f"not available: {error.message}")
        return NOT_AVAILABLE
    except CareloopError as error:
        say(error.message)
        return WRONG
    except KeyboardInterrupt:
        say("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return DONE


def name_what_failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A fault of ours is shown by its kind and place: its text may hold a value that came in. The full text is for
    people who develop, with `CARELOOP_LOG_LEVEL=debug`."""
    if os.environ.get("CARELOOP_LOG_LEVEL") == "debug":
        sys.__excepthook__(kind, error, trace)
    named = name_failure(None, "error", {"exc_info": error})
    say(f"something went wrong here: {named['failed']} at {named['failed_at']}")
    sys.stdout.flush()
    os._exit(NOT_AVAILABLE)


def build_parser() -> argparse.ArgumentParser:
    """Every command, each with an example."""
    parser = argparse.ArgumentParser(
        prog="careloop",
        description="Care coordination in which every gap is a loop: opened by a fact, owned by a person, on a clock,"
        " closed only by evidence.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"careloop.cli.{name}").register(commands)
    examples = [f"  {sub.get_default('example')}" for sub in commands.choices.values()]
    parser.epilog = "\n".join(["examples:", *examples, "", "exit status: 0 done, 1 done with rejects (listed), 2 wrong"
                               " usage or content, 3 not available"])  # fmt: skip
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
