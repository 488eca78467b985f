"""`careloop ehr add|list|revoke`."""

import argparse
from pathlib import Path

from careloop.access.ehrs import NewEhr
from careloop.access.model import system_principal
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.errors import Rejected
from careloop.flows import panel


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands are known to the parser."""
    group = add_command(
        commands,
        "ehr",
        says="let EHRs open our panel for a patient, list them, shut them out",
        example="careloop ehr add --iss https://ehr.example/fhir --client-id careloop --origin https://ehr.example",
        run=None,
    ).add_subparsers(metavar="add|list|revoke", required=True)
    add = group.add_parser("add", help="an EHR may open the panel; again: as it is described now")
    add.add_argument("--iss", required=True, metavar="URL", help="the EHR's FHIR base address")
    add.add_argument("--client-id", required=True, metavar="ID", help="what we are called at the EHR")
    add.add_argument(
        "--client-secret-file", metavar="F", help="our secret at the EHR; without it we are a public client"
    )
    add.add_argument("--name", metavar="N", help="what people call it; by default the address")
    add.add_argument("--host", action="append", default=[], metavar="H", help="another host of its sign-in")
    add.add_argument("--origin", action="append", default=[], metavar="O", help="whose pages may frame the panel")
    shown = group.add_parser("list", help="the EHRs of a tenant")
    revoke = group.add_parser("revoke", help="an EHR opens nothing any more")
    revoke.add_argument("iss", metavar="URL")
    for parser, run in ((add, _add), (shown, _list), (revoke, _revoke)):
        add_tenant(parser)
        add_common(parser)
        parser.set_defaults(run=run)


def _add(arguments: argparse.Namespace) -> int:
    new = NewEhr(
        iss=arguments.iss,
        name=arguments.name or arguments.iss,
        client_id=arguments.client_id,
        client_secret=_secret(arguments.client_secret_file),
        hosts=arguments.host,
        origins=arguments.origin,
    )
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        added = panel.add_ehr(app, system_principal(tenant.id, "cli"), tenant, new)
    report(arguments, {"iss": added.iss, "name": added.name, "origins": list(added.origins)})
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        found = panel.list_ehrs(app, system_principal(tenant.id, "cli"), tenant)
    facts = [{"iss": one.iss, "name": one.name, "client_id": one.client_id, "revoked": one.revoked} for one in found]
    lines = [f"{'revoked' if one.revoked else 'active':8} {one.iss:40} {one.name}" for one in found]
    report(arguments, {"ehrs": facts}, lines)
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        gone = panel.revoke_ehr(app, system_principal(tenant.id, "cli"), tenant, arguments.iss)
    report(arguments, {"iss": gone.iss, "revoked": gone.revoked})
    return 0


def _secret(place: str | None) -> str | None:
    """The secret in a file: never on the command line, where others see it."""
    if place is None:
        return None
    text = Path(place).read_text(encoding="utf-8").strip() if Path(place).is_file() else ""
    if not text or len(text) > 1000:
        raise Rejected(at="--client-secret-file", expected="a file with one secret")
    return text
