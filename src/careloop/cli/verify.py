"""`careloop verify`."""

import argparse
from dataclasses import asdict

from careloop.cli.options import add_command, add_tenant, app_of, report
from careloop.flows.verifying import verify, verify_tenant


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `verify`."""
    parser = add_command(
        commands,
        "verify",
        says="check the audit chain, the invariants of loops, and the search index against the record",
        example="careloop verify --json",
        run=run,
    )
    add_tenant(parser)


def run(arguments: argparse.Namespace) -> int:
    """0 when everything is as it must be, 1 with a list of what is not."""
    with app_of(arguments) as app:
        found = verify_tenant(app, app.tenant(arguments.tenant)) if arguments.tenant else verify(app)
    facts = [asdict(one) for one in found]
    lines = [" ".join(str(value) for value in fact.values()) for fact in facts] or ["everything is as it must be"]
    report(arguments, {"findings": facts, "clean": not found}, lines)
    return 1 if found else 0
