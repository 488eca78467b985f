"""`careloop view run|publish|list`: the record as tables (SQL on FHIR)."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from careloop import reports
from careloop.access.model import Tenant, system_principal
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, say, tenant_of
from careloop.errors import Rejected
from careloop.fhir.jsons import decode
from careloop.flows import view_files, views
from careloop.flows.app import App


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `view run`, `view publish` and `view list`."""
    group = add_command(
        commands,
        "view",
        says="the record as tables, by a ViewDefinition (SQL on FHIR)",
        example="careloop view run patient_demographics --tenant riverbend --out patients.parquet",
        run=None,
    ).add_subparsers(metavar="run|publish|list", required=True)
    run = group.add_parser("run", help="write the rows of a view to a file")
    run.add_argument("view", metavar="VIEW", help="a ViewDefinition (JSON file), or the name of one of ours")
    run.add_argument("--out", type=Path, metavar="F", help="the file; left out: NDJSON on stdout")
    run.add_argument("--format", choices=view_files.FORMATS, help="left out: by the ending of the file")
    run.set_defaults(run=run_view)
    publish = group.add_parser("publish", help="make the view a table that SQL can read")
    publish.add_argument("view", metavar="VIEW", nargs="+", help="ViewDefinitions (JSON files), or names of ours")
    publish.set_defaults(run=run_publish)
    listed = group.add_parser("list", help="our views, and what is published")
    listed.set_defaults(run=run_list)
    for parser in (run, publish, listed):
        add_tenant(parser)
        add_common(parser)


def definition_of(app: App, name: str) -> Any:
    """The ViewDefinition in a file, or the one of ours with that name."""
    path = Path(name)
    if path.suffix != ".json":
        return views.shipped(app.catalog, name)
    if not path.is_file():
        raise Rejected(at="VIEW", expected="a file that exists, or the name of a view of ours")
    return decode(path.read_bytes())


def run_view(arguments: argparse.Namespace) -> int:
    """0 when the file holds every row of the view."""
    form = arguments.format or (arguments.out.suffix.removeprefix(".") if arguments.out else "ndjson")
    if form not in view_files.FORMATS:
        raise Rejected(at="--format", expected="one of " + ", ".join(view_files.FORMATS))
    began = time.monotonic()
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        rows = _run(app, tenant, definition_of(app, arguments.view), form, arguments.out)
    seconds = round(time.monotonic() - began, 3)
    if arguments.out is not None:
        report(arguments, {"rows": rows, "file": str(arguments.out), "format": form, "seconds": seconds})
    else:
        say(f"{rows} rows in {seconds} s")
    return 0


def _run(app: App, tenant: Tenant, definition: Any, form: str, out: Path | None) -> int:
    view = views.view_of(definition)
    principal = system_principal(tenant.id, "view")
    with app.database.transaction(tenant.id, actor=principal.id) as tx:
        views.announce(tx, principal, view)
    count = 0
    with app.database.transaction(tenant.id, actor=principal.id) as tx:

        def counted() -> Any:
            nonlocal count
            for rows in views.run(tx, principal, view):
                count += len(rows)
                yield rows

        if out is not None:
            view_files.write_file(view, counted(), form, out)
        else:
            for chunk in view_files.chunks(view, counted(), form):
                sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    return count


def run_publish(arguments: argparse.Namespace) -> int:
    """0 when each view is a table."""
    facts = []
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        principal = system_principal(tenant.id, "view")
        for name in arguments.view:
            definition = definition_of(app, name)
            done = views.publish(app, principal, definition)
            facts.append({"table": done.table, "rows": done.rows, "seconds": round(done.seconds, 3)})
    lines = [f"{one['table']}: {one['rows']} rows, {one['seconds']} s" for one in facts]
    report(arguments, {"published": facts}, lines)
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    """0, with the names of our views and what is published."""
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        with app.database.transaction(tenant.id) as tx:
            published = reports.published(tx)
        ours = views.check_shipped(app.catalog)
    lines = [f"ours: {', '.join(ours)}"]
    lines += [
        f"{one['name']}: {one['row_count']} rows, published {one['published']:%Y-%m-%d %H:%M}" for one in published
    ]
    report(arguments, {"ours": ours, "published": published}, lines)
    return 0
