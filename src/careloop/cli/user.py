"""`careloop user add|list|disable`."""

import argparse
import sys

from careloop.access.model import Role, system_principal
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.errors import Rejected
from careloop.flows import staffing
from careloop.flows.staffing import NewStaff


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands are known to the parser."""
    group = add_command(
        commands,
        "user",
        says="make, list and disable the accounts of staff",
        example='careloop user add dana --tenant riverbend --name "Dana Reyes" --role coordinator',
        run=None,
    ).add_subparsers(metavar="add|list|disable", required=True)
    add = group.add_parser("add", help="make an account; its password is made up and shown once")
    add.add_argument("username", metavar="USERNAME", help="the part before the @, or all of dana@riverbend")
    add.add_argument("--name", required=True, metavar="N", help="the person's name")
    add.add_argument(
        "--role",
        action="append",
        required=True,
        choices=[role.value for role in Role],
        metavar="R",
        help=f"one of {', '.join(Role)}; may be given several times",
    )
    add.add_argument("--password-stdin", action="store_true", help="read the password from the first line of stdin")
    shown = group.add_parser("list", help="all accounts of a tenant")
    disable = group.add_parser("disable", help="end an account; its open work moves first")
    disable.add_argument("username", metavar="USERNAME")
    disable.add_argument("--to", metavar="U", help="username of who takes the work; left out: routing decides")
    for parser, run in ((add, _add), (shown, _list), (disable, _disable)):
        add_tenant(parser)
        add_common(parser)
        parser.set_defaults(run=run)


def _add(arguments: argparse.Namespace) -> int:
    username = _own_part(arguments)
    password = sys.stdin.readline().rstrip("\r\n") if arguments.password_stdin else None
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        person = NewStaff(
            username=username, name=arguments.name, roles=[Role(role) for role in arguments.role], password=password
        )
        created = staffing.create_account(app, system_principal(tenant.id, "cli"), tenant, person)
    shown = {
        "username": created.username,
        "practitioner": created.member.reference,
        "roles": sorted(role.value for role in created.member.roles),
    }
    secrets = {"password": created.password} if password is None else {}
    report(arguments, {**shown, **secrets, "totp_secret": created.totp_secret})
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        members = staffing.list_staff(app, system_principal(tenant.id, "cli"), tenant)
    facts = [
        {
            "username": f"{one.username}@{tenant.slug}",
            "name": one.name,
            "practitioner": one.reference,
            "roles": sorted(role.value for role in one.roles),
            "active": one.active,
        }
        for one in members
    ]
    states = {True: "active", False: "disabled"}
    lines = [
        f"{one.username + '@' + tenant.slug:28} {states[one.active]:9} {','.join(sorted(one.roles)):24} {one.name}"
        for one in members
    ]
    report(arguments, {"users": facts}, lines)
    return 0


def _disable(arguments: argparse.Namespace) -> int:
    username = _own_part(arguments)
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        moved = staffing.disable(app, system_principal(tenant.id, "cli"), tenant, username, to=arguments.to)
    report(arguments, {"username": f"{username}@{tenant.slug}", "active": False, "moved": moved})
    return 0


def _own_part(arguments: argparse.Namespace) -> str:
    """The username without its tenant; a tenant named there is the one that is meant."""
    name, _, slug = str(arguments.username).partition("@")
    if slug and arguments.tenant and slug != arguments.tenant:
        raise Rejected(at="--tenant", expected="the tenant that the username names")
    arguments.tenant = slug or arguments.tenant
    return name
