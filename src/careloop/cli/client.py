"""`careloop client add|list|revoke`."""

import argparse
from pathlib import Path

from careloop.access.model import system_principal
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.errors import Rejected
from careloop.fhir.jsons import Resource, decode
from careloop.flows import registration

_LARGEST_JWKS = 100_000


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands are known to the parser."""
    group = add_command(
        commands,
        "client",
        says="let other programs in, list them, shut them out",
        example='careloop client add "Bed board" --tenant riverbend --scope "system/*.rs"',
        run=None,
    ).add_subparsers(metavar="add|list|revoke", required=True)
    add = group.add_parser("add", help="register a program; prints its client_id and, once, its client_secret")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--scope", required=True, metavar="S", help="SMART v2 scopes, such as system/*.rs")
    add.add_argument("--jwks", metavar="F", help="file with the program's public keys, in place of a secret")
    shown = group.add_parser("list", help="all programs of a tenant")
    revoke = group.add_parser("revoke", help="shut a program out; its tokens are dead within seconds")
    revoke.add_argument("client", metavar="NAME-or-ID")
    for parser, run in ((add, _add), (shown, _list), (revoke, _revoke)):
        add_tenant(parser)
        add_common(parser)
        parser.set_defaults(run=run)


def _add(arguments: argparse.Namespace) -> int:
    jwks = _read_jwks(arguments.jwks) if arguments.jwks else None
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        created = registration.add_client(
            app, system_principal(tenant.id, "cli"), tenant, name=arguments.name, scope=arguments.scope, jwks=jwks
        )
    secret = {"client_secret": created.secret} if created.secret else {}
    report(arguments, {"client_id": created.client.id, **secret, "scope": " ".join(created.client.scopes)})
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        found = registration.list_clients(app, system_principal(tenant.id, "cli"), tenant)
    facts = [
        {
            "client_id": one.id,
            "name": one.name,
            "scope": " ".join(one.scopes),
            "authentication": "private_key_jwt" if one.jwks else "client_secret",
            "revoked": one.revoked,
        }
        for one in found
    ]
    lines = [
        f"{one.id:24} {'revoked' if one.revoked else 'active':8} {' '.join(one.scopes):28} {one.name}" for one in found
    ]
    report(arguments, {"clients": facts}, lines)
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        client = registration.revoke_client(app, system_principal(tenant.id, "cli"), tenant, arguments.client)
    report(arguments, {"client_id": client.id, "revoked": client.revoked})
    return 0


def _read_jwks(place: str) -> Resource:
    """The key set in a file. An address is refused: the server fetches nothing that an allow-list does not name."""
    if "://" in place:
        raise Rejected(at="--jwks", expected="a file; download the key set first")
    path = Path(place)
    if not path.is_file() or path.stat().st_size > _LARGEST_JWKS:
        raise Rejected(at="--jwks", expected="a file with a JSON Web Key Set")
    return decode(path.read_bytes())
