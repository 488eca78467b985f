"""`careloop cds add|list|revoke`."""

import argparse

from careloop.access.model import system_principal
from careloop.cli.client import read_jwks
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.flows import cds


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands are known to the parser."""
    group = add_command(
        commands,
        "cds",
        says="let EHRs ask our CDS Hooks services, list them, shut them out",
        example="careloop cds add https://ehr.example --tenant riverbend --jwks ehr-keys.json",
        run=None,
    ).add_subparsers(metavar="add|list|revoke", required=True)
    add = group.add_parser("add", help="an EHR may ask; again: it has these keys from now on")
    add.add_argument("iss", metavar="ISS", help="what the EHR's requests say as their issuer")
    add.add_argument("--name", metavar="N", help="what people call it; by default the issuer")
    add.add_argument("--jwks", required=True, metavar="F-or-URL", help="the EHR's public keys; read once")
    shown = group.add_parser("list", help="the EHRs of a tenant")
    revoke = group.add_parser("revoke", help="refuse an EHR from now on")
    revoke.add_argument("iss", metavar="ISS")
    for parser, run in ((add, _add), (shown, _list), (revoke, _revoke)):
        add_tenant(parser)
        add_common(parser)
        parser.set_defaults(run=run)


def _add(arguments: argparse.Namespace) -> int:
    jwks = read_jwks(arguments.jwks)
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        who = system_principal(tenant.id, "cli")
        added = cds.add_issuer(app, who, tenant, arguments.iss, arguments.name or arguments.iss, jwks)
    report(arguments, {"iss": added.iss, "name": added.name, "keys": len(added.jwks["keys"])})
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        found = cds.list_issuers(app, system_principal(tenant.id, "cli"), tenant)
    facts = [{"iss": one.iss, "name": one.name, "revoked": one.revoked} for one in found]
    lines = [f"{'revoked' if one.revoked else 'active':8} {one.iss:40} {one.name}" for one in found]
    report(arguments, {"issuers": facts}, lines)
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        gone = cds.revoke_issuer(app, system_principal(tenant.id, "cli"), tenant, arguments.iss)
    report(arguments, {"iss": gone.iss, "revoked": gone.revoked})
    return 0
