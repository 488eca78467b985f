"""`careloop tenant add|list|set`."""

import argparse
from dataclasses import asdict
from typing import Any

from careloop.access.model import Role, system_principal
from careloop.access.tenancy import settings_of
from careloop.cli.options import add_command, add_common, app_of, report
from careloop.errors import Rejected
from careloop.flows import outbox, tenants
from careloop.flows.staffing import NewStaff


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands are known to the parser."""
    group = add_command(
        commands,
        "tenant",
        says="make and list tenants: organisations whose data never meet",
        example='careloop tenant add riverbend --name "Riverbend Practice" --zone America/New_York',
        run=None,
    ).add_subparsers(metavar="add|list|set|allow-host|forbid-host", required=True)
    add = group.add_parser("add", help="make a tenant with its queue and a manager who leads it")
    add.add_argument("slug", metavar="SLUG", help="short name, as in dana@SLUG")
    add.add_argument("--name", required=True, metavar="N", help="name of the organisation")
    add.add_argument("--zone", required=True, metavar="Z", help="IANA time zone, such as America/New_York")
    add.add_argument("--production", action="store_true", help="real patients: no moved clock, no unknown senders")
    add.add_argument("--lead", default="manager", metavar="U", help="username of who answers for the queue")
    add.add_argument("--lead-name", metavar="N", help="that person's name")
    add_common(add)
    add.set_defaults(run=_add)
    shown = group.add_parser("list", help="all tenants")
    add_common(shown)
    shown.set_defaults(run=_list)
    changed = group.add_parser("set", help="change settings of a tenant, or show them")
    changed.add_argument("slug", metavar="SLUG", help="the tenant")
    changed.add_argument("changes", metavar="NAME=VALUE", nargs="*", help="such as validation=warn (off, warn, refuse)")
    add_common(changed)
    changed.set_defaults(run=_set)
    for name, says in (
        ("allow-host", "let notifications go to a host; without one: show them"),
        ("forbid-host", "no more"),
    ):
        host = group.add_parser(name, help=says)
        host.add_argument("slug", metavar="SLUG", help="the tenant")
        host.add_argument("host", metavar="HOST", nargs="?" if name == "allow-host" else None, help="host or host:port")
        add_common(host)
        host.set_defaults(run=_allow if name == "allow-host" else _forbid)


def _add(arguments: argparse.Namespace) -> int:
    lead = NewStaff(
        username=arguments.lead, name=arguments.lead_name or f"Manager {arguments.name}", roles=[Role.MANAGER]
    )
    with app_of(arguments) as app:
        created = tenants.create(app, arguments.slug, arguments.name, arguments.zone, arguments.production, lead=lead)
    report(
        arguments,
        {
            "tenant": created.tenant.slug,
            "id": created.tenant.id,
            "zone": created.tenant.zone,
            "production": created.tenant.production,
            "username": created.lead.username,
            "password": created.lead.password,
        },
    )
    return 0


def _allow(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        tenant = app.tenant(arguments.slug)
        who = system_principal(tenant.id, "cli")
        found = outbox.allow_host(app, who, tenant, arguments.host) if arguments.host else outbox.hosts(app, tenant)
    report(arguments, {"tenant": tenant.slug, "hosts": found}, found)
    return 0


def _forbid(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        tenant = app.tenant(arguments.slug)
        found = outbox.forbid_host(app, system_principal(tenant.id, "cli"), tenant, arguments.host)
    report(arguments, {"tenant": tenant.slug, "hosts": found}, found)
    return 0


def _set(arguments: argparse.Namespace) -> int:
    changes = dict(_change(text) for text in arguments.changes)
    with app_of(arguments) as app:
        tenant = tenants.change_settings(app, arguments.slug, changes)
    settings = asdict(settings_of(tenant))
    lines = [f"{name:20} {value}" for name, value in settings.items()]
    report(arguments, {"tenant": tenant.slug, "settings": settings}, lines)
    return 0


def _change(text: str) -> tuple[str, Any]:
    """`name=value` as a setting: true and false, whole numbers, else text."""
    name, sign, value = text.partition("=")
    if not sign:
        raise Rejected(at=name, expected="a setting as NAME=VALUE")
    if value in ("true", "false"):
        return name, value == "true"
    return name, int(value) if value.isascii() and value.isdecimal() and name != "hospital_version" else value


def _list(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        found = app.tenants()
    facts = [
        {"slug": one.slug, "id": one.id, "name": one.name, "zone": one.zone, "production": one.production}
        for one in found
    ]
    kinds = {True: "production", False: "trial"}
    lines = [f"{one.slug:20} {one.zone:24} {kinds[one.production]:10} {one.name}" for one in found]
    report(arguments, {"tenants": facts}, lines)
    return 0
