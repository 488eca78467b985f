"""`careloop verify`: is everything as it must be? Audit chain, loop invariants, the index against the record."""

import argparse
from dataclasses import asdict

from careloop.cli.options import add_command, app_of, report
from careloop.flows.verifying import verify


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command is known to the parser."""
    add_command(
        commands,
        "verify",
        says="check audit chain, loop invariants and the index against the record, in every tenant",
        example="careloop verify --json",
        run=_run,
    )


def _run(arguments: argparse.Namespace) -> int:
    """0 when nothing is wrong, 1 with findings."""
    with app_of(arguments) as app:
        found = verify(app)
    lines = [f"{one.tenant} {one.part}: {one.at}: expected {one.expected}" for one in found]
    facts = {"findings": [asdict(one) for one in found], "total": len(found)}
    report(arguments, facts, [*lines, f"{len(found)} findings"])
    return 1 if found else 0
