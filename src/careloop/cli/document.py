"""`careloop document export|check`: C-CDA documents made from the record, or checked without loading them."""

import argparse
from pathlib import Path

from careloop.access.model import system_principal
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.errors import Rejected
from careloop.fhir.xmls import parse_xml
from careloop.flows import documents
from careloop.intake.ccda import check_document

_KINDS = ("ccd", "referral-note", "transfer-summary", "discharge-summary")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `document`."""
    group = add_command(
        commands,
        "document",
        says="write C-CDA documents from the record, or check documents",
        example="careloop document export --patient 8d0c --kind ccd --out summary.xml --tenant riverbend",
        run=None,
    ).add_subparsers(metavar="export|check", required=True)
    export = group.add_parser("export", help="a document about one patient")
    export.add_argument("--patient", required=True, metavar="P", help="id of the Patient")
    export.add_argument("--kind", choices=_KINDS, default="ccd", help="what to write")
    export.add_argument("--out", required=True, type=Path, metavar="F", help="file to write")
    add_tenant(export)
    add_common(export)
    export.set_defaults(run=_export)
    check = group.add_parser("check", help="which constraints of C-CDA R2.1 a document does not keep")
    check.add_argument("path", type=Path, metavar="F", help="the document")
    add_common(check)
    check.set_defaults(run=_check)


def _export(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        principal = system_principal(tenant.id, "document")
        with app.database.transaction(tenant.id, actor=principal.reference) as tx:
            raw = documents.ccd(app, tx, principal, arguments.patient, arguments.kind)
        faults = check_document(parse_xml(raw), documents.content_of(app))
    arguments.out.write_bytes(raw)
    named = [f"{one.at}: expected {one.expected}" for one in faults if one.severity == "error"]
    facts = {"file": str(arguments.out), "kind": arguments.kind, "bytes": len(raw), "faults": named}
    report(arguments, facts, [f"{arguments.out}: {arguments.kind}, {len(raw)} bytes, {len(named)} faults", *named])
    return 0


def _check(arguments: argparse.Namespace) -> int:
    if not arguments.path.is_file():
        raise Rejected(at="F", expected="a file that exists", code="not-found")
    with app_of(arguments) as app:
        faults = check_document(parse_xml(arguments.path.read_bytes()), documents.content_of(app))
    facts = {"faults": [{"at": one.at, "expected": one.expected, "severity": one.severity} for one in faults]}
    lines = [f"{one.severity:8} {one.at}: expected {one.expected}" for one in faults]
    report(arguments, facts, [*lines, f"{len(faults)} faults"])
    return 1 if any(one.severity == "error" for one in faults) else 0
