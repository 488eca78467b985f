"""`careloop client add|list|revoke|registration`."""

import argparse
from pathlib import Path
from urllib.parse import urlsplit

from careloop.access.clients import Interactive
from careloop.access.model import system_principal
from careloop.access.tenancy import settings_of
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.errors import Rejected
from careloop.fhir.jsons import Resource, decode
from careloop.flows import registration
from careloop.outside import AllowList, fetch

_LARGEST_JWKS = 100_000


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands are known to the parser."""
    group = add_command(
        commands,
        "client",
        says="let other programs in, list them, shut them out",
        example='careloop client add "Bed board" --tenant riverbend --scope "system/*.rs"',
        run=None,
    ).add_subparsers(metavar="add|list|revoke|registration", required=True)
    add = group.add_parser("add", help="register a program; prints its client_id and, once, its client_secret")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--scope", required=True, metavar="S", help="SMART v2 scopes, such as system/*.rs")
    add.add_argument("--jwks", metavar="F-or-URL", help="the program's public keys, in place of a secret; read once")
    add.add_argument("--redirect-uri", action="append", default=[], metavar="URI", help="where codes of an app may go")
    kind = add.add_mutually_exclusive_group()
    kind.add_argument("--public", action="store_true", help="an app on a person's device: no secret, PKCE alone")
    kind.add_argument("--confidential", action="store_true", help="an app that keeps a secret or keys (the default)")
    add.add_argument("--launch-url", metavar="URL", help="where the app is opened from a patient's page")
    shown = group.add_parser("list", help="all programs of a tenant")
    revoke = group.add_parser("revoke", help="shut a program out; its tokens are dead within seconds")
    revoke.add_argument("client", metavar="NAME-or-ID")
    token = group.add_parser("registration", help="the token with which apps register themselves (app_registration)")
    for parser, run in ((add, _add), (shown, _list), (revoke, _revoke), (token, _registration)):
        add_tenant(parser)
        add_common(parser)
        parser.set_defaults(run=run)


def _add(arguments: argparse.Namespace) -> int:
    jwks = read_jwks(arguments.jwks) if arguments.jwks else None
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        created = registration.add_client(
            app,
            system_principal(tenant.id, "cli"),
            tenant,
            name=arguments.name,
            scope=arguments.scope,
            jwks=jwks,
            interactive=Interactive(
                redirect_uris=arguments.redirect_uri, public=arguments.public, launch_url=arguments.launch_url
            ),
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
            "authentication": "none" if one.public else "private_key_jwt" if one.jwks else "client_secret",
            "redirect_uris": list(one.redirect_uris),
            "launch_url": one.launch_url,
            "registered": one.registered,
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


def _registration(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        number = settings_of(tenant).app_registration
        if number < 1:
            raise Rejected(at="app_registration", expected="the practice's setting app_registration above 0")
        report(arguments, {"initial_access_token": registration.registration_token(app, tenant, number)})
    return 0


def read_jwks(place: str) -> Resource:
    """The key set of a file, or of the one https address that the administrator names here; it is read now and kept."""
    if "://" in place:
        allow = AllowList(frozenset({urlsplit(place).netloc.lower().removesuffix(":443")}))
        answer = fetch("GET", place, allow, most_bytes=_LARGEST_JWKS)
        if not answer.succeeded:
            raise Rejected(at="--jwks", expected="an address that answers with a JSON Web Key Set")
        return decode(answer.body)
    path = Path(place)
    if not path.is_file() or path.stat().st_size > _LARGEST_JWKS:
        raise Rejected(at="--jwks", expected="a file with a JSON Web Key Set")
    return decode(path.read_bytes())
