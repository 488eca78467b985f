"""`careloop export`: everything that a tenant owns, as files that others can read."""

import argparse
import time
from pathlib import Path

from careloop.access.model import system_principal
from careloop.cli.options import add_command, add_tenant, app_of, report, tenant_of
from careloop.cli.progress import Progress
from careloop.errors import Rejected
from careloop.flows import exporting
from careloop.flows.exporting import NDJSON, PARQUET

_FORMATS = {"ndjson": NDJSON, "parquet": PARQUET}


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `export`."""
    parser = add_command(
        commands, "export", says="write everything that a tenant owns into files", run=run,
        example="careloop export --tenant riverbend --out riverbend-export",
    )  # fmt: skip
    add_tenant(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder that is empty or not there yet")
    parser.add_argument("--format", choices=sorted(_FORMATS), default="ndjson", help="of the FHIR resources (ndjson)")


def run(arguments: argparse.Namespace) -> int:
    """0 when all files stand in the folder. Interrupted, it leaves what is there and is started again elsewhere."""
    out: Path = arguments.out
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Rejected(at="--out", expected="a folder that is empty or not there yet")
    out.mkdir(parents=True, exist_ok=True)
    began, progress, done = time.monotonic(), Progress("resources"), 0

    def beat(count: int) -> None:
        nonlocal done
        progress.advance(count - done)
        done = count

    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        with app.database.snapshot(tenant.id, actor="export") as tx:
            principal = system_principal(tenant.id, "export")
            now = app.clock.now()
            files = exporting.export_tenant(app, tx, principal, now, out, _FORMATS[arguments.format], beat)
    progress.finish()
    facts = {"tenant": tenant.slug, "files": files, "seconds": round(time.monotonic() - began, 3)}
    report(arguments, facts, [f"{count:>12,}  {name}" for name, count in sorted(files.items()) if count])
    return 0
