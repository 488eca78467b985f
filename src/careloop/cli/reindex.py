"""`careloop reindex`."""

import argparse

from careloop.cli.options import add_command, add_tenant, app_of, report, say
from careloop.flows.reindexing import reindex


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `reindex`."""
    parser = add_command(
        commands,
        "reindex",
        says="index the record for search parameters that changed, now; a running worker does it by itself",
        example="careloop reindex --tenant riverbend",
        run=run,
    )
    add_tenant(parser)
    parser.add_argument("--everything", action="store_true", help="index all resources anew although nothing changed")


def run(arguments: argparse.Namespace) -> int:
    """0 when the index of each tenant holds every search parameter. Writes and searches go on meanwhile."""
    indexed: dict[str, int] = {}
    with app_of(arguments) as app:
        for tenant in [app.tenant(arguments.tenant)] if arguments.tenant else app.tenants():
            indexed[tenant.slug] = reindex(app, tenant, everything=arguments.everything, progress=_tell)
    lines = [f"{slug}: {count} resources indexed" for slug, count in indexed.items()] or ["no tenants"]
    report(arguments, {"indexed": indexed}, lines)
    return 0


def _tell(count: int) -> None:
    if count % 10_000 == 0:
        say(f"{count} resources indexed")
